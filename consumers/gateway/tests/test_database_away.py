"""The database goes away for a while: everybody is told so in time, and nobody pays twice."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.keys.layers import CREDENTIAL_NAMES
from tests.conftest import everywhere
from tests.load import Guest, Load, Seen, guests_of, usage_by_number
from tests.postgres import PostgresServer, running_postgres
from tests.process import environment, running
from tests.running import ADMIN
from tests.vendor import Vendor

AWAY_SECONDS = 10.0
GUESTS = 6
# What an answer may take that finds the database away: a few tries of two seconds, on a
# machine that is busy; one that was under way waits for the database as long as it is told.
IN_TIME = 15.0
SETTLE_SECONDS = 2.0
DEADLINE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an administrator was told."""

    method: str
    path: str
    status: int
    body: dict[str, Any]
    retry: str | None
    seconds: float


class Administrator:
    """Somebody who asks the other routes again and again."""

    def __init__(self, url: str) -> None:
        self.told: list[Told] = []
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Administrator:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        wanted = {"name": "w", "runtime": "claude-code", "model": "moonshot/kimi-k2.6"}
        routes: list[tuple[str, str, object]] = [
            ("GET", "/health", None),
            ("GET", "/workspaces", None),
            ("POST", "/workspaces", wanted),
            ("PUT", "/secrets/SOME_NAME", {"value": "some value"}),
            ("GET", "/users/user-1", None),
        ]
        with httpx.Client(base_url=self._url, headers=ADMIN, timeout=DEADLINE) as client:
            while not self._over.wait(0.02):
                for method, path, body in routes:
                    self._note(client, method, path, body)

    def _note(self, client: httpx.Client, method: str, path: str, body: object) -> None:
        began = time.monotonic()
        answer = client.request(method, path, json=body)
        self.told.append(
            Told(
                method=method,
                path=path,
                status=answer.status_code,
                body=answer.json() if answer.status_code >= 400 else {},
                retry=answer.headers.get("retry-after"),
                seconds=time.monotonic() - began,
            )
        )


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


def _variables(folder: Path, vendor: Vendor, **more: str) -> dict[str, str]:
    vendor.choose = usage_by_number
    return environment(
        folder,
        BASE_URLS=json.dumps(everywhere(f"{vendor.url}/v1")),
        CREDENTIALS=json.dumps(dict.fromkeys(CREDENTIAL_NAMES, "k")),
        HOLD_SECONDS="4",
        SWEEP_SECONDS="0.5",
        SETTLE_SECONDS=str(SETTLE_SECONDS),
        **more,
    )


def _under_load(url: str, away: Callable[[], None]) -> tuple[Load, Administrator]:
    """Ask before, while and after the database is away, until everybody is served again."""
    load = Load(url=url)
    load.is_up.set()
    guests = guests_of(url, GUESTS)
    with Administrator(url) as administrator, load.of(guests):
        _await(lambda: len(load.seen) > 50)
        away()
        back = time.monotonic()
        _await(lambda: _all_served_since(load.seen, guests, back))
        known = len(administrator.told)
        _await(lambda: all(told.status < 300 for told in administrator.told[known:][-10:]))
        _await(lambda: len(administrator.told) > known + 10)
    return load, administrator


def _all_served_since(seen: list[Seen], guests: list[Guest], moment: float) -> bool:
    served = {
        one.guest.path + one.guest.token for one in seen if one.is_whole and one.began > moment
    }
    return len(served) == len(guests)


