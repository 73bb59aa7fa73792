"""Registry -> who serves what: every arm of every runtime, with its ids, its payer and its keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import StrEnum

from codegen.canonical import fingerprint
from codegen.columns import Cell, table, wrapped
from codegen.frozen import frozen
from codegen.ir import Arm, Provider, Registry, Runtime

Plain = dict[str, object]


class Payer(StrEnum):
    """Who pays for the use of a provider (semantics: Terms)."""

    PLATFORM = "platform"
    BYOK = "BYOK"


def payer(provider: Provider) -> Payer:
    """Return who pays for a provider's use: a matter of its name and of nothing else."""
    return Payer.PLATFORM if provider.is_platform else Payer.BYOK


@frozen
class Place:
    """One arm and its provider: where a row and a column of the matrix meet."""

    arm: Arm
    provider: Provider


@frozen
class Column:
    """A runtime with its arms, in order of declaration."""

    runtime: Runtime
    places: tuple[Place, ...]


@frozen
class Row:
    """A provider, and its arm on each runtime; None where it has none."""

    provider: Provider
    places: tuple[Place | None, ...]


@frozen
class Counts:
    """How much there is. An id counts as often as arms list it, a provider once."""

    runtimes: int
    arms: int
    providers: int
    listed_ids: int
    withdrawn_ids: int
    name_only_arms: int


@frozen
class Matrix:
    """Every runtime that was asked for, against every provider of the catalog.

    Columns and rows are in order of declaration. A provider without an arm has a row too.
    """

    fingerprint: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def _column(registry: Registry, runtime: Runtime) -> Column:
    places = tuple(Place(arm=arm, provider=found) for arm, found in registry.arms(runtime))
    return Column(runtime=runtime, places=places)


def matrix(registry: Registry, runtimes: Collection[str] = ()) -> Matrix:
    """Return the matrix of a registry: of the runtimes of these names, or of all."""
    columns = tuple(
        _column(registry, runtime)
        for runtime in registry.runtimes
        if not runtimes or runtime.name in runtimes
    )
    by_name = [{place.provider.name: place for place in column.places} for column in columns]
    rows = tuple(
        Row(provider=provider, places=tuple(places.get(provider.name) for places in by_name))
        for provider in registry.providers
    )
    return Matrix(fingerprint=fingerprint(registry), columns=columns, rows=rows)


def counts(*columns: Column) -> Counts:
    """Count what stands in some columns."""
    places = [place for column in columns for place in column.places]
    return Counts(
        runtimes=len(columns),
        arms=len(places),
        providers=len({place.provider.name for place in places}),
        listed_ids=sum(len(place.arm.models) for place in places),
        withdrawn_ids=sum(len(place.arm.withdrawn) for place in places),
        name_only_arms=sum(place.arm.is_name_only for place in places),
    )


# as plain data: docs/schemas/matrix.schema.json describes every field


def _plain_counts(*columns: Column) -> Plain:
    found = counts(*columns)
    return {name: getattr(found, name) for name in Counts.__dataclass_fields__}


def _of_provider(provider: Provider) -> Plain:
    return {
        "payer": payer(provider).value,
        "auth_env": list(provider.auth_env),
        "model_prefix_match": provider.pattern.text,
    }


def _plain_arm(place: Place) -> Plain:
    withdrawn = [
        {"id": gone.id, "reason": gone.reason, "replacement": gone.replacement}
        for gone in place.arm.withdrawn
    ]
    return {
        "provider": place.provider.name,
        **_of_provider(place.provider),
        "is_name_only": place.arm.is_name_only,
        "models": list(place.arm.models),
        "withdrawn_models": withdrawn,
    }


def _plain_runtime(column: Column) -> Plain:
    return {
        "name": column.runtime.name,
        "default_model": column.runtime.default_model,
        "counts": _plain_counts(column),
        "menu": list(column.runtime.menu),
        "arms": [_plain_arm(place) for place in column.places],
    }


def _plain_provider(row: Row, columns: tuple[Column, ...]) -> Plain:
    pairs = zip(columns, row.places, strict=True)
    return {
        "name": row.provider.name,
        "display_name": row.provider.display_name,
        **_of_provider(row.provider),
        "runtimes": [column.runtime.name for column, place in pairs if place is not None],
    }


def plain(shown: Matrix) -> Plain:
    """Return the matrix as plain data, in the words of the manifest."""
    return {
        "fingerprint": shown.fingerprint,
        "counts": _plain_counts(*shown.columns),
        "runtimes": [_plain_runtime(column) for column in shown.columns],
        "providers": [_plain_provider(row, shown.columns) for row in shown.rows],
    }


# as text

HEADS = ("PROVIDER", "PAYER", "CREDENTIALS", "IDS")


def _counted(*parts: tuple[int, str]) -> str:
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in parts)


def _of_arms(found: Counts) -> str:
    """Return what the arms come to in words; withdrawn ids only where there are any."""
    gone = [(found.withdrawn_ids, "withdrawn id")] if found.withdrawn_ids else []
    name_only = (found.name_only_arms, "name-only arm")
    return _counted((found.listed_ids, "listed id"), *gone, name_only)


def sentence(found: Counts) -> str:
    """Return the counts in words."""
    whole = ((found.runtimes, "runtime"), (found.arms, "arm"), (found.providers, "provider"))
    return f"{_counted(*whole)}, {_of_arms(found)}"


def _ids(place: Place) -> Cell:
    """Return what an arm takes: its ids, those that were withdrawn, and its pattern."""
    kind = "name-only: " if place.arm.is_name_only else "and "
    gone = " ".join(withdrawn.id for withdrawn in place.arm.withdrawn)
    texts = (
        " ".join(place.arm.models),
        f"withdrawn: {gone}" if gone else "",
        f"{kind}what matches {place.provider.pattern.text}",
    )
    return tuple(text for text in texts if text)


def _cells(place: Place) -> tuple[Cell, ...]:
    provider = place.provider
    return ((provider.name,), (payer(provider),), (" ".join(provider.auth_env),), _ids(place))


def _title(column: Column) -> str:
    found, default = counts(column), column.runtime.default_model
    tail = "" if default is None else f", default model {default}"
    return f"{column.runtime.name}: {_counted((found.arms, 'arm'))}, {_of_arms(found)}{tail}"


def _of_column(column: Column, room: int) -> Iterator[str]:
    yield from wrapped(_title(column), room)
    yield ""
    if column.places:
        yield from table(HEADS, [_cells(place) for place in column.places], room)
        yield ""


def text(shown: Matrix, room: int) -> Iterator[str]:
    """Yield the matrix as lines for a terminal that is `room` wide: a table for each runtime."""
    for column in shown.columns:
        yield from _of_column(column, room)
    yield from wrapped(sentence(counts(*shown.columns)), room)
