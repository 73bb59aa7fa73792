"""An RE2 pattern -> prefix rules, or a fault at its column (semantics: `model_prefix_match`)."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import ClassVar

from codegen.ir import Rule

MAX_LITERALS = 1_024
MAX_CHARACTERS = 65_536
MAX_LENGTH = 16_384
MAX_WORK = 200_000
MAX_DEPTH = 100
MAX_REPEAT = 1_000

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Atom:
    """One character; `folds` where `(?i)` is in force and the character has other forms."""

    char: str
    folds: bool

    @property
    def has_case(self) -> bool:
        return fold(self.char) in string.ascii_lowercase


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """One path through the pattern: an anchor, characters, then maybe `$` or `.*`."""

    at: int = field(compare=False)
    atoms: tuple[_Atom, ...] = ()
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


def _bounded(words: Iterable[_Word], start: int, end: int) -> _Words:
    """Collect words without doubles, and stop as soon as there are too many."""
    kept: dict[_Word, None] = {}
    characters = 0
    for word in words:
        if word in kept:
            continue
        kept[word] = None
        characters += len(word.atoms)
        if len(kept) > MAX_LITERALS or characters > MAX_CHARACTERS:
            message = f"the pattern expands to more than {MAX_LITERALS:,} literals"
            raise _oversized(start, end, message)
    return tuple(kept)


def _joined(left: _Word, right: _Word, start: int, end: int) -> _Word:
    """Concatenate two paths, or refuse one that RE2 could take but no prefix describes."""
    if right.is_anchored and (left.atoms or left.is_ended or left.is_open):
        raise _unsupported(start, end, "an anchor that is not at the start", "begin with it")
    if left.is_ended and (right.atoms or right.is_open):
        raise _unsupported(start, end, "something after the end of the text", "end with $")
    if left.is_open and (right.atoms or right.is_ended):
        raise _unsupported(start, end, "something after .*", "drop .* and what follows it")
    return _Word(
        at=left.at,
        atoms=left.atoms + right.atoms,
        is_anchored=left.is_anchored or right.is_anchored,
        is_ended=left.is_ended or right.is_ended,
        is_open=left.is_open or right.is_open,
    )


_REPEAT = re.compile(r"\{([0-9]{1,4})(,([0-9]{0,4}))?\}")
_GROUP_NAME = re.compile(r"\?P?<[A-Za-z0-9_]+>")
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")
_HEX = re.compile(r"x(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{2}))")
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
_REPEATERS = ("*", "+", "?")


def _has_other_case(char: str) -> bool:
    """Tell whether Unicode knows this character as a letter or gives it another case."""
    if unicodedata.category(char).startswith("L"):
        return True
    return any(change(char) != char for change in (str.lower, str.upper, str.casefold))


class _Parser:
    """A recursive descent over the pattern that expands as it goes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.work = 0
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
        return _bounded((word for branch in branches for word in branch), start, self.at)

    def _concatenation(self) -> _Words:
        start = self.at
        words: _Words = (_Word(at=start),)
        while self._rest() not in ("", "|", ")"):
            item_start = self.at
            item = self._repeated()
            self.work += len(words) * len(item)
            if self.work > MAX_WORK:
                raise _oversized(item_start, self.at, "the pattern takes too much work to expand")
            pairs = (
                _joined(left, right, item_start, self.at) for left, right in product(words, item)
            )
            words = _bounded(pairs, item_start, self.at)
        return words

    def _repeated(self) -> _Words:
        start = self.at
        if self._rest() in _REPEATERS or _REPEAT.match(self.text, self.at):
            raise _malformed(start, start + 1, "there is nothing here to repeat")
        if self._take(".*"):
            self._refuse_lazy()
            return (_Word(at=start, is_open=True),)
        words = self._item()
        count_start = self.at
        counts = self._counts()
        if counts is None:
            return words
        if not all(word.is_plain for word in words):
            raise _unsupported(start, self.at, "a repeated anchor or .*", "write it once")
        self._refuse_lazy()
        return _bounded(_repetitions(words, counts, count_start, self.at), count_start, self.at)

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
        low = int(match[1])
        if match[2] == ",":
            raise _unsupported(start, self.at, "an unbounded repeat", "write {m,n}")
        high = int(match[3]) if match[2] else low
        if low > high or high > MAX_REPEAT:
            raise _malformed(start, self.at, f"RE2 refuses the repeat count {match[0]}")
        return range(low, high + 1)

    def _refuse_lazy(self) -> None:
        if self._rest() == "?":
            raise _unsupported(self.at, self.at + 1, "a lazy repeat", "drop the second ?")
        if self._rest() in ("*", "+") or _REPEAT.match(self.text, self.at):
            raise _malformed(self.at, self.at + 1, "the repeat repeats a repeat")

    def _item(self) -> _Words:
        start, char = self.at, self._rest()
        special = self._SPECIAL.get(char)
        if special is not None:
            return special(self)
        self.at += 1
        return (_Word(at=start, atoms=(self._atom(char, start),)),)

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
        self.at += 1
        self._open_group(start)
        if self.text[self.at - 1] == ")":
            return (_Word(at=start),)
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
        """Read what follows an opening parenthesis; `(?i)` sets the flag and is all there is."""
        if self._rest() != "?" or self._match(_GROUP_NAME) or self._take("?:"):
            return
        if self._take("?i)") or self._take("?i:"):
            self.folds = True
            return
        ahead = next((sign for sign in ("?=", "?!", "?<=", "?<!") if self._sees(sign)), None)
        if ahead is not None:
            raise _unsupported(start, start + 1 + len(ahead), "look-around", "write prefixes out")
        flags = re.compile(r"\?[A-Za-z-]*[:)]?").match(self.text, self.at)
        end = flags.end() if flags else self.at + 1
        raise _unsupported(
            start, end, "a group of this kind", "only (…), (?:…), (?i) and (?i:…) are accepted"
        )

    def _sees(self, sign: str) -> bool:
        return self.text.startswith(sign, self.at)

    # characters

    def _atom(self, char: str, start: int) -> _Atom:
        if self.folds and not char.isascii() and _has_other_case(char):
            raise PatternError(
                rule="unfoldable_letter",
                start=start,
                end=self.at,
                message=f'the letter "{char}" is outside ASCII, where ignoring case is undefined',
                hint="write this part outside (?i)",
            )
        return _Atom(char=char, folds=self.folds and char.isascii() and char.isalpha())

    def _class_words(self, chars: Iterable[str], start: int) -> _Words:
        words = (_Word(at=start, atoms=(self._atom(char, start),)) for char in chars)
        return _bounded(words, start, self.at)

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
        return (_Word(at=start, atoms=(self._atom(self._escaped(start), start),)),)

    def _escaped(self, start: int) -> str:
        """Read the part of an escape behind its backslash and return its character."""
        char = self._rest()
        number = self._numbered(start)
        if number is not None:
            return number
        self.at += 1
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char and char in string.punctuation:
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
        is_scalar = value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF
        if not is_scalar:
            raise _malformed(start, self.at, "the escape is no character of Unicode")
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
        }.get(char, "a back-reference" if char.isdigit() else None)
        if construct is None:
            return _malformed(start, self.at, f"RE2 does not know the escape \\{char}")
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
            chars.update(dict.fromkeys(self._class_part(start)))
            is_first = False
        self.at += 1
        return self._class_words(chars, start)

    def _class_part(self, class_start: int) -> str:
        posix = self._match(_POSIX)
        if posix is not None:
            return self._posix_set(posix)
        perl = _PERL.get(self._rest(2)[1:]) if self._rest() == "\\" else None
        if perl is not None:
            self.at += 2
            return perl
        return self._range(class_start)

    def _posix_set(self, match: re.Match[str]) -> str:
        if match[1]:
            raise _unsupported(match.start(), match.end(), "a negated class", "list the characters")
        if match[2] not in _POSIX_SETS:
            raise _malformed(match.start(), match.end(), f"RE2 does not know the class {match[0]}")
        return _POSIX_SETS[match[2]]

    def _range(self, class_start: int) -> str:
        start = self.at
        low = self._class_char()
        if self._rest() != "-" or self._rest(2)[1:] in ("", "]"):
            return low
        self.at += 1
        high = self._class_char()
        if high < low:
            raise _malformed(start, self.at, "the end of the range comes before its start")
        if ord(high) - ord(low) >= MAX_LITERALS:
            message = f"the class has more than {MAX_LITERALS:,} characters"
            raise _oversized(class_start, self.at, message)
        return "".join(map(chr, _scalars(ord(low), ord(high))))

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


