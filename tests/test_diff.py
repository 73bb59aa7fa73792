"""What a comparison tells of each kind of edit, how grave that is, and that it tells all."""

from __future__ import annotations

import gc
import random
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest
from syrupy.assertion import SnapshotAssertion

from codegen import pipeline, review
from codegen.canonical import fingerprint
from codegen.comparison import Comparison, Impact, compare
from codegen.comparison.outcomes import (
    Candidate,
    Outcome,
    Standing,
    Step,
    impact,
    movements,
    outcome,
)
from codegen.ir import Registry
from codegen.parse import parse
from codegen.source import Source, Sources
from codegen.syntax import compose
from tests.builds import EVERYTHING, MANIFEST
from tests.fuzz.hostile import manifest as large
from tests.fuzz.hostile import provider as large_provider

EVERY = EVERYTHING.read_text(encoding="utf-8")
REAL = MANIFEST.read_text(encoding="utf-8")


def parsed(text: str) -> Registry:
    """Read a manifest without the checks, which would refuse some of the edits here."""
    source = Source(path="new.yaml", text=text)
    root, faults = compose(source)
    assert root is not None, faults
    registry, more = parse(source, root)
    assert more == ()
    return registry


def edited(text: str, *pairs: tuple[str, str]) -> str:
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    return text


def told(comparison: Comparison) -> list[str]:
    """Return each change as its impact, its kind, whom it is about, and its key."""
    return [
        f"{c.impact.value} {c.kind.value} {c.runtime or c.provider or '-'} {c.key}"
        for c in comparison.changes
    ]


# one edit, and all that is told of it; the edits are made to tests/manifests/everything.yaml

