from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import provider_registry
import pytest
from genai_prices import Usage as ListedUsage
from genai_prices.data import providers as listed_providers

from gateway.spending.price_table import STALE_SECONDS, PriceTable, SetPrice
from gateway.spending.prices import (
    MAX_MODEL_CHARACTERS,
    Offer,
    Price,
    Prices,
    cost,
    estimate,
    listed_price,
)
from gateway.storage.database import Database, DatabaseUnavailableError
from gateway.storage.money import AmountError

D = Decimal
START = datetime(2030, 1, 1, 12, tzinfo=UTC)
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


def price(
    input: str = "2.5",  # noqa: A002
    output: str = "10",
    cached: str | None = None,
    cache_write: str | None = None,
    **more: object,
) -> Price:
    rates = (D(one if one is not None else input) / MILLION for one in (cached, cache_write))
    given_cached, given_write = rates
    return Price(
        input=D(input) / MILLION,
        output=D(output) / MILLION,
        cached=given_cached,
        cache_write=given_write,
        **more,  # type: ignore[arg-type]
    )


LONG = price(tiers=((200_000, price("5", "15")), (500_000, price("7", "20"))))


# What a request may cost.


@pytest.mark.parametrize(
    ("one", "characters", "output_limit", "most"),
    [
        (price(), 400, -MILLION, "0.00025"),
        (price(), 400, 0, "0.00025"),
        (price(), -400, 1000, "0.01"),
        (price(), -1, -1, "0"),
        (price(), 1, 0, "0.000000625"),
        (price(), 4 * MILLION, MILLION, "12.5"),
        (price(request=D("0.005")), 400, 0, "0.00525"),
        (LONG, 800_000, 0, "0.5"),
        (LONG, 800_004, 100_000, "2.500005"),
    ],
)
def test_an_estimate_is_the_text_at_four_characters_a_token_and_all_the_output_there_may_be(
    one: Price, characters: int, output_limit: int, most: str
) -> None:
    assert estimate(one, characters, output_limit) == D(most)


# What a request did cost.


