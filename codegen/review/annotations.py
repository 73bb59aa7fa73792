"""A comparison as workflow commands of GitHub Actions, beside the lines that changes come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from codegen.comparison import Change, Comparison, Impact
from codegen.report.places import place
from codegen.report.wording import counted, sentence
from codegen.report.workflow import annotation
from codegen.review.text import PLAIN, details
from codegen.review.wording import headline, verdict
from codegen.source import Sources

_COMMANDS = {
    Impact.BILLING: "error",
    Impact.BREAKING: "warning",
    Impact.COMPATIBLE: "notice",
    Impact.COSMETIC: "notice",
}
_PER_IMPACT = 25


def _annotation(sources: Sources, paths: Mapping[str, str], change: Change) -> str:
    where = place(sources, change.span) if change.span is not None else None
    path = paths.get(where.path) if where is not None else None
    lines = [sentence(headline(PLAIN, change, "->")), *details(change)]
    title = f"{change.impact.value}: {change.kind.value.replace('_', ' ')}"
    return annotation(
        _COMMANDS[change.impact],
        title,
        "\n".join(lines),
        where if path is not None else None,
        path,
    )


def github(
    sources: Sources, paths: Mapping[str, str], comparison: Comparison, old: str, new: str
) -> str:
    """Return an annotation for each change, then what the cap left out, and the counts.

    `paths` has the path of each file, by its name in `sources`, that a workflow can show.
    """
    seen: Counter[Impact] = Counter()
    lines = []
    for change in comparison.changes:
        seen[change.impact] += 1
        if seen[change.impact] <= _PER_IMPACT:
            lines.append(_annotation(sources, paths, change))
    for impact, count in seen.items():
        if count > _PER_IMPACT:
            lines.append(f"… and {counted(count - _PER_IMPACT, f'more {impact.value} change')}")
    return "\n".join([*lines, f"{PLAIN.name(old)} -> {PLAIN.name(new)}: {verdict(comparison)}"])
