"""Visitors of two periods, from recorded touches or from the spend table, and when they are no measure of traffic.

Conversion is buyers / visitors. It is refused where it would measure the recording instead of the shop: visits not
recorded over both periods, more buyers than visitors, or too few buyers whose visit was recorded.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from siyu_helpers.analysis import audit_periods, order_log
from siyu_helpers.analysis.estimates import Refused

TOUCHED_AT_LEAST = 0.80  # share of buyers whose visit must be recorded, or conversion would measure the recording
COVERED_WITHIN = 7  # days by which the record of visits may begin after the first period, or end before the last


def visitors_of(
    touchpoints: Any, spend: Any, bought: nw.LazyFrame, buyers: list[int], windows: tuple[tuple[int, int], ...]
) -> tuple[list[int] | None, dict]:
    """Count the visitors of two windows, and what is to be said about them.

    Parameters
    ----------
    touchpoints, spend : frames or None
        See `revenue_identity.revenue_identity`; touchpoints are preferred.
    bought : LazyFrame with customer_id and window (0 or 1), one row per buyer and window
    buyers : their number in each window
    windows : (first day, last day) twice, in days since 1970-01-01

    Returns
    -------
    visitors : two numbers, or None where they are not known
    about : dict with traffic ("touchpoints", "spend" or None), traffic_refused (why None) and touched_share (of buyers
        with a recorded touch in each window; None where the touches name no customers).
    """
    about = {"traffic": None, "traffic_refused": None, "touched_share": None}
    if touchpoints is not None:
        found, about["touched_share"] = _touched(touchpoints, bought, buyers, windows)
        source = "touchpoints"
    elif spend is not None:
        found, source = _paid_visitors(spend, windows), "spend"
    else:
        return None, about | {"traffic_refused": not_known()}
    if not isinstance(found, Refused):
        if min(found) < 1:
            found = not_known()
        elif any(bought_ > came for bought_, came in zip(buyers, found, strict=True)):
            found = _more_buyers(buyers, found)
    if isinstance(found, Refused):
        return None, about | {"traffic_refused": found}
    return found, about | {"traffic": source}


def _touched(
    touchpoints: Any, bought: nw.LazyFrame, buyers: list[int], windows: tuple[tuple[int, int], ...]
) -> tuple[list[int] | Refused, list[float] | None]:
    """Different visitors with a touch in each window, and the share of buyers whose visit was recorded."""
    frame = order_log.lazy(touchpoints)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["visitor_id", "touched_at"])
    named = "customer_id" in kinds.names()
    columns = ["visitor_id", *(["customer_id"] if named else [])]
    frame = frame.select(*columns, order_log.as_moment("touched_at", kinds).alias("touched_at"))
    frame = order_log.with_day_and_period(frame.filter(~nw.col("touched_at").is_null()), "touched_at", "month")
    ends = frame.select(nw.col("day").min().alias("first"), nw.col("day").max().alias("last"))
    ends = ends.collect("pandas").to_native().iloc[0]
    if not _covers(ends["first"], ends["last"], windows):
        return _not_covered(), None
    inside = audit_periods.in_window(frame, windows)
    came = inside.filter(~nw.col("visitor_id").is_null()).group_by("window")
    visitors = _by_window(came.agg(nw.col("visitor_id").n_unique().alias("n")))
    if not named:
        return visitors, None
    people = inside.filter(~nw.col("customer_id").is_null()).select("customer_id", "window").unique()
    linked = bought.select("customer_id", "window").join(people, on=["customer_id", "window"], how="inner")
    shares = [
        n / of for n, of in zip(_by_window(linked.group_by("window").agg(nw.len().alias("n"))), buyers, strict=True)
    ]
    return (visitors if min(shares) >= TOUCHED_AT_LEAST else _not_linked(min(shares))), shares


def _by_window(query: nw.LazyFrame) -> list[int]:
    return order_log.collected(query).set_index("window")["n"].reindex(range(2), fill_value=0).tolist()


def _paid_visitors(spend: Any, windows: tuple[tuple[int, int], ...]) -> list[int] | Refused:
    """Sum of visitors over the days and channels of each window."""
    frame = order_log.lazy(spend)
    kinds = frame.collect_schema()
    if "visitors" not in kinds.names():
        return not_known()
    order_log.has_columns(kinds.names(), ["date", "visitors"])
    frame = frame.select(order_log.as_number("visitors", kinds).alias("visitors"), order_log.as_moment("date", kinds))
    days = order_log.with_day_and_period(frame, "date", "month").select("day", "visitors")
    days = days.collect("pandas").to_native().astype(float)
    monthly = len(days) > 0 and all(
        audit_periods.dates((int(day), 0))[0].endswith("-01") for day in days["day"].unique()
    )
    last = days["day"].max() + (30 if monthly else 0)
    if monthly and not all(_is_month(window) for window in windows):
        return _months_only()
    if not _covers(days["day"].min(), last, windows):
        return _not_covered()
    inside = [days.loc[days["day"].between(*window), "visitors"] for window in windows]
    if any(part.isna().any() for part in inside):
        return not_known()
    return [int(part.sum()) for part in inside]


def _is_month(window: tuple[int, int]) -> bool:
    first, after_last = audit_periods.dates((window[0], window[1] + 1))
    return first.endswith("-01") and after_last.endswith("-01")


def _covers(first: float, last: float, windows: tuple[tuple[int, int], ...]) -> bool:
    """Whether a record from `first` to `last` reaches over both windows; blank ends: an empty record."""
    return bool(first <= windows[0][0] + COVERED_WITHIN and last >= windows[1][1] - COVERED_WITHIN)


def not_known() -> Refused:
    """Nothing says how many visitors there were."""
    zh = "数据没有两个时段完整的访客数，流量与转化率无法拆开，只能看到下单客户数。"
    en = (
        "The data do not hold the visitors of both periods: traffic and conversion "
        "cannot be told apart, only buyers are known."
    )
    return Refused("visitors known", "no", "yes", zh, en)


def _not_covered() -> Refused:
    zh = "访客记录没有覆盖两个完整的时段，流量与转化率无法拆开，只能看到下单客户数。"
    en = (
        "The record of visits does not reach over both periods: traffic and conversion "
        "cannot be told apart, only buyers are known."
    )
    return Refused("visits recorded in both periods", "no", "yes", zh, en)


def _months_only() -> Refused:
    zh, en = (
        "访客数按月记录，所选时段不是整月。",
        "Visitors are recorded by month, and the periods are not whole months.",
    )
    return Refused("whole months", "no", "yes", zh, en)


def _more_buyers(buyers: list[int], visitors: list[int]) -> Refused:
    worst = max(range(2), key=lambda at: buyers[at] / visitors[at])
    zh = (
        f"下单客户（{buyers[worst]:,} 位）多于记录到的访客（{visitors[worst]:,} 位）："
        "不少客户的访问没有被记录，转化率没有意义。"
    )
    en = (
        f"There are more buyers ({buyers[worst]:,}) than recorded visitors ({visitors[worst]:,}): many visits are not "
        "recorded, and conversion means nothing."
    )
    return Refused("buyers at most visitors", buyers[worst], visitors[worst], zh, en)


def _not_linked(share: float) -> Refused:
    zh = f"只有 {share:.0%} 的下单客户有访问记录，低于 {TOUCHED_AT_LEAST:.0%}，转化率会随记录的多少而变。"
    en = (
        f"Only {share:.0%} of buyers have a recorded visit, below {TOUCHED_AT_LEAST:.0%}: conversion would move with "
        "what is recorded."
    )
    return Refused("buyers with a recorded visit", round(share, 4), TOUCHED_AT_LEAST, zh, en)
