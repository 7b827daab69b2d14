"""The comparisons that reports make, and what is wrong with them: shown first, to be corrected.

Members against the rest, and before against after. Neither says what joining causes: whoever joins bought more anyway
(self-selection), and has just bought (that is why they were asked). Joiners against the rest from the first order on,
the third of these comparisons, is taken apart in `immortal`. The numbers here are descriptions, with intervals.

Opens no files and draws nothing. Everything starts from `histories.Histories`; a customer is the unit of chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, NEVER, Histories, window_sum
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share

CUSTOMERS_AT_LEAST = 30  # on each side; with fewer no comparison is stated
JUST_BEFORE_DAYS = 14  # an order so shortly before joining is what led to it, more often than not

MEASURES = {
    "orders": ("orders per customer", Words("人均订单数", "orders per customer")),
    "spend": ("money per customer", Words("人均销售额", "spend per customer")),
    "contribution": ("money per customer", Words("人均贡献毛利", "contribution per customer")),
    "bought": ("share", Words("下单客户占比", "share of customers who bought")),
}
AGAINST_KEYS = (
    *("customers_members", "customers_others"),
    *(f"{name}_{part}" for name in MEASURES for part in ("members", "others", "difference", "ratio")),
)
VERSIONS = ("all", "settled", "shifted")
AFTER_KEYS = (
    *(f"{version}_{part}" for version in VERSIONS for part in ("joiners", "before", "after", "difference", "ratio")),
    "ordered_just_before",
)


def members_against_others(histories: Histories, days: int = 90, level: float = LEVEL) -> dict[str, Estimate | Refused]:
    """Customers who were members when the last `days` days began, against all other customers: the figure of reports.

    Histories  ->  dict of Estimate, or Refused

    Parameters
    ----------
    histories : Histories
    days : int
        Length of the window at the end of the data. Who joins within it counts with the others: nobody's group is
        decided by what came later.
    level : float
        Coverage of the intervals.

    Returns
    -------
    dict
        customers_members, customers_others : counts. For orders, spend, contribution and bought (share who ordered):
        <name>_members, <name>_others, <name>_difference (members less others), <name>_ratio ("times"). Refused with
        fewer than 30 customers on a side, where contribution is not known, and for a ratio to nothing.

    Notes
    -----
    Not an effect of joining: the members are those who would have bought more anyway. Ratio: delta method on the log
    scale. Difference of shares: Newcombe (1998), Statistics in Medicine 17, 873-890.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": range(80), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-01")})
    >>> more = log[:40].assign(ordered_at=pd.Timestamp("2024-06-01"))
    >>> stays = pd.DataFrame({"customer_id": range(20, 60), "joined_at": pd.Timestamp("2024-02-01")})
    >>> from siyu_helpers.analysis.effect.histories import read_histories
    >>> found = members_against_others(read_histories(pd.concat([log, more]), stays, "2024-06-30"))
    >>> found["bought_members"].value, found["orders_ratio"].value
    (0.5, 1.0)
    """
    order_log.at_least_one("days", days)
    check_level(level)
    begin = histories.end - days * DAY
    known = np.flatnonzero(histories.first_order < begin)
    member = histories.joined[known] < begin
    few = min(int(member.sum()), int((~member).sum()))
    if few < CUSTOMERS_AT_LEAST:
        return dict.fromkeys(AGAINST_KEYS, too_few(few))
    clause = Words(
        f"数据最后 {days} 天；期初已加入私域的客户，对比期初已有订单而未加入的客户；{_money_words(histories).zh}",
        f"last {days} days of the data; customers who were members when they began against all others who had ordered "
        f"by then; {_money_words(histories).en}",
    )
    found = {}
    for key, side in (("members", member), ("others", ~member)):
        words = Words(f"客户数；{clause.zh}", f"customers; {clause.en}")
        n = int(side.sum())
        found[f"customers_{key}"] = Estimate.exact(n, n, "customers", words, members_against_others)
    begins, ends = (np.full(len(known), moment) for moment in (begin, histories.end))
    for name, (unit, what) in MEASURES.items():
        values = _values(histories, name, known, begins, ends)
        definition = Words(f"{what.zh}；{clause.zh}", f"{what.en}; {clause.en}")
        sides = (values[member], values[~member]) if values is not None else None
        found |= _sides(name, sides, unit, definition, level)
    return {key: found[key] for key in AGAINST_KEYS}


def before_against_after(histories: Histories, days: int = 90, level: float = LEVEL) -> dict[str, Estimate | Refused]:
    """Orders of joiners in the days before joining against the days after: the other figure of reports.

    Histories  ->  dict of Estimate, or Refused

    Three versions of the days before, because the answer hangs on them. all: every joiner with both windows in the data
    and an order before joining, as reports do it; who first ordered a week before joining was a customer for a week
    only. settled: joiners who first ordered before the window began. shifted: the same, with the window before ending
    30 days earlier, so that the order which led to joining does not lie in it. Customers are asked to join when they
    have just ordered; after such a high point orders fall whatever is done (regression to the mean).

    Parameters
    ----------
    histories : Histories
    days : int
        Length of both windows.
    level : float
        Coverage of the intervals.

    Returns
    -------
    dict
        For each version: <version>_joiners (count), _before, _after (orders per customer), _difference, _ratio
        ("times"). ordered_just_before : share of joiners (version all) with an order in the 14 days before joining.
        Refused with fewer than 30 joiners, and for a ratio to nothing.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": range(40), "amount": 9.0, "ordered_at": pd.Timestamp("2024-03-01")})
    >>> more = log[:20].assign(ordered_at=pd.Timestamp("2024-03-20"))
    >>> stays = pd.DataFrame({"customer_id": range(40), "joined_at": pd.Timestamp("2024-03-15")})
    >>> from siyu_helpers.analysis.effect.histories import read_histories
    >>> found = before_against_after(read_histories(pd.concat([log, more]), stays, "2024-06-30"), days=14)
    >>> found["all_before"].value, found["all_after"].value, found["settled_before"].seen
    (1.0, 0.5, 0)
    """
    order_log.at_least_one("days", days)
    check_level(level)
    start = int(histories.first_order.min()) // DAY * DAY if len(histories.first_order) else 0
    found: dict[str, Estimate | Refused] = {}
    for version in VERSIONS:
        gap = 30 * DAY if version == "shifted" else 0
        who = _joiners(histories, days * DAY, start, gap, settled=version != "all")
        joined = histories.joined[who]
        before = window_sum(histories, "orders", who, joined - gap - days * DAY, joined - gap)
        after = window_sum(histories, "orders", who, joined, joined + days * DAY)
        found |= _paired(version, before.astype(float), after.astype(float), days, level)
        if version == "all":
            recent = window_sum(histories, "orders", who, joined - JUST_BEFORE_DAYS * DAY, joined) > 0
            found["ordered_just_before"] = _just_before(recent, level)
    return {key: found[key] for key in AFTER_KEYS}


def months_around_joining(histories: Histories, months: int = 3, level: float = LEVEL) -> pd.DataFrame:
    """Orders per joiner in each 30 days before and after joining, each month over those who were customers by then.

    Histories  ->  table (month), 2 x months rows

    Parameters
    ----------
    histories : Histories
    months : int
        Blocks of 30 days on each side.
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        month : -1 is the 30 days before joining, 1 the 30 days from joining on. customers : joiners who first ordered
        before the block began and before joining, and whose block lies within the data. orders (_low, _high) : per
        customer; blank (NaN) with fewer than 30 customers.

    Notes
    -----
    The peak just before joining is the order that led to it. What follows falls from there with or without a pool.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": range(40), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-01")})
    >>> stays = pd.DataFrame({"customer_id": range(40), "joined_at": pd.Timestamp("2024-01-20")})
    >>> from siyu_helpers.analysis.effect.histories import read_histories
    >>> months_around_joining(read_histories(log, stays, "2024-06-30"), 1)[["month", "customers", "orders"]]
       month  customers  orders
    0     -1          0     NaN
    1      1         40     0.0
    """
    order_log.at_least_one("months", months)
    reach = stats.norm.ppf((1 + check_level(level)) / 2)
    rows = []
    for month in [*range(-months, 0), *range(1, months + 1)]:
        offset = (month if month < 0 else month - 1) * 30 * DAY
        begin = histories.joined + offset
        there = (histories.joined < NEVER) & (begin + 30 * DAY <= histories.end)
        there &= (histories.first_order < begin) & (histories.first_order < histories.joined)
        who = np.flatnonzero(there)
        counts = window_sum(histories, "orders", who, begin[who], begin[who] + 30 * DAY)
        stated = len(who) >= CUSTOMERS_AT_LEAST
        mean = counts.mean() if stated else math.nan
        half = reach * counts.std(ddof=1) / math.sqrt(len(who)) if stated else math.nan
        rows.append((month, len(who), mean, mean - half, mean + half))
    return pd.DataFrame(rows, columns=["month", "customers", "orders", "orders_low", "orders_high"])


# --- two groups of customers ---


def _values(histories: Histories, name: str, who, begin, end) -> np.ndarray | None:
    """One number a customer over a window; None where contribution is not known."""
    if name == "contribution" and not math.isfinite(histories.worth):
        return None
    sums = window_sum(histories, "orders" if name == "bought" else name, who, begin, end)
    scale = {"spend": 1 / order_log.MONEY_SCALE, "contribution": histories.worth}.get(name, 1)
    return (sums > 0).astype(float) if name == "bought" else sums * scale


def _sides(name: str, sides, unit: str, definition: Words, level: float) -> dict[str, Estimate | Refused]:
    """Both sides, their difference and their ratio, of one measure."""
    keys = [f"{name}_{part}" for part in ("members", "others", "difference", "ratio")]
    if sides is None:
        return dict.fromkeys(keys, order_log.no_contribution())
    n = sum(map(len, sides))
    means = [float(side.mean()) for side in sides]
    errors = [side.std(ddof=1) / math.sqrt(len(side)) for side in sides]
    reach = stats.norm.ppf((1 + level) / 2)
    found: list[Estimate | Refused] = []
    for zh, en, side, mean, error in zip(
        ("私域客户", "其他客户"), ("members", "others"), sides, means, errors, strict=True
    ):
        words = Words(f"{zh}：{definition.zh}", f"{en}: {definition.en}")
        if name == "bought":
            found.append(share(int(side.sum()), len(side), level, words, members_against_others))
        else:
            low, high = mean - reach * error, mean + reach * error
            found.append(Estimate(mean, low, high, level, len(side), unit, words, members_against_others))
    words = Words(f"私域客户减其他客户：{definition.zh}", f"members less others: {definition.en}")
    gap, half = means[0] - means[1], reach * math.hypot(*errors)
    ends = (gap - half, gap + half)
    if name == "bought":
        counts = [number for side in sides for number in (int(side.sum()), len(side))]
        ends = confint_proportions_2indep(*counts, method="newcomb", alpha=1 - level)
        gap, ends, unit = 100 * gap, (100 * ends[0], 100 * ends[1]), "percentage points"
    found.append(Estimate(gap, *ends, level, n, unit, words, members_against_others))
    words = Words(f"私域客户÷其他客户：{definition.zh}", f"members over others: {definition.en}")
    found.append(_ratio(*means, *errors, 0.0, n, words, members_against_others, level))
    return dict(zip(keys, found, strict=True))


def _ratio(
    top: float,
    bottom: float,
    top_error: float,
    bottom_error: float,
    covariance: float,
    n: int,
    definition: Words,
    function: Callable[..., Any],
    level: float,
) -> Estimate | Refused:
    """Ratio of two positive means, with an interval on the log scale."""
    if not (top > 0 and bottom > 0):
        return Refused(
            "something to compare", min(top, bottom), "> 0",
            "其中一方为零，算不出倍数。", "One side has none, so there is no ratio.",
        )  # fmt: skip
    spread = (top_error / top) ** 2 + (bottom_error / bottom) ** 2 - 2 * covariance / (top * bottom)
    reach = stats.norm.ppf((1 + level) / 2) * math.sqrt(max(spread, 0.0))
    value = top / bottom
    return Estimate(value, value * math.exp(-reach), value * math.exp(reach), level, n, "times", definition, function)


def too_few(seen: int) -> Refused:
    """Why two groups are not compared."""
    return Refused(
        "customers on each side", seen, CUSTOMERS_AT_LEAST,
        f"较少的一方只有 {seen} 位客户，少于 {CUSTOMERS_AT_LEAST} 位，不作比较。",
        f"The smaller side has {seen} customers, fewer than {CUSTOMERS_AT_LEAST}: no comparison.",
    )  # fmt: skip


def _money_words(histories: Histories) -> Words:
    rule = histories.facts.get("contribution", "none")
    refunds = order_log.REFUND_WORDS[histories.facts.get("refunds", "unsaid")]
    if rule == "none":
        return refunds
    contribution = order_log.contribution_words(rule, histories.facts.get("gross_margin"))
    return Words(f"{refunds.zh}；{contribution.zh}", f"{refunds.en}; {contribution.en}")


# --- before and after ---


def _joiners(histories: Histories, window: int, start: int, gap: int, settled: bool) -> np.ndarray:
    """Joiners with an order before joining and both windows within the data."""
    joined = histories.joined
    kept = (joined < NEVER) & (histories.first_order < joined)
    kept &= (joined + window <= histories.end) & (joined - gap - window >= start)
    if settled:
        kept &= histories.first_order < joined - gap - window
    return np.flatnonzero(kept)


def _paired(version: str, before: np.ndarray, after: np.ndarray, days: int, level: float):
    """Before, after, difference and ratio of one version; the same customers stand on both sides."""
    keys = [f"{version}_{part}" for part in ("joiners", "before", "after", "difference", "ratio")]
    n, function = len(before), before_against_after
    if n < CUSTOMERS_AT_LEAST:
        return dict.fromkeys(keys, too_few(n))
    which = _version_words(version, days)
    reach = stats.norm.ppf((1 + level) / 2)

    def mean(values: np.ndarray, zh: str, en: str) -> Estimate:
        half = reach * values.std(ddof=1) / math.sqrt(n)
        words = Words(f"{zh}；{which.zh}", f"{en}; {which.en}")
        value = values.mean()
        return Estimate(value, value - half, value + half, level, n, "orders per customer", words, function)

    of = Words(f"加入私域的客户数；{which.zh}", f"joiners; {which.en}")
    ratio_words = Words(f"加入后÷加入前的订单数；{which.zh}", f"orders after over orders before; {which.en}")
    moments = np.cov(np.vstack([after, before])) / n
    found = (
        Estimate.exact(n, n, "customers", of, function),
        mean(before, f"加入前 {days} 天人均订单数", f"orders per joiner in the {days} days before"),
        mean(after, f"加入后 {days} 天人均订单数", f"orders per joiner in the {days} days after"),
        mean(after - before, "加入后减加入前的人均订单数", "orders per joiner after less before"),
        _ratio(after.mean(), before.mean(), *np.sqrt(np.diag(moments)), moments[0, 1], n, ratio_words, function, level),
    )
    return dict(zip(keys, found, strict=True))


def _version_words(version: str, days: int) -> Words:
    return {
        "all": Words(
            "加入前已下过单、前后两个窗口都在数据期内的全部加入者",
            "all joiners who had ordered before and whose two windows lie within the data",
        ),
        "settled": Words(
            f"只看首单早于加入前 {days} 天的加入者",
            f"only joiners who first ordered more than {days} days before joining",
        ),
        "shifted": Words(
            f"只看首单早于加入前 {days + 30} 天的加入者，加入前的窗口提前 30 天结束，避开促成加入的那一单",
            f"only joiners who first ordered more than {days + 30} days before joining; the window before ends 30 days "
            "before joining, without the order that led to it",
        ),
    }[version]


def _just_before(recent: np.ndarray, level: float) -> Estimate | Refused:
    if len(recent) < CUSTOMERS_AT_LEAST:
        return too_few(len(recent))
    words = Words(
        f"加入前 {JUST_BEFORE_DAYS} 天内下过单的加入者占比",
        f"share of joiners with an order in the {JUST_BEFORE_DAYS} days before joining",
    )
    return share(int(recent.sum()), len(recent), level, words, before_against_after)
