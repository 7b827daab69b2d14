"""Rolling-origin backtests: several forecasts of one monthly series, judged on months they had not seen.

Used by `forecasts`. Everything is in logarithms of a positive figure, so that no forecast falls below zero. A forecast
made at an origin is fitted to the months before it alone; which forecast is used there, and how wide its interval is,
follows from errors that were known by then. So the coverage counted at the end is that of the whole procedure, the
choice included, as it would have been used month by month (Dawid 1984, J. R. Statist. Soc. A 147, 278-292).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel
from statsmodels.tsa.statespace.structural import UnobservedComponents

YEAR = 12
SEASON_FROM = 2 * YEAR  # months before a model with a season can be fitted
SEASON_TESTED_FROM = SEASON_FROM + 6  # ... and held out against at least 6 origins
ORIGINS_AT_MOST = 18
ORIGINS_TO_CHOOSE = 3  # with fewer known errors nothing is chosen: the average is used

# The interval a model states about itself counts as much as this many origins, and one month counts at most as one
# that lay so many times its spread away. Chosen by simulation: tests/calibration/test_acquisition_forecasts.py.
OWN_SPREAD_COUNTS = 8
WILDEST = 6.0

AVERAGE, SEASONAL_NAIVE, NAIVE = "average", "seasonal naive", "naive"

Paths = tuple[np.ndarray, np.ndarray]  # centre and spread, one each for every month ahead


class Plan(NamedTuple):
    """What a series of this length allows: models, the benchmark among them, and the first origin."""

    models: dict[str, Callable[[np.ndarray, int], Paths]]
    benchmark: str
    first: int
    season: str  # "none", "last year", "modelled"


class Held(NamedTuple):
    """Forecasts from every origin, and what came after: arrays (model, origin, month ahead).

    The last origin is the end of the series, where nothing is known yet. `known` says which months have come by the
    end of the series, `actual` what they were.
    """

    names: list[str]
    benchmark: str
    origins: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    actual: np.ndarray
    known: np.ndarray
    target: np.ndarray
    dropped: dict[str, str]

    @property
    def error(self) -> np.ndarray:
        """Absolute errors in the unit of the series."""
        return np.abs(np.exp(self.actual) - np.exp(self.centre))

    @property
    def missed_by(self) -> np.ndarray:
        """Errors in multiples of the spread the model stated, at most `WILDEST`."""
        return np.minimum(np.abs(self.actual - self.centre) / self.spread, WILDEST)

    def known_at(self, origin: int) -> np.ndarray:
        """Which held-out months had come when the forecast of this origin was made (a number of the list)."""
        return self.known & (self.target < self.origins[origin])


def filled(logs: np.ndarray) -> np.ndarray:
    """Return the logs with missing months interpolated (a missing last one repeats the last one known)."""
    at = np.arange(len(logs))
    seen = np.isfinite(logs)
    return np.interp(at, at[seen], logs[seen])


def naive(logs: np.ndarray, months: int) -> Paths:
    """Last month's figure goes on; the spread is that of a random walk."""
    step = np.diff(filled(logs))
    return np.repeat(filled(logs)[-1], months), np.sqrt(np.mean(step**2) * np.arange(1, months + 1))


def seasonal_naive(logs: np.ndarray, months: int) -> Paths:
    """The figure of the same month a year before comes again."""
    series = filled(logs)
    change = series[YEAR:] - series[:-YEAR]
    return series[np.arange(months) - YEAR], np.repeat(np.sqrt(np.mean(change**2)), months)


def ets(logs: np.ndarray, months: int, season: bool) -> Paths:
    """Exponential smoothing: level with a damped trend and a season, or a level alone where no season can be learnt.

    Hyndman, Koehler, Ord and Snyder (2008), chapter 2: ETS(A,Ad,A) or ETS(A,N,N) of the logs. Started from
    statsmodels' heuristic, or from the first month: that heuristic needs ten.
    """
    series = pd.Series(filled(logs))  # ETSModel.get_prediction fails on a plain array
    if season:
        model = ETSModel(
            series,
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=YEAR,
            initialization_method="heuristic",
        )
    else:
        model = ETSModel(series, initialization_method="known", initial_level=series.iloc[0])
    fit = model.fit(disp=False)
    _check_converged(fit)
    ahead = fit.get_prediction(start=len(series), end=len(series) + months - 1)
    free = 5 if season else 2  # statsmodels divides the squares by n; smoothing weights and the variance were fitted
    variance = np.asarray(ahead.forecast_variance) * len(series) / (len(series) - free)
    return np.asarray(ahead.predicted_mean), np.sqrt(variance)


