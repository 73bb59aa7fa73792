"""Say which provider serves a model on a runtime, who pays, and how to reach it.

Usage: ask-provider RUNTIME MODEL [VARIABLE ...]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from provider_registry import (
    Provider,
    RegistryError,
    derive_provider,
    endpoint,
    select_credential,
)


def address(provider: Provider) -> str:
    """Return the base URL of the surface that the provider speaks by nature."""
    try:
        return endpoint(provider.name, provider.protocol)
    except RegistryError as error:
        return f"none: {error}"


def header(provider: Provider, names: Sequence[str]) -> str:
    """Return the header to send, with the name of the variable and never its value."""
    try:
        found = select_credential(provider.name, provider.protocol, [names])
    except RegistryError as error:
        return f"none: {error}"
    return f"{found.header}: {found.prefix}${found.name}"


def answer(provider: Provider, names: Sequence[str]) -> Iterator[str]:
    """Yield what there is to know about a provider."""
    yield f"provider: {provider.name}"
    yield f"pays:     {'the platform' if provider.is_platform else 'the tenant'}"
    yield f"endpoint: {address(provider)}"
    yield f"header:   {header(provider, names)}"


def refusal(error: RegistryError) -> Iterator[str]:
    """Yield why there is no provider, and what was perhaps meant."""
    yield f"refused:  {error.code}"
    yield f"reason:   {error}"
    yield f"nearest:  {', '.join(error.suggestions) or 'none'}"


def main() -> int:
    """Answer the question on the command line: 0 an answer, 1 a refusal, 2 no question."""
    if len(sys.argv) < 3:
        print("usage: ask-provider RUNTIME MODEL [VARIABLE ...]", file=sys.stderr)
        return 2
    runtime, model, *names = sys.argv[1:]
    try:
        lines = answer(derive_provider(runtime, model, names), names)
    except RegistryError as error:
        print("\n".join(refusal(error)))
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
