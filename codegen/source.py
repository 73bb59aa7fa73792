"""A manifest's text with its path, and the spans that point into it."""

from __future__ import annotations

import codecs
import os
import re
import stat
from bisect import bisect_left, bisect_right
from dataclasses import field
from itertools import accumulate, islice
from pathlib import Path

from codegen.frozen import frozen


@frozen
class Span:
    """A half-open range of code points `[start, end)` of one source text."""

    start: int
    end: int

    def __lt__(self, other: Span) -> bool:
        """Tell whether this one stands first; of two that begin together, the shorter does."""
        return (self.start, self.end) < (other.start, other.end)


@frozen
class Position:
    """A place as an editor shows it: line and column, both counted from 1 in code points."""

    line: int
    column: int


NOWHERE = Span(start=0, end=0)


# Lines are counted in steps of so many characters: to remember where each one begins would
# take ten times the memory of a file of short lines.
_STEP = 1 << 12


def _line_ends(text: str, start: int, end: int) -> int:
    """Return how many line ends have their last character in `[start, end)`."""
    pairs = text.count("\r\n", start, end + 1)
    return text.count("\n", start, end) + text.count("\r", start, end) - pairs


def _steps(text: str) -> tuple[int, ...]:
    """Return how many line ends stand before each step of a text."""
    ends = (_line_ends(text, start, start + _STEP) for start in range(0, len(text), _STEP))
    return tuple(accumulate(ends, initial=0))


_LINE_END = re.compile(r"\r\n|\r|\n")


@frozen
class Source:
    """A file as text. `path` is how the user named it and is only ever printed.

    `base` is the offset of its first code point in the space that all files of a build
    share, so that a span alone says which file it points into.
    """

    path: str
    text: str
    base: int = 0
    _steps: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Count the lines once; every diagnostic asks for them."""
        object.__setattr__(self, "_steps", _steps(self.text))

    @property
    def end(self) -> int:
        """The offset right behind the text; a caret at the end of the file stands there."""
        return self.base + len(self.text)

    def span(self, start: int, end: int) -> Span:
        """Return the span of code points `[start, end)`, counted from the start of the text."""
        return Span(start=self.base + start, end=self.base + end)

    def slice(self, span: Span) -> str:
        """Return the text that a span covers."""
        return self.text[max(span.start - self.base, 0) : max(span.end - self.base, 0)]

    def position(self, offset: int) -> Position:
        """Return the position of a shared offset; an offset past the end is the end."""
        offset = min(offset, self.end) - self.base
        step = offset // _STEP
        line = self._steps[step] + _line_ends(self.text, step * _STEP, offset) + 1
        return Position(line=line, column=offset - self._start(line) + 1)

    def _start(self, line: int) -> int:
        """Return where in the text a line (counted from 1) begins."""
        step = max(bisect_left(self._steps, line - 1) - 1, 0)
        ends = _LINE_END.finditer(self.text, step * _STEP)
        wanted = line - 2 - self._steps[step]
        return 0 if line == 1 else next(islice(ends, wanted, None)).end()

    def line_text(self, line: int) -> str:
        """Return the text of a line (counted from 1) without its line end."""
        start = self._start(line)
        end = _LINE_END.search(self.text, start)
        return self.text[start : end.start() if end is not None else None]


@frozen
class Sources:
    """The files of a build: the manifest, then its overlays, their bases in rising order."""

    files: tuple[Source, ...]

    def at(self, span: Span) -> Source:
        """Return the file that a span points into."""
        bases = [source.base for source in self.files]
        return self.files[max(bisect_right(bases, span.start) - 1, 0)]


class UnreadableError(Exception):
    """The file cannot be had as text: missing, not a file, not permitted or not UTF-8.

    `message` is one sentence, `hint` says what to do, `text` is what could be decoded
    before the place that could not.
    """

    def __init__(self, message: str, hint: str, text: str = "") -> None:
        """Keep the parts apart so that a report can place them."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.text = text


# Three times the largest manifest that we know how to mean.
MAX_BYTES = 16 * 1024 * 1024


def _without_waiting(path: str, flags: int) -> int:
    """Open a file, or what has taken its place: a pipe would keep us until somebody writes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_bytes(path: Path) -> bytes:
    """Return what a regular file holds; a pipe is never opened. Raises `UnreadableError`."""
    irregular = UnreadableError("it is not a regular file", "name a YAML file")
    try:
        if path.exists() and not path.is_file():
            raise irregular
        with open(path, "rb", opener=_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise irregular
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise UnreadableError(f"it cannot be read: {reason}", "check the path") from error
    except ValueError as error:
        raise UnreadableError("no file can have such a name", "check the path") from error
    return _bounded(data)


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise UnreadableError("it is larger than 16 MiB", "split it or remove what is not data")
    return data


def read(path: Path, shown: str | None = None, base: int = 0) -> Source:
    """Read a UTF-8 file, with or without a byte order mark, into a `Source`.

    `base` is where its offsets begin: behind the end of the file read before it. Raises
    `UnreadableError` for everything that keeps it from being text.
    """
    return decoded(read_bytes(path), shown if shown is not None else str(path), base)


def decoded(data: bytes, shown: str, base: int = 0) -> Source:
    """Return the bytes of a file as a `Source`; `read` says what they must be."""
    data = _bounded(data)
    marked = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        text = data[marked:].decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"it is not UTF-8 (byte {marked + error.start + 1})"
        before = data[marked : marked + error.start].decode("utf-8")
        raise UnreadableError(message, "save it as UTF-8", before) from error
    return Source(path=shown, text=text, base=base)
