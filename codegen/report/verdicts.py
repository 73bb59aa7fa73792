"""What a registry says about a template: a line of counts for people, plain data for programs."""

from __future__ import annotations

from collections.abc import Iterable

from codegen.report.wording import shown
from codegen.runtime_templates import Judged, JudgedTemplate

Plain = dict[str, object]


def counts_line(judged: JudgedTemplate) -> str:
    """Return how many of a template's ids are allowed, and how many have each verdict."""
    counts = judged.counts
    total = sum(counts.values())
    noun = "id is" if total == 1 else "ids are"
    listed = ", ".join(f"{count:,} {verdict.value}" for verdict, count in counts.items())
    return (
        f"{shown(judged.template.source.path)}: {judged.allowed:,} of {total:,} {noun} allowed "
        f"on {judged.runtime.name}: {listed}"
    )


def _plain_id(judged: JudgedTemplate, offer: Judged) -> Plain:
    where = judged.template.source.position(offer.offer.id.span.start)
    gone = offer.trace.withdrawn
    return {
        "id": str(offer.offer.id),
        "line": where.line,
        "column": where.column,
        "verdict": offer.verdict.value,
        "provider": None if offer.provider is None else str(offer.provider.name),
        "is_platform": offer.provider is not None and offer.provider.is_platform,
        "tag": None if offer.offer.tag is None else str(offer.offer.tag),
        "replacement": None if gone is None or gone.replacement is None else str(gone.replacement),
        "suggestions": list(offer.suggestions),
    }


def _plain_template(judged: JudgedTemplate) -> Plain:
    counts = judged.counts
    default = judged.default
    return {
        "path": judged.template.source.path,
        "counts": {
            "ids": sum(counts.values()),
            "allowed": judged.allowed,
            **{verdict.value: count for verdict, count in counts.items()},
        },
        "default": None if default is None else _plain_id(judged, default),
        "ids": [_plain_id(judged, offer) for offer in judged.offers],
    }


def plain(runtime: str, judged: Iterable[JudgedTemplate]) -> Plain:
    """Return the answer as docs/schemas/check-template.schema.json describes it."""
    return {"runtime": runtime, "templates": [_plain_template(each) for each in judged]}
