"""Workspaces: which may be created, and who pays for one that exists."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import provider_registry as registry
import structlog
from provider_registry import Billing, BillingMode, Validation
from sqlalchemy import Connection, Row, insert, literal, select, tuple_, update

from gateway.keys.stored_secrets import StoredSecrets
from gateway.metrics import Metrics
from gateway.refusals import Code, Refusal
from gateway.settings import Settings
from gateway.storage.database import Database, DatabaseUnavailableError
from gateway.storage.moments import Moment
from gateway.storage.schema import users, workspaces
from gateway.storage.texts import StoredText, storable
from gateway.tenancy import pins

_LOG = structlog.get_logger(__name__)
MODES: tuple[BillingMode, ...] = ("platform_managed", "byok", "disabled")
_AGE = (workspaces.c.created_at, workspaces.c.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A workspace that someone asks for; `secrets` are variables and their values."""

    name: str
    runtime: str
    model: str
    user: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A workspace that exists. Its model is a pin."""

    id: str
    name: str
    runtime: str
    model: str
    user: str | None
    override: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new workspace, who pays for it, and whether its model is on nobody's list."""

    workspace: Workspace
    billing: Billing
    is_unregistered: bool


class Workspaces:
    """Creates workspaces and says who pays for them."""

    def __init__(
        self, database: Database, stored: StoredSecrets, settings: Settings, metrics: Metrics
    ) -> None:
        self._database = database
        self._stored = stored
        self._metrics = metrics
        self._policy = settings.model_policy
        self._default: BillingMode = settings.default_billing_mode

    async def create(self, wanted: Wanted) -> Created:
        """Create a workspace; raises Refusal (422), the model's before the credential's."""
        verdict = self._judged(wanted)
        model = verdict.model

        def insert_it(connection: Connection) -> tuple[Workspace, frozenset[str]]:
            names = frozenset(wanted.secrets) | self._stored.names(connection)
            missing = registry.missing_credentials(wanted.runtime, model, names)
            if missing is not None:
                raise pins.keyless(missing)
            _require_user(connection, wanted.user)
            workspace = self._insert(connection, wanted, model)
            self._stored.put_of_workspace(connection, workspace.id, wanted.secrets)
            return workspace, names

        workspace, names = await self._database.write(insert_it)
        if not verdict.is_allowed:
            _LOG.warning("model_unregistered", workspace=workspace.id, reason=verdict.message)
        billing = self._billing(workspace, names)
        return Created(workspace=workspace, billing=billing, is_unregistered=not verdict.is_allowed)

    def _judged(self, wanted: Wanted) -> Validation:
        verdict = registry.validate_model(wanted.runtime, wanted.model)
        if verdict.verdict == "empty":
            raise _model_required()
        if not verdict.is_allowed and self._policy == "reject":
            raise _unregistered(verdict)
        # A pin that is not stored as it is would be another model.
        if storable(verdict.model) != verdict.model:
            message = "The model holds a character that cannot be stored."
            raise Refusal(422, Code.INVALID_REQUEST, message, details={"field": "model"})
        return verdict

    def _insert(self, connection: Connection, wanted: Wanted, model: str) -> Workspace:
        made = Workspace(
            id=f"ws_{secrets.token_hex(12)}",
            name=wanted.name,
            runtime=wanted.runtime,
            model=model,
            user=wanted.user,
            override=None,
            created_at=datetime.now(UTC),
        )
        row = {
            "id": made.id,
            "name": made.name,
            "runtime": made.runtime,
            "model": made.model,
            "user_id": made.user,
            "billing_override": None,
            "created_at": made.created_at,
        }
        connection.execute(insert(workspaces).values(**row))
        return made

    async def page(self, limit: int, before: str | None) -> list[tuple[Workspace, Billing]]:
        """Return workspaces and who pays for each, the newest first.

        With `before` only those older than that one; raises Refusal (404) without it.
        """

        def read(connection: Connection) -> list[tuple[Workspace, Billing]]:
            query = select(workspaces).order_by(*(column.desc() for column in _AGE)).limit(limit)
            if before is not None:
                last = self.find(connection, before)
                age = literal(last.created_at, Moment), literal(last.id, StoredText)
                query = query.where(tuple_(*_AGE) < tuple_(*age))
            found = [_workspace(row) for row in connection.execute(query)]
            own = self._stored.names_of_workspaces(connection, [each.id for each in found])
            stored = self._stored.names(connection)
            return [
                (each, self._billing(each, stored.union(own.get(each.id, ())))) for each in found
            ]

        return await self._database.read(read)

    def find(self, connection: Connection, identity: str) -> Workspace:
        """Return a workspace; raises Refusal (404)."""
        query = select(workspaces).where(workspaces.c.id == identity)
        row = connection.execute(query).one_or_none()
        if row is None:
            raise Refusal(404, Code.NOT_FOUND, "There is no such workspace.")
        return _workspace(row)

    async def billing(self, identity: str) -> tuple[Billing, str | None]:
        """Return who pays, and the override; raises Refusal (404).

        A database that cannot be read gives the deployment's default, and a report of it.
        """

        def read(connection: Connection) -> tuple[Billing, str | None]:
            workspace = self.find(connection, identity)
            return self.billing_of(connection, workspace), workspace.override

        try:
            return await self._database.read(read)
        except DatabaseUnavailableError:
            _LOG.error("billing_mode_unread", workspace=identity, fallback=self._default)
            self._metrics.billing_fell_back()
            fallback = Billing(self._default, "constant_fallback", None)
            return fallback, None

    def billing_of(self, connection: Connection, workspace: Workspace) -> Billing:
        """Return who pays for a workspace that was read."""
        own = self._stored.names_of_workspaces(connection, [workspace.id])
        names = self._stored.names(connection).union(*own.values())
        return self._billing(workspace, names)

    def _billing(self, workspace: Workspace, names: frozenset[str]) -> Billing:
        return registry.resolve_billing_mode(
            workspace.runtime,
            workspace.model,
            names,
            override=workspace.override,
            default=self._default,
            pinned=True,
        )

    async def override(self, identity: str, mode: str | None) -> None:
        """Set or clear the override; raises Refusal (404, 422)."""
        if mode is not None and mode not in MODES:
            message = f"The override is one of {', '.join(MODES)}, or null to clear it."
            raise Refusal(422, Code.INVALID_REQUEST, message, details={"field": "override"})
        change = update(workspaces).where(workspaces.c.id == identity)
        change = change.values(billing_override=mode)
        done = await self._database.write(lambda connection: connection.execute(change).rowcount)
        if done == 0:
            raise Refusal(404, Code.NOT_FOUND, "There is no such workspace.")


def _workspace(row: Row[tuple[object, ...]]) -> Workspace:
    return Workspace(
        id=row.id,
        name=row.name,
        runtime=row.runtime,
        model=row.model,
        user=row.user_id,
        override=row.billing_override,
        created_at=row.created_at,
    )


def _require_user(connection: Connection, user: str | None) -> None:
    if user is None:
        return
    query = select(users.c.id).where(users.c.id == user)
    if connection.execute(query).one_or_none() is None:
        message = "There is no such user; POST /users makes one."
        raise Refusal(422, Code.INVALID_REQUEST, message, details={"field": "user"})


def _model_required() -> Refusal:
    message = "A workspace needs a model; GET /runtimes/RUNTIME/models lists them."
    return Refusal(422, Code.MODEL_REQUIRED, message, details={"field": "model"})


def _unregistered(verdict: Validation) -> Refusal:
    details = {
        "field": "model",
        "verdict": verdict.verdict,
        "suggestions": list(verdict.suggestions),
    }
    return Refusal(422, Code.UNREGISTERED_MODEL_FOR_RUNTIME, verdict.message, details=details)
