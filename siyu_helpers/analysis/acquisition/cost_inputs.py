"""What a cost table is made of: spend, first orders and the pool's costs, each as a small table of whole numbers.

Used by `costs`. Orders, members and messages are counted by their engine; what comes home has one row a day and
channel. Money is in whole units of 1 / `order_log.MONEY_SCALE`, so that whatever is split adds up again.
"""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log

UNKNOWN, POOL = "unknown", "pool"
FUNNEL = ("impressions", "clicks", "visitors")
MOST_MONEY = 9e18 / order_log.MONEY_SCALE  # what whole units of 64 bits hold
LONGEST_STEP = 7  # days; a longer gap between two days with spend is a pause, not the rhythm of the table


class Counted(NamedTuple):
    """What has been counted, before anything is divided: small tables, see the functions that make them."""

    paid: pd.DataFrame  # day, channel, minor, monthly, impressions, clicks, visitors
    firsts: pd.DataFrame  # day, channel, customers
    orders: pd.DataFrame | None  # day, channel, orders
    members: pd.DataFrame | None  # day, channel, wait, customers
    pool: pd.DataFrame | None  # month, minor: pool costs and messages
    pool_until: int | None  # last month with pool costs
    unpriced_messages: int  # messages without a cost
    until: int  # last day observed
    since: int | None  # first day the orders cover, if stated
    burn_in: int | None  # first day on which a customer can be known to be new, if the history is truncated


def counted(
    spend: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    pool_costs: Any = None,
    members: Any = None,
    messages: Any = None,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
    with_orders: bool = False,
) -> Counted:
    """Count all that a cost table may need; the frames as in `costs.cost_table`."""
    until = order_log.day_number(observed_until, "observed_until")
    new_since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    since = None if observed_from is None else order_log.day_number(observed_from, "observed_from")
    facts = known_orders(orders, until)
    firsts = first_orders(facts, first_order_at, new_since)
    pool = None if pool_costs is None else pool_costs_by_month(pool_costs, until)
    pool_until = None if pool is None or pool.empty else int(pool["month"].max())
    sent, unpriced = (None, 0) if messages is None else message_costs_by_month(messages, until)
    loads = [table for table in (pool, sent) if table is not None]
    return Counted(
        paid=spend_by_day(spend, until),
        firsts=customers_by_day(firsts),
        orders=orders_by_day(facts) if with_orders else None,
        members=None if members is None else members_by_day(firsts, members, until),
        pool=pd.concat(loads).groupby("month", as_index=False)["minor"].sum() if loads else None,
        pool_until=pool_until,
        unpriced_messages=unpriced,
        until=until,
        since=since,
        burn_in=new_since if history == "truncated" and first_order_at is None else None,
    )


def period_number(name: str) -> int:
    """Running number of a period by its name, the inverse of `order_log.period_label`.

    >>> period_number("2024-06") - period_number("2023-12"), period_number("2024-W01") - period_number("2023-W52")
    (6, 1)
    """
    try:
        year, _, part = str(name).partition("-")
        if part.startswith("W"):
            return order_log.period_of_day(datetime.date.fromisocalendar(int(year), int(part[1:]), 1).toordinal()
                                           - order_log.EPOCH, "week")  # fmt: skip
        if part.startswith("Q") and 1 <= int(part[1:]) <= 4:
            return int(year) * 4 + int(part[1:]) - 1
        return datetime.date(int(year), int(part), 1).year * 12 + int(part) - 1
    except ValueError as error:
        raise ValueError(f"{name!r} is not the name of a month, week or quarter such as '2024-06'") from error


