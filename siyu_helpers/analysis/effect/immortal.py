"""Immortal time: the wait before joining, counted as time in the pool by reports that ask who ever joined.

Who joins must first have been a customer without the pool for a while. That time is theirs, but it is not time in the
pool. Here it is counted, and the ratio between joiners and the rest is shown with and without it.

Opens no files and draws nothing. Everything starts from `histories.Histories`; a customer is the unit of chance.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis.effect.histories import DAY, NEVER, Histories, window_sum
from siyu_helpers.analysis.effect.naive import CUSTOMERS_AT_LEAST, too_few
from siyu_helpers.analysis.effect.results import clustered_variance
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

GROUPS = {
    "never": Words("从未加入的客户", "never joined"),
    "before": Words("加入前的私域客户", "joiners, before joining"),
    "after": Words("加入后的私域客户", "joiners, after joining"),
}
IMMORTAL_KEYS = (
    *("ever_against_never", "split_at_joining", "time_before_joining"),
    *("second_order_ever", "second_order_split"),
)


def person_time(histories: Histories, level: float = LEVEL) -> pd.DataFrame:
    """Days watched and orders after the first, of never-joiners and of joiners before and after joining.

    Histories  ->  table (group), three rows: never, before, after

    Parameters
    ----------
    histories : Histories
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        group, zh, en. customers : with any time in the group; a joiner counts in before and in after. person_days :
        from the first order to the end of the data, split at joining. orders : after the first. per_100_days (_low,
        _high) : orders per 100 customer-days, customers as clusters; blank (NaN) where there is no time.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 1, 2], "amount": 9.0,
    ...                     "ordered_at": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-01-01"])})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": pd.to_datetime(["2024-01-21"])})
    >>> from siyu_helpers.analysis.effect.histories import read_histories
    >>> person_time(read_histories(log, stays, "2024-04-09"))[["group", "person_days", "orders", "per_100_days"]]
        group  person_days  orders  per_100_days
    0   never        100.0       0          0.00
    1  before         20.0       0          0.00
    2   after         80.0       1          1.25
    """
    reach = stats.norm.ppf((1 + check_level(level)) / 2)
    days, orders = _person_time(histories)
    rows = []
    for group, words in GROUPS.items():
        time, count = days[group].sum(), orders[group].sum()
        rate = count / time if time > 0 else math.nan
        many = np.count_nonzero(days[group])
        error = math.sqrt(clustered_variance((orders[group] - rate * days[group]) / time)) if many > 1 else math.nan
        rows.append((group, *words, many, float(time), int(count), 100 * rate, 100 * (rate - reach * error),
                     100 * (rate + reach * error)))  # fmt: skip
    names = ["group", "zh", "en", "customers", "person_days", "orders"]
    return pd.DataFrame(rows, columns=[*names, "per_100_days", "per_100_days_low", "per_100_days_high"])


def immortal_time(histories: Histories, level: float = LEVEL) -> dict[str, Estimate | Refused]:
    """How often joiners come back against the rest, with and without counting the wait before joining as member time.

    Histories  ->  dict of Estimate, or Refused

    Who joins must first have waited, as a customer, until joining. To count that time as time in the pool is immortal
    time bias; to split it at joining removes that bias and leaves self-selection. The two often point in opposite
    directions, so that correcting one alone misleads.

    Parameters
    ----------
    histories : Histories
    level : float
        Coverage of the intervals.

    Returns
    -------
    dict
        ever_against_never : ratio of orders per customer-day after the first order, customers who ever joined (all
        their time) against those who never did. split_at_joining : time in the pool against all other time.
        time_before_joining : share of the joiners' time that lies before joining. second_order_ever : hazard ratio of
        the second order, those who joined before it (from the first order on) against the rest: who waits longer has
        more time to join, so that it comes out low. second_order_split : the same with each day counted as what it was.
        All ratios "times". Refused with fewer than 30 customers on a side, or without orders on one.

    Notes
    -----
    Rate ratios: linearised with customers as clusters, on the log scale. Hazard ratios: Mantel-Haenszel over days since
    the first order (Greenland and Robins 1985, Biometrics 41, 55-68), linearised likewise. Immortal time: Suissa
    (2008), American Journal of Epidemiology 167, 492-499.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": range(40), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-01")})
    >>> again = log.assign(ordered_at=pd.Timestamp("2024-04-01"))
    >>> stays = pd.DataFrame({"customer_id": range(0, 40, 2), "joined_at": pd.Timestamp("2024-02-01")})
    >>> from siyu_helpers.analysis.effect.histories import read_histories
    >>> immortal_time(read_histories(pd.concat([log, again]), stays, "2024-06-30"))["ever_against_never"].seen
    20
    """
    check_level(level)
    ever = histories.joined < histories.end
    few = min(int(ever.sum()), int((~ever).sum()))
    if few < CUSTOMERS_AT_LEAST:
        return dict.fromkeys(IMMORTAL_KEYS, too_few(few))
    days, orders = _person_time(histories)
    member = (days["after"], orders["after"])
    joiner = tuple(part["before"] + part["after"] for part in (days, orders))
    never = (days["never"], orders["never"])
    outside = tuple(part["never"] + part["before"] for part in (days, orders))
    words = _immortal_words()
    return {
        "ever_against_never": _rate_ratio(joiner, never, words["ever_against_never"], level),
        "split_at_joining": _rate_ratio(member, outside, words["split_at_joining"], level),
        "time_before_joining": _time_share(days["before"], joiner[0], words["time_before_joining"], level),
        "second_order_ever": _second_order(histories, False, words["second_order_ever"], level),
        "second_order_split": _second_order(histories, True, words["second_order_split"], level),
    }


# --- person-time ---


def _person_time(histories: Histories) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Days and orders after the first, of each customer in each of the three groups."""
    who = np.arange(len(histories.customers))
    ever = histories.joined < histories.end
    first = histories.first_order
    split = np.where(ever, np.clip(histories.joined, first, histories.end), histories.end)
    end = np.full(len(who), histories.end)
    # The first order begins the time and is no return; a joining at its very moment puts it into the time after.
    outside = window_sum(histories, "orders", who, first, split) - (split > first)
    inside = window_sum(histories, "orders", who, split, end) - (split <= first)
    outside_days, inside_days = (split - first) / DAY, (histories.end - split) / DAY
    days = {"never": np.where(ever, 0, outside_days), "before": np.where(ever, outside_days, 0), "after": inside_days}
    orders = {"never": np.where(ever, 0, outside), "before": np.where(ever, outside, 0), "after": inside}
    return days, orders | {"after": np.where(ever, inside, 0)}


