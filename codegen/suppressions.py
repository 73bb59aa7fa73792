"""Comments that ignore findings: where they stand, what they reach, and which are at fault."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import attrgetter

from codegen import faults
from codegen.diagnostics import Diagnostic, Severity
from codegen.frozen import frozen
from codegen.nearest import did_you_mean
from codegen.rules import BY_CODE
from codegen.source import Source, Span
from codegen.syntax import Mapping, Node, Scalar, Sequence

_DIRECTIVE = re.compile(r"(?<!\S)#[ \t]*providers-codegen:[^\r\n]*")
_IGNORE = re.compile(r"#\s*providers-codegen:\s*ignore\[([^\]]*)\][ \t]*(.*)")


@frozen
class Suppression:
    """One code that a comment ignores: where it says so, what it reaches, and why."""

    code: str
    span: Span
    reach: Span
    reason: str


@frozen
class Suppressed:
    """A finding that was ignored, and the reason that the comment gives."""

    diagnostic: Diagnostic
    reason: str


def _nodes(root: Node) -> Iterator[Node]:
    """Yield a node and all below it; anchored ones once for each place that names them."""
    yield root
    if isinstance(root, Sequence):
        for item in root.items:
            yield from _nodes(item)
    elif isinstance(root, Mapping):
        for key, value in root.entries:
            yield key
            yield from _nodes(value)


def _entries(root: Node) -> Iterator[Span]:
    """Yield the span of every entry: an item of a list, or a key with its value."""
    if isinstance(root, Sequence):
        for item in root.items:
            yield item.span
            yield from _entries(item)
    elif isinstance(root, Mapping):
        for key, value in root.entries:
            yield Span(start=key.span.start, end=max(key.span.end, value.span.end))
            yield from _entries(value)


# Tuples of numbers compare much faster than spans, of which a manifest has a thousand.
_PLACE = attrgetter("start", "end")


class _Comments:
    """The comments of a file that speak to the compiler, and what stands around them."""

    def __init__(self, source: Source, root: Node) -> None:
        self.source = source
        texts = {node.span for node in _nodes(root) if isinstance(node, Scalar)}
        self._texts = sorted(texts, key=_PLACE)
        self._starts = [span.start for span in self._texts]
        self._entries = sorted(set(_entries(root)), key=_PLACE)

    def __iter__(self) -> Iterator[re.Match[str]]:
        for match in _DIRECTIVE.finditer(self.source.text):
            if not self._is_text(self.source.base + match.start()):
                yield match

    def _is_text(self, offset: int) -> bool:
        """Tell whether an offset stands inside a scalar, where a # is a # and no comment."""
        before = bisect_right(self._starts, offset) - 1
        return before >= 0 and offset < self._texts[before].end

    def reach(self, match: re.Match[str]) -> Span:
        """Return what a comment is about: its own line, or the next entry if it has a line."""
        position = self.source.position(self.source.base + match.start())
        line_start = match.start() - (position.column - 1)
        if self.source.text[line_start : match.start()].strip():
            return self.source.span(line_start, match.start())
        return self._next_entry(self.source.base + match.end())

    def _next_entry(self, offset: int) -> Span:
        """Return the first entry behind an offset: the widest of those that begin there."""
        index = bisect_left(self._entries, (offset, 0), key=_PLACE)
        if index == len(self._entries):
            return Span(start=offset, end=offset)
        start = self._entries[index].start
        return self._entries[bisect_left(self._entries, (start + 1, 0), key=_PLACE) - 1]


def _codes(source: Source, match: re.Match[str], listed: str) -> Iterator[tuple[str, Span]]:
    """Yield the codes of a comment, each with its place."""
    start = match.start() + match.group().index("[") + 1
    for part in re.finditer(r"[^,]+", listed):
        code = part.group().strip()
        at = start + part.start() + len(part.group()) - len(part.group().lstrip())
        yield code, source.span(at, at + max(len(code), 1))


def _fault(code: str, span: Span) -> Diagnostic | None:
    rule = BY_CODE.get(code)
    if rule is None:
        hint = did_you_mean(code, BY_CODE) or "write a code that `providers-codegen rules` lists"
        return faults.unknown_suppression(span, code, hint)
    is_error = rule.severity is Severity.ERROR
    return faults.suppressed_error(span, code) if is_error else None


def read(source: Source, root: Node) -> tuple[tuple[Suppression, ...], tuple[Diagnostic, ...]]:
    """Return what the comments of a file ignore, and the findings about these comments."""
    suppressions: list[Suppression] = []
    found: list[Diagnostic] = []
    if _DIRECTIVE.search(source.text) is None:
        return (), ()
    comments = _Comments(source, root)
    for match in comments:
        ignored = _IGNORE.fullmatch(match.group())
        if ignored is None or not ignored[1].strip(" ,"):
            found.append(faults.malformed_suppression(source.span(match.start(), match.end())))
            continue
        reach, reason = comments.reach(match), ignored[2].strip()
        if not reason:
            span = source.span(match.start(), match.end())
            found.append(faults.suppression_without_reason(span, ignored[1].strip()))
        for code, span in _codes(source, match, ignored[1]):
            fault = _fault(code, span)
            if fault is not None:
                found.append(fault)
            else:
                suppressions.append(Suppression(code=code, span=span, reach=reach, reason=reason))
    return tuple(suppressions), tuple(found)


class _Reaches:
    """What the comments about one code reach, asked about ever later places."""

    def __init__(self, suppressions: Iterable[Suppression]) -> None:
        groups: dict[Span, list[Suppression]] = {}
        for suppression in suppressions:
            groups.setdefault(suppression.reach, []).append(suppression)
        self._ahead = sorted(groups.items(), key=lambda group: group[0], reverse=True)
        self._open: list[tuple[Span, list[Suppression]]] = []

    def at(self, offset: int) -> list[list[Suppression]]:
        """Return the suppressions that reach an offset, those of one reach together."""
        while self._ahead and self._ahead[-1][0].start <= offset:
            self._open.append(self._ahead.pop())
        self._open = [group for group in self._open if offset < group[0].end]
        return [suppressions for _, suppressions in self._open]


def apply(
    diagnostics: Iterable[Diagnostic], suppressions: Iterable[Suppression]
) -> tuple[tuple[Diagnostic, ...], tuple[Suppressed, ...]]:
    """Take out the findings that comments ignore; add one for each comment that ignored none.

    The findings are expected settled. Returns those that are left and those that were ignored.
    """
    by_code: dict[str, list[Suppression]] = {}
    unused = dict.fromkeys(suppressions)
    for suppression in unused:
        by_code.setdefault(suppression.code, []).append(suppression)
    reaches = {code: _Reaches(about) for code, about in by_code.items()}
    left: list[Diagnostic] = []
    ignored: list[Suppressed] = []
    used: dict[Span, list[Suppression]] = {}
    for diagnostic in diagnostics:
        reached = reaches.get(diagnostic.code)
        covering = reached.at(diagnostic.span.start) if reached is not None else []
        used.update((group[0].span, group) for group in covering)
        if covering:
            nearest = max((group[-1] for group in covering), key=lambda s: s.span)
            ignored.append(Suppressed(diagnostic=diagnostic, reason=nearest.reason))
        else:
            left.append(diagnostic)
    spans = {suppression.span for group in used.values() for suppression in group}
    left += [faults.unused_suppression(s.span, s.code) for s in unused if s.span not in spans]
    return tuple(left), tuple(ignored)
