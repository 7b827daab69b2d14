"""Rows and words of the brief: each number, step, flip and weak link in both languages, with what is recorded of it."""

import re
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis import decision_brief as brief
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.industry_fit import PoolInputs, break_even_size, pool_value
from siyu_helpers.reporting import brief_views as views

INPUTS = PoolInputs(100, 0.5, (0.1, 0.3, 0.5), 200, 0.4, staff_cost=9_000)
RESULT = pool_value(INPUTS, 24, 300, 1)


@pytest.fixture(scope="module", params=["strong", "not identified here", ""])
def decision(request):
    own = {"uplift", "staff_cost"} if request.param else {"order_value"}
    return brief.decide(RESULT, effect_level=request.param, own=own)


def cells(rows):
    """Every cell of a table that is text in two languages."""
    return [(name, *cell) for name in rows for cell in rows[name] if isinstance(cell, tuple)]


def check(rows):
    """Cells are Chinese and English, and say nothing that only a program would."""
    for name, zh, en in cells(rows):
        assert isinstance(zh, str), name
        assert not re.search(r"[\u4e00-\u9fff]", en), (name, en)
        assert not re.search(r"\bnan\b|\bNone\b|Estimate|Refused|\{|\}", zh + en), (name, en)
        assert bool(zh) == bool(en), (name, zh, en)


def test_five_numbers_with_what_stands_beside_them(decision):
    five = brief.five_numbers(RESULT, decision, break_even_size(INPUTS, 300), Estimate.exact(
        500, 500, "customers", Words("现在私域里的客户", "in the pool today"), "by.hand"))  # fmt: skip
    rows = views.number_rows(five, "CNY")
    assert len(rows) == 5
    check(rows)
    recorded = views.numbers_of(five)
    assert all(isinstance(number, Estimate) for number in recorded.values())
    known = [number for number in five if isinstance(number.value, Estimate)]
    assert {number.key for number in known} <= set(recorded)
    for number, cell in zip(five, rows["value"], strict=True):
        if isinstance(number.value, Refused):
            assert not re.search(r"\d", cell[1]), "what is refused has no figure"


def test_steps_are_filled_and_their_figures_recorded(decision):
    turns = brief.flips(INPUTS, decision.grounds, draws=300, seed=1)
    steps = brief.next_steps(decision, RESULT, flipped=turns)
    rows = views.step_rows(steps, "CNY")
    check(rows)
    for name in ("action", "owner", "due", "budget", "check"):
        assert all(cell[0] and cell[1] for cell in rows[name]), name
    assert all(cell[1][:1].isupper() for cell in rows["action"])
    recorded = views.step_numbers(steps)
    for step in steps:
        assert {key for key, figure in step.figures.items() if isinstance(figure, Estimate)} <= set(recorded)
        assert not isinstance(step.budget, Estimate) or step.budget in recorded.values()


def test_flips_say_now_then_and_how_far():
    sure = brief.decide(RESULT, effect_level="strong", own={"uplift", "staff_cost"})
    turns = brief.flips(INPUTS, sure.grounds, draws=300, seed=1)
    rows = views.flip_rows(turns, brief.VERDICT_WORDS, "CNY")
    assert 1 <= len(rows) <= views.SHOWN_FLIPS
    check(rows)
    shown = turns[turns["flips_at"].notna()].head(len(rows))
    assert np.allclose(rows["distance"], shown["distance"])
    assert [cell[1] for cell in rows["verdict"]] == [brief.VERDICT_WORDS[name].en for name in shown["verdict_then"]]
    nowhere = views.flip_rows(turns.assign(flips_at=np.nan), brief.VERDICT_WORDS, "CNY")
    assert nowhere.empty
    assert list(nowhere) == list(rows)


def test_links_evidence_and_rules(decision):
    links = views.link_rows(brief.weak_links(RESULT, decision))
    assert 1 <= len(links) <= 3
    check(links)
    check(views.evidence_rows(brief.evidence_flips(decision)))
    rules = views.rule_rows(decision)
    assert len(rules) == len(decision.rules)
    check(rules)
    failed = [cell[1] for cell, held in zip(rules["passed"], decision.rules["passed"], strict=True) if held is False]
    assert len(set(failed)) <= 1


def test_the_sentence_of_the_rule(decision):
    said = views.rule_words(decision)
    if decision.rule in set(decision.rules["rule"]):
        row = decision.rules.set_index("rule").loc[decision.rule]
        assert row["needed_zh"] in said.zh
        assert row["needed_en"] in said.en
    assert said.zh
    assert said.en
    assert views.why(decision) == Words(decision.zh, decision.en)


def test_facts_of_the_brand():
    shop = SimpleNamespace(observed_from=date(2024, 1, 1))
    assert views.days_covered(shop, date(2024, 12, 31)) == 366
    drawn = pl.LazyFrame({"experiment": ["a", "a", "b"]})
    assert views.experiments({"assignments": drawn}) == 2
    assert views.experiments({"assignments": None}) == 0
    nobody = views.largest_account({"members": None, "accounts": None}, date(2024, 12, 31))
    assert isinstance(nobody, Refused)
    members = pd.DataFrame({"customer_id": [1, 2, 3], "account_id": ["x", "x", "y"]})
    members["joined_at"] = pd.Timestamp("2024-01-05")
    accounts = pd.DataFrame({"account_id": ["x", "y"], "opened_at": pd.Timestamp("2024-01-01")})
    largest = views.largest_account({"members": members, "accounts": accounts}, date(2024, 12, 31))
    assert largest.value == pytest.approx(2 / 3)
