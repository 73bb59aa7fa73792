"""The reference implementation of every decision, straight from the specification.

It asks each provider's own pattern, through `re2`, and never sees a prefix table: the
expected answers of `vectors.json` come from here. Section names below are those of the
semantics page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from functools import cached_property

from codegen.frozen import frozen
from codegen.ir import (
    ANTHROPIC_VERSION,
    Arm,
    AuthMode,
    EndpointVar,
    HeaderKind,
    Protocol,
    Provider,
    Registry,
    Runtime,
    Withdrawn,
)
from codegen.nearest import Candidates
from codegen.re2 import Patterns

_WHITE_SPACE = (
    "".join(map(chr, (*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B))))
    + "\u2028\u2029\u202f\u205f\u3000"
)

_SHOWN = 100


class Code(StrEnum):
    """The error codes, the same words in all languages ("Error codes")."""

    MODEL_REQUIRED = "model_required"
    UNKNOWN_RUNTIME = "unknown_runtime"
    UNREGISTERED_MODEL = "unregistered_model"
    WITHDRAWN_MODEL = "withdrawn_model"
    AMBIGUOUS_MODEL = "ambiguous_model"
    BARE_MODEL = "bare_model"
    UNKNOWN_PROVIDER = "unknown_provider"
    NO_SURFACE = "no_surface"
    MISSING_ENDPOINT_VAR = "missing_endpoint_var"
    MISSING_CREDENTIAL = "missing_credential"
    NOT_PROXYABLE = "not_proxyable"


class RefusalError(Exception):
    """A decision that ends in an error: its code, its message, and what the code carries."""

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        runtime: str | None = None,
        model: str | None = None,
        provider: str | None = None,
        candidates: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
        reason: str | None = None,
        replacement: str | None = None,
        suggest: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """Keep the parts; `suggest` is only called when someone reads the suggestions."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.runtime = runtime
        self.model = model
        self.provider = provider
        self.candidates = candidates
        self.names = names
        self.reason = reason
        self.replacement = replacement
        self._suggest = suggest

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The nearest ids of the menu, for the codes that offer them."""
        return self._suggest()


def trim(model: str) -> str:
    """Remove Unicode's White_Space from both ends and nothing else ("Model ids")."""
    return model.strip(_WHITE_SPACE)


# What hides in a message or breaks its lines, and how it is shown there.
_HIDDEN = (
    *map(ord, '"\\'),
    *(*range(0x20), *range(0x7F, 0xA0)),
    *(*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF),
)
_ESCAPES = {code: f"\\u{{{code:x}}}" for code in _HIDDEN}


def quoted(text: str) -> str:
    """Quote a text for a message: at most 100 code points, nothing that hides or breaks lines.

    >>> quoted('a"b')
    '"a\\\\u{22}b"'
    """
    shown = text[:_SHOWN].translate(_ESCAPES)
    return f'"{shown}…"' if len(text) > _SHOWN else f'"{shown}"'


# derive_provider


class Step(StrEnum):
    """What settled a decision."""

    LISTED = "listed"
    PATTERN = "pattern"


@frozen
class Decision:
    """How an id found its provider: the arms that list or match it, and what decided.

    `candidates` are the providers of those arms in order of declaration; `left` those
    that the given names left, in the same order; `names` the given names that count.
    """

    model: str
    step: Step
    candidates: tuple[Provider, ...]
    left: tuple[Provider, ...]
    names: tuple[str, ...]
    provider: Provider


def _met(provider: Provider, auth_env: Collection[str]) -> bool:
    return any(name in auth_env for name in provider.auth_env) if auth_env else False


def _runtime(registry: Registry, name: str) -> Runtime:
    runtime = registry.runtime(name)
    if runtime is None:
        message = f"runtime {quoted(name)} is not in the registry"
        raise RefusalError(Code.UNKNOWN_RUNTIME, message, runtime=name)
    return runtime


