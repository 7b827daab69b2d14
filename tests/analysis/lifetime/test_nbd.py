"""The NBD limit: its derivatives, and a published fit."""

import numpy as np
import pytest
from lifetime_simulations import cdnow_sample
from scipy.stats import nbinom

from siyu_helpers.analysis.lifetime import nbd


def test_gradient_and_hessian():
    data = nbd.histories(np.array([0, 3, 1, 40, 3]), np.array([0, 2, 5, 7, 2.0]), np.array([9, 9, 9, 8, 9.0]))
    point = np.log([0.3, 0.8])
    _, gradient, hessian = nbd.log_likelihood(point, data)
    for i, step in enumerate(np.eye(2) * 1e-5):
        up, down = (nbd.log_likelihood(point + sign * step, data) for sign in (1, -1))
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-6)
        np.testing.assert_allclose(hessian[i], (up[1] - down[1]) / 2e-5, rtol=1e-6)


def test_value_is_that_of_the_negative_binomial():
    """The times of purchase add x! / T^x to the chance of x purchases in T."""
    x, observed = np.array([0, 3, 1, 7]), np.array([4.0, 9, 9, 2])
    data = nbd.histories(x, np.where(x > 0, observed / 2, 0), observed)
    r, alpha = 0.7, 3.0
    counted = nbinom.logpmf(x, r, alpha / (alpha + observed)) - x * np.log(observed)
    counted += [np.log(np.arange(1, k + 1)).sum() for k in x]
    value = nbd.log_likelihood(np.log([r, alpha / data.unit]), data)[0] - x.sum() * np.log(data.unit)
    assert value == pytest.approx(counted.sum(), abs=1e-10)


def test_equal_histories_are_merged():
    customers = cdnow_sample()
    data = nbd.histories(*nbd.check_history(customers))
    assert data.weight.sum() == len(customers)
    assert len(data.weight) == len(customers[["frequency", "recency", "T"]].drop_duplicates())
    assert data.weight @ data.T == pytest.approx(len(customers))
    assert nbd.part_of(data) is None
