"""Lesson 03: costs by hand on a small brand, and on each invented brand by another way of counting."""

import datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import acquisition_cost as lesson


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    brand = brands.load(request.param)
    handed_out = lesson.tables(brand)
    return brand, handed_out, {made.key: made for made in lesson.exercises(brand, handed_out)}


def small_brand():
    """One old customer who orders every quarter from 2023-12; 200 new ones in January 2024 and in January 2025."""
    days = ["2023-12-05", "2024-01-05", "2025-01-05"]
    rows = [("old", day, "feed") for day in days]
    for year, channels in (("2024", ["feed"] * 200), ("2025", ["feed"] * 100 + ["direct"] * 100)):
        rows += [(f"{year}-{at}", f"{year}-01-10", channel) for at, channel in enumerate(channels)]
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "acquired_through"])
    orders["ordered_at"] = pd.to_datetime(orders["ordered_at"])
    orders = orders.assign(amount=50.0, refunded=0.0, cost=20.0, platform_fee=None)
    months = pd.to_datetime(["2023-12-01", "2024-01-01", "2025-01-01"])
    given = {
        "orders": orders,
        "spend": pd.DataFrame({"date": months, "channel": "feed", "spend": [10.0, 2000.0, 3000.0]}),
        "pool_costs": pd.DataFrame({"month": months[2:], "item": "staff", "amount": [400.0]}),
        "messages": pd.DataFrame({"sent_at": months[2:], "cost": [0.05]}),
    }
    return SimpleNamespace(table=lambda name: given[name].copy(), observed_until=datetime.date(2025, 12, 31))


def test_small_brand_by_hand():
    """New in January 2024: 200 (the old customer came in 2023), in January 2025: 200. Cost 10 and then 15: 1.5 times.
    From an export that begins in 2024, the old customer is new in January 2024."""
    handed_out = lesson.tables(small_brand())
    customers, spend = handed_out["customers"], handed_out["spend"]
    assert customers.set_index("customer").loc["old"].tolist() == ["2023-12", "feed"]
    assert customers["first_month"].value_counts().to_dict() == {"2024-01": 200, "2025-01": 200, "2023-12": 1}
    assert handed_out["pool_costs"].to_numpy().tolist() == [["2025-01", 400.05]]
    assert handed_out["orders"].groupby("customer")["age_days"].max()["old"] == 397  # 2023-12-05 to 2025-01-05
    assert set(handed_out["orders"]["contribution"]) == {30.0}
    ratio = (3000 / 200) / (2000 / 200)
    counts = customers["first_month"].value_counts()
    money = spend.set_index("month")["spend"]
    assert (money / counts)["2025-01"] / (money / counts)["2024-01"] == pytest.approx(ratio)


def test_paid_and_loaded_cost_counted_with_sets(opened):
    brand, _, made = opened
    given = brand.table("orders").sort_values("ordered_at")
    since = pd.Timestamp("2025-01-01")
    old = set(given.loc[given["ordered_at"] < since, "customer_id"])
    new = given[(given["ordered_at"] >= since) & ~given["customer_id"].isin(old)].drop_duplicates("customer_id")
    spend = brand.table("spend")
    money = spend.loc[spend["date"] >= since, "spend"].sum()
    assert made["paid_cost"].right == pytest.approx(
        money / new["acquired_through"].isin(set(spend["channel"])).sum(), rel=1e-3
    )
    pool, sent = brand.table("pool_costs"), brand.table("messages")
    own = pool.loc[pool["month"] >= since, "amount"].sum() + sent.loc[sent["sent_at"] >= since, "cost"].sum()
    assert made["fully_loaded_cost"].right == pytest.approx((money + own) / len(new))


def test_cut_export_makes_cost_rise(opened):
    """The true ratio by sets of customers; from the export, those who bought before it are new again."""
    brand, _, made = opened
    given, spend = brand.table("orders"), brand.table("spend")

    def cost(first, last, seen_from):
        rows = given[given["ordered_at"] >= seen_from]
        before = set(rows.loc[rows["ordered_at"] < first, "customer_id"])
        now = set(rows.loc[rows["ordered_at"].between(first, last, inclusive="left"), "customer_id"])
        return spend.loc[spend["date"].between(first, last, inclusive="left"), "spend"].sum() / len(now - before)

    quarters = ("2024-01-01", "2024-04-01"), ("2025-01-01", "2025-04-01")
    ratios = {}
    for seen_from in ("2023-01-01", "2024-01-01"):
        before, after = (cost(*quarter, seen_from) for quarter in quarters)
        ratios[seen_from] = after / before
    question = made["cost_after_a_year"]
    assert question.right == pytest.approx(ratios["2023-01-01"])
    assert question.check(ratios["2024-01-01"]).name == "first_order_in_the_export"
    assert ratios["2024-01-01"] > ratios["2023-01-01"]


def test_payback_from_the_raw_tables(opened):
    brand, _, made = opened
    given = brand.table("orders").sort_values("ordered_at", kind="stable")
    spend = brand.table("spend")
    first = given.drop_duplicates("customer_id").set_index("customer_id")
    ours = first[(first["ordered_at"] < "2025-01-01") & first["acquired_through"].isin(set(spend["channel"]))]
    rows = given[given["customer_id"].isin(ours.index)]
    begun = rows["customer_id"].map(ours["ordered_at"]).dt.normalize()
    rows = rows[(rows["ordered_at"].dt.normalize() - begun).dt.days < 365]
    earned = sum(rows[name].fillna(0).sum() * sign for name, sign in
                 (("amount", 1), ("refunded", -1), ("cost", -1), ("platform_fee", -1)))  # fmt: skip
    spent = spend.loc[spend["date"] < "2025-01-01", "spend"].sum()
    assert made["paid_back_in_a_year"].right == pytest.approx(earned / spent, rel=1e-3)
