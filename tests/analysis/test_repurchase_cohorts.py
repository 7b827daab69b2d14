"""Repurchase cohorts against tables worked by hand, a plain recount of CDNOW, lifelines, and other engines."""

import datetime
import io
import math
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from pandas.testing import assert_frame_equal
from statsmodels.duration.survfunc import SurvfuncRight

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.repurchase_cohorts import (
    CURVE_COLUMNS,
    GRID_COLUMNS,
    average_retention,
    cohort_grid,
    cohort_totals,
    median_days,
    repurchased_within,
    retention_at,
    revenue_per_customer,
    revenue_to_date,
    time_to_next_order,
)

COUNTS = ["cohort", "age", "customers", "active", "orders", "revenue", "complete"]
UNTIL = "2024-03-15"


def log(*rows, **columns):
    """Orders from (customer, time, amount, ...) rows; the fourth and later fields are named by `columns`."""
    names = ["customer_id", "ordered_at", "amount", *columns.get("more", [])]
    frame = pd.DataFrame(list(rows), columns=names)
    return frame.assign(
        ordered_at=pd.to_datetime(frame["ordered_at"], format="ISO8601"), amount=frame["amount"].astype(float)
    )


@pytest.fixture
def six():
    """Six customers, until 15 March 2024, a leap year; Cy's first order is paid back, Fay's last comes too late."""
    return log(
        ("ana", "2024-01-05 09:00", 10.00, 0, "shop"),
        ("ana", "2024-01-05 21:00", 5.00, 0, "app"),
        ("ana", "2024-02-10", 20.00, 0, "app"),
        ("ben", "2024-01-31 23:59:59", 8.50, None, None),
        ("cy", "2024-02-29", 30.00, 30.00, "shop"),
        ("cy", "2024-03-01", 12.00, 0, "app"),
        ("dee", "2024-02-01", 7.00, 0, "app"),
        ("dee", "2024-03-15 23:59:59", 7.00, 0, "app"),
        ("eli", "2024-03-10", 0.00, 0, "shop"),
        ("fay", "2024-01-20 10:00", 9.99, 0, "shop"),
        ("fay", "2024-01-20 10:00", 0.01, 0, "app"),
        ("fay", "2024-03-02", 1.01, 0, "app"),
        ("fay", "2024-03-16", 99.00, 0, "app"),
        (None, "2024-01-01", 500.00, 0, "shop"),
        more=["refunded", "sold_through"],
    )


def expected(columns, *rows):
    frame = pd.DataFrame(list(rows), columns=columns)
    return frame.astype({"cohort": "str"}) if "cohort" in frame else frame.astype({"group": "str"})


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


# --- time to the next order ---


def test_survival_by_hand(six):
    made = time_to_next_order(six, UNTIL)
    steps = [
        *(("all", 0, 6, 0, 1.0), ("all", 1, 6, 1, 5 / 6), ("all", 5, 5, 0, 5 / 6), ("all", 36, 4, 1, 5 / 8)),
        *(("all", 42, 3, 1, 5 / 12), ("all", 43, 2, 1, 5 / 24), ("all", 44, 1, 0, 5 / 24)),
    ]
    assert_frame_equal(made[CURVE_COLUMNS[:5]], expected(CURVE_COLUMNS[:5], *steps))
    assert list(made.columns) == CURVE_COLUMNS


def test_orders_of_one_day_kept_apart_by_hand(six):
    made = time_to_next_order(six, UNTIL, same_day="keep")
    assert made["days"].tolist() == [0, 1, 5, 43, 44]
    assert made["at_risk"].tolist() == [6, 4, 3, 2, 1]
    assert made["events"].tolist() == [2, 1, 0, 1, 0]
    assert made["not_yet_ordered"].tolist() == pytest.approx([4 / 6, 3 / 6, 3 / 6, 1 / 4, 1 / 4])


