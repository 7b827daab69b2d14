"""Dormant customers on both sides of a lot: who is followed, from when, what is counted, and what is refused."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.message_holdout import VALUE_KEYS, followed_after_dormancy, value_of_message

LOT = ("wake up", "sms", "none")


def day(number, hour=0):
    return pd.Timestamp("2023-12-31") + pd.Timedelta(days=number, hours=hour)


def orders_of(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return frame.assign(ordered_at=[at if isinstance(at, pd.Timestamp) else day(at) for at in frame["ordered_at"]])


def lot_of(arms, at=0, chance=0.5):
    """One row a customer; `at` is the day of the year 2024 on which the lot was drawn."""
    moments = [day(at.get(who, 0) if isinstance(at, dict) else at) for who in arms]
    return pd.DataFrame(
        {"experiment": LOT[0], "customer_id": list(arms), "assigned_at": moments, "arm": list(arms.values()),
         "probability": chance}
    )  # fmt: skip


def sent_to(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "sent_at", "channel", "kind", "cost"])
    return frame.assign(
        sent_at=pd.to_datetime([day(at, 10) for at in frame["sent_at"]]), cost=frame["cost"].astype(float)
    )


NONE_SENT = sent_to()
UNTIL = day(366)


def follow(orders, lot, sent=NONE_SENT, until=UNTIL, **how):
    how = {"dormant_after_days": 30, "window_days": 20} | how
    return followed_after_dormancy(orders, until, lot, sent, *LOT, **how)


# --- who is followed, from when ---


def test_by_hand():
    """Dormant after 30 days, followed for 20. The lot was drawn on day 0, before all orders.

    ana: ordered on 1, dormant from 32, ordered on 51 (the 20th day, in), again on 52 (out).
    ben: ordered on 1 and 31, so dormant only from 62; nothing after.
    cy : ordered on 1 and on 32, the first day dormant: came back; the spell from 32 is the second and does not count.
    dee: ordered on 340: dormant from 371, after the end. eli: dormant from 351, not watched to 370.
    """
    orders = orders_of(
        ("ana", 1, 10.0), ("ana", 51, 7.5), ("ana", 52, 99.0), ("ben", 1, 5.0), ("ben", 31, 5.0),
        ("cy", 1, 20.0), ("cy", 32, 30.0), ("dee", 340, 1.0), ("eli", 320, 1.0),
    )  # fmt: skip
    lot = lot_of({"ana": "sms", "ben": "none", "cy": "none", "dee": "sms", "eli": "sms"})
    sent = sent_to(("ana", 32, "text", None, 0.05), ("ana", 51, "text", None, 0.05), ("ana", 52, "text", None, 9.0))
    made = follow(orders, lot, sent).set_index("customer_id")
    assert list(made.index) == ["ana", "ben", "cy"]
    assert made["dormant_on"].tolist() == [day(32), day(62), day(32)]
    assert made["group"].tolist() == ["with_message", "without_message", "without_message"]
    assert made["orders"].tolist() == [1, 0, 1]
    assert made["came_back"].tolist() == [True, False, True]
    assert made["revenue"].tolist() == [7.5, 0.0, 30.0]
    assert made["messages"].tolist() == [2, 0, 0]
    assert made["message_cost"].tolist() == [0.1, 0.0, 0.0]


def test_whoever_is_dormant_when_the_lot_is_drawn_is_followed_from_that_moment():
    orders = orders_of(
        ("ana", 1, 1.0), ("ana", day(50, 9), 2.0), ("ana", day(50, 11), 3.0), ("ben", 20, 1.0), ("cy", 19, 1.0)
    )
    lot = lot_of({"ana": "sms", "ben": "none", "cy": "sms"}).assign(assigned_at=day(50, 10))
    made = follow(orders, lot, start="assignment").set_index("customer_id")
    # ana ordered an hour before the lot; ben was away for 30 days; cy for 31.
    assert list(made.index) == ["cy"]
    made = follow(orders, lot.assign(assigned_at=day(50, 8)), start="assignment").set_index("customer_id")
    assert made.loc["ana", ["orders", "revenue"]].tolist() == [2, 5.0]
    later = follow(orders, lot).set_index("customer_id")
    assert later["dormant_on"].to_dict() == {"ana": day(81), "ben": day(51), "cy": day(50)}


def test_the_whole_window_must_be_watched():
    orders, lot = orders_of(("ana", 1, 1.0), ("ben", 1, 1.0)), lot_of({"ana": "sms", "ben": "none"})
    assert len(follow(orders, lot, until=day(51))) == 2
    assert len(follow(orders, lot, until=day(50))) == 0


def test_nothing_after_the_last_day_and_nobody_without_an_order_is_used():
    orders = orders_of(("ana", 1, 1.0), ("ana", 40, 1.0), ("ben", 1, 1.0))
    lot = lot_of({"ana": "sms", "ben": "none", "zoe": "sms"})
    lot = pd.concat([lot, lot_of({"late": "sms"}, at=400)])
    sent = sent_to(("ana", 35, "text", None, 0.1))
    more = pd.concat([orders, orders_of(("ben", 60, 5.0), ("ana", 61, 1.0))])
    assert_frame_equal(follow(orders, lot, sent, day(55)), follow(more, lot, sent, day(55)))


def test_only_messages_under_test_count():
    orders, lot = orders_of(("ana", 1, 1.0), ("ben", 1, 1.0)), lot_of({"ana": "sms", "ben": "none"})
    sent = sent_to(
        ("ana", 35, "text", "promotion", 0.1), ("ana", 36, "wecom", "promotion", 0.2),
        ("ana", 37, "text", "service", 5.0), ("ana", 38, "text", None, None),
    )  # fmt: skip
    cost = {c: follow(orders, lot, sent, channel=c, cost_per_message=0.4)["message_cost"][0] for c in ("text", "wecom")}
    assert cost == pytest.approx({"text": 0.5, "wecom": 0.2})
    assert follow(orders, lot, sent)["messages"].tolist() == [3, 0]
    assert math.isnan(follow(orders, lot, sent)["message_cost"][0])  # one cost is not known


def test_contribution_follows_the_rule_of_the_house():
    orders, lot = orders_of(("ana", 1, 10.0), ("ana", 40, 8.0), ("ben", 1, 3.0)), lot_of({"ana": "sms", "ben": "none"})
    assert follow(orders, lot)["contribution"].isna().all()
    assert follow(orders, lot, gross_margin=0.25)["contribution"].tolist() == [2.0, 0.0]
    costs = orders.assign(cost=[1.0, 3.0, 1.0], platform_fee=[0.0, 0.5, None], refunded=[0.0, 1.0, None])
    assert follow(costs, lot, gross_margin=0.25)["contribution"].tolist() == [3.5, 0.0]


def test_refunds_come_off_and_engines_agree():
    orders = orders_of((1, 1, 10.0), (1, 40, 8.0), (2, 1, 3.0)).assign(refunded=[0.0, 5.0, None])
    lot, sent = lot_of({1: "sms", 2: "none"}), sent_to((1, 35, "text", "promotion", 0.1))
    made = follow(orders, lot, sent)
    assert made["revenue"].tolist() == [3.0, 0.0]
    assert follow(orders, lot, sent, refunds="gross")["revenue"].tolist() == [8.0, 0.0]
    lazily = follow(pl.from_pandas(orders).lazy(), pl.from_pandas(lot).lazy(), pl.from_pandas(sent).lazy())
    assert_frame_equal(lazily, made, check_dtype=False)


EVENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 90)), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.lists(st.integers(0, 60), min_size=6, max_size=6))
def test_against_a_walk_through_the_days(events, drawn):
    """Each customer's days one by one, as a clerk would."""
    orders = orders_of(*[(who, day(at, 12), 1.0) for who, at in events])
    lot = lot_of(dict.fromkeys(range(6), "sms"), at=dict(enumerate(drawn)))
    lot = pd.concat([lot, lot_of({99: "none"})])
    found = follow(orders, lot, until=day(90), dormant_after_days=10, window_days=7)
    expected = {}
    for who in range(6):
        mine = sorted(at for customer, at in events if customer == who)
        for today in range(drawn[who], 91):
            # At midnight, when the lot is drawn and days begin, only orders of earlier days are known.
            known = [at for at in mine if at < today]
            if known and today - known[-1] > 10:
                if today + 6 <= 90:
                    expected[who] = (day(today), sum(today <= at < today + 7 for at in mine))
                break
    assert {row.customer_id: (row.dormant_on, row.orders) for row in found.itertuples()} == expected


