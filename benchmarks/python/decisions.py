"""Asks the artifact and its rivals which provider serves an id; prints nanoseconds as JSON.

    RIVALS_PYTHON -m benchmarks.python.decisions FOLDER_OF_THE_PACKAGE

`genai-prices` is asked for the provider and its model, as its `calc_price` asks. What it found
once, it remembers. So it is asked as it answers the second time, and as it answers the first time:
there each round begins with a new snapshot of the same data. It is also asked for the provider
alone, which is less than its `calc_price` needs, and its quickest answer.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from benchmarks.python.timing import Ask, Contender, look_up, rounds, steady

ROUNDS = 201
OURS, LITELLM, DICT = "derive_provider", "litellm", "dict look-up"
RAISE = "its error, raised and caught"
SEEN, UNSEEN = "genai-prices, asked again", "genai-prices, first asked"
SEEN_VENDOR = "genai-prices, provider alone, asked again"

# The runtime and an id of its patterns that it does not list; those count that all know.
BY_PREFIX = (
    ("claude-code", "claude-3-5-haiku-20241022"),
    ("claude-code", "claude-3-7-sonnet-20250219"),
    ("claude-code", "claude-opus-4-1-20250805"),
    ("codex", "gpt-3.5-turbo"),
    ("codex", "gpt-4-turbo"),
    ("codex", "gpt-4.1"),
    ("codex", "gpt-4o-mini"),
    ("google-adk", "gemini-2.0-flash"),
    ("google-adk", "gemini-2.5-flash-lite"),
)
# What nobody serves on that runtime: ids that look like those of a vendor, and others.
MISSPELT = (
    ("codex", "claude-sonet-4"),
    ("codex", "gemini-2.5-prp"),
    ("codex", "mistral-larg"),
    ("google-adk", "gpt-44-turbo"),
    ("google-adk", "claude-opsu-4"),
    ("google-adk", "gpt-5.five"),
)
UNHEARD = tuple(
    ("claude-code", f"{word}-{number}")
    for number, word in enumerate(("no-such-model", "unheard-of", "zz", "klaude", "a/b/c", "x"))
)

Question = tuple[str, str]


def _module(name: str) -> Any:
    return import_module(name)


class _Rivals:
    """The rivals' modules, and what they answer to an id."""

    def __init__(self) -> None:
        # Else litellm fetches its list of prices from the network while it is imported.
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        self.litellm = _module("litellm")
        # Else it prints advice at each miss.
        self.litellm.suppress_debug_info = True
        self.genai = _module("genai_prices.data_snapshot")

    def snapshot(self) -> Any:
        """Return the data of genai-prices, which nobody has asked anything."""
        providers = self.genai.get_snapshot().providers
        return self.genai.DataSnapshot(providers=providers, from_auto_update=False)

    def knows(self, model: str) -> bool:
        """Tell whether both rivals name a provider for an id."""
        try:
            self.litellm.get_llm_provider(model)
            self.genai.get_snapshot().find_provider_model(model, None, None, None)
        except (self.litellm.exceptions.BadRequestError, LookupError):
            return False
        return True


def _ours(registry: Any, questions: Sequence[Question]) -> Ask:
    derive, error = registry.derive_provider, registry.RegistryError

    def ask() -> None:
        for runtime, model in questions:
            try:
                derive(runtime, model)
            except error:
                continue

    return ask


def _raised(registry: Any, questions: Sequence[Question]) -> Ask:
    """Return the least that a refusal costs: what it takes without looking anything up."""
    error = registry.UnregisteredModelError

    def refuse(runtime: str, model: str) -> None:
        raise error(runtime, model)

    def ask() -> None:
        for runtime, model in questions:
            try:
                refuse(runtime, model)
            except error:
                continue

    return ask


def _litellm(rivals: _Rivals, models: Sequence[str]) -> Ask:
    derive, error = rivals.litellm.get_llm_provider, rivals.litellm.exceptions.BadRequestError

    def ask() -> None:
        for model in models:
            try:
                derive(model)
            except error:
                continue

    return ask


def _genai(snapshot: Any, models: Iterable[str]) -> Ask:
    derive = snapshot.find_provider_model

    def ask() -> None:
        for model in models:
            try:
                derive(model, None, None, None)
            except LookupError:
                continue

    return ask


def _genai_vendor(snapshot: Any, models: Iterable[str]) -> Ask:
    derive = snapshot.find_provider

    def ask() -> None:
        for model in models:
            try:
                derive(model, None, None)
            except LookupError:
                continue

    return ask


def _often(questions: Sequence[Question], about: int) -> list[Question]:
    return list(questions) * (about // len(questions))


def _asked(registry: Any, rivals: _Rivals, questions: Sequence[Question]) -> dict[str, list[float]]:
    """Ask all of them some questions; the quick ones often enough for the clock, in short turns."""
    often = _often(questions, 600)
    models = [model for _, model in questions]
    many = [model for _, model in often]
    several = [model for _, model in _often(questions, 24)]
    known = rivals.snapshot()
    # Equal to the ids that are asked for, and other objects, as in any program.
    table: dict[str, object] = {"".join(list(model)): None for model in models}
    contenders = {
        OURS: steady(_ours(registry, often), len(often)),
        RAISE: steady(_raised(registry, often), len(often)),
        DICT: steady(look_up(table, many), len(many)),
        LITELLM: steady(_litellm(rivals, several), len(several)),
        SEEN: steady(_genai(known, several), len(several)),
        UNSEEN: Contender(make=lambda: _genai(rivals.snapshot(), models), questions=len(models)),
        SEEN_VENDOR: steady(_genai_vendor(known, many), len(many)),
    }
    return rounds(contenders, ROUNDS)


def _listed(registry: Any) -> list[Question]:
    names = [runtime.name for runtime in registry.RUNTIMES]
    return [(name, model) for name in names for model in registry.models_for_runtime(name)]


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    registry, rivals = import_module("provider_registry"), _Rivals()
    listed = {model: (name, model) for name, model in _listed(registry) if rivals.knows(model)}
    prefixes = [question for question in BY_PREFIX if rivals.knows(question[1])]
    cases = {"listed id": list(listed.values()), "prefix": prefixes}
    cases |= {"misspelt id": list(MISSPELT), "id of no vendor": list(UNHEARD)}
    taken = {case: _asked(registry, rivals, asked) for case, asked in cases.items()}
    asked = {case: len(questions) for case, questions in cases.items()}
    print(json.dumps({"asked": asked, "taken": taken}))


if __name__ == "__main__":
    main(sys.argv[1])
