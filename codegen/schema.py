"""Schema version 1 as a table: every object of a manifest, its keys and what each takes."""

from __future__ import annotations

from enum import StrEnum

from codegen.frozen import frozen
from codegen.ir import SCHEMA_VERSION, AuthMode, HeaderKind, Protocol


@frozen
class TextShape:
    """A string; `nullable` takes null too, `non_empty` refuses the empty string.

    `is_provider_name` marks a reference: the name of an entry of the catalog. `examples` are
    for editors; have two or none, because a single one is filled in as if it were a default.
    """

    nullable: bool = False
    non_empty: bool = True
    is_provider_name: bool = False
    examples: tuple[str, ...] = ()


@frozen
class NumberShape:
    """A whole number: `value`, and no other."""

    value: int


@frozen
class TrueShape:
    """The boolean true."""


@frozen
class ChoiceShape:
    """One word out of an enumeration; `docs` has a sentence for each, in order."""

    values: type[StrEnum]
    docs: tuple[str, ...]


@frozen
class ListShape:
    """A sequence whose items all have one shape."""

    items: Shape


@frozen
class TableShape:
    """A mapping whose keys are data, like the runtimes by name."""

    values: Shape


@frozen
class EitherShape:
    """A value of one of two shapes: a short form, or a record in full."""

    short: Shape
    full: RecordShape


@frozen
class Key:
    """A key of a record, what it takes, and one sentence on what it means.

    To leave the key out is to write its `default`, where it has one.
    """

    name: str
    shape: Shape
    doc: str
    required: bool = True
    default: str | None = None


@frozen
class RecordShape:
    """A mapping with a closed set of keys; `extensible` ones take `x-…` keys as well."""

    title: str
    doc: str
    keys: tuple[Key, ...]
    extensible: bool = False


Scalar = TextShape | NumberShape | TrueShape | ChoiceShape
Shape = Scalar | ListShape | TableShape | EitherShape | RecordShape

EXTENSION_PREFIX = "x-"

DEFAULT_TOKEN_ENV = "ANTHROPIC_AUTH_TOKEN"

_TEXT = TextShape()
_FREE_TEXT = TextShape(non_empty=False)
_IDS = ListShape(items=_TEXT)
_VARIABLE = TextShape(examples=("ACME_API_KEY", "ACME_TOKEN"))
_URL = TextShape(
    nullable=True,
    examples=("https://api.acme.example/v1", "https://{region}.acme.example/v1"),
)

_PROTOCOL = ChoiceShape(
    values=Protocol,
    docs=("It speaks the protocol of OpenAI's API.", "It speaks the protocol of Anthropic's API."),
)
_AUTH_MODE = ChoiceShape(
    values=AuthMode,
    docs=(
        "Authenticated with a key, on the vendor's own API.",
        "Authenticated with the token of a subscription; a proxy never dials it.",
        "Authenticated with a key, on any other API.",
        "Authenticated without a key: by workload identity or application default credentials.",
    ),
)
_HEADER = ChoiceShape(
    values=HeaderKind,
    docs=(
        "The value travels in the header x-api-key.",
        "The value travels in the header Authorization, behind the word Bearer.",
    ),
)

ENDPOINT_VAR = RecordShape(
    title="endpoint variable",
    doc="What replaces one {placeholder} of the base URLs.",
    keys=(
        Key(name="env", shape=_VARIABLE, doc="The environment variable that holds the value."),
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
    doc="What people should know about a provider that is on its way out.",
    keys=(
        Key(
            name="since",
            shape=TextShape(examples=("2026-01-31", "January 2026")),
            doc="When it began.",
            required=False,
        ),
        Key(name="replacement", shape=_TEXT, doc="What to use instead.", required=False),
        Key(name="note", shape=_FREE_TEXT, doc="What people should know.", required=False),
    ),
)

WITHDRAWN = RecordShape(
    title="withdrawn model",
    doc="An id that is off the menu, while workspaces pinned to it go on as before.",
    keys=(
        Key(name="id", shape=_TEXT, doc="The model id."),
        Key(name="reason", shape=_FREE_TEXT, doc="Why it was withdrawn.", required=False),
        Key(name="replacement", shape=_TEXT, doc="The id to use instead.", required=False),
    ),
)

PROVIDER = RecordShape(
    title="provider",
    doc="One entry of the catalog.",
    extensible=True,
    keys=(
        Key(name="name", shape=_TEXT, doc="The key that everything else refers to."),
        Key(name="display_name", shape=_TEXT, doc="What people read."),
        Key(name="vendor_logo", shape=_TEXT, doc="The name of the vendor's logo."),
        Key(name="protocol", shape=_PROTOCOL, doc="The wire protocol it speaks by nature."),
        Key(name="auth_mode", shape=_AUTH_MODE, doc="How it is authenticated."),
        Key(
            name="base_url_template",
            shape=_URL,
            doc="The base URL of its openai surface, or null.",
        ),
        Key(
            name="base_url_anthropic",
            shape=_URL,
            doc="The base URL of its anthropic surface, or null.",
        ),
        Key(
            name="auth_env",
            shape=ListShape(items=_VARIABLE),
            doc="Variables any one of which opens it, best first.",
        ),
        Key(
            name="auth_token_env",
            shape=_VARIABLE,
            doc="The variable whose header a vendor's own key is sent in.",
            required=False,
            default=DEFAULT_TOKEN_ENV,
        ),
        Key(
            name="model_prefix_match",
            shape=TextShape(examples=("^acme-", "^acme[:/]", "(?i)^(acme|zeta)-")),
            doc="The RE2 pattern of the ids it owns.",
        ),
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
            shape=TextShape(examples=("models/", "acme:")),
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
    doc="One provider that a runtime supports.",
    extensible=True,
    keys=(
        Key(
            name="name",
            shape=TextShape(is_provider_name=True),
            doc="The provider's name.",
        ),
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
    doc="An agent runtime and the providers that it supports.",
    extensible=True,
    keys=(
        Key(name="providers", shape=ListShape(items=ARM), doc="Its arms, in order."),
        Key(name="default_model", shape=_TEXT, doc="The id it starts with.", required=False),
    ),
)

MANIFEST = RecordShape(
    title="manifest",
    doc="The providers of LLM models, the runtimes that use them, and who pays.",
    extensible=True,
    keys=(
        Key(
            name="schema_version",
            shape=NumberShape(value=SCHEMA_VERSION),
            doc="The version of this schema.",
        ),
        Key(name="providers", shape=ListShape(items=PROVIDER), doc="The catalog, in order."),
        Key(name="runtimes", shape=TableShape(values=RUNTIME), doc="The runtimes by name."),
        Key(
            name="credential_headers",
            shape=TableShape(values=_HEADER),
            doc="The header of a variable's value on an anthropic surface.",
            required=False,
        ),
    ),
)
