"""The J-curve by hand."""

import pytest

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.operating_cycle import operating_cycle
from siyu_helpers.analysis.pool.value import pool_value

INPUTS = PoolInputs(100, 0.5, 0.2, 200, 0.4, staff_cost=4000)


def cycle(**changed):
    return operating_cycle(pool_value(INPUTS.replaced(**changed), 24, draws=500))


def test_the_curve_by_hand():
    # Mean pool 50, 150, 250, ... at 8 each, less 4,000: -3,600 -2,800 -2,000 -1,200 -400, then +400 +1,200 ...
    rule = cycle()
    assert rule.figures["cycle_tied_up"].value == pytest.approx(3600 + 2800 + 2000 + 1200 + 400)
    assert rule.figures["cycle_turns"].value == 5
    assert rule.figures["cycle_payback"].value == 10
    assert rule.agrees == "agrees"


def test_one_off_cost_deepens_the_curve_by_itself():
    assert cycle(setup_cost=7000).figures["cycle_tied_up"].value == pytest.approx(17_000)


def test_a_pool_that_earns_from_the_first_month_ties_up_nothing():
    rule = cycle(staff_cost=0)
    assert (rule.figures["cycle_tied_up"].value, rule.figures["cycle_turns"].value) == (0, 0)
    assert rule.agrees == "disagrees"


def test_a_pool_that_never_pays_is_no_matter_of_cycles():
    rule = cycle(uplift=0)
    assert isinstance(rule.figures["cycle_payback"], Refused)
    assert rule.agrees == "cannot be told"
    assert rule.figures["cycle_tied_up"].value == 24 * 4000
    assert rule.reading != cycle(uplift=(0.0, 1.0, 2.0)).reading


def test_figures_over_draws_hold_their_value():
    for figure in cycle(uplift=(0.1, 0.3, 0.5)).figures.values():
        assert figure.low <= figure.value <= figure.high
