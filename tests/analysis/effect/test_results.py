"""Effects and functions of effects: standard errors against other packages, hand arithmetic and simulation."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from siyu_helpers.analysis.effect.results import Effects, clustered_variance, combined, effect_of, relative
from siyu_helpers.analysis.estimates import Estimate, Words


def mean_effect(values: np.ndarray, clusters=None, level: float = 0.90):
    """The mean of some values as an Effect: its influence function is (value - mean) / n."""
    return effect_of(values.mean(), (values - values.mean()) / len(values), level, clusters)


def test_standard_error_of_a_mean_is_the_textbook_one():
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    effect = mean_effect(values)
    assert effect.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(5))
    assert (effect.low + effect.high) / 2 == pytest.approx(effect.value)


def test_clustered_standard_error_is_that_of_statsmodels():
    """statsmodels OLS with cov_type="cluster": the factor is clusters/(clusters-1) x (n-1)/(n-k), here with k = 1."""
    rng = np.random.default_rng(4)
    clusters = rng.integers(0, 30, 200)
    values = rng.normal(size=200) + rng.normal(size=30)[clusters]
    fitted = sm.OLS(values, np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    assert mean_effect(values, clusters).standard_error == pytest.approx(fitted.bse[0], rel=1e-10)


def test_names_of_clusters_do_not_matter():
    influence, clusters = np.array([1.0, 2.0, -3.0, 0.5]), np.array(["a", "b", "a", "c"])
    renamed = np.array([9, 7, 9, 1])
    assert clustered_variance(influence, clusters) == pytest.approx(clustered_variance(influence, renamed))


def test_one_cluster_has_no_variance():
    assert np.isnan(clustered_variance(np.array([1.0, -1.0]), np.array(["a", "a"])))


def test_ratio_of_means_covers_its_truth():
    """Delta method on x̄ / ȳ - 1: 90% intervals of 200 ratios (truth 1.5 / 1 - 1 = 0.5), 168 to 190 of them right."""
    rng, covered = np.random.default_rng(11), 0
    for _ in range(200):
        base = rng.gamma(2.0, 0.5, 400)
        more = base * 0.5 + rng.gamma(2.0, 0.5, 400)
        influence = (more - more.mean()) / 400
        without = (base - base.mean()) / 400
        effect = effect_of(
            more.mean() - base.mean(), influence - without, without_treatment=base.mean(), influence_without=without
        )
        share = relative(effect)
        covered += share.low <= 0.5 <= share.high
    assert 168 <= covered <= 190


def test_difference_of_dependent_means_uses_their_covariance():
    rng = np.random.default_rng(2)
    one = rng.normal(size=500)
    other = one + rng.normal(size=500)
    difference = combined(
        one.mean() - other.mean(), [1, -1], [mean_effect(one), mean_effect(other)], estimand="difference"
    )
    assert difference.standard_error == pytest.approx((one - other).std(ddof=1) / np.sqrt(500))
    assert difference.estimand == "difference"


def test_effects_of_different_tables_are_not_combined():
    with pytest.raises(ValueError, match="same table"):
        combined(0.0, [1, 1], [mean_effect(np.arange(3.0)), mean_effect(np.arange(4.0))])


def test_effect_becomes_an_estimate_and_parts_are_found_by_key():
    part = mean_effect(np.arange(10.0))
    stated = part.estimate(
        "orders per customer", Words("均值", "mean"), "siyu_helpers.analysis.effect.results.effect_of"
    )
    assert isinstance(stated, Estimate)
    assert (stated.value, stated.low, stated.high) == (part.value, part.low, part.high)
    whole = Effects(1.0, 0.1, 0.8, 1.2, 0.9, 10, table=pd.DataFrame(), parts={0: part})
    assert whole[0] is part
