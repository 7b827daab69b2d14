"""Axes of rows: neighbours do not collide, an endless interval does not squeeze the others."""

import numpy as np
import pytest

from siyu_helpers.reporting.charts import row_axes

ONE, TWO = "name", "name of\ntwo lines"


def heights(heads, **more):
    figure, _ = row_axes.rows_plot(heads, ["1.0"] * len(heads), 0.2, "en", **more)
    return figure.get_size_inches()[1] / len(heads)


def test_snug_rows_are_as_high_as_neighbours_need():
    assert heights([TWO, ONE, ONE]) == pytest.approx(0.36)
    assert heights([TWO, ONE, ONE], snug=True) == pytest.approx(0.285)
    assert heights([TWO, TWO, ONE], snug=True) == pytest.approx(0.36)
    assert heights([ONE, ONE], snug=True) == pytest.approx(0.21)
    assert heights([TWO], snug=True) == pytest.approx(0.36)


def test_the_axis_holds_all_points_and_cuts_only_what_is_far_longer():
    bounds = np.array([[-1.0, 1.0], [4.0, 6.0], [-500.0, 500.0], [np.nan, np.nan], [2.0, np.inf]])
    low, high = row_axes.reached(np.array([0.0, 5.0, np.nan, 0.0]), bounds)
    # Of the bounded ones, half as long in the middle: 1. Four times that beyond the points 0 and 5: -4 to 9, 5% room.
    assert (low, high) == pytest.approx((-4 - 0.65, 9 + 0.65))


def test_without_intervals_or_differences_there_is_still_an_axis():
    none = np.full((2, 2), np.nan)
    assert row_axes.reached(np.array([1.0, 3.0]), none) == pytest.approx((0.9, 3.1))
    low, high = row_axes.reached(np.array([0.0, 0.0]), none)
    assert low < 0 < high
