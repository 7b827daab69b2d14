"""Periods that a customer base is audited by: years, half years, quarters, or blocks of days that end today.

A period is whole when all of its days were observed. "trailing" counts blocks of days back from `observed_until`, so
that a brand with two years of data has two whole periods whatever the calendar says.
"""

from __future__ import annotations

import datetime
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Refused

RULES = ("year", "half", "quarter", "trailing")
QUARTERS = {"year": 4, "half": 2, "quarter": 1}
COLUMNS = ["number", "period", "first_day", "last_day", "complete"]


def periods(
    observed_from: order_log.DateLike,
    observed_until: order_log.DateLike,
    period: str = "year",
    trailing_days: int = 365,
) -> pd.DataFrame:
    """List the periods between two days, and which of them were observed whole.

    Parameters
    ----------
    observed_from, observed_until : first and last day the orders cover, both included
    period : "year", "half", "quarter" or "trailing"
        Calendar years, half years and quarters; trailing: blocks of `trailing_days`, the last ending on
        `observed_until`.
    trailing_days : int
        Length of a trailing block in days; plays no part otherwise.

    Returns
    -------
    DataFrame, one row per period that has a day in the range, in order
        number : running number, one more from period to period.
        period : "2024", "2024-H1", "2024-Q1", or for trailing "2024-01-02/2024-12-31" (first and last day).
        first_day, last_day : dates as text, both included.
        complete : True where all days of the period lie in the range.

    Raises
    ------
    ValueError
        For an unknown rule, a length below 1, or a range that ends before it begins.

    Example
    -------
    >>> periods("1997-01-01", "1998-06-30", "year")
       number period   first_day    last_day  complete
    0    1997   1997  1997-01-01  1997-12-31      True
    1    1998   1998  1998-01-01  1998-12-31     False
    >>> periods("2024-01-15", "2024-09-30", "quarter")["period"].tolist()
    ['2024-Q1', '2024-Q2', '2024-Q3']
    """
    check_rule(period, trailing_days)
    first = order_log.day_number(observed_from, "observed_from")
    until = order_log.day_number(observed_until, "observed_until")
    if first > until:
        raise ValueError("observed_from lies after observed_until: check the two dates")
    rows = []
    for number in range(number_of_day(first, until, period, trailing_days), 10**9):
        begin, end = _ends(number, until, period, trailing_days)
        if begin > until:
            break
        label = _label(number, begin, end, period)
        rows.append((number, label, _date(begin), _date(end), begin >= first and end <= until))
    return pd.DataFrame(rows, columns=COLUMNS)


def longest(observed_from: order_log.DateLike, observed_until: order_log.DateLike) -> str:
    """Longest calendar period of which two were observed whole: "year", "half", else "quarter".

    Example
    -------
    >>> longest("2023-01-01", "2025-12-31"), longest("1997-01-01", "1998-06-30"), longest("2024-02-01", "2024-05-31")
    ('year', 'half', 'quarter')
    """
    whole = {rule: periods(observed_from, observed_until, rule)["complete"].sum() for rule in QUARTERS}
    return next((rule for rule, count in whole.items() if count >= 2), "quarter")


def last_two(
    observed_from: order_log.DateLike, observed_until: order_log.DateLike, period: str = "year"
) -> dict[str, tuple[str, str]]:
    """First and last day of the last whole period and of the one before, as `revenue_identity` takes them.

    Empty where fewer than two periods were observed whole.

    Example
    -------
    >>> last_two("2023-01-01", "2025-12-31")
    {'before': ('2024-01-01', '2024-12-31'), 'after': ('2025-01-01', '2025-12-31')}
    """
    every = periods(observed_from, observed_until, period)
    days = list(every.loc[every["complete"], ["first_day", "last_day"]].itertuples(index=False, name=None))
    return {"before": days[-2], "after": days[-1]} if len(days) >= 2 else {}


def check_rule(period: str, trailing_days: int) -> None:
    """Raise ValueError unless the rule and the length of a trailing block are possible."""
    order_log.one_of("period", period, RULES)
    order_log.at_least_one("trailing_days", trailing_days)


def number_of_day(day: int, until: int, period: str, trailing_days: int) -> int:
    """Running number of the period that holds a day (days since 1970-01-01).

    >>> number_of_day(0, 100, "year", 365)
    1970
    """
    if period == "trailing":
        return (day - _origin(until, trailing_days)) // trailing_days
    return order_log.period_of_day(day, "quarter") // QUARTERS[period]


def with_number(facts: nw.LazyFrame, until: int, period: str, trailing_days: int) -> nw.LazyFrame:
    """Replace the quarter in the column `period`, as `order_log.paid_orders` makes it, by the number of the period."""
    if period == "trailing":
        since_origin = nw.col("day") - _origin(until, trailing_days)
        return facts.with_columns(order_log.quotient(since_origin, trailing_days).alias("period"))
    return facts.with_columns(order_log.quotient(nw.col("period"), QUARTERS[period]).alias("period"))


def first_day_of(number: int, until: int, period: str, trailing_days: int) -> str:
    """First day of the period with this running number, as text."""
    return _date(_ends(number, until, period, trailing_days)[0])


