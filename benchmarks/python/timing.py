"""Times functions in turn, in one process, so that a machine whose speed wanders slows them all."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Ask = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What answers: `make` returns a function that asks so many questions.

    `make` is called before each round, off the clock, for what must not remember the last one.
    """

    make: Callable[[], Ask]
    questions: int


def steady(ask: Ask, questions: int) -> Contender:
    """Return a contender that needs nothing made anew between two rounds."""
    return Contender(make=lambda: ask, questions=questions)


def look_up(table: dict[str, object], models: Sequence[str]) -> Ask:
    """Return what asks one dict for each model: the least that any answer takes."""

    def ask() -> None:
        for model in models:
            table[model]

    return ask


def _nanoseconds(contender: Contender) -> float:
    ask = contender.make()
    started = time.perf_counter_ns()
    ask()
    return (time.perf_counter_ns() - started) / contender.questions


def rounds(contenders: Mapping[str, Contender], count: int) -> dict[str, list[float]]:
    """Return the nanoseconds per question in so many rounds, after one that is not counted.

    What a contender spends on its own loop over the questions is part of its time.
    """
    gc.disable()
    for contender in contenders.values():
        _nanoseconds(contender)
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(count):
        for name, contender in contenders.items():
            taken[name].append(_nanoseconds(contender))
    gc.enable()
    return taken
