"""Two sayings on referral as results: that believers become a sales force, and that whom they bring is worth more.

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.referred_quality import SELF_SELECTION, worth_more
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

SALES_FORCE_SHARE = 0.1  # ours: a sales force brings at least so much of the new customers
MUCH_ABOVE_CHANCE = 1.5  # ours: times the share that the top tenth would have by chance
PUBLISHED = {  # metric of the table industry_parameters, category "referral" -> key and what it is
    "extra margin of referred customers": (
        "published_referred_margin",
        Words(
            "公开研究（一家银行）：被推荐客户的毛利比其他客户高出的比例",
            "published study of one bank: margin of referred customers above that of others",
        ),
    ),
    "higher chance of staying, referred customers": (
        "published_referred_staying",
        Words(
            "公开研究（一家银行）：被推荐客户留下来的可能性高出的比例",
            "published study of one bank: how much likelier referred customers are to stay",
        ),
    ),
}


def referral_rules(
    k: Mapping[str, Estimate | Refused],
    quality: Mapping[str, Estimate | Refused],
    published: pd.DataFrame | None = None,
    at_least: float = SALES_FORCE_SHARE,
) -> list[RuleResult]:
    """Hold two sayings of the articles against the brand's own referrals.

    dict of `k_factor`, dict of `referred_quality`  ->  list of two RuleResult

    Parameters
    ----------
    k, quality : dict
    published : DataFrame, optional
        category, metric, typical (%): rows of category "referral" are shown as published figures.
    at_least : float
        Share of the new customers from which on referrers count as a sales force.

    Returns
    -------
    list of RuleResult
        sales_force : agrees where referral brings at least `at_least` of the last year's new customers, by its
        interval. referred_worth_more : agrees where referred customers contribute more than others of their months.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.referral import K_KEYS
    >>> from siyu_helpers.analysis.pool.referral_log import not_recorded
    >>> keys = [*K_KEYS, "contribution_long_ratio", "contribution_short_ratio", "repurchase_ratio"]
    >>> nothing = dict.fromkeys(keys, not_recorded())
    >>> [rule.agrees for rule in referral_rules(nothing, nothing)]
    ['cannot be told', 'cannot be told']
    """
    if not 0 < at_least < 1:
        raise ValueError(f"at_least must lie between 0 and 1, such as 0.1; got {at_least!r}")
    return [_sales_force(k, at_least), _worth_more(quality, published)]


def _side(estimate: Estimate | Refused, bar: float) -> str:
    """On which side of the bar the whole interval lies."""
    if isinstance(estimate, Refused):
        return OPEN
    if estimate.low >= bar:
        return AGREES
    return DISAGREES if estimate.high < bar else OPEN


def _sales_force(k: Mapping[str, Estimate | Refused], at_least: float) -> RuleResult:
    agrees = _side(k["referral_share_last_year"], at_least)
    top, chance = k["top_share"], k["top_share_by_chance"]
    few = isinstance(top, Estimate) and isinstance(chance, Estimate) and top.value > MUCH_ABOVE_CHANCE * chance.value
    who = Words("推荐分散在许多客户身上，没有一支“销售队伍”可点名", "it comes from many customers who bring one each")
    if few:
        who = Words(
            "推荐集中在少数客户身上，值得单独维护", "a few customers bring most of them and deserve special care"
        )
    readings = {
        AGREES: Words(
            f"老带新在新客中占到可观的比例；{who.zh}",
            f"referral brings a considerable part of the new customers; {who.en}",
        ),
        DISAGREES: Words(
            f"老带新只占新客的一小部分，撑不起获客；{who.zh}",
            f"referral brings a small part of the new customers and cannot carry acquisition; {who.en}",
        ),
        OPEN: Words(
            "凭现有的推荐记录，还说不准", "the referrals on record do not tell"
        ),
    }  # fmt: skip
    keys = {"sales_force_share": "referral_share_last_year", "sales_force_referrers": "referrer_share",
            "sales_force_top": "top_share", "sales_force_top_by_chance": "top_share_by_chance"}  # fmt: skip
    claim = Words(
        "坚定的认同者里，会有一部分人变成庞大的销售队伍",
        "part of the firm believers become a huge sales force",
    )
    return RuleResult("sales_force", claim, {key: k[name] for key, name in keys.items()}, agrees, readings[agrees])


def _worth_more(quality: Mapping[str, Estimate | Refused], published: pd.DataFrame | None) -> RuleResult:
    ratio = worth_more(quality)
    agrees = _side(ratio, 1.0)
    if isinstance(ratio, Estimate) and agrees == AGREES and not ratio.low > 1:
        agrees = OPEN
    readings = {
        AGREES: Words("被推荐的新客贡献更高", "referred customers contribute more"),
        DISAGREES: Words("被推荐的新客贡献反而更低", "referred customers contribute less"),
        OPEN: Words("两类新客的贡献分不出高下", "the contribution of the two cannot be told apart"),
    }
    reading = readings[agrees]
    if isinstance(ratio, Estimate):
        reading = Words(f"{reading.zh}；但{SELF_SELECTION.zh}", f"{reading.en}; but {SELF_SELECTION.en}")
    figures = {"referred_contribution_ratio": ratio, "referred_repurchase_ratio": quality["repurchase_ratio"]}
    claim = Words(
        "老客户介绍来的客户更值钱，转化也更高", "customers brought by customers are worth more and convert better"
    )
    return RuleResult("referred_worth_more", claim, figures | _published(published), agrees, reading)


def _published(table: pd.DataFrame | None) -> dict[str, Estimate]:
    """Published figures as counted facts, in shares."""
    if table is None:
        return {}
    order_log.has_columns(list(table.columns), ["category", "metric", "typical"])
    rows = table[(table["category"] == "referral") & table["metric"].isin(PUBLISHED)]
    found = {}
    for metric, value in zip(rows["metric"], pd.to_numeric(rows["typical"]), strict=True):
        key, words = PUBLISHED[metric]
        found[key] = Estimate.exact(float(value) / 100, 0, "share", words, referral_rules)
    return found
