"""Rolling-origin backtests with toy models whose every forecast can be worked out by hand.

The models themselves, the choice between them and the interval of whole forecasts are tested in test_forecasts.py.
"""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from siyu_helpers.analysis.acquisition import backtests
from siyu_helpers.analysis.acquisition.backtests import AVERAGE, NAIVE, SEASONAL_NAIVE, Held, Plan, plan_for, roll


def last(plus, spread):
    """A model: the last figure plus so much a month, with a constant spread."""
    return lambda logs, months: (logs[-1] + plus * np.arange(1, months + 1), np.full(months, float(spread)))


def plan(first=3, **models):
    return Plan({"up": last(1, 0.5), "down": last(-1, 0.5), NAIVE: last(0, 2), **models}, NAIVE, first, "none")


LOGS = np.array([0.0, 1, 2, 4, 7, 5])


def test_origins_targets_and_what_is_known():
    held = roll(LOGS, 2, plan())
    assert held.origins.tolist() == [3, 4, 5, 6]  # the last is the end of the series
    assert held.target.tolist() == [[3, 4], [4, 5], [5, 6], [6, 7]]
    assert held.known.tolist() == [[True, True], [True, True], [True, False], [False, False]]
    assert held.actual[:2].tolist() == [[4, 7], [7, 5]]
    assert held.names == [AVERAGE, "up", "down", NAIVE]
    assert held.dropped == {}


def test_what_was_known_at_an_origin_had_come_by_then():
    held = roll(LOGS, 2, plan())
    counts = [int(held.known_at(row).sum()) for row in range(4)]
    # At month 3 nothing is known; at 4 the first step of origin 3; at 5 both of it and the first of 4; then the next.
    assert counts == [0, 1, 3, 5]
    for row, origin in enumerate(held.origins):
        assert (held.target[held.known_at(row)] < origin).all()


def test_every_model_sees_the_months_before_the_origin_alone():
    seen = []

    def watching(logs, months):
        seen.append(len(logs))
        return last(0, 1)(logs, months)

    roll(LOGS, 2, plan(watching=watching))
    assert seen == [3, 4, 5, 6]


def test_average_and_spreads_by_hand():
    """up says 3, 4 and down 1, 0 after [0, 1, 2]: the middle is 2, 2, and they lie 1 and 2 away from it."""
    held = roll(LOGS, 2, plan())
    assert held.centre[:, 0].tolist() == [[2, 2], [3, 4], [1, 0], [2, 2]]
    assert held.spread[0, 0] == pytest.approx(np.sqrt([0.25 + 1, 0.25 + 4]))
    assert held.spread[1, 0] == pytest.approx(np.sqrt([0.25 + 1, 0.25 + 4]))
    assert held.spread[3, 0] == pytest.approx([2, 2])  # the benchmark lies on the middle: not widened


def test_benchmarks_are_not_in_the_average():
    """A third model moves the average, the benchmarks do not, wherever they lie."""
    far = roll(LOGS, 1, plan(**{SEASONAL_NAIVE: last(50, 1)}))
    assert far.centre[0, :, 0] == pytest.approx(roll(LOGS, 1, plan()).centre[0, :, 0])
    three = roll(LOGS, 1, plan(third=last(3, 1)))
    assert three.centre[0, :, 0] == pytest.approx(np.array([2, 4, 7, 5]) + 1)
    assert far.names == [AVERAGE, "up", "down", NAIVE, SEASONAL_NAIVE]


def test_one_model_alone_is_no_average():
    held = roll(LOGS, 1, Plan({"up": last(1, 0.5), NAIVE: last(0, 1)}, NAIVE, 3, "none"))
    assert held.names == ["up", NAIVE]
    assert held.spread[0] == pytest.approx(np.full((4, 1), 0.5))
    assert backtests.choose(held, np.zeros_like(held.known)) == 1  # nothing known, no average: the benchmark


def broken(how):
    def model(logs, months):
        if len(logs) == 5:  # at one origin only
            if how == "raises":
                raise np.linalg.LinAlgError("singular")
            if how == "silently":
                raise IndexError
            return np.full(months, np.inf if how == "infinite" else np.nan), np.ones(months)
        warnings.warn("this goes nowhere", stacklevel=1)
        return last(0, 1)(logs, months)

    return model


@pytest.mark.parametrize(
    ("how", "why"),
    [("raises", "singular"), ("silently", "IndexError"), ("infinite", "not finite"), ("nan", "not finite")],
)
def test_a_model_that_fails_at_any_origin_is_left_out(how, why, recwarn):
    held = roll(LOGS, 2, plan(broken=broken(how)))
    assert held.dropped == {"broken": why}
    assert held.names == [AVERAGE, "up", "down", NAIVE]
    assert held.centre.tolist() == roll(LOGS, 2, plan()).centre.tolist()
    assert not recwarn.list


def test_a_mistake_in_the_code_is_not_taken_for_a_model_that_fails():
    with pytest.raises(TypeError):
        roll(LOGS, 1, plan(wrong=lambda logs: logs))


def test_missing_months_are_neither_known_nor_counted():
    logs = LOGS.copy()
    logs[4] = np.nan
    held = roll(logs, 2, Plan({NAIVE: backtests.naive}, NAIVE, 3, "none"))
    assert held.known.tolist() == [[True, False], [False, True], [True, False], [False, False]]
    assert np.isfinite(held.actual).all()
    assert held.error[0][held.known] == pytest.approx(np.abs(np.exp([4, 5, 5]) - np.exp([2, 4, 4])))


