"""Intervals of the parameters of the lifetime models: coverage on customers drawn from the models themselves.

Log-normal intervals need customers: with 3,000 customers those of the Pareto/NBD's beta were seen to cover a few runs
in a hundred too few, with 4,000 to 5,000 all cover as claimed. The Gamma-Gamma's cover 90.3%, 90.0% and 89.9% of
1,000 runs (seed 7; the first 60 of seed 41 are among the worst in a thousand, 46, its 200 are not, 172).
"""

import numpy as np
import pytest
from lifetime_simulations import (
    BG_NBD,
    GAMMA_GAMMA,
    PARETO_NBD,
    simulate_bg_nbd,
    simulate_gamma_gamma,
    simulate_nbd,
    simulate_pareto_nbd,
)

from siyu_helpers.analysis.estimates import Coverage
from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd, fit_mbg_nbd
from siyu_helpers.analysis.lifetime.gamma_gamma import fit_gamma_gamma
from siyu_helpers.analysis.lifetime.pareto_nbd import fit_pareto_nbd

MODELS = {
    "bg_nbd": (fit_bg_nbd, lambda rng: simulate_bg_nbd(rng, 4_000, **BG_NBD), BG_NBD),
    "mbg_nbd": (fit_mbg_nbd, lambda rng: simulate_bg_nbd(rng, 4_000, **BG_NBD, modified=True), BG_NBD),
    "pareto_nbd": (fit_pareto_nbd, lambda rng: simulate_pareto_nbd(rng, 5_000, **PARETO_NBD), PARETO_NBD),
    "gamma_gamma": (fit_gamma_gamma, lambda rng: simulate_gamma_gamma(rng, 3_000, **GAMMA_GAMMA), GAMMA_GAMMA),
}


@pytest.mark.parametrize("model", MODELS)
def test_intervals_of_the_parameters(runs, model):
    """Each parameter's 90% interval, its own count."""
    fit, simulate, truth = MODELS[model]
    covered = dict.fromkeys(truth, 0)
    for seed in np.random.SeedSequence(7).spawn(runs):
        found = fit(simulate(np.random.default_rng(seed)))
        assert found.converged
        assert not found.degenerate
        for name, row in found.intervals().iterrows():
            covered[name] += row["value_low"] <= truth[name] <= row["value_high"]
    print(model, covered)  # noqa: T201 - shown by pytest -rP
    assert all(Coverage(count, runs).meets_bar() for count in covered.values()), covered


@pytest.mark.full
@pytest.mark.parametrize("fit", [fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd])
def test_dropout_is_not_invented(fit):
    """Nobody drops out in 100 logs: 1.92 is exceeded by chance in a few (2.5% for one parameter at its bound; there
    are two), never with a forecast far off."""
    flagged = 0
    for seed in np.random.SeedSequence(43).spawn(100):
        customers = simulate_nbd(np.random.default_rng(seed), 1_000)
        found = fit(customers)
        flagged += found.degenerate
        true = ((0.8 + customers["frequency"]) / (6 + customers["T"]) * 52).sum()
        assert found.expected_purchases(52, customers).sum() == pytest.approx(true, rel=0.1)
    print(fit.__name__, flagged)  # noqa: T201 - shown by pytest -rP
    assert flagged >= 87
