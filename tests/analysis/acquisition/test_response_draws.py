"""Draws of a response: their quantiles against those they are drawn from, and against exact intervals."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.rates import confint_poisson

from siyu_helpers.analysis.acquisition import response_draws as draws
from siyu_helpers.analysis.acquisition.responses import SHARES, Evidence
from siyu_helpers.analysis.estimates import Estimate, Refused

# A quantile of DRAWS draws at a share p lies within so many standard errors of that share; seeds are fixed.
WITHIN = 4


def proof(customers=100, wander=math.nan, mean=0.6, sd=0.1):
    """Evidence with a normal elasticity."""
    quantiles = tuple(stats.norm.ppf(SHARES, mean, sd))
    return Evidence(120, 3000, 0.3, quantiles, 52, 5000.0, customers, wander)


def rng():
    return np.random.default_rng(20)


def assert_quantiles(drawn, expected):
    """The share of the draws below each expected quantile is the share it stands for, but for chance."""
    for share, value in expected.items():
        off = WITHIN * math.sqrt(share * (1 - share) / draws.DRAWS)
        assert (drawn < value).mean() == pytest.approx(share, abs=off), share


def test_elasticities_have_the_quantiles_of_the_evidence():
    drawn = draws.elasticities(proof(), rng())
    assert len(drawn) == draws.DRAWS
    assert_quantiles(drawn, {share: stats.norm.ppf(share, 0.6, 0.1) for share in (0.05, 0.25, 0.5, 0.75, 0.95)})
    # beyond the outermost quantiles nothing is made up
    assert drawn.min() >= stats.norm.ppf(1 / 400, 0.6, 0.1)
    assert drawn.max() <= stats.norm.ppf(399 / 400, 0.6, 0.1)


@pytest.mark.parametrize("count", [1, 7, 100, 4000])
def test_customers_are_those_of_the_exact_poisson_interval(count):
    """Garwood's interval reaches at most a customer further than the middle 90% of the draws."""
    low, high = np.quantile(draws.customers(proof(count), rng()), [0.05, 0.95])
    exact_low, exact_high = confint_poisson(count, 1, method="exact-c", alpha=0.1)
    chance = 0.06 * math.sqrt(count + 1)
    assert exact_low - chance < low < exact_low + 1 + chance
    assert exact_high - 1 - chance < high < exact_high + chance


def test_customers_of_a_channel_that_brought_none_are_not_certainly_none():
    drawn = draws.customers(proof(0), rng())
    assert (drawn > 0).all()
    assert 1.5 < np.quantile(drawn, 0.95) < 3.0  # the rule of three, one-sided: 2.996


def test_what_wanders_is_added_to_the_chance_of_counts():
    """Variance of the logarithm: of a gamma (trigamma, about 1 / n) and of the wandering."""
    drawn = np.log(draws.customers(proof(1000, wander=0.2), rng()))
    assert drawn.mean() == pytest.approx(math.log(1000), abs=0.02)
    assert drawn.std() == pytest.approx(math.sqrt(0.2**2 + 1 / 1000), rel=0.05)


def estimate(value, low, high, level=0.9):
    return Estimate(value, low, high, level, 100, "money per customer", "by hand", "by.hand")


@given(
    value=st.floats(-50, 50),
    below=st.floats(0.01, 20),
    above=st.floats(0.01, 20),
    level=st.sampled_from([0.5, 0.8, 0.9, 0.99]),
)
def test_an_estimate_is_drawn_with_its_own_ends(value, below, above, level):
    drawn = draws.numbers(estimate(value, value - below, value + above, level), rng())
    tail = (1 - level) / 2
    assert_quantiles(drawn, {tail: value - below, 0.5: value, 1 - tail: value + above})


def test_an_exact_number_is_one_number():
    exact = Estimate.exact(80.0, 500, "money per customer", "by hand", "by.hand")
    assert set(draws.numbers(exact, rng())) == {80.0}


def test_ends_of_one_set_of_draws_by_hand():
    made = np.arange(101.0)
    assert draws.ends(made, made, 50.0, 0.9) == pytest.approx((5, 95))
    assert draws.ends(made, made, math.nan, 0.5) == pytest.approx((25, 75))


def test_ends_between_two_sets_reach_from_the_lower_to_the_upper():
    lower, upper = np.arange(101.0), 200 + np.arange(101.0)
    assert draws.ends(lower, upper, math.nan, 0.9) == pytest.approx((5, 295))


@pytest.mark.parametrize("value", [-10.0, 200.0])
def test_the_value_is_always_within(value):
    low, high = draws.ends(np.arange(101.0), np.arange(101.0), value, 0.9)
    assert (low, high) == ((-10, pytest.approx(95)) if value < 0 else (pytest.approx(5), 200))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unbounded", [0.03, 0.30])
def test_ends_where_some_draws_have_none(unbounded):
    """Without diminishing returns the best spend is unbounded: an end among such draws is infinite, and not blank."""
    made = np.arange(1000.0)
    made[made >= 1000 * (1 - unbounded)] = np.inf
    low, high = draws.ends(made, made, 400.0, 0.9)
    assert low == pytest.approx(50, abs=1)
    assert high == (pytest.approx(950, abs=1) if unbounded < 0.05 else math.inf)


def test_one_for_all_channels_or_one_each():
    feed, refused = estimate(5.0, 4.0, 6.0), Refused("customers", 0, 1, "无。", "None.")
    assert draws.of_channel(feed, "search", "worth") is feed
    assert draws.of_channel({"feed": feed, "search": refused}, "search", "worth") is refused
    with pytest.raises(ValueError, match="worth lacks the channel 'live'"):
        draws.of_channel({"feed": feed}, "live", "worth")
    for wrong in (80.0, {"feed": 80.0}, None):
        with pytest.raises(ValueError, match="worth of 'feed' must be an Estimate or a Refused"):
            draws.of_channel(wrong, "feed", "worth")


def test_only_the_table_of_response_is_taken():
    with pytest.raises(ValueError, match=r"call response\(\) again"):
        draws.check_table(pd.DataFrame({"channel": ["feed"], "elasticity": [0.5]}))
    told = pd.DataFrame({"channel": ["feed"]})
    told.attrs["evidence"] = {}
    assert draws.check_table(told) is None


def test_the_same_seed_gives_the_same_draws():
    for made in (draws.elasticities, draws.customers):
        assert (made(proof(), rng()) == made(proof(), rng())).all()
