"""Completion in shells: what is offered of the manifest at hand, and what the line becomes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from codegen import completion
from codegen.cli import main
from codegen.commands import COMMANDS
from codegen.rules import RULES
from tests.builds import MANIFEST, ROOT
from tests.shells import Terminal, shell


@click.group()
def program() -> None:
    """Have every type of parameter, whatever the real commands use."""


@program.command()
@click.argument("runtime", type=completion.RUNTIME)
@click.argument("model", type=completion.MODEL)
@click.option("--auth-env", type=completion.AUTH_ENV, multiple=True)
@click.option("--provider", type=completion.PROVIDER)
@click.option("--manifest", type=completion.FILE)
@click.option("--overlay", "overlays", type=completion.FILE, multiple=True)
@click.option("--out", type=completion.FOLDER)
def decide(**_: object) -> None:
    """Take every type."""


@program.command()
@click.option("--runtime", type=completion.RUNTIME)
@click.argument("model", type=completion.MODEL)
@click.argument("rule", type=completion.RULE)
def judge(**_: object) -> None:
    """Take the runtime as an option."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def bash(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the variables that bash sets as they were."""
    with monkeypatch.context() as changed:
        for name in ("COMP_LINE", "COMP_POINT", "COMP_REPLACED"):
            changed.setenv(name, "")
        yield


def _offered(line: str, replaced: str | None = None, of: click.Command = program) -> list[str]:
    """Return what bash would be told at the end of a line."""
    os.environ["COMP_LINE"] = f"providers-codegen {line}"
    os.environ["COMP_POINT"] = str(len(os.environ["COMP_LINE"]))
    os.environ["COMP_REPLACED"] = line.rpartition(" ")[2] if replaced is None else replaced
    said = completion.answer(of, "bash_complete")
    assert said is not None
    return said.split("\n")


OFFERED = [
    ("decide ", "", ["plain", "claude-code", "hermes", "codex", "openclaw", "google-adk"]),
    ("decide co", "co", ["plain", "codex"]),
    ("decide nothing-of-that-name", None, ["plain"]),
    ("decide codex gpt-5.3", None, ["plain", "gpt-5.3-codex", "gpt-5.3-codex-spark"]),
    ("decide codex openai/gpt-5.4", None, ["plain", "openai/gpt-5.4", "openai/gpt-5.4-mini"]),
    # bash replaces what stands behind the last colon, or all where no colon ends a word
    ("decide openclaw groq:l", "l", ["plain", "llama-3.3-70b-versatile"]),
    ("decide openclaw groq:l", "groq:l", ["plain", "groq:llama-3.3-70b-versatile"]),
    ("decide openclaw 'groq:l", "'groq:l", ["plain", "groq:llama-3.3-70b-versatile"]),
    ("decide openclaw groq\\:l", "groq\\:l", ["plain", "groq:llama-3.3-70b-versatile"]),
    ("decide --auth-env=GROQ", "GROQ", ["plain", "GROQ_API_KEY"]),
    ("decide --auth-env=GROQ", "--auth-env=GROQ", ["plain", "--auth-env=GROQ_API_KEY"]),
    ("decide --provider groq", None, ["plain", "groq"]),
    ("decide --manifest prov", None, ["file"]),
    ("decide --out gen", None, ["dir"]),
    ("decide --o", None, ["plain", "--overlay", "--out"]),
    (
        "judge --runtime google-adk platform:gemini-2.5-p",
        "gemini-2.5-p",
        ["plain", "gemini-2.5-pro"],
    ),
    ("judge groq:l", "groq:l", ["plain", "groq:llama-3.3-70b-versatile"]),
    ("judge gpt-5.5 A00", None, ["plain", *(f"A00{number}" for number in range(1, 10))]),
    ("judge gpt-5.5 unreachable_a", None, ["plain", "unreachable_arm"]),
    ("de", None, ["plain", "decide"]),
    ("no-such-command x", None, ["plain"]),
]


@pytest.mark.usefixtures("bash", "project")
@pytest.mark.parametrize(("line", "replaced", "offered"), OFFERED)
def test_names_come_from_the_manifest_at_hand(
    line: str, replaced: str | None, offered: list[str]
) -> None:
    assert _offered(line, replaced) == offered


@pytest.mark.usefixtures("bash", "project")
def test_rules_are_offered_by_code_until_a_name_is_begun() -> None:
    assert _offered("judge gpt-5.5 ", "") == ["plain", *(rule.code for rule in RULES)]


