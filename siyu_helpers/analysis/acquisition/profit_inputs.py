"""What a brand puts into the profit identities: its visitors, conversion, order value, cost and so on, from its tables.

All of it is about the channels with spend, because only they have visitors and a cost: what comes by itself is not in
it. Used by notebooks/01_acquisition_cost.ipynb; opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd

from siyu_helpers.analysis import order_log, visitors
from siyu_helpers.analysis.acquisition import cost_inputs, cost_sums
from siyu_helpers.analysis.acquisition.profit_identity import full_identity, source_identity
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

MONTHS, YEAR = 12, 365

KEYS = (
    "traffic", "conversion", "new_customers", "customer_acquisition_cost", "first_order_value", "average_order_value",
    "contribution_rate", "orders_per_customer", "fixed_cost",
)  # fmt: skip


def brand_inputs(
    orders: Any,
    costs: pd.DataFrame | Refused,
    observed_until: order_log.DateLike,
    spend: Any = None,
    pool_costs: Any = None,
    gross_margin: float | None = None,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> dict[str, Estimate | Refused]:
    """Inputs of the profit identities for a brand's channels with spend, from its own tables.

    orders, cost table, spend, pool costs  ->  named numbers

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. acquired_through says which customers the channels with spend brought.
    costs : DataFrame
        From `costs.cost_table`, by month and channel, variant "paid", without lag.
    spend : frame, optional
        date, channel, visitors. Without it traffic and conversion are Refused; new_customers stands for their product.
    pool_costs : frame, optional
        month, item, amount. Without it the fixed cost is Refused.
    gross_margin : float, optional
        Where the orders do not say what the goods cost, see `order_log.contribution_rule`.

    Returns
    -------
    dict of Estimate or Refused. Of the last 12 complete months:
        traffic (unit "visits", daily visitors added up), conversion (new customers / traffic), new_customers,
        customer_acquisition_cost, fixed_cost (the pool's, all items).
    Of the last 12 months whose new customers have all been observed for 365 days:
        first_order_value (revenue of first orders / their number), and within 365 days of the first order
        average_order_value (revenue / orders), contribution_rate (contribution / revenue) and orders_per_customer.
        The product of the last three is contribution per new customer. Refunds are taken off revenue.
    The pool serves customers of other channels too: charging all of it to these is the cautious side.

    Raises
    ------
    ValueError
        For a cost table of another variant or with a lag, or as the functions it calls.
    """
    if isinstance(costs, Refused):
        return dict.fromkeys(KEYS, costs)
    if costs.attrs.get("variant", "paid") != "paid" or costs.attrs.get("lag_days", 0) or "channel" not in costs:
        raise ValueError("brand_inputs needs a cost table by month and channel, of the variant 'paid' and without lag")
    months = cost_sums.last_periods(costs, MONTHS)
    if isinstance(months, Refused):
        return dict.fromkeys(KEYS, months)
    channels = cost_sums.paid_channels(costs[costs["month"].isin(months)])
    if not channels:
        return dict.fromkeys(KEYS, cost_sums.cac(costs, months))
    until = order_log.day_number(observed_until, "observed_until")
    found = _reach(costs, months, channels, spend) | _fixed_cost(pool_costs, months, until)
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    rule = order_log.contribution_rule(orders, until, gross_margin)
    column = "acquired_through" if "acquired_through" in order_log.lazy(orders).collect_schema().names() else None
    if column is None:
        return found | dict.fromkeys(KEYS[4:8], _no_channel())
    facts = order_log.paid_orders(orders, until, "month", "net", column, rule)
    known = order_log.without_old(facts, first_order_at, since)
    return found | _first_year(known, costs, channels, until, rule, gross_margin)


def brand_identities(inputs: dict[str, Estimate | Refused]) -> dict[str, pd.DataFrame | Refused]:
    """Both identities for a brand, from its inputs.

    named numbers  ->  {"source": table (factor), "full": table (factor)}

    Parameters
    ----------
    inputs : dict
        From `brand_inputs`. Where visitors are not known, new_customers takes the place of traffic x conversion.

    Returns
    -------
    dict: source, with the value of the first order; full, with all orders of the first 365 days and the pool's cost (0
    where it is not known: its `attrs["fixed_cost_known"]` is False then). Refused where an input is.

    Example
    -------
    Without visitors, fixed cost and margin, 500 customers who cost 250 and first order for 260:

    >>> known = {"new_customers": 500, "customer_acquisition_cost": 250, "first_order_value": 260}
    >>> inputs = dict.fromkeys(KEYS, order_log.no_contribution())
    >>> inputs |= {name: Estimate.exact(value, 500, "", "", brand_inputs) for name, value in known.items()}
    >>> found = brand_identities(inputs)
    >>> found["source"].attrs["profit"], found["full"].gate
    (5000.0, 'contribution')
    """
    reach = ["traffic", "conversion"] if isinstance(inputs["traffic"], Estimate) else ["new_customers"]
    of_source = [*reach, "first_order_value", "customer_acquisition_cost"]
    of_full = [*reach, "average_order_value", *KEYS[3:4], *KEYS[6:8]]
    tables: dict[str, pd.DataFrame | Refused] = {}
    for name, keys, identity in (("source", of_source, source_identity), ("full", of_full, full_identity)):
        refused = next((inputs[key] for key in keys if isinstance(inputs[key], Refused)), None)
        if refused is not None:
            tables[name] = refused
            continue
        numbers = [inputs[key].value for key in keys]
        numbers = numbers if len(reach) == 2 else [numbers[0], None, *numbers[1:]]
        fixed = inputs["fixed_cost"]
        known = isinstance(fixed, Estimate)
        tables[name] = identity(*numbers, *([fixed.value if known else 0.0] if name == "full" else []))
        tables[name].attrs["fixed_cost_known"] = known
    return tables


# --- reach and cost: the last twelve months ---


def _reach(costs: pd.DataFrame, months: list[str], channels: list[str], spend: Any) -> dict[str, Estimate | Refused]:
    """Visitors, conversion, new customers and what one cost."""
    rows = costs[costs["month"].isin(months) & costs["channel"].isin(channels)]
    n, when = int(rows["new_customers"].sum()), _when(months)
    found: dict[str, Estimate | Refused] = {
        "customer_acquisition_cost": cost_sums.cac(costs, months, channels),
        "new_customers": Estimate.exact(n, n, "customers", Words(
            f"{when.zh} 首单由有投放的渠道带来的新客数。",
            f"New customers whose first order came through a channel with spend, {when.en}.",
        ), brand_inputs),
    }  # fmt: skip
    came = visitors.not_known()
    if spend is not None:
        days = [cost_inputs.first_and_last_day(cost_inputs.period_number(month), "month") for month in months]
        window = (days[0][0], days[-1][1])
        theirs = nw.from_native(spend).filter(nw.col("channel").cast(nw.String).is_in(channels)).to_native()
        counted, about = visitors.visitors_of(None, theirs, None, [n, n], (window, window))
        came = about["traffic_refused"] if counted is None else counted[0]
    if isinstance(came, Refused):
        return found | {"traffic": came, "conversion": came}
    words = Words(
        f"{when.zh} 投放渠道每日访客数合计（同一人多日来访重复计数）",
        f"daily visitors of the channels with spend, {when.en}, added up (one person on several days counts as often)",
    )
    found["traffic"] = Estimate.exact(
        came, came, "visits", Words(f"{words.zh}。", f"{words.en.capitalize()}."), brand_inputs
    )
    found["conversion"] = Estimate.exact(n / came, came, "share", Words(
        f"这些渠道的新客数÷访客数；分母为 {words.zh}。", f"New customers of these channels / visitors: {words.en}.",
    ), brand_inputs)  # fmt: skip
    return found


def _fixed_cost(pool_costs: Any, months: list[str], until: int) -> dict[str, Estimate | Refused]:
    """The pool's costs of these months."""
    rows = None if pool_costs is None else cost_inputs.pool_costs_by_month(pool_costs, until)
    wanted = [cost_inputs.period_number(month) for month in months]
    if rows is None or not set(wanted) <= set(rows["month"]):
        zh, en = (
            "没有这 12 个月完整的私域费用（pool_costs），固定费用不详。",
            "The pool's costs are not recorded for all of these 12 months: the fixed cost is not known.",
        )
        return {"fixed_cost": Refused("pool costs of every month", "no", "yes", zh, en)}
    amount = int(rows.loc[rows["month"].isin(wanted), "minor"].sum()) / order_log.MONEY_SCALE
    when = _when(months)
    words = Words(
        f"{when.zh} 私域的人员、工具、激励、内容等费用合计；是已知的固定费用，房租等其他费用不在其中。",
        f"Staff, tools, incentives and content of the pool, {when.en}: the fixed cost that is known; rent and the like "
        "are not in it.",
    )
    return {"fixed_cost": Estimate.exact(amount, len(months), "money", words, brand_inputs)}


