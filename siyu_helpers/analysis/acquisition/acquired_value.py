"""Acquired value: what the new customers of each month and channel have brought in by a number of days.

The other side of the cost table: same grain, same customers. `payback` divides its sums. Opens no files and draws
nothing; the orders are added up by their engine, see `order_log`.
"""

from __future__ import annotations

import datetime
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition.cost_inputs import UNKNOWN, first_and_last_day, numbers_of_days, period_number
from siyu_helpers.analysis.estimates import Refused

REQUIRES = order_log.REQUIRES

STEP_DAYS = 30
HORIZONS = (*range(STEP_DAYS, 361, STEP_DAYS), 365)  # twelve steps, and the year that a ratio is stated at

VALUE_COLUMNS = ["month", "channel", "within_days", "customers", "contribution", "squares", "cubes"]


def acquired_value(
    orders: Any,
    observed_until: order_log.DateLike,
    within_days: tuple[int, ...] = HORIZONS,
    gross_margin: float | None = None,
    lag_days: int = 0,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame | Refused:
    """Contribution of the new customers of each month and channel in their first days, as sums.

    orders (one paid order)  ->  table (month x channel x horizon)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. acquired_through, where the column exists, is the channel of the first order
        ("unknown" where blank, or without that column).
    within_days : tuple of int
        Days 0 to within_days - 1 since the first order count, the first order included.
    gross_margin : float, optional
        0 to 1, where the orders do not say what the goods cost, see `order_log.contribution_rule`.
    lag_days : int
        As in the cost table: a customer belongs to the month of the day this long before the first order.

    Returns
    -------
    DataFrame, sorted by month, channel and horizon, a row for every month and channel with a new customer
        month : "2024-06". Months not wholly after the days on which new customers cannot be told are left out.
        channel : text.
        within_days : the horizon.
        customers : new customers, whether they returned or not.
        contribution : what they brought in by then, in the brand's currency, refunds taken off. Blank (NaN) where the
            last of the month has not been observed that long.
        squares, cubes : sums of the second and third powers of the contribution per customer, from which the interval
            of any sum of rows follows. Blank where contribution is.
        `attrs`: contribution (the rule), gross_margin, lag_days, observed_until, new_since (first day on which new
        customers can be told, as days since 1970-01-01).
    Refused when contribution is not known.

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, a date that is none, or an order without amount.

    Example
    -------
    Two customers of January, one of whom returns; margin one half:

    >>> orders = pd.DataFrame({"customer_id": [1, 2, 1], "amount": [40.0, 20.0, 10.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-01", "2024-01-31", "2024-02-10"])
    >>> orders["acquired_through"] = "feed"
    >>> value = acquired_value(orders, "2024-03-30", (30, 60, 90), gross_margin=0.5)
    >>> value[["month", "channel", "within_days", "customers", "contribution"]]
         month channel  within_days  customers  contribution
    0  2024-01    feed           30          2          30.0
    1  2024-01    feed           60          2          35.0
    2  2024-01    feed           90          2           NaN
    """
    horizons = sorted(set(within_days))
    for days in horizons:
        order_log.at_least_one("within_days", days)
    if lag_days != int(lag_days) or lag_days < 0:
        raise ValueError(f"lag_days must be a whole number, 0 or more; got {lag_days!r}")
    until = order_log.day_number(observed_until, "observed_until")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    rule = order_log.contribution_rule(orders, until, gross_margin)
    if rule == "none":
        return order_log.no_contribution()
    column = "acquired_through" if "acquired_through" in order_log.lazy(orders).collect_schema().names() else None
    facts = order_log.paid_orders(orders, until, "month", "net", column, rule)
    people = _people(order_log.without_old(facts, first_order_at, since), horizons, since)
    worth = order_log.earned_per_minor(rule, gross_margin) / order_log.MONEY_SCALE
    table = _by_month(people, horizons, worth, since, until, lag_days)
    table.attrs = {"contribution": rule, "gross_margin": gross_margin, "lag_days": lag_days}
    table.attrs["new_since"] = since
    table.attrs["observed_until"] = str(datetime.date.fromordinal(until + order_log.EPOCH))
    return table


def _people(facts: nw.LazyFrame, horizons: list[int], since: int) -> pd.DataFrame:
    """Facts -> one row a new customer: first_day, group (channel), and the money by each horizon in minor units."""
    channelled = "group" in facts.collect_schema().names()
    age = nw.col("day") - nw.col("first_day")
    money = (
        facts.with_columns(nw.col("day").min().over("customer_id").alias("first_day"))
        .filter(nw.col("first_day") >= since)
        .filter(age < max(horizons))
        .with_columns(
            nw.when(age < days).then(nw.col("earned")).otherwise(nw.lit(0)).alias(f"by_{days}") for days in horizons
        )
        .group_by("customer_id")
        .agg(nw.col("first_day").min(), *(nw.col(f"by_{days}").sum() for days in horizons), nw.col("unpriced").sum())
    )
    if channelled:
        money = money.join(order_log.group_at_first_order(facts), on="customer_id", how="inner")
    home = order_log.priced(order_log.collected(money.drop("customer_id")))
    return home if channelled else home.assign(group=UNKNOWN)


def _by_month(
    people: pd.DataFrame, horizons: list[int], worth: float, since: int, until: int, lag_days: int
) -> pd.DataFrame:
    """Customers -> sums by month, channel and horizon; minor units until the last step, so that sums are exact."""
    channel = people["group"].where(people["group"] != "", UNKNOWN)  # as in the cost table
    keys = pd.DataFrame({"number": numbers_of_days(people["first_day"] - lag_days, "month"), "channel": channel})
    cells = keys.groupby(["number", "channel"], sort=True)
    code, names = cells.ngroup().to_numpy(), cells.size().rename("customers").reset_index()
    names["month"] = [order_log.period_label(number, "month") for number in names["number"].tolist()]
    rows = []
    for within in horizons:
        minor = people[f"by_{within}"].to_numpy()
        order = np.argsort(minor, kind="stable")  # sums of powers are floating, and must not follow the order of rows
        total = np.zeros(len(names), dtype="int64")
        np.add.at(total, code, minor)
        powers = [np.bincount(code[order], (minor[order] * worth) ** k, len(names)) for k in (2, 3)]
        sums = {"contribution": total * worth, "squares": powers[0], "cubes": powers[1]}
        rows.append(names.assign(within_days=within, **sums))
    table = pd.concat(rows)[VALUE_COLUMNS].sort_values(["month", "channel", "within_days"], ignore_index=True)
    table = table.astype({"month": "str", "channel": "str"})
    ends = {month: first_and_last_day(period_number(month), "month") for month in table["month"].unique()}
    start, end = (table["month"].map(lambda month, at=at: ends[month][at]).astype("int64") + lag_days for at in (0, 1))
    # A month whose first days cannot tell the new is no month of new customers; nor is one that ends after the data.
    table.loc[end + table["within_days"] - 1 > until, ["contribution", "squares", "cubes"]] = np.nan
    return table[(start >= since) & (end <= until)].reset_index(drop=True)
