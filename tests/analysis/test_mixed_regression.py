"""Regression averaged over the scatter: what it gives where the answer is known."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from siyu_helpers.analysis import mixed_regression

AT = np.arange(30)
APART = np.abs(np.subtract.outer(AT, AT))
DESIGN = np.column_stack([np.ones(30), AT / 12])


def noise(seed: int, spread: float = 0.1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, 30)


def test_without_resemblance_it_is_the_students_t_of_ordinary_regression():
    """With rho 0, no chance and a flat prior, the posterior of a coefficient is Student's t with n - k + 1 degrees.

    (The grid ends at 2.5 times the scatter seen, which cuts nothing off here. Zellner 1971, An Introduction to Bayesian
    Inference in Econometrics, section 3.1, has n - k with the prior 1 / sigma; a flat one adds -1: n - k - 1.)
    """
    series = 0.3 * AT / 12 + noise(1)
    scatter = np.linspace(0.3, 2.5, 400)
    mixture = mixed_regression.averaged(series, np.zeros(30), AT, DESIGN, resemblance=np.array([0.0]), scatter=scatter)
    plain = sm.OLS(series, DESIGN).fit()
    freedom = plain.df_resid - 1
    half = stats.t.ppf(0.95, freedom) * plain.bse[1] * np.sqrt(plain.df_resid / freedom)
    assert mixture.mean == pytest.approx(plain.params[1], abs=1e-9)
    assert mixture.interval(0.90) == pytest.approx((plain.params[1] - half, plain.params[1] + half), rel=2e-3)


def test_every_pair_of_the_grid_is_a_generalised_least_squares():
    """Value, error and restricted likelihood of each pair against statsmodels' GLS and Harville's formula."""
    series, chance = 0.3 * AT / 12 + noise(2), np.linspace(0.001, 0.02, 30)
    design = np.column_stack([DESIGN, noise(9)])
    found = mixed_regression.averaged(series, chance, AT, design, column=1)
    likelihoods = []
    for alike, scatter, value, error in zip(*(found[at] for at in (3, 4, 1, 2)), strict=True):
        covariance = np.diag(chance) + scatter**2 * np.sign(alike) ** APART * np.abs(alike) ** APART
        other = sm.GLS(series, design, sigma=covariance).fit(cov_type="fixed scale")
        assert value == pytest.approx(other.params[1], rel=1e-9)
        assert error == pytest.approx(other.bse[1], rel=1e-9)
        precision = np.linalg.inv(covariance)
        left = series - design @ other.params
        information = np.linalg.slogdet(design.T @ precision @ design)[1]
        likelihoods.append(-(np.linalg.slogdet(covariance)[1] + information + left @ precision @ left) / 2)
    ratios = np.log(found.weight) - likelihoods
    ratios -= np.log(np.tile(np.gradient(mixed_regression.SCATTER), len(mixed_regression.RESEMBLANCE)))
    known = found.weight > 1e-12
    assert np.ptp(ratios[known]) < 1e-6


def test_quantiles_and_chances_agree():
    mixture = mixed_regression.averaged(0.1 * AT / 12 + noise(3), np.full(30, 1e-3), AT, DESIGN)
    low, high = mixture.interval(0.80)
    assert mixture.weight.sum() == pytest.approx(1)
    assert low < mixture.mean < high
    assert mixture.chance_above(low) == pytest.approx(0.90, abs=1e-9)
    assert mixture.chance_above(high) == pytest.approx(0.10, abs=1e-9)


def test_units_change_nothing_but_the_units():
    series = 0.1 * AT / 12 + noise(4)
    one = mixed_regression.averaged(series, np.full(30, 1e-3), AT, DESIGN)
    thousand = mixed_regression.averaged(1000 * series, np.full(30, 1e3), AT, DESIGN)
    assert thousand.interval(0.9) == pytest.approx([1000 * end for end in one.interval(0.9)], rel=1e-6)
