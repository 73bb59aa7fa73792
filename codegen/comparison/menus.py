"""What a runtime offers, on both sides: its menu, its default model, its arms and its notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from codegen.comparison.changes import Change, Kind
from codegen.comparison.outcomes import Movement, Outcome
from codegen.comparison.outcomes import impact as impact_of
from codegen.comparison.regions import everything
from codegen.comparison.routes import Side, providers_of
from codegen.impact import Impact
from codegen.ir import Extension, Registry, Runtime, Withdrawn
from codegen.routing import RefusalError, derive_provider
from codegen.source import Span

# menus


def _events(old: Side, new: Side) -> Iterator[tuple[str, str]]:
    """Yield what happened to each id of the menus, as (event, id)."""
    for model in map(str, new.runtime.menu):
        if model not in old.listed:
            yield ("restored" if model in old.withdrawn else "added"), model
    for model in new.withdrawn:
        if model not in old.withdrawn:
            yield "withdrawn", model
    for model in map(str, old.runtime.menu):
        if model not in new.listed and model not in new.withdrawn:
            yield "removed", model
    for model in old.withdrawn:
        if model not in new.listed and model not in new.withdrawn:
            yield "forgotten", model


def _losses(moved: Iterable[Change]) -> frozenset[str]:
    """Return the ids of lists that go elsewhere than before, or nowhere."""
    grave = (change for change in moved if change.impact.rank <= Impact.BREAKING.rank)
    return frozenset(
        region.witness for change in grave for region in change.regions if region.is_single
    )


def _places(runtime: Runtime) -> dict[str, Span]:
    entries = (
        entry for arm in runtime.arms for entry in (*arm.models, *(g.id for g in arm.withdrawn))
    )
    return {str(entry): entry.span for entry in entries}


def _menu(old: Side, new: Side, moved: Iterable[Change]) -> Iterator[Change]:
    losses, places = _losses(moved), _places(new.runtime)
    groups: dict[tuple[str, Impact], list[str]] = defaultdict(list)
    for event, model in _events(old, new):
        is_loss = event not in ("added", "restored") and model in losses
        groups[event, Impact.BREAKING if is_loss else Impact.COMPATIBLE].append(model)
    for (event, impact), models in groups.items():
        yield Change(
            impact=impact,
            kind=Kind.MENU,
            key=event,
            runtime=str(new.runtime.name),
            models=tuple(models),
            span=places.get(models[0], new.runtime.name.span),
        )


def is_reordered(before: Sequence[str], after: Sequence[str]) -> bool:
    """Tell whether what two lists have in common stands in another order."""
    common = set(before) & set(after)
    return [one for one in before if one in common] != [one for one in after if one in common]


# the default model


def _destination(registry: Registry, runtime: Runtime, model: str) -> Outcome:
    try:
        provider = derive_provider(registry, runtime.name, model)
    except RefusalError as refusal:
        return Outcome(refusal=refusal.code, candidates=refusal.candidates)
    return Outcome(provider=str(provider.name))


def _default(old: Side, new: Side) -> Iterator[Change]:
    """Yield the change of what a new workspace begins with, and of who pays for that."""
    before, after = old.runtime.default_model, new.runtime.default_model
    if before == after:
        return
    movements: tuple[Movement, ...] = ()
    impact = Impact.BREAKING if after is None else Impact.COMPATIBLE
    if before is not None and after is not None:
        was = _destination(old.registry, old.runtime, before)
        goes = _destination(new.registry, new.runtime, after)
        movements = (Movement(given=((),), before=was, after=goes),)
        impact = impact_of(was, goes) if was != goes else Impact.COMPATIBLE
    yield Change(
        impact=impact,
        kind=Kind.DEFAULT_MODEL,
        key="default_model",
        runtime=str(new.runtime.name),
        before=_plain(before),
        after=_plain(after),
        movements=movements,
        span=after.span if after is not None else new.runtime.name.span,
    )


def _plain(text: str | None) -> str | None:
    return None if text is None else str(text)


# arms, and what decides nothing


def _arms(old: Side, new: Side, moved: Iterable[Change]) -> Iterator[Change]:
    """Yield the arms that came or went, where no movement tells it."""
    told = providers_of(movement for change in moved for movement in change.movements)
    olds = {str(arm.provider) for arm, _ in old.arms}
    news = {str(arm.provider): arm.provider.span for arm, _ in new.arms}
    runtime = new.runtime.name
    for name in [*(n for n in news if n not in olds), *sorted(olds - set(news))]:
        if name not in told:
            yield Change(
                impact=Impact.COMPATIBLE,
                kind=Kind.RUNTIME,
                key="arm added" if name in news else "arm removed",
                runtime=str(runtime),
                provider=name,
                span=news.get(name, runtime.span),
            )


def _words(side: Side) -> dict[str, Withdrawn]:
    """Return what the first arm that withdraws an id says about it."""
    entries = [gone for arm in side.runtime.arms for gone in arm.withdrawn]
    return {str(gone.id): gone for gone in reversed(entries)}


def extensions(
    before: Iterable[Extension], after: Iterable[Extension]
) -> Iterator[tuple[str, str | None, str | None, Span | None]]:
    """Yield each `x-…` key whose value differs: the key, both values, and the place."""
    olds = {str(each.key): each.value for each in before}
    news = {str(each.key): each for each in after}
    for key in dict.fromkeys((*olds, *news)):
        fresh = news.get(key)
        value = fresh.value if fresh is not None else None
        if olds.get(key) != value:
            yield key, olds.get(key), value, fresh.key.span if fresh is not None else None


def _notes(old: Side, new: Side) -> Iterator[Change]:
    """Yield what nothing decides by: the order of the menu and of the arms, words, extensions."""
    runtime = new.runtime.name

    def note(key: str, span: Span | None = None, models: Iterable[str] = ()) -> Change:
        return Change(
            impact=Impact.COSMETIC,
            kind=Kind.DISPLAY,
            key=key,
            runtime=str(runtime),
            models=tuple(models),
            span=span if span is not None else runtime.span,
        )

    if is_reordered(old.runtime.menu, new.runtime.menu):
        yield note("order of the menu")
    olds, news = ([str(arm.provider) for arm, _ in side.arms] for side in (old, new))
    if is_reordered(olds, news):
        yield note("order of the arms")
    were, are = _words(old), _words(new)
    said = [model for model in are if model in were and were[model] != are[model]]
    if said:
        yield note("withdrawn_models", are[said[0]].id.span, said)
    by_name = {str(arm.provider): arm for arm in old.runtime.arms}
    both = [(old.runtime.extensions, new.runtime.extensions)]
    for arm in new.runtime.arms:
        before = by_name.get(str(arm.provider))
        both.append((before.extensions if before is not None else (), arm.extensions))
    for one, two in both:
        yield from (note(key, span) for key, _, _, span in extensions(one, two))


def menus(old: Side, new: Side, moved: Sequence[Change]) -> tuple[Change, ...]:
    """Return what changes about a runtime besides where its ids go, which is `moved`."""
    if old.runtime == new.runtime:
        changes = [*_arms(old, new, moved)]
    else:
        changes = [
            *_default(old, new),
            *_menu(old, new, moved),
            *_arms(old, new, moved),
            *_notes(old, new),
        ]
        if not changes and not moved:
            # Such as the order of ids that an earlier arm lists too.
            changes.append(
                Change(
                    impact=Impact.COSMETIC,
                    kind=Kind.DISPLAY,
                    key="arms",
                    runtime=str(new.runtime.name),
                    span=new.runtime.name.span,
                )
            )
    return tuple(changes)


# whole runtimes


def _count(entries: Sequence[object], noun: str) -> str:
    return f"{len(entries):,} {noun}{'' if len(entries) == 1 else 's'}"


def whole(runtime: Runtime, *, is_added: bool) -> Change:
    """Return the change that a runtime as a whole came or went, with all ids as its region."""
    size = f"{_count(runtime.arms, 'arm')}, {_count(runtime.menu, 'listed id')}"
    first = next(iter(runtime.menu), "x")
    return Change(
        impact=Impact.COMPATIBLE if is_added else Impact.BREAKING,
        kind=Kind.RUNTIME,
        key="added" if is_added else "removed",
        runtime=str(runtime.name),
        before=None if is_added else size,
        after=size if is_added else None,
        regions=(everything(str(first)),),
        span=runtime.name.span if is_added else None,
    )
