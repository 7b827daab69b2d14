"""Order logs that several test files share: rows written by hand, random ones, and other engines to hold them."""

import duckdb
import ibis
import pandas as pd
import polars as pl
import pytest
from hypothesis import strategies as st

UNTIL = "2024-03-15"


def log(*rows, **columns):
    """Orders from (customer, time, amount, ...) rows; the fourth and later fields are named by `columns`."""
    names = ["customer_id", "ordered_at", "amount", *columns.get("more", [])]
    frame = pd.DataFrame(list(rows), columns=names)
    return frame.assign(
        ordered_at=pd.to_datetime(frame["ordered_at"], format="ISO8601"), amount=frame["amount"].astype(float)
    )


def spark_frame(orders):
    sql = pytest.importorskip("pyspark.sql")
    session = sql.SparkSession.builder.master("local[1]").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    kinds = "customer_id string, ordered_at timestamp, amount double, refunded double, sold_through string"
    return session.createDataFrame(pl.from_pandas(orders).rows(), kinds)


ENGINES = {
    "polars": pl.from_pandas,
    "arrow": lambda orders: pl.from_pandas(orders).to_arrow(),
    "polars lazy": lambda orders: pl.from_pandas(orders).lazy(),
    "duckdb": lambda orders: duckdb.connect().from_arrow(pl.from_pandas(orders).to_arrow()),
    "ibis": lambda orders: ibis.memtable(pl.from_pandas(orders).to_arrow()),
    "pyspark": spark_frame,
}


LOGS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 200), st.integers(0, 86_399), st.integers(0, 10_000), st.booleans()),
    min_size=1,
    max_size=40,
)


def random_log(rows):
    """Orders of up to nine customers over New Year and a leap day; amounts in cents, some paid back in part."""
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "second", "cents", "refund"])
    at = pd.Timestamp("2023-11-15") + pd.to_timedelta(frame["day"], "D") + pd.to_timedelta(frame["second"], "s")
    amount = frame["cents"] / 100
    return frame[["customer_id"]].assign(
        ordered_at=at, amount=amount, refunded=amount.where(frame["refund"], 0), sold_through=frame["refund"].map(str)
    )
