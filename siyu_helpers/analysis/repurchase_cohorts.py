"""Repurchase cohorts: who comes back, how soon, and what they are worth.

Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files and draws nothing: orders come from
`siyu_helpers.data.brands`, pictures from `siyu_helpers.reporting`.

The heavy part is written once with narwhals, from group-bys, joins and integer arithmetic, so that it runs where the
orders are: in pandas, Polars, DuckDB, an Ibis backend or Spark. What comes back is a small pandas frame, equal on all.

Parameters that every function here shares
------------------------------------------
orders : pandas, Polars (eager or lazy), DuckDB, Ibis or PySpark frame; one row per paid order
    customer_id : text or integer. Rows without one are left out: nobody's return can be seen in them.
    ordered_at : date or datetime, in the brand's own time zone, never missing.
    amount : number, in the brand's currency, never missing. An order of amount 0 is an order.
    refunded : number, optional; the part of the amount paid back. Blank is 0.
observed_until : str "YYYY-MM-DD", date or Timestamp
    Last day the orders cover; the day is included and later orders are left out. No default: guessing it from the
    newest order would mistake a quiet week for the end of the data.
observed_from, history, burn_in_days, first_order_at
    Who counts as a new customer. history="complete": whoever appears. history="truncated": the file starts at
    `observed_from`, in the middle of the brand's life, so a first order in it may be an old customer's. New are then
    only customers whose first order comes at least `burn_in_days` after `observed_from`. Better, where known:
    `first_order_at`, a frame of the same kind as `orders` with customer_id and first_order_at (no row, or blank: the
    first order is the one in the file). New are then all customers but those who first ordered before `observed_from`.
"""

from __future__ import annotations

import datetime
import difflib
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis.estimates import (
    LEVEL,
    MEAN_AT_LEAST,
    Estimate,
    Refused,
    Words,
    check_level,
    mean_per_customer,
    wilson,
)

REQUIRES = {"orders": ["customer_id", "ordered_at", "amount"]}

PERIODS = ("month", "week", "quarter")
AGES = ("calendar", "rolling")
BLOCK_DAYS = {"month": 30, "week": 7, "quarter": 90}  # length of one step of rolling age
MONEY_SCALE = 10_000  # money is summed in 1/10000 of the currency: whole numbers add up the same in any order
EPOCH = datetime.date(1970, 1, 1).toordinal()

GRID_COLUMNS = [
    *("cohort", "age", "customers", "active", "retention", "retention_low", "retention_high"),
    *("orders", "revenue", "complete"),
]
CURVE_COLUMNS = ["group", "days", "at_risk", "events", "not_yet_ordered", "low", "high"]

REFUND_WORDS = {
    "net": Words("已扣除退款", "refunds taken off"),
    "gross": Words("未扣除退款", "refunds not taken off"),
    "none": Words("数据中没有退款记录", "the data record no refunds"),
    "unsaid": Words("退款口径与同期群表相同", "refunds as in the cohort grid"),
}

DateLike = str | datetime.date | pd.Timestamp


