"""Do the 90% intervals of the repurchase page contain the truth in 90 of 100 simulated brands?

Every simulation draws a small brand whose truth is known, sends it through the public function a notebook calls, and
counts. The full runs print their count with `pytest -rP`.
"""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.cohort_value import value_at, value_per_customer
from siyu_helpers.analysis.estimates import BOOTSTRAP_AT_MOST, coverage, mean_per_customer
from siyu_helpers.analysis.repurchase_cohorts import (
    average_retention,
    cohort_grid,
    cumulative_repurchase,
    revenue_per_customer,
)

START = pd.Timestamp("2024-01-01")


def orders(customer, day, amount=1.0):
    """Orders on whole days since 1 January 2024."""
    at = START + pd.to_timedelta(np.asarray(day, dtype="int64"), "D")
    return pd.DataFrame({"customer_id": customer, "ordered_at": at, "amount": amount})


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


@pytest.mark.parametrize("measure", ["revenue", "contribution"])
def test_interval_of_value_by_origin(runs, measure):
    """Two channels, of which one brings 150 of 400 customers; half of each order is cost, a tenth comes back."""

    def simulate(rng):
        ids, back = np.arange(400), np.flatnonzero(rng.random(400) < 0.3)
        days = np.append(np.zeros(400), rng.integers(0, 60, len(back)))
        log = orders(np.append(ids, back), days, rng.gamma(2, 50, len(days)))
        log["acquired_through"] = np.where(log["customer_id"] < 150, "wecom", "search")
        log["refunded"] = log["amount"] * (rng.random(len(log)) < 0.1)
        return log.assign(cost=log["amount"] / 2)

    def interval(log):
        return value_at(value_per_customer(log, "2024-03-31", 60, measure, by="acquired_through"), 60, "wecom")

    truth = 130.0 * (0.9 if measure == "revenue" else 0.4)
    assert said(coverage(simulate, interval, truth, runs, seed=7)).meets_bar()


def test_wilson_interval_of_cumulative_repurchase(runs):
    """400 customers new in January who return with chance 0.5% a day: share with a second order by day 59."""

    def simulate(rng):
        first, gap = rng.integers(0, 31, 400), rng.geometric(0.005, 400)
        came = first + gap <= 100
        return orders(np.append(np.arange(400), np.flatnonzero(came)), np.append(first, (first + gap)[came]))

    def interval(log):
        cell = cumulative_repurchase(log, START + pd.Timedelta(days=100)).set_index("age").loc[1]
        return cell["cumulative_repurchase_low"], cell["cumulative_repurchase_high"]

    assert said(coverage(simulate, interval, 1 - 0.995**59, runs, seed=8)).meets_bar()
