"""The mode in which a control plane decides: what it is asked, what it may say, what it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import provider_registry as registry
import pytest
from provider_registry import PROVIDERS, Provider
from pydantic import ValidationError
from structlog.testing import capture_logs

from gateway.control_plane import ControlPlane, Patience
from gateway.formats.bodies import read_body
from gateway.formats.wires import Wire
from gateway.metrics import Metrics
from gateway.modes.platform import PlatformMode
from gateway.refusals import Refusal
from gateway.spending.settlement import Settler
from gateway.traffic.inbound import Inbound
from tests import running
from tests.control_plane import Heard, Plane, Says, control_plane
from tests.customers import LIMIT, body, streamed_text
from tests.plays import HELLO, USAGE, Play, after, answer, cut, failure, stall
from tests.running import Running
from tests.vendor import Vendor, nobody_listens, vendor_thread

TOKEN = "the-callers-own-token"
KEY = "the-key-that-was-granted"
IDS = {"request_id": "req-17", "correlation_id": "corr-4"}
ID_HEADERS = {"x-platform-request-id": "req-17", "x-correlation-id": "corr-4"}
BEARER = {"authorization": f"Bearer {TOKEN}"}
USED = {
    "input_tokens": USAGE.input_tokens,
    "output_tokens": USAGE.output_tokens,
    "cached_tokens": USAGE.cached_tokens,
    "cache_write_tokens": 0,
}
WIRES = pytest.mark.parametrize("wire", list(Wire), ids=lambda wire: wire.name.lower())
STREAMS = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
MODEL = "any-model"


@pytest.fixture(scope="module")
def shared_vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


@pytest.fixture(scope="module")
def plane_of_all() -> Iterator[Plane]:
    with control_plane() as made:
        yield made


@pytest.fixture(scope="module")
def shared(plane_of_all: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    deployment = running.settings(
        tmp_path_factory.mktemp("platform"),
        mode="platform",
        control_plane_url=plane_of_all.url,
        report_seconds=5,
    )
    with running.gateway(deployment) as made:
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A gateway, the control plane behind it, and the vendor that it sends to."""

    gateway: Running
    plane: Plane
    vendor: Vendor

    def ask(self, wire: Wire, *, stream: bool = False, **more: Any) -> httpx.Response:
        asked = body(wire, stream=stream, model=MODEL) | more
        return self.gateway.anyone.post(f"/v1/{wire.value}", headers=BEARER, json=asked)

    def grants(self, **more: Any) -> None:
        """Have the control plane grant the vendor of the tests."""
        grant = _grant(self.vendor, **more)
        self.plane.resolve = lambda _: Says(body=grant)

    def report(self) -> dict[str, Any]:
        """Return the one report of the one request."""
        self.vendor.wait(lambda: self.plane.reports)
        (report,) = self.plane.reports
        return report


def _grant(vendor: Vendor, **more: Any) -> dict[str, Any]:
    whole = {"provider": "openai-api", "api_key": KEY, "base_url": f"{vendor.url}/v1"}
    return {name: value for name, value in (whole | IDS | more).items() if value != "(left out)"}


@pytest.fixture
def stage(shared: Running, plane_of_all: Plane, shared_vendor: Vendor) -> Stage:
    plane_of_all.heard.clear()
    plane_of_all.usage = lambda _: Says(status=204)
    made = Stage(gateway=shared, plane=plane_of_all, vendor=shared_vendor)
    made.grants()
    return made


def _provider_for(wire: Wire) -> str:
    return "anthropic-api" if wire is Wire.MESSAGES else "openai-api"


@WIRES
@STREAMS
def test_a_request_goes_where_the_control_plane_says_and_its_usage_is_reported(
    stage: Stage, wire: Wire, is_stream: bool
) -> None:
    stage.grants(provider=_provider_for(wire))
    answered = stage.ask(wire, stream=is_stream)
    assert answered.status_code == 200
    assert {name: answered.headers[name] for name in ID_HEADERS} == ID_HEADERS
    (question,) = stage.plane.questions
    asked = body(wire, stream=is_stream, model=MODEL)
    assert question.authorization == f"Bearer {TOKEN}"
    assert question.body == {
        "model": MODEL,
        "wire": wire.value,
        "stream": is_stream,
        "input_characters": read_body(
            wire, httpx.Request("POST", "http://x", json=asked).content
        ).input_characters,
        "output_limit": LIMIT,
    }
    sent = stage.vendor.last.received
    assert sent.path == f"/v1/{wire.value}"
    assert KEY in str(sent.header_lines)
    assert TOKEN not in str(sent.header_lines)
    assert stage.report() == IDS | {
        "status": "success",
        "http_status": 200,
        "provider": _provider_for(wire),
        "model": MODEL,
        "wire": wire.value,
        "usage": USED,
        "characters": len(HELLO.text),
        "error": None,
    }
    assert [each.authorization for each in stage.plane.heard] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": TOKEN},
        {"x-gateway-key": TOKEN},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer"},
    ],
    ids=str,
)
@WIRES
def test_only_a_bearer_is_a_token_here(stage: Stage, wire: Wire, headers: dict[str, str]) -> None:
    refused = stage.gateway.anyone.post(f"/v1/{wire.value}", headers=headers, json=body(wire))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["error"]["code"] == "TOKEN_REQUIRED"
    assert stage.plane.heard == []


