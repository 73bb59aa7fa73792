"""A comparison as Markdown, for a comment on a pull request.

Whatever comes from a manifest stands in a `<code>` element, with every sign that could mean
something as a character reference. References never act as Markdown (CommonMark 0.31.2, 2.5), and
forges look for mentions, links and issue numbers outside of code alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from codegen.comparison import Change, Comparison, Impact
from codegen.quote import without_hidden
from codegen.report.wording import counted
from codegen.review.wording import Voice, cut, example, headline, movement, region, verdict

_ARROW = "→"
_LONGEST = 120

# What forges take as a comment, with something to spare: 65,536 characters.
MAX_PAGE = 60_000

# How many changes of an impact and how many ranges of a change are shown: the first row that fits.
_CAPS = ((100, 25), (25, 10), (10, 3), (3, 1))

# Longer lists than this are folded.
_OPEN = 5


# Signs that mean nothing in the middle of a line.
_HARMLESS = frozenset(" ,-/")


def code(text: str) -> str:
    """Return a text of a manifest as an element that shows it and does nothing else.

    >>> print(code("a<b>|`c`"))
    <code>a&#60;b&#62;&#124;&#96;c&#96;</code>
    """
    short = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    seen = without_hidden(short, "\ufffd")
    return f"<code>{''.join(map(_reference, seen))}</code>"


def _reference(char: str) -> str:
    is_plain = char.isalnum() or not char.isascii()
    return char if is_plain or char in _HARMLESS else f"&#{ord(char)};"


_VOICE = Voice(text=code, name=code)

_TITLES = {
    Impact.BILLING: "Billing: who pays changes",
    Impact.BREAKING: "Breaking: what worked is refused, or goes elsewhere",
    Impact.COMPATIBLE: "Compatible",
    Impact.COSMETIC: "Cosmetic",
}
_ALERTS = {
    Impact.BILLING: "> [!CAUTION]\n> **This changes who pays.**",
    Impact.BREAKING: "> [!WARNING]\n> **This breaks what worked.**",
}


def _folded(title: str, lines: list[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]


def _item(change: Change, most: int) -> Iterator[str]:
    """Yield the lines of one change: a list item, and what stands inside of it."""
    yield f"- **{headline(_VOICE, change, _ARROW)}**"
    if change.key != "route":
        return
    moves = [movement(_VOICE, each, _ARROW) for each in change.movements]
    yield from (f"  - {line}" for line in cut(moves, most, "case"))
    where = [region(_VOICE, each) + example(_VOICE, each) for each in change.regions]
    lines = [f"- {line}" for line in cut(where, most, "range")]
    if len(lines) > _OPEN:
        lines = ["", *_folded(counted(len(where), "range"), lines), ""]
    yield from (f"  {line}".rstrip() for line in lines)


def _section(impact: Impact, changes: list[Change], caps: tuple[int, int]) -> Iterator[str]:
    items = [line for change in changes[: caps[0]] for line in _item(change, caps[1])]
    if len(changes) > caps[0]:
        items.append(f"- … and {counted(len(changes) - caps[0], 'more change')}")
    title = f"{_TITLES[impact]} ({len(changes)})"
    if impact in _ALERTS:
        yield from (f"#### {title}", "", *items, "")
    else:
        yield from (*_folded(title, items), "")


def _page(comparison: Comparison, old: str, new: str, caps: tuple[int, int]) -> str:
    lines = [f"### What the registry decides: {code(old)} {_ARROW} {code(new)}", ""]
    by_impact = {
        impact: [change for change in comparison.changes if change.impact is impact]
        for impact in Impact
    }
    worst = next((impact for impact, changes in by_impact.items() if changes), None)
    if worst in _ALERTS:
        lines += [_ALERTS[worst], ""]
    lines += [f"{verdict(comparison).capitalize()}.", ""]
    for impact, changes in by_impact.items():
        if changes:
            lines += _section(impact, changes, caps)
    return "\n".join(lines).rstrip("\n") + "\n"


def markdown(comparison: Comparison, old: str, new: str) -> str:
    """Return a page, payer changes first; long lists are folded, and cut until it is a comment."""
    pages = (_page(comparison, old, new, caps) for caps in _CAPS)
    last = ""
    for last in pages:
        if len(last) <= MAX_PAGE:
            break
    return last
