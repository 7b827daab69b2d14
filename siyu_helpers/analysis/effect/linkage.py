"""Orders without a customer key: how many there are, and how far they could push an effect up.

Some shops export orders under a masked name or none (Douyin, masked Taobao). Members identify themselves, so that their
orders are all there; the repeat orders of customers outside the pool are lost wherever the shop masks them. Comparators
then seem to order less than they do, and any comparison favours the pool.

Opens no files and draws nothing. `orders` is any frame that narwhals takes, see the head of `order_log`; here the rows
without a customer_id are what counts.
"""

from __future__ import annotations

import math
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, Histories
from siyu_helpers.analysis.effect.results import Effect, effect_of
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

LINKED_AT_LEAST = 0.80  # of revenue; below, an observational effect is at best suggestive, and so is a lot's
ALL = "all"
UNKNOWN = "unknown"


def linked_share(
    orders: Any,
    observed_until: order_log.DateLike,
    by: str | None = "sold_through",
    observed_from: order_log.DateLike | None = None,
    refunds: str = "net",
) -> pd.DataFrame:
    """Share of orders and revenue that carry a customer key, overall and shop by shop.

    orders (one paid order)  ->  table (shop), the first row for all of them

    Parameters
    ----------
    orders, observed_until, refunds
        See the head of `order_log`.
    by : str, optional
        Column that names the shop or app. Where it is missing from the orders, or None, only the overall row is there.
    observed_from : date, optional
        First day that counts, for instance that on which the pool opened.

    Returns
    -------
    DataFrame, "all" first, then shops by revenue
        shop : a blank one is "unknown". orders, revenue : of all orders. linked_orders, linked_revenue : shares with a
        customer_id; blank (NaN) where there is nothing.

    Raises
    ------
    ValueError
        For an order without date or amount.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 1, None, None], "amount": [30.0, 30.0, 20.0, 20.0],
    ...                     "ordered_at": pd.Timestamp("2024-01-01"), "sold_through": ["own", "own", "own", "douyin"]})
    >>> linked_share(log, "2024-01-31")
         shop  orders  revenue  linked_orders  linked_revenue
    0     all       4    100.0        0.500000            0.60
    1     own       3     80.0       0.666667            0.75
    2  douyin       1     20.0        0.000000            0.00
    """
    counted = _counted(orders, observed_until, by, observed_from, refunds)
    everything = counted.drop(columns="shop").sum()
    shops = counted.groupby("shop").sum().sort_values(["minor", "orders"], ascending=False, kind="stable")
    rows = [(ALL, everything), *shops.iterrows()] if by is not None and _has(orders, by) else [(ALL, everything)]
    found = []
    for shop, sums in rows:
        many, money = int(sums["orders"]), int(sums["minor"])
        found.append((
            shop, many, money / order_log.MONEY_SCALE,
            sums["linked_orders"] / many if many else math.nan, sums["linked_minor"] / money if money else math.nan,
        ))  # fmt: skip
    table = pd.DataFrame(found, columns=["shop", "orders", "revenue", "linked_orders", "linked_revenue"])
    return table.astype({"linked_orders": float, "linked_revenue": float})


def linked_of(table: pd.DataFrame, shop: str = ALL, of: str = "revenue") -> Estimate | Refused:
    """Share of the revenue (or orders) of a shop that carries a customer key, as a counted fact.

    Parameters
    ----------
    table : DataFrame
        Of `linked_share`.
    shop : str
        One of its rows; "all" by default.
    of : "revenue" or "orders"

    Example
    -------
    >>> one = pd.DataFrame({"shop": ["all"], "orders": [4], "linked_revenue": [0.6]})
    >>> linked_of(one).value
    0.6
    """
    order_log.one_of("of", of, ("revenue", "orders"))
    rows = table[table["shop"] == shop]
    if rows.empty or math.isnan(rows[f"linked_{of}"].iloc[0]):
        return Refused("orders", 0, 1, "没有订单。", "There are no orders.")
    what = {"revenue": Words("销售额", "revenue"), "orders": Words("订单", "orders")}[of]
    where = Words("全部渠道", "all shops") if shop == ALL else Words(f"“{shop}”", f"'{shop}'")
    words = Words(
        f"{where.zh}的{what.zh}中，能对应到客户的占比", f"share of the {what.en} of {where.en} with a customer key"
    )
    row = rows.iloc[0]
    return Estimate.exact(row[f"linked_{of}"], row["orders"], "share", words, linked_share)


def linked_channels_only(table: pd.DataFrame, at_least: float = LINKED_AT_LEAST) -> list[str]:
    """Shops of which at least 80% of the revenue carries a customer key: those that an effect can be estimated on.

    Keep the orders of these shops and estimate the effect again: orders that members moved from one shop to another may
    then look like gain or loss, which is why the effect on all shops stays the first figure.

    Example
    -------
    >>> linked_channels_only(pd.DataFrame({"shop": ["all", "own", "douyin"], "linked_revenue": [0.7, 0.95, 0.0]}))
    ['own']
    """
    shops = table[table["shop"] != ALL]
    return shops.loc[shops["linked_revenue"] >= at_least, "shop"].tolist()


