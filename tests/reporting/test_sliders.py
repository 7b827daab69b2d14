"""Sliders: a picture for each value on the page, one of them seen; a widget where somebody may move it."""

import re

import moving_pages as tiny
import nbformat
import pytest
from conftest import PROJECT

from siyu_helpers.reporting import execution, sliders


def slide(ledger, **changed):
    given = {"fixed": {"inflow": 100}, "chart": tiny.pond_chart, **tiny.SLIDER, **changed}
    sliders.slide(ledger, given.pop("model", tiny.pond), given.pop("fixed"), **given)


def states(html):
    """The pictures' parts of a slider, and whether each is hidden."""
    above = html.partition('<div class="control">')[0].partition('<div class="states">')[2]
    parts = re.split(r"<div( hidden)?>(?=<figure>|<p)", above)[1:]
    return [(hidden is not None, part) for hidden, part in zip(parts[::2], parts[1::2], strict=True)]


def end_after(leave, months=12, inflow=100):
    """People at the end by the closed form of the recursion, not by the model."""
    return round(inflow * (1 - (1 - leave) ** months) / leave)


def test_each_value_has_a_picture_and_only_the_middle_one_is_seen(shown):
    slide(tiny.ledger())
    assert [(m["lang"], m["role"]) for _, m in shown] == [("zh", "slider"), ("en", "slider")]
    for html, metadata in shown:
        found = states(html)
        assert [hidden for hidden, _ in found] == [True, True, False, True, True]
        assert len({re.search(r'base64,([^"]+)"', part)[1] for _, part in found}) == 5, "five different pictures"
        label = {"zh": "每月流失", "en": "Leave each month"}[metadata["lang"]]
        assert f'aria-label="{label}"' in html
        assert 'aria-valuetext="6.0%"' in html
        assert re.findall(r'<data value="\d" hidden>(.*?)</data>', html) == ["2.0%", "4.0%", "6.0%", "8.0%", "10.0%"]


def test_alt_text_table_and_sentence_are_those_of_the_value(shown):
    slide(tiny.ledger("en"))
    html = shown[0][0]
    for leave, (_, part) in zip(tiny.SLIDER["values"], states(html), strict=True):
        ends = f"{end_after(leave):,} customers"
        assert ends in re.search(r'alt="(.*?)"', part)[1]
        assert f"In the end, {ends}." in re.sub(r"<[^>]+>", "", part)
    tables = re.findall(r"<details>.*?</details>", html.rpartition('<div class="states">')[2])
    assert [f"<td>12</td><td>{end_after(leave):,}" in text.replace(' class="number"', "").replace(' class="word"', "")
            for leave, text in zip(tiny.SLIDER["values"], tables, strict=True)] == [True] * 5  # fmt: skip


def test_only_the_default_numbers_enter_the_last_table(shown):
    ledger = tiny.ledger("en")
    slide(ledger, default=0.08)
    assert [(n["key"], n["value"]) for n in ledger.records] == [("end", end_after(0.08))]
    html, metadata = shown[0]
    assert metadata["numbers"] == ledger.records
    assert html.count('href="#n-end"') == 1
    assert [hidden for hidden, _ in states(html)] == [True, True, True, False, True]


def test_the_pictures_share_their_axes(shown, monkeypatch):
    from siyu_helpers.reporting.charts import frame

    drawn = []
    monkeypatch.setattr(frame, "_png", lambda figure, box: drawn.append(figure) or ("", 1))
    slide(tiny.ledger("en"))
    assert {figure.axes[0].get_ylim() for figure in drawn} == {drawn[0].axes[0].get_ylim()}
    assert drawn[0].axes[0].get_ylim()[1] >= end_after(0.02)
    drawn.clear()
    slide(tiny.ledger("en"), same_axes=False)
    assert len({figure.axes[0].get_ylim() for figure in drawn}) == 5


