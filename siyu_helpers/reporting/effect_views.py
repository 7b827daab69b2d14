"""Rows and words of page 04 from what the analysis floor found: whether joining the pool causes more repurchase.

Nothing here computes an effect: results come in, and go out as rows and names that a strategist can read.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis import pool_effect
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import names, words

TABLES = ("members", "customers", "touchpoints", "assignments", "messages", "pool_costs")


OUTCOMES: names.Names = {
    "orders": ("订单", "Orders"),
    "repurchase": ("再次下单的客户占比", "Share who order again"),
    "spend": ("销售额", "Spend"),
    "contribution": ("贡献毛利（未扣私域费用）", "Contribution (before the pool's costs)"),
    "referrals": ("每百位加入者带来的新客", "New customers brought by a hundred joiners"),
}


ESTIMATES: names.Names = {
    "members_against_others": ("已加入的比未加入的（常见算法）", "Members against others (the usual figure)"),
    "before_against_after": ("加入后比加入前（常见算法）", "After against before (also usual)"),
    "weekly_trials": ("每周对照（调整后）", "Weekly trials (adjusted)"),
    "invitation": ("随机邀请", "Random invitation"),
}


METHODS: names.Names = {
    "ra": ("回归调整", "Regression adjustment"),
    "ipw": ("倾向得分加权", "Propensity weighting"),
    "aipw": ("两者结合（AIPW）", "Both together (AIPW)"),
    "matching": ("匹配", "Matching"),
}


def question_rows(asked: pd.DataFrame | None, days: int, recency: int, controls: int) -> pd.DataFrame:
    """The target trial as rows: what is set, and how."""
    found = pool_effect.target_trial(days, recency, controls) if asked is None else pool_effect.target_trial_of(asked)
    return pd.DataFrame(
        {
            "element": list(zip(found["element_zh"], found["element_en"], strict=True)),
            "said": list(zip(found["zh"], found["en"], strict=True)),
        }
    )


def person_time_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Customer-days by group, named."""
    return table.assign(group=list(zip(table["zh"], table["en"], strict=True)))


def flow_rows(asked: pd.DataFrame) -> pd.DataFrame:
    """The steps from members to joiners in the trials, named."""
    table = pool_effect.sample_flow(asked)
    return table.assign(step=list(zip(table["zh"], table["en"], strict=True)))


def design_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Designs, what each rules out, and whether it can be used."""
    return pd.DataFrame(
        {
            "design": [tuple(pool_effect.DESIGNS[name]) for name in table["design"]],
            "rules_out": [tuple(pool_effect.RULES_OUT[name]) for name in table["design"]],
            "state": list(zip(table["zh"], table["en"], strict=True)),
        }
    )


def with_ends(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose ends stand under the names that `tables.show` looks for."""
    return table.rename(columns={"low": "value_low", "high": "value_high"})


def all_rows(by_horizon: Mapping[int, Any], currency: str) -> pd.DataFrame:
    """Every outcome at each follow-up, each number in its own unit."""
    table = pd.concat([pool_effect.effect_table(by_horizon, [outcome]) for outcome in OUTCOMES], ignore_index=True)
    rows = table.to_dict("records")
    return table.assign(
        days=table["horizon_days"].astype(str),
        without=[_in_unit(row, currency, ("without",), base=True) for row in rows],
        value=[_in_unit(row, currency, ("value", "low", "high")) for row in rows],
    )


def _in_unit(row: Mapping[str, Any], currency: str, ends: tuple[str, ...], base: bool = False) -> tuple[str, str]:
    """A number of one outcome with its unit and, where it has one, its interval, in both languages."""
    unit, scale, _ = pool_effect.STATED[row["outcome"]]
    unit, scale = ("share", 1) if base and row["outcome"] == "repurchase" else (words.AMOUNTS.get(unit, unit), scale)
    value, *interval = (scale * row[end] for end in ends)
    said = []
    for lang in words.LANGUAGES:
        text = words.value_text(value, unit, lang, currency)
        said.append(text + (words.interval_text(*interval, unit, lang, currency) if interval else ""))
    return (said[0], said[1])


def compared_rows(
    apart: Any, around: Any, weekly: Any, lot: Any, known_here: bool, outcome: str = "orders"
) -> pd.DataFrame:
    """The usual figures and the adjusted ones side by side, as changes: label, value (low, high), hollow: no effect."""
    found = {
        "members_against_others": pool_effect.as_change(apart[f"{outcome}_ratio"]),
        "before_against_after": pool_effect.as_change(around["all_ratio"]),
        "weekly_trials": weekly,
        "invitation": pool_effect.lot_relative(lot, outcome),
    }
    usual = {"members_against_others", "before_against_after"} | (set() if known_here else {"weekly_trials"})
    rows = [
        (name, number.value, number.low, number.high, name in usual)
        for name, number in found.items()
        if not isinstance(number, Refused)
    ]
    return pd.DataFrame(rows, columns=["label", "value", "low", "high", "hollow"])


