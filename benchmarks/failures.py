"""A command that failed -> what to tell whoever ran it."""

from __future__ import annotations

import shlex
import subprocess

_LINES = 12


def _text(said: bytes | str | None) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""


def words(error: subprocess.CalledProcessError) -> str:
    """Return the command, its exit code, and the end of what it said, where that was caught."""
    command = error.cmd if isinstance(error.cmd, str) else shlex.join(map(str, error.cmd))
    said = (_text(error.stderr).strip() or _text(error.stdout).strip()).splitlines()
    lines = [f"a command ended with {error.returncode}: {command}", *said[-_LINES:]]
    return "\n  ".join(lines)
