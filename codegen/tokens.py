"""Manifest text -> the tokens that YAML finds in it, each with what stands before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum, auto

from codegen.frozen import frozen
from codegen.spelling import blank_end, comment, header_comment


class Kind(Enum):
    """What a token is; the first five mark places and may have no text."""

    MAPPING = auto()
    SEQUENCE = auto()
    END = auto()
    KEY = auto()
    STOP = auto()
    DASH = auto()
    COLON = auto()
    COMMA = auto()
    OPEN = auto()
    CLOSE = auto()
    ANCHOR = auto()
    ALIAS = auto()
    SCALAR = auto()
    MARKER = auto()


@frozen
class Comment:
    """A comment in canonical spelling, and the column in which it stands."""

    text: str
    column: int


@frozen
class Gap:
    """What stands between two tokens.

    `trailing` is the comment on the line of the token before; `lines` are the lines
    between, where None is one blank line or several; `is_broken` tells whether the token
    after it stands on another line than the one before.
    """

    trailing: Comment | None
    lines: tuple[Comment | None, ...]
    is_broken: bool

    def comments(self) -> tuple[Comment, ...]:
        """Return the comments in order."""
        return tuple(found for found in (self.trailing, *self.lines) if found is not None)


NO_GAP = Gap(trailing=None, lines=(), is_broken=False)


@frozen
class Token:
    """A token as it is written, where it stood, and the gap before it."""

    kind: Kind
    text: str
    column: int
    gap: Gap = NO_GAP


class UnreadableError(Exception):
    """The scanner cannot split the text; the message is one sentence."""


_KINDS = {
    "<block mapping start>": Kind.MAPPING,
    "<block sequence start>": Kind.SEQUENCE,
    "<block end>": Kind.END,
    "<stream end>": Kind.STOP,
    "?": Kind.KEY,
    "-": Kind.DASH,
    ":": Kind.COLON,
    ",": Kind.COMMA,
    "[": Kind.OPEN,
    "{": Kind.OPEN,
    "]": Kind.CLOSE,
    "}": Kind.CLOSE,
    "<anchor>": Kind.ANCHOR,
    "<alias>": Kind.ALIAS,
    "<scalar>": Kind.SCALAR,
    "<directive>": Kind.MARKER,
    "<document start>": Kind.MARKER,
    "<document end>": Kind.MARKER,
}


@frozen
class _Mark:
    """A place in the text: its offset, and how far it stands from the start of its line."""

    offset: int
    column: int


def _scanned(text: str) -> Iterator[tuple[Kind, _Mark, _Mark]]:
    """Yield the kind of each token and where it begins and ends."""
    # Here, so that no command but the one that formats waits for it.
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    # The scanner stops at a tab before a comment, which YAML allows; the shape is the same.
    shape = text.replace("\t", " ")
    try:
        for found in YAML(typ="rt").scan(shape):
            if found.id in _KINDS:
                first, last = found.start_mark, found.end_mark
                start = _Mark(offset=first.index, column=first.column)
                yield _KINDS[found.id], start, _Mark(offset=last.index, column=last.column)
    except YAMLError as error:
        raise UnreadableError(str(getattr(error, "problem", None) or error)) from error


def _comment(line: str, offset: int) -> Comment | None:
    """Read a line of a gap: a comment, or None where it is blank."""
    text = line.lstrip(" \t")
    if not text:
        return None
    if text[0] != "#":
        raise UnreadableError(f"{text[:20]!r} is neither a token nor a comment")
    return Comment(text=comment(text), column=offset + len(line) - len(text))


def _without_doubles(lines: Iterable[Comment | None]) -> Iterator[Comment | None]:
    """Make one blank line of several."""
    was_blank = False
    for line in lines:
        if line is not None or not was_blank:
            yield line
        was_blank = line is None


def _gap(between: str, column: int, *, is_fresh: bool) -> Gap:
    """Read what stands before a token.

    `column` is where it begins; `is_fresh` tells that nothing stands before it on its line.
    """
    first, *rest = between.split("\n")
    # What the last line holds is the indentation of the token.
    own = [first, *rest][:-1] if is_fresh else rest[:-1]
    return Gap(
        trailing=None if is_fresh else _comment(first, column),
        lines=tuple(_without_doubles(_comment(line, 0) for line in own)),
        is_broken=is_fresh or bool(rest),
    )


def _last_gap(between: str, column: int, *, is_fresh: bool) -> Gap:
    """Read what stands behind the last token; the file may end without a line end."""
    told = between.rstrip()
    gap = _gap(told + "\n" if told else "", column, is_fresh=is_fresh)
    return replace(gap, is_broken=True)


def _tokens(text: str) -> Iterator[Token]:
    at = _Mark(offset=0, column=0)
    is_fresh = True
    for kind, start, end in _scanned(text):
        between = text[at.offset : start.offset]
        if kind is Kind.STOP:
            gap = _last_gap(between, at.column, is_fresh=is_fresh)
            yield Token(kind=kind, text="", column=0, gap=gap)
            # The scanner may say twice that the text is over.
            return
        if start == end:
            yield Token(kind=kind, text="", column=start.column)
            continue
        told = text[start.offset : end.offset]
        gap = _gap(between, at.column, is_fresh=is_fresh)
        yield Token(kind=kind, text=told, column=start.column, gap=gap)
        at = _Mark(offset=end.offset - blank_end(told), column=end.column)
        is_fresh = text[at.offset - 1] == "\n"


def tokens(text: str) -> tuple[Token, ...]:
    """Split a text with line feeds as its only line ends into tokens; the last one is STOP.

    Whatever is not a token is a comment or white space, and stands in some token's gap.
    Raises `UnreadableError` where the scanner, which reads YAML 1.2, does not follow.
    """
    return tuple(_tokens(text))


def comments(found: tuple[Token, ...]) -> tuple[str, ...]:
    """Return the texts of all comments in order, those of block scalars included."""
    return tuple(text for token in found for text in _comments_of(token))


def _comments_of(token: Token) -> Iterator[str]:
    yield from (comment.text for comment in token.gap.comments())
    header = header_comment(token.text) if token.kind is Kind.SCALAR else None
    if header is not None:
        yield header
