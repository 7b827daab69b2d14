"""Every verdict has its steps; budgets come from the inputs; sentences name exactly the figures they are given."""

import pytest

from siyu_helpers.analysis.brief.decisions import decide
from siyu_helpers.analysis.brief.flips import flips
from siyu_helpers.analysis.brief.next_steps import MOST, budgets, next_steps
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import pool_value
from siyu_helpers.reporting.ledger import placeholders

OWN = {"uplift", "staff_cost"}
MESSAGES = {
    key: Estimate(value, value, value, 0.9, 100, "messages a month", "messages", "f")
    for key, value in (("sent_per_month", 30.0), ("prudent_per_month", 18.0))
}


def made(**changes):
    known = {"joiners_per_month": (80, 100, 120), "orders_per_month": 0.5, "uplift": (0.1, 0.2, 0.3),
             "order_value": 200, "margin": 0.4, "churn": 0.05, "incentive_cost": 5.0, "staff_cost": 3000,
             "tool_cost": 500}  # fmt: skip
    return PoolInputs(**(known | changes))


def steps_of(inputs, facts=None, **given):
    result = pool_value(inputs, draws=300)
    decision = decide(result, **({"effect_level": "strong", "own": OWN} | (facts or {})))
    flipped = flips(inputs, decision.grounds, names=["uplift", "joiners_per_month"], draws=200)
    return decision, next_steps(decision, result, flipped=flipped, **given)


SINGLE = Estimate.exact(0.8, 100, "share", "largest account", "f")
CASES = {
    "build": (made(), {}, {"largest_account": SINGLE}),
    "pilot": (made(), {"effect_level": "not identified here"}, {}),
    "pilot, open": (made(staff_cost=7000), {}, {"largest_account": SINGLE}),
    "pilot, no costs": (made(), {"own": {"uplift"}}, {}),
    "fix first": (made(), {"frequency": "too many"}, {"frequency_facts": MESSAGES}),
    "fix first, unknown": (made(), {"frequency": "too many"}, {"largest_account": Refused("x", 0, 1, "无", "none")}),
    "do not": (made(staff_cost=90_000), {}, {}),
    "do not, no pool": (made(staff_cost=90_000), {"effect_level": ""}, {}),
    "cannot be judged": (made(), {"own": (), "effect_level": ""}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_sentences_name_exactly_their_figures_and_hold_no_digits(case):
    inputs, facts, given = CASES[case]
    decision, steps = steps_of(inputs, facts, **given)
    assert decision.verdict == case.split(",")[0]
    assert 3 <= len(steps) <= MOST
    assert len({step.key for step in steps}) == len(steps)
    for step in steps:
        used = {language: placeholders(step.action.text(language) + step.check.text(language)) for language in
                ("zh", "en")}  # fmt: skip
        assert used["zh"] == used["en"] == set(step.figures), step.key
        plain = step.action.zh + step.action.en + step.check.zh + step.check.en
        assert not any(character.isdigit() for character in plain), step.key
        assert all(isinstance(number, Estimate) for number in step.figures.values())
        assert step.budget is None or isinstance(step.budget, Estimate)
        assert 0 < step.due_weeks <= 13, "within ninety days"
        assert all((*step.owner, *step.budget_words))


@pytest.mark.parametrize(("case", "keys"), [
    ("build", ["staff", "hold_out", "second_account", "monthly_books"]),
    ("pilot", ["invite_by_lot", "pilot", "monthly_books"]),
    ("pilot, open", ["pilot", "invite_by_lot", "second_account", "monthly_books"]),
    ("pilot, no costs", ["record_costs", "pilot", "invite_by_lot", "monthly_books"]),
    ("fix first", ["cut_promotions", "keep_the_lot", "freeze"]),
    ("do not", ["stop_recruiting", "shift_budget", "other_value"]),
    ("do not, no pool", ["not_started", "shift_budget", "other_value"]),
    ("cannot be judged", ["record_costs", "record_members", "plan_experiment"]),
])  # fmt: skip
def test_steps_follow_the_verdict(case, keys):
    inputs, facts, given = CASES[case]
    assert [step.key for step in steps_of(inputs, facts, **given)[1]] == keys


def test_budget_by_hand():
    # 100 joiners a month at 5, and 3,500 a month of staff and tools: three months cost 3 x (500 + 3,500) = 12,000.
    certain = made(joiners_per_month=100.0, uplift=0.2)
    told = budgets(pool_value(certain))
    assert told["quarter_cost"].value == pytest.approx(12_000)
    assert told["running_cost"].value == pytest.approx(3_500)
    assert told["joiners_target"].value == 100
    assert all(number.is_exact for number in told.values())
    spread = budgets(pool_value(made(), draws=2000))["quarter_cost"]
    assert spread.low < spread.value < spread.high
    # Joiners are triangular on 80 to 120: their 5% quantile is 80 + sqrt(0.05 x 40 x 20).
    assert spread.low == pytest.approx(3 * (5 * (80 + (0.05 * 40 * 20) ** 0.5) + 3500), rel=2e-3)


def test_a_given_cost_moves_the_budget():
    dearer = budgets(pool_value(made().replaced(staff_cost=4000), draws=100))
    cheaper = budgets(pool_value(made(), draws=100))
    assert dearer["quarter_cost"].value - cheaper["quarter_cost"].value == pytest.approx(3000)


def test_stop_rules_are_the_values_at_which_the_verdict_turns():
    inputs, facts, given = CASES["build"]
    decision, steps = steps_of(inputs, facts, **given)
    flipped = flips(inputs, decision.grounds, names=["uplift", "joiners_per_month"], draws=200).set_index("input")
    staff, hold_out = steps[0], steps[1]
    assert staff.figures["stop_joiners_per_month"].value == flipped.loc["joiners_per_month", "flips_at"]
    assert hold_out.figures["stop_uplift"].value == flipped.loc["uplift", "flips_at"]
    assert staff.budget == budgets(pool_value(inputs, draws=300))["quarter_cost"]
    blind = next_steps(decision, pool_value(inputs, draws=300))
    assert set(blind[0].figures) == {"joiners_target"}


def test_what_the_fix_brings_is_the_difference_of_the_two_pools():
    now, fixed = pool_value(made(), draws=300), pool_value(made(churn=0.02), draws=300)
    decision = decide(now, effect_level="strong", own=OWN, frequency="too many", fixed_value=fixed)
    cut = next_steps(decision, now, fixed_value=fixed, frequency_facts=MESSAGES)[0]
    assert cut.budget.value == pytest.approx(fixed.value.value - now.value.value)
    assert cut.budget_words.en == "gained over the period"
    assert (cut.figures["prudent_per_month"].value, cut.figures["prudent_per_month"].is_exact) == (18.0, True)


def test_cost_of_the_experiment_stands_with_the_invitation():
    cost = Estimate(900, 500, 1300, 0.9, 100, "money", "contribution forgone", "f")
    _, steps = steps_of(*CASES["pilot"][:2], experiment_cost=cost)
    assert steps[0].budget is cost


def test_nothing_but_orders():
    assert next_steps(decide(None, effect_level="", own=()), None)[0].budget is None
    odd = pool_value(PoolInputs(0, 0, 0, 0, 0))
    assert len(next_steps(decide(odd, effect_level="strong", own=OWN), odd)) == 3
