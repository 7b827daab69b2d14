"""The year of a Chinese shop: sales, Spring Festival, summer, weekends, and the hours of a day."""

import datetime

import numpy as np

#: First day of the lunar year (Hong Kong Observatory, Gregorian-lunar calendar conversion tables).
LUNAR_NEW_YEAR = {
    year: datetime.date(year, month, day)
    for year, month, day in (
        (2012, 1, 23), (2013, 2, 10), (2014, 1, 31), (2015, 2, 19), (2016, 2, 8), (2017, 1, 28), (2018, 2, 16),
        (2019, 2, 5), (2020, 1, 25), (2021, 2, 12), (2022, 2, 1), (2023, 1, 22), (2024, 2, 10), (2025, 1, 29),
        (2026, 2, 17), (2027, 2, 6), (2028, 1, 26), (2029, 2, 13), (2030, 2, 3), (2031, 1, 23), (2032, 2, 11),
    )
}  # fmt: skip
#: What happens in each hour of the day, relative to the other hours. Online: quiet nights, a peak at noon and one at
#: nine in the evening. In a shop that is open from eight to ten: lunch, the afternoon, the way home.
HOURS = {
    "online": [0.5, 0.25, 0.12, 0.08, 0.06, 0.08, 0.2, 0.5, 0.85, 1.15, 1.4, 1.45,
               1.5, 1.35, 1.25, 1.25, 1.25, 1.2, 1.25, 1.5, 1.8, 2.0, 1.75, 1.2],
    "shop": [0, 0, 0, 0, 0, 0, 0, 0, 0.8, 0.8, 1.0, 2.0, 2.6, 1.8, 1.6, 2.0, 1.6, 1.6, 1.9, 1.6, 1.2, 0.6, 0, 0],
}  # fmt: skip
#: Hours between which a brand writes to people.
WRITES_FROM, WRITES_UNTIL = 9, 21
#: Peaks by name: whether a day belongs to it. A later name wins where two overlap.
_DAYS = {
    "summer": lambda day: (6, 15) <= (day.month, day.day) <= (8, 31),
    "autumn_tea": lambda day: (day.month, day.day) in ((8, 7), (8, 8)),
    "618": lambda day: (6, 1) <= (day.month, day.day) <= (6, 20),
    "double_11": lambda day: (10, 20) <= (day.month, day.day) <= (11, 11),
    "double_12": lambda day: (12, 8) <= (day.month, day.day) <= (12, 12),
    "spring_festival": lambda day: day.year in LUNAR_NEW_YEAR and -9 <= (day - LUNAR_NEW_YEAR[day.year]).days <= 7,
}
PEAKS = tuple(_DAYS)
#: Peaks on which shops sell at a discount, and after which people have bought enough for a while.
SALES = ("618", "double_11", "double_12")
_FIRST_DAY, _LAST_DAYS, _LULL, _LULL_DAYS = 1.8, 2.0, 0.85, 10


def peak_of(start: datetime.date, days: int, names=PEAKS) -> np.ndarray:
    """Which peak each day belongs to: -1 for none, else a place in `PEAKS`.

    Parameters
    ----------
    start : date
        The first day.
    days : int
        How many days.
    names : iterable of str
        The peaks that matter; others are ordinary days.

    Returns
    -------
    array of int, one per day

    Example
    -------
    >>> peak_of(datetime.date(2024, 6, 18), 3), peak_of(datetime.date(2024, 2, 10), 1)
    (array([2, 2, 2], dtype=int8), array([5], dtype=int8))
    """
    found = np.full(days, -1, dtype=np.int8)
    for number in range(days):
        day = start + datetime.timedelta(days=number)
        for name in PEAKS:
            if name in names and _DAYS[name](day):
                found[number] = PEAKS.index(name)
    return found


def _within_sales(peak: np.ndarray) -> np.ndarray:
    """How a sale runs: a rush on its first day, a greater one on its last two, and a lull of ten days afterwards."""
    shape = np.ones(len(peak))
    for name in SALES:
        mine = peak == PEAKS.index(name)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mine.astype(int), [0]])))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            run = np.ones(end - begin)
            run[0], run[-2:] = _FIRST_DAY, _LAST_DAYS
            shape[begin:end] = run / run.mean()
            after = slice(end, end + _LULL_DAYS)
            shape[after] = np.where(peak[after] == -1, _LULL, shape[after])
    return shape


class Season:
    """How busy each moment is, relative to an average one, and the clock that runs faster when it is busy.

    Parameters
    ----------
    start : date
        Day 0; times are days since its midnight.
    days : int
    peaks : dict
        Name of a peak (see `PEAKS`) -> how many times busier its days are than others; below 1: quieter.
    weekend : float
        The same for Saturdays and Sundays.
    hours : str
        Which hours people buy at: a key of `HOURS`.

    `.level` has one number a day with mean 1 over the whole span; `.sale` says on which days shops sell at a discount.
    `busy(t)` is the time of that clock at time t, `time(b)` its inverse.
    """

    def __init__(
        self, start: datetime.date, days: int, peaks: dict[str, float], weekend: float = 1.0, hours: str = "online"
    ):
        unknown = [name for name in peaks if name not in PEAKS]
        if unknown:
            raise ValueError(f"There is no peak {unknown[0]!r}; peaks are {', '.join(PEAKS)}.")
        self.peak = peak_of(start, days, peaks)
        self.sale = np.isin(self.peak, [PEAKS.index(name) for name in SALES])
        factors = np.array([*(peaks.get(name, 1.0) for name in PEAKS), 1.0])
        weekday = (np.arange(days) + start.weekday()) % 7
        level = factors[self.peak] * _within_sales(self.peak) * np.where(weekday >= 5, weekend, 1.0)
        self.level = level / level.mean()
        of_day = np.array(HOURS[hours]) / np.sum(HOURS[hours])
        hourly = np.outer(self.level, of_day).ravel()
        self._knots = np.arange(days * 24 + 1) / 24
        self._busy = np.concatenate([[0.0], np.cumsum(hourly)])
        self._hours = np.concatenate([[0.0], np.cumsum(of_day)])

    def busy(self, time: np.ndarray) -> np.ndarray:
        """Busy days that have passed at each time."""
        return np.interp(time, self._knots, self._busy)

    def time(self, busy: np.ndarray) -> np.ndarray:
        """The time at which so many busy days have passed."""
        return np.interp(busy, self._busy, self._knots)

    def at_an_hour(self, time: np.ndarray) -> np.ndarray:
        """Times moved within their day to hours at which people buy, in unchanged order."""
        day = np.floor(time)
        return day + np.interp(time - day, self._hours, np.arange(25) / 24) * (1 - 1e-9)


def in_writing_hours(time: np.ndarray) -> np.ndarray:
    """Times moved within their day to hours at which a brand may write to people, in unchanged order.

    Example
    -------
    >>> in_writing_hours(np.array([0.0, 3.5])) * 24
    array([ 9., 87.])
    """
    day = np.floor(time)
    return day + (WRITES_FROM + (WRITES_UNTIL - WRITES_FROM) * (time - day)) / 24
