"""How long a decision takes in Go, beside a plain implementation and beside one look-up in a map.

The questions are those of the conformance vectors that name no variables: every listed id of
every runtime, ids that a prefix routes, and ids that nobody owns. Ids that only a test would ask
for (white space around them, other scripts, 10,000 characters) are a case of their own.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks import gobench
from benchmarks.gobench import Round
from benchmarks.outcome import Limit, Outcome, Target
from tests import toolchains

NEEDS = (toolchains.go,)
TITLE = "Go: `DeriveProvider` of the real manifest"
ROUNDS = 61

_SELF = "DeriveProvider"
_PLAIN = 100
# A look-up in a map: as many times as that may a decision take.
_MAP = {"listed": 2, "prefix": 4}
_ALLOCATIONS = {"listed": 0, "prefix": 0, "miss": 1}


def _beside_plain(taken: list[Round]) -> Iterator[Target]:
    for case in _ALLOCATIONS:
        yield Target(
            what=f"`DeriveProvider`, {case}: faster than a plain implementation",
            value=gobench.ratio(taken, f"{case}/plain", f"{case}/{_SELF}"),
            limit=_PLAIN,
            side=Limit.AT_LEAST,
            reason=(
                "About half of a refusal is the one allocation of its error."
                if case == "miss"
                else ""
            ),
        )


def _beside_map(taken: list[Round]) -> Iterator[Target]:
    for case, limit in _MAP.items():
        yield Target(
            what=f"`DeriveProvider`, {case}: times as long as a look-up of a listed id in a map",
            value=gobench.ratio(taken, f"{case}/{_SELF}", "listed/map"),
            limit=limit,
            side=Limit.AT_MOST,
        )


def _allocations(taken: list[Round]) -> Iterator[Target]:
    for case, limit in _ALLOCATIONS.items():
        counts = [each[f"{case}/{_SELF}"].allocations for each in taken]
        yield Target(
            what=f"`DeriveProvider`, {case}: allocations",
            value=statistics.median(counts),
            limit=limit,
            side=Limit.AT_MOST,
            unit="allocs",
        )


def run() -> Outcome:
    package = gobench.SOURCES / "decisions"
    program = gobench.compiled(package, "go-decisions")
    taken = gobench.rounds(program, package, "Decision", ROUNDS)
    return Outcome(
        figures=(*gobench.figures(taken), *gobench.allocations(taken)),
        targets=(*_beside_plain(taken), *_beside_map(taken), *_allocations(taken)),
        versions=(("Go", gobench.version()),),
    )
