"""Matching against Stata's published results, hand arithmetic and brute force."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
from conftest import PROJECT
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import matching
from siyu_helpers.analysis.effect.estimators import average_treatment_effect

BIRTHS = Path(statsmodels.__file__).parent / "treatment" / "tests" / "results" / "cataneo2.csv"


@pytest.fixture(scope="module")
def births():
    return pd.read_csv(BIRTHS)


def matched(data, outcome, treatment, covariates, estimand="ATE", **how):
    how = {"trim": None, "level": 0.95, "neighbours": 1, "match_on": "covariates", "correct_bias": False} | how
    return average_treatment_effect(data, outcome, treatment, covariates, "matching", estimand, **how)


def test_births_matched_on_covariates(births):
    """Stata manual [CAUSAL] teffects nnmatch, example 1: -240.3306, robust standard error 28.43006."""
    found = matched(births, "bweight", "mbsmoke_", ["mage", "prenatal1_", "mmarried_", "fbaby_"])
    assert found.value == pytest.approx(-240.3306, abs=5e-5)
    assert found.standard_error == pytest.approx(28.43006, rel=2e-4)


@pytest.mark.parametrize(("estimand", "value", "error"), [("ATE", -210.0558, 29.32803), ("ATT", -238.5204, 30.41661)])
def test_births_matched_exactly_and_corrected(births, monkeypatch, estimand, value, error):
    """teffects nnmatch (bweight mmarried mage fage medu prenatal1) (mbsmoke), ematch(mmarried prenatal1) biasadj(mage
    fage medu), in C. Mendez, Treatment Effects in Stata (2026), carlos-mendez.org/post/stata_matching; the ATE also in
    the Stata manual [CAUSAL] teffects. Exact matches, which we have no option for, by coordinates put far apart."""
    exact, numbers = ["mmarried_", "prenatal1_"], ["mage", "fage", "medu"]
    x = births[numbers + exact].to_numpy(float)
    far = np.column_stack([x @ np.linalg.cholesky(np.linalg.inv(np.cov(x.T))), births[exact].to_numpy(float) * 1e4])
    monkeypatch.setattr(matching, "_coordinates", lambda *_: np.round(far, matching.DIGITS))
    found = matched(births, "bweight", "mbsmoke_", numbers, estimand, correct_bias=True)
    assert found.value == pytest.approx(value, abs=5e-5)
    assert found.standard_error == pytest.approx(error, rel=2e-4)


@pytest.mark.parametrize(("estimand", "value"), [("ATE", -210.9683), ("ATT", -236.7848)])
def test_births_matched_on_scores(births, estimand, value):
    """Stata manual [CAUSAL] teffects psmatch, examples 1 and 2. Its errors, 32.021 for the ATE, allow for the estimated
    score (Abadie and Imbens 2016); ours do not, and are larger by 2%."""
    score_model = ["mmarried_", "mage", "mage2", "fbaby_", "medu"]
    found = matched(births, "bweight", "mbsmoke_", score_model, estimand, match_on="score")
    assert found.value == pytest.approx(value, abs=5e-5)
    if estimand == "ATE":
        assert 32.021 < found.standard_error < 1.03 * 32.021


def test_nsw_matched_on_age():
    """Abadie, Drukker, Herr and Imbens (2004), Stata Journal 4, 290-311; their log lalonde_exper: 1785.191."""
    nsw = pd.read_csv(PROJECT / "tests" / "published" / "nsw.csv")
    assert matched(nsw, "re78", "treat", ["age"]).value == pytest.approx(1785.191, abs=0.001)


def small(**columns):
    ages = {"joined": [1, 1, 0, 0, 0, 0], "age": [20, 40, 19, 22, 41, 60], "orders": [5, 9, 1, 3, 4, 8]}
    return pd.DataFrame(ages | columns)


def by_hand(data=None, **how):
    return matched(small() if data is None else data, "orders", "joined", ["age"], "ATT", at_least=2, **how)


def test_two_joiners_by_hand():
    """20 is nearest 19 (1 order), 40 is nearest 41 (4). With two each: 19 and 22; 41 and 22."""
    one, two = by_hand(), by_hand(neighbours=2)
    assert (one.value, one.with_treatment, one.without_treatment) == (4.5, 7.0, 2.5)
    assert one.effective_n == 2
    assert two.value == pytest.approx(((5 - 2) + (9 - 3.5)) / 2)
    assert two.effective_n == pytest.approx(2**2 / (0.5**2 + 1**2 + 0.5**2))
    all_four = by_hand(neighbours=9)
    assert all_four.without_treatment == 4


def test_error_by_hand():
    """Abadie and Imbens (2006), theorem 7: every comparator serves once, so only the treated's differences count."""
    assert by_hand().standard_error == pytest.approx(np.sqrt(((4 - 4.5) ** 2 + (5 - 4.5) ** 2) / 4 * 6 / 5))


