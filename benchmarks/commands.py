"""How long the commands take that answer a question, process start included, and their limits.

The runs are interleaved, so that a machine whose speed wanders slows all of them. Times are whole
processes as a caller waits for them; the processor's share of them tells a slow command from a
busy machine. Python may keep compiled modules, as an installed copy does. The exit code is 1 where
a median is not below its limit.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 41


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A command line behind `python`, and the seconds that its median may take, if any."""

    arguments: tuple[str, ...]
    limit: float | None = None


_CODEGEN = ("-m", "codegen")
_HERMES = ("tests/templates/hermes.yaml", "--runtime", "hermes")

COMMANDS = {
    "explain": Timed(arguments=(*_CODEGEN, "explain", "hermes", "kimi-k2.6"), limit=0.2),
    "check-template": Timed(arguments=(*_CODEGEN, "check-template", *_HERMES), limit=0.2),
    "python -c pass": Timed(arguments=("-c", "pass")),
}


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def _of_processor() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _seconds(timed: Timed) -> tuple[float, float]:
    """Return how long a run took, and how much of that the processor worked for it."""
    command = [sys.executable, *timed.arguments]
    started, before = time.perf_counter(), _of_processor()
    subprocess.run(command, cwd=ROOT, env=_environment(), check=True, capture_output=True)
    return time.perf_counter() - started, _of_processor() - before


def _verdict(name: str, median: float) -> str:
    limit = COMMANDS[name].limit
    if limit is None:
        return ""
    return f"below {limit:.3f}" if median < limit else f"TOO SLOW: not below {limit:.3f}"


def main() -> int:
    for timed in COMMANDS.values():
        _seconds(timed)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, timed in COMMANDS.items():
            times[name].append(_seconds(timed))
    print(f"{RUNS} interleaved runs, seconds: fastest, median, slowest; median of the processor")
    slow = 0
    for name, runs in times.items():
        taken, worked = zip(*runs, strict=True)
        low, middle, high = min(taken), statistics.median(taken), max(taken)
        figures = f"{low:.3f}  {middle:.3f}  {high:.3f};  {statistics.median(worked):.3f}"
        print(f"  {name:<16} {figures}  {_verdict(name, middle)}")
        slow += "TOO SLOW" in _verdict(name, middle)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
