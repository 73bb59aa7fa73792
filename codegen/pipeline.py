"""The stages by name: source -> syntax -> parse -> check -> lower -> render."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codegen import formatting, render, syntax
from codegen.checks import check
from codegen.diagnostics import Diagnostic, has_errors, settle
from codegen.ir import Registry
from codegen.options import Options
from codegen.parse import parse
from codegen.rules import found
from codegen.source import Source, Span, UnreadableError, read
from codegen.targets import pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A manifest as far as it could be read: its text, its IR, and all findings, settled.

    `registry` is None where any finding is an error.
    """

    source: Source
    registry: Registry | None
    diagnostics: tuple[Diagnostic, ...]


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
    return Loaded(source=source, registry=usable, diagnostics=settled)


def artifacts(registry: Registry, options: Options) -> tuple[render.Artifact, ...]:
    """Lower and render a registry for the targets that were asked for, sorted by path."""
    rendered = render.render(pages(registry, options))
    return tuple(sorted(rendered, key=lambda artifact: artifact.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A manifest in canonical form; `text` is None where the findings keep it from having one."""

    source: Source
    text: str | None
    diagnostics: tuple[Diagnostic, ...]


def formatted(path: Path) -> Formatted:
    """Read a manifest and format it.

    Raises `formatting.RefusedError` for a sound one that is better left alone.
    """
    try:
        source = read(path)
    except UnreadableError as error:
        loaded = _unreadable(str(path), error)
        return Formatted(source=loaded.source, text=None, diagnostics=loaded.diagnostics)
    text, diagnostics = formatting.formatted(source)
    return Formatted(source=source, text=text, diagnostics=settle(diagnostics))
