"""The tables of the gateway."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    false,
    text,
)

from gateway.storage.moments import Moment
from gateway.storage.money import Money
from gateway.storage.texts import StoredText


class HoldStatus(StrEnum):
    """Where a hold stands; it leaves `active` once and for all."""

    ACTIVE = "active"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


class SessionState(StrEnum):
    """Whether a session may still call vendors."""

    ACTIVE = "active"
    STOPPED = "stopped"


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _not_negative(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative")


# The range of `Money`. SQLite turns a sum beyond 64 bits into a float; this refuses it.
def _within_range(column: str) -> CheckConstraint:
    return CheckConstraint(
        f"{column} BETWEEN 0 AND 3000000000000000000", name=f"{column}_within_range"
    )


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", StoredText, primary_key=True),
    # Without a cap a user may spend without end.
    Column("cap", Money),
    Column("spend", Money, nullable=False, server_default=text("0")),
    Column("reserved", Money, nullable=False, server_default=text("0")),
    Column("is_blocked", Boolean, nullable=False, server_default=false()),
    Column("requests_per_minute", Integer),
    Column("created_at", Moment, nullable=False),
    _within_range("cap"),
    _within_range("spend"),
    _within_range("reserved"),
    _not_negative("requests_per_minute"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("fingerprint", StoredText, nullable=False),
    Column("user_id", StoredText, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("user_id", StoredText, ForeignKey("users.id"), nullable=False, index=True),
    Column("amount", Money, nullable=False),
    Column("status", StoredText, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    # Set by whoever ends the hold, once, an expired one's late end included.
    Column("settled_at", Moment),
    Column("cost", Money),
    _one_of("status", HoldStatus),
    _not_negative("amount"),
    _not_negative("cost"),
)
# The sweep looks for active ones only, and nearly all rows are not.
Index(
    "ix_reservations_active",
    reservations.c.expires_at,
    sqlite_where=reservations.c.status == "active",
    postgresql_where=reservations.c.status == "active",
)

# The log outlives what it speaks of, so it refers to nothing.
requests = Table(
    "requests",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("at", Moment, nullable=False, index=True),
    Column("user_id", StoredText),
    Column("session_id", StoredText),
    Column("wire", StoredText),
    Column("model", StoredText),
    Column("provider", StoredText),
    Column("status", Integer, nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("cost", Money),
    Column("payer", StoredText),
    Column("error", StoredText),
    Index("ix_requests_user_id_at", "user_id", "at"),
)

rate_windows = Table(
    "rate_windows",
    metadata,
    Column("user_id", StoredText, ForeignKey("users.id"), primary_key=True),
    Column("started_at", Moment, nullable=False),
    Column("count", Integer, nullable=False),
    _not_negative("count"),
)

# Dollars for a million tokens. The provider "" stands for any: in SQL two rows whose key
# holds a null would be two different keys.
prices = Table(
    "prices",
    metadata,
    Column("provider", StoredText, primary_key=True, server_default=text("''")),
    Column("model", StoredText, primary_key=True),
    Column("input", Money, nullable=False),
    Column("output", Money, nullable=False),
    Column("cached", Money),
    Column("cache_write", Money),
    Column("updated_at", Moment, nullable=False),
    _not_negative("input"),
    _not_negative("output"),
    _not_negative("cached"),
    _not_negative("cache_write"),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("name", StoredText, nullable=False),
    Column("runtime", StoredText, nullable=False),
    Column("model", StoredText, nullable=False),
    Column("user_id", StoredText, ForeignKey("users.id"), index=True),
    Column("billing_override", StoredText),
    Column("created_at", Moment, nullable=False),
)

stored_secrets = Table(
    "stored_secrets",
    metadata,
    Column("name", StoredText, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

workspace_secrets = Table(
    "workspace_secrets",
    metadata,
    Column(
        "workspace_id",
        StoredText,
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("name", StoredText, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("workspace_id", StoredText, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("runtime", StoredText, nullable=False),
    Column("model", StoredText, nullable=False),
    Column("provider", StoredText, nullable=False),
    Column("state", StoredText, nullable=False),
    Column("base_urls", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("stopped_at", Moment),
    _one_of("state", SessionState),
)

session_secrets = Table(
    "session_secrets",
    metadata,
    Column(
        "session_id", StoredText, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("name", StoredText, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
)

facade_tokens = Table(
    "facade_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("fingerprint", StoredText, nullable=False),
    Column(
        "session_id",
        StoredText,
        ForeignKey("sessions.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    # Null: any wire.
    Column("wire", StoredText),
    Column("model", StoredText, nullable=False),
    Column("provider", StoredText, nullable=False),
    Column("run_id", StoredText, index=True),
    Column("issued_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)