# --- what customers bring in: the last twelve months observed for a year ---


def _first_year(
    facts: nw.LazyFrame, costs: pd.DataFrame, channels: list[str], until: int, rule: str, gross_margin: float | None
) -> dict[str, Estimate | Refused]:
    """Order values, contribution rate and orders per customer of customers observed for 365 days."""
    ends = {
        month: cost_inputs.first_and_last_day(cost_inputs.period_number(month), "month")
        for month in cost_sums.complete_periods(costs)
    }
    seen = costs[[month in ends and ends[month][1] + YEAR - 1 <= until for month in costs["month"]]]
    seen.attrs = costs.attrs
    months = cost_sums.last_periods(seen, MONTHS)
    if isinstance(months, Refused):
        return dict.fromkeys(KEYS[4:8], _not_a_year(months))
    row = _counted(facts, channels, ends[months[0]][0], ends[months[-1]][1])
    if not row["customers"] or row["minor"] <= 0:
        return dict.fromkeys(KEYS[4:8], _no_revenue())
    n, words, scale = int(row["customers"]), _first_year_words(months), order_log.MONEY_SCALE
    stated = {
        "first_order_value": (row["first_minor"] / row["first_orders"] / scale, "money per order"),
        "average_order_value": (row["minor"] / row["orders"] / scale, "money per order"),
        "orders_per_customer": (row["orders"] / n, "orders per customer"),
    }
    found: dict[str, Estimate | Refused] = {
        name: Estimate.exact(value, n, unit, words[name], brand_inputs) for name, (value, unit) in stated.items()
    }
    if rule == "none":
        return found | {"contribution_rate": order_log.no_contribution()}
    rate = row["earned"] * order_log.earned_per_minor(rule, gross_margin) / row["minor"]
    said = order_log.contribution_words(rule, gross_margin)
    definition = Words(f"{words['contribution_rate'].zh}{said.zh}。", f"{words['contribution_rate'].en}{said.en}.")
    return found | {"contribution_rate": Estimate.exact(rate, n, "share", definition, brand_inputs)}


