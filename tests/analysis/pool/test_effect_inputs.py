"""Inputs from the effect of joining: by the model itself, by brute force, and by simulated customers."""

import numpy as np
import pytest
from scipy import stats

from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.effect.verdicts import NOT_IDENTIFIED
from siyu_helpers.analysis.estimates import Estimate, Refused, coverage
from siyu_helpers.analysis.pool import effect_inputs as inputs
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import flows

A_MONTH = 365.25 / 12 / 30


def effects(without, added, noise=1e-9, rows=400, seed=1):
    """Effects of 30-day months with these values, and of their sum, erring independently by `noise`."""
    rng = np.random.default_rng(seed)

    def errors():
        drawn = rng.standard_normal(rows)
        return (drawn - drawn.mean()) * noise / np.sqrt(rows)

    made = {}
    pairs = [(errors(), errors()) for _ in without]
    for number, (base, more, (of_more, of_base)) in enumerate(zip(without, added, pairs, strict=True), 1):
        made[f"orders_month_{number}"] = effect_of(
            more, of_more, n=rows, with_treatment=base + more, without_treatment=base, influence_without=of_base
        )
    made["orders"] = effect_of(
        sum(added), sum(pair[0] for pair in pairs), n=rows, with_treatment=sum(without) + sum(added),
        without_treatment=sum(without), influence_without=sum(pair[1] for pair in pairs),
    )  # fmt: skip
    return made


def faded(start, kept, months=6):
    """Orders in months of thirty days when a share is kept each calendar month."""
    return [start * kept ** (age / A_MONTH) for age in range(months)]


def test_the_model_gives_back_the_horizon_and_the_rates():
    base, stay, gain = 0.91, 0.95, 0.97
    found = inputs.effect_inputs({180: effects(faded(0.5, base), faded(0.2, base * stay * gain))}, "strong", stay)
    named = {name: quantity.value for name, (quantity, _) in found.named.items()}
    assert named["activity_kept"] == pytest.approx(base, abs=1e-6)
    assert named["uplift_kept"] == pytest.approx(gain, abs=1e-6)
    # One cohort through the model of `value`: six calendar months are 182.6 days.
    cohort = PoolInputs(0, order_value=1, margin=1, opening_members=1, churn=1 - stay, **named)
    parts = flows({name: np.array([value]) for name, value in cohort.typical().items()}, 6)
    assert parts["added_orders"].sum() / A_MONTH == pytest.approx(sum(faded(0.2, base * stay * gain)), rel=1e-6)
    unlapsed = cohort.replaced(churn=0.0, uplift=1.0, uplift_kept=1.0)
    parts = flows({name: np.array([value]) for name, value in unlapsed.typical().items()}, 6)
    assert parts["added_orders"].sum() / A_MONTH == pytest.approx(sum(faded(0.5, base)), rel=1e-6)


def test_a_gain_kept_whole_for_six_months_is_not_surely_kept_for_ever():
    found = inputs.effect_inputs({180: effects([0.5] * 6, faded(0.1, 1.05))}, "strong", 0.9)
    for name in ("activity_kept", "uplift_kept"):
        quantity = found.named[name][0]
        assert (quantity.value, quantity.low) == (1.0, inputs.STATED[name][1])
    whole = inputs.effect_inputs({180: effects(faded(0.5, 0.91), faded(0.2, 0.91 * 0.95 * 0.97))}, "strong", 0.95)
    assert whole.named["uplift_kept"][0].low == pytest.approx(0.97, abs=1e-3)  # what was seen to fade stays as it is


@pytest.mark.parametrize("added", [0.0, 0.06, 0.45])
def test_where_a_lot_gives_the_verdict_the_gain_is_the_lots(added):
    """Trials say that a third more is ordered; the lot says that `added` orders are, over three months."""
    trials = {180: effects(faded(0.5, 0.91), faded(0.2, 0.91 * 0.95 * 0.97))}
    errors = np.array([0.01, -0.01] * 50)
    late = {"orders": effect_of(added, errors, n=100), "referrals": Refused("referrals", 0, 1, "没有。", "None.")}
    found = inputs.effect_inputs(trials, "strong", 0.95, late=late, late_days=90)
    gain, origin = found.named["uplift"]
    assert origin.kind == "estimated"
    assert "random invitation" in origin.words.en
    named = {name: quantity.value for name, (quantity, _) in found.named.items()}
    cohort = PoolInputs(0, order_value=1, margin=1, opening_members=1, churn=0.05, **named)
    parts = flows({name: np.array([value]) for name, value in cohort.typical().items()}, 3)
    assert parts["added_orders"].sum() / A_MONTH == pytest.approx(added, abs=1e-6)
    reach = stats.norm.ppf(0.95) * np.sqrt((errors**2).sum() * 100 / 99)
    assert (gain.high - gain.low) / 2 == pytest.approx(reach * gain.value / added if added else gain.high, rel=0.1)
    assert not any("uplift" in pair for pair in found.correlations)
    # A lot that leaves the answer open changes nothing: the range between none and the trials at face value.
    left_open = inputs.effect_inputs(trials, NOT_IDENTIFIED, 0.95, late=late, late_days=90)
    assert left_open.named == inputs.effect_inputs(trials, NOT_IDENTIFIED, 0.95).named


