"""Contact pressure as a rule of thumb: two visits a month against thirty messages is fifteen contacts a visit.

The estimates themselves are made in `effect.contact_pressure` and `effect.best_frequency`.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

CASE_MESSAGES, CASE_PURCHASES = 30.0, 2.0  # a month: a guest who eats out twice, and is written to every day
VERDICTS = ("too many", "too few", "in range", "not settled")  # of `best_frequency.frequency_verdict`
FIGURES = ("pressure", "messages_per_month", "orders_per_month", "without_order")


def contact_pressure(messages_per_month: float, purchases_per_month: float) -> float:
    """Messages that a customer gets for each purchase.

    Parameters
    ----------
    messages_per_month, purchases_per_month : float
        Of one customer, or means over the same customers.

    Returns
    -------
    float, messages per purchase. 0.0 where no message is sent; infinite where messages are sent and nothing is bought:
    a rule that compares it with a limit still holds. An Estimate cannot be made of it then.

    Raises
    ------
    ValueError
        A number that is negative, blank or infinite.

    Example
    -------
    >>> contact_pressure(30, 2), contact_pressure(0, 0), contact_pressure(4, 0)
    (15.0, 0.0, inf)
    """
    for name, number in (("messages_per_month", messages_per_month), ("purchases_per_month", purchases_per_month)):
        if not (math.isfinite(number) and number >= 0):
            raise ValueError(f"{name} must be a number, 0 or more; got {number!r}")
    if not messages_per_month:
        return 0.0
    return float(messages_per_month / purchases_per_month) if purchases_per_month else math.inf


def contact_rule(
    pressures: Mapping[str, Estimate | Refused], verdict: str, best: Estimate | Refused | None = None
) -> RuleResult:
    """Whether the brand writes too often for how often its customers buy.

    dict of Estimate, verdict of the lot  ->  RuleResult

    Parameters
    ----------
    pressures : dict
        From `effect.contact_pressure.contact_pressure`: pressure, messages_per_month, orders_per_month, without_order.
    verdict : str
        From `effect.best_frequency.frequency_verdict`: "too many", "too few", "in range" or "not settled".
    best : Estimate or Refused, optional
        Number of messages a month that is worth most.

    Returns
    -------
    RuleResult "contact_pressure" with the figures contact_pressure_case, contact_pressure (messages per purchase),
    contact_messages, contact_purchases (a month), contact_without_order, contact_best. "agrees" where the lot found
    too many; "disagrees" where it found that the number is right or could be larger.

    Raises
    ------
    ValueError
        For a verdict that is none of the four.

    Example
    -------
    >>> rule = contact_rule({}, "too many")
    >>> rule.agrees, rule.figures["contact_pressure_case"].value, rule.figures["contact_pressure"].gate
    ('agrees', 15.0, 'messages')
    """
    if verdict not in VERDICTS:
        raise ValueError(f"verdict={verdict!r}: use one of {VERDICTS}")
    pressure, messages, purchases, without = (pressures.get(name) or _no_figures() for name in FIGURES)
    figures = {
        "contact_pressure_case": Estimate.exact(
            contact_pressure(CASE_MESSAGES, CASE_PURCHASES), 1, "messages per purchase", _CASE, contact_pressure
        ),
        "contact_pressure": pressure,
        "contact_messages": messages,
        "contact_purchases": purchases,
        "contact_without_order": without,
        "contact_best": best if best is not None else _no_lot(),
    }
    agrees = {"too many": AGREES, "too few": DISAGREES, "in range": DISAGREES}.get(verdict, OPEN)
    return RuleResult("contact_pressure", _CLAIM, figures, agrees, _READING[verdict])


_CASE = Words(
    "案例：每天 1 条，一个月 30 条消息 ÷ 一个月到店 2 次",
    "the case: 30 messages a month, one a day / 2 visits a month",
)
_CLAIM = Words(
    "客人一个月只来吃两次，却要忍受你 30 天的轰炸：一次消费对应 15 条消息",
    "a guest eats with you twice a month and has to bear 30 days of bombardment: 15 messages a visit",
)
_READING = {
    "too many": Words(
        "按抽签分组的结果，本品牌的促销消息也发得太多：先减量，再谈扩大私域",
        "by random draw, this brand too sends too many promotions: fewer first, a larger pool later",
    ),
    "in range": Words(
        "按抽签分组的结果，目前的条数在合适的范围内：骚扰之说在本品牌没有得到证实",
        "by random draw, the present number is in the right range: this brand does not bombard its customers",
    ),
    "too few": Words(
        "按抽签分组的结果，再多发一些仍然划算：骚扰之说在本品牌没有得到证实",
        "by random draw, more messages would still pay: this brand does not bombard its customers",
    ),
    "not settled": Words(
        "每次消费对应多少条消息可以算出；是否过多，要随机分组、发送不同条数才能判断",
        "messages per purchase can be counted; whether they are too many takes groups drawn at random that get "
        "different numbers",
    ),
}


def _no_figures() -> Refused:
    return Refused(
        "messages", 0, 1,
        "没有发给私域客户的消息记录，每次消费对应多少条消息无从计算。",
        "No messages to customers in the pool are recorded: messages per purchase cannot be counted.",
    )  # fmt: skip


def _no_lot() -> Refused:
    return Refused(
        "a lot", 0, 1,
        "没有随机分组发送不同条数，多少条最合适无从判断。",
        "No groups drawn at random got different numbers of messages, so which number is best cannot be told.",
    )  # fmt: skip
