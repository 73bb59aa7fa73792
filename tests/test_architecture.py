"""Data flows one way: the order of the stages, who writes, who reads, and how large things are."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builds import ROOT

CODEGEN = ROOT / "codegen"

# Each stage may import what stands above it, and nothing below. A package is one stage.
STAGES = [
    ["__init__", "frozen"],
    ["distances"],
    ["source", "nearest", "quote", "identifiers", "digest", "inputs", "spelling"],
    ["manual", "origins", "impact"],
    ["ir", "diagnostics", "tokens", "columns", "packs"],
    ["rules", "layout", "canonical", "outline", "options"],
    ["faults"],
    ["syntax", "schema", "patterns", "re2"],
    ["casing"],
    ["parse", "formatting", "json_schema", "routing", "tables", "probes", "proofs"],
    ["pointers", "lockfile"],
    ["overlays", "suppressions", "explanation", "matrix", "runtime_templates"],
    ["checks", "vectors", "comparison"],
    ["rulebook"],
    ["targets"],
    ["sandbox", "bytecode"],
    ["render"],
    ["emit", "config", "revisions", "watching", "fetch"],
    ["pipeline"],
    ["judging", "copies"],
    ["vendoring"],
    ["report", "sides"],
    ["review"],
    ["console", "completion"],
    ["flags"],
    ["commands"],
    ["cli"],
    ["__main__"],
]
# Within a row, what leans on its neighbour: probes and witnesses are ids that a request can name.
WITHIN = {("probes", "routing"), ("proofs", "routing")}
RANK = {module: rank for rank, row in enumerate(STAGES) for module in row}

MODULES = sorted(CODEGEN.rglob("*.py"))


def _stage(path: Path) -> str:
    relative = path.relative_to(CODEGEN)
    return relative.parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "codegen":
            names = (alias.name for alias in node.names)
            yield from (name if name in RANK else "__init__" for name in names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("codegen."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("codegen."):
                    yield alias.name.split(".")[1]


def _is_forward(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    same_row = RANK[importer] == RANK[imported]
    return RANK[imported] < RANK[importer] or (same_row and (importer, imported) in WITHIN)


def test_every_module_has_a_stage() -> None:
    assert {_stage(path) for path in MODULES} == set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(CODEGEN)))
def test_imports_flow_one_way(path: Path) -> None:
    backwards = [name for name in _imports(path) if not _is_forward(_stage(path), name)]
    assert backwards == []


def test_reference_and_tables_share_no_pattern_code() -> None:
    """Agreement of the two is worth something only as long as they stay apart."""
    assert {"patterns", "tables", "probes"} & set(_imports(CODEGEN / "routing.py")) == set()
    assert set(_imports(CODEGEN / "re2.py")) == {"frozen"}
    assert {"routing", "re2"} & set(_imports(CODEGEN / "tables.py")) == set()
    assert "re2" not in set(_imports(CODEGEN / "patterns.py"))


WRITERS = {"write_bytes", "write_text", "rename", "mkdir", "unlink", "symlink_to", "hardlink_to"}
# How Python's own import system writes a compiled module, which a compiled template is as well.
IMPORT_SYSTEM = {"set_data"}


def _calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            yield called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _callers(names: set[str]) -> set[str]:
    return {_stage(path) for path in MODULES if names & set(_calls(path))}


def test_one_module_writes_but_for_compiled_templates() -> None:
    assert _callers(WRITERS) == {"emit"}
    assert _callers(IMPORT_SYSTEM) == {"bytecode"}


def test_only_the_command_line_prints() -> None:
    printers = {_stage(path) for path in MODULES if {"print", "echo"} & set(_calls(path))}
    assert printers == {"commands", "console"}


def test_rendering_reads_nothing_but_the_templates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import builtins
    import io

    from codegen import bytecode, render
    from tests.builds import MANIFEST, artifacts, options, registry_of

    registry = registry_of(MANIFEST.read_text(encoding="utf-8"))
    opened: list[str] = []
    real_open = builtins.open

    def spy(file: object, *arguments: object, **kwargs: object) -> object:
        opened.append(str(file))
        return real_open(file, *arguments, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(builtins, "open", spy)
    monkeypatch.setattr(io, "open", spy)
    render._environment.cache_clear()
    artifacts(registry, options(tmp_path / "never-made"))
    compiled = bytecode.folder()
    known = (str(render.template_folder()), str(compiled), render.__file__)
    assert opened
    assert [path for path in opened if not path.startswith(known)] == []
    assert not (tmp_path / "never-made").exists()


def test_every_template_becomes_a_page_and_mirrors_its_path() -> None:
    from codegen.targets import pages
    from tests.builds import MANIFEST, options, registry_of

    registry = registry_of(MANIFEST.read_text(encoding="utf-8"))
    used = {page.template: page.path for page in pages(registry, options(Path("generated")))}
    templates = ROOT / "templates"
    files = {p.relative_to(templates).as_posix() for p in templates.rglob("*") if p.is_file()}
    private = {path for path in files if re.match(r"_[^_]", Path(path).name)}
    assert set(used) == files - private
    assert all(path == template.removesuffix(".j2") for template, path in used.items())


def _functions() -> Iterator[tuple[str, int]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                documented = ast.get_docstring(node) is not None
                first = node.body[0]
                documentation = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
                size = (node.end_lineno or 0) - node.lineno + 1 - documentation
                yield f"{path.name}:{node.name}", size


def test_functions_are_small() -> None:
    sizes = sorted(size for _, size in _functions())
    assert statistics.median(sizes) < 10
    assert sizes[len(sizes) * 9 // 10] < 35


def test_templates_only_loop_and_print() -> None:
    """Anything clever belongs to a view: no assignment, no arithmetic, no call but of macros."""
    for path in sorted((ROOT / "templates").rglob("*.j2")):
        tags = re.findall(r"\{%-?\s*(\w+)", path.read_text(encoding="utf-8"))
        allowed = {"for", "endfor", "if", "elif", "else", "endif", "macro", "endmacro"}
        assert set(tags) <= allowed, path
