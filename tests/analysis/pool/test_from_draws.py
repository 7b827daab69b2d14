"""Medians of draws against numpy and against months that never come."""

import math

import numpy as np
import pytest

from siyu_helpers.analysis.estimates import Refused, Words
from siyu_helpers.analysis.pool.from_draws import ends_of, median_of_draws, month_of_draws

WORDS, NEVER = Words("月", "month"), Refused("month", "none", 1, "没有。", "None.")


def test_quantiles_of_draws():
    values = np.random.default_rng(1).lognormal(size=999)
    found = median_of_draws(values, "money", WORDS, 0.8, median_of_draws)
    assert (found.low, found.value, found.high) == pytest.approx(tuple(np.quantile(values, [0.1, 0.5, 0.9])))
    assert found.n == 999
    assert ends_of(found) == (found.low, found.high)


@pytest.mark.parametrize("values", [np.full(7, 3.0), np.array([3.0])])
def test_draws_that_do_not_differ_have_no_interval(values):
    found = median_of_draws(values, "money", WORDS, 0.9, median_of_draws)
    assert found.is_exact
    assert ends_of(found) == (3.0, 3.0)


@pytest.mark.parametrize(
    ("never", "value", "high"), [(0, 5.0, 9.0), (2, 5.0, math.inf), (5, 5.0, math.inf), (6, None, None)]
)
def test_months_that_half_of_the_draws_reach(never, value, high):
    months = np.arange(0.0, 11.0)
    months[11 - never :] = math.inf
    found = month_of_draws(months[::-1], WORDS, 0.8, month_of_draws, NEVER)
    if value is None:
        assert found is NEVER
    else:
        assert (found.value, found.high) == (value, high)
