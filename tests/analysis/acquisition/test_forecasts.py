"""The forecast: its models against direct calls, its error by hand, and nothing known before its time."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel
from statsmodels.tsa.statespace.structural import UnobservedComponents

from siyu_helpers.analysis.acquisition import backtests, forecasts
from siyu_helpers.analysis.acquisition.forecasts import (
    FORECAST_COLUMNS,
    backtest_table,
    coverage_estimate,
    error_estimate,
    forecast,
    forecast_estimate,
    held_out_months,
    relative_error,
    verdict,
)
from siyu_helpers.analysis.estimates import Estimate, Refused, wilson


def by_month(figures, start="2023-01"):
    return pd.Series(figures, index=pd.period_range(start, periods=len(figures), freq="M").astype(str))


def seasonal(months=36, seed=1, noise=0.04):
    at = np.arange(months)
    logs = np.log(90) + 0.008 * at + 0.2 * np.sin(2 * np.pi * at / 12)
    return by_month(np.exp(logs + np.random.default_rng(seed).normal(0, noise, months)))


def walk(months=36, seed=1):
    return by_month(np.exp(4 + np.cumsum(np.random.default_rng(seed).normal(0, 0.08, months))))


@pytest.fixture(scope="module")
def made():
    return forecast(seasonal(), 6)


def test_columns_and_months(made):
    assert made.columns.tolist() == FORECAST_COLUMNS
    assert made["month"].tolist() == ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"]
    assert ((made["low"] < made["value"]) & (made["value"] < made["high"])).all()
    for column in ("model", "backtest_coverage", "mase"):
        assert made[column].nunique() == 1
    assert made.attrs["season"] == "modelled"
    assert made.attrs["scaled_by"] == "seasonal naive"
    assert made.attrs["origins"] == 12
    assert made.attrs["dropped"] == {}


# ---- the models ------------------------------------------------------------------------------------------------


def test_models_give_what_statsmodels_gives():
    """Direct calls, without the rescaling and the slicing of the module."""
    logs = np.log(seasonal().to_numpy())
    direct = ETSModel(
        logs, trend="add", damped_trend=True, seasonal="add", seasonal_periods=12, initialization_method="heuristic"
    )
    assert backtests.ets(logs, 6, True)[0] == pytest.approx(direct.fit(disp=False).forecast(6))
    direct = UnobservedComponents(
        logs, "lldtrend", freq_seasonal=[{"period": 12, "harmonics": 2}], stochastic_freq_seasonal=[False]
    )
    fit = direct.fit(disp=False, method="nm", maxiter=2000, cov_type="none")
    assert backtests.unobserved_components(logs, 6, True)[0] == pytest.approx(fit.forecast(6), abs=2e-3)
    assert backtests.unobserved_components(logs, 6, True)[1] == pytest.approx(fit.get_forecast(6).se_mean, rel=0.02)
    direct = ThetaModel(logs, period=12, method="additive").fit()
    assert backtests.theta(logs, 6)[0] == pytest.approx(direct.forecast(6).to_numpy())


def test_models_without_a_season_give_what_statsmodels_gives():
    logs = np.log(walk(16).to_numpy())
    direct = ETSModel(logs, initialization_method="known", initial_level=logs[0]).fit(disp=False)
    assert backtests.ets(logs, 3, False)[0] == pytest.approx(direct.forecast(3))
    direct = UnobservedComponents(logs, "llevel").fit(disp=False, method="nm", maxiter=2000)
    assert backtests.unobserved_components(logs, 3, False)[0] == pytest.approx(direct.forecast(3), abs=2e-3)
    direct = ThetaModel(logs, deseasonalize=False).fit()
    assert backtests.theta(logs, 3)[0] == pytest.approx(direct.forecast(3).to_numpy())


def test_theta_of_negative_logs_is_not_multiplied():
    """A cost below one has a negative logarithm; the season must be added there too, so a unit must not matter."""
    logs = np.log(seasonal().to_numpy())
    centre, spread = backtests.theta(logs, 6)
    low, low_spread = backtests.theta(logs - 10, 6)
    assert low == pytest.approx(centre - 10, abs=1e-3)
    assert low_spread == pytest.approx(spread, rel=1e-2)


def test_spread_of_smoothing_is_that_of_an_integrated_moving_average():
    """Var of h steps of ARIMA(0,1,1) is 1 + (h - 1) alpha**2 (Hyndman et al. 2008, table 6.1)."""
    logs = np.log(walk(30).to_numpy())
    alpha = ThetaModel(logs, period=12, method="additive").fit().params["alpha"]
    spread = backtests.theta(logs, 6)[1]
    assert (spread / spread[0]) ** 2 == pytest.approx(1 + np.arange(6) * alpha**2)


def test_naive_forecasts_by_hand():
    figures = np.log([10, 20, 10, 20, 10, 20, 10, 20, 10, 20, 10, 40, 20, 40])
    centre, spread = backtests.seasonal_naive(figures, 3)
    assert np.exp(centre) == pytest.approx([10, 20, 10])  # months 3, 4 and 5 of the first year
    assert spread == pytest.approx(np.log(2))  # both months of the second year are twice the first's
    centre, spread = backtests.naive(np.log([1, 2, 1, 2]), 4)
    assert np.exp(centre) == pytest.approx(2)
    assert spread == pytest.approx(np.log(2) * np.sqrt([1, 2, 3, 4]))


def test_seasonal_naive_beyond_a_year_starts_again():
    logs = np.log(np.arange(1.0, 25))
    assert np.exp(backtests.seasonal_naive(logs, 12)[0]) == pytest.approx(np.arange(13, 25))


# ---- the backtest ----------------------------------------------------------------------------------------------


def test_scaled_error_by_hand(made):
    """Hyndman and Koehler (2006), section 3: mean |error| / in-sample mean |error| of the (seasonal) naive method."""
    figures = seasonal().to_numpy()
    errors = [
        abs(figures[origin + step] - figures[origin + step - 12])  # seasonal naive: the same month a year before
        for origin in range(24, 36)
        for step in range(6)
        if origin + step < 36
    ]
    scale = np.abs(figures[12:24] - figures[:12]).mean()
    row = backtest_table(made).set_index("model").loc["seasonal naive"]
    assert row["n"] == len(errors) == 57
    assert row["mae"] == pytest.approx(np.mean(errors))
    assert row["mase"] == pytest.approx(np.mean(errors) / scale)


def test_the_worked_example_of_a_short_series_by_hand():
    """13 months: naive scaled by naive; history of 6 before the first origin."""
    figures = [10.0, 12, 11, 13, 12, 14, 13, 15, 14, 16, 15, 17, 16]
    made = forecast(by_month(figures), 1)
    row = backtest_table(made).set_index("model").loc["naive"]
    assert made.attrs["origins"] == 7
    assert row["mae"] == pytest.approx(np.mean([1, 2, 1, 2, 1, 2, 1]))
    assert row["mase"] == pytest.approx(np.mean([1, 2, 1, 2, 1, 2, 1]) / np.mean([2, 1, 2, 1, 2]))


def test_the_interval_by_hand():
    """Width from errors in spreads: own spread counted as 8 origins, Student's quantile with as many d.f."""
    made = forecast(seasonal(), 6)
    held = backtests.roll(np.log(seasonal().to_numpy()), 6, backtests.plan_for(36))
    rows = held_out_months(made)
    used = rows.drop_duplicates("origin")["model"].tolist()
    assert used[:2] == ["average", "average"]  # nothing is known yet to choose by
    z = []
    for row, origin in enumerate(range(24, 36)):
        for step in range(min(6, 36 - origin)):
            number = held.names.index(used[row])
            actual = np.log(seasonal().iloc[origin + step])
            z.append((actual - held.centre[number, row, step]) / held.spread[number, row, step])
    factor = np.sqrt((8 + 12 * np.mean(np.square(z))) / 20) * stats.t.ppf(0.95, 20)
    number = held.names.index(made["model"].iloc[0])
    assert np.log(made["high"] / made["value"]).to_numpy() == pytest.approx(factor * held.spread[number, -1])
    # the first origin knows no error: Student's with 8 d.f. on the spread the models state
    first = rows[rows["origin"] == "2024-12"]
    assert np.log(first["high"] / first["value"]).to_numpy() == pytest.approx(stats.t.ppf(0.95, 8) * held.spread[0, 0])