def test_a_body_that_cannot_be_read_is_refused_before_anyone_is_asked(stage: Stage) -> None:
    for content, code in ((b"{", "BAD_REQUEST"), (b'{"model": " "}', "MODEL_REQUIRED")):
        refused = stage.gateway.anyone.post("/v1/chat/completions", headers=BEARER, content=content)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    assert stage.plane.heard == []


KINDS = {
    401: ("authentication_error", "authentication_error"),
    402: ("insufficient_quota", "billing_error"),
    403: ("permission_error", "permission_error"),
    404: ("not_found_error", "not_found_error"),
    429: ("rate_limit_error", "rate_limit_error"),
}
MESSAGES = {
    401: "The control plane does not know this token.",
    402: "The control plane wants a payment first.",
    403: "The control plane does not allow this.",
    404: "The control plane has no such model for you.",
    429: "The control plane wants fewer requests.",
}


@WIRES
@pytest.mark.parametrize("retry_after", [None, "17"])
@pytest.mark.parametrize("status", KINDS)
def test_a_refusal_of_the_control_plane_is_passed_on_with_its_time(
    stage: Stage, status: int, retry_after: str | None, wire: Wire
) -> None:
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    said = {"error": {"message": "an internal matter"}}
    stage.plane.resolve = lambda _: Says(
        status=status, body=said, headers=(*headers, ("x-internal", "yes"))
    )
    before = len(stage.vendor.exchanges)
    refused = stage.ask(wire)
    assert refused.status_code == status
    assert refused.headers.get("retry-after") == retry_after
    assert "x-internal" not in refused.headers
    error = {"message": MESSAGES[status], "code": "CONTROL_PLANE_REFUSED"}
    if wire is Wire.MESSAGES:
        whole: dict[str, Any] = {"type": "error", "error": {"type": KINDS[status][1]} | error}
    else:
        whole = {"error": {"type": KINDS[status][0], "param": None} | error}
    assert refused.json() == whole
    assert len(stage.vendor.exchanges) == before
    assert stage.plane.reports == []


def _json(**changes: Any) -> Callable[[Vendor], Says]:
    return lambda vendor: Says(body=_grant(vendor, **changes))


def _says(**fields: Any) -> Callable[[Vendor], Says]:
    return lambda _: Says(**fields)


def _redirects(vendor: Vendor) -> Says:
    return Says(status=307, headers=(("location", f"{vendor.url}/v1/resolve"),))


USELESS: dict[str, Callable[[Vendor], Says]] = {
    **{f"status {status}": _says(status=status) for status in (201, 204, 400, 418, 500, 503)},
    "a grant with another status": lambda vendor: Says(status=202, body=_grant(vendor)),
    "a redirect": _redirects,
    "no JSON": _says(body=b"<html>"),
    "an empty body": _says(body=b""),
    "a list": _says(body=[1]),
    "null": _says(body=None),
    "not UTF-8": _says(body=b'{"provider": "\xff"}'),
    "an endless text": _says(body=b'{"provider": "' + b"x" * 200_000 + b'"}'),
    "a hang-up": _says(hangs_up=True),
    **{f"no {name}": _json(**{name: "(left out)"}) for name in ("provider", "api_key", *IDS)},
    **{f"{name} is a number": _json(**{name: 7}) for name in ("provider", "api_key", *IDS)},
    "an unknown provider": _json(provider="nobody"),
    "a provider in another case": _json(provider="OpenAI-API"),
    "a provider that no proxy dials": _json(provider="anthropic-oauth"),
    "a blank key": _json(api_key=" "),
    "a key of two lines": _json(api_key="a\r\nx-injected: yes"),
    "a key of other letters": _json(api_key="clé"),
    "an id of two lines": _json(request_id="a\nset-cookie: b"),
    "an id of other letters": _json(correlation_id="é"),
    "an empty id": _json(request_id=""),
    "a protocol that nobody speaks": _json(protocol="gopher"),
    "an empty model": _json(model=""),
    **{
        f"the URL {url!r}": _json(base_url=url)
        for url in (
            "",
            "ftp://127.0.0.1/v1",
            "file:///etc/passwd",
            "//127.0.0.1",
            "127.0.0.1:1",
            "http://user:password@127.0.0.1/v1",
            "http://127.0.0.1/v1?key=1",
            "http://127.0.0.1:99999/v1",
            "http://127.0.0.1/\r\nv1",
            "http://",
            7,
        )
    },
}


