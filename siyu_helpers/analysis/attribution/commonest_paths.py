"""Commonest paths: the journeys that most orders came along, for a table and for the picture of the flow.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import paths as journey_paths
from siyu_helpers.analysis.attribution.hand_overs import domains_of
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, wilson


def commonest_paths(
    journeys: pd.DataFrame,
    domains: dict[str, str] | None = None,
    n: int = 8,
    collapse: bool = True,
    by: str = "conversions",
    level: float = LEVEL,
) -> pd.DataFrame:
    """The journeys that most orders came along, and how often each of them ends with an order.

    table (path)  ->  table (path)

    Parameters
    ----------
    journeys : DataFrame
        As in `hand_over`.
    domains : dict, optional
        As in `hand_over`: paths are then those of domains in place of channels.
    n : int
        How many paths.
    collapse : bool
        Whether repeats of a step that follow each other count as one ("wecom, wecom, wecom" as "wecom").
    by : "conversions" or "journeys"
        What the commonest are counted in; equal ones by the other, then by the alphabet.
    level : float

    Returns
    -------
    DataFrame: path (tuple of str), journeys, conversions, conversion_rate with _low and _high (Wilson), and
    share_of_conversions. conversion_rate is NaN where the table has no journey without an order at all: a rate of 1
    would only say that they were not recorded. attrs: paths, journeys and conversions of the whole table, and
    shown_conversions, shown_journeys: the shares the rows cover.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom", "wecom"), ("feed", "wecom"), ("feed",)], "nulls": [0, 15, 79]})
    >>> table["conversions"] = [2, 3, 1]
    >>> commonest_paths(table).round(2)[["path", "journeys", "conversions", "conversion_rate", "share_of_conversions"]]
                path  journeys  conversions  conversion_rate  share_of_conversions
    0  (feed, wecom)      20.0          5.0             0.25                  0.83
    1        (feed,)      80.0          1.0             0.01                  0.17
    """
    order_log.at_least_one("n", n)
    order_log.one_of("by", by, ("conversions", "journeys"))
    paths = journey_paths.encode(journeys)
    called = {} if domains is None else dict(zip(paths.channels, domains_of(paths.channels, domains), strict=True))
    steps = [tuple(called.get(step, step) for step in path) for path in journeys["path"]]
    if collapse:
        steps = [tuple(step for step, _ in groupby(path)) for path in steps]
    table = pd.DataFrame({"path": pd.Series(steps, dtype=object), "conversions": paths.conversions})
    table["journeys"] = paths.conversions + paths.nulls
    table = table.groupby("path", as_index=False, sort=True)[["journeys", "conversions"]].sum()
    other = "journeys" if by == "conversions" else "conversions"
    table = table.sort_values([by, other], ascending=False, kind="stable")
    total, orders = float(table["journeys"].sum()), float(table["conversions"].sum())
    shown = table[table["journeys"] > 0].head(n).reset_index(drop=True)
    made, tried = shown["conversions"].to_numpy(dtype=float), shown["journeys"].to_numpy(dtype=float)
    rates = (made / tried, *wilson(np.minimum(made, tried), tried, level))
    for end, rate in zip(("", "_low", "_high"), rates, strict=True):
        shown[f"conversion_rate{end}"] = rate if paths.nulls.any() else np.nan
    shown["share_of_conversions"] = made / orders if orders else np.nan
    shown.attrs = {"paths": len(table), "journeys": total, "conversions": orders, "level": level}
    shown.attrs["shown_conversions"] = float(made.sum() / orders) if orders else 0.0
    shown.attrs["shown_journeys"] = float(tried.sum() / total) if total else 0.0
    return shown


def one_channel_share(journeys: pd.DataFrame, level: float = LEVEL) -> Estimate | Refused:
    """Share of orders whose journey touched one channel only: every rule gives that channel all of the credit.

    table (path)  ->  Estimate of unit "share"

    Returns
    -------
    Estimate with Wilson's interval, n the journeys with an order; Refused where there is none.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "feed"), ("feed", "wecom")], "conversions": [30, 10]})
    >>> one_channel_share(table).value
    0.75
    """
    paths = journey_paths.encode(journeys)
    total = float(paths.conversions.sum())
    if not total:
        zh, en = "没有以下单结束的路径。", "No journey ended with an order."
        return Refused("journeys with an order", 0, 1, zh, en)
    others = np.bincount(paths.rows, paths.codes != paths.codes[paths.starts[:-1]][paths.rows], len(paths.conversions))
    alone = float(paths.conversions[others == 0].sum())
    low, high = (float(end) for end in wilson(alone, total, level))
    definition = Words(
        "有路径的订单中，路径上只出现过一个渠道（可以多次）的占比",
        "share of the orders with a journey whose journey holds a single channel, touched once or more often",
    )
    return Estimate(alone / total, low, high, level, round(total), "share", definition, one_channel_share)