def test_ties_are_all_taken():
    tied = small(age=[20, 40, 19, 21, 41, 60])
    assert by_hand(tied).without_treatment == pytest.approx((2 + 4) / 2)


def test_weights_decide_how_many_stand_for_one():
    """Mean weight 2. For 20 the nearest, 19, stands for half a comparator, so that 22 is taken too; 41 is enough."""
    weighted = by_hand(small(weight=[1, 1, 1, 2, 4, 1]), weights="weight")
    assert weighted.without_treatment == pytest.approx(((1 * 1 + 3 * 2) / 3 + 4) / 2)
    treated = by_hand(small(weight=[3, 1, 1, 1, 1, 1]), weights="weight")
    assert treated.value == pytest.approx((3 * (5 - 1) + (9 - 4)) / 4)


def test_bias_correction_is_exact_for_a_straight_line():
    """Orders grow by 1 a year of age without joining and by 10 with it, wherever the matches lie."""
    rng = np.random.default_rng(1)
    age, joined = rng.uniform(20, 60, 300), np.arange(300) % 4 == 0
    data = pd.DataFrame({"age": age + 8 * joined, "joined": joined.astype(int)})
    data["orders"] = data["age"] + 10 * data["joined"]
    plain, corrected = (matched(data, "orders", "joined", ["age"], "ATT", correct_bias=c) for c in (False, True))
    assert corrected.value == pytest.approx(10, abs=1e-6)
    assert abs(plain.value - 10) > 1e-3


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_nearest_as_by_brute_force(seed, neighbours, dimensions, weighted):
    rng = np.random.default_rng(seed)
    pool = rng.integers(0, 5, size=(rng.integers(1, 40), dimensions)).astype(float)  # many ties, many at one place
    asked = rng.integers(0, 5, size=(10, dimensions)) + rng.choice([0.0, 0.5, 0.31], size=(10, 1))
    weights = rng.exponential(size=len(pool)) if weighted else np.ones(len(pool))
    places = matching.places_of(pool, weights)
    found = matching.nearest(places, asked, neighbours)
    for i, point in enumerate(asked):
        distance = np.linalg.norm(pool - point, axis=1)
        radii = np.unique(distance.round(9))
        radius = next((r for r in radii if weights[distance < r + 1e-7].sum() >= neighbours - 1e-9), radii[-1])
        expected = np.flatnonzero(distance < radius + 1e-7)
        taken = found.place[found.asked == i]
        assert set(taken) == set(places.place[expected])
        assert len(taken) == len(set(taken))
        assert found.total[i] == pytest.approx(weights[expected].sum())


def joiners(rows=500, seed=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 5))
    joined = (rng.random(rows) < 1 / (1 + np.exp(1 - x[:, 0]))).astype(int)
    made = pd.DataFrame(x, columns=list("abcde")).assign(joined=joined, orders=x[:, 0] + joined + rng.normal(size=rows))
    return made.assign(person=np.arange(rows) // 2)


@pytest.mark.parametrize("match_on", matching.MATCH_ON)
@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
@pytest.mark.parametrize("clusters", [None, "person"])
def test_influence_adds_up(match_on, estimand, clusters):
    how = {"match_on": match_on, "clusters": clusters, "neighbours": 4, "correct_bias": True}
    found = matched(joiners(), "orders", "joined", list("abcde"), estimand, **how)
    assert abs(found.value - 1) < 3 * found.standard_error < 1
    assert abs(found.influence.sum()) < 0.3 * found.standard_error
    assert abs(found.influence_without.sum()) < 0.3 * found.standard_error
    assert found.with_treatment - found.without_treatment == pytest.approx(found.value)


def test_wrong_options():
    with pytest.raises(ValueError, match="match_on must be one of"):
        matched(joiners(), "orders", "joined", ["a"], match_on="name")
    with pytest.raises(ValueError, match="neighbours must be"):
        matched(joiners(), "orders", "joined", ["a"], neighbours=0)
    with pytest.raises(TypeError, match="options of method='matching' only"):
        average_treatment_effect(joiners(), "orders", "joined", ["a"], neighbours=4)
