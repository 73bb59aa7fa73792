"""What is given to a build besides the manifest and cannot be used: one exception for it."""

from __future__ import annotations


class InputError(Exception):
    """A setting or a target pack that cannot be used.

    `message` says what and where, `hint` what to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint
