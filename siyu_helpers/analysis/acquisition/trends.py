"""Trend of acquisition cost: does a new customer get dearer, by how much a year, and how sure is that?

Used by notebooks/01_acquisition_cost.ipynb. Opens no files and draws nothing. Months are few and resemble their
neighbours, the year has its seasons, and Spring Festival moves: the trend is what is left when these are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis import mixed_regression, order_log
from siyu_helpers.analysis.acquisition.cost_sums import checked
from siyu_helpers.analysis.acquisition.festivals import spring_festival_share
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

TREND_COLUMNS = [
    "group", "growth_per_year", "growth_per_year_low", "growth_per_year_high", "probability_rising", "n_months"
]  # fmt: skip
ALL = "all"
GROWTH_UNIT = "growth a year"

# Gates, chosen by simulation: see tests/calibration/test_acquisition_trends.py.
REPEATED_AT_LEAST = 10  # months that repeat a month of the calendar: 22 months in a row hold as many
CUSTOMERS_AT_LEAST = 5  # new customers a month, on average
SPEND_MOVES_AT_LEAST = 0.02  # scatter of log spend that season and trend leave over

# How strongly a month resembles the next; averaged over, because two or three years cannot tell.
RESEMBLANCE = np.linspace(-0.4, 0.9, 14)
# Beforehand weight of "months scatter by nothing but chance", times that of the grid's first step: about one in eight
# where counts rule. Without it intervals covered 94 to 97% there, with it 93 to 96%; twice as much brings them nearer
# to 90%, and below 84% where months that resemble each other by 0.6 scatter about as much as the counts do.
CHANCE_ALONE = 5

RISING_FROM, FALLING_UP_TO = 0.95, 0.05

MEANING = {  # at constant spend or not
    False: Words(
        "实际看到的成本，包含加大投放带来的上升", "the cost as seen, with the rise that comes from spending more"
    ),
    True: Words(
        "按同等投放费用比较，即扣除投放增减本身的影响后市场变贵的部分；若投放跟着需求走，会低估",
        "at the same spend, that is without what spending more or less did to the cost itself; too low where spend "
        "followed demand",
    ),
}
CUT_OFF = Words(
    "；历史不完整，前期月份已剔除，但仍有少量老客户被当作新客，且逐月减少，增速可能偏高",
    "; the history is cut off: early months are left out, yet a few old customers still pass for new ones, fewer from "
    "month to month, so that the growth may be too high",
)


class Regression(NamedTuple):
    """A cost series ready for `mixed_regression.averaged`.

    series is the logarithm of spend per new customer, chance its variance from the number of customers, at the running
    number of the month, design the columns of the null model; the last is time in years. calendar names the months of
    the year that the first columns stand for; has_festival says whether the column of Spring Festival follows them.
    """

    series: np.ndarray
    chance: np.ndarray
    at: np.ndarray
    design: np.ndarray
    calendar: np.ndarray
    has_festival: bool


def trend(costs: pd.DataFrame, level: float = LEVEL, at_constant_spend: bool = False) -> pd.DataFrame:
    """Yearly growth of the cost of a new customer, by channel and over all, with season and Spring Festival taken out.

    table (month x channel)  ->  table (one group: "all", or a channel with spend)

    Parameters
    ----------
    costs : DataFrame
        As from `cost_table` by month and channel: month ("2024-06"), channel, spend, new_customers. Without a column
        channel there is only "all": spend and new customers of all rows together. Months named in attrs "incomplete"
        and "blank" are left out, as are months without spend and those whose spend or new customers are blank; months
        with spend and no new customer stay in.
    level : float
        Coverage of the intervals.
    at_constant_spend : bool
        False: growth as it is seen. True: growth of the cost at the same spend. Whoever spends more reaches people who
        are harder to win, so that growth as seen = growth at constant spend + (1 - elasticity) x growth of spend. The
        second asks that spend moved apart from season and trend; where it moved with demand it says too little.

    Returns
    -------
    DataFrame, "all" first, then the channels by name
        group, growth_per_year (0.083: 8.3% dearer every year), growth_per_year_low, growth_per_year_high,
        probability_rising (that growth is above 0), n_months (months it rests on). Blank where a gate is not met; the
        reason is in attrs "refused", a dict group -> Refused.

    Raises
    ------
    ValueError
        For a missing column, the same month and channel twice, a month that is none, negative amounts, a channel named
        "all", or a level outside 0 to 1.

    Notes
    -----
    The logarithm of spend / (new customers + 0.5) is regressed on time, with a level for each month of the year (which
    takes in 618, 11.11 and 12.12) and the share of Spring Festival's days in the month. Scatter is that of the counts
    (variance 1 / expected customers) and one between months, autocorrelated of first order; the coefficient is averaged
    over both of its parameters, weighted by the restricted likelihood (Harville 1974, Biometrika 61, 383-385). A
    Poisson regression with HAC errors covered 63 to 80% where 90% was claimed. It assumes a steady growth; whether
    there was a step instead, `break_test` asks.

    Simulated 90% intervals cover 89 to 95% with 36 months that resemble their neighbours by 0.5 at most, whatever the
    shape of their scatter; the upper end is that of months which scatter by nothing but chance. With 22 to 24 months
    that scatter independently they are cautious (93 to 97%). Where months resemble each other strongly they are too
    short: 84 to 89% at 0.6, about 80% at 0.8.

    Example
    -------
    Cost rises by 10% a year; November is a fifth cheaper:

    >>> months = [f"{2022 + m // 12}-{m % 12 + 1:02d}" for m in range(36)]
    >>> cac = [50 * 1.1 ** (m / 12) * (0.8 if m % 12 == 10 else 1) for m in range(36)]
    >>> costs = pd.DataFrame({"month": months, "spend": [1000 * c for c in cac], "new_customers": 1000})
    >>> trend(costs).round(3).drop(columns="n_months").to_numpy().tolist()
    [['all', 0.1, 0.088, 0.112, 1.0]]
    """
    check_level(level)
    rows, refused, spans = [], {}, {}
    for group in groups(costs):
        monthly = monthly_costs(costs, group)
        spans[group] = _span(monthly)
        slope = _slope(monthly, at_constant_spend)
        numbers = [np.nan] * 4
        if isinstance(slope, Refused):
            refused[group] = slope
        else:
            ends = np.expm1([slope.mean, *slope.interval(level)])
            numbers = [*ends, slope.chance_above(0.0)]
        rows.append((group, *numbers, len(monthly)))
    table = pd.DataFrame(rows, columns=TREND_COLUMNS).astype({"group": "object", "n_months": "int64"})
    table[TREND_COLUMNS[1:5]] = table[TREND_COLUMNS[1:5]].astype(float)
    table.attrs = {
        "level": level, "at_constant_spend": at_constant_spend, "variant": costs.attrs.get("variant"),
        "by_channel": "channel" in costs,
        "months": spans, "truncated": bool(costs.attrs.get("blank")), "refused": refused,
    }  # fmt: skip
    return table


def groups(costs: pd.DataFrame) -> list[str]:
    """Names of the groups whose cost can be followed: "all", then every channel with spend in some month, by name.

    Example
    -------
    >>> groups(pd.DataFrame({"month": "2024-06", "channel": ["b", "a", "c"], "spend": [1, 2, 0], "new_customers": 1}))
    ['all', 'a', 'b']
    """
    table = _checked(costs)
    if "channel" not in table:
        return [ALL]
    return [ALL, *sorted(table.loc[table["spend"] > 0, "channel"].unique())]


def monthly_costs(costs: pd.DataFrame, group: str = ALL) -> pd.DataFrame:
    """Months of one group whose cost is known to its end, in order of time.

    table (month x channel)  ->  table (one month)

    Parameters
    ----------
    costs : DataFrame
        See `trend`.
    group : str
        "all" or a channel.

    Returns
    -------
    DataFrame: month, number (running number of the month), spend, new_customers. Only months with spend.

    Example
    -------
    >>> costs = pd.DataFrame({"month": ["2024-06"] * 2, "channel": ["a", "b"], "spend": [60.0, 40.0]})
    >>> monthly_costs(costs.assign(new_customers=[3, 1]))[["month", "spend", "new_customers"]]
         month  spend  new_customers
    0  2024-06  100.0            4.0
    """
    table = _checked(costs)
    if group != ALL:
        known = [] if "channel" not in table else sorted(table["channel"].unique())
        if group not in known:
            raise ValueError(f"there is no channel {group!r} in the cost table; it holds {', '.join(known) or 'none'}")
        table = table[table["channel"] == group]
    # One blank row leaves the month without a total: adding up the others would make it cheap.
    table = table.sort_values([name for name in ("month", "channel") if name in table])  # sums in one order
    numbers = table[["spend", "new_customers"]]
    summed = numbers.groupby(table["month"]).sum().mask(numbers.isna().groupby(table["month"]).any())
    left_out = {*costs.attrs.get("incomplete", ()), *costs.attrs.get("blank", ())}
    kept = summed[(summed["spend"] > 0) & summed["new_customers"].notna() & ~summed.index.isin(left_out)]
    number = [int(month[:4]) * 12 + int(month[5:7]) - 1 for month in kept.index]
    return (
        kept.reset_index()
        .assign(number=number)
        .astype({"month": "str", "number": "int64"})[["month", "number", "spend", "new_customers"]]
    )


def _checked(costs: pd.DataFrame) -> pd.DataFrame:
    """Costs with spend and new customers as floating numbers, after looking whether they can be what they say."""
    costs = checked(costs)
    order_log.has_columns(list(costs.columns), ["month", "spend", "new_customers"])
    if "channel" in costs and (costs["channel"] == ALL).all():  # the blended cost, which has one for all
        costs = costs.drop(columns="channel")
    keys = [name for name in ("month", "channel") if name in costs]
    table = costs[keys].astype("object").copy()
    for name in ("spend", "new_customers"):
        table[name] = costs[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    for month in table["month"].unique():
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", str(month)):
            raise ValueError(f"{month!r} is no month such as '2024-06': the trend needs a table by month")
    if table.duplicated(keys).any():
        twice = " and ".join(str(part) for part in table.loc[table.duplicated(keys), keys].iloc[0])
        raise ValueError(f"{twice} occurs twice in the cost table: give one row for each {' and '.join(keys)}")
    if "channel" in table and (table["channel"] == ALL).any():
        raise ValueError("a channel is named 'all', which stands for all channels together: rename it")
    return table


def regression(monthly: pd.DataFrame, at_constant_spend: bool = False) -> Regression:
    """Series, chance and explaining columns of a group's months; see `Regression`."""
    at, spend = monthly["number"].to_numpy(), monthly["spend"].to_numpy()
    customers = monthly["new_customers"].to_numpy()
    series = np.log(spend / (customers + 0.5))
    years = (at - at.mean()) / 12
    calendar = np.unique(at % 12)
    columns = [(at[:, None] % 12 == calendar).astype(float)]
    festival = spring_festival_share(monthly["month"])
    has_festival = bool(_moves_apart(festival, np.column_stack([*columns, years])) > 1e-3)
    columns += [festival] if has_festival else []
    columns += [np.log(spend)] if at_constant_spend else []
    # Expected customers, not those counted: a month that happened to bring few must not weigh less for it.
    line = np.column_stack([np.ones(len(at)), years])
    usual_cost = np.exp(line @ np.linalg.lstsq(line, series, rcond=None)[0])
    chance = 1 / (spend / usual_cost + 0.5)
    return Regression(series, chance, at, np.column_stack([*columns, years]), calendar + 1, has_festival)


