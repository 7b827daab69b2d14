import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_paths import by_dictionaries, drawn, true_chain

from siyu_helpers.analysis.attribution import chains, removals
from siyu_helpers.analysis.attribution.chains import (
    always_order,
    conversion_probability,
    markov,
    removal_effects,
    transition_matrix,
)
from siyu_helpers.analysis.estimates import Estimate, Refused


def table(rows):
    """Rows of (path text, conversions, value, nulls)."""
    frame = pd.DataFrame(rows, columns=["path", "conversions", "value", "nulls"])
    return frame.assign(path=[tuple(path.split(">")) for path in frame["path"]])


TINY = table([("c1>c2>c3", 1, 30.0, 0), ("c1", 0, 0.0, 1), ("c2>c3", 0, 0.0, 1)])

ROWS = st.tuples(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(">".join),
    st.integers(0, 5),
    st.integers(0, 90),
    st.integers(0, 5),
).map(lambda row: (row[0], row[1], float(row[2]) * (row[1] > 0), row[3]))
TABLES = st.lists(ROWS, min_size=1, max_size=12).map(table)


def test_tiny_case_by_hand():
    """P = 1/3; without c1 1/6, without c2 or c3 0. The worked example of Bryl (analyzecore.com, 2016)."""
    found = markov(TINY)
    assert found.columns.tolist() == ["channel", "removal_effect", "conversions", "value"]
    assert found["removal_effect"].to_numpy() == pytest.approx([0.5, 1, 1], abs=1e-14)
    assert found["conversions"].to_numpy() == pytest.approx([0.2, 0.4, 0.4], abs=1e-14)
    assert found["value"].to_numpy() == pytest.approx([6, 12, 12], abs=1e-12)


@pytest.mark.filterwarnings("ignore:removal='renormalise'")
@pytest.mark.parametrize("removal", ["to_null", "renormalise"])
@pytest.mark.parametrize("order", [1, 2, 3])
@settings(max_examples=40, deadline=None)
@given(journeys=TABLES, use_nulls=st.booleans())
def test_equals_one_system_a_channel(order, removal, journeys, use_nulls):
    names, expected = by_dictionaries(journeys, order, use_nulls, removal)
    found = removal_effects(journeys, order, use_nulls, removal)
    assert found["channel"].tolist() == names
    if journeys["conversions"].sum() == 0:
        assert found["removal_effect"].isna().all()
        return
    assert found["removal_effect"].to_numpy() == pytest.approx(expected[:, 0], abs=1e-9)
    money = expected[:, 1] if journeys["value"].sum() > 0 else np.full(len(names), np.nan)
    assert found["removal_effect_of_value"].to_numpy() == pytest.approx(money, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("order", [1, 2, 3])
@settings(max_examples=40, deadline=None)
@given(journeys=TABLES)
def test_chance_of_an_order_is_the_observed_rate(order, journeys):
    steps = transition_matrix(journeys, order)
    observed = steps.dropna()
    if journeys[["conversions", "nulls"]].to_numpy().sum() == 0:
        assert observed.empty
        return
    assert observed.sum(axis=1).to_numpy() == pytest.approx(1)
    place = {state: i for i, state in enumerate(observed.index)}
    onward = np.zeros((len(observed), len(observed)))
    for state, row in observed.iterrows():
        for channel in observed.columns[:-2]:
            if row[channel] > 0:
                history = () if state == "(start)" else state if order > 1 else (state,)
                after = (*history, channel)[-order:]
                onward[place[state], place[after if order > 1 else after[0]]] += row[channel]
    chance = np.linalg.solve(np.eye(len(observed)) - onward, observed["(conversion)"])[0]
    assert chance == pytest.approx(journeys["conversions"].sum() / journeys[["conversions", "nulls"]].to_numpy().sum())


@pytest.mark.parametrize("removal", removals.REMOVALS)
@settings(max_examples=40, deadline=None)
@given(journeys=TABLES, order=st.integers(1, 3), data=st.data())
@pytest.mark.filterwarnings("ignore:removal='renormalise'")
def test_only_the_journeys_count(removal, journeys, order, data):
    found = markov(journeys, order, removal=removal)
    if found["conversions"].notna().all():
        assert found["conversions"].sum() == pytest.approx(journeys["conversions"].sum())
    if found["value"].notna().all():
        assert found["value"].sum() == pytest.approx(journeys["value"].sum())
    shuffled = journeys.iloc[data.draw(st.permutations(range(len(journeys))))]
    numbers = ["conversions", "value", "nulls"]
    halves = pd.concat([journeys, journeys]).assign(**{name: lambda t, name=name: t[name] / 2 for name in numbers})
    for other in (shuffled, halves):
        pd.testing.assert_frame_equal(markov(other, order, removal=removal), found, rtol=1e-9, atol=1e-12)
    twice = markov(pd.concat([journeys, journeys]), order, removal=removal)
    assert twice["conversions"].to_numpy() == pytest.approx(2 * found["conversions"].to_numpy(), nan_ok=True)
    names = dict(zip("abcd", ["z", "(start)", ">", "金>"], strict=True))
    renamed = journeys.assign(path=[tuple(names[step] for step in path) for path in journeys["path"]])
    other = markov(renamed, order, removal=removal).set_index("channel").loc[[names[c] for c in found["channel"]]]
    assert other.to_numpy() == pytest.approx(found.iloc[:, 1:].to_numpy(), rel=1e-9, abs=1e-12, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=12).map(lambda rows: table([(r[0][:5], *r[1:]) for r in rows])))