def _counted(facts: nw.LazyFrame, channels: list[str], first: int, last: int) -> pd.Series:
    """Sums over the customers new between two days through these channels: all orders of a year, and the first."""
    money = "earned" if "earned" in facts.collect_schema().names() else "minor"
    whose = order_log.group_at_first_order(facts).filter(nw.col("group").is_in(channels))
    begin = facts.group_by("customer_id").agg(
        nw.col("day").min().alias("first_day"), nw.col("ordered_at").min().alias("earliest")
    )
    begin = begin.filter(nw.col("first_day").is_between(first, last)).join(
        whose.select("customer_id"), on="customer_id", how="inner"
    )
    theirs = facts.select("customer_id", "ordered_at", "day", "minor", "unpriced", nw.col(money).alias("gained"))
    theirs = theirs.join(begin, on="customer_id", how="inner").filter(nw.col("day") - nw.col("first_day") < YEAR)
    is_first = nw.when(nw.col("ordered_at") == nw.col("earliest"))
    rows = theirs.with_columns(
        is_first.then(nw.lit(1)).otherwise(nw.lit(0)).alias("is_first"),
        is_first.then(nw.col("minor")).otherwise(nw.lit(0)).alias("first_minor"),
    ).group_by("customer_id")
    each = rows.agg(
        nw.len().alias("orders"),
        nw.col("minor").sum(),
        nw.col("gained").sum(),
        nw.col("is_first").sum(),
        nw.col("first_minor").sum(),
        nw.col("unpriced").sum(),
    )
    names = {"gained": "earned", "is_first": "first_orders"}
    home = order_log.priced(order_log.collected(each.drop("customer_id"))).rename(columns=names)
    return pd.concat([home.sum(), pd.Series({"customers": len(home)})])


def _when(months: list[str]) -> Words:
    return Words(f"{months[0]} 至 {months[-1]}", f"{months[0]} to {months[-1]}")


def _first_year_words(months: list[str]) -> dict[str, Words]:
    when = _when(months)
    whose = Words(
        f"{when.zh} 首单由有投放的渠道带来、已观察满 {YEAR} 天的新客",
        f"customers new through a channel with spend, {when.en}, all of them observed for {YEAR} days",
    )
    within = Words(f"首单后 {YEAR} 天内（含首单）", f"within {YEAR} days of the first order, which is included")
    return {
        "first_order_value": Words(
            f"首单的销售额÷首单数，已扣除退款；{whose.zh}。",
            f"Revenue of first orders / their number, refunds taken off; {whose.en}.",
        ),
        "average_order_value": Words(
            f"{within.zh}销售额÷订单数（笔单价），已扣除退款；{whose.zh}。",
            f"Revenue / orders {within.en}, refunds taken off; {whose.en}.",
        ),
        "orders_per_customer": Words(
            f"{within.zh}订单数÷新客数；{whose.zh}。", f"Orders / new customers {within.en}; {whose.en}."
        ),
        "contribution_rate": Words(
            f"{within.zh}贡献毛利÷销售额；{whose.zh}；", f"Contribution / revenue {within.en}; {whose.en}; "
        ),
    }


def _not_a_year(why: Refused) -> Refused:
    return Refused(
        "months observed for a year", why.seen, why.needed,
        f"新客已观察满 {YEAR} 天的完整月份不足 {MONTHS} 个，首年的订单和贡献毛利不给出。",
        f"Fewer than {MONTHS} complete months in a row have new customers observed for {YEAR} days: what they bring in "
        "during their first year is not given.",
    )  # fmt: skip


def _no_revenue() -> Refused:
    zh, en = "这些新客没有销售额。", "These new customers brought no revenue."
    return Refused("revenue", 0, "above 0", zh, en)


def _no_channel() -> Refused:
    zh = "订单没有获客渠道（acquired_through），分不清哪些新客由投放带来。"
    en = "The orders have no acquired_through: which customers the spend brought is not known."
    return Refused("acquired_through", "missing", "a column of orders", zh, en)
