"""Seasonal levels and season-free cost: against hand arithmetic and a regression of statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from siyu_helpers.analysis.acquisition.festivals import spring_festival_share, usual_festival_share
from siyu_helpers.analysis.acquisition.seasons import adjusted, festival_effect, seasonal_levels
from siyu_helpers.analysis.acquisition.trends import trend
from siyu_helpers.analysis.estimates import Refused

SEASON = np.log([1.0, 0.95, 1.1, 1.05, 1.0, 0.85, 1.1, 1.15, 1.0, 0.9, 0.75, 0.95])
MONTHS = pd.period_range("2022-01", periods=36, freq="M").astype(str).tolist()
AT = np.arange(36)


def costs(festival=0.3, yearly=0.1, noise=0.0, seed=1, months=36):
    scatter = np.random.default_rng(seed).normal(0, noise, 36)
    log_cac = np.log(1 + yearly) * AT / 12 + SEASON[AT % 12] + festival * spring_festival_share(MONTHS) + scatter
    table = pd.DataFrame({"month": MONTHS, "spend": 50 * np.exp(log_cac) * 1e7, "new_customers": 10**7})
    return table.iloc[:months]


def test_levels_of_a_series_without_noise():
    """Levels with the usual part of the festival, relative to their geometric mean."""
    usual = np.array([usual_festival_share()[month] for month in range(1, 13)])
    true = SEASON + 0.3 * usual
    found = seasonal_levels(costs())
    assert found.columns.tolist() == ["month_of_year", "level", "low", "high"]
    assert found["month_of_year"].tolist() == list(range(1, 13))
    assert found["level"].to_numpy() == pytest.approx(np.exp(true - true.mean()), abs=2e-3)
    assert (found["low"] < found["level"]).all()
    assert (found["level"] < found["high"]).all()
    assert np.log(found["level"]).sum() == pytest.approx(0, abs=0.01)


def test_festival_effect_of_a_series_without_noise():
    found = festival_effect(costs(festival=0.3))
    assert found.value == pytest.approx(np.expm1(0.3), abs=0.01)
    assert found.low < np.expm1(0.3) < found.high
    assert found.unit == "growth"


def test_against_least_squares_of_statsmodels():
    """With independent scatter least squares gives the same levels, up to the averaging over autocorrelation."""
    table = costs(noise=0.05, seed=3)
    log_cac = np.log(table["spend"] / table["new_customers"])
    x = np.column_stack([AT[:, None] % 12 == np.arange(12), spring_festival_share(MONTHS), AT / 12]).astype(float)
    fit = sm.OLS(log_cac, x).fit()
    usual = np.array([usual_festival_share()[month] for month in range(1, 13)])
    levels = fit.params[:12] + fit.params.iloc[12] * usual
    found = np.log(seasonal_levels(table)["level"].to_numpy())
    assert found == pytest.approx((levels - levels.mean()).to_numpy(), abs=0.5 * fit.bse.iloc[4])
    effect = festival_effect(table)
    assert np.log1p(effect.value) == pytest.approx(fit.params.iloc[12], abs=0.5 * fit.bse.iloc[12])


def test_adjusted_takes_cost_apart():
    table = costs()
    found = adjusted(table)
    assert found.columns.tolist() == ["month", "cac", "trend", "season", "season_free_cac"]
    assert found["cac"].to_numpy() == pytest.approx((table["spend"] / 1e7).to_numpy())
    assert (found["trend"] * found["season"]).to_numpy() == pytest.approx(found["cac"].to_numpy(), rel=0.003)
    assert (found["season_free_cac"] * found["season"]).to_numpy() == pytest.approx(found["cac"].to_numpy())
    yearly = (found["trend"].iloc[35] / found["trend"].iloc[0]) ** (12 / 35) - 1
    assert yearly == pytest.approx(trend(table)["growth_per_year"].item(), abs=2e-3)


def test_months_without_customers_have_no_cost_but_a_trend():
    table = costs().copy()
    table["spend"] /= 1e5
    table["new_customers"] = 100
    table.loc[5, "new_customers"] = 0
    found = adjusted(table)
    assert found.loc[5, ["cac", "season_free_cac"]].isna().all()
    assert np.isfinite(found[["trend", "season"]]).all(axis=None)


@pytest.mark.parametrize("months", [0, 11, 20])
def test_short_histories_are_refused_but_show_their_cost(months):
    table = costs(months=months)
    found = seasonal_levels(table)
    assert found.empty
    assert found.attrs["refused"]["all"].seen == months
    assert isinstance(festival_effect(table), Refused)
    shown = adjusted(table)
    assert len(shown) == months
    assert shown["cac"].notna().all()
    assert shown["trend"].isna().all()
    assert isinstance(shown.attrs["refused"]["all"], Refused)


def test_months_of_the_year_that_are_not_there_are_absent():
    table = costs()
    table = table[~table["month"].str.endswith(("-01", "-02"))]
    assert seasonal_levels(table)["month_of_year"].tolist() == list(range(3, 13))
    assert festival_effect(table).gate == "Januaries and Februaries"
    assert adjusted(table).notna().all(axis=None)
