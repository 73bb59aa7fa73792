"""Users and the keys that speak for them."""

from __future__ import annotations

import enum
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.spending.ledger import UnknownUserError
from gateway.storage import moments
from gateway.storage.database import Database
from gateway.storage.moments import Moment
from gateway.storage.money import rounded
from gateway.storage.schema import api_keys, users

KEY_PREFIX = "gw_"
# 256 bits in hexadecimal.
KEY_DIGITS = 64
FINGERPRINT_DIGITS = 12
_KEY_LENGTH = len(KEY_PREFIX) + KEY_DIGITS


class UserExistsError(Exception):
    """There is a user of that name already."""


class Keep(enum.Enum):
    """That a field of a change stays as it is; `None` takes its value away."""

    KEEP = enum.auto()


KEEP: Literal[Keep.KEEP] = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who pays; without a cap or a limit as much as they like."""

    id: str
    cap: Decimal | None
    spend: Decimal
    reserved: Decimal
    is_blocked: bool
    requests_per_minute: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChange:
    """What to change of a user."""

    cap: Decimal | Keep | None = KEEP
    requests_per_minute: int | Keep | None = KEEP
    is_blocked: bool | Keep = KEEP

    def values(self) -> dict[str, object]:
        """Return the columns to set; raises AmountError."""
        fields = {
            "cap": rounded(self.cap) if isinstance(self.cap, Decimal) else self.cap,
            "requests_per_minute": self.requests_per_minute,
            "is_blocked": self.is_blocked,
        }
        return {name: value for name, value in fields.items() if value is not KEEP}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of a key: never the key."""

    fingerprint: str
    user: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MintedKey:
    """A key that was just made, shown this once."""

    secret: str = field(repr=False)
    key: ApiKey


def digest_of(secret: str) -> bytes:
    """Return what is stored in a key's place."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


_HOLDER = (
    select(users)
    .join(api_keys, api_keys.c.user_id == users.c.id)
    .where(
        api_keys.c.digest == bindparam("digest"),
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > bindparam("at", type_=Moment)),
    )
)
# One statement: two who make the same user at once must not both believe they did.
_CREATE = {
    "sqlite": sqlite.insert(users).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(users).on_conflict_do_nothing(),
}
_USER = select(users).where(users.c.id == bindparam("user"))
_USERS = select(users).where(users.c.id > bindparam("after")).order_by(users.c.id)
_KEYS = (
    select(api_keys)
    .where(api_keys.c.user_id == bindparam("user"))
    .order_by(api_keys.c.created_at, api_keys.c.digest)
)
_REVOKE = (
    update(api_keys)
    .where(
        api_keys.c.user_id == bindparam("user"),
        api_keys.c.fingerprint == bindparam("mark"),
        api_keys.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at", type_=Moment))
)


class Accounts:
    """Makes, finds and changes users and their keys; raises DatabaseUnavailableError."""

    def __init__(self, database: Database, clock: moments.Clock = moments.now) -> None:
        self._database = database
        self._clock = clock

    async def create_user(
        self, user: str, cap: Decimal | None = None, requests_per_minute: int | None = None
    ) -> User:
        """Make a user; raises UserExistsError, and AmountError for a cap out of range."""
        row = {
            "id": user,
            "cap": None if cap is None else rounded(cap),
            "requests_per_minute": requests_per_minute,
            "created_at": self._clock(),
        }
        return await self._database.write(lambda connection: _create(connection, row))

    async def user(self, user: str) -> User:
        """Return a user; raises UnknownUserError."""
        return await self._database.read(lambda connection: _user(connection, user))

    async def users(self, after: str = "", limit: int = 100) -> tuple[User, ...]:
        """Return users in the order of their names, from behind the name `after`."""
        statement = _USERS.limit(limit)
        rows = await self._database.read(
            lambda connection: connection.execute(statement, {"after": after}).all()
        )
        return tuple(User(**row._mapping) for row in rows)

    async def change_user(self, user: str, change: UserChange) -> User:
        """Change a user, and return what became of it; raises UnknownUserError, AmountError."""
        values = change.values()
        return await self._database.write(lambda connection: _change(connection, user, values))

    async def mint_key(self, user: str, expires_at: datetime | None = None) -> MintedKey:
        """Make a key that speaks for a user; raises UnknownUserError."""
        secret = KEY_PREFIX + secrets.token_hex(KEY_DIGITS // 2)
        digest = digest_of(secret)
        row = {
            "digest": digest,
            "fingerprint": digest.hex()[:FINGERPRINT_DIGITS],
            "user_id": user,
            "created_at": self._clock(),
            "expires_at": expires_at,
            "revoked_at": None,
        }
        await self._database.write(lambda connection: _store_key(connection, user, row))
        return MintedKey(secret=secret, key=_key(row))

    async def keys(self, user: str) -> tuple[ApiKey, ...]:
        """Return a user's keys, the oldest first; raises UnknownUserError."""
        return await self._database.read(lambda connection: _keys(connection, user))

    async def revoke_key(self, user: str, fingerprint: str) -> bool:
        """End a key of a user at once; return whether there was one to end."""
        values = {"user": user, "mark": fingerprint, "at": self._clock()}
        return await self._database.write(
            lambda connection: connection.execute(_REVOKE, values).rowcount > 0
        )

    async def holder(self, secret: str) -> User | None:
        """Return the user for whom a key speaks, or None: unknown, revoked or expired."""
        return await self._database.read(lambda connection: self.holder_on(connection, secret))

    def holder_on(self, connection: Connection, secret: str) -> User | None:
        """Return the same, for whoever reads more on the same connection."""
        if not secret.startswith(KEY_PREFIX) or len(secret) != _KEY_LENGTH:
            return None
        values = {"digest": digest_of(secret), "at": self._clock()}
        row = connection.execute(_HOLDER, values).first()
        return None if row is None else User(**row._mapping)


def _create(connection: Connection, row: Mapping[str, object]) -> User:
    made = connection.execute(_CREATE[connection.dialect.name], row).rowcount
    if made != 1:
        raise UserExistsError
    return _user(connection, str(row["id"]))


def _find(connection: Connection, user: str) -> Row[Any] | None:
    return connection.execute(_USER, {"user": user}).first()


def _user(connection: Connection, user: str) -> User:
    row = _find(connection, user)
    if row is None:
        raise UnknownUserError(user)
    return User(**row._mapping)


def _change(connection: Connection, user: str, values: Mapping[str, object]) -> User:
    if values:
        connection.execute(update(users).where(users.c.id == user).values(**values))
    return _user(connection, user)


def _store_key(connection: Connection, user: str, row: Mapping[str, object]) -> None:
    _user(connection, user)
    connection.execute(insert(api_keys), row)


def _keys(connection: Connection, user: str) -> tuple[ApiKey, ...]:
    _user(connection, user)
    rows = connection.execute(_KEYS, {"user": user}).all()
    return tuple(_key(row._mapping) for row in rows)


def _key(row: Mapping[Any, Any]) -> ApiKey:
    return ApiKey(
        fingerprint=row["fingerprint"],
        user=row["user_id"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
