"""The best number of messages on small simulated brands, and what is refused. Truths are in tests/calibration."""

import functools
import math

import pandas as pd
import pytest

from siyu_helpers.analysis.effect.best_frequency import FACTS, best_frequency, frequency_curve, frequency_verdict
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data.simulate import simulate

UNTIL = "2025-12-31"
# What joining is worth a month: from simulation/truth.py, of this recipe at 6,000 customers.
VALUE = Estimate(7.0, 5.0, 9.0, 0.9, 1000, "money per customer", "contribution a month", "a trial")


@functools.cache
def tables(**how):
    made = simulate("sanli", customers=2400, seed=11, **how)
    return tuple(made.tables[name] for name in ("messages", "orders", "members", "assignments"))


@functools.cache
def curve_of(draws=100, **how):
    return frequency_curve(*tables(**how), UNTIL, VALUE, draws=draws)


def test_over_messaging_is_found():
    curve = curve_of()
    facts = best_frequency(curve)
    assert set(facts) == set(FACTS)
    assert all(isinstance(one, Estimate) for one in facts.values())
    assert facts["sent_per_month"].value == pytest.approx(30, rel=0.01)
    assert facts["best_per_month"].low <= 8 <= facts["best_per_month"].high < 30  # 8 to 10 at this size
    assert facts["gain_from_prudent"].low > 0
    assert frequency_verdict(curve) == "too many"
    here = curve.set_index("per_month").loc[facts["sent_per_month"].value]
    assert here["against_sent"] == here["against_sent_low"] == here["against_sent_high"] == 0
    assert curve["still_there"].is_monotonic_decreasing
    assert not curve.isna().any().any()


def test_six_messages_are_not_called_too_many():
    curve = curve_of(messages_per_month=6.0)
    found = best_frequency(curve)["best_per_month"]
    assert frequency_verdict(curve) != "too many"
    assert found.low <= 6 <= found.high


def test_equal_seeds_give_equal_numbers_whatever_the_ids_and_the_order_of_rows():
    other = []
    for table in tables():
        renamed = table.assign(customer_id="x" + (9**9 - table["customer_id"]).astype(str))
        other.append(renamed.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(frequency_curve(*other, UNTIL, VALUE, draws=100), curve_of())


def test_what_staying_is_worth_decides():
    """If leaving costs nothing, opt-outs do no harm, and more messages are better than if it costs much."""
    dear, cheap = (best_frequency(frequency_curve(*tables(), UNTIL, value, draws=20))["best_per_month"].value
                   for value in (9.0, 2.0))  # fmt: skip
    assert dear < cheap


@pytest.mark.parametrize("how", [{"experiment": "nothing like it"}, {"holdout_arm": "promotions"}, {"kind": "news"}])
def test_without_a_lot_nothing_is_stated(how):
    curve = frequency_curve(*tables(), UNTIL, VALUE, **how)
    assert {one.gate for one in best_frequency(curve).values()} == {"a lot"}
    assert frequency_verdict(curve) == "not settled"


def test_refusals():
    messages, orders, members, lot = tables()
    few = lot[lot["customer_id"].isin(lot["customer_id"].head(300))]
    assert frequency_curve(messages, orders, members, few, UNTIL, VALUE).gate == "members in either arm"
    uncosted = messages.drop(columns="cost")
    assert frequency_curve(uncosted, orders, members, lot, UNTIL, VALUE).gate == "cost of messages"
    unearned = orders.drop(columns="cost")
    assert frequency_curve(messages, unearned, members, lot, UNTIL, VALUE).gate == "contribution"
    refused = Refused("overlap", 0, 1, "无", "none")
    assert frequency_curve(messages, orders, members, lot, UNTIL, refused) is refused
    free = orders.assign(amount=0.0, cost=0.0, platform_fee=0.0, refunded=0.0)
    assert frequency_curve(messages, free, members, lot, UNTIL, VALUE).gate == "contribution of the arms"
    with pytest.raises(ValueError, match="halves"):
        frequency_curve(messages, orders, members, lot, UNTIL, VALUE, halves=(0.0, 3.0))
    with pytest.raises(ValueError, match="levels off"):
        frequency_curve(messages, orders, members, lot, UNTIL, VALUE, halves=(3.0, math.inf))