def _required(model: str, runtime: str | None) -> str:
    trimmed = trim(model)
    if not trimmed:
        where = "" if runtime is None else f" on runtime {quoted(runtime)}"
        raise RefusalError(Code.MODEL_REQUIRED, f"a model id is needed{where}", runtime=runtime)
    return trimmed


_Owners = tuple[tuple[Arm, Provider], ...]


class _Lookup:
    """A runtime, to be asked about many ids: who lists each, and what is near."""

    def __init__(self, registry: Registry, runtime: Runtime) -> None:
        arms = registry.arms(runtime)
        gone = [entry for arm in runtime.arms for entry in arm.withdrawn]
        self.runtime = runtime
        self.arms = arms
        self.menu = frozenset(runtime.menu)
        self.withdrawn = {str(entry.id): entry for entry in reversed(gone)}
        self.listers = _by_id((each, each[0].models) for each in arms)
        # For a pin, a withdrawn id counts as listed by its arm.
        self.owners = _by_id(
            (each, (*each[0].models, *(entry.id for entry in each[0].withdrawn)))
            for each in (arms if gone else ())
        )

    def owning(self, model: str, *, pinned: bool) -> _Owners:
        """Return the arms that list an id verbatim, in order of declaration."""
        owners = self.owners if pinned and self.withdrawn else self.listers
        return owners.get(model, ())

    @cached_property
    def patterns(self) -> Patterns:
        return Patterns(provider.pattern.text for _, provider in self.arms)

    def matching(self, model: str) -> _Owners:
        """Return the arms whose provider's pattern matches an id, in order of declaration."""
        return tuple(self.arms[index] for index in sorted(self.patterns.matching(model)))

    @cached_property
    def near(self) -> Candidates:
        return Candidates(self.runtime.menu)


def _by_id(pairs: Iterable[tuple[tuple[Arm, Provider], Iterable[str]]]) -> dict[str, _Owners]:
    """Return the arms of each id, an arm once even where it names the id twice."""
    owners: dict[str, list[tuple[Arm, Provider]]] = defaultdict(list)
    for arm, ids in pairs:
        for model in dict.fromkeys(ids):
            owners[model].append(arm)
    return {model: tuple(arms) for model, arms in owners.items()}


def _lookup(registry: Registry, runtime: Runtime) -> _Lookup:
    return registry.once(_Lookup, runtime)


def _refuse_withdrawn(
    registry: Registry, runtime: Runtime, model: str, gone: Withdrawn
) -> RefusalError:
    instead = f"; use {quoted(gone.replacement)} instead" if gone.replacement is not None else ""
    return RefusalError(
        Code.WITHDRAWN_MODEL,
        f"model {quoted(model)} is withdrawn on runtime {quoted(runtime.name)}{instead}",
        runtime=runtime.name,
        model=model,
        reason=gone.reason,
        replacement=gone.replacement,
        suggest=lambda: suggest_models(registry, runtime.name, model),
    )


def _refuse_unregistered(registry: Registry, runtime: Runtime, model: str) -> RefusalError:
    return RefusalError(
        Code.UNREGISTERED_MODEL,
        f"model {quoted(model)} is not registered for runtime {quoted(runtime.name)}",
        runtime=runtime.name,
        model=model,
        suggest=lambda: suggest_models(registry, runtime.name, model),
    )


def _refuse_ambiguous(runtime: Runtime, model: str, candidates: Iterable[Provider]) -> RefusalError:
    names = tuple(sorted(provider.name for provider in candidates))
    return RefusalError(
        Code.AMBIGUOUS_MODEL,
        f"model {quoted(model)} is ambiguous on runtime {quoted(runtime.name)}: "
        + ", ".join(names),
        runtime=runtime.name,
        model=model,
        candidates=names,
    )


