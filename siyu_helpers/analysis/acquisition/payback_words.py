"""What `payback` says: definitions of its numbers, and why some of them are not given. In both languages."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Refused, Words

MEDIA = Words("费用只含投放费用", "the cost is media spend alone")
COST = {
    "new_customer": Words(
        "费用只含投放费用中分摊到首单的部分", "the cost is the part of media spend that is allotted to first orders"
    ),
    "fully_loaded": Words(
        "费用含投放费用以及计入获客的私域与消息费用",
        "the cost is media spend plus the pool's and the messages' cost charged to acquisition",
    ),
}

THESE_MONTHS = Words(
    "误差范围只反映这些月份新客人数和人均贡献的偶然，不反映各月获客成本本身的高低",
    "the interval allows for chance in how many new customers these months brought and in what they bring in, not for "
    "other months being dearer or cheaper",
)


def no_spend() -> Refused:
    """No month has both spend and known new customers."""
    return Refused(
        "spend",
        "none",
        "spend in months with known new customers",
        "没有投放费用的记录，或有记录的月份分不清新老客，无法把贡献毛利与获客成本相比。",
        "No spend is recorded for months whose new customers are known, so there is no cost to set contribution "
        "against.",
    )


def no_spend_of(group: str) -> Refused:
    """A channel, domain or cohort without spend has no cost by this definition."""
    return Refused(
        "spend",
        0,
        "above 0",
        f"{group} 在这些月份没有投放费用：按此口径没有获客成本，也就无所谓回本。"
        "这不等于获客免费：人员、工具、激励等费用不在其中。",
        f"{group} had no spend in these months: by this definition it has no acquisition cost, and nothing to be paid "
        "back. That is not free: staff, tools and incentives are not in it.",
    )


def too_few(customers: int, needed: int) -> Refused:
    """Too few customers for the interval of a mean."""
    return Refused(
        "customers",
        customers,
        needed,
        f"可比的新客只有 {customers} 位，少于 {needed} 位，人均值的误差范围不可靠。",
        f"Only {customers} new customers can be compared; below {needed} the interval of a mean cannot be trusted.",
    )


def not_observed(within_days: int) -> Refused:
    """Some of the customers have not been observed that long."""
    return Refused(
        "observed long enough",
        "not by all",
        f"{within_days} days",
        f"这些新客还没有全部观察满 {within_days} 天。",
        f"Not all of these new customers have been observed for {within_days} days yet.",
    )


def not_paid_back(last: pd.Series, at_best: float) -> Refused:
    """Not within the time observed; what it would take is the number `missing`."""
    days, covered = int(last["within_days"]), f"{last['share_paid_back']:.0%}"
    zh = f"首单后 {days} 天内没有回本：到那时收回了获客成本的 {covered}。"
    en = f"Not paid back within {days} days of the first order: {covered} of the cost has come back by then."
    if at_best < float("inf"):
        zh += f"在误差范围内，最早也要到第 {at_best:.0f} 个 30 天。"
        en += f" Within the interval, the earliest would be step {at_best:.0f} of 30 days."
    return Refused("paid back in the time observed", covered, "100%", zh, en)


def paid_back(months: int) -> Refused:
    """Nothing is missing where the cost has come back."""
    return Refused(
        "not paid back",
        f"paid back in step {months}",
        "not paid back",
        f"已在第 {months} 个 30 天回本，没有缺口。",
        f"The cost was paid back in step {months} of 30 days: nothing is missing.",
    )


def months(made: dict[str, Any], row: pd.Series) -> Words:
    """Definition of the payback month."""
    whose, rule = _whose(made, row), _rule(made)
    return Words(
        f"首单后第几个 30 天起，新客累计贡献毛利（含首单）不低于获客成本，且此后一直如此；误差范围取净额上、下限"
        f"达到零的那一步，按整 30 天取，因此偏宽；{whose.zh}；{rule.zh}；{THESE_MONTHS.zh}。",
        f"First step of 30 days since the first order from which the contribution of new customers, first order "
        f"included, covers what they cost, and goes on doing so; the interval is where the ends of the net reach zero, "
        f"in whole steps, so it is wide rather than narrow; {whose.en}; {rule.en}; "
        f"{THESE_MONTHS.en}.",
    )


def missing(made: dict[str, Any], row: pd.Series) -> Words:
    """Definition of what is missing to payback."""
    whose, rule, days = _whose(made, row), _rule(made), int(row["within_days"])
    return Words(
        f"每位新客的获客成本减首单后 {days} 天内的贡献毛利（含首单），即还差多少回本；{whose.zh}；{rule.zh}；"
        f"{THESE_MONTHS.zh}。",
        f"Cost of a new customer less the contribution within {days} days of the first order, which is included: what "
        f"is missing to payback; {whose.en}; {rule.en}; "
        f"{THESE_MONTHS.en}.",
    )


def _ratio(made: dict[str, Any], row: pd.Series, target: float) -> Words:
    whose, rule, days = _whose(made, row), _rule(made), int(row["within_days"])
    return Words(
        f"LTV:CAC＝同一批新客首单后 {days} 天内的贡献毛利（含首单）÷获客费用；"
        f"只算已发生的，未折现，不是对终身价值的预测；{whose.zh}；{rule.zh}；{THESE_MONTHS.zh}。",
        f"LTV:CAC: contribution of new customers within {days} days of the first order, which is included, over the "
        f"spend that won them; what has happened, not discounted and no forecast of a lifetime; {whose.en}; {rule.en}; "
        f"{THESE_MONTHS.en}.",
    )


def _affordable(made: dict[str, Any], row: pd.Series, target: float) -> Words:
    whose, rule, days = _whose(made, row), _rule(made), int(row["within_days"])
    return Words(
        f"可承受的获客成本＝每位新客首单后 {days} 天内的贡献毛利（含首单）÷目标倍数 {target:g}；"
        f"{whose.zh}；{rule.zh}。",
        f"Affordable cost of a new customer: contribution within {days} days of the first order, which is included, "
        f"over a target of {target:g} times; {whose.en}; {rule.en}.",
    )


def _headroom(made: dict[str, Any], row: pd.Series, target: float) -> Words:
    affordable = _affordable(made, row, target)
    return Words(
        f"成本空间＝可承受的获客成本－实际获客成本，负数表示已经超出；指平均而言，下一位新客的成本通常高于平均；"
        f"{THESE_MONTHS.zh}。{affordable.zh}",
        f"Headroom: affordable less actual cost, below 0 where too much is paid; of the average customer, and the next "
        f"one usually costs more; {THESE_MONTHS.en}. {affordable.en}",
    )


WORDS = {"share_paid_back": _ratio, "contribution": _affordable, "headroom": _headroom}


def _whose(made: dict[str, Any], row: pd.Series) -> Words:
    """Whose cost and contribution: months, channel, and that all of them were observed."""
    first, last = row["first_month"], row["last_month"]
    zh, en = (first, first) if first == last else (f"{first} 至 {last}", f"{first} to {last}")
    if made["by"] in ("channel", "domain"):
        who = (f"首单来自 {row['group']} 的新客", f"new customers of {row['group']}")
    elif made["customers"] == "paid":
        who = ("有投放费用的渠道带来的新客", "new customers of channels with spend")
    else:
        who = ("全部新客（含自然流量）", "all new customers, unpaid channels included")
    count = int(row["months"])
    return Words(
        f"{zh} 共 {count} 个月的{who[0]}，每一位都已观察满这些天",
        f"{who[1]}, {count} month{'s' if count != 1 else ''} of {en}, all of them observed that long",
    )


def _rule(made: dict[str, Any]) -> Words:
    """What counts as contribution, and what as cost."""
    rule = order_log.contribution_words(made["contribution"], made["gross_margin"])
    cost = COST.get(made.get("variant"), MEDIA)
    return Words(f"{rule.zh}；{cost.zh}", f"{rule.en}; {cost.en}")
