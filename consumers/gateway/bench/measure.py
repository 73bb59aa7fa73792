"""The three measurements: overhead of a request, requests a second, and memory over time."""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import load, processes, slow
from bench.contenders import DIRECT, Contender, body
from bench.figures import Growth, Quantiles, growth, quantiles
from bench.load import Plan, Times

# How the twenty events of a stream come, and the milliseconds between two of them.
PACES = {"all at once": 0, "one a millisecond": 1}
_WORDS = 16
_ENDLESS = 10_000_000
_SLOW_PAUSE = 200
_SAMPLE_EVERY = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long, how fast and how often is measured."""

    rates: tuple[float, ...]
    seconds: float
    rounds: int
    connections: int
    memory_seconds: float
    clients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long requests of one target took: to the first event, and to the end."""

    first: Quantiles
    whole: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What a contender adds, with the direct calls that were made in the same run in turn."""

    contender: str
    pace: str
    rate: float
    direct: Timing
    through: Timing
    added: Timing
    requests: int
    failures: tuple[str, ...]
    generator_late: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Streams answered a second, over connections that ask again at once; by round."""

    contender: str
    rounds: tuple[float, ...]
    median: float
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident memory under slow clients: (seconds, bytes) samples and what they say."""

    contender: str
    clients: int
    idle: float
    growth: Growth
    streams: int
    bytes_read: int
    failures: int
    samples: tuple[tuple[float, int], ...]


class NoAnswerError(Exception):
    """A contender answered no request at all."""


def _module(name: str, plan: str) -> str:
    """Run a module as a process of its own that reads a plan; return what it prints."""
    return subprocess.run(
        [sys.executable, "-m", name],
        input=plan,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=processes.FOLDER,
    ).stdout


def _load(plan: Plan) -> Sequence[Times]:
    return load.decoded_times(_module("bench.load", load.encoded(plan)))


def warm_up(contender: Contender) -> None:
    """Let a contender answer for two seconds before anything counts."""
    _load(
        Plan(
            mode="closed",
            targets=(contender.target,),
            body=body(_WORDS),
            seconds=1,
            connections=8,
        )
    )


def _merged(rounds: Sequence[Times]) -> Times:
    merged = Times.none()
    for each in rounds:
        merged.first += each.first
        merged.whole += each.whole
        merged.late += each.late
        merged.failures += each.failures
    return merged


def _require_answers(name: str, times: Times) -> None:
    if not times.whole:
        why = "; ".join(_few(times.failures)) or "it is too slow for the time given"
        raise NoAnswerError(f"{name} answered no request: {why}")


def _timing(times: Times) -> Timing:
    return Timing(first=quantiles(times.first), whole=quantiles(times.whole))


def _few(failures: Sequence[str]) -> tuple[str, ...]:
    """Return what went wrong, each sort once, with how often."""
    return tuple(f"{why} ({failures.count(why)} times)" for why in sorted(set(failures)))


def overheads(
    direct: Contender, contenders: Sequence[Contender], settings: Settings
) -> list[Overhead]:
    """Measure each contender in turn with direct calls; rounds of all alternate."""
    cases = list(itertools.product(contenders, PACES, settings.rates))
    runs: dict[tuple[str, str, float], list[Sequence[Times]]] = {}
    for _ in range(settings.rounds):
        for contender, pace, rate in cases:
            plan = Plan(
                mode="open",
                targets=(direct.target, contender.target),
                body=body(_WORDS, PACES[pace]),
                seconds=settings.seconds,
                rate=rate,
            )
            runs.setdefault((contender.name, pace, rate), []).append(_load(plan))
    return [_overhead(*case, rounds) for case, rounds in runs.items()]


def _overhead(name: str, pace: str, rate: float, rounds: Sequence[Sequence[Times]]) -> Overhead:
    calls, through = (_merged([each[which] for each in rounds]) for which in (0, 1))
    _require_answers(DIRECT, calls)
    _require_answers(name, through)
    below, above = _timing(calls), _timing(through)
    return Overhead(
        contender=name,
        pace=pace,
        rate=rate,
        direct=below,
        through=above,
        added=Timing(first=above.first.above(below.first), whole=above.whole.above(below.whole)),
        requests=len(through.whole),
        failures=_few(calls.failures + through.failures),
        generator_late=quantiles(calls.late + through.late),
    )


def throughputs(contenders: Sequence[Contender], settings: Settings) -> list[Throughput]:
    """Measure how many streams a second each contender can answer; rounds of all alternate."""
    runs: dict[str, list[Times]] = {}
    for _ in range(settings.rounds):
        for contender in contenders:
            plan = Plan(
                mode="closed",
                targets=(contender.target,),
                body=body(_WORDS),
                seconds=settings.seconds,
                connections=settings.connections,
            )
            runs.setdefault(contender.name, []).extend(_load(plan))
    return [_throughput(name, rounds) for name, rounds in runs.items()]


def _throughput(name: str, rounds: Sequence[Times]) -> Throughput:
    merged = _merged(rounds)
    _require_answers(name, merged)
    rates = tuple(round(len(each.whole) / each.seconds, 1) for each in rounds)
    return Throughput(
        contender=name,
        rounds=rates,
        median=round(statistics.median(rates), 1),
        failures=_few(merged.failures),
    )


def memory(contender: Contender, settings: Settings) -> Memory:
    """Measure the memory of a contender while slow clients are at it."""
    plan = slow.SlowPlan(
        target=contender.target,
        clients=settings.clients,
        seconds=settings.memory_seconds,
        fast_body=body(_ENDLESS),
        slow_body=body(_ENDLESS, _SLOW_PAUSE),
    )
    idle = processes.resident_bytes(contender.pid)
    samples, counts = _sampled(plan, contender.pid)
    return Memory(
        contender=contender.name,
        clients=settings.clients,
        idle=round(idle / 1e6, 1),
        growth=growth(samples),
        samples=tuple(samples),
        streams=counts.streams,
        bytes_read=counts.bytes_read,
        failures=counts.failures,
    )


def _sampled(plan: slow.SlowPlan, pid: int) -> tuple[list[tuple[float, int]], slow.Counts]:
    """Return samples of the memory of a process while the slow clients run, and their counts."""
    every, samples = min(_SAMPLE_EVERY, plan.seconds / 20), []
    start, done = time.monotonic(), threading.Event()
    with concurrent.futures.ThreadPoolExecutor() as executor:
        clients = executor.submit(_module, "bench.slow", slow.encoded(plan))
        clients.add_done_callback(lambda _: done.set())
        while not done.wait(every):
            samples.append((round(time.monotonic() - start, 1), processes.resident_bytes(pid)))
        return samples, slow.Counts(**json.loads(clients.result()))
