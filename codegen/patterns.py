"""An RE2 pattern -> prefix rules, or a fault at its column (semantics: `model_prefix_match`)."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from itertools import chain, product
from typing import ClassVar

from codegen.frozen import frozen
from codegen.ir import Rule

MAX_LITERALS = 1_024
MAX_CHARACTERS = 65_536
MAX_LENGTH = 16_384
MAX_DEPTH = 100
# Go's own bound, on a count and on what counts inside counts multiply to.
MAX_REPEAT = 1_000
# A unit of work is one step of the parser, one word built, so many characters copied, or so
# many characters of a literal, which every stage after this one goes through again.
MAX_WORK = 100_000
MAX_WORK_IN_ALL = 300_000
_COPIED_PER_UNIT = 64
_KEPT_PER_UNIT = 4

# RE2's simple folding of the ASCII letters: two letters have a third form each.
_THIRD_FORMS = {"k": "\u212a", "s": "\u017f"}
_FOLD = str.maketrans(
    string.ascii_uppercase + "".join(_THIRD_FORMS.values()),
    string.ascii_lowercase + "".join(_THIRD_FORMS),
)


def fold(text: str) -> str:
    """Fold a text as an ignore-case rule does; the number of code points stays.

    >>> fold("MiniMax-\\u212a")
    'minimax-k'
    """
    return text.translate(_FOLD)


def forms(letter: str) -> tuple[str, ...]:
    """Return every character that folds to a lower-case ASCII letter.

    >>> forms("m")
    ('m', 'M')
    """
    third = _THIRD_FORMS.get(letter)
    return (letter, letter.upper()) + ((third,) if third else ())


class PatternError(Exception):
    """Why a pattern was refused: the rule's name, `[start, end)` in the pattern, and words."""

    def __init__(self, *, rule: str, start: int, end: int, message: str, hint: str) -> None:
        """Keep the parts apart so that a diagnostic can place them."""
        super().__init__(message)
        self.rule = rule
        self.start = start
        self.end = end
        self.message = message
        self.hint = hint


class Budget:
    """How much work the patterns of one manifest may still take, all of them together.

    A bound for each pattern is not enough: a manifest may have thousands of them.
    """

    def __init__(self, work: int = MAX_WORK_IN_ALL) -> None:
        """Begin with that many units of work."""
        self.left = work


# How a character of a word is compared: as it is written, or, folded already, in any case.
_AS_WRITTEN, _ANY_CASE = ".", "i"


@frozen
class _Word:
    """One path through the pattern: an anchor, characters, then maybe `$` or `.*`.

    `marks` says of each character of `text` how it is compared.
    """

    at: int = field(compare=False)
    text: str = ""
    marks: str = ""
    is_anchored: bool = False
    is_ended: bool = False
    is_open: bool = False

    @property
    def is_plain(self) -> bool:
        return not (self.is_anchored or self.is_ended or self.is_open)


_Words = tuple[_Word, ...]


def _unsupported(start: int, end: int, construct: str, hint: str) -> PatternError:
    message = f"{construct} cannot become a finite set of prefixes"
    return PatternError(
        rule="unsupported_pattern", start=start, end=end, message=message, hint=hint
    )


def _malformed(start: int, end: int, message: str) -> PatternError:
    hint = "write it in RE2 syntax"
    return PatternError(rule="pattern_syntax", start=start, end=end, message=message, hint=hint)


def _oversized(start: int, end: int, message: str) -> PatternError:
    hint = "name fewer alternatives, or a shorter common prefix"
    return PatternError(rule="oversized_pattern", start=start, end=end, message=message, hint=hint)


def _joined(left: _Word, right: _Word, start: int, end: int) -> _Word:
    """Concatenate two paths, or refuse one that RE2 could take but no prefix describes."""
    if right.is_anchored and (left.text or left.is_ended or left.is_open):
        raise _unsupported(start, end, "an anchor that is not at the start", "begin with it")
    if left.is_ended and (right.text or right.is_open):
        raise _unsupported(start, end, "something after the end of the text", "end with $")
    if left.is_open and (right.text or right.is_ended):
        raise _unsupported(start, end, "something after .*", "drop .* and what follows it")
    return _Word(
        at=left.at,
        text=left.text + right.text,
        marks=left.marks + right.marks,
        is_anchored=left.is_anchored or right.is_anchored,
        is_ended=left.is_ended or right.is_ended,
        is_open=left.is_open or right.is_open,
    )


