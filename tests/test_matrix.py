"""The routing matrix: every offered runtime x arm resolves to the arm that declares it."""

from __future__ import annotations

import pytest

from codegen.ir import Registry
from codegen.probes import owns, probe
from codegen.re2 import matches
from codegen.routing import derive_provider
from tests.builds import EVERYTHING, MANIFEST, registry_of

REAL = registry_of(MANIFEST.read_text(encoding="utf-8"))
EVERY = registry_of(EVERYTHING.read_text(encoding="utf-8"))
MANIFESTS = [("real", REAL), ("everything", EVERY)]

LISTED = [
    pytest.param(registry, runtime.name, model, id=f"{name}-{runtime.name}-{model!r}")
    for name, registry in MANIFESTS
    for runtime in registry.runtimes
    for model in runtime.menu
]
NAME_ONLY = [
    pytest.param(registry, runtime.name, arm.provider, id=f"{name}-{runtime.name}-{arm.provider}")
    for name, registry in MANIFESTS
    for runtime in registry.runtimes
    for arm in runtime.arms
    if arm.is_name_only
]


def _first_declared(registry: Registry, runtime: str, model: str) -> str:
    found = registry.runtime(runtime)
    assert found is not None
    return next(arm.provider for arm in found.arms if model in arm.models)


@pytest.mark.parametrize(("registry", "runtime", "model"), LISTED)
def test_listed_id_resolves_to_the_first_arm_that_lists_it(
    registry: Registry, runtime: str, model: str
) -> None:
    want = _first_declared(registry, runtime, model)
    assert derive_provider(registry, runtime, model).name == want


@pytest.mark.parametrize(("registry", "runtime", "name"), NAME_ONLY)
def test_name_only_arm_resolves_a_probe_that_no_other_arm_claims(
    registry: Registry, runtime: str, name: str
) -> None:
    found, provider = registry.runtime(runtime), registry.provider(name)
    assert found is not None
    assert provider is not None
    witness = probe(registry, found, provider)
    assert witness is not None
    rivals = [other for _, other in registry.arms(found) if other.name != name]
    assert not any(matches(other.pattern.text, witness) for other in rivals)
    assert witness not in found.menu
    assert derive_provider(registry, runtime, witness).name == name


def test_examples_are_owned_by_their_own_pattern() -> None:
    examples = [(p, example) for p in REAL.providers for example in p.examples]
    assert examples
    assert all(matches(p.pattern.text, e) and owns(p, e) for p, e in examples)


def test_manifest_comes_to_the_known_counts(capsys: pytest.CaptureFixture[str]) -> None:
    arms = [arm for runtime in REAL.runtimes for arm in runtime.arms]
    probes = [
        probe(REAL, runtime, provider)
        for runtime in REAL.runtimes
        for arm, provider in REAL.arms(runtime)
        if arm.is_name_only
    ]
    line = (
        f"{len(REAL.runtimes)} runtimes, {len(arms)} arms, "
        f"{len({arm.provider for arm in arms})} providers, "
        f"{sum(len(arm.models) for arm in arms)} listed ids, "
        f"{sum(found is not None for found in probes)} probes"
    )
    with capsys.disabled():
        print(f"\n{line}")
    assert line == "5 runtimes, 43 arms, 29 providers, 53 listed ids, 29 probes"
    assert len(REAL.providers) == 32
