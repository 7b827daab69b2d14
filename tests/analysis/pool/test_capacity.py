"""The case of the trade by hand, from its four stated numbers; the brand's own numbers by brute force."""

import math

import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool import capacity as cap

day = pd.to_datetime


def case():
    return cap.capacity(None, None, None).set_index("key")["case"]


def test_the_case_as_the_source_table_states_it():
    # source_coverage: 333 RMB per customer-year, 2,000 customers per account, 15,000 and 5m RMB per employee, 5.5 adds.
    found = case()
    assert round(found["revenue_per_customer"]) == 333
    assert found["customers_per_account"] == 2_000
    assert found["customers_per_employee"] == 15_000
    assert found["revenue_per_employee"] == 5_000_000
    assert round(found["joins_per_account_day"], 1) == 5.5
    assert round(found["brushing_per_customer"], 1) == 6.7
    assert found["account_fill"] == 0.4


def test_the_minutes_of_the_case_by_hand():
    # 2 people x 250 days x 8 hours x 60 minutes = 240,000 minutes for 30,000 customers.
    assert case()["minutes_available"] == 8
    assert case()["staff_needed"] == 30_000 * 12 / 120_000 == 3
    short = cap.capacity(None, None, None, minutes_per_customer=4, working_days=200, hours_per_day=5).set_index("key")
    assert short.loc["minutes_available", "case"] == 2 * 200 * 5 * 60 / 30_000
    assert short.loc["staff_needed", "case"] == 30_000 * 4 / 60_000


def test_the_brand_is_worked_out_like_the_case():
    table = cap.capacity(**cap.CASE).set_index("key").drop(index="brushing_per_customer")
    assert (table["case"] == table["brand"]).all()
    assert math.isnan(cap.capacity(**cap.CASE).set_index("key").loc["brushing_per_customer", "brand"])


def test_assumptions_are_written_into_the_notes():
    table = cap.capacity(1, 1, 1, cap_per_account=20_000, minutes_per_customer=7).set_index("key")
    assert "20,000" in table.loc["account_fill", "note_en"]
    assert "7 分钟" in table.loc["staff_needed", "note_zh"]
    assert "违法" in table.loc["brushing_per_customer", "note_zh"]
    assert not table["note_zh"].str.endswith("。").any()


@pytest.mark.parametrize("numbers", [(None, None, None), (0, 0, 0, 0.0), (100, 0, None, None), (0, 3, 1, None)])
def test_what_is_not_known_or_nothing_is_blank_not_zero_or_infinite(numbers):
    table = cap.capacity(*numbers)
    assert not table["brand"].abs().eq(math.inf).any()
    rule = cap.capacity_rule(table)
    assert rule.agrees == "cannot be told"
    assert isinstance(rule.figures["own_revenue_per_customer"], Refused)
    assert isinstance(rule.figures["case_customers_per_employee"], Estimate)


@pytest.mark.parametrize(
    "changed", [{"customers": -1}, {"staff": math.nan}, {"cap_per_account": 0}, {"hours_per_day": -8}]
)
def test_impossible_numbers_are_refused_by_name(changed):
    with pytest.raises(ValueError, match=next(iter(changed))):
        cap.capacity(**({"customers": 10, "accounts": 1, "staff": 1} | changed))


@pytest.mark.parametrize(
    ("numbers", "agrees"),
    [
        ((30_000, 15, 2, 10_000_000), "agrees"),
        ((29_999, 15, 2, 10_000_000), "disagrees"),  # fewer per employee
        ((30_000, 15, 2, 9_999_999), "disagrees"),  # less per customer
        ((30_000, 15, 2, None), "cannot be told"),
        ((30_000, 15, None, 10_000_000), "cannot be told"),
        ((1_000, 15, 2, None), "disagrees"),
    ],
)
def test_the_rule_turns_where_it_says(numbers, agrees):
    assert cap.capacity_rule(cap.capacity(*numbers)).agrees == agrees


def test_the_figures_of_the_rule_are_in_the_right_money():
    figures = cap.capacity_rule(cap.capacity(3851, 10, 2, 1_500_000)).figures
    assert figures["case_revenue_per_customer"].unit == figures["case_revenue_per_employee"].unit == "RMB"
    assert figures["own_revenue_per_customer"].unit == "money per customer"
    assert figures["own_revenue_per_customer"].value == pytest.approx(1_500_000 / 3851)
    assert all(one.is_exact for one in figures.values())


def tables():
    members = pd.DataFrame({
        "customer_id": ["a", "b", "b", "c", "d", "e"],
        "joined_at": day(["2023-01-01", "2023-01-01", "2023-06-01", "2023-01-01", "2024-06-01", "2023-05-01"]),
        "left_at": day([None, "2023-05-01", None, "2024-01-01", None, None]),
        "account_id": ["x", "x", "y", "x", "y", "z"],
    })  # fmt: skip
    accounts = pd.DataFrame({
        "account_id": ["x", "y", "z"], "opened_at": day(["2022-01-01"] * 3),
        "banned_at": day([None, None, "2024-02-01"]), "staff": ["w1", "w1", "w2"],
    })  # fmt: skip
    orders = pd.DataFrame(
        [
            ("a", "2024-03-31 23:00", 100.10, 0.10),  # the last day
            ("a", "2023-04-02", 20.20, 0.0),  # the first of the 365 days
            ("a", "2023-04-01", 5000.0, 0.0),  # one day too old
            ("b", "2023-12-01", 30.0, 30.0),  # all paid back
            ("c", "2024-01-01", 7000.0, 0.0),  # not in the pool any more
            ("e", "2024-01-01", 0.30, 0.0),  # on a banned account
            ("d", "2024-01-01", 9000.0, 0.0),  # not yet in the pool
            (None, "2024-01-01", 9000.0, 0.0),
            ("a", "2024-04-01", 9000.0, 0.0),  # after the last day
        ],
        columns=["customer_id", "ordered_at", "amount", "refunded"],
    )
    return members, accounts, orders.assign(ordered_at=pd.to_datetime(orders["ordered_at"], format="ISO8601"))


def test_the_brands_own_numbers_by_hand():
    members, accounts, orders = tables()
    own = {"customers": 3.0, "accounts": 2.0, "staff": 1.0, "revenue": 120.50}
    assert cap.own_capacity(members, accounts, orders, "2024-03-31") == own
    lazy = [pl.from_pandas(table).lazy() for table in (members, accounts, orders.iloc[::-1])]
    assert cap.own_capacity(*lazy, "2024-03-31") == own


def test_own_numbers_of_odd_brands():
    members, accounts, orders = tables()
    nothing = dict.fromkeys(cap.CASE)
    assert cap.own_capacity(None, None, orders, "2024-03-31") == nothing
    found = cap.own_capacity(members, None, orders, "2024-03-31")
    assert found == {"customers": 3.0, "accounts": 3.0, "staff": None, "revenue": 120.50}
    nobody = cap.own_capacity(members.iloc[:0], accounts, orders, "2024-03-31")
    assert nobody == {"customers": 0.0, "accounts": 2.0, "staff": 1.0, "revenue": 0.0}
    assert cap.own_capacity(members, accounts, None, "2024-03-31")["revenue"] is None
    all_banned = accounts.assign(banned_at=day("2024-02-01"))
    assert cap.own_capacity(members, all_banned, orders, "2024-03-31")["accounts"] is None
    cap.capacity_rule(cap.capacity(**nobody))
