"""What is measured: the vendor called directly, the gateway, and the proxy of litellm."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from bench import processes, rival
from bench.load import Target

MODEL = "bench-model"
DIRECT, GATEWAY, LITELLM = "direct", "gateway", "litellm"
_CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """How the gateway is started and asked; `{port}` and `{vendor}` are filled in everywhere.

    `setup` is a command that runs when the gateway is ready and prints a JSON object with
    `url` and `headers`: for what is known only then, such as a token. Without it `url` and
    `headers` are taken as they are.
    """

    command: str
    ready: str
    setup: str = ""
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()


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
    command = rival.command(port, rival.write_config(vendor, MODEL))
    with processes.running(LITELLM, command, rival.ENVIRONMENT) as process:
        base = f"http://127.0.0.1:{port}"
        processes.wait_until_ready(LITELLM, process, f"{base}/health/liveliness")
        headers = (("Authorization", f"Bearer {rival.MASTER_KEY}"),)
        target = Target(name=LITELLM, url=base + _CHAT, headers=headers)
        yield Contender(target=target, pid=process.pid)


@contextlib.contextmanager
def gateway(vendor: str, settings: GatewaySettings) -> Iterator[Contender]:
    """Run the gateway in front of the vendor."""
    values = {"port": str(processes.free_port()), "vendor": vendor}
    command = processes.words(settings.command, values)
    with processes.running(GATEWAY, command) as process:
        ready = processes.filled(settings.ready, values)
        processes.wait_until_ready(GATEWAY, process, ready)
        yield Contender(target=_gateway_target(settings, values), pid=process.pid)


def _gateway_target(settings: GatewaySettings, values: dict[str, str]) -> Target:
    url, headers = settings.url, settings.headers
    if settings.setup:
        setup = processes.words(settings.setup, values)
        done = subprocess.run(setup, check=True, stdout=subprocess.PIPE, cwd=processes.FOLDER)
        found = json.loads(done.stdout)
        url, headers = found["url"], tuple(found["headers"].items())
    filled = tuple((name, processes.filled(value, values)) for name, value in headers)
    return Target(name=GATEWAY, url=processes.filled(url, values), headers=filled)
