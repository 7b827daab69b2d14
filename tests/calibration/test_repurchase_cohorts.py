"""Do the 90% intervals of the repurchase page contain the truth in 90 of 100 simulated brands?

Every simulation draws a small brand whose truth is known, sends it through the public function a notebook calls, and
counts. The full runs print their count with `pytest -rP`.
"""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import BOOTSTRAP_AT_MOST, coverage, mean_per_customer
from siyu_helpers.analysis.repurchase_cohorts import (
    average_retention,
    cohort_grid,
    median_days,
    repurchased_within,
    revenue_per_customer,
    time_to_next_order,
)

START = pd.Timestamp("2024-01-01")


def orders(customer, day, amount=1.0):
    """Orders on whole days since 1 January 2024."""
    at = START + pd.to_timedelta(np.asarray(day, dtype="int64"), "D")
    return pd.DataFrame({"customer_id": customer, "ordered_at": at, "amount": amount})


def first_and_next(gaps, arrivals, last):
    """Each customer's first order, and the next one where it comes by the last day."""
    ids = np.arange(len(gaps))
    second = arrivals + gaps
    came = second <= last
    return orders(np.append(ids, ids[came]), np.append(arrivals, second[came]))


def said(result):
    print(f"{result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    return result


@pytest.mark.parametrize("chance", [0.25, 0.06])
def test_wilson_interval_of_a_cell(runs, chance):
    """400 customers new in January, each of whom orders in February with a known chance."""

    def simulate(rng):
        ids, back = np.arange(400), np.flatnonzero(rng.random(400) < chance)
        days = np.append(rng.integers(0, 31, 400), rng.integers(31, 60, len(back)))
        return orders(np.append(ids, back), days)

    def interval(log):
        cell = cohort_grid(log, "2024-02-29").set_index("age").loc[1]
        return cell["retention_low"], cell["retention_high"]

    assert said(coverage(simulate, interval, chance, runs, seed=1)).meets_bar()


def test_wilson_interval_of_the_average_curve(runs):
    """Three cohorts of unequal size and one common chance to be active a month later."""

    def simulate(rng):
        first = np.repeat([0, 31, 60], [100, 250, 50])  # 1 January, 1 February, 1 March
        back = np.flatnonzero(rng.random(400) < 0.2)
        return orders(np.append(np.arange(400), back), np.append(first, first[back] + 31))

    def interval(log):
        row = average_retention(cohort_grid(log, "2024-04-30")).set_index("age").loc[1]
        return row["retention_low"], row["retention_high"]

    assert said(coverage(simulate, interval, 0.2, runs, seed=2)).meets_bar()


def geometric_gaps(rng):
    """300 customers who arrive over 150 days and return with chance 2% on each later day; watched for 180 days."""
    return first_and_next(rng.geometric(0.02, 300), rng.integers(0, 150, 300), last=180)


@pytest.mark.parametrize("days", [10, 60, 120])
def test_greenwood_interval_of_the_curve(runs, days):
    """Share back within so many days, where those who arrived late are still being watched."""

    def interval(log):
        return repurchased_within(time_to_next_order(log, START + pd.Timedelta(days=180)), days)

    assert said(coverage(geometric_gaps, interval, 1 - 0.98**days, runs, seed=3)).meets_bar()


def test_interval_of_the_median(runs):
    """Whole days make this interval cover too often, hence no upper bar."""

    def interval(log):
        return median_days(time_to_next_order(log, START + pd.Timedelta(days=180)))

    truth = np.ceil(np.log(0.5) / np.log(0.98))  # first day by which half have returned
    assert said(coverage(geometric_gaps, interval, truth, runs, seed=4)).meets_bar(conservative=True)


SPEND = {
    "gamma, shape 0.5": (lambda rng, n: rng.gamma(0.5, 200, n), 100.0),
    "lognormal, sigma 1": (lambda rng, n: rng.lognormal(4, 1, n), np.exp(4.5)),
    "one in four spends, lognormal, sigma 1": (
        lambda rng, n: rng.lognormal(4, 1, n) * (rng.random(n) < 0.25),
        0.25 * np.exp(4.5),
    ),
}


@pytest.mark.parametrize("spend", SPEND)
@pytest.mark.parametrize("customers", [400, BOOTSTRAP_AT_MOST + 1])
def test_interval_of_mean_spend(runs, spend, customers):
    """Skewed spend: bootstrap-t for few customers, Hall's closed form for many."""
    draw, truth = SPEND[spend]

    def simulate(rng):
        return draw(rng, customers)

    assert said(coverage(simulate, mean_per_customer, truth, runs, seed=5)).meets_bar()


def test_interval_of_revenue_per_customer(runs):
    """First orders of gamma size; three in ten return once within the window, with an order of the same kind."""

    def simulate(rng):
        ids, back = np.arange(400), np.flatnonzero(rng.random(400) < 0.3)
        days = np.append(np.zeros(400), rng.integers(0, 60, len(back)))
        return orders(np.append(ids, back), days, rng.gamma(2, 50, len(days)))

    def interval(log):
        return revenue_per_customer(log, "2024-03-31", within_days=60)

    assert said(coverage(simulate, interval, 130.0, runs, seed=6)).meets_bar()
