"""A deployment of its own: users, their keys, and budgets in its own database."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import provider_registry as registry
from sqlalchemy import Connection
from structlog.contextvars import bind_contextvars

from gateway.formats.bodies import Body
from gateway.formats.wires import Wire
from gateway.keys.layers import Layer, Layers
from gateway.keys.stored_secrets import StoredSecrets
from gateway.keys.tokens import fingerprint, presented
from gateway.refusals import Code, Refusal
from gateway.resolution import Route, route
from gateway.spending.accounts import Accounts, User, digest_of
from gateway.spending.admission import Admission, Caller
from gateway.spending.ledger import UnknownUserError
from gateway.storage.database import Database
from gateway.traffic.inbound import Inbound
from gateway.traffic.turn import Turn

KEY_HEADER = "x-gateway-key"
USER_HEADER = "x-gateway-user"
# No user's name is longer; a longer one need not be looked for.
_USER_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class StandaloneMode:
    """Authenticates by API key and charges the user whom the key belongs to.

    Every key speaks for one user. A request names a user by our own header: there any other
    than the key's own is refused. The body's own member for a user is the vendor's business,
    and many clients fill it with names of their end users or with hashes. It is refused only
    where it is the name of another user of this deployment, whose caller may believe that the
    other one pays.
    """

    database: Database
    accounts: Accounts
    stored: StoredSecrets
    deployed: tuple[Layer, Layer]
    admission: Admission

    async def resolve(self, inbound: Inbound) -> Turn:
        """Check a request and prepare its turn; raises Refusal.

        The order: 401; 413 and 400 for the body; 403 for another user; 429; 400 and 424 for
        the way to the vendor; 404 and 403 from the budget; 402 for a missing price.
        """
        user, stored = await self._authenticated(inbound)
        asked = await inbound.asked()
        await self._require_own(user, inbound, asked)
        await self.admission.limit(user)
        chosen = self._route(asked, self._layers(stored), inbound)
        # Whatever vendor it is: the key is the deployment's, and so its money.
        caller = Caller(request=inbound.id, payer="platform", user=user.id)
        settlement = await self.admission.admit(caller, asked, chosen)
        return Turn(asked=asked, route=chosen, settlement=settlement)

    async def _authenticated(self, inbound: Inbound) -> tuple[User, dict[str, str]]:
        """Return who asks, and the stored secrets, which the same journey brings along."""
        key = presented(inbound.headers, KEY_HEADER)
        if key is None:
            raise _unauthenticated(Code.TOKEN_REQUIRED, "Send an API key.")
        user, stored = await self.database.read(partial(self._read, key))
        if user is None:
            message = "This API key is not known, or not any more."
            raise _unauthenticated(Code.TOKEN_INVALID, message)
        bind_contextvars(token=fingerprint(digest_of(key)), user=user.id)
        return user, stored

    def _read(self, key: str, connection: Connection) -> tuple[User | None, dict[str, str]]:
        user = self.accounts.holder_on(connection, key)
        return user, {} if user is None else self.stored.values(connection)

    async def _require_own(self, user: User, inbound: Inbound, asked: Body) -> None:
        named = inbound.headers.get(USER_HEADER, "").strip()
        if named not in ("", user.id) or await self._is_another(user, _named(asked)):
            raise Refusal(403, Code.FORBIDDEN, "This API key speaks for another user.")

    async def _is_another(self, user: User, named: object) -> bool:
        if not isinstance(named, str) or named == user.id or len(named) > _USER_CHARACTERS:
            return False
        try:
            await self.accounts.user(named)
        except UnknownUserError:
            return False
        return True

    def _layers(self, stored: dict[str, str]) -> Layers:
        return Layers(layers=(Layer(), Layer(values=stored), *self.deployed))

    @staticmethod
    def _route(asked: Body, layers: Layers, inbound: Inbound) -> Route:
        try:
            upstream = registry.resolve_upstream(asked.model)
        except registry.RegistryError:
            message = "Name the model as VENDOR/MODEL or VENDOR:MODEL, with a vendor served here."
            raise Refusal(400, Code.MODEL_NOT_SERVED, message) from None
        provider = registry.provider_named(upstream.provider)
        return route(provider, upstream.model, inbound.wire, layers)


def _named(asked: Body) -> object:
    """Return what the body says in the member that its wire format has for a user."""
    if asked.wire is not Wire.MESSAGES:
        return asked.members.get("user")
    metadata = asked.members.get("metadata")
    return metadata.get("user_id") if isinstance(metadata, dict) else None


def _unauthenticated(code: Code, message: str) -> Refusal:
    return Refusal(401, code, message, headers={"www-authenticate": "Bearer"})
