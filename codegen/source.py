"""A manifest's text with its path, and the spans that point into it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A half-open range of code points `[start, end)` of one source text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place as an editor shows it: line and column, both counted from 1 in code points."""

    line: int
    column: int


NOWHERE = Span(start=0, end=0)


_LINE_END = re.compile(r"\r\n|\r|\n")


def _line_starts(text: str) -> tuple[int, ...]:
    """Return the offsets at which a line begins."""
    return (0, *(match.end() for match in _LINE_END.finditer(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file as text. `path` is how the user named it and is only ever printed.

    `base` is the offset of its first code point in the space that all files of a build
    share, so that a span alone says which file it points into.
    """

    path: str
    text: str
    base: int = 0
    starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the lines once; every diagnostic asks for them."""
        object.__setattr__(self, "starts", _line_starts(self.text))

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
        line = bisect_right(self.starts, offset)
        return Position(line=line, column=offset - self.starts[line - 1] + 1)

    def line_text(self, line: int) -> str:
        """Return the text of a line (counted from 1) without its line end."""
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
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


MAX_BYTES = 64 * 1024 * 1024


def _read_bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise UnreadableError("it is not a regular file", "name a YAML file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise UnreadableError(f"it cannot be read: {reason}", "check the path") from error
    if len(data) > MAX_BYTES:
        raise UnreadableError("it is larger than 64 MiB", "split it or remove what is not data")
    return data


def read(path: Path, shown: str | None = None, base: int = 0) -> Source:
    """Read a UTF-8 file, with or without a byte order mark, into a `Source`.

    `base` is where its offsets begin: behind the end of the file read before it. Raises
    `UnreadableError` for everything that keeps it from being text.
    """
    data = _read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"it is not UTF-8 (byte {error.start + 1})"
        before = data[: error.start].decode("utf-8-sig")
        raise UnreadableError(message, "save it as UTF-8", before) from error
    return Source(path=shown if shown is not None else str(path), text=text, base=base)
