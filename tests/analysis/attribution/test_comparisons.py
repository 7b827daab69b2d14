"""Credit under all rules side by side, by hand: who gains and loses by the choice, and what a page may say of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.attribution import chains, comparisons, rules, shapley_values
from siyu_helpers.analysis.attribution.comparisons import (
    channel_facts,
    compare_rules,
    domain_facts,
    domain_shares,
    moved_by_order,
    moved_credit,
    range_over_rules,
    share_under,
)
from siyu_helpers.analysis.estimates import Estimate, Refused

DOMAINS = {"feed": "public", "live": "public", "mini": "semi", "wecom": "private"}
PLAIN = ["first", "last", "linear"]


@pytest.fixture
def journeys():
    """8 orders: 4 along feed > mini > wecom, 2 wecom, 2 live > wecom; live alone never buys."""
    return pd.DataFrame(
        {"path": [("feed", "mini", "wecom"), ("wecom",), ("live", "wecom"), ("live",)], "conversions": [4, 2, 2, 0],
         "value": [400.0, 60.0, 20.0, 0.0], "nulls": [1, 0, 3, 5]}
    )  # fmt: skip


@pytest.fixture
def compared(journeys):
    return compare_rules(journeys, PLAIN)


def test_every_rule_stands_below_the_other_with_the_numbers_of_its_own_function(journeys):
    table = compare_rules(journeys)
    assert list(table.columns) == ["channel", "rule", "conversions", "value", "share"]
    assert table["rule"].unique().tolist() == ["first", "last", "linear", "position", "markov", "shapley"]
    expected = {rule: rules.credit(journeys, rule) for rule in ("first", "last", "linear", "position")}
    expected |= {"markov": chains.markov(journeys), "shapley": shapley_values.shapley(journeys)}
    for rule, its in expected.items():
        rows = table[table["rule"] == rule]
        assert rows["channel"].tolist() == ["feed", "live", "mini", "wecom"]
        np.testing.assert_allclose(rows[["conversions", "value"]], its[["conversions", "value"]])
        np.testing.assert_allclose(rows["share"], its["conversions"] / 8)


def test_which_rules_are_compared(journeys):
    """Time decay needs ages, and "last touch that is not direct" a brand with direct traffic."""
    timed = journeys.assign(hours_before_end=[tuple(float(len(path) - i) for i in range(len(path)))
                                              for path in journeys["path"]])  # fmt: skip
    assert "time_decay" in set(compare_rules(timed)["rule"])
    directed = journeys.assign(path=[(*path, "direct") for path in journeys["path"]])
    assert "last_non" in set(compare_rules(directed)["rule"])
    assert "last_non" in set(compare_rules(journeys, ignored="wecom")["rule"])
    both = compare_rules(journeys, ["shapley", "linear_unique", "shapley"])
    assert both["rule"].unique().tolist() == ["linear_unique", "shapley"]  # in their own order, each once
    assert both["share"][:4].tolist() == both["share"][4:].tolist()
    with pytest.raises(ValueError, match="did you mean 'markov'"):
        compare_rules(journeys, ["markow"])
    with pytest.raises(ValueError, match="rules is empty"):
        compare_rules(journeys, [])
    with pytest.raises(ValueError, match="ages=True"):
        compare_rules(journeys, ["time_decay"])


def test_options_reach_their_rule_and_no_other(journeys):
    table = compare_rules(journeys, markov_order=2, position_weights=(1, 0, 0), use_nulls=False, ignored="wecom")
    by_rule = {rule: rows["conversions"].tolist() for rule, rows in table.groupby("rule")}
    assert by_rule["position"] == by_rule["first"]
    np.testing.assert_allclose(by_rule["markov"], chains.markov(journeys, order=2, use_nulls=False)["conversions"])
    assert by_rule["last_non"] == [0.0, 2.0, 4.0, 2.0]
    assert table.attrs["markov_order"] == 2
    crossed = pd.DataFrame(
        {"path": [("a", "b", "c"), ("c", "b", "a"), ("b", "a")], "conversions": [1, 0, 1], "nulls": 1}
    )
    by_order = [compare_rules(crossed, ["markov"], markov_order=order)["share"].tolist() for order in (1, 2)]
    assert by_order[0] != pytest.approx(by_order[1], abs=0.01)
    np.testing.assert_allclose(by_order[1], chains.markov(crossed, order=2)["conversions"] / 2)
    with pytest.raises(ValueError, match="no rule compared has an option 'half_life_days'"):
        compare_rules(journeys, half_life_days=3)
    with pytest.raises(ValueError, match="has an option 'ignore'; those compared"):
        compare_rules(journeys, ignore="wecom")


def test_range_over_rules_by_hand(compared):
    """wecom: 2/8 first, 8/8 last, linear (4/3 + 2 + 1)/8; feed: 4/8, 0, (4/3)/8; mini: 0, 0, (4/3)/8."""
    found = range_over_rules(compared)
    assert list(found.columns) == ["channel", "lowest", "highest", "lowest_rule", "highest_rule", "middle", "spread"]
    assert found["channel"].tolist() == ["wecom", "feed", "live", "mini"]
    wecom, feed, live, mini = (found.iloc[row] for row in range(4))
    assert (wecom["lowest"], wecom["highest"], wecom["spread"]) == (0.25, 1.0, 0.75)
    assert wecom["middle"] == pytest.approx((4 / 3 + 3) / 8)
    assert (wecom["lowest_rule"], wecom["highest_rule"]) == ("first", "last")
    assert feed["middle"] == pytest.approx(1 / 6)
    assert (feed["lowest_rule"], feed["highest_rule"]) == ("last", "first")
    assert (live["lowest"], live["highest"], live["middle"]) == (0.0, 0.25, 0.125)
    assert (mini["lowest_rule"], mini["highest_rule"], mini["middle"]) == (
        "first",
        "linear",
        0.0,
    )  # 0 under two: the first


def test_equal_middles_are_ordered_by_name_and_rounding_decides_nothing():
    table = pd.DataFrame({"path": [("b", "a", "c")] * 3, "conversions": [0.1, 0.2, 0.3]})
    found = range_over_rules(compare_rules(table, ["linear", "shapley"]))
    assert found["channel"].tolist() == ["a", "b", "c"]
    assert set(found["lowest_rule"]) == set(found["highest_rule"]) == {"linear"}
    tenths = pd.DataFrame({"path": [("z",), ("z",), ("y",)], "conversions": [0.1, 0.2, 0.3]})  # 0.1 + 0.2 > 0.3
    assert range_over_rules(compare_rules(tenths, PLAIN))["channel"].tolist() == ["y", "z"]
    assert [channel_facts(compare_rules(tenths, PLAIN), name)["led"].value for name in "yz"] == [1.0, 1.0]


def test_a_range_does_not_depend_on_the_order_of_rows(compared):
    shuffled = compared.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(range_over_rules(shuffled), range_over_rules(compared))
    pd.testing.assert_frame_equal(domain_shares(shuffled, DOMAINS), domain_shares(compared, DOMAINS))


def test_domains_by_hand(compared):
    found = domain_shares(compared, DOMAINS)
    assert list(found.columns) == ["rule", "domain", "conversions", "value", "share"]
    private = found[found["domain"] == "private"].set_index("rule")
    assert private["share"].tolist() == pytest.approx([0.25, 1.0, (4 / 3 + 3) / 8])
    assert private.loc["last", "value"] == 480.0
    assert found.groupby("rule")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    unplaced = domain_shares(compared, {"wecom": "private"})
    assert unplaced["domain"].unique().tolist() == ["public", "semi", "private", "unknown"]
    assert unplaced["share"].tolist()[:4] == [0.0, 0.0, 0.25, 0.75]
    with pytest.raises(ValueError, match="domain of 'wecom'"):
        domain_shares(compared, {"wecom": "privat"})


def test_the_last_touch_flatters_the_pool(compared):
    found = domain_facts(compared, DOMAINS)
    assert (found["last"].value, found["lowest"].value, found["spread"].value) == (1.0, 0.25, 0.75)
    assert found["flattered"].value == pytest.approx(1 - (4 / 3 + 3) / 8)
    assert (found["lowest_rule"], found["highest_rule"]) == ("first", "last")
    assert "私域" in found["flattered"].definition.zh
    public = domain_facts(compared, DOMAINS, "public")
    assert public["flattered"].value < 0
    assert "last" not in domain_facts(compared[compared["rule"] != "last"], DOMAINS)


def test_what_a_sentence_takes(compared):
    assert share_under(compared, "wecom", "first").value == 0.25
    facts = channel_facts(compared)
    assert (facts["channel"], facts["lowest_rule"], facts["highest_rule"]) == ("wecom", "first", "last")
    assert facts["spread"].value == 0.75
    assert facts["led"].value == pytest.approx(2 / 3)  # last and linear
    assert channel_facts(compared, "live")["highest"].value == 0.25
    # From last to first, feed gains 4 of 8 orders and live 2: wecom loses them.
    assert moved_credit(compared).value == 0.75
    assert moved_credit(compared, "last", "last").value == 0.0
    every = [found for found in (*facts.values(), moved_credit(compared)) if isinstance(found, Estimate)]
    assert len(every) == 6
    assert all(found.is_exact and found.unit == "share" and found.n == 8 for found in every)
    for wrong in ({"channel": "wecon", "rule": "first"}, {"channel": "wecom", "rule": "frist"}):
        with pytest.raises(ValueError, match="did you mean"):
            share_under(compared, **wrong)


def test_a_longer_memory_moves_credit(journeys):
    """By hand: half the differences between the credit of the two chains, in shares of the 2 orders."""
    crossed = pd.DataFrame(
        {"path": [("a", "b", "c"), ("c", "b", "a"), ("b", "a")], "conversions": [1, 0, 1], "nulls": 1}
    )
    one, two = (chains.markov(crossed, order=order)["conversions"] for order in (1, 2))
    found = moved_by_order(crossed, 1, 2)
    assert found.value == pytest.approx(np.abs(one - two).sum() / 2 / 2)
    assert (found.value > 0.01, found.n, found.unit) == (True, 2, "share")
    assert moved_by_order(crossed, 2, 2).value == 0.0
    assert isinstance(moved_by_order(journeys.assign(conversions=0, value=0.0), 1, 2), Refused)


def test_a_definition_names_the_options_it_was_given(journeys):
    given_weights = compare_rules(journeys, ["position"], position_weights=(0.3, 0.4, 0.3))
    assert "30%" in share_under(given_weights, "feed", "position").definition.en
    assert "移除效应" in share_under(compare_rules(journeys, ["markov"]), "feed", "markov").definition.zh


@pytest.mark.parametrize("kind", ["nobody bought", "no journeys"])
def test_without_an_order_everything_is_refused_and_nothing_is_made_up(journeys, kind):
    table = journeys.assign(conversions=0, value=0.0) if kind == "nobody bought" else journeys.iloc[:0]
    compared = compare_rules(table)
    assert compared["share"].isna().all()
    assert range_over_rules(compared)["middle"].isna().all()
    found = [*channel_facts(compared).values(), *domain_facts(compared, DOMAINS).values(), moved_credit(compared)]
    assert not any(isinstance(one, Estimate) for one in found)
    assert any(isinstance(one, Refused) for one in found)


def test_one_channel_called_start_and_forty_channels():
    alone = pd.DataFrame({"path": [("a",), ("a", "a")], "conversions": [1, 0.5], "value": [3.0, 1.0], "nulls": [9, 0]})
    assert set(compare_rules(alone)["share"]) == {1.0}
    assert range_over_rules(compare_rules(alone))["spread"].tolist() == [0.0]
    many = pd.DataFrame({"path": [(f"c{i:02d}", f"c{39 - i:02d}") for i in range(40)], "conversions": 1})
    assert len(range_over_rules(compare_rules(many))) == 40


def test_a_model_that_credits_nobody_does_not_hide_the_others(journeys):
    compared = compare_rules(journeys, PLAIN)
    blank = compared[compared["rule"] == "first"].assign(rule="markov", conversions=np.nan, share=np.nan)
    both = pd.concat([compared, blank])
    pd.testing.assert_frame_equal(range_over_rules(both), range_over_rules(compared))
    assert isinstance(share_under(both, "feed", "markov"), Refused)
    assert isinstance(moved_credit(both, "last", "markov"), Refused)
    assert share_under(both, "feed", "first").value == 0.5


@settings(max_examples=25, deadline=None)
@given(
    paths=st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=5).map(tuple), min_size=1, max_size=8),
    orders=st.lists(st.sampled_from([0, 1, 2.5]), min_size=8, max_size=8),
)
def test_what_holds_for_any_journeys(paths, orders):
    journeys = pd.DataFrame({"path": paths, "conversions": orders[: len(paths)], "nulls": 1})
    compared = compare_rules(journeys)
    if not sum(orders[: len(paths)]):
        return
    assert compared.groupby("rule")["share"].sum().to_numpy() == pytest.approx(1)
    ranged = range_over_rules(compared)
    assert ((ranged["lowest"] <= ranged["middle"] + 1e-12) & (ranged["middle"] <= ranged["highest"] + 1e-12)).all()
    assert ranged["middle"].is_monotonic_decreasing or np.allclose(np.diff(ranged["middle"]).clip(0), 0, atol=1e-11)
    for rule in comparisons.rules_of(compared):
        assert 0 <= moved_credit(compared, "last", rule).value <= 1 + 1e-12
