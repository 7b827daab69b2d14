"""Wake-up rates by hand, under each definition; the bound without a control; the cost of an added order."""

import math

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.effect import wake_up
from siyu_helpers.analysis.effect.message_log import no_message_lot
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data.simulate import simulate

DAY = pd.to_datetime
UNTIL = "2024-12-31"


def brand():
    """Four dormant since January: ana orders 5 days after her second message, ben 20 days after his only one, cy never;
    dee's last order is 10 days old, so that her message is no wake-up."""
    orders = pd.DataFrame(
        [("ana", "2024-01-01"), ("ben", "2024-01-01"), ("cy", "2024-01-01"), ("dee", "2024-05-22"),
         ("ana", "2024-07-06"), ("ben", "2024-06-21"), ("dee", "2024-06-02")],
        columns=["customer_id", "ordered_at"],
    ).assign(ordered_at=lambda t: DAY(t["ordered_at"]), amount=9.0)  # fmt: skip
    sent = pd.DataFrame(
        [("ana", "2024-06-01", True), ("ana", "2024-07-01", False), ("ben", "2024-06-01", False),
         ("cy", "2024-06-01", True), ("dee", "2024-06-01", True)],
        columns=["customer_id", "sent_at", "clicked"],
    ).assign(sent_at=lambda t: DAY(t["sent_at"]), channel="sms")  # fmt: skip
    return sent, orders


def rate(table, definition, days=None):
    rows = table[table["definition"] == definition]
    rows = rows[rows["window_days"].isna()] if days is None else rows[rows["window_days"] == days]
    return rows["rate"].iloc[0]


def test_each_definition_gives_its_own_rate():
    found = wake_up.wake_up_rates(*brand(), UNTIL, dormant_after_days=120, windows=(7, 30, 60))
    assert found.attrs["messages"] == 4
    assert found.attrs["customers"] == 3
    assert rate(found, "per_message", 7) == 1 / 4
    assert rate(found, "per_message", 30) == 2 / 4
    assert rate(found, "per_message", 60) == 3 / 4
    assert rate(found, "per_customer", 7) == 1 / 3
    assert rate(found, "per_customer", 30) == 2 / 3
    assert rate(found, "clicked_per_message") == 2 / 4
    assert rate(found, "clicked_per_customer") == 2 / 3
    assert rate(found, "among_clicked", 60) == 1 / 2
    assert rate(found, "ordered_ever") == 2 / 3
    assert math.isnan(rate(found, "delivered_per_customer"))
    assert math.isnan(rate(found, "uplift", 30))
    assert found.loc[found["rate"].isna(), "above_claim"].isna().all()
    assert found.loc[found["rate"] > 0.5, "above_claim"].all()
    assert not found.loc[found["rate"] <= 0.5, "above_claim"].any()
    assert (found.loc[found["caused"], "definition"] == "uplift").all()


def test_windows_that_are_not_over_are_left_out():
    sent, orders = brand()
    found = wake_up.wake_up_rates(sent, orders, "2024-07-10", dormant_after_days=120, windows=(30,))
    assert found.loc[found["definition"] == "per_message", "trials"].tolist() == [3]


def test_a_bound_and_no_more_without_a_control():
    found = wake_up.wake_up_bound(wake_up.wake_up_rates(*brand(), UNTIL, dormant_after_days=120), 30)
    assert isinstance(found["uplift"], Refused)
    assert found["uplift"].seen == "0 to 66.7%"
    assert "66.7%" in found["uplift"].reason_zh
    assert found["uplift_at_most"].value == pytest.approx(2 / 3)
    nothing = wake_up.wake_up_bound(wake_up.wake_up_rates(brand()[0].iloc[:0], brand()[1], UNTIL))
    assert isinstance(nothing["uplift_at_most"], Refused)


def test_a_simulated_brand_has_a_control_and_half_come_back_under_no_causal_definition():
    made = simulate("xiaoman", customers=1500, seed=8, sms_lift=3.0)
    tables = [made.tables[name] for name in ("messages", "orders")]
    lot = made.tables["assignments"]
    found = wake_up.wake_up_rates(*tables, "2025-12-31", lot, dormant_after_days=120, windows=(90,))
    assert rate(found, "uplift", 90) > 0.03  # orders of two weeks are four times as many
    assert rate(found, "uplift", 90) < rate(found, "per_customer", 90)
    assert found.loc[found["caused"], "rate_high"].max() < 0.5
    followed = wake_up.followed_wake_up(tables[1], "2025-12-31", lot, tables[0], 120)
    cost = wake_up.cost_per_incremental_order(followed)
    with_, without = (followed[followed["group"] == side] for side in ("with_message", "without_message"))
    added = with_["orders"].mean() - without["orders"].mean()
    assert cost.value == pytest.approx((with_["message_cost"].mean() - without["message_cost"].mean()) / added)
    assert 0 < cost.low < cost.value < cost.high


def followed(orders_with, orders_without, cost=0.5, n=200):
    half = pd.DataFrame({"group": "with_message", "orders": np.resize(orders_with, n), "message_cost": cost})
    other = pd.DataFrame({"group": "without_message", "orders": np.resize(orders_without, n), "message_cost": 0.0})
    return pd.concat([half, other], ignore_index=True)


def test_the_interval_of_a_ratio_is_that_of_its_denominator_where_the_cost_is_fixed():
    """Fieller's ends are then cost / ends of the difference (Welch, normal)."""
    table = followed([1, 0, 0], [1, 0, 0, 0, 0, 0], n=600)
    found = wake_up.cost_per_incremental_order(table)
    sides = [table.loc[table["group"] == side, "orders"] for side in ("with_message", "without_message")]
    more = sides[0].mean() - sides[1].mean()
    reach = 1.6448536 * math.sqrt(sum(side.var() / len(side) for side in sides))
    expected = (0.5 / (more + reach), 0.5 / more, 0.5 / (more - reach))
    assert (found.low, found.value, found.high) == pytest.approx(expected)


def test_where_nothing_may_be_added_the_cost_has_no_upper_end_and_else_it_is_refused():
    loose = wake_up.cost_per_incremental_order(followed([1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]))
    assert isinstance(loose, Estimate)
    assert loose.high == math.inf
    assert 0 < loose.low < loose.value
    assert wake_up.cost_per_incremental_order(followed([0, 1], [1, 1])).gate == "orders added"
    assert wake_up.cost_per_incremental_order(followed([1], [0], n=20)).gate == "customers on either side"
    assert wake_up.cost_per_incremental_order(followed([1, 0], [0], cost=math.nan)).gate == "cost of messages"
    assert wake_up.cost_per_incremental_order(no_message_lot()).gate == "a lot"
