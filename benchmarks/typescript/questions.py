"""What a catalog that grows is asked: as many distinct ids of each kind at every size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks import catalogs
from benchmarks.catalogs import GROWTH, Size

COUNT = 50


def _evenly(values: tuple[str, ...]) -> Iterator[str]:
    return (values[number * len(values) // COUNT] for number in range(COUNT))


def of(size: Size) -> Mapping[str, tuple[str, ...]]:
    """Return ids that are listed, that only a prefix takes, and that nothing takes.

    The last are of vendors that no size has, whose names begin as names of a large catalog do.
    """
    vendors = _evenly(catalogs.words(size))
    strangers = catalogs.words(Size(providers=GROWTH[-1].providers + COUNT, ids=0))
    return {
        "listed": tuple(_evenly(catalogs.listed(size))),
        "prefix": tuple(f"{name}:unlisted-{number}" for number, name in enumerate(vendors)),
        "miss": tuple(f"{name}/model-1-turbo" for name in strangers[-COUNT:]),
    }
