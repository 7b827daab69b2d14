"""What a pool is worth month by month: customers in and out, what they add, what it costs, and with what certainty.

The figures are differences from the same customers served without the pool, through platforms and shops: orders that
would have come anyway count only for the commission and advertising that the pool saves on them.

Order of things in a month: those in the pool at the start may leave, joiners come; what is earned and what messages
cost go by the mean of opening and closing. Opening + inflow - leavers = closing.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool.inputs import PoolInputs, draws_of, quantile_of

FLOWS = ("opening", "inflow", "leavers", "closing", "members")
EARNED = ("added_orders", "saved_on_platforms", "referrals")
SPENT = ("recruiting", "incentives", "messages", "service", "fixed", "setup")
MONTHLY = ("month", *FLOWS, *EARNED, *SPENT, "net", "cumulative")
DRAWS = 10_000
PAYBACK_SEEN_IN = 0.5  # share of draws that must have paid back for a month to be named


@dataclass(frozen=True)
class PoolValue:
    """What a pool is worth, as `pool_value` returns it.

    Parameters
    ----------
    monthly : DataFrame, one row a month
        month (1, 2, ...); customers: opening, inflow, leavers, closing, members (mean of the month); money earned:
        added_orders, saved_on_platforms, referrals (less rewards); money spent: recruiting, incentives, messages,
        service, fixed (staff, tools, content), setup; net, cumulative (discounted, from the start). Means over the
        draws, so that rows add up; net_low, net_high, cumulative_low, cumulative_high are the interval.
    value : Estimate, money
        Discounted net over all months: mean of the draws, interval of the draws.
    payback : Estimate (months) or Refused
        First month by whose end the discounted net since the start is not below zero; median of the draws. Refused
        where half of the draws or more never get there.
    probability_paid : Series
        Index month, value the probability that the pool has paid back by its end.
    tornado : DataFrame, one row an uncertain input, widest first
        input, input_low, input_high (quantiles at the level), value_low, value_high (value at them, all other inputs
        typical), swing (money).
    inputs : PoolInputs
    values : array of draws, the discounted net; drawn : dict of field -> array, the inputs behind them
    level, months, draws, seed : as asked
    """

    monthly: pd.DataFrame
    value: Estimate
    payback: Estimate | Refused
    probability_paid: pd.Series
    tornado: pd.DataFrame
    inputs: PoolInputs
    values: np.ndarray = field(repr=False, compare=False)
    drawn: dict[str, np.ndarray] = field(repr=False, compare=False)
    level: float = LEVEL
    months: int = 24
    draws: int = DRAWS
    seed: int = 0

    @property
    def value_at_typical(self) -> float:
        """Discounted net over all months with every input at its typical value: where the bars of the tornado begin."""
        drawn = {name: np.array([value]) for name, value in self.inputs.typical().items()}
        return float(flows(drawn, self.months)["cumulative"][-1, 0])

    @property
    def probability_positive(self) -> float:
        """Share of the draws whose value is above zero at the end."""
        return float((self.values > 0).mean())


def pool_value(
    inputs: PoolInputs, months: int = 24, draws: int = DRAWS, seed: int = 0, level: float = LEVEL
) -> PoolValue:
    """What a private pool earns over and above serving the same customers without it, month by month.

    PoolInputs  ->  PoolValue (tables by month and by input)

    Parameters
    ----------
    inputs : PoolInputs
    months : int
        How long the pool is run.
    draws : int
        Draws of the uncertain inputs; without any there is one result, and intervals of no width.
    seed : int
    level : float
        Of the intervals over the draws.

    Notes
    -----
    Customers in the pool age: of the orders of those still there `activity_kept` is left each month, of the uplift
    `uplift_kept`. Exit within a month: 1 - (1 - churn) (1 - opt-out)^messages (1 - ban (1 - recovery)).

    Raises
    ------
    ValueError
        months, draws or seed that are not whole numbers of at least 1 (seed: 0), or a level outside 0 to 1.

    Example
    -------
    >>> flat = PoolInputs(joiners_per_month=0, opening_members=1000, orders_per_month=0.5, uplift=0.2, order_value=100,
    ...                   margin=0.4, staff_cost=3000)
    >>> result = pool_value(flat, months=12)
    >>> round(result.value.value), result.payback.value, float(result.probability_paid[12])
    (12000, 1.0, 1.0)
    """
    for name, number in (("months", months), ("draws", draws)):
        order_log.at_least_one(name, number)
    level = check_level(level)
    drawn = draws_of(inputs, draws, seed)
    parts = flows(drawn, months)
    cumulative = parts["cumulative"]
    values = cumulative[-1]
    return PoolValue(
        _monthly_table(parts, level), _value(values, months, level), _payback(cumulative, level),
        _probability_paid(cumulative), tornado(inputs, months, level), inputs, values, drawn,
        level, months, draws, seed,
    )  # fmt: skip


def flows(drawn: dict[str, np.ndarray], months: int) -> dict[str, np.ndarray]:
    """Customers and money of every month and draw: the model itself.

    dict (field of PoolInputs -> array of draws)  ->  dict (name in `MONTHLY` -> array of months x draws)

    Parameters
    ----------
    drawn : dict of arrays
        All fields of PoolInputs, of equal length or length 1.
    months : int

    Example
    -------
    >>> inputs = PoolInputs(100, orders_per_month=1, uplift=0.1, order_value=10, margin=0.5, churn=0.5)
    >>> flows({name: np.array([value]) for name, value in inputs.typical().items()}, 3)["closing"].ravel().tolist()
    [100.0, 150.0, 175.0]
    """
    stay = staying(drawn)
    referred = drawn["share_affected"] * drawn["referrals_per_month"]
    shape = np.broadcast_shapes(*(values.shape for values in drawn.values()))
    members = np.broadcast_to(drawn["opening_members"], shape)
    # Those there from the start have aged as much as the months since they joined say.
    active = members * drawn["activity_kept"] ** drawn["opening_months"]
    lifted = active * drawn["uplift_kept"] ** drawn["opening_months"]
    rows = []
    for _ in range(months):
        inflow = drawn["joiners_per_month"] + active * referred * drawn["referral_joining_share"]
        closing = members * stay + inflow
        active_then = active * stay * drawn["activity_kept"] + inflow
        lifted_then = lifted * stay * drawn["activity_kept"] * drawn["uplift_kept"] + inflow
        mean = [(old + new) / 2 for old, new in ((members, closing), (active, active_then), (lifted, lifted_then))]
        row = {
            "opening": members,
            "inflow": inflow,
            "leavers": members * (1 - stay),
            "closing": closing,
            "members": mean[0],
        }
        rows.append(row | month_money(drawn, drawn["joiners_per_month"], inflow, *mean, first=not rows))
        members, active, lifted = closing, active_then, lifted_then
    parts = {name: np.array([np.broadcast_to(row[name], shape) for row in rows]) for name in rows[0]}
    parts["net"] = sum(parts[name] for name in EARNED) - sum(parts[name] for name in SPENT)
    parts["cumulative"] = np.cumsum(parts["net"] * _discount(drawn["discount_rate"], months), axis=0)
    # What is spent once is spent at the start, before any discounting.
    parts["cumulative"] += parts["setup"][0] * (_discount(drawn["discount_rate"], 1)[0] - 1)
    return parts


def staying(drawn: dict[str, np.ndarray]) -> np.ndarray:
    """Share of the pool that is still there a month later.

    dict (field of PoolInputs -> array of draws)  ->  array of draws, 0 to 1

    Example
    -------
    >>> staying(PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.1, opt_out_per_message=0.5, messages_per_month=1).typical())
    0.45
    """
    kept_by_messages = (1 - drawn["opt_out_per_message"]) ** drawn["messages_per_month"]
    banned = drawn["ban_probability"] * (1 - drawn["recovery"])
    return (1 - drawn["churn"]) * kept_by_messages * (1 - banned)


def month_money(
    drawn: dict[str, np.ndarray], joiners, inflow, members, active, lifted, first: bool = False
) -> dict[str, np.ndarray]:
    """What a month earns and spends, from the pool in its middle: its size, its buying and its uplift.

    dict (field of PoolInputs -> array of draws), customers  ->  dict (name in `EARNED` and `SPENT` -> array of draws)

    Parameters
    ----------
    drawn : dict of arrays
    joiners, inflow : arrays of customers
        Recruited in the month, and all who joined in it, those referred included.
    members, active, lifted : arrays of customers
        Mean of the month: in the pool; the same, each with the share of buying that is left; each with the share of
        buying and of the uplift that is left.
    first : bool
        Whether it is the month in which the pool is set up.

    Example
    -------
    >>> one = PoolInputs(100, 0.5, 0.2, 200, 0.4, incentive_cost=3).typical()
    >>> money = month_money(one, 100, 100, 50, 50, 50)
    >>> money["added_orders"], money["incentives"]
    (400.0, 300.0)
    """
    d = drawn
    affected = active * d["share_affected"]
    saved = d["moved_share"] * (d["order_value"] * d["commission_saved"] + d["reacquisition_saved"])
    added = lifted * d["share_affected"] * d["orders_per_month"] * d["uplift"]
    return {
        "added_orders": added * d["order_value"] * d["margin"],
        "saved_on_platforms": affected * d["orders_per_month"] * saved,
        "referrals": affected * d["referrals_per_month"] * (d["referral_value"] - d["referral_reward"]),
        "recruiting": joiners * d["recruiting_cost"],
        "incentives": inflow * d["incentive_cost"],
        "messages": members * d["messages_per_month"] * d["message_cost"],
        "service": members * d["service_cost"],
        "fixed": d["staff_cost"] + d["tool_cost"] + d["content_cost"],
        "setup": d["setup_cost"] * first,
    }


def _discount(rate: np.ndarray, months: int) -> np.ndarray:
    """Value today of money at the end of each month: months x draws."""
    return (1 + rate) ** (-np.arange(1, months + 1)[:, None] / 12)


def tornado(inputs: PoolInputs, months: int = 24, level: float = LEVEL) -> pd.DataFrame:
    """How far each uncertain input moves the value by itself, all others at their typical values.

    PoolInputs  ->  table (uncertain input), widest first

    Returns
    -------
    DataFrame
        input, input_low, input_high : quantiles at the level. value_low, value_high : value of the pool at them, money.
        swing : distance between the two. No rows where all inputs are certain.

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, (0.0, 0.2, 0.4), 200, (0.39, 0.4, 0.41))
    >>> tornado(inputs)["input"].tolist()
    ['uplift', 'margin']
    """
    names, ends = inputs.uncertain(), np.array([(1 - level) / 2, (1 + level) / 2])
    columns = ["input", "input_low", "input_high", "value_low", "value_high", "swing"]
    if not names:
        return pd.DataFrame(columns=columns)
    found = {name: quantile_of(name, getattr(inputs, name), ends) for name in names}
    drawn = {name: np.full(2 * len(names), value) for name, value in inputs.typical().items()}
    for place, name in enumerate(names):
        drawn[name][2 * place : 2 * place + 2] = found[name]
    values = flows(drawn, months)["cumulative"][-1].reshape(-1, 2)
    rows = [(name, *found[name], *pair, abs(pair[1] - pair[0])) for name, pair in zip(names, values, strict=True)]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def contribution_per_member(inputs: PoolInputs) -> float:
    """What a customer who has just joined adds a month at the typical inputs, less messages and service.

    PoolInputs  ->  float, money per customer and month. Below zero, growth of the pool loses money.

    Example
    -------
    >>> contribution_per_member(PoolInputs(100, 0.5, 0.2, 200, 0.4, messages_per_month=4, message_cost=0.5))
    6.0
    """
    drawn = {name: np.array([value]) for name, value in inputs.typical().items()}
    money = month_money(drawn, *[np.zeros(1)] * 2, *[np.ones(1)] * 3)
    return float((sum(money[name] for name in EARNED) - money["messages"] - money["service"])[0])


# --- what the draws say ---


def _monthly_table(parts: dict[str, np.ndarray], level: float) -> pd.DataFrame:
    table = pd.DataFrame({name: parts[name].mean(axis=1) for name in MONTHLY[1:]})
    table.insert(0, "month", np.arange(1, len(table) + 1))
    for name in ("net", "cumulative"):
        low, high = _ends(parts[name], level, axis=1)
        table[f"{name}_low"], table[f"{name}_high"] = np.minimum(low, table[name]), np.maximum(high, table[name])
    return table


def _ends(values: np.ndarray, level: float, axis: int | None = None) -> np.ndarray:
    return np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=axis)


def _value(values: np.ndarray, months: int, level: float) -> Estimate:
    mean = float(values.mean())
    low, high = _ends(values, level)  # a very skewed mean may lie outside; the interval then reaches to it
    words = Words(
        f"私域 {months} 个月的净值：比不设私域、由平台和门店服务同一批客户多出的贡献毛利与节省，"
        "减去私域的全部费用，折现",
        f"net value of the pool over {months} months: what it adds and saves against serving the same customers "
        "through platforms and shops, less all its costs, discounted",
    )
    return Estimate(mean, min(low, mean), max(high, mean), level, len(values), "money", words, pool_value)


def _first_paid(cumulative: np.ndarray) -> np.ndarray:
    """Month in which each draw has paid back first; infinite where it has not."""
    paid = cumulative >= 0
    return np.where(paid.any(axis=0), paid.argmax(axis=0) + 1.0, math.inf)


def _probability_paid(cumulative: np.ndarray) -> pd.Series:
    months = np.arange(1, len(cumulative) + 1)
    first = _first_paid(cumulative)
    return pd.Series(
        [float((first <= month).mean()) for month in months], pd.Index(months, name="month"), name="probability_paid"
    )


def _payback(cumulative: np.ndarray, level: float) -> Estimate | Refused:
    first, months = np.sort(_first_paid(cumulative)), len(cumulative)
    paid = float(np.isfinite(first).mean())
    if paid <= PAYBACK_SEEN_IN and not math.isfinite(first[(len(first) - 1) // 2]):
        return Refused(
            *("payback", round(paid, 3), PAYBACK_SEEN_IN),
            f"{months} 个月之内，私域回本的可能性不到一半，回本时间无从说起。",
            f"Within {months} months the pool is less likely than not to pay back, so there is no time to name.",
        )
    low, value, high = (first[round(share * (len(first) - 1))] for share in ((1 - level) / 2, 0.5, (1 + level) / 2))
    if not math.isfinite(value):
        value = first[np.isfinite(first)][-1]
    words = Words(
        "到第几个月末，自开始以来的净值（折现）首次不低于零",
        "first month by whose end the discounted net since the start is not below zero",
    )
    return Estimate(value, low, max(high, value), level, len(first), "months", words, pool_value)
