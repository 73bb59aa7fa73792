"""Asks tables of other shapes than the artifact's the same questions; prints nanoseconds as JSON.

    PYTHON -m benchmarks.python.shapes FOLDER_OF_A_PACKAGE...    one for each of `catalogs.GROWTH`

The rows are those of the artifacts. Each shape is made of all of them, and must find the same.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import catalogs
from benchmarks.python.growth import TIMES, load, questions
from benchmarks.python.timing import Ask, Contender, rounds, steady

ROUNDS = 151
BY_PATTERN = ("prefix", "misspelt id", "id of no vendor")

Owners = tuple[Any, ...]
Rows = Mapping[str, Sequence[tuple[str, Owners]]]
# Finds the owners of an id by its longest key. Ids of these catalogs are ASCII, and no rule of
# theirs is exact; what the artifact does about the others is the same with every shape.
Search = Callable[[str], Owners]


def every_length(rows: Rows) -> Search:
    """Try the length of every key, the longest first."""
    lengths = sorted({len(key) for key in rows}, reverse=True)

    def search(model: str) -> Owners:
        folded = model.lower()
        for length in lengths:
            for literal, owners in rows.get(folded[:length], ()):
                if model.startswith(literal):
                    return owners
        return ()

    return search


def lengths_by(size: int) -> Callable[[Rows], Search]:
    """Try the lengths of the keys that begin with the same so many characters."""

    def shape(rows: Rows) -> Search:
        found: dict[str, set[int]] = defaultdict(set)
        for key in rows:
            assert len(key) >= size
            found[key[:size]].add(len(key))
        lengths = {head: sorted(each, reverse=True) for head, each in found.items()}

        def search(model: str) -> Owners:
            folded = model.lower()
            for length in lengths.get(folded[:size], ()):
                key = folded[:length]
                if key in rows:
                    for literal, owners in rows[key]:
                        if model.startswith(literal):
                            return owners
            return ()

        return search

    return shape


def sorted_keys(rows: Rows) -> Search:
    """Find the last key that is not above the id; what the id begins with is that or inside it."""
    keys = sorted(rows)
    inside = [
        [(key[:end], *row) for end in range(len(key), -1, -1) for row in rows.get(key[:end], ())]
        for key in keys
    ]
    chains = [[], *inside]

    def search(model: str) -> Owners:
        folded = model.lower()
        for key, literal, owners in chains[bisect_right(keys, folded)]:
            if folded.startswith(key) and model.startswith(literal):
                return owners
        return ()

    return search


def tree(rows: Rows) -> Search:
    """Walk down a dict of dicts, one character a step."""
    root: dict[str, Any] = {}
    for key, row in rows.items():
        node = root
        for char in key:
            node = node.setdefault(char, {})
        node[""] = row

    def search(model: str) -> Owners:
        node, passed = root, []
        for char in model.lower():
            if char not in node:
                break
            node = node[char]
            if "" in node:
                passed.append(node[""])
        for row in reversed(passed):
            for literal, owners in row:
                if model.startswith(literal):
                    return tuple(owners)
        return ()

    return search


SHAPES: dict[str, Callable[[Rows], Search]] = {
    "every length": every_length,
    "lengths by 1 character": lengths_by(1),
    "lengths by 2": lengths_by(2),
    "lengths by 3": lengths_by(3),
    "lengths by 4 (kept)": lengths_by(4),
    "sorted keys, bisected": sorted_keys,
    "a tree of characters": tree,
}


def _searched(search: Search, models: Sequence[str]) -> Ask:
    def ask() -> None:
        for model in models:
            search(model)

    return ask


def _by_pattern(registry: Any, asked: Mapping[str, list[str]]) -> dict[str, dict[str, list[float]]]:
    rows: Rows = registry._TABLES[catalogs.RUNTIME].prefixes
    searches = {name: shape(rows) for name, shape in SHAPES.items()}
    taken = {}
    for case in BY_PATTERN:
        found = {tuple(map(search, asked[case])) for search in searches.values()}
        assert len(found) == 1, case
        many = asked[case] * TIMES[case]
        contenders: dict[str, Contender] = {
            name: steady(_searched(search, many), len(many)) for name, search in searches.items()
        }
        taken[case] = rounds(contenders, ROUNDS)
    return taken


# How a listed id is looked up. What follows where it is not listed is the same each time.

Tables = Mapping[str, Mapping[str, Any]]
Derive = Callable[..., Any]


def _by_error(tables: Tables) -> Derive:
    def derive(runtime: str, model: str, auth_env: Sequence[str] = ()) -> Any:
        try:
            return tables[runtime][model]
        except KeyError:
            return None

    return derive


def _by_get(tables: Tables) -> Derive:
    def derive(runtime: str, model: str, auth_env: Sequence[str] = ()) -> Any:
        listed = tables.get(runtime)
        if listed is not None:
            return listed.get(model)
        return None

    return derive


def _by_both(tables: Tables) -> Derive:
    def derive(runtime: str, model: str, auth_env: Sequence[str] = ()) -> Any:
        try:
            return tables[runtime].get(model)
        except KeyError:
            return None

    return derive


def _by_owners(tables: Tables) -> Derive:
    lists = {name: {model: (owner,) for model, owner in t.items()} for name, t in tables.items()}

    def derive(runtime: str, model: str, auth_env: Sequence[str] = ()) -> Any:
        listed = lists.get(runtime)
        if listed is not None:
            owners = listed.get(model)
            if owners is not None and len(owners) == 1:
                return owners[0]
        return None

    return derive


LOOK_UPS: dict[str, Callable[[Tables], Derive]] = {
    "a tuple of owners for each id": _by_owners,
    "get for runtime and id": _by_get,
    "an error where either is missing": _by_error,
    "an error for the runtime, get for the id (kept)": _by_both,
}


def _derived(derive: Derive, models: Sequence[str]) -> Ask:
    runtime = catalogs.RUNTIME

    def ask() -> None:
        for model in models:
            derive(runtime, model)

    return ask


def _by_list(registry: Any, asked: Mapping[str, list[str]]) -> dict[str, dict[str, list[float]]]:
    tables: Tables = {name: table.listed for name, table in registry._TABLES.items()}
    taken = {}
    for case, of in (("listed", "listed id"), ("not listed", "prefix")):
        many = asked[of] * TIMES[of]
        contenders = {
            name: steady(_derived(made(tables), many), len(many)) for name, made in LOOK_UPS.items()
        }
        taken[case] = rounds(contenders, ROUNDS)
    return taken


def main(folders: Sequence[str]) -> None:
    sizes = [
        (size, load(folder, number), questions(size))
        for number, (size, folder) in enumerate(zip(catalogs.GROWTH, folders, strict=True))
    ]
    by_pattern = {size.providers: _by_pattern(registry, asked) for size, registry, asked in sizes}
    _, smallest, asked = sizes[0]
    print(json.dumps({"by_pattern": by_pattern, "by_list": _by_list(smallest, asked)}))


if __name__ == "__main__":
    main(sys.argv[1:])
