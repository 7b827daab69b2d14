"""Repurchase cohorts against tables worked by hand, a plain recount of CDNOW, and other engines."""

import io

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_logs import ENGINES, LOGS, UNTIL, log, random_log
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.repurchase_cohorts import (
    GRID_COLUMNS,
    average_retention,
    cohort_grid,
    cohort_totals,
    cumulative_per_customer,
    cumulative_repurchase,
    retention_at,
    revenue_per_customer,
    revenue_to_date,
    time_to_next_order,
)

COUNTS = ["cohort", "age", "customers", "active", "orders", "revenue", "complete"]


def expected(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns).astype({"cohort": "str"})


# --- the grid ---


def test_calendar_months_by_hand(six):
    made = cohort_grid(six, UNTIL)
    assert_frame_equal(
        made[COUNTS],
        expected(
            COUNTS,
            ("2024-01", 0, 3, 3, 5, 33.50, True),
            ("2024-01", 1, 3, 1, 1, 20.00, True),
            ("2024-01", 2, 3, 1, 1, 1.01, False),
            ("2024-02", 0, 2, 2, 2, 7.00, True),
            ("2024-02", 1, 2, 2, 2, 19.00, False),
            ("2024-03", 0, 1, 1, 1, 0.00, False),
        ),
    )
    assert list(made.columns) == GRID_COLUMNS
    assert made["retention"].tolist() == [1, 1 / 3, 1 / 3, 1, 1, 1]
    assert (made["retention_low"] <= made["retention"]).all()
    assert (made["retention_high"] >= made["retention"] - 1e-12).all()


def test_rolling_blocks_by_hand(six):
    # Until 15 March the cohorts have lived: January 44 to 70 days, February 15 to 43, March 5.
    made = cohort_grid(six, UNTIL, age="rolling")
    assert_frame_equal(
        made[COUNTS],
        expected(
            COUNTS,
            ("2024-01", 0, 3, 3, 5, 33.50, True),
            ("2024-01", 1, 3, 2, 2, 21.01, False),
            ("2024-01", 2, 3, 0, 0, 0.00, False),
            ("2024-02", 0, 2, 2, 3, 19.00, False),
            ("2024-02", 1, 2, 1, 1, 7.00, False),
            ("2024-03", 0, 1, 1, 1, 0.00, False),
        ),
    )
    assert made["retention"].notna().tolist() == [True, False, False, False, False, False]
    assert made["retention_high"].notna().tolist() == [True, False, False, False, False, False]


def test_a_lived_cell_without_orders_is_zero_and_an_unlived_one_absent():
    made = cohort_grid(log(("ana", "2024-01-05", 10)), "2024-03-31")
    assert made["active"].tolist() == [1, 0, 0]
    assert made["retention"].tolist() == [1.0, 0.0, 0.0]
    assert made["age"].max() == 2
    assert made["complete"].all()


@pytest.mark.parametrize(
    ("period", "first", "second", "until", "cohort", "age"),
    [
        ("week", "2020-12-31", "2021-01-03", "2021-01-03", "2020-W53", 0),  # one ISO week over New Year
        ("week", "2021-01-03", "2021-01-04", "2021-01-10", "2020-W53", 1),
        ("week", "2024-12-30", "2025-01-05", "2025-01-05", "2025-W01", 0),  # belongs to the next ISO year
        ("week", "2018-12-31", "2019-01-07", "2019-01-13", "2019-W01", 1),
        ("month", "2023-12-31", "2024-01-01", "2024-01-31", "2023-12", 1),
        ("month", "2024-02-29", "2025-02-28", "2025-02-28", "2024-02", 12),
        ("quarter", "2023-12-31", "2024-01-01", "2024-03-31", "2023-Q4", 1),
        ("quarter", "1999-10-01", "2000-02-29", "2000-03-31", "1999-Q4", 1),
        ("month", "1900-02-28", "1900-03-01", "1900-03-31", "1900-02", 1),  # no leap year
    ],
)
def test_year_ends_leap_days_and_iso_weeks(period, first, second, until, cohort, age):
    made = cohort_grid(log(("ana", first, 1), ("ana", second, 1)), until, period)
    assert made["cohort"].unique().tolist() == [cohort]
    assert made.loc[made["active"] > 0, "age"].unique().tolist() == sorted({0, age})
    assert made["complete"].all()


