"""Lesson 05: three values by hand on a small brand, and on each invented brand by another way of counting."""

import datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from siyu_helpers.analysis import customer_lifetime
from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import customer_value as lesson


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    brand = brands.load(request.param)
    handed_out = lesson.tables(brand)
    made = {made.key: made for made in lesson.exercises(brand, handed_out)}
    return brand, handed_out, made, raw(brand)


def raw(brand):
    """The orders as written, by loops over customers: (day since the first order, contribution), days observed."""
    given = brand.table("orders")
    money = given["amount"] - given["refunded"].fillna(0) - given["cost"] - given["platform_fee"].fillna(0)
    days = given["ordered_at"].dt.date.map(datetime.date.toordinal)
    until = brand.observed_until.toordinal()
    found = {}
    for customer, day, earned in zip(given["customer_id"], days, money, strict=True):
        found.setdefault(customer, []).append((day, earned))
    for customer, rows in found.items():
        first = min(day for day, _ in rows)
        found[customer] = [(day - first, earned) for day, earned in rows], until - first + 1
    return found


def value_within(customers, days):
    old = [rows for rows, seen in customers.values() if seen >= days]
    return sum(earned for rows in old for age, earned in rows if age < days) / len(old)


def test_small_brand_by_hand():
    """Two old customers and one who came in the last week; contribution 6 an order (10 less 3 goods and 1 fee)."""
    days = ["2023-01-01", "2023-02-01", "2023-05-01", "2023-01-01", "2025-12-26"]
    orders = pd.DataFrame({"customer_id": [1, 1, 1, 2, 3], "ordered_at": pd.to_datetime(days)})
    orders = orders.assign(amount=10.0, refunded=None, cost=3.0, platform_fee=1.0, acquired_through="feed")
    brand = SimpleNamespace(table=lambda name: orders.copy(), observed_until=datetime.date(2025, 12, 31))
    customers, lines = lesson._customers_and_orders(brand)
    assert customers["days_observed"].tolist() == [1096, 1096, 6]
    assert lines["age_days"].tolist() == [0, 0, 31, 120, 0]  # in the order of time
    assert set(lines["contribution"]) == {6.0}
    quarters = lesson._quarters(customers, lines)
    assert quarters.to_numpy().tolist() == [[0, 2, 2, 18.0], [1, 2, 1, 6.0]]
    share, money = quarters["active"] / quarters["customers"], quarters["contribution"] / quarters["active"]
    assert (share * money).sum() == 12.0


def test_first_step_by_hand():
    """20 a customer within thirty days and 10 more in the second thirty: 25 are back in step two, 40 never."""
    orders = pd.DataFrame({"customer": [1, 1, 2], "age_days": [0, 30, 29], "contribution": [20.0, 20.0, 20.0]})
    assert [lesson._first_step(orders, "contribution", cost) for cost in (20, 25, 40)] == [1.0, 2.0, 99.0]


def test_values_at_equal_age_by_loops(opened):
    _, _, made, customers = opened
    assert made["value_in_a_year"].right == pytest.approx(value_within(customers, 365), rel=1e-6)
    assert made["value_by_ages"].right == pytest.approx(value_within(customers, 720), rel=1e-6)
    everything = sum(earned for rows, _ in customers.values() for _, earned in rows) / len(customers)
    assert made["value_in_a_year"].check(everything).name == "contribution_to_date"


def test_mean_retention_overstates_and_the_first_understates(opened):
    """Retention that rises with age: Fader and Hardie (2010), Marketing Science 29, 85-93, on what one rate does."""
    _, handed_out, made, _ = opened
    question = made["value_by_ages"]
    wrong = {mistake.name: mistake.value for mistake in question.wrong}
    assert wrong["retention_of_the_first_quarter"] < question.right < wrong["mean_retention"] < wrong["for_ever"]
    active = handed_out["quarters"]["active"].tolist()
    assert active[1] / active[0] < active[7] / active[6]


def test_model_is_the_one_that_the_page_tests(opened):
    """The same forecast as `check_holdout` compares on page 02; its baseline is the mistake."""
    brand, _, made, _ = opened
    trial = customer_lifetime.check_holdout(
        brand.scan("orders"), brand.observed_until, lesson.SETTINGS["model_sees_until"], draws=5, **brand.history
    )
    row = trial.comparison.set_index("forecast")["error"]
    assert made["error_of_the_model"].right == pytest.approx(row["mbg_nbd"], abs=1e-6)
    assert made["error_of_the_model"].check(row["own_rate"]).name == "past_rate_goes_on"


def test_payback_from_the_raw_tables(opened):
    brand, _, made, everybody = opened
    given, spend = brand.table("orders").sort_values("ordered_at", kind="stable"), brand.table("spend")
    channel = lesson.channel_of(brand)
    first = given.drop_duplicates("customer_id")
    ours = first[(first["ordered_at"] < "2024-01-01") & (first["acquired_through"] == channel)]["customer_id"]
    cost = spend.loc[(spend["channel"] == channel) & (spend["date"] < "2024-01-01"), "spend"].sum()
    rows = [row for name in ours for row in everybody[name][0]]
    earned = {step: sum(money for age, money in rows if age < 30 * step) for step in range(1, 25)}
    assert made["payback_step"].right == min(step for step, money in earned.items() if money >= cost)
