"""Stores that open their pool one after another: nobody joins before the own store, and 0 days change nothing."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation.world import opening_days


@pytest.fixture(scope="module")
def chain():
    return simulate("sanli", customers=3_000, seed=2, stores=10, roll_out_days=270)


def test_openings_are_evenly_spread_by_lot(chain):
    days = opening_days(chain.life.market) - chain.recipe.first_day - chain.recipe.pool_opens
    assert sorted(days) == [30.0 * k for k in range(10)]
    other = opening_days(simulate("sanli", customers=10, seed=3, stores=10, roll_out_days=270).life.market)
    assert not np.array_equal(other, opening_days(chain.life.market))


def test_nobody_joins_before_the_own_store(chain):
    life = chain.life
    opens = opening_days(life.market)[life.persons["store"][life.stays.person]]
    assert len(opens) > 300
    assert (life.stays.joined >= opens).all()
    late = opens == opens.max()
    assert (life.stays.joined - opens)[late].min() < 60


def test_early_visits_through_the_door_keep_the_contract(chain):
    known = set(chain.tables["customers"]["customer_id"])
    assert set(chain.tables["touchpoints"]["customer_id"].dropna()) <= known
    assert set(chain.tables["members"]["customer_id"]) <= known


def test_before_the_first_opening_nothing_differs(chain):
    first = pd.Timestamp(chain.recipe.observed_from) + pd.Timedelta(days=chain.recipe.pool_opens)
    plain = simulate("sanli", customers=3_000, seed=2, stores=10)
    tables = (brand.tables["orders"] for brand in (chain, plain))
    one, two = (table[table["ordered_at"] < first] for table in tables)
    pd.testing.assert_frame_equal(*(table.drop(columns=["customer_id", "referrer_id"]) for table in (one, two)))
    assert RECIPES["sanli"].roll_out_days == 0


def test_invitations_wait_for_the_store():
    brand = simulate("sanli", customers=2_000, seed=5, stores=6, roll_out_days=200, selection="randomised")
    life = brand.life
    assert (life.invited["time"] >= opening_days(life.market)[life.persons["store"][life.invited["person"]]]).all()


def test_a_roll_out_needs_stores():
    with pytest.raises(ValueError, match="roll_out_days: 90 needs two stores or more"):
        simulate("xiaoman", customers=20, roll_out_days=90)
    with pytest.raises(ValueError, match="roll_out_days: -1 is not 0 or more"):
        simulate("sanli", customers=20, roll_out_days=-1)
