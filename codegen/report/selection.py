"""Which findings a report shows: all of a rule up to a cap, and a count of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from codegen.diagnostics import Diagnostic, Severity
from codegen.frozen import frozen
from codegen.report.wording import counted

PER_RULE = 25


@frozen
class Omitted:
    """How many findings of a rule the cap left out; never zero."""

    code: str
    count: int

    @property
    def sentence(self) -> str:
        """What a reader is told in their place."""
        return f"… and {counted(self.count, 'more finding')} of {self.code}"


@frozen
class Selection:
    """The findings to show, in the order in which they came, and what was left out by code."""

    shown: tuple[Diagnostic, ...]
    omitted: tuple[Omitted, ...]


def select(diagnostics: Iterable[Diagnostic]) -> Selection:
    """Return the first findings of each rule. They are expected settled: sorted, no doubles."""
    seen: Counter[str] = Counter()
    shown = []
    for found in diagnostics:
        seen[found.code] += 1
        if seen[found.code] <= PER_RULE:
            shown.append(found)
    omitted = (
        Omitted(code=code, count=count - PER_RULE)
        for code, count in sorted(seen.items())
        if count > PER_RULE
    )
    return Selection(shown=tuple(shown), omitted=tuple(omitted))


def at_least(diagnostics: Iterable[Diagnostic], threshold: Severity) -> tuple[Diagnostic, ...]:
    """Return the findings that weigh as much as a severity, or more."""
    order = list(Severity)
    grave = order[: order.index(threshold) + 1]
    return tuple(found for found in diagnostics if found.severity in grave)
