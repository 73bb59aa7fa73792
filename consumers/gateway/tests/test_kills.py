"""The gateway is killed again and again under load, on one file, and loses no promise."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.layers import CREDENTIAL_NAMES
from gateway.money import PLACES
from gateway.replies import Usage
from tests.conftest import everywhere
from tests.plays import Play, answer
from tests.process import Process, environment
from tests.running import ADMIN
from tests.vendor import Received, Vendor

KILLS = 50
# Of the kills so many come while it starts, the others while it answers.
DURING_START = 10
GUESTS = 6
MODEL = "moonshot/kimi-k2.6"
OUTPUT = 3
HOLD_SECONDS, SWEEP_SECONDS = 2.0, 0.3
DEADLINE = 60.0


def _usage_by_number(request: Received) -> Play:
    """Answer with as many tokens of input as the number that the request says."""
    said = request.json["messages"][-1]["content"]
    usage = Usage(input_tokens=int(said), output_tokens=OUTPUT)
    made = answer("Here is some text in several words.", usage=usage)
    return Play(content=made.content, pace=0.004)


@dataclass(slots=True)
class Load:
    """Guests that ask without end, whoever answers, and note which answers they saw whole."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    url: str = ""
    is_up: threading.Event = field(default_factory=threading.Event)
    is_over: bool = False
    whole: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    refused: list[tuple[int, bytes]] = field(default_factory=list)

    def run(self, path: str, token: str) -> None:
        while not self.is_over:
            if self.is_up.wait(0.1):
                number = next(self.numbers)
                try:
                    status, body = self._asked(path, token, number)
                except ConnectionRefusedError:
                    time.sleep(0.005)  # nobody is there: not a word was sent
                    continue
                except (OSError, http.client.HTTPException):
                    self.broken.append(number)
                    continue
                self._note(number, status, body)

    def _asked(self, path: str, token: str, number: int) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=DEADLINE)
        messages = [{"role": "user", "content": str(number)}]
        asked: dict[str, Any] = {"model": MODEL, "messages": messages, "max_tokens": 50}
        if number % 2 == 0:
            asked |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(asked), headers)
            found = connection.getresponse()
            return found.status, found.read()

    def _note(self, number: int, status: int, body: bytes) -> None:
        if status != 200:
            self.refused.append((status, body))
        elif number % 2 or b"data: [DONE]" in body:
            self.whole.append(number)
        else:
            self.broken.append(number)


class Deployment:
    """One file, and the processes that follow each other on it."""

    def __init__(self, folder: Path, vendor: Vendor) -> None:
        self.file = folder / "gateway.db"
        self._folder = folder
        self._variables = environment(
            folder,
            BASE_URLS=json.dumps(everywhere(f"{vendor.url}/v1")),
            CREDENTIALS=json.dumps(dict.fromkeys(CREDENTIAL_NAMES, "k")),
            HOLD_SECONDS=str(HOLD_SECONDS),
            SWEEP_SECONDS=str(SWEEP_SECONDS),
        )
        self.workspaces: list[str] = []
        self.ready: list[float] = []

    def start(self) -> Process:
        return Process(["--port", "0"], self._variables, self._folder / "errors.log")

    def up(self, process: Process) -> str:
        """Return where a process listens, once it answers and knows all that it should."""
        url = process.url()
        assert httpx.get(f"{url}/health", timeout=DEADLINE).json() == {"status": "ok"}
        self.ready.append(time.monotonic() - process.started_at)
        return url

    def create_workspace(self, url: str, **more: Any) -> str:
        wanted = {"name": "w", "runtime": "claude-code", "model": MODEL} | more
        made = httpx.post(f"{url}/workspaces", json=wanted, headers=ADMIN, timeout=DEADLINE)
        assert made.status_code == 201, made.text
        self.workspaces.append(made.json()["id"])
        return self.workspaces[-1]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.file, timeout=DEADLINE)) as database:
            return database.execute(statement).fetchall()


