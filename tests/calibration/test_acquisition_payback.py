"""Do the 90% intervals of payback contain the truth in 90 of 100 simulated brands?

A brand spends a known sum; how many customers come is a Poisson count, what each brings in follows a known curve. The
intervals of the cost and of the contribution are put together; see `payback_intervals`.
"""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.acquisition.acquired_value import STEP_DAYS, acquired_value
from siyu_helpers.analysis.acquisition.payback import headroom, ltv_to_cac, payback, payback_month
from siyu_helpers.analysis.estimates import Coverage, Refused

HORIZONS = (30, 60, 90, 120, 180, 240, 300, 360)
REPEATS, MEAN_FIRST, MEAN_SECOND = 0.6, 40.0, np.exp(4.5)


def contribution(days):
    """True mean by a number of days: a first order of 40; six in ten return once, on a day of 1 to 360."""
    return MEAN_FIRST + REPEATS * MEAN_SECOND * (days - 1) / 360


def simulate(rng, expected):
    """Gamma first orders and lognormal second ones of a Poisson number of customers, new in January 2023."""
    n = rng.poisson(expected)
    back = np.flatnonzero(rng.random(n) < REPEATS)
    first = rng.integers(0, 31, n)
    days = np.append(first, first[back] + rng.integers(1, 361, len(back)))
    amount = np.append(rng.gamma(2, MEAN_FIRST / 2, n), rng.lognormal(4, 1, len(back)))
    orders = pd.DataFrame({"customer_id": np.append(np.arange(n), back), "amount": amount})
    orders["ordered_at"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(days, "D")
    return pl.from_pandas(orders.assign(acquired_through="feed")), n


def holds(estimate, truth):
    assert not isinstance(estimate, Refused), estimate.reason_en
    return estimate.low <= truth <= estimate.high


@pytest.mark.parametrize(("expected", "cac"), [(150, 50.0), (600, 70.0)])
def test_net_ratio_and_month(runs, expected, cac):
    """The month's interval is cut to whole steps and may cover too often; net and ratio may not."""
    month = next(days // STEP_DAYS for days in HORIZONS if contribution(days) >= cac)
    hits = {"net": 0, "ratio": 0, "month": 0}
    for child in np.random.SeedSequence(11).spawn(runs):
        orders, n = simulate(np.random.default_rng(child), expected)
        costs = pd.DataFrame({"month": ["2023-01"], "channel": "feed", "spend": cac * expected, "new_customers": n})
        table = payback(acquired_value(orders, "2024-03-01", HORIZONS, gross_margin=1.0), costs)
        hits["net"] += holds(headroom(table, 180), contribution(180) - cac)
        hits["ratio"] += holds(ltv_to_cac(table, 180), contribution(180) / cac)
        found = payback_month(table)["months"]
        # Where net does not get there in the sample, the interval of the month has no upper end.
        reached = table.loc[table["net_high"] >= 0, "within_days"].min() / STEP_DAYS
        hits["month"] += reached <= month if isinstance(found, Refused) else holds(found, month)
    print({name: f"{hit} of {runs}" for name, hit in hits.items()})  # noqa: T201 - shown by pytest -rP
    assert Coverage(hits["net"], runs).meets_bar()
    assert Coverage(hits["ratio"], runs).meets_bar()
    assert Coverage(hits["month"], runs).meets_bar(conservative=True)
