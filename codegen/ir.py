"""The intermediate representation: frozen, fully resolved, aware of where it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from typing import TypeVar, cast

from codegen.frozen import frozen
from codegen.source import NOWHERE, Span

_Made = TypeVar("_Made")

SCHEMA_VERSION = 1
PLATFORM = "platform"
ANTHROPIC_VERSION = "2023-06-01"


class Text(str):
    """A string of the manifest that remembers its span; it compares and hashes as a `str`."""

    __slots__ = ("span",)
    span: Span

    def __new__(cls, value: str, span: Span = NOWHERE) -> Text:
        """Return `value` tagged with the place it was read from."""
        text = super().__new__(cls, value)
        text.span = span
        return text


class Protocol(StrEnum):
    """The wire protocol of a provider's surface."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class AuthMode(StrEnum):
    """How a provider is authenticated; `oauth` providers are never dialled by a proxy."""

    ANTHROPIC_API = "anthropic_api"
    OAUTH = "oauth"
    THIRD_PARTY_ANTHROPIC_COMPAT = "third_party_anthropic_compat"
    WIF_ADC = "wif_adc"


class HeaderKind(StrEnum):
    """The header that a credential travels in on an `anthropic` surface."""

    X_API_KEY = "x-api-key"
    BEARER = "bearer"


@frozen
class Extension:
    """An `x-…` key; `value` is canonical JSON text, because the compiler never looks inside."""

    key: Text
    value: str


@frozen
class Rule:
    """A way for an id to match: it starts with `literal`, or equals it where `is_exact`.

    With `ignore_case` the literal is folded already and the id is folded before comparing.
    """

    literal: str
    is_exact: bool
    ignore_case: bool


@frozen
class Pattern:
    """A `model_prefix_match`: its text for the reference, its rules for the tables.

    `rules` is empty only where the text was refused, which is then a diagnostic.
    """

    text: Text
    rules: tuple[Rule, ...]


@frozen
class EndpointVar:
    """What replaces `{placeholder}` in a base URL: a variable's value, else the default."""

    placeholder: Text
    env: Text
    default: str | None


@frozen
class Deprecation:
    """That a provider is on its way out, and what the manifest says about it."""

    since: Text | None = None
    replacement: Text | None = None
    note: Text | None = None


@frozen
class Provider:
    """One entry of the catalog. `base_url_template` is its `openai` surface."""

    name: Text
    display_name: Text
    vendor_logo: Text
    protocol: Protocol
    auth_mode: AuthMode
    base_url_template: Text | None
    base_url_anthropic: Text | None
    auth_env: tuple[Text, ...]
    auth_token_env: Text
    pattern: Pattern
    model_aliases: tuple[Text, ...]
    upstream_vendor: Text | None
    endpoint_vars: tuple[EndpointVar, ...]
    wire_model_prefix: Text | None
    tooltip: Text | None
    deprecated: Deprecation | None
    examples: tuple[Text, ...]
    extensions: tuple[Extension, ...]
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def is_platform(self) -> bool:
        """Whether the platform pays for this provider's use (semantics: Terms)."""
        return self.name == PLATFORM

    def base_url(self, protocol: str) -> Text | None:
        """Return the base URL of a protocol's surface, or None where there is none."""
        if protocol == Protocol.OPENAI:
            return self.base_url_template
        return self.base_url_anthropic if protocol == Protocol.ANTHROPIC else None


@frozen
class Withdrawn:
    """An id that is off the menu but still owned by its arm (semantics: Terms)."""

    id: Text
    reason: Text | None = None
    replacement: Text | None = None


@frozen
class Arm:
    """One provider that a runtime supports; without `models` it is name-only."""

    provider: Text
    models: tuple[Text, ...]
    withdrawn: tuple[Withdrawn, ...]
    extensions: tuple[Extension, ...]
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def is_name_only(self) -> bool:
        """Whether the arm routes by pattern alone and adds nothing to the menu."""
        return not self.models


