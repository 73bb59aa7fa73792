"""The gateway is killed again and again under load, on one file, and loses no promise."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.keys.layers import CREDENTIAL_NAMES
from gateway.storage.money import PLACES
from tests.conftest import everywhere
from tests.load import (
    DEADLINE,
    INPUT_PRICE,
    MODEL,
    OUTPUT_PRICE,
    OUTPUT_TOKENS,
    Load,
    guests_of,
    made_by_administrator,
    usage_by_number,
)
from tests.process import Process, environment
from tests.running import ADMIN
from tests.vendor import Vendor

KILLS = 50
# Of the kills so many come while it starts, the others while it answers.
DURING_START = 10
GUESTS = 6
HOLD_SECONDS, SWEEP_SECONDS = 2.0, 0.3


class Deployment:
    """One file, and the processes that follow each other on it."""

    def __init__(self, folder: Path, vendor: Vendor) -> None:
        self.file = folder / "gateway.db"
        self.folder = folder
        self._variables = environment(
            folder,
            BASE_URLS=json.dumps(everywhere(f"{vendor.url}/v1")),
            CREDENTIALS=json.dumps(dict.fromkeys(CREDENTIAL_NAMES, "k")),
            HOLD_SECONDS=str(HOLD_SECONDS),
            SWEEP_SECONDS=str(SWEEP_SECONDS),
        )
        self.workspaces: list[str] = []

    def start(self) -> Process:
        return Process(["--port", "0"], self._variables, self.folder / "errors.log")

    def up(self, process: Process) -> str:
        """Return where a process listens, as soon as it answers."""
        url = process.url()
        assert httpx.get(f"{url}/health", timeout=DEADLINE).json() == {"status": "ok"}
        return url

    def create_workspace(self, url: str) -> None:
        wanted = {"name": "w", "runtime": "claude-code", "model": MODEL}
        self.workspaces.append(made_by_administrator(url, "/workspaces", **wanted)["id"])

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.file, timeout=DEADLINE)) as database:
            return database.execute(statement).fetchall()


@pytest.fixture(name="deployment")
def _deployment(tmp_path: Path, vendor: Vendor) -> Deployment:
    vendor.choose = usage_by_number
    return Deployment(tmp_path, vendor)


def test_killed_at_any_moment_it_starts_again_with_nothing_lost(deployment: Deployment) -> None:
    chance, load = random.Random(20), Load()
    process = deployment.start()
    try:
        with load.of(guests_of(deployment.up(process), GUESTS)):
            for number in range(KILLS):
                process = _killed(deployment, process, load, chance, number)
        _check_workspaces(deployment, deployment.up(process))
        _check_holds_end(deployment)
    finally:
        process.kill()
    _check_answers(deployment, load)
    _check_money(deployment)
    assert deployment.rows("PRAGMA integrity_check") == [("ok",)]
    assert "Traceback" not in (deployment.folder / "errors.log").read_text()


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
    whole = {seen.number for seen in load.seen if seen.is_whole}
    broken = {seen.number for seen in load.seen if not seen.is_whole}
    assert len(whole) > 200
    assert len(broken) > 20
    # A token that worked once works after every start.
    assert {seen.status for seen in load.seen} == {0, 200}
    rows = deployment.rows("SELECT input_tokens FROM requests WHERE status = 200")
    settled = [row[0] for row in rows]
    assert len(settled) == len(set(settled)), "no request is settled twice"
    assert whole <= set(settled), "no answer that was seen whole is lost"
    assert set(settled) <= whole | broken


def _check_money(deployment: Deployment) -> None:
    spent = dict(deployment.rows("SELECT id, spend FROM users"))
    charged = dict.fromkeys(spent, 0)
    for user, tokens, cost in deployment.rows(
        "SELECT user_id, input_tokens, cost FROM requests WHERE status = 200"
    ):
        price = Decimal(tokens * INPUT_PRICE + OUTPUT_TOKENS * OUTPUT_PRICE).scaleb(-6)
        assert cost == int(price.scaleb(PLACES)), tokens
        charged[user] += cost
    assert spent == charged
    assert sum(spent.values()) > 0
