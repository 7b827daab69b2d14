"""E-values as published; how many times as strong something hidden must be, where that is known by construction."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import sensitivity
from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.estimates import Estimate, Refused


def trials(seed=1, n=3000, of_taste=1.0):
    """Joining and orders go with two recorded traits; the group of recency is stronger, and is a moment."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"taste": rng.normal(size=n), "age": rng.normal(size=n), "recency": rng.normal(size=n)})
    index = 0.5 * of_taste * table["taste"] + 0.1 * table["age"] + 1.5 * table["recency"]
    table["joined"] = (index + rng.logistic(size=n) > 1.5).astype(float)
    table["orders"] = 0.3 * table["joined"] + of_taste * table["taste"] + table["recency"] + rng.normal(size=n)
    table["sampling_weight"] = np.where(table["joined"] == 1, 1.0, rng.uniform(1, 5, n))
    table = table.assign(censor_weight=1.0, customer_id=rng.integers(0, 900, n))
    names = ["taste", "age", "recency"]
    table.attrs = {"covariates": names, "groups": {name: [name] for name in names}}
    return table


def effect(value, half=0.05):
    return effect_of(value, np.array([half, -half]) / (1.6448536 * 2), n=500)


def test_e_values_as_published():
    """VanderWeele and Ding (2017): maternal smoking, 3.9 (1.8 to 8.7); and a protective ratio, turned over."""
    assert sensitivity.e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert sensitivity.e_value(3.9, 1.8, 8.7) == pytest.approx((7.26, 3.0), abs=0.005)
    assert sensitivity.e_value(1 / 3.9, 1 / 8.7, 1 / 1.8) == pytest.approx((7.26, 3.0), abs=0.005)
    assert sensitivity.e_value(1.5, 0.9, 2.5)[1] == 1
    assert sensitivity.e_value(0.8, 0.5, 1.2)[1] == 1
    assert sensitivity.e_value(1.0) == 1


@given(st.floats(1.0, 50))
def test_an_e_value_is_the_ratio_whose_bounding_factor_is_the_risk_ratio(ratio):
    value = sensitivity.e_value(ratio)
    assert value**2 / (2 * value - 1) == pytest.approx(ratio)  # Ding and VanderWeele's bounding factor
    assert sensitivity.e_value(1 / ratio) == pytest.approx(value)


@pytest.mark.parametrize("wrong", [(0,), (-1,), (float("nan"),), (2.0, 2.5, 3.0), (2.0, None, 3.0)])
def test_impossible_ratios(wrong):
    with pytest.raises(ValueError, match=r"ratio|interval"):
        sensitivity.e_value(*wrong)


def test_e_value_of_an_effect():
    flat = np.array([0.01, -0.01])
    made = effect_of(0.1, flat, n=2, without_treatment=0.2, influence_without=0 * flat)
    found = sensitivity.e_value_of(made)
    assert found.value == pytest.approx(sensitivity.e_value(1.5))
    assert found.low == pytest.approx(sensitivity.e_value(1 + made.low / 0.2))
    unclear = effect_of(0.01, flat, n=2, without_treatment=0.2, influence_without=0 * flat)
    assert sensitivity.e_value_of(unclear).low == 1
    assert isinstance(sensitivity.e_value_of(effect_of(0.1, flat)), Refused)


def test_times_as_strong_takes_the_effect_to_zero():
    table = trials()
    found = sensitivity.sensitivity_of(effect(0.3), table)
    assert found.strongest == "taste"  # recency is stronger, but a moment
    assert found.table["group"].iloc[0] == "recency"
    whole = sensitivity.sensitivity_of(effect(0.3), table, multiples=[found.times_as_strong.value])
    row = whole.table[whole.table["group"] == "taste"].iloc[0]
    assert whole.table.attrs["estimate"] - row["estimate"] == pytest.approx(0.3, rel=1e-6)
    assert found.times_as_strong.low < found.times_as_strong.value < found.times_as_strong.high
    assert 0 < found.robustness_value.low < found.robustness_value.value < 1
    against_all = sensitivity.sensitivity_of(effect(0.3), table, moments=())
    assert against_all.times_as_strong.value < found.times_as_strong.value


def test_left_over_is_the_effect_less_a_hidden_twin_of_the_strongest():
    table = trials()
    for sign in (1, -1):
        found = sensitivity.sensitivity_of(effect(sign * 2.0), table)
        row = found.table[(found.table["group"] == "taste") & (found.table["multiple"] == 1)].iloc[0]
        shift = abs(found.table.attrs["estimate"] - row["estimate"])
        assert found.left_over.value == pytest.approx(sign * (2.0 - shift))


def test_the_sampling_of_comparators_does_not_decide_how_strong_selection_looks():
    table = trials(n=20_000)
    half = table[(table["joined"] == 1) | (np.arange(len(table)) % 2 == 0)].copy()
    half["sampling_weight"] *= np.where(half["joined"] == 1, 1, 2)
    half.attrs = table.attrs
    one, other = (sensitivity.sensitivity_of(effect(0.3), each).times_as_strong.value for each in (table, half))
    assert other == pytest.approx(one, rel=0.15)


def test_unclear_effects_and_unrelated_traits():
    assert sensitivity.sensitivity_of(effect(0.01), trials()).times_as_strong.low == 0
    table = trials()
    table["noise"] = np.random.default_rng(0).normal(size=len(table))
    found = sensitivity.sensitivity_of(effect(0.3), table, covariates=["noise"], groups={"noise": ["noise"]})
    assert isinstance(found.times_as_strong, Estimate)
    assert found.times_as_strong.value <= sensitivity.TIMES_AT_MOST


@pytest.mark.parametrize("case", ["empty", "one joiner", "no traits"])
def test_what_cannot_be_said_is_refused(case):
    table = trials(n=200)
    if case == "empty":
        table = table.iloc[:0]
    if case == "one joiner":
        table = table[(table["joined"] == 0) | (table["joined"].cumsum() == 1)]
    table.attrs = trials(n=50).attrs
    if case == "no traits":
        table.attrs = {"covariates": ["recency"], "groups": {"recency": ["recency"]}}
    found = sensitivity.sensitivity_of(effect(0.3), table)
    assert isinstance(found.times_as_strong, Refused)
    assert found.strongest == ""
