"""Each rule can fail alone; nothing is strong without a lot, and nothing suggestive with a placebo that failed."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import verdicts
from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.effect.sensitivity import Sensitivity
from siyu_helpers.analysis.effect.trial_evidence import trial_evidence
from siyu_helpers.analysis.effect.verdict_words import RULES
from siyu_helpers.analysis.estimates import Estimate, Refused

REFUSED = Refused("joiners", 3, 50, "加入者只有 3 位。", "Only 3 joiners.")


def made(value, error, place=0, **facts):
    """An effect with this standard error; effects of different places are independent."""
    influence = np.zeros(8)
    influence[2 * place : 2 * place + 2] = np.array([1, -1]) * error * np.sqrt(7 / 16)
    return effect_of(value, influence, n=5000, **({"without_treatment": 1.0, "effective_n": 900.0} | facts))


def evidence(**changes):
    """Everything as it should be: 0.5 more orders where there would be 1."""
    times = Estimate(2.0, 1.6, 2.4, 0.9, 900, "times", "times", "f")
    whole = {
        "effect": made(0.5, 0.05),
        "joiners": 800,
        "placebo": made(0.002, 0.004, 1),
        "placebo_bias": made(0.04, 0.08, 1),
        "balance": pd.DataFrame({"smd_after": [0.02, -0.05]}),
        "grid": pd.DataFrame({"value": [0.5, 0.45], "low": [0.4, 0.35], "high": [0.6, 0.55]}),
        "sensitivity": Sensitivity("frequency", times, times, times, pd.DataFrame()),
        "linked": 0.95,
    }
    return whole | changes


def failed(found):
    return found.rules.loc[~found.rules["passed"], "rule"].tolist()


def lot(**changes):
    itt = {"orders": made(0.2, 0.05)}
    whole = {"itt": itt, "joined": made(0.5, 0.02), "f_statistic": 80.0, "balance_p_value": 0.4, "share_p_value": 0.7}
    return SimpleNamespace(**(whole | changes))


def roll_out(drift=0.0, error=0.01, **changes):
    lags = pd.DataFrame({"event_time": [-1, 0, 1], "units": [4, 4, 4]})
    parts = {-1: made(drift, error, 2), 0: made(0.3, 0.05)}
    whole = {"simple": made(0.3, 0.05), "dynamic": SimpleNamespace(parts=parts), "group_time": lags,
             "pretrend": SimpleNamespace(p_value=0.6), "facts": {"units": 20}}  # fmt: skip
    return SimpleNamespace(**(whole | changes))


def test_a_clear_effect_that_holds_is_suggestive():
    found = verdicts.verdict_of_trials(**evidence())
    assert (found.level, found.finding, failed(found)) == ("suggestive", "more", [])
    assert found.text("en").startswith("Suggestive: ")
    assert found.text("zh").startswith("有一定证据：")


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("joiners", {"joiners": 99}),
        ("comparators", {"effect": made(0.5, 0.05, effective_n=99.0)}),
        ("balance", {"balance": pd.DataFrame({"smd_after": [0.02, -0.11]})}),
        ("balance", {"balance": pd.DataFrame({"smd_after": [np.nan]})}),
        ("balance", {"balance": pd.DataFrame()}),
        ("placebo", {"placebo": made(0.02, 0.004, 1)}),
        ("placebo", {"placebo": made(-0.02, 0.004, 1)}),
        ("placebo_power", {"effect": made(0.9, 0.05), "placebo_bias": made(0.0, 0.2, 1)}),
        ("survives_placebo", {"effect": made(0.18, 0.05)}),
        ("grid", {"grid": pd.DataFrame({"value": [0.5, 0.1], "low": [0.4, 0.05], "high": [0.6, 0.2]})}),
        ("grid", {"grid": pd.DataFrame({"value": [0.1, -0.1], "low": [-0.2, -0.3], "high": [0.3, 0.2]})}),
        ("grid", {"grid": pd.DataFrame()}),
        ("sensitivity", {"sensitivity": Sensitivity("", REFUSED, REFUSED, REFUSED, pd.DataFrame())}),
        (
            "sensitivity",
            {"sensitivity": Sensitivity("x", Estimate(0.9, 0.8, 1.1, 0.9, 9, "times", "", "f"), *[REFUSED] * 2, None)},
        ),
    ],
)
def test_each_rule_can_fail_alone(rule, changes):
    found = verdicts.verdict_of_trials(**evidence(**changes))
    assert failed(found) == [rule]
    assert found.level == "not identified here"
    assert RULES[rule][1].en in found.en
    assert RULES[rule][1].zh in found.zh


@pytest.mark.parametrize("which", ["placebo", "placebo_bias"])
def test_a_placebo_that_cannot_be_tested_is_not_said_to_have_found_something(which):
    """Too few orders before joining is no sign of hidden selection: the verdict gives the true reason."""
    found = verdicts.verdict_of_trials(**evidence(**{which: REFUSED}))
    assert failed(found) == ["placebo"]
    assert found.level == "not identified here"
    assert REFUSED.reason_en.rstrip(".") in found.en
    assert REFUSED.reason_zh.rstrip("。") in found.zh
    assert RULES["placebo"][1].en not in found.en


def test_an_interval_around_zero_is_open_or_a_measured_null():
    wide = verdicts.verdict_of_trials(**evidence(effect=made(0.02, 0.3)))
    assert (wide.level, wide.finding) == ("not identified here", "open")
    narrow = evidence(effect=made(0.01, 0.02), placebo_bias=made(0.0, 0.06, 1))
    none = verdicts.verdict_of_trials(**narrow)
    assert (none.level, none.finding) == ("suggestive", "none")
    assert "sensitivity" not in set(none.rules["rule"])
    assert "no effect of joining on orders was found" in none.en
    assert "20%" in none.en
    assert "20%" in none.zh
    blurred = verdicts.verdict_of_trials(**(narrow | {"placebo_bias": made(0.0, 0.15, 1)}))
    assert failed(blurred) == ["survives_placebo"]  # what the placebo cannot see could hide an effect


def test_trims_may_differ_where_they_are_about_other_customers():
    grid = pd.DataFrame(
        {"kept": [1.0, 1.0, 0.8], "value": [0.5, 0.55, 0.2], "low": [0.4, 0.45, 0.1], "high": [0.6, 0.65, 0.3]}
    )
    assert verdicts.verdict_of_trials(**evidence(grid=grid)).level == "suggestive"
    assert failed(verdicts.verdict_of_trials(**evidence(grid=grid.assign(kept=1.0)))) == ["grid"]
    other_side = grid.assign(value=[0.5, 0.55, -0.1], low=[0.4, 0.45, -0.2], high=[0.6, 0.65, 0.1])
    assert failed(verdicts.verdict_of_trials(**evidence(grid=other_side))) == ["grid"]


@settings(max_examples=60, deadline=None)
@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(-0.2, 0.2), st.floats(0.001, 0.1))
def test_no_observational_verdict_is_strong_and_no_failed_placebo_suggestive(value, error, gap, blur):
    given_ = evidence(effect=made(value, error), placebo=made(gap, blur, 1), placebo_bias=made(25 * gap, 25 * blur, 1))
    found = verdicts.verdict_of_trials(**given_)
    assert found.level != "strong"
    before, bias = given_["placebo"], given_["placebo_bias"]
    if not before.low <= 0 <= before.high or bias.high > abs(value) > 0.5:
        assert found.level == "not identified here"


def test_lost_keys_need_a_bound_on_the_same_side():
    assert verdicts.verdict_of_trials(**evidence(linked=0.7)).level == "not identified here"
    held = verdicts.verdict_of_trials(**evidence(linked=0.7, bound=made(0.3, 0.05)))
    assert held.level == "suggestive"
    assert failed(held) == ["linked"]
    assert failed(verdicts.verdict_of_trials(**evidence(linked=0.7, bound=made(0.05, 0.05)))) == [
        "survives_unlinked", "linked",
    ]  # fmt: skip


def test_only_a_lot_is_strong():
    found = verdicts.verdict("invitation", found=lot(), linked=0.9)
    assert (found.level, found.finding) == ("strong", "more")
    assert verdicts.verdict_of_invitation(lot(), linked=0.7).level == "suggestive"
    for rule, changes in (
        ("lot", {"balance_p_value": 0.0001}),
        ("lot", {"share_p_value": 0.0001}),
        ("first_stage", {"f_statistic": 9.0}),
        ("answer", {"itt": {"orders": made(0.05, 0.3)}}),
    ):
        weak = verdicts.verdict_of_invitation(lot(**changes))
        assert (weak.level, failed(weak)) == ("not identified here", [rule])
    assert "larger" in weak.en
    assert verdicts.best_of(weak, verdicts.verdict_of_trials(**evidence())).level == "suggestive"
    # An invitation that half follow moves the mean by half: 20% of 1 order x 0.5 must be excluded.
    assert verdicts.verdict_of_invitation(lot(itt={"orders": made(0.0, 0.05)})).finding == "none"
    assert verdicts.verdict_of_invitation(lot(itt={"orders": made(0.0, 0.07)})).finding == "open"
    assert verdicts.verdict_of_invitation(lot(itt={"orders": REFUSED})).en.startswith("Not identified here: Only 3")
    assert verdicts.verdict_of_invitation(lot(), outcome="spend").level == "not identified here"


def test_a_roll_out_is_at_best_suggestive():
    assert verdicts.verdict("roll_out", found=roll_out()).level == "suggestive"
    assert failed(verdicts.verdict_of_roll_out(roll_out(facts={"units": 9}))) == ["units"]
    assert failed(verdicts.verdict_of_roll_out(roll_out(pretrend=SimpleNamespace(p_value=0.01)))) == ["leads"]
    assert failed(verdicts.verdict_of_roll_out(roll_out(pretrend=None))) == ["leads"]
    # 1.5 periods of a drift of 0.15 leave 0.075 of 0.3.
    assert failed(verdicts.verdict_of_roll_out(roll_out(drift=0.15))) == ["survives_leads"]
    assert failed(verdicts.verdict_of_roll_out(roll_out(error=0.2))) == ["survives_leads"]
    assert verdicts.verdict_of_roll_out(REFUSED).level == "not identified here"


def test_nothing_to_compare():
    for design in (None, "members_against_others"):
        assert verdicts.verdict(design).level == "not identified here"
    with pytest.raises(ValueError, match="design must be one of"):
        verdicts.verdict("survey")
    empty = trial_evidence(pd.DataFrame({"joined": []}))
    assert verdicts.verdict_of_trials(**empty).level == "not identified here"