@frozen
class Trace:
    """A decision as it went, step by step, up to the provider or the refusal.

    `trimmed` is the id after step 1. `runtime` is None where step 2 found none. `withdrawn` is the
    entry that took the id off the menu, where that counts. `listed` are the arms that list the id,
    `matched` those whose provider's pattern matches it, each with its provider, in order of
    declaration; steps that were not reached leave them empty. `outcome` is the end.
    """

    trimmed: str
    runtime: Runtime | None = None
    withdrawn: Withdrawn | None = None
    listed: tuple[tuple[Arm, Provider], ...] = ()
    matched: tuple[tuple[Arm, Provider], ...] = ()
    outcome: Decision | RefusalError


def decide(
    registry: Registry,
    runtime: str,
    model: str,
    auth_env: Iterable[str] = (),
    *,
    pinned: bool = False,
) -> Decision:
    """Decide which provider serves a model on a runtime ("derive_provider").

    `pinned` is the form for workspaces that already exist. Raises `RefusalError`.
    """
    outcome = trace(registry, runtime, model, auth_env, pinned=pinned).outcome
    if isinstance(outcome, RefusalError):
        raise outcome
    return outcome


def trace(
    registry: Registry,
    runtime: str,
    model: str,
    auth_env: Iterable[str] = (),
    *,
    pinned: bool = False,
) -> Trace:
    """Decide as `decide` does, and return every step; a refusal is the outcome, not raised."""
    try:
        trimmed = _required(model, runtime)
        found = _runtime(registry, runtime)
    except RefusalError as refusal:
        return Trace(trimmed=trim(model), outcome=refusal)
    lookup = _lookup(registry, found)
    gone = None if pinned else lookup.withdrawn.get(trimmed)
    if gone is not None:
        refused = _refuse_withdrawn(registry, found, trimmed, gone)
        return Trace(trimmed=trimmed, runtime=found, withdrawn=gone, outcome=refused)
    names = frozenset(auth_env)
    listed = lookup.owning(trimmed, pinned=pinned)
    if listed:
        decision = _settled(trimmed, Step.LISTED, _providers(listed), names)
        return Trace(trimmed=trimmed, runtime=found, listed=listed, outcome=decision)
    matched = lookup.matching(trimmed)
    outcome = _by_pattern(registry, found, trimmed, _providers(matched), names)
    return Trace(trimmed=trimmed, runtime=found, matched=matched, outcome=outcome)


def _providers(arms: Iterable[tuple[Arm, Provider]]) -> tuple[Provider, ...]:
    return tuple(provider for _, provider in arms)


def _by_pattern(
    registry: Registry,
    runtime: Runtime,
    model: str,
    matched: Sequence[Provider],
    names: frozenset[str],
) -> Decision | RefusalError:
    """Settle an id that no arm lists ("derive_provider", steps 4 and 5)."""
    if not matched:
        return _refuse_unregistered(registry, runtime, model)
    decision = _settled(model, Step.PATTERN, matched, names)
    if len(matched) > 1 and len(decision.left) != 1:
        return _refuse_ambiguous(runtime, model, decision.left or matched)
    return decision


def _settled(
    model: str, step: Step, candidates: Sequence[Provider], names: frozenset[str]
) -> Decision:
    """Let the names choose; the first declared stands where they leave none or several."""
    left = tuple(provider for provider in candidates if _met(provider, names))
    counted = {name for provider in candidates for name in provider.auth_env if name in names}
    return Decision(
        model=model,
        step=step,
        candidates=tuple(candidates),
        left=left,
        names=tuple(sorted(counted)),
        provider=left[0] if len(left) == 1 else candidates[0],
    )


