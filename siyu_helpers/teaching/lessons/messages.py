"""Lesson 08, messages: woken means more than would have come anyway, and blank means not recorded."""

import math
from typing import Any

import pandas as pd

from siyu_helpers.analysis import message_holdout, pool_effect
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

#: The one brand that drew some dormant customers at random and kept them from its texts. The members' contact pressure
#: and the funnel are handed out for other brands too, so that a team can take sanli, which writes ten times as often.
BRANDS = ("xiaoman",)
SETTINGS = {"window_days": 90, "pressure_days": 91, "wake_up_channel": "sms"}
DAY = pd.Timedelta(days=1)
#: Bands of messages per purchase in the picture, with their names.
BANDS = (0.0, 5.0, 10.0, 20.0, 40.0, math.inf)
BAND_NAMES = {
    0.0: ("不到 5 条", "under 5"),
    5.0: ("5 至 10 条", "5 to 10"),
    10.0: ("10 至 20 条", "10 to 20"),
    20.0: ("20 至 40 条", "20 to 40"),
    40.0: ("40 条以上", "40 and more"),
}
#: Messages a month of which the truth of an invented brand is drawn.
SHOWN_AT_MOST = 30.0


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: dormant customers of the draw, the funnel of promotions, members under pressure.

    Returns
    -------
    dict
        "dormant" (one dormant customer of the draw, followed for ninety days from falling asleep): text_messages
        (whether the draw lets this customer have wake-up texts), messages (texts sent in the ninety days), cost (of
        these), orders (in the ninety days), came_back (at least one order). Without such a draw it has no row.
        "funnel" (one channel and stage of promotions): channel; stage (sent, delivered, read, clicked, ordered,
        opted_out); messages that reached the stage, blank where the export does not record it; recorded, messages for
        which it does. "pressure" (one customer in the pool for all of the last 91 days and sent a promotion there):
        customer, messages, order_days (days with an order).
    """
    return {"dormant": _dormant(brand), "funnel": _funnel(brand), "pressure": _pressure(brand)}


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's four questions with their answers on this brand."""
    dormant = followed(brand)
    if isinstance(dormant, Refused):
        raise ValueError(
            "This brand kept no dormant customers, drawn at random, from its messages, which the lesson needs: take "
            "xiaoman."
        )
    return (
        _woken(dormant, tables["dormant"]),
        _cost(dormant, tables["dormant"]),
        _read(brand, tables["funnel"]),
        _contacts(brand, tables["pressure"]),
    )


def followed(brand: Any) -> pd.DataFrame | Refused:
    """Both sides of the draw over wake-up texts, followed from dormancy; Refused without such a draw."""
    if not (brand.has("assignments") and brand.has("messages")):
        return message_holdout.no_lot()
    return pool_effect.followed_wake_up(
        *(brand.scan("orders"), brand.observed_until, brand.scan("assignments"), brand.scan("messages")),
        *(brand.config["dormant_after_days"] or 180, SETTINGS["wake_up_channel"], SETTINGS["window_days"]),
    )


def opt_outs(brand: Any) -> pd.DataFrame:
    """Members who leave, by messages per purchase: band, per_thousand messages (_low, _high); attrs members, in all."""
    weeks = pool_effect.message_weeks(
        *(brand.scan(name) for name in ("messages", "orders", "members")), brand.observed_until, _channels(brand)
    )
    table = pool_effect.opt_out_hazard(weeks, BANDS)
    table["band"] = table["pressure_from"]
    table.attrs["members"] = int(weeks["customer_id"].nunique())
    return table


def truth_by_number(brand: Any) -> pd.DataFrame:
    """What an invented brand would have earned at other numbers of promotions a month, simulated again.

    brand  ->  table (messages a month): per_month, contribution, added (contribution above that of none)
    """
    told = ((brand.truth() or {}).get("messages") or {}).get("contribution_by_messages_per_month", {})
    rows = [(float(number), float(money)) for number, money in told.items() if float(number) <= SHOWN_AT_MOST]
    table = pd.DataFrame(rows, columns=["per_month", "contribution"])
    none = table.loc[table["per_month"] == 0, "contribution"]
    return table.assign(added=table["contribution"] - (none.iloc[0] if len(none) else math.nan))


