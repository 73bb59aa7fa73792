"""The generated artifacts of each language, asked through the language's real toolchain."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import toolchains
from tests.builds import Build

DRIVERS = Path(__file__).resolve().parent / "drivers"

Json = dict[str, Any]
Cases = Sequence[Json]


def needed(tool: Path | None, name: str, how: str = "`make test` installs it") -> str:
    """Return a tool's path; without the tool the test is skipped with the reason.

    In CI a missing tool is a failure: there, nothing may be left unproved.
    """
    if tool is not None:
        return str(tool)
    reason = f"{name} is not on this machine; {how}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(f"SKIPPED: {reason}")


def run(command: list[str], **kwargs: Any) -> str:
    """Run a command that must succeed and return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    printed: str = done.stdout
    return printed


def _case_file(folder: Path, cases: Cases) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cases.json"
    path.write_text(json.dumps({"cases": list(cases)}, ensure_ascii=False), encoding="utf-8")
    return str(path)


def _answers(printed: str) -> list[Json]:
    # Not splitlines(): it also splits at U+2028, which may stand in an answer.
    return [json.loads(line) for line in printed.split("\n") if line]


def ask_python(build: Build, cases: Cases, work: Path) -> list[Json]:
    driver = str(DRIVERS / "python" / "driver.py")
    file = _case_file(work, cases)
    # -I and -B: nothing of this checkout is on the path, and no cache is left behind.
    return _answers(run([sys.executable, "-I", "-B", driver, str(build.python), file]))


def ask_typescript(build: Build, cases: Cases, work: Path) -> list[Json]:
    node = needed(toolchains.node(), "node")
    driver = str(DRIVERS / "typescript" / "driver.mjs")
    return _answers(run([node, driver, str(build.typescript), _case_file(work, cases)]))


def go_module(build: Build, work: Path) -> None:
    """Write a module that asks the artifact of a build."""
    module = build.options.go_module
    work.mkdir(parents=True, exist_ok=True)
    shutil.copy(DRIVERS / "go" / "main.go", work / "main.go")
    (work / "go.mod").write_text(
        f"module driver\n\ngo 1.21\n\nrequire {module} v0.0.0\n\n"
        f"replace {module} => {build.out / 'go'}\n",
        encoding="utf-8",
    )


def ask_go(build: Build, cases: Cases, work: Path) -> list[Json]:
    go = needed(toolchains.go(), "go")
    go_module(build, work / "module")
    binary = str(work / "driver")
    run([go, "build", "-o", binary, "."], cwd=work / "module", env=toolchains.environment())
    return _answers(run([binary, _case_file(work, cases)]))


Ask = Callable[[Build, Cases, Path], list[Json]]

LANGUAGES: dict[str, Ask] = {
    "python": ask_python,
    "go": ask_go,
    "typescript": ask_typescript,
}

every_language = pytest.mark.parametrize("language", list(LANGUAGES))


def disagreements(cases: Cases, answers: Sequence[Json]) -> list[Json]:
    """Return the cases whose answer is not what the reference said, with both."""
    pairs = zip(cases, answers, strict=True)
    return [case | {"got": answer} for case, answer in pairs if case["want"] != answer]


def vectors(build: Build) -> list[Json]:
    """Return the conformance cases that were generated with a build."""
    text = (build.out / "vectors.json").read_text(encoding="utf-8")
    cases: list[Json] = json.loads(text)["cases"]
    return cases


def first_code_line(text: str, marker: str) -> int:
    """Return the offset of the first line that begins with a marker."""
    match = re.search(rf"^{re.escape(marker)}", text, flags=re.MULTILINE)
    assert match is not None, marker
    return match.start()
