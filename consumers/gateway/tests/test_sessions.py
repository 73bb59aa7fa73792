"""Sessions: whose keys they use by who pays, what their guests hold, and how they end."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from provider_registry import CREDENTIAL_ENV_NAMES
from sqlalchemy import create_engine, insert, select, update

from gateway.storage.schema import facade_tokens, session_secrets, sessions
from tests import running
from tests.conftest import everywhere
from tests.running import Running
from tests.vendor import Vendor, vendor_thread

SESSIONS = "/api/runtime/sessions"
PLATFORM_KEY = "the-platforms-own-key"
DAEMON_KEY = "a-vendors-key-of-the-deployment"
OWN_KEY = "the-tenants-own-key"
SESSION_KEY = "the-sessions-own-key"
VENDORS = {"runtime": "claude-code", "model": "claude-sonnet-4-6"}
PLATFORMS = {"runtime": "claude-code", "model": "anthropic/claude-opus-4-7"}
TIED = {"runtime": "codex", "model": "gpt-5.5"}
OWN = {"ANTHROPIC_API_KEY": OWN_KEY}
TOKEN = re.compile(r"fac_[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A deployment that has keys of its own, and the vendor behind all of its providers."""

    gateway: Running
    vendor: Vendor

    def workspace(self, mode: str | None = None, **wanted: Any) -> str:
        """Create a workspace, with an override if any, and return its id."""
        identity: str = self.gateway.create("/workspaces", name="n", **wanted)["id"]
        self.override(identity, mode)
        return identity

    def override(self, workspace: str, mode: str | None) -> None:
        path = f"/workspaces/{workspace}/billing-mode"
        assert self.gateway.admin.put(path, json={"override": mode}).status_code == 200

    def start(self, workspace: str, **wanted: Any) -> dict[str, Any]:
        return self.gateway.create(SESSIONS, workspace=workspace, **wanted)

    def post(self, session: dict[str, Any], action: str, **wanted: Any) -> httpx.Response:
        return self.gateway.admin.post(f"{SESSIONS}/{session['id']}/{action}", json=wanted)

    def ask(
        self, session: dict[str, Any], token: str | None = None, wire: str = "anthropic"
    ) -> httpx.Response:
        """Ask for the session's model as its guest does."""
        own = session["environment"].get("ANTHROPIC_AUTH_TOKEN")
        path = "anthropic/v1/messages" if wire == "anthropic" else "openai/v1/chat/completions"
        return self.gateway.anyone.post(
            f"{SESSIONS}/{session['id']}/llm/{path}",
            headers={"authorization": f"Bearer {token or own}"},
            json={
                "model": session["model"],
                "max_tokens": 9,
                "messages": [{"role": "user", "content": "Hello"}],
            },
        )

    def keys_used(self, vendor: Vendor | None = None) -> list[str]:
        """Return the keys that a vendor has seen since this was asked last."""
        seen = (vendor or self.vendor).received
        keys = [
            each.headers.get("x-api-key") or each.headers["authorization"].removeprefix("Bearer ")
            for each in seen
        ]
        (vendor or self.vendor).exchanges.clear()
        return keys

    def rows(self, query: Any) -> list[Any]:
        engine = create_engine(self.gateway.settings.database_url)
        with engine.connect() as connection:
            found = connection.execute(query).all()
        engine.dispose()
        return list(found)

    def change(self, statement: Any) -> None:
        engine = create_engine(self.gateway.settings.database_url)
        with engine.begin() as connection:
            connection.execute(statement)
        engine.dispose()

    def tokens(self, session: dict[str, Any]) -> list[Any]:
        return self.rows(select(facade_tokens).where(facade_tokens.c.session_id == session["id"]))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with vendor_thread() as vendor:
        deployment = running.settings(
            tmp_path_factory.mktemp("scene"),
            base_urls=everywhere(f"{vendor.url}/v1"),
            credentials={
                "MOLECULE_LLM_USAGE_TOKEN": PLATFORM_KEY,
                "ANTHROPIC_API_KEY": DAEMON_KEY,
            },
        )
        with running.gateway(deployment) as gateway:
            yield Scene(gateway=gateway, vendor=vendor)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# What a guest holds.


