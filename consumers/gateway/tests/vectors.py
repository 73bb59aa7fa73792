"""The registry's own questions and answers, worked out by its reference and not by the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parents[3] / "generated" / "vectors.json"


def cases(function: str) -> list[tuple[dict[str, Any], Any]]:
    """Return what a function is asked, each with the value that it answers."""
    found = json.loads(_FILE.read_text())["cases"]
    return [
        (case["args"], case["want"]["value"])
        for case in found
        if case["fn"] == function and "value" in case["want"]
    ]
