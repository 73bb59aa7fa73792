"""Takes a key out of what a vendor says: a vendor's error may repeat the key it was given."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

REMOVED = "[removed]"
# Fewer characters are no secret, and their removal would only garble the text.
_SHORTEST = 4
# So much of a key, without the rest, is already taken out: vendors like to show a part.
_PART = 12
# Longer texts are searched for whole keys only.
_MOST_FOR_PARTS = 64 * 1024


def redacted(text: str, key: str) -> str:
    """Return the text without the key.

    The key is found as it is, as JSON, a URL or HTML write it, in hexadecimal, and in base64
    with anything before it; and any `_PART` characters of it in a row.
    """
    if len(key) < _SHORTEST:
        return text
    for spelt in sorted(set(_spellings(key)), key=len, reverse=True):
        text = re.sub(re.escape(spelt), REMOVED, text, flags=re.IGNORECASE)
    return _without_parts(text, key) if len(text) <= _MOST_FOR_PARTS else text


def _spellings(key: str) -> Iterator[str]:
    yield from (key, json.dumps(key)[1:-1], json.dumps(key)[1:-1].replace("/", r"\/"))
    yield from (quote(key), quote(key, safe=""), quote_plus(key), html.escape(key))
    raw = key.encode(errors="surrogatepass")
    yield raw.hex()
    for before in range(3):
        # A digit of base64 that also carries bits of what surrounds the key is left out.
        padded = b"\0" * before + raw
        whole = len(padded) * 8 // 6
        for written in (base64.b64encode(padded), base64.urlsafe_b64encode(padded)):
            yield written.decode()[(before * 8 + 5) // 6 : whole]


def _without_parts(text: str, key: str) -> str:
    parts = {key[at : at + _PART] for at in range(len(key) - _PART + 1)}
    starts = [at for at in range(len(text) - _PART + 1) if text[at : at + _PART] in parts]
    made, done = [], 0
    for first, last in _runs(starts):
        made += [text[done:first], REMOVED]
        done = last
    return "".join([*made, text[done:]])


def _runs(starts: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the stretches that parts cover, those that touch each other as one."""
    first = last = -1
    for start in starts:
        if start > last:
            if last >= 0:
                yield first, last
            first = start
        last = start + _PART
    if last >= 0:
        yield first, last
