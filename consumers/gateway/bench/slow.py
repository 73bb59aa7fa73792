"""Slow clients, as a process: half read a fast stream slowly, half a slow stream at once."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
import time
from dataclasses import asdict, dataclass

import uvloop

from bench.load import Target

# A slow reader takes this much, then rests.
_BYTES = 2048
_REST = 0.25
_RECEIVE_BUFFER = 16384
# Each stays for some seconds and comes again, so that streams also end half-way all the time.
_STAY = (15.0, 45.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowPlan:
    """How many clients there are, for how long, and what the two halves ask."""

    target: Target
    clients: int
    seconds: float
    fast_body: str
    slow_body: str


@dataclass(slots=True)
class Counts:
    """What the clients saw, all together."""

    streams: int = 0
    bytes_read: int = 0
    failures: int = 0


async def _connect(address: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, address)
    return await asyncio.open_connection(sock=sock, limit=_BYTES)


async def _stream(target: Target, body: bytes, rest: float, end: float, counts: Counts) -> None:
    reader, writer = await _connect(target.address)
    try:
        writer.write(target.request(body))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.decode("latin-1").partition("\r\n")[0])
        counts.streams += 1
        while time.monotonic() < end and (data := await reader.read(_BYTES)):
            counts.bytes_read += len(data)
            await asyncio.sleep(rest)
    finally:
        writer.transport.abort()


async def _client(plan: SlowPlan, number: int, stop: float, counts: Counts) -> None:
    body, rest = (plan.fast_body, _REST) if number % 2 else (plan.slow_body, 0.0)
    # All at once would measure how connections are accepted.
    await asyncio.sleep(number * min(5.0, plan.seconds / 10) / plan.clients)
    while time.monotonic() < stop:
        end = min(stop, time.monotonic() + random.uniform(*_STAY))
        try:
            await _stream(plan.target, body.encode(), rest, end, counts)
        except (OSError, asyncio.IncompleteReadError):
            counts.failures += 1
            await asyncio.sleep(1)


async def run(plan: SlowPlan) -> Counts:
    """Return what all the clients saw when their time is up."""
    counts, stop = Counts(), time.monotonic() + plan.seconds
    await asyncio.gather(*(_client(plan, each, stop, counts) for each in range(plan.clients)))
    return counts


def encoded(plan: SlowPlan) -> str:
    """Return a plan as this process reads it."""
    return json.dumps(asdict(plan))


def _decoded(text: str) -> SlowPlan:
    fields = json.loads(text)
    target = fields.pop("target")
    headers = tuple(map(tuple, target.pop("headers")))
    return SlowPlan(target=Target(**target, headers=headers), **fields)


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(run(_decoded(sys.stdin.read())))), sys.stdout)
