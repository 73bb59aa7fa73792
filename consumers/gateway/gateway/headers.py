"""Which headers of a guest go on to a vendor, and which of a vendor come back."""

from __future__ import annotations

from collections.abc import Iterable

# What only the connection to us is about, or what we say anew to the vendor.
_DROPPED = frozenset(
    (
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    )
)
# What speaks of the guest's network, and what is said to us alone, keys among it.
_OURS = ("x-forwarded-", "x-gateway-", "x-admin-")
_SECRET_PARTS = frozenset(("token", "secret", "apikey", "auth"))
_RETURNED = ("retry-after", "request-id", "x-request-id")

Headers = tuple[tuple[str, str], ...]


def _is_secret(name: str) -> bool:
    spelt = name.replace("_", "-")
    return "api-key" in spelt or not _SECRET_PARTS.isdisjoint(spelt.split("-"))


def forwarded(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of a guest that a vendor may see, in their order.

    Names are in lower case, as ASGI has them. Those that `Connection` names are hop by
    hop too. What is about the guest's network or for us alone stays here.
    """
    given = list(headers)
    hops = {
        hop.strip().lower()
        for name, value in given
        if name == "connection"
        for hop in value.split(",")
    }
    return tuple(
        (name, value)
        for name, value in given
        if name not in _DROPPED
        and name not in hops
        and not name.startswith(_OURS)
        and not _is_secret(name)
    )


def to_vendor(
    headers: Iterable[tuple[str, str]], extra: Headers, credential: tuple[str, str]
) -> Headers:
    """Return what a vendor gets: the guest's, then ours where it has none, the key last."""
    kept = [pair for pair in forwarded(headers) if pair[0] != credential[0].lower()]
    names = {name for name, _ in kept}
    ours = [("content-type", "application/json"), ("accept-encoding", "identity")]
    added = [(name, value) for name, value in extra if name.lower() not in names]
    return (*kept, *ours, *added, credential)


def to_guest(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of a vendor that a guest sees: when to retry, and its request id."""
    return tuple((name.lower(), value) for name, value in headers if name.lower() in _RETURNED)
