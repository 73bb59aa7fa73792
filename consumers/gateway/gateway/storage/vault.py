"""Encrypts what is stored, and ties it to the place where it is stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_LABEL = 4


class SealBrokenError(Exception):
    """What is stored was sealed with another key, or for another place."""


class Vault:
    """Seals texts with AES-256-GCM under the first of its keys, and opens those of all.

    A key is 32 bytes in base64. The place (a table and its key) is authenticated but not
    stored, so that a row copied over another cannot be opened there.
    """

    __slots__ = ("_first", "_keys")

    def __init__(self, keys: str) -> None:
        made = [_key(text) for text in keys.split(",")]
        self._keys = {_label(key): AESGCM(key) for key in made}
        self._first = _label(made[0])

    def seal(self, text: str, place: str) -> bytes:
        """Return the sealed text: the key's label, a nonce, and what only the key opens."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._keys[self._first].encrypt(nonce, text.encode(), place.encode())
        return self._first + nonce + sealed

    def open(self, sealed: bytes, place: str) -> str:
        """Return what was sealed for this place; raises SealBrokenError."""
        key = self._keys.get(sealed[:_LABEL])
        if key is None:
            raise SealBrokenError(place)
        nonce, rest = sealed[_LABEL : _LABEL + _NONCE], sealed[_LABEL + _NONCE :]
        try:
            return key.decrypt(nonce, rest, place.encode()).decode()
        except (InvalidTag, ValueError):
            raise SealBrokenError(place) from None


def new_key() -> str:
    """Return a new key, as the settings take it."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise ValueError("a key is 32 bytes in base64; `openssl rand -base64 32` makes one")
    return key


def _label(key: bytes) -> bytes:
    return hashlib.sha256(b"gateway vault " + key).digest()[:_LABEL]
