"""A request that has passed its checks: what was asked, the way to go, and how it will end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from gateway.formats.bodies import Body
from gateway.formats.headers import Headers
from gateway.resolution import Route
from gateway.spending.settlement import Settlement
from gateway.traffic.inbound import Inbound


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """All that is needed from here on; nothing after it asks for the mode again.

    `headers` go to the guest with the answer.
    """

    asked: Body
    route: Route
    settlement: Settlement
    headers: Headers = field(default=())


class RequestMode(Protocol):
    """Who asks, on whose account and with whose key: chosen once a request."""

    async def resolve(self, inbound: Inbound) -> Turn:
        """Check a request and prepare its turn; raises Refusal, in the order of the checks."""