@pytest.mark.usefixtures("bash", "project")
def test_every_command_is_offered() -> None:
    assert _offered("", "", of=main) == ["plain", *COMMANDS]


@pytest.mark.usefixtures("bash")
def test_manifest_that_was_typed_wins_over_the_settings(project: Path) -> None:
    settings = '[tool.providers-codegen]\nmanifest = "of-the-settings.yaml"\n'
    (project / "pyproject.toml").write_text(settings, encoding="utf-8")
    real = project / "providers.yaml"
    text = real.read_text(encoding="utf-8").replace("\n  codex:\n", "\n  codex-two:\n")
    (project / "of-the-settings.yaml").write_text(text, encoding="utf-8")
    assert _offered("decide codex") == ["plain", "codex-two"]
    assert _offered("decide --manifest providers.yaml codex") == ["plain", "codex"]


@pytest.mark.usefixtures("bash")
def test_names_of_overlays_are_offered(project: Path) -> None:
    overlay = """\
schema_version: 1
providers: []
runtimes:
  my-agent:
    providers: [{name: groq, models: ['groq:mine']}]
"""
    (project / "overlay.yaml").write_text(overlay, encoding="utf-8")
    assert _offered("decide --overlay overlay.yaml my-") == ["plain", "my-agent"]
    assert _offered("decide --overlay overlay.yaml my-agent groq:mi", "mi") == ["plain", "mine"]


def _real() -> str:
    return MANIFEST.read_text(encoding="utf-8")


BROKEN = [
    ("a misspelt value", lambda: _real().replace("protocol: openai", "protocol: opneai"), True),
    ("a missing key", lambda: _real().replace("    vendor_logo: openai\n", ""), True),
    ("YAML that ends in the middle", lambda: _real()[:9000] + "\n  - [", False),
    ("no YAML", lambda: "}{", False),
    ("nothing", lambda: "", False),
]


@pytest.mark.usefixtures("bash")
@pytest.mark.parametrize(
    ("text", "is_readable"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN]
)
def test_of_a_broken_manifest_what_can_be_read_is_offered_and_nothing_is_said(
    project: Path, capfd: pytest.CaptureFixture[str], text: object, is_readable: bool
) -> None:
    assert callable(text)
    (project / "providers.yaml").write_text(text(), encoding="utf-8")
    assert _offered("decide cod") == (["plain", "codex"] if is_readable else ["plain"])
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("bash")
@pytest.mark.parametrize("settings", ["= broken", '[tool.providers-codegen]\nmanifets = "x"\n'])
def test_broken_settings_offer_nothing_and_say_nothing(
    project: Path, capfd: pytest.CaptureFixture[str], settings: str
) -> None:
    (project / "pyproject.toml").write_text(settings, encoding="utf-8")
    assert _offered("decide cod") == ["plain"]
    (project / "pyproject.toml").unlink()
    (project / "providers.yaml").unlink()
    assert _offered("decide cod") == ["plain"]
    assert capfd.readouterr() == ("", "")


HOSTILE = "x $(touch hit); 'y`z"


@pytest.fixture
def hostile(project: Path) -> Path:
    """Give a manifest with ids that a shell would run, and one that a terminal would obey."""
    text = _real().replace("moonshot:kimi-k2.6'", HOSTILE.replace("'", "''") + "'", 1)
    text = text.replace("          - 'moonshot:kimi-k2.5'", '          - "hidden\\e[31m"', 1)
    (project / "providers.yaml").write_text(text, encoding="utf-8")
    return project


