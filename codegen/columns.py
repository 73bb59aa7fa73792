"""Cells -> a table for a terminal: as wide as it may be, however wide its characters are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from codegen.quote import width, without_hidden

# A cell is paragraphs: each begins on a line of its own, and wraps at spaces.
Cell = tuple[str, ...]

_GAP = "  "
# A word breaks only in a column that is this wide; where that does not help, rows become lists.
_LEAST = 20


def _pieces(word: str, room: int) -> Iterator[str]:
    """Cut a word that is too long for its column."""
    piece = ""
    for char in word:
        if piece and width(piece + char) > room:
            yield piece
            piece = ""
        piece += char
    yield piece


def wrapped(text: str, room: int) -> list[str]:
    """Return a text as lines of at most `room` columns; a word breaks only where it must.

    What a reader cannot see is U+FFFD, so a text cannot move what stands beside it.

    >>> wrapped("gpt-5.5 gpt-5.4", 10)
    ['gpt-5.5', 'gpt-5.4']
    """
    lines = [""]
    for word in without_hidden(text, "\ufffd").split(" "):
        for piece in [word] if width(word) <= room else _pieces(word, room):
            joined = f"{lines[-1]} {piece}" if lines[-1] else piece
            if width(joined) <= room:
                lines[-1] = joined
            else:
                lines.append(piece)
    return lines


def _padded(text: str, room: int) -> str:
    return text + " " * (room - width(text))


def _widest(texts: Iterable[str]) -> int:
    return max((width(without_hidden(text, "\ufffd")) for text in texts), default=0)


def _narrowed(widths: list[int], floors: Sequence[int], room: int) -> list[int]:
    """Take from the widest column that may still give, until the sum fits or none may."""
    fitted = list(widths)
    while sum(fitted) > room:
        giving = [index for index, floor in enumerate(floors) if fitted[index] > floor]
        if not giving:
            break
        fitted[max(giving, key=lambda index: fitted[index])] -= 1
    return fitted


def _fitted(columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return how wide each column is, or None where one would get too narrow to read.

    The columns give way as far as their words stay whole, and only then further.
    """
    widths = [_widest(texts) for texts in columns]
    words = [_widest(word for text in texts for word in text.split(" ")) for texts in columns]
    rest = room - len(_GAP) * (len(columns) - 1)
    fitted = _narrowed(widths, words, rest)
    fitted = _narrowed(fitted, [min(_LEAST, each) for each in fitted], rest)
    return fitted if sum(fitted) <= rest else None


def _row(cells: Sequence[Cell], widths: Sequence[int]) -> Iterator[str]:
    columns = [
        [line for text in cell for line in wrapped(text, room)]
        for cell, room in zip(cells, widths, strict=True)
    ]
    for lines in zip_longest(*columns, fillvalue=""):
        padded = (_padded(line, room) for line, room in zip(lines, widths, strict=True))
        yield _GAP.join(padded).rstrip()


def _list(heads: Sequence[str], cells: Sequence[Cell], room: int) -> Iterator[str]:
    """Yield a row as a list, for a terminal too narrow for columns."""
    inner = max(room - len(_GAP), 1)
    for head, cell in zip(heads, cells, strict=True):
        for index, text in enumerate(cell):
            name = "" if index else f"{head.lower()}: "
            first, *others = wrapped(name + text, inner)
            yield (_GAP if index else "") + first
            yield from (_GAP + line for line in others)


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]], room: int) -> Iterator[str]:
    """Yield the lines of a table that is at most `room` wide, its head first.

    Where the columns would get too narrow to read, each row is a list instead.
    """
    columns = [
        [head, *(text for row in rows for text in row[index])] for index, head in enumerate(heads)
    ]
    widths = _fitted(columns, room)
    if widths is None:
        for index, row in enumerate(rows):
            yield from [""] if index else []
            yield from _list(heads, row, room)
        return
    yield from _row([(head,) for head in heads], widths)
    for row in rows:
        yield from _row(row, widths)
