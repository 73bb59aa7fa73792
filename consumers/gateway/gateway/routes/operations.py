"""What those who run the service ask it: whether it lives, and what it counts."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import select

from gateway.routes.access import Serving, admin_router
from gateway.routes.answers import ADMINISTRATORS, anyones, refusals

_METRICS = {
    "description": "The metrics.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}

health_router = APIRouter()
router = admin_router()


@health_router.get("/health", tags=["operations"], responses=anyones())
async def health(serving: Serving) -> dict[str, str]:
    """Say that the process lives and reaches its database; 503 where it does not."""
    await serving.database.read(lambda connection: connection.execute(select(1)))
    return {"status": "ok"}


@router.get(
    "/metrics",
    tags=["operations"],
    response_class=Response,
    responses={**refusals(*ADMINISTRATORS), 200: _METRICS},
)
async def metrics(serving: Serving) -> Response:
    """Give the metrics in the text format of Prometheus."""
    return Response(serving.metrics.text(), media_type=CONTENT_TYPE_LATEST)
