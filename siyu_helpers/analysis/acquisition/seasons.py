"""Seasons of acquisition cost: how dear each month of the year is, and cost with the season taken out.

Used by notebooks/01_acquisition_cost.ipynb. Opens no files and draws nothing. The same regression as in `trends`, asked
for its other coefficients.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu_helpers.analysis.acquisition import trends
from siyu_helpers.analysis.acquisition.festivals import spring_festival_share, usual_festival_share
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

LEVEL_COLUMNS = ["month_of_year", "level", "low", "high"]
ADJUSTED_COLUMNS = ["month", "cac", "trend", "season", "season_free_cac"]


def seasonal_levels(costs: pd.DataFrame, group: str = trends.ALL, level: float = LEVEL) -> pd.DataFrame:
    """Cost of a new customer in each month of the year, relative to the year's average, with the trend taken out.

    table (month x channel)  ->  table (one month of the year)

    Parameters
    ----------
    costs, group
        See `trends.trend`.
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame: month_of_year (1 to 12), level (0.8: a fifth cheaper than the geometric mean of the year), low, high.
    January and February are stated with the part of Spring Festival that usually falls in them, see
    `festivals.usual_festival_share`. Months of the year that the table does not hold are absent; without any row where
    the trend is refused, see attrs "refused" (group -> Refused).

    Raises
    ------
    ValueError
        As `trends.trend`.

    Notes
    -----
    Differences within the year of the coefficients of the regression described at `trends.trend`.

    Example
    -------
    >>> months = [f"{2022 + m // 12}-{m % 12 + 1:02d}" for m in range(36)]
    >>> spend = [800 * 100 if m % 12 == 10 else 1000 * 100 for m in range(36)]
    >>> levels = seasonal_levels(pd.DataFrame({"month": months, "spend": spend, "new_customers": 1000}))
    >>> levels.set_index("month_of_year")["level"].round(3).loc[[10, 11]].tolist()
    [1.019, 0.815]
    """
    check_level(level)
    monthly = trends.monthly_costs(costs, group)
    refusal = trends.gate(monthly)
    rows = [] if refusal is not None else _levels(trends.regression(monthly), level)
    table = pd.DataFrame(rows, columns=LEVEL_COLUMNS).astype(dict.fromkeys(LEVEL_COLUMNS[1:], float))
    table["month_of_year"] = table["month_of_year"].astype("int64")
    table.attrs = {"level": level, "group": group, "refused": {} if refusal is None else {group: refusal}}
    return table


def _levels(parts: trends.Regression, level: float) -> list[tuple[float, ...]]:
    usual, months = usual_festival_share(), len(parts.calendar)
    weights = np.zeros((months, parts.design.shape[1]))
    weights[:, :months] = np.eye(months)
    if parts.has_festival:
        weights[:, months] = [usual[month] for month in parts.calendar]
    weights -= weights.mean(axis=0)
    rows = []
    for month, weight in zip(parts.calendar, weights, strict=True):
        found = trends.averaged(parts, _turned(parts.design, weight), column=0)
        rows.append((month, *np.exp([found.mean, *found.interval(level)])))
    return rows


def _turned(design: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The same design with other columns: the coefficient of the first is this weighted sum of the old ones."""
    axes = np.linalg.qr(np.column_stack([weight, np.eye(len(weight))]))[0]
    columns = design @ axes
    columns[:, 0] /= axes[:, 0] @ weight
    return columns


