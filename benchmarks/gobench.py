"""Benchmarks written with Go's own `testing`: compiled once, then run in many short rounds.

One round asks each contender for some milliseconds, one right after the other, so that a machine
whose speed wanders slows all of them; a ratio is taken inside of a round, and the median of many.
"""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.outcome import Figure, figure
from benchmarks.places import BUILD, ROOT
from tests import toolchains

SOURCES = ROOT / "benchmarks" / "go"
_LINE = re.compile(
    r"^Benchmark\w+/(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:\s+\d+ B/op\s+(\d+) allocs/op)?",
    flags=re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one operation took: nanoseconds, and allocations on the heap."""

    nanoseconds: float
    allocations: int


Round = dict[str, Measured]


def version() -> str:
    """Return the version of Go that compiles the benchmarks."""
    done = subprocess.run([_go(), "version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[2].removeprefix("go")


def _go() -> str:
    command = toolchains.go()
    if command is None:
        raise FileNotFoundError("go is not on this machine; `make test` installs it")
    return str(command)


def run(command: Sequence[str], cwd: Path) -> str:
    """Run a command of Go's; raises `CalledProcessError`, with what it printed, where it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=toolchains.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
        done.check_returncode()
    return done.stdout


def compiled(package: Path, name: str, work: Path | None = None) -> Path:
    """Run the tests of a package, and return it as a program that runs its benchmarks.

    The program runs in `work`, or else in the folder of the package.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / f"{name}.test"
    run([_go(), "test", "-c", "-o", str(program), "."], package)
    run([str(program)], work or package)
    return program


def measured(program: Path, work: Path, benchmarks: str, milliseconds: int) -> Round:
    """Run the benchmarks whose names match, once, on one processor."""
    options = (f"-test.benchtime={milliseconds}ms", "-test.cpu=1", "-test.run=^$")
    printed = run([str(program), f"-test.bench={benchmarks}", *options], work)
    found = {
        name.replace("_", " "): Measured(
            nanoseconds=float(taken), allocations=int(allocations or 0)
        )
        for name, taken, allocations in _LINE.findall(printed)
    }
    if not found:
        raise ValueError(f"no benchmark of {program.name} matches {benchmarks}")
    return found


def rounds(program: Path, work: Path, benchmarks: str, count: int) -> list[Round]:
    """Run the benchmarks so many times, in short turns."""
    return [measured(program, work, benchmarks, 4) for _ in range(count)]


def ratio(taken: Sequence[Round], slower: str, faster: str) -> float:
    """Return how many times as long the first takes as the second: the median of the rounds."""
    return statistics.median(each[slower].nanoseconds / each[faster].nanoseconds for each in taken)


def figures(taken: Sequence[Round]) -> tuple[Figure, ...]:
    """Return a figure of the time of each benchmark; their names are `case/contender`."""
    found = []
    for name in sorted(taken[0]):
        case, _, contender = name.partition("/")
        times = [each[name].nanoseconds for each in taken]
        found.append(figure(case, contender, "ns", times))
    return tuple(found)


def allocations(taken: Sequence[Round]) -> tuple[Figure, ...]:
    """Return a figure of the allocations of each benchmark; a look-up in a map has none."""
    found = []
    for name in taken[0]:
        if name.endswith("/map"):
            continue
        case, _, contender = name.partition("/")
        counts = [float(each[name].allocations) for each in taken]
        found.append(figure(f"{case}, allocations", contender, "allocs", counts))
    return tuple(found)
