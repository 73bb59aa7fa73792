"""Facts about budgets over HTTP: what is held, what is charged, and what never is."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import provider_registry as registry
import pytest
from provider_registry import PROVIDERS, Provider

from gateway.formats.replies import Reply, Usage
from gateway.formats.wires import Wire
from gateway.spending.ledger import Ledger
from gateway.storage.database import Database
from tests import running
from tests.conftest import everywhere
from tests.customers import (
    CREDENTIALS,
    CUSTOMERS,
    MODEL,
    NOTHING,
    PRICE,
    PRICED,
    Customer,
    body,
    direct_customer,
    estimated,
    facade_customer,
    money,
    streamed_text,
)
from tests.gates import Gate, writes_fail, writes_wait
from tests.plays import AFTER_HEADERS, USAGE, Play, after, answer, endless, failure, stall
from tests.postgres import PostgresServer
from tests.running import Running
from tests.vendor import Vendor, nobody_listens, vendor_thread

WIRES = pytest.mark.parametrize("wire", list(Wire), ids=lambda wire: wire.name.lower())
STREAMS = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
# Far enough into any stream for some of its text to have come.
MIDDLE = 5
COST = money(USAGE.input_tokens, USAGE.output_tokens)
# The markers after which a client of the wire format expects nothing more.
MARKERS = {
    Wire.CHAT: "data: [DONE]",
    Wire.RESPONSES: "response.completed",
    Wire.MESSAGES: "message_stop",
}


@pytest.fixture(scope="module")
def shared_vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


def _deployment(folder: Path, vendor: Vendor, **changes: Any) -> Any:
    urls = everywhere(f"{vendor.url}/v1")
    # Also providers whose surface the registry does not name have one here.
    for provider in PROVIDERS:
        urls[provider.name] = urls[provider.name] or {"openai": f"{vendor.url}/v1"}
    # One of them speaks one protocol alone, so that the other is converted.
    urls["custom"] = {"anthropic": f"{vendor.url}/v1"}
    given = {"base_urls": urls, "credentials": CREDENTIALS}
    return running.settings(folder, **(given | changes))


@contextmanager
def _running(folder: Path, vendor: Vendor, **changes: Any) -> Iterator[Running]:
    with running.gateway(_deployment(folder, vendor, **changes)) as made:
        for model in (PRICED, "gpt-5.4"):
            assert made.admin.put("/prices", json={"model": model} | PRICE).is_success
        yield made


@pytest.fixture(scope="module")
def shared(shared_vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with _running(tmp_path_factory.mktemp("shared"), shared_vendor) as made:
        yield made


def _spend(customer: Customer, vendor: Vendor, dollars: int) -> None:
    """Have a customer spend whole dollars, at ten a million tokens of output."""
    usage = Usage(input_tokens=0, output_tokens=dollars * 100_000)
    vendor.play(answer("Hello", usage=usage))
    assert customer.ask(Wire.RESPONSES, body(Wire.RESPONSES, limit=None)).status_code == 200


@contextmanager
def _held(customer: Customer, vendor: Vendor, asked: dict[str, Any]) -> Iterator[None]:
    """Keep a request under way for as long as the body, with its hold."""
    before = len(vendor.exchanges)
    vendor.play(stall(AFTER_HEADERS))
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(customer.ask, Wire.RESPONSES, asked)
        try:
            vendor.wait(lambda: len(vendor.exchanges) > before and vendor.last.stalled)
            yield
        finally:
            vendor.release()
            assert asking.result().status_code == 200


def test_two_holds_that_do_not_both_fit_the_cap(shared: Running, shared_vendor: Vendor) -> None:
    customer = direct_customer(shared, cap="10")
    _spend(customer, shared_vendor, 9)
    assert customer.account == (Decimal(9), Decimal(0))
    # No characters at all, and 80,000 tokens at ten a million.
    asked = body(Wire.RESPONSES, said="", limit=80_000)
    with _held(customer, shared_vendor, asked):
        assert customer.account == (Decimal(9), Decimal("0.8"))
        refused = customer.ask(Wire.RESPONSES, asked)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "OVER_BUDGET")
        assert customer.account == (Decimal(9), Decimal("0.8"))
    assert customer.account == (9 + COST, Decimal(0))


def test_a_cap_that_is_spent_refuses_also_what_costs_nothing(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")
    _spend(customer, shared_vendor, 10)
    refused = customer.ask(Wire.RESPONSES, body(Wire.RESPONSES, said="", limit=None))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "OVER_BUDGET")
    assert customer.account == (Decimal(10), Decimal(0))


def test_a_million_tokens_in_and_half_a_million_out(shared: Running, shared_vendor: Vendor) -> None:
    customer = direct_customer(shared, cap="10")
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000)
    shared_vendor.play(answer("Hello", usage=usage))
    assert customer.ask(Wire.CHAT, body(Wire.CHAT)).status_code == 200
    shown = shared.admin.get(f"/users/{customer.user}").json()
    assert (shown["spend"], shown["reserved"]) == ("7.500000", "0.000000")
    assert customer.log[0]["cost"] == "7.500000"


def test_a_limit_below_zero_holds_no_output(shared: Running, shared_vendor: Vendor) -> None:
    customer = direct_customer(shared, cap="10")
    asked = body(Wire.RESPONSES, said="x" * 400, limit=-1_000_000)
    with _held(customer, shared_vendor, asked):
        shown = shared.admin.get(f"/users/{customer.user}").json()
        assert (shown["spend"], shown["reserved"]) == ("0.000000", "0.000250")


@WIRES
@STREAMS
@pytest.mark.parametrize("entrance", CUSTOMERS)
def test_a_vendor_that_fails_before_its_answer_leaves_the_account_as_it_was(
    tmp_path: Path,
    shared_vendor: Vendor,
    shared: Running,
    wire: Wire,
    is_stream: bool,
    entrance: str,
) -> None:
    customer = CUSTOMERS[entrance](shared, cap="10")
    assert customer.ask(wire, body(wire)).status_code == 200
    for play in (failure(500), failure(429, retry_after="7"), failure(529)):
        shared_vendor.play(play)
        refused = customer.ask(wire, body(wire, stream=is_stream))
        assert refused.status_code == play.status
        assert customer.account == (COST, Decimal(0))


def test_a_vendor_that_cannot_be_reached_costs_nothing(
    tmp_path: Path, shared_vendor: Vendor
) -> None:
    with nobody_listens() as url:
        urls = everywhere(f"{url}/v1")
        with _running(tmp_path, shared_vendor, base_urls=urls) as gateway:
            for entrance in CUSTOMERS.values():
                customer = entrance(gateway, cap="10")
                for wire in Wire:
                    for is_stream in (False, True):
                        refused = customer.ask(wire, body(wire, stream=is_stream))
                        assert refused.status_code == 502
                assert customer.account == NOTHING
                assert {row["error"] for row in customer.log} == {"VENDOR_UNREACHABLE"}
                assert len(customer.log) == 6


def test_a_stream_without_a_limit_and_without_usage_is_not_free(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")
    said = "word " * 4000
    shared_vendor.play(answer(said))
    asked = body(Wire.CHAT, stream=True, limit=None, stream_options={})
    assert streamed_text(Wire.CHAT, customer.ask(Wire.CHAT, asked).text) == said
    spent, reserved = customer.account
    assert spent == estimated(Wire.CHAT, asked, 5000)
    assert reserved == 0
    assert customer.log[0]["output_tokens"] is None


def _byok_models() -> dict[str, tuple[str, str]]:
    """Return for each provider of a tenant's own key a runtime and a model that lead to it."""
    found: dict[str, tuple[str, str]] = {}
    for runtime in registry.RUNTIMES:
        for arm in runtime.arms:
            provider = registry.provider_named(arm.provider)
            if not provider.is_platform:
                found.update(_leading_to(provider, runtime.name, arm.models))
    return found


