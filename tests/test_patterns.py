"""Prefix rules say what RE2 says: against the reference, and against Go's own regexp."""

from __future__ import annotations

import ast
import inspect
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import patterns as compiler
from codegen.ir import Rule
from codegen.patterns import PatternError, compile_pattern, fold
from codegen.probes import holds
from codegen.re2 import Patterns, matches
from tests import toolchains
from tests.builds import MANIFEST, registry_of
from tests.grammar import SEAM, Grammar, accepted, ids_near, mutant, rules_of
from tests.languages import DRIVERS, needed, run
from tests.strategies import IDS, all_patterns, patterns


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
        (r"^ab{2}", [("abb", False, False)]),
        (r"^a{0}b", [("b", False, False)]),
        (r"^a{,2}", [("a{,2}", False, False)]),
        (r"^a{01}", [("a{01}", False, False)]),
        (r"^a{1,02}", [("a{1,02}", False, False)]),
        (r"^a.*", [("a", False, False)]),
        (r"^a.*.*", [("a", False, False)]),
        (r"^[0-2]\.", [("0.", False, False), ("1.", False, False), ("2.", False, False)]),
        (r"^(?i:k)X", [("kX", False, False), ("KX", False, False), ("\u212aX", False, False)]),
        (r"(?i)^[a-cA-C]", [("a", False, True), ("b", False, True), ("c", False, True)]),
        (r"^a((?i)b)1", [("ab1", False, False), ("aB1", False, False)]),
        (r"^(a(?i)|b)", [("a", False, False), ("b", False, True)]),
        (r"^(?P<name>a)(?:b)(?<other>c)", [("abc", False, False)]),
        (r"^(?P<name>a)(?P<name>b)", [("ab", False, False)]),
        (r"^\x41\x{42}\103\x{000000000000044}", [("ABCD", False, False)]),
        (r"^\ \/\_", [(" /_", False, False)]),
        (r"^\18", None),
        (r"^\012\08", [("\n\x008", False, False)]),
        (r"(?i)^a-1", [("a-1", False, True)]),
        (r"(?i)^1-", [("1-", False, False)]),
        (r"^", [("", False, False)]),
        (r"^$$", [("", True, False)]),
        (r"^[]a]", [("]", False, False), ("a", False, False)]),
        (r"^[\s-a]", [(char, False, False) for char in "\t\n\f\r -a"]),
        (
            r"^[.-[:d:]",
            [(char, False, False) for char in "./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[d"],
        ),
        (r"^[[:digit:]]$", [(digit, True, False) for digit in "0123456789"]),
        (r"^[\x{d7ff}-\x{e000}]", [("\ud7ff", False, False), ("\ue000", False, False)]),
    ],
)
def test_pattern_expands_to_rules(pattern: str, rules: list[tuple[str, bool, bool]] | None) -> None:
    if rules is None:
        assert rules_of(pattern) is None
    else:
        assert _rules(pattern) == rules


# what is refused, and where

SYNTAX, UNSUPPORTED, OVERSIZED = "pattern_syntax", "unsupported_pattern", "oversized_pattern"

