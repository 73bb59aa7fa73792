"""Two registries -> what changes between them: decisions, not lines."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.comparison import catalog
from codegen.comparison.changes import Change, Comparison, Kind, ordered
from codegen.comparison.menus import menus, whole
from codegen.comparison.routes import providers_of, routes, side
from codegen.impact import Impact
from codegen.ir import Registry

__all__ = ["Change", "Comparison", "Impact", "Kind", "compare"]


def _runtimes(old: Registry, new: Registry) -> Iterator[Change]:
    """Yield what changes on each runtime, in the order of the new registry."""
    for runtime in new.runtimes:
        before = old.runtime(runtime.name)
        if before is None:
            yield whole(runtime, is_added=True)
            continue
        sides = side(old, before), side(new, runtime)
        moved = routes(*sides)
        yield from (*moved, *menus(*sides, moved))
    for runtime in old.runtimes:
        if new.runtime(runtime.name) is None:
            yield whole(runtime, is_added=False)


def compare(old: Registry, new: Registry) -> Comparison:
    """Return what a change of the manifest decides otherwise, by runtime, provider and vendor.

    The regions of ids that move are exact: on a runtime, an id's decision differs, for new
    workspaces or for pinned ones and for some set of variables, where a region holds the id, and
    nowhere else. Registries with the same data have no changes; others have at least one.
    """
    runtimes = list(_runtimes(old, new))
    moved = providers_of(movement for change in runtimes for movement in change.movements)
    return ordered(
        (
            *runtimes,
            *catalog.providers(old, new, moved),
            *catalog.upstreams(old, new),
            *catalog.notes(old, new),
        )
    )
