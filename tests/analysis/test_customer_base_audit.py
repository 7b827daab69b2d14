"""Lens one of the audit, by hand and by brute force: deciles, numbers of purchases, one-time buyers; and on CDNOW."""

import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from audit_logs import ENGINES, FROM, UNTIL, log, logs
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis import customer_base_audit as audit
from siyu_helpers.analysis.customer_base_audit import deciles, one_period, purchase_counts, spenders
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data import brands


@pytest.fixture
def five():
    """Five customers of 2024: 100 + 20, 40, 40, 0, and 30 paid back in full; an order of 2023, one of nobody."""
    return log(
        ("ana", "2024-01-05", 100.0),
        ("ana", "2024-12-31 23:59", 20.0),
        ("ben", "2024-03-01 09:00", 15.0),
        ("ben", "2024-03-01 18:00", 25.0),
        ("cy", "2024-05-01", 40.0),
        ("dee", "2024-07-01", 0.0),
        ("eli", "2024-08-01", 30.0, 30.0),
        ("cy", "2023-05-01", 999.0),
        (None, "2024-05-01", 500.0),
    )


def test_by_hand(five):
    made = spenders(five, UNTIL, observed_from=FROM)
    assert made.values.tolist() == [[2, 120, 1], [1, 40, 2], [1, 0, 2]]
    found = {name: value.value for name, value in one_period(made).items()}
    assert found == {
        "customers": 5, "revenue": 200, "one_time_share": 4 / 5, "purchases_per_customer": 6 / 5,
        "revenue_per_customer": 40, "top_tenth_share": 60 / 200, "top_fifth_share": 120 / 200,
    }  # fmt: skip
    fifths = deciles(made, parts=5)
    assert fifths["revenue"].tolist() == [120, 40, 40, 0, 0]
    assert fifths["cumulative_share"].tolist() == [0.6, 0.8, 1, 1, 1]
    # Halves: two and a half customers each, so Ana, Ben (or Cy: they are alike) and half of the other.
    assert deciles(made, parts=2)["revenue"].tolist() == [180, 20]
    assert deciles(made)["revenue"].tolist() == [60, 60, 20, 20, 20, 20, 0, 0, 0, 0]
    counts = purchase_counts(made, most=3)
    assert counts["customers"].tolist() == [4, 1, 0]
    assert counts["revenue"].tolist() == [80, 120, 0]
    assert counts["revenue_per_purchase"].tolist()[:2] == [20, 60]
    assert np.isnan(counts["revenue_per_purchase"].iloc[2])


def test_orders_of_one_day_and_refunds_are_parameters(five):
    kept = spenders(five, UNTIL, observed_from=FROM, same_day="keep")
    assert one_period(kept)["one_time_share"].value == 3 / 5
    assert "each order of a day counts" in one_period(kept)["one_time_share"].definition.en
    gross = spenders(five, UNTIL, observed_from=FROM, refunds="gross")
    assert one_period(gross)["revenue"].value == 230
    assert "refunds not taken off" in one_period(gross)["revenue"].definition.en


def test_the_period_is_the_last_whole_one_or_the_one_asked_for(five):
    assert spenders(five, "2024-12-30", observed_from=FROM).attrs["period"] == "2023"
    assert one_period(spenders(five, UNTIL, which="2023", observed_from=FROM))["revenue"].value == 999
    with pytest.raises(ValueError, match="no whole period '2025'; whole are: 2022, 2023, 2024"):
        spenders(five, UNTIL, which="2025", observed_from=FROM)
    with pytest.raises(ValueError, match="same_day must be one of"):
        spenders(five, UNTIL, same_day="merge", observed_from=FROM)


def test_nothing_is_stated_of_a_period_not_observed_whole(five):
    made = spenders(five, "2024-06-30", observed_from="2024-01-01")
    assert made.empty
    assert deciles(made).empty
    assert purchase_counts(made).empty
    assert all(isinstance(value, Refused) and value.seen == 0 for value in one_period(made).values())
    nobody = spenders(five, UNTIL, which="2022", observed_from=FROM)
    assert one_period(nobody)["customers"].reason_en == "No customer ordered in 2022."


@pytest.mark.parametrize(
    "orders",
    [
        log((1, "2024-05-01", 0.0)),
        log((1, "2024-05-01", 7.0, 7.0), (2, "2024-05-01", 3.0, 3.0)),
        log((1, "2024-05-01", 7.0, 9.0)),
    ],
)
def test_no_revenue_has_no_shares(orders):
    made = spenders(orders, UNTIL, observed_from=FROM)
    found = one_period(made)
    assert found["one_time_share"].value == 1
    assert isinstance(found["top_tenth_share"], Refused)
    assert deciles(made)["revenue_share"].isna().all()
    assert deciles(made)["revenue"].sum() == pytest.approx(found["revenue"].value)
    assert purchase_counts(made)["revenue_share"].isna().all()