def _rate_ratio(top, bottom, definition: Words, level: float) -> Estimate | Refused:
    """Ratio of orders per day, customers as clusters; top and bottom are (days, orders), one entry a customer."""
    (top_days, top_orders), (bottom_days, bottom_orders) = top, bottom
    hits = min(top_orders.sum(), bottom_orders.sum())
    if not hits:
        return _no_orders()
    influence = top_orders / top_orders.sum() - top_days / top_days.sum()
    influence = influence - bottom_orders / bottom_orders.sum() + bottom_days / bottom_days.sum()
    value = (top_orders.sum() / top_days.sum()) / (bottom_orders.sum() / bottom_days.sum())
    return _log_scale(value, influence, len(influence), definition, level)


def _time_share(part: np.ndarray, whole: np.ndarray, definition: Words, level: float) -> Estimate:
    value = part.sum() / whole.sum()
    reach = stats.norm.ppf((1 + level) / 2) * math.sqrt(clustered_variance((part - value * whole) / whole.sum()))
    n = int(np.count_nonzero(whole))
    low, high = max(0.0, value - reach), min(1.0, value + reach)
    return Estimate(value, low, high, level, n, "share", definition, immortal_time)


def _log_scale(value: float, influence: np.ndarray, n: int, definition: Words, level: float) -> Estimate:
    reach = stats.norm.ppf((1 + level) / 2) * math.sqrt(clustered_variance(influence))
    ends = value * math.exp(-reach), value * math.exp(reach)
    return Estimate(value, *ends, level, n, "times", definition, immortal_time)


def _no_orders() -> Refused:
    return Refused(
        "orders on each side", 0, 1,
        "其中一方没有再次下单，算不出倍数。", "One side never ordered again, so there is no ratio.",
    )  # fmt: skip


