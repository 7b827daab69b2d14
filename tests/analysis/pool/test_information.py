"""Value of finding out: against the unit normal loss integral, and against nested simulation."""

import dataclasses
import time

import numpy as np
import pytest
from scipy import stats

from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.analysis.pool.information import conditional_mean, value_of_information
from siyu_helpers.analysis.pool.inputs import PoolInputs, draws_of, quantile_of
from siyu_helpers.analysis.pool.value import flows, pool_value


def worth_of_knowing(mean: float, sd: float) -> float:
    """E max(0, X) - max(0, mean) of a normal X: sd x unit normal loss integral of |mean| / sd (Raiffa 1961)."""
    return sd * (stats.norm.pdf(mean / sd) - abs(mean) / sd * stats.norm.sf(abs(mean) / sd))


def normal(value, half_width, unit="share"):
    return Estimate(value, value - half_width, value + half_width, 0.9, 100, unit, "drawn", "tests")


def linear(staff: float, correlation: float = 0.0) -> PoolInputs:
    """Value of one month: 20,000 x uplift - staff cost, both normal."""
    return PoolInputs(
        0, 0.5, normal(0.5, 0.1), 100, 0.4, opening_members=1000, staff_cost=normal(staff, 1000, "money a month"),
        correlations={("uplift", "staff_cost"): correlation} if correlation else {},
    )  # fmt: skip


@pytest.mark.parametrize("staff", [9_000, 10_500])
def test_linear_and_normal_is_the_unit_normal_loss_integral(staff):
    found = value_of_information(pool_value(linear(staff), months=1, draws=40_000))
    uplift, cost = (half / stats.norm.ppf(0.95) for half in (2000, 1000))
    worth = found.set_index("input")["expected_value"]
    # The sample mean errs by 6 in 1,360; that of the loss by less.
    assert worth["uplift"] == pytest.approx(worth_of_knowing(10_000 - staff, uplift), rel=0.05)
    assert worth["staff_cost"] == pytest.approx(worth_of_knowing(10_000 - staff, cost), rel=0.08)
    assert found.attrs["evpi"] == pytest.approx(worth_of_knowing(10_000 - staff, np.hypot(uplift, cost)), rel=0.05)
    assert found["input"].tolist() == ["uplift", "staff_cost"]
    assert found["share_of_total"].tolist() == pytest.approx((found["expected_value"] / found.attrs["evpi"]).tolist())


def test_a_correlated_input_tells_of_the_other():
    """Knowing x of two correlated normals: the mean given x has s.d. of cov(V, x) / sd(x)."""
    found = value_of_information(pool_value(linear(9_500, 0.6), months=1, draws=40_000))
    uplift, cost = (half / stats.norm.ppf(0.95) for half in (2000, 1000))
    worth = found.set_index("input")["expected_value"]
    assert worth["uplift"] == pytest.approx(worth_of_knowing(500, uplift - 0.6 * cost), rel=0.05)
    assert worth["staff_cost"] == pytest.approx(worth_of_knowing(500, 0.6 * uplift - cost), abs=15)


def test_nested_simulation_finds_the_same():
    """Two years of a pool with churn: for each of 100 values of an input, the mean over 400 draws of the others."""
    pool = PoolInputs((60, 100, 160), 0.5, (0.0, 0.12, 0.4), 200, (0.3, 0.4, 0.5), churn=(0.02, 0.08, 0.25),
                      staff_cost=4_500, activity_kept=0.97)  # fmt: skip
    result = pool_value(pool, draws=10_000)
    found = value_of_information(result).set_index("input")["expected_value"]
    assert abs(result.value.value) < 20_000  # near the decision: something to be learnt
    levels = (np.arange(100) + 0.5) / 100
    others = draws_of(pool, 400, seed=9)
    for name in pool.uncertain():
        at = quantile_of(name, getattr(pool, name), levels)
        drawn = {key: np.tile(np.broadcast_to(part, 400), 100) for key, part in others.items()}
        drawn[name] = np.repeat(at, 400)
        means = flows(drawn, 24)["cumulative"][-1].reshape(100, 400).mean(axis=1)
        nested = np.maximum(means, 0).mean() - max(0, means.mean())
        assert found[name] == pytest.approx(nested, rel=0.15, abs=0.03 * result.values.std())


def test_nothing_is_worth_knowing_where_the_decision_is_clear():
    clear = value_of_information(pool_value(linear(1_000), months=1, draws=5_000))
    assert clear["expected_value"].tolist() == [0, 0]
    assert clear.attrs["evpi"] == 0
    assert clear["share_of_total"].tolist() == [0, 0]
    never = value_of_information(pool_value(linear(90_000), months=1, draws=5_000))
    assert never["expected_value"].tolist() == never["share_of_total"].tolist() == [0, 0]


def test_what_no_value_of_an_input_can_change_is_worth_exactly_nothing():
    """Almost surely paying, with a few draws below zero: all together may be worth a little, each alone is not."""
    pool = PoolInputs((60, 100, 160), 0.5, normal(0.3, 0.12), 200, (0.3, 0.4, 0.5), churn=(0.02, 0.08, 0.25),
                      staff_cost=(900, 1_000, 1_100))  # fmt: skip
    found = value_of_information(pool_value(pool, draws=4_000)).set_index("input")
    assert found.attrs["evpi"] > 0
    assert found.loc[["joiners_per_month", "margin", "churn", "staff_cost"]].to_numpy().tolist() == [[0, 0]] * 4


@pytest.mark.parametrize("draws", [1, 2, 15, 60, 300])
def test_few_draws_give_values_between_none_and_all(draws):
    found = value_of_information(pool_value(linear(9_900), months=1, draws=draws))
    assert len(found) == 2
    assert found["expected_value"].between(0, found.attrs["evpi"]).all()
    assert found["expected_value"].is_monotonic_decreasing


def test_certain_inputs_leave_nothing_to_find_out():
    found = value_of_information(pool_value(PoolInputs(100, 0.5, 0.2, 200, 0.4)))
    assert found.empty
    assert found.columns.tolist() == ["input", "expected_value", "share_of_total"]
    assert found.attrs == {"evpi": 0, "value": pytest.approx(0.5 * 0.2 * 200 * 0.4 * 100 * 24**2 / 2)}


def test_the_order_of_draws_does_not_matter():
    result = pool_value(linear(9_900), months=1, draws=2_000)
    turned = dataclasses.replace(
        result, values=result.values[::-1], drawn={name: part[::-1] for name, part in result.drawn.items()}
    )
    one, other = (value_of_information(each)["expected_value"].to_numpy() for each in (result, turned))
    assert np.allclose(one, other)


def test_the_spline_follows_what_is_smooth_and_leaves_noise():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 3, 8_000)
    fitted = conditional_mean(x, np.sin(2 * x) + rng.normal(0, 1, len(x)))
    assert np.sqrt(((fitted - np.sin(2 * x)) ** 2).mean()) < 0.06  # 8 terms: sqrt(8 / 8,000) = 0.03, and its bias
    assert conditional_mean(np.ones(5), np.arange(5.0)).tolist() == [2, 2, 2, 2, 2]


def test_ten_thousand_draws_take_no_time():
    result = pool_value(linear(9_900), months=24)
    began = time.perf_counter()
    value_of_information(result)
    assert time.perf_counter() - began < 1
