"""Whatever the registry says of a model, the service does: for all of its questions and ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.storage.texts import storable
from tests import running
from tests.running import Running
from tests.vectors import cases


@pytest.fixture(scope="module", name="lenient")
def _lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Running]]:
    """One deployment for each default of who pays; both create what is on nobody's list."""
    folder = tmp_path_factory.mktemp("lenient")
    (folder / "other").mkdir()
    wired = running.settings(folder, model_policy="warn")
    alone = running.settings(folder / "other", model_policy="warn", default_billing_mode="byok")
    with running.gateway(wired) as first, running.gateway(alone) as second:
        yield {"platform_managed": first, "byok": second}


def create(gateway: Running, asked: dict[str, Any]) -> httpx.Response:
    secrets = dict.fromkeys(asked.get("auth_env", ()), "a value")
    body = {"name": "n", "runtime": asked["runtime"], "model": asked["model"], "secrets": secrets}
    return gateway.admin.post("/workspaces", json=body)


def told(answer: httpx.Response, *members: str) -> tuple[Any, ...]:
    error = answer.json().get("error", {})
    return (answer.status_code, error.get("code"), *(error.get(name) for name in members))


def is_asked_here(asked: dict[str, Any]) -> bool:
    """Whether the service can be asked this: it takes a runtime, and ids that can be kept."""
    return bool(asked["runtime"].strip()) and storable(asked["model"]) == asked["model"]


def test_what_the_registry_lets_in_is_let_in_and_else_the_nearest_are_named(
    shared: Running,
) -> None:
    wrong = []
    for asked, verdict in cases("validate_model"):
        if not is_asked_here(asked):
            continue
        answer = create(shared, asked)
        code, suggestions = told(answer, "suggestions")[1:]
        if verdict["verdict"] == "empty":
            expected: tuple[Any, ...] = ("MODEL_REQUIRED", None)
        elif not verdict["is_allowed"]:
            expected = ("UNREGISTERED_MODEL_FOR_RUNTIME", verdict["suggestions"])
        else:
            expected = (None if answer.status_code == 201 else "MISSING_BYOK_CREDENTIAL", None)
        if (code, suggestions) != expected:
            wrong.append((asked, answer.text))
    assert wrong == []


def test_who_lacks_a_key_is_told_which(lenient: dict[str, Running]) -> None:
    wrong = []
    for asked, missing in cases("missing_credentials"):
        if not is_asked_here(asked) or not asked["model"].strip():
            continue
        found = told(create(lenient["byok"], asked), "provider", "missing_env")
        if missing is None:
            expected: tuple[Any, ...] = (201, None, None, None)
        else:
            names = missing["names"]
            expected = (422, "MISSING_BYOK_CREDENTIAL", missing["provider"], names)
        if found != expected:
            wrong.append((asked, found, expected))
    assert wrong == []


def test_a_workspace_is_paid_for_as_the_registry_says(lenient: dict[str, Running]) -> None:
    wrong, count = [], 0
    for asked, billing in cases("resolve_billing_mode"):
        if not is_asked_here(asked):
            continue
        gateway = lenient[asked["default"]]
        made = create(gateway, asked)
        if made.status_code != 201:
            # No workspace without a model, or without a key: that is shown above.
            assert told(made)[1] in {"MODEL_REQUIRED", "MISSING_BYOK_CREDENTIAL"}
            continue
        count += 1
        path = f"/workspaces/{made.json()['id']}/billing-mode"
        changed = gateway.admin.put(path, json={"override": asked["override"]})
        is_mode = asked["override"] in {None, "platform_managed", "byok", "disabled"}
        assert changed.status_code == (200 if is_mode else 422)
        if is_mode and changed.json() != billing | {"override": asked["override"]}:
            wrong.append((asked, changed.text))
    assert wrong == []
    assert count > 50


def test_every_id_on_a_menu_is_created_with_its_names_and_refused_without(
    shared: Running,
) -> None:
    wrong = []
    menus = [(asked, menu) for asked, menu in cases("offered_models") if not asked["auth_env"]]
    assert len(menus) > 3
    for asked, menu in menus:
        runtime = asked["runtime"]
        assert shared.admin.get(f"/runtimes/{runtime}/models").json() == menu
        for model in menu:
            for names in ((), *((name,) for name in model["auth_env"])):
                found = told(
                    create(shared, {"runtime": runtime, "model": model["id"], "auth_env": names}),
                    "provider",
                    "missing_env",
                )
                is_open = bool(names) or model["is_platform"]
                expected = (
                    (201, None, None, None)
                    if is_open
                    else (
                        422,
                        "MISSING_BYOK_CREDENTIAL",
                        model["provider"],
                        model["auth_env"],
                    )
                )
                if found != expected:
                    wrong.append((runtime, model, names, found))
    assert wrong == []


def test_a_menu_says_what_the_stored_secrets_decide(shared: Running) -> None:
    for asked, menu in cases("offered_models"):
        for name in asked["auth_env"]:
            assert shared.admin.put(f"/secrets/{name}", json={"value": "v"}).status_code == 204
        assert shared.admin.get(f"/runtimes/{asked['runtime']}/models").json() == menu
        for name in asked["auth_env"]:
            assert shared.admin.delete(f"/secrets/{name}").status_code == 204


@pytest.mark.parametrize("runtime", ["theirs", "Claude-Code", "claude-code ", "x" * 100])
def test_a_runtime_that_is_not_in_the_registry_has_no_menu(shared: Running, runtime: str) -> None:
    answer = shared.admin.get(f"/runtimes/{runtime}/models")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert list(answer.json()["error"]) == ["code", "message"]
