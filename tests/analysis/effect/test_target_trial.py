"""The question as a table: complete, in both languages, with the brand's own parameters."""

import re

import pandas as pd
import pytest

from siyu_helpers.analysis.effect.covariates import COVARIATES
from siyu_helpers.analysis.effect.target_trial import COVARIATE_WORDS, ELEMENTS, target_trial, target_trial_of
from siyu_helpers.analysis.effect.trials import weekly_trials

#: The components of Hernan and Robins (2016), Am J Epidemiol 183, table 1, and censoring of follow-up beside them.
PUBLISHED = {
    "eligibility": "Eligibility criteria",
    "strategies": "Treatment strategies",
    "assignment": "Assignment procedures",
    "follow_up": "Follow-up period",
    "outcome": "Outcome",
    "estimand": "Causal contrasts of interest",
    "analysis": "Analysis plan",
}


def said(**given):
    return target_trial(**given).set_index("element")


def test_every_component_of_the_published_table_is_there():
    table = target_trial()
    assert set(PUBLISHED) | {"time_zero", "censoring"} == set(table["element"]) == set(ELEMENTS)
    assert list(table) == ["element", "element_zh", "element_en", "zh", "en"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"censor": "none", "refunds": "gross", "contribution": "margin", "gross_margin": 0.4, "history": "truncated"},
        {"covariates": (*COVARIATES, "skin_type"), "contribution": "costs", "pool_since": "2024-01-01"},
        {"observed_until": "2025-12-31", "refunds": "none"},
    ],
)
def test_full_sentences_in_both_languages(given):
    table = target_trial(**given)
    assert table["en"].str.fullmatch(r"[A-Z].*\.").all()
    assert table["zh"].str.endswith("。").all()
    for words in (*table["zh"], *table["en"]):
        assert not re.search(r"[{}]|None|nan|  |\.\.|。。", words)
    assert not table["zh"].str.contains("顾客|成员").any()
    assert not table["en"].str.contains("[一-鿿]").any()


def test_the_parameters_of_the_brand_are_in_the_sentences():
    table = said(
        horizon_days=45,
        recency_at_most_days=200,
        controls_per_joiner=7,
        pool_since="2023-05-06",
        observed_until="2024-02-03",
    )
    for language in ("zh", "en"):
        sentence = table[language]
        for element, facts in {
            "eligibility": ("200", "45", "2023-05-06", "2024-02-03"),
            "strategies": ("45",),
            "follow_up": ("45",),
            "analysis": ("7",),
        }.items():
            for fact in facts:
                assert fact in sentence[element]


def test_orders_that_moved_between_channels_are_no_gain():
    outcome = said()["en"]["outcome"]
    assert "all channels" in outcome
    assert "Taobao" in outcome
    assert "costs and margin are not known" in outcome.lower()
    assert "gross margin of 40.0%" in said(contribution="margin", gross_margin=0.4)["en"]["outcome"]


def test_the_assumption_names_the_covariates():
    for name in COVARIATES:
        words = COVARIATE_WORDS[name]
        row = said(covariates=(name,)).loc["assignment"]
        assert words.zh in row["zh"]
        assert words.en in row["en"]


def test_the_trial_of_a_table_is_that_of_its_parameters():
    day = pd.Timestamp("2024-01-01")
    log = pd.DataFrame({"customer_id": [1, 2, 2], "amount": 10.0, "ordered_at": day + pd.to_timedelta([0, 1, 20], "D")})
    stays = pd.DataFrame({"customer_id": [1], "joined_at": [day + pd.Timedelta(days=9)]})
    given = {"recency_at_most_days": 100, "controls_per_joiner": 3, "censor": "none", "gross_margin": 0.3}
    trials = weekly_trials(log, stays, "2024-12-31", 60, covariates=("recency",), **given)
    expected = target_trial(
        60, **given, covariates=("recency",), refunds="none", contribution="margin", pool_since="2024-01-10",
        observed_until="2024-12-31",
    )  # fmt: skip
    pd.testing.assert_frame_equal(target_trial_of(trials), expected)


@pytest.mark.parametrize("wrong", [{"horizon_days": 0}, {"censor": "later"}, {"contribution": "some"}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        target_trial(**wrong)
