"""The ledger: what may be said, how it is formatted, and that the record leads back to the library."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from siyu_helpers.analysis import estimates
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.data import brands
from siyu_helpers.reporting.ledger import Ledger, placeholders, table_html

SHARE = "siyu_helpers.analysis.estimates.share"


@pytest.fixture(scope="module")
def cdnow():
    return brands.load("cdnow")


def a_share(value=0.25, low=0.2, high=0.3, **others):
    given = {"level": 0.9, "n": 400, "unit": "share", "definition": Words("口径", "meaning"), "function": SHARE}
    return Estimate(value, low, high, **(given | others))


def test_a_sentence_in_both_languages_with_its_interval(cdnow, shown):
    Ledger(cdnow, "02_repurchase_cohorts").say(zh="有 {back} 回来。", en="{back} came back.", back=a_share())
    (zh, zh_meta), (en, en_meta) = shown
    assert "25.0%" in zh
    assert "（20.0% 至 30.0%）" in zh
    assert "(20.0% to 30.0%)" in en
    assert (zh_meta["lang"], en_meta["lang"]) == ("zh", "en")
    assert 'lang="zh"' in zh


def test_the_source_of_a_chart_may_be_several_tables_or_public_facts(cdnow):
    ledger = Ledger(cdnow, "x")
    assert "spend + orders.csv" in ledger.source_note("spend+orders", "en")
    assert "1997-01-01 to 1998-06-30" in ledger.source_note("spend+orders", "en")
    assert ledger.source_note("market/filings", "zh") == "公开财报与公告, data/raw/market/filings.csv"


def test_a_sentence_that_says_per_customer_itself_leaves_it_out_of_the_number(cdnow, shown):
    cost = a_share(12.5, 12.0, 13.0, unit="money per customer")
    Ledger(cdnow, "x", lang="en").say(zh="{cost:amount}", en="A customer cost {cost:amount}.", cost=cost)
    assert "A customer cost" in shown[0][0]
    assert "$12.50</strong></a> ($12.00 to $13.00)." in shown[0][0]


def test_an_interval_that_reads_like_its_value_is_left_out(cdnow, shown):
    Ledger(cdnow, "x", lang="en").say(zh="{m}", en="after {m}.", m=a_share(1.0, 1.0, 1.0, unit="months"))
    assert "1 month</strong></a>." in shown[0][0]


def test_one_language_only(cdnow, shown):
    Ledger(cdnow, "x", lang="en").say(zh="{a}", en="{a}", a=a_share())
    assert [meta["lang"] for _, meta in shown] == ["en"]


def test_the_record_names_the_line_of_the_library(cdnow, shown):
    book = Ledger(cdnow, "x", lang="en")
    book.say(zh="{a}", en="{a}", a=a_share())
    record = book.records[0]
    assert list(record) == [
        "key",
        "value",
        "low",
        "high",
        "level",
        "unit",
        "n",
        "definition",
        "function",
        "module",
        "line",
    ]
    assert (record["module"], record["function"]) == ("siyu_helpers.analysis.estimates", "share")
    source = Path(estimates.__file__).read_text(encoding="utf-8").splitlines()
    assert source[record["line"] - 1].startswith("def share(")


@pytest.mark.parametrize(
    ("zh", "en", "numbers", "what"),
    [
        ("{a}", "{b}", {"a": a_share()}, "keys differ"),
        ("{a}", "{a}", {}, "keys differ"),
        ("{a}", "{a}", {"a": a_share(), "b": a_share()}, "keys differ"),
        ("30 天内 {a}", "within 30 days {a}", {"a": a_share()}, "typed digit"),
    ],
)
def test_sentences_that_are_refused(cdnow, shown, zh, en, numbers, what):
    with pytest.raises(ValueError, match=what):
        Ledger(cdnow, "x").say(zh=zh, en=en, **numbers)
    assert shown == []


@pytest.mark.parametrize("number", [0.25, 3, None, math.nan])
def test_a_bare_number_is_refused(cdnow, shown, number):
    with pytest.raises(TypeError, match="wrap it in an Estimate"):
        Ledger(cdnow, "x").say(zh="{a}", en="{a}", a=number)


def test_a_key_stands_for_one_number(cdnow, shown):
    book = Ledger(cdnow, "x")
    book.say(zh="{a}", en="{a}", a=a_share())
    book.say(zh="又是 {a}", en="again {a}", a=a_share())
    assert len(book.records) == 1
    with pytest.raises(ValueError, match="another number"):
        book.say(zh="{a}", en="{a}", a=a_share(0.26))


def test_a_refusal_is_said_instead_of_the_number(cdnow, shown):
    refused = Refused("enough orders", 3, 500, "订单太少", "too few orders")
    book = Ledger(cdnow, "x")
    book.say(zh="{a} 与 {b}", en="{a} and {b}", a=a_share(), b=refused, finding=True)
    assert "订单太少" in shown[0][0]
    assert "too few orders" in shown[1][0]
    assert "25.0%" not in shown[1][0]
    assert shown[1][1]["role"] == "sentence"
    assert book.records == []


def test_text_from_data_never_becomes_markup(cdnow, shown):
    hostile = "<img src=x onerror=alert(1)>"
    book = Ledger(cdnow, "x", lang="en")
    book.say(zh="{g}", en="{g}", g=hostile)
    book.define(zh="{g}", en="{g}", term_zh="词", term_en="<b>", g=hostile)
    for html, _ in shown:
        assert "<img" not in html
        assert "&lt;img" in html
    assert "<td><b>" not in table_html(__import__("pandas").DataFrame({"a": ["<b>"]}), "en", "<i>")


def test_an_open_end_reads_as_words(cdnow, shown):
    days = a_share(120.0, 90.0, math.inf, unit="days")
    Ledger(cdnow, "x", lang="en").say(zh="{d}", en="{d}", d=days)
    assert "120 days" in shown[0][0]
    assert "(90 days or more)" in shown[0][0]
    assert shown[0][1]["numbers"][0]["high"] == "inf"


def test_a_count_has_no_brackets(cdnow, shown):
    count = a_share(23570.0, math.nan, math.nan, unit="customers")
    Ledger(cdnow, "x", lang="zh").say(zh="{c}", en="{c}", c=count)
    assert "23,570 位客户" in shown[0][0]
    assert "（" not in shown[0][0]


def test_where_from_lists_every_number_and_its_anchor(cdnow, shown):
    book = Ledger(cdnow, "x", lang="en")
    book.say(zh="{a}", en="{a}", a=a_share())
    book.where_from()
    html = shown[-1][0]
    assert 'id="n-a"' in html
    assert 'href="#n-a"' in shown[0][0]
    assert f"{SHARE}, line" in html


def test_a_page_without_numbers_has_no_table_of_numbers(cdnow, shown):
    book = Ledger(cdnow, "x")
    book.say(zh="没有数字", en="no number")
    said = len(shown)
    book.where_from()
    assert len(shown) == said


@pytest.mark.parametrize("day", ["1996-12-31", "1998-07-01", "yesterday", "1997-02-30"])
def test_a_report_date_outside_the_export_is_refused(cdnow, day):
    with pytest.raises(ValueError, match="observed_until"):
        Ledger(cdnow, "x", observed_until=day)


@pytest.mark.parametrize(("lang", "level"), [("fr", 0.9), ("en", 90), ("en", 0)])
def test_a_language_or_level_it_does_not_know(cdnow, lang, level):
    with pytest.raises(ValueError, match="use"):
        Ledger(cdnow, "x", lang=lang, level=level)


def test_placeholders_of_a_sentence():
    assert placeholders("{a} and {b:value}") == {"a", "b"}


def test_short_texts_of_a_table_are_not_broken_and_sentences_have_room():
    html = table_html(pd.DataFrame({"a": ["可复现", "x" * 30, "一句话" * 10, "12.5"]}), "zh", "表")
    assert '<td class="word">可复现</td>' in html
    assert f"<td>{'x' * 30}</td>" in html
    assert f'<td class="words">{"一句话" * 10}</td>' in html
    assert '<td class="word">12.5</td>' in html


def kinds(texts):
    """Class of each cell of a table's only column."""
    return re.findall(r'<td(?: class="(.*?)")?>', table_html(pd.DataFrame({"a": texts}), "en", "T"))


