"""Platform claims: sums by hand, each order once, and what cannot be compared is refused."""

import math

import pandas as pd
import pytest

from siyu_helpers.analysis.attribution.platform_claims import claim_parts, claimed_against_orders, double_counting
from siyu_helpers.analysis.estimates import Refused

DAYS = pd.date_range("2024-01-01", "2024-01-31")


@pytest.fixture
def spend():
    parts = [pd.DataFrame({"date": DAYS, "channel": name, "spend": 5.0, "claimed_conversions": a_day})
             for name, a_day in (("feed", 2), ("search", 3))]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def orders():
    """100 orders in January, one of nobody known, and 7 in February."""
    at = [pd.Timestamp("2024-01-31 23:59")] * 50 + [pd.Timestamp("2024-01-01")] * 50 + [pd.Timestamp("2024-02-01")] * 7
    return pd.DataFrame({"ordered_at": at, "customer_id": [pd.NA, *range(106)]})


@pytest.fixture
def journeys():
    paths = [("feed", "search"), ("search",), ("wecom",), ("feed", "feed", "wecom")]
    table = pd.DataFrame({"path": paths, "conversions": [30, 20, 35, 10], "value": 0.0, "nulls": 5})
    table.attrs = {"conversions_of": "all_orders", "first_day": "2024-01-01", "last_day": "2024-01-31"}
    return table


def test_claims_beside_orders_by_hand(spend, orders, journeys):
    found = claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31", journeys, ["last", "linear"])
    by = found.set_index("channel")
    assert list(by.index) == ["search", "feed", "all"]
    assert by["claimed"].tolist() == [93, 62, 155]
    # Each order once: 30 + 20 for search, 30 + 10 for feed, and 30 + 20 + 10 for both together.
    assert by["touched"].tolist() == [50, 40, 60]
    assert by["credited_last"].tolist() == [50, 0, 50]
    assert by["credited_linear"].tolist() == pytest.approx([15 + 20, 15 + 20 / 3, 50 + 20 / 3])
    assert by.loc["all", "orders"] == 100
    assert by.loc["all", "claimed_per_order"] == 1.55
    assert by.loc["all", "claimed_per_touched"] == pytest.approx(155 / 60)
    assert by.loc["search", "claimed_per_credited"] == pytest.approx(93 / 50)
    assert math.isnan(by.loc["feed", "claimed_per_credited"])  # credited with nothing
    assert by.loc[["search", "feed"], "claimed_per_touched"].tolist() == pytest.approx([93 / 50, 62 / 40])
    assert by.loc[["search", "feed"], ["orders", "claimed_per_order"]].isna().all(axis=None)
    assert double_counting(found).value == 1.55
    assert double_counting(found, "touched").value == pytest.approx(155 / 60)
    assert (double_counting(found).unit, double_counting(found).n, double_counting(found).is_exact) == (
        "times",
        100,
        True,
    )


def test_the_excess_falls_into_two_parts(spend, orders, journeys):
    """By hand: 50 + 40 orders touched by each, 60 by any; 155 claimed. 90 / 60 x 155 / 90 is 155 / 60."""
    claims = claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31", journeys)
    parts = claim_parts(claims)
    assert parts["doubled"].value == pytest.approx(90 / 60)
    assert parts["beyond"].value == pytest.approx(155 / 90)
    assert parts["doubled"].value * parts["beyond"].value == pytest.approx(double_counting(claims, "touched").value)
    assert [(part.n, part.unit, part.is_exact) for part in parts.values()] == [(60, "times", True), (90, "times", True)]


def test_parts_are_refused_where_nothing_can_be_compared(spend, orders, journeys):
    for claims in (
        claimed_against_orders(spend.drop(columns="claimed_conversions"), orders, "2024-01-01", "2024-01-31"),
        claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31"),
        claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31", journeys.assign(conversions=0)),
    ):
        assert {type(part) for part in claim_parts(claims).values()} == {Refused}


def test_without_journeys_totals_are_compared(spend, orders):
    found = claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31")
    assert double_counting(found).value == 1.55
    assert isinstance(double_counting(found, "touched"), Refused)


def test_only_the_days_asked_for_count(spend, orders):
    found = claimed_against_orders(spend, orders, "2024-01-01", "2024-01-10").set_index("channel")
    assert found["claimed"].tolist() == [30, 20, 50]
    assert found.loc["all", "orders"] == 50


def test_blank_claims_are_counted_not_taken_for_none(spend, orders):
    spend["claimed_conversions"] = spend["claimed_conversions"].astype("Int64")
    spend.loc[spend["date"] < "2024-01-11", "claimed_conversions"] = pd.NA
    found = claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31")
    assert found.attrs["blank_rows"] == 20
    assert found["claimed"].tolist() == [63, 42, 105]


@pytest.mark.parametrize("column", ["absent", "blank"])
def test_a_spend_table_without_claims_is_refused(column, spend, orders):
    spend = spend.drop(columns="claimed_conversions") if column == "absent" else spend.assign(claimed_conversions=None)
    if column == "blank":
        spend["claimed_conversions"] = spend["claimed_conversions"].astype(float)
    found = claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31")
    assert isinstance(found, Refused)
    assert double_counting(found) is found


def test_journeys_of_other_days_or_of_new_customers_are_refused(spend, orders, journeys):
    with pytest.raises(ValueError, match="make them of the same days"):
        claimed_against_orders(spend, orders, "2024-01-01", "2024-01-15", journeys)
    journeys.attrs["conversions_of"] = "new_customers"
    with pytest.raises(ValueError, match="journeys of all orders"):
        claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31", journeys)


def test_monthly_claims_are_not_cut(orders):
    spend = pd.DataFrame({"date": [DAYS[0]], "channel": "feed", "spend": 5.0, "claimed_conversions": [80]})
    assert double_counting(claimed_against_orders(spend, orders, "2024-01-01", "2024-01-31")).value == 0.8
    with pytest.raises(ValueError, match="by month"):
        claimed_against_orders(spend, orders, "2024-01-01", "2024-01-15")


def test_no_orders_at_all(spend, orders):
    assert isinstance(double_counting(claimed_against_orders(spend, orders[:0], "2024-01-01", "2024-01-31")), Refused)


def test_claims_below_zero_and_a_channel_with_the_name_of_the_sum_are_refused():
    day = pd.Timestamp("2024-01-11")
    spend = pd.DataFrame({"date": [day], "channel": ["feed"], "claimed_conversions": [-1.0]})
    orders = pd.DataFrame({"ordered_at": [day]})
    with pytest.raises(ValueError, match="claimed_conversions is negative in 1 rows"):
        claimed_against_orders(spend, orders, day, day)
    spend = spend.assign(channel="all", claimed_conversions=1.0)
    with pytest.raises(ValueError, match="a channel is called 'all'"):
        claimed_against_orders(spend, orders, day, day)
