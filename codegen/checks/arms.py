"""Rules about arms: that each can be reached, and that examples and aliases are what they say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from codegen.diagnostics import Diagnostic
from codegen.ir import Provider, Registry, Runtime
from codegen.probes import owns
from codegen.proofs import Contest, contest
from codegen.rules import found


def _contests(registry: Registry) -> dict[str, Contest]:
    return {runtime.name: contest(registry, runtime) for runtime in registry.runtimes}


_Seats = dict[str, list[tuple[Runtime, int]]]


def _seats(registry: Registry) -> _Seats:
    """Return, by provider, the runtimes that have an arm for it and the number of the arm."""
    seats: _Seats = defaultdict(list)
    for runtime in registry.runtimes:
        for index, (_, provider) in enumerate(registry.arms(runtime)):
            seats[provider.name].append((runtime, index))
    return seats


def _seated(registry: Registry) -> Iterator[tuple[Provider, list[tuple[Runtime, int]]]]:
    """Yield the providers that have arms, of several with one name the one that the arms mean."""
    for name, seats in _seats(registry).items():
        provider = registry.provider(name)
        if provider is not None and provider.pattern.rules:
            yield provider, seats


def foreign_example(registry: Registry) -> Iterator[Diagnostic]:
    """An example is not matched by the pattern of its own provider.

    Examples are ids that people copy, and the compiler routes them as probes. One that the
    pattern does not own sends people to an error.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^acme-'
            examples: [acme/one]

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^acme[-/]'
            examples: [acme/one]

    Mend: correct the example or the pattern.
    """
    for provider in registry.providers:
        for example in provider.examples if provider.pattern.rules else ():
            if not owns(provider, example):
                yield found(
                    "foreign_example",
                    example.span,
                    f'"{example}" does not match the pattern of "{provider.name}"',
                    hint=f"give an id that {provider.pattern.text} matches",
                )


def unreachable_arm(registry: Registry) -> Iterator[Diagnostic]:
    """A name-only arm can never be chosen: other arms claim every id that its pattern matches.

    An arm without listed ids lives by its pattern alone. Where the other arms of the runtime
    match or list everything that it matches, it is a promise that the runtime does not keep.

    Fails::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY]
            model_prefix_match: '^acme-'
          - name: acme-eu
            auth_env: [ACME_EU_KEY]
            model_prefix_match: '^acme-eu-'
        runtimes:
          agent:
            providers:
              - name: acme
              - name: acme-eu

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^acme-us-'
          - name: acme-eu
            model_prefix_match: '^acme-eu-'
        runtimes:
          agent:
            providers:
              - name: acme
              - name: acme-eu

    Mend: narrow the other patterns, or list this arm's models.
    """
    contests = _contests(registry)
    for runtime in registry.runtimes:
        names = Counter(arm.provider for arm in runtime.arms)
        for index, (arm, provider) in enumerate(registry.arms(runtime)):
            is_routing = arm.is_name_only and provider.pattern.rules and names[arm.provider] == 1
            if is_routing and not contests[runtime.name].has_own(index):
                yield found(
                    "unreachable_arm",
                    arm.provider.span,
                    f'no id reaches "{provider.name}" on runtime "{runtime.name}": '
                    "other arms claim everything its pattern matches",
                    hint="narrow the other patterns, or list this arm's models",
                )


def _is_alive(registry: Registry, runtime: Runtime, index: int, on: Contest) -> bool:
    """Tell whether a pattern routes an id, or matches none but those that its arm lists."""
    arm, provider = registry.arms(runtime)[index]
    if on.has_open(index):
        return on.can_win(index)
    return any(owns(provider, model) for model in arm.models)


def dead_pattern(registry: Registry) -> Iterator[Diagnostic]:
    """A pattern routes no id on any runtime.

    The arms of the provider serve the ids that they list. Beyond these the pattern never gets
    an id: on each runtime, other arms match everything it matches, and no variable selects it.

    Fails::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY, ACME_TOKEN]
            model_prefix_match: '^acme-'
          - name: acme-eu
            auth_env: [ACME_API_KEY]
            model_prefix_match: '^acme-eu-'
        runtimes:
          agent:
            providers:
              - name: acme
              - name: acme-eu
                models: [acme-eu-1]

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^acme-us-'
          - name: acme-eu
            model_prefix_match: '^acme-eu-'
        runtimes:
          agent:
            providers:
              - name: acme
              - name: acme-eu
                models: [acme-eu-1]

    Mend: narrow the other patterns, or give the provider a variable of its own.
    """
    contests = _contests(registry)
    for provider, seats in _seated(registry):
        is_listing = all(not registry.arms(r)[index][0].is_name_only for r, index in seats)
        is_alive = any(_is_alive(registry, r, index, contests[r.name]) for r, index in seats)
        if is_listing and not is_alive:
            yield found(
                "dead_pattern",
                provider.pattern.text.span,
                f'the pattern of "{provider.name}" routes no id on any runtime',
                hint="narrow the patterns of the other arms, or give it a variable of its own",
            )


def _can_reach(registry: Registry, runtime: Runtime, index: int, model: str, on: Contest) -> bool:
    """Tell whether some names route an id to an arm."""
    arms = registry.arms(runtime)
    if on.is_taken(model):
        listers = [other for other, (arm, _) in enumerate(arms) if model in arm.models]
        is_first = listers[:1] == [index]
        return is_first or (index in listers and on.is_separable(index, listers))
    return on.is_separable(index, on.claims.of(model))


def unreachable_example(registry: Registry) -> Iterator[Diagnostic]:
    """An example routes to its provider on none of the runtimes that have it.

    The pattern of the provider matches it, and on each runtime another arm lists or claims it.
    The canvas shows it as a thing to type, and it leads elsewhere.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^acme-'
            examples: [acme-1]
          - name: reseller
        runtimes:
          agent:
            providers:
              - name: acme
              - name: reseller
                models: [acme-1]

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^acme-'
            examples: [acme-2]
          - name: reseller
        runtimes:
          agent:
            providers:
              - name: acme
              - name: reseller
                models: [acme-1]

    Mend: give another example, or the id back to this provider.
    """
    contests = _contests(registry)
    for provider, seats in _seated(registry):
        for example in provider.examples:
            if owns(provider, example) and not any(
                _can_reach(registry, runtime, index, example, contests[runtime.name])
                for runtime, index in seats
            ):
                yield found(
                    "unreachable_example",
                    example.span,
                    f'"{example}" reaches "{provider.name}" on no runtime',
                    hint="give an id that no other arm lists or matches",
                )


def foreign_alias(registry: Registry) -> Iterator[Diagnostic]:
    """An alias is an id that the provider neither matches nor lists.

    An alias routes nothing by itself. One that no pattern and no list of its provider owns is
    a word that people see and cannot use.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^acme-'
            model_aliases: [best]

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^(acme-|best$)'
            model_aliases: [best]

    Mend: let the pattern match the alias, list it on an arm, or remove it.
    """
    listed = {
        (arm.provider, model)
        for runtime in registry.runtimes
        for arm in runtime.arms
        for model in arm.models
    }
    for provider in registry.providers:
        for alias in provider.model_aliases if provider.pattern.rules else ():
            if not owns(provider, alias) and (provider.name, alias) not in listed:
                yield found(
                    "foreign_alias",
                    alias.span,
                    f'nothing of "{provider.name}" owns the alias "{alias}"',
                    hint="let the pattern match it, list it on an arm, or remove it",
                )


def empty_runtime(registry: Registry) -> Iterator[Diagnostic]:
    """A runtime has no arms.

    It is known, so nothing about it is passed on to others, and it refuses every model.

    Fails::

        runtimes:
          agent:
            providers: []

    Passes::

        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme

    Mend: give it an arm, or remove it.
    """
    for runtime in registry.runtimes:
        if not runtime.arms:
            yield found(
                "empty_runtime",
                runtime.name.span,
                f'runtime "{runtime.name}" has no arms, so it refuses every model',
                hint="give it an arm, or remove it",
            )
