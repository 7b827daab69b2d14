"""The regression of `response_fits` against `mixed_regression`, statsmodels and the calendar."""

import datetime

import numpy as np
import pytest
import statsmodels.api as sm
from spend_series import costs

from siyu_helpers.analysis import mixed_regression
from siyu_helpers.analysis.acquisition import response_fits as fits


@pytest.fixture(scope="module")
def series():
    """Three years of weeks: names, spend, customers."""
    table = costs(np.random.default_rng(1), customers=40)
    return list(table["week"]), table["spend"].to_numpy(), table["new_customers"].to_numpy(dtype=float)


def test_counts_without_scatter_give_the_poisson_regression_of_statsmodels():
    """With chance alone, and no carry-over, the estimate is that of a Poisson GLM (statsmodels 0.14)."""
    table = costs(np.random.default_rng(2), customers=4_000, scatter=0.0)
    weeks, spend, customers = list(table["week"]), table["spend"].to_numpy(), table["new_customers"].to_numpy(float)
    design = fits.season(weeks)
    found = fits.fit(customers, spend, np.full(len(spend), np.nan), weeks, design).elasticity
    x = np.column_stack([design, np.log(spend)])
    glm = sm.GLM(customers, x, family=sm.families.Poisson()).fit()
    assert found.mean == pytest.approx(glm.params[-1], abs=0.02)
    assert found.mean == pytest.approx(0.6, abs=0.03)


def test_small_counts_do_not_bias_the_elasticity():
    """Three customers a week: the working response is linear in the counts, where their logarithm is not."""
    found = []
    for seed in range(12):
        table = costs(np.random.default_rng(seed), customers=3, scatter=0.0, follows=0.0, shocks=0.5)
        weeks, spend = list(table["week"]), table["spend"].to_numpy()
        nothing = np.full(len(spend), np.nan)
        fit = fits.fit(table["new_customers"].to_numpy(float), spend, nothing, weeks, fits.season(weeks))
        found.append(fit.elasticity.mean)
    assert np.mean(found) == pytest.approx(0.6, abs=0.1)  # standard error of the mean 0.04


def test_season_and_trend_are_taken_out(series):
    """Spend that follows the season to the letter, and grows, has nothing left; moves by chance stay."""
    quiet = costs(np.random.default_rng(3), shocks=0.0)
    weeks = list(quiet["week"])
    moved, spare = fits.moved(quiet["spend"].to_numpy(), fits.season(weeks))
    assert moved < 0.05
    assert spare in (94, 95)  # 156 less 52 levels, a line, 8 windows (one of which the others may give) and spend
    assert fits.moved(series[1], fits.season(weeks))[0] == pytest.approx(0.3, abs=0.05)


def test_the_design_has_full_rank_whatever_the_weeks():
    """A single year, a gap, week 53 and a series without any sale."""
    spans = (("2020-W", range(1, 54)), ("2023-W", (2, 9, 20, 30)), ("2024-W", range(13, 20)))
    for year, weeks in spans:
        design = fits.season([f"{year}{week:02d}" for week in weeks])
        assert np.linalg.matrix_rank(design) == design.shape[1]
    assert fits.season(["2024-01", "2024-02", "2025-01", "2025-02"]).shape == (4, 4)


def test_names_of_periods():
    """ISO weeks begin on Monday; week 53 of 2020 is followed by week 1 of 2021."""
    assert fits.first_day("2024-W01") == datetime.date(2024, 1, 1)
    assert fits.first_day("2021-W01") == datetime.date(2021, 1, 4)
    assert fits.number("2021-W01") - fits.number("2020-W53") == 1
    assert fits.number("2024-01") - fits.number("2023-12") == 1
    for wrong in ("2023-W53", "2024-13", "June", "2024Q1", "2024-W5"):
        with pytest.raises(ValueError, match="no month or week"):
            fits.first_day(wrong)


def test_ordinary_weeks():
    """11.11, 618 and Spring Festival (10 February 2024) are no ordinary weeks; a month always is one."""
    asked = ["2024-W45", "2024-W24", "2024-W07", "2024-W15", "2024-W37", "2024-11"]
    assert [fits.is_ordinary(period) for period in asked] == [False, False, False, True, True, True]


def test_quantiles_by_interpolation(series):
    """The same as by root finding, to four digits."""
    weeks, spend, customers = series
    found = fits.fit(customers, spend, np.append(np.nan, spend[:-1]), weeks, fits.season(weeks)).elasticity
    shares = np.array([0.05, 0.25, 0.5, 0.95])
    assert fits.quantiles(found, shares) == pytest.approx([found.quantile(share) for share in shares], abs=1e-4)


def test_wander_of_a_mean():
    """Independent scatter of 0.2 over 25 periods: 0.04; resembling neighbours: more, by sqrt(1.5 / 0.5)."""
    one = np.ones(1)
    apart = mixed_regression.Mixture(one, one, one, np.zeros(1), np.array([0.2]))
    assert fits.wander(apart, 25) == pytest.approx(0.04)
    assert fits.wander(apart._replace(resemblance=np.array([0.5])), 25) == pytest.approx(0.04 * 3**0.5)