REFUSED = [
    ("claude", "unanchored_pattern", 0, 6),
    ("^a|b", "unanchored_pattern", 3, 4),
    ("", "unanchored_pattern", 0, 0),
    ("^a+", UNSUPPORTED, 2, 3),
    ("^a*b", UNSUPPORTED, 2, 3),
    ("^a{2,}", UNSUPPORTED, 2, 6),
    ("^a.b", UNSUPPORTED, 2, 3),
    ("^a.*b", UNSUPPORTED, 4, 5),
    ("^a.*bc", UNSUPPORTED, 4, 6),
    ("^a.*$", UNSUPPORTED, 4, 5),
    ("^a$b", UNSUPPORTED, 3, 4),
    ("^a$.*", UNSUPPORTED, 3, 5),
    ("a^b", UNSUPPORTED, 1, 2),
    ("^x(a|^b)", UNSUPPORTED, 2, 8),
    ("^(^)?", UNSUPPORTED, 1, 5),
    ("^(a$){2}", UNSUPPORTED, 1, 8),
    ("^(.*){2}", UNSUPPORTED, 1, 8),
    ("^(?=a)", UNSUPPORTED, 1, 4),
    ("^(?!a)", UNSUPPORTED, 1, 4),
    ("^(?<=a)", UNSUPPORTED, 1, 5),
    ("^(?<!a)", UNSUPPORTED, 1, 5),
    ("(?m)^a", UNSUPPORTED, 0, 4),
    ("(?s:^a)", UNSUPPORTED, 0, 4),
    ("^(?i-s:a)", UNSUPPORTED, 1, 7),
    ("^(?P=a)", UNSUPPORTED, 1, 4),
    ("^(?#a)", UNSUPPORTED, 1, 3),
    ("^(?P<>a)", UNSUPPORTED, 1, 4),
    ("^a(?i){2}", UNSUPPORTED, 6, 9),
    ("^a(?i)?", UNSUPPORTED, 6, 7),
    ("^a??", UNSUPPORTED, 3, 4),
    ("^a{2}?", UNSUPPORTED, 5, 6),
    ("^a.*?", UNSUPPORTED, 4, 5),
    (r"^\ba", UNSUPPORTED, 1, 3),
    (r"^\Ba", UNSUPPORTED, 1, 3),
    (r"^\D", UNSUPPORTED, 1, 3),
    (r"^\S", UNSUPPORTED, 1, 3),
    (r"^\W", UNSUPPORTED, 1, 3),
    (r"^[\D]", UNSUPPORTED, 2, 4),
    (r"^\pL", UNSUPPORTED, 1, 3),
    (r"^\PL", UNSUPPORTED, 1, 3),
    (r"^[\p{Greek}]", UNSUPPORTED, 2, 4),
    (r"^\C", UNSUPPORTED, 1, 3),
    (r"^\Qa\E", UNSUPPORTED, 1, 3),
    (r"^(a)\1", UNSUPPORTED, 4, 6),
    (r"^\9", UNSUPPORTED, 1, 3),
    (r"^\x{d800}", UNSUPPORTED, 1, 9),
    (r"^[a\x{dfff}]", UNSUPPORTED, 3, 11),
    ("^[^a]", UNSUPPORTED, 1, 3),
    ("^[[:^digit:]]", UNSUPPORTED, 2, 12),
    ("^(a", SYNTAX, 1, 2),
    ("^a)", SYNTAX, 2, 3),
    ("^[a", SYNTAX, 1, 2),
    ("^[]", SYNTAX, 1, 2),
    ("^[a-", SYNTAX, 1, 2),
    ("^[b-a]", SYNTAX, 2, 5),
    (r"^[a-\d]", SYNTAX, 4, 6),
    ("^a{3,2}", SYNTAX, 2, 7),
    ("^a{1001}", SYNTAX, 2, 8),
    ("^a{1001,}", SYNTAX, 2, 9),
    ("^a{10000}", SYNTAX, 2, 9),
    ("^a{" + "9" * 5_000 + "}", SYNTAX, 2, 5_004),
    ("^(a{100}){11}", SYNTAX, 9, 13),
    ("^((a{0,2}){50}|b){11}", SYNTAX, 17, 21),
    ("^a**", UNSUPPORTED, 2, 3),
    ("*a", SYNTAX, 0, 1),
    ("^a|{2}", SYNTAX, 3, 4),
    ("^(?:+)", SYNTAX, 4, 5),
    ("^a{2}{2}", SYNTAX, 5, 6),
    ("^a?*", SYNTAX, 3, 4),
    (r"^\y", SYNTAX, 1, 3),
    (r"^\é", SYNTAX, 1, 3),
    (r"^\Z", SYNTAX, 1, 3),
    (r"^[\z]", SYNTAX, 2, 4),
    (r"^\x4", SYNTAX, 1, 3),
    (r"^\x{110000}", SYNTAX, 1, 11),
    (r"^\x{" + "f" * 100 + "}", SYNTAX, 1, 105),
    ("^a\\", SYNTAX, 2, 3),
    ("^[a\\", SYNTAX, 3, 4),
    (r"^[[:nope:]]", SYNTAX, 2, 10),
    (r"^[[:Alpha:]]", SYNTAX, 2, 11),
    (r"^[[:^nope:]]", SYNTAX, 2, 11),
    (r"^[[:a]b:]]", SYNTAX, 2, 9),
    ("^[a-z]{3}", OVERSIZED, 6, 9),
    ("^[a-z][a-z][a-z]", OVERSIZED, 11, 16),
    ("^(" + "|".join(map(str, range(1_025))) + ")", OVERSIZED, 2, 4_016),
    ("^[\u0100-\u0fff]", OVERSIZED, 1, 5),
    ("^(?i:kkkkkkk)Z", OVERSIZED, 0, 14),
    ("^a{1000}b{1000}c{0,1000}", OVERSIZED, 16, 24),
    ("^" + "a" * 16_384, OVERSIZED, 0, 16_385),
    ("^" + "(){1000}" * 20, OVERSIZED, 131, 137),
    ("^" + "a{1000}" * 20, OVERSIZED, 79, 85),
    ("^(" + "|".join(map(str, range(1_000))) + ")" + "a" * 70, OVERSIZED, 3_892, 3_962),
    ("^(|a){1000}", OVERSIZED, 5, 11),
    ("^Q(?i:a)" + "b" * 16_000 + "(a|b|c)", OVERSIZED, 0, 16_015),
    ("(?i)^é", "unfoldable_letter", 5, 6),
    ("(?i)^aé", "unfoldable_letter", 6, 7),
    ("(?i)^\u212a", "unfoldable_letter", 5, 6),
    (r"(?i)^\x{17f}", "unfoldable_letter", 5, 12),
    ("(?i)^[a模]", "unfoldable_letter", 5, 9),
    ("^" + "(" * 200, UNSUPPORTED, 101, 102),
]