def first_and_last_day(number: int, period: str) -> tuple[int, int]:
    """First and last day of a period by its running number, as days since 1970-01-01."""
    if period == "week":
        return 7 * number - 3, 7 * number + 3
    months = 1 if period == "month" else 3
    begins = [datetime.date((number + k) * months // 12, (number + k) * months % 12 + 1, 1) for k in (0, 1)]
    return begins[0].toordinal() - order_log.EPOCH, begins[1].toordinal() - order_log.EPOCH - 1


def spend_by_day(spend: Any, until: int) -> pd.DataFrame:
    """Spend to the last day -> day, channel, minor, monthly (written as the first day of its month), funnel columns.

    A channel is monthly when it has rows on first days of months only.
    """
    if isinstance(spend, pd.DataFrame) and spend.empty:  # without rows pandas does not know that they are numbers
        spend = spend.astype(dict.fromkeys([name for name in ("spend", *FUNNEL) if name in spend], float))
    frame = order_log.lazy(spend)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["date", "channel", "spend"])
    recorded = [name for name in FUNNEL if name in kinds.names()]
    home = frame.select(
        nw.col("date"),
        nw.when(~nw.col("channel").is_null()).then(nw.col("channel").cast(nw.String)).alias("channel"),
        *(order_log.as_number(name, kinds).alias(name) for name in ["spend", *recorded]),
    )
    home = home.collect("pandas").to_native()
    days = _days(home["date"], "spend", "date")
    if home["channel"].isna().any():
        raise ValueError("a row of spend has no channel: name the channel, or leave the row out and say so")
    made = pd.DataFrame({"day": days, "channel": home["channel"].astype(str), "minor": _minor(home["spend"], "spend")})
    for name in FUNNEL:
        made[name] = home[name].astype(float) if name in recorded else np.nan
    first_of_month = pd.to_datetime(made["day"], unit="D").dt.day == 1
    made["monthly"] = first_of_month.groupby(made["channel"]).transform("all").astype(bool)
    return made[made["day"] <= until].reset_index(drop=True)


def span_of_spend(spend: pd.DataFrame) -> tuple[int, int] | None:
    """First and last day that the spend table covers; None when it has no rows.

    A monthly row covers its month. A table that skips days, weekends say, is taken to skip them at its ends too: it
    covers as many days beyond them as it skips at most elsewhere, up to a week.
    """
    if spend.empty:
        return None
    monthly = spend["monthly"].to_numpy(dtype=bool)
    begins, ends = [], []
    if monthly.any():
        months = numbers_of_days(spend["day"][monthly], "month")
        begins.append(first_and_last_day(int(months.min()), "month")[0])
        ends.append(first_and_last_day(int(months.max()), "month")[1])
    if not monthly.all():
        days = np.unique(spend["day"][~monthly])
        skipped = min(int(np.diff(days).max()), LONGEST_STEP) - 1 if len(days) > 1 else 0
        begins.append(int(days[0]) - skipped)
        ends.append(int(days[-1]) + skipped)
    return min(begins), max(ends)


def known_orders(orders: Any, until: int) -> nw.LazyFrame:
    """Orders of known customers to the last day, with the channel that brought each as their group, if recorded."""
    has_channel = "acquired_through" in order_log.lazy(orders).collect_schema().names()
    facts = order_log.paid_orders(orders, until, "month", "gross", "acquired_through" if has_channel else None)
    return facts if has_channel else facts.with_columns(nw.lit(UNKNOWN).alias("group"))


def first_orders(facts: nw.LazyFrame, first_order_at: Any, since: int) -> nw.LazyFrame:
    """Known orders -> customer_id, day and at (of the first order), group (its channel), one row a customer."""
    facts = order_log.without_old(facts, first_order_at, since)
    first = facts.group_by("customer_id").agg(nw.col("day").min(), nw.col("ordered_at").min().alias("at"))
    return first.join(order_log.group_at_first_order(facts), on="customer_id", how="inner")


def customers_by_day(firsts: nw.LazyFrame) -> pd.DataFrame:
    """First orders -> day, channel, customers."""
    return _home(firsts.group_by("day", "group").agg(nw.len().alias("customers")))


def orders_by_day(facts: nw.LazyFrame) -> pd.DataFrame:
    """Known orders -> day, channel, orders."""
    return _home(facts.group_by("day", "group").agg(nw.len().alias("orders")))


def members_by_day(firsts: nw.LazyFrame, members: Any, until: int) -> pd.DataFrame:
    """First orders of customers who joined the pool -> day (of the first order), channel, wait, customers.

    wait : days from the first order to the start of the first stay that had not ended before it; 0 where the customer
    was in the pool already. Waits above a month are left out: no month of first orders is that long.
    """
    frame = order_log.lazy(members)
    if frame.implementation != firsts.implementation:
        raise ValueError("members must be the same kind of frame as orders, such as both pandas or both Polars")
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "joined_at"])
    left = order_log.as_moment("left_at", kinds) if "left_at" in kinds.names() else nw.lit(None)
    stays = frame.select(
        "customer_id", order_log.as_moment("joined_at", kinds).alias("joined_at"), left.alias("left_at")
    )
    stays = order_log.with_day_and_period(stays.filter(~nw.col("joined_at").is_null()), "joined_at", "month")
    stays = stays.filter(nw.col("day") <= until).select("customer_id", "left_at", nw.col("day").alias("joined"))
    both = firsts.join(stays, on="customer_id", how="inner")
    if "left_at" in kinds.names():
        both = both.filter(nw.col("left_at").is_null() | (nw.col("left_at") >= nw.col("at")))
    each = both.group_by("customer_id").agg(nw.col("joined").min(), nw.col("day").min(), nw.col("group").min())
    waited = nw.col("joined") - nw.col("day")
    each = each.with_columns(nw.when(waited > 0).then(waited).otherwise(nw.lit(0)).alias("wait"))
    return _home(each.filter(nw.col("wait") <= 31).group_by("day", "group", "wait").agg(nw.len().alias("customers")))


