"""What a pool adds at stores or cities that opened theirs at different times: the panel, and the effect from it.

Opens no files and draws nothing. Order log and members may be any frame that narwhals takes, see `order_log`. A
customer belongs to the store (or city) of the first order, whatever came later, and the customers of the panel had all
ordered before any pool opened: so neither the pool nor the wish to join decides who is counted where.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.staggered import SIDE_AT_LEAST, UNITS_AT_LEAST, GroupTime, staggered
from siyu_helpers.analysis.estimates import LEVEL, Refused, Words

REQUIRES = order_log.REQUIRES | {"members": ["customer_id", "joined_at"]}

OUTCOMES = ("orders", "spend", "contribution")
JOINING_SHARE = 0.01  # of a unit's customers: so many joiners in a few periods, and its pool is open
JOINERS_AT_LEAST = 3
OPENING_PERIODS = 3
CUSTOMERS_AT_LEAST = 20  # of the panel, in a unit; smaller units are left out and counted
PANEL_COLUMNS = ["unit", "period", "label", "first_treated", "customers", "joined", *OUTCOMES]

ASSUMPTION = Words(
    "分批上线的比较只要求一点：如果都不上线，先上线和后上线的门店（或城市）走势本应相同；哪家先开不取决于预期的走势。",
    "A staggered comparison rests on one thing: without the pool, stores (or cities) that opened early and late would "
    "have moved alike, so that who opened first was not decided by what was expected of them.",
)


def roll_out_panel(
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    by: str = "store_id",
    period: str = "month",
    customers: Any = None,
    leads: int = 3,
    joining_share: float = JOINING_SHARE,
    openings: Mapping[Any, order_log.DateLike] | None = None,
    refunds: str = "net",
    gross_margin: float | None = None,
    customers_at_least: int = CUSTOMERS_AT_LEAST,
) -> pd.DataFrame | Refused:
    """What the early customers of each store or city bought in each period, and when its pool opened.

    orders, members  ->  table (one unit and period)

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`.
    members : frame of the same kind
        customer_id, joined_at. The first joining of a customer counts.
    by : str
        Column of orders (or of `customers`) that holds the unit, such as "store_id" or "city". Customers whose first
        order has none are left out and counted.
    period : "month", "week" or "quarter"
        Only whole periods are in the table.
    customers : frame, optional
        customer_id and the column `by`, where orders do not hold it.
    leads : int
        Periods before the first opening in which the units are seen as well.
    joining_share : float
        The pool of a unit opens in the first period with a joining from which on, in three periods, this share of its
        customers so far join, and 3 at least. Joinings before that are counted in attrs.
    openings : dict, optional
        Unit -> day on which its pool opened, where the brand knows it; units that are not in it have not opened. Then
        joining_share is not used.
    refunds, gross_margin
        See the head of `order_log`, and `order_log.contribution_rule`.
    customers_at_least : int
        Units with fewer customers in the panel are left out and counted.

    Returns
    -------
    DataFrame, every unit in every period, by first_treated, unit and period
        unit : as in the tables. period : running number, label : its name ("2024-01"). first_treated : running number
        of the period in which the pool of the unit opened, 0 for not yet. customers : of the unit whose first order was
        before the panel begins, `leads` periods before the first opening anywhere; the same in all periods.
        joined : share of them who have ever joined by the end of the period. orders, spend, contribution : of these
        customers in the period, per customer, over all channels; contribution blank where it is not known.
        attrs : by, period_kind, leads, opened (unit -> label), no_unit, small_units, joined_before_opening, refunds,
        contribution, gross_margin.
    Or Refused, with the reason: fewer than 8 units, none or all opened in one period, too little before the opening.

    Raises
    ------
    ValueError
        For missing columns, a parameter out of its values, an order without amount or date.

    Notes
    -----
    Who joins before the pool of the own unit opens (at another store, say) makes the comparison smaller than the
    effect; so do customers who buy at several stores. Joined is no covariate: it is what the opening brings.

    Example
    -------
    >>> day = pd.to_datetime
    >>> log = pd.DataFrame({"customer_id": [1, 2], "ordered_at": day(["2024-01-05", "2024-01-08"]), "amount": 9.0,
    ...                     "store_id": ["a", "b"]})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": day(["2024-05-01"])})
    >>> roll_out_panel(log, stays, "2024-12-31").reason("en")
    'Only 2 values of store_id; a staggered comparison needs at least 8.'
    """
    order_log.one_of("period", period, order_log.PERIODS)
    order_log.at_least_one("leads", leads)
    if not 0 < joining_share <= 1:
        raise ValueError(f"joining_share must lie between 0 and 1, such as 0.01; got {joining_share!r}")
    until = order_log.day_number(observed_until, "observed_until")
    rule = order_log.contribution_rule(orders, until, gross_margin)
    bought, no_unit = _bought(orders, customers, until, by, period, refunds, rule)
    units = bought["unit"].nunique()
    if units < UNITS_AT_LEAST:
        return _few_units(units, by)
    people = _people(bought, members, until, period)
    last = _last_whole(until, period)
    if openings is None:
        opened = _openings(people, last, joining_share)
    else:
        opened = {str(unit): order_log.period_of_day(order_log.day_number(at, "openings"), period)
                  for unit, at in openings.items()}  # fmt: skip
        opened = {unit: at for unit, at in opened.items() if at <= last and unit in set(people["unit"])}
    if refused := _no_stages(opened, units):
        return refused
    begin = min(opened.values()) - leads
    if begin <= people["first"].min():
        return _too_early(leads)
    base = people[people["first"] < begin]
    sizes = base.groupby("unit").size()
    kept = sizes[sizes >= max(customers_at_least, 1)].index
    if len(kept) < UNITS_AT_LEAST:
        return _few_units(len(kept), by)
    if refused := _no_stages({unit: at for unit, at in opened.items() if unit in set(kept)}, len(kept)):
        return refused
    worth = {"spend": 1.0, "contribution": np.nan if rule == "none" else order_log.earned_per_minor(rule, gross_margin)}
    table = _panel(bought, base[base["unit"].isin(kept)], opened, range(begin, last + 1), worth)
    table["label"] = [order_log.period_label(number, period) for number in table["period"]]
    table = table[PANEL_COLUMNS]
    table.attrs = {
        "by": by, "period_kind": period, "leads": int(leads), "joining_share": float(joining_share),
        "opened": {str(unit): order_log.period_label(at, period) for unit, at in opened.items()},
        "no_unit": int(no_unit), "small_units": int(units - len(kept)),
        "joined_before_opening": int((people["joined"] < people["unit"].map(opened).fillna(np.inf)).sum()),
        "refunds": order_log.refund_rule(orders, refunds), "contribution": rule, "gross_margin": gross_margin,
    }  # fmt: skip
    return table


def roll_out(
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    outcome: str = "orders",
    control: str = "not_yet",
    level: float = LEVEL,
    weights: str | None = "customers",
    **panel: Any,
) -> GroupTime | Refused:
    """Effect of having the pool at one's store (or city), on what the early customers buy in a period.

    orders, members  ->  GroupTime

    Parameters
    ----------
    orders, members, observed_until, **panel
        As in `roll_out_panel`.
    outcome : "orders", "spend" or "contribution"
        Per customer of the unit and period.
    control, level
        As in `staggered`.
    weights : "customers" or None
        customers: every customer counts alike. None: every unit counts alike.

    Returns
    -------
    GroupTime, per customer of the unit and period, whether or not the customer joins (intention to treat: the share
    that joined is in the panel). Or Refused, from `roll_out_panel` or `staggered`.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1], "ordered_at": pd.to_datetime(["2024-01-05"]), "amount": 9.0,
    ...                     "city": "Suzhou"})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": pd.to_datetime(["2024-05-01"])})
    >>> roll_out(log, stays, "2024-12-31", by="city").gate
    'units'
    """
    order_log.one_of("outcome", outcome, OUTCOMES)
    if weights is not None:
        order_log.one_of("weights", weights, ("customers",))
    table = roll_out_panel(orders, members, observed_until, **panel)
    if isinstance(table, Refused):
        return table
    if outcome == "contribution" and table.attrs["contribution"] == "none":
        return order_log.no_contribution()
    return staggered(table, "unit", "period", "first_treated", outcome, control, level, weights=weights)


# --- what each customer did ---


def _bought(orders, customers, until: int, by: str, period: str, refunds: str, rule: str) -> tuple[pd.DataFrame, int]:
    """One row a customer and period: customer_id, unit, period, orders, minor, earned; and how many have no unit."""
    in_orders = by in order_log.lazy(orders).collect_schema().names()
    if not in_orders and customers is None:
        order_log.has_columns(order_log.lazy(orders).collect_schema().names(), [by])
    facts = order_log.paid_orders(orders, until, period, refunds, by=by if in_orders else None, rule=rule)
    if rule == "none":
        facts = facts.with_columns(nw.lit(0).alias("earned"))
    if in_orders:
        facts = order_log.grouped(facts.with_columns(nw.col("group").fill_null("")))
    keys = ["customer_id", "period", *(["group"] if in_orders else [])]
    sums = facts.group_by(*keys).agg(
        nw.len().alias("orders"), nw.col("minor").sum(), nw.col("earned").sum(), nw.col("unpriced").sum()
    )
    home = order_log.priced(sums.collect("pandas").to_native()).drop(columns="unpriced")
    if in_orders:
        home = home.rename(columns={"group": "unit"})
        home["unit"] = home["unit"].astype(object).where(~home["unit"].isin(["", "unknown"]))
    else:
        frame = order_log.lazy(customers)
        order_log.has_columns(frame.collect_schema().names(), ["customer_id", by])
        told = frame.select("customer_id", by).collect("pandas").to_native().drop_duplicates("customer_id")
        told = told.dropna(subset=by)
        home["unit"] = home["customer_id"].map(told.set_index("customer_id")[by].astype(str))
    no_unit = home.loc[home["unit"].isna(), "customer_id"].nunique()
    home = home[home["unit"].notna()]
    numbers = dict.fromkeys(("period", "orders", "minor", "earned"), "int64")
    return home.astype(numbers).sort_values(["customer_id", "period"], ignore_index=True), no_unit


def _people(bought: pd.DataFrame, members: Any, until: int, period: str) -> pd.DataFrame:
    """One row a customer: unit, first (period of the first order), joined (period of the first joining; blank)."""
    frame = order_log.lazy(members)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["members"])
    stays = frame.select("customer_id", order_log.as_moment("joined_at", kinds).alias("joined_at"))
    stays = stays.filter(~nw.col("customer_id").is_null() & ~nw.col("joined_at").is_null())
    stays = order_log.with_day_and_period(stays, "joined_at", period).filter(nw.col("day") <= until)
    joined = stays.group_by("customer_id").agg(nw.col("period").min()).collect("pandas").to_native()
    people = bought.groupby("customer_id", sort=False).agg(unit=("unit", "first"), first=("period", "min"))
    people["joined"] = joined.set_index("customer_id")["period"].reindex(people.index).astype(float)
    return people


def _last_whole(until: int, period: str) -> int:
    """The last period that ends with the observed days or before."""
    number = order_log.period_of_day(until, period)
    return number if order_log.period_of_day(until + 1, period) > number else number - 1


def _openings(people: pd.DataFrame, last: int, joining_share: float) -> dict[Any, int]:
    """Unit -> period in which its pool opened, by when its customers join."""
    periods = np.arange(int(people["first"].min()), last + 1)
    opened = {}
    for unit, mine in people.groupby("unit", sort=True):
        known = np.searchsorted(np.sort(mine["first"].to_numpy()), periods, "right")
        joined = np.sort(mine["joined"].dropna().to_numpy())
        before, by_end = np.searchsorted(joined, periods, "left"), np.searchsorted(joined, periods, "right")
        soon = np.searchsorted(joined, np.minimum(periods + OPENING_PERIODS - 1, last), "right") - before
        opens = (by_end > before) & (soon >= np.maximum(joining_share * known, JOINERS_AT_LEAST))
        if opens.any():
            opened[unit] = int(periods[np.argmax(opens)])
    return opened


def _panel(bought, base: pd.DataFrame, opened: dict, periods: range, worth: dict[str, float]) -> pd.DataFrame:
    sizes = base.groupby("unit").size()
    grid = pd.MultiIndex.from_product([sizes.index, periods], names=["unit", "period"])
    mine = bought[bought["customer_id"].isin(base.index) & bought["period"].isin(periods)]
    sums = mine.groupby(["unit", "period"])[["orders", "minor", "earned"]].sum().reindex(grid, fill_value=0)
    table = sums.reset_index()
    table["customers"] = table["unit"].map(sizes)
    table["first_treated"] = table["unit"].map(opened).fillna(0).astype("int64")
    table["orders"] = table["orders"] / table["customers"]
    money = order_log.MONEY_SCALE * table["customers"]
    table["spend"] = table["minor"] / money * worth["spend"]
    table["contribution"] = table["earned"] / money * worth["contribution"]
    joins = base.dropna(subset="joined").groupby("unit")["joined"].apply(lambda at: np.sort(at.to_numpy()))
    counts = [np.searchsorted(joins[u], p, "right") if u in joins.index else 0
              for u, p in zip(table["unit"], table["period"], strict=True)]  # fmt: skip
    table["joined"] = np.array(counts) / table["customers"]
    return table.sort_values(["first_treated", "unit", "period"], ignore_index=True)


# --- refusals ---


def _few_units(units: int, by: str) -> Refused:
    return Refused(
        "units", int(units), UNITS_AT_LEAST,
        f"{by} 只有 {units} 个取值，分批上线的比较至少需要 {UNITS_AT_LEAST} 个。",
        f"Only {units} values of {by}; a staggered comparison needs at least {UNITS_AT_LEAST}.",
    )  # fmt: skip


def _no_stages(opened: dict[Any, int], units: int) -> Refused | None:
    if len(opened) < SIDE_AT_LEAST:
        return Refused(
            "openings", len(opened), SIDE_AT_LEAST,
            f"只有 {len(opened)} 个门店（或城市）在观察期内开通私域，至少需要 {SIDE_AT_LEAST} 个。",
            f"Only {len(opened)} stores (or cities) opened a pool in the observed periods; at least {SIDE_AT_LEAST} "
            "are needed.",
        )  # fmt: skip
    if len(opened) == units and len(set(opened.values())) == 1:
        return Refused(
            "different openings", "all at once", "at least two periods",
            "所有门店（或城市）在同一期开通私域，没有尚未开通的可比对象，无法用分批上线来识别效果。",
            "All stores (or cities) opened their pool in the same period: none is left to compare with, so the "
            "roll-out cannot tell the effect.",
        )  # fmt: skip
    return None


def _too_early(leads: int) -> Refused:
    return Refused(
        "periods before the opening", "too few", leads + 1,
        f"第一家门店（或城市）开通私域前的数据不足 {leads + 1} 期，既没有开通前就在的客户，也看不出此前的走势。",
        f"Fewer than {leads + 1} periods are observed before the first opening: there are no customers from before, "
        "and no trend to compare.",
    )  # fmt: skip
