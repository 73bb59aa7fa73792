"""The nearest of a list of words: all at once must be what one by one is by definition."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.distances import Words
from codegen.nearest import Candidates, ascii_lower, distance

# Few letters, so that swaps and repeats abound; both cases, and letters outside ASCII.
LETTERS = "abAB-é\u212a😀"
SHORT = st.text(alphabet=LETTERS, max_size=7)
# Lengths at which words change the width of their lane, and beyond those that fit into a byte.
LONG = st.builds(
    lambda letters, size: (letters * size)[:size],
    st.text(alphabet="ab-", min_size=1, max_size=9),
    st.sampled_from([15, 16, 30, 31, 32, 33, 63, 64, 65, 127, 128, 254, 255, 256, 257, 300]),
)
WORDS = SHORT | LONG


def defined(left: str, right: str) -> int:
    """Return the distance as its definition has it, from the ends of both words."""

    @cache
    def of(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        steps = [
            of(i - 1, j) + 1,
            of(i, j - 1) + 1,
            of(i - 1, j - 1) + (left[i - 1] != right[j - 1]),
        ]
        if i > 1 and j > 1 and left[i - 2 : i] == right[j - 2 : j][::-1]:
            steps.append(of(i - 2, j - 2) + 1)
        return min(steps)

    for i in range(len(left)):
        of(i, min(i, len(right)))
    return of(len(left), len(right))


def plainly(word: str, words: list[str]) -> tuple[str, ...]:
    """Return the nearest as the specification says it, word by word."""
    scored = []
    for order, other in enumerate(words):
        limit = max(2, max(len(word), len(other)) // 3)
        score = distance(ascii_lower(word), ascii_lower(other), limit)
        if score <= limit:
            scored.append((score, order, other))
    return tuple(other for _, _, other in sorted(scored)[:3])


@given(SHORT, SHORT)
@settings(max_examples=1_000, deadline=None)
def test_distance_is_as_defined(left: str, right: str) -> None:
    wanted = defined(left, right)
    assert distance(left, right, 99) == wanted
    for limit in range(wanted):
        assert distance(left, right, limit) > limit


@given(WORDS, st.lists(WORDS, max_size=12))
@settings(max_examples=1_000, deadline=None)
def test_nearest_of_a_list_are_those_that_are_nearest_one_by_one(
    word: str, words: list[str]
) -> None:
    candidates = Candidates(words)
    assert candidates.nearest(word) == plainly(word, words)
    assert candidates.nearest(word) == plainly(word, words), "an answer that is remembered"
    assert candidates.nearest(word, most=1) == plainly(word, words)[:1]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_slips_in_long_words_are_found(data: st.DataObject) -> None:
    """Words that are really near, since two that are drawn apart seldom are."""
    words = data.draw(st.lists(LONG, min_size=1, max_size=6))
    slipped = list(data.draw(st.sampled_from(words)))
    for _ in range(data.draw(st.integers(min_value=0, max_value=3))):
        at = data.draw(st.integers(min_value=0, max_value=len(slipped) - 2))
        slipped[at : at + 2] = data.draw(
            st.sampled_from([slipped[at : at + 2][::-1], ["x"], [*slipped[at : at + 2], "b"]])
        )
    word = "".join(slipped)
    assert Candidates(words).nearest(word) == plainly(word, words)


@pytest.mark.parametrize("word", ["", "a", "ab"])
@pytest.mark.parametrize("words", [[], [""], ["", "abc"]])
def test_words_of_no_letters_have_distances_too(word: str, words: list[str]) -> None:
    assert Candidates(words).nearest(word) == plainly(word, words)


def test_many_words_are_near_in_their_order() -> None:
    words = [f"model-{number}" for number in range(3_000)]
    assert (
        list(Words(words).near("model-30x"))
        == sorted(range(3_000), key=lambda order: (defined("model-30x", words[order]), order))[
            : sum(defined("model-30x", word) <= 3 for word in words)
        ]
    )
    assert Candidates(words).nearest("mdoel-2999") == ("model-2999", "model-299", "model-999")


def test_ties_between_words_of_unlike_length_are_in_their_order() -> None:
    """One letter apart from the word, and some of them wider than a lane of the narrowest."""
    words = ["m" * 32, "m" * 30, "m" * 32 + "x", "x" + "m" * 30, "m" * 31 + "x"]
    assert Candidates(words).nearest("m" * 31) == plainly("m" * 31, words)
    assert Candidates(words[::-1]).nearest("m" * 31) == plainly("m" * 31, words[::-1])
