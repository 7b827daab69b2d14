"""The order log: paid orders of known customers, from whatever engine holds them, and what every question asks of them.

Shared by the modules of this floor that start from orders. Written with narwhals, from group-bys, joins and integer
arithmetic, so that it runs in pandas, Polars, DuckDB, an Ibis backend or Spark.

Parameters that the functions of this floor share
------------------------------------------------
orders : pandas, Polars (eager or lazy), DuckDB, Ibis or PySpark frame; one row per paid order
    customer_id : text or integer. Rows without one are left out: nobody's return can be seen in them.
    ordered_at : date or datetime, in the brand's own time zone, never missing.
    amount : number, in the brand's currency, never missing. An order of amount 0 is an order.
    refunded : number, optional; the part of the amount paid back. Blank is 0.
    cost, platform_fee : numbers, optional; what the goods cost, and what the platform kept. Only contribution needs
        them, see `contribution_rule`.
observed_until : str "YYYY-MM-DD", date or Timestamp
    Last day the orders cover; the day is included and later orders are left out. No default: guessing it from the
    newest order would mistake a quiet week for the end of the data.
observed_from, history, burn_in_days, first_order_at
    Who counts as a new customer. history="complete": whoever appears. history="truncated": the file starts at
    `observed_from`, in the middle of the brand's life, so a first order in it may be an old customer's. New are then
    only customers whose first order comes at least `burn_in_days` after `observed_from`. Better, where known:
    `first_order_at`, a frame of the same kind as `orders` with customer_id and first_order_at (no row, or blank: the
    first order is the one in the file). New are then all customers but those who first ordered before `observed_from`.
"""

from __future__ import annotations

import datetime
import difflib
from typing import Any

import narwhals as nw
import pandas as pd

from siyu_helpers.analysis.estimates import Refused, Words

REQUIRES = {"orders": ["customer_id", "ordered_at", "amount"]}

PERIODS = ("month", "week", "quarter")
BLOCK_DAYS = {"month": 30, "week": 7, "quarter": 90}  # length of one step of rolling age
MONEY_SCALE = 10_000  # money is summed in 1/10000 of the currency: whole numbers add up the same in any order
EPOCH = datetime.date(1970, 1, 1).toordinal()

REFUND_WORDS = {
    "net": Words("已扣除退款", "refunds taken off"),
    "gross": Words("未扣除退款", "refunds not taken off"),
    "none": Words("数据中没有退款记录", "the data record no refunds"),
    "unsaid": Words("退款口径与同期群表相同", "refunds as in the cohort grid"),
}

DOMAINS = ("public", "semi", "private")

DateLike = str | datetime.date | pd.Timestamp


def paid_orders(
    orders: Any, until: int, period: str, refunds: str, by: str | None = None, rule: str | None = None
) -> nw.LazyFrame:
    """Orders of known customers to the last day -> customer_id, ordered_at, day, period, minor, unpriced [, group].

    With a `contribution_rule`, also what was earned, in the same unit as minor, before `earned_per_minor`.
    """
    one_of("refunds", refunds, ("net", "gross"))
    frame = lazy(orders)
    kinds = frame.collect_schema()
    has_columns(kinds.names(), [*REQUIRES["orders"], *([by] if by else [])])
    _all_dated(frame)
    amount = as_number("amount", kinds)
    money = amount.fill_null(0)
    if refunds == "net" and "refunded" in kinds.names():
        money = money - as_number("refunded", kinds).fill_null(0)
    kept = [
        nw.col("customer_id"),
        as_moment("ordered_at", kinds).alias("ordered_at"),
        amount.is_null().cast(nw.Int64).alias("unpriced"),
        (money * MONEY_SCALE).round().cast(nw.Int64).alias("minor"),
    ]
    if rule in ("costs", "margin"):
        kept.append((_earned(kinds, rule) * MONEY_SCALE).round().cast(nw.Int64).alias("earned"))
    if by:  # the condition keeps pandas from spelling a blank "nan"
        kept.append(nw.when(~nw.col(by).is_null()).then(nw.col(by).cast(nw.String)).alias("group"))
    known = frame.filter(~nw.col("customer_id").is_null()).select(*kept)
    return with_day_and_period(known, "ordered_at", period).filter(nw.col("day") <= until)


