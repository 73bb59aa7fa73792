"""Rules about names: what they may contain, and that each is there once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codegen.checks.repeats import first_here, repeats
from codegen.diagnostics import Diagnostic
from codegen.identifiers import confusable_key
from codegen.ir import Registry, Text
from codegen.routing import trim
from codegen.rules import found

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._-][A-Za-z0-9]+)*")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _all_names(registry: Registry) -> Iterator[tuple[str, Text]]:
    yield from (("provider", provider.name) for provider in registry.providers)
    yield from (("runtime", runtime.name) for runtime in registry.runtimes)


def malformed_name(registry: Registry) -> Iterator[Diagnostic]:
    """A provider's or runtime's name becomes an identifier in three languages."""
    for kind, name in _all_names(registry):
        if not _NAME.fullmatch(name):
            yield found(
                "malformed_name",
                name.span,
                f'"{name}" cannot be the name of a {kind}',
                hint="begin with a letter; then letters and digits, joined by single - _ or .",
            )


def duplicate_provider(registry: Registry) -> Iterator[Diagnostic]:
    """Everything refers to a provider by name, so a name stands for one."""
    for later, notes in repeats(provider.name for provider in registry.providers):
        message = f'there are two providers called "{later}"'
        hint = "rename one of the two, or merge them"
        yield found("duplicate_provider", later.span, message, hint=hint, notes=notes)


def duplicate_upstream_vendor(registry: Registry) -> Iterator[Diagnostic]:
    """A proxy resolves a vendor to one provider (semantics: `resolve_upstream`)."""
    vendors = (p.upstream_vendor for p in registry.providers if p.upstream_vendor is not None)
    for later, notes in repeats(vendors):
        message = f'two providers claim the upstream vendor "{later}"'
        hint = "keep it on the provider that a proxy should use"
        yield found("duplicate_upstream_vendor", later.span, message, hint=hint, notes=notes)


def confusable_names(registry: Registry) -> Iterator[Diagnostic]:
    """Names that differ only in case and punctuation become the same identifier."""
    first: dict[tuple[str, str], Text] = {}
    for kind, name in _all_names(registry):
        earlier = first.setdefault((kind, confusable_key(name)), name)
        if earlier != name and _NAME.fullmatch(name):
            message = f'the {kind}s "{earlier}" and "{name}" differ only in case and punctuation'
            hint = "give one of them another name"
            yield found(
                "confusable_names", name.span, message, hint=hint, notes=first_here(earlier)
            )


def _env_names(registry: Registry) -> Iterator[Text]:
    for provider in registry.providers:
        yield from provider.auth_env
        yield provider.auth_token_env
        yield from (variable.env for variable in provider.endpoint_vars)
    yield from (header.env for header in registry.credential_headers)


def malformed_env_name(registry: Registry) -> Iterator[Diagnostic]:
    """A credential's name is the name of an environment variable."""
    for name in _env_names(registry):
        if name and not _ENV_NAME.fullmatch(name):
            message = f'"{name}" cannot be the name of an environment variable'
            hint = "letters, digits and _, not beginning with a digit"
            yield found("malformed_env_name", name.span, message, hint=hint)


def _ids(registry: Registry) -> Iterator[Text]:
    for provider in registry.providers:
        yield from provider.model_aliases
        yield from provider.examples
    for runtime in registry.runtimes:
        for arm in runtime.arms:
            yield from arm.models
            yield from (gone.id for gone in arm.withdrawn)
        if runtime.default_model is not None:
            yield runtime.default_model


def untrimmed_id(registry: Registry) -> Iterator[Diagnostic]:
    """Requests are trimmed before they are looked up (semantics: Model ids)."""
    for model in _ids(registry):
        if trim(model) != model:
            yield found(
                "untrimmed_id",
                model.span,
                "the id begins or ends with white space, so no request can ever name it",
                hint=f'write "{trim(model)}"',
            )
