"""A deployment behind a control plane, which decides on provider, key and account."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import provider_registry as registry
from structlog.contextvars import bind_contextvars

from gateway.control_plane import ControlPlane, Grant, failed
from gateway.formats.bodies import Body
from gateway.formats.headers import Headers
from gateway.keys.layers import Layer, Layers
from gateway.keys.tokens import bearer, digest, fingerprint
from gateway.refusals import Code, Refusal
from gateway.resolution import Route, route, route_to
from gateway.spending.accounting import Payer
from gateway.spending.outcomes import Closing, Outcome, failure
from gateway.spending.settlement import Settlement, Settler
from gateway.traffic.inbound import Inbound
from gateway.traffic.turn import Turn

REQUEST_HEADER = "x-platform-request-id"
CORRELATION_HEADER = "x-correlation-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformMode:
    """Takes the caller's token to the control plane, which knows what it is good for."""

    plane: ControlPlane
    settler: Settler

    async def resolve(self, inbound: Inbound) -> Turn:
        """Check a request and prepare its turn; raises Refusal.

        The order: 401 without a bearer; 413 and 400 for the body; what the control plane
        says; 400 where this wire format does not reach what it granted.
        """
        token = bearer(inbound.headers)
        if token is None:
            headers = {"www-authenticate": "Bearer"}
            message = "Send a token as Authorization: Bearer."
            raise Refusal(401, Code.TOKEN_REQUIRED, message, headers=headers)
        bind_contextvars(token=fingerprint(digest(token)))
        asked = await inbound.asked()
        grant = await self.plane.resolve(token, _question(asked))
        bind_contextvars(platform_request=grant.request_id, correlation=grant.correlation_id)
        account = Reported(plane=self.plane, token=token, grant=grant, asked=asked)
        settlement = Settlement(account, self.settler)
        ids: Headers = (
            (REQUEST_HEADER, grant.request_id),
            (CORRELATION_HEADER, grant.correlation_id),
        )
        try:
            chosen = _route(asked, grant)
        except Refusal as refusal:
            await settlement.end(failure(refusal))
            raise refusal.with_headers(ids) from None
        return Turn(asked=asked, route=chosen, settlement=settlement, headers=ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The control plane is told how a request ended; it keeps the account."""

    plane: ControlPlane
    token: str = field(repr=False)
    grant: Grant
    asked: Body
    payer: Payer = "platform"

    async def close(self, outcome: Outcome) -> Closing:
        """Report the end; a report that fails in passing is sent again for a while."""
        is_taken = await self.plane.report(self.token, self._report(outcome))
        return Closing(result="reported" if is_taken else "unreported")

    def _report(self, outcome: Outcome) -> dict[str, object]:
        return {
            "request_id": self.grant.request_id,
            "correlation_id": self.grant.correlation_id,
            "status": outcome.ending.value,
            "http_status": outcome.status,
            "provider": self.grant.provider,
            "model": self.asked.model,
            "wire": self.asked.wire.value,
            "usage": None if outcome.usage is None else asdict(outcome.usage),
            "characters": outcome.characters,
            "error": outcome.error,
        }


def _question(asked: Body) -> dict[str, object]:
    return {
        "model": asked.model,
        "wire": asked.wire.value,
        "stream": asked.is_stream,
        "input_characters": asked.input_characters,
        "output_limit": asked.output_limit,
    }


def _route(asked: Body, grant: Grant) -> Route:
    """Return the way that a grant opens: its key goes to its base URL or the registry's.

    Raises Refusal: 502 for a grant that makes no sense, 400 where the wire format of the
    request does not reach the surface.
    """
    provider = grant.known_provider
    if provider.auth_mode == "oauth" or not provider.auth_env:
        raise failed()
    model = grant.model or asked.model
    # Under the name that the registry itself would choose, so that it chooses the header.
    key = {provider.auth_env[0]: grant.api_key.get_secret_value()}
    layers = Layers(layers=(Layer(values=key),))
    if grant.base_url is None and grant.protocol is None:
        return route(provider, model, asked.wire, layers)
    protocol = grant.protocol or asked.wire.protocol
    base_url = grant.base_url or _endpoint(provider.name, protocol)
    return route_to(provider, model, asked.wire, (protocol, base_url), layers)


def _endpoint(provider: str, protocol: str) -> str:
    try:
        return registry.endpoint(provider, protocol)
    except registry.RegistryError:
        raise failed() from None
