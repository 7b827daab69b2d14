"""Harvest or cultivate: more messages sell more now, and empty the pool sooner.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool.from_draws import ends_of, median_of_draws, month_of_draws
from siyu_helpers.analysis.pool.inputs import PoolInputs, draws_of
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult
from siyu_helpers.analysis.pool.value import flows

MONTHS = 36
DRAWS = 2_000
COLUMNS = ["month", "members_harvest", "members_cultivate", "gain", "gain_low", "gain_high"]
FIGURES = ("harvest_gain", "harvest_crossover", "harvest_members_kept", "harvest_response_limit")


class Harvest(NamedTuple):
    """Present messages against fewer: month by month, and the rule."""

    monthly: pd.DataFrame
    rule: RuleResult


def harvest_or_cultivate(
    inputs: PoolInputs,
    fewer_messages: float,
    orders_per_message: float | None = None,
    months: int = MONTHS,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Harvest:
    """Whether fewer messages earn more in the long run, and from which month on.

    PoolInputs, messages a month  ->  Harvest (table by month, rule)

    Parameters
    ----------
    inputs : PoolInputs
        With the present messages_per_month and opt_out_per_message; `uplift` is that under the present messages.
    fewer_messages : float
        Messages a month to compare with; below the present number.
    orders_per_message : float, optional
        Orders that a customer makes more a month for each message more a month. None: not known; gains are then not
        stated, but from which response on the present number would be right.
    months, draws, seed, level

    Returns
    -------
    Harvest
        monthly: month; members_harvest, members_cultivate: customers at the end of the month with the present and with
        fewer messages; gain: discounted net since the start of fewer over present messages, median of the draws
        (gain_low, gain_high); blank where the response is not known.
        rule: figures harvest_gain (at the end), harvest_crossover (month from which on the gain is not below zero any
        more), harvest_members_kept (customers more at the end), harvest_response_limit (orders_per_message above which
        the present number earns more). "agrees" where fewer messages earn more.

    Raises
    ------
    ValueError
        fewer_messages that are not fewer, orders_per_message below 0, months or draws below 1.

    Notes
    -----
    The value is linear in orders_per_message, so the limit needs no search. One chance of opting out per message holds
    for both; where it grows with the number of messages, fewer are better than shown. Nothing keeps orders from falling
    below none, so a response should be small beside the orders a month.

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, 0.5, 100, 0.4, messages_per_month=30, opt_out_per_message=0.005)
    >>> found = harvest_or_cultivate(inputs, 8, orders_per_message=0.001).rule
    >>> found.agrees, found.figures["harvest_gain"].value > 0
    ('agrees', True)
    """
    for name, number in (("months", months), ("draws", draws)):
        order_log.at_least_one(name, number)
    level = check_level(level)
    drawn = draws_of(inputs, draws, seed)
    if not 0 <= fewer_messages < np.mean(drawn["messages_per_month"]):
        raise ValueError(f"fewer_messages={fewer_messages!r}: use a number below the present messages a month")
    if orders_per_message is not None and not 0 <= orders_per_message < math.inf:
        raise ValueError(f"orders_per_message must be a number, 0 or more, or None; got {orders_per_message!r}")
    present = flows(drawn, months)
    usual = drawn["orders_per_month"]
    # Where nobody orders there is no uplift to lose.
    step = np.where(usual > 0, (drawn["messages_per_month"] - fewer_messages) / np.where(usual > 0, usual, 1), 0.0)
    none, one = (flows(_with(drawn, fewer_messages, response * step), months) for response in (0.0, 1e-3))
    start = none["cumulative"] - present["cumulative"]
    slope = (one["cumulative"] - none["cumulative"]) / 1e-3  # below zero: what fewer messages do not sell
    gain = None if orders_per_message is None else start + (slope * orders_per_message if orders_per_message else 0)
    figures = _figures(start, slope, gain, none["closing"][-1] - present["closing"][-1], months, level)
    table = pd.DataFrame({"month": np.arange(1, months + 1), "members_harvest": present["closing"].mean(axis=1),
                          "members_cultivate": none["closing"].mean(axis=1)})  # fmt: skip
    blank = np.full((3, months), math.nan)
    middle = blank if gain is None else np.quantile(gain, [0.5, (1 - level) / 2, (1 + level) / 2], axis=1)
    table["gain"], table["gain_low"], table["gain_high"] = middle
    agrees = _agrees(figures["harvest_gain"])
    return Harvest(table[COLUMNS], RuleResult("harvest", _CLAIM, figures, agrees, _READING[agrees]))


def _with(drawn: dict[str, np.ndarray], messages: float, less: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs with fewer messages and what they do not sell, as a smaller uplift."""
    return drawn | {"messages_per_month": np.array([float(messages)]), "uplift": drawn["uplift"] - less}