def _moves_apart(column: np.ndarray, others: np.ndarray) -> float:
    """Scatter of a column that the others leave over."""
    left = column - others @ np.linalg.lstsq(others, column, rcond=None)[0]
    return float(np.sqrt(left @ left / len(column)))


def _slope(monthly: pd.DataFrame, at_constant_spend: bool) -> mixed_regression.Mixture | Refused:
    """Growth of the logarithm of cost a year, or why it cannot be told."""
    refusal = gate(monthly)
    if refusal is not None:
        return refusal
    parts = regression(monthly, at_constant_spend)
    if at_constant_spend:
        spend = np.log(monthly["spend"].to_numpy())
        others = regression(monthly).design
        if _moves_apart(spend, others) < SPEND_MOVES_AT_LEAST:
            return _spend_never_moved(_moves_apart(spend, others))
    return averaged(parts, parts.design)


def averaged(parts: Regression, design: np.ndarray, column: int = -1) -> mixed_regression.Mixture:
    """One coefficient of a cost series, averaged over how much months scatter and how they resemble each other.

    As `mixed_regression.averaged`, with a prior that is flat in the logarithm of the whole scatter, that of the counts
    and that between months (flat in the second alone covered 95 to 98% where counts rule), and with weight on there
    being no scatter between months at all, see `CHANCE_ALONE`.
    """
    found = mixed_regression.averaged(parts.series, parts.chance, parts.at, design, column, RESEMBLANCE)
    weight = found.weight / np.sqrt(found.scatter**2 + parts.chance.mean())
    weight = weight * np.where(found.scatter > 0, 1, CHANCE_ALONE)
    return found._replace(weight=weight / weight.sum())


