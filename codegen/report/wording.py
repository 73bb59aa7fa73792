"""The words that every format shares: bounded texts that are safe to show, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from codegen.diagnostics import Diagnostic, Severity
from codegen.quote import without_hidden

_MESSAGE = 400


def bounded(text: str) -> str:
    """Return a text cut to what somebody reads: a message may quote a megabyte of a manifest.

    >>> len(bounded("a" * 1_000_000))
    401
    """
    return text if len(text) <= _MESSAGE else text[:_MESSAGE] + "…"


def shown(text: str) -> str:
    """Return a text that is safe on a terminal: one line, bounded, nothing hidden.

    >>> shown("a\\x1b[31mb")
    'a�[31mb'
    """
    return without_hidden(bounded(text), "\ufffd")


def sentence(text: str) -> str:
    """Return a text with the mark that ends a sentence.

    >>> sentence("write ^acme-"), sentence("did you mean acme?")
    ('write ^acme-.', 'did you mean acme?')
    """
    return text if text.endswith((".", "?", "!", "…")) else text + "."


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "error"), counted(2, "error")
    ('1 error', '2 errors')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def tally(diagnostics: Iterable[Diagnostic]) -> dict[Severity, int]:
    """Return how many findings there are of each severity, the gravest first, zeros included."""
    counts = Counter(found.severity for found in diagnostics)
    return {severity: counts[severity] for severity in Severity}


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Return how many findings there are of each severity, the gravest first, in words."""
    parts = [counted(n, severity.value) for severity, n in tally(diagnostics).items() if n]
    return ", ".join(parts) if parts else "no findings"
