"""Catalogs of any size -> the module that they give, kept in `build/bench` for the next run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks import grown
from benchmarks.catalogs import Size
from benchmarks.places import BUILD, ROOT
from codegen.ir import Registry
from codegen.options import Options
from codegen.targets import typescript
from codegen.targets.page import Page

REAL = ROOT / "generated" / "typescript" / "registry.js"


def _module_page(registry: Registry, options: Options) -> Iterator[Page]:
    return islice(typescript.pages(registry, options), 1)


def module(size: Size) -> Path:
    """Return the path of the module of a catalog that grows, after writing it where it lacks."""
    folder = BUILD / f"typescript-{grown.digest('typescript')}"
    path = folder / f"registry-{size.providers}-{size.ids}.mjs"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        (artifact,) = grown.artifacts(size, "typescript", _module_page)
        path.write_text(artifact.text, encoding="utf-8")
    return path
