"""Source text -> YAML nodes with spans; duplicate keys and hidden meanings are diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import yaml
from yaml import nodes as yaml_nodes

from codegen import faults
from codegen.diagnostics import Diagnostic
from codegen.source import Source, Span

# libyaml where the wheel carries it: the same nodes, ten times sooner.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 64
MAX_ALIASED_NODES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A scalar. `kind` is what YAML 1.1 makes of it: str, null, bool, int, float, …"""

    span: Span
    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence of nodes."""

    span: Span
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping; of two equal keys both stand here, in order, and a diagnostic says so."""

    span: Span
    entries: tuple[tuple[Scalar, Node], ...]


Node = Scalar | Sequence | Mapping


class _RefusedError(Exception):
    """Carries the one diagnostic that ends the reading of a text."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


# What YAML 1.1 does not allow in a stream (section 5.1), a lone surrogate included.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _check_characters(source: Source) -> None:
    match = _UNPRINTABLE.search(source.text)
    if match is not None:
        span = source.span(match.start(), match.end())
        raise _RefusedError(faults.forbidden_character(span, match.group()))


class _Mark(Protocol):
    """What both of PyYAML's parsers call a place."""

    index: int


def _offset(source: Source, mark: _Mark | None) -> int:
    return min(mark.index, len(source.text)) if mark is not None else 0


def _span(source: Source, start: _Mark | None, end: _Mark | None) -> Span:
    """Return the span of a node without the white space that YAML lets a block end in."""
    first, last = _offset(source, start), _offset(source, end)
    return source.span(first, first + len(source.text[first:last].rstrip()))


def _depth_change(event: yaml.Event) -> int:
    if isinstance(event, yaml.CollectionStartEvent):
        return 1
    return -1 if isinstance(event, yaml.CollectionEndEvent) else 0


def _event_fault(
    source: Source, event: yaml.Event, depth: int, documents: int
) -> Diagnostic | None:
    """Return the finding for an event that has no place in a manifest."""
    tag = getattr(event, "tag", None)
    if depth <= MAX_DEPTH and documents <= 1 and tag is None:
        return None
    span = _span(source, event.start_mark, event.end_mark)
    if depth > MAX_DEPTH:
        return faults.deep_nesting(span, MAX_DEPTH)
    if documents > 1:
        return faults.second_document(span)
    return faults.explicit_tag(span, str(tag))


def _check_events(source: Source) -> None:
    """Refuse what would make composing unsafe or the meaning of a node doubtful.

    A scan over the flat stream of events: no recursion, whatever the depth of the text.
    """
    depth = documents = 0
    for event in yaml.parse(source.text, Loader=_LOADER):
        depth += _depth_change(event)
        documents += isinstance(event, yaml.DocumentStartEvent)
        fault = _event_fault(source, event, depth, documents)
        if fault is not None:
            raise _RefusedError(fault)


def _kind(tag: str) -> str:
    """Return the last part of a YAML tag.

    >>> _kind("tag:yaml.org,2002:str")
    'str'
    """
    return tag.rpartition(":")[2]


