"""Secrets at rest: global ones, those of a workspace, and those of a session."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, delete, insert, select

from gateway.schema import session_secrets, stored_secrets, workspace_secrets
from gateway.vault import Vault


class StoredSecrets:
    """Writes values sealed and reads them for decisions; nothing gives them back to a caller."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def put(self, connection: Connection, name: str, value: str) -> bool:
        """Store a global secret; return whether it is new."""
        is_gone = self.remove(connection, name)
        sealed = self._vault.seal(value, f"stored/{name}")
        row = {"name": name, "ciphertext": sealed, "updated_at": datetime.now(UTC)}
        connection.execute(insert(stored_secrets).values(**row))
        return not is_gone

    def remove(self, connection: Connection, name: str) -> bool:
        """Remove a global secret; return whether there was one."""
        gone = delete(stored_secrets).where(stored_secrets.c.name == name)
        return (connection.execute(gone)).rowcount > 0

    def names(self, connection: Connection) -> frozenset[str]:
        """Return the names of the global secrets."""
        return frozenset((connection.execute(select(stored_secrets.c.name))).scalars())

    def values(self, connection: Connection) -> dict[str, str]:
        """Return the global secrets, opened."""
        query = select(stored_secrets.c.name, stored_secrets.c.ciphertext)
        rows = (connection.execute(query)).all()
        return {name: self._vault.open(sealed, f"stored/{name}") for name, sealed in rows}

    def put_of_workspace(
        self, connection: Connection, workspace: str, values: Mapping[str, str]
    ) -> None:
        """Store the secrets that a workspace was created with."""
        self._put_of(connection, workspace_secrets, "workspace_id", workspace, values)

    def of_workspace(self, connection: Connection, workspace: str) -> dict[str, str]:
        """Return a workspace's own secrets, opened."""
        return self._of(connection, workspace_secrets, "workspace_id", workspace)

    def put_of_session(
        self, connection: Connection, session: str, values: Mapping[str, str]
    ) -> None:
        """Store a session's variables in place of those that it had."""
        connection.execute(delete(session_secrets).where(session_secrets.c.session_id == session))
        self._put_of(connection, session_secrets, "session_id", session, values)

    def of_session(self, connection: Connection, session: str) -> dict[str, str]:
        """Return a session's variables, opened."""
        return self._of(connection, session_secrets, "session_id", session)

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
        rows = (connection.execute(query)).all()
        return {name: self._vault.open(kept, f"{column}/{owner}/{name}") for name, kept in rows}
