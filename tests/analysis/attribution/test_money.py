"""Money: cost and return under each rule by hand, the range over rules, and what is blank rather than wrong."""

import math

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.attribution import money
from siyu_helpers.analysis.estimates import Estimate, Refused

DAY = pd.Timestamp("2024-01-15")
PATHS = [("feed", "search"), ("search", "feed"), ("feed",), ("wecom",), ("video", "search")]


@pytest.fixture
def journeys():
    """40 orders; video closes none. Money is ten an order."""
    table = pd.DataFrame({"path": PATHS, "conversions": [10, 6, 4, 8, 12], "nulls": [90, 50, 60, 10, 100]})
    table["value"] = table["conversions"] * 10.0
    table.attrs = {"conversions_of": "new_customers", "first_day": "2024-01-01", "last_day": "2024-01-31"}
    return table


@pytest.fixture
def spend():
    days = pd.date_range("2024-01-01", "2024-01-31")
    parts = [pd.DataFrame({"date": days, "channel": name, "spend": total / 31})
             for name, total in (("feed", 310.0), ("search", 155.0), ("video", 62.0))]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_cost_and_return_by_hand(journeys, spend):
    costs = money.attributed_cost(journeys, spend, ["first", "last", "linear"])
    assert list(costs.columns) == ["channel", "rule", "conversions", "value", "spend", "cac", "roas"]
    by = costs.set_index(["rule", "channel"])
    # First: feed 10 + 4, search 6, video 12. Last: feed 6 + 4, search 10 + 12, video 0. Linear: halves.
    assert by.loc[("first", "feed"), ["conversions", "cac", "roas"]].tolist() == pytest.approx(
        [14, 310 / 14, 140 / 310]
    )
    assert by.loc[("last", "search"), ["conversions", "cac", "roas"]].tolist() == pytest.approx(
        [22, 155 / 22, 220 / 155]
    )
    assert by.loc[("linear", "feed"), "cac"] == pytest.approx(310 / (5 + 3 + 4))
    assert math.isnan(by.loc[("last", "video"), "cac"])
    assert math.isnan(by.loc[("last", "video"), "roas"])
    assert costs.attrs["unit"] == "money per customer"
    assert costs.attrs["unpaid"] == ["wecom"]
    assert [(entry["channel"], entry["rule"]) for entry in costs.attrs["refused"]] == [("video", "last")]
    assert "顾客" not in str(costs.attrs["refused"])


def test_a_channel_that_costs_and_is_never_touched_is_blank_with_its_reason(journeys, spend):
    more = pd.concat([spend, pd.DataFrame({"date": [DAY], "channel": ["radio"], "spend": [9.0]})])
    costs = money.attributed_cost(journeys, more, ["last"]).set_index("channel")
    assert costs.loc["radio", "conversions"] == 0
    assert math.isnan(costs.loc["radio", "cac"])
    assert {entry["channel"] for entry in costs.attrs["refused"]} == {"radio", "video"}


def test_orders_have_a_cost_an_order(journeys, spend):
    journeys.attrs["conversions_of"] = "all_orders"
    assert money.attributed_cost(journeys, spend, ["last"]).attrs["unit"] == "money"


def test_days_must_agree(journeys, spend):
    with pytest.raises(ValueError, match="spend covers 2024-01-10"):
        money.attributed_cost(journeys, spend[spend["date"] >= "2024-01-10"])
    with pytest.raises(ValueError, match="first_day is 2024-01-05"):
        money.attributed_cost(journeys, spend, first_day="2024-01-05")
    journeys.attrs = {}
    assert money.attributed_cost(journeys, spend, ["last"])["spend"].sum() == pytest.approx(527)


def test_the_range_names_its_rules_and_leaves_the_open_end_blank(journeys, spend):
    found = money.cost_range(journeys, spend, ["first", "last"], rule="linear").set_index("channel")
    assert list(found.index) == ["feed", "search", "video"]  # by spend
    feed, video = found.loc["feed"], found.loc["video"]
    assert (feed["cac_lowest"], feed["cac_highest"]) == pytest.approx((310 / 14, 31.0))
    assert (feed["cac_lowest_rule"], feed["cac_highest_rule"]) == ("first", "last")
    assert (feed["roas_lowest_rule"], feed["roas_highest_rule"]) == ("last", "first")
    # The last touch gives video nothing: its cost has no upper bound, and its return no lower one.
    assert (video["cac_lowest"], video["cac_highest_rule"]) == (pytest.approx(62 / 12), "last")
    assert math.isnan(video["cac_highest"])
    assert math.isnan(video["roas_lowest"])
    assert feed["cac_low"] < feed["cac"] < feed["cac_high"]
    assert feed["cac"] == pytest.approx(310 / 12)


def test_the_interval_is_that_of_the_credit_turned_round(journeys, spend):
    """Spend over the ends of the bootstrap of conversions, which are those of a Poisson count in the textbook."""
    found = money.cost_range(journeys, spend, rule="first", draws=400, seed=3).set_index("channel").loc["feed"]
    ends = money.interval_of(journeys, "first", "conversions", 400, 3, 0.90, {}).set_index("channel").loc["feed"]
    assert (found["cac_low"], found["cac_high"]) == pytest.approx((310 / ends["high"], 310 / ends["low"]))
    half = 1.645 * np.sqrt(14)
    assert (ends["low"], ends["high"]) == pytest.approx((14 - half, 14 + half), abs=1.6)


