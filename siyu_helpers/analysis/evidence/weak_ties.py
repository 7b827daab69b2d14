"""Weak ties: were the first contacts of the pool hardly customers, and do such contacts stay and buy less?

The articles warn that a pool begins with weak relations: bargain seekers and acquaintances. What the tables know of a
tie is how often the customer had bought before joining. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, share
from siyu_helpers.analysis.evidence.kept_contacts import (
    FirstStays,
    bought_between,
    entries_of,
    first_stays,
    kept_after,
    no_leaving,
)
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import CUSTOMERS_AT_LEAST, Evidence, OrderRows, order_rows
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES | {"members": ["customer_id", "joined_at"]}
STRONG_FROM = 2  # days with an order before joining; ours: who came back once has a tie
FIRST_DAYS = 90  # from the first joining of all: the beginning of the pool
WITHIN_DAYS = 90
HALF = 0.5
COLUMNS = ["entry", "tie", "customers", *(f"{what}{end}" for what in ("kept_30", "kept_90", "repurchase_90")
                                          for end in ("", "_low", "_high"))]  # fmt: skip
CLAIM = Words(
    "私域起步时多是弱关系：低价引来的人和熟人", "a pool begins with mostly weak ties: bargain seekers and acquaintances"
)


def weak_ties(
    members: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    accounts: Any = None,
    strong_from: int = STRONG_FROM,
    first_days: int = FIRST_DAYS,
    min_customers: int = CUSTOMERS_AT_LEAST,
    level: float = LEVEL,
) -> Evidence:
    """Contacts by entry and by how often they had bought before: who stays, who buys again.

    members (one stay), orders (one paid order)  ->  Evidence: table (entry x tie), figures, rule

    Parameters
    ----------
    members, accounts
        See `kept_contacts.first_stays`.
    orders, observed_until
        See the head of `order_log`; orders may be OrderRows read before.
    strong_from : int
        Days with an order before the day of joining from which a tie counts as strong; fewer: weak.
    first_days : int
        Who joined within so many days of the very first joining belongs to the beginning of the pool.

    Returns
    -------
    Evidence
        table : entry ("all" first), tie ("weak", "strong"), customers, kept_30 and kept_90 (still in the pool,
        Kaplan-Meier), repurchase_90 (of those watched so long: an order within 90 days after the day of joining, in or
        out of the pool), each with _low and _high; blank (NaN) where nobody was watched so long.
        figures : weak_ties_first (weak among those who joined at the beginning), weak_ties_later (among those who
        joined after it), weak_ties_kept_gap (kept 90 days, weak less strong), weak_ties_repurchase_gap (repurchase,
        weak less strong; percentage points).
        rule : agrees where clearly most of the first contacts were weak ties, disagrees where clearly most were not.

    Notes
    -----
    Weak and strong differ in more than their tie: a gap is no effect.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [*range(300), *range(100)], "amount": 9.0,
    ...                     "ordered_at": pd.to_datetime(["2023-01-01"] * 300 + ["2023-02-01"] * 100)})
    >>> stays = pd.DataFrame({"customer_id": range(300), "joined_at": pd.Timestamp("2023-06-01"), "left_at": pd.NaT})
    >>> found = weak_ties(stays, log, "2024-06-30")
    >>> round(found.figures["weak_ties_first"].value, 3), found.rule.agrees
    (0.667, 'agrees')
    """
    order_log.at_least_one("strong_from", strong_from)
    order_log.at_least_one("first_days", first_days)
    stays, rows = first_stays(members, accounts, observed_until), order_rows(orders, observed_until)
    if stays is None:
        figures: dict[str, Estimate | Refused] = dict.fromkeys(_KEYS, no_leaving(None))
        return Evidence(pd.DataFrame(columns=COLUMNS), figures, _rule(figures))
    place = pd.Index(rows.customers).get_indexer(stays.customer)
    day = stays.joined // DAY
    weak = order_days_before(rows, place, day) < strong_from
    again = bought_between(rows, place, day + 1, day + 1 + WITHIN_DAYS)
    watched = day + WITHIN_DAYS <= rows.until
    table = _table(stays, weak, again, watched, min_customers, level)
    first = day < day.min() + first_days
    figures = {
        "weak_ties_first": _share(weak[first], _FIRST, strong_from, first_days, level),
        "weak_ties_later": _share(weak[~first], _LATER, strong_from, first_days, level),
        "weak_ties_kept_gap": _gap(table, "kept_90", stays, _KEPT, level),
        "weak_ties_repurchase_gap": _gap(table, "repurchase_90", stays, _AGAIN, level),
    }
    return Evidence(table, figures, _rule(figures))


_KEYS = ("weak_ties_first", "weak_ties_later", "weak_ties_kept_gap", "weak_ties_repurchase_gap")


def order_days_before(rows: OrderRows, place: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days with an order strictly before a day, of customers given by their places in rows.customers (-1: none)."""
    if not len(rows.person):
        return np.zeros(len(place), dtype=np.int64)
    early = int(min(rows.day.min(), day.min() if len(day) else 0))
    width = np.int64(max(int(rows.day.max()), int(day.max()) if len(day) else 0) - early + 2)
    purchase = rows.is_purchase
    keys = rows.person[purchase] * width + (rows.day[purchase] - early)
    at = np.maximum(place, 0).astype(np.int64) * width
    many = np.searchsorted(keys, at + (day - early)) - np.searchsorted(keys, at)
    return np.where(place >= 0, many, 0)


