"""Does the forecast's 90% interval contain what comes, and does its backtested coverage tell the truth about it?

Each simulated brand has a cost per new customer that follows one of five courses; the six months after the history
are kept from the forecast. The same histories serve all tests. The full runs print their counts with `pytest -rP`.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.acquisition.forecasts import forecast
from siyu_helpers.analysis.estimates import LEVEL, Coverage

COURSES = ("growth", "season", "autoregression", "random walk", "counts")
AHEAD = 6
MONTHS = {60: 30, 200: 36}  # of history by number of runs: fewer months have fewer origins to backtest


def cost(course, rng, months):
    """Monthly cost per new customer; yearly growth of 0 to 28% in all courses."""
    at = np.arange(months)
    month_of_year = (at + rng.integers(12)) % 12
    logs = np.log(80) + rng.uniform(0, 0.25) / 12 * at
    swing = rng.uniform(0.05, 0.2)  # a smooth season with peaks in June (618) and November (11.11)
    season = swing * (np.sin(2 * np.pi * month_of_year / 12) + (month_of_year == 5) + 1.5 * (month_of_year == 10))
    if course == "growth":
        return np.exp(logs + rng.normal(0, 0.08, months))
    if course == "season":
        return np.exp(logs + season + rng.normal(0, 0.06, months))
    if course == "random walk":
        return np.exp(logs + np.cumsum(rng.normal(0, 0.06, months)))
    if course == "counts":  # what 150 customers are expected to cost, over the number that came
        return 150 * np.exp(logs + season / 2) / rng.poisson(150, months)
    drift = [rng.normal(0, 0.06 / np.sqrt(1 - 0.49))]
    for step in rng.normal(0, 0.06, months - 1):
        drift.append(0.7 * drift[-1] + step)
    return np.exp(logs + np.array(drift))


@cache
def simulated(runs, months, level=LEVEL):
    """One row a brand: whether the interval contained what came, by month ahead, and the backtested coverage."""
    rows = []
    for run in range(runs):
        course = COURSES[run % len(COURSES)]
        series = cost(course, np.random.default_rng([months, run]), months + AHEAD)
        labels = pd.period_range("2022-01", periods=months, freq="M")
        made = forecast(pd.Series(series[:months], index=labels), AHEAD, level=level)
        hit = ((made["low"] <= series[months:]) & (series[months:] <= made["high"])).to_numpy()
        coverage = made.attrs["coverage"]
        rows.append((course, *hit, coverage.value, coverage.low, coverage.high, made["model"].iloc[0]))
    columns = ["course", *range(1, AHEAD + 1), "backtested", "low", "high", "model"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize("ahead", [1, 3, 6])
def test_the_interval_contains_what_comes(runs, ahead):
    hits = int(simulated(runs, MONTHS[runs])[ahead].sum())
    print(f"{hits} of {runs}, {ahead} months ahead")  # noqa: T201 - shown by pytest -rP
    assert Coverage(hits, runs).meets_bar()


def test_backtested_coverage_is_within_five_points_of_nominal(runs):
    table = simulated(runs, MONTHS[runs])
    print(table.drop(columns="model").groupby("course").mean().round(3).to_string())  # noqa: T201
    print(table["model"].value_counts().to_string())  # noqa: T201
    assert abs(table["backtested"].mean() - LEVEL) <= 0.05


def test_wilson_interval_over_origins_contains_the_coverage_that_comes(runs):
    """The interval of one brand's backtested coverage, against the coverage over all brands."""
    table = simulated(runs, MONTHS[runs])
    truth = table[list(range(1, AHEAD + 1))].to_numpy().mean()
    inside = int(((table["low"] <= truth) & (truth <= table["high"])).sum())
    print(f"{inside} of {runs}")  # noqa: T201
    assert Coverage(inside, runs).meets_bar(conservative=True)


@pytest.mark.full
@pytest.mark.parametrize("months", [12, 18, 24, 60])
def test_other_lengths_of_history(months):
    """Three horizons at once: each brand gives three chances, so the bar is on the share of all, 85% to 95%."""
    table = simulated(200 if months < 60 else 100, months)
    shares = table[[1, 3, 6]].mean()
    print(shares.round(3).to_dict(), round(table["backtested"].mean(), 3))  # noqa: T201
    assert 0.85 <= shares.mean() <= 0.95
    assert abs(table["backtested"].mean() - LEVEL) <= 0.06
