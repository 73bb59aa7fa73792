"""What the service asks of a conversion."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.formats.events import Event
from gateway.formats.wires import Wire


class StreamConversion(Protocol):
    """One stream on its way from a vendor's wire format to the guest's."""

    def feed(self, event: Event) -> list[Event]:
        """Return the guest's events for one event of the vendor's; raises GarbledAnswerError.

        An error in mid-stream comes back as the error event of the guest's wire format, with
        the vendor's text; after it, and after the stream's proper end, nothing comes any more.
        """

    def finish(self) -> list[Event]:
        """Return what is left when the vendor's bytes end; raises TruncatedStreamError where
        neither the proper end nor an error was seen before."""


class Conversion(Protocol):
    """A way from the guest's wire format to a vendor's, and back."""

    @property
    def vendor_wire(self) -> Wire:
        """The wire format that the vendor is spoken to in."""

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the request for the vendor; raises UnconvertibleRequestError.

        The guest's body is not changed. A streaming one for the chat wire asks for usage.
        """

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the vendor's whole answer for the guest; raises GarbledAnswerError."""

    def stream(self, request: dict[str, Any]) -> StreamConversion:
        """Return a fresh conversion of a stream that answers this request of the guest."""
