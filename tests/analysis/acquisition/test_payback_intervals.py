"""The intervals behind payback: against the customers one by one, against simulation, and against each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.acquisition.payback_intervals import NONE, difference, mean, ratio
from siyu_helpers.analysis.estimates import BOOTSTRAP_AT_MOST, mean_per_customer


def powers(values):
    return [(values**k).sum() for k in (1, 2, 3)]


@pytest.mark.parametrize("draw", ["gamma", "negative", "alike"])
def test_mean_from_sums_is_the_closed_form_over_the_customers(draw):
    """Above 5,000 customers `mean_per_customer` uses the same formula on the customers themselves."""
    rng, n = np.random.default_rng(1), BOOTSTRAP_AT_MOST + 1
    spend = {"gamma": rng.gamma(0.5, 100, n), "negative": 20 - rng.gamma(2, 15, n), "alike": np.full(n, 33.33)}[draw]
    found = mean_per_customer(spend)
    assert mean(powers(spend), n, 0.90) == pytest.approx((found.value, found.low, found.high), rel=1e-9)


def test_ratio_of_two_normal_means_is_fiellers():
    """With ends at equal distance the ratio's interval is Fieller's (1954): (b +- sqrt(b^2 - ac)) / a."""
    worth, cac, z = 100.0, 80.0, 1.6448536
    s1, s2 = 6.0, 5.0
    a, b, c = cac**2 - (z * s2) ** 2, worth * cac, worth**2 - (z * s1) ** 2
    fieller = [(b - math.sqrt(b * b - a * c)) / a, (b + math.sqrt(b * b - a * c)) / a]
    found = ratio((worth, worth - z * s1, worth + z * s1), (cac, cac - z * s2, cac + z * s2))
    assert found == pytest.approx((1.25, *fieller))


amount = st.floats(0.5, 500)


@given(st.floats(-300, 600), amount, amount, st.floats(1, 500), st.floats(0.01, 0.9), st.floats(0.01, 0.9))
def test_ratio_lies_above_one_exactly_when_the_difference_lies_above_zero(worth, below, above, cac, down, up):
    worth = (worth, worth - below, worth + above)
    cost = (cac, cac * (1 - down), cac * (1 + up))
    net, times = difference(worth, cost), ratio(worth, cost)
    assert times[1] <= times[0] <= times[2]
    assert net[1] <= net[0] <= net[2]
    for at in range(3):
        if abs(net[at]) > 1e-6 * cac:
            assert (net[at] > 0) == (times[at] > 1)


def test_without_a_cost_there_is_neither():
    assert all(map(math.isnan, difference((5.0, 4.0, 6.0), NONE)))
    assert all(map(math.isnan, ratio((5.0, 4.0, 6.0), NONE)))
    assert all(map(math.isnan, ratio(NONE, (5.0, 4.0, 6.0))))
