"""How long the Python artifact takes for one decision, beside its rivals and one dict look-up.

All are asked in one process, in turn, one loop over the same ids for each. The time of that loop
is part of every figure, that of the look-up too. A listed id is one that all three know.
"""

from __future__ import annotations

from benchmarks.outcome import Figure, Limit, Outcome, Target, figure, median
from benchmarks.places import ROOT
from benchmarks.python.answers import answers, versions
from benchmarks.python.decisions import (
    DICT,
    LITELLM,
    OURS,
    RAISE,
    SEEN,
    SEEN_VENDOR,
    UNSEEN,
)

TITLE = "`derive_provider` in Python"
_LISTED, _PREFIX, _MISSPELT, _UNHEARD = "listed id", "prefix", "misspelt id", "id of no vendor"
_FOLDED = "An id that no list has is folded, cut and looked up, each a step of the interpreter."
_RAISED = (
    "A third of a refusal is the error itself, raised and caught, whatever stands in the tables."
)
_REMEMBERED = (
    "The quickest that genai-prices has: it remembers the provider of an id, and does not ask"
    " whether that has the model."
)


def _times(figures: tuple[Figure, ...], case: str, slow: str, quick: str = OURS) -> float:
    return median(figures, case, slow) / median(figures, case, quick)


def _of_errors(figures: tuple[Figure, ...]) -> str:
    share = _times(figures, _UNHEARD, RAISE, OURS)
    return (
        "Both refuse by an exception. To raise and catch ours, with nothing looked up, is already"
        f" {share:.0%} of the answer; and what looks like no vendor's id is the least work for"
        " genai-prices."
    )


def _targets(figures: tuple[Figure, ...]) -> tuple[Target, ...]:
    missed = min(_times(figures, _MISSPELT, SEEN), _times(figures, _MISSPELT, UNSEEN))
    faster = (
        ("a listed id, beside `litellm.get_llm_provider`", _LISTED, LITELLM, 20, ""),
        ("a prefix, beside `litellm.get_llm_provider`", _PREFIX, LITELLM, 20, _FOLDED),
        ("a misspelt id, beside `litellm.get_llm_provider`", _MISSPELT, LITELLM, 20, _RAISED),
        ("a listed id, beside what genai-prices remembers", _LISTED, SEEN, 1, ""),
        ("the same, asked for its provider alone", _LISTED, SEEN_VENDOR, 1, _REMEMBERED),
    )
    return (
        *(
            Target(
                what=what,
                value=_times(figures, case, slow),
                limit=limit,
                side=Limit.AT_LEAST,
                reason=reason,
            )
            for what, case, slow, limit, reason in faster
        ),
        Target(
            what="a misspelt id, beside genai-prices, asked first or again",
            value=missed,
            limit=20,
            side=Limit.AT_LEAST,
        ),
        Target(
            what="an id of no vendor, beside genai-prices, asked first",
            value=_times(figures, _UNHEARD, UNSEEN),
            limit=20,
            side=Limit.AT_LEAST,
            reason=_of_errors(figures),
        ),
        Target(
            what="a listed id, beside one look-up `table[id]` in a dict",
            value=_times(figures, _LISTED, OURS, DICT),
            limit=5,
            side=Limit.AT_MOST,
            reason="The time of the loop over the ids is in both.",
        ),
    )


def run() -> Outcome:
    found = answers("decisions", str(ROOT / "generated" / "python"))
    figures = tuple(
        figure(case, contender, "ns", taken)
        for case, contenders in found["taken"].items()
        for contender, taken in contenders.items()
    )
    return Outcome(figures=figures, targets=_targets(figures), versions=versions())
