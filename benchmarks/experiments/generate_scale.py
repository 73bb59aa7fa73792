"""What `generate` takes for 1,000 providers, 50 runtimes and 100,000 pairs of a runtime and an id.

All targets and their cases are written, each time into an empty folder. What comes out is then
compiled by Go, whose cache is empty, checked by TypeScript in a program that asks it, and imported
by Python.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import catalogs, measured
from benchmarks.measured import Peak
from benchmarks.outcome import Figure, Limit, Outcome, Target, figure, median
from benchmarks.places import PYTHON, ROOT
from codegen.distances import Words, farthest
from codegen.nearest import distance
from tests import toolchains

TITLE = "`generate` at scale: 1,000 providers, 50 runtimes, 100,000 pairs of a runtime and an id"
RUNS = 3
TENTH, WHOLE = "a tenth", "the whole"
SIZES = {TENTH: 1, WHOLE: 10}

_USE = """\
import { deriveProvider, offeredModels } from "./typescript/registry.js";
export const name: string = deriveProvider("runtime-1", "vendor2/model-1-1", []).name;
export const ids: readonly string[] = offeredModels("runtime-1", []).map((each) => each.id);
"""
_STRICT = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext")


def _generate(folder: Path, size: str, number: int) -> Peak:
    files = ("--manifest", f"{size}.yaml", "--out", f"{size} {number}")
    # Not in the folder of the project, whose settings would count.
    here = {"PYTHONPATH": str(ROOT)}
    return measured.once((PYTHON, "-m", "codegen", "generate", *files), folder, here)


def _compiled(out: Path, cache: Path) -> dict[str, float]:
    """Return the seconds that each language takes for the output of the whole."""
    environ = toolchains.environment() | {"GOCACHE": str(cache)}
    (out / "use.ts").write_text(_USE, encoding="utf-8")
    tsc = (str(toolchains.node()), str(toolchains.tsc()), *_STRICT, "use.ts")
    runs = {
        "`go build`, its cache empty": ((str(toolchains.go()), "build", "./..."), "go"),
        "`go vet`": ((str(toolchains.go()), "vet", "./..."), "go"),
        "`tsc` of a program that asks it": (tsc, "."),
        "Python imports it": ((PYTHON, "-c", "import provider_registry"), "python"),
    }
    return {
        name: measured.once(command, out / below, environ).seconds
        for name, (command, below) in runs.items()
    }


def _nearest() -> tuple[Figure, ...]:
    """Return what it takes to find what is near a slip among 2,000 ids, in two ways."""
    words = [f"vendor{vendor}/model-7-{model}" for vendor in range(200) for model in range(10)]
    slip, lanes = "vednor12/model-7-3", Words(words)
    ways: dict[str, Callable[[], object]] = {
        "one by one": lambda: [
            each
            for each in words
            if distance(slip, each, farthest(len(slip), len(each)))
            <= farthest(len(slip), len(each))
        ],
        "all at once": lambda: list(lanes.near(slip)),
    }
    return tuple(
        figure("what is near a slip, of 2,000 ids", name, "ms", _milliseconds(way))
        for name, way in ways.items()
    )


def _milliseconds(way: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(7):
        started = time.perf_counter()
        way()
        taken.append((time.perf_counter() - started) * 1e3)
    return taken


def _targets(figures: tuple[Figure, ...]) -> tuple[Target, ...]:
    seconds = median(figures, "`generate`", WHOLE)
    tenth = median(figures, "`generate`", TENTH)
    memory = median(figures, "peak of memory", WHOLE)
    build = median(figures, "its output", "`go build`, its cache empty")
    check = median(figures, "its output", "`tsc` of a program that asks it")

    worked = median(figures, "`generate`, work of the processor", WHOLE)

    def at_most(what: str, value: float, limit: float, unit: str, reason: str = "") -> Target:
        return Target(
            what=what, value=value, limit=limit, side=Limit.AT_MOST, unit=unit, reason=reason
        )

    how_to_read = f"As its caller waits; one processor works for {worked:.1f} s of it."

    return (
        at_most("`generate` of the whole", seconds, 20, "s", how_to_read),
        at_most("`generate` of the whole, against a tenth", seconds / tenth, 12, "×"),
        at_most("memory of `generate`", memory, 800, "MB"),
        at_most("`go build` of the output", build, 60, "s"),
        at_most("`tsc` of the output", check, 60, "s"),
    )


def run() -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, tenths in SIZES.items():
            (folder / f"{size}.yaml").write_text(catalogs.large(tenths), encoding="utf-8")
        peaks: dict[str, list[Peak]] = {size: [] for size in SIZES}
        for number in range(RUNS):
            for size, found in peaks.items():
                found.append(_generate(folder, size, number))
        compiled = _compiled(folder / f"{WHOLE} 0", folder / "cache")
    figures = (
        *(
            figure("`generate`", size, "s", [each.seconds for each in found])
            for size, found in peaks.items()
        ),
        *(
            figure("`generate`, work of the processor", size, "s", [each.worked for each in found])
            for size, found in peaks.items()
        ),
        *(
            figure("peak of memory", size, "MB", [each.megabytes for each in found])
            for size, found in peaks.items()
        ),
        *(figure("its output", name, "s", [seconds]) for name, seconds in compiled.items()),
        *_nearest(),
    )
    return Outcome(figures=figures, targets=_targets(figures))