@pytest.mark.parametrize("says", USELESS.values(), ids=USELESS)
def test_any_other_answer_of_the_control_plane_is_a_bad_gateway(
    stage: Stage, says: Callable[[Vendor], Says]
) -> None:
    stage.plane.resolve = lambda _: says(stage.vendor)
    before = len(stage.vendor.exchanges)
    _assert_useless(stage.ask(Wire.CHAT))
    assert len(stage.vendor.exchanges) == before


def _assert_useless(answered: httpx.Response) -> None:
    assert answered.status_code == 502
    assert answered.json() == {
        "error": {
            "message": "The control plane gave no answer that can be used.",
            "type": "server_error",
            "param": None,
            "code": "CONTROL_PLANE_FAILED",
        }
    }


@pytest.mark.anyio
async def test_a_control_plane_that_does_not_answer_in_time_is_a_bad_gateway(
    plane_of_all: Plane, shared_vendor: Vendor
) -> None:
    gate = threading.Event()
    plane_of_all.resolve = lambda _: Says(body=_grant(shared_vendor), waits=gate)
    try:
        async with ControlPlane(plane_of_all.url, Patience(question=0.2, report=1)) as plane:
            with pytest.raises(Refusal) as refused:
                await plane.resolve(TOKEN, {})
    finally:
        gate.set()
    assert (refused.value.status, refused.value.code) == (502, "CONTROL_PLANE_FAILED")


def test_the_control_plane_has_five_seconds(shared: Running) -> None:
    assert shared.settings.control_plane_seconds == 5


@pytest.mark.anyio
async def test_a_control_plane_that_nobody_runs_is_a_bad_gateway() -> None:
    with nobody_listens() as url:
        async with ControlPlane(url, Patience(question=5, report=1)) as plane:
            with pytest.raises(Refusal) as refused:
                await plane.resolve(TOKEN, {})
    assert (refused.value.status, refused.value.code) == (502, "CONTROL_PLANE_FAILED")


def test_a_grant_that_names_its_request_is_reported_also_where_it_makes_no_sense(
    stage: Stage,
) -> None:
    stage.grants(provider="nobody")
    refused = stage.ask(Wire.CHAT)
    assert {name: refused.headers[name] for name in ID_HEADERS} == ID_HEADERS
    report = stage.report()
    assert (report["status"], report["error"]) == ("failure", "CONTROL_PLANE_FAILED")


def test_a_surface_that_the_wire_does_not_reach_is_the_guests_mistake(stage: Stage) -> None:
    # Of this provider the registry knows no base URL at all.
    stage.grants(provider="vertex", base_url=None)
    refused = stage.ask(Wire.CHAT)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "SURFACE_UNREACHABLE")
    assert {name: refused.headers[name] for name in ID_HEADERS} == ID_HEADERS
    report = stage.report()
    assert (report["status"], report["http_status"]) == ("failure", 400)
    assert report["error"] == "SURFACE_UNREACHABLE"


DIALLED = [each for each in PROVIDERS if each.auth_mode != "oauth"]


@pytest.mark.parametrize("wire", [Wire.CHAT, Wire.MESSAGES], ids=["openai", "anthropic"])
def test_the_registry_chooses_the_header_for_the_granted_key(stage: Stage, wire: Wire) -> None:
    for provider in DIALLED:
        stage.grants(provider=provider.name)
        assert stage.ask(wire).status_code == 200
        names = [frozenset(provider.auth_env)]
        chosen = registry.select_credential(provider.name, wire.protocol, names)
        sent = stage.vendor.last.received.headers
        assert sent[chosen.header.lower()] == chosen.prefix + KEY
        assert sum(KEY in value for value in sent.values()) == 1
        for name, value in chosen.extra_headers:
            assert sent[name] == value


