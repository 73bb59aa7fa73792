"""Source text -> YAML nodes with spans; duplicate keys and hidden meanings are diagnostics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar, Protocol

import yaml

from codegen import faults
from codegen.diagnostics import MAX_FINDINGS, Diagnostic
from codegen.frozen import frozen
from codegen.source import Source, Span

# libyaml where the wheel carries it: the same nodes, ten times sooner.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 64
# A thousand providers on each of fifty runtimes, with 100,000 ids, are 350,000 nodes.
MAX_NODES = 640_000
MAX_ALIASED_NODES = 10_000
MAX_ALIASED_CHARACTERS = 1_000_000


@frozen
class Scalar:
    """A scalar. `kind` is what YAML 1.1 makes of it: str, null, bool, int, float, …"""

    span: Span
    text: str
    kind: str


@frozen
class Sequence:
    """A sequence of nodes."""

    span: Span
    items: tuple[Node, ...]


@frozen
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


# What a reader drops at the start of a file; a second one would be a hidden character.
_BYTE_ORDER_MARK = re.compile("\ufeff")


def _check_characters(source: Source) -> None:
    match = _BYTE_ORDER_MARK.match(source.text) or _UNPRINTABLE.search(source.text)
    if match is not None:
        span = source.span(match.start(), match.end())
        raise _RefusedError(faults.forbidden_character(span, match.group()))


class _Mark(Protocol):
    """What both of PyYAML's parsers call a place."""

    index: int


def _offset(source: Source, mark: _Mark | None) -> int:
    return min(mark.index, len(source.text)) if mark is not None else 0


# More of these, each looked up among all before it, would keep the parser busy for good.
_MAX_TAG_DIRECTIVES = 16
_TAG_DIRECTIVE = re.compile("(?<![^\\r\\n\\x85\\u2028\\u2029])%TAG[^\\r\\n\\x85\\u2028\\u2029]*")


def _check_directives(source: Source) -> None:
    found = islice(_TAG_DIRECTIVE.finditer(source.text), _MAX_TAG_DIRECTIVES, None)
    for match in found:
        raise _RefusedError(faults.explicit_tag(source.span(*match.span()), match.group()))


def _span(source: Source, start: _Mark | None, end: _Mark | None) -> Span:
    """Return the span of a node without the white space that YAML lets a block end in."""
    first, last = start.index if start else 0, end.index if end else 0
    if first < last and source.text[last - 1].isspace():
        last = first + len(source.text[first:last].rstrip())
    return source.span(first, last)


_RESOLVERS: dict[str | None, list[tuple[str, re.Pattern[str]]]] = _LOADER.yaml_implicit_resolvers


def _kind(text: str) -> str:
    """Return the last part of the tag that YAML 1.1 resolves a plain scalar to.

    >>> _kind("word"), _kind("yes"), _kind("1_000")
    ('str', 'bool', 'int')
    """
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return tag.rpartition(":")[2]
    return "str"


@frozen
class _Weight:
    """What a reader of a node reads: all nodes below it and their characters."""

    nodes: int
    characters: int


@dataclass(slots=True, kw_only=True)
class _Open:
    """A collection that has begun and not yet ended; of a mapping, keys and values in turn."""

    event: yaml.CollectionStartEvent
    is_mapping: bool
    nodes: int
    characters: int
    children: list[Node] = field(default_factory=list)


