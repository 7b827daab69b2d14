"""Platforms keep the data: how much of each shop's orders the brand can tie to a customer, a channel and a touch.

The matrix is counted in the brand's own orders, as its exports hold them; beside it stand the scores of the channel
table, where given. Opens no files and draws nothing; orders may be any frame that narwhals takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.effect.linkage import LINKED_AT_LEAST, linked_share
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
FIELDS = ("customer_id", "acquired_through", "list_amount", "refunded", "cost", "platform_fee")
COLUMNS = ["shop", "orders", "revenue", "linked_orders", "linked_revenue",
           *(f"known_{name}" for name in FIELDS[1:])]  # fmt: skip
CLAIM = Words(
    "客户与交易数据是平台的核心资产，不会全部给商家",
    "customer and transaction data are the platforms' core asset, and they do not hand over all of it",
)


def data_access(
    orders: Any,
    observed_until: order_log.DateLike,
    channels: Mapping[str, Any] | None = None,
    definitions: pd.DataFrame | None = None,
    linked_at_least: float = LINKED_AT_LEAST,
) -> Evidence:
    """What the brand knows of its orders, shop by shop: who bought, through which channel, at what cost.

    orders (one paid order), channels, channel_definitions  ->  Evidence: table (shop), figures, rule

    Parameters
    ----------
    orders : any frame that narwhals takes
        customer_id (blank: nobody knows who), ordered_at, amount [sold_through, acquired_through, list_amount,
        refunded, cost, platform_fee].
    observed_until : date
    channels : dict, optional
        The brand's channels -> domain, or a mapping with it under "domain".
    definitions : DataFrame, optional
        channel_definitions: channel, data_access (0 to 1, ours and the sources').
    linked_at_least : share
        Of a shop's revenue; below, its customers are out of the brand's sight.

    Returns
    -------
    Evidence
        table : shop ("all" first, then by revenue), orders, revenue, linked_orders, linked_revenue (shares with a
        customer), known_acquired_through, known_list_amount, known_refunded, known_cost, known_platform_fee (shares of
        orders with the field filled in; blank where the table has no such column).
        figures : data_linked (share of revenue with a customer), data_worst_shop (of the shop with the least),
        data_channel_known (share of orders whose channel is known), data_score_public and data_score_private (mean
        score of data access over the brand's channels of the domain).
        rule : agrees where a shop falls below `linked_at_least`; disagrees where all shops reach it; "cannot be told"
        where the export names no shop, or holds identified customers only.

    Notes
    -----
    An export that leaves out orders of unknown customers links all it holds. It shows as linked in full, which is why
    full linkage everywhere reads as "cannot be told".

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 2, None], "amount": 50.0, "ordered_at": pd.Timestamp("2024-06-05"),
    ...                     "sold_through": ["own", "own", "douyin"]})
    >>> found = data_access(log, "2024-06-30")
    >>> found.table[["shop", "linked_revenue"]].values.tolist(), found.rule.agrees
    ([['all', 0.6666666666666666], ['own', 1.0], ['douyin', 0.0]], 'agrees')
    """
    orders = touches.typed_if_empty(orders, ordered_at="datetime64[us]", amount="float64")
    table = linked_share(orders, observed_until)
    table = table.merge(_known(orders, observed_until), on="shop", how="left").reindex(columns=COLUMNS)
    shops = table[(table["shop"] != "all") & (table["shop"] != "unknown")].dropna(subset=["linked_revenue"])
    figures = {
        "data_linked": _linked(table[table["shop"] == "all"], Words(
            "销售额中能对应到客户的占比", "share of revenue with a customer")),
        "data_worst_shop": _worst(shops),
        "data_channel_known": _channel_known(table),
        **_scores(channels, definitions),
    }  # fmt: skip
    return Evidence(table, figures, _rule(figures, shops, linked_at_least))


def _known(orders: Any, observed_until: order_log.DateLike) -> pd.DataFrame:
    """Share of orders with each field filled in, by shop and for all."""
    until = order_log.day_number(observed_until, "observed_until")
    frame = order_log.lazy(orders)
    kinds = frame.collect_schema()
    fields = [name for name in FIELDS[1:] if name in kinds.names()]
    at = order_log.as_moment("ordered_at", kinds).alias("ordered_at")
    shop = nw.col("sold_through").cast(nw.String) if "sold_through" in kinds.names() else nw.lit(None).cast(nw.String)
    filled = [(~nw.col(name).is_null()).cast(nw.Int64).alias(name) for name in fields]
    told = order_log.with_day_and_period(frame.select(shop.alias("shop"), at, *filled), "ordered_at", "month")
    told = (
        told.filter(nw.col("day") <= until)
        .group_by("shop")
        .agg(nw.len().alias("orders"), *(nw.col(name).sum() for name in fields))
    )
    home = pd.DataFrame(told.collect("pandas").to_native())
    home["shop"] = home["shop"].astype(object).where(home["shop"].notna(), "unknown")
    home = home.groupby("shop").sum()
    counted = pd.concat([home, home.sum().to_frame("all").T])
    found = counted[fields].div(counted["orders"].where(counted["orders"] > 0), axis=0).astype(float)
    return found.add_prefix("known_").rename_axis("shop").reset_index()


def _linked(row: pd.DataFrame, words: Words) -> Estimate | Refused:
    if row.empty or math.isnan(row["linked_revenue"].iloc[0]):
        return evidence.nothing_to_divide()
    return Estimate.exact(row["linked_revenue"].iloc[0], int(row["orders"].iloc[0]), "share", words, data_access)


def _worst(shops: pd.DataFrame) -> Estimate | Refused:
    if shops.empty:
        return evidence.no_column("orders", "sold_through", "成交店铺", "record of the shop an order was placed in")
    row = shops.sort_values(["linked_revenue", "revenue"], ascending=[True, False]).head(1)
    name = row["shop"].iloc[0]
    return _linked(row, Words(
        f"对应到客户最少的店铺（{name}）：销售额中能对应到客户的占比",
        f"shop with the fewest known customers ({name}): share of its revenue with a customer"))  # fmt: skip


def _channel_known(table: pd.DataFrame) -> Estimate | Refused:
    row = table[table["shop"] == "all"]
    known = row["known_acquired_through"].iloc[0] if len(row) else math.nan
    if math.isnan(known):
        return evidence.no_column("orders", "acquired_through", "成交渠道", "channel of an order")
    words = Words("记录了成交渠道的订单 ÷ 全部订单", "orders whose channel is recorded / all orders")
    return Estimate.exact(known, int(row["orders"].iloc[0]), "share", words, data_access)


def _scores(channels: Mapping[str, Any] | None, definitions: pd.DataFrame | None) -> dict[str, Estimate | Refused]:
    missing = Refused(
        "channels", "none", "channels and channel_definitions",
        "没有品牌的渠道或渠道评分表，数据可得性无从比较。",
        "The brand's channels or their scores are not given: access to data cannot be compared.",
    )  # fmt: skip
    found: dict[str, Estimate | Refused] = dict.fromkeys(("data_score_public", "data_score_private"), missing)
    if not channels or definitions is None or not {"channel", "data_access"} <= set(definitions.columns):
        return found
    scores = definitions.set_index("channel")["data_access"]
    for domain, said in (("public", Words("公域", "public")), ("private", Words("私域", "private"))):
        names = [name for name, kept in channels.items()
                 if (kept.get("domain") if isinstance(kept, Mapping) else kept) == domain]  # fmt: skip
        known = scores.reindex([name for name in names if name in scores.index]).dropna()
        if len(known):
            words = Words(
                f"本品牌{said.zh}渠道的“数据可得性”平均分（0 至 1，本手册评分）",
                f"mean score of access to data over the brand's {said.en} channels (0 to 1, our scores)",
            )
            mean = float(np.mean(known.astype(float)))
            found[f"data_score_{domain}"] = Estimate.exact(mean, len(known), "", words, data_access)
    return found


def _rule(figures: dict[str, Estimate | Refused], shops: pd.DataFrame, at_least: float) -> RuleResult:
    agrees = OPEN
    if len(shops) and (shops["linked_revenue"] < at_least).any():
        agrees = AGREES
    elif len(shops) and (shops["linked_revenue"] < 1).any():
        agrees = DISAGREES
    return RuleResult("data_access", CLAIM, figures, agrees, _READING[agrees])


_READING = {
    AGREES: Words(
        "至少一个店铺的订单大多对应不到客户：这部分客户的复购看不见，比较私域内外时会偏向私域",
        "at least one shop's orders can mostly not be tied to a customer: repurchase there is out of sight, and any "
        "comparison of the pool with others favours the pool",
    ),
    DISAGREES: Words(
        "各店铺的订单大多能对应到客户：数据留在平台的问题在本品牌不严重",
        "most orders of every shop can be tied to a customer: little is kept from this brand",
    ),
    OPEN: Words(
        "导出的订单没有店铺，或全部都有客户标识，可能只导出了可识别的客户：平台留下了多少，从表里看不出来",
        "the export names no shop, or holds a customer on every order and may have left the others out: what platforms "
        "keep cannot be seen in it",
    ),
}
