"""What joining adds, as sentences and charts state it: effects with their unit, their definition and their origin.

Used by notebooks/04_pool_effect.ipynb. Opens no files and draws nothing. Estimates nothing either: it takes the effects
of `joining_effects`, `invitations` and `placebos`, and, for invented brands, the truth that is known of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.joining_effects import fading, has_base, mean_without, split_of_spend
from siyu_helpers.analysis.effect.pool_worth import payback_months
from siyu_helpers.analysis.effect.results import Effect, combined, relative
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

#: Outcome -> unit of a sentence, what the effect is multiplied by for it, and what it is called.
STATED = {
    "orders": ("orders per customer", 1, Words("人均订单数", "orders per joiner")),
    "repurchase": ("percentage points", 100, Words("再次下单的客户占比", "share of joiners who order again")),
    "spend": ("money per customer", 1, Words("人均销售额", "spend per joiner")),
    "contribution": (
        "money per customer",
        1,
        Words("人均贡献毛利（未扣私域费用）", "contribution per joiner, before the pool's costs"),
    ),
    "referrals": ("customers", 100, Words("每百位加入者带来的新客", "new customers brought by a hundred joiners")),
}


def stated(effects: Mapping[str, Effect] | Refused, outcome: str, horizon_days: int) -> Estimate | Refused:
    """What joining adds to an outcome, as a sentence states it.

    Parameters
    ----------
    effects : dict or Refused
        From `joining_effects`.

    Returns
    -------
    Estimate in the unit of `STATED`: repurchase in percentage points, referrals per hundred joiners.

    Example
    -------
    >>> stated(Refused('members', 0, 1, '没有。', 'None.'), "orders", 90).gate
    'members'
    """
    if isinstance(effects, Refused):
        return effects
    return _stated(effects[outcome], outcome, horizon_days, WEEKLY, stated)


def stated_without(effects: Mapping[str, Effect] | Refused, outcome: str, horizon_days: int) -> Estimate | Refused:
    """What joiners would have done had they not joined, as a sentence states it."""
    if isinstance(effects, Refused):
        return effects
    unit, scale, what = STATED[outcome]
    mean = _mean_effect(effects[outcome])
    words = Words(
        f"加入者若没有加入，{horizon_days} 天内的{what.zh}；{WEEKLY.zh}",
        f"{what.en} within {horizon_days} days had they not joined; {WEEKLY.en}",
    )
    unit = "share" if outcome == "repurchase" else unit
    scale = 1 if outcome == "repurchase" else scale
    return Estimate(
        scale * mean.value, scale * mean.low, scale * mean.high, mean.level, mean.n, unit, words, stated_without
    )


def stated_relative(effects: Mapping[str, Effect] | Refused, outcome: str, horizon_days: int) -> Estimate | Refused:
    """What joining adds, as a share of what joiners would have done without; as a growth rate."""
    if isinstance(effects, Refused):
        return effects
    effect = effects[outcome]
    if not has_base(effect):
        return no_base()
    share, what = relative(effect), STATED[outcome][2]
    words = Words(
        f"加入带来的{what.zh}÷加入者若没有加入的{what.zh}，{horizon_days} 天；{WEEKLY.zh}",
        f"what joining adds to {what.en} over what it would be without, {horizon_days} days; {WEEKLY.en}",
    )
    return Estimate(share.value, share.low, share.high, share.level, share.n, "growth", words, stated_relative)


def no_base() -> Refused:
    """Why there is no ratio: without joining there would have been nothing.

    >>> no_base().gate
    'base'
    """
    return Refused(
        "base",
        0,
        "> 0",
        "若没有加入，均值接近零，比例没有意义。",
        "Without joining the mean would be about 0, so a ratio means nothing.",
    )


def true_relative(truth: Mapping[str, Any] | None, outcome: str, horizon_days: int) -> Estimate | Refused:
    """What joining really adds as a share of what there would be without, where the brand is an invented one.

    >>> told = {"average_treatment_effect_on_treated": {90: {"joiners": 9, "orders": {"effect": 1, "without_pool": 4}}}}
    >>> true_relative(told, "orders", 90).value
    0.25
    """
    effect = true_effect(truth, outcome, horizon_days)
    if isinstance(effect, Refused):
        return effect
    base = truth["average_treatment_effect_on_treated"][horizon_days][outcome].get("without_pool")
    if not base:
        return no_base()
    words = Words(
        f"{effect.definition.zh}；÷没有加入时的均值", f"{effect.definition.en}; over the mean without joining"
    )
    return Estimate.exact(effect.value / STATED[outcome][1] / base, effect.n, "growth", words, true_relative)


def lot_relative(lot: Any, outcome: str) -> Estimate | Refused:
    """Effect of joining by a random invitation, as a share of what the same customers would have done without.

    >>> lot_relative(Refused('members', 0, 1, '没有。', 'None.'), "orders").gate
    'members'
    """
    late = lot if isinstance(lot, Refused) else lot.late[outcome]
    if isinstance(late, Refused):
        return late
    if not has_base(late):
        return no_base()
    share = relative(late)
    words = Words(
        f"加入带来的{STATED[outcome][2].zh}÷若没有加入的均值，{lot.horizon_days} 天；{BY_LOT['late'].zh}",
        f"what joining adds to {STATED[outcome][2].en} over the mean without, {lot.horizon_days} days; "
        f"{BY_LOT['late'].en}",
    )
    return Estimate(share.value, share.low, share.high, share.level, share.n, "growth", words, lot_relative)


def true_effect(truth: Mapping[str, Any] | None, outcome: str, horizon_days: int) -> Estimate | Refused:
    """What joining really adds, where the brand is an invented one: found by simulating it without joining.

    >>> told = {"average_treatment_effect_on_treated": {90: {"joiners": 10, "orders": {"effect": 0.5}}}}
    >>> true_effect(told, "orders", 90).value, true_effect(None, "orders", 90).gate
    (0.5, 'truth')
    """
    known = (truth or {}).get("average_treatment_effect_on_treated", {}).get(horizon_days, {})
    effect = known.get(outcome, {}).get("effect")
    if effect is None:
        return Refused("truth", "unknown", "an invented brand", "真实效果不得而知。", "The true effect is not known.")
    unit, scale, what = STATED[outcome]
    words = Words(
        f"真实效果：{what.zh}，{horizon_days} 天；把这个虚构品牌重新模拟一遍，只让下单后的加入不发生，两遍相减",
        f"true effect: {what.en}, {horizon_days} days; the invented brand simulated again without joining after an "
        f"order, and the two compared",
    )
    return Estimate.exact(scale * effect, known["joiners"], unit, words, true_effect)


def stated_lot(lot: Any, outcome: str) -> dict[str, Estimate | Refused]:
    """Effects of a random invitation on an outcome, as sentences state them.

    Parameters
    ----------
    lot : Invitations or Refused
        From `invitation_effects`.

    Returns
    -------
    dict: itt (of being invited), late (of joining, on those who join because they are invited), per person.

    Example
    -------
    >>> stated_lot(Refused('members', 0, 1, '没有。', 'None.'), "orders")["late"].gate
    'members'
    """
    if isinstance(lot, Refused):
        return {"itt": lot, "late": lot}
    found = {"itt": lot.itt[outcome], "late": lot.late[outcome]}
    return {
        name: effect
        if isinstance(effect, Refused)
        else _stated(effect, outcome, lot.horizon_days, BY_LOT[name], stated_lot)
        for name, effect in found.items()
    }


def stated_fading(effects: Mapping[str, Effect] | Refused) -> Estimate | Refused:
    """Effect on orders in the last thirty days less that in the first, as a sentence states it."""
    if isinstance(effects, Refused):
        return effects
    change = fading(effects)
    if change is None:
        return Refused("months", 1, 2, "观察期不足两个月。", "Followed for less than two months.")
    words = Words(
        f"加入后最后 30 天的效果减最初 30 天的效果，人均订单数；{WEEKLY.zh}",
        f"effect on orders per joiner in the last thirty days of the follow-up less that in the first; {WEEKLY.en}",
    )
    return change.estimate("orders per customer", words, stated_fading)


def stated_split(effects: Mapping[str, Effect] | Refused, horizon_days: int) -> dict[str, Estimate | Refused]:
    """What joining adds to spend, and the parts from more and from larger orders, as a sentence states them."""
    keys = ("spend", "more_orders", "larger_orders")
    if isinstance(effects, Refused):
        return dict.fromkeys(keys, effects)
    parts = split_of_spend(effects)
    if not parts:
        return dict.fromkeys(keys, no_base())
    found = {"spend": stated(effects, "spend", horizon_days)}
    for key, what in (
        ("more_orders", Words("来自订单数", "from the number of orders")),
        ("larger_orders", Words("来自笔单价", "from the order value")),
    ):
        words = Words(
            f"加入带来的人均销售额中{what.zh}的部分，{horizon_days} 天；两部分相加等于总数；{WEEKLY.zh}",
            f"part of the spend per joiner that joining adds, {what.en}, {horizon_days} days; both parts add up to it; "
            f"{WEEKLY.en}",
        )
        found[key] = parts[key].estimate("money per customer", words, stated_split)
    return found


def stated_placebo(early: Effect | Refused, gap: Effect | Refused) -> dict[str, Estimate | Refused]:
    """The gap between joiners and comparators before anybody joined, as a sentence states it.

    Parameters
    ----------
    early, gap
        From `placebo` and `placebo_bias`.

    Returns
    -------
    dict: early (orders per joiner in the days of the week before joining), gap (carried on over the follow-up).

    Example
    -------
    >>> none = Refused('members', 0, 1, '没有。', 'None.')
    >>> stated_placebo(none, none)["gap"].gate
    'members'
    """
    said = {
        "early": (early, Words("加入当周、加入之前的几天里，加入者比对照多下的人均订单数（调整后）",
                               "orders per joiner beyond comparators in the days before joining, adjusted")),
        "gap": (gap, Words("加入之前的差距若按天持续整个观察期，合计的人均订单数",
                           "orders per joiner that the gap before joining comes to if it goes on for the follow-up")),
    }  # fmt: skip
    return {
        key: number if isinstance(number, Refused) else number.estimate("orders per customer", words, stated_placebo)
        for key, (number, words) in said.items()
    }


def stated_roll_out(stores: Any) -> Estimate | Refused:
    """What a staggered roll-out adds to the orders of a unit's early customers in a month, as a sentence states it.

    >>> stated_roll_out(Refused('members', 0, 1, '没有。', 'None.')).gate
    'members'
    """
    if isinstance(stores, Refused):
        return stores
    words = Words(
        "门店开通私域后，每位老客每月多下的订单，各批各月平均；还没开通的门店作对照",
        "orders added per early customer and month after a store opens its pool, mean over openings and months; stores "
        "not open yet for comparison",
    )
    return stores.simple.estimate("orders per customer", words, stated_roll_out)


def payback(effects: Mapping[str, Effect] | Refused, worth: Mapping[str, Estimate | Refused]) -> Estimate | Refused:
    """After how many months what joiners add has paid what a joiner cost.

    Parameters
    ----------
    effects : dict or Refused
        From `joining_effects`, with contribution month by month.
    worth : dict
        From `worth_per_joiner`.

    >>> payback(Refused('members', 0, 1, '没有。', 'None.'), {}).gate
    'members'
    """
    if isinstance(effects, Refused):
        return effects
    name = "contribution_month_"
    months = {int(key.removeprefix(name)): effect for key, effect in effects.items() if key.startswith(name)}
    fades = [months[month] for month in sorted(months)]
    return payback_months(fades, worth["pool_cost_per_joiner"], worth["message_cost_per_member"])


def value_a_month(effects: Mapping[str, Effect] | Refused, horizon_days: int) -> Effect | Refused:
    """Contribution that joining adds per joiner and month (of 365.25 / 12 days), over the follow-up.

    Example
    -------
    >>> value_a_month(Refused('members', 0, 1, '没有。', 'None.'), 180).gate
    'members'
    """
    if isinstance(effects, Refused):
        return effects
    if "contribution" not in effects:
        return order_log.no_contribution()
    months = horizon_days / (365.25 / 12)
    effect = effects["contribution"]
    return combined(effect.value / months, [1 / months], [effect])


def as_change(ratio: Estimate | Refused) -> Estimate | Refused:
    """A ratio ("times") as the change it is: 1.3 times is +30%.

    >>> as_change(Refused('members', 0, 1, '没有。', 'None.')).gate
    'members'
    """
    return ratio if isinstance(ratio, Refused) else _moved(ratio, -1.0, "growth")


def _moved(number: Estimate, by: float, unit: str) -> Estimate:
    ends = (end + by for end in (number.value, number.low, number.high))
    return Estimate(*ends, number.level, number.n, unit, number.definition, number.function)


WEEKLY = Words(
    "每周对照，倾向得分与回归结合（AIPW）", "weekly trials, propensity scores and regression together (AIPW)"
)

BY_LOT = {
    "itt": Words(
        "随机邀请，受邀组减未受邀组（意向性分析），分母是抽签的全部客户",
        "by random invitation, invited less not invited (intention to treat), per customer drawn",
    ),
    "late": Words(
        "随机邀请，因受邀而加入的客户（依从者平均效应，按整个观察期都在私域计）",
        "by random invitation, for those who join because they are invited (LATE, for a whole follow-up in the pool)",
    ),
}


def _stated(effect: Effect, outcome: str, horizon_days: int, by: Words, function: Any) -> Estimate:
    unit, scale, what = STATED[outcome]
    words = Words(
        f"加入私域带来的{what.zh}，{horizon_days} 天内，所有渠道合计；{by.zh}",
        f"what joining adds to {what.en} within {horizon_days} days, over all channels; {by.en}",
    )
    ends = (scale * number for number in (effect.value, effect.low, effect.high))
    return Estimate(*ends, effect.level, effect.n, unit, words, function)


def _mean_effect(effect: Effect) -> Effect:
    """The mean without treatment, with its interval."""
    return combined(effect.without_treatment, [1.0], [mean_without(effect)])
