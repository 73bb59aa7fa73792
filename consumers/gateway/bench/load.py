"""The load generator: a process that reads a plan, asks as planned, and prints the times."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import uvloop

_END = b"\r\n0\r\n\r\n"
_DONE = b"[DONE]"
# The tail of what came in which the last marker and the last chunk are looked for.
_TAIL = 64
# The timers of the loop are as coarse as this: the rest of a wait is spent turning.
_TIMER = 0.002
_DEADLINE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go: a URL, and the headers that let them in."""

    name: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()

    def request(self, body: bytes) -> bytes:
        """Return a whole request with this body."""
        url = urlsplit(self.url)
        lines = [
            f"POST {url.path} HTTP/1.1",
            f"Host: {url.netloc}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *(": ".join(header) for header in self.headers),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        url = urlsplit(self.url)
        return url.hostname or "", url.port or 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do: `open` asks each target `rate` times a second, `closed` over `connections`.

    The first `warm_up` seconds are not counted.
    """

    mode: Literal["open", "closed"]
    targets: tuple[Target, ...]
    body: str
    seconds: float
    warm_up: float = 1.0
    rate: float = 50.0
    connections: int = 32


@dataclass(slots=True, kw_only=True)
class Times:
    """What a target did: seconds to the first event and to the end, by request, and failures.

    `late` is how much later than planned the generator itself sent the requests.
    """

    first: list[float]
    whole: list[float]
    late: list[float]
    failures: list[str]
    seconds: float = 0.0

    @classmethod
    def none(cls) -> Times:
        """Return times of no request."""
        return cls(first=[], whole=[], late=[], failures=[])


class _FailedError(Exception):
    """An answer is not a whole stream with status 200."""


class _Connection(asyncio.Protocol):
    """A connection that asks and reads one answer after another."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[float] | None = None
        self._first = 0.0
        self._tail = b""
        self.is_usable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transports of uvloop are such by their methods, not by their classes.
        self.transport = cast("asyncio.Transport", transport)

    async def ask(self, request: bytes) -> tuple[float, float]:
        """Return when the first event came and when the last did; raises _FailedError."""
        self._answer = asyncio.get_running_loop().create_future()
        self._first, self._tail = 0.0, b""
        self.transport.write(request)
        async with asyncio.timeout(_DEADLINE):
            whole = await self._answer
        return self._first, whole

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        seen = self._tail + data
        if not self._first:
            if not seen.startswith(b"HTTP/1.1 200"):
                return self._fail(seen[:200].decode("latin-1").partition("\r\n")[0])
            if b"\r\n\r\n" not in seen or b"data:" not in seen:
                self._tail = seen
                return None
            self._first = now
        self._tail = seen[-_TAIL:]
        if seen.endswith(_END):
            self._finish(now)
        return None

    def _finish(self, now: float) -> None:
        if _DONE not in self._tail:
            self._fail("the stream ended without its marker")
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(now)

    def _fail(self, why: str) -> None:
        self.is_usable = False
        self.transport.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(_FailedError(why))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection was lost: {exc or 'closed'}")


class _Pool:
    """The connections to one target that wait for work."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._idle: deque[_Connection] = deque()

    async def ask(self, request: bytes) -> tuple[float, float]:
        connection = await self._connection()
        answer = await connection.ask(request)
        self._idle.append(connection)
        return answer

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(_Connection, *self._target.address)
        return made


async def _until(moment: float) -> None:
    """Return at this moment, to some microseconds."""
    rest = moment - time.perf_counter() - _TIMER
    if rest > 0:
        await asyncio.sleep(rest)
    while time.perf_counter() < moment:  # noqa: ASYNC110 - a timer would be too coarse
        await asyncio.sleep(0)


async def _timed(pool: _Pool, request: bytes, planned: float, times: Times | None) -> None:
    sent = time.perf_counter()
    try:
        first, whole = await pool.ask(request)
    except (_FailedError, OSError, TimeoutError) as problem:
        if times is not None:
            times.failures.append(str(problem) or type(problem).__name__)
        return
    if times is not None:
        times.late.append(sent - planned)
        times.first.append(first - planned)
        times.whole.append(whole - planned)


async def _open_loop(plan: Plan, body: bytes) -> list[Times]:
    """Ask at fixed moments, whether earlier answers came or not, the targets in turn."""
    pools = [_Pool(target) for target in plan.targets]
    requests = [target.request(body) for target in plan.targets]
    times = [Times.none() for _ in plan.targets]
    start, gap = time.perf_counter() + 0.1, 1 / (plan.rate * len(pools))
    warm = round(plan.warm_up / gap)
    async with asyncio.TaskGroup() as tasks:
        for number in range(warm + round(plan.seconds / gap)):
            planned, which = start + number * gap, number % len(pools)
            await _until(planned)
            counted = times[which] if number >= warm else None
            tasks.create_task(_timed(pools[which], requests[which], planned, counted))
    for each in times:
        each.seconds = plan.seconds
    return times


async def _worker(plan: Plan, body: bytes, start: float, times: Times) -> None:
    pool, request = _Pool(plan.targets[0]), plan.targets[0].request(body)
    while (now := time.perf_counter()) < start + plan.seconds:
        await _timed(pool, request, now, times if now >= start else None)


async def _closed_loop(plan: Plan, body: bytes) -> list[Times]:
    """Ask again as soon as an answer is whole, over so many connections."""
    times = Times.none()
    start = time.perf_counter() + plan.warm_up
    async with asyncio.TaskGroup() as tasks:
        for _ in range(plan.connections):
            tasks.create_task(_worker(plan, body, start, times))
    # The last answers end after the time was up: they count, and so does their time.
    times.seconds = time.perf_counter() - start
    return [times]


async def run(plan: Plan) -> list[Times]:
    """Return the times of each target of a plan."""
    loops = {"open": _open_loop, "closed": _closed_loop}
    return await loops[plan.mode](plan, plan.body.encode())


def encoded(plan: Plan) -> str:
    """Return a plan as the process of the generator reads it."""
    return json.dumps(asdict(plan))


def _decoded(fields: dict[str, Any]) -> Plan:
    targets = tuple(
        Target(name=each["name"], url=each["url"], headers=tuple(map(tuple, each["headers"])))
        for each in fields.pop("targets")
    )
    return Plan(targets=targets, **fields)


def decoded_times(text: str) -> Sequence[Times]:
    """Return what the process of the generator printed."""
    return [Times(**each) for each in json.loads(text)]


if __name__ == "__main__":
    measured = uvloop.run(run(_decoded(json.load(sys.stdin))))
    json.dump([asdict(each) for each in measured], sys.stdout)
