"""Shapes that the prefixes of the TypeScript artifact could have: the matching alone, in Node."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import grown
from benchmarks.catalogs import GROWTH
from benchmarks.outcome import Outcome, figure
from benchmarks.places import BUILD, ROOT
from benchmarks.typescript import asking, questions
from codegen import pipeline
from codegen.ir import Registry, Runtime
from codegen.tables import Row, table

TITLE = "Shapes of the prefixes: TypeScript in Node"
RUNTIME = "hermes"


def _row(row: Row) -> list[Any]:
    variants = [[one.literal, [owner.name for owner in one.owners]] for one in row.variants]
    return [row.key, variants]


def _rows(registry: Registry, runtime: Runtime) -> list[list[Any]]:
    return [_row(row) for row in table(registry, runtime).prefixes]


def _real() -> dict[str, Any]:
    registry = pipeline.load(ROOT / "providers.yaml").registry
    if registry is None:
        raise ValueError("the manifest is faulty")
    runtime = next(one for one in registry.runtimes if one.name == RUNTIME)
    rows = _rows(registry, runtime)
    starts = [variants[0][0] or key for key, variants in rows]
    asked = {
        "prefix": [f"{start}some-model-4.1" for start in starts],
        "miss": [f"{start[:-1]}~some-model-4.1" for start in starts],
    }
    return {"rows": rows, "questions": asked}


def _grown() -> dict[str, Any]:
    size = GROWTH[-1]
    registry = grown.registry(size)
    asked = {kind: list(ids) for kind, ids in questions.of(size).items() if kind != "listed"}
    return {"rows": _rows(registry, registry.runtimes[0]), "questions": asked}


def run() -> Outcome:
    tables = {RUNTIME: _real(), f"{GROWTH[-1].providers:,} providers": _grown()}
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "tables.json"
        path.write_text(json.dumps(tables), encoding="utf-8")
        found = asking.node("shapes_in_node.mjs", str(path))
    figures = tuple(
        figure(kind, name, "ns", times)
        for kind, by_name in found.items()
        for name, times in by_name.items()
    )
    return Outcome(figures=figures)
