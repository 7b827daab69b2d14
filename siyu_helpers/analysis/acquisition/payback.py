"""Payback: what new customers have brought in by a number of days, beside what it cost to win them.

Used by notebooks/01_acquisition_cost.ipynb. Opens no files and draws nothing. Cost and contribution are those of the
same customers: the new customers of whole months, all of them observed for the days shown, and the spend of those
months; so a curve never changes its customers along its length. Sums are divided by sums. What is known so far,
undiscounted, the first order included; not a forecast.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import payback_groups as groups
from siyu_helpers.analysis.acquisition import payback_intervals as intervals
from siyu_helpers.analysis.acquisition import payback_words as say
from siyu_helpers.analysis.acquisition.acquired_value import HORIZONS, STEP_DAYS, acquired_value
from siyu_helpers.analysis.acquisition.cost_sums import cac as cost_per_customer
from siyu_helpers.analysis.estimates import LEVEL, MEAN_AT_LEAST, Estimate, Refused, check_level

__all__ = [
    "HORIZONS", "STEP_DAYS", "acquired_value", "affordable_cac", "headroom", "ltv_to_cac", "payback", "payback_month",
    "payback_summary",
]  # fmt: skip

CUSTOMERS = ("all", "paid")

PAYBACK_COLUMNS = [
    "group", "within_days", "customers", "contribution", "contribution_low", "contribution_high",
    "cac", "cac_low", "cac_high", "net", "net_low", "net_high",
    "share_paid_back", "share_paid_back_low", "share_paid_back_high",
    "spend", "months", "first_month", "last_month",
]  # fmt: skip
SUMMARY_COLUMNS = [
    "group", "customers", "cac", "cac_low", "cac_high", "payback_months", "payback_months_low", "payback_months_high",
    "within_days", "contribution", "contribution_low", "contribution_high", "first_month", "last_month",
]  # fmt: skip


def payback(
    values: pd.DataFrame | Refused,
    costs: pd.DataFrame | Refused,
    by: str | None = None,
    customers: str = "all",
    domains: dict[str, str] | None = None,
    level: float = LEVEL,
) -> pd.DataFrame | Refused:
    """What a new customer cost, and what the same customers have brought in by each horizon.

    acquired value, costs (both month x channel)  ->  table (group x horizon)

    Parameters
    ----------
    values : DataFrame
        From `acquired_value`.
    costs : DataFrame
        From `costs.cost_table`, from the same orders: month [channel], spend, new_customers. Months in
        `attrs["incomplete"]`, and those whose spend or new customers are not known, are left out.
    by : None, "channel", "domain", "year", "half", "quarter" or "month"
        None: one group. "channel", "domain": one for each. Else the cohorts: the new customers of each year, half
        year, quarter or month.
    customers : "all" or "paid"
        Whose: all new customers (blended), or only those acquired through channels with spend in these months.
    domains : dict, for by="domain"
        Channel -> "public", "semi" or "private"; other channels are "unknown".
    level : float
        Coverage of all intervals.

    Returns
    -------
    DataFrame, a row for every group and horizon of `values`
        group : "all" or "paid", the channel, or the cohort ("2024", "2024-H1", "2024-Q1", "2024-01").
        within_days : the horizon.
        customers : new customers of the months compared.
        contribution, _low, _high : mean over these customers by that day, brand's currency.
        cac, _low, _high : spend of these months / these customers.
        net, _low, _high : contribution - cac, per customer; its interval has the errors of both.
        share_paid_back, _low, _high : contribution / cac, 1.2 = 120%; its interval lies above 1 when that of net lies
            above 0, always.
        spend : brand's currency.
        months, first_month, last_month : how many months, and which, the customers are of. Of a cohort: its months
            observed for the shortest horizon. Otherwise the same in every row: all months observed for the longest
            horizon that 100 customers of three months have reached; rows of longer ones are blank.
    Blank (NaN): contribution with fewer than 100 customers or where some have not been observed that long; cac without
    spend; what follows from either. Why: `attrs["refused"]`, {(group, within_days): Refused}. Refused when nothing can
    be compared at all.

    Raises
    ------
    ValueError
        For a missing column, rows twice, a parameter out of its values, or tables that count different new customers.

    Notes
    -----
    The interval of contribution is Hall's for a skewed mean (1992, J. R. Statist. Soc. B 54, 221-228), as in
    `estimates.mean_per_customer`; that of the cost follows from the count of customers, taken as Poisson given the
    spend of these very months: what months scatter beyond that is part of what they cost, not of its error. Set
    against the cost of months to come, which may be dearer or cheaper, the intervals are too short. Those of net
    and of the ratio put the two together by the square-and-add rule for a difference (Zou and Donner 2008, Statist.
    Med. 27, 1693-1702) and for a ratio (Donner and Zou 2012, Statist. Methods Med. Res. 21, 347-359), which is the
    first one solved for zero.

    Example
    -------
    100 customers who cost 30 each bring in 20 by day 30, and 35 by day 60:

    >>> orders = pd.DataFrame({"customer_id": [*range(100)] * 2, "amount": [40.0] * 100 + [30.0] * 100})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-10"] * 100 + ["2024-02-20"] * 100)
    >>> orders["acquired_through"] = "feed"
    >>> costs = pd.DataFrame({"month": ["2024-01"], "channel": "feed", "spend": 3000.0, "new_customers": 100})
    >>> table = payback(acquired_value(orders, "2024-06-30", (30, 60), gross_margin=0.5), costs)
    >>> table[["group", "within_days", "customers", "contribution", "cac", "net"]]
      group  within_days  customers  contribution   cac   net
    0   all           30        100          20.0  30.0 -10.0
    1   all           60        100          35.0  30.0   5.0
    >>> payback_month(table)["months"].value
    2.0
    """
    if isinstance(values, Refused) or isinstance(costs, Refused):
        return values if isinstance(values, Refused) else costs
    if by is not None:
        order_log.one_of("by", by, ("channel", "domain", *groups.COHORTS))
    order_log.one_of("customers", customers, CUSTOMERS)
    check_level(level)
    if "channel" not in costs.columns:
        costs, values = groups.without_channels(costs, values, by, customers)
    spent = groups.known_costs(costs, values)
    if spent.empty or not spent["spend"].sum() > 0:
        return say.no_spend()
    groups.check_same_customers(spent, values)
    made, values = values.attrs, values[values["month"].isin(spent["month"])]
    values.attrs = made
    horizons = [int(days) for days in sorted(values["within_days"].unique())]
    if not horizons:
        return say.too_few(0, MEAN_AT_LEAST)
    rows, refused = [], {}
    for group in groups.made(spent, values, by, customers, domains or {}, horizons):
        found, why = _rows(group, spent, values, horizons, level)
        rows, refused = rows + found, refused | why
    table = pd.DataFrame(rows, columns=PAYBACK_COLUMNS)
    numbers = [name for name in PAYBACK_COLUMNS if name not in ("group", "first_month", "last_month")]
    table = table.astype(dict.fromkeys(numbers, "float64"))
    table = table.astype(dict.fromkeys(["within_days", "customers", "months"], "int64"))
    table = table.astype(dict.fromkeys(["group", "first_month", "last_month"], "str"))
    table.attrs = {"refused": refused, "by": by, "customers": customers, "level": level}
    table.attrs |= {name: made.get(name) for name in ("contribution", "gross_margin")}
    table.attrs |= {name: costs.attrs.get(name) for name in ("variant", "lag_days")}
    return table


def payback_month(paid_back: pd.DataFrame | Refused, group: str | None = None) -> dict[str, Estimate | Refused]:
    """When the contribution of new customers has covered what they cost, in steps of 30 days.

    table (group x horizon)  ->  named numbers

    Parameters
    ----------
    paid_back : DataFrame
        From `payback`.
    group : str, optional
        Which; may be left out where there is one.

    Returns
    -------
    dict of Estimate or Refused
        months : unit "months" (of 30 days since the first order): the first horizon of the table from which
            contribution covers the cost and goes on doing so to the last one (a refund may take it below again), as the
            number of steps begun by then. Its interval runs from the first such step for the upper end of net to that
            for the lower end; infinite where that is not reached in the time observed. Refused where net itself is not.
        missing : unit "money per customer"; what is missing at the longest horizon where the cost is not covered
            by then, Refused where it is.

    Notes
    -----
    The interval is conservative, since it is cut to whole steps: simulated, see tests/calibration.

    Raises
    ------
    ValueError
        When there is no such group, or the table has lost how it was made.

    Example
    -------
    100 customers won for 30 each, who bring in 45 by day 30:

    >>> orders = pd.DataFrame({"customer_id": range(100), "amount": 90.0, "ordered_at": pd.Timestamp("2024-01-10")})
    >>> costs = pd.DataFrame({"month": ["2024-01"], "channel": "unknown", "spend": 3000.0, "new_customers": 100})
    >>> table = payback(acquired_value(orders, "2024-06-30", (30,), gross_margin=0.5), costs)
    >>> payback_month(table)["months"].value, payback_month(table)["missing"].reason_en
    (1.0, 'The cost was paid back in step 1 of 30 days: nothing is missing.')
    """
    rows = _of_group(paid_back, group)
    if isinstance(rows, Refused):
        return {"months": rows, "missing": rows}
    seen = rows[rows["net"].notna()]
    if seen.empty:
        why = _why(rows)
        return {"months": why, "missing": why}
    last = seen.iloc[-1]
    crossed = [_covered_from(seen, name) for name in ("net", "net_high", "net_low")]
    made, n = rows.attrs, int(last["customers"])
    if math.isinf(crossed[0]):
        ends = [-last[name] for name in ("net", "net_high", "net_low")]
        words = say.missing(made, last)
        short = Estimate(*ends, made["level"], n, "money per customer", words, payback_month)
        return {"months": say.not_paid_back(last, crossed[1]), "missing": short}
    months = Estimate(*crossed, made["level"], n, "months", say.months(made, last), payback_month)
    return {"months": months, "missing": say.paid_back(int(crossed[0]))}


def ltv_to_cac(
    paid_back: pd.DataFrame | Refused, within_days: int = 365, group: str | None = None
) -> Estimate | Refused:
    """Contribution of a new customer within a stated time over what the customer cost: LTV:CAC, as observed.

    Parameters
    ----------
    paid_back : DataFrame
        From `payback`.
    within_days, group
        Which row; the group may be left out where there is one.

    Returns
    -------
    Estimate with unit "times". The first order is included, nothing is discounted and nothing forecast: what customers
    bring in later comes on top. Refused without spend, or with fewer than 100 customers observed that long.

    Raises
    ------
    ValueError
        When there is no such row, or the table has lost how it was made.

    Example
    -------
    100 customers won for 30 each, who bring in 45 by day 30:

    >>> orders = pd.DataFrame({"customer_id": range(100), "amount": 90.0, "ordered_at": pd.Timestamp("2024-01-10")})
    >>> costs = pd.DataFrame({"month": ["2024-01"], "channel": "unknown", "spend": 3000.0, "new_customers": 100})
    >>> table = payback(acquired_value(orders, "2024-06-30", (30,), gross_margin=0.5), costs)
    >>> ltv_to_cac(table, 30).value
    1.5
    """
    return _stated(paid_back, within_days, group, "share_paid_back", "times", ltv_to_cac)


def affordable_cac(
    paid_back: pd.DataFrame | Refused, within_days: int = 365, target: float = 1.0, group: str | None = None
) -> Estimate | Refused:
    """What a new customer may cost if contribution within a stated time is to be so many times the cost.

    Parameters
    ----------
    paid_back, within_days, group
        As in `ltv_to_cac`.
    target : float
        Contribution / cost asked for, above 0: 1 covers the cost within that time, 3 is three times the cost.

    Returns
    -------
    Estimate with unit "money per customer": contribution / target. Given also for groups without spend.

    Raises
    ------
    ValueError
        As `ltv_to_cac`; for a target of 0 or less.

    Example
    -------
    100 customers won for 30 each, who bring in 45 by day 30:

    >>> orders = pd.DataFrame({"customer_id": range(100), "amount": 90.0, "ordered_at": pd.Timestamp("2024-01-10")})
    >>> costs = pd.DataFrame({"month": ["2024-01"], "channel": "unknown", "spend": 3000.0, "new_customers": 100})
    >>> table = payback(acquired_value(orders, "2024-06-30", (30,), gross_margin=0.5), costs)
    >>> affordable_cac(table, 30, target=3).value
    15.0
    """
    return _stated(
        paid_back, within_days, group, "contribution", "money per customer", affordable_cac, _check_target(target)
    )


def headroom(
    paid_back: pd.DataFrame | Refused, within_days: int = 365, target: float = 1.0, group: str | None = None
) -> Estimate | Refused:
    """What a new customer could cost more than now: `affordable_cac` less the cost; below 0, what is paid too much.

    Parameters
    ----------
    paid_back, within_days, target, group
        As in `affordable_cac`.

    Returns
    -------
    Estimate with unit "money per customer"; Refused as `ltv_to_cac`. It is the room of the average customer: the next
    one costs more than the average.

    Raises
    ------
    ValueError
        As `affordable_cac`.

    Example
    -------
    100 customers won for 30 each, who bring in 45 by day 30:

    >>> orders = pd.DataFrame({"customer_id": range(100), "amount": 90.0, "ordered_at": pd.Timestamp("2024-01-10")})
    >>> costs = pd.DataFrame({"month": ["2024-01"], "channel": "unknown", "spend": 3000.0, "new_customers": 100})
    >>> table = payback(acquired_value(orders, "2024-06-30", (30,), gross_margin=0.5), costs)
    >>> headroom(table, 30, target=3).value
    -15.0
    """
    return _stated(paid_back, within_days, group, "headroom", "money per customer", headroom, _check_target(target))


def payback_summary(paid_back: pd.DataFrame | Refused) -> pd.DataFrame | Refused:
    """One row a group, channel or cohort: its cost, when it was paid back, and its contribution to date.

    table (group x horizon)  ->  table (group)

    Parameters
    ----------
    paid_back : DataFrame
        From `payback`.

    Returns
    -------
    DataFrame in the order of the groups
        group, customers, cac (with _low, _high) : as in `payback`.
        payback_months, _low, _high : see `payback_month`; blank where not paid back in the time observed, the upper end
            infinite where it is not reached.
        within_days, contribution (with _low, _high) : the longest horizon that all of the group have been observed for,
            and what they brought in by then. Blank where there is none (within_days <NA>).
        first_month, last_month : of the group's customers.
        `attrs["refused"]` : {group: Refused}, why payback_months is blank.

    Example
    -------
    100 customers won for 30 each, who bring in 45 by day 30:

    >>> orders = pd.DataFrame({"customer_id": range(100), "amount": 90.0, "ordered_at": pd.Timestamp("2024-01-10")})
    >>> costs = pd.DataFrame({"month": ["2024-01"], "channel": "unknown", "spend": 3000.0, "new_customers": 100})
    >>> table = payback(acquired_value(orders, "2024-06-30", (30,), gross_margin=0.5), costs)
    >>> payback_summary(table)[["group", "cac", "payback_months", "within_days", "contribution"]]
      group   cac  payback_months  within_days  contribution
    0   all  30.0             1.0           30          45.0
    """
    if isinstance(paid_back, Refused):
        return paid_back
    rows, refused = [], {}
    for group, of_group in paid_back.groupby("group", sort=False):
        seen = of_group[of_group["contribution"].notna()]
        row = (seen if len(seen) else of_group).iloc[-1]
        months = payback_month(paid_back, group)["months"]
        ends = (np.nan,) * 3 if isinstance(months, Refused) else (months.value, months.low, months.high)
        if isinstance(months, Refused):
            refused[group] = months
        names = ["customers", "cac", "cac_low", "cac_high"]
        money = [row[name] for name in SUMMARY_COLUMNS[9:12]]
        horizon = row["within_days"] if len(seen) else pd.NA
        rows.append([group, *row[names], *ends, horizon, *money, row["first_month"], row["last_month"]])
    table = pd.DataFrame(rows, columns=SUMMARY_COLUMNS)
    table = table.astype({"customers": "int64", "within_days": "Int64"})
    table.attrs = paid_back.attrs | {"refused": refused}
    return table


# --- one group ---


def _rows(
    group: groups.Group, spent: pd.DataFrame, values: pd.DataFrame, horizons: list[int], level: float
) -> tuple[list[list[Any]], dict[tuple[str, int], Refused]]:
    """One row per horizon, and why some of their cells are blank."""
    paid = spent[spent["month"].isin(group.months) & spent["channel"].isin(group.channels)]
    money, n = math.fsum(paid["spend"]), int(paid["new_customers"].sum())
    found = cost_per_customer(paid, channel=group.channels or None, level=level)
    cac = intervals.NONE if isinstance(found, Refused) else (found.value, found.low, found.high)
    mine = values[values["month"].isin(group.months) & values["channel"].isin(group.channels)]
    powers = mine.groupby("within_days")[["contribution", "squares", "cubes"]].sum(skipna=False)
    tail = [money, len(group.months), *((group.months[0], group.months[-1]) if group.months else ("", ""))]
    rows, refused = [], {}
    for days in horizons:
        sums = powers.loc[days].to_numpy() if days in powers.index else np.zeros(3)
        if n < MEAN_AT_LEAST or np.isnan(sums).any():
            worth = (np.nan,) * 3
            refused[group.name, days] = say.not_observed(days) if n >= MEAN_AT_LEAST else say.too_few(n, MEAN_AT_LEAST)
        else:
            worth = intervals.mean(sums, n, level)
            if np.isnan(cac[0]):
                refused[group.name, days] = say.no_spend_of(group.name)
        net, ratio = intervals.difference(worth, cac), intervals.ratio(worth, cac)
        rows.append([group.name, days, n, *worth, *cac, *net, *ratio, *tail])
    return rows, refused


def _covered_from(rows: pd.DataFrame, name: str) -> float:
    """First horizon from which a column stays at 0 or above, in steps begun; infinite where there is none."""
    below = np.flatnonzero((rows[name] < 0).to_numpy())
    at = below[-1] + 1 if len(below) else 0
    return float(math.ceil(rows["within_days"].iloc[at] / STEP_DAYS)) if at < len(rows) else math.inf


# --- one number ---


def _check_target(target: float) -> float:
    if not (math.isfinite(target) and target > 0):
        raise ValueError(f"target must be above 0, such as 1 or 3; got {target!r}")
    return float(target)


def _of_group(paid_back: pd.DataFrame | Refused, group: str | None) -> pd.DataFrame | Refused:
    if isinstance(paid_back, Refused):
        return paid_back
    if "refused" not in paid_back.attrs:
        raise ValueError("the table has lost its attrs: pass what payback returned")
    names = list(dict.fromkeys(paid_back["group"]))
    if group is None and len(names) == 1:
        group = names[0]
    if group not in names:
        asked = "say which group" if group is None else f"the table has no group {group!r}"
        raise ValueError(f"{asked}; its groups are {', '.join(map(repr, names)) or 'none'}")
    rows = paid_back[paid_back["group"] == group].sort_values("within_days")
    rows.attrs = paid_back.attrs
    return rows


def _why(rows: pd.DataFrame) -> Refused:
    """Why the first row of a group is blank."""
    first = rows.iloc[0]
    return rows.attrs["refused"][first["group"], first["within_days"]]


def _stated(
    paid_back: pd.DataFrame | Refused,
    within_days: int,
    group: str | None,
    name: str,
    unit: str,
    function: Any,
    target: float = 1.0,
) -> Estimate | Refused:
    """One number of the table, or of its contribution divided by a target."""
    rows = _of_group(paid_back, group)
    if isinstance(rows, Refused):
        return rows
    at = rows[rows["within_days"] == within_days]
    if at.empty:
        shown = ", ".join(map(str, rows["within_days"]))
        raise ValueError(f"the table has no horizon of {within_days} days; its horizons are {shown}")
    row = at.iloc[0]
    worth, cac = (tuple(row[part + end] for end in ("", "_low", "_high")) for part in ("contribution", "cac"))
    if name == "share_paid_back":
        ends = tuple(row[name + end] for end in ("", "_low", "_high"))
    else:
        ends = tuple(end / target for end in worth)
        ends = intervals.difference(ends, cac) if name == "headroom" else ends
    if np.isnan(ends[0]):
        return rows.attrs["refused"][row["group"], within_days]
    words = say.WORDS[name](rows.attrs, row, target)
    return Estimate(*ends, rows.attrs["level"], int(row["customers"]), unit, words, function)
