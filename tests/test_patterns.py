"""Prefix rules say what RE2 says: against Python's re, and against Go's own regexp."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.patterns import PatternError, compile_pattern
from codegen.probes import holds
from codegen.re2 import matches
from tests import toolchains
from tests.languages import needed, run
from tests.strategies import IDS, drawn, patterns


def _rules(pattern: str) -> list[tuple[str, bool, bool]]:
    return [(r.literal, r.is_exact, r.ignore_case) for r in compile_pattern(pattern)]


@pytest.mark.parametrize(
    ("pattern", "rules"),
    [
        (r"^claude", [("claude", False, False)]),
        (r"\Aclaude\z", [("claude", True, False)]),
        (r"^(a|b)$", [("a", True, False), ("b", True, False)]),
        (r"(?i)^MiniMax-M", [("minimax-m", False, True)]),
        (r"^a[:/-]", [("a:", False, False), ("a/", False, False), ("a-", False, False)]),
        (r"^a(b|c)?d", [("ad", False, False), ("abd", False, False), ("acd", False, False)]),
        (r"^a{2,3}$", [("aa", True, False), ("aaa", True, False)]),
        (r"^a{,2}", [("a{,2}", False, False)]),
        (r"^a.*", [("a", False, False)]),
        (r"^[0-2]\.", [("0.", False, False), ("1.", False, False), ("2.", False, False)]),
        (r"^(?i:k)X", [("kX", False, False), ("KX", False, False), ("\u212aX", False, False)]),
        (r"^(?P<name>a)(?:b)", [("ab", False, False)]),
        (r"^\x41\x{42}\103", [("ABC", False, False)]),
        (r"(?i)^a-1", [("a-1", False, True)]),
        (r"(?i)^1-", [("1-", False, False)]),
        (r"^", [("", False, False)]),
        (r"^[]a]", [("]", False, False), ("a", False, False)]),
        (r"^[[:digit:]]$", [(digit, True, False) for digit in "0123456789"]),
    ],
)
def test_pattern_expands_to_rules(pattern: str, rules: list[tuple[str, bool, bool]]) -> None:
    assert _rules(pattern) == rules


@pytest.mark.parametrize(
    ("pattern", "rule", "start", "end"),
    [
        ("claude", "unanchored_pattern", 0, 6),
        ("^a|b", "unanchored_pattern", 3, 4),
        ("", "unanchored_pattern", 0, 0),
        ("^a+", "unsupported_pattern", 2, 3),
        ("^a*b", "unsupported_pattern", 2, 3),
        ("^a{2,}", "unsupported_pattern", 2, 6),
        ("^a.b", "unsupported_pattern", 2, 3),
        ("^a.*b", "unsupported_pattern", 4, 5),
        ("^a.*$", "unsupported_pattern", 4, 5),
        ("^a$b", "unsupported_pattern", 3, 4),
        ("a^b", "unsupported_pattern", 1, 2),
        ("^(?=a)", "unsupported_pattern", 1, 4),
        ("^(?<!a)", "unsupported_pattern", 1, 5),
        ("(?m)^a", "unsupported_pattern", 0, 4),
        ("(?s:^a)", "unsupported_pattern", 0, 4),
        ("^a??", "unsupported_pattern", 3, 4),
        (r"^\ba", "unsupported_pattern", 1, 3),
        (r"^\D", "unsupported_pattern", 1, 3),
        (r"^\pL", "unsupported_pattern", 1, 3),
        (r"^(a)\1", "unsupported_pattern", 4, 6),
        ("^[^a]", "unsupported_pattern", 1, 3),
        ("^[[:^digit:]]", "unsupported_pattern", 2, 12),
        ("^(a", "pattern_syntax", 1, 2),
        ("^a)", "pattern_syntax", 2, 3),
        ("^[a", "pattern_syntax", 1, 2),
        ("^[b-a]", "pattern_syntax", 2, 5),
        ("^a{3,2}", "pattern_syntax", 2, 7),
        ("^a{1001}", "pattern_syntax", 2, 8),
        ("^a**", "unsupported_pattern", 2, 3),
        ("*a", "pattern_syntax", 0, 1),
        ("^a{2}{2}", "pattern_syntax", 5, 6),
        (r"^\y", "pattern_syntax", 1, 3),
        ("^a\\", "pattern_syntax", 2, 4),
        (r"^[[:nope:]]", "pattern_syntax", 2, 10),
        ("^[a-z]{3}", "oversized_pattern", 6, 9),
        ("^[\u0100-\u0fff]", "oversized_pattern", 1, 5),
        ("^a{1000}b{1000}c{0,1000}", "oversized_pattern", 16, 24),
        ("(?i)^é", "unfoldable_letter", 5, 6),
        ("(?i)^\u212a", "unfoldable_letter", 5, 6),
        ("^" + "(" * 200, "unsupported_pattern", 101, 102),
    ],
)
def test_refused_pattern_is_named_and_placed(pattern: str, rule: str, start: int, end: int) -> None:
    with pytest.raises(PatternError) as fault:
        compile_pattern(pattern)
    assert (fault.value.rule, fault.value.start, fault.value.end) == (rule, start, end)


@given(patterns(), st.lists(IDS, max_size=20))
@settings(max_examples=500, deadline=None)
def test_rules_say_what_the_reference_says(pattern: str, ids: list[str]) -> None:
    rules = compile_pattern(pattern)
    literals = [rule.literal for rule in rules[:5]]
    for model in (*ids, *literals, *(literal.swapcase() + "x" for literal in literals)):
        assert any(holds(rule, model) for rule in rules) == matches(pattern, model), model


def _fault(text: str) -> PatternError | None:
    try:
        compile_pattern(text)
    except PatternError as fault:
        return fault
    return None


@given(st.text(alphabet="^$()[]{}|?*+.\\-:,ak1iAz<>P=!", max_size=14))
@settings(max_examples=2_000, deadline=None)
def test_any_text_is_either_compiled_or_refused(text: str) -> None:
    fault = _fault(text)
    assert fault is None or 0 <= fault.start <= fault.end <= len(text) + 1


GO_PATTERNS = 500

GO_PROGRAM = """package main

