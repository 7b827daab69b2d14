"""Repurchase trend against counts by hand, a least-squares fit of statsmodels, and other engines."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from order_logs import ENGINES, log

from siyu_helpers.analysis.estimates import Refused, wilson
from siyu_helpers.analysis.repurchase_trend import COHORT_COLUMNS, repurchase_trend


def cohorts_of(shares, customers=200, start="2022-01-01", step="MS", after=20):
    """Cohorts of one size on the first day of each period, of which the given share returns `after` days later."""
    first = pd.date_range(start, periods=len(shares), freq=step)
    orders = pd.DataFrame({"ordered_at": first.repeat(customers), "amount": 5.0})
    orders["customer_id"] = range(len(orders))
    back = np.tile(np.arange(customers), len(shares)) < np.repeat(np.round(np.array(shares) * customers), customers)
    again = orders[back].assign(ordered_at=orders["ordered_at"] + pd.Timedelta(days=after))
    return pd.concat([orders, again], ignore_index=True)


def test_cohorts_by_hand(six):
    # Ana returns after 36 days, Fay after 42, Ben never; Cy after 1, Dee after 43; Eli's cohort is not over.
    made = repurchase_trend(six, "2024-04-11", within_days=42)
    assert made.cohorts[["cohort", "customers", "repurchased"]].values.tolist() == [
        ["2024-01", 3, 2],
        ["2024-02", 2, 1],
    ]
    assert list(made.cohorts.columns) == COHORT_COLUMNS
    assert made.cohorts["share_low"].tolist() == pytest.approx(wilson([2, 1], [3, 2])[0])
    # 42 days after the last of February end on 11 April: a day less, and that cohort is not complete.
    assert repurchase_trend(six, "2024-04-10", within_days=42).cohorts["cohort"].tolist() == ["2024-01"]
    assert isinstance(made.slope, Refused)
    assert (made.slope.seen, made.slope.needed) == (2, 6)
    assert repurchase_trend(six, "2023-04-11").cohorts.empty


def test_without_scatter_the_slope_is_that_of_least_squares():
    rng = np.random.default_rng(3)
    shares = 0.3 + 0.004 * np.arange(18) + rng.normal(0, 0.04, 18)
    made = repurchase_trend(cohorts_of(shares), "2024-01-31", within_days=30)
    years = np.arange(18) / 12
    plain = sm.OLS(made.cohorts["share"].to_numpy(), sm.add_constant(years)).fit()
    assert made.slope.value == pytest.approx(100 * plain.params[1], abs=100 * plain.bse[1] / 4)
    low, high = 100 * plain.conf_int(0.1)[1]
    assert 0.7 < (made.slope.high - made.slope.low) / (high - low) < 1.6  # wider: neighbours may resemble each other
    assert made.slope.n == 18 * 200
    assert "季节差异未剔除" in made.slope.definition.zh


def test_from_two_years_on_the_season_is_taken_out():
    months = np.arange(30)
    season = 0.1 * np.sin(2 * np.pi * months / 12)
    made = repurchase_trend(cohorts_of(0.4 + 0.03 * months / 12 + season, 1000), "2024-12-31", within_days=30)
    assert made.slope.value == pytest.approx(3.0, abs=0.1)
    assert made.slope.low < 3 < made.slope.high
    assert made.slope.high - made.slope.low < 4
    assert "已剔除" in made.slope.definition.zh
    assert "every year is taken out" in made.slope.definition.en
    short = repurchase_trend(cohorts_of(0.4 + 0.03 * months / 12 + season, 1000), "2023-07-31", within_days=30)
    assert "too few cohorts to take the season out" in short.slope.definition.en


@pytest.mark.parametrize(("period", "step", "cohorts"), [("week", "W-MON", 120), ("quarter", "QS", 12)])
def test_weeks_and_quarters_have_years_of_the_same_length(period, step, cohorts):
    per_year = {"week": 365.25 / 7, "quarter": 4}[period]
    shares = 0.3 + 0.04 * np.arange(cohorts) / per_year
    made = repurchase_trend(cohorts_of(shares, 1000, "2020-01-01", step, after=5), "2023-12-31", 20, period)
    assert len(made.cohorts) == cohorts
    assert made.slope.value == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nobody_or_everybody_returning_has_a_slope_of_zero_with_a_width(share):
    slope = repurchase_trend(cohorts_of([share] * 8), "2023-06-30", within_days=30).slope
    assert slope.value == pytest.approx(0, abs=1e-9)
    assert slope.low < 0 < slope.high


def test_a_missing_month_is_a_gap_not_a_step():
    shares = 0.2 + 0.01 * np.arange(12)
    orders = cohorts_of(shares)
    holed = orders[orders["ordered_at"].dt.month.ne(5) | orders["ordered_at"].dt.day.ne(1)]
    made = repurchase_trend(holed[~holed["customer_id"].between(800, 999)], "2023-06-30", within_days=30)
    assert len(made.cohorts) == 11
    assert made.slope.value == pytest.approx(12, abs=0.1)


@pytest.mark.parametrize("engine", ["polars lazy", "duckdb", "ibis"])
def test_every_engine_gives_the_same_trend(engine):
    orders = cohorts_of(0.2 + 0.01 * np.arange(8), 30)
    made = repurchase_trend(ENGINES[engine](orders.sample(frac=1, random_state=1)), "2022-12-31", 30)
    plain = repurchase_trend(orders, "2022-12-31", 30)
    pd.testing.assert_frame_equal(made.cohorts, plain.cohorts)
    assert made.slope == plain.slope


def test_cdnow_has_three_cohorts_only(cdnow):
    made = repurchase_trend(cdnow, "1998-06-30", within_days=90)
    assert made.cohorts["customers"].tolist() == [7846, 8476, 7248]
    assert made.slope.gate == "cohorts"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"within_days": 0}, "within_days"), ({"period": "day"}, "period must be one of"), ({"level": 2}, "level")],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        repurchase_trend(log((1, "2024-01-01", 1)), "2024-06-30", **options)
