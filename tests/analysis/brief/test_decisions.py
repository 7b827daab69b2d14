"""Each verdict is reached, each rule decides alone at its threshold, more uplift never makes a verdict worse."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.brief import decisions
from siyu_helpers.analysis.brief.decisions import (
    BUILD,
    CANNOT_BE_JUDGED,
    DO_NOT,
    FIX_FIRST,
    PILOT,
    RULES,
    Grounds,
    decide,
    verdict_at,
)
from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.effect.verdicts import NOT_IDENTIFIED
from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.analysis.pool.effect_inputs import effect_inputs
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import flows, pool_value

OWN = {"uplift", "staff_cost"}
KNOWN = Grounds("strong", frozenset(OWN))


def pool(uplift=(0.2, 0.3, 0.4), staff_cost=5000, draws=1000, **changes):
    return pool_value(PoolInputs(100, 0.5, uplift, 200, 0.4, staff_cost=staff_cost, **changes), draws=draws)


def paying(result):
    """Share of draws that end above zero, counted by hand."""
    return float((flows(result.drawn, result.months)["cumulative"][-1] > 0).mean())


GOOD, BAD, OPEN = pool(), pool(staff_cost=90_000), pool(uplift=(0.0, 0.2, 0.4), staff_cost=9_000)


@pytest.mark.parametrize(("result", "facts", "verdict", "rule"), [
    (GOOD, {}, BUILD, "all"),
    (GOOD, {"effect_level": "suggestive"}, BUILD, "all"),
    (OPEN, {}, PILOT, "pays"),
    (GOOD, {"effect_level": "not identified here"}, PILOT, "effect"),
    (GOOD, {"effect_level": "", "own": {"staff_cost"}}, PILOT, "effect"),
    (GOOD, {"effect_level": "no members", "own": {"staff_cost"}}, PILOT, "effect"),
    (GOOD, {"own": {"uplift", "order_value"}}, PILOT, "costs"),
    (GOOD, {"frequency": "too many"}, FIX_FIRST, "no_leak"),
    (BAD, {"frequency": "too many"}, DO_NOT, "could_pay"),
    (BAD, {"frequency": "too many", "fixed_value": GOOD}, FIX_FIRST, "no_leak"),
    (BAD, {"effect_level": "not identified here"}, DO_NOT, "could_pay"),
    (BAD, {}, DO_NOT, "could_pay"),
    (GOOD, {"effect_level": "", "own": {"order_value", "margin"}}, CANNOT_BE_JUDGED, "own_figures"),
    (BAD, {"effect_level": "", "own": {"order_value", "margin"}}, CANNOT_BE_JUDGED, "own_figures"),
    (None, {}, CANNOT_BE_JUDGED, "own_figures"),
    (GOOD, {"effect_level": "", "own": set(), "given": {"uplift", "staff_cost"}}, BUILD, "all"),
    (GOOD, {"effect_level": "", "own": set(), "given": {"staff_cost"}}, PILOT, "effect"),
    (GOOD, {"frequency": "too few"}, BUILD, "all"),
])  # fmt: skip
def test_every_verdict_is_reached_by_the_rule_that_decides(result, facts, verdict, rule):
    found = decide(result, **({"effect_level": "strong", "own": OWN} | facts))
    assert (found.verdict, found.rule) == (verdict, rule)
    rows = found.rules.set_index("rule")
    assert list(rows.index) == list(RULES)
    before = list(rows.index[: len(rows) if rule == "all" else list(rows.index).index(rule)])
    assert all(rows.loc[each, "passed"] for each in before), "an earlier rule failed"
    assert rule == "all" or (not rows.loc[rule, "passed"] and rows.loc[rule, "verdict"] == verdict)


def test_probability_is_the_share_of_draws_above_zero_with_wilsons_interval():
    found = decide(OPEN, effect_level="strong", own=OWN)
    share = paying(OPEN)
    assert 0.1 < share < 0.8
    assert found.probability.value == share
    # Wilson (1927), written out: centre and half-width of the score interval.
    z, n = 1.6448536269514722, 1000
    centre, half = (share + z * z / 2 / n), z * np.sqrt(share * (1 - share) / n + z * z / 4 / n / n)
    low, high = ((centre + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    assert found.probability.low == pytest.approx(low)
    assert found.probability.high == pytest.approx(high)
    assert (found.probability.unit, found.probability.n) == ("probability", 1000)


@pytest.mark.parametrize(("probability", "verdict"), [
    (0.0, DO_NOT), (0.1, DO_NOT), (0.1001, PILOT), (0.7999, PILOT), (0.8, BUILD), (1.0, BUILD),
])  # fmt: skip
def test_edges_of_the_thresholds(probability, verdict):
    assert verdict_at(KNOWN, probability) == verdict


def test_thresholds_are_parameters_and_sit_in_the_table():
    share = paying(OPEN)
    assert decide(OPEN, effect_level="strong", own=OWN, build_at=share).verdict == BUILD
    assert decide(OPEN, effect_level="strong", own=OWN, build_at=share + 1e-9).verdict == PILOT
    assert decide(OPEN, effect_level="strong", own=OWN, do_not_at=share).verdict == DO_NOT
    table = decide(OPEN, effect_level="strong", own=OWN, build_at=0.9, do_not_at=0.2).rules.set_index("rule")
    assert (table.loc["pays", "needed_en"], table.loc["could_pay", "needed_zh"]) == ("≥ 90%", "> 20%")
    assert [number.value for number in decisions.thresholds(0.9, 0.2).values()] == [0.9, 0.2]


@given(st.lists(st.floats(0, 1.5), min_size=2, max_size=2), st.floats(0, 60_000))
@settings(max_examples=15, deadline=None)
def test_more_uplift_never_makes_the_verdict_worse(uplifts, staff_cost):
    order = [DO_NOT, PILOT, BUILD]
    found = [
        decide(pool((0.5 * u, u, 1.5 * u), staff_cost, draws=100), effect_level="strong", own=OWN).verdict
        for u in sorted(uplifts)
    ]
    assert order.index(found[0]) <= order.index(found[1])


def test_do_not_holds_even_if_the_effect_were_as_measured():
    # 100 joiners a month make 28,800 months of membership in 24 months; at 0.5 orders of 200 x 0.4 the pool adds 48,000
    # x uplift a month, so that it pays from 13,920 / 48,000 = 0.29 on. The range reaches down to nothing, as it does
    # where the effect is not identified: few draws pay, yet as measured (0.3) it does. Nobody may then say "do not".
    result = pool(uplift=(0.0, 0.3, 0.3), staff_cost=13_920)
    assert paying(result) == pytest.approx(1 - 0.29**2 / 0.3**2, abs=0.03)
    now = paying(result)
    at_face = pool(uplift=0.3, staff_cost=13_920)
    assert now <= 0.1 < paying(at_face)
    assert decide(result, effect_level="not identified here", own=OWN).verdict == PILOT
    assert decide(result, effect_level="strong", own=OWN).verdict == DO_NOT


def test_face_value_is_what_was_measured_and_not_the_half_of_it_that_is_assumed():
    """From the effect itself: measured at 0.4, the range is assumed around 0.2, and face value is 0.4 again."""
    errors = np.array([0.002, -0.002] * 200)
    measured = effect_of(0.4, errors, n=400, with_treatment=1.4, without_treatment=1.0, influence_without=errors)
    named = effect_inputs({30: {"orders": measured}}, NOT_IDENTIFIED).named
    quantity, origin = named["uplift"]
    assert quantity[1] == pytest.approx(0.2, rel=0.03)  # a month fades a little
    inputs = PoolInputs(100, 0.5, quantity, 200, 0.4, staff_cost=13_920, origins={"uplift": origin})
    assert decisions.at_face_value(inputs).uplift == pytest.approx(0.4, rel=0.03)
    assert decisions.at_face_value(inputs.replaced(uplift=(0.0, 0.2, 0.5))).uplift == 0.2  # by hand: as it is typical
    # 0.29 is needed: what was measured would pay, half of it would not, so nobody may say "do not".
    result = pool_value(inputs.replaced(staff_cost=13_920), draws=500)
    found = decide(result, effect_level=NOT_IDENTIFIED, own=OWN)
    assert (found.verdict, found.rules.set_index("rule").loc["could_pay", "seen_en"]) == (PILOT, "100.00%")


def test_after_the_fix_the_verdict_is_that_of_the_repaired_pool():
    found = decide(OPEN, effect_level="strong", own=OWN, frequency="too many", fixed_value=GOOD)
    assert (found.verdict, found.after_fix, found.probability.value) == (FIX_FIRST, BUILD, paying(GOOD))
    assert found.probability_now.value == paying(OPEN)
    assert decide(OPEN, effect_level="strong", own=OWN, frequency="too many").after_fix == PILOT


def test_what_was_given_by_hand_is_said():
    found = decide(GOOD, effect_level="", own=(), given={"uplift", "staff_cost"})
    assert "手工给定" in found.zh
    assert "given by hand" in found.en
    assert found.rules.set_index("rule").loc["effect", "seen_en"] == "given by hand"
    assert "given by hand" not in decide(GOOD, effect_level="strong", own=OWN).en


def test_sentences_hold_no_digits_and_both_languages():
    for rule, because in decisions.BECAUSE.items():
        assert not any(character.isdigit() for text in because for character in text), rule
        assert because.zh
        assert because.en
    for verdict in decisions.VERDICTS:
        assert decisions.VERDICT_WORDS[verdict].zh
    found = decide(GOOD, effect_level="strong", own=OWN)
    assert found.words.zh == "建"
    assert (found.text("zh"), found.text("en")) == (found.zh, found.en)
    assert found.zh.endswith("。")
    assert found.en.endswith(".")


def test_certain_inputs_give_a_probability_without_an_interval():
    sure = pool_value(PoolInputs(100, 0.5, 0.3, 200, 0.4, staff_cost=5000))
    found = decide(sure, effect_level="strong", own=OWN)
    assert found.verdict == BUILD
    assert found.probability.is_exact
    assert found.probability.value == 1.0
    nothing = pool_value(PoolInputs(0, 0, 0, 0, 0))
    assert decide(nothing, effect_level="strong", own=OWN).verdict == DO_NOT


def test_a_probability_by_assumptions_alone_is_not_stated():
    found = decide(GOOD, effect_level="", own=())
    assert found.probability is None
    assert found.probability_now is None
    assert found.rules.set_index("rule").loc["pays", "seen_en"] == "–"
    json.dumps(found.rules.astype(str).to_dict())


@pytest.mark.parametrize(("wrong", "said"), [
    ({"effect_level": "certain"}, "effect_level"),
    ({"own": {"profit"}}, "profit"),
    ({"given": {"wages"}}, "wages"),
    ({"build_at": 0.05}, "build_at"),
    ({"do_not_at": -0.1}, "do_not_at"),
])  # fmt: skip
def test_errors_say_what_is_wrong(wrong, said):
    with pytest.raises(ValueError, match=said):
        decide(GOOD, **({"effect_level": "strong", "own": OWN} | wrong))


def test_estimates_name_a_public_function():
    assert isinstance(decisions.paying(GOOD), Estimate)
    assert decisions.paying(GOOD).function == "siyu_helpers.analysis.brief.decisions.paying"
    assert "促销" in decisions.paying(GOOD, how="fixed").definition_in("zh") or "消息" in (
        decisions.paying(GOOD, how="fixed").definition_in("zh")
    )
    with pytest.raises(ValueError, match="how"):
        decisions.paying(GOOD, how="later")
