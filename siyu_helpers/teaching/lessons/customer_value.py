"""Lesson 05, customer value: observed at equal age, by the retention formula, by a model that was tested first."""

from typing import Any

import pandas as pd

from siyu_helpers.analysis import acquisition_cost as costs
from siyu_helpers.analysis import cohort_value, customer_lifetime
from siyu_helpers.analysis.estimates import Words
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

BRANDS = ("xiaoman", "sanli", "yunzuo")
#: Days of the value asked for; quarters of ninety days of the formula; last day of what the model may see; the last
#: month of those whose payback is asked for.
SETTINGS = {"within_days": 365, "quarters": 8, "model_sees_until": "2024-12-31", "won_until": "2023-12"}
#: The channel whose payback is asked for, one that is paid back neither at once nor never; on a brand of one's own,
#: the one with the most spend.
CHANNELS = {"xiaoman": "douyin_live", "sanli": "douyin_deals", "yunzuo": "tmall_search"}
QUARTER, STEP = 90, 30
WITHIN = 0.003  # of the money asked for


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: customers, orders, quarters since the first order, the model's test, spend.

    Returns
    -------
    dict
        "customers" (one customer): customer, first_month, first_channel (of the first order), days_observed (from the
        day of the first order to the last day of the data, both counted). "orders" (one paid order): customer,
        age_days (days since the first order), amount (less refunds), contribution (amount less goods and platform
        fees). "quarters" (quarter of ninety days since the first order, of customers observed for all of them):
        quarter, customers, active (who ordered in it), contribution (of all of them in it). "test" (one customer who
        came before the test): customer, purchases_before (repeat purchases), weeks_before (weeks observed), forecast
        (the model's purchases within the test), purchases_in_test, weeks_in_test. "spend" (month, one channel): month,
        channel, spend.
    """
    customers, orders = _customers_and_orders(brand)
    spend = brand.table("spend").assign(month=lambda rows: rows["date"].dt.strftime("%Y-%m"))
    spend = spend[spend["channel"] == channel_of(brand)]
    return {
        "customers": customers,
        "orders": orders,
        "quarters": _quarters(customers, orders),
        "test": _test(brand),
        "spend": spend.groupby(["month", "channel"], as_index=False)["spend"].sum(),
    }


def channel_of(brand: Any) -> str:
    """The channel whose payback is asked for."""
    if brand.id in CHANNELS:
        return CHANNELS[brand.id]
    return str(brand.table("spend").groupby("channel")["spend"].sum().sort_index().idxmax())


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's four questions with their answers on this brand."""
    return _equal_age(brand, tables), _formula(brand, tables), _model(brand, tables), _payback(brand, tables)


def _customers_and_orders(brand: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    given = brand.table("orders").sort_values(["ordered_at", "acquired_through"], kind="stable", ignore_index=True)
    amount = given["amount"] - given["refunded"].fillna(0)
    day = given["ordered_at"].dt.normalize()
    orders = pd.DataFrame({
        "customer": given["customer_id"],
        "age_days": (day - day.groupby(given["customer_id"]).transform("min")).dt.days,
        "amount": amount,
        "contribution": (amount - given["cost"] - given["platform_fee"].fillna(0)).round(4),
    })  # fmt: skip
    first = given.drop_duplicates("customer_id")
    customers = pd.DataFrame({
        "customer": first["customer_id"],
        "first_month": first["ordered_at"].dt.strftime("%Y-%m"),
        "first_channel": first["acquired_through"].fillna("unknown"),
        "days_observed": (pd.Timestamp(brand.observed_until) - first["ordered_at"].dt.normalize()).dt.days + 1,
    }).reset_index(drop=True)  # fmt: skip
    return customers, orders


def _quarters(customers: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    days = SETTINGS["quarters"] * QUARTER
    old = customers.loc[customers["days_observed"] >= days, "customer"]
    rows = orders[orders["customer"].isin(old) & (orders["age_days"] < days)]
    by_quarter = rows.groupby(rows["age_days"].rename("quarter") // QUARTER)
    made = by_quarter.agg(active=("customer", "nunique"), contribution=("contribution", "sum")).reset_index()
    made.insert(1, "customers", len(old))
    return made


def _fitted(brand: Any) -> tuple[Any, pd.DataFrame]:
    """The model fitted to what it may see, and what it saw and was tested on."""
    summary = customer_lifetime.summarise(
        brand.scan("orders"), brand.observed_until, calibration_end=SETTINGS["model_sees_until"], **brand.history
    )
    return customer_lifetime.fit_mbg_nbd(summary), summary


def _test(brand: Any) -> pd.DataFrame:
    fit, summary = _fitted(brand)
    weeks = float(summary["duration_holdout"].iloc[0])
    table = summary.assign(expected_purchases=fit.expected_purchases(weeks, customers=summary))
    named = {
        "customer_id": "customer", "frequency": "purchases_before", "T": "weeks_before",
        "expected_purchases": "forecast", "frequency_holdout": "purchases_in_test", "duration_holdout": "weeks_in_test",
    }  # fmt: skip
    return table.rename(columns=named)[list(named.values())]


def _equal_age(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    days, orders, customers = SETTINGS["within_days"], tables["orders"], tables["customers"]
    table = cohort_value.value_per_customer(
        brand.scan("orders"), brand.observed_until, days, "contribution",
        gross_margin=brand.config["gross_margin"], **brand.history,
    )  # fmt: skip
    right = cohort_value.value_at(table, days).value
    old = customers.loc[customers["days_observed"] >= days, "customer"]
    young = orders[orders["age_days"] < days]
    revenue = young.loc[young["customer"].isin(old), "amount"].sum() / len(old)
    return Exercise(
        "value_in_a_year", right, "money per customer", WITHIN * right,
        Words(
            "窗口写明了，每位客户都观察满了这个窗口，算的是贡献毛利：这样的客户价值才能和获客成本放在一起。",
            "The window is stated, everybody was observed for the whole of it, and it is contribution: such a value "
            "may be set against a cost.",
        ),
        Words(
            "三件事：谁观察满了一年（days_observed）；只算首单后一年之内的订单（age_days）；用贡献毛利，不用销售额。",
            "Three things: who was observed for a year (days_observed), only orders of the first year (age_days), and "
            "contribution instead of revenue.",
        ),
        (
            WrongAnswer("revenue_to_date", orders["amount"].sum() / len(customers), Words(
                "两处错：有人来了三年，有人上周才来，他们的“至今”不是同一段时间；而且销售额里还有货款和平台扣费。",
                "Two mistakes: some came three years ago and some last week, so \"to date\" is not one span of time; "
                "and revenue still holds what goes to goods and platforms.",
            )),
            WrongAnswer("contribution_to_date", orders["contribution"].sum() / len(customers), Words(
                "毛利对了，年龄没有对齐：品牌越老，这个数越大；新客来得越多，它越小。两样都与客户好坏无关。",
                "Contribution is right, the ages are not equal: this grows as the brand gets older and falls when many "
                "new customers come. Neither says how good they are.",
            )),
            WrongAnswer("revenue_of_the_first_year", revenue, Words(
                "年龄对齐了，钱没有：这是销售额。交给供应商和平台的那部分，不能拿来付获客费用。",
                "The ages are equal, the money is not: this is revenue. What goes to suppliers and platforms cannot "
                "pay for winning customers.",
            )),
            WrongAnswer("everybody_in_the_denominator", young["contribution"].sum() / len(customers), Words(
                "分母里有还没满一年的客户，他们的一年还没过完，后面的订单不是零，是还不知道。",
                "The denominator holds customers whose year is not over: later orders are not zero but not known.",
            )),
        ),
    )  # fmt: skip


def _formula(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    quarters, many = tables["quarters"], SETTINGS["quarters"]
    days = many * QUARTER
    table = cohort_value.value_per_customer(
        brand.scan("orders"), brand.observed_until, days, "contribution",
        gross_margin=brand.config["gross_margin"], **brand.history,
    )  # fmt: skip
    right = cohort_value.value_at(table, days).value
    each = quarters["contribution"].sum() / quarters["active"].sum()
    kept = (quarters["active"] / quarters["active"].shift()).dropna()
    mean, first = kept.mean(), kept.iloc[0]
    return Exercise(
        "value_by_ages", right, "money per customer", WITHIN * right,
        Words(
            "每个季度用它自己的比例，公式就还原成了观察值；写成一个留存率，是把两种客户揉成了一种。",
            "With each quarter's own share the formula gives back what was observed; one retention rate makes one kind "
            "of customer out of two.",
        ),
        Words(
            "每个季度：还在下单的占比（active 除以 customers），乘这一季每位下单客户的贡献毛利，再相加。",
            "Do not use one rate. For each quarter: the share who order (active over customers), times the "
            "contribution per customer who orders; then add up.",
        ),
        (
            WrongAnswer("mean_retention", each * sum(mean**age for age in range(many)), Words(
                "留存率随季度上升：先走掉一大批，留下的很稳。平均值被后面几季拉高，公式以为一开始也没走几个人，价值虚高。",
                "Retention rises with age: many go after the first quarter and those left are steady. The later "
                "quarters pull the mean up, so the formula believes that few went at first, and overstates.",
            )),
            WrongAnswer("retention_of_the_first_quarter", each * sum(first**age for age in range(many)), Words(
                "只用了第一季的留存率，等于说留下来的人以后每一季还会走掉同样多。留下的恰恰是不容易走的，价值被低估。",
                "Only the first quarter's rate: as if as many of those left went in every later quarter. But those "
                "left are the ones who stay; this understates.",
            )),
            WrongAnswer("for_ever", each / (1 - mean), Words(
                "加到了无穷远。品牌一共只观察了几年，后面的钱没有人见过；和别的数比之前，先写明算到哪一天。",
                "This adds up for ever, and nobody has seen that money. State the horizon before comparing it with "
                "anything.",
            )),
        ),
    )  # fmt: skip


def _model(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    test = tables["test"]
    fit, summary = _fitted(brand)
    weeks = float(summary["duration_holdout"].iloc[0])
    predicted = float(fit.expected_purchases(weeks, customers=summary).sum())
    actual = int(summary["frequency_holdout"].sum())
    rate = test["purchases_before"] / test["weeks_before"].where(test["weeks_before"] > 0)
    by_rate = (rate * test["weeks_in_test"]).sum()
    off = (test["forecast"] - test["purchases_in_test"]).abs().sum()
    return Exercise(
        "error_of_the_model", predicted / actual - 1, "share", 0.001,
        Words(
            "先考试，再用：这是模型在没见过的日子里总量差多少。单个客户的误差要大得多。",
            "Tested before use: this is how far off its total was on days it had not seen. Customer by customer it is "
            "much further off.",
        ),
        Words(
            "预测合计除以实际合计，再减一；都只算检验期。",
            "The total of the forecasts over the total of what happened, less one; both within the test.",
        ),
        (
            WrongAnswer("past_rate_goes_on", by_rate / actual - 1, Words(
                "每个人照过去的频率一直买下去：刚来就买了两次的人被当成常客，已经走掉的人还在买。模型要补的正是这两点。",
                "Everybody goes on at the past rate: someone who bought twice at once counts as a regular, and those "
                "who left still buy. These are the two things a model is for.",
            )),
            WrongAnswer("customer_by_customer", off / actual, Words(
                "这是逐个客户的误差加起来，高估和低估不抵消。题目问的是总量。",
                "This adds up the errors customer by customer, where too high and too low do not cancel. The total is "
                "asked for.",
            )),
            WrongAnswer("ratio_not_excess", predicted / actual, Words(
                "这是预测的总数是实际的几倍。题目问的是高出几成，要减去一倍。",
                "That is how many times as much was forecast as happened. Asked for is what comes on top: take off the "
                "whole.",
            )),
            WrongAnswer("the_wrong_way_round", 1 - predicted / actual, Words(
                "方向反了：题目问预测比实际高多少。",
                "The wrong way round: asked for is by how much the forecast exceeds what happened.",
            )),
        ),
    )  # fmt: skip


def paid_back(brand: Any) -> pd.DataFrame:
    """Contribution and cost of the channel's new customers by days since the first order: see `acquisition_cost`."""
    orders, until = brand.scan("orders"), brand.observed_until
    days = tuple(range(STEP, SETTINGS["quarters"] * QUARTER + 1, STEP))
    spent = costs.cost_table(brand.scan("spend"), orders, until, **brand.history)
    values = costs.acquired_value(orders, until, days, gross_margin=brand.config["gross_margin"], **brand.history)
    table = costs.payback(values, spent, by="channel")
    return table[table["group"] == channel_of(brand)]


def _payback(brand: Any, tables: dict[str, pd.DataFrame]) -> Exercise:
    right = costs.payback_month(paid_back(brand), channel_of(brand))["months"].value
    customers, orders, until = tables["customers"], tables["orders"], SETTINGS["won_until"]
    early = customers["first_month"] <= until
    won = customers.loc[early & (customers["first_channel"] == channel_of(brand)), "customer"]
    cost = tables["spend"].query("month <= @until")["spend"].sum() / len(won)
    theirs = orders[orders["customer"].isin(won)]
    a_year = theirs.loc[theirs["age_days"] < SETTINGS["within_days"], "contribution"].sum() / len(won)
    evenly = -(-cost // (a_year / 12))
    everybody = orders[orders["customer"].isin(customers.loc[early, "customer"])]
    wrong = (
        WrongAnswer("by_revenue", _first_step(theirs, "amount", cost), Words(
            "用销售额回本，总是很快。付给供应商和平台的钱回不了本。",
            "By revenue any cost is back soon. What goes to suppliers and platforms pays nothing back.",
        )),
        WrongAnswer("evenly_over_the_year", evenly, Words(
            "把一年的毛利摊平到每个月，再去除成本。首单那个月占了很大一块，以后越来越慢，要按实际的先后累加。",
            "This spreads a year's contribution evenly over its months. The first order is a large part and later "
            "months bring less: add up in the order in which it came.",
        )),
        WrongAnswer("everybody", _first_step(everybody, "contribution", cost), Words(
            "成本是这个渠道的，毛利却是全体客户的：不是同一批人。",
            "The cost is the channel's, the contribution everybody's: not the same people.",
        )),
    )  # fmt: skip
    return Exercise(
        "payback_step", right, "months", 0.5,
        Words(
            "同一批人，同一个起点，毛利盖过成本的那一步就是回本。",
            "The same people from the same beginning: where contribution passes the cost it is paid back.",
        ),
        Words(
            "先算这批人每位花了多少；再把他们的贡献毛利按首单后每三十天累加，除以人数，看第几步盖过成本。",
            "First what each of them cost; then add up their contribution by thirty days since the first order, over "
            "their number, and see at which step it passes the cost.",
        ),
        _told_apart(wrong, right),
    )  # fmt: skip


def _first_step(orders: pd.DataFrame, money: str, cost: float) -> float:
    """The step of thirty days by which the money per customer has reached the cost; 99 where it never does."""
    by_step = orders.groupby(orders["age_days"] // STEP + 1)[money].sum().cumsum()
    reached = by_step / orders["customer"].nunique() >= cost
    return float(reached.idxmax()) if reached.any() else 99.0


def _told_apart(wrong: tuple[WrongAnswer, ...], right: float) -> tuple[WrongAnswer, ...]:
    """Whole months are few: a mistake that happens to give the right month, or another's, cannot be recognised here."""
    kept: list[WrongAnswer] = []
    for mistake in wrong:
        if mistake.value not in (right, *(other.value for other in kept)):
            kept.append(mistake)
    return tuple(kept)
