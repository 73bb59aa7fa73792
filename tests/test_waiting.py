"""A long run says on a terminal what it does; an interrupt leaves the old files whole.

The terminal is a real one, at the other end of which the test reads.
"""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import catalogs
from tests.builds import MANIFEST, ROOT

BLANK = "\r\x1b[K"
STAGES = (
    "reading",
    "checking",
    "rendering python",
    "rendering go",
    "rendering typescript",
    "rendering data",
    "writing",
)
COMPLAINT = "interrupted; no file is half written\r\n"

# Patience is as long as the test wants; everything else is the program as it is.
PROGRAM = """
import sys
from codegen import console
console._PATIENCE = {patience}
from codegen.__main__ import run
sys.argv = ["providers-codegen", *{arguments!r}]
run()
"""


class Screen:
    """A run whose standard error is a terminal, and all that came out there so far."""

    def __init__(self, process: subprocess.Popen[str], terminal: int) -> None:
        self.process = process
        self.terminal = terminal
        self.seen = ""

    def _read(self) -> bool:
        try:
            data = os.read(self.terminal, 65_536)
        except OSError:
            return False
        self.seen += data.decode()
        return bool(data)

    def until(self, text: str) -> None:
        while text not in self.seen:
            assert self._read(), self.seen

    def end(self) -> int:
        while self._read():
            pass
        return self.process.wait(timeout=60)


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "TERM")}
    return kept | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"} | more


@contextmanager
def _screen(folder: Path, patience: float, *arguments: str, **more: str) -> Iterator[Screen]:
    terminal, end = pty.openpty()
    program = PROGRAM.format(patience=patience, arguments=arguments)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env=_environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=end,
        text=True,
    ) as process:
        os.close(end)
        try:
            yield Screen(process, terminal)
        finally:
            process.kill()
            os.close(terminal)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a manifest that takes a while, and where `vendor-0` has no arm."""
    folder = tmp_path_factory.mktemp("large")
    text = re.sub(r"      - name: vendor-0\n        models: .*\n", "", catalogs.large(1))
    (folder / "providers.yaml").write_text(text, encoding="utf-8")
    return folder


def _small(folder: Path) -> Path:
    (folder / "providers.yaml").write_bytes(MANIFEST.read_bytes())
    return folder


def test_stages_stand_on_one_line_in_order_and_nothing_is_left_of_it(
    large: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    with _screen(large, 0, "generate", "--out", out) as screen:
        assert screen.end() == 0
    drawn = re.findall(r"\r\x1b\[K([a-z ]+) …", screen.seen)
    assert tuple(dict.fromkeys(drawn)) == STAGES
    assert screen.seen.endswith(f"writing …{BLANK}")
    # Between two of its stages there is nothing that would break the line.
    assert re.search(r"rendering python …\r\x1b\[Krendering go …", screen.seen)


def test_findings_do_not_stand_behind_a_stage(large: Path, tmp_path: Path) -> None:
    with _screen(large, 0, "generate", "--out", str(tmp_path / "out")) as screen:
        screen.end()
    _, _, behind = screen.seen.partition("checking …")
    assert behind.startswith(BLANK + "providers.yaml:")


def test_quick_run_says_nothing_about_its_stages(tmp_path: Path) -> None:
    with _screen(_small(tmp_path), 60, "generate") as screen:
        assert screen.end() == 0
    assert screen.seen == ""


def test_line_is_cut_where_the_terminal_is_narrow(large: Path, tmp_path: Path) -> None:
    arguments = ("generate", "--out", str(tmp_path / "out"))
    with _screen(large, 0, *arguments, COLUMNS="9") as screen:
        assert screen.end() == 0
    drawn = re.findall(r"\r\x1b\[K([^\r]*)\r", screen.seen)
    assert "renderin" in drawn
    assert "rendering" not in "".join(drawn)


@pytest.mark.parametrize(
    ("arguments", "more"),
    [((), {"CI": "true"}), ((), {"TERM": "dumb"}), (("--format", "json"), {})],
    ids=["in CI", "dumb", "document"],
)
def test_no_line_where_nobody_watches(
    tmp_path: Path, arguments: tuple[str, ...], more: dict[str, str]
) -> None:
    with _screen(_small(tmp_path), 0, "generate", *arguments, **more) as screen:
        assert screen.end() == 0
    assert BLANK not in screen.seen


def test_no_line_in_a_pipe(tmp_path: Path) -> None:
    program = PROGRAM.format(patience=0, arguments=("generate",))
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=_small(tmp_path), env=_environment(), capture_output=True, check=True
    )
    assert done.stderr == b""
    assert b"\x1b" not in done.stdout


# an interrupt


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def sets(large: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Return what fills a folder with the files of the manifest of today."""
    made = tmp_path_factory.mktemp("today")
    arguments = ["generate", "--manifest", str(MANIFEST), "--out", str(made / "out")]
    command = [sys.executable, "-m", "codegen", *arguments]
    subprocess.run(command, cwd=made, env=_environment(), check=True, capture_output=True)

    def fill(folder: Path) -> None:
        for path, data in _files(made / "out").items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)

    return fill


@pytest.mark.parametrize("later", [0.0, 0.03], ids=["at once", "later"])
@pytest.mark.parametrize("stage", STAGES)
def test_interrupt_at_any_stage_leaves_the_old_files_whole(
    large: Path, tmp_path: Path, sets: Callable[[Path], None], stage: str, later: float
) -> None:
    out = tmp_path / "out"
    sets(out)
    before = _files(out)
    with _screen(large, 0, "generate", "--out", str(out)) as screen:
        screen.until(f"{stage} …")
        time.sleep(later)
        screen.process.send_signal(signal.SIGINT)
        code = screen.end()
    if stage == "writing" and _files(out) != before:
        # It came after the one step in which the new set takes the place of the old.
        assert _is_new(out, large, tmp_path)
    else:
        assert code == 130
        assert _files(out) == before
    if code == 130:
        assert screen.seen.endswith(BLANK + COMPLAINT)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def _is_new(out: Path, large: Path, tmp_path: Path) -> bool:
    """Tell whether a folder has the whole set of the large manifest."""
    arguments = ["verify", "--manifest", str(large / "providers.yaml"), "--out", str(out)]
    command = [sys.executable, "-m", "codegen", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env=_environment(), capture_output=True, check=False
    )
    return done.returncode == 0
