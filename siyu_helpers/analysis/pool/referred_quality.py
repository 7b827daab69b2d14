"""What referred customers are worth, beside others who came in the same months.

Not what referral does to a customer: friends of good customers are like them, and would be good customers had an
advertisement brought them. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.results import clustered_variance
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool.referral_log import ReferralLog

CUSTOMERS_AT_LEAST = 30  # on each side
PARTS = ("referred", "others", "difference", "ratio")
SELF_SELECTION = Words(
    "被推荐的客户本来就和推荐人相似，差别里有一部分与推荐无关；要知道推荐本身的作用，只能随机决定向谁发出推荐邀请",
    "those referred resemble those who refer them, so part of the difference is not owed to referral; only inviting at "
    "random would tell what referral itself does",
)


class _Sides(NamedTuple):
    """Customers watched long enough: who was referred, weight in the mean of a side (sums to 1), cluster, place."""

    referred: np.ndarray
    weight: np.ndarray
    cluster: np.ndarray
    place: np.ndarray


def referred_quality(
    told: ReferralLog, short_days: int = 90, long_days: int = 365, level: float = LEVEL
) -> dict[str, Estimate | Refused]:
    """Referred customers against the others whose first order was in the same months: who comes back, what they bring.

    ReferralLog  ->  dict of Estimate or Refused

    Parameters
    ----------
    told : ReferralLog
        As `read_referrals` returns it.
    short_days, long_days : int
        Days since the first order, that day included, over which customers are compared; only those watched so long
        count.
    level : float

    Returns
    -------
    dict, keys <measure>_<part>
        Measures: repurchase (share with an order on a later day within short_days), contribution_short and
        contribution_long (money per customer), refund (share of the paid amount that was paid back, within short_days).
        Parts: referred; others, weighted to the months in which the referred came; difference (of shares: percentage
        points) and ratio ("times"). Refused with fewer than 30 customers on a side, and what the orders do not record.

    Notes
    -----
    Months in which only referred customers came, or none, are left out. Those referred by one customer count as a
    cluster. Ratio: normal on the log scale. Read with `SELF_SELECTION`.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.referral_log import read_referrals
    >>> log = pd.DataFrame({"customer_id": range(90), "amount": 10.0, "ordered_at": pd.Timestamp("2024-01-05")})
    >>> log["referrer_id"] = [None] * 60 + list(range(30))
    >>> found = referred_quality(read_referrals(pd.concat([log, log[60:75].assign(
    ...     ordered_at=pd.Timestamp("2024-02-01"))]), "2024-12-31", gross_margin=0.5))
    >>> found["repurchase_referred"].value, found["contribution_short_others"].value, found["refund_ratio"].gate
    (0.5, 5.0, 'refunds')
    """
    for name, days in (("short_days", short_days), ("long_days", long_days)):
        order_log.at_least_one(name, days)
    check_level(level)
    plans = (("repurchase", short_days), ("contribution_short", short_days), ("contribution_long", long_days),
             ("refund", short_days))  # fmt: skip
    found: dict[str, Estimate | Refused] = {}
    for measure, days in plans:
        found |= _compared(told, measure, days, level)
    return found


def _compared(told: ReferralLog, measure: str, days: int, level: float) -> dict[str, Estimate | Refused]:
    keys = [f"{measure}_{part}" for part in PARTS]
    if told.refused:
        return dict.fromkeys(keys, told.refused)
    if missing := _missing(told, measure):
        return dict.fromkeys(keys, missing)
    sides = _sides(told, days)
    if isinstance(sides, Refused):
        return dict.fromkeys(keys, sides)
    top, bottom = (values[sides.place] for values in _values(told, measure, days))
    means, influences = [], []
    for side in (sides.referred, ~sides.referred):
        weight = np.where(side, sides.weight, 0.0)
        below = float((weight * bottom).sum())
        mean = float((weight * top).sum()) / below if below > 0 else math.nan
        means.append(mean)
        influences.append(weight * (top - mean * bottom) / below if below > 0 else weight)
    if not all(map(math.isfinite, means)):
        return dict.fromkeys(
            keys, Refused("amounts", 0, "> 0", "这些订单的实付金额为零。", "These orders paid nothing.")
        )
    words = _definition(told, measure, days)
    return dict(zip(keys, _estimates(measure, means, influences, sides, words, level), strict=True))


def _estimates(measure, means, influences, sides: _Sides, words: Words, level: float) -> list[Estimate | Refused]:
    z = stats.norm.ppf((1 + level) / 2)
    is_share = measure in ("repurchase", "refund")
    unit, counts = "share" if is_share else "money per customer", (sides.referred.sum(), (~sides.referred).sum())
    made: list[Estimate | Refused] = []

    def error(influence: np.ndarray) -> float:
        return math.sqrt(clustered_variance(influence, sides.cluster))

    for name, mean, influence, n in zip(_SIDES, means, influences, counts, strict=True):
        half = z * error(influence)
        ends = (mean - half, mean + half)
        if is_share:
            ends = tuple(min(max(end, 0.0), 1.0) for end in ends)
        made.append(Estimate(mean, *ends, level, int(n), unit, _said(name, words), referred_quality))
    scale, gap_unit = (100, "percentage points") if is_share else (1, unit)
    gap, half = means[0] - means[1], z * error(influences[0] - influences[1])
    ends = (gap - half, gap + half)
    n = int(sum(counts))
    made.append(Estimate(scale * gap, scale * ends[0], scale * ends[1], level, n, gap_unit,
                         _said(_GAP, words), referred_quality))  # fmt: skip
    if not min(means) > 0:
        made.append(
            Refused(
                "something to compare",
                round(min(means), 4),
                "> 0",
                "其中一方为零或为负，算不出倍数。",
                "One side is zero or below, so there is no ratio.",
            )
        )
    else:
        ratio = means[0] / means[1]
        reach = math.exp(z * error(influences[0] / means[0] - influences[1] / means[1]))
        made.append(Estimate(ratio, ratio / reach, ratio * reach, level, n, "times", _said(_TIMES, words),
                             referred_quality))  # fmt: skip
    return made


_SIDES = (Words("被推荐的新客", "referred"), Words("同月其他新客", "others of the same months"))
_GAP = Words("被推荐的新客减同月其他新客", "referred less others of the same months")
_TIMES = Words("被推荐的新客 ÷ 同月其他新客", "referred / others of the same months")


def _said(who: Words, what: Words) -> Words:
    return Words(f"{who.zh}：{what.zh}", f"{who.en}: {what.en}")


def _definition(told: ReferralLog, measure: str, days: int) -> Words:
    if measure == "repurchase":
        return Words(
            f"首单后 {days} 天内（含首日）在另一天再次下单的比例",
            f"share with an order on a later day within {days} days, that of the first order included",
        )
    if measure == "refund":
        return Words(
            f"首单后 {days} 天内（含首日）的退款 ÷ 同期实付金额",
            f"refunds / amount paid, within {days} days, that of the first order included",
        )
    rule = order_log.contribution_words(told.facts["contribution"], told.facts["gross_margin"])
    return Words(
        f"首单后 {days} 天内（含首日）人均贡献毛利，未扣获客费用与推荐奖励；{rule.zh}",
        f"contribution per customer within {days} days, the first day included, before what winning them cost; "
        f"{rule.en}",
    )


def _missing(told: ReferralLog, measure: str) -> Refused | None:
    if measure.startswith("contribution") and not math.isfinite(told.worth):
        return order_log.no_contribution()
    if measure == "refund" and told.refunds is None:
        return Refused("refunds", "not recorded", "refunded in orders",
                       "订单没有记录退款（refunded）。", "Orders do not record refunds (refunded).")  # fmt: skip
    return None


def _sides(told: ReferralLog, days: int) -> _Sides | Refused:
    """New customers watched for the days, in months with both kinds; the others weighted to the referred's months."""
    people = told.people
    there = people[people["new"] & (people["day"] + days - 1 <= told.until)]
    referred = there["referred"].to_numpy(dtype=bool)
    both = there.assign(mine=referred, other=~referred).groupby("month")[["mine", "other"]].transform("sum")
    kept = ((both["mine"] > 0) & (both["other"] > 0)).to_numpy()
    there, referred, both = there[kept], referred[kept], both[kept]
    few = int(min(referred.sum(), (~referred).sum()))
    if few < CUSTOMERS_AT_LEAST:
        return Refused(
            "customers on each side", few, CUSTOMERS_AT_LEAST,
            f"观察满 {days} 天、同月可比的客户，较少的一方只有 {few} 位，少于 {CUSTOMERS_AT_LEAST} 位，不作比较。",
            f"Of customers of the same months watched for {days} days the smaller side has {few}, fewer than "
            f"{CUSTOMERS_AT_LEAST}: no comparison.",
        )  # fmt: skip
    weight = np.where(referred, 1.0, both["mine"] / both["other"]) / referred.sum()
    place = there.index.to_numpy()
    cluster = np.where(there["referrer"] >= 0, there["referrer"], -1 - place)
    return _Sides(referred, weight, cluster, place)


