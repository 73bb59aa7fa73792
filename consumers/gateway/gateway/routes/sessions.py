"""Sessions and runs: what an agent's process is started with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import Path
from pydantic import SecretStr

from gateway.refusals import Code
from gateway.routes.access import Serving, admin_router
from gateway.routes.answers import administrators
from gateway.routes.shapes import (
    RunShown,
    RunWanted,
    SessionResumed,
    SessionShown,
    SessionWanted,
    TokenWanted,
)
from gateway.tenancy.guests import Session
from gateway.tenancy.sessions import Brought, Opened

Identity = Annotated[str, Path(max_length=200)]

router = admin_router("/api/runtime/sessions")

# What a session's provider may be refused for, when it starts and when it goes on.
_OPENING = (
    (400, Code.AMBIGUOUS_MODEL),
    (400, Code.MODEL_NOT_SERVED),
    (404, Code.NOT_FOUND),
    (422, Code.MISSING_BYOK_CREDENTIAL),
    (500, Code.SECRET_UNREADABLE),
)


@router.post("", status_code=201, tags=["sessions"], responses=administrators(*_OPENING))
async def start_session(wanted: SessionWanted, serving: Serving) -> SessionShown:
    """Start a session of a workspace; its guest gets the environment that is returned."""
    brought = _brought(wanted, wanted.env)
    return _opened(await serving.sessions.start(wanted.workspace, brought, wanted.base_urls))


@router.get("/{session}", tags=["sessions"], responses=administrators((404, Code.NOT_FOUND)))
async def show_session(session: Identity, serving: Serving) -> SessionShown:
    """Show a session; no token of it."""
    database, sessions = serving.database, serving.sessions
    found = await database.read(lambda connection: sessions.find(connection, session))
    return _shown(found, {})


@router.post(
    "/{session}/stop",
    status_code=204,
    tags=["sessions"],
    responses=administrators((404, Code.NOT_FOUND)),
)
async def stop_session(session: Identity, serving: Serving) -> None:
    """Stop a session; its tokens open nothing from now on."""
    await serving.sessions.stop(session)


@router.post("/{session}/resume", tags=["sessions"], responses=administrators(*_OPENING))
async def resume_session(
    session: Identity, wanted: SessionResumed, serving: Serving
) -> SessionShown:
    """Resume a session with a new token and the provider that it had."""
    return _opened(await serving.sessions.resume(session, _brought(wanted, wanted.env)))


@router.post(
    "/{session}/runs",
    status_code=201,
    tags=["sessions"],
    responses=administrators((404, Code.NOT_FOUND), (409, Code.SESSION_STOPPED)),
)
async def begin_run(session: Identity, wanted: RunWanted, serving: Serving) -> RunShown:
    """Give one run of a session a token of its own."""
    token = await serving.sessions.begin_run(session, wanted.run, _brought(wanted, {}))
    return RunShown(run=wanted.run, token=token)


@router.delete(
    "/{session}/runs/{run}", status_code=204, tags=["sessions"], responses=administrators()
)
async def end_run(session: Identity, run: Identity, serving: Serving) -> None:
    """Delete a run's token, when the run has ended or was cancelled."""
    await serving.sessions.end_run(session, run)


def _brought(wanted: TokenWanted, variables: Mapping[str, SecretStr]) -> Brought:
    seconds = wanted.expires_in
    return Brought(
        env={name: value.get_secret_value() for name, value in variables.items()},
        wire=wanted.wire,
        lifetime=None if seconds is None else timedelta(seconds=seconds),
    )


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
