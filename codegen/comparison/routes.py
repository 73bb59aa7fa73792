"""Where ids go on one runtime, on both sides: which ids move, as regions, and how."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from codegen.comparison.changes import Change, Kind
from codegen.comparison.outcomes import (
    Candidate,
    Movement,
    Outcome,
    Standing,
    Step,
    candidate,
)
from codegen.comparison.outcomes import movements as moved
from codegen.comparison.regions import Region, single
from codegen.comparison.space import Cell, Space
from codegen.impact import Impact
from codegen.ir import Arm, Provider, Registry, Runtime
from codegen.source import Span

_Arms = tuple[tuple[Arm, Provider], ...]
_Movements = tuple[Movement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One runtime of one registry: its arms, and how each id stands that a list decides.

    `candidates` are the providers of the arms, in their order.
    """

    registry: Registry
    runtime: Runtime
    arms: _Arms
    candidates: tuple[Candidate, ...]
    listed: dict[str, Standing]
    withdrawn: dict[str, Standing]

    def by_list(self, model: str) -> Standing | None:
        """Return how an id stands, or None where no list decides it."""
        return self.listed.get(model) or self.withdrawn.get(model)


def _stands(step: Step, owners: dict[str, list[Candidate]]) -> dict[str, Standing]:
    return {model: Standing(step=step, candidates=tuple(found)) for model, found in owners.items()}


def side(registry: Registry, runtime: Runtime) -> Side:
    """Return a side, indexed."""
    arms = registry.arms(runtime)
    candidates = tuple(candidate(provider) for _, provider in arms)
    listed: dict[str, list[Candidate]] = defaultdict(list)
    withdrawn: dict[str, list[Candidate]] = defaultdict(list)
    for (arm, _), owner in zip(arms, candidates, strict=True):
        for model in arm.models:
            listed[str(model)].append(owner)
        for gone in arm.withdrawn:
            withdrawn[str(gone.id)].append(owner)
    return Side(
        registry=registry,
        runtime=runtime,
        arms=arms,
        candidates=candidates,
        listed=_stands(Step.LISTED, listed),
        withdrawn=_stands(Step.WITHDRAWN, withdrawn),
    )


@dataclass(slots=True, kw_only=True, eq=False)
class _Area:
    """A region while it grows: the cell it began with, and what is cut out of it."""

    root: Cell
    movements: _Movements
    witness: str
    without: list[Cell] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)

    def takes_in(self, cell: Cell, found: _Movements) -> bool:
        """Tell whether a cell below one of its own is better told as a part of it.

        A cell that branches off by an ignore-case literal is one only beside the root's own
        spelling: cut out anywhere above, it would take with it what is spelled in another way.
        """
        is_flat = cell.is_written or cell.written == self.root.written
        return is_flat and found == self.movements

    def region(self) -> Region:
        stems = {cell.stem for cell in self.without} | set(self.root.aside)
        return Region(
            stem=self.root.stem,
            without=tuple(sorted(stems)),
            apart=tuple(self.apart),
            witness=self.witness,
        )


class Pair:
    """A runtime on both sides, and the cells that the patterns of both cut the ids into."""

    def __init__(self, old: Side, new: Side) -> None:
        """Cut the space of ids; lists come first, so that patterns are not asked about theirs."""
        self.old = old
        self.new = new
        lists = (old.listed, old.withdrawn, new.listed, new.withdrawn)
        self.taken = tuple(dict.fromkeys(model for each in lists for model in each))
        providers = [provider for _, provider in (*old.arms, *new.arms)]
        self.space = Space([provider.pattern.rules for provider in providers], self.taken)
        self._stands: dict[frozenset[int], tuple[Standing, Standing]] = {}

    def by_pattern(self, cell: Cell) -> tuple[Standing, Standing]:
        """Return how the ids of a cell stand on each side where no list decides."""
        known = self._stands.get(cell.owners)
        if known is None:
            first, owners = len(self.old.arms), sorted(cell.owners)
            olds = [self.old.candidates[owner] for owner in owners if owner < first]
            news = [self.new.candidates[owner - first] for owner in owners if owner >= first]
            known = (
                Standing(step=Step.PATTERN, candidates=tuple(olds)),
                Standing(step=Step.PATTERN, candidates=tuple(news)),
            )
            self._stands[cell.owners] = known
        return known

    # regions of patterns

    def _areas(self) -> dict[Cell, _Area]:
        """Return the area of each cell that moves; cells that move alike share one if they can."""
        areas: dict[Cell, _Area] = {}
        for cell in self.space.cells:
            found = moved(*self.by_pattern(cell))
            above = areas.get(cell.parent) if cell.parent is not None else None
            witness = self.space.witness(cell) if found else None
            if above is not None and witness is not None and above.takes_in(cell, found):
                areas[cell] = above
                continue
            if above is not None:
                above.without.append(cell)
            if witness is not None:
                areas[cell] = _Area(root=cell, movements=found, witness=witness)
        return areas

    def _named(self) -> Iterator[str]:
        """Yield the ids that the providers of the arms name beside the lists."""
        for _, provider in (*self.new.arms, *self.old.arms):
            yield from map(str, (*provider.examples, *provider.model_aliases))

    def regions(self) -> Iterator[tuple[_Movements, Region]]:
        """Yield the regions of ids that patterns decide and that move, and how."""
        areas = self._areas()
        if not areas:
            return
        for model in self.taken:
            area = areas.get(self.space.find(model))
            if area is not None:
                area.apart.append(model)
        named: dict[Cell, str] = {}
        for model in self._named():
            cell = self.space.find(model)
            if cell in areas and not self.space.is_taken(model):
                areas[cell].witness = named.setdefault(areas[cell].root, model)
        for area in dict.fromkeys(areas.values()):
            yield area.movements, area.region()

    # ids of lists

    def singles(self) -> Iterator[tuple[_Movements, Region]]:
        """Yield each id that a list decides on either side and that moves, and how."""
        for model in self.taken:
            old, new = self.old.by_list(model), self.new.by_list(model)
            if old is None or new is None:
                patterns = self.by_pattern(self.space.find(model))
                old, new = old or patterns[0], new or patterns[1]
            found = moved(old, new)
            if found:
                yield found, single(model)


