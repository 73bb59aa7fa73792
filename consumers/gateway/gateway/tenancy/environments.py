"""Whose keys a workspace's environment holds, and the little of it that a guest sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provider_registry import BillingMode

from gateway.keys.layers import CREDENTIAL_NAMES, KNOWN_NAMES, PLATFORM_NAMES, Layer, Layers, Place

# What a workspace brings itself and may not, by who pays. The platform's own credential is
# never a workspace's to bring: it comes from where the service runs, and so does not count
# as a key that may follow a session's base URL.
_NOT_BROUGHT: dict[BillingMode, frozenset[str]] = {
    "platform_managed": CREDENTIAL_NAMES,
    "byok": PLATFORM_NAMES,
    "disabled": CREDENTIAL_NAMES,
}
_NOT_SHARED: dict[BillingMode, frozenset[str]] = {
    "platform_managed": CREDENTIAL_NAMES - PLATFORM_NAMES,
    "byok": PLATFORM_NAMES,
    "disabled": CREDENTIAL_NAMES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The layers of a workspace after who pays has stripped them, indexed by `Place`."""

    mode: BillingMode
    layers: Layers

    @property
    def names(self) -> frozenset[str]:
        """The names that decide between providers.

        Those that are set for the workspace or for all of them; of the process's and the
        configuration's only the platform's own, which no workspace sets for itself.
        """
        chosen = self.layers.layers[Place.SESSION], self.layers.layers[Place.STORED]
        return frozenset().union(
            *(layer.values for layer in chosen), PLATFORM_NAMES & self.layers.names
        )


def of_workspace(mode: BillingMode, own: Layer, shared: Iterable[Layer]) -> Environment:
    """Return the environment of a workspace in which this mode decides who pays.

    `own` is what the workspace and its session brought, `shared` are the stored secrets and
    the layers of the deployment. Where the platform pays, its own credential is in and every
    vendor's name is out; where the tenant pays, the platform's is out; where nobody does,
    there is no credential at all.
    """
    left = (layer.without(_NOT_SHARED[mode]) for layer in shared)
    return Environment(mode=mode, layers=Layers(layers=(own.without(_NOT_BROUGHT[mode]), *left)))


def of_guest(public_url: str, session: str, token: str) -> dict[str, str]:
    """Return what the agent's process gets: where the facade is, and the token that opens it.

    The names are those that clients of the two protocols read by themselves; one of them
    adds the version to the URL itself, the other does not.
    """
    facade = f"{public_url}/api/runtime/sessions/{session}/llm"
    return {
        "ANTHROPIC_BASE_URL": f"{facade}/anthropic",
        "ANTHROPIC_AUTH_TOKEN": token,
        "OPENAI_BASE_URL": f"{facade}/openai/v1",
        "OPENAI_API_KEY": token,
    }


def known(given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that some decision may ask for."""
    return {name: value for name, value in given.items() if name in KNOWN_NAMES and value.strip()}
