"""The K-factor by hand and by brute force, coverage with a known truth, odd brands."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import QUICK_AT_LEAST, QUICK_RUNS, Estimate, Refused
from siyu_helpers.analysis.pool import referral
from siyu_helpers.analysis.pool.referral_log import read_referrals

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2023-01-01")


def orders_of(days, referrers):
    """One order a customer: day of the first order, and who referred (-1: nobody), by place."""
    days, referrers = np.asarray(days), np.asarray(referrers)
    named = pd.array(np.where(referrers >= 0, referrers, 0), dtype="Int64")
    named[referrers < 0] = pd.NA
    at = START + pd.to_timedelta(days, "D")
    return pd.DataFrame({"customer_id": range(len(days)), "ordered_at": at, "amount": 10.0, "referrer_id": named})


def simulated(rng, customers=400, rate=0.4, horizon=400, spread=1.0):
    """Customers who come over the horizon and refer at rates of their own (gamma), their friends referring nobody."""
    first = np.sort(rng.integers(0, horizon, customers))
    own = rng.gamma(1 / spread, spread * rate / 365, customers)
    many = rng.poisson(own * (horizon - first))
    who = np.repeat(np.arange(customers), many)
    when = first[who] + np.ceil(rng.uniform(0, 1, len(who)) * (horizon - first[who])).astype(int)
    return orders_of([*first, *when], [*np.full(customers, -1), *who])


def until(days):
    return START + (days - 1) * DAY


# --- by hand ---


def test_counts_rates_and_chain_by_hand():
    # 40 customers on day 0; 10 of them bring one each on day 30; watched to day 99, all of them for at least 69 days.
    told = read_referrals(orders_of([0] * 40 + [30] * 10, [-1] * 40 + list(range(10))), until(100))
    found = referral.k_factor(told, within_days=60)
    assert (found["referrals"].value, found["referrals_uncredited"].value, found["self_referrals"].value) == (10, 0, 0)
    assert found["referral_share"].value == 0.2
    days = 40 * 100 + 10 * 70
    assert found["k_month"].value == pytest.approx(10 / (days / (365.25 / 12)))
    assert found["k_window"].value == pytest.approx(10 / 50)  # at age 30 all 50 are still watched
    assert found["further_customers"].value == pytest.approx(0.25)
    assert found["cycle_days"].value == 30
    assert found["cycle_days"].low == 30
    assert found["referrer_share"].value == 0.2
    assert found["top_share"].value == 0.1 == found["top_share_by_chance"].value
    assert found["k_pool_month"].gate == "members"


def test_the_share_of_the_last_year_leaves_earlier_customers_out():
    told = read_referrals(
        orders_of([0] * 40 + [30] * 10 + [500] * 5, [-1] * 40 + list(range(10)) + [-1] * 5), until(501)
    )
    assert referral.share_of_new(told, 365).value == 0
    assert referral.share_of_new(told).value == pytest.approx(10 / 55)
    assert referral.share_of_new(read_referrals(orders_of([0, 1], [-1, 0]), until(900)), 365).gate == "new customers"


def test_referrals_in_the_pool_by_hand():
    # Twenty join on day 0 and leave on day 60; the first twelve refer on day 30 (in the pool), four on day 90 (not).
    told = read_referrals(
        orders_of([0] * 20 + [30] * 12 + [90] * 4, [-1] * 20 + list(range(12)) + [0, 1, 2, 3]), until(121)
    )
    stays = pd.DataFrame({"customer_id": range(20), "joined_at": START, "left_at": START + 60 * DAY})
    found = referral.k_factor(told, stays, within_days=60)
    assert found["k_pool_month"].value == pytest.approx(12 / (20 * 60 / (365.25 / 12)))
    assert found["k_pool_lifetime"].value == pytest.approx(12 / 20)
    # Overlapping stays on two accounts count once.
    twice = referral.k_factor(told, pd.concat([stays, stays]), within_days=60)
    assert twice["k_pool_lifetime"].value == found["k_pool_lifetime"].value
    staying = referral.k_factor(told, stays.assign(left_at=pd.NaT), within_days=60)
    assert staying["k_pool_lifetime"].gate == "exits"


def test_ambassadors_against_chance():
    # Of 20 referrers two bring ten each: 20 of 38 referrals.
    who = [0] * 10 + [1] * 10 + list(range(2, 20))
    told = read_referrals(orders_of([0] * 20 + [9] * 38, [-1] * 20 + who), until(400))
    found = referral.ambassadors(told)
    assert found["top_share"].value == pytest.approx(20 / 38)
    # By simulation: Poisson without zeros with mean 1.9.
    rng = np.random.default_rng(1)
    draws = rng.poisson(1.4897, 400_000)  # rate / (1 - exp(-rate)) = 1.9
    draws = np.sort(draws[draws > 0])[::-1]
    assert draws.mean() == pytest.approx(1.9, abs=0.02)
    expected = draws[: len(draws) // 10].sum() / draws.sum()
    assert found["top_share_by_chance"].value == pytest.approx(expected, abs=0.01)


def test_the_chain_has_no_end_at_one():
    whole = Estimate(0.5, 0.2, 1.2, 0.9, 9, "customers per customer", "K", "f")
    assert (referral.further_customers(whole).value, referral.further_customers(whole).high) == (1.0, math.inf)
    assert (
        referral.further_customers(Estimate(1.0, 0.9, 1.2, 0.9, 9, "customers per customer", "K", "f")).gate
        == "k below 1"
    )
    # The sum of the chain itself.
    assert referral.further_customers(Estimate(0.3, 0.3, 0.3, 0.9, 9, "x", "K", "f")).value == pytest.approx(
        sum(0.3**n for n in range(1, 60))
    )


# --- by brute force ---


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 200))
def test_mean_cumulative_function_by_brute_force(seed, within):
    orders = simulated(np.random.default_rng(seed), customers=60, rate=1.0, horizon=250)
    told = read_referrals(orders, until(251))
    found = referral.k_factor(told, within_days=within)
    first = (orders["ordered_at"] - START).dt.days.to_numpy()
    watched = 250 - first
    expected, ages = 0.0, []
    for friend, who in zip(orders["customer_id"], orders["referrer_id"], strict=True):
        if not pd.isna(who) and 0 < first[friend] - first[who] <= within:
            ages.append(first[friend] - first[who])
    for age in ages:
        expected += 1 / (watched >= age).sum()
    if (watched >= within).sum() < 30 or len(ages) < 10:
        assert isinstance(found["k_window"], Refused)
        assert isinstance(found["cycle_days"], Refused)
        return
    assert found["k_window"].value == pytest.approx(expected)
    assert found["k_window"].low <= expected <= found["k_window"].high
    weights = {age: 1 / (watched >= age).sum() for age in ages}
    half, reached = sum(weights[age] for age in ages) / 2, 0.0
    for age in sorted(ages):
        reached += weights[age]
        if reached >= half - 1e-9:
            break
    assert found["cycle_days"].value == age


def test_row_order_and_names_change_nothing():
    orders = simulated(np.random.default_rng(5))
    told = [read_referrals(orders, until(401))]
    told.append(read_referrals(orders.sample(frac=1, random_state=1), until(401)))
    names = pd.Series(np.random.default_rng(2).permutation(len(orders))).map("c{}".format)
    renamed = {name: orders[name].astype("Float64").astype(float).map(names) for name in ("customer_id", "referrer_id")}
    told.append(read_referrals(orders.assign(**renamed), until(401)))
    one, *others = (referral.k_factor(log, within_days=180) for log in told)
    for other in others:
        for key, estimate in one.items():
            if isinstance(estimate, Estimate):
                assert other[key].value == pytest.approx(estimate.value, rel=1e-12)
                assert other[key].low == pytest.approx(estimate.low, rel=1e-9, nan_ok=True)


# --- coverage ---


def test_k_and_cycle_cover_the_truth_with_uneven_customers():
    # Friends are new customers too but refer nobody; they dilute K, so its truth comes from a large simulation.
    def found(orders):
        both = referral.k_factor(read_referrals(orders, until(401)), within_days=180)
        return both["k_window"], both["cycle_days"]

    truths = [one.value for one in found(simulated(np.random.default_rng(99), customers=40_000))]
    runs = [found(simulated(np.random.default_rng(child))) for child in np.random.SeedSequence(4).spawn(QUICK_RUNS)]
    for truth, ones in zip(truths, zip(*runs, strict=True), strict=True):
        assert sum(one.low <= truth <= one.high for one in ones) >= QUICK_AT_LEAST


# --- odd brands ---


def test_odd_brands_are_refused_and_never_crash():
    blank = orders_of([0], [-1])
    cases = [
        blank, blank[:0], blank.drop(columns="referrer_id"), orders_of([0], [0]),  # one order, none, no column, herself
        orders_of([0, 1], [-1, 0]), orders_of([0, 1], [-1, 7]), orders_of([5, 5], [1, -1]),
        orders_of([0] * 3, [-1, 0, 0]).assign(amount=0.0),
    ]  # fmt: skip
    stays = pd.DataFrame({"customer_id": [0], "joined_at": [START]})
    for orders in cases:
        for members in (stays[:0], stays.assign(left_at=START + DAY)):
            found = referral.k_factor(read_referrals(orders, until(30)), members)
            assert tuple(found) == referral.K_KEYS
            for estimate in found.values():
                assert isinstance(estimate, Estimate | Refused)
    only = referral.k_factor(read_referrals(orders_of([0], [0]), until(30)))
    assert only["self_referrals"].value == 1
    assert only["referrals"].value == 0


def test_parameters_out_of_range():
    told = read_referrals(orders_of([0, 1], [-1, 0]), until(30))
    with pytest.raises(ValueError, match="within_days"):
        referral.k_factor(told, within_days=0)
    with pytest.raises(ValueError, match="level"):
        referral.k_factor(told, level=1)
