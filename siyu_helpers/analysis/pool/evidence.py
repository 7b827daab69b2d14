"""What the rules of the trade share: the orders as arrays, intervals that treat a customer's orders as one, the result.

Orders of one customer are alike, so that every interval here is over customers: each customer's orders are added up
first (in whole 1/10000 of the currency, so that no order of rows changes a digit) and customers are what varies.

Opens no files and draws nothing. Orders and members may be any frame that narwhals takes, see `order_log`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.estimates import LEVEL, MEAN_AT_LEAST, Estimate, Refused, Words, hall, wilson
from siyu_helpers.analysis.pool.rules import RuleResult

REQUIRES = order_log.REQUIRES
MONEY = ("amount", "list_amount", "refunded", "cost", "platform_fee")
CUSTOMERS_AT_LEAST = MEAN_AT_LEAST  # of each side of a comparison


class Evidence(NamedTuple):
    """What a rule rests on: a small table, the figures by key, and the rule with its agreement."""

    table: pd.DataFrame
    figures: dict[str, Estimate | Refused]
    rule: RuleResult


class OrderRows(NamedTuple):
    """Paid orders of known customers as arrays, sorted by customer and moment; a customer is a place in `customers`.

    person : int64. at : microseconds since 1970 on the brand's clock. day : from 1970. numbers : money in 1/10000 of
    the currency and other numbers; NaN where blank; a column that the table does not have is absent. texts : name ->
    texts, None where blank. customers : ids. until : last day. unknown : orders left out for want of a customer.
    """

    person: np.ndarray
    at: np.ndarray
    day: np.ndarray
    numbers: dict[str, np.ndarray]
    texts: dict[str, np.ndarray]
    customers: np.ndarray
    until: int
    unknown: int

    @property
    def starts(self) -> np.ndarray:
        """Place of each customer's first order."""
        return np.searchsorted(self.person, np.arange(len(self.customers)))

    @property
    def first_day(self) -> np.ndarray:
        """Day of each customer's first order."""
        return self.day[self.starts]

    @property
    def is_purchase(self) -> np.ndarray:
        """The first order of each customer's day: orders of one day are one purchase."""
        return _changes(self.person) | _changes(self.day)

    def per_customer(self, values: np.ndarray | None = None) -> np.ndarray:
        """Sum of a value over each customer's orders; without one, their number."""
        return np.bincount(self.person, values, len(self.customers))


def order_rows(
    orders: Any, observed_until: order_log.DateLike, numbers: tuple[str, ...] = (), texts: tuple[str, ...] = ()
) -> OrderRows:
    """Read the paid orders of known customers to the last day into arrays.

    orders (one paid order)  ->  OrderRows (one paid order)

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`. Orders read before, as OrderRows, are returned as they are.
    numbers, texts : tuple of str
        Optional columns to read beside customer_id, ordered_at and amount; those of `MONEY` become whole 1/10000.

    Raises
    ------
    ValueError
        For a missing column, or an order without amount or date.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": ["b", "a", "b"], "amount": [5.0, 1.0, 2.0],
    ...                     "ordered_at": pd.to_datetime(["2024-02-01", "2024-01-03", "2024-01-01"])})
    >>> rows = order_rows(log, "2024-12-31")
    >>> rows.customers[rows.person].tolist(), rows.numbers["amount"].tolist()
    (['b', 'b', 'a'], [20000.0, 50000.0, 10000.0])
    """
    if isinstance(orders, OrderRows):
        return orders
    until = order_log.day_number(observed_until, "observed_until")
    kinds_of_empty = {"ordered_at": "datetime64[us]"} | dict.fromkeys(("amount", *numbers), "float64")
    frame = order_log.lazy(touches.typed_if_empty(orders, **kinds_of_empty))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["orders"])
    numbers = ("amount", *(name for name in numbers if name in kinds.names()))
    texts = tuple(name for name in texts if name in kinds.names())
    home = touches.gathered(
        frame.select(
            touches.filled_in("customer_id", kinds),
            order_log.as_moment("ordered_at", kinds).alias("ordered_at"),
            *(order_log.as_number(name, kinds).alias(name) for name in numbers),
            *(touches.filled_in(name, kinds) for name in texts),
        ),
        "ordered_at",
        "orders",
    )
    at = touches.moments(home["ordered_at"])
    person, ids = touches.numbered(home["customer_id"])
    early = at < (until + 1) * touches.MICROSECONDS_A_DAY
    kept = early & (person >= 0)
    columns = {name: _numbers(home[name], name) for name in numbers}
    if missing := int(np.isnan(columns["amount"][kept]).sum()):
        raise ValueError(f"{missing} orders have no amount: complete them, or leave them out and say so")
    words = {name: _texts(home[name]) for name in texts}
    there, person = np.unique(person[kept], return_inverse=True)
    order = np.lexsort((columns["amount"][kept], at[kept], person))
    person, at = person[order].astype(np.int64), at[kept][order]
    columns, words = ({k: v[kept][order] for k, v in part.items()} for part in (columns, words))
    known = touches.values_of(ids)[there] if len(there) else np.empty(0, dtype=np.int64)
    unknown = int((early & ~kept).sum())
    return OrderRows(person, at, at // touches.MICROSECONDS_A_DAY, columns, words, known, until, unknown)


def contribution_rule(rows: OrderRows, gross_margin: float | None = None) -> str:
    """How the contribution of these orders can be known, as `order_log.contribution_rule` tells from the table.

    rows with the column cost, where the table has it  ->  "costs", "margin" or "none"
    """
    if gross_margin is not None and not 0 <= gross_margin <= 1:
        raise ValueError(f"gross_margin must lie between 0 and 1, such as 0.5; got {gross_margin!r}")
    if "cost" in rows.numbers and not np.isnan(rows.numbers["cost"]).any():
        return "costs"
    return "none" if gross_margin is None else "margin"


def new_customers(
    rows: OrderRows,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> np.ndarray:
    """Of which customers the first order in the rows is known to be their first ever (see `order_log`)."""
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    if not len(rows.customers):
        return np.zeros(0, dtype=bool)
    new = rows.first_day >= since
    if first_order_at is None:
        return new
    stated = order_log.lazy(first_order_at)
    kinds = stated.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "first_order_at"])
    moment = order_log.as_moment("first_order_at", kinds).alias("first_order_at")
    stated = stated.filter(~nw.col("first_order_at").is_null()).select("customer_id", moment)
    stated = order_log.with_day_and_period(stated, "first_order_at", "month").filter(nw.col("day") < since)
    old = stated.select("customer_id").collect("pandas").to_native()["customer_id"]
    return new & ~pd.Index(rows.customers).isin(old)


