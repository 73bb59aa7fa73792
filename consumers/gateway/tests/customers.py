"""A user of a gateway under test, who asks at either entrance and can read the account."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from gateway.formats.bodies import read_body
from gateway.formats.wires import Wire
from tests.running import Running

# What the platform sells and what a deployment's own key opens: the same model, one price.
RUNTIME, MODEL = "claude-code", "anthropic/claude-sonnet-4-6"
PRICED = MODEL.partition("/")[2]
CREDENTIALS = {
    "ANTHROPIC_API_KEY": "the-deployments-anthropic-key",
    "OPENAI_API_KEY": "the-deployments-openai-key",
    "MOLECULE_LLM_USAGE_TOKEN": "the-platforms-own-key",
}
INPUT_PRICE, OUTPUT_PRICE = Decimal("2.5"), Decimal(10)
PRICE = {"input": str(INPUT_PRICE), "output": str(OUTPUT_PRICE)}
MILLION = Decimal(1_000_000)
LIMIT = 64
NOTHING = (Decimal(0), Decimal(0))

FACADE_PATHS = {
    Wire.RESPONSES: "openai/v1/responses",
    Wire.CHAT: "openai/v1/chat/completions",
    Wire.MESSAGES: "anthropic/v1/messages",
}
_numbers = itertools.count()


def money(input_tokens: int | Decimal, output_tokens: int) -> Decimal:
    """Return what so many tokens cost at the price of the tests."""
    return (input_tokens * INPUT_PRICE + output_tokens * OUTPUT_PRICE) / MILLION


def body(wire: Wire, *, stream: bool = False, model: str = MODEL, **more: Any) -> dict[str, Any]:
    """Return a request with a limit of `LIMIT` tokens, unless `limit` says another or None."""
    limit = more.pop("limit", LIMIT)
    said = more.pop("said", "Hello")
    bodies: dict[Wire, dict[str, Any]] = {
        Wire.RESPONSES: {"input": said, "max_output_tokens": limit},
        Wire.CHAT: {"messages": [{"role": "user", "content": said}], "max_tokens": limit},
        Wire.MESSAGES: {"messages": [{"role": "user", "content": said}], "max_tokens": limit},
    }
    whole = {"model": model} | bodies[wire] | ({"stream": True} if stream else {}) | more
    if stream and wire is Wire.CHAT and "stream_options" not in more:
        whole["stream_options"] = {"include_usage": True}
    return {name: value for name, value in whole.items() if value is not None}


def estimated(wire: Wire, asked: dict[str, Any], output_tokens: int) -> Decimal:
    """Return what a request and so much output are worth: four characters are a token."""
    characters = read_body(wire, json.dumps(asked).encode()).input_characters
    return money(Decimal(characters) / 4, output_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A user with a key for the entrance below /v1, or with a session of the facade."""

    gateway: Running
    user: str
    base: str
    token: str
    is_facade: bool

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def url(self, wire: Wire) -> str:
        path = FACADE_PATHS[wire] if self.is_facade else wire.value
        return f"{self.gateway.url}{self.base}/{path}"

    def ask(self, wire: Wire, asked: dict[str, Any], **headers: str) -> httpx.Response:
        return self.gateway.anyone.post(self.url(wire), headers=self.headers | headers, json=asked)

    @contextmanager
    def streaming(self, wire: Wire, asked: dict[str, Any]) -> Iterator[httpx.Response]:
        url = self.url(wire)
        with self.gateway.anyone.stream("POST", url, headers=self.headers, json=asked) as answer:
            yield answer

    @property
    def account(self) -> tuple[Decimal, Decimal]:
        """What is spent and what is held."""
        shown = self.gateway.admin.get(f"/users/{self.user}").json()
        return Decimal(shown["spend"]), Decimal(shown["reserved"])

    @property
    def log(self) -> list[dict[str, Any]]:
        """The user's requests, the newest first."""
        found: list[dict[str, Any]] = self.gateway.admin.get(
            "/requests", params={"user": self.user}
        ).json()["requests"]
        return found


def new_user(gateway: Running, **limits: Any) -> str:
    """Create a user with these limits and return the name."""
    made: str = gateway.create("/users", id=f"user-{next(_numbers)}", **limits)["id"]
    return made


def direct_customer(gateway: Running, **limits: Any) -> Customer:
    """Create a user who asks below /v1 with an API key."""
    user = new_user(gateway, **limits)
    key = gateway.create(f"/users/{user}/keys")["key"]
    return Customer(gateway=gateway, user=user, base="/v1", token=key, is_facade=False)


def facade_customer(
    gateway: Running,
    runtime: str = RUNTIME,
    model: str = MODEL,
    secrets: dict[str, str] | None = None,
    **limits: Any,
) -> Customer:
    """Create a user for whom a session asks, by default for a model that the platform pays."""
    user = new_user(gateway, **limits)
    made = gateway.session(runtime, model, user=user, secrets=secrets or {})
    base = f"/api/runtime/sessions/{made['id']}/llm"
    token = made["environment"]["OPENAI_API_KEY"]
    return Customer(gateway=gateway, user=user, base=base, token=token, is_facade=True)


CUSTOMERS = {"facade": facade_customer, "direct": direct_customer}


def streamed_text(wire: Wire, text: str) -> str:
    """Return what the events of a stream said, read by the rules of the wire alone."""
    said = ""
    for line in text.splitlines():
        if line.startswith("data: {"):
            said += _delta(wire, json.loads(line.removeprefix("data: ")))
    return said


def _delta(wire: Wire, event: dict[str, Any]) -> str:
    if wire is Wire.CHAT:
        return "".join(choice["delta"].get("content") or "" for choice in event["choices"])
    if wire is Wire.RESPONSES:
        return str(event["delta"]) if event["type"] == "response.output_text.delta" else ""
    return str(event["delta"].get("text", "")) if event["type"] == "content_block_delta" else ""
