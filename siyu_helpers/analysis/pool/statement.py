"""Statement of the pool as an asset: customers at the start, joined, back again, lost, and at the end.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.message_weeks import read_stays
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES = {"members": ["customer_id", "joined_at"]}
MONTHS = 12
COUNTS = ("opening", "joined", "returned", "lost", "closing")
_WORDS = {
    "pool_opening": Words("{months} 个月之前在私域的客户数", "customers in the pool {months} months ago"),
    "pool_joined": Words(
        "最近 {months} 个月首次加入的客户数", "customers who joined for the first time in {months} months"
    ),
    "pool_returned": Words(
        "最近 {months} 个月离开后又加入的次数", "returns of customers who had left, in {months} months"
    ),
    "pool_lost": Words(
        "最近 {months} 个月离开私域的次数（含封号后又找回的）",
        "times a customer left within {months} months, those found again after a ban included",
    ),
    "pool_closing": Words("数据末日在私域的客户数", "customers in the pool on the last day"),
    "pool_lost_a_month": Words(
        "最近 {months} 个月每月离开的次数 ÷ 月初与月末客户数的均值，按客户数加权平均",
        "times a customer left a month / mean of opening and closing, over {months} months, weighted by customers",
    ),
}


def pool_statement(
    members: Any, observed_until: order_log.DateLike, months: int = MONTHS, value_per_member: float | None = None
) -> pd.DataFrame:
    """Statement of the pool month by month: opening + joined + returned - lost = closing.

    members (one stay)  ->  table (month)

    Parameters
    ----------
    members : any frame that narwhals takes
        customer_id, joined_at [left_at]. A customer on two accounts is one customer; who moves from one account to
        another without a gap has not left.
    observed_until : date
        End of the last month; the months count back from the day after it.
    months : int
    value_per_member : float, optional
        What a customer in the pool is worth; adds the same columns in money.

    Returns
    -------
    DataFrame, oldest month first; empty where there is no table members
        month_begins : first day. opening, joined (first time in the table), returned (had left before), lost, closing:
        customers. With a value: opening_value, ..., closing_value.

    Raises
    ------
    ValueError
        Missing columns, months not a whole number of at least 1, a value that is not a number.

    Example
    -------
    >>> day = pd.to_datetime
    >>> stays = pd.DataFrame({"customer_id": [1, 2, 2], "joined_at": day(["2024-01-05", "2024-02-03", "2024-03-20"]),
    ...                       "left_at": day([None, "2024-03-01", None])})
    >>> pool_statement(stays, "2024-03-31", months=2).drop(columns="month_begins").to_numpy().tolist()
    [[1, 1, 0, 0, 2], [2, 0, 1, 1, 2]]
    """
    until = order_log.day_number(observed_until, "observed_until")
    order_log.at_least_one("months", months)
    if value_per_member is not None and not math.isfinite(value_per_member):
        raise ValueError(f"value_per_member must be a number; got {value_per_member!r}")
    columns = ["month_begins", *COUNTS]
    if members is None:
        return pd.DataFrame(columns=columns)
    begin, end, first = _spans(members, until)
    last = pd.Timestamp(0) + pd.Timedelta(days=until + 1)
    edges = [last - pd.DateOffset(months=back) for back in range(months, -1, -1)]
    seconds = [int(edge.timestamp()) for edge in edges]
    rows = []
    for start, stop, edge in zip(seconds[:-1], seconds[1:], edges[:-1], strict=True):
        came = (begin >= start) & (begin < stop)
        inside = [int(((begin < at) & (end >= at)).sum()) for at in (start, stop)]
        lost = int(((end >= start) & (end < stop)).sum())
        rows.append((edge, inside[0], int((came & first).sum()), int((came & ~first).sum()), lost, inside[1]))
    table = pd.DataFrame(rows, columns=columns)
    if value_per_member is not None:
        for name in COUNTS:
            table[f"{name}_value"] = table[name] * float(value_per_member)
    return table


def _spans(members: Any, until: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spans in the pool, seconds, those of one customer merged; which of them are the customer's first."""
    stays = read_stays(members, None, until)
    table = pd.DataFrame({"person": stays.person, "begin": stays.joined, "end": stays.left})
    table = table[table["end"] > table["begin"]].sort_values(["person", "begin", "end"], ignore_index=True)
    before = table.groupby("person")["end"].cummax().groupby(table["person"]).shift()
    table["span"] = (before.isna() | (table["begin"] > before)).cumsum()
    merged = table.groupby("span").agg(person=("person", "first"), begin=("begin", "first"), end=("end", "max"))
    return merged["begin"].to_numpy(), merged["end"].to_numpy(), ~merged["person"].duplicated().to_numpy()


def statement_figures(table: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """The statement of all months together, and the share lost a month.

    table of `pool_statement`  ->  dict of Estimate (counted), or of Refused where nobody was in the pool

    Returns
    -------
    dict
        pool_opening, pool_joined, pool_returned, pool_lost, pool_closing : customers. pool_lost_a_month : share.

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 2], "joined_at": pd.to_datetime(["2024-01-05", "2024-02-03"])})
    >>> found = statement_figures(pool_statement(stays, "2024-03-31", months=2))
    >>> found["pool_opening"].value, found["pool_joined"].value, found["pool_closing"].value
    (1.0, 1.0, 2.0)
    """
    stayed = float((table["opening"] + table["closing"]).sum() / 2)
    if not stayed:
        return dict.fromkeys(_WORDS, Refused(
            "members", 0, 1, "这段时间私域里没有客户。", "Nobody was in the pool in these months."))  # fmt: skip
    values = [table["opening"].iloc[0], *(table[name].sum() for name in COUNTS[1:4]), table["closing"].iloc[-1],
              table["lost"].sum() / stayed]  # fmt: skip
    many = int(table["closing"].iloc[-1])
    return {
        key: Estimate.exact(
            float(value), many, "share" if key == "pool_lost_a_month" else "customers",
            Words(*(text.format(months=len(table)) for text in words)), pool_statement)
        for (key, words), value in zip(_WORDS.items(), values, strict=True)
    }  # fmt: skip
