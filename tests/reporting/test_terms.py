"""Boxes of words: a few terms, each with what it means, how it is computed and where."""

import re

import moving_pages as tiny
import pandas as pd
import pytest
from conftest import HOSTILE

from siyu_helpers.reporting import terms

GLOSSARY = pd.DataFrame(
    {
        "key": ["reach", "churn", "pond"],
        "term_zh": ["触达率", "流失率", "池塘"],
        "term_en": ["reach", "leaving rate", "pond"],
        "definition_zh": ["看到消息的人占比", "一个月里离开的人占比", "可以反复触达的人"],
        "definition_en": ["share of people who saw it", "share who leave in a month", HOSTILE],
        "formula_zh": ["看到的人 ÷ 发送的人", "离开的人 ÷ 月初的人", None],
        "formula_en": ["people who saw it ÷ people it was sent to", "left ÷ there at the start", None],
        "unit_zh": ["%", "%", None],
        "unit_en": ["%", "%", None],
        "page": ["02_repurchase_cohorts", None, None],
        "section": ["How soon do they come back?", None, None],
    }
)


def test_a_term_has_its_meaning_formula_unit_and_place(shown):
    terms.words_box(tiny.ledger(), GLOSSARY)
    (zh, about), (en, _) = shown
    assert about == {"lang": "zh", "role": "words"}
    assert zh.count("<dt>") == en.count("<dt>") == 3
    for said in ("触达率", "（%）", "看到消息的人占比", "公式：看到的人 ÷ 发送的人", "计算见：", "多久再来？"):
        assert said in zh
    assert '<span lang="en">leaving rate</span>' in zh
    for said in ("(%)", "Formula: left ÷ there at the start"):
        assert said in en
    assert not re.search(r"[\u4e00-\u9fff]", en)
    assert re.findall(r'href="(.*?)"', en) == ["02_repurchase_cohorts.html#s-2"]
    assert en.count("Formula") == 2
    assert "<script>" not in en


def test_a_place_on_the_same_page_is_a_place_not_a_page(shown):
    terms.words_box(tiny.ledger("en", notebook="02_repurchase_cohorts"), GLOSSARY.head(1))
    assert 'href="#s-2"' in shown[0][0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (GLOSSARY.head(0), "1 to 6"),
        (pd.concat([GLOSSARY] * 3), "1 to 6"),
        (pd.concat([GLOSSARY.head(1)] * 2), "'reach' is there twice"),
        (GLOSSARY.drop(columns="formula_en"), "no column 'formula_en'"),
        (GLOSSARY.assign(page="09_nothing"), "no page '09_nothing'"),
        (GLOSSARY.assign(page="02_repurchase_cohorts", section="Nowhere"), "no heading 'Nowhere'"),
    ],
)
def test_rows_that_make_no_box_are_refused(shown, rows, said):
    with pytest.raises(ValueError, match=said):
        terms.words_box(tiny.ledger(), rows)
    assert shown == []


@pytest.mark.parametrize("rows", [GLOSSARY.drop(columns=["page", "section"]), GLOSSARY.assign(page="training/01_x")])
def test_terms_that_no_page_of_a_brand_computes(shown, rows):
    terms.words_box(tiny.ledger("zh"), rows)
    assert "计算见" not in shown[0][0]
    assert "公式：" in shown[0][0]


def test_units_may_be_those_of_an_estimate(shown):
    terms.words_box(tiny.ledger(), GLOSSARY.drop(columns=["unit_zh", "unit_en"]).assign(unit=["share", "", "months"]))
    assert "（百分比）" in shown[0][0]
    assert "(months)" in shown[1][0]
    for unit in ("share", "customers", "months", "money per order", "money", "orders per customer"):
        zh, en = (terms.unit_name(unit, lang, "USD") for lang in ("zh", "en"))
        assert re.search(r"[\u4e00-\u9fff]", zh), unit
        assert re.fullmatch(r"[A-Za-z ]+", en), unit
    assert terms.unit_name("money per order", "zh") == "元/单"
    assert terms.unit_name("people per fish", "zh") == "people per fish"
