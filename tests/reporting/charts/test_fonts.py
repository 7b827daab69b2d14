"""Chinese is drawn without a Chinese font too; lines are as wide as drawn, and broken where they may be."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from siyu_helpers.reporting import charts
from siyu_helpers.reporting.charts import fonts


def test_chinese_is_drawn_without_a_system_font(monkeypatch, shown, book):
    """With every Chinese font of the system forgotten, the one from the package serves."""
    known = [font for font in font_manager.fontManager.ttflist if font.name not in fonts.CHINESE_FONTS]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
    fonts.chinese_font.cache_clear()
    try:
        assert fonts.chinese_font() == "Noto Sans CJK SC"
        assert "mplfonts" in font_manager.findfont("Noto Sans CJK SC", rebuild_if_missing=False)
        table = pd.DataFrame({"k": ["微信群"], "v": [1.0]})
        charts.bars(book("zh"), table, label="k", value="v", n=1, title_zh="题", title_en="T", value_words=("值", "V"))
    finally:
        fonts.chinese_font.cache_clear()
    assert shown


@pytest.mark.parametrize(
    ("text", "lang", "bold"),
    [
        ("Share of each cohort ordering in a later period", "en", True),
        ("Illinois, will 111", "en", False),
        ("各同期群在之后每期下单的客户比例 2024", "zh", False),
        ("微信 in English", "en", False),
    ],
)
def test_a_line_is_as_wide_as_matplotlib_draws_it(text, lang, bold):
    with rc_context({"font.family": fonts.families(lang)}):
        figure = Figure(dpi=600)
        canvas = FigureCanvasAgg(figure)
        made = figure.text(0, 0, text, fontsize=11.5, weight="bold" if bold else "normal")
        drawn = made.get_window_extent(canvas.get_renderer()).width / 600
    assert fonts.width(text, 11.5, lang, bold) == pytest.approx(drawn, rel=0.03)


@given(st.text(alphabet="ab 复购率，。（）1%", max_size=40), st.floats(0.3, 3), st.booleans())
def test_breaking_loses_nothing_but_spaces_and_stays_within(text, inches, even):
    lines = fonts.wrap(text, inches, 9, "zh", even=even).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) == 1 or fonts.width(line, 9, "zh") <= inches + 1e-9 for line in lines)


def test_no_line_begins_with_a_comma_and_no_word_is_broken_that_fits():
    assert fonts.wrap("复购，复购，复购，复购", 0.4, 9, "zh") == "复购，\n复购，\n复购，\n复购"
    assert fonts.wrap("to win back customers", 0.6, 9, "en") == "to win\nback\ncustomer\ns"


def test_what_does_not_fit_ends_in_an_ellipsis():
    said = fonts.wrap("a name that goes on and on and on and on", 1, 9, "en", lines=2)
    assert said.count("\n") == 1
    assert said.endswith("…")


def test_even_lines_leave_no_orphan():
    assert fonts.wrap("重要价值", 0.4, 8.5, "zh", even=True) == "重要\n价值"


def test_a_dollar_sign_is_no_formula_and_an_emoji_a_box():
    assert fonts.plain(fonts.drawable("$x$ 🍼\u202e")) == r"\$x\$ □"
