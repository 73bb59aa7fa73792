"""Who pays: the set of ids that the platform ever pays for, shown, and proved to be the whole set.

The proof is about the merged tables, since they are what the artifacts carry: every row that
names the platform stands for ids that the platform's own pattern matches, and every listed id
that can end there is listed on the platform's arm. Nothing else leads to the platform, for a
table has no other rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from syrupy.assertion import SnapshotAssertion

from codegen.ir import PLATFORM, Provider, Registry, Runtime
from codegen.re2 import matches
from codegen.routing import RefusalError, derive_provider
from codegen.tables import Row, Table, table
from tests.builds import EVERYTHING, MANIFEST, ROOT, registry_of
from tests.strategies import drawn, routed_manifests
from tests.test_proofs import _ids

FILES = (MANIFEST, EVERYTHING, ROOT / "tests" / "manifests" / "core.yaml")
BY_NAME = [
    pytest.param(registry_of(path.read_text(encoding="utf-8")), id=path.stem) for path in FILES
]

# What an id may go on with; the empty text last, where a row has nothing but itself.
CONTINUATIONS = ("x", "/", "-1", "\u212a", "A", " z", "")


def _literals(table: Table) -> Iterator[tuple[Row, str, tuple[str, ...]]]:
    """Yield the rows that name the platform, as the ids of each begin, and how they may go on."""
    for rows, continuations in ((table.prefixes, CONTINUATIONS), (table.exact, ("",))):
        for row in rows:
            for variant in row.variants:
                if any(owner.is_platform for owner in variant.owners):
                    yield row, variant.literal + row.key[len(variant.literal) :], continuations


def _platform(registry: Registry) -> Provider:
    provider = registry.provider(PLATFORM)
    assert provider is not None
    return provider


def _listed_by_platform(runtime: Runtime) -> set[str]:
    return {model for arm in runtime.arms if arm.provider == PLATFORM for model in arm.models}


def _strays(registry: Registry, runtime: Runtime) -> Iterator[str]:
    """Yield the ids that lead to the platform though it neither lists nor matches them."""
    found = table(registry, runtime)
    pattern = _platform(registry).pattern.text
    for _, literal, continuations in _literals(found):
        yield from (f"{literal}{c}" for c in continuations if not matches(pattern, literal + c))
    own = _listed_by_platform(runtime)
    for listed in found.listed:
        if any(owner.is_platform for owner in listed.owners) and listed.id not in own:
            yield listed.id


@pytest.mark.parametrize("registry", BY_NAME)
def test_platform_pays_for_what_it_lists_and_what_its_pattern_matches_and_for_nothing_else(
    registry: Registry,
) -> None:
    for runtime in registry.runtimes:
        assert list(_strays(registry, runtime)) == []


def test_set_that_the_platform_pays_for_is_shown(snapshot: SnapshotAssertion) -> None:
    """The whole of it, for the real manifest: ids by runtime, and what other ids begin with."""
    registry = registry_of(MANIFEST.read_text(encoding="utf-8"))
    lines = []
    for runtime in registry.runtimes:
        found = table(registry, runtime)
        lists = [e.id for e in found.listed if any(owner.is_platform for owner in e.owners)]
        begins = [f"{literal}…" for _, literal, _ in _literals(found)]
        lines += [f"{runtime.name}: {what}" for what in (*lists, *begins)]
    assert "\n".join(lines) == snapshot


def test_stray_row_is_found_out() -> None:
    """The proof can fail: give the platform another pattern than the tables were made from."""
    registry = registry_of(MANIFEST.read_text(encoding="utf-8"))
    text = MANIFEST.read_text(encoding="utf-8").replace("'^platform/'", "'^platform/x'")
    runtime = next(r for r in registry.runtimes if r.name == "claude-code")
    narrow = _platform(registry_of(text)).pattern.text
    rows = list(_literals(table(registry, runtime)))
    assert rows
    assert not all(matches(narrow, literal + c) for _, literal, cs in rows for c in cs)


NAME_SETS = [set(names) for size in (0, 1, 2) for names in combinations(("A_KEY", "B_KEY"), size)]


def _payer_is_platform(registry: Registry, runtime: str, model: str, names: set[str]) -> bool:
    try:
        return derive_provider(registry, runtime, model, names).is_platform
    except RefusalError:
        return False


def test_no_short_id_of_a_random_manifest_derives_to_the_platform_by_another_way() -> None:
    """By brute force through the reference, over manifests that overlap as much as they can."""
    ids = [model for model in _ids("aKk-") if len(model) <= 4]
    reached = 0
    registries = (registry_of(text) for text in drawn(routed_manifests(), 40) if PLATFORM in text)
    for registry in registries:
        (runtime,) = registry.runtimes
        assert list(_strays(registry, runtime)) == []
        pattern, own = _platform(registry).pattern.text, _listed_by_platform(runtime)
        for model in (*ids, *runtime.menu):
            for names in (*NAME_SETS, {"PLATFORM_TOKEN"}):
                if _payer_is_platform(registry, runtime.name, model, names):
                    reached += 1
                    assert model in own or matches(pattern, model), (model, names)
    assert reached > 100