def test_later_orders_by_hand(six):
    # Second to third order: Ana from 10 February, Cy from 1 March, Dee from 15 March, Fay from 2 March; nobody yet.
    made = time_to_next_order(six, UNTIL, after_order=2)
    assert made[["days", "at_risk", "events"]].values.tolist() == [[0, 4, 0], [13, 3, 0], [14, 2, 0], [34, 1, 0]]
    assert made[["not_yet_ordered", "low", "high"]].to_numpy().tolist() == [[1.0, 1.0, 1.0]] * 4
    assert time_to_next_order(six, UNTIL, after_order=9).empty


def test_groups_are_those_of_the_first_order(six):
    made = time_to_next_order(six, UNTIL, by="sold_through")
    # Ana's earlier order of the day was in the shop; Fay's two of one moment go by the alphabet; Ben's is blank.
    assert made.groupby("group")["at_risk"].first().to_dict() == {"app": 2, "shop": 3, "unknown": 1}
    assert_frame_equal(
        made[made["group"] == "app"].reset_index(drop=True)[CURVE_COLUMNS[:5]],
        expected(CURVE_COLUMNS[:5], ("app", 0, 2, 0, 1.0), ("app", 42, 2, 1, 0.5), ("app", 43, 1, 1, 0.0)),
    )


def test_numbers_and_categories_group_like_texts(six):
    plain = time_to_next_order(six, UNTIL, by="sold_through")
    assert_frame_equal(time_to_next_order(six.astype({"sold_through": "category"}), UNTIL, by="sold_through"), plain)
    stores = six.assign(store_id=np.arange(len(six)) % 3)
    assert set(time_to_next_order(stores, UNTIL, by="store_id")["group"]) <= {"0", "1", "2"}


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_ends_of_the_curve_follow_lifelines(level):
    for orders in (
        log(
            ("a", "2024-01-01", 1), ("a", "2024-01-05", 1), ("b", "2024-01-01", 1), ("b", "2024-01-09", 1)
        ),  # all return
        log(("a", "2024-01-01", 1), ("b", "2024-01-03", 1)),  # nobody returns
        log(("a", "2024-01-01", 1), ("a", "2024-01-05", 1), ("b", "2024-01-02", 1), ("c", "2024-01-08", 1)),
    ):
        made = time_to_next_order(orders, "2024-01-10", level=level)
        assert_same_as_lifelines(made, orders, "2024-01-10", level)


def durations(orders, until):
    """Plain recount: days from the first to the second day with an order, or to the end; and whether it came."""
    orders = orders[orders["ordered_at"] < pd.Timestamp(until) + pd.Timedelta(days=1)]
    days = orders.assign(day=orders["ordered_at"].dt.normalize())[["customer_id", "day"]].drop_duplicates()
    days = days.sort_values(["customer_id", "day"])
    nth = days.groupby("customer_id").cumcount()
    first = days[nth == 0].set_index("customer_id")["day"]
    second = days[nth == 1].set_index("customer_id")["day"].reindex(first.index)
    return (second.fillna(pd.Timestamp(until)) - first).dt.days, second.notna()


def assert_same_as_lifelines(curve, orders, until, level):
    days, came = durations(orders, until)
    fitted = KaplanMeierFitter(alpha=1 - level).fit(days, came)
    np.testing.assert_array_equal(curve["days"], fitted.survival_function_.index)
    np.testing.assert_allclose(curve["not_yet_ordered"], fitted.survival_function_.iloc[:, 0], atol=1e-12)
    np.testing.assert_allclose(curve[["low", "high"]], fitted.confidence_interval_survival_function_, atol=1e-10)
    np.testing.assert_array_equal(curve["at_risk"], fitted.event_table["at_risk"])
    np.testing.assert_array_equal(curve["events"], fitted.event_table["observed"])


# --- numbers read off the curve ---


def test_share_within_days_by_hand(six):
    curve = time_to_next_order(six, UNTIL)
    made = repurchased_within(curve, 41)
    row = curve[curve["days"] == 36].iloc[0]
    assert (made.value, made.low, made.high) == pytest.approx((3 / 8, 1 - row["high"], 1 - row["low"]))
    assert (made.n, made.unit, made.level) == (6, "share", 0.9)
    assert made.function == "siyu_helpers.analysis.repurchase_cohorts.repurchased_within"
    assert "41 天" in made.definition.zh
    assert "41 days" in made.definition.en
    assert repurchased_within(curve, 42).value == pytest.approx(7 / 12)
    assert repurchased_within(curve, 44).value == pytest.approx(19 / 24)
    refused = repurchased_within(curve, 45)
    assert (refused.gate, refused.seen, refused.needed) == ("days watched", 44, 45)


