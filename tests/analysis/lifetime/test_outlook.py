"""Outlook: the parts put together, a closed gate closes every number, and the model of the check is the model used."""

import dataclasses
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import customer_lifetime as cl
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data.simulate import simulate

NUMBERS = (
    *("purchases", "expected_purchases", "value", "per_customer", "still_active", "share_on_mean", "independence"),
)
UNTIL = "2025-12-31"


@pytest.fixture(scope="module")
def xiaoman():
    orders = simulate("xiaoman", customers=1_500, seed=3).tables["orders"]
    return orders, cl.check_holdout(orders, UNTIL, draws=50, observed_from="2023-01-01")


def test_a_brand_that_passes_gets_every_number(xiaoman):
    orders, trial = xiaoman
    found = cl.outlook(orders, UNTIL, trial, 365, 0.10, margin=0.5, by="acquired_through", observed_from="2023-01-01")
    assert all(isinstance(getattr(found, name), Estimate) for name in NUMBERS)
    assert found.fit.model == trial.chosen
    expected, realised = found.expected_purchases, found.purchases
    assert realised.high - realised.low > expected.high - expected.low
    assert realised.value == pytest.approx(expected.value)
    assert "all" not in set(found.by_group["group"])
    assert found.by_group["customers"].sum() == orders["customer_id"].nunique()
    assert found.worth.en == "margin"


def test_the_value_is_that_of_lifetime_value(xiaoman):
    orders, trial = xiaoman
    found = cl.outlook(orders, UNTIL, trial, 365, 0.10, margin=0.5, observed_from="2023-01-01")
    summary = cl.summarise(orders, UNTIL)
    values = cl.lifetime_value(cl.MODELS[trial.chosen](summary), cl.fit_gamma_gamma(summary), summary, 365, 0.10, 0.5)
    assert found.value.value == pytest.approx(values["lifetime_value"].sum())
    assert found.per_customer.value == pytest.approx(values["lifetime_value"].mean())


def test_still_active_is_the_mean_probability(xiaoman):
    orders, trial = xiaoman
    found = cl.outlook(orders, UNTIL, trial, 365, 0.10, margin=0.5, observed_from="2023-01-01").still_active
    summary = cl.summarise(orders, UNTIL)
    assert found.value == pytest.approx(cl.MODELS[trial.chosen](summary).probability_alive(summary).mean())
    assert 0 < found.low < found.value < found.high < 1


def test_a_test_that_missed_is_remembered(xiaoman):
    orders, trial = xiaoman
    for inside in (True, False):
        told = dataclasses.replace(trial, comparison=trial.comparison.assign(inside=inside))
        caution = cl.outlook(orders, UNTIL, told, 365, 0.10, margin=0.5, observed_from="2023-01-01").caution
        assert bool(caution.zh) == bool(caution.en) == (not inside)


def test_without_a_margin_it_is_revenue_and_says_so(xiaoman):
    orders, trial = xiaoman
    half, whole = (cl.outlook(orders, UNTIL, trial, 180, 0.0, margin=margin) for margin in (0.5, None))
    assert whole.per_customer.value == pytest.approx(2 * half.per_customer.value)
    assert "revenue" in whole.worth.en
    assert "margin" not in whole.per_customer.definition_in("en").replace("the margin is not known", "")


def test_a_closed_gate_closes_every_number(xiaoman):
    orders, trial = xiaoman
    too_far = cl.outlook(orders, UNTIL, trial, 3_650, 0.10, margin=0.5)
    assert {getattr(too_far, name).gate for name in NUMBERS} == {"horizon"}
    assert (too_far.fit, len(too_far.by_group), too_far.by_group.attrs["refused"].gate) == (None, 0, "horizon")


def test_a_margin_of_nothing_is_an_error_and_not_the_revenue(xiaoman):
    orders, trial = xiaoman
    with pytest.raises(ValueError, match="margin must lie above 0"):
        cl.outlook(orders, UNTIL, trial, 365, 0.10, margin=0.0)


def test_a_cycle_longer_than_the_data_closes_every_number(xiaoman):
    orders, trial = xiaoman
    found = cl.outlook(orders, UNTIL, trial, 365, 0.10, margin=0.5, cycle_days=5 * 365)
    assert {getattr(found, name).gate for name in NUMBERS} == {"replacement cycle"}


def test_a_fit_that_found_no_maximum_states_nothing(xiaoman, monkeypatch):
    orders, trial = xiaoman
    fitted = trial.fits[trial.chosen]
    monkeypatch.setitem(cl.MODELS, trial.chosen, lambda summary: replace(fitted, converged=False))
    found = cl.outlook(orders, UNTIL, trial, 365, 0.10, margin=0.5)
    assert {getattr(found, name).gate for name in NUMBERS} == {"models that converge"}


def test_a_toilet_seat_gets_no_forecast():
    orders = simulate("yunzuo", customers=1_500, seed=3).tables["orders"]
    trial = cl.check_holdout(orders, UNTIL, draws=50, observed_from="2023-01-01")
    found = cl.outlook(orders, UNTIL, trial, 365, 0.10, margin=0.5)
    assert all(isinstance(getattr(found, name), Refused) for name in NUMBERS)


def test_free_samples_have_purchases_and_no_value(xiaoman):
    orders, trial = xiaoman
    free = cl.outlook(pd.DataFrame(orders).assign(amount=0.0, refunded=0.0), UNTIL, trial, 365, 0.10, margin=0.5)
    assert isinstance(free.purchases, Estimate)
    assert isinstance(free.value, Refused)


def test_spend_without_a_mean_gets_no_value(xiaoman):
    """Amounts from a law whose mean is infinite (Pareto, shape 0.7): q comes out at 1 or less."""
    orders, trial = xiaoman
    tail = np.random.default_rng(1).pareto(0.7, orders["customer_id"].max() + 1) + 1
    wild = pd.DataFrame(orders).assign(amount=tail[orders["customer_id"]], refunded=0.0)
    found = cl.outlook(wild, UNTIL, trial, 365, 0.10, margin=0.5)
    assert (found.value.gate, found.per_customer.gate) == ("mean spend", "mean spend")
    assert isinstance(found.purchases, Estimate)
