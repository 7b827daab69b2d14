"""The repurchase cycle as a rule: does the time between purchases carry a pool, or do customers leave first?

The articles say that a smart toilet seat, bought today, lasts five years or more, and that such a cycle does not carry
a pool; and they list trades that fit. Both follow from one comparison: how soon customers buy again, and how long they
stay in the pool. Who has not bought again yet counts as "not yet" (Kaplan-Meier), never as gone.

Opens no files and draws nothing. Tables may be any frame that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult
from siyu_helpers.analysis.repurchase_cycle import median_days, repurchased_within, time_to_next_order

REQUIRES = order_log.REQUIRES
THRESHOLD_DAYS = 365  # ours: a cycle of more than a year is long
LASTING_YEARS = 5.0  # the articles', for a smart toilet seat
MOST = 0.5  # ours: a pool lives on repeat orders when more than half buy again while they stay
DAYS_A_YEAR = 365.25
TABLE_DAYS = (30, 90, 180, 365, 730)
COLUMNS = ["days", "repurchased", "repurchased_low", "repurchased_high", "still_in_pool", "still_in_pool_low",
           "still_in_pool_high"]  # fmt: skip
CLAIM = Words(
    "复购周期短的生意适合做私域；像智能马桶盖这样五年一换的，复购撑不起私域",
    "trades with a short cycle carry a pool; one of five years, as for a smart toilet seat, does not",
)


def cycle_rule(
    orders: Any,
    observed_until: order_log.DateLike,
    members: Any = None,
    threshold_days: int = THRESHOLD_DAYS,
    lasting_years: float = LASTING_YEARS,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """Set the repurchase cycle against how long customers stay in the pool, and against five years.

    orders (one paid order), members (one stay)  ->  Evidence: table (days), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Orders of one day are one purchase; refunded orders count.
    members : frame, optional
        customer_id, joined_at [left_at]: how long customers stay. Without left_at nobody is known to leave.
    threshold_days : int
        A cycle of more days is long.
    lasting_years : float
        How long goods of a long cycle are said to last, to set the observed rate of purchases against.

    Returns
    -------
    Evidence
        table : one row each of `TABLE_DAYS`. repurchased : share of customers who have bought again so many days after
        the first order; still_in_pool : share still in the pool so many days after joining; both Kaplan-Meier with
        _low and _high, blank (NaN) where nobody was watched so long.
        figures : cycle_median_days (first to second purchase), cycle_later_median_days (second to third),
        cycle_purchases_per_year (after the first, per customer and year watched), cycle_years_between (its inverse),
        cycle_against_lasting (purchases per year x lasting_years: 1 is a purchase every lasting_years),
        cycle_one_time_share (no second purchase within a year), cycle_stay_days (median stay in the pool),
        cycle_within_stay (second purchase within that stay), cycle_second_household (second purchase within a year;
        refused unless the cycle is long: of goods that last, an upper bound for a second home, for gifts and for
        replacements).
        rule : the cycle is long or short when the whole interval of the years between purchases is above or below the
        threshold. agrees: short and more than half buy again within the stay, or long and fewer do; disagrees: the
        other way round.

    Raises
    ------
    ValueError
        For a missing column, or parameters out of range.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 1, 2, 3], "amount": 9.0})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-01", "2024-01-31", "2024-01-01", "2024-07-01"])
    >>> found = cycle_rule(log, "2024-12-31")
    >>> found.table[["days", "repurchased"]].round(2).to_numpy().tolist()[:2]
    [[30.0, 0.33], [90.0, 0.33]]
    >>> found.rule.agrees, found.figures["cycle_stay_days"].gate
    ('cannot be told', 'data')
    """
    check_level(level)
    order_log.at_least_one("threshold_days", threshold_days)
    if not 0 < lasting_years < math.inf:
        raise ValueError(f"lasting_years must be above 0, such as 5; got {lasting_years!r}")
    new = {"observed_from": observed_from, "history": history, "burn_in_days": burn_in_days,
           "first_order_at": first_order_at}  # fmt: skip
    rows = evidence.order_rows(orders, observed_until)
    is_new = evidence.new_customers(rows, **new)
    curve, later = (_curve(rows, is_new, after, level) for after in (1, 2))
    stays = _stays(members, observed_until, level)
    figures: dict[str, Estimate | Refused] = {
        "cycle_median_days": _said(median_days(curve), "首购到第二次购买的天数中位数", "median days to the second"),
        "cycle_later_median_days": _said(median_days(later), "第二次到第三次购买的天数中位数", "from second to third"),
    }
    figures |= _rates(rows, is_new, lasting_years, level)
    figures |= _shares(curve, stays, figures["cycle_years_between"], threshold_days, level)
    return Evidence(_table(curve, stays), figures, _rule(figures, threshold_days))


# --- figures ---


def _said(fact: Estimate | Refused, zh: str, en: str) -> Estimate | Refused:
    """The fact under a definition of its own."""
    if isinstance(fact, Refused):
        return fact
    return dataclasses.replace(fact, definition=Words(zh, en), function=cycle_rule)


def _curve(rows: evidence.OrderRows, is_new: np.ndarray, after_order: int, level: float) -> pd.DataFrame:
    """Kaplan-Meier curve from the few purchases that it needs: a tenth of the time on a long log."""
    number = np.cumsum(rows.is_purchase)
    number -= number[rows.starts][rows.person] - 1 if len(number) else 0
    needed = rows.is_purchase & (number <= after_order + 1) & is_new[rows.person]
    return _kaplan_meier(rows.person[needed], rows.at[needed], rows.until, after_order, "collapse", level)


def _kaplan_meier(person, at, until, after_order, same_day, level) -> pd.DataFrame:
    """Curve from events as arrays: whose, and microseconds."""
    events = {"customer_id": person, "ordered_at": at.astype("datetime64[us]"), "amount": np.zeros(len(person))}
    frame = nw.from_dict(events, backend="polars").lazy().to_native()
    last = (pd.Timestamp(0) + pd.Timedelta(days=until)).date()
    return time_to_next_order(frame, last, after_order, same_day=same_day, level=level)


def _stays(members: Any, observed_until: order_log.DateLike, level: float) -> pd.DataFrame | None:
    """Kaplan-Meier curve of the stays: leaving for good is to joining what the second order is to the first."""
    if members is None:
        return None
    frame = order_log.lazy(touches.typed_if_empty(members, joined_at="datetime64[us]", left_at="datetime64[us]"))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "joined_at"])
    dates = [name for name in ("joined_at", "left_at") if name in kinds.names()]
    chosen = frame.select("customer_id", *(order_log.as_moment(name, kinds).alias(name) for name in dates))
    home = chosen.collect("pandas").to_native()
    home = home[home["customer_id"].notna() & home["joined_at"].notna()]
    who = pd.factorize(home["customer_id"])[0]
    count = int(who.max()) + 1 if len(who) else 0
    begun = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(begun, who, evidence.microseconds(home["joined_at"]))
    people, at = np.arange(count), begun
    if "left_at" in dates:
        gone = np.full(count, np.iinfo(np.int64).min)
        np.maximum.at(gone, who, evidence.microseconds(home["left_at"]))  # a blank is later than any: still in
        left = (gone < np.iinfo(np.int64).max) & (gone >= begun)
        people, at = np.concatenate([people, people[left]]), np.concatenate([begun, gone[left]])
    until = order_log.day_number(observed_until, "observed_until")
    return _kaplan_meier(people, at, until, 1, "keep", level)


def _rates(rows, new, lasting_years, level) -> dict[str, Estimate | Refused]:
    """Purchases after the first per customer and year watched, and what follows from it."""
    again = rows.per_customer(rows.is_purchase) - 1.0
    years = (rows.until - rows.first_day) / DAYS_A_YEAR if len(rows.customers) else again
    words = Words(
        "首购之后的购买次数 ÷ 首购后观察的年数（客户·年）",
        "purchases after the first / customer years watched since the first",
    )
    rate = evidence.ratio(again[new], years[new], level, "purchases per customer", words, cycle_rule)
    if isinstance(rate, Refused):
        return dict.fromkeys(("cycle_purchases_per_year", "cycle_years_between", "cycle_against_lasting"), rate)
    rate = dataclasses.replace(rate, low=max(0.0, rate.low))
    between: Estimate | Refused = Refused(
        *("purchases again", 0, "> 0"), "还没有客户再次购买，间隔无从计算。", "Nobody has bought again: no interval."
    )
    if rate.value > 0:
        ends = (1 / rate.value, 1 / rate.high, 1 / rate.low if rate.low > 0 else math.inf)
        between = Estimate(*ends, level, rate.n, "years", Words(
            "按观察到的购买频率推算的两次购买间隔年数，假定频率不变",
            "years between purchases at the observed rate, if the rate lasts",
        ), cycle_rule)  # fmt: skip
    against = dataclasses.replace(
        rate,
        **{end: getattr(rate, end) * lasting_years for end in ("value", "low", "high")},
        definition=Words(
            f"按观察到的购买频率，{lasting_years:g} 年内会再买几次；五年一换为 1 次",
            f"purchases again within {lasting_years:g} years at the observed rate; 1: one in that time",
        ),
    )
    return {"cycle_purchases_per_year": rate, "cycle_years_between": between, "cycle_against_lasting": against}


def _shares(curve, stays, between, threshold_days, level) -> dict[str, Estimate | Refused]:
    """Who does not come back within a year, who does within the median stay, and the second household."""
    within = repurchased_within(curve, 365)
    once: Estimate | Refused = within
    if isinstance(within, Estimate):
        once = Estimate(1 - within.value, 1 - within.high, 1 - within.low, within.level, within.n, "share", Words(
            "首购后一年内没有第二次购买的客户占比，观察不满一年的按 Kaplan-Meier 法处理",
            "share of customers without a second purchase within a year of the first (Kaplan-Meier)",
        ), cycle_rule)  # fmt: skip
    stay: Estimate | Refused = evidence.no_column("members", "", "私域客户名单", "list of who joined the pool")
    inside: Estimate | Refused = stay
    if stays is not None:
        stay = _stay(stays)
        inside = _within_stay(curve, stays, stay, level)
    second: Estimate | Refused = Refused(
        *("long cycle", "not long", f"> {threshold_days} days"),
        "复购周期不长，一年内再买是正常复购，不必用第二套房解释。",
        "The cycle is not long: buying again within a year is usual, and needs no second home to explain it.",
    )
    if isinstance(between, Estimate) and between.low * DAYS_A_YEAR > threshold_days:
        second = _said(
            within,
            "耐用品首购后一年内再次购买的客户占比：第二套房、送礼或更换的上限",
            "share who buy a lasting good again within a year: an upper bound for second homes, gifts, replacements",
        )
    return {"cycle_one_time_share": once, "cycle_stay_days": stay, "cycle_within_stay": inside,
            "cycle_second_household": second}  # fmt: skip


def _within_stay(curve, stays, stay, level) -> Estimate | Refused:
    """Share who buy again within the median stay; its ends take in those of the stay.

    Where the median stay is not reached it is longer than anybody was watched: the share by then is a lower bound.
    """
    if stays.empty:
        return evidence.too_few(0, 1)
    known = isinstance(stay, Estimate)
    longest = int(stays["days"].iloc[-1])
    days = [int(end) if math.isfinite(end) else longest for end in (stay.value, stay.low, stay.high)] if known else None
    value, low, high = (repurchased_within(curve, day) for day in days or [longest] * 3)
    if isinstance(value, Refused):
        return value
    zh = f"首购后 {days[0] if known else longest} 天内再次购买的客户占比"
    en = f"share who buy again within {days[0] if known else longest} days of the first order"
    words = Words(
        f"{zh}（私域停留时间的中位数，区间含其误差）", f"{en} (the median stay in the pool, its interval included)"
    )
    if not known:
        words = Words(f"{zh}（多半客户停留更久，因此是下限）", f"{en} (most members stay longer: a lower bound)")
    top = high.high if known and isinstance(high, Estimate) and math.isfinite(stay.high) else 1.0
    # The share never falls with time, so that what it exceeds on an earlier day it exceeds later too; at the end of the
    # curve, where one customer may be left, its own interval says almost nothing.
    earlier = curve[(curve["days"] <= (days[1] if known else longest)) & (curve["not_yet_ordered"] > 0)]
    bottom = max([low.low if isinstance(low, Estimate) else 0.0, *(1 - earlier["high"])])
    return Estimate(
        value.value, min(bottom, value.value), max(top, value.high), level, value.n, "share", words, cycle_rule
    )


def _stay(stays: pd.DataFrame) -> Estimate | Refused:
    found = median_days(stays)
    if isinstance(found, Refused):
        reached = found.seen if found.gate == "share reached" else 0.0
        return Refused(
            *("stay", reached, 0.5),
            "退出私域的客户还不到一半，停留时间的中位数尚未达到。",
            "Fewer than half of the members have left: the median stay is not reached yet.",
        )
    return _said(
        found,
        "客户从首次加入到最后退出私域的天数中位数（Kaplan-Meier，仍在私域的按未退出计）",
        "median days from first joining to leaving for good (Kaplan-Meier, those still in not counted as gone)",
    )


def _table(curve: pd.DataFrame, stays: pd.DataFrame | None) -> pd.DataFrame:
    listed = []
    for days in TABLE_DAYS:
        back = repurchased_within(curve, days)
        gone = None if stays is None else repurchased_within(stays, days)
        row = [days, *_ends(back), math.nan, math.nan, math.nan]
        if isinstance(gone, Estimate):
            row[4:] = [1 - gone.value, 1 - gone.high, 1 - gone.low]
        listed.append(row)
    kinds = dict.fromkeys(COLUMNS, "float64") | {"days": "int64"}
    return pd.DataFrame(listed, columns=COLUMNS).astype(kinds)


def _ends(fact: Estimate | Refused) -> list[float]:
    return [math.nan] * 3 if isinstance(fact, Refused) else [fact.value, fact.low, fact.high]


# --- rule ---


def _rule(figures: dict[str, Estimate | Refused], threshold_days: int) -> RuleResult:
    between, inside = figures["cycle_years_between"], figures["cycle_within_stay"]
    agrees, reading = OPEN, Words(
        "周期长短或客户在私域停留多久还看不清，这条规则暂无法判断",
        "how long the cycle is, or how long customers stay in the pool, is not known well enough",
    )  # fmt: skip
    if isinstance(between, Estimate) and isinstance(inside, Estimate):
        long = between.low * DAYS_A_YEAR > threshold_days
        short = between.high * DAYS_A_YEAR < threshold_days
        most, few = inside.low > MOST, inside.high < MOST
        if short and most:
            agrees, reading = AGREES, Words(
                "周期短，多数客户在私域停留期间就会再买，复购撑得起私域",
                "the cycle is short and most customers buy again while they stay: repeat orders can carry a pool",
            )  # fmt: skip
        elif long and few:
            agrees, reading = AGREES, Words(
                "周期长，多数客户在私域停留期间不会再买，私域的价值只能来自转介绍与服务",
                "the cycle is long and most customers do not buy again while they stay: a pool has to live on "
                "referrals and service",
            )  # fmt: skip
        elif long and most:
            agrees, reading = DISAGREES, Words(
                "周期虽长，多数客户仍在私域停留期间再次购买，不能只凭周期否定私域",
                "the cycle is long, yet most customers buy again while they stay: the cycle alone does not rule it out",
            )  # fmt: skip
        elif short and few:
            agrees, reading = DISAGREES, Words(
                "周期虽短，多数客户却等不到再买就离开了私域，先留住人再谈复购",
                "the cycle is short, yet most customers leave before they buy again: keep them first",
            )  # fmt: skip
    return RuleResult("repurchase_cycle", CLAIM, figures, agrees, reading)
