"""A brand's inputs of the profit identities, by hand and from the raw tables of an invented brand."""

import pandas as pd
import pytest

from siyu_helpers.analysis.acquisition.costs import cost_table
from siyu_helpers.analysis.acquisition.profit_inputs import KEYS, brand_identities, brand_inputs
from siyu_helpers.analysis.estimates import Estimate, Refused

UNTIL = "2024-12-31"
MONTHS = pd.period_range("2023-01", "2024-12", freq="M")


@pytest.fixture
def tables():
    """Each month of two years: 10 visits a day, 20 customers of feed for 600, 5 direct; half of feed order again."""
    rows, spend = [], []
    for number, month in enumerate(MONTHS):
        start = month.start_time
        for at in range(25):
            channel = "feed" if at < 20 else "direct"
            rows.append((number * 100 + at, start + pd.Timedelta(hours=at), 100.0, channel))
            if at < 10:
                rows.append((number * 100 + at, start + pd.Timedelta(days=40), 60.0, channel))
        for day in pd.date_range(start, month.end_time.normalize()):
            spend.append((day, "feed", 600.0 * (day == start), 10))
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount", "acquired_through"])
    orders = orders[orders["ordered_at"] < pd.Timestamp("2025-01-01")]
    pool = pd.DataFrame({"month": [str(month) + "-01" for month in MONTHS], "item": "staff", "amount": 50.0})
    return orders, pd.DataFrame(spend, columns=["date", "channel", "spend", "visitors"]), pool


def test_by_hand(tables):
    orders, spend, pool = tables
    costs = cost_table(spend, orders, UNTIL)
    found = brand_inputs(orders, costs, UNTIL, spend, pool, gross_margin=0.5)
    assert set(found) == set(KEYS)
    assert found["new_customers"].value == 240
    assert found["traffic"].value == 3660  # 10 visits on each of the 366 days of 2024
    assert found["conversion"].value == pytest.approx(240 / 3660)
    assert found["customer_acquisition_cost"].value == pytest.approx(30)
    assert found["fixed_cost"].value == 600
    # Customers of 2023, all observed for a year: 20 first orders of 100 and 10 of 60 a month.
    assert found["first_order_value"].value == pytest.approx(100)
    assert found["average_order_value"].value == pytest.approx(2600 / 30)
    assert found["orders_per_customer"].value == pytest.approx(1.5)
    assert found["contribution_rate"].value == pytest.approx(0.5)
    assert found["orders_per_customer"].n == 240
    both = brand_identities(found)
    assert both["source"].attrs["profit"] == pytest.approx(240 * 70)
    assert both["full"].attrs["profit"] == pytest.approx(240 * (65 - 30) - 600)
    assert both["full"].attrs["fixed_cost_known"]


def test_what_is_not_known_is_refused_and_the_rest_stands(tables):
    orders, spend, _ = tables
    costs = cost_table(spend, orders, UNTIL)
    found = brand_inputs(orders, costs, UNTIL, gross_margin=0.5)
    refused = {name for name, number in found.items() if isinstance(number, Refused)}
    assert refused == {"traffic", "conversion", "fixed_cost"}
    both = brand_identities(found)
    assert both["source"]["factor"].tolist()[0] == "new_customers"
    assert both["full"].attrs["profit"] == pytest.approx(240 * (65 - 30))
    assert not both["full"].attrs["fixed_cost_known"]
    no_margin = brand_inputs(orders, costs, UNTIL, spend)
    assert no_margin["contribution_rate"].gate == "contribution"
    both = brand_identities(no_margin)
    assert both["full"] is no_margin["contribution_rate"]
    assert both["source"].attrs["profit"] == pytest.approx(240 * 70)


def test_short_histories_and_brands_without_spend(tables):
    orders, spend, pool = tables
    early = orders[orders["ordered_at"] < "2023-12-01"]
    eleven = cost_table(spend, early, "2023-11-30")
    assert all(isinstance(number, Refused) for number in brand_inputs(early, eleven, "2023-11-30", spend).values())
    late = orders[orders["ordered_at"] >= "2023-07-01"]
    some = cost_table(spend, late, UNTIL, observed_from="2023-07-01")
    found = brand_inputs(late, some, UNTIL, spend, pool, 0.5, observed_from="2023-07-01")
    assert isinstance(found["customer_acquisition_cost"], Estimate)
    assert found["orders_per_customer"].gate == "months observed for a year"
    none = cost_table(spend.assign(spend=0.0), orders, UNTIL)
    assert brand_inputs(orders, none, UNTIL, spend)["new_customers"].gate == "spend"
    nameless = orders.drop(columns="acquired_through")
    no_channel = brand_inputs(nameless, cost_table(spend, nameless, UNTIL), UNTIL, spend, gross_margin=0.5)
    assert isinstance(no_channel["orders_per_customer"], Refused)
    why = Refused("spend", 0, 1, "没有投放。", "No spend.")
    assert brand_inputs(orders, why, UNTIL)["traffic"] is why


def test_a_cost_table_of_another_kind_is_an_error(tables):
    orders, spend, _ = tables
    with pytest.raises(ValueError, match="variant 'paid'"):
        brand_inputs(orders, cost_table(spend, orders, UNTIL, lag_days=7), UNTIL)


def test_rows_in_any_order_give_the_same(tables):
    orders, spend, pool = tables
    costs = cost_table(spend, orders, UNTIL)
    found = brand_inputs(orders, costs, UNTIL, spend, pool, gross_margin=0.5)
    mixed = orders.sample(frac=1, random_state=1)
    assert brand_inputs(mixed, costs, UNTIL, spend.sample(frac=1, random_state=2), pool, gross_margin=0.5) == found


def test_an_invented_brand_against_its_raw_tables():
    from siyu_helpers.data import brands

    try:
        brand = brands.load("xiaoman")
    except brands.UnknownBrandError:
        pytest.skip("make samples")
    until, told = brand.observed_until, brand.history
    costs = cost_table(brand.scan("spend"), brand.scan("orders"), until, **told)
    found = brand_inputs(
        brand.scan("orders"), costs, until, brand.scan("spend"), brand.scan("pool_costs"), None, **told
    )
    spend, orders = brand.table("spend"), brand.table("orders").sort_values("ordered_at")
    last = spend[spend["date"] >= "2025-01-01"]
    assert found["traffic"].value == last["visitors"].sum()
    first = orders.drop_duplicates("customer_id").set_index("customer_id")
    paid = first[first["acquired_through"].isin(set(spend["channel"]))]
    new = paid[paid["ordered_at"] >= "2025-01-01"]
    assert found["new_customers"].value == len(new)
    assert found["customer_acquisition_cost"].value == pytest.approx(last["spend"].sum() / len(new))
    year = paid[(paid["ordered_at"] >= "2024-01-01") & (paid["ordered_at"] < "2025-01-01")]
    theirs = orders[orders["customer_id"].isin(year.index)]
    age = theirs["ordered_at"].dt.normalize() - theirs["customer_id"].map(year["ordered_at"]).dt.normalize()
    theirs = theirs[age.dt.days < 365]
    revenue = (theirs["amount"] - theirs["refunded"].fillna(0)).sum()
    earned = revenue - theirs["cost"].sum() - theirs["platform_fee"].fillna(0).sum()
    assert found["orders_per_customer"].value == pytest.approx(len(theirs) / len(year))
    assert found["average_order_value"].value == pytest.approx(revenue / len(theirs))
    assert found["contribution_rate"].value == pytest.approx(earned / revenue)
