"""Cost table: what was spent to win customers, how many came, and what each of them cost.

Used by notebooks/01_acquisition_cost.ipynb through `acquisition_cost`. Opens no files and draws nothing.

Cost per new customer (CAC) is a sum divided by a sum, never a mean of ratios. Which money and which customers count
is its variant, see `VARIANTS`; the variant belongs on every axis and in every sentence. The intervals show chance in
the number of new customers only: how many would have come for the same money by luck. They say nothing about a trend
(`trends`), nor about who would have come without the spend.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import cost_cells as cells
from siyu_helpers.analysis.acquisition import cost_inputs as inputs
from siyu_helpers.analysis.acquisition.cost_sums import (
    VARIANTS,
    cac,
    complete_periods,
    joined_words,
    last_periods,
    paid_channels,
    period_column,
    summed,
    totals,
    with_cac,
    years_apart,
)
from siyu_helpers.analysis.estimates import LEVEL, Words, check_level

__all__ = [
    "CHARGES",
    "REQUIRES",
    "VARIANTS",
    "cac",
    "compare_domains",
    "complete_periods",
    "cost_table",
    "funnel_table",
    "last_periods",
    "paid_channels",
    "period_column",
    "totals",
    "years_apart",
]

REQUIRES = order_log.REQUIRES | {"spend": ["date", "channel", "spend"]}

CHARGES = {
    "new_members": Words(
        "私域费用按当月进入私域的新客数分摊到其首单渠道",
        "the pool's cost falls on the channels of the new customers who were in the pool by the end of the month",
    ),
    "new_customers": Words(
        "私域费用按当月全部新客数分摊到各渠道",
        "the pool's cost falls on all channels in proportion to the new customers of the month",
    ),
    "private": Words(
        "私域费用全部由私域渠道的新客承担",
        "the pool's cost falls on the private channels alone, in proportion to their new customers of the month",
    ),
}
PERIODS = order_log.PERIODS
ALL = "all"  # the one channel of the blended cost
UNPAID_OUT = Words("只计有过投放的渠道带来的新客", "only new customers of channels that ever had spend")
UNPAID_IN = Words("同一域内没有投放的渠道带来的新客也算在内", "customers of the domain's unpaid channels included")
NUMBERS = ["spend", "new_customers", "cac", "cac_low", "cac_high"]


def cost_table(
    spend: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    by: tuple[str, ...] | str = ("month", "channel"),
    variant: str = "paid",
    level: float = LEVEL,
    pool_costs: Any = None,
    members: Any = None,
    messages: Any = None,
    domains: dict[str, str] | None = None,
    lag_days: int = 0,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
    pool_costs_to: str | None = None,
) -> pd.DataFrame:
    """What was spent, how many new customers came, and the cost of each, by month and channel.

    spend (channel x day or month), orders (one paid order)  ->  table (period x channel)

    Parameters
    ----------
    spend : any frame that narwhals takes
        date, channel, spend. Daily, or monthly written as the first day of the month. A day without a row: nothing was
        spent. Rows of one day and channel are added up. Rows after `observed_until` are left out.
    orders : likewise
        See the head of `order_log`; acquired_through is the channel that brought the order. A new customer belongs to
        the channel of the first order ("unknown" where blank; of several at one moment the alphabetically first).
    observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`.
    by : tuple of str, or one str
        One of "month", "week", "quarter" at most; "channel"; "domain"; or () for one row.
    variant : "paid", "blended", "new_customer" or "fully_loaded"
        Which money over which customers, see `VARIANTS`. Rows of a channel or domain hold all its customers. Without
        channels, "paid" and "new_customer" count only customers of channels that ever had spend; "blended" and
        "fully_loaded" count all. "blended" is one number for all channels: by channel it has the one channel "all".
        "new_customer": a channel without any order keeps its spend whole.
    level : float
        Coverage claimed by the intervals.
    pool_costs, messages : frames, for "fully_loaded"
        month, item, amount; and sent_at, cost (blank: not known, counted as 0, see attrs).
    members : frame of the same kind as orders, for "fully_loaded"
        customer_id, joined_at [left_at].
    domains : dict
        Channel -> "public", "semi", "private", as in brand.yml; other channels are "unknown".
    lag_days : int
        Days from spend to order: spend of a day is set against first orders so many days later (cohort CAC).
    pool_costs_to : "new_members", "new_customers" or "private", for "fully_loaded"
        Who carries the pool's costs of a month, messages included, see `CHARGES`. By default new_members (of the
        month's new customers those in the pool by its end), without `members` new_customers. Nothing is lost: where
        there is nobody to carry them they stay in a row of the channel "pool", domain private. Staff and messages serve
        old customers too, so charging all of it to acquisition is an upper bound.

    Returns
    -------
    DataFrame, sorted by `by`; a row wherever there is spend or a new customer
        month, channel : as in `by`; "2024-06", "2024-W23" or "2024-Q2".
        spend : in the brand's currency; its sum is the sum of what was handed in, to 1/10000.
        new_customers : blank (<NA>) where the history does not let them be known.
        cac, cac_low, cac_high : spend / new_customers with its exact Poisson interval (conservative: covers at least
            `level`); chance in the number of customers only. NaN where spend or customers are 0 or not known.
    attrs
        incomplete : periods not covered to both ends by the orders (less the lag), the spend or the pool costs.
        blank : {period: Refused}, where the truncated history does not show who is new.
        definition : Words. variant, level, lag_days, pool_costs_to : as used. unpaid_customers : new customers left
        out because their channels never had spend. unpriced_messages : messages without a cost.

    Raises
    ------
    ValueError
        For a parameter out of its values, a missing column, blank or negative spend, monthly amounts by week.

    Notes
    -----
    Exact interval: Garwood (1936), Biometrika 28, 437-442, by `statsmodels.stats.rates.confint_poisson`.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": range(1200), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-20")})
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [90_000.0]})
    >>> cost_table(spend, orders.assign(acquired_through="feed"), "2024-01-31").round(1)
         month channel    spend  new_customers   cac  cac_low  cac_high
    0  2024-01    feed  90000.0           1200  75.0     71.5      78.7
    """
    by = (by,) if isinstance(by, str) else tuple(by)
    _check(by, variant, domains, level, lag_days)
    found = inputs.counted(
        *(spend, orders, observed_until),
        **_loads(variant, pool_costs, members, messages),
        **{"observed_from": observed_from, "history": history, "burn_in_days": burn_in_days},
        first_order_at=first_order_at,
        with_orders=variant == "new_customer",
    )
    return _table(found, by, variant, level, domains, lag_days, pool_costs_to)


def _table(
    found: inputs.Counted,
    by: tuple[str, ...],
    variant: str,
    level: float,
    domains: dict[str, str] | None,
    lag_days: int,
    pool_costs_to: str | None,
) -> pd.DataFrame:
    """The cost table from what was counted."""
    grain = "week" if "week" in by else "month"
    if variant == "fully_loaded":
        pool_costs_to = _receivers(found, grain, domains, pool_costs_to)
    elif pool_costs_to is not None:
        raise ValueError(f"pool_costs_to goes with the variant 'fully_loaded', not with {variant!r}")
    if grain == "week" and found.paid["monthly"].any():
        raise ValueError("spend is written by the month: it cannot be split into weeks; use by month or quarter")
    rows = cells.made(found, grain, lag_days)
    if variant == "new_customer":
        rows = cells.part_on_new(rows, found, grain, lag_days)
    if variant == "fully_loaded":
        rows = cells.with_pool_costs(rows, found, lag_days, domains, pool_costs_to)
    left_out = 0
    if variant in ("paid", "new_customer") and not {"channel", "domain"} & set(by):
        rows, left_out = cells.of_paid_channels(rows)
    if variant == "blended":
        rows = rows.assign(channel=ALL)
    table = summed(cells.keyed(rows, by, grain, domains), list(by))
    table.attrs = {
        "variant": variant,
        "level": level,
        "lag_days": lag_days,
        "definition": _definition(variant, by, pool_costs_to, lag_days),
        "pool_costs_to": pool_costs_to,
        "unpaid_customers": left_out,
        "unpriced_messages": found.unpriced_messages,
    } | cells.coverage(rows, found, by, lag_days, grain, variant == "fully_loaded")
    if variant == "new_customer":  # without knowing who is new, the part that falls on them is not known either
        table["spend"] = table["spend"].mask(table["new_customers"].isna())
    return with_cac(table, level)


def _check(by: tuple[str, ...], variant: str, domains: Any, level: float, lag_days: int) -> None:
    order_log.one_of("variant", variant, tuple(VARIANTS))
    check_level(level)
    for name in by:
        order_log.one_of("by", name, (*PERIODS, "channel", "domain"))
    if len(set(by)) < len(by) or len(set(by) & set(PERIODS)) > 1:
        raise ValueError(f"by takes each name once and one period at most; got {by!r}")
    if "domain" in by and domains is None:
        raise ValueError("by 'domain' needs domains, such as {'douyin_live': 'public', 'wecom': 'private'}")
    if variant == "blended" and "domain" in by:
        raise ValueError("the variant 'blended' has no domains: use 'paid', 'new_customer' or 'fully_loaded' there")
    if lag_days != int(lag_days) or lag_days < 0:
        raise ValueError(f"lag_days must be a whole number, 0 or more; got {lag_days!r}")
    for channel, domain in (domains or {}).items():
        order_log.one_of(f"the domain of {channel!r}", domain, order_log.DOMAINS)


def _loads(variant: str, pool_costs: Any, members: Any, messages: Any) -> dict[str, Any]:
    """The tables that only the fully loaded variant reads."""
    if variant != "fully_loaded":
        return {}
    if pool_costs is None and messages is None:
        raise ValueError("the variant 'fully_loaded' needs pool_costs or messages: without them it is 'paid'")
    return {"pool_costs": pool_costs, "members": members, "messages": messages}


def _receivers(found: inputs.Counted, grain: str, domains: Any, pool_costs_to: str | None) -> str:
    """Who carries the pool's costs."""
    if grain == "week":
        raise ValueError("pool_costs are monthly: the variant 'fully_loaded' cannot be by week")
    if pool_costs_to is None:
        return "new_customers" if found.members is None else "new_members"
    order_log.one_of("pool_costs_to", pool_costs_to, tuple(CHARGES))
    if pool_costs_to == "new_members" and found.members is None:
        raise ValueError("pool_costs_to='new_members' needs members, the stays in the pool")
    if pool_costs_to == "private" and domains is None:
        raise ValueError("pool_costs_to='private' needs domains, such as {'wecom': 'private'}")
    return pool_costs_to


def _definition(variant: str, by: tuple[str, ...], pool_costs_to: str | None, lag_days: int) -> Words:
    """What a row of the table means, in both languages."""
    parts = [VARIANTS[variant]]
    if variant in ("paid", "new_customer") and "channel" not in by:
        parts.append(UNPAID_IN if "domain" in by else UNPAID_OUT)
    if pool_costs_to is not None:
        parts.append(CHARGES[pool_costs_to])
    if lag_days:
        parts.append(Words(f"订单比投放晚 {lag_days} 天计", f"orders counted {lag_days} days after the spend"))
    return joined_words(parts)


def compare_domains(
    spend: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    domains: dict[str, str],
    pool_costs: Any = None,
    members: Any = None,
    messages: Any = None,
    months: int = 12,
    level: float = LEVEL,
    lag_days: int = 0,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """Public, semi-private and private channels side by side: what a new customer cost by media alone, and in full.

    spend, orders, pool costs  ->  table (charge x domain)

    Parameters
    ----------
    spend, orders, observed_until, domains, pool_costs, members, messages, level, lag_days, observed_from, history, ...
        As in `cost_table`.
    months : int
        The last so many months that are complete and known; fewer where there are fewer.

    Returns
    -------
    DataFrame with charge, domain, spend, new_customers, cac, cac_low, cac_high
        charge : "media" (variant paid: what makes the pool look free); then, where there are pool costs or messages,
            the variant fully_loaded with the pool's cost carried by the channels that fed it ("new_members"; without
            members "new_customers") and by the private channels alone ("private").
        new_customers : by the channel of the first order, unpaid channels included, the same in all charges.
    `attrs`: months, and definition by charge. What public touches before a private first order cost is not in any of
    them: the pool's share of upstream spend needs the touchpoints, see notebook 03.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": range(50), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-20")})
    >>> orders["acquired_through"] = ["feed"] * 40 + ["wecom"] * 10
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [2000.0]})
    >>> pool = pd.DataFrame({"month": [pd.Timestamp("2024-01-01")], "item": ["staff"], "amount": [500.0]})
    >>> compare_domains(spend, orders, "2024-01-31", {"feed": "public", "wecom": "private"}, pool).iloc[:, :5]
              charge   domain   spend  new_customers   cac
    0          media  private     0.0             10   NaN
    1          media   public  2000.0             40  50.0
    2  new_customers  private   100.0             10  10.0
    3  new_customers   public  2400.0             40  60.0
    4        private  private   500.0             10  50.0
    5        private   public  2000.0             40  50.0
    """
    by = ("month", "domain")
    _check(by, "paid", domains, level, lag_days)
    found = inputs.counted(
        *(spend, orders, observed_until, pool_costs, members, messages),
        *(observed_from, history, burn_in_days, first_order_at),
    )
    charges = {"media": ("paid", None)}
    if found.pool is not None:
        shared = "new_customers" if members is None else "new_members"
        charges |= {shared: ("fully_loaded", shared), "private": ("fully_loaded", "private")}
    tables = {
        charge: _table(found, by, variant, level, domains, lag_days, to) for charge, (variant, to) in charges.items()
    }
    names = complete_periods(list(tables.values())[-1])[-months:]
    made = pd.concat(
        [
            totals(table, [name for name in names if name in set(table["month"])], level).assign(charge=charge)
            for charge, table in tables.items()
        ],
        ignore_index=True,
    )
    made.attrs = {"months": names, "level": level, "lag_days": lag_days}
    made.attrs["definition"] = {charge: table.attrs["definition"] for charge, table in tables.items()}
    return made[["charge", "domain", *NUMBERS]]


def funnel_table(
    spend: Any, orders: Any, observed_until: order_log.DateLike, by: tuple[str, ...] = ("month", "channel"), **options
) -> pd.DataFrame:
    """The cost table with what lies between money and customer: impressions, clicks and visitors.

    spend, orders  ->  table (period x channel): the columns of `cost_table`, impressions, clicks, visitors

    Parameters
    ----------
    spend, orders, observed_until, by, options
        As in `cost_table`.

    Returns
    -------
    DataFrame
        impressions, clicks, visitors : sums. NaN where a row of spend in that cell does not record them: a part of a
        sum is not the sum; and where the cell has no row of spend.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": range(40), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-20")})
    >>> spend = pd.DataFrame({"date": pd.to_datetime(["2024-01-01", "2024-01-02"]), "channel": "feed", "spend": 600.0})
    >>> spend = spend.assign(impressions=[9000, 11000], clicks=[300, None])
    >>> funnel_table(spend, orders.assign(acquired_through="feed"), "2024-01-31").iloc[0, -3:].tolist()
    [20000.0, nan, nan]
    """
    table = cost_table(spend, orders, observed_until, by, **options)
    by = (by,) if isinstance(by, str) else tuple(by)
    grain = "week" if "week" in by else "month"
    rows = inputs.spend_by_day(spend, order_log.day_number(observed_until, "observed_until"))
    keyed = cells.keyed(
        rows.assign(number=inputs.numbers_of_days(rows["day"], grain)), by, grain, options.get("domains")
    )
    names = list(inputs.FUNNEL)
    keyed = keyed.assign(every=0)  # one key for all where there is none
    sums = keyed.groupby([*by, "every"], as_index=False)[names].agg(lambda numbers: numbers.sum(skipna=False))
    made = table.assign(every=0).merge(sums, on=[*by, "every"], how="left", validate="one_to_one")
    made = made.drop(columns="every").astype(dict.fromkeys(names, float))
    made.attrs = table.attrs
    return made
