"""Do the 90% intervals of calibrated credit contain the truth in 90 of 100 simulated brands?

Journeys along each path are Poisson counts; a channel causes a fixed multiple of the credit it is due on average; a
lift test reports that with a normal error. The period holds the days of the test, so that the two credits vary
together.
"""

import functools
import itertools

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.attribution import lift_tests
from siyu_helpers.analysis.attribution.money import interval_of
from siyu_helpers.analysis.estimates import Coverage

PATHS = [("feed",), ("feed", "search"), ("search", "feed", "wecom"), ("search",), ("wecom", "wecom"), ("feed", "wecom")]
ORDERS_A_DAY = np.array([0.5, 0.8, 0.4, 0.9, 0.6, 0.5])
NULLS_A_DAY = np.array([25.0, 12.0, 4.0, 15.0, 2.0, 6.0])
FACTOR, DAYS, SPEND = 1.4, 365, 50_000.0
ONE = [(60, 130)]
TWO = [(60, 130), (200, 250)]


def table(orders, nulls, first, last):
    made = pd.DataFrame({"path": PATHS, "conversions": orders, "nulls": nulls, "value": orders * 10.0})
    start = pd.Timestamp("2024-01-01")
    made.attrs = {"conversions_of": "orders", "ended_from": str((start + pd.Timedelta(first, "D")).date()),
                  "observed_until": str((start + pd.Timedelta(last - 1, "D")).date())}  # fmt: skip
    return made


@functools.cache
def due(rule, days):
    """Credit of the channel where every count is as large as its mean."""
    found = interval_of(table(ORDERS_A_DAY * days, NULLS_A_DAY * days, 0, days), rule, "conversions", 20, 1, 0.9, {})
    return found.set_index("channel").loc["feed", "estimate"]


def simulate(rng, rule, spans):
    """Counts of the days before, within and after each test, the sums of all, and what the tests report."""
    edges = sorted({0, DAYS, *(edge for span in spans for edge in span)})
    counts = {part: [rng.poisson(a_day * (part[1] - part[0])) for a_day in (ORDERS_A_DAY, NULLS_A_DAY)]
              for part in itertools.pairwise(edges)}  # fmt: skip
    whole = table(*(sum(part[i] for part in counts.values()) for i in (0, 1)), 0, DAYS)
    windows = [table(*counts[span], *span) for span in spans]
    tests = []
    for span, window in zip(spans, windows, strict=True):
        true = FACTOR * due(rule, span[1] - span[0])
        tests.append({"channel": "feed", "of": "orders", "from": window.attrs["ended_from"],
                      "until": window.attrs["observed_until"], "standard_error": 0.15 * true,
                      "incremental": rng.normal(true, 0.15 * true)})  # fmt: skip
    return whole, tests, windows


@pytest.mark.parametrize(("rule", "spans"), [("linear", ONE), ("markov", ONE), ("last", TWO)])
def test_factor_calibrated_credit_and_cost(runs, rule, spans):
    hits = {"factor": 0, "calibrated": 0, "cost": 0}
    caused = FACTOR * due(rule, DAYS)
    spend = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=DAYS), "channel": "feed", "spend": SPEND / DAYS})
    for child in np.random.SeedSequence(5).spawn(runs):
        whole, tests, windows = simulate(np.random.default_rng(child), rule, spans)
        found = lift_tests.calibrate(whole, tests, windows, rule, draws=200)
        facts = lift_tests.calibration_facts(found, "feed")
        cost = lift_tests.calibrated_cost(lift_tests.calibrated_cac(found, spend), "feed")
        hits["factor"] += facts["factor"].low <= FACTOR <= facts["factor"].high
        hits["calibrated"] += facts["calibrated"].low <= caused <= facts["calibrated"].high
        hits["cost"] += cost.low <= SPEND / caused <= cost.high
    print({name: f"{hit} of {runs}" for name, hit in hits.items()})  # noqa: T201 - shown by pytest -rP
    for hit in hits.values():
        assert Coverage(hit, runs).meets_bar()
