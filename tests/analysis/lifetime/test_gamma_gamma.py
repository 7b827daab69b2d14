"""Gamma-Gamma against the published table, and against integrals over what customers hide."""

import numpy as np
import pandas as pd
import pytest
from lifetime_simulations import GAMMA_GAMMA, cdnow_sample, simulate_gamma_gamma
from scipy.integrate import quad
from scipy.stats import gamma

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.lifetime import gamma_gamma
from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd
from siyu_helpers.analysis.lifetime.gamma_gamma import fit_gamma_gamma


@pytest.fixture(scope="module")
def cdnow():
    return cdnow_sample()


def spend(frequency, mean):
    return pd.DataFrame({"frequency": frequency, "monetary_value": mean})


def test_published_table(cdnow):
    """Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value": 6.25, 3.74, 15.44 on 946 customers. Its
    log-likelihood is -4055.9177 in the tests of the R package CLVTools."""
    fit = fit_gamma_gamma(cdnow)
    assert {name: round(value, 2) for name, value in fit.parameters.items()} == {"p": 6.25, "q": 3.74, "v": 15.44}
    assert fit.log_likelihood == pytest.approx(-4055.9177, abs=1e-4)
    assert (fit.customers, fit.left_out, fit.converged) == (946, 1411, True)


def test_published_expected_spend(cdnow):
    """Documentation of lifetimes 0.11, quickstart, section "The Gamma-Gamma model": the first ten customers' values
    24.658619, 18.911489 and, for who never came back, 35.170981; its input is rounded to the cent."""
    found = fit_gamma_gamma(cdnow).expected_spend(spend([2, 1, 0], [22.35, 11.77, 0.0]))
    np.testing.assert_allclose(found, [24.658619, 18.911489, 35.170981], rtol=5e-4)


@pytest.mark.parametrize(("x", "mean"), [(1, 11.77), (7, 73.74), (3, 200.0)])
def test_against_the_integral_over_customers(x, mean):
    """Likelihood and expected spend by integrating over the rate of the customer."""
    p, q, v = 6.25, 3.74, 15.44

    def density(rate):
        return gamma.pdf(mean, p * x, scale=1 / (rate * x)) * gamma.pdf(rate, q, scale=1 / v)

    total = quad(density, 0, 8, epsabs=0, epsrel=1e-11, limit=400)[0]
    expected = quad(lambda rate: density(rate) * p / rate, 0, 8, epsabs=0, epsrel=1e-11, limit=400)[0] / total
    logs = np.log([p, q, v])
    value = gamma_gamma.log_likelihood(logs, np.array([x]), np.array([0]), np.array([mean]))[0]
    assert value == pytest.approx(np.log(total), abs=1e-9)
    found = gamma_gamma.expected_spend({"p": p, "q": q, "v": v}, [x], [mean])
    assert found[0] == pytest.approx(expected, rel=1e-9)


def test_gradient_and_hessian():
    counts, at, mean = np.array([1, 3, 40]), np.array([0, 0, 1, 2, 1]), np.array([11.0, 40, 22, 31, 5])
    point = np.log([5.0, 3, 14])
    _, gradient, hessian = gamma_gamma.log_likelihood(point, counts, at, mean)
    for i, step in enumerate(np.eye(3) * 1e-5):
        up, down = (gamma_gamma.log_likelihood(point + sign * step, counts, at, mean) for sign in (1, -1))
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-6)
        np.testing.assert_allclose(hessian[i], (up[1] - down[1]) / 2e-5, rtol=1e-5)


@pytest.mark.parametrize("factor", [7, 100])
def test_the_currency_unit_only_scales(cdnow, factor):
    one, other = fit_gamma_gamma(cdnow), fit_gamma_gamma(cdnow.assign(monetary_value=cdnow["monetary_value"] * factor))
    scale = np.array([1, 1, factor])
    np.testing.assert_allclose(list(other.parameters.values()), scale * list(one.parameters.values()), rtol=1e-9)
    np.testing.assert_allclose(
        list(other.standard_errors.values()), scale * list(one.standard_errors.values()), rtol=1e-7
    )


def test_rows_change_nothing(cdnow):
    assert fit_gamma_gamma(cdnow.sample(frac=1, random_state=2)) == fit_gamma_gamma(cdnow)


def test_who_never_came_back_gets_the_mean_of_all():
    fit = fit_gamma_gamma(simulate_gamma_gamma(np.random.default_rng(1), 5_000, **GAMMA_GAMMA))
    p, q, v = fit.parameters.values()
    found = fit.expected_spend(spend([0, 3], [0.0, 0.0]))
    np.testing.assert_allclose(found, p * v / (q - 1))
    assert found[0] == pytest.approx(4 * 30 / 3, rel=0.1)


def test_an_infinite_mean_is_not_a_forecast():
    fit = fit_gamma_gamma(simulate_gamma_gamma(np.random.default_rng(1), 3_000, p=3, q=0.5, v=10))
    assert fit.parameters["q"] < 1
    with pytest.raises(ValueError, match="infinite"):
        fit.expected_spend(spend([0, 2], [0.0, 30.0]))
    assert np.isfinite(fit.expected_spend(spend([4, 2], [20.0, 30.0]))).all()


@pytest.mark.parametrize("made", [
    spend([1, 2, 3], [20.0, 20.0, 20.0]),  # nobody differs
    spend([1] * 50, np.linspace(5, 90, 50)),  # one purchase each: between and within cannot be told apart
    spend([500, 800], [1e-6, 1e9]), spend([2, 3, 1], [1e7, 1.1e7, 0.9e7]),
])  # fmt: skip
def test_odd_spend_gives_finite_values(made):
    fit = fit_gamma_gamma(made)
    assert np.isfinite(list(fit.parameters.values())).all()
    assert np.isfinite(fit.log_likelihood)
    assert (fit.intervals()["value"] > 0).all()
    if fit.parameters["q"] > 1:
        expected = fit.expected_spend(made)
        low, high = made["monetary_value"].min(), made["monetary_value"].max()
        assert ((expected >= low * 0.99) & (expected <= high * 1.01)).all()


def test_customers_who_spend_alike():
    """One mean for all: q stops at its bound, and everybody is expected to spend that mean."""
    fit = fit_gamma_gamma(simulate_gamma_gamma(np.random.default_rng(3), 3_000, p=4, q=1e7, v=1e8))
    assert fit.converged
    expected = fit.expected_spend(spend([0, 1, 5], [0.0, 20.0, 60.0]))
    np.testing.assert_allclose(expected, 40, rtol=0.05)


def test_nobody_to_learn_from():
    refused = fit_gamma_gamma(spend([0, 0, 2], [0.0, 0.0, 30.0]))
    assert isinstance(refused, Refused)
    assert (refused.seen, refused.needed) == (1, 2)


@pytest.mark.parametrize(("mean", "message"), [([1.0, np.nan], "monetary_value has empty"), ([1.0, -3], "0 or more")])
def test_impossible_spend(mean, message):
    with pytest.raises(ValueError, match=message):
        fit_gamma_gamma(spend([1, 2], mean))


def test_purchases_and_spend_are_not_mixed_up(cdnow):
    with pytest.raises(ValueError, match="fit of spend does not forecast purchases"):
        fit_gamma_gamma(cdnow).expected_purchases(10)
    with pytest.raises(ValueError, match="needs a fit of spend"):
        fit_bg_nbd(cdnow).expected_spend(cdnow)
