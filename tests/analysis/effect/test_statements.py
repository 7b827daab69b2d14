"""Effects as sentences state them: units, definitions in both languages, the truth of invented brands."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from siyu_helpers.analysis.effect import statements
from siyu_helpers.analysis.effect.joining_effects import nobody_joined, too_few_joiners
from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.reporting import words

FEW = too_few_joiners(3)
TOLD = {
    "average_treatment_effect_on_treated": {
        90: {"joiners": 40, "orders": {"effect": 0.5, "without_pool": 2.0}, "repurchase": {"effect": 0.07},
             "referrals": {"effect": 0.02, "without_pool": 0.0}}
    }
}  # fmt: skip


def made(value, without, reach=0.1):
    """An effect on four rows with an interval of some width."""
    influence = reach * np.array([0.5, -0.5, 0.5, -0.5])
    return effect_of(
        value, influence, with_treatment=value + without, without_treatment=without, influence_without=influence / 2
    )


@pytest.fixture
def effects():
    found = {"orders": made(0.5, 2.0), "repurchase": made(0.07, 0.6, 0.01), "spend": made(60.0, 200.0)}
    found |= {"contribution": made(30.0, 90.0), "referrals": made(0.02, 0.05, 0.01)}
    return found | {f"orders_month_{month}": made(0.4 / month, 0.5) for month in (1, 2, 3)}


@pytest.mark.parametrize("outcome", statements.STATED)
def test_each_outcome_has_its_unit_and_scale(effects, outcome):
    unit, scale, _ = statements.STATED[outcome]
    stated, effect = statements.stated(effects, outcome, 90), effects[outcome]
    assert (stated.unit, stated.n, stated.level) == (unit, effect.n, effect.level)
    numbers = (stated.value, stated.low, stated.high)
    assert numbers == pytest.approx((scale * effect.value, scale * effect.low, scale * effect.high))
    for lang in words.LANGUAGES:
        assert words.value_text(stated.value, stated.unit, lang)
    assert "90" in stated.definition.zh
    assert "90" in stated.definition.en


def test_repurchase_is_stated_in_points_and_its_base_as_a_share(effects):
    assert statements.stated(effects, "repurchase", 90).value == pytest.approx(7.0)
    without = statements.stated_without(effects, "repurchase", 90)
    assert (without.value, without.unit) == (pytest.approx(0.6), "share")
    assert without.low < 0.6 < without.high
    assert statements.stated_without(effects, "referrals", 90).value == pytest.approx(5.0)  # per hundred joiners


def test_an_effect_in_relation_to_what_would_have_been(effects):
    more = statements.stated_relative(effects, "orders", 90)
    assert (more.value, more.unit) == (pytest.approx(0.25), "growth")
    assert more.low < more.value < more.high
    refused = statements.stated_relative({"orders": made(0.5, 0.0)}, "orders", 90)
    assert refused.gate == "base"


def test_parts_of_spend_and_months(effects):
    split = statements.stated_split(effects, 90)
    assert split["more_orders"].value + split["larger_orders"].value == pytest.approx(split["spend"].value)
    assert {number.unit for number in split.values()} == {"money per customer"}
    fades = statements.stated_fading(effects)
    assert fades.value == pytest.approx(0.4 / 3 - 0.4)
    assert statements.stated_fading({"orders_month_1": made(1.0, 1.0)}).gate == "months"


def test_the_value_of_a_month(effects):
    """30 in 60.875 days, which are two months."""
    assert statements.value_a_month(effects, 60.875).value == pytest.approx(15.0)
    assert isinstance(statements.value_a_month({"orders": effects["orders"]}, 90), Refused)


def test_the_truth_where_it_is_known():
    true = statements.true_effect(TOLD, "repurchase", 90)
    assert (true.value, true.unit, true.n) == (pytest.approx(7.0), "percentage points", 40)
    assert statements.true_relative(TOLD, "orders", 90).value == pytest.approx(0.25)
    assert statements.true_relative(TOLD, "referrals", 90).gate == "base"
    for truth, outcome, days in ((None, "orders", 90), (TOLD, "orders", 30), (TOLD, "spend", 90), ({}, "orders", 90)):
        assert statements.true_effect(truth, outcome, days).gate == "truth"
        assert statements.true_relative(truth, outcome, days).gate == "truth"


def test_a_lot_states_being_invited_and_joining(effects):
    lot = SimpleNamespace(
        itt={"orders": made(0.1, 2.0)}, late={"orders": made(0.4, 2.0), "spend": FEW}, horizon_days=90
    )
    found = statements.stated_lot(lot, "orders")
    assert (found["itt"].value, found["late"].value) == (pytest.approx(0.1), pytest.approx(0.4))
    assert found["itt"].definition != found["late"].definition
    assert statements.lot_relative(lot, "orders").value == pytest.approx(0.2)
    assert statements.lot_relative(lot, "spend") is FEW
    lot.late["orders"] = made(0.4, 0.0)
    assert statements.lot_relative(lot, "orders").gate == "base"


def test_the_placebo_and_ratios(effects):
    found = statements.stated_placebo(made(0.01, 0.0), FEW)
    assert found["early"].unit == "orders per customer"
    assert found["gap"] is FEW
    ratio = Estimate(1.3, 1.2, 1.5, 0.9, 10, "times", "a ratio", "f")
    change = statements.as_change(ratio)
    assert (change.value, change.low, change.high) == pytest.approx((0.3, 0.2, 0.5))
    assert (change.unit, change.definition, change.function) == ("growth", ratio.definition, ratio.function)


@pytest.mark.parametrize(
    "state",
    [
        lambda none: statements.stated(none, "orders", 90),
        lambda none: statements.stated_without(none, "orders", 90),
        lambda none: statements.stated_relative(none, "orders", 90),
        lambda none: statements.stated_split(none, 90)["spend"],
        lambda none: statements.stated_lot(none, "orders")["itt"],
        lambda none: statements.lot_relative(none, "orders"),
        lambda none: statements.stated_placebo(none, none)["early"],
        lambda none: statements.value_a_month(none, 180),
        statements.stated_fading,
        statements.stated_roll_out,
        statements.as_change,
    ],
)
def test_what_is_refused_stays_refused_with_its_reason(state):
    refused = nobody_joined()
    assert state(refused) is refused


def test_every_definition_is_in_both_languages(effects):
    stated = [statements.stated(effects, outcome, 90) for outcome in statements.STATED]
    stated += [*statements.stated_split(effects, 90).values(), statements.stated_fading(effects)]
    stated += [statements.stated_relative(effects, "orders", 90), statements.true_effect(TOLD, "orders", 90)]
    for number in stated:
        assert re.search(r"[\u4e00-\u9fff]", number.definition.zh), number
        assert not re.search(r"[\u4e00-\u9fff]", number.definition.en), number
