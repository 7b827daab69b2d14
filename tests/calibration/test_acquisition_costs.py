"""Does the 90% interval of a cost per new customer contain the true cost in at least 90 of 100 simulated months?

The interval is exact and so conservative by construction: it may cover more often than it says, never less. Its
coverage for given means is worked out exactly in tests/analysis/acquisition/test_costs.py; here the whole way is
tested, from orders to the number that a page states.
"""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.acquisition.costs import cac, cost_table
from siyu_helpers.analysis.estimates import coverage

DAYS = pd.date_range("2024-01-01", "2024-03-31")


@pytest.mark.parametrize("rate", [0.05, 2.0])
def test_poisson_interval_of_three_months(runs, rate):
    """Customers come by chance, `rate` a day, for 100 a day; some order again, which must not count."""
    spend = pd.DataFrame({"date": DAYS, "channel": "feed", "spend": 100.0})

    def simulate(rng):
        while not (counts := rng.poisson(rate, len(DAYS))).sum():  # with nobody there is no number to judge
            pass
        days = np.repeat(DAYS, counts)
        first = pd.DataFrame({"customer_id": range(len(days)), "ordered_at": days, "amount": 10.0})
        orders = pd.concat([first, first[rng.random(len(first)) < 0.4].assign(ordered_at=DAYS[-1])])
        return orders.assign(acquired_through="feed")

    def interval(orders):
        return cac(cost_table(spend, orders, "2024-03-31"), channel="feed")

    result = coverage(simulate, interval, 100 / rate, runs, seed=1)
    print(f"{result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    assert result.meets_bar(conservative=True)
