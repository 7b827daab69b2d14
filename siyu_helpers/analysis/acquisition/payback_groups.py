"""Groups of `payback`: of which months and channels the new customers are whose cost and contribution are compared."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition.cost_inputs import POOL, UNKNOWN, first_and_last_day, period_number
from siyu_helpers.analysis.estimates import MEAN_AT_LEAST

COHORTS = ("year", "half", "quarter", "month")
MONTHS_AT_LEAST = 3  # of one month alone the season would be taken for the brand


class Group(NamedTuple):
    """New customers whose cost and contribution are compared: those of these months and channels."""

    name: str
    months: list[str]
    channels: list[str]


def without_channels(
    costs: pd.DataFrame, values: pd.DataFrame, by: str | None, customers: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables under the one channel "all", where the cost table is by month only."""
    if by in ("channel", "domain") or customers == "paid":
        raise ValueError("the cost table has no channels: make it by month and channel")
    return costs.assign(channel="all"), values.assign(channel="all")


def known_costs(costs: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Rows of the months whose spend and new customers are known for every channel, and whose orders are too."""
    order_log.has_columns(list(costs.columns), ["month", "channel", "spend", "new_customers"])
    if (costs.attrs.get("lag_days") or 0) != values.attrs.get("lag_days", 0):
        raise ValueError("the cost table and the values have different lag_days: make both with the same")
    spent = costs[["month", "channel", "spend", "new_customers"]].astype({"month": "str", "channel": "str"})
    if spent.duplicated(["month", "channel"]).any():
        raise ValueError("the cost table holds a month and channel twice: add such rows up first")
    left_out = set(costs.attrs.get("incomplete", []))
    left_out |= set(spent.loc[spent[["spend", "new_customers"]].isna().any(axis=1), "month"])
    until = order_log.day_number(values.attrs["observed_until"], "observed_until") - values.attrs["lag_days"]
    since = values.attrs["new_since"] - values.attrs["lag_days"]
    days = {month: first_and_last_day(period_number(month), "month") for month in spent["month"].unique()}
    left_out |= {month for month, (first, last) in days.items() if first < since or last > until}
    return spent[~spent["month"].isin(left_out)].sort_values(["month", "channel"], ignore_index=True)


def check_same_customers(spent: pd.DataFrame, values: pd.DataFrame) -> None:
    """Raise when the two tables count different new customers: one would be divided by the other's."""
    once = values[values["within_days"] == values["within_days"].min()]
    counted = [table.groupby(["month", "channel"])[name].sum() for table, name in
               ((spent, "new_customers"), (once[once["month"].isin(spent["month"])], "customers"))]  # fmt: skip
    gap = counted[0].astype("int64").sub(counted[1], fill_value=0)
    if gap.any():
        month, channel = gap[gap != 0].index[0]
        raise ValueError(
            f"the cost table and the values count different new customers (first in {month}, {channel}): make both "
            "from the same orders, with the same history and lag"
        )


def made(
    spent: pd.DataFrame,
    values: pd.DataFrame,
    by: str | None,
    customers: str,
    domains: dict[str, str],
    horizons: list[int],
) -> list[Group]:
    """The groups of a table, each with its months and channels."""
    if by in COHORTS:
        rows = spent[spent["month"].isin(_months_observed(spent, values, horizons[0]))]
        cohort = rows["month"].map({month: _cohort(month, by) for month in rows["month"].unique()})
        return [
            Group(name, sorted(set(part["month"])), _channels(part, customers))
            for name, part in rows.groupby(cohort, sort=True)
        ]
    months = _longest_observed(spent, values, customers, horizons)
    rows = spent[spent["month"].isin(months)]
    channels = _channels(rows, customers)
    if by is None:
        return [Group(customers, months, channels)]
    known = {channel: channel for channel in channels} if by == "channel" else {POOL: "private"} | domains
    names = {channel: known.get(channel, UNKNOWN) for channel in channels}
    return [Group(name, months, [c for c in channels if names[c] == name]) for name in sorted(set(names.values()))]


def _channels(rows: pd.DataFrame, customers: str) -> list[str]:
    spend = rows.groupby("channel")["spend"].sum()
    return sorted(spend.index if customers == "all" else spend.index[spend > 0])


def _months_observed(spent: pd.DataFrame, values: pd.DataFrame, days: int) -> list[str]:
    """Months whose last new customer, if there was one, has been observed for a horizon.

    By the calendar: a month without new customers has spend too, and waits as long as any other.
    """
    last = order_log.day_number(values.attrs["observed_until"], "observed_until") - values.attrs["lag_days"] - days + 1
    ends = {month: first_and_last_day(period_number(month), "month")[1] for month in set(spent["month"])}
    return sorted(month for month, end in ends.items() if end <= last)


def _longest_observed(spent: pd.DataFrame, values: pd.DataFrame, customers: str, horizons: list[int]) -> list[str]:
    """Months observed for the longest horizon that 100 customers of three months have reached.

    Of fewer months where no horizon has three; and those of the shortest horizon where none has 100 customers.
    """
    observed = {days: _months_observed(spent, values, days) for days in sorted(horizons, reverse=True)}
    for at_least in (MONTHS_AT_LEAST, 1):
        for months in observed.values():
            rows = spent[spent["month"].isin(months)]
            n = rows.loc[rows["channel"].isin(_channels(rows, customers)), "new_customers"].sum()
            if len(months) >= at_least and n >= MEAN_AT_LEAST:
                return months
    return observed[min(horizons)]


def _cohort(month: str, by: str) -> str:
    year, number = month[:4], int(month[5:])
    names = {"year": year, "half": f"{year}-H{(number + 5) // 6}", "quarter": f"{year}-Q{(number + 2) // 3}"}
    return names.get(by, month)