def _leading_to(
    provider: Provider, runtime: str, models: tuple[str, ...]
) -> dict[str, tuple[str, str]]:
    more = (f"{provider.name}/x", f"{provider.name}:x", *provider.examples)
    for model in (*models, *more):
        try:
            derived = registry.derive_provider(runtime, model, provider.auth_env)
        except registry.RegistryError:
            continue
        if derived.name == provider.name:
            return {provider.name: (runtime, model)}
    return {}


BYOK = _byok_models()


def test_every_provider_of_an_arm_has_a_model_that_leads_to_it() -> None:
    arms = {arm.provider for runtime in registry.RUNTIMES for arm in runtime.arms}
    platform = {provider.name for provider in PROVIDERS if provider.is_platform}
    assert set(BYOK) == arms - platform
    assert len(BYOK) > 20


@pytest.mark.parametrize("provider", BYOK)
def test_who_brings_a_key_is_never_charged(
    shared: Running, shared_vendor: Vendor, provider: str
) -> None:
    runtime, model = BYOK[provider]
    found = registry.provider_named(provider)
    secrets = {found.auth_env[0]: "the-tenants-own-key"}
    # Neither a budget of nothing nor a limit stands in the way: the tenant pays its vendor.
    customer = facade_customer(shared, runtime, model, secrets, cap="0", requests_per_minute=1)
    shared.admin.patch(f"/users/{customer.user}", json={"is_blocked": True})
    for offered in (found.name, ""):
        price = {"model": registry.wire_model(provider, model), "provider": offered} | PRICE
        assert shared.admin.put("/prices", json=price).is_success
    answered = 0
    for wire in Wire:
        for is_stream in (False, True):
            asked = body(wire, model=model, stream=is_stream)
            answered += customer.ask(wire, asked).status_code == 200
    assert customer.account == NOTHING
    assert (answered == 0) == (found.auth_mode == "oauth")
    assert len(customer.log) == answered
    for row in customer.log:
        assert (row["payer"], row["cost"], row["provider"]) == ("tenant", None, provider)
        assert (row["status"], row["input_tokens"]) == (200, USAGE.input_tokens)


