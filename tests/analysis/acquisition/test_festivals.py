"""Spring Festival by month and week, against the simulator's table, another package and days counted by hand."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.acquisition.festivals import (
    LUNAR_NEW_YEAR,
    WINDOW_DAYS,
    spring_festival_share,
    usual_festival_share,
)
from siyu_helpers.data.simulation import seasons

YEARS = range(2005, 2036)


def test_the_table_agrees_with_the_simulator():
    assert set(LUNAR_NEW_YEAR) == set(YEARS)
    for year, day in seasons.LUNAR_NEW_YEAR.items():
        assert LUNAR_NEW_YEAR[year] == day


def test_the_table_agrees_with_the_package_lunardate():
    lunardate = pytest.importorskip("lunardate")
    for year in YEARS:
        assert LUNAR_NEW_YEAR[year] == lunardate.LunarDate(year, 1, 1).to_solar_date()


def test_new_years_are_whole_months_of_the_moon_apart():
    """Twelve or thirteen lunar months of 29.53 days, within a day and a half."""
    days = np.array([LUNAR_NEW_YEAR[year].toordinal() for year in YEARS])
    moons = np.diff(days) / 29.530588
    assert set(moons.round()) == {12, 13}
    assert np.abs(np.diff(days) - moons.round() * 29.530588).max() < 1.5
    assert all((1, 21) <= (day.month, day.day) <= (2, 20) for day in LUNAR_NEW_YEAR.values())


def test_shares_counted_by_hand():
    """New year's day 2025 is 29 January: 20 to 31 January are 12 days, 1 to 5 February five."""
    assert spring_festival_share(["2025-02", "2025-01"]).tolist() == [5 / 17, 12 / 17]


@pytest.mark.parametrize("year", [2012, 2018, 2023, 2024, 2032])
def test_the_window_is_the_simulators(year):
    """The simulator marks the days of the festival one by one."""
    start = datetime.date(year, 1, 1)
    peak = seasons.peak_of(start, 90, ["spring_festival"])
    days = [start + datetime.timedelta(days=int(day)) for day in np.flatnonzero(peak >= 0)]
    assert len(days) == WINDOW_DAYS
    expected = [sum(day.month == month for day in days) / WINDOW_DAYS for month in (1, 2, 3)]
    assert spring_festival_share([f"{year}-{month:02d}" for month in (1, 2, 3)]) == pytest.approx(expected)


@given(st.sampled_from(YEARS))
def test_shares_of_a_year_add_up_to_one(year):
    assert spring_festival_share(f"{year}-{month:02d}" for month in range(1, 13)).sum() == pytest.approx(1)
    assert spring_festival_share(f"{year}-W{week:02d}" for week in range(1, 53)).sum() == pytest.approx(1)


def test_the_usual_share_adds_up_to_one_and_is_the_mean_over_the_years():
    usual = usual_festival_share()
    assert sum(usual.values()) == pytest.approx(1)
    assert usual[1] == pytest.approx(np.mean([spring_festival_share([f"{year}-01"])[0] for year in YEARS]))


@pytest.mark.parametrize("name", ["2004-12", "2036-01"])
def test_a_year_out_of_the_table_is_refused(name):
    with pytest.raises(ValueError, match="is not in the table, which holds 2005 to 2035"):
        spring_festival_share([name])


@pytest.mark.parametrize("name", ["2024-13", "2024-6", "2024", "June", "2023-W53", None])
def test_what_is_no_month_or_week_is_refused(name):
    with pytest.raises(ValueError, match="is no month or week"):
        spring_festival_share([name])
