"""Spring Festival in a calendar of months or weeks: the one great peak of the Chinese retail year that moves.

618, 11.11 and 12.12 come at the same time every year, so a level for each month of the calendar takes them out.
Spring Festival falls between 21 January and 20 February: what it does to a month goes with the days that fall in it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

import numpy as np

#: First day of the lunar year: month and day (Hong Kong Observatory, Gregorian-lunar calendar conversion tables).
LUNAR_NEW_YEAR = {
    year: datetime.date(year, month, day)
    for year, month, day in (
        (2005, 2, 9), (2006, 1, 29), (2007, 2, 18), (2008, 2, 7), (2009, 1, 26), (2010, 2, 14), (2011, 2, 3),
        (2012, 1, 23), (2013, 2, 10), (2014, 1, 31), (2015, 2, 19), (2016, 2, 8), (2017, 1, 28), (2018, 2, 16),
        (2019, 2, 5), (2020, 1, 25), (2021, 2, 12), (2022, 2, 1), (2023, 1, 22), (2024, 2, 10), (2025, 1, 29),
        (2026, 2, 17), (2027, 2, 6), (2028, 1, 26), (2029, 2, 13), (2030, 2, 3), (2031, 1, 23), (2032, 2, 11),
        (2033, 1, 31), (2034, 2, 19), (2035, 2, 8),
    )
}  # fmt: skip
#: The festival by its trade: from nine days before new year's day, when parcels stop, to seven days after it.
DAYS_BEFORE, DAYS_AFTER = 9, 7
WINDOW_DAYS = DAYS_BEFORE + 1 + DAYS_AFTER


def spring_festival_share(periods: Iterable[str]) -> np.ndarray:
    """Share of the days around Spring Festival (9 before new year's day to 7 after, 17 in all) in each month or week.

    names of months or weeks  ->  array (one share for each, in the same order)

    Parameters
    ----------
    periods : iterable of str
        Months such as "2024-02" or weeks such as "2024-W06" (Monday to Sunday).

    Returns
    -------
    array of float
        0 to 1; the shares of one year add up to 1. 0 away from the festival, never blank.

    Raises
    ------
    ValueError
        For a name that is no month or week, and for a year before 2005 or after 2035, which the table does not hold.

    Notes
    -----
    First days of the lunar years: Hong Kong Observatory, Gregorian-lunar calendar conversion tables.

    Example
    -------
    >>> spring_festival_share(["2024-01", "2024-02", "2025-01", "2025-02", "2025-11"]).round(2)
    array([0.  , 1.  , 0.71, 0.29, 0.  ])
    >>> spring_festival_share(["2024-W05", "2024-W06", "2024-W07"]).round(2)
    array([0.24, 0.41, 0.35])
    """
    return np.array([_share(*_span(name)) for name in periods], dtype=float)


def _share(first: datetime.date, last: datetime.date) -> float:
    """Share of the window's days from first to last; the window is that of the year in which the period ends."""
    for year in (first.year, last.year):
        if year not in LUNAR_NEW_YEAR:
            known = f"{min(LUNAR_NEW_YEAR)} to {max(LUNAR_NEW_YEAR)}"
            raise ValueError(f"Spring Festival of {year} is not in the table, which holds {known}: use other months")
    new_year = LUNAR_NEW_YEAR[last.year]
    begin = max(first, new_year - datetime.timedelta(days=DAYS_BEFORE))
    end = min(last, new_year + datetime.timedelta(days=DAYS_AFTER))
    return max((end - begin).days + 1, 0) / WINDOW_DAYS


def _span(name: str) -> tuple[datetime.date, datetime.date]:
    """First and last day of a month "2024-02" or a week "2024-W06"."""
    try:
        if week := re.fullmatch(r"(\d{4})-W(\d{2})", str(name)):
            monday = datetime.date.fromisocalendar(int(week[1]), int(week[2]), 1)
            return monday, monday + datetime.timedelta(days=6)
        first = datetime.date.fromisoformat(f"{name}-01")
    except ValueError:
        raise ValueError(f"{name!r} is no month or week: write '2024-02' or '2024-W06'") from None
    following = (first + datetime.timedelta(days=31)).replace(day=1)
    return first, following - datetime.timedelta(days=1)


def usual_festival_share() -> dict[int, float]:
    """Share of the festival's days that falls in January and in February, on average over the years of the table.

    Returns
    -------
    dict, month of the year (1 to 12) -> share; the twelve add up to 1.

    Example
    -------
    >>> {month: round(share, 2) for month, share in usual_festival_share().items() if share}
    {1: 0.37, 2: 0.63}
    """
    return {
        month: float(spring_festival_share(f"{year}-{month:02d}" for year in LUNAR_NEW_YEAR).mean())
        for month in range(1, 13)
    }
