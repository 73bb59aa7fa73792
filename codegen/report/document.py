"""The outcome of a run as one JSON document, for programs.

docs/schemas/diagnostics.schema.json describes every field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from codegen import __version__
from codegen.diagnostics import Diagnostic, Note
from codegen.quote import escape_hidden
from codegen.report.outcome import Failure, Outcome
from codegen.report.places import place
from codegen.report.selection import Omitted, select
from codegen.report.wording import bounded, tally
from codegen.rules import BY_CODE
from codegen.source import Position, Sources, Span
from codegen.suppressions import Suppressed

# Raised when a field goes or changes its meaning; a new field leaves it alone.
FORMAT_VERSION = 1

Plain = dict[str, object]


def _position(position: Position, offset: int) -> Plain:
    return {"line": position.line, "column": position.column, "offset": offset}


def _location(sources: Sources, span: Span) -> Plain:
    where = place(sources, span)
    return {
        "path": where.path,
        "start": _position(where.start, where.offset),
        "end": _position(where.end, where.end_offset),
    }


def _note(sources: Sources, note: Note) -> Plain:
    return {"message": bounded(note.message), "location": _location(sources, note.span)}


def _diagnostic(sources: Sources, found: Diagnostic) -> Plain:
    rule = BY_CODE[found.code]
    return {
        "code": rule.code,
        "name": rule.name,
        "family": rule.family,
        "severity": found.severity.value,
        "message": bounded(found.message),
        "hint": bounded(found.hint),
        "location": _location(sources, found.span),
        "notes": [_note(sources, note) for note in found.notes],
    }


def _suppressed(sources: Sources, suppressed: Suppressed) -> Plain:
    reason = bounded(suppressed.reason)
    return {"diagnostic": _diagnostic(sources, suppressed.diagnostic), "reason": reason}


def _omitted(omitted: Omitted) -> Plain:
    return {"code": omitted.code, "name": BY_CODE[omitted.code].name, "count": omitted.count}


def _counts(diagnostics: Iterable[Diagnostic]) -> dict[str, int]:
    return {severity.value: count for severity, count in tally(diagnostics).items()}


def _failure(failure: Failure | None) -> Plain | None:
    if failure is None:
        return None
    return {"message": bounded(failure.message), "hint": bounded(failure.hint)}


def plain(outcome: Outcome) -> Plain:
    """Return the document as plain data."""
    sources, selection = outcome.sources, select(outcome.diagnostics)
    answer = {} if outcome.answer is None else {"answer": outcome.answer}
    return {
        "format_version": FORMAT_VERSION,
        "tool": {"name": "providers-codegen", "version": __version__},
        "exit_code": outcome.exit_code,
        "fail_on": outcome.fail_on,
        "failure": _failure(outcome.failure),
        "files": [source.path for source in sources.files],
        "counts": _counts(outcome.diagnostics),
        "diagnostics": [_diagnostic(sources, found) for found in selection.shown],
        "omitted": [_omitted(omitted) for omitted in selection.omitted],
        "suppressed": [_suppressed(sources, found) for found in outcome.suppressed],
        **answer,
    }


def dumps(outcome: Outcome) -> str:
    """Return the document as JSON, what a reader cannot see written as escapes."""
    return escape_hidden(json.dumps(plain(outcome), indent=2, ensure_ascii=False))
