"""Lenses three to five: cohorts by period; the identity holds to the cent in every cell, and nothing is left out."""

import numpy as np
import pandas as pd
import pytest
from audit_logs import ENGINES, FROM, UNTIL, holder, log, logs
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.audit_cohorts import (
    BASE_COLUMNS,
    base_by_cohort,
    carried_by,
    cohorts_compared,
    identity,
    one_cohort,
    stacked,
)
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.repurchase_cohorts import cohort_grid
from siyu_helpers.data import brands
from siyu_helpers.data.simulate import simulate

LOG = [
    ("ana", "2022-02-01", 10.0), ("ana", "2022-03-01", 5.0), ("ana", "2024-02-01", 40.0),
    ("ben", "2022-12-31", 20.0, 20.0), ("ben", "2023-01-01", 0.0),
    ("cy", "2024-06-01", 3.0), ("cy", "2024-06-01", 4.0),
    (None, "2023-06-01", 99.0),
]  # fmt: skip


def test_by_hand():
    base = base_by_cohort(log(*LOG), UNTIL, observed_from=FROM)
    assert base.columns.tolist() == BASE_COLUMNS
    assert base.drop(columns="complete").values.tolist() == [
        ["2022", "2022", 0, 2, 2, 3, 15.0],
        ["2022", "2023", 1, 2, 1, 1, 0.0],
        ["2022", "2024", 2, 2, 1, 1, 40.0],
        ["2024", "2024", 0, 1, 1, 2, 7.0],
    ]
    cells = identity(base)
    assert cells["active_share"].tolist() == [1, 0.5, 0.5, 1]
    assert cells["orders_per_active"].tolist() == [1.5, 1, 1, 2]
    assert cells["revenue_per_order"].tolist() == [5, 0, 40, 3.5]
    assert cells["product"].tolist() == [15, 0, 40, 7]
    assert one_cohort(base)["age"].tolist() == [0, 1, 2]
    assert one_cohort(base, "2024")["revenue"].tolist() == [7]
    compared = cohorts_compared(base)
    assert compared.loc["2022"].tolist() == [1, 0.5, 0.5]
    assert compared.loc["2024"].isna().tolist() == [False, True, True]
    table = stacked(base)
    assert table["total"].tolist() == [15, 0, 47]
    assert table["2024"].isna().tolist() == [True, True, False]
    found = carried_by(base)
    assert (found["revenue"].value, found["older_share"].value) == (47, pytest.approx(40 / 47))
    assert isinstance(carried_by(base, "2023")["older_share"], Refused)


def test_a_lived_period_without_orders_is_zero_and_the_unfinished_one_is_marked():
    base = base_by_cohort(log(("ana", "2022-02-01", 10.0)), "2024-06-30", observed_from=FROM)
    assert base["active"].tolist() == [1, 0, 0]
    assert base["complete"].tolist() == [True, True, False]
    cells = identity(base)
    assert cells["active_share"].tolist() == [1, 0, 0]
    assert cells["revenue_per_order"].isna().tolist() == [False, True, True]
    assert cells["product"].tolist() == [10, 0, 0]
    assert one_cohort(base)["age"].tolist() == [0, 1]
    assert cohorts_compared(base).columns.tolist() == [0, 1]
    assert carried_by(base)["revenue"].value == 0
    assert "fixed group" in carried_by(base)["older_share"].reason_en


def test_no_whole_period_no_finding():
    base = base_by_cohort(log(("ana", "2024-02-01", 10.0)), "2024-06-30", observed_from="2024-01-01")
    assert identity(base)["product"].tolist() == [10]
    assert one_cohort(base).empty
    assert cohorts_compared(base).empty
    assert all(isinstance(value, Refused) for value in carried_by(base).values())
    nobody = base_by_cohort(log((None, "2024-02-01", 10.0)), UNTIL, observed_from=FROM)
    assert identity(nobody).empty
    assert stacked(nobody).empty
    assert all(isinstance(value, Refused) for value in carried_by(nobody).values())


def test_old_customers_are_one_cohort_of_unknown_size():
    base = base_by_cohort(log(*LOG), UNTIL, observed_from=FROM, history="truncated", burn_in_days=365)
    assert base["cohort"].tolist() == ["earlier"] * 3 + ["2024"]
    assert base["customers"].isna().tolist() == [True] * 3 + [False]
    cells = identity(base)
    assert cells["active_share"].isna().tolist() == [True] * 3 + [False]
    assert cells["product"].tolist() == [15, 0, 40, 7]
    assert cohorts_compared(base).index.tolist() == ["2024"]
    assert carried_by(base)["older_share"].value == pytest.approx(40 / 47)
    assert "cannot be told" in carried_by(base, "2022")["older_share"].reason_en
    assert one_cohort(base)["cohort"].tolist() == ["2024"]


def test_stated_first_orders_move_old_customers_out_of_the_cohorts():
    stated = pd.DataFrame({"customer_id": ["ben", "cy"], "first_order_at": pd.to_datetime(["2020-05-01", None])})
    base = base_by_cohort(log(*LOG), UNTIL, observed_from=FROM, history="truncated", first_order_at=stated)
    rows = base.set_index(["cohort", "period"])
    assert rows.loc[("earlier", "2022"), ["active", "revenue"]].tolist() == [1, 0]
    assert rows.loc[("2022", "2022"), ["customers", "active", "revenue"]].tolist() == [1, 1, 15]
    assert stacked(base)["total"].tolist() == [15, 0, 47]