@frozen
class Runtime:
    """An agent runtime and its arms, in order of declaration."""

    name: Text
    arms: tuple[Arm, ...]
    default_model: Text | None
    extensions: tuple[Extension, ...]
    span: Span = field(default=NOWHERE, compare=False)
    # The ids that the arms list, in order, first mention only (semantics: Terms).
    menu: tuple[Text, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Collect the menu once, for it is asked about without end."""
        menu = dict.fromkeys(model for arm in self.arms for model in arm.models)
        object.__setattr__(self, "menu", tuple(menu))


@frozen
class CredentialHeader:
    """The header that carries the value of one variable on an `anthropic` surface."""

    env: Text
    kind: HeaderKind


DEFAULT_CREDENTIAL_HEADERS = (
    CredentialHeader(env=Text("ANTHROPIC_AUTH_TOKEN"), kind=HeaderKind.BEARER),
    CredentialHeader(env=Text("ANTHROPIC_API_KEY"), kind=HeaderKind.X_API_KEY),
)


@frozen
class Registry:
    """A whole manifest. Providers and runtimes keep their order; headers are sorted by name."""

    schema_version: int
    providers: tuple[Provider, ...]
    runtimes: tuple[Runtime, ...]
    credential_headers: tuple[CredentialHeader, ...]
    extensions: tuple[Extension, ...]
    _providers: dict[str, Provider] = field(init=False, repr=False, compare=False)
    _runtimes: dict[str, Runtime] = field(init=False, repr=False, compare=False)
    _arms: dict[str, tuple[tuple[Arm, Provider], ...]] = field(
        init=False, repr=False, compare=False
    )
    _made: dict[tuple[object, str], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index by name; of two equal names the first one declared stands."""
        providers = {provider.name: provider for provider in reversed(self.providers)}
        runtimes = {runtime.name: runtime for runtime in reversed(self.runtimes)}
        object.__setattr__(self, "_providers", providers)
        object.__setattr__(self, "_runtimes", runtimes)
        arms = {name: self._with_providers(runtime) for name, runtime in runtimes.items()}
        object.__setattr__(self, "_arms", arms)
        object.__setattr__(self, "_made", {})

    def _with_providers(self, runtime: Runtime) -> tuple[tuple[Arm, Provider], ...]:
        pairs = ((arm, self._providers.get(arm.provider)) for arm in runtime.arms)
        return tuple((arm, provider) for arm, provider in pairs if provider is not None)

    def provider(self, name: str) -> Provider | None:
        """Return the provider of that exact name, or None."""
        return self._providers.get(name)

    def runtime(self, name: str) -> Runtime | None:
        """Return the runtime of that exact name, or None."""
        return self._runtimes.get(name)

    def arms(self, runtime: Runtime) -> tuple[tuple[Arm, Provider], ...]:
        """Return the arms of one of its runtimes with their providers, without dangling ones."""
        return self._arms[runtime.name]

    def once(self, make: Callable[[Registry, Runtime], _Made], runtime: Runtime) -> _Made:
        """Return what a function makes of one of its runtimes: an index that many ask.

        It is made at the first call and kept as long as the registry; so the function must give
        the same at every call.
        """
        key = (make, runtime.name)
        if key not in self._made:
            self._made[key] = make(self, runtime)
        return cast("_Made", self._made[key])

    def header_kind(self, provider: Provider, env: str) -> HeaderKind:
        """Return how `env` is sent to an `anthropic` surface (semantics: `select_credential`).

        The variable's own entry of the table decides, else that of the provider's
        `auth_token_env`; a name that neither knows travels as a bearer token.
        """
        kinds = {header.env: header.kind for header in self.credential_headers}
        fallback = kinds.get(provider.auth_token_env, HeaderKind.BEARER)
        return kinds.get(Text(env), fallback)

    def x_api_key_env(self, provider: Provider) -> tuple[str, ...]:
        """Return the provider's `auth_env` names that travel as `x-api-key`, in order."""
        return tuple(
            name
            for name in provider.auth_env
            if self.header_kind(provider, name) is HeaderKind.X_API_KEY
        )

    def credential_env_names(self) -> tuple[str, ...]:
        """Return every name in any `auth_env` or `auth_token_env`, sorted by code point."""
        names = {name for provider in self.providers for name in provider.auth_env}
        names.update(provider.auth_token_env for provider in self.providers)
        return tuple(sorted(names))
