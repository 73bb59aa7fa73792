"""The wheel carries all it needs: installed elsewhere, it compiles another project's manifest."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.builds import ROOT
from tests.strategies import manifest, provider


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


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


def test_installed_copy_compiles_another_project(wheel: Path, tmp_path: Path) -> None:
    site, project = tmp_path / "site", tmp_path / "project"
    project.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    entries = [provider("acme", "^acme-", auth_env=["ACME_KEY"])]
    text = manifest(entries, {"agent": {"providers": [{"name": "acme", "models": ["acme-1"]}]}})
    (project / "providers.yaml").write_text(text, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(site)}
    for command in ("check", "generate", "verify"):
        done = subprocess.run(
            [sys.executable, "-m", "codegen", command],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "all as generated" in done.stdout
    code = (
        "import codegen, provider_registry as r; "
        f"assert codegen.__file__.startswith({str(site)!r}); "
        "print(r.derive_provider('agent', 'acme-1').name)"
    )
    paths = os.pathsep.join([str(project / "generated" / "python"), str(site)])
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "acme\n"
