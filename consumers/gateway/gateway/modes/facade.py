"""A guest inside a session: it holds a facade token, and never a vendor's key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import provider_registry as registry
from sqlalchemy import Connection
from structlog.contextvars import bind_contextvars

from gateway.formats.bodies import Body
from gateway.formats.wires import WireProtocol
from gateway.keys.tokens import digest, fingerprint, presented
from gateway.refusals import Code, Refusal
from gateway.resolution import Route, route
from gateway.spending.admission import Admission, Caller
from gateway.spending.settlement import Settlement
from gateway.storage.database import Database
from gateway.tenancy import pins
from gateway.tenancy.environments import Environment
from gateway.tenancy.guests import Guest, Guests, Session
from gateway.traffic.inbound import Inbound
from gateway.traffic.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class FacadeMode:
    """The checks of a session's request, in the order in which a guest can observe them."""

    session: str
    database: Database
    guests: Guests
    admission: Admission

    async def resolve(self, inbound: Inbound) -> Turn:
        """Check a request and prepare its turn; raises Refusal."""
        token = presented(inbound.headers)
        if token is None:
            raise _stranger(Code.TOKEN_REQUIRED, "Send the session's token.")
        bind_contextvars(token=fingerprint(digest(token)), session=self.session)
        guest, session, environment = await self._who(token, inbound.wire.protocol)
        asked = await inbound.asked()
        chosen = _route(asked, guest, session, environment, inbound)
        settlement = await self._settlement(inbound.id, asked, chosen, guest)
        return Turn(asked=asked, route=chosen, settlement=settlement)

    async def _who(self, token: str, wire: WireProtocol) -> tuple[Guest, Session, Environment]:
        def read(connection: Connection) -> tuple[Guest, Session, Environment]:
            guest = self.guests.find(connection, token)
            if guest is None:
                raise _stranger(Code.TOKEN_INVALID, "This token is not known.")
            session = _in_scope(guest, self.session, wire)
            return guest, session, self.guests.environment(connection, guest, session)

        return await self.database.read(read)

    async def _settlement(
        self, request: str, asked: Body, chosen: Route, guest: Guest
    ) -> Settlement:
        caller = Caller(
            request=request,
            payer="platform" if chosen.is_platform else "tenant",
            user=None if guest.user is None else guest.user.id,
            session=guest.scope.session,
        )
        if chosen.is_platform and guest.user is not None:
            await self.admission.limit(guest.user)
        return await self.admission.admit(caller, asked, chosen)


def _in_scope(guest: Guest, wanted: str, wire: WireProtocol) -> Session:
    """Return the guest's session; raises Refusal (403) for whatever its token does not open."""
    scope, session = guest.scope, guest.session
    if scope.session != wanted:
        raise _forbidden("This token belongs to another session.")
    if guest.is_revoked:
        raise _forbidden("This token has been revoked.")
    if scope.expires_at is not None and scope.expires_at <= datetime.now(UTC):
        raise _forbidden("This token has expired.")
    if scope.wire is not None and scope.wire != wire:
        raise _forbidden(f"This token is for {scope.wire} requests.")
    if session is None or not session.is_active:
        raise _forbidden("The session is missing or stopped.")
    return session


def _route(
    asked: Body, guest: Guest, session: Session, environment: Environment, inbound: Inbound
) -> Route:
    model = registry.validate_model(session.runtime, asked.model).model
    if model != guest.scope.model:
        raise _forbidden("This token is for another model.")
    provider = pins.still(session.runtime, model, session.provider, environment.names)
    if provider.name != guest.scope.provider:
        raise _forbidden("This token is for another provider.")
    return route(provider, model, inbound.wire, environment.layers)


def _stranger(code: Code, message: str) -> Refusal:
    return Refusal(401, code, message, headers={"www-authenticate": "Bearer"})


def _forbidden(message: str) -> Refusal:
    return Refusal(403, Code.FORBIDDEN, message)
