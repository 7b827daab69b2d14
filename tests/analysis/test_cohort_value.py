"""Cohort value against sums by hand, a plain recount of CDNOW, the mean of the same customers, and other engines."""

import numpy as np
import pandas as pd
import pytest
from order_logs import ENGINES

from siyu_helpers.analysis.cohort_value import VALUE_COLUMNS, revenue_per_customer, value_at, value_per_customer
from siyu_helpers.analysis.estimates import Estimate, Refused, mean_per_customer


@pytest.fixture(scope="module")
def two_channels():
    """150 customers from search, 120 from WeCom and 5 from notes; some return; costs are known."""
    rng = np.random.default_rng(4)
    first = pd.DataFrame({"customer_id": range(275), "day": rng.integers(0, 20, 275)})
    first["acquired_through"] = ["search"] * 150 + ["wecom"] * 120 + [None] * 5
    back = first.iloc[::3].assign(day=lambda f: f["day"] + rng.integers(1, 60, len(f)), acquired_through="sms")
    orders = pd.concat([first, back], ignore_index=True)
    orders["amount"] = rng.integers(1000, 9000, len(orders)) / 100
    orders["refunded"] = orders["amount"].where(orders.index % 9 == 0, 0.0)
    orders["cost"] = (orders["amount"] * 40).round() / 100
    orders["platform_fee"] = 0.5
    orders["ordered_at"] = pd.Timestamp("2024-01-01 10:00") + pd.to_timedelta(orders.pop("day"), "D")
    return orders


def recount(orders, until, days, money):
    """Plain pandas: the money of each customer who was observed long enough, by the channel of the first order."""
    first = orders.sort_values("ordered_at").drop_duplicates("customer_id").set_index("customer_id")
    since = (orders["ordered_at"] - orders["customer_id"].map(first["ordered_at"])).dt.days
    spend = money[since < days].groupby(orders["customer_id"]).sum()
    old = first[first["ordered_at"].dt.normalize() + pd.Timedelta(days=days - 1) <= pd.Timestamp(until)]
    return spend.reindex(old.index), old["acquired_through"].fillna("unknown")


@pytest.mark.parametrize("measure", ["revenue", "contribution"])
def test_value_by_origin_equals_a_recount(two_channels, measure):
    made = value_per_customer(two_channels, "2024-02-29", (7, 45), measure, by="acquired_through")
    net = two_channels["amount"] - two_channels["refunded"]
    money = net - two_channels["cost"] - two_channels["platform_fee"] if measure == "contribution" else net
    assert list(made.columns) == VALUE_COLUMNS
    assert made["group"].unique().tolist() == ["search", "unknown", "wecom"]
    for row in made.itertuples():
        spend, channel = recount(two_channels, "2024-02-29", row.within_days, money)
        mine = spend[channel == row.group]
        assert row.customers == len(mine)
        if row.group == "unknown":
            assert np.isnan([row.value, row.value_low, row.value_high]).all()
            assert "只有" in row.reason_zh
            assert isinstance(value_at(made, row.within_days, "unknown"), Refused)
        else:
            plain = mean_per_customer(mine)
            assert (row.value, row.value_low, row.value_high) == pytest.approx((plain.value, plain.low, plain.high))
            assert row.reason_en == ""


def test_one_number_carries_its_definition(two_channels):
    made = value_per_customer(two_channels, "2024-02-29", 45, "contribution", by="acquired_through")
    number = value_at(made, 45, "search")
    assert isinstance(number, Estimate)
    assert number.unit == "money per customer"
    assert "贡献毛利＝实付金额－退款－货品成本－平台扣费" in number.definition.zh
    assert "45 days" in number.definition.en
    assert number.function == "siyu_helpers.analysis.cohort_value.value_per_customer"
    half = value_per_customer(two_channels.drop(columns="cost"), "2024-02-29", 45, "contribution", gross_margin=0.5)
    assert "50.0%" in value_at(half, 45).definition.en
    revenue = value_per_customer(two_channels, "2024-02-29", 45)
    assert value_at(half, 45).value == pytest.approx(value_at(revenue, 45).value / 2)
    for asked in ((30, "search"), (45, "sms")):
        with pytest.raises(ValueError, match="the table has no group"):
            value_at(made, *asked)
    with pytest.raises(ValueError, match="lost its attrs"):
        value_at(
            made.merge(pd.DataFrame({"group": ["search"]})).pipe(lambda f: pd.DataFrame(f.to_dict())), 45, "search"
        )


def test_without_costs_and_margin_there_is_no_contribution(two_channels):
    refused = value_per_customer(two_channels.drop(columns="cost"), "2024-02-29", measure="contribution")
    assert isinstance(refused, Refused)
    assert refused.gate == "contribution"


def test_cohorts_are_groups_too(cdnow):
    made = value_per_customer(cdnow, "1998-06-30", (30, 365), by="cohort")
    assert made["group"].tolist() == ["1997-01"] * 2 + ["1997-02"] * 2 + ["1997-03"] * 2
    first = cdnow.groupby("customer_id")["ordered_at"].transform("min")
    year = cdnow[(cdnow["ordered_at"] - first).dt.days < 365]
    plain = year["amount"].groupby(first.dt.month).sum() / cdnow["customer_id"].groupby(first.dt.month).nunique()
    np.testing.assert_allclose(made.query("within_days == 365")["value"], plain)
    assert (made["value_low"] < made["value"]).all()
    assert (made["value"] < made["value_high"]).all()


def test_revenue_per_customer_is_one_row_of_it(cdnow):
    row = value_at(value_per_customer(cdnow, "1998-06-30", (30, 90)), 90)
    alone = revenue_per_customer(cdnow, "1998-06-30", 90)
    assert (alone.value, alone.low, alone.high, alone.n, alone.definition) == (
        row.value, row.low, row.high, row.n, row.definition,
    )  # fmt: skip
    assert alone.function == "siyu_helpers.analysis.cohort_value.revenue_per_customer"


@pytest.mark.parametrize("engine", ["polars", "polars lazy", "arrow", "duckdb", "ibis"])
def test_every_engine_gives_the_same_table(two_channels, engine):
    others = ENGINES[engine](two_channels.sample(frac=1, random_state=2))
    for options in ({"measure": "contribution", "by": "acquired_through"}, {"by": "cohort", "period": "week"}):
        made = value_per_customer(others, "2024-02-29", (7, 45), **options)
        pd.testing.assert_frame_equal(made, value_per_customer(two_channels, "2024-02-29", (7, 45), **options))


def test_before_all_orders_the_table_is_empty(two_channels):
    made = value_per_customer(two_channels, "2023-02-28")
    assert made.empty
    assert list(made.columns) == VALUE_COLUMNS
    assert isinstance(revenue_per_customer(two_channels, "2023-02-28"), Refused)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"within_days": 0}, "within_days"),
        ({"measure": "profit"}, "measure must be one of"),
        ({"period": "months"}, "did you mean 'month'"),
        ({"by": "acquired"}, "no column 'acquired'"),
        ({"level": 90}, "level"),
        ({"history": "truncated"}, "observed_from"),
    ],
)
def test_wrong_parameters_are_named(two_channels, options, message):
    with pytest.raises(ValueError, match=message):
        value_per_customer(two_channels, "2024-02-29", **options)


def test_an_order_without_amount_is_not_counted_as_free(two_channels):
    holed = two_channels.assign(amount=two_channels["amount"].where(two_channels.index != 3))
    with pytest.raises(ValueError, match="1 orders have no amount"):
        value_per_customer(holed, "2024-02-29")
