"""Diagnostics as text with carets, in colour where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codegen.diagnostics import Diagnostic, Note, Severity
from codegen.frozen import frozen
from codegen.quote import width
from codegen.report.places import place
from codegen.report.selection import select
from codegen.report.wording import shown
from codegen.source import Sources, Span

_WINDOW = 96

# Parameters of the escape sequence that sets the colour of what follows.
_SEVERITY = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;34"}
_HELP = "36"


@frozen
class _Brush:
    """Paints a text that is safe already, or leaves it as it is."""

    is_coloured: bool

    def __call__(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.is_coloured else text


@frozen
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


def _where(sources: Sources, span: Span) -> str:
    found = place(sources, span)
    return f"{shown(found.path)}:{found.start.line}:{found.start.column}"


def _caret_lines(sources: Sources, span: Span) -> Iterator[tuple[str, str]]:
    """Yield the lines of an excerpt: what is quoted, and what is marked, of each.

    A span over several lines is marked to the end of the first.
    """
    position = place(sources, span).start
    line = sources.at(span).line_text(position.line)
    if not line.strip():
        return
    excerpt = _excerpt(line, position.column - 1, span.end - span.start)
    number = str(position.line)
    gutter = " " * len(number)
    yield f" {gutter} |", ""
    yield f" {number} | {excerpt.text}", ""
    yield f" {gutter} | {' ' * excerpt.margin}", "^" * max(1, excerpt.carets)


def _note_line(sources: Sources, note: Note) -> str:
    return f"   note: {_where(sources, note.span)}: {shown(note.message)}"


def _block(sources: Sources, found: Diagnostic, brush: _Brush) -> str:
    colour = _SEVERITY[found.severity]
    head = brush(colour, f"{found.severity.value}[{found.code}]")
    lines = [f"{_where(sources, found.span)}: {head}: {shown(found.message)}"]
    for quoted, marked in _caret_lines(sources, found.span):
        lines.append(quoted + (brush(colour, marked) if marked else ""))
    lines += [_note_line(sources, note) for note in found.notes]
    lines.append("   " + brush(_HELP, f"help: {shown(found.hint)}"))
    return "\n".join(lines)


def text(sources: Sources, diagnostics: Iterable[Diagnostic], *, is_coloured: bool = False) -> str:
    """Return all findings as text, blank lines between, capped per rule with a count.

    The findings are expected settled: sorted and without doubles.
    """
    brush = _Brush(is_coloured=is_coloured)
    selection = select(diagnostics)
    blocks = [_block(sources, found, brush) for found in selection.shown]
    blocks += [omitted.sentence for omitted in selection.omitted]
    return "\n\n".join(blocks)