def cohort_grid(
    orders: Any,
    observed_until: DateLike,
    period: str = "month",
    age: str = "calendar",
    level: float = LEVEL,
    refunds: str = "net",
    observed_from: DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """Share of each period's new customers who order at each age, with their orders and revenue.

    orders (one paid order)  ->  grid (cohort x age)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of this module.
    period : "month", "week" (ISO, Monday to Sunday) or "quarter"
        A cohort is everyone whose first order fell in one such period.
    age : "calendar" or "rolling"
        calendar: periods since the period of the first order; age 0 is the rest of that period, shorter for those who
        came late in it. rolling: blocks of 30 days (week: 7, quarter: 90) since each customer's own first day, which
        is day 0; block k holds days 30k to 30k + 29.
    level : float
        Coverage of the Wilson intervals.
    refunds : "net" or "gross"
        Whether the refunded part, where the column exists, is taken off the revenue of its order's cell.

    Returns
    -------
    DataFrame, one row per cohort and age that at least one member has begun to live, sorted by both
        cohort : "1997-01", "1997-W05" (ISO year and week) or "1997-Q1".
        age : 0, 1, 2, ...
        customers : size of the whole cohort, the denominator at every age.
        active : customers with an order in this cell. 0 means lived, and nobody ordered.
        retention, retention_low, retention_high : active / customers, 0 to 1, with its interval. Blank (NaN) in an
            incomplete rolling cell, whose denominator would hold customers who had no chance yet. In the last
            calendar period, where all had the same few days, it is the share so far. At age 0 it is 1 by definition.
        orders : paid orders; several of one day count each.
        revenue : in the brand's currency; in an incomplete cell, so far.
        complete : False where the cell was not over by `observed_until`; for rolling age, where the cohort's newest
            member has not lived the whole block.
    A cohort whose period begins before new customers can be told (history="truncated") is absent, never partial.

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, a date that is none, an order without amount, or a
        truncated history without `observed_from`.

    Example
    -------
    Ana returns in February, Ben never does, Cy is new in February:

    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [10.0, 20.0, 5.0, 8.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-15", "2024-01-20", "2024-02-10"])
    >>> cohort_grid(orders, "2024-02-29")[["cohort", "age", "customers", "active", "retention", "revenue", "complete"]]
        cohort  age  customers  active  retention  revenue  complete
    0  2024-01    0          2       2        1.0     15.0      True
    1  2024-01    1          2       1        0.5     20.0      True
    2  2024-02    0          1       1        1.0      8.0      True
    """
    _one_of("period", period, PERIODS)
    _one_of("age", age, AGES)
    check_level(level)
    until = _day(observed_until, "observed_until")
    since = _new_since(history, observed_from, burn_in_days, first_order_at)
    facts = _without_old(_facts(orders, until, period, refunds), first_order_at, since)
    cells = _cells(facts, since, period, age)
    grid = _grid(cells, until, period, age, level)
    grid.attrs = {"refunds": _refund_rule(orders, refunds), "period": period, "age": age}
    return grid


def cohort_totals(grid: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """Customers, orders and revenue of all cohorts together: plain counts, so without an interval.

    grid (cohort x age)  ->  "customers", "orders" and "revenue"

    Parameters
    ----------
    grid : DataFrame
        From `cohort_grid`, as it is or filtered. Its `attrs` carry what was done with refunds, for the definition; a
        file or a merge loses them, and the definition then points to the grid.

    Returns
    -------
    dict of Estimate with units "customers", "orders" and "money"; of Refused when the grid has no cohort.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2], "amount": [10.0, 20.0, 5.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-15", "2024-01-20"])
    >>> totals = cohort_totals(cohort_grid(orders, "2024-02-29"))
    >>> {name: total.value for name, total in totals.items()}
    {'customers': 2.0, 'orders': 3.0, 'revenue': 35.0}
    """
    customers = int(grid.loc[grid["age"] == 0, "customers"].sum())
    if not customers:
        zh, en = (
            "截至数据截止日，还没有可以确认的新客同期群。",
            "There is no cohort of new customers up to the last day used.",
        )
        return dict.fromkeys(("customers", "orders", "revenue"), Refused("cohorts", 0, 1, zh, en))
    zh, en = REFUND_WORDS[grid.attrs.get("refunds", "unsaid")]
    counted = {
        "customers": (
            customers,
            "customers",
            "首购客户数，各个完整的同期群合计。",
            "Customers with a first order, all whole cohorts together.",
        ),
        "orders": (
            int(grid["orders"].sum()),
            "orders",
            "这些客户截至数据截止日的已付款订单数（含首单），同一天的多笔分别计数。",
            "Paid orders of these customers up to the last day used, the first included; each order of a day counts.",
        ),
        "revenue": (
            float((grid["revenue"] * MONEY_SCALE).round().sum()) / MONEY_SCALE,
            "money",
            f"这些客户截至数据截止日的销售额（含首单）；{zh}。",
            f"Revenue from these customers up to the last day used, first orders included; {en}.",
        ),
    }
    return {
        name: Estimate.exact(value, customers, unit, Words(in_chinese, in_english), cohort_totals)
        for name, (value, unit, in_chinese, in_english) in counted.items()
    }


def average_retention(grid: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Share of customers who order at each age, over all cohorts that have lived that age to the end.

    grid (cohort x age)  ->  curve (age)

    Parameters
    ----------
    grid : DataFrame
        From `cohort_grid`.
    level : float
        Coverage of the Wilson intervals.

    Returns
    -------
    DataFrame, one row per age that at least one cohort has completed
        age, cohorts (how many), customers (in them), active : counts over the complete cells.
        retention, retention_low, retention_high : active / customers, so each cohort weighs by its size. The interval
            takes the customers as independent and the pooled share as the target: it says nothing of how far a
            future cohort may lie from this average. Older ages rest on older cohorts only: a bend may be a change of
            cohorts, so read `cohorts` beside it.

    Example
    -------
    >>> grid = pd.DataFrame({"cohort": ["2024-01", "2024-01", "2024-02"], "age": [0, 1, 0], "complete": True})
    >>> grid[["customers", "active"]] = [[30, 30], [30, 6], [10, 10]]
    >>> average_retention(grid)[["age", "cohorts", "customers", "active", "retention"]]
       age  cohorts  customers  active  retention
    0    0        2         40      40        1.0
    1    1        1         30       6        0.2
    """
    lived = grid[grid["complete"].astype(bool)].groupby("age")
    curve = lived.agg(cohorts=("cohort", "size"), customers=("customers", "sum"), active=("active", "sum"))
    curve["retention"] = curve["active"] / curve["customers"]
    curve["retention_low"], curve["retention_high"] = wilson(curve["active"], curve["customers"], level)
    return curve.reset_index()


def retention_at(grid: pd.DataFrame, age: int, level: float = LEVEL) -> Estimate | Refused:
    """Share of customers who order at one age, over all cohorts that have lived that age to the end.

    grid (cohort x age)  ->  one number

    Parameters
    ----------
    grid : DataFrame
        From `cohort_grid`, as it is or filtered. Its `attrs` carry period and age, for the definition; a file or a
        merge loses them, and the definition then points to the grid.
    age : int
        0, 1, 2, ... as in the grid.
    level : float
        Coverage of the Wilson interval; what it takes for granted is said at `average_retention`.

    Returns
    -------
    Estimate with unit "share", n the customers of these cohorts; Refused when no cohort has lived that long.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2], "amount": [10.0, 20.0, 5.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-15", "2024-01-20"])
    >>> grid = cohort_grid(orders, "2024-02-29")
    >>> retention_at(grid, 1).value
    0.5
    >>> retention_at(grid, 2).reason_en
    'No cohort has been observed to the end of age 2; the oldest to the end of age 1.'
    """
    curve = average_retention(grid, level).set_index("age")
    if age not in curve.index:
        oldest = int(curve.index.max()) if len(curve) else -1
        en = f"No cohort has been observed to the end of age {age}; the oldest to the end of age {oldest}."
        zh = f"还没有同期群观察满第 {age} 期，最早的一批只到第 {oldest} 期。"
        if oldest < 0:
            zh, en = "还没有同期群观察满一期。", "No cohort has been observed to the end of even one period."
        return Refused("age lived", oldest, age, zh, en)
    row = curve.loc[age]
    zh, en = f"同期群表的第 {age} 期", f"age {age} of the cohort grid"
    if {"period", "age"} <= set(grid.attrs):
        zh, en = age_words(grid.attrs["period"], grid.attrs["age"], age)
    definition = Words(
        f"在{zh}至少下过一单的客户占比；只算观察满这一期的同期群，人数相加再相除。",
        f"Share of customers with at least one order in {en}; only cohorts observed to its end, their "
        "customers added up.",
    )
    ends = (row["retention"], row["retention_low"], row["retention_high"])
    return Estimate(*ends, level, int(row["customers"]), "share", definition, retention_at)


def revenue_to_date(grid: pd.DataFrame) -> pd.DataFrame:
    """Revenue that each cohort has brought in by each age, per customer acquired.

    grid (cohort x age)  ->  table (cohort x age)

    Parameters
    ----------
    grid : DataFrame
        From `cohort_grid`; its refund rule holds here too.

    Returns
    -------
    DataFrame, the rows of the grid
        cohort, age, customers, complete : as in the grid.
        revenue_to_date : revenue from the first order to the end of this age, over all customers of the cohort,
            those who never returned included; in the brand's currency. Blank where not all have lived the age to
            its end.

    Example
    -------
    >>> grid = pd.DataFrame({"cohort": "2024-01", "age": [0, 1, 2], "complete": [True, True, False]})
    >>> revenue_to_date(grid.assign(customers=10, revenue=[200.0, 50.0, 7.0]))
        cohort  age  customers  complete  revenue_to_date
    0  2024-01    0         10      True             20.0
    1  2024-01    1         10      True             25.0
    2  2024-01    2         10     False              NaN
    """
    table = grid[["cohort", "age", "customers", "complete"]].copy()
    minor = (grid["revenue"] * MONEY_SCALE).round().astype("int64").groupby(grid["cohort"]).cumsum()
    table["revenue_to_date"] = (minor / MONEY_SCALE / grid["customers"]).where(grid["complete"])
    return table


def time_to_next_order(
    orders: Any,
    observed_until: DateLike,
    after_order: int = 1,
    by: str | None = None,
    same_day: str = "collapse",
    level: float = LEVEL,
    observed_from: DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """Share of customers who have not ordered again, by days since their order number `after_order` (Kaplan-Meier).

    orders (one paid order)  ->  curve (group x day)

    Averages of the gaps that were seen are too short, since the long ones are still running. Here a customer who has
    not come back counts as "not yet" up to `observed_until`, and no further.

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of this module. Amounts play no part: a refunded order is an order.
    after_order : int, 1 or more
        1: from the first order to the second. Later gaps carry a small bias, because earlier gaps decide how long
        they can be watched: read them to the median.
    by : str, optional
        A column of orders; one curve for each of its values at the customer's first order in the file (of several at
        the same moment the alphabetically first; "unknown" where blank).
    same_day : "collapse" or "keep"
        collapse: the orders of one day are one occasion. keep: each counts, 0 days apart.
    level : float
        Coverage of the intervals, point by point.

    Returns
    -------
    DataFrame, sorted by group and days; in each group a row for day 0 and for every day on which somebody ordered
    again or was last seen. Between rows the share stays; after the last row nothing is known.
        group : value of `by`, or "all".
        days : since order number `after_order`.
        at_risk : customers who had not ordered again before this day and were still watched.
        events : of them, those who ordered again on this day.
        not_yet_ordered, low, high : the share, 0 to 1, with its interval. It has no width before the first event
            (1, 1) and once all have ordered (0, 0): `repurchased_within` gives a fair one there.
    Empty when no customer has reached order number `after_order`.

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, or a date that is none.

    Notes
    -----
    Kaplan and Meier (1958); Greenwood's variance and the log(-log) interval (Kalbfleisch and Prentice 2002, section
    1.4), as in `lifelines.KaplanMeierFitter`. Computed from the counts by day, because statsmodels' `SurvfuncRight`
    with frequency weights changes to another variance formula and does not scale it.

    Example
    -------
    Ana returns after 10 days; Ben is watched for 41 days and Cy for 19, and neither has returned:

    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [10.0, 20.0, 5.0, 8.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-01-20", "2024-02-10"])
    >>> time_to_next_order(orders, "2024-02-29").drop(columns=["low", "high"]).round(3)
      group  days  at_risk  events  not_yet_ordered
    0   all     0        3       0            1.000
    1   all    10        3       1            0.667
    2   all    19        2       0            0.667
    3   all    40        1       0            0.667
    """
    _one_of("same_day", same_day, ("collapse", "keep"))
    _at_least_one("after_order", after_order)
    check_level(level)
    until = _day(observed_until, "observed_until")
    since = _new_since(history, observed_from, burn_in_days, first_order_at)
    facts = _without_old(_facts(orders, until, "month", "gross", by), first_order_at, since)
    gaps = _gaps(facts, after_order, same_day, until, since)
    if by is not None:
        gaps = gaps.join(_group_at_first_order(facts), on="customer_id", how="inner")
    else:
        gaps = gaps.with_columns(nw.lit("all").alias("group"))
    counts = _collect(gaps.group_by("group", "days").agg(nw.len().alias("leaving"), nw.col("ordered").sum()))
    curves = [_kaplan_meier(part, level).assign(group=group) for group, part in counts.groupby("group")]
    kinds = {"group": "str"} | dict.fromkeys(CURVE_COLUMNS[1:4], "int64") | dict.fromkeys(CURVE_COLUMNS[4:], "float64")
    curve = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=CURVE_COLUMNS)
    curve = curve[CURVE_COLUMNS].astype(kinds)
    curve.attrs = {"after_order": after_order, "same_day": same_day, "level": level}
    return curve


def repurchased_within(curve: pd.DataFrame, days: int, group: str = "all") -> Estimate | Refused:
    """Share of customers who have ordered again within a number of days, those still watched allowed for.

    Parameters
    ----------
    curve : DataFrame
        From `time_to_next_order`, as it is or filtered to groups. Its `attrs` carry the level and what the definition
        says; a file or a merge loses them: the level is then taken to be 0.90, and the definition is general.
    days : int
        The order may come up to and including this many days after.
    group : str
        Which of the curve's groups.

    Returns
    -------
    Estimate with unit "share", n the customers at day 0; or Refused when the curve was not watched that long. Where
    the curve is still 1 or already 0, its own interval has no width, and the Wilson interval of those still at risk
    on the last day with a row stands in.

    Raises
    ------
    ValueError
        When the group is not in the curve.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2, 3], "amount": 9.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-01-20", "2024-02-10"])
    >>> curve = time_to_next_order(orders, "2024-02-29")
    >>> round(repurchased_within(curve, 30).value, 3)
    0.333
    >>> repurchased_within(curve, 90).reason_en
    'Customers have been observed for at most 40 days after the order, and 90 days are asked for.'
    """
    part, facts = _one_curve(curve, group)
    if part.empty:
        return _nobody_to_watch()
    watched = int(part["days"].iloc[-1])
    if days > watched and part["not_yet_ordered"].iloc[-1] > 0:
        return _not_watched(watched, days)
    row = part[part["days"] <= days].iloc[-1]
    low, high = 1 - row["high"], 1 - row["low"]
    if row["not_yet_ordered"] in (0, 1):
        still = int(row["at_risk"])
        low, high = wilson(0 if row["not_yet_ordered"] == 1 else still, still, facts["level"])
    zh, en = _occasion_words(facts)
    definition = Words(
        f"{zh['start']}之后 {days} 天内（含第 {days} 天）再次下单的客户占比；分母是下过{zh['start']}的全部客户，"
        f"观察不满 {days} 天的按 Kaplan-Meier 法处理，不当作流失；{zh['same_day']}；退款订单也算下单。",
        f"Share of customers who order again within {days} days of {en['start']} (day {days} included); all customers "
        f"with {en['start']} count, those observed for less than {days} days only as long as they were "
        f"(Kaplan-Meier); {en['same_day']}; refunded orders count.",
    )
    n = int(part["at_risk"].iloc[0])
    return Estimate(1 - row["not_yet_ordered"], low, high, facts["level"], n, "share", definition, repurchased_within)


def median_days(curve: pd.DataFrame, share: float = 0.5, group: str = "all") -> Estimate | Refused:
    """Days until half of the customers (or another share of them) have ordered again.

    Parameters
    ----------
    curve : DataFrame
        From `time_to_next_order`; see `repurchased_within`.
    share : float
        0.5 for the median, 0.25 for the first quarter of the customers to return, ...
    group : str
        Which of the curve's groups.

    Returns
    -------
    Estimate with unit "days"; its upper end is infinite when the interval of the curve has not come down that far. Or
    Refused when the share itself has not been reached: there is no median to state, and it is not the mean of
    those who returned.

    Raises
    ------
    ValueError
        When the share is not between 0 and 1, or the group is not in the curve.

    Notes
    -----
    Brookmeyer and Crowley (1982), Biometrics 38, 29-41: the days at which the interval of the curve holds the share.
    Days are whole, so the interval covers a little more often than it claims.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2, 2, 3], "amount": 9.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-01-20", "2024-02-08", "2024-02-10"])
    >>> median_days(time_to_next_order(orders, "2024-02-29")).value
    19.0
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, such as 0.5; got {share!r}")
    part, facts = _one_curve(curve, group)
    value, low = (_first_day_at(part, column, 1 - share) for column in ("not_yet_ordered", "low"))
    high = _first_day_at(part[part["not_yet_ordered"] > 0], "high", 1 - share)  # at 0 the interval has no width
    zh, en = _occasion_words(facts)
    if np.isinf(value):
        if part.empty:
            return _nobody_to_watch()
        reached, watched = 1 - float(part["not_yet_ordered"].min()), int(part["days"].iloc[-1])
        return Refused(
            "share reached",
            reached,
            share,
            f"到{zh['start']}后第 {watched} 天，估计有 {reached:.1%} 的客户再次下单（Kaplan-Meier 法），"
            f"未到 {share:.0%}，算不出所需天数。",
            f"By day {watched} after {en['start']}, an estimated {reached:.1%} of customers have ordered again "
            f"(Kaplan-Meier); {share:.0%} is not reached, so no number of days can be given.",
        )
    definition = Words(
        f"从{zh['start']}算起，到 {share:.0%} 的客户再次下单所需的天数（Kaplan-Meier 估计，尚未复购的客户也计入）；"
        f"{zh['same_day']}；退款订单也算下单。",
        f"Days after {en['start']} until {share:.0%} of the customers have ordered again (Kaplan-Meier, those who have "
        f"not returned yet included); {en['same_day']}; refunded orders count.",
    )
    n = int(part["at_risk"].iloc[0])
    return Estimate(value, low, high, facts["level"], n, "days", definition, median_days)


