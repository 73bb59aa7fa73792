"""Catalogs that grow -> registries and the artifacts of one language, without a file to read."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from benchmarks import catalogs
from benchmarks.catalogs import Size
from benchmarks.places import ROOT
from codegen import syntax
from codegen.ir import Registry, Runtime, Text
from codegen.options import Options
from codegen.parse import parse
from codegen.render import Artifact, render
from codegen.source import Source
from codegen.targets.page import Page


def _filled(runtime: Runtime, size: Size) -> Runtime:
    ids = tuple(map(Text, catalogs.listed(size)))
    arms = (
        replace(arm, models=ids[number :: size.providers])
        for number, arm in enumerate(runtime.arms)
    )
    return replace(runtime, arms=tuple(arms))


def registry(size: Size) -> Registry:
    """Return a catalog that grows, parsed and not checked.

    The ids are put in behind the parser, since to read them is not what is measured.
    """
    source = Source(path="growing.yaml", text=catalogs.growing(replace(size, ids=0)))
    root, faults = syntax.compose(source)
    if root is None:
        raise ValueError(faults[0].message)
    parsed, faults = parse(source, root)
    if faults:
        raise ValueError(faults[0].message)
    return replace(parsed, runtimes=tuple(_filled(each, size) for each in parsed.runtimes))


def artifacts(
    size: Size, language: str, pages: Callable[[Registry, Options], Iterable[Page]]
) -> tuple[Artifact, ...]:
    """Return what one language makes of a catalog that grows."""
    options = Options(manifest=Path("growing.yaml"), out=Path("generated"), targets=(language,))
    gc.disable()  # millions of small values, and no garbage among them
    try:
        return render(pages(registry(size), options))
    finally:
        gc.enable()


def write(made: Iterable[Artifact], folder: Path) -> None:
    """Write artifacts into a folder."""
    for artifact in made:
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.text, encoding="utf-8")


def digest(language: str) -> str:
    """Return a text that changes with whatever the artifacts of a language are made from."""
    makers = sorted((ROOT / "codegen").rglob("*.py"))
    makers += sorted((ROOT / "templates" / language).rglob("*.j2"))
    whole = hashlib.sha256()
    for path in (*makers, Path(catalogs.__file__), Path(__file__)):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:16]
