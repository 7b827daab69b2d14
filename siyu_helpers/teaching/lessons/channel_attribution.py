"""Lesson 06, channel attribution: the last touch credits whoever stands at the till, and credit is not cause."""

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import channel_attribution
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.teaching.exercises import Exercise, WrongAnswer

BRANDS = ("xiaoman", "sanli", "yunzuo")
SETTINGS = {"asked": "feed", "lookback_days": 90, "rules": ("first", "last", "linear", "markov")}
#: Journeys of an example that can be worked by hand: path, first orders at its end, journeys that ended without one.
SMALL = (
    ("feed > search", 30, 170),
    ("search", 40, 160),
    ("feed > wecom", 20, 30),
    ("feed > search > wecom", 10, 20),
)
RULE_NAMES = {
    "first": ("首次触点", "First touch"),
    "last": ("末次触点", "Last touch"),
    "linear": ("平均", "Linear"),
    "markov": ("移除效应（马尔可夫）", "Removal (Markov)"),
}


def tables(brand: Any) -> dict[str, pd.DataFrame]:
    """What the students are handed: a small example, the brand's journeys, and what would be lost without a channel.

    Returns
    -------
    dict
        "small", "journeys" (one path): path (channels in the order touched, "feed > search"), orders (journeys along
        it that ended with the first order of a new customer), no_order (journeys that ended without). "lost" (one
        channel that appears in the journeys): channel; last_touch (share of all new customers that the last touch
        credits to it, those without any recorded touch included in the whole); lost (share of all new customers that
        would not be there without the channel: the truth of an invented brand; a real one has no row).
    """
    return {"small": _small(), "journeys": _as_text(journeys(brand)), "lost": _lost(brand)}


def exercises(brand: Any, tables: dict[str, pd.DataFrame]) -> tuple[Exercise, ...]:
    """The lesson's four questions with their answers on this brand."""
    return (
        _without(tables["small"]),
        _shared(tables["small"]),
        _linear(brand, tables["journeys"]),
        _underrated(brand, tables["lost"]),
    )


def journeys(brand: Any) -> pd.DataFrame:
    """Paths of the brand up to the first order of new customers, as `channel_attribution` makes them."""
    return channel_attribution.journeys(
        *(brand.scan("touchpoints"), brand.scan("orders"), SETTINGS["lookback_days"]),
        observed_until=brand.observed_until, conversions_of="new_customers", **brand.history,
    )  # fmt: skip


def compared(brand: Any) -> pd.DataFrame:
    """Credit of each channel under the lesson's rules, of the first orders with a journey."""
    return channel_attribution.compare_rules(journeys(brand), SETTINGS["rules"])


def against_truth(brand: Any) -> pd.DataFrame:
    """Credit under each rule beside what would be lost without the channel, both as shares of all new customers."""
    told = brand.truth()
    if told is None:
        raise ValueError("Nobody knows what a real brand would lose without a channel; take an invented one.")
    everybody = told["customers"]
    return channel_attribution.credit_against_truth(
        compared(brand), told["orders_lost_without"], everybody, "new_customers", everybody
    )


def together(brand: Any) -> Estimate | Refused:
    """What would be lost without each channel in turn, added up, as a share of all new customers."""
    return channel_attribution.truth_facts(against_truth(brand))["incremental_sum"]


# --- tables ---


def _small() -> pd.DataFrame:
    return pd.DataFrame(SMALL, columns=["path", "orders", "no_order"])


def _as_text(made: pd.DataFrame) -> pd.DataFrame:
    paths = [" > ".join(path) for path in made["path"]]
    return pd.DataFrame({"path": paths, "orders": made["conversions"], "no_order": made["nulls"]})


def _lost(brand: Any) -> pd.DataFrame:
    if brand.truth() is None:
        return pd.DataFrame(columns=["channel", "last_touch", "lost"])
    table = against_truth(brand)
    table = table[(table["rule"] == "last") & ~table["channel"].isin(table.attrs["never_touched"])]
    named = table.rename(columns={"share": "last_touch", "incremental_share": "lost"})
    return named[["channel", "last_touch", "lost"]].dropna().reset_index(drop=True)


def _read(paths: pd.DataFrame) -> pd.DataFrame:
    """Paths as text back into the library's table of journeys."""
    return channel_attribution.read_paths(paths.rename(columns={"orders": "conversions", "no_order": "nulls"}))


