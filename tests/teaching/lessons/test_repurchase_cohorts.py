"""Lesson 04: three customers by hand arithmetic, then each brand against loops over its raw orders."""

import functools
from types import SimpleNamespace

import pandas as pd
import pytest

from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import repurchase_cohorts as lesson


@functools.cache
def answers(name):
    brand = brands.load(name)
    handed_out = lesson.tables(brand)
    return brand, handed_out, {made.key: made for made in lesson.exercises(brand, handed_out)}


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    return answers(request.param)


def raw_orders(brand):
    """Days of each customer's orders, earliest first, in plain Python."""
    days = {}
    given = brand.table("orders")
    for customer, at in zip(given["customer_id"], given["ordered_at"], strict=True):
        days.setdefault(customer, []).append(at.date())
    return {customer: sorted(theirs) for customer, theirs in days.items()}


def month(day):
    return day.year * 12 + day.month - 1


def small_brand(lines, until):
    orders = pd.DataFrame(lines, columns=["customer_id", "ordered_at"])
    orders["ordered_at"] = pd.to_datetime(orders["ordered_at"], format="ISO8601")
    orders["order_id"], orders["amount"] = [f"o{at}" for at in range(len(orders))], 10.0
    stamp = pd.Timestamp(until).date()
    return SimpleNamespace(
        table=lambda name: orders.copy(), scan=lambda name: orders.copy(), observed_until=stamp, history={}
    )


@pytest.fixture
def three_customers():
    """Two come in January (one of them again in February), one in February; the data end on the last of March.

    January: two customers, in February one of them (age 1), in March the other (age 2). February: one customer, nobody
    back in March. March has begun no cohort.
    """
    return small_brand(
        [("a", "2024-01-05"), ("a", "2024-02-10"), ("b", "2024-01-20 23:30"), ("b", "2024-03-31"), ("c", "2024-02-01")],
        "2024-03-31",
    )


def test_grid_by_hand(three_customers):
    grid = lesson.tables(three_customers)["grid"].set_index(["cohort", "age"])
    assert grid["customers"].to_dict() == {
        **{("2024-01", age): 2 for age in range(3)},
        **{("2024-02", age): 1 for age in range(3)},
    }
    assert grid.loc["2024-01", "active"].tolist() == [2, 1, 1]
    assert grid.loc["2024-02", "active"].tolist()[:2] == [1, 0]
    assert pd.isna(grid.loc[("2024-02", 2), "active"]), "April has not come: blank, not zero"


def test_a_month_that_is_not_over_is_blank():
    brand = small_brand([("a", "2024-01-05"), ("a", "2024-02-10"), ("b", "2024-02-01")], "2024-02-28")
    grid = lesson.tables(brand)["grid"].set_index(["cohort", "age"])["active"]
    assert grid["2024-01"].tolist() == [1], "29 February is missing: nothing is known of February yet"


def test_orders_by_hand(three_customers):
    orders = lesson.tables(three_customers)["orders"].sort_values(["customer", "day"])
    assert orders["cohort"].tolist() == ["2024-01", "2024-01", "2024-01", "2024-01", "2024-02"]
    assert orders["age"].tolist() == [0, 1, 0, 2, 0]
    assert orders["first_day"].dt.day.tolist() == [5, 5, 20, 20, 1]


def test_retention_as_a_loop_over_raw_orders(opened):
    """Month twelve after the month of the first order, for cohorts of which that month is over."""
    brand, _, made = opened
    last = pd.Timestamp(brand.observed_until)
    over = month(last) if last.is_month_end else month(last) - 1
    back = there = 0
    for days in raw_orders(brand).values():
        begun = month(days[0])
        if begun + 12 <= over:
            there += 1
            back += any(month(day) == begun + 12 for day in days)
    assert made["average_retention"].right == pytest.approx(back / there)


def test_ordered_again_as_a_loop_over_raw_orders(opened):
    brand, _, made = opened
    again = watched = same_day = 0
    for days in raw_orders(brand).values():
        if (brand.observed_until - days[0]).days >= 90:
            watched += 1
            again += any(1 <= (day - days[0]).days <= 90 for day in days)
            same_day += len(days) > 1 and (days[1] - days[0]).days <= 90
    question = made["ordered_again"]
    assert question.right == pytest.approx(again / watched)
    assert question.check(same_day / watched).name == "same_day_orders_counted"


def test_difference_at_equal_age_as_a_loop_over_raw_orders(opened):
    """The cohort of January 2025 is eleven months old at the end of 2025: the older one is counted to that age too."""
    brand, _, made = opened
    counted = {}
    for days in raw_orders(brand).values():
        begun = f"{days[0]:%Y-%m}"
        if begun in (lesson.SETTINGS["older"], lesson.SETTINGS["newer"]):
            customers, orders = counted.get(begun, (0, 0))
            young = sum(month(day) - month(days[0]) <= 11 for day in days)
            counted[begun] = (customers + 1, orders + young)
    per_customer = {begun: orders / customers for begun, (customers, orders) in counted.items()}
    right = per_customer[lesson.SETTINGS["newer"]] - per_customer[lesson.SETTINGS["older"]]
    assert made["difference_at_equal_age"].right == pytest.approx(right)


def test_zeros_for_months_not_reached_are_recognised(opened):
    """Each of the three ways in which the field gets month twelve wrong has its own explanation."""
    _, handed_out, made = opened
    cells = handed_out["grid"].query("age == 12")
    ask = made["average_retention"].check
    with_zeros = cells.fillna({"active": 0})
    assert ask((with_zeros["active"] / with_zeros["customers"]).mean()).name == "mean_with_zeros"
    assert ask(with_zeros["active"].sum() / with_zeros["customers"].sum()).name == "zeros_for_unobserved_months"
    assert ask((cells["active"] / cells["customers"]).mean()).name == "mean_of_shares"
