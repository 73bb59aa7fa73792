"""The benchmarks say what they found, and all of it; nothing here measures time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as command
from benchmarks import catalogs, charts, experiments, failures, page, regression, results
from benchmarks.counts import callgrind, go_artifact, python_artifact, questions
from benchmarks.counts.questions import Kind
from benchmarks.outcome import Limit, NotRunError, Outcome, Target, figure, median
from benchmarks.places import PYTHON
from benchmarks.regression import Group
from codegen.ir import Registry
from tests import toolchains
from tests.builds import ROOT, registry_of
from tests.languages import needed

RIVALS = ROOT / "benchmarks" / "rivals"


def target(value: float, limit: float, side: Limit = Limit.AT_MOST, reason: str = "") -> Target:
    return Target(what="it", value=value, limit=limit, side=side, reason=reason)


# what an experiment says


@pytest.mark.parametrize(
    ("side", "value", "is_reached"),
    [
        (Limit.AT_MOST, 1.99, True),
        (Limit.AT_MOST, 2.0, True),
        (Limit.AT_MOST, 2.01, False),
        (Limit.AT_LEAST, 1.99, False),
        (Limit.AT_LEAST, 2.0, True),
        (Limit.AT_LEAST, 2.01, True),
    ],
)
def test_target_is_reached_on_its_side_of_the_limit(
    side: Limit, value: float, is_reached: bool
) -> None:
    assert target(value, 2.0, side).is_reached is is_reached


def test_figure_is_the_median_the_least_and_the_most() -> None:
    found = figure("case", "ours", "ns", [5.0, 1.0, 2.0])
    assert (found.median, found.low, found.high, found.runs) == (2.0, 1.0, 5.0, 3)
    assert median((found,), "case", "ours") == 2.0
    with pytest.raises(KeyError):
        median((found,), "case", "theirs")


def test_results_come_back_as_they_were_written() -> None:
    outcome = Outcome(
        figures=(figure("listed", "ours", "ns", [1.0, 2.5, 3.0]),),
        targets=(target(3.5, 2.0, reason="The reason."), target(4.0, 2.0, Limit.AT_LEAST)),
        versions=(("rival", "1.2.3"),),
    )
    text = results.text({"one": outcome}, {"cores": "2"})
    assert results.read(text) == ({"one": outcome}, {"cores": "2"})
    assert [each["reached"] for each in json.loads(text)["experiments"]["one"]["targets"]] == [
        False,
        True,
    ]


# the command


class Bench:
    """`python -m benchmarks` in this process, over experiments that measure nothing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.results, self.page, self.charts = (
            folder / "results.json",
            folder / "page.md",
            folder / "img",
        )
        self._monkeypatch = monkeypatch
        self.page.write_text("before", encoding="utf-8")
        for module, path in ((results, self.results), (page, self.page)):
            monkeypatch.setattr(module, "PATH", path)
        monkeypatch.setattr(charts, "FOLDER", self.charts)
        monkeypatch.setattr(charts, "drawn", lambda _outcomes: {"one.svg": "<svg/>"})
        monkeypatch.setattr(page, "refreshed", lambda *_: "after")

    def run(self, found: dict[str, Callable[[], Outcome]], *arguments: str) -> int:
        modules = {
            f"benchmarks.experiments.{name}": SimpleNamespace(TITLE=f"The title of {name}", run=run)
            for name, run in found.items()
        }
        self._monkeypatch.setattr(experiments, "NAMES", tuple(found))
        self._monkeypatch.setattr(experiments, "import_module", modules.__getitem__)
        self._monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
        return command.main()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def found(*targets: Target) -> Callable[[], Outcome]:
    figures = (figure("listed", "ours", "ns", [1.0, 2.0, 3.0]),)
    return lambda: Outcome(figures=figures, targets=targets)


def raises(error: BaseException) -> Callable[[], Outcome]:
    def run() -> Outcome:
        raise error

    return run


REACHED, MISSED = target(1.0, 2.0), target(3.0, 2.0)
EXPLAINED = target(3.0, 2.0, reason="The reason.")


@pytest.mark.parametrize(
    ("targets", "code"), [((REACHED,), 0), ((REACHED, EXPLAINED), 0), ((EXPLAINED, MISSED), 1)]
)
def test_only_a_miss_without_a_reason_fails(
    bench: Bench, capsys: pytest.CaptureFixture[str], targets: tuple[Target, ...], code: int
) -> None:
    assert bench.run({"one": found(*targets)}) == code
    printed = capsys.readouterr().out
    assert ("MISSED" in printed) is (targets != (REACHED,))
    assert ("no reason is given: it" in printed) is (code == 1)


