"""Where a span is, as the formats say it: a path, and where it starts and ends."""

from __future__ import annotations

from codegen.frozen import frozen
from codegen.source import Position, Sources, Span


@frozen
class Place:
    """A span in its file. `end` is the position behind the last character.

    `last` is that of the last character itself; of an empty span, its start. `offset` and
    `end_offset` count code points from the start of the file.
    """

    path: str
    start: Position
    end: Position
    last: Position
    offset: int
    end_offset: int


def place(sources: Sources, span: Span) -> Place:
    """Return where a span is; what reaches past the end of its file ends there."""
    source = sources.at(span)
    start, end = min(span.start, source.end), min(span.end, source.end)
    return Place(
        path=source.path,
        start=source.position(start),
        end=source.position(end),
        last=source.position(max(start, end - 1)),
        offset=start - source.base,
        end_offset=end - source.base,
    )
