"""A control plane on 127.0.0.1 for the tests: it answers as it is told, and keeps what it heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One request that came."""

    path: str
    authorization: str | None
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """One answer: a status, a body (JSON unless it is bytes), headers; or a hang-up."""

    status: int = 200
    body: Any = None
    headers: Headers = ()
    hangs_up: bool = False
    waits: threading.Event | None = None


@dataclass(slots=True, kw_only=True)
class Plane:
    """What the control plane says, by path, and what it has heard."""

    url: str = ""
    resolve: Callable[[Heard], Says] = field(default=lambda _: Says(status=500))
    usage: Callable[[Heard], Says] = field(default=lambda _: Says(status=204))
    heard: list[Heard] = field(default_factory=list)

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The reports that came, in order."""
        return [each.body for each in self.heard if each.path == "/plane/usage"]

    @property
    def questions(self) -> list[Heard]:
        """The questions that came, in order."""
        return [each for each in self.heard if each.path == "/plane/resolve"]


@contextmanager
def control_plane() -> Iterator[Plane]:
    """Run a control plane in threads of its own."""
    plane = Plane()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            heard = Heard(
                path=self.path,
                authorization=self.headers.get("authorization"),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=json.loads(self.rfile.read(length)),
            )
            plane.heard.append(heard)
            answers = {"/plane/resolve": plane.resolve, "/plane/usage": plane.usage}
            self._say(answers[self.path](heard))

        def _say(self, says: Says) -> None:
            if says.waits is not None:
                says.waits.wait(30)
            if says.hangs_up:
                self.close_connection = True
                return
            raw = says.body if isinstance(says.body, bytes) else json.dumps(says.body).encode()
            self.send_response(says.status)
            for name, value in says.headers:
                self.send_header(name, value)
            self.send_header("content-length", "0" if says.status == 204 else str(len(raw)))
            self.end_headers()
            if says.status != 204:
                self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return  # who asked has gone

    with Server(("127.0.0.1", 0), Handler) as server:
        plane.url = f"http://127.0.0.1:{server.server_address[1]}/plane"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield plane
        finally:
            server.shutdown()
            thread.join()