def _second_order(histories: Histories, split: bool, definition: Words, level: float) -> Estimate | Refused:
    """Hazard ratio of the next order day after the first, by days since the first order."""
    first = histories.first_order // DAY
    day = histories.time // DAY
    later = day > first[histories.person]
    second = np.full(len(first), NEVER)
    np.minimum.at(second, histories.person[later], day[later])
    came = second < NEVER
    stop = np.where(came, second, histories.until + 1) - first  # at risk on days 1 .. stop (event) or stop - 1
    stop = np.where(came, stop, stop - 1)
    joined = np.where(histories.joined < histories.end, histories.joined // DAY - first, NEVER)
    joined = np.maximum(joined, 0)
    exposed = joined < stop  # joined before the day of the second order, or before the end
    since = np.where(exposed, joined if split else 0, stop)  # exposed on days since + 1 .. stop
    if min(np.count_nonzero(came & exposed), np.count_nonzero(came & ~exposed)) == 0:
        return _no_orders()
    value, influence = mantel_haenszel(since, stop, came, exposed)
    return _log_scale(value, influence, len(stop), definition, level)


def mantel_haenszel(since: np.ndarray, stop: np.ndarray, event: np.ndarray, exposed: np.ndarray):
    """Hazard ratio over days, and how far each person moves its logarithm.

    Parameters
    ----------
    since, stop : arrays of int, one a person
        Not exposed on days 1 .. since, exposed on days since + 1 .. stop (a person never exposed has since = stop).
    event : array of bool
        Whether the event comes on day `stop`.
    exposed : array of bool
        Whether the person is exposed on day `stop`.

    Returns
    -------
    (float, array of float)

    Example
    -------
    >>> value, influence = mantel_haenszel(*map(np.array, ([2, 2, 0, 0], [2, 2, 1, 2])), np.array([0, 1, 1, 1]) > 0,
    ...                                    np.array([False, False, True, True]))
    >>> round(value, 3)
    3.5
    """
    length = int(stop.max(initial=0)) + 2

    def at_risk(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        steps = np.bincount(begin + 1, minlength=length + 1) - np.bincount(end + 1, minlength=length + 1)
        return np.cumsum(steps)[:length].astype(float)

    inside, outside = at_risk(since, stop), at_risk(np.zeros_like(since), since)
    hits = [np.bincount(stop[event & side], minlength=length)[:length] for side in (exposed, ~exposed)]
    all_ = np.maximum(inside + outside, 1)
    top, bottom = (hits[0] * outside / all_).sum(), (hits[1] * inside / all_).sum()
    ratio = top / bottom
    # How one more person at risk, or one more event, moves top - ratio x bottom on each day; summed over their days.
    gap = (hits[0] * outside - ratio * hits[1] * inside) / all_**2
    from_inside = np.cumsum(-ratio * hits[1] / all_ - gap)
    from_outside = np.cumsum(hits[0] / all_ - gap)
    moved = from_outside[since] + from_inside[stop] - from_inside[since]
    moved = moved + np.where(event, np.where(exposed, (outside / all_)[stop], -ratio * (inside / all_)[stop]), 0)
    return float(ratio), moved / top


def _immortal_words() -> dict[str, Words]:
    return {
        "ever_against_never": Words(
            "首单之后每客户每天的订单数：加入过私域的客户（含加入前的时间）÷从未加入的客户",
            "orders per customer-day after the first order: customers who ever joined (with the time before joining) "
            "over those who never did",
        ),
        "split_at_joining": Words(
            "首单之后每客户每天的订单数：在私域中的时间÷其余全部时间（从未加入者，以及加入者加入之前）",
            "orders per customer-day after the first order: time in the pool over all other time (never joined, or not "
            "yet)",
        ),
        "time_before_joining": Words(
            "加入过私域的客户，从首单到数据期末的时间中，加入之前所占的比例",
            "share of the joiners' time from the first order to the end of the data that lies before joining",
        ),
        "second_order_ever": Words(
            "第二单到来的快慢（风险比）：第二单之前加入过的客户（从首单算起）÷其余客户",
            "speed at which the second order comes (hazard ratio): customers who joined before it, counted from the "
            "first order on, over the rest",
        ),
        "second_order_split": Words(
            "第二单到来的快慢（风险比）：已加入的日子÷未加入的日子",
            "speed at which the second order comes (hazard ratio): days in the pool over days outside it",
        ),
    }
