"""What the rules share: against statsmodels, brute force and hand arithmetic."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_orders import log, stays
from scipy import stats

from siyu_helpers.analysis import estimates, order_log
from siyu_helpers.analysis.estimates import QUICK_AT_LEAST, Estimate, Refused
from siyu_helpers.analysis.pool import evidence

RNG = np.random.default_rng(5)


def test_rows_are_of_known_customers_to_the_last_day_sorted_by_customer_and_moment():
    orders = log(
        ("b", "2024-02-01 23:59:59", 5.0), (None, "2024-01-01", 9.0), ("a", "2024-01-03", 1.0),
        ("b", "2024-01-01", 2.0), ("b", "2024-02-02", 7.0),
    )  # fmt: skip
    rows = evidence.order_rows(orders, "2024-02-01")
    told = list(zip(rows.customers[rows.person], rows.numbers["amount"], strict=True))
    assert sorted(told) == [("a", 10_000.0), ("b", 20_000.0), ("b", 50_000.0)]
    assert rows.unknown == 1
    assert rows.day[rows.starts].tolist() == rows.first_day.tolist()
    with pytest.raises(ValueError, match="1 orders have no amount"):
        evidence.order_rows(log(("a", "2024-01-01", float("nan"))), "2024-02-01")
    with pytest.raises(ValueError, match="no column 'amount'"):
        evidence.order_rows(orders.drop(columns="amount"), "2024-02-01")


@pytest.mark.parametrize("margin", [None, 0.4])
@pytest.mark.parametrize("costs", [(1.0, 2.0, 3.0), (1.0, None, 3.0), (None, 2.0, 3.0), (1.0, 2.0, None), None])
def test_rows_tell_the_rule_of_contribution_as_the_table_does(costs, margin):
    """A blank cost counts for known customers to the last day only; rows that were read are not read again."""
    orders = log((None, "2024-01-01", 9.0), ("a", "2024-01-03", 1.0), ("b", "2024-03-01", 2.0))
    orders = orders if costs is None else orders.assign(cost=pd.Series(costs, dtype=float))
    rows = evidence.order_rows(orders, "2024-02-01", ("cost",))
    assert evidence.contribution_rule(rows, margin) == order_log.contribution_rule(orders, rows.until, margin)
    assert evidence.order_rows(rows, "2024-02-01") is rows
    with pytest.raises(ValueError, match="gross_margin"):
        evidence.contribution_rule(rows, 1.5)


def test_orders_of_one_day_are_one_purchase():
    orders = log(
        ("a", "2024-01-01 09:00", 1), ("a", "2024-01-01 21:00", 1), ("a", "2024-01-02", 1), ("b", "2024-01-02", 1)
    )
    rows = evidence.order_rows(orders, "2024-12-31")
    assert sorted(rows.per_customer(rows.is_purchase).tolist()) == [1.0, 2.0]


def in_duckdb(table):
    return duckdb.connect().from_arrow(pl.from_pandas(table).to_arrow())


@pytest.mark.parametrize("frame", [pl.from_pandas, lambda table: pl.from_pandas(table).lazy(), in_duckdb])
def test_no_orders_and_every_engine(frame):
    orders = log(("a", "2024-01-03", 1.0), ("b", "2024-01-01", 2.0))
    assert evidence.order_rows(frame(orders), "2024-12-31").per_customer().tolist() == [1, 1]
    nobody = evidence.order_rows(frame(orders.iloc[:0]), "2024-12-31")
    assert len(nobody.customers) == len(nobody.first_day) == len(nobody.is_purchase) == 0


def test_new_customers_are_told_as_everywhere():
    orders = log(("a", "2024-01-03", 1.0), ("b", "2025-02-01", 1.0), ("c", "2025-02-01", 1.0))
    rows = evidence.order_rows(orders, "2025-12-31")
    names = rows.customers
    assert evidence.new_customers(rows).all()
    new = evidence.new_customers(rows, "2024-01-01", "truncated")
    assert sorted(names[new]) == ["b", "c"]
    stated = pd.DataFrame({"customer_id": ["b", "a"], "first_order_at": pd.to_datetime(["2020-05-05", None])})
    new = evidence.new_customers(rows, "2024-01-01", "truncated", first_order_at=stated)
    assert sorted(names[new]) == ["a", "c"]


MOMENTS = st.integers(0, 30)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), MOMENTS), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 4), MOMENTS, st.one_of(st.none(), st.integers(0, 15))), max_size=8),
)
def test_in_pool_is_what_going_through_every_stay_says(bought, spans):
    """Brute force: is there a stay that has begun by the order's moment and has not ended by it?"""
    day = pd.Timestamp("2024-01-01")
    orders = log(*((who, day + pd.Timedelta(hours=12 * at), 1.0) for who, at in bought))
    listed = [(who, begin, None if length is None else begin + length) for who, begin, length in spans]
    table = stays(*(
        (who, day + pd.Timedelta(hours=12 * begin), None if end is None else day + pd.Timedelta(hours=12 * end))
        for who, begin, end in listed
    ))  # fmt: skip
    rows = evidence.order_rows(orders, "2024-12-31")
    told = evidence.in_pool(rows, table)
    half_days = (rows.at // 43_200_000_000) - (day - pd.Timestamp(0)).days * 2
    wanted = [
        any(who == its and begin <= at and (end is None or at < end) for its, begin, end in listed)
        for who, at in zip(rows.customers[rows.person], half_days, strict=True)
    ]
    assert told.tolist() == wanted
    assert evidence.joined(rows, table).tolist() == [who in {its for its, _, _ in listed} for who in rows.customers]


def test_ratio_is_weighted_least_squares_with_robust_errors():
    """statsmodels: WLS of top / bottom on a constant, weights bottom, HC1 and t quantiles."""
    bottom = RNG.gamma(2.0, 50.0, 150)
    top = bottom * RNG.beta(2.0, 8.0, 150)
    fit = sm.WLS(top / bottom, np.ones(150), weights=bottom).fit(cov_type="HC1", use_t=True)
    found = evidence.ratio(top, bottom)
    assert found.value == pytest.approx(fit.params[0])
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int(0.10)[0]))


