"""Scores against statsmodels, and the tables that make a maximum likelihood fit stumble."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import propensity


def table(rows=900, columns=6, seed=1, scale=1.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) * np.geomspace(1, 1000, columns) * scale + 50
    index = -2 + (x - 50) @ (np.resize([0.8, -0.5, 0.2], columns) / np.geomspace(1, 1000, columns) / scale)
    return x, (rng.random(rows) < 1 / (1 + np.exp(-index))).astype(float), rng.exponential(size=rows)


@pytest.mark.parametrize("weighted", [False, True])
def test_logit_as_in_statsmodels(weighted):
    x, treated, weights = table()
    weights = weights if weighted else np.ones(len(x))
    other = sm.GLM(treated, sm.add_constant(x), sm.families.Binomial(), freq_weights=weights).fit(tol=1e-14)
    found = propensity.fit_logit(x, treated, weights)
    assert np.abs(found / other.params - 1).max() < 1e-8
    assert np.abs(propensity.scores(x, treated, weights) - other.predict()).max() < 1e-8


@pytest.mark.parametrize("weighted", [False, True])
def test_probit_as_in_statsmodels(weighted):
    x, treated, weights = table()
    weights = weights if weighted else np.ones(len(x))
    family = sm.families.Binomial(sm.families.links.Probit())
    other = sm.GLM(treated, sm.add_constant(x), family, freq_weights=weights).fit(tol=1e-15, maxiter=200)
    assert np.abs(propensity.fit_probit(x, treated, weights) / other.params - 1).max() < 1e-6
    if not weighted:
        exact = sm.Probit(treated, sm.add_constant(x)).fit(disp=0, method="newton", tol=1e-14).params
        assert np.abs(propensity.fit_probit(x, treated) / exact - 1).max() < 1e-8


def test_start_changes_nothing():
    x, treated, weights = table()
    cold = propensity.fit_logit(x, treated, weights)
    assert np.allclose(propensity.fit_logit(x, treated, weights, start=cold * 1.3), cold, rtol=1e-9)


def test_rare_treatment_of_one_in_ten_thousand():
    rng = np.random.default_rng(3)
    x = rng.normal(size=4_000)
    treated = (rng.random(4_000) < 0.05).astype(float)
    weights = np.where(treated == 1, 1.0, 2_000.0)
    scores = propensity.scores([x], treated, weights)
    assert weights @ scores == pytest.approx(treated.sum(), rel=1e-9)
    assert scores.max() < 1e-4


def test_constant_and_collinear_columns_change_no_score():
    x, treated, weights = table()
    more = np.column_stack([x, np.full(len(x), 1e6 / 3), x[:, 0] * 2 - 7, x[:, 1] + x[:, 2], x[:, 1]])
    assert np.allclose(propensity.scores(more, treated, weights), propensity.scores(x, treated, weights), atol=1e-9)
    coefficients = propensity.fit_logit(more, treated, weights)
    assert (coefficients[-4:] == 0).all()


def test_separation_is_said():
    x = np.r_[np.arange(10.0), np.arange(20.0, 30.0)]
    for fit in (propensity.fit_logit, propensity.fit_probit):
        with pytest.raises(propensity.SeparatedError, match="tell treated and untreated apart"):
            fit([x], x > 15)


def test_groups_where_nobody_or_everybody_is_treated():
    """No hindrance: their scores go to 0 and 1, those of the others are what they are without them."""
    rng = np.random.default_rng(4)
    x, treated = rng.normal(size=600), (rng.random(600) < 0.3).astype(float)
    nobody, everybody = np.arange(600) < 50, np.arange(600) >= 570
    treated[nobody], treated[everybody] = 0, 1
    scores = propensity.scores([x, nobody, everybody], treated)
    inner = ~nobody & ~everybody
    assert scores[nobody].max() < 1e-6
    assert scores[everybody].min() > 1 - 1e-6
    assert np.allclose(scores[inner], propensity.scores([x[inner]], treated[inner]), atol=1e-6)


def test_one_side_only():
    with pytest.raises(ValueError, match="one of the two is absent"):
        propensity.fit_logit([np.arange(5.0)], np.ones(5))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 50), st.integers(10, 200))
def test_folds_keep_persons_together_and_spread_the_treated(folds, seed, people):
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(people), rng.integers(1, 4, people))
    treated = (rng.random(len(clusters)) < 0.2).astype(float)
    fold = propensity.draw_folds(treated, clusters, folds, seed)
    first = fold[np.unique(clusters, return_index=True)[1]]
    assert (fold == first[clusters]).all()
    ever = np.bincount(clusters, treated) > 0
    counts = np.bincount(first[ever], minlength=folds)
    assert counts.max() - counts.min() <= 1
    assert (fold == propensity.draw_folds(treated, clusters, folds, seed)).all()


def test_units_and_order_of_columns_change_no_score():
    x, treated, weights = table()
    again = propensity.scores((x * 1e4 - 3e5)[:, ::-1], treated, weights)
    assert np.allclose(again, propensity.scores(x, treated, weights), atol=1e-10)
