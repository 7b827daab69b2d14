"""Numbers on the charts: blank stays blank, large ones are short, money names its currency."""

import math

import pytest

from siyu_helpers.reporting.charts import numerals


def test_a_blank_is_no_zero():
    assert numerals.number_text(math.nan, "money", "zh") == ""
    assert numerals.number_text(None, "share", "en") == ""
    assert numerals.number_text(0.0, "share", "en") == "0.0%"


def test_an_unreached_number_is_said_in_words():
    assert numerals.number_text(math.inf, "days", "en") == "not reached yet"


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (0, "0", "0"), (0.5, "0.5", "0.5"), (9999, "9,999", "9,999"), (25_000, "2.5万", "25k"),
        (-1_200_000, "-120万", "-1.2M"), (3e8, "3亿", "300M"), (2e9, "20亿", "2bn"),
    ],
)  # fmt: skip
def test_axes_are_short(value, zh, en):
    assert numerals.compact(value, "zh") == zh
    assert numerals.compact(value, "en") == en


def test_small_shares_on_an_axis_differ():
    ticks = [numerals.axis_text("share", "en", 0.03)(value, None) for value in (0.005, 0.01)]
    assert ticks == ["0.5%", "1.0%"]


def test_a_change_has_its_sign_and_no_change_has_none():
    assert numerals.signed_text(3, "customers", "en") == "+3 customers"
    assert numerals.signed_text(-3, "customers", "zh") == "-3 位客户"
    assert numerals.signed_text(0, "customers", "en") == "0 customers"


def test_money_names_its_currency():
    assert numerals.unit_words("money per customer", ("人均", "Each"), "SGD") == ("人均（SGD）", "Each (SGD)")
    assert numerals.unit_words("share", ("占比", "Share"), "SGD") == ("占比", "Share")
