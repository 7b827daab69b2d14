"""Cohorts of the customer-base audit: one cohort through time, cohorts compared, the whole base by cohort.

Lenses three to five of Fader, Hardie and Ross (2022), "The Customer-Base Audit"; one and two, and the words they share,
are in `customer_base_audit`, which also offers the functions of this module. All are read from one small table, counted
by the engine that holds the orders. Nothing is estimated, so there are no intervals.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd

from siyu_helpers.analysis import audit_periods, order_log
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES = order_log.REQUIRES

EARLIER = "earlier"  # the cohort of all who came before new customers can be told from old ones
MEASURES = ("customers", "active", "orders", "revenue", "active_share", "orders_per_active", "revenue_per_order")
STACKED = ("active", "orders", "revenue")
BASE_COLUMNS = ["cohort", "period", "age", "customers", "active", "orders", "revenue", "complete"]


def base_by_cohort(
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
    """Count active customers, orders and revenue of every period by the period in which customers were acquired.

    orders (one paid order)  ->  base (cohort x period); `identity`, `one_cohort`, `cohorts_compared`, `stacked` read it

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Without `observed_from` the data are taken to begin with the first order.
    period, trailing_days
        Of cohorts and of what they do; see `audit_periods.periods`.
    refunds : "net" or "gross"
        Whether the refunded part, where the column exists, is taken off.

    Returns
    -------
    DataFrame, one row per cohort and period since; "earlier" first, then by cohort and period
        cohort : period of the first order. "earlier": everyone who came before new customers can be told from old.
        period : where the orders fell; periods that are not whole are there too, so that nothing is missing.
        age : periods since that of the first order; blank for "earlier".
        customers : size of the cohort; blank for "earlier", of whom only those who still order are seen.
        active, orders, revenue : in this period; 0 means that nobody ordered. Over all rows the revenue is that of
            the orders, to the cent.
        complete : False where the period was not observed whole.

    Raises
    ------
    ValueError
        As `repurchase_cohorts.cohort_grid`.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben", "cy"], "amount": [10.0, 20.0, 5.0, 8.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-05-15", "2024-01-20", "2024-04-10"])
    >>> base_by_cohort(orders, "2024-06-30", "quarter", observed_from="2024-01-01")
        cohort   period  age  customers  active  orders  revenue  complete
    0  2024-Q1  2024-Q1    0          2       2       2     15.0      True
    1  2024-Q1  2024-Q2    1          2       1       1     20.0      True
    2  2024-Q2  2024-Q2    0          1       1       1      8.0      True
    """
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    until = order_log.day_number(observed_until, "observed_until")
    facts, listed = audit_periods.facts_by_period(orders, observed_until, period, trailing_days, refunds, observed_from)
    cells = _cells(order_log.without_old(facts, first_order_at, since), facts, first_order_at is not None)
    told = audit_periods.number_of_day(since - 1, until, period, trailing_days) if since > 1 - order_log.EPOCH else None
    listed = _from_first_order(listed, cells, until, period, trailing_days)
    base = _base(cells, listed, told)
    untold = [] if told is None else listed.loc[listed["number"] <= told, "period"].tolist()
    base.attrs = {"refunds": order_log.refund_rule(orders, refunds), "untold": untold}
    return base


def identity(base: pd.DataFrame) -> pd.DataFrame:
    """Show each cell's revenue as size x active share x orders per active x revenue per order.

    base (cohort x period)  ->  the same rows with the four factors and their product

    Parameters
    ----------
    base : DataFrame
        From `base_by_cohort`, as it is or filtered.

    Returns
    -------
    DataFrame with the columns of `base` and
        active_share : active / customers; blank for "earlier", whose size is not known.
        orders_per_active : orders / active; blank where nobody was active.
        revenue_per_order : revenue / orders; blank where nobody was active.
        product : customers x active_share x orders_per_active x revenue_per_order (for "earlier" active in place of the
            first two; 0 where nobody was active). Equals `revenue` to the cent.

    Example
    -------
    >>> base = pd.DataFrame({"customers": [40], "active": [10], "orders": [15], "revenue": [300.0]})
    >>> identity(base).iloc[0].to_dict()
    {'customers': 40.0, 'active': 10.0, 'orders': 15.0, 'revenue': 300.0, 'active_share': 0.25,
     'orders_per_active': 1.5, 'revenue_per_order': 20.0, 'product': 300.0}
    """
    table = base.copy()
    some = table["active"].where(table["active"] > 0)
    size = table["customers"].astype("float64")
    table["active_share"] = table["active"] / size
    table["orders_per_active"] = table["orders"] / some
    table["revenue_per_order"] = table["revenue"] / table["orders"].where(table["active"] > 0)
    active = (size * table["active_share"]).where(size.notna(), table["active"])
    product = active * table["orders_per_active"] * table["revenue_per_order"]
    table["product"] = product.where(table["active"] > 0, 0.0)
    return table


def one_cohort(base: pd.DataFrame, cohort: str | None = None) -> pd.DataFrame:
    """Follow the customers acquired in one period: how many still order, how often, for how much.

    base (cohort x period)  ->  table (age), whole periods only

    Parameters
    ----------
    base : DataFrame
        From `base_by_cohort`.
    cohort : str, optional
        Its name; by default the oldest that was observed from its first period on.

    Returns
    -------
    DataFrame, the rows of `identity` for this cohort, without periods that were not whole. Age 0 is short for those
    who came late in it: compare ages from 1 on. Empty when no period is whole.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben"], "amount": [10.0, 20.0, 5.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-05-15", "2024-01-20"])
    >>> base = base_by_cohort(orders, "2024-06-30", "quarter", observed_from="2024-01-01")
    >>> one_cohort(base)[["age", "active_share", "orders_per_active", "revenue_per_order"]]
       age  active_share  orders_per_active  revenue_per_order
    0    0           1.0                1.0                7.5
    1    1           0.5                1.0               20.0
    """
    whole = base[base["complete"].astype(bool)]
    if cohort is None:
        begun = whole.loc[whole["age"] == 0, "cohort"]
        cohort = begun.iloc[0] if len(begun) else ""
    elif cohort not in set(base["cohort"]):
        raise ValueError(f"there is no cohort {cohort!r}; there are: {', '.join(base['cohort'].unique())}")
    return identity(whole[whole["cohort"] == cohort]).reset_index(drop=True)


def cohorts_compared(base: pd.DataFrame, measure: str = "active_share") -> pd.DataFrame:
    """Set cohorts side by side at the same age.

    base (cohort x period)  ->  matrix (cohort x age), whole periods only

    Parameters
    ----------
    base : DataFrame
        From `base_by_cohort`.
    measure : "customers", "active", "orders", "revenue", "active_share", "orders_per_active" or "revenue_per_order"

    Returns
    -------
    DataFrame, a row per cohort, a column per age; blank where the age has not been observed whole, or the measure has
    no value because nobody was active. "earlier" has no age and is left out.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben"], "amount": [10.0, 20.0, 5.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-05-15", "2024-04-20"])
    >>> cohorts_compared(base_by_cohort(orders, "2024-06-30", "quarter", observed_from="2024-01-01"))
    age        0    1
    cohort
    2024-Q1  1.0  1.0
    2024-Q2  1.0  NaN
    """
    order_log.one_of("measure", measure, MEASURES)
    cells = identity(base[base["complete"].astype(bool) & base["age"].notna()])
    cells = cells.assign(age=cells["age"].astype("int64"), value=cells[measure].astype("float64"))
    return cells.pivot(index="cohort", columns="age", values="value")


def stacked(base: pd.DataFrame, measure: str = "revenue", cohorts: str | None = None) -> pd.DataFrame:
    """Stack the whole base by cohort: what each cohort adds to every period.

    base (cohort x period)  ->  matrix (period x cohort), for a stacked chart

    Parameters
    ----------
    base : DataFrame
        From `base_by_cohort`.
    measure : "revenue", "active" or "orders"
    cohorts : "year", optional
        Put the cohorts of one calendar year together: quarters by cohort year. Not for trailing periods.

    Returns
    -------
    DataFrame, a row per period, a column per cohort, a last column "total", and "complete": False where the period was
    not observed whole. Cells before a cohort began are blank. The columns add up to the total, to the cent.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben"], "amount": [10.0, 20.0, 5.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-05-15", "2024-04-20"])
    >>> stacked(base_by_cohort(orders, "2024-06-30", "quarter", observed_from="2024-01-01"))
    cohort   2024-Q1  2024-Q2  total  complete
    period
    2024-Q1     10.0      NaN   10.0      True
    2024-Q2     20.0      5.0   25.0      True
    """
    order_log.one_of("measure", measure, STACKED)
    order_log.one_of("cohorts", cohorts, (None, "year"))
    names = base["cohort"]
    if cohorts == "year":
        if names.str.contains("/").any():
            raise ValueError("trailing periods have no calendar year: use cohorts=None")
        names = names.where(names == EARLIER, names.str[:4])
    rows = base.assign(cohort=names, units=audit_periods.money_units(base[measure]))
    units = rows.pivot_table(index="period", columns="cohort", values="units", aggfunc="sum", observed=True)
    units = units[list(dict.fromkeys(rows["cohort"]))]
    table = units / order_log.MONEY_SCALE
    table["total"] = rows.groupby("period")["units"].sum() / order_log.MONEY_SCALE
    table["complete"] = rows.groupby("period")["complete"].all()
    return table


def carried_by(base: pd.DataFrame, which: str | None = None) -> dict[str, Estimate | Refused]:
    """State the fifth lens in numbers: how much of a period's revenue older cohorts carry.

    base (cohort x period)  ->  named numbers, all counted, so without an interval

    Parameters
    ----------
    base : DataFrame
        From `base_by_cohort`.
    which : str, optional
        Name of a whole period; the last one by default.

    Returns
    -------
    dict of Estimate: revenue (of the period) and older_share, the share of it from customers acquired in earlier
    periods. Refused where no period is whole; older_share also where revenue is 0 or below, the data hold no new
    customer of this period, or these cannot be told from old ones.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": ["ana", "ana", "ben"], "amount": [10.0, 20.0, 5.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-05-15", "2024-04-20"])
    >>> base = base_by_cohort(orders, "2024-06-30", "quarter", observed_from="2024-01-01")
    >>> carried_by(base)["older_share"].value
    0.8
    """
    whole = base[base["complete"].astype(bool)]
    if which is not None and which not in set(whole["period"]):
        raise ValueError(f"there is no whole period {which!r}; whole are: {', '.join(whole['period'].unique())}")
    if whole.empty:
        return dict.fromkeys(("revenue", "older_share"), audit_periods.no_whole_period(0, 1))
    # Labels of one rule sort as their periods do.
    named = whole["period"].max() if which is None else which
    rows = whole[whole["period"] == named]
    units = audit_periods.money_units(rows["revenue"])
    total, active = int(units.sum()), int(rows["active"].sum())
    words = _carried_words(named, base.attrs.get("refunds", "unsaid"))
    revenue = Estimate.exact(total / order_log.MONEY_SCALE, active, "money", words["revenue"], carried_by)
    if named in base.attrs.get("untold", ()):
        return {"revenue": revenue, "older_share": audit_periods.not_told(named)}
    if not (rows["age"] == 0).any():
        return {"revenue": revenue, "older_share": audit_periods.no_new_customers(named)}
    if total <= 0:
        return {"revenue": revenue, "older_share": audit_periods.no_money()}
    older = int(units[(rows["age"] != 0).fillna(True).to_numpy(dtype=bool)].sum())
    share = Estimate.exact(older / total, active, "share", words["older_share"], carried_by)
    return {"revenue": revenue, "older_share": share}


def _cells(young: nw.LazyFrame, everyone: nw.LazyFrame, some_are_old: bool) -> pd.DataFrame:
    """(first period, period) -> active, orders, minor. Customers stated to be old have the first period -1."""
    sums = [
        nw.col("customer_id").n_unique().alias("active"),
        nw.len().alias("orders"),
        nw.col("minor").sum(),
        nw.col("unpriced").sum(),
    ]
    firsts = young.with_columns(nw.col("period").min().over("customer_id").alias("first"))
    cells = order_log.collected(firsts.group_by("first", "period").agg(*sums))
    if some_are_old:  # customers do not overlap, so the old are all less the young
        total = order_log.collected(everyone.group_by("period").agg(*sums)).set_index("period")
        old = total.sub(cells.drop(columns="first").groupby("period").sum(), fill_value=0).astype("int64")
        cells = pd.concat([cells, old[old["active"] > 0].reset_index().assign(first=-1)], ignore_index=True)
    return order_log.priced(cells)


def _from_first_order(
    listed: pd.DataFrame, cells: pd.DataFrame, until: int, period: str, trailing_days: int
) -> pd.DataFrame:
    """The list of periods, begun earlier where orders lie before `observed_from`: no revenue is left out."""
    if cells.empty or cells["period"].min() >= listed["number"].min():
        return listed
    begin = audit_periods.first_day_of(int(cells["period"].min()), until, period, trailing_days)
    longer = audit_periods.periods(begin, pd.Timestamp(0) + pd.Timedelta(days=until), period, trailing_days)
    return longer.assign(complete=longer["number"].isin(listed.loc[listed["complete"], "number"]))


def _base(cells: pd.DataFrame, listed: pd.DataFrame, told_after: int | None) -> pd.DataFrame:
    """Lay the counts out on every period since each cohort began; cohorts up to `told_after` are one, "earlier"."""
    if told_after is not None:
        cells = cells.assign(first=cells["first"].where(cells["first"] > told_after, -1))
        cells = cells.groupby(["first", "period"], as_index=False).sum()
    sizes = cells[cells["first"] == cells["period"]].set_index("first")["active"]
    begun = cells.groupby("first")["period"].min().rename("begun").reset_index()
    grid = begun.merge(listed, how="cross")
    grid = grid[grid["number"] >= grid["begun"]].rename(columns={"period": "label", "number": "period"})
    grid = grid.merge(cells, how="left", on=["first", "period"]).sort_values(["first", "period"], ignore_index=True)
    known = grid["first"] >= 0
    counts = ["active", "orders", "minor"]
    grid[counts] = grid[counts].fillna(0).astype("int64")
    labels = listed.set_index("number")["period"]
    table = pd.DataFrame({"cohort": grid["first"].map(labels).where(known, EARLIER).astype("str")})
    table["period"] = grid["label"].astype("str")
    table["age"] = (grid["period"] - grid["first"]).where(known).astype("Int64")
    table["customers"] = grid["first"].map(sizes).where(known).astype("Int64")
    table["active"], table["orders"] = grid["active"], grid["orders"]
    table["revenue"] = grid["minor"] / order_log.MONEY_SCALE
    table["complete"] = grid["complete"].astype("bool")
    return table[BASE_COLUMNS]


def _carried_words(period: str, refunds: str) -> dict[str, Words]:
    zh, en = order_log.REFUND_WORDS[refunds]
    return {
        "revenue": Words(
            f"{period} 期间全部可识别客户的销售额；{zh}。", f"Revenue from all known customers in {period}; {en}."
        ),
        "older_share": Words(
            f"{period} 期间的销售额中，来自此前各期获得的老客户的占比；{zh}。",
            f"Share of the revenue of {period} that comes from customers acquired in earlier periods; {en}.",
        ),
    }
