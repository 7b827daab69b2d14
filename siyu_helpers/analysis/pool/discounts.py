"""Discounts and tolls: how far sales rest on them, through whom, and what they leave of the money.

A discount is list_amount less amount. What is compared are orders as they were made: customers who would not have
bought at the full price are in the sums with the discount, and cannot be told from the others.

Opens no files and draws nothing. Tables may be any frame that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence, OrderRows
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
DEEP = 0.10  # ours
FULL_PRICE = 0.01  # a discount below 1% of the list price is rounding
LEAST_GAP = 1.0  # percentage points; ours: a smaller difference would not matter
COLUMNS = ["kind", "group", "orders", "customers", "list_money", "discount_money", "discount", "discount_low",
           "discount_high", "deep", "deep_low", "deep_high"]  # fmt: skip
STEPS = {
    "list": Words("折前金额", "list price"), "discount": Words("折扣", "discounts"),
    "refunds": Words("退款", "refunds"), "goods": Words("商品成本", "cost of goods"),
    "fees": Words("平台扣点", "platform fees"), "contribution": Words("贡献毛利", "contribution"),
}  # fmt: skip
CLAIM = Words("公域成交依赖折扣，毛利更薄", "sales from public traffic rely on discounts and leave less margin")
KEYS = (
    "known_share", "share", "deep_share", "public", "private", "gap", "pool", "others", "pool_gap", "full_price_repeat",
    "margin", "margin_undiscounted",
)  # fmt: skip


def discounts(
    orders: Any,
    observed_until: order_log.DateLike,
    channels: Mapping[str, str] | None = None,
    members: Any = None,
    deep: float = DEEP,
    by: str = "acquired_through",
    gross_margin: float | None = None,
    least_gap: float = LEAST_GAP,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """Share of the list price given away, overall, by traffic domain, by shop and in the pool, and what it costs.

    orders (one paid order), members (one stay)  ->  Evidence: table (group of orders), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. list_amount is the column that counts (blank or 0: left out); refunded, cost,
        platform_fee, sold_through and acquired_through are used where there.
    channels : dict, optional
        Channel -> "public", "semi" or "private", as in the brand's brand.yml.
    members : frame, optional
        customer_id, joined_at [left_at].
    deep : share
        A discount of more than this share of the list price is deep.
    by : str
        Column whose channels say the domain of an order: the traffic that brought it, or sold_through.
    gross_margin : float, optional
        For the contribution where orders hold no costs, see `order_log.contribution_rule`.
    least_gap : percentage points
        Smallest difference between public and private that would matter.

    Returns
    -------
    Evidence
        table : kind ("all", "domain", "shop" or "pool") and group; orders with a list price, their customers,
        list_money and discount_money in the brand's currency, discount : share of the list price given away, deep :
        share of orders with a deep discount; each with _low and _high, blank (NaN) for discount below 100 customers.
        Empty without list prices.
        figures : discount_known_share, discount_share, discount_deep_share, discount_public, discount_private,
        discount_gap (public less private), discount_pool (orders placed in the pool), discount_others,
        discount_pool_gap, discount_full_price_repeat (of repeat purchases, at less than 1% off), discount_margin
        (contribution over what was paid less refunds), discount_margin_undiscounted (the same had all these orders
        been made at list prices: an upper bound, as some would not have been made).
        rule : agrees when public orders are discounted more deeply than private ones, by what matters and beyond
        doubt; disagrees when the upper end of the difference is below what matters.

    Raises
    ------
    ValueError
        For a missing column, an order without amount, or parameters out of range.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 1, 2], "amount": [90.0, 100.0, 60.0]})
    >>> log["list_amount"] = [100.0, 100.0, 80.0]
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-09", "2024-01-06"])
    >>> found = discounts(log, "2024-12-31")
    >>> found.table[["kind", "orders", "list_money", "discount_money", "deep"]].round(3)
      kind  orders  list_money  discount_money   deep
    0  all       3       280.0            30.0  0.333
    >>> found.figures["discount_full_price_repeat"].value, found.figures["discount_share"].gate
    (1.0, 'customers')
    """
    check_level(level)
    if not 0 <= deep < 1:
        raise ValueError(f"deep must be a share from 0 to below 1, such as 0.1; got {deep!r}")
    columns = ("list_amount", "refunded", "cost", "platform_fee")
    rows = evidence.order_rows(orders, observed_until, columns, tuple(dict.fromkeys((by, "sold_through"))))
    off = _off(rows)
    if off is None:
        return _nothing()
    known = ~np.isnan(off)
    domain = _domains(rows, channels, by)
    inside = evidence.in_pool(rows, members)
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    groups = _groups(rows, known, domain, inside)
    table = _table(rows, off, groups, deep, level)
    figures = _figures(rows, off, groups, new, domain is not None, deep, level)
    margin = _margins(rows, known, evidence.contribution_rule(rows, gross_margin), gross_margin, level)
    figures |= margin
    return Evidence(table, figures, _rule(figures, least_gap))


def margin_waterfall(
    orders: Any, observed_until: order_log.DateLike, gross_margin: float | None = None
) -> pd.DataFrame:
    """From the list price to the contribution: what discounts, refunds, goods and platform fees take.

    orders (one paid order)  ->  table (step)

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`. Orders without a list price are left out.
    gross_margin : float, optional
        For goods and fees together where orders hold no costs.

    Returns
    -------
    DataFrame: step (key of `STEPS`), label_zh, label_en, money (what is taken is negative; the first and the last are
    totals), share (of the list price). goods holds the fees too where only a gross margin is known. Without either, it
    ends with refunds. Empty without list prices. Counted, so without intervals.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1], "amount": [90.0], "list_amount": [100.0], "cost": [40.0]})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-05"])
    >>> margin_waterfall(log, "2024-12-31")[["step", "money", "share"]].to_numpy().tolist()[-1]
    ['contribution', 50.0, 0.5]
    """
    rows = evidence.order_rows(orders, observed_until, ("list_amount", "refunded", "cost", "platform_fee"))
    rule = evidence.contribution_rule(rows, gross_margin)
    off = _off(rows)
    money: dict[str, float] = {}
    if off is not None:
        known = ~np.isnan(off)
        sums = {name: float(np.nansum(values[known])) for name, values in rows.numbers.items()}
        money = {"list": sums["list_amount"], "discount": sums["amount"] - sums["list_amount"],
                 "refunds": -sums.get("refunded", 0.0)}  # fmt: skip
        left = sum(money.values())
        if rule == "costs":
            money |= {"goods": -sums["cost"], "fees": -sums.get("platform_fee", 0.0)}
            money["contribution"] = left + money["goods"] + money["fees"]
        elif rule == "margin":
            money |= {"goods": -left * (1 - gross_margin), "contribution": left * gross_margin}
    listed = [
        (step, STEPS[step].zh, STEPS[step].en, value / order_log.MONEY_SCALE, value / money["list"])
        for step, value in money.items()
    ]
    table = pd.DataFrame(listed, columns=["step", "label_zh", "label_en", "money", "share"])
    return table.astype({"step": "str", "label_zh": "str", "label_en": "str", "money": "float64", "share": "float64"})


# --- orders and their groups ---


def _off(rows: OrderRows) -> np.ndarray | None:
    """Discount of each order as a share of its list price, NaN where there is none; None where there is none at all."""
    listed = rows.numbers.get("list_amount")
    if listed is None or not (listed > 0).any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(listed > 0, 1 - rows.numbers["amount"] / listed, np.nan)


def _domains(rows: OrderRows, channels: Mapping[str, str] | None, by: str) -> np.ndarray | None:
    """Domain of each order, "unknown" where the channel is none of the brand's; None where that is so of all."""
    if not channels or by not in rows.texts:
        return None
    for channel, domain in channels.items():
        order_log.one_of(f"the domain of {channel!r}", domain, order_log.DOMAINS)
    found = pd.Series(rows.texts[by], dtype=object).map(dict(channels)).fillna("unknown").to_numpy(dtype=object)
    return found if (found != "unknown").any() else None


def _groups(rows, known, domain, inside) -> dict[tuple[str, str], np.ndarray]:
    """The groups of orders with a list price: (kind, group) -> which orders."""
    groups = {("all", "all"): known}
    if domain is not None:
        groups |= {("domain", name): known & (domain == name) for name in (*order_log.DOMAINS, "unknown")}
    if "sold_through" in rows.texts:
        shop = pd.Series(rows.texts["sold_through"], dtype=object).fillna("unknown").astype(str).to_numpy(dtype=object)
        groups |= {("shop", name): known & (shop == name) for name in sorted(set(shop))}
    if inside is not None:
        groups |= {("pool", "in the pool"): known & inside, ("pool", "outside"): known & ~inside}
    return {key: part for key, part in groups.items() if part.any()}


def _sums(rows: OrderRows, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Discount and list price of each customer's orders in the part."""
    listed = np.where(part, rows.numbers.get("list_amount", 0.0), 0.0)
    paid = np.where(part, rows.numbers["amount"], 0.0)
    return rows.per_customer(listed - paid), rows.per_customer(listed)


def _table(rows, off, groups, deep, level) -> pd.DataFrame:
    listed = []
    for (kind, group), part in groups.items():
        given, price = _sums(rows, part)
        customers = int((price != 0).sum())
        row = [kind, group, int(part.sum()), customers, price.sum() / order_log.MONEY_SCALE]
        row += [given.sum() / order_log.MONEY_SCALE, *_ends(evidence.ratio(given, price, level))]
        listed.append([*row, *_ends(evidence.share_of_rows(off[part] > deep, rows.person[part], level))])
    kinds = {"kind": "str", "group": "str", "orders": "int64", "customers": "int64"}
    return pd.DataFrame(listed, columns=COLUMNS).astype({name: kinds.get(name, "float64") for name in COLUMNS})


def _ends(fact: Estimate | Refused) -> list[float]:
    return [np.nan] * 3 if isinstance(fact, Refused) else [fact.value, fact.low, fact.high]


# --- figures and rule ---


def _figures(rows, off, groups, new, has_domain, deep, level) -> dict[str, Estimate | Refused]:
    words = _words(deep)
    known = groups["all", "all"]
    no_domain = evidence.no_column("channels", "", "订单渠道的公私域归属", "domain of the channels of orders")
    no_members = evidence.no_column("members", "", "私域客户名单", "list of who joined the pool")
    has_pool = any(kind == "pool" for kind, _ in groups)

    def depth(kind: str, group: str, key: str, missing: Refused | None) -> Estimate | Refused:
        if missing:
            return missing
        part = groups.get((kind, group), np.zeros(len(known), dtype=bool))
        return evidence.ratio(*_sums(rows, part), level, "share", words[key], discounts)

    def apart(kind: str, first: str, second: str, key: str, missing: Refused | None) -> Estimate | Refused:
        if missing:
            return missing
        nobody = np.zeros(len(known), dtype=bool)
        sides = [_sums(rows, groups.get((kind, name), nobody)) for name in (first, second)]
        return evidence.ratio_gap(*sides, level, definition=words[key], function=discounts)

    domain, pool = None if has_domain else no_domain, None if has_pool else no_members
    later = known & (rows.day > rows.first_day[rows.person]) & new[rows.person]
    found = {
        "known_share": Estimate.exact(float(known.mean()), len(known), "share", words["known_share"], discounts),
        "share": depth("all", "all", "share", None),
        "deep_share": evidence.share_of_rows(
            off[known] > deep, rows.person[known], level, words["deep_share"], discounts
        ),
        "public": depth("domain", "public", "public", domain),
        "private": depth("domain", "private", "private", domain),
        "gap": apart("domain", "public", "private", "gap", domain),
        "pool": depth("pool", "in the pool", "pool", pool),
        "others": depth("pool", "outside", "others", pool),
        "pool_gap": apart("pool", "in the pool", "outside", "pool_gap", pool),
        "full_price_repeat": evidence.share_of_rows(
            off[later] < FULL_PRICE, rows.person[later], level, words["full_price_repeat"], discounts
        ),
    }
    return {f"discount_{key}": fact for key, fact in found.items()}


def _margins(rows, known, rule, gross_margin, level) -> dict[str, Estimate | Refused]:
    """Contribution over money, as it is and had all orders been made at list prices."""
    keys = ("discount_margin", "discount_margin_undiscounted")
    if rule == "none":
        return dict.fromkeys(keys, order_log.no_contribution())
    zero = np.zeros(len(known))
    money = {name: np.nan_to_num(rows.numbers.get(name, zero)) for name in evidence.MONEY}
    paid = money["amount"] - money["refunded"]
    # A refund gives back what was paid: at list prices, the same share of the list price.
    kept = np.divide(paid, money["amount"], out=np.ones(len(known)), where=money["amount"] > 0)
    full = np.rint(money["list_amount"] * kept)
    if rule == "costs":
        earned, more = paid - money["cost"] - money["platform_fee"], full - paid
    else:
        earned = np.rint(paid * gross_margin)
        more = full - paid  # goods cost the same whatever is charged
    words = order_log.contribution_words(rule, gross_margin)
    definitions = [
        Words(f"贡献毛利 ÷（实付－退款）；{words.zh}", f"contribution / amount less refunds; {words.en}"),
        Words(
            "假设同样的订单全部按折前价成交时的贡献毛利率；有些订单不打折就不会有，因此是上限，不是折扣的代价",
            "contribution margin had the same orders all been made at list prices; some would not have been made, so "
            "it is an upper bound and not what discounts cost",
        ),
    ]
    tops = [rows.per_customer(np.where(known, part, 0.0)) for part in (earned, earned + more)]
    bottoms = [rows.per_customer(np.where(known, part, 0.0)) for part in (paid, full)]
    return {
        key: evidence.ratio(top, bottom, level, "share", definition, discounts)
        for key, top, bottom, definition in zip(keys, tops, bottoms, definitions, strict=True)
    }


def _words(deep: float) -> dict[str, Words]:
    zh, en = "折扣 ÷ 折前金额，只计有折前金额的订单", "discounts / list price, of orders with a list price"
    return {
        "known_share": Words("有折前金额的订单 ÷ 全部订单", "orders with a list price / all orders"),
        "share": Words(zh, en),
        "deep_share": Words(
            f"折扣超过折前金额 {deep:.0%} 的订单 ÷ 有折前金额的订单",
            f"orders at more than {deep:.0%} off / orders with a list price",
        ),
        "public": Words(f"公域渠道带来的订单：{zh}", f"orders brought by public channels: {en}"),
        "private": Words(f"私域渠道带来的订单：{zh}", f"orders brought by private channels: {en}"),
        "gap": Words(f"公域渠道的订单 － 私域渠道的订单：{zh}", f"public less private channels: {en}"),
        "pool": Words(f"客户在私域期间的订单：{zh}", f"orders placed while in the pool: {en}"),
        "others": Words(f"客户不在私域时的订单：{zh}", f"orders placed outside the pool: {en}"),
        "pool_gap": Words(f"私域期间的订单 － 其余订单：{zh}", f"orders placed in the pool less all others: {en}"),
        "full_price_repeat": Words(
            f"首购之后各天的订单中，折扣不到折前金额 {FULL_PRICE:.0%} 的占比，只计有折前金额的订单",
            f"of orders after the day of the first, those at less than {FULL_PRICE:.0%} off the list price",
        ),
    }


def _nothing() -> Evidence:
    refused = evidence.no_column("orders", "list_amount", "折前金额", "price before discounts")
    figures: dict[str, Estimate | Refused] = {f"discount_{key}": refused for key in KEYS}
    reading = Words("订单没有记录折前金额，看不出折扣", "orders record no list price: discounts are not known")
    kinds = {"kind": "str", "group": "str", "orders": "int64", "customers": "int64"}
    empty = pd.DataFrame({name: pd.Series(dtype=kinds.get(name, "float64")) for name in COLUMNS})
    return Evidence(empty, figures, RuleResult("discounts", CLAIM, figures, OPEN, reading))


def _rule(figures: dict[str, Estimate | Refused], least_gap: float) -> RuleResult:
    gap = figures["discount_gap"]
    agrees, reading = OPEN, Words(
        "公域与私域的折扣深浅分不出高下，或渠道归属不详",
        "which side is discounted more deeply is not settled, or the channels' domains are not known",
    )  # fmt: skip
    if isinstance(gap, Estimate):
        if gap.low > 0 and gap.high >= least_gap:
            agrees, reading = AGREES, Words(
                "公域的订单折扣更深，私域可以少打折",
                "public orders are discounted more deeply: the pool can do with fewer discounts",
            )  # fmt: skip
        elif gap.high < least_gap:
            agrees, reading = DISAGREES, Words(
                "公域的折扣并不比私域深，先查私域是不是也在靠折扣成交",
                "public orders are not discounted more deeply: see whether the pool sells by discounts itself",
            )  # fmt: skip
    return RuleResult("discounts", CLAIM, figures, agrees, reading)