# A count has no leading zero in Go: `a{01}` is five characters.
_NUMBER = "0|[1-9][0-9]*"
_REPEAT = re.compile(rf"\{{({_NUMBER})(,({_NUMBER})?)?\}}")
_PLAIN = re.compile(r"[^\^$.()\[\]{}\\|?*+]+")
_FLAG = "(?i)"
_GROUP_NAME = re.compile(r"\?P?<[A-Za-z0-9_]+>")
_HEX = re.compile(r"x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_PERL = {
    "d": string.digits,
    "s": "\t\n\f\r ",
    "w": string.digits + string.ascii_letters + "_",
}
_POSIX_SETS = {
    "alnum": string.digits + string.ascii_letters,
    "alpha": string.ascii_letters,
    "ascii": "".join(map(chr, range(128))),
    "blank": "\t ",
    "cntrl": "".join(map(chr, (*range(32), 127))),
    "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))),
    "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))),
    "punct": string.punctuation,
    "space": "\t\n\v\f\r ",
    "upper": string.ascii_uppercase,
    "word": _PERL["w"],
    "xdigit": string.hexdigits,
}
_SURROGATES = range(0xD800, 0xE000)
_REPEATERS = ("*", "+", "?")


def _has_other_case(char: str) -> bool:
    """Tell whether Unicode knows this character as a letter or gives it another case.

    A code point that this Python does not know yet may be a letter by now.
    """
    if unicodedata.category(char)[0] == "L" or unicodedata.category(char) == "Cn":
        return True
    return any(change(char) != char for change in (str.lower, str.upper, str.casefold))


