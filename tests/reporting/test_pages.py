"""Pages: one language kept, nothing loaded, everything from data escaped."""

import csv
import io

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from siyu_helpers.reporting import pages

AROUND = {
    "lang": "en", "stem": "02_x", "brand": "Tiny <b>", "period": "2024", "synthetic": False, "source": "a & b",
    "other_language": "zh", "ranges": "Ranges",
    "parameters": [("seed", 1, "the seed"), ("observed_until", "<i>", "last day")],
    "inputs": [{"file": "orders.csv", "rows": 1200, "sha256": "ab12"}], "warnings": ["<u>"],
    "command": "siyu render tiny", "versions": "Python", "code": "c0de",
}  # fmt: skip


def tagged(kind, source, *tags):
    cell = {"code": new_code_cell, "markdown": new_markdown_cell}[kind](source)
    cell.metadata["tags"] = list(tags)
    return cell


def shown(lang, role, html, **metadata):
    return new_output(
        "display_data",
        {"text/html": html, "text/plain": "x"},
        metadata={"siyu": {"lang": lang, "role": role, **metadata}},
    )


@pytest.fixture
def executed():
    code = new_code_cell("ledger.say(...)  # <tag>")
    number = {"key": "a", "value": 0.5, "low": None, "high": None, "level": 0.9, "unit": "share", "n": 3,
              "definition": {"zh": "口径", "en": "=meaning"}, "function": "f", "module": "m", "line": 7}  # fmt: skip
    code.outputs = [
        shown("zh", "finding", "<p>发现</p>", numbers=[number]),
        shown("en", "finding", "<p>a finding</p>", numbers=[number]),
        shown("en", "definition", "<p>a definition</p>"),
        new_output("stream", name="stderr", text="a warning"),
        new_output("stream", name="stdout", text="printed <b>"),
    ]
    return new_notebook(
        cells=[
            tagged("markdown", "# 标题\n\n正文", "zh"),
            tagged("markdown", "# Title\n\nBody with $S(t) = \\frac{a}{b}$ and <em>raw</em>", "en"),
            tagged("code", "brand = 'tiny'", "parameters"),
            tagged("code", "brand = 'other'", "injected-parameters"),
            tagged("markdown", "## 一节", "zh"),
            tagged("markdown", "## A section\n\n$$x^2$$", "en"),
            code,
        ]
    )


def test_one_language_is_kept(executed):
    page = pages.read_page(executed, "en")
    said = str(page)
    assert page.title == "Title"
    assert page.contents == [("s-1", "A section")]
    assert page.findings == [(float("inf"), "<p>a finding</p>")]
    assert page.definitions == ["<p>a definition</p>"]
    for other in ("标题", "发现", "一节", "brand ="):
        assert other not in said
    assert page.warnings == ["a warning"]


def test_the_page_is_whole_and_loads_nothing(executed):
    html = pages.page_html(executed, AROUND)
    assert html.startswith("<!DOCTYPE html>")
    assert html.rstrip().endswith("</html>")
    assert '<html lang="en">' in html
    for loaded in ("http:", "https:", "<script", "@import", "<link"):
        assert loaded not in html.replace("http://www.w3.org/1998/Math/MathML", "")
    assert html.index("a finding") < html.index("A section</a>") < html.index("Body with")


def test_brackets_are_explained_where_a_number_has_an_interval(executed):
    assert '<p class="note">Ranges</p>' not in pages.page_html(executed, AROUND)
    for output in executed.cells[-1].outputs[:2]:
        output.metadata.siyu.numbers[0]["low"] = 0.4
    assert '<p class="note">Ranges</p>' in pages.page_html(executed, AROUND)


def test_formulas_are_mathml(executed):
    html = pages.page_html(executed, AROUND)
    assert html.count("<math") == 2
    assert "<mfrac>" in html
    assert "$" not in html.split("<main>")[1]


def test_text_from_data_is_escaped(executed):
    html = pages.page_html(executed, AROUND)
    for hostile, escaped in [("Tiny <b>", "Tiny &lt;b&gt;"), ("<i>", "&lt;i&gt;"), ("<u>", "&lt;u&gt;")]:
        assert hostile not in html
        assert escaped in html
    assert "printed &lt;b&gt;" in html
    assert "<em>raw</em>" not in html
    assert "a warning" not in html