def test_a_curve_that_has_not_moved_still_has_an_interval(six):
    curve = time_to_next_order(six, UNTIL)
    before = repurchased_within(curve, 0)
    assert (before.value, before.low) == (0.0, 0.0)
    assert 0 < before.high < 0.5
    all_back = time_to_next_order(log(("a", "2024-01-01", 1), ("a", "2024-01-05", 1)), "2024-01-31")
    after = repurchased_within(all_back, 365)  # nobody is left to come back: the share cannot change
    assert (after.value, after.high) == (1.0, 1.0)
    assert 0 < after.low < 1


def test_median_by_hand(six):
    curve = time_to_next_order(six, UNTIL)
    made = median_days(curve)
    assert made.value == 42
    assert made.low == curve.loc[curve["low"] <= 0.5, "days"].iloc[0]
    assert made.high == math.inf  # six customers: the upper limit of the curve stays above one half
    assert made.unit == "days"
    assert median_days(curve, share=0.1).value == 1
    refused = median_days(curve, share=0.9)
    assert isinstance(refused, Refused)
    assert refused.seen == pytest.approx(19 / 24)
    assert "90%" in refused.reason_zh
    assert "90%" in refused.reason_en


def test_an_upper_limit_that_was_not_reached_is_infinite():
    orders = log(*[(c, "2024-01-01", 1) for c in range(4)], (0, "2024-01-05", 1), (1, "2024-01-09", 1))
    made = median_days(time_to_next_order(orders, "2024-01-31"))
    assert (made.value, made.high) == (8, math.inf)
    many = log(*[(c, "2024-01-01", 1) for c in range(60)], *[(c, f"2024-01-{c // 3 + 2:02d}", 1) for c in range(59)])
    made = median_days(time_to_next_order(many, "2024-01-31"))
    assert made.value == 10
    assert 1 < made.low < 10 < made.high < 20
    all_back = time_to_next_order(log(("a", "2024-01-01", 1), ("a", "2024-01-05", 1)), "2024-01-31")
    assert (median_days(all_back).value, median_days(all_back).high) == (4, math.inf)


def test_numbers_are_refused_on_an_empty_curve(six):
    empty = time_to_next_order(six, "2023-01-01")
    assert isinstance(repurchased_within(empty, 30), Refused)
    assert isinstance(median_days(empty), Refused)


def test_a_curve_is_read_by_group(six):
    curve = time_to_next_order(six, UNTIL, by="sold_through", same_day="keep", after_order=1)
    assert repurchased_within(curve, 43, group="app").n == 2
    assert "分别计算" in median_days(curve, 0.2, group="app").definition.zh
    with pytest.raises(ValueError, match="no group 'all'; it has 'app', 'shop', 'unknown'"):
        repurchased_within(curve, 10)


def test_a_table_that_was_a_file_gives_the_same_numbers_and_a_general_definition(six):
    def through_a_file(table):
        return pd.read_csv(io.StringIO(table.to_csv(index=False)))

    def numbers(estimate):
        return estimate.value, estimate.low, estimate.high, estimate.level, estimate.n, estimate.unit

    grid, curve = cohort_grid(six, UNTIL), time_to_next_order(six, UNTIL)
    read_grid, read_curve = through_a_file(grid), through_a_file(curve)
    assert not read_grid.attrs
    totals, read_totals = cohort_totals(grid), cohort_totals(read_grid)
    assert [total.value for total in read_totals.values()] == [total.value for total in totals.values()]
    assert "as in the cohort grid" in read_totals["revenue"].definition.en
    for made, plain in (
        (retention_at(read_grid, 1), retention_at(grid, 1)),
        (repurchased_within(read_curve, 41), repurchased_within(curve, 41)),
        (median_days(read_curve), median_days(curve)),
    ):
        assert numbers(made) == numbers(plain)
        for words in (made.definition.zh, made.definition.en):
            assert "None" not in words
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
    for options in ({}, {"by": "sold_through"}, {"after_order": 2, "same_day": "keep"}):
        assert_frame_equal(time_to_next_order(others, until, **options), time_to_next_order(orders, until, **options))
    assert revenue_per_customer(others, until, 10) == revenue_per_customer(orders, until, 10)


