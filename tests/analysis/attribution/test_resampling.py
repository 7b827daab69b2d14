import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.attribution import resampling
from siyu_helpers.analysis.attribution.paths import COUNTS, encode
from siyu_helpers.analysis.attribution.resampling import distinct, draws_of

ROWS = st.tuples(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(tuple), st.integers(0, 3), st.integers(0, 3)
)


def table(rows):
    frame = pd.DataFrame(rows, columns=["path", "conversions", "nulls"])
    return frame.assign(value=[10.0 * bought * len(path) for path, bought, _ in rows])


def as_paths(paths):
    """Paths as tuples of names again."""
    return [
        tuple(paths.channels[code] for code in paths.codes[begin:end])
        for begin, end in zip(paths.starts, paths.starts[1:], strict=False)
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, max_size=15).map(table))
def test_equal_rows_are_added_up(journeys):
    found = distinct(encode(journeys)).paths
    made = pd.DataFrame({"path": as_paths(found), **{name: getattr(found, name) for name in COUNTS}})
    expected = journeys.groupby("path")[COUNTS].sum()
    assert made["path"].is_unique
    assert made.set_index("path")[COUNTS].sort_index().to_numpy().tolist() == expected.to_numpy().tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=15).map(table), st.data())
def test_order_of_rows_makes_no_difference(journeys, data):
    shuffled = journeys.iloc[data.draw(st.permutations(range(len(journeys))))]
    one, other = (distinct(encode(frame)) for frame in (journeys, shuffled))
    assert as_paths(one.paths) == as_paths(other.paths)
    for left, right in zip(draws_of(one, 5, seed=3), draws_of(other, 5, seed=3), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_hours_keep_rows_apart():
    journeys = pd.DataFrame({"path": [("a", "b")] * 3, "conversions": [1, 2, 4]})
    journeys["hours_before_end"] = [(9.0, 1.0), (9.0, 2.0), (9.0, 1.0)]
    found = distinct(encode(journeys)).paths
    assert found.conversions.tolist() == [5, 2]
    assert found.hours.tolist() == [9, 1, 9, 2]


def test_spread_of_value_is_that_of_single_orders():
    """Hand arithmetic: orders of 10, 20 and 60 along one path vary by 466.7; as one row of sums with their squared
    coefficient of variation, by two thirds of it times the mean squared, which is the same."""
    single = pd.DataFrame({"path": [("a",)] * 3, "conversions": 1, "value": [10.0, 20, 60]})
    assert distinct(encode(single)).spread.tolist() == [pytest.approx(np.var([10, 20, 60]))]
    row = pd.DataFrame({"path": [("a",)], "conversions": [3], "value": [90.0]})
    variation = (4100 - 90**2 / 3) / (30**2 * 2)  # as `journeys` defines value_variation
    assert distinct(encode(row), variation).spread.tolist() == [pytest.approx(np.var([10, 20, 60]))]
    assert distinct(encode(row)).spread.tolist() == [0]


def test_draws_have_the_moments_of_drawing_with_replacement():
    """Of 1,000 journeys n p (1 - p); money as that of 300 single orders drawn with replacement."""
    rng = np.random.default_rng(1)
    orders = rng.gamma(2, 50, 300)
    journeys = pd.DataFrame({"path": [("a",)] * 300 + [("b",)], "conversions": [1] * 300 + [0]})
    journeys = journeys.assign(value=[*orders, 0], nulls=[0] * 300 + [700])
    (drawn,) = draws_of(distinct(encode(journeys)), 20_000, seed=2)
    conversions, nulls, value = (numbers.sum(axis=0) for numbers in drawn)
    assert conversions + nulls == pytest.approx(1_000)
    assert conversions.mean() == pytest.approx(300, rel=0.005)
    assert conversions.var() == pytest.approx(1_000 * 0.3 * 0.7, rel=0.05)
    single = np.append(orders, np.zeros(700))
    assert value.mean() == pytest.approx(single.sum(), rel=0.005)
    assert value.var() == pytest.approx(1_000 * single.var(), rel=0.05)


def test_blocks_hold_all_draws(monkeypatch):
    journeys = distinct(encode(pd.DataFrame({"path": [("a",), ("b",)], "conversions": [5, 0.5], "nulls": [2, 0]})))
    monkeypatch.setattr(resampling, "CELLS", 6)
    blocks = list(draws_of(journeys, 7, seed=1, money=False))
    assert [block[0].shape for block in blocks] == [(2, 3), (2, 3), (2, 1)]
    assert not any(value.any() for _, _, value in blocks)
    empty = distinct(encode(pd.DataFrame({"path": [], "conversions": []})))
    assert next(draws_of(empty, 2, seed=1))[0].shape == (0, 2)