def festival_effect(costs: pd.DataFrame, group: str = trends.ALL, level: float = LEVEL) -> Estimate | Refused:
    """How much dearer a new customer is in a month that holds all of Spring Festival than in the same month without it.

    table (month x channel)  ->  Estimate (unit "growth": 0.2 is a fifth dearer; n the months) or Refused

    Parameters
    ----------
    costs, group, level
        See `seasonal_levels`.

    Returns
    -------
    Estimate, or Refused where the trend is, or where the festival did not move between the Januaries and Februaries.

    Example
    -------
    >>> costs = pd.DataFrame({"month": [f"2024-{m:02d}" for m in range(1, 13)], "spend": 9.0, "new_customers": 9})
    >>> festival_effect(costs).gate
    'months'
    """
    check_level(level)
    monthly = trends.monthly_costs(costs, group)
    refusal = trends.gate(monthly)
    if refusal is not None:
        return refusal
    parts = trends.regression(monthly)
    if not parts.has_festival:
        return Refused(
            "Januaries and Februaries",
            "one of each",
            "two of each",
            "数据中没有两个可比的 1 月和 2 月，春节的影响与当月的淡旺季分不开。",
            "There are no two Januaries and Februaries to compare, so that Spring Festival cannot be told from its "
            "month's season.",
        )
    found = trends.averaged(parts, parts.design, column=len(parts.calendar))
    words = Words(
        "春节前 9 天至节后 7 天（共 17 天）全部落在当月，与同一月份完全没有春节相比，获客成本的变化率；"
        f"{len(monthly)} 个月；已剔除趋势和每年同月的淡旺季。",
        "Change of the acquisition cost in a month that holds all 17 days from 9 before to 7 after lunar new year, "
        f"compared with the same month without any; {len(monthly)} months; trend and what recurs in the same month of "
        "every year are taken out.",
    )
    ends = np.expm1([found.mean, *found.interval(level)])
    return Estimate(*ends, level, len(monthly), "growth", words, festival_effect)


def adjusted(costs: pd.DataFrame, group: str = trends.ALL) -> pd.DataFrame:
    """Cost of a new customer by month, its trend, and what is left of it without season and Spring Festival.

    table (month x channel)  ->  table (one month)

    Parameters
    ----------
    costs, group
        See `trends.trend`.

    Returns
    -------
    DataFrame in order of time: month; cac (spend / new customers, blank where there was no new customer); trend (cost
    on the line whose growth `trend` states); season (1.1: a tenth dearer for the month's season and its part of Spring
    Festival); season_free_cac (cac / season). The last three are blank where the trend is refused; attrs "refused"
    holds the reason (group -> Refused). trend x season is what the regression expects of the month.

    Example
    -------
    >>> months = [f"{2022 + m // 12}-{m % 12 + 1:02d}" for m in range(24)]
    >>> costs = pd.DataFrame({"month": months, "spend": [1000 * 1.2 ** (m / 12) for m in range(24)]})
    >>> adjusted(costs.assign(new_customers=50)).round(2)[["cac", "trend"]].iloc[[0, 23]].to_numpy().tolist()
    [[20.0, 19.8], [28.37, 28.08]]
    """
    monthly = trends.monthly_costs(costs, group)
    cac = monthly["spend"] / monthly["new_customers"].where(monthly["new_customers"] > 0)
    table = pd.DataFrame({"month": monthly["month"], "cac": cac, "trend": np.nan, "season": np.nan})
    refusal = trends.gate(monthly)
    if refusal is None:
        parts = trends.regression(monthly)
        season = _season(parts, monthly["month"])
        slope = trends.averaged(parts, parts.design)
        left = parts.series - season - slope.mean * parts.design[:, -1]
        weight = 1 / (parts.chance + (slope.weight @ slope.scatter) ** 2)
        table["season"] = np.exp(season)
        table["trend"] = np.exp(weight @ left / weight.sum() + slope.mean * parts.design[:, -1])
    table["season_free_cac"] = table["cac"] / table["season"]
    table.attrs = {"group": group, "refused": {} if refusal is None else {group: refusal}}
    return table[ADJUSTED_COLUMNS]


def _season(parts: trends.Regression, months: pd.Series) -> np.ndarray:
    """Logarithm of each month's season: its level of the year, moved by how much more festival than usual it holds."""
    levels = {int(row[0]): np.log(row[1]) for row in _levels(parts, LEVEL)}
    month_of_year = parts.at % 12 + 1
    season = np.array([levels[month] for month in month_of_year])
    if parts.has_festival:
        festival = trends.averaged(parts, parts.design, column=len(parts.calendar)).mean
        usual = usual_festival_share()
        season += festival * (spring_festival_share(months) - [usual[month] for month in month_of_year])
    return season
