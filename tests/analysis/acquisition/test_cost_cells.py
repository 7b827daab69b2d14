"""Cells of a cost table: parts that fall on new customers, who carries the pool's costs, and what is not whole.

The cells of whole brands are recounted in test_costs.py; here the edges that random brands seldom meet.
"""

import pandas as pd
import pytest

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import cost_cells as cells
from siyu_helpers.analysis.acquisition import cost_inputs as inputs

MONTH = inputs.period_number("2024-01")


def day(date):
    return order_log.day_number(date, "day")


def counted(**changes):
    spend = pd.DataFrame({"date": pd.to_datetime(["2024-01-01"]), "channel": "feed", "spend": 1.0})
    orders = pd.DataFrame({"customer_id": [1, 2, 3], "ordered_at": pd.Timestamp("2024-01-09"), "amount": 1.0})
    orders["acquired_through"] = ["feed", "feed", "wecom"]
    return inputs.counted(spend, orders, "2024-01-31", with_orders=True)._replace(**changes)


def by_channel(made):
    return made.set_index("channel")["minor"].to_dict()


def test_a_channel_without_any_order_keeps_its_spend_whole():
    found = counted(orders=pd.DataFrame({"day": [day("2024-01-09")], "channel": ["wecom"], "orders": [1]}))
    made = cells.part_on_new(cells.made(found, "month", 0), found, "month", 0)
    assert by_channel(made) == {"feed": 10_000, "wecom": 0}
    seldom = counted(orders=pd.DataFrame({"day": [day("2024-01-09")], "channel": ["feed"], "orders": [3]}))
    assert by_channel(cells.part_on_new(cells.made(seldom, "month", 0), seldom, "month", 0))["feed"] == 6_667


@pytest.mark.parametrize(
    ("wait", "carried"), [(22, {"feed": 10_000, "wecom": 300}), (23, {"feed": 10_000, "pool": 300})]
)
def test_a_member_counts_who_joined_by_the_last_day_of_the_month(wait, carried):
    joined = pd.DataFrame({"day": [day("2024-01-09")], "channel": ["wecom"], "wait": [wait], "customers": [1]})
    found = counted(pool=pd.DataFrame({"month": [MONTH], "minor": [300]}), members=joined)
    made = cells.with_pool_costs(cells.made(found, "month", 0), found, 0, None, "new_members")
    assert {name: money for name, money in by_channel(made).items() if money} == carried


def test_the_pools_costs_before_the_burn_in_ends_are_carried_by_nobody():
    found = counted(pool=pd.DataFrame({"month": [MONTH], "minor": [300]}), burn_in=day("2024-01-02"))
    made = cells.with_pool_costs(cells.made(found, "month", 0), found, 0, None, "new_customers")
    assert by_channel(made) == {"feed": 10_000, "pool": 300, "wecom": 0}
    assert made["blank"].all()


def test_channels_that_never_had_spend_are_left_out_unless_none_had():
    found = counted()
    made, left_out = cells.of_paid_channels(cells.made(found, "month", 0))
    assert (made["channel"].tolist(), left_out) == (["feed"], 1)
    unpaid = cells.made(found._replace(paid=found.paid.iloc[:0]), "month", 0)
    made, left_out = cells.of_paid_channels(unpaid)
    assert (made["channel"].tolist(), left_out) == (["feed", "wecom"], 0)


@pytest.mark.parametrize(
    ("changes", "incomplete", "blank"),
    [
        ({}, [], []),
        ({"until": day("2024-01-30")}, ["2024-01"], []),
        ({"since": day("2024-01-02")}, ["2024-01"], []),
        ({"burn_in": day("2024-01-02")}, [], ["2024-01"]),
        ({"pool_until": MONTH - 1}, ["2024-01"], []),
        ({"paid": None}, ["2024-01"], []),
    ],
)
def test_what_is_not_whole_or_not_known(changes, incomplete, blank):
    if "paid" in changes:
        changes = {"paid": counted().paid.iloc[:0]}
    found = counted(**changes)
    made = cells.coverage(cells.made(found, "month", 0), found, ("month",), 0, "month", loaded=True)
    assert (made["incomplete"], list(made["blank"])) == (incomplete, blank)
