"""The application: its routes, and one shape for everything that goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.refusals import Code, Refusal
from gateway.routes import accounts, llm, operations, problems, sessions, workspaces
from gateway.services import opened
from gateway.settings import Settings
from gateway.storage.database import DatabaseUnavailableError
from gateway.traffic.exchange import database_away

_LOG = structlog.get_logger(__name__)


def application(settings: Settings) -> FastAPI:
    """Return the service of a deployment; it opens its database when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="Gateway",
        summary="Creates workspaces, keeps vendors' keys from agents, settles who pays.",
        version="0.1.0",
        lifespan=lifespan,
        # Its pages load scripts from elsewhere; the description itself is served.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (
        operations.health_router,
        operations.router,
        workspaces.router,
        sessions.router,
        accounts.router,
        llm.facade,
        llm.direct,
    ):
        app.include_router(router)
    _handle_errors(app)
    return app


def _handle_errors(app: FastAPI) -> None:
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _unrouted)
    app.add_exception_handler(DatabaseUnavailableError, _away)
    app.add_exception_handler(Exception, _uncaught)


async def _refused(_: Request, error: Exception) -> Response:
    return cast("Refusal", error).response()


async def _away(request: Request, error: Exception) -> Response:
    request.app.state.services.metrics.database_away("route")
    _LOG.error("database_unavailable", error=type(error).__name__)
    return database_away().response()


async def _uncaught(request: Request, error: Exception) -> Response:
    """Tell the log where it happened, and the caller no more than that it did."""
    route = request.scope.get("route")
    _LOG.error("uncaught", route=getattr(route, "path", None), exc_info=error)
    message = "Something went wrong here; it is in the log."
    # The server closes the connection after this; a client that is not told would use it again.
    return Refusal(500, Code.INTERNAL, message, headers={"connection": "close"}).response()


async def _invalid(request: Request, error: Exception) -> Response:
    found = cast("RequestValidationError", error).errors()
    return problems.refusal(found, problems.names_of(request.app.openapi())).response()


async def _unrouted(_: Request, error: Exception) -> Response:
    error = cast("HTTPException", error)
    codes = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}
    code = codes.get(error.status_code, Code.BAD_REQUEST)
    return Refusal(
        error.status_code, code, error.detail, headers=dict(error.headers or {})
    ).response()
