"""The question as a table: the experiment that the comparison imitates, one element a row, in both languages.

Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Words

ELEMENTS = {
    "eligibility": Words("入选条件", "Eligibility"),
    "time_zero": Words("起点", "Time zero"),
    "strategies": Words("比较的两种做法", "Strategies"),
    "assignment": Words("如何分组", "Assignment"),
    "follow_up": Words("观察期", "Follow-up"),
    "outcome": Words("结果", "Outcome"),
    "censoring": Words("提前结束观察", "Censoring"),
    "estimand": Words("要回答的量", "Estimand"),
    "analysis": Words("分析方法", "Analysis"),
}

#: What each name of a covariate is called within a sentence.
COVARIATE_WORDS = {
    "recency": Words("距上次下单的天数", "days since the last order"),
    "frequency": Words("下单频次", "how often they ordered"),
    "spend": Words("单均金额", "spend per order"),
    "tenure": Words("首单以来的周数", "weeks since the first order"),
    "first_channel": Words("首单渠道", "channel of the first order"),
    "discount_share": Words("折扣率", "share of discounts"),
    "interest": Words("近 28 天触点数", "touches in the last 28 days"),
    "month": Words("月份", "calendar month"),
    "city_tier": Words("城市级别", "tier of the city"),
}


def target_trial(
    horizon_days: int = 90,
    recency_at_most_days: int = 365,
    controls_per_joiner: int = 20,
    covariates: tuple[str, ...] = (),
    censor: str = "ipcw",
    refunds: str = "net",
    contribution: str = "none",
    gross_margin: float | None = None,
    pool_since: str | None = None,
    observed_until: order_log.DateLike | None = None,
    history: str = "complete",
) -> pd.DataFrame:
    """State the experiment that the weekly trials imitate, so that everybody can see what is compared with what.

    parameters  ->  elements of the trial (one element a row)

    Parameters
    ----------
    horizon_days, recency_at_most_days, controls_per_joiner, censor, refunds, gross_margin, history
        As given to `weekly_trials`.
    covariates : tuple of str
        Names of covariates that were used.
    contribution : "costs", "margin" or "none"
        See `order_log.contribution_rule`.
    pool_since, observed_until : date, optional
        First joining of the brand, last day of the data.

    Returns
    -------
    DataFrame
        element (eligibility, time_zero, strategies, assignment, follow_up, outcome, censoring, estimand, analysis);
        element_zh, element_en; zh, en: full sentences.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Notes
    -----
    Hernan and Robins (2016), Am J Epidemiol 183, 758-764.

    Example
    -------
    >>> target_trial(horizon_days=90).set_index("element").loc["time_zero", "en"]
    'The moment of joining; a comparator takes the moment in the week at which one of its joiners joined, drawn by lot.'
    """
    for name, value in (
        ("horizon_days", horizon_days),
        ("recency_at_most_days", recency_at_most_days),
        ("controls_per_joiner", controls_per_joiner),
    ):
        order_log.at_least_one(name, value)
    order_log.one_of("censor", censor, ("ipcw", "none"))
    order_log.one_of("contribution", contribution, ("costs", "margin", "none"))
    order_log.one_of("refunds", refunds, tuple(order_log.REFUND_WORDS))
    sentences = {
        "eligibility": _eligibility(recency_at_most_days, horizon_days, pool_since, observed_until),
        "time_zero": Words(
            "加入私域的时刻；对照从同一周的加入者中随机取一位，用其加入时刻。",
            "The moment of joining; a comparator takes the moment in the week at which one of its joiners joined, "
            "drawn by lot.",
        ),
        "strategies": Words(
            f"本周加入私域；或此后 {horizon_days} 天一直不加入。",
            f"Join the pool in this week, against stay out of it for the next {horizon_days} days.",
        ),
        "assignment": _assignment(covariates, history),
        "follow_up": Words(
            f"从起点起 {horizon_days} 天，另按每 30 天分段，看效果是否随时间减弱。",
            f"From time zero {horizon_days} days, also in blocks of 30 days to see whether the effect fades.",
        ),
        "outcome": _outcome(refunds, contribution, gross_margin),
        "censoring": _censoring(censor),
        "estimand": Words(
            "处理组平均效应（ATT）：对实际加入的客户而言，加入比不加入平均多带来多少。不能推及不会加入的客户。",
            "The average effect on those who joined (ATT): how much more they did than they would have done outside "
            "the pool. It does not speak for customers who would not join.",
        ),
        "analysis": Words(
            f"每周的加入者各配 {controls_per_joiner} 位当周可加入而未加入的客户，按抽样比例加权；"
            "用回归调整、倾向得分加权、两者结合（AIPW）和匹配分别估计；同一客户的多行合并计算标准误。",
            f"For each joiner of a week, {controls_per_joiner} customers who could have joined in that week and did "
            "not, weighted by the sampling; estimated by regression adjustment, propensity weighting, both together "
            "(AIPW) and matching; standard errors allow for several rows of one customer.",
        ),
    }
    return pd.DataFrame(
        [
            {
                "element": name,
                "element_zh": ELEMENTS[name].zh,
                "element_en": ELEMENTS[name].en,
                "zh": said.zh,
                "en": said.en,
            }
            for name, said in sentences.items()
        ]
    )


def target_trial_of(trials: pd.DataFrame) -> pd.DataFrame:
    """State the experiment of a table that `weekly_trials` made, from the parameters that travel with it.

    Example
    -------
    >>> from siyu_helpers.analysis.effect.trials import weekly_trials
    >>> log = pd.DataFrame({"customer_id": [1], "amount": [10.0], "ordered_at": pd.to_datetime(["2024-01-01"])})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": pd.to_datetime(["2024-01-10"])})
    >>> target_trial_of(weekly_trials(log, stays, "2024-03-31", 30)).set_index("element").loc["strategies", "en"]
    'Join the pool in this week, against stay out of it for the next 30 days.'
    """
    facts: dict[str, Any] = {
        name: trials.attrs[name]
        for name in (
            *("horizon_days", "recency_at_most_days", "controls_per_joiner", "censor", "refunds", "contribution"),
            *("gross_margin", "pool_since", "observed_until", "history"),
        )
    }
    return target_trial(**facts, covariates=tuple(trials.attrs["groups"]))


def _eligibility(
    recency: int, horizon: int, pool_since: str | None, observed_until: order_log.DateLike | None
) -> Words:
    since = Words("", "")
    if pool_since is not None:
        since = Words(f"从第一次有客户加入（{pool_since}）的那一周起，", f"From the first joining ({pool_since}) on, ")
    end = Words("", "")
    if observed_until is not None:
        day = str(pd.Timestamp(observed_until).date())
        end = Words(f"（数据截至 {day}）", f" (data to {day})")
    en = (
        f"{since.en}in each week (Monday to Sunday) customers who have ordered before it, have never been in the pool "
        f"before it, last ordered at most {recency} days before it, and are observed for {horizon} days after "
        f"it{end.en}."
    )
    return Words(
        f"{since.zh}每周（周一至周日）入选的客户：在这一周之前下过单，从未加入过私域，"
        f"最近一次下单距这一周开始不超过 {recency} 天，并且这一周之后还能观察满 {horizon} 天{end.zh}。",
        en[0].upper() + en[1:],
    )


def _assignment(covariates: tuple[str, ...], history: str) -> Words:
    named = [COVARIATE_WORDS.get(name, Words(name, name)) for name in covariates]
    zh = "没有抽签，由客户自己决定。假定：这一周之前记录相同的客户，谁加入、谁不加入，与若不加入会买多少无关"
    en = (
        "No lot: customers decide for themselves. Assumed: among customers with the same record before the week, who "
        "joins has nothing to do with how much they would buy anyway"
    )
    if named:
        zh += f"（{'、'.join(words.zh for words in named)}）"
        en += f" ({', '.join(words.en for words in named)})"
    zh, en = (
        zh + "。数据无法证明这一假定，只能检验它的后果。",
        en + ". The data cannot prove this, only test what follows from it.",
    )
    if history == "truncated":
        zh += "订单不是从第一单开始导出的，频次和首单时间只按导出的部分计算。"
        en += " The export starts midway: frequency and time since the first order are those within it."
    return Words(zh, en)


def _outcome(refunds: str, contribution: str, gross_margin: float | None) -> Words:
    money = order_log.REFUND_WORDS[refunds]
    zh = (
        "观察期内的订单数、是否再次下单、销售额、贡献毛利和带来的新客，合计所有渠道：从平台挪到小程序的订单不算增量。"
        f"销售额{money.zh}。"
    )
    en = (
        "Orders, repurchase, spend, contribution and friends brought within the follow-up, over all channels together: "
        f"an order moved from Taobao to the mini program is no gain. Spend: {money.en}."
    )
    if contribution == "none":
        return Words(
            zh + "货品成本和毛利率都未知，不计算贡献毛利。", en + " Costs and margin are not known: no contribution."
        )
    rule = order_log.contribution_words(contribution, gross_margin)
    return Words(
        f"{zh}{rule.zh}，未扣触达和私域运营成本。",
        f"{en} {rule.en[0].upper()}{rule.en[1:]}, before messages and what the pool costs.",
    )


def _censoring(censor: str) -> Words:
    if censor == "none":
        return Words(
            "对照后来加入的，仍按没有加入计算：这会低估效果。",
            "A comparator who joins later still counts as one who did not: this understates the effect.",
        )
    return Words(
        "对照在观察期内加入的，从加入起不再作为对照；其余对照按“一直没有加入的概率”的倒数加权，代表全部对照。",
        "A comparator who joins within the follow-up stops being one; the others are weighted by the inverse of their "
        "chance of staying out, and so stand for all.",
    )
