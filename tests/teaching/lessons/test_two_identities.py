"""Lesson 02: the formulas by hand arithmetic, and each brand's numbers by another way of counting."""

import math

import pandas as pd
import pytest

from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import two_identities as lesson


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    brand = brands.load(request.param)
    handed_out = lesson.tables(brand)
    return brand, handed_out, {made.key: made for made in lesson.exercises(brand, handed_out)}


def test_the_whiteboard_by_hand(opened):
    """10,000 x 5% = 500 buyers x 200 = 100,000; 150 of them order once more: 130,000. Written as a product with the
    rate it is 30,000. At 260 and 250: 500 x 10 = 5,000; at 247: 500 x -3 = -1,500."""
    made = opened[2]
    assert made["revenue_with_repeats"].right == pytest.approx(130_000)
    assert made["revenue_with_repeats"].check(30_000).name == "times_the_rate"
    assert made["profit_after_the_fall"].right == pytest.approx(-1_500)
    assert made["profit_after_the_fall"].check(4_750).name == "in_proportion"


def test_orders_per_buyer_makes_revenue_whole(opened):
    """Counted with a dictionary; buyers x order value x orders per buyer is revenue by construction of the mean."""
    brand, handed_out, made = opened
    given = brand.table("orders")
    last_year = given[given["ordered_at"] >= pd.Timestamp(brand.observed_until) - pd.Timedelta(days=364)]
    counts = {}
    for customer in last_year["customer_id"]:
        counts[customer] = counts.get(customer, 0) + 1
    assert made["orders_per_buyer"].right == pytest.approx(sum(counts.values()) / len(counts))
    assert len(handed_out["orders"]) == len(last_year)
    paid = math.fsum(last_year["amount"]) - math.fsum(last_year["refunded"].fillna(0))
    assert handed_out["orders"]["amount"].sum() == pytest.approx(paid)


def test_profit_from_the_numbers_handed_out(opened):
    """The full identity written out, as the answer in the notebook does."""
    brand, handed_out, made = opened
    n = dict(zip(handed_out["inputs"]["name"], handed_out["inputs"]["value"], strict=True))
    new = n["traffic"] * n["conversion"]
    worth = n["average_order_value"] * n["contribution_rate"] * n["orders_per_customer"]
    right = new * (worth - n["customer_acquisition_cost"]) - n["fixed_cost"]
    assert made["profit_in_full"].right == pytest.approx(right)
    bought = new * (n["first_order_value"] - n["customer_acquisition_cost"])
    assert made["profit_in_full"].check(bought).name == "formula_of_the_articles"
    spend = brand.table("spend")
    year = spend[spend["date"] >= pd.Timestamp(brand.observed_until) - pd.DateOffset(years=1) + pd.Timedelta(days=1)]
    assert new * n["customer_acquisition_cost"] == pytest.approx(year["spend"].sum())
    assert n["traffic"] == year["visitors"].sum()


def test_the_two_formulas_may_disagree_about_the_sign():
    """What the lesson tells the trainer: by the short formula one brand gains that by the full one loses, and another
    the other way round."""
    signs = set()
    for name in lesson.BRANDS:
        brand = brands.load(name)
        question = lesson.exercises(brand, {})[2]
        short = next(wrong.value for wrong in question.wrong if wrong.name == "formula_of_the_articles")
        signs.add((short > 0, question.right > 0))
    assert {(True, False), (False, True)} <= signs
