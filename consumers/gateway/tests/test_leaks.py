"""No secret of anybody comes out anywhere, whatever goes wrong on the way."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.keys.layers import CREDENTIAL_NAMES, PLATFORM_NAMES
from tests.conftest import everywhere
from tests.control_plane import Says, control_plane
from tests.planted import MARK, Witness, encryption_key, secret, spellings
from tests.plays import (
    AFTER_HEADERS,
    BEFORE_HEADERS,
    GARBAGE,
    Failure,
    Play,
    Raw,
    after,
    cut,
    stall,
)
from tests.process import Process, environment, running
from tests.vendor import Received, Vendor, vendor_thread

DEADLINE = 60.0
NAMES = sorted(CREDENTIAL_NAMES)
WIRES: dict[str, dict[str, Any]] = {
    "openai/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}]},
    "openai/v1/responses": {"input": "x"},
    "anthropic/v1/messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
}
# One whose vendor speaks both protocols, one converted each way, and one that the platform sells.
GUESTS = [
    ("claude-code", "MiniMax-M2.7"),
    ("claude-code", "claude-sonnet-4-6"),
    ("codex", "openai-api/gpt-5.4"),
    ("claude-code", "moonshot/kimi-k2.6"),
]
# What a client may send besides; nothing of it may reach a vendor either.
CLIENT_HEADERS = (
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-my-token",
    "x-session-secret",
    "x-apikey",
    "x-auth-of-mine",
    "x-amz-security-token",
    "api_key",
    "x-gateway-key",
    "x-admin-key",
)


def _echo(request: Received) -> str:
    """Return all that a vendor was told about keys."""
    told = request.headers
    return " ".join(told.get(name, "") for name in ("authorization", "x-api-key"))


def _echoes(request: Received) -> list[Play]:
    """Return errors that repeat the key: in their body, their headers, and in mid-stream."""
    key = _echo(request)
    named = (("x-request-id", key), ("request-id", key), ("retry-after", key))
    others = (("www-authenticate", key), ("set-cookie", f"a={key}"), ("x-key", key))
    return [
        Play(content=Failure(message=f"{key} is wrong"), status=401, headers=(*named, *others)),
        Play(content=Failure(message=f"no: {key.split()[-1]}"), status=429, headers=named),
        Play(content=Raw(data=key.encode()), status=500, content_type="text/plain"),
        Play(content=Raw(data=json.dumps({"detail": [key]}).encode()), status=422),
        Play(content=Raw(data=json.dumps({"error": {key: key}}).encode()), status=400),
        Play(status=307, headers=(("location", f"http://127.0.0.1:9/{key.split()[-1]}"),)),
        Play(error_after=1, error_message=f"overloaded for {key}"),
        Play(head=f"HTTP/1.1 200 {key}\r\nx: {key}\r\ncontent-length: 5\r\n\r\n{key}".encode()),
    ]


MISDEEDS = [
    *GARBAGE.values(),
    cut(BEFORE_HEADERS),
    cut(AFTER_HEADERS),
    cut(after(1)),
    cut(after(1), reset=True),
    stall(BEFORE_HEADERS),
    stall(after(1)),
]
ECHOES = 8


class _Echoing:
    """Plays each misdeed in turn, those that repeat the key made from the request."""

    def __init__(self) -> None:
        self.at = -1

    def __call__(self, request: Received) -> Play:
        if self.at < 0:
            return Play()
        return _echoes(request)[self.at] if self.at < ECHOES else MISDEEDS[self.at - ECHOES]


@dataclass(slots=True)
class House:
    """A gateway in a process of its own with secrets in every place, and all that it says."""

    url: str
    admin: str
    vendor: Vendor
    echoing: _Echoing
    client: httpx.Client
    witness: Witness = field(default_factory=Witness)
    statuses: set[int] = field(default_factory=set)

    def ask(self, method: str, path: str, *, but: str = "", **more: Any) -> httpx.Response:
        """Send a request, and keep all that comes back."""
        place = f"{method} {path.replace(MARK, 'MARK')} {len(self.witness.pieces)}"
        with self.client.stream(method, self.url + path, **more) as answer:
            parts: list[bytes] = []
            with contextlib.suppress(httpx.TransportError):
                parts.extend(answer.iter_raw())
            raw = b"".join(parts)
            head = f"{answer.status_code} {answer.reason_phrase}\n".encode()
            head += b"\n".join(name + b": " + value for name, value in answer.headers.raw)
            answer._content = raw
        self.statuses.add(answer.status_code)
        self.witness.saw(place, head + b"\n" + raw, but=but or self._handed_over(answer, raw))
        return answer

    def _handed_over(self, answer: httpx.Response, raw: bytes) -> str:
        """Return the one token that an answer is there to hand over."""
        if answer.status_code not in {200, 201} or not raw.startswith(b"{"):
            return ""
        document = answer.json()
        guest = document.get("environment") or {}
        token = guest.get("OPENAI_API_KEY") or document.get("token") or document.get("key") or ""
        if token:
            self.witness.tokens.add(token)
        return str(token)

    def administer(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.ask(method, path, headers={"x-admin-key": self.admin}, **more)

    def session(self, runtime: str, model: str, **more: Any) -> dict[str, Any]:
        """Start a session; the runtime's keys come from `secrets` and `env`, if they do."""
        secrets = more.pop("secrets", {})
        wanted = {"name": "w", "runtime": runtime, "model": model, "secrets": secrets}
        made = self.administer("POST", "/workspaces", json=wanted)
        assert made.status_code == 201, made.text
        body = {"workspace": made.json()["id"]} | more
        opened = self.administer("POST", "/api/runtime/sessions", json=body)
        assert opened.status_code == 201, opened.text
        found: dict[str, Any] = opened.json()
        return found

    def guest(self, session: dict[str, Any], model: str) -> list[int]:
        """Ask as the guest of a session on each wire, streaming and not, with all headers."""
        token = session["environment"]["OPENAI_API_KEY"]
        statuses = []
        for path, body in WIRES.items():
            for streams in (False, True):
                headers = {name: secret(f"client-{name}") for name in CLIENT_HEADERS}
                headers["authorization"] = f"Bearer {token}"
                answer = self.ask(
                    "POST",
                    f"/api/runtime/sessions/{session['id']}/llm/{path}",
                    headers=headers,
                    json=body | {"model": model, "stream": streams},
                )
                statuses.append(answer.status_code)
        return statuses


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Path:
    return tmp_path


