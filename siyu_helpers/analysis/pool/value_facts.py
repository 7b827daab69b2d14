"""Figures that pages state about a pool's value: chance of paying back, money at risk, what the value is made of.

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import ORIGINS, PoolInputs, inputs_table
from siyu_helpers.analysis.pool.rules import AGREEMENTS, RuleResult
from siyu_helpers.analysis.pool.value import EARNED, SPENT, PoolValue, flows, pool_value

WORTH_ASKING = 0.01  # of what is at stake: below it, knowing more changes nothing worth the trouble
START, DISCOUNTING, END = "without_pool", "discounting", "value"


def money_at_risk(result: PoolValue) -> Estimate:
    """The deepest that the account goes below zero before the pool earns it back: money that has to be there.

    PoolValue  ->  Estimate (money)

    Example
    -------
    >>> inputs = PoolInputs(10, 1, 0.1, 100, 0.5, staff_cost=100, setup_cost=1000)
    >>> round(money_at_risk(pool_value(inputs, 12)).value)
    1100
    """
    deepest = -np.minimum(flows(result.drawn, result.months)["cumulative"].min(axis=0), 0.0)
    low, high = np.quantile(deepest, [(1 - result.level) / 2, (1 + result.level) / 2])
    value = float(deepest.mean())
    words = Words(
        f"{result.months} 个月里，自开始以来的净值（折现）最低时低于零多少，即要先垫进去的钱",
        f"how far the discounted net since the start falls below zero within {result.months} months: money to be "
        "put in first",
    )
    ends = (min(float(low), value), max(float(high), value))
    return Estimate(value, *ends, result.level, len(deepest), "money", words, money_at_risk)


def value_parts(result: PoolValue) -> pd.DataFrame:
    """What the value is made of: what the pool adds and saves, what it costs, and discounting.

    PoolValue  ->  table (part), as a waterfall takes it

    Returns
    -------
    DataFrame
        step : "without_pool" (0), the parts that are not zero, "discounting" where there is any, "value". amount :
        money over all months, mean of the draws; costs are negative.

    Example
    -------
    >>> value_parts(pool_value(PoolInputs(10, 1, 0.1, 100, 0.5, staff_cost=100), 12))["step"].tolist()
    ['without_pool', 'added_orders', 'fixed', 'value']
    """
    sums = result.monthly[[*EARNED, *SPENT]].sum()
    rows = [(name, float(sums[name])) for name in EARNED] + [(name, -float(sums[name])) for name in SPENT]
    rows = [(name, amount) for name, amount in rows if abs(amount) > 1e-9]
    left = result.value.value - sum(amount for _, amount in rows)
    if abs(left) > 1e-6 * max(1.0, abs(result.value.value)):
        rows.append((DISCOUNTING, left))
    return pd.DataFrame([(START, 0.0), *rows, (END, result.value.value)], columns=["step", "amount"])


def going_on(
    result: PoolValue, members_now: Estimate | Refused, months_in_pool: Estimate | Refused | None = None
) -> PoolValue | Refused:
    """The same pool from its present size on, without what it took to get there.

    PoolValue (built from nothing), customers in the pool today, their mean months since joining  ->  PoolValue or
    Refused

    Example
    -------
    >>> inputs = PoolInputs(0, 1, 0.1, 100, 0.5, staff_cost=100)
    >>> now = Estimate.exact(100, 100, "customers", "in the pool today", going_on)
    >>> round(going_on(pool_value(inputs, 12), now).value.value)
    4800
    """
    if isinstance(members_now, Refused):
        return members_now
    if members_now.value <= 0:
        return Refused(
            "members",
            0,
            1,
            "目前私域里没有客户，无所谓接着做。",
            "Nobody is in the pool today, so there is no going on.",
        )
    tenure = months_in_pool.value if isinstance(months_in_pool, Estimate) else 0.0
    inputs = result.inputs.replaced(opening_members=members_now.value, opening_months=tenure, setup_cost=0.0)
    return pool_value(inputs, result.months, result.draws, result.seed, result.level)


def origin_counts(inputs: PoolInputs) -> dict[str, Estimate]:
    """How many of the inputs come from where.

    PoolInputs  ->  dict (origin with underscores -> Estimate, counted)

    Example
    -------
    >>> {key: round(count.value) for key, count in origin_counts(PoolInputs(1, 1, 1, 1, 1)).items() if count.value}
    {'inputs_given': 31}
    """
    table = inputs_table(inputs)
    seen = Counter(table["origin"])
    told = {
        "given": Words("给定的投入项数（含从零建起与折现率）", "inputs given, the start and discount rate included"),
        "estimated": Words("由本品牌的表估计的投入项数", "inputs estimated from the brand's own tables"),
        "counted": Words("由本品牌的表数出来的投入项数", "inputs counted in the brand's own tables"),
        "industry table": Words("取自行业表的投入项数", "inputs from the table of industries"),
        "assumed": Words("假设的投入项数", "inputs assumed"),
    }
    return {
        f"inputs_{kind.replace(' ', '_')}": Estimate.exact(seen[kind], len(table), "inputs", told[kind], origin_counts)
        for kind in ORIGINS
    }


def information_facts(table: pd.DataFrame, result: PoolValue) -> dict[str, Any]:
    """What finding out is worth: all inputs together, and the one that is worth most by itself.

    table of `value_of_information`, PoolValue  ->  dict

    Returns
    -------
    dict
        decisive : whether it is more than a hundredth of the mean distance of the value from zero. all_known, alone :
        Estimate, money, exact as computed from the draws. which : Words, the input; empty where there is none.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.information import value_of_information
    >>> result = pool_value(PoolInputs(10, 1, (-0.2, 0.1, 0.4), 100, 0.5, staff_cost=300), 12, 2_000)
    >>> facts = information_facts(value_of_information(result), result)
    >>> facts["decisive"], facts["which"].en
    (True, 'Gain in orders from joining')
    """
    all_known = max(float(table.attrs.get("evpi", 0.0)), 0.0)
    alone = max(float(table["expected_value"].iloc[0]), 0.0) if len(table) else 0.0
    which = FIELDS[table["input"].iloc[0]].label if len(table) else Words("", "")
    words = {
        "all_known": Words("决定之前弄清全部投入，至多值多少钱（完全信息的期望价值）",
                           "what it is worth at most to know all inputs before deciding (expected value of perfect "
                           "information)"),
        "alone": Words("决定之前弄清这一项投入，至多值多少钱（部分完全信息的期望价值）",
                       "what it is worth at most to know this input before deciding (expected value of partial "
                       "perfect information)"),
    }  # fmt: skip
    told = {
        name: Estimate.exact(amount, result.draws, "money", words[name], information_facts)
        for name, amount in (("all_known", all_known), ("alone", alone))
    }
    return {"decisive": alone > WORTH_ASKING * float(np.abs(result.values).mean()), "which": which, **told}


def rule_counts(results: Sequence[RuleResult]) -> dict[str, Estimate]:
    """How many rules of the trade agree with the brand's figures, disagree, or cannot be told.

    list of RuleResult  ->  dict rules_all, rules_agree, rules_disagree, rules_open

    Example
    -------
    >>> rule = RuleResult("cycle", Words("周期", "cycle"), {}, "agrees", Words("相符", "it agrees"))
    >>> rule_counts([rule])["rules_agree"].value
    1.0
    """
    seen = Counter(rule.agrees for rule in results)
    keys = zip(("rules_agree", "rules_disagree", "rules_open"), AGREEMENTS, strict=True)
    counts = {"rules_all": len(results)} | {key: seen[agrees] for key, agrees in keys}
    words = {
        "rules_all": Words("对照过的说法条数", "rules of thumb that were computed"),
        "rules_agree": Words("与本品牌的数据相符的说法条数", "rules that agree with the brand's figures"),
        "rules_disagree": Words("与本品牌的数据不符的说法条数", "rules that disagree with the brand's figures"),
        "rules_open": Words("凭这些表说不清的说法条数", "rules that these tables cannot tell"),
    }
    return {key: Estimate.exact(count, len(results), "rules", words[key], rule_counts) for key, count in counts.items()}
