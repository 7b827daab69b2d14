"""How large an experiment about the pool has to be, how long it takes, what it can show and what it costs.

Everything is worked out from the brand's own customers: how those who could be drawn fared over the last days that are
known (`experiment_people`), and how many more come each week; the statistics are in `experiment_sizes`.

An experiment compares all who were drawn, whether they then joined or not. Where only a part of them joins because of
it (the take-up), the difference between the groups is the effect per joiner times that part, and the size needed grows
by one over its square.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from siyu_helpers.analysis.effect import experiment_sizes as sizes
from siyu_helpers.analysis.effect.experiment_people import OUTCOMES, followed_eligible
from siyu_helpers.analysis.effect.experiment_sizes import (
    AVAILABLE_WEEKS,
    KIND_WORDS,
    POWER,
    RELATIVE_EFFECTS,
    SHARES,
    base_rate,
    detectable_effects,
    people_available,
    power_by_weeks,
    sample_sizes,
    take_up_of,
)
from siyu_helpers.analysis.effect.histories import Histories
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words

DAYS_AT_MOST = 3 * 365  # customers, prices and the pool itself will be others by then

__all__ = [
    "design_facts",
    "detectable_effects",
    "holdout_cost",
    "holdout_design",
    "people_needed",
    "power_by_weeks",
    "sample_sizes",
    "take_up_of",
]


def holdout_design(
    histories: Histories,
    kind: str = "holdout",
    share: float = 0.1,
    horizon_days: int = 90,
    relative_effects: Sequence[float] = RELATIVE_EFFECTS,
    power: float = POWER,
    level: float = LEVEL,
    take_up: float | Estimate | Effect | None = None,
    effect: Effect | None = None,
    pays: float | Estimate | None = None,
    outcomes: Sequence[str] = OUTCOMES,
    **rules: Any,
) -> dict[str, Any]:
    """Design an experiment that would settle whether the pool works, from the brand's own rates and numbers.

    Histories (customer)  ->  dict of facts (dict of Estimate or Refused) and three tables

    Parameters
    ----------
    histories : Histories
        From `read_histories`.
    kind : "invitation", "holdout" or "promotions"
        Who is drawn and what for, see `experiment_people`.
    share : float
        Share of the people drawn who go without (not invited; no promotions).
    horizon_days : int
        Days everybody is followed.
    relative_effects : list of float
        Smallest effects worth finding, per joiner, as a share of what there would be without.
    power : float
        Chance of finding them.
    level : float
        Level of the interval that has to leave out 0.
    take_up : float, Estimate or Effect, optional
        Share of the invited who join because of it. None: for a holdout the share of those outside who joined over the
        last `horizon_days`; for promotions 1; for an invitation unknown, and effects are then per person invited.
    effect : Effect, optional
        Contribution that joining adds per joiner over the horizon: what the holdout costs.
    pays : float or Estimate, optional
        Contribution per joiner over the horizon at which the pool pays for itself: a further effect worth finding.
    outcomes : list of str
        Outcomes that facts and tables are about; the intervals of means are resampled, which takes time.
    **rules
        recency_at_most_days, after_days, stays: see `followed_eligible`.

    Returns
    -------
    dict
        facts : see `design_facts` and `holdout_cost`. sizes : see `sample_sizes`. detectable : see
        `detectable_effects`. power : see `power_by_weeks`. followed : the table of `followed_eligible`.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Example
    -------
    >>> from siyu_helpers.analysis.effect.histories import read_histories
    >>> log = pd.DataFrame({"customer_id": [*range(300), *range(60)], "amount": 10.0})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-01"] * 300 + ["2024-05-05"] * 60)
    >>> nobody = pd.DataFrame({"customer_id": [0], "joined_at": pd.to_datetime(["2025-01-15"])})
    >>> design = holdout_design(read_histories(log, nobody, "2024-06-30"), take_up=1.0)
    >>> design["facts"]["base_repurchase"].value, design["facts"]["people_now"].value
    (0.2, 300.0)
    """
    followed = followed_eligible(histories, kind, horizon_days, **rules)
    # What is not asked for counts as not known, and has no rows in the tables.
    followed = followed.assign(**dict.fromkeys([name for name in OUTCOMES if name not in outcomes], math.nan))
    facts = design_facts(followed, share, relative_effects, power, level, take_up, outcomes)
    held_out = math.floor(people_available(followed) * share)
    taken = facts["take_up"]
    facts["cost"] = holdout_cost(held_out, taken, effect, horizon_days)
    return {
        "facts": facts,
        "sizes": sample_sizes(followed, share, relative_effects, power, level, take_up, pays),
        "detectable": detectable_effects(followed, SHARES, power, level, take_up),
        "power": power_by_weeks(followed, share, relative_effects, level, take_up),
        "followed": followed,
    }


def design_facts(
    followed: pd.DataFrame,
    share: float = 0.1,
    relative_effects: Sequence[float] = RELATIVE_EFFECTS,
    power: float = POWER,
    level: float = LEVEL,
    take_up: float | Estimate | Effect | None = None,
    outcomes: Sequence[str] = OUTCOMES,
) -> dict[str, Estimate | Refused]:
    """State what the design rests on, and its headline numbers.

    table (one customer who would have been eligible)  ->  dict of Estimate or Refused

    Returns
    -------
    dict
        base_repurchase, base_orders, base_spend, base_contribution : how those followed fared, with interval.
        people_followed, people_now, people_per_week : counts. take_up : see `holdout_design`.
        people_needed_5, people_needed_10, ... : people in all to find +5%, +10% per joiner in repurchase, with the
        interval that comes from the base rate's. days_needed_5, ... : until the last of them has been followed; Refused
        above three years.
        smallest_effect : smallest relative effect per joiner that the people there are would show.

    Other parameters as in `holdout_design`.

    Example
    -------
    >>> table = pd.DataFrame({"repurchase": [1.0, 0.0, 0.0, 0.0] * 100, "orders": 1.0, "spend": 9.0, "joined": 0.5})
    >>> table["contribution"] = float("nan")
    >>> table.attrs = {"kind": "holdout", "horizon_days": 90, "people_now": 9000, "per_week": 50.0, "weeks_counted": 26}
    >>> facts = design_facts(table, share=0.5, take_up=1.0)
    >>> int(facts["people_needed_20"].value), int(facts["days_needed_20"].value), facts["base_contribution"].gate
    (2516, 90, 'contribution')
    """
    sizes.check_design(share, power, level)
    facts = {f"base_{outcome}": base_rate(followed, outcome, level, interval=True) for outcome in outcomes}
    facts |= _people(followed)
    taken, told = take_up_of(followed, take_up)
    facts["take_up"] = told
    for relative in relative_effects:
        needed = people_needed(followed, relative, share, power, level, taken)
        name = f"{relative * 100:g}"
        facts[f"people_needed_{name}"] = needed
        facts[f"days_needed_{name}"] = _days_needed(followed, needed)
    facts["smallest_effect"] = _smallest(followed, share, power, level, taken)
    return facts


def people_needed(
    followed: pd.DataFrame,
    relative_effect: float,
    share: float = 0.1,
    power: float = POWER,
    level: float = LEVEL,
    take_up: float = 1.0,
) -> Estimate | Refused:
    """People in all, both groups together, to find a relative effect per joiner on the share who order again.

    table (one customer who would have been eligible)  ->  Estimate (customers) or Refused

    The interval is that of the base rate carried through: the rarer the outcome, the more people it takes.

    Example
    -------
    The example of R's `power.prop.test`: 50% against 75%, power 0.90, level 0.95, needs 76.7 in each group.

    >>> table = pd.DataFrame({"repurchase": [1.0, 0.0] * 500})
    >>> table.attrs = {"kind": "invitation", "horizon_days": 90}
    >>> int(people_needed(table, 0.5, share=0.5, power=0.90, level=0.95).value)
    154
    """
    sizes.check_design(share, power, level)
    base = base_rate(followed, "repurchase", level)
    if isinstance(base, Refused):
        return base
    ends = [_people_in_all(followed, rate, relative_effect, share, power, level, take_up)
            for rate in (base.value, base.high, base.low)]  # fmt: skip
    if math.isnan(ends[0]):
        zh = f"以目前 {base.value:.1%} 的复购率，{relative_effect:+.0%} 的相对变化无法用比例检验衡量。"
        en = f"From a repurchase rate of {base.value:.1%} a relative change of {relative_effect:+.0%} cannot be tested."
        return Refused("effect", relative_effect, "a share between 0 and 1 on both sides", zh, en)
    low, high = (math.inf if math.isnan(end) else end for end in ends[1:])
    kind = KIND_WORDS[followed.attrs["kind"]]
    days, who = followed.attrs["horizon_days"], _of_whom(take_up)
    definition = Words(
        f"实验共需的客户数（{kind.zh}），其中 {share:.0%} 为留白组：检验功效 {power:.0%}、置信水平 {level:.0%}，"
        f"要看出{who.zh} {days} 天内再次下单的概率相对变化 {relative_effect:+.0%}；区间来自目前复购率的区间",
        f"people in the experiment ({kind.en}), {share:.0%} of them held out, to find with a power of {power:.0%}, at "
        f"a level of {level:.0%}, a relative change of {relative_effect:+.0%} {who.en} in the share who order again "
        f"within {days} days; interval from that of today's rate",
    )
    ends_in_order = min(low, ends[0]), max(high, ends[0])
    return Estimate(ends[0], *ends_in_order, level, len(followed), "customers", definition, people_needed)


def holdout_cost(
    held_out: int, take_up: float | Estimate | Refused, effect: Effect | None, horizon_days: int = 90
) -> Estimate | Refused:
    """Contribution forgone over the horizon because some people go without: people x take-up x effect per joiner.

    Effect (contribution per joiner)  ->  Estimate (money) or Refused

    Parameters
    ----------
    held_out : int
        People held out.
    take_up : float, Estimate or Refused
        Share of them who would have joined.
    effect : Effect, optional
        Contribution that joining adds per joiner over the horizon, before messages and the pool's costs. Below 0 at the
        low end: those held out may be spared something.

    Example
    -------
    >>> found = Effect(20.0, 5.0, 11.8, 28.2, 0.90, 900)
    >>> cost = holdout_cost(1000, 0.25, found)
    >>> cost.value, cost.low, cost.unit
    (5000.0, 2950.0, 'money')
    """
    if isinstance(take_up, Refused):
        return take_up
    if effect is None or not all(math.isfinite(end) for end in (effect.value, effect.low, effect.high)):
        return Refused(
            *("effect", "none", "an effect on contribution"),
            "没有每位加入者贡献毛利效果的估计，留白的代价无从计算。",
            "There is no estimate of the effect on contribution per joiner, so what holding out costs is not known.",
        )
    taken = sizes.number_of(take_up)
    definition = Words(
        f"留白的代价：留白 {held_out:,} 人 × 其中本会加入的比例 {taken:.1%} × 每位加入者 {horizon_days} 天内多出的"
        "贡献毛利（未扣消息与私域费用）；区间只含效果的误差",
        f"what holding out costs: {held_out:,} people held out x {taken:.1%} who would have joined x contribution "
        f"added per joiner within {horizon_days} days (before messages and the pool's costs); interval of the effect",
    )
    scaled = [held_out * taken * end for end in (effect.value, effect.low, effect.high)]
    return Estimate(*scaled, effect.level, effect.n, "money", definition, holdout_cost)


# --- what the facts are made of ---


def _people(followed: pd.DataFrame) -> dict[str, Estimate | Refused]:
    facts, kind = followed.attrs, KIND_WORDS[followed.attrs["kind"]]
    weeks = facts["weeks_counted"]
    counted = {
        "people_followed": (len(followed), f"跟踪满期、用来计算基准的客户数：{kind.zh}",
                            f"customers followed for the base rate: {kind.en}"),
        "people_now": (facts["people_now"], f"数据截止日就可以分组的客户数：{kind.zh}",
                       f"customers who can be drawn on the last day: {kind.en}"),
        "people_per_week": (round(facts["per_week"]), f"最近 {weeks} 周平均每周新增的可分组客户数",
                            f"further customers who can be drawn, per week of the last {weeks}"),
    }  # fmt: skip
    n = len(followed)
    return {key: Estimate.exact(value, n, "customers", Words(zh, en), design_facts)
            for key, (value, zh, en) in counted.items()}  # fmt: skip


def _days_needed(followed: pd.DataFrame, needed: Estimate | Refused) -> Estimate | Refused:
    if isinstance(needed, Refused):
        return needed
    days = sizes.days_to_recruit(followed, needed.value)
    if not math.isfinite(days):
        return Refused(
            "inflow", 0, "more than 0 customers a week",
            "现有客户不够，而且没有新的客户可以分组，等多久都凑不齐。",
            "The people there are do not suffice, and nobody more comes: no wait would be long enough.",
        )  # fmt: skip
    horizon = followed.attrs["horizon_days"]
    if days + horizon > DAYS_AT_MOST:
        years = (days + horizon) / 365
        return Refused(
            *("days", days + horizon, DAYS_AT_MOST),
            f"按目前的人数与每周新增，要 {years:,.0f} 年才能做完，这样的实验不现实。",
            f"At today's numbers and inflow it would take {years:,.0f} years: not an experiment to run.",
        )
    words = Words(
        f"按目前的人数与每周新增，凑齐这些客户并全部跟踪 {horizon} 天所需的天数",
        f"days until so many have been drawn, at today's numbers and inflow, and all were followed for {horizon} days",
    )
    return Estimate.exact(days + horizon, needed.n, "days", words, design_facts)


def _smallest(followed: pd.DataFrame, share: float, power: float, level: float, taken: float) -> Estimate | Refused:
    table = detectable_effects(followed, [share], power, level, taken)
    row = table[table["outcome"] == "repurchase"]
    value = float(row["relative_effect"].iloc[0]) if len(row) else math.nan
    people = people_available(followed)
    if math.isnan(value):
        return Refused(
            "people", people, "more",
            f"近半年可分组的客户有 {people:,} 位，人太少，多大的变化都看不出来。",
            f"{people:,} customers can be drawn, too few for any effect to show.",
        )  # fmt: skip
    later, who = followed.attrs["kind"] == "invitation", _of_whom(taken)
    zh = f"{AVAILABLE_WEEKS} 周的新客" if later else "现有客户"
    en = f"new customers of {AVAILABLE_WEEKS} weeks" if later else "the customers there are"
    words = Words(
        f"用{zh}（{people:,} 位，其中 {share:.0%} 留白）、检验功效 {power:.0%} 时能看出的最小相对变化，"
        f"按{who.zh}再次下单的概率计",
        f"smallest relative change {who.en} in the chance to order again that {en} ({people:,}, {share:.0%} held out) "
        f"would show with a power of {power:.0%}",
    )
    return Estimate.exact(value, len(followed), "share", words, design_facts)


def _of_whom(take_up: float) -> Words:
    """Whom an effect is of: where all who are drawn take part, or how many do is not known, of each of them."""
    if take_up < 1:
        return Words(f"每位加入者（加入比例 {take_up:.1%}）", f"per joiner ({take_up:.1%} join)")
    return Words("每位实验对象", "per person in the experiment")


def _people_in_all(followed, base, relative, share, power, level, taken) -> float:
    without, per_joiner = sizes.from_relative(followed, base, relative, taken)
    first = sizes.first_arm("repurchase", without, per_joiner * taken, math.nan, share, power, level)
    return math.nan if math.isnan(first) else sizes.arms(first, share)[2]
