"""Cost comparisons: the variants of acquisition cost side by side, and the domains under each way to charge the pool.

Used by notebooks/01_acquisition_cost.ipynb through `acquisition_cost`. Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition.cost_sums import complete_periods, last_periods, totals
from siyu_helpers.analysis.acquisition.costs import cost_table
from siyu_helpers.analysis.estimates import LEVEL, Refused

NUMBERS = ["spend", "new_customers", "cac", "cac_low", "cac_high"]
POOL_TABLES = ("pool_costs", "members", "messages")


def recent_months(costs: pd.DataFrame, n: int = 12) -> list[str]:
    """Names of the last `n` complete months whose new customers are known, or of all there are where they are fewer.

    Example
    -------
    >>> costs = pd.DataFrame({"month": ["2024-01", "2024-02"], "channel": "a", "spend": 9.0, "new_customers": 3})
    >>> recent_months(costs, 1), recent_months(costs, 12)
    (['2024-02'], ['2024-01', '2024-02'])
    """
    found = last_periods(costs, n)
    return complete_periods(costs)[-n:] if isinstance(found, Refused) else found


def compare_variants(
    spend: Any, orders: Any, observed_until: order_log.DateLike, months: int = 12, level: float = LEVEL, **options: Any
) -> pd.DataFrame:
    """Acquisition cost of the last months by every variant that the tables allow: the same brand, four numbers.

    spend, orders, pool costs  ->  table (variant)

    Parameters
    ----------
    spend, orders, observed_until, level
        As in `cost_table`.
    months : int
        The last so many complete months; fewer where there are fewer.
    options
        Further parameters of `cost_table`: lag_days, history and so on; pool_costs, members and messages, without which
        "fully_loaded" is left out.

    Returns
    -------
    DataFrame: variant, spend, new_customers, cac, cac_low, cac_high; one row per variant, all without channels.
    `attrs`: months (variant -> its months).

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": range(50), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-20")})
    >>> orders["acquired_through"] = ["feed"] * 40 + ["wecom"] * 10
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [800.0]})
    >>> compare_variants(spend, orders, "2024-01-31")[["variant", "spend", "new_customers", "cac"]]
            variant  spend  new_customers   cac
    0       blended  800.0             50  16.0
    1          paid  800.0             40  20.0
    2  new_customer  800.0             40  20.0
    """
    pool = {name: options.pop(name, None) for name in POOL_TABLES}
    has_pool = pool["pool_costs"] is not None or pool["messages"] is not None
    rows, spans = [], {}
    for variant in ("blended", "paid", "new_customer", *(["fully_loaded"] if has_pool else [])):
        more = pool if variant == "fully_loaded" else {}
        costs = cost_table(spend, orders, observed_until, "month", variant, level, **more, **options)
        spans[variant] = recent_months(costs, months)
        rows.append(totals(costs, spans[variant], level).assign(variant=variant))
    table = pd.concat(rows, ignore_index=True)[["variant", *NUMBERS]]
    table.attrs = {"months": spans}
    return table


def side_by_side(compared: pd.DataFrame) -> pd.DataFrame:
    """The table of `compare_domains` with one row per domain and one column per way to charge the pool's costs.

    table (charge x domain)  ->  table (domain): domain, new_customers, cac_<charge> with _low and _high

    Example
    -------
    >>> compared = pd.DataFrame({"charge": ["media", "private"], "domain": "private", "spend": [0.0, 90.0]})
    >>> compared = compared.assign(new_customers=9, cac=[float("nan"), 10.0], cac_low=float("nan"), cac_high=20.0)
    >>> side_by_side(compared)[["domain", "new_customers", "cac_media", "cac_private", "cac_private_high"]]
        domain  new_customers  cac_media  cac_private  cac_private_high
    0  private              9        NaN         10.0              20.0
    """
    order = [*order_log.DOMAINS, "unknown"]
    table = compared.drop_duplicates("domain")[["domain", "new_customers"]]
    for charge, rows in compared.groupby("charge", sort=False):
        named = {f"cac{end}": f"cac_{charge}{end}" for end in ("", "_low", "_high")}
        table = table.merge(rows.rename(columns=named)[["domain", *named.values()]], on="domain", how="left")
    place = {domain: at for at, domain in enumerate(order)}
    return table.sort_values("domain", key=lambda names: names.map(place), ignore_index=True)


def finest_table(spend: Any, orders: Any, observed_until: order_log.DateLike, **options: Any) -> pd.DataFrame:
    """Cost table by week and channel where spend is daily, else by month: what `response` learns most from.

    spend, orders  ->  table (week x channel, or month x channel), as `cost_table`

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1], "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-20")})
    >>> spend = pd.DataFrame({"date": pd.to_datetime(["2024-01-01", "2024-02-01"]), "channel": "feed", "spend": 8.0})
    >>> finest_table(spend, orders.assign(acquired_through="feed"), "2024-02-29").columns[0]
    'month'
    """
    return cost_table(spend, orders, observed_until, ("month" if _monthly(spend) else "week", "channel"), **options)


def _monthly(spend: Any) -> bool:
    """Whether some channel has rows on first days of months only: an amount for the whole month."""
    frame = order_log.lazy(spend)
    order_log.has_columns(frame.collect_schema().names(), ["date", "channel"])
    first = (nw.col("date").dt.day() == 1).cast(nw.Int64)
    by_channel = frame.with_columns(first.alias("first")).group_by("channel").agg(nw.col("first").min())
    return bool(by_channel.collect("pandas").to_native()["first"].max() == 1)


def growth_rows(growing: pd.DataFrame, growing_paid: pd.DataFrame, steady: pd.DataFrame) -> pd.DataFrame:
    """Growth as seen and at constant spend in one table: blended, paid, then the channels.

    tables of `trend`  ->  table (group)

    Parameters
    ----------
    growing, steady : DataFrame
        `trend` of the cost table by channel, as seen and with at_constant_spend=True.
    growing_paid : DataFrame
        `trend` of the paid variant by month; its only row becomes the group "paid".

    Returns
    -------
    DataFrame: the columns of `trend`, with steady, steady_low and steady_high: growth at constant spend, of channels
    only.

    Example
    -------
    >>> from siyu_helpers.analysis.acquisition.trends import trend
    >>> months = [f"{2022 + m // 12}-{m % 12 + 1:02d}" for m in range(24)]
    >>> costs = pd.DataFrame({"month": months, "channel": "feed", "spend": 1000.0, "new_customers": 50})
    >>> growth_rows(trend(costs), trend(costs.drop(columns="channel")), trend(costs))["group"].tolist()
    ['all', 'paid', 'feed']
    """
    ends = {f"growth_per_year{end}": f"steady{end}" for end in ("", "_low", "_high")}
    beside = steady.rename(columns=ends)[["group", *ends.values()]]
    table = growing.merge(beside, on="group", how="left")
    # Totals also move with the mix of channels and with customers whom no spend brought: no growth at constant spend.
    table.loc[table["group"] == "all", list(ends.values())] = float("nan")
    paid = growing_paid[growing_paid["group"] == "all"].assign(group="paid")
    return pd.concat([table[:1], paid, table[1:]], ignore_index=True)
