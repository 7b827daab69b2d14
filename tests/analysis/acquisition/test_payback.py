"""Payback by hand arithmetic, and on an invented brand against its raw tables."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_logs import LOGS, random_log

from siyu_helpers.analysis.acquisition import costs as cost_tables
from siyu_helpers.analysis.acquisition.acquired_value import acquired_value
from siyu_helpers.analysis.acquisition.payback import (
    PAYBACK_COLUMNS,
    SUMMARY_COLUMNS,
    affordable_cac,
    headroom,
    ltv_to_cac,
    payback,
    payback_month,
    payback_summary,
)
from siyu_helpers.analysis.estimates import Estimate, Refused, mean_per_customer

UNTIL = "2024-12-31"
STEPS = (30, 60, 90)


def brand(rows, until=UNTIL):
    """Rows (month, channel, customers, spend, contribution in each 30 days of all of them) -> values, costs.

    Amounts vary a little between customers, so that there is an interval, and add up to what is said.
    """
    orders, first_id = [], 0
    for month, channel, n, _, steps in rows:
        ids = np.arange(first_id, first_id + n)
        first_id += n
        for step, money in enumerate(steps):
            day = pd.Timestamp(f"{month}-01") + pd.Timedelta(days=30 * step)
            each = money + 2.0 * (np.arange(n) % 2 * 2 - 1) * (n % 2 == 0)
            orders.append(pd.DataFrame({"customer_id": ids, "ordered_at": day, "amount": each}))
            orders[-1]["acquired_through"] = channel
    names = ["customer_id", "ordered_at", "amount", "acquired_through"]
    log = pd.concat(orders) if orders else pd.DataFrame(columns=names).astype({"ordered_at": "datetime64[ns]"})
    made = pd.DataFrame([row[:4] for row in rows], columns=["month", "channel", "new_customers", "spend"])
    return acquired_value(log.astype({"amount": float}), until, STEPS, gross_margin=1.0), made


TWO = [
    ("2024-01", "feed", 100, 3000.0, (20, 20, 20)),
    ("2024-02", "feed", 200, 6000.0, (20, 20, 20)),
    ("2024-01", "direct", 100, 0.0, (50, 0, 0)),
]


def test_sums_by_sums():
    """400 customers for 9,000: 22.50 each; feed brings 20 a step, direct 50 at once: 27.50, 42.50, 57.50."""
    table = payback(*brand(TWO))
    assert list(table.columns) == PAYBACK_COLUMNS
    assert table["contribution"].tolist() == pytest.approx([27.5, 42.5, 57.5])
    assert table["cac"].tolist() == [22.5] * 3
    assert table["net"].tolist() == pytest.approx([5, 20, 35])
    assert table["share_paid_back"].tolist() == pytest.approx([27.5 / 22.5, 42.5 / 22.5, 57.5 / 22.5])
    assert table["customers"].tolist() == [400] * 3
    assert table.loc[0, ["months", "first_month", "last_month", "spend"]].tolist() == [2, "2024-01", "2024-02", 9000.0]


def test_only_channels_with_spend():
    """300 customers for 9,000: 30 each, paid back by the second step."""
    table = payback(*brand(TWO), customers="paid")
    assert table["cac"].tolist() == [30.0] * 3
    assert table["net"].tolist() == pytest.approx([-10, 10, 30])
    found = payback_month(table)
    assert (found["months"].value, found["months"].unit, found["months"].n) == (2.0, "months", 300)
    assert isinstance(found["missing"], Refused)
    assert ltv_to_cac(table, 90).value == pytest.approx(2.0)
    assert affordable_cac(table, 90, target=3).value == pytest.approx(20.0)
    assert headroom(table, 90, target=3).value == pytest.approx(-10.0)


def test_a_channel_without_spend_has_no_ratio_and_no_month():
    table = payback(*brand(TWO), by="channel")
    direct = table[table["group"] == "direct"]
    assert direct["contribution"].tolist() == pytest.approx([50, 50, 50])
    assert direct[["cac", "net", "share_paid_back"]].isna().all(axis=None)
    for found in (
        ltv_to_cac(table, 90, "direct"),
        headroom(table, 90, 1.0, "direct"),
        payback_month(table, "direct")["months"],
    ):
        assert isinstance(found, Refused)
        assert found.gate == "spend"
        assert "direct" in found.reason_en
    assert affordable_cac(table, 90, group="direct").value == pytest.approx(50.0)
    assert ltv_to_cac(table, 90, "feed").value == pytest.approx(2.0)


def test_not_paid_back_says_what_is_missing():
    """30 a customer in 60 days against 100 spent."""
    values, costs = brand([("2024-01", "feed", 400, 40_000.0, (20, 10, 0))])
    found = payback_month(payback(values, costs))
    assert isinstance(found["months"], Refused)
    assert found["months"].seen == "30%"
    assert "Not paid back within 90 days" in found["months"].reason_en
    missing = found["missing"]
    assert missing.value == pytest.approx(70)
    assert missing.low < 70 < missing.high
    assert "inf" not in found["months"].reason_en


def test_an_end_that_is_not_reached_is_infinite():
    values, costs = brand([("2024-01", "feed", 100, 5000.0, (20, 20, 11))])
    months = payback_month(payback(values, costs))["months"]
    assert (months.value, months.high) == (3.0, math.inf)
    assert 1 <= months.low <= 3


def test_contribution_that_falls_again_counts_from_where_it_stays():
    """Covered by day 30, taken back by refunds in the second step, covered for good in the third."""
    values, costs = brand([("2024-01", "feed", 400, 12_000.0, (40, -20, 40))])
    table = payback(values, costs)
    assert table["net"].tolist() == pytest.approx([10, -10, 30])
    assert payback_month(table)["months"].value == 3.0


def test_cohorts_end_where_they_have_been_observed():
    rows = [("2024-05", "feed", 100, 3000.0, (20, 20, 20)), ("2024-11", "feed", 100, 2000.0, (30, 20, 20))]
    table = payback(*brand(rows), by="half")
    later = table[table["group"] == "2024-H2"]
    assert later["contribution"].notna().tolist() == [True, False, False]
    assert table.attrs["refused"]["2024-H2", 60].gate == "observed long enough"
    summary = payback_summary(table)
    assert list(summary.columns) == SUMMARY_COLUMNS
    assert summary["group"].tolist() == ["2024-H1", "2024-H2"]
    assert summary["payback_months"].tolist() == [2.0, 1.0]
    assert summary["within_days"].tolist() == [90, 30]
    assert summary["contribution"].tolist() == pytest.approx([60, 30])


def test_composition_never_changes_along_the_curve():
    """November's rich customers, not observed for 90 days, are in no row of the curve, not even the first."""
    rows = [("2024-05", "feed", 100, 3000.0, (20, 20, 20)), ("2024-11", "feed", 100, 9000.0, (900, 20, 20))]
    table = payback(*brand(rows))
    assert table["contribution"].tolist() == pytest.approx([20, 40, 60])
    assert table["cac"].tolist() == [30.0] * 3