def contribution_rule(orders: Any, until: int, gross_margin: float | None = None) -> str:
    """How the contribution of these orders can be known: "costs", "margin" or "none".

    costs: amount - refunded - cost - platform_fee, where cost is filled in for every order of a known customer to the
    last day; a blank fee is 0, and what was refunded has still cost its goods. margin: (amount - refunded) x
    gross_margin, where that is given. One rule for all orders: two in one table would make groups differ by their
    bookkeeping.
    """
    if gross_margin is not None and not 0 <= gross_margin <= 1:
        raise ValueError(f"gross_margin must lie between 0 and 1, such as 0.5; got {gross_margin!r}")
    frame = lazy(orders)
    kinds = frame.collect_schema()
    if "cost" in kinds.names():
        has_columns(kinds.names(), REQUIRES["orders"])
        at = as_moment("ordered_at", kinds).alias("ordered_at")
        blank = as_number("cost", kinds).is_null().cast(nw.Int64).alias("blank")
        costs = with_day_and_period(
            frame.filter(~nw.col("customer_id").is_null()).select(at, blank), "ordered_at", "month"
        )
        missing = costs.filter(nw.col("day") <= until).select(nw.col("blank").sum()).collect("pandas").to_native()
        if not missing["blank"].fillna(0).sum():  # SQL sums no rows to a blank
            return "costs"
    return "none" if gross_margin is None else "margin"


def earned_per_minor(rule: str, gross_margin: float | None) -> float:
    """What one unit of the earned column is worth: the margin is applied after the sum, so that no engine rounds."""
    return float(gross_margin) if rule == "margin" else 1.0


def contribution_words(rule: str, gross_margin: float | None) -> Words:
    """Definition of contribution as a clause, in both languages.

    >>> contribution_words("margin", 0.5).en
    'contribution: amount less refunds, times a gross margin of 50.0%'
    """
    if rule == "costs":
        return Words(
            "贡献毛利＝实付金额－退款－货品成本－平台扣费（已退款订单的货品成本照计，平台扣费空白按 0 计）",
            "contribution: amount less refunds, cost of goods and platform fees (refunded goods stay a cost; a blank "
            "fee is 0)",
        )
    return Words(
        f"贡献毛利＝（实付金额－退款）×毛利率 {gross_margin:.1%}",
        f"contribution: amount less refunds, times a gross margin of {gross_margin:.1%}",
    )


def no_contribution() -> Refused:
    """Why there is no contribution: neither the costs of all orders nor a margin are known."""
    return Refused(
        "contribution",
        "neither cost nor gross_margin",
        "cost of every order, or gross_margin",
        "订单没有逐单填写货品成本（cost），品牌资料里也没有毛利率（gross_margin），无法计算贡献毛利。",
        "The cost of goods is not filled in for every order and no gross margin is given: contribution is not known.",
    )


def _earned(kinds: nw.Schema, rule: str) -> nw.Expr:
    """Money of an order that the contribution rule starts from, refunds always taken off."""
    left = as_number("amount", kinds).fill_null(0)
    if "refunded" in kinds.names():
        left = left - as_number("refunded", kinds).fill_null(0)
    if rule == "costs":
        left = left - as_number("cost", kinds).fill_null(0)
        if "platform_fee" in kinds.names():
            left = left - as_number("platform_fee", kinds).fill_null(0)
    return left


def with_domain(orders: Any, channels: dict[str, str], column: str = "acquired_through") -> Any:
    """Orders with the traffic domain of their channel: public, semi, private, or unknown.

    orders (one paid order)  ->  the same orders, in the same kind of frame, with a column domain

    Parameters
    ----------
    orders : any frame that narwhals takes
        See the head of this module.
    channels : dict
        Channel -> "public", "semi" or "private", as in the brand's brand.yml.
    column : str
        The column that holds the channel. A blank, or a channel that is not in `channels`, gives "unknown".

    Raises
    ------
    ValueError
        For a missing column, or a domain that is none of the three.

    Example
    -------
    >>> orders = pd.DataFrame({"acquired_through": ["douyin_live", "wecom", None]})
    >>> with_domain(orders, {"douyin_live": "public", "wecom": "private"})["domain"].tolist()
    ['public', 'private', 'unknown']
    """
    for channel, domain in channels.items():
        one_of(f"the domain of {channel!r}", domain, DOMAINS)
    frame = nw.from_native(orders)
    has_columns(frame.collect_schema().names(), [column])
    domain = nw.lit("unknown")
    for name in DOMAINS:
        if members := [channel for channel, its in channels.items() if its == name]:
            is_member = nw.col(column).cast(nw.String).is_in(members)
            domain = nw.when(is_member.fill_null(False)).then(nw.lit(name)).otherwise(domain)
    return frame.with_columns(domain.alias("domain")).to_native()