# --- what is refused ---


def test_messages_before_dormancy_spoil_the_comparison():
    arms = {who: "sms" if who % 2 else "none" for who in range(40)}
    orders = orders_of(*[(who, 1, 1.0) for who in arms])
    early = sent_to(*[(who, 20, "text", "promotion", 0.1) for who in arms if who % 2])
    refused = follow(orders, lot_of(arms), early)
    assert isinstance(refused, Refused)
    assert refused.seen == 1.0
    # The same messages before the lot, or once they are dormant, from day 32, are no obstacle.
    assert len(follow(orders, lot_of(arms), early.assign(sent_at=day(32, 10)))) == 40
    assert len(follow(orders, lot_of(arms, at=40), early)) == 40
    assert len(follow(orders, lot_of(arms, at=40), early, start="assignment")) == 40


def test_customers_who_cannot_be_followed_do_not_thin_out_early_messages():
    """One of 20 followed in the message group was sent one too early; 180 others ordered on the last day."""
    arms = {who: "sms" if who % 2 else "none" for who in range(400)}
    orders = orders_of(*[(who, 1 if who < 40 else 366, 1.0) for who in arms])
    refused = follow(orders, lot_of(arms), sent_to((1, 20, "text", "promotion", 0.1)))
    assert isinstance(refused, Refused)
    assert refused.seen == 1 / 20


