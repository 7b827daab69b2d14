"""The toll road: what customers who buy again still pay the platform for, and what moving them to an own road saves.

The article: customers with two deals and more still pay a toll. The toll is commission, and advertising that wins the
same customer once more. What a brand's orders record of it is `pool.tolls.tolls`; here it becomes an account: what can
be saved at most, and what is left after the own road's costs and the customers who do not follow.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math

import pandas as pd

from siyu_helpers.analysis.concept.models import Model, Slider, number, stated
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.evidence import Evidence
from siyu_helpers.analysis.pool.inputs import PoolInputs

MOVED = tuple(round(0.05 * step, 2) for step in range(21))  # shares of repeat orders moved: the rows of the table
COLUMNS = ["moved", "orders", "toll_saved", "own_fees", "lost", "running", "net"]
FIGURES = (
    "toll_road_moved", "toll_road_toll", "toll_road_ceiling", "toll_road_per_order", "toll_road_net",
    "toll_road_break_even", "toll_road_all_moved",
)  # fmt: skip
SLIDER = Slider(
    "moved", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    Words("转到自有渠道的复购订单占比", "Share of repeat orders moved to own channels"), "share",
)  # fmt: skip


def toll_road(
    orders: float = 2_000,
    order_value: float = 150,
    commission: float = 0.05,
    ads: float = 8,
    moved: float = 0.3,
    payment_fee: float = 0.006,
    reward: float = 3,
    running: float = 5_000,
    lost: float = 0.03,
    margin: float = 0.4,
) -> Model:
    """The toll on repeat orders, and what is saved by moving a share of them to own channels.

    plain numbers  ->  Model: table (share moved), figures

    Parameters
    ----------
    orders : repeat orders a month that go through the platform.
    order_value : money per order, paid less refunds.
    commission : share of what is paid that the platform keeps.
    ads : money per order
        Advertising spent to win a customer who had bought before once more.
    moved : share of these orders moved to own channels.
    payment_fee : share of what is paid, on the own channel.
    reward : money per order
        Coupon, parcel card or service that a moved order costs.
    running : money a month
        Of the own channel, paid as soon as one order is moved: staff, software.
    lost : share of the orders moved that are then not placed at all.
    margin : share
        Contribution of an order over what is paid, after commission: what a lost order costs, with the toll it would
        have paid no longer due.

    Returns
    -------
    Model
        table : moved (0 to 1); orders : a month, those lost among them; money a month: toll_saved, own_fees (payment
        and reward), lost, running, net.
        figures : toll_road_moved (as given), toll_road_toll (a month),
        toll_road_ceiling (payment fee off, all moved: the most that can be saved),
        toll_road_per_order (saved on an order moved, before running costs), toll_road_net (at `moved`),
        toll_road_break_even (share from which on moving pays), toll_road_all_moved (net with all moved).

    Raises
    ------
    ValueError
        A share outside 0 to 1 or a negative number.

    Notes
    -----
    Net = moved x orders x per order - running, so that the break-even share is running / (orders x per order).

    Example
    -------
    >>> found = toll_road(orders=1000, order_value=100, commission=0.05, ads=0, payment_fee=0.01, reward=1, lost=0,
    ...                   running=1500)
    >>> found.figures["toll_road_toll"].value, round(found.figures["toll_road_break_even"].value, 9)
    (5000.0, 0.5)
    """
    given = {
        "orders": number("orders", orders), "order_value": number("order_value", order_value),
        "commission": number("commission", commission, most=1), "ads": number("ads", ads),
        "payment_fee": number("payment_fee", payment_fee, most=1), "reward": number("reward", reward),
        "running": number("running", running), "lost": number("lost", lost, most=1),
        "margin": number("margin", margin, -1, 1),
    }  # fmt: skip
    moved = number("moved", moved, most=1)
    table = pd.DataFrame([_row(given, share) for share in MOVED], columns=COLUMNS)
    return Model(table, _figures(given, moved, toll_road))


def toll_road_of_brand(
    toll: Evidence,
    inputs: PoolInputs | None = None,
    moved: float = 0.3,
    payment_fee: float = 0.006,
    reward: float = 0.0,
    running: float | None = None,
    ads: float | None = None,
    lost: float = 0.0,
) -> Model:
    """The toll road with a brand's own repeat orders and fees.

    Evidence of `tolls` [, PoolInputs]  ->  Model, see `toll_road`

    Parameters
    ----------
    toll : Evidence
        From `industry_fit.tolls`. Orders are those of the second and later purchases whose fee is known; a month is a
        twelfth of the last 365 days, so that twelve times the toll, advertising apart, is its toll_ceiling.
    inputs : PoolInputs, optional
        From `industry_fit.brand_inputs`: staff, software and content a month as `running`, advertising saved on a moved
        order as `ads`, the margin. Without: 0, 0 and not counted.
    running, ads : number, optional
        Instead of those. All of the pool's costs are set against the toll, though they serve more than that.
    moved, payment_fee, reward, lost : see `toll_road`

    Returns
    -------
    Model; with an empty table and all figures refused where `toll_ceiling` is, or no fee was paid.

    Notes
    -----
    Orders on own channels already are among them with the fee they record: a payment fee there cancels against the
    payment fee here.

    Example
    -------
    >>> rule, words = None, Words("", "")
    >>> table = pd.DataFrame({"purchase": [1, 2], "orders": [50, 100], "sales": [1.0, 10_000.0], "fees": [1.0, 500.0]})
    >>> ceiling = Estimate.exact(600, 90, "money", words, "")
    >>> found = toll_road_of_brand(Evidence(table, {"toll_ceiling": ceiling}, rule))
    >>> round(12 * found.figures["toll_road_toll"].value, 9)
    600.0
    """
    for name, value in (("running", running), ("ads", ads)):
        if value is not None:
            number(name, value)
    ceiling = toll.figures["toll_ceiling"]
    later = toll.table[toll.table["purchase"] > 1]
    orders, sales, fees = (math.fsum(later[name].astype(float)) for name in ("orders", "sales", "fees"))
    if isinstance(ceiling, Refused):
        return _nothing(ceiling)
    if min(orders, sales, fees, ceiling.value) <= 0:
        return _nothing(_no_fees())
    typical = {} if inputs is None else inputs.typical()
    fixed = math.fsum(typical.get(name, 0.0) for name in ("staff_cost", "tool_cost", "content_cost"))
    commission = min(fees / sales, 1.0)
    value = sales / orders
    return toll_road(
        ceiling.value / 12 / commission / value, value, commission,
        typical.get("reacquisition_saved", 0.0) if ads is None else ads, moved, payment_fee, reward,
        fixed if running is None else running, lost, typical.get("margin", 0.0),
    )  # fmt: skip


def _toll(given: dict) -> float:
    """Toll of an order: commission, and advertising to win it."""
    return given["order_value"] * given["commission"] + given["ads"]


def _parts(given: dict) -> tuple[float, float, float]:
    """Of an order moved: toll saved, fees on the own channel, contribution lost where it is not placed."""
    own = given["order_value"] * given["payment_fee"] + given["reward"]
    # An order that is not placed brings no contribution, and there is no toll to save nor own fee to pay on it. The
    # margin is after commission, advertising was to be paid on top.
    kept = 1 - given["lost"]
    gone = given["lost"] * (given["order_value"] * given["margin"] - given["ads"])
    return _toll(given) * kept, own * kept, gone


def _row(given: dict, share: float) -> tuple[float, ...]:
    orders = given["orders"] * share
    saved, own, gone = (part * orders for part in _parts(given))
    running = given["running"] if share else 0.0
    return share, orders, saved, own, gone, running, saved - own - gone - running


def _figures(given: dict, moved: float, function) -> dict[str, Estimate | Refused]:
    saved, own, gone = _parts(given)
    each = saved - own - gone
    orders, toll = given["orders"], _toll(given)
    ceiling = orders * max(0.0, toll - given["order_value"] * given["payment_fee"])
    values: dict[str, float | Refused] = {
        "toll_road_moved": moved,
        "toll_road_toll": orders * toll,
        "toll_road_ceiling": ceiling,
        "toll_road_per_order": each,
        "toll_road_net": _row(given, moved)[-1],
        "toll_road_break_even": _break_even(orders * each, given["running"]),
        "toll_road_all_moved": _row(given, 1.0)[-1],
    }
    return {
        key: value if isinstance(value, Refused) else stated(value, _UNITS.get(key, "money a month"), _WORDS[key],
                                                             function, orders)
        for key, value in values.items()
    }  # fmt: skip


def _break_even(all_moved: float, running: float) -> float | Refused:
    """Share moved from which on the own channel's costs are covered; all_moved: saved before running costs."""
    if all_moved <= 0:
        return Refused(
            "saving per order", 0, "> 0",
            "每转移一笔订单省下的，抵不过自有渠道的手续费、奖励和流失：转得越多亏得越多。",
            "What a moved order saves does not cover fees, reward and lost orders: moving more loses more.",
        )  # fmt: skip
    if running > all_moved:
        return Refused(
            "share moved", f"{running / all_moved:.0%}", "100%",
            "就算复购订单全部转到自有渠道，省下的过路费也不够付它的运营费用：只省过路费养不起自有渠道。",
            "Even with all repeat orders moved, the toll saved does not pay the own channel's running costs: saving "
            "the toll alone does not carry it.",
        )  # fmt: skip
    return running / all_moved


