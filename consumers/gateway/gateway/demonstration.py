"""`--demo`: a gateway with a vendor, a workspace and a user of its own, and what to try on it."""

from __future__ import annotations

import json
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import provider_registry as registry

from gateway import serving
from gateway.app import application
from gateway.complaints import PREFIX
from gateway.demo import demo_vendor
from gateway.formats.wires import Wire
from gateway.keys.layers import CREDENTIAL_NAMES, KNOWN_NAMES
from gateway.services import Services
from gateway.settings import Settings
from gateway.spending.prices import Offer, listed_price
from gateway.storage.vault import new_key
from gateway.tenancy.sessions import Brought
from gateway.tenancy.workspaces import Wanted

USER = "visitor"
BUDGET = Decimal(1)
_FACADES = {
    Wire.CHAT: "openai/v1/chat/completions",
    Wire.RESPONSES: "openai/v1/responses",
    Wire.MESSAGES: "anthropic/v1/messages",
}
_SAID = "Good morning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a demonstration consists of."""

    url: str
    folder: str
    runtime: str
    model: str
    workspace: str
    session: str
    admin_key: str = field(repr=False)
    token: str = field(repr=False)
    api_key: str = field(repr=False)


def ignored(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that a demonstration must not read: real keys, real settings."""
    return tuple(name for name in environ if name in KNOWN_NAMES or name.startswith(PREFIX))


async def serve(listener: socket.socket, echo: Callable[[str], object]) -> None:
    """Serve a demonstration on a socket until a signal comes, and remove what it made.

    `echo` gets the text that says what there is and what to try.
    """
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
        async with demo_vendor() as vendor:
            settings = _settings(folder, vendor, serving.address(listener))
            app = application(settings)

            async def announce() -> None:
                echo(text(await _made(app.state.services, folder)))

            await serving.serve(app, settings, listener, announce)


def _settings(folder: str, vendor: str, url: str) -> Settings:
    return Settings.model_validate(
        {
            "database_url": f"sqlite:///{folder}/gateway.db",
            "admin_key": secrets.token_hex(32),
            "secret_keys": new_key(),
            "public_url": url,
            "credentials": dict.fromkeys(CREDENTIAL_NAMES, "the-demo-vendor-takes-any-key"),
            "base_urls": _all_surfaces(f"{vendor}/v1"),
        }
    )


def _all_surfaces(url: str) -> dict[str, dict[str, str]]:
    return {
        provider.name: {
            protocol: url
            for protocol, own in (
                ("openai", provider.base_url_template),
                ("anthropic", provider.base_url_anthropic),
            )
            if own is not None
        }
        for provider in registry.PROVIDERS
    }


async def _made(services: Services, folder: str) -> Made:
    runtime, model = next(_sold_by_the_platform())
    await services.accounts.create_user(USER, cap=BUDGET)
    minted = await services.accounts.mint_key(USER)
    wanted = Wanted(name="a demonstration", runtime=runtime, model=model, user=USER)
    created = await services.workspaces.create(wanted)
    opened = await services.sessions.start(created.workspace.id, Brought(), {})
    settings = services.settings
    return Made(
        url=settings.public_url,
        folder=folder,
        runtime=runtime,
        model=model,
        workspace=created.workspace.id,
        session=opened.session.id,
        admin_key=settings.admin_key.get_secret_value(),
        token=opened.environment["OPENAI_API_KEY"],
        api_key=minted.secret,
    )


def _sold_by_the_platform() -> Iterator[tuple[str, str]]:
    """Yield runtimes with models that need no key of the tenant and have a price."""
    for runtime in registry.RUNTIMES:
        for model in registry.offered_models(runtime.name):
            if model.is_platform and _is_priced(model.id):
                yield runtime.name, model.id


def _is_priced(model: str) -> bool:
    try:
        upstream = registry.resolve_upstream(model)
    except registry.RegistryError:
        return False
    vendor = registry.provider_named(upstream.provider).upstream_vendor
    offer = Offer(provider=upstream.provider, model=upstream.model, vendor=vendor)
    return listed_price(offer, datetime.now(UTC)) is not None


def text(made: Made) -> str:
    """Return what is printed: what was made, and commands that work as they stand."""
    return "\n\n".join((_account(made), *_commands(made), *_programs(made), _farewell(made)))


def _account(made: Made) -> str:
    return f"""\
The gateway listens on {made.url}
This is a demonstration. It made, in {made.folder}:

  a vendor that says back what it is told, in all three wire formats
  a user, {USER}, with a budget of {BUDGET} dollar and an API key
  a workspace, {made.workspace}, for the runtime {made.runtime} with the model {made.model}
  a session of it, {made.session}, with a facade token

It reads no variable and no key of yours, and calls nothing but this machine."""


def _commands(made: Made) -> Iterator[str]:
    yield "What an agent does in its session, in each wire format:"
    facade = f"{made.url}/api/runtime/sessions/{made.session}/llm"
    for wire, path in _FACADES.items():
        yield _curl(f"{facade}/{path}", made.token, _body(wire, made.model))
    yield "What a user does with an API key; this one streams:"
    body = _body(Wire.CHAT, made.model) | {"stream": True}
    yield _curl(f"{made.url}/v1/chat/completions", made.api_key, body)
    yield "What the administrator sees of it:"
    yield f"curl -s {made.url}/requests -H 'x-admin-key: {made.admin_key}'"
    yield "For the examples of README.md:"
    yield _exports(made)


def _exports(made: Made) -> str:
    variables = {
        "GATEWAY_URL": made.url,
        "ADMIN_KEY": made.admin_key,
        "API_KEY": made.api_key,
        "SESSION": made.session,
        "FACADE_TOKEN": made.token,
        "MODEL": made.model,
    }
    return "export " + " \\\n  ".join(f"{name}={value}" for name, value in variables.items())


def _body(wire: Wire, model: str) -> dict[str, object]:
    messages = [{"role": "user", "content": _SAID}]
    bodies: dict[Wire, dict[str, object]] = {
        Wire.CHAT: {"messages": messages},
        Wire.RESPONSES: {"input": _SAID},
        Wire.MESSAGES: {"max_tokens": 100, "messages": messages},
    }
    return {"model": model} | bodies[wire]


def _curl(url: str, token: str, body: Mapping[str, object]) -> str:
    headers = f"-H 'authorization: Bearer {token}' -H 'content-type: application/json'"
    return f"curl -sN {url} \\\n  {headers} \\\n  -d '{json.dumps(body)}'"


def _programs(made: Made) -> Iterator[str]:
    yield "The same with the vendors' own clients for Python:"
    yield f"""\
from openai import OpenAI
client = OpenAI(base_url="{made.url}/v1", api_key="{made.api_key}")
messages = [{{"role": "user", "content": "{_SAID}"}}]
answer = client.chat.completions.create(model="{made.model}", messages=messages)
print(answer.choices[0].message.content)"""
    yield f"""\
from anthropic import Anthropic
client = Anthropic(base_url="{made.url}", api_key="{made.api_key}")
messages = [{{"role": "user", "content": "{_SAID}"}}]
answer = client.messages.create(model="{made.model}", max_tokens=100, messages=messages)
print(answer.content[0].text)"""


def _farewell(made: Made) -> str:
    return f"""\
{made.url}/openapi.json describes all routes, and README.md the rest.
Ctrl-C ends this, and everything it made is gone."""
