"""A core registry and contributed ones -> one registry; an overlay adds and never changes.

What overlays bring is sorted by name behind what the core has, so the order in which they are
given does not change the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from codegen import faults
from codegen.diagnostics import Diagnostic
from codegen.identifiers import confusable_key
from codegen.ir import (
    PLATFORM,
    Arm,
    CredentialHeader,
    Extension,
    Provider,
    Registry,
    Runtime,
    Text,
)
from codegen.source import NOWHERE, Span

_Entry = TypeVar("_Entry")


def _names_platform(text: str | None) -> bool:
    return text is not None and confusable_key(text) == PLATFORM


def _provider_faults(provider: Provider) -> Iterator[Diagnostic]:
    """Yield what an overlay's provider takes upon itself that only the core may."""
    if _names_platform(provider.name):
        message = "an overlay cannot define the platform"
        yield faults.overlay_names_platform(provider.name.span, message)
    if provider.upstream_vendor is not None:
        vendor = provider.upstream_vendor
        yield faults.overlay_claims_vendor(vendor.span, vendor)


def _arm_faults(arm: Arm) -> Iterator[Diagnostic]:
    if _names_platform(arm.provider):
        message = "an overlay cannot give a runtime an arm that the platform pays for"
        yield faults.overlay_names_platform(arm.provider.span, message)


class _Merger:
    """Collects what each file defines, and where; a second definition is a finding."""

    def __init__(self, core: Registry) -> None:
        self.core = core
        self.providers: dict[str, Provider] = {}
        self.runtimes: dict[str, Runtime] = {}
        self.headers: dict[str, CredentialHeader] = {}
        self.extensions: dict[str, Extension] = {}
        self.diagnostics: list[Diagnostic] = []
        # Where the core decides about a variable: its own entry, else who accepts it first.
        accepted = (
            env
            for provider in core.providers
            for env in (*provider.auth_env, provider.auth_token_env)
        )
        entries = (header.env for header in core.credential_headers)
        self.decided: dict[str, Text] = {}
        for env in (*entries, *accepted):
            self.decided.setdefault(env, env)

    def add(self, overlay: Registry) -> None:
        for provider in overlay.providers:
            self._add_provider(provider)
        for runtime in overlay.runtimes:
            self._add_runtime(runtime)
        for header in overlay.credential_headers:
            if header.env.span != NOWHERE:
                self._add_header(header)
        for extension in overlay.extensions:
            self._add_extension(extension)

    def _redefined(self, span: Span, what: str, earlier: Span) -> None:
        self.diagnostics.append(faults.redefined_entry(span, what, earlier))

    def _add_provider(self, provider: Provider) -> None:
        self.diagnostics += _provider_faults(provider)
        earlier = self.core.provider(provider.name) or self.providers.get(provider.name)
        if earlier is not None:
            what = f'the provider "{provider.name}"'
            self._redefined(provider.name.span, what, earlier.name.span)
        elif not _names_platform(provider.name):
            self.providers[provider.name] = provider

    def _add_runtime(self, runtime: Runtime) -> None:
        self.diagnostics += [fault for arm in runtime.arms for fault in _arm_faults(arm)]
        earlier = self.core.runtime(runtime.name) or self.runtimes.get(runtime.name)
        if earlier is not None:
            what = f'the runtime "{runtime.name}"'
            self._redefined(runtime.name.span, what, earlier.name.span)
        else:
            self.runtimes[runtime.name] = runtime

    def _add_header(self, header: CredentialHeader) -> None:
        """Take the header of a variable; one that the core accepts is the core's to decide."""
        other = self.headers.get(header.env)
        earlier = self.decided.get(header.env, other.env if other is not None else None)
        if earlier is not None:
            self._redefined(header.env.span, f"the header of {header.env}", earlier.span)
        else:
            self.headers[header.env] = header

    def _add_extension(self, extension: Extension) -> None:
        known = {own.key: own for own in self.core.extensions} | self.extensions
        earlier = known.get(extension.key)
        if earlier is not None:
            self._redefined(extension.key.span, f'"{extension.key}"', earlier.key.span)
        else:
            self.extensions[extension.key] = extension

    def merged(self) -> Registry:
        core = self.core
        headers = {str(h.env): h for h in core.credential_headers} | self.headers
        return Registry(
            schema_version=core.schema_version,
            providers=(*core.providers, *_sorted(self.providers)),
            runtimes=(*core.runtimes, *_sorted(self.runtimes)),
            credential_headers=tuple(_sorted(headers)),
            extensions=(*core.extensions, *_sorted(self.extensions)),
        )


def _sorted(entries: dict[str, _Entry]) -> list[_Entry]:
    return [entries[name] for name in sorted(entries)]


def merge(core: Registry, overlays: Sequence[Registry]) -> tuple[Registry, tuple[Diagnostic, ...]]:
    """Return one registry of a core and its overlays, and what the overlays may not do.

    An overlay may add providers, runtimes with BYOK arms, headers of variables that the core
    does not accept, and extensions. What it may not do is left out of the result.
    """
    if not overlays:
        return core, ()
    merger = _Merger(core)
    for overlay in overlays:
        merger.add(overlay)
    return merger.merged(), tuple(merger.diagnostics)
