"""Do the 90% intervals of the reminder days and of the hazard contain the truth in 90 of 100 simulated brands?

Days are whole numbers, so an interval of days may cover more often than it says; so does the exact interval of a count.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from siyu_helpers.analysis.estimates import coverage
from siyu_helpers.analysis.reminder_timing import hazard, reminder_days
from siyu_helpers.analysis.repurchase_cycle import time_to_next_order

START = pd.Timestamp("2024-01-01")
HORIZON, SMOOTH = 180, 14

# One in two never returns; the others after a gamma gap of 45 days on average, rounded up.
DAYS = np.arange(0, 2000)
STILL = 0.5 + 0.5 * stats.gamma.sf(DAYS, 4, scale=45 / 4)


def said(result):
    print(f"{result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    return result


def brand(rng):
    """1,500 customers who arrive over 100 days and are watched to day 400."""
    first = rng.integers(0, 100, 1500)
    gap = np.where(rng.random(1500) < 0.5, np.ceil(rng.gamma(4, 45 / 4, 1500)), 1e6).astype(int)
    came = first + gap <= 400
    at = START + pd.to_timedelta(np.append(first, (first + gap)[came]), "D")
    ids = np.append(np.arange(1500), np.flatnonzero(came))
    return pd.DataFrame({"customer_id": ids, "ordered_at": at, "amount": 1.0})


def curve(log):
    return time_to_next_order(log, START + pd.Timedelta(days=400))


def true_peak():
    """Day on which the smoothed chance per day peaks in an endless brand: a plain loop over days."""
    chance = []
    for day in range(1, HORIZON + 1):
        window = np.arange(max(1, day - SMOOTH + 1), min(HORIZON, day + SMOOTH - 1) + 1)
        weight = SMOOTH - np.abs(window - day)
        chance.append((weight * (STILL[window - 1] - STILL[window])).sum() / (weight * STILL[window - 1]).sum())
    return int(np.argmax(chance)) + 1


def true_day(share):
    back = 1 - STILL[: HORIZON + 1]
    return int(np.argmax(back >= share * back[-1]))


@pytest.mark.parametrize("name", ["peak", "half", "late"])
def test_interval_of_the_reminder_days(runs, name):
    truth = {"peak": true_peak(), "half": true_day(0.5), "late": true_day(0.8)}[name]

    def interval(log):
        return getattr(reminder_days(curve(log), HORIZON, smooth_days=SMOOTH), name)

    assert said(coverage(brand, interval, truth, runs, seed=1)).meets_bar(conservative=True)


def test_interval_of_the_hazard(runs):
    """The fourth week: expected events over expected customer days."""

    def interval(log):
        row = hazard(curve(log)).iloc[3]
        return row["hazard_low"], row["hazard_high"]

    week = np.arange(22, 29)
    truth = (STILL[21] - STILL[28]) / STILL[week - 1].sum()
    assert said(coverage(brand, interval, truth, runs, seed=2)).meets_bar(conservative=True)
