"""What a request may cost, and what it did cost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from genai_prices.data import providers as listed_providers
from genai_prices.data_snapshot import find_provider_by_id
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices
from genai_prices.types import Provider as ListedProvider

from gateway.spending.price_table import PriceTable, SetPrice
from gateway.storage import moments

# Nobody counts tokens before a request; four characters a token is what vendors advise.
CHARACTERS_A_TOKEN = 4
# An id longer than that is on no list, and matching it would cost time.
MAX_MODEL_CHARACTERS = 300

_ZERO = Decimal(0)
_MILLION_PLACES = 6
_THOUSAND_PLACES = 3


class UsageLike(Protocol):
    """The tokens of a request; the cached ones and those written are part of the input."""

    @property
    def input_tokens(self) -> int: ...  # noqa: D102
    @property
    def output_tokens(self) -> int: ...  # noqa: D102
    @property
    def cached_tokens(self) -> int: ...  # noqa: D102
    @property
    def cache_write_tokens(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars for one token of each kind, and for the request itself.

    `tiers` are other prices for requests of more than so many input tokens, in rising order;
    the last one passed holds for all tokens of the request.
    """

    input: Decimal
    output: Decimal
    cached: Decimal
    cache_write: Decimal
    request: Decimal = _ZERO
    tiers: tuple[tuple[int, Price], ...] = ()

    def at(self, input_tokens: Decimal | int) -> Price:
        """Return the price for requests of so many input tokens."""
        passed = [price for start, price in self.tiers if input_tokens > start]
        return passed[-1] if passed else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Who serves a model, as the registry says: a provider and what it is known by outside.

    `model` is the id that the vendor knows. `vendor` is the word for whose model it is, for
    base URLs that no list knows.
    """

    provider: str
    model: str
    base_url: str | None = None
    vendor: str | None = None


class Prices:
    """Finds prices: those that the operator set first, then those of the public list."""

    def __init__(self, table: PriceTable, clock: moments.Clock = moments.now) -> None:
        self._table = table
        self._clock = clock

    async def find(self, offer: Offer) -> Price | None:
        """Return the price of an offer, or None; raises DatabaseUnavailableError."""
        found = await self._table.find(offer.provider, offer.model)
        if found is not None:
            return _set_price(found)
        return listed_price(offer, self._clock())


def listed_price(offer: Offer, at: datetime) -> Price | None:
    """Return what the public list says of an offer at a moment, or None.

    The vendor's entry is found by the base URL, else by the vendor's own word.
    """
    if len(offer.model) > MAX_MODEL_CHARACTERS:
        return None
    found = _listed_model(offer.base_url, offer.vendor, offer.model)
    return None if found is None else _list_price(found.get_prices(at))


@lru_cache(maxsize=1024)
def _listed_model(base_url: str | None, vendor: str | None, model: str) -> ModelInfo | None:
    for provider in _listed_vendors(base_url, vendor):
        found = provider.find_model(model, all_providers=listed_providers)
        if found is not None:
            return found
    return None


def _listed_vendors(base_url: str | None, vendor: str | None) -> Iterator[ListedProvider]:
    if base_url is not None:
        # Several entries may share a host, each with models of its own.
        yield from (one for one in listed_providers if re.match(one.api_pattern, base_url))
    named = find_provider_by_id(listed_providers, vendor) if vendor else None
    if named is not None:
        yield named


def _set_price(found: SetPrice) -> Price:
    return Price(
        input=_per_token(found.input),
        output=_per_token(found.output),
        cached=_per_token(found.input if found.cached is None else found.cached),
        cache_write=_per_token(found.input if found.cache_write is None else found.cache_write),
    )


def _per_token(million: Decimal) -> Decimal:
    return million.scaleb(-_MILLION_PLACES)


_Listed = Decimal | TieredPrices | None


def _list_price(listed: ModelPrice) -> Price | None:
    # Without a price for either, the list prices something else than tokens.
    if listed.input_mtok is None and listed.output_mtok is None:
        return None
    fields = (listed.input_mtok, listed.output_mtok, listed.cache_read_mtok)
    kinds: tuple[_Listed, ...] = (*fields, listed.cache_write_mtok)
    request = listed.requests_kcount
    each = _ZERO if not isinstance(request, Decimal) else request.scaleb(-_THOUSAND_PLACES)
    starts = {tier.start for kind in kinds if isinstance(kind, TieredPrices) for tier in kind.tiers}
    tiers = tuple((start, _tier(kinds, each, start + 1)) for start in sorted(starts))
    return replace(_tier(kinds, each, 0), tiers=tiers)


def _tier(kinds: tuple[_Listed, ...], request: Decimal, input_tokens: int) -> Price:
    plain, output, cached, cache_write = (_in_tier(kind, input_tokens) for kind in kinds)
    plain = _ZERO if plain is None else plain
    return Price(
        input=plain,
        output=_ZERO if output is None else output,
        cached=plain if cached is None else cached,
        cache_write=plain if cache_write is None else cache_write,
        request=request,
    )


def _in_tier(listed: _Listed, input_tokens: int) -> Decimal | None:
    if not isinstance(listed, TieredPrices):
        return None if listed is None else _per_token(listed)
    passed = [tier.price for tier in listed.tiers if input_tokens > tier.start]
    return _per_token(passed[-1] if passed else listed.base)


def estimate(price: Price, characters: int, output_limit: int) -> Decimal:
    """Return what a request may cost at most: its text, and all the output it may get.

    Whatever is negative counts as 0.
    """
    tokens = Decimal(max(characters, 0)) / CHARACTERS_A_TOKEN
    rates = price.at(tokens)
    return tokens * rates.input + max(output_limit, 0) * rates.output + rates.request


def cost(price: Price, usage: UsageLike) -> Decimal:
    """Return what a request did cost. Whatever is negative counts as 0.

    Tokens that came from a cache or went into one are charged as such, and no token twice.
    """
    total = max(usage.input_tokens, 0)
    cached = min(max(usage.cached_tokens, 0), total)
    written = min(max(usage.cache_write_tokens, 0), total - cached)
    rates = price.at(total)
    kinds = (
        (total - cached - written, rates.input),
        (cached, rates.cached),
        (written, rates.cache_write),
        (max(usage.output_tokens, 0), rates.output),
    )
    return sum((count * rate for count, rate in kinds), rates.request)
