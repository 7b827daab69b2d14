"""The dictionary against the pages: every word a page defines, every number it states, every section it points to."""

import ast
import importlib
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from conftest import PROJECT

from siyu_helpers.analysis.concept import dictionary
from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.data import market
from siyu_helpers.reporting import names, words

NOTEBOOKS = PROJECT / "notebooks"
PAGES = sorted(NOTEBOOKS.glob("0[1-6]*.ipynb"))
# Headings of boxes that name a term in other words.
OTHER_HEADINGS = {"毛利怎么算": "贡献毛利", "每净增一位": "每净增一位买家的费用", "获客成本的区间": "置信区间"}
# Functions that make a number of a page and stand in no row of metrics.csv, and why.
NO_ROW = {
    "siyu_helpers.analysis.effect.experiment_sizes.take_up_of": "repeats a setting of the experiment's design",
    "siyu_helpers.analysis.effect.pool_worth.payback_months": "inside pool_effect.payback, which has a row",
    "siyu_helpers.analysis.lifetime.outlook.still_active": "inside customer_lifetime.outlook, which has a row",
}
BEGIN_WITH_CAPITAL = ("K", "QR", "Taobao's", "Tencent", "Tencent's", "Triple", "WeChat", "Pearson", "Youzan's")


@pytest.fixture(scope="module")
def glossary():
    return market.load("glossary")


@pytest.fixture(scope="module")
def metrics():
    return market.load("metrics")


def found(dotted):
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def cells(path, kind):
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def boxes():
    """(page, Chinese term, English term) of every definition box whose term is written out."""
    for path in PAGES:
        for source in cells(path, "code"):
            for call in ast.walk(ast.parse(source)):
                if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "define":
                    given = {word.arg: getattr(word.value, "value", None) for word in call.keywords}
                    if isinstance(given["term_zh"], str):
                        yield path.stem, given["term_zh"], given["term_en"]


def known_names(glossary, metrics):
    texts = [*glossary["term_zh"], *glossary["term_en"], *metrics["metric_zh"], *metrics["metric_en"]]
    texts += [*metrics["variant_zh"], *metrics["variant_en"]]
    texts += [name for listed in glossary["variants_zh"] for name in listed.split("；")]
    return {text.strip().lower() for text in texts if text.strip()}


def is_known(term, known):
    """Whether the term, or else each of the terms that its heading joins, is in the tables."""
    if term.lower() in known:
        return True
    parts = [part.strip() for part in re.split("[、与]", re.sub("（.*?）", "", term))]
    return all(OTHER_HEADINGS.get(part, part).lower() in known for part in parts)


def test_every_word_that_a_page_defines_is_in_the_glossary_or_the_metrics(glossary, metrics):
    known = known_names(glossary, metrics)
    written = list(boxes())
    assert len(written) > 30  # the walk finds the boxes
    lacking = [(page, zh) for page, zh, en in written if not is_known(zh, known) and en.lower() not in known]
    lacking += [zh for zh, _ in names.VARIANT_TERMS.values() if not is_known(zh, known)]
    assert not lacking
    assert not is_known("没有这个词", known)


def test_every_function_that_makes_a_number_of_a_page_has_a_row_or_a_reason(metrics):
    listed = (Path(__file__).parent / "recorded_functions.txt").read_text("utf-8").splitlines()
    recorded = [line.split()[0] for line in listed if not line.startswith("#")]
    covered = {id(found(name)) for name in metrics["function"]}
    lacking = {name for name in recorded if id(found(name)) not in covered}
    assert lacking == set(NO_ROW)
    assert len(recorded) > 100


def test_every_function_goes_through_the_door_and_every_unit_is_one_that_pages_write(metrics):
    doors = {name.rpartition(".")[0].rpartition(".")[2] for name in metrics["function"]}
    folders = {folder.name for folder in (PROJECT / "siyu_helpers" / "analysis").iterdir() if folder.is_dir()}
    assert not doors & folders
    for name in set(metrics["function"]):
        assert callable(found(name)), name
        assert not name.rpartition(".")[2].startswith("_")
    for unit in set(metrics["unit"]):
        assert not re.search("[A-Za-z]", words.value_text(2.5, unit, "zh")), unit  # an unknown unit is written as it is


@pytest.mark.parametrize("name", ["glossary", "metrics"])
def test_every_section_is_there(name, request):
    table = request.getfixturevalue(name)
    headings = {}
    for page in set(table["page"]):
        path = NOTEBOOKS / f"{page}.ipynb"
        if not path.is_file():  # written with this issue; held against it once it is there
            assert page in ("00_concepts", "07_evidence_register") or page.startswith("training/"), page
            continue
        text = "\n".join(cells(path, "markdown"))
        headings[page] = set(re.findall(r"^#{2,3} (.*?)\s*$", text, re.M))
    assert {page for page in headings if page[:2] in ("01", "02", "03", "04", "05", "06")}
    lacking = [
        (row["page"], row["section"])
        for row in table.to_dict("records")
        if row["page"] in headings and row["section"] not in headings[row["page"]]
    ]
    assert not lacking


