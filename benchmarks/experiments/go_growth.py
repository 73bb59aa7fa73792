"""How the time of a decision in Go grows with the catalog, and what a large catalog costs to build.

Every size is asked as many distinct questions, drawn evenly from its ids, so that the figures are
those of the algorithm. A sweep asks for all ids in random order: there a catalog that does not fit
the caches of the processor waits for its memory, as the bare map beside it does.
"""

from __future__ import annotations

import hashlib
import json
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import gobench, grown
from benchmarks.catalogs import GROWTH, Size
from benchmarks.gobench import Round
from benchmarks.outcome import Figure, Limit, Outcome, Target, figure
from benchmarks.places import BUILD
from codegen.render import Artifact
from codegen.targets import go
from tests import toolchains

NEEDS = (toolchains.go,)
TITLE = "Go: decisions as the catalog grows"
ROUNDS = 21
SWEEPS = 5
# Long enough to ask for each of 500,000 ids.
SWEEP_MILLISECONDS = 150

_LIMITS = {"listed": 1.3, "prefix": 2, "miss": 2}
_PACKAGE = gobench.SOURCES / "growth"
_INIT = re.compile(r"^init example\.com/provider-registry @\S+ ms, ([\d.]+) ms clock", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The benchmarks of one size: the program, its folder, and the seconds that Go compiled it."""

    size: Size
    program: Path
    folder: Path
    seconds: float


def _digest(artifacts: tuple[Artifact, ...]) -> str:
    digest = hashlib.sha256((_PACKAGE / "growth_test.go").read_bytes())
    for artifact in artifacts:
        digest.update(artifact.text.encode())
    return digest.hexdigest()[:16]


def _write(folder: Path, artifacts: tuple[Artifact, ...]) -> None:
    grown.write(artifacts, folder)
    test = (_PACKAGE / "growth_test.go").read_text(encoding="utf-8")
    (folder / "growth_test.go").write_text(test, encoding="utf-8")
    module = (gobench.SOURCES / "go.mod").read_text(encoding="utf-8")
    local = module.replace("=> ../../generated/go", "=> ./go")
    (folder / "go.mod").write_text(local, encoding="utf-8")


def _built(size: Size) -> Built:
    """Build the benchmarks of a size once for each state of what goes in."""
    artifacts = grown.artifacts(size, "go", go.pages)
    folder = BUILD / "go-growth" / f"{size.ids}-{_digest(artifacts)}"
    stamp = folder / "built.json"
    if not stamp.is_file():
        print(f"set-up: a registry of {size.ids:,} ids, compiled by Go", flush=True)
        _write(folder, artifacts)
        started = time.perf_counter()
        gobench.compiled(folder, f"go-growth-{size.ids}").replace(folder / "growth.test")
        stamp.write_text(json.dumps(time.perf_counter() - started), encoding="utf-8")
    seconds = float(json.loads(stamp.read_text(encoding="utf-8")))
    return Built(size=size, program=folder / "growth.test", folder=folder, seconds=seconds)


def _initialised(built: Built) -> float:
    """Return the milliseconds that a process takes to make its tables from the rows."""
    done = subprocess.run(
        [built.program, "-test.run=^$"],
        cwd=built.folder,
        env=toolchains.environment() | {"GODEBUG": "inittrace=1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return sum(map(float, _INIT.findall(done.stderr)))


def _named(size: Size) -> str:
    return f"{size.providers:,} providers, {size.ids:,} ids"


def _asked(sizes: list[Built], benchmarks: str, count: int, milliseconds: int) -> list[list[Round]]:
    """Run all sizes in turn, so many times; return the rounds of each size."""
    taken: list[list[Round]] = [[] for _ in sizes]
    for _ in range(count):
        for rounds, built in zip(taken, sizes, strict=True):
            found = gobench.measured(built.program, built.folder, benchmarks, milliseconds)
            rounds.append(found)
    return taken


def _figures(sizes: list[Built], taken: list[list[Round]]) -> Iterator[Figure]:
    for name in taken[0][0]:
        for built, rounds in zip(sizes, taken, strict=True):
            times = [each[name].nanoseconds for each in rounds]
            yield figure(name.replace("/", ", "), _named(built.size), "ns", times)


def _costs(sizes: list[Built]) -> Iterator[Figure]:
    for built in sizes:
        yield figure("compiled by Go", _named(built.size), "s", [built.seconds])
    for built in sizes:
        times = [_initialised(built) for _ in range(SWEEPS)]
        yield figure("tables made at the start", _named(built.size), "ms", times)


def _targets(taken: list[list[Round]]) -> Iterator[Target]:
    smallest, largest = taken[0], taken[-1]
    for case, limit in _LIMITS.items():
        pairs = zip(largest, smallest, strict=True)
        ratios = [large[case].nanoseconds / small[case].nanoseconds for large, small in pairs]
        yield Target(
            what=f"`DeriveProvider`, {case}: the largest catalog beside the smallest",
            value=statistics.median(ratios),
            limit=limit,
            side=Limit.AT_MOST,
            reason=(
                "Half of a refusal is the allocation of its error, and the collector of garbage "
                "has a larger catalog to look through."
                if case == "miss"
                else ""
            ),
        )


def run() -> Outcome:
    sizes = [_built(size) for size in GROWTH]
    taken = _asked(sizes, "Growth", ROUNDS, 4)
    swept = _asked(sizes, "Sweep", SWEEPS, SWEEP_MILLISECONDS)
    return Outcome(
        figures=(*_figures(sizes, taken), *_figures(sizes, swept), *_costs(sizes)),
        targets=tuple(_targets(taken)),
        versions=(("Go", gobench.version()),),
    )
