"""What help says: a sentence, an example that parses, and every flag; and the page made of it."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import click
import pytest

from codegen import emit, pipeline
from codegen.cli import main
from codegen.commands import COMMANDS
from codegen.commands.manual import ARGUMENTS, ENVIRONMENT, EXIT_CODES, SEE_ALSO, manual
from codegen.console import FINE, INTERRUPTED, INVALID, NO, PIPE_CLOSED, USAGE
from codegen.manual import Command
from codegen.options import Options
from tests.builds import ROOT
from tests.test_cli import cli

MANUAL = manual(main)
CONTEXT = click.Context(main)
each_command = pytest.mark.parametrize("page", MANUAL.commands, ids=lambda page: page.name)
# What a shell does with the rest of an example's line.
_OF_THE_SHELL = re.compile(r"\s+[|>&].*$|^eval \"\$\((.*)\)\"(?:\s+#.*)?$")


def _called(line: str) -> list[str]:
    """Return the words of the program's own call in an example."""
    return shlex.split(_OF_THE_SHELL.sub(lambda match: match[1] or "", line), comments=True)


def _command(page: Command) -> click.Command:
    command = main.get_command(CONTEXT, page.name)
    assert command is not None
    return command


def test_manual_has_every_command_in_order() -> None:
    assert [page.name for page in MANUAL.commands] == list(COMMANDS)


@each_command
def test_summary_is_one_sentence(page: Command) -> None:
    assert re.fullmatch(r"[A-Z][^.]+\.", page.summary)


@each_command
def test_example_parses(page: Command) -> None:
    calls = [_called(line) for line in page.examples]
    assert any(words[1:2] == [page.name] for words in calls)
    for words in calls:
        assert words[0] == MANUAL.program
        named = main.get_command(CONTEXT, words[1])
        assert named is not None, words
        with named.make_context(words[1], words[2:]) as context:
            assert context.args == []


def test_example_that_does_not_parse_is_found_out() -> None:
    for line in ("providers-codegen verify --no-such-flag", "providers-codegen explain-rule"):
        words = _called(line)
        command = main.get_command(CONTEXT, words[1])
        assert command is not None
        with pytest.raises(click.UsageError):
            command.make_context(words[1], words[2:])


def test_commands_that_pages_only_show_parse() -> None:
    """What runs on a page is executed; what only stands there could be outdated."""
    from tests.test_docs import PAGES, blocks, read

    lines = [
        line.strip()
        for page in PAGES
        for block in blocks(read(page), "sh")
        for line in block.text.replace("\\\n", " ").splitlines()
        if re.match(r"providers-codegen \S|eval \"\$\(providers-codegen", line.strip())
    ]
    assert lines
    for line in lines:
        words = _called(line)
        command = main.get_command(CONTEXT, words[1])
        assert command is not None, line
        with command.make_context(words[1], words[2:]):
            pass


@each_command
def test_every_parameter_says_what_it_is(page: Command) -> None:
    for parameter in (*page.options, *page.arguments):
        assert re.fullmatch(r"[A-Z].+[.?]", parameter.meaning), parameter