def truth_of_number(brand: Any) -> dict[str, Estimate | Refused]:
    """The number sent and the best one of an invented brand: sent, best, gain (money of all days, from the change)."""
    told = (brand.truth() or {}).get("messages")
    if not told:
        unknown = Refused("truth", "unknown", "an invented brand", "真相不得而知。", "The truth is not known.")
        return dict.fromkeys(("sent", "best", "gain"), unknown)
    how = Words("真值：把虚构品牌按别的条数重新模拟", "truth: the invented brand simulated again at other numbers")
    n = len(told["contribution_by_messages_per_month"])
    said = {
        "sent": ("sent_per_month", "messages a month", "每月促销消息数", "promotions a month"),
        "best": ("best_per_month", "messages a month", "贡献毛利最高的条数", "promotions a month that earn most"),
        "gain": ("gain_from_best", "money", "改发最佳条数多得的贡献毛利", "contribution gained at the best number"),
    }  # fmt: skip
    return {
        key: Estimate.exact(told[name], n, unit, Words(f"{zh}；{how.zh}", f"{en}; {how.en}"), truth_of_number)
        for key, (name, unit, zh, en) in said.items()
    }


# --- tables ---


def _dormant(brand: Any) -> pd.DataFrame:
    columns = {"group": "text_messages", "messages": "messages", "message_cost": "cost", "orders": "orders",
               "came_back": "came_back"}  # fmt: skip
    lot = followed(brand)
    if isinstance(lot, Refused):
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in columns.values()})
    table = lot[list(columns)].rename(columns=columns)
    return table.assign(text_messages=table["text_messages"] == "with_message")


def _funnel(brand: Any) -> pd.DataFrame:
    if not brand.has("messages"):
        return pd.DataFrame(columns=["channel", "stage", "messages", "recorded"])
    parts = []
    for channel in sorted(_promotions(brand)["channel"].unique()):
        part = pool_effect.message_funnel(brand.scan("messages"), brand.scan("orders"), brand.observed_until, channel)
        parts.append(part.assign(channel=channel)[["channel", "stage", "messages", "recorded"]])
    return pd.concat(parts, ignore_index=True)


def _pressure(brand: Any) -> pd.DataFrame:
    if not (brand.has("members") and brand.has("messages")):
        return pd.DataFrame(columns=["customer", "messages", "order_days"])
    end = pd.Timestamp(brand.observed_until) + DAY
    begin = end - SETTINGS["pressure_days"] * DAY
    stays = brand.table("members")
    whole = (stays["joined_at"] <= begin) & (stays["left_at"].isna() | (stays["left_at"] >= end))
    sent, orders = _promotions(brand), brand.table("orders")
    ours = sent["channel"].isin(_channels(brand)) & (sent["sent_at"] >= begin) & (sent["sent_at"] < end)
    got = sent[ours].groupby("customer_id").size()
    lately = orders[(orders["ordered_at"] >= begin) & (orders["ordered_at"] < end)]
    days = lately["ordered_at"].dt.normalize().groupby(lately["customer_id"]).nunique()
    table = pd.DataFrame({"customer": sorted(stays.loc[whole, "customer_id"].unique())})
    for name, counts in (("messages", got), ("order_days", days)):
        table[name] = table["customer"].map(counts).fillna(0).astype("int64")
    return table[table["messages"] > 0].reset_index(drop=True)


def _promotions(brand: Any) -> pd.DataFrame:
    """Promotions to known customers: customer_id, sent_at, channel."""
    columns = ["customer_id", "sent_at", "channel", "kind"]
    sent = brand.scan("messages").select(columns).collect().to_pandas()
    ours = (sent["kind"].isna() | (sent["kind"] == "promotion")) & sent["customer_id"].notna()
    return sent[ours].drop(columns="kind").astype({"channel": str})


