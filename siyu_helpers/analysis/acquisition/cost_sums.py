"""Numbers of a cost table: the cost per new customer over several periods, and which periods those are.

Used by `costs`, `change` and the modules beside them. A table made by hand will do: a column month, week or quarter,
channel, spend, new_customers. Without the `attrs` of `costs.cost_table` all its periods are complete.
"""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.rates import confint_poisson

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition.cost_inputs import period_number
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

PERIODS = order_log.PERIODS

VARIANTS = {
    "paid": Words(
        "投放获客成本＝渠道投放费用÷首单由该渠道带来的新客数",
        "paid: media spend of a channel / new customers whose first order it brought",
    ),
    "blended": Words(
        "综合获客成本＝全部投放费用÷全部新客数（自然流量、老带新和来源不明的新客都算在内）",
        "blended: all media spend / all new customers, whatever brought them (unpaid and unknown channels too)",
    ),
    "new_customer": Words(
        "拉新获客成本＝渠道投放费用×（新客首单数÷该渠道带来的全部订单数）÷新客数；按订单数分摊，不是实测",
        "new-customer: the part of a channel's media spend that falls on first orders, in proportion to all orders it "
        "brought, / its new customers; an allotment, not a measurement",
    ),
    "fully_loaded": Words(
        "全成本获客成本＝（投放费用＋私域的人员、工具、激励、内容费用＋消息费用）÷新客数；私域费用全部计入获客，因此是上限",
        "fully loaded: media spend plus the pool's staff, tools, incentives and content and the cost of messages, / "
        "new customers; all of the pool's cost is charged to acquisition, so it is an upper bound",
    ),
}


def cac(
    costs: pd.DataFrame,
    periods: list[str] | Refused | None = None,
    channel: str | list[str] | None = None,
    level: float | None = None,
) -> Estimate | Refused:
    """Cost per new customer over several periods: their spend divided by their new customers.

    cost table  ->  Estimate

    Parameters
    ----------
    costs : DataFrame
        From `cost_table`, or one like it without `attrs`, all of whose periods are then complete.
    periods : list of str, optional
        Such as `last_periods(costs, 12)`; by default all that are complete and not blank.
    channel : str or list of str, optional
        One channel, several, or one of the domains where the table is by domain; by default all rows. All rows of a
        table by channel hold the channels without spend too: for those with spend pass `paid_channels(costs)`.
    level : float, optional
        By default that of the table.

    Returns
    -------
    Estimate with unit "money per customer" and n the new customers; the interval (exact Poisson, Garwood 1936) allows
    for chance in their number and for nothing else. Refused where there was no spend, no new customer, or where who is
    new is not known.

    Raises
    ------
    ValueError
        For a period or channel that the table does not have.

    Example
    -------
    >>> costs = pd.DataFrame({"month": ["2024-01", "2024-02"], "channel": "feed", "spend": [40_000.0, 50_000.0]})
    >>> found = cac(costs.assign(new_customers=[500, 700]))
    >>> round(found.value, 1), round(found.low, 1), round(found.high, 1), found.n
    (75.0, 71.5, 78.7, 1200)
    """
    if isinstance(periods, Refused):
        return periods
    costs = checked(costs)
    level = check_level(costs.attrs.get("level", LEVEL) if level is None else level)
    names = _asked(costs, periods)
    if isinstance(names, Refused):
        return names
    rows = _rows(costs, names, channel)
    if rows["new_customers"].isna().any() or rows["spend"].isna().any():
        reasons = [why for name, why in costs.attrs.get("blank", {}).items() if names is None or name in names]
        return reasons[0] if reasons else _unknown_customers()
    n, spend = int(rows["new_customers"].sum()), math.fsum(rows["spend"])
    if spend == 0:
        return Refused("spend", 0, "above 0", "这段时间没有投放费用，获客成本无从谈起。",
                       "Nothing was spent in this time, so there is no cost per new customer.")  # fmt: skip
    if n == 0:
        return Refused("new customers", 0, 1, "这段时间没有新客，获客成本无从谈起。",
                       "No new customer came in this time, so there is no cost per new customer.")  # fmt: skip
    low, high = confint_poisson(n, 1, method="exact-c", alpha=1 - level)
    definition = _cac_words(costs, names, channel)
    return Estimate(spend / n, spend / high, spend / low, level, n, "money per customer", definition, cac)


