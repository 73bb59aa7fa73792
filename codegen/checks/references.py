"""Rules about references: that what is named is there, and is named once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codegen.checks.repeats import repeats
from codegen.diagnostics import Diagnostic, Note
from codegen.ir import Registry, Runtime, Text
from codegen.nearest import did_you_mean
from codegen.rules import found


def unknown_provider(registry: Registry) -> Iterator[Diagnostic]:
    """An arm names a provider of the catalog."""
    names = [provider.name for provider in registry.providers]
    for runtime in registry.runtimes:
        for arm in runtime.arms:
            if registry.provider(arm.provider) is None:
                yield found(
                    "unknown_provider",
                    arm.provider.span,
                    f'"{arm.provider}" is not a provider of this manifest',
                    hint=did_you_mean(arm.provider, names) or "add it under providers",
                )


def doubled_arm(registry: Registry) -> Iterator[Diagnostic]:
    """A runtime has one arm for a provider: of two, only one order could count."""
    for runtime in registry.runtimes:
        for name, notes in repeats(arm.provider for arm in runtime.arms):
            message = f'runtime "{runtime.name}" has two arms for "{name}"'
            hint = "put the models of both under one arm"
            yield found("doubled_arm", name.span, message, hint=hint, notes=notes)


def _lists(registry: Registry) -> Iterator[tuple[str, Iterable[Text]]]:
    for provider in registry.providers:
        yield "auth_env", provider.auth_env
        yield "model_aliases", provider.model_aliases
        yield "examples", provider.examples
    for runtime in registry.runtimes:
        for arm in runtime.arms:
            yield "models", arm.models
            yield "withdrawn_models", tuple(gone.id for gone in arm.withdrawn)


def doubled_entry(registry: Registry) -> Iterator[Diagnostic]:
    """A list that names a thing twice was edited twice."""
    for key, texts in _lists(registry):
        for text, notes in repeats(texts):
            message = f'{key} names "{text}" twice'
            yield found("doubled_entry", text.span, message, hint="remove one", notes=notes)


def listed_and_withdrawn(registry: Registry) -> Iterator[Diagnostic]:
    """An id is never both on and off the menu of one runtime (semantics: Terms)."""
    for runtime in registry.runtimes:
        yield from _both(runtime)


def _both(runtime: Runtime) -> Iterator[Diagnostic]:
    listed = {model: model for arm in reversed(runtime.arms) for model in reversed(arm.models)}
    for arm in runtime.arms:
        for gone in arm.withdrawn:
            if gone.id in listed:
                yield found(
                    "listed_and_withdrawn",
                    gone.id.span,
                    f'"{gone.id}" is both listed and withdrawn on runtime "{runtime.name}"',
                    hint="keep it in one of the two lists",
                    notes=[Note(span=listed[gone.id].span, message="listed here")],
                )
