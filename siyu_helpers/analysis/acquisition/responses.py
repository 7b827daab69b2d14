"""Response to spend: how many more customers one per cent more spend brings, and what the next customer costs.

Used by notebooks/01_acquisition_cost.ipynb through `acquisition_cost`. Opens no files and draws nothing.

    table = response(costs)                     # costs: cost_table(..., by=("week", "channel"))
    marginal_cac(table, "douyin_feed")          # Estimate or Refused

By the week, not by the month: spend that is moved from week to week shows what it does, and a month averages those
moves away. In simulations with 36 months the interval by week is about half as wide as by month.

All of it concerns the customers whose first order the channel itself brought (last touch). Customers whom it sends to
other channels are not among them; what it is worth with those is a question of attribution (notebook 03).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from statsmodels.stats.rates import confint_poisson
from threadpoolctl import threadpool_limits

from siyu_helpers.analysis.acquisition import response_fits as fits
from siyu_helpers.analysis.acquisition.cost_sums import checked
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

RESPONSE_COLUMNS = [
    "channel", "elasticity", "low", "high", "average_cac", "marginal_cac", "spend_min", "spend_max",
]  # fmt: skip

A_YEAR = {"month": 12, "week": 52}
PERIODS_AT_LEAST = {"month": 24, "week": 100}  # each month or week of the year about twice
SPARE_AT_LEAST = 8  # periods beyond the columns of season, trend and spend
CUSTOMERS_AT_LEAST = 200
#: Log spend must move by so much (standard deviation) apart from season and trend. Chosen by simulation of spend that
#: follows demand closely (exponent 1.2); see tests/calibration/test_acquisition_responses.py.
MOVED_AT_LEAST = 0.10
PAUSED = 0.1  # spend below this share of its median: the channel was paused
PERIOD_WORDS = {"week": ("周", "weeks"), "month": ("个月", "months")}
EACH = {"week": Words("每周", "a week"), "month": Words("每月", "a month")}
SHARES = np.arange(1, 400) / 400


class Evidence(NamedTuple):
    """What stands behind one row of the table: plain numbers, carried in `attrs["evidence"]`.

    periods, customers : that the elasticity rests on. moved : standard deviation of log spend apart from season and
    trend. quantiles : 399 of the elasticity, at 1/400, 2/400, ...; empty where it is refused. recent_periods,
    recent_spend, recent_customers : of the last complete periods. wander : how far their customers may lie from the
    usual by other things than chance and season (standard deviation of the logarithm); NaN where nothing was fitted.
    """

    periods: int
    customers: int
    moved: float
    quantiles: tuple[float, ...]
    recent_periods: int
    recent_spend: float
    recent_customers: int
    wander: float


def response(costs: pd.DataFrame, level: float = LEVEL, last: int | None = None) -> pd.DataFrame:
    """Per cent more new customers for one per cent more spend, by channel, and what one more customer costs.

    cost table (week x channel, or month x channel)  ->  table (channel)

    Parameters
    ----------
    costs : DataFrame
        From `cost_table` by ("week", "channel") (better) or ("month", "channel"), with the channels without spend too:
        they are the check of the warnings. Periods named in `costs.attrs["incomplete"]` are left out.
    level : float
        Coverage of the intervals.
    last : int, optional
        Average and marginal cost are those of so many last complete periods. By default a year (12 months, 52 weeks),
        so that every season counts once.

    Returns
    -------
    DataFrame, one row per channel that ever had spend, by name
        elasticity with low and high: 0.6 means 0.6% more new customers of the channel for 1% more spend.
        average_cac : spend / new customers of the last periods, sum by sum. marginal_cac : extra spend / extra
        customers there, average_cac / elasticity; empty where low is not above 0. spend_min, spend_max : lowest and
        highest spend of a period (pauses left out; of weeks also those of the sales and Spring Festival).
        attrs: refused (channel, or (channel, column) -> Refused: why a cell is empty), warnings (channel -> Words),
        evidence (channel -> Evidence), period ("week" or "month"), level, recent (first and last of the last periods).

    Raises
    ------
    ValueError
        For a missing column, a (period, channel) that comes twice, a period that is none, spend below 0.

    Notes
    -----
    Log of expected new customers on log spend, a level for each week (month) of the year, a straight line, the days of
    618, 11.11, 12.12 and Spring Festival, which move from week to week, and autocorrelated scatter, see
    `response_fits`. Refused are: fewer than 100 weeks or 24 months with spend, fewer than 200 customers, log spend that
    moves by less than 0.10 (standard deviation) apart from all that, and an interval that reaches from 0 to 1, which
    says nothing. Weeks of a paused channel (spend below a tenth of its median) are left out.

    What cannot be seen in these data: spend that was raised because demand was known to be high, outside of the season.
    Then the elasticity is too high. Where the customers of channels without spend move along, a warning says so: the
    spend either sends customers there or follows demand. No warning is no proof: those channels may be too few.
    Spend whose customers come more than a period later is not seen either: the elasticity is then too low; a cost table
    with `lag_days` brings them back to their spend.

    Example
    -------
    Spend moves from week to week, and customers with its square root:

    >>> weeks = [f"{year}-W{week:02d}" for year in (2022, 2023, 2024) for week in range(1, 53)]
    >>> spend = 1000 * np.exp(np.random.default_rng(1).normal(0, 0.4, 156))
    >>> costs = pd.DataFrame({"week": weeks, "channel": "feed", "spend": spend.round(2)})
    >>> found = response(costs.assign(new_customers=(2 * spend**0.5).round().astype(int)))
    >>> found[["channel", "elasticity", "low", "high"]].round(2)
      channel  elasticity   low  high
    0    feed        0.51  0.44  0.58
    """
    check_level(level)
    kind, table = _checked(costs)
    last = A_YEAR[kind] if last is None else last
    if last != int(last) or last < 1:
        raise ValueError(f"last must be a whole number of periods, 1 or more; got {last!r}")
    complete = sorted(set(table["period"]) - set(costs.attrs.get("incomplete", [])), key=fits.number)
    found = _Found({}, {}, {})
    unpaid = _unpaid(table, complete)
    # Matrices of a hundred rows: on a busy machine several threads would spend their time waiting for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        rows = [
            _row(channel, rows, kind, complete, complete[-int(last) :], level, unpaid, found)
            for channel, rows in table.groupby("channel", sort=True)
            if (rows["spend"] > 0).any()
        ]
    made = pd.DataFrame(rows, columns=RESPONSE_COLUMNS).astype(dict.fromkeys(RESPONSE_COLUMNS[1:], "float64"))
    made["channel"] = made["channel"].astype("str")
    made.attrs = {
        **found._asdict(),
        "period": kind,
        "level": level,
        "recent": (complete[-int(last) :][0], complete[-1]) if complete else (),
    }
    return made


class _Found(NamedTuple):
    refused: dict[Any, Refused]
    warnings: dict[str, Words]
    evidence: dict[str, Evidence]


def _checked(costs: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Kind of period, and period, channel, spend, new_customers (floats, NaN where not known)."""
    costs = checked(costs)
    kind = "week" if "week" in costs.columns else "month"
    missing = [name for name in (kind, "channel", "spend", "new_customers") if name not in costs.columns]
    if missing:
        raise ValueError(f"the cost table lacks the column {missing[0]!r}: make it by ('week', 'channel')")
    table = pd.DataFrame({
        "period": costs[kind].astype("str"),
        "channel": costs["channel"].astype("str"),
        "spend": costs["spend"].astype("float64"),
        "new_customers": costs["new_customers"].astype("float64"),
    })  # fmt: skip
    table = table.sort_values("period", key=lambda names: names.map(fits.number), kind="stable", ignore_index=True)
    twice = table.duplicated(["period", "channel"])
    if twice.any():
        period, channel = table.loc[twice, ["period", "channel"]].iloc[0]
        raise ValueError(f"the cost table has {period} of {channel!r} twice: add such rows up first")
    return kind, table


