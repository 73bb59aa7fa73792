"""The one way in which checks find what stands in a manifest twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codegen.diagnostics import Note
from codegen.ir import Text


def first_here(text: Text) -> tuple[Note, ...]:
    """Return the note that points to where a text stood first."""
    return (Note(span=text.span, message="first here"),)


def repeats(texts: Iterable[Text]) -> Iterator[tuple[Text, tuple[Note, ...]]]:
    """Yield every text that stood there before, with a note that points to the first."""
    first: dict[str, Text] = {}
    for text in texts:
        earlier = first.setdefault(text, text)
        if earlier is not text:
            yield text, first_here(earlier)