@pytest.mark.usefixtures("bash", "hostile")
def test_ids_are_offered_so_that_the_shell_takes_them_as_text() -> None:
    kind, offered = _offered("decide openclaw x")
    assert (kind, shlex.split(offered)) == ("plain", [HOSTILE])
    assert "hidden" not in "".join(_offered("decide openclaw ", ""))


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_what_is_said_of_a_value_is_one_line_that_a_terminal_can_show(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text = _real().replace("display_name: Groq", 'display_name: "a\\nplain\\nb\\e[31m"', 1)
    assert text != _real()
    (project / "providers.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("COMP_WORDS", "providers-codegen decide --provider groq")
    monkeypatch.setenv("COMP_CWORD", "groq" if name == "fish" else "3")
    said = completion.answer(program, f"{name}_complete")
    assert said in ("plain\ngroq\na plain b [31m", "plain,groq\ta plain b [31m")


def test_unknown_shell_gets_no_answer() -> None:
    assert completion.answer(program, "tcsh_complete") is None
    assert completion.answer(program, "bash_source") is None


# the shells themselves


_PROGRAM = """\
import os
from tests.test_completion import completion, program
print(completion.answer(program, os.environ[completion.VARIABLE]))
"""


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Give a folder in which `providers-codegen` is the program above, with the real scripts."""
    folder = tmp_path / "commands"
    folder.mkdir()
    path = folder / "providers-codegen"
    real, stand_in = (
        shlex.join([sys.executable, *arguments])
        for arguments in (["-m", "codegen"], ["-c", _PROGRAM])
    )
    path.write_text(
        f"#!/bin/sh\nexport PYTHONPATH={shlex.quote(str(ROOT))}\n"
        f'[ -z "${completion.VARIABLE}" ] && exec {real} "$@"\nexec {stand_in}\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return folder


def _needed(name: str) -> str:
    path = shell(name)
    if path is None:
        pytest.skip(f"SKIPPED: {name} is not on this machine; nothing here installs it")
    return path


LINES = [
    ("dec", "decide "),
    ("decide her", "decide hermes "),
    ("decide codex gpt-5.3-codex-", "decide codex gpt-5.3-codex-spark "),
    ("decide openclaw gro", "decide openclaw groq:"),
    ("decide openclaw groq:ll", "decide openclaw groq:llama-3.3-70b-versatile "),
    ("decide openclaw 'groq:ll", "decide openclaw 'groq:llama-3.3-70b-versatile' "),
    ('decide openclaw "groq:ll', 'decide openclaw "groq:llama-3.3-70b-versatile" '),
    ("judge --runtime google-adk platform:gemini-2.5-p", None),
    ("decide --manifest provid", "decide --manifest providers.yaml "),
    ("decide --auth-env=GROQ", "decide --auth-env=GROQ_API_KEY "),
    ("decide zz", "decide zz"),
]


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_line_is_completed_in_a_real_shell(name: str, project: Path, commands: Path) -> None:
    _needed(name)
    with Terminal(name, project, commands) as terminal:
        for typed, line in LINES:
            wanted = line if line is not None else f"{typed}ro "
            completed = terminal.completed(f"providers-codegen {typed}")
            assert completed.replace("\\:", ":") == f"providers-codegen {wanted}", typed


def test_bash_that_ends_no_word_at_a_colon_completes_as_well(project: Path, commands: Path) -> None:
    _needed("bash")
    with Terminal("bash", project, commands) as terminal:
        terminal.completed("COMP_WORDBREAKS=' '; true\n")
        line = terminal.completed("providers-codegen decide openclaw groq:ll")
        assert line == "providers-codegen decide openclaw groq:llama-3.3-70b-versatile "
        line = terminal.completed("providers-codegen decide --auth-env=GROQ")
        assert line == "providers-codegen decide --auth-env=GROQ_API_KEY "


def test_hostile_id_is_text_in_a_real_bash(hostile: Path, commands: Path) -> None:
    _needed("bash")
    with Terminal("bash", hostile, commands) as terminal:
        line = terminal.completed("providers-codegen decide openclaw x")
        assert shlex.split(line) == ["providers-codegen", "decide", "openclaw", HOSTILE]
    assert not (hostile / "hit").exists()


def test_fish_offers_values_with_what_they_are(project: Path, commands: Path) -> None:
    fish = _needed("fish")
    program = (
        "providers-codegen completion fish | source; "
        "for line in $argv; complete -C $line; echo ==; end"
    )
    lines = [
        "decide her",
        "decide openclaw groq:ll",
        "decide --provider moons",
        "decide --provider=moons",
        "decide --manifest=provid",
    ]
    done = subprocess.run(
        [fish, "--no-config", "-c", program, *(f"providers-codegen {line}" for line in lines)],
        cwd=project,
        env=os.environ
        | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "HOME": str(project)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.split("==\n")[:-1] == [
        "hermes\t22 arms\n",
        "groq:llama-3.3-70b-versatile\tan example of groq\n",
        "moonshot\tMoonshot (Kimi)\n",
        "--provider=moonshot\tMoonshot (Kimi)\n",
        "--manifest=providers.yaml\n",
    ]


@pytest.mark.parametrize("name", completion.SHELLS)
def test_script_is_one_that_the_shell_can_read(name: str) -> None:
    path = _needed(name)
    done = subprocess.run(
        [path, "-n"], input=completion.script(name), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
