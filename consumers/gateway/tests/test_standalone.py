"""The checks of a request with an API key: each with its exact answer, and their order."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from gateway.formats.wires import Wire
from tests import running
from tests.conftest import everywhere
from tests.customers import (
    CREDENTIALS,
    MODEL,
    NOTHING,
    PRICE,
    PRICED,
    Customer,
    body,
    direct_customer,
    new_user,
)
from tests.plays import answer
from tests.running import Running
from tests.vendor import Vendor, vendor_thread

BODY_LIMIT = 10_000
UNKNOWN_KEY = "gw_" + "0" * 64
# A vendor that is served, but whose key nobody has set, and a model that has no price.
KEYLESS, PRICELESS = "moonshot/kimi-k2.5", "openai/a-model-of-no-list"


@pytest.fixture(scope="module")
def shared_vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


@pytest.fixture(scope="module")
def strict(shared_vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway that wants a price for every model."""
    deployment = running.settings(
        tmp_path_factory.mktemp("strict"),
        base_urls=everywhere(f"{shared_vendor.url}/v1"),
        credentials=CREDENTIALS,
        body_limit=BODY_LIMIT,
        are_prices_required=True,
    )
    with running.gateway(deployment) as made:
        assert made.admin.put("/prices", json={"model": PRICED} | PRICE).is_success
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request in the making, by the user of a customer of its own."""

    customer: Customer
    wire: Wire
    headers: dict[str, str]
    body: dict[str, Any]
    prepare: tuple[Callable[[Customer], None], ...] = ()

    def sent(self) -> httpx.Response:
        for prepare in self.prepare:
            prepare(self.customer)
        return self.customer.gateway.anyone.post(
            self.customer.url(self.wire), headers=self.headers, json=self.body
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One condition of the table: what breaks it, and the answer."""

    name: str
    breaks: Callable[[Asked], Asked]
    status: int
    code: str
    kinds: tuple[str, str]
    message: str
    headers: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


def _keyless(asked: Asked) -> Asked:
    return replace(asked, headers={})


def _unknown(asked: Asked) -> Asked:
    return replace(asked, headers={"authorization": f"Bearer {UNKNOWN_KEY}"})


def _oversize(asked: Asked) -> Asked:
    return replace(asked, body=asked.body | {"filler": "x" * BODY_LIMIT})


def _modelless(asked: Asked) -> Asked:
    return replace(asked, body=asked.body | {"model": " "})


def _for_another(asked: Asked) -> Asked:
    return replace(asked, headers=asked.headers | {"x-gateway-user": "somebody-else"})


def _limited(asked: Asked) -> Asked:
    def spend_the_minute(customer: Customer) -> None:
        gateway = customer.gateway
        gateway.admin.patch(f"/users/{customer.user}", json={"requests_per_minute": 1})
        refused = customer.ask(Wire.CHAT, body(Wire.CHAT, model="nobody/knows-it"))
        assert refused.status_code == 400

    return replace(asked, prepare=(spend_the_minute, *asked.prepare))


def _unserved(asked: Asked) -> Asked:
    # The model is empty where that is broken as well, and the earlier check sees it.
    return _with_model(asked, "nobody/knows-it")


def _without_credential(asked: Asked) -> Asked:
    return _with_model(asked, KEYLESS)


def _with_model(asked: Asked, model: str) -> Asked:
    is_free = asked.body["model"] == MODEL
    return replace(asked, body=asked.body | {"model": model}) if is_free else asked


def _gone(asked: Asked) -> Asked:
    """Have the user vanish between the check of the key and the hold."""

    def vanish(customer: Customer) -> None:
        gateway = customer.gateway
        gateway.admin.patch(f"/users/{customer.user}", json={"requests_per_minute": 2})
        path = gateway.settings.database_url.removeprefix("sqlite:///")
        named = f"'{customer.user}'"
        with sqlite3.connect(path) as connection:
            connection.executescript(f"""
                CREATE TRIGGER "vanish_{customer.user}" AFTER INSERT ON rate_windows
                WHEN NEW.user_id = {named}
                BEGIN
                    DELETE FROM rate_windows WHERE user_id = {named};
                    DELETE FROM api_keys WHERE user_id = {named};
                    DELETE FROM users WHERE id = {named};
                END;
                """)
        connection.close()

    return replace(asked, prepare=(*asked.prepare, vanish))


