"""Guests of sessions, each with a vendor of another kind behind the same facade."""

from __future__ import annotations

import enum
import json
import socket
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx
import openai

from gateway.formats.wires import Wire
from tests.running import DEADLINE, Running
from tests.vendor import Vendor

PATHS = {
    Wire.RESPONSES: "openai/v1/responses",
    Wire.CHAT: "openai/v1/chat/completions",
    Wire.MESSAGES: "anthropic/v1/messages",
}
BODIES: dict[Wire, dict[str, Any]] = {
    Wire.RESPONSES: {"input": "Hello"},
    Wire.CHAT: {"messages": [{"role": "user", "content": "Hello"}]},
    Wire.MESSAGES: {"max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]},
}
KEY = "vendor-key-of-the-tenant-0123456789"


class Kind(enum.Enum):
    """A vendor by the protocols that it speaks: runtime, model and the name of its key.

    The registry has none of the third kind: the deployment of the tests brings its URL.
    """

    BOTH = ("claude-code", "claude-sonnet-4-6", "ANTHROPIC_API_KEY")
    OPENAI = ("codex", "openai-api/gpt-5.4", "OPENAI_API_KEY")
    ANTHROPIC = ("hermes", "huggingface/some-model", "HF_TOKEN")
    NEITHER = ("hermes", "arcee/some-model", "ARCEE_API_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A wire format of a guest, a vendor behind it, and the wire format that arrives there."""

    wire: Wire
    kind: Kind
    vendor_wire: Wire

    def __str__(self) -> str:
        return f"{self.wire.name} to {self.vendor_wire.name}".lower()


SAME = (
    Way(wire=Wire.RESPONSES, kind=Kind.OPENAI, vendor_wire=Wire.RESPONSES),
    Way(wire=Wire.CHAT, kind=Kind.OPENAI, vendor_wire=Wire.CHAT),
    Way(wire=Wire.MESSAGES, kind=Kind.BOTH, vendor_wire=Wire.MESSAGES),
)
CONVERTED = (
    Way(wire=Wire.CHAT, kind=Kind.ANTHROPIC, vendor_wire=Wire.MESSAGES),
    Way(wire=Wire.MESSAGES, kind=Kind.OPENAI, vendor_wire=Wire.CHAT),
)
WAYS = (*SAME, *CONVERTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """The guest of a session: what its agent would know, and calls that it would make."""

    gateway: Running
    session: str
    token: str
    model: str

    def path(self, wire: Wire) -> str:
        return f"/api/runtime/sessions/{self.session}/llm/{PATHS[wire]}"

    @property
    def authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def body(self, wire: Wire, **more: Any) -> bytes:
        return json.dumps({"model": self.model, **BODIES[wire], **more}).encode()

    def ask(self, wire: Wire, **more: Any) -> httpx.Response:
        return self.send(wire, self.body(wire, **more))

    def send(self, wire: Wire, body: bytes, **headers: str) -> httpx.Response:
        given = {"content-type": "application/json", **self.authorization, **headers}
        return self.gateway.anyone.post(self.path(wire), content=body, headers=given)

    def request(self, wire: Wire, body: bytes) -> bytes:
        """Return a whole request as bytes, for a socket."""
        head = [
            f"POST {self.path(wire)} HTTP/1.1",
            "host: gateway",
            f"authorization: Bearer {self.token}",
            f"content-length: {len(body)}",
        ]
        return ("\r\n".join(head) + "\r\n\r\n").encode() + body

    def connect(self, wire: Wire, **more: Any) -> socket.socket:
        """Return a socket on which the request has been written."""
        sock = self.gateway.connect()
        sock.sendall(self.request(wire, self.body(wire, **more)))
        return sock

    def sync_openai(self, **more: Any) -> openai.OpenAI:
        return openai.OpenAI(**self._openai(), **{"max_retries": 0, **more})

    def async_openai(self, **more: Any) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(**self._openai(), **{"max_retries": 0, **more})

    def sync_anthropic(self, **more: Any) -> anthropic.Anthropic:
        return anthropic.Anthropic(**self._anthropic(), **{"max_retries": 0, **more})

    def async_anthropic(self, **more: Any) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(**self._anthropic(), **{"max_retries": 0, **more})

    def _openai(self) -> dict[str, Any]:
        base = f"{self.gateway.url}/api/runtime/sessions/{self.session}/llm/openai/v1"
        return {"base_url": base, "api_key": self.token}

    def _anthropic(self) -> dict[str, Any]:
        base = f"{self.gateway.url}/api/runtime/sessions/{self.session}/llm/anthropic"
        return {"base_url": base, "auth_token": self.token}


def guest(gateway: Running, kind: Kind, **more: Any) -> Guest:
    """Start a session with a vendor of this kind behind it."""
    runtime, model, name = kind.value
    made = gateway.session(runtime, model, **{"secrets": {name: KEY}, **more})
    token = made["environment"]["OPENAI_API_KEY"]
    return Guest(gateway=gateway, session=made["id"], token=token, model=model)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A gateway and its vendor that serve all tests of a module, and a guest for each kind."""

    gateway: Running
    vendor: Vendor
    guests: dict[Kind, Guest] = field(default_factory=dict)

    def guest(self, kind: Kind) -> Guest:
        if kind not in self.guests:
            self.guests[kind] = guest(self.gateway, kind)
        return self.guests[kind]

    def on(self, way: Way) -> Guest:
        return self.guest(way.kind)


def in_database(gateway: Running, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Do to the database what no route does, past all its checks."""
    path = gateway.settings.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path, timeout=DEADLINE) as connection:
        found = connection.execute(statement, values).fetchall()
    connection.close()
    return found
