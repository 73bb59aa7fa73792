"""The stages by name: source -> syntax -> parse -> check -> lower -> render."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from codegen import render, syntax
from codegen.checks import check
from codegen.diagnostics import Diagnostic, has_errors, settle
from codegen.ir import Registry
from codegen.options import Options
from codegen.parse import parse
from codegen.rules import found
from codegen.source import Source, Span, UnreadableError, read
from codegen.targets import data, pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A manifest as far as it could be read: its text, its IR, and all findings, settled.

    `registry` is None where any finding is an error. `provider_names` are those of the catalog
    as far as they could be read, which an error elsewhere does not change.
    """

    source: Source
    registry: Registry | None
    diagnostics: tuple[Diagnostic, ...]
    provider_names: tuple[str, ...] = ()


def _unreadable(shown: str, error: UnreadableError) -> Loaded:
    span = Span(start=len(error.text), end=len(error.text))
    diagnostic = found(
        "unreadable_file", span, f"the manifest cannot be read: {error.message}", hint=error.hint
    )
    source = Source(path=shown, text=error.text)
    return Loaded(source=source, registry=None, diagnostics=(diagnostic,))


def load(path: Path, shown: str | None = None) -> Loaded:
    """Read and check a manifest. Never raises for what the file is or contains."""
    try:
        source = read(path, shown)
    except UnreadableError as error:
        return _unreadable(shown if shown is not None else str(path), error)
    return load_source(source)


def load_source(source: Source) -> Loaded:
    """Check a manifest that is already text."""
    root, diagnostics = syntax.compose(source)
    if root is None:
        return Loaded(source=source, registry=None, diagnostics=settle(diagnostics))
    registry, faults = parse(source, root)
    settled = settle((*diagnostics, *faults, *check(registry)))
    usable = None if has_errors(settled) else registry
    names = tuple(provider.name for provider in registry.providers)
    return Loaded(source=source, registry=usable, diagnostics=settled, provider_names=names)


def artifacts(registry: Registry, options: Options) -> tuple[render.Artifact, ...]:
    """Lower and render a registry for the targets that were asked for, sorted by path."""
    rendered = render.render(pages(registry, options))
    return tuple(sorted(rendered, key=lambda artifact: artifact.path))


def json_schema(provider_names: Iterable[str], options: Options) -> render.Artifact:
    """Render the JSON Schema by itself, which takes no more of a manifest than names."""
    (artifact,) = render.render([data.schema_page(provider_names, options)])
    return artifact
