"""Lifetime value against hand arithmetic, its invariances, and the premise of the spend model on CDNOW."""

import numpy as np
import pandas as pd
import pytest
from lifetime_simulations import BG_NBD, GAMMA_GAMMA, cdnow_sample, simulate_bg_nbd, simulate_nbd
from scipy import stats

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.lifetime import value
from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd
from siyu_helpers.analysis.lifetime.gamma_gamma import fit_gamma_gamma
from siyu_helpers.analysis.lifetime.value import (
    frequency_class,
    lifetime_value,
    lifetime_value_by,
    spend_by_frequency,
    spend_independence,
    value_estimates,
    value_of_one_time_buyers,
)


def with_spend(summary, seed):
    rng, x = np.random.default_rng(seed), summary["frequency"].to_numpy()
    sums = rng.gamma(GAMMA_GAMMA["p"] * np.maximum(x, 1)) / rng.gamma(GAMMA_GAMMA["q"], 1 / GAMMA_GAMMA["v"], len(x))
    made = summary.assign(customer_id=np.arange(len(x)), monetary_value=np.where(x > 0, sums / np.maximum(x, 1), 0.0))
    made.attrs = summary.attrs
    return made


@pytest.fixture(scope="module")
def world():
    """800 customers with spend, and their fits."""
    summary = with_spend(simulate_bg_nbd(np.random.default_rng(1), 800, **BG_NBD), 2)
    return summary, fit_bg_nbd(summary), fit_gamma_gamma(summary)


def test_without_discount_value_is_margin_times_spend_times_purchases(world):
    summary, fit, spend = world
    made = lifetime_value(fit, spend, summary, 364, annual_discount_rate=0, margin=0.4)
    purchases = fit.expected_purchases(52, customers=summary)
    assert np.allclose(made["expected_purchases"], purchases)
    assert np.allclose(made["lifetime_value"], 0.4 * spend.expected_spend(summary) * purchases)
    assert np.allclose(made["probability_alive"], fit.probability_alive(summary))
    assert (made["customer_id"] == summary["customer_id"]).all()


def test_discount_by_hand_where_purchases_come_evenly():
    """Without dropout the rate is constant: integral of 1.21^-(u/365) over two years, divided by two years."""
    summary = with_spend(simulate_nbd(np.random.default_rng(3), 800), 4)
    fit, spend = fit_bg_nbd(summary), fit_gamma_gamma(summary)
    assert fit.degenerate
    made = lifetime_value(fit, spend, summary, 730, annual_discount_rate=0.21, margin=1)
    factor = (1 - 1.21**-2) / (2 * np.log(1.21))
    assert np.allclose(made["discounted_purchases"] / made["expected_purchases"], factor, rtol=1e-5)


@pytest.mark.parametrize(("horizon", "rate"), [(365, 0.1), (1095, 0.5), (20, 0.1)])
def test_half_the_step_changes_nothing_to_speak_of(world, horizon, rate):
    summary, fit, _ = world
    whole, half = (value._purchases(fit, summary, horizon, rate, step)[1] for step in (30, 15))
    assert np.abs(half / whole - 1).max() < 1e-3


def test_the_horizon_is_in_days_whatever_the_grain(world):
    summary, fit, spend = world
    days = summary.assign(recency=summary["recency"] * 7, T=summary["T"] * 7)
    days.attrs = {"grain": "day"}
    made = [
        lifetime_value(one, spend, part, 90, 0.1, 0.5)["lifetime_value"]
        for one, part in ((fit, summary), (fit_bg_nbd(days), days))
    ]
    assert np.allclose(*made, rtol=1e-4)


@pytest.mark.parametrize("factor", [7, 100])
def test_another_currency_changes_nothing_but_the_unit(world, factor):
    summary, fit, spend = world
    other = summary.assign(monetary_value=summary["monetary_value"] * factor)
    other.attrs = summary.attrs
    dear = fit_gamma_gamma(other)
    assert [dear.parameters[name] for name in "pq"] == pytest.approx([spend.parameters[name] for name in "pq"])
    ours = lifetime_value(fit, spend, summary, 365, 0.1, 0.5)["lifetime_value"]
    assert np.allclose(lifetime_value(fit, dear, other, 365, 0.1, 0.5)["lifetime_value"], factor * ours, rtol=1e-6)
    group = np.where(summary["T"] > 60, "long", "short")
    tables = [
        lifetime_value_by(fit, one, part, group, 365, 0.1, 0.5, draws=60)
        for one, part in ((spend, summary), (dear, other))
    ]
    money = [name for name in tables[0] if "total" in name or "per_customer" in name]
    assert np.allclose(tables[1][money], factor * tables[0][money], rtol=1e-5)
    assert np.allclose(tables[1]["population_mean_share"], tables[0]["population_mean_share"])


