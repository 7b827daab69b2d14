"""Pareto/NBD against the published tables, and against formulas and integrals that the module does not use."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifetime_simulations import PARETO_NBD, cdnow_sample, simulate_nbd, simulate_pareto_nbd, summary
from scipy.integrate import quad
from scipy.special import gammaln, hyp2f1
from scipy.stats import gamma

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.lifetime import nbd, pareto_nbd
from siyu_helpers.analysis.lifetime.pareto_nbd import fit_pareto_nbd

FREQUENCY = np.array([0, 0, 1, 2, 4, 12, 5, 90])
RECENCY = np.array([0, 0, 1.5, 30.43, 11, 33, 39, 35])
OBSERVED = np.array([39, 2, 39, 38.86, 38, 38, 39, 38.0])
# Alpha below, equal to and above beta; shapes below and above 1; one far below the other.
GRID = [
    (0.553, 10.578, 0.606, 11.669),
    (0.8, 6.0, 0.8, 6.0),
    (2.5, 20.0, 1.4, 3.0),
    (0.3, 0.5, 0.4, 50.0),
    (1, 40, 1, 0.02),
]


@pytest.fixture(scope="module")
def cdnow():
    return cdnow_sample()


@pytest.fixture(scope="module")
def published(cdnow):
    return fit_pareto_nbd(cdnow, grain="week")


def named(values):
    return dict(zip(pareto_nbd.NAMES, values, strict=True))


def log_likelihood(values, frequency, recency, observed):
    data = nbd.histories(*(np.atleast_1d(column) for column in (frequency, recency, observed)))
    r, alpha, s, beta = values
    value = pareto_nbd.log_likelihood(np.log([r, alpha / data.unit, s, beta / data.unit]), data)[0]
    return value - np.sum(frequency) * np.log(data.unit)


def hypergeometric(values, x, recency, observed):
    """Log-likelihood as in Fader and Hardie (2005), "A Note on Deriving the Pareto/NBD Model", equations 18 to 20."""
    r, alpha, s, beta = values
    far, second = (alpha, s + 1) if alpha >= beta else (beta, r + x)

    def part(time):
        power = r + s + x
        return hyp2f1(power, second, power + 1, abs(alpha - beta) / (far + time)) / (far + time) ** power

    late = (alpha + observed) ** -(r + x) * (beta + observed) ** -s
    total = late + s / (r + s + x) * (part(recency) - part(observed))
    return gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(total)


# --- published ----------------------------------------------------------------------------------------------------


def test_published_table(published):
    """Fader, Hardie and Lee (2005), Marketing Science 24(2), table 2."""
    assert {name: round(value, 3) for name, value in published.parameters.items()} == {
        "r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}  # fmt: skip
    assert round(published.log_likelihood, 1) == -9595.0
    assert published.converged
    assert not published.degenerate


def test_published_forecast_of_a_new_customer(published):
    """BTYD package for R, walkthrough, section 2.3: 1.473434 repeat transactions in the first 52 weeks."""
    assert published.expected_purchases(52) == pytest.approx(1.473434, abs=2e-5)


def test_published_chance_of_being_alive():
    """BTYD package for R, example of pnbd.PAlive, with that package's estimates: no repeat purchase in 39 weeks
    0.2941633; 23 purchases, the last after 39 weeks, 1. Walkthrough, section 2.3: customer with x = 26, t_x = 30.86,
    T = 31 will buy 25.46 times in the next 52 weeks and is alive with chance 0.998."""
    btyd = named((0.5533971, 10.5801985, 0.6060625, 11.6562237))
    alive = pareto_nbd.probability_alive(btyd, [0, 23, 26], [0, 39, 30.86], [39, 39, 31])
    np.testing.assert_allclose(alive[:2], [0.2941633, 1], atol=1e-7)
    assert round(alive[2], 3) == 0.998
    assert round(pareto_nbd.expected_purchases(btyd, 52, [26], [30.86], [31])[0], 2) == 25.46


def test_forecast_of_the_cohort_to_week_78(published, cdnow):
    """Fader, Hardie and Lee (2005), section 4: at the end of week 78 Pareto/NBD underforecasts repeat sales by 2%."""
    expected = published.expected_purchases(cdnow["T"].to_numpy() + 39).sum()
    assert expected / (2457 + 1882) == pytest.approx(0.98, abs=0.005)


# --- other formulas and brute force -------------------------------------------------------------------------------


@pytest.mark.parametrize("values", GRID)
@pytest.mark.parametrize("i", range(7))
def test_likelihood_against_the_hypergeometric_formula(values, i):
    one = values, FREQUENCY[i], RECENCY[i], OBSERVED[i]
    assert log_likelihood(*one) == pytest.approx(hypergeometric(*one), abs=1e-9)


@pytest.mark.parametrize("values", GRID)
@pytest.mark.parametrize("i", range(len(FREQUENCY)))
def test_likelihood_against_an_adaptive_integral(values, i):
    """The integral over the moment of dropout by scipy's quad, also where the hypergeometric function fails."""
    r, alpha, s, beta = values
    x, recency, observed = FREQUENCY[i], RECENCY[i], OBSERVED[i]
    scale = (alpha + recency) / (r + x + s)  # in steps as long as the integrand takes to fall

    def dropped(y):
        return np.exp((r + x) * np.log((alpha + recency) / (alpha + y)) - (s + 1) * np.log(beta + y))

    cuts = np.unique(np.clip(recency + np.append(0, scale * np.geomspace(1e-4, 1e4, 25)), recency, observed))
    cuts = np.append(cuts, observed) if cuts[-1] < observed else cuts
    gone = sum(quad(dropped, low, high, epsabs=0, epsrel=1e-12)[0] for low, high in pairwise(cuts))
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    stayed = -(r + x) * np.log(alpha + observed) - s * np.log(beta + observed)
    left = np.log(s) - (r + x) * np.log(alpha + recency) + np.log(gone) if gone else -np.inf
    assert log_likelihood(values, x, recency, observed) == pytest.approx(common + np.logaddexp(stayed, left), abs=1e-9)
    alive = pareto_nbd.probability_alive(named(values), [x], [recency], [observed])
    assert alive[0] == pytest.approx(1 / (1 + np.exp(left - stayed)), rel=1e-8)


