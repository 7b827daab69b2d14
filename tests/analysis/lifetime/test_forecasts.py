"""Forecasts: simulated futures against the models' formulas, intervals against brute force, what never matters."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifetime_simulations import BG_NBD, GAMMA_GAMMA, PARETO_NBD, simulate_bg_nbd, simulate_nbd, simulate_pareto_nbd

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.lifetime import forecasts
from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd, fit_mbg_nbd
from siyu_helpers.analysis.lifetime.forecasts import (
    customer_forecasts,
    forecast_total,
    simulate_purchases,
    simulate_spend,
    total_estimates,
)
from siyu_helpers.analysis.lifetime.gamma_gamma import fit_gamma_gamma
from siyu_helpers.analysis.lifetime.pareto_nbd import fit_pareto_nbd

WORLDS = {
    "bg_nbd": (fit_bg_nbd, lambda rng, n: simulate_bg_nbd(rng, n, **BG_NBD)),
    "mbg_nbd": (fit_mbg_nbd, lambda rng, n: simulate_bg_nbd(rng, n, **BG_NBD, modified=True)),
    "pareto_nbd": (fit_pareto_nbd, lambda rng, n: simulate_pareto_nbd(rng, n, **PARETO_NBD)),
    "no dropout": (fit_bg_nbd, simulate_nbd),
}


def with_spend(summary, rng, **parameters):
    """Add customer numbers and a mean spend that the Gamma-Gamma model would give."""
    p, q, v = (({**GAMMA_GAMMA, **parameters})[name] for name in ("p", "q", "v"))
    x = summary["frequency"].to_numpy()
    sums = rng.gamma(p * np.maximum(x, 1)) / rng.gamma(q, 1 / v, len(x))
    made = summary.assign(customer_id=np.arange(len(x)), monetary_value=np.where(x > 0, sums / np.maximum(x, 1), 0.0))
    made.attrs = summary.attrs
    return made


@pytest.fixture(scope="module")
def world():
    """1,000 customers with spend, and their fits."""
    rng = np.random.default_rng(1)
    summary = with_spend(simulate_bg_nbd(rng, 1_000, **BG_NBD), rng)
    return summary, fit_bg_nbd(summary), fit_gamma_gamma(summary)


@pytest.mark.parametrize("name", WORLDS)
def test_simulated_futures_average_to_the_expected_purchases(name):
    """The posterior drawn from, against the closed forms of the models, for rare and for frequent buyers."""
    fit_model, draw = WORLDS[name]
    rng = np.random.default_rng(2)
    summary = draw(rng, 2_000)
    fit = fit_model(summary)
    assert fit.degenerate == (name == "no dropout")
    futures = np.array([simulate_purchases(fit, summary, 30.0, rng) for _ in range(200)])
    expected = fit.expected_purchases(30.0, customers=summary)
    for part in (summary["frequency"] == 0, summary["frequency"].between(1, 3), summary["frequency"] > 3):
        totals = futures[:, part].sum(axis=1)
        error = totals.std(ddof=1) / np.sqrt(len(totals))
        assert abs(totals.mean() - expected[part].sum()) < 3.5 * error
    assert (futures == futures.round()).all()
    assert futures.min() == 0


def test_simulated_spend_averages_to_the_expected_spend(world):
    summary, _, spend = world
    made = np.full(len(summary), 3.0)
    rng = np.random.default_rng(3)
    drawn = np.array([simulate_spend(spend, summary, made, rng) for _ in range(400)])
    expected = 3 * spend.expected_spend(summary)
    for part in (summary["frequency"] == 0, summary["frequency"].between(1, 2), summary["frequency"] > 2):
        totals = drawn[:, part].sum(axis=1)
        assert abs(totals.mean() - expected[part].sum()) < 3.5 * totals.std(ddof=1) / np.sqrt(len(totals))
    assert (simulate_spend(spend, summary, np.zeros(len(summary)), rng) == 0).all()


def test_the_realised_interval_has_the_width_of_brute_force(world):
    """A new parameter draw for each future, all customers: the shortcuts change the width by less than its noise."""
    summary, fit, spend = world
    rng = np.random.default_rng(4)
    purchases, money = [], []
    drawn, spent = fit.draws(800, seed=5), spend.draws(800, seed=6)
    for j in range(800):
        one = fit.with_parameters({name: values[j] for name, values in drawn.items()})
        cost = spend.with_parameters({name: values[j] for name, values in spent.items()})
        made = simulate_purchases(one, summary, 30.0, rng)
        purchases.append(made.sum())
        money.append(simulate_spend(cost, summary, made, rng).sum())
    row = forecast_total(fit, summary, 210, spend, draws=800).iloc[0]
    for totals, name in ((purchases, "realised_purchases"), (money, "realised_revenue")):
        low, high = np.quantile(totals, [0.05, 0.95])
        assert (row[f"{name}_high"] - row[f"{name}_low"]) / (high - low) == pytest.approx(1, abs=0.12)
        assert row[f"{name}_low"] == pytest.approx(low, rel=0.04)
        assert row[f"{name}_high"] == pytest.approx(high, rel=0.04)


def test_a_sample_shows_how_the_expected_total_moves(world, monkeypatch):
    summary, fit, spend = world
    sampled = forecast_total(fit, summary, 210, spend)
    monkeypatch.setattr(forecasts, "SAMPLE", 10**6)
    whole = forecast_total(fit, summary, 210, spend)
    ends = ["expected_purchases_low", "expected_purchases_high", "expected_revenue_low", "expected_revenue_high"]
    width = (whole["expected_purchases_high"] - whole["expected_purchases_low"]).iloc[0]
    assert abs(sampled[ends[:2]] - whole[ends[:2]]).to_numpy().max() < 0.03 * width
    assert np.allclose(sampled[ends], whole[ends], rtol=0.01)
    assert sampled["expected_purchases"].equals(whole["expected_purchases"])


def test_neither_ids_nor_the_order_of_rows_matter(world):
    summary, fit, spend = world
    group = np.where(summary["T"] > 60, "long", "short")
    made = forecast_total(fit, summary, 90, spend, group, draws=50)
    order = np.random.default_rng(1).permutation(len(summary))
    turned = summary.iloc[order].assign(customer_id=np.arange(len(order))[::-1])
    turned.attrs = summary.attrs
    pd.testing.assert_frame_equal(made, forecast_total(fit, turned, 90, spend, group[order], draws=50))
    assert not made.equals(forecast_total(fit, summary, 90, spend, group, draws=50, seed=2))


def test_groups_add_up_and_small_ones_stay_blank(world):
    summary, fit, spend = world
    group = pd.Series(np.where(np.arange(1_000) < 40, None, "known"))
    made = forecast_total(fit, summary, 90, spend, group, draws=50, at_least=100).set_index("group")
    assert made.index.tolist() == ["all", "known", "unknown"]
    assert made["customers"].tolist() == [1_000, 960, 40]
    assert made.loc["unknown"].drop("customers").isna().all()
    every = forecast_total(fit, summary, 90, spend, group, draws=50).set_index("group")
    assert every.loc["all", "expected_revenue"] == pytest.approx(every["expected_revenue"].iloc[1:].sum())
    for name in ("purchases", "revenue"):
        assert (every[f"realised_{name}_low"] <= every[f"expected_{name}_low"]).all()
        assert (every[f"realised_{name}_high"] >= every[f"expected_{name}_high"]).all()
    stated = total_estimates(made.reset_index())
    assert [number.unit for number in stated.values()] == ["purchases", "purchases", "money", "money"]
    assert all(isinstance(number, Estimate) for number in stated.values())
    assert all(isinstance(number, Refused) for number in total_estimates(made.reset_index(), "unknown").values())
    with pytest.raises(ValueError, match="there is no group 'nobody'"):
        total_estimates(made.reset_index(), "nobody")


def test_one_group_is_all_there_is(world):
    made = forecast_total(world[1], world[0], 90, groups=["only"] * 1_000, draws=30).set_index("group")
    assert made.index.tolist() == ["all", "only"]
    assert made.loc["all"].tolist() == pytest.approx(made.loc["only"].tolist())


def test_spend_too_skewed_for_a_mean_leaves_the_revenue_unbounded(world):
    """q hardly above 1: some draws have no mean, so that no upper end can be stated; q below 1 is refused."""
    summary, fit, spend = world
    wild = replace(spend, parameters={**spend.parameters, "q": 1.01}, log_covariance=np.diag([0.01, 0.04, 0.01]))
    row = forecast_total(fit, summary, 90, wild, draws=60).iloc[0]
    for name in ("expected_revenue", "realised_revenue"):
        assert np.isinf(row[f"{name}_high"])
        assert 0 <= row[f"{name}_low"] <= row[name] < np.inf
    with pytest.raises(ValueError, match="too skewed"):
        forecast_total(fit, summary, 90, spend.with_parameters({**spend.parameters, "q": 0.9}), draws=5)


def test_days_and_weeks_give_the_same_forecast():
    rng = np.random.default_rng(6)
    weeks = with_spend(simulate_bg_nbd(rng, 1_000, **BG_NBD), rng)
    days = weeks.assign(recency=weeks["recency"] * 7, T=weeks["T"] * 7)
    days.attrs = {"grain": "day"}
    made = [forecast_total(fit_bg_nbd(part), part, 90).iloc[0, 2:].astype(float) for part in (weeks, days)]
    assert np.allclose(*made, rtol=1e-4)
    with pytest.raises(ValueError, match="grain"):
        forecast_total(fit_bg_nbd(weeks), days, 90)


def test_without_dropout_the_forecast_is_that_of_the_nbd_limit():
    """(r + x) / (alpha + T) * t, Ehrenberg's conditional expectation: finite, and flagged."""
    summary = with_spend(simulate_nbd(np.random.default_rng(7), 1_000), np.random.default_rng(8))
    for fit_model in (fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd):
        fit = fit_model(summary)
        assert fit.degenerate
        r, alpha = fit.parameters["r"], fit.parameters["alpha"]
        by_hand = ((r + summary["frequency"]) / (alpha + summary["T"]) * 10).sum()
        row = forecast_total(fit, summary, 70).iloc[0]
        assert row["expected_purchases"] == pytest.approx(by_hand, rel=1e-9)
        assert np.isfinite(row.iloc[2:].astype(float)).all()


def test_forecasts_of_each_customer(world):
    summary, fit, _ = world
    made = customer_forecasts(fit, summary.iloc[:50], 90, draws=40)
    assert made["customer_id"].tolist() == list(range(50))
    assert made["probability_alive_high"].max() <= 1
    for name in ("expected_purchases", "probability_alive"):
        assert (made[f"{name}_low"] <= made[name]).all()
        assert (made[f"{name}_high"] >= made[name]).all()
    assert np.allclose(made["expected_purchases"], fit.expected_purchases(90 / 7, customers=summary.iloc[:50]))


@pytest.mark.parametrize("horizon", [0, -1, np.nan, np.inf])
def test_a_horizon_is_a_number_of_days(world, horizon):
    with pytest.raises(ValueError, match="horizon_days must be a number of days above 0"):
        forecast_total(world[1], world[0], horizon)


def test_what_cannot_be_a_group_is_said(world):
    summary, fit, _ = world
    with pytest.raises(ValueError, match="one label for each of the 1000 customers; it holds 3"):
        forecast_total(fit, summary, 90, groups=["a", "b", "c"])
    with pytest.raises(ValueError, match="no group may be called 'all'"):
        forecast_total(fit, summary, 90, groups=["all"] * 1_000)