@pytest.mark.parametrize(("period", "length"), [("week", 7), ("month", 30), ("quarter", 90)])
def test_rolling_blocks_begin_and_end_with_the_day(period, length):
    first = pd.Timestamp("2024-02-20")
    last, next_ = first + pd.Timedelta(days=length - 1), first + pd.Timedelta(days=length)
    orders = log(("ana", first, 1), ("ana", last, 1), ("ana", next_, 1))
    made = cohort_grid(orders, last, period, "rolling")
    assert made[["age", "orders", "complete"]].values.tolist() == [[0, 2, True]]
    made = cohort_grid(orders, next_, period, "rolling")
    assert made[["age", "orders", "complete"]].values.tolist() == [[0, 2, True], [1, 1, False]]


def test_gross_revenue_keeps_what_was_paid_back(six):
    net, gross = cohort_grid(six, UNTIL), cohort_grid(six, UNTIL, refunds="gross")
    assert gross["revenue"].sum() == pytest.approx(net["revenue"].sum() + 30)
    assert_frame_equal(gross.drop(columns="revenue"), net.drop(columns="revenue"))
    assert_frame_equal(cohort_grid(six.drop(columns="refunded"), UNTIL), gross)


def test_the_average_weighs_cohorts_by_their_size(six):
    made = average_retention(cohort_grid(six, UNTIL))
    assert made[["age", "cohorts", "customers", "active"]].values.tolist() == [[0, 2, 5, 5], [1, 1, 3, 1]]
    assert made["retention"].tolist() == [1.0, 1 / 3]
    nobody = average_retention(cohort_grid(six, "2023-01-01"))
    assert nobody.empty
    assert list(nobody.columns) == list(made.columns)


def test_totals_are_counts_with_their_definition(six):
    totals = cohort_totals(cohort_grid(six, UNTIL))
    assert {name: total.value for name, total in totals.items()} == {"customers": 6, "orders": 12, "revenue": 80.51}
    assert all(total.is_exact and total.n == 6 for total in totals.values())
    assert [total.unit for total in totals.values()] == ["customers", "orders", "money"]
    assert "已扣除退款" in totals["revenue"].definition.zh
    gross = cohort_totals(cohort_grid(six, UNTIL, refunds="gross"))["revenue"]
    assert (gross.value, "not taken off" in gross.definition.en) == (110.51, True)
    assert all(isinstance(total, Refused) for total in cohort_totals(cohort_grid(six, "2023-01-01")).values())


def test_money_is_exact_in_any_order():
    orders = log(*[(i % 7, "2024-01-05", 0.1) for i in range(30_000)])
    assert cohort_grid(orders, "2024-01-31")["revenue"].tolist() == [3000.0]


# --- who is new ---


def test_a_truncated_history_shows_whole_cohorts_after_the_burn_in():
    orders = log(*[(month, f"2024-{month:02d}-01", 1) for month in range(1, 7)], (99, "2024-04-15", 1))
    made = cohort_grid(orders, "2024-06-30", observed_from="2024-01-01", history="truncated", burn_in_days=100)
    # 100 days end on 10 April: April's cohort would be partial, so May is the first that is shown.
    assert made["cohort"].unique().tolist() == ["2024-05", "2024-06"]
    gone = cohort_grid(orders, "2024-06-30", observed_from="2024-01-01", history="truncated")
    assert gone.empty
    curve = time_to_next_order(orders, "2024-06-30", observed_from="2024-01-01", history="truncated", burn_in_days=100)
    assert curve["at_risk"].iloc[0] == 3  # April 15, May 1, June 1


