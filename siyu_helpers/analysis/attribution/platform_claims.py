"""Platform claims: the orders that advertising platforms count as their own, beside the orders there were.

Every platform counts an order whole that it touched, whoever else touched it; so the claims add up to more than the
orders.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import cost_inputs
from siyu_helpers.analysis.attribution import comparisons, spend_periods
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

ALL = "all"
CLAIM_RULES = ("last", "markov")


def claimed_against_orders(
    spend: Any,
    orders: Any,
    first_day: order_log.DateLike,
    last_day: order_log.DateLike,
    journeys: pd.DataFrame | None = None,
    rules: Sequence[str] = CLAIM_RULES,
    **options: Any,
) -> pd.DataFrame | Refused:
    """Orders that advertising platforms claim, beside the orders there were: a shared order is claimed by each.

    spend, orders, table (path)  ->  table (channel, and a last row "all")

    Parameters
    ----------
    spend : any frame that narwhals takes
        date, channel, claimed_conversions (as the platform reports them; blank: not reported).
    orders : any frame that narwhals takes
        ordered_at; all orders count, also those of unknown customers.
    first_day, last_day : date
        Days compared, both included.
    journeys : DataFrame, optional
        Table of journeys of all orders that end in these days. Without it only the totals can be compared.
    rules, options
        As in `compare_rules`: the rules whose credit is set beside the claims.

    Returns
    -------
    DataFrame, channels in the order of claims, largest first; then the row "all"
        channel. claimed : conversions that the platform claims. touched : orders with a touch of the channel on their
        path; in the last row, of any claiming channel, each order once. credited_<rule> : orders that the rule gives
        it. claimed_per_credited : claimed / credited under the first of `rules`, claimed_per_touched : claimed /
        touched, both in times. In the last row further: orders (all there were), claimed_per_order. Blank (NaN) where
        journeys are not given or the divisor is 0.
        `attrs`: first_day, last_day, rules, blank_rows (rows of spend without a claim).
    Refused where the spend table has no claimed_conversions in these days.

    Raises
    ------
    ValueError
        Where the journeys are of new customers only, or end in other days.

    Example
    -------
    >>> day = pd.Timestamp("2024-01-02")
    >>> spend = pd.DataFrame({"date": day, "channel": ["feed", "search"], "claimed_conversions": [4, 3]})
    >>> orders = pd.DataFrame({"ordered_at": [day] * 5})
    >>> table = pd.DataFrame({"path": [("feed", "search"), ("search",), ("wecom",)], "conversions": [2, 2, 1]})
    >>> found = claimed_against_orders(spend, orders, day, day, table, ["last"])
    >>> found[["channel", "claimed", "touched", "credited_last", "claimed_per_order"]]
      channel  claimed  touched  credited_last  claimed_per_order
    0    feed      4.0      2.0            0.0                NaN
    1  search      3.0      4.0            4.0                NaN
    2     all      7.0      4.0            4.0                1.4
    """
    first, last = (order_log.day_number(day, name) for day, name in ((first_day, "first_day"), (last_day, "last_day")))
    if "claimed_conversions" not in order_log.lazy(spend).collect_schema().names():
        return _no_claims()
    claims, blank = _claims(spend, first, last)
    if claims.empty:
        return _no_claims()
    table = claims.sort_values(["claimed", "channel"], ascending=[False, True], ignore_index=True)
    whole = {"channel": ALL, "claimed": table["claimed"].sum(), "orders": float(_orders_between(orders, first, last))}
    rules = [rules] if isinstance(rules, str) else list(rules)
    table = pd.concat([table, pd.DataFrame([whole])], ignore_index=True)
    beside = ["touched", *(f"credited_{rule}" for rule in rules)]
    table[beside] = np.nan
    if journeys is not None:
        spend_periods.period_of(journeys, first_day, last_day)
        if spend_periods.conversions_of(journeys) == "new_customers":
            raise ValueError("platforms claim repeat orders too: compare them with journeys of all orders")
        table[beside] = _beside(journeys, table["channel"].tolist(), rules, options)
    for name, divisor in (("credited", beside[1] if rules else "touched"), ("order", "orders"), ("touched", "touched")):
        table[f"claimed_per_{name}"] = table["claimed"] / table[divisor].where(table[divisor] > 0)
    table.attrs = {
        "first_day": spend_periods.day_label(first),
        "last_day": spend_periods.day_label(last),
        "rules": rules,
        "blank_rows": blank,
    }
    return table[["channel", "claimed", *beside, "claimed_per_credited", "orders", *_RATIOS]]


_RATIOS = ["claimed_per_order", "claimed_per_touched"]


def double_counting(claims: pd.DataFrame | Refused, against: str = "orders") -> Estimate | Refused:
    """How many times the orders there were, all platforms together claim.

    Parameters
    ----------
    claims : DataFrame or Refused
        As `claimed_against_orders` returns it.
    against : str
        "orders" : all orders of the period. "touched" : the fairer one, only those with a touch of a claiming channel
        on their path. Above 1, orders are claimed by several platforms, or for a touch that an earlier order followed.

    Example
    -------
    >>> day = pd.Timestamp("2024-01-02")
    >>> spend = pd.DataFrame({"date": day, "channel": ["feed", "search"], "claimed_conversions": [4, 3]})
    >>> double_counting(claimed_against_orders(spend, pd.DataFrame({"ordered_at": [day] * 5}), day, day)).value
    1.4
    """
    order_log.one_of("against", against, ("orders", "touched"))
    if isinstance(claims, Refused):
        return claims
    whole = claims.iloc[-1]
    if not whole[against] > 0:
        return _no_orders()
    words = {
        "orders": Words(
            "各平台自报转化之和÷同期全部订单（首单和复购）",
            "conversions claimed by all platforms / all orders there were, first orders and repeats",
        ),
        "touched": Words(
            "各平台自报转化之和÷路径上有这些渠道的订单（每单只计一次）",
            "conversions claimed by all platforms / orders with a touch of any of their channels, each counted once",
        ),
    }[against]
    return Estimate.exact(whole["claimed"] / whole[against], round(whole[against]), "times", words, double_counting)


def claim_parts(claims: pd.DataFrame | Refused) -> dict[str, Estimate | Refused]:
    """The two reasons why platforms claim too much: orders claimed by several, and claims of orders not touched.

    Parameters
    ----------
    claims : DataFrame or Refused
        As `claimed_against_orders` returns it.

    Returns
    -------
    dict of Estimate of unit "times", or Refused where there is nothing to compare
        doubled : orders touched by each platform, added up / orders touched by any, each once. Above 1 several of them
            touched one order.
        beyond : conversions claimed / orders touched by each platform, added up. Above 1 platforms claim orders on
            whose journey they have no touch: older touches, or advertisements merely shown.
    doubled x beyond is `double_counting(claims, "touched")`.

    Example
    -------
    >>> day = pd.Timestamp("2024-01-02")
    >>> spend = pd.DataFrame({"date": day, "channel": ["feed", "search"], "claimed_conversions": [5, 4]})
    >>> table = pd.DataFrame({"path": [("feed", "search"), ("search",)], "conversions": [2, 2]})
    >>> claims = claimed_against_orders(spend, pd.DataFrame({"ordered_at": [day] * 5}), day, day, table)
    >>> found = claim_parts(claims)
    >>> found["doubled"].value, found["beyond"].value, double_counting(claims, "touched").value
    (1.5, 1.5, 2.25)
    """
    if isinstance(claims, Refused):
        return {"doubled": claims, "beyond": claims}
    whole, each = claims.iloc[-1], float(claims["touched"].iloc[:-1].sum())
    if not whole["touched"] > 0:
        return {"doubled": _no_orders(), "beyond": _no_orders()}
    words = {
        "doubled": Words(
            "碰过各平台的订单逐个平台相加÷碰过任一平台的订单（每单只计一次）",
            "orders touched by each platform, added up / orders touched by any of them, each counted once",
        ),
        "beyond": Words(
            "各平台自报转化之和÷碰过各平台的订单逐个平台相加",
            "conversions claimed by all platforms / orders touched by each platform, added up",
        ),
    }
    cases = {"doubled": (each, float(whole["touched"])), "beyond": (float(whole["claimed"]), each)}
    return {
        name: Estimate.exact(top / of, round(of), "times", words[name], claim_parts)
        for name, (top, of) in cases.items()
    }


def _claims(spend: Any, first: int, last: int) -> tuple[pd.DataFrame, int]:
    """Claimed conversions by channel in these days, and the number of rows of these days without one."""
    frame = order_log.lazy(spend)
    kinds = frame.collect_schema()
    claimed = order_log.as_number("claimed_conversions", kinds).alias("spend")
    rows = frame.select("date", "channel", claimed).collect("pandas").to_native()
    if negative := int((rows["spend"] < 0).sum()):
        raise ValueError(f"claimed_conversions is negative in {negative} rows: correct them, or leave them blank")
    if (rows["channel"] == ALL).any():
        raise ValueError(f"a channel is called {ALL!r}, as the row of their sum is: give the channel another name")
    every = cost_inputs.spend_by_day(rows.assign(spend=0.0), last)
    blank = rows["spend"].isna().to_numpy()
    days = cost_inputs.spend_by_day(rows[~blank], last)
    inside = days[days["day"] >= first]
    if inside["monthly"].any():
        spend_periods.whole_months(inside, first, last)
    summed = inside.groupby("channel", sort=True)["minor"].sum() / order_log.MONEY_SCALE
    table = pd.DataFrame({"channel": pd.Series(summed.index, dtype="str"), "claimed": summed.to_numpy(dtype=float)})
    return table, int((every["day"] >= first).sum() - (days["day"] >= first).sum())


def _orders_between(orders: Any, first: int, last: int) -> int:
    frame = order_log.lazy(orders)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["ordered_at"])
    at = frame.select(order_log.as_moment("ordered_at", kinds).alias("ordered_at"))
    days = order_log.with_day_and_period(at, "ordered_at", "month")
    inside = days.filter((nw.col("day") >= first) & (nw.col("day") <= last))
    return int(inside.select(nw.len().alias("n")).collect("pandas").to_native()["n"].iloc[0])


def _beside(journeys: pd.DataFrame, channels: list[str], rules: list[str], options: dict[str, Any]) -> np.ndarray:
    """Orders touched by each channel and credited to it by each rule; last row: all claiming channels together."""
    sets = [set(path) for path in journeys["path"]]
    conversions = journeys["conversions"].to_numpy(dtype=float)
    claiming = set(channels[:-1])
    columns = [[conversions[[name in touched for touched in sets]].sum() for name in channels[:-1]]]
    columns[0].append(conversions[[bool(claiming & touched) for touched in sets]].sum())
    if rules:
        compared = comparisons.compare_rules(journeys, rules, **options)
        wide = compared.pivot(index="channel", columns="rule", values="conversions").reindex(channels[:-1]).fillna(0.0)
        columns += [[*wide[rule], wide[rule].sum()] for rule in rules]
    return np.array(columns, dtype=float).T


def _no_orders() -> Refused:
    return Refused(
        "orders",
        0,
        1,
        "这段时间没有可以对照的订单。",
        "There are no orders in these days to hold the claims against.",
    )


def _no_claims() -> Refused:
    return Refused(
        "claimed_conversions",
        0,
        1,
        "投放费用表里没有平台自报转化（claimed_conversions），无法与真实订单对照。",
        "The spend table has no conversions claimed by the platforms (claimed_conversions) to hold against the orders.",
    )
