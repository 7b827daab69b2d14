"""Everything that a verdict on weekly trials rests on, worked out from one table of trials in one call.

Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu_helpers.analysis.effect import balances, estimators, joining_effects, placebos, sensitivity
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.estimates import LEVEL, Refused


def trial_evidence(
    trials: pd.DataFrame,
    outcome: str = "orders",
    effect: Effect | Refused | None = None,
    grid: pd.DataFrame | None = None,
    unit: str = "orders per customer",
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Any]:
    """Effect, placebo, balance, other estimators and sensitivity of a table of trials, for `verdict_of_trials`.

    table (joiner or comparator x week)  ->  dict: effect, joiners, placebo, placebo_bias, balance, grid, sensitivity

    Parameters
    ----------
    trials : DataFrame
        Of `weekly_trials`.
    outcome, unit : str
        Column of the trials, and its unit.
    effect, grid : optional
        Where they have been worked out already: of `joining_effects` and `specification_grid`.
    level, seed
        Coverage of the intervals; seed of the folds.

    Example
    -------
    >>> trial_evidence(pd.DataFrame({"joined": []}))["joiners"]
    0
    """
    joiners = int((trials["joined"] == 1).sum()) if len(trials) else 0
    if effect is None:
        found = joining_effects.joining_effects(trials, [outcome], level=level, seed=seed)
        effect = found if isinstance(found, Refused) else found[outcome]
    evidence = {"effect": effect, "joiners": joiners, "outcome": outcome}
    if isinstance(effect, Refused):
        none = sensitivity.Sensitivity("", effect, effect, effect, pd.DataFrame())
        return evidence | {"placebo": effect, "placebo_bias": effect, "balance": pd.DataFrame(),
                           "grid": pd.DataFrame(), "sensitivity": none}  # fmt: skip
    if grid is None:
        grid = joining_effects.specification_grid(trials, outcome, level=level)
    before = placebos.placebo(trials, level=level, seed=seed)
    covariates, weights = trials.attrs["covariates"], joining_effects.WEIGHTS
    balancing = estimators.balancing_weights(trials, "joined", covariates, weights=weights)
    return evidence | {
        "placebo": before,
        "placebo_bias": placebos.placebo_bias(before, trials, outcome=outcome),
        "balance": balances.balance(trials, "joined", covariates, balancing, weights),
        "grid": grid,
        "sensitivity": sensitivity.sensitivity_of(effect, trials, outcome, unit),
    }
