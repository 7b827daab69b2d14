"""Lesson 02, two identities: revenue takes orders per buyer; profit takes margin, repeats and fixed cost."""

from typing import Any

import pandas as pd

from siyu_helpers.analysis import acquisition_cost, revenue_identity
from siyu_helpers.analysis.estimates import Estimate, Words
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

BRANDS = ("xiaoman", "sanli", "yunzuo")
#: The numbers that the formulas are usually explained with; the days of the year that the brand's own come from.
SETTINGS = {
    "visitors": 10_000,
    "conversion": 0.05,
    "order_value": 200,
    "repurchase_rate": 0.30,
    "dear_order_value": 260,
    "dear_cost": 250,
    "change": -0.05,
    "days": 365,
}
#: What a brand puts into the full identity, as `acquisition_cost.brand_inputs` names it.
INPUTS = (
    "traffic", "conversion", "first_order_value", "average_order_value", "orders_per_customer", "contribution_rate",
    "customer_acquisition_cost", "fixed_cost",
)  # fmt: skip
WITHIN = 0.002  # of the profit asked for: rounding of the inputs passes, a forgotten factor does not


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: the orders of the last year, and the numbers for the profit formula.

    Returns
    -------
    dict
        "orders" (one paid order of the last 365 days): customer, day, amount (less what was refunded).
        "inputs" (one number): name, value. traffic: daily visitors of the channels with spend, last twelve months.
        conversion: new customers of these channels / traffic. first_order_value: revenue of first orders / their
        number. average_order_value, orders_per_customer, contribution_rate: of customers observed for a year, within
        365 days of the first order, which counts. contribution_rate: what is left of revenue after goods, platform
        fees and refunds. customer_acquisition_cost: media spend / new customers. fixed_cost: staff, tools and so on of
        the pool in these twelve months.
    """
    given = brand.table("orders")
    refunded = given["refunded"].fillna(0) if "refunded" in given else 0
    orders = pd.DataFrame({
        "customer": given["customer_id"],
        "day": given["ordered_at"].dt.normalize(),
        "amount": given["amount"] - refunded,
    })  # fmt: skip
    since = pd.Timestamp(brand.observed_until) - pd.Timedelta(days=SETTINGS["days"] - 1)
    inputs = _brand_inputs(brand)
    return {
        "orders": orders[orders["day"] >= since].reset_index(drop=True),
        "inputs": pd.DataFrame({"name": INPUTS, "value": [_number(inputs[name]) for name in INPUTS]}),
    }


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's four questions with their answers on this brand."""
    return _with_repeats(), _orders_per_buyer(brand), _full_profit(brand), _profit_after()


def _brand_inputs(brand: Any) -> dict[str, Any]:
    orders, spend = brand.scan("orders"), brand.scan("spend")
    costs = acquisition_cost.cost_table(spend, orders, brand.observed_until, **brand.history)
    return acquisition_cost.brand_inputs(
        orders, costs, brand.observed_until, spend=spend, pool_costs=brand.scan("pool_costs"),
        gross_margin=brand.config["gross_margin"], **brand.history,
    )  # fmt: skip


def _number(stated: Any) -> float:
    return stated.value if isinstance(stated, Estimate) else float("nan")


def _with_repeats() -> Exercise:
    given = [SETTINGS[name] for name in ("visitors", "conversion", "order_value", "repurchase_rate")]
    found = acquisition_cost.repurchase_formulas(*given).set_index("formula")["revenue"]
    forever = found["first_orders_only"] / (1 - SETTINGS["repurchase_rate"])
    return Exercise(
        "revenue_with_repeats", found["times_orders_per_buyer"], "money", 1.0,
        Words(
            "乘的是人均订单数：每个人的第一单，加上回来的人的第二单。",
            "The factor is orders per buyer: everybody's first order, and the second of those who return.",
        ),
        Words(
            "平均每位买家下几单？所有人都有第一单，一部分人有第二单。",
            "How many orders does a buyer place on average? All have a first order, some have a second.",
        ),
        (
            WrongAnswer("times_the_rate", found["times_repurchase_rate"], Words(
                "这是照公式乘出来的，比一单都不复购时还少！复购率是比例，乘上去等于只留下回头客的一单，别人的首单全没了。",
                "That is the formula as written, and less than without any repeats. The rate is a share: multiplying "
                "by it keeps one order of those who return and drops everybody else's first order.",
            )),
            WrongAnswer("first_orders_only", found["first_orders_only"], Words(
                "这只有首单。回来的人的第二单还没有算进去。",
                "These are the first orders only. The second orders of those who return are still missing.",
            )),
            WrongAnswer("returning_again_and_again", forever, Words(
                "这是假定回来的人会以同样的比例一次又一次回来。题目里说的是每人只回来一次。",
                "That supposes that those who return do so again and again at the same rate. Here each returns once.",
            )),
        ),
    )  # fmt: skip