def _unpaid(table: pd.DataFrame, complete: list[str]) -> pd.Series:
    """New customers of each complete period through channels that never had spend; NaN where not known."""
    paid = table.loc[table["spend"] > 0, "channel"].unique()
    rows = table[~table["channel"].isin(paid)]
    known = ~table["new_customers"].isna().groupby(table["period"]).any().reindex(complete)
    # A period in which nobody came through them has no row: nobody is 0, unless who is new was not known.
    return rows.groupby("period")["new_customers"].sum().reindex(complete, fill_value=0.0).where(known)


def _row(
    channel: str,
    rows: pd.DataFrame,
    kind: str,
    complete: list[str],
    recent: list[str],
    level: float,
    unpaid: pd.Series,
    found: _Found,
) -> tuple:
    """One row of the table; what is to be said about it goes to `found`."""
    by_period = rows.set_index("period")[["spend", "new_customers"]]
    by_number = pd.Series(by_period["spend"].to_numpy(), index=[fits.number(name) for name in by_period.index])
    used = by_period[by_period.index.isin(complete) & (by_period["spend"] > 0) & by_period["new_customers"].notna()]
    used = used[used["spend"] >= PAUSED * used["spend"].median()]
    ordinary = used[[fits.is_ordinary(name) for name in used.index]]
    seen = (ordinary if len(ordinary) else used)["spend"]
    now = by_period.reindex(recent).dropna()
    spent, came = math.fsum(now["spend"]), int(now["new_customers"].sum())
    average = spent / came if spent and came else math.nan
    before = by_number.reindex([fits.number(name) - 1 for name in used.index]).to_numpy()
    fit = _fitted(used, np.where(before > 0, before, np.nan), kind, level)
    quantiles, value, low, high, moved, wander = (), *(math.nan,) * 5
    if isinstance(fit, Refused):
        found.refused[channel] = found.refused[channel, "marginal_cac"] = fit
    else:
        value, (low, high), moved = fit.elasticity.mean, fit.elasticity.interval(level), fit.moved
        quantiles = tuple(fits.quantiles(fit.elasticity, SHARES).tolist())
        wander = fits.wander(fit.elasticity, max(len(now), 1))
        if low <= 0:
            found.refused[channel, "marginal_cac"] = _not_above_zero(low, high)
        if _moves_with_unpaid(used, unpaid, kind, level):
            found.warnings[channel] = _warning()
    if math.isnan(average):
        found.refused[channel, "average_cac"] = _no_average(spent)
        found.refused.setdefault((channel, "marginal_cac"), _no_average(spent))
    found.evidence[channel] = Evidence(
        len(used), int(used["new_customers"].sum()), moved, quantiles, len(now), spent, came, wander
    )
    marginal = average / value if low > 0 else math.nan
    ends = (seen.min(), seen.max()) if len(seen) else (math.nan, math.nan)
    return channel, value, low, high, average, marginal, *ends