def test_a_guest_holds_the_facades_address_and_its_token_and_nothing_else(scene: Scene) -> None:
    scene.gateway.admin.put("/secrets/GROQ_API_KEY", json={"value": "stored"})
    given = {"OPENROUTER_API_KEY": SESSION_KEY, "MY_OWN_VARIABLE": "v"}
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN), env=given)
    environment = made.pop("environment")
    token = environment["OPENAI_API_KEY"]
    facade = f"{scene.gateway.settings.public_url}/api/runtime/sessions/{made['id']}/llm"
    assert TOKEN.fullmatch(token)
    assert environment == {
        "ANTHROPIC_BASE_URL": f"{facade}/anthropic",
        "ANTHROPIC_AUTH_TOKEN": token,
        "OPENAI_BASE_URL": f"{facade}/openai/v1",
        "OPENAI_API_KEY": token,
    }
    shown = scene.gateway.admin.get(f"{SESSIONS}/{made['id']}").json()
    assert shown == {**made, "environment": {}}
    assert made | {"id": "", "workspace": ""} == {
        "id": "",
        "workspace": "",
        **VENDORS,
        "provider": "anthropic-api",
        "is_active": True,
    }


def test_of_a_token_its_digest_is_stored_with_its_scope_and_no_more(scene: Scene) -> None:
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN), wire="anthropic", expires_in=60)
    run = scene.post(made, "runs", run="run-1", wire="openai").json()
    token = made["environment"]["OPENAI_API_KEY"]
    now = datetime.now(UTC)
    by_run = {row.run_id: row for row in scene.tokens(made)}
    for row, secret in ((by_run[None], token), (by_run["run-1"], run["token"])):
        assert row.digest == hashlib.sha256(secret.encode()).digest()
        assert row.fingerprint == row.digest.hex()[:12]
        assert (row.model, row.provider) == ("claude-sonnet-4-6", "anthropic-api")
        assert abs(now - row.issued_at) < timedelta(minutes=5)
        assert row.revoked_at is None
    assert (by_run[None].wire, by_run["run-1"].wire) == ("anthropic", "openai")
    lifetime = by_run[None].expires_at - by_run[None].issued_at
    assert abs(lifetime - timedelta(seconds=60)) < timedelta(seconds=1)
    assert by_run["run-1"].expires_at is None
    file = Path(scene.gateway.settings.database_url.removeprefix("sqlite:///"))
    raw = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert by_run[None].fingerprint.encode() in raw
    assert [each for each in (token, run["token"], token[4:]) if each.encode() in raw] == []


