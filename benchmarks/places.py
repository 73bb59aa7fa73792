"""Where things are, and the environment that a measured process runs in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a run makes and keeps for the next one; nothing of it is committed.
BUILD = ROOT / "build" / "bench"
PYTHON = sys.executable


def environment() -> dict[str, str]:
    """Return this environment; Python may keep compiled modules, as an installed copy does."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