def _blocked(asked: Asked) -> Asked:
    return _changed(asked, is_blocked=True)


def _overdrawn(asked: Asked) -> Asked:
    return _changed(asked, cap="0")


def _changed(asked: Asked, **change: Any) -> Asked:
    def apply(customer: Customer) -> None:
        done = customer.gateway.admin.patch(f"/users/{customer.user}", json=change)
        assert done.status_code == 200

    return replace(asked, prepare=(apply, *asked.prepare))


def _priceless(asked: Asked) -> Asked:
    return _with_model(asked, PRICELESS)


INVALID = ("invalid_request_error", "invalid_request_error")
FORBIDDEN = ("permission_error", "permission_error")
# Who is refused before the body was read is not heard any further on this connection.
CLOSED = {"connection": "close"}
CHALLENGE = {"www-authenticate": "Bearer"} | CLOSED
ROWS = (
    Row(
        name="no key",
        breaks=_keyless,
        status=401,
        code="TOKEN_REQUIRED",
        kinds=("authentication_error", "authentication_error"),
        message="Send an API key.",
        headers=CHALLENGE,
    ),
    Row(
        name="unknown key",
        breaks=_unknown,
        status=401,
        code="TOKEN_INVALID",
        kinds=("authentication_error", "authentication_error"),
        message="This API key is not known, or not any more.",
        headers=CHALLENGE,
    ),
    Row(
        name="body too large",
        breaks=_oversize,
        status=413,
        code="BODY_TOO_LARGE",
        kinds=("invalid_request_error", "request_too_large"),
        message=f"The body is longer than {BODY_LIMIT} bytes.",
        headers=CLOSED,
    ),
    Row(
        name="no model",
        breaks=_modelless,
        status=400,
        code="MODEL_REQUIRED",
        kinds=INVALID,
        message="Name a model.",
    ),
    Row(
        name="another user",
        breaks=_for_another,
        status=403,
        code="FORBIDDEN",
        kinds=FORBIDDEN,
        message="This API key speaks for another user.",
    ),
    Row(
        name="too many requests",
        breaks=_limited,
        status=429,
        code="RATE_LIMITED",
        kinds=("rate_limit_error", "rate_limit_error"),
        message="Too many requests a minute.",
    ),
    Row(
        name="model of nobody",
        breaks=_unserved,
        status=400,
        code="MODEL_NOT_SERVED",
        kinds=INVALID,
        message="Name the model as VENDOR/MODEL or VENDOR:MODEL, with a vendor served here.",
    ),
    Row(
        name="no credential",
        breaks=_without_credential,
        status=424,
        code="MISSING_CREDENTIAL",
        kinds=INVALID,
        message="Moonshot (Kimi) needs one of: MOONSHOT_API_KEY, KIMI_API_KEY.",
        details={"provider": "moonshot", "accepted_names": ["MOONSHOT_API_KEY", "KIMI_API_KEY"]},
    ),
    Row(
        name="unknown user",
        breaks=_gone,
        status=404,
        code="NOT_FOUND",
        kinds=("not_found_error", "not_found_error"),
        message="There is no such user.",
    ),
    Row(
        name="blocked",
        breaks=_blocked,
        status=403,
        code="USER_BLOCKED",
        kinds=FORBIDDEN,
        message="This user is blocked.",
    ),
    Row(
        name="over budget",
        breaks=_overdrawn,
        status=403,
        code="OVER_BUDGET",
        kinds=FORBIDDEN,
        message="The budget does not allow this.",
    ),
    Row(
        name="no price",
        breaks=_priceless,
        status=402,
        code="PRICE_REQUIRED",
        kinds=("insufficient_quota", "billing_error"),
        message="This model has no price here.",
    ),
)
# What a broken neighbour hides: one check has two ways to fail, and only one at a time.
EXCLUSIVE = {("no key", "unknown key"), ("model of nobody", "no credential")}
PAIRS = [pair for pair in itertools.pairwise(ROWS) if (pair[0].name, pair[1].name) not in EXCLUSIVE]