@pytest.mark.parametrize(
    "play",
    [answer("Hi", usage=None), failure(500), stall(after(3))],
    ids=["no usage", "failure", "guest gone"],
)
def test_who_brings_a_key_is_not_charged_for_any_other_end_either(
    shared: Running, shared_vendor: Vendor, play: Play
) -> None:
    runtime, model = BYOK["byok-openai"]
    secrets = {"OPENAI_API_KEY": "the-tenants-own-key"}
    customer = facade_customer(shared, runtime, model, secrets, cap="0")
    shared_vendor.play(play)
    asked = body(Wire.CHAT, model=model, stream=True, stream_options={})
    with customer.streaming(Wire.CHAT, asked) as answered:
        if play.stall is None:
            answered.read()
        else:
            lines = answered.iter_lines()  # held on to: without it the connection would close
            next(lines)
            shared_vendor.wait(lambda: shared_vendor.last.stalled)
    shared_vendor.wait(lambda: customer.log)
    (row,) = customer.log
    assert (row["payer"], row["cost"]) == ("tenant", None)
    assert customer.account == NOTHING


def test_what_the_platform_pays_for_nobody_is_logged_with_its_cost(
    shared: Running, shared_vendor: Vendor
) -> None:
    made = shared.session("claude-code", MODEL)
    token = made["environment"]["OPENAI_API_KEY"]
    answered = shared.anyone.post(
        f"/api/runtime/sessions/{made['id']}/llm/openai/v1/chat/completions",
        headers={"x-api-key": token},
        json=body(Wire.CHAT),
    )
    assert answered.status_code == 200
    row = shared.admin.get("/requests", params={"limit": 1}).json()["requests"][0]
    assert (row["user"], row["session"], row["payer"]) == (None, made["id"], "platform")
    assert Decimal(row["cost"]) == COST


# The last case is converted: the vendor speaks another wire format than the guest.
MODELS = [(wire, MODEL) for wire in Wire] + [(Wire.MESSAGES, "openai/gpt-5.4")]
WAYS = pytest.mark.parametrize(
    ("wire", "model"), MODELS, ids=lambda value: getattr(value, "name", value)
)


