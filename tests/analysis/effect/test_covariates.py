"""Covariates against plain loops over the orders, and against every change of what comes later."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect.covariates import COVARIATES, categories_of, covariates_at, known_names
from siyu_helpers.analysis.effect.histories import DAY, NEVER, read_histories

START = pd.Timestamp("2024-01-01")  # a Monday
UNTIL = "2024-12-31"
ORDERS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 300), st.sampled_from([0, 43_200, 86_399]), st.integers(0, 900)),
    min_size=6,
    max_size=25,
)


def orders_of(rows):
    made = pd.DataFrame(rows, columns=["customer_id", "day", "second", "amount"])
    at = START + pd.to_timedelta(made["day"], "D") + pd.to_timedelta(made["second"], "s")
    return made.assign(ordered_at=at, amount=made["amount"].astype(float), list_amount=made["amount"] * 1.25)


def touches_of(rows):
    at = START + pd.to_timedelta([day for _, day, _, _ in rows], "D")
    return pd.DataFrame({"customer_id": [row[0] for row in rows], "touched_at": at})


def members_of(**joined):
    return pd.DataFrame({"customer_id": list(joined), "joined_at": pd.to_datetime(list(joined.values()))})


NOBODY = members_of()


def seconds_of(moment):
    return int(pd.Timestamp(moment).timestamp())


def by_hand(orders, touches, customer, when):
    """The same covariates from the definitions in the docstring, one customer and moment at a time."""
    moment = pd.Timestamp(when, unit="s")
    mine = orders[(orders["customer_id"] == customer) & (orders["ordered_at"] < moment)]
    recent = mine[mine["ordered_at"] >= moment - pd.Timedelta(days=90)]
    since = (moment - mine["ordered_at"].max()) / pd.Timedelta(days=1)
    tenure = (moment - mine["ordered_at"].min()) / pd.Timedelta(days=1)
    bands = {"0_1": (0, 7), "1_2": (7, 14), "2_4": (14, 28), "4_13": (28, 91), "13_26": (91, 182)}
    listed = mine["list_amount"].sum()
    seen = touches[(touches["customer_id"] == customer) & (touches["touched_at"] < moment)]
    seen = seen[seen["touched_at"] >= moment - pd.Timedelta(days=28)]
    return {
        "recency_days": since,
        "log_recency": math.log(since + 1),
        "log_order_days": math.log(mine["ordered_at"].dt.date.nunique()),
        "log_orders_90_days": math.log(len(recent) + 1),
        "order_days_by_recency": math.log(mine["ordered_at"].dt.date.nunique()) * math.log(since + 1),
        "log_mean_spend": math.log(mine["amount"].mean() + 1),
        **{f"tenure_weeks_{name}": float(low < tenure <= high) for name, (low, high) in bands.items()},
        "discount_share": 1 - mine["amount"].sum() / listed if listed else 0.0,
        "discount_unknown": float(listed == 0),
        "log_touches_28_days": math.log(len(seen) + 1),
    }


NAMES = ("recency", "frequency", "spend", "tenure", "discount_share", "interest")


@settings(max_examples=20, deadline=None)
@given(ORDERS, ORDERS, st.lists(st.integers(0, 320), min_size=1, max_size=4))
def test_as_plain_loops_find_them(rows, touched, days):
    orders, touches = orders_of(rows), touches_of(touched)
    told = read_histories(orders, NOBODY, UNTIL, touchpoints=touches)
    pairs = [(who, seconds_of(START) + day * DAY) for who in range(len(told.customers)) for day in days]
    pairs = [(who, when) for who, when in pairs if told.first_order[who] < when]
    who, when = (
        (np.array(its, dtype=np.int64) for its in zip(*pairs, strict=True)) if pairs else (np.zeros(0, int),) * 2
    )
    found = covariates_at(told, who, when, NAMES)
    assert len(found) == len(pairs)
    for place, (customer, moment) in enumerate(pairs):
        expected = by_hand(orders, touches, told.customers[customer], moment)
        assert found.loc[place].to_dict() == pytest.approx(expected, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(ORDERS, ORDERS, st.integers(1, 300), st.sampled_from(["drop", "double", "move"]))
def test_nothing_from_the_moment_on_changes_them(rows, touched, day, change):
    when = START + pd.Timedelta(days=day)
    orders, touches = orders_of(rows), touches_of(touched)
    later, touched_later = orders["ordered_at"] >= when, touches["touched_at"] >= when
    if change == "drop":
        other, others_touches = orders[~later], touches[~touched_later]
    elif change == "double":
        other = orders.assign(amount=orders["amount"].where(~later, 2 * orders["amount"] + 1))
        others_touches = pd.concat([touches, touches[touched_later]])
    else:
        other = orders.assign(ordered_at=orders["ordered_at"].where(~later, when))
        others_touches = touches.assign(touched_at=touches["touched_at"].where(~touched_later, when))
    if not len(other):
        return
    made = []
    for log, seen in ((orders, touches), (other, others_touches)):
        told = read_histories(log, NOBODY, UNTIL, touchpoints=seen)
        who = np.flatnonzero(told.first_order < seconds_of(when))
        made.append(covariates_at(told, who, seconds_of(when), NAMES).set_index(told.customers[who]).sort_index())
    pd.testing.assert_frame_equal(*made)


def test_an_order_at_the_moment_itself_is_not_seen():
    orders = orders_of([(1, 0, 0, 10), (1, 7, 0, 20)])
    told = read_histories(orders, NOBODY, UNTIL)
    at, after = (covariates_at(told, np.array([0]), seconds_of("2024-01-08") + more) for more in (0, 1))
    assert at.loc[0, "recency_days"] == 7
    assert at.loc[0, "log_mean_spend"] == pytest.approx(math.log(11))
    assert at.loc[0, "tenure_weeks_0_1"] == 1
    assert after.loc[0, "log_order_days"] == pytest.approx(math.log(2))
    assert after.loc[0, "tenure_weeks_1_2"] == 1


def test_refunds_are_taken_off_the_spend_unless_told_otherwise():
    orders = orders_of([(1, 0, 0, 10), (1, 1, 0, 30)]).assign(refunded=[10.0, 0.0])
    for refunds, mean in (("net", 15), ("gross", 20)):
        told = read_histories(orders, NOBODY, UNTIL, refunds=refunds)
        found = covariates_at(told, np.array([0]), seconds_of("2024-02-01"), ("spend",))
        assert found.loc[0, "log_mean_spend"] == pytest.approx(math.log(mean + 1))


def test_without_an_order_before_the_moment_nothing_is_known():
    told = read_histories(orders_of([(1, 10, 0, 5)]), NOBODY, UNTIL)
    found = covariates_at(told, np.array([0]), seconds_of("2024-01-05"), ("recency", "frequency", "spend"))
    assert found.drop(columns="log_orders_90_days").isna().all(axis=None)


def many_channels():
    """1000 customers: 600 from live, 394 from feed, 5 and 1 from two rare channels."""
    orders = orders_of([(who, 0, 0, 10) for who in range(1000)])
    channels = ["live"] * 600 + ["feed"] * 394 + ["search"] * 5 + [None]
    return orders.assign(acquired_through=channels)


def test_channels_below_one_percent_are_pooled_and_the_commonest_is_the_reference():
    told = read_histories(many_channels(), NOBODY, UNTIL)
    found = covariates_at(told, np.arange(1000), seconds_of("2024-02-01"), ("first_channel",))
    assert list(found) == ["first_channel_feed", "first_channel_pooled"]
    assert found.sum().to_list() == [394, 6]
    assert (found.sum(axis=1) == 0).sum() == 600


def test_the_first_order_in_time_gives_the_channel():
    orders = orders_of([(1, 5, 0, 10), (1, 3, 0, 10), (2, 0, 0, 1), (3, 0, 0, 1)])
    told = read_histories(orders.assign(acquired_through=["late", "early", "early", "late"]), NOBODY, UNTIL)
    found = covariates_at(told, np.arange(3), seconds_of("2024-02-01"), ("first_channel",))
    assert dict(zip(told.customers.tolist(), found["first_channel_late"].to_list(), strict=True)) == {1: 0, 2: 0, 3: 1}


def test_traits_come_from_the_customers_table_and_blanks_are_a_value():
    orders = orders_of([(who, 0, 0, 10) for who in range(6)])
    customers = pd.DataFrame({"customer_id": range(5), "city_tier": ["one", "one", "one", "two", None]})
    told = read_histories(orders, NOBODY, UNTIL, customers=customers)
    found = covariates_at(told, np.arange(6), seconds_of("2024-02-01"), ("city_tier",))
    assert found.sum().to_dict() == {"city_tier_unknown": 2, "city_tier_two": 1}


def brand_with_joinings(by_month):
    """One customer a joining, in the middle of its month."""
    joined = [pd.Timestamp(month) + pd.Timedelta(days=14) for month, n in by_month.items() for _ in range(n)]
    orders = orders_of([(who, 0, 0, 10) for who in range(len(joined))])
    return orders, pd.DataFrame({"customer_id": range(len(joined)), "joined_at": joined})


def test_months_with_few_joinings_are_pooled_with_their_neighbours():
    months = {"2024-02": 50, "2024-03": 5, "2024-04": 30, "2024-06": 40, "2024-07": 3}
    told = read_histories(*brand_with_joinings(months), UNTIL)
    mondays = np.array([seconds_of(day) for day in ("2024-02-05", "2024-03-04", "2024-05-06", "2024-08-05")])
    found = covariates_at(told, np.zeros(4, dtype=int), mondays, ("month",))
    # March alone has too few and takes April in; May has none, June enough for both; July joins the run before it.
    assert list(found) == ["month_2024_03", "month_2024_05"]
    assert found.to_numpy().tolist() == [[0, 0], [1, 0], [0, 1], [0, 1]]


def test_months_of_a_brand_with_few_joinings_have_no_column():
    told = read_histories(*brand_with_joinings({"2024-02": 4, "2024-05": 3}), UNTIL)
    assert covariates_at(told, np.zeros(1, dtype=int), seconds_of("2024-05-06"), ("month",)).shape == (1, 0)
    nobody = read_histories(orders_of([(1, 0, 0, 5)]), NOBODY, UNTIL)
    assert covariates_at(nobody, np.zeros(1, dtype=int), seconds_of("2024-05-06")).notna().all(axis=None)


def test_columns_are_the_same_for_any_customers_and_moments():
    told = read_histories(many_channels(), brand_with_joinings({"2024-02": 30, "2024-03": 40})[1], UNTIL)
    everything = covariates_at(told, np.arange(1000), seconds_of("2024-03-04"))
    assert list(covariates_at(told, np.zeros(0, dtype=int), 0)) == list(everything)
    categories = categories_of(told, known_names(told))
    again = covariates_at(told, np.arange(1000), seconds_of("2024-03-04"), categories=categories)
    pd.testing.assert_frame_equal(everything, again)


def test_neither_ids_nor_order_of_rows_decide_categories():
    orders = many_channels()
    renamed = orders.assign(customer_id=(7919 * orders["customer_id"] % 1000).map("c{:04d}".format))
    made = []
    for log in (orders, renamed.sample(frac=1, random_state=3)):
        told = read_histories(log.drop(columns="list_amount"), NOBODY, UNTIL)
        found = covariates_at(told, np.arange(1000), seconds_of("2024-02-01"))
        made.append(found.sort_values(list(found), ignore_index=True))
    pd.testing.assert_frame_equal(*made)


def test_what_the_data_do_not_know_is_left_out_and_what_means_nothing_is_refused():
    bare = orders_of([(1, 0, 0, 5)]).drop(columns="list_amount")
    told = read_histories(bare, NOBODY, UNTIL)
    assert told.joined.tolist() == [NEVER]
    assert known_names(told) == tuple(
        name for name in COVARIATES if name not in ("discount_share", "interest", "city_tier")
    )
    with pytest.raises(ValueError, match="did you mean 'recency'"):
        covariates_at(told, np.array([0]), 0, ("recancy",))
