"""The service on another registry: withdrawn ids, ids of several arms, and who pays for those."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import process
from tests.registries import EVERYTHING, before_the_withdrawal, compiled
from tests.running import ADMIN, DEADLINE
from tests.vendor import Vendor, vendor_thread

SESSIONS = "/api/runtime/sessions"
ONE, TWO = {"TIE_ONE_KEY": "key-one"}, {"TIE_TWO_KEY": "key-two"}
PLATFORM_KEY = "the-platforms-own-key"
Deploy = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="module", name="registries")
def _registries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    manifests = {"before": before_the_withdrawal(), "after": EVERYTHING.read_text()}
    return {name: compiled(text, tmp_path_factory.mktemp(name)) for name, text in manifests.items()}


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


@contextmanager
def deployed(
    registry: Path, folder: Path, vendor: Vendor, **variables: str
) -> Iterator[httpx.Client]:
    """Run the command on a registry, and give a client that is its administrator."""
    url = f"{vendor.url}/v1"
    tied = {name: {"openai": url} for name in ("tie-one", "tie-two", "platform")}
    settings = {
        "BASE_URLS": json.dumps(tied),
        "CREDENTIALS": json.dumps({"PLATFORM_TOKEN": PLATFORM_KEY}),
        **variables,
    }
    environment = process.environment(folder, **settings)
    environment["PYTHONPATH"] = f"{registry}{os.pathsep}{environment['PYTHONPATH']}"
    with (
        process.running(folder, ["--port", "0"], environment) as running,
        httpx.Client(
            base_url=running.url(), headers=ADMIN, timeout=DEADLINE, trust_env=False
        ) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def other(
    registries: dict[str, Path], vendor: Vendor, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A deployment on the other registry that creates whatever it can."""
    folder = tmp_path_factory.mktemp("other")
    with deployed(registries["after"], folder, vendor, MODEL_POLICY="warn") as client:
        yield client


def create(client: httpx.Client, model: str, secrets: dict[str, str]) -> httpx.Response:
    body = {"name": "n", "runtime": "ties", "model": model, "secrets": secrets}
    return client.post("/workspaces", json=body)


def workspace(
    client: httpx.Client, model: str, secrets: dict[str, str], mode: str | None = None
) -> dict[str, Any]:
    made = create(client, model, secrets)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    path = f"/workspaces/{found['id']}/billing-mode"
    assert client.put(path, json={"override": mode}).status_code == 200
    return found


def start(client: httpx.Client, made: dict[str, Any], **wanted: Any) -> httpx.Response:
    return client.post(SESSIONS, json={"workspace": made["id"], **wanted})


def ask(client: httpx.Client, session: dict[str, Any]) -> httpx.Response:
    token = session["environment"]["OPENAI_API_KEY"]
    return httpx.post(
        f"{client.base_url.join(SESSIONS)}/{session['id']}/llm/openai/v1/chat/completions",
        headers={"authorization": f"Bearer {token}"},
        json={"model": session["model"], "messages": [{"role": "user", "content": "Hello"}]},
        timeout=DEADLINE,
        trust_env=False,
    )


def key_used(vendor: Vendor) -> str:
    return vendor.received[-1].headers["authorization"].removeprefix("Bearer ")


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_withdrawn_id_is_refused_to_new_workspaces_and_kept_by_old_ones(
    registries: dict[str, Path], vendor: Vendor, tmp_path: Path
) -> None:
    keys = {"SECRET_KEYS": process.environment(tmp_path)["GATEWAY_SECRET_KEYS"]}
    with deployed(registries["before"], tmp_path, vendor, **keys) as client:
        old = workspace(client, "gone-told", ONE)
        session = start(client, old).json()
        assert ask(client, session).status_code == 200
    with deployed(registries["after"], tmp_path, vendor, **keys) as client:
        refused = create(client, "gone-told", ONE)
        assert error_of(refused) == (422, "UNREGISTERED_MODEL_FOR_RUNTIME")
        assert refused.json()["error"]["verdict"] == "withdrawn"
        assert "gone-told" in refused.json()["error"]["message"]
        menu = client.get("/runtimes/ties/models").json()
        assert "gone-told" not in [each["id"] for each in menu]
        billing = client.get(f"/workspaces/{old['id']}/billing-mode").json()
        assert billing == old["billing"]
        assert (billing["mode"], billing["provider"]) == ("byok", "tie-one")
        assert ask(client, session).status_code == 200
        resumed = client.post(f"{SESSIONS}/{session['id']}/resume", json={}).json()
        assert ask(client, resumed).status_code == 200
        assert ask(client, start(client, old).json()).status_code == 200
        assert key_used(vendor) == "key-one"


def test_a_lenient_deployment_creates_with_a_withdrawn_id_and_bills_it_as_a_pin(
    other: httpx.Client,
) -> None:
    made = create(other, "gone-plain", ONE)
    assert made.headers["x-molecule-model-unregistered"] == "true"
    billing = made.json()["billing"]
    assert (billing["mode"], billing["provider"]) == ("byok", "tie-one")
    path = f"/workspaces/{made.json()['id']}/billing-mode"
    assert other.get(path).json() == billing


