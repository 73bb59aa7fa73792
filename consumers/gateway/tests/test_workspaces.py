"""Which workspaces are created, and what everyone is told whose workspace is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from tests import running
from tests.running import Running

UNREGISTERED = "x-molecule-model-unregistered"


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A deployment that warns of such models."""
    folder = tmp_path_factory.mktemp("lenient")
    with running.gateway(running.settings(folder, model_policy="warn")) as made:
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A workspace that is created, and who pays for it."""

    runtime: str
    model: str
    secrets: dict[str, str] = field(default_factory=dict)
    pin: str | None = None
    mode: str = "byok"
    source: str = "derived_provider"
    provider: str | None = None


CREATED = {
    "a key of the tenant's own": Creation(
        runtime="claude-code",
        model="claude-sonnet-4-6",
        secrets={"ANTHROPIC_API_KEY": "k"},
        provider="anthropic-api",
    ),
    "another name that the provider accepts": Creation(
        runtime="claude-code",
        model="claude-sonnet-4-6",
        secrets={"ANTHROPIC_AUTH_TOKEN": "k"},
        provider="anthropic-api",
    ),
    "the platform pays, no key": Creation(
        runtime="claude-code",
        model="anthropic/claude-opus-4-7",
        mode="platform_managed",
        provider="platform",
    ),
    "by pattern alone": Creation(
        runtime="hermes",
        model="openrouter/anything/at-all",
        secrets={"OPENROUTER_API_KEY": "k"},
        provider="openrouter",
    ),
    "a tie that the first arm's name decides": Creation(
        runtime="codex",
        model="gpt-5.5",
        secrets={"CODEX_AUTH_JSON": "k"},
        provider="openai-subscription",
    ),
    "a tie that the second arm's name decides": Creation(
        runtime="codex",
        model="gpt-5.5",
        secrets={"OPENAI_API_KEY": "k"},
        provider="openai-api",
    ),
    "a tie with the names of both: the first arm": Creation(
        runtime="codex",
        model="gpt-5.5",
        secrets={"OPENAI_API_KEY": "k", "CODEX_AUTH_JSON": "k"},
        provider="openai-subscription",
    ),
    "white space about the model is no part of the pin": Creation(
        runtime="claude-code",
        model="\u3000\t claude-sonnet-4-6\u0085\n",
        pin="claude-sonnet-4-6",
        secrets={"ANTHROPIC_API_KEY": "k"},
        provider="anthropic-api",
    ),
    "a long id that a pattern takes": Creation(
        runtime="hermes",
        model="openrouter/" + "x" * 10_000,
        secrets={"OPENROUTER_API_KEY": "k"},
        provider="openrouter",
    ),
    "a federated runtime passes": Creation(
        runtime="somebody-elses-runtime",
        model="their-model",
        mode="platform_managed",
        source="derived_default",
    ),
    "runtimes are compared exactly": Creation(
        runtime=" claude-code",
        model="their-model",
        mode="platform_managed",
        source="derived_default",
    ),
}


@pytest.mark.parametrize("row", CREATED.values(), ids=CREATED.keys())
def test_a_workspace_is_created(shared: Running, row: Creation) -> None:
    answer = shared.admin.post(
        "/workspaces",
        json={
            "name": "a name",
            "runtime": row.runtime,
            "model": row.model,
            "secrets": row.secrets,
        },
    )
    assert answer.status_code == 201, answer.text
    assert UNREGISTERED not in answer.headers
    made = answer.json()
    billing = {"mode": row.mode, "source": row.source, "override": None, "provider": row.provider}
    assert made.pop("id").startswith("ws_")
    assert made.pop("created_at")
    assert made == {
        "name": "a name",
        "runtime": row.runtime,
        "model": row.pin or row.model,
        "user": None,
        "billing": billing,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A body that creates nothing, and all of the error but its message."""

    code: str
    model: Any = "claude-sonnet-4-6"
    runtime: str = "claude-code"
    details: dict[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        given = {"name": "a name", "runtime": self.runtime, "model": self.model, **self.more}
        return {name: value for name, value in given.items() if value is not ...}


def _unregistered(model: str, verdict: str, suggestions: list[str], **more: Any) -> Refused:
    return Refused(
        code="UNREGISTERED_MODEL_FOR_RUNTIME",
        model=model,
        details={"field": "model", "verdict": verdict, "suggestions": suggestions},
        **more,
    )


def _keyless(provider: str, names: list[str], **more: Any) -> Refused:
    remedy = f"Send {' or '.join(names)} with the request, or store one with PUT /secrets/NAME."
    return Refused(
        code="MISSING_BYOK_CREDENTIAL",
        details={
            "field": "secrets",
            "provider": provider,
            "missing_env": names,
            "remedy": remedy,
        },
        said=(provider, *names, "PUT /secrets/NAME"),
        **more,
    )


def _no_model(model: Any, **more: Any) -> Refused:
    return Refused(code="MODEL_REQUIRED", model=model, details={"field": "model"}, **more)


REFUSED = {
    "no model": _no_model(...),
    "a null for a model": _no_model(None),
    "an empty model": _no_model(""),
    "a model of white space": _no_model(" \t\u00a0\u2028\u3000"),
    "no model on a federated runtime": _no_model("", runtime="theirs"),
    "no model comes before no key and no user": _no_model("", more={"user": "nobody"}),
    "a slip": _unregistered(
        "claud-sonnet-4-6",
        "unregistered",
        ["claude-sonnet-4-6", "claude-sonnet-4-5"],
        said=("claud-sonnet-4-6", "claude-code"),
    ),
    "the platform's id of another runtime": _unregistered("openai/gpt-5.4", "unregistered", []),
    "another case": _unregistered(
        "Claude-Sonnet-4-6",
        "unregistered",
        ["claude-sonnet-4-6", "claude-sonnet-4-5"],
    ),
    "an unregistered model comes before no user": _unregistered(
        "nothing-like-it", "unregistered", [], more={"user": "nobody"}
    ),
    "no key": _keyless("anthropic-api", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]),
    "a key of another provider": _keyless(
        "anthropic-api",
        ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
        more={"secrets": {"OPENAI_API_KEY": "k"}},
    ),
    "the platform's key opens no vendor": _keyless(
        "anthropic-api",
        ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
        more={"secrets": {"MOLECULE_LLM_USAGE_TOKEN": "k"}},
    ),
    "a tie without a key: the first arm's names": _keyless(
        "openai-subscription",
        ["CODEX_AUTH_JSON", "CODEX_CHATGPT_AUTH_JSON"],
        runtime="codex",
        model="gpt-5.5",
    ),
    "no key comes before no user": _keyless(
        "anthropic-api",
        ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
        more={"user": "nobody"},
    ),
    "a user that nobody made": Refused(
        code="INVALID_REQUEST",
        model="anthropic/claude-opus-4-7",
        details={"field": "user"},
        more={"user": "nobody"},
        said=("user",),
    ),
    "an id that cannot be kept as it is": Refused(
        code="INVALID_REQUEST",
        runtime="hermes",
        model="openrouter/a\x00b",
        details={"field": "model"},
        more={"secrets": {"OPENROUTER_API_KEY": "k"}},
    ),
}


