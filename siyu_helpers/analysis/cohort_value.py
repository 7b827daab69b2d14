"""Cohort value: what a new customer has brought in by a number of days, in revenue or contribution, and by origin.

Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files and draws nothing; the orders are added up by their
engine, see `order_log`. What is known so far, not a forecast: only customers observed for all those days count. The
forecast is `customer_lifetime`'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import (
    LEVEL,
    MEAN_AT_LEAST,
    Estimate,
    Refused,
    Words,
    check_level,
    mean_per_customer,
)

REQUIRES = order_log.REQUIRES

MEASURES = ("revenue", "contribution")
HORIZONS = (30, 90, 180, 365)

VALUE_COLUMNS = ["group", "within_days", "customers", "value", "value_low", "value_high", "reason_zh", "reason_en"]


def value_per_customer(
    orders: Any,
    observed_until: order_log.DateLike,
    within_days: tuple[int, ...] | int = HORIZONS,
    measure: str = "revenue",
    by: str | None = None,
    gross_margin: float | None = None,
    refunds: str = "net",
    period: str = "month",
    level: float = LEVEL,
    seed: int = 1,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame | Refused:
    """Mean revenue or contribution of a new customer by so many days, for all or by origin, with its interval.

    orders (one paid order)  ->  table (group x horizon)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`.
    within_days : int or tuple of int
        Days 0 to within_days - 1 since the first order count, the first order included.
    measure : "revenue" or "contribution"
        Contribution follows `order_log.contribution_rule`; refunds are always taken off it.
    by : str, optional
        A column of orders, taken at the customer's first order ("unknown" where blank): acquired_through, or domain
        from `order_log.with_domain`. Or "cohort": the `period` of the first order.
    gross_margin : float, optional
        0 to 1, for contribution where the orders do not say what the goods cost.
    refunds : "net" or "gross"
        Whether refunds are taken off the revenue.
    level, seed
        Of the intervals: see `estimates.mean_per_customer`.

    Returns
    -------
    DataFrame, sorted by group and horizon, one row of each for every pair
        group : value of `by`, or "all".
        within_days : the horizon.
        customers : new customers observed for all these days, whether they returned or not.
        value, value_low, value_high : mean over them, in the brand's currency, with its interval from resampling
            customers. Blank (NaN) for fewer than 100 customers.
        reason_zh, reason_en : why it is blank; empty text where it is not.
    Groups differ by who came when: compare the rows of one horizon. Refused when contribution is not known.
    One of its numbers as an `Estimate`: `value_at`.

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, a date that is none, or an order without amount.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [*range(240), *range(0, 240, 4)], "amount": 10.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-01"] * 240 + ["2024-01-08"] * 60)
    >>> orders["acquired_through"] = ["wecom"] * 120 + ["search"] * 180
    >>> table = value_per_customer(orders, "2024-03-31", (7, 30), "contribution", "acquired_through", gross_margin=0.5)
    >>> table[["group", "within_days", "customers", "value"]]
        group  within_days  customers  value
    0  search            7        120   5.00
    1  search           30        120   6.25
    2   wecom            7        120   5.00
    3   wecom           30        120   6.25
    """
    horizons = [within_days] if isinstance(within_days, int) else list(within_days)
    for days in horizons:
        order_log.at_least_one("within_days", days)
    order_log.one_of("measure", measure, MEASURES)
    order_log.one_of("period", period, order_log.PERIODS)
    check_level(level)
    until = order_log.day_number(observed_until, "observed_until")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    rule = order_log.contribution_rule(orders, until, gross_margin) if measure == "contribution" else None
    if rule == "none":
        return order_log.no_contribution()
    column = None if by == "cohort" else by
    facts = order_log.without_old(
        order_log.paid_orders(orders, until, period, refunds, column, rule), first_order_at, since
    )
    spend = _spend(facts, horizons, since)
    if by == "cohort":
        spend["group"] = _cohort_of(spend["first_day"], period)
    worth = 1.0 if rule is None else order_log.earned_per_minor(rule, gross_margin)
    table = _means(spend, horizons, until, worth / order_log.MONEY_SCALE, level, seed)
    table.attrs = {"measure": measure, "refunds": order_log.refund_rule(orders, refunds), "level": level}
    table.attrs |= {"contribution": rule, "gross_margin": gross_margin}
    return table


def value_at(table: pd.DataFrame | Refused, within_days: int, group: str = "all") -> Estimate | Refused:
    """One number of the value table, with its definition.

    Parameters
    ----------
    table : DataFrame
        From `value_per_customer`. Its `attrs` carry the measure, the rules and the level, so it must not have been
        through a file or a merge.
    within_days, group
        Which row.

    Returns
    -------
    Estimate with unit "money per customer", n the customers observed that long; Refused when they are fewer than 100.

    Raises
    ------
    ValueError
        When there is no such row, or the table has lost how it was made.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": range(120), "amount": 10.0, "ordered_at": pd.Timestamp("2024-01-01")})
    >>> value_at(value_per_customer(orders, "2024-03-31", 30), 30).value
    10.0
    """
    if isinstance(table, Refused):
        return table
    if "measure" not in table.attrs:
        raise ValueError(
            "the table has lost its attrs: pass what value_per_customer returned, or filter it by rows only"
        )
    if table.empty:
        return _too_few(0, within_days)
    rows = table[(table["group"] == group) & (table["within_days"] == within_days)]
    if rows.empty:
        groups = ", ".join(map(repr, table["group"].unique()))
        raise ValueError(f"the table has no group {group!r} at {within_days} days; its groups are {groups}")
    row, made = rows.iloc[0], table.attrs
    if np.isnan(row["value"]):
        return Refused("customers", int(row["customers"]), MEAN_AT_LEAST, row["reason_zh"], row["reason_en"])
    ends = (row["value"], row["value_low"], row["value_high"])
    definition = _value_words(made, within_days)
    return Estimate(*ends, made["level"], int(row["customers"]), "money per customer", definition, value_per_customer)


def clearly_apart(table: pd.DataFrame) -> dict[str, Any]:
    """Name the origins whose new customers are worth most and least, where their intervals do not overlap.

    table (group)  ->  "top" and "bottom" (the groups), "top_value" and "bottom_value" (Estimates); empty where none is

    Parameters
    ----------
    table : DataFrame
        From `value_per_customer` with `by` and one horizon. Blank groups play no part, nor do "unknown" and "other".

    Notes
    -----
    Two of several groups are picked because they lie at the ends: intervals that do not overlap ask for more than a
    test of two groups named beforehand would, which makes up for some of that choice, not for all of it.

    Example
    -------
    >>> table = pd.DataFrame({"group": ["sms", "feed"], "within_days": 30, "customers": 200, "value": [9.0, 5.0]})
    >>> table = table.assign(value_low=[8.0, 4.0], value_high=[10.0, 6.0])
    >>> table.attrs = {"measure": "revenue", "refunds": "none", "level": 0.9}
    >>> table.attrs |= {"contribution": None, "gross_margin": None}
    >>> clearly_apart(table)["top"], clearly_apart(table)["bottom_value"].value
    ('sms', 5.0)
    """
    told = table[table["value"].notna() & ~table["group"].isin(["unknown", "other"])]
    if len(told) < 2:
        return {}
    top, bottom = told.loc[told["value"].idxmax()], told.loc[told["value"].idxmin()]
    if not top["value_low"] > bottom["value_high"]:
        return {}
    found = {}
    for name, row in (("top", top), ("bottom", bottom)):
        found |= {name: row["group"], f"{name}_value": value_at(table, int(row["within_days"]), row["group"])}
    return found


def revenue_per_customer(
    orders: Any,
    observed_until: order_log.DateLike,
    within_days: int = 90,
    level: float = LEVEL,
    seed: int = 1,
    refunds: str = "net",
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Estimate | Refused:
    """Mean revenue of a new customer in the first days of the relationship, the first order included.

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`.
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
        As `value_per_customer`, of which this is one row.

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
    table = value_per_customer(
        orders, observed_until, within_days, level=level, seed=seed, refunds=refunds, observed_from=observed_from,
        history=history, burn_in_days=burn_in_days, first_order_at=first_order_at,
    )  # fmt: skip
    found = value_at(table, within_days) if len(table) else _too_few(0, within_days)
    return found if isinstance(found, Refused) else replace(found, function=revenue_per_customer)


