"""The command line: starts the service, or a demonstration of it with a vendor of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click
from pydantic import ValidationError
from pydantic_settings import SettingsError

from gateway import complaints, logs, serving
from gateway.app import application
from gateway.settings import Settings
from gateway.storage.database import DatabaseUnavailableError
from gateway.storage.engines import DatabaseUrlError, parse_url
from gateway.storage.migration import UnknownVersionError

_WRONG_SETTINGS, _CANNOT_START = 2, 1
_EXPOSED = "--database: who lists processes would see the password; set GATEWAY_DATABASE_URL."
_TOO_NEW = (
    "The tables of the database are those of a later version of the gateway: "
    "start that version, or restore the copy that was made before it."
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8787,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option("--database", metavar="URL", help="In place of GATEWAY_DATABASE_URL; no password.")
@click.option("--demo", is_flag=True, help="Try it: needs no key, no network and no setting.")
@click.version_option(package_name="gateway", message="%(prog)s %(version)s")
def main(host: str, port: int, database: str | None, demo: bool) -> None:
    """Start the gateway.

    Its settings are variables that begin with GATEWAY_; README.md lists them. SIGTERM and
    Ctrl-C end it when the answers under way are finished.
    """
    if demo:
        _demonstrate(host, port)
    else:
        _serve(host, port, _settings(database))


def _serve(host: str, port: int, settings: Settings) -> None:
    logs.configure(settings.log_level)
    with _explained(settings):
        listener = serving.listening(host, port)
        here = serving.address(listener)
        if "public_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"public_url": here})

        async def announce() -> None:
            click.echo(f"The gateway listens on {here}")

        serving.run(serving.serve(application(settings), settings, listener, announce))


def _demonstrate(host: str, port: int) -> None:
    # Only who asks for the demonstration waits for its imports.
    from gateway import demonstration  # noqa: PLC0415

    for name in demonstration.ignored(os.environ):
        del os.environ[name]
    logs.configure("warning")
    with _explained(None):
        listener = serving.listening(host, port)
        serving.run(demonstration.serve(listener, click.echo))


def _settings(database: str | None) -> Settings:
    try:
        settings = Settings() if database is None else Settings(database_url=database)
        url = parse_url(settings.database_url)
    except (ValidationError, SettingsError) as error:
        _end(_WRONG_SETTINGS, *complaints.complaints(error))
    except DatabaseUrlError as error:
        _end(_WRONG_SETTINGS, complaints.of_database(str(error)))
    if database is not None and url.password is not None:
        _end(_WRONG_SETTINGS, _EXPOSED)
    return settings


@contextmanager
def _explained(settings: Settings | None) -> Iterator[None]:
    """Turn what keeps the service from starting into a sentence and an exit code."""
    try:
        yield
    except serving.CannotListenError as error:
        _end(_CANNOT_START, str(error))
    except UnknownVersionError:
        _end(_CANNOT_START, _TOO_NEW)
    except DatabaseUnavailableError:
        if settings is None:
            raise
        _end(_CANNOT_START, _unreachable(settings.database_url))


def _unreachable(text: str) -> str:
    url = parse_url(text)
    if url.host is None:
        what = f"The database file {url.database} cannot be opened or written"
        return (
            f"{what}: look at its folder, and at who holds it. It is set by GATEWAY_DATABASE_URL."
        )
    place = f"{url.host}:{url.port or 5432}, database {url.database}"
    return (
        f"The database cannot be used ({place}): look whether it runs, and at user and password. "
        "It is set by GATEWAY_DATABASE_URL."
    )


def _end(code: int, *lines: str) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
