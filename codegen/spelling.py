"""The text of a scalar or a comment as it stands -> the same one in canonical spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# A word that needs no quotes, unless some version of YAML reads it as something else.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_NOT_TEXT = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

# What double quotes hold without an escape that single quotes do not know.
_ORDINARY = re.compile(r'(?:[^\\]|\\["\\/])*')
_HEADER = re.compile(r"(?P<style>[|>])(?:(?P<chomp>[+-])|(?P<digit>[1-9]))*[ \t]*(?P<comment>#.*)?")

STEP = 2


def comment(text: str) -> str:
    """Return a comment with a space after its `#`; rulers, `##` and `#!` stay as they are.

    >>> comment("#one"), comment("# two "), comment("#---"), comment("#!three")
    ('# one', '# two', '#---', '#!three')
    """
    text = text.rstrip()
    body = text[1:]
    is_told = not body or body[0] in " \t#!" or not any(letter.isalnum() for letter in body)
    return text if is_told else f"# {body}"


def _value(text: str) -> str | None:
    """Return what a quoted scalar of one line says; None where it needs double quotes."""
    inner = text[1:-1]
    if text[0] == "'":
        return inner.replace("''", "'")
    return re.sub(r"\\(.)", r"\1", inner) if _ORDINARY.fullmatch(inner) else None


def _quoted(text: str) -> str:
    value = _value(text)
    if value is None:
        return text
    if _WORD.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    if "'" in value and not set(value) & {'"', "\\"}:
        return f'"{value}"'
    return "'" + value.replace("'", "''") + "'"


def _without_end(line: str, quote: str) -> str:
    """Take white space off the end of a line, but not what a backslash makes part of the text."""
    kept = line.rstrip(" \t")
    slashes = len(kept) - len(kept.rstrip("\\"))
    return line[: len(kept) + 1] if quote == '"' and slashes % 2 else kept


def _indented(lines: Iterable[str], indent: int) -> Iterator[str]:
    return (" " * indent + line if line else "" for line in lines)


def _folded(text: str, indent: int) -> str:
    """Indent the lines of a plain or quoted scalar that goes over several."""
    first, *rest = text.split("\n")
    lines = (_without_end(line.lstrip(" \t"), text[0]) for line in rest)
    return "\n".join([_without_end(first, text[0]), *_indented(lines, indent)])


def _block_lines(lines: list[str], start: int, chomp: str) -> list[str]:
    """Cut the indentation off the lines of a block scalar, and blank lines that say nothing."""
    cut = [line[start:] for line in lines]
    while cut and not cut[-1] and chomp != "+":
        cut.pop()
    return cut


def _block_start(lines: list[str]) -> int:
    """Return the column in which a block scalar begins that does not say it."""
    widths = (len(line) - len(line.lstrip(" ")) for line in lines if line.strip(" "))
    return next(widths, max(map(len, lines), default=0))


def _block(text: str, parent: int, indent: int) -> str:
    header, *lines = text.split("\n")
    match = _HEADER.fullmatch(header)
    if match is None:
        return text
    digit, chomp = match["digit"], match["chomp"] or ""
    if lines and lines.pop().strip(" "):
        # The file ends in mid-line, and with it the text; the line end to come must not count.
        lines, chomp = text.split("\n")[1:], "-"
    start = parent + int(digit) if digit else _block_start(lines)
    tail = f"  {comment(match['comment'])}" if match["comment"] else ""
    head = f"{match['style']}{STEP if digit else ''}{chomp}{tail}"
    cut = _block_lines(lines, start, chomp)
    return "\n".join([head, *_indented(cut, indent)])


def blank_end(text: str) -> int:
    """Return how much of the end of a block scalar is blank lines that are not part of it."""
    match = _HEADER.match(text)
    if match is None or match["chomp"] == "+":
        return 0
    end = text[len(text.rstrip(" \n")) :]
    return len(end) - end.find("\n") - 1 if "\n" in end else 0


def header_comment(text: str) -> str | None:
    """Return the comment that stands behind the `|` or `>` of a block scalar, if any."""
    match = _HEADER.fullmatch(text.partition("\n")[0])
    return comment(match["comment"]) if match and match["comment"] else None


def scalar(text: str, *, parent: int, indent: int) -> str:
    r"""Return a scalar in canonical spelling; what it says stays the same.

    `text` is all of it, quotes and lines included, `parent` the column that the collection
    around it had, and `indent` that of its further lines from now on. Plain text is never
    interpreted. A word in quotes loses them where no version of YAML would read it as a
    boolean or null; other quoted text of one line takes single quotes, or double quotes
    where these save an escape, and keeps every escape that only double quotes know.

    >>> scalar('"word"', parent=0, indent=2), scalar('"a: \\x07"', parent=0, indent=2)
    ('word', '"a: \\x07"')
    """
    if text[0] in "|>":
        # At the top of a document, too, its lines must be indented.
        return _block(text, parent, max(indent, STEP))
    if "\n" in text:
        return _folded(text, indent)
    return _quoted(text) if text[0] in "'\"" else text
