"""generated/registry.json and vectors.json -> the questions that are counted, by kind.

Nothing is picked by hand: a case of `vectors.json` is of the kind that its answer says, so every
kind goes on being what its name says when the manifest changes.
"""

from __future__ import annotations

import json
from collections import Counter
from enum import Enum
from functools import cache
from typing import Any

from benchmarks.places import BUILD, ROOT

# Enough to take in every runtime and short and long ids alike; more would only take longer.
MOST = 40
_LONGEST_ID = 64


class Kind(Enum):
    """What a question comes to."""

    LISTED = "listed"
    PREFIX = "prefix"
    MISS = "miss"
    ERROR = "other error"


Question = tuple[str, str]


def _generated(name: str) -> Any:
    return json.loads((ROOT / "generated" / name).read_text(encoding="utf-8"))


def _listings() -> Counter[Question]:
    """Return how many arms of a runtime list an id."""
    return Counter(
        (runtime["name"], model)
        for runtime in _generated("registry.json")["registry"]["runtimes"]
        for arm in runtime["providers"]
        for model in arm["models"]
    )


def _kind(question: Question, want: dict[str, Any], listings: Counter[Question]) -> Kind | None:
    """Return the kind of a question; an id that several arms list is of none."""
    error = want.get("error")
    if error is not None:
        return Kind.MISS if error["code"] == "unregistered_model" else Kind.ERROR
    return {0: Kind.PREFIX, 1: Kind.LISTED}.get(listings[question])


def _is_usual(model: str) -> bool:
    """Whether somebody may ask for this id; the hostile ones are for the tests."""
    return model.isascii() and (model == "" or model.isprintable()) and len(model) <= _LONGEST_ID


def _spread(found: list[Question]) -> tuple[Question, ...]:
    """Return at most `MOST` of the questions, from all over the list."""
    step = -(-len(found) // MOST)
    return tuple(found[::step])


@cache
def by_kind() -> dict[Kind, tuple[Question, ...]]:
    """Return some questions of each kind, in the order of vectors.json, without an auth env."""
    listings = _listings()
    found: dict[Kind, list[Question]] = {kind: [] for kind in Kind}
    for case in _generated("vectors.json")["cases"]:
        asked = case["args"]
        if case["fn"] != "derive_provider" or asked["auth_env"] or not _is_usual(asked["model"]):
            continue
        question = (asked["runtime"], asked["model"])
        kind = _kind(question, case["want"], listings)
        if kind is not None:
            found[kind].append(question)
    return {kind: _spread(questions) for kind, questions in found.items()}


@cache
def file() -> str:
    """Write the questions, one a line with tabs between kind, runtime and id; return the path.

    A program in Python reads that without loading `json`, which is most of its start.
    """
    path = BUILD / "counts" / "questions.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(
        f"{kind.value}\t{runtime}\t{model}\n"
        for kind, questions in by_kind().items()
        for runtime, model in questions
    )
    if not path.is_file() or path.read_text(encoding="utf-8") != lines:
        path.write_text(lines, encoding="utf-8")
    return str(path)
