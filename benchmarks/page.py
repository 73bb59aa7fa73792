"""Outcomes -> the tables of `docs/performance.md`, each between two marks of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks import experiments
from benchmarks.outcome import Figure, Outcome, Target
from benchmarks.places import ROOT
from benchmarks.quantities import shown, spread

PATH = ROOT / "docs" / "performance.md"

_BLOCK = re.compile(r"<!-- measured: (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _cell(each: Figure) -> str:
    return spread(each.median, each.low, each.high, each.unit)


def _figures(figures: Sequence[Figure]) -> str:
    """Return a row for each contender and a column for each case, in the order of the figures."""
    cases = list(dict.fromkeys(each.case for each in figures))
    cells: dict[str, dict[str, str]] = {}
    for each in figures:
        cells.setdefault(each.contender, {})[each.case] = _cell(each)
    rows = ([name, *(found.get(case, "") for case in cases)] for name, found in cells.items())
    return _table(["", *cases], rows)


def _target(target: Target) -> list[str]:
    limit = f"{target.side.value} {shown(target.limit, target.unit)}"
    reached = "yes" if target.is_reached else "**no**"
    return [target.what, shown(target.value, target.unit), limit, reached]


def _targets(targets: Iterable[Target]) -> str:
    return _table(["what", "measured", "must be", "reached"], map(_target, targets))


def _reasons(targets: Iterable[Target]) -> Iterator[str]:
    for target in targets:
        if target.reason:
            yield f"- {target.what}: {target.reason}\n"


def _runs(figures: Iterable[Figure]) -> str:
    counts = sorted({each.runs for each in figures})
    if counts == [1]:
        return "Counted once: nothing of it changes from run to run.\n"
    several = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    return f"Medians of {several} runs, with the fastest and the slowest.\n"


def _experiment(outcome: Outcome) -> str:
    """Return the tables of one experiment: what was measured, and what it is held to."""
    parts = [_figures(outcome.figures), _runs(outcome.figures)]
    if outcome.targets:
        parts += [_targets(outcome.targets)]
        parts += ["".join(_reasons(outcome.targets))] if any(_reasons(outcome.targets)) else []
    if outcome.versions:
        parts.append(", ".join(f"{name} {version}" for name, version in outcome.versions) + ".\n")
    return "\n".join(parts)


def _summary(outcomes: Mapping[str, Outcome], on: Mapping[str, str]) -> str:
    """Return all targets of all experiments in one table, and where they were measured."""
    rows = [
        [experiments.title(name), *_target(target)]
        for name, outcome in outcomes.items()
        for target in outcome.targets
    ]
    reached = sum(target.is_reached for each in outcomes.values() for target in each.targets)
    machine = ", ".join(f"{key}: {value}" for key, value in on.items())
    return (
        f"Measured in one go on one machine ({machine}). "
        f"{reached} of {len(rows)} targets are reached.\n\n"
        + _table(["experiment", "what", "measured", "must be", "reached"], rows)
    )


def refreshed(page: str, outcomes: Mapping[str, Outcome], on: Mapping[str, str]) -> str:
    """Return a page with the tables of these outcomes; its sentences stay as they are.

    Raises `LookupError` where the page has no block for an experiment, or one for none.
    """
    blocks = {name: _experiment(outcome) for name, outcome in outcomes.items()}
    blocks["summary"] = _summary(outcomes, on)
    marked = set(_BLOCK.findall(page))
    if marked != set(blocks):
        odd = ", ".join(sorted(marked ^ set(blocks)))
        raise LookupError(f"the page and the experiments differ in: {odd}")
    return _BLOCK.sub(
        lambda found: f"<!-- measured: {found[1]} -->\n\n{blocks[found[1]]}\n<!-- end -->", page
    )