# --- exercises ---


def _without(small: pd.DataFrame) -> Exercise:
    asked, made = SETTINGS["asked"], _read(small)
    effects = channel_attribution.removal_effects(made, removal="lose_paths").set_index("channel")["removal_effect"]
    total = small["orders"].sum()
    credited = {rule: _credit(made, rule)[asked] / total for rule in ("last", "first", "linear")}
    holds = small["path"].str.contains(asked)
    travelled = small[["orders", "no_order"]].sum(axis=1)
    shared = effects[asked] / effects.sum()
    return Exercise(
        "lost_without", effects[asked], "share", 0.005,
        Words(
            "凡是路过它的订单都算丢了：这叫移除效应。各渠道加起来超过一，因为一单可以离不开两个渠道。",
            "Every order that came past it counts as lost: this is the removal effect. Over the channels it adds up to "
            "more than one, as an order may need two of them.",
        ),
        Words(
            "一条一条看：哪些路径里有信息流？没有它，这些路就断了。",
            "Go path by path: which of them hold the feed? Without it these ways are cut.",
        ),
        (
            WrongAnswer("last_touch", credited["last"], Words(
                "这是末次触点的功劳：信息流从来不站在收银台前，所以一单也没有。可是没有它，很多人根本走不到下一步。数一数路径里有它的订单。",
                "That is the last touch's credit: the feed never stands at the till, so it gets nothing. Yet without "
                "it many would never come to the next step. Count the orders whose path holds it.",
            )),
            WrongAnswer("linear", credited["linear"], Words(
                "这是平均分的功劳。问的是没有它会丢多少，一条路断了，整单都丢，不是丢一部分。",
                "That is credit shared evenly. The question is what is lost without it: where a way is cut the whole "
                "order is lost, not a part of it.",
            )),
            WrongAnswer("share_of_journeys", travelled[holds].sum() / travelled.sum(), Words(
                "你数的是人流，没下单的路也算了进去。问的是订单里会丢多少。",
                "You counted journeys, those without an order included. The question is what part of the orders is "
                "lost.",
            )),
            WrongAnswer("shared_out", shared, Words(
                "这是把移除效应再摊成加起来等于一的功劳。问的是摊之前：没有它，订单少几成。",
                "That is the removal effect shared out again so that all add up to one. The question comes before: "
                "what share of orders is lost without it.",
            )),
        ),
    )  # fmt: skip


def _shared(small: pd.DataFrame) -> Exercise:
    made = _read(small)
    last, first = (_credit(made, rule) for rule in ("last", "first"))
    paths = made.assign(conversions=(made["conversions"] > 0).astype(float))
    return Exercise(
        "linear_by_hand", _credit(made, "linear"), "orders", 0.1,
        Words(
            "每一单在路过的渠道之间平分，加起来正好是全部订单。",
            "Each order is shared evenly over the channels it came past; the parts add up to all orders.",
        ),
        Words(
            "一条路径有几个渠道，每个就分这条路径订单的几分之一。把 path 按箭头拆开再加总。",
            "Each channel of a path gets one part of the path's orders. Split path at the arrows, then add up.",
        ),
        (
            WrongAnswer("last", last, Words(
                "这是末次触点：只有最后一个渠道有份。",
                "That is the last touch: only the last channel gets anything.",
            )),
            WrongAnswer("first", first, Words(
                "这是首次触点：只有第一个渠道有份。",
                "That is the first touch: only the first channel gets anything.",
            )),
            WrongAnswer("paths_not_orders", _credit(paths, "linear"), Words(
                "每条路径只算了一次，没有乘上它的订单数。",
                "Each path counts once here, without its number of orders.",
            )),
            WrongAnswer("everybody_in_full", _in_full(made), Words(
                "每个渠道都拿了整单，没有平分：加起来比订单还多。平台各报各的转化时，就是这样。",
                "Each channel was given the whole order, not a part: the sum is more than the orders. That is what "
                "platforms do when each reports its own conversions.",
            )),
        ),
    )  # fmt: skip


