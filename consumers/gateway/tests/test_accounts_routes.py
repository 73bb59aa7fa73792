"""The administrator's routes for users, keys, prices and the log, with amounts as texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.formats.wires import Wire
from gateway.keys.tokens import fingerprint
from gateway.spending.accounts import digest_of
from tests import running
from tests.conftest import everywhere
from tests.customers import CREDENTIALS, PRICE, body, direct_customer, new_user
from tests.plays import failure
from tests.running import Running
from tests.vendor import Vendor, vendor_thread


@pytest.fixture(scope="module")
def shared_vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


@pytest.fixture(scope="module")
def shared(shared_vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    deployment = running.settings(
        tmp_path_factory.mktemp("accounts"),
        base_urls=everywhere(f"{shared_vendor.url}/v1"),
        credentials=CREDENTIALS,
        default_cap="12.5",
        requests_per_minute=600,
    )
    with running.gateway(deployment) as made:
        yield made


ROUTES = [
    ("POST", "/users"),
    ("GET", "/users"),
    ("GET", "/users/a"),
    ("PATCH", "/users/a"),
    ("POST", "/users/a/keys"),
    ("GET", "/users/a/keys"),
    ("DELETE", "/users/a/keys/0123456789ab"),
    ("PUT", "/prices"),
    ("GET", "/prices"),
    ("DELETE", "/prices"),
    ("GET", "/requests"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_needs_the_admin_key(shared: Running, method: str, path: str) -> None:
    user = direct_customer(shared)
    for headers in ({}, {"x-admin-key": "wrong"}, user.headers):
        refused = shared.anyone.request(method, path, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "ADMIN_KEY_REQUIRED"


def _is_moment(text: str) -> bool:
    return datetime.fromisoformat(text).utcoffset() is not None


def test_a_user_is_created_with_the_limits_that_were_given(shared: Running) -> None:
    made = shared.create("/users", id="ada@example.com", cap="7.25", requests_per_minute=3)
    assert _is_moment(made.pop("created_at"))
    assert made == {
        "id": "ada@example.com",
        "cap": "7.250000",
        "spend": "0.000000",
        "reserved": "0.000000",
        "is_blocked": False,
        "requests_per_minute": 3,
    }


@pytest.mark.parametrize(
    ("given", "cap", "limit"),
    [
        ({}, "12.500000", 600),
        ({"cap": None, "requests_per_minute": None}, None, None),
        ({"cap": "0"}, "0.000000", 600),
        ({"cap": "0.0000000001"}, "0.0000000001", 600),
        ({"cap": "300000000"}, "300000000.000000", 600),
    ],
    ids=str,
)
def test_what_is_left_out_is_the_deployments_default_and_null_is_no_limit(
    shared: Running, given: dict[str, Any], cap: str | None, limit: int | None
) -> None:
    user = new_user(shared, **given)
    shown = shared.admin.get(f"/users/{user}").json()
    assert (shown["cap"], shown["requests_per_minute"]) == (cap, limit)


def test_a_user_is_made_once(shared: Running) -> None:
    user = new_user(shared)
    refused = shared.admin.post("/users", json={"id": user})
    assert refused.status_code == 409
    assert refused.json() == {
        "error": {"code": "USER_EXISTS", "message": "There is a user of that name."}
    }


BAD_USERS: list[dict[str, Any]] = [
    {},
    {"id": ""},
    {"id": "a b"},
    {"id": "a/b"},
    {"id": ".."},
    {"id": "a\x00"},
    {"id": "é"},
    {"id": "a" * 201},
    {"id": 7},
    {"id": "a", "spend": "0"},
    {"id": "a", "requests_per_minute": 0},
    {"id": "a", "requests_per_minute": True},
    {"id": "a", "requests_per_minute": 1.5},
    *[
        {"id": "a", "cap": cap}
        for cap in (
            1.5,
            1,
            True,
            "",
            "-1",
            "+1",
            "1e3",
            "NaN",
            "Infinity",
            "1,5",
            " 1",
            "1\n",
            ".5",
            "1.",
            "0.00000000001",
            "300000000.0000000001",
            "9" * 100,
            "\N{ARABIC-INDIC DIGIT ONE}",
        )
    ],
]


@pytest.mark.parametrize("wanted", BAD_USERS, ids=lambda wanted: json.dumps(wanted)[:60])
def test_a_user_that_makes_no_sense_is_refused(shared: Running, wanted: dict[str, Any]) -> None:
    refused = shared.admin.post("/users", json=wanted)
    assert refused.status_code == 422, refused.text
    assert refused.json()["error"]["code"] == "INVALID_REQUEST"


def test_of_a_user_only_what_is_said_is_changed(shared: Running) -> None:
    user = new_user(shared, cap="5", requests_per_minute=9)
    path = f"/users/{user}"
    changes: list[tuple[dict[str, Any], tuple[str | None, int | None, bool]]] = [
        ({}, ("5.000000", 9, False)),
        ({"is_blocked": True}, ("5.000000", 9, True)),
        ({"cap": None}, (None, 9, True)),
        ({"requests_per_minute": None}, (None, None, True)),
        ({"cap": "1.5", "is_blocked": False}, ("1.500000", None, False)),
    ]
    for change, expected in changes:
        shown = shared.admin.patch(path, json=change).json()
        assert (shown["cap"], shown["requests_per_minute"], shown["is_blocked"]) == expected
        assert shared.admin.get(path).json() == shown
    for change in ({"cap": 1}, {"is_blocked": None}, {"is_blocked": "yes"}, {"spend": "0"}):
        assert shared.admin.patch(path, json=change).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/nobody"),
        ("PATCH", "/users/nobody"),
        ("POST", "/users/nobody/keys"),
        ("GET", "/users/nobody/keys"),
        ("DELETE", "/users/nobody/keys/0123456789ab"),
        ("DELETE", "/prices?model=no-such-model"),
        ("GET", "/requests?before=no-such-request"),
    ],
)
def test_what_is_not_there_is_not_found(shared: Running, method: str, path: str) -> None:
    refused = shared.admin.request(method, path, json={})
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "NOT_FOUND"


def test_users_are_listed_in_parts_by_their_names(shared: Running) -> None:
    names = sorted(new_user(shared) for _ in range(3))
    listed = shared.admin.get("/users", params={"after": names[0], "limit": 2}).json()
    ids = [user["id"] for user in listed]
    assert len(ids) == 2
    assert ids == sorted(ids)
    assert ids[0] > names[0]
    whole = [user["id"] for user in shared.admin.get("/users", params={"limit": 500}).json()]
    assert set(names) <= set(whole)
    wrongs: list[dict[str, Any]] = [{"limit": 0}, {"limit": 501}, {"limit": "x"}]
    for wrong in (*wrongs, {"after": "a" * 201}):
        assert shared.admin.get("/users", params=wrong).status_code == 422


def test_a_key_is_shown_once_and_known_by_its_fingerprint(shared: Running) -> None:
    user = new_user(shared)
    minted = shared.create(f"/users/{user}/keys", expires_in=60)
    key = minted.pop("key")
    assert re.fullmatch(r"gw_[0-9a-f]{64}", key)
    assert minted["fingerprint"] == fingerprint(digest_of(key))
    life = datetime.fromisoformat(minted["expires_at"]) - datetime.fromisoformat(
        minted["created_at"]
    )
    assert 30 < life.total_seconds() <= 60
    listed = shared.admin.get(f"/users/{user}/keys")
    assert listed.json() == [minted]
    assert key not in listed.text
    path = f"/users/{user}/keys/{minted['fingerprint']}"
    assert shared.admin.delete(path).status_code == 204
    assert shared.admin.delete(path).status_code == 404
    (revoked,) = shared.admin.get(f"/users/{user}/keys").json()
    assert _is_moment(revoked["revoked_at"])


def test_a_key_of_one_user_is_not_revoked_through_another(shared: Running) -> None:
    customer, other = direct_customer(shared), new_user(shared)
    mark = fingerprint(digest_of(customer.token))
    assert shared.admin.delete(f"/users/{other}/keys/{mark}").status_code == 404
    assert customer.ask(Wire.CHAT, body(Wire.CHAT)).status_code == 200


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "60", True, 31_536_001])
def test_a_key_lives_for_a_whole_number_of_seconds(shared: Running, seconds: Any) -> None:
    user = new_user(shared)
    refused = shared.admin.post(f"/users/{user}/keys", json={"expires_in": seconds})
    assert refused.status_code == 422


def _price(shared: Running, model: str) -> list[dict[str, Any]]:
    return [price for price in shared.admin.get("/prices").json() if price["model"] == model]


def test_a_price_holds_from_the_next_request_on(shared: Running) -> None:
    customer = direct_customer(shared)
    asked = body(Wire.CHAT, model="openai/a/model with spaces")
    own = {"model": "a/model with spaces", "provider": "openai-api"}
    assert shared.admin.put("/prices", json=own | PRICE).status_code == 204
    assert customer.ask(Wire.CHAT, asked).status_code == 200
    assert customer.log[0]["cost"] == "0.000100"
    dear = own | {"input": "0", "output": "1000000", "cached": "1", "cache_write": "2.5"}
    assert shared.admin.put("/prices", json=dear).status_code == 204
    shown = {"input": "0.000000", "output": "1000000.000000", "cached": "1.000000"}
    assert _price(shared, own["model"]) == [own | shown | {"cache_write": "2.500000"}]
    refused = customer.ask(Wire.CHAT, asked)
    assert refused.json()["error"]["code"] == "OVER_BUDGET"
    assert shared.admin.delete("/prices", params=own).status_code == 204
    assert shared.admin.delete("/prices", params=own).status_code == 404
    assert customer.ask(Wire.CHAT, asked).status_code == 200
    assert customer.log[0]["cost"] == "0.000000"


def test_a_price_of_one_provider_comes_before_that_of_any(shared: Running) -> None:
    customer = direct_customer(shared)
    for provider, output in (("", "1"), ("openai-api", "2")):
        price = {"model": "a-model", "provider": provider, "input": "0", "output": output}
        assert shared.admin.put("/prices", json=price).status_code == 204
    assert customer.ask(Wire.CHAT, body(Wire.CHAT, model="openai/a-model")).status_code == 200
    assert customer.log[0]["cost"] == "0.000014"


@pytest.mark.parametrize(
    "wanted",
    [
        {"input": "1"},
        {"input": "-1", "output": "1"},
        {"input": 1, "output": 1},
        {"input": "1", "output": "1", "cached": 0.5},
        {"input": "1", "output": "1", "model": ""},
        {"input": "1", "output": "1", "model": "a\nb"},
        {"input": "1", "output": "1", "model": "a" * 301},
        {"input": "1", "output": "1", "currency": "EUR"},
    ],
    ids=str,
)
def test_a_price_that_makes_no_sense_is_refused(shared: Running, wanted: dict[str, Any]) -> None:
    assert shared.admin.put("/prices", json={"model": "m"} | wanted).status_code == 422
    assert _price(shared, "m") == []


def test_the_log_is_read_in_parts_the_newest_first(shared: Running, shared_vendor: Vendor) -> None:
    customer, other = direct_customer(shared), direct_customer(shared)
    for number in range(5):
        if number == 2:
            shared_vendor.play(failure(500))
        asked = body(Wire.CHAT, model=f"openai/model-{number}")
        assert customer.ask(Wire.CHAT, asked).status_code in (200, 500)
        assert other.ask(Wire.CHAT, body(Wire.CHAT)).status_code == 200
    seen: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    sizes = []
    while True:
        params: dict[str, Any] = {"user": customer.user, "limit": 2} | before
        page = shared.admin.get("/requests", params=params).json()
        seen += page["requests"]
        sizes.append(len(page["requests"]))
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert sizes == [2, 2, 1]
    assert [row["model"] for row in seen] == [f"openai/model-{n}" for n in (4, 3, 2, 1, 0)]
    assert [row["status"] for row in seen] == [200, 200, 500, 200, 200]
    assert {row["user"] for row in seen} == {customer.user}
    newest = shared.admin.get("/requests", params={"limit": 1}).json()["requests"][0]
    assert newest["user"] == other.user
    wrongs: list[dict[str, Any]] = [{"limit": 0}, {"limit": 501}, {"before": "a" * 101}]
    for wrong in wrongs:
        assert shared.admin.get("/requests", params=wrong).status_code == 422


def test_no_amount_in_any_answer_is_a_number(shared: Running) -> None:
    customer = direct_customer(shared, cap="10")
    assert shared.admin.put("/prices", json={"model": "x"} | PRICE).is_success
    assert customer.ask(Wire.CHAT, body(Wire.CHAT)).status_code == 200
    paths = ("/users", f"/users/{customer.user}", "/prices", "/requests")
    names = {"cap", "spend", "reserved", "cost", "input", "output", "cached", "cache_write"}
    found = set()
    for path in paths:
        for name, value in _members(shared.admin.get(path).json()):
            if name in names and value is not None:
                assert isinstance(value, str)
                assert Decimal(value) >= 0
                found.add(name)
            assert not isinstance(value, float)
    assert found >= {"cap", "spend", "reserved", "cost", "input", "output"}


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield name, member
            yield from _members(member)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)