@pytest.mark.parametrize("i", [0, 2, 3, 5])
def test_forecast_against_the_integral_over_customers(i):
    """A customer of known rates buys rate / mu (1 - exp(-mu t)) times in t; weighed by how likely the history is."""
    (r, alpha, s, beta), t = (1.6, 9.0, 1.3, 12.0), 26.0
    x, recency, observed = FREQUENCY[i], RECENCY[i], OBSERVED[i]
    rate, rate_weight = np.polynomial.legendre.leggauss(400)
    share = ((rate + 1) / 2) ** 4  # finer near 0
    dense = rate_weight * 2 * ((rate + 1) / 2) ** 3
    lam, mu = share[:, None] * 12, share[None, :] * 8
    weight = np.outer(
        dense * gamma.pdf(share * 12, r, scale=1 / alpha), dense * gamma.pdf(share * 8, s, scale=1 / beta)
    )
    alive = weight * lam**x * np.exp(-(lam + mu) * observed)
    dead = weight * lam**x * mu / (lam + mu) * (np.exp(-(lam + mu) * recency) - np.exp(-(lam + mu) * observed))
    total = alive.sum() + dead.sum()
    expected = (alive * lam * -np.expm1(-mu * t) / mu).sum() / total
    one = named((r, alpha, s, beta)), [x], [recency], [observed]
    assert pareto_nbd.probability_alive(*one)[0] == pytest.approx(alive.sum() / total, rel=1e-7)
    assert pareto_nbd.expected_purchases(one[0], t, *one[1:])[0] == pytest.approx(expected, rel=1e-7)


def test_a_new_customer_buys_as_often_as_simulated_ones():
    made = simulate_pareto_nbd(np.random.default_rng(1), 400_000, **PARETO_NBD, weeks=(52, 52))["frequency"]
    expected = pareto_nbd.expected_purchases_of_new(PARETO_NBD, 52.0)
    assert abs(made.mean() - expected) < 3.5 * made.std() / np.sqrt(400_000)


def test_dropout_shape_of_one_is_no_exception():
    """The formula divides by s - 1; there the limit is beta log((beta + t) / beta)."""
    exact = 0.8 / 6 * 12 * np.log1p(52 / 12)
    assert pareto_nbd.expected_purchases_of_new(PARETO_NBD | {"s": 1.0}, 52.0) == pytest.approx(exact, rel=1e-14)
    assert pareto_nbd.expected_purchases_of_new(PARETO_NBD | {"s": 1 + 1e-7}, 52.0) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("values", GRID)
