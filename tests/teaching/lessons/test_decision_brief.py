"""Lesson 10: the plan by hand on certain inputs, and on each brand by simulating and counting another way."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import industry_fit as fit
from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import decision_brief as lesson


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    brand = brands.load(request.param)
    handed_out = lesson.tables(brand)
    return brand, handed_out, {made.key: made for made in lesson.exercises(brand, handed_out)}


def numbers(handed_out):
    return handed_out["plan"].set_index("name")["value"]


def hand_made(gain):
    """100 joiners a month stay for ever, one order of 10 at half margin a month: a customer-month of gain g brings 5 g.
    Customers in the middle of months 1 to 24: 50, 150, ..., 2350, together 28,800. Staff 300 a month: 7,200."""
    inputs = pd.DataFrame(
        [("orders_per_month", 1, 1, 1, "estimated"), ("order_value", 10, 10, 10, "estimated"),
         ("margin", 0.5, 0.5, 0.5, "estimated"), ("uplift", *gain, "assumed")],
        columns=["input", "low", "typical", "high", "origin"],
    )  # fmt: skip
    plan = {"joiners_per_month": 100, "messages_per_month": 0, "cost_per_month": 300}
    return {"inputs": inputs, "plan": pd.DataFrame({"name": list(plan), "value": [float(n) for n in plan.values()]})}


def test_value_by_hand():
    """Break-even gain: 7,200 / (5 x 28,800) = 0.05."""
    assert lesson.value(hand_made((0.05, 0.05, 0.05))).values == pytest.approx(0)
    assert lesson.value(hand_made((0.10, 0.10, 0.10))).values == pytest.approx(7_200)


def test_probability_by_hand():
    """Gain triangular on 0 to 0.2 with its peak at 0.1: below 0.05 with probability 0.05^2 / (0.2 x 0.1) = 1/8."""
    found = lesson.value(hand_made((0.0, 0.1, 0.2))).values
    assert (found > 0).mean() == pytest.approx(7 / 8, abs=0.03)  # 2,000 draws: standard error 0.0074
    assert lesson.decision(hand_made((0.0, 0.1, 0.2))).verdict == "pilot"  # sure enough, but the gain is assumed
    assert lesson.decision(hand_made((0.0, 0.01, 0.02))).verdict == "do not"  # never reaches 0.05


def test_probability_counted_draw_by_draw(opened):
    _, handed_out, made = opened
    lines = handed_out["draws"].to_dict("records")
    net = [line["added_orders"] + line["saved_on_platforms"] - line["messages"] - line["staff"] for line in lines]
    question = made["probability_it_pays"]
    assert question.check(sum(each > 0 for each in net) / len(net)).kind == "right"
    assert np.mean(net) > 0  # the mean says build
    assert question.right < 0.8  # the odds do not
    paid = numbers(handed_out)["already_paid"]
    assert question.check(sum(each > paid for each in net) / len(net)).name == "sunk_cost_counted"
    assert (handed_out["draws"]["from_repurchase"] < handed_out["draws"]["added_orders"]).all()


def test_other_random_numbers_give_nearly_the_same_probability(opened):
    _, handed_out, made = opened
    inputs = lesson.pool_inputs(handed_out["inputs"], handed_out["plan"])
    again = fit.pool_value(inputs, draws=20_000, seed=99).values
    assert made["probability_it_pays"].right == pytest.approx((again > 0).mean(), abs=0.04)


def test_joiners_needed_by_running_the_pool_at_that_size(opened):
    """A little above it eight draws in ten pay, a little below fewer; the quantile of the notebook agrees."""
    _, handed_out, made = opened
    question, plan, draws = made["joiners_needed"], numbers(handed_out), handed_out["draws"]
    inputs = lesson.pool_inputs(handed_out["inputs"], handed_out["plan"])
    for factor, enough in ((1.005, True), (0.995, False)):
        run = fit.pool_value(inputs.replaced(joiners_per_month=question.right * factor), draws=2_000, seed=1)
        assert ((run.values > 0).mean() >= 0.8) == enough
    earned = draws["added_orders"] + draws["saved_on_platforms"] - draws["messages"]
    by_hand = draws["staff"].iloc[0] / (earned / plan["joiners_per_month"]).quantile(0.2)
    assert question.check(by_hand).kind == "right"
    assert question.check(draws["staff"].iloc[0] / earned.mean() * plan["joiners_per_month"]).name == "by_the_mean"


def test_verdict_follows_the_rules_in_words(opened):
    _, handed_out, made = opened
    assert lesson.SETTINGS["evidence"] == "not identified here"
    assert made["verdict"].right == "b"
    assert lesson.decision(handed_out).rule == "effect"


def test_worth_of_finding_out_in_groups_of_draws(opened):
    """Twenty groups of draws by each input instead of the library's spline."""
    _, handed_out, made = opened
    draws = handed_out["draws"]
    net = draws["added_orders"] + draws["saved_on_platforms"] - draws["messages"] - draws["staff"]
    worth = {
        letter: net.groupby(pd.qcut(draws[name], 20), observed=True).mean().clip(lower=0).mean() - max(net.mean(), 0)
        for letter, name in lesson.INPUTS.items()
    }
    assert made["find_out_first"].right == max(worth, key=worth.get) == "a"
    assert max(worth[letter] for letter in "bcd") < worth["a"] / 100


def test_the_distractors_are_what_they_are_said_to_be(opened):
    """Order value moves the net most when each is a tenth higher; the cost of a message has the widest range."""
    _, handed_out, _ = opened
    inputs = lesson.pool_inputs(handed_out["inputs"], handed_out["plan"])
    typical, shift = inputs.typical(), {}
    for name in lesson.INPUTS.values():
        ends = [fit.flows({key: np.array([value * (by if key == name else 1)]) for key, value in typical.items()}, 24)
                for by in (1.1, 1.0)]  # fmt: skip
        shift[name] = abs(float(ends[0]["net"].sum() - ends[1]["net"].sum()))
    assert max(shift, key=shift.get) == "order_value"
    listed = handed_out["inputs"].set_index("input").query("low > 0")
    assert (listed["high"] / listed["low"]).idxmax() == "message_cost"


def test_member_gain_counted_with_sets(opened):
    brand, handed_out, _ = opened
    orders, members = brand.table("orders"), brand.table("members")
    begin = pd.Timestamp(brand.observed_until) - pd.Timedelta(89, unit="D")
    known = set(orders.loc[orders["ordered_at"] < begin, "customer_id"])
    stays = members["left_at"].isna() | (members["left_at"] >= begin)  # who left may have come back: another row
    inside = set(members.loc[(members["joined_at"] < begin) & stays, "customer_id"]) & known
    late = orders.loc[orders["ordered_at"] >= begin, "customer_id"]
    theirs, others = late.isin(inside).sum(), late.isin(known - inside).sum()
    ratio = (theirs / len(inside)) / (others / len(known - inside))
    assert numbers(handed_out)["member_gain"] == pytest.approx(ratio - 1, abs=0.001)
