"""watch, as a real process: the artifacts follow the manifest, whatever is done to it."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import pytest

from codegen import watching
from tests.builds import MANIFEST, ROOT

_SECONDS = 30
_READY = "waiting for changes; Ctrl-C ends\n"
TEXT = MANIFEST.read_text(encoding="utf-8")


def edited(name: str, text: str = TEXT) -> str:
    """Return a manifest in which one provider is called differently."""
    return text.replace("display_name: MiniMax China", f"display_name: {name}", 1)


BROKEN = TEXT.replace("protocol: openai", "protocol: opneai", 1)


def until(reached: Callable[[], bool], what: object = "") -> None:
    end = time.monotonic() + _SECONDS
    while not reached():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class Watch:
    """A process that watches a project, and what it has said so far."""

    def __init__(
        self, project: Path, *arguments: str, path: Path = ROOT, is_one_stream: bool = False
    ) -> None:
        self.project = project
        self._said = project.parent / "said.txt"
        self._complaints = project.parent / "complaints.txt"
        with self._said.open("wb") as said, self._complaints.open("wb") as complaints:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "codegen", "watch", *arguments],
                cwd=project,
                env=os.environ | {"PYTHONPATH": str(path)},
                stdout=said,
                stderr=subprocess.STDOUT if is_one_stream else complaints,
            )

    def __enter__(self) -> Watch:
        self.until_built(1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def said(self) -> str:
        return self._said.read_text(encoding="utf-8")

    @property
    def complaints(self) -> str:
        return self._complaints.read_text(encoding="utf-8")

    @property
    def built(self) -> int:
        """How many builds have ended."""
        return self.said.count(_READY)

    def until_built(self, count: int) -> None:
        until(lambda: self.built >= count or self.process.poll() is not None)
        assert self.process.poll() is None, self.said + self.complaints

    def after(self, change: Callable[[], object]) -> None:
        """Make a change, and wait until it has been answered."""
        count = self.built
        change()
        self.until_built(count + 1)

    def until_file_says(self, text: str, name: str = "generated/registry.json") -> None:
        path = self.project / name
        until(lambda: path.is_file() and text in path.read_text(encoding="utf-8"), self.said)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "providers.yaml").write_text(TEXT, encoding="utf-8")
    return folder


def artifacts(project: Path) -> dict[str, bytes]:
    files = (path for path in (project / "generated").rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}


# how a file may be saved


def _in_place(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _by_rename(path: Path, text: str) -> None:
    beside = path.with_name("." + path.name + ".swp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _with_a_backup_beside(path: Path, text: str) -> None:
    path.replace(path.with_name(path.name + "~"))
    path.write_text(text, encoding="utf-8")


def _with_a_backup_elsewhere(path: Path, text: str) -> None:
    path.replace(path.parent.parent / "backup.yaml")
    path.write_text(text, encoding="utf-8")


def _in_pieces(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for at in range(0, len(text), len(text) // 4):
            stream.write(text[at : at + len(text) // 4])
            stream.flush()
            time.sleep(0.08)


def _by_removing_the_folder(path: Path, text: str) -> None:
    shutil.rmtree(path.parent)
    time.sleep(0.3)
    path.parent.mkdir()
    time.sleep(0.05)
    path.write_text(text, encoding="utf-8")


SAVES = [_in_place, _by_rename, _with_a_backup_beside, _with_a_backup_elsewhere, _in_pieces]


def test_every_way_to_save_is_followed(project: Path) -> None:
    with Watch(project) as watch:
        for number, save in enumerate((*SAVES, *SAVES)):
            save(project / "providers.yaml", edited(f"Saved {number}"))
            watch.until_file_says(f"Saved {number}")


def test_folder_that_is_removed_and_comes_back_is_followed(project: Path) -> None:
    manifest = project / "config" / "llm" / "providers.yaml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(TEXT, encoding="utf-8")
    with Watch(project, "--manifest", "config/llm/providers.yaml") as watch:
        for number in range(2):
            _by_removing_the_folder(manifest, edited(f"Back {number}"))
            watch.until_file_says(f"Back {number}")
        shutil.rmtree(project / "config")
        until(lambda: "no such file or directory" in watch.complaints)
        manifest.parent.mkdir(parents=True)
        manifest.write_text(edited("Back again"), encoding="utf-8")
        watch.until_file_says("Back again")
        _in_place(manifest, edited("And on"))
        watch.until_file_says("And on")


def test_link_is_followed_to_what_it_leads_to(project: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.yaml"
    (project / "providers.yaml").replace(real)
    (project / "providers.yaml").symlink_to(real)
    with Watch(project) as watch:
        _by_rename(real, edited("Behind a link"))
        watch.until_file_says("Behind a link")


def test_broken_manifest_is_shown_and_leaves_the_files_until_it_is_mended(project: Path) -> None:
    manifest = project / "providers.yaml"
    with Watch(project) as watch:
        before = artifacts(project)
        for broken, complaint in (
            (BROKEN, 'error[S004]: protocol cannot be "opneai"'),
            (TEXT[: len(TEXT) // 2] + "\n  - [", "error[Y002]"),
            ("", "the manifest is empty"),
        ):
            watch.after(lambda text=broken: _in_place(manifest, text))  # type: ignore[misc]
            assert complaint in watch.complaints
            assert watch.complaints.endswith("nothing was written\n")
            assert artifacts(project) == before
        watch.after(manifest.unlink)
        assert "no such file or directory" in watch.complaints
        assert artifacts(project) == before
        watch.after(lambda: _in_place(manifest, edited("Mended")))
        watch.until_file_says("Mended")


def test_manifest_that_is_missing_or_broken_from_the_start_is_waited_for(project: Path) -> None:
    manifest = project / "providers.yaml"
    manifest.unlink()
    with Watch(project) as watch:
        assert "no such file or directory" in watch.complaints
        watch.after(lambda: _in_place(manifest, BROKEN))
        assert not (project / "generated").exists()
        watch.after(lambda: _in_place(manifest, edited("At last")))
        watch.until_file_says("At last")


def test_own_output_is_no_change(project: Path) -> None:
    with Watch(project) as watch:
        watch.after(lambda: _in_place(project / "providers.yaml", edited("Once")))
        (project / "generated" / "go" / "go.mod").write_text("edited\n", encoding="utf-8")
        (project / "notes.txt").write_text("mine\n", encoding="utf-8")
        time.sleep(1)
        assert watch.built == 2


def test_overlay_is_followed(project: Path) -> None:
    overlay = (
        "schema_version: 1\nproviders: []\nruntimes:\n  {}:\n    providers: [{{name: groq}}]\n"
    )
    (project / "more.yaml").write_text(overlay.format("one"), encoding="utf-8")
    with Watch(project, "--overlay", "more.yaml") as watch:
        watch.until_file_says('"one"')
        _by_rename(project / "more.yaml", overlay.format("another"))
        watch.until_file_says('"another"')
        assert watch.said.count("more.yaml changed\n") == 1


def test_settings_are_followed_and_flags_go_on_winning(project: Path) -> None:
    settings = project / "pyproject.toml"
    with Watch(project, "--npm-name", "of-the-flag") as watch:
        section = '[tool.providers-codegen]\nout = "built"\nnpm-name = "of-the-file"\n'
        watch.after(lambda: settings.write_text(section, encoding="utf-8"))
        assert '"of-the-flag"' in (project / "built/typescript/package.json").read_text("utf-8")
        before = watch.complaints
        watch.after(lambda: settings.write_text("= broken", encoding="utf-8"))
        assert "pyproject.toml cannot be read" in watch.complaints.removeprefix(before)
        text = section.replace("built", "mended")
        watch.after(lambda: settings.write_text(text, encoding="utf-8"))
        assert (project / "mended" / "registry.json").is_file()
        (project / "other.yaml").write_text(edited("Another manifest"), encoding="utf-8")
        text += 'manifest = "other.yaml"\n'
        watch.after(lambda: settings.write_text(text, encoding="utf-8"))
        watch.until_file_says("Another manifest", "mended/registry.json")
        _by_rename(project / "other.yaml", edited("And its edit"))
        watch.until_file_says("And its edit", "mended/registry.json")


def test_broken_settings_at_the_start_are_two(project: Path) -> None:
    (project / "pyproject.toml").write_text("= broken", encoding="utf-8")
    watch = Watch(project)
    assert watch.process.wait(_SECONDS) == 2
    assert (watch.said, watch.complaints.count("error: ")) == ("", 1)


@pytest.fixture
def compiler(tmp_path: Path) -> Path:
    """Give a copy of the compiler, of which the templates can be edited."""
    folder = tmp_path / "compiler"
    for name in ("codegen", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_templates_are_followed_and_survived(project: Path, compiler: Path) -> None:
    template = compiler / "templates" / "README.md.j2"
    text = template.read_text(encoding="utf-8")
    with Watch(project, path=compiler) as watch:
        watch.after(template.touch)
        assert watch.said.endswith(f"generated: 0 written, 12 already up to date\n{_READY}")
        watch.after(lambda: _by_rename(template, text + "\nA line more.\n"))
        watch.until_file_says("A line more.", "generated/README.md")
        before = artifacts(project)
        watch.after(lambda: _in_place(template, text + "{% for %}"))
        assert "TemplateSyntaxError" in watch.complaints
        assert artifacts(project) == before
        watch.after(lambda: _in_place(template, text))
        assert "A line more." not in (project / "generated" / "README.md").read_text("utf-8")


PACK = """\
view = 1
name = "menus"