def without_old(facts: nw.LazyFrame, first_order_at: Any, since: int) -> nw.LazyFrame:
    """Facts without the customers who are stated to have ordered before the first day of the new."""
    if first_order_at is None:
        return facts
    stated = lazy(first_order_at)
    kinds = stated.collect_schema()
    has_columns(kinds.names(), ["customer_id", "first_order_at"])
    stated = stated.select("customer_id", as_moment("first_order_at", kinds).alias("first_order_at"))
    stated = stated.filter(~nw.col("first_order_at").is_null())
    old = with_day_and_period(stated, "first_order_at", "month").filter(nw.col("day") < since)
    return facts.join(old.select("customer_id"), on="customer_id", how="anti")


def group_at_first_order(facts: nw.LazyFrame) -> nw.LazyFrame:
    """Facts -> the group a customer had at the first order; of several at that moment, the alphabetically first."""
    earliest = facts.group_by("customer_id").agg(nw.col("ordered_at").min().alias("earliest"))
    return (
        facts.join(earliest, on="customer_id", how="inner")
        .filter(nw.col("ordered_at") == nw.col("earliest"))
        .group_by("customer_id")
        .agg(nw.col("group").min())
        .with_columns(nw.col("group").fill_null("unknown"))
    )


def first_and_second(facts: nw.LazyFrame, also: list[str]) -> nw.LazyFrame:
    """Facts -> one row a customer: first_day and second_day with an order (blank: none yet) [, group].

    Columns of facts in `also`, which must be the same for all orders of a day, come as first_... and second_... too.
    """
    first = nw.col("day").min().over("customer_id")
    has_group = "group" in facts.collect_schema().names()
    names = ["day", *also]
    firsts = (
        facts.with_columns(first.alias("start"))
        .with_columns(
            nw.when(nw.col("day") > nw.col("start")).then(nw.col(name)).alias(f"later_{name}") for name in names
        )
        .group_by("customer_id")
        .agg(
            *(nw.col(name).min().alias(f"first_{name}") for name in names),
            *(nw.col(f"later_{name}").min().alias(f"second_{name}") for name in names),
        )
    )
    return firsts.join(group_at_first_order(facts), on="customer_id", how="inner") if has_group else firsts


def grouped(facts: nw.LazyFrame) -> nw.LazyFrame:
    """Facts whose group is the one of the customer's first order, on every order of the customer."""
    return facts.drop("group").join(group_at_first_order(facts), on="customer_id", how="inner")


def with_day_and_period(frame: nw.LazyFrame, column: str, period: str) -> nw.LazyFrame:
    """Add day (days since 1970-01-01) and period (running number of its month, ISO week or quarter).

    From year, month and day of the year by whole numbers: a route that all backends take alike. The day is that
    of Python's `date.toordinal`, which counts the leap days of the years before. Polars stores a date as this very
    number, and reading it there saves a fifth of a grid's time.
    """
    date = nw.col(column).dt
    year, month, yearday = (part.cast(nw.Int32) for part in (date.year(), date.month(), date.ordinal_day()))
    before = year - 1
    leap_days = quotient(before, 4) - quotient(before, 100) + quotient(before, 400)
    number = before * 365 + leap_days + yearday - EPOCH
    if frame.implementation.is_polars():
        number = date.date().cast(nw.Int32)
    months = year * 12 + month - 1
    periods = {
        "month": months,
        "quarter": quotient(months, 3),
        "week": quotient(nw.col("day") + 3, 7),  # week 0 begins on Monday 1969-12-29
    }
    return frame.with_columns(number.alias("day")).with_columns(periods[period].alias("period"))


def lazy(native: Any) -> nw.LazyFrame:
    """Any frame that narwhals takes, as a query; an Arrow table through Polars, because Arrow has no windows."""
    frame = nw.from_native(native)
    return frame.lazy("polars") if frame.implementation.is_pyarrow() else frame.lazy()


def _all_dated(frame: nw.LazyFrame) -> None:
    """Raise when an order has no date: engines would drop it without a word."""
    blank = frame.select(nw.col("ordered_at").is_null().cast(nw.Int64).sum().alias("blank"))
    missing = blank.collect("pandas").to_native()["blank"].fillna(0).sum()  # SQL sums no rows to a blank
    if missing:
        raise ValueError(f"{int(missing)} orders have no ordered_at: complete them, or leave them out and say so")


