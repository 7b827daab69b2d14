"""Fits of the lifetime models against the package `lifetimes` on the same customers, in one run.

    make bench                                             lifetimes' Pareto/NBD takes most of a minute
    SIYU_BENCH_CUSTOMERS=10000 make bench                  fewer customers

Both sides give parameters and standard errors. The shorter of two turns counts, except where `lifetimes` needs more
than ten seconds. Without `lifetimes` installed (it is no dependency of the project) only our times are shown.
"""

import os
import time
import warnings

import numpy as np
import pytest
from lifetime_simulations import cdnow_sample, simulate_bg_nbd, simulate_pareto_nbd

from siyu_helpers.analysis.lifetime import bg_nbd, nbd, pareto_nbd

CUSTOMERS = int(os.environ.get("SIYU_BENCH_CUSTOMERS", "100_000"))
BG = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
PARETO = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}


def to_days(customers):
    """Times in whole days, as order logs have them, in weeks."""
    times = {name: np.ceil(customers[name] * 7) / 7 for name in ("recency", "T")}
    return customers.assign(**times)


CASES = {
    "BG/NBD, CDNOW sample": (bg_nbd, "fit_bg_nbd", "BetaGeoFitter", cdnow_sample),
    "BG/NBD": (bg_nbd, "fit_bg_nbd", "BetaGeoFitter",
               lambda: to_days(simulate_bg_nbd(np.random.default_rng(1), CUSTOMERS, **BG, weeks=(26, 52)))),
    "BG/NBD, no two alike": (bg_nbd, "fit_bg_nbd", "BetaGeoFitter",
                             lambda: simulate_bg_nbd(np.random.default_rng(1), CUSTOMERS, **BG, weeks=(26, 52))),
    "Pareto/NBD, CDNOW sample": (pareto_nbd, "fit_pareto_nbd", "ParetoNBDFitter", cdnow_sample),
    "Pareto/NBD": (pareto_nbd, "fit_pareto_nbd", "ParetoNBDFitter",
                   lambda: to_days(simulate_pareto_nbd(np.random.default_rng(2), CUSTOMERS, **PARETO, weeks=(26, 52)))),
    "Pareto/NBD, no two alike": (pareto_nbd, "fit_pareto_nbd", "ParetoNBDFitter",
        lambda: simulate_pareto_nbd(np.random.default_rng(2), CUSTOMERS, **PARETO, weeks=(26, 52))),
}  # fmt: skip


def timed(function, turns=2):
    """Return what the function returns, and the seconds of its shortest turn."""
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        made = function()
        seconds.append(time.perf_counter() - began)
        if seconds[0] > 10:
            break
    return made, min(seconds)


def log_likelihood(module, customers, parameters):
    """Our log-likelihood, in the customers' unit of time, at anybody's parameters."""
    data = nbd.histories(*nbd.check_history(customers))
    values = [value / (data.unit if name in ("alpha", "beta") else 1) for name, value in parameters.items()]
    constant = customers["frequency"].sum() * np.log(data.unit)
    return module.log_likelihood(np.log(values), data)[0] - constant


@pytest.mark.parametrize("case", CASES)
def test_fit_against_lifetimes(benchmark, case, capsys):
    module, ours, theirs, make = CASES[case]
    customers = make()
    fit, seconds = benchmark.pedantic(
        lambda: timed(lambda: getattr(module, ours)(customers)), rounds=1, iterations=1, warmup_rounds=1
    )
    said = f"{case}, {len(customers):,} customers: {seconds:.3f} s"
    try:
        import lifetimes
    except ImportError:
        lifetimes = None
    if lifetimes is not None:
        columns = [customers[name].to_numpy() for name in ("frequency", "recency", "T")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other, slow = timed(lambda: getattr(lifetimes, theirs)().fit(*columns))
        gain = fit.log_likelihood - log_likelihood(module, customers, dict(other.params_))
        assert gain > -1e-4
        said += f"; lifetimes {slow:.3f} s: {slow / seconds:.1f}x, our log-likelihood higher by {gain:.1e}"
        benchmark.extra_info.update(lifetimes=slow, ratio=slow / seconds, gain=gain)
    with capsys.disabled():
        print("\n" + said)  # noqa: T201
