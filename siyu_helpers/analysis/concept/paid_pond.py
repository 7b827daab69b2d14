"""The public pond: pay for each cast, and the fish may not be yours.

The article: in a public pond one pays in advance, and the user may still not be one's own. A cast is a click (or any
contact) paid for; it may bring a first order; the buyer may come back to the brand, or stay the platform's.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition.costs import funnel_table
from siyu_helpers.analysis.concept.models import Model, Slider, number, stated
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

ENOUGH = 0.90  # probability that at least one customer stays
NEVER = 1e-12  # a probability that is none
MOST_CASTS = 20_000  # casts followed one by one for the chance of running dry
RUNGS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)  # rows of the table, of the casts that do
COLUMNS = ["casts", "cost", "buyers", "staying", "one_stays", "net", "net_deviation", "loss"]
FIGURES = (
    "paid_pond_bid", "paid_pond_cast_value", "paid_pond_deviation", "paid_pond_stay", "paid_pond_cost_per_buyer",
    "paid_pond_cost_per_staying", "paid_pond_casts", "paid_pond_casts_cost", "paid_pond_break_even_bid",
    "paid_pond_first_order_bid", "paid_pond_empty", "paid_pond_loss", "paid_pond_ruin",
)  # fmt: skip
SLIDER = Slider(
    "bid", (0.2, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0),
    Words("每竿（一次点击）的出价", "Bid for a cast (a click)"), "money",
)  # fmt: skip


def paid_pond(
    bid: float = 1.5,
    conversion: float = 0.02,
    first_order: float = 40,
    staying: float = 0.25,
    later: float = 120,
    budget: float = 500,
    casts: int = 1_000,
    enough: float = ENOUGH,
) -> Model:
    """What a paid trial is worth on average, how widely it varies, and when a small budget runs dry.

    plain numbers  ->  Model: table (number of casts), figures

    Parameters
    ----------
    bid : money per cast, paid whether a fish bites or not.
    conversion : probability that a cast brings a first order.
    first_order : money per order
        Contribution of the first order; below 0 where it is sold at a loss.
    staying : probability that a buyer comes back without being paid for again: that the fish is yours.
    later : money per customer
        Contribution of one who stays, after the first order.
    budget : money to begin with.
    casts : casts planned. Takings of first orders are put back in.
    enough : probability asked for that at least one customer stays; above 0, below 1.

    Returns
    -------
    Model
        table : casts; money: cost, net (expected, first orders and later ones), net_deviation (its standard
        deviation); buyers, staying : customers expected; one_stays : probability that at least one stays; loss :
        probability that first orders alone bring less than the casts cost.
        figures : paid_pond_bid (as given), paid_pond_cast_value (expected net of a cast), paid_pond_deviation,
        paid_pond_stay (probability that a
        cast brings a customer who stays), paid_pond_cost_per_buyer, paid_pond_cost_per_staying, paid_pond_casts (casts
        until at least one stays with the probability asked for), paid_pond_casts_cost, paid_pond_break_even_bid (cast
        value 0), paid_pond_first_order_bid (the same without later orders); of the budget: paid_pond_empty
        (probability that it brings nobody who stays), paid_pond_loss (that first orders bring less than was spent),
        paid_pond_ruin (that it cannot pay the next cast at some point before all casts planned are done).

    Raises
    ------
    ValueError
        A probability outside 0 to 1, a negative bid, later or budget, casts below 1 or above 20,000.

    Notes
    -----
    Casts are independent. Until at least one stays: log(1 - enough) / log(1 - conversion x staying), rounded up. Ruin
    is the gambler's ruin within a number of games (Feller 1968, An Introduction to Probability Theory I, chapter XIV),
    followed cast by cast over the number of buyers so far.

    Example
    -------
    >>> found = paid_pond(bid=1, conversion=0.1, first_order=5, staying=0.5, later=20)
    >>> found.figures["paid_pond_break_even_bid"].value, found.figures["paid_pond_casts"].value  # log 0.1 / log 0.95
    (1.5, 45.0)
    """
    order_log.at_least_one("casts", casts)
    if casts > MOST_CASTS:
        raise ValueError(f"casts={casts}: use {MOST_CASTS:,} or fewer")
    if not 0 < number("enough", enough, most=1) < 1:
        raise ValueError(f"enough must lie between 0 and 1, such as 0.9; got {enough!r}")
    given = {
        "bid": number("bid", bid), "conversion": number("conversion", conversion, most=1),
        "first": number("first_order", first_order, -math.inf), "staying": number("staying", staying, most=1),
        "later": number("later", later), "budget": number("budget", budget), "enough": float(enough),
    }  # fmt: skip
    return Model(_table(given, casts), _figures(given, casts))


def paid_pond_of_brand(
    spend: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    channel: str,
    first_order: float,
    staying: float,
    later: float,
    budget: float = 500,
    casts: int = 1_000,
    **history: Any,
) -> Model:
    """The public pond with a channel's own clicks: what one costs, and how many of them became customers.

    spend (channel x day), orders (one paid order)  ->  Model, see `paid_pond`

    Parameters
    ----------
    spend, orders, observed_until, history
        As in `acquisition_cost.cost_table`; spend needs the column clicks.
    channel : str
        bid is its spend over its clicks, conversion its new customers over its clicks, of all months in which both
        are recorded.
    first_order, staying, later
        From page 02: contribution of a first order, share of new customers who order again, what those bring.

    Returns
    -------
    Model; with an empty table and all figures refused where the channel has no clicks or no customers on record.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": range(40), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-20")})
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-02")], "channel": "feed", "spend": 600.0, "clicks": 400})
    >>> found = paid_pond_of_brand(spend, orders.assign(acquired_through="feed"), "2024-01-31", "feed", 4, 0.3, 20)
    >>> found.figures["paid_pond_cost_per_buyer"].value
    15.0
    """
    refused = _no_clicks()
    if spend is None or "clicks" not in order_log.lazy(spend).collect_schema().names():
        return _nothing(refused)
    if "acquired_through" not in order_log.lazy(orders).collect_schema().names():
        return _nothing(refused)
    table = funnel_table(spend, orders, observed_until, **history)
    rows = table[(table["channel"] == channel) & table["clicks"].gt(0) & table["new_customers"].notna()]
    clicks, paid, bought = (math.fsum(rows[name].astype(float)) for name in ("clicks", "spend", "new_customers"))
    if not clicks or not math.isfinite(paid):
        return _nothing(refused)
    return paid_pond(paid / clicks, min(bought / clicks, 1.0), first_order, staying, later, budget=budget, casts=casts)


# --- the model ---


def _stay(given: dict) -> float:
    return given["conversion"] * given["staying"]


def _worth(given: dict) -> float:
    """Expected contribution of a cast before it is paid for."""
    return given["conversion"] * (given["first"] + given["staying"] * given["later"])


def _deviation(given: dict) -> float:
    stays = given["conversion"] * given["staying"]
    goes = given["conversion"] - stays
    square = goes * given["first"] ** 2 + stays * (given["first"] + given["later"]) ** 2
    return math.sqrt(max(0.0, square - _worth(given) ** 2))


def _casts_needed(given: dict) -> int | None:
    """Casts until at least one customer stays with the probability asked for; None where none ever does."""
    stay = _stay(given)
    if stay >= 1:
        return 1
    rate = -math.log1p(-stay)
    return max(1, math.ceil(-math.log(1 - given["enough"]) / rate - 1e-9)) if rate > NEVER else None


def _loss(given: dict, casts: int) -> float:
    """Probability that first orders of so many casts bring less than the casts cost."""
    spent, first = casts * given["bid"], given["first"]
    if first > 0:
        enough = math.ceil(min(spent / first - 1e-9, casts + 1))  # buyers that pay for the casts
        return float(stats.binom.cdf(enough - 1, casts, given["conversion"]))
    if spent > 0 or not first:
        return float(spent > 0)
    return float(1 - (1 - given["conversion"]) ** casts)  # sold at a loss, casts for nothing


def _ruin(given: dict, casts: int) -> float:
    """Probability that the budget cannot pay for a cast at some point before all are done."""
    bid, first, conversion = given["bid"], given["first"], given["conversion"]
    chance = np.zeros(casts + 1)  # of so many buyers so far, the next cast paid for each time
    chance[0], ruined = 1.0, 0.0
    reserve = given["budget"] + np.arange(casts + 1) * first
    slack = 1e-9 * max(1.0, given["budget"])
    for cast in range(casts):
        dry = reserve[: cast + 1] - cast * bid < bid - slack
        ruined += float(chance[: cast + 1][dry].sum())
        chance[: cast + 1][dry] = 0.0
        chance[1 : cast + 2] = chance[1 : cast + 2] * (1 - conversion) + chance[: cast + 1] * conversion
        chance[0] *= 1 - conversion
    return min(1.0, ruined)


def _table(given: dict, casts: int) -> pd.DataFrame:
    most = _casts_needed(given)
    most = casts if most is None or most > MOST_CASTS else max(most, 10)
    rows = []
    for many in sorted({max(1, round(most * rung)) for rung in RUNGS}):
        net, deviation = many * (_worth(given) - given["bid"]), math.sqrt(many) * _deviation(given)
        one = 1 - (1 - _stay(given)) ** many
        bought = many * given["conversion"]
        rows.append((many, many * given["bid"], bought, many * _stay(given), one, net, deviation, _loss(given, many)))
    return pd.DataFrame(rows, columns=COLUMNS)


# --- figures ---


def _figures(given: dict, casts: int) -> dict[str, Estimate | Refused]:
    stay, needed, bid = _stay(given), _casts_needed(given), given["bid"]
    nobody = Refused(
        "customers who stay", 0, "> 0", "没有人下单，或下单的人从不回来，抛多少次竿也留不住客户。",
        "Nobody orders, or nobody who does comes back: no number of casts brings a customer who stays.",
    )  # fmt: skip
    paid = _casts_of_budget(given, casts)
    values: dict[str, float | Refused] = {
        "paid_pond_bid": bid,
        "paid_pond_cast_value": _worth(given) - bid,
        "paid_pond_deviation": _deviation(given),
        "paid_pond_stay": stay,
        "paid_pond_cost_per_buyer": bid / given["conversion"] if given["conversion"] > NEVER else nobody,
        "paid_pond_cost_per_staying": bid / stay if stay > NEVER else nobody,
        "paid_pond_casts": nobody if needed is None else needed,
        "paid_pond_casts_cost": nobody if needed is None else needed * bid,
        "paid_pond_break_even_bid": _bid(_worth(given)),
        "paid_pond_first_order_bid": _bid(given["conversion"] * given["first"]),
        "paid_pond_empty": (1 - stay) ** paid,
        "paid_pond_loss": _loss(given, paid),
        "paid_pond_ruin": _ruin(given, casts),
    }
    words = {key: Words(*(text.format(enough=given["enough"], casts=casts, paid=paid) for text in both))
             for key, both in _WORDS.items()}  # fmt: skip
    return {
        key: value if isinstance(value, Refused) else stated(value, _UNITS[key], words[key], paid_pond, paid)
        for key, value in values.items()
    }


def _casts_of_budget(given: dict, casts: int) -> int:
    """Casts that the budget pays for without any takings, up to those planned."""
    return math.floor(min(casts, given["budget"] / given["bid"] + 1e-9)) if given["bid"] > 0 else casts


def _bid(worth: float) -> float | Refused:
    if worth > 0:
        return worth
    return Refused(
        "value of a cast", worth, "> 0", "一次抛竿带不来毛利，出价多低都不划算。",
        "A cast brings no contribution: no bid is low enough.",
    )  # fmt: skip


def _no_clicks() -> Refused:
    return Refused(
        "data", "none", "spend.clicks, orders.acquired_through",
        "这个渠道没有点击记录（spend.clicks），或订单没有记录获客渠道，每次点击的价格和转化率无从计算。",
        "The channel has no clicks on record (spend.clicks), or orders name no channel: what a click costs and brings "
        "is not known.",
    )  # fmt: skip


def _nothing(refused: Refused) -> Model:
    return Model(pd.DataFrame(columns=COLUMNS).astype(float), dict.fromkeys(FIGURES, refused))


_UNITS = {
    "paid_pond_bid": "money",
    "paid_pond_cast_value": "money", "paid_pond_deviation": "money", "paid_pond_stay": "share",
    "paid_pond_cost_per_buyer": "money per customer", "paid_pond_cost_per_staying": "money per customer",
    "paid_pond_casts": "casts", "paid_pond_casts_cost": "money", "paid_pond_break_even_bid": "money",
    "paid_pond_first_order_bid": "money", "paid_pond_empty": "probability", "paid_pond_loss": "probability",
    "paid_pond_ruin": "probability",
}  # fmt: skip
_WORDS = {
    "paid_pond_bid": ("一次抛竿（点击）的价格，给定", "price of a cast (a click), as given"),
    "paid_pond_cast_value": ("一次抛竿（点击）的期望净值：转化率 ×（首单毛利 ＋ 留下的概率 × 后续毛利）－ 出价",
                             "expected net of a cast (a click): conversion x (contribution of the first order + "
                             "probability to stay x later contribution) - bid"),
    "paid_pond_deviation": ("一次抛竿净值的标准差", "standard deviation of the net of a cast"),
    "paid_pond_stay": ("一次抛竿带来一位留下的客户的概率：转化率 × 留下的概率",
                       "probability that a cast brings a customer who stays: conversion x probability to stay"),
    "paid_pond_cost_per_buyer": ("出价 ÷ 转化率：每位首购客户的花费", "bid / conversion: spent per first buyer"),
    "paid_pond_cost_per_staying": ("出价 ÷（转化率 × 留下的概率）：每位留下的客户的花费",
                                   "bid / (conversion x probability to stay): spent per customer who stays"),
    "paid_pond_casts": ("至少留下一位客户的概率达到 {enough:.0%}，需要抛多少次竿",
                        "casts until at least one customer stays with a probability of {enough:.0%}"),
    "paid_pond_casts_cost": ("至少留下一位客户的概率达到 {enough:.0%}，需要花多少钱",
                             "spent until at least one customer stays with a probability of {enough:.0%}"),
    "paid_pond_break_even_bid": ("保本出价：首单与后续的毛利刚好抵过出价",
                                 "break-even bid: first and later contribution just pay for the cast"),
    "paid_pond_first_order_bid": ("只看首单的保本出价：转化率 × 首单毛利",
                                  "break-even bid on the first order alone: conversion x its contribution"),
    "paid_pond_empty": ("预算够抛 {paid:,} 次竿，一位留下的客户都没有的概率",
                        "probability that the {paid:,} casts the budget pays for bring nobody who stays"),
    "paid_pond_loss": ("预算够抛 {paid:,} 次竿，首单毛利收不回这笔钱的概率",
                       "probability that first orders of the {paid:,} casts the budget pays for bring less than they "
                       "cost"),
    "paid_pond_ruin": ("首单毛利再投进去，还没抛完 {casts:,} 次竿，钱就不够抛下一次的概率",
                       "probability that the money runs out before {casts:,} casts are done, takings of first orders "
                       "put back in"),
}  # fmt: skip
