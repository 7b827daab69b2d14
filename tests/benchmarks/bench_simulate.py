"""How long ten million invented orders take, and how much memory: `make bench`.

Each size runs in a process of its own, so that its peak memory is its own; the same recipe at a twentieth of the size
stands beside it, to show that time grows in proportion.
"""

import json
import subprocess
import sys

import pytest

RUN = """
import json, resource, sys, time
from siyu_helpers.data.simulate import simulate
started = time.perf_counter()
brand = simulate("xiaoman", customers=int(sys.argv[1]), seed=1)
lived = time.perf_counter() - started
orders = brand.tables["orders"]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"orders": len(orders), "persons": len(brand.life.persons["key"]), "lived_s": round(lived, 1),
                  "all_s": round(time.perf_counter() - started, 1), "peak_mb": round(peak)}))
"""


@pytest.mark.parametrize("customers", [105_000, 2_100_000])
def test_ten_million_invented_orders(benchmark, capsys, customers):
    def run():
        done = subprocess.run([sys.executable, "-c", RUN, str(customers)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    found = benchmark.pedantic(run, rounds=1, iterations=1)
    benchmark.extra_info.update(found)
    size = f"{found['orders']:,} orders of {found['persons']:,} persons"
    with capsys.disabled():
        sys.stdout.write(f"\n{size}: {found['all_s']} s, peak memory {found['peak_mb']:,} MB\n")
