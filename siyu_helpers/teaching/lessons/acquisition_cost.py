"""Lesson 03, acquisition cost: whose money over whom, and who is new where an export begins in the middle."""

from typing import Any

import pandas as pd

from siyu_helpers.analysis import acquisition_cost as costs
from siyu_helpers.analysis.estimates import Words
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

BRANDS = ("xiaoman", "sanli", "yunzuo")
#: The twelve months of the cost; where the export is cut, with the quarters compared; the days of the payback.
SETTINGS = {
    "first_month": "2025-01",
    "last_month": "2025-12",
    "cut": "2024-01",
    "quarter": ("2024-01", "2024-02", "2024-03"),
    "year_later": ("2025-01", "2025-02", "2025-03"),
    "won_until": "2024-12",
    "within_days": 365,
}
WITHIN = 0.003  # of the cost asked for


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: spend, what the pool costs, customers and orders.

    Returns
    -------
    dict
        "spend" (month x channel): month ("2025-01"), channel, spend (paid to media). "pool_costs" (month): month,
        amount (staff, tools, incentives, content and messages of the pool). "customers" (one customer): customer,
        first_month, first_channel (month and channel of the first order). "orders" (one paid order): customer, month,
        age_days (days since the customer's first order), amount (less refunds), contribution (amount less goods and
        platform fees).
    """
    customers, orders = _customers_and_orders(brand)
    spend = brand.table("spend").assign(month=lambda rows: rows["date"].dt.strftime("%Y-%m"))
    return {
        "spend": spend.groupby(["month", "channel"], as_index=False)["spend"].sum(),
        "pool_costs": _pool_costs(brand),
        "customers": customers,
        "orders": orders,
    }


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's four questions with their answers on this brand."""
    return _paid(brand, tables), _loaded(brand, tables), _cut(brand, tables), _paid_back(brand, tables)


