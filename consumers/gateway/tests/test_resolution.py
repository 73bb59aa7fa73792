"""Where a request goes and whose key opens it, for every provider and any layers."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import provider_registry as registry
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from provider_registry import PROVIDERS, EndpointVar, Provider

from gateway.formats.conversion import conversion
from gateway.formats.wires import Wire, WireProtocol
from gateway.keys.layers import Layer, Layers, Place, Surface
from gateway.refusals import Refusal
from gateway.resolution import derive, route
from tests import running
from tests.conftest import everywhere
from tests.guests import KEY, Guest, House, Kind
from tests.plays import BEFORE_HEADERS, stall
from tests.running import Running
from tests.vendor import Vendor

OTHER: dict[WireProtocol, WireProtocol] = {"openai": "anthropic", "anthropic": "openai"}
# A provider as the registry may one day have: its URL has a part that a variable fills.
MADE = Provider(
    name="openai-api",
    display_name="Made",
    vendor_logo="made",
    protocol="openai",
    auth_mode="third_party_anthropic_compat",
    auth_env=("MADE_API_KEY", "MADE_TOKEN"),
    auth_token_env="MADE_TOKEN",
    base_url_template="https://{place}.made.example/{account}/v1",
    base_url_anthropic="https://{place}.made.example/anthropic",
    wire_model_prefix="made/",
    x_api_key_env=("MADE_API_KEY",),
    endpoint_vars=(
        EndpointVar(placeholder="place", env="MADE_PLACE", default="eu"),
        EndpointVar(placeholder="account", env="MADE_ACCOUNT"),
    ),
)


@pytest.fixture(name="made")
def _made(monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setitem(registry._BY_NAME, MADE.name, MADE)
    return MADE


def layers(**values: dict[str, str]) -> Layers:
    """Return layers that hold these variables, by the names of their places."""
    places = [values.get(place.name.lower(), {}) for place in Place]
    return Layers(layers=tuple(Layer(values=held) for held in places))


def surface_of(provider: Provider, protocol: WireProtocol) -> str | None:
    return provider.base_url_template if protocol == "openai" else provider.base_url_anthropic


@pytest.mark.parametrize("wire", list(Wire))
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_every_provider_is_reached_as_the_registry_says(provider: Provider, wire: Wire) -> None:
    name = provider.auth_env[0]
    held = layers(session={name: f" {KEY}\n"})
    other = OTHER[wire.protocol]
    is_converted = surface_of(provider, wire.protocol) is None
    made = conversion(wire, other) if is_converted else None
    is_reached = not is_converted or (made is not None and surface_of(provider, other) is not None)
    if provider.auth_mode == "oauth" or not is_reached:
        with pytest.raises(Refusal, match="400 SURFACE_UNREACHABLE"):
            route(provider, "a-model", wire, held)
        return
    vendor_wire = wire if made is None else made.vendor_wire
    found = route(provider, "a-model", wire, held)
    chosen = registry.select_credential(provider.name, vendor_wire.protocol, [{name}])
    assert found.url == registry.endpoint(provider.name, vendor_wire.protocol) + vendor_wire.path
    assert found.url.startswith("http")
    assert "//" not in found.url.partition("://")[2]
    assert found.wire is vendor_wire
    assert found.conversion is made
    assert found.credential == (chosen.header, chosen.prefix + KEY)
    assert found.key == KEY
    assert found.extra_headers == chosen.extra_headers
    assert found.model == registry.wire_model(provider.name, "a-model")
    assert found.is_platform == provider.is_platform
    assert KEY not in repr(found)


@pytest.mark.parametrize("wire", list(Wire))
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_any_accepted_name_opens_it_and_each_has_its_header(provider: Provider, wire: Wire) -> None:
    for name in provider.auth_env:
        try:
            found = route(provider, "m", wire, layers(configuration={name: KEY}))
        except Refusal as refusal:
            assert refusal.status == 400  # noqa: PT017
            continue
        is_plain = found.wire.protocol == "anthropic" and name in provider.x_api_key_env
        header = ("x-api-key", KEY) if is_plain else ("Authorization", f"Bearer {KEY}")
        assert found.credential == header
        has_version = ("anthropic-version", registry.ANTHROPIC_VERSION) in found.extra_headers
        assert has_version == (found.wire.protocol == "anthropic")


def test_the_first_layer_that_has_a_key_wins() -> None:
    provider = registry.provider_named("moonshot")
    first, second = provider.auth_env
    held = layers(session={second: "s"}, stored={first: "g", second: "h"}, process={first: "p"})
    assert route(provider, "m", Wire.CHAT, held).key == "s"
    held = layers(stored={first: "g", second: "h"}, process={first: "p"})
    assert route(provider, "m", Wire.CHAT, held).key == "g"


def test_a_refusal_of_the_registry_tells_no_internal_text() -> None:
    for runtime, model, code in (
        ("claude-code", "no-such-model", "unregistered_model"),
        ("no-such-runtime", "m", "unknown_runtime"),
        ("claude-code", " ", "model_required"),
    ):
        with pytest.raises(Refusal) as caught:
            derive(runtime, model, frozenset())
        assert caught.value.status == 400
        assert caught.value.details == {"registry_code": code}
        assert runtime not in caught.value.message
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


@pytest.mark.parametrize(("model", "sent"), [("m", "made/m"), ("made/m", "made/m")])
def test_a_prefix_is_put_before_the_model_once(made: Provider, model: str, sent: str) -> None:
    held = layers(process={"MADE_API_KEY": KEY, "MADE_ACCOUNT": "1"})
    assert route(made, model, Wire.CHAT, held).model == sent


def test_a_variable_of_the_url_that_nobody_sets_is_missing(made: Provider) -> None:
    with pytest.raises(Refusal) as caught:
        route(made, "m", Wire.CHAT, layers(session={"MADE_API_KEY": KEY}))
    assert (caught.value.status, caught.value.code) == (424, "MISSING_CREDENTIAL")
    assert caught.value.details["accepted_names"] == ["MADE_ACCOUNT"]
    # The other surface has no such part.
    assert route(made, "m", Wire.MESSAGES, layers(session={"MADE_API_KEY": KEY})).url == (
        "https://eu.made.example/anthropic/messages"
    )


def test_a_variable_of_a_session_makes_the_url_the_sessions(made: Provider) -> None:
    daemons = {"MADE_API_KEY": KEY, "MADE_ACCOUNT": "1"}
    held = layers(process=daemons)
    assert route(made, "m", Wire.CHAT, held).url == (
        "https://eu.made.example/1/v1/chat/completions"
    )
    held = layers(session={"MADE_PLACE": "evil.example/"}, process=daemons)
    with pytest.raises(Refusal, match="424"):
        route(made, "m", Wire.CHAT, held)
    # A variable that this surface does not use makes no difference to it.
    held = layers(session={"MADE_ACCOUNT": "evil"}, process=daemons)
    assert route(made, "m", Wire.MESSAGES, held).key == KEY
    with pytest.raises(Refusal, match="424"):
        route(made, "m", Wire.CHAT, held)


_VALUES = st.dictionaries(
    st.sampled_from(["MADE_API_KEY", "MADE_TOKEN", "MADE_PLACE", "MADE_ACCOUNT"]), st.none()
)
_PROTOCOLS: tuple[WireProtocol, ...] = ("openai", "anthropic")
_URLS = st.sets(st.sampled_from(_PROTOCOLS))


@st.composite
def _random_layers(draw: st.DrawFn) -> Layers:
    """Draw layers in which each value and each base URL names the place that it is from."""
    drawn = []
    for place in Place:
        values = {name: f"{place.name}-{name}" for name in draw(_VALUES)}
        urls: dict[Surface, str] = {
            (MADE.name, protocol): f"https://{place.name}-url.example" for protocol in draw(_URLS)
        }
        drawn.append(Layer(values=values, base_urls=urls))
    return Layers(layers=tuple(drawn))


def _least_trusted_part(url: str) -> int:
    """Return the least trusted place that a URL names, or one above all for the registry's."""
    return min((place for place in Place if f"{place.name}-" in url), default=len(Place))


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(held=_random_layers(), wire=st.sampled_from(list(Wire)))
def test_a_key_never_goes_to_a_less_trusted_url(made: Provider, held: Layers, wire: Wire) -> None:
    try:
        found = route(made, "m", wire, held)
    except Refusal as refusal:
        assert refusal.status == 424  # noqa: PT017
        return
    place = next(place for place in Place if found.key.startswith(f"{place.name}-"))
    assert place <= _least_trusted_part(found.url)
    assert route(made, "m", wire, held) == found


