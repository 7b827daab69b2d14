"""Scoring: proper, bounded, and against what Gneiting and Raftery (2007) and Brier (1950) say."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from siyu_helpers.teaching import brief_form, scoring
from siyu_helpers.teaching.scoring import Truth

TRUTH = Truth(0.5, 1.5, 0.12, 100_000.0, 300_000.0, {0.0: 900.0, 4.0: 1_000.0, 8.0: 980.0, 30.0: 700.0}, 4.0, "hidden")
FORM = {
    "verdict": "build", "gain": (0.5, 0.3, 0.7), "growth": (0.1, 0.05, 0.15), "probability": 0.8,
    "evidence": "not identified here", "messages": 4,
}  # fmt: skip
numbers = st.floats(-5, 5).map(lambda number: round(number, 3))


def points(form=None, truth=TRUTH, **changes):
    table = scoring.score({**FORM, **(form or {}), **changes}, truth)
    return dict(zip(table["item"], table["points"], strict=True))


# --- against hand arithmetic ---


def test_interval_score_by_hand():
    """Gneiting and Raftery (2007), section 6.2: (u - l) + 2/alpha (l - x) below, + 2/alpha (x - u) above."""
    assert scoring.interval_score(1, 4, 2) == 3
    assert scoring.interval_score(1, 4, 0.5) == pytest.approx(3 + 20 * 0.5)
    assert scoring.interval_score(1, 4, 6, level=0.95) == pytest.approx(3 + 40 * 2)


def test_brier_score_by_hand():
    assert scoring.brier_score(0.3, True) == pytest.approx(0.49)
    assert scoring.brier_score(0.3, False) == pytest.approx(0.09)


def test_a_form_by_hand():
    """Interval of width 0.4 that holds the truth: 0.4 of 6 lost; growth 0.1 of 0.8; Brier 0.04; the rest is right."""
    found = points()
    assert found["verdict"] == 25
    assert found["gain"] == pytest.approx(20 * (1 - 0.4 / 6))
    assert found["growth"] == pytest.approx(15 * (1 - 0.1 / 0.8))
    assert found["probability"] == pytest.approx(15 * (1 - 0.04))
    assert (found["evidence"], found["messages"]) == (15, 10)


def test_verdicts_in_money_by_hand():
    worth = scoring.worth_of_verdicts(TRUTH)
    assert worth["build"] == 100_000
    assert worth["pilot"] == 0.75 * 100_000 - 300_000 / 16
    assert worth["fix first"] == 7 / 8 * 100_000  # the messages are right already
    assert worth["do not"] == worth["cannot be judged"] == 0
    # Messages that cost 300 too much: the repaired pool is worth that more.
    leaking = dataclasses.replace(TRUTH, sent=30.0)
    assert scoring.worth_of_verdicts(leaking)["fix first"] == 7 / 8 * (100_000 + 300)
    # Regret of do not is all that is at stake; of pilot, its part.
    assert points(verdict="do not")["verdict"] == 0
    assert points(verdict="pilot")["verdict"] == pytest.approx(25 * worth["pilot"] / 100_000)


def test_a_pool_that_just_breaks_even_costs_few_points():
    """At stake is at least a quarter of the costs: not building a pool worth 1,000 loses 1,000 of 75,000."""
    close = dataclasses.replace(TRUTH, net=1_000.0)
    assert points(truth=close, verdict="do not")["verdict"] == pytest.approx(25 * (1 - 1_000 / 75_000))


def test_messages_between_the_numbers_simulated():
    assert scoring.worth_of_messages(TRUTH, 2) == 950
    assert scoring.worth_of_messages(TRUTH, 19) == pytest.approx(840)
    assert scoring.worth_of_messages(TRUTH, 60) == 700
    assert points(messages=30)["messages"] == 0
    assert points(messages=8)["messages"] == pytest.approx(10 * (1 - 20 / 300))


# --- proper: honest answers are best on average ---


@pytest.mark.parametrize("spread", [0.05, 0.2, 0.4])
def test_the_honest_interval_is_best_on_average(spread):
    """The truth is drawn from the belief: no other interval earns more on average than its 5% and 95% quantiles."""
    truths = stats.norm(0.5, spread).ppf((np.arange(400) + 0.5) / 400)

    def earned(low, high):
        return np.mean([scoring.shares({**FORM, "gain": ((low + high) / 2, low, high)},
                                       dataclasses.replace(TRUTH, gain=x))["gain"] for x in truths])  # fmt: skip

    ends = stats.norm(0.5, spread).ppf([0.05, 0.95])
    best = earned(*ends)
    for shift, stretch in ((0.5, 1), (-0.5, 1), (0, 0.5), (0, 0.8), (0, 1.3), (0, 2), (0, 0.01)):
        half = (ends[1] - ends[0]) / 2 * stretch
        middle = 0.5 + shift * spread
        assert earned(middle - half, middle + half) < best, (shift, stretch)


@pytest.mark.parametrize("belief", [0.05, 0.3, 0.5, 0.9])
def test_the_honest_probability_is_best_on_average(belief):
    pays, not_ = TRUTH, dataclasses.replace(TRUTH, net=-1.0)

    def earned(said):
        both = [scoring.shares({**FORM, "probability": said}, truth)["probability"] for truth in (pays, not_)]
        return belief * both[0] + (1 - belief) * both[1]

    others = np.linspace(0, 1, 41)
    assert max(others, key=earned) == pytest.approx(belief, abs=0.026)
    assert all(earned(said) < earned(belief) for said in others if abs(said - belief) > 1e-9)


def test_the_verdict_that_is_worth_most_has_all_points():
    for net in (-500_000.0, -20_000.0, 0.0, 40_000.0, 900_000.0):
        truth = dataclasses.replace(TRUTH, net=net)
        worth = scoring.worth_of_verdicts(truth)
        found = {verdict: points(truth=truth, verdict=verdict)["verdict"] for verdict in worth}
        assert found[max(worth, key=worth.get)] == 25
        assert sorted(worth, key=worth.get) == sorted(found, key=lambda name: (found[name], worth[name]))


def test_hidden_selection_must_not_be_called_strong():
    grades = {name: points(evidence=name)["evidence"] for name in brief_form.EVIDENCE}
    assert grades["strong"] == 0
    assert grades["not identified here"] == 15
    by_lot = dataclasses.replace(TRUTH, selection="lot")
    assert points(truth=by_lot, evidence="strong")["evidence"] > points(truth=by_lot, evidence="c")["evidence"] > 0


# --- invariants ---


@given(
    st.sampled_from(brief_form.VERDICTS), st.sampled_from(brief_form.EVIDENCE),
    st.lists(numbers, min_size=3, max_size=3),
    st.floats(0, 1), st.floats(0, 60), st.floats(-1e6, 1e6), st.sampled_from(list(scoring.HONESTY)), numbers,
)  # fmt: skip
def test_points_stay_between_0_and_100(verdict, evidence, ends, probability, messages, net, selection, gain):
    low, value, high = sorted(ends)
    truth = dataclasses.replace(TRUTH, net=net, selection=selection, gain=gain)
    table = scoring.score({**FORM, "verdict": verdict, "evidence": evidence, "gain": (value, low, high),
                           "probability": probability, "messages": messages}, truth)  # fmt: skip
    assert ((table["points"] >= 0) & (table["points"] <= table["most"] + 1e-9)).all()
    assert table["most"].sum() == pytest.approx(100)
    assert 0 <= scoring.total(table) <= 100


@given(numbers, st.floats(0.01, 2), st.floats(0.01, 2))
def test_a_further_miss_or_a_wider_interval_never_earns_more(low, width, more):
    near = points(gain=(low, low, low + width))["gain"]
    assert points(gain=(low, low, low + width), truth=dataclasses.replace(TRUTH, gain=TRUTH.gain))["gain"] == near
    if low > TRUTH.gain:
        assert points(gain=(low + more, low + more, low + width + more))["gain"] <= near
    if low <= TRUTH.gain <= low + width:
        assert points(gain=(low, low, low + width + more))["gain"] <= near


@given(st.floats(0.1, 50))
def test_units_of_money_and_of_orders_change_nothing(times):
    other = dataclasses.replace(
        TRUTH, net=TRUTH.net * times, costs=TRUTH.costs * times, gain=TRUTH.gain * times, without=TRUTH.without * times,
        messages={number: money * times for number, money in TRUTH.messages.items()},
    )  # fmt: skip
    scaled = points(truth=other, gain=tuple(end * times for end in FORM["gain"]))
    assert scaled == pytest.approx(points(), abs=1e-6)


def test_only_the_ends_of_an_interval_are_scored():
    assert points(gain=(0.31, 0.3, 0.7)) == points(gain=(0.69, 0.3, 0.7))


def test_what_the_truth_cannot_tell_is_not_scored_and_its_points_go_round():
    untold = dataclasses.replace(TRUTH, growth=None, messages={}, sent=0.0)
    table = scoring.score({name: FORM[name] for name in ("verdict", "gain", "probability", "evidence")}, untold)
    assert table["item"].tolist() == ["verdict", "gain", "probability", "evidence"]
    assert table["most"].sum() == pytest.approx(100)
    assert table["most"].iloc[0] / table["most"].iloc[1] == pytest.approx(25 / 20)


def test_nothing_at_stake_and_nothing_ordered():
    """A pool that neither costs nor brings anything, and joiners who would have ordered nothing."""
    empty = Truth(0.0, 0.0, 0.0, 0.0, 0.0, {0.0: 5.0, 4.0: 5.0}, 4.0, "observed")
    found = points(truth=empty, gain=(0, 0, 0))
    assert (found["verdict"], found["gain"], found["messages"]) == (25, 20, 10)
    assert points(truth=empty, gain=(0, 0, 0.1))["gain"] == 0
    assert all(math.isfinite(value) for value in found.values())


# --- tables ---


def test_the_table_says_everything_in_both_languages():
    table = scoring.score(FORM, TRUTH)
    assert list(table.columns) == scoring.TABLE_COLUMNS
    for name in ("answer", "truth", "why"):
        assert (table[f"{name}_zh"].str.len() > 0).all()
        assert not table[f"{name}_en"].str.contains(r"[\u4e00-\u9fff]").any()
    assert not scoring.rules()["rule_en"].str.contains(r"[\u4e00-\u9fff]").any()
    assert scoring.rules()["most"].sum() == 100


def test_teams_are_compared_best_first_and_unfinished_ones_come_last():
    table = scoring.compare({"unfinished": {"verdict": "a"}, "bad": {**FORM, "verdict": "do not"}, "good": FORM}, TRUTH)
    assert table["name"].tolist() == ["good", "bad", "unfinished"]
    assert table["points"].isna().tolist() == [False, False, True]
    assert table["points"].iloc[0] - table["points"].iloc[1] == pytest.approx(25, abs=0.11)


def test_truth_that_lacks_something_is_refused():
    with pytest.raises(ValueError, match="siyu sample"):
        scoring.truth_of_world({}, 0.0, "lot")
    told = {
        "average_treatment_effect_on_treated": {90: {"orders": {"effect": None, "without_pool": None}}},
        "cac_growth_observed": None, "pool": {"contribution": 0.0, "new_customers": 0},
    }  # fmt: skip
    with pytest.raises(ValueError, match="Nobody joined"):
        scoring.truth_of_world(told, 0.0, "lot")
