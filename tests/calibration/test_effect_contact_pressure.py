"""Do the 90% intervals of the opt-out curve contain the truth, in simulated weeks and on simulated brands?

Members differ in how often they buy, and so in pressure; whoever opts out is sent nothing more. The full runs print
their count with `pytest -rP`.
"""

import functools

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.effect.contact_pressure import opt_out_curve
from siyu_helpers.analysis.effect.message_weeks import message_weeks
from siyu_helpers.analysis.estimates import Coverage
from siyu_helpers.data.simulate import RECIPES, simulate

MEMBERS, WEEKS, A_WEEK = 500, 40, 7
AT_TEN, POWER = 0.002, 0.9


def made_weeks(rng):
    a_month = rng.gamma(0.5, 4.0, MEMBERS)
    order_days = rng.poisson(a_month[:, None] * 3, (MEMBERS, WEEKS))
    pressure = A_WEEK * 4.35 / np.maximum(order_days / 2.99, 0.25)
    leaves = rng.random((MEMBERS, WEEKS, A_WEEK)) < (AT_TEN * (pressure / 10) ** POWER)[:, :, None]
    leaves = leaves.reshape(MEMBERS, -1)
    first = np.where(leaves.any(axis=1), leaves.argmax(axis=1), leaves.shape[1])
    last = np.minimum(first // A_WEEK, WEEKS - 1)
    rows = np.arange(WEEKS) <= last[:, None]
    member, week = np.nonzero(rows)
    out = (first[member] // A_WEEK == week).astype(int)
    sent = np.where(out == 1, first[member] % A_WEEK + 1, A_WEEK)
    return pd.DataFrame({"customer_id": member, "messages": sent, "opted_out": out, "pressure": pressure[member, week]})


@functools.cache
def curves(runs):
    return [opt_out_curve(made_weeks(np.random.default_rng(seed))) for seed in np.random.SeedSequence(3).spawn(runs)]


@pytest.mark.parametrize(("key", "truth"), [("opt_out_at_ten", AT_TEN), ("opt_out_power", POWER)])
def test_interval_of_the_curve(runs, key, truth):
    found = Coverage(sum(one[key].low <= truth <= one[key].high for one in curves(runs)), runs)
    print(f"{key}: {found.covered} of {runs}")  # noqa: T201 - shown by pytest -rP
    assert found.meets_bar()


@pytest.mark.full
@pytest.mark.parametrize("brand", ["sanli", "xiaoman"])
def test_the_curve_of_simulated_brands(brand):
    recipe, hits = RECIPES[brand], {"opt_out_at_ten": 0, "opt_out_power": 0}
    for seed in range(60):
        made = simulate(brand, customers=2500, seed=500 + seed)
        tables = (made.tables[name] for name in ("messages", "orders", "members"))
        curve = opt_out_curve(message_weeks(*tables, "2025-12-31", channel="wecom"))
        for key, truth in zip(hits, (recipe.opt_out, recipe.opt_out_power), strict=True):
            hits[key] += curve[key].low <= truth <= curve[key].high
    print(brand, hits)  # noqa: T201
    assert all(Coverage(hit, 60).meets_bar() for hit in hits.values())
