"""Bad manifests and templates, and what people read about them: one file a rule at least."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from codegen import report
from codegen.diagnostics import Severity
from codegen.judging import check_sources
from codegen.pipeline import Loaded, load
from codegen.source import Sources, read
from tests.builds import ROOT

REJECTS = ROOT / "tests" / "rejects"
FILES = sorted(REJECTS.glob("*.yaml"))
CORE = ROOT / "tests" / "manifests" / "core.yaml"


_TEMPLATE = re.compile(rb"# A template of the runtime (\S+) of tests/manifests/(\S+\.yaml)\.\n")


def is_template(path: Path) -> bool:
    """Tell whether a reject says on its first line that it is a runtime's template."""
    return _TEMPLATE.match(path.read_bytes()) is not None


def _load_template(path: Path, runtime: str, manifest: str) -> Loaded:
    loaded = load(ROOT / "tests" / "manifests" / manifest, shown=manifest)
    assert loaded.registry is not None
    found = loaded.registry.runtime(runtime)
    assert found is not None
    base = loaded.sources.files[-1].end + 1
    return check_sources(loaded, loaded.registry, found, read(path, path.name, base)).loaded


def _load(path: Path) -> Loaded:
    """Load a bad manifest, or what says on its first line that it is an overlay or a template."""
    if template := _TEMPLATE.match(path.read_bytes()):
        return _load_template(path, *(part.decode() for part in template.groups()))
    if path.read_bytes().startswith(b"# An overlay of tests/manifests/core.yaml."):
        loaded = load(CORE, shown="core.yaml", overlays=[path])
        core, overlay = loaded.sources.files
        named = replace(overlay, path=path.name)
        return replace(loaded, sources=Sources(files=(core, named)))
    return load(path, shown=path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reject_is_reported_as_the_golden_says(path: Path, snapshot: SnapshotAssertion) -> None:
    loaded = _load(path)
    assert report.text(loaded.sources, loaded.diagnostics) == snapshot


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reject_has_the_code_of_its_name_and_an_error_keeps_it_from_compiling(path: Path) -> None:
    loaded = _load(path)
    codes = {found.code for found in loaded.diagnostics}
    code = path.stem.partition("_")[0]
    assert code in codes
    severities = {found.severity for found in loaded.diagnostics}
    assert (loaded.registry is None) == (Severity.ERROR in severities)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reject_points_into_the_file(path: Path) -> None:
    loaded = _load(path)
    for found in loaded.diagnostics:
        source = loaded.sources.at(found.span)
        assert source.base <= found.span.start <= found.span.end <= source.end
    assert all(found.hint and found.message for found in loaded.diagnostics)


def test_all_faults_of_a_file_are_reported_in_one_run_in_order() -> None:
    loaded = load(REJECTS / "S001_unknown_everywhere.yaml")
    starts = [found.span.start for found in loaded.diagnostics]
    assert len(starts) == 3
    assert starts == sorted(starts)