@settings(max_examples=30, deadline=None)
@given(logs(), st.sampled_from(["year", "half", "quarter", "trailing"]), st.sampled_from(["complete", "truncated"]))
def test_the_identity_holds_to_the_cent_and_nothing_is_left_out(orders, rule, history):
    base = base_by_cohort(orders, UNTIL, rule, observed_from=FROM, trailing_days=200, history=history)
    cells = identity(base)
    assert (cells["product"] - cells["revenue"]).abs().max() < 0.005
    known = cells["customers"].notna()
    by_four = (
        cells["customers"].astype(float)
        * cells["active_share"]
        * cells["orders_per_active"]
        * cells["revenue_per_order"]
    )
    shown = known & (cells["active"] > 0)
    assert (by_four[shown] - cells["revenue"][shown]).abs().max() < 0.005 or not shown.any()
    assert (cells.loc[known, "active"] <= cells.loc[known, "customers"]).all()
    cents = round((orders["amount"] - orders["refunded"]) * 100).astype("int64").sum()
    assert round(base["revenue"].sum() * 100) == round(stacked(base)["total"].sum() * 100) == cents
    assert base["orders"].sum() == len(orders)
    assert base.loc[base["age"] == 0, "customers"].sum() <= orders["customer_id"].nunique()
    if history == "complete":
        assert base.loc[base["age"] == 0, "customers"].sum() == orders["customer_id"].nunique()


@pytest.mark.parametrize("name", ["cdnow", "xiaoman", "yunzuo", "sanli"])
@pytest.mark.parametrize("rule", ["quarter", "trailing"])
def test_every_brand_to_the_cent(name, rule):
    if name == "cdnow":
        brand = brands.load(name)
        orders, until, since = brand.scan("orders"), brand.observed_until, brand.observed_from
        amounts = brand.table("orders")["amount"]
    else:
        made = simulate(name, customers=300)
        orders, since, until = made.tables["orders"], made.recipe.observed_from, made.recipe.observed_until
        amounts = orders["amount"] - orders["refunded"].fillna(0)
    base = base_by_cohort(orders, until, rule, observed_from=since)
    cells = identity(base)
    assert (cells["product"] - cells["revenue"]).abs().max() < 0.005
    assert round(base["revenue"].sum() * 100) == (amounts * 100).round().astype("int64").sum()


def test_the_same_as_the_cohort_grid_where_both_can_speak():
    brand = brands.load("cdnow")
    grid = cohort_grid(brand.scan("orders"), brand.observed_until, "quarter", **brand.history)
    base = base_by_cohort(brand.scan("orders"), brand.observed_until, "quarter", **brand.history)
    shared = ["cohort", "age", "customers", "active", "orders", "revenue", "complete"]
    assert_frame_equal(base[shared].astype({"age": "int64", "customers": "int64"}), grid[shared])


def test_quarters_stacked_by_cohort_year_add_up():
    orders = log(*LOG)
    base = base_by_cohort(orders, UNTIL, "quarter", observed_from=FROM)
    by_year, by_quarter = stacked(base, cohorts="year"), stacked(base)
    assert by_year.columns.tolist() == ["2022", "2024", "total", "complete"]
    assert_frame_equal(by_year[["total"]], by_quarter[["total"]], check_names=False)
    assert by_year[["2022", "2024"]].sum(axis=1).tolist() == by_year["total"].tolist()
    assert stacked(base, "active")["total"].sum() == 5  # Ana twice in 2022-Q1, Cy twice on one day: active once each
    with pytest.raises(ValueError, match="no calendar year"):
        stacked(base_by_cohort(orders, UNTIL, "trailing", observed_from=FROM), cohorts="year")


def test_orders_before_the_first_day_are_not_lost():
    base = base_by_cohort(log(*LOG), UNTIL, observed_from="2023-01-01")
    assert base["revenue"].sum() == 62
    assert base.loc[base["period"] == "2022", "complete"].tolist() == [False]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stated", [False, True])
def test_engines_row_order_and_names_of_customers_do_not_matter(engine, stated):
    orders = log(*LOG).dropna(subset="customer_id")
    codes = {"ana": 3, "ben": 2, "cy": 1}
    renamed = orders.assign(customer_id=orders["customer_id"].map(codes)).sample(frac=1, random_state=5)
    old = pd.DataFrame({"customer_id": ["ben"], "first_order_at": pd.to_datetime(["2019-01-01"])})

    def made(frame, old, hold):
        first = {"first_order_at": hold(old), "history": "truncated"} if stated else {}
        return base_by_cohort(hold(frame), UNTIL, "half", observed_from=FROM, **first)

    expected = made(orders, old, holder("pandas"))
    assert_frame_equal(made(orders, old, holder(engine)), expected)
    assert_frame_equal(made(renamed, old.assign(customer_id=codes["ben"]), holder(engine)), expected)


def test_mistakes_are_named():
    base = base_by_cohort(log(*LOG), UNTIL, observed_from=FROM)
    with pytest.raises(ValueError, match="no cohort '1999'; there are: 2022, 2024"):
        one_cohort(base, "1999")
    with pytest.raises(ValueError, match="did you mean 'revenue'"):
        stacked(base, "revenu")
    with pytest.raises(ValueError, match="measure must be one of"):
        cohorts_compared(base, "spend")
    with pytest.raises(ValueError, match="no whole period '2030'"):
        carried_by(base, "2030")
    with pytest.raises(ValueError, match="2 orders have no amount"):
        base_by_cohort(log(*LOG).assign(amount=[np.nan, np.nan, 1, 1, 1, 1, 1, 1]), UNTIL, observed_from=FROM)
