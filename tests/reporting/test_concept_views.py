"""Charts, rows and words of page 00: every theme is named, links lead somewhere, a chart tells what its model found."""

import re

import pytest

from siyu_helpers.analysis import concepts
from siyu_helpers.analysis.industry_fit import PoolInputs
from siyu_helpers.analysis.pool.inputs import Origin
from siyu_helpers.data import brands, market
from siyu_helpers.reporting import concept_views as views
from siyu_helpers.reporting import sections
from siyu_helpers.reporting.ledger import Ledger

CHARTS = {
    "pond": views.pond_chart,
    "dinner": views.dinner_chart,
    "toll_road": views.toll_chart,
    "paid_pond": views.cast_chart,
}


@pytest.fixture
def ledger(shown):
    return Ledger(brands.load("cdnow"), "00_concepts", "both")


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_that_it_is_a_model_and_states_its_figures(name, ledger, shown):
    model = getattr(concepts, name)()
    CHARTS[name](ledger, model)
    charts = [html for html, told in shown if told["role"] == "chart"]
    said = [re.sub(r"<[^>]+>", "", html) for html, told in shown if told["role"] == "sentence"]
    assert len(charts) == len(said) == 2
    assert all("data:image" in html for html in charts)
    assert {record["key"] for record in ledger.records} <= set(model.figures)
    assert not any(re.search(r"\bnan\b|\binf\b", text) for text in said)


def test_themes_of_the_glossary_are_named():
    assert set(views.THEMES) == set(market.load("glossary")["theme"])


def test_words_of_the_page_itself_lead_nowhere_and_others_to_their_section():
    table = concepts.terms(market.load("glossary"), ["private_traffic", "cohort"])
    rows = views.word_rows(table).set_index("key")
    assert rows.loc["private_traffic", "page"] == ""
    assert rows.loc["cohort", "page"] == "02_repurchase_cohorts"
    assert rows.loc["cohort", "term_zh"] == "同期群"


def test_every_metric_and_every_term_leads_to_a_section_that_is_there():
    for rows in (
        views.metric_rows(concepts.metric_dictionary(market.load("metrics"))),
        views.glossary_rows(market.load("glossary")),
    ):
        linked = [place for place in rows["where"] if place]
        assert len(linked) > len(rows) / 2
        assert all(isinstance(place, sections.Section) and place.href for place in linked)


def test_no_garbled_name_is_among_what_a_page_shows():
    rows = views.glossary_rows(market.load("glossary"))
    shown = " ".join(rows[["term_zh", "term_en", "definition_zh", "definition_en", "formula_zh"]].to_numpy().ravel())
    garbled = [word for cell in rows["garbled_zh"] for word in cell.split("；") if word]
    assert garbled
    assert [word for word in garbled if word in shown] == []


def test_the_house_shows_why_a_part_has_no_score():
    table = concepts.house(location=0.4, stewards=5000.0).table
    rows = views.house_rows(table, "CNY").set_index(table["part"])
    assert rows.loc["location", "value"][1].startswith("40.0%")
    assert rows.loc["comfort", "value"][0]
    assert rows.loc["comfort", "score"] != rows.loc["comfort", "score"]  # blank, not zero


def test_history_is_what_is_told_of_the_years():
    rows = views.history_rows(market.load("claims"))
    assert rows["id"].is_unique
    assert set(rows.loc[rows["kind"] != "history", "name_en"].str.extract(r"(2018|2019)")[0]) == {"2018", "2019"}
    assert (rows["kind"] == "history").any()


def test_formulas_are_named():
    from siyu_helpers.analysis import acquisition_cost

    made = acquisition_cost.repurchase_formulas(10_000, 0.05, 200, 0.3)
    assert set(made["formula"]) == set(views.FORMULAS)


def test_a_sentence_says_which_of_its_inputs_are_no_record_of_the_brand():
    origins = {"churn": Origin("assumed"), "staff_cost": Origin("industry table"), "tool_cost": Origin("counted")}
    inputs = PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.02, tool_cost=5, origins=origins)
    told = {"churn": ("流失", "leaving"), "staff_cost": ("人工", "staff"), "tool_cost": ("工具", "tools")}
    assert views.basis(inputs, told) == (
        "其中流失不是由本品牌的表算的，用的是假设。其中人工不是由本品牌的表算的，没有计入。",
        " Not from the brand's tables, but assumed: leaving. Not from the brand's tables, but left out: staff.",
    )
    assert views.basis(inputs, {"tool_cost": ("工具", "tools")}) == ("", "")
    assert set(views.POND_INPUTS) | set(views.COST_INPUTS) <= set(inputs.typical())
