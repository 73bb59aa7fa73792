"""Optimal string alignment distance, and the nearest of a list of words."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

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


def _limit(word: str, candidate: str) -> int:
    return max(2, max(len(word), len(candidate)) // 3)


def _scored(word: str, candidates: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    lowered = ascii_lower(word)
    for order, candidate in enumerate(candidates):
        limit = _limit(word, candidate)
        other = ascii_lower(candidate)
        if abs(len(word) - len(candidate)) > limit or _missing(lowered, other) > limit:
            continue
        score = distance(lowered, other, limit)
        if score <= limit:
            yield score, order, candidate


def nearest(word: str, candidates: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Return at most `most` candidates, nearest first, ties in the given order.

    A candidate counts when its distance to `word`, both in ASCII lower case, is not
    above max(2, a third of the longer length rounded down) (semantics: `suggest_models`).

    >>> nearest("depricated", ["deprecated", "tooltip"])
    ('deprecated',)
    """
    known = _answers(tuple(candidates))
    if (word, most) not in known:
        if len(known) >= _MAX_ANSWERS:
            known.clear()
        scored = sorted(_scored(word, candidates))[:most]
        known[word, most] = tuple(candidate for _, _, candidate in scored)
    return known[word, most]


_MAX_ANSWERS = 4_096


# Every function that refuses an id offers the same words for it. The answers lie with the
# candidates, of which there are few and long lists, and not a list with each answer.
@lru_cache(maxsize=64)
def _answers(candidates: tuple[str, ...]) -> dict[tuple[str, int], tuple[str, ...]]:
    return {}


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
        limit = min(_limit(word, candidate), best - 1)
        if not purse.pay(1 + len(candidate)):
            return None
        if abs(len(word) - len(candidate)) > limit:
            continue
        other = ascii_lower(candidate)
        if _missing(lowered, other) > limit or not purse.pay(len(word) * len(candidate)):
            continue
        score = distance(lowered, other, limit)
        if score <= limit:
            found, best = candidate, score
    return f'did you mean "{found}"?' if found is not None else None
