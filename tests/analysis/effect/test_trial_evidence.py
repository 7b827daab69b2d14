"""All the evidence from one table of trials, and the verdict it leads to on simulated brands."""

import pytest

from siyu_helpers.analysis.effect import verdicts
from siyu_helpers.analysis.effect.joining_effects import joining_effects, specification_grid
from siyu_helpers.analysis.effect.trial_evidence import trial_evidence
from siyu_helpers.analysis.effect.trials import weekly_trials
from siyu_helpers.data.simulate import simulate


def test_what_was_worked_out_already_is_taken_over():
    tables = simulate("xiaoman", customers=1500, seed=1, selection="observed").tables
    trials = weekly_trials(tables["orders"], tables["members"], "2025-12-31", 90)
    effect = joining_effects(trials, ["orders"], folds=1)["orders"]
    grid = specification_grid(trials, methods=["ra", "ipw"], kept=[1.0])
    found = trial_evidence(trials, effect=effect, grid=grid)
    assert found["effect"] is effect
    assert found["grid"] is grid
    assert found["joiners"] == (trials["joined"] == 1).sum()
    assert found["balance"]["smd_after"].abs().max() < found["balance"]["smd_before"].abs().max()
    assert found["sensitivity"].strongest in trials.attrs["groups"]


@pytest.mark.parametrize(
    ("selection", "customers", "level"), [("observed", 8000, "suggestive"), ("hidden", 2500, "not identified here")]
)
def test_simulated_brands(selection, customers, level):
    tables = simulate("xiaoman", customers=customers, seed=1, selection=selection).tables
    trials = weekly_trials(tables["orders"], tables["members"], "2025-12-31", 90)
    found = verdicts.verdict("weekly_trials", **trial_evidence(trials))
    assert (found.level, found.finding) == (level, "more"), found.en
