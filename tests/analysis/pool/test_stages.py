"""The scale rule at its thresholds; the closed tap against a geometric series and a pool counted person by person."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool import stages
from siyu_helpers.analysis.pool.break_even import break_even_size
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import pool_value

PLAIN = PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.05, staff_cost=10_000)
SIZE = Estimate(2000, 1500, 3000, 0.9, 10_000, "customers", "size", "f")


@pytest.mark.parametrize(
    ("reachable", "members", "stage"),
    [
        (1499, 0, "no base yet"),
        (1499, None, "no base yet"),
        (1500, 0, "between stages"),
        (2999, 0, "between stages"),
        (3000, 0, "building"),
        (3000, 1499, "building"),
        (9000, 1500, "between stages"),
        (9000, 2999, "between stages"),
        (9000, 3000, "carries itself"),
        (10, 3000, "carries itself"),
        (None, 3000, "carries itself"),
        (None, 100, "cannot be told"),
        (800, 1800, "between stages"),  # the pool itself is no fewer than the lower end
    ],
)
def test_stages_turn_at_the_ends_of_the_break_even_size(reachable, members, stage):
    assert stages.stage_of(SIZE, reachable, members).stage == stage


def test_size_is_not_what_is_missing_where_a_customer_costs_what_it_earns():
    no_size = break_even_size(PLAIN.replaced(service_cost=100))
    found = stages.stage_of(no_size, 1e6, 1e6)
    assert (found.stage, found.rule.agrees) == ("no size pays", "disagrees")


def test_without_fixed_costs_no_size_is_too_small():
    found = stages.stage_of(break_even_size(PLAIN.replaced(staff_cost=0)), 5, 1)
    assert (found.stage, found.rule.agrees) == ("carries itself", "disagrees")


def test_what_is_refused_is_passed_on():
    refused = Refused("inputs", 0, 1, "没有。", "None.")
    found = stages.stage_of(refused, 100, 10)
    assert (found.stage, found.rule.agrees, found.rule.figures["break_even_base"]) == (
        "cannot be told", "cannot be told", refused)  # fmt: skip
    assert stages.stage_of(SIZE, refused, refused).stage == "cannot be told"
    with pytest.raises(ValueError, match="number of customers"):
        stages.stage_of(SIZE, -1, 0)


def test_every_stage_has_a_name_and_a_reading_without_figures():
    for stage in stages.STAGES:
        assert stages.STAGE_NAMES[stage].zh
    for reachable, members in ((10, 0), (9000, 0), (9000, 9000), (2000, 0), (None, 0)):
        reading = stages.stage_of(SIZE, reachable, members).rule.reading
        assert not any(sign.isdigit() for text in reading for sign in text)


def test_the_inflow_that_holds_the_pool_does_hold_it():
    inputs = PLAIN.replaced(messages_per_month=10, opt_out_per_message=0.002, ban_probability=0.03, recovery=0.5)
    found = stages.inflow_to_hold(inputs, 3000)
    stay = 0.95 * 0.998**10 * (1 - 0.015)
    assert found["exit_share"].value == pytest.approx(1 - stay)
    held = inputs.replaced(opening_members=3000, joiners_per_month=found["inflow_to_hold"].value)
    assert pool_value(held, 12).monthly["closing"].to_numpy() == pytest.approx(np.full(12, 3000))


@pytest.mark.parametrize(("joiners", "word"), [(151, "grows"), (149, "shrinks"), ((100, 150, 200), "stays about")])
def test_the_present_inflow_against_what_holds_the_pool(joiners, word):
    rule = stages.keep_fishing(PLAIN.replaced(joiners_per_month=joiners), 3000)
    assert word in rule.reading.en
    assert rule.agrees == "agrees"


def test_where_nobody_leaves_fishing_may_stop():
    rule = stages.keep_fishing(PLAIN.replaced(churn=0), 3000)
    assert rule.agrees == "disagrees"
    assert rule.figures["inflow_to_hold"].value == 0


def test_the_closed_pool_is_a_geometric_series():
    found = stages.tap_closed(PLAIN, 2000, months=24)
    months = np.arange(1, 25)
    assert found.monthly["closing_closed"].to_numpy() == pytest.approx(2000 * 0.95**months)
    assert found.monthly["closing_open"].to_numpy() == pytest.approx(2000 * 0.95**months + 2000 * (1 - 0.95**months))
    figures = found.rule.figures
    assert figures["closed_half_life"].value == pytest.approx(math.log(0.5) / math.log(0.95))
    assert figures["closed_members"].value == pytest.approx(2000 * 0.95**24)
    assert figures["closed_replaced_by_referral"].value == 0
    assert found.rule.agrees == "agrees"


def test_the_value_lost_is_that_of_two_pools():
    inputs = PLAIN.replaced(recruiting_cost=12, discount_rate=0.1, opening_members=500)
    lost = stages.tap_closed(inputs, 2000).rule.figures["closed_value_lost"].value
    opened, closed = (
        pool_value(inputs.replaced(opening_members=2000, joiners_per_month=joiners)).value.value for joiners in (100, 0)
    )
    assert lost == pytest.approx(opened - closed)


def test_referred_joiners_by_counting():
    inputs = PLAIN.replaced(referrals_per_month=0.1, referral_joining_share=0.5, activity_kept=0.9)
    found = stages.tap_closed(inputs, 1000, months=6)
    # Every member apart: cohorts by month of joining, each with its own size and buying.
    cohorts, referred, left = [(1000.0, 0)], 0.0, 0.0
    for month in range(6):
        joining = sum(size * 0.9 ** (month - born) for size, born in cohorts) * 0.1 * 0.5
        left += 0.05 * sum(size for size, _ in cohorts)
        cohorts = [(size * 0.95, born) for size, born in cohorts] + [(joining, month + 1)]
        referred += joining
    assert found.monthly["closing_closed"].iloc[-1] == pytest.approx(sum(size for size, _ in cohorts))
    assert found.rule.figures["closed_replaced_by_referral"].value == pytest.approx(referred / left)


@pytest.mark.parametrize(
    ("changed", "agrees"),
    [({"churn": 0}, "disagrees"), ({"churn": (0.0, 0.01, 0.02)}, "agrees"),
     ({"referrals_per_month": (0.0, 0.05, 0.1), "referral_joining_share": 1}, "cannot be told"),
     ({"referrals_per_month": 0.06, "referral_joining_share": 1}, "disagrees")],
)  # fmt: skip
def test_the_rule_turns_where_the_pool_does_not_shrink(changed, agrees):
    found = stages.tap_closed(PLAIN.replaced(**changed), 1000)
    assert found.rule.agrees == agrees


def test_a_pool_that_does_not_halve_has_no_half_life():
    assert isinstance(stages.tap_closed(PLAIN.replaced(churn=0.001), 1000).rule.figures["closed_half_life"], Refused)
    gone = stages.tap_closed(PLAIN.replaced(churn=1), 1000).rule.figures
    assert gone["closed_half_life"].value == 1
    assert gone["closed_members"].value == 0


def test_without_a_pool_there_is_nothing_to_lose():
    found = stages.tap_closed(PLAIN, 0)
    assert isinstance(found.rule.figures["closed_members"], Refused)
    assert found.rule.agrees == "cannot be told"
    assert (found.monthly["closing_closed"] == 0).all()
    assert stages.keep_fishing(PLAIN, 0).figures["inflow_to_hold"].value == 0


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 0.5), st.floats(0, 0.2), st.integers(1, 5000))
def test_an_open_tap_never_leaves_fewer_and_the_closed_pool_adds_up(churn, referrals, members):
    inputs = PLAIN.replaced(churn=churn, referrals_per_month=referrals, referral_joining_share=0.5)
    table = stages.tap_closed(inputs, members, months=12, draws=5).monthly
    assert (table["closing_open"] >= table["closing_closed"] - 1e-9).all()
    opening = np.append(members, table["closing_closed"].to_numpy()[:-1])
    closing = opening + table["referred_closed"] - table["leavers_closed"]
    assert closing.to_numpy() == pytest.approx(table["closing_closed"].to_numpy(), abs=1e-6)


def test_intervals_hold_the_value_and_the_seed_repeats_it():
    inputs = PLAIN.replaced(churn=(0.02, 0.05, 0.1), ban_probability=(0.0, 0.01, 0.05))
    one, same = (stages.tap_closed(inputs, 2000, draws=300, seed=2) for _ in range(2))
    assert one.monthly.equals(same.monthly)
    assert one.rule == same.rule
    for figure in one.rule.figures.values():
        assert figure.is_exact or figure.low < figure.value < figure.high
    with pytest.raises(ValueError, match="months"):
        stages.tap_closed(inputs, 2000, months=0)
