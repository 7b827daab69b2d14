"""Referral: how many new customers a customer brings, how soon, and how few ambassadors bring them.

No growth is read into a K-factor that is not there: a customer who brings K new ones within the time counted brings
K / (1 - K) in all when these bring others at the same rate, and with K below 1 the chain dies out by itself. What the
referred turn out to be worth: `referred_quality`.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY
from siyu_helpers.analysis.effect.message_log import clustered_share
from siyu_helpers.analysis.effect.results import clustered_variance
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool import referral_log
from siyu_helpers.analysis.pool.pool_facts import Pool, read_pool
from siyu_helpers.analysis.pool.referral_log import ReferralLog

REQUIRES = referral_log.REQUIRES

WITHIN_DAYS = 365
DAYS_A_MONTH = 365.25 / 12
REFERRALS_AT_LEAST = 10  # with fewer, a rate of referral is little more than its interval
CUSTOMERS_AT_LEAST = 30  # watched for the whole time
TOP_SHARE = 0.1
K_KEYS = (
    "referrals", "referrals_uncredited", "self_referrals", "referral_share", "referral_share_last_year",
    "k_month", "k_window", "further_customers", "cycle_days",
    "k_pool_month", "k_pool_lifetime", "referrer_share", "top_share", "top_share_by_chance",
)  # fmt: skip


def k_factor(
    told: ReferralLog, members: Any = None, within_days: int = WITHIN_DAYS, level: float = LEVEL
) -> dict[str, Estimate | Refused]:
    """How many new customers a customer brings: the K-factor by month, within a year and over a stay in the pool.

    ReferralLog, members (one stay)  ->  dict of Estimate or Refused

    Parameters
    ----------
    told : ReferralLog
        As `read_referrals` returns it.
    members : frame or Pool, optional
        customer_id, joined_at [left_at]; or what `pool_facts.read_pool` made of it.
    within_days : int
        Days since a customer's first order within which referrals count to k_window.
    level : float

    Returns
    -------
    dict
        referrals, referrals_uncredited, self_referrals : counts. referral_share, referral_share_last_year : of the new
        customers, those referred. k_month : referrals per customer and month since the first order. k_window :
        referrals of a new customer within `within_days`. further_customers : k / (1 - k) of k_window. cycle_days : from
        the referrer's first order to that of the referred, median. k_pool_month : referrals made while in the pool per
        month in it. k_pool_lifetime : the same over exits, what a stay brings if rates remain. referrer_share : of
        customers watched for `within_days`, those who referred somebody within them. top_share : share of the referrals
        that come from the top tenth of the referrers; top_share_by_chance : what chance alone would give.

    Notes
    -----
    k_window: mean cumulative function of a recurrent event, which allows for customers not watched that long, with its
    robust variance (Lawless and Nadeau 1995, Technometrics 37, 158-168). A customer and all whom the chain from that
    customer brought are a cluster; in the pool, a customer. Intervals are normal on the log scale. Simulated 90%
    intervals covered: k_window 181, cycle_days 175, k_month 181 of 200. cycle_days: referrals weighted for customers
    still watched at their age, interval by Woodruff (1952, J. Am. Stat. Assoc. 47, 635-646), a referrer as a cluster.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.referral_log import read_referrals
    >>> first = pd.DataFrame({"customer_id": range(60), "ordered_at": pd.Timestamp("2023-01-01"), "referrer_id": None})
    >>> more = pd.DataFrame({"customer_id": range(100, 112), "ordered_at": pd.Timestamp("2023-02-10"),
    ...                      "referrer_id": range(12)})
    >>> told = read_referrals(pd.concat([first, more]).assign(amount=9.0), "2024-01-01")
    >>> found = k_factor(told)
    >>> round(found["k_window"].value, 3), round(found["further_customers"].value, 3), found["cycle_days"].value
    (0.167, 0.2, 40.0)
    """
    order_log.at_least_one("within_days", within_days)
    check_level(level)
    if told.refused:
        return dict.fromkeys(K_KEYS, told.refused)
    people, credited = told.people, _pairs(told)
    found: dict[str, Estimate | Refused] = _counts(told, credited)
    found |= {key: share_of_new(told, days, level) for key, days in _SHARES.items()}
    found["k_month"] = _rate_per_month(told, credited, level)
    found["k_window"] = _within(told, credited, within_days, level)
    found["further_customers"] = further_customers(found["k_window"])
    found["cycle_days"] = _cycle(told, credited, within_days, level)
    found |= _pool_rates(told, members, level)
    watched = (people["day"] + within_days <= told.until) & people["new"]
    early = credited.loc[credited["age"] <= within_days, "referrer"].unique()
    words = _words("referrer_share", days=within_days)
    many = int(watched.sum())
    found["referrer_share"] = (
        _too_few_watched(many, within_days)
        if many < CUSTOMERS_AT_LEAST
        else share(int(watched.loc[early].sum()), many, level, words, k_factor)
    )
    found |= ambassadors(told)
    return {key: found[key] for key in K_KEYS}


_SHARES = {"referral_share": None, "referral_share_last_year": 365}
_WORDS = {
    "referrals": Words(
        "老带新新客数：首单填有推荐人，且推荐人此前已下过单",
        "referred new customers: the first order names a referrer who had ordered before",
    ),
    "referrals_uncredited": Words(
        "推荐人不明的新客数：首单填有推荐人，但订单里没有此人、此人下单更晚或同时有两位推荐人",
        "referred new customers whose referrer is not in the orders, ordered later only, or is one of two",
    ),
    "self_referrals": Words("推荐人是客户本人的新客数，不计入老带新", "customers who name themselves: not counted"),
    "referral_share": Words("老带新新客 ÷ 全部新客{span}", "referred new customers / new customers{span}"),
    "k_month": Words(
        "每位客户自首单起，平均每月带来的新客数", "new customers that a customer brings a month since the first order"
    ),
    "k_window": Words(
        "推荐系数 K：每位新客在首单后 {days} 天内带来的新客数；观察不满 {days} 天的客户按已观察的部分计入",
        "K-factor: new customers that a new customer brings within {days} days of the first order; those not watched "
        "that long count for as long as they are",
    ),
    "further_customers": Words(
        "每位新客最终共带来的新客数：K ÷（1－K），即 K＋K²＋K³＋…，被推荐者照同样的 K 再推荐",
        "customers that a new one brings in all: K / (1 - K), that is K + K^2 + ..., if those referred refer alike",
    ),
    "cycle_days": Words(
        "推荐周期：首单后 {days} 天内的推荐，从推荐人首单到被推荐新客首单的天数，中位数",
        "cycle of referral: of referrals within {days} days of the referrer's first order, median days from it to the "
        "first order of the referred",
    ),
    "k_pool_month": Words(
        "私域客户在私域期间带来的新客数 ÷ 在私域内的月数",
        "new customers brought by those in the pool / months in the pool",
    ),
    "k_pool_lifetime": Words(
        "私域期间带来的新客数 ÷ 退出私域的次数：照目前的速度，一次停留平均带来的新客数",
        "new customers brought while in the pool / exits from it: what one stay brings if rates remain as they are",
    ),
    "referrer_share": Words(
        "首单后 {days} 天内带来过新客的客户 ÷ 观察满 {days} 天的新客",
        "customers who brought a new one within {days} days of the first order / new customers watched that long",
    ),
    "top_share": Words(
        "带来新客最多的前 10% 推荐人，带来的新客占全部老带新新客的比例",
        "share of the referred new customers who come from the top tenth of referrers",
    ),
    "top_share_by_chance": Words(
        "假如推荐全凭机会落在同样的推荐人身上，前 10% 应占的比例（截尾泊松分布）",
        "what the top tenth would have if referrals fell on these referrers by chance (truncated Poisson)",
    ),
}


def further_customers(k: Estimate | Refused) -> Estimate | Refused:
    """How many customers a new one brings in all, when those whom they refer go on referring at the same rate.

    Estimate (K)  ->  Estimate: K / (1 - K), the sum K + K^2 + K^3 + ...; Refused from K = 1 on, where it has no end

    Example
    -------
    >>> further_customers(Estimate(0.2, 0.1, 0.5, 0.9, 100, "customers per customer", "K", k_factor)).high
    1.0
    """
    if isinstance(k, Refused):
        return k
    if k.value >= 1:
        return Refused(
            "k below 1", round(k.value, 3), 1,
            "K 不小于 1，链条理论上不会自己停下；这不可能长久，不作推算。",
            "K is 1 or more: the chain would not end by itself, which cannot last, and is not extrapolated.",
        )  # fmt: skip
    value, low, high = (end / (1 - end) if end < 1 else math.inf for end in (k.value, k.low, k.high))
    return Estimate(value, low, high, k.level, k.n, "customers per customer", _WORDS["further_customers"],
                    further_customers)  # fmt: skip


def ambassadors(told: ReferralLog, top: float = TOP_SHARE) -> dict[str, Estimate | Refused]:
    """How far referrals come from a few ambassadors, and how far they would by chance.

    ReferralLog  ->  dict of two counted shares

    Parameters
    ----------
    told : ReferralLog
    top : float
        Which part of the referrers is the top; at least one of them.

    Returns
    -------
    dict
        top_share, top_share_by_chance; see `k_factor`. Refused with fewer than 10 credited referrals.

    Notes
    -----
    By chance: Poisson without zeros, with the mean of the referrers. Customers of long standing had more time to refer;
    so a little more than by chance is no sign of ambassadors.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.referral_log import read_referrals
    >>> log = pd.DataFrame({"customer_id": range(13), "amount": 9.0, "referrer_id": [None] * 3 + [0] * 8 + [1, 2]})
    >>> log["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(log["customer_id"], "D")
    >>> found = ambassadors(read_referrals(log, "2024-06-30"))
    >>> found["top_share"].value
    0.8
    """
    keys = ("top_share", "top_share_by_chance")
    if told.refused:
        return dict.fromkeys(keys, told.refused)
    counts = np.sort(np.bincount(_pairs(told)["referrer"]))[::-1]
    counts = counts[counts > 0]
    many = int(counts.sum())
    if many < REFERRALS_AT_LEAST:
        return dict.fromkeys(keys, _too_few(many))
    best = counts[: math.ceil(top * len(counts) - 1e-9)]
    values = (best.sum() / many, _top_by_chance(many / len(counts), top))
    return {
        key: Estimate.exact(float(value), len(counts), "share", _words(key), ambassadors)
        for key, value in zip(keys, values, strict=True)
    }


def _top_by_chance(mean: float, top: float) -> float:
    """Share of the top part of referrers under a Poisson distribution without zeros."""
    if mean <= 1 + 1e-9:
        return top
    rate = optimize.brentq(lambda x: x / -math.expm1(-x) - mean, 1e-12, mean)
    many = np.arange(math.ceil(mean + 20 * math.sqrt(mean) + 20), 0, -1)
    mass = stats.poisson.pmf(many, rate) / -math.expm1(-rate)
    taken = np.diff(np.minimum(np.cumsum(mass), top), prepend=0.0)
    return float((taken * many).sum() / mean)


def _words(key: str, **values: Any) -> Words:
    return Words(_WORDS[key].zh.format(**values), _WORDS[key].en.format(**values))


def _too_few(seen: int) -> Refused:
    return Refused(
        "referrals", seen, REFERRALS_AT_LEAST,
        f"只有 {seen} 次推荐，少于 {REFERRALS_AT_LEAST} 次，速度无从估计。",
        f"Only {seen} referrals, fewer than {REFERRALS_AT_LEAST}: no rate can be estimated.",
    )  # fmt: skip


def _too_few_watched(seen: int, days: int) -> Refused:
    return Refused(
        "observed long enough", seen, CUSTOMERS_AT_LEAST,
        f"观察满 {days} 天的新客只有 {seen} 位，少于 {CUSTOMERS_AT_LEAST} 位。",
        f"Only {seen} new customers have been watched for {days} days, fewer than {CUSTOMERS_AT_LEAST}.",
    )  # fmt: skip


def _pairs(told: ReferralLog) -> pd.DataFrame:
    """One row a credited referral: referrer (place), age (days since the referrer's first order)."""
    friends = told.people.loc[told.people["referrer"] >= 0, ["referrer", "day"]]
    first = told.people["day"].to_numpy()[friends["referrer"]]
    return pd.DataFrame({"referrer": friends["referrer"].to_numpy(), "age": friends["day"].to_numpy() - first})


def _counts(told: ReferralLog, credited: pd.DataFrame) -> dict[str, Estimate | Refused]:
    counts = {
        "referrals": len(credited),
        "referrals_uncredited": len(told.friends) - len(credited),
        "self_referrals": told.facts["self_referrals"],
    }
    n = int(told.people["new"].sum())
    return {key: Estimate.exact(many, n, "customers", _words(key), k_factor) for key, many in counts.items()}


def share_of_new(told: ReferralLog, last_days: int | None = None, level: float = LEVEL) -> Estimate | Refused:
    """Share of the new customers who were referred; those whom one customer referred count as a cluster.

    ReferralLog  ->  Estimate (share) or Refused

    Parameters
    ----------
    told : ReferralLog
    last_days : int, optional
        Only first orders of so many last days. None: all.
    level : float

    Example
    -------
    >>> from siyu_helpers.analysis.pool.referral_log import read_referrals
    >>> log = pd.DataFrame({"customer_id": [1, 2], "amount": 9.0, "referrer_id": [None, 1]})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-01", "2024-02-01"])
    >>> share_of_new(read_referrals(log, "2024-06-30")).value
    0.5
    """
    if told.refused:
        return told.refused
    people = told.people[told.people["new"]]
    span = Words("", "")
    if last_days is not None:
        people = people[people["day"] > told.until - last_days]
        span = Words(f"；最后 {last_days} 天", f"; last {last_days} days")
    if people.empty:
        return Refused("new customers", 0, 1, "这段时间没有新客。", "There is no new customer in this time.")
    cluster = np.where(people["referrer"] >= 0, people["referrer"], -1 - people.index.to_numpy())
    value, low, high = clustered_share(people["referred"], np.ones(len(people)), cluster, level, once=True)
    words = Words(_WORDS["referral_share"].zh.format(span=span.zh), _WORDS["referral_share"].en.format(span=span.en))
    return Estimate(value, low, high, level, len(people), "share", words, k_factor)


def _families(told: ReferralLog) -> np.ndarray:
    """Place of the customer with whom each one's chain of referrals began: a family errs as one."""
    referrer = told.people["referrer"].to_numpy()
    root = np.where(referrer >= 0, referrer, np.arange(len(referrer)))
    while (root != root[root]).any():  # a referrer ordered earlier, so no chain bites its tail
        root = root[root]
    return root


def _rate(events: np.ndarray, exposure: np.ndarray, key: str, level: float, clusters=None) -> Estimate | Refused:
    """Events over exposure, both by customer; the interval is normal on the log scale."""
    many, total = float(events.sum()), float(exposure.sum())
    if many < REFERRALS_AT_LEAST or not total > 0:
        return _too_few(int(many))
    error = math.sqrt(clustered_variance(events / many - exposure / total, clusters))
    return _on_log_scale(many / total, error, len(events), key, level)


def _on_log_scale(value: float, relative_error: float, n: int, key: str, level: float, **words: Any) -> Estimate:
    reach = math.exp(stats.norm.ppf((1 + level) / 2) * relative_error)
    unit = "customers per customer"
    return Estimate(value, value / reach, value * reach, level, n, unit, _words(key, **words), k_factor)


def _rate_per_month(told: ReferralLog, credited: pd.DataFrame, level: float) -> Estimate | Refused:
    events = np.bincount(credited["referrer"], minlength=len(told.people)).astype(float)
    exposure = (told.until + 1 - told.people["day"].to_numpy()) / DAYS_A_MONTH
    return _rate(events, exposure, "k_month", level, _families(told))


def _within(told: ReferralLog, credited: pd.DataFrame, days: int, level: float) -> Estimate | Refused:
    """Mean cumulative number of referrals of a new customer by an age, with its robust error."""
    watched, at_risk = _watched(told, days)
    if at_risk[days] < CUSTOMERS_AT_LEAST:
        return _too_few_watched(int(at_risk[days]), days)
    mine = credited[(credited["age"] <= days) & told.people["new"].to_numpy()[credited["referrer"]]]
    if len(mine) < REFERRALS_AT_LEAST:
        return _too_few(len(mine))
    events = np.bincount(mine["age"], minlength=days + 1)
    value = float((events / at_risk).sum())
    own = np.bincount(mine["referrer"], 1 / at_risk[mine["age"]], len(told.people))
    expected = np.cumsum(events / at_risk.astype(float) ** 2)
    influence = own - np.where(watched >= 0, expected[np.clip(watched, 0, days)], 0)
    new = told.people["new"].to_numpy()
    error = math.sqrt(clustered_variance(influence[new], _families(told)[new]))
    return _on_log_scale(value, error / value, int(at_risk[0]), "k_window", level, days=days)


def _watched(told: ReferralLog, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Full days that each new customer is watched after the first order (-1: not new); how many at each age."""
    watched = np.where(told.people["new"], told.until - told.people["day"], -1)
    still = np.bincount(np.clip(watched[watched >= 0], 0, days), minlength=days + 1)
    return watched, still[::-1].cumsum()[::-1]


def _cycle(told: ReferralLog, credited: pd.DataFrame, days: int, level: float) -> Estimate | Refused:
    """Median age at which referrals come, each weighted for the customers watched at its age."""
    _, at_risk = _watched(told, days)
    mine = credited[(credited["age"] <= days) & told.people["new"].to_numpy()[credited["referrer"]]]
    if at_risk[days] < CUSTOMERS_AT_LEAST:
        return _too_few_watched(int(at_risk[days]), days)
    if len(mine) < REFERRALS_AT_LEAST:
        return _too_few(len(mine))
    mine = mine.sort_values(["age", "referrer"], ignore_index=True)
    age, weight = mine["age"].to_numpy(), 1 / at_risk[mine["age"]]
    reached = np.cumsum(weight) / weight.sum()

    def quantile(probability: float) -> float:
        place = np.searchsorted(reached, min(max(probability, 0.0), 1.0) - 1e-12)
        return float(age[min(place, len(age) - 1)])

    median = quantile(0.5)
    influence = weight * ((age <= median) - 0.5) / weight.sum()
    half = stats.norm.ppf((1 + level) / 2) * math.sqrt(clustered_variance(influence, mine["referrer"]))
    words = _words("cycle_days", days=days)
    return Estimate(median, quantile(0.5 - half), quantile(0.5 + half), level, len(mine), "days", words, k_factor)


def _pool_rates(told: ReferralLog, members: Any, level: float) -> dict[str, Estimate | Refused]:
    """Referrals made while in the pool, over the months in it and over the exits from it."""
    pool = pool_of(members, told)
    if pool is None:
        return dict.fromkeys(("k_pool_month", "k_pool_lifetime"), nobody_in_pool())
    spans, many, end = pool.spans, len(pool.ids), (told.until + 1) * DAY
    lasted = (np.minimum(spans["end"], end) - spans["begin"]) / DAY / DAYS_A_MONTH
    months = np.bincount(spans["person"], lasted, many)
    exits = np.bincount(spans["person"], spans["end"] < end, many)
    who = pd.Index(pool.ids).get_indexer(told.friends["referrer_id"])
    inside = pool.inside(who, told.friends["second"].to_numpy())
    events = np.bincount(who[inside], minlength=many).astype(float)
    found = {"k_pool_month": _rate(events, months, "k_pool_month", level)}
    few = int(exits.sum())
    found["k_pool_lifetime"] = _rate(events, exits, "k_pool_lifetime", level)
    if few < REFERRALS_AT_LEAST:
        found["k_pool_lifetime"] = Refused(
            "exits", few, REFERRALS_AT_LEAST,
            f"退出私域的只有 {few} 次，一次停留有多长还看不出来。",
            f"Only {few} exits from the pool: how long a stay lasts cannot be told yet.",
        )  # fmt: skip
    return found


def pool_of(members: Any, told: ReferralLog) -> Pool | None:
    """The pool up to the last day of the log: as given, or read from the table members; None where nobody joined."""
    return members if isinstance(members, Pool) else read_pool(members, pd.Timestamp(0) + pd.Timedelta(days=told.until))


def nobody_in_pool() -> Refused:
    """Why nothing can be said of customers in the pool.

    Example
    -------
    >>> nobody_in_pool().gate
    'members'
    """
    return Refused(
        "members", 0, 1, "没有私域客户（members）的数据。", "There is no record of customers in the pool (members)."
    )