def gate(monthly: pd.DataFrame) -> Refused | None:
    """Why the trend of these months cannot be told, or None."""
    months = len(monthly)
    repeated = months - len(set(monthly["number"] % 12)) if months else 0
    if repeated < REPEATED_AT_LEAST:
        return Refused(
            "months",
            months,
            12 + REPEATED_AT_LEAST,
            f"可用的月份只有 {months} 个，其中与其他年份同月的只有 {repeated} 个（至少要 {REPEATED_AT_LEAST} 个，"
            "约 22 个月），淡旺季与趋势分不开。",
            f"Only {months} usable months, {repeated} of which repeat a month of another year ({REPEATED_AT_LEAST} are "
            "needed, about two whole years): season cannot be told from trend.",
        )
    average = float(monthly["new_customers"].mean())
    if average < CUSTOMERS_AT_LEAST:
        return Refused(
            "new customers a month",
            round(average, 1),
            CUSTOMERS_AT_LEAST,
            f"平均每月新客只有 {average:.1f} 位（至少要 {CUSTOMERS_AT_LEAST} 位），获客成本的趋势无从判断。",
            f"Only {average:.1f} new customers a month on average ({CUSTOMERS_AT_LEAST} are needed): the trend of "
            "their cost cannot be judged.",
        )
    return None