def totals(costs: pd.DataFrame, periods: list[str] | None = None, level: float | None = None) -> pd.DataFrame:
    """Add the periods of a cost table up: what a new customer cost over all of them, by channel or domain.

    cost table (period x channel)  ->  table (channel): channel, spend, new_customers, cac, cac_low, cac_high

    Parameters
    ----------
    costs, periods, level
        As in `cac`. A channel whose new customers are not known in one of the periods is blank.

    Returns
    -------
    DataFrame sorted by channel (or domain; one row where the table has neither); its `attrs` are those of the table and
    `periods`, the names that were added up.

    Example
    -------
    >>> costs = pd.DataFrame({"month": ["2024-01", "2024-02"], "channel": "feed", "spend": [40_000.0, 50_000.0]})
    >>> totals(costs.assign(new_customers=[500, 700])).round(1)
      channel    spend  new_customers   cac  cac_low  cac_high
    0    feed  90000.0           1200  75.0     71.5      78.7
    """
    costs = checked(costs)
    names = _asked(costs, periods)
    if isinstance(names, Refused):
        names = []
    rows = _rows(costs, names, None)
    keys = [name for name in ("channel", "domain") if name in rows]
    keyed = rows[keys].assign(
        minor=(rows["spend"].fillna(0) * order_log.MONEY_SCALE).round().astype("int64"),
        customers=rows["new_customers"].fillna(0).astype("int64"),
        blank=rows["new_customers"].isna(),
    )
    level = check_level(costs.attrs.get("level", LEVEL) if level is None else level)
    made = summed(keyed, keys)
    made["spend"] = made["spend"].mask(made["new_customers"].isna() & (costs.attrs.get("variant") == "new_customer"))
    made.attrs = costs.attrs | {"level": level, "periods": names, "incomplete": [], "blank": {}}
    return with_cac(made, level)


def last_periods(costs: pd.DataFrame, n: int = 12) -> list[str] | Refused:
    """Names of the last n complete periods of a cost table, in a row and in order.

    cost table  ->  list of str, or Refused where there are fewer, or one between them is missing

    Parameters
    ----------
    costs : DataFrame
        From `cost_table`. Periods that are incomplete or blank (`attrs`) do not count.
    n : int

    Example
    -------
    >>> last_periods(pd.DataFrame({"month": ["2024-03", "2024-01", "2024-02"]}), 2)
    ['2024-02', '2024-03']
    """
    order_log.at_least_one("n", n)
    names = complete_periods(costs)
    if len(names) < n:
        return Refused(
            "complete periods", len(names), n,
            f"完整的时间段只有 {len(names)} 个，需要 {n} 个。",
            f"There are only {len(names)} complete periods; {n} are needed.",
        )  # fmt: skip
    found = names[-n:]
    if period_number(found[-1]) - period_number(found[0]) != n - 1:
        return Refused(
            "periods in a row", "a gap", n,
            f"最近 {n} 个完整的时间段不连续，中间有缺口。",
            f"The last {n} complete periods are not in a row: one between them is missing or incomplete.",
        )  # fmt: skip
    return found


def years_apart(costs: pd.DataFrame) -> tuple[list[str], list[str]] | Refused:
    """The complete year before last and the last: (before, after), twelve months each, so that seasons are alike.

    cost table  ->  two lists of names, or Refused where there are not two complete years in a row

    Example
    -------
    >>> before, after = years_apart(pd.DataFrame({"month": [f"{year}-{month:02d}" for year in (2023, 2024)
    ...                                                     for month in range(1, 13)]}))
    >>> before[0], before[-1], after[0], after[-1]
    ('2023-01', '2023-12', '2024-01', '2024-12')
    """
    year = {"month": 12, "quarter": 4, "week": 52}[period_column(costs) or "month"]
    names = last_periods(costs, 2 * year)
    return names if isinstance(names, Refused) else (names[:year], names[year:])


