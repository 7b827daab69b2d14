import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.attribution import removals
from siyu_helpers.analysis.attribution.chains import chain_of, steps_of
from siyu_helpers.analysis.attribution.paths import encode

# Kemeny and Snell (1960), section 3.2: a walk on 0 to 4 with even chances, absorbed at 0 and 4; here 4 is the order.
WALK = pd.DataFrame(
    {
        "path": [("2", "1"), ("2", "3"), ("2", "1", "2", "3"), ("2", "3", "2", "1"), ("2", "1", "2", "1")],
        "conversions": [0, 4, 1, 0, 0],
        "nulls": [4, 0, 0, 1, 1],
    }
)


def test_random_walk_by_the_published_inverse():
    """From 1, 2, 3 the chances to end at 4 are 1/4, 1/2, 3/4, and N = ((1.5, 1, .5), (1, 2, 1), (.5, 1, 1.5)).

    The counts are those of 8 journeys from 2 that visit 1, 2 and 3 as often as N says: 8, 16 and 8 times. Half of them
    convert. All need 2 and 3; without 1 the walk converts only where it goes to 3 before: by hand, x = 1/2 y for 2 and
    y = 1/2 + 1/2 x for 3, so x = 1/3, and a third of a half is lost.
    """
    inner = np.array([[0, 4.0, 0], [8, 0, 8], [0, 4, 0]])
    counts = np.vstack([[0, 8.0, 0], inner])
    conversions, nulls = np.array([0, 0, 0, 4.0]), np.array([0, 4.0, 0, 0])
    effects, of_value = removals.of_first_order(counts, conversions, nulls, 0 * nulls)
    assert effects == pytest.approx([1 / 3, 1, 1])
    assert np.isnan(of_value).all()
    many = removals.of_first_order(*(np.stack([part, part]) for part in (counts, conversions, nulls, conversions)))
    assert many[0] == pytest.approx(np.stack([effects, effects]))
    assert many[1] == pytest.approx(many[0])


def test_blocks_are_the_inverse_of_order_one():
    paths = encode(WALK.assign(value=0.0))
    chain = chain_of(paths, steps_of(paths, 1))
    lost = removals._lost_by_blocks(chain)[:, 0]
    assert lost / chain.conversions.sum() == pytest.approx(removals.of_chain(chain, "to_null")[0])


def test_states_without_journeys_stay_out():
    """Order 2, one path that nobody took: its states have no row, and nothing is divided by 0."""
    with np.errstate(all="raise"):
        paths = encode(pd.DataFrame({"path": [("a", "b"), ("c", "a", "c")], "conversions": [2, 0], "nulls": [2, 0]}))
        for removal in ("to_null", "renormalise"):
            chain = chain_of(paths, steps_of(paths, 2))
            assert removals.of_chain(chain, removal)[0].tolist() == [1, 1, 0]


def test_shared():
    assert removals.shared(np.array([[1.0, 3], [0, 0]]), np.array([8.0, 0])).tolist() == [[2, 6], [0, 0]]
    assert np.isnan(removals.shared(np.array([0.0, -0.1]), 5.0)).all()
    assert removals.shared(np.array([np.nan, np.nan]), 0.0).tolist() == [0, 0]
    assert removals.shared(np.empty(0), 0.0).tolist() == []


def test_presence_counts_each_channel_once():
    assert removals.presence(encode(WALK)).toarray().sum(axis=0).tolist() == [2, 2, 3, 3, 2]
