"""An explanation is the decision itself: its steps, its places, and what follows from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from codegen import pipeline, routing
from codegen.explanation import Explanation, Question, explain
from codegen.report import explained_data
from codegen.report.explained import text
from codegen.routing import Decision, RefusalError
from tests.builds import EVERYTHING, MANIFEST, ROOT
from tests.strategies import HIDDEN, HOSTILE

Json = dict[str, Any]

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "explain.schema.json").read_text("utf-8"))
EVERY = pipeline.load(EVERYTHING, "everything.yaml")
REAL = pipeline.load(MANIFEST, "providers.yaml")

RUNTIMES = ["ties", "three", "cases", "open", "empty", "tie", "Ties", ""]
MODELS = [
    *("both", "one-only", "same/id", "platform/model", "platform/x", "all-three"),
    *("gone-plain", "gone-told", "gone-both", "sub1-old", "sub-open", "sub1-x"),
    *("tie-", "tie-t", "tie-tx", "two:x", "Mix-3", "mix-3", "KiloGram", "\u212ailo", "exact-Any"),
    *("", " ", " both\t", "\u00a0one-only", "bothh", "nowhere"),
]
NAMES = ["TIE_ONE_KEY", "TIE_TWO_KEY", "TIE_SHARED_KEY", "VENDOR_TOKEN", "ANY_KEY", "OTHER"]

QUESTIONS = st.builds(
    Question,
    runtime=st.sampled_from(RUNTIMES),
    model=st.one_of(st.sampled_from(MODELS), HOSTILE),
    auth_env=st.lists(st.sampled_from(NAMES), max_size=3).map(tuple),
    override=st.sampled_from([None, "byok", "disabled", "platform_managed", "Byok", ""]),
    default=st.sampled_from([mode.value for mode in routing.Mode]),
    is_pinned=st.booleans(),
)


def of(question: Question) -> Explanation:
    assert EVERY.registry is not None
    return explain(EVERY.registry, question)


def _decided(question: Question) -> str:
    """Ask the function of the specification itself."""
    assert EVERY.registry is not None
    derive = routing.derive_provider_for_pin if question.is_pinned else routing.derive_provider
    try:
        return derive(EVERY.registry, question.runtime, question.model, question.auth_env).name
    except RefusalError as refusal:
        return refusal.code


@given(QUESTIONS)
@settings(max_examples=1_000, deadline=None)
def test_explanation_ends_where_the_decision_does(question: Question) -> None:
    found = of(question)
    wanted = _decided(question)
    assert wanted == (
        found.provider.name if found.provider else found.refusal and found.refusal.code
    )
    assert (found.provider is None) is (found.refusal is not None)
    assert bool(found.accepted) is bool(found.surfaces) is (found.provider is not None)
    steps = found.trace.listed or found.trace.matched
    if isinstance(found.trace.outcome, Decision):
        assert found.trace.outcome.candidates == tuple(provider for _, provider in steps)


def _locations(part: object) -> Iterator[tuple[Json, Json]]:
    """Yield every object that has a location, and the location."""
    if isinstance(part, dict):
        if "location" in part:
            yield part, part["location"]
        for below in part.values():
            yield from _locations(below)
    elif isinstance(part, list):
        for below in part:
            yield from _locations(below)


@given(QUESTIONS)
@settings(max_examples=300, deadline=None)
def test_data_fits_its_schema_and_every_place_has_what_it_names(question: Question) -> None:
    data = explained_data.plain(EVERY.sources, of(question))
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(data)))
    for part, location in _locations(data):
        line = EVERY.source.line_text(location["line"])[location["column"] - 1 :]
        trimmed = data["steps"]["trimmed"]  # type: ignore[index]
        named = part.get("pattern") or ("display_name" in part and part["name"]) or trimmed
        is_runtime = part is data["steps"]["runtime"]  # type: ignore[index]
        wanted = question.runtime if is_runtime else named
        assert line.lstrip("'\"").startswith(str(wanted)), (line, wanted)


@given(QUESTIONS)
@settings(max_examples=300, deadline=None)
def test_text_hides_nothing_and_no_line_ends_in_blanks(question: Question) -> None:
    printed = text(EVERY.sources, of(question))
    assert HIDDEN.search(printed) is None
    assert all(line == line.rstrip() for line in printed.splitlines())


SHOWN = {
    "listed twice, the first declared stands": Question(runtime="ties", model="same/id"),
    "listed twice, a name decides": Question(
        runtime="ties", model="both", auth_env=("TIE_TWO_KEY",)
    ),
    "matched twice, nothing decides": Question(runtime="ties", model="tie-tx"),
    "matched twice, a name leaves one": Question(
        runtime="ties", model="tie-tx", auth_env=("TIE_ONE_KEY", "OTHER")
    ),
    "withdrawn": Question(runtime="ties", model="gone-told"),
    "withdrawn and pinned": Question(runtime="ties", model="gone-told", is_pinned=True),
    "the platform": Question(runtime="ties", model="platform/x", override="DISABLED"),
    "variables in the endpoint": Question(runtime="cases", model="Mix-3"),
    "a subscription": Question(runtime="open", model="sub-open", auth_env=("SUB_TOKEN",)),
    "white space": Question(runtime="ties", model="\u00a0 bothh\t", default="byok"),
    "no id": Question(runtime="ties", model="\u3000"),
    "no such runtime": Question(runtime="tie", model="both", override="disabled"),
}


@pytest.mark.parametrize("question", SHOWN.values(), ids=list(SHOWN))
def test_explanation_reads_as_shown(question: Question, snapshot: SnapshotAssertion) -> None:
    assert text(EVERY.sources, of(question)) == snapshot


def _cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codegen", "explain", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_listed_id_of_the_real_manifest_is_explained() -> None:
    assert REAL.registry is not None
    for runtime in REAL.registry.runtimes:
        for model in runtime.menu:
            found = explain(REAL.registry, Question(runtime=runtime.name, model=model))
            assert found.trace.listed
            assert found.provider is not None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["codex", "gpt-5.5"], 0, "provider     openai-subscription"),
        (["codex", "nowhere"], 1, "unregistered_model"),
        (["codexx", "gpt-5.5"], 1, "nearest      codex"),
        (["codex", "--", "-x"], 1, "unregistered_model"),
        (["codex"], 3, "Missing argument 'MODEL'"),
        (["codex", "gpt-5.5", "--default-mode", "free"], 3, "'free' is not one of"),
        (["codex", "gpt-5.5", "--manifest", "missing.yaml"], 2, "no such file"),
    ],
)
def test_exit_code_says_how_it_went(arguments: list[str], code: int, said: str) -> None:
    done = _cli(*arguments)
    assert done.returncode == code
    assert said in done.stdout + done.stderr


def test_value_in_the_place_of_a_name_is_refused_and_never_repeated() -> None:
    done = _cli("codex", "gpt-5.5", "--auth-env", "OPENAI_API_KEY=sk-secret")
    assert done.returncode == 3
    assert "give the name of a variable, never its value" in done.stderr
    assert "sk-secret" not in done.stdout + done.stderr


def test_warnings_of_the_manifest_are_not_the_answer(tmp_path: Path) -> None:
    done = _cli("ties", "both", "--manifest", str(EVERYTHING))
    assert (done.returncode, done.stderr) == (0, "")


def test_json_of_a_broken_manifest_has_findings_and_no_answer(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("schema_version: 1\nproviders: [\n", encoding="utf-8")
    done = _cli("ties", "both", "--manifest", str(broken), "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == 2
    assert document["diagnostics"]
    assert "answer" not in document
