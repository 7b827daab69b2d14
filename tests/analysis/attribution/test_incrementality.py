"""Incrementality: credit beside a truth that is counted by hand in a world small enough to write down."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.attribution import comparisons, incrementality
from siyu_helpers.analysis.estimates import Refused


@pytest.fixture
def compared():
    """10 orders: feed alone 4, feed then search 3, search alone 3."""
    paths = [("feed",), ("feed", "search"), ("search",)]
    table = pd.DataFrame({"path": paths, "conversions": [4, 3, 3], "nulls": [6, 7, 7]})
    return comparisons.compare_rules(table, ["first", "last", "linear"])


def lost(feed, search, **more):
    truth = {"feed": feed, "search": search} | more
    return {name: {"orders": number, "new_customers": number, "contribution": 5.0 * number}
            for name, number in truth.items()}  # fmt: skip


def test_two_channels_that_need_each_other_are_lost_twice(compared):
    """Nobody comes by themselves, and the three orders of both need both: without feed 7 are lost, without search 6."""
    against = incrementality.credit_against_truth(compared, lost(7, 6), total=10)
    assert list(against.columns) == ["channel", "rule", "share", "incremental_share", "difference"]
    assert against.attrs["incremental_sum"] == pytest.approx(1.3)
    by = against.set_index(["rule", "channel"])["difference"]
    assert by["first"].tolist() == pytest.approx([0, 0.3 - 0.6])
    assert by["last"].tolist() == pytest.approx([0.4 - 0.7, 0])
    assert by["linear"].tolist() == pytest.approx([0.55 - 0.7, 0.45 - 0.6])


def test_people_who_come_anyway_are_lost_without_nobody(compared):
    against = incrementality.credit_against_truth(compared, lost(2, 1), total=10)
    assert against.attrs["incremental_sum"] == pytest.approx(0.3)
    assert (against["difference"] > 0).all()


def test_errors_of_the_rules_by_hand(compared):
    errors = incrementality.mean_absolute_error(incrementality.credit_against_truth(compared, lost(7, 3), total=10))
    # first .7 and .3: right; linear .55, .45; last .4, .6.
    assert errors["rule"].tolist() == ["first", "linear", "last"]
    assert errors["mean_absolute_error"].tolist() == pytest.approx([0, 0.15, 0.3])
    assert errors["largest"].tolist() == pytest.approx([0, 0.15, 0.3])
    assert errors["channels"].tolist() == [2, 2, 2]


def test_channels_of_one_side_only(compared):
    truth = lost(7, 3, referral=1)
    del truth["search"]
    against = incrementality.credit_against_truth(compared, truth, total=10)
    assert against.attrs["never_touched"] == ["referral"]
    assert against.attrs["unknown"] == ["search"]
    by = against.set_index(["rule", "channel"])
    assert by.loc[("first", "referral"), "share"] == 0  # in no journey: no rule gives it anything
    assert math.isnan(by.loc[("first", "search"), "incremental_share"])
    assert incrementality.mean_absolute_error(against)["channels"].tolist() == [2, 2, 2]


def test_what_is_lost_may_be_orders_customers_or_contribution(compared):
    truth = lost(7, 3)
    for of, total in (("orders", 10), ("new_customers", 10), ("contribution", 50)):
        against = incrementality.credit_against_truth(compared, truth, total, of)
        assert against["incremental_share"].tolist() == pytest.approx([0.7, 0.3] * 3)
    stated = {name: its | {"share_of_orders": its["orders"] / 20} for name, its in truth.items()}
    assert incrementality.credit_against_truth(compared, stated)["incremental_share"].iloc[0] == 0.35
    for total in (None, 0, math.nan):
        with pytest.raises(ValueError, match="`customers` of truth"):
            incrementality.credit_against_truth(compared, truth, total, "new_customers")
    with pytest.raises(ValueError, match="of must be one of"):
        incrementality.credit_against_truth(compared, truth, 10, "customers")


def test_credit_and_truth_on_one_base(compared):
    """10 orders have a journey and 20 there were: half of each share, and no rule credits the other half."""
    against = incrementality.credit_against_truth(compared, lost(7, 3, referral=2), total=20, base=20)
    by = against.set_index(["rule", "channel"])
    assert by.loc["last", "share"].tolist() == pytest.approx([0.2, 0, 0.3])  # feed, referral, search
    assert against.groupby("rule")["share"].sum().tolist() == pytest.approx([0.5] * 3)
    assert by.loc[("last", "feed"), "difference"] == pytest.approx(0.2 - 0.35)
    assert against.attrs["base"] == 20
    same = incrementality.credit_against_truth(compared, lost(7, 3), total=10, base=10)
    pd.testing.assert_frame_equal(same, incrementality.credit_against_truth(compared, lost(7, 3), total=10))
    for base in (9, 0, math.nan):
        with pytest.raises(ValueError, match="base must be all orders"):
            incrementality.credit_against_truth(compared, lost(7, 3), total=10, base=base)


def test_facts_for_sentences(compared):
    against = incrementality.credit_against_truth(compared, lost(7, 6), total=10)
    facts = incrementality.truth_facts(against)
    assert (facts["nearest_rule"], facts["farthest_rule"]) == ("first", "linear")  # all err by .15: ties by order
    assert facts["nearest_error"].value == pytest.approx(15)
    assert (facts["nearest_error"].unit, facts["incremental_sum"].unit) == ("percentage points", "share")
    assert facts["incremental_sum"].value == pytest.approx(1.3)
    under = incrementality.channel_against_truth(against, "last", "under")
    assert (under["channel"], under["difference"].value) == ("feed", pytest.approx(-0.3))
    assert "末次触点" in under["share"].definition.zh
    assert incrementality.channel_against_truth(against, "first", "search")["incremental_share"].value == 0.6
    over = incrementality.channel_against_truth(against, "last", "over")
    assert over["channel"] == "search"
    with pytest.raises(ValueError, match="rule must be one of"):
        incrementality.channel_against_truth(against, "markov")


def test_without_orders_or_truth_all_is_refused():
    none = comparisons.compare_rules(pd.DataFrame({"path": [("feed",)], "conversions": [0], "nulls": [9]}), ["last"])
    against = incrementality.credit_against_truth(none, lost(1, 1), total=10)
    facts = incrementality.truth_facts(against)
    assert facts["nearest_rule"] is None
    assert all(isinstance(facts[name], Refused) for name in ("nearest_error", "farthest_error", "incremental_sum"))
    assert incrementality.credit_against_truth(none, lost(1, 1), total=10, base=10)["share"].isna().tolist() == [
        True,
        False,
    ]
    nothing = incrementality.credit_against_truth(none, {}, total=10)
    assert incrementality.channel_against_truth(nothing, "last")["channel"] is None
    assert isinstance(incrementality.channel_against_truth(nothing, "last")["share"], Refused)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=3, max_size=3).filter(any))
def test_a_rule_that_is_the_truth_has_no_error(conversions):
    paths = [("a",), ("a", "b"), ("b", "c")]
    table = pd.DataFrame({"path": paths, "conversions": conversions, "nulls": 1})
    compared = comparisons.compare_rules(table, ["last", "linear"])
    last = compared[compared["rule"] == "last"].set_index("channel")["conversions"]
    truth = {channel: {"orders": number} for channel, number in last.items()}
    against = incrementality.credit_against_truth(compared, truth, total=sum(conversions))
    errors = incrementality.mean_absolute_error(against).set_index("rule")["mean_absolute_error"]
    assert errors["last"] == pytest.approx(0, abs=1e-12)
    assert errors["linear"] >= 0


def test_the_truth_of_a_channel_is_read_as_it_stands():
    lost = {"feed": {"orders": 21, "new_customers": 4}}
    found = [incrementality.true_loss(lost, "feed", of) for of in ("orders", "new_customers")]
    assert [(number.value, number.unit) for number in found] == [(21, "orders"), (4, "new customers")]
    with pytest.raises(ValueError, match="channel must be one of 'feed'"):
        incrementality.true_loss(lost, "fed")
