"""What every picture has is on it; a blank table is a sentence; the same numbers give the same bytes."""

import base64
import io
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from siyu_helpers.analysis.estimates import Refused, Words
from siyu_helpers.reporting import charts
from siyu_helpers.reporting.charts import frame

GRID = pd.DataFrame(
    {
        "cohort": ["2024-01"] * 3 + ["2024-02"] * 2,
        "age": [0, 1, 2, 0, 1],
        "customers": [10, 10, 10, 20, 20],
        "retention": [1.0, 0.5, 0.2, 1.0, 0.25],
        "complete": [True, True, True, True, False],
    }
)


def heatmap(book, grid=GRID, title_zh="各批留存"):
    charts.cohort_heatmap(book, grid, title_zh=title_zh, title_en="Retention by cohort")


def picture(piece):
    data = piece.split("base64,")[1].split('"')[0]
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_chart_carries_title_unit_source_and_n(shown, drawn, book):
    heatmap(book())
    for lang, figure in zip(("zh", "en"), drawn, strict=True):
        said = "\n".join(figure.texts_seen)
        assert {"zh": "各批留存", "en": "Retention by cohort"}[lang] in said
        assert "n = 30" in said
        assert {"zh": "单位：", "en": "Unit: "}[lang] in said
        assert "orders.csv" in said
        assert "1997-01-01" in said


def test_a_missing_glyph_is_an_error(shown, book):
    unknown = "\U000130b8"  # an Egyptian hieroglyph: in none of the fonts
    with pytest.raises(UserWarning, match="Glyph"):
        heatmap(book("zh"), title_zh=f"留存{unknown}")


def test_a_brand_named_with_an_emoji_still_gets_its_charts(shown, drawn, monkeypatch, book):
    ledger = book("zh")
    monkeypatch.setattr(ledger, "source_note", lambda table, lang: "小满🍼\u202e, orders.csv")
    heatmap(ledger)
    assert any("小满□, orders.csv" in text for text in drawn[0].texts_seen)


def test_the_same_numbers_give_the_same_picture(shown, book):
    heatmap(book("en"))
    heatmap(book("en"))
    assert shown[0] == shown[1]


def test_a_picture_is_white_around_and_not_blank(shown, book):
    heatmap(book())
    for piece, _ in shown:
        dots = np.asarray(picture(piece).convert("RGB"), dtype=float) / 255
        assert dots.std() > 0.05
        border = np.concatenate([dots[:4].ravel(), dots[-4:].ravel(), dots[:, :4].ravel(), dots[:, -4:].ravel()])
        assert border.min() == 1, "ink at the edge: something is cut off, or the ground is not white"


def test_fewer_colours_change_no_shade_that_an_eye_could_see(shown, drawn, book):
    """The file against the canvas it was made from: on average 1% of the scale, at most a tenth."""
    heatmap(book("en"))
    canvas = np.asarray(drawn[0].canvas.buffer_rgba())[:, :, :3].astype(float)
    file = np.asarray(picture(shown[0][0]).convert("RGB"), dtype=float)
    assert canvas.shape == file.shape
    assert np.abs(canvas - file).mean() < 2.55
    assert np.abs(canvas - file).max() < 25.5


def test_drawing_warns_of_nothing(shown, book):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heatmap(book())


def test_a_wide_picture_scrolls_and_says_so_and_its_title_is_seen_first(shown, drawn, book):
    ages = range(1, 16)
    wide = pd.DataFrame({"cohort": "2024-01", "age": ages, "customers": 9, "retention": 0.1, "complete": True})
    charts.cohort_heatmap(book("en"), wide, title_zh="题", title_en="A title of many words " * 4)
    assert "siyu-wide" in shown[0][0]
    assert "Swipe sideways" in shown[0][0]
    title = drawn[0]._suptitle.get_window_extent(drawn[0].canvas.get_renderer())
    assert title.width / frame.DOTS <= frame.SEEN_FIRST


def test_a_refusal_of_the_whole_chart_gives_its_reason(shown, book):
    frame.say_nothing_to_draw(book("en"), "题", "Title", Refused("n", 1, 2, "太少。", "Too <few>."))
    assert "not stated: Too &lt;few&gt;." in shown[0][0]


def test_words_name_themselves_and_what_has_no_name_keeps_its_own():
    assert frame.name_of(Words("私域", "private"), None, "en") == "private"
    assert frame.name_of("x", {"x": Words("甲", "A")}, "zh") == "甲"
    assert frame.name_of(3, {"x": ("甲", "A")}, "zh") == "3"


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="no column 'b'; it has a"):
        frame.need(pd.DataFrame({"a": [1]}), "a", None, "b")
