"""Ownership, value and referral of a pool: three indices in the spirit of the Youzan triangle.

Youzan names the three corners; no official formula was found. The formulas here are ours and are printed as ours:

    ownership  share of the last year's buyers who are in the pool today x (1 - share that hangs on one account alone)
    value      contribution of a pool customer who bought in the last year, per year
    referral   share of the last year's new customers who were referred

Each index is the raw figure over a stated reference, between 0 and 1. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import NEVER
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, mean_per_customer, share
from siyu_helpers.analysis.pool.pool_facts import Pool
from siyu_helpers.analysis.pool.referral import nobody_in_pool, pool_of, share_of_new
from siyu_helpers.analysis.pool.referral_log import ReferralLog

CORNERS = ("ownership", "value", "referral")
YEAR_DAYS = 365
VALUE_REFERENCE = 3.0  # times the contribution of an average buyer: the index of an average customer is one third
REFERENCES = {"ownership": 1.0, "value": None, "referral": 0.2}
NAMES = {
    "ownership": Words("私域产权力", "Ownership"),
    "value": Words("单客价值度", "Value per customer"),
    "referral": Words("客户推荐率", "Referral"),
}
KEYS = (
    "buyers", "reachable_buyers", "reachable_share", "largest_account_share", "ownership",
    "value", "value_all", "referral", "ownership_index", "value_index", "referral_index", "area",
)  # fmt: skip
_WORDS = {
    "buyers": Words("最近 365 天下过单的客户数", "customers who ordered in the last 365 days"),
    "reachable_buyers": Words(
        "最近 365 天下过单、如今仍在私域的客户数", "customers who ordered in the last 365 days and are in the pool now"
    ),
    "reachable_share": Words(
        "最近 365 天下过单的客户中，如今仍在私域的占比",
        "of the customers who ordered in the last 365 days, those in the pool today",
    ),
    "largest_account_share": Words(
        "如今的私域客户中，只能经由最大的那一个账号触达的占比",
        "of those in the pool today, the share that can be reached through its largest account only",
    ),
    "ownership": Words(
        "私域产权力（本手册的算法）：最近 365 天买家中仍在私域的占比 ×（1－只靠最大账号触达的占比）",
        "ownership (our formula): share of the last 365 days' buyers in the pool today x (1 - share that hangs on the "
        "largest account alone)",
    ),
    "value": Words(
        "单客价值度（本手册的算法）：如今在私域、最近 365 天下过单的客户，人均年贡献毛利；不是加入带来的增量",
        "value per customer (our formula): contribution in the last 365 days of those who ordered in them and are in "
        "the pool today; not what joining adds",
    ),
    "value_all": Words(
        "最近 365 天全部买家的人均年贡献毛利", "contribution in the last 365 days of all customers who ordered in them"
    ),
    "referral": Words(
        "客户推荐率（本手册的算法）：最近 365 天的新客中，老带新新客的占比",
        "referral (our formula): of the new customers of the last 365 days, those who were referred",
    ),
    "index": Words(
        "{name}指数：{name} ÷ 参照值（{reference}），最高 100%",
        "{name} index: {name} / reference ({reference}), 100% at most",
    ),
    "area": Words(
        "三角面积占比：三个指数两两相乘之和 ÷ 3，三项全为 1 时为 100%；区间把三项当作互不相关",
        "area of the triangle: sum of the products of two indices each / 3, 100% where all are 1; interval as if the "
        "three were independent",
    ),
}  # fmt: skip


def triangle(
    told: ReferralLog,
    members: Any = None,
    references: Mapping[str, float | None] | None = None,
    level: float = LEVEL,
    seed: int = 1,
) -> dict[str, Estimate | Refused]:
    """How much of its customers a brand owns, what each is worth a year, and how many new ones they bring.

    ReferralLog, members (one stay)  ->  dict of Estimate or Refused

    Parameters
    ----------
    told : ReferralLog
        As `referral_log.read_referrals` returns it; a brand whose orders name no referrer has two corners.
    members : frame or Pool, optional
        customer_id, joined_at, left_at, account_id; or what `pool_facts.read_pool` made of it.
    references : dict, optional
        Corner -> raw figure at which its index is 1. By default 1 for ownership, 0.2 for referral and, for value,
        three times the contribution of an average buyer of the last year.
    level, seed : float, int
        Of the intervals.

    Returns
    -------
    dict, its keys `KEYS`
        buyers, reachable_buyers, largest_account_share : counted. reachable_share, ownership, referral : shares. value,
        value_all : money per customer and year. <corner>_index : 0 to 1, of the reference (unit "share"). area : of the
        triangle that the indices span at equal angles, over the one with all three at 1.
        Without account_id in members, ownership is not known: one account may hold everybody; nor without left_at.

    Raises
    ------
    ValueError
        For a reference that is no corner's or not above 0.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.referral_log import read_referrals
    >>> log = pd.DataFrame({"customer_id": range(200), "amount": 10.0, "ordered_at": pd.Timestamp("2024-03-01")})
    >>> log["referrer_id"] = [None] * 180 + list(range(20))
    >>> first = log[:180].assign(ordered_at=pd.Timestamp("2023-01-01"))
    >>> stays = pd.DataFrame({"customer_id": range(100), "account_id": [1, 2] * 50,
    ...                       "joined_at": pd.Timestamp("2024-01-01"), "left_at": pd.NaT})
    >>> found = triangle(read_referrals(pd.concat([first, log]), "2024-12-31", gross_margin=0.5), stays)
    >>> [found[key].value for key in ("reachable_share", "ownership", "value", "referral", "value_index")]
    [0.5, 0.25, 5.0, 1.0, 0.3333333333333333]
    """
    references = _references(references)
    check_level(level)
    found: dict[str, Estimate | Refused] = {}
    spent = _spent(told)
    today = _today(pool_of(members, told), told)
    found |= _ownership(spent, today, level)
    found |= _values(told, spent, today, level, seed)
    referral = share_of_new(told, YEAR_DAYS, level)
    found["referral"] = referral if isinstance(referral, Refused) else _again(referral, "referral")
    for corner in CORNERS:
        found[f"{corner}_index"] = _index(corner, found, references[corner])
    found["area"] = area(*(found[f"{corner}_index"] for corner in CORNERS))
    return {key: found[key] for key in KEYS}


def area(first: Estimate | Refused, second: Estimate | Refused, third: Estimate | Refused) -> Estimate | Refused:
    """Area of a triangle whose corners lie at three indices in directions 120 degrees apart; 1: all indices are 1.

    Three Estimates (0 to 1)  ->  Estimate, or the first refusal among them

    Example
    -------
    >>> half = Estimate(0.5, 0.5, 0.5, 0.9, 100, "share", "an index", area)
    >>> area(half, half, half).value
    0.25
    """
    parts = (first, second, third)
    if refused := next((part for part in parts if isinstance(part, Refused)), None):
        return refused
    a, b, c = (part.value for part in parts)
    value = (a * b + b * c + c * a) / 3
    slopes = ((b + c) / 3, (a + c) / 3, (a + b) / 3)
    ends = []
    for name, sign in (("low", -1), ("high", 1)):
        reach = math.hypot(*(s * (getattr(p, name) - p.value) for s, p in zip(slopes, parts, strict=True)))
        ends.append(min(max(value + sign * reach, 0.0), 1.0))
    return Estimate(value, *ends, first.level, min(part.n for part in parts), "share", _WORDS["area"], area)


def triangle_levers(
    found: Mapping[str, Estimate | Refused],
    added_per_customer: Estimate | float | None = None,
    referred_customers: Estimate | float | None = None,
    referred_value: Estimate | Refused | float | None = None,
    referral_reward: float = 0.0,
    raised_by: float = 0.1,
) -> pd.DataFrame:
    """What raising one corner at a time is worth a year: more customers in the pool, more from each, more referred.

    dict of `triangle`  ->  table (corner)

    Parameters
    ----------
    found : dict
        As `triangle` returns it.
    added_per_customer : Estimate or float, optional
        Contribution that being in the pool adds per customer and year (notebook 04). What pool customers bring is not
        what the pool adds: without this, ownership has no value here.
    referred_customers : Estimate or float, optional
        New customers referred in the last year. None: from the share of the new ones, `found["referral"]`.
    referred_value : Estimate or float, optional
        Contribution of a referred customer in a year, before the reward (`referred_quality`).
    referral_reward : float
        Paid for each.
    raised_by : float
        0.1: each corner is raised by a tenth.

    Returns
    -------
    DataFrame
        corner, zh, en : which, and its name. now, raised : the raw figure. contribution (_low, _high) : more
        contribution a year, money; the interval is that of the value per customer only. Blank (NaN) where it is not
        known. formula_zh, formula_en : how it was worked out. reason_zh, reason_en : why it is blank.

    Example
    -------
    >>> counted = lambda value, unit: Estimate.exact(value, 400, unit, "-", triangle)
    >>> found = dict.fromkeys(KEYS, counted(0.2, "share"))
    >>> found |= {"reachable_buyers": counted(300, "customers"), "value": counted(50, "money per customer")}
    >>> triangle_levers(found, 10, 80, 30)["contribution"].tolist()
    [300.0, 1500.0, 240.0]
    """
    if not raised_by > 0:
        raise ValueError(f"raised_by must be above 0, such as 0.1; got {raised_by!r}")
    pool, referral = found["reachable_buyers"], found["referral"]
    if referred_customers is None:
        referred_customers = referral if isinstance(referral, Refused) else referral.value * referral.n
    worth = _shifted(referred_value, -referral_reward)
    plans = {
        "ownership": (pool, added_per_customer),
        "value": (pool, found["value"]),
        "referral": (referred_customers, worth),
    }
    rows = []
    for corner, (many, each) in plans.items():
        raw = found[corner]
        now = raw.value if isinstance(raw, Estimate) else math.nan
        row = (corner, *NAMES[corner], now, now * (1 + raised_by))
        rows.append((*row, *_product(many, each, raised_by), *_FORMULAS[corner], *_reason(corner, many, each)))
    names = ["corner", "zh", "en", "now", "raised", "contribution", "contribution_low", "contribution_high",
             "formula_zh", "formula_en", "reason_zh", "reason_en"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


_FORMULAS = {
    "ownership": Words(
        "多触达的买家数 × 留在私域每位客户每年多出的贡献毛利",
        "further buyers within reach x contribution that being in the pool adds per customer and year",
    ),
    "value": Words(
        "仍在私域的买家数 × 每位多出的年贡献毛利",
        "buyers in the pool x further contribution of each a year",
    ),
    "referral": Words(
        "多带来的新客数 ×（每位一年的贡献毛利－推荐奖励）",
        "further new customers x (contribution of each in a year - reward)",
    ),
}
_UNKNOWN = {
    "ownership": Words(
        "没有加入私域所多出的贡献毛利（见私域效果页），不能把私域客户的全部贡献当作触达的功劳",
        "what being in the pool adds is not known (see the page on the pool's effect); not all that pool customers "
        "bring is owed to it",
    ),
    "value": Words("没有人均年贡献毛利", "contribution per customer and year is not known"),
    "referral": Words("没有老带新新客数或其贡献毛利", "the number of referred customers or their value is not known"),
}


def _value_of(quantity: Any) -> float:
    if quantity is None or isinstance(quantity, Refused):
        return math.nan
    return quantity.value if isinstance(quantity, Estimate) else float(quantity)


def _shifted(quantity: Any, by: float) -> Any:
    """The quantity with a certain amount added."""
    if quantity is None or isinstance(quantity, Refused):
        return quantity
    if not isinstance(quantity, Estimate):
        return quantity + by
    ends = (end + by for end in (quantity.value, quantity.low, quantity.high))
    return Estimate(*ends, quantity.level, quantity.n, quantity.unit, quantity.definition, quantity.function)


def _product(many: Any, each: Any, raised_by: float) -> tuple[float, float, float]:
    times = raised_by * _value_of(many)
    value = times * _value_of(each)
    if math.isnan(value) or not isinstance(each, Estimate) or each.is_exact:
        return value, math.nan, math.nan
    return value, times * each.low, times * each.high


def _reason(corner: str, many: Any, each: Any) -> Words:
    if not math.isnan(_value_of(many) * _value_of(each)):
        return Words("", "")
    refused = next((part for part in (many, each) if isinstance(part, Refused)), None)
    return Words(refused.reason_zh, refused.reason_en) if refused else _UNKNOWN[corner]


# --- the three corners ---


def _references(given: Mapping[str, float | None] | None) -> dict[str, float | None]:
    for corner, reference in (given or {}).items():
        order_log.one_of("a corner of references", corner, CORNERS)
        if reference is not None and not (math.isfinite(reference) and reference > 0):
            raise ValueError(f"the reference of {corner} must be above 0, such as 0.2; got {reference!r}")
    return REFERENCES | dict(given or {})


def _spent(told: ReferralLog) -> pd.Series:
    """Buyers of the last year: place -> contribution in it, in units of `told.worth`."""
    day = told.people["day"].to_numpy()[told.orders["person"]] + told.orders["age"]
    recent = told.orders[day > told.until - YEAR_DAYS]
    return recent.groupby("person")["earned"].sum()


def _today(pool: Pool | None, told: ReferralLog) -> pd.DataFrame | Refused:
    """Stays that are open at the end of the last day: place (-1: no order), person, account (blank: not known)."""
    if pool is None:
        return nobody_in_pool()
    if not pool.leaving_recorded:
        return Refused(
            "leaving", "not recorded", "left_at in members",
            "私域客户没有记录退出时间（left_at），如今谁还在私域无从知道。",
            "Members have no date of leaving (left_at): who is in the pool today is not known.",
        )  # fmt: skip
    now = pool.stays[pool.stays["left"] == NEVER]
    if now.empty:
        return nobody_in_pool()
    return now.assign(place=told.customers.get_indexer(pool.ids[now["person"]]))[["person", "place", "account"]]


def _ownership(spent: pd.Series, today: pd.DataFrame | Refused, level: float) -> dict[str, Estimate | Refused]:
    if spent.empty:
        nobody = Refused("buyers", 0, 1, "最近 365 天没有客户下单。", "Nobody ordered in the last 365 days.")
        return dict.fromkeys(KEYS[:5], nobody)
    many = len(spent)
    found: dict[str, Estimate | Refused] = {}
    found["buyers"] = Estimate.exact(many, many, "customers", _WORDS["buyers"], triangle)
    if isinstance(today, Refused):
        return found | dict.fromkeys(KEYS[1:5], today)
    inside = int(spent.index.isin(today["place"]).sum())
    found["reachable_buyers"] = Estimate.exact(inside, many, "customers", _WORDS["reachable_buyers"], triangle)
    found["reachable_share"] = share(inside, many, level, _WORDS["reachable_share"], triangle)
    found["largest_account_share"] = found["ownership"] = largest = _largest_account(today)
    if isinstance(largest, Estimate):
        reach, free = found["reachable_share"], 1 - largest.value
        ends = (end * free for end in (reach.value, reach.low, reach.high))
        found["ownership"] = Estimate(*ends, level, many, "share", _WORDS["ownership"], triangle)
    return found


def _largest_account(today: pd.DataFrame) -> Estimate | Refused:
    """Share of those in the pool who hang on its largest account alone."""
    known = today.dropna(subset=["account"]).drop_duplicates(["person", "account"])
    if known.empty:
        return Refused(
            "accounts", "not recorded", "account_id in members",
            "私域客户没有记录所属账号（account_id），无从知道有多少客户系于一个账号。",
            "Members have no account (account_id): how many hang on one account is not known.",
        )  # fmt: skip
    customers = known["person"].nunique()
    alone = known[~known["person"].duplicated(keep=False)]
    most = int(alone["account"].value_counts().max()) if len(alone) else 0
    return Estimate.exact(most / customers, customers, "share", _WORDS["largest_account_share"], triangle)


def _values(told, spent: pd.Series, today, level: float, seed: int) -> dict[str, Estimate | Refused]:
    keys = ("value", "value_all")
    if not math.isfinite(told.worth):
        return dict.fromkeys(keys, order_log.no_contribution())
    watched = told.until - int(told.people["day"].min()) + 1 if len(told.people) else 0
    if watched < YEAR_DAYS:
        return dict.fromkeys(keys, Refused(
            "observed long enough", watched, YEAR_DAYS,
            f"订单只有 {watched} 天，不足 {YEAR_DAYS} 天，人均年贡献毛利还算不出来。",
            f"Orders reach back {watched} days, fewer than {YEAR_DAYS}: contribution a year is not known.",
        ))  # fmt: skip
    groups = {"value_all": spent}
    if not isinstance(today, Refused):
        groups["value"] = spent[spent.index.isin(today["place"])]
    return {"value": today} | {
        key: mean_per_customer(values * told.worth, level, seed, _WORDS[key], triangle)
        for key, values in groups.items()
    }


def _again(estimate: Estimate, key: str) -> Estimate:
    """The estimate under the definition of this page."""
    ends = (estimate.value, estimate.low, estimate.high)
    return Estimate(*ends, estimate.level, estimate.n, estimate.unit, _WORDS[key], triangle)


def _index(corner: str, found: Mapping[str, Estimate | Refused], reference: float | None) -> Estimate | Refused:
    raw = found[corner]
    if isinstance(raw, Refused):
        return raw
    if reference is None:
        reference = VALUE_REFERENCE * found["value_all"].value
        told = Words(
            f"全部买家人均年贡献毛利的 {VALUE_REFERENCE:g} 倍", f"{VALUE_REFERENCE:g} x the mean of all buyers"
        )
    else:
        told = Words(f"{reference:g}", f"{reference:g}")
    if not reference > 0:
        return Refused(
            "reference", round(reference, 2), "> 0",
            "全部买家的人均贡献毛利不为正，指数没有意义。", "Buyers bring no contribution on average: no index.",
        )  # fmt: skip
    ends = (float(np.clip(end / reference, 0, 1)) for end in (raw.value, raw.low, raw.high))
    words = Words(
        _WORDS["index"].zh.format(name=NAMES[corner].zh, reference=told.zh),
        _WORDS["index"].en.format(name=NAMES[corner].en.lower(), reference=told.en),
    )
    return Estimate(*ends, raw.level, raw.n, "share", words, triangle)
