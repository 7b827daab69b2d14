"""Tables and words of page 04: every key that the analysis can give has a name, cells are those of the analysis."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import pool_effect
from siyu_helpers.analysis.effect import (
    benchmarks,
    covariates,
    designs,
    estimators,
    joining_effects,
)
from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.data.simulate import simulate
from siyu_helpers.reporting import effect_views as views

REFUSED = Refused("lot", 0, 1, "没有抽签。", "There was no lot.")
CONFIG = {"channel_names": {"sms": {"zh": "短信", "en": "Text messages"}}}


def number(value, low, high, unit="times"):
    return Estimate(value, low, high, 0.9, 100, unit, Words("手算", "by hand"), "by.hand")


def made(value, without=2.0):
    flat = np.array([0.1, -0.1])
    return effect_of(
        value, flat, n=2, with_treatment=without + value, without_treatment=without, influence_without=flat
    )


@pytest.fixture(scope="module")
def tables():
    return simulate("xiaoman", customers=500, seed=5, selection="observed").tables


@pytest.fixture(scope="module")
def known(tables):
    return pool_effect.read_histories(tables["orders"], tables["members"], "2025-12-31", gross_margin=0.5)


@pytest.fixture(scope="module")
def asked(known):
    return pool_effect.trials_by_horizon(known, (30,), 2, 365, 1, {})[30]


# --- names ---


@pytest.mark.parametrize(
    ("called", "keys"),
    [
        (views.OUTCOMES, joining_effects.OUTCOMES),
        (views.METHODS, joining_effects.METHODS),
        (views.METHODS, estimators.METHODS),
        (views.KEPT, joining_effects.KEPT),
        (views.segment_names(), joining_effects.SEGMENTS),
        (views.GROUPS, (*covariates.COVARIATES, "")),
    ],
)
def test_every_key_is_named(called, keys):
    assert set(called) == set(keys)


def test_names_are_in_their_language():
    groups = [group for name, group in vars(views).items() if name.isupper() and isinstance(group, dict)]
    texts = [pair for group in groups for pair in group.values() if isinstance(pair, tuple) and len(pair) == 2]
    assert len(texts) > 40
    for zh, en in texts:
        assert re.search(r"[\u4e00-\u9fff]", zh), zh
        assert not re.search(r"[\u4e00-\u9fff]", en), en


def test_every_covariate_of_a_brand_is_named(tables, known):
    trials = pool_effect.weekly_trials(None, None, None, 30, controls_per_joiner=2, histories=known)
    table = pd.DataFrame({"covariate": [*trials.attrs["covariates"], "city_tier_tier_9", "first_channel_pooled"]})
    for zh, en in views.covariate_names(table, CONFIG).values():
        assert re.search(r"[\u4e00-\u9fff]", zh)
        assert "_" not in re.sub(r"(?:First channel|City tier): .*", "", en)
    assert set(trials.attrs["groups"]) <= set(views.GROUPS)
    assert benchmarks.benchmark_covariates


def test_groups_in_sentences():
    assert views.group_name("first_channel").en == "the first channel"
    assert views.group_name("brand_new") == Words("brand_new", "brand_new")


# --- rows ---


def test_the_question_is_that_of_the_trials_or_of_the_parameters(asked):
    for given in (asked, None):
        rows = views.question_rows(given, 30, 365, 2)
        assert len(rows) >= 7
        for element, said in rows.to_numpy():
            for zh, en in (element, said):
                assert re.search(r"[\u4e00-\u9fff]", zh)
                assert not re.search(r"[\u4e00-\u9fff]", en)


def test_designs_are_named_and_say_why_not():
    table = views.design_rows(designs.designs(REFUSED, REFUSED, {"orders": 1}))
    assert [en for _, en in table["design"]] == [design.en for design in designs.DESIGNS.values()]
    assert table["state"][0] == ("没有抽签。", "There was no lot.")


@pytest.mark.parametrize("known_here", [True, False])
def test_usual_figures_stand_beside_the_corrected_ones_and_refused_ones_do_not(known_here):
    """What is no effect is drawn hollow: the usual figures, and weekly trials where the verdict is against them."""
    apart, around = {"orders_ratio": number(3.0, 2.5, 3.6)}, {"all_ratio": number(1.3, 1.2, 1.4)}
    rows = views.compared_rows(apart, around, number(0.2, 0.1, 0.3, "growth"), REFUSED, known_here)
    assert rows["label"].tolist() == ["members_against_others", "before_against_after", "weekly_trials"]
    assert rows["value"].tolist() == pytest.approx([2.0, 0.3, 0.2])
    assert rows["hollow"].tolist() == [True, True, not known_here]
    assert set(rows["label"]) <= set(views.ESTIMATES)
    assert views.compared_rows({"orders_ratio": REFUSED}, {"all_ratio": REFUSED}, REFUSED, REFUSED, known_here).empty


def test_small_chances_stand_together_and_nobody_is_lost():
    shared = pd.DataFrame({"score_low": [0, 1e-5, 1e-4, 1e-2], "score_high": [1e-5, 1e-4, 1e-2, 1.0],
                           "treated_share": [0.0, 0.1, 0.4, 0.5], "control_share": [0.5, 0.3, 0.1, 0.1]})  # fmt: skip
    shown = views.shown_overlap(shared)
    assert len(shown) == 3
    for side in ("treated_share", "control_share"):
        assert shown[side].sum() == pytest.approx(shared[side].sum())
    assert views.shown_overlap(shared[2:]).equals(shared[2:])
    assert views.shown_overlap(shared[:0]).empty


def test_rules_of_every_design_and_of_none():
    none = pool_effect.verdicts_by_design(REFUSED, REFUSED, None, None)
    rows = views.rule_rows(none)
    assert list(rows.columns) == ["design", "rule", "seen", "needed", "passed"]
    assert set(rows["passed"]) <= {("通过", "held"), ("未通过", "not held")}


def test_small_words():
    assert views.is_known(number(1, 0, 2), number(1, 0, 2))
    assert not views.is_known(number(1, 0, 2), REFUSED)
    assert views.truth_value(REFUSED) is None
    assert views.truth_value(number(1.5, 1, 2)) == 1.5
    assert views.late(REFUSED) is REFUSED
    assert views.late(SimpleNamespace(late={"orders": 7})) == 7
    assert list(views.with_ends(pd.DataFrame({"low": [1], "high": [2]}))) == ["value_low", "value_high"]