@pytest.mark.parametrize(("pattern", "rule", "start", "end"), REFUSED)
def test_refused_pattern_is_named_and_placed(pattern: str, rule: str, start: int, end: int) -> None:
    with pytest.raises(PatternError) as fault:
        compile_pattern(pattern)
    assert (fault.value.rule, fault.value.start, fault.value.end) == (rule, start, end)
    assert fault.value.message
    assert fault.value.hint


def test_patterns_of_a_manifest_share_a_budget() -> None:
    budget = compiler.Budget(work=50)
    compile_pattern("^a{20}", budget)
    with pytest.raises(PatternError) as fault:
        compile_pattern("^a{20}", budget)
    assert fault.value.rule == OVERSIZED
    assert "up to here" in fault.value.message


_REFUSERS = ("_unsupported", "_malformed", "_oversized", "PatternError")


def _refusing_lines() -> set[int]:
    """Return the lines of the compiler that make a refusal, but for the makers themselves."""
    tree = ast.parse(inspect.getsource(compiler))
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    makers = [node for node in definitions if node.name in _REFUSERS]
    inside = {line for node in makers for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    lines = {call.lineno for call in calls if getattr(call.func, "id", None) in _REFUSERS}
    return lines - inside


def _noting_callers(made: set[int], maker: Callable[..., PatternError]) -> Callable[..., object]:
    def make(*args: object, **kwargs: object) -> PatternError:
        made.add(sys._getframe(1).f_lineno)
        return maker(*args, **kwargs)

    return make


def test_every_refusal_of_the_compiler_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    made: set[int] = set()
    for name in _REFUSERS[:3]:
        monkeypatch.setattr(compiler, name, _noting_callers(made, getattr(compiler, name)))
    for pattern, *_ in REFUSED:
        assert rules_of(pattern) is None
    direct = {"unanchored_pattern", "unfoldable_letter"}
    assert direct <= {rule for _, rule, *_ in REFUSED}
    test_patterns_of_a_manifest_share_a_budget()
    assert len(_refusing_lines() - made) == len(direct)


# A construct put between two pieces of an accepted pattern, and the rule that refuses it.
SPLICED = [
    *((construct, UNSUPPORTED) for construct in (".", r"\b", r"\B", r"\pN", r"\P{Greek}", r"\D")),
    *((construct, UNSUPPORTED) for construct in (r"\W", r"\C", r"\Qa\E", r"\9", "[^a]", "(?m)")),
    *((construct, UNSUPPORTED) for construct in ("(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?s:a)")),
    *(
        (construct, UNSUPPORTED)
        for construct in ("a+", "a*", "a{2,}", "a??", "a{2}?", "[[:^alpha:]]")
    ),
    *(
        (construct, UNSUPPORTED)
        for construct in (r"\x{d800}", "(?i)?", "(?i){2}", r"[a\D]", "(?P=n)")
    ),
    *(
        (construct, SYNTAX)
        for construct in (r"\y", r"\Z", r"\x{110000}", r"\é", "[b-a]", "[[:x:]]")
    ),
    *((construct, SYNTAX) for construct in ("a{2,1}", "a{1001}", "a{99999}", "a{2}{2}", "a?*")),
]


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_refused_construct_is_found_where_it_was_put(data: st.DataObject) -> None:
    pattern = Grammar(lambda row: data.draw(st.sampled_from(row)), seams=True).pattern()
    pieces = pattern.split(SEAM)
    # In front of the first seam stands the anchor.
    at = data.draw(st.integers(1, len(pieces) - 1))
    construct, rule = data.draw(st.sampled_from(SPLICED))
    before, after = "".join(pieces[:at]), "".join(pieces[at:])
    if rules_of(before + after) is None:
        return
    with pytest.raises(PatternError) as fault:
        compile_pattern(before + construct + after)
    assert fault.value.rule == rule
    assert len(before) <= fault.value.start < fault.value.end <= len(before + construct)


# against the reference


@given(patterns() | all_patterns(), st.lists(IDS, max_size=20))
@settings(max_examples=500, deadline=None)
def test_rules_say_what_the_reference_says(pattern: str, ids: list[str]) -> None:
    rules = compile_pattern(pattern)
    literals = [rule.literal for rule in rules[:5]]
    for model in (*ids, *literals, *(literal.swapcase() + "x" for literal in literals)):
        assert any(holds(rule, model) for rule in rules) == matches(pattern, model), model


@given(st.text(alphabet="^$()[]{}|?*+.\\-:,ak1iAz<>P=!", max_size=14))
@settings(max_examples=2_000, deadline=None)
def test_any_text_is_either_compiled_or_refused(text: str) -> None:
    rules = rules_of(text)
    if rules is None:
        with pytest.raises(PatternError) as fault:
            compile_pattern(text)
        assert 0 <= fault.value.start <= fault.value.end <= len(text)
    else:
        assert rules


@pytest.mark.parametrize(
    "pattern", ["^(a|a){60}b", "^(a?){60}b", "^(a|aa){1,60}$", "^(|a|aa){30}z"]
)
def test_reference_never_goes_back(pattern: str) -> None:
    """A search that does would not be done with one of these before the sun burns out."""
    assert not matches(pattern, "a" * 200 + "c")


@given(st.lists(patterns() | all_patterns(), max_size=5), st.lists(IDS, max_size=20))
@settings(max_examples=500, deadline=None)
def test_patterns_asked_together_answer_as_each_does(row: list[str], ids: list[str]) -> None:
    together = Patterns(row)
    literals = [rule.literal for pattern in row for rule in compile_pattern(pattern)[:3]]
    for model in (*ids, *literals, *(literal.swapcase() + "x" for literal in literals)):
        wanted = {number for number, pattern in enumerate(row) if matches(pattern, model)}
        assert together.matching(model) == wanted, model


def test_reference_forgets_what_it_visited_when_it_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from codegen import re2

    monkeypatch.setattr(re2, "_MAX_KEPT", 3)
    re2._automaton.cache_clear()
    assert matches("^(a|b){3}(c|d)?$", "abad")
    assert not matches("^(a|b){3}(c|d)?$", "abadd")
    assert len(re2._automaton("^(a|b){3}(c|d)?$").places) <= 3
    re2._automaton.cache_clear()


# against Go

GO_PATTERNS = 5_000
GO_IDS = 200
GO_TEXTS = 20_000


class Answer(NamedTuple):
    """What Go says to a pattern: why it refuses it, or a 1 for each id that it matches, or 0."""

    refusal: str
    found: str


Ask = Callable[[Sequence[tuple[str, Sequence[str]]]], list[Answer]]


@pytest.fixture(scope="module")
def go_binary(tmp_path_factory: pytest.TempPathFactory) -> str:
    go = needed(toolchains.go(), "go")
    work = tmp_path_factory.mktemp("regexp")
    source = DRIVERS / "regexp" / "main.go"
    (work / "go.mod").write_text("module regexps\n\ngo 1.21\n", encoding="utf-8")
    (work / "main.go").write_bytes(source.read_bytes())
    run([go, "build", "-o", "regexps", "."], cwd=work, env=toolchains.environment())
    return str(work / "regexps")


@pytest.fixture(scope="module")
def ask_go(go_binary: str) -> Ask:
    def ask(questions: Sequence[tuple[str, Sequence[str]]]) -> list[Answer]:
        lines = (json.dumps({"Pattern": pattern, "IDs": ids}) for pattern, ids in questions)
        printed = run([go_binary], input="\n".join(lines))
        answers = (json.loads(line) for line in printed.split("\n") if line)
        return [Answer(refusal=found["Refusal"], found=found["Found"]) for found in answers]

    return ask


def _by_rules(rules: Sequence[Rule], ids: Sequence[str]) -> str:
    """Answer as the rules are meant, all rules of a kind at once."""
    as_written = [rule for rule in rules if not rule.ignore_case]
    in_any_case = [rule for rule in rules if rule.ignore_case]

    def holding(of_a_kind: Sequence[Rule]) -> Callable[[str], bool]:
        begins = tuple(rule.literal for rule in of_a_kind if not rule.is_exact)
        whole = {rule.literal for rule in of_a_kind if rule.is_exact}
        return lambda model: model in whole or model.startswith(begins)

    one, other = holding(as_written), holding(in_any_case)
    return "".join("01"[one(model) or other(fold(model))] for model in ids)


def _by_reference(pattern: str, ids: Sequence[str]) -> str:
    return "".join("01"[matches(pattern, model)] for model in ids)


def _disagreements(asked: dict[str, tuple[Rule, ...]], ids: int, ask: Ask) -> Iterator[str]:
    """Yield the patterns about which the rules, the reference and Go do not all agree."""
    chance = random.Random(ids)
    questions = [(pattern, ids_near(rules, chance, ids)) for pattern, rules in asked.items()]
    for pattern, models in questions[::100]:
        models[-1] = asked[pattern][0].literal + "x" * 10_000
    answers = ask(questions)
    for (pattern, models), answer in zip(questions, answers, strict=True):
        said = (_by_rules(asked[pattern], models), _by_reference(pattern, models))
        if answer.refusal or said != (answer.found, answer.found):
            yield f"{pattern!r} {answer.refusal}"


def test_rules_and_reference_say_what_go_says(ask_go: Ask) -> None:
    """RE2 itself is the judge, over patterns of the whole accepted subset."""
    asked = accepted(random.Random("accepted"), GO_PATTERNS)
    assert list(_disagreements(asked, GO_IDS, ask_go)) == []
    constructs = ("(?i)", "(?i:", "(?P<", "{0,3}", r"\x{", r"\101", "[[:", ".*", "$", r"\z", "|)")
    assert [text for text in constructs if not any(text in pattern for pattern in asked)] == []


def _verdict(pattern: str) -> str:
    try:
        compile_pattern(pattern)
    except PatternError as fault:
        return fault.rule
    return ""


# What Go refuses for its size or depth alone, and what it takes although it looks wrong.
_LIMITS = [
    "^(){1000}",
    "^" + "(){1000}" * 2_000,
    "^(?:" + "|".join(["(a)"] * 4_000) + "){1000}",
    "^" + "(" * 1_001 + ")" * 1_001,
    "^((a{10}){10}){10}",
    "^((a{10}){10}){11}",
    "^((a{1000}){0}){1000}",
    "^((a{1,0})){2}",
    "^(a{500}){1,2}",
    "^(a{501}){0,2}",
    "^(a{501}){0,1}",
    "^(?:){1000}",
    "^(?P<n>a)(?P<n>b)",
]


def test_what_go_refuses_is_refused_and_malformed_is_malformed_to_go(ask_go: Ask) -> None:
    chance = random.Random("refused")
    seeds = list(accepted(chance, GO_TEXTS // 20))
    alphabet = "^$()[]{}|?*+.\\-:,ak1iAz<>P=!0 nQ\ud7ffé"
    texts = [mutant(chance.choice(seeds), chance) for _ in range(GO_TEXTS // 2)]
    texts += ["".join(chance.choices(alphabet, k=chance.randrange(14))) for _ in texts]
    # Go knows (?<name>…) since 1.22 only.
    asked = [text for text in (*_LIMITS, *(row[0] for row in REFUSED), *texts) if "(?<" not in text]
    answers = ask_go([(text, ()) for text in asked])
    verdicts = [(text, _verdict(text), answer) for text, answer in zip(asked, answers, strict=True)]
    assert [text for text, rule, answer in verdicts if answer.refusal and not rule] == []
    assert [text for text, rule, answer in verdicts if rule == SYNTAX and not answer.refusal] == []
    taken = {text: compile_pattern(text) for text, rule, _ in verdicts if not rule}
    assert len(taken) > GO_TEXTS // 20
    assert list(_disagreements(taken, 30, ask_go)) == []


def test_letter_that_has_another_case_in_go_is_refused_where_case_is_ignored(
    go_binary: str,
) -> None:
    chars = [chr(int(line)) for line in run([go_binary, "folds"]).split()]
    assert len(chars) > 2_000
    taken = [char for char in chars if not char.isascii() and not _verdict(f"(?i)^{char}")]
    assert taken == []


def test_every_pattern_of_the_manifest_is_what_go_says(ask_go: Ask) -> None:
    registry = registry_of(MANIFEST.read_text(encoding="utf-8"))
    ids = [str(model) for runtime in registry.runtimes for model in runtime.menu]
    patterns_of = [str(provider.pattern.text) for provider in registry.providers]
    answers = ask_go([(pattern, ids) for pattern in patterns_of])
    want = [Answer(refusal="", found=_by_reference(pattern, ids)) for pattern in patterns_of]
    assert answers == want
