"""Source text -> the same manifest in canonical form, every comment in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from codegen.diagnostics import Diagnostic, has_errors
from codegen.outline import Move, Place, placed
from codegen.source import Source
from codegen.spelling import scalar
from codegen.syntax import Node, Scalar, Sequence, compose
from codegen.tokens import Kind, Token, UnreadableError, comments, tokens


class RefusedError(Exception):
    """A sound text that is better left alone. `message` says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint


# printing


def _column(old: int, moves: tuple[Move, ...], above: Move | None) -> int:
    """Return the new column of a comment that stood in the column `old`.

    `above` is given where it goes on with a comment right above it, in the same column.
    """
    best = next((move for move in moves if move.old == old), above)
    if best is None:
        left = (move for move in moves if move.old < old)
        best = max(left, key=lambda move: move.old, default=moves[0])
    return best.new


def _ended(line: str, place: Place) -> Iterator[str]:
    """Yield a line with its trailing comment, and the lines between it and the next token."""
    gap, above = place.token.gap, None
    if gap.trailing is None:
        yield line
    else:
        yield f"{line}  {gap.trailing.text}"
        above = Move(old=gap.trailing.column, new=len(line.rpartition("\n")[2]) + 2)
    for found in gap.lines:
        if found is None:
            above = None
            yield ""
            continue
        above = above if above is not None and above.old == found.column else None
        yield " " * _column(found.column, place.moves, above) + found.text


def _printed(found: tuple[Token, ...]) -> str:
    lines: list[str] = []
    # The line at hand in pieces, for one line may hold a whole manifest.
    line: list[str] = []
    for place in placed(found):
        if place.is_joined:
            line.append(place.space)
        else:
            lines += _ended("".join(line), place)
            line = [" " * place.indent]
        is_scalar = place.token.kind is Kind.SCALAR
        text = place.token.text
        line.append(scalar(text, parent=place.parent, indent=place.inner) if is_scalar else text)
    return "\n".join([*lines, ""]).lstrip("\n")


# the safety net


def _bare(node: Node) -> object:
    """Return what a node says, without its place."""
    if isinstance(node, Scalar):
        return node.kind, node.text
    if isinstance(node, Sequence):
        return [_bare(item) for item in node.items]
    return {"entries": [(_bare(key), _bare(value)) for key, value in node.entries]}


_LINE_END = re.compile("\r\n|\r")
_UNSURE = re.compile("[\x85\u2028\u2029]")


def _normal(source: Source) -> str:
    """Return the text with line feeds as its only line ends."""
    match = _UNSURE.search(source.text)
    if match is not None:
        line = source.position(match.start()).line
        name = f"U+{ord(match.group()):04X}"
        message = f"line {line} has {name}, at which some readers of YAML end a line"
        raise RefusedError(message, "write it as an escape inside double quotes")
    return _LINE_END.sub("\n", source.text)


_HINT = "please report it, and format this file by hand"


def _tokens(text: str) -> tuple[Token, ...]:
    try:
        return tokens(text)
    except UnreadableError as error:
        raise RefusedError(f"YAML 1.2 reads it in another way: {error}", _HINT) from error


def _is_same(content: Node, source: Source) -> bool:
    root, diagnostics = compose(source)
    return root is not None and not has_errors(diagnostics) and _bare(root) == _bare(content)


def _formatted(source: Source, content: Node) -> str:
    before = _tokens(_normal(source))
    text = _printed(before)
    if not _is_same(content, replace(source, text=text)):
        raise RefusedError("in canonical form it would not mean the same", _HINT)
    after = _tokens(text)
    if comments(after) != comments(before):
        raise RefusedError("in canonical form it would not have the same comments", _HINT)
    if _printed(after) != text:
        raise RefusedError("its canonical form is not stable", _HINT)
    return text


def formatted(source: Source) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """Return a manifest in canonical form; docs/manifest.md says what that is.

    Returns the text, or None and the findings where the source is not sound YAML; what else
    is wrong with it does not matter here. The text is proved before it is returned: it
    composes to the same nodes, has the same comments in the same order, and is its own
    canonical form. Raises `RefusedError` where that cannot be had.
    """
    content, diagnostics = compose(source)
    if content is None or has_errors(diagnostics):
        return None, diagnostics
    return _formatted(source, content), diagnostics
