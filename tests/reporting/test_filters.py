"""Filterable tables: every row on the page, lists of what is there, links only between pages of a brand."""

import re

import moving_pages as tiny
import numpy as np
import pandas as pd
import pytest
from conftest import HOSTILE

from siyu_helpers.reporting import filters
from siyu_helpers.reporting.sections import Section

COLUMNS = {
    "claim": ("说法", "Claim", "text"),
    "grade": ("等级", "Grade", "text"),
    "seen": ("所见", "Seen", "share"),
    "where": ("见", "Where", "link"),
}
GRADES = {"A": ("A 级", "grade A"), "D": ("D 级", "grade D")}
PLACE = Section("04_pool_effect.html#s-3", "多久见效", "How soon")


@pytest.fixture
def register():
    return pd.DataFrame(
        {
            "claim_zh": ["甲", "乙", "丙"],
            "claim_en": ["one", "two & more", HOSTILE],
            "grade": ["D", "A", "D"],
            "seen": [0.25, np.nan, 0.0],
            "where": [[PLACE, Section("#s-1", "这里", "Here")], PLACE, None],
        }
    )


def show(ledger, table, **changed):
    given = {"columns": COLUMNS, "choose": ["grade"], "names": GRADES, **changed}
    filters.show_filterable(ledger, table, given.pop("columns"), caption_zh="登记", caption_en="Register", **given)


def cells(html):
    """Of each row the visible texts of its cells, without their heads."""
    rows = re.findall(r"<tbody><tr>(.*?)</tr>", html)
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[re.sub(r'<span class="label".*?</span>|<[^>]+>', "", cell) for cell in row] for row in found]


def test_every_row_is_there_in_each_language(shown, register):
    show(tiny.ledger(), register)
    (zh, about), (en, _) = shown
    assert about["role"] == "filter"
    assert cells(zh) == [
        ["甲", "D 级", "25.0%", "多久见效这里"],
        ["乙", "A 级", "", "多久见效"],
        ["丙", "D 级", "0.0%", ""],
    ]
    assert [row[1] for row in cells(en)] == ["grade D", "grade A", "grade D"]
    assert "显示：3 / 3 行" in zh
    assert "Shown: 3 of 3 rows" in en


def test_lists_say_how_many_rows_have_each_value_in_the_order_of_the_names(shown, register):
    show(tiny.ledger("en"), register)
    options = re.findall(r'<option value="(.*?)">(.*?)</option>', shown[0][0])
    assert options == [("", "all"), ("grade A", "grade A (1)"), ("grade D", "grade D (2)")]
    assert 'data-column="1"' in shown[0][0]
    shown.clear()
    show(tiny.ledger("en"), register, names=None)
    assert re.findall(r'<option value="(.*?)">', shown[0][0]) == ["", "D", "A"]


def test_names_may_differ_from_column_to_column(shown, register):
    names = {"grade": GRADES, "claim": {"one": ("其一", "the first"), "D": ("错", "wrong")}}
    show(tiny.ledger("en"), register, names=names)
    assert cells(shown[0][0])[0][:2] == ["the first", "grade D"]


def test_without_a_script_nothing_is_offered_that_does_not_work(shown, register):
    show(tiny.ledger("en"), register)
    assert re.search(r'<div class="asked"[^>]* hidden>', shown[0][0])
    assert "<tbody hidden" not in shown[0][0]


def test_links_lead_to_pages_of_the_brand_only(shown, register):
    show(tiny.ledger("en"), register)
    assert re.findall(r'href="(.*?)"', shown[0][0]) == ["04_pool_effect.html#s-3", "#s-1", "04_pool_effect.html#s-3"]
    for bad in ("https://example.org", "javascript:alert(1)", "../x.html", "", '04_a.html" onclick="x'):
        register["where"] = [Section(bad, "x", "x")] * 3
        with pytest.raises(ValueError, match="link to a page of the brand"):
            show(tiny.ledger("en"), register)


def test_what_comes_from_data_is_escaped(shown, register):
    show(tiny.ledger("en"), register, choose=["claim", "grade"])
    assert "<script>" not in shown[0][0]
    assert "two &amp; more" in shown[0][0]


def test_odd_tables(shown, register):
    show(tiny.ledger("en"), register.head(0))
    assert "Shown: 0 of 0 rows" in shown[0][0]
    with pytest.raises(ValueError, match="no column 'grade'"):
        show(tiny.ledger(), register.drop(columns="grade"))
    with pytest.raises(ValueError, match="no column 'where'"):
        show(tiny.ledger(), register.drop(columns="where"))
    with pytest.raises(ValueError, match="'kind', which is not shown"):
        show(tiny.ledger(), register, choose=["kind"])


def test_a_column_of_sentences_gets_room_and_short_words_are_not_broken(shown, register):
    show(tiny.ledger("zh"), register.assign(claim_zh="很长的一句话" * 5))
    assert '<th scope="row" class="words">' in shown[0][0]
    assert '<td class="word">' in shown[0][0]


def test_a_page_with_a_filter_has_its_script_and_no_other(shown, register):
    show(tiny.ledger("en"), register)
    html = tiny.page(shown, "en")
    assert html.count("<script>") == 1
    assert ".siyu-filter" in html.partition("<script>")[2]
    assert ".siyu-slider" not in html.partition("<script>")[2]


def test_of_many_columns_sentences_stand_below_their_row(shown, register):
    more = {name: ("注" + name, name, "text") for name in ("a", "b", "c")}
    told = register.assign(a="x", b=["a sentence that is longer than a row has room for", None, ""], c="y" * 60)
    columns = {**COLUMNS, **more}
    show(tiny.ledger("en"), told, columns=columns, choose=["c", "grade"])
    html = shown[0][0]
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["Claim", "Grade", "Seen", "Where", "a", "c"]
    assert re.findall(r'data-column="(.)"', html) == ["5", "1"]
    assert html.count('<tr class="more"><td colspan="6">') == 1
    assert "<b>b</b> <span>a sentence that is longer" in html
    show(tiny.ledger("en"), told, choose=["grade"])
    assert 'class="more"' not in shown[1][0]
