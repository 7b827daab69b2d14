"""Lesson 10, decision brief: from numbers to a decision: how likely it pays, what would flip it, what to find out."""

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import decision_brief as brief
from siyu_helpers.analysis import industry_fit as fit
from siyu_helpers.analysis.estimates import Words
from siyu_helpers.data import market
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

#: A pool for smart toilet seats earns less than any help would cost: there every answer is none, so yunzuo is left out.
BRANDS = ("xiaoman", "sanli")
#: What the plan rests on besides the figures: evidence for the gain, the rules' thresholds, length and draws.
SETTINGS = {
    "evidence": "not identified here",
    "build_at": 0.8,
    "do_not_at": 0.1,
    "months": 24,
    "draws": 2000,
    "seed": 1,
}
#: What was paid before the meeting, in months of the plan's cost; that cost is what the pool earns at typical values.
PAID_BEFORE = 4
MESSAGES_A_MONTH = 4.0
MESSAGE_COST = (0.005, 0.01, 0.05)  # money a message, between a note in WeCom and a text message
COUNTED = (
    "orders_per_month", "order_value", "margin", "share_affected", "activity_kept", "moved_share", "commission_saved",
    "churn", "opt_out_per_message",
)  # fmt: skip
ASSUMED = ("uplift", "uplift_kept")
VERDICTS = {"a": "build", "b": "pilot", "c": "do not", "d": "cannot be judged"}
INPUTS = {"a": "uplift", "b": "order_value", "c": "churn", "d": "message_cost"}
MONEY = ("added_orders", "saved_on_platforms", "messages", "staff")


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: the plan, its inputs, one line a simulated future, and the typical months.

    Returns
    -------
    dict
        "plan" (one number): name, value. joiners_per_month, messages_per_month (planned); cost_per_month (of the person
        who runs it; invented: what such a pool earns at typical values, rounded); already_paid (for a course and tools,
        before the meeting; invented); member_gain (orders of the last ninety days per customer in the pool over those
        of the others, less one).
        "inputs" (one uncertain input): input, low, typical, high, origin ("assumed", "estimated", ...), names as in
        PoolInputs; uplift is the gain in orders from joining.
        "draws" (one simulated future of two years): uplift, order_value, churn, message_cost (what was drawn); then
        money over the two years: added_orders (contribution of the orders that joining adds), from_repurchase (of
        added_orders, what comes from second and later orders: contained in it), saved_on_platforms (commission not
        paid), messages, staff. Without discounting, referrals and bans, which page 06 has.
        "months" (one month, at the typical inputs): month, earned, spent.
    """
    inputs = _inputs(brand)
    plan = _plan(brand, inputs)
    made = pool_inputs(inputs, plan)
    drawn = fit.draws_of(made, SETTINGS["draws"], SETTINGS["seed"])
    paths = fit.flows(drawn, SETTINGS["months"])
    typical = _typical(made)
    money = {"added_orders": 0, "from_repurchase": 0, "saved_on_platforms": 0, "messages": 0, "staff": 0}
    money |= {name: paths["fixed" if name == "staff" else name].sum(axis=0) for name in MONEY}
    money["from_repurchase"] = money["added_orders"] * _repeat_share(brand)
    return {
        "plan": plan,
        "inputs": inputs,
        "draws": pd.DataFrame({name: drawn[name] for name in INPUTS.values()} | money),
        "months": pd.DataFrame({
            "month": np.arange(1, SETTINGS["months"] + 1),
            "earned": (typical["added_orders"] + typical["saved_on_platforms"])[:, 0],
            "spent": (typical["messages"] + typical["fixed"])[:, 0],
        }),
    }  # fmt: skip


def pool_inputs(inputs: pd.DataFrame, plan: pd.DataFrame) -> fit.PoolInputs:
    """The plan as the library takes it.

    tables "inputs" and "plan"  ->  PoolInputs, every uncertain input a triangle (low, typical, high)
    """
    ranges = {row.input: (row.low, row.typical, row.high) for row in inputs.itertuples()}
    number = plan.set_index("name")["value"]
    return fit.PoolInputs(
        joiners_per_month=number["joiners_per_month"], messages_per_month=number["messages_per_month"],
        staff_cost=number["cost_per_month"], **ranges,
        origins={row.input: fit.Origin(row.origin) for row in inputs.itertuples()},
    )  # fmt: skip


def value(tables: dict[str, pd.DataFrame]) -> fit.PoolValue:
    """The plan run through the library: every draw, month by month."""
    made = pool_inputs(tables["inputs"], tables["plan"])
    return fit.pool_value(made, SETTINGS["months"], SETTINGS["draws"], SETTINGS["seed"])


def decision(tables: dict[str, pd.DataFrame]) -> brief.Decision:
    """The verdict of the library's rules on the plan."""
    return brief.decide(
        value(tables), effect_level=SETTINGS["evidence"], own=_own(tables["inputs"]),
        build_at=SETTINGS["build_at"], do_not_at=SETTINGS["do_not_at"],
    )  # fmt: skip


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's four questions with their answers on this brand."""
    return _paying(tables), _verdict(tables), _joiners(tables), _find_out(tables)


