"""The proofs, against brute force: every string up to length 6, for thousands of pattern sets.

The patterns themselves are asked, through `re2`, which knows nothing of prefix rules. A set of
ids is an integer, one bit an id, the shortest ids in the lowest bits: what patterns share is
then an `&`, and the shortest id of a set is its lowest bit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import pytest

from codegen.checks import arms, overlaps, shadows
from codegen.diagnostics import Diagnostic
from codegen.ir import Registry
from codegen.parse import parse
from codegen.patterns import PatternError, compile_pattern
from codegen.proofs import Claims, Contest
from codegen.re2 import matches
from codegen.routing import trim
from codegen.source import Source
from codegen.syntax import compose
from tests.strategies import Json, manifest, provider

SETS = 2_500
LONGEST = 6

# Every form of each letter that patterns name, or brute force would not see how a spelling
# escapes: a letter with two forms, one with one, one that is trimmed; and one with three forms.
# No pattern names z.
ALPHABETS = ("aA1z ", "kK\u212az")
NAMES = ("X", "Y", "Z")


@cache
def _ids(alphabet: str) -> tuple[str, ...]:
    sizes = range(1, LONGEST + 1)
    return tuple("".join(text) for size in sizes for text in product(alphabet, repeat=size))


def _bits(alphabet: str, holds: Callable[[str], bool]) -> int:
    flags = ["1" if holds(text) else "0" for text in reversed(_ids(alphabet))]
    return int("".join(flags), 2)


@cache
def _nameable(alphabet: str) -> int:
    """The strings that are ids: what a request is trimmed to."""
    return _bits(alphabet, lambda text: trim(text) == text)


@cache
def _matched(alphabet: str, pattern: str) -> int:
    return _bits(alphabet, lambda text: matches(pattern, text)) & _nameable(alphabet)


def _bit(alphabet: str, model: str) -> int:
    return 1 << _ids(alphabet).index(model)


def _shortest(alphabet: str, ids: int) -> str | None:
    return _ids(alphabet)[(ids & -ids).bit_length() - 1] if ids else None


def _literal(rng: random.Random, letters: str) -> str:
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, 3)))


def _pattern(rng: random.Random, letters: str) -> str:
    parts = [_literal(rng, letters) + rng.choice(["", "", "$"]) for _ in range(rng.randint(1, 3))]
    return rng.choice(["^({})", "(?i)^({})"]).format("|".join(parts))


def _is_accepted(pattern: str) -> bool:
    try:
        return bool(compile_pattern(pattern))
    except PatternError:
        return False


@cache
def _pool(alphabet: str) -> tuple[str, ...]:
    """Patterns over all letters but the one that stays unnamed, few enough to be asked once."""
    rng = random.Random(f"patterns over {alphabet}")
    letters = alphabet.replace("z", "")
    drawn = sorted({_pattern(rng, letters) for _ in range(400)})
    return tuple(pattern for pattern in drawn if _is_accepted(pattern))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Arms of one runtime: a pattern, names and listed ids each."""

    alphabet: str
    patterns: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    listed: tuple[tuple[str, ...], ...]

    @property
    def matched(self) -> list[int]:
        return [_matched(self.alphabet, pattern) for pattern in self.patterns]

    @property
    def taken(self) -> int:
        models = {model for each in self.listed for model in each}
        return sum(_bit(self.alphabet, model) for model in models)

    def contest(self) -> Contest:
        rules = [compile_pattern(pattern) for pattern in self.patterns]
        return Contest(rules, self.names, {m: m for each in self.listed for m in each})


def _draw(rng: random.Random, alphabet: str) -> Drawn:
    count = rng.randint(2, 4)
    models = [text for text in _ids(alphabet)[:600] if trim(text) == text]
    return Drawn(
        alphabet=alphabet,
        patterns=tuple(rng.choice(_pool(alphabet)) for _ in range(count)),
        names=tuple(tuple(rng.sample(NAMES, rng.randint(0, 2))) for _ in range(count)),
        listed=tuple(tuple(rng.sample(models, rng.randint(0, 3))) for _ in range(count)),
    )


