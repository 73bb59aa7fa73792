"""Which headers of a guest go on to a vendor, and which of a vendor come back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gateway.formats.wires import WireProtocol

Headers = tuple[tuple[str, str], ...]

# What only the connection to us is about, or what we say anew to the vendor.
_DROPPED = frozenset(
    (
        "accept-encoding",
        "authorization",
        "connection",
        "cookie",
        "cookie2",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-real-ip",
    )
)
# What describes a body that is not sent as it came, the guest's network, or is for us alone.
_DROPPED_BEGINNINGS = ("content-", "x-admin-", "x-forwarded-", "x-gateway-")
_PART = re.compile("[a-z0-9]+")
_SECRET_PARTS = frozenset(
    ("apikey", "auth", "authorization", "cookie", "key", "passwd", "password", "secret", "token")
)
# Clients name an attempt by it, so that a vendor does not serve it twice.
_NO_SECRETS = frozenset(("idempotency-key", "x-idempotency-key"))
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_RETRY = "retry-after"
_REQUEST_IDS: dict[WireProtocol, str] = {"openai": "x-request-id", "anthropic": "request-id"}


def _is_secret(name: str) -> bool:
    return name not in _NO_SECRETS and not _SECRET_PARTS.isdisjoint(_PART.findall(name))


def _is_dropped(name: str) -> bool:
    # Some servers take an underscore for a hyphen, and would find two lengths of one body.
    spelt = name.replace("_", "-")
    return spelt in _DROPPED or spelt.startswith(_DROPPED_BEGINNINGS) or _is_secret(name)


def forwarded(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of a guest that a vendor may see, in their order.

    Names are in lower case, as ASGI has them, values are bytes as latin-1. Those that
    `Connection` names are hop by hop too. A name with a part that speaks of a secret stays
    here, whatever separates its parts; so does what is about the guest's network, and a
    value that is no text.
    """
    given = list(headers)
    hops = {hop for name, value in given if name == "connection" for hop in _listed(value)}
    return tuple(
        (name, text)
        for name, value in given
        if name not in hops and not _is_dropped(name) and (text := _text(value)) is not None
    )


def _listed(value: str) -> Iterator[str]:
    return (item.strip().lower() for item in value.split(","))


def _text(value: str) -> str | None:
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return None


def to_vendor(
    headers: Iterable[tuple[str, str]], extra: Headers, credential: tuple[str, str]
) -> Headers:
    """Return what a vendor gets: the guest's, then ours where it has none, the key last."""
    kept = [pair for pair in forwarded(headers) if pair[0] != credential[0].lower()]
    names = {name for name, value in kept if value}
    added = [(name, value) for name, value in extra if name.lower() not in names]
    replaced = {name.lower() for name, _ in added}
    mine = [pair for pair in kept if pair[0] not in replaced]
    ours = [("content-type", "application/json"), ("accept-encoding", "identity")]
    return (*mine, *ours, *added, credential)


def to_guest(headers: Iterable[tuple[str, str]], protocol: WireProtocol) -> Headers:
    """Return what of a vendor's headers a guest sees: when to retry, and the request's id.

    The id goes by the name that the guest's own clients read. Of each the first counts, and
    one that is not plain text is none.
    """
    found = {name.lower(): value for name, value in reversed([*headers]) if _is_plain(value)}
    name, retry = _REQUEST_IDS[protocol], found.get(_RETRY)
    identity = next((found[one] for one in (name, *_REQUEST_IDS.values()) if one in found), None)
    named = ((_RETRY, retry), (name, identity))
    return tuple((name, value) for name, value in named if value is not None)


def _is_plain(value: str) -> bool:
    return bool(value) and _PRINTABLE.fullmatch(value) is not None
