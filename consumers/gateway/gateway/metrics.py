"""What the service counts. No label holds what a guest or a vendor can choose freely."""

from __future__ import annotations

import http

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from gateway.formats.wires import Wire

# What a vendor answers with is any three digits; only known ones are told apart.
_STATUSES = frozenset(status.value for status in http.HTTPStatus) | {499, 529}
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
NONE = "none"
# A second series for each one, which says no more than when the process began to count it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "gateway_requests",
            "Requests for models that came to an end, by the status that the guest saw.",
            ("wire", "provider", "status", "payer"),
            registry=registry,
        )
        self._in_flight = Gauge(
            "gateway_requests_in_flight", "Requests for models under way.", registry=registry
        )
        self._first_byte = Histogram(
            "gateway_first_byte_seconds",
            "From a request's head to the first byte of its answer's body.",
            ("wire", "provider"),
            registry=registry,
            buckets=_SECONDS,
        )
        self._duration = Histogram(
            "gateway_request_seconds",
            "From a request's head to the end of its answer.",
            ("wire", "provider"),
            registry=registry,
            buckets=_SECONDS,
        )
        self._settlements = Counter(
            "gateway_settlements",
            "Ends of requests that were written down, by how they ended and what was written.",
            ("ending", "result"),
            registry=registry,
        )
        self._swept = Counter(
            "gateway_holds_swept", "Holds that expired without an end.", registry=registry
        )
        self._away = Counter(
            "gateway_database_unavailable",
            "Times that the database could not be used, by who needed it.",
            ("by",),
            registry=registry,
        )
        self._fallbacks = Counter(
            "gateway_billing_fallbacks",
            "Times that who pays was not read, so that the deployment's default held.",
            registry=registry,
        )

    def text(self) -> bytes:
        """Return all of it in the text format of Prometheus."""
        return generate_latest(self._registry)

    def request_began(self) -> None:
        """Count a request that is under way from now on."""
        self._in_flight.inc()

    def request_ended(
        self,
        *,
        wire: Wire,
        provider: str,
        status: int | None,
        payer: str,
        seconds: float,
        first_byte: float | None,
    ) -> None:
        """Count a request that has ended; a status of None says that nobody saw an answer."""
        shown = NONE if status is None else str(status) if status in _STATUSES else "other"
        self._in_flight.dec()
        self._requests.labels(wire.value, provider, shown, payer).inc()
        self._duration.labels(wire.value, provider).observe(seconds)
        if first_byte is not None:
            self._first_byte.labels(wire.value, provider).observe(first_byte)

    def settled(self, ending: str, result: str) -> None:
        """Count an end that was written down."""
        self._settlements.labels(ending, result).inc()

    def swept(self, count: int) -> None:
        """Count holds that expired."""
        self._swept.inc(count)

    def database_away(self, by: str) -> None:
        """Count that something could not use the database."""
        self._away.labels(by).inc()

    def billing_fell_back(self) -> None:
        """Count that who pays could not be read."""
        self._fallbacks.inc()