def pool_costs_by_month(pool_costs: Any, until: int) -> pd.DataFrame:
    """Pool costs to the last day -> month (running number), minor, all items added up."""
    frame = order_log.lazy(pool_costs)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["month", "amount"])
    home = frame.select(nw.col("month"), order_log.as_number("amount", kinds).alias("amount"))
    home = home.collect("pandas").to_native()
    made = pd.DataFrame({"day": _days(home["month"], "pool_costs", "month")})
    made["minor"] = _minor(home["amount"], "pool_costs")
    made = made[made["day"] <= until]
    return made.assign(month=numbers_of_days(made["day"], "month")).groupby("month", as_index=False)["minor"].sum()


def message_costs_by_month(messages: Any, until: int) -> tuple[pd.DataFrame, int]:
    """Messages to the last day -> (month, minor), and how many of them have no cost written down."""
    frame = order_log.lazy(messages)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["sent_at"])
    cost = order_log.as_number("cost", kinds) if "cost" in kinds.names() else nw.lit(None).cast(nw.Float64)
    rows = frame.select(
        order_log.as_moment("sent_at", kinds).alias("at"),
        (cost.fill_null(0) * order_log.MONEY_SCALE).round().cast(nw.Int64).alias("minor"),
        cost.is_null().cast(nw.Int64).alias("blank"),
    )
    rows = order_log.with_day_and_period(rows, "at", "month").filter(nw.col("day") <= until)
    home = rows.group_by("period").agg(nw.col("minor").sum(), nw.col("blank").sum()).collect("pandas").to_native()
    home = home.rename(columns={"period": "month"}).astype("int64").sort_values("month", ignore_index=True)
    if (home["minor"] < 0).any():
        raise ValueError("the cost of messages is negative: write costs as 0 or more")
    return home[["month", "minor"]], int(home["blank"].sum())


def split_by_weight(amount: int, weights: dict[str, int]) -> dict[str, int]:
    """Whole units in proportion to whole weights, adding up to the amount (largest remainder; ties by name).

    >>> split_by_weight(100, {"feed": 1, "search": 1, "notes": 1})
    {'feed': 34, 'notes': 33, 'search': 33}
    """
    total = sum(weights.values())
    names = sorted(weights)
    parts = {name: amount * weights[name] // total for name in names}
    left = amount - sum(parts.values())
    for name in sorted(names, key=lambda name: -(amount * weights[name] % total))[:left]:
        parts[name] += 1
    return parts


def _home(frame: nw.LazyFrame) -> pd.DataFrame:
    """Few rows as pandas, sorted, with the channel under its name and blanks spelt "unknown"."""
    home = order_log.collected(frame).rename(columns={"group": "channel"})
    home["channel"] = home["channel"].astype(object).where(home["channel"].notna(), UNKNOWN).replace("", UNKNOWN)
    return home.sort_values([name for name in ("day", "channel", "wait") if name in home], ignore_index=True)


def _days(dates: pd.Series, table: str, column: str) -> pd.Series:
    try:
        moments = pd.to_datetime(dates)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{table}: {column} must hold dates such as 2024-06-30") from error
    if moments.dt.tz is not None:  # the day as the brand's clock wrote it, as with orders
        moments = moments.dt.tz_localize(None)
    if moments.isna().any():
        raise ValueError(f"{table}: {column} is blank in {int(moments.isna().sum())} rows: complete them")
    return (moments.dt.normalize() - pd.Timestamp(0)).dt.days.astype("int64")


def _minor(money: pd.Series, table: str) -> pd.Series:
    numbers = money.astype(float)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{table} has no amount in {int((~np.isfinite(numbers)).sum())} rows: write 0 where it was 0")
    if (numbers < 0).any():
        raise ValueError(
            f"{table} is negative in {int((numbers < 0).sum())} rows: write credits off the rows they belong to"
        )
    if numbers.sum() >= MOST_MONEY:
        raise ValueError(
            f"{table} adds up to {numbers.sum():.3g}, too much to be summed exactly: write it in thousands"
        )
    return (numbers * order_log.MONEY_SCALE).round().astype("int64")


def numbers_of_days(days: pd.Series, period: str) -> pd.Series:
    """Running number of the period that holds each day."""
    known = {day: order_log.period_of_day(day, period) for day in set(days.tolist())}
    return days.map(known).astype("int64")
