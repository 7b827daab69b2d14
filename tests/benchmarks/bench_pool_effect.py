"""Does joining cause repurchase: weekly trials, balance and four estimators, by time and peak of memory.

make bench                                     100,000 customers, two years
SIYU_BENCH_JOINERS_OF=20000 make bench         fewer customers

Each task runs in a process of its own, so that the peak of its memory is its own. Seconds are those of the processor:
on one thread what a machine at rest takes, however busy this one is. The tables are those of an invented
brand, read from Parquet the way the data floor caches them.
"""

import datetime
import json
import os
import subprocess
import sys

import pytest

from siyu_helpers.data.simulate import simulate

CUSTOMERS = int(os.environ.get("SIYU_BENCH_JOINERS_OF", "100_000"))

HEAD = """
import json, resource, sys, time
import polars as pl
from siyu_helpers.analysis.effect.histories import read_histories
from siyu_helpers.analysis.effect.trials import weekly_trials
folder = sys.argv[1]
orders, members, customers, touchpoints = (
    pl.scan_parquet(f"{folder}/{name}.parquet") for name in ("orders", "members", "customers", "touchpoints")
)
def said(**facts):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(facts | {"megabytes": round(peak)}))
began = time.process_time()
"""

TRIALS = """
told = read_histories(orders, members, "2025-12-31", customers=customers, touchpoints=touchpoints)
seconds = [time.process_time() - began]
rows = []
for horizon in (30, 90, 180):
    rows.append(len(weekly_trials(None, None, None, horizon, histories=told)))
    seconds.append(time.process_time() - began)
said(customers=len(told.customers), orders=len(told.person), rows=rows, seconds=seconds)
"""

EVERYTHING = """
from siyu_helpers.analysis.effect.balances import balance
from siyu_helpers.analysis.effect.estimators import average_treatment_effect
trials = weekly_trials(orders, members, "2025-12-31", 90, customers=customers, touchpoints=touchpoints)
steps = {"trials": time.process_time() - began}
columns, weights = trials.attrs["covariates"], ["sampling_weight", "censor_weight"]
balance(trials, "joined", columns, weights=weights)
steps["balance"] = time.process_time() - began
values = {}
for method in ("ra", "ipw", "aipw", "matching"):
    found = average_treatment_effect(
        trials, "orders", "joined", columns, method=method, weights=weights, clusters="customer_id"
    )
    values[method] = round(found.value, 4)
    steps[method] = time.process_time() - began
said(rows=len(trials), columns=len(columns), values=values, seconds=steps)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Two years of an invented brand as Parquet."""
    folder = tmp_path_factory.mktemp("shop")
    # The recipe's size is that of its three years: of the first two come three in five, the rest from other doors.
    given = {"observed_from": datetime.date(2024, 1, 1), "pool_opens": 0, "selection": "observed"}
    made = simulate("xiaoman", customers=round(CUSTOMERS * 1.62), seed=1, **given)
    for name in ("orders", "members", "customers", "touchpoints"):
        made.tables[name].to_parquet(folder / f"{name}.parquet")
    return folder


def alone(script, folder):
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script, str(folder)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_trials_of_three_horizons(benchmark, shop, capsys):
    found = benchmark.pedantic(lambda: alone(TRIALS, shop), rounds=1, iterations=1)
    benchmark.extra_info.update(found)
    with capsys.disabled():
        rows = ", ".join(f"{rows:,}" for rows in found["rows"])
        print(  # noqa: T201
            f"\n{found['customers']:,} customers, {found['orders']:,} orders; processor seconds from the start: read "
            f"{found['seconds'][0]:.1f}, trials of 30, 90 and 180 days ({rows} rows) "
            f"by {', '.join(f'{seconds:.1f}' for seconds in found['seconds'][1:])}, at most {found['megabytes']:,} MB"
        )
    assert found["seconds"][2] < 25  # read, 30 and 90 days
    assert found["megabytes"] < 2_000


def test_trials_balance_and_four_estimators(benchmark, shop, capsys):
    found = benchmark.pedantic(lambda: alone(EVERYTHING, shop), rounds=1, iterations=1)
    benchmark.extra_info.update(found)
    with capsys.disabled():
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found["seconds"].items())
        print(  # noqa: T201
            f"\n{found['rows']:,} rows, {found['columns']} covariates; processor seconds: {steps}; "
            f"at most {found['megabytes']:,} MB; {found['values']}"
        )
    assert found["seconds"]["matching"] < 60
    assert found["megabytes"] < 3_000
