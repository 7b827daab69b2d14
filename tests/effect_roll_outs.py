"""A brand whose stores open their pool one after another, and what the pools truly added; for several tests."""

import numpy as np
import pandas as pd

from siyu_helpers.analysis.effect.roll_outs import roll_out_panel
from siyu_helpers.analysis.effect.staggered import staggered
from siyu_helpers.data.simulate import simulate
from siyu_helpers.data.simulation import tables
from siyu_helpers.data.simulation.acquisition import World
from siyu_helpers.data.simulation.world import live


def without_pool(brand):
    """Orders of the same customers in a world without any pool, under the same customer ids."""
    other = live(brand.life.market, World(pool=False))
    numbers = pd.Series(tables.customer_numbers(brand.life), index=brand.life.persons["key"])
    same = pd.Series(numbers.reindex(other.persons["key"]).to_numpy(), index=tables.customer_numbers(other))
    orders = tables.orders(other)
    orders["customer_id"] = orders["customer_id"].map(same)
    return orders[orders["customer_id"].notna()].astype({"customer_id": "int64"})


def roll_out_and_truth(seed, outcome="orders", **settings):
    """GroupTime of a simulated brand, and the truth of its simple mean: the same cells, with less without the pool."""
    settings = {"customers": 6_000, "stores": 12, "roll_out_days": 300} | settings
    brand = simulate("sanli", seed=seed, **settings)
    members, until = brand.tables["members"], brand.recipe.observed_until
    panel = roll_out_panel(brand.tables["orders"], members, until)
    opened = {store: f"{month}-01" for store, month in panel.attrs["opened"].items()}
    other = roll_out_panel(without_pool(brand), members, until, openings=opened)
    keys = ["unit", "period"]
    both = panel.merge(other[[*keys, "customers", outcome]], on=keys, suffixes=("", "_without"))
    assert len(both) == len(panel) == len(other)
    assert (both["customers"] == both["customers_without"]).all()
    both["added"] = (both[outcome] - both[f"{outcome}_without"]) * both["customers"]
    assert (both.loc[both["period"] < both["first_treated"], "added"] == 0).all()
    found = staggered(panel, "unit", "period", "first_treated", outcome, "not_yet", weights="customers")
    sums = both.groupby(["first_treated", "period"])[["added", "customers"]].sum().reset_index()
    cells = found.group_time.query("event_time >= 0").merge(sums, on=["first_treated", "period"])
    return found, float(np.average(cells["added"] / cells["customers"], weights=cells["customers"]))
