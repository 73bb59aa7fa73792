"""A key is taken out of what a vendor says, however the vendor writes it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys.redaction import REMOVED, redacted

KEY = 'sk-proj/AB+cd_ef=gh"IJ<0123456789>abcdef'
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in JSON": json.dumps,
    "in JSON with escaped slashes": lambda key: json.dumps(key).replace("/", r"\/"),
    "in a URL": quote,
    "in a part of a URL": lambda key: quote(key, safe=""),
    "in a form": quote_plus,
    "in HTML": html.escape,
    "in hexadecimal": lambda key: key.encode().hex(),
    "in capital hexadecimal": lambda key: key.encode().hex().upper(),
    "in base64": lambda key: base64.b64encode(key.encode()).decode(),
    "after a user in base64": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "after two letters": lambda key: base64.b64encode(f"ab{key}cd".encode()).decode(),
    "in base64 of URLs": lambda key: base64.urlsafe_b64encode(f"a{key}??".encode()).decode(),
}


def pieces(text: str, size: int) -> set[str]:
    return {text[at : at + size] for at in range(len(text) - size + 1)}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_of_the_key_is_removed(spell: Callable[[str], str]) -> None:
    text = f"Incorrect key <<{spell(KEY)}>>, twice: {spell(KEY)}."
    made = redacted(text, KEY)
    assert made.count(REMOVED) == 2
    assert made.startswith("Incorrect key <<")
    assert pieces(spell(KEY), 8).isdisjoint(pieces(made, 8))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"It begins with {KEY[:16]}***.", f"It begins with {REMOVED}***."),
        (f"…{KEY[-12:]}", f"…{REMOVED}"),
        (f"{KEY[:20]} {KEY[20:]}", f"{REMOVED} {REMOVED}"),
        (f"{KEY[:11]}", KEY[:11]),
        ("sk-proj is how keys begin", "sk-proj is how keys begin"),
        ("", ""),
    ],
)
def test_a_long_part_of_the_key_is_removed(text: str, expected: str) -> None:
    assert redacted(text, KEY) == expected


@pytest.mark.parametrize("key", ["", "x", "abc"])
def test_what_is_too_short_to_be_a_secret_stays(key: str) -> None:
    assert redacted("xxx abc", key) == "xxx abc"


def test_in_a_long_text_whole_keys_are_removed() -> None:
    assert KEY not in redacted("a" * 200_000 + KEY + "b" * 200_000, KEY)


_KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=60)


@given(_KEYS, st.text(max_size=50), st.text(max_size=50))
def test_no_text_keeps_a_key(key: str, before: str, after: str) -> None:
    assert key not in redacted(before + key + after, key).replace(REMOVED, "\0")


@given(_KEYS, st.text(st.characters(min_codepoint=0x100), max_size=200))
def test_other_texts_stay_as_they_are(key: str, text: str) -> None:
    assert redacted(text, key) == text
