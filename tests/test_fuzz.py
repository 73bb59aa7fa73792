"""Any input is compiled or refused with a code: no traceback, no hang, no flood of memory."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from hypothesis import HealthCheck, given, settings

from codegen import pipeline, report
from codegen.rules import BY_NAME
from tests.builds import ROOT
from tests.fuzz import measured
from tests.fuzz.hostile import CLASSIC, LARGE, Make, Table, made, manifest, provider
from tests.fuzz.judge import MEGABYTES, SECONDS, Judge, TooSlowError, assert_lawful, within
from tests.fuzz.structure import INPUTS

# How long a command may keep people waiting on a machine that is busy with other things.
PATIENCE = 20.0

EXAMPLES = 250


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge(tmp_path_factory.mktemp("judge"))


@pytest.mark.parametrize("kind", INPUTS)
def test_any_input_is_compiled_or_refused(kind: str, judge: Judge) -> None:
    before = judge.ledger.inputs

    @given(INPUTS[kind])
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def judged(data: bytes) -> None:
        judge.judge(data)

    judged()
    assert judge.ledger.inputs - before >= EXAMPLES
    assert EXAMPLES * len(INPUTS) >= 2_000


def test_judge_stops_what_does_not_end(tmp_path: Path) -> None:
    endless = itertools.repeat(None)
    with pytest.raises(TooSlowError), within(0.05):
        sum(1 for _ in endless)


# the hostile ones, as a user's files


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command printed and took."""

    code: int
    output: str
    seconds: float
    waited: float
    megabytes: float


