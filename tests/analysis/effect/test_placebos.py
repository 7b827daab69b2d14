"""The placebo finds hidden selection, passes what the tables explain, and says when it cannot tell."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.effect import placebos
from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.effect.trials import weekly_trials
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.data.simulate import simulate


def trials(selection, customers, seed=1, horizon_days=90):
    tables = simulate("xiaoman", customers=customers, seed=seed, selection=selection).tables
    return weekly_trials(tables["orders"], tables["members"], "2025-12-31", horizon_days)


@pytest.fixture(scope="module")
def observed():
    return trials("observed", 6000)


@pytest.fixture(scope="module")
def hidden():
    return trials("hidden", 6000)


def test_it_passes_where_the_tables_tell_everything(observed):
    found = placebos.placebo(observed)
    assert found.low < 0 < found.high
    bias = placebos.placebo_bias(found, observed)
    assert bias.low < 0 < bias.high


def test_it_finds_hidden_selection(hidden):
    found = placebos.placebo(hidden)
    assert found.low > 0
    assert placebos.placebo_bias(found, hidden).low > 0.3  # orders in 90 days


def test_without_covariates_it_fails_even_where_the_tables_tell_everything(observed):
    """Joiners are those who order often and lately: compared with anybody they differ, whatever drives joining."""
    assert placebos.placebo(observed, ["log_mean_spend"]).low > 0.01


def test_a_small_brand_gets_an_interval_that_says_nothing():
    few = trials("hidden", 900)
    bias = placebos.placebo_bias(placebos.placebo(few), few)
    assert bias.high - bias.low > 1.5  # orders in 90 days, of which joiners place about as many


def test_the_gap_is_carried_on_by_the_day(observed):
    found = placebos.placebo(observed)
    month, quarter = (placebos.placebo_bias(found, observed, days) for days in (30, 90))
    assert quarter.value == pytest.approx(3 * month.value)
    assert quarter.standard_error == pytest.approx(3 * month.standard_error)
    joiners = observed[observed["joined"] == 1]
    assert month.value == pytest.approx(30 * found.value / joiners["days_before"].mean())
    spend = placebos.placebo_bias(found, observed, outcome="spend")
    assert spend.value / quarter.value == pytest.approx(joiners["spend"].sum() / joiners["orders"].sum())


def test_bias_by_hand_allows_for_the_days_being_a_mean():
    table = pd.DataFrame({"joined": [1, 1, 0], "days_before": [2.0, 4.0, 3.0], "orders": 1.0, "sampling_weight": 1.0})
    found = effect_of(0.3, np.array([0.02, -0.01, -0.01]), n=3)
    bias = placebos.placebo_bias(found, table, 30)
    assert bias.value == pytest.approx(3.0)
    # 10 x (influence - 0.1 x influence of the mean number of days)
    assert bias.influence == pytest.approx(10 * (found.influence - 0.1 * np.array([-0.5, 0.5, 0.0])))


def test_effect_less_gap_keeps_what_both_have_in_common():
    shared = np.array([0.1, -0.1, 0.05, -0.05])
    left = placebos.without_placebo_gap(effect_of(0.5, shared), effect_of(0.2, shared))
    assert left.value == pytest.approx(0.3)
    assert left.standard_error == 0


def test_no_days_before_is_refused(observed):
    mondays = observed.assign(days_before=0.0, orders_before=0.0)
    mondays.attrs = observed.attrs
    assert placebos.placebo_bias(effect_of(0.0, np.zeros(len(mondays))), mondays).gate == "days before joining"
    few = observed.iloc[:5]
    few.attrs = observed.attrs
    refused = placebos.placebo(few)
    assert isinstance(refused, Refused)
    assert placebos.placebo_bias(refused, few) is refused


def test_a_handful_of_orders_before_joining_is_no_test():
    """With no order of a joiner seen, the interval would be that of the comparators alone: far too narrow."""
    rng = np.random.default_rng(5)
    people = 2_000
    table = pd.DataFrame({"joined": np.arange(people) < 200, "size": rng.normal(size=people), "sampling_weight": 1.0})
    table = table.assign(joined=table["joined"].astype(int), customer_id=np.arange(people))
    none = table.assign(orders_before=np.where((np.arange(people) % 200 == 199) & (table["joined"] == 0), 1.0, 0.0))
    refused = placebos.placebo(none, ["size"])
    assert isinstance(refused, Refused)
    assert (refused.gate, refused.seen, refused.needed) == ("orders before joining", 0, 10)
    # Many were to be expected, and none is seen: that is a gap.
    many = table.assign(orders_before=np.where((np.arange(people) % 5 == 4) & (table["joined"] == 0), 1.0, 0.0))
    assert placebos.placebo(many, ["size"]).high < 0
    # And as many seen as are needed, where none was to be expected.
    seen = table.assign(orders_before=np.where(np.arange(people) < 12, 1.0, 0.0))
    assert placebos.placebo(seen, ["size"]).low > 0