def unobserved_components(logs: np.ndarray, months: int, season: bool) -> Paths:
    """A level that wanders, with a constant growth and two harmonics of the year where a season can be learnt.

    Harvey (1989), sections 2.3 and 4.1. Growth and harmonics do not change over time: with three years of months a
    changing season cannot be told from noise. Missing months are skipped, not filled.
    """
    parts = {"level": "local level"}
    if season:
        parts = {
            "level": "local linear deterministic trend",
            "freq_seasonal": [{"period": YEAR, "harmonics": 2}],
            "stochastic_freq_seasonal": [False],
        }
    centre, scale = np.nanmean(logs), np.nanstd(logs)  # variances near 1: the optimiser stops early at those near 0.001
    model = UnobservedComponents((logs - centre) / scale, **parts)
    fit = model.fit(disp=False, cov_type="none")
    if not fit.mle_retvals["converged"]:
        fit = model.fit(fit.params, method="nm", disp=False, cov_type="none")
    _check_converged(fit)
    ahead = fit.get_forecast(months)
    return centre + scale * np.asarray(ahead.predicted_mean), scale * np.asarray(ahead.se_mean)


def theta(logs: np.ndarray, months: int) -> Paths:
    """Theta method: half the slope of a straight line, on top of simple exponential smoothing.

    Assimakopoulos and Nikolopoulos (2000), Int. J. Forecasting 16, 521-530; equal to smoothing with drift (Hyndman
    and Billah 2003, ibid. 19, 287-290). The season is taken out, added to the logs, where two years of months show
    one. The spread is that of smoothing, 1 + (h - 1) alpha**2 (not statsmodels' 1 + (h - 1) (1 + (alpha - 1)**2)).
    """
    series = filled(logs)
    # "additive" must be said: with "auto" statsmodels multiplies by the season whenever the series is positive.
    fit = ThetaModel(series, period=YEAR, deseasonalize=len(series) >= SEASON_FROM, method="additive").fit()
    alpha = float(fit.params["alpha"])
    # forecast_components gives the season of the months to come; those of one year are all there are
    season = np.asarray(fit.forecast_components(YEAR)["seasonal"])
    smooth = series - season[(np.arange(len(series)) - len(series)) % YEAR]
    level, missed = smooth[0], []
    for value in smooth[1:]:
        missed.append(value - level)
        level += alpha * (value - level)
    steps = np.arange(months)
    return np.asarray(fit.forecast(months)), np.std(missed, ddof=2) * np.sqrt(1 + steps * alpha**2)


