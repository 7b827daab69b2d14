"""Published bounds for Darfur, and the algebra held against regressions that do see what was hidden."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import benchmarks

#: Cinelli and Hazlett (2020), J. R. Statist. Soc. B 82, 39-67, table 1 and the manual of their package sensemakr:
#: effect of being harmed on the wish for peace. The t values of `female` in both regressions are those of the manual.
DARFUR = {"estimate": 0.09731582, "standard_error": 0.02325654, "t_value": 4.18445, "freedom": 783}
FEMALE = {1: (0.00916, 0.1246, 0.0752), 2: (0.0183, 0.2493, 0.0529), 3: (0.0275, 0.3741, 0.0304)}
R2_OF_FEMALE = (0.0090812, 0.1090554)


def rows(seed, n=200, clusters=None):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    table["hidden"] = 0.3 * table["a"] + rng.normal(size=n)
    table["joined"] = (table["a"] - table["b"] + table["hidden"] + rng.normal(size=n) > 0).astype(float)
    table["orders"] = table["joined"] + table["b"] + 2 * table["hidden"] + rng.normal(size=n)
    return table.assign(weight=rng.uniform(0.5, 2, n), person=rng.integers(0, 60, n))


def test_published_robustness_values():
    assert benchmarks.partial_r2(DARFUR["t_value"], DARFUR["freedom"]) == pytest.approx(0.022, abs=0.0005)
    value = benchmarks.robustness_value(DARFUR["t_value"], DARFUR["freedom"])
    assert value == pytest.approx(0.139, abs=0.0005)
    assert benchmarks.robustness_value(DARFUR["t_value"], DARFUR["freedom"], alpha=0.05) == pytest.approx(
        0.076, abs=0.0005
    )
    assert benchmarks.robustness_value(1.0, 783, alpha=0.05) == 0


@pytest.mark.parametrize("multiple", FEMALE)
def test_published_bounds(multiple):
    treatment, outcome, estimate = FEMALE[multiple]
    found = benchmarks.hidden_strength(*R2_OF_FEMALE, multiple)
    assert found == pytest.approx((treatment, outcome), abs=0.0002)
    scale = DARFUR["standard_error"] * math.sqrt(DARFUR["freedom"])
    assert DARFUR["estimate"] - benchmarks.bias_of(scale, *found) == pytest.approx(estimate, abs=0.0002)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 40), st.integers(20, 10_000))
def test_a_trait_of_the_robustness_value_takes_the_estimate_to_zero(t_value, freedom):
    strength = benchmarks.robustness_value(t_value, freedom)
    assert 0 < strength < 1
    # In units of the standard error times the root of the degrees of freedom.
    assert benchmarks.bias_of(1.0, strength, strength) == pytest.approx(t_value / math.sqrt(freedom), rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_bias_is_what_leaving_a_column_out_does(seed):
    table = rows(seed)
    short = benchmarks.fit(table, "orders", "joined", ["a", "b"], None, None)
    long = benchmarks.fit(table, "orders", "joined", ["a", "b", "hidden"], None, None)
    bias = benchmarks.bias_of(short.scale, *long.strength(["hidden"]))
    assert abs(short.estimate - long.estimate) == pytest.approx(bias, rel=1e-8)


@pytest.mark.parametrize("weights", [None, "weight"])
def test_regression_beside_statsmodels(weights):
    table = rows(3)
    ours = benchmarks.fit(table, "orders", "joined", ["a", "b", "c"], weights, "person")
    design = sm.add_constant(table[["joined", "a", "b", "c"]])
    weight = np.ones(len(table)) if weights is None else table["weight"]
    theirs = sm.WLS(table["orders"], design, weights=weight).fit()
    assert ours.estimate == pytest.approx(theirs.params["joined"])
    assert ours.freedom == theirs.df_resid
    assert ours.facts(0.9)["t_value"] == pytest.approx(theirs.tvalues["joined"])
    robust = theirs.get_robustcov_results("cluster", groups=table["person"], use_correction=False)
    many = table["person"].nunique()
    error = robust.bse[1] * math.sqrt(many / (many - 1))
    assert ours.standard_error == pytest.approx(error)
    full, without = (
        sm.WLS(table["orders"], design.drop(columns=gone), weights=weight).fit() for gone in ([], ["a", "b"])
    )
    assert ours.strength(["a", "b"])[1] == pytest.approx(1 - full.ssr / without.ssr)


def test_constant_and_doubled_columns_change_nothing():
    table = rows(5).assign(one=1.0, again=lambda t: t["a"] * 2)
    plain = benchmarks.benchmark_covariates(table, "orders", "joined", ["a", "b"])
    doubled = benchmarks.benchmark_covariates(
        table, "orders", "joined", ["a", "b", "one", "again"], groups={"a": ["a", "again"], "b": ["b"], "one": ["one"]}
    )
    assert doubled.attrs["estimate"] == pytest.approx(plain.attrs["estimate"])
    assert doubled.attrs["degrees_of_freedom"] == plain.attrs["degrees_of_freedom"]
    names = ["r2_treatment", "r2_outcome", "estimate"]
    ours, theirs = (
        found.set_index(["group", "multiple"])[names].loc[["a", "b"]].sort_index() for found in (doubled, plain)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    none = doubled[doubled["group"] == "one"]
    assert none["estimate"].tolist() == pytest.approx([plain.attrs["estimate"]] * 3)


@pytest.mark.parametrize("case", ["nobody", "constant outcome", "constant treatment", "treatment is a covariate"])
def test_what_cannot_be_fitted_is_empty(case):
    table = rows(1)
    if case == "nobody":
        table = table.iloc[:0]
    if case == "constant outcome":
        table["orders"] = 2.0
    if case == "constant treatment":
        table["joined"] = 1.0
    if case == "treatment is a covariate":
        table["a"] = table["joined"]
    assert benchmarks.benchmark_covariates(table, "orders", "joined", ["a", "b"]).empty


def test_a_trait_that_cannot_be_so_strong_is_blank():
    assert all(map(math.isnan, benchmarks.hidden_strength(0.6, 0.2)))
    assert benchmarks.hidden_strength(0.4, 0.9)[1] == 1
