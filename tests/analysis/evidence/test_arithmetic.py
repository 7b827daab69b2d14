"""Assumptions, spans over their corners, and what a worked claim must look like."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.evidence import arithmetic

SAID = Words("占比", "share")


@pytest.mark.parametrize(
    "quantity", [(0.1, 0.2), (0.3, 0.2, 0.4), (0.1, math.nan, 0.4), math.inf, "0.2", (0.0, 0.2, 0.4), (0.1, 0.2, 1.4)]
)
def test_impossible_assumptions_are_refused(quantity):
    with pytest.raises(ValueError, match="rate must be"):
        arithmetic.assumed("rate", quantity, "share", SAID, 0, 1)


def test_one_number_has_no_ends():
    one = arithmetic.assumed("rate", 0.2, "share", SAID)
    assert not one.is_range
    assert list(arithmetic.spanned("k", lambda r: r, [one], "share", SAID, test_one_number_has_no_ends)) == ["k"]


@given(st.lists(st.floats(0.01, 10), min_size=6, max_size=6), st.floats(0, 1), st.floats(0, 1))
def test_corners_hold_everything_inside(numbers, first, second):
    a, b = (arithmetic.assumed("n", sorted(part), "share", SAID, 0) for part in (numbers[:3], numbers[3:]))

    def formula(x, y):
        return x / y

    found = arithmetic.spanned("k", formula, [a, b], "share", SAID, formula)
    inside = formula(a.low + first * (a.high - a.low), b.low + second * (b.high - b.low))
    least, most = (found.get(f"k_{end}", found["k"]).value for end in ("least", "most"))
    assert least * (1 - 1e-9) <= inside <= most * (1 + 1e-9)


def test_a_divisor_of_zero_is_refused():
    zero = arithmetic.assumed("n", 0.0, "share", SAID)
    found = arithmetic.spanned(
        "k", lambda n: math.inf if n == 0 else 1 / n, [zero], "share", SAID, test_a_divisor_of_zero_is_refused
    )
    assert isinstance(found["k"], Refused)


def test_a_worked_claim_checks_its_verdict_and_keys():
    with pytest.raises(ValueError, match="verdict"):
        arithmetic.Arithmetic("k", "cl001", SAID, {}, (), "true", SAID, SAID)
    figure = Estimate.exact(1, 1, "share", SAID, "f")
    with pytest.raises(ValueError, match="k_"):
        arithmetic.Arithmetic("k", "cl001", SAID, {"other": figure}, (), "consistent", SAID, SAID)
