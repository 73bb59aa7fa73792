"""Rules about references: that what is named is there, and is named once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codegen.checks.repeats import repeats
from codegen.diagnostics import Diagnostic, Note
from codegen.ir import Registry, Runtime, Text
from codegen.nearest import did_you_mean
from codegen.rules import found


def unknown_provider(registry: Registry) -> Iterator[Diagnostic]:
    """An arm names a provider that the manifest does not have.

    The arm could serve nothing.

    Fails::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: amce

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme

    Mend: correct the name, or add the provider.
    """
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
    """A runtime has two arms for one provider.

    Arms are ordered, and where several list an id the first one counts. Of two arms of one
    provider nobody can say which place it has.

    Fails::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
              - name: acme
                models: [acme-2]

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1, acme-2]

    Mend: put the models of both under one arm.
    """
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
    """A list names the same thing twice.

    The second mention changes nothing. It was pasted, or another word was meant.

    Fails::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY, ACME_API_KEY]

    Passes::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY]

    Mend: remove one of the two.
    """
    for key, texts in _lists(registry):
        for text, notes in repeats(texts):
            message = f'{key} names "{text}" twice'
            yield found("doubled_entry", text.span, message, hint="remove one", notes=notes)


def listed_and_withdrawn(registry: Registry) -> Iterator[Diagnostic]:
    """An id is both on the menu of a runtime and withdrawn there.

    It would be offered and refused at the same time (semantics: `derive_provider`).

    Fails::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1, acme-2]
                withdrawn_models: [acme-1]

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-2]
                withdrawn_models: [acme-1]

    Mend: keep it in one of the two lists.
    """
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


def unused_provider(registry: Registry) -> Iterator[Diagnostic]:
    """No runtime has an arm for a provider.

    Nothing routes to it, so its pattern, its keys and its URLs were never tried. Often it is
    what a removed arm left behind, or an arm that was forgotten.

    Fails::

        providers:
          - name: acme

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme

    Mend: give a runtime an arm for it, or remove it; else ignore the warning with a reason.
    """
    used = {arm.provider for runtime in registry.runtimes for arm in runtime.arms}
    for provider in registry.providers:
        if provider.name not in used:
            yield found(
                "unused_provider",
                provider.name.span,
                f'no runtime has an arm for "{provider.name}"',
                hint="give a runtime an arm for it, or remove it",
            )
