"""The figures of reports, counted by hand, and what they show where joining does nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import naive
from siyu_helpers.analysis.effect.histories import NEVER, read_histories
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data.simulate import simulate

NO_EFFECT = {"effect_on_frequency": 0, "effect_on_basket": 0, "effect_on_dropout": 0, "message_lift": 0}


def shop(orders, stays, until="2024-12-31", **more):
    log = pd.DataFrame(orders, columns=["customer_id", "ordered_at", "amount"])
    log = log.assign(ordered_at=pd.to_datetime(log["ordered_at"]), amount=log["amount"].astype(float))
    members = pd.DataFrame(stays, columns=["customer_id", "joined_at"])
    members["joined_at"] = pd.to_datetime(members["joined_at"])
    return read_histories(log, members, until, **more)


@pytest.fixture(scope="module")
def without_effect():
    tables = simulate("xiaoman", customers=3000, seed=5, selection="observed", **NO_EFFECT).tables
    return read_histories(tables["orders"], tables["members"], "2025-12-31", gross_margin=0.6)


@pytest.fixture
def eighty():
    """80 customers of January. 40 join in February; of these 20 buy two for 30 each in December, of the rest 10 one."""
    orders = [(i, "2024-01-05", 50.0) for i in range(80)]
    orders += [(i, day, 30.0) for i in range(20) for day in ("2024-12-01", "2024-12-20")]
    orders += [(i, "2024-12-24", 10.0) for i in range(40, 50)]
    return shop(orders, [(i, "2024-02-01") for i in range(40)], gross_margin=0.5)


def test_members_against_others_by_hand(eighty):
    found = naive.members_against_others(eighty, days=90)
    assert tuple(found) == naive.AGAINST_KEYS
    value = {key: each.value for key, each in found.items()}
    assert (value["customers_members"], value["customers_others"]) == (40, 40)
    assert (value["orders_members"], value["orders_others"], value["orders_ratio"]) == (1.0, 0.25, 4.0)
    assert (value["spend_members"], value["spend_others"], value["spend_difference"]) == (30.0, 2.5, 27.5)
    assert (value["contribution_members"], value["contribution_ratio"]) == (15.0, 12.0)
    assert (value["bought_members"], value["bought_others"], value["bought_difference"]) == (0.5, 0.25, 25.0)
    # Half of 40 with two orders each: variance 40/39, standard error 0.1601; of 40 with a quarter at one: 0.0693.
    reach = 1.6448536 * np.hypot(np.sqrt(40 / 39 / 40), np.sqrt(0.25 * 0.75 * 40 / 39 / 40))
    assert found["orders_difference"].high - 0.75 == pytest.approx(reach, rel=1e-6)


def test_who_joins_within_the_window_counts_with_the_others(eighty):
    late = eighty.joined.copy()
    late[np.flatnonzero(late == NEVER)[:5]] = eighty.end - 86_400
    moved = type(eighty)(**{**vars(eighty), "joined": late})
    kept, before = naive.members_against_others(moved), naive.members_against_others(eighty)
    assert kept["customers_members"] == before["customers_members"]
    assert kept["orders_ratio"] == before["orders_ratio"]


def test_too_few_and_unknown_are_refused(eighty):
    few = shop([(i, "2024-01-05", 50.0) for i in range(40)], [(1, "2024-02-01")])
    assert all(isinstance(each, Refused) for each in naive.members_against_others(few).values())
    assert all(isinstance(each, Refused) for each in naive.before_against_after(few).values())
    nobody = shop([], [])
    assert naive.members_against_others(nobody)["orders_ratio"].seen == 0
    assert naive.before_against_after(nobody)["all_ratio"].seen == 0
    assert naive.months_around_joining(nobody)["customers"].sum() == 0
    orders = [(i, "2024-01-05", 50.0) for i in range(80)]
    quiet = naive.members_against_others(shop(orders, [(i, "2024-02-01") for i in range(40)]))
    assert isinstance(quiet["contribution_members"], Refused)
    assert isinstance(quiet["orders_ratio"], Refused)
    assert quiet["orders_difference"].value == 0


def test_before_and_after_by_hand():
    """40 customers order in January, 30 of them again on 20 May, a day before all join; 10 order in June."""
    orders = [(i, "2024-01-05", 9.0) for i in range(40)]
    orders += [(i, "2024-05-20", 9.0) for i in range(30)] + [(i, "2024-06-10", 9.0) for i in range(10)]
    told = shop(orders, [(i, "2024-05-21") for i in range(40)])
    found = naive.before_against_after(told, days=60)
    assert found["all_joiners"].value == found["settled_joiners"].value == 40
    assert (found["all_before"].value, found["all_after"].value) == (0.75, 0.25)
    assert found["all_difference"].value == -0.5
    assert found["all_ratio"].value == pytest.approx(1 / 3)
    assert found["shifted_before"].value == 0  # 22 February to 22 April: the order before joining lies outside
    assert isinstance(found["shifted_ratio"], Refused)
    assert found["ordered_just_before"].value == 0.75
    months = naive.months_around_joining(told, 2).set_index("month")
    assert months["orders"].tolist() == [0, 0.75, 0.25, 0]
    # Pairs: 10 customers have 1 and 1, 20 have 1 before and 0 after, 10 have neither.
    pairs = np.array([0.0] * 10 + [-1.0] * 20 + [0.0] * 10)
    half = 1.6448536 * pairs.std(ddof=1) / np.sqrt(40)
    assert found["all_difference"].low == pytest.approx(-0.5 - half, rel=1e-6)


def test_a_pool_without_effect_looks_like_one_that_sells_and_one_that_hurts(without_effect):
    against = naive.members_against_others(without_effect)
    assert against["orders_ratio"].low > 2  # self-selection
    paired = naive.before_against_after(without_effect)
    assert paired["all_ratio"].high < 0.8  # regression to the mean after the order that led to joining
    assert paired["ordered_just_before"].low > 0.6
    assert paired["shifted_ratio"].low < 1 < paired["shifted_ratio"].high  # without that order the two agree
    months = naive.months_around_joining(without_effect).set_index("month")
    assert months.loc[-1, "orders_low"] > 2 * months.loc[-2, "orders_high"]


@settings(max_examples=6, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 10_000))
def test_neither_names_nor_order_of_rows_matter(random, seed):
    rng = np.random.default_rng(seed)
    names = list(range(100))
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 330, 300), unit="D")
    orders = [
        (int(who), day, float(pay))
        for who, day, pay in zip(rng.integers(0, 100, 300), days, rng.integers(1, 99, 300), strict=True)
    ]
    stays = [(int(who), "2024-06-01") for who in rng.choice(100, 50, replace=False)]
    one = naive.members_against_others(shop(orders, stays))
    random.shuffle(names)
    random.shuffle(orders)
    other = naive.members_against_others(
        shop(
            [(f"c{names[who]}", day, pay) for who, day, pay in orders], [(f"c{names[who]}", day) for who, day in stays]
        )
    )
    for key, each in one.items():
        if isinstance(each, Estimate):
            assert other[key].value == pytest.approx(each.value, rel=1e-12), key
