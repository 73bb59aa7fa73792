"""The wheel carries all it needs: installed elsewhere, each command works on another project."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from codegen.commands import COMMANDS
from tests.builds import ROOT
from tests.invocations import INVOCATIONS, MANIFEST, prepare

_SECONDS = 300
# What an installation takes over from the machine: how to reach a registry, and no more.
_KEPT = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_UNREACHABLE = ("Temporary failure", "No matching distribution", "Connection", "ProxyError")


def _built(kind: str, source: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def test_wheel_carries_every_template(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = ROOT / "templates"
    wanted = {
        f"codegen/_templates/{path.relative_to(templates).as_posix()}"
        for path in templates.rglob("*")
        if path.is_file()
    }
    assert wanted <= names
    assert not any(name.startswith(("tests/", "generated/")) for name in names)


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as files:
        return {name: files.read(name) for name in files.namelist()}


def test_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = _built("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(sdist) as files:
        files.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert _contents(_built("wheel", source, tmp_path / "again")) == _contents(wheel)


# an empty environment


def _environment(home: Path) -> dict[str, str]:
    """Return an environment that knows neither this repository nor its Python."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    proxies = {n: v for n, v in os.environ.items() if n.lower().endswith("_proxy")}
    return kept | proxies | {"HOME": str(home), "PATH": os.defpath, "LC_ALL": "C.UTF-8"}


def _install(python: Path, home: Path, *what: str) -> None:
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, *what],
        cwd=home,
        env=_environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    is_unreachable = any(word in done.stderr for word in _UNREACHABLE)
    if done.returncode and is_unreachable and not os.environ.get("CI"):
        pytest.skip(f"SKIPPED: no package registry can be reached: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, and the dependencies by their lock, where there is nothing else."""
    home = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", str(home / "venv")], check=True)
    python = home / "venv" / "bin" / "python"
    _install(python, home, "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    _install(python, home, "--no-deps", str(wheel))
    return home


def _call(installed: Path, project: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(installed / "venv" / "bin" / "providers-codegen"), *arguments],
        cwd=project,
        env=_environment(installed),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_installed_copy_is_not_this_one(installed: Path) -> None:
    python = installed / "venv" / "bin" / "python"
    code = "import codegen, sys; print(codegen.__file__); print(*sys.path, sep='\\n')"
    done = subprocess.run(
        [str(python), "-c", code],
        cwd=installed,
        env=_environment(installed),
        capture_output=True,
        text=True,
        check=True,
    )
    first, *path = done.stdout.splitlines()
    assert first.startswith(str(installed))
    assert str(ROOT) not in path


def test_dependencies_are_those_that_the_lock_names(installed: Path) -> None:
    """What the wheel asks for is there, and pip finds nothing that does not fit."""
    pip = [str(installed / "venv" / "bin" / "python"), "-m", "pip", "check"]
    subprocess.run(pip, cwd=installed, env=_environment(installed), check=True, capture_output=True)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_works_where_it_is_installed(
    installed: Path, tmp_path: Path, name: str
) -> None:
    called = INVOCATIONS[name]
    project = prepare(tmp_path, name)
    for arguments in called.before:
        process = _call(installed, project, *arguments)
        _, complaints = process.communicate(timeout=_SECONDS)
        assert process.returncode == 0, complaints
    process = _call(installed, project, name, *called.arguments)
    assert process.stdout is not None
    said = ""
    if called.is_endless:
        while called.says not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
    rest, complaints = process.communicate(timeout=_SECONDS)
    assert process.returncode == (130 if called.is_endless else 0), complaints
    assert called.says in said + rest


def test_installed_copy_compiles_another_project(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text(MANIFEST, encoding="utf-8")
    process = _call(installed, tmp_path, "generate")
    _, complaints = process.communicate(timeout=_SECONDS)
    assert process.returncode == 0, complaints
    code = "import provider_registry as r; print(r.derive_provider('agent', 'acme-1').name)"
    shown = subprocess.run(
        [str(installed / "venv" / "bin" / "python"), "-c", code],
        cwd=tmp_path / "generated" / "python",
        env=_environment(installed),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "acme\n"