def test_filled_by_hand():
    assert backtests.filled(np.array([1, np.nan, np.nan, 4, np.nan])).tolist() == [1, 2, 3, 4, 4]
    assert backtests.filled(np.array([np.nan, 3.0])).tolist() == [3, 3]


def test_a_perfect_fit_claims_no_perfect_knowledge():
    """A spread of 0 becomes a thousandth of the scatter before the first origin: [0, 1, 3] moves by 1 and 2."""
    held = roll(np.array([0.0, 1, 3, 4]), 1, Plan({"sure": last(0, 0)}, "sure", 3, "none"))
    assert held.spread == pytest.approx(np.full((1, 2, 1), 1e-3 * 0.5))
    still = roll(np.zeros(4), 1, Plan({"sure": last(0, 0)}, "sure", 3, "none"))
    assert still.spread == pytest.approx(np.full((1, 2, 1), 1e-6))
    assert (still.missed_by == 0).all()


def held(missed, months=1, names=("one",)):
    """A backtest whose errors in spreads are these, by model and origin, with spread 1 around 0."""
    missed = np.array(missed, dtype=float)[:, :, None].repeat(months, axis=2)
    origins = np.arange(10, 10 + missed.shape[1])
    target = origins[:, None] + np.arange(months)
    known = target < origins[-1]
    return Held(list(names), names[0], origins, missed, np.ones_like(missed), np.zeros(known.shape), known, target, {})


def test_the_reach_by_hand():
    """Errors of 1 and 3 spreads at two origins: (8 + 2 x mean(1, 9)) / (8 + 2) = 1.8, Student's with 10 d.f."""
    backtest = held([[1, 3, 0]])
    used = np.zeros(2, dtype=int)
    far = backtests.reach(backtest, used, backtest.known, 0.9)
    assert far == pytest.approx(math.sqrt(1.8) * stats.t.ppf(0.95, 10))
    nothing = backtests.reach(backtest, used, np.zeros_like(backtest.known), 0.9)
    assert nothing == pytest.approx(stats.t.ppf(0.95, 8))  # what the models say of themselves, as 8 origins would


def test_one_wild_month_counts_as_six_spreads():
    usual, wild = (
        backtests.reach(held([[size, 0]]), np.zeros(1, dtype=int), held([[0, 0]]).known, 0.9) for size in (6, 600)
    )
    assert usual == wild
    assert usual > backtests.reach(held([[5, 0]]), np.zeros(1, dtype=int), held([[0, 0]]).known, 0.9)


def test_the_reach_is_that_of_the_models_used_not_of_the_best():
    """One model missed by 2 at the first origin, the other at the second: it matters which was used when."""
    backtest = held([[2, 0, 0], [0, 2, 0]], names=("one", "two"))
    worse, better = (backtests.reach(backtest, np.array(used), backtest.known, 0.9) for used in ([0, 1], [1, 0]))
    assert worse == pytest.approx(math.sqrt((8 + 2 * 4) / 10) * stats.t.ppf(0.95, 10))
    assert better == pytest.approx(math.sqrt(0.8) * stats.t.ppf(0.95, 10))


def test_inside_by_hand():
    """Nothing is known at the first origin: reach t(8). Its miss by 3 is known at the second, and widens it."""
    backtest = held([[3, 2, 0, 0]])
    hit, far = backtests.inside(backtest, np.zeros(3, dtype=int), 0.9)
    first = stats.t.ppf(0.95, 8)
    second = math.sqrt((8 + 9) / 9) * stats.t.ppf(0.95, 9)
    third = math.sqrt((8 + 2 * 6.5) / 10) * stats.t.ppf(0.95, 10)
    assert far == pytest.approx([first, second, third])
    assert hit[:, 0].tolist() == [first >= 3, second >= 2, third >= 0] == [False, True, True]


def test_the_model_used_at_an_origin_follows_from_errors_known_by_then():
    """The good model is found out only after three origins have been counted; before, the average is used."""
    errors = [[2, 2, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0], [3, 3, 3, 3, 3, 3]]
    backtest = held(errors, names=(AVERAGE, "good", "bench"))._replace(benchmark="bench")
    assert [backtest.names[number] for number in backtests.used_at(backtest)] == [AVERAGE] * 3 + ["good"] * 2


@given(months=st.integers(1, 12), length=st.integers(12, 60))
def test_a_plan_leaves_room_to_fit_and_to_judge(months, length):
    made = plan_for(length)
    assert made.benchmark in made.models
    assert 6 <= made.first < length
    assert (SEASONAL_NAIVE in made.models) == (length >= 24)
    if made.season == "modelled":
        assert made.first >= 24
        assert 6 <= length - made.first <= 18
    if SEASONAL_NAIVE in made.models:
        assert made.first >= 18  # a year before every month that is forecast, and some changes of a year


def test_plans_at_the_borders():
    assert [plan_for(n).season for n in (12, 23, 24, 29, 30, 36)] == [
        "none", "none", "last year", "last year", "modelled", "modelled",
    ]  # fmt: skip
    assert [plan_for(n).first for n in (12, 23, 24, 29, 30, 36, 60)] == [6, 11, 18, 18, 24, 24, 42]
