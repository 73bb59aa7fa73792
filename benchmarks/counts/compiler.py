"""The compiler -> what `verify` of the real manifest takes, as a whole process."""

from __future__ import annotations

import subprocess

from benchmarks.counts import callgrind
from benchmarks.counts.python_artifact import environment
from benchmarks.places import PYTHON, ROOT

VERIFY = "verify"
PASS = "python -c pass"
COMMANDS = {VERIFY: [PYTHON, "-m", "codegen", "verify"], PASS: [PYTHON, "-c", "pass"]}


def _printed(command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True
    )
    return done.stdout


def instructions(name: str) -> int:
    """Return the instructions of one of the two processes, once its modules are compiled."""
    _printed(COMMANDS[name])
    return callgrind.count(COMMANDS[name], environment())


def calls() -> int:
    """Return how many functions `verify` calls, of Python and of C, in this interpreter."""
    _printed(COMMANDS[VERIFY])
    return int(_printed([PYTHON, "-m", "benchmarks.counts.calls", "verify"]))
