"""The stages by name: source, syntax, parse, merge, check, suppress, lower, render."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from codegen import faults, overlays, render, suppressions, syntax
from codegen.checks import check
from codegen.diagnostics import MAX_FINDINGS, Diagnostic, Severity, has_errors, settle
from codegen.frozen import frozen
from codegen.ir import Registry
from codegen.nearest import few_hints
from codegen.options import Options, Tell, telling_nobody
from codegen.parse import parse
from codegen.source import Source, Sources, UnreadableError, decoded, read
from codegen.suppressions import Suppressed, Suppression
from codegen.targets import owner, pages

if TYPE_CHECKING:
    from codegen.comparison import Comparison
    from codegen.emit import Tree
    from codegen.manual import Manual
    from codegen.matrix import Matrix

# The families of rules after which a value of the IR may be a stand-in.
_OF_READING = ("Y", "S")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python not look for garbage.

    No stage makes any to speak of, and the search goes through all that was ever read: it doubles
    the time of a large manifest.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _one_run() -> Iterator[None]:
    """Bound the hints of one manifest, and read it without a search for garbage."""
    with _uncollected(), few_hints():
        yield


@frozen
class Loaded:
    """A manifest and its overlays as far as they could be read: texts, IR, and all findings.

    `registry` is None where any finding is an error. The findings are settled; those that a
    comment ignores stand apart. `provider_names` are those of the catalog as far as they could
    be read, which an error elsewhere does not change. `sketch` is the IR in any state, stand-ins
    for faulty values included: good to offer names from, and for nothing else.
    """

    sources: Sources
    registry: Registry | None
    diagnostics: tuple[Diagnostic, ...]
    suppressed: tuple[Suppressed, ...] = ()
    provider_names: tuple[str, ...] = ()
    sketch: Registry | None = None

    @property
    def source(self) -> Source:
        """The manifest itself."""
        return self.sources.files[0]


@frozen
class _File:
    """One file as far as it could be read; `registry` is None where it has no structure."""

    source: Source
    registry: Registry | None
    diagnostics: tuple[Diagnostic, ...]
    suppressions: tuple[Suppression, ...] = ()


def _unreadable(shown: str, error: UnreadableError, base: int) -> _File:
    source = Source(path=shown, text=error.text, base=base)
    span = source.span(len(error.text), len(error.text))
    fault = faults.unreadable_file(span, error.message, error.hint)
    return _File(source=source, registry=None, diagnostics=(fault,))


def _parsed(source: Source) -> _File:
    root, found = syntax.compose(source)
    if root is None:
        return _File(source=source, registry=None, diagnostics=found)
    registry, faults_of_shape = parse(source, root)
    ignored, faults_of_comments = suppressions.read(source, root)
    return _File(
        source=source,
        registry=registry,
        diagnostics=(*found, *faults_of_shape, *faults_of_comments),
        suppressions=ignored,
    )


def _file(path: Path, shown: str | None, base: int) -> _File:
    try:
        source = read(path, shown, base)
    except UnreadableError as error:
        return _unreadable(shown if shown is not None else str(path), error, base)
    return _parsed(source)


def _content(data: bytes, shown: str, base: int) -> _File:
    try:
        source = decoded(data, shown, base)
    except UnreadableError as error:
        return _unreadable(shown, error, base)
    return _parsed(source)


def _loaded(files: Sequence[_File], tell: Tell = telling_nobody) -> Loaded:
    """Merge what was read, check the whole, and take out what comments ignore."""
    found = [diagnostic for file in files for diagnostic in file.diagnostics]
    registries = [file.registry for file in files if file.registry is not None]
    loaded = Loaded(
        sources=Sources(files=tuple(file.source for file in files)),
        registry=None,
        diagnostics=settle(found),
        provider_names=tuple(p.name for registry in registries for p in registry.providers),
        sketch=next(iter(registries), None),
    )
    if len(registries) < len(files):
        return loaded
    tell("checking")
    registry, conflicts = overlays.merge(registries[0], registries[1:])
    loaded = replace(loaded, sketch=registry)
    found += [*conflicts, *islice(check(registry), MAX_FINDINGS + 1)]
    if len(found) > MAX_FINDINGS:
        reason = f"it has more than {MAX_FINDINGS:,} faults"
        place = files[0].source.span(0, 0)
        found.append(faults.unreadable_file(place, reason, "mend those below first"))
    if any(fault.code[0] in _OF_READING for fault in found):
        # Warnings would judge the stand-ins of what could not be read; errors come first.
        errors = (fault for fault in found if fault.severity is Severity.ERROR)
        return replace(loaded, diagnostics=settle(errors))
    ignoring = [suppression for file in files for suppression in file.suppressions]
    left, ignored = suppressions.apply(settle(found), ignoring)
    settled = settle(left)
    return replace(
        loaded,
        registry=None if has_errors(settled) else registry,
        diagnostics=settled,
        suppressed=ignored,
        provider_names=tuple(provider.name for provider in registry.providers),
    )


@_one_run()
def load(
    path: Path,
    shown: str | None = None,
    overlays: Sequence[Path] = (),
    tell: Tell = telling_nobody,
) -> Loaded:
    """Read and check a manifest with its overlays. Never raises for what the files are."""
    tell("reading")
    files = [_file(path, shown, 0)]
    for overlay in overlays:
        files.append(_file(overlay, None, files[-1].source.end + 1))
    return _loaded(files, tell)


@_one_run()
def load_source(*sources: Source) -> Loaded:
    """Check a manifest, and overlays behind it, that are already text."""
    return _loaded([_parsed(source) for source in sources])


@_one_run()
def load_either(files: Sequence[tuple[str, Path | bytes]], base: int = 0) -> Loaded:
    """Read and check a manifest with its overlays, each by the name to show: a path, or bytes.

    `base` is where the offsets begin: behind the end of what was loaded before, where one report
    speaks of both. Never raises for what the files are.
    """
    made: list[_File] = []
    for shown, held in files:
        start = made[-1].source.end + 1 if made else base
        if isinstance(held, bytes):
            made.append(_content(held, shown, start))
        else:
            made.append(_file(held, shown, start))
    return _loaded(made)


@_one_run()
def compared(old: Registry, new: Registry) -> Comparison:
    """Compare two registries; what there is to look at makes no garbage either."""
    from codegen.comparison import compare  # noqa: PLC0415 - one command needs it

    return compare(old, new)


@_uncollected()
def trees(
    registry: Registry,
    options: Options,
    manual: Manual | None = None,
    tell: Tell = telling_nobody,
) -> tuple[Tree, ...]:
    """Return every folder that a build fills, with its artifacts: the output folder first.

    `manual` is what the page of the commands prints, where the options name such a page.
    """
    from codegen.emit import Tree  # noqa: PLC0415 - what only asks waits for no writer

    built = Tree(
        out=options.out,
        artifacts=artifacts(registry, options, tell),
        is_owned=lambda path: owner(path, options) in options.targets,
    )
    rules = () if options.rule_pages is None else (_rule_tree(options.rule_pages, options),)
    page = options.command_page
    commands = () if page is None or manual is None else (_command_tree(page, manual, options),)
    return (built, *rules, *commands)


def _rule_tree(out: Path, options: Options) -> Tree:
    from codegen.emit import Tree  # noqa: PLC0415
    from codegen.targets import rules  # noqa: PLC0415 - hundreds of lines that few builds need

    pages_of_rules = _sorted(render.render(rules.pages(options)))
    return Tree(out=out, artifacts=pages_of_rules, is_owned=lambda _: True)


def _command_tree(path: Path, manual: Manual, options: Options) -> Tree:
    from codegen.emit import Tree  # noqa: PLC0415
    from codegen.targets import commands  # noqa: PLC0415 - few builds need it

    (artifact,) = render.render([commands.page(manual, path.name, options)])
    return Tree(
        out=path.parent,
        artifacts=(artifact,),
        is_owned=lambda name: name == path.name,
        is_shared=True,
    )


def rule_page(code: str) -> str:
    """Return the page of a rule as Markdown, without the header of a file."""
    from codegen.rulebook import rule_pages  # noqa: PLC0415
    from codegen.targets import rules  # noqa: PLC0415

    page = next(page for page in rule_pages() if page.rule.code == code)
    (artifact,) = render.render([rules.page(page, "")])
    return artifact.text[artifact.text.index("# ") :]


def _sorted(rendered: Iterable[render.Artifact]) -> tuple[render.Artifact, ...]:
    return tuple(sorted(rendered, key=lambda artifact: artifact.path))


def artifacts(
    registry: Registry, options: Options, tell: Tell = telling_nobody
) -> tuple[render.Artifact, ...]:
    """Lower and render a registry for the targets that were asked for, sorted by path."""
    return _sorted(render.render(pages(registry, options, tell)))


def matrix_page(registry: Registry, shown: Matrix, options: Options) -> str:
    """Render a matrix as one page of HTML, which carries the TypeScript artifact as it is."""
    from codegen.targets import matrix  # noqa: PLC0415 - no other command needs it

    parts = (matrix.artifact_page(registry, options), matrix.program_page(registry, shown))
    artifact, program, style = render.render([*parts, matrix.style_page()])
    page = matrix.page(shown, f"{artifact.text}\n{program.text}", style.text, options)
    (rendered,) = render.render([page])
    return rendered.text


def json_schema(provider_names: Iterable[str], options: Options) -> render.Artifact:
    """Render the JSON Schema by itself, which takes no more of a manifest than names."""
    from codegen.targets import data  # noqa: PLC0415

    (artifact,) = render.render([data.schema_page(provider_names, options)])
    return artifact


def formatted(path: Path) -> tuple[Loaded, str | None]:
    """Read a manifest and format it; the text is None where findings keep it from having one.

    Raises `formatting.RefusedError` for a sound one that is better left alone.
    """
    from codegen import formatting  # noqa: PLC0415 - only fmt needs it

    try:
        source = read(path)
    except UnreadableError as error:
        return _loaded([_unreadable(str(path), error, 0)]), None
    text, diagnostics = formatting.formatted(source)
    files = Sources(files=(source,))
    return Loaded(sources=files, registry=None, diagnostics=settle(diagnostics)), text
