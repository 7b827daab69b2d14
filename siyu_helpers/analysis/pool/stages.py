"""Whether the brand is large enough for a pool yet, and what becomes of the pool without new customers from outside.

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
from siyu_helpers.analysis.pool.value import flows, staying

NO_BASE, BUILDING, CARRIES, UNSETTLED, NO_SIZE, UNKNOWN = STAGES = (
    "no base yet", "building", "carries itself", "between stages", "no size pays", "cannot be told",
)  # fmt: skip
STAGE_NAMES = {
    NO_BASE: Words("还没有底盘", "no base yet"),
    BUILDING: Words("正在积累", "building"),
    CARRIES: Words("足以自养", "carries itself"),
    UNSETTLED: Words("两个阶段之间", "between stages"),
    NO_SIZE: Words("任何规模都不划算", "no size pays"),
    UNKNOWN: Words("无法判断", "cannot be told"),
}
NO_SIZE_GATE = "contribution per customer"  # of `break_even_size`: a customer costs what it earns, or more
DRAWS = 2_000
HALF_LIFE_WITHIN = 120  # months
TAP_COLUMNS = [
    "month", "closing_open", "closing_open_low", "closing_open_high", "closing_closed", "closing_closed_low",
    "closing_closed_high", "leavers_closed", "referred_closed", "net_open", "net_closed",
]  # fmt: skip


class Stage(NamedTuple):
    """Stage of the brand: one of `STAGES`, its name in words, and the rule it comes from."""

    stage: str
    name: Words
    rule: RuleResult


def stage_of(
    break_even: Estimate | Refused, reachable: Estimate | float | None, members: Estimate | float | None
) -> Stage:
    """Which stage the brand is in: without a base yet, building a pool, or with a pool that carries itself.

    break-even size, customers reached, customers in the pool  ->  Stage

    Parameters
    ----------
    break_even : Estimate or Refused
        From `break_even_size`.
    reachable : Estimate, number or None
        Customers whom the brand could ask to join: buyers of the last 365 days.
    members : Estimate, number or None
        In the pool now; None: there is no pool yet, 0.

    Returns
    -------
    Stage
        "carries itself": the pool is larger than the upper end of the break-even size. "no base yet": even if all
        buyers of a year joined, they would be fewer than its lower end. "building": the buyers of a year are more than
        its upper end, and the pool is smaller than its lower end. "between stages": a number lies inside the interval.
        "no size pays": a customer in the pool costs what it earns. rule: figures break_even_base, reachable_customers,
        pool_customers; "disagrees" where size is not what is missing: no size pays, or the smallest would.

    Example
    -------
    >>> size = Estimate(2000, 1500, 3000, 0.9, 10_000, "customers", "size", "f")
    >>> stage_of(size, 800, 100).stage, stage_of(size, 9000, 100).stage, stage_of(size, 9000, 4000).stage
    ('no base yet', 'building', 'carries itself')
    """
    figures = {
        "break_even_base": break_even,
        "reachable_customers": _customers(reachable, _REACHABLE),
        "pool_customers": _customers(0 if members is None else members, _MEMBERS),
    }
    stage = _stage(*figures.values())
    agrees = {NO_SIZE: DISAGREES, UNKNOWN: OPEN, UNSETTLED: OPEN}.get(stage, AGREES)
    reading = _SCALE_READING[stage]
    if isinstance(break_even, Estimate) and ends_of(break_even)[1] <= 1:
        agrees, reading = DISAGREES, _ANY_SIZE
    return Stage(stage, STAGE_NAMES[stage], RuleResult("scale", _SCALE_CLAIM, figures, agrees, reading))


def _stage(break_even: Estimate | Refused, reachable: Estimate | Refused, members: Estimate | Refused) -> str:
    if isinstance(break_even, Refused):
        return NO_SIZE if break_even.gate == NO_SIZE_GATE else UNKNOWN
    low, high = ends_of(break_even)
    if isinstance(members, Refused):
        return UNKNOWN
    if members.value >= high:
        return CARRIES
    if isinstance(reachable, Refused):
        return UNKNOWN
    if max(reachable.value, members.value) < low:
        return NO_BASE
    return BUILDING if members.value < low and reachable.value >= high else UNSETTLED


def _customers(number: Estimate | Refused | float | None, words: Words) -> Estimate | Refused:
    if isinstance(number, Estimate | Refused):
        return number
    if number is None:
        return Refused(
            "customers", "none", "orders", "没有客户数可以比较。", "There is no number of customers to compare."
        )
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"a number of customers must be 0 or more; got {number!r}")
    return Estimate.exact(number, round(number), "customers", words, stage_of)


def inflow_to_hold(inputs: PoolInputs, members: float, draws: int = DRAWS, seed: int = 0, level: float = LEVEL) -> dict:
    """How many customers must join a month for the pool to stay as large as it is.

    PoolInputs, customers in the pool  ->  dict "exit_share", "inflow_to_hold" of Estimate

    Returns
    -------
    dict
        exit_share : share of the pool that leaves within a month, for whatever reason. inflow_to_hold : that x members,
        those referred included. Medians and quantiles of the draws.

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.05)
    >>> found = inflow_to_hold(inputs, 3000)
    >>> round(found["inflow_to_hold"].value), round(found["exit_share"].value, 3)
    (150, 0.05)
    """
    _customers(members, _MEMBERS)
    leaving = 1 - staying(draws_of(inputs, draws, seed))
    return {
        "exit_share": median_of_draws(leaving, "share", _WORDS["exit_share"], level, inflow_to_hold),
        "inflow_to_hold": median_of_draws(
            leaving * members, "customers a month", _WORDS["inflow_to_hold"], level, inflow_to_hold
        ),
    }


def keep_fishing(
    inputs: PoolInputs, members: float, draws: int = DRAWS, seed: int = 0, level: float = LEVEL
) -> RuleResult:
    """Whether recruiting may stop once there is a pool, and whether the present inflow holds its size.

    PoolInputs, customers in the pool  ->  RuleResult "keep_fishing"

    Returns
    -------
    RuleResult with the figures exit_share, inflow_to_hold (see there) and inflow_now : joiners a month, of the inputs.
    "agrees" where customers leave, so that somebody has to join; "disagrees" where nobody leaves.

    Example
    -------
    >>> rule = keep_fishing(PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.05), 3000)
    >>> rule.agrees, rule.reading.en
    ('agrees', 'fewer join than it takes to hold the present size: the pool shrinks until recruiting is increased')
    """
    figures: dict[str, Estimate | Refused] = dict(inflow_to_hold(inputs, members, draws, seed, level))
    now = draws_of(inputs, draws, seed)["joiners_per_month"]
    figures["inflow_now"] = median_of_draws(now, "customers a month", _WORDS["inflow_now"], level, keep_fishing)
    (least, most), (low, high) = (ends_of(figures[key]) for key in ("inflow_now", "inflow_to_hold"))
    key = "none leave" if not high else "grows" if least > high else "shrinks" if most < low else "holds"
    return RuleResult("keep_fishing", _FISHING_CLAIM, figures, DISAGREES if not high else AGREES, _FISHING_READING[key])


class TapClosed(NamedTuple):
    """A pool with its public tap closed: month by month beside the open one, and the rule."""

    monthly: pd.DataFrame
    rule: RuleResult


def tap_closed(
    inputs: PoolInputs,
    opening_members: float,
    months: int = 24,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> TapClosed:
    """What becomes of a pool when nobody is brought in from public channels any more.

    PoolInputs, customers in the pool  ->  TapClosed (table by month, rule)

    Parameters
    ----------
    inputs : PoolInputs
        Its own opening_members is replaced. Closed, nobody is recruited and nothing is paid for recruiting; customers
        referred by those in the pool still join.
    opening_members : number
        Customers in the pool at the start.

    Returns
    -------
    TapClosed
        monthly: month; closing_open, closing_closed, with _low and _high: customers at the end of the month;
        leavers_closed, referred_closed: customers who leave, and who are referred and join, with the tap closed;
        net_open, net_closed: money of the month, not discounted. Means over the draws, intervals of the draws.
        rule: figures closed_members, closed_half_life, closed_replaced_by_referral, closed_value_lost; "agrees" where
        the closed pool is smaller at the end, "disagrees" where it is not.

    Raises
    ------
    ValueError
        months or draws that are not whole numbers of at least 1, a negative number of customers.

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.05)
    >>> found = tap_closed(inputs, 2000)
    >>> round(found.rule.figures["closed_half_life"].value, 1), found.rule.agrees  # log(1/2) / log(0.95)
    (13.5, 'agrees')
    """
    for name, number in (("months", months), ("draws", draws)):
        order_log.at_least_one(name, number)
    level = check_level(level)
    _customers(opening_members, _MEMBERS)
    drawn = draws_of(inputs.replaced(opening_members=opening_members), draws, seed)
    opened = flows(drawn, months)
    closed = flows(drawn | {"joiners_per_month": np.zeros(1)}, max(months, HALF_LIFE_WITHIN))
    within = {name: values[:months] for name, values in closed.items()}
    figures = _closed_figures(opened, within, closed["closing"], float(opening_members), months, level)
    end = figures["closed_members"]
    agrees = OPEN
    if isinstance(end, Estimate):
        low, high = ends_of(end)
        agrees = AGREES if high < opening_members else DISAGREES if low >= opening_members else OPEN
    rule = RuleResult("tap_closed", _TAP_CLAIM, figures, agrees, _TAP_READING[agrees])
    return TapClosed(_tap_table(opened, within, level), rule)


def _tap_table(opened: dict, closed: dict, level: float) -> pd.DataFrame:
    table = pd.DataFrame({"month": np.arange(1, len(opened["closing"]) + 1)})
    for name, parts in (("open", opened), ("closed", closed)):
        mean = parts["closing"].mean(axis=1)
        low, high = np.quantile(parts["closing"], [(1 - level) / 2, (1 + level) / 2], axis=1)
        table[f"closing_{name}"] = mean
        table[f"closing_{name}_low"], table[f"closing_{name}_high"] = np.minimum(low, mean), np.maximum(high, mean)
        table[f"net_{name}"] = parts["net"].mean(axis=1)
    table["leavers_closed"], table["referred_closed"] = (closed[name].mean(axis=1) for name in ("leavers", "inflow"))
    return table[TAP_COLUMNS]


def _closed_figures(
    opened: dict, closed: dict, path: np.ndarray, opening: float, months: int, level: float
) -> dict[str, Estimate | Refused]:
    words = {key: Words(*(text.format(months=months) for text in both)) for key, both in _WORDS.items()}
    lost = opened["cumulative"][-1] - closed["cumulative"][-1]
    found: dict[str, Estimate | Refused] = {
        "closed_value_lost": median_of_draws(lost, "money", words["closed_value_lost"], level, tap_closed)
    }
    if not opening:
        empty = Refused("customers in the pool", 0, 1, "私域里还没有客户，没有可以流失的。",
                        "There is nobody in the pool yet, so nobody to lose.")  # fmt: skip
        keys = ("closed_members", "closed_half_life", "closed_replaced_by_referral")
        return dict.fromkeys(keys, empty) | found
    found["closed_members"] = median_of_draws(
        closed["closing"][-1], "customers", words["closed_members"], level, tap_closed
    )
    left, referred = closed["leavers"].sum(axis=0), closed["inflow"].sum(axis=0)
    found["closed_replaced_by_referral"] = (
        median_of_draws(referred / left, "share", words["closed_replaced_by_referral"], level, tap_closed)
        if (left > 0).all() else Refused("leavers", 0, "> 0", "没有客户离开私域。", "Nobody leaves the pool.")
    )  # fmt: skip
    found["closed_half_life"] = _half_life(path, opening, level)
    return found


def _half_life(path: np.ndarray, opening: float, level: float) -> Estimate | Refused:
    """Months until half of the opening pool is left, between two months as a geometric decay."""
    path = np.vstack([np.full(path.shape[1], opening), path])
    reached = path <= opening / 2
    after = np.maximum(reached.argmax(axis=0), 1)
    draws = np.arange(path.shape[1])
    begin, end = path[after - 1, draws], path[after, draws]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(end > 0, np.log(begin / (opening / 2)) / np.log(begin / end), 1.0)
    never = Refused(
        "half-life", f"> {HALF_LIFE_WITHIN}", HALF_LIFE_WITHIN,
        f"停止引流后，{HALF_LIFE_WITHIN} 个月内私域客户不会减半：流失很少，或老带新补上了流失。",
        f"With the tap closed the pool does not halve within {HALF_LIFE_WITHIN} months: few leave, or those "
        "referred replace them.",
    )  # fmt: skip
    months = np.where(reached.any(axis=0), after - 1 + part, math.inf)
    return month_of_draws(months, _WORDS["closed_half_life"], level, tap_closed, never)


_REACHABLE = Words("最近 365 天下过单的客户数", "customers who ordered in the last 365 days")
_MEMBERS = Words("现在在私域的客户数", "customers in the pool now")
_WORDS = {
    "exit_share": Words(
        "一个月内离开私域的占比：自然流失、因消息退出、封号合计",
        "share of the pool that leaves within a month: of their own accord, because of messages, through bans",
    ),
    "inflow_to_hold": Words(
        "一个月内离开私域的占比 × 现有私域客户：要保持现有规模，每月需要加入的客户数（含老带新）",
        "share that leaves within a month x customers in the pool: joiners a month that keep its size, referred ones "
        "included",
    ),
    "inflow_now": Words("现在每月新加入的客户数（不含老带新）", "joiners a month now, referred ones apart"),
    "closed_members": Words(
        "停止从公域引流 {months} 个月后，私域还剩的客户数（含老带新）",
        "customers left in the pool after {months} months without recruiting from public channels, referred joiners "
        "included",
    ),
    "closed_half_life": Words(
        "停止从公域引流后，私域客户减到一半所需的月数", "months until half of the pool is left once recruiting stops"
    ),
    "closed_replaced_by_referral": Words(
        "停止引流后 {months} 个月内，老带新加入的客户 ÷ 离开私域的客户",
        "customers referred who join / customers who leave, within {months} months without recruiting",
    ),
    "closed_value_lost": Words(
        "{months} 个月的净值：继续引流 － 停止引流（折现）",
        "net value over {months} months: with recruiting, less without (discounted)",
    ),
}
_SCALE_CLAIM = Words(
    "没有客户时先到公域大海里捕鱼，成熟企业再经营鱼塘；有了规模也要继续捕鱼",
    "without customers, fish in the sea of public traffic first; mature firms keep a pond, and go on fishing",
)
_SCALE_READING = {
    NO_BASE: Words(
        "一年的买家全部加入也养不起私域：先扩大公域的客流，或先把私域的固定费用降下来",
        "even if all buyers of a year joined, they would not carry a pool: first reach more people, or cut fixed costs",
    ),
    BUILDING: Words(
        "买家的数量够了，私域还不够大：继续把买家引进来",
        "there are buyers enough, the pool is not large enough yet: go on bringing them in",
    ),
    CARRIES: Words(
        "现有私域的规模足以承担它的固定费用：继续引流只为补上流失",
        "the pool is large enough to carry its fixed costs: recruiting has to replace those who leave",
    ),
    UNSETTLED: Words(
        "客户数落在盈亏平衡规模的区间之内，还分不清处在哪个阶段",
        "the number of customers lies within the interval of the break-even size: the stage cannot be told",
    ),
    NO_SIZE: Words(
        "问题不在规模：每位私域客户带来的贡献抵不过花在他身上的钱，越大亏得越多",
        "size is not what is missing: a customer in the pool costs what it adds or more, so growth loses money",
    ),
    UNKNOWN: Words(
        "缺少盈亏平衡规模或客户数，处在哪个阶段无法判断",
        "the break-even size or the number of customers is missing, so the stage cannot be told",
    ),
}
_ANY_SIZE = Words(
    "私域没有固定费用要分摊，多小都不亏：规模不是先决条件",
    "the pool has no fixed costs to carry, so no size is too small: scale does not come first",
)
_FISHING_CLAIM = Words(
    "没有积累就只能继续做公域推广；有了积累也要不断扩大鱼塘",
    "without accumulated customers, keep working the public platforms; later too, keep enlarging the pond",
)
_FISHING_READING = {
    "grows": Words(
        "现在加入的客户多于补上流失所需：私域还在长大，停下来就会缩小",
        "more join than it takes to hold the present size: the pool grows, and would shrink if recruiting stopped",
    ),
    "shrinks": Words(
        "现在加入的客户少于补上流失所需：不加大引流，私域会一直缩小",
        "fewer join than it takes to hold the present size: the pool shrinks until recruiting is increased",
    ),
    "holds": Words(
        "现在加入的客户与补上流失所需相当：私域大体维持现有规模",
        "about as many join as it takes to hold the present size: the pool stays about as large as it is",
    ),
    "none leave": Words("没有客户离开私域，不引流也不会缩小", "nobody leaves, so the pool keeps its size by itself"),
}
_TAP_CLAIM = Words(
    "私域不会取代公域：它是有益的补充，不是完全的替代",
    "private traffic will not replace public traffic: it complements it",
)
_TAP_READING = {
    AGREES: Words(
        "停止从公域引流，私域会一直缩小，老带新补不上流失：私域离不开公域",
        "without recruiting from public channels the pool shrinks, and referral does not make up for it: the pool "
        "depends on them",
    ),
    DISAGREES: Words(
        "停止从公域引流，私域并不缩小：流失很少，或老带新足以补上",
        "without recruiting from public channels the pool does not shrink: few leave, or those referred replace them",
    ),
    OPEN: Words(
        "停止引流后私域会不会缩小，按现有的误差范围还看不出来",
        "whether the pool would shrink without recruiting cannot be told within these intervals",
    ),
}
