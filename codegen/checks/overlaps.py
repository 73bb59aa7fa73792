"""Rules about patterns that share ids: on a runtime, and over the whole catalog."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.checks.phrases import either, payer
from codegen.diagnostics import Diagnostic, Note
from codegen.ir import Arm, Provider, Registry, Runtime
from codegen.proofs import Claims, contest
from codegen.rules import found

_Owner = tuple[Arm, Provider]


def _overlaps(registry: Registry, runtime: Runtime) -> tuple[tuple[_Owner, _Owner, str], ...]:
    """Return each two arms of a runtime whose patterns share an id, and the shortest such id."""
    return registry.once(_overlapping, runtime)


def _overlapping(registry: Registry, runtime: Runtime) -> tuple[tuple[_Owner, _Owner, str], ...]:
    arms = registry.arms(runtime)
    overlaps = contest(registry, runtime).claims.overlaps()
    return tuple(
        (arms[one], arms[two], witness)
        for (one, two), witness in sorted(overlaps.items())
        if arms[one][1] is not arms[two][1]
    )


def _own(one: Provider, two: Provider) -> tuple[str, ...]:
    return tuple(name for name in one.auth_env if name not in two.auth_env)


def _is_separable(one: Provider, two: Provider) -> bool:
    return bool(_own(one, two) or _own(two, one))


def _notes(one: _Owner, two: _Owner) -> tuple[Note, ...]:
    patterns = (
        Note(
            span=provider.pattern.text.span,
            message=f'the pattern of "{provider.name}", which {payer(provider)} pays for',
        )
        for _, provider in (one, two)
    )
    return (Note(span=one[0].provider.span, message="the other arm"), *patterns)


def inseparable_arms(registry: Registry) -> Iterator[Diagnostic]:
    """Two arms of a runtime match the same ids, and no variable ever tells them apart.

    Such an id is refused for good as ambiguous, whatever keys a workspace has: the two providers
    accept the same variables (semantics: `derive_provider`, step 5). The message names the
    shortest id that both match.

    Fails::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY]
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
            auth_env: [ACME_API_KEY]
            model_prefix_match: '^acme-us-'
          - name: acme-eu
            auth_env: [ACME_API_KEY]
            model_prefix_match: '^acme-eu-'
        runtimes:
          agent:
            providers:
              - name: acme
              - name: acme-eu
                models: [acme-eu-1]

    Mend: narrow one of the two patterns, or give one provider a variable of its own.
    """
    for runtime in registry.runtimes:
        for one, two, witness in _overlaps(registry, runtime):
            if not _is_separable(one[1], two[1]):
                yield found(
                    "inseparable_arms",
                    two[0].provider.span,
                    f'"{one[1].name}" and "{two[1].name}" both match "{witness}" on runtime '
                    f'"{runtime.name}", and no variable tells them apart',
                    hint="narrow one of the patterns, or give one of the two another variable",
                    notes=_notes(one, two),
                )


def _ambiguous(one: Provider, two: Provider) -> str:
    """Say which sets of names leave two providers that share an id ambiguous."""
    both = [name for name in one.auth_env if name in two.auth_env]
    cases = ["with none of their variables set"]
    if both:
        cases.append(f"with {either(both)}")
    if _own(one, two) and _own(two, one):
        cases.append(f"with {either(_own(one, two))} beside {either(_own(two, one))}")
    return ", or ".join(cases)


def overlapping_arms(registry: Registry) -> Iterator[Diagnostic]:
    """Two arms of a runtime match the same ids, and only the variables tell them apart.

    An id that both match is refused as ambiguous unless the variables of the workspace leave
    one of the two; without any it is refused for every new workspace. The message names the
    shortest such id, and the sets of variables that leave it ambiguous.

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
                models: [acme-eu-1]

    Passes::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY]
            model_prefix_match: '^acme-us-'
          - name: acme-eu
            auth_env: [ACME_EU_KEY]
            model_prefix_match: '^acme-eu-'
        runtimes:
          agent:
            providers:
              - name: acme
              - name: acme-eu
                models: [acme-eu-1]

    Mend: narrow one of the two patterns; where both are meant, ignore the warning with a reason.
    """
    for runtime in registry.runtimes:
        for one, two, witness in _overlaps(registry, runtime):
            if _is_separable(one[1], two[1]):
                yield found(
                    "overlapping_arms",
                    two[0].provider.span,
                    f'"{one[1].name}" and "{two[1].name}" both match "{witness}" on runtime '
                    f'"{runtime.name}": it is ambiguous {_ambiguous(one[1], two[1])}',
                    hint="narrow one of the patterns",
                    notes=_notes(one, two),
                )


def overlapping_providers(registry: Registry) -> Iterator[Diagnostic]:
    """Two providers match the same ids, though no runtime has both of them yet.

    Nothing is ambiguous today. The first runtime that takes both will refuse the ids that they
    share, and its author will look for the fault there.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^acme-'
          - name: acme-eu
            model_prefix_match: '^acme-eu-'

    Passes::

        providers:
          - name: acme
            model_prefix_match: '^acme-us-'
          - name: acme-eu
            model_prefix_match: '^acme-eu-'

    Mend: narrow one of the two patterns; where both are meant, ignore the warning with a reason.
    """
    providers = registry.providers
    together = set(_together(registry))
    overlaps = Claims([provider.pattern.rules for provider in providers]).overlaps()
    for (first, second), witness in sorted(overlaps.items()):
        one, two = providers[first], providers[second]
        if frozenset((one.name, two.name)) not in together and one.name != two.name:
            span = one.pattern.text.span
            yield found(
                "overlapping_providers",
                two.pattern.text.span,
                f'"{one.name}" and "{two.name}" both match "{witness}", '
                "which would be ambiguous on a runtime with both",
                hint="narrow one of the patterns",
                notes=[Note(span=span, message=f'the pattern of "{one.name}"')],
            )


def _together(registry: Registry) -> Iterator[frozenset[str]]:
    """Yield the pairs of providers that overlap on some runtime, where it is reported."""
    for runtime in registry.runtimes:
        for (_, one), (_, two), _ in _overlaps(registry, runtime):
            yield frozenset((one.name, two.name))
