from __future__ import annotations

import asyncio
import re
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.spending.accounts import (
    Accounts,
    MintedKey,
    User,
    UserChange,
    UserExistsError,
    digest_of,
)
from gateway.spending.ledger import BlockedUserError, Ledger, UnknownUserError
from gateway.storage.database import Database
from gateway.storage.money import AmountError

pytestmark = pytest.mark.anyio

START = datetime(2030, 1, 1, tzinfo=UTC)
D = Decimal


class SteppedClock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def accounts(database: Database, clock: SteppedClock) -> Accounts:
    return Accounts(database, clock)


async def test_a_user_is_kept_as_it_was_made(accounts: Accounts) -> None:
    made = await accounts.create_user("ann", cap=D("10.5"), requests_per_minute=60)

    assert await accounts.user("ann") == made
    assert made == User(
        id="ann",
        cap=D("10.5"),
        spend=D(0),
        reserved=D(0),
        is_blocked=False,
        requests_per_minute=60,
        created_at=START,
    )


async def test_without_more_said_a_user_has_neither_cap_nor_limit(accounts: Accounts) -> None:
    made = await accounts.create_user("ann")

    assert (made.cap, made.requests_per_minute) == (None, None)


async def test_a_name_is_given_once_also_when_many_ask_at_once(accounts: Accounts) -> None:
    outcomes = await asyncio.gather(
        *(accounts.create_user("ann", cap=D(number)) for number in range(10)),
        return_exceptions=True,
    )

    made = [outcome for outcome in outcomes if isinstance(outcome, User)]
    assert len(made) == 1
    assert sum(isinstance(outcome, UserExistsError) for outcome in outcomes) == 9
    assert await accounts.user("ann") == made[0]


@pytest.mark.parametrize("cap", [D("1e12"), D("NaN")])
async def test_a_cap_out_of_range_is_refused(accounts: Accounts, cap: Decimal) -> None:
    with pytest.raises(AmountError):
        await accounts.create_user("ann", cap=cap)
    await accounts.create_user("ann")
    with pytest.raises(AmountError):
        await accounts.change_user("ann", UserChange(cap=cap))


@pytest.mark.parametrize(
    ("change", "cap", "limit", "is_blocked"),
    [
        (UserChange(), D(10), 60, False),
        (UserChange(cap=D(20)), D(20), 60, False),
        (UserChange(cap=None), None, 60, False),
        (UserChange(requests_per_minute=None), D(10), None, False),
        (UserChange(requests_per_minute=5, is_blocked=True), D(10), 5, True),
    ],
)
async def test_a_change_changes_what_it_names_and_nothing_else(
    accounts: Accounts,
    change: UserChange,
    cap: Decimal | None,
    limit: int | None,
    is_blocked: bool,
) -> None:
    await accounts.create_user("ann", cap=D(10), requests_per_minute=60)
    await accounts.create_user("bob", cap=D(1))

    changed = await accounts.change_user("ann", change)

    assert (changed.cap, changed.requests_per_minute, changed.is_blocked) == (
        cap,
        limit,
        is_blocked,
    )
    assert await accounts.user("ann") == changed
    assert (await accounts.user("bob")).cap == D(1)


async def test_a_blocked_user_gets_no_hold_until_unblocked(
    accounts: Accounts, database: Database
) -> None:
    await accounts.create_user("ann")
    ledger = Ledger(database)

    await accounts.change_user("ann", UserChange(is_blocked=True))
    with pytest.raises(BlockedUserError):
        await ledger.reserve("ann", D(1))
    await accounts.change_user("ann", UserChange(is_blocked=False))

    assert (await ledger.reserve("ann", D(1))).user == "ann"


async def test_who_was_never_made_is_unknown_everywhere(accounts: Accounts) -> None:
    with pytest.raises(UnknownUserError):
        await accounts.user("nobody")
    with pytest.raises(UnknownUserError):
        await accounts.change_user("nobody", UserChange(cap=D(1)))
    with pytest.raises(UnknownUserError):
        await accounts.change_user("nobody", UserChange())
    with pytest.raises(UnknownUserError):
        await accounts.mint_key("nobody")
    with pytest.raises(UnknownUserError):
        await accounts.keys("nobody")
    assert not await accounts.revoke_key("nobody", "0" * 12)