def test_a_memory_of_whole_paths_loses_exactly_the_paths(journeys):
    """With up to three touches a path, the chain of order 3 is the table itself."""
    found = [removal_effects(journeys, 3, removal=removal).iloc[:, 1:] for removal in ("to_null", "lose_paths")]
    assert found[0].to_numpy() == pytest.approx(found[1].to_numpy(), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("order", [2, 3])
def test_all_ways_of_solving_agree(monkeypatch, order):
    journeys = drawn(true_chain(8, seed=3, rare=2), 2_000, np.random.default_rng(1))
    assert chains.steps_of(chains.encode(journeys), order).states > 64
    for removal in ("to_null", "renormalise"):
        monkeypatch.setattr(removals, "SOLVED_AT_MOST", 10_000)
        dense = removal_effects(journeys, order, removal=removal)
        monkeypatch.setattr(removals, "SOLVED_AT_MOST", 0)
        walked = removal_effects(journeys, order, removal=removal)
        assert walked.iloc[:, 1:].to_numpy() == pytest.approx(dense.iloc[:, 1:].to_numpy(), abs=1e-11)


def test_slow_chains_are_walked_to_the_end(monkeypatch):
    """Two channels in turn a thousand times: plain steps alone would take tens of thousands of turns."""
    rows = [("a>b>" * 1000 + "c", 1, 5.0, 1), ("a>b>c", 1, 5.0, 3), ("c>a", 2, 7.0, 1)]
    journeys = table(rows)
    names, expected = by_dictionaries(journeys, 2)
    monkeypatch.setattr(removals, "SOLVED_AT_MOST", 0)
    found = removal_effects(journeys, 2)
    assert found["channel"].tolist() == names
    assert found.iloc[:, 1:].to_numpy() == pytest.approx(expected, abs=1e-11)


def test_forty_channels_at_every_order():
    journeys = drawn(true_chain(40, seed=2), 3_000, np.random.default_rng(2))
    for order in chains.ORDERS:
        found = markov(journeys, order)
        assert len(found) == 40
        assert found["conversions"].sum() == pytest.approx(journeys["conversions"].sum())
        assert found["removal_effect"].between(0, 1).all()
    short = journeys[journeys["path"].map(len) < 4]  # a memory of three touches is then all there is
    assert chains.steps_of(chains.encode(short), 3).states > removals.SOLVED_AT_MOST  # so that the chain is walked
    walked, counted = (removal_effects(short, 3, removal=removal) for removal in ("to_null", "lose_paths"))
    assert walked.iloc[:, 1:].to_numpy() == pytest.approx(counted.iloc[:, 1:].to_numpy(), abs=1e-11)


def test_renormalise_names_negative_effects_and_gives_them_nothing():
    """Those who see the banner rarely buy; without it everybody goes through search, as the better half did."""
    journeys = table([("banner>search", 1, 9.0, 9), ("search", 8, 72.0, 2)])
    with pytest.warns(UserWarning, match="banner") as seen:
        found = markov(journeys, 2, removal="renormalise")
    assert seen[0].filename == __file__
    assert found.attrs["negative"] == ["banner"]
    assert found["removal_effect"].to_numpy() == pytest.approx([1 - 0.8 / 0.45, 1])
    assert found["conversions"].tolist() == [0, 9]


def test_renormalise_where_the_rest_goes_round_in_circles_or_shares_nothing():
    circle = table([("a>b>a>b>c", 1, 5.0, 0)])  # without c, nobody ever leaves a and b
    assert removal_effects(circle, removal="renormalise")["removal_effect"].tolist() == [1, 1, 1]
    alike = table([("a", 1, 5.0, 1), ("b", 1, 5.0, 1)])  # without either, the other does as well
    found = markov(alike, removal="renormalise")
    assert found["removal_effect"].tolist() == [0, 0]
    assert found[["conversions", "value"]].isna().all().all()


def test_lost_paths_by_hand():
    journeys = table([("a>b>a", 3, 60.0, 1), ("b", 1, 40.0, 0), ("c", 0, 0.0, 9)])
    found = removal_effects(journeys, removal="lose_paths")
    assert found["removal_effect"].tolist() == [0.75, 1, 0]
    assert found["removal_effect_of_value"].tolist() == [0.6, 1, 0]


def test_odd_tables():
    never = markov(table([("a>b", 2, 5.0, 1), ("c", 0, 0.0, 4)]), use_nulls=False)
    assert never.set_index("channel").loc["c"].tolist() == [0, 0, 0]
    nothing = markov(table([("a>b", 0, 0.0, 3), ("c", 0, 0.0, 0)]))
    assert nothing["removal_effect"].isna().all()
    assert nothing[["conversions", "value"]].to_numpy().sum() == 0
    assert not nothing[["conversions", "value"]].isna().any().any()
    single = markov(table([("a>a>a", 2, 5.0, 7)]), 2)
    assert single.to_numpy().tolist() == [["a", 1, 2, 5]]
    for removal in removals.REMOVALS:
        empty = markov(TINY.iloc[:0], removal=removal)
        assert empty.columns.tolist() == ["channel", "removal_effect", "conversions", "value"]
        assert empty.empty
    assert transition_matrix(TINY.iloc[:0], 2).index.tolist() == ["(start)"]
    plain = pd.DataFrame({"path": [("a", "b"), ("b",)], "conversions": [0.5, 1.5]})
    assert markov(plain)["conversions"].tolist() == pytest.approx([0.4, 1.6])


def test_transition_matrix_by_hand():
    found = transition_matrix(TINY, 2)
    assert found.index.tolist() == ["(start)", ("c1",), ("c2",), ("c1", "c2"), ("c2", "c3")]
    assert found.columns.tolist() == ["c1", "c2", "c3", "(conversion)", "(null)"]
    assert found.loc["(start)"].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0, 0])
    assert found.iloc[4].tolist() == [0, 0, 0, 0.5, 0.5]
    bought = transition_matrix(TINY, use_nulls=False, counts=True)
    assert bought.to_numpy().sum() == 4
    repeated = transition_matrix(table([("a>a>b", 1, 0.0, 0), ("c", 0, 0.0, 1)]), use_nulls=False)
    assert repeated.loc["a"].tolist() == [0.5, 0.5, 0, 0, 0]
    assert repeated.loc["c"].isna().all()


