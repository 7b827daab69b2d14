"""Do the 90% intervals of hand-overs, upstream costs and joining times contain the truth in 90 of 100 simulated shops?

Every simulation draws a small shop whose truth is known, sends it through the public function a notebook calls, and
counts. The full runs print their count with `pytest -rP`.
"""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.attribution import hand_overs, joining_times, upstream
from siyu_helpers.analysis.estimates import coverage

DOMAINS = {"feed": "public", "wecom": "private"}


def said(result):
    print(f"{result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    return result


def test_interval_of_a_hand_over_when_journeys_differ(runs):
    """300 journeys of a chain with two kinds of people, so that steps of one journey go together.

    Half go from the pool to an order with chance 0.5 a step, half with 0.05; the rest of the time they stay (half) or
    leave. Expected steps from the pool: 1 / (1 - stay), and of these the chance to order.
    """
    order = np.array([0.5, 0.05])
    stay = (1 - order) / 2
    steps = 1 / (1 - stay)
    truth = float((steps * order).sum() / steps.sum())

    def simulate(rng):
        kind = rng.integers(0, 2, 300)
        touches = rng.geometric(1 - stay[kind])
        ordered = rng.random(300) < order[kind] / (1 - stay[kind])
        paths = [("feed", *["wecom"] * n) for n in touches]
        return pd.DataFrame({"path": paths, "conversions": ordered * 1.0, "nulls": 1.0 - ordered})

    def interval(journeys):
        return hand_overs.hand_over_share(hand_overs.hand_over_counts(journeys, DOMAINS), "private", "(order)")

    assert said(coverage(simulate, interval, truth, runs, seed=1)).meets_bar()


PATHS = [("feed",), ("feed", "wecom"), ("search", "feed", "wecom"), ("search",), ("wecom",), ("search", "wecom")]
DOMAINS_OF_SHOP = DOMAINS | {"search": "public"}
SPEND = pd.DataFrame({"date": pd.Timestamp("2024-01-01"), "channel": ["feed", "search"], "spend": [9000.0, 5000.0]})


@pytest.mark.parametrize("name", ["cost_shared", "outside_share"])
@pytest.mark.parametrize("orders", [120, 2000])
def test_interval_of_the_upstream_spend(runs, name, orders):
    """Orders of six paths, their numbers Poisson; the truth is what the expected numbers give."""
    expected = orders * np.array([0.3, 0.15, 0.1, 0.2, 0.15, 0.1])
    table = pd.DataFrame({"path": PATHS, "conversions": expected})
    truth = upstream.pool_upstream(table, SPEND, DOMAINS_OF_SHOP)[name].value

    def simulate(rng):
        return table.assign(conversions=rng.poisson(expected))

    def interval(journeys):
        return upstream.pool_upstream(journeys, SPEND, DOMAINS_OF_SHOP)[name]

    assert said(coverage(simulate, interval, truth, runs, seed=2)).meets_bar()


def test_interval_of_a_cost_with_its_upstream_part(runs):
    """Conservative: customers and shares are counted apart, and their ends taken together as if they were."""
    expected = 600 * np.array([0.3, 0.15, 0.1, 0.2, 0.15, 0.1])
    table = pd.DataFrame({"path": PATHS, "conversions": expected})
    truth = upstream.upstream_spend(table, SPEND, DOMAINS_OF_SHOP).set_index("domain").loc["private", "cost_shared"]

    def simulate(rng):
        return table.assign(conversions=rng.poisson(expected))

    def interval(journeys):
        made = upstream.upstream_spend(journeys, SPEND, DOMAINS_OF_SHOP).set_index("domain")
        compared = pd.DataFrame({"charge": "media", "domain": ["private", "public"], "spend": [0.0, 14000.0]})
        compared["new_customers"] = made.loc[["private", "public"], "conversions"].astype(int).to_numpy()
        shared = upstream.compare_domains_with_upstream(compared.assign(cac=0.0, cac_low=0.0, cac_high=0.0),
                                                        made.reset_index())  # fmt: skip
        row = shared.set_index(["charge", "domain"]).loc[("media_shared", "private")]
        return row["cac_low"], row["cac_high"]

    assert said(coverage(simulate, interval, truth, runs, seed=3)).meets_bar(conservative=True)


def test_median_days_from_joining_to_the_first_order(runs):
    """300 customers join over 200 days and order after a geometric number of days; 27% are still on their way."""
    chance = 1 / 70
    truth = float(np.ceil(np.log(0.5) / np.log(1 - chance)))
    start = pd.Timestamp("2024-01-01")

    def simulate(rng):
        joined = rng.integers(0, 200, 300)
        ordered = joined + rng.geometric(chance, 300)
        at = [start + pd.to_timedelta(days, "D") for days in (joined, ordered)]
        ids = np.arange(300)
        return (
            pd.DataFrame({"visitor_id": [-1], "touched_at": [start], "channel": "feed", "customer_id": [-1]}),
            pd.DataFrame({"customer_id": ids, "ordered_at": at[1], "amount": 1.0}),
            pd.DataFrame({"customer_id": ids, "joined_at": at[0]}),
        )

    def interval(tables):
        found = joining_times.joining_times(*tables, "2024-08-01")
        return joining_times.joining_days(found, "joining_to_first_order")

    # Days are whole, so the interval may cover more often than it claims.
    assert said(coverage(simulate, interval, truth, runs, seed=4)).meets_bar(conservative=True)
