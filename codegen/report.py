"""Diagnostics as text with carets: made here, printed by the command line alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codegen.diagnostics import Diagnostic, Note, Severity
from codegen.quote import width, without_hidden
from codegen.source import Sources, Span

_WINDOW = 96
_MESSAGE = 400
_PER_RULE = 25


def shown(text: str) -> str:
    """Return a text that is safe on a terminal: one line, bounded, nothing hidden.

    >>> shown("a\\x1b[31mb")
    'a�[31mb'
    """
    cut = text if len(text) <= _MESSAGE else text[:_MESSAGE] + "…"
    return without_hidden(cut, "\ufffd")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Excerpt:
    """A window of one line and the columns in it that are marked."""

    text: str
    margin: int
    carets: int


def _excerpt(line: str, start: int, size: int) -> _Excerpt:
    """Cut a window out of a line, so that a line of a megabyte stays readable."""
    first = max(0, start - _WINDOW // 2) if len(line) > _WINDOW else 0
    window = line[first : first + _WINDOW].replace("\t", " ")
    lead = "…" if first else ""
    tail = "…" if first + _WINDOW < len(line) else ""
    marked = window[start - first : start - first + size]
    margin = width(lead + shown(window[: start - first]))
    return _Excerpt(text=lead + shown(window) + tail, margin=margin, carets=width(shown(marked)))


def _place(sources: Sources, span: Span) -> str:
    source = sources.at(span)
    position = source.position(span.start)
    return f"{shown(source.path)}:{position.line}:{position.column}"


def _caret_lines(sources: Sources, span: Span) -> Iterator[str]:
    source = sources.at(span)
    position = source.position(span.start)
    line = source.line_text(position.line)
    if not line.strip():
        return
    excerpt = _excerpt(line, position.column - 1, span.end - span.start)
    number = str(position.line)
    gutter = " " * len(number)
    yield f" {gutter} |"
    yield f" {number} | {excerpt.text}"
    yield f" {gutter} | {' ' * excerpt.margin}{'^' * max(1, excerpt.carets)}"


def _note_line(sources: Sources, note: Note) -> str:
    return f"   note: {_place(sources, note.span)}: {shown(note.message)}"


def _block(sources: Sources, found: Diagnostic) -> str:
    head = f"{_place(sources, found.span)}: {found.severity.value}[{found.code}]"
    lines = [f"{head}: {shown(found.message)}", *_caret_lines(sources, found.span)]
    lines += [_note_line(sources, note) for note in found.notes]
    lines.append(f"   help: {shown(found.hint)}")
    return "\n".join(lines)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "error"), counted(2, "error")
    ('1 error', '2 errors')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Return how many findings there are of each severity, the gravest first."""
    counts = Counter(found.severity for found in diagnostics)
    parts = [counted(counts[s], s.value) for s in Severity if counts[s]]
    return ", ".join(parts) if parts else "no findings"


def text(sources: Sources, diagnostics: Iterable[Diagnostic]) -> str:
    """Return all findings as text, blank lines between, capped per rule with a count.

    The findings are expected settled: sorted and without doubles.
    """
    seen: Counter[str] = Counter()
    blocks = []
    for found in diagnostics:
        seen[found.code] += 1
        if seen[found.code] <= _PER_RULE:
            blocks.append(_block(sources, found))
    for code, count in sorted(seen.items()):
        if count > _PER_RULE:
            blocks.append(f"… and {counted(count - _PER_RULE, 'more finding')} of {code}")
    return "\n\n".join(blocks)
