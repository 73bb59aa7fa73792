"""The experiments by name, in the order in which they run and are read.

Each is a module with a `TITLE`, which stands over its tables, and a function `run`. It may name the
functions that find what it cannot do without in `NEEDS`, such as those of `tests.toolchains`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from benchmarks.outcome import NotRunError, Outcome

# Those that measure single nanoseconds come first, while nothing else has warmed the machine.
NAMES = (
    "go_decisions",
    "typescript_decisions",
    "python_decisions",
    "go_growth",
    "typescript_growth",
    "python_growth",
    "go_shapes",
    "typescript_shapes",
    "python_shapes",
    "python_import",
    "typescript_size",
    "verify",
    "commands",
    "watch",
    "generate_scale",
    "diff_scale",
    "counts",
)


def title(name: str) -> str:
    """Return the words over the tables of an experiment."""
    found: str = import_module(f"benchmarks.experiments.{name}").TITLE
    return found


def run(name: str) -> Outcome:
    """Run one experiment, and return what it found.

    Raises `NotRunError` where a tool that it needs is missing.
    """
    module = import_module(f"benchmarks.experiments.{name}")
    needs: tuple[Callable[[], Path | None], ...] = getattr(module, "NEEDS", ())
    missing = [find.__name__ for find in needs if find() is None]
    if missing:
        raise NotRunError(f"not on this machine: {', '.join(missing)}")
    experiment: Callable[[], Outcome] = module.run
    return experiment()
