"""A diagnostic as a value: code, severity, span, one sentence, a hint and notes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from codegen.frozen import frozen
from codegen.source import Span

# A file with more is no manifest that somebody got wrong, and nobody reads on from here.
MAX_FINDINGS = 100_000


class Severity(Enum):
    """How much a finding weighs; only an error keeps a manifest from compiling."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen
class Note:
    """A second place that a diagnostic speaks of."""

    span: Span
    message: str

    def __lt__(self, other: Note) -> bool:
        """Tell whether this one is shown first: by place, then by what it says."""
        return (self.span, self.message) < (other.span, other.message)


@frozen
class Diagnostic:
    """One finding. `message` is a sentence without a full stop; `hint` says what to write."""

    code: str
    severity: Severity
    span: Span
    message: str
    hint: str
    notes: tuple[Note, ...] = ()


def _order(found: Diagnostic) -> tuple[int, int, str, str, str, tuple[Note, ...]]:
    span = found.span
    return (span.start, span.end, found.code, found.message, found.hint, found.notes)


def settle(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the findings without doubles, sorted by place, code and message."""
    ordered = sorted(diagnostics, key=_order)
    pairs = zip(ordered, [None, *ordered], strict=False)
    return tuple(found for found, before in pairs if found != before)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any finding keeps the manifest from compiling."""
    return any(found.severity is Severity.ERROR for found in diagnostics)
