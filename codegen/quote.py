"""A text as a literal or a comment: each language has one owner of its quoting here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache, lru_cache
from json.encoder import encode_basestring

from codegen.frozen import frozen

# What stands in source as it is: text that reads from left to right, has no combining marks
# and is drawn. Fixed ranges and not `unicodedata`, whose answers change between Pythons.
_NARROW = ((0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x24F), (0x370, 0x482), (0x48A, 0x52F))
_PUNCTUATION = ((0x2010, 0x2027), (0x2030, 0x205E), (0x20A0, 0x20BF), (0x2100, 0x214F))
_WIDE = ((0x3041, 0x3096), (0x309B, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3))
_DRAWN = (*_NARROW, *_PUNCTUATION, *_WIDE)
# Nearly all text is ASCII. What is not is looked up in the ranges one by one: an expression of
# them all takes Python longer to compile than a manifest has work for it.
_BEYOND_ASCII = re.compile("[^ -~]")


def _class(*groups: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"{chr(low)}-{chr(high)}" for ranges in groups for low, high in ranges)


@lru_cache(maxsize=4096)
def _is_hidden(char: str) -> bool:
    return not any(low <= ord(char) <= high for low, high in _DRAWN)


@lru_cache(maxsize=4096)
def _is_wide(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in _WIDE)


def without_hidden(text: str, replacement: str) -> str:
    """Return a text in which every character that a reader cannot see is replaced.

    >>> without_hidden("a\\u202eé", " ")
    'a é'
    """

    def shown(match: re.Match[str]) -> str:
        return replacement if _is_hidden(match.group()) else match.group()

    return _BEYOND_ASCII.sub(shown, text)


# What a browser draws as nothing, or as an order to move what stands beside it.
_UNSEEN = (
    ((0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E)),
    ((0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xD800, 0xDFFF), (0xFEFF, 0xFEFF)),
    ((0xFFF9, 0xFFFB), (0xFFFE, 0xFFFF), (0xE0000, 0xE0FFF)),
)


@cache
def _unseen() -> re.Pattern[str]:
    return re.compile(f"[{_class(*_UNSEEN)}]")


def visible(text: str) -> str:
    r"""Return a text for a page in a browser: whatever would not be drawn is an escape.

    Unlike `without_hidden` it leaves letters of every script: a browser can draw them.

    >>> print(visible("a\u202eb"))
    a\u{202e}b
    """
    return _unseen().sub(lambda match: f"\\u{{{ord(match.group()):x}}}", text)


def unseen_class() -> str:
    r"""Return what `visible` replaces as a class of a JavaScript expression with the flag `u`."""
    ranges = (pair for group in _UNSEEN for pair in group)
    return "".join(f"\\u{{{low:x}}}-\\u{{{high:x}}}" for low, high in ranges)


def width(text: str) -> int:
    """Return how many columns a line of source takes, a wide character counting two.

    >>> width("模型")
    4
    """
    return len(text) if text.isascii() else len(text) + sum(map(_is_wide, text))


_COMMON = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


_TO_ESCAPE = re.compile(rf"{_BEYOND_ASCII.pattern}|[\\\"']")


def _body(text: str, quote: str, escape: Callable[[int], str], also: str = "") -> str:
    """Escape what is marked in all languages, the quote, and what a reader cannot see.

    The characters of `also` are escaped by their code.
    """
    pattern = re.compile(f"{_TO_ESCAPE.pattern}|[{re.escape(also)}]") if also else _TO_ESCAPE
    if pattern.search(text) is None:
        return text
    marked = {**_COMMON, '"': '"', "'": "'", quote: f"\\{quote}"}
    marked.update((char, escape(ord(char))) for char in also)

    def escaped(match: re.Match[str]) -> str:
        char = match.group()
        return marked.get(char) or (escape(ord(char)) if _is_hidden(char) else char)

    return pattern.sub(escaped, text)


def _python_escape(code: int) -> str:
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def python_string(text: str) -> str:
    r"""Return a Python literal with the quotes that black would choose.

    >>> print(python_string('a "b"'), python_string("it's"))
    'a "b"' "it's"
    """
    quote = "'" if '"' in text and "'" not in text else '"'
    return f"{quote}{_body(text, quote, _python_escape)}{quote}"


def yaml_string(text: str) -> str:
    r"""Return a scalar of YAML in double quotes.

    >>> print(yaml_string('no "é"\u202e'))
    "no \"é\"\u202e"
    """
    return f'"{_body(text, chr(34), _python_escape)}"'


def _go_escape(code: int) -> str:
    # Below U+0080 a byte is the code point; above, \x would be a byte of no UTF-8.
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def go_string(text: str) -> str:
    r"""Return an interpreted Go literal; a code point above U+FFFF is never two surrogates.

    >>> print(go_string("tab\t\u2028"))
    "tab\t\u2028"
    """
    return f'"{_body(text, chr(34), _go_escape)}"'


def javascript_string(text: str) -> str:
    r"""Return a JavaScript literal that is safe inside a script element too.

    >>> print(javascript_string("</script>"))
    "\u003c/script>"
    """
    body = _body(text, '"', lambda code: f"\\u{{{code:x}}}")
    return f'"{body}"'.replace("</", "\\u003c/").replace("<!--", "\\u003c!--")


def _json_escape(match: re.Match[str]) -> str:
    char = match.group()
    if char == "\n" or not _is_hidden(char):
        return char
    # The encoder leaves U+007F as it is, which JSON allows and a reader does not see.
    encoded = json.dumps(char)[1:-1]
    return encoded if encoded != char else f"\\u{ord(char):04x}"


def escape_hidden(document: str) -> str:
    r"""Escape what a reader cannot see in a JSON document; its line ends stay.

    >>> print(escape_hidden('{"a": "\u202eé"}'))
    {"a": "\u202eé"}
    """
    # Nothing hides in plain ASCII that can be printed.
    is_plain = document.isascii() and document.isprintable()
    return document if is_plain else _BEYOND_ASCII.sub(_json_escape, document)


def json_string(text: str) -> str:
    """Return a text as a JSON literal."""
    return escape_hidden(encode_basestring(text))


_COMMENT_ENDS = (
    ("*/", "* /"),
    ("-->", "-- >"),
    ("/*", "/ *"),
    ("<!--", "<! --"),
    ("</", "< /"),
)


def comment(text: str) -> str:
    """Return a text on one line that cannot end a comment in any of the languages.

    Nor can it end the script element that a page puts the language in.

    >>> comment("end */ it")
    'end * / it'
    """
    one_line = " ".join(without_hidden(text, " ").split())
    for end, harmless in _COMMENT_ENDS:
        one_line = one_line.replace(end, harmless)
    return one_line


# languages that a target pack adds


class Raw(str):
    """Text of the manifest that no file may hold before a filter has made source text of it."""

    __slots__ = ()


class Style(StrEnum):
    """How a string literal spells what cannot stand in it as it is."""

    BRACED = "braced"
    FIXED = "fixed"
    UTF16 = "utf16"
    OCTAL = "octal"
    DOUBLED = "doubled"
    SHELL = "shell"


def _braced_escape(code: int) -> str:
    return f"\\u{{{code:x}}}"


def _fixed_escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _utf16_escape(code: int) -> str:
    units = chr(code).encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _octal_escape(code: int) -> str:
    # Always three digits: in C a fourth one would not count, and fewer would swallow it.
    return "".join(f"\\{byte:03o}" for byte in chr(code).encode("utf-8"))


_ESCAPES: dict[Style, Callable[[int], str]] = {
    Style.BRACED: _braced_escape,
    Style.FIXED: _fixed_escape,
    Style.UTF16: _utf16_escape,
    Style.OCTAL: _octal_escape,
}
WITH_ESCAPES = tuple(_ESCAPES)


# What a literal without escapes must not hold as it is: controls but for the line feed and the
# tab, marks of direction, what has no width, and what is no character. Marks that combine and
# pictures, which the others escape for the sake of columns, are to be seen.
@cache
def _unspellable() -> re.Pattern[str]:
    return re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
        "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
        "\U000e0000-\U000e0fff]"
    )


class UnspellableError(ValueError):
    """A style without escapes has no way to write a character; the message names both."""


@frozen
class Quoting:
    """How a language writes a string: the style, the quotation mark, and what else to escape.

    `also` holds characters that mean something inside a literal, as `$` does where literals
    interpolate; they are spelt by their code. A style without escapes knows no such thing.
    """

    style: Style
    mark: str = '"'
    also: str = ""

    def literal(self, text: str) -> str:
        r"""Return a text as a literal; what a reader cannot see is never in it as it is.

        Raises `UnspellableError` where a style without escapes cannot write a character.

        >>> print(Quoting(style=Style.BRACED).literal("tab\t\u2028"))
        "tab\t\u{2028}"
        >>> print(Quoting(style=Style.UTF16, also="$").literal("$x \U000f0000"))
        "\u0024x \udb80\udc00"
        >>> print(Quoting(style=Style.DOUBLED, mark="'").literal("it's"))
        'it''s'
        """
        if self.style not in _ESCAPES:
            return self._plain(text)
        body = _body(text, self.mark, _ESCAPES[self.style], self.also)
        return f"{self.mark}{body}{self.mark}"

    def _plain(self, text: str) -> str:
        unseen = _unspellable().search(text)
        if unseen is not None:
            reason = f'the style "{self.style}" cannot spell U+{ord(unseen.group()):04X}'
            raise UnspellableError(reason)
        doubled = "'\\''" if self.style is Style.SHELL else self.mark * 2
        return self.mark + text.replace(self.mark, doubled) + self.mark


def line_comment(text: str) -> str:
    r"""Return a text like `comment`, that does not carry a line comment on either.

    >>> print(line_comment("C goes on here \\"))
    C goes on here
    """
    return comment(text).rstrip("\\ ")
