"""Sessions of a workspace: how they start, stop and go on, and the runs inside them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from provider_registry import Provider
from sqlalchemy import Connection, insert, select, update

from gateway.formats.wires import WireProtocol
from gateway.keys.facade_tokens import FacadeTokens, Scope
from gateway.keys.layers import CREDENTIAL_NAMES, Layer, Place
from gateway.keys.stored_secrets import StoredSecrets
from gateway.refusals import Code, Refusal
from gateway.resolution import derive
from gateway.storage import moments
from gateway.storage.database import Database
from gateway.storage.schema import SessionState, sessions
from gateway.tenancy import environments, pins
from gateway.tenancy.environments import Environment
from gateway.tenancy.guests import Session, session_of
from gateway.tenancy.workspaces import Workspace, Workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What a session brings when it starts or goes on: variables, and its token's scope."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    wire: WireProtocol | None = None
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session that was started or resumed, and the environment for its guest.

    The environment is empty where nobody pays: a guest then has no credential at all.
    """

    session: Session
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    provider: str
    is_open: bool
    own: Mapping[str, str] = field(repr=False)


class Sessions:
    """Starts, stops and resumes sessions, and gives runs tokens of their own."""

    def __init__(
        self,
        database: Database,
        stored: StoredSecrets,
        workspaces: Workspaces,
        deployed: tuple[Layer, Layer],
        public_url: str,
        clock: moments.Clock = moments.now,
    ) -> None:
        self._database = database
        self._stored = stored
        self._workspaces = workspaces
        self._deployed = deployed
        self._public_url = public_url
        self._clock = clock
        self._tokens = FacadeTokens(clock)

    async def start(
        self, workspace: str, brought: Brought, base_urls: Mapping[WireProtocol, str]
    ) -> Opened:
        """Start a session of a workspace; raises Refusal (400, 404, 422)."""

        def begin(connection: Connection) -> Opened:
            found = self._workspaces.find(connection, workspace)
            brings = (self._stored.of_workspace(connection, workspace), brought.env)
            prepared = self._prepared(connection, found, brings)
            session = Session(
                id=f"ses_{secrets.token_hex(12)}",
                workspace=found.id,
                runtime=found.runtime,
                model=found.model,
                provider=prepared.provider,
                is_active=True,
                base_urls=dict(base_urls),
            )
            self._insert(connection, session)
            self._stored.put_of_session(connection, session.id, prepared.own)
            return self._opened(connection, session, prepared.is_open, brought)

        return await self._database.write(begin)

    async def resume(self, identity: str, brought: Brought) -> Opened:
        """Resume a session with a new token; the tokens that it had are revoked.

        It has the provider that it had, unless it brings a key again, or who pays has
        changed since. Raises Refusal (400, 404, 422).
        """

        def go_on(connection: Connection) -> Opened:
            # First of all, so that of two who resume at once one waits for the other.
            self._change(connection, identity, SessionState.ACTIVE)
            session = self.find(connection, identity)
            workspace = self._workspaces.find(connection, session.workspace)
            brings = (
                self._stored.of_workspace(connection, session.workspace),
                self._stored.of_session(connection, identity),
                brought.env,
            )
            prepared = self._prepared(connection, workspace, brings, session.provider)
            self._stored.put_of_session(connection, identity, prepared.own)
            self._tokens.revoke(connection, identity)
            change = update(sessions).where(sessions.c.id == identity)
            connection.execute(change.values(provider=prepared.provider))
            return self._opened(
                connection, self.find(connection, identity), prepared.is_open, brought
            )

        return await self._database.write(go_on)

    def _prepared(
        self,
        connection: Connection,
        workspace: Workspace,
        brings: tuple[Mapping[str, str], ...],
        kept: str | None = None,
    ) -> _Prepared:
        """Return a session's provider and its own variables.

        `brings` are the variables that were brought for it, what was brought now the last.
        Fails closed (Refusal 422) where the tenant pays and has no usable key.
        """
        mode = self._workspaces.billing_of(connection, workspace).mode
        stored = Layer(values=self._stored.values(connection))
        values = {name: value for each in brings for name, value in each.items()}
        own = Layer(values=environments.known(values))
        made = environments.of_workspace(mode, own, (stored, *self._deployed))
        provider = _provider(made, workspace, brings[-1], kept)
        if mode == "byok":
            pins.require_vendor_key(made, workspace.runtime, workspace.model, provider)
        return _Prepared(
            provider=provider.name, is_open=mode != "disabled", own=_own(made, provider, brings)
        )

    def _insert(self, connection: Connection, session: Session) -> None:
        row = {
            "id": session.id,
            "workspace_id": session.workspace,
            "runtime": session.runtime,
            "model": session.model,
            "provider": session.provider,
            "state": SessionState.ACTIVE,
            "base_urls": session.base_urls,
            "created_at": self._clock(),
        }
        connection.execute(insert(sessions).values(**row))

    def _opened(
        self, connection: Connection, session: Session, is_open: bool, brought: Brought
    ) -> Opened:
        if not is_open:
            return Opened(session=session, environment={})
        token = self._token(connection, session, brought)
        environment = environments.of_guest(self._public_url, session.id, token)
        return Opened(session=session, environment=environment)

    def _token(
        self, connection: Connection, session: Session, brought: Brought, run: str | None = None
    ) -> str:
        expires = None if brought.lifetime is None else self._clock() + brought.lifetime
        scope = Scope(
            session=session.id,
            model=session.model,
            provider=session.provider,
            wire=brought.wire,
            run=run,
            expires_at=expires,
        )
        return self._tokens.issue(connection, scope)

    async def stop(self, identity: str) -> None:
        """Stop a session: its tokens are revoked at once, and old ones are pruned."""

        def end(connection: Connection) -> None:
            self._change(connection, identity, SessionState.STOPPED)
            self._tokens.revoke(connection, identity)
            self._tokens.prune(connection)

        await self._database.write(end)

    async def begin_run(self, identity: str, run: str, brought: Brought) -> str | None:
        """Return a token for one run of a session; None where nobody pays.

        Raises Refusal: 404, and 409 for a session that is stopped.
        """

        def issue(connection: Connection) -> str | None:
            session = self.find(connection, identity)
            if not session.is_active:
                raise Refusal(409, Code.SESSION_STOPPED, "The session is stopped; resume it.")
            workspace = self._workspaces.find(connection, session.workspace)
            if self._workspaces.billing_of(connection, workspace).mode == "disabled":
                return None
            return self._token(connection, session, brought, run)

        return await self._database.write(issue)

    async def end_run(self, identity: str, run: str) -> None:
        """Delete the tokens of a run that has ended or was cancelled; twice does no harm."""
        await self._database.write(
            lambda connection: self._tokens.end_run(connection, identity, run)
        )

    def find(self, connection: Connection, identity: str) -> Session:
        """Return a session; raises Refusal (404)."""
        columns = (column.label(f"session_{column.name}") for column in sessions.c)
        query = select(*columns).where(sessions.c.id == identity)
        row = connection.execute(query).one_or_none()
        if row is None:
            raise _no_session()
        return session_of(row)

    def _change(self, connection: Connection, identity: str, state: SessionState) -> None:
        stopped = self._clock() if state is SessionState.STOPPED else None
        change = update(sessions).where(sessions.c.id == identity)
        if connection.execute(change.values(state=state, stopped_at=stopped)).rowcount == 0:
            raise _no_session()