async def test_users_are_listed_page_by_page_in_order_of_name(accounts: Accounts) -> None:
    for name in ("cat", "ann", "bob"):
        await accounts.create_user(name)

    first = await accounts.users(limit=2)
    rest = await accounts.users(after=first[-1].id, limit=2)

    assert [user.id for user in (*first, *rest)] == ["ann", "bob", "cat"]


async def test_a_key_speaks_for_its_user(accounts: Accounts) -> None:
    ann = await accounts.create_user("ann", cap=D(3))
    await accounts.create_user("bob")
    minted = await accounts.mint_key("ann")
    await accounts.mint_key("bob")

    assert await accounts.holder(minted.secret) == ann
    assert re.fullmatch("gw_[0-9a-f]{64}", minted.secret)
    assert minted.key.fingerprint == digest_of(minted.secret).hex()[:12]
    assert await accounts.keys("ann") == (minted.key,)


def changed(secret: str) -> tuple[str, ...]:
    other = "0" if secret[-1] != "0" else "1"
    return (
        "",
        "gw_",
        secret[:-1] + other,
        secret[:-1],
        secret + "0",
        secret.upper(),
        secret.removeprefix("gw_"),
        "gw_" + "\ud800" * 64,
        "gw_" + "0" * 63 + "\0",
    )


async def test_a_key_that_nobody_minted_speaks_for_nobody(accounts: Accounts) -> None:
    await accounts.create_user("ann")
    minted = await accounts.mint_key("ann")

    assert [await accounts.holder(other) for other in changed(minted.secret)] == [None] * 9


async def test_a_revoked_key_speaks_for_nobody_and_others_go_on(
    accounts: Accounts, clock: SteppedClock
) -> None:
    await accounts.create_user("ann")
    await accounts.create_user("bob")
    first, second = await accounts.mint_key("ann"), await accounts.mint_key("ann")
    clock.at += timedelta(hours=1)

    assert not await accounts.revoke_key("bob", first.key.fingerprint)
    assert await accounts.revoke_key("ann", first.key.fingerprint)
    assert not await accounts.revoke_key("ann", first.key.fingerprint)

    assert await accounts.holder(first.secret) is None
    assert await accounts.holder(second.secret) is not None
    revoked = {key.fingerprint: key.revoked_at for key in await accounts.keys("ann")}
    assert revoked == {first.key.fingerprint: clock.at, second.key.fingerprint: None}


async def test_a_key_speaks_until_its_time_is_over(accounts: Accounts, clock: SteppedClock) -> None:
    await accounts.create_user("ann")
    minted = await accounts.mint_key("ann", expires_at=START + timedelta(seconds=10))

    clock.at = START + timedelta(seconds=10) - timedelta(microseconds=1)
    assert await accounts.holder(minted.secret) is not None
    clock.at = START + timedelta(seconds=10)
    assert await accounts.holder(minted.secret) is None


@pytest.fixture
def key_file(tmp_path: Path, sqlite_template: Path) -> Path:
    path = tmp_path / "keys.db"
    shutil.copy(sqlite_template, path)
    return path


def bytes_beside(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


async def test_a_key_is_shown_to_whoever_made_it_and_to_nobody_else(key_file: Path) -> None:
    database = Database(f"sqlite:///{key_file}")
    accounts = Accounts(database)
    await accounts.create_user("ann")
    minted: MintedKey = await accounts.mint_key("ann")
    await accounts.holder(minted.secret)
    shown = f"{minted} {minted!r} {await accounts.keys('ann')!r}"
    stored = bytes_beside(key_file)
    await database.close()
    stored += bytes_beside(key_file)

    digits = minted.secret.removeprefix("gw_")
    assert digits not in shown
    assert digits.encode() not in stored
    assert bytes.fromhex(digits) not in stored
    assert digest_of(minted.secret) in stored
