"""Summaries of purchase histories: what the models of lifetime need to know of each customer, and nothing else."""

from __future__ import annotations

import datetime
from typing import Any

import narwhals as nw
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Refused

GRAINS = {"week": 7, "day": 1}  # days in one unit of time
SUMMARY_COLUMNS = ["customer_id", "frequency", "recency", "T", "monetary_value"]
HOLDOUT_COLUMNS = ["frequency_holdout", "duration_holdout", "monetary_value_holdout"]

# What Klaviyo asks before it predicts a lifetime value: help.klaviyo.com, "Understanding predictive analytics".
BUYERS_AT_LEAST = 500
HISTORY_AT_LEAST = 180  # days
LAST_ORDER_WITHIN = 30  # days


def summarise(
    orders: Any,
    observed_until: order_log.DateLike,
    grain: str = "week",
    calibration_end: order_log.DateLike | None = None,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
    refunds: str = "net",
) -> pd.DataFrame:
    """Summarise each customer's history: how often, how recently, for how long and for how much they bought again.

    orders (one paid order)  ->  summary (one customer)

    Orders of one day are one purchase, their amounts added. Time is exact: days, or days / 7, never calendar weeks.

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`.
    grain : "week" or "day"
        Unit of every time in the summary, and of the models fitted to it.
    calibration_end : str, date or Timestamp, optional
        Last day the models may see, included. What comes after it, up to `observed_until`, is the holdout. Customers
        first seen later are left out.
    refunds : "net" or "gross"
        Whether the refunded part, where the column exists, is taken off.

    Returns
    -------
    DataFrame, one row per customer, in the order of customer_id
        frequency : purchases after the first, that is days after the first day with an order.
        recency : time from the first to the last purchase; 0 where there is one.
        T : time from the first purchase to the end of calibration.
        monetary_value : mean amount of the purchases after the first, in the brand's currency; 0 where there is none.
        frequency_holdout, duration_holdout, monetary_value_holdout : with `calibration_end` only; purchases in the
            holdout, its length, and their mean amount (0 where there is none).
    `attrs` carry grain, observed_until, calibration_end (dates as text; None without holdout), refunds, left_out
    (customers who cannot be told to be new, or are known to be old) and later (customers first seen after calibration).

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, an order without date or amount, a truncated history
        without `observed_from`, or a calibration that does not end before `observed_until`.

    Notes
    -----
    Fader, Hardie and Lee (2005), Marketing Science 24(2), 275-284; monetary value: the same authors (2005), J.
    Marketing Research 42(4), 415-430, where the first purchase is left out of the mean.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 1, 2], "amount": [9.0, 20.0, 10.0, 5.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-08", "2024-01-15"])
    >>> summarise(orders, "2024-01-29")
       customer_id  frequency  recency    T  monetary_value
    0            1          1      1.0  4.0            30.0
    1            2          0      0.0  2.0             0.0
    """
    order_log.one_of("grain", grain, tuple(GRAINS))
    until = order_log.day_number(observed_until, "observed_until")
    end = until if calibration_end is None else order_log.day_number(calibration_end, "calibration_end")
    if calibration_end is not None and end >= until:
        raise ValueError("calibration_end must come before observed_until, or no day is left to check forecasts on")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    facts = order_log.paid_orders(orders, until, "month", refunds)
    counted = order_log.priced(_counted(order_log.without_old(facts, first_order_at, since), since, end))
    all_are_new = history == "complete" and first_order_at is None
    everyone = len(counted) if all_are_new else _distinct(facts)
    seen = counted[counted["first"] <= end].sort_values("customer_id", ignore_index=True)
    summary = _in_units(seen, end, until, GRAINS[grain])
    summary.attrs = {
        "grain": grain,
        "observed_until": _text(until),
        "calibration_end": None if calibration_end is None else _text(end),
        "refunds": order_log.refund_rule(orders, refunds),
        "left_out": everyone - len(counted),
        "later": len(counted) - len(seen),
    }
    return summary if calibration_end is not None else summary[SUMMARY_COLUMNS]


