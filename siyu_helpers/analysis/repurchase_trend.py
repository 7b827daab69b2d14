"""Repurchase trend: do newer cohorts come back more, or less, than older ones did?

Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files and draws nothing; the orders are counted by their engine,
see `order_log`, and what comes back is a small pandas frame and one slope.
"""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import mixed_regression, order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, wilson

REQUIRES = order_log.REQUIRES

COHORTS_AT_LEAST = 6
A_YEAR = {"month": 12, "quarter": 4, "week": 365.25 / 7}  # cohorts in a year
SEASON_AFTER = {"month": 24, "quarter": 11, "week": 105}  # complete cohorts from which the season can be taken out

COHORT_COLUMNS = ["cohort", "customers", "repurchased", "share", "share_low", "share_high"]


class RepurchaseTrend(NamedTuple):
    """The complete cohorts, one row each, and the slope through them."""

    cohorts: pd.DataFrame
    slope: Estimate | Refused


def repurchase_trend(
    orders: Any,
    observed_until: order_log.DateLike,
    within_days: int = 90,
    period: str = "month",
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> RepurchaseTrend:
    """Share of each cohort that orders again within so many days, and its change per year from cohort to cohort.

    orders (one paid order)  ->  table (cohort), and one slope

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Orders of the first day are the first order; refunded orders count.
    within_days : int
        The second order may come up to and including this many days after the first.
    period : "month", "week" or "quarter"
        As in `cohort_grid`.
    level : float
        Coverage of the Wilson intervals of the shares and of the slope's interval.

    Returns
    -------
    RepurchaseTrend
        cohorts : DataFrame, one row per cohort whose whole period ended at least `within_days` before the end of
            `observed_until`: cohort, customers, repurchased, and share (0 to 1) with share_low and share_high.
            Later cohorts are absent: those of their members who came early would be all that is seen.
        slope : Estimate with unit "percentage points a year", n the customers of these cohorts. Refused with fewer than
            6 cohorts. From 24 months (11 quarters, 105 weeks) on, a level for each month (quarter) of the year takes
            the season out; with fewer it cannot be told from the trend, and the definition says so.

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, or a date that is none.

    Notes
    -----
    Cohorts differ by more than chance in their customers (season apart: campaigns, prices, who was advertised to), and
    neighbours resemble each other. So the shares are regressed on time with two sources of scatter, the binomial one,
    known from the size of the cohort, and one between cohorts, autocorrelated of first order. Its two parameters cannot
    be estimated well from a dozen cohorts: the slope is averaged over a grid of them, weighted by the restricted
    likelihood with flat priors (Harville 1974, Biometrika 61, 383-385), and the interval is that of the mixture.
    It assumes a straight line; it does not say why the share changes.

    Example
    -------
    Of eight monthly cohorts of 40 customers, one customer more returns each month:

    >>> first = pd.date_range("2024-01-05", periods=8, freq="MS").repeat(40)
    >>> orders = pd.DataFrame({"customer_id": range(320), "ordered_at": first, "amount": 9.0})
    >>> back = orders[orders["customer_id"] % 40 < 5 + orders["customer_id"] // 40]
    >>> again = back.assign(ordered_at=back["ordered_at"] + pd.Timedelta(days=20))
    >>> trend = repurchase_trend(pd.concat([orders, again]), "2024-12-31", within_days=30)
    >>> trend.cohorts["share"].tolist()
    [0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.275, 0.3]
    >>> round(trend.slope.value, 6), trend.slope.unit
    (30.0, 'percentage points a year')
    """
    order_log.at_least_one("within_days", within_days)
    order_log.one_of("period", period, order_log.PERIODS)
    check_level(level)
    until = order_log.day_number(observed_until, "observed_until")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    facts = order_log.without_old(order_log.paid_orders(orders, until, period, "gross"), first_order_at, since)
    counts = _complete_cohorts(facts, within_days, since, until, period)
    low, high = wilson(counts["repurchased"], counts["customers"], level)
    cohorts = counts.assign(share=counts["repurchased"] / counts["customers"], share_low=low, share_high=high)
    cohorts["cohort"] = pd.Series(
        [order_log.period_label(number, period) for number in counts["number"]], index=counts.index, dtype="str"
    )
    return RepurchaseTrend(cohorts[COHORT_COLUMNS], _slope(cohorts, within_days, period, level))


def _complete_cohorts(facts: nw.LazyFrame, within_days: int, since: int, until: int, period: str) -> pd.DataFrame:
    """Facts -> number (of the period), customers, repurchased; cohorts observed long enough.

    Counted by the period of the first order, which all engines take from the calendar alike.
    """
    gap = nw.col("second_day") - nw.col("first_day")
    counted = (
        order_log.first_and_second(facts, ["period"])
        .with_columns(nw.when(gap <= within_days).then(nw.lit(1)).otherwise(nw.lit(0)).alias("back"))
        .group_by("first_period")
        .agg(nw.len().alias("customers"), nw.col("back").sum().alias("repurchased"))
    )
    counts = order_log.collected(counted).rename(columns={"first_period": "number"})
    after, before = order_log.period_of_day(since - 1, period), order_log.period_of_day(until - within_days + 1, period)
    lived = counts[(counts["number"] > after) & (counts["number"] < before)]
    return lived.sort_values("number", ignore_index=True)


def _slope(cohorts: pd.DataFrame, within_days: int, period: str, level: float) -> Estimate | Refused:
    """Change of the share per year, in percentage points, over the complete cohorts."""
    if len(cohorts) < COHORTS_AT_LEAST:
        return _too_few_cohorts(len(cohorts), within_days)
    number, customers = cohorts["number"].to_numpy(), cohorts["customers"].to_numpy()
    seasonal = len(cohorts) >= SEASON_AFTER[period]
    season = np.array([_season(n, period) for n in number]) if seasonal else np.zeros(len(number))
    years = (number - number.mean()) / A_YEAR[period]
    design = np.column_stack([season[:, None] == np.unique(season), years]).astype(float)
    pooled = (cohorts["repurchased"].sum() + 0.5) / (customers.sum() + 1)  # never 0 or 1: chance has no width there
    slope = mixed_regression.averaged(cohorts["share"].to_numpy(), pooled * (1 - pooled) / customers, number, design)
    ends = (slope.mean, *slope.interval(level))
    definition = _slope_words(cohorts, within_days, seasonal)
    n, unit = int(customers.sum()), "percentage points a year"
    return Estimate(*(100 * end for end in ends), level, n, unit, definition, repurchase_trend)


def _season(number: int, period: str) -> int:
    """Month of the year of a month, or of a week by its Thursday; quarter of the year of a quarter."""
    if period == "week":
        return (datetime.date(1970, 1, 1) + datetime.timedelta(days=int(number) * 7)).month  # week 0: 1 January 1970
    return int(number) % (12 if period == "month" else 4)


def _too_few_cohorts(cohorts: int, within_days: int) -> Refused:
    return Refused(
        "cohorts",
        cohorts,
        COHORTS_AT_LEAST,
        f"整批观察满 {within_days} 天的同期群只有 {cohorts} 批（至少要 {COHORTS_AT_LEAST} 批），趋势无从判断。",
        f"Only {cohorts} cohorts have been observed as a whole for {within_days} days ({COHORTS_AT_LEAST} are needed): "
        "whether there is a trend cannot be judged.",
    )


def _slope_words(cohorts: pd.DataFrame, within_days: int, seasonal: bool) -> Words:
    """Definition of the slope: which share, which cohorts, and whether the season is taken out."""
    first, last = cohorts["cohort"].iloc[0], cohorts["cohort"].iloc[-1]
    season = (
        Words("已剔除每年固定的季节差异", "what recurs every year is taken out")
        if seasonal
        else Words(
            "同期群不足两年，季节差异未剔除，旺淡季会混进趋势",
            "too few cohorts to take the season out, which may pass for a trend",
        )
    )
    return Words(
        f"首单后 {within_days} 天内（含第 {within_days} 天）再次下单的客户占比，各批新客之间每年变化多少个百分点；"
        f"{first} 至 {last} 共 {len(cohorts)} 批，只算整批观察满 {within_days} 天的；"
        f"按直线拟合，误差范围计入各批之间的波动；{season.zh}。",
        "Change per year, from cohort to cohort, of the share of new customers who order again within "
        f"{within_days} days of the first order (day {within_days} included); {len(cohorts)} cohorts from {first} to "
        f"{last}, only those observed as a whole for {within_days} days; a straight line, whose interval allows for "
        f"scatter between cohorts; {season.en}.",
    )