def test_disagreement_between_models_widens_the_spread():
    logs = np.log(seasonal().to_numpy())
    held = backtests.roll(logs, 6, backtests.plan_for(36))
    three = [
        backtests.ets(logs, 6, True),
        backtests.unobserved_components(logs, 6, True),
        backtests.theta(logs, 6),
    ]
    centres = np.array([centre for centre, _ in three])
    spreads = np.array([spread for _, spread in three])
    assert held.names[:4] == ["average", "ETS", "UnobservedComponents", "Theta"]
    assert held.centre[0, -1] == pytest.approx(centres.mean(axis=0))
    # law of total variance: mean of the variances plus variance of the means
    assert held.spread[0, -1] ** 2 == pytest.approx((spreads**2).mean(axis=0) + centres.var(axis=0))
    assert held.spread[1, -1] ** 2 == pytest.approx(spreads[0] ** 2 + (centres[0] - centres.mean(axis=0)) ** 2)


def test_no_origin_knows_its_future():
    """Other figures in the last four months: whatever was forecast before them stays, to the last digit."""
    before, after = seasonal(), seasonal()
    after.iloc[-4:] *= [3.0, 0.4, 2.0, 5.0]
    changed = after.index[-4]
    kept = ["origin", "month", "ahead", "model", "value", "low", "high"]
    rows = [held_out_months(forecast(series, 6)) for series in (before, after)]
    early = [table[table["origin"] < changed][kept] for table in rows]
    assert len(early[0]) > 30
    pd.testing.assert_frame_equal(*early, check_exact=True)
    late = [table[table["origin"] >= changed]["value"].to_numpy() for table in rows]
    assert not np.allclose(*late)


