"""What an experiment says: figures that were measured, and the targets they are held to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class NotRunError(Exception):
    """An experiment that cannot run on this machine; the message names what is missing."""


class Limit(Enum):
    """On which side of its limit a figure is to be."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that was measured: the median, fastest and slowest of so many runs, in a unit.

    `case` is the question (a row of a table), `contender` what answers it (a column). Units are
    `ns`, `ms`, `s`, `MB`, `bytes`, `allocs` and `instructions`.
    """

    case: str
    contender: str
    unit: str
    median: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What must be reached: a value that follows from figures, its limit and its unit.

    `unit` is `×` for a ratio. `reason` is for people: why the target is missed, or how the value
    is to be read; it is empty where there is nothing to add.
    """

    what: str
    value: float
    limit: float
    side: Limit
    unit: str = "×"
    reason: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether the value is on the right side of its limit."""
        if self.side is Limit.AT_MOST:
            return self.value <= self.limit
        return self.value >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that one experiment found, in the order in which it is to be read."""

    figures: tuple[Figure, ...]
    targets: tuple[Target, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


def figure(case: str, contender: str, unit: str, values: Sequence[float]) -> Figure:
    """Return the figure of a row of runs."""
    return Figure(
        case=case,
        contender=contender,
        unit=unit,
        median=statistics.median(values),
        low=min(values),
        high=max(values),
        runs=len(values),
    )


def median(figures: Sequence[Figure], case: str, contender: str) -> float:
    """Return the median of the figure of this name; raises `KeyError` where there is none."""
    for each in figures:
        if (each.case, each.contender) == (case, contender):
            return each.median
    raise KeyError((case, contender))
