"""Global secrets: stored sealed, opened by every key of the vault, and told to nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import create_engine, text

from gateway.storage.vault import SealBrokenError, Vault, new_key
from tests import running
from tests.conftest import everywhere
from tests.running import Running
from tests.vendor import Vendor

NAME = "ANTHROPIC_API_KEY"
SECRET = "sk-planted-3f9a1c7e5b2d-secret"
MODEL = {"runtime": "claude-code", "model": "claude-sonnet-4-6"}


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as found:
        yield found


def test_a_secret_is_stored_sealed_and_never_told(
    gateway: Running, tmp_path: Path, logs: list[Any]
) -> None:
    answers = [
        gateway.admin.put(f"/secrets/{NAME}", json={"value": SECRET}),
        gateway.admin.put(f"/secrets/{NAME}", json={"value": SECRET + "-2"}),
        gateway.admin.get("/secrets"),
        gateway.admin.post("/workspaces", json={"name": "n", **MODEL}),
        gateway.admin.get("/workspaces"),
        gateway.admin.get("/metrics"),
        gateway.admin.delete(f"/secrets/{NAME}"),
        gateway.admin.get("/secrets"),
        gateway.admin.delete(f"/secrets/{NAME}"),
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [204, 204, 200, 201, 200, 200, 204, 200, 404]
    assert (answers[0].content, answers[1].content, answers[6].content) == (b"", b"", b"")
    assert (answers[2].json(), answers[7].json()) == ([NAME], [])
    assert [answer.url for answer in answers if SECRET in answer.text] == []
    assert SECRET not in repr(logs)
    files = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    assert [raw for raw in files if SECRET.encode() in raw] == []
    assert any(NAME.encode() in raw for raw in files)


WRONG: dict[str, tuple[str, Any]] = {
    "a name in small letters": ("anthropic_api_key", {"value": SECRET}),
    "a name that begins with a digit": ("1KEY", {"value": SECRET}),
    "a name with a dash": ("A-KEY", {"value": SECRET}),
    "a long name": ("A" * 129, {"value": SECRET}),
    "an empty value": (NAME, {"value": ""}),
    "a blank value": (NAME, {"value": " \u3000 "}),
    "a value with a line break": (NAME, {"value": f"{SECRET}\r\nx-other: 1"}),
    "a value with NUL": (NAME, {"value": f"{SECRET}\x00"}),
    "a value with half a character": (NAME, f'{{"value": "{SECRET}\\ud800"}}'),
    "a long value": (NAME, {"value": SECRET * 4000}),
    "a number": (NAME, {"value": 12}),
    "a list": (NAME, {"value": [SECRET]}),
    "no value": (NAME, {}),
    "one member more": (NAME, {"value": "v", SECRET: SECRET}),
    "a text": (NAME, SECRET),
    "no JSON": (NAME, f'{{"value": "{SECRET}"'),
}


@pytest.mark.parametrize(("name", "body"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_secret_is_refused_and_not_repeated(
    shared: Running, logs: list[Any], name: str, body: Any
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": "application/json"}
    answer = shared.admin.put(f"/secrets/{name}", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_REQUEST")
    assert SECRET not in answer.text
    assert SECRET not in repr(logs)
    assert shared.admin.get("/secrets").json() == []


def asked(gateway: Running, session: dict[str, Any]) -> httpx.Response:
    token = session["environment"]["OPENAI_API_KEY"]
    return gateway.anyone.post(
        f"/api/runtime/sessions/{session['id']}/llm/anthropic/v1/messages",
        headers={"x-api-key": token},
        json={
            "model": MODEL["model"],
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "Hello"}],
        },
    )


def test_after_a_rotation_old_secrets_still_open_and_new_ones_are_sealed_anew(
    tmp_path: Path, vendor: Vendor, logs: list[Any]
) -> None:
    old, new = new_key(), new_key()
    urls = everywhere(f"{vendor.url}/v1")

    def deployed(keys: str) -> Any:
        return running.gateway(running.settings(tmp_path, secret_keys=keys, base_urls=urls))

    with deployed(old) as gateway:
        gateway.admin.put(f"/secrets/{NAME}", json={"value": SECRET})
        session = gateway.session(**MODEL)
        assert asked(gateway, session).status_code == 200
    with deployed(f"{new},{old}") as gateway:
        assert asked(gateway, session).status_code == 200
        assert vendor.received[-1].headers["x-api-key"] == SECRET
        gateway.admin.put(f"/secrets/{NAME}", json={"value": SECRET + "-2"})
    with deployed(new) as gateway:
        assert asked(gateway, session).status_code == 200
        assert vendor.received[-1].headers["x-api-key"] == SECRET + "-2"
    with deployed(old) as gateway:
        lost = asked(gateway, session)
        assert (lost.status_code, lost.json()["error"]["code"]) == (500, "SECRET_UNREADABLE")
        started = gateway.admin.post(
            "/api/runtime/sessions", json={"workspace": session["workspace"]}
        )
        assert (started.status_code, started.json()["error"]["code"]) == (
            500,
            "SECRET_UNREADABLE",
        )
        # Who pays hangs on names alone.
        path = f"/workspaces/{session['workspace']}/billing-mode"
        assert gateway.admin.get(path).json()["mode"] == "byok"
    assert SECRET not in repr(logs)
    assert {entry["place"] for entry in logs if entry["event"] == "secret_unreadable"} == {
        f"stored/{NAME}"
    }


def test_a_sealed_value_opens_only_where_it_was_stored(shared: Running) -> None:
    names = (NAME, "OPENAI_API_KEY")
    for name in names:
        shared.admin.put(f"/secrets/{name}", json={"value": f"value of {name}"})
    engine = create_engine(shared.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE stored_secrets SET ciphertext ="
                " (SELECT ciphertext FROM stored_secrets WHERE name = 'OPENAI_API_KEY')"
            )
        )
    engine.dispose()
    identity = shared.create("/workspaces", name="n", **MODEL)["id"]
    answer = shared.admin.post("/api/runtime/sessions", json={"workspace": identity})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "SECRET_UNREADABLE")
    for name in names:
        assert shared.admin.delete(f"/secrets/{name}").status_code == 204


def test_the_same_text_is_never_sealed_twice_alike() -> None:
    vault = Vault(new_key())
    assert len({vault.seal(SECRET, "here") for _ in range(50)}) == 50


@pytest.mark.parametrize("cut", [0, 3, 4, 5, 12, 16, 20, 31, -1])
def test_what_is_cut_off_does_not_open(cut: int) -> None:
    vault = Vault(new_key())
    sealed = vault.seal(SECRET, "here")
    with pytest.raises(SealBrokenError) as raised:
        vault.open(sealed[:cut], "here")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("keys", ["", "AAAA", "not base64!", ",", f"{new_key()},", "=" * 44])
def test_a_key_that_is_none_is_refused(keys: str) -> None:
    with pytest.raises(ValueError, match="32 bytes in base64"):
        Vault(keys)