def _values(told: ReferralLog, measure: str, days: int) -> tuple[np.ndarray, np.ndarray]:
    """What is divided and what it is divided by, one of each a customer."""
    many = len(told.people)
    bought = told.orders[told.orders["age"] < days]
    ones = np.ones(many)
    if measure == "repurchase":
        return (np.bincount(bought["person"], bought["age"] > 0, many) > 0).astype(float), ones
    if measure == "refund":
        back = told.refunds[told.refunds["age"] < days]
        return _sum(back["person"], back["minor"], many), _sum(bought["person"], bought["minor"], many)
    return _sum(bought["person"], bought["earned"], many) * told.worth, ones


def _sum(person: pd.Series, minor: pd.Series, many: int) -> np.ndarray:
    """Sums of whole numbers by person; exact, as no sum comes near 2**53."""
    return np.bincount(person, minor.astype(float), many)


def worth_more(quality: dict[str, Any]) -> Estimate | Refused:
    """The longest comparison of contribution there is: over the long window, else over the short one.

    Example
    -------
    >>> worth_more({"contribution_long_ratio": Refused("x", 0, 1, "", ""), "contribution_short_ratio": 7})
    7
    """
    long = quality["contribution_long_ratio"]
    return quality["contribution_short_ratio"] if isinstance(long, Refused) else long
