"""Texts as every database takes them, whatever a guest sent."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(value: str) -> str:
    """Return the text with what no database stores replaced: NUL and lone surrogates."""
    whole = value if value.isascii() else value.encode("utf-8", "replace").decode()
    return whole.replace("\0", _REPLACEMENT)


class StoredText(TypeDecorator[str]):
    """A column of text that never fails on what JSON may carry and PostgreSQL may not."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text as it can be stored."""
        return None if value is None else storable(value)
