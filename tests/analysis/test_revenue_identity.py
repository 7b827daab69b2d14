"""Why revenue changed: by hand, to the cent on any log, and the worked example of the source articles."""

import math

import pandas as pd
import pytest
from audit_logs import ENGINES, FROM, UNTIL, holder, log, logs
from hypothesis import given, settings
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.revenue_identity import naive_formula, revenue_change, revenue_identity
from siyu_helpers.data import brands

WINDOWS = {"before": ("2024-01-01", "2024-01-31"), "after": ("2024-02-01", "2024-02-29")}
LOG = [
    ("ana", "2024-01-05", 10.0), ("ben", "2024-01-31 23:59", 30.0, 10.0),
    ("ana", "2024-02-01", 20.0), ("ben", "2024-02-15", 20.0), ("cy", "2024-02-15", 20.0), ("dee", "2024-02-29", 20.0),
    ("dee", "2024-02-29", 20.0), ("dee", "2024-02-28", 20.0),
    ("ana", "2023-06-01", 500.0), ("ana", "2024-03-01", 500.0), (None, "2024-02-01", 500.0),
]  # fmt: skip


def touches(n_before, n_after):
    """Visits of the buyers above, and of as many others as it takes."""
    named = {"2024-01-01": ["ana", "ben"], "2024-02-27": ["ana", "ben", "cy", "dee"]}
    rows = [(who, day, who) for day, people in named.items() for who in people]
    for day, n, known in (("2024-01-01", n_before, 2), ("2024-02-27", n_after, 4)):
        rows += [(f"other {day} {i}", day, None) for i in range(n - known)]
    frame = pd.DataFrame(rows, columns=["visitor_id", "touched_at", "customer_id"])
    return frame.assign(touched_at=pd.to_datetime(frame["touched_at"]))


def test_four_factors_by_hand():
    """Before 100 x 2% x 1 x 15 = 30; after 100 x 4% x 1.5 x 20 = 120: ln 4 = 0 + ln 2 + ln 1.5 + ln 4/3."""
    made = revenue_identity(log(*LOG), UNTIL, touchpoints=touches(100, 100), observed_from=FROM, **WINDOWS)
    assert made["step"].tolist() == [
        "before", "visitors", "conversion", "orders_per_buyer", "average_order_value", "after",
    ]  # fmt: skip
    assert made["before"].tolist() == [30, 100, 0.02, 1, 15, 30]
    assert made["after"].tolist() == [120, 100, 0.04, 1.5, 20, 120]
    mean = (120 - 30) / math.log(4)
    expected = [30, 0, mean * math.log(2), mean * math.log(1.5), mean * math.log(4 / 3), 120]
    assert made["amount"].tolist() == pytest.approx(expected, abs=0.005)
    assert made["amount"].iloc[1:-1].sum() == pytest.approx(90, abs=1e-9)
    found = revenue_change(made)
    assert "buyers" not in found
    assert (found["change"].value, found["visitors"].value, found["conversion"].value) == (90, 0, 45)
    assert "all channels" in found["visitors"].definition.en
    assert made.attrs["touched_share"] == [1, 1]
    assert made.attrs["closed_group"] is False


def test_three_factors_where_visitors_are_not_known():
    made = revenue_identity(log(*LOG), UNTIL, observed_from=FROM, **WINDOWS)
    assert made["step"].tolist()[1] == "buyers"
    assert made["amount"].iloc[1] == 45
    found = revenue_change(made)
    assert isinstance(found["visitors"], Refused)
    assert isinstance(found["conversion"], Refused)
    assert found["buyers"].value == 45
    crowded = revenue_identity(log(*LOG), UNTIL, touchpoints=touches(2, 4).iloc[:4], observed_from=FROM, **WINDOWS)
    assert crowded["step"].tolist()[1] == "buyers"
    assert revenue_change(crowded)["visitors"].gate == "buyers with a recorded visit"  # two of four in February


