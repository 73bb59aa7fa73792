"""Which wire format reaches which protocol, and how."""

from __future__ import annotations

from gateway.formats.conversion.chat_guest import ChatGuest
from gateway.formats.conversion.interface import Conversion
from gateway.formats.conversion.messages_guest import MessagesGuest
from gateway.formats.conversion.responses_guest import ResponsesGuest
from gateway.formats.wires import Wire, WireProtocol

_CONVERSIONS: dict[tuple[Wire, WireProtocol], Conversion] = {
    (Wire.CHAT, "anthropic"): ChatGuest(),
    (Wire.RESPONSES, "anthropic"): ResponsesGuest(),
    (Wire.MESSAGES, "openai"): MessagesGuest(),
}


def conversion(inbound: Wire, vendor: WireProtocol) -> Conversion | None:
    """Return how this wire format reaches a surface of that protocol, or None where it cannot.

    None also where the protocols are the same: then nothing is converted.
    """
    return _CONVERSIONS.get((inbound, vendor))
