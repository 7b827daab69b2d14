"""How often the placebo raises a false alarm, and how often hidden selection gets past the verdict."""

import pytest

from siyu_helpers.analysis.effect.placebos import placebo
from siyu_helpers.analysis.effect.trial_evidence import trial_evidence
from siyu_helpers.analysis.effect.trials import weekly_trials
from siyu_helpers.analysis.effect.verdicts import verdict_of_trials
from siyu_helpers.analysis.estimates import Coverage
from siyu_helpers.data.simulate import simulate

PARTS = 20


def brands(runs):
    """Trials of small brands: twenty at a time, parts of one that takes hardly longer to simulate."""
    for seed in range(1000, 1000 + runs // PARTS):
        tables = simulate("xiaoman", seed=seed, customers=1200 * PARTS, selection="observed").tables
        for part in range(PARTS):
            orders, members = (
                tables[name][tables[name]["customer_id"] % PARTS == part] for name in ("orders", "members")
            )
            yield weekly_trials(orders, members, "2025-12-31", 90, censor="none")


def test_where_the_tables_tell_everything_the_placebo_interval_holds_zero(runs):
    found = [placebo(trials, folds=1) for trials in brands(runs)]
    covered = sum(each.low <= 0 <= each.high for each in found)
    assert len(found) == runs
    # Customers drop out and weights vary, which the standard error allows for generously: no upper bar.
    assert Coverage(covered, runs).meets_bar(conservative=True), covered


@pytest.mark.full
@pytest.mark.parametrize("customers", [1500, 3000, 10_000])
def test_hidden_selection_is_not_identified_whatever_the_size(customers):
    levels = []
    for seed in range(1, 21):
        tables = simulate("xiaoman", customers=customers, seed=seed, selection="hidden").tables
        table = weekly_trials(tables["orders"], tables["members"], "2025-12-31", 90)
        levels.append(verdict_of_trials(**trial_evidence(table)).level)
    assert levels.count("not identified here") >= 19, levels


@pytest.mark.full
def test_observed_selection_is_suggestive_for_a_brand_of_fourteen_thousand():
    levels = []
    for seed in range(1, 21):
        tables = simulate("xiaoman", customers=14_000, seed=seed, selection="observed").tables
        table = weekly_trials(tables["orders"], tables["members"], "2025-12-31", 90)
        levels.append(verdict_of_trials(**trial_evidence(table)).level)
    assert levels.count("suggestive") >= 14, levels