def claimants(registry: Registry, runtime: str, model: str) -> tuple[Provider, ...]:
    """Return whom a decision for a pin chooses from: who lists an id, else whose pattern matches.

    Who lists it are in order of declaration, and those of patterns are sorted by name, as an
    ambiguous id carries them; an unknown runtime and an empty id have none.
    """
    found, trimmed = registry.runtime(runtime), trim(model)
    if found is None or not trimmed:
        return ()
    lookup = _lookup(registry, found)
    listed = lookup.owning(trimmed, pinned=True)
    matched = () if listed else lookup.matching(trimmed)
    return _providers(listed) or tuple(sorted(_providers(matched), key=lambda each: each.name))


def derive_provider(
    registry: Registry, runtime: str, model: str, auth_env: Iterable[str] = ()
) -> Provider:
    """Return the provider of a new selection, or raise `RefusalError`."""
    return decide(registry, runtime, model, auth_env).provider


def derive_provider_for_pin(
    registry: Registry, runtime: str, model: str, auth_env: Iterable[str] = ()
) -> Provider:
    """Return the provider of an existing workspace: a withdrawn id counts as listed."""
    return decide(registry, runtime, model, auth_env, pinned=True).provider


# validate_model, suggest_models


class Verdict(StrEnum):
    """The cases of "validate_model", in the order in which they are tried."""

    EMPTY = "empty"
    UNKNOWN_RUNTIME = "unknown_runtime"
    LISTED = "listed"
    WITHDRAWN = "withdrawn"
    ROUTABLE = "routable"
    UNREGISTERED = "unregistered"


_REFUSED = (Verdict.WITHDRAWN, Verdict.UNREGISTERED)


@frozen
class Validation:
    """A verdict on a runtime and a trimmed model; suggestions only where it is refused."""

    verdict: Verdict
    runtime: str
    model: str
    registry: Registry = field(repr=False, compare=False)

    @property
    def is_allowed(self) -> bool:
        """Whether a workspace may be created with the model."""
        return self.verdict not in _REFUSED

    @property
    def message(self) -> str:
        """One sentence that names the model and the runtime."""
        return f"model {quoted(self.model)} on runtime {quoted(self.runtime)}: {self.verdict}"

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The nearest ids of the menu for a refusal, else none."""
        return () if self.is_allowed else suggest_models(self.registry, self.runtime, self.model)


def _verdict(registry: Registry, runtime: str, model: str) -> Verdict:
    found = registry.runtime(runtime)
    if not model:
        return Verdict.EMPTY
    if found is None:
        return Verdict.UNKNOWN_RUNTIME
    lookup = _lookup(registry, found)
    if model in lookup.menu:
        return Verdict.LISTED
    if model in lookup.withdrawn:
        return Verdict.WITHDRAWN
    try:
        derive_provider(registry, runtime, model)
    except RefusalError:
        return Verdict.UNREGISTERED
    return Verdict.ROUTABLE


def validate_model(registry: Registry, runtime: str, model: str) -> Validation:
    """Judge whether a workspace may be created with a model ("validate_model")."""
    trimmed = trim(model)
    verdict = _verdict(registry, runtime, trimmed)
    return Validation(verdict=verdict, runtime=runtime, model=trimmed, registry=registry)


def suggest_models(registry: Registry, runtime: str, model: str) -> tuple[str, ...]:
    """Return the nearest ids of a runtime's menu, at most 3 ("suggest_models").

    The id is trimmed, so that a refusal and a direct question offer the same list; a
    runtime that is not in the registry has no menu.
    """
    found = registry.runtime(runtime)
    return () if found is None else _lookup(registry, found).near.nearest(trim(model))


# resolve_billing_mode, missing_credentials


class Mode(StrEnum):
    """Who pays for a workspace's models, or that nobody does."""

    PLATFORM_MANAGED = "platform_managed"
    BYOK = "byok"
    DISABLED = "disabled"


class BillingSource(StrEnum):
    """What a billing mode was taken from; the last one is for callers whose database failed."""

    WORKSPACE_OVERRIDE = "workspace_override"
    DERIVED_PROVIDER = "derived_provider"
    DERIVED_DEFAULT = "derived_default"
    CONSTANT_FALLBACK = "constant_fallback"


