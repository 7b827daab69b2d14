"""The five numbers of the brief: what a managing director asks before money is spent, each with what stands beside it.

What is it worth, and how surely; when is the money back, and how much of it is tied up until then; does joining add
orders at all; how large must the pool be, and how large is it; what does each yuan bring back.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from siyu_helpers.analysis.brief.decisions import CANNOT_BE_JUDGED, DO_NOT, EFFECT, FIX_FIRST, Decision
from siyu_helpers.analysis.effect.verdicts import NOT_IDENTIFIED
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import PoolInputs, draws_of, quantile_of, typical_of
from siyu_helpers.analysis.pool.value import EARNED, SPENT, PoolValue, flows
from siyu_helpers.analysis.pool.value_facts import money_at_risk

GAIN_LOOKED_AT = 0.10  # of `what_can_be_said`: a tenth more orders
UNBOUNDED = Refused(
    "result", "none", "a pool value",
    "没有可用的输入，私域的净值算不出来。", "There are no inputs from which the pool's value could be computed.",
)  # fmt: skip


class Number(NamedTuple):
    """One number of the brief: its short label, the number or why there is none, and what stands beside it.

    key : becomes the number's key on the page. beside_key, beside_label, beside : a second number read with the first;
    beside is None where there is nothing to say. note : one short sentence without figures, may be empty.
    """

    key: str
    label: Words
    value: Estimate | Refused
    beside_key: str = ""
    beside_label: Words = Words("", "")
    beside: Estimate | Refused | None = None
    note: Words = Words("", "")


def five_numbers(
    result: PoolValue | None,
    decision: Decision,
    break_even: Estimate | Refused | None = None,
    customers_now: Estimate | Refused | None = None,
    level: float = LEVEL,
) -> list[Number]:
    """The five numbers of the brief: value, payback, gain from joining, break-even size, return on the money.

    PoolValue, Decision  ->  list of five Number

    Parameters
    ----------
    result : PoolValue or None
        None: all five are refused.
    decision : Decision
        Where nothing can be judged, value, payback, size and return are refused: they would be assumptions.
    break_even : Estimate or Refused
        Of `break_even_size`, customers.
    customers_now : Estimate or Refused
        Customers in the pool today.
    level : float

    Returns
    -------
    list of Number
        pool_value (money) beside probability_pays; payback_months beside money_tied_up (money); gain_from_joining
        (growth) beside orders_without_pool; break_even_customers beside customers_today; return_on_money (money per
        1 spent, as a share) beside money_spent.

    Example
    -------
    >>> from siyu_helpers.analysis.brief.decisions import decide
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> result = pool_value(PoolInputs(100, 0.5, 0.3, 200, 0.4, staff_cost=5000))
    >>> numbers = five_numbers(result, decide(result, effect_level="strong", own={"uplift", "staff_cost"}))
    >>> [number.key for number in numbers]
    ['pool_value', 'payback_months', 'gain_from_joining', 'break_even_customers', 'return_on_money']
    >>> round(numbers[4].value.value, 2), numbers[3].value.gate
    (1.88, 'break-even')
    """
    check_level(level)
    missing = _why_not(result, decision)
    if missing:
        worth = paid = tied = back = spent = break_even = missing
        gain, ordered = _gain(result, decision, level) if result is not None else (missing, None)
    else:
        worth, paid = result.value, result.payback
        money = money_facts(result, level)
        tied, back, spent = money_at_risk(result), money["return_on_money"], money["money_spent"]
        gain, ordered = _gain(result, decision, level)
    unproved = not missing and not decision.grounds.given.intersection(EFFECT) and (
        decision.grounds.effect_level in (NOT_IDENTIFIED, "")
    )  # fmt: skip
    size = break_even if break_even is not None else _no_size()
    return [
        Number("pool_value", _with_months(LABELS["pool_value"], result), worth,
               "probability_pays", LABELS["probability_pays"], None if missing else decision.probability_now),
        Number("payback_months", LABELS["payback_months"], paid,
               "money_tied_up", LABELS["money_tied_up"], None if missing else tied),
        Number("gain_from_joining", LABELS["gain_from_joining"], gain,
               "orders_without_pool", LABELS["orders_without_pool"], ordered, NOTES["unproved"] if unproved else NONE),
        Number("break_even_customers", LABELS["break_even_customers"], size,
               "customers_today", LABELS["customers_today"], customers_now),
        Number("return_on_money", LABELS["return_on_money"], back,
               "money_spent", LABELS["money_spent"], None if missing else spent),
    ]  # fmt: skip


def _with_months(label: Words, result: PoolValue | None) -> Words:
    months = ("期内", "the period") if result is None else (f"{result.months} 个月", f"{result.months} months")
    return Words(label.zh.format(months=months[0]), label.en.format(months=months[1]))


def money_facts(result: PoolValue, level: float = LEVEL) -> dict[str, Estimate | Refused]:
    """What the pool costs, what each 1 spent brings back, and cost against gain per customer.

    PoolValue  ->  dict of Estimate or Refused

    Returns
    -------
    dict
        money_spent : discounted cost over the months (rewards for referrals are taken off what referrals bring).
        return_on_money : discounted net / discounted cost, share: 0.25 is 1.25 back for 1 spent; means over means, the
        interval by the draws; refused where nothing is spent. cost_per_customer_month, added_per_customer_month : money
        per customer and month of membership, not discounted; refused where nobody is ever in the pool.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> flat = PoolInputs(0, 0.5, 0.2, 100, 0.4, opening_members=1000, staff_cost=2000)
    >>> facts = money_facts(pool_value(flat, months=12))
    >>> {key: round(facts[key].value, 3) for key in ("money_spent", "return_on_money", "cost_per_customer_month")}
    {'money_spent': 24000.0, 'return_on_money': 1.0, 'cost_per_customer_month': 2.0}
    """
    parts = flows(result.drawn, result.months)
    spent_by_month, earned_by_month = (sum(parts[name] for name in names) for names in (SPENT, EARNED))
    spent = _discounted(spent_by_month, parts["setup"], result)
    net = parts["cumulative"][-1]
    months_inside = parts["members"].sum(axis=0)
    said = {"months": result.months}
    facts: dict[str, Estimate | Refused] = {
        "money_spent": _over_draws(spent, level, "money", "money_spent", said),
        "return_on_money": _ratio(net, spent, level, "share", "return_on_money", said, _nothing_spent),
    }
    for key, money in (("cost", spent_by_month), ("added", earned_by_month)):
        key = f"{key}_per_customer_month"
        facts[key] = _ratio(money.sum(axis=0), months_inside, level, "money per customer", key, said, _nobody)
    return facts


def what_can_be_said(
    inputs: PoolInputs | None, own: Iterable[str], gain: float = GAIN_LOOKED_AT, draws: int = 4_000, seed: int = 0,
    level: float = LEVEL,
) -> list[Number]:  # fmt: skip
    """What the brand's own orders say where nothing can be judged: how much, how often, and what a gain would be worth.

    PoolInputs  ->  list of Number, only those whose every input comes from the brand's own tables

    Parameters
    ----------
    inputs : PoolInputs or None
    own : names of fields that come from the brand's own tables or were given by hand
    gain : float
        The gain in orders that is looked at, a tenth by default.
    draws, seed : int
    level : float

    Returns
    -------
    list of Number
        orders_without_pool (orders per customer a month), buying_kept (share a month), order_value_now (money per
        order), sales_per_customer_month, and where the margin is known contribution_now and
        most_per_customer_month (money per customer a month): a customer's contribution, and what the gain would add to
        it, the most that a pool may cost a customer and month.

    Example
    -------
    >>> said = what_can_be_said(PoolInputs(0, 0.5, 0.0, 200, 0.4), {"orders_per_month", "order_value", "margin"})
    >>> [(number.key, number.value.value) for number in said][3:]
    [('contribution_now', 40.0), ('most_per_customer_month', 4.0)]
    """
    if inputs is None:
        return []
    own, drawn = set(own), draws_of(inputs, draws, seed)
    found = [
        (key, _input(inputs, name, level, function=what_can_be_said)) for key, name in _TOLD.items() if name in own
    ]
    said, sales = {"gain": f"{gain:.0%}"}, drawn["orders_per_month"] * drawn["order_value"]
    if own.issuperset(("orders_per_month", "order_value")):
        found.append(("sales_per_customer_month", _over_draws(
            sales, level, "money per customer", "sales_per_customer_month", said
        )))  # fmt: skip
    if own.issuperset(("orders_per_month", "order_value", "margin")):
        earned = sales * drawn["margin"]
        found.append(("contribution_now", _over_draws(earned, level, "money per customer", "contribution_now", said)))
        found.append(("most_per_customer_month", _over_draws(
            earned * gain, level, "money per customer", "most_per_customer_month", said
        )))  # fmt: skip
    return [Number(key, SAID.get(key, LABELS[key]), number) for key, number in found]


def decision_record(
    decision: Decision, numbers: Iterable[Number], currency: str = "CNY", months: int = 24
) -> dict[str, Any]:
    """The brief as plain data, for the card on the page and for the index over all brands.

    Decision, five numbers  ->  dict that JSON takes

    Returns
    -------
    dict
        verdict : "build", "pilot", "fix_first", "do_not" or "cannot_be_judged". words : {"zh", "en"}. probability :
        that the pool pays, None where nothing can be judged; probability_of : {"zh", "en"}, of what (repaired, at face
        value). value (money), payback (months) : [value, low, high], None where refused; an end without an interval is
        None, one without a bound "inf". evidence : level of the verdict on the effect, "" without members. currency,
        months.

    Example
    -------
    >>> from siyu_helpers.analysis.brief.decisions import decide
    >>> decision = decide(None, effect_level="", own=())
    >>> record = decision_record(decision, five_numbers(None, decision), "USD")
    >>> record["verdict"], record["value"], record["currency"]
    ('cannot_be_judged', None, 'USD')
    """
    by_key = {number.key: number.value for number in numbers}
    told = decision.verdict != CANNOT_BE_JUDGED and decision.probability is not None
    return {
        "verdict": decision.verdict.replace(" ", "_"),
        "words": decision.words._asdict(),
        "probability": decision.probability.value if told else None,
        "probability_of": PROBABILITY_OF.get(decision.verdict, PROBABILITY_OF[""])._asdict(),
        "value": _three(by_key.get("pool_value")),
        "payback": _three(by_key.get("payback_months")),
        "evidence": decision.grounds.effect_level,
        "currency": str(currency),
        "months": int(months),
    }


# --- words ---

NONE = Words("", "")
PROBABILITY_OF = {
    "": Words("净值为正的可能性", "Probability that the pool pays"),
    FIX_FIRST: Words("修正之后，净值为正的可能性", "Probability that the pool pays once fixed"),
    DO_NOT: Words("往好处估，净值为正的可能性", "Probability that the pool pays, read favourably"),
}
_TOLD = {
    "orders_without_pool": "orders_per_month", "buying_kept": "activity_kept", "order_value_now": "order_value",
}  # fmt: skip
LABELS = {
    "pool_value": Words("{months}净值", "Net value over {months}"),
    "probability_pays": Words("净值为正的可能性", "probability that it pays"),
    "payback_months": Words("回本时间", "Months to payback"),
    "money_tied_up": Words("回本前最多垫入", "most money tied up before then"),
    "gain_from_joining": Words("加入后订单的增幅", "Gain in orders from joining"),
    "orders_without_pool": Words("不加入时每人每月订单", "orders per customer and month without the pool"),
    "break_even_customers": Words("盈亏平衡规模", "Break-even size of the pool"),
    "customers_today": Words("现有私域客户", "customers in the pool today"),
    "return_on_money": Words("投入回报率", "Return on the money"),
    "money_spent": Words("期内总投入", "money spent over the period"),
    "order_value_now": Words("笔单价", "Order value"),
    "buying_kept": Words("下单频率逐月保留的比例", "Rate of ordering kept from month to month"),
    "sales_per_customer_month": Words("每位客户每月的销售额", "Sales of a customer a month"),
    "contribution_now": Words("每位客户每月的贡献毛利", "Contribution of a customer a month"),
    "most_per_customer_month": Words(
        "私域费用的上限（每位客户每月）", "Most that a pool may cost a customer and month"
    ),
}
SAID = {"orders_without_pool": Words("每位客户每月订单", "Orders of a customer a month")}  # where nobody is in a pool
NOTES = {
    "unproved": Words(
        "是假设，未经证实：爱买的客户本来就更愿意加入",
        "assumed, not established: loyal customers join more readily anyway",
    ),
}
WORDS = {
    "money_spent": Words(
        "{months} 个月的私域总费用（引流、激励、消息、服务、人员、工具、内容、一次性投入），折现",
        "all the pool's costs over {months} months (recruiting, incentives, messages, service, staff, tools, content, "
        "one-off), discounted",
    ),
    "return_on_money": Words(
        "{months} 个月的折现净值 ÷ 折现总费用；0 为不赚不赔",
        "discounted net value over {months} months / discounted costs; 0 is neither gain nor loss",
    ),
    "cost_per_customer_month": Words(
        "{months} 个月的私域总费用 ÷ 私域客户在私域内的月数，不折现",
        "all the pool's costs over {months} months / months that customers spend in the pool, not discounted",
    ),
    "added_per_customer_month": Words(
        "{months} 个月内私域多带来的贡献毛利与节省 ÷ 私域客户在私域内的月数，不折现",
        "what the pool adds and saves over {months} months / months that customers spend in the pool, not discounted",
    ),
    "sales_per_customer_month": Words(
        "每位客户每月的销售额：每月订单 × 笔单价", "sales of a customer a month: orders a month x order value"
    ),
    "contribution_now": Words(
        "每位客户每月的贡献毛利：每月订单 × 笔单价 × 贡献毛利率",
        "contribution of a customer a month: orders a month x order value x contribution margin",
    ),
    "most_per_customer_month": Words(
        "假如加入私域让订单多 {gain}，每位客户每月多出的贡献毛利；私域费用超过它就赔钱",
        "what {gain} more orders would add to a customer's contribution a month; a pool that costs more loses money",
    ),
}


# --- how they are made ---


def _why_not(result: PoolValue | None, decision: Decision) -> Refused | None:
    if result is None:
        return UNBOUNDED
    if decision.verdict != CANNOT_BE_JUDGED:
        return None
    return Refused(
        *("own figures", "none", "effect or running cost"),
        "加入的效果和私域费用都没有本品牌的数据，算出来的只会是假设，故不给出。",
        "Neither the effect of joining nor the pool's cost comes from the brand, so the figure would be an assumption.",
    )


def _gain(result: PoolValue, decision: Decision, level: float) -> tuple[Estimate | Refused, Estimate | None]:
    known = decision.grounds.own | decision.grounds.given
    ordered = _input(result.inputs, "orders_per_month", level) if "orders_per_month" in known else None
    if decision.verdict == CANNOT_BE_JUDGED and not known.intersection(EFFECT):
        return _why_not(result, decision) or UNBOUNDED, ordered
    return _input(result.inputs, "uplift", level, unit="growth"), ordered


def _input(inputs: PoolInputs, name: str, level: float, unit: str = "", function: Any = five_numbers) -> Estimate:
    """An input of the pool as a number of the page, with the range it is drawn from."""
    quantity, what = getattr(inputs, name), FIELDS[name]
    words = Words(f"{what.label.zh}：{what.meaning.zh}", f"{what.label.en.lower()}: {what.meaning.en}")
    n = quantity.n if isinstance(quantity, Estimate) else 0
    if isinstance(quantity, float):
        return Estimate.exact(quantity, n, unit or what.unit, words, function)
    low, high = (float(end) for end in quantile_of(name, quantity, np.array([(1 - level) / 2, (1 + level) / 2])))
    value = typical_of(quantity)
    return Estimate(value, min(low, value), max(high, value), level, n, unit or what.unit, words, function)


def _over_draws(values: np.ndarray, level: float, unit: str, key: str, said: Mapping[str, Any]) -> Estimate:
    """Mean and interval of draws."""
    values = np.asarray(values, dtype=float)
    words = Words(WORDS[key].zh.format(**said), WORDS[key].en.format(**said))
    function = what_can_be_said if "gain" in said else money_facts
    mean = float(values.mean())
    if math.isclose(values.min(), values.max(), rel_tol=1e-12):
        return Estimate.exact(mean, len(values), unit, words, function)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(mean, min(low, mean), max(high, mean), level, len(values), unit, words, function)


def _ratio(over: np.ndarray, under: np.ndarray, level: float, unit: str, key: str, said, refused) -> Estimate | Refused:
    """Mean over mean, with the interval of the ratio of the draws."""
    over, under = np.broadcast_arrays(over, under)
    if not (under > 0).all():
        return refused()
    value, words = float(over.mean() / under.mean()), Words(*(text.format(**said) for text in WORDS[key]))
    if len(over) == 1:
        return Estimate.exact(value, 1, unit, words, money_facts)
    low, high = np.quantile(over / under, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, min(low, value), max(high, value), level, len(over), unit, words, money_facts)


def _discounted(by_month: np.ndarray, setup: np.ndarray, result: PoolValue) -> np.ndarray:
    """Value today of monthly money; what is spent once is spent at the start."""
    rate = result.drawn["discount_rate"]
    factors = (1 + rate) ** (-np.arange(1, result.months + 1)[:, None] / 12)
    return (by_month * factors).sum(axis=0) + setup[0] * (1 - factors[0])


def _three(number: Estimate | Refused | None) -> list[float | str | None] | None:
    """Value and interval as JSON takes them: a missing end is None, one without a bound "inf"."""
    if not isinstance(number, Estimate):
        return None
    ends = (number.value, number.low, number.high)
    return [None if math.isnan(end) else end if math.isfinite(end) else str(end) for end in ends]


def _nothing_spent() -> Refused:
    return Refused(
        "cost", 0, "> 0", "私域没有任何费用，回报率无从谈起。", "The pool costs nothing, so there is no return."
    )


def _nobody() -> Refused:
    return Refused(
        "members", 0, "> 0", "私域里没有客户，人均数无从谈起。", "Nobody is in the pool: no figure per customer."
    )


def _no_size() -> Refused:
    return Refused(
        *("break-even", "none", "a size"), "没有计算盈亏平衡规模。", "The break-even size has not been computed."
    )