def revenue_per_customer(
    orders: Any,
    observed_until: DateLike,
    within_days: int = 90,
    level: float = LEVEL,
    seed: int = 1,
    refunds: str = "net",
    observed_from: DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Estimate | Refused:
    """Mean revenue of a new customer in the first days of the relationship, the first order included.

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of this module.
    within_days : int
        Days 0 to within_days - 1 since the first order count: 30 is block 0 of the rolling grid.
    level, seed
        Of the interval: see `estimates.mean_per_customer`.
    refunds : "net" or "gross"
        Whether the refunded part, where the column exists, is taken off.

    Returns
    -------
    Estimate with unit "money per customer"; n the customers who have lived all these days, whether they returned or
    not. Refused when fewer than 100 have.

    Raises
    ------
    ValueError
        As `cohort_grid`.

    Example
    -------
    Of 120 customers, every fourth comes back a week later:

    >>> orders = pd.DataFrame({"customer_id": [*range(120), *range(0, 120, 4)], "amount": 10.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-01"] * 120 + ["2024-01-08"] * 30)
    >>> revenue = revenue_per_customer(orders, "2024-03-31", within_days=30)
    >>> revenue.value, revenue.n, revenue.unit
    (12.5, 120, 'money per customer')
    >>> nobody_yet = revenue_per_customer(orders, "2024-01-15", within_days=30)
    >>> nobody_yet.gate, nobody_yet.seen, nobody_yet.needed
    ('customers', 0, 100)
    """
    _at_least_one("within_days", within_days)
    until = _day(observed_until, "observed_until")
    since = _new_since(history, observed_from, burn_in_days, first_order_at)
    facts = _without_old(_facts(orders, until, "month", refunds), first_order_at, since)
    first_day = nw.col("day").min().over("customer_id")
    spend = (
        facts.with_columns(first_day.alias("first_day"))
        .filter(nw.col("first_day").is_between(since, until - within_days + 1))
        .filter(nw.col("day") - nw.col("first_day") < within_days)
        .group_by("customer_id")
        .agg(nw.col("minor").sum(), nw.col("unpriced").sum())
        .group_by("minor")
        .agg(nw.len().alias("customers"), nw.col("unpriced").sum())
    )
    counted = _priced(_collect(spend))
    values = np.repeat(counted["minor"].to_numpy() / MONEY_SCALE, counted["customers"])
    if len(values) < MEAN_AT_LEAST:
        return _too_few_lived(len(values), within_days)
    definition = _revenue_words(orders, within_days, refunds)
    return mean_per_customer(values, level, seed, definition, revenue_per_customer)


# --- from orders to counts: narwhals, on whatever engine holds the orders ---


def _facts(orders: Any, until: int, period: str, refunds: str, by: str | None = None) -> nw.LazyFrame:
    """Orders of known customers to the last day -> customer_id, ordered_at, day, period, minor, unpriced [, group]."""
    _one_of("refunds", refunds, ("net", "gross"))
    frame = _lazy(orders)
    kinds = frame.collect_schema()
    _has_columns(kinds.names(), [*REQUIRES["orders"], *([by] if by else [])])
    _all_dated(frame)
    amount = _number("amount", kinds)
    money = amount.fill_null(0)
    if refunds == "net" and "refunded" in kinds.names():
        money = money - _number("refunded", kinds).fill_null(0)
    kept = [
        nw.col("customer_id"),
        _moment("ordered_at", kinds).alias("ordered_at"),
        amount.is_null().cast(nw.Int64).alias("unpriced"),
        (money * MONEY_SCALE).round().cast(nw.Int64).alias("minor"),
    ]
    if by:  # the condition keeps pandas from spelling a blank "nan"
        kept.append(nw.when(~nw.col(by).is_null()).then(nw.col(by).cast(nw.String)).alias("group"))
    known = frame.filter(~nw.col("customer_id").is_null()).select(*kept)
    return _with_day_and_period(known, "ordered_at", period).filter(nw.col("day") <= until)


def _lazy(native: Any) -> nw.LazyFrame:
    """Any frame that narwhals takes, as a query; an Arrow table through Polars, because Arrow has no windows."""
    frame = nw.from_native(native)
    return frame.lazy("polars") if frame.implementation.is_pyarrow() else frame.lazy()


def _all_dated(frame: nw.LazyFrame) -> None:
    """Raise when an order has no date: engines would drop it without a word."""
    blank = frame.select(nw.col("ordered_at").is_null().cast(nw.Int64).sum().alias("blank"))
    missing = blank.collect("pandas").to_native()["blank"].fillna(0).sum()  # SQL sums no rows to a blank
    if missing:
        raise ValueError(f"{int(missing)} orders have no ordered_at: complete them, or leave them out and say so")


def _without_old(facts: nw.LazyFrame, first_order_at: Any, since: int) -> nw.LazyFrame:
    """Facts without the customers who are stated to have ordered before the first day of the new."""
    if first_order_at is None:
        return facts
    stated = _lazy(first_order_at)
    kinds = stated.collect_schema()
    _has_columns(kinds.names(), ["customer_id", "first_order_at"])
    stated = stated.select("customer_id", _moment("first_order_at", kinds).alias("first_order_at"))
    stated = stated.filter(~nw.col("first_order_at").is_null())
    old = _with_day_and_period(stated, "first_order_at", "month").filter(nw.col("day") < since)
    return facts.join(old.select("customer_id"), on="customer_id", how="anti")


def _cells(facts: nw.LazyFrame, since: int, period: str, age: str) -> pd.DataFrame:
    """(cohort, age) with somebody active -> active, orders, minor; oldest and newest first day (rolling age only).

    The engine counts by each customer's first period, or first day for rolling age: a customer has one only, so the
    counts add up over the days of a cohort. One window over the customers is all that this takes.
    """
    clock, step = ("period", 1) if age == "calendar" else ("day", BLOCK_DAYS[period])
    counted = (
        facts.with_columns(nw.col(clock).min().over("customer_id").alias("first"))
        .with_columns(_quotient(nw.col(clock) - nw.col("first"), step).alias("age"))
        .group_by("first", "age")
        .agg(
            nw.col("customer_id").n_unique().alias("active"),
            nw.len().alias("orders"),
            nw.col("minor").sum(),
            nw.col("unpriced").sum(),
        )
    )
    cells = _collect(counted)
    cells["cohort"] = cells["first"]
    if age == "rolling":
        periods = {day: _period_of_day(day, period) for day in cells["first"].unique()}
        cells["cohort"] = cells["first"].map(periods).astype("int64")
    cells = _priced(cells[cells["cohort"] > _period_of_day(since - 1, period)])
    return cells.groupby(["cohort", "age"], as_index=False).agg(
        active=("active", "sum"),
        orders=("orders", "sum"),
        minor=("minor", "sum"),
        oldest=("first", "min"),
        newest=("first", "max"),
    )


def _gaps(facts: nw.LazyFrame, after_order: int, same_day: str, until: int, since: int) -> nw.LazyFrame:
    """Facts -> one row a customer with order number `after_order`: days to the next one (or the end), ordered 0/1."""
    occasions = nw.col("orders") if same_day == "keep" else nw.lit(1)
    so_far = nw.col("occasions").cum_sum().over("customer_id", order_by="day")
    return (
        facts.group_by("customer_id", "day")
        .agg(nw.len().alias("orders"))
        .with_columns(occasions.alias("occasions"))
        .with_columns(so_far.alias("so_far"))
        .with_columns(
            nw.when(nw.col("so_far") >= after_order).then(nw.col("day")).alias("start"),
            nw.when(nw.col("so_far") > after_order).then(nw.col("day")).alias("next"),
        )
        .group_by("customer_id")
        .agg(nw.col("start").min(), nw.col("next").min(), nw.col("day").min().alias("first_day"))
        .filter(~nw.col("start").is_null(), nw.col("first_day") >= since)
        .select(
            "customer_id",
            (nw.col("next").fill_null(until) - nw.col("start")).cast(nw.Int64).alias("days"),
            (~nw.col("next").is_null()).cast(nw.Int64).alias("ordered"),
        )
    )


def _group_at_first_order(facts: nw.LazyFrame) -> nw.LazyFrame:
    """Facts -> the group a customer had at the first order; of several at that moment, the alphabetically first."""
    earliest = facts.group_by("customer_id").agg(nw.col("ordered_at").min().alias("earliest"))
    return (
        facts.join(earliest, on="customer_id", how="inner")
        .filter(nw.col("ordered_at") == nw.col("earliest"))
        .group_by("customer_id")
        .agg(nw.col("group").min())
        .with_columns(nw.col("group").fill_null("unknown"))
    )


def _with_day_and_period(frame: nw.LazyFrame, column: str, period: str) -> nw.LazyFrame:
    """Add day (days since 1970-01-01) and period (running number of its month, ISO week or quarter).

    From year, month and day of the year by whole numbers: a route that all backends take alike. The day is that
    of Python's `date.toordinal`, which counts the leap days of the years before. Polars stores a date as this very
    number, and reading it there saves a fifth of a grid's time.
    """
    date = nw.col(column).dt
    year, month, yearday = (part.cast(nw.Int32) for part in (date.year(), date.month(), date.ordinal_day()))
    before = year - 1
    leap_days = _quotient(before, 4) - _quotient(before, 100) + _quotient(before, 400)
    number = before * 365 + leap_days + yearday - EPOCH
    if frame.implementation.is_polars():
        number = date.date().cast(nw.Int32)
    months = year * 12 + month - 1
    periods = {
        "month": months,
        "quarter": _quotient(months, 3),
        "week": _quotient(nw.col("day") + 3, 7),  # week 0 begins on Monday 1969-12-29
    }
    return frame.with_columns(number.alias("day")).with_columns(periods[period].alias("period"))


def _quotient(number: nw.Expr, divisor: int) -> nw.Expr:
    """Whole quotient of numbers >= 0; the cast, because Spark divides into a double."""
    return number if divisor == 1 else (number // divisor).cast(nw.Int32)


def _moment(column: str, kinds: nw.Schema) -> nw.Expr:
    """The column as a date or datetime; pandas keeps Python dates as objects."""
    if kinds[column] in (nw.Date, nw.Datetime):
        return nw.col(column)
    if kinds[column] == nw.Object:
        return nw.col(column).cast(nw.Datetime("us"))
    raise ValueError(f"{column} must hold dates, not {kinds[column]}: convert it first, with pandas.to_datetime say")


def _number(column: str, kinds: nw.Schema) -> nw.Expr:
    """The column as a number whose blanks are nulls; pandas keeps Decimals as objects."""
    if kinds[column].is_numeric() or kinds[column] == nw.Object:
        return nw.col(column).cast(nw.Float64).fill_nan(None)
    raise ValueError(f"{column} must hold numbers, not {kinds[column]}")


def _collect(frame: nw.LazyFrame) -> pd.DataFrame:
    """Run the query, bring its few rows home as pandas in a fixed order, and make all counts int64."""
    streaming = {"engine": "streaming"} if frame.implementation.is_polars() else {}  # its faster engine, same numbers
    home = frame.collect("pandas", **streaming).to_native()
    order = [name for name in ("group", "first", "age", "days", "minor") if name in home.columns]
    counts = [name for name in home.columns if name != "group"]
    return home.astype(dict.fromkeys(counts, "int64")).sort_values(order, ignore_index=True)


def _priced(counted: pd.DataFrame) -> pd.DataFrame:
    """Return the counts, or raise when orders without an amount are among them: revenue would look whole."""
    if missing := int(counted["unpriced"].sum()):
        raise ValueError(f"{missing} orders have no amount: complete them, or leave them out and say so")
    return counted


# --- from counts to the tables that are shown: pandas ---


def _grid(cells: pd.DataFrame, until: int, period: str, age: str, level: float) -> pd.DataFrame:
    """Lay the counts out on every cell that somebody has begun to live, and mark those not lived to the end."""
    block = BLOCK_DAYS[period]
    sizes = cells.loc[cells["age"] == 0, ["cohort", "active", "oldest", "newest"]]  # at age 0 all are active
    sizes = sizes.rename(columns={"active": "customers"})
    if age == "calendar":
        begun = _period_of_day(until, period) - sizes["cohort"] + 1
    else:
        begun = (until - sizes["oldest"]) // block + 1
    grid = sizes.loc[sizes.index.repeat(begun)]
    grid = grid.assign(age=grid.groupby("cohort").cumcount())
    grid = grid.merge(cells[["cohort", "age", "active", "orders", "minor"]], how="left", on=["cohort", "age"])
    grid = grid.fillna({"active": 0, "orders": 0, "minor": 0}).astype({"active": "int64", "orders": "int64"})
    grid["retention"] = grid["active"] / grid["customers"]
    grid["retention_low"], grid["retention_high"] = wilson(grid["active"], grid["customers"], level)
    grid["revenue"] = grid["minor"] / MONEY_SCALE
    if age == "calendar":
        grid["complete"] = grid["cohort"] + grid["age"] < _period_of_day(until + 1, period)
    else:
        grid["complete"] = grid["newest"] + block * (grid["age"] + 1) - 1 <= until
        grid.loc[~grid["complete"], ["retention", "retention_low", "retention_high"]] = np.nan
    grid["cohort"] = pd.Series([_label(number, period) for number in grid["cohort"]], index=grid.index, dtype="str")
    return grid[GRID_COLUMNS].astype({"complete": "bool"})


def _kaplan_meier(counts: pd.DataFrame, level: float) -> pd.DataFrame:
    """Customers leaving by day, and how many of them ordered -> the curve with its log(-log) interval."""
    curve = counts.set_index("days")[["leaving", "ordered"]]
    curve = curve.reindex(curve.index.union([0]), fill_value=0).rename(columns={"ordered": "events"})
    curve["at_risk"] = curve["leaving"][::-1].cumsum()[::-1]
    staying = curve["at_risk"] - curve["events"]
    survival = (staying / curve["at_risk"]).cumprod()
    with np.errstate(divide="ignore", invalid="ignore"):  # where survival is 1 or 0 the interval has no width
        greenwood = (curve["events"] / (curve["at_risk"] * staying)).cumsum()
        spread = stats.norm.ppf((1 + level) / 2) * np.sqrt(greenwood) / np.log(survival)
        low, high = survival ** np.exp(-spread), survival ** np.exp(spread)
    inside = (survival > 0) & (survival < 1)
    curve = curve.assign(not_yet_ordered=survival, low=low.where(inside, survival), high=high.where(inside, survival))
    return curve.rename_axis("days").reset_index()


def _one_curve(curve: pd.DataFrame, group: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Rows of one group, and how the curve was made as far as it says so."""
    groups = list(curve["group"].unique())
    if groups and group not in groups:
        raise ValueError(f"the curve has no group {group!r}; it has {', '.join(map(repr, groups))}")
    return curve[curve["group"] == group], {"level": LEVEL, "after_order": None, "same_day": None} | curve.attrs


def _first_day_at(part: pd.DataFrame, column: str, level: float) -> float:
    """First day on which the column has come down to the level; infinite when it never has."""
    reached = part.loc[part[column] <= level + 1e-12, "days"]  # tolerance: 1 - 1/3 - 1/6 is a little above 0.5
    return float(reached.iloc[0]) if len(reached) else np.inf


def _nobody_to_watch() -> Refused:
    zh = "数据里还没有可以确认首单的客户，无从观察复购。"
    return Refused("customers", 0, 1, zh, "The data show no customer yet whose first order is known.")


def _not_watched(watched: int, days: int) -> Refused:
    return Refused(
        "days watched",
        watched,
        days,
        f"下单之后最多只观察了 {watched} 天，不足 {days} 天，给不出这一比例。",
        f"Customers have been observed for at most {watched} days after the order, and {days} days are asked for.",
    )


def _too_few_lived(customers: int, within_days: int) -> Refused:
    return Refused(
        "customers",
        customers,
        MEAN_AT_LEAST,
        f"首单已满 {within_days} 天的新客只有 {customers} 位，少于 {MEAN_AT_LEAST} 位，人均值的误差范围不可靠。",
        f"Only {customers} new customers have been observed for {within_days} days since their first order; "
        f"below {MEAN_AT_LEAST} the interval of a mean cannot be trusted.",
    )


def age_words(period: str, age: str, number: int) -> Words:
    """How one age of a cohort grid is named in a sentence, in both languages.

    >>> age_words("month", "rolling", 12).en
    'days 360 to 389 after the first order'
    """
    zh, en = {"month": ("月", "month"), "week": ("周", "week"), "quarter": ("季", "quarter")}[period]
    if age == "calendar":
        return Words(f"首购当{zh}之后的第 {number} 个自然{zh}", f"calendar {en} {number} after that of the first order")
    first, last = number * BLOCK_DAYS[period], (number + 1) * BLOCK_DAYS[period] - 1
    return Words(f"首购后第 {first} 至 {last} 天", f"days {first} to {last} after the first order")


def _occasion_words(facts: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """How the starting order and orders of one day are named in a definition, in Chinese and in English."""
    start = {
        None: ("起始订单", "the starting order"),
        1: ("首单", "a first order"),
    }
    same_day = {
        None: ("同一天多笔订单的算法同原曲线", "orders of one day as in the curve"),
        "collapse": ("同一天的多笔订单算一次", "orders of one day count once"),
        "keep": ("同一天的多笔订单分别计算", "orders of one day count separately"),
    }
    number = facts["after_order"]
    starts = start.get(number, (f"第 {number} 单", f"order number {number}"))
    zh, en = ({"start": s, "same_day": d} for s, d in zip(starts, same_day[facts["same_day"]], strict=True))
    return zh, en


def _refund_rule(orders: Any, refunds: str) -> str:
    """Return what was done with refunds: "net", "gross", or "none" where the orders do not record them."""
    recorded = "refunded" in _lazy(orders).collect_schema().names()
    return refunds if recorded else "none"


def _revenue_words(orders: Any, within_days: int, refunds: str) -> Words:
    """Definition of revenue per customer: window, denominator and what was done with refunds."""
    zh, en = REFUND_WORDS[_refund_rule(orders, refunds)]
    return Words(
        f"每位新客自首单当天起 {within_days} 天内的销售额（含首单）；分母是首单已满 {within_days} 天的全部新客，"
        f"没有复购的也在内；{zh}。",
        f"Revenue of a new customer in the {within_days} days that begin with the first order, which is included; over "
        f"all customers observed for those {within_days} days, whether they returned or not; {en}.",
    )


# --- dates and checks ---


def _day(date: DateLike, name: str) -> int:
    """Days from 1970-01-01 to a date, or ValueError naming the parameter."""
    try:
        stamp = pd.Timestamp(date)
        return (stamp.tz_localize(None).normalize() - pd.Timestamp(0)).days
    except (ValueError, TypeError, AttributeError) as error:  # AttributeError: None and "" become NaT
        raise ValueError(f"{name} must be a date such as '2024-06-30'; got {date!r}") from error


def _period_of_day(day: int, period: str) -> int:
    """Running number of the period that holds a day; the same count as in `_with_day_and_period`."""
    if period == "week":
        return (day + 3) // 7
    date = datetime.date.fromordinal(max(1, day + EPOCH))
    months = date.year * 12 + date.month - 1
    return months if period == "month" else months // 3


def _label(number: int, period: str) -> str:
    """Name of a period: "1997-01", "1997-W05" or "1997-Q1"."""
    if period == "week":
        year, week, _ = (datetime.date(1969, 12, 29) + datetime.timedelta(weeks=number)).isocalendar()
        return f"{year}-W{week:02d}"
    if period == "month":
        return f"{number // 12}-{number % 12 + 1:02d}"
    return f"{number // 4}-Q{number % 4 + 1}"


def _new_since(history: str, observed_from: DateLike | None, burn_in_days: int, first_order_at: Any) -> int:
    """First day on which a first order is a new customer's; 0001-01-01 when that is so of every day."""
    _one_of("history", history, ("complete", "truncated"))
    if burn_in_days < 0:
        raise ValueError(f"burn_in_days must be 0 or more; got {burn_in_days!r}")
    if history == "complete" and first_order_at is None:
        return 1 - EPOCH
    if observed_from is None:
        given = "history='truncated'" if first_order_at is None else "first_order_at"
        raise ValueError(f"{given} needs observed_from, the first day the orders cover")
    return _day(observed_from, "observed_from") + (burn_in_days if first_order_at is None else 0)


def _has_columns(columns: list[str], needed: list[str]) -> None:
    for name in needed:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            raise ValueError(f"there is no column {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}{hint}")


def _at_least_one(name: str, value: int) -> None:
    if value != int(value) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more; got {value!r}")
