"""Lens two: who was kept, lost, new, returned; by hand, by sets in Python, conserved on any log."""

import pandas as pd
import pytest
from audit_logs import ENGINES, FROM, UNTIL, holder, log, logs
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.audit_movement import movement, two_periods
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.data import brands

LOG = [
    ("kept", "2022-02-01", 5.0), ("kept", "2023-02-01", 10.0), ("kept", "2024-02-01", 40.0),
    ("kept", "2024-02-01", 1.5), ("lost", "2023-03-01", 20.0), ("lost", "2023-04-01", 7.0),
    ("new", "2024-12-31 23:59:59", 3.0),
    ("back", "2022-12-31", 8.0), ("back", "2024-01-01", 9.0, 2.0),
    ("gone", "2022-06-01", 100.0),
]  # fmt: skip


def status(table, after="2024"):
    rows = table[table["after"] == after].set_index("status")
    return {name: tuple(row[["customers", "revenue_before", "revenue_after"]]) for name, row in rows.iterrows()}


def test_by_hand():
    table = two_periods(log(*LOG), UNTIL, observed_from=FROM)
    assert table["after"].tolist() == ["2023"] * 4 + ["2024"] * 4
    assert status(table) == {"kept": (1, 10, 41.5), "lost": (1, 27, 0), "new": (1, 0, 3), "returned": (1, 0, 7)}
    assert status(table, "2023") == {"kept": (1, 5, 10), "lost": (2, 108, 0), "new": (1, 0, 27), "returned": (0, 0, 0)}
    found = {name: value.value for name, value in movement(table).items()}
    assert found == {
        "customers_before": 2, "customers_after": 3, "kept_share": 0.5, "lost_revenue": 27, "kept_change": 31.5,
        "new_revenue": 3, "returned_revenue": 7, "new_revenue_share": pytest.approx(3 / 51.5),
    }  # fmt: skip
    assert movement(table, "2023")["kept_share"].value == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="no pair that ends in '2022'"):
        movement(table, "2022")


def test_a_truncated_file_does_not_pass_old_customers_off_as_new():
    table = two_periods(log(*LOG), UNTIL, observed_from=FROM, history="truncated", burn_in_days=400)
    first, second = (table[table["after"] == name].set_index("status") for name in ("2023", "2024"))
    assert first["customers"].isna().to_dict() == {
        "kept": False, "lost": False, "new": True, "returned": True, "new_or_returned": False,
    }  # fmt: skip
    assert first.loc["new_or_returned", ["customers", "revenue_after"]].tolist() == [1, 27]
    assert second["customers"].to_dict() == {"kept": 1, "lost": 1, "new": 1, "returned": 1}
    found = movement(table, "2023")
    assert found["customers_after"].value == 2
    assert isinstance(found["new_revenue"], Refused)
    assert isinstance(found["returned_revenue"], Refused)
    assert "cannot be told" in found["new_revenue_share"].reason_en


def test_stated_first_orders_tell_old_from_new():
    stated = pd.DataFrame({"customer_id": ["new", "lost"], "first_order_at": pd.to_datetime(["2019-01-01", None])})
    table = two_periods(log(*LOG), UNTIL, observed_from=FROM, history="truncated", first_order_at=stated)
    assert status(table)["new"] == (0, 0, 0)
    assert status(table)["returned"] == (2, 0, 10)
    assert status(table, "2023")["new"] == (1, 0, 27)


def test_fewer_than_two_whole_periods_are_refused():
    table = two_periods(log(*LOG), "2023-11-30", observed_from=FROM)
    assert table.empty
    found = movement(table)
    assert {value.reason_en for value in found.values()} == {"The data cover 1 whole period; a comparison needs 2."}


