"""The test for a step in acquisition cost: against F statistics of statsmodels, and on steps of known size."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from siyu_helpers.analysis.acquisition import breaks
from siyu_helpers.analysis.acquisition.breaks import break_test
from siyu_helpers.analysis.acquisition.trends import monthly_costs, regression
from siyu_helpers.analysis.estimates import Estimate, Refused

SEASON = np.log([1.0, 0.95, 1.1, 1.05, 1.0, 0.85, 1.1, 1.15, 1.0, 0.9, 0.75, 0.95])


def costs(step=0.0, at=18, yearly=0.0, noise=0.05, number=36, customers=10**5, seed=1):
    months = pd.period_range("2022-01", periods=number, freq="M").astype(str)
    time = np.arange(number)
    log_cac = np.log1p(yearly) * time / 12 + SEASON[time % 12] + np.log1p(step) * (time >= at)
    log_cac += np.random.default_rng(seed).normal(0, noise, number)
    return pd.DataFrame({"month": months, "spend": 50 * np.exp(log_cac) * customers, "new_customers": customers})


def test_the_score_of_each_date_is_the_f_statistic_of_statsmodels():
    """Independent scatter of known size and no chance: half of F x the residual variance is what a step explains."""
    parts = regression(monthly_costs(costs(0.2, customers=10**9)))
    dates = breaks.candidates(parts)
    (cell,) = breaks._cells(parts, dates, np.zeros(1), np.ones(1), growth=1e3)
    null = sm.OLS(parts.series, parts.design).fit()
    explained = (parts.series @ cell.step) ** 2 / cell.known
    for place, date in enumerate(dates):
        fit = sm.OLS(parts.series, np.column_stack([parts.design, np.arange(36) >= date])).fit()
        f = fit.compare_f_test(null)[0]
        # Explained squares, in units of the variance without a step (`cell`) and with it (F).
        assert explained[place] == pytest.approx(f * fit.mse_resid / null.mse_resid, rel=1e-4, abs=1e-4)
        assert null.ssr - fit.ssr == pytest.approx(explained[place] * null.mse_resid, rel=1e-4, abs=1e-6)
    assert parts.series @ cell.left @ parts.series == pytest.approx(null.ssr / null.mse_resid, rel=1e-4)


@pytest.mark.parametrize(("step", "at"), [(0.5, 12), (0.5, 24), (-0.4, 18)])
def test_a_large_step_is_found_where_it_is(step, at):
    found = break_test(costs(step, at))
    assert found.found
    assert found.month == pd.period_range("2022-01", periods=36, freq="M").astype(str)[at]
    assert found.step.low < step < found.step.high
    assert found.step.unit == "growth"
    assert found.p_value.value <= 0.01
    assert found.dates["chance"].sum() == pytest.approx(1)
    assert found.n_months == 36


@pytest.mark.parametrize("yearly", [0.0, 0.5, -0.4])
def test_a_steady_trend_is_no_break(yearly):
    found = break_test(costs(yearly=yearly))
    assert not found.found
    assert found.month is None
    assert isinstance(found.step, Refused)
    assert found.p_value.value > 0.1
    assert str(found.n_months) in found.step.reason_en


def test_trend_hardly_changes_the_test():
    """Time is part of what holds without a break, but for the prior on growth: steepness nearly cancels."""
    flat, steep = (break_test(costs(0.2, yearly=yearly, customers=10**9)) for yearly in (0.0, 0.3))
    assert flat.p_value.value == pytest.approx(steep.p_value.value, abs=0.03)
    assert flat.month == steep.month


def test_same_seed_same_number_and_the_order_of_rows_does_not_matter():
    table = costs(0.12)
    first, second = break_test(table), break_test(table.sample(frac=1, random_state=3))
    assert first.p_value.value == second.p_value.value
    assert abs(break_test(table, seed=2).p_value.value - first.p_value.value) < 0.05


@pytest.mark.parametrize("number", [0, 1, 12, 24, 29])
def test_short_histories_are_refused_with_their_number(number):
    found = break_test(costs(number=number))
    assert isinstance(found, Refused)
    assert found.seen == number
    assert found.needed == 30
    assert str(number) in found.reason_zh


def test_two_years_cannot_tell_a_rise_from_a_fall_a_year_later():
    """Why 24 months are refused: season and trend take up all that the two have not in common."""
    table = costs(number=24, noise=0.0, customers=10**9)
    parts = regression(monthly_costs(table))
    time = np.arange(24)
    both = ((time >= 5).astype(float) + (time >= 17)).reshape(-1, 1)
    left = both - parts.design @ np.linalg.lstsq(parts.design, both, rcond=None)[0]
    assert np.abs(left).max() < 1e-9


def test_few_customers_are_refused():
    assert break_test(costs(customers=3)).gate == "new customers a month"


def test_months_without_customers_or_spend_and_missing_months():
    table = costs(0.5, customers=1000)
    table.loc[4, "new_customers"] = 0
    table.loc[8, "spend"] = 0.0
    found = break_test(table.drop(index=[20, 21]))
    assert found.n_months == 33
    assert np.isfinite(found.p_value.value)
    assert isinstance(found.step, Estimate | Refused)


def test_a_channel_of_its_own():
    table = pd.concat([costs(0.5).assign(channel="a"), costs(seed=2).assign(channel="b")])
    assert break_test(table, "a").found
    assert not break_test(table, "b").found
    with pytest.raises(ValueError, match="no channel 'c'"):
        break_test(table, "c")


def test_series_without_any_noise():
    found = break_test(costs(noise=0.0, customers=1000))
    assert not found.found
