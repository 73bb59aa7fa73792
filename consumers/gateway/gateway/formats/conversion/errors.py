"""What can go wrong between two wire formats."""

from __future__ import annotations


class UnconvertibleRequestError(Exception):
    """The guest's body has no like in the vendor's wire format; the text is for the guest."""


class GarbledAnswerError(Exception):
    """The vendor's answer, or an event of it, is not of its wire format."""


class TruncatedStreamError(Exception):
    """The vendor's stream stopped before the end that its wire format demands."""
