"""What bounds the work bounds nothing else: places, hints, findings and comments stay the same."""

from __future__ import annotations

import gc
import re
from bisect import bisect_right
from collections.abc import Sequence
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import nearest, pipeline, source, suppressions, syntax
from codegen.diagnostics import Diagnostic, Severity, settle
from codegen.pipeline import Loaded
from codegen.rules import BY_NAME, found
from codegen.source import Source, Span
from codegen.suppressions import Suppression
from tests.fuzz.hostile import manifest, provider


def _load(text: str) -> Loaded:
    return pipeline.load_source(Source(path="m.yaml", text=text))


def _names(loaded: Loaded) -> list[str]:
    names = {rule.code: rule.name for rule in BY_NAME.values()}
    return [names[fault.code] for fault in loaded.diagnostics]


# places


@given(st.text(alphabet="\r\n\x85ab", max_size=40), st.integers(0, 9))
@settings(max_examples=500, deadline=None)
def test_place_is_counted_as_from_the_start_of_every_line(text: str, base: int) -> None:
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    with patch.object(source, "_STEP", 5):
        counted = Source(path="m.yaml", text=text, base=base)
        for offset in range(len(text) + 2):
            line = bisect_right(starts, min(offset, len(text)))
            place = counted.position(base + offset)
            column = min(offset, len(text)) - starts[line - 1] + 1
            assert (place.line, place.column) == (line, column)
            end = starts[line] if line < len(starts) else len(text)
            assert counted.line_text(line) == text[starts[line - 1] : end].rstrip("\r\n")


# hints

WORDS = st.text(alphabet="abAB-", max_size=7)


@given(WORDS, st.lists(WORDS, max_size=8))
@settings(max_examples=500, deadline=None)
def test_hint_names_the_nearest(word: str, candidates: list[str]) -> None:
    first = nearest.nearest(word, candidates, most=1)
    want = f'did you mean "{first[0]}"?' if first else None
    assert nearest.did_you_mean(word, candidates) == want


def test_hints_end_when_too_much_was_compared_and_begin_again_with_the_next_run() -> None:
    def hints() -> list[str | None]:
        with nearest.few_hints(letters=100):
            return [nearest.did_you_mean("minmax", ["minimax", "zai"]) for _ in range(10)]

    assert hints() == hints()
    assert hints()[0] == 'did you mean "minimax"?'
    assert hints()[-1] is None
    assert nearest.did_you_mean("minmax", ["minimax"]) == 'did you mean "minimax"?'


def test_a_run_has_few_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    misspelt = manifest(provider("acme").replace("protocol:", "protocl:"))
    assert 'did you mean "protocol"?' in {fault.hint for fault in _load(misspelt).diagnostics}
    none_left = nearest.few_hints(letters=0)
    monkeypatch.setattr(pipeline, "few_hints", lambda: none_left)
    assert 'did you mean "protocol"?' not in {fault.hint for fault in _load(misspelt).diagnostics}


# findings

UNUSED = [provider(f"acme{i}", f"^acme{i}-", f"KEY_{i}") for i in range(6)]


@pytest.mark.parametrize(("bound", "compiles"), [(6, True), (5, False), (0, False)])
def test_manifest_with_more_findings_than_are_kept_never_compiles(
    bound: int, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MAX_FINDINGS", bound)
    loaded = _load(manifest("".join(UNUSED)))
    assert (loaded.registry is not None) == compiles
    assert ("unreadable_file" in _names(loaded)) != compiles
    severities = {fault.severity for fault in loaded.diagnostics}
    assert (Severity.ERROR in severities) != compiles


def _fault(start: int, hint: str = "h") -> Diagnostic:
    return found("yaml_syntax", Span(start=start, end=9), "m", hint=hint)


def test_findings_are_settled_without_doubles_in_order() -> None:
    mixed = [_fault(3), _fault(1, "z"), _fault(1, "a"), _fault(3), _fault(1, "z")]
    assert settle(mixed) == (_fault(1, "a"), _fault(1, "z"), _fault(3))


@pytest.mark.parametrize("was_on", [True, False])
def test_collector_of_garbage_is_as_it_was(was_on: bool) -> None:
    try:
        gc.enable() if was_on else gc.disable()
        _load(manifest())
        assert gc.isenabled() == was_on
    finally:
        gc.enable()


# nodes


@pytest.mark.parametrize(("bound", "rule"), [(4, None), (3, "unreadable_file")])
def test_values_are_counted(bound: int, rule: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "MAX_NODES", bound)
    root, faults = syntax.compose(Source(path="m.yaml", text="a: [b]"))
    assert (root is None) == (rule is not None)
    assert [fault.code for fault in faults] == ([BY_NAME[rule].code] if rule else [])


# What stands at the anchor, how often it is repeated, and whether that is too much.
ALIASES = [
    ("[1, 2]", 3_333, True),
    ("[1, 2]", 3_334, False),
    ("b", 10_000, True),
    ("b", 10_001, False),
    ("b" * 1_000, 1_000, True),
    ("b" * 1_000, 1_001, False),
    ("[" + "b" * 100 + ", {c: d}]", 2_000, True),
    ("[" + "b" * 600 + ", {c: d}]", 2_000, False),
]


@pytest.mark.parametrize(("anchored", "times", "is_fine"), ALIASES)
def test_aliases_unfold_within_bounds(anchored: str, times: int, is_fine: bool) -> None:
    loaded = _load(manifest(more=f"x-a: &a {anchored}\nx-b: [{'*a, ' * times}]\n"))
    assert ("endless_alias" not in _names(loaded)) == is_fine
    assert (loaded.registry is not None) == is_fine


def test_alias_of_an_alias_weighs_what_it_unfolds_to() -> None:
    text = "x-a: &a [1, 1, 1]\nx-b: &b [*a, *a, *a]\nx-c: [{}]\n"
    assert _load(manifest(more=text.format("*b, " * 760))).registry is not None
    assert "endless_alias" in _names(_load(manifest(more=text.format("*b, " * 780))))


# comments


def _covering(diagnostic: Diagnostic, comments: Sequence[Suppression]) -> list[Suppression]:
    start = diagnostic.span.start
    return [
        comment
        for comment in comments
        if comment.code == diagnostic.code and comment.reach.start <= start < comment.reach.end
    ]


SPANS = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(
    lambda pair: Span(start=min(pair), end=max(pair))
)


@given(st.lists(st.tuples(st.sampled_from(["Y002", "R005"]), SPANS), max_size=8), st.lists(SPANS))
@settings(max_examples=300, deadline=None)
def test_comment_ignores_what_begins_within_its_reach(
    reaches: list[tuple[str, Span]], places: list[Span]
) -> None:
    comments = [
        Suppression(code=code, span=Span(start=100 + i, end=101 + i), reach=reach, reason=str(i))
        for i, (code, reach) in enumerate(reaches)
    ]
    faults = settle(found("yaml_syntax", span, "m", hint="h") for span in places)
    left, ignored = suppressions.apply(faults, comments)
    want = {fault: _covering(fault, comments) for fault in faults}
    assert [fault for fault in left if fault in want] == [f for f in faults if not want[f]]
    assert [(one.diagnostic, one.reason) for one in ignored] == [
        (fault, want[fault][-1].reason) for fault in faults if want[fault]
    ]
    used = {comment.span for covering in want.values() for comment in covering}
    unused = {fault.span for fault in left if fault.code == BY_NAME["unused_suppression"].code}
    assert unused == {comment.span for comment in comments} - used
