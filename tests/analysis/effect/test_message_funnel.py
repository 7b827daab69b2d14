"""The funnel by hand: what counts as recorded, which orders follow, and what is not known stays blank."""

import functools
import math

import pandas as pd
import pytest

from siyu_helpers.analysis.effect.message_funnel import STAGES, funnel_facts, message_funnel
from siyu_helpers.analysis.estimates import Estimate, Refused

DAY = functools.partial(pd.to_datetime, format="ISO8601")
ORDERS = pd.DataFrame(
    {"customer_id": ["ana", "ana", "ben"], "amount": 9.0,
     "ordered_at": DAY(["2024-01-01", "2024-02-15 09:59", "2024-02-16"])}
)  # fmt: skip


def sent(**columns):
    base = {"customer_id": ["ana", "ben", "cy", "ana", "dee"], "channel": "sms",
            "sent_at": DAY(["2024-02-01 10:00", "2024-02-01", "2024-02-01", "2024-03-01", "2024-12-20"])}  # fmt: skip
    return pd.DataFrame(base | columns)


def test_by_hand():
    """Ana's order comes a minute before 14 days are over, Ben's a day after; Dee is not watched for 14 days."""
    flags = {"delivered": [True, True, False, True, True], "clicked": [True, False, False, False, False],
             "opted_out": [False, True, False, False, False], "cost": 0.05}  # fmt: skip
    found = message_funnel(sent(**flags), ORDERS, "2024-12-31")
    assert found["stage"].tolist() == list(STAGES)
    stages = found.set_index("stage")
    assert stages["messages"].fillna(-1).to_dict() == {
        "sent": 4, "delivered": 3, "read": -1, "clicked": 1, "ordered": 1, "opted_out": 1}  # fmt: skip
    assert stages["customers"].fillna(-1).to_dict() == {
        "sent": 3, "delivered": 2, "read": -1, "clicked": 1, "ordered": 1, "opted_out": 1}  # fmt: skip
    assert stages.loc["delivered", "share_of_sent"] == 0.75
    assert stages["before"].to_dict() == {
        "sent": None, "delivered": "sent", "read": "delivered", "clicked": "delivered", "ordered": "delivered",
        "opted_out": "delivered"} or math.isnan(stages["before"]["sent"])  # fmt: skip
    assert stages.loc["clicked", "share_of_before"] == pytest.approx(1 / 3)
    assert math.isnan(stages.loc["read", "share_of_sent"])
    assert found.attrs["cost"] == 0.2
    assert found.attrs["left_out"] == 1
    facts = funnel_facts(found)
    assert isinstance(facts["read"], Refused)
    assert facts["cost_per_order"].value == pytest.approx(0.2)
    assert (stages["share_of_sent_low"].dropna() <= stages["share_of_sent"].drop(["sent", "read"])).all()


def test_partly_recorded_stages_are_shares_of_what_is_recorded():
    found = message_funnel(sent(read=[True, False, None, None, None]), ORDERS, "2024-12-31").set_index("stage")
    assert found.loc["read", ["messages", "recorded", "share_of_sent"]].tolist() == [1, 2, 0.5]
    assert found.loc["ordered", "before"] == "sent"


def test_unknown_costs_and_no_order_are_refused():
    facts = funnel_facts(message_funnel(sent(cost=[0.1, None, 0.1, 0.1, 0.1]), ORDERS, "2024-12-31"))
    assert facts["cost"].gate == facts["cost_per_order"].gate == "cost of messages"
    quiet = funnel_facts(message_funnel(sent(cost=0.1), ORDERS.iloc[:1], "2024-12-31"))
    assert quiet["cost_per_order"].gate == "orders that followed"


def test_nothing_sent():
    for messages in (sent().iloc[:0], sent(channel="wecom")):
        found = message_funnel(messages, ORDERS, "2024-12-31")
        assert found["messages"].fillna(0).sum() == 0
        assert not any(isinstance(one, Estimate) and not one.is_exact for one in funnel_facts(found).values())


def test_an_order_may_follow_several_messages():
    twice = pd.concat([sent().iloc[:1], sent().iloc[:1].assign(sent_at=DAY("2024-02-10"))])
    assert message_funnel(twice, ORDERS, "2024-12-31").set_index("stage").loc["ordered", "messages"] == 2
