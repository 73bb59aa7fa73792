"""Runs a command once, and tells how long it took and how much memory it had at its peak."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.places import environment

# The system counts in kilobytes, but for macOS.
_UNIT = 1 if sys.platform == "darwin" else 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One whole process: seconds as its caller waited, and the most memory it had, in MB."""

    seconds: float
    megabytes: float


def once(command: Sequence[str], cwd: Path, more: Mapping[str, str] | None = None) -> Peak:
    """Run a command; raises `CalledProcessError` where it fails. What it prints is dropped."""
    started = time.perf_counter()
    # No `with`: it would wait for the process, and what it used is told to who waits first.
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment() | dict(more or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Peak(seconds=seconds, megabytes=used.ru_maxrss * _UNIT / 1e6)
