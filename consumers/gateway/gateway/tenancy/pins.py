"""Which provider a session has, keeps, and needs a key for."""

from __future__ import annotations

from collections.abc import Iterator

import provider_registry as registry
from provider_registry import MissingCredentials, Provider, RegistryError

from gateway.refusals import Code, Refusal
from gateway.resolution import derive
from gateway.tenancy.environments import Environment


def still(runtime: str, model: str, provider: str, names: frozenset[str]) -> Provider:
    """Return the provider that a session keeps; raises Refusal (400).

    It is kept as long as some key would make the registry choose it, whatever was stored
    since: else the session would lose its provider to somebody else's new secret.
    """
    try:
        chosen = registry.derive_provider_for_pin(runtime, model, names)
    except RegistryError:
        chosen = None
    if chosen is not None and chosen.name == provider:
        return chosen
    if provider in _choosable(runtime, model):
        return registry.provider_named(provider)
    return derive(runtime, model, names)


def require_vendor_key(
    environment: Environment, runtime: str, model: str, provider: Provider
) -> None:
    """Refuse (422) a model that the tenant pays for where no vendor's key is usable."""
    if not provider.is_platform and not environment.names.isdisjoint(provider.auth_env):
        return
    if provider.is_platform:
        provider = next(_vendors(runtime, model), provider)
    names = () if provider.is_platform else provider.auth_env
    raise keyless(MissingCredentials(provider.name, names))


def keyless(missing: MissingCredentials) -> Refusal:
    """Return the refusal of a model whose provider lacks a key: what is missing, what to do."""
    details: dict[str, object] = {
        "field": "secrets",
        "provider": missing.provider,
        "missing_env": list(missing.names),
        "remedy": _remedy(missing.names),
    }
    message = (
        f"This model is served by {missing.provider} and paid for with a key of your own, "
        f"and there is none. {_remedy(missing.names)}"
    )
    return Refusal(422, Code.MISSING_BYOK_CREDENTIAL, message, details=details)


def _remedy(names: tuple[str, ...]) -> str:
    if not names:
        return "No key of your own opens it: choose another model, or let the platform pay."
    return f"Send {' or '.join(names)} with the request, or store one with PUT /secrets/NAME."


def _choosable(runtime: str, model: str) -> frozenset[str]:
    """Return the providers that the registry chooses for a model under some set of keys.

    Whoever a set of names decides for is also decided for by one of them alone, or by none.
    """
    found: set[str] = set()
    for names in _deciding(runtime):
        try:
            found.add(registry.derive_provider_for_pin(runtime, model, names).name)
        except RegistryError:
            continue
    return frozenset(found)


def _deciding(runtime: str) -> Iterator[tuple[str, ...]]:
    yield ()
    for provider in _arms(runtime):
        for name in provider.auth_env:
            yield (name,)


def _vendors(runtime: str, model: str) -> Iterator[Provider]:
    """Yield the providers that serve a model for a key of the tenant's own."""
    choosable = _choosable(runtime, model)
    for provider in _arms(runtime):
        if provider.name in choosable and not provider.is_platform:
            yield provider


def _arms(runtime: str) -> tuple[Provider, ...]:
    try:
        return registry.providers_for_runtime(runtime)
    except registry.UnknownRuntimeError:
        return ()
