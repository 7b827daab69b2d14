"""Estimates: what a stated number may be, and the intervals that modules share."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from siyu_helpers.analysis.estimates import (
    BOOTSTRAP_AT_MOST,
    Coverage,
    Estimate,
    Refused,
    Words,
    _bootstrap_t,
    _hall,
    coverage,
    dotted_name,
    mean_per_customer,
    share,
    wilson,
)

GOOD = {"value": 0.3, "low": 0.2, "high": 0.4, "level": 0.9, "n": 10, "unit": "share"}
GOOD |= {"definition": "came back / all", "function": "siyu_helpers.analysis.estimates.share"}


def test_an_estimate_keeps_what_it_was_given_as_plain_types():
    made = Estimate(**GOOD | {"value": np.float64(0.3), "n": np.int64(10), "function": share})
    assert made == Estimate(**GOOD)
    assert type(made.value) is float
    assert type(made.n) is int
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.value = 1.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"value": math.nan}, "return Refused"),
        ({"value": math.inf, "high": math.inf}, "return Refused"),
        ({"value": 0.5}, "does not contain"),
        ({"value": 0.1}, "does not contain"),
        ({"low": math.nan}, "one end only"),
        ({"level": 0.0}, "level"),
        ({"level": 90}, "level"),
        ({"n": -1}, "whole number"),
        ({"n": 1.5}, "whole number"),
        ({"n": math.nan}, "whole number"),
    ],
)
def test_an_impossible_estimate_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Estimate(**GOOD | wrong)


def test_rounding_errors_and_open_ends_are_allowed():
    assert Estimate(**GOOD | {"low": 0.3 + 1e-16}).value == 0.3
    assert Estimate(**GOOD | {"value": 200.0, "low": 150.0, "high": math.inf}).high == math.inf


def test_a_counted_fact_has_no_interval():
    made = Estimate.exact(23570, 23570, "customers", "customers", "x.y")
    assert made.is_exact
    assert math.isnan(made.low)
    assert math.isnan(made.high)
    assert not Estimate(**GOOD).is_exact


def test_texts_come_in_both_languages():
    words = Words(zh="复购率", en="repurchase rate")
    made = Estimate(**GOOD | {"definition": words})
    assert (made.definition_in("zh"), made.definition_in("en")) == ("复购率", "repurchase rate")
    assert Estimate(**GOOD).definition_in("zh") == "came back / all"
    refused = Refused("customers", 3, 100, "太少", "too few")
    assert (refused.reason("zh"), refused.reason("en")) == ("太少", "too few")
    for ask in (words.text, made.definition_in, refused.reason):
        with pytest.raises(ValueError, match="language"):
            ask("zh-CN")


def test_a_function_becomes_its_dotted_name():
    assert dotted_name(share) == "siyu_helpers.analysis.estimates.share"
    assert dotted_name("a.b.c") == "a.b.c"


def test_wilson_equals_its_formula():
    # z = 1.644854; 30 of 120: centre (30 + z*z/2) / (120 + z*z), half-width z * sqrt(120 * .25 * .75 + z*z/4) / (...)
    z = 1.6448536269514722
    centre, half = (30 + z * z / 2) / (120 + z * z), z * math.sqrt(22.5 + z * z / 4) / (120 + z * z)
    made = share(30, 120)
    assert (made.low, made.high) == pytest.approx((centre - half, centre + half), abs=1e-12)
    assert made.n == 120


def test_wilson_of_nobody_is_blank_and_a_share_of_nobody_refused():
    low, high = wilson([0, 3], [0, 3])
    assert math.isnan(low[0])
    assert math.isnan(high[0])
    assert high[1] == 1
    assert isinstance(share(0, 0), Refused)
    for wrong in ((4, 3), (-1, 3)):
        with pytest.raises(ValueError, match="between 0 and trials"):
            share(*wrong)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.99))
def test_wilson_holds_the_share_and_stays_a_share(counts, level):
    low, high = wilson(*counts, level)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1
    assert (low, high) == pytest.approx(proportion_confint(*counts, 1 - level, "wilson"), abs=1e-12)


def test_the_mean_does_not_depend_on_the_order_of_customers():
    spend = np.random.default_rng(1).lognormal(3, 1, 500)
    first, second = mean_per_customer(spend, seed=7), mean_per_customer(spend[::-1], seed=7)
    assert first == second
    assert first != mean_per_customer(spend, seed=8)
    assert first.value == pytest.approx(spend.mean())


def test_both_intervals_of_a_mean_agree_where_one_takes_over():
    spend = np.sort(np.random.default_rng(2).gamma(0.5, 100, BOOTSTRAP_AT_MOST))
    width = np.subtract(*_hall(spend, 0.9)[::-1])
    assert np.abs(np.subtract(_bootstrap_t(spend, 0.9, seed=1), _hall(spend, 0.9))).max() < 0.05 * width
    assert mean_per_customer(np.append(spend, 0.0)).n == BOOTSTRAP_AT_MOST + 1


def test_halls_interval_is_the_normal_one_without_skewness():
    even = np.array([-1.0, 1.0] * 200)
    half = 1.6448536 / math.sqrt(400)
    assert _hall(even, 0.9) == pytest.approx((-half, half))


def test_equal_values_too_few_values_and_missing_values():
    flat = mean_per_customer([0.0] * 100)
    assert (flat.value, flat.low, flat.high) == (0.0, 0.0, 0.0)
    refused = mean_per_customer([1.0, 2.0] * 49)
    assert (refused.seen, refused.needed) == (98, 100)
    assert isinstance(mean_per_customer([]), Refused)
    with pytest.raises(ValueError, match="finite"):
        mean_per_customer([1.0, math.nan] * 100)


def test_one_spender_does_not_bound_the_mean():
    made = mean_per_customer([0.0] * 199 + [1000.0])
    assert (made.value, made.high) == (5.0, math.inf)


def test_coverage_counts_runs_that_hold_the_truth():
    assert coverage(lambda rng: rng.random(), lambda x: (0, 1), truth=0.5, runs=10, seed=1) == Coverage(10, 10)
    assert coverage(lambda rng: rng.random(), lambda x: (x, x), truth=0.5, runs=10, seed=1) == Coverage(0, 10)
    seen = []
    coverage(lambda rng: seen.append(rng.random()), lambda x: (0, 1), truth=0, runs=5, seed=1)
    assert len(set(seen)) == 5
    for nothing in ((math.nan, 1.0), share(0, 0)):
        with pytest.raises(ValueError, match="run"):
            coverage(lambda rng: None, lambda x, nothing=nothing: nothing, truth=0, runs=1, seed=1)


@pytest.mark.parametrize(
    ("covered", "runs", "plain", "conservative"),
    [
        *((46, 60, False, False), (47, 60, True, True), (60, 60, True, True)),
        *((167, 200, False, False), (168, 200, True, True), (190, 200, True, True), (191, 200, False, True)),
    ],
)
def test_the_bars_of_the_design(covered, runs, plain, conservative):
    assert Coverage(covered, runs).meets_bar() is plain
    assert Coverage(covered, runs).meets_bar(conservative=True) is conservative


def test_bars_exist_for_two_numbers_of_runs_only():
    with pytest.raises(ValueError, match="bars are set"):
        Coverage(90, 100).meets_bar()