def test_paid_visitors_where_there_are_no_touches():
    spend = pd.DataFrame({"date": pd.to_datetime(["2024-01-01", "2024-02-02", "2024-02-28"]), "visitors": [50, 20, 20]})
    made = revenue_identity(log(*LOG), UNTIL, spend=spend, observed_from=FROM, **WINDOWS)
    assert made.loc[1, ["before", "after"]].tolist() == [50, 40]
    assert made.attrs["traffic"] == "spend"
    assert "paid channels" in revenue_change(made)["visitors"].definition.en


def test_the_default_is_a_year_against_a_year_or_two_halves_of_whole_weeks():
    orders = log(("a", "2024-01-01", 2.0), ("a", "2024-11-20", 2.0), ("b", "2024-12-31", 3.0))
    year = revenue_identity(orders, UNTIL, observed_from="2023-01-01")
    assert (year.attrs["before"], year.attrs["after"]) == (("2023-01-02", "2024-01-01"), ("2024-01-02", "2024-12-31"))
    assert year[["before", "after"]].iloc[0].tolist() == [2, 5]
    halves = revenue_identity(orders, UNTIL, observed_from="2024-11-01")  # 61 days: 28 and 28
    assert (halves.attrs["before"], halves.attrs["after"]) == (
        ("2024-11-06", "2024-12-03"),
        ("2024-12-04", "2024-12-31"),
    )
    short = revenue_identity(orders, UNTIL, observed_from="2024-11-10")
    assert short.empty
    assert {value.reason_en for value in revenue_change(short).values()} == {"The data cover 52 days; 56 are needed."}


@pytest.mark.parametrize(
    ("orders", "gate"),
    [
        (log(("ana", "2024-02-05", 10.0)), "buyers"),
        (log(("ana", "2024-01-05", 10.0, 12.0), ("ana", "2024-02-05", 10.0)), "revenue not negative"),
    ],
)
def test_what_cannot_be_split_is_refused(orders, gate):
    made = revenue_identity(orders, UNTIL, observed_from=FROM, **WINDOWS)
    assert made.empty
    assert made.attrs["refused"].gate == gate
    assert all(value.gate == gate for value in revenue_change(made).values())
    outside = revenue_identity(log(*LOG), "2024-02-28", observed_from=FROM, **WINDOWS)
    assert outside.attrs["refused"].gate == "periods observed whole"


def test_revenue_that_rose_from_nothing_is_the_order_values_doing():
    made = revenue_identity(
        log(("a", "2024-01-05", 7.0, 7.0), ("a", "2024-02-05", 9.0)), UNTIL, observed_from=FROM, **WINDOWS
    )
    assert dict(zip(made["step"], made["amount"], strict=True)) == {
        "before": 0, "buyers": 0, "orders_per_buyer": 0, "average_order_value": 9, "after": 9,
    }  # fmt: skip
    assert made.attrs["closed_group"] is True


@pytest.mark.parametrize(
    "windows",
    [{"before": WINDOWS["before"]}, {"before": WINDOWS["after"], "after": WINDOWS["before"]},
     {"before": ("2024-01-31", "2024-01-01"), "after": WINDOWS["after"]}],
)  # fmt: skip
def test_impossible_windows_are_mistakes(windows):
    with pytest.raises(ValueError, match="before"):
        revenue_identity(log(*LOG), UNTIL, observed_from=FROM, **windows)


