"""Starts and ends the processes that are measured, and reads how much memory they hold."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
BUILD = FOLDER.parent.parent / "build" / "bench-gateway"
_START = 120.0
_END = 15.0


class NotReadyError(Exception):
    """A process ended, or said nothing, before it was ready."""


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command whose output goes to a file of its name; end it afterwards."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=FOLDER,
            env={**os.environ, **(environment or {})},
        )
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and kill it when it does not."""
    process.terminate()
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_ready(name: str, process: subprocess.Popen[bytes], url: str) -> None:
    """Return when a URL answers with 200; raises NotReadyError with where to read why."""
    deadline = time.monotonic() + _START
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotReadyError(f"{name} does not answer at {url}: read {BUILD / name}.log")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def vendor() -> Iterator[str]:
    """Run the vendor of the measurements; yield its address as a URL."""
    command = [sys.executable, "-m", "bench.vendor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=FOLDER) as process:
        try:
            yield f"http://127.0.0.1:{_first_line(process)}"
        finally:
            end(process)


def _first_line(process: subprocess.Popen[bytes]) -> str:
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        raise NotReadyError("the vendor of the measurements does not start")
    return line.decode().strip()


def resident_bytes(root: int) -> int:
    """Return the resident memory of a process and of all that it started."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True
    ).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    family = {root}
    # A child may be listed before its parent: as many rounds as there are generations.
    while more := {pid for pid, parent, _ in rows if parent in family} - family:
        family |= more
    return 1024 * sum(size for pid, _, size in rows if pid in family)