def _await(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def _check_told(load: Load, administrator: Administrator, *, at_least: int) -> None:
    """Check that whoever was not served was told so: in time, clearly, in their own shape."""
    refused = [seen for seen in load.seen if not seen.is_whole]
    told = [one for one in administrator.told if one.status >= 300]
    assert len(refused) >= at_least
    assert len(told) >= at_least
    for seen in refused:
        assert seen.ended - seen.began < IN_TIME + SETTLE_SECONDS, seen
        _check_refusal(seen)
    for one in told:
        assert one.seconds < IN_TIME, one
        assert one.status == 503, one
        assert one.body["error"]["code"] == "DATABASE_UNAVAILABLE", one
        assert int(one.retry or 0) > 0, one


def _check_refusal(seen: Seen) -> None:
    if seen.status == 200:
        # It had begun: the error is an event of the stream.
        assert b"error" in seen.body, seen
        return
    assert seen.status == 503, seen
    error = json.loads(seen.body)["error"]
    assert error["code"] == "DATABASE_UNAVAILABLE", seen
    assert int(seen.headers["retry-after"]) > 0
    assert (json.loads(seen.body).get("type") == "error") == seen.guest.is_anthropic
    assert error["type"] == ("api_error" if seen.guest.is_anthropic else "server_error")


Rows = Callable[[str], list[tuple[Any, ...]]]


def _check_money(load: Load, rows: Rows) -> None:
    """Check that each answer was charged once, and that nobody's money is held any more."""
    _await(lambda: rows("SELECT count(*) FROM reservations WHERE status = 'active'") == [(0,)])
    assert rows("SELECT count(*) FROM users WHERE reserved <> 0") == [(0,)]
    settled = [row[0] for row in rows("SELECT input_tokens FROM requests WHERE status = 200")]
    assert len(settled) == len(set(settled)), "no request is charged twice"
    assert {seen.number for seen in load.seen if seen.is_whole} <= set(settled)
    spared = {seen.number for seen in load.seen if b"nothing was charged" in seen.body}
    assert not spared & set(settled), "who was told that nothing was charged was charged nothing"
    assert spared
    charged = rows("SELECT coalesce(sum(cost), 0) FROM requests WHERE status = 200")
    assert Decimal(charged[0][0]) == Decimal(rows("SELECT sum(spend) FROM users")[0][0])
    assert Decimal(charged[0][0]) > 0


def test_a_server_that_is_stopped_for_a_while_is_told_and_found_again(
    tmp_path: Path, vendor: Vendor, server: PostgresServer
) -> None:
    def away() -> None:
        server.stop()
        time.sleep(AWAY_SECONDS)
        server.start()

    def rows(statement: str) -> list[tuple[Any, ...]]:
        lines = server.run(statement).splitlines()
        return [tuple(_value(part) for part in line.split("|")) for line in lines]

    variables = _variables(tmp_path, vendor, DATABASE_URL=server.url())
    with running(tmp_path, ["--port", "0"], variables) as process:
        load, administrator = _under_load(process.url(), away)
        _check_told(load, administrator, at_least=10)
        _check_money(load, rows)
    assert "Traceback" not in process.said()


def _value(text: str) -> Any:
    return int(text) if text.lstrip("-").isdigit() else text


@pytest.mark.parametrize("kind", ["locked by another process", "moved away"])
def test_a_file_that_cannot_be_used_for_a_while_is_told_and_found_again(
    tmp_path: Path, vendor: Vendor, kind: str
) -> None:
    file = tmp_path / "gateway.db"

    def locked() -> None:
        with contextlib.closing(sqlite3.connect(file, timeout=DEADLINE)) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            time.sleep(0.8 * AWAY_SECONDS)
            other.execute("ROLLBACK")

    def moved() -> None:
        file.rename(tmp_path / "elsewhere")
        time.sleep(AWAY_SECONDS / 2)
        (tmp_path / "elsewhere").rename(file)

    def rows(statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(file, timeout=DEADLINE)) as database:
            return database.execute(statement).fetchall()

    with running(tmp_path, ["--port", "0"], _variables(tmp_path, vendor)) as process:
        away = locked if kind == "locked by another process" else moved
        load, administrator = _under_load(process.url(), away)
        _check_told(load, administrator, at_least=2)
        _check_money(load, rows)
    assert "Traceback" not in process.said()
    assert rows("PRAGMA integrity_check") == [("ok",)]
