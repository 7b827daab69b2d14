"""Values: what every kind of text becomes, and what is refused."""

import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.data import values
from siyu_helpers.data.contract import Column


def typed(texts: list, kind: str, zone: str = "Asia/Shanghai"):
    return values.typed(pl.Series("x", texts, dtype=pl.String), Column("x", kind, "", ""), zone)


def one(text: str, kind: str, zone: str = "Asia/Shanghai"):
    """The value of one text beside a plain one, or the words of its fault."""
    column, faults = typed([text], kind, zone)
    return faults[0].wrong if faults else column[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("12.50", 12.5), (".5", 0.5), ("¥12.5", 12.5), ("￥1,299.50", 1299.5), ("12元", 12), ("12.5 元", 12.5),
     ("CNY 12", 12), ("rmb12", 12), ("$1,234,567.89", 1234567.89), ("US$5", 5), ("12 USD", 12), ("-3", -3), ("+3", 3),
     ("0.123449", 0.1234)],
)  # fmt: skip
def test_money_is_read(text, value):
    assert one(text, "money") == value


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("nan", "finite"),
        ("NaN", "finite"),
        ("-Infinity", "finite"),
        ("1.299,00", "decimal mark"),
        ("12,5", "decimal mark"),
        ("1,29", "decimal mark"),
        ("1e5", "scientific"),
        ("1.2E+05", "scientific"),
        ("12.3.4", "not a number"),
        ("1,2345", "not a number"),
        ("free", "not a number"),
        ("12块", "not a number"),
        ("(5.00)", "not a number"),
        ("１２", "not a number"),
        ("499.00（系统计算中）", "not a number"),
        ("0x10", "not a number"),
        ("1_000", "not a number"),
        ("-", "not a number"),
        ("元", "not a number"),
    ],
)
def test_what_is_no_money_is_refused(text, wrong):
    assert wrong in one(text, "money")


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=5))
def test_four_decimals_are_kept_exactly(units):
    column, faults = typed([f"{unit // 10_000}.{unit % 10_000:04d}" for unit in units], "money")
    assert faults == []
    assert column.to_list() == [unit / 10_000 for unit in units]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-05", "2024-01-05"),
        ("2024/1/5", "2024-01-05"),
        ("2024-1-15 9:05", "2024-01-15 09:05"),
        ("2024/01/05 09:05:07", "2024-01-05 09:05:07"),
        ("2024-01-05T09:05:07.25", "2024-01-05 09:05:07.250"),
        ("2024-01-05T01:05:07Z", "2024-01-05 09:05:07"),
        ("2024-01-05 01:05:07+00:00", "2024-01-05 09:05:07"),
        ("2024-01-05 01:05:07.5 -0100", "2024-01-05 10:05:07.500"),
        ("2024-01-05T01:05Z", "2024-01-05 09:05"),
        ("1704067200000", "2024-01-01 08:00"),
        ("2024-02-29", "2024-02-29"),
    ],
)
def test_times_are_read(text, value):
    assert one(text, "time") == datetime.datetime.fromisoformat(value)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("2023-02-29", "calendar"),
        ("2024-13-01", "calendar"),
        ("2024-01-05 24:00", "calendar"),
        ("03/04/2024", "day first"),
        ("3-4-24", "day first"),
        ("31.12.2024", "day first"),
        ("45292.5", "Excel"),
        ("20240105", "without marks"),
        ("1704067200", "seconds"),
        ("2024-01-05 10:00:60", "not a date"),
        ("-2024-01-05", "not a date"),
        ("12024-01-05", "not a date"),
        ("2024-01-05 10", "not a date"),
        ("2024年1月5日", "not a date"),
        ("today", "not a date"),
    ],
)
def test_what_is_no_time_is_refused(text, wrong):
    assert wrong in one(text, "time")


def test_forms_may_be_mixed_in_one_column():
    column, faults = typed(["2024-01-05", None, "2024/1/6 9:05", "x", "1704067200000", "2024-01-07T00:00:00Z"], "time")
    assert [value and value.day for value in column] == [5, None, 6, None, 1, 7]
    assert [(fault.rows.to_list(), fault.column) for fault in faults] == [([3], "x")]


def test_days_and_months():
    assert one("2024-01-05", "day") == datetime.date(2024, 1, 5)
    assert one("2024/1/5 0:00", "day") == datetime.date(2024, 1, 5)
    assert "time of day" in one("2024-01-05 10:00", "day")
    assert one("2024-03", "month") == one("2024/3/1", "month") == datetime.date(2024, 3, 1)
    assert "first day" in one("2024-03-02", "month")


def test_counts_and_flags():
    assert one("1,200", "count") == 1200
    assert "whole" in one("1.5", "count")
    assert [one(text, "flag") for text in ("1", "TRUE", "是", "0", "No", "否")] == [True] * 3 + [False] * 3
    assert "neither" in one("2", "flag")


@pytest.mark.parametrize("text", ["13800138000", "+8613800138000", "tel:13800138000", "a@b.cn", "11010119900307123X"])
def test_text_columns_do_not_take_in_what_names_a_person(text):
    column, faults = typed(["shop", text], "text")
    assert column.to_list() == ["shop", None]
    assert faults[0].rows.to_list() == [1]


def test_an_ordinary_text_stays():
    assert typed(["抖音", "2024-01-05", "order 12345"], "text")[0].to_list() == ["抖音", "2024-01-05", "order 12345"]


@pytest.mark.parametrize(
    ("text", "value"),
    [('="123"', "123"), ("'0123", "0123"), ('"123"', "123"), ("12\u200b3", "123"), ("007", "007"), ("1E17", "1E17"),
     ("a.0b", "a.0b"), ("v1.0", "v1.0"), ("nancy", "nancy"), ("-12", "-12")],
)  # fmt: skip
def test_identifiers_are_cleaned(text, value):
    assert one(text, "id:customer") == value


@pytest.mark.parametrize(
    "text", ["1.23E+17", "5e+10", "123.0", "NULL", "None", "n/a", "-", "#N/A", "a*b", "##x", "$$x", "\\N"]
)
def test_damaged_identifiers_are_refused(text):
    column, faults = typed(["ok", text], "id:customer")
    assert column.to_list() == ["ok", None]
    assert faults[0].rows.to_list() == [1]


def test_a_mark_of_masking_is_allowed_in_an_order_number():
    assert one("A*1", "id:order") == "A*1"


def test_numbers_rounded_by_a_spreadsheet_are_refused():
    rounded = [f"{100000000000000 + k}000" for k in range(40)]
    assert "rounded" in typed(rounded, "id:order")[1][0].wrong
    assert typed([f"{100000000000000 + k}{k:03d}" for k in range(40)], "id:order")[1] == []


def test_money_has_no_negative_zero():
    assert str(typed(["-0"], "money")[0][0]) == "0.0"


@pytest.mark.parametrize(
    ("text", "currency", "fine"),
    [("$5", "CNY", False), ("5 USD", "CNY", False), ("￥5", "CNY", True), ("5元", "USD", False), ("¥5", "JPY", True),
     ("5", "USD", True), ("$5", "HKD", True), ("$5", None, True)],
)  # fmt: skip
def test_an_amount_in_another_currency_is_refused(text, currency, fine):
    amounts = pl.Series("x", [text, "1"])
    _, faults = values.typed(amounts, Column("x", "money", "", ""), "Asia/Shanghai", currency)
    assert [fault.rows.to_list() for fault in faults] == ([] if fine else [[0]])