def linked_bound(
    effect: Effect,
    orders: Any,
    histories: Histories,
    outcome: str = "orders",
    observed_until: order_log.DateLike | None = None,
) -> Effect | Refused:
    """The effect if every order without a key was a repeat order of somebody outside the pool: a lower bound.

    Effect, orders (one paid order)  ->  Effect

    Assumed, all on the careful side: members' orders all carry a key; every order without one, from the first joining
    on, was a repeat order of a known customer outside the pool, not a stranger's and nobody's first; such orders are
    spread as the recorded repeat orders of non-members are. What comparators are seen to order is then too low by the
    same share for all of them. Not allowed for: that comparators' histories, too, look emptier than they are.

    Parameters
    ----------
    effect : Effect
        On orders, spend or contribution, with its mean without treatment.
    orders : frame
        With the orders that have no customer_id.
    histories : Histories
        Of the same orders.
    outcome : str
        "orders" is corrected by orders, money by revenue.
    observed_until : date, optional
        By default the last day of the histories.

    Returns
    -------
    Effect; the same as given where every order has a key. Refused for other outcomes, an effect without the mean of
    comparators, and where nobody outside the pool has an order.

    Example
    -------
    >>> from siyu_helpers.analysis.effect.histories import read_histories
    >>> log = pd.DataFrame({"customer_id": [1, 2, 2, None], "amount": 10.0, "ordered_at": pd.to_datetime(
    ...     ["2024-01-01", "2024-01-01", "2024-03-01", "2024-03-02"])})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": pd.to_datetime(["2024-02-01"])})
    >>> told = read_histories(log, stays, "2024-06-30")
    >>> flat = np.zeros(2)
    >>> seen = effect_of(3.0, flat, n=2, with_treatment=4.0, without_treatment=1.0, influence_without=flat)
    >>> linked_bound(seen, log, told).value
    2.0
    """
    if outcome not in ("orders", "spend", "contribution") or effect.influence_without is None:
        return Refused(
            "outcome", outcome, "orders, spend or contribution",
            "只能对订单数和金额给出下限。", "A bound can be given for orders and money only.",
        )  # fmt: skip
    until = pd.Timestamp(histories.until, unit="D") if observed_until is None else observed_until
    begin = pool_since(histories)
    if begin is None:
        return Refused("joiners", 0, 1, "没有人加入过私域。", "Nobody has joined the pool.")
    measure = "orders" if outcome == "orders" else "minor"
    counted = _counted(orders, until, None, pd.Timestamp(begin // DAY, unit="D"), "net").sum(numeric_only=True)
    hidden = counted[measure] - counted[f"linked_{measure}"]
    seen = _outside(histories, begin, "orders" if outcome == "orders" else "spend")
    if hidden and not seen > 0:
        return Refused(
            "orders outside the pool", 0, 1,
            "私域以外没有可识别的订单，无法推算下限。", "No order outside the pool carries a key: no bound.",
        )  # fmt: skip
    share = float(hidden / seen) if hidden else 0.0
    return effect_of(
        effect.value - share * effect.without_treatment,
        effect.influence - share * effect.influence_without,
        effect.level, effect.clusters, effect.n, estimand=effect.estimand, method=effect.method,
        effective_n=effect.effective_n, n_trimmed=effect.n_trimmed, with_treatment=effect.with_treatment,
        without_treatment=(1 + share) * effect.without_treatment,
        influence_without=(1 + share) * effect.influence_without,
    )  # fmt: skip


def pool_since(histories: Histories) -> int | None:
    """The beginning of the day of the first joining, in seconds; None where nobody joined."""
    joined = histories.joined[histories.joined < histories.end]
    return int(joined.min()) // DAY * DAY if len(joined) else None


def _outside(histories: Histories, begin: int, name: str) -> int:
    """Sum over repeat orders, from a moment on, of customers who were not in the pool when they ordered."""
    values = np.diff(histories.totals[name])
    repeat = np.diff(histories.person, prepend=-1) == 0
    kept = repeat & (histories.time >= begin) & (histories.time < histories.joined[histories.person])
    return int(values[kept].sum())


def _has(orders: Any, column: str) -> bool:
    return column in order_log.lazy(orders).collect_schema().names()


def _counted(orders: Any, observed_until, by: str | None, observed_from, refunds: str) -> pd.DataFrame:
    """Orders and money by shop, with and without a key: shop, orders, minor, linked_orders, linked_minor."""
    frame = order_log.lazy(orders)
    order_log.has_columns(frame.collect_schema().names(), order_log.REQUIRES["orders"])
    until = order_log.day_number(observed_until, "observed_until")
    by = by if by is not None and _has(orders, by) else None
    # Everybody gets a key here, so that the shared reading of orders keeps the rows without one too.
    linked = (~nw.col("customer_id").is_null()).cast(nw.Int64)
    marked = frame.with_columns(linked.alias("customer_id"))
    facts = order_log.paid_orders(marked.to_native(), until, "month", refunds, by=by)
    if observed_from is not None:
        facts = facts.filter(nw.col("day") >= order_log.day_number(observed_from, "observed_from"))
    keys = ["customer_id", *(["group"] if by else [])]
    home = facts.group_by(keys).agg(nw.len().alias("orders"), nw.col("minor").sum(), nw.col("unpriced").sum())
    home = order_log.priced(home.collect("pandas").to_native())
    home["shop"] = home["group"].astype(object).where(home["group"].notna(), UNKNOWN) if by else ALL
    for name in ("orders", "minor"):
        home[name] = home[name].astype("int64")
        home[f"linked_{name}"] = home[name] * home["customer_id"].astype("int64")
    return home.groupby("shop", as_index=False)[["orders", "minor", "linked_orders", "linked_minor"]].sum()
