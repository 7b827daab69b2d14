"""Customer-base audit: who the customers of a period are, who stayed, who left, and which cohorts carry the revenue.

The five lenses of Fader, Hardie and Ross (2022), "The Customer-Base Audit": one period, two periods, one cohort
through time, cohorts compared, the whole base by cohort. Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files
and draws nothing; the orders are counted by their engine, see `order_log`, whose head also says what the parameters
that the functions share are. Periods are those of `audit_periods`; lenses one and two look at whole periods only.

Everything here is counted, nothing estimated: the numbers have no interval. They say what happened among the known
customers of this brand, and nothing of what comes next.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import audit_periods, order_log

# The other lenses are part of the same audit; they have modules of their own.
from siyu_helpers.analysis.audit_cohorts import (  # noqa: F401
    EARLIER,
    base_by_cohort,
    carried_by,
    cohorts_compared,
    identity,
    one_cohort,
    stacked,
)
from siyu_helpers.analysis.audit_movement import movement, two_periods  # noqa: F401
from siyu_helpers.analysis.audit_periods import last_two, longest  # noqa: F401
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.revenue_identity import naive_formula, revenue_change, revenue_identity  # noqa: F401

REQUIRES = order_log.REQUIRES

SAME_DAY = ("collapse", "keep")

SPENDER_COLUMNS = ["purchases", "spend", "customers"]
DECILE_COLUMNS = ["decile", "customers", "revenue", "revenue_share", "cumulative_share", "revenue_per_customer"]
PURCHASE_COLUMNS = ["purchases", "customers", "customer_share", "revenue", "revenue_share", "revenue_per_purchase"]


# --- lens 1: one period ---


def spenders(
    orders: Any,
    observed_until: order_log.DateLike,
    period: str = "year",
    which: str | None = None,
    trailing_days: int = 365,
    same_day: str = "collapse",
    refunds: str = "net",
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """Count the customers of one whole period by how often they bought and what they spent.

    orders (one paid order)  ->  table (purchases x spend); `deciles`, `purchase_counts` and `one_period` read it

    Parameters
    ----------
    orders, observed_until, observed_from
        See the head of `order_log`. Without `observed_from` the data are taken to begin with the first order.
    period, trailing_days
        See `audit_periods.periods`.
    which : str, optional
        Name of a whole period, such as "2024"; the last one by default.
    same_day : "collapse" or "keep"
        collapse: the orders of one day are one purchase. keep: each counts.
    refunds : "net" or "gross"
        Whether the refunded part, where the column exists, is taken off.
    history, burn_in_days, first_order_at
        Play no part, since all customers of the period count; accepted so that `brand.history` can be passed on.

    Returns
    -------
    DataFrame, largest spend first
        purchases, spend : of one customer in the period; spend in the brand's currency, 0 or below where all was
            given or paid back.
        customers : how many customers are alike in both.
        `attrs` carry the period, the refund rule, and under "refused" why the table is empty.

    Raises
    ------
    ValueError
        As `repurchase_cohorts.cohort_grid`, and when there is no whole period called `which`.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [10.0, 20.0, 5.0, 5.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-15", "2024-01-20", "2024-02-10"])
    >>> spenders(orders, "2024-03-31", "quarter", observed_from="2024-01-01")
       purchases  spend  customers
    0          2   30.0          1
    1          1    5.0          2
    """
    order_log.one_of("same_day", same_day, SAME_DAY)
    facts, listed = audit_periods.facts_by_period(orders, observed_until, period, trailing_days, refunds, observed_from)
    whole = listed[listed["complete"]]
    said = {"refunds": order_log.refund_rule(orders, refunds), "same_day": same_day}
    if whole.empty:
        return audit_periods.nothing(SPENDER_COLUMNS, said, audit_periods.no_whole_period(len(whole), 1))
    if which is not None and which not in set(whole["period"]):
        raise ValueError(f"there is no whole period {which!r}; whole are: {', '.join(whole['period'])}")
    chosen = whole.iloc[-1] if which is None else whole[whole["period"] == which].iloc[0]
    purchases = nw.len() if same_day == "keep" else nw.col("day").n_unique()
    counted = (
        facts.filter(nw.col("period") == int(chosen["number"]))
        .group_by("customer_id")
        .agg(purchases.alias("purchases"), nw.col("minor").sum(), nw.col("unpriced").sum())
        .group_by("purchases", "minor")
        .agg(nw.len().alias("customers"), nw.col("unpriced").sum())
    )
    table = order_log.priced(order_log.collected(counted))
    said |= {name: chosen[name] for name in ("period", "first_day", "last_day")}
    if table.empty:
        return audit_periods.nothing(SPENDER_COLUMNS, said, audit_periods.nobody(chosen["period"]))
    table = table.sort_values(["minor", "purchases"], ascending=False, ignore_index=True)
    table["spend"] = table["minor"] / order_log.MONEY_SCALE
    table = table[SPENDER_COLUMNS]
    table.attrs = said
    return table


def deciles(spenders: pd.DataFrame, parts: int = 10) -> pd.DataFrame:
    """Share of a period's revenue that each tenth of its customers brought in, the best customers first.

    table (purchases x spend)  ->  table (decile)

    Parameters
    ----------
    spenders : DataFrame
        From `spenders`.
    parts : int
        Into how many equal parts the customers are cut; 5 gives fifths.

    Returns
    -------
    DataFrame, one row per part; empty where `spenders` is
        decile : 1 is the tenth that spent most.
        customers : a tenth of all, with a fraction where their number cannot be divided. A customer on the border is
            divided between the two tenths, and customers who spent the same are alike: no tie is broken (the Lorenz
            curve of spend, read at each tenth).
        revenue : what they spent; the parts add up to the revenue of the period.
        revenue_share, cumulative_share : of the revenue; blank where the period's revenue is 0 or below.
        revenue_per_customer : revenue / customers.

    Example
    -------
    Three customers spent 30, 5 and 5; cut in two, the best half is Ana and half a customer of the others:

    >>> table = pd.DataFrame({"purchases": [2, 1], "spend": [30.0, 5.0], "customers": [1, 2]})
    >>> deciles(table, parts=2)[["decile", "customers", "revenue", "revenue_share"]]
       decile  customers  revenue  revenue_share
    0       1        1.5     32.5         0.8125
    1       2        1.5      7.5         0.1875
    """
    order_log.at_least_one("parts", parts)
    if spenders.empty:
        return audit_periods.nothing(DECILE_COLUMNS, spenders.attrs, spenders.attrs.get("refused"))
    ordered = spenders.sort_values("spend", ascending=False)
    spend, customers = audit_periods.money_units(ordered["spend"]), ordered["customers"].to_numpy()
    # In units of 1/parts of a customer all cuts fall on whole numbers, so the sums are exact.
    ends = np.concatenate([[0], np.cumsum(customers * parts)])
    sums = np.concatenate([[0], np.cumsum(spend * customers * parts)])
    cuts = np.arange(parts + 1) * customers.sum()
    row = np.clip(np.searchsorted(ends, cuts, side="right") - 1, 0, len(spend) - 1)
    cumulative = sums[row] + spend[row] * (cuts - ends[row])
    table = pd.DataFrame({"decile": np.arange(1, parts + 1), "customers": customers.sum() / parts})
    table["revenue"] = np.diff(cumulative) / (parts * order_log.MONEY_SCALE)
    total = cumulative[-1]
    table["revenue_share"] = np.diff(cumulative) / total if total > 0 else np.nan
    table["cumulative_share"] = cumulative[1:] / total if total > 0 else np.nan
    table["revenue_per_customer"] = table["revenue"] / table["customers"]
    table.attrs = dict(spenders.attrs)
    return table


def purchase_counts(spenders: pd.DataFrame, most: int = 6) -> pd.DataFrame:
    """How many customers bought once, twice, ... in a period, and what they brought in.

    table (purchases x spend)  ->  table (number of purchases)

    Parameters
    ----------
    spenders : DataFrame
        From `spenders`.
    most : int
        The last row holds all with this many purchases or more.

    Returns
    -------
    DataFrame, a row for every number from 1 to `most`, also where nobody has it; empty where `spenders` is
        purchases : "1", "2", ..., "6+".
        customers, customer_share : of the period.
        revenue, revenue_share : theirs; the share is blank where the period's revenue is 0 or below.
        revenue_per_purchase : revenue / purchases; blank where nobody has that number.

    Example
    -------
    >>> table = pd.DataFrame({"purchases": [2, 1], "spend": [30.0, 5.0], "customers": [1, 2]})
    >>> purchase_counts(table, most=2)[["purchases", "customers", "revenue", "revenue_per_purchase"]]
      purchases  customers  revenue  revenue_per_purchase
    0         1          2     10.0                   5.0
    1        2+          1     30.0                  15.0
    """
    order_log.at_least_one("most", most)
    if spenders.empty:
        return audit_periods.nothing(PURCHASE_COLUMNS, spenders.attrs, spenders.attrs.get("refused"))
    number, customers = spenders["purchases"], spenders["customers"]
    rows = pd.DataFrame({"at": number.clip(upper=most), "customers": customers, "bought": number * customers})
    rows["minor"] = audit_periods.money_units(spenders["spend"]) * customers
    table = rows.groupby("at").sum().reindex(range(1, most + 1), fill_value=0).reset_index()
    table["purchases"] = [f"{at}+" if at == most else f"{at}" for at in table["at"]]
    table["customer_share"] = table["customers"] / table["customers"].sum()
    table["revenue"] = table["minor"] / order_log.MONEY_SCALE
    total = table["minor"].sum()
    table["revenue_share"] = table["minor"] / total if total > 0 else np.nan
    table["revenue_per_purchase"] = table["revenue"] / table["bought"].where(table["bought"] > 0)
    table = table[PURCHASE_COLUMNS]
    table.attrs = dict(spenders.attrs)
    return table


def one_period(spenders: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """State the first lens in numbers: how many customers, how many bought once, how much the best ones brought.

    table (purchases x spend)  ->  named numbers, all counted, so without an interval

    Parameters
    ----------
    spenders : DataFrame
        From `spenders`.

    Returns
    -------
    dict of Estimate: customers, revenue, one_time_share, purchases_per_customer, revenue_per_customer,
    top_tenth_share and top_fifth_share (of the revenue). Refused where no period is whole or nobody ordered; the last
    two also where revenue is 0 or below.

    Example
    -------
    >>> table = pd.DataFrame({"purchases": [2, 1], "spend": [30.0, 5.0], "customers": [1, 9]})
    >>> found = one_period(table)
    >>> found["one_time_share"].value, found["top_tenth_share"].value
    (0.9, 0.4)
    """
    counted = ("customers", "revenue", "one_time_share", "purchases_per_customer", "revenue_per_customer")
    shares = {"top_tenth_share": 10, "top_fifth_share": 5}
    if spenders.empty:
        refused = spenders.attrs.get("refused") or audit_periods.nobody("")
        return dict.fromkeys([*counted, *shares], refused)
    customers = int(spenders["customers"].sum())
    purchases = int((spenders["purchases"] * spenders["customers"]).sum())
    revenue = int((audit_periods.money_units(spenders["spend"]) * spenders["customers"]).sum()) / order_log.MONEY_SCALE
    once = int(spenders.loc[spenders["purchases"] == 1, "customers"].sum())
    values = (customers, revenue, once / customers, purchases / customers, revenue / customers)
    words = _one_period_words(spenders.attrs)
    units = ("customers", "money", "share", "purchases per customer", "money per customer")
    found: dict[str, Estimate | Refused] = {
        name: Estimate.exact(value, customers, unit, words[name], one_period)
        for name, value, unit in zip(counted, values, units, strict=True)
    }
    for name, parts in shares.items():
        share = deciles(spenders, parts)["revenue_share"].iloc[0]
        found[name] = (
            Estimate.exact(share, customers, "share", words[name], one_period)
            if revenue > 0
            else audit_periods.no_money()
        )
    return found


def _one_period_words(attrs: dict) -> dict[str, Words]:
    """Definitions of the first lens: period, refunds, and what counts as one purchase."""
    zh, en = order_log.REFUND_WORDS[attrs.get("refunds", "unsaid")]
    when_zh, when_en = (
        (f"{attrs['period']} 期间", f"in {attrs['period']}") if "period" in attrs else ("期内", "in the period")
    )
    keep = attrs.get("same_day") == "keep"
    day_zh = "同一天的多笔分别计数" if keep else "同一天的多笔算一次购买"
    day_en = "each order of a day counts" if keep else "the orders of one day are one purchase"
    top = {
        name: Words(
            f"{when_zh}消费最多的 {percent}% 客户的销售额占比；{zh}。",
            f"Share of revenue from the {percent}% of customers who spent most {when_en}; {en}.",
        )
        for name, percent in (("top_tenth_share", 10), ("top_fifth_share", 20))
    }
    return {
        "customers": Words(f"{when_zh}至少下过一单的客户数。", f"Customers with at least one order {when_en}."),
        "revenue": Words(f"{when_zh}可识别客户的销售额；{zh}。", f"Revenue from known customers {when_en}; {en}."),
        "one_time_share": Words(
            f"{when_zh}只购买过一次的客户，占期内有购买的客户；{day_zh}。期外的购买不计。",
            f"Customers who bought only once {when_en}, of those who bought; {day_en}. "
            "Purchases outside it do not count.",
        ),
        "purchases_per_customer": Words(
            f"{when_zh}购买次数除以客户数；{day_zh}。", f"Purchases {when_en} per customer who bought; {day_en}."
        ),
        "revenue_per_customer": Words(
            f"{when_zh}销售额除以有购买的客户数（客单价，按人）；{zh}。",
            f"Revenue {when_en} per customer who bought; {en}.",
        ),
        **top,
    }