def data_gate(
    summary: pd.DataFrame,
    buyers_at_least: int = BUYERS_AT_LEAST,
    history_at_least: int = HISTORY_AT_LEAST,
    last_order_within: int = LAST_ORDER_WITHIN,
) -> Refused | None:
    """Why the data cannot carry a model of lifetime: too few buyers, too short, too old, or nobody with three orders.

    summary (one customer)  ->  None when the data pass, otherwise the first rule they fail

    Parameters
    ----------
    summary : DataFrame
        From `summarise`; with a holdout, the calibration alone is judged.
    buyers_at_least : int
        Customers.
    history_at_least, last_order_within : int
        Days since the first order of all, and since the last.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 2], "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-01")})
    >>> data_gate(summarise(orders, "2024-01-29")).gate
    'buyers'
    """
    days = days_in_unit(summary)
    buyers = len(summary)
    if buyers < buyers_at_least:
        zh = f"可以确认首单的客户只有 {buyers:,} 位，少于 {buyers_at_least:,} 位，不足以估计客户终身价值。"
        en = f"Only {buyers:,} customers whose first order is known; a lifetime model needs {buyers_at_least:,}."
        return Refused("buyers", buyers, buyers_at_least, zh, en)
    length = round(summary["T"].max() * days)
    if length < history_at_least:
        zh = f"订单只覆盖 {length} 天，短于 {history_at_least} 天，看不出客户的购买节奏。"
        en = f"The orders span {length} days; {history_at_least} are needed to see how often customers buy."
        return Refused("history", length, history_at_least, zh, en)
    quiet = round((summary["T"] - summary["recency"]).min() * days)
    if quiet > last_order_within:
        zh = f"截止日前已有 {quiet} 天没有订单（上限 {last_order_within} 天），数据可能不完整，或者已经停售。"
        en = f"No order in the last {quiet} days ({last_order_within} allowed): data are missing or sales have ended."
        return Refused("recent order", quiet, last_order_within, zh, en)
    if not (summary["frequency"] >= 2).any():
        zh = "没有一位客户在三个不同的日子下过单，分不清客户是流失了还是还没回来。"
        en = "No customer has ordered on three days, so leaving cannot be told from not having returned yet."
        return Refused("three orders", 0, 1, zh, en)
    return None


def days_in_unit(table: Any) -> int:
    """Days in the unit of time of a summary or a fit: 7 for weeks, 1 for days."""
    grain = table.attrs.get("grain") if isinstance(table, pd.DataFrame) else table.grain
    if grain not in GRAINS:
        raise ValueError("the summary does not say its grain: use the table that summarise returned, attrs included")
    return GRAINS[grain]


def _distinct(facts: nw.LazyFrame) -> int:
    """Number of customers in the facts."""
    home = facts.select(nw.col("customer_id").n_unique().alias("customers")).collect("pandas").to_native()
    return int(home["customers"].iloc[0])


def _counted(facts: nw.LazyFrame, since: int, end: int) -> pd.DataFrame:
    """Facts -> one row a customer: first and last day, purchases and money after the first day, then in the holdout."""
    days = (
        facts.group_by("customer_id", "day")
        .agg(nw.col("minor").sum(), nw.col("unpriced").sum())
        .with_columns(nw.col("day").min().over("customer_id").alias("first"))
        .filter(nw.col("first") >= since)
    )
    again = (nw.col("day") > nw.col("first")) & (nw.col("day") <= end)
    held = (nw.col("day") > nw.col("first")) & (nw.col("day") > end)
    counted = (
        days.with_columns(
            again.cast(nw.Int64).alias("again"),
            held.cast(nw.Int64).alias("held"),
            nw.when(nw.col("day") <= end).then(nw.col("day")).otherwise(nw.col("first")).alias("seen"),
        )
        .with_columns(
            (nw.col("minor") * nw.col("again")).alias("again_minor"),
            (nw.col("minor") * nw.col("held")).alias("held_minor"),
        )
        .group_by("customer_id")
        .agg(
            nw.col("first").min(),
            nw.col("seen").max().alias("last"),
            *(nw.col(name).sum() for name in ("again", "held", "again_minor", "held_minor", "unpriced")),
        )
    )
    streaming = {"engine": "streaming"} if counted.implementation.is_polars() else {}
    home = counted.collect("pandas", **streaming).to_native()
    return home.astype({name: "int64" for name in home.columns if name != "customer_id"})


def _in_units(seen: pd.DataFrame, end: int, until: int, days: int) -> pd.DataFrame:
    """Counts in days and minor units -> the summary, in the units of its reader."""
    again, held = seen["again"], seen["held"]
    return pd.DataFrame(
        {
            "customer_id": seen["customer_id"],
            "frequency": again,
            "recency": (seen["last"] - seen["first"]) / days,
            "T": (end - seen["first"]) / days,
            "monetary_value": seen["again_minor"] / (again.clip(lower=1) * order_log.MONEY_SCALE),
            "frequency_holdout": held,
            "duration_holdout": (until - end) / days,
            "monetary_value_holdout": seen["held_minor"] / (held.clip(lower=1) * order_log.MONEY_SCALE),
        },
        columns=SUMMARY_COLUMNS + HOLDOUT_COLUMNS,
    )


def _text(day: int) -> str:
    return datetime.date.fromordinal(day + order_log.EPOCH).isoformat()
