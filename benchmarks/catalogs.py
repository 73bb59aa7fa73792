"""Manifests of any size, the same at every run: catalogs that grow, and one that is very large."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

_SYLLABLES = tuple(
    a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "ar", "en")
)
_ENDS = ("", "-ai", "labs", "-cloud", "mind", "gate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many providers one runtime has, and how many ids these list together."""

    providers: int
    ids: int


# From the catalog of today to one that nobody has yet.
GROWTH = (
    Size(providers=32, ids=50),
    Size(providers=320, ids=5_000),
    Size(providers=3_200, ids=500_000),
)
RUNTIME = "growing"


def _words(seed: int) -> Iterator[str]:
    """Yield names of vendors that nobody has, no two of them equal."""
    chance = random.Random(seed)
    seen: set[str] = set()
    while True:
        word = "".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3, 3)))) + chance.choice(
            _ENDS
        )
        if word not in seen:
            seen.add(word)
            yield word


def _provider(name: str, pattern: str, variable: str) -> str:
    return (
        f"  - name: {name}\n"
        f"    display_name: {name}\n"
        "    vendor_logo: plain\n"
        "    protocol: openai\n"
        "    auth_mode: third_party_anthropic_compat\n"
        f"    base_url_template: https://api.{name}.example/v1\n"
        "    base_url_anthropic: null\n"
        f"    auth_env: [{variable}]\n"
        f"    model_prefix_match: '{pattern}'\n"
    )


def _manifest(providers: Iterable[str], runtimes: Iterable[str]) -> str:
    return f"schema_version: 1\nproviders:\n{''.join(providers)}runtimes:\n{''.join(runtimes)}"


def _arm(name: str, ids: Iterable[str]) -> str:
    listed = ", ".join(ids)
    return f"      - name: {name}\n" + (f"        models: [{listed}]\n" if listed else "")


def words(size: Size) -> tuple[str, ...]:
    """Return the vendors of a catalog, in order of declaration."""
    return tuple(islice(_words(7), size.providers))


def listed(size: Size) -> tuple[str, ...]:
    """Return the ids that a catalog lists, spread over its vendors as evenly as can be."""
    names = words(size)
    return tuple(
        f"{names[number % size.providers]}/model-{number // size.providers}-turbo"
        for number in range(size.ids)
    )


def growing(size: Size) -> str:
    """Return a manifest of one runtime on which all ids of all vendors are listed.

    Each vendor owns what begins with its name and a separator, in any case.
    """
    names, ids = words(size), listed(size)
    providers = (
        _provider(f"v{i}-{name}", f"^(?i:{name}[:/])", f"VENDOR_{i}_KEY")
        for i, name in enumerate(names)
    )
    arms = (_arm(f"v{i}-{name}", ids[i :: size.providers]) for i, name in enumerate(names))
    return _manifest(providers, (f"  {RUNTIME}:\n    providers:\n", *arms))


def large(tenths: int = 10, *, is_edited: bool = False) -> str:
    """Return so many tenths of 1,000 providers, 50 runtimes of 200 arms, and 100,000 listed ids.

    The edited one has another literal in each third pattern, and other ids in each fifth arm.
    """
    second = "w" if is_edited else "v"
    providers = (
        _provider(
            f"vendor-{i}",
            f"^(?i:vendor{i}|{second if i % 3 == 0 else 'v'}{i})[:/-]",
            f"VENDOR_{i}_KEY",
        )
        for i in range(100 * tenths)
    )
    return _manifest(providers, (_large_runtime(n, tenths, is_edited) for n in range(50)))


def _large_runtime(number: int, tenths: int, is_edited: bool) -> str:
    # Each runtime begins a fiftieth further on, so that every vendor has an arm somewhere.
    first = 2 * tenths * number
    arms = []
    for i in (each % (100 * tenths) for each in range(first, first + 20 * tenths)):
        ids = [f"vendor{i}/model-{number}-{model}" for model in range(10)]
        if is_edited and i % 5 == 0:
            ids[0] = f"vendor{i}/new-{number}"
        arms.append(_arm(f"vendor-{i}", ids))
    return f"  runtime-{number}:\n    providers:\n{''.join(arms)}"
