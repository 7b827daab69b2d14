"""Shapley values by hand, closed form against enumeration, and nothing negative whatever the journeys."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.attribution import rules
from siyu_helpers.analysis.attribution.paths import encode
from siyu_helpers.analysis.attribution.shapley_values import EXACT_CHANNELS, shapley, weights

NAMES = list("abcdef")


def table(*rows):
    made = pd.DataFrame(rows, columns=["path", "conversions", "value"])
    return made.assign(path=[tuple(path.split()) for path in made["path"]], nulls=3)


def by_orders_of_joining(journeys, column):
    """Shapley value from its first definition: what a channel adds on joining, over all orders of joining."""
    channels = encode(journeys).channels
    added = dict.fromkeys(channels, 0.0)
    orders = list(permutations(channels))
    for order in orders:
        for place, channel in enumerate(order):
            before, with_it = set(order[:place]), set(order[: place + 1])
            for path, amount in zip(journeys["path"], journeys[column], strict=True):
                added[channel] += amount * ((set(path) <= with_it) - (set(path) <= before)) / len(orders)
    return added


@st.composite
def journeys_of_any_kind(draw, names=NAMES):
    rows = draw(
        st.lists(
            st.tuples(
                st.lists(st.sampled_from(names), min_size=1, max_size=8).map(tuple),
                st.sampled_from([0, 0.1, 0.25, 1, 3, 1000]),
                st.integers(0, 10**8).map(lambda cents: cents / 100),
            ),
            min_size=1,
            max_size=12,
        )
    )
    made = pd.DataFrame(rows, columns=["path", "conversions", "value"])
    return made.assign(value=made["value"].where(made["conversions"] > 0, 0.0))


@pytest.mark.parametrize("variant", ["sets", "exact"])
def test_by_hand(variant):
    """6 orders along a > b > c are two each, 3 of a > b > a one and a half each; d was touched and brought nothing."""
    journeys = table(("a b c", 6, 60.0), ("a b a", 3, 10.0), ("c", 1, 5.0), ("d a", 0, 0.0))
    found = shapley(journeys, variant)
    assert list(found.columns) == ["channel", "conversions", "value"]
    assert found["channel"].tolist() == ["a", "b", "c", "d"]
    assert found["conversions"].tolist() == pytest.approx([3.5, 3.5, 3.0, 0.0])
    assert found["value"].tolist() == pytest.approx([25.0, 25.0, 25.0, 0.0])


@settings(max_examples=40, deadline=None)
@given(journeys=journeys_of_any_kind(NAMES[:4]))
def test_closed_form_enumeration_and_orders_of_joining_agree(journeys):
    sets, exact = shapley(journeys), shapley(journeys, "exact")
    pd.testing.assert_frame_equal(sets, exact, rtol=1e-9, atol=1e-9)
    for column in ("conversions", "value"):
        expected = by_orders_of_joining(journeys, column)
        np.testing.assert_allclose(exact[column], [expected[name] for name in exact["channel"]], rtol=1e-9, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(journeys=journeys_of_any_kind(NAMES))
def test_never_negative_and_always_the_whole(journeys):
    for variant in ("sets", "exact"):
        found = shapley(journeys, variant)[["conversions", "value"]]
        assert (found >= 0).all(axis=None)  # not even by rounding
        np.testing.assert_allclose(found.sum(), journeys[["conversions", "value"]].sum(), rtol=1e-9)
    shares = weights(encode(journeys))
    assert (shares.data > 0).all()
    np.testing.assert_allclose(shares.sum(axis=0), 1, rtol=1e-12)


def test_a_channel_nobody_needs_gets_nothing_not_even_by_rounding():
    """Sums of tenths in floating point differ with their order; what is added to them must not come out below 0."""
    rows = [(path, 0.1 * place + 0.1, 0.1) for place, path in enumerate(["a", "b", "c", "a b", "a c", "b c", "a b c"])]
    found = shapley(table(*rows, ("idle a", 0, 0.0)), "exact").set_index("channel")
    assert found.loc["idle"].tolist() == [0.0, 0.0]


def test_twelve_channels_by_enumeration_and_no_more():
    rng = np.random.default_rng(3)
    names = [f"channel {number:02d}" for number in range(EXACT_CHANNELS)]
    paths = [tuple(rng.choice(names, rng.integers(1, 9))) for _ in range(300)]
    journeys = pd.DataFrame({"path": paths, "conversions": rng.integers(0, 5, 300)})
    pd.testing.assert_frame_equal(shapley(journeys, "exact"), shapley(journeys), rtol=1e-9, atol=1e-9)
    more = pd.concat([journeys, table(*[(f"more{number}", 1, 1.0) for number in range(2)])]).fillna(0)
    with pytest.raises(ValueError, match=r'takes up to 12 channels.*have 14.*"sets"'):
        shapley(more, "exact")
    assert shapley(more)["conversions"].sum() == pytest.approx(more["conversions"].sum())


def test_forty_channels_and_repeats_are_the_linear_rule_over_channels():
    rng = np.random.default_rng(5)
    paths = [tuple(f"c{number}" for number in rng.integers(0, 40, 6)) for _ in range(200)]
    journeys = pd.DataFrame({"path": paths, "conversions": 1})
    pd.testing.assert_frame_equal(shapley(journeys), rules.credit(journeys, "linear_unique"))


def test_negative_input_is_refused_by_row():
    with pytest.raises(ValueError, match=r"row 1: conversions is .*-1"):
        shapley(table(("a", 1, 1.0), ("b", -1, 0.0)))
    with pytest.raises(ValueError, match=r"row 0: value is .*-5"):
        shapley(table(("a", 1, -5.0)), "exact")


@pytest.mark.parametrize("variant", ["sets", "exact"])
def test_nothing_and_nobody(variant):
    assert shapley(table(("a", 1, 1.0)).iloc[:0], variant).empty
    assert shapley(table(("a b", 0, 0.0)), variant)["conversions"].tolist() == [0.0, 0.0]
    assert shapley(table(("(start)", 2, 9.0)), variant).to_numpy().tolist() == [["(start)", 2.0, 9.0]]


def test_unknown_variant():
    with pytest.raises(ValueError, match="did you mean 'sets'"):
        shapley(table(("a", 1, 1.0)), "set")
