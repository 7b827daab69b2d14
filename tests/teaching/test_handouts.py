"""Handouts: the concept, the questions and room to write; no answer, nothing that only trainers see."""

import re

import pandas as pd
import pytest
from training import COURSE, LANGUAGES, STEMS, source

from siyu_helpers.data import market
from siyu_helpers.reporting.loads import refuse_loads
from siyu_helpers.teaching import handouts, sources

EVERY_HANDOUT = pytest.mark.parametrize(("stem", "lang"), [(stem, lang) for stem in STEMS for lang in LANGUAGES])
BRAND = {"name": {"zh": "小满", "en": "Xiaoman"}, "synthetic": True}
TERMS = pd.DataFrame(
    [
        ("同期群", "cohort", "同月首购的客户", "customers of one month"),
        ("私域流量（私域）", "private traffic", "可反复触达", "reached again"),
        ("留存", "retention", "还在买的比例", "share still buying"),
    ],
    columns=["term_zh", "term_en", "definition_zh", "definition_en"],
)


def html(stem, lang, terms=None):
    return handouts.handout_html(source(stem), COURSE.lessons[stem], lang, BRAND, terms)


@EVERY_HANDOUT
def test_a_handout_has_every_question_and_room_to_answer_it(stem, lang):
    made = html(stem, lang)
    refuse_loads(made)
    cells = sources.of_language(source(stem).cells, lang)
    asked = sources.questions(cells)
    with_room = re.findall(r'<section class="question">(.*?)</section>', made, re.S)
    assert len(with_room) >= len(asked) + 1  # and the team's task
    for at in asked:
        heading = re.search(r"^### (.+)$", cells[at].source, re.M)
        assert heading is None or any(heading[1] in section for section in with_room)
    assert all(section.count('class="line"') >= 2 for section in with_room)


@EVERY_HANDOUT
def test_a_handout_holds_nothing_of_what_only_trainers_see_and_no_code(stem, lang):
    made = html(stem, lang)
    for word in ("SOLUTION", "room.", "answer =", "mistakes"):
        assert word not in made
    for cell in sources.of_language(source(stem).cells, lang):
        if cell.cell_type == "markdown" and "handout" not in sources.tags(cell):
            first = re.sub(r"[*`#>]", "", cell.source).strip().splitlines()[-1][:40]
            assert first not in made, first


def test_the_head_says_what_it_is():
    made = html("04_repurchase_cohorts", "en")
    assert "30 minutes" in made
    assert "Invented brand" in made
    assert "<mfrac>" in made
    assert '<html lang="en">' in made


def test_terms_that_the_text_uses_are_explained_in_its_order():
    text = "Retention of a cohort; private-domain traffic is another thing."
    assert [term for term, _ in handouts.terms_used(text, TERMS, "en")] == ["retention", "cohort"]
    found = handouts.terms_used("私域流量的同期群", TERMS, "zh")
    assert found == [("私域流量", "可反复触达"), ("同期群", "同月首购的客户")]
    assert handouts.terms_used(text, TERMS, "en", most=1) == [("retention", "share still buying")]
    assert handouts.terms_used(text, None, "en") == []
    assert handouts.terms_used("discohorts", TERMS, "en") == []


def test_the_terms_are_on_the_handout_escaped():
    hostile = TERMS.assign(definition_en="<script>alert(1)</script>")
    made = html("04_repurchase_cohorts", "en", hostile)
    assert "&lt;script&gt;" in made
    assert "<script>" not in made


def test_the_glossary_of_the_project_explains_some_term_of_most_lessons():
    terms = market.load("glossary")
    explained = [stem for stem in STEMS if 'class="terms"' in html(stem, "zh", terms)]
    assert len(explained) >= len(STEMS) / 2
