"""Optimal string alignment distance, and the nearest of a list of words."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice

from codegen.distances import Words, farthest

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(text: str) -> str:
    """Lower the ASCII letters of a text and nothing else.

    >>> ascii_lower("GLM-É")
    'glm-É'
    """
    return text.translate(_LOWER)


def _next_row(
    row: int, char: str, last: str, right: str, before: list[int], previous: list[int]
) -> list[int]:
    """Return the row of `char`, whose predecessor is `last`.

    Comparisons and no calls: most of the time of a build was once spent in this loop.
    """
    current, cost = [row], row
    for column, other in enumerate(right, 1):
        if char == other:
            cost = previous[column - 1]
        else:
            step = previous[column - 1]
            step = previous[column] if previous[column] < step else step
            step = cost if cost < step else step
            is_swap = column > 1 and other == last and char == right[column - 2]
            cost = 1 + (before[column - 2] if is_swap and before[column - 2] < step else step)
        current.append(cost)
    return current


def distance(left: str, right: str, limit: int) -> int:
    """Optimal string alignment distance over code points (semantics: `suggest_models`).

    Insertions, deletions, replacements and swaps of neighbours cost 1 each; no
    substring is edited twice. Above `limit` the answer is only known to be above it:
    a cell builds on the two rows before it, so once both exceed the limit all do.

    >>> distance("kimi", "kiim", 2)
    1
    """
    before: list[int] = []
    previous, last = list(range(len(right) + 1)), ""
    for row, char in enumerate(left, 1):
        current = _next_row(row, char, last, right, before, previous)
        if min(current) > limit and min(previous) > limit:
            return limit + 1
        before, previous, last = previous, current, char
    return previous[-1]


def _missing(left: str, right: str) -> int:
    """Return how many letters of the longer text the other lacks: a floor of the distance."""
    shared = sum(min(left.count(char), right.count(char)) for char in set(left))
    return max(len(left), len(right)) - shared


class Candidates:
    """A list of words to choose the nearest from, which remembers its last answers."""

    def __init__(self, words: Iterable[str]) -> None:
        """Index the words; to ask then takes far less than to compare them one by one."""
        self._words = tuple(words)
        self._lowered = Words([ascii_lower(word) for word in self._words])
        self._known: dict[tuple[str, int], tuple[str, ...]] = {}

    def nearest(self, word: str, most: int = 3) -> tuple[str, ...]:
        """Return at most `most` of the words, nearest first, ties in the given order.

        A word counts when its distance to the other, both in ASCII lower case, is not above
        max(2, a third of the longer length rounded down) (semantics: `suggest_models`).

        >>> Candidates(["deprecated", "tooltip"]).nearest("depricated")
        ('deprecated',)
        """
        known = self._known.get((word, most))
        if known is None:
            if len(self._known) >= _MAX_ANSWERS:
                self._known.clear()
            orders = islice(self._lowered.near(ascii_lower(word)), most)
            known = self._known[word, most] = tuple(self._words[order] for order in orders)
        return known


# Every function that refuses an id offers the same words for it.
_MAX_ANSWERS = 4_096


def nearest(word: str, candidates: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Return the nearest candidates of a list that is asked once, as `Candidates` does."""
    return Candidates(candidates).nearest(word, most)


class _Purse:
    """How many letters `did_you_mean` may still compare."""

    def __init__(self, letters: int) -> None:
        self.letters = letters

    def pay(self, letters: int) -> bool:
        """Take out what a comparison costs; tell whether it was there."""
        self.letters -= letters
        return self.letters >= 0


# Enough for hundreds of slips in a manifest of a hundred names, and for dozens among a thousand.
MAX_LETTERS = 1_000_000

_FAR = sys.maxsize

_purse: ContextVar[_Purse | None] = ContextVar("purse", default=None)


@contextmanager
def few_hints(letters: int = MAX_LETTERS) -> Iterator[None]:
    """Bound what `did_you_mean` may compare in here; when that is spent, it has no idea.

    A hint is a courtesy. Thousands of unknown names among thousands of known ones would take
    minutes, for hints that a report does not even show.
    """
    token = _purse.set(_Purse(letters))
    try:
        yield
    finally:
        _purse.reset(token)


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Return the question for the nearest candidate, or None where none is near.

    The same candidate as `nearest` has first, as long as there is something in the purse of
    `few_hints`.

    >>> did_you_mean("minmax", ["minimax", "zai"])
    'did you mean "minimax"?'
    """
    purse = _purse.get() or _Purse(MAX_LETTERS)
    found, best, lowered = None, _FAR, ascii_lower(word)
    for candidate in candidates:
        reach = min(farthest(len(word), len(candidate)), best - 1)
        if not purse.pay(1 + len(candidate)):
            return None
        if abs(len(word) - len(candidate)) > reach:
            continue
        other = ascii_lower(candidate)
        if _missing(lowered, other) > reach or not purse.pay(len(word) * len(candidate)):
            continue
        score = distance(lowered, other, reach)
        if score <= reach:
            found, best = candidate, score
    return f'did you mean "{found}"?' if found is not None else None