def test_stated_first_orders_leave_old_customers_out():
    orders = log(
        ("old", "2024-01-10", 1), ("new", "2024-01-20", 1), ("blank", "2024-02-10", 1), ("new", "2024-02-20", 1)
    )
    stated = pd.DataFrame(
        {"customer_id": ["old", "blank", "new"], "first_order_at": ["2023-12-31", None, "2024-01-20"]}
    )
    stated["first_order_at"] = pd.to_datetime(stated["first_order_at"])
    options = {"observed_from": "2024-01-01", "history": "truncated", "first_order_at": stated}
    made = cohort_grid(orders, "2024-02-29", **options)
    assert_frame_equal(
        made[COUNTS],
        expected(
            COUNTS,
            ("2024-01", 0, 1, 1, 1, 1.0, True),
            ("2024-01", 1, 1, 1, 1, 1.0, True),
            ("2024-02", 0, 1, 1, 1, 1.0, True),
        ),
    )
    assert time_to_next_order(orders, "2024-02-29", **options)["at_risk"].iloc[0] == 2
    connection = duckdb.connect()
    for bring in (pl.from_pandas, lambda frame: connection.from_arrow(pl.from_pandas(frame).to_arrow())):
        elsewhere = options | {"first_order_at": bring(stated)}
        assert_frame_equal(cohort_grid(bring(orders), "2024-02-29", **elsewhere), made)
    with pytest.raises(ValueError, match="first_order_at needs observed_from"):
        cohort_grid(orders, "2024-02-29", first_order_at=stated)


def test_a_table_that_was_a_file_gives_the_same_numbers_and_a_general_definition(six):
    def through_a_file(table):
        return pd.read_csv(io.StringIO(table.to_csv(index=False)))

    def numbers(estimate):
        return estimate.value, estimate.low, estimate.high, estimate.level, estimate.n, estimate.unit

    grid = cohort_grid(six, UNTIL)
    read_grid = through_a_file(grid)
    assert not read_grid.attrs
    totals, read_totals = cohort_totals(grid), cohort_totals(read_grid)
    assert [total.value for total in read_totals.values()] == [total.value for total in totals.values()]
    assert "as in the cohort grid" in read_totals["revenue"].definition.en
    made = retention_at(read_grid, 1)
    assert numbers(made) == numbers(retention_at(grid, 1))
    assert "None" not in made.definition.zh + made.definition.en
    assert_frame_equal(average_retention(read_grid), average_retention(grid))
    assert_frame_equal(revenue_to_date(read_grid), revenue_to_date(grid))


def test_revenue_per_customer_counts_the_first_days_of_those_who_lived_them():
    rows = [(c, "2024-01-01", 10) for c in range(150)]
    rows += [(c, "2024-01-30", 5) for c in range(30)]  # day 29: in
    rows += [(c, "2024-01-31", 50) for c in range(30)]  # day 30: out
    rows += [(c, "2024-01-03", 99) for c in range(1000, 1100)]  # their day 29 is not over
    made = revenue_per_customer(log(*rows), "2024-01-31", within_days=30)
    assert isinstance(made, Estimate)
    assert (made.value, made.n) == (11.0, 150)
    assert made.low < 11 < made.high
    assert made.unit == "money per customer"
    assert "没有退款记录" in made.definition.zh
    back = log(*rows).assign(refunded=1.0)
    assert revenue_per_customer(back, "2024-01-31", 30).value == pytest.approx(9.8)
    assert revenue_per_customer(back, "2024-01-31", 30, refunds="gross") == Estimate(
        11.0, made.low, made.high, 0.9, 150, "money per customer",
        revenue_per_customer(back, "2024-01-31", 30, refunds="gross").definition, revenue_per_customer,
    )  # fmt: skip
    assert isinstance(revenue_per_customer(log(*rows), "2023-01-31"), Refused)


# --- every engine, every kind of key ---


def same_answers(orders, others, until):
    """Assert that every function gives identical tables on the orders and on the other form of them."""
    for period in ("month", "week", "quarter"):
        for age in ("calendar", "rolling"):
            assert_frame_equal(cohort_grid(others, until, period, age), cohort_grid(orders, until, period, age))
    assert revenue_per_customer(others, until, 10) == revenue_per_customer(orders, until, 10)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_tables(six, engine):
    same_answers(six, ENGINES[engine](six), UNTIL)