@frozen
class Billing:
    """A billing mode, its source, and the provider's name where one was derived."""

    mode: str
    source: BillingSource
    provider: str | None


def resolve_billing_mode(
    registry: Registry,
    runtime: str,
    model: str,
    auth_env: Iterable[str] = (),
    override: str | None = None,
    default: str = Mode.PLATFORM_MANAGED,
    pinned: bool = False,
) -> Billing:
    """Resolve who pays ("resolve_billing_mode"). Never raises for what a tenant can set."""
    if override in set(Mode):
        mode = Mode(override)
        return Billing(mode=mode, source=BillingSource.WORKSPACE_OVERRIDE, provider=None)
    try:
        provider = decide(registry, runtime, model, auth_env, pinned=pinned).provider
    except RefusalError:
        return Billing(mode=default, source=BillingSource.DERIVED_DEFAULT, provider=None)
    mode = Mode.PLATFORM_MANAGED if provider.is_platform else Mode.BYOK
    return Billing(mode=mode, source=BillingSource.DERIVED_PROVIDER, provider=provider.name)


@frozen
class MissingCredentials:
    """A BYOK provider that lacks a key, and the names any one of which would do."""

    provider: str
    names: tuple[str, ...]


def missing_credentials(
    registry: Registry, runtime: str, model: str, auth_env: Iterable[str] = ()
) -> MissingCredentials | None:
    """Return what a BYOK model still needs, or None ("missing_credentials")."""
    names = frozenset(auth_env)
    try:
        provider = derive_provider(registry, runtime, model, names)
    except RefusalError:
        return None
    if provider.is_platform or _met(provider, names):
        return None
    return MissingCredentials(provider=provider.name, names=tuple(provider.auth_env))


# resolve_upstream, endpoint, wire_model, select_credential


@frozen
class Upstream:
    """A vendor, the model id it knows, and the provider that claims the vendor."""

    vendor: str
    model: str
    provider: str


def resolve_upstream(registry: Registry, model: str) -> Upstream:
    """Split a `vendor/model` or `vendor:model` id ("resolve_upstream"); nothing is trimmed."""
    if not model:
        raise RefusalError(Code.MODEL_REQUIRED, "a model id is needed")
    for separator in "/:":
        vendor, found, rest = model.partition(separator)
        owner = next((p for p in registry.providers if p.upstream_vendor == vendor), None)
        if found and owner is not None:
            return Upstream(vendor=vendor, model=rest, provider=owner.name)
    message = f"model {quoted(model)} names no upstream vendor"
    raise RefusalError(Code.BARE_MODEL, message, model=model)


def _provider(registry: Registry, name: str) -> Provider:
    provider = registry.provider(name)
    if provider is None:
        message = f"provider {quoted(name)} is not in the registry"
        raise RefusalError(Code.UNKNOWN_PROVIDER, message, provider=name)
    return provider


def _refuse_surface(provider: Provider, protocol: str) -> RefusalError:
    message = f"provider {quoted(provider.name)} has no {quoted(protocol)} surface"
    return RefusalError(Code.NO_SURFACE, message, provider=provider.name)


def _substitute(provider: Provider, variable: EndpointVar, env: Mapping[str, str]) -> str:
    value = env.get(variable.env) or variable.default
    if value is None:
        message = f"provider {quoted(provider.name)} needs {variable.env} for its endpoint"
        raise RefusalError(
            Code.MISSING_ENDPOINT_VAR, message, provider=provider.name, names=(variable.env,)
        )
    return value


