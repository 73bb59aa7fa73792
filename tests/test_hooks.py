"""The hooks for other repositories, run as the pre-commit framework does, and by it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from codegen.cli import main
from codegen.commands import COMMANDS
from tests.builds import ROOT
from tests.invocations import BROKEN, MANIFEST

HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
BY_ID = {hook["id"]: hook for hook in HOOKS}
IDENTITY = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com"]
PLACE = "config/llm.yaml"
# The line of the manifest that fmt would write in another way.
UNTIDY = MANIFEST.replace("[ACME_API_KEY]", "[ ACME_API_KEY ]")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def downstream(tmp_path: Path) -> Path:
    """Give another repository, with a manifest at a place of its own and what it gives."""
    folder = tmp_path / "downstream"
    (folder / "config").mkdir(parents=True)
    (folder / PLACE).write_text(MANIFEST, encoding="utf-8")
    (folder / "main.go").write_text("package main\n", encoding="utf-8")
    settings = f'[tool.providers-codegen]\nmanifest = "{PLACE}"\nout = "built"\n'
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    assert _entry(folder, "providers-codegen generate").returncode == 0
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "begin")
    return folder


def _entry(folder: Path, entry: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an entry as pre-commit does: its words, then `args`, then no name of a file."""
    program, *words = shlex.split(entry)
    assert program == "providers-codegen"
    return subprocess.run(
        [sys.executable, "-m", "codegen", *words, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_hooks_are_the_three_that_keep_a_manifest_and_its_files_right() -> None:
    assert list(BY_ID) == [f"providers-codegen-{name}" for name in ("check", "fmt", "verify")]


@pytest.mark.parametrize("hook", HOOKS, ids=list(BY_ID))
def test_hook_has_what_the_framework_asks_for(hook: dict[str, Any]) -> None:
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert hook["language"] == "python"
    assert hook["pass_filenames"] is False
    program, command, *arguments = shlex.split(hook["entry"])
    assert (program, command in COMMANDS) == ("providers-codegen", True)
    found = main.get_command(click.Context(main), command)
    assert found is not None
    found.make_context(command, [*arguments, "--manifest", PLACE])


def test_hook_runs_whatever_the_manifest_is_called() -> None:
    """A pattern of names would pass over a manifest that is called otherwise."""
    for hook in HOOKS:
        assert "files" not in hook
        assert hook.get("always_run") or hook["types_or"] == ["yaml", "toml"]


@pytest.mark.parametrize("arguments", [(), ("--manifest", PLACE)])
@pytest.mark.parametrize("name", list(BY_ID))
def test_hook_passes_on_what_is_right(
    downstream: Path, name: str, arguments: tuple[str, ...]
) -> None:
    done = _entry(downstream, BY_ID[name]["entry"], *arguments)
    assert done.returncode == 0, done.stderr
    assert git(downstream, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("name", "text", "code", "says"),
    [
        ("providers-codegen-check", BROKEN, 2, "config/llm.yaml:"),
        (
            "providers-codegen-verify",
            MANIFEST.replace("Acme", "Acne"),
            1,
            "the manifest has changed",
        ),
        ("providers-codegen-verify", BROKEN, 2, "config/llm.yaml:"),
        ("providers-codegen-fmt", BROKEN, 2, "config/llm.yaml:"),
    ],
)
def test_hook_fails_on_what_is_wrong(
    downstream: Path, name: str, text: str, code: int, says: str
) -> None:
    (downstream / PLACE).write_text(text, encoding="utf-8")
    done = _entry(downstream, BY_ID[name]["entry"])
    assert done.returncode == code
    assert says in done.stdout + done.stderr


def test_hook_of_fmt_changes_the_file_which_is_how_the_framework_sees_it(downstream: Path) -> None:
    (downstream / PLACE).write_text(UNTIDY, encoding="utf-8")
    assert _entry(downstream, BY_ID["providers-codegen-fmt"]["entry"]).returncode == 0
    assert (downstream / PLACE).read_text(encoding="utf-8") == MANIFEST


def test_page_lists_the_hooks_and_shows_them_in_use() -> None:
    from tests.test_docs import bare, blocks, rows, sections

    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert [bare(row[0]) for row in rows(sections(page)["Before a commit"])] == list(BY_ID)
    examples = (yaml.safe_load(block.text) for block in blocks(page, "yaml"))
    (shown,) = (e["repos"][0] for e in examples if isinstance(e, dict) and "repos" in e)
    assert [hook["id"] for hook in shown["hooks"]] == list(BY_ID)


# the framework itself


@pytest.fixture
def framework(tmp_path: Path) -> str:
    found = shutil.which("pre-commit")
    if found is None:
        pytest.skip("SKIPPED: pre-commit is not on this machine; nothing here installs it")
    return found


def _configured(downstream: Path, source: Path) -> None:
    hooks = "".join(f"      - {{id: {name}}}\n" for name in BY_ID)
    revision = git(source, "rev-parse", "HEAD")
    (downstream / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {source}\n    rev: {revision}\n    hooks:\n{hooks}", encoding="utf-8"
    )
    git(downstream, "add", ".")


def test_framework_installs_and_runs_the_hooks(
    downstream: Path, framework: str, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    git(ROOT, "clone", "--quiet", str(ROOT), str(source))
    _configured(downstream, source)

    def run() -> tuple[int, str]:
        done = subprocess.run(
            [framework, "run", "--all-files", "--color=never"],
            cwd=downstream,
            env=os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = run()
    assert (code, said.count("Passed")) == (0, 3), said
    (downstream / PLACE).write_text(UNTIDY.replace("Acme", "Acne"), encoding="utf-8")
    code, said = run()
    assert code == 1
    assert "files were modified by this hook" in said
    assert "the manifest has changed since it was generated" in said
    assert said.count("Passed") == 1, said
