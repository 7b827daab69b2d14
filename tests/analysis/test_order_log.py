"""The order log: dates, keys and amounts as exports have them, contribution, and domains."""

import datetime

import duckdb
import pandas as pd
import polars as pl
import pytest
from order_logs import ENGINES, UNTIL, log
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.repurchase_cohorts import cohort_grid, revenue_per_customer
from siyu_helpers.analysis.repurchase_cycle import time_to_next_order


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


def test_wrong_columns_are_named(six):
    with pytest.raises(ValueError, match="no column 'customer_id'; did you mean 'custmer_id'"):
        cohort_grid(six.rename(columns={"customer_id": "custmer_id"}), UNTIL)
    with pytest.raises(ValueError, match="ordered_at must hold dates"):
        cohort_grid(six.astype({"ordered_at": str}), UNTIL)
    with pytest.raises(ValueError, match="amount must hold numbers"):
        cohort_grid(six.astype({"amount": str}), UNTIL)


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


# --- contribution and domains ---


def dated(**columns):
    frame = pd.DataFrame({"customer_id": [1, 1, 2], "amount": [100.0, 50.0, 80.0]} | columns)
    return frame.assign(ordered_at=pd.to_datetime(["2024-01-05", "2024-01-20", "2024-02-10"]))


def day(text):
    return order_log.day_number(text, "day")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_rule_of_contribution(engine):
    bring = ENGINES[engine]
    if engine == "pyspark":
        pytest.skip("the shared Spark frame has its own columns")
    until = day("2024-02-29")
    assert order_log.contribution_rule(bring(dated()), until) == "none"
    assert order_log.contribution_rule(bring(dated()), until, 0.4) == "margin"
    assert order_log.contribution_rule(bring(dated(cost=[40.0, 20.0, 30.0])), until, 0.4) == "costs"
    holed = dated(cost=[40.0, 20.0, None])
    assert order_log.contribution_rule(bring(holed), until, 0.4) == "margin"
    # The blank comes after the last day: what is not known yet does not count.
    assert order_log.contribution_rule(bring(holed), day("2024-01-31")) == "costs"
    # An order of nobody known is in no table, so its blank cost is of no matter.
    nobody = holed.astype({"customer_id": object}).assign(customer_id=["a", "a", None])
    assert order_log.contribution_rule(bring(nobody), until) == "costs"


def test_contribution_by_hand():
    # 100 - 10 - 40 - 5 = 45; 50 - 20 - 0 (blank fee) = 30; 80 - 80 - 30 - 8 = -38: refunded goods stay a cost.
    orders = dated(cost=[40.0, 20.0, 30.0], platform_fee=[5.0, None, 8.0], refunded=[10.0, 0.0, 80.0])
    for bring in (lambda frame: frame, pl.from_pandas):
        grid = cohort_grid(bring(orders), "2024-02-29", contribution=True, gross_margin=0.5, refunds="gross")
        assert grid["contribution"].tolist() == [75.0, 0.0, -38.0]
        assert grid.attrs["contribution"] == "costs"
        margin = cohort_grid(bring(orders.drop(columns="cost")), "2024-02-29", contribution=True, gross_margin=0.335)
        assert margin["contribution"].tolist() == pytest.approx([140 * 0.335, 0, 0], abs=1e-12)
        neither = cohort_grid(bring(orders.drop(columns="cost")), "2024-02-29", contribution=True)
        assert neither["contribution"].isna().all()
        assert neither.attrs["contribution"] == "none"
    with pytest.raises(ValueError, match="gross_margin must lie between 0 and 1"):
        cohort_grid(orders, "2024-02-29", contribution=True, gross_margin=50)
    words = order_log.contribution_words("costs", None)
    assert "平台扣费" in words.zh
    assert "cost of goods" in words.en
    assert "33.5%" in order_log.contribution_words("margin", 0.335).zh
    assert order_log.no_contribution().gate == "contribution"


CHANNELS = {"search": "public", "live": "public", "notes": "semi", "wecom": "private"}


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "pyspark"])
def test_domains_on_every_engine(engine):
    orders = dated(acquired_through=["notes", None, "a new one"]).iloc[[0, 1, 2, 0]]
    orders = orders.assign(acquired_through=["notes", None, "a new one", "wecom"], amount=[1.0, 2.0, 3.0, 4.0])
    made = order_log.lazy(order_log.with_domain(ENGINES[engine](orders), CHANNELS)).collect("pandas").to_native()
    domain = made.set_index("amount")["domain"].astype(str).to_dict()
    assert domain == {1.0: "semi", 2.0: "unknown", 3.0: "unknown", 4.0: "private"}


def test_domains_are_the_three_and_the_column_is_there():
    orders = dated(acquired_through="live")
    assert order_log.with_domain(orders, CHANNELS)["domain"].tolist() == ["public"] * 3
    assert (
        order_log.with_domain(orders.astype({"acquired_through": "category"}), CHANNELS)["domain"].iloc[0] == "public"
    )
    assert order_log.with_domain(orders, {})["domain"].tolist() == ["unknown"] * 3
    with pytest.raises(ValueError, match=r"the domain of 'live' must be one of .* did you mean 'public'"):
        order_log.with_domain(orders, {"live": "publc"})
    with pytest.raises(ValueError, match="did you mean 'acquired_through'"):
        order_log.with_domain(orders, CHANNELS, "acquired_throu")


def test_first_and_second_days_by_hand(six):
    facts = order_log.paid_orders(six, day(UNTIL), "month", "gross", "sold_through")
    made = order_log.first_and_second(facts, ["period"]).collect("pandas").to_native().set_index("customer_id")
    gap = (made["second_day"] - made["first_day"]).dropna().astype(int).to_dict()
    assert gap == {"ana": 36, "cy": 1, "dee": 43, "fay": 42}
    assert (made["second_period"] - made["first_period"]).dropna().astype(int).to_dict() == {
        "ana": 1, "cy": 1, "dee": 1, "fay": 2,
    }  # fmt: skip
    assert made["group"].to_dict() == {
        "ana": "shop", "ben": "unknown", "cy": "shop", "dee": "app", "eli": "shop", "fay": "app",
    }  # fmt: skip