@pytest.mark.parametrize("row", REFUSED.values(), ids=REFUSED.keys())
def test_a_workspace_is_refused(shared: Running, row: Refused) -> None:
    before = len(shared.admin.get("/workspaces?limit=500").json())
    answer = shared.admin.post("/workspaces", json=row.body)
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    message = error.pop("message")
    assert error == {"code": row.code, **row.details}
    assert [part for part in row.said if part not in message] == []
    assert len(shared.admin.get("/workspaces?limit=500").json()) == before


def test_a_stored_secret_is_as_good_as_one_of_the_request(shared: Running) -> None:
    body = {"name": "n", "runtime": "openclaw", "model": "groq:llama"}
    assert shared.admin.post("/workspaces", json=body).status_code == 422
    stored = shared.admin.put("/secrets/GROQ_API_KEY", json={"value": "stored-value"})
    assert stored.status_code == 204, stored.text
    try:
        made = shared.create("/workspaces", **body)
        assert made["billing"]["provider"] == "groq"
    finally:
        assert shared.admin.delete("/secrets/GROQ_API_KEY").status_code == 204


def test_a_user_that_exists_may_have_a_workspace(shared: Running) -> None:
    shared.create("/users", id="ada")
    made = shared.create(
        "/workspaces",
        name="n",
        runtime="claude-code",
        model="anthropic/claude-opus-4-7",
        user="ada",
    )
    assert made["user"] == "ada"


def test_a_lenient_deployment_creates_and_warns_once(lenient: Running) -> None:
    body = {"name": "n", "runtime": "claude-code", "model": "claud-sonnet-4-6"}
    with structlog.testing.capture_logs() as logs:
        answer = lenient.admin.post("/workspaces", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers[UNREGISTERED] == "true"
    made = answer.json()
    assert made["model"] == "claud-sonnet-4-6"
    assert made["billing"]["source"] == "derived_default"
    warnings = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [(entry["event"], entry["workspace"]) for entry in warnings] == [
        ("model_unregistered", made["id"])
    ]
    assert "claud-sonnet-4-6" in warnings[0]["reason"]
    assert "claude-code" in warnings[0]["reason"]


@pytest.mark.parametrize("name", ["no model", "a model of white space", "no key"])
def test_a_lenient_deployment_refuses_the_rest(lenient: Running, name: str) -> None:
    row = REFUSED[name]
    answer = lenient.admin.post("/workspaces", json=row.body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, row.code)


def test_a_lenient_deployment_does_not_warn_of_what_is_listed(lenient: Running) -> None:
    body = {"name": "n", "runtime": "claude-code", "model": "anthropic/claude-opus-4-7"}
    with structlog.testing.capture_logs() as logs:
        answer = lenient.admin.post("/workspaces", json=body)
    assert answer.status_code == 201
    assert UNREGISTERED not in answer.headers
    assert [entry for entry in logs if entry["log_level"] == "warning"] == []


def test_workspaces_are_listed_in_pages_the_newest_first(lenient: Running) -> None:
    body = {"runtime": "theirs", "model": "m"}
    made = [lenient.create("/workspaces", name=f"n{each}", **body)["id"] for each in range(5)]
    first = lenient.admin.get("/workspaces", params={"limit": 2}).json()
    assert [each["id"] for each in first] == [made[4], made[3]]
    then = lenient.admin.get("/workspaces", params={"limit": 3, "before": made[3]}).json()
    assert [each["id"] for each in then] == [made[2], made[1], made[0]]
    assert then[0]["billing"]["source"] == "derived_default"
    gone = lenient.admin.get("/workspaces", params={"before": "ws_none"})
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "NOT_FOUND")