def test_a_file_that_follows_a_fixed_group_states_no_new_customers():
    orders = log((1, "2022-05-01", 5.0), (1, "2023-05-01", 5.0), (1, "2024-05-01", 5.0))
    found = movement(two_periods(orders, UNTIL, observed_from=FROM))
    assert found["kept_share"].value == 1
    assert "fixed group" in found["new_revenue_share"].reason_en
    empty_before = movement(two_periods(log((1, "2024-05-01", 5.0)), UNTIL, observed_from=FROM))
    assert empty_before["kept_share"].reason_en == "No customer ordered in 2023."
    assert empty_before["new_revenue_share"].value == 1
    free = movement(two_periods(log((1, "2024-05-01", 0.0)), UNTIL, observed_from=FROM))
    assert isinstance(free["new_revenue_share"], Refused)


@settings(max_examples=25, deadline=None)
@given(logs(), st.sampled_from(["year", "half", "quarter"]))
def test_customers_and_revenue_are_conserved(orders, rule):
    table = two_periods(orders, UNTIL, rule, observed_from=FROM)
    at = orders["ordered_at"].dt.to_period("Q")
    number = {
        "year": at.dt.year,
        "half": at.dt.year * 2 + (at.dt.quarter - 1) // 2,
        "quarter": at.dt.year * 4 + at.dt.quarter - 1,
    }
    orders = orders.assign(at=number[rule], cents=((orders["amount"] - orders["refunded"]) * 100).round().astype(int))
    people = {
        n: set(orders.loc[orders["at"] == n, "customer_id"]) for n in range(orders["at"].min(), orders["at"].max() + 1)
    }
    begin = {"year": 2022, "half": 4044, "quarter": 8088}[rule]
    pairs = table["after"].unique()
    assert len(pairs) == {"year": 2, "half": 5, "quarter": 11}[rule]
    for place, name in enumerate(pairs):
        now, then = begin + place + 1, begin + place
        before, after = people.get(then, set()), people.get(now, set())
        ever = set().union(*(who for n, who in people.items() if n < then))
        expected = {
            "kept": before & after,
            "lost": before - after,
            "new": after - before - ever,
            "returned": (after - before) & ever,
        }
        rows = table[table["after"] == name].set_index("status")
        assert rows["customers"].to_dict() == {status: len(who) for status, who in expected.items()}
        for side, n in (("before", then), ("after", now)):
            assert round(rows[f"revenue_{side}"].sum() * 100) == orders.loc[orders["at"] == n, "cents"].sum()
            assert rows[f"orders_{side}"].sum() == (orders["at"] == n).sum()
        assert rows["change"].tolist() == pytest.approx(
            (rows["revenue_after"] - rows["revenue_before"]).tolist(), abs=1e-6
        )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stated", [False, True])
def test_engines_row_order_and_names_of_customers_do_not_matter(engine, stated):
    orders = log(*LOG)
    codes = {name: place for place, name in enumerate(["new", "back", "gone", "lost", "kept"], start=7)}
    renamed = orders.assign(customer_id=orders["customer_id"].map(codes)).sample(frac=1, random_state=5)
    old = pd.DataFrame({"customer_id": ["new"], "first_order_at": pd.to_datetime(["2019-01-01"])})

    def made(frame, old, hold):
        first = {"first_order_at": hold(old), "history": "truncated"} if stated else {}
        return two_periods(hold(frame), UNTIL, observed_from=FROM, **first)

    expected = made(orders, old, holder("pandas"))
    assert_frame_equal(made(orders, old, holder(engine)), expected)
    assert_frame_equal(made(renamed, old.assign(customer_id=codes["new"]), holder(engine)), expected)


def test_cdnow_has_no_new_customers_after_its_first_quarter():
    brand = brands.load("cdnow")
    table = two_periods(brand.scan("orders"), brand.observed_until, "half", **brand.history)
    last = table[table["after"] == "1998-H1"].set_index("status")
    assert last["customers"].to_dict() == {"kept": 3_463, "lost": 2_958, "new": 0, "returned": 1_911}
    assert round(last["revenue_after"].sum() * 100) == 47_615_437
    assert isinstance(movement(table)["new_revenue_share"], Refused)