def _customers_and_orders(brand: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    given = brand.table("orders").sort_values(["ordered_at", "acquired_through"], kind="stable", ignore_index=True)
    amount = given["amount"] - given["refunded"].fillna(0)
    day = given["ordered_at"].dt.normalize()
    orders = pd.DataFrame({
        "customer": given["customer_id"],
        "month": day.dt.strftime("%Y-%m"),
        "age_days": (day - day.groupby(given["customer_id"]).transform("min")).dt.days,
        "amount": amount,
        "contribution": (amount - given["cost"] - given["platform_fee"].fillna(0)).round(4),
    })  # fmt: skip
    first = given.drop_duplicates("customer_id")
    customers = pd.DataFrame({
        "customer": first["customer_id"],
        "first_month": first["ordered_at"].dt.strftime("%Y-%m"),
        "first_channel": first["acquired_through"].fillna("unknown"),
    }).reset_index(drop=True)  # fmt: skip
    return customers, orders


def _pool_costs(brand: Any) -> pd.DataFrame:
    paid, sent = brand.table("pool_costs"), brand.table("messages")[["sent_at", "cost"]]
    by_month = paid.groupby(paid["month"].dt.strftime("%Y-%m"))["amount"].sum()
    messages = sent.groupby(sent["sent_at"].dt.strftime("%Y-%m"))["cost"].sum()
    return by_month.add(messages, fill_value=0).rename_axis("month").rename("amount").round(4).reset_index()


def _last_year(brand: Any, variant: str, **more: Any) -> float:
    table = costs.cost_table(
        brand.scan("spend"), brand.scan("orders"), brand.observed_until, "month", variant, **more, **brand.history
    )
    months = [month for month in table["month"] if SETTINGS["first_month"] <= month <= SETTINGS["last_month"]]
    return costs.cac(table, months).value


def _in_year(rows: pd.DataFrame, month: str = "month") -> pd.DataFrame:
    return rows[rows[month].between(SETTINGS["first_month"], SETTINGS["last_month"])]


def _paid(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    right, spend, customers = _last_year(brand, "paid"), _in_year(tables["spend"]), tables["customers"]
    new, paid = _in_year(customers, "first_month"), tables["spend"]["channel"].unique()
    theirs = new[new["first_channel"].isin(paid)]
    bought = _in_year(tables["orders"])["customer"].drop_duplicates()
    came_by = customers.set_index("customer")["first_channel"]
    ratios = (
        spend.groupby(["month", "channel"])["spend"].sum() / theirs.groupby(["first_month", "first_channel"]).size()
    )
    return Exercise(
        "paid_cost", right, "money per customer", WITHIN * right,
        Words(
            "投放的钱，除以投放带来的新客：分子分母说的是同一件事。",
            "Media money over the customers that media brought: both speak of the same thing.",
        ),
        Words(
            "分子：这十二个月的投放费用合计。分母：这十二个月首次下单、首单渠道有投放的客户数。",
            "Above: all media spend of the twelve months. Below: customers who first ordered in them, through a "
            "channel that has spend.",
        ),
        (
            WrongAnswer("all_new_customers", spend["spend"].sum() / len(new), Words(
                "分母里有自己找上门的、老客推荐来的新客：没花投放的钱，却把投放的成本摊薄了。这叫综合获客成本，是另一个数。",
                "The denominator holds new customers who came by themselves or were referred: no media money was spent "
                "on them, yet they thin the cost out. That is the blended cost, another number.",
            )),
            WrongAnswer("buyers_not_new_customers", spend["spend"].sum() / came_by[bought].isin(paid).sum(), Words(
                "分母是这一年买过的所有客户，老客户也在里面。他们早就来了，不是这一年的钱赢来的。",
                "The denominator is everybody who bought in the year, old customers too. They had come before; this "
                "year's money did not win them.",
            )),
            WrongAnswer("mean_of_ratios", ratios.mean(), Words(
                "这是各渠道各月比值的平均：小渠道、淡月和大渠道、旺月一样重。要先把钱和人各自加起来，再相除。",
                "That is a mean of ratios over channels and months, in which a small channel or a slack month weighs "
                "as much as a large one. Add money and customers up first, then divide.",
            )),
        ),
    )  # fmt: skip


def _loaded(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    pool = {name: brand.scan(name) for name in ("pool_costs", "members", "messages")}
    right = _last_year(brand, "fully_loaded", **pool)
    spend, own = _in_year(tables["spend"])["spend"].sum(), _in_year(tables["pool_costs"])["amount"].sum()
    new = _in_year(tables["customers"], "first_month")
    theirs = new["first_channel"].isin(tables["spend"]["channel"].unique()).sum()
    return Exercise(
        "fully_loaded_cost", right, "money per customer", WITHIN * right,
        Words(
            "全部的钱除以全部的新客。私域的人和工具也服务老客户，全算到获客头上，所以这是上限。",
            "All the money over all new customers. Staff and tools of the pool serve old customers too; charging all "
            "of it to acquisition makes this an upper bound.",
        ),
        Words(
            "分子要加上私域的费用；分母要和分子配套：私域的钱不只花在投放带来的客户身上。",
            "Add what the pool costs; the denominator must match: the pool's money is not spent only on customers whom "
            "media brought.",
        ),
        (
            WrongAnswer("media_only", spend / len(new), Words(
                "只有投放的钱。员工、工具、红包、短信也是钱，“免费流量”的账就是这样漏掉的。",
                "Media money only. Staff, tools, red packets and text messages cost money too; that is how 'free "
                "traffic' comes to look free.",
            )),
            WrongAnswer("all_money_over_paid_customers", (spend + own) / theirs, Words(
                "分子是全部的钱，分母却只有投放带来的新客。两边没有配套。",
                "All the money above, but below only the customers whom media brought. The two do not match.",
            )),
            WrongAnswer("pool_only", own / len(new), Words(
                "只有私域的费用，投放的钱不见了。新客多半先是在公域花钱见到的。",
                "Only what the pool costs; the media money is gone, although most new customers were first met there.",
            )),
        ),
    )  # fmt: skip


def _cut(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    spend, orders = tables["spend"], tables["orders"]
    right = _ratio(_with_first_orders(brand))
    export = orders[orders["month"] >= SETTINGS["cut"]]
    by_month = spend.groupby("month")["spend"].sum()
    seen = export.groupby("customer")["month"].min().value_counts()
    each = export["month"].value_counts()
    return Exercise(
        "cost_after_a_year", right, "times", 0.005,
        Words(
            "用每位客户真正的首单来认新客，成本就不会因为数据从哪天开始而变。",
            "With new customers told by their true first order, the cost does not hang on the day the data begin.",
        ),
        Words(
            "新客用 customers 里的 first_month 来认。两个季度各算一次：投放合计除以新客合计；再拿后一个除以前一个。",
            "Tell new customers by first_month in customers. For each quarter: spend over new customers, both added "
            "up; then the later over the earlier.",
        ),
        (
            WrongAnswer("first_order_in_the_export", _quarters(by_month, seen), Words(
                "导出从品牌的半路开始，老客户在导出里的第一笔，被当成了首单。头一个季度“新客”多得出奇，成本就低得出奇；"
                "之后老客户认完了，成本看着就涨了。要问的是：谁在导出之前就买过？",
                "The export begins in the middle of the brand's life, and an old customer's first order in it was "
                "taken for a first order. The first quarter is full of 'new' customers and so looks cheap; once the "
                "old ones have all turned up, cost seems to rise. Ask who had bought before the export began.",
            )),
            WrongAnswer("per_order", _quarters(by_month, each), Words(
                "这是每笔订单摊到的投放费用。老客户的订单越多，它越低，和赢得一位新客要花多少钱是两回事。",
                "That is media spend per order. The more old customers order, the lower it gets; what a new customer "
                "costs is another matter.",
            )),
            WrongAnswer("earlier_over_later", 1 / right, Words(
                "方向反了：要的是后一年比前一年。",
                "The wrong way round: the later year over the earlier is asked for.",
            )),
            WrongAnswer("growth_not_ratio", right - 1, Words(
                "这是涨幅。题目问的是变成了几倍。",
                "That is the growth. Asked for is how many times as much it became.",
            )),
        ),
    )  # fmt: skip


def _with_first_orders(brand: Any) -> pd.DataFrame:
    """Cost by month from the cut export, as the library makes it once the true first orders are handed to it."""
    begin = pd.Timestamp(SETTINGS["cut"])
    orders, spend = brand.table("orders"), brand.table("spend")
    first = orders.groupby("customer_id", as_index=False)["ordered_at"].min()
    return costs.cost_table(
        spend[spend["date"] >= begin], orders[orders["ordered_at"] >= begin], brand.observed_until, "month", "blended",
        observed_from=begin, history="truncated", first_order_at=first.rename(columns={"ordered_at": "first_order_at"}),
    )  # fmt: skip


def _ratio(table: pd.DataFrame) -> float:
    return costs.cac(table, list(SETTINGS["year_later"])).value / costs.cac(table, list(SETTINGS["quarter"])).value


def _quarters(spend: pd.Series, customers: pd.Series) -> float:
    before, after = (
        spend.reindex(list(SETTINGS[name])).sum() / customers.reindex(list(SETTINGS[name])).sum()
        for name in ("quarter", "year_later")
    )
    return after / before


def _paid_back(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    days, until = SETTINGS["within_days"], SETTINGS["won_until"]
    orders, spend = brand.scan("orders"), brand.scan("spend")
    by_channel = costs.cost_table(spend, orders, brand.observed_until, **brand.history)
    values = costs.acquired_value(
        orders, brand.observed_until, gross_margin=brand.config["gross_margin"], **brand.history
    )
    right = costs.ltv_to_cac(costs.payback(values, by_channel, customers="paid"), days).value
    lines = tables["orders"].merge(tables["customers"], on="customer")
    ours = lines["first_channel"].isin(tables["spend"]["channel"].unique())
    won, young = lines["first_month"] <= until, lines["age_days"] < days
    spent, all_spent = tables["spend"].query("month <= @until")["spend"].sum(), tables["spend"]["spend"].sum()
    too_young = lines.loc[ours & young, "contribution"].sum() / all_spent
    return Exercise(
        "paid_back_in_a_year", right, "times", 0.01,
        Words(
            "同一批人：他们花了多少钱赢来，一年里又带回多少毛利。到一才算回本。",
            "The same people on both sides: what they cost to win and what they contributed within a year. At one the "
            "cost is paid back.",
        ),
        Words(
            "三个条件：首单渠道有投放；首单不晚于 won_until；只算首单后一年之内（age_days）的贡献毛利。",
            "Three conditions: a first channel with spend; a first order not after won_until; contribution of the "
            "first year only (age_days).",
        ),
        (
            WrongAnswer("revenue_not_contribution", lines.loc[ours & won & young, "amount"].sum() / spent, Words(
                "这是销售额和成本之比。货款和平台扣费不是赚到的钱，拿销售额算，什么投放都回本。",
                "That sets revenue against the cost. What goes to goods and fees is not earned; by revenue any "
                "spending is paid back.",
            )),
            WrongAnswer("everybodys_contribution", lines.loc[won & young, "contribution"].sum() / spent, Words(
                "分子里有自己上门的客户的毛利，却没有花投放的钱。这样算，越多人自来，投放就显得越划算。",
                "Customers who came by themselves are in the contribution but not in the cost: the more of them come, "
                "the better the spending looks.",
            )),
            WrongAnswer("customers_not_observed_for_a_year", too_young, Words(
                "分母里有最近才来的新客的成本，他们的一年还没过完。只留下首单不晚于 won_until 的。",
                "The cost of customers who came lately is in it, whose year is not over. Keep those whose first "
                "order is not after won_until.",
            )),
        ),
    )  # fmt: skip
