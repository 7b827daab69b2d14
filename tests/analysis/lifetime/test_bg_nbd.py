"""BG/NBD and MBG/NBD against the published tables, another package, and integrals over what customers hide."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifetime_simulations import BG_NBD, cdnow_sample, simulate_bg_nbd, simulate_nbd, summary
from scipy.special import hyp2f1, roots_genlaguerre, roots_jacobi

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.lifetime import bg_nbd, nbd
from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd, fit_mbg_nbd

# Histories without, with few and with many purchases, also one whose last purchase is the end of observation.
FREQUENCY = np.array([0, 0, 1, 2, 4, 12, 5, 90])
RECENCY = np.array([0, 0, 1.5, 30.43, 11, 33, 39, 35])
OBSERVED = np.array([39, 2, 39, 38.86, 38, 38, 39, 38.0])


@pytest.fixture(scope="module")
def cdnow():
    return cdnow_sample()


def over_customers(value, parameters):
    """Mean over customers of value(rate, chance), by Gauss-Laguerre and Gauss-Jacobi sums."""
    r, alpha, a, b = (parameters[name] for name in ("r", "alpha", "a", "b"))
    rate, rate_weight = roots_genlaguerre(150, r - 1)
    chance, chance_weight = roots_jacobi(80, b - 1, a - 1)
    rate, chance = rate[:, None] / alpha, (chance + 1)[None, :] / 2
    weight = np.outer(rate_weight / rate_weight.sum(), chance_weight / chance_weight.sum())
    return float((weight * value(rate, chance)).sum())


def both(rate, chance, x, recency, observed, modified):
    """Likelihood of a customer of known rate and chance of dropout: having stayed, having dropped out."""
    k = x + modified
    stayed = (1 - chance) ** k * rate**x * np.exp(-rate * observed)
    return stayed, (chance * (1 - chance) ** (k - 1) * rate**x * np.exp(-rate * recency) if k else 0.0)


def log_likelihood(parameters, frequency, recency, observed, modified=False):
    data = nbd.histories(np.atleast_1d(frequency), np.atleast_1d(recency), np.atleast_1d(observed))
    r, alpha, a, b = parameters.values()
    value = bg_nbd.log_likelihood(np.log([r, alpha / data.unit, a, b]), data, modified)[0]
    return value - np.sum(frequency) * np.log(data.unit)


# --- published ---------------------------------------------------------------------------------------------------


def test_published_table_of_bg_nbd(cdnow):
    """Fader, Hardie and Lee (2005), Marketing Science 24(2), table 2."""
    fit = fit_bg_nbd(cdnow, grain="week")
    assert {name: round(value, 3) for name, value in fit.parameters.items()} == {
        "r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}  # fmt: skip
    assert round(fit.log_likelihood, 1) == -9582.4
    assert fit.converged
    assert not fit.degenerate
    assert (fit.customers, fit.grain, fit.at_limit) == (2357, "week", ())


def test_published_nbd_likelihood(cdnow):
    """Fader and Hardie (2004), "Illustrating the Performance of the NBD as a Benchmark Model for Customer-Base
    Analysis", brucehardie.com/notes/005, on the same customers: log-likelihood -9763.7."""
    assert round(fit_bg_nbd(cdnow).nbd_log_likelihood, 1) == -9763.7


def test_published_forecast_of_one_customer(cdnow):
    """Fader, Hardie and Lee (2005), "Implementing the BG/NBD Model for Customer Base Analysis in Excel": customer with
    x = 2, t_x = 30.43, T = 38.86 is expected to buy 1.226 times in the next 39 weeks."""
    expected = fit_bg_nbd(cdnow).expected_purchases(39, customers=summary([2], [30.43], [38.86]))
    assert round(expected[0], 3) == 1.226


def test_forecast_of_the_cohort_to_week_78(cdnow):
    """Fader, Hardie and Lee (2005), section 4: at the end of week 78 BG/NBD underforecasts repeat sales by 4%.

    They bought 2,457 times again in the calibration period and 1,882 times in the holdout.
    """
    assert cdnow[["frequency", "frequency_holdout"]].sum().tolist() == [2457, 1882]
    expected = fit_bg_nbd(cdnow).expected_purchases(cdnow["T"].to_numpy() + 39).sum()
    assert expected / (2457 + 1882) == pytest.approx(0.96, abs=0.005)


