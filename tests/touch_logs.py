"""Engines that hold tables of touches as well as orders, for the test files that share them."""

import polars as pl
import pytest
from order_logs import ENGINES as ORDER_ENGINES


def spark_frame(frame):
    sql = pytest.importorskip("pyspark.sql")
    session = sql.SparkSession.builder.master("local[1]").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    return session.createDataFrame(pl.from_pandas(frame).to_pandas())


#: Those of orders take any frame, but for Spark's, whose columns are named there.
ENGINES = ORDER_ENGINES | {"pyspark": spark_frame}
