"""The measurement measures: what it counts, what it takes for a failure, what it says of both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import openai
import pytest

from bench import load, measure, processes, report, rival, slow
from bench.contenders import DIRECT, GATEWAY, LITELLM, Contender, body
from bench.figures import Quantiles, growth, quantiles
from bench.load import Plan, Target
from bench.measure import Memory, NoAnswerError, Overhead, Settings, Throughput, Timing
from bench.report import Results
from tests.plays import BEFORE_THE_END, Play, after, cut, endless, failure, raw, stall
from tests.vendor import Vendor, nobody_listens, vendor_here, vendor_thread

CHAT = "/v1/chat/completions"


def target(vendor: Vendor, name: str = DIRECT) -> Target:
    return Target(name=name, url=vendor.url + CHAT, headers=(("Authorization", "Bearer t"),))


def open_plan(*targets: Target, **changes: Any) -> Plan:
    plan = Plan(mode="open", targets=targets, body=body(3), seconds=0.2, warm_up=0.1, rate=50)
    return replace(plan, **changes)


@pytest.mark.anyio
async def test_an_open_loop_asks_each_target_at_its_rate_and_counts_after_the_warm_up() -> None:
    async with vendor_here() as one, vendor_here() as two:
        first, second = await load.run(open_plan(target(one), target(two)))
        assert (len(one.received), len(two.received)) == (15, 15)
    for times in (first, second):
        assert len(times.first) == len(times.whole) == len(times.late) == 10
        assert all(0 < early <= late for early, late in zip(times.first, times.whole, strict=True))
        assert times.failures == []


@pytest.mark.anyio
async def test_a_request_is_the_one_that_was_planned() -> None:
    async with vendor_here() as vendor:
        await load.run(open_plan(target(vendor)))
        received = vendor.last.received
    assert (received.path, received.headers["authorization"]) == (CHAT, "Bearer t")
    assert received.body.decode() == body(3)
    assert received.streams
    assert received.tells_usage


@pytest.mark.anyio
async def test_an_open_loop_does_not_wait_for_answers() -> None:
    async with vendor_here() as vendor:
        vendor.play(stall(after(1)))
        asked = load.run(open_plan(target(vendor), warm_up=0.0))
        vendor.choose = lambda _: _released(vendor)
        (times,) = await asked
        assert len(vendor.received) == len(times.whole) == 10
    # The first event came at once, the end only when all the others had been asked.
    waits = [late - early for early, late in zip(times.first, times.whole, strict=True)]
    assert max(waits) > 0.1


def _released(vendor: Vendor) -> Play:
    if len(vendor.received) >= 9:
        vendor.release()
    return Play()


@pytest.mark.anyio
async def test_a_closed_loop_keeps_its_connections_busy() -> None:
    async with vendor_here() as vendor:
        plan = open_plan(target(vendor), mode="closed", connections=4)
        (times,) = await load.run(plan)
        assert vendor.connections == 4
        assert 0 < len(times.whole) < len(vendor.received)
        assert times.seconds >= 0.2


@pytest.mark.parametrize(
    ("play", "why"),
    [
        (failure(500), "HTTP/1.1 500 Internal Server Error"),
        (failure(429), "HTTP/1.1 429 Too Many Requests"),
        (cut(after(2)), "the connection was lost: closed"),
        (cut(BEFORE_THE_END), "the connection was lost: closed"),
        (Play(error_after=2), "the stream ended without its marker"),
        (raw(b"{}"), "the connection was lost: closed"),
    ],
)
@pytest.mark.anyio
async def test_an_answer_that_is_no_whole_stream_is_a_failure(play: Play, why: str) -> None:
    async with vendor_here() as vendor:
        # The vendor ends a connection after a body that is no stream: nobody waits for more.
        vendor.always(play if play.status != 200 or play.cut else _closing(play))
        (times,) = await load.run(open_plan(target(vendor), warm_up=0.0))
    assert times.failures == [why] * 10
    assert times.whole == []


def _closing(play: Play) -> Play:
    return play if play.error_after else replace(play, cut=cut(BEFORE_THE_END).cut)


@pytest.mark.anyio
async def test_a_refused_connection_is_a_failure() -> None:
    with nobody_listens() as url:
        (times,) = await load.run(open_plan(Target(name="nobody", url=url), warm_up=0.0))
    assert len(times.failures) == 10


def test_a_plan_and_its_times_pass_through_the_process_of_the_generator() -> None:
    with processes.vendor() as url:
        plan = open_plan(Target(name=DIRECT, url=url + CHAT))
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            input=load.encoded(plan),
            capture_output=True,
            text=True,
            check=True,
            cwd=processes.FOLDER,
        )
    (times,) = load.decoded_times(done.stdout)
    assert (len(times.whole), times.failures) == (10, [])


@pytest.mark.parametrize(("words", "pause"), [(16, 0), (16, 1), (3, 0)])
def test_the_vendor_streams_what_it_is_asked_for(words: int, pause: int) -> None:
    with processes.vendor() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        for _ in range(2):
            stream = client.chat.completions.create(**json.loads(body(words, pause)))
            chunks = list(stream)
            # The client keeps the last of the twenty events, the marker, for itself.
            assert len(chunks) == words + 3
            assert chunks[-1].usage.completion_tokens == 16
            assert chunks[1].choices[0].delta.content == "one "


@pytest.mark.anyio
async def test_slow_clients_read_streams_and_count_failures() -> None:
    async with vendor_here() as vendor:
        vendor.play(failure(500))
        vendor.always(endless())
        counts = await slow.run(
            slow.SlowPlan(
                target=target(vendor),
                clients=4,
                seconds=2.0,
                fast_body=body(9),
                slow_body=body(9, 1),
            )
        )
        assert counts.failures == 1
        assert counts.streams >= 3
        assert counts.bytes_read > 0
        await vendor.until(lambda: not vendor.open_connections)


def test_quantiles_are_in_milliseconds() -> None:
    seconds = [each / 1000 for each in range(1, 101)]
    assert quantiles(seconds) == Quantiles(median=50.5, p99=100.0)
    assert quantiles([0.002]) == Quantiles(median=2.0, p99=2.0)
    with pytest.raises(ValueError, match="no request"):
        quantiles([])


@pytest.mark.parametrize(("a_minute", "share"), [(0, 0.0), (2_000_000, 0.16), (-1_000_000, -0.08)])
def test_growth_is_the_slope_of_what_is_counted(a_minute: int, share: float) -> None:
    # Twenty samples a minute; the first fifth is far away from the line.
    level = [(each * 3.0, 100_000_000 + each * a_minute // 20) for each in range(200)]
    samples = [(at, 5) for at, _ in level[:40]] + level[40:]
    found = growth(samples)
    assert found.slope == pytest.approx(a_minute / 1e6)
    assert found.minutes == pytest.approx(7.95)
    assert found.share == pytest.approx(share, abs=0.02)


def test_memory_is_that_of_a_process_and_its_children() -> None:
    command = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = "x = bytearray(50_000_000); print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", command, child], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        assert processes.resident_bytes(parent.pid) > 50_000_000
        parent.communicate(b"\n")
    assert processes.resident_bytes(os.getpid()) > 0


def test_a_process_that_ends_before_it_is_ready_is_named_with_its_log() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such setting')"]
    with (
        nobody_listens() as url,
        processes.running("never", command) as process,
        pytest.raises(processes.NotReadyError, match=r"never\.log"),
    ):
        processes.wait_until_ready("never", process, url)
    log = processes.BUILD / "never.log"
    assert "no such setting" in log.read_text()
    log.unlink()


def test_the_version_of_the_rival_is_that_of_its_lock() -> None:
    assert rival.version() in (rival.LOCK.parent / "litellm.in").read_text()


def timing(median: float) -> Timing:
    figures = Quantiles(median=median, p99=2 * median)
    return Timing(first=figures, whole=figures)


def results(added: float, rates: tuple[float, float], a_minute: int, failed: int = 0) -> Results:
    overhead = Overhead(
        contender=GATEWAY,
        pace="all at once",
        rate=50,
        direct=timing(1),
        through=timing(1 + added),
        added=timing(added),
        requests=100,
        failures=("HTTP/1.1 500 (3 times)",) * failed,
        generator_late=Quantiles(median=0.1, p99=0.2),
    )
    samples = tuple((each * 3.0, 100_000_000 + each * a_minute // 20) for each in range(200))
    memory = Memory(
        contender=GATEWAY,
        clients=200,
        idle=90,
        growth=growth(samples),
        streams=9,
        bytes_read=9,
        failures=0,
        samples=samples,
    )
    return Results(
        machine={"cores": "2"},
        note="",
        settings=Settings(
            rates=(50,), seconds=1, rounds=1, connections=32, memory_seconds=600, clients=200
        ),
        litellm="1",
        overheads=[overhead],
        throughputs=[
            Throughput(contender=name, rounds=(rate,), median=rate, failures=())
            for name, rate in zip((GATEWAY, LITELLM), rates, strict=True)
        ],
        memories=[memory],
    )


def said(found: Results) -> list[bool]:
    """Return of each target whether it is said to be reached."""
    table = report.tables(found).partition("**Targets**")[2]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    return ["| yes |" in row for row in rows]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (results(3.0, (90, 30), 0), [True, True, True, True]),
        (results(3.1, (90, 30), 0), [False, False, True, True]),
        (results(1.0, (89, 30), 0), [True, True, False, True]),
        (results(1.0, (90, 30), 2_000_000), [True, True, True, False]),
        (results(1.0, (90, 30), 0, failed=1), [False, False, True, True]),
    ],
)
def test_a_target_is_reached_or_not(found: Results, expected: list[bool]) -> None:
    assert said(found) == expected


MEASURED: dict[str, Callable[[Contender, Settings], object]] = {
    "overhead": lambda broken, settings: measure.overheads(broken, [broken], settings),
    "throughput": lambda broken, settings: measure.throughputs([broken], settings),
}


@pytest.mark.parametrize("name", MEASURED)
def test_a_contender_that_never_answers_is_named_with_the_reason(name: str) -> None:
    settings = Settings(
        rates=(50,), seconds=0.1, rounds=1, connections=1, memory_seconds=0, clients=1
    )
    with vendor_thread() as vendor:
        vendor.always(failure(403))
        broken = Contender(target=target(vendor))
        with pytest.raises(NoAnswerError, match=r"^direct answered no request: HTTP/1\.1 403"):
            MEASURED[name](broken, settings)


def test_failures_are_shown_and_change_the_status() -> None:
    good, bad = results(1, (90, 30), 0), results(1, (90, 30), 0, failed=1)
    assert (report.failed(good), report.failed(bad)) == (False, True)
    assert "HTTP/1.1 500 (3 times)" in report.tables(bad)


def test_the_page_keeps_its_sentences() -> None:
    page = report.PAGE.read_text(encoding="utf-8")
    made = report.refreshed(page, results(1, (90, 30), 0))
    before, _, _ = page.partition("<!-- measured -->")
    assert made.startswith(before)
    assert "**Targets**" in made
    assert report.refreshed(made, results(1, (90, 30), 0)) == made
    with pytest.raises(LookupError):
        report.refreshed("no marks", results(1, (90, 30), 0))