def test_interval_of_contribution_is_near_the_bootstrap_over_customers():
    rng = np.random.default_rng(2)
    spend = rng.gamma(0.6, 80, 400)
    orders = pd.DataFrame({"customer_id": range(400), "ordered_at": pd.Timestamp("2024-01-05"), "amount": spend})
    costs = pd.DataFrame({"month": ["2024-01"], "channel": "unknown", "spend": 9000.0, "new_customers": 400})
    row = payback(acquired_value(orders, UNTIL, (30,), gross_margin=1.0), costs).iloc[0]
    other = mean_per_customer(orders["amount"].round(4))
    assert row["contribution"] == pytest.approx(other.value)
    width = other.high - other.low
    assert abs(row["contribution_low"] - other.low) < 0.05 * width
    assert abs(row["contribution_high"] - other.high) < 0.05 * width


def test_shuffled_rows_and_missing_months_change_nothing():
    values, costs = brand([*TWO, ("2024-04", "feed", 100, 3000.0, (20, 20, 20))])
    table = payback(values, costs, "channel")
    other = payback(values, costs.sample(frac=1, random_state=1), "channel")
    pd.testing.assert_frame_equal(table, other)
    assert table["months"].tolist() == [3] * 6


def test_spend_without_customers_counts():
    values, costs = brand(TWO)
    more = pd.DataFrame({"month": ["2024-03"], "channel": "live", "new_customers": 0, "spend": 1000.0})
    table = payback(values, pd.concat([costs, more]))
    assert table["cac"].tolist() == [25.0] * 3
    by_channel = payback(values, pd.concat([costs, more]), "channel")
    live = by_channel[by_channel["group"] == "live"]
    assert live["customers"].tolist() == [0] * 3
    assert live[["contribution", "cac", "net"]].isna().all(axis=None)
    assert by_channel.attrs["refused"]["live", 30].gate == "customers"


def test_refusals():
    values, costs = brand(TWO)
    unknown = acquired_value(
        pd.DataFrame({"customer_id": [1], "ordered_at": pd.Timestamp("2024-01-01"), "amount": 9.0}), UNTIL
    )
    assert payback(unknown, costs) is unknown
    assert payback_month(unknown)["months"] is unknown
    assert ltv_to_cac(unknown) is unknown
    assert payback_summary(unknown) is unknown
    assert payback(values, costs.assign(spend=0.0)).gate == "spend"
    assert payback(values, costs.iloc[:0]).gate == "spend"
    truncated = costs.assign(new_customers=pd.array([pd.NA] * 3, dtype="Int64"))
    assert payback(values, truncated).gate == "spend"
    few = payback(*brand([("2024-01", "feed", 40, 400.0, (20, 0, 0))]))
    assert few["contribution"].isna().all()
    assert few["cac"].tolist() == [10.0] * 3
    assert payback_month(few)["months"].gate == "customers"
    assert ltv_to_cac(few, 90).seen == 40
    nobody, none = brand([])
    spent_only = pd.DataFrame({"month": ["2024-01"], "channel": "feed", "spend": 50.0, "new_customers": 0})
    assert isinstance(payback(nobody, none), Refused)
    assert isinstance(payback(nobody, spent_only), Refused)


