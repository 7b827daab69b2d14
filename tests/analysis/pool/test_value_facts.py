"""Figures about a pool's value, by hand: money at risk, the parts of the value, going on, counts, what to find out."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool import value_facts
from siyu_helpers.analysis.pool.information import value_of_information
from siyu_helpers.analysis.pool.inputs import ORIGINS, Origin, PoolInputs
from siyu_helpers.analysis.pool.rules import AGREEMENTS, RuleResult
from siyu_helpers.analysis.pool.value import pool_value


def pool(**changes):
    """In month m, 10m - 5 customers earn 5 each: 50m - 25 a month, against a fixed 300."""
    named = {"joiners_per_month": 10, "orders_per_month": 1, "uplift": 0.1, "order_value": 100, "margin": 0.5}
    return PoolInputs(**named | {"staff_cost": 300} | changes)


def test_money_at_risk_is_the_deepest_point():
    """25 m^2 - 300 m is lowest at m = 6: 900 - 1800; with 500 paid at the start 1,400 has to be there."""
    assert value_facts.money_at_risk(pool_value(pool(), 12, 10)).value == pytest.approx(900)
    assert value_facts.money_at_risk(pool_value(pool(setup_cost=500), 12, 10)).value == pytest.approx(1400)
    assert value_facts.money_at_risk(pool_value(pool(staff_cost=0), 12, 10)).value == 0
    wide = value_facts.money_at_risk(pool_value(pool(uplift=(0.0, 0.1, 0.2)), 12, 400))
    assert wide.low < wide.value < wide.high


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_the_parts_add_up_to_the_value(rate):
    inputs = pool(discount_rate=rate, setup_cost=70, recruiting_cost=3, messages_per_month=2, message_cost=0.1)
    result = pool_value(inputs, 12, 10)
    parts = value_facts.value_parts(result)
    steps = parts.set_index("step")["amount"]
    assert steps.index[0] == "without_pool"
    assert steps.index[-1] == "value"
    assert steps.iloc[:-1].sum() == pytest.approx(steps["value"]) == pytest.approx(result.value.value)
    assert ("discounting" in steps.index) == (rate > 0)
    assert steps["fixed"] == -3600
    assert steps["setup"] == -70
    assert steps["recruiting"] == pytest.approx(-360)
    assert "referrals" not in steps.index, "a part that is nothing takes no place"


def test_going_on_leaves_out_what_is_spent_and_who_has_left():
    """Nobody joins or leaves: 100 customers earn 5 each a month, less 300."""
    result = pool_value(pool(joiners_per_month=0, setup_cost=10_000), 12, 10)
    now = Estimate.exact(100, 100, "customers", "by hand", pool)
    assert value_facts.going_on(result, now).value.value == pytest.approx(12 * (500 - 300))
    fading = pool_value(pool(joiners_per_month=0, activity_kept=0.5), 12, 10)
    months = Estimate.exact(24, 100, "months", "by hand", pool)
    assert value_facts.going_on(fading, now, months).value.value == pytest.approx(-3600, abs=1)
    assert value_facts.going_on(fading, now).value.value > -3600 + 400
    nobody = value_facts.going_on(result, Estimate.exact(0, 0, "customers", "by hand", pool))
    assert isinstance(nobody, Refused)
    assert value_facts.going_on(result, nobody) is nobody


def test_origins_are_counted():
    origins = {"uplift": Origin("estimated"), "margin": Origin("industry table"), "churn": Origin("assumed")}
    found = value_facts.origin_counts(pool(origins=origins))
    assert set(found) == {f"inputs_{kind.replace(' ', '_')}" for kind in ORIGINS}
    values = {name: number.value for name, number in found.items()}
    assert values["inputs_estimated"] == values["inputs_industry_table"] == values["inputs_assumed"] == 1
    assert sum(values.values()) == found["inputs_given"].n


def test_what_is_decisive_is_said_and_what_is_not_is_not():
    open_case = pool_value(pool(uplift=(-0.2, 0.1, 0.4), margin=(0.49, 0.5, 0.51)), 12, 2000, seed=1)
    facts = value_facts.information_facts(value_of_information(open_case), open_case)
    assert facts["decisive"]
    assert facts["which"].en == "Gain in orders from joining"
    assert 0 < facts["alone"].value <= facts["all_known"].value * 1.001
    sure = pool_value(pool(uplift=(0.9, 1.0, 1.1)), 12, 200)
    assert not value_facts.information_facts(value_of_information(sure), sure)["decisive"]
    certain = pool_value(pool(), 12, 10)
    nothing = value_facts.information_facts(value_of_information(certain), certain)
    assert not nothing["decisive"]
    assert nothing["all_known"].value == 0


def test_rules_are_counted_by_agreement():
    both = Words("说法", "claim")
    results = [RuleResult(str(at), both, {}, AGREEMENTS[kind], both) for at, kind in enumerate([0, 0, 1, 2, 2, 2])]
    counts = {name: number.value for name, number in value_facts.rule_counts(results).items()}
    assert counts == {"rules_all": 6, "rules_agree": 2, "rules_disagree": 1, "rules_open": 3}
    assert value_facts.rule_counts([])["rules_all"].value == 0


def test_no_figure_is_blank_where_every_draw_is_the_same():
    for number in [value_facts.money_at_risk(pool_value(pool(), 1, 10))]:
        assert np.isfinite([number.value, number.low, number.high]).all()
    assert isinstance(value_facts.value_parts(pool_value(pool(), 1, 10)), pd.DataFrame)
