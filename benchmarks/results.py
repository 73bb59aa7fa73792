"""Outcomes <-> `benchmarks/results.json`, and the machine that they were measured on."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.outcome import Figure, Limit, Outcome, Target

PATH = Path(__file__).resolve().parent / "results.json"


def _processor() -> str:
    """Return what the system calls its processor, where it says so."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def machine() -> dict[str, str]:
    """Return what a reader needs to know about the machine; nothing that names its owner."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _rounded(value: float) -> float:
    """Keep four digits: no run on a shared machine is good for more."""
    return float(f"{value:.4g}")


def _figure(each: Figure) -> dict[str, Any]:
    entry = asdict(each)
    return entry | {key: _rounded(entry[key]) for key in ("median", "low", "high")}


def _target(each: Target) -> dict[str, Any]:
    entry = asdict(each) | {"side": each.side.value, "reached": each.is_reached}
    return entry | {"value": _rounded(each.value)}


def _entry(outcome: Outcome) -> dict[str, Any]:
    return {
        "versions": dict(outcome.versions),
        "figures": [_figure(each) for each in outcome.figures],
        "targets": [_target(each) for each in outcome.targets],
    }


def _outcome(entry: dict[str, Any]) -> Outcome:
    targets = []
    for each in entry["targets"]:
        del each["reached"]
        targets.append(Target(**each | {"side": Limit(each["side"])}))
    return Outcome(
        figures=tuple(Figure(**each) for each in entry["figures"]),
        targets=tuple(targets),
        versions=tuple(entry["versions"].items()),
    )


def text(outcomes: dict[str, Outcome], on: dict[str, str]) -> str:
    """Return the JSON text of outcomes by name, and of the machine."""
    entries = {name: _entry(outcome) for name, outcome in outcomes.items()}
    content = {"machine": on, "experiments": entries}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read(source: str) -> tuple[dict[str, Outcome], dict[str, str]]:
    """Return outcomes by name, and the machine, from their JSON text."""
    content = json.loads(source)
    entries = content["experiments"]
    return {name: _outcome(entry) for name, entry in entries.items()}, content["machine"]