def test_ratio_gap_is_the_interaction_of_a_clustered_regression():
    """statsmodels: WLS on a constant and a dummy, clustered by customers who are on both sides."""
    n = 120
    sides = [(RNG.poisson(2.0, n).astype(float), RNG.poisson(6.0, n) + 1.0) for _ in range(2)]
    top, bottom = (np.concatenate([side[part] for side in sides]) for part in (0, 1))
    first = np.repeat([1.0, 0.0], n)
    fit = sm.WLS(top / bottom, np.column_stack([np.ones(2 * n), first]), weights=bottom).fit(
        cov_type="cluster", cov_kwds={"groups": np.tile(np.arange(n), 2), "use_correction": False}
    )
    found = evidence.ratio_gap(*sides, times=1.0)
    assert found.value == pytest.approx(fit.params[1])
    half = stats.t.ppf(0.95, n - 1) * fit.bse[1] * np.sqrt(n / (n - 1))
    assert found.high - found.value == pytest.approx(half)


def test_share_of_rows_is_wilson_when_everybody_has_one_and_of_customers_when_orders_are_copies():
    flagged = RNG.random(200) < 0.3
    one = evidence.share_of_rows(flagged, np.arange(200))
    low, high = estimates.wilson(flagged.sum(), 200)
    assert (one.low, one.high) == pytest.approx((float(low), float(high)))
    copied = evidence.share_of_rows(np.repeat(flagged, 7), np.repeat(np.arange(200), 7))
    assert (copied.low, copied.high) == pytest.approx((one.low, one.high), abs=5e-4)
    everyone = evidence.share_of_rows(np.ones(50, bool), np.repeat(np.arange(5), 10))
    assert everyone.low == pytest.approx(float(estimates.wilson(5, 5)[0]))


def test_share_of_rows_covers_the_truth_although_customers_differ():
    def simulate(rng):
        people = rng.beta(1.0, 2.0, 150)
        person = np.repeat(np.arange(150), rng.poisson(4, 150) + 1)
        return rng.random(len(person)) < people[person], person

    assert (
        estimates.coverage(simulate, lambda made: evidence.share_of_rows(*made), 1 / 3, 60, 4).covered >= QUICK_AT_LEAST
    )


def test_mean_is_halls_interval_and_does_not_depend_on_order():
    values = RNG.lognormal(3.0, 1.0, 400)
    found = evidence.mean(values)
    assert (found.low, found.high) == pytest.approx(
        estimates.hall(values.mean(), values.std(), stats.skew(values), 400, 0.9)
    )
    assert evidence.mean(values[::-1]) == found
    same = evidence.mean(np.full(100, 0.1))
    assert same.low == same.value == same.high == pytest.approx(0.1)


def test_too_few_and_nothing_are_refused():
    few = np.ones(99)
    assert evidence.ratio(few, few).gate == evidence.mean(few).gate == "customers"
    assert evidence.ratio_gap((few, few), (few, few)).gate == "customers"
    assert evidence.ratio(np.ones(100), np.zeros(100)).gate == "sum"
    assert isinstance(evidence.share_of_rows(np.array([]), np.array([])), Refused)
    assert isinstance(evidence.gap(evidence.mean(few), evidence.mean(np.ones(100)), "days", "", ""), Refused)


def test_a_customer_whose_sale_was_all_refunded_still_counts():
    top, bottom = np.full(200, 4.0), np.full(200, 10.0)
    top[:20], bottom[:20] = -6.0, 0.0
    assert evidence.ratio(top, bottom).value == pytest.approx((180 * 4 - 20 * 6) / 1800)


def test_one_customer_with_many_orders_gives_an_interval_of_one():
    found = evidence.share_of_rows(np.array([True, False, True]), np.zeros(3))
    assert isinstance(found, Estimate)
    assert found.n == 1
    assert found.high - found.low > 0.8