def test_mbg_nbd_against_lifetimes(cdnow):
    lifetimes = pytest.importorskip("lifetimes")
    columns = [cdnow[name].to_numpy() for name in ("frequency", "recency", "T")]
    other, fit = lifetimes.ModifiedBetaGeoFitter().fit(*columns), fit_mbg_nbd(cdnow)
    assert list(fit.parameters.values()) == pytest.approx(other.params_.to_list(), rel=1e-4)
    assert list(fit.standard_errors.values()) == pytest.approx(other.standard_errors_.to_list(), rel=1e-3)
    logs, one = np.log(other.params_.to_numpy()), np.ones(len(cdnow))
    theirs = -len(cdnow) * lifetimes.ModifiedBetaGeoFitter._negative_log_likelihood(logs, *columns, one, 0)
    assert theirs - 1e-8 <= fit.log_likelihood <= theirs + 1e-4


def test_bg_nbd_against_lifetimes(cdnow):
    lifetimes = pytest.importorskip("lifetimes")
    other = lifetimes.BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    fit, columns = fit_bg_nbd(cdnow), (cdnow["frequency"], cdnow["recency"], cdnow["T"])
    assert list(fit.standard_errors.values()) == pytest.approx(other.standard_errors_.to_list(), rel=1e-3)
    theirs = other.conditional_expected_number_of_purchases_up_to_time(39, *columns)
    np.testing.assert_allclose(fit.expected_purchases(39, customers=cdnow), theirs, rtol=1e-4)
    np.testing.assert_allclose(
        fit.probability_alive(cdnow), other.conditional_probability_alive(*columns).ravel(), rtol=1e-5)  # fmt: skip


# --- brute force --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modified", [False, True])
@pytest.mark.parametrize("i", range(7))
def test_against_the_integral_over_customers(modified, i):
    """Likelihood, chance of being alive and forecast, summed over rates and chances of dropout."""
    parameters, x, recency, observed = BG_NBD, FREQUENCY[i], RECENCY[i], OBSERVED[i]

    def mean(value):
        def one(rate, p):
            return value(rate, p, *both(rate, p, x, recency, observed, modified))

        return over_customers(one, parameters)

    total, alive = mean(lambda rate, p, stayed, gone: stayed + gone), mean(lambda rate, p, stayed, gone: stayed)
    future = mean(lambda rate, p, stayed, gone: stayed * -np.expm1(-rate * p * 20) / p)
    ours = bg_nbd.probability_alive(parameters, [x], [recency], [observed], modified)
    assert log_likelihood(parameters, x, recency, observed, modified) == pytest.approx(np.log(total), abs=1e-7)
    assert ours[0] == pytest.approx(alive / total, rel=1e-7)
    ours = bg_nbd.expected_purchases(parameters, 20.0, [x], [recency], [observed], modified)
    assert ours[0] == pytest.approx(future / total, rel=1e-7)


@pytest.mark.parametrize("modified", [False, True])
@pytest.mark.parametrize("a", [0.05, 0.79, 3.0, 40.0])
def test_forecast_against_the_hypergeometric_formula(modified, a):
    """Fader, Hardie and Lee (2005), equations 9 and 10; scipy's hypergeometric function."""
    parameters, t = {"r": 0.243, "alpha": 4.414, "a": a, "b": 2.426}, np.array([[0.1], [39.0], [300.0]])
    r, alpha, b, x = 0.243, 4.414, 2.426, FREQUENCY + modified
    power, part = r + FREQUENCY, t / (alpha + OBSERVED + t)
    series = hyp2f1(power, b + x, a + b + x - 1, part) * (1 - part) ** power
    formula = (a + b + x - 1) / (a - 1) * (1 - series)
    formula *= bg_nbd.probability_alive(parameters, FREQUENCY, RECENCY, OBSERVED, modified)
    ours = bg_nbd.expected_purchases(parameters, t, FREQUENCY, RECENCY, OBSERVED, modified)
    np.testing.assert_allclose(ours, formula, rtol=1e-8)


