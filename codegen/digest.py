"""The digest in an artifact's header: it tells an edit by hand from everything else."""

from __future__ import annotations

import hashlib
import re

_SIZE = 16
PLACEHOLDER = "sha256:" + "0" * _SIZE
_DIGEST = re.compile(rf"sha256:[0-9a-f]{{{_SIZE}}}")


def _of(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()[:_SIZE]


def has_place(head: str) -> bool:
    """Tell whether the first digest in the head of a text is the place for its own."""
    match = _DIGEST.search(head)
    return match is not None and match.group() == PLACEHOLDER


def sealed(text: str) -> str:
    """Replace the placeholder, which stands in the header, by the digest of the whole text."""
    return text.replace(PLACEHOLDER, _of(text), 1)


def is_untouched(text: str) -> bool:
    """Tell whether a sealed text, with LF line ends, is still as it was written."""
    match = _DIGEST.search(text)
    if match is None:
        return False
    blank = text[: match.start()] + PLACEHOLDER + text[match.end() :]
    return _of(blank) == match.group()