def spark_frame(orders):
    sql = pytest.importorskip("pyspark.sql")
    session = sql.SparkSession.builder.master("local[1]").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    kinds = "customer_id string, ordered_at timestamp, amount double, refunded double, sold_through string"
    return session.createDataFrame(pl.from_pandas(orders).rows(), kinds)


ENGINES = {
    "polars": pl.from_pandas,
    "arrow": lambda orders: pl.from_pandas(orders).to_arrow(),
    "polars lazy": lambda orders: pl.from_pandas(orders).lazy(),
    "duckdb": lambda orders: duckdb.connect().from_arrow(pl.from_pandas(orders).to_arrow()),
    "ibis": lambda orders: ibis.memtable(pl.from_pandas(orders).to_arrow()),
    "pyspark": spark_frame,
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_tables(six, engine):
    same_answers(six, ENGINES[engine](six), UNTIL)


def test_keys_may_be_text_or_integers_and_rows_in_any_order(six):
    known = six.dropna(subset="customer_id")
    codes = {"ana": 60, "ben": 50, "cy": 40, "dee": 30, "eli": 20, "fay": 10}
    same_answers(known, known.assign(customer_id=known["customer_id"].map(codes)), UNTIL)
    same_answers(six, known.assign(customer_id=known["customer_id"].map(codes).astype("int32")), UNTIL)
    same_answers(six, six.sample(frac=1, random_state=1), UNTIL)


def test_dates_objects_decimals_and_zones_are_read_alike(six):
    days = six.assign(ordered_at=six["ordered_at"].dt.normalize())
    grid = cohort_grid(days, UNTIL)
    assert_frame_equal(cohort_grid(days.assign(ordered_at=days["ordered_at"].dt.date), UNTIL), grid)
    assert_frame_equal(cohort_grid(pl.from_pandas(days).with_columns(pl.col("ordered_at").dt.date()), UNTIL), grid)
    in_shanghai = days.assign(ordered_at=days["ordered_at"].dt.tz_localize("Asia/Shanghai"))
    assert_frame_equal(cohort_grid(in_shanghai, UNTIL), grid)
    exact = pl.from_pandas(days).with_columns(pl.col("amount").cast(pl.Decimal(12, 2)))
    assert_frame_equal(cohort_grid(exact, UNTIL), grid)
    whole = days.assign(amount=100)
    assert_frame_equal(cohort_grid(whole, UNTIL), cohort_grid(whole.astype({"amount": float}), UNTIL))


@pytest.mark.parametrize("until", [UNTIL, datetime.date(2024, 3, 15), pd.Timestamp("2024-03-15 08:00")])
def test_the_last_day_is_included_however_it_is_written(six, until):
    assert_frame_equal(cohort_grid(six, until), cohort_grid(six, UNTIL))


# --- hardly any data ---


@pytest.mark.parametrize("age", ["calendar", "rolling"])
def test_before_all_orders_the_tables_are_empty_with_the_right_columns(six, age):
    for made, full in (
        (cohort_grid(six, "2023-12-31", age=age), cohort_grid(six, UNTIL, age=age)),
        (time_to_next_order(six, "2023-12-31"), time_to_next_order(six, UNTIL)),
        (cohort_grid(six.head(0), UNTIL, age=age), cohort_grid(six, UNTIL, age=age)),
        (cohort_grid(pl.from_pandas(six).lazy(), "2023-12-31", age=age), cohort_grid(six, UNTIL, age=age)),
    ):
        assert made.empty
        assert_frame_equal(made, full.head(0), check_index_type=False)


def test_one_customer_one_order_one_day():
    orders = log((1, "2024-02-29", 0))
    assert cohort_grid(orders, "2024-02-29")[COUNTS].values.tolist() == [["2024-02", 0, 1, 1, 1, 0.0, True]]
    assert time_to_next_order(orders, "2024-02-29")[CURVE_COLUMNS[1:5]].values.tolist() == [[0, 1, 0, 1.0]]


def test_ten_customers_without_money():
    orders = log(*[(c, f"2024-01-{c + 1:02d} 08:00", 0) for c in range(10) for _ in range(2)])
    made = cohort_grid(orders, "2024-01-31")
    assert made[["customers", "active", "orders", "revenue"]].values.tolist() == [[10, 10, 20, 0.0]]
    assert time_to_next_order(orders, "2024-01-31")["events"].sum() == 0
    assert time_to_next_order(orders, "2024-01-31", same_day="keep")["events"].tolist()[0] == 10


# --- wrong use ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"period": "months"}, "did you mean 'month'"),
        ({"age": "roling"}, "did you mean 'rolling'"),
        ({"refunds": "nett"}, "did you mean 'net'"),
        ({"history": "truncate"}, "did you mean 'truncated'"),
        ({"history": "truncated"}, "observed_from"),
        ({"history": "truncated", "observed_from": "2024-01-01", "burn_in_days": -1}, "burn_in_days"),
        ({"level": 90}, "level"),
        ({"observed_until": "2024-02-30"}, "observed_until"),
        ({"observed_until": None}, "observed_until"),
        ({"observed_until": ""}, "observed_until"),
    ],
)
def test_wrong_parameters_are_named(six, options, message):
    with pytest.raises(ValueError, match=message):
        cohort_grid(**{"orders": six, "observed_until": UNTIL} | options)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (time_to_next_order, {"same_day": "collaps"}, "did you mean 'collapse'"),
        (time_to_next_order, {"after_order": 0}, "after_order"),
        (time_to_next_order, {"by": "sold_thru"}, "did you mean 'sold_through'"),
        (time_to_next_order, {"level": 0}, "level"),
        (revenue_per_customer, {"within_days": 0}, "within_days"),
    ],
)
def test_wrong_parameters_of_the_others_are_named(six, function, options, message):
    with pytest.raises(ValueError, match=message):
        function(six, UNTIL, **options)