def test_a_run_of_all_writes_and_a_run_of_some_does_not(bench: Bench) -> None:
    both = {"one": found(REACHED), "two": found(REACHED)}
    assert bench.run(both, "two", "one") == 0
    assert (bench.results.exists(), bench.charts.exists()) == (False, False)
    assert bench.page.read_text(encoding="utf-8") == "before"
    assert bench.run(both) == 0
    outcomes, _ = results.read(bench.results.read_text(encoding="utf-8"))
    assert list(outcomes) == ["one", "two"]
    assert bench.page.read_text(encoding="utf-8") == "after"
    assert (bench.charts / "one.svg").read_text(encoding="utf-8") == "<svg/>"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotRunError("not on this machine: node"), "not on this machine: node"),
        (FileNotFoundError(2, "No such file", "chromium"), "chromium is not on this machine"),
        (subprocess.CalledProcessError(3, ["go", "build"], stderr=b"no space"), "no space"),
        (subprocess.TimeoutExpired(["go", "test"], 60), "timed out after 60 seconds"),
    ],
)
def test_what_cannot_run_is_named_and_the_rest_runs(
    bench: Bench, capsys: pytest.CaptureFixture[str], error: Exception, words: str
) -> None:
    bench.results.write_text("of the last whole run", encoding="utf-8")
    assert bench.run({"one": raises(error), "two": found(REACHED)}) == 1
    printed = capsys.readouterr().out
    assert "The title of one" in printed
    assert words in printed
    assert "The title of two" in printed
    assert printed.endswith("NOT RUN: one\n")
    assert bench.results.read_text(encoding="utf-8") == "of the last whole run"
    assert bench.page.read_text(encoding="utf-8") == "before"


def test_a_mistake_of_ours_is_not_hidden(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError):
        bench.run({"one": raises(ZeroDivisionError())})


def test_needs_are_asked_for_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def a_tool() -> Path | None:
        return None

    module = SimpleNamespace(TITLE="", NEEDS=(a_tool,), run=raises(AssertionError("it ran")))
    monkeypatch.setattr(experiments, "import_module", lambda _name: module)
    with pytest.raises(NotRunError, match="not on this machine: a_tool"):
        experiments.run("one")