def _fitted(used: pd.DataFrame, before: np.ndarray, kind: str, level: float) -> fits.Fit | Refused:
    """The elasticity, or why the data do not show it."""
    customers, spend = used["new_customers"].to_numpy(), used["spend"].to_numpy()
    if len(used) < PERIODS_AT_LEAST[kind]:
        return _too_short(len(used), kind)
    if customers.sum() < CUSTOMERS_AT_LEAST:
        return _too_few_customers(int(customers.sum()))
    design = fits.season(list(used.index))
    moved, spare = fits.moved(spend, design)
    if spare < SPARE_AT_LEAST:
        return _too_short(len(used), kind)
    if moved < MOVED_AT_LEAST:
        return _hardly_moved(moved)
    fit = fits.fit(customers, spend, before, list(used.index), design)
    low, high = fit.elasticity.interval(level)
    return _says_nothing(low, high) if low <= 0 and high >= 1 else fit


def _moves_with_unpaid(used: pd.DataFrame, unpaid: pd.Series, kind: str, level: float) -> bool:
    """Negative control: whether customers of channels without spend rise with this channel's spend."""
    known = unpaid.reindex(used.index).notna()
    customers, rows = unpaid.reindex(used.index)[known].to_numpy(), used[known]
    if len(rows) < PERIODS_AT_LEAST[kind] or customers.sum() < CUSTOMERS_AT_LEAST:
        return False
    nothing = np.full(len(rows), np.nan)
    fit = fits.fit(customers, rows["spend"].to_numpy(), nothing, list(rows.index), fits.season(list(rows.index)))
    return fit.elasticity.interval(level)[0] > 0


