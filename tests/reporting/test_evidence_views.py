"""Rows and names of page 07: every key of the register is named, and a row says what becomes of its claim here."""

import re

import pandas as pd
import pytest

from siyu_helpers.analysis import evidence_register as evidence
from siyu_helpers.data import market
from siyu_helpers.reporting import evidence_views as views


@pytest.fixture(scope="module")
def claims():
    return market.load("claims")


@pytest.mark.parametrize(("column", "called"), [("kind", views.KINDS), ("seller", views.SELLERS)])
def test_every_word_of_the_register_is_named(claims, column, called):
    assert set(claims[column]) <= set(called)


def test_a_row_says_what_becomes_of_its_claim(claims):
    register = evidence.register(claims, ["orders"])
    rows = views.claim_rows(register)
    assert set(rows["state"]) == set(views.STATES)
    assert set(rows["grade"]) <= set(views.GRADES)
    state = dict(zip(register["id"], rows["state"], strict=True))
    needs = dict(zip(claims["id"], claims["needs"], strict=True))
    computed = claims.loc[claims["status"] == "computed", "id"]
    # By hand: a claim is computed here when it needs no table but orders.
    assert all((state[key] == "here") == (set(needs[key].split(";")) <= {"orders", "market"}) for key in computed)


def test_a_claim_that_a_lesson_teaches_names_the_lesson(claims):
    row = claims.iloc[[0]].assign(status="taught", function="", page="training/04_repurchase_cohorts", section="Task")
    made = views.claim_rows(evidence.register(row)).iloc[0]
    assert made["how"][1].endswith("(lesson 4)")
    assert made["where"] == ""


def test_arithmetic_is_shown_with_the_ranges_it_rests_on():
    worked = evidence.claim_arithmetic()
    rows = views.arithmetic_rows(worked, "CNY")
    assert len(rows) == len(worked)
    # Of the figures that are shown, the first three, each that has a range shows it.
    for one, row in zip(worked, rows.to_dict("records"), strict=True):
        shown = [name for name in one.figures if not name.endswith(("_least", "_most"))][:3]
        ranges = [one.ends_of(name) for name in shown]
        told = len(re.findall(r"\([^()]* to [^()]*\)", row["follows"][1]))
        assert told == sum(ends is not None and ends[0] < ends[1] for ends in ranges), one.key
    assert any(one.ends_of(name) for one in worked for name in one.figures)
    assumed = views.assumption_rows(evidence.assumption_table(worked), worked, "CNY")
    assert len(assumed) == len(evidence.assumption_table(worked))


def test_both_sides_of_a_contradiction_say_who_says_it(claims):
    rows = views.contradiction_rows(evidence.contradiction_register(market.load("contradictions"), claims))
    assert rows["one"].map(lambda both: both[1].startswith("Article")).all()
    assert rows["other"].map(lambda both: bool(re.match(r"(Article|Arithmetic|Public)", both[1]))).all()


def test_warnings_without_tables_show_why():
    log = pd.DataFrame({"customer_id": [1], "ordered_at": [pd.Timestamp("2024-06-03")], "amount": [9.0]})
    checked = evidence.warning_checks(log, {}, "2024-06-30")
    rows = views.warning_figures(checked, "CNY")
    assert len(rows) >= len(checked.results)
    assert (rows["value"].map(lambda both: both[1]) == "not known").any()


def test_what_came_out_here_stands_in_the_register_and_in_a_sentence(claims):
    log = pd.DataFrame({"customer_id": [1], "ordered_at": [pd.Timestamp("2024-06-03")], "amount": [9.0]})
    checked, worked = evidence.warning_checks(log, {}, "2024-06-30"), evidence.claim_arithmetic()
    found = views.outcomes(checked, worked)
    assert set(found) <= set(claims["id"])
    assert set(found.values()) <= set(views.OUTCOMES)
    rows = views.claim_rows(evidence.register(claims, ["orders"]), found)
    assert set(rows["outcome"]) <= set(views.OUTCOMES)
    # Nothing is known of a brand with one order: no warning applies, and no sentence names one.
    assert views.named(checked, claims, "agrees") is None
    assert len(views.named(checked, claims, "cannot be told").en.split("; ")) == len(checked.results)
    failing = [one.claim_id for one in worked if one.verdict == "cannot be"]
    names = claims.set_index("id").loc[failing, "name_zh"]
    assert views.named_claims(worked, claims, "cannot be").zh == "、".join(names)