def test_keys_may_be_text_or_integers_and_rows_in_any_order(six):
    known = six.dropna(subset="customer_id")
    codes = {"ana": 60, "ben": 50, "cy": 40, "dee": 30, "eli": 20, "fay": 10}
    same_answers(known, known.assign(customer_id=known["customer_id"].map(codes)), UNTIL)
    same_answers(six, known.assign(customer_id=known["customer_id"].map(codes).astype("int32")), UNTIL)
    same_answers(six, six.sample(frac=1, random_state=1), UNTIL)


# --- hardly any data ---


@pytest.mark.parametrize("age", ["calendar", "rolling"])
def test_before_all_orders_the_tables_are_empty_with_the_right_columns(six, age):
    for made, full in (
        (cohort_grid(six, "2023-12-31", age=age), cohort_grid(six, UNTIL, age=age)),
        (cohort_grid(six.head(0), UNTIL, age=age), cohort_grid(six, UNTIL, age=age)),
        (cohort_grid(pl.from_pandas(six).lazy(), "2023-12-31", age=age), cohort_grid(six, UNTIL, age=age)),
    ):
        assert made.empty
        assert_frame_equal(made, full.head(0), check_index_type=False)


def test_one_customer_one_order_one_day():
    orders = log((1, "2024-02-29", 0))
    assert cohort_grid(orders, "2024-02-29")[COUNTS].values.tolist() == [["2024-02", 0, 1, 1, 1, 0.0, True]]


def test_ten_customers_without_money():
    orders = log(*[(c, f"2024-01-{c + 1:02d} 08:00", 0) for c in range(10) for _ in range(2)])
    made = cohort_grid(orders, "2024-01-31")
    assert made[["customers", "active", "orders", "revenue"]].values.tolist() == [[10, 10, 20, 0.0]]


# --- CDNOW, all 69,659 purchases ---


def test_cdnow_equals_a_plain_recount(cdnow):
    month = cdnow["ordered_at"].dt.to_period("M")
    cohort = month.groupby(cdnow["customer_id"]).transform("min")
    plain = cdnow.assign(cohort=cohort.astype(str), age=[m.n for m in month - cohort]).groupby(["cohort", "age"])
    plain = plain.agg(active=("customer_id", "nunique"), orders=("customer_id", "size"), revenue=("amount", "sum"))
    made = cohort_grid(cdnow, "1998-06-30").set_index(["cohort", "age"])
    assert_frame_equal(made[["active", "orders"]], plain[["active", "orders"]])
    np.testing.assert_allclose(made["revenue"], plain["revenue"], atol=1e-6)
    assert made.xs(0, level="age")["customers"].to_dict() == {"1997-01": 7846, "1997-02": 8476, "1997-03": 7248}
    assert made["complete"].all()
    assert (made["orders"].sum(), len(made)) == (69_659, 18 + 17 + 16)


# --- random logs ---


@given(
    LOGS, st.integers(0, 220), st.sampled_from(["month", "week", "quarter"]), st.sampled_from(["calendar", "rolling"])
)
@settings(max_examples=60, deadline=None)
def test_cells_add_up_and_are_lived(rows, last, period, age):
    orders = random_log(rows)
    until = pd.Timestamp("2023-11-15") + pd.Timedelta(days=last)
    seen = orders[orders["ordered_at"] < until + pd.Timedelta(days=1)]
    grid = cohort_grid(orders, until, period, age)
    assert grid["orders"].sum() == len(seen)
    assert round(grid["revenue"].sum() * 100) == round((seen["amount"] - seen["refunded"]).sum() * 100)
    assert (grid["active"] <= grid["customers"]).all()
    assert (grid["active"] <= grid["orders"]).all()
    assert grid.loc[grid["age"] == 0, "customers"].sum() == seen["customer_id"].nunique()
    assert (grid.loc[grid["age"] == 0, "active"] == grid.loc[grid["age"] == 0, "customers"]).all()
    assert not grid.duplicated(["cohort", "age"]).any()
    assert_frame_equal(grid, grid.sort_values(["cohort", "age"], ignore_index=True))
    assert (grid["age"] == grid.groupby("cohort").cumcount()).all()
    lived = grid[grid["complete"] | (age == "calendar")]
    assert lived["retention"].between(lived["retention_low"] - 1e-9, lived["retention_high"] + 1e-9).all()


