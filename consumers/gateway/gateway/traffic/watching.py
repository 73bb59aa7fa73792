"""What is told of each request when it is over: one line in the log, and the metrics."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import structlog
from starlette.types import Message, Send

from gateway.formats.wires import Wire
from gateway.metrics import NONE, Metrics
from gateway.storage.money import amount_text
from gateway.traffic.turn import Turn

_LOG = structlog.get_logger(__name__)
_MODEL_CHARACTERS = 200


class Watch:
    """Follows one request from its head to its end; holds no header and nothing of a body.

    It tells how the request went when the block is left, whatever happened.
    """

    def __init__(self, metrics: Metrics, wire: Wire, request: str) -> None:
        self._metrics = metrics
        self._wire = wire
        self._request = request
        self._began = time.monotonic()
        self._first_byte: float | None = None
        self._status: int | None = None
        self._turn: Turn | None = None
        metrics.request_began()

    def on(self, send: Send) -> Send:
        """Return a way to send that notes the status and when the first byte left."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
            elif self._first_byte is None and message.get("body"):
                self._first_byte = time.monotonic() - self._began
            await send(message)

        return noting

    def resolved(self, turn: Turn) -> None:
        """Note that the request has passed its checks."""
        self._turn = turn

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is None and isinstance(error, Exception):
            self._status = 500  # sent by those who catch it
        self._end()

    def _end(self) -> None:
        seconds = time.monotonic() - self._began
        turn = self._turn
        self._metrics.request_ended(
            wire=self._wire,
            provider=NONE if turn is None else turn.route.provider,
            status=self._status,
            payer=NONE if turn is None else turn.settlement.payer,
            seconds=seconds,
            first_byte=self._first_byte,
        )
        _LOG.info(
            "request",
            request=self._request,
            wire=self._wire.value,
            status=self._status,
            seconds=round(seconds, 6),
            first_byte_seconds=None if self._first_byte is None else round(self._first_byte, 6),
            **({} if turn is None else _told(turn)),
        )


def _told(turn: Turn) -> dict[str, object]:
    outcome, closing = turn.settlement.outcome, turn.settlement.closing
    usage = None if outcome is None else outcome.usage or outcome.so_far
    cost = None if closing is None else closing.cost
    return {
        "provider": turn.route.provider,
        "model": turn.asked.model[:_MODEL_CHARACTERS],
        "payer": turn.settlement.payer,
        "ending": None if outcome is None else outcome.ending,
        "settled": None if closing is None else closing.result,
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "cached_tokens": None if usage is None else usage.cached_tokens,
        "cost": None if cost is None else amount_text(cost),
    }