# Over a socket


def _start(gateway: Running, evil: Vendor) -> Guest:
    """Start a session that brings a base URL of its own, while there is a key for it."""
    runtime, model, name = Kind.OPENAI.value
    gateway.admin.put(f"/secrets/{name}", json={"value": "stored-key-0123456789"})
    url = f"{evil.url}/v1"
    made = gateway.session(runtime, model, base_urls={"openai": url, "anthropic": url})
    token = made["environment"]["OPENAI_API_KEY"]
    return Guest(gateway=gateway, session=made["id"], token=token, model=model)


@pytest.mark.parametrize("place", [Place.STORED, Place.PROCESS, Place.CONFIGURATION])
@pytest.mark.parametrize("wire", list(Wire))
def test_a_session_that_brings_a_url_alone_gets_no_daemons_key(
    tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, place: Place, wire: Wire
) -> None:
    name = Kind.OPENAI.value[2]
    credentials = {name: KEY} if place is Place.CONFIGURATION else {}
    if place is Place.PROCESS:
        monkeypatch.setenv(name, KEY)
    deployment = running.settings(
        tmp_path, credentials=credentials, base_urls=everywhere(f"{vendor.url}/v1")
    )
    with running.gateway(deployment) as gateway:
        guest = _start(gateway, vendor)
        if place is not Place.STORED:
            assert gateway.admin.delete(f"/secrets/{name}").status_code == 204
        answer = guest.ask(wire)
    assert answer.status_code == 424
    assert answer.json()["error"]["accepted_names"] == [name]
    assert vendor.received == []


