"""The three wire formats that guests may speak, and what each of them is called in a URL."""

from __future__ import annotations

import enum
from typing import Literal

WireProtocol = Literal["openai", "anthropic"]


class Wire(enum.Enum):
    """A wire format: the path that follows a base URL, and its protocol.

    Two of the three belong to one protocol: they share base URLs, keys and error shapes.
    """

    RESPONSES = "responses"
    CHAT = "chat/completions"
    MESSAGES = "messages"

    @property
    def protocol(self) -> WireProtocol:
        """The protocol whose surface serves this wire format."""
        return "anthropic" if self is Wire.MESSAGES else "openai"

    @property
    def path(self) -> str:
        """What follows the base URL of a surface, with its slash."""
        return f"/{self.value}"
