"""What an id comes to on each side, for every set of variables, and where the two differ.

A decision depends on the id and on the names of the variables that are set. The id settles the
*standing*: the step that decides, and the candidates with their names. The rest is a function of
the names alone: each name leaves some of the candidates, and a set of names leaves the union. Two
such functions can be compared exactly, because they differ for some set of names only if they
differ for one of at most two names, and do nothing graver for any set than for those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from codegen.impact import Impact
from codegen.ir import PLATFORM, Provider
from codegen.routing import Code


class Step(Enum):
    """What decides about an id: a list, its withdrawal, or the patterns."""

    LISTED = "listed"
    WITHDRAWN = "withdrawn"
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A provider that an id may come to, and the names that speak for it."""

    provider: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The step that decides about an id, and the candidates in order of declaration.

    A pattern step without candidates means that the id is not registered.
    """

    step: Step
    candidates: tuple[Candidate, ...]

    @property
    def is_contested(self) -> bool:
        """Whether names have a say."""
        return self.step is not Step.WITHDRAWN and len(self.candidates) > 1

    @property
    def for_pin(self) -> Standing:
        """The standing for a workspace that exists: withdrawn counts as listed."""
        if self.step is not Step.WITHDRAWN:
            return self
        return Standing(step=Step.LISTED, candidates=self.candidates)


def candidate(provider: Provider) -> Candidate:
    """Return a provider as far as it counts for a decision."""
    return Candidate(provider=str(provider.name), names=frozenset(map(str, provider.auth_env)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a decision: a provider, or the code of the refusal.

    `candidates` are those of an ambiguous id, sorted by name.
    """

    provider: str | None = None
    refusal: Code | None = None
    candidates: tuple[str, ...] = ()

    @property
    def is_platform(self) -> bool:
        """Whether the platform pays."""
        return self.provider == PLATFORM