def test_a_side_that_is_missing_a_chance_that_varies_and_sides_out_of_balance():
    orders = orders_of(*[(who, 1, 1.0) for who in range(100)])
    arms = {who: "sms" if who < 50 else "none" for who in range(100)}
    assert follow(orders, lot_of({1: "sms"})).gate == "a lot"
    varied = lot_of(arms).assign(probability=np.where(np.arange(100) % 2, 0.4, 0.5))
    assert follow(orders, varied).gate == "one chance for all"
    assert follow(orders, lot_of(arms).assign(probability=np.repeat([0.8, 0.2], 50))).gate == "sides as drawn"
    assert len(follow(orders, lot_of(arms))) == 100


def test_a_customer_in_the_lot_twice_is_an_error_that_names_nobody():
    lot = pd.concat([lot_of({"SECRET": "sms"}), lot_of({"SECRET": "none"})])
    with pytest.raises(ValueError, match="more than once") as error:
        follow(orders_of(("SECRET", 1, 1.0)), lot)
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize(
    "how", [{"start": "later"}, {"window_days": 0}, {"dormant_after_days": 1.5}, {"refunds": "no"}]
)
def test_wrong_parameters(how):
    with pytest.raises(ValueError, match="must be"):
        follow(orders_of(("ana", 1, 1.0)), lot_of({"ana": "sms", "ben": "none"}), **how)


# --- the value of a message ---


def followed(rng, n=(400, 150), lift=0.1):
    """A table such as `followed_after_dormancy` returns."""
    group = np.repeat(["with_message", "without_message"], n)
    back = rng.random(sum(n)) < np.where(group == "with_message", 0.2 + lift, 0.2)
    mail = np.where(group == "with_message", rng.integers(1, 3, sum(n)), 0)
    table = pd.DataFrame(
        {"customer_id": np.arange(sum(n)), "group": group, "came_back": back, "orders": back * 1,
         "revenue": back * rng.gamma(2, 50, sum(n)), "messages": mail, "message_cost": 0.5 * mail}
    )  # fmt: skip
    table["contribution"] = 0.4 * table["revenue"]
    return table


