"""Does the 90% interval of the trend from cohort to cohort contain the truth, whatever else cohorts share?

Every simulation draws cohorts of unequal size whose shares follow a straight line with scatter around it, independent
or resembling the cohort before, and sends their orders through `repurchase_trend`.
"""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import coverage
from siyu_helpers.analysis.repurchase_trend import repurchase_trend

RISE = 0.02  # a year


def cohorts(rng, number, scatter, resemblance, season):
    """Orders of monthly cohorts of 100 to 800 customers; those who return do so on the tenth day."""
    customers = rng.integers(100, 800, number)
    apart = rng.normal(0, scatter, number)
    for month in range(1, number):
        apart[month] = resemblance * apart[month - 1] + np.sqrt(1 - resemblance**2) * apart[month]
    months = np.arange(number)
    share = 0.3 + RISE * months / 12 + apart + season * np.cos(2 * np.pi * months / 12)
    returning = rng.binomial(customers, np.clip(share, 0.01, 0.99))
    first = pd.date_range("2022-01-01", periods=number, freq="MS")
    day = np.append(first.repeat(customers), first.repeat(returning) + pd.Timedelta(days=10))
    ids = np.arange(customers.sum())
    rank = ids - np.repeat(np.append(0, customers.cumsum()[:-1]), customers)
    again = ids[rank < returning.repeat(customers)]
    return pd.DataFrame({"customer_id": np.append(ids, again), "ordered_at": day, "amount": 1.0})


@pytest.mark.parametrize(
    ("number", "scatter", "resemblance", "season"),
    [(12, 0.02, 0.0, 0.0), (12, 0.04, 0.4, 0.0), (18, 0.03, 0.4, 0.0), (24, 0.03, 0.0, 0.05), (30, 0.03, 0.4, 0.05)],
)
def test_interval_of_the_slope(runs, number, scatter, resemblance, season):
    """With 24 cohorts and more there is a season too, which has to be taken out."""

    def interval(log):
        return repurchase_trend(log, "2025-12-31", within_days=30).slope

    def simulate(rng):
        return cohorts(rng, number, scatter, resemblance, season)

    result = coverage(simulate, interval, 100 * RISE, runs, seed=number)
    print(f"{result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    assert result.meets_bar()