def _provider(
    made: Environment, workspace: Workspace, given: Mapping[str, str], kept: str | None
) -> Provider:
    """Return the provider of a session that starts, or that goes on with the one it had."""
    runtime, model, names = workspace.runtime, workspace.model, made.names
    if kept is None or not CREDENTIAL_NAMES.isdisjoint(given):
        return derive(runtime, model, names)
    provider = pins.still(runtime, model, kept, names)
    # Another one pays than when it was chosen: then it is chosen anew.
    is_paid_otherwise = provider.is_platform != (made.mode == "platform_managed")
    return derive(runtime, model, names) if is_paid_otherwise else provider


def _own(
    made: Environment, provider: Provider, brings: tuple[Mapping[str, str], ...]
) -> dict[str, str]:
    """Return a session's own variables; a key brought later replaces those brought earlier.

    Without that the order of the provider's names, and not who brought a key last, would
    decide between two of them.
    """
    accepted = frozenset(provider.auth_env)
    own: dict[str, str] = {}
    for brought in brings:
        if not accepted.isdisjoint(brought):
            own = {name: value for name, value in own.items() if name not in accepted}
        own.update(brought)
    left = made.layers.layers[Place.SESSION].values
    return {name: value for name, value in own.items() if name in left}


def _no_session() -> Refusal:
    return Refusal(404, Code.NOT_FOUND, "There is no such session.")
