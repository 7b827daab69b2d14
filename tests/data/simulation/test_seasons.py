"""Seasons: peaks fall on their days, a busy clock is its own inverse, hours keep their order."""

import datetime

import numpy as np
import pytest

from siyu_helpers.data.simulation.seasons import HOURS, PEAKS, Season, in_writing_hours, peak_of

DAY = datetime.date


@pytest.mark.parametrize(
    ("day", "peak"),
    [
        (DAY(2023, 6, 18), "618"), (DAY(2024, 11, 11), "double_11"), (DAY(2025, 12, 12), "double_12"),
        (DAY(2023, 1, 22), "spring_festival"), (DAY(2024, 2, 10), "spring_festival"),
        (DAY(2025, 1, 29), "spring_festival"), (DAY(2025, 2, 10), None), (DAY(2024, 9, 1), None),
    ],
)  # fmt: skip
def test_peaks_fall_on_their_days(day, peak):
    assert peak_of(day, 1)[0] == (PEAKS.index(peak) if peak else -1)


@pytest.mark.parametrize("hours", list(HOURS))
def test_the_busy_clock(hours):
    season = Season(DAY(2024, 1, 1), 366, {"double_11": 2.0, "spring_festival": 0.5}, weekend=1.3, hours=hours)
    assert season.level.mean() == pytest.approx(1)
    assert season.busy(366.0) == pytest.approx(366)
    time = np.linspace(10 / 24, 365.9, 500)
    day_of_time = time[(time % 1 > 0.34) & (time % 1 < 0.9)]
    assert season.time(season.busy(day_of_time)) == pytest.approx(day_of_time, abs=1e-6)
    of_peak = season.level[season.peak == PEAKS.index("double_11")].mean()
    # The ten days after the sale are quieter: they are no yardstick.
    lull = np.isin(np.arange(366) - np.flatnonzero(season.peak == PEAKS.index("double_11"))[-1], range(1, 11))
    ordinary = season.level[(season.peak == -1) & ~lull].mean()
    assert of_peak / ordinary == pytest.approx(2.0, rel=0.05)
    assert season.level[lull].mean() < 0.95 * ordinary
    # The busiest: Sunday 10 November 2024, one of the last two days, then Sunday 20 October, the first of the sale.
    assert np.argsort(season.level)[-2:].tolist() == [293, 314]


def test_hours_stay_within_the_day_and_in_order():
    season = Season(DAY(2024, 1, 1), 10, {}, hours="shop")
    time = np.sort(np.random.default_rng(1).uniform(0, 10, 5000))
    for moved in (season.at_an_hour(time), in_writing_hours(time)):
        assert (np.floor(moved) == np.floor(time)).all()
        assert (np.diff(moved) >= 0).all()
    hour = season.at_an_hour(time) % 1 * 24
    assert hour.min() >= 8
    assert hour.max() <= 22


def test_an_unknown_peak_is_refused():
    with pytest.raises(ValueError, match="no peak 'black_friday'"):
        Season(DAY(2024, 1, 1), 10, {"black_friday": 2.0})