def _spend_never_moved(scatter: float) -> Refused:
    return Refused(
        "spend moved",
        round(scatter, 4),
        SPEND_MOVES_AT_LEAST,
        "投放费用只随季节和趋势变动，没有其他起伏，分不清成本上升是因为投放加大还是因为市场变贵。",
        "Spend moved only with season and trend, so that a rise of the cost cannot be split into more spend and a "
        "dearer market.",
    )


def _span(monthly: pd.DataFrame) -> tuple[str, str] | None:
    return (monthly["month"].iloc[0], monthly["month"].iloc[-1]) if len(monthly) else None


def growth(trends: pd.DataFrame, group: Hashable = ALL) -> Estimate | Refused:
    """Yearly growth of a group's acquisition cost, to be stated in a sentence.

    table (one group), as from `trend` ->  Estimate (unit "growth a year", n the months) or Refused

    Example
    -------
    >>> months = [f"{2022 + m // 12}-{m % 12 + 1:02d}" for m in range(24)]
    >>> costs = pd.DataFrame({"month": months, "spend": [1000 * 1.2 ** (m / 12) for m in range(24)]})
    >>> found = growth(trend(costs.assign(new_customers=50)))
    >>> round(found.value, 3), found.n, found.unit
    (0.2, 24, 'growth a year')
    """
    row = _row(trends, group)
    if isinstance(row, Refused):
        return row
    ends = (row[name] for name in TREND_COLUMNS[1:4])
    return Estimate(*ends, trends.attrs["level"], row["n_months"], GROWTH_UNIT, _growth_words(trends, group), growth)


