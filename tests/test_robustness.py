"""Every command, whatever happens to it: the right exit code, one clear line, never a traceback."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.commands import COMMANDS
from tests.builds import ROOT
from tests.invocations import BROKEN, INVOCATIONS, prepare

_SECONDS = 60
each_command = pytest.mark.parametrize("name", list(COMMANDS))
each_reader = pytest.mark.parametrize(
    "name", [name for name, called in INVOCATIONS.items() if called.has_manifest]
)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


def test_every_command_has_its_line_in_the_table() -> None:
    assert set(INVOCATIONS) == set(COMMANDS)


@pytest.fixture
def project(tmp_path: Path, name: str) -> Path:
    return prepare(tmp_path, name)


def _codegen(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "codegen", *arguments]


def _call(name: str, *more: str) -> list[str]:
    return _codegen(name, *INVOCATIONS[name].arguments, *more)


def _prepared(project: Path, name: str) -> None:
    for arguments in INVOCATIONS[name].before:
        subprocess.run(
            _codegen(*arguments), cwd=project, env=ENVIRONMENT, check=True, capture_output=True
        )


def _ended(process: subprocess.Popen[str], name: str) -> subprocess.CompletedProcess[str]:
    """Wait for the end; an endless command gets an interrupt when it waits."""
    said = ""
    if INVOCATIONS[name].is_endless and process.stdout is not None:
        for line in process.stdout:
            said += line
            if line.startswith("waiting"):
                process.send_signal(signal.SIGINT)
                break
    rest, complaints = process.communicate(timeout=_SECONDS)
    done = subprocess.CompletedProcess(
        process.args, process.returncode, said + (rest or ""), complaints or ""
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def _run(command: list[str], project: Path, name: str) -> subprocess.CompletedProcess[str]:
    process = subprocess.Popen(
        command,
        cwd=project,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return _ended(process, name)


def _errors(complaints: str) -> list[str]:
    return re.findall(r"^(?:.*: )?(?:internal )?error\b.*$", complaints, flags=re.MULTILINE)


@each_command
def test_command_does_its_work_in_a_project_of_somebody_else(project: Path, name: str) -> None:
    _prepared(project, name)
    done = _run(_call(name), project, name)
    wanted = 130 if INVOCATIONS[name].is_endless else 0
    assert (done.returncode, _errors(done.stderr)) == (wanted, [])
    assert INVOCATIONS[name].says in done.stdout


# a manifest that is broken or missing


@each_reader
def test_broken_manifest_is_two_and_one_finding(project: Path, name: str) -> None:
    (project / "providers.yaml").write_text(BROKEN, encoding="utf-8")
    before = sorted(project.iterdir())
    done = _run(_call(name), project, name)
    assert done.returncode == (130 if INVOCATIONS[name].is_endless else 2)
    (error,) = _errors(done.stderr)
    assert re.match(r"providers\.yaml:\d+:\d+: error\[Y\d+\]: ", error)
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize("name", [name for name, called in INVOCATIONS.items() if called.missing])
def test_missing_file_is_two_and_one_line(project: Path, name: str) -> None:
    before = sorted(project.rglob("*"))
    done = _run(_codegen(name, *INVOCATIONS[name].missing), project, name)
    assert done.returncode == (130 if INVOCATIONS[name].is_endless else 2)
    (error,) = _errors(done.stderr)
    assert "nowhere." in error
    assert error.endswith("no such file or directory")
    assert sorted(project.rglob("*")) == before


@each_command
def test_wrong_flag_is_three_and_one_line(project: Path, name: str) -> None:
    done = _run(_codegen(name, "--no-such-flag"), project, "check")
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert "--no-such-flag" in line


# nobody reads


def _closed() -> int:
    """Return the end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@each_command
@pytest.mark.parametrize("is_help", [False, True], ids=["answer", "help"])
def test_closed_pipe_is_141_and_quiet(project: Path, name: str, is_help: bool) -> None:
    _prepared(project, name)
    writer = _closed()
    process = subprocess.Popen(
        _codegen(name, "--help") if is_help else _call(name),
        cwd=project,
        env=ENVIRONMENT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    _, complaints = process.communicate(timeout=_SECONDS)
    assert (process.returncode, complaints) == (141, "")


@each_command
def test_head_takes_its_lines_and_no_more(project: Path, name: str) -> None:
    """What people type; with many lines, the pipe closes in the middle."""
    if INVOCATIONS[name].is_endless:
        return
    _prepared(project, name)
    line = f'{shlex.join(_call(name))} | head -1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=project,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    *_, code = done.stdout.splitlines()
    assert code in ("0", "141")
    assert done.stderr == ""


@each_command
def test_closed_output_changes_nothing_else(project: Path, name: str) -> None:
    if INVOCATIONS[name].is_endless:
        return
    _prepared(project, name)
    line = shlex.join(_call(name)) + " >&-"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=project,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@each_command
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="SKIPPED: /dev/full is not here")
def test_full_disk_behind_the_output_is_three_and_one_line(project: Path, name: str) -> None:
    _prepared(project, name)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = subprocess.Popen(
            _call(name),
            cwd=project,
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    done = _ended(process, name)
    assert done.returncode == 3
    refused = "error: the system refused: [Errno 28] No space left on device"
    assert set(_errors(done.stderr)) == {refused}


# an interrupt

# Each hook sends an interrupt once, at a moment of the run.
_HOOKS = {
    "while the program loads": """
def hook(event, arguments):
    if event == "import" and arguments[0] == "codegen.console": hit()
""",
    "while the manifest is opened": """
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith("providers.yaml"): hit()
""",
    "at the first word": """
import click
echo = click.echo
def spoken(*arguments, **named):
    click.echo = echo
    hit()
click.echo = spoken
def hook(event, arguments): pass
""",
}
_PROGRAM = """
import os, signal, sys
hits = []
def hit():
    if not hits:
        hits.append(1)
        os.kill(os.getpid(), signal.SIGINT)
{hook}
sys.addaudithook(hook)
from codegen.__main__ import run
sys.argv = {arguments!r}
run()
"""


def _interrupted(moment: str, name: str, project: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["providers-codegen", name, *INVOCATIONS[name].arguments]
    program = _PROGRAM.format(hook=_HOOKS[moment], arguments=arguments)
    return _run([sys.executable, "-c", program], project, name)


@each_command
@pytest.mark.parametrize("moment", [moment for moment in _HOOKS if "manifest" not in moment])
def test_interrupt_is_130_and_one_line(project: Path, name: str, moment: str) -> None:
    _prepared(project, name)
    done = _interrupted(moment, name, project)
    assert done.returncode == 130
    assert re.fullmatch(r"interrupted; [a-z ]+\n", done.stderr)


@each_reader
def test_interrupt_while_it_reads_is_130_and_one_line(project: Path, name: str) -> None:
    _prepared(project, name)
    done = _interrupted("while the manifest is opened", name, project)
    assert (done.returncode, done.stderr) == (130, "interrupted; no file is half written\n")
    assert done.stdout == ""
