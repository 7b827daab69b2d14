"""What joining adds: against the estimators called by hand, exact splits, and what is refused with few joiners."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import joining_effects as effects
from siyu_helpers.analysis.effect.estimators import average_treatment_effect
from siyu_helpers.analysis.effect.results import combined, effect_of
from siyu_helpers.analysis.effect.trials import weekly_trials
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.data.simulate import simulate


@pytest.fixture(scope="module")
def trials():
    """Trials of 180 days of a small brand, for the tests to look at and not to change."""
    tables = simulate("xiaoman", customers=1200, seed=5, selection="observed").tables
    return weekly_trials(
        tables["orders"], tables["members"], "2025-12-31", 180, covariates=("recency", "frequency", "tenure"),
        controls_per_joiner=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(trials):
    return effects.joining_effects(trials, folds=1)


def made(value, without, influence=(0.1, -0.1)):
    """An effect on two rows, whose means add up."""
    flat = np.array(influence)
    return effect_of(
        value, flat, n=2, with_treatment=value + without, without_treatment=without, influence_without=flat
    )


def test_each_effect_is_that_of_the_estimator(trials, found):
    assert set(effects.OUTCOMES) <= set(found)
    assert [name for name in found if name.startswith(effects.MONTH)] == [f"{effects.MONTH}{k}" for k in range(1, 7)]
    alone = average_treatment_effect(
        trials, "spend", "joined", trials.attrs["covariates"], weights=["sampling_weight", "censor_weight"],
        clusters="customer_id", folds=1,
    )  # fmt: skip
    assert (found["spend"].value, found["spend"].standard_error) == (alone.value, alone.standard_error)


def test_the_months_add_up_to_the_whole(found):
    months = effects.by_month(found)
    assert months["month"].tolist() == [1, 2, 3, 4, 5, 6]
    assert months["value"].sum() == pytest.approx(found["orders"].value, abs=1e-9)
    change = effects.fading(found)
    assert change.value == pytest.approx(months["value"].iloc[-1] - months["value"].iloc[0])
    assert change.low < change.value < change.high
    assert effects.fading({"orders_month_1": made(1.0, 2.0)}) is None


def test_months_beyond_nine_stand_last():
    """As text, month 10 would come before month 2."""
    many = {f"{effects.MONTH}{k}": made(float(k), 1.0) for k in (10, 2, 1)}
    assert effects.by_month(many)["month"].tolist() == [1, 2, 10]
    assert effects.fading(many).value == 9.0


@settings(max_examples=60)
@given(*[st.floats(0.1, 50) for _ in range(4)])
def test_both_parts_of_the_spend_add_up_to_it(orders_with, orders_without, value_with, value_without):
    spend = [orders_with * value_with, orders_without * value_without]
    both = {
        "orders": made(orders_with - orders_without, orders_without),
        "spend": made(spend[0] - spend[1], spend[1]),
    }
    parts = effects.split_of_spend(both)
    assert parts["more_orders"].value + parts["larger_orders"].value == pytest.approx(spend[0] - spend[1], abs=1e-6)
    assert parts["order_value"].value == pytest.approx(value_with - value_without, abs=1e-6)
    assert parts["order_value_without"].value == pytest.approx(value_without, abs=1e-6)


def test_the_interval_of_a_part_is_that_of_the_delta_method(found):
    """Order value as a ratio of two means: its error from the ratio's own influence function, not by differences."""
    spend, orders = (effects.mean_without(found[name]) for name in ("spend", "orders"))
    ratio = spend.value / orders.value
    influence = (spend.influence - ratio * orders.influence) / orders.value
    by_hand = effect_of(ratio, influence, clusters=spend.clusters)
    part = effects.split_of_spend(found)["order_value_without"]
    assert part.value == pytest.approx(ratio)
    assert part.standard_error == pytest.approx(by_hand.standard_error, rel=1e-5)


def test_nothing_is_split_where_nobody_orders():
    assert effects.split_of_spend({"orders": made(1.0, 0.0), "spend": made(5.0, 0.0)}) == {}


def test_means_add_up_to_the_effect(found):
    one, two = effects.mean_with(found["orders"]), effects.mean_without(found["orders"])
    difference = combined(one.value - two.value, [1, -1], [one, two])
    assert difference.value == pytest.approx(found["orders"].value)
    assert difference.standard_error == pytest.approx(found["orders"].standard_error)


def test_groups_hold_every_joiner_once_in_each_division(trials):
    table = effects.by_segment(trials).set_index("segment")
    assert set(table.index) == set(effects.SEGMENTS)
    joiners = int((trials["joined"] == 1).sum())
    assert table.loc[["one_order", "two_or_three", "four_or_more"], "joiners"].sum() == joiners
    assert table.loc[["recent", "not_recent"], "joiners"].sum() == joiners
    few = table["joiners"] < effects.JOINERS_AT_LEAST
    assert table.loc[few, "value"].isna().all()
    assert table.loc[~few, ["value", "low", "high"]].notna().all(axis=None)


def test_the_grid_has_every_estimator_and_trim(trials):
    grid = effects.specification_grid(trials, kept=(1.0, 0.9))
    assert grid.groupby("method").size().to_dict() == {"ra": 1, "ipw": 2, "aipw": 2, "matching": 2}
    assert ((grid["low"] <= grid["value"]) & (grid["value"] <= grid["high"])).all()
    trimmed = grid[grid["kept"] < 1]
    joiners = (trials["joined"] == 1).sum()
    assert (trimmed["n_trimmed"] >= 0.09 * joiners).all()
    assert (grid.loc[grid["kept"] == 1, "n_trimmed"] == 0).all()


def test_a_table_of_effects(found):
    table = effects.effect_table({90: effects.nobody_joined(), 180: found}, ("orders", "spend"))
    assert table[["horizon_days", "outcome"]].to_numpy().tolist() == [[180, "orders"], [180, "spend"]]
    row = table.iloc[0]
    assert row["relative"] == pytest.approx(row["value"] / row["without"])
    assert row["relative_low"] < row["relative"] < row["relative_high"]
    none = effects.effect_table({30: {"orders": made(1.0, 0.0)}}).iloc[0]
    assert math.isnan(none["relative"])


def test_an_outcome_that_is_not_recorded_is_left_out(trials):
    unknown = trials.assign(contribution=np.nan).drop(columns="referrals")
    unknown.attrs = trials.attrs
    names = effects.known_outcomes(unknown)
    assert {"contribution", "referrals"}.isdisjoint(names)
    assert {"orders", "spend"} <= set(names)


def test_few_joiners_are_refused(trials):
    joiners = trials.index[trials["joined"] == 1]
    few = trials.drop(joiners[effects.JOINERS_AT_LEAST - 1 :])
    few.attrs = trials.attrs
    refused = effects.joining_effects(few)
    assert isinstance(refused, Refused)
    assert (refused.gate, refused.seen) == ("joiners", effects.JOINERS_AT_LEAST - 1)
    assert effects.specification_grid(few).empty
    alone = trials[trials["joined"] == 1]  # nobody to compare with
    alone.attrs = trials.attrs
    assert effects.joining_effects(alone).seen == 0
    assert effects.joining_effects(pd.DataFrame({"joined": []})).seen == 0
