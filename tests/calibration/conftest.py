"""Coverage by simulation: `runs` is 60 in `make test`, 200 in `make calibrate`."""

import pytest

from siyu_helpers.analysis.estimates import FULL_RUNS, QUICK_RUNS


@pytest.fixture(params=[QUICK_RUNS, pytest.param(FULL_RUNS, marks=pytest.mark.full)])
def runs(request):
    """Number of simulated data sets; `Coverage.meets_bar` knows the bar of each."""
    return request.param
