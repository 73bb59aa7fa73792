"""IR -> the data artifacts: the dump of the IR, the conformance cases, and the README."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from codegen.canonical import fingerprint, plain
from codegen.ir import Registry
from codegen.options import Options
from codegen.quote import escape_hidden, json_string
from codegen.targets.page import Header, Page, header
from codegen.vectors import vectors

NAME = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataView:
    """What the templates at the top of templates/ print; `registry` and `cases` are JSON."""

    header: Header
    marker_json: str
    command_json: str
    fingerprint: str
    registry: str
    cases: tuple[str, ...]
    python_package: str
    npm_name: str
    go_module: str
    command: str


def _indented(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return escape_hidden(text).replace("\n", "\n  ")


def _compact(value: object) -> str:
    return escape_hidden(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))


def _view(registry: Registry, options: Options) -> DataView:
    lines = header(options)
    return DataView(
        header=lines,
        marker_json=json_string(lines.marker),
        command_json=json_string(lines.command),
        fingerprint=fingerprint(registry),
        registry=_indented(plain(registry)),
        cases=tuple(_compact(case) for case in vectors(registry)),
        python_package=options.python_package,
        npm_name=options.npm_name,
        go_module=options.go_module,
        command=options.command,
    )


def pages(registry: Registry, options: Options) -> Iterator[Page]:
    """Yield registry.json, vectors.json and README.md."""
    view = _view(registry, options)
    for name in ("registry.json", "vectors.json", "README.md"):
        yield Page(template=f"{name}.j2", path=name, view=view)
