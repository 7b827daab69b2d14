"""The simulator against what the literature's estimators find, over many seeds."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.data.simulate import simulate
from siyu_helpers.data.simulation import truth

DAYS = 90


def by_lot(brand) -> tuple[float, float]:
    """Wald's estimate of the effect on those who accept, from the tables alone, and its standard error."""
    lots = brand.tables["assignments"].query("experiment == 'invitation'")
    end = pd.Timestamp(brand.recipe.observed_until) + pd.Timedelta(days=1)
    lots = lots[lots["assigned_at"] + pd.Timedelta(days=DAYS) <= end]
    orders = brand.tables["orders"].merge(lots[["customer_id", "assigned_at"]], on="customer_id")
    since = orders["ordered_at"] - orders["assigned_at"]
    kept = orders[(since > pd.Timedelta(0)) & (since <= pd.Timedelta(days=DAYS))]
    count = kept.groupby("customer_id").size().reindex(lots["customer_id"]).fillna(0).to_numpy()
    invited = (lots["arm"] == "invited").to_numpy()
    joins = lots["customer_id"].isin(brand.tables["members"]["customer_id"]).to_numpy()
    assert not (joins & ~invited).any()
    accepted = joins[invited].mean()
    effect = (count[invited].mean() - count[~invited].mean()) / accepted
    left = count - effect * joins
    error = np.sqrt(sum(left[group].var(ddof=1) / group.sum() for group in (invited, ~invited))) / accepted
    return effect, error


@pytest.mark.full
def test_the_lot_recovers_the_effect_on_the_treated():
    """Twenty brands with a real effect: 90% intervals that cover it, and no bias on average."""
    distance = []
    for seed in range(300, 320):
        brand = simulate("xiaoman", customers=2_500, seed=seed, selection="randomised", referral_chance=0.0)
        effect, error = by_lot(brand)
        true = truth.effect_of_joining(brand.life)[DAYS]["orders"]["effect"]
        assert true > 0.3
        distance.append((effect - true) / error)
    # Binomial with 20 trials and 90%: 14 or fewer happens once in a hundred.
    assert (np.abs(distance) < 1.645).sum() >= 15
    assert abs(np.mean(distance)) < 3 / np.sqrt(20)