KEPT: names.Names = {
    1.0: ("全部保留", "all kept"),
    0.99: ("去掉最可能加入的 1%", "without the likeliest 1%"),
    0.95: ("去掉最可能加入的 5%", "without the likeliest 5%"),
}


def grid_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Estimators and trims, named for the chart."""
    return table.assign(label=[KEPT[kept] for kept in table["kept"]], group=table["method"])


def is_known(*numbers: Any) -> bool:
    """Whether all of these were given."""
    return all(isinstance(number, Estimate) for number in numbers)


def truth_value(true: Estimate | Refused) -> float | None:
    """The true effect for a chart; None where nobody knows it."""
    return None if isinstance(true, Refused) else true.value


def segment_names() -> names.Names:
    """Groups of customers named in advance."""
    return {name: tuple(words) for name, words in pool_effect.SEGMENTS.items()}


def words_of(both: Words) -> tuple[str, str]:
    """A bilingual text as charts take it."""
    return (both.zh, both.en)


WEIGHTS = ["sampling_weight", "censor_weight"]


STATED = {
    "without": pool_effect.stated_without,
    "adds": pool_effect.stated,
    "more": pool_effect.stated_relative,
}


COVARIATES: names.Names = {
    "recency_days": ("距上一单的天数", "Days since the last order"),
    "log_recency": ("距上一单的天数（对数）", "Days since the last order (log)"),
    "log_order_days": ("下单次数（对数）", "Number of orders (log)"),
    "log_orders_90_days": ("近 90 天下单次数（对数）", "Orders in the last 90 days (log)"),
    "order_days_by_recency": ("下单次数×距上一单的天数", "Orders by days since the last"),
    "log_mean_spend": ("笔单价（对数）", "Spend per order (log)"),
    "discount_share": ("折扣率", "Share of discount"),
    "discount_unknown": ("折扣不详", "Discount not known"),
    "log_touches_28_days": ("近 28 天触点数（对数）", "Touches in the last 28 days (log)"),
    "tenure_weeks_0_1": ("首单不到 1 周", "First order under 1 week ago"),
    "tenure_weeks_1_2": ("首单 1 至 2 周", "First order 1 to 2 weeks ago"),
    "tenure_weeks_2_4": ("首单 2 至 4 周", "First order 2 to 4 weeks ago"),
    "tenure_weeks_4_13": ("首单 4 至 13 周", "First order 4 to 13 weeks ago"),
    "tenure_weeks_13_26": ("首单 13 至 26 周", "First order 13 to 26 weeks ago"),
}


def covariate_names(table: pd.DataFrame, config: Mapping[str, Any]) -> names.Names:
    """Covariates of the balance chart, named; channels by their names in brand.yml.

    >>> table = pd.DataFrame({"covariate": ["first_channel_sms", "month_2024_03", "city_tier_tier_2"]})
    >>> found = covariate_names(table, {"channel_names": {"sms": {"zh": "短信", "en": "Text messages"}}})
    >>> [zh for zh, _ in found.values()]
    ['首单渠道：短信', '月份：2024-03', '城市级别：二线']
    """
    called = names.channels(config)
    return {column: COVARIATES.get(column) or _dummy_name(column, called) for column in table["covariate"]}


#: Values of customer traits that the invented brands have; other values are shown as the table spells them.
TRAITS: names.Names = {
    "city_tier": ("城市级别", "City tier"),
    "tier_1": ("一线", "tier 1"),
    "new_tier_1": ("新一线", "new tier 1"),
    "tier_2": ("二线", "tier 2"),
    "tier_3_below": ("三线及以下", "tier 3 and below"),
    "pooled": ("其他", "others"),
    "unknown": ("未知", "unknown"),
}


def _dummy_name(column: str, called: names.Names) -> tuple[str, str]:
    if column.startswith("first_channel_"):
        channel = column.removeprefix("first_channel_")
        zh, en = called.get(channel) or TRAITS.get(channel, (channel, channel))
        return f"首单渠道：{zh}", f"First channel: {en}"
    if column.startswith("month_"):
        month = column.removeprefix("month_").replace("_", "-")
        return f"月份：{month}", f"Month: {month}"
    if column.startswith("city_tier_"):
        tier = column.removeprefix("city_tier_")
        zh, en = TRAITS.get(tier, (tier, tier))
        return f"城市级别：{zh}", f"City tier: {en}"
    return column, column


def rule_rows(ruled: Mapping[str, Any]) -> pd.DataFrame:
    """The rules behind each verdict: design, rule, what was seen and asked for, and whether it held."""
    parts = []
    for design, verdict in ruled.items():
        rules = verdict.rules
        parts.append(
            pd.DataFrame(
                {
                    "design": [tuple(pool_effect.DESIGNS.get(design, ("–", "–")))] * len(rules),
                    "rule": list(zip(rules["zh"], rules["en"], strict=True)),
                    "seen": rules["seen"],
                    "needed": rules["needed"],
                    "passed": [("通过", "held") if held else ("未通过", "not held") for held in rules["passed"]],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


GROUPS: names.Names = {
    "recency": ("距上一单的时间", "time since the last order"),
    "frequency": ("下单频次", "how often they ordered"),
    "spend": ("笔单价", "spend per order"),
    "tenure": ("首单距今的时间", "time since the first order"),
    "first_channel": ("首单渠道", "the first channel"),
    "discount_share": ("折扣率", "share of discount"),
    "interest": ("近期触点", "recent touches"),
    "month": ("月份", "the month"),
    "city_tier": ("城市级别", "the city tier"),
    "": ("（没有）", "(none)"),
}


def group_name(group: str) -> Words:
    """A group of covariates as a sentence calls it.

    >>> group_name("tenure").en
    'time since the first order'
    """
    return names.words(GROUPS.get(group, (group, group)))


def late(lot: Any, outcome: str = "orders") -> Any:
    """The effect of joining by a random invitation, or Refused."""
    return lot if isinstance(lot, Refused) else lot.late[outcome]


def shown_overlap(shared: pd.DataFrame, least: float = 1e-4) -> pd.DataFrame:
    """Overlap for a chart: chances below one in ten thousand stand together, for nobody of them joins."""
    if shared.empty:
        return shared
    low = shared["score_high"] <= least
    if not low.any():
        return shared
    lumped = shared[low].sum(numeric_only=True)
    lumped["score_low"], lumped["score_high"] = least / 2, shared.loc[low, "score_high"].max()
    table = pd.concat([lumped.to_frame().T, shared[~low]], ignore_index=True)
    table.attrs = dict(shared.attrs)
    return table


def units_of(stores: Any) -> int:
    """Stores or cities behind a roll-out."""
    return int(stores.simple.n)


def lot_rows(lot: Any, currency: str) -> pd.DataFrame:
    """What a random invitation shows: a row an outcome, being invited and joining, each in its own unit."""
    rows = []
    for outcome in OUTCOMES:
        cells = {}
        for name, found in (("itt", lot.itt.get(outcome)), ("late", lot.late.get(outcome))):
            known = found is not None and not isinstance(found, Refused)
            row = {"outcome": outcome, **{end: getattr(found, end, None) for end in ("value", "low", "high")}}
            cells[name] = _in_unit(row, currency, ("value", "low", "high")) if known else ("说不准", "cannot be told")
        rows.append({"outcome": outcome, **cells})
    return pd.DataFrame(rows)


def verdict_words(verdict: Any) -> Words:
    """A verdict as a sentence takes it."""
    return Words(verdict.zh, verdict.en)


def hit_words(estimate: Estimate, true: Estimate) -> Words:
    """Whether the interval holds the truth."""
    if estimate.low <= true.value <= estimate.high:
        return Words("区间含真实值", "the interval holds the truth")
    return Words("区间没有含住真实值", "the interval misses the truth")


def money_place(known_here: bool, worth: Mapping[str, Any]) -> int | bool:
    """Whether the worth of a joiner is a finding: where the effect is known, or where it does not pay even so."""
    net = worth["net_per_joiner"]
    if not known_here and isinstance(net, Estimate) and net.high < 0:
        return 2
    return 3 if known_here or (isinstance(net, Estimate) and net.high < 0) else False


def warned(known_here: bool, worth: Mapping[str, Any]) -> Words:
    """What goes before the worth of a joiner: that the effect behind it is not known, where it is not."""
    net = worth["net_per_joiner"]
    if known_here and isinstance(net, Estimate):
        if net.low > 0:
            return Words("划得来：", "It pays:")
        if net.high < 0:
            return Words("不够付私域费用：", "It does not pay for the pool:")
        return Words("是赚是亏还定不了：", "Whether it pays is not settled:")
    if known_here:
        return Words("折成钱：", "In money,")
    if isinstance(net, Estimate) and net.high < 0:
        return Words(
            "效果无法判定；就算把估计当真，这段时间里也不够付私域费用：",
            "The effect is not identified; even with the estimate taken at face value it does not pay for the pool in "
            "this time:",
        )
    return Words("效果无法判定，下面只是把估计当真时的数：", "The effect is not identified; taken at face value,")
