"""Revenue identity: visitors x conversion x orders per buyer x average order value, and why revenue changed.

The source articles write revenue = traffic x conversion x spend x repurchase rate. With a repurchase *rate*, a share
below 1, that product is wrong: 10,000 visitors x 5% x 200 x 30% = 30,000, less than the 100,000 of the first orders
alone. What belongs there is orders per buyer. Here the right product is split between two periods without a remainder
(`decomposition.lmdi`), and the wrong one is set beside what was earned. Used by notebooks/02_repurchase_cohorts.ipynb.

All of it is counted history, so there are no intervals.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd

from siyu_helpers.analysis import audit_periods, order_log, visitors
from siyu_helpers.analysis.decomposition import lmdi, waterfall
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES = order_log.REQUIRES

YEAR, SHORTEST = 365, 28  # days of a period by default, and the fewest that are compared
IDENTITY_COLUMNS = ["step", "kind", "before", "after", "amount", "start", "end"]

Window = tuple[order_log.DateLike, order_log.DateLike]


def revenue_identity(
    orders: Any,
    observed_until: order_log.DateLike,
    before: Window | None = None,
    after: Window | None = None,
    touchpoints: Any = None,
    spend: Any = None,
    refunds: str = "net",
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """Split the change of revenue between two periods into visitors, conversion, orders per buyer and order value.

    orders (one paid order)  ->  table (bar of the waterfall)

    Parameters
    ----------
    orders, observed_until, observed_from
        See the head of `order_log`. Without `observed_from` the data are taken to begin with the first order.
    before, after : (first day, last day), both included; give both or neither
        By default the last 365 days and the 365 before; with less data two equal halves, cut to whole weeks.
    touchpoints : frame of the same kind as `orders`, optional
        visitor_id, touched_at [customer_id]. Visitors are then the different visitor_id with a touch in the period, on
        all channels that record touches; somebody with two devices is two.
    spend : frame of any kind, optional, used where touchpoints are not given
        date, visitors. Visitors are then the sum over days and channels, so paid channels only, and a person who came
        on several days counts several times, whereas buyers come from all channels: conversion is too high.
    refunds : "net" or "gross"
        Whether the refunded part, where the column exists, is taken off.
    history, burn_in_days, first_order_at
        Play no part, since all buyers count; accepted so that `brand.history` can be passed on.

    Returns
    -------
    DataFrame, a row per bar
        step : "before"; "visitors" and "conversion", or "buyers" where visitors are not known; "orders_per_buyer";
            "average_order_value"; "after".
        kind : "total" or "change".
        before, after : the value of the factor (of a total: revenue) in each period. conversion is buyers /
            visitors; customers who return are in both, so a growing base raises it.
        amount : what the change of this factor added to revenue; the changes add up to the cent.
        start, end : where its bar begins and ends.
        `attrs`: before and after (dates), refunds, buyers (in `after`), traffic ("touchpoints", "spend" or None),
        traffic_refused (why visitors are not used), touched_share (of buyers with a recorded touch, one per period),
        closed_group (True where nobody in `after` is new: the file follows a fixed group, which says nothing of the
        brand's growth).
        Empty, with the reason in `attrs["refused"]`, where the periods were not observed whole, nobody bought in one
        of them, or refunds exceed what was paid.

    Raises
    ------
    ValueError
        As `repurchase_cohorts.cohort_grid`; for one window without the other, or windows that overlap.

    Notes
    -----
    A contribution is arithmetic, not a cause. Periods of different length or season are compared as they are.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 2, 1, 2, 3, 3], "amount": [10.0, 20.0, 30.0, 30.0, 20.0, 10.0]})
    >>> days = ["2024-01-05", "2024-01-15", "2024-02-15", "2024-02-20", "2024-02-10", "2024-02-11"]
    >>> orders["ordered_at"] = pd.to_datetime(days)
    >>> windows = dict(before=("2024-01-01", "2024-01-30"), after=("2024-02-01", "2024-03-01"))
    >>> revenue_identity(orders, "2024-03-01", observed_from="2024-01-01", **windows).round(2)
                      step    kind  before  after  amount  start    end
    0               before   total    30.0  90.00   30.00   0.00  30.00
    1               buyers  change     2.0   3.00   22.15  30.00  52.15
    2     orders_per_buyer  change     1.0   1.33   15.71  52.15  67.86
    3  average_order_value  change    15.0  22.50   22.14  67.86  90.00
    4                after   total    30.0  90.00   90.00   0.00  90.00
    """
    until = order_log.day_number(observed_until, "observed_until")
    facts = order_log.paid_orders(orders, until, "month", refunds)
    windows = _windows(facts, until, observed_from, before, after)
    said = {"refunds": order_log.refund_rule(orders, refunds)}
    if isinstance(windows, Refused):
        return audit_periods.nothing(IDENTITY_COLUMNS, said, windows)
    said |= {"before": audit_periods.dates(windows[0]), "after": audit_periods.dates(windows[1])}
    bought = _bought(facts, windows)
    counted = _counted(bought)
    if refused := _cannot_be_split(counted):
        return audit_periods.nothing(IDENTITY_COLUMNS, said, refused)
    said["buyers"] = int(counted["buyers"].iloc[-1])
    said["closed_group"] = not _new_buyers(facts, windows[1])
    came, about = visitors.visitors_of(touchpoints, spend, bought, counted["buyers"].tolist(), windows)
    said |= about
    table = _bars(counted, came)
    table.attrs = said
    return table


def revenue_change(identity: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """State the split in numbers: revenue before and after, and what each factor added.

    table (bar)  ->  named numbers, all counted, so without an interval

    Parameters
    ----------
    identity : DataFrame
        From `revenue_identity`.

    Returns
    -------
    dict of Estimate with unit "money": revenue_before, revenue_after, change, and one for each factor of the split:
    visitors and conversion (Refused, with the reason, where visitors are not known, and `buyers` instead),
    orders_per_buyer, average_order_value. All Refused where the table is empty.

    Example
    -------
    >>> rows = [("before", "total", 30.0), ("buyers", "change", 10.0), ("after", "total", 40.0)]
    >>> table = pd.DataFrame(rows, columns=["step", "kind", "amount"]).assign(before=[30, 3, 40], after=[30, 4, 40])
    >>> found = revenue_change(table)
    >>> found["change"].value, found["buyers"].value
    (10.0, 10.0)
    """
    words = _change_words(identity.attrs)
    if identity.empty:
        return dict.fromkeys(words, identity.attrs.get("refused") or _not_whole(0, 2 * SHORTEST))
    amount = dict(zip(identity["step"], identity["amount"], strict=True))
    amount |= {"revenue_before": amount.pop("before"), "revenue_after": amount.pop("after")}
    amount["change"] = round(amount["revenue_after"] - amount["revenue_before"], 2)
    buyers = identity.loc[identity["step"].isin(["buyers", "visitors"]), "after"]
    n = int(buyers.iloc[0]) if len(buyers) else 0
    unknown = identity.attrs.get("traffic_refused") or visitors.not_known()
    return {
        name: Estimate.exact(amount[name], n, "money", definition, revenue_change) if name in amount else unknown
        for name, definition in words.items()
        if name in amount or name in ("visitors", "conversion")
    }


def naive_formula(
    orders: Any,
    observed_until: order_log.DateLike,
    within: Window | None = None,
    refunds: str = "net",
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> dict[str, Estimate | Refused]:
    """Set revenue beside the product that multiplies by a repurchase rate, and say how much that product misses.

    orders (one paid order)  ->  named numbers, all counted, so without an interval

    Visitors x conversion is buyers, whatever the visitors; so both sides can be computed without them.

    Parameters
    ----------
    orders, observed_until, refunds, observed_from, history, burn_in_days, first_order_at
        As in `revenue_identity`.
    within : (first day, last day), optional
        By default the last 365 days, or all days observed if fewer.

    Returns
    -------
    dict of Estimate: actual (revenue), naive (buyers x average order value x repurchase rate), share_missing
    (1 - naive / actual), buyers, average_order_value, repurchase_rate (share of buyers who bought on two or more days
    of the period) and orders_per_buyer, which belongs in its place. Refused where nobody bought, `within` was not
    observed whole (without it: fewer than 28 days), or revenue is 0 or below.

    Example
    -------
    Ten buyers spend 200 an order; three of them order twice:

    >>> orders = pd.DataFrame({"customer_id": [*range(10), 0, 1, 2], "amount": 200.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05"] * 10 + ["2024-02-05"] * 3)
    >>> found = naive_formula(orders, "2024-03-31", observed_from="2024-01-01")
    >>> found["actual"].value, found["naive"].value, round(found["share_missing"].value, 3)
    (2600.0, 600.0, 0.769)
    """
    until = order_log.day_number(observed_until, "observed_until")
    facts = order_log.paid_orders(orders, until, "month", refunds)
    begin = _begin(facts, until, observed_from)
    window = _window(within, "within") if within else (max(begin, until - YEAR + 1), until)
    words = _naive_words(audit_periods.dates(window), order_log.refund_rule(orders, refunds))
    if not within and until - begin + 1 < SHORTEST:
        return dict.fromkeys(words, _not_whole(until - begin + 1, SHORTEST))
    if window[0] < begin or window[1] > until:
        return dict.fromkeys(words, _not_observed())
    row = _counted(_bought(facts, (window,))).iloc[0]
    buyers, orders_, minor = int(row["buyers"]), int(row["orders"]), int(row["minor"])
    if not buyers:
        return dict.fromkeys(words, audit_periods.nobody("/".join(audit_periods.dates(window))))
    if minor <= 0:
        return dict.fromkeys(words, audit_periods.no_money())
    actual = minor / order_log.MONEY_SCALE
    rate, value = int(row["repeat"]) / buyers, actual / orders_
    stated = {
        "actual": (actual, "money"),
        "naive": (buyers * value * rate, "money"),
        "share_missing": (1 - buyers * value * rate / actual, "share"),
        "buyers": (buyers, "customers"),
        "average_order_value": (value, "money per order"),
        "repurchase_rate": (rate, "share"),
        "orders_per_buyer": (orders_ / buyers, "orders per customer"),
    }
    return {
        name: Estimate.exact(number, buyers, unit, words[name], naive_formula)
        for name, (number, unit) in stated.items()
    }


# --- windows ---


def _begin(facts: nw.LazyFrame, until: int, observed_from: order_log.DateLike | None) -> int:
    if observed_from is not None:
        return order_log.day_number(observed_from, "observed_from")
    first = facts.select(nw.col("day").min().alias("day")).collect("pandas").to_native()["day"].iloc[0]
    return until if pd.isna(first) else int(first)


def _windows(
    facts: nw.LazyFrame,
    until: int,
    observed_from: order_log.DateLike | None,
    before: Window | None,
    after: Window | None,
) -> tuple[tuple[int, int], tuple[int, int]] | Refused:
    """The two periods in day numbers, both observed whole; or why there are none."""
    begin = _begin(facts, until, observed_from)
    seen = until - begin + 1
    if (before is None) != (after is None):
        raise ValueError("give both before and after, or neither")
    if before is not None:
        first, second = _window(before, "before"), _window(after, "after")
        if first[1] >= second[0]:
            raise ValueError("before must end before after begins")
        return (first, second) if begin <= first[0] and second[1] <= until else _not_observed()
    days = min(YEAR, seen // 2)
    if days < YEAR:
        days -= days % 7  # as many Mondays on one side as on the other
    if days < SHORTEST:
        return _not_whole(seen, 2 * SHORTEST)
    return (until - 2 * days + 1, until - days), (until - days + 1, until)


def _window(given: Window, name: str) -> tuple[int, int]:
    first, last = (order_log.day_number(date, name) for date in given)
    if first > last:
        raise ValueError(f"{name} ends before it begins: give (first day, last day)")
    return first, last


# --- counting ---


def _bought(facts: nw.LazyFrame, windows: tuple[tuple[int, int], ...]) -> nw.LazyFrame:
    """(customer, window) -> orders, days with an order, minor."""
    return (
        audit_periods.in_window(facts, windows)
        .group_by("customer_id", "window")
        .agg(
            nw.len().alias("orders"),
            nw.col("day").n_unique().alias("days"),
            nw.col("minor").sum(),
            nw.col("unpriced").sum(),
        )
    )


def _counted(bought: nw.LazyFrame) -> pd.DataFrame:
    """Per window, two rows: buyers, orders, repeat (buyers on two or more days), minor; 0 where nobody bought."""
    repeat = nw.when(nw.col("days") > 1).then(nw.lit(1)).otherwise(nw.lit(0))
    sums = [nw.col(name).sum() for name in ("orders", "repeat", "minor", "unpriced")]
    query = bought.with_columns(repeat.alias("repeat")).group_by("window").agg(nw.len().alias("buyers"), *sums)
    return order_log.priced(order_log.collected(query)).set_index("window").reindex(range(2), fill_value=0)


def _new_buyers(facts: nw.LazyFrame, window: tuple[int, int]) -> int:
    """Customers whose first order in the file falls in the window."""
    first = facts.group_by("customer_id").agg(nw.col("day").min()).filter(nw.col("day").is_between(*window))
    return int(first.select(nw.len().alias("n")).collect("pandas").to_native()["n"].iloc[0])


def _bars(counted: pd.DataFrame, came: list[int] | None) -> pd.DataFrame:
    """The waterfall with the values of its factors."""
    periods = []
    for at in range(2):
        row = counted.loc[at]
        reached = {"buyers": float(row["buyers"])}
        if came is not None:
            reached = {"visitors": float(came[at]), "conversion": row["buyers"] / came[at]}
        value = row["minor"] / order_log.MONEY_SCALE
        periods.append(
            (
                value,
                {
                    **reached,
                    "orders_per_buyer": row["orders"] / row["buyers"],
                    "average_order_value": value / row["orders"],
                },
            )
        )
    (before, factors_before), (after, factors_after) = periods
    split = lmdi(factors_before, factors_after).set_index("component")
    table = waterfall(before, split["contribution"])
    levels = pd.DataFrame({"before": factors_before, "after": factors_after}).reindex(table["step"])
    levels.iloc[[0, -1]] = before, after  # beside both totals, revenue in both periods
    table["before"], table["after"] = levels["before"].to_numpy(), levels["after"].to_numpy()
    return table[IDENTITY_COLUMNS]


# --- reasons and words ---


def _cannot_be_split(counted: pd.DataFrame) -> Refused | None:
    if counted["buyers"].min() == 0:
        zh, en = (
            "其中一个时段没有客户下单，销售额无法分解。",
            "Nobody ordered in one of the periods: there is nothing to split.",
        )
        return Refused("buyers", 0, 1, zh, en)
    if counted["minor"].min() < 0:
        zh, en = (
            "其中一个时段的退款超过付款，销售额为负，无法分解。",
            "Refunds exceed payments in one of the periods: a negative revenue cannot be split.",
        )
        return Refused("revenue not negative", "below 0", "0 or more", zh, en)
    return None


def _not_whole(seen: int, needed: int) -> Refused:
    zh = f"数据只覆盖 {seen} 天，至少要 {needed} 天。"
    return Refused("days observed", seen, needed, zh, f"The data cover {seen} days; {needed} are needed.")


def _not_observed() -> Refused:
    zh, en = "所选时段没有被数据完整覆盖。", "The chosen periods were not observed whole."
    return Refused("periods observed whole", "no", "yes", zh, en)


def _change_words(attrs: dict) -> dict[str, Words]:
    zh, en = order_log.REFUND_WORDS[attrs.get("refunds", "unsaid")]
    first_zh, second_zh = (" 至 ".join(attrs.get(name, (name,))) for name in ("before", "after"))
    first, second = (" to ".join(attrs.get(name, (name,))) for name in ("before", "after"))
    split_zh = (
        f"{second_zh} 与 {first_zh} 相比的销售额变化中，由{{}}变化带来的部分"
        f"（LMDI 精确分解，各项相加等于总变化；是算术拆分，不是因果）；{zh}。"
    )
    split_en = (
        f"Part of the change of revenue, {second} against {first}, that goes with the change of {{}} (exact LMDI "
        f"split, the parts add up; arithmetic, not cause); {en}."
    )
    source_zh, source_en = {
        "touchpoints": (
            "访客数（触点记录中不重复的访客或设备，全渠道）",
            "visitors (different visitors or devices with a touch, all channels)",
        ),
        "spend": ("访客数（付费渠道每日访客合计）", "visitors (daily visitors of paid channels, added up)"),
    }.get(attrs.get("traffic"), ("访客数", "visitors"))
    factors = {
        "visitors": (source_zh, source_en),
        "conversion": (
            "转化率（下单客户数 ÷ 访客数，含老客回访）",
            "conversion (buyers / visitors, returning customers included)",
        ),
        "buyers": ("下单客户数", "buyers"),
        "orders_per_buyer": ("人均订单数", "orders per buyer"),
        "average_order_value": ("笔单价", "average order value"),
    }
    return {
        "revenue_before": Words(
            f"{first_zh} 可识别客户的销售额；{zh}。", f"Revenue from known customers, {first}; {en}."
        ),
        "revenue_after": Words(
            f"{second_zh} 可识别客户的销售额；{zh}。", f"Revenue from known customers, {second}; {en}."
        ),
        "change": Words(
            f"{second_zh} 的销售额减 {first_zh} 的；{zh}。", f"Revenue, {second}, less that of {first}; {en}."
        ),
        **{name: Words(split_zh.format(a), split_en.format(b)) for name, (a, b) in factors.items()},
    }


def _naive_words(window: tuple[str, str], refunds: str) -> dict[str, Words]:
    zh, en = order_log.REFUND_WORDS[refunds]
    when_zh, when = " 至 ".join(window), " to ".join(window)
    return {
        "actual": Words(f"{when_zh} 可识别客户的销售额；{zh}。", f"Revenue from known customers, {when}; {en}."),
        "naive": Words(
            f"{when_zh}“流量 × 转化率 × 笔单价 × 复购率”的乘积，即下单客户数 × 笔单价 × 复购率；{zh}。",
            f"Traffic x conversion x order value x repurchase rate, {when}: buyers x order value x the rate; {en}.",
        ),
        "share_missing": Words(
            f"{when_zh} 实际销售额中被上述乘积漏掉的占比，即 1 − 复购率 ÷ 人均订单数。",
            f"Share of the revenue of {when} that this product misses: 1 - repurchase rate / orders per buyer.",
        ),
        "buyers": Words(f"{when_zh} 至少下过一单的客户数。", f"Customers with at least one order, {when}."),
        "average_order_value": Words(
            f"{when_zh} 销售额 ÷ 订单数（笔单价）；{zh}。", f"Revenue / orders, {when}; {en}."
        ),
        "repurchase_rate": Words(
            f"{when_zh} 下单客户中，在两天或更多天下过单的占比。",
            f"Of the buyers of {when}, the share who bought on two or more days.",
        ),
        "orders_per_buyer": Words(
            f"{when_zh} 订单数 ÷ 下单客户数，同一天的多笔分别计数。",
            f"Orders / buyers, {when}; each order of a day counts.",
        ),
    }