@STREAMS
@pytest.mark.parametrize(
    ("wire", "protocol", "vendors"),
    [(Wire.CHAT, "anthropic", Wire.MESSAGES), (Wire.MESSAGES, "openai", Wire.CHAT)],
    ids=["chat", "messages"],
)
def test_a_base_url_of_the_other_protocol_is_converted(
    stage: Stage, wire: Wire, protocol: str, vendors: Wire, is_stream: bool
) -> None:
    # The registry knows a surface of the guest's own protocol; the key must not go there.
    stage.grants(provider="anthropic-api", protocol=protocol)
    answered = stage.ask(wire, stream=is_stream)
    assert answered.status_code == 200
    assert stage.vendor.last.received.wire is vendors
    if is_stream:
        assert streamed_text(wire, answered.text) == HELLO.text
    assert stage.report()["usage"] == USED


def test_the_granted_model_goes_on_the_wire_and_the_asked_one_into_the_report(
    stage: Stage,
) -> None:
    stage.grants(model="a-better-model")
    assert stage.ask(Wire.CHAT).status_code == 200
    assert stage.vendor.last.received.json["model"] == "a-better-model"
    assert stage.report()["model"] == MODEL


@pytest.mark.anyio
@pytest.mark.parametrize("provider", DIALLED, ids=lambda provider: provider.name)
async def test_without_a_base_url_the_key_goes_to_the_registrys_own_alone(
    provider: Provider, plane_of_all: Plane
) -> None:
    for grant in ({}, {"protocol": "openai"}, {"protocol": "anthropic"}):
        whole = {"provider": provider.name, "api_key": KEY} | IDS | grant
        plane_of_all.resolve = _saying(whole)
        for wire in (Wire.CHAT, Wire.MESSAGES):
            url = await _url_of(plane_of_all, wire)
            own = {provider.base_url_template, provider.base_url_anthropic} - {None}
            assert (
                url is None
                or url.removesuffix(f"/{Wire.CHAT.value}").removesuffix(f"/{Wire.MESSAGES.value}")
                in own
            )
            assert url is not None or len(own) < 2


def _saying(whole: dict[str, str]) -> Callable[[Heard], Says]:
    return lambda _: Says(body=whole)


async def _url_of(plane: Plane, wire: Wire) -> str | None:
    """Return where a request would go; nothing is sent there."""
    content = httpx.Request("POST", "http://x", json=body(wire, model=MODEL)).content

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    scope = {"type": "http", "headers": [(b"authorization", f"Bearer {TOKEN}".encode())]}
    settler = Settler(1, Metrics(), strict=False)
    async with ControlPlane(plane.url, Patience(question=5, report=1)) as asked:
        mode = PlatformMode(plane=asked, settler=settler)
        try:
            turn = await mode.resolve(Inbound(scope, receive, wire, 10_000))
        except Refusal:
            return None
        finally:
            await settler.drain(5)
    return turn.route.url


@WIRES
@STREAMS
def test_an_error_of_the_vendor_is_reported_and_passed_on_with_the_ids(
    stage: Stage, wire: Wire, is_stream: bool
) -> None:
    stage.grants(provider=_provider_for(wire))
    stage.vendor.play(failure(429, "Slower, please.", retry_after="9"))
    refused = stage.ask(wire, stream=is_stream)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "9")
    assert {name: refused.headers[name] for name in ID_HEADERS} == ID_HEADERS
    assert refused.json()["error"]["message"] == "Slower, please."
    report = stage.report()
    assert (report["status"], report["http_status"]) == ("failure", 429)
    assert (report["usage"], report["error"]) == (None, "VENDOR_FAILED")


@WIRES
def test_an_error_in_mid_stream_is_reported(stage: Stage, wire: Wire) -> None:
    stage.grants(provider=_provider_for(wire))
    stage.vendor.play(cut(after(5)))
    assert "broke off" in stage.ask(wire, stream=True).text
    report = stage.report()
    assert (report["status"], report["http_status"]) == ("failure", 502)
    assert report["usage"] is None


@WIRES
@STREAMS
def test_an_answer_without_usage_is_reported_without_usage(
    stage: Stage, wire: Wire, is_stream: bool
) -> None:
    stage.grants(provider=_provider_for(wire))
    stage.vendor.play(answer("Hello", usage=None))
    assert stage.ask(wire, stream=is_stream).status_code == 200
    report = stage.report()
    assert (report["status"], report["usage"], report["characters"]) == ("success", None, 5)


