"""Bargain hunters: the score and the money by hand, and the rule on brands that differ by construction."""

import math

import numpy as np
import pandas as pd
import pytest
from pool_orders import log, stays

from siyu_helpers.analysis.pool import bargain_hunters as hunt
from siyu_helpers.data.simulate import simulate

NAMES = ("customer_id", "ordered_at", "amount", "list_amount", "refunded", "cost")
# Discounts are 140 of 900 in all, 15.6%: deep is 23.3% and more. The lowest quarter of first list prices ends at 60.
ORDERS = log(
    ("deep", "2024-01-01", 60.0, 100.0, 0.0, 40.0), ("deep", "2024-02-01", 160.0, 200.0, 0.0, 80.0),
    ("back", "2024-01-01", 50.0, 100.0, 25.0, 40.0),
    ("cheap", "2024-01-01", 50.0, 50.0, 0.0, 20.0),
    ("none", "2024-01-01", 60.0, 60.0, 0.0, 24.0),
    ("loyal", "2024-01-01", 190.0, 200.0, 0.0, 80.0), ("loyal", "2024-03-01", 190.0, 190.0, 0.0, 76.0),
    ("late", "2024-12-20", 10.0, 500.0, 10.0, 4.0),  # watched for 11 days: not scored
    names=NAMES,
)  # fmt: skip


def test_scores_by_hand():
    found = hunt.bargain_hunters(ORDERS, "2024-12-31", points=2)
    table = found.table.set_index("score")
    assert table["customers"].to_dict() == {0: 2, 1: 2, 2: 1}  # deep 1, cheap 1, back: deep and refunded
    assert table["flagged"].to_dict() == {0: False, 1: False, 2: True}
    assert table["sales"].to_dict() == {0: 440.0, 1: 270.0, 2: 25.0}
    assert table["contribution"].to_dict() == {0: 260.0, 1: 130.0, 2: -15.0}
    assert table["sales_share"].to_dict() == pytest.approx({0: 440 / 735, 1: 270 / 735, 2: 25 / 735})
    assert found.figures["bargain_share"].value == pytest.approx(0.2)


def test_everybody_alike_is_not_flagged():
    same = ORDERS.assign(amount=90.0, list_amount=100.0, refunded=0.0)
    assert hunt.bargain_hunters(same, "2024-12-31").figures["bargain_share"].value == 0.0
    full = ORDERS.assign(amount=100.0, list_amount=100.0, refunded=0.0)
    assert hunt.bargain_hunters(full, "2024-12-31").table["score"].tolist() == [0]


def test_a_score_that_flags_most_is_refused():
    back = ORDERS.assign(refunded=ORDERS["amount"])
    found = hunt.bargain_hunters(back, "2024-12-31", points=1)
    assert found.figures["bargain_gap"].gate == "bargain score"
    assert found.figures["bargain_share"].value == 1.0
    assert found.rule.agrees == "cannot be told"


def test_profit_of_the_pool_by_hand():
    members = stays(("back", "2023-12-01", None), ("loyal", "2024-02-01", None), ("never", "2024-02-01", None))
    costs = pd.DataFrame({
        "month": pd.to_datetime(["2024-01-01", "2024-01-01", "2025-02-01"]), "item": ["staff", "incentives", "staff"],
        "amount": [10.0, 6.0, 999.0],
    })  # fmt: skip
    found = hunt.bargain_hunters(ORDERS, "2024-12-31", members, costs).figures
    assert found["bargain_cost_to_win"].value == 2.0  # 6 over three who joined
    # In the pool: back's order (25 - 40) and loyal's second (190 - 76), less 16 of costs to the end of 2024.
    assert found["bargain_pool_profit"].value == pytest.approx(-15 + 114 - 16)
    assert found["bargain_pool_profit_without"].value == pytest.approx(114 - 16 + 2)
    assert found["bargain_share_in_pool"].value == 0.5
    given = hunt.bargain_hunters(ORDERS, "2024-12-31", members, costs, cost_to_win=7.0).figures
    assert given["bargain_cost_to_win"].value == 7.0


