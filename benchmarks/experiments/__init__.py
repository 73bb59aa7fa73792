"""The experiments by name, in the order in which they run and are read.

Each is a module with a `TITLE`, which stands over its tables, and a function `run`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from benchmarks.outcome import Outcome

# Those that measure single nanoseconds come first, while nothing else has warmed the machine.
NAMES = (
    "go_decisions",
    "go_shapes",
    "go_growth",
    "verify",
    "commands",
    "watch",
)


def title(name: str) -> str:
    """Return the words over the tables of an experiment."""
    found: str = import_module(f"benchmarks.experiments.{name}").TITLE
    return found


def run(name: str) -> Outcome:
    """Run one experiment, and return what it found."""
    experiment: Callable[[], Outcome] = import_module(f"benchmarks.experiments.{name}").run
    return experiment()
