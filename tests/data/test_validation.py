"""Validation: limits, keys, and columns that contradict each other."""

import datetime
from pathlib import Path

import polars as pl

from siyu_helpers.data import validation
from siyu_helpers.data.contract import TABLES
from siyu_helpers.data.reading import RawFile, TextTable
from siyu_helpers.data.values import Fault

moment = datetime.datetime.fromisoformat
CONFIG = {
    "observed_from": datetime.date(2024, 1, 1),
    "observed_until": datetime.date(2024, 6, 30),
    "channels": {},
    "unknown_customer": [],
}


def orders(**changes) -> pl.DataFrame:
    times = [moment("2024-01-01"), moment("2024-06-30 23:59:59")]
    return pl.DataFrame(
        {"order_id": ["a", "b"], "customer_id": ["x", "y"], "ordered_at": times, "amount": [0.0, 1.0]} | changes
    )


def faults(frame: pl.DataFrame, table: str = "orders", **config) -> list[tuple[str, list[int]]]:
    return [(f.column, f.rows.to_list()) for f in validation.faults(TABLES[table], frame, CONFIG | config)]


def test_the_edges_of_the_period_and_zero_amounts_are_fine():
    assert faults(orders()) == []


def test_what_lies_outside_is_not():
    outside = [moment("2023-12-31 23:59:59"), moment("2024-07-01")]
    assert sorted(faults(orders(ordered_at=outside))) == [("ordered_at", [0]), ("ordered_at", [1])]
    assert faults(orders(ordered_at=outside), observed_from=None, observed_until=None) == []


def test_a_table_other_than_orders_may_begin_earlier():
    members = pl.DataFrame({"customer_id": ["x"], "joined_at": [moment("2020-01-01")]})
    assert faults(members, "members") == []


def test_a_key_is_repeated_only_where_it_is_whole():
    spend = pl.DataFrame({
        "date": [datetime.date(2024, 1, 1)] * 3 + [None] * 2, "channel": ["a", "b", "a", "a", "a"], "spend": [1.0] * 5,
    })  # fmt: skip
    found = validation.faults(TABLES["spend"], spend, CONFIG)
    assert [(f.rows.to_list(), f.earlier.to_list()) for f in found if f.earlier is not None] == [([2], [0])]


def test_stays_in_the_pool_may_overlap_but_not_repeat():
    at = [moment("2024-01-01")] * 3
    members = pl.DataFrame({"customer_id": ["x"] * 3, "joined_at": at, "account_id": ["w1", "w2", "w1"]})
    assert faults(members, "members") == [("customer_id", [2])]


def test_every_unknown_channel_gets_its_own_suggestion():
    frame = orders(acquired_through=["douyn", "wecon"])
    found = validation.faults(TABLES["orders"], frame, CONFIG | {"channels": {"douyin": "public", "wecom": "private"}})
    assert [fault.remedy for fault in found] == ["Did you mean douyin?", "Did you mean wecom?"]
    assert faults(frame) == []


def test_a_blank_customer_is_fine_once_brand_yml_says_so():
    frame = orders(customer_id=["x", None])
    assert faults(frame) == [("customer_id", [1])]
    assert faults(frame, unknown_customer=[""]) == []


def test_a_refund_of_everything_is_fine_and_more_is_not():
    assert faults(orders(amount=[5.0, 5.0], refunded=[5.0, 5.01])) == [("refunded", [1])]
    assert faults(orders(amount=[5.0, 5.0], refunded=[None, 0.0])) == []


def test_first_orders_are_compared_by_day():
    early = pl.DataFrame({"customer_id": ["x", "y"], "first_order_at": [moment("2024-01-01 12:00"), None]})
    assert validation.first_order_faults(orders(), early) == []
    late = early.with_columns(first_order_at=pl.lit(moment("2024-01-02")))
    assert validation.first_order_faults(orders(), late)[0].rows.to_list() == [0]


def test_problems_hide_what_stands_beside_an_identifier(tmp_path):
    frame = pl.DataFrame({"order_id": ["A1", "A2"], "customer_id": ["mei", "li"], "amount": ["mei", "oops"]})
    text = TextTable(RawFile(Path("orders.csv"), "utf-8", frame.columns, 3), dict(enumerate(frame.columns)), frame, 2)
    fault = Fault("amount", pl.Series([0, 1]), "{value} is not a number.", "Fix.")
    told = validation.problems([fault], text, "orders", [])
    assert [problem.wrong for problem in told] == ["The value (not shown) is not a number.", "'oops' is not a number."]
    assert [problem.line for problem in told] == [2, 3]