def test_a_column_has_one_edge():
    assert kinds(["1,234", "7", "12.5%"]) == ["number"] * 3
    # A short word among numbers stands under them, a blank takes no side; beside a sentence all begin on the left.
    assert kinds(["12", "", "not reached", "7"]) == ["number", "", "number", "number"]
    assert kinds(["12", "8", "x" * 45]) == ["word", "word", "words"]
    # Where an interval follows some, a number on the right would stand under its end.
    assert kinds(["3", "12 (12 to 13)", ""]) == ["word", "word", ""]
    assert kinds(["3", "12（12 至 13）"]) == ["word", "word"]
    assert kinds(["3", "45.7% (40.0% to 50.0%)"])[0] == "word"
    # A name that is a number does not send the other names to the right.
    assert kinds(["WeCom", "SMS", "360"]) == ["word"] * 3


def test_a_table_without_rows_or_columns_is_a_table():
    assert "<tbody></tbody>" in table_html(pd.DataFrame({"a": []}), "en", "T")
    assert "<tbody></tbody>" in table_html(pd.DataFrame(), "en", "T")


def test_two_columns_of_one_name_are_both_shown():
    html = table_html(pd.DataFrame([["x", "y"]], columns=["a", "a"]), "en", "T")
    assert ">x</td>" in html
    assert ">y</td>" in html


