from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.storage import moments
from gateway.storage.database import Database, DatabaseUnavailableError
from gateway.storage.engines import PATIENCE_SECONDS, DatabaseUrlError
from gateway.storage.schema import metadata, users
from tests.postgres import PostgresServer, running_postgres

pytestmark = pytest.mark.anyio

# Far above what it takes, and far below a hang.
CLEAR_SECONDS = 10 * PATIENCE_SECONDS
DEADLINE_SECONDS = 60


def user_row(name: str) -> dict[str, object]:
    return {"id": name, "created_at": moments.now()}


def add_user(connection: Connection, name: str) -> None:
    connection.execute(insert(users), user_row(name))


def names(connection: Connection) -> list[str]:
    return sorted(connection.execute(select(users.c.id)).scalars())


# URLs.


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://root:hunter2@127.0.0.1/x",
        "postgresql+psycopg://root:hunter2@127.0.0.1/x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:hunter2?mode=memory",
        "postgresql://root:hunter2@127.0.0.1:port/x",
    ],
)
def test_a_url_that_names_no_usable_database_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        Database(url)

    assert "hunter2" not in str(refused.value)


# Transactions.


async def test_what_is_written_is_there_for_every_reader(database: Database) -> None:
    await database.write(lambda connection: add_user(connection, "by-function"))
    async with database.writing() as connection:
        await connection.execute(insert(users), user_row("by-connection"))

    async with database.reading() as connection:
        by_connection = await connection.run_sync(names)
    assert by_connection == await database.read(names) == ["by-connection", "by-function"]


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def fail(connection: Connection) -> None:
        add_user(connection, "half")
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fail)
    with pytest.raises(LookupError):
        async with database.writing() as connection:
            await connection.run_sync(fail)

    assert await database.read(names) == []


async def test_a_mistake_in_a_statement_is_not_taken_for_a_database_that_is_away(
    database: Database,
) -> None:
    await database.write(lambda connection: add_user(connection, "twice"))

    with pytest.raises(IntegrityError):
        await database.write(lambda connection: add_user(connection, "twice"))
    with pytest.raises(DBAPIError):
        await database.read(lambda connection: connection.execute(text("SELECT * FROM missing")))


async def write_by_connection(database: Database, work: Callable[[Connection], None]) -> None:
    async with database.writing() as connection:
        await connection.run_sync(work)


async def test_an_error_says_nothing_of_the_values_it_was_about(database: Database) -> None:
    await database.write(lambda connection: add_user(connection, "hunter2"))

    for way in (Database.write, write_by_connection):
        with pytest.raises(IntegrityError) as failed:
            await way(database, lambda connection: add_user(connection, "hunter2"))
        assert "parameters hidden" in str(failed.value)


async def test_references_between_tables_hold(database: Database) -> None:
    row = "INSERT INTO rate_windows (user_id, started_at, count) VALUES ('x', '2030-01-01', 1)"

    with pytest.raises(IntegrityError):
        await database.write(lambda connection: connection.execute(text(row)))


HOLD = """
INSERT INTO reservations (id, user_id, amount, status, created_at, expires_at)
VALUES ('h', 'u', {amount}, '{status}', '2030-01-01', '2030-01-01')
"""


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET reserved = -1",
        "UPDATE users SET spend = -1",
        "UPDATE users SET spend = 3000000000000000001",
        "UPDATE users SET cap = -1",
        HOLD.format(amount=1, status="lost"),
        HOLD.format(amount=-1, status="active"),
        "UPDATE users SET requests_per_minute = -1",
    ],
)
async def test_the_tables_refuse_what_no_ledger_may_say(database: Database, change: str) -> None:
    await database.write(lambda connection: add_user(connection, "u"))

    with pytest.raises(IntegrityError):
        await database.write(lambda connection: connection.execute(text(change)))


