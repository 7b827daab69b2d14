"""The five numbers against a pool worked by hand, and the record that the index of all brands reads."""

import json
import math

import numpy as np
import pytest

from siyu_helpers.analysis.brief.decisions import decide
from siyu_helpers.analysis.brief.five_numbers import (
    LABELS,
    decision_record,
    five_numbers,
    money_facts,
    what_can_be_said,
)
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.break_even import break_even_size
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import pool_value
from siyu_helpers.reporting import verdict_cards

OWN = {"uplift", "staff_cost", "orders_per_month", "order_value", "margin"}
KEYS = ["pool_value", "payback_months", "gain_from_joining", "break_even_customers", "return_on_money"]
SIZE = Estimate.exact(900, 900, "customers", "in the pool", "f")


def made(**changes):
    known = {"joiners_per_month": 100, "orders_per_month": 0.5, "uplift": (0.1, 0.3, 0.5), "order_value": 200,
             "margin": 0.4, "churn": 0.02, "staff_cost": 5000, "discount_rate": 0.1}  # fmt: skip
    return PoolInputs(**(known | changes))


def brief(inputs, draws=500, **facts):
    result = pool_value(inputs, draws=draws)
    decision = decide(result, **({"effect_level": "strong", "own": OWN} | facts))
    return result, decision, five_numbers(result, decision, break_even_size(inputs, draws=draws), SIZE)


def test_by_hand_without_discounting():
    # 1,000 customers stay a year: 1,000 x 0.5 x 0.2 x 100 x 0.4 = 4,000 a month; staff cost 2,000, and once 3,000.
    flat = PoolInputs(0, 0.5, 0.2, 100, 0.4, opening_members=1000, staff_cost=2000, setup_cost=3000)
    result = pool_value(flat, months=12)
    facts = money_facts(result)
    assert facts["money_spent"].value == pytest.approx(27_000)
    assert facts["return_on_money"].value == pytest.approx((48_000 - 27_000) / 27_000)
    assert facts["cost_per_customer_month"].value == pytest.approx(27_000 / 12_000)
    assert facts["added_per_customer_month"].value == pytest.approx(4)
    assert all(fact.is_exact for fact in facts.values())
    numbers = {each.key: each for each in five_numbers(result, decide(result, effect_level="strong", own=OWN))}
    assert numbers["pool_value"].value.value == pytest.approx(21_000)
    assert numbers["payback_months"].value.value == 2.0  # 3,000 + 2,000 - 4,000, then - 2,000 again
    assert numbers["payback_months"].beside.value == pytest.approx(1_000)


def test_discounted_cost_by_hand():
    # 100 at the end of each of two months at 21% a year, and 50 at once: 100 (q + q^2) + 50, q = 1.21^(-1/12).
    spent = money_facts(pool_value(PoolInputs(1, 1, 0, 1, 1, tool_cost=100, setup_cost=50, discount_rate=0.21), 2))
    q = 1.21 ** (-1 / 12)
    assert spent["money_spent"].value == pytest.approx(100 * (q + q * q) + 50)


def test_five_numbers_in_order_with_intervals_and_both_languages():
    result, decision, numbers = brief(made())
    assert [number.key for number in numbers] == KEYS
    assert numbers[0].value == result.value
    assert numbers[0].beside == decision.probability
    assert numbers[1].value == result.payback
    assert numbers[3].beside is SIZE
    for number in numbers:
        assert number.label.zh
        assert number.label.en
        assert isinstance(number.value, Estimate)
        assert number.value.low <= number.value.value <= number.value.high
        assert number.value.definition_in("zh") != number.value.definition_in("en")
    back = numbers[4].value
    spent = money_facts(result)["money_spent"].value
    assert back.value == pytest.approx(result.value.value / spent)
    assert back.low == pytest.approx(np.quantile(result.values / spent, 0.05), rel=1e-6)  # costs are certain here
    assert numbers[2].value.unit == "growth"
    assert numbers[2].note.zh == ""


def test_a_gain_that_is_not_established_says_so():
    _, _, numbers = brief(made(), effect_level="not identified here")
    assert "未经证实" in numbers[2].note.zh
    assert "not established" in numbers[2].note.en
    _, _, numbers = brief(made(), effect_level="", given={"uplift"})
    assert numbers[2].note.en == ""