def test_backtest_counts_agree_with_its_rows(made):
    rows = held_out_months(made)
    assert len(rows) == 57
    assert (rows["inside"] == rows["actual"].between(rows["low"], rows["high"])).all()
    assert made["backtest_coverage"].iloc[0] == pytest.approx(rows["inside"].mean())
    origin, month = (pd.PeriodIndex(rows[name], freq="M") for name in ("origin", "month"))
    assert ((month - origin).map(lambda step: step.n) == rows["ahead"]).all()
    low, high = wilson([rows["inside"].mean() * 12], [12])
    assert coverage_estimate(made).low == pytest.approx(low[0])
    assert coverage_estimate(made).high == pytest.approx(high[0])


# ---- the choice ------------------------------------------------------------------------------------------------


def held_with(errors, names=("average", "ETS", "seasonal naive")):
    """A backtest of figures that are all 1, with these absolute errors by model and origin, one month ahead."""
    errors = np.array(errors, dtype=float)[:, :, None]
    known = np.ones(errors.shape[1:], dtype=bool)
    origins = np.arange(24, 24 + errors.shape[1])
    centre = np.log(1 + errors)
    return backtests.Held(
        list(names), "seasonal naive", origins, centre, np.ones_like(centre), np.zeros(known.shape), known,
        origins[:, None], {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("errors", "chosen"),
    [
        ([[2, 2, 2, 2], [1.0, 1.1, 0.9, 1.0], [3, 3, 3, 3]], "ETS"),  # better at every origin
        ([[2, 2, 2, 2], [4, 0, 3, 0], [3, 3, 3, 3]], "average"),  # better by 0.25, give or take 1: chance
        ([[2, 2, 2, 2], [3, 3, 3, 3], [1, 1, 1, 1]], "seasonal naive"),  # nothing beats it
        ([[2, 2, 2, 2], [1, 1, 1, 1], [1, 1, 1, 1]], "seasonal naive"),  # a tie does not beat it
        ([[3, 3, 3, 3], [4, 0, 3, 0], [2, 2, 2, 2]], "ETS"),  # the average does not beat the benchmark, ETS does
        ([[2, 2], [1, 1], [9, 9]], "average"),  # two origins decide nothing
    ],
)
def test_choice(errors, chosen):
    held = held_with(errors)
    assert held.names[backtests.choose(held, held.known)] == chosen


def test_a_random_walk_is_hardly_beaten():
    """No method beats the last value of a random walk: over 12 walks the chosen model is no better than naive."""
    ratios = []
    for seed in range(12):
        table = backtest_table(forecast(walk(seed=seed), 3)).set_index("model")
        ratios.append(table["mae"] / table.loc["naive", "mae"])
    assert pd.concat(ratios, axis=1).mean(axis=1).drop("naive").min() > 0.95


def test_a_strong_season_beats_the_naive_forecast(made):
    table = backtest_table(made).set_index("model")
    assert table["mae"].idxmin() in ("average", "ETS", "UnobservedComponents", "Theta")
    assert table.loc["naive", "mase"] > 2 * made["mase"].iloc[0]
    assert made.attrs["beats_benchmark"]


def test_a_perfect_season_is_not_beaten():
    """The same twelve figures every year, a hair apart: last year's are as good as anything, and that is said."""
    year = np.array([80, 82, 90, 95, 92, 140, 88, 86, 91, 99, 170, 93.0])
    figures = np.tile(year, 3) * (1 + 1e-9 * np.arange(36))
    made = forecast(by_month(figures), 6)
    assert made["value"].to_numpy() == pytest.approx(year[:6], rel=0.02)
    assert np.isfinite(made[["value", "low", "high", "mase"]].to_numpy()).all()


# ---- what it refuses, leaves out and survives --------------------------------------------------------------------


@pytest.mark.parametrize("months", [0, 13, -1, 2.0, True, "3", None])
def test_months_ahead_outside_one_to_twelve(months):
    with pytest.raises(ValueError, match="1 to 12"):
        forecast(seasonal(), months)


def test_duplicate_months():
    twice = pd.concat([seasonal(), seasonal().iloc[:1]])
    with pytest.raises(ValueError, match="2023-01 comes more than once"):
        forecast(twice, 3)


@pytest.mark.parametrize("label", ["2024-W23", "2024-13", "June", 7, None, pd.NaT, pd.Period("2024Q1")])
def test_labels_that_are_no_months(label):
    series = pd.Series(np.arange(1.0, 15), index=[*seasonal(13).index, label])
    with pytest.raises(ValueError, match="is no month"):
        forecast(series, 3)


def test_neither_series_nor_table():
    with pytest.raises(ValueError, match="must be a pandas Series or DataFrame"):
        forecast([1.0] * 36, 3)
    with pytest.raises(ValueError, match="lacks cac"):
        forecast(pd.DataFrame({"month": ["2024-01"], "spend": [1.0]}), 3)
    with pytest.raises(ValueError, match="level"):
        forecast(seasonal(), 3, level=1.2)


@pytest.mark.parametrize(
    ("figures", "gate"),
    [
        ([], "months"),
        (seasonal(11).to_list(), "months"),
        ([0.0, *seasonal(20).to_list()], "above zero"),
        ([-5.0, *seasonal(20).to_list()], "above zero"),
        ([np.inf, *seasonal(20).to_list()], "above zero"),
        ([80.0] * 36, "figures that differ"),
        ([80.0] * 18 + [np.nan] * 6 + [81.0] * 6, "months missing"),
    ],
)
def test_plain_refusals(figures, gate):
    made = forecast(by_month(np.array(figures, dtype=float)), 3)
    assert isinstance(made, Refused)
    assert made.gate == gate
    for function in (forecast_estimate, coverage_estimate, error_estimate, relative_error, verdict):
        assert function(made) is made


@pytest.mark.parametrize(("months", "season"), [(12, "none"), (23, "none"), (24, "last year"), (30, "modelled")])
def test_what_a_length_of_history_allows(months, season):
    made = forecast(seasonal(months), 12)
    assert len(made) == 12
    assert made.attrs["season"] == season
    assert ("seasonal naive" in set(backtest_table(made)["model"])) == (season != "none")
    assert made.attrs["scaled_by"] == ("naive" if season == "none" else "seasonal naive")
    assert np.isfinite(made.drop(columns=["month", "model"]).to_numpy(dtype=float)).all()
    assert forecasts.SEASON_WORDS[season].en in forecast_estimate(made).definition_in("en")


def test_index_and_order_do_not_matter(made):
    series = seasonal()
    periods = series.set_axis(pd.PeriodIndex(series.index, freq="M"))
    stamps = series.set_axis(pd.PeriodIndex(series.index, freq="M").to_timestamp())
    table = pd.DataFrame({"month": series.index, "cac": series.to_numpy()}).sample(frac=1, random_state=3)
    for other in (periods, stamps, table, series.sample(frac=1, random_state=2)):
        pd.testing.assert_frame_equal(forecast(other, 6), made, check_exact=True)


def test_incomplete_and_blank_months_are_left_out():
    series = seasonal(38)
    table = pd.DataFrame({"month": series.index, "cac": series.to_numpy()})
    table.attrs = {"incomplete": ["2026-02"], "blank": {"2023-01": "too early"}}
    made = forecast(table, 2)
    assert made["month"].tolist() == ["2026-02", "2026-03"]
    assert made.attrs["history"] == 36
    series.iloc[-1] = np.nan
    pd.testing.assert_frame_equal(forecast(series.iloc[1:], 2), made)


def test_nullable_numbers_are_read():
    series = seasonal(20).astype("Float64")
    series.iloc[3] = pd.NA
    assert forecast(series, 2).attrs["interpolated"] == ["2023-04"]


def test_missing_months_in_the_middle_are_named():
    series = seasonal()
    gaps = series.drop(["2024-03", "2025-07"])
    made = forecast(gaps, 6)
    assert made.attrs["interpolated"] == ["2024-03", "2025-07"]
    assert made.attrs["history"] == 34
    assert "2025-07" not in set(held_out_months(made)["month"])
    assert made["value"].to_numpy() == pytest.approx(forecast(series, 6)["value"].to_numpy(), rel=0.1)


def test_unobserved_components_skips_what_is_missing():
    """A gap is not filled by a straight line: the filter has the same forecast as statsmodels given the gap."""
    logs = np.log(walk(20).to_numpy())
    logs[5:8] = np.nan
    direct = UnobservedComponents(logs, "llevel").fit(disp=False, method="nm", maxiter=2000)
    assert backtests.unobserved_components(logs, 3, False)[0] == pytest.approx(direct.forecast(3), abs=2e-3)


def test_a_model_that_fails_is_left_out_and_named(monkeypatch):
    def fails(logs, months):
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(backtests, "theta", fails)
    made = forecast(seasonal(20), 3)
    assert made.attrs["dropped"] == {"Theta": "singular"}
    assert "Theta" not in set(backtest_table(made)["model"])
    monkeypatch.setattr(backtests, "ets", lambda logs, months, season: (np.full(months, np.nan), np.ones(months)))
    monkeypatch.setattr(backtests, "unobserved_components", lambda logs, months, season: fails(logs, months))
    made = forecast(seasonal(), 3)
    assert set(made.attrs["dropped"]) == {"ETS", "UnobservedComponents", "Theta"}
    assert set(made["model"]) <= {"naive", "seasonal naive"}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from([1e-6, 0.5, 1.0, 1.0, 1.0, 1.0, 2.0, 100.0, 1e9]), min_size=12, max_size=40),
    st.integers(1, 12),
)
def test_never_a_warning_nor_a_number_that_is_not(figures, months):
    """Outliers of any size, long stretches of one figure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = forecast(by_month(figures), months)
    if isinstance(made, Refused):
        return
    numbers = made.drop(columns=["month", "model"]).to_numpy(dtype=float)
    assert np.isfinite(numbers).all()
    assert (made["low"] > 0).all()
    assert np.isfinite(backtest_table(made).drop(columns="model").to_numpy(dtype=float)).all()
    assert isinstance(forecast_estimate(made), Estimate)
    assert isinstance(error_estimate(made), Estimate)


@pytest.mark.parametrize("factor", [1e-4, 1e5])
def test_the_currency_does_not_matter(made, factor):
    other = forecast(seasonal() * factor, 6)
    assert other["model"].tolist() == made["model"].tolist()
    for name in ("value", "low", "high"):
        assert other[name].to_numpy() == pytest.approx(made[name].to_numpy() * factor, rel=1e-3)
    assert other["mase"].iloc[0] == pytest.approx(made["mase"].iloc[0], rel=1e-3)


def test_two_forecasts_can_be_stacked_and_joined(made):
    """pandas compares the attrs of the tables it joins, and a DataFrame among them would raise."""
    other = forecast(walk(20), 6)
    assert len(pd.concat([made, other])) == 12
    assert len(pd.concat([made.head(2), made.tail(2)])) == 4
    assert len(made.merge(made, on="month")) == 6


def test_the_interval_grows_with_the_level(made):
    narrow = forecast(seasonal(), 6, level=0.5)
    assert (narrow["low"] > made["low"]).all()
    assert (narrow["high"] < made["high"]).all()
    assert narrow["value"].tolist() == made["value"].tolist()


# ---- as estimates ------------------------------------------------------------------------------------------------


def test_forecast_as_an_estimate(made):
    estimate = forecast_estimate(made)
    last = made.iloc[-1]
    assert (estimate.value, estimate.low, estimate.high) == (last["value"], last["low"], last["high"])
    assert (estimate.unit, estimate.n, estimate.level) == ("money per customer", 36, 0.90)
    for text in ("2026-06", "not for its mean", "12 origins", f"{last['backtest_coverage']:.0%}"):
        assert text in estimate.definition_in("en")
    assert "不是其均值" in estimate.definition_in("zh")
    assert forecast_estimate(made, "2026-02").value == made["value"].iloc[1]
    with pytest.raises(ValueError, match="2027-01"):
        forecast_estimate(made, "2027-01")


def test_errors_as_estimates(made):
    table = backtest_table(made).set_index("model")
    row = table.loc[made["model"].iloc[0]]
    assert error_estimate(made).value == row["mase"]
    assert error_estimate(made).n == 57
    assert relative_error(made).value == pytest.approx(row["mae"] / table.loc["seasonal naive", "mae"])
    assert relative_error(made).value < 1
    assert "smaller than those of the seasonal naive" in verdict(made).en


def test_where_nothing_beats_the_benchmark_it_is_the_forecast(monkeypatch):
    def poor(logs, months, season=False):
        return np.full(months, logs[np.isfinite(logs)][-1] + 1.0), np.ones(months)

    for name in ("ets", "unobserved_components", "theta", "naive"):
        monkeypatch.setattr(backtests, name, poor)
    made = forecast(seasonal(), 3)
    assert set(made["model"]) == {"seasonal naive"}
    assert not made.attrs["beats_benchmark"]
    assert made["value"].to_numpy() == pytest.approx(seasonal().to_numpy()[24:27])
    assert "no model was better" in verdict(made).en
    assert relative_error(made).value == 1


def test_same_inputs_same_numbers(made):
    pd.testing.assert_frame_equal(forecast(seasonal(), 6), made, check_exact=True)