def test_gradient_and_hessian(values):
    data = nbd.histories(FREQUENCY, RECENCY, OBSERVED)
    r, alpha, s, beta = values
    point = np.log([r, alpha / data.unit, s, beta / data.unit])
    _, gradient, hessian = pareto_nbd.log_likelihood(point, data)
    for i, step in enumerate(np.eye(4) * 1e-5):
        up, down = (pareto_nbd.log_likelihood(point + sign * step, data) for sign in (1, -1))
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-5, abs=1e-6)
        np.testing.assert_allclose(hessian[i], (up[1] - down[1]) / 2e-5, rtol=1e-5, atol=1e-6)


# --- invariants and odd data ---------------------------------------------------------------------------------------


def test_rows_columns_and_units_of_time_change_nothing(published, cdnow):
    mixed = fit_pareto_nbd(cdnow.sample(frac=1, random_state=3)[["T", "recency", "frequency"]], grain="week")
    assert mixed == published
    days = fit_pareto_nbd(cdnow.assign(recency=cdnow["recency"] * 7, T=cdnow["T"] * 7))
    scale = np.array([1, 7, 1, 7])
    np.testing.assert_allclose(list(days.parameters.values()), scale * list(published.parameters.values()), rtol=1e-8)
    assert days.expected_purchases(364) == pytest.approx(published.expected_purchases(52), rel=1e-8)


def test_without_dropout_the_limit_is_reported():
    customers = simulate_nbd(np.random.default_rng(4), 3_000)
    found = fit_pareto_nbd(customers)
    assert found.degenerate
    assert found.converged
    assert (found.parameters["s"], found.parameters["beta"]) == (0, 1)
    np.testing.assert_array_equal(found.probability_alive(customers), 1)
    true = (0.8 + customers["frequency"]) / (6 + customers["T"]) * 52
    assert found.expected_purchases(52, customers).sum() == pytest.approx(true.sum(), rel=0.03)
    r, alpha = found.parameters["r"], found.parameters["alpha"]
    exact = (r + customers["frequency"]) / (alpha + customers["T"]) * 52
    np.testing.assert_allclose(found.expected_purchases(52, customers), exact, rtol=1e-12)


def test_real_dropout_is_seen():
    found = fit_pareto_nbd(simulate_pareto_nbd(np.random.default_rng(5), 3_000, **PARETO_NBD))
    assert not found.degenerate
    assert found.log_likelihood > found.nbd_log_likelihood + 1.92


def test_customers_who_do_not_differ():
    customers = simulate_pareto_nbd(np.random.default_rng(6), 4_000, r=1e7, alpha=5e7, s=1e7, beta=3e8)
    found = fit_pareto_nbd(customers)
    assert found.converged
    assert max(found.parameters.values()) < 1e6
    assert found.parameters["r"] / found.parameters["alpha"] == pytest.approx(0.2, rel=0.05)
    assert found.parameters["s"] / found.parameters["beta"] == pytest.approx(1 / 30, rel=0.1)
    drawn = {name: column[:, None] for name, column in found.draws(100, seed=1).items()}
    made = found.with_parameters(drawn).expected_purchases(20, customers.head(50))
    assert np.isfinite(made).all()
    assert made.sum(axis=1).std() < 0.2 * made.sum(axis=1).mean()


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_data_crash_the_fit(data):
    n = data.draw(st.integers(1, 12))
    observed = data.draw(st.lists(st.floats(0.01, 5_000), min_size=n, max_size=n))
    frequency = data.draw(st.lists(st.sampled_from([0, 0, 1, 1, 2, 5, 300]), min_size=n, max_size=n))
    share = data.draw(st.lists(st.sampled_from([1e-3, 0.3, 0.9, 1.0]), min_size=n, max_size=n))
    recency = np.where(np.array(frequency) > 0, np.array(share) * observed, 0)
    customers = summary(frequency, recency, observed)
    found = fit_pareto_nbd(customers)
    if (np.array(frequency) > 0).sum() < 2:
        assert isinstance(found, Refused)
        return
    assert np.isfinite(list(found.parameters.values())).all()
    assert found.log_likelihood >= found.nbd_log_likelihood
    for t in (1, 1_000):
        expected = found.expected_purchases(t, customers)
        assert np.isfinite(expected).all()
        assert (expected >= 0).all()
        assert np.isfinite(found.expected_purchases(t))
    alive = found.probability_alive(customers)
    assert ((alive >= 0) & (alive <= 1)).all()