def complete_periods(costs: pd.DataFrame) -> list[str]:
    """Names of the periods of a cost table that are observed to both ends and not blank, in order.

    >>> complete_periods(pd.DataFrame({"month": ["2024-02", "2024-01"]}))
    ['2024-01', '2024-02']
    """
    costs = checked(costs)
    period = period_column(costs)
    if period is None:
        raise ValueError("the table has no month, week or quarter: make it with by=('month', 'channel')")
    out = {*costs.attrs.get("incomplete", []), *costs.attrs.get("blank", {})}
    return sorted(set(costs[period]) - out, key=period_number)


def paid_channels(costs: pd.DataFrame) -> list[str]:
    """Channels of a cost table that had spend in any of its periods.

    >>> paid_channels(pd.DataFrame({"channel": ["wecom", "feed", "feed"], "spend": [0.0, 0.0, 9.0]}))
    ['feed']
    """
    return sorted(set(costs["channel"][costs["spend"] > 0]))


def checked(costs: Any) -> pd.DataFrame:
    """The cost table with its periods as text and its numbers as numbers, after looking whether they can be that.

    Raises ValueError for anything but a pandas table, for a row without its period or channel, and for spend or new
    customers that are negative, infinite or no numbers.

    >>> checked(pd.DataFrame({"month": [pd.Timestamp("2024-06-01")], "spend": ["9.5"]})).to_numpy().tolist()
    [['2024-06', 9.5]]
    """
    if not isinstance(costs, pd.DataFrame):
        kind = f"{type(costs).__module__.split('.')[0]}.{type(costs).__name__}"
        raise ValueError(f"a cost table is a pandas DataFrame, as cost_table returns it, not a {kind}")
    made = costs.copy()
    for name in (*PERIODS, "channel", "domain"):
        if name in made and made[name].isna().any():
            raise ValueError(f"the cost table has a row without {name}: name it, or leave the row out")
    if "month" in made:
        made["month"] = [label(month) for month in made["month"]]
    for name in ("spend", "new_customers"):
        if name not in made:
            continue
        try:
            numbers = pd.to_numeric(made[name])
        except (ValueError, TypeError):
            raise ValueError(f"{name} of the cost table must hold numbers") from None
        floats = numbers.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        if (floats < 0).any() or np.isinf(floats).any():
            raise ValueError(f"{name} holds a negative or infinite number: correct the cost table")
        made[name] = numbers
    return made


def label(month: Any) -> str:
    """Name of a month given as text, date, Timestamp or monthly Period.

    >>> label("2024-06"), label(pd.Timestamp("2024-06-01")), label(pd.Period("2024-06"))
    ('2024-06', '2024-06', '2024-06')
    """
    return f"{month:%Y-%m}" if isinstance(month, datetime.date) else str(month)


def period_column(costs: pd.DataFrame) -> str | None:
    """Name of the column that holds the period, "month", "week" or "quarter"; None where there is none."""
    return next((name for name in PERIODS if name in costs), None)


def _asked(costs: pd.DataFrame, periods: list[str] | None) -> list[str] | Refused | None:
    """The periods to add up; None for a table without periods."""
    period = period_column(costs)
    if period is None:
        if periods is not None:
            raise ValueError("the table has no month, week or quarter, so periods cannot be chosen from it")
        return None
    names = complete_periods(costs) if periods is None else [label(name) for name in periods]
    if missing := sorted(set(names) - set(costs[period])):
        raise ValueError(f"the table has no {period} {missing[0]!r}")
    if names:
        return sorted(set(names), key=period_number)
    reasons = list(costs.attrs.get("blank", {}).values())
    return reasons[0] if reasons else Refused(
        "complete periods", 0, 1, "没有一个时间段是完整的。", "No period is complete."
    )  # fmt: skip


