"""Claims on prices, sales and costs, each by hand."""

import pytest

from siyu_helpers.analysis.evidence import sales_arithmetic as sales
from siyu_helpers.analysis.evidence.arithmetic import CANNOT_BE, CONSISTENT, DEPENDS


def values(worked):
    return {name.removeprefix(f"{worked.key}_"): round(one.value, 4) for name, one in worked.figures.items()}


def test_ten_times_the_price_is_ten_times_the_cost_where_conversion_stays():
    found = values(sales.keyword_price(3, 30, 0.05, 0.0, 60))
    assert found == {
        "times": 10,
        "cost_before": 60,
        "cost_after": 600,
        "cost_times": 10,
        "orders_before": 1,
        "orders_after": 10,
    }


def test_a_few_to_tens_may_be_hardly_a_rise():
    found = values(sales.keyword_price())
    assert (found["times_least"], found["times_most"]) == (round(10 / 9, 4), 99)


def test_ten_million_a_month():
    found = values(sales.mall_sales(10_000_000, 0.02, 200, 0.25, 5_000))
    assert found == {"orders": 50_000, "orders_a_day": round(50_000 * 12 / 365, 4), "visits": 2_500_000,
                     "contacts": 200_000, "accounts": 40}  # fmt: skip


def test_a_second_home():
    found = sales.second_home(5, 0.2, 0.1)
    assert values(found) == {"one": 0.2, "mixed": 0.28, "lift": 1.4, "everybody_three": 0.6}  # (0.7 + 0.4 + 0.3) / 5
    assert found.verdict == CONSISTENT
    assert sales.second_home(2).verdict == DEPENDS  # 1.5 a year if all had three homes
    with pytest.raises(ValueError, match="add up"):
        sales.second_home(5, 0.8, 0.3)


def test_a_thousand_products_to_one_person():
    found = values(sales.breadth(1_000, 130, 60, 6))
    assert found == {"cost_single": 130, "cost_spread": 0.13, "orders_needed": 3, "years_needed": 0.5,
                     "years": round(1_000 / 6, 4)}  # fmt: skip


def test_a_thousand_products_with_exact_division():
    assert values(sales.breadth(1_000, 120, 60, 6))["orders_needed"] == 2


def test_ready_meals_at_full_cost():
    worked = sales.meal_sales(5_000, 0.4, 2_000, 1_000, 3_000, 500, 50, 50)
    assert values(worked) == {"contribution": 2_000, "cost": 9_000, "owner": 2_500, "net": -7_000,
                              "break_even": 22_500, "times": 4.5}  # fmt: skip
    assert worked.verdict == CANNOT_BE
    assert sales.meal_sales().verdict == DEPENDS
    assert sales.meal_sales(5_000, 0.4, 0, 0, 0, 0, 10, 50).verdict == DEPENDS


def test_faked_orders_are_never_a_benefit():
    worked = sales.brushing_cost()
    assert values(worked) == {"per_customer": 6.6667, "of_sales": 0.02}  # 200,000 / 30,000 and / 10 million
    assert worked.verdict == CANNOT_BE
    assert sales.brushing_cost(1.0).verdict == CANNOT_BE
