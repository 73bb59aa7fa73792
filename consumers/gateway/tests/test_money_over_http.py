"""Money is exact: a crowd, three processes, kills, and books that agree with what was seen."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvloop

from gateway.storage.schema import HoldStatus
from tests import books
from tests.books import Books
from tests.conftest import everywhere
from tests.crowd import Crowd, End, Entrance, Gateways, Leaving, Purse, plans
from tests.customers import CREDENTIALS, MODEL, PRICED, RUNTIME
from tests.load import made_by_administrator
from tests.postgres import PostgresServer
from tests.process import Process, environment
from tests.running import ADMIN
from tests.scripted import scripted_vendor

DEADLINE = 60.0
PROCESSES, GUESTS = 3, 48
# On each of the two databases.
REQUESTS = int(os.environ.get("MONEY_REQUESTS", "5000"))
ENDS = max(12, REQUESTS // 400)
# Three of four are kills.
KILLS = ENDS - ENDS // 4
SEED = int(os.environ.get("MONEY_SEED") or random.SystemRandom().randrange(10**6))
HOLD_SECONDS, SWEEP_SECONDS = 3.0, 0.5
# Between two events of a stream that lasts longer than its hold.
LATE_PAUSE = 350
# What a user with a cap would spend by far, if it could.
CAPS = tuple(str(REQUESTS * share // 1000) for share in (3, 8, 12))
OWN_MODEL = "claude-sonnet-4-6"


@dataclass(slots=True)
class Deployment:
    """One database, and the processes that work on it at the same time."""

    folder: Path
    database_url: str
    vendor: str
    processes: list[Process] = field(default_factory=list)
    kills: int = 0
    _variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._variables = environment(
            self.folder,
            DATABASE_URL=self.database_url,
            BASE_URLS=json.dumps(everywhere(f"{self.vendor}/v1")),
            CREDENTIALS=json.dumps(CREDENTIALS),
            HOLD_SECONDS=str(HOLD_SECONDS),
            SWEEP_SECONDS=str(SWEEP_SECONDS),
            LOG_LEVEL="warning",
        )

    def start(self) -> Process:
        process = Process(["--port", "0"], self._variables, self.folder / "errors.log")
        self.processes.append(process)
        return process

    def kill(self, process: Process) -> None:
        process.kill()
        self.processes.remove(process)
        self.kills += 1

    def stop(self, process: Process) -> None:
        """Let a process end in order, with what it still has to settle."""
        process.signal(signal.SIGTERM)
        assert process.wait() == 0, process.said()
        self.processes.remove(process)

    def close(self) -> None:
        for process in self.processes:
            process.kill()


def _file(request: pytest.FixtureRequest, folder: Path) -> str:
    return f"sqlite:///{folder}/gateway.db"


def _server(request: pytest.FixtureRequest, folder: Path) -> str:
    server: PostgresServer = request.getfixturevalue("postgres")
    server.run("CREATE DATABASE money")
    return server.url("money")


@pytest.fixture(params=[_file, _server], ids=["sqlite", "postgresql"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    made: Callable[[pytest.FixtureRequest, Path], str] = request.param
    with scripted_vendor() as vendor:
        deployment = Deployment(tmp_path, made(request, tmp_path), vendor)
        try:
            yield deployment
        finally:
            deployment.close()


def _port(url: str) -> int:
    return urlsplit(url).port or 0


def _entrances(url: str) -> list[Entrance]:
    """Return what the crowd asks by: a key and a session of each user, and two that cost none.

    The user with the least to spend has a session that pays by itself.
    """
    price = {
        "model": PRICED,
        "input": str(books.INPUT_PRICE),
        "output": str(books.OUTPUT_PRICE),
        "cached": str(books.CACHED_PRICE),
    }
    put = httpx.put(f"{url}/prices", json=price, headers=ADMIN, timeout=DEADLINE)
    assert put.status_code == 204, put.text
    found = []
    for index, cap in enumerate((*CAPS, *[None] * 5)):
        user = f"user-{index}"
        made_by_administrator(url, "/users", id=user, cap=cap)
        found += [_key(url, user), _session(url, user)]
    own = {"ANTHROPIC_API_KEY": "the-tenants-own-key"}
    tenants = _session(url, "user-0", purse=Purse.TENANT, model=OWN_MODEL, secrets=own)
    return [*found, tenants, _session(url, None, purse=Purse.NOBODY)]


def _key(url: str, user: str) -> Entrance:
    key = made_by_administrator(url, f"/users/{user}/keys")["key"]
    return Entrance(user=user, base="/v1", token=key, model=MODEL, is_facade=False)


def _session(
    url: str,
    user: str | None,
    *,
    purse: Purse = Purse.USER,
    model: str = MODEL,
    secrets: dict[str, str] | None = None,
) -> Entrance:
    wanted = {"name": "w", "runtime": RUNTIME, "model": model, "secrets": secrets or {}}
    workspace = made_by_administrator(
        url, "/workspaces", **wanted, **({} if user is None else {"user": user})
    )
    session = made_by_administrator(url, "/api/runtime/sessions", workspace=workspace["id"])
    return Entrance(
        user=user,
        base=f"/api/runtime/sessions/{session['id']}/llm",
        token=session["environment"]["OPENAI_API_KEY"],
        model=model,
        is_facade=True,
        purse=purse,
    )


async def _end_now_and_then(deployment: Deployment, crowd: Crowd, chance: random.Random) -> None:
    """End one process after the other, each time at some request, and start another.

    Of four, one may finish what it does; the others are killed.
    """
    moments = sorted(chance.sample(range(len(crowd.plans) * 9 // 10), ENDS))
    for number, moment in enumerate(moments):
        await crowd.at(moment)
        process = chance.choice(deployment.processes)
        crowd.gateways.ports.remove(_port(process.url()))
        if number % 4 == 3:
            await asyncio.to_thread(deployment.stop, process)
        else:
            deployment.kill(process)
        started = deployment.start()
        crowd.gateways.ports.append(_port(await asyncio.to_thread(started.url)))


async def _crowded(deployment: Deployment) -> Crowd:
    """Have the crowd come, until all of it is gone."""
    chance = random.Random(SEED)
    started = [deployment.start() for _ in range(PROCESSES)]
    gateways = Gateways(random.Random(SEED + 1))
    gateways.ports = [_port(await asyncio.to_thread(process.url)) for process in started]
    entrances = await asyncio.to_thread(_entrances, started[0].url())
    crowd = Crowd(gateways, plans(chance, REQUESTS, entrances, LATE_PAUSE))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(crowd.go(GUESTS))
        tasks.create_task(_end_now_and_then(deployment, crowd, random.Random(SEED + 2)))
    return crowd


async def _swept(deployment: Deployment) -> Books:
    """Return the books as soon as no hold is left, and nobody is there to change them."""
    until = time.monotonic() + DEADLINE
    while (await books.read_books(deployment.database_url)).has_active_holds:
        assert time.monotonic() < until, "a hold is left beyond its time"
        await asyncio.sleep(0.2)
    for process in tuple(deployment.processes):
        await asyncio.to_thread(deployment.stop, process)
    return await books.read_books(deployment.database_url)


def test_money_is_exact_whatever_happens(deployment: Deployment) -> None:
    try:
        _check(deployment)
    except BaseException as error:
        error.add_note(f"To see it again: MONEY_SEED={SEED} MONEY_REQUESTS={REQUESTS}")
        raise


def _check(deployment: Deployment) -> None:
    began = time.monotonic()
    crowd = uvloop.run(_crowded(deployment))
    busy = time.monotonic() - began
    found = uvloop.run(_swept(deployment))
    _report(deployment, crowd, found, busy)
    books.check_accounts(found)
    books.check_holds(found)
    books.check_requests(found, crowd.seen)
    books.check_log(found, crowd.seen)
    books.check_caps(found)
    _check_it_was_a_test(deployment, crowd, found)


def _check_it_was_a_test(deployment: Deployment, crowd: Crowd, found: Books) -> None:
    """Check that all that was planned came to pass, so that the books had a chance to be wrong."""
    assert len(crowd.seen) == REQUESTS
    ends = Counter(seen.end for seen in crowd.seen)
    for end in (End.WHOLE, End.FAILED, End.OVER_BUDGET, End.LEFT, End.LOST):
        assert ends[end] > 0, ends
    assert deployment.kills == KILLS
    assert {hold.status for hold in found.holds} == set(HoldStatus) - {HoldStatus.ACTIVE}
    assert any(hold.status == HoldStatus.EXPIRED and hold.cost for hold in found.holds), "late"
    assert any(row.status == 499 and row.cost for row in found.log), "left, and charged in part"
    assert any(row.status == 499 and row.cost is None for row in found.log), "left for nothing"
    for user in found.users:
        # Who is refused is refused at the cap, and not before.
        assert user.cap is None or user.spend > user.cap / 2, user
    assert "Traceback" not in (deployment.folder / "errors.log").read_text()


def _report(deployment: Deployment, crowd: Crowd, found: Books, seconds: float) -> None:
    ends = Counter(seen.end.value for seen in crowd.seen)
    left = Counter(
        seen.plan.leaving.value for seen in crowd.seen if seen.plan.leaving is not Leaving.NEVER
    )
    holds = Counter(hold.status for hold in found.holds)
    late = sum(1 for hold in found.holds if hold.status == HoldStatus.EXPIRED and hold.cost)
    print(  # noqa: T201 - the figures of the run, for who wants to see them
        f"\nseed {SEED}: {len(crowd.seen)} requests in {seconds:.1f} s, "
        f"{deployment.kills} kills; {dict(ends)}; leaving {dict(left)}; "
        f"holds {dict(holds)}, of these late {late}"
    )