@cache
def _sets(alphabet: str) -> tuple[Drawn, ...]:
    rng = random.Random(f"sets over {alphabet}")
    return tuple(_draw(rng, alphabet) for _ in range(SETS))


def _all_sets() -> Iterator[Drawn]:
    for alphabet in ALPHABETS:
        yield from _sets(alphabet)


# the laws


def test_overlap_is_found_exactly_where_there_is_one_with_a_shortest_witness() -> None:
    checked = shared = 0
    for drawn in _all_sets():
        overlapping = drawn.contest().claims.overlaps()
        for pair in combinations(range(len(drawn.patterns)), 2):
            one, two = (drawn.matched[index] for index in pair)
            want = _shortest(drawn.alphabet, one & two)
            found = overlapping.get(pair)
            assert (found is None) == (want is None), (drawn, pair)
            if found is not None and want is not None:
                assert len(found) == len(want), (drawn, pair)
                assert trim(found) == found
                assert all(matches(drawn.patterns[index], found) for index in pair)
                shared += 1
            checked += 1
    assert checked > 2 * SETS
    assert checked > shared > SETS // 2


def test_owners_of_an_id_are_those_whose_patterns_match_it() -> None:
    rng = random.Random("ids to ask about")
    for drawn in _all_sets():
        claims = drawn.contest().claims
        for model in rng.sample(_ids(drawn.alphabet), 5):
            want = {i for i, pattern in enumerate(drawn.patterns) if matches(pattern, model)}
            assert claims.of(model) == want, (drawn, model)


def _name_sets() -> Iterator[frozenset[str]]:
    for size in range(len(NAMES) + 1):
        yield from map(frozenset, combinations(NAMES, size))


def _chosen(candidates: Sequence[int], drawn: Drawn, given: frozenset[str]) -> int | None:
    """Choose as the specification says: the only one, else the only one that the names meet."""
    if len(candidates) == 1:
        return candidates[0]
    met = [index for index in candidates if given & set(drawn.names[index])]
    return met[0] if len(met) == 1 else None


def _winners(drawn: Drawn) -> set[int]:
    """Return the arms that are the answer for some unlisted id and some names, by brute force."""
    winners: set[int] = set()
    everyone = range(len(drawn.patterns))
    for size in range(1, len(drawn.patterns) + 1):
        for owners in combinations(everyone, size):
            ids = _nameable(drawn.alphabet) & ~drawn.taken
            for index in everyone:
                ids &= drawn.matched[index] if index in owners else ~drawn.matched[index]
            if ids:
                winners |= {w for s in _name_sets() if (w := _chosen(owners, drawn, s)) is not None}
    return winners


def test_arm_can_win_exactly_where_some_id_and_some_names_choose_it() -> None:
    never = 0
    for drawn in _all_sets():
        contest, winners = drawn.contest(), _winners(drawn)
        for index in range(len(drawn.patterns)):
            assert contest.can_win(index) == (index in winners), (drawn, index)
            never += index not in winners
    assert never > SETS // 5


def test_pattern_has_open_ids_exactly_where_no_list_decides_one_of_them() -> None:
    spent = 0
    for drawn in _all_sets():
        contest = drawn.contest()
        for index, matched in enumerate(drawn.matched):
            assert contest.has_open(index) == bool(matched & ~drawn.taken), (drawn, index)
            spent += not matched & ~drawn.taken
    assert spent > SETS // 100


def test_arm_has_an_id_of_its_own_exactly_where_no_other_pattern_and_no_list_claims_one() -> None:
    without = 0
    for drawn in _all_sets():
        contest = drawn.contest()
        for index, matched in enumerate(drawn.matched):
            own = matched & ~drawn.taken
            for other, rival in enumerate(drawn.matched):
                own &= ~rival if other != index else own
            assert contest.has_own(index) == bool(own), (drawn, index)
            without += not own
    assert without > SETS // 5


