"""What most tests stand on: a vendor that plays along, a gateway before it, and databases."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from provider_registry import PROVIDERS

from gateway.storage.database import Database
from gateway.storage.schema import metadata
from tests import running
from tests.guests import House
from tests.postgres import PostgresServer, running_postgres
from tests.running import Running
from tests.vendor import Vendor, vendor_thread

# What a gateway in this process says is not part of what a run of the tests says; whoever looks
# for it takes it before it is written.
structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """No test calls anybody: whatever looks for another machine fails here."""
    real = socket.getaddrinfo

    def here(host: str | bytes | None, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not name.startswith("127.") and name not in ("localhost", "::1"):
            raise AssertionError(f"a test looks for {name}")
        return real(host, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", here)
        yield


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
def postgres_tables(postgres: PostgresServer) -> str:
    """The name of a database with all tables, which tests have one after the other."""
    postgres.run("CREATE DATABASE shared")
    asyncio.run(_migrate(postgres.url("shared")))
    return "shared"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prepared") / "gateway.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


def _new_file(request: pytest.FixtureRequest) -> str:
    path: Path = request.getfixturevalue("tmp_path") / "gateway.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


def _emptied_database(request: pytest.FixtureRequest) -> str:
    # To make a database takes longer than most tests.
    server: PostgresServer = request.getfixturevalue("postgres")
    name: str = request.getfixturevalue("postgres_tables")
    tables = (table.name for table in reversed(metadata.sorted_tables))
    server.run("; ".join(f"DELETE FROM {table}" for table in tables), name)
    return server.url(name)


_MAKERS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": _new_file,
    "postgresql": _emptied_database,
}


@pytest.fixture(params=list(_MAKERS))
def database_url(request: pytest.FixtureRequest) -> str:
    return _MAKERS[request.param](request)


@pytest.fixture
async def database(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


def everywhere(url: str) -> dict[str, dict[str, str]]:
    """Return base URLs that send every surface of the registry to one address.

    A surface that a provider does not have stays missing.
    """
    surfaces = {
        provider.name: {
            "openai": provider.base_url_template,
            "anthropic": provider.base_url_anthropic,
        }
        for provider in PROVIDERS
    }
    return {
        name: {protocol: url for protocol, given in urls.items() if given is not None}
        for name, urls in surfaces.items()
    }


@pytest.fixture(scope="module", name="open_house")
def _open_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with vendor_thread() as playing:
        url = f"{playing.url}/v1"
        base_urls = everywhere(url) | {"huggingface": {"anthropic": url}}
        deployment = running.settings(tmp_path_factory.mktemp("house"), base_urls=base_urls)
        with running.gateway(deployment) as made:
            yield House(gateway=made, vendor=playing)


@pytest.fixture
def house(open_house: House) -> House:
    """A house that serves all tests of a module; its vendor has forgotten the test before."""
    open_house.vendor.forget()
    return open_house


@pytest.fixture
def gateway(tmp_path: Path, vendor: Vendor) -> Iterator[Running]:
    deployment = running.settings(tmp_path, base_urls=everywhere(f"{vendor.url}/v1"))
    with running.gateway(deployment) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One gateway for the tests of a module, with no vendor behind it."""
    with running.gateway(running.settings(tmp_path_factory.mktemp("shared"))) as made:
        yield made