@pytest.mark.parametrize("module", ["benchmarks", "benchmarks.regression"])
def test_what_is_unknown_ends_with_a_clear_message(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "unknown"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "unknown" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_interrupt_is_one_line() -> None:
    program = (
        "import os, runpy, signal, sys\n"
        "from benchmarks import experiments\n"
        "experiments.run = lambda _name: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.argv = ['benchmarks', 'verify']\n"
        "runpy.run_module('benchmarks', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "\ninterrupted; nothing is written\n")


# the experiments


def test_every_experiment_is_named() -> None:
    folder = ROOT / "benchmarks" / "experiments"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(experiments.NAMES)
    assert len(set(experiments.NAMES)) == len(experiments.NAMES)


@pytest.mark.parametrize("name", experiments.NAMES)
def test_every_experiment_has_a_title_and_can_be_run(name: str) -> None:
    module = __import__(f"benchmarks.experiments.{name}", fromlist=["run"])
    assert experiments.title(name).strip()
    assert callable(module.run)
    assert all(callable(find) for find in getattr(module, "NEEDS", ()))


# the catalogs


def listings(registry: Registry) -> int:
    return sum(len(arm.models) for runtime in registry.runtimes for arm in runtime.arms)


@pytest.mark.parametrize("size", catalogs.GROWTH[:2], ids=lambda size: str(size.providers))
def test_growing_catalog_has_its_size(size: catalogs.Size) -> None:
    registry = registry_of(catalogs.growing(size))
    assert len(registry.providers) == size.providers
    assert [runtime.name for runtime in registry.runtimes] == [catalogs.RUNTIME]
    assert len(registry.runtimes[0].arms) == size.providers
    assert listings(registry) == size.ids
    assert {model for arm in registry.runtimes[0].arms for model in arm.models} == set(
        catalogs.listed(size)
    )


@pytest.mark.parametrize("is_edited", [False, True])
def test_large_catalog_has_its_size(is_edited: bool) -> None:
    registry = registry_of(catalogs.large(1, is_edited=is_edited))
    assert len(registry.providers) == 100
    assert [len(runtime.arms) for runtime in registry.runtimes] == [20] * 50
    assert listings(registry) == 10_000


def test_catalogs_are_the_same_in_every_process() -> None:
    program = (
        "import hashlib\n"
        "from benchmarks.catalogs import GROWTH, growing, large\n"
        "texts = growing(GROWTH[0]), growing(GROWTH[1]), large(1), large(1, is_edited=True)\n"
        "print(*(hashlib.sha256(text.encode()).hexdigest() for text in texts))\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert len(set(printed.pop().split())) == 4


# what the artifacts are compared with


def locked(lock: str) -> dict[str, str]:
    """Return what stands behind each requirement of a lock file of pip, by name and version."""
    blocks = re.findall(r"^([a-z0-9]\S*) *\\\n((?:    .*\n?)+)", lock, flags=re.MULTILINE)
    assert len(blocks) == len(re.findall(r"^[a-z0-9]", lock, flags=re.MULTILINE))
    return dict(blocks)


def test_rivals_of_python_are_pinned_with_hashes() -> None:
    wanted = (RIVALS / "requirements.in").read_text(encoding="utf-8")
    pins = [line for line in wanted.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==\d[\w.]*", pin) for pin in pins)
    blocks = locked((RIVALS / "requirements.lock").read_text(encoding="utf-8"))
    assert set(pins) <= set(blocks)
    assert all("--hash=sha256:" in block for block in blocks.values())
    assert all(re.fullmatch(r"[\w.\[\],-]+==[\w.+!]+", name) for name in blocks)


def test_rivals_of_node_are_pinned_with_hashes() -> None:
    wanted = json.loads((RIVALS / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    lock = json.loads((RIVALS / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert lock.pop("")["devDependencies"] == wanted
    assert all(entry["integrity"].startswith("sha512-") for entry in lock.values())
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_nothing_of_the_project_depends_on_a_rival() -> None:
    pins = (RIVALS / "requirements.in").read_text(encoding="utf-8")
    packages = json.loads((RIVALS / "package.json").read_text(encoding="utf-8"))
    rivals = {*re.findall(r"^([\w-]+)==", pins, flags=re.MULTILINE), *packages["devDependencies"]}
    # Two measure, and are compared with nothing: the tests of sizes may use the first as well.
    rivals -= {"esbuild", "@bufbuild/buf"}
    assert {"litellm", "genai-prices"} <= rivals
    own = [
        ROOT / "pyproject.toml",
        *ROOT.glob("requirements*.lock"),
        *(ROOT / "tests" / name / "package-lock.json" for name in ("typescript", "chromium")),
        *ROOT.glob("generated/*/*.toml"),
        *ROOT.glob("generated/*/package.json"),
    ]
    assert len(own) >= 8
    for path in own:
        text = path.read_text(encoding="utf-8")
        assert [name for name in rivals if re.search(rf"\b{re.escape(name)}\b", text)] == []


# counts


def test_questions_are_of_every_kind_and_of_what_their_kind_says(registry: Registry) -> None:
    menus = {
        str(runtime.name): [set(arm.models) for arm in runtime.arms]
        for runtime in registry.runtimes
    }
    kinds = questions.by_kind()
    for kind, asked in kinds.items():
        assert 10 <= len(asked) <= questions.MOST
        assert len(set(asked)) == len(asked), kind
    for runtime, model in kinds[Kind.LISTED]:
        assert sum(model in menu for menu in menus[runtime]) == 1
    for runtime, model in (*kinds[Kind.PREFIX], *kinds[Kind.MISS]):
        assert not any(model in menu for menu in menus[runtime])
    assert {runtime for runtime, _ in kinds[Kind.LISTED]} == set(menus)


def slower(folder: Path) -> Path:
    """Return a copy of the Python artifact whose decisions call two functions more."""
    copy = folder / "python"
    shutil.copytree(python_artifact.ARTIFACT, copy)
    with (copy / "provider_registry" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(
            "\n_before = derive_provider\n\n\n"
            "def derive_provider(runtime, model, auth_env=()):\n"
            "    len(model)\n"
            "    return _before(runtime, model, auth_env)\n"
        )
    return copy


def test_calls_and_bytecodes_repeat_and_see_more_work(tmp_path: Path) -> None:
    before = python_artifact.traced.__wrapped__(PYTHON)
    assert python_artifact.traced.__wrapped__(PYTHON) == before
    after = python_artifact.traced.__wrapped__(PYTHON, slower(tmp_path))
    for kind, counted in before.items():
        assert after[kind]["calls"] == pytest.approx(counted["calls"] + 2)
        assert after[kind]["bytecodes"] > counted["bytecodes"] + 3


def test_go_makes_no_allocation_but_for_an_error() -> None:
    needed(toolchains.go(), "go")
    made = go_artifact.allocations()
    assert (made[Kind.LISTED], made[Kind.PREFIX]) == (0, 0)
    assert (made[Kind.MISS], made[Kind.ERROR]) == (1, 1)


def test_without_valgrind_nothing_passes_as_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callgrind, "valgrind", lambda: None)
    with pytest.raises(NotRunError, match="apt-get install valgrind"):
        callgrind.count([PYTHON, "-c", "pass"], {})


# the check


def group(what: str, counts: dict[str, float], on: str = "here") -> Group:
    return Group(what=what, on=on, count=lambda: counts)


def uncountable(what: str) -> Group:
    def count() -> dict[str, float]:
        raise NotRunError(callgrind.HOW)

    return Group(what=what, on="here", count=count)


WAS = {("calls", "here"): {"listed": 10.0, "miss": 0.0}}


@pytest.mark.parametrize(
    ("now", "code", "said"),
    [
        ({"listed": 10.0, "miss": 0.0}, 0, "none worse"),
        ({"listed": 10.9, "miss": 0.0}, 0, "ok     listed: was 10, now 10.9"),
        ({"listed": 11.1, "miss": 0.0}, 1, "ROSE   listed: was 10, now 11.1 (+11%)"),
        ({"listed": 10.0, "miss": 1.0}, 1, "ROSE   miss: was 0, now 1"),
        ({"listed": 8.0, "miss": 0.0}, 0, "fell   listed: was 10, now 8 (-20%)"),
        ({"listed": 10.0}, 1, "GONE   miss: was 0, now nothing"),
        ({"listed": 10.0, "miss": 0.0, "new": 1.0}, 1, "NEW    new: was nothing, now 1"),
    ],
)
def test_a_count_that_rises_fails_and_says_how_to_record(
    capsys: pytest.CaptureFixture[str], now: dict[str, float], code: int, said: str
) -> None:
    assert regression.compare([group("calls", now)], WAS) == code
    printed = capsys.readouterr().out
    assert said in printed
    assert ("say why in the commit" in printed) is (code == 1)
    if code:
        assert "make bench-check RECORD=1" in printed


def test_what_is_not_compared_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Without valgrind, or in an interpreter that nothing is recorded for."""
    records = WAS | {("instructions", "here"): {"listed": 7.0}}
    groups = [
        group("calls", {"listed": 10.0, "miss": 0.0}),
        uncountable("instructions"),
        group("bytecodes", {"listed": 3.0}, on="elsewhere"),
    ]
    assert regression.compare(groups, records) == 0
    printed = capsys.readouterr().out
    assert "NOT COUNTED: valgrind is not on this machine" in printed
    assert "NOT COMPARED: nothing is recorded for this" in printed
    assert "2 counts compared" in printed
    assert printed.endswith(
        "NOT compared, as said above:\n  instructions, here\n  bytecodes, elsewhere\n"
    )


def test_to_compare_nothing_at_all_fails() -> None:
    assert regression.compare([uncountable("instructions")], WAS) == 1
    assert regression.compare([group("calls", {"listed": 1.0}, on="elsewhere")], WAS) == 1


def test_a_record_is_of_one_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "counts.json"
    monkeypatch.setattr(regression, "PATH", path)
    before = WAS | {("bytecodes", "elsewhere"): {"listed": 3.0}}
    with pytest.raises(NotRunError):
        regression.record([group("calls", {"listed": 1.0}), uncountable("instructions")], before)
    assert not path.exists()
    assert regression.record([group("calls", {"listed": 1.23456})], before) == 0
    assert "no longer in it, as it was not counted now: bytecodes, elsewhere" in (
        capsys.readouterr().out
    )
    assert regression.read(path.read_text(encoding="utf-8")) == {
        ("calls", "here"): {"listed": 1.235}
    }


def test_the_record_has_what_every_machine_can_compare() -> None:
    text = regression.PATH.read_text(encoding="utf-8")
    records = regression.read(text)
    assert regression.text_of(records) == text
    made = records["allocations of the worst decision", "Go"]
    assert (made["listed"], made["prefix"], made["miss"], made["other error"]) == (0, 0, 1, 1)
    assert set(records["calls of a decision", "CPython"]) == {kind.value for kind in Kind}
    assert {what for what, _ in records} == {
        "allocations of the worst decision",
        "bytecodes of a decision",
        "calls of a decision",
        "calls of a process",
        "instructions of a decision",
        "instructions of a process",
    }


def test_a_failed_command_is_told_with_the_end_of_what_it_said() -> None:
    said = "\n".join(f"line {number}" for number in range(30))
    error = subprocess.CalledProcessError(1, ["go", "build", "a b"], stderr=said)
    told = failures.words(error).splitlines()
    assert told[0] == "exit code 1: go build 'a b'"
    assert told[-1].strip() == "line 29"
    assert len(told) == 13
