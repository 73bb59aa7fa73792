"""Writing is all or nothing: whatever goes wrong, the old set stays whole."""

from __future__ import annotations

import gc
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from codegen import emit
from codegen.canonical import fingerprint
from codegen.ir import Registry
from codegen.options import MARKER
from codegen.render import Artifact
from tests.builds import MANIFEST, ROOT, artifacts, build, options, registry_of

Tree = dict[str, bytes]
TraceFunction = Callable[[FrameType, str, object], Any]


def _tree(folder: Path) -> Tree:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _write(found: tuple[Artifact, ...], out: Path) -> emit.Written:
    tree = emit.Tree(out=out, artifacts=tuple(found), is_owned=lambda path: True)
    (written,) = emit.write([tree], "0" * 64)
    return written


def _marked(path: str, text: str = "") -> Artifact:
    return Artifact(path=path, text=f"# {MARKER} from x.yaml. DO NOT EDIT.\n{text}")


@pytest.fixture
def edited(manifest_text: str) -> Registry:
    return registry_of(manifest_text.replace("display_name: Groq", "display_name: Groq two"))


def test_files_that_do_not_change_keep_inode_and_time(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write((_marked("a"), _marked("deep/b")), out)
    os.utime(out / "a", (1_000, 1_000))
    before = (out / "a").stat()
    written = _write((_marked("a"), _marked("deep/b", "new")), out)
    after = (out / "a").stat()
    assert (after.st_mtime, after.st_ino) == (1_000, before.st_ino)
    assert (written.changed, written.unchanged) == (("deep/b",), ("a",))


def test_nothing_is_touched_when_nothing_changes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write((_marked("a"),), out)
    inode = out.stat().st_ino
    assert _write((_marked("a"),), out).changed == ()
    assert out.stat().st_ino == inode


def test_left_over_file_goes_and_foreign_file_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write((_marked("a"), _marked("b")), out)
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    (out / "node_modules" / "x").mkdir(parents=True)
    (out / "node_modules" / "x" / "y.js").write_text("js", encoding="utf-8")
    (out / "link").symlink_to("a")
    written = _write((_marked("a", "new"),), out)
    assert (written.removed, written.kept) == (("b",), ("link", "mine.txt"))
    assert sorted(_tree(out)) == ["a", "link", "mine.txt", "node_modules/x/y.js"]
    assert (out / "link").is_symlink()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_file_without_the_marker_is_never_overwritten(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    _write((_marked("a"),), out)
    if kind == "file":
        (out / "b").write_text("my own words\n", encoding="utf-8")
    else:
        (out / "b").mkdir()
    before = _tree(out)
    with pytest.raises(emit.RefusedError) as refused:
        _write((_marked("a", "new"), _marked("b")), out)
    assert refused.value.paths == (str(out / "b"),)
    assert _tree(out) == before


@pytest.mark.parametrize("kind", ["pipe", "dangling link"])
def test_what_is_no_file_is_never_opened_nor_overwritten(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    _write((_marked("a"),), out)
    if kind == "pipe":
        os.mkfifo(out / "b")
    else:
        (out / "b").symlink_to("nowhere")
    with pytest.raises(emit.RefusedError) as refused:
        _write((_marked("a", "new"), _marked("b")), out)
    assert refused.value.paths == (str(out / "b"),)


@pytest.mark.parametrize("kind", ["file", "link to a folder"])
def test_nothing_is_written_through_what_stands_on_the_way(tmp_path: Path, kind: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    _write((_marked("a"),), out)
    if kind == "file":
        (out / "go").write_text("mine", encoding="utf-8")
    else:
        (out / "go").symlink_to(elsewhere)
    with pytest.raises(emit.RefusedError) as refused:
        _write((_marked("a", "new"), _marked("go/b"), _marked("go/deep/c")), out)
    assert refused.value.paths == (str(out / "go"),)
    assert list(elsewhere.iterdir()) == []
    assert (out / "a").read_text(encoding="utf-8") == _marked("a").text


def test_empty_folder_of_others_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write((_marked("a"),), out)
    (out / "mine" / "empty").mkdir(parents=True)
    _write((_marked("a", "new"),), out)
    assert (out / "mine" / "empty").is_dir()


def test_folder_that_cannot_be_read_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    _write((_marked("a"), _marked("deep/b")), out)
    before = _tree(out)
    scandir = os.scandir

    def denied(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(PermissionError):
        _write((_marked("a", "new"), _marked("deep/b")), out)
    monkeypatch.undo()
    assert _tree(out) == before


def test_failed_second_rename_puts_the_old_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    _write((_marked("a"),), out)
    rename = Path.rename

    def fails_for_the_stage(self: Path, target: Path) -> Path:
        if target == out and not self.name.endswith("-old"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(emit, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", fails_for_the_stage)
    with pytest.raises(OSError, match="Input/output"):
        _write((_marked("a", "new"),), out)
    assert (out / "a").read_text(encoding="utf-8") == _marked("a").text


def test_no_stage_is_left_beside_the_output(tmp_path: Path) -> None:
    _write((_marked("a"),), tmp_path / "out")
    _write((_marked("a", "new"),), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_stage_of_a_killed_run_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".out.providers-codegen-abc"
    left.mkdir()
    _write((_marked("a"),), tmp_path / "out")
    assert not left.exists()


def test_output_that_a_kill_left_aside_comes_back(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write((_marked("a"),), out)
    out.rename(emit._retired(out))
    assert _write((_marked("a"),), out).changed == ()
    assert sorted(_tree(out)) == ["a"]


@pytest.mark.parametrize("call", ["_carry", "_exchange"])
def test_error_at_any_step_leaves_the_old_set_whole(
    call: str,
    registry: Registry,
    edited: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = build(registry, tmp_path / "generated").out
    before = _tree(out)

    def fails(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(emit, call, fails)
    with pytest.raises(OSError, match="No space left"):
        build(edited, tmp_path / "generated")
    assert _tree(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]


def test_without_an_exchange_two_renames_do_the_same(
    registry: Registry, edited: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(registry, tmp_path / "generated")
    monkeypatch.setattr(emit, "_exchange", lambda one, other: False)
    out = build(edited, tmp_path / "generated").out
    wanted = artifacts(edited, options(out))
    tree = emit.Tree(out=out, artifacts=wanted, is_owned=lambda path: True)
    assert emit.drift(tree, fingerprint(edited)) == ()
    assert [path.name for path in tmp_path.iterdir()] == ["generated"]


# the same through the command, as a process that the system stops


def _project(folder: Path) -> Path:
    (folder / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    assert _generate(folder).wait() == 0
    return folder / "generated"


def _edit(folder: Path, manifest_text: str, name: str) -> None:
    text = manifest_text.replace("display_name: Groq", f"display_name: Groq {name}")
    (folder / "providers.yaml").write_text(text, encoding="utf-8")


def _generate(
    folder: Path, preexec_fn: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "codegen", "generate"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=preexec_fn,
    )


def test_full_disk_leaves_the_old_set_whole(tmp_path: Path, manifest_text: str) -> None:
    out = _project(tmp_path)
    before = _tree(out)
    _edit(tmp_path, manifest_text, "full")

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = _generate(tmp_path, preexec_fn=small_disk)
    _, complaint = process.communicate()
    assert process.returncode == 3
    assert b"cannot be written: File too large; the old files are whole" in complaint
    assert _tree(out) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["generated", "providers.yaml"]


def _unprivileged_write(found: tuple[Artifact, ...], out: Path) -> str:
    """Write in a child process without root's power to write anywhere; return its complaint."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        complaint = b"none"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65_534)
                os.setuid(65_534)
            _write(found, out)
        except OSError as error:
            complaint = str(error.strerror).encode()
        finally:
            os.write(writer, complaint)
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as stream:
        return stream.read()


def test_read_only_folder_leaves_the_old_set_whole() -> None:
    # Not below pytest's own folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp())
    try:
        _write((_marked("a"), _marked("deep/b")), folder / "out")
        before = _tree(folder)
        folder.chmod(0o555)
        complaint = _unprivileged_write((_marked("a", "new"),), folder / "out")
        assert complaint == "Permission denied"
        assert _tree(folder) == before
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_killed_at_any_moment_the_set_is_the_old_or_the_new_one(
    tmp_path: Path, manifest_text: str
) -> None:
    out = _project(tmp_path)
    whole = [_tree(out)]
    seed = random.Random(7)
    started = time.monotonic()
    _edit(tmp_path, manifest_text, "timed")
    assert _generate(tmp_path).wait() == 0
    usual = time.monotonic() - started
    whole.append(_tree(out))
    for round_number in range(24):
        _edit(tmp_path, manifest_text, f"round {round_number}")
        process = _generate(tmp_path)
        # The writing is the last part of a run, so that is where most of the kills fall.
        time.sleep(usual * seed.uniform(0.6, 1.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = _tree(out)
        assert {text for text in left if text not in whole[0]} == set()
        if left not in whole:
            digest = left["registry.json"]
            assert f"Groq round {round_number}".encode() in digest
            fresh = tmp_path / "fresh"
            subprocess.run(
                [sys.executable, "-m", "codegen", "generate", "--out", str(fresh)],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                check=True,
                capture_output=True,
            )
            assert left == _tree(fresh)
            whole.append(left)


class _Interrupt:
    """Ctrl-C before the nth line of Python that runs, wherever that line is."""

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, event: str, _: object) -> TraceFunction:
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self

    def arrive_in(self, action: Callable[[], object]) -> bool:
        """Run an action; tell whether the interrupt came out of it as what it is.

        What others hang on the garbage collector (hypothesis does) runs at lines of its own, and
        Python drops whatever is raised there: no line of the action's, so it does not count.
        """
        gc.disable()
        sys.settrace(self)
        try:
            action()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(None)
            gc.enable()
        return False


def _passes(line: int, action: Callable[[], object]) -> bool:
    """Tell whether an interrupt at a line comes out as one, or the action ended before it."""
    interrupt = _Interrupt(line)
    return interrupt.arrive_in(action) or interrupt.left > 0


def _in_a_process(action: Callable[[], bool]) -> bool:
    """Do something in a process of its own: an interrupted one keeps its locks until it ends."""
    child = os.fork()
    if child == 0:
        os._exit(0 if action() else 1)
    return os.waitpid(child, 0)[1] == 0


def test_interrupt_at_any_line_is_an_interrupt_and_leaves_a_whole_set(tmp_path: Path) -> None:
    out, old, new = tmp_path / "out", (_marked("a"), _marked("b/c")), (_marked("a", "n"),)
    _write(old, out)
    count = _Interrupt(-1)
    assert not count.arrive_in(lambda: _write(new, out))
    wholes = [_tree(out)]
    _write(old, out)
    wholes.append(_tree(out))
    lines = range(1, -count.left - 1, 5)
    assert len(lines) > 100
    for line in lines:
        _write(old, out)
        assert _in_a_process(partial(_passes, line, lambda: _write(new, out))), line
        assert _tree(out) in wholes
    _write(old, out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
