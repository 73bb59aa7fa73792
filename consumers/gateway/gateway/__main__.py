"""The command line: starts the service, with a vendor of its own where asked."""

from __future__ import annotations

import sys

import click
import uvicorn
from pydantic import ValidationError

from gateway import logs
from gateway.app import application
from gateway.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8787, show_default=True, help="The port; 0 takes a free one.")
def main(host: str, port: int) -> None:
    """Start the gateway. Its settings are variables that begin with GATEWAY_."""
    settings = _settings()
    logs.configure(settings.log_level)
    config = uvicorn.Config(
        application(settings),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=30,
    )
    uvicorn.Server(config).run()


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "GATEWAY_" + "_".join(str(part) for part in problem["loc"]).upper()
            click.echo(f"{name}: {problem['msg']}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