def facts_by_period(
    orders: Any,
    observed_until: order_log.DateLike,
    period: str,
    trailing_days: int,
    refunds: str,
    observed_from: order_log.DateLike | None,
) -> tuple[nw.LazyFrame, pd.DataFrame]:
    """Paid orders with the number of their audit period, and the list of periods (see `periods`).

    Without `observed_from` the data are taken to begin with the first order.
    """
    check_rule(period, trailing_days)
    until = order_log.day_number(observed_until, "observed_until")
    facts = order_log.paid_orders(orders, until, "quarter", refunds)
    if observed_from is None:
        first = facts.select(nw.col("day").min().alias("day")).collect("pandas").to_native()["day"].iloc[0]
        observed_from = pd.Timestamp(0) + pd.Timedelta(days=until if pd.isna(first) else int(first))
    listed = periods(observed_from, observed_until, period, trailing_days)
    return with_number(facts, until, period, trailing_days), listed


def in_window(frame: nw.LazyFrame, windows: tuple[tuple[int, int], ...]) -> nw.LazyFrame:
    """Rows with a day in one of the windows, and which one, as the column `window`."""
    inside = [nw.col("day").is_between(first, last) for first, last in windows]
    number = nw.when(inside[0]).then(nw.lit(0)).otherwise(nw.lit(1))
    return frame.filter(nw.any_horizontal(*inside, ignore_nulls=True)).with_columns(number.alias("window"))


def dates(window: tuple[int, int]) -> tuple[str, str]:
    """First and last day of a window as text."""
    return tuple(_date(day) for day in window)


def money_units(money: pd.Series) -> np.ndarray:
    """Money as whole numbers of 1/10000, so that sums are exact."""
    return (money.to_numpy(dtype=float) * order_log.MONEY_SCALE).round().astype("int64")


def nothing(columns: list[str], said: dict, refused: Refused | None) -> pd.DataFrame:
    """An empty table that carries the reason why it is."""
    table = pd.DataFrame(
        {name: pd.Series(dtype="str" if name in ("before", "after", "status") else "float64") for name in columns}
    )
    table.attrs = {**said, "refused": refused}
    return table


def no_whole_period(seen: int, needed: int) -> Refused:
    """Too few whole periods for the question."""
    if needed == 1:
        zh, en = "数据还没有覆盖一个完整的周期。", "The data do not yet cover one whole period."
    else:
        zh = f"数据只覆盖 {seen} 个完整周期，至少要 {needed} 个才能前后对比。"
        en = f"The data cover {seen} whole period{'' if seen == 1 else 's'}; a comparison needs {needed}."
    return Refused("whole periods", seen, needed, zh, en)


def nobody(period: str) -> Refused:
    """Nobody ordered in the period."""
    zh, en = (
        (f"{period} 期间没有客户下单。", f"No customer ordered in {period}.")
        if period
        else ("期内没有客户下单。", "No customer ordered.")
    )
    return Refused("customers", 0, 1, zh, en)


def no_money() -> Refused:
    """Revenue is 0 or below, so that a share of it means nothing."""
    zh, en = (
        "期内销售额扣除退款后不大于零，占比没有意义。",
        "Revenue of the period is not above zero: a share of it means nothing.",
    )
    return Refused("revenue above zero", "0 or below", "above 0", zh, en)


def no_new_customers(period: str) -> Refused:
    """Nobody's first order falls in the period: a file that follows a fixed group cannot show the brand's new ones."""
    zh = f"{period} 期间数据里没有一位新客：数据跟踪的是一批固定客户，不能说明品牌的拉新情况。"
    en = (
        f"Nobody in the data placed a first order in {period}: the data follow a fixed group of customers and do not "
        "show whom the brand gained."
    )
    return Refused("new customers", 0, 1, zh, en)


def not_told(period: str) -> Refused:
    """New customers of the period cannot be told from old ones."""
    zh = f"数据从品牌经营中途开始，{period} 期间的新客与回流老客无法区分。"
    en = (
        f"The data begin in the middle of the brand's life: in {period} new customers cannot be told from old ones "
        "who returned."
    )
    return Refused("new customers can be told", "no", "yes", zh, en)


def _origin(until: int, trailing_days: int) -> int:
    """First day of block 0: at or before 0001-01-01, so that whole quotients of later days are never negative."""
    days = until + order_log.EPOCH
    return until + 1 - trailing_days * -(-days // trailing_days)


def _ends(number: int, until: int, period: str, trailing_days: int) -> tuple[int, int]:
    if period == "trailing":
        begin = _origin(until, trailing_days) + number * trailing_days
        return begin, begin + trailing_days - 1
    quarters = QUARTERS[period]
    return _quarter_begins(number * quarters), _quarter_begins((number + 1) * quarters) - 1


def _quarter_begins(quarter: int) -> int:
    return datetime.date(quarter // 4, quarter % 4 * 3 + 1, 1).toordinal() - order_log.EPOCH


def _date(day: int) -> str:
    return datetime.date.fromordinal(day + order_log.EPOCH).isoformat()


def _label(number: int, begin: int, end: int, period: str) -> str:
    if period == "trailing":
        return f"{_date(begin)}/{_date(end)}"
    year, part = divmod(number * QUARTERS[period], 4)
    return {"year": f"{year}", "half": f"{year}-H{part // 2 + 1}", "quarter": f"{year}-Q{part + 1}"}[period]
