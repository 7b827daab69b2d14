"""Bars, dots and waterfalls: refusals in words, open ends open, an inexact split refused."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from siyu_helpers.analysis import decomposition
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import charts
from siyu_helpers.reporting.charts import colours

REFUSED = Refused("customers", 12, 100, "只有 12 位客户。", "Only 12 customers.")


def estimate(value, low, high, n=200):
    return Estimate(value, low, high, 0.9, n, "share", "d", "siyu_helpers.analysis.estimates.share")


TABLE = pd.DataFrame(
    {"k": ["wecom", "sms", "app"], "v": [estimate(0.3, 0.25, 0.36), REFUSED, estimate(0.1, 0.05, np.inf, 1500)]}
)
NAMES = {"app": ("小程序", "Mini program"), "wecom": ("企业微信", "WeCom"), "sms": ("短信", "SMS")}


def bars(ledger, table=TABLE, **more):
    how = {"label": "k", "value": "v", "n": 1700, "value_words": ("复购率", "Repurchase"), "names": NAMES} | more
    charts.bars(ledger, table, title_zh="各渠道复购率", title_en="Repurchase by channel", **how)


def drawn_bars(figure):
    return [p for p in figure.axes[0].patches if isinstance(p, Rectangle) and p.get_width() != 0]


def test_bars_are_complete_and_tell_their_extremes(shown, drawn, book, read, complete):
    bars(book())
    complete("各渠道复购率", "Repurchase by channel", 1700)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Horizontal bars, 3 rows: Repurchase. Highest 30.0% (WeCom), lowest 10.0% (Mini program). "
        "Without a number: SMS."
    )
    assert rows == [
        ["Group", "Repurchase", "lower end", "upper end", "n"],
        ["Mini program", "10.0%", "5.0%", "not bounded", "1,500"],
        ["WeCom", "30.0%", "25.0%", "36.0%", "200"],
        ["SMS", "Only 12 customers.", "", "", ""],
    ]
    assert "没有数字的：短信。" in read(shown[0][0])[0]


def test_a_refused_row_is_words_not_a_bar_of_zero(shown, drawn, book):
    bars(book())
    for figure, reason in zip(drawn, ("只有 12 位客户。", "Only 12 customers."), strict=True):
        assert reason in figure.texts_seen
        assert "0.0%" not in figure.texts_seen
        assert len(drawn_bars(figure)) == 2


def test_an_endless_interval_is_an_arrow_and_the_note_says_so(shown, drawn, book):
    bars(book("en"))
    assert [line.get_marker() for line in drawn[0].axes[0].lines].count(">") == 1
    assert any("arrow" in text for text in drawn[0].texts_seen)
    bars(book("en"), TABLE.head(2))
    assert not any("arrow" in text for text in drawn[1].texts_seen)


def test_a_blank_end_is_left_open(shown, drawn, book):
    table = pd.DataFrame({"k": ["wecom"], "v": [0.3], "l": [np.nan], "h": [0.4]})
    bars(book("en"), table, low="l", high="h")
    marks = [line.get_marker() for line in drawn[0].axes[0].lines]
    assert marks.count("|") == 1
    assert not {"<", ">"} & set(marks)


def test_before_and_after_stand_side_by_side(shown, drawn, book, read, complete):
    table = pd.DataFrame(
        {
            "k": ["wecom", "sms"] * 2,
            "t": ["after"] * 2 + ["before"] * 2,
            "v": [3.5, np.nan, 2000.0, 1],
            "n": [10, 20, 30, 40],
        }
    )
    names = NAMES | {"before": ("之前", "Before"), "after": ("之后", "After")}
    bars(book(), table, group="t", names=names, unit="money per customer", n="n", dots=True)
    complete("各渠道复购率", "Repurchase by channel", 100)
    assert "CNY" not in "".join(drawn[1].texts_seen)
    assert r"\$2,000" in drawn[1].texts_seen
    assert "not given" in drawn[1].texts_seen
    alt, rows = read(shown[1][0])
    assert "Highest $2,000 (WeCom, Before), lowest $1.00 (SMS, Before). Without a number: SMS, After." in alt
    assert [row[:3] for row in rows[1:]] == [
        ["WeCom", "Before", "$2,000"], ["WeCom", "After", "$3.50"],
        ["SMS", "Before", "$1.00"], ["SMS", "After", "not given"],
    ]  # fmt: skip


TWICE = pd.DataFrame({"k": ["wecom", "sms"] * 2, "t": ["a", "a", "b", "b"], "v": [3.0, 2, 4, 1]})


def test_groups_are_told_apart_on_grey_paper(shown, drawn, book, read):
    bars(book("en"), TWICE, group="t", unit="number")
    by_colour = {to_hex(bar.get_facecolor()): bar.get_hatch() for bar in drawn[0].axes[0].patches}
    assert len(by_colour) == len(set(by_colour.values())) == 2
    keys = drawn[0].axes[0].get_legend().get_patches()
    assert {to_hex(key.get_facecolor()): key.get_hatch() for key in keys} == by_colour
    bars(book("en"), TWICE, group="t", unit="number", dots=True)
    marks = [line.get_marker() for line in drawn[1].axes[0].lines]
    assert marks == ["o", "o", "s", "s"]
    bars(book("en"), TWICE.head(2), unit="number")
    assert {bar.get_hatch() for bar in drawn[2].axes[0].patches} <= {None, ""}


def test_the_table_says_what_the_groups_are(shown, book, read):
    bars(book(), TWICE, group="t", unit="number")
    assert [read(piece)[1][0][1] for piece, _ in shown] == ["算法", "Way of counting"]
    bars(book("en"), TWICE, group="t", unit="number", group_words=("时间", "When"))
    assert read(shown[2][0])[1][0][1] == "When"


def test_a_trend_shows_both_sides_of_zero(shown, drawn, book):
    table = pd.DataFrame({"k": ["wecom", "sms"], "v": [-0.01, 0.02], "l": [-np.inf, 0.01], "h": [0.005, 0.03]})
    bars(book("en"), table, low="l", high="h", dots=True, zero=False)
    low, high = drawn[0].axes[0].get_xlim()
    assert low < -0.01
    assert high > 0.03


def test_dots_of_a_trend_far_from_zero_need_not_show_it_but_bars_do(shown, drawn, book):
    table = pd.DataFrame({"k": ["wecom", "sms"], "v": [100.0, 101]})
    bars(book("en"), table, dots=True, zero=False, unit="number")
    bars(book("en"), table, dots=False, zero=False, unit="number")
    assert drawn[0].axes[0].get_xlim()[0] > 90
    assert drawn[1].axes[0].get_xlim()[0] == 0


def test_hostile_and_endless_names_are_text(shown, drawn, book, hostile, read):
    table = pd.DataFrame({"k": [*hostile, "name " * 40], "v": [1.0, 2, 3]})
    bars(book(), table, names=None, unit="number")
    assert drawn[0].box_seen.width < 5.6
    assert [row[0] for row in read(shown[0][0])[1][1:3]] == list(hostile)
    assert "<script>" not in shown[0][0]


def test_words_of_the_analysis_floor_name_a_row(shown, drawn, book):
    table = pd.DataFrame({"k": [Words("甲", "First")], "v": [0.5]})
    bars(book("en"), table, names=None)
    assert "First" in drawn[0].texts_seen


def test_nothing_known_is_a_sentence_with_the_reason(shown, book):
    bars(book("en"), TABLE.iloc[[1]])
    assert "Only 12 customers." in shown[0][0]
    assert "<img" not in shown[0][0]
    bars(book("en"), pd.DataFrame({"k": ["a"], "v": [np.nan]}))
    assert "has nothing to show yet" in shown[1][0]


def test_one_row_zero_is_a_picture(shown, book):
    bars(book("en"), pd.DataFrame({"k": ["a"], "v": [0.0]}))
    assert "<img" in shown[0][0]


def test_a_row_twice_is_refused(book):
    with pytest.raises(ValueError, match="twice"):
        bars(book(), pd.concat([TABLE, TABLE]))


FACTORS = {
    "before": ("上一年", "Year before"), "after": ("今年", "This year"),
    "traffic": ("流量", "Traffic"), "basket": ("笔单价", "Average order value"), "x": ("转化率", "Conversion"),
}  # fmt: skip


def steps(*amounts):
    return pd.DataFrame({"step": ["before", "traffic", "basket", "x", "after"], "amount": amounts})


STEPS = steps(500.0, 120.5, -40.25, 0.0, 580.25)


def waterfall(ledger, table=STEPS):
    charts.waterfall(
        ledger,
        table,
        n=300,
        value_words=("销售额", "Revenue"),
        names=FACTORS,
        title_zh="变化构成",
        title_en="What changed",
    )


def test_a_waterfall_is_complete_and_tells_every_step(shown, drawn, book, read, complete):
    waterfall(book())
    complete("变化构成", "What changed", 300)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Waterfall from $500.00 (Year before) to $580.25 (This year), change +$80.25. "
        "Traffic +$120.50; Average order value -$40.25; Conversion $0.00."
    )
    assert rows[1:] == [
        ["Year before", "$500.00"], ["Traffic", "+$120.50"], ["Average order value", "-$40.25"],
        ["Conversion", "$0.00"], ["This year", "$580.25"],
    ]  # fmt: skip
    assert "+120.50 美元" in drawn[0].texts_seen


def test_each_step_begins_where_the_one_before_ended(shown, drawn, book):
    waterfall(book("en"))
    boxes = [(p.get_x(), p.get_x() + p.get_width(), to_hex(p.get_facecolor())) for p in drawn[0].axes[0].patches]
    assert boxes == [
        (0, 500, colours.TOTAL), (0, 580.25, colours.TOTAL),
        (500, 620.5, colours.RISE), (620.5, 580.25, colours.FALL), (580.25, 580.25, colours.RISE),
    ]  # fmt: skip


def test_an_axis_that_does_not_begin_at_zero_says_so(shown, drawn, book):
    waterfall(book("en"))
    assert drawn[0].axes[0].get_xlim()[0] == 0
    waterfall(book("en"), steps(500, 3.0, -1, 0, 502))
    assert drawn[1].axes[0].get_xlim()[0] > 400
    assert any("does not begin at zero" in text for text in drawn[1].texts_seen)
    assert not any("does not begin at zero" in text for text in drawn[0].texts_seen)


def test_a_split_that_is_not_exact_is_refused(book):
    with pytest.raises(ValueError, match="unexplained"):
        waterfall(book(), steps(500.0, 120.5, -40.25, 0.0, 590))


def test_an_unknown_factor_is_words_and_moves_nothing(shown, drawn, book):
    waterfall(book("en"), steps(500, 80.25, np.nan, 0, 580.25))
    assert "not given" in drawn[0].texts_seen
    assert len(drawn[0].axes[0].patches) == 4


def test_totals_below_zero_are_drawn(shown, drawn, book):
    waterfall(book("en"), steps(500, -700.0, 0, 0, -200))
    assert drawn[0].axes[0].get_xlim()[0] < -200


def test_a_waterfall_without_a_number_is_a_sentence(shown, book):
    waterfall(book("en"), STEPS.assign(amount=np.nan))
    assert "has nothing to show yet" in shown[0][0]
    empty = STEPS.head(0)
    empty.attrs["refused"] = REFUSED
    waterfall(book("en"), empty)
    assert "Only 12 customers." in shown[1][0]


def test_the_split_of_the_analysis_floor_is_drawn_as_it_is(shown, drawn, book):
    waterfall(book("en"), decomposition.waterfall(100.0, {"traffic": 30.004, "basket": -5.0}))
    assert r"+\$30.00" in drawn[0].texts_seen


def test_a_hostile_factor_is_text(shown, book, hostile, read):
    waterfall(book("zh"), STEPS.assign(step=["before", *hostile, "x", "after"]))
    assert [row[0] for row in read(shown[0][0])[1][2:4]] == list(hostile)
    assert "<script>" not in shown[0][0]
