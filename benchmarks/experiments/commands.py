"""How long the commands take that answer a question, process start included."""

from __future__ import annotations

from benchmarks import interleaved
from benchmarks.outcome import Limit, Outcome, Target, figure, median
from benchmarks.places import PYTHON

TITLE = "Commands that answer a question, process start included"
RUNS = 41
LIMIT = 0.2

_CODEGEN = (PYTHON, "-m", "codegen")
_HERMES = ("tests/templates/hermes.yaml", "--runtime", "hermes")

COMMANDS = {
    "explain": (*_CODEGEN, "explain", "hermes", "kimi-k2.6"),
    "check-template": (*_CODEGEN, "check-template", *_HERMES),
    "python -c pass": (PYTHON, "-c", "pass"),
}


def run() -> Outcome:
    taken = interleaved.runs(COMMANDS, RUNS)
    figures = tuple(
        figure("process", name, "s", interleaved.seconds(found)) for name, found in taken.items()
    )
    targets = tuple(
        Target(
            what=f"`{name}`",
            value=median(figures, "process", name),
            limit=LIMIT,
            side=Limit.AT_MOST,
            unit="s",
        )
        for name in ("explain", "check-template")
    )
    return Outcome(figures=figures, targets=targets)
