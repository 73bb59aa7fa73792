"""A text as a literal or a comment: each language has one owner of its quoting here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

# What stands in source as it is: text that reads from left to right, has no combining marks
# and is drawn. Fixed ranges and not `unicodedata`, whose answers change between Pythons.
_NARROW = ((0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x24F), (0x370, 0x482), (0x48A, 0x52F))
_PUNCTUATION = ((0x2010, 0x2027), (0x2030, 0x205E), (0x20A0, 0x20BF), (0x2100, 0x214F))
_WIDE = ((0x3041, 0x3096), (0x309B, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3))


def _class(*groups: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"{chr(low)}-{chr(high)}" for ranges in groups for low, high in ranges)


_HIDDEN = re.compile(f"[^{_class(_NARROW, _PUNCTUATION, _WIDE)}]")
_WIDE_CHAR = re.compile(f"[{_class(_WIDE)}]")


def without_hidden(text: str, replacement: str) -> str:
    """Return a text in which every character that a reader cannot see is replaced.

    >>> without_hidden("a\\u202eé", " ")
    'a é'
    """
    return _HIDDEN.sub(replacement, text)


def width(text: str) -> int:
    """Return how many columns a line of source takes, a wide character counting two.

    >>> width("模型")
    4
    """
    return len(text) if text.isascii() else len(text) + len(_WIDE_CHAR.findall(text))


_COMMON = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


_TO_ESCAPE = re.compile(rf"{_HIDDEN.pattern}|[\\\"']")


def _body(text: str, quote: str, escape: Callable[[int], str]) -> str:
    """Escape what is marked in all languages, the quote, and what a reader cannot see."""
    marked = {**_COMMON, '"': '"', "'": "'", quote: f"\\{quote}"}

    def escaped(match: re.Match[str]) -> str:
        char = match.group()
        return marked.get(char) or escape(ord(char))

    return _TO_ESCAPE.sub(escaped, text)


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
    if char == "\n":
        return char
    # The encoder leaves U+007F as it is, which JSON allows and a reader does not see.
    encoded = json.dumps(char)[1:-1]
    return encoded if encoded != char else f"\\u{ord(char):04x}"


def escape_hidden(document: str) -> str:
    r"""Escape what a reader cannot see in a JSON document; its line ends stay.

    >>> print(escape_hidden('{"a": "\u202eé"}'))
    {"a": "\u202eé"}
    """
    return _HIDDEN.sub(_json_escape, document)


def json_string(text: str) -> str:
    """Return a text as a JSON literal."""
    return escape_hidden(json.dumps(text, ensure_ascii=False))


_COMMENT_ENDS = (("*/", "* /"), ("-->", "-- >"), ("/*", "/ *"), ("<!--", "<! --"))


def comment(text: str) -> str:
    """Return a text on one line that cannot end a comment in any of the languages.

    >>> comment("end */ it")
    'end * / it'
    """
    one_line = " ".join(without_hidden(text, " ").split())
    for end, harmless in _COMMENT_ENDS:
        one_line = one_line.replace(end, harmless)
    return one_line
