"""Who pays for a workspace: what its model says, what is set over it, and when neither is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import create_engine, text

from tests import running
from tests.running import Running

VENDORS = {
    "runtime": "claude-code",
    "model": "claude-sonnet-4-6",
    "secrets": {"ANTHROPIC_API_KEY": "k"},
}
PLATFORMS = {"runtime": "claude-code", "model": "anthropic/claude-opus-4-7"}
FEDERATED = {"runtime": "theirs", "model": "m"}


def billing_path(gateway: Running, workspace: dict[str, Any]) -> str:
    identity = gateway.create("/workspaces", name="n", **workspace)["id"]
    return f"/workspaces/{identity}/billing-mode"


def derived(workspace: dict[str, Any]) -> dict[str, Any]:
    if workspace is FEDERATED:
        return {"mode": "platform_managed", "source": "derived_default", "provider": None}
    mode, provider = ("byok", "anthropic-api")
    if workspace is PLATFORMS:
        mode, provider = ("platform_managed", "platform")
    return {"mode": mode, "source": "derived_provider", "provider": provider}


@pytest.mark.parametrize("mode", ["platform_managed", "byok", "disabled"])
@pytest.mark.parametrize("workspace", [VENDORS, PLATFORMS, FEDERATED])
def test_an_override_holds_until_it_is_cleared(
    shared: Running, workspace: dict[str, Any], mode: str
) -> None:
    path = billing_path(shared, workspace)
    before = derived(workspace) | {"override": None}
    assert shared.admin.get(path).json() == before
    over = {"mode": mode, "source": "workspace_override", "override": mode, "provider": None}
    changed = shared.admin.put(path, json={"override": mode})
    assert (changed.status_code, changed.json()) == (200, over)
    assert shared.admin.get(path).json() == over
    cleared = shared.admin.put(path, json={"override": None})
    assert (cleared.status_code, cleared.json()) == (200, before)
    assert shared.admin.get(path).json() == before


@pytest.mark.parametrize(
    "body",
    [
        {"override": "BYOK"},
        {"override": "byok "},
        {"override": ""},
        {"override": "null"},
        {"override": "platform-managed"},
        {"override": 1},
        {"override": ["byok"]},
        {"override": "x" * 100_000},
        {"override": "byok", "mode": "byok"},
        {},
        None,
    ],
    ids=lambda body: str(body)[:40],
)
def test_another_value_is_refused_and_changes_nothing(shared: Running, body: Any) -> None:
    path = billing_path(shared, VENDORS)
    shared.admin.put(path, json={"override": "disabled"})
    answer = shared.admin.put(path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_REQUEST")
    assert shared.admin.get(path).json()["mode"] == "disabled"


def test_of_a_workspace_that_is_not_there_nothing_is_said(shared: Running) -> None:
    for answer in (
        shared.admin.get("/workspaces/ws_none/billing-mode"),
        shared.admin.put("/workspaces/ws_none/billing-mode", json={"override": None}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("stored", ["BYOK", "byok ", "", "none"])
def test_an_override_that_is_no_mode_is_ignored(shared: Running, stored: str) -> None:
    path = billing_path(shared, PLATFORMS)
    engine = create_engine(shared.settings.database_url)
    with engine.begin() as connection:
        change = text("UPDATE workspaces SET billing_override = :stored")
        connection.execute(change, {"stored": stored})
    engine.dispose()
    assert shared.admin.get(path).json() == derived(PLATFORMS) | {"override": stored}


def fallbacks(gateway: Running) -> float:
    lines = gateway.admin.get("/metrics").text.splitlines()
    [line] = [each for each in lines if each.startswith("gateway_billing_fallbacks_total")]
    return float(line.split()[1])


@pytest.mark.parametrize("default", ["platform_managed", "byok"])
@pytest.mark.parametrize("override", ["byok", "disabled", None])
def test_when_the_override_cannot_be_read_the_default_holds_and_is_reported(
    tmp_path: Path, default: str, override: str | None
) -> None:
    deployment = running.settings(tmp_path, default_billing_mode=default)
    with running.gateway(deployment) as gateway:
        path = billing_path(gateway, VENDORS)
        real = gateway.admin.put(path, json={"override": override}).json()
        file, away = tmp_path / "gateway.db", tmp_path / "away.db"
        file.rename(away)
        with structlog.testing.capture_logs() as logs:
            answer = gateway.admin.get(path)
        assert (answer.status_code, answer.json()) == (
            200,
            {"mode": default, "source": "constant_fallback", "override": None, "provider": None},
        )
        [report] = [entry for entry in logs if entry["event"] == "billing_mode_unread"]
        assert report["log_level"] == "error"
        assert report["workspace"] in path
        assert fallbacks(gateway) == 1
        # What would set it is no reading: it says that it could not.
        assert gateway.admin.put(path, json={"override": None}).status_code == 503
        away.rename(file)
        assert gateway.admin.get(path).json() == real
        assert fallbacks(gateway) == 1
