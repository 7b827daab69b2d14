"""Cohort grid from the Parquet cache against the pandas groupby that an analyst would write on the raw export.

    make bench                                  10 million orders of 2 million customers, about two minutes
    SIYU_BENCH_ORDERS=1000000 make bench        fewer

The export is a CSV file whose customer keys are texts as long as a WeChat openid; the cache has whole numbers instead.
Reading the cache is part of `cohort_grid`'s time. Reading the export is timed beside the grouping, not in it. The
shorter of two turns counts on both sides: what else the machine does then weighs less.
"""

import os
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.repurchase_cohorts import cohort_grid

ORDERS = int(os.environ.get("SIYU_BENCH_ORDERS", "10_000_000"))
CUSTOMERS = max(1, ORDERS // 5)
UNTIL = "2023-12-31"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three years of orders, at least one of everybody: export.csv, and orders.parquet as the data floor caches it."""
    rng = np.random.default_rng(1)
    customer = np.append(np.arange(CUSTOMERS), rng.integers(0, CUSTOMERS, ORDERS - CUSTOMERS))
    seconds = rng.integers(0, 3 * 365 * 86_400, ORDERS)
    orders = pl.DataFrame(
        {
            "customer_id": customer,
            "ordered_at": np.datetime64("2021-01-01T00:00:00", "us") + seconds.astype("timedelta64[s]"),
            "amount": rng.integers(100, 50_000, ORDERS) / 100,
        }
    )
    path = tmp_path_factory.mktemp("bench")
    orders.write_parquet(path / "orders.parquet")
    openids = pl.Series([f"oGZUI0{i * 2_654_435_761 % 2**64:022x}" for i in range(CUSTOMERS)])
    orders.with_columns(customer_id=openids.gather(customer)).write_csv(path / "export.csv")
    return path


def plain_pandas(orders):
    """Monthly cohorts as an analyst writes them in a notebook."""
    orders["month"] = orders["ordered_at"].dt.to_period("M")
    orders["cohort"] = orders.groupby("customer_id")["ordered_at"].transform("min").dt.to_period("M")
    cells = orders.groupby(["cohort", "month"])
    return cells.agg(active=("customer_id", "nunique"), orders=("customer_id", "size"), revenue=("amount", "sum"))


def timed(function, turns=2):
    """Return what the function returns, and the seconds of its shortest turn."""
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        made = function()
        seconds.append(time.perf_counter() - began)
    return made, min(seconds)


def test_cohort_grid_against_pandas(benchmark, folder, capsys):
    raw, reading = timed(lambda: pd.read_csv(folder / "export.csv", parse_dates=["ordered_at"]))
    plain, grouping = timed(lambda: plain_pandas(raw))
    made, ours = benchmark.pedantic(
        lambda: timed(lambda: cohort_grid(pl.scan_parquet(folder / "orders.parquet"), UNTIL)), rounds=1, iterations=1
    )
    lived = made[made["active"] > 0]
    np.testing.assert_array_equal(lived[["active", "orders"]], plain[["active", "orders"]])
    np.testing.assert_allclose(lived["revenue"], plain["revenue"])
    benchmark.extra_info.update(orders=ORDERS, pandas_reading=reading, pandas_grouping=grouping, ratio=grouping / ours)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{ORDERS:,} orders: pandas reads the export in {reading:.1f} s and groups it in {grouping:.1f} s; "
            f"cohort_grid from the cache {ours:.1f} s: {grouping / ours:.1f}x, reading included "
            f"{(reading + grouping) / ours:.1f}x"
        )