class _Converter:
    """Turns composed YAML nodes into ours; anchors are expanded, within bounds."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._aliased = 0

    def node(self, node: yaml_nodes.Node) -> Node:
        span = _span(self.source, node.start_mark, node.end_mark)
        if isinstance(node, yaml_nodes.ScalarNode):
            return Scalar(span=span, text=node.value, kind=_kind(node.tag))
        self._count(node, span)
        self._open.add(id(node))
        converted = self._collection(node, span)
        self._open.discard(id(node))
        return converted

    def _count(self, node: yaml_nodes.Node, span: Span) -> None:
        """Bound what aliases may unfold to: a few hundred bytes can mean billions of nodes."""
        if id(node) in self._open:
            raise _RefusedError(faults.endless_alias(span, "the anchor contains itself"))
        if id(node) in self._seen:
            self._aliased += 1 + len(node.value)
            if self._aliased > MAX_ALIASED_NODES:
                message = f"the aliases unfold to more than {MAX_ALIASED_NODES:,} nodes"
                raise _RefusedError(faults.endless_alias(span, message))
        self._seen.add(id(node))

    def _collection(self, node: yaml_nodes.Node, span: Span) -> Node:
        if isinstance(node, yaml_nodes.SequenceNode):
            return Sequence(span=span, items=tuple(self.node(item) for item in node.value))
        entries = tuple((self._key(key), self.node(value)) for key, value in node.value)
        self.diagnostics.extend(_duplicate_keys(entries))
        return Mapping(span=span, entries=entries)

    def _key(self, node: yaml_nodes.Node) -> Scalar:
        span = _span(self.source, node.start_mark, node.end_mark)
        if not isinstance(node, yaml_nodes.ScalarNode):
            raise _RefusedError(faults.collection_key(span))
        kind = _kind(node.tag)
        if kind == "merge":
            raise _RefusedError(faults.merge_key(span))
        if kind != "str":
            self.diagnostics.append(faults.unquoted_word(span, node.value, kind, "the key"))
        return Scalar(span=span, text=node.value, kind=kind)


def _duplicate_keys(entries: tuple[tuple[Scalar, Node], ...]) -> Iterator[Diagnostic]:
    first: dict[str, Scalar] = {}
    for key, _ in entries:
        earlier = first.setdefault(key.text, key)
        if earlier is not key:
            yield faults.duplicate_key(key.span, key.text, earlier.span)


def _yaml_fault(source: Source, error: yaml.YAMLError) -> Diagnostic:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    offset = _offset(source, mark)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    context = getattr(error, "context", None)
    message = f"{problem} ({context})" if context else str(problem)
    # A mark can point at a line end; the character before it is what a reader sees.
    end = offset if offset >= len(source.text) else offset + 1
    return faults.yaml_syntax(source.span(offset, end), message)


def _compose(source: Source) -> tuple[Node, list[Diagnostic]]:
    _check_characters(source)
    _check_events(source)
    root = yaml.compose(source.text, Loader=_LOADER)
    if root is None:
        raise _RefusedError(faults.empty_manifest(source.span(0, len(source.text))))
    converter = _Converter(source)
    return converter.node(root), converter.diagnostics


def compose(source: Source) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """Compose a text into nodes with spans.

    Returns the root, or None where the text cannot be composed, and the findings: YAML
    syntax, forbidden features (tags, merge keys, several documents, runaway aliases or
    depth) and duplicate keys. Never raises for what stands in the text.
    """
    try:
        root, diagnostics = _compose(source)
    except _RefusedError as refused:
        return None, (refused.diagnostic,)
    except yaml.YAMLError as error:
        return None, (_yaml_fault(source, error),)
    return root, tuple(diagnostics)


_ESCAPES = {"x": 2, "u": 4, "U": 8}


def _raw_widths(raw: str) -> Iterator[int]:
    """Yield the source width of each character of a one-line scalar, its quotes left off."""
    quote = raw[:1] if raw[:1] in ("'", '"') else ""
    index, end = len(quote), len(raw) - len(quote)
    while index < end:
        width = 1
        if quote == "'" and raw[index] == "'":
            width = 2
        elif quote == '"' and raw[index] == "\\":
            width = 2 + _ESCAPES.get(raw[index + 1 : index + 2], 0)
        yield width
        index += width


def span_inside(source: Source, text: str, span: Span, start: int, end: int) -> Span:
    """Return where characters `[start, end)` of a scalar's value stand in the source.

    `text` is the value and `span` the whole scalar. Quotes and escapes are counted; a
    scalar over several lines has no simple answer and yields its whole span.
    """
    raw = source.slice(span)
    widths = list(_raw_widths(raw))
    if "\n" in raw or "\r" in raw or len(widths) != len(text):
        return span
    base = span.start + (1 if raw[:1] in ("'", '"') else 0)
    first = base + sum(widths[:start])
    return Span(start=first, end=max(first + sum(widths[start:end]), first + 1))