def _orders_per_buyer(brand: Any) -> Exercise:
    found = revenue_identity.naive_formula(brand.scan("orders"), brand.observed_until, **brand.history)
    rate = _number(found["repurchase_rate"])
    whole = brand.table("orders")
    return Exercise(
        "orders_per_buyer", _number(found["orders_per_buyer"]), "orders per customer", 0.005,
        Words(
            "买家数 × 笔单价 × 人均订单数，正好等于这一年的销售额，一分不差。",
            "Buyers times order value times orders per buyer is the revenue of the year, to the cent.",
        ),
        Words(
            "两个数相除：这一年的订单数，和这一年下过单的客户数。",
            "One number over another: the orders of the year, and the customers who placed any in it.",
        ),
        (
            WrongAnswer("repurchase_rate", rate, Words(
                "这是复购率，一个小于一的比例。乘上去销售额就缩水了；这里要的是平均每位买家下了几单。",
                "That is the repurchase rate, a share below one: multiplying by it makes revenue shrink. Asked for is "
                "how many orders a buyer placed on average.",
            )),
            WrongAnswer("one_plus_the_rate", 1 + rate, Words(
                "一加复购率，等于假定回来的人都只回来一次。这里有逐笔订单，数一数就知道，不用假定。",
                "One plus the rate supposes that whoever returns does so once. The orders are there: count them "
                "instead of supposing.",
            )),
            WrongAnswer("since_the_beginning", len(whole) / whole["customer_id"].nunique(), Words(
                "订单和客户是从有数据以来的，销售额却是一年的。三个因子要出自同一段时间。",
                "Orders and customers here are those since the beginning, revenue is that of a year. All factors must "
                "be of the same time.",
            )),
        ),
    )  # fmt: skip


def _full_profit(brand: Any) -> Exercise:
    inputs = _brand_inputs(brand)
    traffic, conversion, first, value, orders, rate, cost, fixed = (_number(inputs[name]) for name in INPUTS)
    both = acquisition_cost.brand_identities(inputs)
    right, customers = both["full"].attrs["profit"], traffic * conversion
    return Exercise(
        "profit_in_full", right, "money", WITHIN * abs(right),
        Words(
            "流量、转化率、笔单价、贡献毛利率、人均订单数、获客成本、固定费用，一个都没少。",
            "Traffic, conversion, order value, contribution rate, orders per customer, acquisition cost, fixed cost: "
            "nothing is missing.",
        ),
        Words(
            "先算一位新客一年带来多少毛利，减去获客成本，乘上新客数，最后减一次固定费用。",
            "Work out what one new customer contributes in a year, take off what winning one costs, multiply by the "
            "new customers, and take the fixed cost off once.",
        ),
        (
            WrongAnswer("formula_of_the_articles", both["source"].attrs["profit"], Words(
                "这是文章里的公式：把销售额当成了毛利，又只算了首单，也没有固定费用。三处遗漏方向不一，合起来是多是少全看行业。",
                "That is the formula of the articles: it takes revenue for margin, counts first orders only and "
                "knows no fixed cost. The omissions pull in both directions; which wins depends on the trade.",
            )),
            WrongAnswer("no_margin", customers * (value * orders - cost) - fixed, Words(
                "货是要钱的：销售额要先乘上贡献毛利率，才是赚到的。",
                "Goods cost money: revenue times the contribution rate is what was earned.",
            )),
            WrongAnswer("first_order_only", customers * (first * rate - cost) - fixed, Words(
                "只算了首单。获客成本付一次，客户这一年里的后续订单也是它换来的。",
                "Only the first order is in it. The cost of winning a customer is paid once and buys the later orders "
                "of the year too.",
            )),
            WrongAnswer("no_fixed_cost", right + fixed, Words(
                "忘了固定费用：人员和工具，不管来多少新客都要付。",
                "The fixed cost is missing: staff and tools are paid however many customers come.",
            )),
        ),
    )  # fmt: skip


def _profit_after() -> Exercise:
    change, value, cost = SETTINGS["change"], SETTINGS["dear_order_value"], SETTINGS["dear_cost"]
    table = acquisition_cost.source_identity(SETTINGS["visitors"], SETTINGS["conversion"], value, cost)
    found, profit = acquisition_cost.profit_estimates(table, change), table.attrs["profit"]
    elasticity = _number(found["elasticity_average_order_value"])
    return Exercise(
        "profit_after_the_fall", _number(found["profit_after"]), "money", 1.0,
        Words(
            "笔单价只动了一点点，利润翻了个面：靠近盈亏平衡时，小数减小数，差就不稳了。",
            "Order value moved a little and profit turned over: near break-even, the difference of two similar numbers "
            "is unsteady.",
        ),
        Words(
            "笔单价先乘上变动之后的比例，再代回公式，成本不变。",
            "Change the order value first, then put it back into the formula; the cost stays as it is.",
        ),
        (
            WrongAnswer("in_proportion", profit * (1 + change), Words(
                "利润没有按同样的比例变：降的是收入，成本一分没少。",
                "Profit does not change in the same proportion: revenue falls, the cost stays.",
            )),
            WrongAnswer("one_per_cent_only", profit * (1 - elasticity / 100), Words(
                "弹性说的是笔单价变百分之一时利润变百分之几；题目里变的不止百分之一。",
                "The elasticity says by how many per cent profit moves per one per cent; here order value moves by "
                "more.",
            )),
            WrongAnswer("no_change", profit, Words(
                "这是变动之前的利润。",
                "That is the profit before the change.",
            )),
            WrongAnswer("wrong_direction", profit * (1 - change * elasticity), Words(
                "方向反了：笔单价下降，利润是往下走的。",
                "The wrong way round: when order value falls, profit goes down.",
            )),
        ),
    )  # fmt: skip
