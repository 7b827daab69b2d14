"""Spend plans: how many customers more or less spend would bring, what they cost, and what the extra ones cost.

Used by notebooks/01_acquisition_cost.ipynb through `acquisition_cost`. Opens no files and draws nothing. It stands on
`responses.response`: customers go with spend to the power of the elasticity, within the spend that was seen and no
further.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis.acquisition import response_draws as draws
from siyu_helpers.analysis.acquisition import responses as stated
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

PLAN_COLUMNS = [
    "channel", "spend_now", "spend_planned", "new_customers", "new_customers_low", "new_customers_high", "cac",
    "cac_low", "cac_high", "status",
]  # fmt: skip
ALL = "all"
PLAN_STATUS = {
    "planned": Words("按弹性推算", "by the elasticity"),
    "unchanged": Words("投放不变", "unchanged"),
    "bounds": Words("弹性未知，只给上下限", "elasticity not known: bounds only"),
    "beyond_seen": Words("超出投放过的范围，不外推", "beyond the spend seen: not extrapolated"),
    "not_identified": Words("无法推算", "cannot be computed"),
    "not_running": Words("近期没有投放", "no spend lately"),
}


class Compared(NamedTuple):
    """A plan beside today's spend: value, low and high of extra customers, and of their share of today's customers."""

    extra_spend: float
    extra: tuple[float, float, float]
    growth: tuple[float, float, float]
    n: int


def spend_plan(
    responses: pd.DataFrame,
    change: float | dict[str, float],
    periods: int | None = None,
    growth: Estimate | Refused | dict[str, Estimate | Refused] | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """New customers and their cost if spend is changed, channel by channel and in all.

    table of `response`, change of spend  ->  table (channel, and "all" last)

    Parameters
    ----------
    responses : DataFrame
        From `response`, as it was returned.
    change : float or dict channel -> float
        0.2 is a fifth more than today, -1 is nothing. One number: the same for every channel; channels that a dict
        leaves out stay as they are.
    periods : int, optional
        Weeks or months that the plan is for; by default as many as "today" is made of (a year).
    growth : Estimate or Refused, or dict channel -> Estimate or Refused, optional
        Yearly growth of cost at constant spend (0.08 is 8%), from `trend(costs, at_constant_spend=True)`: it makes
        each customer dearer by the time from the middle of today's periods to the middle of the plan's. By default
        costs stay as they were. A channel whose growth is refused is not computed.
    seed : int
        Of the draws that carry the uncertainty through.

    Returns
    -------
    DataFrame; all numbers are sums over the periods of the plan
        spend_now : at today's spend. spend_planned. new_customers with its interval : expected under the plan (of the
        mean; the luck of single customers is not in it). cac with its interval : spend_planned / new_customers.
        status :
        "planned" : now x (planned / now) ^ elasticity. "unchanged" : as today.
        "bounds" : the elasticity is not identified; no value, and the interval reaches from no effect at all
        (elasticity 0) to customers in proportion to spend (elasticity 1). It claims no coverage.
        "beyond_seen" : planned spend a period lies outside the spend seen, or at 0: empty.
        "not_running" : no spend lately: empty. "not_identified" : empty, see `attrs["refused"]`.
        The row "all" has a value when all channels that run have one, an interval when all have one.
        attrs: refused (channel -> Refused), compared (channel -> Compared: the plan beside today's spend), warnings
        (those of the channels that change), level, period.

    Raises
    ------
    ValueError
        For a table without its attrs, a change below -1 or of an unknown channel, and periods below 1.

    Example
    -------
    >>> weeks = [f"{year}-W{week:02d}" for year in (2022, 2023, 2024) for week in range(1, 53)]
    >>> spend = 1000 * np.exp(np.random.default_rng(1).normal(0, 0.4, 156))
    >>> costs = pd.DataFrame({"week": weeks, "channel": "feed", "spend": spend.round(2)})
    >>> table = stated.response(costs.assign(new_customers=(2 * spend**0.5).round().astype(int)))
    >>> plan = spend_plan(table, 0.2)
    >>> found = growth_of_customers(plan)
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.1, 0.08, 0.11)
    """
    draws.check_table(responses)
    changes = _changes(responses, change)
    proofs = responses.attrs["evidence"]
    length = max((proof.recent_periods for proof in proofs.values()), default=1) or 1 if periods is None else periods
    if length != int(length) or length < 1:
        raise ValueError(f"periods must be a whole number, 1 or more; got {periods!r}")
    parts = {
        channel: _part(responses, channel, changes[channel], int(length), growth, seed, place)
        for place, channel in enumerate(responses["channel"])
    }
    made = _plan_table(parts, responses.attrs["level"])
    made.attrs |= {
        "warnings": {name: words for name, words in responses.attrs["warnings"].items() if changes.get(name)},
        "level": responses.attrs["level"],
        "period": responses.attrs["period"],
        "periods": int(length),
    }
    return made


class _Part(NamedTuple):
    """One channel under the plan: draws of customers today and planned; two rows of planned where bounds are known."""

    status: str
    spend_now: float
    spend_planned: float
    n: int
    value_now: float = math.nan
    value: float = math.nan
    now: np.ndarray | None = None
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    refused: Refused | None = None


def _part(
    responses: pd.DataFrame, channel: str, change: float, length: int, growth: Any, seed: int, place: int
) -> _Part:
    """What becomes of one channel."""
    # One growth for all channels is one unknown: its draws are the same in each.
    rng, shared = np.random.default_rng([seed, 1, place]), np.random.default_rng([seed, 0])
    row, proof = stated.of(responses, channel), responses.attrs["evidence"][channel]
    if not any(other.recent_periods for other in responses.attrs["evidence"].values()):  # of nobody is it known
        refused = responses.attrs["refused"].get(channel)
        return _Part("not_identified", math.nan, math.nan, 0, refused=refused)
    if not proof.recent_spend:
        return _Part("not_running", 0.0, 0.0, 0, refused=responses.attrs["refused"].get((channel, "average_cac")))
    a_period = proof.recent_spend / proof.recent_periods
    money = (a_period * length, a_period * length * (1 + change))
    if not proof.recent_customers:
        return _Part("not_identified", *money, 0, refused=responses.attrs["refused"].get((channel, "average_cac")))
    dearer = None if growth is None else draws.of_channel(growth, channel, "growth")
    if isinstance(dearer, Refused):
        return _Part("not_identified", *money, proof.recent_customers, refused=dearer)
    if change and not row["spend_min"] <= a_period * (1 + change) <= row["spend_max"]:
        beyond = _plan_beyond(a_period * (1 + change), row["spend_min"], row["spend_max"], responses.attrs["period"])
        return _Part("beyond_seen", *money, proof.recent_customers, refused=beyond)
    years = (proof.recent_periods + length) / 2 / stated.A_YEAR[responses.attrs["period"]]
    times, times_drawn = _fewer(dearer, years, rng if isinstance(growth, dict) else shared)
    value_now = proof.recent_customers / proof.recent_periods * length * times
    now = draws.customers(proof, rng) / proof.recent_periods * length * times_drawn
    known = (money[0], money[1], proof.recent_customers, value_now)
    if not change:
        return _Part("unchanged", *known, value_now, now, now, now)
    if not proof.quantiles:
        none, full = sorted((1.0, 1 + change))
        reason = responses.attrs["refused"][channel]
        return _Part("bounds", *known, math.nan, now, now * none, now * full, reason)
    planned = now * (1 + change) ** draws.elasticities(proof, rng)
    return _Part("planned", *known, value_now * (1 + change) ** row["elasticity"], now, planned, planned)


def _fewer(dearer: Estimate | None, years: float, rng: np.random.Generator) -> tuple[float, np.ndarray | float]:
    """Times fewer customers for the same money after so many years of growing cost: value and draws."""
    if dearer is None:
        return 1.0, 1.0
    return (1 + dearer.value) ** -years, np.maximum(1 + draws.numbers(dearer, rng), 0.01) ** -years


def _plan_table(parts: dict[str, _Part], level: float) -> pd.DataFrame:
    """Rows of the channels and of all of them."""
    running = [part for part in parts.values() if part.status != "not_running"]
    rows, compared = [], {}
    for channel, part in [*parts.items(), (ALL, _together(running))]:
        if part.lower is None:
            customers = cac = (math.nan,) * 3
        else:
            customers = (part.value, *draws.ends(part.lower, part.upper, part.value, level))
            cac = tuple(
                part.spend_planned / customers[place] if customers[place] > 0 else math.nan for place in (0, 2, 1)
            )
            compared[channel] = _compared(part, level)
        rows.append((channel, part.spend_now, part.spend_planned, *customers, *cac, part.status))
    made = pd.DataFrame(rows, columns=PLAN_COLUMNS)
    made = made.astype(dict.fromkeys(PLAN_COLUMNS[1:9], "float64") | {"channel": "str", "status": "str"})
    refused = {channel: part.refused for channel, part in parts.items() if part.refused is not None}
    missing = [part.refused for part in running if part.refused is not None]
    if missing:
        refused[ALL] = missing[0]
    made.attrs = {"refused": refused, "compared": compared}
    return made


def _together(running: list[_Part]) -> _Part:
    """All channels that run, their draws added up: channels are independent."""
    money = (math.fsum(part.spend_now for part in running), math.fsum(part.spend_planned for part in running))
    n = sum(part.n for part in running)
    found = {part.status for part in running}
    status = next((one for one in ("not_identified", "beyond_seen", "bounds", "planned") if one in found), "unchanged")
    if not running:
        return _Part("not_running", 0.0, 0.0, 0)
    if status in ("not_identified", "beyond_seen"):
        return _Part(status, *money, n)
    values = (math.fsum(part.value_now for part in running), sum(part.value for part in running))
    return _Part(status, *money, n, *values, *(sum(getattr(part, name) for part in running)
                                               for name in ("now", "lower", "upper")))  # fmt: skip


def _compared(part: _Part, level: float) -> Compared:
    extra = part.value - part.value_now
    more = draws.ends(part.lower - part.now, part.upper - part.now, extra, level)
    share = draws.ends(part.lower / part.now - 1, part.upper / part.now - 1, extra / part.value_now, level)
    return Compared(part.spend_planned - part.spend_now, (extra, *more), (extra / part.value_now, *share), part.n)


def _changes(responses: pd.DataFrame, change: float | dict[str, float]) -> dict[str, float]:
    """Change of each channel, 0 where none is asked for."""
    names = responses["channel"].tolist()
    asked = dict(change) if isinstance(change, dict) else dict.fromkeys(names, change)
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise ValueError(f"{unknown[0]!r} has no spend to change; channels with spend: {', '.join(names) or 'none'}")
    for name, one in asked.items():
        if not (math.isfinite(one) and one >= -1):
            raise ValueError(f"the change of {name!r} must be -1 (nothing left) or more, such as 0.2; got {one!r}")
    return {name: float(asked.get(name, 0.0)) for name in names}


def _plan_beyond(planned: float, seen_min: float, seen_max: float, period: str) -> Refused:
    each = stated.EACH[period]
    return Refused(
        "spend seen",
        round(planned, 2),
        f"{seen_min:,.0f} to {seen_max:,.0f}",
        f"计划{each.zh}投放 {planned:,.0f}，超出了投放过的范围（{seen_min:,.0f} 至 {seen_max:,.0f}），不外推。",
        f"The planned spend of {planned:,.0f} {each.en} lies outside the spend seen ({seen_min:,.0f} to "
        f"{seen_max:,.0f}): it is not extrapolated.",
    )


# --- numbers for sentences ---------------------------------------------------------------------------------------


def planned_customers(plan: pd.DataFrame, channel: str = ALL) -> Estimate | Refused:
    """New customers expected over the periods of the plan, of a channel or of all that had spend.

    table of `spend_plan`  ->  Estimate (unit "customers"; n the customers of the last periods), or Refused
    """
    row = _planned(plan, channel)
    if isinstance(row, Refused):
        return row
    definition = Words(
        f"按计划投放，{_span(plan).zh}内首单由付费渠道带来的新客数（期望值，不含单个客户的偶然）。",
        f"New customers expected in {_span(plan).en} under the plan whose first order the channels with spend bring "
        "(of the mean: the luck of single customers is not in it).",
    )
    ends = (row["new_customers"], row["new_customers_low"], row["new_customers_high"])
    return _estimate(plan, channel, ends, "customers", definition, planned_customers)


def planned_cac(plan: pd.DataFrame, channel: str = ALL) -> Estimate | Refused:
    """Spend of the plan divided by the new customers expected, of a channel or of all that had spend.

    table of `spend_plan`  ->  Estimate (unit "money per customer"), or Refused
    """
    row = _planned(plan, channel)
    if isinstance(row, Refused) or math.isnan(row["cac"]):
        return row if isinstance(row, Refused) else _nothing_spent()
    definition = Words(
        f"计划投放费用÷预计新客数，{_span(plan).zh}合计。",
        f"Planned spend / new customers expected, over {_span(plan).en}.",
    )
    ends = (row["cac"], row["cac_low"], row["cac_high"])
    return _estimate(plan, channel, ends, "money per customer", definition, planned_cac)


def extra_customers(plan: pd.DataFrame, channel: str = ALL) -> Estimate | Refused:
    """New customers under the plan less those at today's spend; below 0 where the plan brings fewer.

    table of `spend_plan`  ->  Estimate (unit "customers"), or Refused
    """
    row = _planned(plan, channel)
    if isinstance(row, Refused):
        return row
    definition = Words(
        f"按计划投放比维持现有投放多来的新客，{_span(plan).zh}合计。",
        f"New customers under the plan less those at today's spend, over {_span(plan).en}.",
    )
    return _estimate(plan, channel, plan.attrs["compared"][channel].extra, "customers", definition, extra_customers)


def growth_of_customers(plan: pd.DataFrame, channel: str = ALL) -> Estimate | Refused:
    """How many per cent more new customers the plan brings than today's spend.

    table of `spend_plan`  ->  Estimate (unit "growth": 0.083 is 8.3% more), or Refused
    """
    row = _planned(plan, channel)
    if isinstance(row, Refused):
        return row
    definition = Words("按计划投放的新客数比维持现有投放多百分之几。",
                       "New customers under the plan over those at today's spend, less 1.")  # fmt: skip
    return _estimate(plan, channel, plan.attrs["compared"][channel].growth, "growth", definition, growth_of_customers)


def cost_of_extra(plan: pd.DataFrame, channel: str = ALL) -> Estimate | Refused:
    """Extra spend of the plan divided by the extra customers it brings: what each of those costs.

    table of `spend_plan`  ->  Estimate (unit "money per customer"), or Refused

    For less spend than today: what each of the customers who then stay away costs today. Refused where spend does not
    change in all, and where the extra customers may be none.
    """
    row = _planned(plan, channel)
    if isinstance(row, Refused):
        return row
    compared = plan.attrs["compared"][channel]
    value, low, high = compared.extra
    if not compared.extra_spend or low <= 0 <= high or value * compared.extra_spend <= 0:
        return Refused(
            "extra customers",
            f"{low:,.0f} to {high:,.0f}",
            "clearly more with more spend",
            f"多来的新客可能为零（{low:,.0f} 至 {high:,.0f}），每多一位新客的花费没有上限。",
            f"The extra customers may be none ({low:,.0f} to {high:,.0f}), so what each costs has no upper end.",
        )
    definition = Words(
        "增量获客成本＝计划比现有多投的费用÷多来的新客。", "Extra spend of the plan / extra new customers it brings."
    )
    costs = sorted(compared.extra_spend / one for one in (low, high))
    ends = (compared.extra_spend / value, *costs)
    return _estimate(plan, channel, ends, "money per customer", definition, cost_of_extra)


def _planned(plan: pd.DataFrame, channel: str) -> pd.Series | Refused:
    """The row of a channel that has a value."""
    rows = plan[plan["channel"] == channel]
    if rows.empty:
        raise ValueError(f"{channel!r} is not in the plan, which has: {', '.join(plan['channel'])}")
    row = rows.iloc[0]
    if math.isnan(row["new_customers"]):
        return plan.attrs["refused"].get(channel) or _nothing_spent()
    return row


def _estimate(plan: pd.DataFrame, channel: str, ends: tuple, unit: str, definition: Words, function: Any) -> Estimate:
    return Estimate(*ends, plan.attrs["level"], plan.attrs["compared"][channel].n, unit, definition, function)


def _span(plan: pd.DataFrame) -> Words:
    zh, en = stated.PERIOD_WORDS[plan.attrs["period"]]
    return Words(f"今后 {plan.attrs['periods']} {zh}", f"the next {plan.attrs['periods']} {en}")


def _nothing_spent() -> Refused:
    return Refused("spend", 0, "above 0", "没有投放费用，获客成本无从谈起。",
                   "Nothing is spent, so there is no cost per new customer.")  # fmt: skip