def test_wrong_calls():
    values, costs = brand(TWO)
    table = payback(values, costs, by="channel")
    with pytest.raises(ValueError, match="say which group"):
        payback_month(table)
    with pytest.raises(ValueError, match="no group 'sms'"):
        payback_month(table, "sms")
    with pytest.raises(ValueError, match="horizon of 45"):
        ltv_to_cac(table, 45, "feed")
    with pytest.raises(ValueError, match="target"):
        affordable_cac(table, 90, 0.0, "feed")
    with pytest.raises(ValueError, match="did you mean 'half'"):
        payback(values, costs, by="halves")
    with pytest.raises(ValueError, match="attrs"):
        payback_month(pd.DataFrame(table.to_dict("list")))


@pytest.fixture(scope="module")
def xiaoman():
    from siyu_helpers.data import brands

    try:
        return brands.load("xiaoman")
    except brands.UnknownBrandError:
        pytest.skip("make samples")


def test_an_invented_brand_against_its_raw_tables(xiaoman):
    """Tmall search: spend, customers and contribution added up from the tables themselves, with pandas."""
    until, told = xiaoman.observed_until, xiaoman.history
    costs = cost_tables.cost_table(xiaoman.scan("spend"), xiaoman.scan("orders"), until, **told)
    values = acquired_value(xiaoman.scan("orders"), until, (30, 365), xiaoman.config["gross_margin"], **told)
    assert values.attrs["contribution"] == "costs"
    table = payback(values, costs, by="channel")
    row = table[(table["group"] == "tmall_search") & (table["within_days"] == 365)].iloc[0]

    orders = xiaoman.table("orders").sort_values("ordered_at")
    first = orders.drop_duplicates("customer_id").set_index("customer_id")
    mine = first[(first["acquired_through"] == "tmall_search") & (first["ordered_at"] < "2025-01-01")]
    assert (row["first_month"], row["last_month"]) == ("2023-01", "2024-12")
    assert row["customers"] == len(mine)
    spend = xiaoman.table("spend")
    spent = spend.loc[(spend["channel"] == "tmall_search") & (spend["date"] < "2025-01-01"), "spend"].sum()
    assert row["spend"] == pytest.approx(spent, abs=0.01)
    theirs = orders[orders["customer_id"].isin(mine.index)]
    age = theirs["ordered_at"].dt.normalize() - theirs["customer_id"].map(mine["ordered_at"]).dt.normalize()
    theirs = theirs[age < pd.Timedelta(days=365)]
    earned = theirs["amount"] - theirs["refunded"].fillna(0) - theirs["cost"] - theirs["platform_fee"].fillna(0)
    assert row["contribution"] * len(mine) == pytest.approx(earned.sum(), abs=0.01)
    found = ltv_to_cac(table, 365, "tmall_search")
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(earned.sum() / spent)


HISTORIES = [
    {},
    {"observed_from": "2023-11-15"},
    {"history": "truncated", "observed_from": "2023-11-15", "burn_in_days": 40},
    {"history": "truncated", "observed_from": "2023-12-10", "dated": True},
]


@settings(max_examples=18, deadline=None)
@given(LOGS, st.sampled_from(HISTORIES), st.sampled_from([0, 20]))
def test_cost_table_and_values_always_count_the_same_customers(rows, told, lag):
    """Whatever the history and the lag: `payback` raises where they do not."""
    orders = random_log(rows).rename(columns={"sold_through": "acquired_through"})
    told = dict(told)
    if told.pop("dated", False):
        told["first_order_at"] = pd.DataFrame({"customer_id": [1], "first_order_at": pd.to_datetime(["2023-05-01"])})
    spend = pd.DataFrame({"date": pd.date_range("2023-11-01", "2024-06-30"), "channel": "True", "spend": 9.0})
    costs = cost_tables.cost_table(spend, orders, "2024-06-30", lag_days=lag, **told)
    values = acquired_value(orders, "2024-06-30", (1, 30, 60), gross_margin=0.5, lag_days=lag, **told)
    for by in (None, "channel", "half", "month"):
        table = payback(values, costs, by)
        assert isinstance(table, Refused) or not np.isinf(table.select_dtypes("number")).any(axis=None)
        assert isinstance(payback_summary(table), (Refused, pd.DataFrame))
    if isinstance(table, pd.DataFrame):
        assert table.drop_duplicates("group")["customers"].sum() <= orders["customer_id"].nunique()