class Scope(Enum):
    """Which workspaces a movement is about: those that are made, those that exist, or both."""

    ALL = "all"
    NEW = "new"
    PINNED = "pinned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What a decision was and is, under a condition.

    `given` are sets of names, each of which leads to this by itself; the empty one means that no
    variable that counts is set. `is_open` tells of ids that the platform begins to pay for that a
    pattern leads there, so that nobody has listed them.
    """

    given: tuple[tuple[str, ...], ...]
    before: Outcome
    after: Outcome
    scope: Scope = Scope.ALL
    is_open: bool = False

    @property
    def impact(self) -> Impact:
        """What it does."""
        return impact(self.before, self.after, is_open=self.is_open)


_Pair = tuple[Outcome, Outcome]


def impact(before: Outcome, after: Outcome, *, is_open: bool = False) -> Impact:
    """Return what it does that a decision ends otherwise; docs/diff.md has the table."""
    if before.provider is None:
        return Impact.BILLING if is_open else Impact.COMPATIBLE
    if after.provider is not None and before.is_platform != after.is_platform:
        return Impact.BILLING
    return Impact.BREAKING


_Left = frozenset[str]
_NONE: _Left = frozenset()


def outcome(stands: Standing, left: _Left) -> Outcome:
    """Return the end of a decision when the names left these providers of the candidates."""
    if stands.step is Step.WITHDRAWN:
        return Outcome(refusal=Code.WITHDRAWN_MODEL)
    if not stands.candidates:
        return Outcome(refusal=Code.UNREGISTERED_MODEL)
    first = stands.candidates[0].provider
    if not stands.is_contested:
        return Outcome(provider=first)
    if len(left) == 1:
        (only,) = left
        return Outcome(provider=only)
    if stands.step is Step.LISTED:
        return Outcome(provider=first)
    names = left or {each.provider for each in stands.candidates}
    return Outcome(refusal=Code.AMBIGUOUS_MODEL, candidates=tuple(sorted(names)))


# What a name does: the providers that it leaves on each side.
_Sign = tuple[_Left, _Left]


def _signs(before: Standing, after: Standing) -> dict[_Sign, list[str]]:
    """Return the names that count on either side, grouped by what they do."""
    left: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for side, stands in enumerate((before, after)):
        for each in stands.candidates if stands.is_contested else ():
            for name in each.names:
                left[name][side].add(each.provider)
    signs: dict[_Sign, list[str]] = defaultdict(list)
    for name in sorted(left):
        old, new = left[name]
        signs[frozenset(old), frozenset(new)].append(name)
    return signs


class _Comparison:
    """The two functions of one id, side by side, and the differences found so far."""

    def __init__(self, before: Standing, after: Standing) -> None:
        self.before = before
        self.after = after
        self.base = outcome(before, _NONE), outcome(after, _NONE)
        self.signs = _signs(before, after)
        self.found: dict[_Pair, list[tuple[str, ...]]] = {}
        self.worst = len(Impact)
        candidates = (*before.candidates, *after.candidates)
        is_paid = any(each.provider == PLATFORM for each in candidates)
        # Nothing graver can be found than this.
        self.ceiling = Impact.BILLING.rank if is_paid else Impact.BREAKING.rank

    def is_open(self, pair: _Pair) -> bool:
        """Tell whether the platform begins to pay for what no list has."""
        is_new = pair[0].provider is None and pair[1].is_platform
        return is_new and self.after.step is Step.PATTERN

    def _note(self, pair: _Pair, given: Iterable[tuple[str, ...]], *, is_graver: bool) -> None:
        """Note what leads to a pair of ends, if those differ; on demand only if graver."""
        if pair[0] == pair[1]:
            return
        rank = impact(*pair, is_open=self.is_open(pair)).rank
        if rank < self.worst or not is_graver:
            self.found.setdefault(pair, []).extend(given)
            self.worst = min(rank, self.worst)

    def _pair(self, sign: _Sign) -> _Pair:
        before = outcome(self.before, sign[0]) if sign[0] else self.base[0]
        return before, outcome(self.after, sign[1]) if sign[1] else self.base[1]

    def alone(self) -> None:
        """Note the differences without names, and with one; a name that adds none is left out."""
        self._note(self.base, [()], is_graver=False)
        for sign, names in self.signs.items():
            is_full = len(self.found) >= _MOST
            if is_full and self.worst <= self.ceiling:
                return
            pair = self._pair(sign)
            if pair != self.base:
                self._note(pair, ((name,) for name in names), is_graver=is_full)

    def together(self) -> None:
        """Note a difference of two names where it is graver than all found before.

        One of the two does something else than before: of two names that do the same as ever,
        one alone leads to the same pair of ends, or none does.
        """
        moved = (sign for sign in self.signs if sign[0] != sign[1])
        for one, two in ((one, two) for one in moved for two in self.signs):
            if self.worst <= self.ceiling:
                return
            names = tuple(sorted({self.signs[one][0], self.signs[two][0]}))
            union = one[0] | two[0], one[1] | two[1]
            self._note(self._pair(union), [names], is_graver=True)


# More than this many for one id tell nobody more. A hostile manifest could have thousands.
_MOST = 32


@lru_cache(maxsize=1 << 14)
def _movements(before: Standing, after: Standing) -> tuple[Movement, ...]:
    both = _Comparison(before, after)
    both.alone()
    both.together()
    found = (
        Movement(given=tuple(given), before=pair[0], after=pair[1], is_open=both.is_open(pair))
        for pair, given in both.found.items()
    )
    return tuple(sorted(found, key=lambda movement: (movement.impact.rank, movement.given)))


def _scoped(found: Iterable[Movement], scope: Scope) -> Iterator[Movement]:
    for each in found:
        yield replace(each, scope=scope)


def movements(before: Standing, after: Standing) -> tuple[Movement, ...]:
    """Return how decisions differ between two standings, the gravest first; none if nowhere."""
    if before == after:
        return ()
    selected = _movements(before, after)
    if Step.WITHDRAWN not in (before.step, after.step):
        return selected
    pinned = _movements(before.for_pin, after.for_pin)
    if selected == pinned:
        return selected
    found = [*_scoped(selected, Scope.NEW), *_scoped(pinned, Scope.PINNED)]
    return tuple(sorted(found, key=lambda movement: movement.impact.rank))