@pytest.mark.parametrize("name", ["(start)", "(conversion)", "(null)"])
def test_channels_named_as_states(name):
    journeys = TINY.assign(path=[tuple(name if step == "c1" else step for step in path) for path in TINY["path"]])
    with pytest.raises(ValueError, match="is called"):
        transition_matrix(journeys)
    assert markov(journeys).set_index("channel")["removal_effect"][name] == pytest.approx(0.5)


def test_refusals():
    for wrong in ({"order": 4}, {"order": 0}, {"removal": "shapley"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            markov(TINY, **wrong)


def test_conversion_probability():
    found = conversion_probability(TINY)
    assert isinstance(found, Estimate)
    assert (found.value, found.n, found.unit) == (pytest.approx(1 / 3), 3, "share")
    assert found.low < found.value < found.high
    for table_ in (TINY.iloc[:0], TINY.assign(nulls=0)):
        assert isinstance(conversion_probability(table_), Refused)
    fraction = conversion_probability(table([("a", 0.2, 1.0, 0.1)]))
    assert 0 <= fraction.low <= fraction.high <= 1


def test_agrees_with_the_simulation_of_channel_attribution():
    """ChannelAttribution 2.2.5 (PyPI, C++) simulates the same chain; with many walks it comes near the exact."""
    other = pytest.importorskip("ChannelAttribution")
    journeys = drawn(true_chain(5, seed=1), 3_000, np.random.default_rng(1))
    texts = journeys.assign(path=[" > ".join(path) for path in journeys["path"]])
    for order in (1, 2):
        said = other.markov_model(
            *(texts, "path", "conversions"),
            **{"var_value": "value", "var_null": "nulls", "order": order, "nsim_start": 3e6, "max_step": 10_000},
            **{"conv_par": 0.5, "verbose": False, "flg_pro": False},
        )
        said = said.set_index("channel_name").loc[markov(journeys)["channel"]]
        found = markov(journeys, order)
        assert said["total_conversions"].to_numpy() == pytest.approx(found["conversions"].to_numpy(), rel=0.02)
        assert said["total_conversion_value"].to_numpy() == pytest.approx(found["value"].to_numpy(), rel=0.02)


def test_channels_that_are_only_recorded_with_an_order():
    """By hand: sms has 40 touches, all in journeys with an order; wecom is in one without, group has 12 touches."""
    rows = [("ads>sms", 30, 0.0, 0), ("sms>ads", 10, 0.0, 0), ("ads", 0, 0.0, 5), ("wecom", 50, 0.0, 1)]
    shop = table([*rows, ("group", 12, 0.0, 0)])
    assert always_order(shop) == ["sms"]
    assert always_order(shop, at_least=12) == ["group", "sms"]
    assert always_order(shop, at_least=46) == []
    assert always_order(shop.assign(nulls=0)) == []  # who did not buy was not recorded: nothing can be said
    assert always_order(shop[:0]) == []
