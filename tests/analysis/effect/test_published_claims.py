"""Published figures as they are kept, each with why it is no effect; and what adjusting without a lot found."""

import math

import pandas as pd
import pytest

from siyu_helpers.analysis.effect import published_claims as published
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data import market

CLAIMS = market.load("private_domain_benchmarks")
NAIVE = Estimate(0.45, 0.4, 0.5, 0.9, 800, "share", "members before and after", "f")
EFFECT = Estimate(0.06, 0.01, 0.11, 0.9, 800, "share", "effect", "f")
NONE = Refused("control", "none", "a lot", "没有对照。", "No control.")


def test_the_figures_a_page_shows_are_those_that_say_what_they_measure():
    table = published.published_uplifts(CLAIMS)
    assert set(table["id"]) == set(CLAIMS.loc[CLAIMS["measures"] != "", "id"])
    for wanted in ("pd10", "pd14", "pd18", "pd19", "pd20", "pd24", "pd29", "pd41", "pd46", "pd49"):
        assert wanted in set(table["id"])
    assert set(table["measures"]) == set(published.MEASURES)
    assert "pd01" not in set(table["id"])  # reach is no uplift


def test_no_published_uplift_was_controlled():
    assert "randomised" not in set(CLAIMS["comparison"])
    facts = published.uplift_facts(CLAIMS)
    assert facts["controlled"].value == 0
    assert facts["figures"].value == 76
    assert 10 <= facts["uplifts"].value < len(published.published_uplifts(CLAIMS))
    one = CLAIMS.assign(comparison=CLAIMS["comparison"].mask(CLAIMS["id"] == "pd18", "randomised"))
    assert published.uplift_facts(one)["controlled"].value == 1


def test_every_comparison_the_file_may_hold_is_explained_in_both_languages():
    assert set(published.COMPARISONS) == set(published.WHY) == set(market.COMPARISONS)
    table = published.published_uplifts(CLAIMS)
    texts = table[[column for column in table if column.endswith(("_zh", "_en"))]].drop(
        columns=["own_reason_zh", "own_reason_en"]
    )
    assert (texts.map(len) > 1).all().all()
    chinese = "".join(table[[c for c in texts if c.endswith("_zh")]].to_numpy().ravel())
    assert "顾客" not in chinese
    assert "成员" not in chinese


def test_figures_are_shares_and_multiples():
    table = published.published_uplifts(CLAIMS).set_index("id")
    assert table.loc["pd18", ["figure_low", "figure_high", "figure_unit"]].tolist() == [0.3, 0.3, "share"]
    assert table.loc["pd41", ["figure_low", "figure_unit"]].tolist() == [7.0, "times"]
    assert table.loc["pd25", ["figure_low", "figure_high"]].tolist() == [0.15, 0.25]
    assert table.at["pd24", "figure_low"] == 0.5
    assert math.isnan(table.at["pd24", "figure_high"])


def test_the_brands_own_figures_stand_beside_those_of_their_kind():
    own = {"orders_change": {"naive": NAIVE, "corrected": EFFECT}, "wake_up_rate": {"naive": NAIVE, "corrected": NONE}}
    table = published.published_uplifts(CLAIMS, own).set_index("id")
    assert table.loc["pd18", ["own_naive", "own_naive_low", "own_corrected", "own_corrected_high"]].tolist() == [
        0.45,
        0.4,
        0.06,
        0.11,
    ]
    assert table.at["pd24", "own_naive"] == 0.45
    assert math.isnan(table.at["pd24", "own_corrected"])
    assert table.at["pd24", "own_reason_en"] == "No control."
    assert math.isnan(table.at["pd41", "own_naive"])
    assert table.at["pd41", "own_reason_zh"] == ""


def test_the_order_is_that_of_the_kinds():
    kinds = list(dict.fromkeys(published.published_uplifts(CLAIMS.sample(frac=1, random_state=1))["measures"]))
    assert kinds == list(published.MEASURES)


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="lacks comparison"):
        published.published_uplifts(CLAIMS.drop(columns="comparison"))
    with pytest.raises(ValueError, match="no kind of figure"):
        published.published_uplifts(CLAIMS, {"uplift": {"naive": NAIVE}})
    assert list(published.published_uplifts(CLAIMS.iloc[:0]).columns) == published.MADE


def test_adjusting_was_too_large_by_as_much_as_published():
    table = published.observational_errors(market.load("experiment_comparisons")).set_index("outcome")
    # arXiv 2201.07055: 83 for 29, 58 for 18, 24 for 5; matching 173, 176, 64
    assert table["times_too_large"].round(1).tolist() == [2.9, 3.2, 4.8]
    assert table.at["lower funnel", "times_too_large_matching"] == pytest.approx(12.8)
    assert table["outcome_zh"].tolist() == ["上层漏斗", "中层漏斗", "下层漏斗"]
    assert table["randomised_lift"].tolist() == [0.29, 0.18, 0.05]
    assert isinstance(table, pd.DataFrame)
