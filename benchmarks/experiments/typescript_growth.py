"""How the time of a decision of the TypeScript artifact grows with the catalog, in Node.

Every size is asked as many distinct questions, drawn evenly from its catalog, so that the figure
is the algorithm's; the sweep over all ids in random order beside one bare Map is the memory's.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.catalogs import GROWTH, RUNTIME, Size
from benchmarks.outcome import Figure, Limit, Outcome, Target, figure, median
from benchmarks.places import BUILD
from benchmarks.typescript import artifacts, asking, questions

TITLE = "Growth of the catalog: TypeScript in Node"
IMPORTS = 5
LIMITS = {"listed": 1.3, "prefix": 2.0, "miss": 2.0}


def _label(size: Size) -> str:
    return f"{size.providers:,} providers, {size.ids:,} ids"


def _asked(size: Size) -> dict[str, Any]:
    texts = {kind: list(ids) for kind, ids in questions.of(size).items()}
    return {"module": str(artifacts.module(size)), "runtime": RUNTIME, **texts}


def _decisions(asked: dict[str, Any]) -> list[Figure]:
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "questions.json"
        path.write_text(json.dumps(asked), encoding="utf-8")
        found = asking.node("growth.mjs", str(path))
    return [
        figure(kind, label, "ns", times)
        for kind, by_size in found.items()
        for label, times in by_size.items()
    ]


def _imports(asked: dict[str, Any]) -> Iterator[Figure]:
    taken: dict[str, list[dict[str, float]]] = {label: [] for label in asked}
    for _ in range(IMPORTS):
        for label, each in asked.items():
            arguments = (each["module"], each["runtime"], each["listed"][0])
            taken[label].append(asking.node("import.mjs", *arguments))
    for kind, key in (("import", "import"), ("first question", "first")):
        for label, runs in taken.items():
            yield figure(kind, label, "ms", [run[key] for run in runs])


def run() -> Outcome:
    asked = {_label(size): _asked(size) for size in GROWTH}
    figures = (*_decisions(asked), *_imports(asked))
    smallest, largest = _label(GROWTH[0]), _label(GROWTH[-1])
    targets = tuple(
        Target(
            what=f"{kind}, from {smallest} to {largest}",
            value=median(figures, kind, largest) / median(figures, kind, smallest),
            limit=limit,
            side=Limit.AT_MOST,
        )
        for kind, limit in LIMITS.items()
    )
    return Outcome(figures=figures, targets=targets)
