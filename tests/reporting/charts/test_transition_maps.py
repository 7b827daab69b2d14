"""Heat map of transitions: a phone shows all of it, small shares are not printed, blanks stay blank."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from siyu_helpers.reporting import charts

NAMES = {
    "(start)": ("起点", "Start"), "wecom": ("企业微信", "WeCom"), "feed": ("抖音信息流（千川）", "Douyin feed ads"),
    "(order)": ("下单", "Order"), "(null)": ("未下单", "No order"),
}  # fmt: skip
DOMAINS = {"wecom": "private", "feed": "public"}
TABLE = pd.DataFrame(
    {"feed": [0.9, 0.3, 0.004], "wecom": [0.1, 0.246, 0.496],
     "(order)": [np.nan, 0.05, 0.5], "(null)": [np.nan, 0.404, 0]},
    index=["(start)", "feed", "wecom"],
)  # fmt: skip


def transitions(ledger, table=TABLE, **more):
    how = {"n": 1234, "names": NAMES, "domains": DOMAINS} | more
    charts.transitions(ledger, table, title_zh="下一步", title_en="Next steps", **how)


def printed(figure):
    return [text for text in figure.texts_seen if text.isdigit()]


def test_transitions_are_complete_and_tell_each_rows_commonest_step(shown, drawn, book, read, complete):
    transitions(book(), source="orders")
    complete("下一步", "Next steps", 1234)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Heat map of transitions, 3 rows and 4 columns: % of the next steps from the row's channel. Commonest next "
        "step of each row: Start to Douyin feed ads 90.0%; Douyin feed ads to No order 40.4%; WeCom to Order 50.0%."
    )
    assert rows == [
        ["From → to", "Douyin feed ads", "WeCom", "Order", "No order"],
        ["Start", "90.0%", "10.0%", "", ""],
        ["Douyin feed ads", "30.0%", "24.6%", "5.0%", "40.4%"],
        ["WeCom", "0.4%", "49.6%", "50.0%", "0.0%"],
    ]
    assert read(shown[0][0])[0].startswith(
        "转移热力图，3 行 4 列：从该渠道出发，下一步去哪里（%）。每行最常见的下一步：起点到抖音信息流（千川） 90.0%"
    )


def test_small_shares_are_coloured_but_not_printed(shown, drawn, book):
    transitions(book("en"))
    assert printed(drawn[0]) == ["90", "10", "30", "25", "5", "40", "50", "50"]
    assert any("empty: below 1%, or none" in text.replace("\n", " ") for text in drawn[0].texts_seen)
    colours = drawn[0].axes[0].collections[0].get_array()
    assert np.ma.count_masked(colours) == 2
    transitions(book("en"), smallest=0.0)
    assert printed(drawn[1])[-4:] == ["0", "50", "50", "0"]


def test_channels_stand_by_domain_and_states_keep_their_places(shown, drawn, book):
    transitions(book("en"))
    axes = drawn[0].axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Douyin feed ads", "WeCom", "Order", "No order"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Start", "Douyin feed ads", "WeCom"]
    # Between public and private, and between channels and states.
    assert sorted(line.get_xdata()[0] for line in axes.lines if line.get_ydata() == [0, 1]) == [1, 2]
    transitions(book("en"), domains=None)
    assert not drawn[1].axes[0].lines
    assert [label.get_text() for label in drawn[1].axes[0].get_yticklabels()][1] == "WeCom"


def test_twelve_channels_fit_a_phone_and_names_neither_touch_nor_are_cut(shown, drawn, book):
    keys = [f"k{i}" for i in range(12)]
    long = {key: (f"天猫搜索推广原直通车{i}", f"WeChat mums' groups {i}") for i, key in enumerate(keys)}
    names = {"(start)": NAMES["(start)"]} | long | {key: NAMES[key] for key in ("(order)", "(null)")}
    table = pd.DataFrame(1 / 14, index=["(start)", *keys], columns=[*keys, "(order)", "(null)"])
    transitions(book(), table, names=names, domains=dict.fromkeys(keys, "public"))
    for figure in drawn:
        assert figure.box_seen.width <= 5.6
        assert len(printed(figure)) == 13 * 14
        assert not any("…" in text for text in figure.texts_seen)
        rows = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
        assert all(high.y0 >= low.y1 - 1 for high, low in pairwise(rows)), "names of rows touch"
        heads = figure.axes[0].get_xticklabels()
        apart = np.diff([head.get_window_extent().x0 for head in heads])
        size = heads[0].get_fontsize() / 72 * figure.dpi
        assert min(apart) * np.sin(np.radians(heads[0].get_rotation())) >= size * 0.95, "slanted names touch"
        cell = figure.axes[0].get_window_extent().width / 14
        widest = max(t.get_window_extent().width for t in figure.findobj(Text) if t.get_text().isdigit())
        assert widest <= cell


def test_more_channels_than_a_phone_shows_scroll(shown, drawn, book):
    keys = [f"k{i}" for i in range(25)]
    transitions(book("en"), pd.DataFrame(1 / 25, index=keys, columns=keys), names=None, domains=None)
    assert "siyu-wide" in shown[0][0]
    assert len(printed(drawn[0])) == 625


def test_hostile_names_are_text(shown, book, hostile, read):
    transitions(book(), TABLE.set_axis([*hostile, "c"], axis=0), names=None, domains=None)
    assert all("<script>" not in piece for piece, _ in shown)
    assert [row[0] for row in read(shown[0][0])[1][1:]] == [*hostile, "c"]


def test_an_empty_table_is_a_sentence_one_cell_a_picture_and_a_row_twice_refused(shown, book):
    transitions(book("en"), TABLE * np.nan)
    assert "has nothing to show yet" in shown[0][0]
    transitions(book("en"), TABLE.iloc[:0])
    assert "<img" not in shown[1][0]
    transitions(book("en"), TABLE.iloc[:1, :1])
    assert "<img" in shown[2][0]
    transitions(book("en"), TABLE * 0)
    assert "<img" in shown[3][0]
    with pytest.raises(ValueError, match="twice"):
        transitions(book("en"), pd.concat([TABLE, TABLE]))
