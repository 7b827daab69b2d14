"""The regression behind `responses`: new customers on spend, what recurs every year taken out, carry-over allowed for.

Spend follows demand: brands spend more before 618 and 11.11, when more people buy anyway. Only spend that moved for
other reasons shows what spend does. So each period is compared with the same period of other years, and what is left of
spend is what the elasticity rests on.
"""

from __future__ import annotations

import datetime
import re
import warnings
from typing import Any, NamedTuple

import numpy as np
import statsmodels.api as sm
from scipy import stats
from scipy.linalg import qr

from siyu_helpers.analysis.acquisition.festivals import spring_festival_share
from siyu_helpers.analysis.mixed_regression import Mixture, averaged

A_YEAR = {"month": 12, "week": 365.25 / 7}
#: Sales of the platforms, first and last day (month, day), and the days after them when people have bought enough.
#: They begin and end on dates, so the weeks of the year that hold their busiest days differ from year to year.
SALES = {"618": ((6, 1), (6, 20)), "double_11": ((10, 20), (11, 11)), "double_12": ((12, 8), (12, 12))}
LULLS = (((6, 21), (6, 30)), ((11, 12), (11, 21)))
FIRST_DAYS = (((6, 1), (6, 1)), ((10, 20), (10, 20)))
LAST_DAYS = (((6, 16), (6, 20)), ((11, 9), (11, 11)))
#: Share of the spend of a period that brings its customers one period later, and what each is given beforehand: most
#: first orders come within days.
CARRY_OVER = {"week": (0.0, 0.1, 0.2, 0.3), "month": (0.0, 0.1)}
BEFOREHAND = {"week": (0.5, 0.25, 0.15, 0.1), "month": (0.7, 0.3)}
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


class Fit(NamedTuple):
    """The elasticity as a mixture of normal distributions, and how far log spend moved apart from the season."""

    elasticity: Mixture
    moved: float
    spare: int  # periods left to judge from, after season, trend and spend


def first_day(period: str) -> datetime.date:
    """First day of a month "2024-02" or a week "2024-W06"; ValueError for anything else."""
    try:
        if week := _WEEK.fullmatch(str(period)):
            return datetime.date.fromisocalendar(int(week[1]), int(week[2]), 1)
        return datetime.date.fromisoformat(f"{period}-01")
    except ValueError:
        raise ValueError(f"{period!r} is no month or week: write '2024-02' or '2024-W06'") from None


def number(period: str) -> int:
    """Months or weeks since some moment, so that neighbours differ by 1."""
    day = first_day(period)
    return day.toordinal() // 7 if _WEEK.fullmatch(str(period)) else day.year * 12 + day.month - 1


def is_ordinary(period: str) -> bool:
    """Whether less than half of the days of a week belong to a sale or to Spring Festival; every month is ordinary."""
    if not _WEEK.fullmatch(str(period)):
        return True
    return _days_within(period, tuple(SALES.values())) + 17 * spring_festival_share([period])[0] < 3.5


def kind_of(periods: list[str]) -> str:
    """Whether names of periods are those of weeks or of months."""
    return "week" if _WEEK.fullmatch(str(periods[0])) else "month"


def season(periods: list[str]) -> np.ndarray:
    """Columns that take out what recurs every year, and a straight line: (periods, columns), of full rank."""
    kind = kind_of(periods)
    days = [first_day(period) for period in periods]
    at = np.array([number(period) for period in periods])
    if kind == "month":
        level = np.array([day.month for day in days])
        moving = [spring_festival_share(periods)]
    else:
        level = np.minimum([day.isocalendar().week for day in days], 52)
        windows = [(sale,) for sale in SALES.values()] + [(days,) for days in LAST_DAYS] + [FIRST_DAYS, LULLS]
        moving = [np.array([_days_within(period, window) / 7 for period in periods]) for window in windows]
        moving.append(spring_festival_share(periods))
    columns = [level[:, None] == np.unique(level), (at - at.mean()) / A_YEAR[kind], *moving]
    return _of_full_rank(np.column_stack(columns).astype(float))


def _days_within(period: str, windows: tuple) -> int:
    """How many of the seven days of a week lie in one of the windows of the calendar."""
    monday = first_day(period)
    week = [monday + datetime.timedelta(days=days) for days in range(7)]
    return sum(any(first <= (day.month, day.day) <= last for first, last in windows) for day in week)


