"""Who may call the routes that run this service."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.datastructures import Headers

from gateway.keys.tokens import bearer
from gateway.refusals import Code, Refusal
from gateway.routes.reading import with_body
from gateway.services import Services

ADMIN_HEADER = "x-admin-key"

# They are read from the request below; here they are said for the OpenAPI page.
_SCHEMES = (
    Depends(HTTPBearer(auto_error=False, scheme_name="Admin key as bearer")),
    Depends(APIKeyHeader(name=ADMIN_HEADER, auto_error=False, scheme_name="Admin key")),
)


# Not a plain function: FastAPI would send every request through a thread for it.
async def services(request: Request) -> Services:
    """Return what the routes work with."""
    return cast("Services", request.app.state.services)


Serving = Annotated[Services, Depends(services)]


class AdminRoute(APIRoute):
    """A route for the administrator: a stranger is refused before the body is read.

    FastAPI would read it first, whoever sent it and however long it is.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the check before it."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            serving = cast("Services", request.app.state.services)
            require_admin(request.headers, serving.settings.admin_key.get_secret_value())
            return await handle(await with_body(request))

        return guarded


def admin_router(prefix: str = "") -> APIRouter:
    """Return a router whose routes need the admin key."""
    return APIRouter(prefix=prefix, route_class=AdminRoute, dependencies=_SCHEMES)


def require_admin(headers: Headers, expected: str) -> None:
    """Refuse (401) whoever does not send the admin key.

    The header of its own counts before Bearer. Digests are compared, in constant time, so
    that not even the key's length shows.
    """
    given = headers.get(ADMIN_HEADER, "").strip() or bearer(headers) or ""
    if not hmac.compare_digest(_digest(given), _digest(expected)):
        message = "This route needs the admin key."
        challenge = {"www-authenticate": "Bearer"}
        raise Refusal(401, Code.ADMIN_KEY_REQUIRED, message, headers=challenge)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