def test_the_wording_is_that_of_the_house(glossary, metrics):
    for table, parts in ((glossary, ("term", "definition", "formula", "unit")),
                         (metrics, ("metric", "variant", "definition", "trap"))):  # fmt: skip
        for part in parts:
            for zh, en in zip(table[f"{part}_zh"], table[f"{part}_en"], strict=True):
                assert "顾客" not in zh
                assert "成员" not in zh
                assert not zh.endswith("。"), zh
                assert not en.endswith("."), en
                assert "/" not in en.replace("LTV/CAC", ""), en
                assert bool(zh) == bool(en)
                assert not re.search("[\u4e00-\u9fff]", en), en
        for text in table["definition_en"]:
            assert text[0].islower() or not text[0].isalpha() or text.split()[0] in BEGIN_WITH_CAPITAL, text


def test_no_garbled_word_reaches_a_page(glossary, metrics):
    garbled = [name for listed in glossary["garbled_zh"] for name in re.split("[；;]", listed) if name]
    assert "迪雷省" in garbled
    shown = [*NOTEBOOKS.rglob("*.ipynb"), *(PROJECT / "siyu_helpers").rglob("*.py")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in shown if ".ipynb_checkpoints" not in path.parts}
    claims = market.load("claims")
    claims = claims[claims["kind"] != "source quality"]  # the row that says which words of article A are garbled
    tables = {name: market.load(name) for name in ("contradictions", "channel_definitions")} | {"claims": claims}
    texts |= {name: table.to_csv() for name, table in tables.items()}
    texts |= {"terms": dictionary.terms(glossary).to_csv(), "metrics": dictionary.metric_dictionary(metrics).to_csv()}
    for place, text in texts.items():
        assert not [name for name in garbled if name in text], place
    assert any(name in glossary.to_csv() for name in garbled)


def test_what_the_articles_get_wrong_is_right_here(glossary):
    said = glossary.set_index("key")
    assert said.at["cdp", "term_en"] == "customer data platform"
    # 10,000 visitors x 5% x 200 = 100,000 from first orders alone; times a rate of 30% the articles have 30,000.
    assert "人均订单数" in said.at["revenue_identity", "formula_zh"]
    assert "复购率" not in said.at["revenue_identity", "formula_zh"]
    assert said.at["spend_per_buyer", "formula_en"].endswith("÷ buyers")
    assert said.at["revenue_per_order", "formula_en"].endswith("÷ orders")
    assert said.at["repurchase_rate", "formula_zh"] != said.at["period_repurchase", "formula_zh"]
    assert "固定费用" in said.at["profit_identity", "formula_zh"]


def test_a_metric_with_several_meanings_says_what_goes_wrong(metrics):
    assert (metrics.groupby("metric")["trap_en"].nunique() == 1).all()
    assert (metrics.groupby("metric")["variant"].size() > 1).all()
    for names_of in (["metric", "variant_zh"], ["metric", "variant_en"], ["metric", "definition_en"]):
        assert not metrics.duplicated(names_of).any(), names_of
    assert {"paid", "blended", "fully_loaded", "by_channel", "marginal"} <= set(
        metrics.loc[metrics["metric"] == "acquisition_cost", "variant"]
    )


def test_terms_come_in_the_order_asked_for(glossary):
    picked = dictionary.terms(glossary, ["churn", "private_traffic", "churn"])
    assert picked["key"].tolist() == ["churn", "private_traffic", "churn"]
    assert picked.at[1, "term"].zh == "私域流量"
    assert len(dictionary.terms(glossary)) == len(glossary)
    assert "garbled_zh" not in dictionary.terms(glossary)
    assert dictionary.terms(glossary, []).empty


def test_a_key_that_is_not_there_is_answered_with_the_nearest(glossary, metrics):
    with pytest.raises(ValueError, match="did you mean 'private_traffic'"):
        dictionary.terms(glossary, ["private_trafic"])
    with pytest.raises(ValueError, match="did you mean 'acquisition_cost'"):
        dictionary.variants_of(metrics, "acquisiton_cost")
    with pytest.raises(ValueError, match="there are: words, channels"):
        dictionary.terms_of(glossary, "colours")
    with pytest.raises(ValueError, match="lacks: term_zh"):
        dictionary.terms(glossary.drop(columns="term_zh"))


def test_themes_share_the_glossary_out(glossary):
    parts = [dictionary.terms_of(glossary, theme) for theme in market.THEMES]
    assert sorted(pd.concat(parts)["key"]) == sorted(glossary["key"])


def test_the_dictionary_of_a_brand_keeps_the_pages_it_has(metrics):
    whole = dictionary.metric_dictionary(metrics)
    assert len(whole) == len(metrics)
    some = dictionary.metric_dictionary(metrics, ["02_repurchase_cohorts"])
    assert set(some["page"]) == {"02_repurchase_cohorts"}
    assert some["variants"].sum() == sum(size**2 for size in some["metric_key"].value_counts())
    assert dictionary.metric_dictionary(metrics, []).empty
    assert list(dictionary.metric_dictionary(metrics, []).columns) == list(whole.columns)


def test_counts_are_those_of_the_tables(glossary, metrics):
    found_counts = dictionary.dictionary_counts(glossary, metrics)
    assert all(isinstance(count, Estimate) and count.is_exact for count in found_counts.values())
    assert found_counts["glossary_terms"].value == len(glossary)
    assert found_counts["most_variants"].value == len(dictionary.variants_of(metrics, "acquisition_cost"))
    nothing = dictionary.dictionary_counts(glossary.iloc[:0], metrics.iloc[:0])
    assert {count.value for count in nothing.values()} == {0.0}