def _channels(brand: Any) -> list[str]:
    """Channels that write to members."""
    return pool_effect.pool_channels(brand.scan("messages"), brand.scan("members"), brand.observed_until)


# --- exercises ---


def _woken(lot: pd.DataFrame, dormant: pd.DataFrame) -> Exercise:
    side = dormant.groupby("text_messages")["came_back"].mean()
    got = dormant[dormant["text_messages"] & (dormant["messages"] > 0)]["came_back"].mean()
    return Exercise(
        "woken", pool_effect.value_of_message(lot)["share_difference"].value, "share", 0.002,
        Words(
            "扣掉不发也会回来的人，剩下的才是短信唤醒的。两边按抽签分，收没收到都算在自己那一边。",
            "Less those who return without a message: only the rest were woken by it. The sides are those of the draw, "
            "whether or not a message arrived.",
        ),
        Words(
            "没有短信的那一边，有多少人自己回来了？",
            "How many on the side without texts came back by themselves?",
        ),
        (
            WrongAnswer("came_back_with_messages", side[True], Words(
                "这是可以收短信的一边回来的占比。其中有些人不发也会回来：减去没有短信的那一边。",
                "That is the share who came back on the side with texts. Some of them would have come anyway: subtract "
                "the side without.",
            )),
            WrongAnswer("came_back_without_messages", side[False], Words(
                "这是没有短信也会回来的占比，是对照，不是唤醒。",
                "That is the share who return without texts: the control, not those woken.",
            )),
            WrongAnswer("only_who_got_a_message", got - side[False], Words(
                "这里只留了真正收到短信的人。有些人还没等到短信就自己回来了，被你挑掉了：挑过的比没挑过的。按抽签分的两边，全部都算。",
                "Only those who were actually sent a text are kept here. Some came back before the first text and were "
                "sorted out: a picked group against one that is not. Count everybody on each side of the draw.",
            )),
            WrongAnswer("relative", side[True] / side[False] - 1, Words(
                "这是相对增幅。题目问的是占客户的比例，两个占比相减就行。",
                "That is the relative increase. The question asks for a share of customers: subtract one share from "
                "the other.",
            )),
        ),
    )  # fmt: skip


def _cost(lot: pd.DataFrame, dormant: pd.DataFrame) -> Exercise:
    found = pool_effect.cost_per_incremental_order(lot)
    if isinstance(found, Refused):
        raise ValueError(f"The lesson cannot be held on this brand: {found.reason_en}")
    side = dormant.groupby("text_messages")[["cost", "orders", "came_back", "messages"]].mean()
    more = side.loc[True] - side.loc[False]
    return Exercise(
        "cost_per_added_order", found.value, "money per order", 0.05,
        Words(
            "分子分母都是两边之差：多花的钱，除以多出来的订单。",
            "Both numerator and denominator are differences between the sides: money added over orders added.",
        ),
        Words(
            "短信多花了多少钱？多带来了多少订单？两个都是每人平均，两边相减。",
            "How much more money did the texts take, and how many more orders did they bring? Both per customer, one "
            "side less the other.",
        ),
        (
            WrongAnswer("over_all_orders", side.loc[True, "cost"] / side.loc[True, "orders"], Words(
                "分母是发了短信的一边的全部订单。大部分订单不发也会有，不能让短信来分摊成本。",
                "The denominator is all orders of the side with texts. Most of them would be there anyway and cannot "
                "share the cost.",
            )),
            WrongAnswer("over_customers_woken", more["cost"] / more["came_back"], Words(
                "这是每多唤醒一位客户的成本。题目问的是订单：一位客户可以下好几单。",
                "That is the cost per customer woken. The question is about orders, and a customer may make several.",
            )),
            WrongAnswer("cost_of_a_message", side.loc[True, "cost"] / side.loc[True, "messages"], Words(
                "这是一条短信的价钱。要多少条短信才换来一笔多出来的订单？",
                "That is the price of one text. How many texts does one added order take?",
            )),
        ),
    )  # fmt: skip


