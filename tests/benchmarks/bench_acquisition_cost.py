"""Cost table from the Parquet cache against one Polars group-by that only finds everybody's first order.

    make bench                                  10 million orders of 2 million customers
    SIYU_BENCH_ORDERS=1000000 make bench        fewer

The group-by is the least that anybody must do. The table also looks up the channel of each first order, and sets spend
beside it. Reading the cache is part of both times; the shorter of two turns counts on both sides.
"""

import os
import time

import numpy as np
import polars as pl
import pytest

from siyu_helpers.analysis.acquisition.costs import cost_table

ORDERS = int(os.environ.get("SIYU_BENCH_ORDERS", "10_000_000"))
CUSTOMERS = max(1, ORDERS // 5)
CHANNELS = ["feed", "live", "search", "notes", "direct"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three years of orders, at least one of everybody, and spend on three of five channels every day."""
    rng = np.random.default_rng(1)
    seconds = rng.integers(0, 3 * 365 * 86_400, ORDERS)
    orders = pl.DataFrame(
        {
            "customer_id": np.append(np.arange(CUSTOMERS), rng.integers(0, CUSTOMERS, ORDERS - CUSTOMERS)),
            "ordered_at": np.datetime64("2021-01-01T00:00:00", "us") + seconds.astype("timedelta64[s]"),
            "amount": rng.integers(100, 50_000, ORDERS) / 100,
            "acquired_through": pl.Series(CHANNELS).gather(rng.integers(0, len(CHANNELS), ORDERS)),
        }
    )
    days = np.arange("2021-01-01", "2024-01-01", dtype="datetime64[D]")
    spend = pl.DataFrame({"date": days, "spend": rng.integers(1000, 9000, len(days)) / 100})
    path = tmp_path_factory.mktemp("bench")
    orders.write_parquet(path / "orders.parquet")
    spend.join(pl.DataFrame({"channel": CHANNELS[:3]}), how="cross").write_parquet(path / "spend.parquet")
    return path


def timed(function, turns=2):
    """Return what the function returns, and the seconds of its shortest turn."""
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        made = function()
        seconds.append(time.perf_counter() - began)
    return made, min(seconds)


def test_cost_table_against_one_group_by(benchmark, folder, capsys):
    orders, spend = (pl.scan_parquet(folder / f"{name}.parquet") for name in ("orders", "spend"))
    first = orders.group_by("customer_id").agg(pl.col("ordered_at").min())
    firsts, plain = timed(lambda: first.collect(engine="streaming"))
    made, ours = benchmark.pedantic(
        lambda: timed(lambda: cost_table(spend, orders, "2023-12-31")), rounds=1, iterations=1
    )
    assert made["new_customers"].sum() == len(firsts)
    benchmark.extra_info.update(orders=ORDERS, group_by=plain, ratio=ours / plain)
    with capsys.disabled():
        print(f"\n{ORDERS:,} orders: one group-by {plain:.1f} s, cost_table {ours:.1f} s")  # noqa: T201
