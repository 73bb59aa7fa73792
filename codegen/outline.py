"""Tokens -> where each of them goes in canonical form, and the comments before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from codegen.frozen import frozen
from codegen.spelling import STEP
from codegen.tokens import Kind, Token


@frozen
class Move:
    """A column of the old text and the one that takes its place."""

    old: int
    new: int


@frozen
class Place:
    """A token and where it goes.

    `indent` is its column as the first of its line, unless `is_joined`: then it goes on with
    the line of the token before, behind `space`. `moves` are the columns that comments before
    it can take. `parent` is the old column of the collection around it, and `inner` the new
    one of its further lines, if it has any.
    """

    token: Token
    indent: int
    is_joined: bool
    space: str
    moves: tuple[Move, ...]
    parent: int
    inner: int


@frozen
class _Level:
    """An open block collection, and the column in which its entries stood."""

    kind: Kind
    column: int
    is_indentless: bool = False


_START = Token(kind=Kind.MARKER, text="", column=0)
_VALUES = {Kind.SCALAR, Kind.ALIAS, Kind.ANCHOR, Kind.OPEN}


class _Outline:
    """What is open at a token: block collections, brackets, and the token before it."""

    def __init__(self) -> None:
        self.levels: list[_Level] = []
        self.levels_before: tuple[_Level, ...] = ()
        self.brackets = 0
        self.bracket_indent = 0
        self.last = _START
        # Whether a key or an item of a block collection begins with the next token.
        self.is_entry = False

    # what is open

    def enter(self, token: Token) -> None:
        """Keep count of the block collections; inside of brackets there are none."""
        if self.brackets:
            return
        if token.kind in {Kind.END, Kind.KEY, Kind.COLON}:
            self._leave_indentless()
        if token.kind is Kind.END:
            self.levels.pop()
        elif token.kind in {Kind.MAPPING, Kind.SEQUENCE}:
            self.levels.append(_Level(kind=token.kind, column=token.column))
        elif token.kind is Kind.DASH and self._is_in(Kind.MAPPING):
            # A list whose dashes stand in the column of the keys begins without a word.
            level = _Level(kind=Kind.SEQUENCE, column=token.column, is_indentless=True)
            self.levels.append(level)
        self.is_entry = self.is_entry or token.kind in {Kind.KEY, Kind.DASH}

    def _is_in(self, kind: Kind) -> bool:
        return bool(self.levels) and self.levels[-1].kind is kind

    def _leave_indentless(self) -> None:
        if self.levels and self.levels[-1].is_indentless:
            self.levels.pop()

    def _is_deeper(self) -> bool:
        return len(self.levels) > len(self.levels_before)

    # columns

    def _entry_indent(self) -> int:
        return STEP * max(len(self.levels) - 1, 0)

    def _value_indent(self) -> int:
        return STEP * len(self.levels)

    def _inner_indent(self) -> int:
        if self.brackets:
            return self.bracket_indent + STEP * self.brackets
        return self._value_indent()

    def _indent(self, token: Token) -> int:
        if self.brackets:
            return self._inner_indent() - (STEP if token.kind is Kind.CLOSE else 0)
        is_entry = self.is_entry or token.kind is Kind.COLON
        return self._entry_indent() if is_entry else self._value_indent()

    def _open(self, *, is_joined: bool) -> None:
        """Enter a bracket; the outermost one says where the lines inside are counted from."""
        if not self.brackets:
            is_after_key = is_joined and self._is_in(Kind.MAPPING)
            self.bracket_indent = self._entry_indent() if is_after_key else self._value_indent()
        self.brackets += 1

    def _moves(self, token: Token, indent: int) -> Iterator[Move]:
        """Yield the columns that comments before a token can mean, the token's own first."""
        yield Move(old=token.column, new=self._inner_indent() if self.brackets else indent)
        for depth, level in enumerate(self.levels_before[len(self.levels) :], len(self.levels)):
            yield Move(old=level.column, new=STEP * depth)
        is_bare = self.last.kind in {Kind.COLON, Kind.DASH, Kind.ANCHOR} and not self.brackets
        if is_bare and self.levels_before:
            # Below a key or a dash without a value: where the value would stand.
            deepest = self.levels_before[-1].column
            yield Move(old=deepest + 1, new=STEP * len(self.levels_before))

    # lines

    def _is_joined(self, token: Token) -> bool:
        """Tell whether a token goes on with the line of the one before it."""
        if not token.gap.is_broken or token.gap.comments():
            return not token.gap.is_broken
        if self.brackets and token.kind in {Kind.COMMA, Kind.COLON}:
            return True
        if self.is_entry and not self.brackets:
            return self._is_deeper() and self.last.kind is Kind.DASH
        is_led = self.last.kind in {Kind.DASH, Kind.KEY, Kind.COLON, Kind.ANCHOR}
        return token.kind in _VALUES and is_led

    def _space(self, token: Token) -> str:
        """Return what stands before a token that goes on with a line."""
        if self.last.kind is Kind.OPEN:
            return ""
        if token.kind is Kind.COLON:
            return " " if self.last.kind in {Kind.ALIAS, Kind.ANCHOR, Kind.KEY} else ""
        if token.kind in {Kind.COMMA, Kind.CLOSE}:
            return " " if self.last.kind in {Kind.COLON, Kind.KEY} else ""
        return " "

    def place(self, token: Token) -> Place:
        indent, is_joined = self._indent(token), self._is_joined(token)
        moves = tuple(self._moves(token, indent)) if token.gap.comments() else ()
        if token.kind is Kind.OPEN:
            self._open(is_joined=is_joined)
        place = Place(
            token=token,
            indent=indent,
            is_joined=is_joined,
            space=self._space(token),
            moves=moves,
            parent=self.levels[-1].column if self.levels else 0,
            inner=self._inner_indent(),
        )
        self.brackets -= token.kind is Kind.CLOSE
        self.last, self.levels_before, self.is_entry = token, tuple(self.levels), False
        return place


def _without_last_commas(found: Iterable[Token]) -> Iterator[Token]:
    """Leave a comma out that stands before a closing bracket on the same line."""
    comma: Token | None = None
    for token in found:
        is_last = token.kind is Kind.CLOSE and not token.gap.is_broken
        if comma is not None and is_last:
            yield replace(token, gap=comma.gap)
        else:
            yield from (comma,) if comma is not None else ()
            yield from (token,) if token.kind is not Kind.COMMA else ()
        comma = token if token.kind is Kind.COMMA else None


def placed(found: Iterable[Token]) -> Iterator[Place]:
    """Yield a place for each token that has a text, and one for the end of the text.

    Entries of a block collection go two columns deeper than those of the one around it, the
    lines in a bracket two deeper than the bracket's own. Line breaks stay as they are, but a
    value moves up to its key or dash where no comment stands between.
    """
    outline = _Outline()
    for token in _without_last_commas(found):
        outline.enter(token)
        if token.text or token.kind is Kind.STOP:
            yield outline.place(token)
