"""Repurchase cohorts: who comes back, how soon, and what they are worth.

Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files and draws nothing: orders come from
`siyu_helpers.data.brands`, pictures from `siyu_helpers.reporting`.

The heavy part runs where the orders are, see `order_log`, whose head also says what the parameters `orders`,
`observed_until`, `observed_from`, `history`, `burn_in_days` and `first_order_at` are. What comes back is a small pandas
frame, equal on all engines.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log

# Money per customer and the time to the next order are part of this page's question; they have modules of their own.
from siyu_helpers.analysis.cohort_value import revenue_per_customer  # noqa: F401
from siyu_helpers.analysis.estimates import (
    LEVEL,
    Estimate,
    Refused,
    Words,
    check_level,
    wilson,
)
from siyu_helpers.analysis.repurchase_cycle import (  # noqa: F401
    CURVE_COLUMNS,
    median_days,
    repurchased_within,
    time_to_next_order,
)

REQUIRES = order_log.REQUIRES

AGES = ("calendar", "rolling")
MEASURES = ("orders", "revenue", "contribution")
BLOCK_DAYS = order_log.BLOCK_DAYS

GRID_COLUMNS = [
    *("cohort", "age", "customers", "active", "retention", "retention_low", "retention_high"),
    *("orders", "revenue", "complete"),
]


def cohort_grid(
    orders: Any,
    observed_until: order_log.DateLike,
    period: str = "month",
    age: str = "calendar",
    level: float = LEVEL,
    refunds: str = "net",
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
    by: str | None = None,
    contribution: bool = False,
    gross_margin: float | None = None,
) -> pd.DataFrame:
    """Share of each period's new customers who order at each age, with their orders and revenue.

    orders (one paid order)  ->  grid (cohort x age)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`.
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
    by : str, optional
        A column of orders; cohorts are then split by its value at the customer's first order (of several at the same
        moment the alphabetically first; "unknown" where blank).
    contribution : bool
        Also give the contribution, by the rule at `order_log.contribution_rule`; refunds are always taken off.
    gross_margin : float, optional
        0 to 1, for contribution where the orders do not say what the goods cost.

    Returns
    -------
    DataFrame, one row per cohort and age that at least one member has begun to live, sorted by both
        group : only with `by`, and then the first column and the first key of the order of rows.
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
        contribution : only if asked for; in the brand's currency. Blank (NaN) where neither costs nor margin are
            known. `attrs` say by which rule: "costs", "margin" or "none".
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
    order_log.one_of("period", period, order_log.PERIODS)
    order_log.one_of("age", age, AGES)
    check_level(level)
    until = order_log.day_number(observed_until, "observed_until")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    rule = order_log.contribution_rule(orders, until, gross_margin) if contribution else None
    facts = order_log.paid_orders(orders, until, period, refunds, by, rule)
    facts = order_log.without_old(facts, first_order_at, since)
    cells = _cells(order_log.grouped(facts) if by else facts, since, period, age)
    grid = _grid(cells, until, period, age, level)
    grid.attrs = {"refunds": order_log.refund_rule(orders, refunds), "period": period, "age": age}
    if contribution:
        worth = np.nan if rule == "none" else order_log.earned_per_minor(rule, gross_margin)
        earned = grid.pop("earned") if "earned" in grid else 0
        grid["contribution"] = earned * worth / order_log.MONEY_SCALE
        grid.attrs |= {"contribution": rule, "gross_margin": gross_margin}
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
    zh, en = order_log.REFUND_WORDS[grid.attrs.get("refunds", "unsaid")]
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
            float((grid["revenue"] * order_log.MONEY_SCALE).round().sum()) / order_log.MONEY_SCALE,
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
    DataFrame, one row per age that at least one cohort has completed; where the grid has groups, per group and age
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
    lived = grid[grid["complete"].astype(bool)].groupby([*_groups(grid), "age"])
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
        From `cohort_grid`, as it is or filtered; groups are taken together. Its `attrs` carry period and age, for the
        definition; a file or a merge loses them, and the definition then points to the grid.
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
    curve = average_retention(grid.drop(columns=_groups(grid)), level).set_index("age")
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
    return cumulative_per_customer(grid, "revenue")


def cumulative_per_customer(grid: pd.DataFrame, measure: str = "orders") -> pd.DataFrame:
    """Orders, revenue or contribution that each cohort has brought in by each age, per customer acquired.

    grid (cohort x age)  ->  table (cohort x age)

    Parameters
    ----------
    grid : DataFrame
        From `cohort_grid`, calendar or rolling, with or without groups; its rules for refunds and contribution hold.
    measure : "orders", "revenue" or "contribution"
        Several orders of one day count each, the first order included. Contribution has to be in the grid.

    Returns
    -------
    DataFrame, the rows of the grid
        group : only where the grid has it.
        cohort, age, customers, complete : as in the grid.
        orders_to_date, revenue_to_date or contribution_to_date : from the first order to the end of this age, over all
            customers of the cohort, those who never returned included. Blank where not all have been observed to the
            end of the age, and where contribution is not known. A cohort's interval: `cohort_value.value_per_customer`.

    Example
    -------
    >>> grid = pd.DataFrame({"cohort": "2024-01", "age": [0, 1, 2], "complete": [True, True, False]})
    >>> cumulative_per_customer(grid.assign(customers=10, orders=[11, 4, 1]), "orders")
        cohort  age  customers  complete  orders_to_date
    0  2024-01    0         10      True             1.1
    1  2024-01    1         10      True             1.5
    2  2024-01    2         10     False             NaN
    """
    order_log.one_of("measure", measure, MEASURES)
    order_log.has_columns(list(grid.columns), [measure])
    keys = [*_groups(grid), "cohort"]
    table = grid[[*keys, "age", "customers", "complete"]].copy()
    known = grid[measure].notna()
    minor = (grid[measure].fillna(0) * order_log.MONEY_SCALE).round().astype("int64")
    so_far = minor.groupby([grid[key] for key in keys]).cumsum() / order_log.MONEY_SCALE
    table[f"{measure}_to_date"] = (so_far / grid["customers"]).where(grid["complete"] & known)
    return table


def cumulative_repurchase(
    orders: Any,
    observed_until: order_log.DateLike,
    period: str = "month",
    age: str = "rolling",
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
    by: str | None = None,
) -> pd.DataFrame:
    """Share of each cohort that has placed a second order, on another day, by the end of each age.

    orders (one paid order)  ->  table (cohort x age)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Amounts play no part: a refunded order is an order.
    period, age, by
        As in `cohort_grid`.
    level : float
        Coverage of the Wilson intervals.

    Returns
    -------
    DataFrame, the rows of the cohort grid
        group : only with `by`.
        cohort, age, customers, complete : as in the grid.
        repurchased : customers with an order on a second day up to the end of this age; in an incomplete cell, so far.
        cumulative_repurchase, _low, _high : repurchased / customers, 0 to 1, with its interval. Blank (NaN) where not
            all members have been observed to the end of the age. It never falls from age to age, unlike retention.

    Raises
    ------
    ValueError
        As `cohort_grid`, amounts apart.

    Example
    -------
    Ana returns on day 41, Ben has not, Cy has been observed for a few days only:

    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [10.0, 20.0, 5.0, 8.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-15", "2024-01-20", "2024-03-10"])
    >>> table = cumulative_repurchase(orders, "2024-03-25")
    >>> table[["cohort", "age", "customers", "repurchased", "cumulative_repurchase", "complete"]]
        cohort  age  customers  repurchased  cumulative_repurchase  complete
    0  2024-01    0          2            0                    0.0      True
    1  2024-01    1          2            1                    0.5      True
    2  2024-01    2          2            1                    NaN     False
    3  2024-03    0          1            0                    NaN     False
    """
    order_log.one_of("period", period, order_log.PERIODS)
    order_log.one_of("age", age, AGES)
    check_level(level)
    until = order_log.day_number(observed_until, "observed_until")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    facts = order_log.without_old(order_log.paid_orders(orders, until, period, "gross", by), first_order_at, since)
    firsts = order_log.first_and_second(facts, ["period"])
    cells = _second_orders(firsts, since, period, age)
    grid = _grid(cells, until, period, age, level)
    keys = [*_groups(grid), "cohort"]
    table = grid[[*keys, "age", "customers"]].copy()
    table["repurchased"] = grid["orders"].groupby([grid[key] for key in keys]).cumsum()
    low, high = wilson(table["repurchased"], table["customers"], level)
    shares = {"": table["repurchased"] / table["customers"], "_low": low, "_high": high}
    for end, share in shares.items():
        table[f"cumulative_repurchase{end}"] = np.where(grid["complete"], share, np.nan)
    table["complete"] = grid["complete"]
    table.attrs = {"period": period, "age": age, "level": level}
    return table


def _groups(grid: pd.DataFrame) -> list[str]:
    return [name for name in ("group",) if name in grid]


def _cells(facts: nw.LazyFrame, since: int, period: str, age: str) -> pd.DataFrame:
    """(cohort, age) with somebody active -> active, orders, minor; oldest and newest first day (rolling age only).

    The engine counts by each customer's first period, or first day for rolling age: a customer has one only, so the
    counts add up over the days of a cohort. One window over the customers is all that this takes.
    """
    clock, step = ("period", 1) if age == "calendar" else ("day", BLOCK_DAYS[period])
    columns = facts.collect_schema().names()
    keys = [name for name in ("group",) if name in columns]
    sums = [name for name in ("minor", "unpriced", "earned") if name in columns]
    counted = (
        facts.with_columns(nw.col(clock).min().over("customer_id").alias("first"))
        .with_columns(order_log.quotient(nw.col(clock) - nw.col("first"), step).alias("age"))
        .group_by(*keys, "first", "age")
        .agg(
            nw.col("customer_id").n_unique().alias("active"),
            nw.len().alias("orders"),
            *(nw.col(name).sum() for name in sums),
        )
    )
    cells = order_log.collected(counted)
    cells["cohort"] = cells["first"]
    if age == "rolling":
        periods = {day: order_log.period_of_day(day, period) for day in cells["first"].unique()}
        cells["cohort"] = cells["first"].map(periods).astype("int64")
    cells = order_log.priced(cells[cells["cohort"] > order_log.period_of_day(since - 1, period)])
    added = ["active", "orders", *(name for name in sums if name != "unpriced")]
    return cells.groupby([*keys, "cohort", "age"], as_index=False).agg(
        **{name: (name, "sum") for name in added}, oldest=("first", "min"), newest=("first", "max")
    )


def _second_orders(firsts: nw.LazyFrame, since: int, period: str, age: str) -> pd.DataFrame:
    """Customers' first and second days -> cells as `_grid` takes them: everybody at age 0, second orders as orders."""
    clock, step = ("period", 1) if age == "calendar" else ("day", BLOCK_DAYS[period])
    columns = firsts.collect_schema().names()
    keys = [name for name in ("group",) if name in columns]
    gap = nw.col(f"second_{clock}") - nw.col(f"first_{clock}")
    gap = gap.fill_null(-step).cast(nw.Int64)  # age -1: no second order yet
    counted = (
        firsts.with_columns(nw.col(f"first_{clock}").alias("first"))
        .with_columns(order_log.quotient(gap, step).alias("age"))
        .group_by(*keys, "first", "age")
        .agg(nw.len().alias("customers"))
    )
    counts = order_log.collected(counted)
    numbers = {
        first: first if age == "calendar" else order_log.period_of_day(first, period)
        for first in counts["first"].unique()
    }
    counts["cohort"] = counts["first"].map(numbers).astype("int64")
    counts = counts[counts["cohort"] > order_log.period_of_day(since - 1, period)]
    keys.append("cohort")
    at_start = counts.groupby(keys, as_index=False).agg(
        active=("customers", "sum"), oldest=("first", "min"), newest=("first", "max")
    )
    second = counts[counts["age"] >= 0].groupby([*keys, "age"], as_index=False).agg(orders=("customers", "sum"))
    cells = at_start.assign(age=0).merge(second, how="outer", on=[*keys, "age"])
    return cells.fillna({"active": 0, "orders": 0}).astype({"active": "int64", "orders": "int64"}).assign(minor=0)


def _grid(cells: pd.DataFrame, until: int, period: str, age: str, level: float) -> pd.DataFrame:
    """Lay the counts out on every cell that somebody has begun to live, and mark those not lived to the end."""
    block = BLOCK_DAYS[period]
    keys = [name for name in ("group", "cohort") if name in cells]
    counts = [name for name in ("active", "orders", "minor", "earned") if name in cells]
    sizes = cells.loc[cells["age"] == 0, [*keys, "active", "oldest", "newest"]]  # at age 0 all are active
    sizes = sizes.rename(columns={"active": "customers"})
    if age == "calendar":
        begun = order_log.period_of_day(until, period) - sizes["cohort"] + 1
    else:
        begun = (until - sizes["oldest"]) // block + 1
    grid = sizes.loc[sizes.index.repeat(begun)]
    grid = grid.assign(age=grid.groupby(keys).cumcount())
    grid = grid.merge(cells[[*keys, "age", *counts]], how="left", on=[*keys, "age"])
    grid = grid.fillna(dict.fromkeys(counts, 0)).astype({"active": "int64", "orders": "int64"})
    grid["retention"] = grid["active"] / grid["customers"]
    grid["retention_low"], grid["retention_high"] = wilson(grid["active"], grid["customers"], level)
    grid["revenue"] = grid["minor"] / order_log.MONEY_SCALE
    if age == "calendar":
        grid["complete"] = grid["cohort"] + grid["age"] < order_log.period_of_day(until + 1, period)
    else:
        grid["complete"] = grid["newest"] + block * (grid["age"] + 1) - 1 <= until
        grid.loc[~grid["complete"], ["retention", "retention_low", "retention_high"]] = np.nan
    grid["cohort"] = pd.Series(
        [order_log.period_label(number, period) for number in grid["cohort"]], index=grid.index, dtype="str"
    )
    return grid[[*keys[:-1], *GRID_COLUMNS, *counts[3:]]].astype({"complete": "bool"})


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