@settings(max_examples=40, deadline=None)
@given(logs())
def test_the_bars_add_up_to_the_cent(orders):
    windows = {"before": ("2022-01-01", "2023-06-30"), "after": ("2023-07-01", UNTIL)}
    made = revenue_identity(orders, UNTIL, observed_from=FROM, **windows)
    cents = ((orders["amount"] - orders["refunded"]) * 100).round().astype("int64")
    late = orders["ordered_at"] >= "2023-07-01"
    if late.all() or not late.any():
        assert made.attrs["refused"].gate == "buyers"
        return
    amount = (made["amount"] * 100).round().astype("int64").tolist()
    assert amount[0] == cents[~late].sum()
    assert amount[-1] == sum(amount[:-1]) == cents[late].sum()
    product = made[["before", "after"]].iloc[1:-1].prod()
    assert product["before"] == pytest.approx(amount[0] / 100, abs=0.005)
    assert product["after"] == pytest.approx(amount[-1] / 100, abs=0.005)


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_row_order_and_names_of_customers_do_not_matter(engine):
    def made(orders, seen, hold):
        return revenue_identity(hold(orders), UNTIL, touchpoints=hold(seen), observed_from=FROM, **WINDOWS)

    orders, seen = log(*LOG), touches(30, 40)
    expected = made(orders, seen, holder("pandas"))
    assert_frame_equal(made(orders, seen, holder(engine)), expected)
    codes = {"ana": 4, "ben": 3, "cy": 2, "dee": 1}
    renamed = orders.dropna(subset="customer_id").sample(frac=1, random_state=2)
    renamed = renamed.assign(customer_id=renamed["customer_id"].map(codes))
    seen = seen.assign(customer_id=seen["customer_id"].map(codes).astype("Int64")).sample(frac=1, random_state=2)
    assert_frame_equal(made(renamed, seen, holder(engine)), expected)


# --- the naive formula ---


def test_the_example_of_the_source_articles():
    """10,000 visitors x 5% x 200 x 30% "=" 30,000, below the 100,000 of first orders alone (methods.md)."""
    first = [(i, "2024-06-01", 200.0) for i in range(500)]
    again = [(i, "2024-07-01", 200.0) for i in range(150)]
    found = {name: value.value for name, value in naive_formula(log(*first, *again), UNTIL, observed_from=FROM).items()}
    assert found == pytest.approx({
        "actual": 130_000, "naive": 30_000, "share_missing": 10 / 13, "buyers": 500, "average_order_value": 200,
        "repurchase_rate": 0.3, "orders_per_buyer": 1.3,
    })  # fmt: skip


def test_orders_of_one_day_are_no_repurchase():
    found = naive_formula(log((1, "2024-06-01", 5.0), (1, "2024-06-01", 5.0)), UNTIL, observed_from=FROM)
    assert (found["repurchase_rate"].value, found["orders_per_buyer"].value) == (0, 2)
    assert (found["naive"].value, found["share_missing"].value) == (0, 1)


@pytest.mark.parametrize(
    ("orders", "until", "within", "gate"),
    [
        (log((1, "2024-06-01", 5.0)), "2024-06-20", None, "days observed"),
        (log((1, "2024-06-01", 5.0)), UNTIL, ("2024-12-01", "2025-01-31"), "periods observed whole"),
        (log((1, "2024-06-01", 5.0)), UNTIL, ("2024-11-01", "2024-11-30"), "customers"),
        (log((1, "2024-06-01", 5.0, 5.0)), UNTIL, None, "revenue above zero"),
    ],
)
def test_the_naive_formula_needs_revenue(orders, until, within, gate):
    found = naive_formula(orders, until, within, observed_from="2024-06-01")
    assert {value.gate for value in found.values()} == {gate}


def test_cdnow_follows_a_fixed_group():
    brand = brands.load("cdnow")
    made = revenue_identity(brand.scan("orders"), brand.observed_until, **brand.history)
    assert made.attrs["closed_group"] is True
    orders = brand.table("orders")
    late = orders["ordered_at"] >= "1997-10-01"
    assert made["amount"].iloc[[0, -1]].tolist() == [
        round(orders.loc[~late, "amount"].sum(), 2), round(orders.loc[late, "amount"].sum(), 2),
    ]  # fmt: skip
    found = naive_formula(brand.scan("orders"), brand.observed_until, **brand.history)
    assert all(isinstance(value, Estimate) and value.is_exact for value in found.values())
    assert found["naive"].value == pytest.approx((1 - found["share_missing"].value) * found["actual"].value)
