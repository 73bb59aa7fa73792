"""What is measured: the vendor called directly, the gateway, and the proxy of litellm."""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import processes, rival
from bench.load import Target
from gateway.storage.vault import new_key

# A model as a user names it, and what the registry calls its provider and the provider's key.
MODEL, PROVIDER, VENDOR_KEY = "openai/gpt-5.4", "openai-api", "OPENAI_API_KEY"
DIRECT, GATEWAY, LITELLM = "direct", "gateway", "litellm"
_ADMIN_KEY = secrets.token_hex(16)
_CHAT = "/v1/chat/completions"
_PRICE = {"input": "2.50", "output": "10"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Somebody who answers; `pid` is 0 where the process is the vendor's own."""

    target: Target
    pid: int = 0

    @property
    def name(self) -> str:
        """What the reports call it."""
        return self.target.name


def body(words: int, pause: int = 0) -> str:
    """Return a request for a stream of so many words, with so many ms between them.

    The pause is told in `seed` because every proxy hands that field on.
    """
    return json.dumps(
        {
            "model": MODEL,
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": words,
            "seed": pause,
            "messages": [
                {"role": "system", "content": "You are measured. Be brief."},
                {"role": "user", "content": "Say sixteen words. " * 10},
            ],
        }
    )


def direct(vendor: str) -> Contender:
    """Return the vendor itself."""
    return Contender(target=Target(name=DIRECT, url=vendor + _CHAT))


@contextlib.contextmanager
def litellm(vendor: str) -> Iterator[Contender]:
    """Run the proxy of litellm in front of the vendor."""
    port = processes.free_port()
    command = rival.command(port, rival.write_config(vendor, MODEL, MODEL.rpartition("/")[2]))
    with processes.running(LITELLM, command, rival.ENVIRONMENT) as process:
        base = f"http://127.0.0.1:{port}"
        processes.wait_until_ready(LITELLM, process, f"{base}/health/liveliness")
        headers = (("Authorization", f"Bearer {rival.MASTER_KEY}"),)
        target = Target(name=LITELLM, url=base + _CHAT, headers=headers)
        yield Contender(target=target, pid=process.pid)


@contextlib.contextmanager
def gateway(vendor: str) -> Iterator[Contender]:
    """Run the gateway in front of the vendor, with a user who has a limit and a budget."""
    base = f"http://127.0.0.1:{processes.free_port()}"
    command = [sys.executable, "-m", "gateway", "--port", base.rpartition(":")[2]]
    with tempfile.TemporaryDirectory() as folder:
        settings = _gateway_settings(folder, vendor)
        with processes.running(GATEWAY, command, settings) as process:
            processes.wait_until_ready(GATEWAY, process, f"{base}/health")
            yield Contender(target=_customer(base), pid=process.pid)


def _gateway_settings(folder: str, vendor: str) -> dict[str, str]:
    """Return the environment of the gateway: what it must be told, and where the vendor is."""
    return {
        "GATEWAY_DATABASE_URL": f"sqlite:///{folder}/gateway.db",
        "GATEWAY_ADMIN_KEY": _ADMIN_KEY,
        "GATEWAY_SECRET_KEYS": new_key(),
        "GATEWAY_CREDENTIALS": json.dumps({VENDOR_KEY: "bench-key"}),
        "GATEWAY_BASE_URLS": json.dumps({PROVIDER: {"openai": f"{vendor}/v1"}}),
    }


def _customer(base: str) -> Target:
    """Make a user whose every request is counted, held against a budget and charged."""
    user = {"id": "measured", "cap": "1000000", "requests_per_minute": 1_000_000}
    _made(f"{base}/users", user)
    _made(f"{base}/prices", {"model": MODEL.rpartition("/")[2], **_PRICE}, "PUT")
    key = _made(f"{base}/users/measured/keys", {})["key"]
    return Target(name=GATEWAY, url=base + _CHAT, headers=(("Authorization", f"Bearer {key}"),))


def _made(url: str, wanted: dict[str, Any], method: str = "POST") -> dict[str, Any]:
    headers = {"content-type": "application/json", "x-admin-key": _ADMIN_KEY}
    data = json.dumps(wanted).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        made: dict[str, Any] = json.loads(answer.read() or b"{}")
    return made
