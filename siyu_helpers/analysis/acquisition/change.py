"""Why the cost per new customer moved between two periods: the mix of channels, or the cost within them.

Used by notebooks/01_acquisition_cost.ipynb through `acquisition_cost`. Opens no files and draws nothing. What is split
is counted history: contributions are exact and carry no interval. They are arithmetic, not causes: a blended cost that
falls because a cheap channel grew says nothing of whether that channel would have brought more for more money.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from siyu_helpers.analysis import decomposition, order_log
from siyu_helpers.analysis.acquisition.cost_sums import cac, checked, joined_words, label, period_column
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

COLUMNS = ["component", "channel", "contribution"]
MIX, WITHIN, STARTED, STOPPED = "mix", "within", "started", "stopped"
WITHOUT = "spend_without_customers"
COMPONENTS = {
    MIX: Words("渠道占比变化（与平均成本相比）", "shift of new customers between channels (against the average cost)"),
    WITHIN: Words("渠道内成本变化", "cost within channels"),
    STARTED: Words("新开渠道", "channels that were begun"),
    STOPPED: Words("停用渠道", "channels that were dropped"),
    WITHOUT: Words("有投放、没有新客的渠道", "spend on channels that brought no new customer"),
}
# One factor each of spend per customer; their product is the cost.
FUNNEL = {
    "media_price": ("spend", "impressions"),
    "click_rate": ("impressions", "clicks"),
    "visit_rate": ("clicks", "visitors"),
    "conversion": ("visitors", "new_customers"),
}
FUNNEL_COMPONENTS = {
    "media_price": Words("媒体价格（每次曝光的费用）", "media price (spend per impression)"),
    "click_rate": Words("点击率（每次点击所需曝光）", "click rate (impressions per click)"),
    "visit_rate": Words("到访率（每位访客所需点击）", "visit rate (clicks per visitor)"),
    "conversion": Words("转化率（每位新客所需访客）", "conversion (visitors per new customer)"),
}


class Cell(NamedTuple):
    """Spend and new customers of one channel in one of the two periods."""

    spend: float
    customers: float


def decompose_change(costs: pd.DataFrame, before: list[str], after: list[str]) -> pd.DataFrame | Refused:
    """Split the change of the cost per new customer between two periods into channel mix and cost within channels.

    cost table (period x channel)  ->  table (channel x component)

    Parameters
    ----------
    costs : DataFrame
        month (or week, quarter), channel (or domain), spend, new_customers, as from `cost_table`. All its rows count,
        channels without spend too: what is split is total spend / total new customers.
    before, after : list of str
        Names of the periods to add up, such as those of `years_apart`. Compare like seasons.

    Returns
    -------
    DataFrame, sorted by channel; its contributions add up to the change, in currency per new customer
        component : "mix": the change of the channel's share of new customers x (its cost - the average cost, both as
            means of the two periods): more of a channel that is cheaper than average lowers the total. "within": the
            change of its cost x its mean share. "started", "stopped": as mix, for a channel with new customers in one
            of the periods only, at its cost there. "spend_without_customers": the change of spend (per new customer of
            all channels) on a channel in a period in which it brought nobody.
        channel : the channel, or the domain where the table is by domain.
        contribution : never blank.
        `attrs`: before, after (the two totals), customers (of both periods together).
    Refused where one of the periods is not known or not whole, or has no new customer.

    Raises
    ------
    ValueError
        For a period the table lacks, a list that is empty or names a period twice, or two lists that overlap.

    Notes
    -----
    Kitagawa (1955), J. Am. Stat. Assoc. 50, 1168-1194: rates and composition at the mean of the two periods, so that
    the periods can be swapped (signs turn). Shares add up to 1 in both, so taking the average cost off every channel
    changes no sum; it lets a channel's own mix be read. What rounding leaves, some 1e-16, goes to the largest part.

    Example
    -------
    Both channels get dearer, and yet a customer costs less, because the cheap one grew:

    >>> costs = pd.DataFrame({"month": ["2023-11"] * 2 + ["2024-11"] * 2, "channel": ["feed", "retargeting"] * 2})
    >>> costs = costs.assign(spend=[9000.0, 200.0, 5000.0, 1500.0], new_customers=[90, 10, 40, 60])
    >>> split = decompose_change(costs, ["2023-11"], ["2024-11"])
    >>> split.round(3)
      component      channel  contribution
    0       mix         feed        -17.00
    1    within         feed         16.25
    2       mix  retargeting        -28.00
    3    within  retargeting          1.75
    >>> split.attrs["before"], split.attrs["after"], round(float(split["contribution"].sum()), 9)
    (92.0, 65.0, -27.0)
    """
    cells = _two_periods(costs, before, after)
    if isinstance(cells, Refused):
        return cells
    then, now = cells
    n0, n1 = (sum(cell.customers for cell in period.values()) for period in cells)
    total0, total1 = (
        math.fsum(cell.spend for cell in period.values()) / n for period, n in zip(cells, (n0, n1), strict=True)
    )
    average = _average(then, n0) / 2 + _average(now, n1) / 2
    nothing = Cell(0.0, 0)
    rows = []
    for channel in sorted({*then, *now}):
        parts = _parts(then.get(channel, nothing), now.get(channel, nothing), n0, n1, average)
        rows += [(component, channel, part) for component, part in parts.items()]
    made = pd.DataFrame(rows, columns=COLUMNS).astype({"contribution": float})
    made = _settled(made, total1 - total0)
    made.attrs = {"before": total0, "after": total1, "customers": n0 + n1}
    return made


def decompose_funnel(funnel: pd.DataFrame, before: list[str], after: list[str]) -> pd.DataFrame | Refused:
    """Split cost within channels further: into media price, click rate, visits per click and conversion.

    funnel table (period x channel)  ->  table (channel x component)

    Parameters
    ----------
    funnel : DataFrame
        From `costs.funnel_table`: a cost table with impressions, clicks, visitors.
    before, after
        As in `decompose_change`.

    Returns
    -------
    DataFrame
        As `decompose_change`, with the same sum; instead of "within": "media_price" (spend per impression),
        "click_rate" (impressions per click), "visit_rate" (clicks per visitor), "conversion" (visitors per new
        customer), each positive where it raised the cost. A channel that does not record all of them in both periods,
        or has a zero among them, keeps its "within".

    Notes
    -----
    LMDI-I (Ang 2005, Energy Policy 33, 867-871) of the channel's cost, times its mean share of customers.

    Example
    -------
    Impressions cost twice as much, all else stayed:

    >>> funnel = pd.DataFrame({"month": ["2023-11", "2024-11"], "channel": "feed", "spend": [500.0, 1000.0]})
    >>> funnel = funnel.assign(new_customers=10, impressions=10_000, clicks=500, visitors=400)
    >>> split = decompose_funnel(funnel, ["2023-11"], ["2024-11"])
    >>> dict(zip(split["component"], split["contribution"].round(6)))
    {'mix': 0.0, 'media_price': 50.0, 'click_rate': 0.0, 'visit_rate': 0.0, 'conversion': 0.0}
    """
    funnel = checked(funnel)
    order_log.has_columns(list(funnel.columns), ["impressions", "clicks", "visitors"])
    cells, split = _two_periods(funnel, before, after), decompose_change(funnel, before, after)
    if isinstance(cells, Refused) or isinstance(split, Refused):
        return split
    customers = [sum(cell.customers for cell in period.values()) for period in cells]
    then, now = (_recorded(funnel, [label(name) for name in names]) for names in (before, after))
    rows = []
    for component, channel, contribution in split.itertuples(index=False):
        if component != WITHIN or channel not in then or channel not in now:
            rows.append((component, channel, contribution))
            continue
        share = sum(period[channel].customers / n for period, n in zip(cells, customers, strict=True)) / 2
        parts = decomposition.lmdi(_factors(then[channel]), _factors(now[channel]))
        rows += [(name, channel, share * part) for name, part in zip(FUNNEL, parts["contribution"], strict=True)]
    made = _settled(pd.DataFrame(rows, columns=COLUMNS), split.attrs["after"] - split.attrs["before"])
    made.attrs = split.attrs
    return made


def change_estimates(
    costs: pd.DataFrame, before: list[str], after: list[str], level: float | None = None
) -> dict[str, Estimate | Refused]:
    """Numbers for the sentence on why the cost moved: the two totals, the change, and what each component gave.

    cost table (period x channel)  ->  dict of Estimate or Refused

    Parameters
    ----------
    costs, before, after
        As in `decompose_change`.
    level : float, optional
        Of the intervals of the two totals; by default that of the table.

    Returns
    -------
    dict
        before, after : total spend / total new customers, with the interval of `costs.cac`.
        change, change_share : after - before (unit "money", per new customer), and it as a share of before (unit
            "growth"); counted, no interval.
        mix, within, started, stopped, spend_without_customers : sums over channels. They add up to change. mix is the
            shift between channels present in both; with started and stopped, all that the choice of channels did.

    Example
    -------
    >>> costs = pd.DataFrame({"month": ["2023-11"] * 2 + ["2024-11"] * 2, "channel": ["feed", "retargeting"] * 2})
    >>> costs = costs.assign(spend=[9000.0, 200.0, 5000.0, 1500.0], new_customers=[90, 10, 40, 60])
    >>> found = change_estimates(costs, ["2023-11"], ["2024-11"])
    >>> {name: round(number.value, 3) for name, number in found.items()}
    {'before': 92.0, 'after': 65.0, 'change': -27.0, 'change_share': -0.293, 'mix': -45.0, 'within': 18.0,
     'started': 0.0, 'stopped': 0.0, 'spend_without_customers': 0.0}
    """
    split = decompose_change(costs, before, after)
    names = ["before", "after", "change", "change_share", *COMPONENTS]
    if isinstance(split, Refused):
        return dict.fromkeys(names, split)
    then, now, n = split.attrs["before"], split.attrs["after"], round(split.attrs["customers"])
    found: dict[str, Estimate | Refused] = {
        name: cac(costs, periods, level=level) for name, periods in (("before", before), ("after", after))
    }
    text = Words(f"{_spelt(before)[0]} 与 {_spelt(after)[0]} 相比", f"{_spelt(after)[1]} against {_spelt(before)[1]}")
    change = Words("总费用÷全部新客数的变化", "change of total spend / all new customers")

    def counted(value: float, unit: str, *parts: Words) -> Estimate:
        return Estimate.exact(value, n, unit, joined_words([*parts, text]), change_estimates)

    found["change"] = counted(now - then, "money", change)
    found["change_share"] = counted(now / then - 1, "growth", change) if then > 0 else _no_spend_before()
    sums = split.groupby("component")["contribution"].agg(math.fsum)
    for name, words in COMPONENTS.items():
        found[name] = counted(float(sums.get(name, 0.0)), "money", change, words)
    return found


def waterfall(split: pd.DataFrame | Refused, by: str = "component", digits: int = 2) -> pd.DataFrame:
    """Lay a split change out as the bars of a waterfall chart, added up by component or by channel.

    split (channel x component)  ->  table (bar): step, kind, amount, start, end

    Parameters
    ----------
    split : DataFrame
        From `decompose_change` or `decompose_funnel`. Refused: an empty table, whose `attrs["refused"]` tells why.
    by : "component" or "channel"
        What a bar is. Components in the order of `COMPONENTS`, those that moved nothing left out; channels with the
        largest contribution first (equal ones by name).
    digits : int
        Places after the decimal point; the bars add up to the digit.

    Returns
    -------
    DataFrame, as `decomposition.waterfall` makes it; the first bar is "before", the last "after".

    Example
    -------
    >>> costs = pd.DataFrame({"month": ["2023-11"] * 2 + ["2024-11"] * 2, "channel": ["feed", "retargeting"] * 2})
    >>> costs = costs.assign(spend=[9000.0, 200.0, 5000.0, 1500.0], new_customers=[90, 10, 40, 60])
    >>> waterfall(decompose_change(costs, ["2023-11"], ["2024-11"]))
         step   kind  amount  start   end
    0  before  total    92.0    0.0  92.0
    1     mix change   -45.0   92.0  47.0
    2  within change    18.0   47.0  65.0
    3   after  total    65.0    0.0  65.0
    """
    order_log.one_of("by", by, ("component", "channel"))
    if isinstance(split, Refused):
        empty = pd.DataFrame(columns=decomposition.WATERFALL_COLUMNS)
        empty.attrs["refused"] = split
        return empty
    sums = {name: math.fsum(parts) for name, parts in split.groupby(by)["contribution"]}
    if by == "component":
        order = [name for name in (MIX, WITHIN, *FUNNEL, STARTED, STOPPED, WITHOUT) if sums.get(name)]
    else:
        order = sorted(sums, key=lambda name: (-abs(sums[name]), name))
    return decomposition.waterfall(split.attrs["before"], {name: sums[name] for name in order}, digits)


def _no_spend_before() -> Refused:
    return Refused(
        "spend before", 0, "above 0", "前一段时间没有费用，变化的比例无从谈起。",
        "Nothing was spent in the earlier period, so there is no share of it.",
    )  # fmt: skip


def _parts(then: Cell, now: Cell, n0: int, n1: int, average: float) -> dict[str, float]:
    """Contributions of one channel, by component."""
    share0, share1 = then.customers / n0, now.customers / n1
    parts = {}
    if then.customers and now.customers:
        cost0, cost1 = then.spend / then.customers, now.spend / now.customers
        parts[MIX] = (share1 - share0) * ((cost0 + cost1) / 2 - average)
        parts[WITHIN] = (share0 + share1) / 2 * (cost1 - cost0)
    elif now.customers:
        parts[STARTED] = share1 * (now.spend / now.customers - average)
    elif then.customers:
        parts[STOPPED] = -share0 * (then.spend / then.customers - average)
    wasted = [0.0 if cell.customers else cell.spend / n for cell, n in ((then, n0), (now, n1))]
    if any(wasted):
        parts[WITHOUT] = wasted[1] - wasted[0]
    return parts


def _whole(customers: float) -> float:
    """As an integer where it is one; credit that attribution has split among channels is not."""
    return int(customers) if customers == int(customers) else customers


def _average(period: dict[str, Cell], n: int) -> float:
    """Cost per new customer over the channels that brought any."""
    return math.fsum(cell.spend for cell in period.values() if cell.customers) / n


def _settled(split: pd.DataFrame, change: float) -> pd.DataFrame:
    """The split with what rounding left over given to its largest part, so that the parts sum to the change."""
    if split.empty:
        return split
    made = split.copy()
    largest = made["contribution"].abs().idxmax()
    made.loc[largest, "contribution"] += change - math.fsum(made["contribution"])
    return made


def _two_periods(
    costs: pd.DataFrame, before: list[str], after: list[str]
) -> tuple[dict[str, Cell], dict[str, Cell]] | Refused:
    """Spend and customers by channel in each of the two periods."""
    costs = checked(costs)
    period = period_column(costs)
    column = next((name for name in ("channel", "domain") if name in costs), None)
    if period is None or column is None:
        raise ValueError("the table needs a period and a channel: make it with by=('month', 'channel')")
    order_log.has_columns(list(costs.columns), ["spend", "new_customers"])
    if costs.duplicated([period, column]).any():
        raise ValueError(f"a {period} and {column} occur twice: add the two rows up first")
    before, after = _check_lists(costs, period, before, after)
    if isinstance(refused := _not_comparable(costs, period, before, after), Refused):
        return refused
    found = []
    for names in (before, after):
        rows = costs[costs[period].isin(names)]
        sums = {
            channel: Cell(math.fsum(part["spend"]), _whole(math.fsum(part["new_customers"])))
            for channel, part in rows.groupby(column)
        }
        if not sum(cell.customers for cell in sums.values()):
            return Refused(
                "new customers", 0, 1, f"{_spelt(names)[0]} 没有新客，获客成本无从比较。",
                f"No new customer came in {_spelt(names)[1]}, so there is no cost to compare.",
            )  # fmt: skip
        found.append(sums)
    return found[0], found[1]


def _check_lists(costs: pd.DataFrame, period: str, before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Both lists as names of periods that the table has."""
    for name, names in (("before", before), ("after", after)):
        if isinstance(names, str) or not len(names):
            raise ValueError(f"{name} must be a list of at least one {period}, such as ['2024-06']")
    before, after = ([label(one) for one in names] for names in (before, after))
    for name, names in (("before", before), ("after", after)):
        if len(set(names)) < len(names):
            raise ValueError(f"{name} names a {period} twice")
        if missing := sorted(set(names) - set(costs[period])):
            raise ValueError(f"the table has no {period} {missing[0]!r}")
    if common := sorted(set(before) & set(after)):
        raise ValueError(f"before and after overlap in {common[0]!r}")
    return before, after


