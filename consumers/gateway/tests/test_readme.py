"""The page that newcomers read is right: each example on it runs, each table is the code's."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.app import application
from gateway.refusals import Code
from gateway.settings import Settings
from tests import running as deployments
from tests.process import Process, environment, ran, running

PAGE = Path(__file__).parents[1] / "README.md"
TEXT = PAGE.read_text()
DEADLINE = 120
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAYS = re.compile(r"# says (.+)$", re.MULTILINE)
_SERVER = "gateway --host 127.0.0.1 --port 8787\n"

BLOCKS = [(found[1], found[2]) for found in _BLOCK.finditer(TEXT)]
EXAMPLES = [block for block in BLOCKS if block[0] != "console" and _SERVER not in block[1]]


def _run(kind: str, text: str, variables: Mapping[str, str], folder: Path) -> str:
    """Run an example as a reader would, and return what it printed."""
    shell = shutil.which("bash")
    assert shell is not None
    command = [sys.executable, "-c", text] if kind == "python" else [shell, "-euc", text]
    done = subprocess.run(
        command,
        env=dict(variables),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _paragraphs(said: str) -> list[str]:
    return [part.strip() for part in said.split("\n\n")]


@pytest.fixture(name="demonstration", scope="module")
def _demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, str]]:
    """Run the demonstration beside real keys and settings, which it must not read."""
    folder = tmp_path_factory.mktemp("demonstration")
    real = environment(folder, MODE="platform", ADMIN_KEY="x", LOG_LEVEL="nonsense")
    keys = {"OPENAI_API_KEY": "a-real-key", "ANTHROPIC_API_KEY": "a-real-key"}
    with running(folder, ["--demo", "--port", "0"], real | keys) as process:
        process.url()
        process.await_output("Ctrl-C ends this")
        yield process, process.output
    assert process.errors.read_text() == ""


@pytest.fixture(name="variables", scope="module")
def _variables(demonstration: tuple[Process, str]) -> dict[str, str]:
    """Return the environment of a reader who has pasted the line that begins with `export`."""
    (line,) = (part for part in _paragraphs(demonstration[1]) if part.startswith("export "))
    exported = dict(re.findall(r"(\w+)=(\S+)", line))
    assert set(exported) >= {"GATEWAY_URL", "ADMIN_KEY", "API_KEY", "SESSION", "FACADE_TOKEN"}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": "/nonexistent"} | exported


def test_every_command_and_program_that_the_demonstration_prints_works(
    demonstration: tuple[Process, str], variables: dict[str, str], tmp_path: Path
) -> None:
    printed = _paragraphs(demonstration[1])
    commands = [part for part in printed if part.startswith("curl ")]
    programs = [part for part in printed if part.startswith("from ")]
    assert (len(commands), len(programs)) == (5, 2)
    answers = [_run("sh", command, variables, tmp_path) for command in commands]
    assert all("You said: Good morning" in answer for answer in answers[:3])
    assert answers[3].count("data: ") > 5
    assert answers[3].endswith("data: [DONE]\n\n")
    assert '"payer":"platform"' in answers[4]
    for program in programs:
        said = _run("python", program, variables, tmp_path)
        assert said == "Hello from the demo vendor. You said: Good morning\n"


def test_the_demonstration_says_what_it_made_and_takes_it_away(tmp_path: Path) -> None:
    with running(tmp_path, ["--demo", "--port", "0"], environment(tmp_path)) as process:
        process.await_output("Ctrl-C ends this")
        said = process.output
        folder = Path(re.findall(r"It made, in (\S+):", said)[0])
        assert (folder / "gateway.db").exists()
        process.signal(signal.SIGINT)
        assert process.wait() == 0
    assert not folder.exists()
    assert not (tmp_path / "gateway.db").exists()
    for word in (
        "a user, visitor",
        "a workspace, ws_",
        "a session of it, ses_",
        "everything it made",
    ):
        assert word in said


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_of_the_page_works(
    variables: dict[str, str], tmp_path: Path, number: int
) -> None:
    kind, text = EXAMPLES[number]
    said = _run(kind, text, variables, tmp_path)
    expected = _SAYS.findall(text)
    assert expected, "an example says what it shows"
    for part in expected:
        assert part in said


def test_the_page_has_examples_of_each_kind() -> None:
    kinds = [kind for kind, _ in EXAMPLES]
    assert kinds.count("sh") >= 10
    assert kinds.count("python") == 4
    assert {kind for kind, _ in BLOCKS} == {"sh", "python", "console"}


def test_the_commands_that_start_a_real_one_work(tmp_path: Path) -> None:
    (block,) = (text for _, text in BLOCKS if _SERVER in text)
    exports = block.replace(_SERVER, "")
    shown = _run("sh", f"{exports}\nenv", {"PATH": os.environ["PATH"]}, tmp_path)
    exported = dict(line.partition("=")[::2] for line in shown.splitlines())
    given = {name: value for name, value in exported.items() if name.startswith("GATEWAY_")}
    given["GATEWAY_DATABASE_URL"] = f"sqlite:///{tmp_path}/gateway.db"
    with running(tmp_path, ["--port", "0"], environment(tmp_path) | given) as process:
        process.url()


def _table(heading: str) -> list[list[str]]:
    section = TEXT.partition(f"# {heading}\n")[2].partition("\n#")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_table_of_settings_is_complete_and_tells_each_default() -> None:
    shown = {row[0].strip("`"): row[1] for row in _table("Settings")}
    fields = Settings.model_fields
    assert shown == {f"GATEWAY_{name.upper()}": _default(name, fields[name]) for name in fields}


def _default(name: str, field: Any) -> str:
    if name == "public_url":
        return "where it listens"
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    return f"`{str(field.default).lower() if field.default in (True, False) else field.default}`"


def test_the_table_of_codes_is_complete_and_tells_each_status(tmp_path: Path) -> None:
    shown = {row[0].strip("`"): row[1] for row in _table("Error codes")}
    assert set(shown) == {code.value for code in Code}
    described = _described(application(deployments.settings(tmp_path)).openapi())
    del described["VENDOR_FAILED"]
    assert shown.pop("METHOD_NOT_ALLOWED") == "405"
    assert shown.pop("VENDOR_FAILED") == "the vendor's, or 502"
    assert shown == {code: ", ".join(sorted(found)) for code, found in described.items()}


def _described(page: dict[str, Any]) -> dict[str, set[str]]:
    """Return each code that the OpenAPI page names, with its statuses."""
    found: dict[str, set[str]] = {}
    for methods in page["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                for code in _codes(answer):
                    found.setdefault(code, set()).add(status)
    return found


def _codes(part: Any) -> Iterator[str]:
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    if isinstance(part, dict) and isinstance(part.get("code"), dict):
        yield from part["code"].get("enum", ())
    for each in inside:
        yield from _codes(each)


def test_every_link_of_the_page_leads_somewhere() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ")).lower().replace(" ", "-")
        for line in TEXT.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif not target.startswith("https://"):
            assert (PAGE.parent / target).exists(), target


def test_help_and_version_are_told(tmp_path: Path) -> None:
    code, said = ran(tmp_path, ["--help"], environment(tmp_path))
    assert code == 0
    for option in ("--host", "--port", "--database", "--demo"):
        assert option in said
    code, said = ran(tmp_path, ["--version"], environment(tmp_path))
    assert code == 0
    assert said.endswith(" 0.1.0\n")