@pytest.mark.parametrize("modified", [False, True])
def test_a_new_customer_buys_as_often_as_simulated_ones(modified):
    made = simulate_bg_nbd(np.random.default_rng(1), 400_000, **BG_NBD, modified=modified, weeks=(52, 52))["frequency"]
    expected = bg_nbd.expected_purchases_of_new(BG_NBD, 52.0, modified)
    assert abs(made.mean() - expected) < 3.5 * made.std() / np.sqrt(400_000)


@pytest.mark.parametrize("modified", [False, True])
def test_gradient_and_hessian(modified):
    data, point = nbd.histories(FREQUENCY, RECENCY, OBSERVED), np.log([0.4, 0.2, 0.7, 2.0])
    _, gradient, hessian = bg_nbd.log_likelihood(point, data, modified)
    for i, step in enumerate(np.eye(4) * 1e-5):
        up, down = (bg_nbd.log_likelihood(point + sign * step, data, modified) for sign in (1, -1))
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-6)
        np.testing.assert_allclose(hessian[i], (up[1] - down[1]) / 2e-5, rtol=1e-5, atol=1e-6)


# --- invariants and odd data --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fit", [fit_bg_nbd, fit_mbg_nbd])
def test_rows_columns_and_units_of_time_change_nothing(cdnow, fit):
    one = fit(cdnow)
    mixed = fit(cdnow.sample(frac=1, random_state=3)[["T", "monetary_value", "recency", "frequency"]])
    assert mixed == one
    days = fit(cdnow.assign(recency=cdnow["recency"] * 7, T=cdnow["T"] * 7))
    scale = np.array([1, 7, 1, 1])
    np.testing.assert_allclose(list(days.parameters.values()), scale * list(one.parameters.values()), rtol=1e-9)
    np.testing.assert_allclose(
        list(days.standard_errors.values()), scale * list(one.standard_errors.values()), rtol=1e-6
    )
    assert days.log_likelihood == pytest.approx(one.log_likelihood - cdnow["frequency"].sum() * np.log(7), abs=1e-6)


@pytest.mark.parametrize("fit", [fit_bg_nbd, fit_mbg_nbd])
def test_without_dropout_the_limit_is_reported(fit):
    """r = 0.8, alpha = 6: a customer who bought x times in T weeks buys (r + x) / (alpha + T) a week (Ehrenberg)."""
    customers = simulate_nbd(np.random.default_rng(4), 3_000)
    found = fit(customers)
    assert found.degenerate
    assert found.converged
    assert (found.parameters["a"], found.parameters["b"]) == (0, 1)
    assert np.isnan([found.standard_errors["a"], found.standard_errors["b"]]).all()
    assert found.log_likelihood == found.nbd_log_likelihood
    np.testing.assert_array_equal(found.probability_alive(customers), 1)
    true = (0.8 + customers["frequency"]) / (6 + customers["T"]) * 52
    assert found.expected_purchases(52, customers).sum() == pytest.approx(true.sum(), rel=0.03)
    assert found.expected_purchases(52) == pytest.approx(0.8 / 6 * 52, rel=0.06)
    r, alpha = found.parameters["r"], found.parameters["alpha"]
    exact = (r + customers["frequency"]) / (alpha + customers["T"]) * 52
    np.testing.assert_allclose(found.expected_purchases(52, customers), exact, rtol=1e-12)


@pytest.mark.parametrize("modified", [False, True])
def test_real_dropout_is_seen(modified):
    customers = simulate_bg_nbd(np.random.default_rng(5), 3_000, **BG_NBD, modified=modified)
    found = (fit_mbg_nbd if modified else fit_bg_nbd)(customers)
    assert not found.degenerate
    assert found.log_likelihood > found.nbd_log_likelihood + 1.92