def test_a_gain_that_grows_is_kept_whole_and_the_horizon_still_comes_out():
    found = inputs.effect_inputs({180: effects([0.5] * 6, faded(0.1, 1.05))}, "strong", 0.9)
    named = {name: quantity.value for name, (quantity, _) in found.named.items()}
    assert (named["activity_kept"], named["uplift_kept"]) == (1.0, 1.0)
    total = named["orders_per_month"] * named["uplift"] * sum((0.9**a + 0.9 ** (a + 1)) / 2 for a in range(6))
    assert total / A_MONTH == pytest.approx(sum(faded(0.1, 1.05)))


def test_joint_draws_have_the_covariance_of_the_clustered_influence():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 60, 300)
    parts = [effect_of(1.0, rng.standard_normal(300) / 100, clusters=codes) for _ in range(3)]
    summed = np.array([np.bincount(codes, part.influence) for part in parts])
    drawn = inputs.joint_draws(parts, 40_000, seed=1)[1:]
    assert np.cov(drawn.T) == pytest.approx(summed @ summed.T * 60 / 59, rel=0.1, abs=3e-4)
    assert np.diag(np.cov(drawn.T)) == pytest.approx([part.standard_error**2 for part in parts], rel=0.05)


@pytest.mark.parametrize("identified", ["not identified here", "no members"])
def test_a_gain_that_is_not_identified_lies_between_none_and_its_upper_end(identified):
    made = effects([0.5] * 6, [0.1] * 6, noise=0.02)
    face = inputs.effect_inputs({180: made}, "suggestive").named["uplift"][0]
    quantity, origin = inputs.effect_inputs({180: made}, identified).named["uplift"]
    assert quantity == pytest.approx((0.0, face.value / 2, face.high))
    assert origin.kind == "assumed"
    assert "not identified" in origin.words.en
    assert not any("uplift" in pair for pair in inputs.effect_inputs({180: made}, identified).correlations)


def test_a_negative_effect_that_is_not_identified_is_no_gain():
    quantity, _ = inputs.effect_inputs({180: effects([0.5] * 6, [-0.1] * 6)}, "not identified here").named["uplift"]
    assert quantity == (0.0, 0.0, 0.0)


def test_refused_horizons_are_passed_over_and_what_is_too_noisy_is_assumed():
    refused = Refused("joiners", 3, 50, "少。", "Few.")
    found = inputs.effect_inputs({30: effects([0.5], [0.1]), 90: refused, 180: refused}, "strong")
    assert found.horizon_days == 30
    assert found.named["activity_kept"][0] == inputs.STATED["activity_kept"]
    assert found.named["orders_per_month"][0].value == pytest.approx(0.5 * A_MONTH / ((1 + 0.92) / 2))
    noisy = inputs.effect_inputs({180: effects([0.5] * 6, [0.02] * 6, noise=0.05)}, "strong")
    assert isinstance(noisy.named["activity_kept"][0], Estimate)
    assert noisy.named["uplift_kept"][1].kind == "assumed"
    # The longest horizon without its months: its total still counts.
    total = {"orders": effects([0.5] * 6, [0.1] * 6)["orders"]}
    assert inputs.effect_inputs({180: total}, "strong").named["uplift"][0].value > 0.1
    for nothing in (None, {}, {180: refused}, {180: effects([1e-12] * 6, [0.1] * 6, noise=0.1)}):
        assert inputs.effect_inputs(nothing).named == {}


def customers(rng, many=1_500):
    """Orders by month of two groups of customers alike, one of which gains; each with a rate of its own."""
    rate = rng.gamma(2.0, 0.25, 2 * many)[:, None]
    fades = 0.92 ** (np.arange(6) / A_MONTH)
    gains = 1 + 0.4 * np.repeat([1, 0], many)[:, None] * 0.9 ** (np.arange(6) / A_MONTH)
    return rng.poisson(rate * fades * gains), many


def by_lot(drawn):
    """Difference of means as Effects, with their influence functions."""
    orders, many = drawn
    made = {}
    for name, values in [("orders", orders.sum(axis=1)), *((f"orders_month_{k + 1}", orders[:, k]) for k in range(6))]:
        ours, theirs = values[:many].mean(), values[many:].mean()
        base = np.concatenate([np.zeros(many), (values[many:] - theirs) / many])
        more = np.concatenate([(values[:many] - ours) / many, np.zeros(many)]) - base
        made[name] = effect_of(ours - theirs, more, n=2 * many, without_treatment=theirs, influence_without=base)
    return inputs.effect_inputs({180: made}, "strong", seed=1).named


@pytest.mark.parametrize("name", ["orders_per_month", "uplift", "activity_kept"])
def test_intervals_cover_what_customers_were_drawn_from(name):
    # The truth of the model's inputs: those of a table without error.
    exact = 0.5 * 0.92 ** (np.arange(6) / A_MONTH)
    gain = exact * 0.4 * 0.9 ** (np.arange(6) / A_MONTH)
    truth = inputs.effect_inputs({180: effects(exact, gain)}, "strong").named[name][0].value
    assert coverage(customers, lambda drawn: by_lot(drawn)[name][0], truth, 60, seed=7).meets_bar()


def test_normal_scores_find_the_correlation_of_a_gaussian_copula():
    rng = np.random.default_rng(1)
    one, other = rng.multivariate_normal([0, 0], [[1, -0.6], [-0.6, 1]], 20_000).T
    found = inputs.rank_correlations({"uplift": np.exp(one), "margin": stats.norm.cdf(other)})
    assert found["uplift", "margin"] == pytest.approx(-0.6 * inputs.CORRELATION_AT_MOST, abs=0.02)
