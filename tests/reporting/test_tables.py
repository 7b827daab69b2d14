"""Tables of a page: named columns, numbers with their interval, blanks that stay blank."""

import re

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.data import brands
from siyu_helpers.reporting import tables
from siyu_helpers.reporting.ledger import Ledger

COLUMNS = {
    "group": ("渠道", "Channel", "text"),
    "back": ("复购", "Back", "share"),
    "days": ("天数", "Days", "number"),
    "spent": ("人均", "Spent", "money"),
}


@pytest.fixture
def table():
    made = pd.DataFrame({"group": ["sms", "<b>x</b>"], "back": [0.25, 0.0], "days": [12.0, np.nan]})
    made["back_low"], made["back_high"] = [0.2, 0.0], [0.3, 0.05]
    made["days_low"], made["days_high"] = [10.0, np.nan], [np.inf, np.nan]
    return made.assign(spent=[1234.5, 0.0])


def texts(shown, lang):
    html = next(html for html, metadata in shown if metadata["lang"] == lang)
    cells = re.findall(r"<t[dh](?: [^>]*)?>(.*?)</t[dh]>", html)
    assert metadata_roles(shown) == {"table"}
    return cells


def metadata_roles(shown):
    return {metadata["role"] for _, metadata in shown}


def test_numbers_stand_with_their_interval(shown, table):
    words = {"sms": Words("短信", "Text messages")}
    book = Ledger(brands.load("cdnow"), "x")
    blank = ("尚未达到", "not reached")
    tables.show(book, table, COLUMNS, names=words, blank=blank, caption_zh="表", caption_en="Table")
    assert texts(shown, "en") == [
        *("Channel", "Back", "Days", "Spent (USD)"),
        *("Text messages", "25.0% (20.0% to 30.0%)", "12 (10 or more)", "1,234"),
        *("&lt;b&gt;x&lt;/b&gt;", "0.0% (0.0% to 5.0%)", "not reached", "0"),
    ]
    assert texts(shown, "zh")[:8] == [
        *("渠道", "复购", "天数", "人均（美元）"),
        *("短信", "25.0%（20.0% 至 30.0%）", "12（10 以上）", "1,234"),
    ]


def test_one_language_only(shown, table):
    tables.show(Ledger(brands.load("cdnow"), "x", lang="en"), table, COLUMNS, caption_zh="表", caption_en="Table")
    assert {metadata["lang"] for _, metadata in shown} == {"en"}


def test_a_missing_column_is_named(table):
    with pytest.raises(ValueError, match="no column 'returned'"):
        tables.show(
            Ledger(brands.load("cdnow"), "x"),
            table,
            {"returned": ("回", "Back", "share")},
            caption_zh="",
            caption_en="",
        )


def test_an_empty_table_has_heads_only(shown, table):
    tables.show(Ledger(brands.load("cdnow"), "x", lang="zh"), table[:0], COLUMNS, caption_zh="表", caption_en="Table")
    assert texts(shown, "zh") == ["渠道", "复购", "天数", "人均（美元）"]


def test_a_folded_table_shows_its_caption_only(shown):
    table = pd.DataFrame({"a": ["x"], "b": [1.5]})
    columns = {"a": ("甲", "A", "text"), "b": ("乙", "B", "number")}
    tables.show(
        Ledger(brands.load("cdnow"), "x", "en"),
        table,
        columns,
        caption_zh="长表",
        caption_en="A long <table>",
        folded=True,
    )
    assert shown[0][0].startswith('<div lang="en"><details><summary>A long &lt;table&gt;</summary>')
    assert "<caption>" not in shown[0][0], "the caption would be read twice"
    assert '<table aria-label="A long &lt;table&gt;">' in shown[0][0]


def classes(shown, column):
    rows = re.findall(r"<tr>(<td.*?)</tr>", shown[0][0])
    return [re.findall(r'<td(?: class="(\w+)")?>', row)[column] for row in rows]


def test_numbers_of_a_column_stand_on_one_edge(shown):
    table = pd.DataFrame({"a": [3.0, 12, 1234], "b": [3.0, 12, 1234], "b_low": [np.nan, 11, np.nan]})
    table["b_high"] = [np.nan, 13, np.nan]
    columns = {"a": ("甲", "A", "number"), "b": ("乙", "B", "number")}
    tables.show(Ledger(brands.load("cdnow"), "x", "en"), table, columns, caption_zh="表", caption_en="T")
    assert classes(shown, 0) == ["number"] * 3
    assert classes(shown, 1) == ["word"] * 3


def test_a_probability_reads_as_in_a_sentence(shown):
    table = pd.DataFrame({"p": [0.974, 0.9999, float("nan")]})
    columns = {"p": ("概率", "P", "probability")}
    ledger = Ledger(brands.load("cdnow"), "x", "en")
    tables.show(ledger, table, columns, caption_zh="表", caption_en="T", blank=("—", "-"))
    assert all(f">{text}</td>" in shown[0][0] for text in ("97%", "over 99%", "-"))
