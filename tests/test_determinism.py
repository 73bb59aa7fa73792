"""Two builds are the same bytes; the fingerprint follows the data and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from codegen.canonical import fingerprint
from codegen.ir import Registry
from codegen.pipeline import load_source
from codegen.source import Source
from tests.builds import EVERYTHING, MANIFEST, ROOT, Build, registry_of
from tests.strategies import routed_manifests

ENVIRONMENTS = [
    {"PYTHONHASHSEED": "0", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Tokyo", "PYTHONUTF8": "0"},
]


def _build_in(folder: Path, manifest: bytes, environment: dict[str, str]) -> dict[str, str]:
    folder.mkdir(parents=True)
    (folder / "providers.yaml").write_bytes(manifest)
    subprocess.run(
        [sys.executable, "-m", "codegen", "generate"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        check=True,
        capture_output=True,
    )
    out = folder / "generated"
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("manifest", [MANIFEST, EVERYTHING], ids=lambda path: path.stem)
def test_builds_are_the_same_bytes_everywhere(manifest: Path, tmp_path: Path) -> None:
    data = manifest.read_bytes()
    variants = [data, data.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + data]
    built = [
        _build_in(tmp_path / name / ("deep" * (index + 1)), variants[index % 3], environment)
        for index, (name, environment) in enumerate(zip("abc", ENVIRONMENTS, strict=True), start=0)
    ]
    assert built[0]
    assert built[0] == built[1] == built[2]


def test_fingerprint_is_the_hash_of_what_registry_json_holds(real_build: Build) -> None:
    dump = json.loads((real_build.out / "registry.json").read_text(encoding="utf-8"))
    canonical = json.dumps(
        dump["registry"], sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    assert digest == dump["fingerprint"] == fingerprint(real_build.registry)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schema_version: 1\n", "# a comment\nschema_version: 1   # another\n"),
        ("display_name: Groq", "display_name: 'Groq'"),
        ("auth_env: [GROQ_API_KEY]", "auth_env:\n      - GROQ_API_KEY"),
        ("\n\n", "\n\n\n"),
    ],
)
def test_fingerprint_does_not_follow_the_writing(
    registry: Registry, manifest_text: str, old: str, new: str
) -> None:
    assert old in manifest_text
    assert fingerprint(registry_of(manifest_text.replace(old, new))) == fingerprint(registry)


EDITS = [
    ("x-owner: {team: gateway", "x-owner: {team: gatewax"),
    ("VENDOR_TOKEN: bearer", "VENDOR_TOKEN: x-api-key"),
    ('Platform "one"', 'Platform "two"'),
    ("vendor_logo: case", "vendor_logo: casf"),
    ("protocol: anthropic", "protocol: openai"),
    ("auth_mode: wif_adc", "auth_mode: anthropic_api"),
    ("https://one.example/v1", "https://one.example/v2"),
    ("https://two.example/anthropic", "https://two.example/anthropid"),
    ("[TIE_ONE_KEY, TIE_SHARED_KEY]", "[TIE_SHARED_KEY, TIE_ONE_KEY]"),
    ("auth_token_env: VENDOR_KEY", "auth_token_env: VENDOR_TOKEN"),
    ("'^tie-'", "'^(?:tie-)'"),
    ("model_aliases: [sub]", "model_aliases: [sub, sup]"),
    ("upstream_vendor: tie", "upstream_vendor: tee"),
    ("default: eu-1", "default: eu-2"),
    ("path: {env: CASE_PATH}", "path: {env: CASE_PATH, default: x}"),
    ("wire_model_prefix: case/", "wire_model_prefix: cases/"),
    ("tooltip: ''", "tooltip: ' '"),
    ("since: 2026-01-31", "since: 2026-02-01"),
    ("deprecated: true\n", ""),
    ("examples: [Mix-one]", "examples: [Mix-two]"),
    ("{deep: [1, {a: b}]}", "{deep: [1, {a: c}]}"),
    ("models: [both, one-only, same/id]", "models: [one-only, both, same/id]"),
    ("reason: ''", "reason: '-'"),
    ("replacement: one-only", "replacement: both"),
    ("default_model: both", "default_model: one-only"),
    ("x-color: '#fff'", "x-color: '#000'"),
    ("x-arm: yes indeed", "x-arm: no"),
    ("  empty:\n    providers: []\n", ""),
]


@pytest.mark.parametrize(("old", "new"), EDITS, ids=[old[:24] for old, _ in EDITS])
def test_fingerprint_follows_any_data(everything: Registry, old: str, new: str) -> None:
    text = EVERYTHING.read_text(encoding="utf-8")
    assert old in text
    assert fingerprint(registry_of(text.replace(old, new, 1))) != fingerprint(everything)


def test_fingerprint_follows_the_order_of_runtimes(everything: Registry) -> None:
    text = EVERYTHING.read_text(encoding="utf-8")
    empty = "  empty:\n    providers: []\n"
    moved = text.replace(empty, "").replace("runtimes:\n", "runtimes:\n" + empty)
    assert fingerprint(registry_of(moved)) != fingerprint(everything)


@given(routed_manifests())
@settings(max_examples=100, deadline=None)
def test_round_trip_through_the_dump_keeps_the_ir(text: str) -> None:
    """registry.json says everything: a manifest written from it has the same fingerprint."""
    loaded = load_source(Source(path="m.yaml", text=text))
    if loaded.registry is None:
        return
    from codegen.canonical import plain

    data = json.loads(json.dumps(plain(loaded.registry)))
    data["runtimes"] = {
        runtime["name"]: {"providers": runtime["providers"]} for runtime in data["runtimes"]
    }
    for provider in data["providers"]:
        provider["endpoint_vars"] = {}
        for key in ("deprecated", "tooltip", "upstream_vendor", "wire_model_prefix"):
            provider.pop(key)
    for runtime in data["runtimes"].values():
        for arm in runtime["providers"]:
            arm["withdrawn_models"] = [{"id": gone["id"]} for gone in arm["withdrawn_models"]]
    assert fingerprint(registry_of(json.dumps(data))) == fingerprint(loaded.registry)
