"""What the routes work with: built once when the process starts, closed when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from gateway.control_plane import ControlPlane, Patience
from gateway.keys.layers import deployed
from gateway.keys.stored_secrets import StoredSecrets
from gateway.metrics import Metrics
from gateway.modes.facade import FacadeMode
from gateway.modes.platform import PlatformMode
from gateway.modes.standalone import StandaloneMode
from gateway.settings import Settings
from gateway.spending.accounts import Accounts
from gateway.spending.admission import Admission
from gateway.spending.ledger import Ledger
from gateway.spending.limits import RateLimiter
from gateway.spending.price_table import PriceTable
from gateway.spending.prices import Prices
from gateway.spending.settlement import Settler
from gateway.storage.database import Database, DatabaseUnavailableError
from gateway.storage.vault import Vault
from gateway.tenancy.guests import Guests
from gateway.tenancy.sessions import Sessions
from gateway.tenancy.workspaces import Workspaces
from gateway.traffic.passage import Bounds
from gateway.traffic.transport import Transport
from gateway.traffic.turn import RequestMode

_LOG = structlog.get_logger(__name__)
_DRAIN_SECONDS = 20
# So long an answer waits for its report, which goes on without it.
_REPORT_PATIENCE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that outlives a request."""

    settings: Settings
    database: Database
    stored: StoredSecrets
    workspaces: Workspaces
    sessions: Sessions
    guests: Guests
    accounts: Accounts
    price_table: PriceTable
    transport: Transport
    admission: Admission
    direct: RequestMode
    metrics: Metrics

    @property
    def bounds(self) -> Bounds:
        """How much of a request and of an answer is taken."""
        return Bounds(body=self.settings.body_limit, answer=self.settings.answer_limit)

    def facade(self, session: str) -> RequestMode:
        """Return the mode of a request inside a session."""
        return FacadeMode(
            session=session,
            database=self.database,
            guests=self.guests,
            admission=self.admission,
        )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Services]:
    """Open the database and the connections, and close them when the process ends.

    What is still being settled at the end is waited for.
    """
    database = Database(settings.database_url)
    metrics = Metrics()
    settler = Settler(settings.settle_seconds, metrics)
    reporter = Settler(_REPORT_PATIENCE, metrics, strict=False)
    async with _transport(settings) as transport, _control_plane(settings) as plane:
        await database.migrate()
        services = _assembled(settings, database, settler, transport, metrics)
        if plane is not None:
            services = replace(services, direct=PlatformMode(plane=plane, settler=reporter))
        sweeping = asyncio.create_task(
            _sweep_again_and_again(services.admission.ledger, metrics, settings.sweep_seconds)
        )
        try:
            yield services
        finally:
            sweeping.cancel()
            left = await asyncio.gather(
                settler.drain(_DRAIN_SECONDS), reporter.drain(_DRAIN_SECONDS)
            )
            if any(left):
                _LOG.error("settlements_lost", count=sum(left))
            await services.admission.ledger.close()
            await database.close()


def _transport(settings: Settings) -> Transport:
    return Transport(
        connect=settings.connect_seconds,
        answer=settings.answer_seconds,
        silence=settings.silence_seconds,
    )


@asynccontextmanager
async def _control_plane(settings: Settings) -> AsyncIterator[ControlPlane | None]:
    if settings.mode != "platform" or settings.control_plane_url is None:
        yield None
        return
    patience = Patience(question=settings.control_plane_seconds, report=settings.report_seconds)
    async with ControlPlane(settings.control_plane_url, patience) as plane:
        yield plane


def _assembled(
    settings: Settings,
    database: Database,
    settler: Settler,
    transport: Transport,
    metrics: Metrics,
) -> Services:
    layers = deployed(settings)
    stored = StoredSecrets(Vault(settings.secret_keys.get_secret_value()))
    workspaces = Workspaces(database, stored, settings, metrics)
    accounts = Accounts(database)
    price_table = PriceTable(database)
    admission = Admission(
        ledger=Ledger(database, lifetime=timedelta(seconds=settings.hold_seconds)),
        limits=RateLimiter(database),
        prices=Prices(price_table),
        settler=settler,
        policy=settings.usage_policy,
        are_prices_required=settings.are_prices_required,
    )
    return Services(
        settings=settings,
        database=database,
        stored=stored,
        workspaces=workspaces,
        sessions=Sessions(database, stored, workspaces, layers, settings.public_url),
        guests=Guests(stored, layers, settings.default_billing_mode),
        accounts=accounts,
        price_table=price_table,
        transport=transport,
        admission=admission,
        metrics=metrics,
        direct=StandaloneMode(
            database=database,
            accounts=accounts,
            stored=stored,
            deployed=layers,
            admission=admission,
        ),
    )


async def _sweep_again_and_again(ledger: Ledger, metrics: Metrics, pause: float) -> None:
    while True:
        # In a task of its own, so that whatever it ends with, there is a next one.
        sweeping = asyncio.create_task(_sweep(ledger, metrics))
        await asyncio.wait({sweeping})
        if (error := sweeping.exception()) is not None:
            _LOG.error("sweep_failed", exc_info=error)
        await asyncio.sleep(pause)


async def _sweep(ledger: Ledger, metrics: Metrics) -> None:
    try:
        metrics.swept(await ledger.sweep())
    except DatabaseUnavailableError:
        metrics.database_away("sweep")
        _LOG.warning("sweep_waits")
