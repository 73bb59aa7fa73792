"""Runs several commands in turn, so that a machine whose speed wanders slows all of them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.places import ROOT, environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One whole process as its caller waits for it: seconds, and those the processor worked."""

    seconds: float
    worked: float


def _worked() -> float:
    times = os.times()
    return times.children_user + times.children_system


def once(command: Sequence[str], cwd: Path = ROOT) -> Run:
    """Run a command; raises `CalledProcessError` where it fails."""
    started, before = time.perf_counter(), _worked()
    subprocess.run(command, cwd=cwd, env=environment(), check=True, capture_output=True)
    return Run(seconds=time.perf_counter() - started, worked=_worked() - before)


def runs(commands: Mapping[str, Sequence[str]], count: int) -> dict[str, list[Run]]:
    """Run each command once to warm up, and then all of them in turn, so many times."""
    for command in commands.values():
        once(command)
    taken: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(count):
        for name, command in commands.items():
            taken[name].append(once(command))
    return taken


def seconds(taken: Sequence[Run]) -> list[float]:
    """Return what the runs took, as their callers waited."""
    return [each.seconds for each in taken]
