"""The examples, built and run as a downstream would: three languages print the same lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import toolchains
from tests.builds import ROOT, Build
from tests.languages import needed, run

EXAMPLES = ROOT / "examples"

# Questions, and what an example exits with.
QUESTIONS = {
    "codex gpt-5.5": 0,
    "codex gpt-5.5 OPENAI_API_KEY": 0,
    "codex gpt5.5": 1,
    "claude-code MiniMax-M2.7": 0,
    "claude-code zai/glm-4.6 ANTHROPIC_API_KEY": 0,
    "claude-code claude-sonnet-4-5 OTHER ANTHROPIC_API_KEY": 0,
    "claude-code minimax/MiniMax-M2.7 MOLECULE_LLM_USAGE_TOKEN": 0,
    "claude-code minimax:MiniMax-M2.7": 1,
    "hermes kilocode/x KILOCODE_API_KEY": 0,
    "nowhere x": 1,
}

Ask = Callable[[list[str]], "subprocess.CompletedProcess[str]"]


def _asking(*command: str, **environ: str) -> Ask:
    def ask(question: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *question],
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
            env=dict(os.environ) | environ,
        )

    return ask


def _downstream(build: Build, language: str, work: Path) -> Path:
    """Copy an example and what it depends on, with the paths between them as they are."""
    shutil.copytree(build.out / language, work / "generated" / language)
    leftovers = shutil.ignore_patterns("node_modules", "dist", "build", "*.egg-info", "__pycache__")
    folder = work / "examples" / language
    shutil.copytree(EXAMPLES / language, folder, ignore=leftovers)
    return folder


def _python(build: Build, work: Path) -> Ask:
    example = _downstream(build, "python", work)
    site = work / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The build backend is one of this project's own tools, so nothing need be fetched.
    offline = ["--no-index", "--no-build-isolation"]
    packages = [str(work / "generated" / "python"), str(example)]
    run([*pip, *offline, "--no-deps", "--target", str(site), *packages], cwd=work)
    assert (site / "provider_registry" / "py.typed").is_file()
    return _asking(sys.executable, "-m", "ask_provider", PYTHONPATH=str(site))


def _go(build: Build, work: Path) -> Ask:
    go = needed(toolchains.go(), "go")
    example = _downstream(build, "go", work)
    run([go, "vet", "."], cwd=example, env=toolchains.environment())
    binary = str(work / "ask-provider")
    run([go, "build", "-o", binary, "."], cwd=example, env=toolchains.environment())
    return _asking(binary)


def _install(example: Path) -> None:
    """Link what package.json asks for by `file:`, which is what npm does with it."""
    asked = json.loads((example / "package.json").read_text(encoding="utf-8"))["dependencies"]
    (example / "node_modules").mkdir()
    for name, place in asked.items():
        package = (example / place.removeprefix("file:")).resolve()
        (example / "node_modules" / name).symlink_to(package)


def _typescript(build: Build, work: Path) -> Ask:
    node = needed(toolchains.node(), "node")
    tsc = needed(toolchains.tsc(), "TypeScript")
    example = _downstream(build, "typescript", work)
    _install(example)
    run([node, tsc], cwd=example)
    return _asking(node, str(example / "dist" / "main.js"))


@pytest.fixture(scope="module")
def ask_python(real_build: Build, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    return _python(real_build, tmp_path_factory.mktemp("python"))


def _answers(ask: Ask) -> dict[str, tuple[int, str]]:
    done = {question: ask(question.split()) for question in QUESTIONS}
    return {question: (run.returncode, run.stdout) for question, run in done.items()}


ANSWER = """\
provider: openai-api
pays:     the tenant
endpoint: https://api.openai.com/v1
header:   Authorization: Bearer $OPENAI_API_KEY
"""
REFUSAL = """\
refused:  unregistered_model
reason:   model "gpt5.5" is not registered for runtime "codex"
nearest:  gpt-5.5, gpt-5.4, gpt-5.2
"""


def test_python_example_answers_and_refuses(ask_python: Ask) -> None:
    answers = _answers(ask_python)
    assert {question: code for question, (code, _) in answers.items()} == QUESTIONS
    assert answers["codex gpt-5.5 OPENAI_API_KEY"] == (0, ANSWER)
    assert answers["codex gpt5.5"] == (1, REFUSAL)


def test_questions_bring_out_every_line_that_an_example_can_print(ask_python: Ask) -> None:
    lines = {line for _, text in _answers(ask_python).values() for line in text.splitlines()}
    for part in (
        "the platform",
        "the tenant",
        'has no "openai" surface',
        "never dialled by a proxy",
        "needs one of: ",
        "x-api-key: $",
        "Authorization: Bearer $",
        "nearest:  none",
    ):
        assert any(part in line for line in lines), part


@pytest.mark.parametrize(("language", "prepare"), [("go", _go), ("typescript", _typescript)])
def test_example_prints_the_same_lines_as_the_python_one(
    language: str,
    prepare: Callable[[Build, Path], Ask],
    ask_python: Ask,
    real_build: Build,
    tmp_path: Path,
) -> None:
    assert _answers(prepare(real_build, tmp_path)) == _answers(ask_python), language


def test_example_without_a_question_says_how_to_ask(ask_python: Ask) -> None:
    done = ask_python(["codex"])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")


def test_python_example_is_typed_with_what_it_depends_on(real_build: Build) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-incremental"]
    environ = dict(os.environ) | {"MYPYPATH": str(real_build.out / "python")}
    run([*mypy, str(EXAMPLES / "python" / "ask_provider.py")], cwd=real_build.out, env=environ)


def test_examples_depend_on_the_checked_in_packages_by_path() -> None:
    """What the copies above prove holds for the checkout as well."""
    places = {
        "python/pyproject.toml": 'path = "../../generated/python"',
        "go/go.mod": "=> ../../generated/go",
        "typescript/package.json": "file:../../generated/typescript",
    }
    for path, place in places.items():
        assert place in (EXAMPLES / path).read_text(encoding="utf-8")
