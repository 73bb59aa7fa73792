"""A probe is found whenever there is one: against brute force, and against the reference."""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.ir import Provider, Registry, Runtime
from codegen.parse import parse
from codegen.probes import probe
from codegen.re2 import matches
from codegen.routing import trim
from codegen.source import Source
from codegen.syntax import compose
from tests.strategies import NAMES, manifest, patterns, provider

# The letters of the drawn patterns, a Kelvin sign, and one that no pattern has.
ALPHABET = "akKsS-z\u212a"


@cache
def _all_ids() -> tuple[str, ...]:
    return tuple("".join(chars) for size in range(1, 5) for chars in product(ALPHABET, repeat=size))


def _unchecked(text: str) -> Registry:
    """Parse without the checks, one of which is the subject here."""
    source = Source(path="m.yaml", text=text)
    root, faults = compose(source)
    assert root is not None
    registry, more = parse(source, root)
    assert (*faults, *more) == ()
    return registry


def _is_witness(registry: Registry, runtime: Runtime, owner: Provider, model: str) -> bool:
    """Ask the patterns themselves whether an id is claimed by this arm and no other."""
    arms = registry.arms(runtime)
    taken = {m for arm, _ in arms for m in arm.models} | {
        gone.id for arm, _ in arms for gone in arm.withdrawn
    }
    if model in taken or trim(model) != model:
        return False
    claims = [p.name for _, p in arms if matches(p.pattern.text, model)]
    return claims == [owner.name]


@st.composite
def manifests(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True))
    ids = st.lists(st.text(alphabet=ALPHABET, min_size=1, max_size=3), max_size=4, unique=True)
    arms = [
        {"name": name, "models": draw(ids) if index else []} for index, name in enumerate(names)
    ]
    entries = [provider(name, draw(patterns())) for name in names]
    return manifest(entries, {"agent": {"providers": arms}})


@given(manifests())
@settings(max_examples=150, deadline=None)
def test_probe_is_found_exactly_where_there_is_one(text: str) -> None:
    registry = _unchecked(text)
    (runtime,) = registry.runtimes
    _, owner = registry.arms(runtime)[0]
    found = probe(registry, runtime, owner)
    if found is not None:
        assert _is_witness(registry, runtime, owner, found), found
    else:
        assert not any(_is_witness(registry, runtime, owner, model) for model in _all_ids())


# pattern of the arm, patterns and ids of the others, whether a probe exists
CASES = [
    ("^a", ["^ab"], [], True),
    ("^ab", ["^a"], [], False),
    ("^(a|b)", ["^a"], [], True),
    ("(?i)^ks", ["^ks", "^KS"], [], True),
    ("(?i)^a$", ["^a", "^A"], [], False),
    ("(?i)^k$", ["^k", "^K"], [], True),
    ("^a$", [], ["a"], False),
    ("^a", [], ["aprobe", "aprobe-1", "a0", "ax"], True),
    ("^", ["^a"], [], True),
    ("^a", ["^a[p0x]"], [], True),
    ("(?i)^ab$", ["^ab$"], [], True),
    ("^a", ["(?i)^A"], [], False),
    ("(?i)^a$", ["(?i)^b"], ["a"], True),
    ("(?i)^a$", [], ["a", "A"], False),
    ("(?i)^k$", [], ["k", "K"], True),
    ("^ a", [], [], False),
    ("^a$", ["^b"], [], True),
    # Deeper than Python's own stack.
    ("(?i)^" + "a" * 3_000, ["^a", "^A" + "a" * 2_999], [], True),
]


@pytest.mark.parametrize(("pattern", "others", "ids", "exists"), CASES)
def test_known_probes(pattern: str, others: list[str], ids: list[str], exists: bool) -> None:
    names = NAMES[: len(others) + 1]
    entries = [provider(n, p) for n, p in zip(names, [pattern, *others], strict=True)]
    arms = [{"name": name} for name in names]
    listing = [provider("lister", "^never$"), {"name": "lister", "models": ids}] if ids else []
    if listing:
        entries, arms = [*entries, listing[0]], [*arms, listing[1]]
    registry = _unchecked(manifest(entries, {"agent": {"providers": arms}}))
    (runtime,) = registry.runtimes
    _, owner = registry.arms(runtime)[0]
    found = probe(registry, runtime, owner)
    assert (found is not None) == exists
    assert found is None or _is_witness(registry, runtime, owner, found)


def test_probe_prefers_an_example() -> None:
    entries = [provider("b.c", "^a", examples=["a-known-one"])]
    registry = _unchecked(manifest(entries, {"agent": {"providers": [{"name": "b.c"}]}}))
    assert probe(registry, registry.runtimes[0], registry.providers[0]) == "a-known-one"
