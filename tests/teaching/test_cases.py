"""Cases: a claim as a card, its evidence beside it, whatever its text holds."""

import re
from html import escape

import pytest

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.data import market
from siyu_helpers.teaching import cases


@pytest.mark.parametrize("table", ["claims", "private_domain_benchmarks"])
def test_every_line_becomes_a_card_in_both_languages(table):
    known = market.load(table).set_index("id")
    known = known[known["claim_zh"] != ""]  # some figures of the benchmarks are kept without a sentence
    assert len(known) > 10
    for id, row in known.iterrows():
        card = cases.card(id)
        assert card.grade == row["grade"]
        for lang in ("zh", "en"):
            html = cases.card_html(card, lang)
            assert escape(f"{row['grade']}" if row["grade"] else cases.GRADES[""].text(lang)) in html
            assert re.search(r"<p>\s*\S.*?</p>", html), f"{id}: a card that claims nothing"
            assert html.count("<dt>") == html.count("<dd>") == len(card.lines)
            assert not re.search(r"<dd>\s*</dd>", html), f"{id}: an empty line"
            assert lang == "zh" or not re.search(r"[\u4e00-\u9fff]", html.partition("<dl>")[0]), id


def test_a_claim_says_who_gains_and_where_it_is_tested():
    known = market.load("claims").set_index("id")
    one = known[(known["seller"] == "publisher") & (known["sources"].str.len() > 1)].iloc[0]
    card = cases.card(one.name)
    assert card.lines["seller"] == cases.SELLERS["publisher"]
    assert card.lines["source"].en.count("article") == len(one["sources"].split(";"))
    assert card.lines["how"].zh == one["how_zh"]


def test_grades_sellers_and_articles_are_those_of_the_table():
    known = market.load("claims")
    assert set(known["grade"]) <= set(cases.GRADES)
    assert set(known["seller"]) <= set(cases.SELLERS)
    assert {letter for sources in known["sources"] for letter in sources.split(";")} <= set(cases.ARTICLES)


def test_a_figure_says_who_gains_so_that_its_grade_is_not_misread():
    known = market.load("private_domain_benchmarks").set_index("id")
    known = known[known["claim_zh"] != ""]
    assert set(known["evidence_kind"]) <= set(cases.FIGURE_SELLERS)
    assert set(known["grade"]) <= set(cases.FIGURE_GRADES)
    sold = known[known["evidence_kind"] == "vendor claim"]
    assert (sold["grade"] == "B").all()
    for id in sold.index:
        card = cases.card(id)
        assert "sells" in card.lines["seller"].en
        assert "named" not in card.lines["grade"].en, "the register's B, which a seller's page is not"


def test_what_a_card_says_is_escaped():
    hostile = Words("<script>", "<b>&")
    html = cases.card_html(cases.Card("x", hostile, "", {"source": hostile}), "en")
    assert html.count("&lt;b&gt;&amp;") == 2
    assert "<b>" not in html


def test_an_unknown_line_is_refused():
    with pytest.raises(ValueError, match="no claim 'cl999'"):
        cases.card("cl999")


def test_a_figure_without_words_makes_no_card():
    with pytest.raises(ValueError, match=r"pd01 .* has no claim in words"):
        cases.card("pd01")
