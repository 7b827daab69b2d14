"""Do the 90% intervals of the effect estimators contain the truth in 90 of 100 simulated tables?

Joining depends on three covariates, the outcome on the same, and the effect on one of them, so that the effect on those
who joined differs from that on all, and a bare comparison of means is wrong by more than half of the effect.
"""

import functools

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.effect.estimators import average_treatment_effect
from siyu_helpers.analysis.estimates import Coverage

COVARIATES = ["recency", "frequency", "tenure"]
ROWS = 700


def table(rng, rows=ROWS, per_person=1, count=False, base=-1.2, spread=1.0):
    """Rows of persons; with several each, a person's rows share covariates and luck."""
    people = rows // per_person
    x = np.repeat(rng.normal(size=(people, 3)), per_person, axis=0)
    joined = rng.random(len(x)) < 1 / (1 + np.exp(-(base + x @ [0.7, -0.5, 0.3])))
    luck = np.repeat(rng.normal(size=people), per_person) * np.sqrt(spread) if per_person > 1 else 0.0
    mean = 3 + x @ [0.5, -0.4, 0.0] + luck + joined * (1 + 0.5 * x[:, 0])
    orders = rng.poisson(np.maximum(mean, 0.01)) if count else mean + rng.normal(size=len(x))
    made = pd.DataFrame(x, columns=COVARIATES).assign(joined=joined.astype(int), orders=orders)
    return made.assign(person=np.repeat(np.arange(people), per_person))


@functools.cache
def effect_on(estimand, base=-1.2):
    """1 + 0.5 x mean recency of those the effect is on, by numbers drawn once, many."""
    x = np.random.default_rng(0).normal(size=(1_000_000, 3))
    chance = 1 / (1 + np.exp(-(base + x @ [0.7, -0.5, 0.3])))
    return 1.0 if estimand == "ATE" else 1 + 0.5 * (chance @ x[:, 0]) / chance.sum()


def coverage_of(runs, truth, draw=table, seed=11, **how):
    hits, errors = 0, []
    for child in np.random.SeedSequence(seed).spawn(runs):
        found = average_treatment_effect(draw(np.random.default_rng(child)), "orders", "joined", COVARIATES, **how)
        hits += found.low <= truth <= found.high
        errors.append((found.value - truth) / found.standard_error)
    print(f"{how}: {hits} of {runs}, mean {np.mean(errors):.2f}, s.d. {np.std(errors):.2f}")  # noqa: T201 - pytest -rP
    return Coverage(hits, runs)


@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
@pytest.mark.parametrize("method", ["aipw", "ipw", "ra", "matching"])
def test_right_models(runs, method, estimand):
    assert coverage_of(runs, effect_on(estimand), method=method, estimand=estimand).meets_bar()


@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
@pytest.mark.parametrize("wrong", ["outcome_covariates", "propensity_covariates"])
@pytest.mark.parametrize("folds", [1, 5])
def test_aipw_with_one_wrong_model(runs, wrong, estimand, folds):
    how = {wrong: ["tenure"], "folds": folds, "estimand": estimand}
    assert coverage_of(runs, effect_on(estimand), **how).meets_bar()


def test_both_models_wrong_miss(runs):
    """So that the tests above can fail: nothing corrects for a covariate that neither model sees."""
    wrong = coverage_of(runs, effect_on("ATT"), outcome_covariates=["tenure"], propensity_covariates=["tenure"])
    assert wrong.covered < runs / 2


@pytest.mark.parametrize("method", ["aipw", "matching"])
def test_counts(runs, method):
    """Orders are counts with a floor, so that the linear model is not quite right; the score model is."""
    truth = effect_on("ATT")
    assert coverage_of(runs, truth, lambda rng: table(rng, 900, count=True), method=method).meets_bar()


@pytest.mark.parametrize("method", ["aipw", "ipw", "ra", "matching"])
def test_persons_of_many_rows(runs, method):
    """Five rows a person, with luck of their own: standard errors hold with clusters, and not without."""

    def draw(rng):
        return table(rng, 2_000, per_person=5, spread=3.0)

    truth = effect_on("ATT")
    assert coverage_of(runs, truth, draw, method=method, clusters="person").meets_bar()


def test_persons_ignored_miss(runs):
    def draw(rng):  # whole persons join, so that a person's luck does not cancel within them
        made = table(rng, 2_000, per_person=5, spread=3.0)
        return made.assign(joined=0, orders=made["orders"]).assign(
            joined=np.repeat(rng.random(400) < 0.3, 5).astype(int), orders=made["orders"] - made["joined"] *
            (1 + 0.5 * made["recency"])
        )  # fmt: skip

    with_clusters = coverage_of(runs, 0.0, draw, method="aipw", clusters="person")
    without = coverage_of(runs, 0.0, draw, method="aipw")
    assert with_clusters.meets_bar()
    assert without.covered < 0.78 * runs


@pytest.mark.parametrize("method", ["aipw", "ipw", "ra", "matching"])
def test_sampled_comparators(runs, method):
    """Few join; comparators are drawn at a chance that depends on recency and weighted by its inverse."""

    def draw(rng):
        made = table(rng, 12_000, base=-4.0)
        chance = np.where(made["joined"] == 1, 1.0, np.where(made["recency"] > 0, 0.15, 0.05))
        kept = rng.random(len(made)) < chance
        return made.assign(weight=1 / chance)[kept].reset_index(drop=True)

    truth = effect_on("ATT", base=-4.0)
    assert coverage_of(runs, truth, draw, method=method, weights="weight").meets_bar()
