"""Value of a pool: a spreadsheet worked by hand, closed forms, and what must hold whatever the inputs.

The spreadsheet is `SHEET`; every figure in it was worked with pencil from the inputs, the arithmetic beside it.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.break_even import moved
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import PoolInputs, draws_of
from siyu_helpers.analysis.pool.value import (
    EARNED,
    FLOWS,
    SPENT,
    contribution_per_member,
    flows,
    month_money,
    pool_value,
    tornado,
)

BY_HAND = PoolInputs(
    opening_members=1000, joiners_per_month=100, share_affected=0.5, orders_per_month=0.5, uplift=0.4,
    order_value=100, margin=0.5, activity_kept=0.5, uplift_kept=0.5, moved_share=0.2, commission_saved=0.1,
    reacquisition_saved=5, referrals_per_month=0.4, referral_value=20, referral_reward=5, referral_joining_share=0.5,
    recruiting_cost=2, incentive_cost=1, messages_per_month=2, message_cost=0.1, opt_out_per_message=0.2,
    churn=0.21875, ban_probability=0.4, recovery=0.5, service_cost=0.5, staff_cost=500, tool_cost=100, content_cost=50,
    setup_cost=4000, discount_rate=1.1**12 - 1,
)  # fmt: skip

# Still there a month later: 0.78125 (churn) x 0.8 x 0.8 (two messages) x (1 - 0.4 x 0.5) (bans) = 0.4.
# Of the buying of the month before, 0.4 x 0.5 = 0.2 is left; of the uplift 0.4 x 0.5 x 0.5 = 0.1.
# Referred joiners: 0.5 affected x 0.4 referrals x 0.5 joining = 0.1 of the active at the start of the month.
#            month 1                month 2               month 3                 month 4
SHEET = {
    "opening": [1000, 600, 380, 274],
    "inflow": [100 + 100, 100 + 40, 100 + 22, 100 + 16.6],
    "leavers": [600, 360, 228, 164.4],  # 0.6 x opening
    "closing": [400 + 200, 240 + 140, 152 + 122, 109.6 + 116.6],  # 0.4 x opening + inflow
    "members": [800, 490, 327, 250.1],  # (opening + closing) / 2
    # active at the end: 200 + 200 = 400; 80 + 140 = 220; 44 + 122 = 166; 33.2 + 116.6 = 149.8
    # mean of the month: 700, 310, 193, 157.9
    # with uplift at the end: 100 + 200 = 300; 30 + 140 = 170; 17 + 122 = 139; 13.9 + 116.6 = 130.5
    # mean of the month: 650, 235, 154.5, 134.75; each adds 0.5 x 0.5 x 0.4 orders x 100 x 0.5 = 5
    "added_orders": [3250, 1175, 772.5, 673.75],
    # each active: 0.5 x 0.5 orders x 0.2 moved x (10 commission + 5 advertising) = 0.75
    "saved_on_platforms": [525, 232.5, 144.75, 118.425],
    # each active: 0.5 x 0.4 referred x (20 - 5) = 3
    "referrals": [2100, 930, 579, 473.7],
    "recruiting": [200, 200, 200, 200],  # 100 x 2: those referred cost none
    "incentives": [200, 140, 122, 116.6],  # inflow x 1
    "messages": [160, 98, 65.4, 50.02],  # members x 2 x 0.1
    "service": [400, 245, 163.5, 125.05],  # members x 0.5
    "fixed": [650, 650, 650, 650],
    "setup": [4000, 0, 0, 0],
    # 5875 - 1610 - 4000; 2337.5 - 1333; 1496.25 - 1200.9; 1265.875 - 1141.67
    "net": [265, 1004.5, 295.35, 124.205],
}
# The one-off cost at once, the rest at the end of each month at a tenth a month.
CUMULATIVE = [
    -4000 + 4265 / 1.1,
    -4000 + 4265 / 1.1 + 1004.5 / 1.21,
    -4000 + 4265 / 1.1 + 1004.5 / 1.21 + 295.35 / 1.331,
    -4000 + 4265 / 1.1 + 1004.5 / 1.21 + 295.35 / 1.331 + 124.205 / 1.4641,
]  # -122.73, 707.44, 929.34, 1014.17


@pytest.fixture(scope="module")
def worked():
    return pool_value(BY_HAND, months=4)


# --- against the spreadsheet ---


@pytest.mark.parametrize("name", SHEET)
def test_every_cell_is_that_of_the_spreadsheet(worked, name):
    assert worked.monthly[name].tolist() == pytest.approx(SHEET[name], rel=1e-12)


def test_value_and_payback_are_those_of_the_spreadsheet(worked):
    assert worked.monthly["cumulative"].tolist() == pytest.approx(CUMULATIVE, rel=1e-12)
    assert worked.value.value == pytest.approx(1014.1725, abs=5e-5)
    assert (worked.value.low, worked.value.high) == (worked.value.value, worked.value.value)
    assert worked.payback.value == 2
    assert worked.probability_paid.tolist() == [0, 1, 1, 1]
    assert worked.tornado.empty


def test_contribution_of_one_who_has_just_joined():
    assert contribution_per_member(BY_HAND) == pytest.approx(5 + 0.75 + 3 - 0.2 - 0.5)
    money = month_money(BY_HAND.typical(), 100, 200, 800, 700, 650, first=True)
    assert {name: money[name] for name in (*EARNED, *SPENT)} == pytest.approx(
        {name: SHEET[name][0] for name in (*EARNED, *SPENT)}
    )


# --- against closed forms ---


def test_a_pool_with_churn_only_is_a_geometric_series():
    months, joiners, churn = 36, 80.0, 0.07
    pool = PoolInputs(joiners, 0.5, 0.2, 100, 0.4, churn=churn, staff_cost=300, discount_rate=0.1)
    stay, fade, worth = 1 - churn, 1.1 ** (-1 / 12), 0.5 * 0.2 * 100 * 0.4
    # closing(t) = J (1 - s^t) / (1 - s); mean of the month = J (2 - s^t - s^(t-1)) / 2 (1 - s)
    months_worth = fade * (1 - fade**months) / (1 - fade)
    left = stay * fade * (1 - (stay * fade) ** months) / (1 - stay * fade)
    members = joiners / (2 * churn) * (2 * months_worth - left * (1 + 1 / stay))
    assert pool_value(pool, months).value.value == pytest.approx(worth * members - 300 * months_worth)


def test_uplift_that_fades_is_a_geometric_series():
    pool = PoolInputs(0, 1, 0.3, 10, 0.5, opening_members=400, activity_kept=0.9, uplift_kept=0.8)
    kept, worth = 0.72, 400 * 1 * 0.3 * 10 * 0.5
    expected = worth * (1 + kept) / 2 * (1 - kept**12) / (1 - kept)
    assert pool_value(pool, 12).value.value == pytest.approx(expected)


def test_those_there_from_the_start_are_as_old_as_they_are():
    """Without leavers or joiners, a pool that is five months old goes on as one that has run for five months."""
    pool = PoolInputs(0, 1, 0.3, 10, 0.5, opening_members=400, activity_kept=0.9, uplift_kept=0.8, moved_share=0.5,
                      commission_saved=0.1)  # fmt: skip
    new = pool_value(pool, 12).monthly
    old = pool_value(pool.replaced(opening_months=5), 7).monthly
    for name in EARNED:
        assert old[name].tolist() == pytest.approx(new[name].tolist()[5:])


def test_with_one_normal_input_the_interval_is_that_of_the_estimate():
    """Value is 20,000 x uplift - 1,000: linear, so the interval goes over."""
    gain = Estimate(0.2, 0.1, 0.3, 0.9, 100, "share", "gain", "tests")
    pool = PoolInputs(0, 0.5, gain, 100, 0.4, opening_members=1000, staff_cost=1000)
    result = pool_value(pool, months=1, draws=20_000)
    sd = 20_000 * 0.1 / stats.norm.ppf(0.95)
    # A 5% quantile of 20,000 draws errs by sqrt(0.05 x 0.95 / 20,000) / 0.103 = 0.015 sd; four of them.
    assert [result.value.low, result.value.value, result.value.high] == pytest.approx([1000, 3000, 5000], abs=0.06 * sd)
    assert result.probability_positive == pytest.approx(stats.norm.cdf(3000 / sd), abs=0.006)
    row = result.tornado.iloc[0]
    assert [row[name] for name in ("input_low", "input_high", "value_low", "value_high", "swing")] == pytest.approx(
        [0.1, 0.3, 1000, 5000, 4000]
    )


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.5])
def test_with_two_normal_inputs_the_spread_is_that_of_their_sum(correlation):
    gain = Estimate(0.5, 0.4, 0.6, 0.9, 100, "share", "gain", "tests")
    staff = Estimate(6000, 4000, 8000, 0.9, 100, "money a month", "staff", "tests")
    pool = PoolInputs(0, 0.5, gain, 100, 0.4, opening_members=1000, staff_cost=staff,
                      correlations={("uplift", "staff_cost"): correlation} if correlation else {})  # fmt: skip
    result = pool_value(pool, months=1, draws=20_000)
    reach = (2000**2 + 2000**2 - 2 * correlation * 2000 * 2000) ** 0.5
    assert [result.value.low, result.value.high] == pytest.approx([4000 - reach, 4000 + reach], abs=0.04 * reach)


# --- what must hold whatever the inputs ---

COSTS = ("referral_reward", "recruiting_cost", "incentive_cost", "message_cost", "service_cost", "staff_cost",
         "tool_cost", "content_cost", "setup_cost")  # fmt: skip
EXITS = ("churn", "opt_out_per_message", "ban_probability")
GAINS = ("margin", "uplift", "orders_per_month", "order_value", "recovery")
SHARES = {name for name, what in FIELDS.items() if what.most == 1}


@st.composite
def paying_pools(draw):
    """Pools in which every customer adds at least what it costs, however long ago it joined."""
    share = st.floats(0.01, 0.6)
    amount = st.floats(0.5, 50)
    lasting = draw(st.booleans())
    given = {
        "joiners_per_month": draw(st.floats(0, 200)), "opening_members": draw(st.floats(0, 500)),
        "orders_per_month": draw(st.floats(0.05, 1)), "uplift": draw(share), "order_value": draw(st.floats(10, 200)),
        "margin": draw(share), "share_affected": draw(share), "moved_share": draw(share),
        "commission_saved": draw(st.floats(0.01, 0.1)), "reacquisition_saved": draw(st.floats(0, 5)),
        "messages_per_month": float(draw(st.integers(1, 8))), "opt_out_per_message": draw(st.floats(0.001, 0.02)),
        "churn": draw(st.floats(0.001, 0.2)), "ban_probability": draw(st.floats(0.001, 0.1)),
        "recovery": draw(share), "staff_cost": draw(amount), "tool_cost": draw(amount), "content_cost": draw(amount),
        "setup_cost": draw(amount), "recruiting_cost": draw(amount), "incentive_cost": draw(st.floats(0.1, 3)),
        "referrals_per_month": draw(st.floats(0, 0.05)), "referral_value": 40.0,
        "referral_reward": draw(st.floats(1, 20)),
        "referral_joining_share": draw(share), "discount_rate": draw(st.floats(0, 0.3)),
    }  # fmt: skip
    # Buying that fades would one day earn less than messages and service cost: it goes with neither.
    fading = {"activity_kept": draw(st.floats(0.5, 1)), "uplift_kept": draw(st.floats(0.5, 1))}
    added = contribution_per_member(PoolInputs(**given))
    costs = {"message_cost": added / 5 / given["messages_per_month"], "service_cost": added / 5}
    return given | (costs if lasting else fading)


@st.composite
def uncertain_pools(draw):
    """The same with some inputs as ranges and some as estimates, all above 0 with room to be raised by a tenth."""
    given = draw(paying_pools())
    some = st.lists(st.sampled_from(sorted({*COSTS, *EXITS, *GAINS} & set(given))), max_size=4, unique=True)
    for name in draw(some):
        value = given[name]
        if value > 0:
            estimate = Estimate(value, 0.8 * value, 1.1 * value, 0.9, 50, "share", "drawn", "tests")
            given[name] = draw(st.sampled_from([(0.7 * value, value, 1.2 * value), estimate]))
    return PoolInputs(**given)


@settings(max_examples=25, deadline=None)
@given(uncertain_pools(), st.integers(1, 8), st.integers(0, 5))
def test_customers_are_conserved_and_money_adds_up(inputs, months, seed):
    parts = flows(draws_of(inputs, 16, seed), months)
    assert np.allclose(parts["opening"] + parts["inflow"] - parts["leavers"], parts["closing"])
    assert np.array_equal(parts["opening"][1:], parts["closing"][:-1])
    assert all((parts[name] >= 0).all() for name in FLOWS)
    assert (parts["leavers"] <= parts["opening"]).all()
    table = pool_value(inputs, months, draws=16, seed=seed).monthly
    assert np.allclose(table["opening"] + table["inflow"] - table["leavers"], table["closing"])
    assert np.allclose(table["net"], table[list(EARNED)].sum(axis=1) - table[list(SPENT)].sum(axis=1))
    assert (table["net_low"] <= table["net"]).all()
    assert (table["net"] <= table["net_high"]).all()


def values_of(inputs: PoolInputs, months: int) -> np.ndarray:
    return pool_value(inputs, months, draws=16, seed=3).values


def at_least(higher: np.ndarray, lower: np.ndarray) -> bool:
    higher, lower = np.broadcast_arrays(higher, lower)
    return bool((higher >= lower - 1e-9 * (1 + abs(lower))).all())


@settings(max_examples=30, deadline=None)
@given(uncertain_pools(), st.sampled_from(GAINS), st.integers(1, 14), st.floats(1.001, 1.5))
def test_value_never_falls_when_what_is_earned_rises(inputs, name, months, times):
    more = moved(inputs, name, inputs.typical()[name] * times)
    assert at_least(values_of(more, months), values_of(inputs, months))


@settings(max_examples=30, deadline=None)
@given(uncertain_pools(), st.sampled_from(COSTS), st.integers(1, 14), st.floats(1.001, 1.5))
def test_value_never_rises_when_a_cost_rises(inputs, name, months, times):
    more = moved(inputs, name, inputs.typical()[name] * times + (name in ("message_cost", "service_cost")))
    assert at_least(values_of(inputs, months), values_of(more, months))


@settings(max_examples=30, deadline=None)
@given(uncertain_pools(), st.sampled_from((*EXITS, "messages_per_month")), st.integers(1, 14), st.floats(1.001, 1.5))
def test_value_never_rises_when_more_leave(inputs, name, months, times):
    more = moved(inputs, name, min(1.0 if name in EXITS else 30.0, inputs.typical()[name] * times))
    assert at_least(values_of(inputs, months), values_of(more, months))


def test_where_a_customer_costs_more_than_it_adds_growth_loses_money():
    pool = PoolInputs((50, 100, 150), 0.1, (0.0, 0.05, 0.1), 50, 0.3, service_cost=1.0, churn=0.05)
    assert contribution_per_member(pool) < 0
    values = [pool_value(pool.replaced(joiners_per_month=many), draws=500).value.value for many in (0, 10, 100, 1000)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(1000 / 10 * values[1])


# --- what the draws say ---


def test_the_chance_of_having_paid_never_falls_and_agrees_with_the_payback():
    pool = PoolInputs((50, 100, 150), 0.5, (0.0, 0.2, 0.5), 200, 0.4, churn=0.05, staff_cost=3000, setup_cost=5000)
    result = pool_value(pool, draws=4000)
    chance = result.probability_paid
    assert chance.is_monotonic_increasing
    month = result.payback.value
    assert chance[month] >= 0.5 > chance[month - 1]
    assert result.payback.high == np.inf  # more than one draw in twenty never pays
    assert chance[24] < 0.95


def test_a_pool_that_does_not_pay_has_no_payback():
    result = pool_value(PoolInputs(10, 0.1, (0.0, 0.01, 0.02), 50, 0.3, staff_cost=10_000), draws=200)
    assert isinstance(result.payback, Refused)
    assert result.probability_paid.max() == 0
    assert result.probability_positive == 0


def test_rows_of_the_tornado_are_the_pool_with_one_input_at_its_ends():
    pool = PoolInputs(
        (50, 100, 150), 0.5, (0.0, 0.2, 0.5), 200, (0.35, 0.4, 0.45), churn=(0.02, 0.05, 0.2), staff_cost=3000
    )
    table = tornado(pool, months=12)
    assert table["swing"].is_monotonic_decreasing
    typical = PoolInputs(**pool.typical())
    for row in table.itertuples():
        for end, value in ((row.input_low, row.value_low), (row.input_high, row.value_high)):
            assert pool_value(typical.replaced(**{row.input: end}), 12).value.value == pytest.approx(value)


def test_a_pool_without_anything_is_worth_nothing():
    nothing = pool_value(PoolInputs(0, 0, 0, 0, 0))
    assert (nothing.value.value, nothing.payback.value, nothing.value.low, nothing.value.high) == (0, 1, 0, 0)


def test_everybody_leaving_at_once_is_a_pool_of_joiners():
    table = pool_value(PoolInputs(10, 1, 1, 10, 0.5, opening_members=5, churn=1.0), 3).monthly
    assert table["closing"].tolist() == [10, 10, 10]


@pytest.mark.parametrize("given", [{"months": 0}, {"months": 2.5}, {"draws": 0}, {"level": 1.0}])
def test_what_cannot_be_asked_is_refused(given):
    with pytest.raises(ValueError, match="|".join(given)):
        pool_value(BY_HAND, **given)