def _figures(start, slope, gain, kept, months: int, level: float) -> dict[str, Estimate | Refused]:
    words = {key: Words(*(text.format(months=months) for text in both)) for key, both in _WORDS.items()}
    unknown = Refused(
        "response to messages", "none", "orders_per_message",
        "每多发一条消息能多带来多少订单没有数据，多发与少发孰优无法直接比较。",
        "What one message more brings in orders is not known, so more and fewer cannot be set against each other.",
    )  # fmt: skip
    found: dict[str, Estimate | Refused] = dict.fromkeys(FIGURES, unknown)
    found["harvest_members_kept"] = median_of_draws(
        kept, "customers", words["harvest_members_kept"], level, harvest_or_cultivate
    )
    found["harvest_response_limit"] = _limit(start[-1], slope[-1], words["harvest_response_limit"], level)
    if gain is not None:
        found["harvest_gain"] = median_of_draws(gain[-1], "money", words["harvest_gain"], level, harvest_or_cultivate)
        found["harvest_crossover"] = _crossover(gain, words["harvest_crossover"], level)
    return found


def _limit(start: np.ndarray, slope: np.ndarray, words: Words, level: float) -> Estimate | Refused:
    if not (slope < 0).all():
        return Refused(
            "orders", 0, "> 0",
            "消息多带来的订单不赚钱，或客户本来就不下单，多发消息在任何情况下都不划算。",
            "Orders that messages would add earn nothing, or nobody orders: more messages pay in no case.",
        )  # fmt: skip
    return median_of_draws(np.maximum(start / -slope, 0.0), "orders per customer", words, level, harvest_or_cultivate)


def _crossover(gain: np.ndarray, words: Words, level: float) -> Estimate | Refused:
    """First month from which on the gain stays at or above zero, in each draw."""
    below = gain < 0
    last = np.where(below.any(axis=0), len(gain) - below[::-1].argmax(axis=0), 0) + 1.0
    never = Refused(
        "crossover", f"> {len(gain)}", len(gain),
        f"{len(gain)} 个月之内，少发消息没有赶上多发。",
        f"Within {len(gain)} months fewer messages do not catch up with the present number.",
    )  # fmt: skip
    return month_of_draws(np.where(last > len(gain), math.inf, last), words, level, harvest_or_cultivate, never)


def _agrees(gain: Estimate | Refused) -> str:
    if isinstance(gain, Refused):
        return OPEN
    low, high = ends_of(gain)
    return AGREES if low > 0 else DISAGREES if high < 0 else OPEN


_WORDS = {
    "harvest_gain": Words(
        "{months} 个月的净值：少发消息 － 维持现在的条数（折现）",
        "net value over {months} months: fewer messages, less the present number (discounted)",
    ),
    "harvest_crossover": Words(
        "从第几个月末起，少发消息的累计净值不再低于多发",
        "month from which on fewer messages have earned no less in total",
    ),
    "harvest_members_kept": Words(
        "{months} 个月后，少发消息比维持现在的条数多留下的客户数",
        "customers more in the pool after {months} months with fewer messages",
    ),
    "harvest_response_limit": Words(
        "每月每多发一条消息，每位客户每月至少要多下这么多订单，维持现在的条数才划算（{months} 个月内）",
        "orders a month that each message a month has to add per customer for the present number to earn more within "
        "{months} months",
    ),
}
_CLAIM = Words(
    "私域要经营，不要收割：带着割韭菜的思维去做，只会留下一地鸡毛",
    "run a pool, do not harvest it: harvesting leaves a mess",
)
_READING = {
    AGREES: Words(
        "少发消息留下的客户，长期比多发卖出的那些订单更值钱：收割不如经营",
        "the customers whom fewer messages keep are worth more in the long run than the orders more messages sell",
    ),
    DISAGREES: Words(
        "在这段时间里，多发消息带来的订单比流失的客户更值钱：少发并不划算",
        "within this time the orders that more messages sell are worth more than the customers they drive away",
    ),
    OPEN: Words(
        "多发带来的订单能不能抵过流失的客户，按现有的区间还分不出高下",
        "whether the orders make up for the customers driven away cannot be told within these intervals",
    ),
}