@contextlib.contextmanager
def _house(folder: Path, vendor: Vendor, **more: str) -> Iterator[House]:
    """Run a gateway with a secret in every place that it reads at its start."""
    admin, echoing = f"{MARK}-admin-key", _Echoing()
    vendor.choose = echoing
    variables = environment(
        folder,
        ADMIN_KEY=admin,
        SECRET_KEYS=encryption_key(),
        LOG_LEVEL="debug",
        ANSWER_SECONDS="0.5",
        SILENCE_SECONDS="0.5",
        BASE_URLS=json.dumps(everywhere(f"{vendor.url}/v1")),
        CREDENTIALS=json.dumps({name: secret(f"configured-{name}") for name in NAMES}),
        **more,
    ) | {name: secret(f"process-{name}") for name in NAMES[::2]}
    with running(folder, ["--port", "0"], variables) as process:
        with httpx.Client(timeout=DEADLINE, trust_env=False) as client:
            house = House(
                url=process.url(), admin=admin, vendor=vendor, echoing=echoing, client=client
            )
            yield house
        _look_at(process, house.witness)
        _look_at_files(folder, house.witness)
    house.witness.saw("what it printed", process.said())
    _look_at_files(folder, house.witness)


def _look_at(process: Process, witness: Witness) -> None:
    witness.saw("its command line", Path(f"/proc/{process.id}/cmdline").read_bytes())
    witness.saw("its title", Path(f"/proc/{process.id}/comm").read_bytes())


def _look_at_files(folder: Path, witness: Witness) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            witness.saw(path.name, path.read_bytes())


def _check(house: House) -> None:
    assert house.witness.leaks() == {}
    _check_vendor(house)


