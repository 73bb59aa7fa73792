"""The shapes of a prefix table that were tried for Go, each as small as it can be."""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks import gobench, grown
from benchmarks.catalogs import GROWTH, RUNTIME, Size
from benchmarks.outcome import Figure, Outcome, figure
from benchmarks.places import BUILD, ROOT
from codegen import pipeline
from codegen.ir import Registry
from codegen.tables import table
from tests import toolchains

NEEDS = (toolchains.go,)
TITLE = "Go: shapes of a prefix table"
ROUNDS = 31
_SIZE = re.compile(r"^BenchmarkSize/(\S+?)/(\S+) .*?([\d.e+]+) table-bytes", flags=re.MULTILINE)


def _real() -> Registry:
    registry = pipeline.load(ROOT / "providers.yaml").registry
    if registry is None:
        raise ValueError("the manifest has errors; `make verify` shows them")
    return registry


def _keys(registry: Registry, name: str) -> list[str]:
    runtime = next(runtime for runtime in registry.runtimes if runtime.name == name)
    return [row.key for row in table(registry, runtime).prefixes]


def _tables() -> dict[str, list[str]]:
    """Return the keys of the runtime with the most arms, and of the largest growing catalog."""
    real = _real()
    widest = max(real.runtimes, key=lambda runtime: len(runtime.arms)).name
    tables = (
        _keys(real, widest),
        _keys(grown.registry(Size(providers=GROWTH[-1].providers, ids=0)), RUNTIME),
    )
    return {f"{len(keys):,} keys": keys for keys in tables}


def _sizes(program: Path, work: Path) -> tuple[Figure, ...]:
    command = [str(program), "-test.bench=Size", "-test.benchtime=1x", "-test.cpu=1"]
    printed = gobench.run([*command, "-test.run=^$"], work)
    return tuple(
        figure(
            f"size, {case.replace('_', ' ')}", contender.replace("_", " "), "bytes", [float(size)]
        )
        for case, contender, size in sorted(_SIZE.findall(printed))
    )


def run() -> Outcome:
    work = BUILD / "go-shapes"
    work.mkdir(parents=True, exist_ok=True)
    (work / "keys.json").write_text(json.dumps(_tables()), encoding="utf-8")
    program = gobench.compiled(gobench.SOURCES / "shapes", "go-shapes", work)
    taken = gobench.rounds(program, work, "Shape", ROUNDS)
    figures = (*gobench.figures(taken), *_sizes(program, work))
    return Outcome(figures=figures, versions=(("Go", gobench.version()),))
