"""An overlay adds and never changes: what it may bring, what it may not, and in which order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.canonical import canonical_json, plain
from codegen.ir import Registry
from codegen.pipeline import Loaded, load, load_source
from codegen.routing import Verdict, decide, validate_model
from codegen.source import Source
from tests.builds import MANIFEST, ROOT
from tests.strategies import manifest, provider

CORE = (ROOT / "tests" / "manifests" / "core.yaml").read_text(encoding="utf-8")


def _loaded(*texts: str) -> Loaded:
    """Load a manifest and its overlays, given as texts."""
    sources: list[Source] = []
    for index, text in enumerate(texts):
        base = sources[-1].end + 1 if sources else 0
        sources.append(Source(path=f"{index}.yaml", text=text, base=base))
    return load_source(*sources)


def _registry(*texts: str) -> Registry:
    loaded = _loaded(*texts)
    assert loaded.registry is not None, [found.message for found in loaded.diagnostics]
    return loaded.registry


def _overlay(name: str, **more: object) -> str:
    """Return an overlay with one provider and one runtime of its own."""
    entry = provider(name, f"^{name}/", auth_env=[f"{name.upper()}_KEY"], base_url_template=None)
    arm = {"name": name, "models": [f"{name}/one"]}
    return manifest([entry], {f"{name}-agent": {"providers": [arm]}}, **more)


# what it may


def test_overlay_adds_providers_runtimes_headers_and_extensions() -> None:
    overlay = _overlay("labs", credential_headers={"LABS_KEY": "x-api-key"}, **{"x-labs": 1})
    registry = _registry(CORE, overlay)
    assert [p.name for p in registry.providers] == ["platform", "acme", "labs"]
    assert [runtime.name for runtime in registry.runtimes] == ["agent", "labs-agent"]
    assert [header.env for header in registry.credential_headers] == [
        "ACME_ADMIN_KEY",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "LABS_KEY",
    ]
    assert [extension.key for extension in registry.extensions] == ["x-team", "x-labs"]
    assert decide(registry, "labs-agent", "labs/one").provider.name == "labs"


def test_runtime_of_an_overlay_may_use_a_byok_provider_of_the_core_and_of_another_overlay() -> None:
    arms = [{"name": "acme", "models": ["acme-7"]}, {"name": "labs"}]
    other = manifest([], {"third": {"providers": arms}})
    registry = _registry(CORE, other, _overlay("labs"))
    assert decide(registry, "third", "acme-7").provider.name == "acme"
    assert decide(registry, "third", "labs/two").provider.name == "labs"


def test_no_decision_on_a_runtime_of_the_core_changes() -> None:
    core = MANIFEST.read_text(encoding="utf-8")
    before, after = _registry(core), _registry(core, _overlay("labs"))
    assert plain(after)["runtimes"][:5] == plain(before)["runtimes"]  # type: ignore[index]
    assert plain(after)["providers"][:32] == plain(before)["providers"]  # type: ignore[index]


def test_runtime_that_is_nowhere_still_passes_in_validate_model() -> None:
    registry = _registry(CORE, _overlay("labs"))
    validation = validate_model(registry, "somebody-elses", "any/model")
    assert validation.verdict is Verdict.UNKNOWN_RUNTIME
    assert validation.is_allowed


NAMES = ("ash", "birch", "cedar", "dune", "elm")


@given(st.permutations(NAMES), st.integers(0, len(NAMES)))
@settings(max_examples=60, deadline=None)
def test_order_of_overlays_does_not_change_the_result(names: list[str], count: int) -> None:
    overlays = [_overlay(name, **{f"x-{name}": {"by": name}}) for name in names[:count]]
    found = canonical_json(_registry(CORE, *overlays))
    assert found == canonical_json(_registry(CORE, *sorted(overlays)))


def test_conflict_is_found_in_every_order() -> None:
    overlays = [_overlay("labs"), _overlay("elm"), _overlay("labs")]
    for seed in range(6):
        shuffled = random.Random(seed).sample(overlays, len(overlays))
        assert [d.code for d in _loaded(CORE, *shuffled).diagnostics] == ["N007", "N007"]


# what it may not


def _platform_arm() -> str:
    arm = {"name": "platform", "models": ["platform/x"]}
    return manifest([], {"own": {"providers": [arm]}})


def _entry(name: str = "labs", **more: object) -> str:
    return manifest([provider(name, "^labs/", **{"auth_env": ["LABS_KEY"], **more})], {})


REFUSED: list[tuple[str, str, str, str | None]] = [
    ("a provider of the core", _entry("acme"), "N007", "acme"),
    ("a runtime of the core", manifest([], {"agent": {"providers": []}}), "N007", "agent"),
    (
        "a header of the core",
        manifest([], {}, credential_headers={"ACME_ADMIN_KEY": "bearer"}),
        "N007",
        "ACME_ADMIN_KEY",
    ),
    (
        "a default header",
        manifest([], {}, credential_headers={"ANTHROPIC_API_KEY": "bearer"}),
        "N007",
        None,
    ),
    (
        "the header of a variable that the core accepts",
        manifest([], {}, credential_headers={"ACME_API_KEY": "x-api-key"}),
        "N007",
        "ACME_API_KEY",
    ),
    ("an extension of the core", manifest([], {}, **{"x-team": "labs"}), "N007", "x-team"),
    ("the platform", _entry("platform"), "B008", None),
    ("the platform in other letters", _entry("Platform"), "B008", None),
    ("an arm of the platform", _platform_arm(), "B008", None),
    ("an upstream vendor", _entry(upstream_vendor="labs"), "B009", None),
    ("the platform as its vendor", _entry(upstream_vendor="platform"), "B009", None),
    ("the platform's credential", _entry(auth_env=["PLATFORM_TOKEN"]), "B003", "PLATFORM_TOKEN"),
    (
        "the platform's address",
        _entry(base_url_template="HTTPS://LLM.platform.example/openai/"),
        "B005",
        None,
    ),
    (
        "a name-only arm of what the core dials for the platform",
        manifest([], {"own": {"providers": [{"name": "acme"}]}}),
        "B002",
        None,
    ),
]


@pytest.mark.parametrize(
    ("text", "code", "noted"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_overlay_may_not_touch(text: str, code: str, noted: str | None) -> None:
    loaded = _loaded(CORE, text)
    assert loaded.registry is None
    found = next(found for found in loaded.diagnostics if found.code == code)
    assert loaded.sources.at(found.span).path == "1.yaml"
    if noted is not None:
        (note,) = found.notes
        place = loaded.sources.at(note.span)
        assert (place.path, place.slice(note.span)) == ("0.yaml", noted)


def test_faults_of_all_files_are_reported_in_one_run_each_with_its_file() -> None:
    faulty = _overlay("labs").replace("openai", "opneai")
    loaded = _loaded(CORE.replace("protocol: openai", "protocol: opneai"), "[", faulty)
    places = [(loaded.sources.at(d.span).path, d.code) for d in loaded.diagnostics]
    assert places == [("0.yaml", "S004"), ("1.yaml", "Y002"), ("2.yaml", "S004")]


def test_overlay_that_cannot_be_read_is_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "core.yaml").write_text(CORE, encoding="utf-8")
    for path in (tmp_path, tmp_path / "missing.yaml"):
        loaded = load(tmp_path / "core.yaml", overlays=[path])
        assert loaded.registry is None
        assert [found.code for found in loaded.diagnostics] == ["Y001"]
        assert loaded.sources.at(loaded.diagnostics[0].span).path == str(path)


# the whole way


def test_overlays_come_from_flags_and_from_the_settings(tmp_path: Path) -> None:
    from tests.test_cli import cli

    (tmp_path / "providers.yaml").write_text(CORE, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(_overlay("birch"), encoding="utf-8")
    (tmp_path / "a.yaml").write_text(_overlay("ash"), encoding="utf-8")
    flags = ["--overlay", "b.yaml", "--overlay", "a.yaml"]
    assert cli(tmp_path, "generate", *flags).returncode == 0
    head = (tmp_path / "generated" / "go" / "registry_gen.go").read_text(encoding="utf-8")
    assert head.startswith("// Code generated by providers-codegen from providers.yaml, a.yaml, b.")
    setting = '[tool.providers-codegen]\noverlays = ["a.yaml", "b.yaml"]\n'
    assert cli(tmp_path, "verify").returncode == 1
    (tmp_path / "pyproject.toml").write_text(setting, encoding="utf-8")
    assert cli(tmp_path, "verify").returncode == 0
    assert cli(tmp_path, "verify", "--overlay", "a.yaml").returncode == 1
    done = cli(tmp_path, "check", "--overlay", "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml:1:1: error[Y001]" in done.stderr


def test_setting_that_is_no_list_is_refused(tmp_path: Path) -> None:
    from tests.test_cli import cli

    for value in ('"a.yaml"', "[1]", "true"):
        text = f"[tool.providers-codegen]\noverlays = {value}\n"
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        done = cli(tmp_path, "check")
        assert done.returncode == 2
        assert "is not a list of paths" in done.stderr