def _inputs(brand: Any) -> pd.DataFrame:
    has = {name: brand.scan(name) for name in ("members", "messages", "accounts", "pool_costs", "spend")}
    own = fit.brand_inputs(
        brand.scan("orders"), brand.observed_until, seed=1, rate_per_cny=1.0, currency=brand.config["currency"],
        gross_margin=brand.config["gross_margin"], channels=brand.config["channels"],
        industry=brand.config["industry"], industries=market.load("industries"),
        assumptions=market.load("pool_assumptions"), **has,
    ).inputs  # fmt: skip
    listed = fit.inputs_table(own).set_index("input")
    rows = []
    for name in (*COUNTED, *ASSUMED):
        given, line = getattr(own, name), listed.loc[name]
        ends = (line["value_low"], line["value_high"]) if np.isfinite(line["value_low"]) else (line["value"],) * 2
        low, high = (given[0], given[2]) if isinstance(given, tuple) else ends
        rows.append((name, low, line["value"], high, line["origin"]))
    rows.append(("message_cost", *MESSAGE_COST, "assumed"))
    table = pd.DataFrame(rows, columns=["input", "low", "typical", "high", "origin"])
    return table.round({"low": 5, "typical": 5, "high": 5})


def _plan(brand: Any, inputs: pd.DataFrame) -> pd.DataFrame:
    joined = brand.table("members")["joined_at"]
    lately = joined > pd.Timestamp(brand.observed_until) - pd.DateOffset(months=12)
    joiners = round(lately.sum() / 12, -1)
    named = {"joiners_per_month": joiners, "messages_per_month": MESSAGES_A_MONTH, "cost_per_month": 0.0}
    free = _typical(pool_inputs(inputs, _named(named)))
    cost = round(float(free["net"].sum()) / SETTINGS["months"], -2)
    return _named(named | {
        "cost_per_month": cost, "already_paid": PAID_BEFORE * cost, "member_gain": _member_gain(brand)
    })  # fmt: skip


