"""Deltas of a chat stream, put in order."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.conversion import GarbledAnswerError
from gateway.formats.conversion.sections import JsonEnd, Sections

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[]\n'),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text('a"\\{}'), inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(st.text('a"\\{}'), json_values, max_size=3)


@st.composite
def cut_text(draw: st.DrawFn, text: str) -> list[str]:
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    marks = [0, *at, len(text)]
    return [text[a:b] for a, b in itertools.pairwise(marks)]


@given(st.data(), json_objects)
def test_an_object_is_whole_with_its_last_letter_and_not_before(
    data: st.DataObject, value: dict[str, object]
) -> None:
    text = json.dumps(value)
    end = JsonEnd()
    for fragment in data.draw(cut_text(text[:-1])):
        end.feed(fragment)
        assert not end.is_whole
    end.feed(text[-1])
    assert end.is_whole


@given(st.data(), st.lists(json_objects, min_size=1, max_size=4))
def test_mixed_calls_come_out_one_after_another(
    data: st.DataObject, values: list[dict[str, object]]
) -> None:
    waiting = {at: data.draw(cut_text(json.dumps(value))) for at, value in enumerate(values)}
    sections, passed = Sections(), []
    while waiting:
        key = data.draw(st.sampled_from(sorted(waiting)))
        fragment = waiting[key].pop(0)
        passed += sections.add(key, {"key": key, "fragment": fragment}, fragment)
        if not waiting[key]:
            del waiting[key]
    passed += sections.flush()
    runs = [
        (key, "".join(str(one["fragment"]) for one in run))
        for key, run in itertools.groupby(passed, lambda one: one["key"])
    ]
    assert {key: json.loads(text) for key, text in runs} == dict(enumerate(values))
    assert len(runs) == len(values)


def test_text_waits_until_a_call_is_whole() -> None:
    sections = Sections()
    assert sections.add("content", {"at": 1}) == [{"at": 1}]
    assert sections.add(0, {"at": 2}, '{"a"') == [{"at": 2}]
    assert sections.add("content", {"at": 3}) == []
    assert sections.add(0, {"at": 4}, ":1}") == [{"at": 4}, {"at": 3}]
    assert sections.add(1, {"at": 5}, "") == [{"at": 5}]
    assert sections.add("content", {"at": 6}) == []
    assert sections.flush() == [{"at": 6}]


def test_a_whole_call_takes_blanks_and_nothing_else() -> None:
    sections = Sections()
    sections.add(0, {}, "{}")
    assert sections.add(0, {}, " \n") == []
    sections.add("content", {})
    assert sections.add(0, {}, "") == []
    with pytest.raises(GarbledAnswerError):
        sections.add(0, {}, "{}")


def test_what_is_held_back_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.formats.conversion.sections.MAX_HELD_DELTAS", 3)
    sections = Sections()
    for _ in range(10):
        sections.add("content", {})
    sections.add(0, {}, "{")
    for _ in range(3):
        assert sections.add("content", {}) == []
    with pytest.raises(GarbledAnswerError):
        sections.add("content", {})
