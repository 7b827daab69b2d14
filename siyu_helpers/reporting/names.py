"""What the groups, statuses and factors of the analysis tables are called on a page, (Chinese, English)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

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

SHARES: Names = {
    "customer_share": ("客户占比", "Share of customers"),
    "revenue_share": ("销售额占比", "Share of revenue"),
}


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