def _no_fees() -> Refused:
    return Refused(
        "fees", 0, "> 0", "复购订单没有交过平台扣点，没有过路费可省。",
        "No platform fee was paid on repeat orders: there is no toll to save.",
    )  # fmt: skip


def _nothing(refused: Refused) -> Model:
    return Model(pd.DataFrame(columns=COLUMNS).astype(float), dict.fromkeys(FIGURES, refused))


_UNITS = {"toll_road_moved": "share", "toll_road_per_order": "money per order", "toll_road_break_even": "share"}
_WORDS = {
    "toll_road_moved": Words("转到自有渠道的复购订单占比，给定",
                             "share of repeat orders moved to own channels, as given"),
    "toll_road_toll": Words("每月复购订单的过路费：平台扣点 ＋ 重新拉回老客户的投放费",
                            "toll on repeat orders a month: commission, and advertising to win old customers once "
                            "more"),
    "toll_road_ceiling": Words("每月最多能省下的：全部转到自有渠道，过路费 － 支付手续费，其他费用一概不计",
                               "the most that can be saved a month: all moved, toll less payment fees, no other cost"),
    "toll_road_per_order": Words("每转移一笔订单省下的钱：已扣支付手续费、奖励和没跟过来的订单，未扣运营费用",
                                 "saved on an order moved: less payment fee, reward and orders lost, before running "
                                 "costs"),
    "toll_road_net": Words("按所选转移占比，每月净省下的钱", "net saving a month at the share moved"),
    "toll_road_break_even": Words("至少要把这个占比的复购订单转到自有渠道，才付得起它的运营费用",
                                  "share of repeat orders that must move for the own channel to pay its running costs"),
    "toll_road_all_moved": Words("全部转到自有渠道时，每月净省下的钱",
                                 "net saving a month with all repeat orders moved"),
}  # fmt: skip
