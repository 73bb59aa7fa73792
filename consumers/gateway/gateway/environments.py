"""Whose keys a workspace's environment holds, and the little of it that a guest sees."""

from __future__ import annotations

from collections.abc import Mapping

from provider_registry import Billing, MissingCredentials, missing_credentials

from gateway.layers import CREDENTIAL_NAMES, KNOWN_NAMES, PLATFORM_NAMES
from gateway.refusals import Code, Refusal


def of_workspace(
    billing: Billing, given: Mapping[str, str], platform: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of a workspace's own layer, by who pays.

    `given` are the workspace's variables, `platform` the platform's own credential. Where
    the platform pays, that credential stands in for every vendor's; where the tenant does,
    the platform's is stripped; where nobody does, there is no credential at all.
    """
    if billing.mode == "byok":
        return {name: value for name, value in given.items() if name not in PLATFORM_NAMES}
    kept = {name: value for name, value in given.items() if name not in CREDENTIAL_NAMES}
    if billing.mode == "disabled":
        return kept
    return kept | {name: platform[name] for name in PLATFORM_NAMES if name in platform}


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


def require_credential(runtime: str, model: str, names: frozenset[str]) -> None:
    """Refuse (422) a model that the tenant pays for and has no key for."""
    missing = missing_credentials(runtime, model, names)
    if missing is not None:
        raise keyless(missing)


def keyless(missing: MissingCredentials) -> Refusal:
    """Return the refusal of a model whose provider lacks a key: what is missing, what to do."""
    names = " or ".join(missing.names)
    message = (
        f"This model is served by {missing.provider} with a key of your own, and there is "
        f"none. Send {names} under `secrets`, or store one with PUT /secrets/NAME."
    )
    details: dict[str, object] = {
        "field": "secrets",
        "provider": missing.provider,
        "missing_env": list(missing.names),
        "remedy": f"Set {names}.",
    }
    return Refusal(422, Code.MISSING_BYOK_CREDENTIAL, message, details=details)
