"""Facade tokens: how they are made, recognised and read from a request."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

FACADE_PREFIX = "fac_"


def mint(prefix: str = FACADE_PREFIX) -> str:
    """Return a new token: the prefix and 64 hex digits from the system's generator."""
    return prefix + secrets.token_hex(32)


def digest(token: str) -> bytes:
    """Return the SHA-256 of a token: all of it that is ever stored."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


def fingerprint(hashed: bytes) -> str:
    """Return the 12 hex digits of a digest by which logs tell tokens apart."""
    return hashed.hex()[:12]


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token of `Authorization: Bearer`, or None."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def presented(headers: Mapping[str, str], own_header: str | None = None) -> str | None:
    """Return the token of a request: an own header, then Bearer, then `x-api-key`."""
    own = headers.get(own_header, "").strip() if own_header else ""
    return own or bearer(headers) or headers.get("x-api-key", "").strip() or None