def _sound(gateway: Running, wire: Wire) -> Asked:
    customer = direct_customer(gateway, cap="10")
    return Asked(customer=customer, wire=wire, headers=customer.headers, body=body(wire))


def _assert_refused(answered: httpx.Response, row: Row, wire: Wire) -> None:
    assert answered.status_code == row.status, answered.text
    error = {"message": row.message, "code": row.code} | row.details
    if wire is Wire.MESSAGES:
        assert answered.json() == {"type": "error", "error": {"type": row.kinds[1]} | error}
    else:
        assert answered.json() == {"error": {"type": row.kinds[0], "param": None} | error}
    headers = dict(answered.headers)
    if row.status == 429:
        assert 1 <= int(headers.pop("retry-after")) <= 60
    for common in ("date", "content-length", "server"):
        headers.pop(common, None)
    assert headers == {"content-type": "application/json"} | row.headers


@pytest.mark.parametrize("wire", list(Wire), ids=lambda wire: wire.name.lower())
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_broken_condition_is_refused_and_nothing_is_held(
    strict: Running, shared_vendor: Vendor, row: Row, wire: Wire
) -> None:
    before = len(shared_vendor.exchanges)
    asked = row.breaks(_sound(strict, wire))
    _assert_refused(asked.sent(), row, wire)
    assert len(shared_vendor.exchanges) == before
    if row.name != "unknown user":
        assert asked.customer.account == NOTHING


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].name} and {pair[1].name}")
def test_of_two_broken_conditions_the_earlier_is_told(
    strict: Running, pair: tuple[Row, Row]
) -> None:
    earlier, later = pair
    asked = later.breaks(earlier.breaks(_sound(strict, Wire.CHAT)))
    _assert_refused(asked.sent(), earlier, Wire.CHAT)


def test_a_missing_price_gives_the_hold_back_and_is_logged(strict: Running) -> None:
    customer = direct_customer(strict, cap="10")
    assert customer.ask(Wire.CHAT, body(Wire.CHAT, model=PRICELESS)).status_code == 402
    assert customer.account == NOTHING
    (row,) = customer.log
    assert (row["status"], row["error"], row["cost"]) == (402, "PRICE_REQUIRED", None)


