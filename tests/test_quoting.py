"""The styles of target packs: what a real reader of each makes of a literal is the text itself."""

from __future__ import annotations

import ast
import csv
import io
import json
import sqlite3
import tomllib
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.quote import WITH_ESCAPES, Quoting, Style, UnspellableError, line_comment
from tests import toolchains
from tests.languages import needed, run
from tests.strategies import HIDDEN, HOSTILE, HOSTILE_PIECES

Read = Callable[[str], str]


def _read_fixed(literal: str) -> str:
    (text,) = tomllib.loads(f"text = {literal}").values()
    assert ast.literal_eval(literal) == text
    return str(text)


def _read_octal(literal: str) -> str:
    """Read a literal of bytes, as a C compiler does: Python has the same octal escapes."""
    text = ast.literal_eval(literal.encode("utf-8").decode("latin-1"))
    return str(text).encode("latin-1").decode("utf-8")


def _read_sql(literal: str) -> str:
    ((text,),) = sqlite3.connect(":memory:").execute(f"select {literal}").fetchall()
    return str(text)


def _read_csv(literal: str) -> str:
    ((text,),) = csv.reader(io.StringIO(literal, newline=""), strict=True)
    return text


# What reads a literal back; the styles that are not here are read by a program below.
READERS: dict[str, tuple[Quoting, Read]] = {
    "fixed": (Quoting(style=Style.FIXED), _read_fixed),
    "fixed, and more": (Quoting(style=Style.FIXED, also="$#{a"), _read_fixed),
    "utf16": (Quoting(style=Style.UTF16), json.loads),
    "utf16, and more": (Quoting(style=Style.UTF16, also="$<'"), json.loads),
    "octal": (Quoting(style=Style.OCTAL), _read_octal),
    "octal in single quotes": (Quoting(style=Style.OCTAL, mark="'", also="?"), _read_octal),
    "doubled": (Quoting(style=Style.DOUBLED), _read_csv),
    "doubled in single quotes": (Quoting(style=Style.DOUBLED, mark="'"), _read_sql),
}


def _is_unseen(char: str) -> bool:
    """Tell whether a character is a control, a format or none, or a mark that has no glyph."""
    is_control = unicodedata.category(char)[0] == "C" and char not in "\n\t"
    is_ignorable = char in "\u034f\u115f\u1160\u17b4\u17b5\u2028\u2029\u3164\uffa0"
    is_selector = "\ufe00" <= char <= "\ufe0f" or "\u180b" <= char <= "\u180f"
    return is_control or is_ignorable or is_selector or "\U000e0000" <= char <= "\U000e0fff"


def _agrees(quoting: Quoting, read: Read, text: str) -> None:
    try:
        literal = quoting.literal(text)
    except UnspellableError:
        assert quoting.style not in WITH_ESCAPES
        assert any(map(_is_unseen, text))
        return
    assert read(literal) == text
    assert HIDDEN.search(literal) is None
    assert not set(quoting.also) & set(literal[1:-1]) - set("\\uU{}0123456789abcdef")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("piece", HOSTILE_PIECES, ids=repr)
def test_literal_reads_back_as_the_text(name: str, piece: str) -> None:
    _agrees(*READERS[name], piece)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=150, deadline=None)
@given(HOSTILE)
def test_any_literal_reads_back_as_the_text(name: str, text: str) -> None:
    _agrees(*READERS[name], text)


def _spellable(quoting: Quoting) -> list[str]:
    texts = [*HOSTILE_PIECES, "".join(HOSTILE_PIECES), 'it\'s "both"', "\t\n"]
    if quoting.style in WITH_ESCAPES:
        return texts
    visible = [
        text.translate({ord(c): None for c in "".join(HIDDEN.findall(text))}) for text in texts
    ]
    kept = []
    for text in visible:
        try:
            quoting.literal(text)
        except UnspellableError:
            continue
        kept.append(text)
    return kept


def test_node_reads_braced_literals_as_the_texts() -> None:
    quoting = Quoting(style=Style.BRACED, also="$`")
    texts = _spellable(quoting)
    program = f"console.log(JSON.stringify([{', '.join(map(quoting.literal, texts))}]))"
    node = needed(toolchains.node(), "node")
    assert json.loads(run([node, "-e", program])) == texts


def test_shell_reads_its_literals_as_the_texts() -> None:
    quoting = Quoting(style=Style.SHELL, mark="'")
    texts = _spellable(quoting)
    assert len(texts) > len(HOSTILE_PIECES) // 2
    words = " ".join(map(quoting.literal, texts))
    printed = run(["/bin/sh", "-c", f"printf '%s\\001' {words}"])
    assert printed.split("\x01")[:-1] == texts


@pytest.mark.parametrize("style", [Style.DOUBLED, Style.SHELL])
@pytest.mark.parametrize("char", ["\x00", "\r", "\x1b", "\u202e", "\ufeff", "\x7f"], ids=repr)
def test_style_without_escapes_refuses_what_nobody_would_see(style: Style, char: str) -> None:
    with pytest.raises(UnspellableError, match=f"U\\+{ord(char):04X}"):
        Quoting(style=style, mark="'").literal(f"a{char}b")


@given(st.one_of(HOSTILE, st.text()))
def test_comment_stays_on_its_line_and_ends_none(text: str) -> None:
    shown = line_comment(text)
    assert len(f"# {shown}".splitlines()) == 1
    assert not shown.endswith("\\")
    assert not any(end in shown for end in ("*/", "-->"))
