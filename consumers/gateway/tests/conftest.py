"""Databases for the tests: each test gets one of its own, with its tables made."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gateway.database import Database

from .postgres import PostgresServer, running_postgres

_numbers = itertools.count()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await database.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for the whole run; a test that stops one starts its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    postgres.run("CREATE DATABASE prepared")
    asyncio.run(_migrate(postgres.url("prepared")))
    return "prepared"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prepared") / "gateway.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


def _new_file(request: pytest.FixtureRequest) -> str:
    path: Path = request.getfixturevalue("tmp_path") / "gateway.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


def _new_server_database(request: pytest.FixtureRequest) -> str:
    server: PostgresServer = request.getfixturevalue("postgres")
    template, name = request.getfixturevalue("postgres_template"), f"test_{next(_numbers)}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return server.url(name)


_MAKERS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": _new_file,
    "postgresql": _new_server_database,
}


@pytest.fixture(params=list(_MAKERS))
def database_url(request: pytest.FixtureRequest) -> str:
    return _MAKERS[request.param](request)


@pytest.fixture
async def database(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()
