"""A comparison as plain data for programs; docs/schemas/diff.schema.json describes it."""

from __future__ import annotations

from codegen.comparison import Change, Comparison
from codegen.comparison.outcomes import Movement, Outcome
from codegen.comparison.regions import Region, Stem
from codegen.report.places import place
from codegen.source import Sources, Span

Plain = dict[str, object]


def _location(sources: Sources, span: Span) -> Plain:
    where = place(sources, span)
    return {"path": where.path, "line": where.start.line, "column": where.start.column}


def _stem(stem: Stem) -> Plain:
    return {"text": stem.text, "as_written": stem.as_written, "is_exact": stem.is_exact}


def _region(region: Region) -> Plain:
    return {
        **_stem(region.stem),
        "without": [_stem(stem) for stem in region.without],
        "apart": list(region.apart),
        "witness": region.witness,
    }


def _outcome(end: Outcome) -> Plain:
    payer = None if end.provider is None else "platform" if end.is_platform else "byok"
    return {
        "provider": end.provider,
        "payer": payer,
        "refusal": end.refusal.value if end.refusal is not None else None,
        "candidates": list(end.candidates),
    }


def _movement(movement: Movement) -> Plain:
    return {
        "impact": movement.impact.value,
        "workspaces": movement.scope.value,
        "given": [list(names) for names in movement.given],
        "before": _outcome(movement.before),
        "after": _outcome(movement.after),
    }


def _change(sources: Sources, change: Change) -> Plain:
    return {
        "impact": change.impact.value,
        "kind": change.kind.value,
        "key": change.key,
        "runtime": change.runtime,
        "provider": change.provider,
        "before": change.before,
        "after": change.after,
        "models": list(change.models),
        "movements": [_movement(movement) for movement in change.movements],
        "regions": [_region(region) for region in change.regions],
        "location": _location(sources, change.span) if change.span is not None else None,
    }


def plain(sources: Sources, comparison: Comparison, old: str, new: str, fail_on: str) -> Plain:
    """Return the answer as plain data; `fail_on` is the impact that fails the run, or never."""
    return {
        "old": old,
        "new": new,
        "fail_on": fail_on,
        "counts": {impact.value: count for impact, count in comparison.counts().items()},
        "changes": [_change(sources, change) for change in comparison.changes],
    }
