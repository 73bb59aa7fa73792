"""A crowd of guests, each request of which is planned beforehand and carries its own number."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.formats.bodies import read_body
from gateway.formats.wires import Wire
from tests.customers import FACADE_PATHS
from tests.scripted import Playing, Script

DEADLINE = 60.0
# Every request has its number of characters of input above this, so that a charge for
# characters names its request as well as one for tokens does.
CHARACTERS = 1_000
LIMIT = 8
# Of ten that the vendor tells, three or so are more than the limit that it was given.
MOST_OUTPUT = 12
# Some answers take longer than their holds last.
LATE_EVERY = 100
# Told with a status of its own, or in the place of a stream's end.
_AWAY = b"The database cannot be reached"
_MARKS = (b"data: [DONE]", b"event: message_stop", b"event: response.completed")


class Leaving(enum.Enum):
    """When a guest closes its connection."""

    NEVER = "never"
    IN_THE_REQUEST = "in the middle of the request"
    BEFORE = "before the answer"
    DURING = "during the answer"
    AFTER = "after the answer, at once"


class End(enum.Enum):
    """What a guest saw of its request in the end."""

    WHOLE = "whole"
    FAILED = "failed"
    OVER_BUDGET = "over budget"
    UNAVAILABLE = "database away"
    LEFT = "left"
    LOST = "lost"


class Purse(enum.Enum):
    """Whose money a request costs, and so where it is written down."""

    USER = "the user's budget and the log"
    TENANT = "nowhere: the tenant pays the vendor itself"
    NOBODY = "the log alone: the platform pays, for no user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """A way in, for a user or for none, and what opens it."""

    user: str | None
    base: str
    token: str = field(repr=False)
    model: str
    is_facade: bool
    purse: Purse = Purse.USER

    def path(self, wire: Wire) -> str:
        return f"{self.base}/{FACADE_PATHS[wire] if self.is_facade else wire.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One request that will be made."""

    entrance: Entrance
    wire: Wire
    is_stream: bool
    script: Script
    limit: int | None
    leaving: Leaving

    @property
    def body(self) -> bytes:
        asked = self._asked(str(self.script))
        known = read_body(self.wire, json.dumps(asked).encode()).input_characters
        padding = "x" * (CHARACTERS + self.script.number - known)
        return json.dumps(self._asked(f"{self.script}{padding}")).encode()

    def _asked(self, said: str) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": self.entrance.model, "stream": self.is_stream}
        limit = "max_output_tokens" if self.wire is Wire.RESPONSES else "max_tokens"
        if self.limit is not None:
            asked[limit] = self.limit
        if self.wire is Wire.CHAT and self.is_stream:
            asked["stream_options"] = {"include_usage": True}
        if self.wire is Wire.RESPONSES:
            return asked | {"input": said}
        return asked | {"messages": [{"role": "user", "content": said}]}

    @property
    def request(self) -> bytes:
        body = self.body
        head = (
            f"POST {self.entrance.path(self.wire)} HTTP/1.1\r\nhost: gateway\r\n"
            f"authorization: Bearer {self.entrance.token}\r\nconnection: close\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How often what happens; the rest of the answers tell their usage in full."""

    mute: float = 0.08
    failing: float = 0.15
    leaving: float = 0.2
    slow: float = 0.2
    unlimited: float = 0.1


_FAILING = tuple(play for play in Playing if play not in (Playing.TELL, Playing.MUTE))
_LEAVING = tuple(leaving for leaving in Leaving if leaving is not Leaving.NEVER)


def plans(
    chance: random.Random, count: int, entrances: Sequence[Entrance], late_pause: int
) -> list[Plan]:
    """Return that many plans, with the numbers from 1 on; the same for the same chance."""
    return [_plan(chance, number, entrances, late_pause) for number in range(1, count + 1)]


def _plan(
    chance: random.Random, number: int, entrances: Sequence[Entrance], late_pause: int
) -> Plan:
    mix, wire = Mix(), chance.choice(list(Wire))
    # One of the wire formats demands a limit.
    is_limited = wire is Wire.MESSAGES or chance.random() >= mix.unlimited
    is_late = number % LATE_EVERY == 0
    is_leaving = chance.random() < mix.leaving and not is_late
    return Plan(
        entrance=chance.choice(entrances),
        wire=wire,
        is_stream=chance.random() < 0.6,
        script=Script(
            playing=Playing.TELL if is_late else _playing(chance, mix),
            number=number,
            output=chance.randint(1, MOST_OUTPUT),
            pause=late_pause if is_late else _pause(chance, mix),
        ),
        limit=LIMIT if is_limited else None,
        leaving=chance.choice(_LEAVING) if is_leaving else Leaving.NEVER,
    )


def _playing(chance: random.Random, mix: Mix) -> Playing:
    drawn = chance.random()
    if drawn < mix.failing:
        return chance.choice(_FAILING)
    return Playing.MUTE if drawn < mix.failing + mix.mute else Playing.TELL


def _pause(chance: random.Random, mix: Mix) -> int:
    return chance.randint(2, 12) if chance.random() < mix.slow else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a guest got for a plan, as bytes."""

    plan: Plan
    status: int = 0
    is_framed: bool = False
    has_left: bool = False
    body: bytes = b""

    @property
    def end(self) -> End:
        if self.status == 200 and self._is_marked:
            return End.WHOLE
        if not self.is_framed:
            return End.LEFT if self.has_left else End.LOST
        if _AWAY in self.body:
            return End.UNAVAILABLE
        return End.OVER_BUDGET if self.status == 403 else End.FAILED

    @property
    def _is_marked(self) -> bool:
        """Whether the answer came to the end that its wire format has.

        The last marker is enough: what follows it is the frame of HTTP.
        """
        if not self.plan.is_stream:
            return self.is_framed
        return any(mark in self.body for mark in _MARKS)


def _taken(plan: Plan, raw: bytes, *, has_left: bool) -> Seen:
    head, found, rest = raw.partition(b"\r\n\r\n")
    if not found:
        return Seen(plan=plan, has_left=has_left)
    return Seen(
        plan=plan,
        status=int(head[9:12]),
        is_framed=_is_framed(head.lower(), rest),
        has_left=has_left,
        body=rest,
    )


def _is_framed(head: bytes, rest: bytes) -> bool:
    _, found, length = head.partition(b"content-length: ")
    if found:
        return len(rest) == int(length.partition(b"\r\n")[0])
    return rest.endswith(b"0\r\n\r\n")


class Gateways:
    """The processes that answer now; they come and go."""

    def __init__(self, chance: random.Random) -> None:
        self.ports: list[int] = []
        self._chance = chance

    async def connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection to one of them; whoever is dead has heard no word."""
        async with asyncio.timeout(DEADLINE):
            while True:
                port = self._chance.choice(self.ports)
                try:
                    return await asyncio.open_connection("127.0.0.1", port, limit=2**20)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)


