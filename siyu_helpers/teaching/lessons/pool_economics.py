"""Lesson 09, economics of a pool: what it costs when everything is counted, and the size at which it carries itself."""

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import industry_fit as fit
from siyu_helpers.analysis import pool_effect
from siyu_helpers.analysis.estimates import Refused, Words
from siyu_helpers.data import market
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

#: A smart toilet seat earns too little a month in a pool to replace those who leave: it has no break-even size, so its
#: tables are handed out to whom wants to see that, but its questions have no answer.
BRANDS = ("xiaoman", "sanli")
#: Months of the plan; the plan recruits so many that its pool ends at `plan_times` the break-even size; months of the
#: bans; an employee's working time, and how long a talk with a customer takes.
SETTINGS = {"months": 60, "plan_times": 2, "ban_months": 12, "working_days": 250, "hours_a_day": 8,
            "minutes_a_month": 10}  # fmt: skip
#: Handed out, each with its decimals. The others are left out or put at "does not fade": page 05 has them all.
GIVEN = {
    "orders_per_month": 3, "uplift": 2, "order_value": 1, "margin": 3, "moved_share": 2, "commission_saved": 3,
    "messages_per_month": 1, "message_cost": 2, "churn": 3, "incentive_cost": 1, "staff_cost": 0, "tool_cost": 0,
    "content_cost": 0,
}  # fmt: skip
#: Here the leavers are all of them, so that churn means more than it does on page 05.
CHURN = Words(
    "每月退出私域的占比，退订和封号也算在内", "share of the pool that leaves a month, by opting out or by bans too"
)
TABLES = ("members", "messages", "accounts", "pool_costs", "spend")
WITHIN = 0.003


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: inputs, costs, accounts, the plan by month and the case of the trade.

    Returns
    -------
    dict
        "inputs" (one input): input, value, unit, meaning_zh, meaning_en; typical values of the brand, rounded. churn is
        all who leave in a month, uplift an assumption, joiners_per_month the owner's plan. "all_inputs" (one input):
        input, value; with what was left out above, and not rounded. "costs" (month x item, the last twelve months):
        month, item (messages too), amount. "stays" (month): month, joiners, member_months (customers in the pool, each
        by the share of the month in it). "accounts" (one live account): customers. "bans" (one row): ban_probability
        (of an account and month), recovery (share of its customers won back). "plan" (month from the start): month,
        members (mean of the month), joiners. "case" (one row): accounts, customers, staff, revenue.
    """
    full = _brand_inputs(brand).inputs
    inputs = _handed_out(full)
    plan = fit.pool_value(inputs, SETTINGS["months"], draws=1).monthly[["month", "members", "inflow"]]
    table = fit.inputs_table(inputs).set_index("input").loc[["joiners_per_month", *GIVEN]]
    table.loc["churn", ["meaning_zh", "meaning_en"]] = [CHURN.zh, CHURN.en]
    table = table.reset_index()
    held = fit.accounts_of(brand.scan("members"), brand.scan("accounts"), brand.observed_until)
    held = held.loc[held["live"] & (held["customers"] > 0), "customers"].sort_values(ascending=False)
    typical = full.typical()
    return {
        "inputs": table[["input", "value", "unit", "meaning_zh", "meaning_en"]],
        "all_inputs": pd.DataFrame({"input": list(typical), "value": list(typical.values())}),
        "costs": _costs(brand),
        "stays": _stays(brand),
        "accounts": held.reset_index(drop=True).to_frame(),
        "bans": pd.DataFrame([{name: round(typical[name], 3) for name in ("ban_probability", "recovery")}]),
        "plan": plan.rename(columns={"inflow": "joiners"}),
        "case": _case()[["accounts", "customers", "staff", "revenue"]].to_frame().T.astype(int),
    }


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's five questions with their answers on this brand."""
    inputs = pool_inputs(tables["inputs"])
    return (
        _cost(brand, tables),
        _size(inputs),
        _payback(inputs, tables["plan"]),
        _employees(),
        _ban(tables["accounts"]["customers"], tables["bans"].iloc[0]),
    )