@pytest.mark.parametrize(
    ("presented", "status"),
    [
        ({"x-gateway-key": "good"}, 200),
        ({"authorization": "Bearer good"}, 200),
        ({"authorization": "bearer good"}, 200),
        ({"x-api-key": "good"}, 200),
        ({"x-gateway-key": "good", "authorization": "Bearer bad", "x-api-key": "bad"}, 200),
        ({"x-gateway-key": "bad", "authorization": "Bearer good", "x-api-key": "good"}, 401),
        ({"authorization": "Bearer good", "x-api-key": "bad"}, 200),
        ({"authorization": "Bearer bad", "x-api-key": "good"}, 401),
        ({"authorization": "Basic good", "x-api-key": "good"}, 200),
        ({"authorization": "Basic good"}, 401),
        ({"authorization": "good"}, 401),
        ({"cookie": "x-gateway-key=good"}, 401),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else str(value),
)
def test_the_own_header_comes_before_bearer_and_that_before_x_api_key(
    strict: Running, shared_vendor: Vendor, presented: dict[str, str], status: int
) -> None:
    customer = direct_customer(strict, cap="10")
    words = {"good": customer.token, "bad": UNKNOWN_KEY}
    headers = {
        name: " ".join(words.get(word, word) for word in value.split(" "))
        for name, value in presented.items()
    }
    answered = strict.anyone.post("/v1/chat/completions", headers=headers, json=body(Wire.CHAT))
    assert answered.status_code == status
    if status == 200:
        sent = b"\n".join(shared_vendor.last.received.header_lines)
        assert customer.token.encode() not in sent
        assert UNKNOWN_KEY.encode() not in sent
        assert CREDENTIALS["ANTHROPIC_API_KEY"].encode() in sent


@pytest.mark.parametrize("what", ["revoked", "expired"])
def test_a_key_that_has_ended_opens_nothing(strict: Running, what: str) -> None:
    customer = direct_customer(strict, cap="10")
    keys = strict.admin.get(f"/users/{customer.user}/keys").json()
    if what == "revoked":
        path = f"/users/{customer.user}/keys/{keys[0]['fingerprint']}"
        assert strict.admin.delete(path).status_code == 204
    else:
        _expire(strict, keys[0]["fingerprint"])
    row = next(row for row in ROWS if row.name == "unknown key")
    _assert_refused(customer.ask(Wire.CHAT, body(Wire.CHAT)), row, Wire.CHAT)


def _expire(gateway: Running, mark: str) -> None:
    path = gateway.settings.database_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "UPDATE api_keys SET expires_at = '2020-01-01 00:00:00' WHERE fingerprint = ?", (mark,)
        )
    connection.close()


def _in_the_body(wire: Wire, user: object) -> dict[str, Any]:
    if wire is Wire.MESSAGES:
        return body(wire, metadata={"user_id": user})
    return body(wire, user=user)


@pytest.mark.parametrize("wire", list(Wire), ids=lambda wire: wire.name.lower())
def test_a_request_may_name_its_own_user_only(strict: Running, wire: Wire) -> None:
    customer, other = direct_customer(strict, cap="10"), new_user(strict)
    forbidden = next(row for row in ROWS if row.name == "another user")
    named = {"x-gateway-user": customer.user}
    assert customer.ask(wire, _in_the_body(wire, customer.user), **named).status_code == 200
    _assert_refused(customer.ask(wire, body(wire), **{"x-gateway-user": other}), forbidden, wire)
    _assert_refused(customer.ask(wire, _in_the_body(wire, other)), forbidden, wire)


@pytest.mark.parametrize("wire", list(Wire), ids=lambda wire: wire.name.lower())
@pytest.mark.parametrize("named", ["an-end-user-of-the-caller", "", "\u0000", "x" * 5000])
def test_what_the_body_says_of_the_callers_own_users_is_the_vendors_business(
    strict: Running, shared_vendor: Vendor, wire: Wire, named: str
) -> None:
    customer = direct_customer(strict, cap="10")
    asked = _in_the_body(wire, named)
    assert customer.ask(wire, asked).status_code == 200
    sent = shared_vendor.last.received.json
    assert (sent["metadata"]["user_id"] if wire is Wire.MESSAGES else sent["user"]) == named
    assert [row["user"] for row in customer.log] == [customer.user]


@pytest.mark.parametrize("user", [17, None, ["a"], {"id": "a"}], ids=str)
def test_a_member_for_the_user_that_is_no_text_names_nobody(strict: Running, user: object) -> None:
    customer = direct_customer(strict, cap="10")
    for wire in Wire:
        assert customer.ask(wire, body(wire) | _in_the_body(wire, user)).status_code == 200
    assert customer.ask(Wire.MESSAGES, body(Wire.MESSAGES, metadata="text")).status_code == 200


def test_one_minute_holds_as_many_requests_as_the_limit_says(
    strict: Running, shared_vendor: Vendor
) -> None:
    customer = direct_customer(strict, cap="10", requests_per_minute=3)
    shared_vendor.play(*[answer("Hello")] * 3)
    statuses = [customer.ask(Wire.CHAT, body(Wire.CHAT)).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert len(customer.log) == 3