def plan_for(months_of_history: int) -> Plan:
    """Models, benchmark and first origin for a series of so many months."""
    n, modelled = months_of_history, months_of_history >= SEASON_TESTED_FROM
    models = {
        "ETS": lambda logs, months: ets(logs, months, modelled),
        "UnobservedComponents": lambda logs, months: unobserved_components(logs, months, modelled),
        "Theta": theta,
        NAIVE: naive,
    }
    if n < SEASON_FROM:
        return Plan(models, NAIVE, n // 2, "none")
    models[SEASONAL_NAIVE] = seasonal_naive
    if not modelled:
        return Plan(models, SEASONAL_NAIVE, SEASON_FROM - 6, "last year")
    return Plan(models, SEASONAL_NAIVE, max(SEASON_FROM, n - ORIGINS_AT_MOST), "modelled")


def roll(logs: np.ndarray, months: int, plan: Plan) -> Held:
    """Fit every model at every origin, to the months before it alone.

    logs (months, NaN where missing)  ->  arrays (model, origin, month ahead)

    A model that fails at any origin is left out and named in `dropped`. The average of the models that remain (the
    benchmarks excepted) comes first. Where models disagree, their spread is widened by the disagreement, since the
    interval that a model states takes that model for the truth.
    """
    origins = np.arange(plan.first, len(logs) + 1)
    target = origins[:, None] + np.arange(months)
    actual = np.append(logs, np.full(months, np.nan))[target]
    known = np.isfinite(actual)
    paths, dropped = {}, {}
    for name, model in plan.models.items():
        paths[name], dropped[name] = _paths(model, logs, origins, months)
    paths = {name: made for name, made in paths.items() if not dropped[name]}
    names = [name for name in paths if name not in (NAIVE, SEASONAL_NAIVE)]
    benchmarks = [name for name in paths if name not in names]
    centre = np.array([paths[name][0] for name in names + benchmarks])
    spread = np.array([paths[name][1] for name in names + benchmarks])
    # A model may fit a quiet stretch perfectly; no figure of a business is known to a thousandth of its scatter.
    floor = max(1e-3 * np.nanstd(np.diff(filled(logs[: plan.first]))), 1e-6)
    spread = np.maximum(spread, floor)
    if len(names) > 1:
        middle = centre[: len(names)].mean(axis=0)
        apart = (centre - middle) ** 2
        mixed = (spread[: len(names)] ** 2 + apart[: len(names)]).mean(axis=0)
        centre = np.concatenate([middle[None], centre])
        spread = np.sqrt(np.concatenate([mixed[None], spread**2 + apart]))
        names = [AVERAGE, *names]
    left_out = {name: why for name, why in dropped.items() if why}
    actual = np.where(known, actual, 0.0)
    return Held(names + benchmarks, plan.benchmark, origins, centre, spread, actual, known, target, left_out)


def _paths(model: Callable[..., Paths], logs: np.ndarray, origins: np.ndarray, months: int) -> tuple[Paths, str]:
    """Forecasts of one model from all origins; "" or why it is left out."""
    centre, spread = np.empty((2, len(origins), months))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for row, origin in enumerate(origins):
            try:
                centre[row], spread[row] = model(logs[:origin], months)
            except (ValueError, ArithmeticError, np.linalg.LinAlgError, IndexError) as error:
                return (centre, spread), str(error) or type(error).__name__
    return (centre, spread), "" if np.isfinite(centre).all() and np.isfinite(spread).all() else "not finite"


def _check_converged(fit: Any) -> None:
    if not fit.mle_retvals["converged"]:
        raise ArithmeticError("did not converge")


def choose(held: Held, use: np.ndarray) -> int:
    """Number of the model to use, from the errors of the months marked in `use`.

    The benchmark where nothing has a smaller mean absolute error. Else the average of the models, unless another one
    is better by more than one standard error over the origins: the smallest of several errors that hardly differ is
    chance, and the forecast picked by it is worse than the average and seems better than it is.
    """
    benchmark = held.names.index(held.benchmark)
    average = held.names.index(AVERAGE) if AVERAGE in held.names else benchmark
    rows = np.flatnonzero(use.any(axis=1))
    if len(rows) < ORIGINS_TO_CHOOSE:
        return average
    error = held.error
    mean = error[:, use].mean(axis=1)
    best = int(mean.argmin())
    if mean[best] >= mean[benchmark]:
        return benchmark
    if mean[average] >= mean[benchmark] or best == average:
        return best
    count = use[rows].sum(axis=1)
    gain = np.where(use, error[average] - error[best], 0.0)[rows].sum(axis=1) / count
    over_all = np.average(gain, weights=count)
    squares = (count**2 * (gain - over_all) ** 2).sum() / count.sum() ** 2
    return best if over_all > math.sqrt(squares * len(rows) / (len(rows) - 1)) else average


def used_at(held: Held) -> np.ndarray:
    """Number of the model that would have been used at each origin but the last, from errors known by then."""
    return np.array([choose(held, held.known_at(row)) for row in range(len(held.origins) - 1)])


def reach(held: Held, used: np.ndarray, use: np.ndarray, level: float) -> float:
    """How many spreads an interval reaches to either side, from the errors of the months marked in `use`.

    The square of the factor is an average of 1 (what the models say of themselves, counted as `OWN_SPREAD_COUNTS`
    origins) and of the mean squared error in spreads; the quantile is Student's, with as many degrees of freedom. The
    errors are those of the models `used` at each origin, not of the one that turned out best: its errors are small
    partly by luck, which does not go on.
    """
    rows = np.arange(len(used))
    origins = int(use.any(axis=1).sum())
    missed = held.missed_by[used, rows][use[:-1]]
    weight = OWN_SPREAD_COUNTS + origins
    squares = OWN_SPREAD_COUNTS + (origins * np.mean(missed**2) if origins else 0.0)
    return math.sqrt(squares / weight) * stats.t.ppf((1 + level) / 2, weight)


def inside(held: Held, used: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether each held-out month lay inside its interval, by the model `used` at each origin, and the reach there."""
    rows = range(len(used))
    far = np.array([reach(held, used, held.known_at(row), level) for row in rows])
    hit = np.array([held.missed_by[used[row], row] <= far[row] for row in rows])
    return hit, far
