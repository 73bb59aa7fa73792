"""Rules about listed ids that somebody else claims too, by a pattern or by another list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice

from codegen.checks.phrases import other_ids, payer, some
from codegen.diagnostics import Diagnostic, Note
from codegen.ir import Arm, Provider, Registry, Rule, Runtime, Text
from codegen.probes import holds
from codegen.proofs import MAX_PAIRS, Contest, Pair, contest
from codegen.rules import found

_Owner = tuple[Arm, Provider]
_Ids = Mapping[Pair, list[Text]]


def _grouped(pairs: Iterator[tuple[Pair, Text]]) -> _Ids:
    grouped: dict[Pair, list[Text]] = defaultdict(list)
    for pair, model in islice(pairs, 10 * MAX_PAIRS):
        grouped[pair].append(model)
    return grouped


def _claimed(registry: Registry, runtime: Runtime) -> _Ids:
    """Return, per (arm that lists, arm whose pattern matches), the ids; in order."""
    arms, claims = registry.arms(runtime), contest(registry, runtime).claims
    return _grouped(
        ((owner, rival), model)
        for owner, (arm, _) in enumerate(arms)
        for model in arm.models
        for rival in sorted(claims.of(model))
    )


def _rule_for(provider: Provider, model: str) -> Rule:
    return next(rule for rule in provider.pattern.rules if holds(rule, model))


def _shadows(registry: Registry) -> Iterator[tuple[Runtime, _Owner, _Owner, list[Text]]]:
    """Yield the ids that one arm of a runtime lists and the pattern of another matches."""
    for runtime in registry.runtimes:
        arms = registry.arms(runtime)
        for (owner, rival), ids in registry.once(_claimed, runtime).items():
            if arms[owner][1] is not arms[rival][1]:
                yield runtime, arms[owner], arms[rival], ids


def _both_sides(rival: Provider, ids: list[Text]) -> tuple[Note, ...]:
    message = f'the pattern of "{rival.name}", which {payer(rival)} pays for'
    return (
        Note(span=ids[0].span, message="listed here"),
        Note(span=rival.pattern.text.span, message=message),
    )


def shadowed_listing(registry: Registry) -> Iterator[Diagnostic]:
    """An arm lists an id that the pattern of another arm matches as well.

    The list wins for this id (semantics: `derive_provider`, step 3). Its neighbours, the ids that
    are on no list, go to the other arm: the next version of a model then has another provider
    and another key than the one before.

    Fails::

        providers:
          - name: acme
            model_prefix_match: '^acme-'
          - name: reseller
            model_prefix_match: '^reseller-'
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
          - name: reseller
            model_prefix_match: '^reseller-'
        runtimes:
          agent:
            providers:
              - name: acme
              - name: reseller
                models: [reseller-acme-1]

    Mend: narrow the pattern, or list the id on the arm that owns it; else ignore with a reason.
    """
    for runtime, (arm, owner), (_, rival), ids in _shadows(registry):
        if owner.is_platform == rival.is_platform:
            rest = other_ids(_rule_for(rival, ids[0]))
            yield found(
                "shadowed_listing",
                arm.provider.span,
                f'{some(ids)} of "{owner.name}" on runtime "{runtime.name}" also '
                f'{"matches" if len(ids) == 1 else "match"} the pattern of "{rival.name}"'
                + (f", which claims {rest}" if rest else ""),
                hint="narrow that pattern, or list the id on the arm that owns it",
                notes=_both_sides(rival, ids),
            )


def payer_changes_nearby(registry: Registry) -> Iterator[Diagnostic]:
    """The platform pays for a listed id, and the tenant for its neighbours, or the reverse.

    One arm lists the id, the pattern of another matches it, and one of the two is the platform.
    A tenant who takes the next version of the model changes the payer without noticing.

    Fails::

        providers:
          - name: platform
          - name: acme
            model_prefix_match: '^acme/'
        runtimes:
          agent:
            providers:
              - name: platform
                models: [acme/one]
              - name: acme

    Passes::

        providers:
          - name: platform
          - name: acme
            model_prefix_match: '^acme:'
        runtimes:
          agent:
            providers:
              - name: platform
                models: [acme/one]
              - name: acme

    Mend: spell the ids of the two payers differently; else ignore the warning with a reason.
    """
    for runtime, (arm, owner), (_, rival), ids in _shadows(registry):
        if owner.is_platform != rival.is_platform:
            rest = other_ids(_rule_for(rival, ids[0])) or f'what the pattern of "{rival.name}" says'
            yield found(
                "payer_changes_nearby",
                arm.provider.span,
                f'{payer(owner)} pays for {some(ids)} of "{owner.name}" on runtime '
                f'"{runtime.name}", and {payer(rival)} for {rest}',
                hint="spell the ids of the two payers differently",
                notes=_both_sides(rival, ids),
            )


def _listers(registry: Registry, runtime: Runtime) -> dict[Text, list[int]]:
    """Return the ids that several arms list, with those arms in order."""
    listers: dict[Text, list[int]] = defaultdict(list)
    names = set[tuple[str, str]]()
    for index, (arm, provider) in enumerate(registry.arms(runtime)):
        for model in arm.models:
            if (model, provider.name) not in names:
                listers[model].append(index)
                names.add((model, provider.name))
    return {model: owners for model, owners in listers.items() if len(owners) > 1}


def _ties(registry: Registry, runtime: Runtime) -> _Ids:
    """Return, per (first declared, later) arm that list an id, the ids; in order."""
    return _grouped(
        ((owners[0], later), model)
        for model, owners in registry.once(_listers, runtime).items()
        for later in owners[1:]
    )


def _inseparable(registry: Registry, runtime: Runtime, competing: Contest) -> _Ids:
    """Return, per (first declared, later) arm, the ids for which nothing selects the later."""
    return _grouped(
        ((owners[0], later), model)
        for model, owners in registry.once(_listers, runtime).items()
        for later in owners[1:]
        if not competing.is_separable(later, owners)
    )


def inseparable_listing(registry: Registry) -> Iterator[Diagnostic]:
    """An arm lists an id that it can never serve.

    Several arms list the id, and every variable that opens this one opens another of them too.
    So nothing ever selects it, and the arm declared first stands for good (semantics:
    `derive_provider`, step 3).

    Fails::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY, ACME_TOKEN]
          - name: reseller
            auth_env: [ACME_API_KEY]
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
              - name: reseller
                models: [acme-1]

    Passes::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY, ACME_TOKEN]
          - name: reseller
            auth_env: [RESELLER_KEY]
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
              - name: reseller
                models: [acme-1]

    Mend: remove the id from this arm, or give its provider a variable of its own.
    """
    for runtime in registry.runtimes:
        arms = registry.arms(runtime)
        tied = _inseparable(registry, runtime, contest(registry, runtime))
        for (first, later), ids in tied.items():
            one, (arm, two) = arms[first][1], arms[later]
            yield found(
                "inseparable_listing",
                arm.provider.span,
                f'no variable ever selects "{two.name}" for {some(ids)} on runtime '
                f'"{runtime.name}": "{one.name}" is declared first, and {payer(one)} pays',
                hint=f'remove the id from "{two.name}", or give it a variable of its own',
                notes=[Note(span=arms[first][0].provider.span, message="declared first")],
            )


def payer_by_variable(registry: Registry) -> Iterator[Diagnostic]:
    """An id is listed by the platform and by another arm, so variables decide who pays.

    A workspace that sets or loses a key changes from one payer to the other, without anybody
    having chosen another model.

    Fails::

        providers:
          - name: platform
          - name: acme
        runtimes:
          agent:
            providers:
              - name: platform
                models: [acme-1]
              - name: acme
                models: [acme-1]

    Passes::

        providers:
          - name: platform
          - name: acme
        runtimes:
          agent:
            providers:
              - name: platform
                models: [platform/acme-1]
              - name: acme
                models: [acme-1]

    Mend: list the id on one of the two; else ignore the warning with a reason.
    """
    for runtime in registry.runtimes:
        arms = registry.arms(runtime)
        for (first, later), ids in _ties(registry, runtime).items():
            one, (arm, two) = arms[first][1], arms[later]
            if one.is_platform != two.is_platform:
                yield found(
                    "payer_by_variable",
                    arm.provider.span,
                    f'"{one.name}" and "{two.name}" both list {some(ids)} on runtime '
                    f'"{runtime.name}": the variables that are set decide who pays',
                    hint="list the id on one of the two",
                    notes=[Note(span=arms[first][0].provider.span, message="the other arm")],
                )