def _spend(facts: nw.LazyFrame, horizons: list[int], since: int) -> pd.DataFrame:
    """Facts -> one row a new customer: first_day, group, and the money up to each horizon in minor units."""
    columns = facts.collect_schema().names()
    money = "earned" if "earned" in columns else "minor"
    first_day = nw.col("day").min().over("customer_id")
    in_time = [nw.col("day") - nw.col("first_day") < days for days in horizons]
    spend = (
        facts.with_columns(first_day.alias("first_day"))
        .filter(nw.col("first_day") >= since, nw.col("day") - nw.col("first_day") < max(horizons))
        .with_columns(
            nw.when(inside).then(nw.col(money)).otherwise(nw.lit(0)).alias(f"by_{days}")
            for inside, days in zip(in_time, horizons, strict=True)
        )
        .group_by("customer_id")
        .agg(
            nw.col("first_day").min(),
            *(nw.col(f"by_{days}").sum() for days in horizons),
            nw.col("unpriced").sum(),
        )
    )
    if "group" in columns:
        spend = spend.join(order_log.group_at_first_order(facts), on="customer_id", how="inner")
    home = order_log.priced(order_log.collected(spend.drop("customer_id")))
    return home if "group" in columns else home.assign(group="all")


def _cohort_of(first_day: pd.Series, period: str) -> pd.Series:
    """Name of the period of each first day."""
    days = first_day.unique()
    return first_day.map({day: order_log.period_label(order_log.period_of_day(day, period), period) for day in days})