def _rows(costs: pd.DataFrame, names: list[str] | None, channel: str | list[str] | None) -> pd.DataFrame:
    """Rows of these periods and channels; a period and channel that occur twice are an error."""
    keys = [name for name in (*PERIODS, "channel", "domain") if name in costs]
    if keys and costs.duplicated(keys).any():
        raise ValueError(f"a row of {', '.join(keys)} occurs twice: add the two up first")
    rows = costs if names is None else costs[costs[period_column(costs)].isin(names)]
    if channel is None:
        return rows
    column = "channel" if "channel" in costs else "domain"
    wanted = [channel] if isinstance(channel, str) else list(channel)
    for name in wanted:
        if column not in costs or name not in set(costs[column]):
            raise ValueError(f"the table has no channel {name!r}")
    return rows[rows[column].isin(wanted)]


def _cac_words(costs: pd.DataFrame, names: list[str] | None, channel: str | list[str] | None) -> Words:
    """Variant, channel, periods and lag of one number."""
    made = costs.attrs
    parts = [made.get("definition", VARIANTS[made.get("variant", "paid")])]
    if channel is not None:
        text = channel if isinstance(channel, str) else "、".join(channel)
        parts.append(Words(f"渠道：{text}", f"channel: {text.replace('、', ', ')}"))
    elif "channel" in costs and made.get("variant", "paid") in ("paid", "new_customer"):
        parts.append(Words("各渠道合计，含没有投放的渠道", "all rows added up, channels without spend included"))
    if names is not None:
        zh, en = (f"{names[0]} {to} {names[-1]}" if len(names) > 1 else names[0] for to in ("至", "to"))
        in_a_row = period_number(names[-1]) - period_number(names[0]) == len(names) - 1
        parts.append(Words(zh + ("" if in_a_row else f"中的 {len(names)} 段"),
                           en + ("" if in_a_row else f" ({len(names)} periods of them)")))  # fmt: skip
    parts.append(
        Words("区间只反映新客数的偶然波动", "the interval allows for chance in the number of new customers only")
    )
    return joined_words(parts)


def _unknown_customers() -> Refused:
    return Refused(
        "new customers", "not known", "known", "这段时间的新客数不明，获客成本不给出。",
        "The number of new customers of this time is not known, so neither is their cost.",
    )  # fmt: skip


def joined_words(parts: list[Words]) -> Words:
    """Parts of a definition as one text."""
    return Words("；".join(part.zh for part in parts), "; ".join(part.en for part in parts))


def summed(keyed: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Keyed cells -> by, spend, new_customers: sums of whole numbers; blank where a part of them is not known."""
    if by:
        sums = keyed.groupby(by, as_index=False).agg({"minor": "sum", "customers": "sum", "blank": "max"})
    else:
        sums = keyed[["minor", "customers"]].sum().to_frame().T.assign(blank=keyed["blank"].any())
        sums = sums if len(keyed) else sums.iloc[:0]
    blank = sums["blank"].astype(bool)
    table = sums[by].copy()
    table["spend"] = sums["minor"].astype(float) / order_log.MONEY_SCALE
    table["new_customers"] = sums["customers"].astype("Int64").mask(blank)
    return table.sort_values(by, ignore_index=True) if by else table.reset_index(drop=True)


def with_cac(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Add cac, cac_low, cac_high: spend over customers, with the exact Poisson interval of their number."""
    made = table.copy()
    made.attrs = table.attrs
    known = (made["new_customers"].fillna(0) > 0) & (made["spend"] > 0)
    spend, n = made["spend"][known].to_numpy(dtype=float), made["new_customers"][known].to_numpy(dtype=float)
    ends = confint_poisson(n, 1, method="exact-c", alpha=1 - level) if len(n) else (n, n)
    for name, count in zip(("cac", "cac_low", "cac_high"), (n, ends[1], ends[0]), strict=True):
        made[name] = np.nan
        made.loc[known, name] = spend / count
    return made
