"""The one judge of all fuzzing: an input goes the way of a user's file, and the law is kept."""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from codegen import pipeline, report
from codegen.diagnostics import Severity
from codegen.pipeline import Loaded
from codegen.rules import RULES
from tests.builds import options
from tests.strategies import HIDDEN

# What one input may take. Seconds are those of the processor: a busy machine is not our fault.
SECONDS = 2.0
MEGABYTES = 300
# Rendering answers thousands of questions for vectors.json, so it has a bound of its own.
RENDER_SECONDS = 20.0

CODES = {rule.code for rule in RULES}


class TooSlowError(AssertionError):
    """An input took longer than it may."""


def _stop(_: int, __: FrameType | None) -> None:
    raise TooSlowError("the input takes too long")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound the processor time of a block, and so break an endless loop."""
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def peak_megabytes() -> float:
    """Return the most memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def assert_lawful(loaded: Loaded, printed: str) -> None:
    """Hold what came of an input, and what is printed about it, to what is promised."""
    found = loaded.diagnostics
    has_error = any(fault.severity is Severity.ERROR for fault in found)
    assert (loaded.registry is None) == has_error
    assert {fault.code for fault in found} <= CODES
    assert all(fault.message and fault.hint for fault in found)
    size = len(loaded.source.text)
    spans = [fault.span for fault in found] + [note.span for fault in found for note in fault.notes]
    assert all(0 <= span.start <= span.end <= size for span in spans)
    assert bool(printed) == bool(found)
    assert HIDDEN.search(printed) is None


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What was judged so far."""

    inputs: int = 0
    compiled: int = 0
    rendered: int = 0
    slowest: float = 0.0
    slowest_input: bytes = b""

    def save(self, path: Path) -> None:
        """Write what was judged, and the memory it took, as JSON."""
        noted = {
            "inputs": self.inputs,
            "compiled": self.compiled,
            "rendered": self.rendered,
            "slowest": self.slowest,
            "slowest_input": repr(self.slowest_input),
            "megabytes": peak_megabytes(),
        }
        part = path.with_suffix(".part")
        part.write_text(json.dumps(noted), encoding="utf-8")
        part.replace(path)


class Judge:
    """Judges one input after the other; of those that compile it renders a sample."""

    def __init__(self, folder: Path, render_one_in: int = 100) -> None:
        self.path = folder / "input.yaml"
        self.render_one_in = render_one_in
        self.ledger = Ledger()
        self._options = options(folder / "out")

    def judge(self, data: bytes) -> None:
        """Hold one input to the law. Raises `AssertionError`, or what the compiler raised."""
        self.path.write_bytes(data)
        started = time.process_time()
        with within(SECONDS):
            loaded = pipeline.load(self.path)
            printed = report.text(loaded.sources, loaded.diagnostics)
        self._note(data, time.process_time() - started)
        assert_lawful(loaded, printed)
        if loaded.registry is not None:
            self.ledger.compiled += 1
            if self.ledger.compiled % self.render_one_in == 1:
                self._render(loaded)

    def _note(self, data: bytes, seconds: float) -> None:
        self.ledger.inputs += 1
        if seconds > self.ledger.slowest:
            self.ledger.slowest, self.ledger.slowest_input = seconds, data[:200]

    def _render(self, loaded: Loaded) -> None:
        assert loaded.registry is not None
        with within(RENDER_SECONDS):
            artifacts = pipeline.artifacts(loaded.registry, self._options)
        assert len(artifacts) > 5
        self.ledger.rendered += 1
