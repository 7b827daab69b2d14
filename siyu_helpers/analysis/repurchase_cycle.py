"""Repurchase cycle: how long customers take to order again.

Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files and draws nothing; the orders are counted by their engine,
see `order_log`, and what comes back is a small pandas frame.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, wilson

REQUIRES = order_log.REQUIRES

CURVE_COLUMNS = ["group", "days", "at_risk", "events", "not_yet_ordered", "low", "high"]


def time_to_next_order(
    orders: Any,
    observed_until: order_log.DateLike,
    after_order: int = 1,
    by: str | None = None,
    same_day: str = "collapse",
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
    min_customers: int = 0,
) -> pd.DataFrame:
    """Share of customers who have not ordered again, by days since their order number `after_order` (Kaplan-Meier).

    orders (one paid order)  ->  curve (group x day)

    Averages of the gaps that were seen are too short, since the long ones are still running. Here a customer who has
    not come back counts as "not yet" up to `observed_until`, and no further.

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Amounts play no part: a refunded order is an order.
    after_order : int, 1 or more
        1: from the first order to the second. Later gaps carry a small bias, because earlier gaps decide how long
        they can be watched: read them to the median.
    by : str, optional
        A column of orders; one curve for each of its values at the customer's first order in the file (of several at
        the same moment the alphabetically first; "unknown" where blank).
    same_day : "collapse" or "keep"
        collapse: the orders of one day are one occasion. keep: each counts, 0 days apart.
    level : float
        Coverage of the intervals, point by point.
    min_customers : int
        Groups with fewer customers at day 0 are taken together as "other".

    Returns
    -------
    DataFrame, sorted by group and days; in each group a row for day 0 and for every day on which somebody ordered
    again or was last seen. Between rows the share stays; after the last row nothing is known.
        group : value of `by`, or "all".
        days : since order number `after_order`.
        at_risk : customers who had not ordered again before this day and were still watched.
        events : of them, those who ordered again on this day.
        not_yet_ordered, low, high : the share, 0 to 1, with its interval. It has no width before the first event
            (1, 1) and once all have ordered (0, 0): `repurchased_within` gives a fair one there.
    Empty when no customer has reached order number `after_order`.

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, or a date that is none.

    Notes
    -----
    Kaplan and Meier (1958); Greenwood's variance and the log(-log) interval (Kalbfleisch and Prentice 2002, section
    1.4), as in `lifelines.KaplanMeierFitter`. Computed from the counts by day, because statsmodels' `SurvfuncRight`
    with frequency weights changes to another variance formula and does not scale it.

    Example
    -------
    Ana returns after 10 days; Ben is watched for 41 days and Cy for 19, and neither has returned:

    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [10.0, 20.0, 5.0, 8.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-01-20", "2024-02-10"])
    >>> time_to_next_order(orders, "2024-02-29").drop(columns=["low", "high"]).round(3)
      group  days  at_risk  events  not_yet_ordered
    0   all     0        3       0            1.000
    1   all    10        3       1            0.667
    2   all    19        2       0            0.667
    3   all    40        1       0            0.667
    """
    order_log.one_of("same_day", same_day, ("collapse", "keep"))
    order_log.at_least_one("after_order", after_order)
    check_level(level)
    until = order_log.day_number(observed_until, "observed_until")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    facts = order_log.without_old(order_log.paid_orders(orders, until, "month", "gross", by), first_order_at, since)
    gaps = _gaps(facts, after_order, same_day, until, since)
    if by is not None:
        gaps = gaps.join(order_log.group_at_first_order(facts), on="customer_id", how="inner")
    else:
        gaps = gaps.with_columns(nw.lit("all").alias("group"))
    counts = order_log.collected(gaps.group_by("group", "days").agg(nw.len().alias("leaving"), nw.col("ordered").sum()))
    counts = _with_others(counts, min_customers)
    curves = [_kaplan_meier(part, level).assign(group=group) for group, part in counts.groupby("group")]
    kinds = {"group": "str"} | dict.fromkeys(CURVE_COLUMNS[1:4], "int64") | dict.fromkeys(CURVE_COLUMNS[4:], "float64")
    curve = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=CURVE_COLUMNS)
    curve = curve[CURVE_COLUMNS].astype(kinds)
    curve.attrs = {"after_order": after_order, "same_day": same_day, "level": level}
    return curve


def repurchased_within(curve: pd.DataFrame, days: int, group: str = "all") -> Estimate | Refused:
    """Share of customers who have ordered again within a number of days, those still watched allowed for.

    Parameters
    ----------
    curve : DataFrame
        From `time_to_next_order`, as it is or filtered to groups. Its `attrs` carry the level and what the definition
        says; a file or a merge loses them: the level is then taken to be 0.90, and the definition is general.
    days : int
        The order may come up to and including this many days after.
    group : str
        Which of the curve's groups.

    Returns
    -------
    Estimate with unit "share", n the customers at day 0; or Refused when the curve was not watched that long. Where
    the curve is still 1 or already 0, its own interval has no width, and the Wilson interval of those still at risk
    on the last day with a row stands in.

    Raises
    ------
    ValueError
        When the group is not in the curve.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2, 3], "amount": 9.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-01-20", "2024-02-10"])
    >>> curve = time_to_next_order(orders, "2024-02-29")
    >>> round(repurchased_within(curve, 30).value, 3)
    0.333
    >>> repurchased_within(curve, 90).reason_en
    'Customers have been observed for at most 40 days after the order, and 90 days are asked for.'
    """
    part, facts = _one_curve(curve, group)
    if part.empty:
        return _nobody_to_watch()
    watched = int(part["days"].iloc[-1])
    if days > watched and part["not_yet_ordered"].iloc[-1] > 0:
        return _not_watched(watched, days)
    row = part[part["days"] <= days].iloc[-1]
    low, high = 1 - row["high"], 1 - row["low"]
    if row["not_yet_ordered"] in (0, 1):
        still = int(row["at_risk"])
        low, high = wilson(0 if row["not_yet_ordered"] == 1 else still, still, facts["level"])
    zh, en = _occasion_words(facts)
    definition = Words(
        f"{zh['start']}之后 {days} 天内（含第 {days} 天）再次下单的客户占比；分母是下过{zh['start']}的全部客户，"
        f"观察不满 {days} 天的按 Kaplan-Meier 法处理，不当作流失；{zh['same_day']}；退款订单也算下单。",
        f"Share of customers who order again within {days} days of {en['start']} (day {days} included); all customers "
        f"with {en['start']} count, those observed for less than {days} days only as long as they were "
        f"(Kaplan-Meier); {en['same_day']}; refunded orders count.",
    )
    n = int(part["at_risk"].iloc[0])
    return Estimate(1 - row["not_yet_ordered"], low, high, facts["level"], n, "share", definition, repurchased_within)


def median_days(curve: pd.DataFrame, share: float = 0.5, group: str = "all") -> Estimate | Refused:
    """Days until half of the customers (or another share of them) have ordered again.

    Parameters
    ----------
    curve : DataFrame
        From `time_to_next_order`; see `repurchased_within`.
    share : float
        0.5 for the median, 0.25 for the first quarter of the customers to return, ...
    group : str
        Which of the curve's groups.

    Returns
    -------
    Estimate with unit "days"; its upper end is infinite when the interval of the curve has not come down that far. Or
    Refused when the share itself has not been reached: there is no median to state, and it is not the mean of
    those who returned.

    Raises
    ------
    ValueError
        When the share is not between 0 and 1, or the group is not in the curve.

    Notes
    -----
    Brookmeyer and Crowley (1982), Biometrics 38, 29-41: the days at which the interval of the curve holds the share.
    Days are whole, so the interval covers a little more often than it claims.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2, 2, 3], "amount": 9.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-01-20", "2024-02-08", "2024-02-10"])
    >>> median_days(time_to_next_order(orders, "2024-02-29")).value
    19.0
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, such as 0.5; got {share!r}")
    part, facts = _one_curve(curve, group)
    value, low = (_first_day_at(part, column, 1 - share) for column in ("not_yet_ordered", "low"))
    high = _first_day_at(part[part["not_yet_ordered"] > 0], "high", 1 - share)  # at 0 the interval has no width
    zh, en = _occasion_words(facts)
    if np.isinf(value):
        if part.empty:
            return _nobody_to_watch()
        reached, watched = 1 - float(part["not_yet_ordered"].min()), int(part["days"].iloc[-1])
        return Refused(
            "share reached",
            reached,
            share,
            f"到{zh['start']}后第 {watched} 天，估计有 {reached:.1%} 的客户再次下单（Kaplan-Meier 法），"
            f"未到 {share:.0%}，算不出所需天数。",
            f"By day {watched} after {en['start']}, an estimated {reached:.1%} of customers have ordered again "
            f"(Kaplan-Meier); {share:.0%} is not reached, so no number of days can be given.",
        )
    definition = Words(
        f"从{zh['start']}算起，到 {share:.0%} 的客户再次下单所需的天数（Kaplan-Meier 估计，尚未复购的客户也计入）；"
        f"{zh['same_day']}；退款订单也算下单。",
        f"Days after {en['start']} until {share:.0%} of the customers have ordered again (Kaplan-Meier, those who have "
        f"not returned yet included); {en['same_day']}; refunded orders count.",
    )
    n = int(part["at_risk"].iloc[0])
    return Estimate(value, low, high, facts["level"], n, "days", definition, median_days)