def chance_rising(trends: pd.DataFrame, group: Hashable = ALL) -> Estimate | Refused:
    """Probability that a group's acquisition cost rises, to be stated in a sentence.

    table (one group), as from `trend` ->  Estimate (unit "probability", no interval, n the months) or Refused
    """
    row = _row(trends, group)
    if isinstance(row, Refused):
        return row
    which = _growth_words(trends, group)
    words = Words(
        f"下列增速大于 0 的概率（对未知参数取平坦先验）：{which.zh}",
        f"Probability, with flat priors, that this growth is above 0: {which.en}",
    )
    return Estimate.exact(row["probability_rising"], row["n_months"], "probability", words, chance_rising)


def direction(trends: pd.DataFrame, group: Hashable = ALL) -> str:
    """Key of the word for a group's trend: "rising", "falling", "no clear trend" or "not known".

    Rising from a probability of 0.95 on, falling up to 0.05; "not known" where the trend was refused.
    """
    row = _row(trends, group)
    if isinstance(row, Refused):
        return "not known"
    chance = round(row["probability_rising"], 2)  # as it is printed: a sentence must not contradict its own number
    if chance >= RISING_FROM:
        return "rising"
    return "falling" if chance <= FALLING_UP_TO else "no clear trend"


def _row(trends: pd.DataFrame, group: Hashable) -> pd.Series | Refused:
    found = trends[trends["group"] == group]
    if found.empty:
        raise ValueError(f"there is no group {group!r} in the trends; there are {', '.join(trends['group'])}")
    return trends.attrs["refused"].get(group, found.iloc[0])


def _growth_words(trends: pd.DataFrame, group: Hashable) -> Words:
    """Definition of the growth: whose cost, which months, as seen or at constant spend."""
    first, last = trends.attrs["months"][group]
    n = int(trends.loc[trends["group"] == group, "n_months"].iloc[0])
    whose = Words(f"{group} 投放费用 ÷ 经该渠道首购的新客", f"spend on {group} / new customers through it")
    if group == ALL:
        whose = Words("全部渠道合计投放费用 ÷ 全部新客", "spend of all rows / new customers of all rows")
        if trends.attrs.get("variant") == "paid" and not trends.attrs["by_channel"]:
            whose = Words(
                "投放费用合计 ÷ 投放渠道带来的新客", "all media spend / new customers of the channels that had spend"
            )
    meaning = MEANING[trends.attrs["at_constant_spend"]]
    caveat = CUT_OFF if trends.attrs["truncated"] else Words("", "")
    return Words(
        f"获客成本（{whose.zh}）每年的变化率；{first} 至 {last} 共 {n} 个月；{meaning.zh}；"
        "已剔除每年同月的淡旺季（含 618、双 11、双 12）和春节错月的影响；按匀速增长拟合，"
        f"误差范围计入月与月之间的波动{caveat.zh}。",
        f"Growth per year of the acquisition cost ({whose.en}); {n} months from {first} to {last}; {meaning.en}; what "
        "recurs in the same month of every year (618, 11.11 and 12.12 among it) and the moving Spring Festival are "
        f"taken out; steady growth, with an interval that allows for scatter between months{caveat.en}.",
    )
