"""Base URLs that people bring: what one may look like."""

from __future__ import annotations

from urllib.parse import urlsplit


def checked_base_url(text: str) -> str:
    """Return a base URL without its last slash; raises ValueError with what is wrong.

    It is http or https, names a host, and carries neither a user nor a query: a key
    belongs in a header, where this service puts it.
    """
    if not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("a base URL holds no space, backslash or control character")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a base URL begins with https:// or http:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a base URL carries no user and no password")
    if "?" in text or "#" in text:
        raise ValueError("a base URL has no query and no fragment")
    if parts.port == 0:
        raise ValueError("port 0 is no port to call")
    return text.rstrip("/")