def test_whose_spend_is_unknown_is_said(world):
    summary, fit, spend = world
    summary = summary.assign(
        monetary_value=summary["monetary_value"].where(summary.index != summary["frequency"].idxmax(), 0)
    )
    made = lifetime_value(fit, spend, summary, 365, 0.1, 0.5)
    unknown = made["spend_is_population_mean"]
    assert (unknown == ((summary["frequency"] == 0) | (summary.index == summary["frequency"].idxmax()))).all()
    p, q, v = (spend.parameters[name] for name in ("p", "q", "v"))
    assert np.allclose(made.loc[unknown, "expected_spend"], p * v / (q - 1))
    share = value_of_one_time_buyers(fit, spend, summary, 365, 0.1, draws=60)
    assert share.value == pytest.approx(made.loc[unknown, "lifetime_value"].sum() / made["lifetime_value"].sum())
    assert 0 < share.low < share.value < share.high < 1
    known = summary[~unknown]
    known.attrs = summary.attrs
    assert value_of_one_time_buyers(fit, spend, known, 365, 0.1, draws=20).value == 0


def test_value_by_group(world):
    summary, fit, spend = world
    group = np.array(["private"] * 500 + ["public"] * 220 + ["few"] * 80)
    made = lifetime_value_by(fit, spend, summary, group, 365, 0.1, 0.5, draws=60)
    each = lifetime_value(fit, spend, summary, 365, 0.1, 0.5)
    assert made["group"].tolist() == ["all", "few", "private", "public"]
    made = made.set_index("group")
    for name in ("private", "public"):
        mine = each[group == name]
        assert made.loc[name, "expected_per_customer"] == pytest.approx(mine["lifetime_value"].mean())
        assert made.loc[name, "realised_total"] == pytest.approx(mine["lifetime_value"].sum())
        once = mine.loc[mine["spend_is_population_mean"], "lifetime_value"].sum()
        assert made.loc[name, "population_mean_share"] == pytest.approx(once / mine["lifetime_value"].sum())
        assert made.loc[name, "realised_total_low"] < made.loc[name, "expected_total_low"]
        assert made.loc[name, "realised_total_high"] > made.loc[name, "expected_total_high"]
    assert made.loc["few"].drop("customers").isna().all()
    stated = value_estimates(made.reset_index(), "private")
    assert stated["expected_per_customer"].unit == "money per customer"
    assert "margin 50%" in stated["expected_total"].definition_in("en")
    assert isinstance(value_estimates(made.reset_index(), "few")["expected_total"], Refused)
    whole = lifetime_value_by(fit, spend, summary, None, 365, 0.1, 0.5, draws=60)
    assert whole["expected_total"].iloc[0] == pytest.approx(each["lifetime_value"].sum())


def test_spend_and_frequency_on_cdnow():
    """Fader, Hardie and Lee (2005b) and the manual of lifetimes: correlation of .11 on the 1/10 sample."""
    made = spend_independence(cdnow_sample())
    again = cdnow_sample().query("monetary_value > 0")
    assert made["pearson"].value == pytest.approx(0.1139, abs=0.0001)
    assert made["pearson"].value == pytest.approx(stats.pearsonr(again["frequency"], again["monetary_value"])[0])
    assert made["spearman"].value == pytest.approx(stats.spearmanr(again["frequency"], again["monetary_value"])[0])
    assert made["spearman"].n == len(again) == 946
    table = spend_by_frequency(cdnow_sample()).set_index("frequency")
    assert table["customers"].tolist() == [439, 214, 100, 62, 38, 29, 64]
    assert table["spend"].notna().tolist() == [True, True, True, False, False, False, False]
    assert table.loc["1", "spend"] == pytest.approx(again.query("frequency == 1")["monetary_value"].mean())


@pytest.mark.parametrize("kind", ["pearson", "spearman"])
def test_the_interval_of_no_correlation_covers(kind):
    """Skewed counts and skewed spend, drawn apart: 0 is in 500 intervals of 90%, give or take 3.5 s.d."""
    rng, covered = np.random.default_rng(5), 0
    for _ in range(500):
        summary = pd.DataFrame({"frequency": rng.negative_binomial(0.8, 0.2, 600)})
        summary["monetary_value"] = rng.lognormal(3, 0.8, 600) * (summary["frequency"] > 0)
        made = spend_independence(summary)[kind]
        covered += made.low <= 0 <= made.high
    assert 426 <= covered <= 474


def test_too_few_repeaters_show_no_relation(world):
    for part in (world[0].iloc[:30], world[0].assign(frequency=1)):
        assert all(isinstance(one, Refused) for one in spend_independence(part).values())


def test_classes_of_frequency():
    made = frequency_class(pd.Series([0, 3, 6, 7, 90], index=list("abcde")))
    assert made.to_dict() == {"a": "0", "b": "3", "c": "6", "d": "7+", "e": "7+"}


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ((0, 0.1, 0.5), "horizon_days"),
        ((365, -0.1, 0.5), "annual_discount_rate"),
        ((365, float("nan"), 0.5), "annual_discount_rate"),
        ((365, 0.1, 0), "margin"),
        ((365, 0.1, 45), "margin"),
    ],
)
def test_terms_that_cannot_be_are_said(world, terms, words):
    with pytest.raises(ValueError, match=words):
        lifetime_value(world[1], world[2], world[0], *terms)


def test_a_summary_without_ids_is_said(world):
    summary, fit, spend = world
    with pytest.raises(ValueError, match="there is no column 'customer_id'"):
        lifetime_value(fit, spend, summary.drop(columns="customer_id"), 365, 0.1, 0.5)
