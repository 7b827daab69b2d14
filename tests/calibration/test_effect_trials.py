"""Do weekly trials find what joining does, in brands whose truth is known? And what if later joining is ignored?

Every run invents a brand in which who joins depends on past orders only, and whose effect of joining is known from
living through it again without the pool. A run's truth is the effect on its own joiners. The full runs print their
count with `pytest -rP`.

All four estimators with the defaults of `average_treatment_effect`: its scores are fitted on all rows. With scores of
left-out folds the mean over 120 such brands was .479 for a truth of .557, and without the product of frequency and
recency among the covariates that of regression adjustment was .665.
"""

import numpy as np
import pytest

from siyu_helpers.analysis.effect.estimators import average_treatment_effect
from siyu_helpers.analysis.effect.histories import read_histories
from siyu_helpers.analysis.effect.trials import weekly_trials
from siyu_helpers.analysis.estimates import Coverage
from siyu_helpers.data.simulate import simulate
from siyu_helpers.data.simulation import truth

CUSTOMERS, FIRST_SEED = 2_000, 1_000
HORIZONS = (30, 90)
METHODS = ("aipw", "ipw", "ra", "matching")


def one_brand(seed, horizons=HORIZONS, methods=METHODS):
    """(horizon, censor, method) -> estimate, low, high, truth, standard error."""
    made = simulate("xiaoman", customers=CUSTOMERS, seed=seed, selection="observed")
    true = truth.effect_of_joining(made.life)
    told = read_histories(made.tables["orders"], made.tables["members"], "2025-12-31")
    found = {}
    for horizon in horizons:
        effect = true[horizon]["orders"]["effect"]
        for censor in ("ipcw", "none"):
            trials = weekly_trials(None, None, None, horizon, histories=told, censor=censor)
            for method in methods if censor == "ipcw" else ("aipw",):
                got = average_treatment_effect(
                    trials, "orders", "joined", trials.attrs["covariates"], method=method,
                    weights=["sampling_weight", "censor_weight"], clusters="customer_id",
                )  # fmt: skip
                found[horizon, censor, method] = (got.value, got.low, got.high, effect, got.standard_error)
    return found


@pytest.fixture(scope="module")
def brands():
    """Results of brands worked out so far, so that the quick and the full run share them."""
    return {}


def results(brands, runs):
    for seed in range(FIRST_SEED, FIRST_SEED + runs):
        if seed not in brands:
            brands[seed] = one_brand(seed)
    return {key: np.array([brands[FIRST_SEED + run][key] for run in range(runs)]) for key in brands[FIRST_SEED]}


def said(key, values):
    value, low, high, true, error = values.T
    covered = int(((low <= true) & (true <= high)).sum())
    print(  # noqa: T201 - shown by pytest -rP
        f"{key}: {covered} of {len(values)}; mean {value.mean():.3f}, truth {true.mean():.3f}, bias "
        f"{(value - true).mean() / error.mean():+.2f} standard errors"
    )
    return covered


@pytest.mark.full
def test_weighted_trials_find_the_effect_and_plain_ones_do_not(brands, runs):
    found = results(brands, runs)
    covered = {key: said(key, values) for key, values in found.items()}
    for horizon in HORIZONS:
        for method in METHODS:
            value, _, _, true, error = found[horizon, "ipcw", method].T
            noise = (value - true).std() / np.sqrt(runs)
            assert abs((value - true).mean()) < 0.2 * error.mean() + 2 * noise
            assert Coverage(covered[horizon, "ipcw", method], runs).meets_bar(conservative=True)
    value, _, _, true, error = found[90, "none", "aipw"].T
    assert (value - true).mean() < -0.5 * error.mean()
    assert covered[90, "none", "aipw"] < 0.8 * runs


def test_later_joining_pulls_the_estimate_towards_zero_unless_it_is_weighted():
    """Three brands in every `make test`: the mean over them is near the truth with weights, lower without."""
    found = [one_brand(seed, horizons=(90,), methods=("aipw",)) for seed in range(FIRST_SEED, FIRST_SEED + 3)]
    weighted, plain = (np.array([its[90, censor, "aipw"] for its in found]) for censor in ("ipcw", "none"))
    assert abs((weighted[:, 0] - weighted[:, 3]).mean()) < 2.5 * weighted[:, 4].mean() / np.sqrt(3)
    assert plain[:, 0].mean() < weighted[:, 0].mean()
