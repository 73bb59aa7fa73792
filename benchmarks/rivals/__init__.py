"""Installs what the artifacts are compared with, apart from all that the project needs itself."""

from __future__ import annotations

import hashlib
import subprocess
import venv
from collections.abc import Callable
from functools import cache
from pathlib import Path

from benchmarks.places import BUILD
from tests import toolchains

_HERE = Path(__file__).resolve().parent


def _kept(folder: Path, lock: Path, install: Callable[[Path], None]) -> Path:
    """Install into a folder, once for each state of its lock file."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = folder / ".installed"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        print(f"set-up: {lock.relative_to(_HERE.parent.parent)}, into {folder.name}/", flush=True)
        install(folder)
        stamp.write_text(digest, encoding="utf-8")
    return folder


def _by_pip(folder: Path) -> None:
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    options = ["--disable-pip-version-check", "--require-hashes", "-r"]
    subprocess.run([*pip, *options, str(_HERE / "requirements.lock")], check=True)


def _by_npm(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_bytes((_HERE / name).read_bytes())
    toolchains.install_packages(folder)


@cache
def python() -> Path:
    """Return a Python that has litellm and genai-prices."""
    folder = _kept(BUILD / "rivals-python", _HERE / "requirements.lock", _by_pip)
    return folder / "bin" / "python"


@cache
def packages() -> Path:
    """Return a folder whose node_modules has @pydantic/genai-prices, esbuild and buf."""
    return _kept(BUILD / "rivals-node", _HERE / "package-lock.json", _by_npm)
