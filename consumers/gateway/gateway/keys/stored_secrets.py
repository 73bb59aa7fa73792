"""Secrets at rest: global ones, those of a workspace, and those of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    insert,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.refusals import Code, Refusal
from gateway.storage import moments
from gateway.storage.schema import session_secrets, stored_secrets, workspace_secrets
from gateway.storage.vault import SealBrokenError, Vault

_LOG = structlog.get_logger(__name__)
_GLOBAL, _SESSION, _WORKSPACE = "stored", "session_id", "workspace_id"

# One statement: of two who store a secret at once, both succeed and one of them stays.
_UPSERTS = {
    dialect: statement.on_conflict_do_update(
        index_elements=[stored_secrets.c.name],
        set_={
            "ciphertext": statement.excluded.ciphertext,
            "updated_at": statement.excluded.updated_at,
        },
    )
    for dialect, statement in (
        ("sqlite", sqlite.insert(stored_secrets)),
        ("postgresql", postgresql.insert(stored_secrets)),
    )
}
# All that decides a guest's request, in one journey: of the workspace only names count.
_OF_GUEST = union_all(
    select(literal(_GLOBAL).label("place"), stored_secrets.c.name, stored_secrets.c.ciphertext),
    select(literal(_SESSION), session_secrets.c.name, session_secrets.c.ciphertext).where(
        session_secrets.c.session_id == bindparam("session")
    ),
    select(literal(_WORKSPACE), workspace_secrets.c.name, null()).where(
        workspace_secrets.c.workspace_id == bindparam("workspace")
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored for a guest: global values, its session's, and its workspace's names."""

    stored: Mapping[str, str] = field(repr=False)
    own: Mapping[str, str] = field(repr=False)
    workspace_names: frozenset[str]


class StoredSecrets:
    """Writes values sealed and reads them for decisions; nothing gives them back to a caller.

    Whatever opens a value raises Refusal (500) where no key of the vault opens it.
    """

    def __init__(self, vault: Vault, clock: moments.Clock = moments.now) -> None:
        self._vault = vault
        self._clock = clock

    def put(self, connection: Connection, name: str, value: str) -> None:
        """Store a global secret in place of the one of that name, if any."""
        sealed = self._vault.seal(value, f"{_GLOBAL}/{name}")
        row = {"name": name, "ciphertext": sealed, "updated_at": self._clock()}
        connection.execute(_UPSERTS[connection.dialect.name], row)

    def remove(self, connection: Connection, name: str) -> bool:
        """Remove a global secret; return whether there was one."""
        gone = delete(stored_secrets).where(stored_secrets.c.name == name)
        return connection.execute(gone).rowcount > 0

    def names(self, connection: Connection) -> frozenset[str]:
        """Return the names of the global secrets."""
        return frozenset(connection.execute(select(stored_secrets.c.name)).scalars())

    def values(self, connection: Connection) -> dict[str, str]:
        """Return the global secrets, opened."""
        query = select(stored_secrets.c.name, stored_secrets.c.ciphertext)
        rows = connection.execute(query).all()
        return {name: self._open(sealed, f"{_GLOBAL}/{name}") for name, sealed in rows}

    def put_of_workspace(
        self, connection: Connection, workspace: str, values: Mapping[str, str]
    ) -> None:
        """Store the secrets that a workspace was created with."""
        self._put_of(connection, workspace_secrets, _WORKSPACE, workspace, values)

    def names_of_workspaces(
        self, connection: Connection, workspaces: list[str]
    ) -> dict[str, frozenset[str]]:
        """Return the names of the secrets of each of these workspaces that has any."""
        columns = workspace_secrets.c
        query = select(columns.workspace_id, columns.name).where(
            columns.workspace_id.in_(workspaces)
        )
        found: dict[str, set[str]] = {}
        for workspace, name in connection.execute(query):
            found.setdefault(workspace, set()).add(name)
        return {workspace: frozenset(names) for workspace, names in found.items()}

    def of_workspace(self, connection: Connection, workspace: str) -> dict[str, str]:
        """Return a workspace's own secrets, opened."""
        return self._of(connection, workspace_secrets, _WORKSPACE, workspace)

    def put_of_session(
        self, connection: Connection, session: str, values: Mapping[str, str]
    ) -> None:
        """Store a session's variables in place of those that it had."""
        connection.execute(delete(session_secrets).where(session_secrets.c.session_id == session))
        self._put_of(connection, session_secrets, _SESSION, session, values)

    def of_session(self, connection: Connection, session: str) -> dict[str, str]:
        """Return a session's variables, opened."""
        return self._of(connection, session_secrets, _SESSION, session)

    def of_guest(self, connection: Connection, session: str, workspace: str) -> Known:
        """Return what a guest's request is decided on, in one statement."""
        values: dict[str, dict[str, str]] = {_GLOBAL: {}, _SESSION: {}}
        owners = {_GLOBAL: _GLOBAL, _SESSION: f"{_SESSION}/{session}"}
        names: set[str] = set()
        rows = connection.execute(_OF_GUEST, {"session": session, "workspace": workspace})
        for place, name, sealed in rows:
            if place == _WORKSPACE:
                names.add(name)
            else:
                values[place][name] = self._open(sealed, f"{owners[place]}/{name}")
        return Known(stored=values[_GLOBAL], own=values[_SESSION], workspace_names=frozenset(names))

    def _put_of(
        self,
        connection: Connection,
        table: Table,
        column: str,
        owner: str,
        values: Mapping[str, str],
    ) -> None:
        rows = [
            {
                column: owner,
                "name": name,
                "ciphertext": self._vault.seal(value, f"{column}/{owner}/{name}"),
            }
            for name, value in values.items()
        ]
        if rows:
            connection.execute(insert(table), rows)

    def _of(self, connection: Connection, table: Table, column: str, owner: str) -> dict[str, str]:
        query = select(table.c.name, table.c.ciphertext).where(table.c[column] == owner)
        rows = connection.execute(query).all()
        return {name: self._open(kept, f"{column}/{owner}/{name}") for name, kept in rows}

    def _open(self, sealed: bytes, place: str) -> str:
        try:
            return self._vault.open(sealed, place)
        except SealBrokenError:
            _LOG.error("secret_unreadable", place=place)
            message = "A stored secret cannot be opened with the keys of this deployment."
            raise Refusal(500, Code.SECRET_UNREADABLE, message) from None
