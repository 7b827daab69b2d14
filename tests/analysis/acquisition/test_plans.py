"""Spend plans against arithmetic by hand, and what they refuse or bound."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spend_series import costs

from siyu_helpers.analysis.acquisition import plans
from siyu_helpers.analysis.acquisition.plans import PLAN_COLUMNS, PLAN_STATUS, spend_plan
from siyu_helpers.analysis.acquisition.responses import response
from siyu_helpers.analysis.estimates import Estimate, Refused

SENTENCES = (
    plans.planned_customers,
    plans.planned_cac,
    plans.extra_customers,
    plans.growth_of_customers,
    plans.cost_of_extra,
)


def growing(value, low, high):
    return Estimate(value, low, high, 0.9, 36, "growth a year", "by hand", "by hand")


@pytest.fixture(scope="module")
def found():
    """Two channels whose elasticity is known, and one whose spend never moved."""
    feed = costs(np.random.default_rng(7), customers=300, shocks=0.4)
    live = costs(np.random.default_rng(8), customers=60, channel="live", elasticity=0.4, shocks=0.4)
    still = costs(np.random.default_rng(9), customers=50, channel="still", shocks=0.02)
    return response(pd.concat([feed, live, still], ignore_index=True))


@pytest.fixture(scope="module")
def known(found):
    """The two channels whose elasticity is known."""
    return found[found["channel"] != "still"]


def test_columns(found):
    made = spend_plan(found, 0.1)
    assert list(made.columns) == PLAN_COLUMNS
    assert made["channel"].tolist() == ["feed", "live", "still", "all"]
    assert set(made["status"]) <= set(PLAN_STATUS)


def test_by_hand(known):
    """A fifth more for half a year: customers x 1.2 ^ e, spend x 1.2; "all" is the sum."""
    made = spend_plan(known, 0.2, periods=26).set_index("channel")
    for row in known.itertuples():
        proof = known.attrs["evidence"][row.channel]
        assert made.loc[row.channel, "spend_now"] == pytest.approx(proof.recent_spend / 2)
        assert made.loc[row.channel, "spend_planned"] == pytest.approx(proof.recent_spend / 2 * 1.2)
        expected = proof.recent_customers / 2 * 1.2**row.elasticity
        assert made.loc[row.channel, "new_customers"] == pytest.approx(expected)
    sums = made.loc[["feed", "live"]].sum(numeric_only=True)
    for name in ("spend_now", "spend_planned", "new_customers"):
        assert made.loc["all", name] == pytest.approx(sums[name])
    assert np.allclose(made["cac"], made["spend_planned"] / made["new_customers"])
    assert np.allclose(made["cac_low"], made["spend_planned"] / made["new_customers_high"])


def test_the_extra_customers_and_what_they_cost(known):
    made = spend_plan(known, {"feed": 0.2})
    row, proof = known.set_index("channel").loc["feed"], known.attrs["evidence"]["feed"]
    extra = proof.recent_customers * (1.2 ** row["elasticity"] - 1)
    for channel in ("feed", "all"):
        assert plans.extra_customers(made, channel).value == pytest.approx(extra)
        assert plans.cost_of_extra(made, channel).value == pytest.approx(0.2 * proof.recent_spend / extra)
    share = plans.growth_of_customers(made, "feed")
    assert share.value == pytest.approx(1.2 ** row["elasticity"] - 1)
    # The count of today cancels: the ends are those of the elasticity.
    assert share.low == pytest.approx(1.2 ** row["low"] - 1, abs=0.002)
    assert share.high == pytest.approx(1.2 ** row["high"] - 1, abs=0.002)


def test_the_next_customers_cost_the_marginal_cost(known):
    """A very small change: extra spend / extra customers tends to the marginal CAC of `response`."""
    small = spend_plan(known, {"feed": 1e-4})
    marginal = known.set_index("channel").loc["feed", "marginal_cac"]
    assert plans.cost_of_extra(small, "feed").value == pytest.approx(marginal, rel=1e-3)


def test_less_spend(known):
    made = spend_plan(known, -0.3)
    lost = plans.extra_customers(made)
    assert lost.high < 0
    assert plans.cost_of_extra(made).value > 0
    assert plans.cost_of_extra(made).low < plans.cost_of_extra(made).high


def test_growing_costs(known):
    """A year ahead of a year: the middles lie a year apart, so 10% growth makes customers fewer by 1 / 1.1."""
    still, dearer = (spend_plan(known, 0.2, growth=one) for one in (None, growing(0.1, 0.05, 0.15)))
    assert dearer["new_customers"].to_numpy() == pytest.approx(still["new_customers"].to_numpy() / 1.1)
    width = dearer["new_customers_high"] - dearer["new_customers_low"]
    assert (width > (still["new_customers_high"] - still["new_customers_low"]) / 1.1).all()
    # Growth hits both alike: the plan brings as many per cent more as without it.
    before, after = (plans.growth_of_customers(made) for made in (still, dearer))
    assert after.value == pytest.approx(before.value)
    half = spend_plan(known, 0.2, periods=26, growth=growing(0.1, 0.1, 0.1))["new_customers"]
    assert half.to_numpy() == pytest.approx(still["new_customers"].to_numpy() / 2 / 1.1**0.75)


def test_unknown_growth_is_refused_for_its_channel(known):
    unknown = Refused("months", 11, 12, "太短。", "Too short.")
    made = spend_plan(known, 0.2, growth={"feed": growing(0.1, 0.05, 0.15), "live": unknown})
    assert made["status"].tolist() == ["planned", "not_identified", "not_identified"]
    assert plans.planned_customers(made, "live") == unknown == plans.planned_customers(made)


@settings(max_examples=25, deadline=None)
@given(change=st.floats(-0.5, 0.5))
def test_more_spend_brings_more_customers_at_a_higher_cost(known, change):
    """With elasticities between 0 and 1: customers rise with spend, and so does their cost."""
    now, plan = (spend_plan(known, one).iloc[-1] for one in (0.0, change))
    if abs(change) > 1e-6:
        assert (plan["new_customers"] > now["new_customers"]) == (change > 0)
        assert (plan["cac"] > now["cac"]) == (change > 0)
    assert plan["new_customers_low"] <= plan["new_customers"] <= plan["new_customers_high"]


def test_spend_outside_of_what_was_seen_is_not_extrapolated(found):
    for change in (9.0, -1.0):
        made = spend_plan(found, {"feed": change})
        assert made["status"].tolist() == ["beyond_seen", "unchanged", "unchanged", "beyond_seen"]
        assert made.loc[[0, 3], "new_customers":"cac_high"].isna().all(axis=None)
        assert made["spend_planned"][0] == pytest.approx(made["spend_now"][0] * (1 + change))
        for sentence in SENTENCES:
            assert sentence(made).gate == sentence(made, "feed").gate == "spend seen"


def test_bounds_where_the_elasticity_is_not_known(found):
    """From no effect at all to customers in proportion to spend; no value, neither for it nor in all."""
    made = spend_plan(found, {"still": 0.3}).set_index("channel")
    today = spend_plan(found, 0.0).set_index("channel")
    assert made["status"].to_dict() == {"feed": "unchanged", "live": "unchanged", "still": "bounds", "all": "bounds"}
    assert made.loc[["still", "all"], "new_customers"].isna().all()
    assert made.loc["still", "new_customers_low"] == pytest.approx(today.loc["still", "new_customers_low"])
    assert made.loc["still", "new_customers_high"] == pytest.approx(1.3 * today.loc["still", "new_customers_high"])
    assert made.loc["all", "cac_low"] < made.loc["all", "cac_high"]
    assert plans.planned_customers(made.reset_index()).gate == "movement of spend"
    fewer = spend_plan(found, {"still": -0.3}).set_index("channel")
    assert fewer.loc["still", "new_customers_low"] == pytest.approx(0.7 * today.loc["still", "new_customers_low"])


def test_nothing_changes(found):
    """No change: what was, with the chance of its count, and no cost of extra customers."""
    made = spend_plan(found, 0.0)
    assert made["status"].tolist() == ["unchanged"] * 4
    assert made["cac"][:3].to_numpy() == pytest.approx(found["average_cac"].to_numpy())
    assert plans.extra_customers(made).value == 0
    assert isinstance(plans.cost_of_extra(made), Refused)


def test_a_channel_that_stopped():
    table = costs(np.random.default_rng(7), customers=100)
    made = spend_plan(response(table[table["week"] < "2024-W30"]), 0.1)  # the table ends there: it still runs
    assert made["status"][0] == "planned"
    live = costs(np.random.default_rng(8), customers=100, channel="live")
    both = pd.concat([table[table["week"] < "2023-W50"], live], ignore_index=True)
    made = spend_plan(response(both), 0.1)
    assert made["status"].tolist() == ["not_running", "planned", "planned"]
    assert made.loc[2, "new_customers"] == made.loc[1, "new_customers"]
    assert isinstance(plans.planned_customers(made, "feed"), Refused)


def test_empty_and_errors(found):
    empty = response(costs(np.random.default_rng(1)).iloc[:0])
    made = spend_plan(empty, 0.2)
    assert made["channel"].tolist() == ["all"]
    assert all(isinstance(sentence(made), Refused) for sentence in SENTENCES)
    with pytest.raises(ValueError, match="'tv' has no spend to change"):
        spend_plan(found, {"tv": 0.2})
    with pytest.raises(ValueError, match="-1"):
        spend_plan(found, -1.5)
    with pytest.raises(ValueError, match="periods must be"):
        spend_plan(found, 0.2, periods=0)
    with pytest.raises(ValueError, match="'tv' is not in the plan"):
        plans.planned_cac(spend_plan(found, 0.2), "tv")


def test_warnings_of_the_channels_that_change():
    table = costs(np.random.default_rng(1), customers=40, unpaid=30, hidden=0.3)
    found = response(table)
    assert "feed" in found.attrs["warnings"]
    assert "feed" in spend_plan(found, 0.1).attrs["warnings"]
    assert spend_plan(found, 0.0).attrs["warnings"] == {}


def test_no_infinity_in_any_sentence(found):
    for change in (0.3, -0.3, 0.0, 50.0, {"live": 0.1}):
        made = spend_plan(found, change)
        assert not np.isinf(made.select_dtypes("number").to_numpy()).any()
        for channel in made["channel"]:
            for sentence in SENTENCES:
                one = sentence(made, channel)
                if isinstance(one, Estimate):
                    assert math.isfinite(one.low)
                    assert math.isfinite(one.high)
                else:
                    assert "nan" not in one.reason_zh + one.reason_en
