"""A number and its unit -> the words that people read."""

from __future__ import annotations

# From the largest; a value is said in the first that it fills.
_SCALES = {
    "ns": ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")),
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "bytes": ((1e6, "MB"), (1e3, "KB"), (1, "bytes")),
}


def digits(value: float) -> str:
    """Return a number to three digits, with commas: no run on a shared machine is good for more.

    >>> digits(0.38712), digits(41.26), digits(1000), digits(1234567)
    ('0.387', '41.3', '1,000', '1,230,000')
    """
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    if rounded >= 100 or rounded == int(rounded):
        return f"{rounded:,.0f}"
    return f"{rounded:.3g}"


def _scaled(value: float, unit: str) -> tuple[float, str]:
    scales = _SCALES.get(unit, ((1, unit),))
    return next((scale for scale in scales if value >= scale[0]), scales[-1])


def shown(value: float, unit: str) -> str:
    """Return a value in the unit in which it is easy to say.

    >>> shown(4612.0, "ns"), shown(0.15, "s"), shown(2500, "bytes"), shown(12.04, "×")
    ('4.61 µs', '150 ms', '2.5 KB', '12 ×')
    """
    size, name = _scaled(value, unit)
    return f"{digits(value / size)} {name}"


def spread(median: float, low: float, high: float, unit: str) -> str:
    """Return a median with its fastest and slowest run, all in the unit of the median.

    >>> spread(41.2, 40, 55.01, "ns"), spread(4612, 4612, 4612, "bytes")
    ('41.2 ns (40–55)', '4.61 KB')
    """
    size, name = _scaled(median, unit)
    middle = f"{digits(median / size)} {name}"
    ends = digits(low / size), digits(high / size)
    return middle if ends[0] == ends[1] else f"{middle} ({ends[0]}–{ends[1]})"
