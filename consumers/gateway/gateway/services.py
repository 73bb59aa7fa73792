"""What the routes work with: built once when the process starts, closed when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from gateway.accounts import Accounts
from gateway.admission import Admission
from gateway.database import Database, DatabaseUnavailableError
from gateway.layers import PLATFORM_NAMES, Layer, deployed
from gateway.ledger import Ledger
from gateway.limits import RateLimiter
from gateway.modes.facade import FacadeMode
from gateway.modes.standalone import StandaloneMode
from gateway.passage import Bounds
from gateway.price_table import PriceTable
from gateway.prices import Prices
from gateway.sessions import Sessions
from gateway.settings import Settings
from gateway.settlement import Settler
from gateway.stored_secrets import StoredSecrets
from gateway.transport import Transport
from gateway.turn import RequestMode
from gateway.vault import Vault
from gateway.workspaces import Workspaces

_LOG = structlog.get_logger(__name__)
_SWEEP_SECONDS = 30
_DRAIN_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that outlives a request."""

    settings: Settings
    database: Database
    stored: StoredSecrets
    workspaces: Workspaces
    sessions: Sessions
    accounts: Accounts
    price_table: PriceTable
    transport: Transport
    admission: Admission
    deployed: tuple[Layer, Layer]
    direct: RequestMode

    @property
    def bounds(self) -> Bounds:
        """How much of a request and of an answer is taken."""
        return Bounds(body=self.settings.body_limit, answer=self.settings.answer_limit)

    def facade(self, session: str) -> RequestMode:
        """Return the mode of a request inside a session."""
        return FacadeMode(
            session=session,
            database=self.database,
            sessions=self.sessions,
            accounts=self.accounts,
            stored=self.stored,
            deployed=self.deployed,
            admission=self.admission,
        )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Services]:
    """Open the database and the connections, and close them when the process ends.

    What is still being settled at the end is waited for.
    """
    database = Database(settings.database_url)
    settler = Settler(settings.settle_seconds)
    transport = Transport(
        connect=settings.connect_seconds,
        answer=settings.answer_seconds,
        silence=settings.silence_seconds,
    )
    async with transport:
        await database.migrate()
        services = _assembled(settings, database, settler, transport)
        sweeping = asyncio.create_task(_sweep(services.admission.ledger))
        try:
            yield services
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            left = await settler.drain(_DRAIN_SECONDS)
            if left:
                _LOG.error("settlements_lost", count=left)
            await database.close()


def _assembled(
    settings: Settings, database: Database, settler: Settler, transport: Transport
) -> Services:
    layers = deployed(settings)
    stored = StoredSecrets(Vault(settings.secret_keys.get_secret_value()))
    workspaces = Workspaces(database, stored, settings)
    accounts = Accounts(database)
    price_table = PriceTable(database)
    admission = Admission(
        ledger=Ledger(database),
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
        sessions=Sessions(database, stored, workspaces, _platform(layers), settings.public_url),
        accounts=accounts,
        price_table=price_table,
        transport=transport,
        admission=admission,
        deployed=layers,
        direct=StandaloneMode(
            database=database,
            accounts=accounts,
            stored=stored,
            deployed=layers,
            admission=admission,
        ),
    )


def _platform(layers: tuple[Layer, Layer]) -> dict[str, str]:
    """Return the platform's own credential, from the most specific layer that has it."""
    values = {name: value for layer in reversed(layers) for name, value in layer.values.items()}
    return {name: value for name, value in values.items() if name in PLATFORM_NAMES}


async def _sweep(ledger: Ledger) -> None:
    while True:
        try:
            await ledger.sweep()
        except DatabaseUnavailableError:
            _LOG.warning("sweep_waits")
        await asyncio.sleep(_SWEEP_SECONDS)
