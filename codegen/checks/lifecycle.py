"""Rules about what comes and goes: defaults, withdrawn ids, deprecated providers."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.diagnostics import Diagnostic, Note
from codegen.ir import Deprecation, Provider, Registry, Runtime, Text, Withdrawn
from codegen.nearest import did_you_mean
from codegen.proofs import contest
from codegen.rules import found


class _Routes:
    """What a runtime does with an id when no variable is set; indexed once for many questions."""

    def __init__(self, registry: Registry, runtime: Runtime) -> None:
        self.runtime = runtime
        self.arms = registry.arms(runtime)
        self.listed: dict[str, Provider] = {
            model: provider for arm, provider in reversed(self.arms) for model in arm.models
        }
        self.gone: dict[str, Withdrawn] = {
            gone.id: gone for arm in reversed(runtime.arms) for gone in arm.withdrawn
        }
        self._claims = contest(registry, runtime).claims

    @property
    def is_known(self) -> bool:
        """Whether every arm has a provider and a pattern that was not refused."""
        is_whole = len(self.arms) == len(self.runtime.arms)
        return is_whole and all(provider.pattern.rules for _, provider in self.arms)

    def owners(self, model: str) -> tuple[Provider, ...]:
        """Return the provider that lists an id first, else all whose patterns match it."""
        if model in self.listed:
            return (self.listed[model],)
        return tuple(self.arms[index][1] for index in sorted(self._claims.of(model)))

    def is_refused(self, model: str) -> bool:
        """Tell whether an id that is not withdrawn is refused to a new workspace."""
        return self.is_known and model not in self.gone and len(self.owners(model)) != 1


def _routes(registry: Registry) -> Iterator[_Routes]:
    return (registry.once(_Routes, runtime) for runtime in registry.runtimes)


def _defaults(registry: Registry) -> Iterator[tuple[_Routes, Text]]:
    for routes in _routes(registry):
        if routes.runtime.default_model is not None:
            yield routes, routes.runtime.default_model


def unroutable_default(registry: Registry) -> Iterator[Diagnostic]:
    """The default model of a runtime is one that the runtime refuses.

    Every new workspace would die at boot: the id is on no list, and no pattern owns it alone
    (semantics: `validate_model`).

    Fails::

        providers:
          - name: acme
        runtimes:
          agent:
            default_model: amce-1
            providers:
              - name: acme
                models: [acme-1]

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            default_model: acme-1
            providers:
              - name: acme
                models: [acme-1]

    Mend: name an id of the menu, or one that exactly one arm's pattern matches.
    """
    for routes, model in _defaults(registry):
        if routes.is_refused(model):
            names = " and ".join(f'"{owner.name}"' for owner in routes.owners(model)[:2])
            why = f"it is ambiguous between {names}" if names else "no arm lists or matches it"
            yield found(
                "unroutable_default",
                model.span,
                f'runtime "{routes.runtime.name}" refuses its own default "{model}": {why}',
                hint=did_you_mean(model, routes.runtime.menu) or "name an id of the menu",
            )


def withdrawn_default(registry: Registry) -> Iterator[Diagnostic]:
    """The default model of a runtime is withdrawn there.

    A withdrawn id is refused to every new workspace, and the default is what new workspaces
    start with.

    Fails::

        providers:
          - name: acme
        runtimes:
          agent:
            default_model: acme-1
            providers:
              - name: acme
                models: [acme-2]
                withdrawn_models: [acme-1]

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            default_model: acme-2
            providers:
              - name: acme
                models: [acme-2]
                withdrawn_models: [acme-1]

    Mend: name the replacement, or another id of the menu.
    """
    for routes, model in _defaults(registry):
        gone = routes.gone.get(model)
        if gone is not None:
            instead = gone.replacement or next(iter(routes.runtime.menu), None)
            yield found(
                "withdrawn_default",
                model.span,
                f'the default of runtime "{routes.runtime.name}" is withdrawn',
                hint=f'name "{instead}"' if instead else "name an id of the menu",
                notes=[Note(span=gone.id.span, message="withdrawn here")],
            )


def _replacements(registry: Registry) -> Iterator[tuple[_Routes, Withdrawn, Text]]:
    for routes in _routes(registry):
        for arm in routes.runtime.arms:
            for gone in arm.withdrawn:
                if gone.replacement is not None:
                    yield routes, gone, gone.replacement


def unroutable_replacement(registry: Registry) -> Iterator[Diagnostic]:
    """The replacement of a withdrawn model is one that the runtime refuses.

    People are told to use it, and are refused again.

    Fails::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-2]
                withdrawn_models:
                  - {id: acme-1, replacement: amce-2}

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-2]
                withdrawn_models:
                  - {id: acme-1, replacement: acme-2}

    Mend: name an id that the runtime takes.
    """
    for routes, gone, instead in _replacements(registry):
        if routes.is_refused(instead):
            name = routes.runtime.name
            yield found(
                "unroutable_replacement",
                instead.span,
                f'runtime "{name}" refuses "{instead}", the replacement of "{gone.id}"',
                hint=did_you_mean(instead, routes.runtime.menu) or "name an id of the menu",
            )


def withdrawn_replacement(registry: Registry) -> Iterator[Diagnostic]:
    """The replacement of a withdrawn model is withdrawn as well.

    People follow it and are refused again, perhaps in a circle.

    Fails::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-3]
                withdrawn_models:
                  - {id: acme-1, replacement: acme-2}
                  - {id: acme-2, replacement: acme-3}

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-3]
                withdrawn_models:
                  - {id: acme-1, replacement: acme-3}
                  - {id: acme-2, replacement: acme-3}

    Mend: name what is to be used today.
    """
    for routes, gone, instead in _replacements(registry):
        other = routes.gone.get(instead)
        if other is not None:
            then = other.replacement if other.replacement != gone.id else None
            yield found(
                "withdrawn_replacement",
                instead.span,
                f'"{instead}", the replacement of "{gone.id}", is withdrawn too',
                hint=f'name "{then}"' if then else "name an id of the menu",
                notes=[Note(span=other.id.span, message="withdrawn here")],
            )


def _deprecated(registry: Registry) -> Iterator[tuple[Provider, Deprecation]]:
    for provider in registry.providers:
        if provider.deprecated is not None:
            yield provider, provider.deprecated


def unknown_successor(registry: Registry) -> Iterator[Diagnostic]:
    """The replacement of a deprecated provider is not a provider that one could move to.

    It names no provider of the manifest, or one that is deprecated itself. The canvas offers it
    as the next step.

    Fails::

        providers:
          - name: acme
            deprecated: {replacement: acme-2}

    Passes::

        providers:
          - name: acme
            deprecated: {replacement: acme-next}
          - name: acme-next

    Mend: name a provider of the manifest that is not deprecated.
    """
    names = [provider.name for provider in registry.providers if provider.deprecated is None]
    for provider, deprecation in _deprecated(registry):
        successor = deprecation.replacement
        if successor is not None and successor not in names:
            yield found(
                "unknown_successor",
                successor.span,
                f'"{successor}" cannot replace "{provider.name}": '
                "it is not a provider that is here to stay",
                hint=did_you_mean(successor, names) or "name another provider of the manifest",
            )


def no_successor(registry: Registry) -> Iterator[Diagnostic]:
    """A provider is deprecated, and nothing says what to use instead.

    People are asked to leave and not told where to. That may be so; often it was forgotten.

    Fails::

        providers:
          - name: acme
            deprecated: true

    Passes::

        providers:
          - name: acme
            deprecated: {replacement: acme-next, note: Acme closes in spring.}
          - name: acme-next

    Mend: name a replacement, or say in a note that there is none.
    """
    for provider, deprecation in _deprecated(registry):
        if not deprecation.replacement and not deprecation.note:
            yield found(
                "no_successor",
                provider.name.span,
                f'"{provider.name}" is deprecated without a replacement or a note',
                hint="write deprecated: {replacement: …}, or a note that there is none",
            )


def deprecated_default(registry: Registry) -> Iterator[Diagnostic]:
    """The default model of a runtime is served by a deprecated provider.

    Every new workspace starts with what is about to go.

    Fails::

        providers:
          - name: acme
            deprecated: {note: closes in spring}
        runtimes:
          agent:
            default_model: acme-1
            providers:
              - name: acme
                models: [acme-1]

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            default_model: acme-1
            providers:
              - name: acme
                models: [acme-1]

    Mend: let the runtime start with a model of another provider.
    """
    for routes, model in _defaults(registry):
        owners = routes.owners(model)
        if len(owners) == 1 and owners[0].deprecated is not None:
            yield found(
                "deprecated_default",
                model.span,
                f'the default of runtime "{routes.runtime.name}" is served by "{owners[0].name}", '
                "which is deprecated",
                hint="name a model of another provider",
                notes=[Note(span=owners[0].name.span, message="deprecated here")],
            )
