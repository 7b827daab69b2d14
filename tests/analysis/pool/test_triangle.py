"""The three corners by hand, the area against geometry, levers, references, odd brands."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.pool_facts import read_pool
from siyu_helpers.analysis.pool.referral_log import read_referrals
from siyu_helpers.analysis.pool.triangle import CORNERS, KEYS, area, triangle, triangle_levers

UNTIL = "2024-12-31"


def brand():
    """300 customers of 2023; 200 of them and 100 new ones (20 referred) order once in 2024, for 30 each."""
    old = pd.DataFrame({"customer_id": range(300), "ordered_at": pd.Timestamp("2023-01-15"), "referrer_id": None})
    again = old[:200].assign(ordered_at=pd.Timestamp("2024-05-01"))
    new = pd.DataFrame({"customer_id": range(300, 400), "ordered_at": pd.Timestamp("2024-06-01")})
    new["referrer_id"] = [*range(20), *[None] * 80]
    return pd.concat([old, again, new], ignore_index=True).assign(amount=30.0)


def pool_of(*accounts, customers=120):
    """So many customers from the first on, on accounts by turns; the first ten have left."""
    stays = pd.DataFrame({"customer_id": range(customers), "joined_at": pd.Timestamp("2024-01-01"), "left_at": pd.NaT})
    stays["account_id"] = [accounts[place % len(accounts)] for place in range(customers)]
    stays["left_at"] = stays["left_at"].astype("datetime64[ns]")
    stays.loc[:9, "left_at"] = pd.Timestamp("2024-09-01")
    return stays


def told(orders=None, **more):
    return read_referrals(brand() if orders is None else orders, UNTIL, gross_margin=0.5, **more)


def test_the_corners_by_hand():
    found = triangle(told(), pool_of(1, 2), references={"value": 30.0})
    assert tuple(found) == KEYS
    assert (found["buyers"].value, found["reachable_buyers"].value) == (300, 110)
    assert found["largest_account_share"].value == 0.5
    assert found["ownership"].value == pytest.approx(110 / 300 * 0.5)
    assert found["value"].value == found["value_all"].value == 15.0
    assert found["referral"].value == 0.2
    indices = [found[f"{corner}_index"].value for corner in CORNERS]
    assert indices == pytest.approx([110 / 600, 0.5, 1.0])
    assert triangle(told(), pool_of(1, 2))["value_index"].value == pytest.approx(1 / 3)  # the average customer
    assert triangle(told(), read_pool(pool_of(1, 2), UNTIL)) == triangle(told(), pool_of(1, 2))


def test_a_second_account_frees_the_customers_who_have_both():
    one = pool_of(1)
    assert triangle(told(), one)["ownership"].value == 0
    both = pd.concat([one, one.assign(account_id=2)], ignore_index=True)
    assert triangle(told(), both)["largest_account_share"].value == 0
    unknown = triangle(told(), one.drop(columns="account_id"))
    assert unknown["ownership"].gate == "accounts"
    assert unknown["reachable_share"].value == pytest.approx(110 / 300)
    assert triangle(told(), one.drop(columns="left_at"))["reachable_share"].gate == "leaving"


def shoelace(a, b, c):
    angles = np.array([0, 2, 4]) * math.pi / 3
    x, y = np.array([a, b, c]) * np.cos(angles), np.array([a, b, c]) * np.sin(angles)
    return 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


@given(*[st.floats(0, 1)] * 3)
def test_area_is_that_of_the_triangle_drawn(a, b, c):
    corners = [Estimate(value, value, value, 0.9, 50, "share", "-", "f") for value in (a, b, c)]
    assert area(*corners).value == pytest.approx(shoelace(a, b, c) / shoelace(1, 1, 1), abs=1e-12)


def test_levers_by_hand_and_blank_where_not_known():
    found = triangle(told(), pool_of(1, 2))
    worth = Estimate(40.0, 30.0, 50.0, 0.9, 99, "money per customer", "-", "f")
    table = triangle_levers(found, 8.0, None, worth, referral_reward=10.0).set_index("corner")
    assert table["contribution"].to_dict() == pytest.approx(
        {"ownership": 0.1 * 110 * 8, "value": 0.1 * 110 * 15, "referral": 0.1 * 20 * 30}
    )
    assert table.loc["referral", ["contribution_low", "contribution_high"]].tolist() == pytest.approx([40.0, 80.0])
    assert (table["raised"] / table["now"]).tolist() == pytest.approx([1.1] * 3)
    blank = triangle_levers(found).set_index("corner")
    assert blank["contribution"].isna().tolist() == [True, False, True]
    assert all(blank.loc[["ownership", "referral"], "reason_zh"])
    with pytest.raises(ValueError, match="raised_by"):
        triangle_levers(found, raised_by=0)


def test_references_are_checked():
    for references in ({"owner": 1}, {"value": 0}, {"referral": math.nan}):
        with pytest.raises(ValueError, match="reference"):
            triangle(told(), references=references)


def test_odd_brands_are_refused_and_never_crash():
    orders = brand()
    cases = [
        orders[:0], orders[:1], orders.assign(amount=0.0), orders.drop(columns="referrer_id"),
        orders[orders["ordered_at"] > "2024-01-01"], orders[orders["ordered_at"] < "2024-01-01"],
    ]  # fmt: skip
    for case in cases:
        for members in (pool_of(1)[:0], pool_of(1, 2).assign(account_id=None)):
            found = triangle(read_referrals(case, UNTIL, gross_margin=0.5), members)
            assert all(isinstance(estimate, Estimate | Refused) for estimate in found.values())
            assert len(triangle_levers(found)) == 3
    assert triangle(told(orders.assign(amount=0.0)), pool_of(1, 2))["value_index"].gate == "reference"
    assert triangle(read_referrals(orders, UNTIL), pool_of(1, 2))["value"].gate == "contribution"
    assert triangle(told(orders[orders["ordered_at"] > "2024-04-30"]))["value_all"].gate == "observed long enough"
