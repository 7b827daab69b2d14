"""Lesson 01, public and private: which channels are one's own is a matter of criteria, not of their names."""

from typing import Any

import pandas as pd

from siyu_helpers.analysis import industry_fit, order_log
from siyu_helpers.analysis.estimates import Words
from siyu_helpers.data import market
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

BRANDS = ("xiaoman", "sanli", "yunzuo")
#: Weights as a boss gives them who was once banned: what counts is who holds the list, and whether it survives.
SETTINGS = {
    "weights": {"control": 3, "reach_without_paying": 1, "repeat_use": 2, "data_access": 1, "ban_safety": 3},
    "semi_from": 1 / 3,
    "private_from": 2 / 3,
    "asked": "official_account",
    "five": ("wecom", "xiaohongshu_account", "sms", "moments", "official_account"),
    "shown": (
        "app", "wecom", "mini_program", "sms", "official_account", "wechat_personal", "xiaohongshu_account",
        "douyin_live", "tmall_search", "douyin_feed",
    ),
    "window_days": 90,
}  # fmt: skip
LETTERS = {"public": "a", "semi": "b", "private": "c"}
CRITERIA = tuple(SETTINGS["weights"])


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: channels with their scores, the brand's orders, its pool and its messages.

    Returns
    -------
    dict
        "channels" (one channel): channel; the five criteria, scored from 0 to 1. The scores are ours, see
        channel_definitions.csv. "orders" (one paid order): customer, brought_by (channel that led to this order),
        paid_in (shop or app where it was paid), first_brought_by (channel that led to the customer's first order).
        "pool" (one stay in the pool): customer, joined, left (days; left is blank for who is still there).
        "contacts" (one message delivered in the last ninety days): customer, day.
    """
    return {
        "channels": _definitions(brand)[["channel", *CRITERIA]],
        "orders": _orders(brand),
        "pool": _pool(brand),
        "contacts": _contacts(brand),
    }


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's five short questions with their answers on this brand."""
    scores = tables["channels"].set_index("channel")[list(CRITERIA)]
    card = _scorecard(brand).set_index("channel")
    return (
        _score(card, scores.loc[SETTINGS["asked"]]),
        _class(card.loc[SETTINGS["asked"]]),
        _order(card, scores),
        _own_orders(brand, card, tables["orders"]),
        _reached_twice(brand, tables["pool"], tables["contacts"]),
    )


def _definitions(brand: Any) -> pd.DataFrame:
    return market.load("channel_definitions", brand.folder.parent)


def _scorecard(brand: Any) -> pd.DataFrame:
    chosen = (SETTINGS["weights"], SETTINGS["semi_from"], SETTINGS["private_from"])
    return industry_fit.scorecard(_definitions(brand), *chosen)


def _orders(brand: Any) -> pd.DataFrame:
    given = brand.table("orders")[["customer_id", "ordered_at", "acquired_through", "sold_through"]]
    names = {"customer_id": "customer", "acquired_through": "brought_by", "sold_through": "paid_in"}
    orders = given.rename(columns=names).sort_values(["ordered_at", "brought_by"], kind="stable", ignore_index=True)
    orders["first_brought_by"] = orders.groupby("customer")["brought_by"].transform("first")
    return orders.drop(columns="ordered_at")


def _pool(brand: Any) -> pd.DataFrame:
    stays = brand.table("members")[["customer_id", "joined_at", "left_at"]]
    stays = stays.rename(columns={"customer_id": "customer", "joined_at": "joined", "left_at": "left"})
    return stays.assign(joined=stays["joined"].dt.normalize(), left=stays["left"].dt.normalize())


def _contacts(brand: Any) -> pd.DataFrame:
    sent = brand.table("messages")[["customer_id", "sent_at", "delivered"]]
    day = sent["sent_at"].dt.normalize()
    recent = day > pd.Timestamp(brand.observed_until) - pd.Timedelta(days=SETTINGS["window_days"])
    arrived = sent["delivered"].astype("boolean").fillna(True).astype(bool)
    kept = pd.DataFrame({"customer": sent["customer_id"], "day": day})[recent & arrived]
    return kept.reset_index(drop=True)


def _score(card: pd.DataFrame, scores: pd.Series) -> Exercise:
    weights = pd.Series(SETTINGS["weights"])
    without = weights.drop("ban_safety")
    return Exercise(
        "score_of_account", card.loc[SETTINGS["asked"], "total"], "share", 0.002,
        Words(
            "五个条件都算到了，权重也用上了。分数本身不重要，重要的是别人可以逐条和你争。",
            "All five criteria are in, and so are the weights. What matters is not the score but that others can argue "
            "with it, line by line.",
        ),
        Words(
            "加权平均：每个分数乘上它的权重，加起来，再除以什么？结果应当落在零和一之间。",
            "A weighted mean: multiply each score by its weight, add up, and divide by what? The result lies between "
            "zero and one.",
        ),
        (
            WrongAnswer("sum_not_mean", (scores * weights).sum(), Words(
                "这是加权之后的和，还不是平均：没有除以权重之和，权重写大一倍，分数就大一倍。",
                "That is the weighted sum, not yet the mean: without dividing by the sum of the weights, doubling them "
                "doubles the score.",
            )),
            WrongAnswer("divided_by_number_of_criteria", (scores * weights).sum() / len(weights), Words(
                "除以的是条件的个数。有权重的时候，要除以权重之和。",
                "This divides by the number of criteria. With weights, divide by the sum of the weights.",
            )),
            WrongAnswer("equal_weights", scores.mean(), Words(
                "这是五个分数的普通平均，权重没有用上。老板说了，有的条件更要紧。",
                "That is the plain mean of the five scores; the weights were not used. The owner said that some "
                "criteria matter more.",
            )),
            WrongAnswer("list_safety_left_out", (scores * without).sum() / without.sum(), Words(
                "少了一个条件：名单安全。文章里的定义多半没有它，可封号那天最要紧的就是它。",
                "One criterion is missing: safety of the list. Most definitions in the articles leave it out, yet it "
                "is what counts on the day an account is banned.",
            )),
        ),
    )  # fmt: skip


def _class(row: pd.Series) -> Exercise:
    return Exercise(
        "class_of_account", LETTERS[row["definition"]], "", 1.0,
        Words(
            "按分数和门槛归类，而不是按它在哪个平台上。门槛可以改，改了要写出来。",
            "Classed by score and thresholds, not by the platform it lives on. Thresholds may be changed; say so when "
            "you do.",
        ),
        Words(
            "拿第一题的分数，和两道门槛（semi_from、private_from）比一比。",
            "Compare the score of question one with the two thresholds (semi_from, private_from).",
        ),
        (
            WrongAnswer("in_wechat_so_private", LETTERS[row["source_000"]], Words(
                "这是看名字归类：在微信里、粉丝是自己的，所以是私域。文章甲就这么说。可是推送有次数上限，粉丝名单也带不走，"
                "按条件打分到不了那道门槛。",
                "That classes by the name: it is in WeChat and the followers are ours, so it must be private, as "
                "article A has it. But posts are capped and the list of followers cannot be taken along: scored by the "
                "criteria it falls short of that threshold.",
            )),
            WrongAnswer("everybody_can_follow", LETTERS[row["source_003i"]], Words(
                "文章丁里的一则回答这么说。可是关注过的人，不付费也能再次触达，还能拿到数据：分数比最低那道门槛高。",
                "One answer in article D says so. But those who follow can be reached again without paying, and there "
                "are data on them: the score is above the lowest threshold.",
            )),
        ),
        ("a", "b", "c"),
    )  # fmt: skip


def _order(card: pd.DataFrame, scores: pd.DataFrame) -> Exercise:
    five = list(SETTINGS["five"])
    totals = card.loc[five, "total"]
    return Exercise(
        "order_of_channels", tuple(totals.sort_values(ascending=False).index), "", 1.0,
        Words(
            "排在最前面的是一份手机号名单：不新鲜，也不免费，可谁也收不走。换一组权重，次序就会变，所以权重要摆在桌面上。",
            "First comes a list of phone numbers: not new, nor free, but nobody can take it away. Other weights give "
            "another order, which is why they belong on the table.",
        ),
        Words(
            "五个渠道都用第一题的算法打分，再从高到低排。",
            "Score all five channels as in question one, then sort from high to low.",
        ),
        (
            WrongAnswer("equal_weights", tuple(scores.loc[five].mean(axis=1).sort_values(ascending=False).index), Words(
                "这是权重一样时（或者漏掉名单安全时）的次序。按老板的权重，名单在谁手里、会不会一夜之间没了，要紧得多。",
                "That is the order with equal weights, or with safety of the list left out. By the owner's weights it "
                "matters far more who holds the list and whether it can be gone overnight.",
            )),
            WrongAnswer("low_to_high", tuple(totals.sort_values().index), Words(
                "方向反了：从低到高排的。sort_values 默认由小到大。",
                "The wrong way round: from low to high. sort_values sorts upwards unless told otherwise.",
            )),
            WrongAnswer("as_listed", tuple(five), Words(
                "这是题目里列出来的次序，还没有排。",
                "That is the order in which they were listed; nothing has been sorted yet.",
            )),
        ),
        tuple(five),
    )  # fmt: skip


def _own_orders(brand: Any, card: pd.DataFrame, orders: pd.DataFrame) -> Exercise:
    classes = card["definition"].to_dict()
    own = [name for name, its in classes.items() if its == "private"]
    domains = order_log.with_domain(orders, classes, "brought_by")["domain"]
    labelled = [name for name, its in brand.config["channels"].items() if its == "private"]
    return Exercise(
        "orders_through_own_channels", (domains == "private").mean(), "share", 0.001,
        Words(
            "看的是这一单是谁带来的。从哪里付款、客户当初从哪里来，是另外两个问题。",
            "What counts is which channel led to this order. Where it was paid and where the customer first came from "
            "are two other questions.",
        ),
        Words(
            "先列出分数够到私域门槛的渠道，再数有多少订单的 brought_by 在里面。分母是全部订单。",
            "List the channels whose score reaches the threshold of private, then count the orders whose brought_by is "
            "among them. The denominator is all orders.",
        ),
        (
            WrongAnswer("where_it_was_paid", orders["paid_in"].isin(own).mean(), Words(
                "这是在自有店铺付款的订单。在小程序付款的人，可能是公域的内容或广告带来的；付款的地方只说明佣金付给谁。",
                "Those are orders paid in a shop of one's own. Someone who pays in the mini program may have been "
                "brought there by something public; where it was paid only says who gets the commission.",
            )),
            WrongAnswer("channel_of_acquisition", orders["first_brought_by"].isin(own).mean(), Words(
                "这是把每位客户的首单渠道算到所有订单头上。客户当初从哪里来，和今天这一单是谁带来的，是两回事。",
                "That puts the channel of a customer's first order on all orders. Where a customer once came from and "
                "what led to today's order are two things.",
            )),
            WrongAnswer("by_the_brands_own_list", orders["brought_by"].isin(labelled).mean(), Words(
                "这是按品牌自己贴的标签算的，老带新也在里面。题目要的是分数够到门槛的渠道：推不推荐，由客户说了算。",
                "That goes by the labels of the brand, referral included. The question asks for channels whose score "
                "reaches the threshold: whether to refer is up to the customer.",
            )),
        ),
    )  # fmt: skip


def _reached_twice(brand: Any, pool: pd.DataFrame, contacts: pd.DataFrame) -> Exercise:
    found = industry_fit.two_links(
        brand.scan("messages"), brand.scan("members"), brand.observed_until, days=SETTINGS["window_days"]
    )
    days = contacts.groupby("customer")["day"].nunique()
    ever, today = pool["customer"].unique(), pool.loc[pool["left"].isna(), "customer"]
    return Exercise(
        "reached_twice", found.value, "share", 0.002,
        Words(
            "“二次以上链接”有了数字：分母是这九十天一直在池子里的人，次数按天算。要是人人都过得了这条检验，它就分不出好坏；"
            "而且收得到不等于愿意买，那是后面几课的事。",
            "'Linked more than once' now has a figure: of those in the pool for all of the ninety days, counted by "
            "days. Where everybody passes, the test tells nobody apart; and to be reached is not to buy, which comes "
            "in later lessons.",
        ),
        Words(
            "谁这九十天一直都在？先选出他们，再看其中有多少人至少在两个不同的日子收到过消息。没收到的人也在分母里。",
            "Who was there all of the ninety days? Choose them first, then see how many got messages on two different "
            "days. Those who got none stay in the denominator.",
        ),
        (
            WrongAnswer("everybody_ever_added", (days.reindex(ever) >= 2).mean(), Words(
                "分母是历史上加过的所有人，包括早已离开的。对外报“池子有多大”时常用这个数，它不是现在能触达的人。",
                "The denominator holds everybody ever added, those long gone too. It is the figure used to say how big "
                "the pool is, not the people who can be reached now.",
            )),
            WrongAnswer("only_those_who_got_a_message", (days >= 2).mean(), Words(
                "分母只有收到过消息的人：一条都没收到的人不见了，池子外面的人倒混了进来。",
                "The denominator holds only those who got a message: who got none has vanished, and people outside of "
                "the pool have crept in.",
            )),
            WrongAnswer("joined_in_the_window", (days.reindex(today) >= 2).mean(), Words(
                "分母里有最近才加进来的人：他们没有满九十天的机会。只留下窗口开始之前就在的人。",
                "The denominator holds people who joined lately and had no full ninety days. Keep those who were "
                "there before the window began.",
            )),
        ),
    )  # fmt: skip
