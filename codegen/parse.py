"""YAML nodes -> IR; unknown keys, missing keys and wrong types are diagnostics."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TypeVar

from codegen import faults, schema
from codegen.canonical import dumps
from codegen.diagnostics import MAX_FINDINGS, Diagnostic
from codegen.ir import (
    DEFAULT_CREDENTIAL_HEADERS,
    SCHEMA_VERSION,
    Arm,
    AuthMode,
    CredentialHeader,
    Deprecation,
    EndpointVar,
    Extension,
    HeaderKind,
    Pattern,
    Protocol,
    Provider,
    Registry,
    Runtime,
    Text,
    Withdrawn,
)
from codegen.nearest import did_you_mean
from codegen.patterns import Budget, PatternError, compile_pattern
from codegen.source import Source
from codegen.syntax import Mapping, Node, Scalar, Sequence, span_inside

_Choice = TypeVar("_Choice", bound=StrEnum)
_Item = TypeVar("_Item")

# What YAML 1.1 re-reads although people mean it as they wrote it: a date, and the values "="
# and "<<", which later YAML knows as texts alone.
_TEXT_KINDS = {"str", "timestamp", "value", "merge"}
_KIND_NAMES = {
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "null": "null",
    "str": "a string",
}
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]+)?([eE][+-]?[0-9]{1,5})?")
_JSON_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def _describe(node: Node) -> str:
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    return _KIND_NAMES.get(node.kind, f"a {node.kind}")


def _indefinite(title: str) -> str:
    return f"an {title}" if title[0] in "aeiou" else f"a {title}"


class _Record:
    """A mapping seen through its record shape: its values by key, faults collected."""

    def __init__(self, reader: _Reader, shape: schema.RecordShape, node: Node) -> None:
        self.reader = reader
        self.shape = shape
        self.span = node.span
        self.values: dict[str, Node] = {}
        self.keys: dict[str, Scalar] = {}
        self.extensions: tuple[Extension, ...] = ()
        if isinstance(node, Mapping):
            self._take(node)
        else:
            reader.wrong_type(node, f"{_indefinite(shape.title)} is a mapping", "write key: value")

    def _take(self, node: Mapping) -> None:
        known = [key.name for key in self.shape.keys]
        extensions: list[Extension] = []
        for key, value in node.entries:
            if self.shape.extensible and key.text.startswith(schema.EXTENSION_PREFIX):
                name = Text(key.text, key.span)
                extensions.append(Extension(key=name, value=self.reader.plain_json(value)))
            elif key.text in known:
                # Of two equal keys, which a diagnostic already names, the first one stands.
                self.values.setdefault(key.text, value)
                self.keys.setdefault(key.text, key)
            else:
                self._unknown(key, known)
        self.extensions = tuple(extensions)
        self._missing(node)

    def _unknown(self, key: Scalar, known: list[str]) -> None:
        nearest = did_you_mean(key.text, [name for name in known if name not in self.values])
        extension = "; keys of your own begin with x-" if self.shape.extensible else ""
        owner, hint = _indefinite(self.shape.title), nearest or f"remove it{extension}"
        self.reader.add(faults.unknown_key(key.span, owner, key.text, hint))

    def _missing(self, node: Mapping) -> None:
        needed = [key.name for key in self.shape.keys if key.required]
        missing = [name for name in needed if name not in self.values]
        if missing:
            names = ", ".join(missing)
            span = node.entries[0][0].span if node.entries else node.span
            self.reader.add(faults.missing_key(span, self.shape.title, names))

    # values of one key, each with a harmless stand-in where the value is not usable

    def text(self, key: str) -> Text | None:
        node = self.values.get(key)
        return None if node is None else self.reader.text(node, self._shape(key))

    def needed_text(self, key: str) -> Text:
        return self.text(key) or Text("", self.span)

    def texts(self, key: str) -> tuple[Text, ...]:
        return self.items(key, lambda node: self.reader.text(node, schema.TextShape()))

    def items(self, key: str, read: Callable[[Node], _Item | None]) -> tuple[_Item, ...]:
        node = self.values.get(key)
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            hint = f"write a list: {key}: [...]"
            if isinstance(node, Scalar) and node.kind == "null":
                hint = f"remove the key, or write {key}: []"
            self.reader.wrong_type(node, f"{key} is a list", hint)
            return ()
        read_items = (read(item) for item in node.items)
        return tuple(item for item in read_items if item is not None)

    def table(self, key: str) -> Iterator[tuple[Text, Node]]:
        node = self.values.get(key)
        if node is None:
            return
        if not isinstance(node, Mapping):
            self.reader.wrong_type(node, f"{key} is a mapping", "write name: value")
            return
        seen: set[str] = set()
        for name, value in node.entries:
            if name.text not in seen:
                yield Text(name.text, name.span), value
            seen.add(name.text)

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        node = self.values.get(key)
        chosen = None if node is None else self.reader.choice(node, kind, key)
        return chosen if chosen is not None else next(iter(kind))

    def _shape(self, key: str) -> schema.TextShape:
        shape = next(entry.shape for entry in self.shape.keys if entry.name == key)
        assert isinstance(shape, schema.TextShape), key
        return shape


class _Reader:
    """Reads each kind of object; everything that is not as the schema says is collected."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.budget = Budget()
        self.diagnostics: list[Diagnostic] = []

    def add(self, diagnostic: Diagnostic) -> None:
        if len(self.diagnostics) <= MAX_FINDINGS:
            self.diagnostics.append(diagnostic)

    def wrong_type(self, node: Node, expected: str, hint: str) -> None:
        self.add(faults.wrong_type(node.span, expected, _describe(node), hint))

    # scalars

    def text(self, node: Node, shape: schema.TextShape) -> Text | None:
        """Read a string. None stands for a permitted null and for what was refused."""
        if isinstance(node, Scalar) and node.kind in _TEXT_KINDS:
            if not node.text and shape.non_empty:
                hint = "write null" if shape.nullable else "write the text, or remove the key"
                self.add(faults.empty_text(node.span, hint))
                return None
            return Text(node.text, node.span)
        if isinstance(node, Scalar) and node.kind == "null" and shape.nullable:
            return None
        if isinstance(node, Scalar) and node.kind != "null":
            self.add(faults.unquoted_word(node.span, node.text, node.kind, "the text"))
            return None
        expected = "a string or null is needed" if shape.nullable else "a string is needed"
        self.wrong_type(node, expected, "write one string")
        return None

    def choice(self, node: Node, kind: type[_Choice], key: str) -> _Choice | None:
        text = self.text(node, schema.TextShape())
        values = [member.value for member in kind]
        if text is None:
            return None
        if text in values:
            return kind(str(text))
        listed = ", ".join(values)
        nearest = did_you_mean(text, values)
        hint = f"{nearest} (one of {listed})" if nearest else f"write one of {listed}"
        self.add(faults.unknown_value(node.span, key, text, hint))
        return None

    def plain_json(self, node: Node) -> str:
        """Return what stands under an `x-…` key as canonical JSON text."""
        return dumps(self._plain(node))

    def _plain(self, node: Node) -> object:
        if isinstance(node, Sequence):
            return [self._plain(item) for item in node.items]
        if isinstance(node, Mapping):
            return {key.text: self._plain(value) for key, value in node.entries}
        return self._plain_scalar(node)

    def _plain_scalar(self, node: Scalar) -> object:
        """Read a plain scalar as JSON would, and as its own text where JSON has no such form."""
        if node.kind == "str":
            return node.text
        if node.text in _JSON_WORDS:
            return _JSON_WORDS[node.text]
        if not _JSON_NUMBER.fullmatch(node.text):
            return node.text
        number = json.loads(node.text)
        return number if math.isfinite(number) else node.text

    # objects

    def registry(self, root: Node) -> Registry:
        record = _Record(self, schema.MANIFEST, root)
        self._schema_version(record)
        return Registry(
            schema_version=SCHEMA_VERSION,
            providers=record.items("providers", self.provider),
            runtimes=tuple(self.runtime(name, node) for name, node in record.table("runtimes")),
            credential_headers=self._credential_headers(record),
            extensions=record.extensions,
        )

    def _schema_version(self, record: _Record) -> None:
        node = record.values.get("schema_version")
        if node is None:
            return
        if not isinstance(node, Scalar) or node.kind not in ("int", "float"):
            self.wrong_type(node, "schema_version is a number", "write schema_version: 1")
        elif node.text != str(SCHEMA_VERSION):
            self.add(faults.unknown_schema_version(node.span, node.text, SCHEMA_VERSION))

    def _credential_headers(self, record: _Record) -> tuple[CredentialHeader, ...]:
        headers = {header.env: header for header in DEFAULT_CREDENTIAL_HEADERS}
        for env, node in record.table("credential_headers"):
            kind = self.choice(node, HeaderKind, "a header")
            if kind is not None:
                headers[env] = CredentialHeader(env=env, kind=kind)
        return tuple(headers[env] for env in sorted(headers))

    def provider(self, node: Node) -> Provider | None:
        record = _Record(self, schema.PROVIDER, node)
        name = record.text("name")
        if name is None:
            return None
        return Provider(
            name=name,
            display_name=record.needed_text("display_name"),
            vendor_logo=record.needed_text("vendor_logo"),
            protocol=record.choice("protocol", Protocol),
            auth_mode=record.choice("auth_mode", AuthMode),
            base_url_template=record.text("base_url_template"),
            base_url_anthropic=record.text("base_url_anthropic"),
            auth_env=record.texts("auth_env"),
            auth_token_env=record.text("auth_token_env")
            or Text(schema.DEFAULT_TOKEN_ENV, node.span),
            pattern=self._pattern(record),
            model_aliases=record.texts("model_aliases"),
            upstream_vendor=record.text("upstream_vendor"),
            endpoint_vars=tuple(
                self._endpoint_var(placeholder, value)
                for placeholder, value in record.table("endpoint_vars")
            ),
            wire_model_prefix=record.text("wire_model_prefix"),
            tooltip=record.text("tooltip"),
            deprecated=self._deprecated(record.values.get("deprecated")),
            examples=record.texts("examples"),
            extensions=record.extensions,
            span=node.span,
        )

    def _pattern(self, record: _Record) -> Pattern:
        text = record.text("model_prefix_match")
        if text is None:
            return Pattern(text=Text("", record.span), rules=())
        try:
            return Pattern(text=text, rules=compile_pattern(text, self.budget))
        except PatternError as fault:
            span = span_inside(self.source, text, text.span, fault.start, fault.end)
            self.add(faults.PATTERN_FAULTS[fault.rule](span, fault.message, fault.hint))
            return Pattern(text=text, rules=())

    def _endpoint_var(self, placeholder: Text, node: Node) -> EndpointVar:
        record = _Record(self, schema.ENDPOINT_VAR, node)
        return EndpointVar(
            placeholder=placeholder,
            env=record.needed_text("env"),
            default=record.text("default"),
        )

    def _deprecated(self, node: Node | None) -> Deprecation | None:
        if node is None:
            return None
        if isinstance(node, Mapping):
            record = _Record(self, schema.DEPRECATION, node)
            return Deprecation(
                since=record.text("since"),
                replacement=record.text("replacement"),
                note=record.text("note"),
            )
        if isinstance(node, Scalar) and node.kind == "bool" and _is_true(node):
            return Deprecation()
        hint = "write true, or {since: …, replacement: …, note: …}; or remove the key"
        self.wrong_type(node, "deprecated is true or a mapping", hint)
        return None

    def runtime(self, name: Text, node: Node) -> Runtime:
        record = _Record(self, schema.RUNTIME, node)
        return Runtime(
            name=name,
            arms=record.items("providers", self.arm),
            default_model=record.text("default_model"),
            extensions=record.extensions,
            span=node.span,
        )

    def arm(self, node: Node) -> Arm | None:
        record = _Record(self, schema.ARM, node)
        provider = record.text("name")
        if provider is None:
            return None
        return Arm(
            provider=provider,
            models=record.texts("models"),
            withdrawn=record.items("withdrawn_models", self.withdrawn),
            extensions=record.extensions,
            span=node.span,
        )

    def withdrawn(self, node: Node) -> Withdrawn | None:
        if not isinstance(node, Mapping):
            text = self.text(node, schema.TextShape())
            return None if text is None else Withdrawn(id=text)
        record = _Record(self, schema.WITHDRAWN, node)
        model = record.text("id")
        if model is None:
            return None
        return Withdrawn(
            id=model, reason=record.text("reason"), replacement=record.text("replacement")
        )


def _is_true(node: Scalar) -> bool:
    return node.text.lower() in ("true", "yes", "on")


def parse(source: Source, root: Node) -> tuple[Registry, tuple[Diagnostic, ...]]:
    """Turn a composed manifest into the IR.

    Returns a registry in any case, with harmless stand-ins where a value was refused, so
    that the checks can still speak about the rest; it is only to be compiled when no
    finding is an error. The spans of all texts point into `source`.
    """
    reader = _Reader(source)
    return reader.registry(root), tuple(reader.diagnostics)
