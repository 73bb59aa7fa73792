"""How long `verify` takes on the real manifest, process start included."""

from __future__ import annotations

from benchmarks import interleaved
from benchmarks.outcome import Limit, Outcome, Target, figure, median
from benchmarks.places import PYTHON

TITLE = "`verify` of the real manifest, process start included"
RUNS = 21

COMMANDS = {
    "verify": (PYTHON, "-m", "codegen", "verify"),
    "make verify": ("make", "--no-print-directory", "verify"),
    "python -c pass": (PYTHON, "-c", "pass"),
}


def run() -> Outcome:
    taken = interleaved.runs(COMMANDS, RUNS)
    figures = tuple(
        figure("process", name, "s", interleaved.seconds(found)) for name, found in taken.items()
    )
    seconds = median(figures, "process", "verify")
    target = Target(what="`verify`", value=seconds, limit=0.15, side=Limit.AT_MOST, unit="s")
    return Outcome(figures=figures, targets=(target,))