def _check_vendor(house: House) -> None:
    """Check that a vendor saw one key, and nothing of what its guest or we hold besides."""
    allowed = ("session", "workspace", "stored", "process", "configured")
    hidden = [text for token in house.witness.tokens for text in spellings(token)]
    assert house.vendor.received
    for request in house.vendor.received:
        seen = b"\n".join(request.header_lines) + b"\n" + request.body
        assert b"-client-" not in seen, seen
        assert house.admin.encode() not in seen
        assert not any(text in seen.lower() for text in hidden)
        assert seen.count(MARK.encode()) <= 1
        assert MARK.encode() not in seen or any(
            f"{MARK}-{place}-".encode() in seen for place in allowed
        )


def test_no_secret_leaves_its_place(place: Path, vendor: Vendor) -> None:
    with _house(place, vendor) as house:
        for name in NAMES:
            _store(house, name)
        sessions = _sessions(house)
        for misdeed in range(-1, ECHOES + len(MISDEEDS)):
            house.echoing.at = misdeed
            runtime_model = GUESTS[misdeed % len(GUESTS)][1]
            asking = [pair for pair in sessions if misdeed < 0 or pair[1] == runtime_model]
            # The last two stall, and each of their answers takes its time.
            for session, model in asking if misdeed < ECHOES + len(MISDEEDS) - 2 else asking[:1]:
                house.guest(session, model)
        house.echoing.at = 0
        for name in NAMES:
            assert house.administer("DELETE", f"/secrets/{name}").status_code == 204
        for session, model in _sessions_of_the_platform(house):
            house.guest(session, model)
        _users(house)
        _lives_of_sessions(house)
        _wrong_requests(house)
        _away(house, place)
        for path in ("/metrics", "/requests", "/workspaces", "/secrets", "/users", "/prices"):
            assert house.administer("GET", path).status_code == 200
        for path in ("/openapi.json", "/health", "/runtimes/codex/models", "/docs"):
            house.ask("GET", path)
        vendor.release()
    assert len(house.witness.tokens) > 15
    assert len(house.witness.pieces) > 400
    assert house.statuses >= {200, 201, 204, 400, 401, 403, 404, 405, 422, 429}
    assert house.statuses >= {500, 502, 503, 504}
    _check(house)


def _store(house: House, name: str) -> None:
    given = {"value": secret(f"stored-{name}")}
    assert house.administer("PUT", f"/secrets/{name}", json=given).status_code == 204


def _sessions(house: House) -> list[tuple[dict[str, Any], str]]:
    """Return sessions whose keys come from each place: the guest, its workspace, the store."""
    made = []
    for runtime, model in GUESTS:
        given = {
            "session": {"env": {name: secret(f"session-{name}") for name in NAMES}},
            "workspace": {"secrets": {name: secret(f"workspace-{name}") for name in NAMES}},
            "stored": {},
        }
        made += [(house.session(runtime, model, **more), model) for more in given.values()]
    for session, _ in made:
        _check_environment(session)
    return made


def _sessions_of_the_platform(house: House) -> list[tuple[dict[str, Any], str]]:
    runtime, model = GUESTS[-1]
    return [(house.session(runtime, model), model)]


def _check_environment(session: dict[str, Any]) -> None:
    """Check that a guest gets its facade and its token, and no other credential."""
    guest = session["environment"]
    assert set(guest) == {
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_AUTH_TOKEN",
        "OPENAI_BASE_URL",
        "OPENAI_API_KEY",
    }
    assert guest["OPENAI_API_KEY"] == guest["ANTHROPIC_AUTH_TOKEN"]
    assert guest["OPENAI_API_KEY"].startswith("fac_")


def _users(house: House) -> None:
    made = house.administer("POST", "/users", json={"id": "someone", "cap": "5"})
    assert made.status_code == 201
    key = house.administer("POST", "/users/someone/keys", json={}).json()["key"]
    for at in (-1, 0, 3, 6, 9):
        house.echoing.at = at
        for path, body in WIRES.items():
            for headers in ({"authorization": f"Bearer {key}"}, {"x-gateway-key": key}):
                more = {"cookie": secret("client-cookie"), "x-my-token": secret("client-token")}
                asked = body | {"model": "minimax/MiniMax-M2.7", "stream": at > 3}
                target = "/v1" + path.partition("/v1")[2]
                house.ask("POST", target, headers=headers | more, json=asked)
    for fingerprint in house.administer("GET", "/users/someone/keys").json():
        house.administer("DELETE", f"/users/someone/keys/{fingerprint['fingerprint']}")
    answer = house.ask("POST", "/v1/messages", headers={"x-api-key": key}, json={})
    assert answer.status_code == 401