import (
	"encoding/json"
	"os"
	"regexp"
)

type question struct {
	Pattern string
	IDs     []string
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		panic(err)
	}
	answers := make([][]bool, len(questions))
	for i, q := range questions {
		compiled := regexp.MustCompile(q.Pattern)
		for _, id := range q.IDs {
			answers[i] = append(answers[i], compiled.MatchString(id))
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(answers)
}
"""


@pytest.fixture(scope="module")
def go_regexp(tmp_path_factory: pytest.TempPathFactory) -> str:
    go = needed(toolchains.go(), "go")
    work = tmp_path_factory.mktemp("regexp")
    (work / "main.go").write_text(GO_PROGRAM, encoding="utf-8")
    (work / "go.mod").write_text("module regexps\n\ngo 1.21\n", encoding="utf-8")
    run([go, "build", "-o", "regexps", "."], cwd=work, env=toolchains.environment())
    return str(work / "regexps")


def _edges(pattern: str) -> list[str]:
    """Return a pattern's own literals, alone and continued: few random ids begin with them."""
    rules = compile_pattern(pattern)
    return [rule.literal + tail for rule in rules for tail in ("", "z", "\n")]


def test_rules_say_what_go_says(go_regexp: str) -> None:
    """RE2 itself is the judge, over patterns of the accepted subset."""
    ids = st.lists(IDS, min_size=10, max_size=30)
    asked = drawn(st.tuples(patterns(), ids), GO_PATTERNS)
    assert len(asked) >= GO_PATTERNS
    # A pattern's own literals, since few random ids begin with them.
    edges = [
        (p, [r.literal + tail for r in compile_pattern(p) for tail in ("", "z")]) for p, _ in asked
    ]
    questions = [
        {"Pattern": pattern, "IDs": drawn_ids + own}
        for (pattern, drawn_ids), (_, own) in zip(asked, edges, strict=True)
    ]
    answers = json.loads(run([go_regexp], input=json.dumps(questions)))
    for question, answer in zip(questions, answers, strict=True):
        pattern, models = str(question["Pattern"]), list(question["IDs"])
        rules = compile_pattern(pattern)
        assert [any(holds(rule, m) for rule in rules) for m in models] == answer, pattern
        assert [matches(pattern, model) for model in models] == answer, pattern


def test_every_pattern_of_the_manifest_compiles_in_go(go_regexp: str, tmp_path: Path) -> None:
    from tests.builds import MANIFEST, registry_of

    registry = registry_of(MANIFEST.read_text(encoding="utf-8"))
    ids = [model for runtime in registry.runtimes for model in runtime.menu]
    questions = [{"Pattern": p.pattern.text, "IDs": ids} for p in registry.providers]
    answers = json.loads(run([go_regexp], input=json.dumps(questions)))
    want = [[matches(p.pattern.text, model) for model in ids] for p in registry.providers]
    assert answers == want
