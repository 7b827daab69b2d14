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
