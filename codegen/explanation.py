"""A question about one model on one runtime -> everything that is decided about it, as a value.

All of it is asked of the reference implementation (`routing.py`); nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from codegen import routing
from codegen.frozen import frozen
from codegen.ir import Arm, EndpointVar, Protocol, Provider, Registry
from codegen.nearest import nearest
from codegen.routing import (
    Billing,
    Credential,
    Decision,
    MissingCredentials,
    RefusalError,
    Trace,
    Validation,
)
from codegen.source import Span


@frozen
class Question:
    """What somebody asks, as they typed it. `auth_env` are names of variables that are set.

    `override` is the billing mode that a workspace was given, in whatever spelling; `default` is
    the one of the deployment. `is_pinned` asks for a workspace that exists already.
    """

    runtime: str
    model: str
    auth_env: tuple[str, ...] = ()
    override: str | None = None
    default: str = routing.Mode.PLATFORM_MANAGED.value
    is_pinned: bool = False


@frozen
class Surface:
    """Where a provider is reached by one protocol: a URL, or why there is none.

    `variables` are those that the URL takes from the environment; `url` has their defaults.
    """

    protocol: Protocol
    url: str | RefusalError
    variables: tuple[EndpointVar, ...]


@frozen
class Accepted:
    """A variable whose value opens a provider, and how it is sent to each of its surfaces.

    `sent` has an entry for each protocol that the provider speaks, in the order of `Protocol`; of
    one without any base URL for both, since a session may bring its own. `is_used` tells that it
    is the one among the given names that would be sent.
    """

    name: str
    is_given: bool
    is_used: bool
    sent: tuple[tuple[Protocol, Credential | RefusalError], ...]


@frozen
class Explanation:
    """A decision with its steps and its consequences.

    `decision` is None where `refusal` says why there is none; then there are no `surfaces` and no
    `accepted` credentials either. `runtimes` are the nearest names of an unknown runtime.
    """

    question: Question
    registry: Registry
    trace: Trace
    validation: Validation
    billing: Billing
    decision: Decision | None
    refusal: RefusalError | None
    wire_model: str | None
    surfaces: tuple[Surface, ...]
    accepted: tuple[Accepted, ...]
    missing: MissingCredentials | None
    runtimes: tuple[str, ...]

    @property
    def provider(self) -> Provider | None:
        """The provider that was derived, or None."""
        return None if self.decision is None else self.decision.provider


def listing(arm: Arm, model: str) -> Span:
    """Return where an arm lists an id, or withdraws it; the arm itself where it does neither."""
    ids = (*arm.models, *(gone.id for gone in arm.withdrawn))
    return next((each.span for each in ids if each == model), arm.span)


def _surface(registry: Registry, provider: Provider, protocol: Protocol) -> Surface:
    template = provider.base_url(protocol) or ""
    used = (v for v in provider.endpoint_vars if f"{{{v.placeholder}}}" in template)
    try:
        url: str | RefusalError = routing.endpoint(registry, provider.name, protocol, {})
    except RefusalError as refusal:
        url = refusal
    return Surface(protocol=protocol, url=url, variables=tuple(used))


def _sent(
    registry: Registry, provider: Provider, protocol: Protocol, names: Collection[str]
) -> Credential | RefusalError:
    try:
        return routing.select_credential(registry, provider.name, protocol, [names])
    except RefusalError as refusal:
        return refusal


def _accepted(registry: Registry, provider: Provider, question: Question) -> Iterator[Accepted]:
    spoken = [each for each in Protocol if provider.base_url(each) is not None] or list(Protocol)
    given = frozenset(question.auth_env)
    chosen = _sent(registry, provider, spoken[0], given)
    for name in provider.auth_env:
        yield Accepted(
            name=name,
            is_given=name in given,
            is_used=isinstance(chosen, Credential) and chosen.name == name,
            sent=tuple((each, _sent(registry, provider, each, {name})) for each in spoken),
        )


def explain(registry: Registry, question: Question) -> Explanation:
    """Return what is decided about a question, step by step (semantics: `derive_provider`)."""
    traced = routing.trace(
        registry,
        question.runtime,
        question.model,
        question.auth_env,
        pinned=question.is_pinned,
    )
    outcome = traced.outcome
    decision = outcome if isinstance(outcome, Decision) else None
    provider = None if decision is None else decision.provider
    is_unknown = registry.runtime(question.runtime) is None
    names = [runtime.name for runtime in registry.runtimes]
    return Explanation(
        question=question,
        registry=registry,
        trace=traced,
        validation=routing.validate_model(registry, question.runtime, question.model),
        billing=_billing(registry, question),
        decision=decision,
        refusal=outcome if isinstance(outcome, RefusalError) else None,
        wire_model=(
            None
            if provider is None
            else routing.wire_model(registry, provider.name, traced.trimmed)
        ),
        surfaces=tuple(_surface(registry, provider, each) for each in Protocol) if provider else (),
        accepted=tuple(_accepted(registry, provider, question)) if provider else (),
        missing=routing.missing_credentials(
            registry, question.runtime, question.model, question.auth_env
        ),
        runtimes=nearest(question.runtime, names) if is_unknown else (),
    )


def _billing(registry: Registry, question: Question) -> Billing:
    return routing.resolve_billing_mode(
        registry,
        question.runtime,
        question.model,
        question.auth_env,
        question.override,
        question.default,
        question.is_pinned,
    )
