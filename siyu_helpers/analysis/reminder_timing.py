"""Reminder timing: on which day after an order a customer is most likely to order again, and when silence is unusual.

Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files and draws nothing; the orders are counted by their engine,
see `order_log`. `hazard` and `reminder_days` read a curve of `repurchase_cycle.time_to_next_order`, which holds the
counts by day that they need.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

REQUIRES = order_log.REQUIRES

HAZARD_COLUMNS = [
    *("group", "from_day", "to_day", "at_risk", "events", "customer_days", "hazard", "hazard_low", "hazard_high"),
]
DORMANCY_COLUMNS = [
    *("customer_id", "orders", "last_order", "days_since", "typical_gap_days", "threshold_days", "dormant"),
]

RETURNS_AT_LEAST = 100  # orders again; with fewer, neither the peak nor a threshold holds still
STILL_WATCHED = 0.05  # share of the customers of day 0 who must still be at risk for a day to count as the peak
OBSERVED_AT_MOST = 0.5  # of the days observed; a threshold beyond is set by the end of the file, not by the customers
LEVEL_FROM = 20  # gaps at risk down to which the curve of gaps is followed to the level of those who never return
RESAMPLES = 999

#: Customers are compared with those who have as many gaps behind them: none, 1, 2, 3 to 4, 5 to 8, 9 and more.
GAPS_FROM = (0, 1, 2, 3, 5, 9)
WEIGHTS = (0.5, 1, 2, 4, 8, 16)  # how many gaps of their own the population's typical gap may count for


class ReminderDays(NamedTuple):
    """When the daily chance to order again peaks, and the days by which half and most of those who return have."""

    peak: Estimate | Refused
    half: Estimate | Refused
    late: Estimate | Refused


def hazard(curve: pd.DataFrame, width_days: int = 7, level: float = LEVEL) -> pd.DataFrame:
    """Chance per day that a customer who has not yet ordered again does so, by days since the order.

    curve (group x day)  ->  table (group x interval of days)

    Parameters
    ----------
    curve : DataFrame
        From `repurchase_cycle.time_to_next_order`.
    width_days : int
        Days an interval holds. 7, or a multiple, keeps the days of the week apart from the cycle.
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame, sorted by group and from_day, up to the last day anybody was watched
        group : as in the curve.
        from_day, to_day : days since the order, both included; the first interval begins with day 1.
        at_risk : customers who had not ordered again before from_day and were still watched.
        events : of them, those who ordered again in the interval.
        customer_days : days that they were watched in it without having ordered again before.
        hazard, hazard_low, hazard_high : events / customer_days, a chance per day. The interval is the exact one of a
            Poisson count, which covers at least as often as it says. Blank (NaN) where nobody was watched.
    A falling hazard does not mean that a customer tires: the keen return first, and the others are left.

    Notes
    -----
    Garwood (1936), Biometrika 28, 437-442.

    Example
    -------
    >>> from siyu_helpers.analysis.repurchase_cycle import time_to_next_order
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2, 3], "amount": 9.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-01-20", "2024-01-29"])
    >>> curve = time_to_next_order(orders, "2024-01-31")
    >>> hazard(curve)[["from_day", "to_day", "at_risk", "events", "customer_days", "hazard"]].round(3)
       from_day  to_day  at_risk  events  customer_days  hazard
    0         1       7        3       0             16   0.000
    1         8      14        2       1              7   0.143
    """
    order_log.at_least_one("width_days", width_days)
    check_level(level)
    parts = []
    for group, part in curve.groupby("group"):
        at_risk, events = _by_day(part)
        starts = np.arange(1, len(at_risk), width_days)
        if not len(starts):
            continue
        counts = {name: np.add.reduceat(daily, starts) for name, daily in (("events", events), ("days", at_risk))}
        table = pd.DataFrame({"group": group, "from_day": starts, "to_day": starts + width_days - 1})
        parts.append(table.assign(at_risk=at_risk[starts], events=counts["events"], customer_days=counts["days"]))
    empty = pd.DataFrame(columns=HAZARD_COLUMNS[:6])
    table = pd.concat(parts, ignore_index=True) if parts else empty
    table = table.astype({"group": "str"} | dict.fromkeys(HAZARD_COLUMNS[1:6], "int64"))
    happened, watched = table["events"].to_numpy(), table["customer_days"].to_numpy(dtype=float)
    low = np.where(happened > 0, stats.chi2.ppf((1 - level) / 2, 2 * np.maximum(happened, 1)) / 2, 0.0)
    high = stats.chi2.ppf((1 + level) / 2, 2 * happened + 2) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, count in (("hazard", happened), ("hazard_low", low), ("hazard_high", high)):
            table[name] = np.where(watched > 0, count / watched, np.nan)
    return table[HAZARD_COLUMNS]


def reminder_days(
    curve: pd.DataFrame,
    horizon_days: int = 365,
    share: float = 0.8,
    smooth_days: int = 14,
    group: str = "all",
    level: float = LEVEL,
    seed: int = 1,
) -> ReminderDays:
    """The day to remind (the daily chance to order peaks), and the days by which half and most who return have done so.

    curve (group x day)  ->  three numbers

    Parameters
    ----------
    curve : DataFrame
        From `repurchase_cycle.time_to_next_order`.
    horizon_days : int
        Coming back means ordering again up to and including this many days after the order.
    share : float
        Of those who come back within the horizon, how many are to have come by the late day.
    smooth_days : int
        The chance of a day is averaged over this many days before and after it, the nearer the more they weigh. A
        multiple of 7 takes out the days of the week.
    group : str
        Which of the curve's groups.
    level, seed
        Of the intervals, from resampling customers (percentiles of 999).

    Returns
    -------
    ReminderDays
        peak : Estimate in days: the day from 1 to the horizon on which the smoothed chance per day, among those who
            have not ordered again yet, is highest; days on which fewer than 5% of the customers are still watched do
            not count. Refused when it is highest on day 1 and only falls, or when its interval spans more than half of
            the horizon: then no day stands out.
        half, late : Estimates in days: the first day by which half, and `share`, of those who come back within the
            horizon (Kaplan-Meier) have come back. Where no peak stands out, half is the day to remind those still
            silent: the more eager half is back unasked. After late, a message is to win back, not to remind.
    All Refused when fewer than 100 have ordered again within the horizon; half and late also when nobody was watched
    that long.

    Raises
    ------
    ValueError
        When a parameter is out of its values, or the group is not in the curve.

    Notes
    -----
    Ratio of smoothed events to smoothed customers at risk (Ramlau-Hansen 1983, Annals of Statistics 11, 453-466, with a
    triangle as the kernel, cut at day 1). The peak is that of the smoothed chance: a spike of a day or two is spread.
    What the log shows holds for the reminders that were being sent: whether one more order comes of it needs a holdout.

    Example
    -------
    Of 300 customers 200 return, most of them around day 30, and the others have not:

    >>> from siyu_helpers.analysis.repurchase_cycle import time_to_next_order
    >>> first = pd.Timestamp("2024-01-01")
    >>> gap = 30 + np.tile([-9, -6, -4, -2, -1, 0, 1, 2, 4, 15], 20)
    >>> orders = pd.DataFrame({"customer_id": [*range(300), *range(200)], "amount": 9.0})
    >>> orders["ordered_at"] = [first] * 300 + [first + pd.Timedelta(days=days) for days in gap]
    >>> days = reminder_days(time_to_next_order(orders, "2024-12-31"), horizon_days=180)
    >>> days.peak.value, days.half.value, days.late.value
    (32.0, 29.0, 32.0)
    """
    order_log.at_least_one("horizon_days", horizon_days)
    order_log.at_least_one("smooth_days", smooth_days)
    check_level(level)
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, such as 0.8; got {share!r}")
    part = curve[curve["group"] == group]
    if part.empty and len(curve):
        raise ValueError(f"the curve has no group {group!r}; it has {', '.join(map(repr, curve['group'].unique()))}")
    returned = int(part.loc[part["days"].between(1, horizon_days), "events"].sum())
    if returned < RETURNS_AT_LEAST:
        return ReminderDays(*[_too_few_returns(returned)] * 3)
    at_risk, events = _by_day(part)
    drawn_risk, drawn_events = _resampled(at_risk, events, horizon_days, seed)
    eligible = at_risk[1 : horizon_days + 1] >= max(1, STILL_WATCHED * at_risk[0])
    peaks = _peak(drawn_risk, drawn_events, eligible, smooth_days)
    watched, n, words = int(part["days"].iloc[-1]), int(at_risk[0]), _reminder_words(horizon_days, share, smooth_days)

    def days(drawn: np.ndarray, definition: Words) -> Estimate:
        return Estimate(*_percentiles(drawn, level), level, n, "days", definition, reminder_days)

    peak = days(peaks, words["peak"]) if peaks[0] > 1 else _only_falls()
    if isinstance(peak, Estimate) and peak.high - peak.low > horizon_days / 2:
        peak = _anywhere(peak)
    if watched < horizon_days:
        return ReminderDays(peak, *[_not_watched(watched, horizon_days)] * 2)
    half, late = (_back_by(drawn_risk, drawn_events, part_of_all) for part_of_all in (0.5, share))
    return ReminderDays(peak, days(half, words["half"]), days(late, words["late"]))


def dormancy_threshold(
    orders: Any, observed_until: order_log.DateLike, share: float = 0.9, dormant_after_days: int | None = None
) -> pd.DataFrame | Refused:
    """For each customer, after how many silent days silence is unusual, by the customer's own pace.

    orders (one paid order)  ->  table (customer)

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`. Orders of one day are one occasion; refunded orders count.
    share : float
        Of those who do order again, how many have done so by the threshold.
    dormant_after_days : int, optional
        One threshold for everybody instead, such as the brand's own (brand.yml).

    Returns
    -------
    DataFrame, one row per customer, sorted by customer_id
        customer_id : as in the orders.
        orders : days with an order.
        last_order : date of the last one.
        days_since : days from it to `observed_until`.
        typical_gap_days : the customer's mean gap between orders, drawn towards the typical gap of all customers, which
            weighs as much as `attrs["weight"]` gaps of the customer's own. With no gap yet it is the typical one.
        threshold_days : typical_gap_days times a factor that was read off the orders; never blank.
        dormant : True where days_since is above threshold_days.
    `attrs["definition"]` says this in words. Refused when fewer than 100 orders again were seen, or when the median
    customer's threshold is longer than half of the days since the first order of all; not so when
    `dormant_after_days` is given (typical_gap_days is then blank).

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, or a date that is none.

    Notes
    -----
    The factor is not derived from a model of the gaps: every gap so far, running ones included, is divided by the
    typical gap known when it began, a Kaplan-Meier curve is drawn of the ratios, and the factor is where it has come
    `share` of the way to where it levels off; those who never return make the level (Maller and Zhou 1996, Survival
    Analysis with Long-Term Survivors, chapter 3). So regular and clumpy customers are both served, whatever the law of
    their gaps. It is read off separately for customers with 0, 1, 2, 3 to 4, 5 to 8 and more gaps behind them (classes
    of fewer than 100 returns join the one before). A file that is short against the gaps makes thresholds too short: in
    simulations by up to two fifths where they came to more than half of its days, hence the refusal there.

    Example
    -------
    Everybody orders every 30 days, give or take; the last customer was last seen in spring:

    >>> days = [(c, 30 * k + (7 * c + 11 * k) % 9) for c in range(60) for k in range(3 if c == 59 else 12)]
    >>> orders = pd.DataFrame(days, columns=["customer_id", "day"]).assign(amount=9.0)
    >>> orders["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(orders["day"], "D")
    >>> table = dormancy_threshold(orders, "2024-12-10")
    >>> table.loc[table["dormant"], ["customer_id", "orders", "days_since"]]
        customer_id  orders  days_since
    59           59       3         281
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, such as 0.9; got {share!r}")
    until = order_log.day_number(observed_until, "observed_until")
    gaps = _gaps_with_history(orders, until)
    customers = gaps.filter(nw.col("ordered") == 0).select("customer_id", "before", "spent", "gap")
    table = customers.collect("pandas").to_native()
    table = table.astype(dict.fromkeys(("before", "spent", "gap"), "int64"))
    if dormant_after_days is not None:
        order_log.at_least_one("dormant_after_days", dormant_after_days)
        table["typical_gap_days"], table["threshold_days"] = np.nan, float(dormant_after_days)
        facts: dict[str, Any] = {"definition": _fixed_words(dormant_after_days)}
    else:
        counted = gaps.group_by("before", "spent", "gap", "ordered").agg(nw.len().alias("times"))
        counts = order_log.collected(counted).sort_values(["before", "spent", "gap", "ordered"], ignore_index=True)
        returned = int(counts.loc[counts["ordered"] == 1, "times"].sum())
        if returned < RETURNS_AT_LEAST:
            return _too_few_returns(returned)
        facts = _calibrated(counts, share)
        before = table["before"].to_numpy()
        table["typical_gap_days"] = _typical(
            before, table["spent"].to_numpy(), facts["typical_gap_days"], facts["weight"]
        )
        table["threshold_days"] = table["typical_gap_days"] * _factor_of(before, facts["factors"])
        observed = int((table["spent"] + table["gap"]).max()) + 1  # since the first order of all
        middle = float(table["threshold_days"].median())
        if middle > OBSERVED_AT_MOST * observed:
            return _too_short_a_file(middle, observed)
    day = pd.to_datetime(until - table["gap"], unit="D").astype("datetime64[s]")
    table = table.assign(orders=table["before"] + 1, last_order=day, days_since=table["gap"])
    table["dormant"] = table["days_since"] > table["threshold_days"]
    table = table[DORMANCY_COLUMNS].sort_values("customer_id", ignore_index=True)
    table.attrs = {"share": share} | facts
    return table


def lines_by_orders(thresholds: pd.DataFrame, most: int = 4) -> pd.DataFrame:
    """Show the personal lines of dormancy: how long, and how many are beyond, by purchases so far.

    table (customer)  ->  table (purchases so far: "1", "2", ..., "4+")

    Parameters
    ----------
    thresholds : DataFrame
        From `dormancy_threshold`.
    most : int
        Customers with this many purchases or more are one class.

    Returns
    -------
    DataFrame
        orders : class. customers : in it. threshold_days : median of their lines. dormant_share : share beyond theirs.

    Example
    -------
    >>> table = pd.DataFrame({"orders": [1, 1, 5], "threshold_days": [90, 90, 30.0], "dormant": [True, False, True]})
    >>> lines_by_orders(table)
      orders  customers  threshold_days  dormant_share
    0      1          2            90.0            0.5
    1     4+          1            30.0            1.0
    """
    kinds = thresholds["orders"].clip(upper=most)
    table = thresholds.groupby(kinds).agg(
        customers=("orders", "size"), threshold_days=("threshold_days", "median"), dormant_share=("dormant", "mean")
    )
    table.index = pd.Index([f"{n}+" if n == most else str(n) for n in table.index], name="orders", dtype="str")
    return table.reset_index()


# --- the peak and the late day ---


def _by_day(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """One group of a curve -> customers at risk and events on every day from 0 to the last with a row."""
    days = part["days"].to_numpy()
    events = np.zeros(days[-1] + 1, dtype="int64")
    events[days] = part["events"]
    at_risk = part["at_risk"].to_numpy()[np.searchsorted(days, np.arange(days[-1] + 1))]  # those who leave later
    return at_risk, events


def _resampled(at_risk: np.ndarray, events: np.ndarray, horizon: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At risk and events on days 1 to the horizon: first as they are, then for resampled customers, one row each.

    Each customer counts a Poisson number of times with mean 1: the bootstrap without its fixed total, which a ratio of
    counts does not need.
    """
    rng = np.random.default_rng(seed)
    leaving = at_risk - np.append(at_risk[1:], 0)
    days = min(horizon, len(at_risk) - 1)
    came, went = events[1 : days + 1], (leaving - events)[1 : days + 1]
    later = leaving[days + 1 :].sum()
    drawn = [np.vstack([one, rng.poisson(one, (RESAMPLES, len(one)))]) for one in (came, went, np.array([later]))]
    left = drawn[0] + drawn[1]
    still = left[:, ::-1].cumsum(axis=1)[:, ::-1] + drawn[2]
    missing = horizon - days
    return np.pad(still, ((0, 0), (0, missing))), np.pad(drawn[0], ((0, 0), (0, missing)))


def _peak(at_risk: np.ndarray, events: np.ndarray, eligible: np.ndarray, smooth_days: int) -> np.ndarray:
    """Day on which the smoothed hazard is highest, one for each row."""
    apart = np.abs(np.subtract.outer(np.arange(at_risk.shape[1]), np.arange(at_risk.shape[1])))
    kernel = np.maximum(smooth_days - apart, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        smooth = np.nan_to_num((events @ kernel) / (at_risk @ kernel))
    reach = np.zeros(at_risk.shape[1], dtype=bool)
    reach[: len(eligible)] = eligible
    return np.where(reach, smooth, -1.0).argmax(axis=1) + 1


def _back_by(at_risk: np.ndarray, events: np.ndarray, share: float) -> np.ndarray:
    """First day by which the share of those back within the horizon have come back, one for each row."""
    back = 1 - np.cumprod(1 - events / np.maximum(at_risk, 1), axis=1)
    return (back >= share * back[:, -1:] - 1e-12).argmax(axis=1) + 1


def _percentiles(drawn: np.ndarray, level: float) -> tuple[float, float, float]:
    """The first as the value, and the ends between which the level's share of the others lies."""
    value, others = float(drawn[0]), drawn[1:]
    low, high = np.quantile(others, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return value, min(float(low), value), max(float(high), value)


# --- the threshold of dormancy ---


def _gaps_with_history(orders: Any, until: int) -> nw.LazyFrame:
    """Orders -> one row per customer and day with an order: before, spent, gap, ordered.

    before and spent are the number and the sum of the customer's gaps up to this day; gap is the one that begins with
    it, and ordered 0 where it is still running.
    """
    facts = order_log.paid_orders(orders, until, "month", "gross")
    days = facts.group_by("customer_id", "day").agg(nw.len().alias("orders")).with_columns(nw.lit(1).alias("one"))
    following = nw.col("day").shift(-1).over("customer_id", order_by="day")
    return days.with_columns(
        nw.col("one").cum_sum().over("customer_id", order_by="day").alias("number"),
        nw.col("day").min().over("customer_id").alias("first_day"),
        following.alias("following"),
    ).select(
        "customer_id",
        (nw.col("number") - 1).alias("before"),
        (nw.col("day") - nw.col("first_day")).alias("spent"),
        (nw.col("following").fill_null(until) - nw.col("day")).cast(nw.Int64).alias("gap"),
        (~nw.col("following").is_null()).cast(nw.Int64).alias("ordered"),
    )


def _calibrated(counts: pd.DataFrame, share: float) -> dict[str, Any]:
    """Counts of gaps -> typical gap of all, its weight, the factor of each class, and the definition."""
    before, spent, gap, times = (counts[name].to_numpy() for name in ("before", "spent", "gap", "times"))
    done = counts["ordered"].to_numpy() == 1
    early = done & (before == 0)
    typical = float(np.average(gap[early], weights=times[early])) if early.any() else float(np.average(gap[done]))
    known = done & (before > 0)
    weight = WEIGHTS[-1]
    if known.any():
        weight = min(
            WEIGHTS,
            key=lambda w: _scatter(
                np.log(gap[known] / _typical(before[known], spent[known], typical, w)), times[known]
            ),
        )
    ratio = gap / _typical(before, spent, typical, weight)
    returned = [int(times[done & (before >= start)].sum()) for start in GAPS_FROM]
    starts = [s for i, s in enumerate(GAPS_FROM) if i == 0 or _own_returns(returned, i) >= RETURNS_AT_LEAST]
    factors = {}
    for start, end in zip(starts, [*starts[1:], np.inf], strict=True):
        inside = (before >= start) & (before < end)
        factors[start] = _share_of_the_way(ratio[inside], done[inside], times[inside], share)
    definition = _threshold_words(share, typical, weight)
    return {"typical_gap_days": typical, "weight": weight, "factors": factors, "definition": definition}


def _own_returns(returned: list[int], i: int) -> int:
    """Returns of class i alone, from the returns of the classes from i on."""
    return returned[i] - (returned[i + 1] if i + 1 < len(returned) else 0)


def _typical(before: np.ndarray, spent: np.ndarray, typical: float, weight: float) -> np.ndarray:
    return (spent + weight * typical) / (before + weight)


def _scatter(values: np.ndarray, times: np.ndarray) -> float:
    mean = np.average(values, weights=times)
    return float(np.average((values - mean) ** 2, weights=times))


def _share_of_the_way(ratio: np.ndarray, done: np.ndarray, times: np.ndarray, share: float) -> float:
    """Ratio at which the Kaplan-Meier curve has come the share of the way from 1 to where it levels off."""
    order = np.lexsort((~done, ratio))  # at a tie those who order come before those who are last seen
    ratio, events, leaving = ratio[order], (done * times)[order], times[order]
    at_risk = leaving[::-1].cumsum()[::-1]
    seen = at_risk >= LEVEL_FROM  # the last few would take the curve down in leaps
    back = 1 - np.cumprod(1 - events[seen] / at_risk[seen])
    return float(ratio[(back >= share * back[-1] - 1e-12).argmax()])


def _factor_of(before: np.ndarray, factors: dict[int, float]) -> np.ndarray:
    starts = np.array(list(factors))
    return np.array(list(factors.values()))[np.searchsorted(starts, before, side="right") - 1]


# --- words ---


def _too_few_returns(returned: int) -> Refused:
    return Refused(
        "orders again",
        returned,
        RETURNS_AT_LEAST,
        f"只观察到 {returned} 次再次下单，少于 {RETURNS_AT_LEAST} 次，定不出日子。",
        f"Only {returned} orders again were observed; with fewer than {RETURNS_AT_LEAST} no day can be named.",
    )


def _too_short_a_file(threshold: float, observed: int) -> Refused:
    most = OBSERVED_AT_MOST * observed
    return Refused(
        "days observed",
        round(threshold),
        most,
        f"按客户节奏推算的沉睡线约 {threshold:.0f} 天，超过订单覆盖天数（{observed} 天）的一半："
        "订单覆盖的时间太短，定不出每位客户自己的沉睡线。",
        f"The orders suggest that customers are dormant after about {threshold:.0f} days, more than half of the "
        f"{observed} days they cover: too short to judge each customer by a pace of their own.",
    )


def _only_falls() -> Refused:
    return Refused(
        "a peak after day 1",
        1,
        2,
        "再次下单的可能性从下单次日起一路走低，没有回升的高峰：数据里看不出特别适合提醒的一天。",
        "The chance to order again is highest the day after the order and falls from there: no day stands out for a "
        "reminder.",
    )


def _anywhere(peak: Estimate) -> Refused:
    low, high = round(peak.low), round(peak.high)
    return Refused(
        "days the peak may be on",
        high - low,
        "half of the horizon",
        f"每天再次下单的可能性前后差别不大，最高的一天可能在第 {low} 至 {high} 天之间的任何时候：定不出提醒日。",
        f"The daily chance to order again hardly differs over time; its highest day could be anywhere from {low} to "
        f"{high}: no day for a reminder can be named.",
    )


def _not_watched(watched: int, days: int) -> Refused:
    return Refused(
        "days watched",
        watched,
        days,
        f"下单之后最多只观察了 {watched} 天，算不出 {days} 天内回来的快慢。",
        f"Customers have been observed for at most {watched} days after the order: how soon they return within {days} "
        "cannot be told.",
    )


def _reminder_words(horizon_days: int, share: float, smooth_days: int) -> dict[str, Words]:
    """Definitions of the two days."""
    return {
        "peak": Words(
            f"尚未再次下单的客户里，每天下单的可能性最高的是下单后第几天（只看第 1 至 {horizon_days} 天；"
            f"每天的可能性取前后 {smooth_days} 天的加权平均，越近权重越大）；误差范围由客户重抽样得出。"
            "提醒能否带来增量，要靠对照组来证明。",
            f"Day after the order, from 1 to {horizon_days}, on which the chance per day to order again is highest "
            f"among those who have not yet (averaged over {smooth_days} days before and after, the nearer the "
            "heavier); interval from resampling customers. Whether a reminder adds orders takes a holdout to show.",
        ),
        "half": _back_words(horizon_days, 0.5),
        "late": _back_words(horizon_days, share),
    }


def _back_words(horizon_days: int, share: float) -> Words:
    return Words(
        f"下单后 {horizon_days} 天内会再次下单的客户里，{share:.0%} 已经下单所需的天数（Kaplan-Meier 法）；"
        "误差范围由客户重抽样得出。",
        f"Days after the order by which {share:.0%} of those who order again within {horizon_days} days have done so "
        "(Kaplan-Meier); interval from resampling customers.",
    )


def _threshold_words(share: float, typical: float, weight: float) -> Words:
    """Definition of the personal threshold."""
    return Words(
        f"沉睡线：按客户自己的平均下单间隔推算，买得少、间隔还算不准的客户，部分参照全体首次复购的平均间隔"
        f" {typical:.0f} 天（相当于 {weight:g} 次间隔的权重）；会再次下单的客户里，{share:.0%} 在这条线之前已经下单。"
        "距上一单的天数超过这条线，记为沉睡。",
        "Threshold of dormancy: from the customer's own mean gap between orders, drawn towards the mean first gap of "
        f"all who returned ({typical:.0f} days, which weighs as {weight:g} gaps); {share:.0%} of those who order again "
        "have done so by then. Dormant: silent for longer.",
    )


def _fixed_words(days: int) -> Words:
    return Words(
        f"沉睡：距上一单超过 {days} 天（品牌设定，所有客户相同）。",
        f"Dormant: more than {days} days since the last order (set by the brand, the same for everybody).",
    )
