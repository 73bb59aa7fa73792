"""IR -> the data artifacts: the dump of the IR, the cases, the JSON Schema, and the README."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from codegen.canonical import fingerprint, plain
from codegen.frozen import frozen
from codegen.ir import Registry
from codegen.json_schema import json_schema
from codegen.options import Options
from codegen.quote import escape_hidden, json_string
from codegen.targets.page import Header, Page, header
from codegen.vectors import vectors

SCHEMA = "providers.schema.json"


@frozen
class DataView:
    """What the templates at the top of templates/ print; `registry` and the `cases` are JSON."""

    header: Header
    marker_json: str
    command_json: str
    fingerprint: str
    registry: str
    cases: str
    python_package: str
    npm_name: str
    go_module: str
    command: str


@frozen
class SchemaView:
    """What the template of the JSON Schema prints: JSON, the keywords as pairs of it."""

    comment_json: str
    keywords: tuple[tuple[str, str], ...]


def _indented(value: object, *, sort_keys: bool = True) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=sort_keys)
    return escape_hidden(text).replace("\n", "\n  ")


# One for thousands of cases, none of which contains itself.
_ON_ONE_LINE = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(", ", ": "))


def _compact(value: object) -> str:
    return escape_hidden(_ON_ONE_LINE.encode(value))


def _view(registry: Registry, options: Options) -> DataView:
    lines = header(options)
    return DataView(
        header=lines,
        marker_json=json_string(lines.marker),
        command_json=json_string(lines.command),
        fingerprint=fingerprint(registry),
        registry=_indented(plain(registry)),
        cases=",\n    ".join(map(_compact, vectors(registry))),
        python_package=options.python_package,
        npm_name=options.npm_name,
        go_module=options.go_module,
        command=options.command,
    )


def schema_page(provider_names: Iterable[str], options: Options) -> Page:
    """Return the JSON Schema, which offers the given names where an arm names its provider.

    It has one header in one string: `$comment` is the keyword for that, and takes no list.
    """
    lines = header(options)
    keywords = json_schema(provider_names).items()
    view = SchemaView(
        comment_json=json_string(f"{lines.marker} {lines.digest}. {lines.command}"),
        keywords=tuple((json_string(k), _indented(v, sort_keys=False)) for k, v in keywords),
    )
    return Page(template=f"{SCHEMA}.j2", path=SCHEMA, view=view)


def pages(registry: Registry, options: Options) -> Iterator[Page]:
    """Yield registry.json, vectors.json, README.md and the JSON Schema."""
    view = _view(registry, options)
    for name in ("registry.json", "vectors.json", "README.md"):
        yield Page(template=f"{name}.j2", path=name, view=view)
    yield schema_page((provider.name for provider in registry.providers), options)