def _scalars(low: int, high: int) -> Iterator[int]:
    return (code for code in range(low, high + 1) if not 0xD800 <= code <= 0xDFFF)


def _repetitions(words: _Words, counts: range, start: int, end: int) -> Iterator[_Word]:
    """Yield the words repeated each number of times; `start` and `end` place the count."""
    level: _Words = (_Word(at=words[0].at),)
    for count in range(counts.stop):
        if count in counts:
            yield from level
        if count + 1 < counts.stop:
            pairs = (_joined(a, b, start, end) for a, b in product(level, words))
            level = _bounded(pairs, start, end)


def _rules(word: _Word) -> Iterator[Rule]:
    """Turn a path into rules: one, or one per case form where `(?i)` covers only a part."""
    literal = "".join(atom.char for atom in word.atoms)
    is_exact = word.is_ended
    if not any(atom.folds for atom in word.atoms):
        yield Rule(literal=literal, is_exact=is_exact, ignore_case=False)
    elif all(atom.folds or not atom.has_case for atom in word.atoms):
        yield Rule(literal=fold(literal), is_exact=is_exact, ignore_case=True)
    else:
        spellings = (forms(fold(a.char)) if a.folds else (a.char,) for a in word.atoms)
        for spelling in product(*spellings):
            yield Rule(literal="".join(spelling), is_exact=is_exact, ignore_case=False)


def _bounded_rules(words: _Words, size: int) -> tuple[Rule, ...]:
    rules: dict[Rule, None] = {}
    for word in words:
        for rule in _rules(word):
            rules[rule] = None
            if len(rules) > MAX_LITERALS:
                message = f"the pattern expands to more than {MAX_LITERALS:,} literals"
                raise _oversized(0, size, message)
    return tuple(rules)


def compile_pattern(text: str) -> tuple[Rule, ...]:
    """Turn a pattern into its rules, in the order of the pattern, without doubles.

    Raises `PatternError` for what is not RE2, not anchored, not finite or too large; its
    `start` and `end` are offsets in code points inside `text`.
    """
    if len(text) > MAX_LENGTH:
        message = f"the pattern is longer than {MAX_LENGTH:,} characters"
        raise _oversized(0, len(text), message)
    words = _Parser(text).parse()
    loose = next((word for word in words if not word.is_anchored), None)
    if loose is not None:
        raise PatternError(
            rule="unanchored_pattern",
            start=loose.at,
            end=loose.at + 1 if loose.at else len(text),
            message="the pattern has no anchor, so it would match in the middle of an id",
            hint="begin every alternative with ^",
        )
    return _bounded_rules(words, len(text))