@pytest.mark.parametrize("fit", [fit_bg_nbd, fit_mbg_nbd])
def test_customers_who_do_not_differ(fit):
    """All buy at one rate and drop out with one chance: shapes stop at 10,000, the rest stays sensible."""
    rng = np.random.default_rng(6)
    customers = simulate_bg_nbd(rng, 4_000, r=1e7, alpha=5e7, a=2e6, b=8e6, modified=fit is fit_mbg_nbd)
    found = fit(customers)
    assert found.converged
    assert not found.degenerate
    assert max(found.parameters.values()) < 1e6
    assert found.parameters["r"] / found.parameters["alpha"] == pytest.approx(0.2, rel=0.05)
    odds = found.parameters["a"] / (found.parameters["a"] + found.parameters["b"])
    assert odds == pytest.approx(0.2, rel=0.05)
    ends = found.intervals()
    assert ((ends["value_low"] <= ends["value"]) & (ends["value"] <= ends["value_high"])).all()
    drawn = found.draws(200, seed=1)
    expected = found.with_parameters({name: column[:, None] for name, column in drawn.items()})
    made = expected.expected_purchases(20, customers.head(50))
    assert np.isfinite(made).all()
    assert made.sum(axis=1).std() < 0.2 * made.sum(axis=1).mean()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_data_crash_the_fit(data):
    """Up to twelve customers of any history: a finite fit or a refusal, finite forecasts."""
    n = data.draw(st.integers(1, 12))
    observed = data.draw(st.lists(st.floats(0.01, 5_000), min_size=n, max_size=n))
    frequency = data.draw(st.lists(st.sampled_from([0, 0, 1, 1, 2, 5, 300]), min_size=n, max_size=n))
    share = data.draw(st.lists(st.sampled_from([1e-3, 0.3, 0.9, 1.0]), min_size=n, max_size=n))
    recency = np.where(np.array(frequency) > 0, np.array(share) * observed, 0)
    customers = summary(frequency, recency, observed)
    for fit in (fit_bg_nbd, fit_mbg_nbd):
        found = fit(customers)
        if (np.array(frequency) > 0).sum() < 2:
            assert isinstance(found, Refused)
            continue
        assert np.isfinite(list(found.parameters.values())).all()
        assert np.isfinite(found.log_likelihood)
        assert found.log_likelihood >= found.nbd_log_likelihood
        for t in (1, 1_000):
            expected = found.expected_purchases(t, customers)
            assert np.isfinite(expected).all()
            assert (expected >= 0).all()
            assert np.isfinite(found.expected_purchases(t))
        alive = found.probability_alive(customers)
        assert ((alive >= 0) & (alive <= 1)).all()


@pytest.mark.parametrize(("column", "values", "message"), [
    ("frequency", [1.5, 2, 0], "whole"), ("frequency", [-1, 2, 0], "whole"), ("recency", [50, 5, 0], "between 0 and T"),
    ("recency", [0, 5, 0], "recency must be 0 exactly"), ("recency", [4, 5, 2], "recency must be 0 exactly"),
    ("T", [np.nan, 9, 9], "T has empty"), ("T", [np.inf, 9, 9], "T has empty"),
    ("frequency", [np.nan, 2, 0], "frequency has empty"),
])  # fmt: skip
def test_impossible_summaries(column, values, message):
    customers = summary([1, 2, 0], [4.0, 5, 0], [9.0, 9, 9])
    with pytest.raises(ValueError, match=message):
        fit_bg_nbd(customers.assign(**{column: values}))


def test_missing_column():
    with pytest.raises(ValueError, match="no column recency"):
        fit_bg_nbd(pd.DataFrame({"frequency": [1], "T": [3.0]}))


@pytest.mark.parametrize("customers", [
    summary([0, 0], [0, 0], [10, 20]), summary([0], [0], [0]), summary([3], [4], [10]), summary([], [], []),
])  # fmt: skip
def test_nobody_to_learn_from(customers):
    refused = fit_bg_nbd(customers)
    assert isinstance(refused, Refused)
    assert refused.needed == 2


def test_customers_first_seen_on_the_last_day_change_nothing(cdnow):
    more = pd.concat([cdnow, summary([0] * 5, [0.0] * 5, [0.0] * 5)])
    assert list(fit_bg_nbd(more).parameters.values()) == pytest.approx(list(fit_bg_nbd(cdnow).parameters.values()))
    assert fit_bg_nbd(more).customers == 2362
