"""Rules of credit by hand, and what holds for every rule on any table of journeys."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.attribution import rules
from siyu_helpers.analysis.attribution.paths import COUNTS, encode

UNTIMED = tuple(rule for rule in rules.RULES if rule != "time_decay")


def table(*rows, ages=True):
    """Rows (path, conversions, value[, hours before the end]) as a table of journeys; nulls are 7, to be ignored."""
    made = pd.DataFrame(
        {"path": [tuple(row[0].split()) for row in rows], "conversions": [row[1] for row in rows],
         "value": [row[2] for row in rows], "nulls": 7}
    )  # fmt: skip
    if ages:
        made["hours_before_end"] = [row[3] if len(row) > 3 else (0.0,) * len(row[0].split()) for row in rows]
    return made


def shares(rule, path, hours=None, **options):
    """Credit of one conversion along one path, channels that get nothing left out."""
    row = (path, 1, 0, hours) if hours else (path, 1, 0)
    found = rules.credit(table(row), rule, **options).set_index("channel")["conversions"]
    return {channel: pytest.approx(share, abs=1e-12) for channel, share in found.items() if share}


# By hand. A touch in the middle of n gets 0.2 / (n - 2).
@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("first", "a b c a", {"a": 1}),
        ("first", "b a", {"b": 1}),
        ("last", "a b c", {"c": 1}),
        ("last_non", "a b direct direct", {"b": 1}),
        ("last_non", "a direct b", {"b": 1}),
        ("last_non", "direct direct", {"direct": 1}),
        ("last_non", "a b", {"b": 1}),
        ("linear", "a b a c", {"a": 0.5, "b": 0.25, "c": 0.25}),
        ("linear_unique", "a b a c", {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
        ("position", "a", {"a": 1}),
        ("position", "a b", {"a": 0.5, "b": 0.5}),
        ("position", "a a", {"a": 1}),
        ("position", "a b c", {"a": 0.4, "b": 0.2, "c": 0.4}),
        ("position", "a b c b a", {"a": 0.8, "b": 0.4 / 3, "c": 0.2 / 3}),
    ],
)
def test_one_path_by_hand(rule, path, expected):
    assert shares(rule, path) == expected


def test_last_touch_that_is_not_named():
    assert shares("last_non", "a b sms direct", ignored=("direct", "sms")) == {"b": 1}
    assert shares("last_non", "a b sms", ignored="sms") == {"b": 1}
    assert shares("last_non", "direct a", ignored=["a"]) == {"direct": 1}
    assert shares("last_non", "sms direct", ignored=("direct", "sms")) == {
        "direct": 1
    }  # nothing else: the last keeps it


def test_a_brand_without_direct_traffic_has_the_rule_and_a_name_misspelt_is_told():
    assert shares("last_non", "wecom sms") == {"sms": 1}
    with pytest.raises(ValueError, match=r"no path has a channel 'wecon' \(did you mean 'wecom'\?\)"):
        shares("last_non", "wecom sms", ignored="wecon")
    with pytest.raises(ValueError, match="no path has a channel 'direct'"):
        shares("last_non", "wecom sms", ignored="direct")
    with pytest.raises(ValueError, match="name of a channel, or several"):
        shares("last_non", "wecom sms", ignored=[])


def test_position_weights_of_ones_own():
    given_weights = {"position_weights": (0.3, 0.1, 0.6)}
    assert shares("position", "a b c d", **given_weights) == {"a": 0.3, "b": 0.05, "c": 0.05, "d": 0.6}
    assert shares("position", "a b", **given_weights) == {"a": 1 / 3, "b": 2 / 3}
    assert shares("position", "a", **given_weights) == {"a": 1}
    assert shares("position", "a b", position_weights=(0, 1, 0)) == {"a": 0.5, "b": 0.5}  # no ends to go by
    assert shares("position", "a b c", position_weights=(0, 1, 0)) == {"b": 1}
    assert shares("position", "a b c", position_weights=(1, 0, 0)) == {"a": 1}


@pytest.mark.parametrize("wrong", [(0.4, 0.4), (0.5, 0.5, 0.5), (-0.2, 0.4, 0.8), (np.nan, 0.5, 0.5), 1, "abc", None])
def test_position_weights_that_are_none(wrong):
    with pytest.raises(ValueError, match="position_weights must be"):
        rules.credit(table(("a b c", 1, 1)), "position", position_weights=wrong)


def test_time_decay_by_hand():
    """Ages of 14, 7 and 0 days weigh 1/4, 1/2 and 1; with a half-life of 14 days, 1/2, 2**-0.5 and 1."""
    hours = (336.0, 168.0, 0.0)
    assert shares("time_decay", "a b c", hours) == {"a": 1 / 7, "b": 2 / 7, "c": 4 / 7}
    assert shares("time_decay", "a b a", hours) == {"a": 5 / 7, "b": 2 / 7}
    total = 0.5 + 2**-0.5 + 1
    expected = {"a": 0.5 / total, "b": 2**-0.5 / total, "c": 1 / total}
    assert shares("time_decay", "a b c", hours, half_life_days=14) == expected
    assert shares("time_decay", "a b c", hours, half_life_hours=336) == expected
    assert shares("time_decay", "a b c", tuple(hour + 99 for hour in hours), half_life_hours=336) == expected


def test_very_old_touches_are_shared_out_all_the_same():
    assert shares("time_decay", "a b", (1e9, 1e9 - 168)) == {"a": 1 / 3, "b": 2 / 3}
    assert shares("time_decay", "a b", (1e300, 0.0)) == {"b": 1}
    assert shares("time_decay", "a b", (1e300, 1e300), half_life_hours=1e-300) == {"a": 0.5, "b": 0.5}


def test_time_decay_without_ages_says_how_to_get_them():
    with pytest.raises(ValueError, match=r"journeys\(\.\.\., ages=True\)"):
        rules.credit(table(("a b", 1, 1), ages=False), "time_decay")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"half_life_days": 7, "half_life_hours": 24}, "both given"),
        ({"half_life_days": 0}, "half_life_days must be a number above 0"),
        ({"half_life_hours": -1}, "half_life_hours must be"),
        ({"half_life_hours": np.inf}, "half_life_hours must be"),
        ({"half_life_days": "7"}, "half_life_days must be"),
        ({"half_life": 7}, "no option 'half_life'"),
    ],
)
def test_half_lives_that_are_none(options, told):
    with pytest.raises(ValueError, match=told):
        rules.credit(table(("a b", 1, 1)), "time_decay", **options)


def test_unknown_rules_and_options_are_refused_by_name():
    journeys = table(("a b", 1, 1))
    with pytest.raises(ValueError, match="did you mean 'linear'"):
        rules.credit(journeys, "liner")
    with pytest.raises(ValueError, match="rule 'first' has no option 'ignored': it takes none"):
        rules.credit(journeys, "first", ignored="a")
    with pytest.raises(ValueError, match="rule 'position' has no option 'weights': it takes position_weights"):
        rules.credit(journeys, "position", weights=(1, 0, 0))


def test_several_paths_conversions_and_value():
    """3 conversions of 90 along feed > wecom, half a conversion of 4 along sms, none along gift > feed."""
    journeys = table(("feed wecom", 3, 90.0), ("sms", 0.5, 4.0), ("gift feed", 0, 0.0))
    found = rules.credit(journeys, "linear")
    assert list(found.columns) == ["channel", "conversions", "value"]
    assert found["channel"].tolist() == ["feed", "gift", "sms", "wecom"]
    assert found["conversions"].tolist() == [1.5, 0.0, 0.5, 1.5]  # gift was seen, and is credited nothing
    assert found["value"].tolist() == [45.0, 0.0, 4.0, 45.0]
    assert rules.credit(journeys)["conversions"].tolist() == [0.0, 0.0, 0.5, 3.0]  # "last" unless told otherwise


@pytest.mark.parametrize("rule", rules.RULES)
def test_an_empty_table_one_channel_and_no_conversion(rule):
    empty = table(("a", 1, 1)).iloc[:0]
    assert rules.credit(empty, rule).empty
    assert list(rules.credit(empty, rule).columns) == ["channel", "conversions", "value"]
    assert rules.weights(encode(empty), rule).shape == (0, 0)
    alone = rules.credit(table(("(start) (start)", 2, 9.0)), rule)
    assert alone.to_numpy().tolist() == [["(start)", 2.0, 9.0]]
    nobody = rules.credit(table(("a b", 0, 0.0)), rule)
    assert nobody[["conversions", "value"]].to_numpy().tolist() == [[0.0, 0.0], [0.0, 0.0]]


@st.composite
def journeys_of_any_kind(draw):
    names = draw(st.lists(st.text("abz(> 渠", min_size=1, max_size=4), min_size=1, max_size=6, unique=True))
    steps = st.lists(st.sampled_from([*names, "direct"]), min_size=1, max_size=8)
    rows = []
    for path in draw(st.lists(steps, min_size=1, max_size=8)):
        conversions = draw(st.sampled_from([0, 1, 2, 0.25, 17]))
        value = draw(st.integers(0, 10**6)) / 100 if conversions else 0.0
        hours = draw(st.lists(st.floats(0, 1e5), min_size=len(path), max_size=len(path)))
        rows.append((tuple(path), conversions, value, draw(st.integers(0, 9)), tuple(sorted(hours, reverse=True))))
    return pd.DataFrame(rows, columns=["path", *COUNTS, "hours_before_end"])


@settings(max_examples=30, deadline=None)
@given(journeys=journeys_of_any_kind(), order=st.randoms(use_true_random=False))
def test_what_holds_for_every_rule(journeys, order):
    """Totals are kept; order and names do not matter; a row is the same as its halves, a fraction as its multiple."""
    paths = encode(journeys)
    places = list(range(len(journeys)))
    order.shuffle(places)
    halved = pd.concat([journeys, journeys]).assign(**{name: pd.concat([journeys[name]] * 2) / 2 for name in COUNTS})
    new = {name: f"{rank:02d}" for rank, name in enumerate(order.sample(paths.channels, len(paths.channels)))}
    new["direct"] = "direct"
    renamed = journeys.assign(path=[tuple(new[step] for step in path) for path in journeys["path"]])
    for rule in rules.RULES:
        found = rules.credit(journeys, rule)
        assert tuple(found["channel"]) == paths.channels
        by_channel = found.set_index("channel")
        np.testing.assert_allclose(by_channel.sum(), journeys[["conversions", "value"]].sum(), rtol=1e-12)
        assert (by_channel >= 0).all(axis=None)
        shares = rules.weights(paths, rule)
        assert shares.shape == (len(paths.channels), len(journeys))
        np.testing.assert_allclose(shares.sum(axis=0), 1, rtol=1e-12)
        np.testing.assert_allclose(shares @ paths.conversions, by_channel["conversions"], rtol=1e-12)
        for same in (journeys.iloc[places], halved):
            again = rules.credit(same, rule).set_index("channel")
            pd.testing.assert_frame_equal(again, by_channel, rtol=1e-9, atol=1e-9)
        again = rules.credit(renamed, rule).set_index("channel").rename({its: name for name, its in new.items()})
        pd.testing.assert_frame_equal(again.loc[by_channel.index], by_channel, rtol=1e-9, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(journeys=journeys_of_any_kind())
def test_all_rules_agree_where_every_journey_has_one_touch(journeys):
    single = journeys.assign(path=[path[:1] for path in journeys["path"]])
    single["hours_before_end"] = [hours[:1] for hours in journeys["hours_before_end"]]
    first = rules.credit(single, "first")
    for rule in rules.RULES:
        pd.testing.assert_frame_equal(rules.credit(single, rule), first)


def test_a_long_half_life_is_linear_and_a_short_one_the_last_touch():
    journeys = table(("a b a c", 4, 10.0, (300.0, 200.0, 100.0, 1.0)), ("b a", 1, 3.0, (5.0, 0.0)))
    pd.testing.assert_frame_equal(
        rules.credit(journeys, "time_decay", half_life_days=1e9), rules.credit(journeys, "linear")
    )
    pd.testing.assert_frame_equal(
        rules.credit(journeys, "time_decay", half_life_hours=0.01), rules.credit(journeys, "last")
    )


def test_every_rule_has_its_words_and_says_what_it_was_told():
    assert set(rules.RULE_WORDS) == set(rules.DEFINITIONS) == {*rules.RULES, "markov", "shapley"}
    assert "40%" in rules.definition("position").zh
    assert "30%" in rules.definition("position", position_weights=(0.3, 0.1, 0.6)).en
    assert "7 天" in rules.definition("time_decay").zh
    assert "48 小时" in rules.definition("time_decay", half_life_hours=48).zh
    assert "sms and direct" in rules.definition("last_non", ignored=["sms", "direct"]).en
    with pytest.raises(ValueError, match="no option"):
        rules.definition("first", half_life_days=3)