def test_where_nothing_can_be_judged_nothing_is_made_up():
    _, decision, numbers = brief(made(), effect_level="", own={"orders_per_month", "order_value"})
    assert [number.key for number in numbers] == KEYS
    assert all(isinstance(number.value, Refused) for number in numbers)
    assert numbers[2].beside.value == 0.5, "what customers order without a pool is the brand's own"
    assert numbers[0].beside is None
    none = five_numbers(None, decision)
    assert all(isinstance(number.value, Refused) and number.value.reason_zh for number in none)


def test_payback_refused_and_size_missing():
    result, decision, numbers = brief(made(staff_cost=90_000))
    assert decision.verdict == "do not"
    assert isinstance(numbers[1].value, Refused)
    assert isinstance(five_numbers(result, decision)[3].value, Refused)
    record = decision_record(decision, numbers)
    assert record["payback"] is None
    assert record["value"][0] < 0


@pytest.mark.parametrize("inputs", [
    PoolInputs(0, 0, 0, 0, 0),
    PoolInputs(0, 0, (0, 0.1, 0.2), 0, (0.1, 0.2, 0.3)),
    PoolInputs(1, 1, 0.1, 0, 0.5, discount_rate=0.1),
    PoolInputs(0, 0.5, -0.5, 10, 0.4, opening_members=1, churn=1.0, staff_cost=1),
    PoolInputs(10, 1, (-1, 0, 2), 100, (-1, 0, 1), referrals_per_month=(0, 0.5, 1), referral_value=(-5, 0, 5)),
])  # fmt: skip
def test_odd_pools_give_numbers_or_reasons(inputs):
    result, decision, numbers = brief(inputs, draws=50)
    for number in [*(each.value for each in numbers), *money_facts(result).values()]:
        assert isinstance(number, Estimate | Refused)
        if isinstance(number, Estimate):
            assert math.isfinite(number.value)
    kept = verdict_cards.checked(decision_record(decision, numbers))
    assert kept["verdict"] == decision.verdict.replace(" ", "_")


def test_a_free_pool_has_no_return():
    assert money_facts(pool_value(PoolInputs(10, 1, 0.1, 100, 0.5)))["return_on_money"].gate == "cost"
    assert money_facts(pool_value(PoolInputs(0, 1, 0.1, 100, 0.5, tool_cost=1)))["cost_per_customer_month"].gate == (
        "members"
    )


def test_what_orders_alone_say():
    inputs = made()
    said = {number.key: number.value for number in what_can_be_said(inputs, OWN | {"activity_kept"})}
    assert said["orders_without_pool"].value == 0.5
    assert said["sales_per_customer_month"].value == pytest.approx(100)
    assert said["contribution_now"].value == pytest.approx(40)
    assert said["most_per_customer_month"].value == pytest.approx(4)
    half = {number.key: number.value for number in what_can_be_said(inputs, OWN, gain=0.5)}
    assert half["most_per_customer_month"].value == pytest.approx(20)
    assert "50%" in half["most_per_customer_month"].definition_in("zh")
    assert [number.key for number in what_can_be_said(inputs, {"order_value"})] == ["order_value_now"]
    assert "contribution_now" not in [n.key for n in what_can_be_said(inputs, {"order_value", "orders_per_month"})]
    assert what_can_be_said(None, OWN) == []
    assert what_can_be_said(inputs, ()) == []
    assert {"orders_without_pool", "buying_kept", "order_value_now"} < set(LABELS)


@pytest.mark.parametrize(("facts", "verdict"), [
    ({}, "build"),
    ({"effect_level": "not identified here"}, "pilot"),
    ({"frequency": "too many"}, "fix_first"),
    ({"effect_level": "", "own": ()}, "cannot_be_judged"),
])  # fmt: skip
def test_the_record_is_json_and_what_the_card_takes(facts, verdict):
    result, decision, numbers = brief(made(), **facts)
    record = decision_record(decision, numbers, "USD", 24)
    again = json.loads(json.dumps(record, allow_nan=False))
    assert again == record
    kept = verdict_cards.checked(again)
    assert (kept["verdict"], kept["currency"], kept["months"]) == (verdict, "USD", 24.0)
    if verdict == "cannot_be_judged":
        assert (kept["probability"], kept["value"], kept["payback"]) == (None, None, None)
    else:
        assert kept["value"] == [result.value.value, result.value.low, result.value.high]
        assert kept["probability"] == decision.probability.value


def test_an_end_without_a_bound_stays_json():
    result, decision, _ = brief(made(staff_cost=11_000))
    assert math.isinf(result.payback.high)
    record = decision_record(decision, five_numbers(result, decision))
    assert record["payback"][2] == "inf"
    json.dumps(record, allow_nan=False)
    assert verdict_cards.checked(record)["payback"][2] == "inf"