def _lives_of_sessions(house: House) -> None:
    own = {"MINIMAX_API_KEY": secret("workspace-first")}
    session = house.session(*GUESTS[0], secrets=own)
    path = f"/api/runtime/sessions/{session['id']}"
    run = house.administer("POST", f"{path}/runs", json={"run": "r1"})
    assert run.status_code == 201
    house.administer("DELETE", f"{path}/runs/r1")
    house.administer("POST", f"{path}/stop")
    assert set(house.guest(session, GUESTS[0][1])) == {403}
    rotated = {"env": {"MINIMAX_API_KEY": secret("session-rotated")}}
    resumed = house.administer("POST", f"{path}/resume", json=rotated)
    assert resumed.status_code == 200
    house.guest(resumed.json(), GUESTS[0][1])
    house.administer("GET", path)


def _wrong_requests(house: House) -> None:
    """Put secrets where none belongs: names, paths, queries, broken bodies, other methods."""
    text = secret("misplaced")
    name = text.split("-")[1]
    workspace = {"name": "w", "runtime": "codex", "model": "gpt-5.4"}
    bodies: list[dict[str, Any]] = [
        {"json": workspace | {"secrets": {"A_NAME": [text]}}},
        {"json": workspace | {"secrets": {"A_NAME": text + "\n"}}},
        {"json": workspace | {"secrets": {text: "value"}}},
        {"json": workspace | {"secrets": text}},
        {"json": workspace | {"secrets": {"A_NAME": text * 5000}}},
        {"json": workspace | {"secretz": text}},
        {"json": [text]},
        {"content": f'{{"secrets": "{text}'.encode(), "headers": {}},
        {"content": text.encode(), "headers": {"content-type": text}},
        {"content": b"\xff" + text.encode()},
        {"json": {"workspace": text, "env": {"A": {"b": text}}, "base_urls": {"openai": text}}},
        {"json": {"workspace": "w", "base_urls": {"openai": f"http://u:{name}@host/"}}},
        {"json": {"value": [text]}},
        {"json": {"override": text}},
        {"json": {"id": "u", "cap": text}},
        {"json": {"model": text, "input": text, "output": text}},
    ]
    described = house.ask("GET", "/openapi.json").json()
    for path, methods in described["paths"].items():
        here = path.replace("{name}", "SOME_NAME")
        for part in ("{identity}", "{session}", "{run}", "{user}", "{fingerprint}", "{runtime}"):
            here = here.replace(part, "none")
        for method in methods:
            for more in bodies if method != "get" else [{"params": {"limit": text, "user": text}}]:
                headers = {"x-admin-key": house.admin, "x-my-token": text} | more.get("headers", {})
                house.ask(method.upper(), here, **(more | {"headers": headers}))
            house.ask(method.upper(), here, headers={"authorization": f"Bearer {text}"})
            house.ask(method.upper(), here, headers={"x-admin-key": text, "cookie": text})
    for target in (f"/secrets/{name}", f"/no/{name}", f"/workspaces?{name}={name}", f"/%{name}"):
        for method in ("GET", "PUT", "DELETE", "TRACE", "OPTIONS"):
            house.administer(method, target)


def _away(house: House, folder: Path) -> None:
    """Ask everything once more while the database's file is somewhere else."""
    session = house.session(*GUESTS[-1])
    file = folder / "gateway.db"
    file.rename(folder / "elsewhere")
    try:
        house.echoing.at = -1
        assert set(house.guest(session, GUESTS[-1][1])) == {503}
        assert house.administer("GET", "/workspaces").status_code == 503
        given = {"value": secret("stored-while-away")}
        assert house.administer("PUT", "/secrets/A_NAME", json=given).status_code == 503
        wanted = {"name": "w", "runtime": "codex", "model": "gpt-5.4", "secrets": {}}
        assert house.administer("POST", "/workspaces", json=wanted).status_code >= 422
    finally:
        (folder / "elsewhere").rename(file)


