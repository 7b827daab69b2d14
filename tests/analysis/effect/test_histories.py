"""Histories as sorted arrays against plain loops over the orders, and against every change that must not matter."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_logs import ENGINES

from siyu_helpers.analysis.effect import histories as told
from siyu_helpers.analysis.order_log import MONEY_SCALE

START = pd.Timestamp("2024-01-01")  # a Monday
UNTIL = "2024-06-30"
END = pd.Timestamp("2024-07-01")
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 200), st.sampled_from([0, 43_200, 86_399]), st.integers(1, 900)),
    min_size=1,
    max_size=25,
)


def orders_of(rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "second", "amount"])
    at = START + pd.to_timedelta(frame["day"], "D") + pd.to_timedelta(frame["second"], "s")
    frame = frame.assign(ordered_at=at, amount=frame["amount"].astype(float), cost=frame["amount"] / 4)
    return frame.assign(platform_fee=0.0).drop(columns=["day", "second"])


def stays_of(*rows):
    frame = pd.DataFrame(list(rows), columns=["customer_id", "joined_at"])
    return frame.assign(joined_at=pd.to_datetime(frame["joined_at"]))


NOBODY = stays_of()
SHOP = orders_of([(7, 5, 0, 100), (7, 40, 0, 50), (8, 5, 43_200, 20), (9, 300, 0, 5)])


def second(moment):
    return int(pd.Timestamp(moment).timestamp())


@settings(max_examples=20, deadline=None)
@given(ROWS, st.integers(-5, 210), st.integers(0, 90))
def test_windows_and_last_orders_are_those_of_a_loop(rows, day, length):
    orders = orders_of(rows)
    known = told.read_histories(orders, NOBODY, UNTIL)
    orders = orders[orders["ordered_at"] < END]
    assert sorted(known.customers) == sorted(orders["customer_id"].unique())
    begin = START + pd.Timedelta(days=day)
    end = begin + pd.Timedelta(days=length)
    for place, customer in enumerate(known.customers):
        mine = orders[orders["customer_id"] == customer]
        inside = mine[(mine["ordered_at"] >= begin) & (mine["ordered_at"] < end)]
        who, moments = np.array([place]), [np.array([second(each)]) for each in (begin, end)]
        sums = {name: told.window_sum(known, name, who, *moments)[0] for name in ("orders", "spend", "contribution")}
        assert sums["orders"] == len(inside)
        assert sums["spend"] / MONEY_SCALE == pytest.approx(inside["amount"].sum())
        assert sums["contribution"] * known.worth == pytest.approx((inside["amount"] * 0.75).sum())
        earlier = mine["ordered_at"][mine["ordered_at"] < begin]
        last = told.last_order_before(known, who, moments[0])[0]
        assert last == (second(earlier.max()) if len(earlier) else -told.NEVER)
        assert known.first_order[place] == second(mine["ordered_at"].min())


@settings(max_examples=12, deadline=None)
@given(ROWS, st.permutations(range(6)), st.randoms(use_true_random=False))
def test_neither_ids_nor_the_order_of_rows_matter(rows, names, random):
    orders = orders_of(rows)
    stays = stays_of((0, "2024-02-03"), (3, "2024-03-01"), (0, "2024-01-09"))
    shuffled = list(range(len(orders)))
    random.shuffle(shuffled)
    other = orders.iloc[shuffled].assign(customer_id=lambda frame: [f"c{names[one]}" for one in frame["customer_id"]])
    renamed = stays.iloc[::-1].assign(customer_id=lambda frame: [f"c{names[one]}" for one in frame["customer_id"]])
    one, two = (told.read_histories(*each, UNTIL) for each in ((orders, stays), (other, renamed)))
    for name in ("joined", "first_order", "person", "time"):
        assert (getattr(one, name) == getattr(two, name)).all(), name
    for name in one.totals:
        assert (one.totals[name] == two.totals[name]).all(), name


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "pyspark"])
def test_any_engine_gives_the_same(engine):
    stays = stays_of((7, "2024-01-20"))
    known = told.read_histories(SHOP, stays, UNTIL)
    other = told.read_histories(ENGINES[engine](SHOP), ENGINES[engine](stays), UNTIL)
    for field in dataclasses.fields(known):
        ours, theirs = getattr(known, field.name), getattr(other, field.name)
        if isinstance(ours, np.ndarray):
            assert ours.tolist() == theirs.tolist(), field.name


def test_the_first_joining_counts_and_only_to_the_last_day():
    stays = stays_of((7, "2024-03-01"), (7, "2024-02-01"), (8, "2024-07-01"), (55, "2024-02-01"))
    known = told.read_histories(SHOP, stays, UNTIL)
    joined = dict(zip(known.customers, known.joined, strict=True))
    assert joined == {7: second("2024-02-01"), 8: told.NEVER}  # 9 orders after the last day: not known yet
    assert known.facts["members"] == 2  # one of them never ordered
    assert known.end == second(END)


def test_the_last_day_belongs_to_the_data():
    late = orders_of([(1, 181, 86_399, 10)])  # 30 June, one second before midnight
    assert len(told.read_histories(late, NOBODY, UNTIL).time) == 1
    assert len(told.read_histories(late, NOBODY, "2024-06-29").time) == 0


def test_touches_discounts_referrals_and_traits():
    orders = SHOP.assign(list_amount=[200.0, None, 40.0, 5.0], referrer_id=[None, None, 7, None])
    touches = stays_of((7, "2024-01-03"), (None, "2024-01-04"), (8, "2025-01-01")).rename(
        columns={"joined_at": "touched_at"}
    )
    people = pd.DataFrame({"customer_id": [8, 9], "city_tier": ["tier_1", "tier_2"]})
    known = told.read_histories(orders, NOBODY, UNTIL, touchpoints=touches, customers=people)
    place = {customer: at for at, customer in enumerate(known.customers)}
    assert known.touches[0].tolist() == [place[7]]  # one has no customer, one comes after the last day
    assert known.referrals[0].tolist() == [place[7]]
    assert known.traits["city_tier"][place[7]] == told.UNKNOWN
    assert known.traits["city_tier"][place[8]] == "tier_1"
    assert known.discounts[3].tolist() == [
        0,
        *np.cumsum([200, 40]) * MONEY_SCALE,
    ]  # the order without list price is out
    window = (np.array([second("2024-01-01")]), np.array([second("2024-02-01")]))
    assert told.count_between(known.touches, np.array([place[7]]), *window).tolist() == [1]
    bare = told.read_histories(SHOP, None, UNTIL)
    assert (bare.touches, bare.referrals, bare.discounts, bare.traits) == (None, None, None, {})
    assert (bare.joined == told.NEVER).all()


def test_contribution_that_is_not_known_has_no_worth():
    bare = SHOP.drop(columns=["cost", "platform_fee"])
    assert np.isnan(told.read_histories(bare, NOBODY, UNTIL).worth)
    known = told.read_histories(bare, NOBODY, UNTIL, gross_margin=0.5)
    assert known.totals["contribution"][-1] * known.worth == pytest.approx(85.0)


def test_mondays():
    found = told.monday_of(np.array([second("2024-01-01"), second("2024-01-07 23:59:59"), second("2024-01-08")]))
    assert found.tolist() == [second("2024-01-01"), second("2024-01-01"), second("2024-01-08")]


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="joined_at"):
        told.read_histories(SHOP, stays_of((7, None)), UNTIL)
    with pytest.raises(ValueError, match="joined_at"):
        told.read_histories(SHOP, pd.DataFrame({"customer_id": [7]}), UNTIL)
