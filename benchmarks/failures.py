"""Why an experiment could not run -> what to tell whoever started it."""

from __future__ import annotations

import shlex
import subprocess

from benchmarks.outcome import NotRunError

# What a machine may do to an experiment; everything else is a mistake of ours, with a traceback.
EXPECTED = (NotRunError, OSError, subprocess.SubprocessError)

_LINES = 12


def _text(said: bytes | str | None) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""


def _ended(error: subprocess.CalledProcessError) -> str:
    """Return the command, its exit code, and the end of what it said, where that was caught."""
    command = error.cmd if isinstance(error.cmd, str) else shlex.join(map(str, error.cmd))
    said = (_text(error.stderr).strip() or _text(error.stdout).strip()).splitlines()
    return "\n    ".join([f"exit code {error.returncode}: {command}", *said[-_LINES:]])


def words(error: BaseException) -> str:
    """Return one line that says what is wrong, and the last lines of a command that failed."""
    if isinstance(error, subprocess.CalledProcessError):
        return _ended(error)
    if isinstance(error, FileNotFoundError) and "/" not in str(error.filename):
        return f"{error.filename} is not on this machine"
    return str(error)
