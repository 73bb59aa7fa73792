"""Templates of a runtime -> what a manifest that was loaded says about them.

The stages of a template by name: source, syntax, read, judge, check, suppress.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from codegen import faults, suppressions, syntax
from codegen.checks.runtime_templates import check_template
from codegen.diagnostics import Diagnostic, has_errors, settle
from codegen.frozen import frozen
from codegen.ir import Registry, Runtime
from codegen.nearest import few_hints
from codegen.pipeline import Loaded
from codegen.pointers import Pointer
from codegen.rules import BY_NAME
from codegen.runtime_templates import (
    OFFERS,
    JudgedTemplate,
    RuntimeTemplate,
    judge,
    read_template,
)
from codegen.source import Source, Sources, Span, UnreadableError, read
from codegen.suppressions import Suppression

_OF_YAML = "Y"


@frozen
class Checked:
    """Templates as a manifest judges them: those that could be read, in order.

    `loaded` has the files, the manifest first, and what was found in the templates; that a
    manifest has warnings of its own is for `check` to say. It has no registry where a finding is
    an error. `is_unreadable` tells that some template could not be read, or not without doubt.
    """

    loaded: Loaded
    judged: tuple[JudgedTemplate, ...]
    is_unreadable: bool


@frozen
class _File:
    """One template as far as it could be read."""

    source: Source
    template: RuntimeTemplate | None
    diagnostics: tuple[Diagnostic, ...]
    suppressions: tuple[Suppression, ...] = ()


def _unreadable(path: Path, error: UnreadableError, base: int) -> _File:
    source = Source(path=str(path), text=error.text, base=base)
    fault = faults.unreadable_file(
        Span(start=source.end, end=source.end), error.message, error.hint
    )
    return _File(source=source, template=None, diagnostics=(fault,))


def _is_empty(found: Sequence[Diagnostic]) -> bool:
    """Tell whether a text holds nothing; for a template that is a rule of its own (`T`)."""
    return [fault.code for fault in found] == [BY_NAME["empty_manifest"].code]


def _composed(source: Source, pointers: tuple[Pointer, ...]) -> _File:
    root, found = syntax.compose(source)
    if root is None and not _is_empty(found):
        return _File(source=source, template=None, diagnostics=found)
    template, of_shape = read_template(source, root, pointers)
    if root is None:
        return _File(source=source, template=template, diagnostics=of_shape)
    ignored, of_comments = suppressions.read(source, root)
    # A key that YAML takes for a number or a boolean is at fault in a manifest alone.
    of_yaml = (fault for fault in found if fault.code.startswith(_OF_YAML))
    diagnostics = (*of_yaml, *of_shape, *of_comments)
    return _File(source=source, template=template, diagnostics=diagnostics, suppressions=ignored)


def _file(path: Path, base: int, pointers: tuple[Pointer, ...]) -> _File:
    try:
        source = read(path, None, base)
    except UnreadableError as error:
        return _unreadable(path, error, base)
    return _composed(source, pointers)


def _checked(
    loaded: Loaded, registry: Registry, runtime: Runtime, files: Sequence[_File]
) -> Checked:
    """Judge the templates that could be read, and take out what comments in them ignore."""
    judged = [judge(file.template, registry, runtime) for file in files if file.template]
    found = [fault for file in files for fault in file.diagnostics]
    found += [fault for template in judged for fault in check_template(template)]
    ignoring = [suppression for file in files for suppression in file.suppressions]
    left, ignored = suppressions.apply(settle(found), ignoring)
    sources = (*loaded.sources.files, *(file.source for file in files))
    settled = settle(left)
    return Checked(
        loaded=Loaded(
            sources=Sources(files=sources),
            registry=None if has_errors(settled) else registry,
            diagnostics=settled,
            suppressed=ignored,
            provider_names=loaded.provider_names,
        ),
        judged=tuple(judged),
        is_unreadable=any(fault.code.startswith(_OF_YAML) for fault in settled),
    )


def check_templates(
    loaded: Loaded,
    registry: Registry,
    runtime: Runtime,
    paths: Iterable[Path],
    pointers: tuple[Pointer, ...] = (OFFERS,),
) -> Checked:
    """Read templates of a runtime, each once, and judge them by the registry of a manifest.

    `loaded` is that manifest. Never raises for what the files are.
    """
    files: list[_File] = []
    base = loaded.sources.files[-1].end + 1
    with few_hints():
        for path in dict.fromkeys(paths):
            files.append(_file(path, base, pointers))
            base = files[-1].source.end + 1
        return _checked(loaded, registry, runtime, files)


def check_sources(
    loaded: Loaded,
    registry: Registry,
    runtime: Runtime,
    *sources: Source,
    pointers: tuple[Pointer, ...] = (OFFERS,),
) -> Checked:
    """Judge templates that are text already; their bases stand behind the manifest's."""
    with few_hints():
        files = [_composed(source, pointers) for source in sources]
        return _checked(loaded, registry, runtime, files)
