from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, insert, select
from sqlalchemy.exc import StatementError

from gateway.storage.money import (
    MAX_AMOUNT,
    AmountError,
    Money,
    amount_text,
    clamped,
    parse_amount,
    rounded,
)

D = Decimal
AMOUNTS = Table("amounts", MetaData(), Column("amount", Money))
amounts = st.decimals(-MAX_AMOUNT, MAX_AMOUNT, places=10)


@pytest.fixture
def kept() -> Iterator[Connection]:
    with create_engine("sqlite://").connect() as connection:
        AMOUNTS.create(connection)
        yield connection


@pytest.mark.parametrize(
    ("exact", "near"),
    [
        ("0.00000000005", "0"),
        ("0.00000000015", "0.0000000002"),
        ("0.00000000025", "0.0000000002"),
        ("0.000000000250000000000000000000000000000001", "0.0000000003"),
        ("-0.00000000015", "-0.0000000002"),
        ("1e-50", "0"),
        ("299999999.99999999994", "299999999.9999999999"),
        ("300000000", "300000000"),
        ("-300000000", "-300000000"),
    ],
)
def test_amounts_are_rounded_half_to_even_at_ten_places(exact: str, near: str) -> None:
    assert rounded(D(exact)) == D(near)


@pytest.mark.parametrize(
    "amount", [D("NaN"), D("Infinity"), D("300000000.0000000001"), D("-1e40"), 0.1, 1, None, "1"]
)
def test_what_is_no_amount_is_refused_and_never_stored(amount: Decimal) -> None:
    with pytest.raises(AmountError):
        rounded(amount)


def test_an_amount_out_of_range_never_reaches_the_database(kept: Connection) -> None:
    with pytest.raises(StatementError, match="an amount lies between"):
        kept.execute(insert(AMOUNTS).values(amount=D("1e12")))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.000250", "0.00025"),
        ("10", "10"),
        (" 7.5 ", "7.5"),
        ("1e3", "1000"),
        ("-2", "-2"),
        ("0.00000000005", "0"),
    ],
)
def test_texts_are_read_as_amounts(text: str, amount: str) -> None:
    assert parse_amount(text) == D(amount)


@pytest.mark.parametrize(
    "text", ["", "ten", "1,5", "NaN", "sNaN", "inf", "1e999999999", "0x10", "9" * 100_000, "$1"]
)
def test_texts_that_say_no_amount_are_refused(text: str) -> None:
    with pytest.raises(AmountError):
        parse_amount(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.00025", "0.000250"),
        ("0", "0.000000"),
        ("-0", "0.000000"),
        ("7.5", "7.500000"),
        ("1E+3", "1000.000000"),
        ("0.0000000001", "0.0000000001"),
        ("0.12345670", "0.1234567"),
        ("-0.5", "-0.500000"),
    ],
)
def test_amounts_are_written_in_plain_digits_with_six_places_or_more(
    amount: str, text: str
) -> None:
    assert amount_text(D(amount)) == text


@given(amounts)
def test_what_is_written_reads_as_the_same_amount(amount: Decimal) -> None:
    assert parse_amount(amount_text(amount)) == amount


@given(amounts)
def test_what_is_stored_is_a_whole_number_and_comes_back_as_it_was(amount: Decimal) -> None:
    with create_engine("sqlite://").connect() as connection:
        AMOUNTS.create(connection)
        connection.execute(insert(AMOUNTS).values(amount=amount))
        back = connection.execute(select(AMOUNTS)).scalar_one()
        number = connection.exec_driver_sql("SELECT amount FROM amounts").scalar_one()

    assert back == amount
    assert (type(number), number) == (int, amount * 10**10)


@pytest.mark.parametrize(
    ("amount", "near"),
    [("-1", "0"), ("1e40", "300000000"), ("5", "5"), ("Infinity", "300000000")],
)
def test_clamping_keeps_amounts_between_nothing_and_the_most(amount: str, near: str) -> None:
    assert clamped(D(amount)) == D(near)


def test_what_is_not_a_number_cannot_be_clamped() -> None:
    with pytest.raises(AmountError):
        clamped(D("NaN"))
