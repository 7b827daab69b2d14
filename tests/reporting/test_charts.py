"""Charts: what must be on every picture is on it, and Chinese is drawn with or without a Chinese font."""

import base64
import io
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt

from siyu_helpers.data import brands
from siyu_helpers.reporting import charts
from siyu_helpers.reporting.ledger import Ledger


@pytest.fixture
def drawn(monkeypatch):
    """The text of every figure at the moment it is saved."""
    texts = []
    save = charts._png

    def keep(figure):
        parts = [figure._suptitle, *figure.texts, *figure.axes[0].texts]
        parts += [figure.axes[0].xaxis.label, figure.axes[0].yaxis.label]
        texts.append([part.get_text() for part in parts])
        return save(figure)

    monkeypatch.setattr(charts, "_png", keep)
    return texts


GRID = pd.DataFrame(
    {
        "cohort": ["2024-01"] * 3 + ["2024-02"] * 2,
        "age": [0, 1, 2, 0, 1],
        "customers": [10, 10, 10, 20, 20],
        "retention": [1.0, 0.5, 0.2, 1.0, 0.25],
        "complete": [True, True, True, True, False],
    }
)


def ledger(lang="both"):
    return Ledger(brands.load("cdnow"), "02_repurchase_cohorts", lang)


def heatmap(book, grid=GRID):
    charts.cohort_heatmap(book, grid, title_zh="各批留存", title_en="Retention by cohort")


def test_a_chart_carries_title_unit_source_and_n(shown, drawn):
    heatmap(ledger())
    for lang, texts in zip(("zh", "en"), drawn, strict=True):
        said = "\n".join(texts)
        assert {"zh": "各批留存", "en": "Retention by cohort"}[lang] in said
        assert "n = 30" in said
        assert {"zh": "单位：", "en": "Unit: "}[lang] in said
        assert "orders.csv" in said
        assert "1997-01-01" in said


def test_a_chart_has_alt_text_and_its_numbers_in_its_language(shown):
    heatmap(ledger())
    (zh, _), (en, _) = shown
    assert 'alt="热力图，2 个同期群' in zh
    assert 'alt="Heat map of 2 cohorts, 2024-01 to 2024-02' in en
    assert "Highest 50.0% (cohort 2024-01, at 1), lowest 20.0% (cohort 2024-01, at 2)" in en
    assert '<td class="number">25.0%</td>' in en


def test_a_period_not_over_is_hatched_and_said(shown, drawn):
    heatmap(ledger("en"))
    assert any("Hatched" in text for text in drawn[0])
    heatmap(ledger("en"), GRID.assign(complete=True))
    assert not any("Hatched" in text for text in drawn[1])


def test_a_blank_cell_has_no_label(shown, drawn):
    heatmap(ledger("en"))
    assert [t for t in drawn[0] if t in ("50.0", "20.0", "25.0")] == ["50.0", "20.0", "25.0"]
    assert "nan" not in " ".join(drawn[0])


def test_a_grid_without_a_cell_is_a_sentence(shown):
    heatmap(ledger("en"), GRID[GRID["cohort"] == "2024-02"].query("age == 0"))
    assert "has nothing to show yet" in shown[0][0]
    assert "<img" not in shown[0][0]


def test_a_missing_glyph_is_an_error(shown):
    unknown = "\U000130b8"  # an Egyptian hieroglyph: in none of the fonts
    with pytest.raises(UserWarning, match="Glyph"):
        charts.cohort_heatmap(ledger("zh"), GRID, title_zh=f"留存{unknown}", title_en="x")


def test_chinese_is_drawn_without_a_system_font(monkeypatch, shown):
    """With every Chinese font of the system forgotten, the one from the package serves."""
    known = [font for font in font_manager.fontManager.ttflist if font.name not in charts.CHINESE_FONTS]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
    charts.chinese_font.cache_clear()
    try:
        assert charts.chinese_font() == "Noto Sans CJK SC"
        assert "mplfonts" in font_manager.findfont("Noto Sans CJK SC", rebuild_if_missing=False)
        heatmap(ledger("zh"))
    finally:
        charts.chinese_font.cache_clear()
    assert shown


def test_names_with_dollar_signs_are_no_formula(shown, drawn):
    table = pd.DataFrame({"n": 3, "g": ["$x^2$", "$x^2$", "a_$"], "x": [0, 1, 0], "y": [0.1, 0.2, 0.3]})
    charts.curves(
        ledger("en"), table, x="x", y="y", group="g", n="n", title_zh="题 $", title_en="Title $1 $2",
        x_words=("天", "Days"), y_words=("比例", "Share"),
    )  # fmt: skip
    assert "$" in drawn[0][0]


def test_a_brand_named_with_an_emoji_still_gets_its_charts(shown, drawn, monkeypatch):
    book = ledger("zh")
    monkeypatch.setattr(book, "source_note", lambda table, lang: "小满🍼\u202e, orders.csv")
    heatmap(book)
    assert any("小满□, orders.csv" in text for text in drawn[0])


def test_curves_say_their_ends_in_alt_text(shown):
    table = pd.DataFrame(
        {"n": 9, "d": [0, 30, 60], "s": [1.0, 0.8, np.nan], "lo": [1, 0.7, np.nan], "hi": [1, 0.9, np.nan]}
    )
    charts.curves(
        ledger("en"), table, x="d", y="s", low="lo", high="hi", steps=True, n="n", title_zh="题", title_en="Title",
        x_words=("天", "Days"), y_words=("比例", "Share"),
    )  # fmt: skip
    assert "100.0% at 0, 80.0% at 30." in shown[0][0]


def test_the_same_numbers_give_the_same_picture(shown):
    heatmap(ledger("en"))
    heatmap(ledger("en"))
    assert shown[0] == shown[1]


def test_a_picture_is_not_blank_and_nothing_runs_off_it(shown):
    heatmap(ledger())
    for html, _ in shown:
        data = html.split("base64,")[1].split('"')[0]
        picture = plt.imread(io.BytesIO(base64.b64decode(data)))[:, :, :3]
        assert picture.std() > 0.05
        border = np.concatenate(
            [picture[:4].ravel(), picture[-4:].ravel(), picture[:, :4].ravel(), picture[:, -4:].ravel()]
        )
        assert border.min() > 0.98, "ink at the edge: something is cut off"


def test_drawing_warns_of_nothing(shown):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heatmap(ledger())
