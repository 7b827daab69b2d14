"""Do the 90% intervals of the repurchase cycle contain the truth in 90 of 100 simulated brands?

Every simulation draws a small brand whose truth is known, sends it through the public function a notebook calls, and
counts. The full runs print their count with `pytest -rP`.
"""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import coverage
from siyu_helpers.analysis.repurchase_cycle import log_rank, median_days, repurchased_within, time_to_next_order

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


def test_p_value_of_the_log_rank_test(runs):
    """Three groups that do not differ: p is above 0.10 in nine of ten."""

    def simulate(rng):
        log = geometric_gaps(rng)
        return log.assign(channel=(log["customer_id"] % 3).astype(str))

    def accepted(log):
        test = log_rank(time_to_next_order(log, START + pd.Timedelta(days=180), by="channel"))
        return (0.0, 1.0) if test.p_value > 0.10 else (1.0, 1.0)  # contains 0, or does not

    assert said(coverage(simulate, accepted, 0.0, runs, seed=5)).meets_bar()
