"""Any input is compiled or refused with a code: no traceback, whatever the bytes are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import pipeline, report
from codegen.pipeline import Loaded
from codegen.rules import RULES
from codegen.source import Source
from tests.builds import EVERYTHING, MANIFEST
from tests.strategies import HIDDEN, HOSTILE_PIECES, provider

TEXTS = [path.read_text(encoding="utf-8") for path in (MANIFEST, EVERYTHING)]
CODES = {rule.code for rule in RULES}

JUNK = st.one_of(
    st.sampled_from([*HOSTILE_PIECES, "&a", "*a", "!!int", "<<", "|", ">-", "? ", "- ", "[", "}"]),
    st.text(max_size=8),
)


def _judge(loaded: Loaded) -> None:
    assert loaded.registry is not None or loaded.diagnostics
    assert {found.code for found in loaded.diagnostics} <= CODES
    printed = report.text(loaded.sources, loaded.diagnostics)
    assert bool(printed) == bool(loaded.diagnostics)
    assert HIDDEN.search(printed) is None


@st.composite
def edited_manifests(draw: st.DrawFn) -> str:
    """Draw a real manifest with a few places cut, doubled or replaced by junk."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text = text[:start] + draw(st.one_of(JUNK, st.just(text[start:end] * 2))) + text[end:]
    return text


@given(edited_manifests())
@settings(max_examples=300, deadline=None)
def test_edited_manifest_is_compiled_or_refused(text: str) -> None:
    _judge(pipeline.load_source(Source(path="m.yaml", text=text)))


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_compiled_or_refused(text: str) -> None:
    _judge(pipeline.load_source(Source(path="m.yaml", text=text)))


@given(data=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_compiled_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(data)
    _judge(pipeline.load(path))


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_any_value_under_any_key_is_compiled_or_refused(data: st.DataObject) -> None:
    entry = provider("acme", "^acme-")
    arm: dict[str, Any] = {"name": "acme", "models": ["acme-1"]}
    runtime: dict[str, Any] = {"providers": [arm]}
    document: dict[str, Any] = {
        "schema_version": 1,
        "providers": [entry],
        "runtimes": {"agent": runtime},
        "credential_headers": {"A": "bearer"},
    }
    optional = ["deprecated", "endpoint_vars", "withdrawn_models", "default_model", "x-any"]
    record = data.draw(st.sampled_from([entry, arm, runtime, document]))
    key = data.draw(st.one_of(st.sampled_from([*record, *optional]), st.text(max_size=5)))
    record[key] = data.draw(VALUES)
    _judge(pipeline.load_source(Source(path="m.yaml", text=json.dumps(document))))


def test_large_inputs_are_compiled_or_refused() -> None:
    for text in (
        "x" * 1_000_000,
        '"' + "a" * 1_000_000 + '"',
        "a: " * 10_000,
        "- " * 10_000,
        "{" * 10_000,
        TEXTS[0].replace("^claude", "^" + "(a|b)" * 2_000),
        TEXTS[0].replace("^claude", "^" + "()" * 5_000),
        TEXTS[0].replace("^claude", "^" + "a{1000}" * 60),
        TEXTS[0].replace("Anthropic API", "y" * 1_000_000),
    ):
        _judge(pipeline.load_source(Source(path="m.yaml", text=text)))
