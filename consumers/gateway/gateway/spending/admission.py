"""What a request may cost is held before it is sent: limit, price, estimate, hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import provider_registry as registry

from gateway.formats.bodies import Body
from gateway.refusals import Code, Refusal
from gateway.resolution import Route
from gateway.spending.accounting import Budgeted, Logged, Payer
from gateway.spending.accounts import User
from gateway.spending.charging import Tariff, UsagePolicy
from gateway.spending.ledger import (
    BlockedUserError,
    Entry,
    Hold,
    Ledger,
    OverBudgetError,
    UnknownUserError,
)
from gateway.spending.limits import RateLimiter
from gateway.spending.prices import Offer, Price, Prices, estimate
from gateway.spending.settlement import Account, Settlement, Settler

_FREE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, for the log, and whose money the vendor gets.

    `request` is the request's own name. Where the tenant pays the vendor with a key of its
    own, no budget is ever touched, whoever the user is.
    """

    request: str
    payer: Payer
    user: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Lets a request in on a user's budget, or on nobody's."""

    ledger: Ledger
    limits: RateLimiter
    prices: Prices
    settler: Settler
    policy: UsagePolicy
    are_prices_required: bool

    async def limit(self, user: User) -> None:
        """Count a user's request; raises Refusal (429) for one too many in a minute."""
        wait = await self.limits.admit(user.id, user.requests_per_minute)
        if wait:
            headers = {"retry-after": str(wait)}
            raise Refusal(429, Code.RATE_LIMITED, "Too many requests a minute.", headers=headers)

    async def admit(self, caller: Caller, asked: Body, route: Route) -> Settlement:
        """Return the settlement of a request that may go on.

        Raises Refusal where a user pays: 404 or 403, then 402 with the hold given back.
        """
        account = await self._account(caller, asked, route)
        return Settlement(account, self.settler)

    async def _account(self, caller: Caller, asked: Body, route: Route) -> Account:
        entry = _entry(caller, asked, route)
        if caller.payer == "tenant":
            return Logged(ledger=self.ledger, entry=entry, payer="tenant")
        price = await self.prices.find(_offer(asked, route))
        if caller.user is None:
            return Logged(ledger=self.ledger, entry=entry, payer="platform", price=price)
        return await self._held(caller.user, asked, price, entry)

    async def _held(self, user: str, asked: Body, price: Price | None, entry: Entry) -> Budgeted:
        hold = await self._reserve(user, self._estimate(price, asked))
        if price is None and self.are_prices_required:
            refusal = Refusal(402, Code.PRICE_REQUIRED, "This model has no price here.")
            await self.ledger.release(hold, _refused(entry, refusal))
            raise refusal
        tariff = Tariff(
            price=price, held=hold.amount, characters=asked.input_characters, policy=self.policy
        )
        return Budgeted(ledger=self.ledger, hold=hold, tariff=tariff, entry=entry)

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


def _entry(caller: Caller, asked: Body, route: Route) -> Entry:
    return Entry(
        id=caller.request,
        status=0,
        user=caller.user,
        session=caller.session,
        wire=asked.wire.value,
        model=asked.model,
        provider=route.provider,
        payer=caller.payer,
    )


def _refused(entry: Entry, refusal: Refusal) -> Entry:
    return replace(entry, status=refusal.status, error=refusal.code)


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
