"""verify goes red for every kind of difference, and says what it is and what mends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import emit
from codegen.canonical import fingerprint
from codegen.emit import Cause, Drift, Kind
from codegen.ir import Registry
from tests.builds import MANIFEST, ROOT, artifacts, build, options, registry_of


def _drift(registry: Registry, out: Path, *targets: str) -> tuple[Drift, ...]:
    wanted = artifacts(registry, options(out, *targets))
    tree = emit.Tree(out=out, artifacts=wanted, is_owned=lambda path: True)
    return emit.drift(tree, fingerprint(registry))


@pytest.fixture
def out(registry: Registry, tmp_path: Path) -> Path:
    return build(registry, tmp_path / "generated").out


def _paths(registry: Registry) -> list[str]:
    return [artifact.path for artifact in artifacts(registry, options(Path("generated")))]


PATHS = _paths(registry_of(MANIFEST.read_text(encoding="utf-8")))


def test_fresh_build_has_no_drift(registry: Registry, out: Path) -> None:
    assert _drift(registry, out) == ()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("where", [0, 0.5, 1], ids=["first", "middle", "last"])
def test_one_byte_edit_of_any_file_is_an_edit_by_hand(
    registry: Registry, out: Path, path: str, where: float
) -> None:
    file = out / path
    data = bytearray(file.read_bytes())
    at = int((len(data) - 1) * where)
    data[at] ^= 1
    file.write_bytes(bytes(data))
    (found,) = _drift(registry, out)
    assert (found.kind, found.path, found.cause) == (Kind.CHANGED, path, Cause.HAND)
    assert found.diff


@pytest.mark.parametrize("path", PATHS)
def test_missing_file_is_missing(registry: Registry, out: Path, path: str) -> None:
    (out / path).unlink()
    (found,) = _drift(registry, out)
    assert (found.kind, found.path, found.cause) == (Kind.MISSING, path, Cause.ABSENT)


@pytest.mark.parametrize("path", ["extra.txt", "go/extra.go", "python/new/deep/extra.py"])
def test_file_that_nothing_generates_is_extra(registry: Registry, out: Path, path: str) -> None:
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    (out / path).write_text("mine\n", encoding="utf-8")
    (found,) = _drift(registry, out)
    assert (found.kind, found.path, found.cause) == (Kind.EXTRA, path, Cause.FOREIGN)


def test_file_of_an_older_build_is_left_over(registry: Registry, out: Path) -> None:
    text = (out / "go" / "go.mod").read_text(encoding="utf-8")
    (out / "go" / "old.mod").write_text(text, encoding="utf-8")
    (found,) = _drift(registry, out)
    assert (found.kind, found.cause) == (Kind.EXTRA, Cause.LEFT_OVER)


@pytest.mark.parametrize("path", PATHS)
def test_other_line_ends_are_named_for_what_they_are(
    registry: Registry, out: Path, path: str
) -> None:
    data = (out / path).read_bytes()
    (out / path).write_bytes(data.replace(b"\n", b"\r\n"))
    (found,) = _drift(registry, out)
    assert (found.kind, found.path, found.diff) == (Kind.LINE_ENDS, path, "")


@pytest.mark.parametrize("name", ["__pycache__", "node_modules", "x.egg-info"])
def test_what_tools_leave_behind_is_not_drift(registry: Registry, out: Path, name: str) -> None:
    (out / "python" / name).mkdir()
    (out / "python" / name / "file").write_text("cache", encoding="utf-8")
    assert _drift(registry, out) == ()


def test_changed_manifest_is_named_as_the_cause(out: Path, manifest_text: str) -> None:
    edited = registry_of(manifest_text.replace("display_name: Groq", "display_name: Groq!"))
    found = _drift(edited, out)
    causes = {difference.path: difference.cause for difference in found}
    assert causes["go/registry_gen.go"] is Cause.MANIFEST
    assert causes["registry.json"] is Cause.MANIFEST
    assert set(causes.values()) == {Cause.MANIFEST}


def test_new_provider_is_a_change_of_the_manifest_in_every_file(
    out: Path, manifest_text: str
) -> None:
    renamed = manifest_text.replace("name: groq", "name: groq-cloud")
    found = _drift(registry_of(renamed), out)
    assert "typescript/registry.d.ts" in {difference.path for difference in found}
    assert {difference.cause for difference in found} == {Cause.MANIFEST}


def test_edit_by_hand_is_told_apart_from_a_changed_manifest(out: Path, manifest_text: str) -> None:
    with (out / "README.md").open("a", encoding="utf-8") as stream:
        stream.write("more\n")
    edited = registry_of(manifest_text.replace("display_name: Groq", "display_name: Groq!"))
    causes = {difference.path: difference.cause for difference in _drift(edited, out)}
    assert causes.pop("README.md") is Cause.HAND
    assert set(causes.values()) == {Cause.MANIFEST}


def test_changed_template_is_named_as_the_cause(
    registry: Registry, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from codegen import render

    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    page = templates / "go" / "go.mod.j2"
    page.write_text(page.read_text(encoding="utf-8") + "// more\n", encoding="utf-8")
    monkeypatch.setattr(render, "template_folder", lambda: templates)
    (found,) = _drift(registry, out)
    assert (found.path, found.cause) == ("go/go.mod", Cause.TEMPLATES)


def _cli(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "codegen", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_command_ends_with_what_mends_the_drift(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    assert _cli("generate", cwd=tmp_path).returncode == 0
    clean = _cli("verify", cwd=tmp_path)
    assert (clean.returncode, clean.stdout) == (
        0,
        f"generated: {len(PATHS)} files, all as generated\n",
    )
    (tmp_path / "generated" / "go" / "go.mod").write_text("edited\n", encoding="utf-8")
    (tmp_path / "generated" / "notes.txt").write_text("mine\n", encoding="utf-8")
    red = _cli("verify", cwd=tmp_path)
    assert red.returncode == 1
    assert "CHANGED   generated/go/go.mod: it was edited by hand" in red.stdout
    assert "EXTRA     generated/notes.txt" in red.stdout
    assert "To mend, remove generated/notes.txt by hand." in red.stdout
    assert red.stdout.endswith("To mend, run: providers-codegen generate\n")


def test_one_target_does_not_look_at_the_others(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    assert _cli("generate", "--target", "go", cwd=tmp_path).returncode == 0
    assert sorted(p.name for p in (tmp_path / "generated").iterdir()) == ["go"]
    assert _cli("verify", "--target", "go", cwd=tmp_path).returncode == 0
    assert _cli("verify", "--target", "python", cwd=tmp_path).returncode == 1
    assert _cli("generate", "--target", "python", cwd=tmp_path).returncode == 0
    assert _cli("verify", "--target", "go", "--target", "python", cwd=tmp_path).returncode == 0
