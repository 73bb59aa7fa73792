"""What a token says about who sent it: all that a request inside a session is decided on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provider_registry import BillingMode, resolve_billing_mode
from sqlalchemy import Connection, Row, Select, bindparam, select

from gateway.formats.wires import WireProtocol
from gateway.keys import tokens
from gateway.keys.facade_tokens import Scope
from gateway.keys.layers import Layer
from gateway.keys.stored_secrets import StoredSecrets
from gateway.spending.accounts import User
from gateway.storage.schema import SessionState, facade_tokens, sessions, users, workspaces
from gateway.tenancy import environments
from gateway.tenancy.environments import Environment

# The session is joined loosely: a token without one is still a token, and is told so.
_GUEST: Select[Any] = (
    select(
        *(column.label(f"token_{column.name}") for column in facade_tokens.c),
        *(column.label(f"session_{column.name}") for column in sessions.c),
        *(column.label(f"user_{column.name}") for column in users.c),
        workspaces.c.billing_override,
    )
    .select_from(facade_tokens)
    .outerjoin(sessions, sessions.c.id == facade_tokens.c.session_id)
    .outerjoin(workspaces, workspaces.c.id == sessions.c.workspace_id)
    .outerjoin(users, users.c.id == workspaces.c.user_id)
    .where(facade_tokens.c.digest == bindparam("digest"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it stands; its model and its provider are pins."""

    id: str
    workspace: str
    runtime: str
    model: str
    provider: str
    is_active: bool
    base_urls: dict[WireProtocol, str]

    def layer(self, values: dict[str, str]) -> Layer:
        """Return the session's own layer, the least trusted one, with these variables."""
        urls = {(self.provider, protocol): url for protocol, url in self.base_urls.items()}
        return Layer(values=values, base_urls=urls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """The holder of a token that is known: its scope, and what it belongs to.

    `user` pays for what the platform serves; `override` is what the workspace says of who
    pays.
    """

    scope: Scope
    is_revoked: bool
    fingerprint: str
    session: Session | None
    user: User | None
    override: str | None


class Guests:
    """Reads guests, in two statements a request."""

    def __init__(
        self, stored: StoredSecrets, deployed: tuple[Layer, Layer], default: BillingMode
    ) -> None:
        self._stored = stored
        self._deployed = deployed
        self._default = default

    def find(self, connection: Connection, token: str) -> Guest | None:
        """Return who holds a token, or None for one that is not known."""
        found = connection.execute(_GUEST, {"digest": tokens.digest(token)}).one_or_none()
        return None if found is None else _guest(found)

    def environment(self, connection: Connection, guest: Guest, session: Session) -> Environment:
        """Return what a guest's request is decided on, by who pays for the workspace now.

        Raises Refusal (500) where a stored secret cannot be opened.
        """
        known = self._stored.of_guest(connection, session.id, session.workspace)
        billing = resolve_billing_mode(
            session.runtime,
            session.model,
            known.workspace_names.union(known.stored),
            override=guest.override,
            default=self._default,
            pinned=True,
        )
        shared = (Layer(values=known.stored), *self._deployed)
        return environments.of_workspace(billing.mode, session.layer(dict(known.own)), shared)


def session_of(row: Row[Any]) -> Session:
    """Return the session of a row whose columns begin with `session_`."""
    return Session(
        id=row.session_id,
        workspace=row.session_workspace_id,
        runtime=row.session_runtime,
        model=row.session_model,
        provider=row.session_provider,
        is_active=row.session_state == SessionState.ACTIVE,
        base_urls=row.session_base_urls,
    )


def _guest(row: Row[Any]) -> Guest:
    scope = Scope(
        session=row.token_session_id,
        wire=row.token_wire,
        model=row.token_model,
        provider=row.token_provider,
        run=row.token_run_id,
        expires_at=row.token_expires_at,
    )
    return Guest(
        scope=scope,
        is_revoked=row.token_revoked_at is not None,
        fingerprint=row.token_fingerprint,
        session=None if row.session_id is None else session_of(row),
        user=None if row.user_id is None else _user(row),
        override=row.billing_override,
    )


def _user(row: Row[Any]) -> User:
    return User(**{column.name: getattr(row, f"user_{column.name}") for column in users.c})
