"""In Go a decision puts nothing on the heap, and a refusal nothing but its error."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import toolchains
from tests.builds import Build
from tests.languages import DRIVERS, go_module, needed, run

# Those that `derive_provider` ends in, all of which the manifest of everything brings about.
CODES = (
    "model_required",
    "unknown_runtime",
    "unregistered_model",
    "withdrawn_model",
    "ambiguous_model",
)


def _printed(build: Build, work: Path) -> str:
    go = needed(toolchains.go(), "go")
    go_module(build, work)
    shutil.copy(DRIVERS / "go" / "allocations_test.go", work)
    environment = toolchains.environment() | {"CASES": str(build.out / "vectors.json")}
    return run([go, "test", "-v", "."], cwd=work, env=environment)


@pytest.mark.parametrize("name", ["real_build", "everything_build"])
def test_a_decision_allocates_nothing_but_its_error(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert "--- PASS" in _printed(request.getfixturevalue(name), tmp_path)


def test_every_error_of_a_decision_is_among_them(everything_build: Build, tmp_path: Path) -> None:
    printed = _printed(everything_build, tmp_path)
    assert [code for code in CODES if f" {code}: " not in printed] == []
