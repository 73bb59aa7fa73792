"""Where credentials and base URLs come from, from the least trusted place to the most."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provider_registry import CREDENTIAL_ENV_NAMES, PROVIDERS

from gateway.formats.wires import WireProtocol
from gateway.settings import Settings

# The names that any decision can ask for: nothing else of an environment is ever read.
PLATFORM_NAMES = frozenset(
    name for provider in PROVIDERS if provider.is_platform for name in provider.auth_env
)
CREDENTIAL_NAMES = frozenset(CREDENTIAL_ENV_NAMES)
KNOWN_NAMES = CREDENTIAL_NAMES.union(
    variable.env for provider in PROVIDERS for variable in provider.endpoint_vars
)

Surface = tuple[str, WireProtocol]


class Place(enum.IntEnum):
    """The layers in order: the most specific first, which is the least trusted too."""

    SESSION = 0
    STORED = 1
    PROCESS = 2
    CONFIGURATION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One place: variables that hold a value which is not blank, and base URLs."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_urls: Mapping[Surface, str] = field(default_factory=dict)

    def without(self, names: Iterable[str]) -> Layer:
        """Return the layer with these variables stripped."""
        gone = frozenset(names)
        left = {name: value for name, value in self.values.items() if name not in gone}
        return Layer(values=left, base_urls=self.base_urls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """All layers of one request, indexed by `Place`."""

    layers: tuple[Layer, ...]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    @property
    def names(self) -> frozenset[str]:
        """The names that any layer holds."""
        return frozenset().union(*(layer.values for layer in self.layers))

    @property
    def merged(self) -> dict[str, str]:
        """Each variable with the value of the most specific layer that holds it."""
        return {
            name: value for layer in reversed(self.layers) for name, value in layer.values.items()
        }

    def place_of(self, name: str) -> int | None:
        """Return the index of the layer that a variable's value comes from."""
        found = (index for index, layer in enumerate(self.layers) if name in layer.values)
        return next(found, None)

    def base_url(self, surface: Surface) -> tuple[str, int] | None:
        """Return the base URL that someone brought for a surface, and its layer's index."""
        for index, layer in enumerate(self.layers):
            if surface in layer.base_urls:
                return layer.base_urls[surface], index
        return None


def filled(values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hold a value which is not blank."""
    return {name: value for name, value in values.items() if value.strip()}


def deployed(settings: Settings, environ: Mapping[str, str] = os.environ) -> tuple[Layer, Layer]:
    """Return the layers of the process and of the configuration."""
    process = {name: environ[name] for name in KNOWN_NAMES if name in environ}
    configured = {name: key.get_secret_value() for name, key in settings.credentials.items()}
    base_urls: dict[Surface, str] = {
        (provider, protocol): url
        for provider, urls in settings.base_urls.items()
        for protocol, url in urls.items()
    }
    return Layer(values=filled(process)), Layer(values=filled(configured), base_urls=base_urls)
