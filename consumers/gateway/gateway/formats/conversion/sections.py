"""Puts the deltas of a chat stream in such an order that one section follows another.

The chat wire may mix the arguments of parallel tool calls, and text between them. The messages
wire has blocks that open and close once; the library gives a fragment to whichever block came
last, so that mixed ones would spoil each other's JSON.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gateway.formats.conversion.errors import GarbledAnswerError

# An escaped letter is one mark, so that an escaped quote is none.
_MARKS = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)
# What a delta of the chat wire adds to: its text, its reasoning, or a tool call by its index.
Key = str | int
_BLANKS = " \t\r\n"
# A vendor that never ends a call, and goes on with others, must not fill the memory.
MAX_HELD_DELTAS = 100_000


class JsonEnd:
    """Tells when the fragments of a JSON object have become a whole one; linear in their length."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_text = False
        self._is_escaped = False
        self.is_whole = False

    def feed(self, fragment: str) -> None:
        """Take in the next fragment."""
        start = 1 if self._is_escaped and fragment else 0
        self._is_escaped = self._is_escaped and not fragment
        for mark in _MARKS.findall(fragment, start):
            if mark == '"':
                self._in_text = not self._in_text
            elif mark == "\\":
                # The fragment ends here: what is escaped comes with the next one.
                self._is_escaped = True
            elif not self._in_text:
                self._step(mark)

    def _step(self, mark: str) -> None:
        if mark in "{[":
            self._depth += 1
        elif mark in "}]":
            self._depth -= 1
            self.is_whole = self._depth <= 0


@dataclass(slots=True)
class _Section:
    """The deltas of one section; of a tool call also how far its arguments are."""

    key: Key
    waiting: list[dict[str, Any]] = field(default_factory=list)
    end: JsonEnd | None = None

    @property
    def is_open(self) -> bool:
        """Whether more of it must come before another section may start."""
        return self.end is not None and not self.end.is_whole


class Sections:
    """Lets one section through as it comes and holds back the others until it is whole.

    Arguments that never become whole, as an empty text for no arguments, end with the stream.
    """

    def __init__(self) -> None:
        self._live: _Section | None = None
        self._held: dict[Key, _Section] = {}
        self._done: set[Key] = set()
        self._held_deltas = 0

    def add(self, key: Key, delta: dict[str, Any], arguments: str | None = None) -> list[Any]:
        """Return the deltas that may go on now, in order; raises GarbledAnswerError.

        `arguments` is the fragment of a tool call's arguments, and None for text.
        """
        live = self._live
        if live is not None and live.key == key:
            return self._go_on(live, delta, arguments)
        if key in self._done:
            return self._after_the_end(arguments)
        section = self._held.setdefault(key, self._new(key, arguments))
        self._hold(section, delta)
        if section.end is not None:
            section.end.feed(arguments or "")
        return [] if live is not None and live.is_open else self._let_through()

    def flush(self) -> list[Any]:
        """Return all that was held back, since nothing more will come."""
        held = [delta for section in self._held.values() for delta in section.waiting]
        self._held.clear()
        return held

    def _hold(self, section: _Section, delta: dict[str, Any]) -> None:
        section.waiting.append(delta)
        self._held_deltas += 1
        if self._held_deltas > MAX_HELD_DELTAS:
            raise GarbledAnswerError("the vendor began tool calls and did not end them")

    def _go_on(self, live: _Section, delta: dict[str, Any], arguments: str | None) -> list[Any]:
        if live.end is None:
            return [delta]
        if live.end.is_whole:
            return self._after_the_end(arguments)
        live.end.feed(arguments or "")
        return [delta, *self._let_through()] if live.end.is_whole else [delta]

    def _let_through(self) -> list[Any]:
        passed: list[Any] = []
        while self._held:
            key = next(iter(self._held))
            self._live = section = self._held.pop(key)
            passed += section.waiting
            self._held_deltas -= len(section.waiting)
            section.waiting = []
            if section.end is not None:
                self._done.add(key)
            if section.is_open:
                break
        return passed

    @staticmethod
    def _new(key: Key, arguments: str | None) -> _Section:
        return _Section(key=key, end=None if arguments is None else JsonEnd())

    @staticmethod
    def _after_the_end(arguments: str | None) -> list[Any]:
        if (arguments or "").strip(_BLANKS):
            raise GarbledAnswerError("the vendor went on with a tool call that was at its end")
        return []