async def test_a_write_goes_on_when_its_caller_is_cancelled(database: Database) -> None:
    task = asyncio.ensure_future(
        database.write(lambda connection: add_user(connection, "cancelled"))
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def written() -> bool:
        return await database.read(names) == ["cancelled"]

    await until(written)


async def test_closing_waits_for_what_is_being_written(
    database: Database, database_url: str
) -> None:
    begun = database.begin(lambda connection: add_user(connection, "last"))
    await asyncio.sleep(0)

    await database.close()

    assert begun.done()
    reopened = Database(database_url)
    assert await reopened.read(names) == ["last"]
    await reopened.close()


async def test_a_database_that_was_closed_is_away(database_url: str) -> None:
    database = Database(database_url)
    await database.read(names)
    await database.close()
    await database.close()

    with pytest.raises(DatabaseUnavailableError):
        await database.write(lambda connection: add_user(connection, "late"))
    with pytest.raises(DatabaseUnavailableError):
        await database.read(names)


async def test_writers_of_both_kinds_wait_for_each_other(database: Database) -> None:
    async def by_connection(name: str) -> None:
        async with database.writing() as connection:
            await connection.execute(insert(users), user_row(name))

    await asyncio.gather(
        *(by_connection(f"a{number:02}") for number in range(20)),
        *(database.write(partial(add_user, name=f"b{number:02}")) for number in range(20)),
    )

    assert len(await database.read(names)) == 40


async def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


# Migrations.


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gateway #1.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"empty_{os.urandom(4).hex()}"
    server.run(f"CREATE DATABASE {name}")
    return server.url(name)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def test_migrating_makes_the_tables_and_again_changes_nothing(empty_url: str) -> None:
    async with opened(empty_url) as database:
        await database.migrate()
        await database.write(lambda connection: add_user(connection, "kept"))
        await database.migrate()

        assert await database.read(names) == ["kept"]
        found = await database.read(lambda connection: inspect(connection).get_table_names())
        assert set(found) == {*metadata.tables, "alembic_version"}


async def test_the_migrations_make_exactly_the_schema(empty_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        return list(found)

    def constraints(connection: Connection) -> dict[str, set[str | None]]:
        inspector = inspect(connection)
        return {
            name: {one["name"] for one in inspector.get_check_constraints(name)}
            for name in metadata.tables
        }

    async with opened(empty_url) as database:
        await database.migrate()
        assert await database.read(differences) == []
        migrated = await database.read(constraints)
        await database.write(metadata.drop_all)
        await database.write(metadata.create_all)
        # The comparison does not look at checks.
        assert await database.read(constraints) == migrated
        assert sum(map(len, migrated.values())) > 10


MIGRATE = """
import asyncio, sys
from gateway.storage.database import Database

async def main(url):
    database = Database(url)
    sys.stdin.read()
    await database.migrate()
    await database.close()

asyncio.run(main(sys.argv[1]))
"""


def migrate_in_processes(url: str) -> list[bytes]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    return [process.communicate(timeout=DEADLINE_SECONDS)[1] for process in processes]


async def test_three_processes_may_migrate_at_once(empty_url: str) -> None:
    assert migrate_in_processes(empty_url) == [b"", b"", b""]
    async with opened(empty_url) as database:
        assert await database.read(names) == []


# A database that is away.


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A database, and a way to take it away for as long as a context lasts."""

    url: str
    away: Callable[[], AbstractContextManager[None]]


@contextmanager
def stopped(server: PostgresServer, *, fast: bool) -> Iterator[None]:
    server.stop(fast=fast)
    yield
    server.start()


@contextmanager
def moved(path: Path) -> Iterator[None]:
    with tempfile.TemporaryDirectory(dir=path.parent) as elsewhere:
        for part in path.parent.glob(f"{path.name}*"):
            part.rename(Path(elsewhere) / part.name)
        yield
        for part in Path(elsewhere).glob(f"{path.name}*"):
            part.rename(path.parent / part.name)


@contextmanager
def replaced_by_folder(path: Path) -> Iterator[None]:
    with moved(path):
        path.mkdir()
        yield
        path.rmdir()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def locked_row(server: PostgresServer, database: str) -> Iterator[None]:
    statement = "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)"
    with server.session(database, statement):
        held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
        deadline = time.monotonic() + DEADLINE_SECONDS
        while server.run(held) == "0":
            assert time.monotonic() < deadline
        yield


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


ON_FILES: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "file moved": moved,
    "file replaced": replaced_by_folder,
}
ON_SERVERS: dict[str, Callable[[PostgresServer], AbstractContextManager[None]]] = {
    "server stopped": lambda server: stopped(server, fast=True),
    "server crashed": lambda server: stopped(server, fast=False),
    "server frozen": lambda server: server.frozen(),
    "table locked": lambda server: locked_row(server, "outage"),
}


@pytest.fixture(params=[*ON_FILES, *ON_SERVERS])
def outage(request: pytest.FixtureRequest, tmp_path: Path) -> Outage:
    if request.param in ON_FILES:
        path = tmp_path / "gateway.db"
        return Outage(url=f"sqlite:///{path}", away=lambda: ON_FILES[request.param](path))
    server: PostgresServer = request.getfixturevalue("own_postgres")
    if server.run("SELECT 1 FROM pg_database WHERE datname = 'outage'") != "1":
        server.run("CREATE DATABASE outage")
    return Outage(url=server.url("outage"), away=lambda: ON_SERVERS[request.param](server))


async def by_read(database: Database) -> None:
    await database.read(names)


async def by_write(database: Database) -> None:
    await database.write(lambda connection: add_user(connection, os.urandom(8).hex()))


async def by_reading(database: Database) -> None:
    async with database.reading() as connection:
        await connection.execute(select(users))


async def by_writing(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(insert(users), user_row(os.urandom(8).hex()))


WAYS = (by_read, by_write, by_reading, by_writing)


async def failure(way: Callable[[Database], Any], database: Database) -> type[BaseException] | None:
    try:
        await way(database)
    except Exception as error:  # noqa: BLE001
        return type(error)
    return None


async def test_a_database_that_is_away_is_a_clear_error_soon_and_works_once_it_is_back(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(outage.url) as database:
        await database.migrate()
        assert [await failure(way, database) for way in WAYS] == [None] * 4
        before = await database.read(names)

        with outage.away():
            # The second time there are no connections left that could be cut.
            for ways in (WAYS * 3, WAYS):
                begun = time.monotonic()
                failures = await asyncio.gather(*(failure(way, database) for way in ways))
                assert set(failures) == {DatabaseUnavailableError}
                assert time.monotonic() - begun < CLEAR_SECONDS

        assert [await failure(way, database) for way in WAYS] == [None] * 4
        assert set(before) < set(await database.read(names))
    # The pool has nothing to complain of that it could not cope with.
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_server_that_was_started_anew_meanwhile_is_no_error(
    own_postgres: PostgresServer,
) -> None:
    async with opened(own_postgres.url()) as database:
        await database.migrate()
        assert [await failure(way, database) for way in WAYS * 3] == [None] * 12
        # In a thread, so that the connections hear of it as they do in a running service. The
        # server itself would end with the thread that started it.
        await asyncio.to_thread(own_postgres.stop)
        own_postgres.start()

        assert await asyncio.gather(*(failure(way, database) for way in WAYS)) == [None] * 4


async def test_a_locked_file_refuses_writers_for_a_while_and_never_readers(
    tmp_path: Path,
) -> None:
    path = tmp_path / "gateway.db"
    async with opened(f"sqlite:///{path}") as database:
        await database.migrate()
        with locked(path):
            begun = time.monotonic()
            writers = [failure(way, database) for way in (by_write, by_writing) * 20]
            readers = [failure(way, database) for way in (by_read, by_reading) * 20]
            failures = await asyncio.gather(*writers, *readers)
            assert failures == [DatabaseUnavailableError] * 40 + [None] * 40
            assert time.monotonic() - begun < CLEAR_SECONDS

        assert [await failure(way, database) for way in WAYS] == [None] * 4


async def test_a_file_that_was_never_made_or_is_no_database_is_a_clear_error(
    tmp_path: Path,
) -> None:
    (tmp_path / "text.db").write_text("This is no database. " * 1000)

    for name in ("missing.db", "no folder/gateway.db", "text.db"):
        async with opened(f"sqlite:///{tmp_path}/{name}") as database:
            failures = {await failure(way, database) for way in WAYS}
            assert failures == {DatabaseUnavailableError}
    assert os.listdir(tmp_path) == ["text.db"]


async def test_migrating_a_database_that_is_away_is_a_clear_error(
    tmp_path: Path,
) -> None:
    for url in (f"sqlite:///{tmp_path}/no folder/gateway.db", "postgresql://127.0.0.1:1/x"):
        async with opened(url) as database:
            with pytest.raises(DatabaseUnavailableError):
                await database.migrate()


async def test_a_file_that_a_process_was_killed_over_has_all_that_was_written(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    async with opened(url) as database:
        await database.migrate()
    told = write_until_killed(url)

    async with opened(url) as database:
        written = await database.read(names)
    assert len(told) <= len(written) <= len(told) + 1


WRITE = """
import asyncio, sys
from gateway.storage.database import Database
from tests.test_database import add_user

async def main(url):
    database = Database(url)
    for number in range(100_000):
        await database.write(lambda connection: add_user(connection, f"{number:06}"))
        print(number, flush=True)

asyncio.run(main(sys.argv[1]))
"""


def write_until_killed(url: str) -> list[str]:
    command = [sys.executable, "-c", WRITE, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(50)]
        process.kill()
        return told + process.stdout.readlines()
