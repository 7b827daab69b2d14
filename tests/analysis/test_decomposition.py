"""Exact splits against the tests of the R package LMDIR, an integral along the path, Shapley values, and small values.

LMDIR (Heun, MIT; github.com/MatthewHeun/LMDIR, tests/testthat/test_lmdi.R) states the numbers below for two groups of
three factors, and the analytic limits where a factor is zero.
"""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from siyu_helpers.analysis.decomposition import (
    NEW_GROUP,
    VANISHED_GROUP,
    as_ratios,
    lmdi,
    lmdi_by_group,
    rounded_to_sum,
    waterfall,
)

POSITIVE = st.floats(1e-6, 1e9)
FACTORS = st.integers(1, 5).flatmap(
    lambda n: st.tuples(st.lists(POSITIVE, min_size=n, max_size=n), st.lists(POSITIVE, min_size=n, max_size=n))
)
LMDIR_X = {
    1971: [[1, 10, 2], [4, 5, 3]],
    1972: [[4, 5, 3], [5, 6, 4]],
    1973: [[8, 2, 4], [5, 7, 5]],
    1974: [[10, 1, 5], [6, 8, 6]],
}
LMDIR_ADDITIVE = {
    (1971, 1972): [[50.47438029, -25.23719014, 14.76280986], [19.31568569, 15.78206435, 24.90224996]],
    (1972, 1973): [[42.96021467, -56.79031473, 17.83010006], [0, 22.47128816, 32.52871184]],
    (1973, 1974): [[12.6549815, -39.30996299, 12.6549815], [41.35566084, 30.28867832, 41.35566084]],
}
LMDIR_MULTIPLICATIVE = {
    (1971, 1972): [1.761117821, 0.926191306, 1.379410116],
    (1972, 1973): [1.229284572, 0.847970248, 1.273773912],
    (1973, 1974): [1.208140223, 0.968911503, 1.208140223],
}


def named(values):
    return {f"factor {i}": value for i, value in enumerate(values)}


def groups(rows):
    return pd.DataFrame(rows, columns=["f1", "f2", "f3"], index=["s1", "s2"], dtype=float)


@pytest.mark.parametrize("years", LMDIR_ADDITIVE)
def test_the_numbers_of_the_r_package(years):
    before, after = (groups(LMDIR_X[year]) for year in years)
    split = lmdi_by_group(before, after)
    made = split.pivot(index="group", columns="component", values="contribution")
    np.testing.assert_allclose(made, LMDIR_ADDITIVE[years], atol=5e-8)
    by_factor = made.sum()
    ratios = as_ratios(by_factor, before.prod(axis=1).sum(), after.prod(axis=1).sum())
    np.testing.assert_allclose(ratios, LMDIR_MULTIPLICATIVE[years], rtol=5e-9)


def test_the_analytic_limits_of_the_r_package():
    zero_before = [[0, 10, 2], LMDIR_X[1971][1]]
    made = lmdi_by_group(groups(zero_before), groups(LMDIR_X[1972]))
    assert made["contribution"][:3].tolist() == [60, 0, 0]
    zero_after = [LMDIR_X[1972][0], [5, 6, 0]]
    made = lmdi_by_group(groups(LMDIR_X[1971]), groups(zero_after))
    assert made["contribution"][3:].tolist() == [0, 0, -60]


@given(FACTORS)
def test_contributions_add_up_to_the_change(factors):
    before, after = factors
    parts = lmdi(named(before), named(after))["contribution"]
    change, size = math.prod(after) - math.prod(before), max(math.prod(after), math.prod(before))
    assert abs(math.fsum(parts) - change) <= 1e-12 * max(size, parts.abs().max())


@given(FACTORS)
def test_swapping_the_periods_turns_the_sign(factors):
    there, back = (lmdi(named(a), named(b))["contribution"] for a, b in (factors, factors[::-1]))
    size = max(map(math.prod, factors))
    np.testing.assert_allclose(there, -back, atol=1e-9 * max(size, there.abs().max()))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.2, 5), min_size=3, max_size=3), st.lists(st.floats(0.2, 5), min_size=3, max_size=3)
)  # fmt: skip
def test_it_is_the_integral_along_the_exponential_path(before, after):
    """Divisia: the contribution of a factor is the integral of V dln(x) while every factor grows at a steady rate."""
    parts = lmdi(named(before), named(after))["contribution"]
    for i, part in enumerate(parts):
        growth = math.log(after[i] / before[i])

        def value(t, growth=growth):
            return growth * math.prod(x0 * (x1 / x0) ** t for x0, x1 in zip(before, after, strict=True))

        assert part == pytest.approx(quad(value, 0, 1)[0], rel=1e-7, abs=1e-9)