class _Parser:
    """A recursive descent over the pattern that expands as it goes.

    `size` counts the items as if every repeat were written out, and `times` is what the
    counts around an item multiply to: RE2 has bounds on both.
    """

    def __init__(self, text: str, budget: Budget) -> None:
        self.text = text
        self.budget = budget
        self.at = 0
        self.depth = 0
        self.work = 0
        self.size = 0
        self.times = 1
        self.folds = False

    # reading

    def _rest(self, size: int = 1) -> str:
        return self.text[self.at : self.at + size]

    def _take(self, expected: str) -> bool:
        is_there = self.text.startswith(expected, self.at)
        self.at += len(expected) if is_there else 0
        return is_there

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match

    def _is_count(self) -> bool:
        return _REPEAT.match(self.text, self.at) is not None

    # bounds

    def _spend(self, work: int, start: int) -> None:
        self.work += work
        self.budget.left -= work
        if self.work > MAX_WORK:
            raise _oversized(start, self.at, "the pattern takes too much work to expand")
        if self.budget.left < 0:
            message = "the patterns up to here take too much work to expand"
            raise _oversized(start, self.at, message)

    def _bounded(self, words: Iterable[_Word], start: int) -> _Words:
        """Collect words without doubles, and stop as soon as there are too many."""
        kept: dict[_Word, None] = {}
        characters = 0
        for word in words:
            self._spend(1 + len(word.text) // _COPIED_PER_UNIT, start)
            if word not in kept:
                kept[word] = None
                characters += len(word.text)
                _check_expansion(len(kept), characters, start, self.at)
        return tuple(kept)

    def _joined(self, lefts: _Words, rights: _Words, start: int) -> _Words:
        pairs = product(lefts, rights)
        return self._bounded((_joined(left, right, start, self.at) for left, right in pairs), start)

    # grammar

    def parse(self) -> _Words:
        words = self._alternation()
        if self.at < len(self.text):
            raise _malformed(self.at, self.at + 1, "the parenthesis closes no group")
        return words

    def _alternation(self) -> _Words:
        start = self.at
        branches = [self._concatenation()]
        while self._take("|"):
            branches.append(self._concatenation())
        if len(branches) == 1:
            return branches[0]
        return self._bounded((word for branch in branches for word in branch), start)

    def _concatenation(self) -> _Words:
        words: _Words = (_Word(at=self.at),)
        while self._rest() not in ("", "|", ")"):
            start = self.at
            words = self._joined(words, self._repeated(), start)
        return words

    def _repeated(self) -> _Words:
        start, size, times = self.at, self.size, self.times
        if self._rest() in _REPEATERS or self._is_count():
            raise _malformed(start, start + 1, "there is nothing here to repeat")
        self._grow(1, start)
        if self._take(".*"):
            self._refuse_second_repeat()
            return (_Word(at=start, is_open=True),)
        self.times = 1
        words = self._item()
        counts_start = self.at
        counts = self._counts()
        if counts is not None:
            self._check_repeated(words, start, counts_start)
            self._multiply(counts, self.size - size, counts_start)
            words = self._repetitions(words, counts, counts_start)
        self.times = max(times, self.times)
        return words

    def _grow(self, items: int, start: int) -> None:
        self.size += items
        self._spend(items // _KEPT_PER_UNIT, start)
        if self.size > MAX_LENGTH:
            message = (
                f"with its repeats written out, the pattern has more than {MAX_LENGTH:,} parts"
            )
            raise _oversized(start, max(self.at, start + 1), message)

    def _counts(self) -> range | None:
        """Read `?`, `{m}` or `{m,n}` and return how often, or None where nothing repeats."""
        start = self.at
        if self._take("?"):
            return range(2)
        if self._rest() in ("*", "+"):
            raise _unsupported(start, start + 1, "an unbounded repeat", "write {m,n}, or drop it")
        match = self._match(_REPEAT)
        if match is None:
            return None
        is_bounded = match[2] != ","
        low = _number(match[1])
        high = _number(match[3]) if match[3] else low
        if low > high or high > MAX_REPEAT:
            raise _malformed(start, self.at, f"RE2 refuses the repeat count {_cut(match[0])}")
        if not is_bounded:
            raise _unsupported(start, self.at, "an unbounded repeat", "write {m,n}")
        return range(low, high + 1)

    def _check_repeated(self, words: _Words, start: int, counts_start: int) -> None:
        if self.text.startswith(_FLAG, start) and counts_start == start + len(_FLAG):
            # In RE2 the count would apply to what stands before the flag.
            raise _unsupported(counts_start, self.at, "a repeated (?i)", "put the repeat before it")
        if not all(word.is_plain for word in words):
            raise _unsupported(start, self.at, "a repeated anchor or .*", "write it once")
        self._refuse_second_repeat()

    def _multiply(self, counts: range, size: int, start: int) -> None:
        """Note that everything since the item began stands there that often."""
        most = counts.stop - 1
        self.times = self.times * most if most else 1
        if self.times > MAX_REPEAT:
            message = f"RE2 refuses repeats that multiply to more than {MAX_REPEAT:,}"
            raise _malformed(start, self.at, message)
        self._grow(size * max(0, most - 1), start)

    def _repetitions(self, words: _Words, counts: range, start: int) -> _Words:
        """Return the words repeated each number of times; the count begins at `start`."""
        level: _Words = (_Word(at=words[0].at),)
        levels = [level]
        for _ in range(1, counts.stop):
            level = self._joined(level, words, start)
            levels.append(level)
        return self._bounded((word for level in levels[counts.start :] for word in level), start)

    def _refuse_second_repeat(self) -> None:
        if self._rest() == "?":
            raise _unsupported(self.at, self.at + 1, "a lazy repeat", "drop the second ?")
        if self._rest() in ("*", "+") or self._is_count():
            raise _malformed(self.at, self.at + 1, "the repeat repeats a repeat")

    def _item(self) -> _Words:
        special = self._SPECIAL.get(self._rest())
        return (self._literal(),) if special is None else special(self)

    def _literal(self) -> _Word:
        """Read characters that stand for themselves; of several, a repeat takes the last."""
        start = self.at
        run = self._match(_PLAIN)
        if run is None:
            self.at += 1  # a bracket or brace that opens and closes nothing
        elif len(run[0]) > 1 and self._rest() in (*_REPEATERS, "{"):
            self.at -= 1
        text = self.text[start : self.at]
        self._grow(len(text) - 1, start)
        if not self.folds:
            return _Word(at=start, text=text, marks=_AS_WRITTEN * len(text))
        words = [self._character(char, start + i, start + i + 1) for i, char in enumerate(text)]
        marks = "".join(word.marks for word in words)
        return _Word(at=start, text="".join(word.text for word in words), marks=marks)

    def _anchor(self) -> _Words:
        start = self.at
        self.at += 1
        return (_Word(at=start, is_anchored=True),)

    def _end(self) -> _Words:
        start = self.at
        self.at += 1
        return (_Word(at=start, is_ended=True),)

    def _any(self) -> _Words:
        raise _unsupported(
            self.at, self.at + 1, 'the "any character" dot', r"write \. for a dot itself"
        )

    # groups

    def _group(self) -> _Words:
        start, outer = self.at, self.folds
        if self._take(_FLAG):
            self.folds = True
            return (_Word(at=start),)
        self.at += 1
        self._open_group(start)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _unsupported(start, start + 1, f"nesting deeper than {MAX_DEPTH}", "flatten it")
        words = self._alternation()
        if not self._take(")"):
            raise _malformed(start, start + 1, "the group is never closed")
        self.depth -= 1
        self.folds = outer
        return words

    def _open_group(self, start: int) -> None:
        """Read what follows an opening parenthesis."""
        if self._rest() != "?" or self._take("?:") or self._match(_GROUP_NAME):
            return
        if not self._take("?i:"):
            raise self._bad_group(start)
        self.folds = True

    def _bad_group(self, start: int) -> PatternError:
        ahead = next((sign for sign in ("?=", "?!", "?<=", "?<!") if self._sees(sign)), None)
        if ahead is not None:
            end = start + 1 + len(ahead)
            return _unsupported(start, end, "look-around", "write prefixes out")
        flags = re.compile(r"\?[A-Za-z-]*[:)]?").match(self.text, self.at)
        end = flags.end() if flags else self.at + 1
        return _unsupported(
            start, end, "a group of this kind", "only (…), (?:…), (?i) and (?i:…) are accepted"
        )

    def _sees(self, sign: str) -> bool:
        return self.text.startswith(sign, self.at)

    # characters

    def _character(self, char: str, start: int, end: int) -> _Word:
        """Return the word of one character, folded where case is ignored and it has one."""
        if self.folds and not char.isascii() and _has_other_case(char):
            raise PatternError(
                rule="unfoldable_letter",
                start=start,
                end=end,
                message=f'the letter "{char}" is outside ASCII, where ignoring case is undefined',
                hint="write this part outside (?i)",
            )
        if self.folds and char.isascii() and char.isalpha():
            return _Word(at=start, text=fold(char), marks=_ANY_CASE)
        return _Word(at=start, text=char, marks=_AS_WRITTEN)

    def _class_words(self, chars: Iterable[str], start: int) -> _Words:
        return self._bounded((self._character(char, start, self.at) for char in chars), start)

    def _escape(self) -> _Words:
        start = self.at
        self.at += 1
        if self._take("A"):
            return (_Word(at=start, is_anchored=True),)
        if self._take("z"):
            return (_Word(at=start, is_ended=True),)
        perl = _PERL.get(self._rest())
        if perl is not None:
            self.at += 1
            return self._class_words(perl, start)
        return (self._character(self._escaped(start), start, self.at),)

    def _escaped(self, start: int) -> str:
        """Read the part of an escape behind its backslash and return its character."""
        char = self._rest()
        number = self._numbered(start)
        if number is not None:
            return number
        self.at += 1
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char.isascii() and char and not char.isalnum():
            return char
        raise self._bad_escape(start, char)

    def _numbered(self, start: int) -> str | None:
        match = self._match(_HEX)
        if match is not None:
            value = int(match[1] or match[2], 16)
        else:
            match = self._match(_OCTAL)
            if match is None:
                return None
            value = int(match[0], 8)
        if value > 0x10FFFF:
            raise _malformed(start, self.at, "the escape is no character of Unicode")
        if value in _SURROGATES:
            raise _unsupported(start, self.at, "half a surrogate pair", "write the whole character")
        return chr(value)

    def _bad_escape(self, start: int, char: str) -> PatternError:
        construct = {
            "b": "a word boundary",
            "B": "a word boundary",
            "p": "a Unicode class",
            "P": "a Unicode class",
            "D": "a negated class",
            "S": "a negated class",
            "W": "a negated class",
            "C": "a single byte",
            "Q": r"a \Q quotation",
        }.get(char, "a back-reference" if char and char in string.digits else None)
        if construct is None:
            end = min(self.at, len(self.text))
            return _malformed(start, end, f"RE2 does not know the escape \\{char}")
        return _unsupported(start, self.at, construct, "write the prefixes out")

    # classes

    def _class(self) -> _Words:
        start = self.at
        self.at += 1
        if self._rest() == "^":
            raise _unsupported(start, start + 2, "a negated class", "list what it stands for")
        chars: dict[str, None] = {}
        is_first = True
        while is_first or self._rest() != "]":
            if self._rest() == "":
                raise _malformed(start, start + 1, "the class is never closed")
            part = self._class_part(start)
            self._spend(1 + len(part) // _COPIED_PER_UNIT, start)
            chars.update(dict.fromkeys(part))
            is_first = False
        self.at += 1
        return self._class_words(chars, start)

    def _class_part(self, class_start: int) -> str:
        if self._sees("[:") and self.text.find(":]", self.at + 2) > 0:
            return self._posix_set()
        perl = _PERL.get(self._rest(2)[1:]) if self._rest() == "\\" else None
        if perl is not None:
            self.at += 2
            return perl
        return self._range(class_start)

    def _posix_set(self) -> str:
        start = self.at
        self.at = self.text.index(":]", start + 2) + 2
        name = self.text[start + 2 : self.at - 2]
        if name.removeprefix("^") not in _POSIX_SETS:
            raise _malformed(start, self.at, f"RE2 does not know the class [:{_cut(name)}:]")
        if name.startswith("^"):
            raise _unsupported(start, self.at, "a negated class", "list the characters")
        return _POSIX_SETS[name]

    def _range(self, class_start: int) -> str:
        start = self.at
        low = self._class_char()
        if self._rest() != "-" or self._rest(2)[1:] in ("", "]"):
            return low
        self.at += 1
        high = self._class_char()
        if high < low:
            raise _malformed(start, self.at, "the end of the range comes before its start")
        codes = [range(ord(low), ord(high) + 1)]
        if ord(low) < _SURROGATES.start and ord(high) >= _SURROGATES.stop:
            codes = [range(ord(low), _SURROGATES.start), range(_SURROGATES.stop, ord(high) + 1)]
        if sum(map(len, codes)) > MAX_LITERALS:
            message = f"the class has more than {MAX_LITERALS:,} characters"
            raise _oversized(class_start, self.at, message)
        return "".join(map(chr, chain(*codes)))

    def _class_char(self) -> str:
        start = self.at
        self.at += 1
        char = self.text[start : start + 1]
        return self._escaped(start) if char == "\\" else char

    _SPECIAL: ClassVar[dict[str, Callable[[_Parser], _Words]]] = {
        "^": _anchor,
        "$": _end,
        ".": _any,
        "(": _group,
        "[": _class,
        "\\": _escape,
    }


def _number(digits: str) -> int:
    """Read a count; of one with more than four digits only that it is too large counts."""
    return int(digits[:5])


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def _check_expansion(literals: int, characters: int, start: int, end: int) -> None:
    if literals > MAX_LITERALS:
        message = f"the pattern expands to more than {MAX_LITERALS:,} literals"
        raise _oversized(start, end, message)
    if characters > MAX_CHARACTERS:
        message = f"the pattern expands to more than {MAX_CHARACTERS:,} characters"
        raise _oversized(start, end, message)


def _rules(word: _Word) -> Iterator[Rule]:
    """Turn a path into rules: one, or one per case form where `(?i)` covers only a part."""
    pairs = list(zip(word.text, word.marks, strict=True))
    is_exact, ignore_case = word.is_ended, _ANY_CASE in word.marks
    if any(mark == _AS_WRITTEN and fold(char) in string.ascii_lowercase for char, mark in pairs):
        spellings = (forms(char) if mark == _ANY_CASE else (char,) for char, mark in pairs)
        for spelling in product(*spellings):
            yield Rule(literal="".join(spelling), is_exact=is_exact, ignore_case=False)
    else:
        yield Rule(literal=word.text, is_exact=is_exact, ignore_case=ignore_case)


def _bounded_rules(words: _Words, size: int, budget: Budget) -> tuple[Rule, ...]:
    rules: dict[Rule, None] = {}
    characters = 0
    for word in words:
        for rule in _rules(word):
            if rule not in rules:
                rules[rule] = None
                characters += len(rule.literal)
                _check_expansion(len(rules), characters, 0, size)
    budget.left -= len(rules) + characters // _KEPT_PER_UNIT
    return tuple(rules)


def compile_pattern(text: str, budget: Budget | None = None) -> tuple[Rule, ...]:
    """Turn a pattern into its rules, in the order of the pattern, without doubles.

    `budget` is what the patterns of a manifest share; without one the pattern stands alone.
    Raises `PatternError` for what is not RE2, not anchored, not finite or too large; its
    `start` and `end` are offsets in code points inside `text`.
    """
    if len(text) > MAX_LENGTH:
        message = f"the pattern is longer than {MAX_LENGTH:,} characters"
        raise _oversized(0, len(text), message)
    budget = budget if budget is not None else Budget()
    words = _Parser(text, budget).parse()
    loose = next((word for word in words if not word.is_anchored), None)
    if loose is not None:
        raise PatternError(
            rule="unanchored_pattern",
            start=loose.at,
            end=min(loose.at + 1, len(text)) if loose.at else len(text),
            message="the pattern has no anchor, so it would match in the middle of an id",
            hint="begin every alternative with ^",
        )
    return _bounded_rules(words, len(text), budget)
