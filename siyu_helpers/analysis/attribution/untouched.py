"""Untouched orders: those without a recorded touch, which no rule can credit, by the channel that brought them.

A customer who comes by word of mouth leaves no touch. Said of the orders with a journey alone, the share of the pool is
too low by these; here they are put beside the others.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu_helpers.analysis.attribution import paths as journey_paths
from siyu_helpers.analysis.attribution.hand_overs import ORDERS_AT_LEAST, domains_of
from siyu_helpers.analysis.estimates import LEVEL, Refused, Words, share

NAMES = ("untouched", "private", "closed_of_all")


def untouched_orders(journeys: pd.DataFrame, domains: dict[str, str], level: float = LEVEL) -> dict[str, Any]:
    """How many orders have no recorded touch, how many of those the pool brought, and how many orders it closes in all.

    table (path)  ->  "untouched", "private", "closed_of_all", each an Estimate of unit "share"; "channel"

    Parameters
    ----------
    journeys : DataFrame
        As `journeys` makes it of orders that have a column acquired_through.
    domains : dict
        Channel -> "public", "semi" or "private", as in brand.yml. Other channels are not of the pool.
    level : float

    Returns
    -------
    dict. All shares are of orders that count and have a customer: with conversions_of="new_customers" first orders.
        untouched : of all of them, those without a recorded touch.
        private : of those without one, the ones whose acquired_through is a private channel.
        closed_of_all : of all of them, those the pool closes: with a journey, by their last touch; without one, by
            acquired_through.
        channel : private channel with most orders without a touch (the first by name, where several tie), or None.
    Refused where the orders did not state how they were acquired, where every order has a touch, and below 30 orders to
    take a share of. closed_of_all is refused too where a journey stands for several orders (per="person").

    Raises
    ------
    ValueError
        For a domain that is none of the three.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed",), ("feed", "wecom")], "conversions": [50, 10], "nulls": 0})
    >>> table.attrs = {"untouched": {"referral": 30, "unknown": 10}, "flow": {"orders_with_journey": 60}}
    >>> found = untouched_orders(table, {"feed": "public", "wecom": "private", "referral": "private"})
    >>> found["untouched"].value, found["private"].value, found["closed_of_all"].value, found["channel"]
    (0.4, 0.75, 0.4, 'referral')
    """
    without: dict[str, int] = journeys.attrs.get("untouched", {})
    if refused := _missing(journeys.attrs):
        return dict.fromkeys(NAMES, refused) | {"channel": None}
    encoded, flow = journey_paths.encode(journeys), journeys.attrs.get("flow", {})
    last = encoded.codes[encoded.starts[1:] - 1]
    closed = float(encoded.conversions[(domains_of(encoded.channels, domains) == "private")[last]].sum())
    with_journey = int(flow.get("orders_with_journey", round(encoded.conversions.sum())))
    names, counts = list(without), list(without.values())
    of_pool = {name: count for name, count, its in zip(names, counts, domains_of(names, domains), strict=True)
               if its == "private"}  # fmt: skip
    of = sum(counts) + with_journey + int(flow.get("orders_only_direct", 0))
    words = _words(journeys.attrs.get("conversions_of") == "new_customers")
    hits = {
        "untouched": (sum(counts), of),
        "private": (sum(of_pool.values()), sum(counts)),
        "closed_of_all": (round(closed) + sum(of_pool.values()), of),
    }
    found: dict[str, Any] = {
        name: share(*hits[name], level, words[name], untouched_orders)
        if hits[name][1] >= ORDERS_AT_LEAST
        else _too_few(hits[name][1])
        for name in NAMES
    }
    if with_journey != round(encoded.conversions.sum()):
        found["closed_of_all"] = _other_unit()
    return found | {"channel": min(of_pool, key=lambda name: (-of_pool[name], name), default=None)}


def _missing(attrs: dict[str, Any]) -> Refused | None:
    if "untouched" not in attrs:
        zh = "订单没有获客渠道（acquired_through），没有触点记录的订单从哪里来无从得知。"
        en = "The orders have no acquired_through: what brought those without a recorded touch is not known."
        return Refused("acquired_through", "missing", "a column of orders", zh, en)
    if not attrs["untouched"]:
        zh, en = "每笔计入的订单都有触点记录。", "Every order that counts has a recorded touch."
        return Refused("orders without a touch", 0, 1, zh, en)
    return None


def _too_few(orders: int) -> Refused:
    zh = f"只有 {orders:,} 笔订单，少于 {ORDERS_AT_LEAST}，算不出可用的占比。"
    en = f"Only {orders:,} orders, fewer than {ORDERS_AT_LEAST}: a share of so few says nothing."
    return Refused("orders", orders, ORDERS_AT_LEAST, zh, en)


def _other_unit() -> Refused:
    zh = "路径按客户合并，一条路径可能有几笔订单，无法与没有触点的订单相加。"
    en = "A journey stands for several orders of a customer: they cannot be added to the orders without a touch."
    return Refused("per", "person", "order", zh, en)


def _words(of_new: bool) -> dict[str, Words]:
    zh, en = ("新客首单", "first orders of new customers") if of_new else ("有客户编号的订单", "orders with a customer")
    return {
        "untouched": Words(f"没有触点记录的{zh}÷全部{zh}", f"{en} without a recorded touch / all {en}"),
        "private": Words(
            f"没有触点记录的{zh}中，获客渠道属于私域的占比",
            f"share of the {en} without a recorded touch that came through a channel of the pool",
        ),
        "closed_of_all": Words(
            f"由私域成交的{zh}÷全部{zh}；有触点记录的看末次触点，没有的看获客渠道",
            f"{en} closed by the pool / all {en}; by the last touch, or by the channel acquired through where no touch "
            "is recorded",
        ),
    }