def test_a_session_that_brings_url_and_key_gets_both(house: House) -> None:
    runtime, model, name = Kind.OPENAI.value
    url = f"{house.vendor.url}/elsewhere"
    made = house.gateway.session(
        runtime,
        model,
        secrets={name: KEY},
        env={name: "own-key-0123456789"},
        base_urls={"openai": url},
    )
    token = made["environment"]["OPENAI_API_KEY"]
    guest = Guest(gateway=house.gateway, session=made["id"], token=token, model=model)
    assert guest.ask(Wire.CHAT).status_code == 200
    received = house.vendor.last.received
    assert received.path == "/elsewhere/chat/completions"
    assert received.headers["authorization"] == "Bearer own-key-0123456789"


def test_nothing_is_written_before_the_vendor_answers(house: House) -> None:
    path = house.gateway.settings.database_url.removeprefix("sqlite:///")
    guest = house.guest(Kind.OPENAI)
    house.vendor.play(stall(BEFORE_HEADERS))
    with sqlite3.connect(path) as watching:

        def version() -> int:
            found: int = watching.execute("PRAGMA data_version").fetchone()[0]
            return found

        before = version()
        with guest.connect(Wire.CHAT) as sock:
            house.vendor.wait(lambda: house.vendor.exchanges and house.vendor.last.stalled)
            assert version() == before
            house.vendor.release()
            assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        # The end of the request is written, so this watcher does see what others write.
        house.vendor.wait(lambda: version() != before)
    watching.close()


def test_a_model_is_given_the_prefix_of_its_vendor(house: House, made: Provider) -> None:
    guest = house.guest(Kind.OPENAI)
    prefixed = made._replace(
        base_url_template="https://unused.example", auth_env=("OPENAI_API_KEY",), endpoint_vars=()
    )
    registry._BY_NAME[made.name] = prefixed
    body = b'{"messages" : [] ,"model":"openai-api\\/gpt-5.4", "x":1e2}'
    assert guest.send(Wire.CHAT, body).status_code == 200
    sent = house.vendor.last.received.body
    assert sent == body.replace(b'"openai-api\\/gpt-5.4"', b'"made/openai-api/gpt-5.4"')


@pytest.mark.parametrize(("kind", "wire"), list(itertools.product([Kind.BOTH], Wire)))
def test_the_guests_own_protocol_is_preferred(house: House, kind: Kind, wire: Wire) -> None:
    assert house.guest(kind).ask(wire).status_code == 200
    assert house.vendor.last.received.wire is wire