def _linear(brand: Any, paths: pd.DataFrame) -> Exercise:
    made, total = _read(paths), paths["orders"].sum()
    last, first, right = (_shares(_credit(made, rule), total) for rule in ("last", "first", "linear"))
    everybody = made.assign(conversions=made["conversions"] + made["nulls"])
    return Exercise(
        "linear_shares", right, "share", 0.005,
        Words(
            "和末次触点比一比：站在前面的渠道升了，收口的渠道降了。订单没变，变的只是规则。",
            "Set beside the last touch: channels at the front have risen, those that close have fallen. The orders "
            "are the same; only the rule has changed.",
        ),
        Words(
            "做法和第二题一样，只是最后除以全部订单。同一个渠道在一条路径里出现两次，就分两份。",
            "As in question two, and in the end divide by all orders. A channel that comes twice in a path gets two "
            "parts.",
        ),
        (
            WrongAnswer("last", last, Words(
                "这是末次触点的占比：前面的渠道全都白干了。",
                "Those are shares by last touch: the channels before worked for nothing.",
            )),
            WrongAnswer("first", first, Words(
                "这是首次触点的占比：把人领来之后的渠道全都白干了。",
                "Those are shares by first touch: all channels after it worked for nothing.",
            )),
            WrongAnswer("journeys_without_order", _shares(_credit(everybody, "linear"), everybody["conversions"].sum()),
                        Words(
                "没下单的路径也分了功劳：那是流量的占比，不是订单的占比。",
                "Journeys without an order were given credit too: those are shares of traffic, not of orders.",
            )),
        ),
    )  # fmt: skip


def _underrated(brand: Any, lost: pd.DataFrame) -> Exercise:
    table = lost.set_index("channel")
    gap = table["lost"] - table["last_touch"]
    # One wrong answer for each other channel that somebody has a reason to name.
    named = {
        "least_credit": (table["last_touch"].idxmin(), Words(
            "这是末次触点分得最少的渠道。分得少不等于被低估：要和“没有它会丢多少”比，看差多少。",
            "That is the channel with the least credit. Little credit is not too little: compare it with what would be "
            "lost, and take the difference.",
        )),
        "most_lost": (table["lost"].idxmax(), Words(
            "这是没有它会丢最多的渠道，可是末次触点也已经分给它很多。问的是哪个差得最多。",
            "That is the channel without which most is lost, but the last touch gives it much already. The question is "
            "where the difference is largest.",
        )),
        "most_overrated": (gap.idxmin(), Words(
            "方向反了：这个渠道的功劳比它的作用大，是被高估得最多的。",
            "The other way round: this channel has more credit than it causes and is the most overrated.",
        )),
    }  # fmt: skip
    right, taken, wrong = gap.idxmax(), {gap.idxmax()}, []
    for name, (channel, said) in named.items():
        if channel not in taken:
            wrong.append(WrongAnswer(name, channel, said))
            taken.add(channel)
    facts = channel_attribution.channel_against_truth(_seen(brand), "last", "under")
    if facts["channel"] != right:
        raise ValueError(
            f"The table of the lesson and the library disagree on the channel: {right}, {facts['channel']}."
        )
    return Exercise(
        "most_underrated", right, "", 0.0,
        Words(
            "它领来的人，后来在别的渠道成交；末次触点把功劳全给了后面的。先砍它，后面的渠道也会跟着少。",
            "It brings people who then buy by way of others, and the last touch gives these all the credit. Cut it "
            "first, and the others will shrink with it.",
        ),
        Words(
            "每个渠道算一个差：没有它会丢的，减去末次触点分给它的。",
            "One difference for each channel: what is lost without it, less what the last touch gives it.",
        ),
        tuple(wrong),
        tuple(lost["channel"]),
    )  # fmt: skip


def _seen(brand: Any) -> pd.DataFrame:
    """Credit against truth, of channels that leave touches."""
    table = against_truth(brand)
    return table[~table["channel"].isin(table.attrs["never_touched"])]


def _credit(made: pd.DataFrame, rule: str) -> dict[str, float]:
    found = channel_attribution.credit(made, rule).set_index("channel")["conversions"]
    return {str(name): float(orders) for name, orders in found.items()}


def _shares(credited: dict[str, float], total: float) -> dict[str, float]:
    return {name: float(orders / total) for name, orders in credited.items()}


def _in_full(made: pd.DataFrame) -> dict[str, float]:
    """Orders that came past each channel."""
    names = sorted({name for path in made["path"] for name in path})
    holds = {name: np.array([name in path for path in made["path"]]) for name in names}
    return {name: float(made.loc[there, "conversions"].sum()) for name, there in holds.items()}
