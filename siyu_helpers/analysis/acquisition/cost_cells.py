"""Cells of a cost table: spend and new customers of a month (or week) and a channel, in whole numbers.

Used by `costs`. Here the lag is applied, the pool's costs are spread, and it is settled which periods are not known or
not whole.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import cost_inputs as inputs
from siyu_helpers.analysis.acquisition.cost_inputs import POOL, UNKNOWN
from siyu_helpers.analysis.estimates import Refused

WHOLE = "all"  # key of attrs where the table has no period


def made(found: inputs.Counted, grain: str, lag_days: int) -> pd.DataFrame:
    """number (of the month or week), channel, minor, customers, blank: one row where there is spend or a customer.

    A customer belongs to the day of spend that is `lag_days` before the first order.
    """
    firsts = found.firsts.assign(number=inputs.numbers_of_days(found.firsts["day"] - lag_days, grain))
    paid = found.paid.assign(number=inputs.numbers_of_days(found.paid["day"], grain))
    columns = ["number", "channel", "minor", "customers"]
    both = pd.concat([paid.assign(customers=0)[columns], firsts.assign(minor=0)[columns]])
    both = both.astype({"minor": "int64", "customers": "int64"})
    cells = both.groupby(["number", "channel"], as_index=False)[["minor", "customers"]].sum()
    cells = cells[(cells["minor"] > 0) | (cells["customers"] > 0)].reset_index(drop=True)
    blank = _blank_numbers(cells["number"], found, grain, lag_days)
    return cells.assign(blank=cells["number"].isin(blank))


def _blank_numbers(numbers: Iterable[int], found: inputs.Counted, grain: str, lag_days: int) -> set[int]:
    """Periods some of whose customers come before the burn-in ends: who of them is new cannot be known."""
    if found.burn_in is None:
        return set()
    return {n for n in set(numbers) if inputs.first_and_last_day(int(n), grain)[0] + lag_days < found.burn_in}


def part_on_new(cells: pd.DataFrame, found: inputs.Counted, grain: str, lag_days: int) -> pd.DataFrame:
    """Only the part of the spend that falls on first orders; a channel without any order keeps its spend whole."""
    orders = found.orders.assign(number=inputs.numbers_of_days(found.orders["day"] - lag_days, grain))
    orders = orders.groupby(["number", "channel"], as_index=False)["orders"].sum()
    cells = cells.merge(orders, on=["number", "channel"], how="left").fillna({"orders": 0})
    whole = zip(cells["minor"].tolist(), cells["customers"].tolist(), cells["orders"].astype(int), strict=True)
    cells["minor"] = [(2 * minor * new + every) // (2 * every) if every else minor for minor, new, every in whole]
    cells = cells[cells["blank"] | (cells["minor"] > 0) | (cells["customers"] > 0)]
    return cells.drop(columns="orders").reset_index(drop=True)


def with_pool_costs(
    cells: pd.DataFrame, found: inputs.Counted, lag_days: int, domains: dict[str, str] | None, pool_costs_to: str
) -> pd.DataFrame:
    """Cells with the pool's costs of each month added to the channels that carry them, or in a row "pool"."""
    carriers = cells
    if pool_costs_to == "new_members":
        joined = found.members.assign(number=inputs.numbers_of_days(found.members["day"] - lag_days, "month"))
        ends = [inputs.first_and_last_day(number, "month")[1] for number in joined["number"].tolist()]
        joined = joined[joined["day"] - lag_days + joined["wait"] <= np.array(ends, dtype="int64")]
        carriers = joined.groupby(["number", "channel"], as_index=False)["customers"].sum()
    elif pool_costs_to == "private":
        carriers = cells[cells["channel"].isin([channel for channel, its in domains.items() if its == "private"])]
    blank = _blank_numbers(found.pool["month"], found, "month", lag_days)
    weights = {
        number: dict(zip(rows["channel"], map(int, rows["customers"]), strict=True))
        for number, rows in carriers[carriers["customers"] > 0].groupby("number")
        if number not in blank
    }
    added = [
        (month, channel, minor, 0, month in blank)
        for month, amount in zip(found.pool["month"].tolist(), found.pool["minor"].tolist(), strict=True)
        for channel, minor in inputs.split_by_weight(amount, weights.get(month) or {POOL: 1}).items()
        if minor > 0
    ]
    both = [part for part in (cells, pd.DataFrame(added, columns=cells.columns)) if len(part)]
    if not both:
        return cells
    sums = {"minor": "sum", "customers": "sum", "blank": "max"}
    return pd.concat(both).groupby(["number", "channel"], as_index=False).agg(sums).astype({"blank": bool})


def of_paid_channels(cells: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Cells of the channels that ever had spend, and how many new customers the others had; all, where none had."""
    spent = cells.groupby("channel")["minor"].transform("sum") > 0
    if not spent.any():
        return cells, 0
    return cells[spent].reset_index(drop=True), int(cells["customers"][~spent & ~cells["blank"]].sum())


def keyed(cells: pd.DataFrame, by: tuple[str, ...], grain: str, domains: dict[str, str] | None) -> pd.DataFrame:
    """Cells with the columns of `by` beside them."""
    keyed = cells.copy()
    for name in set(by) & set(order_log.PERIODS):
        keyed[name] = [order_log.period_label(n if name == grain else n // 3, name) for n in cells["number"].tolist()]
    if "domain" in by:
        known = {POOL: "private", **(domains or {})}
        keyed["domain"] = [known.get(channel, UNKNOWN) for channel in cells["channel"]]
    return keyed


def coverage(
    cells: pd.DataFrame, found: inputs.Counted, by: tuple[str, ...], lag_days: int, grain: str, loaded: bool
) -> dict[str, Any]:
    """attrs: the periods that are incomplete, and those that are blank with the reason."""
    period = next((name for name in by if name in order_log.PERIODS), None)
    span = inputs.span_of_spend(found.paid)
    pool_until = found.until if found.pool_until is None else inputs.first_and_last_day(found.pool_until, "month")[1]
    incomplete, blank = [], {}
    for name, (begin, end) in _days_of_periods(cells, period, grain).items():
        covered = span is not None and span[0] <= begin and end <= span[1] and end + lag_days <= found.until
        covered = covered and (found.since is None or found.since <= begin + lag_days)
        if not covered or (loaded and end > pool_until):
            incomplete.append(name)
        if found.burn_in is not None and begin + lag_days < found.burn_in:
            blank[name] = _not_known_yet(name, found.burn_in)
    return {"incomplete": incomplete, "blank": blank}


def _days_of_periods(cells: pd.DataFrame, period: str | None, grain: str) -> dict[str, tuple[int, int]]:
    """Name of each period of the table -> its first and last day, in order."""
    numbers = sorted(set(cells["number"].tolist()))
    if period is None:
        ends = [inputs.first_and_last_day(number, grain) for number in (numbers[:1] + numbers[-1:])]
        return {WHOLE: (ends[0][0], ends[1][1])} if ends else {}
    numbers = numbers if period == grain else sorted({number // 3 for number in numbers})
    return {order_log.period_label(number, period): inputs.first_and_last_day(number, period) for number in numbers}


def _not_known_yet(name: str, burn_in: int) -> Refused:
    day = datetime.date.fromordinal(burn_in + order_log.EPOCH).isoformat()
    return Refused(
        "burn-in",
        name,
        day,
        f"数据从品牌经营中途开始，{day} 以前的首单可能来自老客户，这段时间的新客数和获客成本不给出。",
        f"The history is truncated: before {day} a first order may be an old customer's, so new customers and their "
        "cost are not given.",
    )
