"""The regions of a comparison, against the reference: an id moves exactly where one holds it.

The reference is asked about every id by itself; it knows nothing of prefixes, cells or regions.
Pairs of manifests are drawn apart from each other, and one made from the other by small edits.
"""

from __future__ import annotations

import random
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
from codegen.patterns import fold, forms
from codegen.routing import RefusalError, trace
from codegen.source import Source
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
RUNTIME = "agent"


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
        # All sets of few names; of the others, the one of all names.
        sizes = (0, 1, 2, 3, len(names))
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


def _weight(was: Answer, goes: Answer) -> Impact | None:
    """Weigh one pair of answers as docs/diff.md says."""
    if was == goes:
        return None
    if not _payer(was):
        return Impact.COMPATIBLE
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
    weights = {_weight(one, two) for one, two in zip(was, goes, strict=True)} - {None}
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


def _arm(rng: random.Random, data: Json) -> Json:
    arm: Json = rng.choice(data["runtimes"][RUNTIME]["providers"])
    return arm


def _other_pattern(rng: random.Random, data: Json) -> None:
    rng.choice(data["providers"])["model_prefix_match"] = rng.choice(_patterns(400))


def _one_more_branch(rng: random.Random, data: Json) -> None:
    entry = rng.choice(data["providers"])
    branch = "".join(rng.choices("akKsS", k=rng.randint(1, 4))) + rng.choice(["", "$"])
    sign = rng.choice(["^", "(?i)^"])
    entry["model_prefix_match"] = f"(?:{entry['model_prefix_match']})|{sign}{branch}"


def _any_case(rng: random.Random, data: Json) -> None:
    entry = rng.choice(data["providers"])
    entry["model_prefix_match"] = "(?i)" + entry["model_prefix_match"]


def _swapped_patterns(rng: random.Random, data: Json) -> None:
    one, two = rng.choices(data["providers"], k=2)
    key = "model_prefix_match"
    one[key], two[key] = two[key], one[key]


def _other_names(rng: random.Random, data: Json) -> None:
    entry = rng.choice(data["providers"])
    if entry["name"] != "platform":
        own = [name for name in entry["auth_env"] if name.startswith("OWN_")]
        entry["auth_env"] = [*rng.sample(ENV_NAMES, rng.randint(0, 2)), *own]


def _fewer_arms(rng: random.Random, data: Json) -> None:
    arms = data["runtimes"][RUNTIME]["providers"]
    if len(arms) > 1:
        arms.remove(rng.choice(arms))


def _other_order(rng: random.Random, data: Json) -> None:
    rng.shuffle(data["runtimes"][RUNTIME]["providers"])


def _listed_elsewhere(rng: random.Random, data: Json) -> None:
    one, two = _arm(rng, data), _arm(rng, data)
    model = rng.choice(one["models"])
    if model not in two["models"]:
        two["models"].append(model)
        if rng.random() < 0.5 and len(one["models"]) > 1:
            one["models"].remove(model)


def _off_the_menu(rng: random.Random, data: Json) -> None:
    arm = _arm(rng, data)
    if len(arm["models"]) > 1:
        model = arm["models"].pop()
        if rng.random() < 0.6:
            arm["withdrawn_models"].append(model)


def _restored(rng: random.Random, data: Json) -> None:
    arm = _arm(rng, data)
    if arm["withdrawn_models"]:
        model = arm["withdrawn_models"].pop()
        if rng.random() < 0.6:
            arm["models"].append(model)


def _renamed(rng: random.Random, data: Json) -> None:
    names = {entry["name"] for entry in data["providers"]}
    free = sorted(set(NAMES) - {"platform"} - names)
    entry, fresh = rng.choice(data["providers"]), rng.choice(free) if free else None
    if fresh is None or entry["name"] == "platform":
        return
    for arm in data["runtimes"][RUNTIME]["providers"]:
        arm["name"] = fresh if arm["name"] == entry["name"] else arm["name"]
    entry["name"] = fresh


EDITS: list[Edit] = [
    _other_pattern,
    _one_more_branch,
    _any_case,
    _swapped_patterns,
    _other_names,
    _fewer_arms,
    _other_order,
    _listed_elsewhere,
    _off_the_menu,
    _restored,
    _renamed,
]


def _edited(rng: random.Random, text: str) -> str:
    data = yaml.safe_load(text)
    for edit in rng.choices(EDITS, k=rng.randint(1, 3)):
        edit(rng, data)
    return manifest(data["providers"], data["runtimes"])


def near_pairs(rng: random.Random) -> Iterator[tuple[Registry, Registry]]:
    """Yield pairs of which one is the other after one to three edits."""
    texts = _drawn(400)
    while True:
        text = rng.choice(texts)
        old, new = _registry(text), _registry(_edited(rng, text))
        if old is not None and new is not None:
            yield (old, new) if rng.random() < 0.5 else (new, old)


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


KINDS = {"near": near_pairs, "far": far_pairs}


@pytest.mark.parametrize("kind", KINDS)
def test_id_moves_exactly_where_a_region_holds_it(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = checked(KINDS[kind](random.Random(kind)), WANTED // 2 + 10_000, kind)
    with capsys.disabled():
        print(f"\n{kind}: {tally}")
    assert tally.moved > tally.ids // 20
    assert tally.ids - tally.moved > tally.ids // 20
    assert tally.cut > tally.pairs // 20
