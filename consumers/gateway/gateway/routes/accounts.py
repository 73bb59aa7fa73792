"""Users, the keys that speak for them, prices, and the log of requests."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Query

from gateway.refusals import Code, Refusal
from gateway.routes.access import Serving, admin_router
from gateway.routes.account_shapes import (
    KeyMinted,
    KeyShown,
    KeyWanted,
    ModelName,
    PriceSet,
    ProviderName,
    RequestPage,
    RequestShown,
    UserChanged,
    UserName,
    UserShown,
    UserWanted,
)
from gateway.routes.answers import administrators
from gateway.services import Services
from gateway.spending import request_log
from gateway.spending.accounts import ApiKey, User, UserChange, UserExistsError
from gateway.spending.ledger import UnknownUserError
from gateway.spending.price_table import SetPrice
from gateway.storage.money import amount_text, parse_amount

Named = Annotated[UserName, Path()]
Limit = Annotated[int, Query(ge=1, le=500)]

router = admin_router()


@router.post(
    "/users", status_code=201, tags=["users"], responses=administrators((409, Code.USER_EXISTS))
)
async def create_user(wanted: UserWanted, serving: Serving) -> UserShown:
    """Create a user with a budget of its own."""
    cap, limit = _amount(wanted.cap), wanted.requests_per_minute
    if "cap" not in wanted.model_fields_set:
        cap = serving.settings.default_cap
    if "requests_per_minute" not in wanted.model_fields_set:
        limit = serving.settings.requests_per_minute
    try:
        return _user(await serving.accounts.create_user(wanted.id, cap, limit))
    except UserExistsError:
        raise Refusal(409, Code.USER_EXISTS, "There is a user of that name.") from None


@router.get("/users", tags=["users"], responses=administrators())
async def list_users(
    serving: Serving,
    after: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = 100,
) -> list[UserShown]:
    """List users in the order of their names, from behind the name `after`."""
    return [_user(user) for user in await serving.accounts.users(after, limit)]


@router.get("/users/{user}", tags=["users"], responses=administrators((404, Code.NOT_FOUND)))
async def show_user(user: Named, serving: Serving) -> UserShown:
    """Show a user: the cap, what is spent, what is held."""
    return _user(await _found(serving, user))


@router.patch("/users/{user}", tags=["users"], responses=administrators((404, Code.NOT_FOUND)))
async def change_user(user: Named, changed: UserChanged, serving: Serving) -> UserShown:
    """Change a user's cap or limit, or block it; what is left out stays as it is."""
    given = {name: getattr(changed, name) for name in changed.model_fields_set}
    if "cap" in given:
        given["cap"] = _amount(changed.cap)
    try:
        return _user(await serving.accounts.change_user(user, UserChange(**given)))
    except UnknownUserError:
        raise _no_user() from None


@router.post(
    "/users/{user}/keys",
    status_code=201,
    tags=["users"],
    responses=administrators((404, Code.NOT_FOUND)),
)
async def mint_key(user: Named, wanted: KeyWanted, serving: Serving) -> KeyMinted:
    """Mint a key that speaks for a user; it is shown this once."""
    seconds = wanted.expires_in
    expires = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
    try:
        minted = await serving.accounts.mint_key(user, expires)
    except UnknownUserError:
        raise _no_user() from None
    return KeyMinted(key=minted.secret, **_key(minted.key).model_dump())


@router.get("/users/{user}/keys", tags=["users"], responses=administrators((404, Code.NOT_FOUND)))
async def list_keys(user: Named, serving: Serving) -> list[KeyShown]:
    """List a user's keys by their fingerprints, the oldest first."""
    try:
        return [_key(key) for key in await serving.accounts.keys(user)]
    except UnknownUserError:
        raise _no_user() from None


@router.delete(
    "/users/{user}/keys/{fingerprint}",
    status_code=204,
    tags=["users"],
    responses=administrators((404, Code.NOT_FOUND)),
)
async def revoke_key(
    user: Named, fingerprint: Annotated[str, Path(max_length=100)], serving: Serving
) -> None:
    """Revoke a key: it opens nothing from now on."""
    if not await serving.accounts.revoke_key(user, fingerprint):
        raise Refusal(404, Code.NOT_FOUND, "There is no such key to revoke.")


@router.put("/prices", status_code=204, tags=["prices"], responses=administrators())
async def set_price(wanted: PriceSet, serving: Serving) -> None:
    """Set what a model costs here, in the place of an earlier price and of the public list."""
    price = SetPrice(
        model=wanted.model,
        provider=wanted.provider,
        input=parse_amount(wanted.input),
        output=parse_amount(wanted.output),
        cached=_amount(wanted.cached),
        cache_write=_amount(wanted.cache_write),
    )
    await serving.price_table.put(price)


@router.get("/prices", tags=["prices"], responses=administrators())
async def list_prices(serving: Serving) -> list[PriceSet]:
    """List the prices that were set here."""
    return [
        PriceSet(
            model=price.model,
            provider=price.provider,
            input=amount_text(price.input),
            output=amount_text(price.output),
            cached=_text(price.cached),
            cache_write=_text(price.cache_write),
        )
        for price in await serving.price_table.all()
    ]


@router.delete(
    "/prices", status_code=204, tags=["prices"], responses=administrators((404, Code.NOT_FOUND))
)
async def remove_price(
    serving: Serving,
    model: Annotated[ModelName, Query()],
    provider: Annotated[ProviderName, Query()] = "",
) -> None:
    """Remove a price, so that the public list holds again."""
    if not await serving.price_table.remove(model, provider):
        raise Refusal(404, Code.NOT_FOUND, "There is no such price.")


@router.get("/requests", tags=["requests"], responses=administrators((404, Code.NOT_FOUND)))
async def list_requests(
    serving: Serving,
    user: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 100,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> RequestPage:
    """List the log of requests, the newest first."""
    try:
        found = await request_log.page(serving.database, limit=limit, user=user, before=before)
    except request_log.UnknownRequestError:
        raise Refusal(404, Code.NOT_FOUND, "There is no such request.") from None
    shown = [RequestShown(**(asdict(one) | {"cost": _text(one.cost)})) for one in found]
    return RequestPage(requests=shown, next=found[-1].id if len(found) == limit else None)


async def _found(serving: Services, user: str) -> User:
    try:
        return await serving.accounts.user(user)
    except UnknownUserError:
        raise _no_user() from None


def _no_user() -> Refusal:
    return Refusal(404, Code.NOT_FOUND, "There is no such user.")


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else parse_amount(text)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else amount_text(amount)


def _user(user: User) -> UserShown:
    amounts = {"spend": amount_text(user.spend), "reserved": amount_text(user.reserved)}
    return UserShown(**(asdict(user) | amounts | {"cap": _text(user.cap)}))


def _key(key: ApiKey) -> KeyShown:
    return KeyShown(
        fingerprint=key.fingerprint,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )
