"""Who may call the routes that run this service."""

from __future__ import annotations

import hmac
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from gateway.refusals import Code, Refusal
from gateway.services import Services
from gateway.tokens import presented

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


async def require_admin(request: Request, serving: Serving) -> None:
    """Refuse (401) whoever does not send the admin key; compared in constant time."""
    given = presented(request.headers, ADMIN_HEADER) or ""
    expected = serving.settings.admin_key.get_secret_value()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        headers = {"www-authenticate": "Bearer"}
        message = "This route needs the admin key."
        raise Refusal(401, Code.ADMIN_KEY_REQUIRED, message, headers=headers)


ADMIN = [Depends(require_admin), *_SCHEMES]