def test_a_model_that_refuses_says_why_in_place_of_its_picture(shown):
    slide(tiny.ledger("en"), values=[0.1, 0.5, 2.0])
    found = states(shown[0][0])
    assert "No more can leave than are there." in found[2][1]
    assert "<img" in found[1][1]
    assert "<img" not in found[2][1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"values": [1, 2]}, "3 to 15"),
        ({"values": range(16)}, "3 to 15"),
        ({"values": [0.1, 0.3, 0.2]}, "ascending"),
        ({"values": [0.1, 0.2, float("nan")]}, "finite"),
        ({"default": 0.05}, "none of its values"),
    ],
)
def test_values_that_make_no_slider_are_refused(shown, changed, said):
    with pytest.raises(ValueError, match=said):
        slide(tiny.ledger(), **changed)
    assert shown == []


def test_a_finding_does_not_move(shown):
    def view(ledger, result):
        ledger.say(zh="人多", en="many people", finding=True)

    with pytest.raises(ValueError, match="finding"):
        slide(tiny.ledger(), chart=view)


def test_texts_from_outside_are_escaped(shown):
    slide(tiny.ledger("en"), label=("<b>", '<i> "x"'), unit="<u>", chart=lambda ledger, result: None)
    html = shown[0][0]
    assert "<i>" not in html
    assert "<u>" not in html
    assert "&lt;i&gt; &quot;x&quot;" in html


def test_a_page_with_a_slider_has_its_script_and_stays_small(shown):
    slide(tiny.ledger("zh"), values=[at / 100 for at in range(1, 12)])
    html = tiny.page(shown, "zh")
    assert html.count("<script>") == 1
    # Five sliders of eleven pictures in less than 4 MB.
    assert len(shown[0][0].encode()) < 4_000_000 / 5


CELL = """\
import os, sys; sys.path.insert(0, {tests!r})
import ipywidgets, moving_pages as tiny
from siyu_helpers.reporting import sliders
os.environ["SIYU_RENDERING"] = {rendering!r}
moves = tiny.SLIDER | {{"values": [0.02, 0.04, 0.06]}}
sliders.slide(tiny.ledger(), tiny.pond, {{"inflow": 100}}, chart=tiny.pond_chart, **moves)
"""
MOVE = """\
there = list(ipywidgets.widgets.widget._instances.values())
moved = [widget for widget in there if isinstance(widget, ipywidgets.FloatSlider)]
pictures = [widget for widget in there if isinstance(widget, ipywidgets.HTML)]
before = [picture.value for picture in pictures]
moved[0].value = 0.05
print([slider.value for slider in moved], [new.value != old for new, old in zip(pictures, before)])
print(["alt=" in picture.value and "919" in picture.value for picture in pictures])
"""


def test_in_somebodys_kernel_a_widget_asks_the_model_for_any_value_and_in_a_renderers_there_is_none():
    from nbclient import NotebookClient

    assert end_after(0.05) == 919
    sources = [CELL.format(tests=str(PROJECT / "tests"), rendering=on) for on in ("1", "")]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (*sources, MOVE)])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    rendered, shows, moves = (cell.outputs for cell in notebook.cells)
    assert [output.metadata["siyu"]["role"] for output in rendered] == ["slider", "slider"]
    assert all(set(output.data) == {"text/html", "text/plain"} for output in rendered)
    assert [output.metadata["siyu"]["lang"] for output in shows] == ["zh", "en"]
    for output in shows:
        assert set(output.data) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
        assert "<img" in output.data["text/html"], "a front end without widgets shows the default's picture"
    assert moves[0].text.splitlines() == ["[0.05, 0.05] [True, True]", "[True, True]"]


def test_the_renderer_tells_its_kernels_that_a_page_is_made(notebook):
    executed = execution.execute(notebook("import os\nprint(os.environ['SIYU_RENDERING'])"), {})
    assert executed.cells[-1].outputs[0].text == "1\n"
    assert execution.RENDERING == sliders.RENDERING == "SIYU_RENDERING"
