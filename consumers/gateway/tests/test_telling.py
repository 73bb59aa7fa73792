"""What is told of requests: metrics with bounded labels, one line each, and no secret."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from gateway.formats.wires import Wire
from gateway.keys.tokens import fingerprint
from gateway.spending.accounts import Accounts, digest_of
from gateway.spending.ledger import Ledger
from gateway.storage.database import Database, DatabaseUnavailableError
from tests import running
from tests.conftest import everywhere
from tests.customers import (
    CREDENTIALS,
    CUSTOMERS,
    MODEL,
    PRICE,
    PRICED,
    body,
    direct_customer,
    facade_customer,
)
from tests.gates import services_of, writes_fail
from tests.plays import AFTER_HEADERS, USAGE, answer, cut, failure, stall
from tests.running import ADMIN_KEY, Running
from tests.vendor import Vendor, vendor_thread

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
UNDER_WAY = ("gateway_requests_in_flight", frozenset[tuple[str, str]]())


@pytest.fixture(scope="module")
def shared_vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


@pytest.fixture(scope="module")
def shared(shared_vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    deployment = running.settings(
        tmp_path_factory.mktemp("telling"),
        base_urls=everywhere(f"{shared_vendor.url}/v1"),
        credentials=CREDENTIALS,
        settle_seconds=0.2,
    )
    with running.gateway(deployment) as made:
        assert made.admin.put("/prices", json={"model": PRICED} | PRICE).is_success
        yield made


def _samples(gateway: Running) -> Samples:
    answered = gateway.admin.get("/metrics")
    assert answered.status_code == 200
    assert answered.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answered.text)
        for sample in family.samples
        if sample.name.startswith("gateway_")
    }


def _growth(before: Samples, after: Samples) -> dict[str, dict[tuple[str, ...], float]]:
    """Return by name what has grown, and by how much, under the values of its labels."""
    grown: dict[str, dict[tuple[str, ...], float]] = {}
    for (name, labels), value in after.items():
        more = value - before.get((name, labels), 0)
        if more and not name.endswith(("_bucket", "_sum")):
            values = tuple(value for _, value in sorted(labels))
            grown.setdefault(name, {})[values] = more
    return grown


def test_the_metrics_need_the_admin_key(shared: Running) -> None:
    refused = shared.anyone.get("/metrics")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "ADMIN_KEY_REQUIRED")


def test_each_request_is_counted_by_what_became_of_it(
    shared: Running, shared_vendor: Vendor
) -> None:
    direct, facade = direct_customer(shared, cap="10"), facade_customer(shared, cap="10")
    own = facade_customer(
        shared, "claude-code", "claude-sonnet-4-6", {"ANTHROPIC_API_KEY": "the-tenants-own-key"}
    )
    before = _samples(shared)
    assert direct.ask(Wire.CHAT, body(Wire.CHAT)).status_code == 200
    assert facade.ask(Wire.MESSAGES, body(Wire.MESSAGES)).status_code == 200
    shared_vendor.play(failure(429))
    assert facade.ask(Wire.MESSAGES, body(Wire.MESSAGES)).status_code == 429
    asked = body(Wire.MESSAGES, model="claude-sonnet-4-6", stream=True)
    assert own.ask(Wire.MESSAGES, asked).status_code == 200
    assert shared.anyone.post("/v1/responses", json={}).status_code == 401
    # The last of them may still be telling its end.
    shared_vendor.wait(lambda: _samples(shared)[UNDER_WAY] == before[UNDER_WAY])
    # Labels in the order of their names: payer, provider, status, wire.
    grown = _growth(before, _samples(shared))
    assert grown["gateway_requests_total"] == {
        ("platform", "anthropic-api", "200", "chat/completions"): 1,
        ("platform", "platform", "200", "messages"): 1,
        ("platform", "platform", "429", "messages"): 1,
        ("tenant", "anthropic-api", "200", "messages"): 1,
        ("none", "none", "401", "responses"): 1,
    }
    timed = {
        ("anthropic-api", "chat/completions"): 1,
        ("platform", "messages"): 2,
        ("anthropic-api", "messages"): 1,
        ("none", "responses"): 1,
    }
    assert grown["gateway_request_seconds_count"] == timed
    assert grown["gateway_first_byte_seconds_count"] == timed
    assert grown["gateway_settlements_total"] == {
        ("success", "charged"): 2,
        ("failure", "released"): 1,
        ("success", "logged"): 1,
    }


def test_what_is_under_way_is_shown_as_long_as_it_is(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")
    before, seen = _samples(shared)[UNDER_WAY], len(shared_vendor.exchanges)
    shared_vendor.play(stall(AFTER_HEADERS))
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(customer.ask, Wire.CHAT, body(Wire.CHAT))
        shared_vendor.wait(
            lambda: len(shared_vendor.exchanges) > seen and shared_vendor.last.stalled
        )
        assert _samples(shared)[UNDER_WAY] == before + 1
        shared_vendor.release()
        assert asking.result().status_code == 200
    shared_vendor.wait(lambda: _samples(shared)[UNDER_WAY] == before)


def test_no_label_grows_with_what_guests_and_vendors_say(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")

    def odd_requests(number: int) -> None:
        asked = body(Wire.CHAT, model=f"model-{number}", user=f"end-user-{number}")
        customer.ask(Wire.CHAT, asked)
        customer.ask(Wire.CHAT, body(Wire.CHAT, model=f"anthropic/model-{number}"))
        shared.anyone.post("/v1/responses", headers={"x-api-key": f"key-{number}"}, json={})
        shared_vendor.play(failure(560 + number))
        assert customer.ask(Wire.CHAT, body(Wire.CHAT)).status_code == 560 + number

    odd_requests(1)
    series = set(_samples(shared))
    for number in range(2, 12):
        odd_requests(number)
    assert set(_samples(shared)) == series
    text = shared.admin.get("/metrics").text
    assert 'status="other"' in text
    for secret in (customer.token, ADMIN_KEY, *CREDENTIALS.values(), customer.user, "model-"):
        assert secret not in text


def test_a_database_that_is_away_is_counted_by_who_needed_it(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer, seen = direct_customer(shared, cap="10"), len(shared_vendor.exchanges)
    before = _samples(shared)
    shared_vendor.play(stall(AFTER_HEADERS))
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(customer.ask, Wire.CHAT, body(Wire.CHAT))
        shared_vendor.wait(
            lambda: len(shared_vendor.exchanges) > seen and shared_vendor.last.stalled
        )
        with writes_fail(shared) as gate:
            shared_vendor.release()
            assert asking.result().status_code == 503
            assert gate.failed
            refused = shared.admin.post("/users", json={"id": "too-late"})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert customer.ask(Wire.CHAT, body(Wire.CHAT)).status_code == 503
    shared_vendor.wait(lambda: customer.log)
    away = _growth(before, _samples(shared))["gateway_database_unavailable_total"]
    assert set(away) == {("settlement",), ("route",), ("request",)}


async def _leave_a_hold(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await Accounts(database).create_user("left-behind", Decimal(10))
    await Ledger(database, lifetime=timedelta(0)).reserve("left-behind", Decimal(3))
    await database.close()


def test_holds_that_a_process_left_behind_are_swept_at_the_start_and_counted(
    tmp_path: Path, shared_vendor: Vendor
) -> None:
    deployment = running.settings(tmp_path)
    asyncio.run(_leave_a_hold(deployment.database_url))
    with running.gateway(deployment) as gateway:
        swept = ("gateway_holds_swept_total", frozenset[tuple[str, str]]())
        shared_vendor.wait(lambda: _samples(gateway)[swept] == 1)
        assert gateway.admin.get("/users/left-behind").json()["reserved"] == "0.000000"


def test_who_pays_is_told_as_a_fallback_where_it_cannot_be_read(shared: Running) -> None:
    made = shared.create("/workspaces", name="w", runtime="claude-code", model=MODEL)
    database: Any = services_of(shared).database
    before, read = _samples(shared), database.read

    async def away(_: Any) -> Any:
        raise DatabaseUnavailableError

    database.read = away
    try:
        answered = shared.admin.get(f"/workspaces/{made['id']}/billing-mode")
    finally:
        database.read = read
    assert answered.json()["source"] == "constant_fallback"
    grown = _growth(before, _samples(shared))
    assert grown["gateway_billing_fallbacks_total"] == {(): 1}


def _lines(entries: list[Any]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["event"] == "request"]


@pytest.mark.parametrize("entrance", CUSTOMERS)
def test_one_line_tells_of_a_request_what_its_operator_needs(
    shared: Running, shared_vendor: Vendor, entrance: str
) -> None:
    customer = CUSTOMERS[entrance](shared, cap="10")
    with capture_logs(processors=[merge_contextvars]) as entries:
        answered = customer.ask(
            Wire.CHAT, body(Wire.CHAT, said="words-of-the-guest"), cookie="a-cookie"
        )
        assert answered.status_code == 200
        shared_vendor.wait(lambda: _lines(entries))
    (line,) = _lines(entries)
    assert line.pop("seconds") >= line.pop("first_byte_seconds") > 0
    whose = {"session": customer.base.split("/")[4]} if customer.is_facade else {}
    whose |= {} if customer.is_facade else {"user": customer.user}
    assert (
        line
        == {
            "event": "request",
            "log_level": "info",
            "request": customer.log[0]["id"],
            "token": fingerprint(digest_of(customer.token)),
            "wire": "chat/completions",
            "status": 200,
            "provider": "platform" if customer.is_facade else "anthropic-api",
            "model": MODEL,
            "payer": "platform",
            "ending": "success",
            "settled": "charged",
            "input_tokens": USAGE.input_tokens,
            "output_tokens": USAGE.output_tokens,
            "cached_tokens": USAGE.cached_tokens,
            "cost": "0.000100",
        }
        | whose
    )
    told = str(entries)
    for secret in (customer.token, *CREDENTIALS.values(), "words-of-the-guest", "a-cookie"):
        assert secret not in told


def test_a_request_that_is_refused_has_its_line_too(shared: Running, shared_vendor: Vendor) -> None:
    with capture_logs(processors=[merge_contextvars]) as entries:
        shared.anyone.post("/v1/messages", headers={"x-api-key": "a-wrong-key"}, json={})
        shared_vendor.wait(lambda: _lines(entries))
    (line,) = _lines(entries)
    assert (line["status"], line["wire"]) == (401, "messages")
    # Nothing of an earlier request on the same connection.
    assert not {"provider", "token", "user", "session"} & set(line)
    assert "a-wrong-key" not in str(entries)


@pytest.mark.parametrize(
    ("play", "ending", "settled"),
    [
        (cut(AFTER_HEADERS), "failure", "released"),
        (failure(500), "failure", "released"),
        (answer("Hi", usage=None), "success", "charged"),
    ],
    ids=["cut", "failure", "no usage"],
)
def test_the_line_tells_how_it_ended(
    shared: Running, shared_vendor: Vendor, play: Any, ending: str, settled: str
) -> None:
    customer = direct_customer(shared, cap="10")
    shared_vendor.play(play)
    with capture_logs(processors=[merge_contextvars]) as entries:
        customer.ask(Wire.CHAT, body(Wire.CHAT))
        shared_vendor.wait(lambda: _lines(entries))
    (line,) = _lines(entries)
    assert (line["ending"], line["settled"]) == (ending, settled)


def test_what_nobody_foresaw_is_answered_in_one_shape_and_holds_nothing(
    shared: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(shared, cap="10")
    services: Any = services_of(shared)
    prices = services.admission.prices
    find = prices.find

    async def fall_over(_: Any) -> Any:
        raise RuntimeError("a text with the-inner-secret")

    prices.find = fall_over
    before = _samples(shared)
    try:
        with capture_logs(processors=[merge_contextvars]) as entries:
            answered = customer.ask(Wire.MESSAGES, body(Wire.MESSAGES))
            shared_vendor.wait(lambda: len(entries) > 1)
    finally:
        prices.find = find
    assert answered.status_code == 500
    assert answered.json() == {
        "error": {"code": "INTERNAL", "message": "Something went wrong here; it is in the log."}
    }
    assert [entry["event"] for entry in entries] == ["request", "uncaught"]
    assert entries[1]["route"] == "/v1/messages"
    assert customer.account[1] == 0
    grown = _growth(before, _samples(shared))["gateway_requests_total"]
    assert grown == {("none", "none", "500", "messages"): 1}


# Everything that may carry an exception into the log, each with a secret in it.
_LOGGING = """
import asyncio, logging, warnings
import structlog
from gateway import logs

