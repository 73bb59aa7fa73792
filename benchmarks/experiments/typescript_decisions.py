"""How long one decision of the TypeScript artifact takes, in Node and in Chromium.

The ids are those on which the artifact and the rival agree that they know them, or do not.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.outcome import Figure, Limit, Outcome, Target, figure, median
from benchmarks.places import BUILD
from benchmarks.typescript import artifacts, asking
from tests import toolchains

TITLE = "One decision: TypeScript in Node and Chromium"

# What is asked by name, and what that is called where no figure stands beside it.
_NAMES = {"findProvider": "findProvider of genai-prices"}
_THROWN = (
    "`deriveProvider` throws an error, and an error captures a stack: that takes longer than all"
    " else. `tryDeriveProvider` decides the same, and makes the error when someone reads it."
)


def _in_node() -> Any:
    paths = (artifacts.REAL, asking.genai_prices())
    return asking.node("decisions_in_node.mjs", *map(str, paths))


def _in_chromium() -> Any:
    parts = {
        "measured": asking.HERE / "decisions.mjs",
        "findProvider": asking.genai_prices(),
        "* as registry": artifacts.REAL,
    }
    imports = "".join(
        f"import {name if '*' in name else '{ ' + name + ' }'} from {json.dumps(str(path))};\n"
        for name, path in parts.items()
    )
    source = f"{imports}globalThis.answer = measured(registry, findProvider);\n"
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        return asking.chromium(asking.bundled(source, "iife"), Path(folder))


def _figures(found: Any, place: str) -> Iterator[Figure]:
    for kind, by_name in found["times"].items():
        for name, times in by_name.items():
            yield figure(kind, _NAMES.get(name, name) + place, "ns", times)


def _faster(figures: tuple[Figure, ...], kind: str, ours: str, place: str) -> Target:
    theirs = median(figures, kind, _NAMES["findProvider"] + place)
    return Target(
        what=f"`{ours}`, {kind}: faster than genai-prices{place}",
        value=theirs / median(figures, kind, ours + place),
        limit=10,
        side=Limit.AT_LEAST,
        reason=_THROWN if (kind, ours) == ("miss", "deriveProvider") else "",
    )


def _near(figures: tuple[Figure, ...], kind: str, place: str) -> Target:
    one = median(figures, kind, "one Map.get" + place)
    return Target(
        what=f"`deriveProvider`, {kind}: of one `Map.get`{place}",
        value=median(figures, kind, "deriveProvider" + place) / one,
        limit=3,
        side=Limit.AT_MOST,
    )


def _targets(figures: tuple[Figure, ...], place: str) -> Iterator[Target]:
    yield _faster(figures, "listed id", "deriveProvider", place)
    yield _faster(figures, "prefix", "deriveProvider", place)
    yield _faster(figures, "miss", "tryDeriveProvider", place)
    yield _faster(figures, "miss", "deriveProvider", place)
    yield _near(figures, "listed id", place)
    yield _near(figures, "listed id, new text", place)


def run() -> Outcome:
    found = {"": _in_node()}
    if toolchains.chromium() is not None and toolchains.chromium_driver() is not None:
        found[", Chromium"] = _in_chromium()
    figures = tuple(each for place, answer in found.items() for each in _figures(answer, place))
    targets = tuple(target for place in found for target in _targets(figures, place))
    return Outcome(
        figures=figures,
        targets=targets,
        versions=(("genai-prices (npm)", asking.version("@pydantic/genai-prices")),),
    )