@dataclass(slots=True)
class Crowd:
    """Guests that make the planned requests, so many at a time."""

    gateways: Gateways
    plans: Sequence[Plan]
    seen: list[Seen] = field(default_factory=list)
    _begun: int = 0
    _moments: dict[int, asyncio.Event] = field(default_factory=dict)

    async def at(self, begun: int) -> None:
        """Return when so many requests have begun."""
        if self._begun < begun:
            await self._moments.setdefault(begun, asyncio.Event()).wait()

    async def go(self, guests: int) -> None:
        """Make all requests."""
        rest = iter(self.plans)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(guests):
                tasks.create_task(self._guest(rest))

    async def _guest(self, rest: Iterator[Plan]) -> None:
        for plan in rest:
            self._begun += 1
            if moment := self._moments.get(self._begun):
                moment.set()
            reader, writer = await self.gateways.connected()
            async with asyncio.timeout(DEADLINE):
                self.seen.append(await _asked(plan, reader, writer))


async def _asked(plan: Plan, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Seen:
    request, raw = plan.request, b""
    try:
        if plan.leaving is Leaving.IN_THE_REQUEST:
            request = request[: -CHARACTERS // 2]
        writer.write(request)
        await writer.drain()
        if plan.leaving in (Leaving.IN_THE_REQUEST, Leaving.BEFORE):
            # From at once to about when the vendor answers.
            await asyncio.sleep(plan.script.number % 5 * 0.01)
        else:
            raw = await _read(plan, reader)
    except OSError:
        return _taken(plan, raw, has_left=False)
    finally:
        with contextlib.suppress(OSError):
            _hang_up(plan, writer)
    return _taken(plan, raw, has_left=plan.leaving is not Leaving.NEVER)


async def _read(plan: Plan, reader: asyncio.StreamReader) -> bytes:
    raw = b""
    with contextlib.suppress(OSError):  # killed: what came, came
        while chunk := await reader.read(65536):
            raw += chunk
            if _is_enough(plan, raw):
                break
    return raw


def _is_enough(plan: Plan, raw: bytes) -> bool:
    head, found, rest = raw.partition(b"\r\n\r\n")
    if plan.leaving is Leaving.DURING:
        return bool(rest)
    return bool(found) and plan.leaving is Leaving.AFTER and _is_framed(head.lower(), rest)


def _hang_up(plan: Plan, writer: asyncio.StreamWriter) -> None:
    # Half of those that leave say goodbye; the others are gone.
    if plan.leaving is not Leaving.NEVER and plan.script.number % 2:
        writer.transport.abort()
    else:
        writer.close()