def counted_by_hand(orders, until, period, age):
    """Plain loops over pandas periods and days: (cohort, age) -> customers, active, orders, cents, complete."""
    code, block = {"month": ("M", 30), "week": ("W-SUN", 7), "quarter": ("Q", 90)}[period]
    cohorts = {}
    for customer, times in orders.groupby("customer_id")["ordered_at"]:
        cohorts.setdefault(times.min().to_period(code), {})[customer] = times.min().normalize()
    cells = {}
    for start, members in cohorts.items():
        name = {"M": str(start), "W-SUN": start.start_time.strftime("%G-W%V"), "Q": f"{start.year}-Q{start.quarter}"}[
            code
        ]
        mine = orders[orders["customer_id"].isin(members)]
        for number in range(400):
            if age == "calendar":
                begins, ends = (start + number).start_time, (start + number).end_time.normalize()
                lived = mine["ordered_at"].dt.to_period(code) == start + number
            else:
                begins = min(members.values()) + pd.Timedelta(days=block * number)
                ends = max(members.values()) + pd.Timedelta(days=block * (number + 1) - 1)
                since_first = (mine["ordered_at"].dt.normalize() - mine["customer_id"].map(members)).dt.days
                lived = (since_first >= block * number) & (since_first < block * (number + 1))
            if begins > until:
                break
            cents = round((mine["amount"] - mine["refunded"])[lived].sum() * 100)
            active = mine.loc[lived, "customer_id"].nunique()
            cells[name, number] = (len(members), active, int(lived.sum()), cents, bool(ends <= until))
    return cells


@given(
    LOGS, st.integers(0, 220), st.sampled_from(["month", "week", "quarter"]), st.sampled_from(["calendar", "rolling"])
)
@settings(max_examples=40, deadline=None)
def test_every_cell_equals_a_count_by_hand(rows, last, period, age):
    orders, until = random_log(rows), pd.Timestamp("2023-11-15") + pd.Timedelta(days=last)
    grid = cohort_grid(orders, until, period, age)
    made = {
        (row.cohort, row.age): (row.customers, row.active, row.orders, round(row.revenue * 100), row.complete)
        for row in grid.itertuples()
    }
    seen = orders[orders["ordered_at"] < until + pd.Timedelta(days=1)]
    assert made == counted_by_hand(seen, until, period, age)
    stated = grid[grid["retention"].notna()]  # nothing is outside its own interval, not even by rounding
    assert (stated["retention_low"] <= stated["retention"]).all()
    assert (stated["retention"] <= stated["retention_high"]).all()


@given(LOGS)
@settings(max_examples=8, deadline=None)
def test_pandas_and_polars_agree(rows):
    orders = random_log(rows)
    same_answers(orders, pl.from_pandas(orders).lazy(), "2024-04-30")


class TestOneAgeAndRevenueToDate:
    def test_retention_at_one_age_is_the_average_curve(self, cdnow):
        grid = cohort_grid(cdnow, "1998-06-30", age="rolling")
        row = average_retention(grid).set_index("age").loc[12]
        made = retention_at(grid, 12)
        assert (made.value, made.low, made.high) == (row["retention"], row["retention_low"], row["retention_high"])
        assert made.n == 23_570
        assert "360 至 389" in made.definition.zh
        assert "days 360 to 389" in made.definition.en
        assert isinstance(retention_at(grid, 40), Refused)

    def test_revenue_to_date_ends_at_the_cohort_totals(self, cdnow):
        grid = cohort_grid(cdnow, "1998-06-30")
        table = revenue_to_date(grid)
        last = table.groupby("cohort").tail(1)
        assert (last["revenue_to_date"] * last["customers"]).sum() == pytest.approx(cdnow["amount"].sum())
        plain = cdnow.assign(first=cdnow.groupby("customer_id")["ordered_at"].transform("min"))
        january = plain[plain["first"].dt.month == 1]
        by_march = january[january["ordered_at"] < "1997-04-01"]["amount"].sum() / january["customer_id"].nunique()
        at_two = table.query("cohort == '1997-01' and age == 2")["revenue_to_date"].item()
        assert at_two == pytest.approx(by_march)

    def test_revenue_to_date_is_blank_where_not_lived(self):
        orders = pd.DataFrame({"customer_id": [1, 2], "amount": [10.0, 30.0]})
        orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-20"])
        table = revenue_to_date(cohort_grid(orders, "2024-02-10"))
        assert table["revenue_to_date"].tolist()[0] == 20.0
        assert table["revenue_to_date"].isna().tolist() == [False, True]
        assert revenue_to_date(cohort_grid(orders, "2023-01-01")).empty