# Whose key is used.


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Which key reaches the vendor; none where the guest is answered 424."""

    workspace: Mapping[str, Any]
    key: str | None
    mode: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()


_BOTH = {"ANTHROPIC_API_KEY": SESSION_KEY, "MOLECULE_LLM_USAGE_TOKEN": SESSION_KEY}
USED = {
    "the tenant pays: its own key": Used(
        workspace={**VENDORS, "secrets": OWN}, key=OWN_KEY, kept=("ANTHROPIC_API_KEY",)
    ),
    "the tenant pays: the session's key before the workspace's": Used(
        workspace={**VENDORS, "secrets": OWN},
        env={"ANTHROPIC_AUTH_TOKEN": SESSION_KEY},
        key=SESSION_KEY,
        kept=("ANTHROPIC_AUTH_TOKEN",),
    ),
    "the tenant pays: the platform's credential is out": Used(
        workspace={**VENDORS, "secrets": OWN},
        env=_BOTH,
        key=SESSION_KEY,
        kept=("ANTHROPIC_API_KEY",),
    ),
    "the platform pays: its own key": Used(workspace=PLATFORMS, key=PLATFORM_KEY),
    "the platform pays: vendors' names are out, and the session brings none of its own": Used(
        workspace={**PLATFORMS, "secrets": OWN}, env=_BOTH, key=PLATFORM_KEY
    ),
    "the platform is to pay for a vendor's model: no key at all": Used(
        workspace={**VENDORS, "secrets": OWN}, mode="platform_managed", env=_BOTH, key=None
    ),
}


@pytest.mark.parametrize("row", USED.values(), ids=USED.keys())
def test_by_who_pays_a_key_is_used_and_kept(scene: Scene, row: Used) -> None:
    scene.keys_used()
    made = scene.start(scene.workspace(row.mode, **row.workspace), env=row.env)
    answer = scene.ask(made)
    if row.key is None:
        assert error_of(answer) == (424, "MISSING_CREDENTIAL")
        names = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]
        assert answer.json()["error"]["accepted_names"] == names
    else:
        assert answer.status_code == 200, answer.text
    assert scene.keys_used() == ([] if row.key is None else [row.key])
    mine = session_secrets.c.session_id == made["id"]
    kept = scene.rows(select(session_secrets.c.name).where(mine))
    assert tuple(name for (name,) in kept) == row.kept


@pytest.mark.parametrize(
    ("workspace", "provider", "names"),
    [
        (VENDORS, "anthropic-api", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]),
        (PLATFORMS, "platform", []),
    ],
    ids=["a vendor's model whose key is gone", "a model that only the platform serves"],
)
def test_where_the_tenant_pays_and_has_no_key_the_start_fails_closed(
    scene: Scene, workspace: dict[str, str], provider: str, names: list[str]
) -> None:
    assert scene.gateway.admin.put("/secrets/ANTHROPIC_API_KEY", json={"value": "v"}).is_success
    identity = scene.workspace("byok", **workspace)
    scene.gateway.admin.delete("/secrets/ANTHROPIC_API_KEY")
    before = len(scene.rows(select(sessions.c.id)))
    answer = scene.gateway.admin.post(SESSIONS, json={"workspace": identity})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "MISSING_BYOK_CREDENTIAL")
    assert (error["provider"], error["missing_env"]) == (provider, names)
    assert error["remedy"]
    assert len(scene.rows(select(sessions.c.id))) == before


def test_where_nobody_pays_a_guest_holds_nothing(scene: Scene) -> None:
    made = scene.start(scene.workspace("disabled", **VENDORS, secrets=OWN), env=_BOTH)
    assert made["environment"] == {}
    assert scene.post(made, "runs", run="r").json() == {"run": "r", "token": None}
    resumed = scene.post(made, "resume", env=_BOTH)
    assert (resumed.status_code, resumed.json()["environment"]) == (200, {})
    assert scene.tokens(made) == []
    mine = session_secrets.c.session_id == made["id"]
    assert scene.rows(select(session_secrets.c.name).where(mine)) == []


@pytest.mark.parametrize("mode", ["disabled", "platform_managed"])
def test_a_change_of_who_pays_holds_from_the_next_request_on(scene: Scene, mode: str) -> None:
    scene.keys_used()
    workspace = scene.workspace(**VENDORS, secrets=OWN)
    made = scene.start(workspace)
    scene.override(workspace, mode)
    assert error_of(scene.ask(made)) == (424, "MISSING_CREDENTIAL")
    assert scene.keys_used() == []
    scene.override(workspace, None)
    assert scene.ask(made).status_code == 200
    assert scene.keys_used() == [OWN_KEY]


def test_a_session_that_goes_on_when_another_pays_gets_what_it_needs(scene: Scene) -> None:
    workspace = scene.workspace("platform_managed", **VENDORS, secrets=OWN)
    made = scene.start(workspace)
    assert error_of(scene.ask(made)) == (424, "MISSING_CREDENTIAL")
    scene.override(workspace, None)
    resumed = scene.post(made, "resume").json()
    scene.keys_used()
    assert scene.ask(resumed).status_code == 200
    assert scene.keys_used() == [OWN_KEY]


# A session's own base URLs.


def test_a_sessions_base_url_gets_the_sessions_key_and_no_other(scene: Scene) -> None:
    with vendor_thread() as mine:
        urls = {"anthropic": f"{mine.url}/v1/"}
        workspace = scene.workspace(**VENDORS, secrets=OWN)
        made = scene.start(workspace, base_urls=urls, env={"ANTHROPIC_API_KEY": SESSION_KEY})
        scene.keys_used()
        assert scene.ask(made).status_code == 200
        assert (scene.keys_used(mine), scene.keys_used()) == ([SESSION_KEY], [])


@pytest.mark.parametrize(
    ("workspace", "mode"),
    [(VENDORS, None), (PLATFORMS, None), (PLATFORMS, "platform_managed")],
)
def test_a_session_that_brings_only_a_base_url_never_gets_anothers_key(
    scene: Scene, workspace: dict[str, str], mode: str | None
) -> None:
    stored = {"ANTHROPIC_API_KEY": "a-stored-key", "MOLECULE_LLM_USAGE_TOKEN": "another"}
    for name, value in stored.items():
        scene.gateway.admin.put(f"/secrets/{name}", json={"value": value})
    try:
        with vendor_thread() as mine:
            urls = dict.fromkeys(("openai", "anthropic"), f"{mine.url}/v1")
            made = scene.start(scene.workspace(mode, **workspace), base_urls=urls)
            for wire in ("openai", "anthropic"):
                assert error_of(scene.ask(made, wire=wire)) == (424, "MISSING_CREDENTIAL")
            assert mine.received == []
    finally:
        for name in stored:
            scene.gateway.admin.delete(f"/secrets/{name}")


# Stop, resume, and the provider that stays.


def test_a_stop_ends_all_tokens_at_once_and_a_resume_mints_a_new_one(scene: Scene) -> None:
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN))
    run = scene.post(made, "runs", run="r").json()["token"]
    assert [scene.ask(made).status_code, scene.ask(made, run).status_code] == [200, 200]
    assert scene.post(made, "stop").status_code == 204
    assert [error_of(scene.ask(made)), error_of(scene.ask(made, run))] == [(403, "FORBIDDEN")] * 2
    assert error_of(scene.post(made, "runs", run="r")) == (409, "SESSION_STOPPED")
    assert scene.gateway.admin.get(f"{SESSIONS}/{made['id']}").json()["is_active"] is False
    assert scene.post(made, "stop").status_code == 204
    resumed = scene.post(made, "resume")
    assert resumed.status_code == 200
    again = resumed.json()
    assert {**again, "environment": {}} == {**made, "environment": {}}
    assert again["environment"].keys() == made["environment"].keys()
    assert again["environment"]["OPENAI_API_KEY"] != made["environment"]["OPENAI_API_KEY"]
    assert scene.ask(again).status_code == 200
    assert error_of(scene.ask(made)) == (403, "FORBIDDEN")
    assert error_of(scene.ask(made, run)) == (403, "FORBIDDEN")


def test_a_resume_ends_the_tokens_of_a_session_that_was_not_stopped(scene: Scene) -> None:
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN))
    again = scene.post(made, "resume", wire="anthropic").json()
    assert error_of(scene.ask(made)) == (403, "FORBIDDEN")
    assert scene.ask(again).status_code == 200
    assert error_of(scene.ask(again, wire="openai")) == (403, "FORBIDDEN")


def test_a_session_keeps_its_provider_whatever_is_stored_later(scene: Scene) -> None:
    own = {"OPENAI_API_KEY": SESSION_KEY}
    made = scene.start(scene.workspace(**TIED, secrets=own))
    assert made["provider"] == "openai-api"
    # With both names the registry would choose the other arm.
    scene.gateway.admin.put("/secrets/CODEX_AUTH_JSON", json={"value": "v"})
    try:
        assert scene.ask(made, wire="openai").status_code == 200
        scene.post(made, "stop")
        again = scene.post(made, "resume").json()
        assert again["provider"] == "openai-api"
        scene.keys_used()
        assert scene.ask(again, wire="openai").status_code == 200
        assert scene.keys_used() == [SESSION_KEY]
        rotated = scene.post(made, "resume", env={"CODEX_AUTH_JSON": "v"}).json()
        assert rotated["provider"] == "openai-subscription"
    finally:
        scene.gateway.admin.delete("/secrets/CODEX_AUTH_JSON")


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_a_key_that_a_resume_brings_replaces_the_earlier_ones(scene: Scene, name: str) -> None:
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN))
    brought = scene.post(made, "resume", env={name: "a-new-key"}).json()
    kept = scene.post(made, "resume").json()
    scene.keys_used()
    assert error_of(scene.ask(brought)) == (403, "FORBIDDEN")
    assert scene.ask(kept).status_code == 200
    assert scene.keys_used() == ["a-new-key"]


# Runs, and tokens that are over.


def test_the_token_of_a_run_ends_with_the_run(scene: Scene) -> None:
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN))
    first = scene.post(made, "runs", run="first")
    assert first.status_code == 201
    assert (first.json()["run"], bool(TOKEN.fullmatch(first.json()["token"]))) == ("first", True)
    other = scene.post(made, "runs", run="other").json()["token"]
    again = scene.post(made, "runs", run="first").json()["token"]
    path = f"{SESSIONS}/{made['id']}/runs/first"
    assert scene.gateway.admin.delete(path).status_code == 204
    for token in (first.json()["token"], again):
        assert error_of(scene.ask(made, token)) == (401, "TOKEN_INVALID")
    assert scene.ask(made, other).status_code == 200
    assert scene.ask(made).status_code == 200
    assert len(scene.tokens(made)) == 2
    assert scene.gateway.admin.delete(path).status_code == 204


def test_a_run_of_the_same_name_in_another_session_goes_on(scene: Scene) -> None:
    workspace = scene.workspace(**VENDORS, secrets=OWN)
    one, two = scene.start(workspace), scene.start(workspace)
    for each in (one, two):
        each["run"] = scene.post(each, "runs", run="same").json()["token"]
    scene.gateway.admin.delete(f"{SESSIONS}/{one['id']}/runs/same")
    assert error_of(scene.ask(one, one["run"])) == (401, "TOKEN_INVALID")
    assert scene.ask(two, two["run"]).status_code == 200
    assert error_of(scene.ask(one, two["run"])) == (403, "FORBIDDEN")


def test_a_stop_prunes_what_is_long_revoked_or_expired(scene: Scene) -> None:
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN))
    other = scene.start(scene.workspace(**VENDORS, secrets=OWN))
    now = datetime.now(UTC)
    rows = {
        "long revoked": {"revoked_at": now - timedelta(minutes=61)},
        "just revoked": {"revoked_at": now - timedelta(minutes=50)},
        "expired": {"expires_at": now - timedelta(seconds=5)},
        "expires later": {"expires_at": now + timedelta(hours=1)},
    }
    for name, moments in rows.items():
        values = {
            "digest": hashlib.sha256(name.encode()).digest(),
            "fingerprint": name,
            "session_id": other["id"],
            "model": "m",
            "provider": "p",
            "issued_at": now,
        }
        scene.change(insert(facade_tokens).values(**values, **moments))
    assert scene.post(made, "stop").status_code == 204
    left = {row.fingerprint for row in scene.tokens(other)} & rows.keys()
    assert left == {"just revoked", "expires later"}
    # Its own were revoked just now.
    assert [row.revoked_at is not None for row in scene.tokens(made)] == [True]


def test_a_token_past_its_time_opens_nothing(scene: Scene) -> None:
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN), expires_in=3600)
    assert scene.ask(made).status_code == 200
    mine = facade_tokens.c.session_id == made["id"]
    past = datetime.now(UTC) - timedelta(seconds=1)
    scene.change(update(facade_tokens).where(mine).values(expires_at=past))
    assert error_of(scene.ask(made)) == (403, "FORBIDDEN")


# What is refused.

REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no such workspace": ({"workspace": "ws_none"}, 404, "NOT_FOUND"),
    "no workspace": ({}, 422, "INVALID_REQUEST"),
    "a variable's name in small letters": ({"env": {"key": "v"}}, 422, "INVALID_REQUEST"),
    "a blank variable": ({"env": {"KEY": " "}}, 422, "INVALID_REQUEST"),
    "too many variables": (
        {"env": {f"KEY_{each}": "v" for each in range(101)}},
        422,
        "INVALID_REQUEST",
    ),
    "another protocol": ({"wire": "grpc"}, 422, "INVALID_REQUEST"),
    "a base URL of another protocol": (
        {"base_urls": {"grpc": "http://127.0.0.1"}},
        422,
        "INVALID_REQUEST",
    ),
    "no seconds": ({"expires_in": 0}, 422, "INVALID_REQUEST"),
    "too many seconds": ({"expires_in": 10**30}, 422, "INVALID_REQUEST"),
    "half a second": ({"expires_in": 0.5}, 422, "INVALID_REQUEST"),
    "yes for seconds": ({"expires_in": True}, 422, "INVALID_REQUEST"),
}
BASE_URLS = {
    "another scheme": "file:///etc/passwd",
    "no host": "http://",
    "no URL": "vendor.example",
    "a user": "http://secretuser@127.0.0.1",
    "a password": "http://u:secretpassword@127.0.0.1",
    "a query": "http://127.0.0.1/?key=secretquery",
    "a fragment": "http://127.0.0.1/#secretfragment",
    "a line break": "http://127.0.0.1/\r\nsecretheader: 1",
    "a space": "http://127.0.0.1/ secret",
    "a backslash": "http://127.0.0.1\\@secret.example",
    "a port that is no number": "http://127.0.0.1:secretport",
    "a port that is none": "http://127.0.0.1:0",
    "a port too high": "http://127.0.0.1:65536",
    "a bad bracket": "http://[secret",
    "an address that is none": "http://[::secret]",
    "a host that folds into another": "http://\u2102\u2100secret.example",
    "too long": "http://127.0.0.1/" + "s" * 2000,
}


@pytest.mark.parametrize(("more", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_session_is_refused(scene: Scene, more: dict[str, Any], status: int, code: str) -> None:
    body = {"workspace": scene.workspace(**VENDORS, secrets=OWN)} | more if more else {}
    assert error_of(scene.gateway.admin.post(SESSIONS, json=body)) == (status, code)


@pytest.mark.parametrize("url", BASE_URLS.values(), ids=BASE_URLS.keys())
def test_a_base_url_that_no_key_should_follow_is_refused_and_not_repeated(
    scene: Scene, url: str
) -> None:
    body = {"workspace": scene.workspace(**VENDORS, secrets=OWN), "base_urls": {"openai": url}}
    answer = scene.gateway.admin.post(SESSIONS, json=body)
    assert error_of(answer) == (422, "INVALID_REQUEST")
    assert "secret" not in answer.text.casefold()


def test_a_model_that_nobody_serves_starts_no_session(scene: Scene) -> None:
    workspace = scene.workspace(runtime="theirs", model="m")
    answer = scene.gateway.admin.post(SESSIONS, json={"workspace": workspace})
    assert error_of(answer) == (400, "MODEL_NOT_SERVED")


@pytest.mark.parametrize("action", ["", "/stop", "/resume", "/runs"])
def test_of_a_session_that_is_not_there_nothing_is_done(scene: Scene, action: str) -> None:
    path = f"{SESSIONS}/ses_none{action}"
    body = {"run": "r"} if action == "/runs" else {}
    answer = scene.gateway.admin.post(path, json=body) if action else scene.gateway.admin.get(path)
    assert error_of(answer) == (404, "NOT_FOUND")


@pytest.mark.parametrize("run", ["", "a/b", "..", ".", "a b", "a\x00", "é", "x" * 201, " a", "a\n"])
def test_a_run_is_named_so_that_it_can_be_ended(scene: Scene, run: str) -> None:
    made = scene.start(scene.workspace(**VENDORS, secrets=OWN))
    assert error_of(scene.post(made, "runs", run=run)) == (422, "INVALID_REQUEST")


def test_no_name_of_a_credential_is_in_any_guests_environment_but_the_facades(
    scene: Scene,
) -> None:
    every = {name: f"planted-{name}" for name in CREDENTIAL_ENV_NAMES}
    for mode in ("byok", "platform_managed", None):
        made = scene.start(scene.workspace(mode, **VENDORS, secrets=every), env=every)
        names = set(made["environment"]) & set(CREDENTIAL_ENV_NAMES)
        assert names == {"ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"}
        assert [value for value in made["environment"].values() if "planted" in value] == []


# Several at once, on both databases.


def test_of_many_who_resume_at_once_each_is_answered_and_one_token_is_left(
    tmp_path_factory: pytest.TempPathFactory, database_url: str
) -> None:
    deployment = running.settings(tmp_path_factory.mktemp("many"), database_url=database_url)
    with running.gateway(deployment) as gateway:
        made = gateway.session(**VENDORS, secrets=OWN)

        def resume(each: int) -> httpx.Response:
            env = {"ANTHROPIC_API_KEY": f"key-{each}"}
            gateway.admin.put("/secrets/GROQ_API_KEY", json={"value": f"v-{each}"})
            return gateway.admin.post(f"{SESSIONS}/{made['id']}/resume", json={"env": env})

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(resume, range(24)))
        assert {answer.status_code for answer in answers} == {200}
        tokens = [answer.json()["environment"]["OPENAI_API_KEY"] for answer in answers]
        path = f"{SESSIONS}/{made['id']}/llm/anthropic/v1/messages"
        # An empty body is refused after the token: 403 for those that are over, 400 for one.
        found = [
            gateway.anyone.post(path, headers={"x-api-key": each}).status_code for each in tokens
        ]
        assert sorted(found) == [400] + [403] * 23
