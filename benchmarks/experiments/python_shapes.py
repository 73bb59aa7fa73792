"""Other shapes that the tables of the Python artifact could have, asked the same questions.

These are searches alone, without what is around them in the artifact: the white space, the names
of variables, and the error of a refusal.
"""

from __future__ import annotations

from benchmarks import catalogs
from benchmarks.outcome import Outcome, figure
from benchmarks.python.answers import answers
from benchmarks.python.growing import package

TITLE = "Shapes of the tables in Python"


def run() -> Outcome:
    folders = (str(package(number)) for number in range(len(catalogs.GROWTH)))
    found = answers("shapes", *folders)
    by_pattern = (
        figure(f"{case}, {int(providers):,} providers", shape, "ns", taken)
        for providers, cases in found["by_pattern"].items()
        for case, shapes in cases.items()
        for shape, taken in shapes.items()
    )
    by_list = (
        figure(f"{case}, looked up in the list", shape, "ns", taken)
        for case, shapes in found["by_list"].items()
        for shape, taken in shapes.items()
    )
    return Outcome(figures=(*by_pattern, *by_list))