def _run(folder: Path, *arguments: str, prepare: Callable[[], None] | None = None) -> Ran:
    """Run Python with arguments, in a process whose time and memory are measured."""
    result = folder / "taken.json"
    launcher = [sys.executable, "-I", "-S", measured.__file__, str(result), "60"]
    done = subprocess.run(
        [*launcher, sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        preexec_fn=prepare,
    )
    taken = json.loads(result.read_text(encoding="utf-8"))
    return Ran(output=done.stdout.decode("utf-8"), **taken)


def _check(path: Path, folder: Path, prepare: Callable[[], None] | None = None) -> Ran:
    """Run the real command line on a file."""
    return _run(folder, "-m", "codegen", "check", "--manifest", str(path), prepare=prepare)


def test_what_a_command_takes_is_its_own(tmp_path: Path) -> None:
    assert _run(tmp_path, "-c", "pass").megabytes < 50
    assert 200 < _run(tmp_path, "-c", "bytearray(200 << 20)").megabytes < 250
    assert _run(tmp_path, "-c", "sum(range(10_000_000))").seconds > 0.05


def _assert_refused(ran: Ran, rule: str) -> None:
    assert "Traceback" not in ran.output
    assert ran.code == (2 if rule else 0), ran.output[-2_000:]
    assert not rule or f"[{BY_NAME[rule].code}]: " in ran.output
    assert ran.seconds < SECONDS
    assert ran.waited < PATIENCE
    assert ran.megabytes < MEGABYTES


def _rows(table: Table) -> list[ParameterSet]:
    return [pytest.param(*row, id=name) for name, row in table.items()]


@pytest.mark.parametrize(("rule", "make"), _rows(CLASSIC | LARGE))
def test_hostile_input_is_refused_by_the_command(rule: str, make: Make, tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_bytes(made(make))
    _assert_refused(_check(path, tmp_path), rule)


@pytest.mark.parametrize(("rule", "make"), _rows(CLASSIC))
def test_hostile_input_is_refused_by_load(rule: str, make: Make, tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_bytes(made(make))
    with within(SECONDS):
        loaded = pipeline.load(path)
        printed = report.text(loaded.sources, loaded.diagnostics)
    assert_lawful(loaded, printed)
    codes = {fault.code for fault in loaded.diagnostics}
    assert BY_NAME[rule].code in codes if rule else loaded.registry is not None


@pytest.mark.parametrize(
    ("data", "byte"),
    [(b"\xff", 1), (b"ab\xff", 3), (b"\xef\xbb\xbf\xff", 4), (b"\xef\xbb\xbfab\xff", 6)],
)
def test_first_bad_byte_is_counted_from_the_start_of_the_file(
    data: bytes, byte: int, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_bytes(data)
    (fault,) = pipeline.load(path).diagnostics
    assert f"it is not UTF-8 (byte {byte})" in fault.message


# what is no file


def _folder(place: Path) -> None:
    place.mkdir()


def _pipe(place: Path) -> None:
    os.mkfifo(place)


def _dangling(place: Path) -> None:
    place.symlink_to(place.with_name("nowhere"))


def _circle(place: Path) -> None:
    place.symlink_to(place)


def _below_a_file(place: Path) -> None:
    place.parent.rmdir()
    place.parent.write_text("a file", encoding="utf-8")


def _nothing(place: Path) -> None:
    assert not place.exists()


NO_FILES = {
    "a folder": _folder,
    "a pipe": _pipe,
    "a link to nowhere": _dangling,
    "a link to itself": _circle,
    "below a file": _below_a_file,
    "not there": _nothing,
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "folder" / "manifest.yaml"
    place.parent.mkdir()
    NO_FILES[kind](place)
    _assert_refused(_check(place, tmp_path), "unreadable_file")
    loaded = pipeline.load(place)
    assert_lawful(loaded, report.text(loaded.sources, loaded.diagnostics))
    assert [fault.code for fault in loaded.diagnostics] == [BY_NAME["unreadable_file"].code]


def test_name_that_no_file_can_have_is_refused() -> None:
    loaded = pipeline.load(Path("a\0b"))
    assert_lawful(loaded, report.text(loaded.sources, loaded.diagnostics))


@pytest.mark.parametrize("instead", [_nothing, _pipe, _folder])
def test_file_that_vanishes_while_it_is_opened_is_refused(
    instead: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(manifest(), encoding="utf-8")
    is_file = Path.is_file

    def vanishing(self: Path) -> bool:
        was_file = is_file(self)
        if self == path and was_file:
            path.unlink()
            assert callable(instead)
            instead(path)
        return was_file

    monkeypatch.setattr(Path, "is_file", vanishing)
    with within(SECONDS):
        loaded = pipeline.load(path)
    assert_lawful(loaded, report.text(loaded.sources, loaded.diagnostics))
    assert [fault.code for fault in loaded.diagnostics] == [BY_NAME["unreadable_file"].code]


NOBODY = 65_534


@contextmanager
def _somebody_else() -> Iterator[None]:
    """Be somebody else than root for a while, who may read everything."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def _without_override() -> None:
    """Take from root, where the system is Linux, the right to read what nobody may read."""
    drop_capability, override, search = 24, 1, 2
    if os.geteuid() == 0:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        assert prctl(drop_capability, override, 0, 0, 0) == 0
        assert prctl(drop_capability, search, 0, 0, 0) == 0


def test_file_without_permission_is_refused() -> None:
    # Not below pytest's own folder, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "manifest.yaml"
        path.write_text(manifest(), encoding="utf-8")
        path.chmod(0o000)
        path.parent.chmod(0o777)
        with _somebody_else():
            loaded = pipeline.load(path)
        assert "permission denied" in loaded.diagnostics[0].message
        assert_lawful(loaded, report.text(loaded.sources, loaded.diagnostics))
        ran = _check(path, path.parent, prepare=_without_override)
        assert "permission denied" in ran.output
        _assert_refused(ran, "unreadable_file")


# large, and meant


def _large_and_meant() -> str:
    """Return 1,000 providers, 50 runtimes with 200 arms each, and 100,000 listed ids."""
    providers = "".join(
        provider(f"vendor-{i}", f"^(?i:vendor{i}|v{i})[:/-]", f"VENDOR_{i}_KEY")
        for i in range(1_000)
    )
    runtimes = []
    for number in range(50):
        runtimes.append(f"  runtime-{number}:\n    providers:\n")
        for i in range(number * 7, number * 7 + 200):
            ids = ", ".join(f"vendor{i}/model-{number}-{model}" for model in range(10))
            runtimes.append(f"      - name: vendor-{i}\n        models: [{ids}]\n")
    return manifest(providers, "".join(runtimes))


def test_large_manifest_that_is_meant_compiles(tmp_path: Path) -> None:
    """What is refused for its size is far beyond what somebody could mean."""
    path = tmp_path / "large.yaml"
    path.write_text(_large_and_meant(), encoding="utf-8")
    ran = _check(path, tmp_path)
    assert ran.code == 0, ran.output[-2_000:]
    assert "1,000 providers, 50 runtimes, 10,000 arms, 100,000 listed ids" in ran.output
    assert ran.seconds < 20
