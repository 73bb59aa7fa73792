"""A command -> the instructions that it executes, as valgrind counts them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.outcome import NotRunError
from benchmarks.places import ROOT

HOW = "valgrind is not on this machine; `apt-get install valgrind` brings it"


def valgrind() -> Path | None:
    """Return the valgrind command, or None."""
    on_path = shutil.which("valgrind")
    return Path(on_path) if on_path else None


def count(command: Sequence[str], env: Mapping[str, str], only: str | None = None) -> int:
    """Return the instructions of a command, or those inside of one of its functions.

    What the function calls is counted with it. Raises `CalledProcessError` where the command
    fails, and `NotRunError` where there is no valgrind.
    """
    found = valgrind()
    if found is None:
        raise NotRunError(HOW)
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        options = ["--tool=callgrind", "-q", f"--callgrind-out-file={profile}"]
        if only is not None:
            options.append(f"--toggle-collect={only}")
        counted = [str(found), *options, *command]
        subprocess.run(counted, cwd=ROOT, env=dict(env), check=True, capture_output=True)
        totals = re.search(r"^totals: (\d+)$", profile.read_text(), flags=re.MULTILINE)
    if totals is None:
        raise RuntimeError(f"callgrind wrote no totals for {' '.join(command)}")
    return int(totals[1])


def counts(commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> list[int]:
    """Return the instructions of several commands; that they share the machine changes none."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
        return list(workers.map(lambda command: count(command, env), commands))