def test_wrong_columns_are_named(six):
    with pytest.raises(ValueError, match="no column 'customer_id'; did you mean 'custmer_id'"):
        cohort_grid(six.rename(columns={"customer_id": "custmer_id"}), UNTIL)
    with pytest.raises(ValueError, match="ordered_at must hold dates"):
        cohort_grid(six.astype({"ordered_at": str}), UNTIL)
    with pytest.raises(ValueError, match="amount must hold numbers"):
        cohort_grid(six.astype({"amount": str}), UNTIL)
    with pytest.raises(ValueError, match="share must lie between"):
        median_days(time_to_next_order(six, UNTIL), share=50)


@pytest.mark.parametrize("engine", [lambda f: f, pl.from_pandas])
def test_an_order_without_amount_is_not_counted_as_free(six, engine):
    holed = engine(six.assign(amount=six["amount"].where(six.index != 3)))
    with pytest.raises(ValueError, match="1 orders have no amount"):
        cohort_grid(holed, UNTIL)
    with pytest.raises(ValueError, match="1 orders have no amount"):
        revenue_per_customer(holed, UNTIL, 1)


@pytest.mark.parametrize("engine", [lambda f: f, pl.from_pandas, lambda f: pl.from_pandas(f).to_arrow()])
@pytest.mark.parametrize("function", [cohort_grid, time_to_next_order])
def test_an_order_without_date_is_not_dropped(six, engine, function):
    with pytest.raises(ValueError, match="1 orders have no ordered_at"):
        function(engine(six.assign(ordered_at=six["ordered_at"].where(six.index != 3))), UNTIL)


@pytest.mark.parametrize("kind", ["int16", "int32", "int64", "float32", "Int32"])
def test_whole_amounts_of_any_width_are_summed_without_overflow(kind):
    orders = log(*[(c, "2024-01-05", 30_000) for c in range(20)])
    narrow = orders.astype({"amount": kind})
    for frame in (narrow, pl.from_pandas(narrow), duckdb.connect().from_arrow(pl.from_pandas(narrow).to_arrow())):
        assert cohort_grid(frame, "2024-01-31")["revenue"].tolist() == [600_000.0]


