"""What the groups, statuses and factors of the analysis tables are called on a page, (Chinese, English)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis.estimates import Words

Names = dict[Any, tuple[str, str]]

DOMAINS: Names = {
    "public": ("公域", "Public"),
    "semi": ("半公域", "Semi-public"),
    "private": ("私域", "Private"),
    "unknown": ("未知", "Unknown"),
    "other": ("其他", "Other"),
}

METHODS: Names = {
    "mean_split": ("均值划分", "split at the mean"),
    "median_split": ("中位数划分", "split at the median"),
    "quintiles": ("五等分", "quintiles"),
    "fixed": ("固定门槛", "fixed cut-offs"),
}

STATUSES: Names = {
    "kept": ("留住：两期都买", "kept: bought in both"),
    "lost": ("流失：这一期没买", "lost: not in this period"),
    "new": ("新来：首次购买", "new: first order ever"),
    "returned": ("回来：更早买过", "returned: bought earlier"),
    "new_or_returned": ("新来或回来（分不清）", "new or returned (cannot be told)"),
}

FACTORS: Names = {
    "visitors": ("访客数", "Visitors"),
    "conversion": ("转化率", "Conversion"),
    "buyers": ("买家数", "Buyers"),
    "orders_per_buyer": ("人均订单数", "Orders per buyer"),
    "average_order_value": ("笔单价", "Order value"),
}

MODELS: Names = {
    "bg_nbd": ("购买模型 BG/NBD", "the purchase model BG/NBD"),
    "mbg_nbd": ("购买模型 MBG/NBD", "the purchase model MBG/NBD"),
    "pareto_nbd": ("购买模型 Pareto/NBD", "the purchase model Pareto/NBD"),
    "gamma_gamma": ("金额模型 Gamma-Gamma ", "the spend model Gamma-Gamma"),
}


#: Ways to count the cost of a new customer, short; in full: `acquisition_cost.VARIANTS`.
VARIANTS: Names = {
    "paid": ("投放：只算投放渠道的新客", "paid: over customers of the paid channels"),
    "blended": ("综合：摊到全部新客", "blended: over all new customers"),
    "fully_loaded": ("全成本：加上全部私域费用（上限）", "fully loaded: with all of the pool's costs (upper bound)"),
    "new_customer": ("拉新：按首单占比分摊的投放（推算）", "first orders only: spend allotted by share of orders"),
}
#: The same as terms of the definitions.
VARIANT_TERMS: Names = {
    "paid": ("投放获客成本", "Paid cost"),
    "blended": ("综合获客成本", "Blended cost"),
    "fully_loaded": ("全成本获客成本", "Fully loaded cost"),
    "new_customer": ("拉新获客成本", "Cost on first orders only"),
}

CHARGES: Names = {
    "media": ("只算投放", "Media spend only"),
    "new_members": ("私域费用按入池新客分给各域", "Pool's costs shared by who joined the pool"),
    "new_customers": ("私域费用按新客数分给各域", "Pool's costs shared by new customers"),
    "private": ("私域费用全由私域新客承担", "Pool's costs all on private-domain customers"),
}

COST_LINES: Names = {
    "cac": ("每月", "As it was"),
    "season_free_cac": ("剔除季节", "Without season"),
    "trend": ("趋势", "Trend"),
}

DIRECTIONS: Names = {
    "rising": ("在涨", "is rising"),
    "falling": ("在降", "is falling"),
    "no clear trend": ("看不出明确的涨跌", "shows no clear trend"),
    "not known": ("无法判断", "cannot be judged"),
}

COST_GROUPS: Names = {
    "all": ("综合（全部新客）", "Blended (all new customers)"),
    "paid": ("投放（投放渠道合计）", "Paid (all paid channels)"),
}

FUNNEL: Names = {
    "mix": ("渠道结构", "Channel mix"),
    "within": ("渠道内成本", "Cost within channels"),
    "media_price": ("媒体价格", "Media price"),
    "click_rate": ("点击率", "Click rate"),
    "visit_rate": ("到访率", "Visits per click"),
    "conversion": ("转化率", "Conversion"),
    "started": ("新开的渠道", "Channels started"),
    "stopped": ("停掉的渠道", "Channels stopped"),
    "spend_without_customers": ("投了却没有新客", "Spend without customers"),
}

BEST_SPEND: Names = {
    "raise": ("可以加投", "room for more"),
    "lower": ("减一些更划算", "less would pay better"),
    "about_right": ("与刚好不亏相差不明显", "not clearly off break-even"),
    "beyond_more": ("可以加投；加到多少，超出以往范围", "room for more; how much lies beyond the spend seen"),
    "beyond_less": (
        "减一些更划算；减到多少，低于以往范围",
        "less would pay better; how much lies below the spend seen",
    ),
    "not_identified": ("数据判断不了", "cannot be told"),
}
SPEND_A_PERIOD: Names = {
    "week": ("现在每周投放", "Spend a week today"),
    "month": ("现在每月投放", "Spend a month today"),
}

PLAN: Names = {
    "all": ("合计", "All"),
    "planned": ("按弹性推算", "by the elasticity"),
    "unchanged": ("投放不变", "unchanged"),
    "bounds": ("弹性未知，只给上下限", "elasticity not known: bounds"),
    "beyond_seen": ("超出投放过的范围", "beyond the spend seen"),
    "not_identified": ("无法推算", "cannot be computed"),
    "not_running": ("近期没有投放", "no spend lately"),
}

PAST_AHEAD: Names = {"past": ("已发生", "Observed"), "ahead": ("预测", "Forecast")}

PAYBACK_LINES: Names = {
    "contribution_all": ("贡献毛利，全部新客", "Contribution, all new customers"),
    "cac_all": ("综合获客成本", "Blended cost"),
    "cac_full": ("全成本获客成本", "Fully loaded cost"),
    "contribution_paid": ("贡献毛利，投放渠道的新客", "Contribution, customers of paid channels"),
    "cac_paid": ("投放获客成本", "Paid cost"),
}

FRAGILE: Names = {True: ("脆弱", "fragile"), False: ("否", "no")}

#: Which line of the payback chart takes the colour of which.
PAYBACK_LIKE = {"cac_all": "contribution_all", "cac_paid": "contribution_paid"}

PROFIT_FACTORS: Names = {
    "traffic": ("流量（访客数）", "Traffic (visitors)"),
    "conversion": ("转化率", "Conversion"),
    "new_customers": ("新客数", "New customers"),
    "average_order_value": ("笔单价", "Order value"),
    "customer_acquisition_cost": ("获客成本", "Acquisition cost"),
    "contribution_rate": ("贡献毛利率", "Contribution rate"),
    "orders_per_customer": ("人均订单数（365 天）", "Orders per customer (365 days)"),
    "fixed_cost": ("固定费用（私域）", "Fixed cost (the pool's)"),
}


#: Which orders page 03 attributes, as its sentences call them.
CONVERSIONS: Names = {"new_customers": ("新客首单", "first orders"), "all_orders": ("全部订单", "orders")}
SHARES_OF: Names = {
    "new_customers": ("占有触点记录的新客首单的份额", "Share of first orders with recorded touches"),
    "all_orders": ("占有触点记录的订单的份额", "Share of orders with recorded touches"),
}
SHARES_OF_ALL: Names = {
    "new_customers": ("占全部新客首单的份额", "Share of all first orders"),
    "all_orders": ("占全部订单的份额", "Share of all orders"),
}

#: Where a chain of touches begins and ends.
STATES: Names = {
    "(start)": ("开始", "Start"),
    "(conversion)": ("下单", "Order"),
    "(order)": ("下单", "Order"),
    "(null)": ("没有下单", "No order"),
}

#: The counts of a lift test.
COUNTED_IN: Names = {"new_customers": ("位新客", "new customers"), "all_orders": ("笔订单", "orders")}
ONE_OF: Names = {"new_customers": ("位新客", "new customer"), "all_orders": ("笔订单", "order")}
ROLES: Names = {
    "opener": ("开头多于收尾", "opens more than it closes"),
    "feeder": ("引流", "feeder"),
    "closer": ("成交", "closer"),
    "both": ("引流、成交", "feeder and closer"),
    "between": ("开头与收尾相当", "opens about as often as it closes"),
    None: ("不适用", "not applicable"),
}

UPSTREAM: Names = {
    "cost_last_touch": ("按末次触点", "By last touch"),
    "cost_shared": ("分摊上游投放之后", "With upstream spend shared"),
}

#: Steps of `joining_times` and whom they are of.
JOINING: Names = {
    ("first_touch_to_joining", "all"): ("首次触点到加入私域", "First touch to joining"),
    ("joining_to_first_order", "all"): ("加入到首单（先加入的）", "Joining to first order, if joined first"),
    ("first_order_to_joining", "all"): ("首单到加入（先下单的）", "First order to joining, if ordered first"),
    ("first_touch_to_first_order", "all"): ("首次触点到首单", "First touch to first order"),
    ("first_touch_to_first_order", "joined_first"): ("其中先加入的", "of these, joined first"),
    ("first_touch_to_first_order", "others"): ("其中没有先加入的", "of these, not joined first"),
}

SHARED: Names = {
    "own": ("按首单渠道", "By the channel of the first order"),
    "shared": ("分摊上游投放之后", "With upstream spend shared"),
}

ALL: Names = {"all": ("合计", "All")}


def channels(config: Mapping[str, Any]) -> Names:
    """Names of a brand's marketing channels, as its brand.yml gives them.

    >>> channels({"channel_names": {"sms": {"zh": "短信", "en": "Text messages"}}})["sms"]
    ('短信', 'Text messages')
    """
    told = {name: (both["zh"], both["en"]) for name, both in config["channel_names"].items()}
    return told | {"unknown": DOMAINS["unknown"], "other": DOMAINS["other"]}


def factors(split: pd.DataFrame) -> Names:
    """Names of the bars of `revenue_identity`: its factors, and the two periods by their dates.

    >>> split = pd.DataFrame()
    >>> split.attrs = {"before": ("2024-01-01", "2024-12-30"), "after": ("2024-12-31", "2025-12-30")}
    >>> factors(split)["after"]
    ('2024-12-31 至 2025-12-30', '2024-12-31 to 2025-12-30')
    """
    ends = {name: split.attrs.get(name, (name,)) for name in ("before", "after")}
    return FACTORS | {name: (" 至 ".join(days), " to ".join(days)) for name, days in ends.items()}


def between(halves: tuple[list[str], list[str]]) -> Names:
    """Names of the two periods of a change, by their first and last month.

    >>> between((["2023-01", "2023-12"], ["2024-01", "2024-12"]))["after"]
    ('2024-01 至 2024-12', '2024-01 to 2024-12')
    """
    ends = dict(zip(("before", "after"), ((months[0], months[-1]) for months in halves), strict=True))
    return {name: (" 至 ".join(months), " to ".join(months)) for name, months in ends.items()}


def words(both: tuple[str, str]) -> Words:
    """A name as a sentence takes it.

    >>> words(DOMAINS["private"]).en
    'Private'
    """
    return Words(*both)


def named(extremes: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The two channels of `cohort_value.clearly_apart` with their names and values, as a sentence takes them.

    >>> sorted(named({"top": "sms", "bottom": "x", "top_value": 2, "bottom_value": 1}, {"channel_names": {}}))
    ['bottom_name', 'bottom_value', 'top_name', 'top_value']
    """
    known = channels(config)
    called = {f"{end}_name": words(known.get(extremes[end], (extremes[end],) * 2)) for end in ("top", "bottom")}
    return called | {f"{end}_value": extremes[f"{end}_value"] for end in ("top", "bottom")}
