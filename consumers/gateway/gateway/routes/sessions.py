"""Sessions and runs: what an agent's process is started with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import SecretStr

from gateway.routes.access import ADMIN, Serving
from gateway.routes.shapes import (
    RunShown,
    RunWanted,
    SessionResumed,
    SessionShown,
    SessionWanted,
)
from gateway.sessions import Opened, Session

Identity = Annotated[str, Path(max_length=200)]

router = APIRouter(prefix="/api/runtime/sessions", dependencies=ADMIN, tags=["sessions"])


@router.post("", status_code=201)
async def start_session(wanted: SessionWanted, serving: Serving) -> SessionShown:
    """Start a session of a workspace; its guest gets the environment that is returned."""
    opened = await serving.sessions.start(
        wanted.workspace,
        _values(wanted.env),
        wanted.base_urls,
        wanted.wire,
        _lifetime(wanted.expires_in),
    )
    return _opened(opened)


@router.get("/{session}")
async def show_session(session: Identity, serving: Serving) -> SessionShown:
    """Show a session; no token of it."""
    database, sessions = serving.database, serving.sessions
    found = await database.read(lambda connection: sessions.find(connection, session))
    return _shown(found, {})


@router.post("/{session}/stop", status_code=204)
async def stop_session(session: Identity, serving: Serving) -> None:
    """Stop a session; its tokens open nothing from now on."""
    await serving.sessions.stop(session)


@router.post("/{session}/resume")
async def resume_session(
    session: Identity, wanted: SessionResumed, serving: Serving
) -> SessionShown:
    """Resume a session with a new token and the provider that it had."""
    return _opened(await serving.sessions.resume(session, _values(wanted.env)))


@router.post("/{session}/runs", status_code=201)
async def begin_run(session: Identity, wanted: RunWanted, serving: Serving) -> RunShown:
    """Give one run of a session a token of its own."""
    lifetime = _lifetime(wanted.expires_in)
    token = await serving.sessions.begin_run(session, wanted.run, lifetime)
    return RunShown(run=wanted.run, token=token)


@router.delete("/{session}/runs/{run}", status_code=204)
async def end_run(session: Identity, run: Identity, serving: Serving) -> None:
    """Delete a run's token, when the run has ended or was cancelled."""
    await serving.sessions.end_run(session, run)


def _values(variables: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in variables.items()}


def _lifetime(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _opened(opened: Opened) -> SessionShown:
    return _shown(opened.session, opened.environment)


def _shown(session: Session, environment: Mapping[str, str]) -> SessionShown:
    return SessionShown(
        id=session.id,
        workspace=session.workspace,
        runtime=session.runtime,
        model=session.model,
        provider=session.provider,
        is_active=session.is_active,
        environment=dict(environment),
    )
