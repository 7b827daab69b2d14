"""Spend periods: the days in which journeys end, set against the days that the spend table covers.

A cost is only right where the two are the same days, so that a table of journeys of other days is refused.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import cost_inputs
from siyu_helpers.analysis.estimates import Refused

NO_LIMIT = 10**7  # a day that no table reaches


def period_of(
    journeys: pd.DataFrame, first_day: order_log.DateLike | None = None, last_day: order_log.DateLike | None = None
) -> tuple[str | None, str | None]:
    """Days in which journeys end: those given, else those the table was made for, else those of its first and last end.

    journeys  ->  first day, last day; None where nothing is known of it

    Raises
    ------
    ValueError
        Where a given day is not the one the table was made for (ended_from, observed_until), or where a journey ends
        outside the given days.

    Example
    -------
    >>> table = pd.DataFrame()
    >>> table.attrs = {"ended_from": "2024-01-01", "first_day": "2024-01-02", "last_day": "2024-03-30"}
    >>> period_of(table), period_of(table, last_day="2024-03-31")
    (('2024-01-01', '2024-03-30'), ('2024-01-01', '2024-03-31'))
    """
    found = []
    for name, made_for, given, sign in (
        ("first_day", "ended_from", first_day, 1),
        ("last_day", "observed_until", last_day, -1),
    ):
        wanted, actual = journeys.attrs.get(made_for), journeys.attrs.get(name)
        day = None if given is None else day_label(order_log.day_number(given, name))
        beyond = day is not None and actual is not None and sign * _number(day) > sign * _number(actual)
        if beyond or (day is not None and wanted is not None and day != wanted):
            raise ValueError(
                f"{name} is {day}, but the journeys were made for {wanted or actual}: make them of the same days with "
                "journeys(..., ended_from=, observed_until=)"
            )
        found.append(day or wanted or actual)
    return found[0], found[1]


def conversions_of(journeys: pd.DataFrame) -> str:
    """What a conversion of these journeys is: "new_customers" or "orders" (also where the table does not say)."""
    stated = str(journeys.attrs.get("conversions_of", "orders"))
    return "new_customers" if stated.startswith(("new", "first")) else "orders"


def days_with_spend(
    spend: Any, observed_from: order_log.DateLike, observed_until: order_log.DateLike
) -> tuple[str, str] | Refused:
    """First and last day that both the orders and the spend table cover: the days for which a cost can be given.

    Example
    -------
    >>> spend = pd.DataFrame({"date": pd.to_datetime(["2024-02-01", "2024-03-01"]), "channel": "feed", "spend": 9.0})
    >>> days_with_spend(spend, "2024-01-01", "2024-12-31")
    ('2024-02-01', '2024-03-31')
    """
    begin, end = (order_log.day_number(day, "the day") for day in (observed_from, observed_until))
    span = cost_inputs.span_of_spend(cost_inputs.spend_by_day(spend, end))
    if span is None or max(span[0], begin) > min(span[1], end):
        return Refused(
            "spend",
            "no day",
            "a day with spend and orders",
            "投放费用表与订单表没有重叠的日期，无法计算成本。",
            "The spend table has no day in common with the orders: no cost can be given.",
        )
    return day_label(max(span[0], begin)), day_label(min(span[1], end))


def channels_with_spend(spend: Any) -> list[str]:
    """Channels that ever cost something, in alphabetical order.

    Example
    -------
    >>> days = pd.to_datetime(["2024-02-01", "2024-02-01"])
    >>> channels_with_spend(pd.DataFrame({"date": days, "channel": ["feed", "direct"], "spend": [9.0, 0.0]}))
    ['feed']
    """
    return spend_by_channel(spend)["channel"].tolist()


def spend_by_channel(spend: Any, first_day: str | None = None, last_day: str | None = None) -> pd.DataFrame:
    """Spend of each channel in some days, both included  ->  channel, spend; only channels that cost something.

    Raises
    ------
    ValueError
        Where the spend table does not cover these days, or they cut through a month of a monthly channel.

    Example
    -------
    >>> spend = pd.DataFrame({"date": pd.to_datetime(["2024-02-01", "2024-03-01"]), "channel": "feed", "spend": 9.0})
    >>> spend_by_channel(spend, "2024-03-01", "2024-03-31")
      channel  spend
    0    feed    9.0
    """
    paid = cost_inputs.spend_by_day(spend, NO_LIMIT)
    if first_day is not None or last_day is not None:
        paid = _between(paid, first_day, last_day)
    summed = paid.groupby("channel", sort=True)["minor"].sum()
    summed = summed[summed > 0]
    return pd.DataFrame(
        {"channel": pd.Series(summed.index, dtype="str"), "spend": summed.to_numpy() / order_log.MONEY_SCALE}
    )


def _between(paid: pd.DataFrame, first_day: str | None, last_day: str | None) -> pd.DataFrame:
    """Rows of spend in these days, after it is known that spend covers them."""
    span = cost_inputs.span_of_spend(paid)
    first = order_log.day_number(first_day, "first_day") if first_day is not None else span and span[0]
    last = order_log.day_number(last_day, "last_day") if last_day is not None else span and span[1]
    if span is None or first < span[0] or last > span[1]:
        covered = "no day" if span is None else f"{day_label(span[0])} to {day_label(span[1])}"
        raise ValueError(
            f"spend covers {covered}, the journeys end from {first_day} to {last_day}: make the journeys of days that "
            "both cover, see days_with_spend"
        )
    whole_months(paid, first, last)
    return paid[paid["day"].between(first, last)]


def whole_months(paid: pd.DataFrame, first: int, last: int) -> None:
    """Raise where these days cut through a month of a channel whose spend is by month."""
    if paid["monthly"].any() and (_day_of_month(first) != 1 or _day_of_month(last + 1) != 1):
        names = ", ".join(sorted(set(paid.loc[paid["monthly"], "channel"])))
        raise ValueError(
            f"spend of {names} is by month: let the journeys end from the first day of a month to the last day of one"
        )


def _number(day: str) -> int:
    return order_log.day_number(day, "the day")


def _day_of_month(day: int) -> int:
    return datetime.date.fromordinal(day + order_log.EPOCH).day


def day_label(day: int) -> str:
    """Day by its number since 1970-01-01, such as "2024-06-30"."""
    return datetime.date.fromordinal(day + order_log.EPOCH).isoformat()


def last_months(
    spend: Any,
    observed_until: order_log.DateLike,
    months: int = 12,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> tuple[str, str] | Refused:
    """First and last day of the last so many whole months with spend and known new customers, or as many as there are.

    Parameters
    ----------
    spend : any frame that narwhals takes
        date, channel, spend.
    observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`.
    months : int
        Months wanted.

    Returns
    -------
    (first day, last day), texts; Refused where there is no whole month.

    Example
    -------
    >>> spend = pd.DataFrame({"date": pd.date_range("2024-01-10", "2024-06-20"), "channel": "feed", "spend": 9.0})
    >>> last_months(spend, "2024-12-31", months=3), last_months(spend, "2024-12-31")
    (('2024-03-01', '2024-05-31'), ('2024-02-01', '2024-05-31'))
    """
    order_log.at_least_one("months", months)
    start = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    known_from = pd.Timestamp(max(start, -(10**5)), unit="D")
    if observed_from is not None:
        known_from = max(known_from, pd.Timestamp(observed_from))
    days = days_with_spend(spend, known_from, observed_until) if known_from <= pd.Timestamp(observed_until) else None
    if days is None or isinstance(days, Refused):
        return days or _no_whole_month()
    first = pd.Timestamp(days[0]) + pd.offsets.MonthBegin(0)
    after = (pd.Timestamp(days[1]) + pd.Timedelta(days=1)).replace(day=1)
    if first >= after:
        return _no_whole_month()
    first = max(first, after - pd.DateOffset(months=int(months)))
    return str(first.date()), str((after - pd.Timedelta(days=1)).date())


def days_of_months(months: list[str]) -> tuple[str, str]:
    """First and last day of a run of months.

    Example
    -------
    >>> days_of_months(["2024-01", "2024-02"])
    ('2024-01-01', '2024-02-29')
    """
    return f"{min(months)}-01", str(pd.Period(max(months), "M").end_time.date())


def _no_whole_month() -> Refused:
    zh = "投放费用与能认出的新客没有一个完整的共同月份，无法计算成本。"
    en = "There is no whole month with both spend and known new customers: no cost can be given."
    return Refused("whole months", 0, 1, zh, en)