_KINDS = {Impact.BILLING: Kind.PAYER, Impact.BREAKING: Kind.PROVIDER}


def _kind(movement: Movement) -> Kind:
    if movement.impact is Impact.BREAKING and movement.after.provider is None:
        return Kind.UNROUTABLE
    if movement.impact is Impact.COMPATIBLE:
        return Kind.ROUTABLE if movement.after.provider is not None else Kind.REFUSAL
    return _KINDS[movement.impact]


def _first_kind(found: _Movements) -> Kind:
    order = list(Kind)
    return min(map(_kind, found), key=order.index)


# where a movement comes from


def _sides(found: _Movements) -> Iterator[Outcome]:
    for movement in found:
        yield movement.after
        yield movement.before


def providers_of(found: Iterable[Movement]) -> frozenset[str]:
    """Return the names of the providers that movements speak of."""
    named: set[str] = set()
    for each in _sides(tuple(found)):
        named.update(each.candidates, [each.provider] if each.provider is not None else [])
    return frozenset(named)


class _Origins:
    """The places in the new manifest that movements on a runtime come from."""

    def __init__(self, old: Side, new: Side) -> None:
        self.new = new
        self.olds = {str(arm.provider): provider for arm, provider in old.arms}
        self.news = {str(arm.provider): (arm, provider) for arm, provider in new.arms}
        self.listing = {
            str(model): model.span
            for arm in new.runtime.arms
            for model in (*arm.models, *(gone.id for gone in arm.withdrawn))
        }
        # By name, the providers that began or ceased to accept it, with their places in the row.
        self.otherwise: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for place, (provider, (_, now)) in enumerate(self.news.items()):
            before = self.olds.get(provider)
            changed = set(before.auth_env) ^ set(now.auth_env) if before is not None else ()
            for name in changed:
                self.otherwise[name].append((place, provider))

    def _of_provider(self, name: str) -> Span | None:
        """Return what changed about a provider: its arm, its pattern or its names."""
        if name not in self.news:
            return None
        arm, provider = self.news[name]
        before = self.olds.get(name)
        if before is None:
            return arm.provider.span
        if before.pattern.text != provider.pattern.text:
            return provider.pattern.text.span
        if set(before.auth_env) != set(provider.auth_env) and provider.auth_env:
            return provider.auth_env[0].span
        return None

    def of(self, found: _Movements, regions: Iterable[Region]) -> Span:
        """Return the place of the first id of a list, else of a provider, else of the runtime."""
        for region in regions:
            if region.is_single and region.witness in self.listing:
                return self.listing[region.witness]
        named = (name for each in _sides(found) for name in _names(each))
        given = {name for movement in found for names in movement.given for name in names}
        spans = (self._of_provider(name) for name in (*named, *self._accepting_otherwise(given)))
        return next((span for span in spans if span is not None), self.new.runtime.name.span)

    def _accepting_otherwise(self, names: set[str]) -> Iterator[str]:
        """Yield the providers that began or ceased to accept one of some names, in order."""
        found = {each for name in names for each in self.otherwise.get(name, ())}
        return (provider for _, provider in sorted(found))


def _names(each: Outcome) -> tuple[str, ...]:
    return each.candidates if each.provider is None else (each.provider,)


def _is_alike(one: _Arms, two: _Arms) -> bool:
    """Tell whether two lists of arms decide alike without a look at any id."""

    def settles(arms: _Arms) -> Iterator[object]:
        for arm, provider in arms:
            gone = tuple(gone.id for gone in arm.withdrawn)
            rules = provider.pattern.rules
            yield arm.provider, provider.auth_env, rules, arm.models, gone

    pairs = zip(settles(one), settles(two), strict=False)
    return len(one) == len(two) and all(before == after for before, after in pairs)


def routes(old: Side, new: Side) -> tuple[Change, ...]:
    """Return the changes of where ids go on a runtime; regions that move alike are one change."""
    if _is_alike(old.arms, new.arms):
        return ()
    pair, origins = Pair(old, new), _Origins(old, new)
    groups: dict[_Movements, list[Region]] = defaultdict(list)
    for found, region in (*pair.regions(), *pair.singles()):
        groups[found].append(region)
    return tuple(_change(origins, found, regions) for found, regions in groups.items())


def _change(origins: _Origins, found: _Movements, regions: list[Region]) -> Change:
    return Change(
        impact=found[0].impact,
        kind=_first_kind(found),
        key="route",
        runtime=str(origins.new.runtime.name),
        movements=found,
        regions=tuple(sorted(regions, key=lambda region: (region.is_single, region.stem))),
        span=origins.of(found, regions),
    )