def _read_on(customer: Customer, wire: Wire, asked: dict[str, Any], seen: list[str]) -> None:
    with customer.streaming(wire, asked) as answered:
        for line in answered.iter_lines():
            seen.append(line)


@WAYS
def test_the_last_marker_waits_for_the_settlement(
    shared: Running, shared_vendor: Vendor, wire: Wire, model: str
) -> None:
    customer = direct_customer(shared, cap="10")
    asked = body(wire, stream=True, model=model)
    shared_vendor.play(stall(after(2)))
    seen: list[str] = []
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(_read_on, customer, wire, asked, seen)
        shared_vendor.wait(lambda: seen and shared_vendor.last.stalled)
        with writes_wait(shared) as gate:
            shared_vendor.release()
            # The vendor has said everything, and the settlement stands before the gate.
            shared_vendor.wait(lambda: gate.waiting)
            shared_vendor.wait(lambda: shared_vendor.last.ended)
            assert MARKERS[wire] not in "\n".join(seen)
            assert customer.account[0] == 0
            gate.open()
            reading.result()
    assert MARKERS[wire] in "\n".join(seen)
    assert customer.account == (COST, Decimal(0))


@pytest.mark.parametrize("wire", [Wire.CHAT, Wire.RESPONSES], ids=["chat", "responses"])
def test_the_last_marker_waits_for_the_log_where_a_tenants_own_stream_is_converted(
    shared: Running, shared_vendor: Vendor, wire: Wire
) -> None:
    runtime, model = BYOK["custom"]
    customer = facade_customer(shared, runtime, model, {"CUSTOM_API_KEY": "the-tenants-own-key"})
    shared_vendor.play(stall(after(MIDDLE)))
    seen: list[str] = []
    with ThreadPoolExecutor(1) as threads:
        asked = body(wire, stream=True, model=model)
        reading = threads.submit(_read_on, customer, wire, asked, seen)
        shared_vendor.wait(lambda: seen and shared_vendor.last.stalled)
        assert shared_vendor.last.received.wire is Wire.MESSAGES
        with writes_wait(shared) as gate:
            shared_vendor.release()
            shared_vendor.wait(lambda: gate.waiting)
            shared_vendor.wait(lambda: shared_vendor.last.ended)
            assert MARKERS[wire] not in "\n".join(seen)
            gate.open()
            reading.result()
    assert MARKERS[wire] in "\n".join(seen)
    assert [row["payer"] for row in customer.log] == ["tenant"]


