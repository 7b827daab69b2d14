"""Lesson 12: its questions by hand, the briefs it is compared with, and the exercise from beginning to end."""

import re

import pandas as pd
import pytest

from siyu_helpers.data import brands, samples
from siyu_helpers.data.simulation import truth as simulated
from siyu_helpers.reporting.ledger import Ledger
from siyu_helpers.teaching import brief_form, new_brands, scoring
from siyu_helpers.teaching.lessons import final_exercise as final

#: Classes whose brands are small here: one with a lot, one of hidden selection, of two recipes.
NUMBERS = (2, 4)


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(new_brands, "CUSTOMERS", dict.fromkeys(new_brands.CUSTOMERS, 1_500))
        patch.setattr(new_brands, "FREQUENCIES", (0.0, 4.0, 30.0))
        patch.setattr(simulated, "MANY_CUSTOMERS", 2_000)
        new_brands.truth_of.cache_clear()
        yield
        new_brands.truth_of.cache_clear()


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    root = tmp_path_factory.mktemp("class")
    return {number: final.facts_of(final.open_brand(number, root)) for number in NUMBERS}


def replies(shown, lang, role):
    return [re.sub(r"<[^>]+>", " ", html) for html, told in shown if told["role"] == role and told["lang"] == lang]


def test_the_questions_by_hand():
    """Width 0.2; the truth 0.7 is 0.35 beyond the end; 0.2 + 20 x 0.35 = 7.2. Brier: (0.3 - 1)^2 = 0.49."""
    interval, brier = final._interval(0.7), final._brier(True)
    assert interval.right == pytest.approx(7.2)
    assert [wrong.value for wrong in interval.wrong] == pytest.approx([0.2, 0.55, 3.7])
    assert brier.right == pytest.approx(0.49)
    assert [wrong.value for wrong in brier.wrong] == pytest.approx([0.09, 0.7])


def test_the_known_brands_truth_is_that_of_its_file():
    samples.make(["xiaoman"])
    brand = brands.load("xiaoman")
    told, found = brand.truth(), final.truth_of_known(brand)
    assert found.gain == told["average_treatment_effect_on_treated"][90]["orders"]["effect"]
    assert found.net == pytest.approx(told["pool"]["contribution"] - brand.table("pool_costs")["amount"].sum())
    assert found.selection == "lot"
    with pytest.raises(ValueError, match="no truth"):
        final.truth_of_known(brands.load("cdnow"))


def test_both_briefs_to_compare_with_are_complete_on_every_brand(facts):
    for found in facts.values():
        for made in (final.naive_form(found), final.workbook_form(found)):
            assert brief_form.complaints(made) == {}


def test_the_naive_brief_is_what_the_field_would_write(facts):
    """By hand: orders of the last ninety days of those in the pool before, less those of all other customers."""
    found = facts[2]
    orders, members = found.brand.table("orders"), found.brand.table("members")
    begin = pd.Timestamp(found.brand.observed_until) + pd.Timedelta(days=1 - 90)
    first = orders.groupby("customer_id")["ordered_at"].min()
    known = first.index[first < begin]
    made = orders[orders["ordered_at"] >= begin].groupby("customer_id").size().reindex(known, fill_value=0)
    inside = known.isin(members.loc[members["joined_at"] < begin, "customer_id"])
    form = final.naive_form(found)
    assert form["gain"][0] == pytest.approx(made[inside].mean() - made[~inside].mean())
    # The cost moves from the middle of the first quarter to that of the last: 33 months.
    assert (1 + form["growth"][0]) ** (33 / 12) == pytest.approx(found.ends[1] / found.ends[0])
    assert (form["evidence"], form["verdict"] in ("build", "do not")) == ("strong", True)


def test_copying_the_workbook_beats_face_value_on_average(facts):
    points = {"naive": [], "workbook": []}
    for number, found in facts.items():
        truth = new_brands.truth_of(number)
        for name, form in (("naive", final.naive_form(found)), ("workbook", final.workbook_form(found))):
            points[name].append(scoring.total(scoring.score(form, truth)))
    assert sum(points["workbook"]) > sum(points["naive"]) + 10 * len(NUMBERS)


def test_nothing_is_revealed_before_the_form_is_complete(facts, shown, monkeypatch):
    monkeypatch.setattr(new_brands, "truth_of", lambda name: pytest.fail("the truth was worked out"))
    ledger = Ledger(facts[2].brand, "training/12_final_exercise", "both")
    final.reveal(ledger, 2, {"gain": ...}, facts[2])
    final.standings(ledger, 2, {"A": {}}, facts[2])
    assert len([text for text in replies(shown, "zh", "form") if "还缺" in text]) == 1
    assert "Not to be revealed yet" in replies(shown, "en", "form")[0]
    assert not replies(shown, "zh", "table")


def test_the_reveal_shows_truth_points_and_standings(facts, shown):
    ledger = Ledger(facts[2].brand, "training/12_final_exercise", "both")
    form = final.workbook_form(facts[2]) | {"find_out": "<b>churn</b>"}
    final.reveal(ledger, 2, form, facts[2])
    for lang, team in (("zh", "本组"), ("en", "your team")):
        assert len(replies(shown, lang, "truth")) == 1
        table, standings = replies(shown, lang, "table")
        assert str(scoring.total(scoring.score(form, new_brands.truth_of(2)))) in table
        assert team in standings
    assert not re.search(r"[\u4e00-\u9fff]", " ".join(replies(shown, "en", "table") + replies(shown, "en", "truth")))


def test_the_facts_give_neither_verdict_nor_truth_away(facts, shown):
    ledger = Ledger(facts[4].brand, "training/12_final_exercise", "both")
    final.show_facts(ledger, facts[4])
    text = " ".join(html for html, _ in shown)
    verdict = facts[4].decision.words
    assert verdict.zh not in text
    assert "truth" not in text.lower()
    assert len(final.facts_table(facts[4])) == len(final.FACTS)


def test_a_brand_without_pool_spend_or_messages_still_has_a_brief(facts, write_brand, data_root):
    """Nobody joined, nothing was spent: the briefs say so instead of failing."""
    write_brand("bare")
    found = final.facts_of(brands.load("bare", data_root))
    for made in (final.naive_form(found), final.workbook_form(found)):
        assert brief_form.complaints(made) == {}
    assert final.workbook_form(found)["evidence"] == "not identified here"
    assert final.facts_table(found)["number_en"].isin(["not known"]).sum() >= 3