def test_numbers_for_a_spreadsheet_hold_no_formula(executed):
    text = pages.numbers_csv(pages.read_page(executed, "en").numbers, "en")
    (row,) = csv.DictReader(io.StringIO(text))
    assert list(row) == [
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
    assert row["definition"] == "'=meaning"
    assert (row["value"], row["low"], row["line"]) == ("0.5", "", "7")


def test_chinese_page_says_its_language(executed):
    html = pages.page_html(executed, AROUND | {"lang": "zh", "other_language": "en"})
    assert '<html lang="zh-CN">' in html
    assert "主要发现" in html
    assert "a finding" not in html


def test_a_page_without_findings_says_so(executed):
    executed.cells[-1].outputs = []
    assert "No finding: the data do not reach far enough" in pages.page_html(executed, AROUND)


def test_a_section_that_needs_a_table_is_left_out_where_there_is_none(executed):
    executed.cells += [
        tagged("markdown", "## 花费", "zh", "needs-spend"),
        tagged("markdown", "## Cost", "en", "needs-spend"),
    ]
    heads = {
        tables: pages.read_page(executed, "en", tables=tables).contents for tables in (None, ("spend",), ("orders",))
    }
    assert [text for _, text in heads[None]] == [text for _, text in heads["spend",]] == ["A section", "Cost"]
    assert [text for _, text in heads["orders",]] == ["A section"]


def test_findings_with_a_place_come_first_and_in_that_order(executed):
    outputs = [("third", {}), ("second", {"place": 2}), ("first", {"place": 1}), ("fourth", {})]
    executed.cells[-1].outputs = [shown("en", "finding", text, **place) for text, place in outputs]
    found = [html for _, html in pages.read_page(executed, "en").findings]
    assert found == ["first", "second", "third", "fourth"]


def test_a_widget_which_needs_a_kernel_is_left_out(executed):
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "ab"}, "text/plain": "IntSlider(value=3)"}
    marked = new_output("display_data", {**view, "text/html": "<p>a picture</p>"},
                        metadata={"siyu": {"lang": "en", "role": "widget"}})  # fmt: skip
    executed.cells[-1].outputs += [new_output("display_data", view), new_output("display_data", {"text/plain": "7"})]
    executed.cells[-1].outputs += [marked]
    said = str(pages.read_page(executed, "en").body)
    assert "IntSlider" not in said
    assert "<pre>7</pre>" in said
    assert "<p>a picture</p>" in said


def test_only_what_moves_brings_a_script(executed):
    assert "<script" not in pages.page_html(executed, AROUND)
    executed.cells[-1].outputs += [shown("zh", "slider", "<p>滑</p>"), shown("en", "filter", "<p>f</p>")] * 2
    assert pages.read_page(executed, "en").scripts == ["filter"]
    assert pages.page_html(executed, AROUND).count("<script>") == 1


@pytest.fixture
def brief():
    """An executed decision brief: text, a verdict, a wide section, one for the screen only."""
    decision = {"verdict": "build"}
    told = new_code_cell("ledger.verdict(...)")
    told.outputs = [
        shown(lang, "verdict", f"<p>the card {lang}</p>", numbers=[], decision=decision) for lang in ("zh", "en")
    ]
    said = new_code_cell("ledger.say(...)")
    said.outputs = [shown("en", "sentence", "<p>five numbers</p>")]
    notebook = new_notebook(
        cells=[
            tagged("markdown", "# Brief\n\nWhy it matters", "en"),
            told,
            tagged("markdown", "## Numbers", "en", "wide"),
            said,
            tagged("markdown", "## Flips", "en"),
            tagged("markdown", "## Where from", "en", "screen"),
        ]
    )
    notebook.metadata["siyu"] = {"layout": "brief"}
    return notebook


def test_a_brief_is_led_by_its_verdict_and_cut_into_sections(brief):
    page = pages.read_page(brief, "en")
    assert page.verdicts == ["<p>the card en</p>"]
    assert page.decision == {"verdict": "build"}
    assert [(section["place"], len(section["pieces"])) for section in page.sections] == [
        ("intro", 2), ("wide", 3), ("", 1), ("screen", 1),
    ]  # fmt: skip
    html = pages.page_html(brief, AROUND)
    assert '<body class="brief">' in html
    places = [html.index(said) for said in ("<h1>", "Verdict</h2>", "the card en", "Why it matters", "five numbers")]
    assert places == sorted(places)
    assert html.count("the card en") == 1
    assert '<div class="part wide">' in html
    assert "column-span: all" in html


def test_a_verdict_on_another_page_stands_where_it_is_said(brief):
    del brief.metadata["siyu"]
    page = pages.read_page(brief, "en")
    assert (page.layout, page.verdicts, page.decision) == ("", [], {"verdict": "build"})
    html = pages.page_html(brief, AROUND)
    assert html.index("Why it matters") < html.index("the card en")
    assert "column-span: all" not in html


def test_a_layout_that_does_not_exist_is_refused(brief):
    brief.metadata["siyu"] = {"layout": "poster"}
    with pytest.raises(ValueError, match="poster"):
        pages.read_page(brief, "en")


def test_an_input_that_was_not_given_says_so(executed):
    given = [("uplift", "0.02,0.05,0.1", "gain"), ("staff_cost", None, "staff")]
    html = pages.page_html(executed, AROUND | {"parameters": given})
    assert "<td>0.02,0.05,0.1</td>" in html
    assert '<tr class="unset"><th scope="row">staff</th><td>not given</td>' in html
