"""A gateway under test: the real application on a real socket of the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from gateway.app import application
from gateway.serving import configuration
from gateway.settings import Settings
from gateway.storage.vault import new_key

ADMIN_KEY = "admin-key-of-the-tests"
ADMIN = {"x-admin-key": ADMIN_KEY}
DEADLINE = 30.0


def settings(folder: Path, **changes: Any) -> Settings:
    """Return the settings of a deployment in a folder of its own."""
    given: dict[str, Any] = {
        "database_url": f"sqlite:///{folder}/gateway.db",
        "admin_key": ADMIN_KEY,
        "secret_keys": new_key(),
        "stop_seconds": 5,
    }
    return Settings(**(given | changes))


class Running:
    """A gateway that answers, and a client that calls it as its administrator."""

    def __init__(self, url: str, settings: Settings, server: uvicorn.Server) -> None:
        self.url = url
        self.settings = settings
        self.server = server
        self.admin = httpx.Client(base_url=url, headers=ADMIN, timeout=DEADLINE, trust_env=False)
        self.anyone = httpx.Client(base_url=url, timeout=DEADLINE, trust_env=False)

    def create(self, path: str, **body: Any) -> dict[str, Any]:
        """Post to a route of the administrator and return what it made."""
        answer = self.admin.post(path, json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def session(self, runtime: str, model: str, **more: Any) -> dict[str, Any]:
        """Create a workspace and start a session of it."""
        wanted = {"name": "a workspace", "runtime": runtime, "model": model}
        secrets = more.pop("secrets", {})
        workspace = self.create(
            "/workspaces", **wanted, secrets=secrets, **_user(more.pop("user", None))
        )
        return self.create("/api/runtime/sessions", workspace=workspace["id"], **more)

    def connect(self) -> socket.socket:
        """Return a plain connection, for what no client would send or leave unread."""
        port = int(self.url.rpartition(":")[2])
        return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)

    def close(self) -> None:
        self.admin.close()
        self.anyone.close()


def _user(user: str | None) -> Mapping[str, str]:
    return {} if user is None else {"user": user}


def _listener() -> socket.socket:
    # The loop turns off Nagle's algorithm only where the protocol is named: else every answer
    # in two writes waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener


def _stopped(server: uvicorn.Server, listener: socket.socket) -> None:
    asyncio.run(_serve(server, listener))


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    app: FastAPI = server.config.app  # type: ignore[assignment]
    async with app.router.lifespan_context(app):
        await server.serve([listener])


@contextlib.contextmanager
def gateway(settings: Settings) -> Iterator[Running]:
    """Run a gateway in a thread of its own, on a free port."""
    listener = _listener()
    server = uvicorn.Server(configuration(application(settings), settings))
    thread = threading.Thread(target=_stopped, args=(server, listener), daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    running = Running(f"http://127.0.0.1:{port}", settings, server)
    try:
        _await_health(running, thread)
        yield running
    finally:
        server.should_exit = True
        thread.join(DEADLINE)
        running.close()
        assert not thread.is_alive()


def _await_health(running: Running, thread: threading.Thread) -> None:
    # The socket listens already: the first call waits until the application has started.
    while thread.is_alive():
        with contextlib.suppress(httpx.TransportError):
            assert running.anyone.get("/health").json() == {"status": "ok"}
            return
    raise AssertionError("the gateway did not start")
