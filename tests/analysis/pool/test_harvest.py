"""Harvest against cultivate: both policies run as pools of their own, and the response at which they draw level."""

import numpy as np
import pytest

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.pool.harvest import harvest_or_cultivate
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import pool_value

INPUTS = PoolInputs(
    100, 0.5, 0.5, 100, 0.4, messages_per_month=30, opt_out_per_message=0.005, churn=0.02, message_cost=0.02,
    discount_rate=0.1, opening_members=1000, activity_kept=0.95,
)  # fmt: skip


@pytest.mark.parametrize("response", [0.0, 0.002, 0.01])
def test_the_gain_is_that_of_two_pools(response):
    found = harvest_or_cultivate(INPUTS, 8, response, months=18)
    fewer = INPUTS.replaced(messages_per_month=8, uplift=0.5 - response * 22 / 0.5)
    pools = [pool_value(inputs, 18).monthly for inputs in (INPUTS, fewer)]
    gain = pools[1]["cumulative"] - pools[0]["cumulative"]
    assert found.monthly["gain"].to_numpy() == pytest.approx(gain.to_numpy(), abs=1e-6)
    assert found.monthly["members_harvest"].to_numpy() == pytest.approx(pools[0]["closing"].to_numpy())
    assert found.monthly["members_cultivate"].to_numpy() == pytest.approx(pools[1]["closing"].to_numpy())
    figures = found.rule.figures
    assert figures["harvest_gain"].value == pytest.approx(gain.iloc[-1])
    assert figures["harvest_members_kept"].value == pytest.approx((pools[1]["closing"] - pools[0]["closing"]).iloc[-1])
    never_again_below = 1 + max([0, *(np.flatnonzero(gain.to_numpy() < 0) + 1)])
    crossover = figures["harvest_crossover"]
    assert isinstance(crossover, Refused) if never_again_below > 18 else crossover.value == never_again_below


def test_some_response_makes_it_cross_in_between():
    crossing = [
        harvest_or_cultivate(INPUTS, 8, response).rule.figures["harvest_crossover"]
        for response in np.linspace(0.0, 0.004, 9)
    ]
    months = [one.value for one in crossing if not isinstance(one, Refused)]
    assert months == sorted(months)
    assert any(1 < month < 36 for month in months)


def test_at_the_limit_the_two_draw_level():
    limit = harvest_or_cultivate(INPUTS, 8).rule.figures["harvest_response_limit"].value
    level, below, above = (
        harvest_or_cultivate(INPUTS, 8, limit * factor).rule.figures["harvest_gain"].value for factor in (1, 0.99, 1.01)
    )
    assert below > 0 > above
    assert abs(level) < 1e-6 * abs(below)


def test_the_rule_turns_at_the_limit():
    limit = harvest_or_cultivate(INPUTS, 8).rule.figures["harvest_response_limit"].value
    assert harvest_or_cultivate(INPUTS, 8, 0.99 * limit).rule.agrees == "agrees"
    assert harvest_or_cultivate(INPUTS, 8, 1.01 * limit).rule.agrees == "disagrees"
    assert harvest_or_cultivate(INPUTS, 8).rule.agrees == "cannot be told"
    wide = INPUTS.replaced(opt_out_per_message=(0.0, 0.005, 0.02))
    assert harvest_or_cultivate(wide, 8, limit).rule.agrees == "cannot be told"


def test_without_a_known_response_the_gain_is_blank():
    found = harvest_or_cultivate(INPUTS, 8)
    assert found.monthly["gain"].isna().all()
    assert isinstance(found.rule.figures["harvest_gain"], Refused)
    assert found.rule.figures["harvest_members_kept"].value > 0


@pytest.mark.parametrize("changed", [{"orders_per_month": 0}, {"margin": 0}, {"order_value": 0}])
def test_where_orders_earn_nothing_more_messages_pay_in_no_case(changed):
    found = harvest_or_cultivate(INPUTS.replaced(**changed), 8, 0.01)
    assert isinstance(found.rule.figures["harvest_response_limit"], Refused)
    assert np.isfinite(found.monthly.to_numpy(dtype=float)).all()


def test_uncertain_inputs_give_intervals_that_repeat():
    wide = INPUTS.replaced(opt_out_per_message=(0.001, 0.005, 0.02), uplift=(0.2, 0.5, 0.8))
    one, same = (harvest_or_cultivate(wide, 8, 0.003, draws=200, seed=4) for _ in range(2))
    assert one.monthly.equals(same.monthly)
    assert (one.monthly["gain_low"] <= one.monthly["gain"]).all()
    assert (one.monthly["gain"] <= one.monthly["gain_high"]).all()


@pytest.mark.parametrize(
    ("changed", "name"),
    [({"fewer_messages": 30}, "fewer_messages"), ({"fewer_messages": -1}, "fewer_messages"),
     ({"orders_per_message": -0.1}, "orders_per_message"), ({"months": 0}, "months")],
)  # fmt: skip
def test_impossible_numbers_are_refused_by_name(changed, name):
    with pytest.raises(ValueError, match=name):
        harvest_or_cultivate(INPUTS, **({"fewer_messages": 8} | changed))
