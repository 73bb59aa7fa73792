"""Runs a module of this package in the Python of the rivals, and reads the JSON it prints."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from benchmarks import rivals
from benchmarks.places import ROOT, environment


def answers(module: str, *arguments: str) -> Any:
    """Return what `python -m benchmarks.python.MODULE` prints as JSON, on the last line of it."""
    command = [str(rivals.python()), "-m", f"benchmarks.python.{module}", *arguments]
    # No package of this project is installed there; only what stands in its folder is found.
    paths = environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=paths, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def versions() -> tuple[tuple[str, str], ...]:
    """Return the names and versions of the rivals that are installed there."""
    code = "from importlib.metadata import version as v; print(v('litellm'), v('genai-prices'))"
    command = [str(rivals.python()), "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    litellm, genai = done.stdout.split()
    return (("litellm", litellm), ("genai-prices", genai))
