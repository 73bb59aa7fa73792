"""vectors.json, run through the real Python, Go and Node: every answer is the reference's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from codegen.ir import Registry
from codegen.routing import Code
from tests.builds import Build
from tests.languages import LANGUAGES, disagreements, every_language, vectors


@every_language
@pytest.mark.parametrize("name", ["real_build", "everything_build"])
def test_language_agrees_with_the_reference_on_every_vector(
    language: str,
    name: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build: Build = request.getfixturevalue(name)
    cases = vectors(build)
    answers = LANGUAGES[language](build, cases, tmp_path)
    assert disagreements(cases, answers) == []
    with capsys.disabled():
        print(f"\n{language}: {len(answers):,} of {len(cases):,} answers agree ({name})")


def test_real_vectors_are_at_least_two_thousand(real_build: Build) -> None:
    assert len(vectors(real_build)) >= 2_000


def test_vectors_cover_every_listed_id_of_every_runtime(
    real_build: Build, registry: Registry
) -> None:
    asked = {
        (case["args"]["runtime"], case["args"]["model"])
        for case in vectors(real_build)
        if case["fn"] == "derive_provider"
    }
    listed = {(runtime.name, model) for runtime in registry.runtimes for model in runtime.menu}
    assert listed <= asked


def test_vectors_cover_every_function(everything_build: Build) -> None:
    asked = {case["fn"] for case in vectors(everything_build)}
    assert asked == {
        "constants",
        "derive_provider",
        "derive_provider_for_pin",
        "validate_model",
        "resolve_billing_mode",
        "missing_credentials",
        "resolve_upstream",
        "endpoint",
        "wire_model",
        "select_credential",
        "suggest_models",
        "offered_models",
        "models_for_runtime",
        "providers_for_runtime",
    }


def test_vectors_cover_every_error_code(everything_build: Build) -> None:
    """The real manifest withdraws nothing and has no tie by pattern; this one has all."""
    errors = (case["want"].get("error") for case in vectors(everything_build))
    assert {error["code"] for error in errors if error} == {code.value for code in Code}


def test_vectors_cover_every_verdict_and_billing_outcome(everything_build: Build) -> None:
    values = [
        (case["fn"], case["want"]["value"])
        for case in vectors(everything_build)
        if "value" in case["want"]
    ]
    verdicts = Counter(value["verdict"] for name, value in values if name == "validate_model")
    billing = {
        (value["mode"], value["source"]) for name, value in values if name == "resolve_billing_mode"
    }
    assert set(verdicts) == {
        "empty",
        "unknown_runtime",
        "listed",
        "withdrawn",
        "routable",
        "unregistered",
    }
    assert billing == {
        ("platform_managed", "workspace_override"),
        ("byok", "workspace_override"),
        ("disabled", "workspace_override"),
        ("platform_managed", "derived_provider"),
        ("byok", "derived_provider"),
        ("platform_managed", "derived_default"),
        ("byok", "derived_default"),
    }


@pytest.mark.parametrize(
    "mark",
    [
        *map(chr, (*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B))),
        *"\u2028\u2029\u202f\u205f\u3000",
        *"\u212a\u017f\ufeff\x00\x1c\x1d\x1e\x1f\u200b",
    ],
    ids=lambda mark: f"U+{ord(mark):04X}",
)
def test_vectors_ask_about_each_hostile_character(real_build: Build, mark: str) -> None:
    models = (str(case["args"].get("model", "")) for case in vectors(real_build))
    assert any(mark in model for model in models)


def test_vectors_ask_about_ten_thousand_characters(real_build: Build) -> None:
    assert any(len(str(case["args"].get("model", ""))) > 10_000 for case in vectors(real_build))


def test_vectors_cover_every_auth_env_of_every_tie(real_build: Build, registry: Registry) -> None:
    """The codex ids that two arms list are asked with each name of either arm."""
    asked = {
        (case["args"]["model"], *case["args"]["auth_env"])
        for case in vectors(real_build)
        if case["fn"] == "derive_provider" and case["args"]["runtime"] == "codex"
    }
    codex = registry.runtime("codex")
    assert codex is not None
    for model in codex.arms[0].models:
        for name in ("CODEX_AUTH_JSON", "CODEX_CHATGPT_AUTH_JSON", "OPENAI_API_KEY"):
            assert (model, name) in asked
