"""Asks the Python artifact the questions of one kind, again and again; run under callgrind.

    decide.py LOOP PASSES QUESTIONS FOLDER

LOOP is a kind of question; `dict look-up` looks the listed ids up in a dict instead, and `nothing`
only goes through them. FOLDER has the package `provider_registry`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from itertools import repeat

NOTHING = "nothing"
DICT = "dict look-up"


def _go_through(questions: list[tuple[str, str]]) -> None:
    for _runtime, _model in questions:
        pass


def _look_up(questions: list[tuple[str, str]]) -> None:
    known = _KNOWN
    for _runtime, model in questions:
        known[model]


def _ask(questions: list[tuple[str, str]]) -> None:
    derive_provider, refused = _REGISTRY.derive_provider, _REGISTRY.RegistryError
    for runtime, model in questions:
        try:  # noqa: SIM105 - suppress() would be counted too
            derive_provider(runtime, model)
        except refused:
            pass


_LOOPS: dict[str, Callable[[list[tuple[str, str]]], None]] = {NOTHING: _go_through, DICT: _look_up}

if __name__ == "__main__":
    name, passes, path, folder = sys.argv[1:]
    sys.path.insert(0, folder)
    _REGISTRY = import_module("provider_registry")
    wanted = "listed" if name in _LOOPS else name
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    asked = [(runtime, model) for kind, runtime, model in rows if kind == wanted]
    _KNOWN = {model: number for number, (_, model) in enumerate(asked)}
    loop = _LOOPS.get(name, _ask)
    for _ in repeat(None, int(passes)):
        loop(asked)
