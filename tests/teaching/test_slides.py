"""Slides: what begins a slide, what is said and not shown, and that the file is whole by itself."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from siyu_helpers.reporting.loads import refuse_loads
from siyu_helpers.teaching import slides, sources

LESSON = sources.Lesson("01_a", None, dict.fromkeys(sources.PARTS, 5))
BRAND = {"name": {"zh": "小满", "en": "Xiaoman <b>"}, "synthetic": True}


def text(en, *tags):
    return new_markdown_cell(en, metadata={"tags": ["en", *tags]})


def code(html, *tags, lang="en", role="reply"):
    shown = new_output(
        "display_data",
        {"text/html": html, "text/plain": "x"},
        metadata={"siyu": {"lang": lang, "role": role}},
    )
    return new_code_cell("secret_code()", outputs=[shown], execution_count=1, metadata={"tags": list(tags)})


CELLS = [
    text("# The title\n\nWhat you learn.", "slide"),
    new_markdown_cell("# 题目", metadata={"tags": ["zh", "slide"]}),
    text("## Scene\n\nA meeting.", "slide"),
    text("Ask them first.", "trainer"),
    text("## Concept\n\n$$a = \\frac{b}{c}$$", "slide"),
    code('<figure><img alt="a" src="data:image/png;base64,AA=="></figure><details>all numbers</details>', "slide"),
    text("Not on a slide."),
    text("One more line.", "more"),
    code("<p>In Chinese.</p>", "slide", lang="zh"),
    text("## Task\n\nRead the table."),
    text("### Question one\n\nHow many?"),
    code("<p>Wrong: zeros.</p>", "slide"),
    code("<table class='siyu-mistakes'><tr><td>0.142</td></tr></table>", "trainer", role="mistakes"),
    text("### Another\n\nWhich?", "slide"),
]


@pytest.fixture
def made():
    return slides.slides(new_notebook(cells=CELLS), LESSON, "en")


def test_a_cell_tagged_slide_begins_one_and_more_continues_it(made):
    title, found, scripts = made
    assert (title, scripts) == ("The title", [])
    assert [slide.kind for slide in found] == ["title", "text", "text", "shown", "shown", "text"]
    assert "What you learn." in found[0].pieces[0]
    assert found[3].pieces[1] == "<p>One more line.</p>\n"


def test_only_outputs_of_code_are_shown_and_only_in_one_language(made):
    _, found, _ = made
    everything = " ".join(piece for slide in found for piece in slide.pieces)
    for left_out in ("secret_code", "In Chinese", "Not on a slide", "all numbers", "题目"):
        assert left_out not in everything


def test_what_trainers_see_is_in_the_notes_and_not_on_the_slide(made):
    _, found, _ = made
    assert "Ask them first." in found[1].notes[-1]
    assert "0.142" in found[4].notes[-1]
    assert not any("0.142" in piece or "Ask them" in piece for slide in found for piece in slide.pieces)


def test_the_notes_tell_the_time_of_each_part_also_of_one_that_begins_off_the_slides(made):
    _, found, _ = made
    assert found[1].notes[0] == "<p><em>Scene: 5 min, 0:00–0:05</em></p>"
    assert found[4].notes[0] == "<p><em>Task: 5 min, 0:15–0:20</em></p>"


def test_a_slide_without_a_heading_says_what_it_stands_under(made):
    _, found, _ = made
    assert [slide.running for slide in found] == ["", "", "", "Concept", "Task · Question one", "Task"]


def test_formulas_are_mathml_and_the_file_loads_nothing():
    html = slides.slides_html(new_notebook(cells=CELLS), LESSON, "en", BRAND)
    assert "<mfrac>" in html
    assert "30 minutes · Xiaoman &lt;b&gt; · Invented brand" in html
    refuse_loads(html)
    # What reveal.js holds as text must not end its own script: each that is opened is closed by its own end.
    assert len(re.findall(r"<script>\n?", html)) >= 3
    outside = re.sub(r"<script>.*?</script>", "", html, flags=re.S)
    assert "Reveal" not in outside
    assert outside.rstrip().endswith("</html>")


def test_a_widget_or_what_went_wrong_unseen_is_left_out():
    warned = new_output("stream", text="DeprecationWarning", name="stderr")
    widget = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider()"})
    cell = new_code_cell("x", outputs=[warned, widget], execution_count=1, metadata={"tags": ["slide"]})
    _, found, _ = slides.slides(new_notebook(cells=[CELLS[0], cell]), LESSON, "en")
    assert len(found) == 1


def test_a_slider_brings_its_script():
    moved = code("<div>slider</div>", "slide", role="slider")
    _, _, scripts = slides.slides(new_notebook(cells=[CELLS[0], moved]), LESSON, "en")
    assert scripts == ["slider"]
    assert "<script>" in slides.slides_html(new_notebook(cells=[CELLS[0], moved]), LESSON, "en", BRAND)


def test_the_notebook_is_left_as_it_was():
    notebook = new_notebook(cells=CELLS)
    before = nbformat.writes(notebook)
    slides.slides_html(notebook, LESSON, "en", BRAND)
    assert nbformat.writes(notebook) == before