# --- numbers for sentences ---------------------------------------------------------------------------------------


def elasticity(responses: pd.DataFrame, channel: str) -> Estimate | Refused:
    """Per cent more new customers of a channel for one per cent more spend on it.

    table of `response`  ->  Estimate

    Returns
    -------
    Estimate with unit "elasticity" and n the new customers it rests on, or the reason why there is none.

    Raises
    ------
    ValueError
        For a channel that is not in the table.
    """
    row = of(responses, channel)
    if math.isnan(row["elasticity"]):
        return responses.attrs["refused"][channel]
    proof = responses.attrs["evidence"][channel]
    zh, en = PERIOD_WORDS[responses.attrs["period"]]
    definition = Words(
        f"弹性：渠道投放每多 1%，首单由该渠道带来的新客多百分之几；用 {proof.periods} {zh}估计，"
        f"只看剔除旺淡季、大促、春节和趋势之后投放的变动（约 {proof.moved:.0%}）；"
        "不含被它带到别的渠道下单的客户。",
        f"Elasticity: per cent more new customers whose first order the channel brought, for 1% more spend on it; from "
        f"{proof.periods} {en}, by the moves of spend apart from season, sales, Spring Festival and trend (about "
        f"{proof.moved:.0%}); customers whom it sent to other channels are not counted.",
    )
    ends = (row["elasticity"], row["low"], row["high"])
    return Estimate(*ends, responses.attrs["level"], proof.customers, "elasticity", definition, elasticity)


def average_cac(responses: pd.DataFrame, channel: str) -> Estimate | Refused:
    """Spend on a channel divided by the new customers it brought, over the last periods of `response`.

    table of `response`  ->  Estimate

    Returns
    -------
    Estimate with unit "money per customer" and n the new customers; the interval allows for chance in their number
    (exact Poisson, Garwood 1936). Refused where there was no spend or nobody came.

    Raises
    ------
    ValueError
        For a channel that is not in the table.
    """
    row = of(responses, channel)
    if math.isnan(row["average_cac"]):
        return responses.attrs["refused"][channel, "average_cac"]
    proof, level = responses.attrs["evidence"][channel], responses.attrs["level"]
    first, last = responses.attrs["recent"]
    definition = Words(
        f"平均获客成本＝渠道投放费用÷首单由该渠道带来的新客数，{first} 至 {last}，总额除以总数。",
        f"Average CAC: spend on the channel / new customers whose first order it brought, {first} to {last}, sum by "
        "sum.",
    )
    low, high = confint_poisson(proof.recent_customers, 1, method="exact-c", alpha=1 - level)
    ends = (row["average_cac"], proof.recent_spend / high, proof.recent_spend / low)
    return Estimate(*ends, level, proof.recent_customers, "money per customer", definition, average_cac)


def marginal_cac(responses: pd.DataFrame, channel: str) -> Estimate | Refused:
    """What one more customer of a channel costs: extra spend divided by extra customers, at today's spend.

    table of `response`  ->  Estimate

    Returns
    -------
    Estimate with unit "money per customer" and n the new customers of the last periods. Its interval joins those of
    the average cost and of the elasticity on the log scale (method of variance estimates recovery, Zou and Donner 2008,
    Statistics in Medicine 27, 1693-1702). Refused where the elasticity is, and where it may be 0.

    Raises
    ------
    ValueError
        For a channel that is not in the table.
    """
    row, average = of(responses, channel), average_cac(responses, channel)
    if math.isnan(row["marginal_cac"]):
        return responses.attrs["refused"][channel, "marginal_cac"]
    slope = elasticity(responses, channel)
    cheap = math.hypot(math.log(average.value / average.low), math.log(slope.high / slope.value))
    dear = math.hypot(math.log(average.high / average.value), math.log(slope.value / slope.low))
    first, last = responses.attrs["recent"]
    definition = Words(
        f"边际获客成本＝多投的费用÷多来的新客＝平均获客成本÷弹性，按 {first} 至 {last} 的投放水平；"
        "不含被该渠道带到别的渠道下单的客户。",
        f"Marginal CAC: extra spend / extra new customers = average CAC / elasticity, at the spend of {first} to "
        f"{last}; customers whom the channel sent to other channels are not counted.",
    )
    value = row["marginal_cac"]
    ends = (value, value * math.exp(-cheap), value * math.exp(dear))
    return Estimate(*ends, slope.level, average.n, "money per customer", definition, marginal_cac)


