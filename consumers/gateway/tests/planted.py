"""Secrets that can be found again, however they are written, and what they are looked for in."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Part of every secret, and of nothing else in the world.
MARK = "Zq7LeakZq7"
_ORDER = itertools.count()


def secret(label: str) -> str:
    """Return a new secret that says what it is, with characters that JSON and URLs escape."""
    return f'sk-{MARK}-{label}-{next(_ORDER):04d}/+="x'


def encryption_key() -> str:
    """Return a key of 32 bytes in base64."""
    return base64.b64encode(f"{MARK}-encryption-key".encode().ljust(32, b"!")).decode()


def spellings(text: str) -> Iterator[bytes]:
    """Yield how a text may be written in the middle of something: plain, hex, base64.

    What JSON, URLs and HTML escape is not part of the texts that are looked for.
    """
    raw = text.encode()
    yield raw.lower()
    yield raw.hex().encode()
    for before in range(3):
        padded = b"\0" * before + raw
        whole = len(padded) * 8 // 6
        for written in (base64.b64encode(padded), base64.urlsafe_b64encode(padded)):
            yield written[(before * 8 + 5) // 6 : whole].lower()


@dataclass(slots=True)
class Witness:
    """All that came out of a gateway, piece by piece, and what may be in none of it."""

    tokens: set[str] = field(default_factory=set)
    pieces: list[tuple[str, bytes]] = field(default_factory=list)

    def saw(self, place: str, piece: bytes | str, *, but: str = "") -> None:
        """Keep a piece, without the one token that it is there to hand over."""
        raw = piece.encode() if isinstance(piece, str) else piece
        self.pieces.append((place, raw.replace(but.encode(), b"") if but else raw))

    def leaks(self) -> dict[str, str]:
        """Return the places where something was found, and what surrounds it."""
        hidden = {text for token in {MARK, *self.tokens} for text in spellings(token)}
        pattern = re.compile(b"|".join(re.escape(text) for text in sorted(hidden)))
        found = {}
        for place, piece in self.pieces:
            match = pattern.search(piece.lower())
            if match is not None:
                around = piece[max(0, match.start() - 80) : match.end() + 60]
                found[place] = around.decode(errors="replace")
        return found
