"""Prints what a decision of each kind takes in the interpreter: bytecodes and calls, as JSON.

    trace.py QUESTIONS FOLDER

Both are averages over the questions of a kind, and of the artifact's own functions alone: the
bytecodes that these execute, and the calls of them and by them, of functions in C too. FOLDER has
the package `provider_registry`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import suppress
from importlib import import_module
from types import FrameType
from typing import Any


class _Tally:
    """Counts what happens in the functions of one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.events: Counter[str] = Counter()

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != self._file:
            return None
        frame.f_trace_opcodes = True
        self.events[event] += event == "opcode"
        return self.trace

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        if frame.f_code.co_filename == self._file:
            self.events[event] += event in {"call", "c_call"}


def _ask(registry: Any, questions: list[tuple[str, str]]) -> None:
    for runtime, model in questions:
        with suppress(registry.RegistryError):
            registry.derive_provider(runtime, model)


def _counted(registry: Any, questions: list[tuple[str, str]]) -> dict[str, float]:
    tally = _Tally(registry.__file__)
    # Python 3.12 reports bytecodes only after a first frame has asked for them.
    for _ in range(2):
        tally.events.clear()
        sys.settrace(tally.trace)
        _ask(registry, questions)
        sys.settrace(None)
    sys.setprofile(tally.profile)
    _ask(registry, questions)
    sys.setprofile(None)
    events = tally.events
    return {
        "bytecodes": events["opcode"] / len(questions),
        "calls": (events["call"] + events["c_call"]) / len(questions),
    }


if __name__ == "__main__":
    path, folder = sys.argv[1:]
    sys.path.insert(0, folder)
    artifact = import_module("provider_registry")
    kinds: dict[str, list[tuple[str, str]]] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            kind, runtime, model = line.rstrip("\n").split("\t")
            kinds.setdefault(kind, []).append((runtime, model))
    print(json.dumps({kind: _counted(artifact, asked) for kind, asked in kinds.items()}))
