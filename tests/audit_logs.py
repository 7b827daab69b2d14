"""Order logs for the tests of the customer-base audit: by hand, drawn by hypothesis, held by several engines."""

import duckdb
import pandas as pd
import polars as pl
from hypothesis import strategies as st

FROM, UNTIL = "2022-01-01", "2024-12-31"


def log(*rows):
    """Orders from (customer, time, amount[, refunded]) rows."""
    frame = pd.DataFrame([(*row, 0.0)[:4] for row in rows], columns=["customer_id", "ordered_at", "amount", "refunded"])
    return frame.astype({"amount": float, "refunded": float}).assign(
        ordered_at=pd.to_datetime(frame["ordered_at"], format="ISO8601")
    )


ENGINES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "polars lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pl.from_pandas(frame).to_arrow()),
}


def holder(engine):
    """A function that holds frames in an engine; those of one holder can be joined, in DuckDB too."""
    if engine != "duckdb":
        return ENGINES[engine]
    connection = duckdb.connect()
    return lambda frame: connection.from_arrow(pl.from_pandas(frame).to_arrow())


@st.composite
def logs(draw, most=40, refunds=True):
    """One to `most` orders of up to eight customers in three years; amounts in cents, some 0, some paid back."""
    order = st.tuples(
        st.integers(1, 8),
        st.dates(pd.Timestamp(FROM).date(), pd.Timestamp(UNTIL).date()),
        st.integers(0, 10_000_000),
        st.booleans(),
    )
    rows = draw(st.lists(order, min_size=1, max_size=most))
    return log(
        *((who, str(day), cents / 100, cents / 100 if back and refunds else 0.0) for who, day, cents, back in rows)
    )