def _read(brand: Any, funnel: pd.DataFrame) -> Exercise:
    every = pool_effect.message_funnel(brand.scan("messages"), brand.scan("orders"), brand.observed_until, None)
    wide = funnel.pivot(index="channel", columns="stage", values="messages")
    return Exercise(
        "read", float(every.set_index("stage").loc["read", "share_of_sent"]), "share", 0.003,
        Words(
            "短信没有已读回执：没有记录，不等于没有人读。分母只算记录了已读的消息。",
            "Texts have no read receipt: not recorded does not mean not read. The denominator holds only messages "
            "whose reading is recorded.",
        ),
        Words(
            "哪些渠道根本没有记录“已读”？它们的消息能放进分母吗？看 recorded 这一列。",
            "Which channels record no reading at all? Can their messages be in the denominator? Look at recorded.",
        ),
        (
            WrongAnswer("blank_as_zero", wide["read"].fillna(0).sum() / wide["sent"].sum(), Words(
                "短信那一格是空，不是零。把它们放进分母，等于断定没有一个人读过短信。只留记录了已读的渠道。",
                "The cell of the texts is blank, not zero. To put them in the denominator is to claim that nobody "
                "read a single one. Keep only channels whose reading is recorded.",
            )),
            WrongAnswer("mean_of_channels", (wide["read"].fillna(0) / wide["sent"]).mean(), Words(
                "两个错：空格当成了零，而且各渠道不管发了多少都一样重。去掉没有记录的渠道，先加总，再相除。",
                "Two mistakes: the blank taken for zero, and every channel weighs the same, however much it sent. "
                "Leave out what is not recorded, add up first, then divide.",
            )),
            WrongAnswer("of_delivered", wide["read"].sum() / wide.loc[wide["read"].notna(), "delivered"].sum(), Words(
                "分母成了送达的消息。题目问的是发出的消息里有多少被读；两种都有人用，写明就行，但不能混。",
                "The denominator is messages delivered. The question asks what part of those sent was read; both are "
                "in use, so say which, and do not mix them.",
            )),
        ),
    )  # fmt: skip


def _contacts(brand: Any, pressure: pd.DataFrame) -> Exercise:
    found = pool_effect.contact_pressure(
        *(brand.scan(name) for name in ("messages", "orders", "members")), brand.observed_until, _channels(brand)
    )["pressure"]
    if isinstance(found, Refused):
        raise ValueError(f"The lesson cannot be held on this brand: {found.reason_en}")
    buyers = pressure[pressure["order_days"] > 0]
    return Exercise(
        "contact_pressure", found.value, "messages per purchase", 0.1,
        Words(
            "每买一次，要挨多少条消息。没有下单的人也收了消息，所以也在分子里。",
            "How many messages for each purchase. Those who did not order were sent messages too, so they count.",
        ),
        Words(
            "把所有人的消息加起来，所有人的下单天数加起来，再相除。没下单的人要不要算？",
            "Add up everybody's messages and everybody's order days, then divide. Do those without an order count?",
        ),
        (
            WrongAnswer("buyers_only", buyers["messages"].sum() / buyers["order_days"].sum(), Words(
                "没有下单的人被丢掉了：他们正是挨了消息却什么也没买的人，也要算进去。",
                "Those without an order were dropped: they are just the ones who got messages and bought nothing. "
                "Put them back.",
            )),
            WrongAnswer("mean_of_each_buyer", (buyers["messages"] / buyers["order_days"]).mean(), Words(
                "先给每个人算、再取平均，没下单的人除以零被丢掉了。先加总，再相除。",
                "A ratio for each, then the mean, drops those without an order, whose ratio divides by zero. Add up "
                "first, then divide.",
            )),
            WrongAnswer("messages_per_customer", pressure["messages"].mean(), Words(
                "这是人均消息数，没有和购买比。同样的条数，对每周都来的人不多，对一年来两次的人就是轰炸。",
                "That is messages per customer, not set against purchases. The same number is little for somebody who "
                "comes every week and a bombardment for one who comes twice a year.",
            )),
        ),
    )  # fmt: skip