def endpoint(registry: Registry, provider: str, protocol: str, env: Mapping[str, str]) -> str:
    """Return the base URL of a provider's surface, placeholders replaced ("endpoint")."""
    found = _provider(registry, provider)
    url = found.base_url(protocol)
    if url is None:
        raise _refuse_surface(found, protocol)
    variables: dict[str, EndpointVar] = {v.placeholder: v for v in found.endpoint_vars}
    done, rest = "", str(url)
    while "{" in rest:
        before, _, rest = rest.partition("{")
        placeholder, _, rest = rest.partition("}")
        done += before + _substitute(found, variables[placeholder], env)
    return done + rest


def wire_model(registry: Registry, provider: str, model: str) -> str:
    """Return the model id as it goes on the wire, prefixed exactly once ("endpoint")."""
    prefix = _provider(registry, provider).wire_model_prefix or ""
    return model if model.startswith(prefix) else prefix + model


@frozen
class Credential:
    """A variable's name, its layer, and the header to send its value in.

    `prefix` stands before the value; `extra_headers` always go with the request.
    """

    name: str
    layer: int
    header: str
    prefix: str
    extra_headers: tuple[tuple[str, str], ...]


def _sent(registry: Registry, provider: Provider, protocol: str, name: str) -> tuple[str, str]:
    is_anthropic = protocol == Protocol.ANTHROPIC
    if is_anthropic and registry.header_kind(provider, name) is HeaderKind.X_API_KEY:
        return "x-api-key", ""
    return "Authorization", "Bearer "


def select_credential(
    registry: Registry, provider: str, protocol: str, layers: Sequence[Collection[str]]
) -> Credential:
    """Choose the key and its header together ("select_credential").

    Whether the manifest has a base URL for the protocol is `endpoint`'s question: a
    session may bring its own. A protocol that is neither of the two has no surface.
    """
    found = _provider(registry, provider)
    if found.auth_mode is AuthMode.OAUTH:
        message = f"provider {quoted(found.name)} uses OAuth and is never dialled by a proxy"
        raise RefusalError(Code.NOT_PROXYABLE, message, provider=found.name)
    if protocol not in set(Protocol):
        raise _refuse_surface(found, protocol)
    for index, layer in enumerate(layers):
        name = next((name for name in found.auth_env if name in layer), None)
        if name is not None:
            header, prefix = _sent(registry, found, protocol, name)
            extra = (("anthropic-version", ANTHROPIC_VERSION),)
            extra_headers = extra if protocol == Protocol.ANTHROPIC else ()
            return Credential(
                name=name, layer=index, header=header, prefix=prefix, extra_headers=extra_headers
            )
    names = tuple(found.auth_env)
    message = f"provider {quoted(found.name)} needs one of: " + ", ".join(names)
    raise RefusalError(Code.MISSING_CREDENTIAL, message, provider=found.name, names=names)


# menus


@frozen
class OfferedModel:
    """An id of the menu, its provider, who pays, and the names that open it where BYOK."""

    id: str
    provider: str
    is_platform: bool
    auth_env: tuple[str, ...]


def offered_models(
    registry: Registry, runtime: str, auth_env: Iterable[str] = ()
) -> tuple[OfferedModel, ...]:
    """Return the menu sorted by id, each with what `derive_provider` gives."""
    names = frozenset(auth_env)
    return tuple(
        _offered(model, derive_provider(registry, runtime, model, names))
        for model in sorted(_runtime(registry, runtime).menu)
    )


def _offered(model: str, provider: Provider) -> OfferedModel:
    opens = () if provider.is_platform else tuple(provider.auth_env)
    return OfferedModel(
        id=model, provider=provider.name, is_platform=provider.is_platform, auth_env=opens
    )


def models_for_runtime(registry: Registry, runtime: str) -> tuple[str, ...]:
    """Return the menu of a runtime, in order."""
    return tuple(_runtime(registry, runtime).menu)


def providers_for_runtime(registry: Registry, runtime: str) -> tuple[str, ...]:
    """Return the names of a runtime's providers, in order of its arms."""
    return tuple(provider.name for _, provider in registry.arms(_runtime(registry, runtime)))
