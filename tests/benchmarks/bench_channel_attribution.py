"""Channel attribution: journeys from touches and orders, by time and peak of memory.

make bench                                     10 million touches, 1 million orders
SIYU_BENCH_TOUCHES=1000000 make bench          fewer

Credit of each channel from a million journeys, and 200 draws of them, against the C++ program ChannelAttribution on the
same rows. It is not part of this project: install it into a folder of its own and name that. Without it the comparison
is skipped. Theirs takes texts; ours is timed from tuples and from texts. The shorter of two turns counts on both sides.

    pip install --no-deps --target FOLDER ChannelAttribution==2.2.5
    SIYU_CHANNEL_ATTRIBUTION=FOLDER SIYU_BENCH_JOURNEYS=1000000 make bench
"""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.attribution import bootstraps, chains, paths

JOURNEY_TOUCHES = int(os.environ.get("SIYU_BENCH_TOUCHES", "10_000_000"))
JOURNEYS = int(os.environ.get("SIYU_BENCH_JOURNEYS", "1_000_000"))
CHANNELS = 10
OTHER = os.environ.get("SIYU_CHANNEL_ATTRIBUTION", "")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Three years of touches and a tenth as many orders as Parquet, the way the data floor caches them."""
    rng = np.random.default_rng(1)
    n, visitors = JOURNEY_TOUCHES, max(1, JOURNEY_TOUCHES * 3 // 10)
    visitor = rng.integers(0, visitors, n)
    is_customer = rng.random(visitors) < 0.2
    known = is_customer[visitor] & (rng.random(n) < 0.7)
    channels = np.array(["feed", "live", "search", "notes", "direct", "account", "wecom", "group", "mini", "sms"])
    folder = tmp_path_factory.mktemp("shop")
    pl.DataFrame(
        {
            "visitor_id": visitor,
            "touched_at": moments(rng, n),
            "channel": channels[np.minimum(rng.geometric(0.25, n) - 1, 9)],
            "customer_id": pl.Series(visitor).set(~pl.Series(known), None),
        }
    ).write_parquet(folder / "touchpoints.parquet")
    buyers = np.flatnonzero(is_customer)
    pl.DataFrame(
        {
            "customer_id": rng.choice(buyers, n // 10),
            "ordered_at": moments(rng, n // 10),
            "amount": rng.integers(100, 50_000, n // 10) / 100,
        }
    ).write_parquet(folder / "orders.parquet")
    return folder


def moments(rng, n):
    return np.datetime64("2021-01-01T00:00:00", "us") + rng.integers(0, 3 * 365 * 86_400, n).astype("timedelta64[s]")


JOURNEYS_ALONE = """
import resource, sys, time
import polars as pl
from siyu_helpers.analysis.attribution.journeys import journeys
folder, ages = sys.argv[1], sys.argv[2] == "ages"
touches, orders = (pl.scan_parquet(f"{folder}/{name}.parquet") for name in ("touchpoints", "orders"))
journeys(touches.head(1000), orders.head(1000))
began = time.perf_counter()
made = journeys(touches, orders, observed_until="2023-12-31", ages=ages)
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(made), made["conversions"].sum(), made["nulls"].sum(), seconds, peak)
"""


def test_journeys_time_and_memory(benchmark, shop, capsys):
    def alone():
        """In a process of its own, so that the peak of its memory is that of this task."""
        command = [sys.executable, "-c", JOURNEYS_ALONE, str(shop), "plain"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    rows, conversions, nulls, seconds, peak = map(float, benchmark.pedantic(alone, rounds=1, iterations=1))
    benchmark.extra_info.update(touches=JOURNEY_TOUCHES, seconds=seconds, megabytes=peak / 1024)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{JOURNEY_TOUCHES:,} touches, {JOURNEY_TOUCHES // 10:,} orders: {conversions + nulls:,.0f} journeys on "
            f"{rows:,.0f} paths in {seconds:.1f} s, at most {peak / 1024:,.0f} MB"
        )


def single_journeys(journeys=JOURNEYS, seed=1):
    """One row a journey, drawn from a chain with random chances; a quarter of journeys stops after each touch."""
    rng = np.random.default_rng(seed)
    onward = np.cumsum(rng.dirichlet(np.full(CHANNELS, 0.7), CHANNELS), axis=1)
    buys = rng.uniform(0.05, 0.6, CHANNELS)
    at = rng.choice(CHANNELS, journeys, p=rng.dirichlet(np.full(CHANNELS, 0.7)))
    alive, touches, last = np.arange(journeys), [(np.arange(journeys), at)], at.copy()
    while len(alive := alive[goes_on := rng.random(len(alive)) > 0.25]):
        at = np.minimum((rng.random(len(alive))[:, None] > onward[at[goes_on]]).sum(axis=1), CHANNELS - 1)
        last[alive] = at
        touches.append((alive, at))
    rows, codes = (np.concatenate(parts) for parts in zip(*touches, strict=True))
    names = np.array([f"channel{i}" for i in range(CHANNELS)], dtype=object)
    steps = names[codes[np.argsort(rows, kind="stable")]].tolist()
    ends = np.cumsum(np.bincount(rows, minlength=journeys)).tolist()
    made = pd.Series([tuple(steps[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)], dtype=object)
    bought = (rng.random(journeys) < buys[last]).astype(int)
    value = np.round(rng.gamma(2, 50, journeys), 2) * bought
    return pd.DataFrame({"path": made, "conversions": bought, "value": value, "nulls": 1 - bought})


def timed(function, turns=2):
    """Return what the function returns, and the seconds of its shortest turn."""
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        made = function()
        seconds.append(time.perf_counter() - began)
    return made, min(seconds)


def theirs(texts):
    sys.path.append(OTHER)
    try:
        other = pytest.importorskip("ChannelAttribution")
    finally:
        sys.path.remove(OTHER)
    said = other.markov_model(
        texts, "path", "conversions", var_value="value", var_null="nulls", verbose=False, flg_pro=False
    )
    return said.set_index("channel_name").sort_index()


def test_markov_and_its_intervals_against_channel_attribution(benchmark, capsys):
    journeys = single_journeys()
    texts = journeys.assign(path=pd.Series([" > ".join(path) for path in journeys["path"]], dtype=object))
    found, ours = benchmark.pedantic(lambda: timed(lambda: chains.markov(journeys)), rounds=1, iterations=1)
    _, from_texts = timed(lambda: chains.markov(paths.read_paths(texts)))
    _, intervals = timed(lambda: bootstraps.bootstrap(journeys, "markov", 200))
    _, of_value = timed(lambda: bootstraps.bootstrap(journeys, "markov", 200, of="value"))
    with capsys.disabled():
        print(f"\n{JOURNEYS:,} journeys: markov {ours:.2f} s, from texts {from_texts:.2f} s")  # noqa: T201
        print(f"200 draws: of the share {intervals:.2f} s, of value {of_value:.2f} s")  # noqa: T201
    said, simulated = timed(lambda: theirs(texts))
    off = [
        float((said[name].to_numpy() / found[column].to_numpy() - 1).__abs__().max())
        for name, column in (("total_conversions", "conversions"), ("total_conversion_value", "value"))
    ]
    benchmark.extra_info.update(ratio=ours / simulated, from_texts=from_texts / simulated, draws=intervals / simulated)
    with capsys.disabled():
        print(  # noqa: T201
            f"ChannelAttribution {simulated:.2f} s: ours takes {ours / simulated:.2f} of it, from texts "
            f"{from_texts / simulated:.2f}, with 200 draws {intervals / simulated:.2f} (value "
            f"{of_value / simulated:.2f}); its result is up to {off[0]:.1%} off in conversions, {off[1]:.1%} in value"
        )
    assert ours <= simulated
    assert intervals <= 2 * simulated
    assert of_value <= 2 * simulated


def test_memory_of_200_draws(capsys):
    """A process of its own that makes the journeys and draws them 200 times."""
    told = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    most = json.loads(told.stdout)
    with capsys.disabled():
        print(f"\nmemory: {most:.2f} GB")  # noqa: T201
    assert most < 1.5


if __name__ == "__main__":
    import resource

    table = single_journeys()
    bootstraps.bootstrap(table, "markov", 200, of="value")
    sys.stdout.write(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2))
