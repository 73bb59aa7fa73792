"""What a bundler makes of the TypeScript artifact: small, equal, without what nobody uses."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests import toolchains
from tests.builds import Build
from tests.languages import ask_typescript, disagreements, needed, run, vectors

LIMIT = 6_000


def _bundled(build: Build, names: str, code: str = "") -> str:
    """Return the minified bundle of a page that imports names, and exports them or code."""
    node, script = needed(toolchains.node(), "node"), needed(toolchains.bundler(), "esbuild")
    path = json.dumps(str(build.typescript))
    source = f"import {names} from {path};\n{code}" if code else f"export {names} from {path};"
    return run([node, script, str(toolchains.TYPESCRIPT), "esm"], input=source)


def _rows(build: Build) -> list[str]:
    """Return how each row of the routing tables begins in a bundle: its key and its literal."""
    source = build.typescript.read_text(encoding="utf-8")
    table = source[source.index("const ROWS") :]
    found = re.findall(r'\["([^"]+)", "([^"]*)", P_', table[: table.index("\n]);")])
    return [f'["{key}","{literal}",' for key, literal in found]


def test_the_artifact_is_small_for_those_who_only_ask_for_a_provider(real_build: Build) -> None:
    bundle = _bundled(real_build, "{ deriveProvider }")
    assert len(gzip.compress(bundle.encode("utf-8"), compresslevel=9)) <= LIMIT
    whole = _bundled(real_build, "*")
    assert len(bundle) < len(whole)
    assert "x-api-key" in whole
    assert "x-api-key" not in bundle


def test_a_page_that_only_shows_labels_carries_no_tables(real_build: Build) -> None:
    rows = _rows(real_build)
    assert len(rows) > 50
    asking = _bundled(real_build, "{ deriveProvider }")
    assert [row for row in rows if row not in asking] == []
    code = "export const labels = PROVIDERS.map(({ displayName }) => displayName);"
    labels = _bundled(real_build, "{ PROVIDERS }", code)
    assert "Moonshot Kimi" in labels
    assert [row for row in rows if row in labels] == []
    assert "new Map" not in labels
    assert "claude-code" not in labels


@pytest.mark.parametrize(
    ("names", "functions"),
    [
        ("*", None),
        (
            "{ deriveProvider, tryDeriveProvider, RegistryError }",
            ("derive_provider",),
        ),
    ],
    ids=["whole", "shaken"],
)
def test_a_bundle_decides_as_the_artifact_does(
    real_build: Build, tmp_path: Path, names: str, functions: tuple[str, ...] | None
) -> None:
    cases = [c for c in vectors(real_build) if functions is None or c["fn"] in functions]
    out = tmp_path / "bundle"
    bundled = replace(real_build, options=replace(real_build.options, out=out))
    bundled.typescript.parent.mkdir(parents=True)
    (bundled.typescript.parent / "package.json").write_text('{"type": "module"}', "utf-8")
    bundled.typescript.write_text(_bundled(real_build, names), encoding="utf-8")
    assert len(cases) > 500
    assert disagreements(cases, ask_typescript(bundled, cases, tmp_path / "work")) == []