def _means(spend: pd.DataFrame, horizons: list[int], until: int, scale: float, level: float, seed: int) -> pd.DataFrame:
    """One row per group and horizon: the mean over those observed that long, or why there is none."""
    rows = []
    for group, members in spend.groupby("group"):
        for days in sorted(horizons):
            values = members.loc[members["first_day"] <= until - days + 1, f"by_{days}"].to_numpy() * scale
            row = [group, days, len(values)]
            if len(values) < MEAN_AT_LEAST:
                why = _too_few(len(values), days)
                rows.append([*row, np.nan, np.nan, np.nan, why.reason_zh, why.reason_en])
            else:
                mean = mean_per_customer(values, level, seed)
                rows.append([*row, mean.value, mean.low, mean.high, "", ""])
    table = pd.DataFrame(rows, columns=VALUE_COLUMNS)
    numbers = dict.fromkeys(VALUE_COLUMNS[3:6], "float64") | dict.fromkeys(VALUE_COLUMNS[1:3], "int64")
    return table.astype(numbers | dict.fromkeys(["group", "reason_zh", "reason_en"], "str"))


def _too_few(customers: int, within_days: int) -> Refused:
    return Refused(
        "customers",
        customers,
        MEAN_AT_LEAST,
        f"首单已满 {within_days} 天的新客只有 {customers} 位，少于 {MEAN_AT_LEAST} 位，人均值的误差范围不可靠。",
        f"Only {customers} new customers have been observed for {within_days} days since their first order; "
        f"below {MEAN_AT_LEAST} the interval of a mean cannot be trusted.",
    )


def _value_words(made: dict[str, Any], within_days: int) -> Words:
    """Definition of value per customer: window, denominator, and what was done with refunds and costs."""
    if made["measure"] == "contribution":
        what = Words("贡献毛利", "Contribution")
        rule = order_log.contribution_words(made["contribution"], made["gross_margin"])
    else:
        what, rule = Words("销售额", "Revenue"), order_log.REFUND_WORDS[made["refunds"]]
    return Words(
        f"每位新客自首单当天起 {within_days} 天内的{what.zh}（含首单）；分母是首单已满 {within_days} 天的全部新客，"
        f"没有复购的也在内；{rule.zh}。",
        f"{what.en} of a new customer in the {within_days} days that begin with the first order, which is included; "
        f"over all customers observed for those {within_days} days, whether they returned or not; {rule.en}.",
    )