# --- groups, contribution, and what adds up over the ages ---


def test_groups_by_hand_are_those_of_the_first_order(six):
    made = cohort_grid(six, UNTIL, by="sold_through")
    columns = ["group", *COUNTS]
    assert_frame_equal(
        made[columns],
        expected(
            columns,
            ("app", "2024-01", 0, 1, 1, 2, 10.00, True),  # Fay
            ("app", "2024-01", 1, 1, 0, 0, 0.00, True),
            ("app", "2024-01", 2, 1, 1, 1, 1.01, False),
            ("app", "2024-02", 0, 1, 1, 1, 7.00, True),  # Dee
            ("app", "2024-02", 1, 1, 1, 1, 7.00, False),
            ("shop", "2024-01", 0, 1, 1, 2, 15.00, True),  # Ana
            ("shop", "2024-01", 1, 1, 1, 1, 20.00, True),
            ("shop", "2024-01", 2, 1, 0, 0, 0.00, False),
            ("shop", "2024-02", 0, 1, 1, 1, 0.00, True),  # Cy
            ("shop", "2024-02", 1, 1, 1, 1, 12.00, False),
            ("shop", "2024-03", 0, 1, 1, 1, 0.00, False),  # Eli
            ("unknown", "2024-01", 0, 1, 1, 1, 8.50, True),  # Ben
            ("unknown", "2024-01", 1, 1, 0, 0, 0.00, True),
            ("unknown", "2024-01", 2, 1, 0, 0, 0.00, False),
        ).astype({"group": "str"}),
    )
    assert list(made.columns) == ["group", *GRID_COLUMNS]
    average = average_retention(made)
    assert average.query("age == 1")[["group", "customers", "active"]].values.tolist() == [
        ["app", 1, 0], ["shop", 1, 1], ["unknown", 1, 0],
    ]  # fmt: skip
    assert retention_at(made, 1) == retention_at(cohort_grid(six, UNTIL), 1)
    assert cohort_totals(made) == cohort_totals(cohort_grid(six, UNTIL))


@given(LOGS, st.sampled_from(["month", "week"]), st.sampled_from(["calendar", "rolling"]))
@settings(max_examples=15, deadline=None)
def test_groups_add_up_to_the_whole(rows, period, age):
    orders = random_log(rows).assign(cost=1.5)
    whole = cohort_grid(orders, "2024-04-30", period, age, contribution=True)
    split = cohort_grid(orders, "2024-04-30", period, age, contribution=True, by="sold_through")
    counts = ["active", "orders", "revenue", "contribution"]
    added = split.groupby(["cohort", "age"], as_index=False)[counts].sum()
    there = whole[["cohort", "age"]].merge(added, how="left").fillna(0)
    assert_frame_equal(there[counts], whole[counts], check_dtype=False)
    np.testing.assert_allclose(whole["contribution"], whole["revenue"] - 1.5 * whole["orders"], atol=1e-9)


def test_cumulative_repurchase_by_hand(six):
    made = cumulative_repurchase(six, "2024-05-10")
    columns = ["cohort", "age", "customers", "repurchased", "complete"]
    # From the first to the second day: Ana 36, Cy 1, Dee 43, Fay 42; Ben and Eli have none.
    assert_frame_equal(
        made.query("cohort == '2024-01'")[columns].reset_index(drop=True),
        expected(columns, *[("2024-01", k, 3, n, k < 3) for k, n in enumerate([0, 2, 2, 2, 2])]),
    )
    assert made.query("cohort == '2024-02'")["repurchased"].tolist() == [1, 2, 2, 2]
    assert made["cumulative_repurchase"].notna().tolist() == made["complete"].tolist()
    calendar = cumulative_repurchase(six, "2024-05-10", age="calendar")
    assert calendar.query("cohort == '2024-01'")["repurchased"].tolist() == [0, 1, 2, 2, 2]
    groups = cumulative_repurchase(six, "2024-05-10", by="sold_through")
    assert groups.groupby("group")["repurchased"].max().to_dict() == {"app": 1, "shop": 1, "unknown": 0}
    assert cumulative_repurchase(six, "2023-05-10").empty


