"""Ten thousand customers added: is the channel free, and how long does it last?

Opens no files and draws nothing.
"""

from __future__ import annotations

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool.from_draws import median_of_draws
from siyu_helpers.analysis.pool.inputs import PoolInputs, draws_of
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult
from siyu_helpers.analysis.pool.value import EARNED, flows

CASE_CUSTOMERS = 10_000
MONTHS = 12
DRAWS = 2_000


def free_channel(
    inputs: PoolInputs,
    read_share: float | None = None,
    customers: float = CASE_CUSTOMERS,
    months: int = MONTHS,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> RuleResult:
    """What a channel to ten thousand customers costs per message, and how many of them are left after a year.

    PoolInputs  ->  RuleResult

    Parameters
    ----------
    inputs : PoolInputs
        The brand's, its fixed costs as they are; nobody is recruited after the first day.
    read_share : float, optional
        Share of the messages that are read; None: not known.
    customers : number
        Added on the first day.
    months, draws, seed, level

    Returns
    -------
    RuleResult "free_channel" with figures
        channel_left : customers left at the end. channel_sent : messages sent. channel_cost_per_message : messages,
        service, staff, tools and content over the messages sent. channel_cost_per_read : the same over those read.
        channel_worth_per_message : what the pool adds and saves over the messages sent.
    agrees: "disagrees" where a message costs something, with everything that it takes.

    Raises
    ------
    ValueError
        A read share outside 0 to 1, months or draws below 1, a negative number of customers.

    Example
    -------
    >>> inputs = PoolInputs(0, 0.5, 0.2, 200, 0.4, churn=0.05, messages_per_month=4, staff_cost=10_000)
    >>> found = free_channel(inputs, read_share=0.5)
    >>> [round(found.figures[f"channel_{key}"].value, 2) for key in ("left", "cost_per_message", "cost_per_read")]
    [5403.6, 0.33, 0.67]
    """
    for name, number in (("months", months), ("draws", draws)):
        order_log.at_least_one(name, number)
    if read_share is not None and not 0 <= read_share <= 1:
        raise ValueError(f"read_share must lie between 0 and 1, or be None; got {read_share!r}")
    level = check_level(level)
    drawn = draws_of(inputs.replaced(opening_members=customers, joiners_per_month=0.0), draws, seed)
    parts = flows(drawn, months)
    sent = (parts["members"] * drawn["messages_per_month"]).sum(axis=0)
    cost = sum(parts[name] for name in ("messages", "service", "fixed")).sum(axis=0)
    earned = sum(parts[name] for name in EARNED).sum(axis=0)
    words = {key: Words(*(text.format(months=months, many=f"{customers:,.0f}") for text in both))
             for key, both in _WORDS.items()}  # fmt: skip
    figures = dict.fromkeys(_WORDS, _no_messages()) | {
        "channel_left": median_of_draws(parts["closing"][-1], "customers", words["channel_left"], level, free_channel)
    }
    if (sent > 0).all():
        values = {"channel_sent": (sent, "messages"), "channel_cost_per_message": (cost / sent, "money per message"),
                  "channel_worth_per_message": (earned / sent, "money per message")}  # fmt: skip
        if read_share:
            values["channel_cost_per_read"] = (cost / sent / read_share, "money per message")
        figures["channel_cost_per_read"] = _not_read()
        figures |= {
            key: median_of_draws(amount, unit, words[key], level, free_channel)
            for key, (amount, unit) in values.items()
        }
    agrees = _agrees(figures["channel_cost_per_message"])
    return RuleResult("free_channel", _CLAIM, figures, agrees, _READING[agrees])


def _agrees(cost: Estimate | Refused) -> str:
    if isinstance(cost, Refused):
        return OPEN
    return DISAGREES if cost.value > 0 else AGREES


def _no_messages() -> Refused:
    return Refused("messages", 0, "> 0", "不向私域客户发送促销消息，每条消息的费用无从谈起。",
                   "No promotions are sent to the pool, so a message has no cost.")  # fmt: skip


def _not_read() -> Refused:
    return Refused(
        "messages read", "not known", "> 0",
        "消息是否已读没有记录，或没有人读，每条已读消息的费用无从谈起。",
        "It is not recorded whether messages are read, or none is: the cost of one read is not known.",
    )  # fmt: skip


_WORDS = {
    "channel_left": Words(
        "加入 {many} 位客户、之后不再引流，{months} 个月后还剩的客户数（含老带新）",
        "of {many} customers added at once, those left after {months} months without recruiting, referred joiners "
        "included",
    ),
    "channel_sent": Words("{months} 个月内发给他们的促销消息条数", "promotions sent to them within {months} months"),
    "channel_cost_per_message": Words(
        "{months} 个月的消息、服务、人员、工具与内容费用 ÷ 发出的消息条数",
        "messages, service, staff, tools and content over {months} months / messages sent",
    ),
    "channel_cost_per_read": Words(
        "{months} 个月的消息、服务、人员、工具与内容费用 ÷ 已读的消息条数",
        "messages, service, staff, tools and content over {months} months / messages read",
    ),
    "channel_worth_per_message": Words(
        "{months} 个月内私域多带来的贡献毛利与节省 ÷ 发出的消息条数",
        "what the pool adds and saves over {months} months / messages sent",
    ),
}
_CLAIM = Words(
    "假如有 1 万位客户加了你的微信，就等于有了一个免费的推广渠道",
    "if 10,000 customers add you on WeChat, you have a promotion channel for free",
)
_READING = {
    DISAGREES: Words(
        "渠道不是免费的：人员、工具和内容都要花钱，名单也会逐月缩小",
        "the channel is not free: staff, tools and content cost money, and the list shrinks month by month",
    ),
    AGREES: Words(
        "没有记录任何费用，账面上是免费的；请核对人员、工具和内容的费用是否漏记",
        "no cost is recorded, so it is free on paper; check whether staff, tools and content were left out",
    ),
    OPEN: Words(
        "不向客户发送促销消息，这条渠道没有用起来，费用无从比较",
        "no promotions are sent: the channel is not used, and there is no cost to compare",
    ),
}
