"""The door: one pool by hand from its inputs to the whole brief, and verdicts that turn where they say they turn."""

import pytest

from siyu_helpers.analysis import decision_brief as brief
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.industry_fit import PoolInputs, break_even_size, pool_value

OWN = {"uplift", "staff_cost"}
POOL = PoolInputs(100, 0.5, (0.1, 0.3, 0.5), 200, (0.35, 0.4, 0.45), staff_cost=9_000)
LEAKING = POOL.replaced(messages_per_month=20.0, opt_out_per_message=0.01, message_cost=0.05)
SAID = {
    name: Estimate(value, value * 0.8, value * 1.2, 0.9, 500, "messages a month", Words("手算", "by hand"), "by.hand")
    for name, value in (("sent_per_month", 20.0), ("prudent_per_month", 5.0))
}
# A pool, what is known of it, the verdict: one of each.
CASES = {
    "build": (POOL.replaced(staff_cost=3_000), "strong", OWN, "not settled"),
    "pilot": (POOL.replaced(staff_cost=3_000), "not identified here", OWN, "not settled"),
    "fix first": (LEAKING.replaced(staff_cost=3_000), "suggestive", OWN, "too many"),
    "do not": (POOL.replaced(staff_cost=90_000), "strong", OWN, "not settled"),
    "cannot be judged": (POOL, "", {"order_value"}, "not settled"),
}


def decided(verdict, **changes):
    """Everything that a brief is made of, as the notebook makes it."""
    inputs, level, own, often = CASES[verdict]
    inputs = inputs.replaced(**changes)
    result = pool_value(inputs, 24, 400, 1)
    better = brief.repaired(inputs, often, SAID)
    after = pool_value(better, 24, 400, 1) if better else None
    decision = brief.decide(
        result, effect_level=level, own=own, frequency=often, fixed_value=after, given=frozenset(changes)
    )
    return inputs, result, better, after, decision


@pytest.mark.parametrize("verdict", CASES)
def test_every_verdict_has_its_whole_brief(verdict):
    inputs, result, better, after, decision = decided(verdict)
    assert decision.verdict == verdict
    assert decision.words == brief.VERDICT_WORDS[verdict]
    five = brief.five_numbers(result, decision, break_even_size(inputs, 300), None)
    assert len(five) == 5
    judged = verdict != "cannot be judged"
    assert isinstance(five[0].value, Estimate if judged else Refused)
    assert (decision.probability is not None) == judged
    turns = brief.flips(inputs, decision.grounds, better, draws=400, seed=1)
    steps = brief.next_steps(decision, result, fixed_value=after, frequency_facts=SAID, flipped=turns)
    assert 1 <= len(steps) <= 5
    assert all(step.due_weeks <= 13 for step in steps), "ninety days are thirteen weeks"
    for step in steps:
        for lang in ("zh", "en"):
            both = step.action.text(lang) + step.check.text(lang)
            assert "{" not in both.format(**dict.fromkeys(step.figures, "x")), "every figure of a sentence is there"
    assert 1 <= len(brief.weak_links(result, decision)) <= 3
    record = brief.decision_record(decision, five, "CNY", 24)
    assert record["verdict"] == verdict.replace(" ", "_")
    assert (record["value"] is not None) == judged


@pytest.mark.parametrize("verdict", ["build", "do not"])
def test_the_verdict_turns_where_it_says_it_turns(verdict):
    """A little before the stated point the verdict is what it was, a little beyond it is what was announced."""
    inputs, _, _, _, decision = decided(verdict)
    turns = brief.flips(inputs, decision.grounds, draws=400, seed=1)
    turns = turns[turns["flips_at"].notna()].head(2)
    assert len(turns) == 2
    for row in turns.to_dict("records"):
        toward = 1 if row["flips_at"] > row["now"] else -1
        for step, expected in ((-0.01, verdict), (0.01, row["verdict_then"])):
            at = row["flips_at"] + toward * step * abs(row["flips_at"] - row["now"])
            moved = pool_value(brief_inputs(inputs, row["input"], at), 24, 400, 1)
            level, own = decision.grounds.effect_level, decision.grounds.own
            assert brief.decide(moved, effect_level=level, own=own).verdict == expected, (row["input"], at)


def brief_inputs(inputs, name, to):
    from siyu_helpers.analysis.industry_fit import moved

    return moved(inputs, name, to)


def test_a_figure_given_by_hand_changes_the_verdict_and_is_named():
    """The same pool at ten times the cost is no longer built, and the sentence says on what it depends."""
    was, now = decided("build")[-1], decided("build", staff_cost=90_000.0)
    assert (was.verdict, now[-1].verdict) == ("build", "do not")
    assert now[0].origin("staff_cost").kind == "given"
    assert "given by hand" in now[-1].en
    assert "手工给定" in now[-1].zh
    assert "given by hand" not in was.en