class _Composer:
    """Builds our nodes from the flat stream of events: no recursion, whatever the text is.

    An alias is the very node of its anchor. What the aliases unfold to is bounded, since a
    few hundred bytes of them can mean billions of nodes.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self.diagnostics: list[Diagnostic] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, _Weight] | None] = {}
        self._documents = 0
        self._nodes = self._characters = 0
        self._aliased_nodes = self._aliased_characters = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event. Raises `_RefusedError` for what has no place in a manifest."""
        step = self._STEPS.get(type(event))
        if step is not None:
            step(self, event)

    def _at(self, event: yaml.Event) -> Span:
        return _span(self.source, event.start_mark, event.end_mark)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            raise _RefusedError(faults.second_document(self._at(event)))
        if event.tags:
            raise _RefusedError(faults.explicit_tag(self._at(event), "%TAG"))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._begin(event)
        text = event.value
        self._characters += len(text)
        kind = _kind(text) if event.implicit[0] else "str"
        scalar = Scalar(span=self._at(event), text=text, kind=kind)
        if event.anchor is not None:
            self._anchors[event.anchor] = (scalar, _Weight(nodes=1, characters=len(text)))
        self._put(scalar, scalar.span)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        self._begin(event)
        if len(self._open) >= MAX_DEPTH:
            raise _RefusedError(faults.deep_nesting(self._at(event), MAX_DEPTH))
        if event.anchor:
            self._anchors[event.anchor] = None
        begun = _Open(
            event=event,
            is_mapping=isinstance(event, yaml.MappingStartEvent),
            nodes=self._nodes - 1,
            characters=self._characters,
        )
        self._open.append(begun)

    def _finish(self, event: yaml.CollectionEndEvent) -> None:
        begun = self._open.pop()
        span = _span(self.source, begun.event.start_mark, event.end_mark)
        node = self._collection(begun, span)
        if begun.event.anchor is not None:
            nodes, characters = self._nodes - begun.nodes, self._characters - begun.characters
            weight = _Weight(nodes=nodes, characters=characters)
            self._anchors[begun.event.anchor] = (node, weight)
        self._put(node, span)

    def _collection(self, begun: _Open, span: Span) -> Node:
        children = begun.children
        if not begun.is_mapping:
            return Sequence(span=span, items=tuple(children))
        if not children:
            return Mapping(span=span, entries=())
        keys = (key for key in children[::2] if isinstance(key, Scalar))
        entries = tuple(zip(keys, children[1::2], strict=True))
        room = MAX_FINDINGS + 1 - len(self.diagnostics)
        self.diagnostics.extend(islice(_duplicate_keys(entries), max(room, 0)))
        return Mapping(span=span, entries=entries)

    def _begin(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        """Refuse what no node may have, before anything is made of it."""
        if event.tag is not None:
            raise _RefusedError(faults.explicit_tag(self._at(event), event.tag))
        if event.anchor in self._anchors:
            message = f"the anchor {event.anchor!r} is here twice"
            raise _RefusedError(faults.yaml_syntax(self._at(event), message))
        self._nodes += 1
        if self._nodes > MAX_NODES:
            reason = f"it has more than {MAX_NODES:,} values"
            hint = "split it or remove what is not data"
            raise _RefusedError(faults.unreadable_file(self._at(event), reason, hint))

    def _put(self, node: Node, span: Span) -> None:
        """Put a node where it belongs; `span` is where it stands, maybe as an alias."""
        if not self._open:
            self.root = node
            return
        within = self._open[-1]
        if within.is_mapping and not len(within.children) % 2:
            self._check_key(node, span)
        within.children.append(node)

    def _check_key(self, node: Node, span: Span) -> None:
        if not isinstance(node, Scalar):
            raise _RefusedError(faults.collection_key(span))
        if node.kind == "merge":
            raise _RefusedError(faults.merge_key(span))
        if node.kind != "str":
            self.diagnostics.append(faults.unquoted_word(span, node.text, node.kind, "the key"))

    def _alias(self, event: yaml.AliasEvent) -> None:
        span = self._at(event)
        if event.anchor not in self._anchors:
            message = f"no anchor above is called {event.anchor!r}"
            raise _RefusedError(faults.yaml_syntax(span, message))
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise _RefusedError(faults.endless_alias(span, "the anchor contains itself"))
        node, weight = anchored
        self._unfold(weight, span)
        self._put(node, span)

    def _unfold(self, weight: _Weight, span: Span) -> None:
        self._nodes += weight.nodes
        self._characters += weight.characters
        self._aliased_nodes += weight.nodes
        self._aliased_characters += weight.characters
        if self._aliased_nodes > MAX_ALIASED_NODES:
            message = f"the aliases unfold to more than {MAX_ALIASED_NODES:,} nodes"
            raise _RefusedError(faults.endless_alias(span, message))
        if self._aliased_characters > MAX_ALIASED_CHARACTERS:
            message = f"the aliases unfold to more than {MAX_ALIASED_CHARACTERS:,} characters"
            raise _RefusedError(faults.endless_alias(span, message))

    _STEPS: ClassVar[dict[type[yaml.Event], Callable[[_Composer, Any], None]]] = {
        yaml.DocumentStartEvent: _document,
        yaml.ScalarEvent: _scalar,
        yaml.AliasEvent: _alias,
        yaml.SequenceStartEvent: _start,
        yaml.MappingStartEvent: _start,
        yaml.SequenceEndEvent: _finish,
        yaml.MappingEndEvent: _finish,
    }


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
    _check_directives(source)
    composer = _Composer(source)
    for event in iter(_LOADER(source.text).get_event, None):
        composer.take(event)
    if composer.root is None:
        raise _RefusedError(faults.empty_manifest(source.span(0, len(source.text))))
    return composer.root, composer.diagnostics


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
