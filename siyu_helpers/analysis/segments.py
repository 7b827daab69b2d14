"""Segments: customers grouped by how recently, how often and for how much they bought (RFM).

Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files and draws nothing. The orders are added up per customer by
their engine, see `order_log`, whose head also says what `orders` and `observed_until` are; the scoring runs in pandas
on one row a customer. Who is worth a message is the question of `win_back`.

The eight names are those common in China. They are given by three yes-or-no questions: recent or not (R), often or not
(F), much or not (M). "重要" (important) is M high, "一般" (ordinary) is M low; then R and F high: 价值 (value), R high
and F low: 发展 (develop), R low and F high: 保持 (keep), both low: 挽留 (win back). That much textbooks and vendors
share. They differ in what is "high" (mean, median, quintiles of 1 to 5 points, cut-offs typed in by hand), in whether
a value at the mean is high, in M (total or per purchase) and in the window. Here these are parameters, and
`method_change` counts how many customers change name with them. Ours are: the strict reading of "above", days of
purchase instead of orders, and ties that are never broken: equal customers get equal names.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.segment_names import ACTIONS, NOT_YET_CUSTOMER, OUTSIDE, OUTSIDE_WINDOW, SEGMENTS  # noqa: F401

REQUIRES = order_log.REQUIRES

METHODS = ("mean_split", "median_split", "quintiles", "fixed")
MONETARY = ("total", "mean")
CUT_OFFS = ("recency_days", "frequency", "monetary")
HIGH_SCORE = 4  # of five points; 4 and 5 count as high
TIE = 1e-12  # relative; a sum of shares of a cent must not put a value above the mean of values equal to it


def rfm(
    orders: Any,
    observed_until: order_log.DateLike,
    method: str = "mean_split",
    refunds: str = "net",
    monetary: str = "total",
    window_days: int | None = None,
    cut_offs: dict[str, float] | None = None,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """Each customer's recency, frequency and spend, and the segment they put the customer in.

    orders (one paid order)  ->  table (one customer)

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`. Nothing after `observed_until` is used.
    method, cut_offs
        What counts as high, see `score`.
    refunds : "net" or "gross"
        Whether the refunded part, where recorded, is taken off the spend. A refunded order is a purchase all the same.
    monetary : "total" or "mean"
        M is what a customer spent in all, or on average per purchase.
    window_days : int, optional
        Only orders of the last so many days count, `observed_until` included; customers without one are absent.
        None: the whole log.
    observed_from, history, burn_in_days, first_order_at
        As everywhere, so that `**brand.history` can be passed. An old customer is a customer here: nobody is left out.
        But frequency and spend are those *within the export*; before `observed_from` nothing is known, and a
        window that begins earlier is refused.

    Returns
    -------
    DataFrame, one row per customer with an order, sorted by customer_id
        customer_id : as in orders.
        recency_days : days from the last order to observed_until; 0 is the last day itself.
        frequency : days with an order (orders of one day are one purchase), the first included.
        monetary : in the brand's currency, total or per purchase.
        r, f, m : scores, see `score`; large is good, so a large r is a recent customer.
        segment : its Chinese name, a key of `SEGMENTS` (a category of all eight, in order); both languages there, what
            to do in `ACTIONS`.
    Its `attrs` hold how it was made, and under "cut_offs" the values that divided high from low. Never blank.

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, a date that is none, an order without amount, or a window
        that begins before the orders do.

    Notes
    -----
    RFM: Hughes (1994), Strategic Database Marketing. The eight names: see the head of this module.

    Example
    -------
    Ana comes often; Ben spent much once, long ago; Cy is new:

    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [30.0, 25.0, 90.0, 8.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-20", "2024-01-02", "2024-02-28"])
    >>> rfm(orders, "2024-02-29")[["customer_id", "recency_days", "frequency", "monetary", "segment"]]
      customer_id  recency_days  frequency  monetary             segment
    0         ana             9          2      55.0     重要价值
    1         ben            58          1      90.0  重要挽留
    2          cy             1          1       8.0    一般发展
    """
    order_log.one_of("monetary", monetary, MONETARY)
    order_log.one_of("history", history, ("complete", "truncated"))
    until = order_log.day_number(observed_until, "observed_until")
    table = customer_values(orders, until, refunds, _first_day(window_days, until, observed_from))
    if monetary == "mean":
        minor = (table["monetary"] * order_log.MONEY_SCALE).round()  # whole: equal means come out equal to the last bit
        table["monetary"] = minor / table["frequency"] / order_log.MONEY_SCALE
    table.attrs = {
        "observed_until": (pd.Timestamp(0) + pd.Timedelta(days=until)).date().isoformat(),
        "refunds": order_log.refund_rule(orders, refunds),
        "monetary": monetary,
        "window_days": window_days,
        "history": history,
    }
    return score(table, method, cut_offs)


def score(table: pd.DataFrame, method: str = "mean_split", cut_offs: dict[str, float] | None = None) -> pd.DataFrame:
    """Score recency, frequency and spend, and name the segment; also to score the same customers by another method.

    table (one customer)  ->  the same rows with r, f, m and segment

    Parameters
    ----------
    table : DataFrame
        From `rfm`, or with the columns customer_id, recency_days, frequency and monetary.
    method : "mean_split", "median_split", "quintiles" or "fixed"
        mean_split, median_split: f and m are 1 (high) strictly above the mean or median of the customers, r is 1 at or
        below it; else 0. Where most customers bought once, one purchase is therefore not "often".
        quintiles: 1 to 5 points by the share of customers below, equal customers counted half (the mid-rank, rounded
        up to the next fifth); 4 and 5 are high. Equal values share their points, so fifths can be uneven, and with
        many one-time buyers nobody may have 1.
        fixed: 1 for recency_days at or below, frequency and monetary at or above their cut-offs; else 0.
    cut_offs : dict, for "fixed" only
        {"recency_days": 90, "frequency": 3, "monetary": 500.0}; money in the brand's currency.

    Returns
    -------
    DataFrame as from `rfm`; `attrs["cut_offs"]` holds the mean, the median, the least value that is high (quintiles;
    NaN where none is) or the given cut-offs.

    Raises
    ------
    ValueError
        For an unknown method, a missing column, or cut-offs that are missing, unknown or not asked for.

    Example
    -------
    >>> table = pd.DataFrame({"customer_id": [1, 2, 3], "recency_days": [9, 58, 1], "frequency": [2, 1, 1],
    ...                       "monetary": [55.0, 90.0, 8.0]})
    >>> score(table, "fixed", {"recency_days": 30, "frequency": 2, "monetary": 60})["segment"].tolist()
    ['一般价值', '重要挽留', '一般发展']
    """
    order_log.one_of("method", method, METHODS)
    order_log.has_columns(list(table.columns), ["customer_id", *CUT_OFFS])
    _check_cut_offs(method, cut_offs)
    values = {name: table[name].to_numpy(dtype=float) for name in CUT_OFFS}
    if method == "quintiles":
        scores = {name: _fifths(column, largest_first=name == "recency_days") for name, column in values.items()}
        high = {name: found >= HIGH_SCORE for name, found in scores.items()}
        bounds = {name: _least_high(values[name], high[name], name) for name in CUT_OFFS}
    else:
        centre = {"mean_split": _mean, "median_split": _median}
        bounds = {n: float(cut_offs[n]) if method == "fixed" else centre[method](values[n]) for n in CUT_OFFS}
        high = {name: _is_high(column, bounds[name], name, method) for name, column in values.items()}
        scores = {name: found.astype("int64") for name, found in high.items()}
    scored = table[["customer_id", *CUT_OFFS]].assign(
        r=scores["recency_days"], f=scores["frequency"], m=scores["monetary"]
    )
    place = 4 * ~high["monetary"] + 2 * ~high["recency_days"] + ~high["frequency"]  # the order of SEGMENTS
    scored["segment"] = pd.Categorical.from_codes(place, list(SEGMENTS))
    scored.attrs = dict(table.attrs) | {"method": method, "cut_offs": bounds}
    return scored


def customer_values(orders: Any, until: int, refunds: str = "net", since: int | None = None) -> pd.DataFrame:
    """Add the orders up per customer, where they are: what a customer did up to a day.

    orders (one paid order)  ->  table (one customer)

    Parameters
    ----------
    orders, refunds
        As in `rfm`.
    until, since : int
        Last day and first day counted, in days since 1970-01-01, see `order_log.day_number`.

    Returns
    -------
    DataFrame: customer_id, recency_days, frequency (days with an order), monetary (total, in the brand's currency),
    sorted by customer_id.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [7, 7], "amount": [30.0, 25.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-05"])
    >>> customer_values(orders, order_log.day_number("2024-01-31", "until"))
       customer_id  recency_days  frequency  monetary
    0            7            26          1      55.0
    """
    facts = order_log.paid_orders(orders, until, "month", refunds)
    if since is not None:
        facts = facts.filter(nw.col("day") >= since)
    days = facts.group_by("customer_id", "day").agg(nw.col("minor").sum(), nw.col("unpriced").sum())
    totals = days.group_by("customer_id").agg(
        nw.col("day").max(), nw.len().alias("frequency"), nw.col("minor").sum(), nw.col("unpriced").sum()
    )
    streaming = {"engine": "streaming"} if totals.implementation.is_polars() else {}
    home = order_log.priced(totals.collect("pandas", **streaming).to_native())
    home = home.astype(dict.fromkeys(("day", "frequency", "minor"), "int64"))
    home = home.sort_values("customer_id", ignore_index=True)
    return pd.DataFrame(
        {
            "customer_id": home["customer_id"],
            "recency_days": until - home["day"],
            "frequency": home["frequency"],
            "monetary": home["minor"] / order_log.MONEY_SCALE,
        }
    )


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Size, revenue and habits of each segment.

    table (one customer)  ->  summary (one segment)

    Parameters
    ----------
    table : DataFrame
        From `rfm` or `score`. Its `attrs` say whether `monetary` is the total or the mean; lost, it is taken as total.

    Returns
    -------
    DataFrame, one row per segment, all eight in the order of `SEGMENTS`. All of it is counted, nothing estimated: there
    are no intervals.
        segment : a key of `SEGMENTS`.
        customers : 0 where nobody is in the segment.
        customer_share : of all customers in the table; blank when it is empty.
        revenue, revenue_share : what they spent in all, and as a share of all customers; the share is blank when
            revenue is 0 or below.
        mean_recency_days, mean_frequency, mean_monetary : blank where nobody is in the segment.

    Example
    -------
    >>> table = pd.DataFrame({"customer_id": [1, 2, 3], "recency_days": [9, 58, 1], "frequency": [2, 1, 1],
    ...                       "monetary": [60.0, 90.0, 50.0]})
    >>> made = summary(score(table)).query("customers > 0")
    >>> made[["segment", "customers", "revenue", "revenue_share", "mean_recency_days"]]
                  segment  customers  revenue  revenue_share  mean_recency_days
    3  重要挽留          1     90.0           0.45               58.0
    4      一般价值          1     60.0           0.30                9.0
    5    一般发展          1     50.0           0.25                1.0
    """
    facts = pd.DataFrame({"segment": table["segment"], "minor": _spent(table), **{n: table[n] for n in CUT_OFFS}})
    grouped = facts.groupby("segment", observed=False)
    made = grouped.agg(customers=("minor", "size"), minor=("minor", "sum")).reindex(list(SEGMENTS), fill_value=0)
    everybody, everything = int(made["customers"].sum()), int(made["minor"].sum())
    made["customer_share"] = made["customers"] / everybody if everybody else np.nan
    made["revenue"] = made["minor"] / order_log.MONEY_SCALE
    made["revenue_share"] = made["minor"] / everything if everything > 0 else np.nan
    for name in CUT_OFFS:  # fsum: equal in any order of rows
        made[f"mean_{name}"] = grouped[name].agg(lambda column: _mean(column.to_numpy(dtype=float)))
    made.index = pd.Index(list(SEGMENTS), name="segment", dtype="str")
    made = made.drop(columns="minor").reset_index()
    made.attrs = dict(table.attrs)
    return made


def segment_facts(table: pd.DataFrame, segments: str | list[str]) -> dict[str, Estimate | Refused]:
    """Customers and revenue of one segment, or of several together, for a sentence.

    table (one customer)  ->  "customers", "customer_share", "revenue", "revenue_share"

    Parameters
    ----------
    table : DataFrame
        From `rfm` or `score`.
    segments : str or list of str
        Keys of `SEGMENTS`.

    Returns
    -------
    dict of Estimate without interval, because customers and what they spent are counted; of Refused when the
    table has no customer, or for the share of revenue when there is none.

    Example
    -------
    >>> table = pd.DataFrame({"customer_id": [1, 2, 3], "recency_days": [9, 58, 1], "frequency": [2, 1, 1],
    ...                       "monetary": [60.0, 90.0, 50.0]})
    >>> segment_facts(score(table), "重要挽留")["revenue_share"].value
    0.45
    """
    chosen = [segments] if isinstance(segments, str) else list(segments)
    for segment in chosen:
        order_log.one_of("segments", segment, tuple(SEGMENTS))
    names = ("customers", "customer_share", "revenue", "revenue_share")
    if table.empty:
        return dict.fromkeys(names, _nobody())
    made = summary(table).set_index("segment")
    part = made.loc[chosen].sum()
    n, everything = len(table), float(made["revenue"].sum())
    zh, en = _rule_words(table, chosen)
    facts = {
        "customers": Estimate.exact(part["customers"], n, "customers", Words(zh, en), segment_facts),
        "customer_share": Estimate.exact(
            part["customers"] / n,
            n,
            "share",
            Words(f"占全部有订单客户的比例；{zh}", f"As a share of all customers with an order; {en}"),
            segment_facts,
        ),
        "revenue": Estimate.exact(
            part["revenue"], n, "money", Words(f"他们的销售额；{zh}", f"What they spent; {en}"), segment_facts
        ),
        "revenue_share": Refused(
            "revenue", everything, "> 0", "没有销售额，无从谈占比。", "There is no revenue to share."
        )
        if everything <= 0
        else Estimate.exact(
            part["revenue"] / everything,
            n,
            "share",
            Words(f"占全部客户销售额的比例；{zh}", f"As a share of what all customers spent; {en}"),
            segment_facts,
        ),
    }
    return facts


def movement(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """How many customers moved from each segment to each other between two dates.

    two tables (one customer)  ->  matrix (segment before x segment after) of customers

    Parameters
    ----------
    before, after : DataFrame
        From `rfm` at two dates, made alike (method, refunds, monetary, window).

    Returns
    -------
    DataFrame of counts. Rows are the segments before, columns the segments after, both in the order of `SEGMENTS`. A
    row "not_yet_customer" is added when somebody had no order before; a column "outside_window" when somebody is in
    no segment any more, which only a window does. Every customer of either table is counted once: the cells sum to
    their number, each row to the segment's size before, each column to its size after. Mean splits and quintiles
    divide anew at each date, so a customer can move because the others did; fixed cut-offs stand still.

    Raises
    ------
    ValueError
        When the tables were not made alike, when the first is the later one, or when a customer occurs twice.

    Example
    -------
    >>> before = pd.DataFrame({"customer_id": [1, 2], "segment": ["一般价值", "一般价值"]})
    >>> after = pd.DataFrame({"customer_id": [2, 1, 3], "segment": ["一般保持", *["一般价值"] * 2]})
    >>> moved = movement(before, after)
    >>> moved.loc["一般价值", "一般保持"], moved.loc["not_yet_customer", "一般价值"]
    (np.int64(1), np.int64(1))
    """
    _check_alike(before, after)
    both = _matched(before, after)
    was = both["segment_before"].astype(object).fillna(NOT_YET_CUSTOMER)
    now = both["segment_after"].astype(object).fillna(OUTSIDE_WINDOW)
    rows = [*SEGMENTS, *([NOT_YET_CUSTOMER] if (was == NOT_YET_CUSTOMER).any() else [])]
    columns = [*SEGMENTS, *([OUTSIDE_WINDOW] if (now == OUTSIDE_WINDOW).any() else [])]
    counts = pd.crosstab(was, now).reindex(index=rows, columns=columns, fill_value=0).astype("int64")
    return counts.rename_axis(index="before", columns="after")


def changed_segment(one: pd.DataFrame, other: pd.DataFrame) -> Estimate | Refused:
    """Share of customers whose segment differs between two tables of the same customers, such as two methods.

    Returns
    -------
    Estimate without interval: it is counted. Or Refused when there is no customer.

    Raises
    ------
    ValueError
        When the tables do not hold the same customers.

    Example
    -------
    >>> table = pd.DataFrame({"customer_id": [1, 2, 3, 4], "recency_days": [9, 58, 1, 2], "frequency": [2, 1, 1, 9],
    ...                       "monetary": [60.0, 90.0, 50.0, 200.0]})
    >>> changed_segment(score(table, "mean_split"), score(table, "median_split")).value
    0.5
    """
    both = _matched(one, other)
    if both[["segment_before", "segment_after"]].isna().any(axis=None):
        raise ValueError("the tables hold different customers: score the same table by two methods, see `score`")
    if both.empty:
        return _nobody()
    changed = int((both["segment_before"].astype(object) != both["segment_after"].astype(object)).sum())
    first, second = (table.attrs.get("method", "unknown") for table in (one, other))
    definition = Words(
        f"同一批客户，分层方法由 {first} 换成 {second}，客户分层名称改变的占比。",
        f"Share of the same customers whose segment changes when the method changes from {first} to {second}.",
    )
    return Estimate.exact(changed / len(both), len(both), "share", definition, changed_segment)


def method_change(table: pd.DataFrame, cut_offs: dict[str, float] | None = None) -> pd.DataFrame:
    """How many customers change segment when the method changes.

    table (one customer)  ->  comparison (pair of methods)

    Parameters
    ----------
    table : DataFrame
        From `rfm`, by whatever method: it is scored anew by each.
    cut_offs : dict, optional
        For "fixed", see `score`; without them that method is left out.

    Returns
    -------
    DataFrame, one row per pair of methods: method, other_method, customers, changed, changed_share. Counted, so without
    intervals; the share is blank when the table is empty.

    Example
    -------
    >>> table = pd.DataFrame({"customer_id": [1, 2, 3, 4], "recency_days": [9, 58, 1, 2], "frequency": [2, 1, 1, 9],
    ...                       "monetary": [60.0, 90.0, 50.0, 200.0]})
    >>> method_change(table)
             method  other_method  customers  changed  changed_share
    0    mean_split  median_split          4        2            0.5
    1    mean_split     quintiles          4        2            0.5
    2  median_split     quintiles          4        0            0.0
    """
    methods = METHODS if cut_offs is not None else METHODS[:-1]
    named = {m: score(table, m, cut_offs if m == "fixed" else None)["segment"].cat.codes.to_numpy() for m in methods}
    rows = [
        (one, other, len(table), int((named[one] != named[other]).sum()))
        for one, other in itertools.combinations(methods, 2)
    ]
    made = pd.DataFrame(rows, columns=["method", "other_method", "customers", "changed"])
    return made.assign(changed_share=made["changed"] / made["customers"].where(made["customers"] > 0))


# --- scores ---


def _is_high(values: np.ndarray, bound: float, name: str, method: str) -> np.ndarray:
    """Which values are high; a short recency is high. Rounding error is a tie, never a reason to be above."""
    slack = TIE * abs(bound)
    if name == "recency_days":
        return values <= bound + slack
    return values >= bound - slack if method == "fixed" else values > bound + slack


def _fifths(values: np.ndarray, largest_first: bool) -> np.ndarray:
    """1 to 5 points by mid-rank, in whole numbers: twice the rank over twice the customers, up to the next fifth."""
    _, place, count = np.unique(-values if largest_first else values, return_inverse=True, return_counts=True)
    twice_rank = 2 * (np.cumsum(count) - count) + count + 1
    return (-(-5 * twice_rank // (2 * max(1, len(values)))))[place].astype("int64")


def _least_high(values: np.ndarray, high: np.ndarray, name: str) -> float:
    if not high.any():
        return math.nan
    return float(values[high].max() if name == "recency_days" else values[high].min())


def _mean(values: np.ndarray) -> float:
    """Mean that does not depend on the order of the values."""
    return math.fsum(values) / len(values) if len(values) else math.nan


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _spent(table: pd.DataFrame) -> pd.Series:
    """What each customer spent in all, in 1/10000 of the currency."""
    total = table["monetary"] * table["frequency"] if table.attrs.get("monetary") == "mean" else table["monetary"]
    return (total * order_log.MONEY_SCALE).round().astype("int64")


# --- checks and words ---


def _check_cut_offs(method: str, cut_offs: dict[str, float] | None) -> None:
    if method != "fixed":
        if cut_offs is not None:
            raise ValueError(
                f"cut_offs belong to method 'fixed', not to {method!r}: leave them out, or change the method"
            )
        return
    missing = [name for name in CUT_OFFS if name not in (cut_offs or {})]
    if missing:
        raise ValueError(f"method 'fixed' needs cut_offs for {', '.join(missing)}")
    for name, value in cut_offs.items():
        order_log.one_of("cut_offs", name, CUT_OFFS)
        if not math.isfinite(value):
            raise ValueError(f"cut_offs: {name} must be a number; got {value!r}")


def _first_day(window_days: int | None, until: int, observed_from: order_log.DateLike | None) -> int | None:
    """First day of the window, or None when there is no window."""
    if window_days is None:
        return None
    order_log.at_least_one("window_days", window_days)
    first = until - int(window_days) + 1
    if observed_from is not None and first < (begins := order_log.day_number(observed_from, "observed_from")):
        watched = until - begins + 1
        raise ValueError(f"window_days is {window_days}, but the orders cover {watched} days up to observed_until")
    return first


def _check_alike(before: pd.DataFrame, after: pd.DataFrame) -> None:
    fixed = ["cut_offs"] if before.attrs.get("method") == "fixed" else []  # other methods find theirs at each date
    for name in ["method", "refunds", "monetary", "window_days", *fixed]:
        if before.attrs.get(name) != after.attrs.get(name):
            was, now = before.attrs.get(name), after.attrs.get(name)
            raise ValueError(f"the tables differ in {name} ({was!r} and {now!r}): make both alike")
    dates = before.attrs.get("observed_until"), after.attrs.get("observed_until")
    if None not in dates and dates[0] > dates[1]:
        raise ValueError(f"before ends on {dates[0]}, after on {dates[1]}: put the earlier table first")


def _matched(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Both segments of every customer of either table."""
    for table in (before, after):
        order_log.has_columns(list(table.columns), ["customer_id", "segment"])
        if table["customer_id"].duplicated().any():
            raise ValueError("a customer occurs twice in a table: give one row a customer")
    columns = ["customer_id", "segment"]
    return before[columns].merge(after[columns], on="customer_id", how="outer", suffixes=("_before", "_after"))


def _nobody() -> Refused:
    return Refused(
        "customers", 0, 1, "没有有订单的客户，无法分层。", "There is no customer with an order to put in a segment."
    )


def _rule_words(table: pd.DataFrame, chosen: list[str]) -> tuple[str, str]:
    """Which customers are meant and how the segments were made, in Chinese and in English."""
    how = {
        "mean_split": ("以全部客户的均值划分高低", "high and low divided at the mean of the customers"),
        "median_split": ("以全部客户的中位数划分高低", "high and low divided at the median of the customers"),
        "quintiles": ("按五分位打 1 到 5 分，4 分及以上为高", "1 to 5 points by quintile, 4 and above high"),
        "fixed": ("按固定门槛划分高低", "high and low divided at fixed cut-offs"),
    }.get(table.attrs.get("method"), ("分层方法同原表", "segments as in the table"))
    refunds = order_log.REFUND_WORDS[table.attrs.get("refunds", "unsaid")]
    names = [SEGMENTS[segment] for segment in chosen]
    zh = f"{'、'.join(n.zh for n in names)}，RFM {how[0]}；同一天的订单算一次购买；{refunds.zh}。"
    en = f"{' and '.join(n.en for n in names)}: RFM, {how[1]}; orders of one day are one purchase; {refunds.en}."
    return zh, en