# --- CDNOW, all 69,659 purchases ---


@pytest.fixture(scope="module")
def cdnow():
    path = Path(__file__).parents[2] / "data" / "raw" / "cdnow" / "orders.csv"
    return pd.read_csv(path, parse_dates=["ordered_at"], dtype={"customer_id": "str"})


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


def test_cdnow_curve_equals_lifelines_and_statsmodels(cdnow):
    made = time_to_next_order(cdnow, "1998-06-30")
    assert_same_as_lifelines(made, cdnow, "1998-06-30", 0.90)
    days, came = durations(cdnow, "1998-06-30")
    fitted = SurvfuncRight(days, came)
    falling = made[made["events"] > 0]
    np.testing.assert_array_equal(falling["days"], fitted.surv_times)
    np.testing.assert_allclose(falling["not_yet_ordered"], fitted.surv_prob, atol=1e-12)
    within = repurchased_within(made, 90)
    lifelines_90 = KaplanMeierFitter().fit(days, came).predict(90)
    assert within.value == pytest.approx(1 - lifelines_90, abs=1e-12)
    assert within.n == 23_570


def test_cdnow_median_is_refused_where_half_never_return(cdnow):
    refused = median_days(time_to_next_order(cdnow, "1998-06-30"))
    assert isinstance(refused, Refused)
    assert 0.49 < refused.seen < 0.50


# --- random logs ---

LOGS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 200), st.integers(0, 86_399), st.integers(0, 10_000), st.booleans()),
    min_size=1,
    max_size=40,
)


def random_log(rows):
    """Orders of up to nine customers over New Year and a leap day; amounts in cents, some paid back in part."""
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "second", "cents", "refund"])
    at = pd.Timestamp("2023-11-15") + pd.to_timedelta(frame["day"], "D") + pd.to_timedelta(frame["second"], "s")
    amount = frame["cents"] / 100
    return frame[["customer_id"]].assign(
        ordered_at=at, amount=amount, refunded=amount.where(frame["refund"], 0), sold_through=frame["refund"].map(str)
    )


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


@given(LOGS, st.integers(0, 220), st.integers(1, 3), st.sampled_from(["collapse", "keep"]))
@settings(max_examples=60, deadline=None)
def test_survival_never_rises_and_counts_everyone_once(rows, last, after_order, same_day):
    until = pd.Timestamp("2023-11-15") + pd.Timedelta(days=last)
    curve = time_to_next_order(random_log(rows), until, after_order, same_day=same_day)
    assert (curve["not_yet_ordered"].diff().dropna() <= 1e-12).all()
    assert (curve["low"] <= curve["not_yet_ordered"] + 1e-12).all()
    assert (curve["not_yet_ordered"] <= curve["high"] + 1e-12).all()
    assert curve["days"].is_monotonic_increasing
    assert (curve["events"] <= curve["at_risk"]).all()
    orders = random_log(rows)
    orders = orders[orders["ordered_at"] < until + pd.Timedelta(days=1)]
    days = orders.assign(day=orders["ordered_at"].dt.normalize())
    placed = (days.drop_duplicates(["customer_id", "day"]) if same_day == "collapse" else days)["customer_id"]
    reached = (placed.value_counts() >= after_order).sum()
    assert curve["at_risk"].max() == reached if reached else curve.empty
    assert curve["events"].sum() == (placed.value_counts() > after_order).sum()


@given(LOGS)
@settings(max_examples=15, deadline=None)
def test_pandas_and_polars_agree(rows):
    orders = random_log(rows)
    same_answers(orders, pl.from_pandas(orders).lazy(), "2024-04-30")


@given(LOGS, st.integers(100, 220))
@settings(max_examples=30, deadline=None)
def test_random_curves_equal_lifelines(rows, last):
    orders, until = random_log(rows), pd.Timestamp("2023-11-15") + pd.Timedelta(days=last)
    if (orders["ordered_at"] < until).any():
        assert_same_as_lifelines(time_to_next_order(orders, until), orders, until, 0.90)


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