EDITS: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    "a comment": ([("# Two that overlap", "# Two that do overlap")], []),
    "an id from BYOK to the platform": (
        [
            ("models: [both, two-only]", "models: [both]"),
            ("models: [same/id, platform/model]", "models: [same/id, platform/model, two-only]"),
        ],
        ["billing payer ties route", "cosmetic display ties order of the menu"],
    ),
    "the platform first among two that list an id": (
        [
            (
                "models: [both, one-only, same/id]",
                "models: [both, one-only]",
            ),
        ],
        ["billing payer ties route", "cosmetic display ties order of the menu"],
    ),
    "a pattern that takes ids from nobody": (
        [("'^tie-'", "'^(tie-|bow-)'")],
        ["breaking provider three route", "compatible routable ties route"],
    ),
    "a pattern of the platform that takes ids from nobody": (
        [("'^platform[:/]'", "'^platform[:/_]'")],
        ["billing payer ties route"],
    ),
    "a pattern of the platform that takes ids which another matches": (
        [("'^platform[:/]'", "'^(platform[:/]|tie-)'")],
        ["billing payer ties route", "billing payer ties route"],
    ),
    "a narrower pattern": (
        [("'^tie-'", "'^tie-t'")],
        [
            # In any case "tie-t" is the other's too; so its ids, as written so far, are left to it.
            "breaking provider ties route",
            "breaking provider three route",
            "breaking unroutable ties route",
            "breaking unroutable three route",
        ],
    ),
    "a name that settled a tie goes to the other": (
        [
            ("[TIE_ONE_KEY, TIE_SHARED_KEY]", "[TIE_SHARED_KEY]"),
            ("[TIE_TWO_KEY, TIE_SHARED_KEY,", "[TIE_TWO_KEY, TIE_ONE_KEY, TIE_SHARED_KEY,"),
        ],
        [
            # The id that the platform lists as well: with both tokens it was the first's.
            "billing payer ties route",
            "breaking provider ties route",
            "breaking provider ties route",
            "breaking provider three route",
            "breaking unroutable three route",
            "breaking unroutable three route",
            "breaking credential tie-one auth_env",
            "breaking credential tie-two auth_env",
        ],
    ),
    "an id off the menu that a pattern still takes": (
        [("models: [both, two-only]", "models: [both]"), ("'(?i)^(tie-t", "'(?i)^(two-|tie-t")],
        [
            "breaking provider three route",
            "compatible routable ties route",
            "compatible menu ties removed",
        ],
    ),
    "an id off the menu that nothing takes": (
        [("models: [both, two-only]", "models: [both]")],
        ["breaking unroutable ties route", "breaking menu ties removed"],
    ),
    "an id on the menu": (
        [("models: [both, two-only]", "models: [both, two-only, three-only]")],
        ["compatible routable ties route", "compatible menu ties added"],
    ),
    "an id withdrawn": (
        [
            ("models: [both, two-only]", "models: [both]"),
            ("withdrawn_models: [gone-both]", "withdrawn_models: [gone-both, two-only]"),
        ],
        ["breaking unroutable ties route", "breaking menu ties withdrawn"],
    ),
    "a withdrawn id forgotten": (
        [("          - gone-plain\n", "")],
        ["breaking unroutable ties route", "breaking menu ties forgotten"],
    ),
    "a withdrawn id whose owner changes": (
        [
            ("          - gone-plain\n", ""),
            ("withdrawn_models: [gone-both]", "withdrawn_models: [gone-both, gone-plain]"),
        ],
        ["breaking provider ties route"],
    ),
    "a withdrawn id that the platform owns from now on": (
        [
            ("          - gone-plain\n", ""),
            (
                "models: [same/id, platform/model]",
                "models: [same/id, platform/model]\n        withdrawn_models: [gone-plain]",
            ),
        ],
        ["billing payer ties route"],
    ),
    "a withdrawn id on the menu again": (
        [
            ("          - gone-plain\n", ""),
            ("models: [both, two-only]", "models: [both, two-only, gone-plain]"),
        ],
        # Pinned workspaces went to the one arm, and go to the other.
        ["breaking provider ties route", "compatible menu ties restored"],
    ),
    "other words for a withdrawal": (
        [("""reason: 'it "left"'""", "reason: 'left'")],
        ["cosmetic display ties withdrawn_models"],
    ),
    "the menu in another order": (
        [("[both, one-only, same/id]", "[one-only, both, same/id]")],
        ["cosmetic display ties order of the menu"],
    ),
    "the default model of another provider": (
        [("default_model: both", "default_model: two-only")],
        ["breaking default_model ties default_model"],
    ),
    "the default model of another payer": (
        [("default_model: both", "default_model: platform/model")],
        ["billing default_model ties default_model"],
    ),
    "the default model of the same provider": (
        [("default_model: both", "default_model: one-only")],
        ["compatible default_model ties default_model"],
    ),
    "no default model": (
        [("    default_model: both\n", "")],
        ["breaking default_model ties default_model"],
    ),
    "a first default model": (
        [("  empty:\n", "  empty:\n    default_model: any\n")],
        ["compatible default_model empty default_model"],
    ),
    "a runtime that goes": (
        [("  empty:\n    providers: []\n", "")],
        ["breaking runtime empty removed"],
    ),
    "a runtime that comes": (
        [("  empty:\n", "  vacant:\n    providers: []\n  empty:\n")],
        ["compatible runtime vacant added"],
    ),
    "a provider under another name": (
        [("name: anything", "name: whatever")],
        [
            *["breaking provider three route"] * 4,
            *["breaking provider open route"] * 2,
            "breaking catalog anything removed",
            "compatible catalog whatever added",
        ],
    ),
    "an arm that no id needs": (
        [("  empty:\n    providers: []", "  empty:\n    providers:\n      - name: case-any")],
        ["compatible routable empty route"],
    ),
    "a name more": (
        [("[ANY_KEY]", "[ANY_KEY, MORE_KEY]")],
        [
            "breaking provider three route",
            *["breaking unroutable three route"] * 3,
            "breaking unroutable open route",
            "compatible credential anything auth_env",
        ],
    ),
    "a name more in front": (
        [("[CASE_ANY_KEY]", "[MORE_KEY, CASE_ANY_KEY]")],
        ["breaking unroutable cases route", "breaking credential case-any auth_env"],
    ),
    "another header": (
        [("VENDOR_TOKEN: bearer", "VENDOR_TOKEN: x-api-key")],
        ["breaking credential tie-two header of VENDOR_TOKEN"],
    ),
    "the header of a name that nobody accepts": (
        [("  VENDOR_KEY: x-api-key", "  VENDOR_KEY: x-api-key\n  NOBODY_KEY: bearer")],
        ["cosmetic display - header of NOBODY_KEY"],
    ),
    "another auth token": (
        [("auth_token_env: VENDOR_KEY", "auth_token_env: TIE_TWO_KEY")],
        [
            "breaking credential tie-two auth_token_env",
            "breaking credential tie-two header of TIE_TWO_KEY",
            "breaking credential tie-two header of TIE_SHARED_KEY",
        ],
    ),
    "another way to authenticate": (
        [("auth_mode: wif_adc", "auth_mode: oauth")],
        ["breaking credential case-written auth_mode"],
    ),
    "another base URL": (
        [("https://one.example/v1", "https://eins.example/v1")],
        ["breaking endpoint tie-one base_url_template"],
    ),
    "a second surface": (
        [
            (
                "base_url_template: https://one.example/v1\n    base_url_anthropic: null",
                "base_url_template: https://one.example/v1\n    base_url_anthropic: https://a.example",
            )
        ],
        ["compatible endpoint tie-one base_url_anthropic"],
    ),
    "a surface less": (
        [("base_url_anthropic: https://two.example/anthropic", "base_url_anthropic: null")],
        ["breaking endpoint tie-two base_url_anthropic"],
    ),
    "another variable in an endpoint": (
        [("env: CASE_REGION", "env: CASE_PLACE")],
        ["breaking endpoint case-written base_url_anthropic"],
    ),
    "another default in an endpoint": (
        [("default: eu-1", "default: eu-2")],
        ["breaking endpoint case-written base_url_anthropic"],
    ),
    "a default where there was none": (
        [("path: {env: CASE_PATH}", "path: {env: CASE_PATH, default: a}")],
        ["compatible endpoint case-written base_url_anthropic"],
    ),
    "another placeholder for the same": (
        [("{region}", "{place}"), ("region: {env", "place: {env")],
        ["cosmetic display case-written endpoint_vars"],
    ),
    "another wire prefix": (
        [("wire_model_prefix: case/", "wire_model_prefix: cases/")],
        ["breaking endpoint case-written wire_model_prefix"],
    ),
    "another protocol": (
        [
            (
                "protocol: openai\n    auth_mode: wif_adc",
                "protocol: anthropic\n    auth_mode: wif_adc",
            )
        ],
        ["breaking endpoint case-written protocol"],
    ),
    "a vendor that goes": (
        [("    upstream_vendor: tie\n", "")],
        ["breaking upstream tie-one tie"],
    ),
    "a vendor that comes": (
        [("    tooltip: ''\n", "    tooltip: ''\n    upstream_vendor: case\n")],
        ["compatible upstream case-any case"],
    ),
    "a tooltip": (
        [("    tooltip: ''\n", "    tooltip: Any case.\n")],
        ["cosmetic display case-any tooltip"],
    ),
    "a vendor of another provider": (
        [
            ("    upstream_vendor: tie\n", ""),
            (
                "    auth_token_env: VENDOR_KEY\n",
                "    auth_token_env: VENDOR_KEY\n    upstream_vendor: tie\n",
            ),
        ],
        ["breaking upstream tie-two tie"],
    ),
    "a vendor of the platform": (
        [
            ("    upstream_vendor: tie\n", ""),
            (
                "    auth_token_env: ANTHROPIC_API_KEY\n",
                "    auth_token_env: ANTHROPIC_API_KEY\n    upstream_vendor: tie\n",
            ),
        ],
        ["billing upstream platform tie"],
    ),
    "a vendor whose ids another answered": (
        [
            (
                "    auth_token_env: VENDOR_KEY\n",
                "    auth_token_env: VENDOR_KEY\n    upstream_vendor: 'tie:two'\n",
            )
        ],
        ["breaking upstream tie-two tie:two"],
    ),
    "what people see": (
        [
            ("display_name: Tie one", "display_name: Tie 1"),
            ("vendor_logo: sub", "vendor_logo: abo"),
            ("model_aliases: [sub]", "model_aliases: [sub, s]"),
            ("examples: [Mix-one]", "examples: [Mix-two]"),
            ("deprecated: true", "deprecated: {note: soon}"),
            ("x-note: {deep: [1", "x-note: {deep: [2"),
            ("x-owner: {team: gateway", "x-owner: {team: router"),
            ("x-color: '#fff'", "x-color: '#000'"),
            ("x-arm: yes indeed", "x-arm: not at all"),
        ],
        [
            "cosmetic display ties x-color",
            "cosmetic display ties x-arm",
            "cosmetic display tie-one display_name",
            "cosmetic display tie-one x-note",
            "cosmetic display case-written examples",
            "cosmetic display subscription vendor_logo",
            "cosmetic display subscription model_aliases",
            "cosmetic display subscription deprecated",
            "cosmetic display - x-owner",
        ],
    ),
    "the same pattern in other words": (
        [(r"\A(?:sub[0-9]|s\x{75}b-)[_.]?", r"^(sub[0-9]|sub-)")],
        ["cosmetic display subscription model_prefix_match"],
    ),
    "the runtimes in another order": (
        [
            ("  empty:\n    providers: []\n", ""),
            ("runtimes:\n", "runtimes:\n  empty:\n    providers: []\n"),
        ],
        ["cosmetic display - order of the runtimes"],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_edit_is_told_for_what_it_does(name: str) -> None:
    pairs, wanted = EDITS[name]
    comparison = compare(parsed(EVERY), parsed(edited(EVERY, *pairs)))
    assert told(comparison) == wanted


SHOWN = [
    "a pattern of the platform that takes ids from nobody",
    "an id from BYOK to the platform",
    "a narrower pattern",
    "a name more",
    "a withdrawn id on the menu again",
    "the default model of another payer",
    "a provider under another name",
    "what people see",
    "a vendor of the platform",
    "a comment",
]


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("name", SHOWN)
def test_edit_reads_as_shown(name: str, form: str, snapshot: SnapshotAssertion) -> None:
    text = edited(EVERY, *EDITS[name][0])
    comparison = compare(parsed(EVERY), parsed(text))
    sources = Sources(files=(Source(path="new.yaml", text=text),))
    shown = {
        "text": review.text(sources, comparison, "main:old.yaml", "new.yaml"),
        "markdown": review.markdown(comparison, "main:old.yaml", "new.yaml"),
    }
    assert shown[form] == snapshot


# nothing is left out, and nothing is made up


@pytest.mark.parametrize("text", [EVERY, REAL], ids=["everything", "real"])
def test_manifest_does_not_differ_from_itself(text: str) -> None:
    assert compare(parsed(text), parsed(text)).changes == ()


@pytest.mark.parametrize("name", EDITS)
def test_data_differ_exactly_where_something_is_told(name: str) -> None:
    old, new = parsed(EVERY), parsed(edited(EVERY, *EDITS[name][0]))
    for one, two in ((old, new), (new, old)):
        assert bool(compare(one, two).changes) == (fingerprint(one) != fingerprint(two))


# Every scalar of the manifest that can be another one and leave a manifest.
def _scalars(text: str) -> Iterator[tuple[int, int]]:
    for match in re.finditer(r"[A-Za-z][A-Za-z_0-9]*(?=[\]\n,}/])", text):
        yield match.span()


def test_any_word_that_changes_the_data_is_told() -> None:
    rng, told_of = random.Random("words"), 0
    old = parsed(EVERY)
    for start, end in _scalars(EVERY):
        word = EVERY[start:end]
        text = EVERY[:start] + word + rng.choice(["x", "Z", "9"]) + EVERY[end:]
        try:
            new = parsed(text)
        except AssertionError:  # a choice, a boolean, the name of a key: it does not parse
            continue
        comparison = compare(old, new)
        assert bool(comparison.changes) == (fingerprint(old) != fingerprint(new)), word
        told_of += bool(comparison.changes)
    assert told_of > 50


def test_changes_come_in_order_of_their_weight() -> None:
    pairs = [
        pair
        for name in ("what people see", "a vendor of the platform", "a narrower pattern")
        for pair in EDITS[name][0]
    ]
    comparison = compare(parsed(EVERY), parsed(edited(EVERY, *pairs)))
    ranks = [change.impact.rank for change in comparison.changes]
    assert ranks == sorted(ranks)
    assert comparison.changes[0].impact is Impact.BILLING
    assert comparison == compare(parsed(EVERY), parsed(edited(EVERY, *pairs)))
    assert sum(comparison.counts().values()) == len(comparison.changes)
    for impact_ in Impact:
        grave = comparison.at_least(impact_)
        assert grave == comparison.changes[: len(grave)]


# the names, by brute force: every set of them, for standings with few candidates

PROVIDERS = ("a", "b", "c", "platform")
FEW_NAMES = ("K", "L", "M", "N")


def _standing(rng: random.Random) -> Standing:
    providers = rng.sample(PROVIDERS, rng.randint(0, len(PROVIDERS)))
    candidates = tuple(
        Candidate(provider=name, names=frozenset(rng.sample(FEW_NAMES, rng.randint(0, 3))))
        for name in providers
    )
    step = rng.choice(list(Step)) if candidates else Step.PATTERN
    return Standing(step=step, candidates=candidates)


def _near(rng: random.Random, stands: Standing) -> Standing:
    """Return a standing with other names for one of its candidates."""
    if not stands.candidates:
        return _standing(rng)
    at = rng.randrange(len(stands.candidates))
    names = frozenset(rng.sample(FEW_NAMES, rng.randint(0, 3)))
    candidates = [
        replace(each, names=names) if index == at else each
        for index, each in enumerate(stands.candidates)
    ]
    return replace(stands, candidates=tuple(candidates))


def _end(stands: Standing, given_names: frozenset[str]) -> Outcome:
    met = frozenset(c.provider for c in stands.candidates if c.names & given_names)
    return outcome(stands, met)


def _sets() -> Iterator[frozenset[str]]:
    for size in range(len(FEW_NAMES) + 1):
        yield from map(frozenset, combinations(FEW_NAMES, size))


def _pairs(one: Standing, two: Standing) -> Iterator[tuple[frozenset[str], Outcome, Outcome]]:
    for names in _sets():
        for was, goes in ((one, two), (one.for_pin, two.for_pin)):
            yield names, _end(was, names), _end(goes, names)


def test_movements_are_there_exactly_where_some_names_make_a_difference() -> None:
    rng, together = random.Random("standings"), 0
    for _ in range(12_000):
        one = _standing(rng)
        two = _near(rng, one) if rng.random() < 0.7 else _standing(rng)
        found, ends = movements(one, two), set(_pairs(one, two))
        differing = {
            impact(was, goes, is_open=two.step is Step.PATTERN and goes.is_platform)
            for _, was, goes in ends
            if was != goes
        }
        assert bool(found) == bool(differing), (one, two)
        assert not found or found[0].impact.rank == min(each.rank for each in differing)
        for movement in found:
            assert movement.before != movement.after
            for names in movement.given:
                assert (frozenset(names), movement.before, movement.after) in ends
        together += any(len(names) == 2 for movement in found for names in movement.given)
    assert together > 100


# scale


def _meant(tenths: int, *, is_edited: bool) -> str:
    """Return so many tenths of 1,000 providers, 50 runtimes of 200 arms, and 100,000 ids.

    The edited one has another literal in each third pattern, and other ids in each fifth arm.
    """
    count, arms = 100 * tenths, 20 * tenths
    second = ["w" if is_edited and i % 3 == 0 else "v" for i in range(count)]
    entries = "".join(
        large_provider(f"vendor-{i}", f"^(?i:vendor{i}|{second[i]}{i})[:/-]", f"VENDOR_{i}_KEY")
        for i in range(count)
    )
    runtimes = []
    for number in range(50):
        runtimes.append(f"  runtime-{number}:\n    providers:\n")
        for i in range(number, number + arms):
            ids = [f"vendor{i}/model-{number}-{model}" for model in range(10)]
            if is_edited and i % 5 == 0:
                ids[0] = f"vendor{i}/new-{number}"
            runtimes.append(f"      - name: vendor-{i}\n        models: [{', '.join(ids)}]\n")
    return large(entries, "".join(runtimes))


def _seconds(tenths: int) -> tuple[float, Comparison]:
    """Compare two manifests of so many tenths, and return the processor time that it took."""
    old, new = (parsed(_meant(tenths, is_edited=is_edited)) for is_edited in (False, True))
    gc.collect()
    started = time.process_time()
    comparison = pipeline.compared(old, new)
    return time.process_time() - started, comparison


def test_comparison_of_large_manifests_takes_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    tenth, _ = _seconds(1)
    whole, comparison = _seconds(10)
    regions = sum(len(change.regions) for change in comparison.changes)
    with capsys.disabled():
        print(f"\n1,000 providers, 50 runtimes, 100,000 ids: {whole:.2f} s; a tenth: {tenth:.2f} s")
    assert regions > 5_000
    assert whole < 20
    assert whole < 40 * max(tenth, 0.1)
