"""A text as a literal or a comment: each language has one owner of its quoting here."""

from __future__ import annotations

import json
from collections.abc import Callable

# What stands in source as it is: text that reads from left to right, has no combining marks
# and is drawn. Fixed ranges and not `unicodedata`, whose answers change between Pythons.
_NARROW = ((0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x24F), (0x370, 0x482), (0x48A, 0x52F))
_PUNCTUATION = ((0x2010, 0x2027), (0x2030, 0x205E), (0x20A0, 0x20BF), (0x2100, 0x214F))
_WIDE = ((0x3041, 0x3096), (0x309B, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3))


def _is_in(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= code <= high for low, high in ranges)


def is_hidden(char: str) -> bool:
    """Tell whether a character must be escaped in source that people read.

    >>> is_hidden("\\u202e"), is_hidden("é")
    (True, False)
    """
    return not _is_in(ord(char), _NARROW + _PUNCTUATION + _WIDE)


def width(text: str) -> int:
    """Return how many columns a line of source takes, a wide character counting two.

    >>> width("模型")
    4
    """
    return sum(2 if _is_in(ord(char), _WIDE) else 1 for char in text)


_COMMON = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _body(text: str, quote: str, escape: Callable[[int], str]) -> str:
    """Escape what is marked in all languages, the quote, and what a reader cannot see."""
    marked = {**_COMMON, quote: f"\\{quote}"}
    return "".join(
        marked.get(char) or (escape(ord(char)) if is_hidden(char) else char) for char in text
    )


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


def _json_escape(char: str) -> str:
    return json.dumps(char)[1:-1]


def escape_hidden(document: str) -> str:
    r"""Escape what a reader cannot see in a JSON document; its line ends stay.

    >>> print(escape_hidden('{"a": "\u202eé"}'))
    {"a": "\u202eé"}
    """
    if document.isascii():
        return document.replace("\x7f", "\\u007f")
    return "".join(
        _json_escape(char) if is_hidden(char) and char != "\n" else char for char in document
    )


def json_string(text: str) -> str:
    """Return a text as a JSON literal."""
    return escape_hidden(json.dumps(text, ensure_ascii=False))


_COMMENT_ENDS = (("*/", "* /"), ("-->", "-- >"), ("/*", "/ *"), ("<!--", "<! --"))


def comment(text: str) -> str:
    """Return a text on one line that cannot end a comment in any of the languages.

    >>> comment("end */ it")
    'end * / it'
    """
    shown = "".join(" " if is_hidden(char) else char for char in text)
    one_line = " ".join(shown.split())
    for end, harmless in _COMMENT_ENDS:
        one_line = one_line.replace(end, harmless)
    return one_line
