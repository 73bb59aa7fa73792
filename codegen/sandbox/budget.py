"""How much the rendering of one file may do, and the fault of a template that wants more."""

from __future__ import annotations

from jinja2 import TemplateError

# For a file of any manifest, and more for each provider, listed id and row of its tables. The
# crate of the example takes an eighth of either at most.
STEPS, STEPS_PER_ENTRY = 1_000_000, 200
CHARACTERS, CHARACTERS_PER_ENTRY = 10_000_000, 4_000
# What takes longer than a turn of a loop counts as so many.
CALL = 20
TAKE_IN = 100


class FaultError(TemplateError):
    """What a template must not do, found while it runs; the traceback has the line."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.hint = hint


class Budget:
    """How much the rendering of one file may still do."""

    def __init__(self, entries: int = 0) -> None:
        """Begin with what a manifest of so many entries is worth."""
        self._most_steps = self._steps = STEPS + STEPS_PER_ENTRY * entries
        self._most_characters = self._characters = CHARACTERS + CHARACTERS_PER_ENTRY * entries

    def step(self, count: int = 1) -> None:
        """Pay for turns of a loop, or calls."""
        self._steps -= count
        if self._steps < 0:
            message = f"it takes more than {self._most_steps:,} steps"
            raise FaultError(message, "loop over less")

    def write(self, size: int) -> None:
        """Pay for characters: those that a filter makes, and those that are printed."""
        self._characters -= size
        if self._characters < 0:
            message = f"it makes more than {self._most_characters:,} characters"
            raise FaultError(message, "print less")
