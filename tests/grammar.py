"""Patterns of the accepted subset of RE2, made up piece by piece, and ids near what they match."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from codegen.ir import Rule
from codegen.patterns import PatternError, compile_pattern

KELVIN, LONG_S = "\u212a", "\u017f"

# Stands between any two pieces where nothing is half done; a test may put something there.
SEAM = "\ue000"

# A few letters, so that patterns meet; both cases, and the two letters with a third form.
_LETTERS = (*"aAkKsSzZ09-_/:\" '#&~@,=<>!", "ks", "gpt", "K2")
_BEYOND = ("é", "É", "模型", "ß", KELVIN, LONG_S, "\u0130", "\U0001f600", "\ufb03", "\u00a0")
_BRACES = ("{", "}", "]", "{,2}", "{01}", "{1,01}", "{00}", "{a}", "{1", "{2,x}")
_ESCAPES = (
    *(r"\x41", r"\x6b", r"\x{53}", r"\x{000000000000004b}", r"\101", r"\163", r"\012", r"\0"),
    *(r"\07", r"\a", r"\f", r"\n", r"\r", r"\t", r"\v"),
    *("\\" + char for char in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\x7f"),
)
_ESCAPES_BEYOND = (r"\x{212a}", r"\x{17f}", r"\xe9", r"\x{1F600}", r"\351", r"\x{10ffff}")
_CLASSES = (
    *("[a]", "[aK]", "[sS-]", "[-a]", "[k-s]", "[A-Ca-c]", "[]a]", "[]-a]", "[[a]", "[&&]"),
    *("[[:a]", "[a||b]", "[~~]", "[+--]", "[--[:b:]", "[&-[:d-f:]", "[ -&]", "[a^]", "[.$|(]"),
    *(r"[\x41-\x43]", r"[\101-C]", r"[\x{61}-c]", r"[\0-\07]", r"[\n\t]", r"[\--/]", r"[a\-c]"),
    *(r"\d", r"\s", r"[\d_]", r"[\s-a]", r"[\d-a]", r"[a-c-e]", r"[\s\d]", r"[a\]b]", r"[\^a]"),
    *("[[:digit:]]", "[[:blank:]-z]", "[[:space:]]", "[[:digit:]K-]", "[[:blank:][:digit:]]"),
)
_LARGE_CLASSES = (
    *(r"\w", "[[:alpha:]]", "[[:alnum:]]", "[[:lower:]]", "[[:upper:]]", "[[:word:]]", "[A-z]"),
    *("[[:ascii:]]", "[[:graph:]]", "[[:print:]]", "[[:punct:]]", "[[:cntrl:]]", "[[:xdigit:]]"),
    *(r"[\w-z]", r"[\w-]", "[[:word:]-z]", "[[:cntrl:]-a]", "[[:punct:]-a]"),
)
_CLASSES_BEYOND = ("[é-ë]", r"[K\x{212a}]", "[模a]", r"[\x{17e}-\x{180}]", r"[\x{d7ff}-\x{e001}]")
_COUNTS = ("?", "?", "{0}", "{1}", "{2}", "{3}", "{0,1}", "{1,2}", "{0,3}", "{2,2}", "{0,0}")
_OPENINGS = ("(", "(?:", "(?i:", "(?P<{}>")
_ANCHORS = ("^", "^", "^", r"\A", "^^", r"^\A", "(^)", "(?:^|^)")
_ENDS = ("", "", "", "$", r"\z", ".*", "$$", ".*.*", "($)", "(|$)", "(?:.*|$)", "(?i)")


class Grammar:
    """Makes up patterns; `choose` takes one of a row, and so is all the chance there is.

    With `seams`, a SEAM stands between the pieces.
    """

    def __init__(self, choose: Callable[[Sequence[str]], str], seams: bool = False) -> None:
        self.choose = choose
        self.seam = SEAM if seams else ""
        self.folds = False
        self.groups = 0
        self.is_large = False

    def _is(self, one_in: int) -> bool:
        return self.choose("y" + "n" * (one_in - 1)) == "y"

    def _count(self, most: int) -> int:
        return int(self.choose("0123456789"[: most + 1]))

    def pattern(self) -> str:
        """Return a pattern; most are accepted, and some stand for too much."""
        self.folds = False
        self.groups = 0
        self.is_large = False
        if self._is(3):
            return "|".join(self._anchored() for _ in range(1 + self._count(2)))
        body = self._flag() + self.choose(_ANCHORS) + self._flag()
        return body + self._group(2, is_last=True) if self._is(2) else body + self._row(2, True)

    def _flag(self) -> str:
        if not self._is(4):
            return ""
        self.folds = True
        return "(?i)"

    def _anchored(self) -> str:
        return self._flag() + self.choose(_ANCHORS) + self._row(2, is_last=True)

    def _row(self, depth: int, is_last: bool) -> str:
        pieces = [self._piece(depth) for _ in range(self._count(4))]
        end = self.choose(_ENDS) if is_last else ""
        self.folds = self.folds or end == "(?i)"
        return self.seam + self.seam.join([*pieces, end])

    def _piece(self, depth: int) -> str:
        if self._is(8):
            self.folds = True
            return "(?i)"
        is_group = depth > 0 and self._is(4)
        piece = self._group(depth - 1, is_last=False) if is_group else self._atom()
        return piece + self.choose(_COUNTS) if self._is(4) else piece

    def _group(self, depth: int, is_last: bool) -> str:
        outer = self.folds
        opening = self.choose(_OPENINGS)
        self.groups += 1
        self.folds = outer or opening == "(?i:"
        branches = [self._row(depth, is_last) for _ in range(1 + self._count(2))]
        self.folds = outer
        return opening.format(f"g{self.groups}") + "|".join(branches) + ")"

    def _atom(self) -> str:
        kinds: list[Sequence[str]] = [_LETTERS, _LETTERS, _LETTERS, _ESCAPES, _CLASSES, _BRACES]
        if not self.folds:
            kinds += [_BEYOND, _ESCAPES_BEYOND, _CLASSES_BEYOND]
        if not self.is_large and self._is(40):
            self.is_large = True
            return self.choose(_LARGE_CLASSES)
        return self.choose(kinds[int(self.choose("012345678"[: len(kinds)]))])


def rules_of(pattern: str) -> tuple[Rule, ...] | None:
    """Return the rules of a pattern, or None where it is refused."""
    try:
        return compile_pattern(pattern)
    except PatternError:
        return None


def accepted(chance: random.Random, count: int) -> dict[str, tuple[Rule, ...]]:
    """Return that many accepted patterns, all different, with their rules."""
    grammar = Grammar(chance.choice)
    found: dict[str, tuple[Rule, ...]] = {}
    while len(found) < count:
        pattern = grammar.pattern()
        rules = rules_of(pattern)
        if rules is not None:
            found[pattern] = rules
    return found


_ALPHABET = "aAkKsSzZ09-_/:{}]é模\n\t\x00 " + KELVIN + LONG_S
_THIRD_FORMS = str.maketrans({"k": KELVIN, "K": KELVIN, "s": LONG_S, "S": LONG_S})
_BACK = str.maketrans({KELVIN: "k", LONG_S: "S"})
_EDGES = ("", "\n", "a", "k", KELVIN, LONG_S, "\u0130", "x" * 10)


def _near(literal: str, chance: random.Random) -> list[str]:
    """Return ids that are a literal, or differ from it in one way."""
    at = chance.randrange(len(literal) + 1)
    char = chance.choice(_ALPHABET)
    return [
        *(literal + tail for tail in ("", "z", "\n", char, "\x00")),
        *(literal[:-1], literal[1:], char + literal),
        *(literal[:at] + char + literal[at:], literal[:at] + char + literal[at + 1 :]),
        *(literal[:at] + literal[at:].swapcase(), literal[:at] + literal[at + 1 :]),
        *(literal.upper(), literal.lower(), literal.swapcase()),
        *(literal.translate(_THIRD_FORMS), literal.translate(_BACK)),
        *(literal[:at] + literal[at:].translate(_THIRD_FORMS), literal.translate(_BACK) + "z"),
    ]


def ids_near(rules: Sequence[Rule], chance: random.Random, count: int) -> list[str]:
    """Return that many ids at the edges of what rules match, and some that are anywhere."""
    literals = [rule.literal for rule in rules]
    picked = literals if len(literals) <= 12 else chance.sample(literals, 12)
    near = dict.fromkeys(model for text in picked for model in _near(text, chance))
    room = count - len(_EDGES)
    kept = list(near) if len(near) <= room else chance.sample(list(near), room)
    ids = dict.fromkeys((*_EDGES, *kept))
    while len(ids) < count:
        stem = chance.choice(literals)[: chance.randrange(8)]
        ids.setdefault(stem + "".join(chance.choices(_ALPHABET, k=chance.randrange(5))))
    return list(ids)


_MUTANTS = (
    *"^$()[]{}|?*+.\\-:,akK1iPAz<>=!Q0é",
    *("(?i)", "(?:", "(?", "(?P<g1>", "[^", "[:", ":]", r"\x", r"\x{", r"\p", r"\8", r"\18"),
    *("{2}", "{1000}", "{01}", "{2,1}", "{1001}", "{,3}", "{500}", "(){2}", "??", r"\ ", r"\é"),
)


def mutant(pattern: str, chance: random.Random) -> str:
    """Return a pattern with a few places cut out, doubled or filled with syntax."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randint(0, len(pattern))
        end = min(len(pattern), start + chance.randint(0, 3))
        fill = chance.choice(("", pattern[start:end] * 2, chance.choice(_MUTANTS)))
        pattern = pattern[:start] + fill + pattern[end:]
    return pattern