def comers(later_of_deep, n=300, seed=6):
    """Half come at 40% off and bring so much contribution afterwards; the others, at full price, bring 50."""
    rng = np.random.default_rng(seed)
    deep = np.arange(2 * n) < n
    first = pd.DataFrame({
        "customer_id": np.arange(2 * n), "ordered_at": pd.Timestamp("2024-02-01"), "list_amount": 100.0,
        "amount": np.where(deep, 60.0, 100.0),
    })  # fmt: skip
    paid = np.where(deep, later_of_deep, 50.0) * rng.uniform(0.5, 1.5, 2 * n) / 0.5
    second = first.assign(ordered_at=pd.Timestamp("2024-04-30"), amount=paid, list_amount=paid)
    too_late = first.assign(ordered_at=pd.Timestamp("2024-05-03"), amount=999.0, list_amount=999.0)
    return pd.concat([first, second, too_late], ignore_index=True)


@pytest.mark.parametrize(("later", "wanted"), [(20.0, "agrees"), (50.0, "disagrees"), (80.0, "disagrees")])
def test_the_rule_rests_on_what_those_who_came_for_a_discount_bring_afterwards(later, wanted):
    found = hunt.bargain_hunters(comers(later), "2024-12-31", gross_margin=0.5)
    assert found.rule.agrees == wanted
    gap = found.figures["bargain_later_gap"]
    assert gap.low < later - 50 < gap.high
    assert found.figures["bargain_came_deep_share"].value == 0.5


def test_odd_brands():
    for orders in (ORDERS.drop(columns="list_amount"), ORDERS.assign(list_amount=np.nan), ORDERS.iloc[:0]):
        found = hunt.bargain_hunters(orders, "2024-12-31", stays())
        assert found.table.empty
        assert set(found.figures) == {f"bargain_{key}" for key in hunt.KEYS}
        assert found.rule.agrees == "cannot be told"
    one = hunt.bargain_hunters(ORDERS.iloc[:1], "2024-12-31", stays(), gross_margin=0.5)
    assert one.table["customers"].tolist() == [1]
    assert one.figures["bargain_share_in_pool"].gate == "trials"
    nobody_new = hunt.bargain_hunters(ORDERS, "2024-02-01")
    assert nobody_new.figures["bargain_share"].gate == "customers"
    unknown = hunt.bargain_hunters(ORDERS.drop(columns="cost"), "2024-12-31")
    assert unknown.table["contribution"].isna().all()
    assert unknown.figures["bargain_gap"].gate == "contribution"
    for bad in ({"points": 4}, {"refund_share": 0.0}, {"times_discount": math.inf}, {"cost_to_win": -1.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            hunt.bargain_hunters(ORDERS, "2024-12-31", **bad)


def test_an_invented_brand_and_the_order_of_its_rows():
    made = simulate("yunzuo", customers=400, seed=2).tables
    orders = made["orders"]
    found = hunt.bargain_hunters(orders, "2025-12-31", made["members"], made["pool_costs"])
    mixed = orders.sample(frac=1, random_state=1)
    again = hunt.bargain_hunters(mixed, "2025-12-31", made["members"], made["pool_costs"])
    pd.testing.assert_frame_equal(found.table, again.table, check_exact=True)
    assert found.figures == again.figures
    assert 0 < found.figures["bargain_share"].value < 0.1
    assert found.table["sales_share"].sum() == pytest.approx(1.0)


def test_without_costs_and_margin_what_they_leave_is_refused():
    made = simulate("xiaoman", customers=300, seed=5)
    orders = made.tables["orders"].drop(columns=["cost", "platform_fee"])
    found = hunt.bargain_hunters(orders, "2025-12-31", made.tables["members"])
    assert any("contribution" in name for name in found.figures)
    for name, number in found.figures.items():
        assert "contribution" not in name or not hasattr(number, "value"), name
    assert any(hasattr(number, "value") for number in found.figures.values())
