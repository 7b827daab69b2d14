"""Lesson 09: the account of a pool by hand, and on each invented brand by another way of counting."""

import pandas as pd
import pytest

from siyu_helpers.analysis import industry_fit
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import pool_economics as lesson


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    brand = brands.load(request.param)
    handed_out = lesson.tables(brand)
    return brand, handed_out, {made.key: made for made in lesson.exercises(brand, handed_out)}


#: One order of 200 every other month, a fifth more in the pool, 40% margin; a tenth of the orders move and save 5%;
#: 4 messages of 0.1; 5% leave a month and each who replaces them gets 20; 9,000 of fixed costs.
BY_HAND = {
    "joiners_per_month": 100.0, "orders_per_month": 0.5, "uplift": 0.2, "order_value": 200.0, "margin": 0.4,
    "moved_share": 0.1, "commission_saved": 0.05, "messages_per_month": 4.0, "message_cost": 0.1, "churn": 0.05,
    "incentive_cost": 20.0, "staff_cost": 6000.0, "tool_cost": 1000.0, "content_cost": 2000.0,
}  # fmt: skip


def small_inputs():
    return lesson.pool_inputs(pd.DataFrame({"input": list(BY_HAND), "value": list(BY_HAND.values())}))


def test_break_even_by_hand():
    """0.5 x 0.2 x 200 x 0.4 = 8 added, 0.5 x 0.1 x 200 x 0.05 = 0.5 saved, less 0.4 and 1: 7.1 a customer."""
    question = lesson._size(small_inputs())
    assert question.right == pytest.approx(9000 / 7.1)
    wrong = {mistake.name: mistake.value for mistake in question.wrong}
    assert wrong["all_orders_of_members"] == pytest.approx(9000 / (40 + 0.5 - 1.4))
    assert wrong["revenue_not_contribution"] == pytest.approx(9000 / (20 + 0.5 - 1.4))
    assert wrong["leavers_not_replaced"] == pytest.approx(9000 / 8.1)


def test_payback_by_hand():
    """Month by month in a loop: half of a month's joiners count in it, a twentieth of the pool leaves."""
    inputs = small_inputs().replaced(joiners_per_month=200.0)
    rows, inside = [], 0.0
    for month in range(1, 61):
        after = inside * 0.95 + 200
        rows.append((month, (inside + after) / 2, 200.0))
        inside = after
    plan = pd.DataFrame(rows, columns=["month", "members", "joiners"])
    total, answer = 0.0, None
    for month, members, joiners in rows:
        total += members * 8.1 - joiners * 20 - 9000
        answer = answer or (month if total >= 0 else None)
    assert lesson._payback(inputs, plan).right == answer == 23


def test_case_and_bans_by_hand():
    """30,000 customers, 120 minutes a year each, 250 days of 480 minutes. Half won back: 0.99 is kept a month."""
    assert lesson._employees().right == 30_000 * 120 / (250 * 480) == 30
    bans = pd.Series({"ban_probability": 0.02, "recovery": 0.5})
    assert lesson._ban(pd.Series([100, 50]), bans).right == pytest.approx(1 - 0.99**12)


def test_cost_of_a_month_from_the_raw_tables(opened):
    """Days in the pool by sets: each customer once a day, whatever the accounts."""
    brand, _, made = opened
    first, last = pd.Timestamp("2025-01-01"), pd.Timestamp("2026-01-01")
    paid, sent, stays = brand.table("pool_costs"), brand.table("messages"), brand.table("members")
    money = paid.loc[paid["month"] >= first, "amount"].sum() + sent.loc[sent["sent_at"] >= first, "cost"].sum()
    months = 0.0
    for month in pd.date_range(first, last, freq="MS")[:-1]:
        end = month + pd.DateOffset(months=1)
        begun = stays["joined_at"].clip(lower=month)
        ended = stays["left_at"].fillna(last).clip(upper=end)
        months += (ended - begun).dt.total_seconds().clip(lower=0).sum() / (end - month).total_seconds()
    assert made["cost_of_a_month"].right == pytest.approx(money / months, rel=0.02)  # in seconds, not days


def test_answers_from_the_handed_out_tables_alone(opened):
    _, handed_out, made = opened
    each = handed_out["inputs"].set_index("input")["value"]
    fixed = each[["staff_cost", "tool_cost", "content_cost"]].sum()
    orders = each["orders_per_month"] * each["order_value"]
    brings = orders * (each["uplift"] * each["margin"] + each["moved_share"] * each["commission_saved"])
    brings -= each["messages_per_month"] * each["message_cost"]
    net = brings - each["churn"] * each["incentive_cost"]
    assert made["break_even_size"].check(fixed / net).kind == "right"
    plan = handed_out["plan"]
    total = (plan["members"] * brings - plan["joiners"] * each["incentive_cost"] - fixed).cumsum()
    assert made["payback_month"].right == plan.loc[total >= 0, "month"].min()
    assert handed_out["accounts"]["customers"].is_monotonic_decreasing


def test_a_durable_has_no_break_even_size():
    """Why yunzuo is not among the brands: what a customer adds does not pay for replacing those who leave."""
    brand = brands.load("yunzuo")
    handed_out = lesson.tables(brand)
    lasting, fading = (lesson.pool_inputs(handed_out[name]) for name in ("inputs", "all_inputs"))
    assert all(isinstance(industry_fit.break_even_size(inputs, draws=1), Refused) for inputs in (lasting, fading))
    part = lesson._parts(lasting.typical())
    assert part["added"] + part["saved"] < part["messages"] + part["replacing"]
