"""A JSON pointer, with `*` for every item -> the nodes of a document that it selects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import compress, islice

from codegen.frozen import frozen
from codegen.nearest import nearest
from codegen.source import Span
from codegen.syntax import Mapping, Node, Scalar, Sequence

EVERY = "*"


@frozen
class Pointer:
    """A pointer of RFC 6901; the token `*` is every item of a list, every value of a mapping."""

    text: str
    tokens: tuple[str, ...]

    @property
    def parent(self) -> Pointer:
        """The pointer without its last token; of the whole document, itself."""
        return Pointer(text=self.text.rpartition("/")[0], tokens=self.tokens[:-1])


class PointerError(Exception):
    """A text that is no pointer. `message` says why, `hint` what to write."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint


_ESCAPES = {"~0": "~", "~1": "/"}
_ESCAPE = re.compile("~.?", re.DOTALL)


def _token(text: str, part: str) -> str:
    """Return the token that a part of a pointer stands for (RFC 6901, section 4)."""
    for escape in _ESCAPE.findall(part):
        if escape not in _ESCAPES:
            raise PointerError(f"{text!r} is no JSON pointer", "write ~0 for ~ and ~1 for /")
    return _ESCAPE.sub(lambda escape: _ESCAPES[escape.group()], part)


def _part(token: str) -> str:
    """Return how a token is written in a pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def parse_pointer(text: str) -> Pointer:
    """Parse a pointer; the empty text is the whole document. Raises `PointerError`.

    >>> parse_pointer("/a~1b/*/0").tokens
    ('a/b', '*', '0')
    """
    if text and not text.startswith("/"):
        steps = text.lstrip("$.").replace("[]", ".*").replace("[*]", ".*").replace(".", "/")
        raise PointerError(f"{text!r} is no JSON pointer", f"write /{steps}")
    return Pointer(text=text, tokens=tuple(_token(text, part) for part in text.split("/")[1:]))


_INDEX = re.compile("0|[1-9][0-9]{0,8}")


@frozen
class Selected:
    """A node with where it was found: the place of what holds it, and which of its items it is.

    Both together are one for a node that several pointers, or aliases of what holds it, lead to.
    """

    node: Node
    within: Span
    index: int = 0


def items(node: Sequence | Mapping) -> Iterator[Selected]:
    """Yield the items of a list, or the values of a mapping."""
    values = node.items if isinstance(node, Sequence) else (value for _, value in node.entries)
    for index, value in enumerate(values):
        yield Selected(node=value, within=node.span, index=index)


def _children(node: Node, token: str) -> Iterator[Selected]:
    """Yield what a token names below a node; of two equal keys, which are a fault, both."""
    if isinstance(node, Mapping):
        named = (token in (EVERY, key.text) for key, _ in node.entries)
        yield from compress(items(node), named)
    elif isinstance(node, Sequence) and token == EVERY:
        yield from items(node)
    elif isinstance(node, Sequence) and _INDEX.fullmatch(token):
        yield from islice(items(node), int(token), int(token) + 1)


def _levels(root: Node, pointer: Pointer) -> Iterator[tuple[Selected, ...]]:
    """Yield what each step reaches, the root first; an empty level is the last."""
    level: tuple[Selected, ...] = (Selected(node=root, within=root.span),)
    yield level
    for token in pointer.tokens:
        level = tuple(child for each in level for child in _children(each.node, token))
        yield level
        if not level:
            return


def select(root: Node, pointer: Pointer) -> tuple[Selected, ...]:
    """Return what a pointer selects, in the order of the document."""
    *_, last = _levels(root, pointer)
    return last


@frozen
class DeadEnd:
    """Where a pointer that leads to nothing ends: the place to look at, and what may be wrong.

    `missing` is the token that names nothing there, and `near` a pointer to what has nearly that
    name; both are empty where there is no such thing.
    """

    pointer: Pointer
    span: Span
    missing: str = ""
    near: str = ""


# A mapping of more keys is data, in which no key is a misspelt one.
_MOST_KEYS = 1_000


def dead_end(root: Node, pointer: Pointer) -> DeadEnd:
    """Return where a pointer ends: at what it selects, or else before the step that fails."""
    levels = list(_levels(root, pointer))
    if levels[-1]:
        return DeadEnd(pointer=pointer, span=levels[-1][0].node.span)
    node, token = levels[-2][0].node, pointer.tokens[len(levels) - 2]
    if not isinstance(node, Mapping) or not node.entries:
        return DeadEnd(pointer=pointer, span=node.span)
    # Whatever is selected stands below it, so a key of a scalar is not the one that is meant.
    entries = (key for key, value in node.entries if not isinstance(value, Scalar))
    deeper = {key.text: key for key in islice(entries, _MOST_KEYS)}
    near = nearest(token, deeper, most=1)
    if not near:
        return DeadEnd(pointer=pointer, span=node.entries[0][0].span)
    reached = pointer.text.split("/")[: len(levels) - 1]
    return DeadEnd(
        pointer=pointer,
        span=deeper[near[0]].span,
        missing=token,
        near="/".join([*reached, _part(near[0])]),
    )
