"""The win-back list by hand, and what a message to it is worth where a lot was drawn."""

import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.message_holdout import VALUE_KEYS, followed_after_dormancy, value_of_message
from siyu_helpers.analysis.win_back import LIST_KEYS, SCALED, dormant_customers, list_facts, win_back
from siyu_helpers.data.simulate import simulate

UNTIL = "2024-12-31"


@pytest.fixture
def orders():
    """Days without an order up to UNTIL: ana 0, ben 181, cy 180, dee 300; 100 spent in all."""
    ago = [0, 400, 181, 180, 300, 301]
    return pd.DataFrame(
        {"customer_id": ["ana", "ana", "ben", "cy", "dee", "dee"], "amount": [10.0, 20.0, 15.0, 25.0, 18.0, 12.0],
         "ordered_at": pd.Timestamp(UNTIL) - pd.to_timedelta(ago, unit="D")}
    )  # fmt: skip


def on_list(table):
    return set(table.loc[table["dormant"], "customer_id"])


def test_the_list_by_hand(orders):
    assert on_list(dormant_customers(orders, UNTIL)) == {"ben", "dee"}
    assert on_list(dormant_customers(orders, UNTIL, 179)) == {"ben", "cy", "dee"}
    assert on_list(dormant_customers(orders, UNTIL, 180, dormant_at_most_days=299)) == {"ben"}
    found = list_facts(dormant_customers(orders, UNTIL))
    assert {key: one.value for key, one in found.items()} == {
        "customers": 4, "list_customers": 2, "list_share": 0.5,
        "list_past_revenue": 45, "list_past_revenue_share": 0.45,
    }  # fmt: skip
    assert all(one.is_exact for one in found.values())
    assert "超过 180 天未下单" in found["list_share"].definition.zh


def test_a_personal_threshold_decides_where_there_is_one(orders):
    own = pd.DataFrame({"customer_id": ["ben", "cy", "dee", "gone"], "dormant": [False, True, None, True]})
    listed = dormant_customers(orders, UNTIL, thresholds=own)
    assert on_list(listed) == {"cy", "dee"}  # dee's is blank: 180 days
    assert "客户自己的沉睡线" in list_facts(listed)["list_customers"].definition.zh
    refused = Refused("orders again", 12, 100, "太少。", "Too few.")
    assert on_list(dormant_customers(orders, UNTIL, thresholds=refused)) == {"ben", "dee"}
    with pytest.raises(ValueError, match="occurs twice"):
        dormant_customers(orders, UNTIL, thresholds=pd.concat([own, own]))


def test_without_a_lot_the_list_is_counted_and_everything_about_messages_refused(orders):
    found = win_back(orders, UNTIL, gross_margin=0.5, history="truncated", observed_from="2023-01-01")
    assert set(found) == {*LIST_KEYS, *VALUE_KEYS, *SCALED}
    assert all(isinstance(found[key], Estimate) for key in LIST_KEYS)
    assert all(isinstance(found[key], Refused) for key in (*VALUE_KEYS, *SCALED))
    assert "随机" in found["list_net_value"].reason_zh


def test_nobody_and_nothing(orders):
    none = list_facts(dormant_customers(orders, "2020-01-01"))
    assert none["list_customers"].value == 0
    assert isinstance(none["list_share"], Refused)
    free = list_facts(dormant_customers(orders.assign(amount=0.0), UNTIL))
    assert isinstance(free["list_past_revenue_share"], Refused)


def test_wrong_parameters(orders):
    for how in ({"dormant_after_days": 0}, {"dormant_at_most_days": 1.5}, {"history": "half"}, {"refunds": "no"}):
        with pytest.raises(ValueError, match="must be"):
            win_back(orders, UNTIL, **how)


XIAOMAN = {"experiment": "wake_up_sms", "message_arm": "sms", "holdout_arm": "no_sms"}


@pytest.fixture(scope="module")
def xiaoman():
    """An invented brand that keeps one in five customers from wake-up text messages, after 120 days."""
    return simulate("xiaoman", customers=2500, seed=1, sms_lift=3.0).tables


def test_values_of_the_list_are_those_of_one_customer_times_the_list(xiaoman):
    lot = {"assignments": xiaoman["assignments"], "messages": xiaoman["messages"], **XIAOMAN}
    found = win_back(xiaoman["orders"], "2025-12-31", 120, channel="sms", gross_margin=0.5, **lot)
    followed = followed_after_dormancy(
        xiaoman["orders"], "2025-12-31", *lot.values(), dormant_after_days=120, channel="sms"
    )
    assert {key: found[key] for key in VALUE_KEYS} == value_of_message(followed)
    size = found["list_customers"].value
    for key, (source, _) in SCALED.items():
        assert found[key].value == pytest.approx(size * found[source].value)
        assert found[key].low == pytest.approx(size * found[source].low)
    assert found["cost_per_customer"].value == pytest.approx(0.05 * found["messages_per_customer"].value)
    # A text message that quadruples orders for two weeks shows; without one nobody in the holdout was sent any.
    assert found["orders_difference"].low > 0
    assert followed.loc[followed["group"] == "without_message", "messages"].sum() == 0


def test_a_threshold_later_than_the_messages_is_refused(xiaoman):
    lot = {"assignments": xiaoman["assignments"], "messages": xiaoman["messages"], **XIAOMAN}
    found = win_back(xiaoman["orders"], "2025-12-31", 180, channel="sms", gross_margin=0.5, **lot)
    assert found["net_value_per_customer"].gate == "messages only after dormancy"
    assert found["list_net_value"] == found["net_value_per_customer"]


def test_the_first_message_comes_after_the_day_of_dormancy(xiaoman):
    """What the check of early messages rests on: the simulator writes to who slept for more than 120 days on Monday."""
    last = xiaoman["orders"].assign(day=xiaoman["orders"]["ordered_at"].dt.normalize()).dropna(subset="customer_id")
    texts = xiaoman["messages"].query("channel == 'sms'").sort_values("sent_at")
    both = pd.merge_asof(
        texts, last.sort_values("day")[["customer_id", "day"]], left_on="sent_at", right_on="day", by="customer_id"
    )
    away = (both["sent_at"].dt.normalize() - both["day"]).dt.days
    assert len(away) > 100
    assert away[away > 0].min() > 120  # 0: ordered on that very Monday
