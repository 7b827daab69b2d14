"""Two periods of the customer-base audit: who was kept, who was lost, who is new, who returned.

Lens two of Fader, Hardie and Ross (2022), "The Customer-Base Audit"; `customer_base_audit` offers the functions of this
module beside the other lenses. Everything is counted, nothing estimated, so there are no intervals.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import audit_periods, order_log
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES = order_log.REQUIRES

STATUSES = ("kept", "lost", "new", "returned", "new_or_returned")
PAIR_COLUMNS = [
    *("before", "after", "status", "customers", "orders_before", "orders_after"),
    *("revenue_before", "revenue_after", "change"),
]


def two_periods(
    orders: Any,
    observed_until: order_log.DateLike,
    period: str = "year",
    trailing_days: int = 365,
    refunds: str = "net",
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """Customers kept, lost, new and returned from each whole period to the next, with what they brought in.

    orders (one paid order)  ->  table (pair of periods x status)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Without `observed_from` the data are taken to begin with the first order.
    period, trailing_days
        See `audit_periods.periods`.
    refunds : "net" or "gross"
        Whether the refunded part, where the column exists, is taken off.

    Returns
    -------
    DataFrame, four or five rows for each two neighbouring whole periods, oldest first
        before, after : names of the periods.
        status : kept, ordered in both; lost, ordered only in the first; new, first order ever in the second;
            returned, ordered before the first period, not in it, and again in the second; new_or_returned, only where
            the two cannot be told apart.
        customers, orders_before, orders_after, revenue_before, revenue_after : theirs; 0 on the side where they were
            not active.
        change : revenue_after - revenue_before.
        Active before = kept + lost; active after = kept + new + returned (+ new_or_returned). `new` and `returned`
        are blank where the second period begins before new customers can be told from old ones (history="truncated").
        Empty with fewer than two whole periods; `attrs["refused"]` then says why.

    Raises
    ------
    ValueError
        As `repurchase_cohorts.cohort_grid`.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [10.0, 20.0, 5.0, 8.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-05-15", "2024-01-20", "2024-04-10"])
    >>> moved = two_periods(orders, "2024-06-30", "quarter", observed_from="2024-01-01")
    >>> moved[["before", "after", "status", "customers", "revenue_before", "revenue_after"]]
        before    after    status  customers  revenue_before  revenue_after
    0  2024-Q1  2024-Q2      kept          1            10.0           20.0
    1  2024-Q1  2024-Q2      lost          1             5.0            0.0
    2  2024-Q1  2024-Q2       new          1             0.0            8.0
    3  2024-Q1  2024-Q2  returned          0             0.0            0.0
    """
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    facts, listed = audit_periods.facts_by_period(orders, observed_until, period, trailing_days, refunds, observed_from)
    said = {"refunds": order_log.refund_rule(orders, refunds)}
    whole = listed[listed["complete"]]
    if len(whole) < 2:
        return audit_periods.nothing(PAIR_COLUMNS, said, audit_periods.no_whole_period(len(whole), 2))
    moves = _moves(facts, first_order_at, since)
    # Whoever is stated to be old is told apart one by one; a burn-in tells only periods that begin after it.
    resolved = whole["first_day"].map(lambda day: order_log.day_number(day, "first_day") >= since)
    resolved |= first_order_at is not None
    pairs = [
        _pair(moves[moves["period"] == after["number"]], before["period"], after["period"], bool(told))
        for (_, before), (_, after), told in zip(
            whole.iloc[:-1].iterrows(), whole.iloc[1:].iterrows(), resolved.iloc[1:], strict=True
        )
    ]
    table = pd.concat(pairs, ignore_index=True)
    table.attrs = said
    return table


def movement(pairs: pd.DataFrame, after: str | None = None) -> dict[str, Estimate | Refused]:
    """State the second lens in numbers: how many customers stayed, and what new and returned ones brought in.

    table (pair of periods x status)  ->  named numbers, all counted, so without an interval

    Parameters
    ----------
    pairs : DataFrame
        From `two_periods`.
    after : str, optional
        Name of the second period; the last pair by default.

    Returns
    -------
    dict of Estimate: customers_before, customers_after, kept_share (of the customers before), lost_revenue (what the
    lost had spent before), kept_change (change of revenue from the kept), new_revenue, returned_revenue and
    new_revenue_share (of the revenue after). Refused where there is no pair; the new and
    returned ones also where they cannot be told, or the data hold no new customer of the second period.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [10.0, 20.0, 5.0, 8.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-05-15", "2024-01-20", "2024-04-10"])
    >>> found = movement(two_periods(orders, "2024-06-30", "quarter", observed_from="2024-01-01"))
    >>> found["kept_share"].value, found["new_revenue"].value
    (0.5, 8.0)
    """
    words = _movement_words(pairs.attrs)
    if pairs.empty:
        return dict.fromkeys(words, pairs.attrs.get("refused") or audit_periods.no_whole_period(0, 2))
    named = pairs["after"].iloc[-1] if after is None else after
    rows = pairs[pairs["after"] == named].set_index("status")
    if rows.empty:
        raise ValueError(f"there is no pair that ends in {after!r}; there are: {', '.join(pairs['after'].unique())}")
    before = int(rows["customers"].reindex(["kept", "lost"]).sum())
    active = int(rows["customers"].drop("lost").sum())
    total = audit_periods.money_units(rows["revenue_after"].dropna()).sum() / order_log.MONEY_SCALE
    new, returned = rows.loc["new"], rows.loc["returned"]
    no_new = no_share = no_returned = None
    if pd.isna(new["customers"]):
        no_new = no_share = no_returned = audit_periods.not_told(named)
    elif new["customers"] == 0:
        no_new = no_share = audit_periods.no_new_customers(named)
    elif total <= 0:
        no_share = audit_periods.no_money()
    nobody_before = None if before else audit_periods.nobody(rows["before"].iloc[0])
    values = {
        "customers_before": (before, "customers", before, None),
        "customers_after": (active, "customers", active, None),
        "kept_share": (rows.loc["kept", "customers"], "share", before, nobody_before),
        "lost_revenue": (rows.loc["lost", "revenue_before"], "money", before, None),
        "kept_change": (rows.loc["kept", "change"], "money", before, None),
        "new_revenue": (new["revenue_after"], "money", active, no_new),
        "returned_revenue": (returned["revenue_after"], "money", active, no_returned),
        "new_revenue_share": (new["revenue_after"], "share", active, no_share),
    }
    divisor = {"kept_share": before, "new_revenue_share": total}
    return {
        name: refused or Estimate.exact(float(value) / divisor.get(name, 1), n, unit, words[name], movement)
        for name, (value, unit, n, refused) in values.items()
    }


def _moves(facts: nw.LazyFrame, first_order_at: Any, since: int) -> pd.DataFrame:
    """(period, status) -> customers, and orders and minor of this period and of the one before."""
    active = facts.group_by("customer_id", "period").agg(
        nw.len().alias("orders"), nw.col("minor").sum(), nw.col("unpriced").sum()
    )
    first = facts.group_by("customer_id").agg(nw.col("period").min().alias("first"))
    young = order_log.without_old(first, first_order_at, since)
    young = young.select("customer_id", nw.col("first").alias("new_in"))
    # Each customer's last period, moved one on: beside the next period it is "before".
    earlier = active.select(
        "customer_id",
        (nw.col("period") + 1).cast(nw.Int32).alias("period"),
        nw.col("orders").alias("orders_before"),
        nw.col("minor").alias("minor_before"),
    )
    here = active.join(earlier, on=["customer_id", "period"], how="left").join(young, on="customer_id", how="left")
    was_there = ~nw.col("orders_before").is_null()
    status = (
        nw.when(was_there)
        .then(nw.lit(0))
        .otherwise(nw.when(nw.col("new_in") == nw.col("period")).then(nw.lit(2)).otherwise(nw.lit(3)))
    )
    here = _summed(
        here.with_columns(status.alias("status")).with_columns(
            nw.col("orders_before").fill_null(0), nw.col("minor_before").fill_null(0)
        )
    )
    gone = earlier.join(active.select("customer_id", "period"), on=["customer_id", "period"], how="anti")
    nothing = [nw.lit(0).alias(name) for name in ("orders", "minor", "unpriced")]
    gone = _summed(gone.with_columns(nw.lit(1).alias("status"), *nothing))
    order_log.priced(here)
    return pd.concat([here, gone], ignore_index=True)


def _summed(rows: nw.LazyFrame) -> pd.DataFrame:
    sums = [nw.col(name).sum() for name in ("orders", "orders_before", "minor", "minor_before", "unpriced")]
    return order_log.collected(rows.group_by("period", "status").agg(nw.len().alias("customers"), *sums))


def _pair(moves: pd.DataFrame, before: str, after: str, told: bool) -> pd.DataFrame:
    """The rows of one pair of periods, all statuses that apply."""
    rows = moves.set_index("status").reindex(range(4), fill_value=0)
    if not told:
        rows.loc[4] = rows.loc[2] + rows.loc[3]
    scale = order_log.MONEY_SCALE
    table = pd.DataFrame({"before": before, "after": after, "status": [STATUSES[code] for code in rows.index]})
    table["customers"] = rows["customers"].to_numpy()
    table["orders_before"], table["orders_after"] = rows["orders_before"].to_numpy(), rows["orders"].to_numpy()
    table["revenue_before"] = rows["minor_before"].to_numpy() / scale
    table["revenue_after"] = rows["minor"].to_numpy() / scale
    table["change"] = (rows["minor"] - rows["minor_before"]).to_numpy() / scale
    counts = ["customers", "orders_before", "orders_after"]
    table[counts] = table[counts].astype("Int64")
    if not told:
        blank = table["status"].isin(["new", "returned"])
        table.loc[blank, counts] = pd.NA
        table.loc[blank, ["revenue_before", "revenue_after", "change"]] = np.nan
    return table[PAIR_COLUMNS]


def _movement_words(attrs: dict) -> dict[str, Words]:
    """Definitions of the second lens."""
    zh, en = order_log.REFUND_WORDS[attrs.get("refunds", "unsaid")]
    return {
        "customers_before": Words("前一期至少下过一单的客户数。", "Customers with an order in the first period."),
        "customers_after": Words("后一期至少下过一单的客户数。", "Customers with an order in the second period."),
        "kept_share": Words(
            "前一期下过单的客户中，后一期又下单的占比（留存客户）。",
            "Of the customers of the first period, the share who ordered in the second too (kept).",
        ),
        "lost_revenue": Words(
            f"前一期下过单、后一期没有下单的客户，在前一期的销售额；{zh}。",
            f"What customers who did not order in the second period had spent in the first; {en}.",
        ),
        "kept_change": Words(
            f"两期都下单的客户，后一期销售额减前一期；{zh}。",
            f"Revenue of the second period less that of the first, customers who ordered in both; {en}.",
        ),
        "new_revenue": Words(
            f"首单落在后一期的客户，在后一期的销售额；{zh}。",
            f"Revenue in the second period from customers whose first order fell in it; {en}.",
        ),
        "returned_revenue": Words(
            f"更早下过单、前一期没有下单、后一期又回来的客户，在后一期的销售额；{zh}。",
            f"Revenue in the second period from customers who had ordered before the first period but not in it; {en}.",
        ),
        "new_revenue_share": Words(
            f"后一期的销售额中，首单落在该期的新客占比；{zh}。",
            f"Share of the second period's revenue from customers whose first order fell in it; {en}.",
        ),
    }
