"""Times -> the few figures that say how a target did."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """The median and the 99th percentile, in milliseconds."""

    median: float
    p99: float

    def above(self, other: Quantiles) -> Quantiles:
        """Return how much these are more than others."""
        return Quantiles(
            median=round(self.median - other.median, 3), p99=round(self.p99 - other.p99, 3)
        )


def quantiles(seconds: Sequence[float]) -> Quantiles:
    """Return the figures of these times; raises ValueError when there are none."""
    if not seconds:
        raise ValueError("no request was answered")
    ordered = sorted(seconds)
    last = min(len(ordered) - 1, int(len(ordered) * 0.99))
    return Quantiles(
        median=round(1000 * statistics.median(ordered), 3), p99=round(1000 * ordered[last], 3)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Memory over time: in MB, and in MB a minute along the line that fits best.

    The first fifth of the time is not counted: buffers and caches fill then.
    """

    start: float
    end: float
    highest: float
    slope: float
    minutes: float

    @property
    def share(self) -> float:
        """By what part of the start the line rises over the counted time."""
        return self.slope * self.minutes / self.start


def growth(samples: Sequence[tuple[float, int]]) -> Growth:
    """Return what samples of (seconds, bytes) say; raises ValueError for fewer than five."""
    if len(samples) < 5:
        raise ValueError("too few samples of memory")
    counted = samples[len(samples) // 5 :]
    minutes = [seconds / 60 for seconds, _ in counted]
    sizes = [size / 1e6 for _, size in counted]
    slope = statistics.linear_regression(minutes, sizes).slope
    return Growth(
        start=round(sizes[0], 1),
        end=round(sizes[-1], 1),
        highest=round(max(sizes), 1),
        slope=round(slope, 3),
        minutes=round(minutes[-1] - minutes[0], 2),
    )