def test_cumulative_repurchase_ends_where_the_survival_curve_does(cdnow):
    # All of CDNOW's cohorts have lived 450 days: without censoring, Kaplan-Meier is the plain share.
    table = cumulative_repurchase(cdnow, "1998-06-30").query("age == 14")
    curve = time_to_next_order(cdnow, "1998-06-30")
    share = 1 - curve[curve["days"] <= 449]["not_yet_ordered"].iloc[-1]
    assert table["repurchased"].sum() / table["customers"].sum() == pytest.approx(share, abs=1e-12)


@given(LOGS, st.integers(0, 220), st.sampled_from(["month", "week", "quarter"]))
@settings(max_examples=15, deadline=None)
def test_cumulative_repurchase_equals_a_recount(rows, last, period):
    orders, until = random_log(rows), pd.Timestamp("2023-11-15") + pd.Timedelta(days=last)
    made = cumulative_repurchase(orders, until, period)
    grid = cohort_grid(orders, until, period, "rolling")
    assert_frame_equal(
        made[["cohort", "age", "customers", "complete"]], grid[["cohort", "age", "customers", "complete"]]
    )
    seen = orders[orders["ordered_at"] < until + pd.Timedelta(days=1)]
    days = seen.assign(day=seen["ordered_at"].dt.normalize())[["customer_id", "day"]].drop_duplicates()
    assert made.groupby("cohort")["repurchased"].max().sum() == (days["customer_id"].value_counts() > 1).sum()
    assert (made.groupby("cohort")["repurchased"].diff().dropna() >= 0).all()
    stated = made[made["complete"]]
    assert (stated["cumulative_repurchase_low"] <= stated["cumulative_repurchase"]).all()
    assert_frame_equal(cumulative_repurchase(pl.from_pandas(orders).lazy(), until, period), made)


@pytest.mark.parametrize("engine", ["polars lazy", "duckdb", "ibis"])
def test_groups_contribution_and_cumulative_repurchase_on_other_engines(six, engine):
    orders = six.assign(cost=six["amount"] / 3)
    others = ENGINES[engine](orders)
    options = {"by": "sold_through", "contribution": True}
    assert_frame_equal(cohort_grid(others, UNTIL, **options), cohort_grid(orders, UNTIL, **options))
    for age in ("rolling", "calendar"):
        assert_frame_equal(cumulative_repurchase(others, UNTIL, age=age), cumulative_repurchase(orders, UNTIL, age=age))


def test_cumulative_per_customer_by_hand(six):
    grid = cohort_grid(six.assign(cost=1.0), UNTIL, by="sold_through", contribution=True)
    orders = cumulative_per_customer(grid, "orders")
    assert orders.query("group == 'shop' and cohort == '2024-01'")["orders_to_date"].tolist()[:2] == [2.0, 3.0]
    assert orders["orders_to_date"].notna().tolist() == grid["complete"].tolist()
    earned = cumulative_per_customer(grid, "contribution")
    assert earned.query("group == 'shop' and cohort == '2024-01'")["contribution_to_date"].tolist()[:2] == [13.0, 32.0]
    unknown = cumulative_per_customer(cohort_grid(six, UNTIL, contribution=True), "contribution")
    assert unknown["contribution_to_date"].isna().all()
    with pytest.raises(ValueError, match="no column 'contribution'"):
        cumulative_per_customer(cohort_grid(six, UNTIL), "contribution")
    with pytest.raises(ValueError, match="did you mean 'revenue'"):
        cumulative_per_customer(grid, "revenu")
