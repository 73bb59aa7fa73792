"""The gateway as people run it: a process of its own, started by its command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gateway.keys.layers import KNOWN_NAMES
from gateway.storage.vault import new_key
from tests.running import ADMIN_KEY

DEADLINE = 60.0
_ANNOUNCED = re.compile(r"^The gateway listens on (http://\S+)$", re.MULTILINE)


class Process:
    """One run of `python -m gateway`; what it prints is kept."""

    def __init__(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        errors: Path,
        program: str | None = None,
    ) -> None:
        self.errors = errors
        self.started_at = time.monotonic()
        with errors.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *([program] if program else ["-m", "gateway"]), *arguments],
                env=dict(environment),
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
            )
        self.output = ""
        self._announced = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if _ANNOUNCED.search(line):
                self._announced.set()
        self._announced.set()

    @property
    def id(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def url(self) -> str:
        """Return where it listens, as soon as it does."""
        assert self._announced.wait(DEADLINE), self.said()
        found = _ANNOUNCED.search(self.output)
        assert found is not None, self.said()
        return found[1]

    def await_output(self, text: str) -> None:
        """Return as soon as it has printed a text."""
        until = time.monotonic() + DEADLINE
        while text not in self.output:
            assert time.monotonic() < until, self.said()
            time.sleep(0.01)

    def said(self) -> str:
        """Return all that it printed."""
        return self.output + self.errors.read_text(errors="replace")

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Return its exit code, once it has ended."""
        code = self._process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def kill(self) -> None:
        self._process.kill()
        self.wait()


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return the variables of a deployment in a folder of its own; GATEWAY_ is put before each."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in KNOWN_NAMES and not name.startswith("GATEWAY_")
    }
    given = {
        "DATABASE_URL": f"sqlite:///{folder}/gateway.db",
        "ADMIN_KEY": ADMIN_KEY,
        "SECRET_KEYS": new_key(),
    } | variables
    root = str(Path(__file__).parents[1])
    return kept | {"PYTHONPATH": root} | {f"GATEWAY_{key}": value for key, value in given.items()}


@contextmanager
def running(folder: Path, arguments: list[str], variables: Mapping[str, str]) -> Iterator[Process]:
    """Run the command for as long as the body runs, and let it end in order."""
    process = Process(arguments, variables, folder / "errors.log")
    try:
        yield process
        if process.is_running:
            process.signal(signal.SIGTERM)
        assert process.wait() == 0, process.said()
    finally:
        process.kill()


def ran(folder: Path, arguments: list[str], variables: Mapping[str, str]) -> tuple[int, str]:
    """Return the exit code of a run that ends by itself, and what it printed."""
    process = Process(arguments, variables, folder / "errors.log")
    try:
        return process.wait(), process.said()
    finally:
        process.kill()
