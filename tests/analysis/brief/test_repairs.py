"""Fewer promotions: in the proportion that the lot found prudent, with what they add falling alike, by hand."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.brief.repairs import repaired
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.inputs import ASSUMED, Origin, PoolInputs, typical_of


def number(value):
    return Estimate.exact(value, 100, "messages a month", "by hand", repaired)


def facts(sent=30.0, prudent=6.0, lift=None):
    found = {"sent_per_month": number(sent), "prudent_per_month": number(prudent)}
    return found | ({} if lift is None else {"message_lift": number(lift)})


POOL = PoolInputs(100, 1.0, 0.5, 30, 0.5, messages_per_month=25.0, opt_out_per_message=0.004)


def test_messages_fall_in_proportion_and_nothing_else_moves():
    fixed = repaired(POOL, "too many", facts())
    assert fixed.messages_per_month == pytest.approx(5.0)
    was, now = POOL.typical(), fixed.typical()
    assert {name for name in was if was[name] != now[name]} == {"messages_per_month"}


def test_what_messages_add_falls_alike():
    """A gain of half and a lift of a tenth: 1.5 / 1.1 without promotions; a fifth of them left keeps a fifth of it."""
    fixed = repaired(POOL, "too many", facts(lift=0.1))
    without = 1.5 / 1.1
    assert fixed.uplift == pytest.approx(without + (1.5 - without) / 5 - 1)


def test_an_assumed_gain_is_still_an_assumed_one():
    """Else its face value, twice what is typical of it, would be lost on the way."""
    assumed = dataclasses.replace(POOL.replaced(uplift=(0.0, 0.5, 1.2)), origins={"uplift": Origin(ASSUMED)})
    assert repaired(assumed, "too many", facts(lift=0.1)).origin("uplift").kind == ASSUMED


@pytest.mark.parametrize("lift", [0.0, -0.3])
def test_promotions_that_add_nothing_take_nothing_with_them(lift):
    assert repaired(POOL, "too many", facts(lift=lift)).uplift == POOL.uplift


@pytest.mark.parametrize(("verdict", "found"), [
    ("in range", facts()),
    ("not settled", facts()),
    ("too few", facts()),
    ("too many", {}),
    ("too many", {"sent_per_month": Refused("lot", 0, 1, "没有。", "None."), "prudent_per_month": number(6)}),
    ("too many", facts(sent=0.0)),
    ("too many", facts(sent=6.0, prudent=6.0)),
])  # fmt: skip
def test_without_a_settled_leak_there_is_nothing_to_repair(verdict, found):
    assert repaired(POOL, verdict, found) is None


def test_a_range_keeps_its_shape():
    wide = POOL.replaced(messages_per_month=(20.0, 25.0, 30.0), uplift=(0.3, 0.5, 0.7))
    fixed = repaired(wide, "too many", facts(lift=0.1))
    assert fixed.messages_per_month == pytest.approx((4.0, 5.0, 6.0))
    assert fixed.uplift[0] < fixed.uplift[1] < fixed.uplift[2]


@given(st.floats(0, 29), st.floats(0, 3), st.floats(0, 5))
def test_it_never_adds(prudent, gain, lift):
    fixed = repaired(POOL.replaced(uplift=gain), "too many", facts(prudent=prudent, lift=lift))
    assert typical_of(fixed.messages_per_month) <= 25.0
    assert -1.0 <= typical_of(fixed.uplift) <= gain