def test_where_nothing_might_be_credited_the_cost_is_open():
    rare = pd.DataFrame(
        {"path": [("feed",), ("wecom",)], "conversions": [1, 200], "value": [5, 900], "nulls": [500, 90]}
    )
    spend = pd.DataFrame({"date": [DAY], "channel": ["feed"], "spend": [80.0]})
    found = money.cost_range(rare, spend, ["last"], rule="last").iloc[0]
    assert found["cac"] == 80.0
    assert found["cac_high"] == math.inf


def test_facts_are_estimates_or_refused(journeys, spend):
    ranges = money.cost_range(journeys, spend, ["first", "last"], rule="linear")
    facts = money.cost_facts(ranges)
    assert facts["channel"] == "search"  # first 6, linear 17, last 22: more than feed's 14 to 10
    assert facts["cac_times"].value == pytest.approx(22 / 6)
    assert facts["cac_highest_rule"] == "first"
    assert facts["cac"].low < facts["cac"].value < facts["cac"].high
    assert (facts["cac"].unit, facts["roas"].unit, facts["cac_times"].unit) == ("money per customer", "times", "times")
    video = money.cost_facts(ranges, "video")
    assert isinstance(video["cac_highest"], Refused)
    assert isinstance(video["cac_lowest"], Estimate)
    with pytest.raises(ValueError, match="channel must be one of"):
        money.cost_facts(ranges, "vidio")


def ranges(*rows, **attrs):
    """Rows of (channel, lowest, highest)."""
    made = pd.DataFrame(rows, columns=["channel", "cac_lowest", "cac_highest"])
    made = made.assign(conversions=[40.0 + 10 * at for at in range(len(rows))])
    made.attrs = {"unit": "money per customer", "conversions_of": "new_customers"} | attrs
    return made


def test_the_cheapest_and_the_dearest_whatever_the_rule():
    found = money.cost_order(ranges(("a", 258, 652), ("b", 119, 192), ("c", 246, 596), ("d", 700, math.nan)))
    assert (found["cheapest"], found["dearest"]) == ("b", "d")
    numbers = {name: found[name].value for name in ("cheapest_low", "cheapest_high", "rest_low", "dearest_low")}
    assert numbers == {"cheapest_low": 119, "cheapest_high": 192, "rest_low": 246, "dearest_low": 700}
    assert (found["rest_low"].n, found["rest_low"].unit, found["cheapest_low"].n) == (60, "money per customer", 50)
    assert found["rest_high"].value == 652
    assert isinstance(found["dearest_high"], Refused)  # a rule credits it with nothing: no upper end
    assert "新客" in found["rest_low"].definition.zh


@pytest.mark.parametrize(
    ("rows", "cheapest", "dearest"),
    [
        ([("a", 10, 20), ("b", 20, 30)], None, None),  # they touch
        ([("a", 10, 20), ("b", 21, 30)], "a", "b"),
        ([("a", 10, math.nan), ("b", 21, 30)], None, None),
        ([("a", 10, 20), ("b", 21, math.nan), ("c", 40, math.nan)], "a", None),
        ([("a", 10, 20), ("b", math.nan, math.nan)], None, None),  # one range is known
        ([("a", 10, 20)], None, None),
        ([], None, None),
    ],
)
def test_ranges_that_overlap_rank_nobody(rows, cheapest, dearest):
    found = money.cost_order(ranges(*rows))
    assert (found["cheapest"], found["dearest"]) == (cheapest, dearest)
    assert isinstance(found["rest_low"], Estimate) == (cheapest is not None)
    assert isinstance(found["rest_high"], Estimate) == (dearest is not None)
    assert money.cost_order(ranges(*rows[::-1]))["cheapest"] == cheapest


def test_neither_the_order_of_rows_nor_names_matter(journeys, spend):
    plain = money.cost_range(journeys, spend, rule="markov")
    shuffled = journeys.sample(frac=1, random_state=1)
    shuffled.attrs = journeys.attrs
    pd.testing.assert_frame_equal(
        plain, money.cost_range(shuffled, spend.sample(frac=1, random_state=2), rule="markov")
    )


def test_a_table_without_rows_or_orders_is_blank_not_wrong(journeys, spend):
    empty = journeys[:0].astype({"conversions": float, "nulls": float, "value": float})
    found = money.cost_range(empty, spend, ["last"], rule="last")
    assert found["cac"].isna().all()
    assert isinstance(money.cost_facts(found)["cac"], Refused)
    none = journeys.assign(conversions=0, value=0.0)
    assert money.attributed_cost(none, spend, ["last"])["cac"].isna().all()
    nothing = money.cost_range(journeys, spend.assign(spend=0.0), ["last"], rule="last")
    assert nothing.empty
    assert money.cost_facts(nothing)["channel"] is None


def test_one_rule_as_text_and_options(journeys, spend):
    found = money.cost_range(journeys, spend, "last", rule="position", position_weights=(1, 0, 0))
    by = found.set_index("channel")
    assert by.loc["feed", "cac"] == pytest.approx(310 / 14)  # all to the first touch
    with pytest.raises(ValueError, match="rule must be one of"):
        money.cost_range(journeys, spend, rule="markow")


def test_first_orders_pay_for_their_spend_at_one_over_the_gross_margin():
    """By hand: at a margin of 0.4, 100 of spend are paid by 250 of sales."""
    found = money.break_even_return(0.4)
    assert (found.value, found.unit) == (2.5, "times")
    assert isinstance(money.break_even_return(None), Refused)
