"""A comparison as text, for somebody at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.comparison import Change, Comparison, Impact
from codegen.report.places import place
from codegen.report.wording import shown
from codegen.review.wording import Voice, cut, example, headline, movement, region, verdict
from codegen.source import Sources

_ARROW = "->"
_PER_CHANGE = 10

PLAIN = Voice(text=lambda text: f'"{shown(text)}"', name=shown)


def details(change: Change, arrow: str = _ARROW) -> tuple[str, ...]:
    """Return the lines below the headline of a change: its movements, then its regions."""
    if change.key != "route":
        return ()
    moves = [movement(PLAIN, each, arrow) for each in change.movements]
    where = [region(PLAIN, each) + example(PLAIN, each) for each in change.regions]
    return (*cut(moves, _PER_CHANGE, "case"), *cut(where, _PER_CHANGE, "range"))


def _where(sources: Sources, change: Change) -> str:
    if change.span is None:
        return ""
    found = place(sources, change.span)
    return f" ({shown(found.path)}:{found.start.line}:{found.start.column})"


def _word(impact: Impact) -> str:
    """Return the word for an impact; money is loud."""
    word: str = impact.value
    return word.upper() if impact is Impact.BILLING else word


def _lines(sources: Sources, comparison: Comparison) -> Iterator[str]:
    for change in comparison.changes:
        said = headline(PLAIN, change, _ARROW)
        yield f"{_word(change.impact)}: {said}{_where(sources, change)}"
        yield from (f"  {line}" for line in details(change))


def text(sources: Sources, comparison: Comparison, old: str, new: str) -> str:
    """Return all changes, the gravest first, and a last line with the counts."""
    last = f"{shown(old)} {_ARROW} {shown(new)}: {verdict(comparison)}"
    return "\n".join([*_lines(sources, comparison), last])
