"""Break-even: by hand, against the model run for a long time, and against the value on either side of the threshold."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.break_even import break_even_input, break_even_joiners, break_even_size, moved
from siyu_helpers.analysis.pool.inputs import PoolInputs, quantile_of
from siyu_helpers.analysis.pool.value import flows, pool_value

# The inputs of the spreadsheet in test_value.py; six in ten leave a month.
BY_HAND = PoolInputs(
    joiners_per_month=100, share_affected=0.5, orders_per_month=0.5, uplift=0.4, order_value=100, margin=0.5,
    activity_kept=0.5, uplift_kept=0.5, moved_share=0.2, commission_saved=0.1, reacquisition_saved=5,
    referrals_per_month=0.4, referral_value=20, referral_reward=5, referral_joining_share=0.5, recruiting_cost=2,
    incentive_cost=1, messages_per_month=2, message_cost=0.1, opt_out_per_message=0.2, churn=0.21875,
    ban_probability=0.4, recovery=0.5, service_cost=0.5, staff_cost=500, tool_cost=100, content_cost=50,
    setup_cost=4000, discount_rate=0.1,
)  # fmt: skip
RISKY = PoolInputs(100, 0.5, (0.05, 0.2, 0.4), 200, (0.3, 0.4, 0.5), churn=0.05, activity_kept=0.97, uplift_kept=0.9,
                   incentive_cost=3, recruiting_cost=5, staff_cost=6000, setup_cost=10_000,
                   discount_rate=0.1)  # fmt: skip


# --- the size ---


def test_size_by_hand():
    buying = 0.6 / (1 - 0.4 * 0.5)  # 0.75
    lifted = 0.6 / (1 - 0.4 * 0.25)  # two thirds
    earned = 5 * lifted + 0.75 * buying + 3 * buying  # 3.3333 + 0.5625 + 2.25
    recruited = 0.6 - 0.1 * buying  # 0.525: the rest were referred
    spent = 0.2 + 0.5 + 0.6 * 1 + recruited * 2  # messages, service, gifts, recruiting: 2.35
    assert break_even_size(BY_HAND).value == pytest.approx(650 / (earned - spent))
    assert break_even_size(BY_HAND).value == pytest.approx(171.2404, abs=5e-5)
    assert break_even_joiners(BY_HAND).value == pytest.approx(0.525 * 171.2404, abs=5e-5)


@settings(max_examples=25, deadline=None)
@given(
    churn=st.floats(0.06, 0.9), activity_kept=st.floats(0.5, 1), uplift_kept=st.floats(0.5, 1),
    referrals_per_month=st.floats(0, 0.02), uplift=st.floats(0.05, 1), incentive_cost=st.floats(0, 5),
    recruiting_cost=st.floats(0, 5), moved_share=st.floats(0, 0.5),
)  # fmt: skip
def test_the_model_run_for_long_at_that_size_earns_what_it_costs(**given):
    pool = PoolInputs(1, 0.5, order_value=100, margin=0.4, staff_cost=1000, commission_saved=0.05, referral_value=20,
                      referral_joining_share=0.5, messages_per_month=2, message_cost=0.05, opt_out_per_message=0.002,
                      **given)  # fmt: skip
    size, joiners = break_even_size(pool), break_even_joiners(pool)
    assume(isinstance(size, Estimate) and size.value < 1e7)
    held = pool.replaced(opening_members=size.value, joiners_per_month=joiners.value)
    last = flows({name: np.array([value]) for name, value in held.typical().items()}, 400)
    assert last["closing"][-1, 0] == pytest.approx(size.value)
    assert last["net"][-1, 0] == pytest.approx(0, abs=1e-6 * 1000)


def test_where_nobody_leaves_nothing_is_replaced():
    stays = PoolInputs(100, 0.5, 0.2, 200, 0.4, staff_cost=8000, incentive_cost=50)
    assert break_even_size(stays).value == pytest.approx(1000)
    assert break_even_joiners(stays).value == 0
    # Without joiners, buying or an uplift that fades at all ends at nothing.
    assert isinstance(break_even_size(stays.replaced(uplift_kept=0.99)), Refused)


def test_where_referred_customers_replace_all_leavers_none_is_recruited():
    spreading = PoolInputs(100, 0.5, 0.2, 200, 0.4, staff_cost=8000, churn=0.05, recruiting_cost=100,
                           referrals_per_month=0.2, referral_joining_share=0.5)  # fmt: skip
    assert break_even_joiners(spreading).value == 0
    assert break_even_size(spreading).value == pytest.approx(1000)


def test_the_size_is_the_median_of_the_draws_and_its_interval_theirs():
    """8,000 / 40 uplift: the quantiles of the uplift go over, turned about."""
    pool = PoolInputs(100, 0.5, (0.1, 0.2, 0.4), 200, 0.4, staff_cost=8000)
    found = break_even_size(pool, draws=20_000)
    there = 8000 / (40 * quantile_of("uplift", pool.uplift, np.array([0.95, 0.5, 0.05])))
    assert [found.low, found.value, found.high] == pytest.approx(list(there), rel=0.02)


def test_an_end_is_infinite_where_some_draws_never_break_even():
    pool = PoolInputs(100, 0.5, (-0.1, 0.2, 0.4), 200, 0.4, staff_cost=8000)
    found, joiners = break_even_size(pool), break_even_joiners(pool.replaced(churn=0.05))
    assert math.isfinite(found.value)
    assert (found.high, joiners.high) == (math.inf, math.inf)


@pytest.mark.parametrize("fixed", [0, 5000])
def test_growth_that_loses_money_has_no_size(fixed):
    found = break_even_size(PoolInputs(100, 0.1, 0.05, 50, 0.3, service_cost=1, staff_cost=fixed))
    assert isinstance(found, Refused)
    assert found.seen == 0
    assert "growth loses money" in found.reason("en")
    assert "越大亏得越多" in found.reason("zh")


def test_without_fixed_costs_any_size_does():
    free = PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.05)
    assert (break_even_size(free).value, break_even_joiners(free).value) == (0, 0)


@pytest.mark.parametrize("pool", [PoolInputs(0, 0, 0, 0, 0), PoolInputs(0, 0, 0, 0, 0, staff_cost=10)])
def test_a_pool_without_customers_or_orders_has_none(pool):
    assert isinstance(break_even_size(pool), Refused)
    assert isinstance(break_even_joiners(pool), Refused)


# --- the value of an input that tips the result ---


def test_threshold_by_hand():
    """1,000 customers x 0.5 orders x uplift x 200 x 0.4 = 10,000 a month at an uplift of a quarter."""
    pool = PoolInputs(0, 0.5, 0.2, 200, 0.4, opening_members=1000, staff_cost=10_000)
    assert break_even_input(pool, "uplift", months=3) == pytest.approx(0.25, rel=1e-5)
    assert break_even_input(pool, "staff_cost", months=3) == pytest.approx(8000, rel=1e-5)
    assert break_even_input(pool, "margin", months=3) == pytest.approx(0.5, rel=1e-5)
    assert break_even_input(pool, "opening_members", months=3) == pytest.approx(1250, rel=1e-5)
    assert break_even_input(pool, "churn", months=3) is None
    assert break_even_input(pool.replaced(staff_cost=8000), "uplift", months=3) == pytest.approx(0.2, rel=1e-5)


@pytest.mark.parametrize("name", ["uplift", "margin", "order_value", "staff_cost", "churn", "joiners_per_month"])
@pytest.mark.parametrize("target", ["value", 0.8])
def test_the_result_flips_at_the_threshold(name, target):
    pool = RISKY if target == "value" else RISKY.replaced(staff_cost=2500)
    at = break_even_input(pool, name, target=target, draws=400)
    if at is None:
        assert (name, target) in {("churn", "value"), ("churn", 0.8)} or name == "margin"
        return

    def met(to: float) -> bool:
        result = pool_value(moved(pool, name, to), draws=400)
        return result.value.value >= 0 if target == "value" else result.probability_paid[24] >= target

    assert met(at)
    assert met(at * 0.995) != met(at * 1.005)


def test_a_probability_is_met_where_that_share_of_the_draws_pays():
    """Value = 20,000 uplift - 1,000 and uplift normal: paid with 80% where the 20% quantile is 0.05."""
    gain = Estimate(0.2, 0.1, 0.3, 0.9, 100, "share", "gain", "tests")
    pool = PoolInputs(0, 0.5, gain, 100, 0.4, opening_members=1000, staff_cost=1000)
    at = break_even_input(pool, "uplift", months=1, target=0.8, draws=20_000)
    # Stretched in proportion: at (1 - 0.8416 x 0.5 / 1.6449) = 0.05.
    assert at == pytest.approx(0.05 / (1 - 0.8416 * 0.5 / 1.6449), rel=0.01)


def test_a_threshold_beyond_what_the_input_can_be_is_none():
    assert break_even_input(RISKY.replaced(staff_cost=1e7), "margin") is None
    assert break_even_input(PoolInputs(0, 0, 0, 0, 0), "uplift") == 0  # worth nothing: at the threshold wherever it is


def test_searches_reach_below_zero_and_beyond_one():
    pool = PoolInputs(0, 0.5, 0.2, 200, 0.4, opening_members=100, staff_cost=5000, referrals_per_month=0.5,
                      referral_value=150.0)  # fmt: skip
    assert break_even_input(pool, "uplift", months=2) == pytest.approx(-0.625, rel=1e-5)  # 4,000 x uplift = -2,500
    assert break_even_input(pool.replaced(referral_value=0.0), "uplift", months=2) == pytest.approx(1.25, rel=1e-5)


# --- an input moved with its uncertainty ---


def test_what_lies_above_zero_keeps_its_relative_spread():
    gain = Estimate(0.2, 0.1, 0.4, 0.9, 100, "share", "gain", "tests")
    pool = PoolInputs((50, 100, 200), 0.5, gain, 200, (0.3, 0.4, 0.9))
    assert moved(pool, "joiners_per_month", 50).joiners_per_month == (25, 50, 100)
    there = moved(pool, "uplift", 0.3).uplift
    assert (there.low, there.value, there.high) == pytest.approx((0.15, 0.3, 0.6))
    assert moved(pool, "margin", 0.8).margin == (pytest.approx(0.6), 0.8, 1.0)  # no margin above 1
    assert moved(pool, "joiners_per_month", 0).joiners_per_month == 0
    assert moved(pool, "order_value", 90).order_value == 90
    assert moved(pool, "uplift", 0.3).origin("uplift").kind == "given"


def test_what_reaches_zero_is_shifted_as_a_whole():
    loss = Estimate(-0.1, -0.3, 0.1, 0.9, 100, "share", "gain", "tests")
    pool = PoolInputs(100, 0.5, loss, 200, 0.4, churn=(0.0, 0.02, 0.1), referrals_per_month=(0.0, 0.0, 0.1))
    there = moved(pool, "uplift", 0.2).uplift
    assert (there.low, there.value, there.high) == pytest.approx((0.0, 0.2, 0.4))
    assert moved(pool, "churn", 0.05).churn == pytest.approx((0.03, 0.05, 0.13))
    assert moved(pool, "churn", 0.97).churn == pytest.approx((0.95, 0.97, 1.0))
    assert moved(pool, "churn", 0.01).churn == pytest.approx((0.0, 0.01, 0.09))
    assert moved(pool, "referrals_per_month", 0.05).referrals_per_month == pytest.approx((0.05, 0.05, 0.15))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.01, 0.9), min_size=3, max_size=3).map(sorted), st.floats(0, 1), st.floats(0, 1), st.booleans()
)
def test_moving_up_moves_every_quantile_up(ends, one, other, estimated):
    lower, upper = sorted((one, other))
    quantity = tuple(ends)
    if estimated:  # a normal that reaches below 0 is stretched there too: only above 0 is more always more
        quantity = Estimate(0.5 + ends[1], 0.4 + ends[1], 0.6 + ends[1], 0.9, 9, "share", "x", "tests")
    pool = PoolInputs(1, quantity, 0, 0, 0)
    at = np.linspace(0.001, 0.999, 41)
    below, above = (
        quantile_of("orders_per_month", moved(pool, "orders_per_month", to).orders_per_month, at)
        for to in (lower, upper)
    )
    assert (above >= below - 1e-9).all()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "price"}, "there is no input 'price'"),
        ({"name": "uplift", "target": 1.5}, "target=1.5: use 'value' or a probability"),
        ({"name": "uplift", "target": "payback"}, "target='payback'"),
        ({"name": "uplift", "months": 0}, "months"),
        ({"name": "uplift", "draws": 0}, "draws"),
    ],
)
def test_what_cannot_be_asked_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        break_even_input(RISKY, **given)
    if given["name"] == "price":
        with pytest.raises(ValueError, match=sentence):
            moved(RISKY, "price", 1)