def test_a_name_that_stands_above_the_table_is_not_read_twice():
    html = table_html(pd.DataFrame({"a": [1]}), "en", 'A "long" table', captioned=False)
    assert "<caption>" not in html
    assert '<table aria-label="A &quot;long&quot; table">' in html
    assert "<caption>T</caption>" in table_html(pd.DataFrame({"a": [1]}), "en", "T")


RECORD = {
    "verdict": "fix_first", "words": {"zh": "先修正", "en": "Fix first"}, "probability": 0.75, "value": None,
    "payback": None, "evidence": "strong", "currency": "USD",
}  # fmt: skip


def test_a_verdict_leads_to_its_number_and_is_kept_for_the_index(cdnow, shown):
    book = Ledger(cdnow, "x")
    chance = a_share(0.75, 0.75, 0.75, unit="probability")
    book.verdict(
        RECORD, zh="{why}可能性 {chance}。", en="{why} With {chance}.", why=Words("太多", "Too <many>."), chance=chance
    )
    (zh, zh_meta), (en, en_meta) = shown
    assert "先修正" in zh
    assert "太多可能性" in zh
    assert en.count('href="#n-chance"') == 2  # the figure on the card, and in the sentence
    assert "Too &lt;many&gt;. With" in en
    assert zh_meta["role"] == en_meta["role"] == "verdict"
    assert zh_meta["decision"] == en_meta["decision"]
    assert en_meta["decision"]["verdict"] == "fix_first"
    assert [number["key"] for number in en_meta["numbers"]] == ["chance"]
    book.where_from()
    assert 'id="n-chance"' in shown[-1][0]


def test_a_probability_of_another_value_is_not_linked(cdnow, shown):
    book = Ledger(cdnow, "x", lang="en")
    book.verdict(RECORD, zh="{c}", en="{c}", c=a_share(0.5, 0.5, 0.5, unit="probability"))
    assert shown[0][0].count('href="#n-c"') == 1


def test_a_verdict_is_whole_or_not_said(cdnow, shown):
    book = Ledger(cdnow, "x")
    with pytest.raises(ValueError, match="use one of"):
        book.verdict(RECORD | {"verdict": "maybe"}, zh="好", en="yes")
    with pytest.raises(ValueError, match="typed digit"):
        book.verdict(RECORD, zh="24 个月", en="24 months")
    with pytest.raises(TypeError, match="bare"):
        book.verdict(RECORD, zh="{a}", en="{a}", a=3)
    assert shown == []
    book.verdict(RECORD, zh="{a}", en="{a}", a=Refused("orders", 1, 9, "订单太少", "too few orders"))
    assert "too few orders" in shown[1][0]
    assert "Fix first" in shown[1][0]
    assert book.records == []
