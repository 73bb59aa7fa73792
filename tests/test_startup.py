"""What a quick command does not load: a regression that no clock is needed for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.builds import ROOT

# Each is of one command, of a fault, or of a system call that nobody made.
HEAVY = {
    "asyncio",
    "codegen.commands.comparing",
    "codegen.commands.syncing",
    "codegen.comparison",
    "codegen.explanation",
    "codegen.fetch",
    "codegen.formatting",
    "codegen.judging",
    "codegen.lockfile",
    "codegen.matrix",
    "codegen.origins",
    "codegen.packs",
    "codegen.report.sarif",
    "codegen.review",
    "codegen.revisions",
    "codegen.sandbox",
    "codegen.sides",
    "codegen.vendoring",
    "ctypes",
    "difflib",
    "email",
    "http",
    "importlib.metadata",
    "jinja2.sandbox",
    "multiprocessing",
    "ruamel",
    "ssl",
    "subprocess",
    "urllib.request",
    "watchfiles",
}
WRITERS = {"codegen.emit", "tempfile"}
RENDERERS = {"jinja2", "codegen.bytecode", "codegen.tables", "codegen.vectors"}
QUICK = {
    ("verify",): set(),
    ("check",): {"codegen.manual", "codegen.rulebook", *RENDERERS},
    ("explain", "claude-code", "kimi-k2.5"): {"codegen.rulebook", *WRITERS, *RENDERERS},
}
OWN = {"explain": {"codegen.explanation"}}

_PROGRAM = """
import json, sys
from codegen.__main__ import run
try:
    run()
except SystemExit as stop:
    sys.stderr.write(json.dumps([stop.code, sorted(sys.modules)]))
"""


def _loaded(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, names = json.loads(done.stderr)
    assert code == 0, done.stdout
    return set(names)


@pytest.mark.parametrize("arguments", QUICK, ids=lambda arguments: str(arguments[0]))
def test_quick_command_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    unwanted = (HEAVY | QUICK[arguments]) - OWN.get(arguments[0], set())
    assert _loaded(*arguments) & unwanted == set()


def test_names_of_what_is_heavy_are_modules() -> None:
    """A module that was renamed must not slip through."""
    from importlib.util import find_spec

    assert [name for name in sorted(HEAVY | WRITERS | RENDERERS) if find_spec(name) is None] == []
