"""Steps of forming journeys that the table does not show: the clock of orders, and where stretches of touches lie."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.attribution import forming, touches

MINUTE, DAY = forming.CLOCKS["minute"], forming.CLOCKS["day"]


@pytest.mark.parametrize(
    ("orders", "touched", "clock"),
    [
        (np.arange(20) * MINUTE, [1], "minute"),
        (np.arange(20) * DAY, [1], "day"),
        (np.arange(20) * DAY, [MINUTE], "day"),
        (np.arange(20) * MINUTE, [MINUTE], "exact"),  # both to the minute
        (np.arange(20) * DAY, [DAY], "exact"),
        (np.arange(19) * MINUTE, [1], "exact"),  # too few to tell
        (np.append(np.arange(99) * MINUTE, 1), [1], "exact"),
        (np.arange(20) * MINUTE, [], "exact"),
    ],
)
def test_the_clock_of_orders_is_told_from_their_times(orders, touched, clock):
    assert forming.clock_of("auto", orders, np.array(touched, dtype=np.int64)) == clock
    assert forming.clock_of("minute", orders, np.array(touched, dtype=np.int64)) == "minute"


@given(st.lists(st.lists(st.integers(0, 9), max_size=6).map(sorted), min_size=1, max_size=4), st.data())
@settings(max_examples=60, deadline=None)
def test_searching_within_stretches_is_as_searching_each(stretches, data):
    ends = np.cumsum([len(stretch) for stretch in stretches])
    starts = ends - [len(stretch) for stretch in stretches]
    wanted = np.array(data.draw(st.lists(st.integers(-1, 10), min_size=len(ends), max_size=len(ends))))
    values = np.array([value for stretch in stretches for value in stretch], dtype=np.int64)
    for right in (False, True):
        made = touches.bisected(values, starts, ends, wanted, right)
        side = "right" if right else "left"
        expected = [
            start + np.searchsorted(stretch, want, side)
            for start, stretch, want in zip(starts, stretches, wanted, strict=True)
        ]
        assert made.tolist() == expected


def test_customers_stated_to_be_older_than_the_export_are_found_and_blanks_say_nothing():
    stated = pd.DataFrame({"customer_id": ["a", "b", None, "c"]})
    stated["first_order_at"] = pd.to_datetime(["2023-12-31 23:59", "2024-01-01 00:00", "2023-01-01 00:00", None])
    since = 19_723 * DAY  # 2024-01-01
    assert forming.stated_old(stated, since).tolist() == ["a"]
    assert len(forming.stated_old(None, since)) == 0
