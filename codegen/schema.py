"""Schema version 1 as a table: every object of a manifest, its keys and what each takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from codegen.ir import AuthMode, HeaderKind, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShape:
    """A string; `nullable` takes null too, `non_empty` refuses the empty string."""

    nullable: bool = False
    non_empty: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberShape:
    """A whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueShape:
    """The boolean true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceShape:
    """One word out of an enumeration."""

    values: type[StrEnum]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShape:
    """A sequence whose items all have one shape."""

    items: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """A mapping whose keys are data, like the runtimes by name."""

    values: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class EitherShape:
    """A value of one of two shapes: a short form, or a record in full."""

    short: Shape
    full: RecordShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of a record, what it takes, and one sentence on what it means."""

    name: str
    shape: Shape
    doc: str
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShape:
    """A mapping with a closed set of keys; `extensible` ones take `x-…` keys as well."""

    title: str
    keys: tuple[Key, ...]
    extensible: bool = False


Shape = (
    TextShape
    | NumberShape
    | TrueShape
    | ChoiceShape
    | ListShape
    | TableShape
    | EitherShape
    | RecordShape
)

EXTENSION_PREFIX = "x-"

_TEXT = TextShape()
_FREE_TEXT = TextShape(non_empty=False)
_URL = TextShape(nullable=True)
_IDS = ListShape(items=_TEXT)

ENDPOINT_VAR = RecordShape(
    title="endpoint variable",
    keys=(
        Key(name="env", shape=_TEXT, doc="The environment variable that holds the value."),
        Key(
            name="default",
            shape=TextShape(nullable=True, non_empty=False),
            doc="The value where the variable is not set or empty.",
            required=False,
        ),
    ),
)

DEPRECATION = RecordShape(
    title="deprecation",
    keys=(
        Key(name="since", shape=_TEXT, doc="When it began.", required=False),
        Key(name="replacement", shape=_TEXT, doc="What to use instead.", required=False),
        Key(name="note", shape=_FREE_TEXT, doc="What people should know.", required=False),
    ),
)

WITHDRAWN = RecordShape(
    title="withdrawn model",
    keys=(
        Key(name="id", shape=_TEXT, doc="The model id."),
        Key(name="reason", shape=_FREE_TEXT, doc="Why it was withdrawn.", required=False),
        Key(name="replacement", shape=_TEXT, doc="The id to use instead.", required=False),
    ),
)

PROVIDER = RecordShape(
    title="provider",
    extensible=True,
    keys=(
        Key(name="name", shape=_TEXT, doc="The key that everything else refers to."),
        Key(name="display_name", shape=_TEXT, doc="What people read."),
        Key(name="vendor_logo", shape=_TEXT, doc="The name of the vendor's logo."),
        Key(
            name="protocol",
            shape=ChoiceShape(values=Protocol),
            doc="The wire protocol the provider speaks by nature.",
        ),
        Key(
            name="auth_mode",
            shape=ChoiceShape(values=AuthMode),
            doc="How it is authenticated.",
        ),
        Key(name="base_url_template", shape=_URL, doc="The openai surface, or null."),
        Key(name="base_url_anthropic", shape=_URL, doc="The anthropic surface, or null."),
        Key(name="auth_env", shape=_IDS, doc="Variables any one of which opens it, best first."),
        Key(
            name="auth_token_env",
            shape=_TEXT,
            doc="The variable whose header a vendor's own key is sent in.",
            required=False,
        ),
        Key(name="model_prefix_match", shape=_TEXT, doc="The RE2 pattern of the ids it owns."),
        Key(name="model_aliases", shape=_IDS, doc="Short ids of its models.", required=False),
        Key(
            name="upstream_vendor",
            shape=_TEXT,
            doc="The vendor part of vendor/model ids that a proxy resolves to it.",
            required=False,
        ),
        Key(
            name="endpoint_vars",
            shape=TableShape(values=ENDPOINT_VAR),
            doc="What replaces each {placeholder} of a base URL.",
            required=False,
        ),
        Key(
            name="wire_model_prefix",
            shape=_TEXT,
            doc="What stands before a model id on the wire.",
            required=False,
        ),
        Key(name="tooltip", shape=_FREE_TEXT, doc="A sentence for the canvas.", required=False),
        Key(
            name="deprecated",
            shape=EitherShape(short=TrueShape(), full=DEPRECATION),
            doc="That it is on its way out.",
            required=False,
        ),
        Key(name="examples", shape=_IDS, doc="Ids that its pattern owns.", required=False),
    ),
)

ARM = RecordShape(
    title="arm",
    extensible=True,
    keys=(
        Key(name="name", shape=_TEXT, doc="The provider's name."),
        Key(name="models", shape=_IDS, doc="The ids it puts on the menu.", required=False),
        Key(
            name="withdrawn_models",
            shape=ListShape(items=EitherShape(short=_TEXT, full=WITHDRAWN)),
            doc="Ids off the menu that pinned workspaces still use.",
            required=False,
        ),
    ),
)

RUNTIME = RecordShape(
    title="runtime",
    extensible=True,
    keys=(
        Key(name="providers", shape=ListShape(items=ARM), doc="Its arms, in order."),
        Key(name="default_model", shape=_TEXT, doc="The id it starts with.", required=False),
    ),
)

MANIFEST = RecordShape(
    title="manifest",
    extensible=True,
    keys=(
        Key(name="schema_version", shape=NumberShape(), doc="The version of this schema: 1."),
        Key(name="providers", shape=ListShape(items=PROVIDER), doc="The catalog, in order."),
        Key(name="runtimes", shape=TableShape(values=RUNTIME), doc="The runtimes by name."),
        Key(
            name="credential_headers",
            shape=TableShape(values=ChoiceShape(values=HeaderKind)),
            doc="The header of a variable's value on an anthropic surface.",
            required=False,
        ),
    ),
)