@pytest.mark.parametrize(
    ("one", "tokens", "total"),
    [
        (price(), Tokens(input_tokens=MILLION, output_tokens=MILLION // 2), "7.5"),
        (price(), Tokens(), "0"),
        (price(), Tokens(input_tokens=-5, output_tokens=-5, cached_tokens=-5), "0"),
        (
            price(cached="0.25"),
            Tokens(input_tokens=MILLION, cached_tokens=400_000),
            "1.6",
        ),
        (
            price(cached="0.25", cache_write="3.125"),
            Tokens(input_tokens=MILLION, cached_tokens=400_000, cache_write_tokens=400_000),
            "1.85",
        ),
        (
            price(cached="0.25"),
            Tokens(input_tokens=1000, cached_tokens=5000, cache_write_tokens=5000),
            "0.00025",
        ),
        (price(), Tokens(input_tokens=MILLION, cached_tokens=MILLION), "2.5"),
        (price(request=D("0.005")), Tokens(input_tokens=4), "0.00501"),
        (LONG, Tokens(input_tokens=200_000, output_tokens=1), "0.50001"),
        (LONG, Tokens(input_tokens=200_001, output_tokens=1), "1.00002"),
        (LONG, Tokens(input_tokens=500_001, output_tokens=1), "3.500027"),
    ],
)
def test_a_cost_charges_every_token_once(one: Price, tokens: Tokens, total: str) -> None:
    assert cost(one, tokens) == D(total)


# What the list says.

USAGES = (
    Tokens(input_tokens=1000, output_tokens=500),
    Tokens(input_tokens=900_000, output_tokens=7, cached_tokens=300_000),
    Tokens(input_tokens=210_000, cached_tokens=1, cache_write_tokens=200_000),
)


def listed(tokens: Tokens) -> ListedUsage:
    return ListedUsage(
        input_tokens=tokens.input_tokens,
        output_tokens=tokens.output_tokens,
        cache_read_tokens=tokens.cached_tokens,
        cache_write_tokens=tokens.cache_write_tokens,
    )


@pytest.mark.parametrize("vendor", [one.id for one in listed_providers])
def test_what_is_charged_is_what_the_list_itself_would_charge(vendor: str) -> None:
    [provider] = [one for one in listed_providers if one.id == vendor]
    for model in provider.models:
        found = provider.find_model(model.id, all_providers=listed_providers)
        one = listed_price(Offer(provider="any", model=model.id, vendor=vendor), START)
        if found is None or one is None:
            continue
        for tokens in USAGES:
            expected = found.calc_price(
                listed(tokens), provider, genai_request_timestamp=START
            ).total_price
            assert cost(one, tokens) == expected, (model.id, tokens)


@pytest.mark.parametrize(
    ("offer", "input_price"),
    [
        (Offer(provider="x", model="gpt-4o", base_url="https://api.openai.com/v1"), "2.5"),
        (Offer(provider="x", model="GPT-4o", base_url="https://api.openai.com/v1"), "2.5"),
        (
            Offer(provider="x", model="gpt-4o", base_url="http://127.0.0.1:1", vendor="openai"),
            "2.5",
        ),
        (Offer(provider="x", model="gpt-4o", vendor="openai"), "2.5"),
        (
            Offer(provider="x", model="claude-sonnet-4-5", base_url="https://api.anthropic.com/v1"),
            "3",
        ),
        (Offer(provider="x", model="gpt-4o", base_url="https://api.anthropic.com"), None),
        (Offer(provider="openai-api", model="gpt-4o"), None),
        (Offer(provider="x", model="gpt-4o", base_url="http://127.0.0.1:1"), None),
        (Offer(provider="x", model="gpt-4o", vendor="nobody"), None),
        (Offer(provider="x", model="no-such-model", vendor="openai"), None),
        (Offer(provider="x", model="", vendor="openai"), None),
        (
            Offer(provider="x", model="gpt-4o" + "-" * MAX_MODEL_CHARACTERS, vendor="openai"),
            None,
        ),
    ],
)
def test_a_listed_price_is_found_by_where_the_model_is_served_never_by_our_name_for_it(
    offer: Offer, input_price: str | None
) -> None:
    found = listed_price(offer, START)

    assert (None if found is None else found.input * MILLION) == (
        None if input_price is None else D(input_price)
    )


def test_the_base_urls_and_vendors_of_the_registry_lead_to_prices() -> None:
    served = provider_registry.provider_named("anthropic-api")
    upstream = provider_registry.resolve_upstream("openai/gpt-4o")

    by_url = Offer(
        provider=served.name, model="claude-sonnet-4-5", base_url=served.base_url_template
    )
    by_vendor = Offer(provider="platform", model=upstream.model, vendor=upstream.vendor)

    assert listed_price(by_url, START) is not None
    assert listed_price(by_vendor, START) is not None


# What the operator set.


OFFER = Offer(provider="vendor", model="gpt-4o", vendor="openai")


@pytest.fixture
def table(database: Database) -> PriceTable:
    return PriceTable(database)


@pytest.mark.anyio
async def test_without_a_price_of_the_operator_the_list_is_asked(table: PriceTable) -> None:
    found = await Prices(table).find(OFFER)

    assert found == listed_price(OFFER, START)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("set_prices", "dollars"),
    [
        ([SetPrice(model="gpt-4o", input=D(1), output=D(2))], "1"),
        ([SetPrice(model="gpt-4o", provider="vendor", input=D(3), output=D(2))], "3"),
        (
            [
                SetPrice(model="gpt-4o", input=D(1), output=D(2)),
                SetPrice(model="gpt-4o", provider="vendor", input=D(3), output=D(2)),
            ],
            "3",
        ),
        ([SetPrice(model="gpt-4o", provider="another", input=D(9), output=D(2))], "2.5"),
        ([SetPrice(model="gpt-4o-mini", input=D(9), output=D(2))], "2.5"),
        ([SetPrice(model="gpt-4o", input=D(0), output=D(0))], "0"),
        (
            [
                SetPrice(model="gpt-4o", input=D(1), output=D(2)),
                SetPrice(model="gpt-4o", input=D(7), output=D(2)),
            ],
            "7",
        ),
    ],
)
async def test_prices_of_the_operator_come_first_and_the_narrower_before_the_wider(
    table: PriceTable, set_prices: list[SetPrice], dollars: str
) -> None:
    for one in set_prices:
        await table.put(one)

    found = await Prices(table).find(OFFER)

    assert found is not None
    assert found.input * MILLION == D(dollars)


@pytest.mark.anyio
async def test_a_set_price_charges_each_kind_of_token_as_it_says(table: PriceTable) -> None:
    plain = SetPrice(model="a", input=D("0.1"), output=D("0.4"))
    full = SetPrice(
        model="b", input=D("0.1"), output=D("0.4"), cached=D("0.0125"), cache_write=D("0.2")
    )
    for one in (plain, full):
        await table.put(one)
    prices = Prices(table)
    tokens = Tokens(input_tokens=4, output_tokens=1, cached_tokens=2, cache_write_tokens=1)

    found = [await prices.find(Offer(provider="x", model=model)) for model in ("a", "b")]

    assert [cost(one, tokens) * MILLION for one in found if one] == [D("0.8"), D("0.725")]
    assert await table.all() == (plain, full)


@pytest.mark.anyio
async def test_a_removed_price_gives_way_to_the_list(table: PriceTable) -> None:
    prices = Prices(table)
    await table.put(SetPrice(model="gpt-4o", input=D(1), output=D(2)))
    assert await prices.find(OFFER) != listed_price(OFFER, START)

    assert await table.remove("gpt-4o")
    assert not await table.remove("gpt-4o")

    assert await prices.find(OFFER) == listed_price(OFFER, START)


@pytest.mark.anyio
@pytest.mark.parametrize("amount", [D("-1"), D("NaN"), D("1e12")])
async def test_a_price_that_is_none_is_refused(table: PriceTable, amount: Decimal) -> None:
    for one in (
        SetPrice(model="m", input=amount, output=D(1)),
        SetPrice(model="m", input=D(1), output=D(1), cache_write=amount),
    ):
        with pytest.raises(AmountError):
            await table.put(one)
    assert await table.all() == ()


@pytest.mark.anyio
async def test_finding_asks_the_database_again_only_after_a_while(
    database: Database, database_url: str
) -> None:
    now = 1000.0
    table = PriceTable(database, ticks=lambda: now)
    other = Database(database_url)
    assert await table.find("x", "m") is None

    await PriceTable(other).put(SetPrice(model="m", input=D(1), output=D(2)))
    now += STALE_SECONDS - 0.01
    assert await table.find("x", "m") is None
    now += 0.01
    found = await table.find("x", "m")
    assert found is not None
    assert found.input == D(1)

    await other.close()


@pytest.mark.anyio
async def test_a_price_that_cannot_be_asked_for_is_not_taken_for_none() -> None:
    missing = Database("postgresql://127.0.0.1:1/none")

    with pytest.raises(DatabaseUnavailableError):
        await Prices(PriceTable(missing)).find(OFFER)

    await missing.close()
