"""The table of settlements, over HTTP: each end of a request, and what is left of its hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from gateway.formats.wires import Wire
from tests import running
from tests.conftest import everywhere
from tests.customers import (
    CREDENTIALS,
    CUSTOMERS,
    LIMIT,
    PRICE,
    PRICED,
    Customer,
    body,
    estimated,
    money,
    streamed_text,
)
from tests.plays import (
    AFTER_HEADERS,
    HELLO,
    USAGE,
    Play,
    after,
    answer,
    cut,
    failure,
    inside,
    raw,
    stall,
)
from tests.running import Running
from tests.vendor import Vendor, vendor_thread

POLICIES = ("estimate", "fail", "allow_free")
COST = money(USAGE.input_tokens, USAGE.output_tokens)
NOTHING = Decimal(0)
# An event of the text in the middle of every wire format's stream.
MIDDLE = 5


@pytest.fixture(scope="module")
def shared_vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


@pytest.fixture(scope="module")
def gateways(
    shared_vendor: Vendor, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Running]]:
    """A gateway for each policy, all before the same vendor."""
    urls = everywhere(f"{shared_vendor.url}/v1")
    with ExitStack() as stack:
        made = {}
        for policy in POLICIES:
            deployment = running.settings(
                tmp_path_factory.mktemp(policy),
                base_urls=urls,
                credentials=CREDENTIALS,
                usage_policy=policy,
            )
            made[policy] = stack.enter_context(running.gateway(deployment))
            assert made[policy].admin.put("/prices", json={"model": PRICED} | PRICE).is_success
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One cell of the table: where it is asked, how, and under which policy."""

    customer: Customer
    vendor: Vendor
    wire: Wire
    is_stream: bool
    policy: str

    @property
    def asked(self) -> dict[str, Any]:
        return body(self.wire, stream=self.is_stream)

    @property
    def estimate(self) -> Decimal:
        return estimated(self.wire, self.asked, LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the account says in the end; `cost` is None where the hold was given back."""

    status: int
    cost: Decimal | None
    tokens: tuple[int | None, int | None, int | None] = (None, None, None)
    error: str | None = None


NO_TOKENS = (None, None, None)
TOLD = (USAGE.input_tokens, USAGE.output_tokens, USAGE.cached_tokens)


def succeeds(case: Case) -> Expected:
    case.vendor.play(Play())
    assert case.customer.ask(case.wire, case.asked).status_code == 200
    return Expected(status=200, cost=COST, tokens=TOLD)


def fails_before_the_answer(case: Case) -> Expected:
    case.vendor.play(failure(500, "The engine is on fire."))
    assert case.customer.ask(case.wire, case.asked).status_code == 500
    return Expected(status=500, cost=None, error="VENDOR_FAILED")


def refuses_the_deployments_key(case: Case) -> Expected:
    case.vendor.play(failure(401, "No such key."))
    assert case.customer.ask(case.wire, case.asked).status_code == 401
    return Expected(status=401, cost=None, error="VENDOR_FAILED")


def hangs_up_before_the_first_byte(case: Case) -> Expected:
    case.vendor.play(cut(AFTER_HEADERS))
    answered = case.customer.ask(case.wire, case.asked)
    if case.is_stream:
        assert answered.status_code == 200
        assert "broke off" in answered.text
        return Expected(status=502, cost=None, error="VENDOR_FAILED")
    assert answered.status_code == 502
    return Expected(status=502, cost=None, error="VENDOR_FAILED")


def breaks_off_in_the_middle(case: Case) -> Expected:
    # What a whole answer has is one piece; a stream breaks between two events of its text.
    case.vendor.play(cut(after(MIDDLE) if case.is_stream else inside(0)))
    answered = case.customer.ask(case.wire, case.asked)
    if case.is_stream:
        assert "Hello" in answered.text
        return Expected(status=502, cost=None, error="VENDOR_FAILED")
    assert answered.status_code == 502
    return Expected(status=502, cost=None, error="VENDOR_FAILED")


def tells_an_error_in_the_answer(case: Case) -> Expected:
    if case.is_stream:
        case.vendor.play(Play(error_after=MIDDLE, error_message="Overloaded, sorry."))
        answered = case.customer.ask(case.wire, case.asked)
        assert answered.status_code == 200
        assert "Overloaded, sorry." in answered.text
        return Expected(status=200, cost=None, error="Overloaded, sorry.")
    case.vendor.play(raw(b"<html>"))
    assert case.customer.ask(case.wire, case.asked).status_code == 502
    return Expected(status=502, cost=None, error="VENDOR_FAILED")


def tells_no_usage(case: Case) -> Expected:
    case.vendor.play(answer("Hello from the vendor.", usage=None))
    assert case.customer.ask(case.wire, case.asked).status_code == 200
    if case.policy == "allow_free":
        return Expected(status=200, cost=None)
    error = "usage_missing" if case.policy == "fail" else None
    return Expected(status=200, cost=case.estimate, error=error)


def loses_its_guest(case: Case) -> Expected:
    case.vendor.play(stall(after(MIDDLE) if case.is_stream else AFTER_HEADERS))
    if not case.is_stream:
        _leave_before_the_answer(case)
        return Expected(status=499, cost=None)
    said = _leave_in_the_middle(case)
    assert said in str(HELLO.text)
    if case.policy == "allow_free":
        return _with_early(case, Expected(status=499, cost=None))
    tokens = -(-len(said) // 4)
    error = "usage_missing" if case.policy == "fail" else None
    worth = estimated(case.wire, case.asked, tokens)
    if case.wire is Wire.MESSAGES:
        worth = money(USAGE.input_tokens, tokens)
    return _with_early(case, Expected(status=499, cost=worth, error=error))


def _leave_before_the_answer(case: Case) -> None:
    before = len(case.vendor.exchanges)
    with ExitStack() as stack:
        # The head never comes, so nothing is to be read: only to be sent.
        sock = stack.enter_context(_connected(case.customer.gateway))
        content = json.dumps(case.asked).encode()
        path = case.customer.url(case.wire).removeprefix(case.customer.gateway.url)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-length: {len(content)}\r\n"
            f"authorization: Bearer {case.customer.token}\r\n\r\n"
        )
        sock.sendall(head.encode() + content)
        case.vendor.wait(lambda: len(case.vendor.exchanges) > before and case.vendor.last.stalled)


def _connected(gateway: Running) -> Any:
    import socket

    host, _, port = gateway.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)))


def _leave_in_the_middle(case: Case) -> str:
    """Read until nothing more comes and leave; return the text that had come."""
    text = ""
    with case.customer.streaming(case.wire, case.asked) as answered:
        lines = answered.iter_lines()
        # The vendor sends so many whole events, and then says no more.
        while text.count("\n\n") < MIDDLE:
            text += next(lines) + "\n"
        case.vendor.wait(lambda: case.vendor.last.stalled)
    return streamed_text(case.wire, text)


def _with_early(case: Case, expected: Expected) -> Expected:
    """This wire format tells its input at the beginning, so the log knows it."""
    if case.wire is not Wire.MESSAGES:
        return expected
    tokens = (USAGE.input_tokens, None, USAGE.cached_tokens)
    return Expected(status=expected.status, cost=expected.cost, error=expected.error, tokens=tokens)


EVENTS: tuple[Callable[[Case], Expected], ...] = (
    succeeds,
    fails_before_the_answer,
    refuses_the_deployments_key,
    hangs_up_before_the_first_byte,
    breaks_off_in_the_middle,
    tells_an_error_in_the_answer,
    tells_no_usage,
    loses_its_guest,
)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("wire", list(Wire), ids=lambda wire: wire.name.lower())
@pytest.mark.parametrize("entrance", CUSTOMERS)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_request_that(
    gateways: dict[str, Running],
    shared_vendor: Vendor,
    event: Callable[[Case], Expected],
    entrance: str,
    wire: Wire,
    is_stream: bool,
    policy: str,
) -> None:
    customer = CUSTOMERS[entrance](gateways[policy], cap="10")
    case = Case(
        customer=customer, vendor=shared_vendor, wire=wire, is_stream=is_stream, policy=policy
    )
    expected = event(case)
    shared_vendor.wait(lambda: customer.log)
    assert customer.account == (expected.cost or NOTHING, NOTHING)
    (row,) = customer.log
    assert (row["status"], row["error"]) == (expected.status, expected.error)
    assert (row["input_tokens"], row["output_tokens"], row["cached_tokens"]) == expected.tokens
    assert (row["cost"] is None) == (expected.cost is None)
    assert Decimal(row["cost"] or 0) == (expected.cost or 0)
    facts = (row["user"], row["wire"], row["model"], row["payer"])
    assert facts == (customer.user, wire.value, body(wire)["model"], "platform")
    assert (row["session"] is not None) == customer.is_facade
