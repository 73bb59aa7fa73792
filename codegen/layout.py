"""Nested literals as lines that black leaves alone: on one line, or one item a line."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.frozen import frozen
from codegen.quote import width

LINE = 88
INDENT = 4


@frozen
class Group:
    """A bracketed list of (prefix, tree); a block is never put on one line.

    `opening` may carry a name, like `Provider(`; an item's prefix is `key=` or `"key": `.
    """

    opening: str
    items: tuple[tuple[str, Tree], ...]
    closing: str
    is_block: bool = False
    is_tuple: bool = False


Tree = str | Group


def tuple_of(*items: Tree) -> Group:
    """Return a tuple literal; one item gets the comma that makes it a tuple."""
    return Group(opening="(", items=tuple(("", item) for item in items), closing=")", is_tuple=True)


def list_of(*items: Tree) -> Group:
    """Return a list literal."""
    return Group(opening="[", items=tuple(("", item) for item in items), closing="]")


def flat(tree: Tree) -> str:
    """Return a tree on one line, without a trailing comma but for a one-element tuple.

    >>> flat(tuple_of('"a"')), flat(list_of("1", "2"))
    ('("a",)', '[1, 2]')
    """
    if isinstance(tree, str):
        return tree
    body = ", ".join(prefix + flat(item) for prefix, item in tree.items)
    comma = "," if tree.is_tuple and len(tree.items) == 1 else ""
    return f"{tree.opening}{body}{comma}{tree.closing}"


def _has_block(tree: Tree) -> bool:
    if isinstance(tree, str):
        return False
    return (tree.is_block and bool(tree.items)) or any(_has_block(item) for _, item in tree.items)


def _lines(prefix: str, tree: Tree, suffix: str, level: int) -> Iterator[str]:
    margin = " " * (INDENT * level)
    if not _has_block(tree):
        line = margin + prefix + flat(tree) + suffix
        if not isinstance(tree, Group) or not tree.items or width(line) <= LINE:
            yield line
            return
    assert isinstance(tree, Group)
    yield margin + prefix + tree.opening
    for item_prefix, item in tree.items:
        yield from _lines(item_prefix, item, ",", level + 1)
    yield margin + tree.closing + suffix


def laid_out(prefix: str, tree: Tree, suffix: str = "", level: int = 0) -> str:
    """Return a statement or item as text: `prefix`, the tree, `suffix`, indented by levels.

    >>> print(laid_out("x = ", Group(opening="f(", items=(("a=", "1"),), closing=")",
    ...                              is_block=True)))
    x = f(
        a=1,
    )
    """
    return "\n".join(_lines(prefix, tree, suffix, level))
