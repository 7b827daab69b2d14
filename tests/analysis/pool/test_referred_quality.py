"""Referred customers against others of the same months: by hand, and against statsmodels' weighted regression."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.referral_log import read_referrals
from siyu_helpers.analysis.pool.referred_quality import PARTS, referred_quality

UNTIL = "2024-12-31"


def brand(seed=1, customers=900, share=0.2, per_referrer=3):
    """Customers of three months, some referred, with further orders and refunds; referrers come a month before."""
    rng = np.random.default_rng(seed)
    old = pd.DataFrame({"customer_id": range(1000, 1100), "ordered_at": pd.Timestamp("2023-12-01"), "amount": 5.0})
    referred = rng.random(customers) < share
    who = 1000 + np.cumsum(referred) // per_referrer % 100
    first = pd.DataFrame({
        "customer_id": range(customers),
        "ordered_at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, customers), "D"),
        "amount": rng.gamma(2, 50, customers).round(2),
        "referrer_id": pd.Series(who).where(referred),
    })  # fmt: skip
    again = first[rng.random(customers) < 0.4 + 0.1 * referred].assign(referrer_id=np.nan)
    again["ordered_at"] += pd.to_timedelta(rng.integers(1, 120, len(again)), "D")
    orders = pd.concat([old, first, again], ignore_index=True)
    back = rng.random(len(orders)) < 0.1
    return orders.assign(refunded=np.where(back, (orders["amount"] / 2).round(2), 0.0))


def table_of(orders, days):
    """The same comparison from scratch: one row a customer, with month, group, weight and what was measured."""
    orders = orders.sort_values("ordered_at")
    first = orders.groupby("customer_id").first()
    age = (orders["ordered_at"] - orders["customer_id"].map(first["ordered_at"])).dt.days
    inside = orders[age < days]
    money = inside.assign(net=(inside["amount"] - inside["refunded"]) / 2).groupby("customer_id")
    table = pd.DataFrame({
        "month": first["ordered_at"].dt.strftime("%Y-%m"), "referred": first["referrer_id"].notna(),
        "cluster": first["referrer_id"].fillna(-1 - first.index.to_series()),
        "contribution": money["net"].sum(), "paid": money["amount"].sum(), "back": money["refunded"].sum(),
        "repeat": (orders[(age > 0) & (age < days)].groupby("customer_id").size() > 0),
    })  # fmt: skip
    table["repeat"] = table["repeat"].fillna(False).astype(float)
    table = table[table["month"] > "2023-12"]
    counts = table.groupby(["month", "referred"]).size().unstack()
    ratio = counts[True] / counts[False]
    return table.assign(weight=np.where(table["referred"], 1.0, table["month"].map(ratio)))


@pytest.mark.parametrize(
    ("column", "measure", "scale"), [("contribution", "contribution_short", 1), ("repeat", "repurchase", 100)]
)
def test_difference_equals_a_weighted_regression_with_clusters(column, measure, scale):
    orders = brand()
    found = referred_quality(read_referrals(orders, UNTIL, gross_margin=0.5))
    table = table_of(orders, 90)
    fit = sm.WLS(table[column], sm.add_constant(table[["referred"]].astype(float)), weights=table["weight"]).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(table["cluster"])[0], "use_correction": False}
    )
    groups = table["cluster"].nunique()
    error = fit.bse["referred"] * math.sqrt(groups / (groups - 1))
    gap = found[f"{measure}_difference"]
    assert gap.value == pytest.approx(scale * fit.params["referred"], rel=1e-9)
    assert gap.high - gap.value == pytest.approx(scale * 1.6448536 * error, rel=1e-6)
    assert found[f"{measure}_others"].value == pytest.approx(fit.params["const"], rel=1e-9)
    assert found[f"{measure}_ratio"].value == pytest.approx(1 + fit.params["referred"] / fit.params["const"], rel=1e-9)
    assert gap.n == len(table)


def test_refund_share_is_a_ratio_of_sums():
    orders = brand()
    found = referred_quality(read_referrals(orders, UNTIL, gross_margin=0.5))
    table = table_of(orders, 90)
    for name, side in (("referred", table["referred"]), ("others", ~table["referred"])):
        part = table[side]
        expected = (part["weight"] * part["back"]).sum() / (part["weight"] * part["paid"]).sum()
        assert found[f"refund_{name}"].value == pytest.approx(expected, rel=1e-9)


def test_a_month_without_others_is_left_out():
    orders = brand()
    alone = pd.DataFrame({"customer_id": range(5000, 5040), "ordered_at": pd.Timestamp("2024-06-01"), "amount": 999.0,
                          "referrer_id": 1000, "refunded": 0.0})  # fmt: skip
    one, other = (
        referred_quality(read_referrals(log, UNTIL, gross_margin=0.5)) for log in (orders, pd.concat([orders, alone]))
    )
    assert one["contribution_short_referred"].value == other["contribution_short_referred"].value


def test_only_those_watched_long_enough_count():
    told = read_referrals(brand(), "2024-05-01", gross_margin=0.5)
    found = referred_quality(told, long_days=365)
    assert found["contribution_long_ratio"].gate == "customers on each side"
    watched = (told.people["day"] + 89 <= told.until) & (told.people["month"] > 2023 * 12 + 11)
    assert found["repurchase_difference"].n == watched.sum()


def test_what_is_not_recorded_is_refused():
    orders = brand()
    found = referred_quality(read_referrals(orders.drop(columns="refunded"), UNTIL))
    assert found["refund_referred"].gate == "refunds"
    assert found["contribution_short_ratio"].gate == "contribution"
    assert isinstance(found["repurchase_referred"], Estimate)
    nobody = referred_quality(read_referrals(orders.drop(columns="referrer_id"), UNTIL))
    assert {estimate.gate for estimate in nobody.values()} == {"referrals"}
    assert len(nobody) == 4 * len(PARTS)


def test_odd_brands():
    orders = brand()
    for odd in (orders.assign(amount=0.0, refunded=0.0), orders[:1], orders[:0], brand(share=1.0), brand(share=0.0)):
        found = referred_quality(read_referrals(odd, UNTIL, gross_margin=0.5))
        assert all(isinstance(estimate, Estimate | Refused) for estimate in found.values())
    free = referred_quality(read_referrals(orders.assign(amount=0.0, refunded=0.0), UNTIL, gross_margin=0.5))
    assert free["refund_ratio"].gate == "amounts"
    assert free["contribution_short_ratio"].gate == "something to compare"
    assert free["contribution_short_difference"].value == 0