@pytest.fixture(scope="module")
def impatient(shared_vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway that soon gives up on a database that is away."""
    folder = tmp_path_factory.mktemp("impatient")
    with _running(folder, shared_vendor, settle_seconds=0.3) as made:
        yield made


@contextmanager
def _database_away_at_the_end(
    gateway: Running, vendor: Vendor, customer: Customer, wire: Wire, asked: dict[str, Any]
) -> Iterator[tuple[Gate, Callable[[], Any]]]:
    before = len(vendor.exchanges)
    is_stream = "stream" in asked
    vendor.play(stall(after(2) if is_stream else AFTER_HEADERS))
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(customer.ask, wire, asked)
        vendor.wait(lambda: len(vendor.exchanges) > before and vendor.last.stalled)
        with writes_fail(gateway) as gate:
            vendor.release()
            yield gate, asking.result


@WAYS
def test_a_database_that_stays_away_ends_a_stream_with_an_error_and_charges_later(
    impatient: Running, shared_vendor: Vendor, wire: Wire, model: str
) -> None:
    customer = direct_customer(impatient, cap="10")
    asked = body(wire, stream=True, model=model)
    with _database_away_at_the_end(impatient, shared_vendor, customer, wire, asked) as (gate, end):
        answered = end()
        assert answered.status_code == 200
        assert MARKERS[wire] not in answered.text
        assert "The database cannot be reached" in answered.text
        shared_vendor.wait(lambda: gate.failed > 1)
        assert customer.account[0] == 0
    shared_vendor.wait(lambda: customer.account == (COST, Decimal(0)))
    assert [row["status"] for row in customer.log] == [200]


@WIRES
def test_a_database_that_stays_away_keeps_a_whole_answer_back_and_charges_later(
    impatient: Running, shared_vendor: Vendor, wire: Wire
) -> None:
    customer = direct_customer(impatient, cap="10")
    with _database_away_at_the_end(impatient, shared_vendor, customer, wire, body(wire)) as (
        gate,
        end,
    ):
        answered = end()
        assert answered.status_code == 503
        assert answered.headers["retry-after"] == "5"
        assert answered.json()["error"]["code"] == "DATABASE_UNAVAILABLE"
        shared_vendor.wait(lambda: gate.failed > 1)
    shared_vendor.wait(lambda: customer.account == (COST, Decimal(0)))
    assert len(customer.log) == 1


def test_a_database_that_comes_back_in_time_is_not_noticed(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")
    asked = body(Wire.CHAT, stream=True)
    with _database_away_at_the_end(shared, shared_vendor, customer, Wire.CHAT, asked) as (
        gate,
        end,
    ):
        shared_vendor.wait(lambda: gate.failed > 1)
        gate.open()
        assert MARKERS[Wire.CHAT] in end().text
    assert customer.account == (COST, Decimal(0))


def _expire_holds(gateway: Running, user: str) -> int:
    path = gateway.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE reservations SET expires_at = '2020-01-01 00:00:00' WHERE user_id = ?", (user,)
        )

    async def sweep() -> int:
        database = Database(gateway.settings.database_url)
        try:
            return await Ledger(database).sweep()
        finally:
            await database.close()

    return asyncio.run(sweep())


def test_an_end_that_comes_after_its_hold_expired_only_adds_what_it_cost(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")
    asked = body(Wire.RESPONSES)
    with _held(customer, shared_vendor, asked):
        assert customer.account == (Decimal(0), estimated(Wire.RESPONSES, asked, 64))
        assert _expire_holds(shared, customer.user) == 1
        assert customer.account == NOTHING
    assert customer.account == (COST, Decimal(0))


def test_a_failure_after_its_hold_expired_changes_nothing(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")
    before = len(shared_vendor.exchanges)
    shared_vendor.play(
        Play(content=failure(500).content, status=500, stall=stall(AFTER_HEADERS).stall)
    )
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(customer.ask, Wire.CHAT, body(Wire.CHAT))
        shared_vendor.wait(
            lambda: len(shared_vendor.exchanges) > before and shared_vendor.last.stalled
        )
        assert _expire_holds(shared, customer.user) == 1
        shared_vendor.release()
        assert asking.result().status_code == 500
    assert customer.account == NOTHING
    assert [row["cost"] for row in customer.log] == [None]


@WIRES
def test_an_answer_that_nobody_reads_leaks_nothing(
    shared: Running, shared_vendor: Vendor, wire: Wire
) -> None:
    customer = direct_customer(shared, cap="10")
    before = len(shared_vendor.exchanges)
    shared_vendor.play(endless())
    with closing(_sent(customer, wire, body(wire, stream=True))):
        shared_vendor.wait(lambda: len(shared_vendor.exchanges) > before)
        shared_vendor.wait(_Stuck(shared_vendor.last))
        assert customer.account[1] > 0
    shared_vendor.wait(lambda: customer.log)
    spent, reserved = customer.account
    assert reserved == 0
    # So much was streamed by the vendor before the guest's silence held it back.
    assert money(0, 1000) < spent < money(0, 10_000_000)
    assert (customer.log[0]["status"], Decimal(customer.log[0]["cost"])) == (499, spent)


class _Stuck:
    """Holds when an answer has not moved on for many looks at it."""

    LOOKS = 30

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._sent = self._looks = 0

    def __call__(self) -> bool:
        is_same = self._exchange.sent == self._sent > 0
        self._sent, self._looks = self._exchange.sent, self._looks + 1 if is_same else 0
        return self._looks > self.LOOKS


def _sent(customer: Customer, wire: Wire, asked: dict[str, Any]) -> socket.socket:
    """Return a connection on which a request was sent, and whose answer nobody reads."""
    host, _, port = customer.gateway.url.removeprefix("http://").partition(":")
    sock = socket.create_connection((host, int(port)))
    content = json.dumps(asked).encode()
    path = customer.url(wire).removeprefix(customer.gateway.url)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-length: {len(content)}\r\n"
        f"authorization: Bearer {customer.token}\r\n\r\n"
    )
    sock.sendall(head.encode() + content)
    return sock


def test_a_guest_that_goes_before_its_body_is_whole_holds_nothing(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")
    before = _metric(shared, 'status="none"')
    content = json.dumps(body(Wire.CHAT)).encode()
    host, _, port = shared.url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)))) as sock:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
            f"content-length: {len(content) + 10}\r\nx-gateway-key: {customer.token}\r\n\r\n"
        )
        sock.sendall(head.encode() + content)
    shared_vendor.wait(lambda: _metric(shared, 'status="none"') > before)
    assert customer.account == NOTHING
    assert customer.log == []


def _metric(gateway: Running, label: str) -> float:
    lines = gateway.admin.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if label in line)


@WIRES
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"requests_per_minute": 1}, 429, "RATE_LIMITED"),
        ({"is_blocked": True}, 403, "USER_BLOCKED"),
        ({"cap": "0"}, 403, "OVER_BUDGET"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_session_is_held_to_the_limits_of_its_user(
    shared: Running, wire: Wire, change: dict[str, Any], status: int, code: str
) -> None:
    customer = facade_customer(shared, cap="10", requests_per_minute=100)
    shared.admin.patch(f"/users/{customer.user}", json=change)
    if status == 429:
        assert customer.ask(wire, body(wire)).status_code == 200
    before = customer.account
    refused = customer.ask(wire, body(wire))
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert ("retry-after" in refused.headers) == (status == 429)
    assert customer.account == before


def test_a_user_of_a_server_is_held_and_charged_as_one_of_a_file(
    tmp_path: Path, shared_vendor: Vendor, postgres: PostgresServer
) -> None:
    postgres.run("CREATE DATABASE budgets")
    with _running(tmp_path, shared_vendor, database_url=postgres.url("budgets")) as gateway:
        for entrance in CUSTOMERS.values():
            customer = entrance(gateway, cap="10")
            assert customer.ask(Wire.MESSAGES, body(Wire.MESSAGES, stream=True)).is_success
            asked = body(Wire.RESPONSES, said="", limit=600_000)
            with _held(customer, shared_vendor, asked):
                assert customer.account == (COST, Decimal(6))
                assert customer.ask(Wire.RESPONSES, asked).status_code == 403
            shared_vendor.play(failure(500))
            assert customer.ask(Wire.CHAT, body(Wire.CHAT)).status_code == 500
            assert customer.account == (2 * COST, Decimal(0))
            assert [row["status"] for row in customer.log] == [500, 200, 200]
            older = gateway.admin.get("/requests", params={"before": customer.log[0]["id"]})
            assert [row["id"] for row in older.json()["requests"]][:2] == [
                row["id"] for row in customer.log[1:]
            ]


def test_usage_of_cached_tokens_is_charged_once_and_at_its_own_price(
    shared: Running, shared_vendor: Vendor
) -> None:
    price = {"model": "cached-model", "cached": "0.25"} | PRICE
    assert shared.admin.put("/prices", json=price).is_success
    customer = direct_customer(shared, cap="10")
    usage = Usage(input_tokens=1000, output_tokens=10, cached_tokens=800)
    shared_vendor.play(Play(content=Reply(text="Hi", usage=usage)))
    asked = body(Wire.RESPONSES, model="openai/cached-model")
    assert customer.ask(Wire.RESPONSES, asked).status_code == 200
    assert customer.account[0] == money(200, 10) + 800 * Decimal("0.25") / 1_000_000