FAULTS = """
import sys
from gateway import __main__
from gateway.spending import prices
from gateway.tenancy import sessions
from gateway.keys import stored_secrets
from gateway.traffic import transport

def failing(name):
    def fail(self, *given, **named):
        local = repr((given, named))
        raise RuntimeError(f"{name} failed with {local}") from ValueError(local)
    return fail

places = {
    "transport": (transport.Transport, "post"),
    "prices": (prices.Prices, "find"),
    "stored": (stored_secrets.StoredSecrets, "put"),
    "sessions": (sessions.Sessions, "start"),
}
for name in sys.argv.pop(1).split(","):
    kind, method = places[name]
    setattr(kind, method, failing(name))
__main__.main()
"""


def test_an_uncaught_exception_tells_no_secret(place: Path, vendor: Vendor) -> None:
    program = place / "faulty.py"
    program.write_text(FAULTS)
    for faults in ("transport", "prices", "stored,sessions"):
        folder = place / faults
        folder.mkdir()
        statuses = _with_faults(folder, vendor, program, faults)
        assert 500 in statuses, faults


def _with_faults(folder: Path, vendor: Vendor, program: Path, faults: str) -> set[int]:
    vendor.choose = _Echoing()
    admin = f"{MARK}-admin-key"
    variables = environment(
        folder,
        ADMIN_KEY=admin,
        SECRET_KEYS=encryption_key(),
        LOG_LEVEL="debug",
        BASE_URLS=json.dumps(everywhere(f"{vendor.url}/v1")),
        CREDENTIALS=json.dumps({name: secret(f"configured-{name}") for name in NAMES}),
    )
    statuses = set()
    process = Process(
        [faults, "--port", "0"], variables, folder / "errors.log", program=str(program)
    )
    try:
        with httpx.Client(timeout=DEADLINE, trust_env=False) as client:
            house = House(
                url=process.url(), admin=admin, vendor=vendor, echoing=_Echoing(), client=client
            )
            if "sessions" in faults:
                given = {"value": secret("stored")}
                statuses.add(house.administer("PUT", "/secrets/A", json=given).status_code)
                body = {"workspace": "w", "env": {"KIMI_API_KEY": secret("session")}}
                answer = house.administer("POST", "/api/runtime/sessions", json=body)
                statuses.add(answer.status_code)
            else:
                house.administer("POST", "/users", json={"id": "u", "cap": "5"})
                key = house.administer("POST", "/users/u/keys", json={}).json()["key"]
                session = house.session(*GUESTS[-1], env={"KIMI_API_KEY": secret("session")})
                statuses.update(house.guest(session, GUESTS[-1][1]))
                asked = {"model": GUESTS[-1][1]} | WIRES["anthropic/v1/messages"]
                bearer = {"authorization": f"Bearer {key}", "cookie": secret("client-cookie")}
                statuses.add(
                    house.ask("POST", "/v1/messages", headers=bearer, json=asked).status_code
                )
    finally:
        process.kill()
    said = process.said()
    assert "RuntimeError" in said, "the log says what kind of exception it was"
    house.witness.saw("what it printed", said)
    _look_at_files(folder, house.witness)
    assert house.witness.leaks() == {}
    return statuses


def test_a_sessions_base_url_never_gets_a_key_of_a_more_trusted_place(
    place: Path, vendor: Vendor
) -> None:
    with vendor_thread() as strange, _house(place, vendor) as house:
        for name in NAMES:
            _store(house, name)
        urls = {"openai": f"{strange.url}/v1", "anthropic": f"{strange.url}/v1"}
        for runtime, model in GUESTS:
            session = house.session(runtime, model, base_urls=urls)
            assert set(house.guest(session, model)) == {424}, model
        assert strange.received == []
        own = {name: secret(f"session-{name}") for name in NAMES if name not in PLATFORM_NAMES}
        for runtime, model in GUESTS[:3]:
            session = house.session(runtime, model, base_urls=urls, env=own)
            assert 200 in house.guest(session, model), model
        assert strange.received
        for request in strange.received:
            seen = b"\n".join(request.header_lines)
            assert f"{MARK}-session-".encode() in seen
            assert seen.count(MARK.encode()) == 1
    assert vendor.received == []
    assert house.witness.leaks() == {}