def test_differences_equal_scipy_and_the_formulas_in_print():
    table = followed(np.random.default_rng(1))
    found = value_of_message(table)
    one, other = (table[table["group"] == side] for side in ("with_message", "without_message"))
    welch = stats.ttest_ind(one["revenue"], other["revenue"], equal_var=False).confidence_interval(0.9)
    assert (found["revenue_difference"].low, found["revenue_difference"].high) == pytest.approx(tuple(welch))
    net = [0.4 * side["revenue"] - side["message_cost"] for side in (one, other)]
    welch = stats.ttest_ind(*net, equal_var=False).confidence_interval(0.9)
    assert (found["net_value_per_customer"].low, found["net_value_per_customer"].high) == pytest.approx(tuple(welch))
    # Newcombe 1998, method 10: square and add the distances of the two Wilson intervals.
    a, b = found["share_with_message"], found["share_without_message"]
    low = a.value - b.value - math.hypot(a.value - a.low, b.high - b.value)
    high = a.value - b.value + math.hypot(a.high - a.value, b.value - b.low)
    assert (found["share_difference"].low, found["share_difference"].high) == pytest.approx((low, high))
    assert found["contribution_difference"].value == pytest.approx(0.4 * found["revenue_difference"].value)


def test_newcombe_as_in_his_paper():
    """Newcombe (1998), Statist. Med. 17, 873-890, table II (a): 56/70 - 48/80, 95%, method 10: 0.0524 to 0.3339.

    With the 100 customers a side asked for here that case cannot be sent through, so the library is asked.
    """
    ends = confint_proportions_2indep(56, 70, 48, 80, method="newcomb", compare="diff", alpha=0.05)
    assert ends == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_at_the_break_even_cost_the_net_value_is_zero():
    table = followed(np.random.default_rng(2))
    found = value_of_message(table)
    cost = found["break_even_cost_per_message"].value
    again = value_of_message(table.assign(message_cost=cost * table["messages"]))
    assert again["net_value_per_customer"].value == pytest.approx(0, abs=1e-12)


@settings(max_examples=6, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_row_order_and_ids_do_not_matter(random, seed):
    table = followed(np.random.default_rng(seed), n=(120, 110))
    order = list(range(len(table)))
    random.shuffle(order)
    again = table.iloc[order].assign(customer_id=range(len(table)))
    assert value_of_message(again) == value_of_message(table)


def test_every_key_is_there_and_every_refusal_has_its_reason():
    table = followed(np.random.default_rng(3))
    assert tuple(value_of_message(table)) == VALUE_KEYS
    assert all(isinstance(one, Estimate) for one in value_of_message(table).values())
    money = {"contribution_difference", "net_value_per_customer", "break_even_cost_per_message"}
    assert {
        key for key, one in value_of_message(table.assign(contribution=np.nan)).items() if isinstance(one, Refused)
    } == money
    blank = value_of_message(table.assign(message_cost=np.nan))
    assert {key for key, one in blank.items() if isinstance(one, Refused)} == {
        "cost_per_customer",
        "net_value_per_customer",
    }
    assert {one.gate for one in value_of_message(table.iloc[:499]).values()} == {"customers on either side"}
    assert {one.gate for one in value_of_message(table.assign(messages=0)).values()} == {"messages sent"}
    refused = Refused("a lot", 0, 1, "无", "none")
    assert set(value_of_message(refused).values()) == {refused}
    with pytest.raises(ValueError, match="level"):
        value_of_message(table, level=90)


def test_definitions_name_the_window_in_both_languages():
    arms = {who: "sms" if who % 2 else "none" for who in range(240)}
    orders = orders_of(*[(who, 1, 1.0) for who in arms])
    sent = sent_to(*[(who, 40, "text", "promotion", 0.1) for who in arms if who % 2])
    words = value_of_message(follow(orders, lot_of(arms), sent))["revenue_difference"].definition
    assert "首次超过 30 天未下单" in words.zh
    assert "观察 20 天" in words.zh
    assert "followed for 20 days" in words.en
