"""Catalogs of any size -> the module that they give, kept in `build/bench` for the next run."""

from __future__ import annotations

import gc
import hashlib
from dataclasses import replace
from pathlib import Path

from benchmarks import catalogs
from benchmarks.catalogs import Size
from benchmarks.places import BUILD, ROOT
from codegen import render, syntax
from codegen.ir import Registry, Runtime, Text
from codegen.options import Options
from codegen.parse import parse
from codegen.source import Source
from codegen.targets import typescript

REAL = ROOT / "generated" / "typescript" / "registry.js"


def _sources() -> list[Path]:
    """Return all files that a module depends on, but for its catalog."""
    compiler = sorted((ROOT / "codegen").rglob("*.py"))
    templates = sorted((ROOT / "templates" / "typescript").iterdir())
    return [*compiler, *templates, Path(catalogs.__file__)]


def _digest() -> str:
    whole = hashlib.sha256()
    for path in _sources():
        whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def _filled(runtime: Runtime, size: Size) -> Runtime:
    ids = tuple(map(Text, catalogs.listed(size)))
    arms = (
        replace(arm, models=ids[number :: size.providers])
        for number, arm in enumerate(runtime.arms)
    )
    return replace(runtime, arms=tuple(arms))


def registry(size: Size) -> Registry:
    """Return a catalog that grows, parsed and not checked.

    The ids are put in behind the parser: it refuses a file of more than 400,000 values.
    """
    text = catalogs.growing(replace(size, ids=0))
    source = Source(path="growing.yaml", text=text)
    root, _ = syntax.compose(source)
    assert root is not None
    parsed, _ = parse(source, root)
    return replace(parsed, runtimes=(_filled(parsed.runtimes[0], size),))


def _text(size: Size, out: Path) -> str:
    options = Options(manifest=Path("growing.yaml"), out=out, targets=("typescript",))
    page = next(iter(typescript.pages(registry(size), options)))
    (artifact,) = render.render([page])
    return artifact.text


def module(size: Size) -> Path:
    """Return the path of the module of a catalog that grows, after writing it where it lacks."""
    folder = BUILD / f"typescript-{_digest()}"
    path = folder / f"registry-{size.providers}-{size.ids}.mjs"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        gc.disable()  # millions of small values, and no garbage among them
        try:
            path.write_text(_text(size, folder), encoding="utf-8")
        finally:
            gc.enable()
    return path