def test_near_shapley_for_small_changes():
    before, after = [100.0, 0.05, 1.4, 200.0], [104.0, 0.052, 1.38, 209.0]
    shapley = np.zeros(4)
    for order in itertools.permutations(range(4)):
        now = list(before)
        for i in order:
            was = math.prod(now)
            now[i] = after[i]
            shapley[i] += (math.prod(now) - was) / math.factorial(4)
    np.testing.assert_allclose(lmdi(named(before), named(after))["contribution"], shapley, rtol=2e-3)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([0, 3], [2, 5], [10, 0]),  # one factor rose from zero: it takes the change
        ([2, 5], [0, 7], [-10, 0]),
        ([0, 0, 3], [2, 2, 5], [10, 10, 0]),  # two did: in equal parts
        ([0, 3], [2, 0], [0, 0]),  # nothing before, nothing after
        ([0, 3], [0, 4], [0, 0]),
        ([2, 3], [2, 3], [0, 0]),
        ([2, 3], [3, 2], [6 * math.log(1.5), -6 * math.log(1.5)]),  # no change of the product: L = V
    ],
)
def test_zeros_and_standing_still(before, after, expected):
    assert lmdi(named(before), named(after))["contribution"].tolist() == pytest.approx(expected)


def test_the_limit_is_where_small_values_lead():
    """Ang and Liu (2007): replacing zero by ever smaller values converges, slowly, to the analytic limit."""
    limit = np.array([20.0, 0.0])
    misses = []
    for small in (1e-10, 1e-100, 1e-300):
        parts = lmdi({"a": small, "b": 3.0}, {"a": 4.0, "b": 5.0})["contribution"]
        misses.append(np.abs(parts - limit).max())
    assert misses[0] > misses[1] > misses[2]
    assert misses[2] < 0.02


def test_groups_that_come_and_go_are_their_own_components():
    before = pd.DataFrame({"share": [0.5, 0.5, 0.0], "cost": [60.0, 40.0, np.nan]}, index=["feed", "search", "notes"])
    after = pd.DataFrame({"cost": [75.0, 30.0], "share": [0.8, 0.2]}, index=["feed", "notes"])
    split = lmdi_by_group(before, after)
    assert split["component"].tolist() == ["share", "cost", VANISHED_GROUP, NEW_GROUP]
    assert split["contribution"].iloc[2:].tolist() == [-20.0, 6.0]
    assert split["contribution"].sum() == pytest.approx(0.8 * 75 + 0.2 * 30 - 50, rel=1e-12)


@given(st.data())
def test_groups_add_up_to_the_change_of_the_total(data):
    def table():
        names = data.draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6))
        return pd.DataFrame(
            {"x": [data.draw(POSITIVE) for _ in names], "y": [data.draw(POSITIVE) for _ in names]}, index=names
        )

    before, after = table(), table()
    split = lmdi_by_group(before, after)
    totals = [frame.prod(axis=1).sum() if len(frame) else 0.0 for frame in (before, after)]
    size = max(*totals, split["contribution"].abs().max() if len(split) else 0)
    assert abs(math.fsum(split["contribution"]) - (totals[1] - totals[0])) <= 1e-9 * size
    assert set(split["group"]) == {*before.index, *after.index}


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, {}), ({"a": 1}, {"b": 1}), ({"a": -1}, {"a": 1}), ({"a": 1}, {"a": math.nan}), ({"a": math.inf}, {"a": 1})],
)
def test_what_cannot_be_split_is_refused(before, after):
    with pytest.raises(ValueError, match=r"factors"):
        lmdi(before, after)


def test_a_blank_beside_a_positive_factor_and_a_doubled_group_are_refused():
    good = pd.DataFrame({"x": [1.0], "y": [2.0]}, index=["a"])
    with pytest.raises(ValueError, match="blank"):
        lmdi_by_group(good, good.assign(y=np.nan))
    with pytest.raises(ValueError, match="twice"):
        lmdi_by_group(pd.concat([good, good]), good)
    with pytest.raises(ValueError, match="columns"):
        lmdi_by_group(good, good[["x"]])
    with pytest.raises(ValueError, match="above 0"):
        as_ratios([1.0], 0, 1)
    with pytest.raises(ValueError, match="too large"):
        lmdi({"a": 1e300, "b": 1e300}, {"a": 1, "b": 1})


@given(st.lists(st.floats(-1e9, 1e9), max_size=12), st.integers(0, 4))
def test_rounded_numbers_add_up_and_stay_near(values, digits):
    made = rounded_to_sum(values, digits)
    scale = 10**digits
    assert sum(round(number * scale) for number in made) == round(math.fsum(values) * scale)
    assert all(abs(a - b) < 1.001 / scale + 1e-6 for a, b in zip(values, made, strict=True))


@given(st.integers(0, 10**12), st.lists(st.floats(-1e9, 1e9), max_size=6))
def test_the_bars_of_a_waterfall_meet(cents, changes):
    bars = waterfall(cents / 100, named(changes))
    units = (bars[["amount", "start", "end"]] * 100).round().astype("int64")
    assert units["amount"].iloc[0] == cents
    assert (
        units["amount"].iloc[:-1].sum() == units["amount"].iloc[-1] == round(math.fsum([cents / 100, *changes]) * 100)
    )
    inner = units.iloc[1:-1]
    assert (inner["end"] - inner["start"] == inner["amount"]).all()
    assert inner["start"].tolist() == units["end"].iloc[:-2].tolist()
    assert bars["kind"].tolist() == ["total", *["change"] * len(changes), "total"]
