"""What a scalar without quotes is taken for: YAML reads more into some than people mean."""

from __future__ import annotations

import pytest

from codegen.pipeline import load_source
from codegen.source import Source
from tests.strategies import Plain, flow, provider


def _loaded_with(**keys: object) -> tuple[str, list[tuple[str, str]]]:
    """Return the provider's tooltip, and what was found wrong with the shape."""
    entry = provider("acme", "^acme-", tooltip=keys.pop("tooltip", ""))
    data = {"schema_version": 1, "providers": [entry], "runtimes": {}} | keys
    loaded = load_source(Source(path="m.yaml", text=flow(data)))
    tooltip = loaded.registry.providers[0].tooltip if loaded.registry is not None else None
    shape = [found for found in loaded.diagnostics if found.code.startswith("S")]
    return tooltip or "", [(found.code, found.message) for found in shape]


@pytest.mark.parametrize("word", ["2026-01-31", "2026-01-31 10:00:00", "=", "<<", "a word", "1e3"])
def test_word_that_only_a_text_can_be_meant_by_is_a_text(word: str) -> None:
    assert _loaded_with(tooltip=Plain(word)) == (word, [])


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("yes", "a boolean"),
        ("Off", "a boolean"),
        ("5", "a number"),
        ("4.6", "a number"),
        ("0x1F", "a number"),
        ("12:30:45", "a number"),
        (".inf", "a number"),
        ("~", "null"),
        ("null", "null"),
    ],
)
def test_word_that_yaml_reads_as_something_else_is_refused(word: str, kind: str) -> None:
    _, found = _loaded_with(tooltip=Plain(word))
    if kind == "null":
        assert found == [("S003", "a string is needed, not null")]
    else:
        assert found == [("S007", f"the text {word!r} is read as {kind} by YAML")]


@pytest.mark.parametrize("version", ["1.0", "0x1", "01", "+1", "2"])
def test_schema_version_has_one_spelling(version: str) -> None:
    _, found = _loaded_with(schema_version=Plain(version))
    assert found == [("S006", f"this compiler reads schema version 1, not {version}")]
