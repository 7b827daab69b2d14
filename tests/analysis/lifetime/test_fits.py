"""What all fits share: the maximiser, intervals, draws, grain."""

import copy
import pickle

import numpy as np
import pytest
from lifetime_simulations import cdnow_sample, simulate_nbd, summary

from siyu_helpers.analysis.lifetime import fits
from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd, fit_mbg_nbd
from siyu_helpers.analysis.lifetime.gamma_gamma import fit_gamma_gamma
from siyu_helpers.analysis.lifetime.pareto_nbd import fit_pareto_nbd

MODELS = [fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd]


@pytest.fixture(scope="module")
def cdnow():
    return cdnow_sample()


@pytest.fixture(scope="module")
def all_fits(cdnow):
    return [fit(cdnow, grain="week") for fit in [*MODELS, fit_gamma_gamma]]


def test_intervals_hold_the_estimate_and_grow_with_the_level(all_fits):
    for fit in all_fits:
        narrow, wide = fit.intervals(0.5), fit.intervals(0.99)
        assert (wide["value_low"] > 0).all()
        assert (wide["value_low"] < narrow["value_low"]).all()
        assert (narrow["value_low"] < narrow["value"]).all()
        assert (narrow["value"] < narrow["value_high"]).all()
        assert (narrow["value_high"] < wide["value_high"]).all()


def test_interval_by_hand(all_fits):
    """exp(log r +- 1.645 standard error / r)."""
    fit = all_fits[0]
    r, error = fit.parameters["r"], fit.standard_errors["r"]
    row = fit.intervals(0.90).loc["r"]
    assert row["value_low"] == pytest.approx(r * np.exp(-1.6448536 * error / r), rel=1e-6)
    assert row["value_high"] == pytest.approx(r * np.exp(1.6448536 * error / r), rel=1e-6)


def test_draws_follow_the_covariance(all_fits):
    for fit in all_fits:
        drawn = fit.draws(20_000, seed=1)
        logs = np.log(np.column_stack(list(drawn.values())))
        np.testing.assert_allclose(logs.mean(axis=0), np.log(list(fit.parameters.values())), atol=0.03)
        np.testing.assert_allclose(np.cov(logs.T), fit.log_covariance, rtol=0.08, atol=2e-4)
        again = fit.draws(20_000, seed=1)
        assert all((drawn[name] == again[name]).all() for name in drawn)


def test_draws_are_those_of_shuffled_rows(cdnow):
    one, other = (fit_bg_nbd(rows).draws(5, seed=2) for rows in (cdnow, cdnow.iloc[::-1]))
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize("fit", MODELS)
def test_draws_of_the_limit_repeat_what_is_fixed(fit):
    found = fit(simulate_nbd(np.random.default_rng(5), 2_000))
    drawn = found.draws(300, seed=1)
    third, fourth = list(drawn)[2:]
    assert (drawn[third] == 0).all()
    assert (drawn[fourth] == 1).all()
    assert drawn["r"].std() == pytest.approx(found.standard_errors["r"], rel=0.2)
    assert found.intervals().loc[third, ["value_low", "value_high"]].isna().all()


@pytest.mark.parametrize("fit", MODELS)
def test_forecasts_of_many_draws_at_once(cdnow, fit):
    found, some = fit(cdnow), cdnow.iloc[::97]
    drawn = found.draws(7, seed=1)
    at_once = found.with_parameters({name: column[:, None] for name, column in drawn.items()})
    expected, alive = at_once.expected_purchases(39, some), at_once.probability_alive(some)
    new = at_once.expected_purchases(np.array([10.0, 39.0]))
    assert expected.shape == alive.shape == (7, len(some))
    for i in range(7):
        one = found.with_parameters({name: column[i] for name, column in drawn.items()})
        np.testing.assert_allclose(expected[i], one.expected_purchases(39, some), rtol=1e-9)
        np.testing.assert_allclose(alive[i], one.probability_alive(some), rtol=1e-9)
        np.testing.assert_allclose(new[i], one.expected_purchases([10.0, 39.0]), rtol=1e-9)


@pytest.mark.parametrize("fit", MODELS)
def test_horizons(cdnow, fit):
    """Nothing happens in no time, forecasts grow with time, and each customer may have a horizon of its own."""
    found, some = fit(cdnow), cdnow.head(40)
    assert found.expected_purchases(0) == 0
    np.testing.assert_allclose(found.expected_purchases(0, some), 0, atol=1e-12)
    horizons = np.linspace(1, 90, 40)
    own = found.expected_purchases(horizons, some)
    assert own[7] == pytest.approx(found.expected_purchases(horizons[7], some)[7], rel=1e-9)
    assert (np.diff(found.expected_purchases(horizons)) > 0).all()
    assert isinstance(found.expected_purchases(39), float)
    for wrong in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match="t must be finite"):
            found.expected_purchases(wrong)


@pytest.mark.parametrize("fit", MODELS)
def test_grains_are_never_mixed(fit):
    weeks = simulate_nbd(np.random.default_rng(4), 300)
    days = summary(weeks["frequency"], weeks["recency"] * 7, weeks["T"] * 7, grain="day")
    found = fit(weeks)
    assert found.grain == "week"
    for forecast in (lambda rows: found.expected_purchases(3, rows), found.probability_alive):
        with pytest.raises(ValueError, match="use the same grain"):
            forecast(days)
    with pytest.raises(ValueError, match="summary is by week, not by day"):
        fit(weeks, grain="day")
    weeks.attrs.clear()
    assert fit(weeks).grain is None
    assert fit(weeks, grain="week").grain == "week"
    assert len(fit(weeks).probability_alive(days)) == 300
    with pytest.raises(ValueError, match="'day' or 'week'"):
        fit(weeks, grain="month")


def test_a_fit_travels_and_stays_as_it_is(all_fits):
    for fit in all_fits:
        for other in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
            assert repr(other) == repr(fit)
            np.testing.assert_array_equal(other.log_covariance, fit.log_covariance)
        with pytest.raises(AttributeError):
            fit.grain = "day"
        with pytest.raises(ValueError, match="has the parameters"):
            fit.with_parameters({"r": 1})


def test_maximiser_finds_a_maximum_and_respects_bounds():
    """A hill with its top at (1, -2) that is no parabola; then bounds that leave the top out."""

    def hill(point):
        x, y = point - (1, -2)
        value = -np.cosh(x) - 3 * np.cosh(y) + 0.5 * x * y
        gradient = np.array([-np.sinh(x) + 0.5 * y, -3 * np.sinh(y) + 0.5 * x])
        return value, gradient, np.array([[-np.cosh(x), 0.5], [0.5, -3 * np.cosh(y)]])

    found = fits.maximise(hill, np.array([8.0, 6.0]), np.array([(-9.0, -9.0), (9.0, 9.0)]))
    np.testing.assert_allclose(found.point, [1, -2], atol=1e-7)
    assert found.converged
    assert found.free.all()
    found = fits.maximise(hill, np.array([-3.0, 6.0]), np.array([(-9.0, -9.0), (0.0, 9.0)]))
    assert found.converged
    assert found.point[0] == 0
    assert found.free.tolist() == [False, True]
    assert 3 * np.sinh(found.point[1] + 2) == pytest.approx(-0.5, abs=1e-7)