def _of_full_rank(columns: np.ndarray) -> np.ndarray:
    """The columns without those that the others give."""
    _, root, place = qr(columns, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(root))
    return columns[:, np.sort(place[: int((diagonal > 1e-9 * diagonal[0]).sum())])]


def moved(spend: np.ndarray, design: np.ndarray) -> tuple[float, int]:
    """Standard deviation of log spend apart from season and trend, and the periods left to judge from."""
    spare = len(spend) - design.shape[1] - 1
    left = np.log(spend) - design @ np.linalg.lstsq(design, np.log(spend), rcond=None)[0]
    return float(np.sqrt(left @ left / max(spare + 1, 1))), spare


def fit(customers: np.ndarray, spend: np.ndarray, before: np.ndarray, periods: list[str], design: np.ndarray) -> Fit:
    """Elasticity of new customers to spend, averaged over scatter and carry-over.

    Parameters
    ----------
    customers, spend : arrays (n,)
        New customers and spend of each period, spend above 0.
    before : array (n,)
        Spend of the period before each; NaN where it is not known or nothing, which counts as no carry-over.
    periods : list of str
        Names of the periods, in their order.
    design : array (n, columns)
        From `season`.

    Notes
    -----
    A Poisson regression (statsmodels) finds the expected counts; its working response, which is linear in the counts
    and so not biased by small ones as their logarithm is, then goes through a regression with autocorrelated scatter
    (penalised quasi-likelihood, one step: Breslow and Clayton 1993, JASA 88, 9-25).
    """
    kind = kind_of(periods)
    at = np.array([number(period) for period in periods])
    before = np.where(np.isnan(before), spend, before)
    found, start = [], None
    for share in CARRY_OVER[kind]:
        explained = np.log((1 - share) * spend + share * before)
        expected, deviance, excess, start = _poisson(customers, np.column_stack([design, explained]), start)
        working = np.log(expected) + (customers - expected) / expected
        found.append((deviance, excess, averaged(working, 1 / expected, at, np.column_stack([design, explained]))))
    weight = -np.array([deviance for deviance, _, _ in found]) / 2 / min(excess for _, excess, _ in found)
    weight = np.exp(weight - weight.max()) * BEFOREHAND[kind]
    parts = [
        mixture._replace(weight=mixture.weight * share)
        for share, (_, _, mixture) in zip(weight / weight.sum(), found, strict=True)
    ]
    together = Mixture(*(np.concatenate([part[place] for part in parts]) for place in range(len(Mixture._fields))))
    return Fit(together, *moved(spend, design))


def _poisson(customers: np.ndarray, x: np.ndarray, start: np.ndarray | None) -> tuple[np.ndarray, float, float, Any]:
    """Expected counts, deviance, how many times more than by chance the counts scatter, and the parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # counts that a season without customers fits exactly
        model = sm.GLM(customers, x, family=sm.families.Poisson()).fit(maxiter=50, start_params=start)
    # A season without a customer has no level: its expected count runs towards 0, where it weighs nothing.
    expected = np.maximum(np.asarray(model.mu), 1e-3)
    spare = max(len(customers) - x.shape[1], 1)
    excess = max(float(((customers - expected) ** 2 / expected).sum() / spare), 1.0)
    return expected, float(model.deviance), excess, model.params


def quantiles(elasticity: Mixture, shares: np.ndarray) -> np.ndarray:
    """Numbers below which the elasticity lies with these chances, by interpolation."""
    reach = 6 * elasticity.error.max()
    grid = np.linspace(elasticity.value.min() - reach, elasticity.value.max() + reach, 801)
    below = stats.norm.cdf((grid[:, None] - elasticity.value) / elasticity.error) @ elasticity.weight
    rising = np.maximum.accumulate(below) + 1e-15 * np.arange(len(grid))
    return np.interp(shares, rising, grid)


def wander(elasticity: Mixture, periods: int) -> float:
    """Standard deviation of the mean, over so many neighbouring periods, of scatter that is not chance."""
    alike, scatter = elasticity.resemblance, elasticity.scatter
    return float(np.sqrt(elasticity.weight @ (scatter**2 * (1 + alike) / (1 - alike)) / periods))