def test_a_guest_that_went_away_is_reported(stage: Stage) -> None:
    stage.vendor.play(stall(after(5)))
    asked = body(Wire.CHAT, stream=True, model=MODEL)
    with stage.gateway.anyone.stream(
        "POST", "/v1/chat/completions", headers=BEARER, json=asked
    ) as answered:
        lines = answered.iter_lines()
        next(lines)
        stage.vendor.wait(lambda: stage.vendor.last.stalled)
    report = stage.report()
    assert (report["status"], report["http_status"]) == ("abandoned", 499)
    assert 0 < report["characters"] <= len(HELLO.text)
    assert report["usage"] is None


def _settled(gateway: Running, result: str) -> float:
    lines = gateway.admin.get("/metrics").text.splitlines()
    label = f'result="{result}"'
    return sum(float(line.rpartition(" ")[2]) for line in lines if label in line)


def test_a_report_that_fails_in_passing_is_sent_again(stage: Stage) -> None:
    fails = [Says(hangs_up=True), Says(status=503), Says(status=204)]

    def say(_: Heard) -> Says:
        return fails.pop(0)

    stage.plane.usage = say
    before = _settled(stage.gateway, "reported")
    assert stage.ask(Wire.CHAT).status_code == 200
    stage.vendor.wait(lambda: _settled(stage.gateway, "reported") == before + 1)
    assert len(stage.plane.reports) == 3
    assert len({str(report) for report in stage.plane.reports}) == 1


def test_an_answer_is_whole_also_while_its_report_fails(stage: Stage) -> None:
    stage.plane.usage = lambda _: Says(status=500)
    before = _settled(stage.gateway, "reported")
    assert "data: [DONE]" in stage.ask(Wire.CHAT, stream=True).text
    stage.plane.usage = lambda _: Says(status=204)
    stage.vendor.wait(lambda: _settled(stage.gateway, "reported") == before + 1)
    assert len(stage.plane.reports) > 1


@pytest.mark.anyio
async def test_a_report_that_keeps_failing_is_given_up_and_logged(plane_of_all: Plane) -> None:
    plane_of_all.heard.clear()
    plane_of_all.usage = lambda _: Says(status=500)
    async with ControlPlane(plane_of_all.url, Patience(question=5, report=0.5)) as plane:
        with capture_logs() as entries:
            assert not await plane.report(TOKEN, {"request_id": "req-17"})
    assert 1 <= len(plane_of_all.reports) < 20
    (entry,) = entries
    assert (entry["event"], entry["request_id"]) == ("usage_unreported", "req-17")
    assert TOKEN not in str(entry)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422])
def test_a_report_that_is_refused_is_not_sent_again(stage: Stage, status: int) -> None:
    stage.plane.usage = lambda _: Says(status=status)
    before = _settled(stage.gateway, "unreported")
    assert stage.ask(Wire.CHAT).status_code == 200
    stage.vendor.wait(lambda: _settled(stage.gateway, "unreported") == before + 1)
    assert len(stage.plane.reports) == 1


@STREAMS
def test_a_report_that_hangs_does_not_hold_the_answer(stage: Stage, is_stream: bool) -> None:
    gate = threading.Event()
    stage.plane.usage = lambda _: Says(status=204, waits=gate)
    try:
        answered = stage.ask(Wire.CHAT, stream=is_stream)
        assert answered.status_code == 200
        assert not is_stream or "data: [DONE]" in answered.text
        assert stage.plane.reports
    finally:
        gate.set()


def test_an_own_api_key_is_no_token_here(stage: Stage) -> None:
    stage.gateway.create("/users", id="a-user", cap="10")
    key = stage.gateway.create("/users/a-user/keys")["key"]
    stage.plane.resolve = lambda _: Says(status=401)
    refused = stage.gateway.anyone.post(
        "/v1/chat/completions", headers={"authorization": f"Bearer {key}"}, json=body(Wire.CHAT)
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "CONTROL_PLANE_REFUSED")


def test_a_vendor_that_repeats_the_granted_key_is_not_quoted(stage: Stage) -> None:
    stage.vendor.play(failure(401, f"The key {KEY} is not known."))
    assert KEY not in stage.ask(Wire.CHAT).text


def test_the_mode_without_a_control_plane_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as refused:
        running.settings(tmp_path, mode="platform")
    (problem,) = refused.value.errors()
    assert problem["loc"] == ("control_plane_url",)
    assert "give its URL" in problem["msg"]
    assert running.settings(tmp_path).control_plane_url is None


def test_the_way_is_chosen_once_and_for_all_requests(stage: Stage) -> None:
    plays = [Play() for _ in range(3)]
    stage.vendor.play(*plays)
    assert [stage.ask(wire).status_code for wire in Wire] == [200, 200, 200]
    assert len(stage.plane.questions) == 3
