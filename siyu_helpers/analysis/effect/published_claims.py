"""What was published about private domains, why none of it is an effect, and what the brand's own data say beside it.

Every published uplift that was found compares a group before and after, or those who joined with those who did not, or
with nothing at all. Here each figure stands beside the brand's own figure made in the same way (the naive one) and the
corrected one: that is the distance between what is told in the trade and what can be known.

Opens no files and draws nothing; the tables come from `data/raw/market/`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES: dict[str, list[str]] = {}
COLUMNS = ["id", "entity", "entity_zh", "measures", "figure_low", "figure_high", "figure_unit", "comparison", "grade",
           "claim_zh", "claim_en", "trust_line", "publisher", "date", "url"]  # fmt: skip
MEASURES = {
    "repurchase_change": Words("复购人数变化", "change in those who repurchase"),
    "orders_change": Words("消费频次变化", "change in purchase frequency"),
    "order_value_change": Words("客单价变化", "change in order value"),
    "sales_change": Words("销售额变化", "change in sales"),
    "active_change": Words("活跃客户变化", "change in active customers"),
    "spend_multiple": Words("私域（付费）客户与其他客户的消费之比", "spend of members (or payers) over that of others"),
    "repurchase_multiple": Words("群内与群外客户的复购之比", "repurchase in groups over that outside"),
    "repurchase_rate": Words("复购率", "repurchase rate"),
    "wake_up_rate": Words("沉睡客户唤醒率", "wake-up rate of dormant customers"),
    "win_back_change": Words("唤回率变化", "change in win-back"),
}
COMPARISONS = {
    "before_after": Words("加入（上线）前后对比", "before against after"),
    "members_against_others": Words("私域客户与其他客户对比", "members against others"),
    "cohorts": Words("不同时期的首购客户对比", "cohorts of different quarters"),
    "no_control": Words("没有不发消息的对照组", "no group without the message"),
    "no_comparison": Words("没有对比，只有比例", "no comparison, a rate only"),
    "none_stated": Words("没有说明和谁比", "compared with what is not stated"),
    "randomised": Words("随机对照", "against a group drawn by lot"),
}
WHY = {
    "before_after": Words(
        "前后两个时期的季节、促销、门店和客户都不同；比加入前后的，客户又往往在正活跃的时候加入，此后回落是常态。没有对照就分不开。",
        "Season, promotions, shops and customers of the two periods differ; where it is before and after joining, "
        "customers tend to join when they are active anyway and fall back later. Without a comparison group nothing "
        "tells these apart.",
    ),
    "members_against_others": Words(
        "加入或付费的本来就是买得多的客户，两群人不可比，差距里有多少是加入带来的不得而知。",
        "Those who join or pay bought more to begin with: the two groups are different people, and how much of the gap "
        "comes from joining is not known.",
    ),
    "cohorts": Words(
        "不同时期的首购客户、渠道和产品都不同，变化不能只归因于私域。",
        "Customers, channels and products of different quarters differ: the change is not the pool's alone.",
    ),
    "no_control": Words(
        "一部分沉睡客户不发消息也会回来；没有随机不发的对照组，唤醒率只是增量的上限。",
        "Some dormant customers return without any message; without a random group that got none, the rate is an upper "
        "bound of what the message added.",
    ),
    "no_comparison": Words(
        "只是一个比例：窗口和分母往往没有说明，也没有与不在私域时相比。",
        "A rate alone: its window and denominator are often not stated, and it is compared with nothing.",
    ),
    "none_stated": Words("没有说明和谁比、怎么比，无法判断。", "Compared with whom, and how, is not stated."),
    "randomised": Words(
        "有随机对照，可以看作效果，但只对那个品牌、那段时间成立。",
        "With a control group drawn by lot it is an effect, of that brand and that time.",
    ),
}
MADE = ["id", "who_zh", "who_en", "what_zh", "what_en", "measures", "measures_zh", "measures_en", "figure_low",
        "figure_high", "figure_unit", "comparison", "comparison_zh", "comparison_en", "why_zh", "why_en", "grade",
        "trust_line", "publisher", "date", "url", "own_naive", "own_naive_low", "own_naive_high", "own_corrected",
        "own_corrected_low", "own_corrected_high", "own_reason_zh", "own_reason_en"]  # fmt: skip
FUNNEL = {"upper funnel": "上层漏斗", "middle funnel": "中层漏斗", "lower funnel": "下层漏斗"}
Own = Mapping[str, Mapping[str, Estimate | Refused | None]]


def published_uplifts(claims: pd.DataFrame, own: Own | None = None) -> pd.DataFrame:
    """Published figures about private domains, each with why it is no effect and the brand's own figures beside it.

    private_domain_benchmarks.csv, own figures  ->  table (published figure that says what it measures)

    Parameters
    ----------
    claims : DataFrame
        `data/raw/market/private_domain_benchmarks.csv`.
    own : dict, optional
        measures -> {"naive": ..., "corrected": ...}, each an Estimate, Refused or None: the brand's own figure made as
        the trade makes it, and the effect. In the unit of the published one: 0.3 for 30%, 7 for 7 times. Keys: see
        `MEASURES`.

    Returns
    -------
    DataFrame, in the order of `MEASURES`, within it as in the file
        id; who_, what_ (one sentence), measures_, comparison_, why_ (why it is no effect) in zh and en; figure_low,
        figure_high : as a share or a multiple, high is NaN where the claim is open above. figure_unit : "share" or
        "times". grade, trust_line, publisher, date, url. own_naive, own_corrected (_low, _high) : NaN where the brand
        has none; own_reason_zh, _en : why, where it was refused, else "".

    Raises
    ------
    ValueError
        For missing columns, or an own figure of a kind that is not in `MEASURES`.

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "") | {"id": "pd18", "measures": "orders_change", "figure_low": 30.0,
    ...     "figure_high": 30.0, "figure_unit": "%", "comparison": "before_after", "claim_en": "Up 30% after joining"}
    >>> naive = Estimate(0.45, 0.4, 0.5, 0.9, 800, "share", "members before and after", "f")
    >>> corrected = Estimate(0.06, 0.01, 0.11, 0.9, 800, "share", "effect", "f")
    >>> found = published_uplifts(pd.DataFrame([row]), {"orders_change": {"naive": naive, "corrected": corrected}})
    >>> found[["figure_low", "own_naive", "own_corrected"]].to_numpy().tolist(), found["comparison_en"].item()
    ([[0.3, 0.45, 0.06]], 'before against after')
    """
    missing = [column for column in COLUMNS if column not in claims]
    if missing:
        raise ValueError(
            f"claims lacks {', '.join(missing)}: pass the table of data/raw/market/private_domain_benchmarks.csv"
        )
    own = own or {}
    if unknown := [key for key in own if key not in MEASURES]:
        raise ValueError(f"there is no kind of figure {unknown[0]!r}; there are: {', '.join(MEASURES)}")
    shown = claims[claims["measures"].isin(MEASURES) & claims["comparison"].isin(COMPARISONS)]
    place = {name: rank for rank, name in enumerate(MEASURES)}
    shown = shown.sort_values("measures", key=lambda names: names.map(place), kind="stable")
    rows = [_row(row, own.get(row["measures"], {})) for row in shown.to_dict("records")]
    return pd.DataFrame(rows, columns=MADE)


def _row(claim: dict[str, Any], own: Mapping[str, Estimate | Refused | None]) -> dict[str, Any]:
    scale = 0.01 if claim["figure_unit"] == "%" else 1.0
    row = {name: claim[name] for name in MADE if name in claim}
    row |= {"who_zh": claim["entity_zh"], "who_en": claim["entity"]}
    row |= {"what_zh": claim["claim_zh"], "what_en": claim["claim_en"]}
    for name, words in (("measures", MEASURES), ("comparison", COMPARISONS), ("why", WHY)):
        text = words[claim["measures" if name == "measures" else "comparison"]]
        row |= {f"{name}_zh": text.zh, f"{name}_en": text.en}
    for end in ("figure_low", "figure_high"):
        row[end] = round(float(claim[end]) * scale, 10)
    row["figure_unit"] = "share" if claim["figure_unit"] == "%" else "times"
    row |= {"own_reason_zh": "", "own_reason_en": ""}
    for name in ("naive", "corrected"):
        one = own.get(name)
        known = isinstance(one, Estimate)
        ends = (one.value, one.low, one.high) if known else (math.nan, math.nan, math.nan)
        columns = (f"own_{name}{end}" for end in ("", "_low", "_high"))
        row |= dict(zip(columns, ends, strict=True))
        if isinstance(one, Refused):
            row |= {"own_reason_zh": one.reason_zh, "own_reason_en": one.reason_en}
    return row


def uplift_facts(claims: pd.DataFrame) -> dict[str, Estimate]:
    """Count the published figures: how many there are, how many are uplifts, and how many were controlled.

    private_domain_benchmarks.csv  ->  dict of Estimate, all counted

    Returns
    -------
    dict
        figures : rows collected. uplifts : of them changes, multiples and wake-up rates. controlled : of those,
        compared with people drawn by lot.

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "") | {"measures": "orders_change", "comparison": "before_after"}
    >>> facts = uplift_facts(pd.DataFrame([row, row | {"measures": "", "comparison": ""}]))
    >>> facts["figures"].value, facts["uplifts"].value, facts["controlled"].value
    (2.0, 1.0, 0.0)
    """
    uplifts = claims[claims["measures"].isin([name for name in MEASURES if name != "repurchase_rate"])]
    controlled = uplifts[uplifts["comparison"] == "randomised"]
    words = {
        "figures": Words("收集到的公开私域数据条数", "published figures about private domains that were collected"),
        "uplifts": Words(
            "其中声称提升、倍数或唤醒率的条数", "of them claims of an uplift, a multiple or a wake-up rate"
        ),
        "controlled": Words("其中有随机对照的条数", "of those, with a control group drawn by lot"),
    }
    counts = {"figures": len(claims), "uplifts": len(uplifts), "controlled": len(controlled)}
    return {key: Estimate.exact(counts[key], len(claims), "claims", words[key], uplift_facts) for key in counts}


def observational_errors(experiments: pd.DataFrame) -> pd.DataFrame:
    """How far adjusting without a lot was off where a lot told the truth, as far as it was published.

    experiment_comparisons.csv  ->  table (outcome)

    Parameters
    ----------
    experiments : DataFrame
        `data/raw/market/experiment_comparisons.csv`.

    Returns
    -------
    DataFrame
        id, outcome, outcome_zh, experiments; randomised_lift, double_machine_learning_lift, matching_lift : shares.
        times_too_large, times_too_large_matching : the adjusted lift over the randomised one. what_zh, what_en, grade,
        publisher, url.

    Example
    -------
    >>> row = dict.fromkeys(["id", "claim_zh", "claim_en", "grade", "publisher", "url"], "")
    >>> row |= {"outcome": "upper funnel", "experiments": 663.0, "randomised_lift": 29.0}
    >>> row |= {"double_machine_learning_lift": 83.0, "matching_lift": 173.0}
    >>> observational_errors(pd.DataFrame([row]))["times_too_large"].round(1).tolist()
    [2.9]
    """
    lifts = ["randomised_lift", "double_machine_learning_lift", "matching_lift"]
    made = experiments[["id", "outcome", "experiments", *lifts]].copy()
    made.insert(2, "outcome_zh", made["outcome"].map(FUNNEL).fillna(made["outcome"]))
    made["experiments"] = made["experiments"].astype(int)
    made[lifts] /= 100
    made["times_too_large"] = made["double_machine_learning_lift"] / made["randomised_lift"]
    made["times_too_large_matching"] = made["matching_lift"] / made["randomised_lift"]
    made[["what_zh", "what_en"]] = experiments[["claim_zh", "claim_en"]]
    made[["grade", "publisher", "url"]] = experiments[["grade", "publisher", "url"]]
    return made
