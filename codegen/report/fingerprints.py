"""The hash by which GitHub recognises the line of a finding when the line has moved.

It is the `primaryLocationLineHash` of GitHub's upload action, which warns where a document
carries another one; GitHub reads no other fingerprint.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

# The hash covers the first hundred characters of a line and of those that follow it.
_WINDOW = 100
_FACTOR = 37
_WRAP = 2**64
_END = "\uffff" + "\0" * _WINDOW

_LINE_END = re.compile(r"\r\n?")
_BLANK = re.compile(r"[ \t]+")
_ABOVE_THE_BMP = re.compile("[\U00010000-\U0010ffff]")


def _utf16(match: re.Match[str]) -> str:
    code = ord(match.group()) - 0x10000
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def _units(text: str) -> str:
    """Return what is hashed: UTF-16 units without blanks, each line end a line feed."""
    packed = _BLANK.sub("", _LINE_END.sub("\n", text))
    return _ABOVE_THE_BMP.sub(_utf16, packed) + _END


def _hash(window: str) -> str:
    value = 0
    for unit in window:
        value = value * _FACTOR + ord(unit)
    return f"{value % _WRAP:x}"


def line_hashes(text: str, lines: Iterable[int]) -> dict[int, str]:
    """Return the hash of each of these lines, counted from 1, of a file's text.

    Equal lines are told apart by how many of them stand above, so a hash is `HASH:NUMBER`.
    """
    units = _units(text)
    starts = [0, *(match.end() for match in re.finditer("\n", units))]
    wanted = set(lines)
    seen: Counter[str] = Counter()
    hashes = {}
    for line, start in enumerate(starts[: max(wanted, default=0)], 1):
        window = units[start : start + _WINDOW]
        seen[window] += 1
        if line in wanted:
            hashes[line] = f"{_hash(window)}:{seen[window]}"
    return hashes
