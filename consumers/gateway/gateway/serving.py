"""Runs the application on a socket of its own, until a signal asks for the end."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import uvicorn
import uvloop
from fastapi import FastAPI

from gateway.connections import GuardedProtocol, Patience
from gateway.settings import Settings

# Longer than balancers and clients keep a connection that they may use again.
KEEP_ALIVE_SECONDS = 75
_BACKLOG = 2048
# What was cancelled at the end gets so long to name its end to the ledger.
_CANCELLED_SECONDS = 5
_REASONS = {
    errno.EADDRINUSE: "another process listens there; `--port 0` takes a free port",
    errno.EACCES: "this user may not listen there; take a port above 1023",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}

Announce = Callable[[], Awaitable[None]]


class CannotListenError(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address; raises CannotListenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # Connections inherit it: an event goes out at once, and waits for no acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = _REASONS.get(number or 0, "this is no address of this machine")
        raise CannotListenError(f"Cannot listen on {host}, port {port}: {reason}.") from None


def address(listener: socket.socket) -> str:
    """Return the URL that leads to a socket from the same machine."""
    host, port = listener.getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def configuration(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how the server serves the application; it does not open the application."""
    patience = Patience(
        head=settings.head_seconds, body=settings.body_seconds, taking=settings.taking_seconds
    )
    protocol = partial(GuardedProtocol, patience=patience)
    return uvicorn.Config(
        app,
        http=cast("Any", protocol),
        ws="none",
        lifespan="off",
        workers=1,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.stop_seconds,
    )


def run(serving: Coroutine[None, None, None]) -> None:
    """Run to its end what `serve` returns; raises what it raises."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serving)


async def serve(
    app: FastAPI, settings: Settings, listener: socket.socket, announce: Announce
) -> None:
    """Serve until a signal comes: answers under way get `stop_seconds`, a second SIGINT none.

    `announce` is awaited when requests are answered. Raises what opening the application raises.
    """
    server = _Server(configuration(app, settings), announce)
    with _signals(server):
        # What is still being settled is waited for when this block is left.
        async with app.router.lifespan_context(app):
            await server.serve(sockets=[listener])


@contextmanager
def _signals(server: uvicorn.Server) -> Iterator[None]:
    loop, wanted = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in wanted:
        loop.add_signal_handler(number, server.handle_exit, number, None)
    try:
        yield
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    """Announces that it answers, and does not die of the signal that ended it.

    The original raises the signal again as soon as connections are closed, when the end of
    some answers has yet to be written down.
    """

    def __init__(self, config: uvicorn.Config, announce: Announce) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_CANCELLED_SECONDS)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
