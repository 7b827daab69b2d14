"""Staying, lift and net worth against a loop over members and weeks, and against arithmetic by hand."""

import math

import numpy as np
import pytest

from siyu_helpers.analysis.effect import frequency_response as response
from siyu_helpers.analysis.effect.contact_pressure import Curve
from siyu_helpers.analysis.effect.frequency_arms import Arm
from siyu_helpers.analysis.effect.message_weeks import MONTH_DAYS

CURVE = Curve(math.log(0.01), 0.7, np.zeros((2, 2)), 100)


def made_arm(rng, members=30, per_month=0.0, earned=None):
    many = rng.integers(1, 40, members)
    row = np.repeat(np.arange(members), many)
    age = np.concatenate([np.arange(k) for k in many])
    stops = rng.integers(1, 60, members)
    inside = (age < stops[row]).astype(float)
    bought = rng.integers(0, 9, len(row))
    earned = bought * 3.0 if earned is None else np.full(len(row), earned)
    sent = rng.integers(0, 4, len(row)) * (per_month > 0)
    return Arm(row, age, earned, bought, inside, sent, members, np.zeros((members, 2)), per_month)


def by_loop(arm, f, fade):
    """Kept, held and months, a member a week at a time."""
    kept = held = months = 0.0
    for member in range(arm.members):
        there = 1.0
        for i in np.flatnonzero(arm.row == member):
            pressure = f / max(arm.order_days[i] / (91 / MONTH_DAYS), 0.25)
            there *= (1 - min(0.01 * (pressure / 10) ** 0.7, 0.999)) ** (f * 7 / MONTH_DAYS)
            if arm.inside[i]:
                kept += arm.earned[i] * there
                held += arm.earned[i] * there * math.exp(-7 * arm.age[i] / fade)
                months += there * 7 / MONTH_DAYS
    return kept / arm.members, held / arm.members, months / arm.members


def test_sums_are_those_of_a_loop():
    arm = made_arm(np.random.default_rng(1))
    grid = np.array([0.0, 5.0, 20.0])
    sums = response.sums_of(arm, CURVE, grid, 5.0, 200.0, 140, np.full((1, 30), 1 / 30))
    kept, held, months, *rest = response.split(sums)
    for place, f in enumerate(grid):
        assert (kept[0, place], held[0, place], months[0, place]) == pytest.approx(by_loop(arm, f, 200.0))
    assert rest[-1][0] == pytest.approx(len(arm.row) / 30 * 7 / MONTH_DAYS)
    assert rest[-2][0] == pytest.approx(arm.earned.sum() / 30)


def test_what_is_early_rests_on_members_observed_for_so_long():
    arm = made_arm(np.random.default_rng(2), earned=2.0)
    arm = arm._replace(inside=np.ones(len(arm.row)))
    sums = response.sums_of(arm, CURVE, np.array([0.0, 5.0]), 5.0, math.inf, 70, np.full((1, 30), 1 / 30))
    *_, without, _, _ = response.split(sums)
    assert without[0] == pytest.approx(10 * 2.0)  # ten weeks of 2, however many are observed for less


def test_a_lift_is_the_ratio_of_what_a_week_in_the_pool_earned():
    rng = np.random.default_rng(3)
    arms = [made_arm(rng, 40, earned=10.0), made_arm(rng, 50, 8.0, earned=13.0)]
    weights = [np.full((1, arm.members), 1 / arm.members) for arm in arms]
    assert response.lifts_of(arms, CURVE, 91, weights) == pytest.approx(np.array([[0.3]]))


def test_weights_undo_that_those_who_buy_little_leave():
    """Half buy 1 a week, half nothing. All earn the same with and without messages; those who buy nothing opt out."""
    rng = np.random.default_rng(4)
    members, weeks = 4000, 8
    row, age = np.repeat(np.arange(members), weeks), np.tile(np.arange(weeks), members)
    buys = (np.arange(members) % 2)[row].astype(float)
    messages = np.full(len(row), 7.0)
    days = np.where(buys > 0, 13, 0)
    per_month = 30.4375
    none = Arm(row, age, buys, days, np.ones(len(row)), 0 * messages, members, np.zeros((members, 1)), 0.0)
    some = none._replace(messages=messages, per_month=per_month)
    staying = response.staying(some, CURVE, messages, response.pressure_of(per_month, days))
    inside = staying > rng.random(members)[row]
    some = some._replace(inside=inside.astype(float))
    assert some.earned[inside].mean() > 1.25 * none.earned.mean()  # what a plain comparison would say
    weights = [np.full((1, members), 1 / members)] * 2
    assert response.lifts_of([none, some], CURVE, 91, weights)[0, 0] == pytest.approx(0, abs=0.05)


def test_what_is_lost_by_leaving_solves_the_value_of_joining():
    total = np.array([[*np.zeros(6), 80.0, 60.0, 90.0, 0.0, 1.0]])
    lost = response.share_lost(total, np.array([[0.2]]), np.array([0.75]), np.array([36.0]))
    # 36 = lost x (0.25 x 90 + 0.75 x 60) + 0.75 x 0.2 x 80
    assert lost[0] == pytest.approx((36 - 12) / 67.5)
    assert response.share_lost(total, np.array([[0.2]]), np.array([0.75]), np.array([999.0]))[0] == 1


def test_net_by_hand_and_the_next_message_on_a_straight_line():
    grid = np.array([0.0, 10.0, 11.0])
    total = np.array([[100, 80, 70, 50, 40, 30, 5, 4, 3, 0, 0, 0, 0, 2.0]], dtype=float)
    net = response.net_of(total, np.array([[0.2]]), np.array([10.0]), 5.0, np.array([0.3]), 0.1, grid)[0]
    assert net[0] == 0
    assert net[1] == pytest.approx(0.2 * 80 - 0.3 * 10 - 0.1 * 10 * 4)
    assert net[2] == pytest.approx(0.2 * (11 / 16) / (10 / 15) * 70 - 0.3 * 20 - 0.1 * 11 * 3)
    following = response.next_message(total, np.array([0.2]), 10.0, np.array([0.3]), 0.1, grid)
    assert following[0] == pytest.approx((0.22 * 70 - 0.2 * 80 - 0.3 * 10 - 0.1 * (33 - 40)) / 2)
    # A response that levels off gives less.
    assert following[0] > (net[2] - net[1]) / 2


def test_shapes_are_judged_by_several_arms_and_not_by_one():
    rng = np.random.default_rng(5)
    sent = np.array([2.0, 10.0, 30.0])
    true = 0.3 * sent / (sent + 2)
    lifts = np.vstack([true, true + rng.normal(0, 0.01, (400, 3))])
    assert response.fits(lifts, sent, 2.0, 0.9)
    assert not response.fits(lifts, sent, 15.0, 0.9)
    assert response.fits(lifts[:, :1], sent[:1], 15.0, 0.9)


def test_numbers_that_are_looked_at():
    grid = response.frequencies(29.99, 29.99)
    assert {29.99, 30.99, 0.0, 40.0} <= set(grid)
    assert 30.0 not in grid
    assert grid.max() == 40
    assert response.frequencies(2.0, 2.0).max() == 12


def test_draws_follow_the_curve():
    curve = CURVE._replace(covariance=np.diag([0.01, 0.04]))
    moved = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, -0.2]])
    found = response.at_curves(curve, moved, lambda at: np.full((3, 1), at.level + 2 * at.power))
    assert found[:, 0] == pytest.approx(curve.level + 1.4 + np.array([0, 0.1, -0.4]))
