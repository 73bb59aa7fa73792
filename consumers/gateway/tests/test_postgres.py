from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests import postgres as fixture
from tests.postgres import PostgresServer, machine_binaries, running_postgres, wheel_binaries

DEADLINE_SECONDS = 60
MACHINE = machine_binaries()


@pytest.mark.parametrize(
    "binaries",
    [
        pytest.param(
            MACHINE, marks=pytest.mark.skipif(MACHINE is None, reason="no PostgreSQL here")
        ),
        wheel_binaries(),
    ],
    ids=["machine", "wheel"],
)
def test_a_server_keeps_its_data_over_a_stop_and_leaves_nothing(binaries: Path) -> None:
    with running_postgres(binaries) as server:
        folder = server.folder
        server.run("CREATE TABLE kept AS SELECT 42 AS answer")
        for is_fast in (True, False):
            server.stop(fast=is_fast)
            assert not answers(server)
            server.start()
            assert server.run("SELECT answer FROM kept") == "42"
        processes = processes_in(folder)
        assert processes

    assert not folder.exists()
    assert not any(process.is_running() for process in processes)


def answers(server: PostgresServer) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", server.port)) == 0


def processes_in(folder: Path) -> list[psutil.Process]:
    parents = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(folder / "data") in (process.info["cmdline"] or ())
    ]
    return [one for parent in parents for one in (parent, *parent.children(recursive=True))]


def test_the_server_listens_on_loopback_alone(postgres: PostgresServer) -> None:
    assert postgres.run("SHOW listen_addresses") == "127.0.0.1"
    assert postgres.run("SHOW unix_socket_directories") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs as somebody else")
def test_the_server_never_runs_as_root(postgres: PostgresServer) -> None:
    owners = {process.username() for process in processes_in(postgres.folder)}

    assert owners == {"nobody"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads what others may not")
def test_binaries_that_others_may_not_reach_are_borrowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = fixture.reachable_by_all
    monkeypatch.setattr(
        fixture, "reachable_by_all", lambda path: path != wheel_binaries() and reached(path)
    )

    with running_postgres(wheel_binaries()) as server:
        running = processes_in(server.folder)[0].exe()
        assert server.run("SELECT 1") == "1"

    assert Path(running).is_relative_to(server.folder)


ENDLESS = """
import sys, time
from tests.postgres import running_postgres

with running_postgres() as server:
    print(server.folder, flush=True)
    time.sleep(600)
"""


def test_a_test_run_that_is_killed_leaves_no_server() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        left = processes_in(folder)
        assert left
        process.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + DEADLINE_SECONDS
    while any(one.is_running() for one in left):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    shutil.rmtree(folder)
