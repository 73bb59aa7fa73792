"""The values of a comparison: changes, what they do to whom, and where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from codegen.comparison.outcomes import Movement
from codegen.comparison.regions import Region
from codegen.impact import Impact
from codegen.source import Span


class Kind(Enum):
    """What a change is about, in the order in which changes of one impact are listed."""

    PAYER = "payer"
    PROVIDER = "provider"
    UNROUTABLE = "unroutable"
    ROUTABLE = "routable"
    REFUSAL = "refusal"
    DEFAULT_MODEL = "default_model"
    RUNTIME = "runtime"
    CATALOG = "catalog"
    MENU = "menu"
    CREDENTIAL = "credential"
    ENDPOINT = "endpoint"
    UPSTREAM = "upstream"
    DISPLAY = "display"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, as a flat record: what it is not about is None or empty.

    `key` names what changed (`route`, `added`, a key of the manifest); `before` and `after` are
    its values as text, None where there is none. `models` are ids in order of the menu. Of ids
    that move, `regions` says which, and `movements` what their decision was and is; a region
    belongs to one change alone. `span` is the place in the new manifest that it comes from, or
    None where nothing is left there.
    """

    impact: Impact
    kind: Kind
    key: str
    runtime: str | None = None
    provider: str | None = None
    before: str | None = None
    after: str | None = None
    models: tuple[str, ...] = ()
    movements: tuple[Movement, ...] = ()
    regions: tuple[Region, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changes between two registries, the gravest first, in a stable order."""

    changes: tuple[Change, ...]

    def counts(self) -> dict[Impact, int]:
        """Return how many changes there are of each impact, the gravest first, zeros included."""
        counted = Counter(change.impact for change in self.changes)
        return {impact: counted[impact] for impact in Impact}

    def at_least(self, impact: Impact) -> tuple[Change, ...]:
        """Return the changes of an impact, or of a graver one."""
        return tuple(change for change in self.changes if change.impact.rank <= impact.rank)

    def regions(self, runtime: str) -> Iterator[Region]:
        """Yield the regions of ids whose decisions on a runtime change; no two share an id."""
        for change in self.changes:
            if change.runtime == runtime:
                yield from change.regions


def ordered(changes: Iterable[Change]) -> Comparison:
    """Return a comparison: by impact, by kind, and as found within a kind.

    What moves from one payer to the other comes before what only begins to be paid.
    """
    ranks = {kind: rank for rank, kind in enumerate(Kind)}

    def order(change: Change) -> tuple[int, int, bool]:
        is_open = bool(change.movements) and change.movements[0].is_open
        return change.impact.rank, ranks[change.kind], is_open

    return Comparison(changes=tuple(sorted(changes, key=order)))
