"""The command line: how it begins, what it says of wrong settings, and how it ends."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner

from gateway.__main__ import main
from gateway.storage import migration
from tests.conftest import everywhere
from tests.plays import after, stall
from tests.process import Process, environment, ran, running
from tests.running import ADMIN
from tests.vendor import Vendor, nobody_listens

SECRET = "a-secret-that-nobody-may-see"
LONG = "0123456789abcdef"
CALM = {"GATEWAY_ADMIN_KEY": LONG, "GATEWAY_SECRET_KEYS": "A" * 43 + "="}

# The variable that is wrong, its value (None: not set), and what must be said about it.
WRONG = [
    ("ADMIN_KEY", None, ["it is missing", "openssl rand -hex 32"]),
    ("ADMIN_KEY", "short", ["at least 16 characters"]),
    ("SECRET_KEYS", None, ["it is missing", "openssl rand -base64 32"]),
    ("SECRET_KEYS", SECRET, ["32 bytes in base64"]),
    ("SECRET_KEYS", "", ["32 bytes in base64"]),
    ("DATABASE_URL", f"mysql://user:{SECRET}@host/name", ["sqlite:// or postgresql://"]),
    ("DATABASE_URL", f"//{SECRET}", ["cannot be read"]),
    ("DATABASE_URL", "sqlite://", ["sqlite:///gateway.db"]),
    ("MODE", SECRET, ["'standalone' or 'platform'"]),
    ("CREDENTIALS", "{" + SECRET, ["not valid JSON", "NAME_OF_A_KEY"]),
    ("CREDENTIALS", json.dumps({"ONE": [SECRET]}), ["at ONE: ", "string"]),
    ("CREDENTIALS", json.dumps([SECRET]), ["valid dictionary"]),
    ("BASE_URLS", '{"nobody": {"openai": "http://host"}}', ["'nobody' is no provider"]),
    ("BASE_URLS", '{"custom": {"openai": "ftp://host"}}', ["https:// or http://"]),
    ("BASE_URLS", f'{{"custom": {{"openai": "http://u:{SECRET}@h"}}}}', ["no password"]),
    ("BODY_LIMIT", "many", ["valid integer", "README.md"]),
    ("BODY_LIMIT", "0", ["greater than 0"]),
    ("HOLD_SECONDS", "-1", ["greater than 0"]),
    ("PUBLIC_URL", "gateway.example.com", ["https:// or http://"]),
    ("LOG_LEVEL", "loud", ["'debug'"]),
    ("DEFAULT_CAP", "much", ["decimal"]),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_setting_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, said: list[str]
) -> None:
    for variable, calm in (CALM | {f"GATEWAY_{name}": value}).items():
        if calm is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, calm)
    done = CliRunner().invoke(main, ["--port", "0"])
    assert done.exit_code == 2, done.output
    assert not isinstance(done.exception, ValueError)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"GATEWAY_{name}: ")
    assert all(part in line for part in said), line
    assert SECRET not in done.output


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ADMIN_KEY": "short", "MODE": "none", "BODY_LIMIT": "x"}.items():
        monkeypatch.setenv(f"GATEWAY_{name}", value)
    monkeypatch.delenv("GATEWAY_SECRET_KEYS", raising=False)
    done = CliRunner().invoke(main, [])
    named = {line.partition(":")[0] for line in done.stderr.splitlines()}
    assert named == {
        f"GATEWAY_{name}" for name in ("ADMIN_KEY", "MODE", "BODY_LIMIT", "SECRET_KEYS")
    }


def test_a_password_in_an_argument_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in CALM.items():
        monkeypatch.setenv(variable, value)
    done = CliRunner().invoke(main, ["--database", f"postgresql://me:{SECRET}@localhost/name"])
    assert done.exit_code == 2
    assert "GATEWAY_DATABASE_URL" in done.stderr
    assert SECRET not in done.output


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--no-such"]])
def test_a_wrong_option_ends_with_usage(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = ran(tmp_path, ["--port", str(port)], environment(tmp_path))
    assert code == 1
    assert said == (
        f"Cannot listen on 127.0.0.1, port {port}: another process listens there; "
        "`--port 0` takes a free port.\n"
    )


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    code, said = ran(tmp_path, ["--host", "192.0.2.1", "--port", "0"], environment(tmp_path))
    assert code == 1
    assert said.startswith("Cannot listen on 192.0.2.1, port 0: this machine does not")
    assert "Traceback" not in said


@pytest.mark.parametrize("kind", ["no folder", "a folder", "no database", "nobody listens"])
def test_a_database_that_cannot_be_used_is_told(tmp_path: Path, kind: str) -> None:
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/missing/gateway.db"
        if kind == "a folder":
            url = f"sqlite:///{tmp_path}"
        elif kind == "no database":
            (tmp_path / "text").write_text("no database at all, but long enough" * 100)
            url = f"sqlite:///{tmp_path}/text"
        elif kind == "nobody listens":
            place = stack.enter_context(nobody_listens()).removeprefix("http://")
            url = f"postgresql://me:{SECRET}@{place}/gateway"
        code, said = ran(tmp_path, ["--port", "0"], environment(tmp_path, DATABASE_URL=url))
    assert code == 1, said
    assert "The database" in said
    assert "GATEWAY_DATABASE_URL" in said
    assert len(said.splitlines()) == 1, said
    assert SECRET not in said


def test_a_database_of_a_later_version_is_told(tmp_path: Path) -> None:
    with running(tmp_path, ["--port", "0"], environment(tmp_path)) as process:
        process.url()
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    code, said = ran(tmp_path, ["--port", "0"], environment(tmp_path))
    assert code == 1, said
    assert "later version" in said
    assert "Traceback" not in said


def test_the_address_is_printed_and_guests_get_it(tmp_path: Path) -> None:
    variables = environment(tmp_path, CREDENTIALS=json.dumps({"MOLECULE_LLM_USAGE_TOKEN": "k"}))
    with running(tmp_path, ["--port", "0"], variables) as process:
        url = process.url()
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        wanted = {"name": "w", "runtime": "claude-code", "model": "moonshot/kimi-k2.6"}
        made = httpx.post(f"{url}/workspaces", json=wanted, headers=ADMIN).json()
        session = {"workspace": made["id"]}
        opened = httpx.post(f"{url}/api/runtime/sessions", json=session, headers=ADMIN).json()
        assert opened["environment"]["OPENAI_BASE_URL"].startswith(f"{url}/api/")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stream_under_way_is_finished_and_settled(
    tmp_path: Path, vendor: Vendor, number: signal.Signals
) -> None:
    vendor.always(stall(after(3)))
    process, url, request = _with_a_stream(tmp_path, vendor, stop_seconds="30")
    try:
        with httpx.stream(**request, timeout=60) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data:")
            process.signal(number)
            _await_refusal(url)
            vendor.release()
            assert "data: [DONE]" in list(lines)
        assert process.wait() == 0, process.said()
    finally:
        process.kill()
    assert _statuses(tmp_path) == [(200, None)]


def test_a_stream_that_never_ends_is_cut_within_the_bound(tmp_path: Path, vendor: Vendor) -> None:
    vendor.always(stall(after(3)))
    process, _, request = _with_a_stream(tmp_path, vendor, stop_seconds="1")
    try:
        with httpx.stream(**request, timeout=60) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data:")
            process.signal(signal.SIGTERM)
            with contextlib.suppress(httpx.TransportError):
                assert "data: [DONE]" not in list(lines)
        assert process.wait() == 0, process.said()
    finally:
        process.kill()
    assert [status for status, _ in _statuses(tmp_path)] == [500]
    assert "Traceback" not in process.said()


def test_a_second_interrupt_ends_at_once(tmp_path: Path, vendor: Vendor) -> None:
    vendor.always(stall(after(3)))
    process, url, request = _with_a_stream(tmp_path, vendor, stop_seconds="600")
    try:
        with httpx.stream(**request, timeout=60) as answer:
            assert next(answer.iter_lines()).startswith("data:")
            process.signal(signal.SIGINT)
            _await_refusal(url)
            process.signal(signal.SIGINT)
            assert process.wait() == 0, process.said()
    finally:
        process.kill()


def _with_a_stream(
    folder: Path, vendor: Vendor, stop_seconds: str
) -> tuple[Process, str, dict[str, Any]]:
    variables = environment(
        folder,
        STOP_SECONDS=stop_seconds,
        BASE_URLS=json.dumps(everywhere(f"{vendor.url}/v1")),
        CREDENTIALS=json.dumps({"MOLECULE_LLM_USAGE_TOKEN": "k"}),
    )
    process = Process(["--port", "0"], variables, folder / "errors.log")
    url = process.url()
    model = "moonshot/kimi-k2.6"
    wanted = {"name": "w", "runtime": "claude-code", "model": model}
    made = httpx.post(f"{url}/workspaces", json=wanted, headers=ADMIN).json()
    body = {"workspace": made["id"]}
    opened = httpx.post(f"{url}/api/runtime/sessions", json=body, headers=ADMIN).json()
    guest = opened["environment"]
    messages = [{"role": "user", "content": "Hello"}]
    return (
        process,
        url,
        {
            "method": "POST",
            "url": f"{guest['OPENAI_BASE_URL']}/chat/completions",
            "headers": {"authorization": f"Bearer {guest['OPENAI_API_KEY']}"},
            "json": {"model": model, "stream": True, "messages": messages},
        },
    )


def _await_refusal(url: str) -> None:
    """Return when nobody listens any more."""
    port = int(url.rpartition(":")[2])
    until = threading.Event()
    for _ in range(3000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return
        until.wait(0.01)
    raise AssertionError("it still listens")


def _statuses(folder: Path) -> list[tuple[int, str | None]]:
    with contextlib.closing(sqlite3.connect(folder / "gateway.db")) as database:
        return database.execute("SELECT status, error FROM requests").fetchall()


def test_the_newest_version_of_the_tables_is_known() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migration.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == migration.NEWEST


def test_a_start_on_tables_that_are_up_to_date_imports_no_tool_for_migrations(
    tmp_path: Path,
) -> None:
    program = (
        "import asyncio, sys\n"
        "from gateway.storage.database import Database\n"
        "database = Database(sys.argv[1])\n"
        "asyncio.run(database.migrate())\n"
        "print('alembic' in sys.modules)\n"
    )
    arguments = [sys.executable, "-c", program, f"sqlite:///{tmp_path}/gateway.db"]
    first, second = (subprocess.check_output(arguments, text=True).strip() for _ in range(2))
    assert (first, second) == ("True", "False")