def test_a_pin_whose_key_is_missing_fails_closed(other: httpx.Client) -> None:
    answer = start(other, workspace(other, "gone-plain", {}))
    assert error_of(answer) == (422, "MISSING_BYOK_CREDENTIAL")
    assert answer.json()["error"]["missing_env"] == ["TIE_ONE_KEY", "TIE_SHARED_KEY"]


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        ({}, (400, "AMBIGUOUS_MODEL")),
        (ONE | TWO, (400, "AMBIGUOUS_MODEL")),
        ({"TIE_SHARED_KEY": "k"}, (400, "AMBIGUOUS_MODEL")),
        (ONE, "tie-one"),
        (TWO, "tie-two"),
    ],
    ids=str,
)
def test_of_several_patterns_the_keys_decide(
    other: httpx.Client, vendor: Vendor, secrets: dict[str, str], expected: Any
) -> None:
    answer = start(other, workspace(other, "tie-to-two", secrets, "byok"))
    if isinstance(expected, str):
        assert (answer.status_code, answer.json()["provider"]) == (201, expected)
        assert ask(other, answer.json()).status_code == 200
        assert key_used(vendor) == next(iter(secrets.values()))
    else:
        assert error_of(answer) == expected


def test_a_session_goes_on_when_a_secret_stored_later_makes_its_model_ambiguous(
    other: httpx.Client, vendor: Vendor
) -> None:
    made = workspace(other, "tie-to-two", ONE, "byok")
    session = start(other, made).json()
    assert other.put("/secrets/TIE_TWO_KEY", json={"value": "stored"}).status_code == 204
    try:
        assert error_of(start(other, made)) == (400, "AMBIGUOUS_MODEL")
        assert ask(other, session).status_code == 200
        resumed = other.post(f"{SESSIONS}/{session['id']}/resume", json={}).json()
        assert resumed["provider"] == "tie-one"
        assert ask(other, resumed).status_code == 200
        assert key_used(vendor) == "key-one"
    finally:
        other.delete("/secrets/TIE_TWO_KEY")


# One id that a vendor's arm and the platform's both list, the vendor's first.
SHARED: dict[str, tuple[dict[str, str], str | None, str | tuple[str, list[str]]]] = {
    "a vendor's key": (ONE, None, "key-one"),
    "the platform's name decides the tie": ({"PLATFORM_TOKEN": "mine"}, None, PLATFORM_KEY),
    "the platform is to pay, whatever is brought": (ONE, "platform_managed", PLATFORM_KEY),
    "the tenant is to pay, with the platform's name alone": (
        {"PLATFORM_TOKEN": "mine"},
        "byok",
        ("tie-one", ["TIE_ONE_KEY", "TIE_SHARED_KEY"]),
    ),
    "the tenant is to pay, with both": (ONE | {"PLATFORM_TOKEN": "mine"}, "byok", "key-one"),
}


@pytest.mark.parametrize(("secrets", "mode", "expected"), SHARED.values(), ids=SHARED.keys())
def test_who_pays_decides_between_a_vendor_and_the_platform(
    other: httpx.Client,
    vendor: Vendor,
    secrets: dict[str, str],
    mode: str | None,
    expected: str | tuple[str, list[str]],
) -> None:
    answer = start(other, workspace(other, "same/id", secrets, mode))
    if isinstance(expected, str):
        assert answer.status_code == 201, answer.text
        assert ask(other, answer.json()).status_code == 200
        assert key_used(vendor) == expected
    else:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "MISSING_BYOK_CREDENTIAL")
        assert (error["provider"], error["missing_env"]) == expected


def test_when_another_is_to_pay_a_resumed_session_changes_its_arm(
    other: httpx.Client, vendor: Vendor
) -> None:
    made = workspace(other, "same/id", ONE)
    session = start(other, made).json()
    assert session["provider"] == "tie-one"
    path = f"/workspaces/{made['id']}/billing-mode"
    for mode, provider, key in (
        ("platform_managed", "platform", PLATFORM_KEY),
        ("byok", "tie-one", "key-one"),
    ):
        assert other.put(path, json={"override": mode}).status_code == 200
        session = other.post(f"{SESSIONS}/{session['id']}/resume", json={}).json()
        assert session["provider"] == provider
        assert ask(other, session).status_code == 200
        assert key_used(vendor) == key


def test_a_session_that_sets_a_part_of_the_url_gets_no_stored_key(other: httpx.Client) -> None:
    body = {"name": "n", "runtime": "cases", "model": "Mix-one"}
    assert other.put("/secrets/CASE_WRITTEN_KEY", json={"value": "stored"}).status_code == 204
    try:
        made = other.post("/workspaces", json=body).json()
        session = start(other, made, env={"CASE_PATH": "mine"}).json()
        token = session["environment"]["OPENAI_API_KEY"]
        answer = httpx.post(
            f"{other.base_url.join(SESSIONS)}/{session['id']}/llm/anthropic/v1/messages",
            headers={"x-api-key": token},
            json={"model": "Mix-one", "max_tokens": 1, "messages": []},
            timeout=DEADLINE,
            trust_env=False,
        )
        assert error_of(answer) == (424, "MISSING_CREDENTIAL")
        assert answer.json()["error"]["accepted_names"] == ["CASE_WRITTEN_KEY"]
    finally:
        other.delete("/secrets/CASE_WRITTEN_KEY")
