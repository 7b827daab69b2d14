"""Does the 90% interval of the share still active hold what the true parameters say in 90 of 100 simulated brands?"""

import numpy as np
import pytest
from lifetime_simulations import simulate_bg_nbd, simulate_pareto_nbd

from siyu_helpers.analysis.customer_lifetime import fit_bg_nbd, fit_pareto_nbd
from siyu_helpers.analysis.estimates import Coverage
from siyu_helpers.analysis.lifetime.outlook import still_active

BG_NBD = {"r": 0.8, "alpha": 6.0, "a": 0.8, "b": 2.4}
PARETO_NBD = {"r": 0.8, "alpha": 6.0, "s": 0.8, "beta": 12.0}


@pytest.mark.parametrize(
    ("fit_model", "simulate", "truth", "customers"),
    [(fit_bg_nbd, simulate_bg_nbd, BG_NBD, 2_000), (fit_pareto_nbd, simulate_pareto_nbd, PARETO_NBD, 2_000)],
    ids=["bg_nbd", "pareto_nbd"],
)
def test_interval_of_the_share_still_active(runs, fit_model, simulate, truth, customers):
    covered = 0
    for seed in range(runs):
        summary = simulate(np.random.default_rng([31, seed]), customers, **truth)
        fit = fit_model(summary)
        told = still_active(fit, summary, 0.90)
        expected = float(np.mean(fit.with_parameters(truth).probability_alive(summary)))
        covered += told.low <= expected <= told.high
    found = Coverage(covered, runs)
    print(f"{found.covered} of {found.runs}")  # noqa: T201 - shown by pytest -rP
    assert found.meets_bar()
