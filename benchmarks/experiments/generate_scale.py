"""What `generate` takes for 1,000 providers, 50 runtimes and 100,000 pairs of a runtime and an id.

All targets and their cases are written, each time into an empty folder. What comes out is then
compiled by Go, whose cache is empty, checked by TypeScript in a program that asks it, and imported
by Python.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import catalogs, measured
from benchmarks.measured import Peak
from benchmarks.outcome import Figure, Limit, Outcome, Target, figure, median
from benchmarks.places import PYTHON, ROOT
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


def _targets(figures: tuple[Figure, ...]) -> tuple[Target, ...]:
    seconds = median(figures, "`generate`", WHOLE)
    tenth = median(figures, "`generate`", TENTH)
    memory = median(figures, "peak of memory", WHOLE)
    build = median(figures, "its output", "`go build`, its cache empty")
    check = median(figures, "its output", "`tsc` of a program that asks it")

    def at_most(what: str, value: float, limit: float, unit: str) -> Target:
        return Target(what=what, value=value, limit=limit, side=Limit.AT_MOST, unit=unit)

    return (
        at_most("`generate` of the whole", seconds, 20, "s"),
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
            figure("peak of memory", size, "MB", [each.megabytes for each in found])
            for size, found in peaks.items()
        ),
        *(figure("its output", name, "s", [seconds]) for name, seconds in compiled.items()),
    )
    return Outcome(figures=figures, targets=_targets(figures))
