"""Claims about prices, sales and costs, worked out from their own numbers.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.analysis.evidence.arithmetic import (
    CANNOT_BE,
    CONSISTENT,
    DEPENDS,
    Arithmetic,
    Range,
    assumed,
    figure,
    spanned,
)
from siyu_helpers.analysis.pool.capacity import BRUSHING_SAVED, CAP_PER_ACCOUNT, CASE

DAYS_A_MONTH = 365 / 12


def keyword_price(
    price_before: Range = (1.0, 3.0, 9.0),
    price_after: Range = (10.0, 30.0, 99.0),
    conversion: Range = (0.02, 0.05, 0.10),
    conversion_fall: Range = (0.0, 0.2, 0.5),
    contribution_per_order: Range = (20.0, 60.0, 150.0),
) -> Arithmetic:
    """A bid per click that goes from a few RMB to tens of RMB: what becomes of the cost of a new customer.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    price_before, price_after : RMB a click
        "A few" is read as 1 to 9, "tens" as 10 to 99.
    conversion : share of clicks that become a new customer
    conversion_fall : share
        By which conversion falls at the same time, as dearer auctions leave less fitting clicks; 0: it does not.
    contribution_per_order : RMB
        What an order leaves before advertising.

    Returns
    -------
    Arithmetic with figures (all with ..._least and ..._most): keyword_price_times (price after / before),
    keyword_price_cost_before and keyword_price_cost_after (price / conversion), keyword_price_cost_times,
    keyword_price_orders_before and keyword_price_orders_after (orders of a customer that pay for the clicks).

    Raises
    ------
    ValueError
        A number out of bounds, or ranges not in order.

    Example
    -------
    >>> found = keyword_price(3, 30, 0.05, 0.2, 60)
    >>> {name: round(number.value, 2) for name, number in found.figures.items()}
    {'keyword_price_times': 10.0, 'keyword_price_cost_before': 60.0, 'keyword_price_cost_after': 750.0,
     'keyword_price_cost_times': 12.5, 'keyword_price_orders_before': 1.0, 'keyword_price_orders_after': 12.5}
    """
    before = assumed("price_before", price_before, "RMB", Words("涨价前每次点击的价格", "price of a click before"), 0)
    after = assumed("price_after", price_after, "RMB", Words("涨价后每次点击的价格", "price of a click after"), 0)
    buys = assumed(
        "conversion",
        conversion,
        "share",
        Words("点击后成为新客的比例", "share of clicks that become a new customer"),
        0,
        1,
    )
    falls = assumed(
        "conversion_fall",
        conversion_fall,
        "share",
        Words("涨价期间转化率下降的比例", "share by which conversion falls meanwhile"),
        -1e-12,
        0.99,
    )
    leaves = assumed(
        "contribution_per_order",
        contribution_per_order,
        "RMB",
        Words("每单在广告费之前的贡献毛利", "contribution of an order before advertising"),
        0,
    )
    wanted = (
        ("times", lambda b, a: a / b, (before, after), "times",
         Words("点击价格：涨价后 ÷ 涨价前", "price of a click: after / before")),
        ("cost_before", lambda b, c: b / c, (before, buys), "RMB",
         Words("涨价前一位新客的广告费：点击价格 ÷ 转化率",
               "advertising for a new customer before: price / conversion")),
        ("cost_after", lambda a, c, f: a / (c * (1 - f)), (after, buys, falls), "RMB",
         Words("涨价后一位新客的广告费：点击价格 ÷（转化率 ×（1－降幅））",
               "advertising for a new customer after: price / (conversion x (1 - fall))")),
        ("cost_times", lambda b, a, f: a / b / (1 - f), (before, after, falls), "times",
         Words("一位新客的广告费：涨价后 ÷ 涨价前", "advertising for a new customer: after / before")),
        ("orders_before", lambda b, c, m: b / c / m, (before, buys, leaves), "orders per customer",
         Words("涨价前，一位新客要下多少单才收回广告费", "orders of a customer that pay for the clicks, before")),
        ("orders_after", lambda a, c, f, m: a / (c * (1 - f)) / m, (after, buys, falls, leaves),
         "orders per customer", Words("涨价后，一位新客要下多少单才收回广告费",
                                      "orders of a customer that pay for the clicks, after")),
    )  # fmt: skip
    return Arithmetic(
        "keyword_price", "cl032",
        Words("热门关键词的竞价从几元涨到几十元一次点击",
              "bids for a popular keyword rose from a few RMB a click to tens"),
        _figures("keyword_price", wanted, keyword_price), (before, after, buys, falls, leaves), DEPENDS,
        Words("“几元”与“几十元”之间，可以是略涨，也可以是涨几十倍；转化率不变时，获客成本与点击价格同倍上涨，转化率下降则涨得更多",
              "between a few and tens lies anything from a slight rise to many times over; acquisition cost rises as "
              "the price does where conversion stays, and by more where it falls"),
        Words("同一个词在两个时点的实际点击价格，以及各自的转化率",
              "the price of one keyword at two dates, and its conversion at each"),
    )  # fmt: skip


def mall_sales(
    sales: float = 10_000_000,
    conversion: Range = (0.01, 0.02, 0.05),
    order_value: Range = (100.0, 200.0, 300.0),
    orders_per_contact: Range = (0.1, 0.3, 1.0),
    cap_per_account: float = CAP_PER_ACCOUNT,
) -> Arithmetic:
    """Sales of over ten million RMB a month without Taobao or JD.com: the traffic, or the pool, that this takes.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    sales : RMB a month
        "Over ten million" is taken as ten million: the least that the claim says.
    conversion : share of visits with an order
    order_value : RMB an order
    orders_per_contact : orders a month of one customer in the pool, on average over all of them
    cap_per_account : customers that one account holds

    Returns
    -------
    Arithmetic with figures: mall_sales_orders and mall_sales_visits (a month), mall_sales_contacts (customers the pool
    needs if all orders are its own), mall_sales_orders_a_day, mall_sales_accounts (that hold these customers).

    Example
    -------
    >>> found = mall_sales(10_000_000, 0.02, 200, 0.25)
    >>> [round(number.value) for number in found.figures.values()]
    [50000, 2500000, 200000, 1644, 40]
    """
    made = assumed("sales", sales, "RMB", Words("月销售额", "sales a month"), 0)
    buys = assumed("conversion", conversion, "share", Words("访问转化率", "share of visits with an order"), 0, 1)
    value = assumed("order_value", order_value, "RMB", Words("笔单价", "value of an order"), 0)
    often = assumed(
        "orders_per_contact",
        orders_per_contact,
        "orders per customer",
        Words("私域客户平均每月下单数", "orders a month of a customer in the pool, on average"),
        0,
    )
    holds = assumed(
        "cap_per_account",
        cap_per_account,
        "customers",
        Words("每个账号可容纳的客户", "customers that an account holds"),
        0,
    )
    wanted = (
        ("orders", lambda s, v: s / v, (made, value), "orders a month",
         Words("月销售额 ÷ 笔单价", "sales a month / value of an order")),
        ("visits", lambda s, v, c: s / v / c, (made, value, buys), "people",
         Words("每月所需访问人次：订单 ÷ 转化率", "visits needed a month: orders / conversion")),
        ("contacts", lambda s, v, o: s / v / o, (made, value, often), "customers",
         Words("若全部来自私域，私域需要的客户：订单 ÷ 每位客户每月下单数",
               "customers the pool needs if all orders are its own: orders / orders a month of a customer")),
        ("orders_a_day", lambda s, v: s / v / DAYS_A_MONTH, (made, value), "orders",
         Words("平均每天订单数", "orders on an average day")),
        ("accounts", lambda s, v, o, a: math.ceil(s / v / o / a - 1e-9), (made, value, often, holds), "accounts",
         Words("容纳这些客户需要的账号", "accounts that hold these customers")),
    )  # fmt: skip
    return Arithmetic(
        "mall_sales", "cl037",
        Words("许多微电商商城不靠京东、淘宝，月销售额超过千万",
              "many shops outside JD.com and Taobao sell for more than ten million RMB a month"),
        _figures("mall_sales", wanted, mall_sales), (made, buys, value, often, holds), DEPENDS,
        Words("算术上做得到，但要有相应的访问量或相应规模的私域；是否“许多”、是否扣除了退款、是否赚钱，都没有说",
              "it can be done with the visits, or the pool, that it takes; whether many do, whether refunds are taken "
              "off and whether it pays is not said"),
        Words("商城名称、月访问量、退款率和投放费用，任何一项都能缩小范围",
              "which shops, their visits, refunds and spend: any one of them would narrow it down"),
    )  # fmt: skip


def second_home(
    years: float = 5.0,
    two_homes: Range = (0.05, 0.20, 0.40),
    three_homes: Range = (0.0, 0.03, 0.10),
    worthwhile: float = 1.0,
) -> Arithmetic:
    """A durable that lasts five years, and customers with a second or third home: how far the exception lifts repeats.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    years : float
        Years that one unit lasts, by the claim five or more.
    two_homes, three_homes : share of customers with two homes, and with three
        Each home takes one unit.
    worthwhile : purchases a year from which one may speak of repurchase; ours

    Returns
    -------
    Arithmetic with figures: second_home_one (purchases a year of a customer with one home), second_home_mixed (of the
    mixture), second_home_everybody_three (if all had three homes), second_home_lift (mixed / one).

    Example
    -------
    >>> found = second_home(5, 0.2, 0.03)
    >>> [round(number.value, 3) for number in found.figures.values()], found.verdict
    ([0.2, 0.252, 0.6, 1.26], 'consistent')
    """
    lasts = assumed("years", years, "years", Words("一件产品使用的年数", "years that one unit lasts"), 0)
    two = assumed("two_homes", two_homes, "share", Words("有两套房的客户占比", "share of customers with two homes"),
                  -1e-12, 1)  # fmt: skip
    three = assumed("three_homes", three_homes, "share", Words(
        "有三套房的客户占比", "share of customers with three homes"), -1e-12, 1)  # fmt: skip
    if two.high + three.high > 1:
        raise ValueError("two_homes and three_homes must not add up to more than 1")
    everybody = 3 / lasts.value
    wanted = (
        ("one", lambda y: 1 / y, (lasts,), "purchases per customer",
         Words("一套房的客户每年购买次数：1 ÷ 使用年数", "purchases a year of a customer with one home: 1 / years")),
        ("mixed", lambda y, b, c: (1 + b + 2 * c) / y, (lasts, two, three), "purchases per customer",
         Words("混合后每位客户每年购买次数", "purchases a year of a customer, homes of all numbers together")),
        ("everybody_three", lambda y: 3 / y, (lasts,), "purchases per customer",
         Words("即使人人都有三套房，每年购买次数", "purchases a year even if everybody had three homes")),
        ("lift", lambda b, c: 1 + b + 2 * c, (two, three), "times",
         Words("多套房的客户把平均购买次数提高到多少倍", "times by which further homes lift the average")),
    )  # fmt: skip
    saved = everybody >= worthwhile
    return Arithmetic(
        "second_home", "cl028",
        Words("智能马桶盖用五年以上，主动复购低；当然，客户可能买第二、第三套房",
              "a smart toilet seat lasts five years or more, so few come back; of course a customer may buy a second "
              "or third home"),
        _figures("second_home", wanted, second_home), (lasts, two, three), DEPENDS if saved else CONSISTENT,
        Words("例外确实抬高平均值，抬高多少取决于多套房的占比",
              "the exception lifts the average, and the share of several homes decides by how much")
        if saved else
        Words("例外成立，但基数小：即使人人都有三套房，复购仍远远撑不起私域，价值只能来自转介绍、配件和服务",
              "the exception holds, but of a small base: even if everybody had three homes, repeats would not carry a "
              "pool; its value must come from referral, accessories and service"),
        Words("客户中有多套房的占比，以及换新的实际间隔",
              "the share of customers with several homes, and after how long seats are really replaced"),
    )  # fmt: skip


def breadth(
    products: int = 1_000,
    acquisition_cost: Range = (60.0, 150.0, 400.0),
    contribution_per_order: Range = (20.0, 60.0, 150.0),
    orders_a_year: Range = (2.0, 6.0, 24.0),
) -> Arithmetic:
    """One product to 1,000 people against 1,000 products to one person: what the cost of traffic comes to per order.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    products : int
        How many products, and people; by the claim 1,000.
    acquisition_cost, contribution_per_order : RMB
        To win a customer; left of an order before acquisition.
    orders_a_year : of a loyal customer

    Returns
    -------
    Arithmetic with figures: breadth_cost_single (acquisition cost per order, one order a customer), breadth_cost_spread
    (spread over all products), breadth_orders_needed (of a customer, to pay the acquisition), breadth_years_needed
    (until then), breadth_years (until one person has bought them all).

    Example
    -------
    >>> found = breadth(1_000, 150, 60, 6)
    >>> [round(number.value, 2) for number in found.figures.values()]
    [150.0, 0.15, 3.0, 0.5, 166.67]
    """
    many = assumed("products", products, "purchases", Words("产品数（也是客户数）", "products, and people"), 0)
    cost = assumed("acquisition_cost", acquisition_cost, "RMB", Words("获客成本", "cost of a new customer"), 0)
    leaves = assumed(
        "contribution_per_order",
        contribution_per_order,
        "RMB",
        Words("每单在获客成本之前的贡献毛利", "contribution of an order before acquisition"),
        0,
    )
    often = assumed(
        "orders_a_year",
        orders_a_year,
        "orders per customer",
        Words("忠实客户每年下单数", "orders a year of a loyal customer"),
        0,
    )

    def needed(spent: float, left: float) -> int:
        return math.ceil(spent / left - 1e-9)

    wanted = (
        ("cost_single", lambda c: c, (cost,), "RMB",
         Words("一件产品卖给许多人：每单摊到的获客成本", "one product to many people: acquisition cost per order")),
        ("cost_spread", lambda c, n: c / n, (cost, many), "RMB",
         Words("许多产品卖给一个人：每单摊到的获客成本", "many products to one person: acquisition cost per order")),
        ("orders_needed", needed, (cost, leaves), "orders per customer",
         Words("一位客户要下多少单，贡献毛利才抵得上获客成本",
               "orders of a customer whose contribution pays the acquisition")),
        ("years_needed", lambda c, m, o: needed(c, m) / o, (cost, leaves, often), "years",
         Words("这些单要几年下完", "years in which these orders are placed")),
        ("years", lambda n, o: n / o, (many, often), "years",
         Words("一位客户买完全部产品要几年", "years until one customer has bought all the products")),
    )  # fmt: skip
    return Arithmetic(
        "breadth", "cl041",
        Words("从把 1 件产品卖给 1,000 个人，转为把 1,000 件产品卖给 1 个人",
              "from selling one product to 1,000 people to selling 1,000 products to one"),
        _figures("breadth", wanted, breadth), (many, cost, leaves, often), DEPENDS,
        Words("照字面要买上很多年；但道理不需要那么多：几次复购就收回获客成本，之后的订单不再分摊",
              "to the letter it takes very many years; the point needs far less: a few repeats pay the acquisition, "
              "and later orders bear none of it"),
        Words("客户实际会再买几次、买几类，以及维系他们的费用",
              "how often, and how many kinds, customers really buy, and what it costs to keep them"),
    )  # fmt: skip


def meal_sales(
    sales: Range = (2_000.0, 5_000.0, 9_000.0),
    margin: Range = (0.3, 0.45, 0.6),
    courses: Range = (500.0, 2_000.0, 5_000.0),
    tools: Range = (300.0, 1_000.0, 3_000.0),
    team: Range = (0.0, 4_000.0, 10_000.0),
    video: Range = (0.0, 1_000.0, 5_000.0),
    owner_hours: Range = (20.0, 60.0, 120.0),
    hourly: Range = (25.0, 50.0, 100.0),
) -> Arithmetic:
    """Restaurant owners who sold a few thousand RMB of ready meals through a pool: the account at full cost.

    numbers of the claim, assumptions  ->  Arithmetic

    Parameters
    ----------
    sales : RMB
        "Several thousand" is read as 2,000 to 9,000.
    margin : share of sales left after goods, packing and delivery
    courses, tools, team, video : RMB
        The four costs the article names, over the same time; 0 where there are none.
    owner_hours, hourly : hours of the owner, RMB an hour that they are worth elsewhere

    Returns
    -------
    Arithmetic with figures: meal_sales_contribution (sales x margin: what may be spent at most), meal_sales_cost (all
    costs), meal_sales_net, meal_sales_owner (of the costs, the owner's time), meal_sales_break_even (sales that pay the
    costs), meal_sales_times (break-even / sales). verdict "cannot be" (that it paid) where it loses at every corner of
    the ranges, else "depends on".

    Example
    -------
    >>> found = meal_sales(5_000, 0.45, 2_000, 1_000, 4_000, 1_000, 60, 50)
    >>> [round(number.value, 1) for number in found.figures.values()]
    [2250.0, 11000.0, -8750.0, 3000.0, 24444.4, 4.9]
    """
    sold = assumed("sales", sales, "RMB", Words("预制菜销售额", "sales of ready meals"), 0)
    left = assumed(
        "margin",
        margin,
        "share",
        Words("扣除菜品、包装、配送后的毛利率", "share of sales left after goods, packing, delivery"),
        0,
        1,
    )
    spent = [
        assumed(name, quantity, "RMB", Words(*words), -1e-9)
        for name, quantity, words in (
            ("courses", courses, ("网课", "courses")), ("tools", tools, ("工具", "tools")),
            ("team", team, ("团队", "team")), ("video", video, ("拍视频", "video")),
        )
    ]  # fmt: skip
    hours = assumed("owner_hours", owner_hours, "hours", Words("老板投入的小时", "hours of the owner"), -1e-9)
    worth = assumed("hourly", hourly, "RMB", Words("老板一小时的价值", "what an hour of the owner is worth"), -1e-9)

    def cost(*numbers: float) -> float:
        return sum(numbers[:4]) + numbers[4] * numbers[5]

    all_costs = (*spent, hours, worth)
    wanted = (
        ("contribution", lambda s, m: s * m, (sold, left), "RMB",
         Words("销售额 × 毛利率，也就是最多能花的钱", "sales x margin: the most that may be spent")),
        ("cost", cost, all_costs, "RMB",
         Words("网课、工具、团队、视频与老板时间之和", "courses, tools, team, video and the owner's time together")),
        ("net", lambda s, m, *c: s * m - cost(*c), (sold, left, *all_costs), "RMB",
         Words("毛利 － 全部成本", "contribution less all costs")),
        ("owner", lambda h, w: h * w, (hours, worth), "RMB", Words("其中老板的时间", "of which the owner's time")),
        ("break_even", lambda m, *c: cost(*c) / m, (left, *all_costs), "RMB",
         Words("收回全部成本所需的销售额：全部成本 ÷ 毛利率", "sales that pay all costs: costs / margin")),
        ("times", lambda s, m, *c: cost(*c) / m / s, (sold, left, *all_costs), "times",
         Words("保本销售额 ÷ 实际销售额", "break-even sales / sales")),
    )  # fmt: skip
    figures = _figures("meal_sales", wanted, meal_sales)
    best = figures.get("meal_sales_net_most", figures["meal_sales_net"])
    loses = best.value < 0
    return Arithmetic(
        "meal_sales", "cl031",
        Words("餐饮老板上网课、买工具、组团队、拍视频，最后只卖出几千元预制菜",
              "restaurant owners take courses, buy tools, hire a team, shoot videos, and end up selling a few thousand "
              "RMB of ready meals"),
        figures, (sold, left, *all_costs), CANNOT_BE if loses else DEPENDS,
        Words("在所设范围内，这门生意怎么算都亏：卖得再多，毛利也抵不上成本",
              "over the ranges assumed it cannot have paid: at best, what the sales leave is less than the costs")
        if loses else
        Words("是否划算取决于花了多少：典型假设下亏损，几乎不花钱、也不计老板时间才可能有余；开始前就要定好止损线",
              "whether it paid depends on what was spent: at the typical values it loses, and only with next to no "
              "cost is anything left; set the stop line before starting")
        if figures["meal_sales_net"].value < 0 else
        Words("典型假设下有余，但只要成本取高的一端就亏；开始前就要定好止损线",
              "at the typical values something is left, at the high end of the costs it loses; set the stop line "
              "before starting"),
        Words("实际花费、毛利率，以及这些销售中有多少本来就会发生",
              "what was really spent, the margin, and how many of these sales would have come anyway"),
    )  # fmt: skip


def brushing_cost(
    saved: float = BRUSHING_SAVED, customers: float = CASE["customers"], sales: float = CASE["revenue"]
) -> Arithmetic:
    """Over 200,000 RMB a year saved on faked orders: what it is per customer, and why it is never a benefit.

    numbers of the claim  ->  Arithmetic

    Parameters
    ----------
    saved : RMB a year
    customers, sales : of the same case
        30,000 customers and 10 million RMB a year, see `pool.capacity.CASE`.

    Returns
    -------
    Arithmetic with figures: brushing_cost_per_customer, brushing_cost_of_sales (share). The verdict is always "cannot
    be": faked orders are unlawful, and a cost that must not arise cannot be saved.

    Notes
    -----
    E-Commerce Law of the People's Republic of China (2019), article 17; Anti-Unfair Competition Law (text of 2019),
    article 8.

    Example
    -------
    >>> found = brushing_cost()
    >>> round(found.figures["brushing_cost_per_customer"].value, 2), found.verdict
    (6.67, 'cannot be')
    """
    took = assumed("saved", saved, "RMB", Words("自称一年省下的刷单费", "cost of faked orders said to be saved"), 0)
    many = assumed("customers", customers, "customers", Words("私域客户", "customers in the pool"), 0)
    sold = assumed("sales", sales, "RMB", Words("一年销售额", "sales a year"), 0)
    per_customer = Words("自称省下的刷单费 ÷ 私域客户（不计入任何收益）",
                         "cost of faked orders said to be saved / customers; enters no benefit")  # fmt: skip
    of_sales = Words("自称省下的刷单费 ÷ 一年销售额（不计入任何收益）",
                     "cost of faked orders said to be saved / sales a year; enters no benefit")  # fmt: skip
    figures = {
        "brushing_cost_per_customer": figure(took.value / many.value, "RMB", per_customer, brushing_cost),
        "brushing_cost_of_sales": figure(took.value / sold.value, "share", of_sales, brushing_cost),
    }
    return Arithmetic(
        "brushing_cost", "cl020",
        Words("在朋友圈发新品，一年省下 20 多万元刷单费",
              "posting new items to Moments saves over 200,000 RMB a year of order brushing"),
        figures, (took, many, sold), CANNOT_BE,
        Words("刷单（虚构交易）违法，不该发生的费用谈不上节省，任何测算都不能把它当作私域的收益",
              "faked orders are unlawful: a cost that must not arise cannot be saved, and no calculation may count it "
              "as a benefit of a pool"),
        Words("合规的新品推广要花多少钱，这才是可以比较的成本",
              "what lawful promotion of new items costs: that is the cost to compare with"),
    )  # fmt: skip


def _figures(key, wanted, function) -> dict:
    """All figures of a claim from rows (name, formula, assumptions it takes, unit, words)."""
    found: dict = {}
    for name, formula, takes, unit, words in wanted:
        found |= spanned(f"{key}_{name}", formula, takes, unit, words, function)
    return found