def of(responses: pd.DataFrame, channel: str) -> pd.Series:
    """The row of a channel."""
    if "evidence" not in responses.attrs:
        raise ValueError("this is not the table that response() returned: its attrs are missing; call response() again")
    rows = responses[responses["channel"] == channel]
    if rows.empty:
        raise ValueError(f"{channel!r} is not in the table, which has: {', '.join(responses['channel']) or 'nothing'}")
    return rows.iloc[0]


# --- why there is none -------------------------------------------------------------------------------------------


def _too_short(periods: int, kind: str) -> Refused:
    needed = PERIODS_AT_LEAST[kind]
    zh, en = PERIOD_WORDS[kind]
    return Refused(
        "periods with spend",
        periods,
        needed,
        f"有投放且新客数已知的完整时段只有 {periods} {zh}，至少要 {needed} {zh}（约两年），"
        "才能把投放的作用和旺淡季分开。",
        f"There are only {periods} complete {en} with spend and known new customers; {needed} (about two years) are "
        "needed to tell what spend does from the season.",
    )


def _too_few_customers(customers: int) -> Refused:
    return Refused(
        "new customers",
        customers,
        CUSTOMERS_AT_LEAST,
        f"该渠道只带来 {customers} 位新客，少于 {CUSTOMERS_AT_LEAST} 位，弹性无从估计。",
        f"The channel brought only {customers} new customers; below {CUSTOMERS_AT_LEAST} its elasticity cannot be "
        "estimated.",
    )


def _hardly_moved(moved: float) -> Refused:
    return Refused(
        "movement of spend",
        round(moved, 3),
        MOVED_AT_LEAST,
        f"剔除旺淡季和趋势后，投放只上下变动约 {moved:.0%}（至少要 {MOVED_AT_LEAST:.0%}）："
        "投放随需求而动，看不出它自身的作用。有计划地加减投放做测试，才能测出弹性。",
        f"Apart from season and trend, spend moved by about {moved:.0%} only ({MOVED_AT_LEAST:.0%} are needed): it "
        "followed demand, and what it does by itself cannot be seen. Planned tests of more and less spend would show "
        "it.",
    )


def _says_nothing(low: float, high: float) -> Refused:
    return Refused(
        "width of the interval",
        f"{low:.2f} to {high:.2f}",
        "an interval that leaves out 0 or 1",
        f"弹性的误差范围为 {low:.2f} 至 {high:.2f}，从“投放毫无作用”到“新客与投放同比例增长”都有可能，等于没有结论。",
        f"The elasticity lies between {low:.2f} and {high:.2f}: anything from no effect to customers in proportion to "
        "spend. That says nothing.",
    )


def _not_above_zero(low: float, high: float) -> Refused:
    return Refused(
        "elasticity above 0",
        round(low, 3),
        "above 0",
        f"弹性的误差范围（{low:.2f} 至 {high:.2f}）含零：多投可能带不来新客，边际获客成本没有上限。",
        f"The elasticity ({low:.2f} to {high:.2f}) may be 0: more spend may bring nobody, so the marginal cost has no "
        "upper end.",
    )


def _no_average(spent: float) -> Refused:
    if not spent:
        return Refused("spend", 0, "above 0", "该渠道最近没有投放，没有当前的获客成本。",
                       "The channel had no spend lately, so it has no present cost per customer.")  # fmt: skip
    return Refused("new customers", 0, 1, "该渠道最近没有带来新客，获客成本无从谈起。",
                   "The channel brought no new customer lately, so there is no cost per customer.")  # fmt: skip


def _warning() -> Words:
    return Words(
        "该渠道投放增加的时段，没有投放的渠道新客也同步增加：要么投放把客户带到了那些渠道，要么投放是跟着需求走的；若为后者，这里的弹性偏高，边际获客成本偏低。",
        "When this channel's spend rises, so do the new customers of channels without spend: either the spend sends "
        "customers there, or it follows demand. If it follows demand, the elasticity is too high and the marginal cost "
        "too low.",
    )
