"""Bans against closed forms, the binomial, and every fate of a small pool counted out."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool import ban_risk as risk

SIZES = st.lists(st.integers(0, 3000), min_size=1, max_size=4).filter(any)
CHANCES = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)
MONOTONE = [
    "customers_lost", "lost_share", "lost_share_low", "lost_share_high", "tail_share", "probability_half_lost",
]  # fmt: skip


def every_fate(sizes, chance, recovery, months):
    """Probability of each lost share, all bans of all accounts and months counted out."""
    found = {}
    for fate in itertools.product([0, 1], repeat=len(sizes) * months):
        bans = np.array(fate).reshape(len(sizes), months).sum(axis=1)
        lost = round(float((np.array(sizes) * (1 - recovery**bans)).sum() / sum(sizes)), 12)
        found[lost] = found.get(lost, 0.0) + chance ** sum(fate) * (1 - chance) ** (len(fate) - sum(fate))
    return found


def test_one_account_loses_everything_with_the_probability_of_any_ban():
    table = risk.ban_risk([2000], 0.02, 0.0, months=12, draws=20_000)
    last = table.iloc[-1]
    assert last["lost_share"] == pytest.approx(1 - 0.98**12)
    assert last["probability_any_ban"] == pytest.approx(1 - 0.98**12)
    assert last["customers_lost"] == pytest.approx(2000 * (1 - 0.98**12))
    assert last["probability_half_lost"] == pytest.approx(1 - 0.98**12, abs=4 * math.sqrt(0.2 * 0.8 / 20_000))
    assert (last["lost_share_low"], last["lost_share_high"], last["tail_share"]) == (0, 1, 1)


def test_equal_accounts_are_binomial():
    months, n, chance = 6, 8, 0.05
    table = risk.ban_risk([500] * n, chance, 0.0, months=months, draws=40_000, seed=3)
    gone = stats.binom(n, 1 - (1 - chance) ** months)
    last = table.iloc[-1]
    assert last["lost_share"] == pytest.approx(gone.mean() / n)
    assert last["probability_any_ban"] == pytest.approx(1 - gone.pmf(0))
    assert last["lost_share_low"] == gone.ppf(0.05) / n
    assert last["lost_share_high"] == gone.ppf(0.95) / n
    assert last["probability_half_lost"] == pytest.approx(gone.sf(n / 2), abs=0.006)


def test_unequal_accounts_with_recovery_are_what_every_fate_gives():
    sizes, chance, recovery, months = [3000, 1500, 500], 0.1, 0.4, 3
    fates = every_fate(sizes, chance, recovery, months)
    assert sum(fates.values()) == pytest.approx(1)
    lost, weight = np.array(sorted(fates)), np.array([fates[key] for key in sorted(fates)])
    last = risk.ban_risk(sizes, chance, recovery, months, draws=40_000, seed=5).iloc[-1]
    assert last["lost_share"] == pytest.approx((lost * weight).sum(), abs=1e-12)
    assert last["probability_half_lost"] == pytest.approx(weight[lost > 0.5].sum(), abs=0.006)
    # Worst 5%: all weight above the quantile, and of the quantile itself what is missing to 5%.
    beyond, tail = 0.05, 0.0
    for value, chance_of in zip(lost[::-1], weight[::-1], strict=True):
        taken = min(beyond, chance_of)
        beyond, tail = beyond - taken, tail + taken * value / 0.05
    assert last["tail_share"] == pytest.approx(tail, abs=0.01)


def test_the_expected_loss_is_the_mean_of_the_draws_and_that_of_the_pool_model():
    sizes, months, draws = [900, 400, 100], 12, 40_000
    lost = 0.0
    for size, place in zip(sorted(sizes, reverse=True), range(3), strict=True):
        bans = (np.random.default_rng([7, place]).random((months, draws)) < 0.04).sum(axis=0)
        lost += size / sum(sizes) * (1 - 0.5**bans).mean()
    expected = risk.ban_risk(sizes, 0.04, 0.5, months, draws, 7)["lost_share"].iloc[-1]
    assert lost == pytest.approx(expected, abs=0.003)
    assert expected == pytest.approx(1 - (1 - 0.04 * 0.5) ** 12)


@settings(max_examples=25, deadline=None)
@given(SIZES, CHANCES, st.floats(0, 1), st.integers(0, 3))
def test_more_bans_never_lose_less(sizes, chances, recovery, seed):
    less, more = (risk.ban_risk(sizes, chance, recovery, 4, 200, seed)[MONOTONE] for chance in chances)
    assert (more >= less - 1e-9).all(axis=None)


@settings(max_examples=25, deadline=None)
@given(SIZES, st.floats(0, 1), CHANCES, st.integers(0, 3))
def test_more_recovery_never_loses_more(sizes, chance, recoveries, seed):
    less, more = (risk.ban_risk(sizes, chance, recovery, 4, 200, seed)[MONOTONE] for recovery in recoveries)
    assert (more <= less + 1e-9).all(axis=None)


@settings(max_examples=25, deadline=None)
@given(SIZES, st.floats(0, 1), st.floats(0, 1))
def test_shares_are_shares_grow_with_time_and_do_not_depend_on_the_order(sizes, chance, recovery):
    table = risk.ban_risk(sizes, chance, recovery, 5, 200)
    assert table.equals(risk.ban_risk([*sizes[::-1], 0], chance, recovery, 5, 200))
    shares = table.drop(columns=["month", *[name for name in table if name.startswith("customers")]])
    assert ((shares >= -1e-12) & (shares <= 1 + 1e-12)).all(axis=None)
    assert (table[["lost_share", "tail_share", "probability_any_ban"]].diff().iloc[1:] >= -1e-12).all(axis=None)
    assert (table["lost_share_low"] <= table["lost_share"] + 1e-12).all()
    assert (table["tail_share"] >= table["lost_share_low"] - 1e-12).all()


def test_certain_and_impossible_bans():
    assert risk.ban_risk([10, 20], 1.0, 0.0, 3, 50)["lost_share"].tolist() == [1, 1, 1]
    never = risk.ban_risk([10, 20], 0.0, 0.0, 3, 50)
    assert (never.drop(columns="month") == 0).all(axis=None)
    assert (risk.ban_risk([10, 20], 1.0, 1.0, 3, 50)["tail_share"] == 0).all()


def test_the_same_seed_gives_the_same_table_and_another_seed_another():
    one, same, other = (risk.ban_risk([500, 300, 200], 0.1, 0.3, 6, 400, seed) for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one["tail_share"].equals(other["tail_share"])
    assert one["lost_share"].equals(other["lost_share"])  # exact


@pytest.mark.parametrize("sizes", [[], [0, 0]])
def test_without_customers_there_is_nothing_to_lose(sizes):
    assert risk.ban_risk(sizes, 0.1).empty
    assert list(risk.ban_risk(sizes, 0.1).columns) == risk.COLUMNS
    found = [*risk.concentration(sizes).values(), *risk.value_of_second_account(sizes, 0.1).values()]
    assert all(isinstance(one, Refused) for one in found)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"members_per_account": [1, -1]}, "members_per_account"),
        ({"members_per_account": [1, math.nan]}, "members_per_account"),
        ({"ban_probability": 1.1}, "ban_probability"),
        ({"ban_probability": math.nan}, "ban_probability"),
        ({"ban_probability": "often"}, "ban_probability"),
        ({"recovery": -0.1}, "recovery"),
        ({"months": 0}, "months"),
        ({"draws": 2.5}, "draws"),
        ({"level": 1.0}, "level"),
    ],
)
def test_impossible_numbers_are_refused_by_name(changed, name):
    given_ = {"members_per_account": [100], "ban_probability": 0.1, "recovery": 0.5, "months": 3, "draws": 10}
    with pytest.raises(ValueError, match=name):
        risk.ban_risk(**(given_ | changed))


def test_concentration_of_four_accounts_by_hand():
    found = risk.concentration([500, 0, 300, 200])
    assert found["accounts_with_customers"].value == 3
    assert found["account_herfindahl"].value == pytest.approx(0.25 + 0.09 + 0.04)
    assert found["effective_accounts"].value == pytest.approx(1 / 0.38)
    assert found["largest_account_share"].value == 0.5
    assert all(one.is_exact and one.n == 1000 for one in found.values())


@given(st.integers(1, 40), st.integers(1, 5000))
def test_equal_accounts_count_in_full(n, size):
    found = risk.concentration([size] * n)
    assert found["effective_accounts"].value == pytest.approx(n)
    assert found["largest_account_share"].value == pytest.approx(1 / n)


def test_a_second_account_for_a_pool_on_one():
    p = 1 - 0.97**12
    found = risk.value_of_second_account([2000], 0.03, 0.0, 12, value_per_member=50.0, draws=20_000)
    assert found["ban_expected_loss"].value == pytest.approx(p)
    assert found["ban_half_now"].value == pytest.approx(p, abs=0.012)
    assert found["ban_half_all_split"].value == pytest.approx(p * p, abs=0.012)
    assert found["ban_half_largest_split"].value == found["ban_half_all_split"].value  # the largest is the only one
    assert found["ban_tail_now"].value == 1
    assert found["ban_tail_all_split"].value == 1  # both are gone in 9% of cases
    assert found["ban_tail_saved"].value == 0
    assert found["ban_money_saved"].value == 0


def test_splitting_leaves_the_expected_loss_and_takes_from_the_tail():
    sizes = [2000] * 15  # the case of the trade
    found = risk.value_of_second_account(sizes, 0.02, 0.6, 12, value_per_member=10.0)
    assert found["ban_expected_loss"].value == pytest.approx(1 - (1 - 0.02 * 0.4) ** 12)
    split = risk.ban_risk(np.repeat(np.array(sizes) / 2, 2), 0.02, 0.6, 12, 200)["lost_share"].iloc[-1]
    assert found["ban_expected_loss"].value == pytest.approx(split)
    now, largest, every = (found[f"ban_tail_{arm}"].value for arm in ("now", "largest_split", "all_split"))
    assert now > largest > every > split
    assert found["ban_tail_saved"].value == pytest.approx((now - every) * 30_000)
    assert found["ban_money_saved"].value == pytest.approx((now - every) * 300_000)


def test_it_is_the_largest_account_that_is_split():
    p = 1 - 0.95**12
    found = risk.value_of_second_account([100, 4000], 0.05, 0.0, 12, draws=20_000)
    # 2,000, 2,000 and 100: more than half are lost with both large ones, or with one of them and the small one.
    both_or_one_and_small = p * p + 2 * p * (1 - p) * p
    assert found["ban_half_now"].value == pytest.approx(p, abs=0.015)
    assert found["ban_half_largest_split"].value == pytest.approx(both_or_one_and_small, abs=0.015)


def test_the_interval_of_the_ban_probability_is_carried_through():
    rate = Estimate(0.02, 0.005, 0.06, 0.9, 12, "share", "bans", "f")
    found = risk.value_of_second_account([900, 600, 300], rate, 0.5, 12, draws=1_000)
    loss = found["ban_expected_loss"]
    assert loss.low == pytest.approx(1 - (1 - 0.0025) ** 12)
    assert loss.high == pytest.approx(1 - (1 - 0.03) ** 12)
    assert all(one.low <= one.value <= one.high for one in found.values() if isinstance(one, Estimate))
    assert loss.level == 0.9
    assert found["ban_money_saved"].gate == "value of a customer"


def test_a_certain_estimate_of_the_ban_probability_is_a_number():
    exact = Estimate.exact(0.02, 12, "share", "bans", "f")
    assert risk.value_of_second_account([900, 600], exact) == risk.value_of_second_account([900, 600], 0.02)


def test_a_range_of_the_probability_makes_an_interval():
    """(low, typical, high) as an input may be: the result at the typical one, its ends those of the range."""
    found = risk.value_of_second_account([300, 100], (0.0, 0.02, 0.1), 0.5)["ban_expected_loss"]
    ends = [float(risk.expected_loss(chance, 0.5, 12)) for chance in (0.02, 0.0, 0.1)]
    assert [found.value, found.low, found.high] == pytest.approx(ends)
    with pytest.raises(ValueError, match="between 0 and 1"):
        risk.value_of_second_account([300], (0.0, 0.02, 1.5))
