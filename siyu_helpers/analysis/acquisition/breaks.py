"""Breaks of acquisition cost: was there a step, from one month to the next, beyond trend and season?

Used by notebooks/01_acquisition_cost.ipynb. Opens no files and draws nothing. A change of the platform's auction, of an
attribution window or of the offer moves cost at once; a steady rise is no break, and its season is none either.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from siyu_helpers.analysis.acquisition import trends
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

# With two whole years alone, a rise in one month and a fall twelve months later leave the same series behind, since
# season and trend take up what differs; it needs months of a third year to tell them apart.
REPEATED_AT_LEAST = 18
TRIM = 0.15  # of the months, at either end, in which no break is looked for
SERIES = 999  # simulated without a break

# Over what the test is averaged: how months resemble their neighbours, how far they scatter (times the scatter seen),
# and, as normal deviations of the logarithm, the size of the step and yearly growth. With growth left wholly open, a
# step up after the first of three years and one down after the second, on a steeper trend, are the same series.
RESEMBLANCE = np.linspace(-0.3, 0.9, 7)
SCATTER = np.array([0.0, 0.3, 0.6, 0.9, 1.2, 1.6, 2.2])
STEP = 0.3
GROWTH = 0.3


class Break(NamedTuple):
    """What a test for a break found in one group.

    found says whether p_value (an Estimate with unit "probability") is at most 1 - level. month is the first month of
    the new level, None where nothing was found; step the Estimate of its size (unit "growth": 0.3 is 30% dearer), or
    Refused. n_months is what it rests on. dates holds month and chance: where the step would be if there is one, and
    adds up to 1.
    """

    group: str
    found: bool
    month: str | None
    step: Estimate | Refused
    p_value: Estimate
    n_months: int
    dates: pd.DataFrame


class _Cell(NamedTuple):
    """One pair of the grid, ready to score any number of series."""

    root: np.ndarray  # Cholesky factor of the variance
    left: np.ndarray  # y @ left @ y: weighted squares that trend and season leave over
    step: np.ndarray  # y @ step: how far a series leans towards a step at each date
    known: np.ndarray  # how much a series says about the size of a step at each date
    likelihood: float  # the part of the log likelihood, with the prior, that does not depend on the series


def break_test(
    costs: pd.DataFrame, group: str = trends.ALL, level: float = LEVEL, seed: int = 1, series: int = SERIES
) -> Break | Refused:
    """Test whether the cost of a new customer stepped up or down at some month, beyond trend and season.

    table (month x channel)  ->  Break or Refused

    Parameters
    ----------
    costs, group
        See `trends.trend`.
    level : float
        Of the step's interval; a break is found where the p-value is at most 1 - level.
    seed, series : int
        Of the simulated series without a break, and how many.

    Returns
    -------
    Break, or Refused with fewer than 18 months that repeat a month of another year (30 months in a row), or too few
    customers, see `trends.trend`. One break is looked for, outside the first and last 15% of the months. The interval
    of the step takes its date for granted, and a step is only stated where it is large enough to be found: read it as
    the size at that date, rather too large than too small.

    Raises
    ------
    ValueError
        As `trends.trend`, and for an unknown group.

    Notes
    -----
    The average likelihood ratio over dates (Andrews and Ploberger 1994, Econometrica 62, 1383-1414) of the regression
    described at `trends.trend`, averaged as well over scatter and autocorrelation, because an estimate of the latter
    from three years is far too low and makes breaks out of it. Growth a year has a wide normal prior (deviation 0.3).
    The p-value is the share of series without a break, simulated from the scatter and autocorrelation that fit with
    and without a break, whose ratio is as large.

    Of simulated series of 36 months without a break 3 to 8% show one at the 10% level where months are independent (0
    to 3% where they scatter by nothing but chance), 14 to 16% where they resemble each other by 0.6, about 10% over
    all. A step of 30% is found within two months in about
    80% where independent months scatter by 0.06, or months that resemble each other by 0.3 by 0.05; with a scatter of
    0.1 hardly ever. See tests/calibration/test_acquisition_breaks.py.

    Example
    -------
    Cost is a third higher from July 2023 on:

    >>> months = [f"{2022 + m // 12}-{m % 12 + 1:02d}" for m in range(36)]
    >>> noise = np.random.default_rng(1).normal(0, 0.04, 36)
    >>> spend = [1e5 * (4 / 3 if m >= 18 else 1) * np.exp(noise[m]) for m in range(36)]
    >>> found = break_test(pd.DataFrame({"month": months, "spend": spend, "new_customers": 1000}))
    >>> found.found, found.month, found.n_months
    (True, '2023-07', 36)
    """
    check_level(level)
    monthly = trends.monthly_costs(costs, group)
    refusal = _gate(monthly)
    if refusal is not None:
        return refusal
    parts = trends.regression(monthly)
    dates = candidates(parts)
    cells = _cells(parts, dates)
    ratio, by_date, weight = _scores(parts.series[None], cells)
    rng = np.random.default_rng(seed)
    without = np.concatenate([
        rng.standard_normal((drawn, len(monthly))) @ cell.root.T
        for drawn, cell in zip(rng.multinomial(series, weight[:, 0]), cells, strict=True)
    ])  # fmt: skip
    p_value = (1 + np.sum(_scores(without, cells)[0] >= ratio[0])) / (1 + series)
    at = int(np.argmax(by_date[0]))
    months = monthly["month"].to_numpy()
    where = pd.DataFrame({"month": months[dates], "chance": by_date[0]})
    found = bool(p_value <= 1 - level + 1e-9)
    step = _step(parts, months, dates[at], level) if found else _none_found(len(monthly), p_value, level)
    p_estimate = Estimate.exact(p_value, len(monthly), "probability", _p_words(group, months), break_test)
    return Break(group, found, str(months[dates[at]]) if found else None, step, p_estimate, len(monthly), where)


def _gate(monthly: pd.DataFrame) -> Refused | None:
    months = len(monthly)
    repeated = months - len(set(monthly["number"] % 12))
    if repeated >= REPEATED_AT_LEAST:
        return trends.gate(monthly)
    needed = 12 + REPEATED_AT_LEAST
    return Refused(
        "months",
        months,
        needed,
        f"可用的月份只有 {months} 个（连续的话至少要 {needed} 个），成本是否在某个月突变、变在哪个月，都无从判断。",
        f"Only {months} usable months ({needed} in a row are needed): whether cost stepped at some month, and at "
        "which, cannot be judged.",
    )


def candidates(parts: trends.Regression) -> np.ndarray:
    """Positions of the months at which a new level may begin: not in the first or last 15%, and apart from the season.

    Example
    -------
    >>> months = [f"{2022 + m // 12}-{m % 12 + 1:02d}" for m in range(36)]
    >>> monthly = trends.monthly_costs(pd.DataFrame({"month": months, "spend": 9.0, "new_customers": 9}))
    >>> candidates(trends.regression(monthly))[[0, -1]].tolist()
    [6, 30]
    """
    n = len(parts.at)
    edge = int(np.ceil(TRIM * n))
    dates = np.arange(edge, n - edge + 1)
    steps = _steps(n, dates)
    left = steps - parts.design @ np.linalg.lstsq(parts.design, steps, rcond=None)[0]
    return dates[(left**2).sum(axis=0) > 0.1]


def _steps(n: int, dates: np.ndarray) -> np.ndarray:
    """A column for each date: 0 before, 1 from it on."""
    return (np.arange(n)[:, None] >= dates).astype(float)


def _cells(
    parts: trends.Regression,
    dates: np.ndarray,
    resemblance: np.ndarray = RESEMBLANCE,
    scatter: np.ndarray = SCATTER,
    growth: float = GROWTH,
) -> list[_Cell]:
    """Everything about the grid that does not depend on a series."""
    design, trending = parts.design[:, :-1], growth**2 * np.outer(parts.design[:, -1], parts.design[:, -1])
    residual = parts.series - parts.design @ np.linalg.lstsq(parts.design, parts.series, rcond=None)[0]
    seen = max(np.sqrt(residual @ residual / (len(residual) - parts.design.shape[1])), 1e-6)
    apart = np.abs(np.subtract.outer(parts.at, parts.at))
    steps, found = _steps(len(parts.at), dates), []
    share_of_grid = np.gradient(scatter) if len(scatter) > 1 else np.ones(1)
    for alike in resemblance:
        for scatter_, share in zip(seen * scatter, share_of_grid, strict=True):
            between = scatter_**2 * np.sign(alike) ** apart * np.abs(alike) ** apart
            variance = np.diag(parts.chance) + between + trending
            root = np.linalg.cholesky(variance)
            weighted = np.linalg.solve(variance, design)
            inverse = np.linalg.inv(design.T @ weighted)
            left = np.linalg.inv(variance) - weighted @ inverse @ weighted.T
            step = left @ steps
            # As in trends.averaged, but without its weight on chance alone, which found breaks in a fifth of the series
            # whose months resemble each other by 0.6.
            prior = np.log(share) - np.log(scatter_**2 + parts.chance.mean()) / 2
            likelihood = np.linalg.slogdet(inverse)[1] / 2 - np.log(np.diag(root)).sum() + prior
            found.append(_Cell(root, left, step, (steps * step).sum(axis=0), float(likelihood)))
    return found


def _scores(series: np.ndarray, cells: list[_Cell]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratio of each series (rows), the chance of each date if there is a break, and the weight of each cell for it.

    The weight of a cell is the mean of those without and with a break. Alone the first takes a break for resemblance
    and misses it, the second takes resemblance for a break.
    """
    without = np.empty((len(cells), len(series)))
    by_date = np.empty((len(cells), len(series), len(cells[0].known)))
    for number, cell in enumerate(cells):
        without[number] = cell.likelihood - ((series @ cell.left) * series).sum(axis=1) / 2
        gain = (series @ cell.step) ** 2 / (cell.known + STEP**-2) / 2 - np.log1p(STEP**2 * cell.known) / 2
        by_date[number] = without[number][:, None] + gain
    total, peak = logsumexp(without, axis=0), by_date.max(axis=(0, 2))
    by_date = np.exp(by_date - peak[:, None])
    with_break = by_date.sum(axis=2)
    weight = (np.exp(without - total) + with_break / with_break.sum(axis=0)) / 2
    dates = by_date.sum(axis=0)
    ratio = np.log(dates.sum(axis=1) / dates.shape[1]) + peak - total
    return ratio, dates / dates.sum(axis=1, keepdims=True), weight / weight.sum(axis=0)


