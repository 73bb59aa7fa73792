"""Amounts of dollars: decimals in Python, whole numbers of ten-billionths in the database."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

# Prices of a hundredth of a dollar for a million tokens stay whole numbers.
PLACES = 10
# Three amounts of this size still add up within 64 bits, whatever a statement adds.
MAX_AMOUNT = Decimal(300_000_000)

_UNIT = Decimal(1).scaleb(-PLACES)
# Wide enough for every amount there can be, so that rounding happens once.
_EXACT = Context(prec=64, rounding=ROUND_HALF_EVEN)
# Nobody means a longer text than that, and parsing it would cost time.
_MAX_TEXT = 64


class AmountError(ValueError):
    """A value is no amount of money, or one that is out of range."""


def rounded(amount: Decimal) -> Decimal:
    """Return the amount as the database keeps it, rounded half to even at ten places.

    Every amount is rounded on its own, before it is added to another: sums are exact.
    Raises AmountError for what is no finite decimal, or beyond `MAX_AMOUNT` either way.
    """
    if not isinstance(amount, Decimal):
        raise AmountError(f"an amount is a decimal, not a {type(amount).__name__}")
    if amount.is_nan() or not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
        raise AmountError(f"an amount lies between -{MAX_AMOUNT} and {MAX_AMOUNT} dollars")
    # Adding nothing makes an ordinary zero of a negative one.
    return _EXACT.add(amount.quantize(_UNIT, context=_EXACT), 0)


def clamped(amount: Decimal) -> Decimal:
    """Return the amount rounded, or the nearer end of 0 to `MAX_AMOUNT` when outside.

    Raises AmountError for what is not a number.
    """
    if amount.is_nan():
        raise AmountError("an amount is a number")
    return rounded(min(max(amount, Decimal(0)), MAX_AMOUNT))


def parse_amount(text: str) -> Decimal:
    """Return the amount that a text like `0.000250` says; raises AmountError."""
    try:
        return rounded(Decimal(text if len(text) <= _MAX_TEXT else ""))
    except InvalidOperation:
        raise AmountError("an amount is written like 12.50") from None


def amount_text(amount: Decimal) -> str:
    """Return the amount in plain digits, with six places or as many more as it needs."""
    whole, _, places = f"{rounded(amount):f}".partition(".")
    return f"{whole}.{places[:6]}{places[6:].rstrip('0')}"


class Money(TypeDecorator[Decimal]):
    """A column of dollars: a decimal in Python, a count of ten-billionths in the database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return the whole number that is stored; raises AmountError."""
        return None if value is None else int(rounded(value).scaleb(PLACES, _EXACT))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        """Return the decimal that a stored number stands for."""
        return None if value is None else Decimal(value).scaleb(-PLACES, _EXACT)
