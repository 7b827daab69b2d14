"""Sums of contribution by month, channel and horizon, against customers added up one by one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from order_logs import ENGINES, LOGS, log, random_log

from siyu_helpers.analysis.acquisition.acquired_value import VALUE_COLUMNS, acquired_value
from siyu_helpers.analysis.cohort_value import value_per_customer
from siyu_helpers.analysis.estimates import Refused

UNTIL = "2024-06-30"


def by_hand(orders, within, until=UNTIL, margin=0.5, lag=0):
    """{(month, channel): (customers, contribution)} of what has been observed, by plain loops."""
    first, channel, sums = {}, {}, {}
    for row in orders.sort_values("ordered_at").itertuples():
        first.setdefault(row.customer_id, row.ordered_at.normalize())
        channel.setdefault(row.customer_id, row.acquired_through)
    for customer, day in first.items():
        mine = orders[orders["customer_id"] == customer]
        mine = mine[mine["ordered_at"].dt.normalize() < day + pd.Timedelta(days=within)]
        money = ((mine["amount"] - mine["refunded"]) * margin).sum()
        month = str((day - pd.Timedelta(days=lag)).to_period("M"))
        count, total, squares = sums.get((month, channel[customer]), (0, 0.0, 0.0))
        sums[month, channel[customer]] = (count + 1, total + money, squares + money**2)
    last = pd.Timestamp(until)
    return {
        key: sum_
        for key, sum_ in sums.items()
        if pd.Period(key[0]).end_time.normalize() + pd.Timedelta(days=within - 1 + lag) <= last
    }


@settings(max_examples=25, deadline=None)
@given(LOGS)
def test_sums_are_those_of_the_customers_one_by_one(rows):
    orders = random_log(rows).rename(columns={"sold_through": "acquired_through"})
    orders = orders.drop_duplicates(["customer_id", "ordered_at"])
    for lag in (0, 20):
        table = acquired_value(orders, UNTIL, (1, 30, 75), gross_margin=0.5, lag_days=lag)
        for within in (1, 30, 75):
            seen = table[(table["within_days"] == within) & table["contribution"].notna()]
            expected = by_hand(orders, within, lag=lag)
            assert set(zip(seen["month"], seen["channel"], strict=True)) == set(expected)
            for row in seen.itertuples():
                customers, money, squares = expected[row.month, row.channel]
                assert row.customers == customers
                assert row.contribution == pytest.approx(money, abs=1e-9)
                assert row.squares == pytest.approx(squares, abs=1e-6)


@pytest.mark.parametrize("engine", ["polars lazy", "duckdb", "arrow"])
def test_any_engine_and_any_order_of_rows_give_the_same(six, engine):
    orders = six.rename(columns={"sold_through": "acquired_through"})
    table = acquired_value(orders, UNTIL, (30, 60), gross_margin=0.5)
    other = acquired_value(ENGINES[engine](orders), UNTIL, (30, 60), gross_margin=0.5)
    pd.testing.assert_frame_equal(table, other)
    shuffled = orders.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(table, acquired_value(shuffled, UNTIL, (60, 30, 30), gross_margin=0.5))


def test_total_is_that_of_the_value_table():
    """A month observed whole for the horizon holds the customers of `value_per_customer` on the day it is so."""
    rng = np.random.default_rng(5)
    days = rng.integers(0, 31, 150)
    again = np.flatnonzero(rng.random(150) < 0.4)
    orders = pd.DataFrame(
        {"customer_id": [*range(150), *again], "amount": rng.integers(100, 9000, 150 + len(again)) / 100}
    )
    orders["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta([*days, *(days[again] + 20)], "D")
    orders = orders.assign(cost=orders["amount"] * 0.3, platform_fee=1.0)
    sums = acquired_value(orders, "2024-02-29", (30,)).iloc[0]
    mean = value_per_customer(orders, "2024-02-29", 30, "contribution").iloc[0]
    assert sums["customers"] == mean["customers"] == 150
    assert sums["contribution"] / 150 == pytest.approx(mean["value"], rel=1e-12)


def test_a_month_with_days_before_the_new_can_be_told_is_left_out():
    orders = log(("a", "2024-01-20", 9.0), ("b", "2024-02-10", 9.0), ("c", "2024-03-05", 9.0))
    told = {"history": "truncated", "observed_from": "2024-01-01", "burn_in_days": 35}  # new from 5 February
    table = acquired_value(orders, UNTIL, (30,), gross_margin=1.0, **told)
    assert table["month"].tolist() == ["2024-03"]
    known = pd.DataFrame({"customer_id": ["b"], "first_order_at": pd.to_datetime(["2023-06-01"])})
    given_date = acquired_value(
        orders, UNTIL, (30,), gross_margin=1.0, first_order_at=known, observed_from="2024-01-01", history="truncated"
    )
    assert given_date["month"].tolist() == ["2024-01", "2024-03"]


def test_costs_lead_and_blanks_stay_blank():
    orders = log(("a", "2024-05-20", 50.0), ("a", "2024-05-25", 10.0)).assign(cost=[20.0, 15.0], refunded=[0.0, 10.0])
    table = acquired_value(orders, UNTIL, (30, 60), gross_margin=0.9)
    assert table.attrs["contribution"] == "costs"
    assert table["contribution"].tolist()[0] == 15.0  # 50 - 20, then 10 - 10 - 15: what was returned still cost money
    assert np.isnan(table["contribution"].tolist()[1])
    assert table["channel"].tolist() == ["unknown", "unknown"]


def test_nothing_known_and_nobody():
    orders = log(("a", "2024-05-20", 50.0))
    assert isinstance(acquired_value(orders, UNTIL), Refused)
    nobody = acquired_value(orders.iloc[:0], UNTIL, gross_margin=0.5)
    assert nobody.empty
    assert list(nobody.columns) == VALUE_COLUMNS


def test_wrong_parameters():
    orders = log(("a", "2024-05-20", 50.0))
    with pytest.raises(ValueError, match="within_days"):
        acquired_value(orders, UNTIL, (0,), gross_margin=0.5)
    with pytest.raises(ValueError, match="lag_days"):
        acquired_value(orders, UNTIL, lag_days=-1, gross_margin=0.5)
