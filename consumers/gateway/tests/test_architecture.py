"""Data flows one way: what each part of the service may lean on, and how large things are."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "gateway"

# Each part may import what stands above it, and nothing below. A package is one part.
PARTS = [
    ["__init__", "addresses", "complaints", "logs"],
    ["formats", "storage"],
    ["refusals", "settings", "metrics"],
    ["keys", "demo", "connections"],
    ["resolution"],
    ["spending", "serving"],
    ["tenancy", "traffic"],
    ["control_plane"],
    ["modes"],
    ["services"],
    ["routes"],
    ["app"],
    ["demonstration"],
    ["__main__"],
]
RANK = {part: rank for rank, row in enumerate(PARTS) for part in row}
MODULES = sorted(PACKAGE.rglob("*.py"))


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "gateway":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gateway."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            named = (alias.name for alias in node.names)
            yield from (name.split(".")[1] for name in named if name.startswith("gateway."))


def test_every_module_belongs_to_a_part() -> None:
    assert {_part(path) for path in MODULES} == set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_flow_one_way(path: Path) -> None:
    own = _part(path)
    backwards = [name for name in _imports(path) if name != own and RANK[name] >= RANK[own]]
    assert backwards == []


def _graph() -> dict[str, set[str]]:
    """Return what each module imports; a package's name stands for its own first page."""
    named = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in MODULES
    }
    graph: dict[str, set[str]] = {name.removesuffix(".__init__"): set() for name in named}
    for name, path in named.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gateway"):
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                graph[name.removesuffix(".__init__")] |= (inner & set(graph)) or {str(node.module)}
    return graph


def test_no_module_leans_on_itself() -> None:
    left = _graph()
    while free := [name for name, uses in left.items() if not uses & set(left) - {name}]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def _sizes() -> Iterator[int]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                said = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) else 0
                yield (node.end_lineno or 0) - node.lineno + 1 - said


def test_functions_are_small() -> None:
    sizes = sorted(_sizes())
    assert statistics.median(sizes) < 10
    assert sizes[len(sizes) * 9 // 10] < 35


def test_only_one_module_knows_the_library_that_converts() -> None:
    users = {path.stem for path in MODULES if "llm_rosetta" in path.read_text(encoding="utf-8")}
    assert users == {"library"}