def pool_inputs(table: pd.DataFrame) -> fit.PoolInputs:
    """A handed-out table of inputs as the library takes it; what is not in it is nothing, or does not fade."""
    return fit.PoolInputs(**table.set_index("input")["value"].to_dict())


def _brand_inputs(brand: Any) -> Any:
    """The brand's inputs as page 05 has them, but for the effect of joining, which is assumed here."""
    config = brand.config
    known = {name: market.load(name, None) for name in ("industries", "pool_assumptions")}
    return fit.brand_inputs(
        brand.scan("orders"), brand.observed_until, gross_margin=config["gross_margin"], channels=config["channels"],
        industry=config["industry"], industries=known["industries"], assumptions=known["pool_assumptions"],
        currency="CNY", rate_per_cny=1.0, **{name: brand.scan(name) for name in TABLES},
    )  # fmt: skip


def _handed_out(full: fit.PoolInputs) -> fit.PoolInputs:
    typical = full.typical()
    typical["churn"] = 1 - fit.staying({name: np.float64(value) for name, value in typical.items()})
    given = {name: round(float(typical[name]), digits) for name, digits in GIVEN.items()}
    inputs = fit.PoolInputs(joiners_per_month=round(typical["joiners_per_month"]), **given)
    size = fit.break_even_size(inputs, draws=1)
    if isinstance(size, Refused):
        return inputs
    planned = round(SETTINGS["plan_times"] * size.value * given["churn"], -1)
    return fit.PoolInputs(joiners_per_month=planned, **given)


def _costs(brand: Any) -> pd.DataFrame:
    paid, sent = brand.table("pool_costs")[["month", "item", "amount"]], brand.table("messages")[["sent_at", "cost"]]
    paid = paid.assign(month=paid["month"].dt.strftime("%Y-%m"))
    messages = sent.groupby(sent["sent_at"].dt.strftime("%Y-%m").rename("month"))["cost"].sum().round(2)
    both = pd.concat([paid, messages.rename("amount").reset_index().assign(item="messages")], ignore_index=True)
    months = _stays(brand)["month"]
    return both[both["month"].isin(months)].sort_values(["month", "item"], ignore_index=True)


def _stays(brand: Any) -> pd.DataFrame:
    table = pool_effect.pool_months(brand.scan("pool_costs"), brand.scan("members"), brand.observed_until)
    return table[["month", "joiners", "member_months"]]


