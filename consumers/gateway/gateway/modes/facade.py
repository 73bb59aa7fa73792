"""A guest inside a session: it holds a facade token, and never a vendor's key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import provider_registry as registry
from sqlalchemy import Connection

from gateway.accounts import Accounts
from gateway.admission import Admission
from gateway.bodies import Body
from gateway.database import Database
from gateway.inbound import Inbound
from gateway.layers import Layer, Layers
from gateway.refusals import Code, Refusal
from gateway.resolution import Route, derive, route
from gateway.sessions import Admitted, Session, Sessions
from gateway.settlement import Settlement
from gateway.stored_secrets import StoredSecrets
from gateway.tokens import presented
from gateway.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class FacadeMode:
    """The checks of a session's request, in the order in which a guest can observe them."""

    session: str
    database: Database
    sessions: Sessions
    accounts: Accounts
    stored: StoredSecrets
    deployed: tuple[Layer, Layer]
    admission: Admission

    async def resolve(self, inbound: Inbound) -> Turn:
        """Check a request and prepare its turn; raises Refusal."""
        token = presented(inbound.headers)
        if token is None:
            raise _stranger(Code.TOKEN_REQUIRED, "Send the session's token.")
        admitted, found, stored = await self._who(token)
        session = _in_scope(admitted, found, inbound)
        asked = await inbound.asked()
        chosen = self._route(asked, admitted, session, stored, inbound)
        settlement = await self._settlement(asked, chosen, session)
        return Turn(asked=asked, route=chosen, settlement=settlement)

    async def _who(self, token: str) -> tuple[Admitted, Session | None, dict[str, str]]:
        def read(connection: Connection) -> tuple[Admitted, Session | None, dict[str, str]]:
            admitted = self.sessions.admitted(connection, token)
            if admitted is None:
                raise _stranger(Code.TOKEN_INVALID, "This token is not known.")
            if admitted.scope.session != self.session:
                raise _forbidden("This token belongs to another session.")
            session = self.sessions.find_or_none(connection, self.session)
            return admitted, session, self.stored.values(connection)

        return await self.database.read(read)

    def _route(
        self,
        asked: Body,
        admitted: Admitted,
        session: Session,
        stored: dict[str, str],
        inbound: Inbound,
    ) -> Route:
        model = registry.validate_model(session.runtime, asked.model).model
        if model != admitted.scope.model:
            raise _forbidden("This token is for another model.")
        layers = Layers(layers=(session.layer, Layer(values=stored), *self.deployed))
        names = frozenset(session.layer.values).union(stored)
        provider = derive(session.runtime, model, names)
        if provider.name != admitted.scope.provider:
            raise _forbidden("This token is for another provider.")
        return route(provider, model, inbound.wire, layers)

    async def _settlement(self, asked: Body, chosen: Route, session: Session) -> Settlement:
        payer = None
        if chosen.is_platform and session.user is not None:
            payer = await self.accounts.user(session.user)
        return await self.admission.admit(payer, asked, chosen, session=session.id)


def _in_scope(admitted: Admitted, session: Session | None, inbound: Inbound) -> Session:
    scope = admitted.scope
    if admitted.is_revoked:
        raise _forbidden("This token has been revoked.")
    if scope.expires_at is not None and scope.expires_at <= datetime.now(UTC):
        raise _forbidden("This token has expired.")
    if scope.wire is not None and scope.wire != inbound.wire.protocol:
        raise _forbidden(f"This token is for {scope.wire} requests.")
    if session is None or not session.is_active:
        raise _forbidden("The session is missing or stopped.")
    return session


def _stranger(code: Code, message: str) -> Refusal:
    return Refusal(401, code, message, headers={"www-authenticate": "Bearer"})


def _forbidden(message: str) -> Refusal:
    return Refusal(403, Code.FORBIDDEN, message)
