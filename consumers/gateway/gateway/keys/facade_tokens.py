"""The tokens of sessions at rest: issued, revoked, deleted with their run, and pruned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, update

from gateway.formats.wires import WireProtocol
from gateway.keys import tokens
from gateway.storage import moments
from gateway.storage.schema import facade_tokens

_REVOKED_KEPT = timedelta(hours=1)
_COLUMNS = facade_tokens.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a token opens. Its wire is None where both protocols are open to it."""

    session: str
    model: str
    provider: str
    wire: WireProtocol | None = None
    run: str | None = None
    expires_at: datetime | None = None


class FacadeTokens:
    """Issues tokens and ends them; only their digests are ever stored."""

    def __init__(self, clock: moments.Clock = moments.now) -> None:
        self._clock = clock

    def issue(self, connection: Connection, scope: Scope) -> str:
        """Return a new token of this scope; it is shown this once."""
        token = tokens.mint()
        hashed = tokens.digest(token)
        row = {
            "digest": hashed,
            "fingerprint": tokens.fingerprint(hashed),
            "session_id": scope.session,
            "wire": scope.wire,
            "model": scope.model,
            "provider": scope.provider,
            "run_id": scope.run,
            "issued_at": self._clock(),
            "expires_at": scope.expires_at,
        }
        connection.execute(insert(facade_tokens).values(**row))
        return token

    def revoke(self, connection: Connection, session: str) -> None:
        """Revoke all tokens of a session, those of its runs too."""
        change = update(facade_tokens).where(
            _COLUMNS.session_id == session, _COLUMNS.revoked_at.is_(None)
        )
        connection.execute(change.values(revoked_at=self._clock()))

    def end_run(self, connection: Connection, session: str, run: str) -> None:
        """Delete the tokens of a run of a session."""
        gone = delete(facade_tokens).where(_COLUMNS.session_id == session, _COLUMNS.run_id == run)
        connection.execute(gone)

    def prune(self, connection: Connection) -> None:
        """Delete the tokens, of any session, revoked for over an hour or expired."""
        now = self._clock()
        old = or_(_COLUMNS.revoked_at < now - _REVOKED_KEPT, _COLUMNS.expires_at < now)
        connection.execute(delete(facade_tokens).where(old))