logs.configure("info")

def fall_over(local):
    try:
        raise KeyError("the-secret in a cause")
    except KeyError as cause:
        raise ValueError(f"{local} in a message") from cause

def caught():
    try:
        fall_over("the-secret of a local variable")
    except ValueError as error:
        return error

structlog.get_logger("a").error("told", exc_info=caught(), count=3)
structlog.get_logger("a").debug("not told")
logging.getLogger("uvicorn.error").error("Exception in ASGI application\\n", exc_info=caught())
logging.getLogger("library").warning("a %s warning\\nthe-secret below", "library's")
logging.getLogger("library").info("not told")

async def lose_a_task():
    async def fail():
        fall_over("the-secret of a task")
    task = asyncio.create_task(fail())
    await asyncio.sleep(0.01)
    del task

asyncio.run(lose_a_task())
"""


def test_exceptions_are_logged_by_type_and_place_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOGGING], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == ""
    assert "the-secret" not in done.stderr
    told, uvicorn, library, task = map(json.loads, done.stderr.splitlines())
    assert (told["event"], told["level"], told["count"]) == ("told", "error", 3)
    assert told["timestamp"].endswith("Z")
    assert [each["type"] for each in told["exception"]] == ["ValueError", "KeyError"]
    assert told["exception"][0]["at"][-1] == "<string>:12 fall_over"
    assert uvicorn["event"] == "Exception in ASGI application"
    assert [each["type"] for each in uvicorn["exception"]] == ["ValueError", "KeyError"]
    assert library["event"] == "a library's warning"
    assert task["event"] == "Task exception was never retrieved"
    assert [each["type"] for each in task["exception"]] == ["ValueError", "KeyError"]
