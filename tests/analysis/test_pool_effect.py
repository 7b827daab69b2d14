"""The door: the names and signatures that were promised, and one small brand through it from orders to verdict."""

import inspect

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import pool_effect
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.data import contract
from siyu_helpers.data.simulate import simulate

UNTIL = "2025-12-31"
# Issue 7, "Public names": names in this order, with these defaults.
PROMISED = {
    "weekly_trials": (
        ["orders", "members", "observed_until", "horizon_days", "covariates", "controls_per_joiner", "censor", "seed"],
        {"controls_per_joiner": 20, "censor": "ipcw", "seed": 0},
    ),
    "average_treatment_effect": (
        [
            "data", "outcome", "treatment", "covariates", "method", "estimand", "outcome_covariates",
            "propensity_covariates", "link", "weights", "clusters", "trim", "folds", "seed",
        ],
        {
            "method": "aipw", "estimand": "ATT", "outcome_covariates": None, "propensity_covariates": None,
            "link": "logit", "weights": None, "clusters": None, "trim": (0.0, 0.99), "folds": 5, "seed": 0,
        },
    ),
    "balance": (["data", "treatment", "covariates", "weights"], {"weights": None}),
    "staggered": (["panel", "unit", "period", "first_treated", "outcome", "control"], {}),
    "e_value": (["risk_ratio", "low", "high"], {"low": None, "high": None}),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return simulate("xiaoman", customers=900, seed=5, selection="observed").tables


@pytest.fixture(scope="module")
def trials(tables):
    return pool_effect.weekly_trials(tables["orders"], tables["members"], UNTIL, 90, controls_per_joiner=6)


@pytest.mark.parametrize("name", PROMISED)
def test_what_was_promised_is_there(name):
    names, defaults = PROMISED[name]
    parameters = inspect.signature(getattr(pool_effect, name)).parameters
    assert list(parameters)[: len(names)] == names
    assert {given: parameters[given].default for given in defaults} == defaults


def test_the_door_names_what_is_behind_it():
    assert sorted(set(pool_effect.__all__)) == sorted(pool_effect.__all__)
    for name in pool_effect.__all__:
        assert hasattr(pool_effect, name), name
    behind = {
        name
        for name, thing in vars(pool_effect).items()
        if getattr(thing, "__module__", "").startswith("siyu_helpers.analysis") and not name.startswith("_")
    }
    assert behind <= set(pool_effect.__all__)
    for name in behind:
        thing = getattr(pool_effect, name)
        if callable(thing):
            assert inspect.getdoc(thing), f"{name} has no docstring"
            assert inspect.getdoc(thing).splitlines()[0].endswith((".", "?")), name


def test_what_it_reads_is_in_the_contract():
    for table, columns in (pool_effect.REQUIRES | pool_effect.USES).items():
        known = {column.name for column in contract.TABLES[table].columns}
        assert set(columns) <= known, table


def test_trials_have_the_promised_columns(trials):
    first = ["customer_id", "week", "joined", "time_zero", "sampling_weight", "censor_weight"]
    assert trials.columns[: len(first)].tolist() == first
    assert set(trials["joined"]) == {0, 1}
    assert (trials.loc[trials["joined"] == 1, ["sampling_weight", "censor_weight"]] == 1).all(axis=None)
    assert not {"orders", "repurchase", "spend", "contribution"} - set(trials)
    assert (trials["week"].dt.day_of_week == 0).all()
    assert (trials["time_zero"] >= trials["week"]).all()


def test_from_orders_to_an_effect_and_a_verdict(trials):
    given = (trials, "orders", "joined", trials.attrs["covariates"])
    how = {"weights": ["sampling_weight", "censor_weight"], "clusters": "customer_id", "folds": 1}
    found = {method: pool_effect.average_treatment_effect(*given, method, **how) for method in ("ra", "ipw", "aipw")}
    for effect in found.values():
        assert isinstance(effect, pool_effect.Effect)
        assert effect.low < effect.value < effect.high
        assert effect.effective_n > 0
        assert effect.n > effect.n_trimmed >= 0
        assert effect.value == pytest.approx(found["aipw"].value, abs=2 * effect.standard_error)
    weights = pool_effect.balancing_weights(*given[:1], *given[2:], weights=how["weights"])
    alike = pool_effect.balance(trials, "joined", trials.attrs["covariates"], weights)
    assert {"covariate", "smd_before", "smd_after", "variance_ratio_before"} <= set(alike)
    assert alike["smd_after"].abs().max() < alike["smd_before"].abs().max()
    ruled = pool_effect.verdict_of_trials(**pool_effect.trial_evidence(trials, effect=found["aipw"]))
    assert ruled.level in ("suggestive", "not identified here")  # never strong without a lot


def test_joining_earlier_looks_better_than_it_is(tables, trials):
    """Those who join bought more to begin with: the usual figure is far above the corrected one."""
    known = pool_effect.read_histories(tables["orders"], tables["members"], UNTIL)
    usual = pool_effect.members_against_others(known, 90)["orders_ratio"]
    corrected = pool_effect.stated_relative(pool_effect.joining_effects(trials, ["orders"]), "orders", 90)
    assert usual.low - 1 > corrected.high


def test_a_staggered_panel_by_hand():
    """Two units open in period 2, one never: the effect is the difference of differences, (6 - 2) - (3 - 1)."""
    rows = [(unit, period, 2 if unit < 2 else 0, level) for unit in (0, 1, 2)
            for period, level in ((1, 2.0 if unit < 2 else 1.0), (2, 6.0 if unit < 2 else 3.0))]  # fmt: skip
    panel = pd.DataFrame(rows, columns=["unit", "period", "first_treated", "outcome"])
    panel["outcome"] += panel["unit"] * 0.0
    many = pd.concat([panel.assign(unit=panel["unit"] + 3 * copy) for copy in range(4)])
    found = pool_effect.staggered(many, "unit", "period", "first_treated", "outcome")
    assert isinstance(found, pool_effect.GroupTime)
    assert {"first_treated", "period", "value", "standard_error"} <= set(found.group_time)
    assert found.simple.value == found.dynamic[0].value == found.group[2].value == pytest.approx(2.0)


def test_the_e_value_of_the_paper():
    """VanderWeele and Ding (2017), Annals of Internal Medicine 167, 268-274: 3.9 (1.8 to 8.7) has 7.26 and 3.0."""
    value, limit = pool_effect.e_value(3.9, 1.8, 8.7)
    assert (round(value, 2), round(limit, 1)) == (7.26, 3.0)
    assert pool_effect.e_value(1.0) == 1.0


def test_nobody_joined(tables):
    nobody = tables["members"].iloc[:0]
    trials = pool_effect.weekly_trials(tables["orders"], nobody, UNTIL, 90)
    assert trials.empty
    assert isinstance(pool_effect.joining_effects(trials), Refused)
    assert pool_effect.sample_flow(trials)["count"].sum() >= 0
    refused = pool_effect.average_treatment_effect(trials, "orders", "joined", [])
    assert isinstance(refused, Refused)


def test_numbers_of_sentences_are_estimates(tables):
    known = pool_effect.read_histories(tables["orders"], tables["members"], UNTIL)
    for number in pool_effect.members_against_others(known, 90).values():
        if isinstance(number, Estimate):
            assert isinstance(number.definition, Words)
            assert np.isfinite(number.value)
