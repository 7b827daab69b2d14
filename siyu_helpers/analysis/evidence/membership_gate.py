"""Membership first: are the customers there are served well enough to recruit more?

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
from siyu_helpers.analysis.pool.product_quality import MOST_REFUNDED
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
YEAR = 365
ACTIVE_DAYS = 90
LEAST_ACTIVE, LEAST_REPEAT = 0.30, 0.25  # ours: below, serve the customers there are before recruiting more


def membership_gate(
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    active_days: int = ACTIVE_DAYS,
    least_active: float = LEAST_ACTIVE,
    least_repeat: float = LEAST_REPEAT,
    most_refunded: float = MOST_REFUNDED,
    level: float = LEVEL,
) -> Evidence:
    """Are the customers there are served well enough to recruit more? Active members, repeat rate, refunds.

    orders (one paid order), members (one stay)  ->  Evidence: table (check), figures, rule

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`; orders may be OrderRows that hold refunded.
    members : frame, or None
        Without members, or with nobody in the pool, all customers of the last year stand in for them.
    active_days : int
        An order within so many last days makes a member active.
    least_active, least_repeat, most_refunded : share
        The gate; ours, to be set for the trade: a toilet seat is not asked for what nappies are.

    Returns
    -------
    Evidence
        table : check, seen, low, high (the figure and its interval), needed, passes (True, False, or None where the
        interval holds the gate or the figure is not known).
        figures : gate_active (members with an order in the last active_days / members now), gate_repeat (customers of
        the last year with two order days or more in it / all), gate_refunded (money paid back in the year / paid).
        rule : agrees (the warning applies: they are not served well) where one clearly fails, disagrees where all three
        pass, "cannot be told" else. Complaints are in no table.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [*range(200)] * 2, "amount": 50.0, "refunded": 0.0,
    ...                     "ordered_at": pd.to_datetime(["2024-01-05"] * 200 + ["2024-06-05"] * 200)})
    >>> membership_gate(log, None, "2024-06-30").table[["check", "seen", "passes"]].values.tolist()
    [['active', 1.0, True], ['repeat', 1.0, True], ['refunded', 0.0, True]]
    """
    order_log.at_least_one("active_days", active_days)
    rows = order_rows(orders, observed_until, ("refunded",))
    year = rows.day > rows.until - YEAR
    recent = rows.per_customer((rows.day > rows.until - active_days).astype(float)) > 0
    days = rows.per_customer((rows.is_purchase & year).astype(float))
    figures = {
        "gate_active": _active(rows, members, observed_until, recent, days > 0, active_days, level),
        "gate_repeat": _of_customers(days[days > 0] >= 2, Words(
            "最近 365 天内有两个及以上下单日的客户 ÷ 同期下过单的客户",
            "customers with two order days or more in the last 365 days / customers with an order in them"), level),
        "gate_refunded": _refunded(rows, year, level),
    }  # fmt: skip
    gates = (("active", "gate_active", least_active, True), ("repeat", "gate_repeat", least_repeat, True),
             ("refunded", "gate_refunded", most_refunded, False))  # fmt: skip
    table = pd.DataFrame([_check(name, figures[key], needed, more) for name, key, needed, more in gates],
                         columns=["check", "seen", "low", "high", "needed", "passes"])  # fmt: skip
    passes = table["passes"].tolist()
    agrees = AGREES if any(one is False for one in passes) else DISAGREES if all(passes) else OPEN
    return Evidence(table, figures, RuleResult("membership_gate", _GATE, figures, agrees, _GATE_READING[agrees]))


def _active(rows, members, observed_until, recent, this_year, active_days: int, level: float) -> Estimate | Refused:
    inside = members_now(members, observed_until) if members is not None else pd.Index([])
    if len(inside):
        place = pd.Index(rows.customers).get_indexer(inside)
        flags = (place >= 0) & (recent[np.maximum(place, 0)] if len(recent) else False)
        return _of_customers(flags, Words(
            f"最近 {active_days} 天下过单的私域客户 ÷ 现在私域的客户",
            f"customers in the pool with an order in the last {active_days} days / customers in the pool now"),
            level)  # fmt: skip
    return _of_customers(recent[this_year], Words(
        f"最近 {active_days} 天下过单的客户 ÷ 最近 365 天下过单的客户（没有私域客户，以全部客户代替）",
        f"customers with an order in the last {active_days} days / in the last 365 (nobody is in a pool: all customers "
        "stand in)"), level)  # fmt: skip


def _of_customers(flags: np.ndarray, words: Words, level: float) -> Estimate | Refused:
    if refused := evidence.too_few(len(flags)):
        return refused
    return share(int(np.sum(flags)), len(flags), level, words, membership_gate)


def _refunded(rows: OrderRows, year: np.ndarray, level: float) -> Estimate | Refused:
    refunded = rows.numbers.get("refunded")
    if refunded is None or not len(refunded) or np.isnan(refunded).all():
        return evidence.no_column("orders", "refunded", "退款金额", "record of refunds")
    paid = np.where(year, rows.numbers["amount"], 0.0)
    back = np.where(year, np.nan_to_num(refunded), 0.0)
    words = Words(
        "最近 365 天退款金额 ÷ 实付金额，空白按 0 计", "refunded / paid in the last 365 days; a blank counts 0"
    )
    return evidence.ratio(rows.per_customer(back), rows.per_customer(paid), level, "share", words, membership_gate)


def _check(name: str, fact: Estimate | Refused, needed: float, more: bool) -> list:
    if isinstance(fact, Refused):
        return [name, math.nan, math.nan, math.nan, needed, None]
    above, below = (fact.low >= needed, fact.high < needed) if more else (fact.high <= needed, fact.low > needed)
    return [name, fact.value, fact.low, fact.high, needed, True if above else False if below else None]


_GATE = Words(
    "会员体系是前提：连会员都服务不好，就别指望私域",
    "membership first: who does not serve members well need not hope for a pool",
)
_GATE_READING = {
    DISAGREES: Words(
        "活跃、复购、退款三项都过线：可以谈扩大私域；投诉与评分不在数据里，仍要人工看",
        "active members, repeat rate and refunds all pass: growing the pool may be talked about; complaints are not in "
        "the data and must be looked at by hand",
    ),
    AGREES: Words(
        "至少一项明显不过线：先把现有客户服务好，再谈扩大私域；门槛要按行业的购买周期调整",
        "at least one clearly fails: serve the customers there are before recruiting more; the gate must be set for "
        "how often the trade's customers buy",
    ),
    OPEN: Words(
        "没有明显不过线的，但有的没有记录或正好在线上，还不能算过关",
        "no check clearly fails, but some are not recorded or lie at the line: not passed yet",
    ),
}