class LogRank(NamedTuple):
    """Do groups differ in how soon they order again: the test, its p-value, and what it says."""

    statistic: float
    degrees_of_freedom: int
    p_value: float
    customers: int
    verdict: Words


CYCLE_SHARES = (0.25, 0.5, 0.75)
CYCLE_DAYS = (90, 180, 365)


def repurchase_cycle(
    orders: Any,
    observed_until: order_log.DateLike,
    orders_up_to: int = 4,
    by: str | None = None,
    min_customers: int = 0,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """How many customers go on from each order to the next, and after how many days (Kaplan-Meier by order number).

    orders (one paid order)  ->  table (group x step)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Orders of one day are one occasion; refunded orders count.
    orders_up_to : int, 2 or more
        4: the steps from the first order to the second, from the second to the third, from the third to the fourth.
    by, min_customers, level
        As in `time_to_next_order`.

    Returns
    -------
    DataFrame, sorted by group and step; a step that nobody has begun is absent
        group : value of `by`, or "all".
        after_order : 1 for the step from the first order to the second.
        customers, ordered : who began the step, and who has finished it so far.
        days_25, days_50, days_75, each with _low and _high : days until that share of them has ordered again. Blank
            (NaN) where the share is not reached; an upper end is infinite where the data do not bound it.
        within_90, within_180, within_365, each with _low and _high : share back by that many days, 0 to 1. Blank where
            nobody has been watched so long.
        reached : the share back by the last day anybody was watched: what a blank quantile falls short of.
        note_zh, note_en : which quantiles are not reached, in words; empty where all are.
    Later steps hold only customers who came that far, so they are not the same people; they carry a small bias,
    because earlier gaps decide how long they can be watched: read them to the median.

    Raises
    ------
    ValueError
        As `time_to_next_order`.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2, 2, 3], "amount": 9.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-01-20", "2024-02-08", "2024-02-10"])
    >>> cycle = repurchase_cycle(orders, "2024-02-29", orders_up_to=3)
    >>> cycle[["after_order", "customers", "ordered", "days_50", "note_en"]]
       after_order  customers  ordered  days_50                    note_en
    0            1          3        2     19.0            75% not reached
    1            2          2        0      NaN  25%, 50%, 75% not reached
    """
    if orders_up_to != int(orders_up_to) or orders_up_to < 2:
        raise ValueError(f"orders_up_to must be a whole number, 2 or more; got {orders_up_to!r}")
    rows = []
    for step in range(1, int(orders_up_to)):
        curve = time_to_next_order(
            orders, observed_until, step, by, level=level, observed_from=observed_from, history=history,
            burn_in_days=burn_in_days, first_order_at=first_order_at, min_customers=min_customers,
        )  # fmt: skip
        rows += [_step(curve, group, step) for group in curve["group"].unique()]
    ends = ("", "_low", "_high")
    numbers = [f"days_{share * 100:.0f}{end}" for share in CYCLE_SHARES for end in ends]
    numbers += [f"within_{days}{end}" for days in CYCLE_DAYS for end in ends] + ["reached"]
    kinds = {"group": "str"} | dict.fromkeys(("after_order", "customers", "ordered"), "int64")
    kinds |= dict.fromkeys(numbers, "float64") | dict.fromkeys(("note_zh", "note_en"), "str")
    table = pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
    return table.sort_values(["group", "after_order"], ignore_index=True)


def log_rank(curve: pd.DataFrame, level: float = LEVEL) -> LogRank | Refused:
    """Test of whether the groups of a curve order again at the same pace.

    curve (group x day)  ->  one test

    Parameters
    ----------
    curve : DataFrame
        From `time_to_next_order` with `by`, as it is or filtered to groups. Groups of fewer than some 20 customers:
        take them together there with `min_customers`.
    level : float
        The groups are called different when the p-value is below 1 - level.

    Returns
    -------
    LogRank: statistic (chi-square), degrees_of_freedom, p_value, customers at day 0 and a verdict in words. Refused
    when there are fewer than two groups, or nobody has ordered again.

    Notes
    -----
    Log-rank test of k samples with the hypergeometric variance (Mantel 1966; Kalbfleisch and Prentice 2002, section
    1.5), from the counts by day that the curve holds; equal to `statsmodels.duration.survfunc.survdiff`. A small
    p-value says that the groups differ, not why: who comes through a channel is not the channel's doing.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [*range(80), *range(30)], "amount": 9.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-01"] * 80 + ["2024-01-15"] * 30)
    >>> orders["sold_through"] = ["shop"] * 40 + ["app"] * 70
    >>> test = log_rank(time_to_next_order(orders, "2024-02-29", by="sold_through"))
    >>> round(test.statistic, 1), test.degrees_of_freedom, test.p_value < 0.001
    (47.4, 1, True)
    """
    check_level(level)
    events = curve.pivot(index="days", columns="group", values="events").fillna(0)
    at_risk = curve.pivot(index="days", columns="group", values="at_risk").bfill().fillna(0)  # leave on their own days
    groups, returned = events.shape[1], int(events.to_numpy().sum())
    if groups < 2 or not returned:
        return _nothing_to_compare(groups)
    risk, total, died = at_risk.to_numpy(), at_risk.sum(axis=1).to_numpy(), events.sum(axis=1).to_numpy()
    share = risk / total[:, None]
    difference = (events.to_numpy() - died[:, None] * share).sum(axis=0)
    spread = died * (total - died) / np.maximum(total - 1, 1)
    variance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    # One group less than there are; two less where one had left before the first event. Rounding must not count.
    statistic = float(difference @ np.linalg.pinv(variance, rcond=1e-9, hermitian=True) @ difference)
    freedom = int(np.linalg.matrix_rank(variance, tol=1e-9 * np.abs(variance).max(), hermitian=True))
    p_value = float(stats.chi2.sf(statistic, freedom)) if freedom else 1.0
    customers = int(curve.groupby("group")["at_risk"].first().sum())
    return LogRank(statistic, freedom, p_value, customers, _log_rank_words(p_value, groups, level))


def _step(curve: pd.DataFrame, group: str, step: int) -> list[Any]:
    """One row of the cycle table: counts, quantiles, shares, and which quantiles were not reached."""
    part = curve[curve["group"] == group]
    row = [group, step, int(part["at_risk"].iloc[0]), int(part["events"].sum())]
    missing = []
    for share in CYCLE_SHARES:
        days = median_days(curve, share, group)
        row += _ends(days)
        missing += [f"{share:.0%}"] if isinstance(days, Refused) else []
    for days in CYCLE_DAYS:
        row += _ends(repurchased_within(curve, days, group))
    row.append(1 - float(part["not_yet_ordered"].min()))
    notes = (f"{'、'.join(missing)} 尚未达到", f"{', '.join(missing)} not reached") if missing else ("", "")
    return [*row, *notes]


def _ends(number: Estimate | Refused) -> list[float]:
    return [np.nan] * 3 if isinstance(number, Refused) else [number.value, number.low, number.high]


def _nothing_to_compare(groups: int) -> Refused:
    if groups < 2:
        return Refused("groups", groups, 2, "只有一组客户，无从比较。", "There is only one group: nothing to compare.")
    return Refused(
        "orders again", 0, 1, "还没有客户再次下单，无从比较。", "Nobody has ordered again: nothing to compare."
    )


def _log_rank_words(p_value: float, groups: int, level: float) -> Words:
    """What the test says, in both languages."""
    p = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    if p_value < 1 - level:
        return Words(
            f"{groups} 组客户的复购快慢有差别（对数秩检验，{p}）；差别不等于渠道造成的效果。",
            f"The {groups} groups differ in how soon they order again (log-rank test, {p}); a difference is not an "
            "effect of the channel.",
        )
    return Words(
        f"看不出 {groups} 组客户的复购快慢有差别（对数秩检验，{p}）；没有查出差别，不等于没有差别。",
        f"No difference between the {groups} groups in how soon they order again can be seen (log-rank test, {p}); "
        "not seeing one does not mean there is none.",
    )


def _gaps(facts: nw.LazyFrame, after_order: int, same_day: str, until: int, since: int) -> nw.LazyFrame:
    """Facts -> one row a customer with order number `after_order`: days to the next one (or the end), ordered 0/1."""
    occasions = nw.col("orders") if same_day == "keep" else nw.lit(1)
    so_far = nw.col("occasions").cum_sum().over("customer_id", order_by="day")
    return (
        facts.group_by("customer_id", "day")
        .agg(nw.len().alias("orders"))
        .with_columns(occasions.alias("occasions"))
        .with_columns(so_far.alias("so_far"))
        .with_columns(
            nw.when(nw.col("so_far") >= after_order).then(nw.col("day")).alias("start"),
            nw.when(nw.col("so_far") > after_order).then(nw.col("day")).alias("next"),
        )
        .group_by("customer_id")
        .agg(nw.col("start").min(), nw.col("next").min(), nw.col("day").min().alias("first_day"))
        .filter(~nw.col("start").is_null(), nw.col("first_day") >= since)
        .select(
            "customer_id",
            (nw.col("next").fill_null(until) - nw.col("start")).cast(nw.Int64).alias("days"),
            (~nw.col("next").is_null()).cast(nw.Int64).alias("ordered"),
        )
    )


def _with_others(counts: pd.DataFrame, min_customers: int) -> pd.DataFrame:
    """Counts in which the groups with too few customers are one group, "other"."""
    small = counts.groupby("group")["leaving"].transform("sum") < min_customers
    if not small.any():
        return counts
    counts = counts.assign(group=counts["group"].mask(small, "other"))
    return counts.groupby(["group", "days"], as_index=False)[["leaving", "ordered"]].sum()


def _kaplan_meier(counts: pd.DataFrame, level: float) -> pd.DataFrame:
    """Customers leaving by day, and how many of them ordered -> the curve with its log(-log) interval."""
    curve = counts.set_index("days")[["leaving", "ordered"]]
    curve = curve.reindex(curve.index.union([0]), fill_value=0).rename(columns={"ordered": "events"})
    curve["at_risk"] = curve["leaving"][::-1].cumsum()[::-1]
    staying = curve["at_risk"] - curve["events"]
    survival = (staying / curve["at_risk"]).cumprod()
    with np.errstate(divide="ignore", invalid="ignore"):  # where survival is 1 or 0 the interval has no width
        greenwood = (curve["events"] / (curve["at_risk"] * staying)).cumsum()
        spread = stats.norm.ppf((1 + level) / 2) * np.sqrt(greenwood) / np.log(survival)
        low, high = survival ** np.exp(-spread), survival ** np.exp(spread)
    inside = (survival > 0) & (survival < 1)
    curve = curve.assign(not_yet_ordered=survival, low=low.where(inside, survival), high=high.where(inside, survival))
    return curve.rename_axis("days").reset_index()


def _one_curve(curve: pd.DataFrame, group: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Rows of one group, and how the curve was made as far as it says so."""
    groups = list(curve["group"].unique())
    if groups and group not in groups:
        raise ValueError(f"the curve has no group {group!r}; it has {', '.join(map(repr, groups))}")
    return curve[curve["group"] == group], {"level": LEVEL, "after_order": None, "same_day": None} | curve.attrs


def _first_day_at(part: pd.DataFrame, column: str, level: float) -> float:
    """First day on which the column has come down to the level; infinite when it never has."""
    reached = part.loc[part[column] <= level + 1e-12, "days"]  # tolerance: 1 - 1/3 - 1/6 is a little above 0.5
    return float(reached.iloc[0]) if len(reached) else np.inf


def _nobody_to_watch() -> Refused:
    zh = "数据里还没有可以确认首单的客户，无从观察复购。"
    return Refused("customers", 0, 1, zh, "The data show no customer yet whose first order is known.")


def _not_watched(watched: int, days: int) -> Refused:
    return Refused(
        "days watched",
        watched,
        days,
        f"下单之后最多只观察了 {watched} 天，不足 {days} 天，给不出这一比例。",
        f"Customers have been observed for at most {watched} days after the order, and {days} days are asked for.",
    )


def _occasion_words(facts: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """How the starting order and orders of one day are named in a definition, in Chinese and in English."""
    start = {
        None: ("起始订单", "the starting order"),
        1: ("首单", "a first order"),
    }
    same_day = {
        None: ("同一天多笔订单的算法同原曲线", "orders of one day as in the curve"),
        "collapse": ("同一天的多笔订单算一次", "orders of one day count once"),
        "keep": ("同一天的多笔订单分别计算", "orders of one day count separately"),
    }
    number = facts["after_order"]
    starts = start.get(number, (f"第 {number} 单", f"order number {number}"))
    zh, en = ({"start": s, "same_day": d} for s, d in zip(starts, same_day[facts["same_day"]], strict=True))
    return zh, en
