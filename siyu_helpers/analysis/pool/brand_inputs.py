"""A brand's inputs to the economics of a pool: each from its own tables where they tell, else from a stated range.

Used by notebooks/05_industry_fit.ipynb and 06_decision_brief.ipynb. Opens no files and draws nothing. What each input
is and where it comes from travels with it: `inputs_table`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, Histories, read_histories
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.effect.verdicts import NOT_IDENTIFIED
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool import effect_inputs as effects
from siyu_helpers.analysis.pool import order_inputs, pool_facts
from siyu_helpers.analysis.pool.industries import industry_inputs
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import (
    ASSUMED,
    ESTIMATED,
    GIVEN,
    Origin,
    PoolInputs,
    Quantity,
    draws_of,
    typical_of,
)
from siyu_helpers.analysis.pool.pool_facts import MADE_BY, Pool
from siyu_helpers.analysis.pool.table_inputs import Found, no_members, put_costs, put_joiners, put_leaving, put_messages
from siyu_helpers.analysis.pool.value import flows

REQUIRES = order_log.REQUIRES
USES = {
    "members": ["customer_id", "joined_at"],
    "messages": ["customer_id", "sent_at", "channel"],
    "accounts": ["account_id", "opened_at"],
    "pool_costs": ["month", "amount"],
    "spend": ["date", "channel", "spend"],
}
DAYS_A_MONTH = 365.25 / 12
CHECK_DAYS = (90, 180)
CHECK_DRAWS = 2_000

#: Ranges used where neither the brand's tables nor the tables of assumptions say anything.
LAST_RESORT: dict[str, Quantity] = {
    "orders_per_month": (0.05, 0.2, 0.5), "uplift": (0.0, 0.1, 0.3), "order_value": (50.0, 100.0, 200.0),
    "margin": (0.2, 0.35, 0.5), "activity_kept": effects.STATED["activity_kept"],
    "uplift_kept": effects.STATED["uplift_kept"], "churn": (0.005, 0.02, 0.05),
}  # fmt: skip
DEFAULTS = {"share_affected": 1.0}
JOINING_A_YEAR = (0.10, 0.25, 0.50)  # of the year's customers, where there is no pool yet


@dataclass(frozen=True)
class BrandInputs:
    """Inputs of a brand, as `brand_inputs` returns them.

    Parameters
    ----------
    inputs : PoolInputs
        A pool built from nothing (opening_members is 0), every field with its origin.
    facts : dict of Estimate or Refused
        members_now, joiners_last_year, member_months, pool_cost_per_member_month, monthly_exit.
    own : frozenset of str
        Fields that come from the brand's own tables.
    check : dict of Estimate or Refused
        modelled_contribution_90, estimated_contribution_90, and the same for 180 days: contribution added per joiner,
        by the model and as the trials of page 04 estimate it.
    """

    inputs: PoolInputs
    facts: dict[str, Estimate | Refused]
    own: frozenset[str]
    check: dict[str, Estimate | Refused] = field(default_factory=dict)


def brand_inputs(
    orders: Any,
    observed_until: order_log.DateLike,
    *,
    members: Any = None,
    messages: Any = None,
    accounts: Any = None,
    pool_costs: Any = None,
    spend: Any = None,
    known: Histories | None = None,
    trials_effects: Mapping[int, Mapping[str, Effect] | Refused] | None = None,
    identified: str = NOT_IDENTIFIED,
    late: Mapping[str, Effect | Refused] | None = None,
    late_days: int = 90,
    gross_margin: float | None = None,
    channels: Mapping[str, Any] | None = None,
    industry: str | None = None,
    industries: pd.DataFrame | None = None,
    assumptions: pd.DataFrame | None = None,
    currency: str = "CNY",
    rate_per_cny: float | None = None,
    level: float = LEVEL,
    seed: int = 0,
    discount_rate: float = 0.10,
) -> BrandInputs:
    """Every input of a pool's economics for one brand, each with where it comes from.

    tables of a brand  ->  BrandInputs

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`. Optional columns that are used: sold_through, referrer_id, acquired_through,
        refunded, cost, platform_fee.
    members, messages, accounts, pool_costs, spend : frames, optional
        As in the data contract. What a missing table would have told is a stated range instead.
    known : Histories, optional
        From `read_histories`, where it has been read already.
    trials_effects : dict, optional
        Horizon in days -> result of `joining_effects` (dict of Effect, or Refused).
    identified : str
        Level of the verdict of page 04; "not identified here" makes the gain an assumption between none and the
        estimate at face value.
    late : dict, optional
        Effects on those who joined because of a lot, where the verdict of page 04 is that of an invitation: the gain
        is then the lot's, over `late_days`.
    gross_margin : float, optional
        Where orders hold no costs, see `order_log.contribution_rule`.
    channels : dict, optional
        Channel -> {"domain": ...} or domain, as in brand.yml; shops named among the private ones are the brand's own.
    industry, industries, assumptions
        Key of the brand's industry, and the tables of industries and of assumptions.
    currency : str
        The tables of assumptions are in CNY.
    rate_per_cny : float, optional
        Units of the brand's currency for 1 CNY. Without it, the money of those tables is not used for a brand in
        another currency, and counts 0: such a value must not be shown.
    level : float
        Of all intervals.
    seed : int
    discount_rate : float
        A year.

    Returns
    -------
    BrandInputs

    Raises
    ------
    ValueError
        For missing columns or values that cannot be, as the functions it calls.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 1, 2], "amount": [10.0, 20.0, 30.0],
    ...                     "ordered_at": pd.to_datetime(["2024-01-11", "2024-02-01", "2024-01-15"])})
    >>> found = brand_inputs(log, "2024-12-31", gross_margin=0.5)
    >>> found.inputs.typical()["order_value"], found.inputs.origin("margin").kind, found.facts["members_now"].gate
    (20.0, 'given', 'members')
    """
    level, until = check_level(level), order_log.day_number(observed_until, "observed_until")
    if known is None:
        known = read_histories(orders, members, observed_until, gross_margin=gross_margin)
    found = Found(level)
    for name in ("opening_members", "opening_months"):
        found.put(name, 0.0, GIVEN, Words("从零建起", "built from nothing"), own=False)
    pool = pool_facts.read_pool(members, observed_until)
    table = _from_tables(industries, assumptions, industry, currency, rate_per_cny)
    found.put("discount_rate", float(discount_rate), GIVEN, Words("本页参数", "parameter of the page"), own=False)
    sent = None if pool is None else pool_facts.sent_to_pool(messages, members, pool, observed_until, level)
    facts = put_leaving(found, pool, sent, members, accounts, observed_until)
    put_messages(found, pool, sent)
    cost_facts = put_costs(found, pool, pool_costs, until)
    orders_of = order_inputs.placed_orders(known, pool)
    friends = order_inputs.read_friends(orders, known, pool)
    put_joiners(found, pool, friends, known)
    _value(found, pool, known, orders_of, gross_margin)
    _own_channels(found, pool, orders, known, channels, spend)
    friends_days = _friends(found, friends, known, pool, seed)
    correlations, horizon = _effect(found, trials_effects, identified, table, known, seed, late, late_days)
    inputs = _friends_alone(_complete(found, table, known, correlations), friends_days)
    return BrandInputs(
        inputs, _facts(pool, level) | cost_facts | facts, frozenset(found.own),
        _check(inputs, trials_effects, horizon, seed, level),
    )  # fmt: skip


# --- orders ---


def _value(found: Found, pool: Pool | None, known: Histories, placed, gross_margin: float | None) -> None:
    """Value and margin of an order: of those in the pool, else of everybody, over the last year, else ever."""
    begin, end = (pool.begin, pool.end) if pool is not None and pool.months else (known.end - 365 * DAY, known.end)
    recent = (known.time >= begin) & (known.time < end)
    everything = np.ones(len(recent), dtype=bool)
    choices = [
        (
            placed.inside & recent,
            "私域客户在私域期间的订单，最近十二个月",
            "orders of customers in the pool, last year",
        ),
        (recent, "全部订单，最近十二个月", "all orders, last year"),
        (everything, "全部订单", "all orders"),
    ]
    for chosen, *said in choices:
        whose = Words(*said)
        value, margin = order_inputs.value_and_margin(known, chosen, found.level)
        if value is None or value.value <= 0:
            continue
        found.estimate("order_value", value[:3], value.customers, Words(
            f"orders 表，{whose.zh}：实付扣退款 ÷ 订单数", f"orders, {whose.en}: paid less refunds / orders"
        ))  # fmt: skip
        if known.facts["contribution"] == "margin" and gross_margin is not None:
            found.put("margin", float(gross_margin), GIVEN, Words(
                "品牌资料中的毛利率，平台费用不详", "gross margin of the brand's settings; platform fees are not known"
            ))  # fmt: skip
        elif margin is not None and -1 <= margin.value <= 1:
            found.estimate("margin", margin[:3], margin.customers, Words(
                f"orders 表，{whose.zh}：实付扣退款、货品成本与平台费用 ÷ 实付扣退款",
                f"orders, {whose.en}: paid less refunds, goods and platform fees / paid less refunds",
            ))  # fmt: skip
        return


def _own_channels(found: Found, pool, orders, known: Histories, channels, spend) -> None:
    own = {name for name, what in (channels or {}).items() if _domain(what) == "private"}
    shops = order_inputs.read_shops(orders, known)
    result = None
    if pool is not None and own and shops["shop"].isin(own).any():
        result = order_inputs.moved_orders(shops, known, pool, own, found.level)
    begin, end = (pool.begin, pool.end) if pool is not None and pool.months else (known.end - 365 * DAY, known.end)
    _advertising(found, order_inputs.paid_per_order(spend, orders, begin, end))
    if result is None:
        return
    found.estimate("moved_share", result.share[:3], result.share.customers, Words(
        f"orders 与 members 表：同一批客户的自有渠道订单占比，加入后 180 天 {result.after:.0%}，"
        f"加入前 180 天 {result.before:.0%}",
        f"orders and members: share of orders paid in own channels, {result.after:.0%} in the 180 days after joining "
        f"and {result.before:.0%} in the 180 days before, the same customers",
    ))  # fmt: skip
    if result.saved is not None:
        found.estimate("commission_saved", result.saved[:3], result.saved.customers, Words(
            "orders 表：加入前其他渠道的平台费率 － 加入后自有渠道的费率，同一批客户",
            "orders: platform fees elsewhere before joining less fees in own channels after, the same customers",
        ))  # fmt: skip


def _advertising(found: Found, most: float | None) -> None:
    ceiling = Words("", "") if most is None else Words(
        f"；至多等于投放渠道的每单投放费（{most:,.1f}，品牌所用货币）",
        f"; at most what is spent per order of the channels paid for ({most:,.1f} in the brand's currency)",
    )  # fmt: skip
    found.put("reacquisition_saved", 0.0, ASSUMED, Words(
        f"表中看不出因此少花了投放费，按 0 计{ceiling.zh}",
        f"nothing shows that advertising was saved, taken as 0{ceiling.en}",
    ), own=False)  # fmt: skip


def _domain(what: Any) -> str | None:
    return what.get("domain") if isinstance(what, Mapping) else what


def _friends(found: Found, friends, known: Histories, pool: Pool | None, seed: int) -> int | None:
    """What friends are worth, within how many days (returned; None: not known), and how many of them join."""
    worth = order_inputs.friends_worth(friends, known, found.level, seed)
    if worth is not None:
        mean, days = worth
        found.estimate("referral_value", _finite(mean), mean.n, Words(
            f"orders 表：被推荐客户首单后 {days} 天的贡献毛利，人均",
            f"orders: contribution of a referred customer within {days} days of the first order",
        ))  # fmt: skip
    joining = None if pool is None else order_inputs.friends_joining(friends, known, pool, found.level)
    if joining is not None:
        triple, n = joining
        found.estimate("referral_joining_share", triple, n, Words(
            f"orders 与 members 表：{n:,} 位被推荐客户中，首单后 90 天内已加入的占比",
            f"orders and members: of {n:,} referred customers, share who joined within 90 days of their first order",
        ))  # fmt: skip
    if friends is not None:
        found.put("referral_reward", 0.0, ASSUMED, Words(
            "没有推荐奖励的记录，按 0 计", "no reward for referring is recorded: taken as 0"
        ), own=False)  # fmt: skip
    return None if worth is None else worth[1]


def _friends_alone(inputs: PoolInputs, days: int | None) -> PoolInputs:
    """The value of a referred customer less what the pool adds to those of them who join.

    What they left in the shop holds it, and the model counts it once more when they join.
    """
    value, joining = inputs.referral_value, typical_of(inputs.referral_joining_share)
    if days is None or not isinstance(value, Estimate) or not joining:
        return inputs
    months = round(days / effects.BLOCK)
    cohort = {name: np.array([number]) for name, number in _cohort(inputs).typical().items()}
    added = joining * float(_added(cohort, months)[0])
    alone = replace(value, value=value.value - added, low=value.low - added, high=value.high - added)
    origin = inputs.origin("referral_value")
    words = Words(
        f"{origin.words.zh}，减去其中加入者因私域多出的 {added:,.1f}（模型另计）",
        f"{origin.words.en}, less {added:,.1f} that the pool adds to those of them who join (counted by the model)",
    )
    return replace(
        inputs, referral_value=alone, origins=dict(inputs.origins) | {"referral_value": Origin(origin.kind, words)}
    )


def _finite(found: Estimate) -> tuple[float, float, float]:
    """Value and ends; the other side stands in for an end that is not bounded."""
    below, above = found.value - found.low, found.high - found.value
    below, above = (below if math.isfinite(below) else above), (above if math.isfinite(above) else below)
    below, above = (side if math.isfinite(side) else 0.0 for side in (below, above))
    return found.value, found.value - below, found.value + above


# --- the effect ---


def _effect(
    found: Found,
    trials_effects: Any,
    identified: str,
    table: dict,
    known: Histories,
    seed: int,
    late: Any,
    late_days: int,
) -> tuple[dict[tuple[str, str], float], int | None]:
    made = effects.effect_inputs(trials_effects, identified, _stay(found, table), table, seed, late, late_days)
    for name, (quantity, origin) in made.named.items():
        found.put(name, quantity, origin.kind, origin.words, own=origin.kind == ESTIMATED)
    if made.named:
        return made.correlations, made.horizon_days
    return _orders_without_trials(found, table, known, seed), None


def _stay(found: Found, table: dict) -> float:
    """Share of the pool still there a month later, at the typical values found."""
    named = table | found.named
    at = {
        name: typical_of(named[name][0]) if name in named else 0.0
        for name in ("churn", "opt_out_per_message", "messages_per_month", "ban_probability", "recovery")
    }
    kept = (1 - at["opt_out_per_message"]) ** at["messages_per_month"]
    return (1 - at["churn"]) * kept * (1 - at["ban_probability"] * (1 - at["recovery"]))


def _orders_without_trials(found: Found, table: dict, known: Histories, seed: int) -> dict[tuple[str, str], float]:
    """How customers go on ordering after their first order, where no effect of joining could be estimated."""
    months = order_inputs.months_after_first_order(known, found.level)
    if not months or sum(month.value for month in months) <= 0:
        return {}
    drawn = effects.joint_draws(months, effects.DRAWS, seed)
    fallbacks = {name: typical_of(table.get(name, (quantity,))[0]) for name, quantity in effects.STATED.items()}
    made = effects.started(drawn, None, len(months), 1.0, fallbacks)
    n = months[0].n
    words = Words(
        f"orders 表：首单后六个 30 天的复购，{n:,} 位客户",
        f"orders: repeat orders in the six months of thirty days after the first order, {n:,} customers",
    )
    for name, values in made.items():
        estimate = effects.estimate_of(name, values, found.level, n)
        found.put(name, estimate, ESTIMATED, words)
    return effects.rank_correlations(made)


# --- all of it together ---


def _from_tables(
    industries, assumptions, industry: str | None, currency: str, rate_per_cny: float | None
) -> dict[str, tuple[Quantity, Origin]]:
    """What the tables of industries and assumptions say, money only where it is in the brand's currency."""
    if industries is None or assumptions is None:
        return {}
    return industry_inputs(industries, assumptions, industry, currency, rate_per_cny)


def _complete(found: Found, table: dict, known: Histories, correlations: dict) -> PoolInputs:
    """All fields: what was found, else the tables of assumptions, else a last resort, else nothing."""
    for name, (quantity, origin) in table.items():
        found.put(name, quantity, origin.kind, origin.words, own=False)
    if "joiners_per_month" not in found.named:
        many = len(np.unique(known.person[known.time >= known.end - 365 * DAY]))
        found.put("joiners_per_month", tuple(many * share / 12 for share in JOINING_A_YEAR), ASSUMED, Words(
            f"假设：最近一年下过单的 {many:,} 位客户，一年内有 10% 至 50% 加入私域",
            f"stated assumption: of the {many:,} customers who ordered in the last year, 10% to 50% join within a year",
        ), own=False)  # fmt: skip
    for name, quantity in LAST_RESORT.items():
        found.put(name, quantity, ASSUMED, Words("假设：没有可用的数据", "stated assumption: no data"), own=False)
    for name in FIELDS:
        found.put(name, DEFAULTS.get(name, 0.0), ASSUMED, _default_words(DEFAULTS.get(name, 0.0)), own=False)
    values = {name: found.named[name][0] for name in FIELDS}
    origins = {name: found.named[name][1] for name in FIELDS}
    uncertain = set(PoolInputs(**values).uncertain())
    kept = {pair: value for pair, value in correlations.items() if set(pair) <= uncertain}
    return PoolInputs(**values, correlations=kept, origins=origins)


def _default_words(value: float) -> Words:
    return Words(f"假设：没有数据，取 {value:g}", f"stated assumption: no data, taken as {value:g}")


def _facts(pool: Pool | None, level: float) -> dict[str, Estimate | Refused]:
    if pool is None:
        return dict.fromkeys(("members_now", "joiners_last_year", "member_months"), no_members())
    n, window = len(pool.ids), pool.window
    now = Words("数据截止日仍在私域的客户数", "customers in the pool on the last day of the data")
    found: dict[str, Estimate | Refused] = {"members_now": Estimate.exact(pool.now(), n, "customers", now, MADE_BY)}
    if not pool.months:
        short = Refused(
            *("whole months", 0, 1), "私域开通后还没有完整的月份。", "There is no whole month since the pool opened."
        )
        return found | dict.fromkeys(("joiners_last_year", "member_months"), short)
    joined = Words(f"首次加入私域的客户数；{window.zh}", f"customers who joined for the first time; {window.en}")
    stayed = Words(f"全部私域客户在私域内的月数合计；{window.zh}", f"months of membership, all together; {window.en}")
    found["joiners_last_year"] = Estimate.exact(float(pool.joiners.sum()), n, "customers", joined, MADE_BY)
    found["member_months"] = Estimate.exact(pool.member_months, n, "months", stayed, MADE_BY)
    return found


def _check(inputs: PoolInputs, trials_effects, horizon: int | None, seed: int, level: float) -> dict:
    """Contribution added per joiner: by the model with one cohort, and as the trials estimate it."""
    found: dict[str, Estimate | Refused] = {}
    for days in CHECK_DAYS:
        result = (trials_effects or {}).get(days)
        effect = None if result is None or isinstance(result, Refused) else result.get("contribution")
        if effect is None or horizon is None or not math.isfinite(effect.low):
            reason = Refused(
                *("effect", "none", "effect on contribution"), "没有对贡献毛利的效果估计可供核对。",
                "There is no estimate of the effect on contribution to check against.",
            )  # fmt: skip
            found |= {f"modelled_contribution_{days}": reason, f"estimated_contribution_{days}": reason}
            continue
        words = Words(
            f"每位加入者 {days} 天内多出的贡献毛利，每周对照的估计",
            f"contribution added per joiner within {days} days, as the weekly trials estimate it",
        )
        found[f"estimated_contribution_{days}"] = effect.estimate("money per customer", words, MADE_BY)
        found[f"modelled_contribution_{days}"] = _modelled(inputs, days, seed, level)
    return found


def _modelled(inputs: PoolInputs, days: int, seed: int, level: float) -> Estimate:
    cohort, months = _cohort(inputs), round(days / effects.BLOCK)
    typical = float(_added({name: np.array([value]) for name, value in cohort.typical().items()}, months)[0])
    low, high = np.quantile(_added(draws_of(cohort, CHECK_DRAWS, seed), months), [(1 - level) / 2, (1 + level) / 2])
    words = Words(
        f"每位加入者 {days} 天内多出的贡献毛利与省下的佣金，由模型推算",
        f"contribution added and commission saved per joiner within {days} days, by the model",
    )
    return Estimate(
        typical, min(float(low), typical), max(float(high), typical), level, CHECK_DRAWS, "money per customer", words,
        MADE_BY,
    )  # fmt: skip


def _cohort(inputs: PoolInputs) -> PoolInputs:
    """One joiner to whom the effect applies, without joiners after it, referrals and advertising saved."""
    cohort = inputs.replaced(
        opening_members=1.0, joiners_per_month=0.0, share_affected=1.0, referrals_per_month=0.0, reacquisition_saved=0.0
    )
    return PoolInputs(
        **{name: getattr(cohort, name) for name in FIELDS},
        correlations={pair: value for pair, value in inputs.correlations.items() if "referrals_per_month" not in pair},
    )  # fmt: skip


def _added(drawn: dict[str, np.ndarray], months: int) -> np.ndarray:
    """Contribution added and commission saved within months of thirty days."""
    parts = flows(drawn, months)
    return (parts["added_orders"] + parts["saved_on_platforms"]).sum(axis=0) * (effects.BLOCK / DAYS_A_MONTH)
