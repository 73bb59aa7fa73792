"""RE2's own search, through Python's `re`: what the reference asks instead of the rules.

This module shares nothing with `patterns`: it never expands a pattern. Agreement of the
two is worth something only as long as they stay apart.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache

_TOKEN = re.compile(
    r"""
      (?P<class>\[\]?(?:\[:[a-z]+:\]|\\x\{[0-9A-Fa-f]+\}|\\.|[^\]\\])*\])
    | (?P<flag>\(\?i\))
    | (?P<open_i>\(\?i:)
    | (?P<open>\((?:\?:|\?P?<[A-Za-z0-9_]+>)?)
    | (?P<close>\))
    | (?P<hex>\\x(?:\{[0-9A-Fa-f]+\}|[0-9A-Fa-f]{2}))
    | (?P<octal>\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2}))
    | (?P<escape>\\.)
    | (?P<count>\{[0-9]+(?:,[0-9]*)?\})
    | (?P<char>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_ANCHORS = {"^": r"\A", "\\A": r"\A", "$": r"\Z", "\\z": r"\Z"}
_PERL = {"\\d": "0-9", "\\w": "0-9A-Za-z_", "\\s": r"\t\n\f\r "}
_CONTROLS = {"\\a", "\\f", "\\n", "\\r", "\\t", "\\v"}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_OPERATORS = {"|", "?", "*", "."}


def _any_case(letter: str) -> str:
    """Return the characters that RE2 takes for an ASCII letter under `(?i)`."""
    lower = letter.lower()
    return lower + lower.upper() + {"k": "\u212a", "s": "\u017f"}.get(lower, "")


def _numeric(token: str) -> str:
    digits = token.removeprefix("\\")
    if digits.startswith("x"):
        return chr(int(digits[1:].strip("{}"), 16))
    return chr(int(digits, 8))


_CLASS_PART = re.compile(
    r"\[:(?P<posix>[a-z]+):\]"
    r"|(?P<number>\\x\{[0-9A-Fa-f]+\}|\\x[0-9A-Fa-f]{2}|\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2}))"
    r"|(?P<escape>\\.)|(?P<dash>-)|(?P<char>.)",
    re.DOTALL,
)


def _class_part(match: re.Match[str]) -> str:
    if match["posix"]:
        return _POSIX[match["posix"]]
    if match["number"]:
        return re.escape(_numeric(match["number"]))
    if match["escape"]:
        escape = match["escape"]
        if escape in _PERL:
            return _PERL[escape]
        return escape if escape in _CONTROLS else re.escape(escape[1])
    return "-" if match["dash"] else re.escape(match["char"])


def _class(token: str, ignore_case: bool) -> str:
    translated = "[" + _CLASS_PART.sub(_class_part, token[1:-1]) + "]"
    if not ignore_case:
        return translated
    members = re.compile(translated)
    folded = "".join(
        forms
        for forms in map(_any_case, string.ascii_lowercase)
        if any(members.match(form) for form in forms)
    )
    return f"(?:{translated}|[{folded}])" if folded else translated


def _plain(token: str, ignore_case: bool) -> str:
    """Translate an escape or a character that stands for itself."""
    if token in _PERL:
        return _class(f"[{token}]", ignore_case)
    if token in _CONTROLS:
        return token
    return _literal(token[-1], ignore_case)


def _literal(char: str, ignore_case: bool) -> str:
    if ignore_case and char.isascii() and char.isalpha():
        return f"[{_any_case(char)}]"
    return re.escape(char)


def _translate(pattern: str) -> str:
    """Rewrite an accepted RE2 pattern for Python's `re`, without any flag of Python's."""
    parts: list[str] = []
    flags = [False]
    for match in _TOKEN.finditer(pattern):
        kind, token = match.lastgroup, match.group()
        if kind == "flag":
            flags[-1] = True
        elif kind in ("open", "open_i"):
            flags.append(flags[-1] or kind == "open_i")
            parts.append("(?:")
        elif kind == "close":
            flags.pop()
            parts.append(")")
        elif kind == "class":
            parts.append(_class(token, flags[-1]))
        elif kind in ("hex", "octal"):
            parts.append(_literal(_numeric(token), flags[-1]))
        elif token in _ANCHORS or token in _OPERATORS or kind == "count":
            parts.append(_ANCHORS.get(token, token))
        else:
            parts.append(_plain(token, flags[-1]))
    return "".join(parts)


@lru_cache(maxsize=4_096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_translate(pattern))


def matches(pattern: str, text: str) -> bool:
    """Answer as Go's `regexp.MatchString(pattern, text)` does, for an accepted pattern.

    Every flag is spelt out in the translation, so Python's own ideas of case, of `$` and
    of what a digit is never come into it (semantics: `model_prefix_match`).
    """
    return _compiled(pattern).search(text) is not None