def test_one_customer_fills_every_decile():
    made = spenders(log((1, "2024-05-01", 10.0)), UNTIL, observed_from=FROM)
    assert deciles(made)["revenue_share"].tolist() == pytest.approx([0.1] * 10)
    assert one_period(made)["top_tenth_share"].value == pytest.approx(0.1)


def shares_by_hand(spends, parts):
    """Each customer cut into `parts` equal slices, the slices sorted and dealt out: exact, in fractions."""
    slices = sorted((Fraction(cents, 100 * parts) for cents in spends for _ in range(parts)), reverse=True)
    return [sum(slices[i * len(spends) : (i + 1) * len(spends)]) for i in range(parts)]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.sampled_from([2, 5, 10]))
def test_deciles_are_those_of_customers_cut_into_slices(spends, parts):
    table = pd.Series(spends).value_counts().rename_axis("cents").reset_index(name="customers")
    table = pd.DataFrame({"purchases": 1, "spend": table["cents"] / 100, "customers": table["customers"]})
    made = deciles(table.sample(frac=1, random_state=1), parts)
    expected = shares_by_hand(spends, parts)
    assert made["revenue"].tolist() == pytest.approx([float(part) for part in expected], abs=1e-9)
    assert made["customers"].sum() == pytest.approx(len(spends))
    if sum(spends):
        assert made["cumulative_share"].iloc[-1] == 1


@settings(max_examples=40, deadline=None)
@given(logs(), st.sampled_from(["year", "half", "quarter", "trailing"]))
def test_the_parts_add_up_to_the_period(orders, rule):
    made = spenders(orders, UNTIL, rule, observed_from=FROM, trailing_days=300)
    until = datetime.datetime.fromisoformat(UNTIL)
    days = {"year": 366, "half": 184, "quarter": 92, "trailing": 300}[rule]
    inside = orders[orders["ordered_at"] > until - datetime.timedelta(days=days)]
    cents = ((inside["amount"] - inside["refunded"]) * 100).round().astype(int)
    assert made["customers"].sum() == inside["customer_id"].nunique()
    assert round((made["spend"] * made["customers"]).sum() * 100) == cents.sum()
    if len(made):
        assert deciles(made)["revenue"].sum() * 100 == pytest.approx(cents.sum(), abs=0.01)
        assert purchase_counts(made)["customers"].sum() == inside["customer_id"].nunique()
        once = inside.assign(day=inside["ordered_at"].dt.date).groupby("customer_id")["day"].nunique().eq(1).mean()
        assert one_period(made)["one_time_share"].value == pytest.approx(once)


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_row_order_and_names_of_customers_do_not_matter(five, engine):
    expected = spenders(five, UNTIL, observed_from=FROM)
    known = five.dropna(subset="customer_id")
    codes = {"ana": 50, "ben": 40, "cy": 30, "dee": 20, "eli": 10}
    renamed = known.assign(customer_id=known["customer_id"].map(codes)).sample(frac=1, random_state=3)
    for orders in (five, renamed):
        assert_frame_equal(spenders(ENGINES[engine](orders), UNTIL, observed_from=FROM), expected)


def test_cdnow_first_half_of_1998_to_the_cent():
    """The same recount in plain pandas; customers and orders of the whole file are checked in test_cdnow."""
    brand = brands.load("cdnow")
    orders = brand.table("orders")
    made = spenders(brand.scan("orders"), brand.observed_until, "half", **brand.history)
    inside = orders[orders["ordered_at"] >= "1998-01-01"]
    found = one_period(made)
    assert found["customers"].value == inside["customer_id"].nunique() == 5_374
    assert round(found["revenue"].value * 100) == round(inside["amount"] * 100).sum() == 47_615_437
    spend = inside.groupby("customer_id")["amount"].sum().sort_values(ascending=False).to_numpy()
    assert found["top_tenth_share"].value == pytest.approx((spend[:537].sum() + 0.4 * spend[537]) / spend.sum())
    assert all(isinstance(value, Estimate) and value.is_exact for value in found.values())
    assert brand.scan("orders").collect().height == 69_659


def test_all_five_lenses_are_offered_here():
    for name in ("two_periods", "movement", "base_by_cohort", "identity", "one_cohort", "cohorts_compared", "stacked"):
        assert callable(getattr(audit, name))