def test_arm_is_separable_exactly_where_some_names_choose_it() -> None:
    for drawn in _all_sets():
        contest = drawn.contest()
        everyone = tuple(range(len(drawn.patterns)))
        for index in everyone:
            chosen = any(_chosen(everyone, drawn, given) == index for given in _name_sets())
            assert contest.is_separable(index, everyone) == chosen, (drawn, index)


# the checks


def _registry(drawn: Drawn, examples: Sequence[Sequence[str]] | None = None) -> Registry:
    """Build the manifest of a set, without the checks, some of which are the subject here."""
    names = [f"p{index}" for index in range(len(drawn.patterns))]
    rows = zip(names, drawn.patterns, drawn.names, strict=True)
    entries = [provider(name, pattern, auth_env=list(env)) for name, pattern, env in rows]
    for entry, ids in zip(entries, examples or (), strict=False):
        entry["examples"] = list(dict.fromkeys(ids))
    listing: list[Json] = [
        {"name": name, "models": list(models)}
        for name, models in zip(names, drawn.listed, strict=True)
    ]
    source = Source(path="m.yaml", text=manifest(entries, {"agent": {"providers": listing}}))
    root, _ = compose(source)
    assert root is not None
    registry, faults = parse(source, root)
    assert faults == ()
    return registry


def _at(registry: Registry, found: Sequence[Diagnostic]) -> list[int]:
    """Return which arms findings point at, by the place of the arm's name."""
    places = {arm.provider.span: i for i, arm in enumerate(registry.runtimes[0].arms)}
    return sorted(places[diagnostic.span] for diagnostic in found)


def test_overlapping_arms_are_reported_once_a_pair_with_the_right_weight() -> None:
    for drawn in _all_sets():
        registry = _registry(drawn)
        errors, warnings = list[int](), list[int]()
        for one, two in combinations(range(len(drawn.patterns)), 2):
            if drawn.matched[one] & drawn.matched[two]:
                told_apart = any(
                    _chosen((one, two), drawn, given) is not None for given in _name_sets()
                )
                (warnings if told_apart else errors).append(two)
        assert _at(registry, list(overlaps.inseparable_arms(registry))) == sorted(errors)
        assert _at(registry, list(overlaps.overlapping_arms(registry))) == sorted(warnings)


def test_shadowed_ids_are_reported_once_for_each_pair_of_arms() -> None:
    for drawn in _all_sets():
        registry = _registry(drawn)
        want = [
            owner
            for owner, models in enumerate(drawn.listed)
            for rival, pattern in enumerate(drawn.patterns)
            if owner != rival and any(matches(pattern, model) for model in models)
        ]
        assert _at(registry, list(shadows.shadowed_listing(registry))) == sorted(want)


def _never_chosen(drawn: Drawn) -> Iterator[tuple[int, int]]:
    """Yield (first, later) arms that list an id for which no names choose the later."""
    for model in {model for models in drawn.listed for model in models}:
        listers = [index for index, models in enumerate(drawn.listed) if model in models]
        for later in listers[1:]:
            if not any(_chosen(listers, drawn, given) == later for given in _name_sets()):
                yield listers[0], later


def _crowded(drawn: Drawn) -> Drawn:
    """Let all arms list from few ids, so that they tie."""
    few = drawn.alphabet[:2]
    listed = tuple(tuple(few[: 1 + index % 2]) for index in range(len(drawn.patterns)))
    return Drawn(alphabet=drawn.alphabet, patterns=drawn.patterns, names=drawn.names, listed=listed)


