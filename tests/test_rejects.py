"""Bad manifests and what people read about them: one golden a file, one file a rule at least."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from codegen import report
from codegen.diagnostics import Severity
from codegen.pipeline import load
from codegen.rules import RULES

REJECTS = Path(__file__).resolve().parent / "rejects"
FILES = sorted(REJECTS.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reject_is_reported_as_the_golden_says(path: Path, snapshot: SnapshotAssertion) -> None:
    loaded = load(path, shown=path.name)
    assert report.text(loaded.source, loaded.diagnostics) == snapshot


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reject_has_the_code_of_its_name_and_an_error_keeps_it_from_compiling(path: Path) -> None:
    loaded = load(path)
    codes = {found.code for found in loaded.diagnostics}
    code = path.stem.partition("_")[0]
    assert code in codes
    severity = next(rule.severity for rule in RULES if rule.code == code)
    assert (loaded.registry is None) == (severity is Severity.ERROR)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reject_points_into_the_file(path: Path) -> None:
    loaded = load(path)
    size = len(loaded.source.text)
    spans = [found.span for found in loaded.diagnostics]
    assert all(0 <= span.start <= span.end <= size for span in spans)
    assert all(found.hint and found.message for found in loaded.diagnostics)


def test_every_rule_has_a_reject() -> None:
    shown = {path.stem.partition("_")[0] for path in FILES}
    assert shown == {rule.code for rule in RULES}


def test_codes_and_names_of_rules_are_unique() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.severity for rule in RULES} <= set(Severity)


def test_all_faults_of_a_file_are_reported_in_one_run_in_order() -> None:
    loaded = load(REJECTS / "S001_unknown_everywhere.yaml")
    starts = [found.span.start for found in loaded.diagnostics]
    assert len(starts) == 3
    assert starts == sorted(starts)
