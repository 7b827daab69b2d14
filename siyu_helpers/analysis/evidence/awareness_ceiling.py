"""How far a closed pool can reach: its share of the buyers, of the market, and of those who are new.

Opens no files and draws nothing. Orders and members may be any frames that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, share
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.accounts import members_now
from siyu_helpers.analysis.pool.evidence import Evidence, OrderRows, order_rows
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
YEAR = 365
HALF = 0.5


def awareness_ceiling(
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    market_customers: float | None = None,
    days: int = YEAR,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """How far a closed pool can reach: its share of the brand's customers, of the market, and of who is new.

    orders (one paid order), members (one stay)  ->  Evidence: table (whom it reaches), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`; orders may be OrderRows that hold referrer_id.
    members : frame, or None
    market_customers : float, optional
        Customers that the market has; no table says it.
    days : int
        Buyers and new customers of so many last days.

    Returns
    -------
    Evidence
        table : group ("pool", "buyers", "customers", "market"), customers; market is absent where not given.
        figures : ceiling_pool (customers in the pool now), ceiling_buyers (share of the buyers of these days who are in
        it), ceiling_new_outside (new customers of these days who were not in the pool before their first order and
        whom nobody of the customers brought / new customers), ceiling_market (pool / market).
        rule : agrees where clearly most new customers came from outside the pool and without referral; disagrees where
        clearly fewer than half did.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": range(200), "amount": 9.0, "ordered_at": pd.Timestamp("2024-06-05")})
    >>> stays = pd.DataFrame({"customer_id": range(50), "joined_at": pd.Timestamp("2024-07-01")})
    >>> found = awareness_ceiling(log, stays, "2024-12-31", market_customers=10_000)
    >>> [round(number.value, 3) for number in found.figures.values()], found.rule.agrees
    ([50.0, 0.25, 1.0, 0.005], 'agrees')
    """
    order_log.at_least_one("days", days)
    if market_customers is not None and not (math.isfinite(market_customers) and market_customers > 0):
        raise ValueError(f"market_customers must be a number above 0, or None; got {market_customers!r}")
    rows = order_rows(orders, observed_until, (), ("referrer_id",))
    refused = evidence.no_column("members", "", "私域成员记录", "record of who joined the pool")
    keys = ("ceiling_pool", "ceiling_buyers", "ceiling_new_outside", "ceiling_market")
    if members is None:
        figures: dict[str, Estimate | Refused] = dict.fromkeys(keys, refused)
        table = pd.DataFrame(columns=["group", "customers"])
        return Evidence(table, figures, RuleResult("awareness_ceiling", _CLOSED, figures, OPEN, _CLOSED_READING[OPEN]))
    inside = members_now(members, observed_until)
    bought = rows.per_customer((rows.day > rows.until - days).astype(float)) > 0
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    new &= rows.first_day > rows.until - days
    outside = _outside(rows, members)
    figures = {
        "ceiling_pool": Estimate.exact(len(inside), len(inside), "customers", Words(
            "数据末日在私域的客户", "customers in the pool on the last day"), awareness_ceiling),
        "ceiling_buyers": _of(pd.Index(rows.customers[bought]).isin(inside), level, Words(
            f"最近 {days} 天下过单的客户中，现在在私域的占比",
            f"of the customers with an order in the last {days} days, share in the pool now")),
        "ceiling_new_outside": _of(outside[new], level, Words(
            f"最近 {days} 天的新客中，首单前不在私域、也没有老客推荐记录的占比",
            f"of the new customers of the last {days} days, share who were not in the pool before their first order "
            "and for whom no referrer is recorded")),
        "ceiling_market": _of_market(len(inside), market_customers),
    }  # fmt: skip
    groups = [("pool", len(inside)), ("buyers", int(bought.sum())), ("customers", len(rows.customers))]
    groups += [] if market_customers is None else [("market", market_customers)]
    found, agrees = figures["ceiling_new_outside"], OPEN
    if isinstance(found, Estimate):
        agrees = AGREES if found.low > HALF else DISAGREES if found.high < HALF else OPEN
    rule = RuleResult("awareness_ceiling", _CLOSED, figures, agrees, _CLOSED_READING[agrees])
    return Evidence(pd.DataFrame(groups, columns=["group", "customers"]), figures, rule)


def _outside(rows: OrderRows, members: Any) -> np.ndarray:
    """Which customers were not in the pool before their first order, and whom nobody is recorded to have brought."""
    if not len(rows.customers):
        return np.zeros(0, dtype=bool)
    person, joined, _ = evidence.stays_of(rows, members)
    earliest = np.full(len(rows.customers), np.iinfo(np.int64).max)
    np.minimum.at(earliest, person, joined)
    known = earliest < rows.at[rows.starts]
    if "referrer_id" in rows.texts:
        known |= pd.notna(rows.texts["referrer_id"][rows.starts])
    return ~known


def _of(flags: np.ndarray, level: float, words: Words) -> Estimate | Refused:
    if refused := evidence.too_few(len(flags)):
        return refused
    return share(int(np.sum(flags)), len(flags), level, words, awareness_ceiling)


def _of_market(pool: int, market: float | None) -> Estimate | Refused:
    if market is None:
        return Refused(
            "market", "none", "market_customers",
            "没有给出市场的客户总数，算不出私域占市场的多少。",
            "The number of customers in the market is not given: the pool's share of it is not known.",
        )  # fmt: skip
    words = Words("现在私域的客户 ÷ 给定的市场客户数", "customers in the pool now / customers of the market, as given")
    return Estimate.exact(pool / market, pool, "share", words, awareness_ceiling)


_CLOSED = Words(
    "私域封闭或半封闭，覆盖有限，难以打开知名度",
    "a pool is closed or half closed: its coverage is limited, and it builds little awareness",
)
_CLOSED_READING = {
    AGREES: Words(
        "多数新客首单前不在私域、也没有推荐人：拉新还要靠公域，私域管的是之后",
        "most new customers came from outside the pool and without a referrer: acquisition still hangs on public "
        "channels, and the pool on what comes after",
    ),
    DISAGREES: Words(
        "多数新客首单前已在私域或由老客推荐：私域能否拉新，值得用实验验证",
        "most new customers were in the pool before, or referred: that it brings customers is worth a test",
    ),
    OPEN: Words(
        "没有私域成员记录、新客太少，或两边相当，看不出新客从哪里来",
        "members are not recorded, new customers too few, or about half: where they come from cannot be told",
    ),
}
