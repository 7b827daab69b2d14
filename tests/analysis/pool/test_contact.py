"""Messages per purchase by hand, and the rule that follows the verdict of the lot."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import best_frequency
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool import contact


def test_two_visits_against_thirty_messages_are_fifteen():
    assert contact.contact_pressure(30, 2) == 15.0
    rule = contact.contact_rule({}, "not settled")
    assert rule.figures["contact_pressure_case"].value == 15.0


def test_nothing_sent_and_nothing_bought():
    assert contact.contact_pressure(0, 0) == contact.contact_pressure(0, 3) == 0.0
    assert contact.contact_pressure(1, 0) == math.inf


@pytest.mark.parametrize("numbers", [(-1, 2), (1, -2), (math.nan, 1), (1, math.nan), (math.inf, 1), (1, math.inf)])
def test_impossible_numbers_are_refused(numbers):
    with pytest.raises(ValueError, match="per_month must be a number, 0 or more"):
        contact.contact_pressure(*numbers)


@given(st.floats(0, 1e6), st.floats(1e-6, 1e6), st.floats(0, 1e6))
def test_more_messages_or_fewer_purchases_never_lower_the_pressure(messages, purchases, more):
    here = contact.contact_pressure(messages, purchases)
    assert contact.contact_pressure(messages + more, purchases) >= here
    assert contact.contact_pressure(messages, purchases + more) <= here


@pytest.mark.parametrize(
    ("verdict", "agrees"),
    [("too many", "agrees"), ("in range", "disagrees"), ("too few", "disagrees"), ("not settled", "cannot be told")],
)
def test_the_rule_follows_the_lot(verdict, agrees):
    seen = Estimate(22.0, 20.0, 24.0, 0.9, 500, "messages per purchase", "messages / purchases", "f")
    best = Estimate(8.0, 4.0, 12.0, 0.9, 500, "messages a month", "best", "f")
    rule = contact.contact_rule({"pressure": seen}, verdict, best)
    assert rule.agrees == agrees
    assert rule.figures["contact_pressure"] is seen
    assert rule.figures["contact_best"] is best
    assert isinstance(rule.figures["contact_messages"], Refused)
    assert not any(sign.isdigit() for text in rule.reading for sign in text)


def test_the_verdicts_are_those_of_the_lot():
    assert best_frequency.frequency_verdict(Refused("a lot", 0, 1, "无", "none")) in contact.VERDICTS
    with pytest.raises(ValueError, match="too many"):
        contact.contact_rule({}, "many")
