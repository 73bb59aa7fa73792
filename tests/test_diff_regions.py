"""The regions of a comparison, against the reference: an id moves exactly where one holds it.

The reference is asked about every id by itself; it knows nothing of prefixes, cells or regions.
Pairs of manifests are drawn apart from each other, and one made from the other by small edits.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import pytest
import yaml

from codegen import pipeline
from codegen.comparison import Change, Comparison, Impact, compare
from codegen.comparison.outcomes import Outcome, Scope
from codegen.ir import Registry, Runtime
from codegen.patterns import PatternError, compile_pattern, fold, forms
from codegen.routing import RefusalError, trace, trim
from codegen.source import Source
from tests.builds import EVERYTHING, MANIFEST
from tests.strategies import (
    ENV_NAMES,
    NAMES,
    Json,
    drawn,
    manifest,
    patterns,
    routed_manifests,
)

WANTED = 200_000
MANY = 8


# the reference


Answer = tuple[str, ...]


class Reference:
    """What the reference decides on one runtime, for all sets of names, pinned or not."""

    def __init__(self, registry: Registry, runtime: str, names: Sequence[str]) -> None:
        self.registry = registry
        self.runtime = runtime
        found = registry.runtime(runtime)
        arms = found.arms if found is not None else ()
        self.gone = {gone.id for arm in arms for gone in arm.withdrawn}
        self.menu = {model for arm in arms for model in arm.models}
        # Of many names, sets of few.
        sizes = (0, 1, 2, 3, len(names)) if len(names) <= MANY else (0, 1, 2)
        self.sets = [given for size in sizes for given in combinations(sorted(names), size)]
        self._known: dict[object, tuple[Answer, ...]] = {}

    def answer(self, model: str, given: Sequence[str], pinned: bool) -> Answer:
        """Return what an id comes to: a provider behind "", or the code of a refusal."""
        end = trace(self.registry, self.runtime, model, given, pinned=pinned).outcome
        if isinstance(end, RefusalError):
            return (end.code.value, *end.candidates)
        return ("", str(end.provider.name))

    def ask(self, model: str) -> tuple[Answer, ...]:
        """Return every answer about an id, afresh."""
        return tuple(
            self.answer(model, given, pinned) for given in self.sets for pinned in (False, True)
        )

    def lists(self, model: str) -> bool:
        """Tell whether some list decides an id."""
        return trim(model) in self.gone | self.menu

    def answers(self, model: str) -> tuple[Answer, ...]:
        """Return every answer about an id; ids that take the same steps are asked about once."""
        steps = trace(self.registry, self.runtime, model, pinned=True)
        key = (
            steps.trimmed in self.gone,
            steps.trimmed == "",
            tuple(p.name for _, p in steps.listed),
            tuple(p.name for _, p in steps.matched),
        )
        if key not in self._known:
            self._known[key] = self.ask(model)
        return self._known[key]


# ids near everything that either side names


def _texts(*runtimes: tuple[Registry, Runtime]) -> set[str]:
    texts: set[str] = set()
    for registry, runtime in runtimes:
        for arm, owner in registry.arms(runtime):
            texts.update(rule.literal for rule in owner.pattern.rules)
            texts.update(map(str, arm.models))
            texts.update(str(gone.id) for gone in arm.withdrawn)
            texts.update(map(str, (*owner.examples, *owner.model_aliases)))
    return texts


def _respelled(rng: random.Random, text: str) -> Iterator[str]:
    """Yield a text with each letter in each of its forms, and in some mixtures of them."""
    folded = fold(text)
    rows = [forms(char) if char.isascii() and char.isalpha() else (char,) for char in folded]
    size = 1
    for row in rows:
        size *= len(row)
    if size <= 48:
        yield from map("".join, product(*rows))
        return
    for _ in range(24):
        yield "".join(rng.choice(row) for row in rows)


TAILS = ["x", "-", "a", "K", "s", "\u017f", "\u212a", "\n", "é", "0", "1x"]


def ids_near(rng: random.Random, texts: set[str], alphabet: str, most: int) -> list[str]:
    """Return texts, and at most so many ids around them: cut, continued, respelled, surrounded."""
    near = set(texts)
    for text in sorted(texts):
        near.update(text[:size] for size in range(len(text)))
        near.update(text + tail for tail in TAILS)
    for text in sorted(near):
        near.update(_respelled(rng, text))
    near.update("".join(rng.choices(alphabet, k=rng.randint(1, 8))) for _ in range(60))
    near.update(
        rng.choice([" {}", "{}\n", "\u3000{}\u2028"]).format(text) for text in sorted(texts)
    )
    rest = sorted(near - texts)
    return [*sorted(texts), *rng.sample(rest, min(len(rest), most))]


# the law


@dataclass(slots=True)
class Tally:
    """How much was checked; `cut` counts the regions that something is cut out of."""

    pairs: int = 0
    ids: int = 0
    moved: int = 0
    regions: int = 0
    cut: int = 0
    asked_twice: int = 0


def assert_lawful(
    old: Registry, new: Registry, rng: random.Random, most: int, tally: Tally
) -> None:
    """Compare two registries, and ask the reference about every id near what they name."""
    comparison = compare(old, new)
    tally.pairs += 1
    for name in {runtime.name for each in (old, new) for runtime in each.runtimes}:
        _assert_runtime(old, new, str(name), comparison, rng, most, tally)


def _assert_runtime(
    old: Registry,
    new: Registry,
    runtime: str,
    comparison: Comparison,
    rng: random.Random,
    most: int,
    tally: Tally,
) -> None:
    moving = [
        (region, change)
        for change in comparison.changes
        if change.runtime == runtime
        for region in change.regions
    ]
    sides = [(each, found) for each in (old, new) if (found := each.runtime(runtime)) is not None]
    names = sorted(
        {str(n) for each, found in sides for _, p in each.arms(found) for n in p.auth_env}
    )
    before, after = Reference(old, runtime, names), Reference(new, runtime, names)
    near = ids_near(rng, _texts(*sides), "akKsS-\u212a\u017f\nx/1", most)
    ids = near + [region.witness for region, _ in moving]
    held: set[int] = set()
    told: set[object] = set()
    for number, model in enumerate(ids):
        was, goes = before.answers(model), after.answers(model)
        if number % 97 == 0:
            assert (before.ask(model), after.ask(model)) == (was, goes)
            tally.asked_twice += 1
        holding = [index for index, (region, _) in enumerate(moving) if region.holds(model)]
        assert len(holding) == (was != goes), (model, runtime, holding)
        for index in holding:
            held.add(index)
            if (index, was, goes) not in told:
                told.add((index, was, goes))
                _assert_told(moving[index][1], model, was, goes, before, after)
        tally.moved += was != goes
    assert len(held) == len(moving)
    tally.ids += len(ids)
    tally.regions += len(moving)
    tally.cut += sum(bool(region.without) for region, _ in moving)


def _payer(answer: Answer) -> str:
    return "" if answer[0] else "platform" if answer[1] == "platform" else "byok"


def _weight(was: Answer, goes: Answer, is_listed: bool) -> Impact | None:
    """Weigh one pair of answers as docs/diff.md says; `is_listed` is about the new side."""
    if was == goes:
        return None
    if not _payer(was):
        is_open = _payer(goes) == "platform" and not is_listed
        return Impact.BILLING if is_open else Impact.COMPATIBLE
    return Impact.BILLING if _payer(goes) not in ("", _payer(was)) else Impact.BREAKING


def _assert_told(
    change: Change,
    model: str,
    was: tuple[Answer, ...],
    goes: tuple[Answer, ...],
    before: Reference,
    after: Reference,
) -> None:
    """The impact is the gravest of any set of names, and each movement is as it is told."""
    is_listed = after.lists(model)
    weights = {_weight(one, two, is_listed) for one, two in zip(was, goes, strict=True)} - {None}
    if change.key == "route":
        assert change.impact.rank == min(weight.rank for weight in weights if weight is not None)
    for movement in change.movements:
        for given in movement.given:
            for pinned in PINS[movement.scope]:
                told = _told(movement.before), _told(movement.after)
                asked = (before, after)
                assert told == tuple(each.answer(model, given, pinned) for each in asked)


PINS = {Scope.ALL: (False, True), Scope.NEW: (False,), Scope.PINNED: (True,)}


def _told(end: Outcome) -> Answer:
    return ("", end.provider) if end.refusal is None else (end.refusal.value, *end.candidates)  # type: ignore[return-value]


# pairs


def _registry(text: str) -> Registry | None:
    return pipeline.load_source(Source(path="manifest.yaml", text=text)).registry


@cache
def _drawn(count: int) -> tuple[str, ...]:
    return tuple(text for text in drawn(routed_manifests(), count) if _registry(text) is not None)


@cache
def _patterns(count: int) -> tuple[str, ...]:
    return tuple(drawn(patterns(), count))


Edit = Callable[[random.Random, Json], None]


def _arms(rng: random.Random, data: Json) -> list[Json]:
    lists: list[list[Json]] = [runtime["providers"] for runtime in data["runtimes"].values()]
    return rng.choice([arms for arms in lists if arms])


def _patterned(rng: random.Random, data: Json) -> Json:
    entry: Json = rng.choice(data["providers"])
    return entry


def _other_pattern(rng: random.Random, data: Json) -> None:
    _patterned(rng, data)["model_prefix_match"] = rng.choice(_patterns(400))


def _one_more_branch(rng: random.Random, data: Json) -> None:
    entry, other = _patterned(rng, data), _patterned(rng, data)
    drawn_branch = "".join(rng.choices("akKsS", k=rng.randint(1, 4))) + rng.choice(["", "$"])
    near_branch = rng.choice(_literals(other))[: rng.randint(1, 6)]
    branch = rng.choice([drawn_branch, re.escape(near_branch)])
    sign = rng.choice(["^", "(?i)^"])
    entry["model_prefix_match"] = f"(?:{entry['model_prefix_match']})|{sign}{branch}"


def _literals(entry: Json) -> list[str]:
    """Return the literals of a pattern; an edit before this one may have made it none."""
    try:
        return [rule.literal for rule in compile_pattern(entry["model_prefix_match"])]
    except PatternError:
        return ["a"]


def _longer(rng: random.Random, data: Json) -> None:
    entry = _patterned(rng, data)
    entry["model_prefix_match"] = f"(?:{entry['model_prefix_match'].replace('$', '')})[aKs4]"


def _any_case(rng: random.Random, data: Json) -> None:
    entry = _patterned(rng, data)
    entry["model_prefix_match"] = "(?i)" + entry["model_prefix_match"]


def _swapped_patterns(rng: random.Random, data: Json) -> None:
    one, two = rng.choices(data["providers"], k=2)
    key = "model_prefix_match"
    one[key], two[key] = two[key], one[key]


def _other_names(rng: random.Random, data: Json) -> None:
    entry, other = _patterned(rng, data), _patterned(rng, data)
    if "platform" not in (entry["name"], other["name"]):
        own = [name for name in entry["auth_env"] if name.startswith("OWN_")]
        some = sorted({*ENV_NAMES, *other["auth_env"]} - set(own))
        entry["auth_env"] = [*rng.sample(some, rng.randint(0, 2)), *own] or ["A_KEY"]


def _fewer_arms(rng: random.Random, data: Json) -> None:
    arms = _arms(rng, data)
    if len(arms) > 1:
        arms.remove(rng.choice(arms))


def _other_order(rng: random.Random, data: Json) -> None:
    rng.shuffle(_arms(rng, data))


def _listed_elsewhere(rng: random.Random, data: Json) -> None:
    arms = _arms(rng, data)
    one, two = rng.choice(arms), rng.choice(arms)
    for model in rng.sample(one.get("models", []), min(1, len(one.get("models", [])))):
        if model not in two.get("models", []):
            two.setdefault("models", []).append(model)
            if rng.random() < 0.5 and len(one["models"]) > 1:
                one["models"].remove(model)


def _off_the_menu(rng: random.Random, data: Json) -> None:
    arm = rng.choice(_arms(rng, data))
    if len(arm.get("models", [])) > 1:
        model = arm["models"].pop()
        if rng.random() < 0.6:
            arm.setdefault("withdrawn_models", []).append(model)


def _restored(rng: random.Random, data: Json) -> None:
    arm = rng.choice(_arms(rng, data))
    if arm.get("withdrawn_models"):
        model = arm["withdrawn_models"].pop()
        if rng.random() < 0.6:
            arm.setdefault("models", []).append(model if isinstance(model, str) else model["id"])


def _renamed(rng: random.Random, data: Json) -> None:
    free = sorted(set(NAMES) - {"platform"} - {entry["name"] for entry in data["providers"]})
    entry = _patterned(rng, data)
    if not free or entry["name"] == "platform":
        return
    for runtime in data["runtimes"].values():
        for arm in runtime["providers"]:
            arm["name"] = free[0] if arm["name"] == entry["name"] else arm["name"]
    entry["name"] = free[0]


def _other_runtime(rng: random.Random, data: Json) -> None:
    name = rng.choice(list(data["runtimes"]))
    if rng.random() < 0.2:
        data["runtimes"]["renamed"] = data["runtimes"].pop(name)


EDITS: list[Edit] = [
    _other_pattern,
    _one_more_branch,
    _longer,
    _any_case,
    _swapped_patterns,
    _other_names,
    _fewer_arms,
    _other_order,
    _listed_elsewhere,
    _off_the_menu,
    _restored,
    _renamed,
    _other_runtime,
]


def _edited(rng: random.Random, text: str) -> str:
    # A date is a text to the compiler.
    data = json.loads(json.dumps(yaml.safe_load(text), default=str))
    for edit in rng.choices(EDITS, k=rng.randint(1, 3)):
        edit(rng, data)
    more = {
        key: data[key] for key in data if key not in ("schema_version", "providers", "runtimes")
    }
    return manifest(data["providers"], data["runtimes"], **more)


def _pairs_near(rng: random.Random, texts: Sequence[str]) -> Iterator[tuple[Registry, Registry]]:
    while True:
        text = rng.choice(texts)
        old, new = _registry(text), _registry(_edited(rng, text))
        if old is not None and new is not None:
            yield (old, new) if rng.random() < 0.5 else (new, old)


def near_pairs(rng: random.Random) -> Iterator[tuple[Registry, Registry]]:
    """Yield pairs of drawn manifests of which one is the other after one to three edits."""
    return _pairs_near(rng, _drawn(400))


def real_pairs(rng: random.Random) -> Iterator[tuple[Registry, Registry]]:
    """Yield the same of the manifests that people wrote."""
    return _pairs_near(rng, [path.read_text(encoding="utf-8") for path in (MANIFEST, EVERYTHING)])


def far_pairs(rng: random.Random) -> Iterator[tuple[Registry, Registry]]:
    """Yield pairs that have nothing to do with each other."""
    texts = _drawn(400)
    while True:
        old, new = _registry(rng.choice(texts)), _registry(rng.choice(texts))
        assert old is not None
        assert new is not None
        yield old, new


def checked(pairs: Iterator[tuple[Registry, Registry]], wanted: int, seed: str) -> Tally:
    """Check pairs until so many ids were asked about."""
    rng, tally = random.Random(seed), Tally()
    while tally.ids < wanted:
        assert_lawful(*next(pairs), rng, 400, tally)
    return tally


# How the pairs are drawn, and the share of all ids that are checked on them.
KINDS = {"near": (near_pairs, 0.5), "far": (far_pairs, 0.35), "real": (real_pairs, 0.2)}


@pytest.mark.parametrize("kind", KINDS)
def test_id_moves_exactly_where_a_region_holds_it(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, share = KINDS[kind]
    tally = checked(pairs(random.Random(kind)), int(WANTED * share), kind)
    with capsys.disabled():
        print(
            f"\ndiff of {tally.pairs} {kind} pairs: {tally.ids:,} ids asked of the reference, "
            f"{tally.moved:,} moved, each in its one region of {tally.regions:,}"
        )
    assert tally.moved > tally.ids // 50
    assert tally.ids - tally.moved > tally.ids // 50
    assert tally.regions > tally.pairs
    assert tally.cut > 0


def test_shares_come_to_all_ids() -> None:
    assert sum(share for _, share in KINDS.values()) >= 1
