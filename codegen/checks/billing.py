"""The billing guard: who pays is decided in one place, and never by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from codegen.checks.repeats import first_here
from codegen.diagnostics import Diagnostic, Note
from codegen.identifiers import confusable_key
from codegen.ir import PLATFORM, Arm, Provider, Registry, Runtime, Text
from codegen.rules import found


def _name_only(registry: Registry) -> Iterator[tuple[Runtime, Arm, Provider]]:
    for runtime in registry.runtimes:
        for arm, provider in registry.arms(runtime):
            if arm.is_name_only:
                yield runtime, arm, provider


def name_only_platform(registry: Registry) -> Iterator[Diagnostic]:
    """The platform has an arm without listed ids.

    A name-only arm takes every id that its pattern matches. On the platform's account that is a
    blank cheque: models nobody priced are paid by the platform.

    Fails::

        providers:
          - name: platform
        runtimes:
          agent:
            providers:
              - name: platform

    Passes::

        providers:
          - name: platform
        runtimes:
          agent:
            providers:
              - name: platform
                models: [platform-one]

    Mend: list the ids that the platform pays for.
    """
    for runtime, arm, provider in _name_only(registry):
        if provider.is_platform:
            yield found(
                "name_only_platform",
                arm.provider.span,
                f'the platform would pay for every id that its pattern matches on "{runtime.name}"',
                hint="list the ids that the platform pays for",
            )


def name_only_vendor(registry: Registry) -> Iterator[Diagnostic]:
    """A provider with an upstream vendor has an arm without listed ids.

    `upstream_vendor` marks the vendors that the platform's proxy dials on its own account. An
    arm that takes any of their ids lets the platform pay for what nobody listed.

    Fails::

        providers:
          - name: acme
            upstream_vendor: acme
        runtimes:
          agent:
            providers:
              - name: acme

    Passes::

        providers:
          - name: acme
            upstream_vendor: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]

    Mend: list the ids, or use a provider of its own, without upstream_vendor, for this runtime.
    """
    for runtime, arm, provider in _name_only(registry):
        vendor = provider.upstream_vendor
        if vendor is not None and not provider.is_platform:
            yield found(
                "name_only_vendor",
                arm.provider.span,
                f'"{provider.name}" is dialled for the platform as "{vendor}", and on runtime '
                f'"{runtime.name}" it takes every id that its pattern matches',
                hint="list the ids, or give the runtime a provider without upstream_vendor",
                notes=[Note(span=vendor.span, message="the upstream vendor")],
            )


def _platform(registry: Registry) -> Provider | None:
    return registry.provider(PLATFORM)


def shared_platform_credential(registry: Registry) -> Iterator[Diagnostic]:
    """A BYOK provider accepts the platform's own credential.

    The variable would count as the tenant's key: a workspace that has only the platform's token
    is told that it brought a key, and the token is sent to another vendor.

    Fails::

        providers:
          - name: platform
            auth_env: [PLATFORM_TOKEN]
          - name: acme
            auth_env: [ACME_API_KEY, PLATFORM_TOKEN]

    Passes::

        providers:
          - name: platform
            auth_env: [PLATFORM_TOKEN]
          - name: acme
            auth_env: [ACME_API_KEY]

    Mend: remove the platform's variable from the other provider.
    """
    platform = _platform(registry)
    own = {name: name for name in platform.auth_env} if platform is not None else {}
    for provider in registry.providers:
        for name in () if provider.is_platform else provider.auth_env:
            if name in own:
                yield found(
                    "shared_platform_credential",
                    name.span,
                    f'"{provider.name}" accepts {name}, the credential of the platform',
                    hint="remove it; a tenant brings a key of its own",
                    notes=[Note(span=own[name].span, message="the platform's")],
                )


def second_platform(registry: Registry) -> Iterator[Diagnostic]:
    """There are two providers called platform.

    The platform is the one provider that the platform pays for. With two of them the question
    who pays has two answers.

    Fails::

        providers:
          - name: platform
          - name: platform

    Passes::

        providers:
          - name: platform

    Mend: merge the two, or rename the one that the tenant pays for.
    """
    platforms = (provider.name for provider in registry.providers if provider.is_platform)
    first = next(platforms, None)
    for later in platforms if first is not None else ():
        yield found(
            "second_platform",
            later.span,
            "there is a second provider called platform",
            hint="merge the two, or rename the one that the tenant pays for",
            notes=first_here(first) if first is not None else (),
        )


_SURFACE = re.compile(r"(?i)^([a-z][a-z0-9+.-]*://[^/]*)(.*?)/*$")


def _surface(url: str) -> str:
    """Return a base URL as two of the same place are written alike."""
    match = _SURFACE.match(url)
    return match[1].lower() + match[2] if match else url


def _urls(provider: Provider) -> tuple[Text, ...]:
    urls = (provider.base_url_template, provider.base_url_anthropic)
    return tuple(url for url in urls if url is not None)


def _disguises(provider: Provider, surfaces: set[str]) -> Iterator[tuple[Text, str]]:
    """Yield what makes a provider another platform, and the words for it."""
    if confusable_key(provider.name) == PLATFORM:
        yield provider.name, f'"{provider.name}" reads like the platform'
    vendor = provider.upstream_vendor
    if vendor is not None and confusable_key(vendor) == PLATFORM:
        yield vendor, f'"{provider.name}" claims the platform as its upstream vendor'
    for url in _urls(provider):
        if _surface(url) in surfaces:
            yield url, f'"{provider.name}" is served at the base URL of the platform'


def platform_by_another_name(registry: Registry) -> Iterator[Diagnostic]:
    """A provider is the platform in all but its name.

    Only the provider called exactly `platform` is paid by the platform. One that is served at
    the platform's address, or called `Platform`, would use the platform and bill the tenant.

    Fails::

        providers:
          - name: platform
            base_url_template: https://llm.platform.example/v1
          - name: acme
            base_url_template: https://llm.platform.example/v1

    Passes::

        providers:
          - name: platform
            base_url_template: https://llm.platform.example/v1
          - name: acme
            base_url_template: https://api.acme.example/v1

    Mend: call it platform, or give it a name and an address of its own.
    """
    platform = _platform(registry)
    surfaces = {_surface(url) for url in _urls(platform)} if platform is not None else set[str]()
    for provider in registry.providers:
        if not provider.is_platform:
            for text, words in islice(_disguises(provider, surfaces), 1):
                yield found(
                    "platform_by_another_name",
                    text.span,
                    f"{words}, and would be billed to the tenant",
                    hint="call it platform, or give it a name and an address of its own",
                )