def in_pool(rows: OrderRows, members: Any) -> np.ndarray | None:
    """Which orders were paid while their customer was in the pool; None without members.

    rows (one paid order), members (one stay)  ->  array of bool (one paid order)

    A stay begins with its joined_at and ends before its left_at; a blank left_at goes on.
    """
    stays = stays_of(rows, members)
    if stays is None:
        return None
    person, joined, left = stays
    begun = _events_until(rows, person, joined)
    ended = left < np.iinfo(np.int64).max
    return begun > _events_until(rows, person[ended], left[ended])


def stays_of(rows: OrderRows, members: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Stays of customers with an order: person, joined, left (microseconds; the largest number: still in)."""
    if members is None:
        return None
    table = touches.typed_if_empty(members, joined_at="datetime64[us]", left_at="datetime64[us]")
    frame = order_log.lazy(table)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "joined_at"])
    dates = [name for name in ("joined_at", "left_at") if name in kinds.names()]
    chosen = frame.select("customer_id", *(order_log.as_moment(name, kinds).alias(name) for name in dates))
    home = chosen.collect("pandas").to_native()
    home = home[home["customer_id"].notna() & home["joined_at"].notna()]
    person = pd.Index(rows.customers).get_indexer(home["customer_id"])
    joined = microseconds(home["joined_at"])
    left = microseconds(home["left_at"]) if "left_at" in dates else np.full(len(home), np.iinfo(np.int64).max)
    kept = (person >= 0) & (joined < (rows.until + 1) * touches.MICROSECONDS_A_DAY)
    return person[kept], joined[kept], left[kept]


def joined(rows: OrderRows, members: Any) -> np.ndarray | None:
    """Which customers had joined the pool by the last day; None without members."""
    stays = stays_of(rows, members)
    return None if stays is None else np.isin(np.arange(len(rows.customers)), stays[0])


# --- intervals over customers ---


def ratio(
    top: np.ndarray,
    bottom: np.ndarray,
    level: float = LEVEL,
    unit: str = "share",
    definition: str | Words = "ratio",
    function: str | Callable[..., Any] = "siyu_helpers.analysis.pool.evidence.ratio",
    at_least: int = CUSTOMERS_AT_LEAST,
) -> Estimate | Refused:
    """Sum of one quantity over the sum of another, with its interval over customers.

    Parameters
    ----------
    top, bottom : arrays, one number a customer
        Customers of whom both are 0 do not count.
    at_least : int
        Fewer customers are refused.

    Notes
    -----
    Linearised variance of a ratio (Cochran 1977, Sampling Techniques, section 2.11): customers' top - ratio x bottom.

    Example
    -------
    >>> found = ratio(np.array([1.0, 3.0] * 100), np.array([10.0, 10.0] * 100))
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.2, 0.188, 0.212)
    """
    top, bottom = (np.asarray(part, dtype=float) for part in (top, bottom))
    there = (top != 0) | (bottom != 0)
    top, bottom = top[there], bottom[there]
    if refused := too_few(len(bottom), at_least):
        return refused
    total = math.fsum(bottom)
    if total <= 0:
        return nothing_to_divide()
    value = math.fsum(top) / total
    reach = _reach((top - value * bottom) / total, level)
    return Estimate(value, value - reach, value + reach, level, len(bottom), unit, definition, function)


def ratio_gap(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    level: float = LEVEL,
    unit: str = "percentage points",
    times: float = 100.0,
    definition: str | Words = "difference of two ratios",
    function: str | Callable[..., Any] = "siyu_helpers.analysis.pool.evidence.ratio_gap",
    at_least: int = CUSTOMERS_AT_LEAST,
) -> Estimate | Refused:
    """Difference of two ratios, first less second, whose orders may be the same customers'.

    Parameters
    ----------
    first, second : (top, bottom), each one number a customer, the same customers in the same places
    times : float
        100 for percentage points.

    Example
    -------
    >>> ones = np.ones(200)
    >>> ratio_gap((np.array([0.0, 1.0] * 100), ones), (ones * 0.2, ones)).value
    30.0
    """
    sides = [tuple(np.asarray(part, dtype=float) for part in side) for side in (first, second)]
    has = [(top != 0) | (bottom != 0) for top, bottom in sides]
    fewest = min(int(side.sum()) for side in has)
    if refused := too_few(fewest, at_least):
        return refused
    totals = [math.fsum(bottom) for _, bottom in sides]
    if min(totals) <= 0:
        return nothing_to_divide()
    values = [math.fsum(top) / total for (top, _), total in zip(sides, totals, strict=True)]
    moves = [(t - v * b) / s for (t, b), v, s in zip(sides, values, totals, strict=True)]
    there = has[0] | has[1]
    reach = _reach((moves[0] - moves[1])[there], level) * times
    value = (values[0] - values[1]) * times
    return Estimate(value, value - reach, value + reach, level, int(there.sum()), unit, definition, function)


def share_of_rows(
    flagged: np.ndarray,
    person: np.ndarray,
    level: float = LEVEL,
    definition: str | Words = "share",
    function: str | Callable[..., Any] = "siyu_helpers.analysis.pool.evidence.share_of_rows",
) -> Estimate | Refused:
    """Share of rows (orders) that are flagged, with an interval that treats a customer's orders as alike.

    Parameters
    ----------
    flagged, person : arrays, one a row
        Whether it counts, and whose it is.

    Notes
    -----
    Wilson's interval with the effective number of rows, rows / design effect, the latter from the linearised variance
    over customers (Korn and Graubard 1998, Survey Methodology 24, 193-201). It never exceeds the rows, and where all
    rows are alike it is the number of customers.

    Example
    -------
    >>> one_each = share_of_rows(np.array([True, False] * 50), np.arange(100))
    >>> two_each = share_of_rows(np.array([True, True, False, False] * 25), np.arange(100) // 2)
    >>> one_each.value, round(one_each.low, 3), round(two_each.low, 3)
    (0.5, 0.419, 0.386)
    """
    flagged = np.asarray(flagged, dtype=float)
    codes, who = pd.factorize(person)
    n, people = len(flagged), len(who)
    if not n:
        return Refused(*("orders", 0, 1), "没有可以计算的订单，比例无从谈起。", "There is no order to take a share of.")
    value = flagged.sum() / n
    effective = float(people)
    if 0 < value < 1 and people > 1:
        moves = (np.bincount(codes, flagged, people) - value * np.bincount(codes, minlength=people)) / n
        variance = math.fsum(moves**2) * people / (people - 1)
        alone = value * (1 - value) / (n - 1)  # variance if every order were another customer's
        effective = n * min(1.0, alone / variance) if variance > 0 else float(n)
    low, high = wilson(value * effective, effective, level)
    return Estimate(value, min(low, value), max(high, value), level, people, "share", definition, function)


def mean(
    values: np.ndarray,
    level: float = LEVEL,
    unit: str = "money per customer",
    definition: str | Words = "mean",
    function: str | Callable[..., Any] = "siyu_helpers.analysis.pool.evidence.mean",
    at_least: int = CUSTOMERS_AT_LEAST,
) -> Estimate | Refused:
    """Mean over customers with Hall's interval for skewed quantities, at once for any number of customers.

    Example
    -------
    >>> found = mean(np.array([0.0, 10.0, 20.0, 90.0] * 50))
    >>> found.value, round(found.low, 1), round(found.high, 1)
    (30.0, 26.1, 34.3)
    """
    values = np.sort(np.asarray(values, dtype=float))
    if refused := too_few(len(values), at_least):
        return refused
    value = math.fsum(values) / len(values)
    low = high = value
    deviation = values.std()
    if deviation > 1e-12 * max(1.0, abs(value)):
        skewness = float((((values - value) / deviation) ** 3).mean())
        low, high = hall(value, deviation, skewness, len(values), level)
    return Estimate(value, min(low, value), max(high, value), level, len(values), unit, definition, function)


def gap(
    first: Estimate | Refused,
    second: Estimate | Refused,
    unit: str,
    definition: str | Words,
    function: str | Callable[..., Any],
    times: float = 1.0,
) -> Estimate | Refused:
    """Difference of two estimates from different customers, first less second.

    Notes
    -----
    Interval from the ends of the two (Zou and Donner 2008, Statistics in Medicine 27, 1693-1702; for shares, Newcombe
    1998, Statistics in Medicine 17, 873-890, method 10).

    Example
    -------
    Newcombe's table II (56 of 70 against 48 of 80) with 95%:

    >>> ends = [(k / n, *wilson(k, n, 0.95)) for k, n in ((56, 70), (48, 80))]
    >>> one, two = (Estimate(*(float(end) for end in three), 0.95, 70, "share", "", "") for three in ends)
    >>> found = gap(one, two, "share", "", "")
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    for side in (first, second):
        if isinstance(side, Refused):
            return side
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    n = first.n + second.n
    return Estimate(value * times, low * times, high * times, first.level, n, unit, definition, function)


# --- refusals ---


def too_few(n: int, at_least: int = CUSTOMERS_AT_LEAST) -> Refused | None:
    """Refusal where there are fewer customers than asked for; else None."""
    if n >= at_least:
        return None
    return Refused(
        *("customers", n, at_least),
        f"只有 {n} 位客户，少于 {at_least} 位，误差范围不可靠。",
        f"Only {n} customers; below {at_least} the interval cannot be trusted.",
    )


def nothing_to_divide() -> Refused:
    """Refusal of a share of nothing."""
    return Refused(*("sum", 0, "> 0"), "分母为 0，没有比例可言。", "There is nothing to take a share of.")


def no_column(table: str, column: str, zh: str, en: str) -> Refused:
    """Refusal for want of a table or column; zh and en say what it holds."""
    name = f"{table}.{column}" if column else table
    return Refused(
        *("data", "none", name), f"没有{zh}（{name}），无法计算。", f"There is no {en} ({name}): it is not known."
    )


# --- reading ---


def _changes(values: np.ndarray) -> np.ndarray:
    """Whether each value differs from the one before; the first does."""
    return np.concatenate([np.ones(min(1, len(values)), dtype=bool), values[1:] != values[:-1]])


def _numbers(column: nw.Series, name: str) -> np.ndarray:
    if column.null_count() == len(column):
        return np.full(len(column), np.nan)
    values = column.cast(nw.Float64).to_numpy().astype(float)
    return np.rint(values * order_log.MONEY_SCALE) if name in MONEY else values


def _texts(column: nw.Series) -> np.ndarray:
    codes, values = touches.numbered(column)
    names = np.array([*(str(name) for name in touches.values_of(values)), None], dtype=object)
    return names[codes]


def microseconds(moments: pd.Series) -> np.ndarray:
    """Microseconds since 1970 of a column of moments, on the clock of its own time zone; a blank is the largest number.

    >>> microseconds(pd.Series(pd.to_datetime(["1970-01-02", None])))[0]
    np.int64(86400000000)
    """
    stamps = pd.to_datetime(moments)
    stamps = stamps if stamps.dt.tz is None else stamps.dt.tz_localize(None)
    whole = stamps.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(whole), np.iinfo(np.int64).max, whole.view(np.int64))


def _events_until(rows: OrderRows, person: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How many of the events of each order's customer had come by the order's moment."""
    everybody = np.concatenate([person, rows.person])
    moments = np.concatenate([at, rows.at])
    is_order = np.concatenate([np.zeros(len(person), dtype=bool), np.ones(len(rows.person), dtype=bool)])
    order = np.lexsort((is_order, moments, everybody))  # an event at the very moment of the order has come
    events = np.cumsum(~is_order[order])
    whose = everybody[order]
    before = np.concatenate([[0], events])[np.searchsorted(whose, whose)]
    found = np.empty(len(order), dtype=np.int64)
    found[order] = events - before
    return found[len(person) :]


def _reach(moves: np.ndarray, level: float) -> float:
    """Half width of the interval from how far each customer moves the result; their order does not matter."""
    many = len(moves)
    variance = math.fsum(moves**2) * many / (many - 1)
    return float(stats.t.ppf((1 + level) / 2, many - 1) * math.sqrt(variance))