@each_command
def test_help_shows_every_flag_and_the_example(page: Command, tmp_path: Path) -> None:
    done = cli(tmp_path, page.name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert page.summary.split()[0] in done.stdout
    assert re.search(r"^  Examples?:$", done.stdout, flags=re.MULTILINE)
    for parameter in _command(page).params:
        for name in parameter.opts if isinstance(parameter, click.Option) else ():
            assert re.search(rf"(?<!\S){name}\b", done.stdout), name


def test_help_of_the_program_lists_whole_sentences(tmp_path: Path) -> None:
    shown = " ".join(cli(tmp_path, "--help").stdout.split())
    assert [page.name for page in MANUAL.commands if page.summary not in shown] == []
    assert "Example: providers-codegen generate" in shown


@each_command
def test_page_leads_to_pages_that_are_there(page: Command) -> None:
    assert page.name in SEE_ALSO
    assert [path for path in page.see_also if not (ROOT / "docs" / path).is_file()] == []


def test_tables_say_nothing_about_what_is_not_there() -> None:
    names = {argument.usage for page in MANUAL.commands for argument in page.arguments}
    assert set(SEE_ALSO) == set(COMMANDS)
    assert set(ARGUMENTS) <= names


def test_every_exit_code_is_explained() -> None:
    assert set(EXIT_CODES) == {FINE, NO, INVALID, USAGE, INTERRUPTED, PIPE_CLOSED}


_READ = re.compile(r"environ(?:\.get\(|\[)[\"'](\w+)[\"']")


def test_every_variable_that_the_program_reads_is_explained() -> None:
    """Those that bash sets for its own completion are no business of a user."""
    sources = (ROOT / "codegen").rglob("*.py")
    read = {name for path in sources for name in _READ.findall(path.read_text(encoding="utf-8"))}
    assert {name for name in read if not name.startswith("COMP_")} <= set(ENVIRONMENT)
    assert "NO_COLOR" in read


# the page


def test_page_shows_every_option_with_its_default() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = dict(
        re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    )
    for page in MANUAL.commands:
        for parameter in (*page.options, *page.arguments):
            assert f"- `{parameter.usage}`: " in sections[page.name]
        assert all(f"\n{line}\n" in sections[page.name] for line in page.examples)
    assert "- `--manifest FILE`: The manifest. Default: `providers.yaml`.\n" in sections["check"]


def _project(folder: Path) -> Path:
    (folder / "providers.yaml").write_bytes((ROOT / "providers.yaml").read_bytes())
    (folder / "docs").mkdir()
    (folder / "docs" / "mine.md").write_text("mine\n", encoding="utf-8")
    settings = '[tool.providers-codegen]\ncommand-page = "docs/cli.md"\nrule-pages = "docs/rules"\n'
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    return folder


def test_page_is_written_beside_what_people_write_and_verified(tmp_path: Path) -> None:
    project = _project(tmp_path)
    mine = (project / "docs" / "mine.md").stat()
    assert cli(project, "generate").stdout.endswith(
        "docs/cli.md: 1 written, 0 already up to date\n"
    )
    names = sorted(path.name for path in (project / "docs").iterdir())
    assert names == ["cli.md", "mine.md", "rules"]
    assert (project / "docs" / "mine.md").stat() == mine
    assert cli(project, "verify").stdout.endswith("docs/cli.md: 1 file, all as generated\n")
    page = project / "docs" / "cli.md"
    page.write_text(page.read_text(encoding="utf-8") + "more\n", encoding="utf-8")
    red = cli(project, "verify")
    assert red.returncode == 1
    assert "CHANGED   docs/cli.md: it was edited by hand" in red.stdout
    page.unlink()
    assert "MISSING   docs/cli.md" in cli(project, "verify").stdout
    assert cli(project, "generate").returncode == 0
    assert cli(project, "verify").returncode == 0


def test_page_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    project = _project(tmp_path)
    (project / "docs" / "cli.md").write_text("mine\n", encoding="utf-8")
    done = cli(project, "generate")
    assert done.returncode == 1
    assert "docs/cli.md was not written by providers-codegen" in done.stderr
    assert not (project / "generated").exists()
    assert (project / "docs" / "cli.md").read_text(encoding="utf-8") == "mine\n"


def test_page_in_the_folder_of_the_project_looks_at_nothing_else(tmp_path: Path) -> None:
    project = _project(tmp_path)
    (project / "pyproject.toml").write_text(
        '[tool.providers-codegen]\ncommand-page = "COMMANDS.md"\n', encoding="utf-8"
    )
    beside = {path.name for path in project.parent.iterdir()}
    assert cli(project, "generate").returncode == 0
    assert {path.name for path in project.parent.iterdir()} == beside
    assert cli(project, "verify").returncode == 0
    names = sorted(path.name for path in project.iterdir())
    assert names == ["COMMANDS.md", "docs", "generated", "providers.yaml", "pyproject.toml"]


def test_failure_leaves_the_old_page_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest_text: str
) -> None:
    """All trees are built before the first takes its place."""
    from tests.builds import registry_of

    options = Options(
        manifest=Path("providers.yaml"),
        out=tmp_path / "generated",
        targets=("data",),
        command_page=tmp_path / "docs" / "cli.md",
    )
    trees = pipeline.trees(registry_of(manifest_text), options, MANUAL)
    emit.write(trees, "old")
    page = tmp_path / "docs" / "cli.md"
    page.write_text("Code generated by providers-codegen, and old\n", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(emit, "_write_all", full)
    with pytest.raises(OSError, match="No space left"):
        emit.write(trees, "new")
    assert page.read_text(encoding="utf-8").endswith("and old\n")
    assert [path.name for path in page.parent.iterdir()] == ["cli.md"]
