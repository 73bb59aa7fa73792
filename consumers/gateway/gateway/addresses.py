"""Base URLs that people bring: what one may look like."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def checked_base_url(text: str) -> str:
    """Return a base URL without its last slash; raises ValueError with what is wrong.

    It is http or https, names a host, and carries neither a user nor a query: a key
    belongs in a header, where this service puts it.
    """
    if not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("a base URL holds no space, backslash or control character")
    parts = _parts(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a base URL begins with https:// or http:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a base URL carries no user and no password")
    if "?" in text or "#" in text:
        raise ValueError("a base URL has no query and no fragment")
    return text.rstrip("/")


def _parts(text: str) -> SplitResult:
    """Return the parts of a URL whose port is a number; no message repeats any of it."""
    try:
        parts = urlsplit(text)
        is_callable = parts.port != 0
    except ValueError:
        is_callable = False
    if not is_callable:
        raise ValueError("a base URL names a host that can be called, and a port if any")
    return parts
