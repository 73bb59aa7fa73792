"""Catalogs far larger than any of today: what is asked about them, and what it costs to look."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import catalogs
from codegen import checks
from codegen.ir import Registry
from codegen.proofs import Claims, contest
from codegen.vectors import vectors
from tests.builds import registry_of


@pytest.fixture(scope="module")
def tenth() -> Registry:
    return registry_of(catalogs.large(1))


def test_cases_ask_where_every_listed_id_goes(tenth: Registry) -> None:
    asked = {
        (case["args"]["runtime"], case["args"]["model"])  # type: ignore[index]
        for case in vectors(tenth)
        if case["fn"] == "derive_provider"
    }
    listed = {(runtime.name, model) for runtime in tenth.runtimes for model in runtime.menu}
    assert len(listed) == 10_000
    assert listed <= asked


def test_cases_ask_everything_of_every_runtime_but_not_about_every_id(tenth: Registry) -> None:
    cases = list(vectors(tenth))
    asked = Counter((case["fn"], case["args"].get("runtime")) for case in cases)  # type: ignore[attr-defined]
    for function in ("validate_model", "suggest_models", "resolve_billing_mode"):
        counts = {asked[function, runtime.name] for runtime in tenth.runtimes}
        assert min(counts) >= 40
        assert max(counts) <= 400
    assert len(cases) < 5 * 10_000 + 25 * len(tenth.providers) + 400 * len(tenth.runtimes)


def test_cases_are_the_same_at_every_run(tenth: Registry) -> None:
    assert list(vectors(tenth)) == list(vectors(registry_of(catalogs.large(1))))


def test_ties_are_asked_about_for_every_set_of_arms_that_ties() -> None:
    """Of a hundred ids that the same two arms list, and one that another two do, none is left out.

    All of a set of arms are asked about but for those beyond the sixty-fourth.
    """
    ids = ", ".join(f"acme-{number}" for number in range(100))
    text = catalogs.growing(catalogs.Size(providers=3, ids=0))
    for arm in ("v0", "v1"):
        text = text.replace(
            f"      - name: {arm}-", f"      - models: [{ids}, last]\n        name: {arm}-"
        )
    text = text.replace("      - name: v2-", "      - models: [last]\n        name: v2-")
    tied = {
        case["args"]["model"]  # type: ignore[index]
        for case in vectors(registry_of(text))
        if case["fn"] == "missing_credentials"
        and "VENDOR_0_KEY" in case["args"]["auth_env"]  # type: ignore[index]
        and "VENDOR_1_KEY" in case["args"]["auth_env"]  # type: ignore[index]
    }
    assert "last" in tied
    assert len(tied) == 64 + 1


def test_contest_of_a_runtime_is_made_once_for_all_checks(
    tenth: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = registry_of(catalogs.large(1))
    registry = Registry(
        schema_version=registry.schema_version,
        providers=registry.providers,
        runtimes=registry.runtimes,
        credential_headers=registry.credential_headers,
        extensions=registry.extensions,
    )
    made = []
    index = Claims.__init__

    def counted(self: Claims, owners: object) -> None:
        made.append(owners)
        index(self, owners)  # type: ignore[arg-type]

    monkeypatch.setattr(Claims, "__init__", counted)
    for _ in checks.check(registry):
        pass
    # One for each runtime, and one for the patterns of the whole catalog.
    assert len(made) == len(registry.runtimes) + 1
    assert contest(registry, registry.runtimes[0]) is contest(registry, registry.runtimes[0])