def _table(stays: FirstStays, weak, again, watched, min_customers: int, level: float) -> pd.DataFrame:
    entry = entries_of(stays, min_customers)
    counted = pd.Series(entry).value_counts()
    rows = []
    for name in [None, *sorted(counted.index, key=lambda one: (-counted[one], one))]:
        for tie, has in (("weak", weak), ("strong", ~weak)):
            who = has if name is None else has & (entry == name)
            if not who.any():
                continue
            kept = [end for days in (30, 90) for end in _kept(stays, who, days, level)]
            back = share(int((who & watched & again).sum()), int((who & watched).sum()), level)
            ends = [math.nan] * 3 if isinstance(back, Refused) else [back.value, back.low, back.high]
            rows.append(["all" if name is None else name, tie, int(who.sum()), *kept, *ends])
    return pd.DataFrame(rows, columns=COLUMNS)


def _kept(stays: FirstStays, who: np.ndarray, days: int, level: float) -> tuple[float, float, float]:
    if not stays.leaving_recorded:
        return math.nan, math.nan, math.nan
    return kept_after(stays.watched[who], stays.left[who], days, level)


def _share(weak: np.ndarray, words, strong_from: int, first_days: int, level: float) -> Estimate | Refused:
    if refused := evidence.too_few(len(weak)):
        return refused
    said = Words(*(text.format(before=strong_from, days=first_days) for text in words))
    return share(int(weak.sum()), len(weak), level, said, weak_ties)


def _gap(table: pd.DataFrame, what: str, stays: FirstStays, words: Words, level: float) -> Estimate | Refused:
    if what.startswith("kept") and not stays.leaving_recorded:
        return no_leaving(stays)
    sides = []
    everybody = table[table["entry"] == "all"].set_index("tie")
    for tie in ("weak", "strong"):
        many = int(everybody["customers"].get(tie, 0))
        if refused := evidence.too_few(many):
            return refused
        ends = [float(everybody.at[tie, f"{what}{end}"]) for end in ("", "_low", "_high")]
        if math.isnan(ends[0]):
            return Refused(
                "observed long enough", 0, WITHIN_DAYS,
                f"还没有足够客户加入满 {WITHIN_DAYS} 天。",
                f"Not enough customers were watched for {WITHIN_DAYS} days.",
            )  # fmt: skip
        sides.append(Estimate(*ends, level, many, "share", "", ""))
    return evidence.gap(*sides, "percentage points", words, weak_ties, 100.0)


def _rule(figures: dict[str, Estimate | Refused]) -> RuleResult:
    first, agrees = figures["weak_ties_first"], OPEN
    if isinstance(first, Estimate):
        agrees = AGREES if first.low > HALF else DISAGREES if first.high < HALF else OPEN
    return RuleResult("weak_ties", CLAIM, figures, agrees, _READING[agrees])


_FIRST = Words(
    "私域开张 {days} 天内加入的客户中，加入前的下单日不足 {before} 个的占比",
    "of those who joined in the first {days} days of the pool, share with orders on fewer than {before} days before",
)
_LATER = Words(
    "此后加入的客户中，加入前的下单日不足 {before} 个的占比",
    "of those who joined later, share with orders on fewer than {before} days before",
)
_KEPT = Words(
    "加入 90 天后仍在私域的占比：弱关系 － 强关系（差别不等于关系的作用）",
    "share still in the pool 90 days after joining: weak ties less strong ones (a difference is not an effect)",
)
_AGAIN = Words(
    "加入后 90 天内再次下单的占比：弱关系 － 强关系（差别不等于关系的作用）",
    "share with an order within 90 days after joining: weak ties less strong ones (a difference is not an effect)",
)
_READING = {
    AGREES: Words(
        "起步时加入的多是弱关系：头几个月的留存与复购不能代表成熟后的私域，也不能拿来推算回报",
        "at the beginning most were weak ties: what these months show of staying and buying is not what a grown pool "
        "would show",
    ),
    DISAGREES: Words(
        "起步时加入的多是老客户：头几个月的数字可能偏好，不能代表以后加入的人",
        "at the beginning most were regular customers: these months may flatter the pool and do not stand for who "
        "joins later",
    ),
    OPEN: Words(
        "起步时加入的人太少、没有记录，或强弱各半，看不出是否多为弱关系",
        "too few joined at the beginning, it is not recorded, or weak and strong ties are about half each",
    ),
}
