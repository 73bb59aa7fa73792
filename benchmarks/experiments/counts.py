"""How many instructions decisions and commands take, which no load on the machine changes."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.counts import callgrind, compiler, decide, go_artifact, python_artifact
from benchmarks.counts.questions import Kind
from benchmarks.outcome import Figure, Limit, Outcome, Target, figure
from benchmarks.places import PYTHON
from tests import toolchains

TITLE = "Instructions, as valgrind counts them"
RUNS = 3
NEEDS = (callgrind.valgrind, toolchains.go)
# Half of what the check of ratios allows, so that it can never be red by chance.
LIMIT = 1.05

_CASES = {**{kind.value: f"decision, {kind.value}" for kind in Kind}}
_YARDSTICKS = {decide.DICT: "one look-up in a table", go_artifact.MAP: "one look-up in a table"}


def _figures(contender: str, runs: list[dict[str, float]]) -> Iterator[Figure]:
    for name in runs[0]:
        case = _CASES.get(name) or _YARDSTICKS[name]
        yield figure(case, contender, "instructions", [counted[name] for counted in runs])


def _processes() -> Iterator[Figure]:
    for name in compiler.COMMANDS:
        runs = [float(compiler.instructions(name)) for _ in range(RUNS)]
        yield figure("process", name, "instructions", runs)


def _repeats(contender: str, figures: list[Figure]) -> Target:
    return Target(
        what=f"most of {RUNS} runs over the least, {contender}",
        value=max(each.high / each.low for each in figures),
        limit=LIMIT,
        side=Limit.AT_MOST,
    )


def run() -> Outcome:
    python = list(_figures("Python", [python_artifact.instructions(PYTHON) for _ in range(RUNS)]))
    go = list(_figures("Go", [go_artifact.instructions() for _ in range(RUNS)]))
    processes = list(_processes())
    return Outcome(
        figures=(*python, *go, *processes),
        targets=(
            _repeats("Python", python),
            _repeats("Go", go),
            _repeats("whole processes", processes),
        ),
        versions=(
            ("Python", python_artifact.minor_and_build(PYTHON)[1]),
            ("Go", go_artifact.version()),
        ),
    )