def _step(parts: trends.Regression, months: np.ndarray, date: int, level: float) -> Estimate:
    """Size of the step at a given date."""
    design = np.column_stack([parts.design, _steps(len(months), np.array([date]))])
    found = trends.averaged(parts, design)
    words = Words(
        f"{months[date]} 起获客成本的水平相对此前的变化率；{months[0]} 至 {months[-1]} 共 {len(months)} 个月；"
        "已剔除匀速趋势、每年同月的淡旺季和春节；误差范围以这个月份为准，未计入月份本身的不确定，"
        "且只有够大的突变才会被发现，幅度可能偏大。",
        f"Change of the level of the acquisition cost from {months[date]} on; {len(months)} months from {months[0]} to "
        f"{months[-1]}; steady trend, what recurs every year and Spring Festival are taken out; the interval takes the "
        "month for granted, and only steps large enough are found, so that the size may be too large.",
    )
    ends = np.expm1([found.mean, *found.interval(level)])
    return Estimate(*ends, level, len(months), "growth", words, break_test)


def _none_found(months: int, p_value: float, level: float) -> Refused:
    return Refused(
        "break found",
        round(float(p_value), 3),
        round(1 - level, 3),
        f"{months} 个月中没有发现可靠的突变（没有突变时也有 {p_value:.0%} 的机会看到这样的数据），不给出幅度。",
        f"No step was found in {months} months (without one, data like these come up in {p_value:.0%} of cases), so "
        "no size is stated.",
    )


def _p_words(group: str, months: np.ndarray) -> Words:
    whose = Words("全部渠道", "all channels") if group == trends.ALL else Words(group, group)
    return Words(
        f"{whose.zh}获客成本没有突变、只有匀速趋势和淡旺季时，看到这样明显或更明显的突变的概率；"
        f"{months[0]} 至 {months[-1]} 共 {len(months)} 个月。",
        f"Probability of as clear a step or a clearer one in the acquisition cost ({whose.en}) if there was none, only "
        f"a steady trend and season; {len(months)} months from {months[0]} to {months[-1]}.",
    )
