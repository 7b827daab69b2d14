"""The door: what it opens, and one walk through it from orders to lifetime value."""

import inspect

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import customer_lifetime
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data.simulate import simulate

# The public names of the issue, and their parameters in order.
PROMISED = {
    "summarise": ["orders", "observed_until", "grain", "calibration_end"],
    "fit_bg_nbd": ["summary"],
    "fit_mbg_nbd": ["summary"],
    "fit_pareto_nbd": ["summary"],
    "fit_gamma_gamma": ["summary"],
    "lifetime_value": [
        *("purchase_fit", "spend_fit", "customers", "horizon_days", "annual_discount_rate", "margin"),
    ],
}


@pytest.mark.parametrize("name", PROMISED)
def test_the_promised_names_are_there(name):
    parameters = list(inspect.signature(getattr(customer_lifetime, name)).parameters)
    assert parameters[: len(PROMISED[name])] == PROMISED[name]


def test_everything_it_opens_is_described():
    assert len(set(customer_lifetime.__all__)) == len(customer_lifetime.__all__)
    for name in customer_lifetime.__all__:
        one = getattr(customer_lifetime, name)
        if callable(one):
            assert one.__doc__, name
            assert one.__module__.startswith("siyu_helpers.analysis.lifetime."), name


def test_from_orders_to_value():
    """Xiaoman, small: every number of the walk is finite, repeats, and is the same from Polars."""
    brand = simulate("xiaoman", customers=2_000, seed=3)
    orders, until = brand.tables["orders"], brand.recipe.observed_until
    check = customer_lifetime.check_holdout(orders, until, draws=40)
    assert customer_lifetime.forecast_gate(check, 365) is None
    summary = customer_lifetime.summarise(orders, until)
    fit = customer_lifetime.MODELS[check.chosen](summary)
    spend = customer_lifetime.fit_gamma_gamma(summary)
    channel = orders.sort_values("ordered_at").drop_duplicates("customer_id").set_index("customer_id")
    channel = summary["customer_id"].map(channel["acquired_through"])
    terms = {"horizon_days": 365, "annual_discount_rate": 0.1, "margin": 0.5}
    table = customer_lifetime.lifetime_value_by(fit, spend, summary, channel, **terms, draws=40)
    each = customer_lifetime.lifetime_value(fit, spend, summary, **terms)
    assert table["expected_total"].iloc[0] == pytest.approx(each["lifetime_value"].sum())
    assert np.isfinite(each.drop(columns="customer_id").astype(float)).all(axis=None)
    for stated in (customer_lifetime.value_estimates(table), customer_lifetime.total_estimates(
        customer_lifetime.forecast_total(fit, summary, 365, spend, draws=40)
    )):  # fmt: skip
        assert all(isinstance(number, Estimate) for number in stated.values())
    for number in stated.values():
        assert number.definition_in("zh") != number.definition_in("en")
    again = customer_lifetime.lifetime_value_by(fit, spend, summary, channel, **terms, draws=40)
    pd.testing.assert_frame_equal(table, again)


def test_a_brand_of_one_time_buyers_is_refused_before_any_model():
    orders = pd.DataFrame({"customer_id": range(900), "amount": 5.0})
    orders["ordered_at"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(orders.index, "D")
    refused = customer_lifetime.check_holdout(orders, "2025-06-18")
    assert isinstance(refused, Refused)
    assert refused.gate == "three orders"
