"""Fixtures that everything shares: the real manifest, and builds of it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from codegen.ir import Registry
from tests.builds import EVERYTHING, MANIFEST, Build, build, registry_of

# A program that needs atheris, which only `make fuzz` installs; it has no doctests to collect.
collect_ignore = ["fuzz/by_coverage.py"]


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs under test, also where a shell runs the tests behind itself.

    A shell has what it runs there ignore the interrupt, and programs inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return registry_of(MANIFEST.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def everything() -> Registry:
    return registry_of(EVERYTHING.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def real_build(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(registry, tmp_path_factory.mktemp("real") / "generated")


@pytest.fixture(scope="session")
def everything_build(everything: Registry, tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(everything, tmp_path_factory.mktemp("everything") / "generated")


@pytest.fixture
def manifest_text() -> str:
    return MANIFEST.read_text(encoding="utf-8")


def pytest_report_header() -> list[str]:
    """Say which toolchains the run uses, so that a log tells what was proved."""
    from tests import toolchains

    found = (
        ("go", toolchains.go()),
        ("node", toolchains.node()),
        ("tsc", toolchains.tsc()),
        ("esbuild", toolchains.bundler()),
        ("cargo", toolchains.cargo()),
        ("schema of SARIF", toolchains.sarif_schema()),
        ("chromium", toolchains.chromium()),
    )
    return [f"{name}: {path if path is not None else 'MISSING'}" for name, path in found]


REJECTS = Path(__file__).resolve().parent / "rejects"
