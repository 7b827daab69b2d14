"""The toll road: by hand, its break-even share, and a brand's fees, which come out as `tolls` counted them."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.concept.toll_road import FIGURES, toll_road, toll_road_of_brand
from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.tolls import tolls
from siyu_helpers.data.simulate import simulate


def value(found, key):
    return found.figures[f"toll_road_{key}"].value


def test_by_hand():
    found = toll_road(
        orders=1000, order_value=100, commission=0.05, ads=10, moved=0.4, payment_fee=0.01, reward=2, running=3000,
        lost=0.1, margin=0.3,
    )  # fmt: skip
    assert value(found, "toll") == pytest.approx(15_000)  # 5 of commission and 10 of advertising an order
    assert value(found, "ceiling") == pytest.approx(14_000)
    # of ten orders moved nine are placed and save 15 - 3; the tenth would have brought 30 less 10 of advertising
    assert value(found, "per_order") == pytest.approx(0.9 * 12 - 0.1 * 20)
    assert value(found, "net") == pytest.approx(400 * 8.8 - 3000)
    assert value(found, "all_moved") == pytest.approx(5800)
    row = found.table.set_index("moved").loc[0.4]
    assert row[["orders", "toll_saved", "own_fees", "lost", "running", "net"]].tolist() == pytest.approx(
        [400, 5400, 1080, 800, 3000, 520]
    )
    assert found.table["net"].iloc[0] == 0


@settings(max_examples=100, deadline=None)
@given(
    orders=st.floats(0, 1e6), order_value=st.floats(0, 1e4), commission=st.floats(0, 1), ads=st.floats(0, 100),
    moved=st.floats(0, 1), payment_fee=st.floats(0, 0.1), reward=st.floats(0, 50), running=st.floats(0, 1e6),
    lost=st.floats(0, 1), margin=st.floats(-1, 1),
)  # fmt: skip
def test_nothing_saves_more_than_the_ceiling_and_the_break_even_share_nets_nothing(**given_):
    found = toll_road(**given_)
    slack = 1e-6 * max(1.0, value(found, "toll"))
    if given_["order_value"] * given_["margin"] >= given_["ads"]:  # an order that brings something is no gain to lose
        assert found.table["net"].max() <= value(found, "ceiling") + slack
    share = found.figures["toll_road_break_even"]
    if isinstance(share, Estimate):
        assert 0 <= share.value <= 1
        at = value(toll_road(**given_ | {"moved": share.value}), "net")
        assert at == pytest.approx(0, abs=slack + 1e-6 * given_["running"])
    else:
        assert value(found, "all_moved") <= slack
    assert all(math.isfinite(getattr(fact, "value", 0.0)) for fact in found.figures.values())


def test_the_refusals():
    assert toll_road(reward=50).figures["toll_road_break_even"].gate == "saving per order"
    assert toll_road(running=1e9).figures["toll_road_break_even"].gate == "share moved"
    for wrong in ({"orders": -1}, {"commission": 1.2}, {"moved": 2}, {"margin": -3}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            toll_road(**wrong)


def test_a_brands_toll_is_the_one_that_was_counted():
    orders = simulate("xiaoman", customers=600, seed=2).tables["orders"]
    counted = tolls(orders, "2025-12-31")
    found = toll_road_of_brand(counted, payment_fee=0.0)
    assert 12 * value(found, "toll") == pytest.approx(counted.figures["toll_ceiling"].value)
    assert 12 * value(found, "ceiling") == pytest.approx(counted.figures["toll_ceiling"].value)
    inputs = PoolInputs(1, 1, 0, 1, 0.4, staff_cost=500, tool_cost=100, content_cost=50, reacquisition_saved=3)
    told = toll_road_of_brand(counted, inputs)
    assert told.table["running"].iloc[-1] == 650
    later = counted.table[counted.table["purchase"] > 1]
    many = counted.figures["toll_ceiling"].value / later["fees"].sum() * later["orders"].sum() / 12
    assert value(told, "toll") == pytest.approx(value(found, "toll") + 3 * many)


def test_odd_brands():
    once = pd.DataFrame({"customer_id": [1], "ordered_at": pd.to_datetime(["2022-01-01"]), "amount": [10.0]})
    for orders in (once, once.assign(platform_fee=1.0), once.assign(platform_fee=0.0), once.iloc[:0]):
        found = toll_road_of_brand(tolls(orders, "2024-12-31"))
        assert set(found.figures) == set(FIGURES)
        assert not any(isinstance(fact, Estimate) for fact in found.figures.values())
        assert found.table.empty
    with pytest.raises(ValueError, match="running"):
        toll_road_of_brand(tolls(once, "2024-12-31"), running=-1)
