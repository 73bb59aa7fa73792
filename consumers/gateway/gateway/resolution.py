"""Where a request goes and which key opens it: a pure function of registry, layers and request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import provider_registry as registry
from provider_registry import Provider, RegistryError

from gateway.formats.conversion import Conversion, conversion
from gateway.formats.headers import Headers
from gateway.formats.wires import Wire, WireProtocol
from gateway.keys.layers import Layers
from gateway.refusals import Code, Refusal

_OTHER: dict[WireProtocol, WireProtocol] = {"openai": "anthropic", "anthropic": "openai"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way to a vendor: the URL, the model's id there, and the key with its header.

    `conversion` is None where the vendor speaks the guest's wire format itself.
    """

    provider: str
    model: str
    url: str
    wire: Wire
    conversion: Conversion | None
    credential: tuple[str, str] = field(repr=False)
    key: str = field(repr=False)
    """The key itself, without the word that its header may put before it."""
    extra_headers: Headers
    is_platform: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surface:
    """A base URL that a wire format reaches, and how far its key may come from."""

    base_url: str
    wire: Wire
    conversion: Conversion | None
    trusted: int
    """Only layers before this index may give the key: see `_trusted`."""


def derive(runtime: str, model: str, names: frozenset[str]) -> Provider:
    """Return the provider of an existing workspace's request.

    `names` are the variables that are set for it. Raises Refusal (400) for every typed
    error of the registry, and tells no more than its code and the model that was asked for.
    """
    try:
        return registry.derive_provider_for_pin(runtime, model, names)
    except RegistryError as error:
        raise _refused(error) from None


def route(provider: Provider, model: str, wire: Wire, layers: Layers) -> Route:
    """Return the way to a provider for a request in a wire format.

    Raises Refusal: 400 where no surface can be reached, converted or not; 424 with the
    accepted names where no layer that may give a key has one.
    """
    return _through(next(_surfaces(provider, wire, layers), None), provider, model, wire, layers)


def route_to(
    provider: Provider, model: str, wire: Wire, given: tuple[WireProtocol, str], layers: Layers
) -> Route:
    """Return the way to a provider at a base URL that was given together with its key.

    `given` is the URL with the protocol that it speaks; no other URL gets the key. Raises
    Refusal as `route` does.
    """
    protocol, base_url = given
    made = None if protocol == wire.protocol else conversion(wire, protocol)
    surface = None
    if made is not None or protocol == wire.protocol:
        surface = _Surface(
            base_url=base_url,
            wire=wire if made is None else made.vendor_wire,
            conversion=made,
            trusted=len(layers.layers),
        )
    return _through(surface, provider, model, wire, layers)


def _through(
    surface: _Surface | None, provider: Provider, model: str, wire: Wire, layers: Layers
) -> Route:
    if surface is None or provider.auth_mode == "oauth":
        raise _unreachable(provider, wire)
    allowed = [frozenset(layer.values) for layer in layers][: surface.trusted]
    try:
        chosen = registry.select_credential(provider.name, surface.wire.protocol, allowed)
    except registry.MissingCredentialError as error:
        raise _keyless(provider, error.names) from None
    value = layers.layers[chosen.layer].values[chosen.name].strip()
    return Route(
        provider=provider.name,
        model=registry.wire_model(provider.name, model),
        url=surface.base_url + surface.wire.path,
        wire=surface.wire,
        conversion=surface.conversion,
        credential=(chosen.header, chosen.prefix + value),
        key=value,
        extra_headers=chosen.extra_headers,
        is_platform=provider.is_platform,
    )


def _surfaces(provider: Provider, wire: Wire, layers: Layers) -> Iterator[_Surface]:
    """Yield the surfaces that a wire format reaches: its own protocol's before the other's."""
    own, other = wire.protocol, _OTHER[wire.protocol]
    if (found := _base_url(provider, own, layers)) is not None:
        yield _Surface(base_url=found[0], wire=wire, conversion=None, trusted=found[1])
    made = conversion(wire, other)
    if made is not None and (found := _base_url(provider, other, layers)) is not None:
        yield _Surface(base_url=found[0], wire=made.vendor_wire, conversion=made, trusted=found[1])


def _base_url(provider: Provider, protocol: WireProtocol, layers: Layers) -> tuple[str, int] | None:
    brought = layers.base_url((provider.name, protocol))
    if brought is not None:
        return brought[0], brought[1] + 1
    try:
        url = registry.endpoint(provider.name, protocol, layers.merged)
    except registry.NoSurfaceError:
        return None
    except registry.MissingEndpointVarError as error:
        raise _keyless(provider, error.names) from None
    return url, _trusted(provider, protocol, layers)


def _trusted(provider: Provider, protocol: WireProtocol, layers: Layers) -> int:
    """Return how many layers, from the least trusted on, may send a key to the registry's URL.

    A variable of the URL is part of it: one that a session sets makes the URL a session's,
    and a key is only ever sent to a URL of the same or a more trusted layer.
    """
    is_openai = protocol == "openai"
    url = (provider.base_url_template if is_openai else provider.base_url_anthropic) or ""
    used = (each for each in provider.endpoint_vars if f"{{{each.placeholder}}}" in url)
    places = (layers.place_of(variable.env) for variable in used)
    return min((place + 1 for place in places if place is not None), default=len(layers.layers))


def _refused(error: RegistryError) -> Refusal:
    codes = {"model_required": Code.MODEL_REQUIRED, "ambiguous_model": Code.AMBIGUOUS_MODEL}
    details = {"registry_code": error.code}
    message = {
        "model_required": "Name a model.",
        "ambiguous_model": "Several providers serve this model here; set the key of one of them.",
    }.get(error.code, "This model is not served here.")
    return Refusal(400, codes.get(error.code, Code.MODEL_NOT_SERVED), message, details=details)


def _unreachable(provider: Provider, wire: Wire) -> Refusal:
    message = f"{provider.display_name} cannot be reached with {wire.value} requests."
    return Refusal(400, Code.SURFACE_UNREACHABLE, message)


def _keyless(provider: Provider, names: tuple[str, ...]) -> Refusal:
    message = f"{provider.display_name} needs one of: {', '.join(names)}."
    details = {"provider": provider.name, "accepted_names": list(names)}
    return Refusal(424, Code.MISSING_CREDENTIAL, message, details=details)
