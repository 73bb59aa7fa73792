"""What a request may cost is held before it is sent: limit, price, estimate, hold."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import provider_registry as registry

from gateway.accounting import Budgeted, Logged, UsagePolicy
from gateway.accounts import User
from gateway.bodies import Body
from gateway.ledger import (
    BlockedUserError,
    Entry,
    Hold,
    Ledger,
    OverBudgetError,
    UnknownUserError,
)
from gateway.limits import RateLimiter
from gateway.prices import Offer, Price, Prices, estimate
from gateway.refusals import Code, Refusal
from gateway.resolution import Route
from gateway.settlement import Account, Settlement, Settler

_FREE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Lets a request in on somebody's account, or on nobody's."""

    ledger: Ledger
    limits: RateLimiter
    prices: Prices
    settler: Settler
    policy: UsagePolicy
    are_prices_required: bool

    async def admit(
        self, user: User | None, asked: Body, route: Route, *, session: str | None = None
    ) -> Settlement:
        """Return the settlement of a request that may go on.

        `user` is the one who pays here; None where the tenant pays its vendor itself. Raises
        Refusal: 429, then 404 or 403, then 402 with the hold given back.
        """
        entry = _entry(user, asked, route, session)
        account: Account = Logged(ledger=self.ledger, entry=entry)
        if user is not None:
            account = await self._held(user, asked, route, entry)
        return Settlement(account, self.settler)

    async def _held(self, user: User, asked: Body, route: Route, entry: Entry) -> Account:
        wait = await self.limits.admit(user.id, user.requests_per_minute)
        if wait:
            headers = {"retry-after": str(wait)}
            raise Refusal(429, Code.RATE_LIMITED, "Too many requests a minute.", headers=headers)
        price = await self.prices.find(_offer(asked, route))
        hold = await self._reserve(user.id, self._estimate(price, asked))
        account = Budgeted(
            ledger=self.ledger,
            hold=hold,
            price=price,
            characters=asked.input_characters,
            policy=self.policy,
            entry=entry,
        )
        if price is None and self.are_prices_required:
            await self.ledger.release(hold, entry)
            raise Refusal(402, Code.PRICE_REQUIRED, "This model has no price here.")
        return account

    @staticmethod
    def _estimate(price: Price | None, asked: Body) -> Decimal:
        if price is None:
            return _FREE
        return estimate(price, asked.input_characters, asked.output_limit or 0)

    async def _reserve(self, user: str, amount: Decimal) -> Hold:
        try:
            return await self.ledger.reserve(user, amount)
        except UnknownUserError:
            raise Refusal(404, Code.NOT_FOUND, "There is no such user.") from None
        except BlockedUserError:
            raise Refusal(403, Code.USER_BLOCKED, "This user is blocked.") from None
        except OverBudgetError:
            raise Refusal(403, Code.OVER_BUDGET, "The budget does not allow this.") from None


def _entry(user: User | None, asked: Body, route: Route, session: str | None) -> Entry:
    return Entry(
        status=0,
        user=None if user is None else user.id,
        session=session,
        wire=asked.wire.value,
        model=asked.model,
        provider=route.provider,
        payer="platform" if route.is_platform else "tenant",
    )


def _offer(asked: Body, route: Route) -> Offer:
    """Return what the price list may know a request by.

    What the platform sells is another vendor's model, whose name stands in the id.
    """
    provider, model = registry.provider_named(route.provider), route.model
    if provider.is_platform:
        try:
            upstream = registry.resolve_upstream(asked.model)
        except registry.RegistryError:
            return Offer(provider=provider.name, model=model)
        provider, model = registry.provider_named(upstream.provider), upstream.model
    base_url = provider.base_url_template or provider.base_url_anthropic
    return Offer(
        provider=route.provider, model=model, base_url=base_url, vendor=provider.upstream_vendor
    )