def quotient(number: nw.Expr, divisor: int) -> nw.Expr:
    """Whole quotient of numbers >= 0; the cast, because Spark divides into a double."""
    return number if divisor == 1 else (number // divisor).cast(nw.Int32)


def as_moment(column: str, kinds: nw.Schema) -> nw.Expr:
    """The column as a date or datetime; pandas keeps Python dates as objects."""
    if kinds[column] in (nw.Date, nw.Datetime):
        return nw.col(column)
    if kinds[column] == nw.Object:
        return nw.col(column).cast(nw.Datetime("us"))
    raise ValueError(f"{column} must hold dates, not {kinds[column]}: convert it first, with pandas.to_datetime say")


def as_number(column: str, kinds: nw.Schema) -> nw.Expr:
    """The column as a number whose blanks are nulls; pandas keeps Decimals as objects."""
    if kinds[column].is_numeric() or kinds[column] == nw.Object:
        return nw.col(column).cast(nw.Float64).fill_nan(None)
    raise ValueError(f"{column} must hold numbers, not {kinds[column]}")


def collected(frame: nw.LazyFrame) -> pd.DataFrame:
    """Run the query, bring its few rows home as pandas in a fixed order, and make all counts int64."""
    streaming = {"engine": "streaming"} if frame.implementation.is_polars() else {}  # its faster engine, same numbers
    home = frame.collect("pandas", **streaming).to_native()
    order = [name for name in ("group", "first", "age", "days", "minor") if name in home.columns]
    counts = [name for name in home.columns if name != "group"]
    return home.astype(dict.fromkeys(counts, "int64")).sort_values(order, ignore_index=True)


def priced(counted: pd.DataFrame) -> pd.DataFrame:
    """Return the counts, or raise when orders without an amount are among them: revenue would look whole."""
    if missing := int(counted["unpriced"].sum()):
        raise ValueError(f"{missing} orders have no amount: complete them, or leave them out and say so")
    return counted


def refund_rule(orders: Any, refunds: str) -> str:
    """Return what was done with refunds: "net", "gross", or "none" where the orders do not record them."""
    recorded = "refunded" in lazy(orders).collect_schema().names()
    return refunds if recorded else "none"


# --- dates and checks ---


def day_number(date: DateLike, name: str) -> int:
    """Days from 1970-01-01 to a date, or ValueError naming the parameter."""
    try:
        stamp = pd.Timestamp(date)
        return (stamp.tz_localize(None).normalize() - pd.Timestamp(0)).days
    except (ValueError, TypeError, AttributeError) as error:  # AttributeError: None and "" become NaT
        raise ValueError(f"{name} must be a date such as '2024-06-30'; got {date!r}") from error


def period_of_day(day: int, period: str) -> int:
    """Running number of the period that holds a day; the same count as in `with_day_and_period`."""
    if period == "week":
        return (day + 3) // 7
    date = datetime.date.fromordinal(max(1, day + EPOCH))
    months = date.year * 12 + date.month - 1
    return months if period == "month" else months // 3


def period_label(number: int, period: str) -> str:
    """Name of a period: "1997-01", "1997-W05" or "1997-Q1"."""
    if period == "week":
        year, week, _ = (datetime.date(1969, 12, 29) + datetime.timedelta(weeks=int(number))).isocalendar()
        return f"{year}-W{week:02d}"
    if period == "month":
        return f"{number // 12}-{number % 12 + 1:02d}"
    return f"{number // 4}-Q{number % 4 + 1}"


def new_since(history: str, observed_from: DateLike | None, burn_in_days: int, first_order_at: Any) -> int:
    """First day on which a first order is a new customer's; 0001-01-01 when that is so of every day."""
    one_of("history", history, ("complete", "truncated"))
    if burn_in_days < 0:
        raise ValueError(f"burn_in_days must be 0 or more; got {burn_in_days!r}")
    if history == "complete" and first_order_at is None:
        return 1 - EPOCH
    if observed_from is None:
        given = "history='truncated'" if first_order_at is None else "first_order_at"
        raise ValueError(f"{given} needs observed_from, the first day the orders cover")
    return day_number(observed_from, "observed_from") + (burn_in_days if first_order_at is None else 0)


def has_columns(columns: list[str], needed: list[str]) -> None:
    """Raise when a needed column is missing, with the nearest name there is."""
    for name in needed:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            raise ValueError(f"there is no column {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Raise when a parameter has none of its allowed values, with the nearest one."""
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}{hint}")


def at_least_one(name: str, value: int) -> None:
    """Raise when a parameter is not a whole number, 1 or more."""
    if value != int(value) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more; got {value!r}")