def _guests(deployment: Deployment, url: str) -> list[tuple[str, str]]:
    """Return a way in and a token for each guest: some inside a session, some with a key."""

    def made(path: str, **body: Any) -> dict[str, Any]:
        answered = httpx.post(f"{url}{path}", json=body, headers=ADMIN, timeout=DEADLINE)
        assert answered.status_code == 201, answered.text
        found: dict[str, Any] = answered.json()
        return found

    price = {"model": "kimi-k2.6", "provider": "", "input": "10", "output": "20"}
    put = httpx.put(f"{url}/prices", json=price, headers=ADMIN, timeout=DEADLINE)
    assert put.status_code == 204, put.text
    guests = []
    for index in range(GUESTS):
        user = made("/users", id=f"user-{index}", cap="1000000")["id"]
        if index % 2:
            guests.append(("/v1/chat/completions", made(f"/users/{user}/keys")["key"]))
            continue
        workspace = deployment.create_workspace(url, user=user)
        session = made("/api/runtime/sessions", workspace=workspace)
        path = f"/api/runtime/sessions/{session['id']}/llm/openai/v1/chat/completions"
        guests.append((path, session["environment"]["OPENAI_API_KEY"]))
    return guests


@pytest.fixture(name="deployment")
def _deployment(tmp_path: Path, vendor: Vendor) -> Deployment:
    vendor.choose = _usage_by_number
    return Deployment(tmp_path, vendor)


def test_killed_at_any_moment_it_starts_again_with_nothing_lost(
    deployment: Deployment, tmp_path: Path
) -> None:
    chance, load = random.Random(20), Load()
    process = deployment.start()
    try:
        guests = _guests(deployment, deployment.up(process))
        threads = [threading.Thread(target=load.run, args=guest) for guest in guests]
        for thread in threads:
            thread.start()
        try:
            for number in range(KILLS):
                process = _killed(deployment, process, load, chance, number)
        finally:
            load.is_over = True
            for thread in threads:
                thread.join()
        url = deployment.up(process)
        _check_workspaces(deployment, url)
        _check_holds_end(deployment)
    finally:
        process.kill()
    _check_answers(deployment, load)
    _check_money(deployment)
    assert deployment.rows("PRAGMA integrity_check") == [("ok",)]
    assert "Traceback" not in (tmp_path / "errors.log").read_text()


def _killed(
    deployment: Deployment, process: Process, load: Load, chance: random.Random, number: int
) -> Process:
    """Kill a process at some moment, and return the next one."""
    moment = threading.Event()
    if number % (KILLS // DURING_START) == 0:
        moment.wait(chance.uniform(0, 1.5))
    else:
        load.url = deployment.up(process)
        load.is_up.set()
        deployment.create_workspace(load.url)
        moment.wait(chance.uniform(0.02, 0.35))
    process.kill()
    load.is_up.clear()
    return deployment.start()


def _check_workspaces(deployment: Deployment, url: str) -> None:
    kept = {row[0] for row in deployment.rows("SELECT id FROM workspaces")}
    assert set(deployment.workspaces) <= kept
    last = deployment.workspaces[-1]
    shown = httpx.get(f"{url}/workspaces/{last}/billing-mode", headers=ADMIN, timeout=DEADLINE)
    assert shown.json()["mode"] == "platform_managed"


def _check_holds_end(deployment: Deployment) -> None:
    until = time.monotonic() + DEADLINE
    while deployment.rows("SELECT 1 FROM reservations WHERE status = 'active'"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert deployment.rows("SELECT DISTINCT reserved FROM users") == [(0,)]
    counts = dict(deployment.rows("SELECT status, count(*) FROM reservations GROUP BY status"))
    # Else no kill came in the middle of a request.
    assert counts["expired"] > 5


def _check_answers(deployment: Deployment, load: Load) -> None:
    assert load.refused == []
    assert len(load.whole) > 200
    assert len(load.broken) > 20
    logged = deployment.rows("SELECT input_tokens, status, cost FROM requests")
    settled = [row for row in logged if row[1] == 200]
    numbers = [row[0] for row in settled]
    assert len(numbers) == len(set(numbers)), "no request is settled twice"
    assert set(load.whole) <= set(numbers), "no answer that was seen whole is lost"
    assert set(numbers) <= set(load.whole) | set(load.broken)


def _check_money(deployment: Deployment) -> None:
    spent = dict(deployment.rows("SELECT id, spend FROM users"))
    charged = dict.fromkeys(spent, 0)
    for user, tokens, cost in deployment.rows(
        "SELECT user_id, input_tokens, cost FROM requests WHERE status = 200"
    ):
        price = (Decimal(tokens) * 10 + OUTPUT * 20) / 1_000_000
        assert cost == _stored(price), tokens
        charged[user] += cost
    assert spent == charged
    assert sum(spent.values()) > 0


def _stored(amount: Decimal) -> int:
    """Return an amount as the file keeps it."""
    return int(amount.scaleb(PLACES))
