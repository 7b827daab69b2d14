"""What to do in the next ninety days: actions with an owner, a budget, a date and the figure that says stop.

Which actions depends on the verdict. Budgets come from the inputs of the pool, so that they move when an input is given
by hand. Sentences name their figures by keys, as the ledger wants them.

Opens no files and draws nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis.brief.decisions import (
    BUILD,
    CANNOT_BE_JUDGED,
    DO_NOT,
    EFFECT,
    FIX_FIRST,
    PILOT,
    RUNNING_COSTS,
    Decision,
)
from siyu_helpers.analysis.effect.verdicts import NOT_IDENTIFIED
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.value import SPENT, PoolValue, flows

MONTHS = 3
HELD_OUT = 0.10  # share of joiners, or of members, left out by lot so that the effect can be followed
MOST = 4
NOTHING_MORE = Words("不另花钱", "no extra spending")
BUDGET, SAVED, GAINED = (
    Words("一个季度的预算", "budget of a quarter"),
    Words("一个季度省下", "saved in a quarter"),
    Words("整个推演期多得", "gained over the period"),
)
EXPERIMENT = Words("实验的代价", "cost of the experiment")
OWNERS = {
    "head": Words("私域负责人", "Head of the pool"),
    "operations": Words("运营", "Operations"),
    "analysis": Words("数据分析", "Analysis"),
    "finance": Words("财务", "Finance"),
    "management": Words("管理层", "Management"),
    "it": Words("信息技术", "IT"),
}


class Step(NamedTuple):
    """One action of the next ninety days.

    key : short name. owner : role. action : what to do; check : the figure to look at when it is due, and what follows.
    figures : dict of Estimate, all that the two sentences name as {key}. budget : money, or None where nothing is spent
    beyond what is spent today; budget_words : what that money is (spent, saved, gained). due_weeks : int.
    """

    key: str
    owner: Words
    action: Words
    check: Words
    figures: Mapping[str, Estimate]
    due_weeks: int
    budget: Estimate | Refused | None = None
    budget_words: Words = NOTHING_MORE


def next_steps(
    decision: Decision,
    result: PoolValue | None,
    *,
    fixed_value: PoolValue | None = None,
    frequency_facts: Mapping[str, Estimate | Refused] | None = None,
    flipped: pd.DataFrame | None = None,
    largest_account: Estimate | Refused | None = None,
    experiment_cost: Estimate | Refused | None = None,
    level: float = LEVEL,
) -> list[Step]:
    """What to do in the next ninety days: at most four actions with owner, budget, date and stop rule.

    Decision, PoolValue  ->  list of Step, in the order to take them

    Parameters
    ----------
    decision : Decision
    result : PoolValue or None
        Of the pool as it would be run today; gives the budgets.
    fixed_value : PoolValue, optional
        Of the pool after the leak is repaired, same draws and seed.
    frequency_facts : dict, optional
        Of `best_frequency`: sent_per_month, prudent_per_month.
    flipped : DataFrame, optional
        Of `flips`: the joiners a month, or the gain, below which the verdict turns become stop rules.
    largest_account : Estimate, optional
        Share of the pool on its largest account.
    experiment_cost : Estimate, optional
        What the experiment that would settle the effect costs, of `holdout_cost`.
    level : float

    Returns
    -------
    list of Step, no digit in any sentence

    Example
    -------
    >>> from siyu_helpers.analysis.brief.decisions import decide
    >>> [step.key for step in next_steps(decide(None, effect_level="", own=()), None)]
    ['record_costs', 'record_members', 'plan_experiment']
    """
    facts = budgets(result, level) if result is not None else {}
    context = _Context(
        decision, result, facts, fixed_value, frequency_facts or {}, flipped, largest_account, experiment_cost
    )
    makers = {BUILD: _build, PILOT: _pilot, FIX_FIRST: _fix_first, DO_NOT: _do_not, CANNOT_BE_JUDGED: _record}
    return makers[decision.verdict](context)[:MOST]


def budgets(result: PoolValue, level: float = LEVEL, months: int = MONTHS) -> dict[str, Estimate]:
    """What a quarter of the pool costs, from its inputs: the budget of a pilot, and what stopping would save.

    PoolValue  ->  dict of Estimate

    Returns
    -------
    dict
        quarter_cost : money spent over the first months, not discounted. running_cost : staff, tools and content a
        month. joiners_target : customers a month, as the inputs have them. net_per_month : mean net of a month over
        the whole period.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.inputs import PoolInputs
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> result = pool_value(PoolInputs(100, 0.5, 0.2, 100, 0.4, incentive_cost=5, staff_cost=2000))
    >>> {key: number.value for key, number in budgets(result).items()}["quarter_cost"]
    7500.0
    """
    parts = flows(result.drawn, result.months)
    spent = sum(parts[name] for name in SPENT)[:months].sum(axis=0)
    drawn = result.drawn
    return {
        "quarter_cost": _stated(spent, level, "money", "quarter_cost", months=months),
        "running_cost": _stated(parts["fixed"].mean(axis=0), level, "money a month", "running_cost"),
        "joiners_target": _stated(drawn["joiners_per_month"], level, "customers a month", "joiners_target"),
        "net_per_month": _stated(
            parts["net"].mean(axis=0), level, "money a month", "net_per_month", months=result.months
        ),
    }


class _Context(NamedTuple):
    decision: Decision
    result: PoolValue | None
    facts: dict[str, Estimate]
    fixed_value: PoolValue | None
    frequency: Mapping[str, Estimate | Refused]
    flipped: pd.DataFrame | None
    largest_account: Estimate | Refused | None
    experiment_cost: Estimate | Refused | None


WORDS = {
    "quarter_cost": Words(
        "按现在的输入，私域头 {months} 个月的全部费用（引流、激励、消息、服务、人员、工具、内容、一次性投入）",
        "all the pool's costs of its first {months} months by the inputs (recruiting, incentives, messages, service, "
        "staff, tools, content, one-off)",
    ),
    "running_cost": Words("私域每月的人员、工具和内容费用", "staff, tools and content of the pool a month"),
    "joiners_target": Words("每月新加入私域的客户，按现在的输入", "customers who join a month, by the inputs"),
    "net_per_month": Words(
        "私域每月的净值（多带来的贡献毛利与节省减全部费用），{months} 个月平均，不折现",
        "what the pool nets a month (what it adds and saves less all costs), mean of {months} months, not discounted",
    ),
    "held_out": Words("随机留白的比例（本手册的约定）", "share held out at random (our convention)"),
    "fix_gain": Words(
        "促销消息降到合适条数之后，私域 {months} 个月的净值比现在多出的金额",
        "how much more the pool is worth over {months} months once promotions are cut to the right number",
    ),
    "stop_at": Words("{label}越过此数，结论即改变", "{label} at which the verdict changes"),
}


# --- what each verdict asks for ---


def _build(context: _Context) -> list[Step]:
    steps = [
        Step("staff", OWNERS["head"], *_sentences(
            "定下专人和每季预算；引流目标 {joiners_target}，每个入口单独记数",
            "name a team and a quarterly budget; aim at {joiners_target} joining; count each entry apart",
            *_stop(context, "joiners_per_month",
                   ("季末看加入人数：低于 {stop_joiners_per_month}，就不再追加投入",
                    "at the end of the quarter: with fewer than {stop_joiners_per_month} joining, put no more in"),
                   ("季末看加入人数：达不到目标，就不再追加投入",
                    "at the end of the quarter: if joiners fall short of the target, put no more in")),
        ), _figures(context, "joiners_target", "stop_joiners_per_month"), 12, context.facts["quarter_cost"], BUDGET),
        _hold_out(context),
    ]  # fmt: skip
    return [*steps, *_second_account(context), _monthly_books(context)]


def _pilot(context: _Context) -> list[Step]:
    unknown = context.decision.grounds.effect_level in (NOT_IDENTIFIED, "")
    invite = Step("invite_by_lot", OWNERS["analysis"], *_sentences(
        "从符合条件的老客户里随机抽人邀请，随机留出 {held_out} 不邀请（名单由 siyu list 抽出）",
        "invite eligible customers drawn at random and leave {held_out} of them out (siyu list draws the list)",
        "到期比较两组人均订单：看不出差别就不扩大",
        "when due, compare orders of the two groups: if no difference shows, do not grow",
    ), {"held_out": _held_out()}, 12, *_experiment(context))  # fmt: skip
    small = Step("pilot", OWNERS["head"], *_sentences(
        "用现有入口小规模试一个季度，引流目标 {joiners_target}，不增加编制",
        "run one quarter on the entries there are, aiming at {joiners_target}, without hiring",
        *_stop(context, "uplift",
               ("季末看加入者的订单增幅：低于 {stop_uplift} 就停，高于它再谈扩大",
                "at the end of the quarter: with a gain per joiner below {stop_uplift} stop, above it discuss growth"),
               ("季末看净值和加入人数：达不到预定数就停",
                "at the end of the quarter: stop if net value and joiners fall short of what was set")),
    ), _figures(context, "joiners_target", "stop_uplift"), 12, context.facts["quarter_cost"], BUDGET)  # fmt: skip
    steps = [small, invite] if not unknown else [invite, small]
    costs = [] if (context.decision.grounds.own | context.decision.grounds.given) & set(RUNNING_COSTS) else [
        _record_costs()
    ]  # fmt: skip
    return [*costs, *steps, *_second_account(context), _monthly_books(context)]


def _fix_first(context: _Context) -> list[Step]:
    figures = {key: _without_width(context.frequency.get(key)) for key in ("sent_per_month", "prudent_per_month")}
    known = all(figures.values())
    fewer = (
        "把发给每位客户的促销消息从 {sent_per_month} 降到 {prudent_per_month}；服务消息照旧",
        "cut promotions to each customer from {sent_per_month} to {prudent_per_month}, leave service messages",
    )
    if not known:
        figures = {}
        fewer = ("减少每位客户的促销消息，服务消息照旧", "cut promotions to each customer, leave service messages")
    gain = _fix_gain(context)
    cut = Step("cut_promotions", OWNERS["operations"], *_sentences(
        *fewer,
        "每月看退出率和人均贡献毛利：退出率不降，或贡献毛利下滑，就回头查原因",
        "look at opt-outs and contribution per customer every month: if opt-outs do not fall, or contribution does, "
        "find out why",
    ), figures, 2, gain, NOTHING_MORE if gain is None else GAINED)  # fmt: skip
    keep = Step("keep_the_lot", OWNERS["analysis"], *_sentences(
        "保留随机抽出的对照组：不发促销的那些客户照旧不发，用来核对减少条数之后的效果",
        "keep the control group drawn at random: customers who get no promotions still get none, to check the cut",
        "季末比较两组的人均贡献毛利，确认减少条数没有丢掉订单",
        "at the end of the quarter compare contribution of both groups, to see that the cut lost no orders",
    ), {}, 12)  # fmt: skip
    freeze = Step("freeze", OWNERS["management"], *_sentences(
        "修正期间不加人、不加引流预算，私域固定开支维持在每月 {running_cost}",
        "hire nobody and add no recruiting budget meanwhile; hold the pool's running cost at {running_cost} a month",
        "到期重跑本页：结论不再是“先修正”才谈扩大",
        "when due, run this page again: discuss growth only once it no longer says fix first",
    ), _figures(context, "running_cost"), 13)  # fmt: skip
    return [cut, keep, freeze, *_second_account(context)]


def _do_not(context: _Context) -> list[Step]:
    if context.decision.grounds.effect_level == "":
        stop = Step("not_started", OWNERS["management"], *_sentences(
            "暂不立项：不为私域招人、买工具或投引流，订单和客户号照常记全",
            "do not start: no hiring, tools or recruiting for a pool, but keep orders and customer numbers complete",
            "到期确认没有为私域新增的固定开支", "when due, check that no fixed cost has been taken on for a pool",
        ), {}, 4, context.facts["quarter_cost"], SAVED)  # fmt: skip
    else:
        stop = Step("stop_recruiting", OWNERS["management"], *_sentences(
            "停止引流和加入激励，不再为私域加人；对已在私域的客户只做售后和答疑",
            "stop recruiting and gifts for joining, hire nobody for the pool; keep it for service to those in it",
            "到期核对私域费用已降到服务所需", "when due, check that the cost is down to what service needs",
        ), {}, 4, context.facts["quarter_cost"], SAVED)  # fmt: skip
    shift = Step("shift_budget", OWNERS["finance"], *_sentences(
        "把省下的钱转给获客成本最低的公域渠道，或用于老带新与售后；照现在的做法，私域平均每月净值为 {net_per_month}",
        "move what is saved to the public channels that win customers at least cost, or to referral and service; "
        "as it would be run, the pool nets {net_per_month} a month",
        "按月看新客成本和回本时间，比原来差就退回",
        "look at the cost of a new customer and its payback every month: if worse than before, move it back",
    ), _figures(context, "net_per_month"), 8)  # fmt: skip
    other = Step("other_value", OWNERS["analysis"], *_sentences(
        "另找价值来源：配件、耗材、保养、老带新，看能不能让客户更常下单",
        "look for value elsewhere: whether accessories, maintenance or referral could bring customers back more often",
        *_nearest(context),
    ), _nearest_figures(context), 12)  # fmt: skip
    return [stop, shift, other]


def _record(context: _Context) -> list[Step]:
    known = context.decision.grounds.own | context.decision.grounds.given
    steps = [] if known & set(RUNNING_COSTS) else [_record_costs()]
    if not known & set(EFFECT):
        steps.append(Step("record_members", OWNERS["it"], *_sentences(
            "记下谁在哪天加入、哪天退出、从哪个入口、在哪个账号（members、accounts 表）",
            "record who joined when, who left when, by which entry and on which account (tables members, accounts)",
            "到期查一查：加入日期齐全，客户号能和订单对上",
            "when due, check that every joining has a date and that customers can be matched with their orders",
        ), {}, 6))  # fmt: skip
    steps.append(Step("plan_experiment", OWNERS["analysis"], *_sentences(
        "如果打算做私域，一开始就随机邀请：随机留出 {held_out} 的客户先不邀请",
        "if a pool is planned, invite at random from the start: leave {held_out} of customers, drawn at random, out",
        "一个季度后重跑本页，看结论能不能下", "run this page again after a quarter, and see whether it can tell",
    ), {"held_out": _held_out()}, 12))  # fmt: skip
    return steps


# --- steps that several verdicts share ---


def _hold_out(context: _Context) -> Step:
    return Step("hold_out", OWNERS["analysis"], *_sentences(
        "常设随机留白：符合条件的客户里随机抽 {held_out} 暂不邀请，用来持续核对效果（名单由 siyu list 抽出）",
        "leave {held_out} of eligible customers, drawn at random, uninvited, so that the effect stays measured "
        "(siyu list draws them)",
        *_stop(context, "uplift",
               ("每季比较两组订单，折算到加入者：增幅低于 {stop_uplift}，就停止扩大",
                "compare both groups every quarter: with a gain per joiner below {stop_uplift}, stop growing"),
               ("每季比较两组订单：看不出差别就停止扩大",
                "compare both groups every quarter: if no difference shows, stop growing")),
    ), {"held_out": _held_out(), **_figures(context, "stop_uplift")}, 12)  # fmt: skip


def _second_account(context: _Context) -> list[Step]:
    share = context.largest_account
    if not isinstance(share, Estimate) or share.value <= 0.5:
        return []
    return [Step("second_account", OWNERS["operations"], *_sentences(
        "再开一个账号分担：最大的账号眼下占 {largest_account}，一旦被封损失太集中",
        "open another account: the largest holds {largest_account} of the pool, too much to lose with one ban",
        "到期看最大账号的占比是否降到一半以下", "when due, check that the largest account holds less than half",
    ), {"largest_account": share}, 6)]  # fmt: skip


def _monthly_books(context: _Context) -> Step:
    return Step("monthly_books", OWNERS["finance"], *_sentences(
        "按月核算私域：费用、加入、退出、多带来的贡献毛利，月初出数",
        "keep monthly books of the pool: costs, joiners, leavers, contribution added",
        "净值连续一个季度低于计划，就开会复议", "if net value stays below plan for a quarter, reconsider",
    ), {}, 4)  # fmt: skip


def _record_costs() -> Step:
    return Step("record_costs", OWNERS["finance"], *_sentences(
        "按月记下私域的人员、工具、激励和内容费用，兼职按工时分摊（pool_costs 表）",
        "record staff, tools, incentives and content of the pool by month, part-time staff by their hours (pool_costs)",
        "到期至少有一个完整月份、四项都有数", "when due, there is one whole month with all four items",
    ), {}, 4)  # fmt: skip


def _experiment(context: _Context) -> tuple[Estimate | None, Words]:
    cost = context.experiment_cost
    return (cost, EXPERIMENT) if isinstance(cost, Estimate) else (None, NOTHING_MORE)


# --- figures ---


def _sentences(action_zh: str, action_en: str, check_zh: str, check_en: str) -> tuple[Words, Words]:
    return Words(action_zh, action_en), Words(check_zh, check_en)


def _stop(context: _Context, name: str, with_figure: tuple[str, str], without: tuple[str, str]) -> tuple[str, str]:
    """The stop rule with the value at which the verdict turns, where it turns at a smaller one."""
    return with_figure if _stop_at(context, name) is not None else without


def _stop_at(context: _Context, name: str) -> Estimate | None:
    rows = _turning(context)
    if rows is None:
        return None
    rows = rows[rows["input"] == name]
    lower = rows[rows["flips_at"] < rows["now"]] if context.decision.verdict != DO_NOT else rows
    if lower.empty:
        return None
    row = lower.iloc[0]
    words = Words(
        WORDS["stop_at"].zh.format(label=row["label_zh"]), WORDS["stop_at"].en.format(label=row["label_en"].lower())
    )
    unit = "growth" if name == "uplift" else row["unit"]
    return Estimate.exact(row["flips_at"], 0, unit, words, next_steps)


def _nearest(context: _Context) -> tuple[str, str]:
    """When to look again: at the nearest value that turns the verdict."""
    rows = _turning(context)
    if rows is None:
        return "客户下单明显更勤时，再重跑本页", "run this page again once customers order clearly more often"
    label, key = FIELDS[rows.iloc[0]["input"]].label, f"{{stop_{rows.iloc[0]['input']}}}"
    return (
        f"有把握让“{label.zh}”越过 {key} 时，再重跑本页",
        f"run this page again once {label.en[0].lower()}{label.en[1:]} can be counted on to pass {key}",
    )


def _nearest_figures(context: _Context) -> dict[str, Estimate]:
    rows = _turning(context)
    return {} if rows is None else _figures(context, f"stop_{rows.iloc[0]['input']}")


def _turning(context: _Context) -> pd.DataFrame | None:
    if context.flipped is None or not context.flipped["flips_at"].notna().any():
        return None
    return context.flipped[context.flipped["flips_at"].notna()]


def _figures(context: _Context, *keys: str) -> dict[str, Estimate]:
    found = {}
    for key in keys:
        number = _stop_at(context, key.removeprefix("stop_")) if key.startswith("stop_") else context.facts.get(key)
        if number is not None:  # a target is one number
            found[key] = dataclasses.replace(number, low=math.nan, high=math.nan) if key == "joiners_target" else number
    return found


def _held_out() -> Estimate:
    return Estimate.exact(HELD_OUT, 0, "share", WORDS["held_out"], next_steps)


def _fix_gain(context: _Context) -> Estimate | None:
    if context.result is None or context.fixed_value is None:
        return None
    gain = np.asarray(context.fixed_value.values) - np.asarray(context.result.values)
    return _stated(gain, context.result.level, "money", "fix_gain", months=context.result.months)


def _without_width(number: Estimate | Refused | None) -> Estimate | None:
    """An estimate whose interval has no width, as a plain number."""
    if not isinstance(number, Estimate):
        return None
    return dataclasses.replace(number, low=math.nan, high=math.nan) if number.low == number.high else number


def _stated(values: np.ndarray, level: float, unit: str, key: str, **said: int) -> Estimate:
    values = np.asarray(values, dtype=float)
    words, mean = Words(WORDS[key].zh.format(**said), WORDS[key].en.format(**said)), float(values.mean())
    function = budgets if key != "fix_gain" else next_steps
    if math.isclose(values.min(), values.max(), rel_tol=1e-12):
        return Estimate.exact(mean, len(values), unit, words, function)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(mean, min(low, mean), max(high, mean), level, len(values), unit, words, function)
