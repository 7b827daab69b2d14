"""The statement of the pool against counting every customer on every boundary."""

import math

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.pool import statement

BASE = pd.Timestamp("2024-01-01")


def stays_of(rows):
    """Rows (customer, first day, days or None) -> members."""

    def at(place):
        return BASE + pd.Timedelta(days=place)

    moments = [(who, at(begin), None if length is None else at(begin + length)) for who, begin, length in rows]
    table = pd.DataFrame(moments, columns=["customer_id", "joined_at", "left_at"])
    return table.astype({"joined_at": "datetime64[us]", "left_at": "datetime64[us]"})


ROWS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 300), st.one_of(st.none(), st.integers(0, 200))), max_size=14
)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.integers(1, 8))
def test_the_statement_adds_up_and_counts_each_customer_once(rows, months):
    table = statement.pool_statement(stays_of(rows), "2024-08-31", months)
    assert (table["opening"] + table["joined"] + table["returned"] - table["lost"] == table["closing"]).all()
    assert table["closing"].tolist()[:-1] == table["opening"].tolist()[1:]
    edges = [*table["month_begins"], pd.Timestamp("2024-09-01")]
    counts = [*table["opening"], table["closing"].iloc[-1]]
    for edge, count in zip(edges, counts, strict=True):
        place = (edge - BASE).days
        inside = {who for who, begin, length in rows
                  if length != 0 and begin < place and (length is None or begin + length >= place)}  # fmt: skip
        assert count == len(inside)
    first = {}
    for who, begin, length in rows:
        if length != 0:
            first[who] = min(first.get(who, math.inf), begin)
    start, stop = ((edge - BASE).days for edge in (edges[0], edges[-1]))
    assert table["joined"].sum() == sum(start <= begin < stop for begin in first.values())


def test_a_year_by_hand():
    members = stays_of([
        (1, 0, None),  # there all the time
        (2, 0, 40), (2, 40, None),  # moved to another account: has not left
        (3, 5, 30), (3, 60, 10),  # left in February, back and gone again in March
        (4, 20, None), (4, 25, None),  # on two accounts
        (5, 91, None),  # joins in April
    ])  # fmt: skip
    table = statement.pool_statement(members, "2024-03-31", 2)
    assert table["month_begins"].tolist() == [pd.Timestamp("2024-02-01"), pd.Timestamp("2024-03-01")]
    assert table[list(statement.COUNTS)].to_numpy().tolist() == [[4, 0, 0, 1, 3], [3, 0, 1, 1, 3]]
    found = statement.statement_figures(table)
    values = {key: one.value for key, one in found.items()}
    assert values == {"pool_opening": 4, "pool_joined": 0, "pool_returned": 1, "pool_lost": 2, "pool_closing": 3,
                      "pool_lost_a_month": pytest.approx(2 / 6.5)}  # fmt: skip


def test_money_is_the_customers_times_their_value():
    table = statement.pool_statement(stays_of([(1, 0, None), (2, 70, None)]), "2024-03-31", 1, value_per_member=12.5)
    assert table[["opening_value", "joined_value", "closing_value"]].to_numpy().tolist() == [[12.5, 12.5, 25.0]]


def test_neither_ids_nor_the_order_nor_the_kind_of_frame_matter():
    members = stays_of([(1, 0, None), (2, 3, 40), (2, 100, None), (3, 50, 20)])
    plain = statement.pool_statement(members, "2024-06-30", 6)
    text = members.assign(customer_id=members["customer_id"].map({1: "z", 2: "a", 3: "m"})).iloc[::-1]
    pd.testing.assert_frame_equal(statement.pool_statement(text, "2024-06-30", 6), plain)
    pd.testing.assert_frame_equal(statement.pool_statement(pl.from_pandas(members).lazy(), "2024-06-30", 6), plain)


def test_the_last_day_of_a_short_month():
    table = statement.pool_statement(stays_of([(1, 0, None)]), "2024-05-30", 4)
    assert [str(day.date()) for day in table["month_begins"]] == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
    ]
    assert table["closing"].tolist() == [1, 1, 1, 1]


def test_odd_brands():
    assert statement.pool_statement(None, "2024-06-30").empty
    for members in (None, stays_of([])):
        figures = statement.statement_figures(statement.pool_statement(members, "2024-06-30"))
        assert all(isinstance(one, Refused) for one in figures.values())
    without_end = stays_of([(1, 0, None)])[["customer_id", "joined_at"]]
    assert statement.pool_statement(without_end, "2024-06-30")["closing"].iloc[-1] == 1
    with pytest.raises(ValueError, match="months"):
        statement.pool_statement(without_end, "2024-06-30", 0)
    with pytest.raises(ValueError, match="value_per_member"):
        statement.pool_statement(without_end, "2024-06-30", 1, math.nan)