def _not_comparable(costs: pd.DataFrame, period: str, before: list[str], after: list[str]) -> Refused | None:
    asked = {*before, *after}
    rows = costs[costs[period].isin(asked)]
    if rows[["spend", "new_customers"]].isna().any(axis=None):
        known = [why for name, why in costs.attrs.get("blank", {}).items() if name in asked]
        return known[0] if known else Refused(
            "new customers", "not known", "known", "其中有的时间段新客数不明，无法比较。",
            "The new customers of one of these periods are not known, so they cannot be compared.",
        )  # fmt: skip
    if part := sorted(asked & set(costs.attrs.get("incomplete", []))):
        return Refused(
            "complete periods", part[0], "whole", f"{part[0]} 的数据不完整，不能用来比较。",
            f"{part[0]} is not covered to both its ends, so it cannot be compared.",
        )  # fmt: skip
    return None


def _recorded(funnel: pd.DataFrame, names: list[str]) -> dict[str, dict[str, float]]:
    """Channel -> its sums, for the channels that have every factor, above 0, over these periods."""
    period = period_column(funnel)
    column = "channel" if "channel" in funnel else "domain"
    factors = ["spend", "impressions", "clicks", "visitors", "new_customers"]
    rows = funnel[funnel[period].isin(names)]
    numbers = rows[factors].astype(float)
    numbers = numbers.where(~(numbers.isna() & (rows["spend"] == 0).to_numpy()[:, None]), 0.0)  # nothing was shown
    found = {}
    for channel, part in numbers.groupby(rows[column]):
        sums = {name: math.fsum(part[name]) for name in factors}
        if all(math.isfinite(value) and value > 0 for value in sums.values()):
            found[channel] = sums
    return found


def _factors(sums: dict[str, float]) -> dict[str, float]:
    return {name: sums[top] / sums[base] for name, (top, base) in FUNNEL.items()}


def _spelt(names: list[str]) -> tuple[str, str]:
    """First and last of some periods, in Chinese and English."""
    first, last = min(map(label, names)), max(map(label, names))
    return (first, first) if first == last else (f"{first} 至 {last}", f"{first} to {last}")