def _cost(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    months = pool_effect.pool_months(brand.scan("pool_costs"), brand.scan("members"), brand.observed_until)
    costs, stays = tables["costs"], months["member_months"].sum()
    messages = costs.loc[costs["item"] == "messages", "amount"].sum()
    right = (months["pool_cost"].sum() + messages) / stays
    growing = costs.loc[costs["item"].isin(["messages", "incentives"]), "amount"].sum()
    return Exercise(
        "cost_of_a_month", right, "money per customer", 0.02,
        Words(
            "进了池子再触达，边际上便宜，总体上不免费：人、工具、内容每个月都在花。",
            "Reaching them again is cheap at the margin and not free: staff, tools and content are paid every month.",
        ),
        Words(
            "分子：十二个月的全部费用，每一项都算。分母：客户在池子里待的月数（member_months）合计。",
            "Above: all costs of the twelve months, every item. Below: the months that customers spent in the pool.",
        ),
        (
            WrongAnswer("messages_only", messages / stays, Words(
                "只算了消息费，这就是“再触达不花钱”的由来：发消息的人、工具、内容都没有算。每一项都加上。",
                "Messages only: that is where \"free after the first acquisition\" comes from. Those who send them, "
                "the tools and the content are left out. Add every item.",
            )),
            WrongAnswer("without_staff_tools_and_content", growing / stays, Words(
                "只算了随人数增加的费用。人员、工具、内容不随人数变，但也是为这些客户花的。",
                "Only what grows with the pool. Staff, tools and content do not, but are spent on these customers too.",
            )),
            WrongAnswer("per_joiner", costs["amount"].sum() / months["joiners"].sum(), Words(
                "除以了新加入的人数，是每位加入者摊到的费用。池子里多数是早先加入的人，钱也花在他们身上。",
                "Over those who joined: cost per joiner. Most in the pool joined before, and the money is spent on "
                "them as well.",
            )),
        ),
    )  # fmt: skip


def _parts(typical: dict[str, float]) -> dict[str, float]:
    """What a customer in the pool brings and costs a month, by part, and the fixed costs."""
    d = typical
    orders = d["orders_per_month"] * d["order_value"]
    return {
        "added": orders * d["uplift"] * d["margin"],
        "saved": orders * d["moved_share"] * d["commission_saved"],
        "messages": d["messages_per_month"] * d["message_cost"],
        "replacing": d["churn"] * d["incentive_cost"],
        "fixed": d["staff_cost"] + d["tool_cost"] + d["content_cost"],
        "all_orders": orders * d["margin"],
        "added_revenue": orders * d["uplift"],
    }


def _size(inputs: fit.PoolInputs) -> Exercise:
    right, part = fit.break_even_size(inputs, draws=1).value, _parts(inputs.typical())
    spent = part["messages"] + part["replacing"]

    def size(earned: float, spent: float) -> float:
        return part["fixed"] / (earned + part["saved"] - spent)

    return Exercise(
        "break_even_size", right, "customers", WITHIN * right,
        Words(
            "池子里常年有这么多客户，一个月的收支才相抵；少于它，越努力越补贴。",
            "With so many customers in the pool all the time a month earns what it costs; below that it is subsidised.",
        ),
        Words(
            "每位客户每月的净贡献有四项：多下的订单的毛利，加省下的佣金，减消息费，减补充流失的激励。再用固定费用去除。",
            "A customer's net contribution a month has four parts: margin of the added orders, plus commission saved, "
            "less messages, less the gifts for those who replace leavers. Fixed costs over that.",
        ),
        (
            WrongAnswer("all_orders_of_members", size(part["all_orders"], spent), Words(
                "把池子里客户的全部订单都算成了池子的功劳。他们不进池子也会买；只有多出来的那部分（uplift）算数。",
                "All orders of those in the pool are credited to it. They would have bought anyway; only the added "
                "ones (uplift) count.",
            )),
            WrongAnswer("revenue_not_contribution", size(part["added_revenue"], spent), Words(
                "多下的订单按销售额算了，没有乘毛利率：货款不是赚到的钱。",
                "The added orders are counted at revenue, without the margin: what goes to goods is not earned.",
            )),
            WrongAnswer("leavers_not_replaced", size(part["added"], part["messages"]), Words(
                "没有算补充流失的费用。每月走掉的人要有人补上，池子才不缩；补一个人，就发一份激励。",
                "Replacing leavers is left out. For the pool not to shrink those who go have to be replaced, and each "
                "who joins gets a gift.",
            )),
        ),
    )  # fmt: skip


def _payback(inputs: fit.PoolInputs, plan: pd.DataFrame) -> Exercise:
    right, part = fit.pool_value(inputs, SETTINGS["months"], draws=1).payback.value, _parts(inputs.typical())
    gifts = plan["joiners"] * inputs.incentive_cost

    def net(earned: float, given: Any) -> pd.Series:
        return plan["members"] * (earned + part["saved"] - part["messages"]) - given - part["fixed"]

    def first(earned: float, given: Any) -> float:
        return float(plan.loc[net(earned, given).cumsum() >= 0, "month"].min())

    by_month = net(part["added"], gifts)
    return Exercise(
        "payback_month", right, "months", 0.5,
        Words(
            "累计的净值第一次不低于零，才叫回本：前面亏的每一个月都要补回来。",
            "Paid back means that the accumulated net is no longer below zero: every month of loss has to be made up.",
        ),
        Words(
            "逐月算净值：月均客户数乘每位的贡献，减加入激励，减固定费用；再累加（cumsum），找第一个不低于零的月份。",
            "Net by month: customers times what each brings, less gifts to joiners, less fixed costs; then cumsum, and "
            "the first month not below zero.",
        ),
        (
            WrongAnswer("first_month_in_the_black", float(plan.loc[by_month >= 0, "month"].min()), Words(
                "这是单月开始不亏的月份。前面亏掉的还没有补回来，看累计。",
                "That is the first month without a loss. What was lost before is not made up yet: look at the sum.",
            )),
            WrongAnswer("all_orders_of_members", first(part["all_orders"], gifts), Words(
                "又把全部订单算成了池子带来的，回本当然快。只算多下的那部分。",
                "All orders are credited to the pool again, so it pays at once. Only the added ones count.",
            )),
            WrongAnswer("gifts_left_out", first(part["added"], 0.0), Words(
                "没有算加入激励。拉得越猛，这一项越大，头几个月全是它。",
                "Gifts to joiners are left out. The harder one recruits the more they come to, most of all at first.",
            )),
        ),
    )  # fmt: skip


def _case() -> pd.Series:
    """The case of the trade and what it comes to per head."""
    hours = {"working_days": SETTINGS["working_days"], "hours_per_day": SETTINGS["hours_a_day"]}
    return fit.capacity(None, None, None, **hours).set_index("key")["case"]


def _employees() -> Exercise:
    case, worked = _case(), SETTINGS["working_days"] * SETTINGS["hours_a_day"] * 60
    talk = SETTINGS["minutes_a_month"]
    right = case["customers"] * talk * 12 / worked
    return Exercise(
        "employees_needed", right, "people", 0.2,
        Words(
            "案例里只有两个人，差得远。这点人手做得了群发，做不了一对一的关系。",
            "The case has two, which is far from it. So few people can send to everybody, and cannot know anybody.",
        ),
        Words(
            "上面：全部客户一年要花的分钟。下面：一位员工一年的工作分钟（天数乘小时数乘六十）。",
            "Above: the minutes that all customers take in a year. Below: the minutes that one employee works in a "
            "year (days times hours times sixty).",
        ),
        (
            WrongAnswer("one_talk_a_year", case["customers"] * talk / worked, Words(
                "只算了一个月的谈话，却用了一年的工时。一年有十二个月。",
                "Talks of one month over the working time of a year. A year has twelve months.",
            )),
            WrongAnswer("one_account", case["customers"] / case["accounts"] * talk * 12 / worked, Words(
                "只算了一个账号的客户。全部账号的客户都要谈。",
                "The customers of one account only. Those of all accounts are to be talked to.",
            )),
            WrongAnswer("hours_for_minutes", right * 60, Words(
                "谈话按分钟算，工时却按小时算。换成同一个单位。",
                "Talks are in minutes, working time is in hours. Put both in the same unit.",
            )),
            WrongAnswer("days_and_nights", case["customers"] * talk * 12 / (365 * 24 * 60), Words(
                "按全年每天二十四小时算了。员工要睡觉，也有周末。",
                "All hours of all days. Employees sleep, and have weekends.",
            )),
        ),
    )  # fmt: skip


def _ban(customers: pd.Series, bans: pd.Series) -> Exercise:
    chance, recovery, months = bans["ban_probability"], bans["recovery"], SETTINGS["ban_months"]
    return Exercise(
        "lost_to_bans", float(fit.expected_loss(chance, recovery, months)), "share", 0.001,
        Words(
            "这是平均。平均与账号怎么分无关；账号越少，最糟的情形越糟。",
            "That is the average, however customers are spread. The fewer the accounts, the worse the worst case.",
        ),
        Words(
            "一个月里留下的占比是：一减去（封号概率乘没找回的占比）。连乘十二个月，再用一去减。",
            "The share kept in a month is one less (probability of a ban times the share not won back). Twelve months "
            "of that, taken from one.",
        ),
        (
            WrongAnswer("twelve_times_a_month", months * chance * (1 - recovery), Words(
                "一个月的损失乘了十二。已经丢了的客户不会再丢一次，要连乘。",
                "Twelve times the loss of a month. Customers already lost are not lost again: multiply what is kept.",
            )),
            WrongAnswer("nobody_won_back", 1 - (1 - chance) ** months, Words(
                "封了的账号，客户有一部分重新加回来了（recovery），没有扣掉。",
                "Some customers of a banned account come back (recovery): that is left out.",
            )),
            WrongAnswer("any_account_banned", 1 - (1 - chance) ** (months * len(customers)), Words(
                "这是“至少有一个账号被封”的概率。一个账号被封，丢的只是它名下的客户。",
                "That is the probability that some account is banned. A ban takes the customers of that account only.",
            )),
        ),
    )  # fmt: skip