def _grants(vendor: Vendor) -> list[Says]:
    """Return what a control plane may say with a key in it: a grant, nonsense, refusals."""
    key = secret("granted")
    ids = {"request_id": "r-1", "correlation_id": "c-1", "base_url": f"{vendor.url}/v1"}
    headers = (("retry-after", key), ("x-key", key), ("www-authenticate", key))
    return [
        Says(body={"provider": "minimax", "api_key": key} | ids),
        Says(body={"provider": key, "api_key": key} | ids),
        Says(body={"provider": "minimax", "api_key": [key]} | ids),
        Says(body={"provider": "minimax", "api_key": key} | ids | {"request_id": f"{key} {key}"}),
        Says(
            body={"provider": "minimax", "api_key": key} | ids | {"base_url": f"http://u:{key}@h"}
        ),
        Says(body=key.encode()),
        *(Says(status=status, body={"key": key}, headers=headers) for status in (401, 403, 429)),
        Says(status=500, body=key.encode(), headers=headers),
        Says(status=307, headers=(("location", f"http://127.0.0.1:9/{MARK}"),)),
    ]


def test_what_a_control_plane_grants_goes_to_the_vendor_alone(place: Path, vendor: Vendor) -> None:
    with (
        control_plane() as plane,
        _house(place, vendor, MODE="platform", CONTROL_PLANE_URL=plane.url) as house,
    ):
        for grant in _grants(vendor):
            plane.resolve = lambda _, grant=grant: grant  # type: ignore[misc]
            plane.usage = lambda _: Says(status=400, body={"key": secret("granted")})
            for misdeed in (-1, *range(ECHOES)) if grant.body and grant.status == 200 else (-1,):
                house.echoing.at = misdeed
                _as_a_caller(house)
    assert house.statuses >= {200, 401, 403, 429, 502}
    assert house.witness.leaks() == {}
    for request in vendor.received:
        seen = b"\n".join(request.header_lines) + request.body
        assert seen.count(MARK.encode()) == seen.count(f"{MARK}-granted-".encode()) == 1


def _as_a_caller(house: House) -> None:
    for path, body in WIRES.items():
        headers = {name: secret(f"client-{name}") for name in CLIENT_HEADERS}
        headers["authorization"] = f"Bearer {secret('caller')}"
        asked = body | {"model": "MiniMax-M2.7", "stream": path == "anthropic/v1/messages"}
        house.ask("POST", "/v1" + path.partition("/v1")[2], headers=headers, json=asked)


def test_what_is_stored_is_sealed_and_can_still_be_used(place: Path, vendor: Vendor) -> None:
    with _house(place, vendor) as house:
        _store(house, "MINIMAX_API_KEY")
        session = house.session(*GUESTS[0])
        assert set(house.guest(session, GUESTS[0][1])) == {200}
        files = {path.name for path in place.iterdir()}
        assert "gateway.db-wal" in files, "the newest pages are looked at too"
        _look_at_files(place, house.witness)
    with contextlib.closing(sqlite3.connect(place / "gateway.db")) as database:
        sealed = database.execute("SELECT name, length(ciphertext) FROM stored_secrets").fetchall()
    assert sealed
    assert house.witness.leaks() == {}


def test_what_is_planted_is_found_however_it_is_written() -> None:
    text = secret("example")
    for number, written in enumerate(
        (
            text,
            json.dumps(text),
            text.encode().hex(),
            text.upper(),
            str(httpx.URL("http://h", params={"a": text})),
        )
    ):
        witness = Witness()
        witness.saw(str(number), f"before {written} after")
        assert witness.leaks(), written
    for before in range(4):
        witness = Witness(tokens={"fac_" + "0a" * 32})
        witness.saw("base64", base64.b64encode(b"x" * before + b"fac_" + b"0a" * 32))
        assert witness.leaks()
