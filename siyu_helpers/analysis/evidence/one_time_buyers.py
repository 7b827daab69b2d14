"""One-time buyers: how many new customers have not ordered again a year later, by where they came from.

Opens no files and draws nothing. Orders and members may be any frames that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.evidence.kept_contacts import kept_after
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence, OrderRows, order_rows
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
YEAR = 365
HALF = 0.5


def one_time_buyers(
    orders: Any,
    observed_until: order_log.DateLike,
    channels: Mapping[str, Any] | None = None,
    days: int = YEAR,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """Share of new customers who have not ordered again a year after their first order, by where they came from.

    orders (one paid order)  ->  Evidence: table (domain of the first order), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`; orders may be OrderRows that hold acquired_through.
    channels : dict, optional
        Channel -> "public", "semi" or "private", or a mapping with it under "domain".
    days : int
        After which who has not come back is a one-time buyer. Orders of one day are one.

    Returns
    -------
    Evidence
        table : domain ("all" first, then public, semi, private, unknown), customers, one_time with _low and _high
        (Kaplan-Meier; blank where nobody was watched so long).
        figures : one_time_share; one_time_public and one_time_private (by channel of the first order); one_time_revenue
        (share of all revenue before refunds from customers with one order day so far).
        rule : agrees where clearly most do not come back within the year, disagrees where clearly most do.

    Notes
    -----
    Customers who come by one way or another differ from the start: no difference here is an effect of the channel.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [*range(200), *range(40)], "amount": 9.0,
    ...                     "ordered_at": pd.to_datetime(["2023-01-01"] * 200 + ["2023-02-01"] * 40)})
    >>> found = one_time_buyers(log, "2024-06-30")
    >>> found.figures["one_time_share"].value, found.rule.agrees
    (0.8, 'agrees')
    """
    order_log.at_least_one("days", days)
    check_level(level)
    rows = order_rows(orders, observed_until, (), ("acquired_through",))
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    domain = _first_domain(rows, channels)
    gap = _days_to_second(rows)
    watched = np.where(np.isnan(gap), rows.until - rows.first_day, gap).astype(np.int64)
    listed, sides = [], {}
    for name in ("all", *order_log.DOMAINS, "unknown"):
        who = new if name == "all" else new & (domain == name)
        if not who.any() and name != "all":
            continue
        ends = kept_after(watched[who], ~np.isnan(gap[who]), days, level)
        sides[name] = (ends, int(who.sum()))
        listed.append([name, int(who.sum()), *ends])
    table = pd.DataFrame(listed, columns=["domain", "customers", "one_time", "one_time_low", "one_time_high"])
    figures = {"one_time_share": _one_time(sides, "all", days, level)}
    figures |= {f"one_time_{name}": _one_time(sides, name, days, level) for name in ("public", "private")}
    once = rows.per_customer(rows.is_purchase.astype(float)) == 1
    money = rows.per_customer(rows.numbers["amount"])
    figures["one_time_revenue"] = evidence.ratio(np.where(once, money, 0.0), money, level, "share", Words(
        "至今只有一个下单日的客户带来的销售额 ÷ 全部销售额（未扣退款；不少是刚来的新客）",
        "revenue of customers with one order day so far / all revenue (before refunds; many of them are new)",
    ), one_time_buyers)  # fmt: skip
    found, agrees = figures["one_time_share"], OPEN
    if isinstance(found, Estimate):
        agrees = AGREES if found.low > HALF else DISAGREES if found.high < HALF else OPEN
    return Evidence(table, figures, RuleResult("one_time_buyers", _ONCE, figures, agrees, _ONCE_READING[agrees]))


def _first_domain(rows: OrderRows, channels: Mapping[str, Any] | None) -> np.ndarray:
    """Domain of the channel of each customer's first order; "unknown" where not recorded."""
    told = {
        name: kept.get("domain", "unknown") if isinstance(kept, Mapping) else str(kept)
        for name, kept in (channels or {}).items()
    }
    if "acquired_through" not in rows.texts or not len(rows.customers):
        return np.full(len(rows.customers), "unknown", dtype=object)
    first = rows.texts["acquired_through"][rows.starts]
    return np.array([told.get(channel, "unknown") for channel in first], dtype=object)


def _days_to_second(rows: OrderRows) -> np.ndarray:
    """Days from each customer's first day with an order to the second; NaN where there is none yet."""
    later = rows.day > rows.first_day[rows.person]
    second = np.full(len(rows.customers), np.inf)
    np.minimum.at(second, rows.person[later], rows.day[later].astype(float))
    return np.where(np.isfinite(second), second - rows.first_day, np.nan)


def _one_time(sides: dict, name: str, days: int, level: float) -> Estimate | Refused:
    ends, many = sides.get(name, ((math.nan,) * 3, 0))
    if refused := evidence.too_few(many):
        return refused
    if math.isnan(ends[0]):
        return Refused(
            "observed long enough", "less", days,
            f"还没有新客被观察满 {days} 天。", f"No new customer has been watched for {days} days.",
        )  # fmt: skip
    where = {"all": Words("新客", "new customers"),
             "public": Words("公域渠道来的新客", "new customers from public channels"),
             "private": Words("私域渠道来的新客", "new customers from private channels")}[name]  # fmt: skip
    words = Words(
        f"{where.zh}中，首单后 {days} 天内没有再次下单的占比（Kaplan-Meier 法，未满 {days} 天的按已观察的天数计）",
        f"share of {where.en} without another order within {days} days of the first (Kaplan-Meier)",
    )
    value, low, high = ends
    return Estimate(value, min(low, value), max(high, value), level, many, "share", words, one_time_buyers)


_ONCE = Words(
    "买完就走的一次性客户：下次还得再付一次费", "they buy once and leave: the next sale has to be paid for again"
)
_ONCE_READING = {
    AGREES: Words(
        "多数新客一年内没有回来：获客成本主要靠首单收回，算账不能先假设复购",
        "most new customers do not come back within a year: the first order must nearly carry the acquisition cost",
    ),
    DISAGREES: Words(
        "多数新客一年内会回来：“买完就走”不是本品牌的主要情形",
        "most new customers do come back within a year: buying once is not the rule here",
    ),
    OPEN: Words(
        "一次性客户是否占多数，数据还分不清，或观察时间不够",
        "whether one-time buyers are the majority cannot be told, or customers were not watched for long enough",
    ),
}