def _named(numbers: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame({"name": list(numbers), "value": [float(number) for number in numbers.values()]})


def _typical(made: fit.PoolInputs) -> dict[str, np.ndarray]:
    """Every month's money at the typical inputs."""
    return fit.flows({name: np.array([value]) for name, value in made.typical().items()}, SETTINGS["months"])


def _member_gain(brand: Any) -> float:
    """Orders of customers in the pool over those of the others, less one: what the field calls the effect."""
    begin = pd.Timestamp(brand.observed_until) - pd.Timedelta(89, unit="D")
    orders, members = brand.table("orders"), brand.table("members")
    known = orders.loc[orders["ordered_at"] < begin, "customer_id"].unique()
    there = members[(members["joined_at"] < begin) & ~(members["left_at"] < begin)]["customer_id"]
    made = orders.loc[orders["ordered_at"] >= begin, "customer_id"].value_counts().reindex(known, fill_value=0)
    inside = made.index.isin(there)
    return round(float(made[inside].mean() / made[~inside].mean() - 1), 3)


def _repeat_share(brand: Any) -> float:
    """Second and later orders over all orders."""
    orders = brand.table("orders")["customer_id"]
    return 1 - orders.nunique() / len(orders)


def _own(inputs: pd.DataFrame) -> list[str]:
    """What is the brand's own: all that is not assumed, and the plan's cost, for which there is an offer."""
    return [*inputs.loc[inputs["origin"].isin(["estimated", "counted"]), "input"], "staff_cost"]


def _net(draws: pd.DataFrame) -> pd.Series:
    return draws["added_orders"] + draws["saved_on_platforms"] - draws["messages"] - draws["staff"]


def _naive(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The draws with the difference between members and others taken for what joining does."""
    draws, gain = tables["draws"], tables["plan"].set_index("name")["value"]["member_gain"]
    return draws.assign(added_orders=draws["added_orders"] / draws["uplift"] * gain)


def _paying(tables: dict[str, pd.DataFrame]) -> Exercise:
    draws, months = tables["draws"], tables["months"]
    paid = tables["plan"].set_index("name")["value"]["already_paid"]
    net = _net(draws)
    return Exercise(
        "probability_it_pays", brief.paying(value(tables)).value, "probability", 0.004,
        Words(
            "只比较从今天起的钱，每一种可能的将来各算一次，再数有多少次是正的。",
            "Only money from today on is compared, each possible future once; then those above zero are counted.",
        ),
        Words(
            "每一行先算净值：多带来的、省下的，减去还要花的。再数净值大于零的行占多少。",
            "For each row work out the net: what is added and saved less what is still to be spent. Then count the "
            "share of rows above zero.",
        ),
        (
            WrongAnswer("benefit_counted_twice", (net + draws["from_repurchase"] > 0).mean(), Words(
                "复购多带来的，已经在多带来的订单里面了。同一笔订单换个名字，又加了一次。只加一次。",
                "What repurchase adds is already among the added orders. The same orders were added once more under "
                "another name.",
            )),
            WrongAnswer("sunk_cost_counted", (net - paid > 0).mean(), Words(
                "课程和工具的钱已经花掉了：建，它回不来；不建，它也回不来。两边都有的钱，不影响今天的选择。",
                "The money for course and tools is gone: with the pool or without it, it does not come back. What "
                "is the same on both sides does not bear on today's choice.",
            )),
            WrongAnswer("naive_effect", (_net(_naive(tables)) > 0).mean(), Words(
                "私域客户本来就买得多，所以才加入。拿他们和别人的差当作加入的效果，怎么算都赚。"
                "用 draws 里的 added_orders。",
                "Customers in the pool bought more to begin with, which is why they joined. Take their difference from "
                "others for the effect of joining and everything pays. Take added_orders as it stands in draws.",
            )),
            WrongAnswer("share_of_months", (months["earned"] > months["spent"]).mean(), Words(
                "这是一条典型路径上赚钱的月份占多少，不是可能性。后几个月月月赚，前面垫的钱也可能收不回来。",
                "That is the share of profitable months on one typical path, not a probability. Every late month may "
                "earn and still not make up for the early ones.",
            )),
        ),
    )  # fmt: skip


def _verdict(tables: dict[str, pd.DataFrame]) -> Exercise:
    made = decision(tables)
    right = next(letter for letter, verdict in VERDICTS.items() if verdict == made.verdict)
    mistakes = {
        "a": WrongAnswer("by_the_mean_alone", "a", Words(
            "平均净值是正的，但亏的可能性不小；而且加入的效果没有证实，平均数本身就靠假设。",
            "The mean is above zero, but losing is far from rare; and the gain from joining is not established, so "
            "that the mean itself rests on an assumption.",
        )),
        "b": WrongAnswer("a_bit_of_both", "b", Words(
            "试点也要花钱：把握不到该停的门槛，就不试；效果和费用都有据、把握又够，就不必再试。",
            "A try costs money too: not where the odds are below the threshold to stop, nor where evidence and odds "
            "already suffice.",
        )),
        "c": WrongAnswer("not_sure_so_no", "c", Words(
            "没有把握不等于不划算：往好处估，可能性远高于停的门槛。现在就否掉，等于放弃了弄清楚的机会。",
            "Unsure is not unprofitable: read favourably, the odds are far above the threshold to stop. To refuse now "
            "is to give away the chance to find out.",
        )),
        "d": WrongAnswer("no_proof_so_no_judgement", "d", Words(
            "缺的只是加入的效果。费用有报价，下单、客单价、毛利都有自己的数，够算出一个可能性。",
            "Only the gain from joining is missing. There is an offer for the cost, and orders, order value and margin "
            "are the brand's own: enough for a probability.",
        )),
    }  # fmt: skip
    return Exercise(
        "verdict", right, "", 0.0, Words(made.zh, made.en),
        Words(
            "规则依次问：数是不是自己的？往好处估有没有戏？效果有没有证据？费用清楚吗？把握够不够？",
            "The rules ask in turn: are the figures the brand's own? Could it pay at best? Is there evidence for the "
            "effect? Is the cost known? Are the odds high enough?",
        ),
        tuple(mistake for letter, mistake in mistakes.items() if letter != right), tuple(VERDICTS),
    )  # fmt: skip


def _joiners(tables: dict[str, pd.DataFrame]) -> Exercise:
    made = pool_inputs(tables["inputs"], tables["plan"])
    proven = brief.Grounds("strong", frozenset([*_own(tables["inputs"]), "uplift"]))
    turns = brief.flips(
        made, proven, names=["joiners_per_month"], months=SETTINGS["months"], draws=SETTINGS["draws"],
        seed=SETTINGS["seed"],
    )  # fmt: skip
    right = float(turns.loc[turns["verdict_then"] == "build", "flips_at"].iloc[0])
    joiners, draws = tables["plan"].set_index("name")["value"]["joiners_per_month"], tables["draws"]
    staff = draws["staff"].iloc[0]
    each, naive = ((_net(rows) + staff) / joiners for rows in (draws, _naive(tables)))
    below, surely = 1 - SETTINGS["build_at"], 1 - SETTINGS["do_not_at"]
    return Exercise(
        "joiners_needed", right, "customers a month", 0.01 * right,
        Words(
            "低于这个数，把握就够不上“建”。它是一个可以去查、去谈的数，比一句“行”有用得多。",
            "Below it the odds fall short of building. It is a number that can be checked and negotiated, and far more "
            "useful than a yes.",
        ),
        Words(
            "每一行先算：一位加入者两年里带来多少（省下的也算，消息费扣掉）。要有八成的行盖过人员费用，该取哪个分位数？",
            "For each row: what one joiner a month brings over the two years, savings included, messages taken off. "
            "Which quantile must cover the staff so that eight rows in ten do?",
        ),
        (
            WrongAnswer("by_the_mean", staff / each.mean(), Words(
                "按平均数打平：到了这个数，平均净值刚好是零，亏的可能性大约一半。题目要的是八成把握。",
                "That breaks even on average: the mean net is just zero there, and a loss about as likely as not. "
                "Eight in ten are asked for.",
            )),
            WrongAnswer("the_other_threshold", staff / each.quantile(surely), Words(
                "这是低到该停的那条线。分位数取反了方向：要的是八成的将来都够，不是一成。",
                "That is the line below which to stop. The quantile is from the wrong side: eight futures in ten must "
                "cover the cost, not one.",
            )),
            WrongAnswer("naive_effect", staff / naive.quantile(below), Words(
                "拿私域客户和别人的差当效果，少量客户看着就够了。这个差里混着“谁会加入”，不全是加入带来的。"
                "用 draws 里的 added_orders。",
                "With the difference between members and others for the effect, few customers seem enough. Much of "
                "that difference is who joins, not what joining does. Take added_orders.",
            )),
        ),
    )  # fmt: skip


def _find_out(tables: dict[str, pd.DataFrame]) -> Exercise:
    worth = fit.value_of_information(value(tables)).set_index("input")["expected_value"]
    letters = {name: letter for letter, name in INPUTS.items()}
    right = letters[worth[list(letters)].idxmax()]
    mistakes = {
        "a": WrongAnswer("the_one_on_everybodys_lips", "a", Words(
            "人人在争的，不一定是值得先查的：看它的不确定会不会改变选择。",
            "What all argue about need not be worth finding out: does its uncertainty change the choice?",
        )),
        "b": WrongAnswer("moves_the_value_most", "b", Words(
            "变动一成，它对净值的影响最大；可是它自己的表里就有，几乎没有不确定。已经知道的数，再查也不会改变选择。",
            "A tenth more of it moves the value most; but it is known from the brand's own tables almost exactly. "
            "Finding out again what is known changes no choice.",
        )),
        "c": WrongAnswer("easy_to_measure", "c", Words(
            "它好查，本来也已经从自己的表里数出来了。好查不等于值得先查。",
            "It is easy to measure and has been counted from the brand's own tables. Easy to find out is not worth "
            "finding out first.",
        )),
        "d": WrongAnswer("widest_range", "d", Words(
            "它的范围最宽，高低差十倍；但它在总账里太小，取哪一头都不会改变建不建。",
            "Its range is the widest, tenfold from end to end; but it is so small a part of the account that neither "
            "end would change the choice.",
        )),
    }  # fmt: skip
    return Exercise(
        "find_out_first", right, "", 0.0,
        Words(
            "先查它：范围宽，又足以改变选择。试点带一个随机对照，查的就是这个数。",
            "Find this out first: it is wide open, and it can change the choice. A pilot with a control group drawn at "
            "random measures just this.",
        ),
        Words(
            "两个条件都要满足：它现在不确定，而且它取高取低会让“建”变成“不建”。把抽出来的数分成几组，各组平均净值变号吗？",
            "Two conditions: it is uncertain now, and its high and low values turn build into leave it. Sort the draws "
            "into groups by it: does the mean net change sign between groups?",
        ),
        tuple(mistake for letter, mistake in mistakes.items() if letter != right), tuple(INPUTS),
    )  # fmt: skip
