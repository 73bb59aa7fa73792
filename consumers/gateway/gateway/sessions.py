"""Sessions of a workspace: the provider they keep, their tokens, and their end."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from gateway import environments, tokens
from gateway.database import Database
from gateway.layers import CREDENTIAL_NAMES, Layer, Surface
from gateway.refusals import Code, Refusal
from gateway.resolution import derive
from gateway.schema import SessionState, facade_tokens, sessions, workspaces
from gateway.stored_secrets import StoredSecrets
from gateway.wires import WireProtocol
from gateway.workspaces import Workspace, Workspaces

_REVOKED_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a token opens. Its wire is None where both protocols are open to it."""

    session: str
    model: str
    provider: str
    wire: WireProtocol | None = None
    run: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it stands. `layer` is its own, the least trusted one."""

    id: str
    workspace: str
    user: str | None
    runtime: str
    model: str
    provider: str
    is_active: bool
    base_urls: Mapping[WireProtocol, str]
    layer: Layer = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session that was started or resumed, and the environment for its guest.

    The environment is empty where nobody pays: a guest then has no credential at all.
    """

    session: Session
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A token that is known: its scope, and whether it has been revoked."""

    scope: Scope
    is_revoked: bool
    fingerprint: str


class Sessions:
    """Starts, stops and resumes sessions, and knows their tokens."""

    def __init__(
        self,
        database: Database,
        stored: StoredSecrets,
        workspaces: Workspaces,
        platform: Mapping[str, str],
        public_url: str,
    ) -> None:
        self._database = database
        self._stored = stored
        self._workspaces = workspaces
        self._platform = platform
        self._public_url = public_url

    async def start(
        self,
        workspace: str,
        given: Mapping[str, str],
        base_urls: Mapping[WireProtocol, str],
        wire: WireProtocol | None = None,
        lifetime: timedelta | None = None,
    ) -> Opened:
        """Start a session with the variables that it brings; raises Refusal (400, 404, 422)."""

        def begin(connection: Connection) -> Opened:
            found = self._workspaces.find(connection, workspace)
            values = {**self._stored.of_workspace(connection, workspace), **given}
            kept, names, is_open = self._environment(connection, found, values)
            provider = derive(found.runtime, found.model, names)
            identity = f"ses_{secrets.token_hex(12)}"
            row = {
                "id": identity,
                "workspace_id": found.id,
                "runtime": found.runtime,
                "model": found.model,
                "provider": provider.name,
                "state": SessionState.ACTIVE,
                "base_urls": dict(base_urls),
                "created_at": _now(),
            }
            connection.execute(insert(sessions).values(**row))
            self._stored.put_of_session(connection, identity, kept)
            expires = None if lifetime is None else _now() + lifetime
            return self._open(connection, identity, wire, expires, is_open)

        return await self._database.write(begin)

    async def resume(self, identity: str, given: Mapping[str, str]) -> Opened:
        """Resume a session with the provider it keeps; a key in `given` rotates both.

        Raises Refusal (400, 404, 422).
        """

        def go_on(connection: Connection) -> Opened:
            session = self.find(connection, identity)
            workspace = self._workspaces.find(connection, session.workspace)
            provider = session.provider
            values = {**session.layer.values, **given}
            kept, names, is_open = self._environment(connection, workspace, values)
            if not CREDENTIAL_NAMES.isdisjoint(given):
                provider = derive(session.runtime, session.model, names).name
            self._stored.put_of_session(connection, identity, kept)
            self._revoke(connection, identity)
            change = update(sessions).where(sessions.c.id == identity)
            connection.execute(
                change.values(state=SessionState.ACTIVE, stopped_at=None, provider=provider)
            )
            return self._open(connection, identity, None, None, is_open)

        return await self._database.write(go_on)

    def _environment(
        self, connection: Connection, workspace: Workspace, values: Mapping[str, str]
    ) -> tuple[dict[str, str], frozenset[str], bool]:
        """Return a session's variables, all names that are set, and whether anyone pays."""
        billing = self._workspaces.billing_of(connection, workspace)
        stored = self._stored.values(connection)
        kept = environments.of_workspace(
            billing, environments.known(values), {**self._platform, **stored}
        )
        names = frozenset(kept).union(stored)
        if billing.mode == "byok":
            environments.require_credential(workspace.runtime, workspace.model, names)
        return kept, names, billing.mode != "disabled"

    def _open(
        self,
        connection: Connection,
        identity: str,
        wire: WireProtocol | None,
        expires_at: datetime | None,
        is_open: bool,
    ) -> Opened:
        session = self.find(connection, identity)
        if not is_open:
            return Opened(session=session, environment={})
        scope = Scope(
            session=identity,
            model=session.model,
            provider=session.provider,
            wire=wire,
            expires_at=expires_at,
        )
        token = self._issue(connection, scope)
        environment = environments.of_guest(self._public_url, identity, token)
        return Opened(session=session, environment=environment)

    async def stop(self, identity: str) -> None:
        """Stop a session: its tokens are revoked at once, and old ones are pruned."""

        def end(connection: Connection) -> None:
            change = update(sessions).where(sessions.c.id == identity)
            done = connection.execute(change.values(state=SessionState.STOPPED, stopped_at=_now()))
            if done.rowcount == 0:
                raise _no_session()
            self._revoke(connection, identity)
            self._prune(connection)

        await self._database.write(end)

    async def begin_run(self, identity: str, run: str, lifetime: timedelta | None = None) -> str:
        """Return a token for one run of a session that is active; raises Refusal (404, 409)."""

        def issue(connection: Connection) -> str:
            session = self.find(connection, identity)
            if not session.is_active:
                raise Refusal(409, Code.FORBIDDEN, "The session is stopped.")
            scope = Scope(
                session=identity,
                model=session.model,
                provider=session.provider,
                run=run,
                expires_at=None if lifetime is None else _now() + lifetime,
            )
            return self._issue(connection, scope)

        return await self._database.write(issue)

    async def end_run(self, identity: str, run: str) -> None:
        """Delete the tokens of a run that has ended or was cancelled."""
        gone = delete(facade_tokens).where(
            facade_tokens.c.session_id == identity, facade_tokens.c.run_id == run
        )
        await self._database.write(lambda connection: connection.execute(gone))

    def admitted(self, connection: Connection, token: str) -> Admitted | None:
        """Return what a token opens, or None for one that is not known."""
        query = select(facade_tokens).where(facade_tokens.c.digest == tokens.digest(token))
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        scope = Scope(
            session=row.session_id,
            model=row.model,
            provider=row.provider,
            wire=row.wire,
            run=row.run_id,
            expires_at=row.expires_at,
        )
        return Admitted(
            scope=scope, is_revoked=row.revoked_at is not None, fingerprint=row.fingerprint
        )

    def find(self, connection: Connection, identity: str) -> Session:
        """Return a session with its own layer opened; raises Refusal (404)."""
        session = self.find_or_none(connection, identity)
        if session is None:
            raise _no_session()
        return session

    def find_or_none(self, connection: Connection, identity: str) -> Session | None:
        """Return a session with its own layer opened, or None."""
        query = (
            select(sessions, workspaces.c.user_id)
            .join(workspaces, workspaces.c.id == sessions.c.workspace_id)
            .where(sessions.c.id == identity)
        )
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        values = self._stored.of_session(connection, identity)
        return _session(row, values)

    def _issue(self, connection: Connection, scope: Scope) -> str:
        token = tokens.mint()
        hashed = tokens.digest(token)
        row = {
            "digest": hashed,
            "fingerprint": tokens.fingerprint(hashed),
            "session_id": scope.session,
            "wire": scope.wire,
            "model": scope.model,
            "provider": scope.provider,
            "run_id": scope.run,
            "issued_at": _now(),
            "expires_at": scope.expires_at,
        }
        connection.execute(insert(facade_tokens).values(**row))
        return token

    def _revoke(self, connection: Connection, identity: str) -> None:
        column = facade_tokens.c
        change = update(facade_tokens).where(
            column.session_id == identity, column.revoked_at.is_(None)
        )
        connection.execute(change.values(revoked_at=_now()))

    def _prune(self, connection: Connection) -> None:
        column = facade_tokens.c
        old = or_(column.revoked_at < _now() - _REVOKED_KEPT, column.expires_at < _now())
        connection.execute(delete(facade_tokens).where(old))


def _session(row: Row[tuple[object, ...]], values: Mapping[str, str]) -> Session:
    base_urls: dict[Surface, str] = {
        (row.provider, protocol): url for protocol, url in row.base_urls.items()
    }
    return Session(
        id=row.id,
        workspace=row.workspace_id,
        user=row.user_id,
        runtime=row.runtime,
        model=row.model,
        provider=row.provider,
        is_active=row.state == SessionState.ACTIVE,
        base_urls=row.base_urls,
        layer=Layer(values=values, base_urls=base_urls),
    )


def _no_session() -> Refusal:
    return Refusal(404, Code.NOT_FOUND, "There is no such session.")


def _now() -> datetime:
    return datetime.now(UTC)
