"""Asks the artifacts of catalogs that grow; prints nanoseconds as JSON.

    PYTHON -m benchmarks.python.growth FOLDER_OF_A_PACKAGE...    one for each of `catalogs.GROWTH`

At each size the same number of ids is asked for, drawn evenly from the catalog. A sweep asks for
every id of a catalog, in random order: then the caches of the processor answer, or the memory.
"""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import catalogs
from benchmarks.python.timing import Ask, Contender, look_up, rounds, steady

ROUNDS = 301
# A sweep asks for every id once, or so many ids where there are fewer.
SWEPT, SWEEPS = 5_000, 5
DRAWN = 50
CASES = ("listed id", "prefix", "misspelt id", "id of no vendor")
# How often the ids are asked for in one turn: that is to be short, so that most turns pass between
# two interruptions, and long enough for what the turn before it drove out of the caches.
TIMES = dict.fromkeys(CASES, 10) | {"listed id": 80}
OURS, DICT = "derive_provider", "dict look-up"


def load(folder: str, number: int) -> Any:
    """Import one of several packages of the same name."""
    path = Path(folder) / "provider_registry" / "__init__.py"
    spec = importlib.util.spec_from_file_location(f"growing_{number}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _evenly(texts: Sequence[str]) -> list[str]:
    """Draw as many texts as are asked for at every size, some of them twice where there are few."""
    return [texts[i * len(texts) // DRAWN] for i in range(DRAWN)]


def questions(size: catalogs.Size) -> dict[str, list[str]]:
    """Return the ids of each case; misspelt ones begin like a vendor of the catalog."""
    names = _evenly(catalogs.words(size))
    return {
        "listed id": _evenly(catalogs.listed(size)),
        "prefix": [f"{name}/another-{number}" for number, name in enumerate(names)],
        "misspelt id": [f"{name}+model-{number}" for number, name in enumerate(names)],
        "id of no vendor": [f"no-such-model-{number}" for number in range(DRAWN)],
    }


def _ask(registry: Any, models: Sequence[str]) -> Ask:
    derive, error, runtime = registry.derive_provider, registry.RegistryError, catalogs.RUNTIME

    def ask() -> None:
        for model in models:
            try:
                derive(runtime, model)
            except error:
                continue

    return ask


def _grown(registries: Sequence[Any]) -> dict[str, dict[str, list[float]]]:
    """Return the times of each case, by the number of ids."""
    taken = {}
    for case in CASES:
        contenders: dict[str, Contender] = {}
        for size, registry in zip(catalogs.GROWTH, registries, strict=True):
            asked = questions(size)[case] * TIMES[case]
            contenders[str(size.ids)] = steady(_ask(registry, asked), len(asked))
        taken[case] = rounds(contenders, ROUNDS)
    return taken


def _swept(registries: Sequence[Any]) -> dict[str, dict[str, list[float]]]:
    """Return the times of sweeps over all ids, by their number, beside the same with a dict."""
    taken = {}
    for size, registry in zip(catalogs.GROWTH, registries, strict=True):
        ids = list(catalogs.listed(size))
        table: dict[str, object] = {"".join(list(model)): None for model in ids}
        random.Random(11).shuffle(ids)
        asked = ids * max(1, SWEPT // len(ids))
        contenders = {
            OURS: steady(_ask(registry, asked), len(asked)),
            DICT: steady(look_up(table, asked), len(asked)),
        }
        # Short turns are interrupted more seldom, and there is time for many.
        taken[str(size.ids)] = rounds(contenders, max(SWEEPS, ROUNDS * SWEPT // len(asked) // 2))
    return taken


def main(folders: Sequence[str]) -> None:
    registries = [load(folder, number) for number, folder in enumerate(folders)]
    print(json.dumps({"grown": _grown(registries), "swept": _swept(registries)}))


if __name__ == "__main__":
    main(sys.argv[1:])
