"""Preload: what a fork server imports is there, in silence, and starts nothing that a fork would break."""

import json
import os
import subprocess
import sys

import pytest

from siyu_helpers.reporting import warm

LOOK = """
import json, os, sys
from siyu_helpers.reporting import preload
names = (*preload.OF_A_KERNEL, *preload.OF_NOTEBOOKS, *preload.OF_RENDERING)
threads = [open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")]
print(json.dumps({"missing": [name for name in names if name not in sys.modules], "threads": threads}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_everything_is_imported_in_silence_and_no_thread_pool_is_started():
    surroundings = os.environ | warm._SERVER_ENVIRONMENT
    run = subprocess.run([sys.executable, "-c", LOOK], env=surroundings, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    found = json.loads(run.stdout)
    assert found["missing"] == []
    # Polars sweeps its spilled files in a thread of its own from import on; a fork is well without it.
    assert set(found["threads"][1:]) <= warm._HARMLESS_THREADS
