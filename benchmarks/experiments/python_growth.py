"""How long a decision of the Python artifact takes as the catalog grows ten thousand times."""

from __future__ import annotations

from benchmarks import catalogs
from benchmarks.outcome import Figure, Limit, Outcome, Target, figure, median
from benchmarks.python.answers import answers
from benchmarks.python.growing import package
from benchmarks.python.growth import CASES, DRAWN

TITLE = "`derive_provider` in Python as the catalog grows"
_LIMITS = dict.fromkeys(CASES, 2.0) | {"listed id": 1.3}
_READ = f"The same number of ids, {DRAWN}, is asked for at every size."


def _ids(number: str) -> str:
    return f"{int(number):,} ids"


def _target(figures: tuple[Figure, ...], case: str) -> Target:
    first, *_, last = (_ids(str(size.ids)) for size in catalogs.GROWTH)
    return Target(
        what=f"{case}, from the smallest catalog to the largest",
        value=median(figures, case, last) / median(figures, case, first),
        limit=_LIMITS[case],
        side=Limit.AT_MOST,
        reason=_READ,
    )


def run() -> Outcome:
    folders = (str(package(number)) for number in range(len(catalogs.GROWTH)))
    found = answers("growth", *folders)
    grown = tuple(
        figure(case, _ids(number), "ns", taken)
        for case, sizes in found["grown"].items()
        for number, taken in sizes.items()
    )
    swept = tuple(
        figure(f"all ids in random order: {contender}", _ids(number), "ns", taken)
        for number, contenders in found["swept"].items()
        for contender, taken in contenders.items()
    )
    return Outcome(figures=grown + swept, targets=tuple(_target(grown, case) for case in CASES))
