"""Weak ties: order days by brute force, shares by hand, the rule by construction."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from order_logs import LOGS, random_log
from pool_orders import log

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import weak_ties as ties
from siyu_helpers.analysis.pool.evidence import order_rows


@settings(max_examples=30, deadline=None)
@given(LOGS)
def test_order_days_before_by_brute_force(rows):
    orders = random_log(rows)
    read = order_rows(orders, "2024-12-31")
    place = np.arange(-1, len(read.customers))
    days = orders["ordered_at"].dt.normalize()
    asked = days.min() + pd.Timedelta(days=40)
    number = (asked - pd.Timestamp(0)).days
    found = ties.order_days_before(read, place, np.full(len(place), number))
    for at, who in enumerate(read.customers):
        mine = days[(orders["customer_id"] == who) & (days < asked)]
        assert found[at + 1] == mine.nunique()
    assert found[0] == 0


def brand(first_weak, later_weak, n=200):
    """Half join in the first week, half a year later; the weak have one order before, the strong two."""
    joined = np.where(np.arange(2 * n) < n, "2023-06-01", "2024-03-01")
    weak = np.concatenate([np.arange(n) < n * first_weak, np.arange(n) < n * later_weak])
    orders = [(i, "2023-01-01", 9.0) for i in range(2 * n)]
    orders += [(int(i), "2023-02-01", 9.0) for i in np.flatnonzero(~weak)]
    orders += [(int(i), "2024-04-01", 9.0) for i in np.flatnonzero(~weak & (np.arange(2 * n) >= n))]
    members = pd.DataFrame({"customer_id": range(2 * n), "joined_at": pd.to_datetime(joined), "left_at": pd.NaT})
    members["left_at"] = pd.to_datetime(members["left_at"])
    members.loc[weak, "left_at"] = members.loc[weak, "joined_at"] + pd.Timedelta(days=45)
    return members, log(*orders)


@pytest.mark.parametrize(("first", "agrees"), [(0.8, "agrees"), (0.2, "disagrees"), (0.5, "cannot be told")])
def test_the_rule_looks_at_the_beginning(first, agrees):
    found = ties.weak_ties(*brand(first, 0.3), "2024-12-31")
    assert found.rule.agrees == agrees
    assert found.figures["weak_ties_first"].value == first
    assert found.figures["weak_ties_later"].value == 0.3
    assert found.figures["weak_ties_kept_gap"].value == -100  # all weak ones left on day 45
    table = found.table.set_index(["entry", "tie"])
    assert table.at[("all", "weak"), "kept_30"] == 1
    assert table.at[("all", "weak"), "repurchase_90"] == 0


def test_an_order_on_the_day_of_joining_counts_neither_before_nor_after():
    members = pd.DataFrame(
        {"customer_id": range(100), "joined_at": pd.Timestamp("2024-01-10 12:00"), "left_at": pd.NaT}
    )
    orders = log(
        *((i, "2024-01-10 15:00", 9.0) for i in range(100)), *((i, "2024-01-10 09:00", 9.0) for i in range(100))
    )
    found = ties.weak_ties(members, orders, "2024-12-31", strong_from=1)
    assert found.figures["weak_ties_first"].value == 1
    assert found.table["repurchase_90"].tolist() == [0, 0]


def test_members_without_orders_and_no_members():
    members = pd.DataFrame({"customer_id": ["x"] * 3, "joined_at": pd.Timestamp("2024-01-10")})
    for given_ in (members, None):
        found = ties.weak_ties(given_, log(("a", "2024-01-01", 9.0)), "2024-12-31")
        assert all(isinstance(one, Refused) for one in found.figures.values())
    with pytest.raises(ValueError, match="strong_from"):
        ties.weak_ties(members, log(("a", "2024-01-01", 9.0)), "2024-12-31", strong_from=0)
