"""The command line: exit codes, one clear line for whatever goes wrong, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builds import MANIFEST, ROOT

COMMANDS = [
    *("check", "generate", "verify", "schema", "matrix"),
    "check-template t.yaml --runtime hermes",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    return tmp_path


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def cli(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "codegen", *arguments],
        cwd=cwd,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done


def test_check_says_what_is_in_the_manifest(project: Path) -> None:
    done = cli(project, "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "providers.yaml: 32 providers, 5 runtimes, 43 arms, 53 listed ids, 29 name-only arms\n"
    )


def test_check_writes_nothing(project: Path) -> None:
    cli(project, "check")
    assert [path.name for path in project.iterdir()] == ["providers.yaml"]


@pytest.mark.parametrize("command", COMMANDS)
def test_faulty_manifest_is_two_and_a_diagnostic(project: Path, command: str) -> None:
    text = MANIFEST.read_text(encoding="utf-8").replace("protocol: openai", "protocol: opneai", 1)
    (project / "providers.yaml").write_text(text, encoding="utf-8")
    done = cli(project, *command.split())
    assert done.returncode == 2
    assert 'error[S004]: protocol cannot be "opneai"' in done.stderr
    assert 'did you mean "openai"?' in done.stderr
    assert "1 error\n" in done.stderr
    assert not (project / "generated").exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--manifest", "missing.yaml"], "no such file or directory"),
        (["--manifest", "."], "it is not a regular file"),
        (["--manifest", "fifo"], "it is not a regular file"),
        (["--manifest", "latin1.yaml"], "it is not UTF-8 (byte 1)"),
        (["--manifest", "empty.yaml"], "the manifest is empty"),
        (["--manifest", "bomb.yaml"], "the aliases unfold to more than 10,000 nodes"),
        (["--manifest", "deep.yaml"], "the nesting is deeper than 64 levels"),
    ],
)
def test_unreadable_manifest_is_two_and_one_line(
    project: Path, command: str, arguments: list[str], complaint: str
) -> None:
    os.mkfifo(project / "fifo")
    (project / "latin1.yaml").write_bytes(b"\xe9")
    (project / "empty.yaml").write_bytes(b"")
    (project / "deep.yaml").write_bytes(b"[" * 10_000)
    level = b"x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for depth in range(1, 12):
        items = b", ".join([b"*a%d" % (depth - 1)] * 9)
        level += b"x-%d: &a%d [%s]\n" % (depth, depth, items)
    (project / "bomb.yaml").write_bytes(level)
    done = cli(project, *command.split(), *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["generat"], "No such command 'generat'"),
        (["generate", "--tarpet", "go"], "No such option"),
        (["generate", "--target", "cobol"], "'cobol' is not one of"),
        (["verify", "extra"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_three(project: Path, arguments: list[str], complaint: str) -> None:
    done = cli(project, *arguments)
    assert done.returncode == 3
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ('manifets = "x"', "has no setting 'manifets'"),
        ("out = 3", "out in"),
        ('python-package = "no-such name"', "is not a Python package name"),
        ('go-module = "has space"', "is not a Go module path"),
        ('npm-name = "UPPER"', "is not the name of an npm package"),
        ('command = "two\\nlines"', "is not a command on one line"),
        ("= broken", "cannot be read"),
    ],
)
def test_faulty_settings_are_two(project: Path, config: str, complaint: str) -> None:
    text = f"[tool.providers-codegen]\n{config}\n"
    (project / "pyproject.toml").write_text(text, encoding="utf-8")
    done = cli(project, "check")
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "help:" in done.stderr


def test_settings_come_from_the_nearest_file_and_flags_win(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.providers-codegen]\nmanifest = "providers.yaml"\nout = "built"\n'
        'go-module = "corp.example/llm"\npython-package = "llm"\nnpm-name = "@corp/llm"\n',
        encoding="utf-8",
    )
    inner = project / "inner"
    inner.mkdir()
    assert cli(inner, "generate", "--python-package", "chosen").returncode == 0
    built = project / "built"
    assert (built / "python" / "chosen" / "__init__.py").is_file()
    assert "module corp.example/llm\n" in (built / "go" / "go.mod").read_text(encoding="utf-8")
    assert '"name": "@corp/llm"' in (built / "typescript" / "package.json").read_text("utf-8")
    assert cli(inner, "verify", "--python-package", "chosen").returncode == 0
    assert cli(inner, "verify").returncode == 1


def test_foreign_file_in_the_way_is_one_and_nothing_is_written(project: Path) -> None:
    (project / "generated").mkdir()
    (project / "generated" / "README.md").write_text("mine\n", encoding="utf-8")
    done = cli(project, "generate")
    assert done.returncode == 1
    assert "generated/README.md was not written by providers-codegen" in done.stderr
    assert [path.name for path in (project / "generated").iterdir()] == ["README.md"]


def test_output_folder_that_is_a_file_is_refused(project: Path) -> None:
    (project / "generated").write_text("a file\n", encoding="utf-8")
    done = cli(project, "generate")
    assert done.returncode == 3
    assert "cannot be written" in done.stderr
    assert (project / "generated").read_text(encoding="utf-8") == "a file\n"
    red = cli(project, "verify")
    complaint = "error: generated cannot be read: Not a directory\n"
    assert (red.returncode, red.stderr) == (3, complaint)


def test_second_generate_touches_nothing(project: Path) -> None:
    cli(project, "generate")
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    done = cli(project, "generate")
    assert done.stdout == "generated: 0 written, 12 already up to date\n"
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before


def test_removing_the_output_and_generating_changes_nothing(tmp_path: Path) -> None:
    """What is checked in is exactly what the manifest gives."""
    done = cli(ROOT, "verify")
    assert done.returncode == 0
    assert done.stdout.startswith("generated: 12 files, all as generated\ndocs/rules: 93 files, ")


@pytest.mark.parametrize(
    "arguments", [["--help"], *[[name.split()[0], "--help"] for name in COMMANDS]]
)
def test_help_says_how(project: Path, arguments: list[str]) -> None:
    done = cli(project, *arguments)
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert "Example:" in done.stdout or arguments == ["--help"]


def test_version_is_that_of_the_package(project: Path) -> None:
    from codegen import __version__

    assert cli(project, "--version").stdout == f"providers-codegen, version {__version__}\n"


def test_closed_pipe_is_quiet(project: Path) -> None:
    cli(project, "generate")
    for path in (project / "generated").rglob("*.*"):
        if path.is_file():
            path.write_text("edited\n", encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "codegen", "verify"],
        cwd=project,
        env=_environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (141, "")


def _with_loader(project: Path, loader: str) -> subprocess.CompletedProcess[str]:
    """Run `check` in a process in which reading the manifest does something else."""
    program = (
        "import os, signal, sys; from codegen import cli, pipeline; "
        f"pipeline.load = lambda *_, **__: {loader}; "
        "sys.argv = ['providers-codegen', 'check']; cli.run()"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_interrupt_is_one_line(project: Path) -> None:
    done = _with_loader(project, "os.kill(os.getpid(), signal.SIGINT)")
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "interrupted; no file is half written\n"


def test_internal_error_is_three_and_asks_for_a_report(project: Path) -> None:
    done = _with_loader(project, "{}['boom']")
    assert done.returncode == 3
    assert done.stderr.startswith("internal error: KeyError: 'boom'\n")
    assert "PROVIDERS_CODEGEN_DEBUG=1" in done.stderr