def test_tie_that_no_names_settle_is_reported_for_the_arm_that_never_wins() -> None:
    reported = 0
    for drawn in map(_crowded, _all_sets()):
        registry = _registry(drawn)
        found = list(shadows.inseparable_listing(registry))
        assert _at(registry, found) == sorted(later for _, later in set(_never_chosen(drawn)))
        reported += len(found)
    assert reported > SETS // 2


def test_dead_pattern_is_reported_exactly_where_no_id_reaches_the_arm() -> None:
    reported = 0
    for drawn in _all_sets():
        registry = _registry(drawn)
        winners = _winners(drawn)
        dead = []
        for index, matched in enumerate(drawn.matched):
            own = [model for model in drawn.listed[index] if matches(drawn.patterns[index], model)]
            is_spent = not matched & ~drawn.taken
            is_alive = bool(own) if is_spent else index in winners
            if drawn.listed[index] and not is_alive:
                dead.append(registry.providers[index].pattern.text.span)
        found = [diagnostic.span for diagnostic in arms.dead_pattern(registry)]
        assert found == dead, drawn
        reported += len(found)
    assert reported > SETS // 10


def _reaches(drawn: Drawn, index: int, model: str) -> bool:
    """Tell by brute force whether some names route an id to an arm."""
    listers = [i for i, models in enumerate(drawn.listed) if model in models]
    if listers:
        chosen = {_chosen(listers, drawn, given) for given in _name_sets()}
        return index in chosen or index == listers[0]
    owners = [i for i, pattern in enumerate(drawn.patterns) if matches(pattern, model)]
    return any(_chosen(owners, drawn, given) == index for given in _name_sets())


def test_example_is_reported_exactly_where_no_names_route_it_to_its_provider() -> None:
    rng = random.Random("examples")
    reported = 0
    for drawn in _all_sets():
        listed = [model for models in drawn.listed for model in models]
        some = [*rng.sample(listed, min(2, len(listed))), *rng.sample(_ids(drawn.alphabet)[:60], 4)]
        examples = [[m for m in some if matches(p, m) and trim(m) == m] for p in drawn.patterns]
        registry = _registry(drawn, examples)
        want = [
            example.span
            for index, entry in enumerate(registry.providers)
            for example in entry.examples
            if not _reaches(drawn, index, example)
        ]
        assert [found.span for found in arms.unreachable_example(registry)] == want, drawn
        reported += len(want)
    assert reported > SETS // 10


# by hand

PAIRS = [
    ("^a", "^ab", "ab"),
    ("^a", "^b", None),
    ("(?i)^ab", "^aB", "aB"),
    ("(?i)^ab$", "^AB", "AB"),
    ("^ab$", "^abc", None),
    ("^k$", "(?i)^K$", "k"),
    ("^\u212a", "(?i)^k", "\u212a"),
    ("^", "^$", None),
    ("^", "^", "x"),
    ("^a ", "^a", "a x"),
    ("^a $", "^a", None),
    ("^ a", "^ ", None),
]


@pytest.mark.parametrize(("one", "two", "witness"), PAIRS)
def test_shortest_shared_id_of_two_patterns(one: str, two: str, witness: str | None) -> None:
    found = Claims([compile_pattern(one), compile_pattern(two)]).overlaps()
    assert found.get((0, 1)) == witness


def test_overlaps_of_very_many_arms_are_bounded() -> None:
    rules = compile_pattern("^a")
    assert 0 < len(Claims([rules] * 5_000).overlaps()) <= 10_001


def test_a_literal_may_be_longer_than_the_stack_is_deep() -> None:
    rules = [compile_pattern(p) for p in ("(?i)^" + "a" * 3_000, "^a", "^A" + "a" * 2_999)]
    assert Contest(rules, [["A"], ["B"], ["C"]], []).has_own(0)
    both = [rules[0], compile_pattern("^a"), compile_pattern("^A")]
    assert not Contest(both, [["A"], ["B"], ["C"]], []).has_own(0)
