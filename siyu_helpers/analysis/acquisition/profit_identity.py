"""Profit identities: the one of the source articles, its fragility near break-even, and the full one beside it.

The source articles write profit = traffic x conversion x (average order value - acquisition cost). That leaves out what
the goods cost, what customers buy later, and what has to be paid whoever comes. Near break-even a small change of the
order value then multiplies profit: at an order value of 260 and a cost of 250 the elasticity is 26. The full one:

    profit = traffic x conversion x (order value x contribution rate x orders per customer - cost) - fixed cost

"Orders per customer" is a number of orders, never a repurchase rate: see `repurchase_formulas`. Used by
notebooks/01_acquisition_cost.ipynb; opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Refused, Words

FRAGILE_ABOVE = 10.0  # an elasticity beyond this: a tenth off the factor takes more than all of the profit
TINY = 1e-9  # profit below this part of the sums it is the difference of is zero, but for rounding

IDENTITY_COLUMNS = ["factor", "value", "elasticity", "profit_change_of_1_percent", "fragile"]
ORDER_VALUE, COST = "average_order_value", "customer_acquisition_cost"

UNITS = {
    "traffic": "visits",
    "conversion": "share",
    "new_customers": "customers",
    ORDER_VALUE: "money per order",
    COST: "money per customer",
    "contribution_rate": "share",
    "orders_per_customer": "orders per customer",
    "fixed_cost": "money",
}
FACTORS = {
    "traffic": Words("流量", "traffic"),
    "conversion": Words("转化率", "conversion"),
    "new_customers": Words("新客数", "new customers"),
    ORDER_VALUE: Words("笔单价", "order value"),
    COST: Words("获客成本", "acquisition cost"),
    "contribution_rate": Words("贡献毛利率", "contribution rate"),
    "orders_per_customer": Words("人均订单数", "orders per customer"),
    "fixed_cost": Words("固定费用", "fixed cost"),
}
FORMULAS = {
    "source": Words("流量×转化率×（笔单价－获客成本）", "traffic x conversion x (order value - acquisition cost)"),
    "full": Words(
        "流量×转化率×（笔单价×贡献毛利率×人均订单数－获客成本）－固定费用",
        "traffic x conversion x (order value x contribution rate x orders per customer - acquisition cost) - fixed "
        "cost",
    ),
}


def source_identity(
    traffic: float, conversion: float | None, average_order_value: float, customer_acquisition_cost: float
) -> pd.DataFrame:
    """How profit, as the source articles write it, answers to each of its four factors.

    four numbers  ->  table (factor)

    Parameters
    ----------
    traffic : float
        Visitors; or new customers where `conversion` is None because visitors are not known.
    conversion : float or None
        New customers / visitors, 0 to 1.
    average_order_value, customer_acquisition_cost : float
        In the same currency; the order value before the cost of the goods, as the articles have it.

    Returns
    -------
    DataFrame, one row per factor
        factor : traffic, conversion (or new_customers), average_order_value, customer_acquisition_cost.
        value : as given.
        elasticity : per cent that profit changes by when the factor rises by 1%; exact also for larger changes of one
            factor, since profit is a straight line in each. Of a loss it says how the loss changes: above 0 it grows.
            Blank where profit is 0, for there is nothing to take a per cent of: `attrs["refused"]["elasticity"]`.
        profit_change_of_1_percent : money that it adds to profit.
        fragile : True where the elasticity is beyond 10 either way, and where profit is 0 while the factor matters.
        `attrs`: profit, customers, formula ("source"), refused.

    Raises
    ------
    ValueError
        For a number that is not finite or out of its range.

    Example
    -------
    >>> source_identity(10_000, 0.05, 260, 250).drop(columns=["value", "profit_change_of_1_percent"])
                          factor  elasticity  fragile
    0                    traffic         1.0    False
    1                 conversion         1.0    False
    2        average_order_value        26.0     True
    3  customer_acquisition_cost       -25.0     True
    """
    given = _reach(traffic, conversion) | {ORDER_VALUE: average_order_value, COST: customer_acquisition_cost}
    _check(given)
    customers = traffic * (1.0 if conversion is None else conversion)
    worth, cost = customers * average_order_value, customers * customer_acquisition_cost
    parts = dict.fromkeys(_reach(traffic, conversion), worth - cost) | {ORDER_VALUE: worth, COST: -cost}
    return _table("source", given, parts, worth - cost, worth + cost, customers)


def full_identity(
    traffic: float,
    conversion: float | None,
    average_order_value: float,
    customer_acquisition_cost: float,
    contribution_rate: float,
    orders_per_customer: float = 1.0,
    fixed_cost: float = 0.0,
) -> pd.DataFrame:
    """How profit answers to its factors when goods, later orders and fixed cost are in it.

    seven numbers  ->  table (factor)

    Parameters
    ----------
    traffic, conversion, average_order_value, customer_acquisition_cost
        As in `source_identity`; the order value the mean over all orders counted.
    contribution_rate : float
        Contribution / revenue, at most 1 (a gross margin of 50% is 0.5).
    orders_per_customer : float
        Orders of a new customer in the time looked at, the first included.
    fixed_cost : float
        What is paid in the period whoever comes: staff, tools, content.

    Returns
    -------
    DataFrame as `source_identity`, with rows for contribution_rate, orders_per_customer and fixed_cost too. More
    `attrs`: break_even_cac (cost of a customer at which profit is 0) and break_even_orders (orders per customer at
    which it is 0); NaN where no number of customers or orders would do.

    Raises
    ------
    ValueError
        As `source_identity`.

    Example
    -------
    500 customers, each worth 260 x 0.5 x 3 = 390 and won for 250, and 20,000 to be paid in any case:

    >>> table = full_identity(10_000, 0.05, 260, 250, contribution_rate=0.5, orders_per_customer=3, fixed_cost=20_000)
    >>> table[["factor", "elasticity", "profit_change_of_1_percent"]]
                          factor  elasticity  profit_change_of_1_percent
    0                    traffic         1.4                       700.0
    1                 conversion         1.4                       700.0
    2        average_order_value         3.9                      1950.0
    3  customer_acquisition_cost        -2.5                     -1250.0
    4          contribution_rate         3.9                      1950.0
    5        orders_per_customer         3.9                      1950.0
    6                 fixed_cost        -0.4                      -200.0
    >>> table.attrs["profit"], table.attrs["break_even_cac"], round(table.attrs["break_even_orders"], 3)
    (50000.0, 350.0, 2.231)
    """
    given = _reach(traffic, conversion) | {
        ORDER_VALUE: average_order_value,
        COST: customer_acquisition_cost,
        "contribution_rate": contribution_rate,
        "orders_per_customer": orders_per_customer,
        "fixed_cost": fixed_cost,
    }
    _check(given)
    customers = traffic * (1.0 if conversion is None else conversion)
    an_order = average_order_value * contribution_rate
    worth, cost = customers * an_order * orders_per_customer, customers * customer_acquisition_cost
    parts = dict.fromkeys(_reach(traffic, conversion), worth - cost) | {ORDER_VALUE: worth, COST: -cost}
    parts |= {"contribution_rate": worth, "orders_per_customer": worth, "fixed_cost": -fixed_cost}
    table = _table("full", given, parts, worth - cost - fixed_cost, abs(worth) + cost + fixed_cost, customers)
    fixed = fixed_cost / customers if customers else math.nan
    table.attrs["break_even_cac"] = an_order * orders_per_customer - fixed
    table.attrs["break_even_orders"] = (customer_acquisition_cost + fixed) / an_order if an_order > 0 else math.nan
    return table


def profit_estimates(
    table: pd.DataFrame, change: float = -0.05, factor: str = ORDER_VALUE
) -> dict[str, Estimate | Refused]:
    """State an identity in numbers: profit, each elasticity, the break-evens, and what one change does to profit.

    table (factor)  ->  named numbers, all exact given the factors, so without an interval

    Parameters
    ----------
    table : DataFrame
        From `source_identity` or `full_identity`.
    change, factor
        The change of one factor to be worked out; by default the order value falls by 5%.

    Returns
    -------
    dict of Estimate or Refused
        profit : unit "money".
        elasticity_<factor> : unit "elasticity"; Refused where profit is 0.
        profit_after : unit "money"; profit when the factor has changed.
        profit_growth : unit "growth"; that change of profit over profit, -1.3 for a fall by 130%. Refused where profit
            is 0 or below.
        break_even_cac, break_even_orders : units "money per customer", "orders per customer"; full identity only.

    Raises
    ------
    ValueError
        When there is no such factor, or the table has lost how it was made.

    Example
    -------
    Five per cent off the order value turns the profit of 5,000 into a loss:

    >>> found = profit_estimates(source_identity(10_000, 0.05, 260, 250))
    >>> found["profit_after"].value, round(found["profit_growth"].value, 6)
    (-1500.0, -1.3)
    """
    made = table.attrs
    if "formula" not in made:
        raise ValueError("the table has lost its attrs: pass what source_identity or full_identity returned")
    rows = table.set_index("factor")
    if factor not in rows.index:
        raise ValueError(f"the table has no factor {factor!r}; its factors are {', '.join(map(repr, rows.index))}")
    n, formula, profit = round(made["customers"]), FORMULAS[made["formula"]], made["profit"]

    def exact(value: float, unit: str, zh: str, en: str) -> Estimate:
        words = Words(f"{zh}；利润＝{formula.zh}。", f"{en}; profit = {formula.en}.")
        return Estimate.exact(value, n, unit, words, profit_estimates)

    found: dict[str, Estimate | Refused] = {"profit": exact(profit, "money", "利润", "Profit")}
    for name, row in rows.iterrows():
        zh, en = FACTORS[name]
        found[f"elasticity_{name}"] = made["refused"].get("elasticity") or exact(
            row["elasticity"],
            "elasticity",
            f"{zh}上升 1% 时利润变动的百分数",
            f"Per cent that profit changes by per 1% more {en}",
        )
    added = 100 * change * rows.loc[factor, "profit_change_of_1_percent"]
    (zh, en), by = FACTORS[factor], f"{change:+.0%}"
    found["profit_after"] = exact(
        profit + added, "money", f"{zh}变动 {by} 后的利润", f"Profit after {en} changes by {by}"
    )
    found["profit_growth"] = _no_profit(profit) or exact(
        added / profit, "growth", f"{zh}变动 {by} 时利润的变动", f"Change of profit when {en} changes by {by}"
    )
    if made["formula"] == "full":
        found |= _break_evens(made, exact)
    return found


def repurchase_formulas(
    traffic: float, conversion: float, average_order_value: float, repurchase_rate: float
) -> pd.DataFrame:
    """Revenue by the formula that multiplies with a repurchase rate, beside what it should be.

    four numbers  ->  table (formula): formula, revenue

    The rate is a share below 1, so the product is less than the first orders alone bring in: 30,000 against 100,000.
    What belongs there is orders per buyer: at least 1 + the rate, when each who returns does so once.
    For a brand's own orders: `revenue_identity.naive_formula`.

    Raises
    ------
    ValueError
        For a number that is not finite or out of its range.

    Example
    -------
    >>> repurchase_formulas(10_000, 0.05, 200, 0.30)
                      formula   revenue
    0   times_repurchase_rate   30000.0
    1       first_orders_only  100000.0
    2  times_orders_per_buyer  130000.0
    """
    _check({"traffic": traffic, "conversion": conversion, ORDER_VALUE: average_order_value})
    if not 0 <= repurchase_rate <= 1:
        raise ValueError(f"repurchase_rate must lie between 0 and 1; got {repurchase_rate!r}")
    first = float(traffic * conversion * average_order_value)
    rows = [
        ("times_repurchase_rate", first * repurchase_rate),
        ("first_orders_only", first),
        ("times_orders_per_buyer", first * (1 + repurchase_rate)),
    ]
    return pd.DataFrame(rows, columns=["formula", "revenue"])


# --- how it is done ---


def _reach(traffic: float, conversion: float | None) -> dict[str, float]:
    return {"new_customers": traffic} if conversion is None else {"traffic": traffic, "conversion": conversion}


def _check(given: Mapping[str, float]) -> None:
    ceilings = {"conversion": 1.0, "contribution_rate": 1.0}
    for name, value in given.items():
        low = -math.inf if name == "contribution_rate" else 0.0  # goods may be sold below cost
        high = ceilings.get(name, math.inf)
        if not (math.isfinite(value) and low <= value <= high):
            said = f"{low:g} or more" if math.isinf(high) else f"at most {high:g}" if math.isinf(low) else "0 to 1"
            raise ValueError(f"{name} must be a number, {said}; got {value!r}")


def _table(
    formula: str, given: Mapping[str, float], parts: Mapping[str, float], profit: float, size: float, customers: float
) -> pd.DataFrame:
    """The factors with the part of profit that is in proportion to each; that part over profit is the elasticity."""
    zero = abs(profit) <= TINY * size
    rows = []
    for name, value in given.items():
        elasticity = math.nan if zero else parts[name] / profit
        fragile = abs(parts[name]) > TINY * size if zero else abs(elasticity) > FRAGILE_ABOVE
        rows.append((name, float(value), elasticity, parts[name] / 100, fragile))
    table = pd.DataFrame(rows, columns=IDENTITY_COLUMNS)
    table.attrs = {"formula": formula, "profit": 0.0 if zero else float(profit), "customers": float(customers)}
    table.attrs["refused"] = {"elasticity": _no_elasticity()} if zero else {}
    return table


def _break_evens(made: Mapping[str, float], exact) -> dict[str, Estimate | Refused]:
    words = {
        "break_even_cac": (
            "money per customer",
            "利润为零时的获客成本（为负则即使免费获客也亏损）",
            "Acquisition cost at which profit is 0 (below 0: a loss even if customers cost nothing)",
        ),
        "break_even_orders": (
            "orders per customer",
            "利润为零时的人均订单数",
            "Orders per customer at which profit is 0",
        ),
    }
    return {
        name: exact(made[name], *said) if math.isfinite(made[name]) else _never_even() for name, said in words.items()
    }


def _no_elasticity() -> Refused:
    return Refused(
        "profit other than 0", 0, "above or below 0",
        "利润正好为零（盈亏平衡），没有可以按百分比计算的基数，弹性无从谈起；任何小变动都会决定盈亏。",
        "Profit is exactly 0 (break-even), so there is nothing to take a per cent of and no elasticity; any small "
        "change decides between profit and loss.",
    )  # fmt: skip


def _no_profit(profit: float) -> Refused | None:
    if profit > 0:
        return None
    return Refused(
        "profit above 0", round(profit, 2), "above 0",
        "没有利润，变动无法用利润的百分比来表示。",
        "There is no profit, so its change cannot be stated as a part of it.",
    )  # fmt: skip


def _never_even() -> Refused:
    return Refused(
        "break-even", "none", "customers, and a contribution above 0",
        "没有新客，或每单贡献毛利不为正，不存在盈亏平衡点。",
        "Without new customers, or with a contribution per order of 0 or less, there is no break-even.",
    )  # fmt: skip