[quoting]
style = "shell"

[files]
"menu.txt" = "menu.txt.j2"
"""
PAGE = "# {{ header.marker }}\n# {{ header.digest }}\n"


def test_target_pack_is_followed_and_survived(project: Path) -> None:
    pack, made = project / "menus", "generated/menus/menu.txt"
    pack.mkdir()
    (pack / "target.toml").write_text(PACK, encoding="utf-8")
    template = pack / "menu.txt.j2"
    template.write_text(PAGE, encoding="utf-8")
    with Watch(project, "--target-pack", "menus") as watch:
        watch.after(lambda: _by_rename(template, f"{PAGE}A line more.\n"))
        watch.until_file_says("A line more.", made)
        for path, text in ((template, PAGE + "{% for %}"), (pack / "target.toml", "= broken")):
            good, before = path.read_text(encoding="utf-8"), watch.complaints
            watch.after(lambda path=path, text=text: _in_place(path, text))  # type: ignore[misc]
            assert f"menus/{path.name}" in watch.complaints.removeprefix(before)
            watch.until_file_says("A line more.", made)
            watch.after(lambda path=path, good=good: _in_place(path, good))  # type: ignore[misc]
        watch.after(lambda: _in_place(template, f"{PAGE}And on.\n"))
        watch.until_file_says("And on.", made)


def test_file_of_somebody_else_is_refused_and_left(project: Path) -> None:
    foreign = project / "generated" / "README.md"
    foreign.parent.mkdir()
    foreign.write_text("mine\n", encoding="utf-8")
    with Watch(project) as watch:
        assert "generated/README.md was not written by providers-codegen" in watch.complaints
        assert [path.name for path in foreign.parent.iterdir()] == ["README.md"]
        foreign.unlink()
        watch.after((project / "providers.yaml").touch)
        watch.until_file_says("MiniMax China")


def test_interrupt_ends_with_130_and_one_line(project: Path) -> None:
    with Watch(project) as watch:
        watch.process.send_signal(signal.SIGINT)
        assert watch.process.wait(_SECONDS) == 130
        assert watch.complaints == "interrupted; no file is half written\n"


def test_closed_pipe_ends_it(project: Path) -> None:
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "codegen", "watch"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    said = ""
    while _READY not in said:
        said += os.read(reader, 65536).decode()
    os.close(reader)
    (project / "providers.yaml").touch()
    _, complaint = process.communicate(timeout=_SECONDS)
    assert (process.returncode, complaint) == (141, "")


@pytest.fixture
def terminal(project: Path) -> Iterator[int]:
    """Give a terminal in which a project is watched."""
    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(project)
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}
        os.execve(sys.executable, [sys.executable, "-m", "codegen", "watch"], environment)
    yield handle
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(handle)


def _screen(terminal: int) -> str:
    said = ""
    while _READY.strip() not in said:
        said += os.read(terminal, 65536).decode()
    return said


def test_on_a_terminal_each_build_takes_the_place_of_the_one_before(
    project: Path, terminal: int
) -> None:
    clear = "\x1b[2J\x1b[1;1H"
    assert _screen(terminal).startswith(clear)
    _in_place(project / "providers.yaml", BROKEN)
    shown = _screen(terminal)
    assert shown.lstrip().startswith(clear)
    assert "error[S004]" in shown.replace("\x1b[1m", "").replace("\x1b[31m", "")


def test_in_a_pipe_nothing_is_cleared(project: Path) -> None:
    with Watch(project) as watch:
        watch.after((project / "providers.yaml").touch)
        assert "\x1b" not in watch.said + watch.complaints
        assert watch.said.count("generated: 12 written") == 1
        assert watch.said.count("generated: 0 written, 12 already up to date") == 1


# without a process


def test_clock_is_enough_where_the_system_gives_no_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> Iterator[bool]:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watching, "_wakes", refuse)
    path = tmp_path / "file"
    read = watching.Inputs(files=(path,), folders=(tmp_path / "templates",))
    seen = watching.stamps(read)
    path.touch()
    assert watching.wait(read, seen) == (path,)


def test_what_changed_while_it_was_read_is_a_change(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_text("old", encoding="utf-8")
    seen = watching.stamps(watching.Inputs(files=(path,)))
    path.write_text("newer", encoding="utf-8")
    read = watching.Inputs(files=(path, other))
    seen = watching.stamps(read, since=seen)
    assert watching.wait(read, seen) == (path,)
    now = watching.stamps(read)
    assert now[path] != seen[path]
    assert now[other] is seen[other] is None


# the page


def test_session_goes_as_the_page_shows(project: Path) -> None:
    from tests.test_docs import blocks

    page = (ROOT / "docs" / "watch.md").read_text(encoding="utf-8")
    (shown,) = (block.text for block in blocks(page, "text") if block.info == "session")
    manifest = project / "providers.yaml"
    with Watch(project) as watch:
        watch.process.send_signal(signal.SIGINT)
        watch.process.wait(_SECONDS)
    with Watch(project, is_one_stream=True) as watch:
        for text in (edited("MiniMax (China)"), BROKEN, edited("MiniMax (China)")):
            watch.after(lambda text=text: _by_rename(manifest, text))  # type: ignore[misc]
        watch.process.send_signal(signal.SIGINT)
        assert watch.process.wait(_SECONDS) == 130
        assert watch.said == shown
