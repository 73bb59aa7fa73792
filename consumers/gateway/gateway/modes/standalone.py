"""A deployment of its own: users, their keys, and budgets in its own database."""

from __future__ import annotations

from dataclasses import dataclass

import provider_registry as registry

from gateway.accounts import Accounts
from gateway.admission import Admission
from gateway.bodies import Body
from gateway.database import Database
from gateway.inbound import Inbound
from gateway.layers import Layer, Layers
from gateway.refusals import Code, Refusal
from gateway.resolution import Route, route
from gateway.stored_secrets import StoredSecrets
from gateway.tokens import presented
from gateway.turn import Turn

OWN_HEADER = "x-gateway-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandaloneMode:
    """Authenticates by API key and charges the user whom the key belongs to."""

    database: Database
    accounts: Accounts
    stored: StoredSecrets
    deployed: tuple[Layer, Layer]
    admission: Admission

    async def resolve(self, inbound: Inbound) -> Turn:
        """Check a request and prepare its turn; raises Refusal."""
        key = presented(inbound.headers, OWN_HEADER)
        if key is None:
            raise Refusal(401, Code.TOKEN_REQUIRED, "Send an API key.")
        user = await self.accounts.holder(key)
        if user is None:
            raise Refusal(401, Code.TOKEN_INVALID, "This API key is not known, or not any more.")
        asked = await inbound.asked()
        chosen = self._route(asked, await self._layers(), inbound)
        settlement = await self.admission.admit(user, asked, chosen)
        return Turn(asked=asked, route=chosen, settlement=settlement)

    async def _layers(self) -> Layers:
        stored = await self.database.read(self.stored.values)
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
