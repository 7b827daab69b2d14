"""Ranges over rules: every mark where its share is, none hidden, the truth beside them, the same look on a page."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.reporting import charts
from siyu_helpers.reporting.charts import range_charts

RULES = {
    "first": ("首次触点", "First touch"), "last": ("末次触点", "Last touch"),
    "last_non": ("末次非直接触点", "Last non-direct touch"), "linear": ("线性（平均）", "Linear"),
    "position": ("位置（40/20/40）", "Position (40/20/40)"), "time_decay": ("时间衰减", "Time decay"),
    "markov": ("马尔可夫", "Markov"), "shapley": ("沙普利", "Shapley"),
}  # fmt: skip
NAMES = {
    "sms": ("短信", "Text messages"),
    "feed": ("抖音信息流（千川）", "Douyin feed ads"),
    "wecom": ("企业微信", "WeCom"),
}
TABLE = pd.DataFrame(
    [
        ("sms", "first", 0.02, np.nan, np.nan, -0.01), ("sms", "last", 0.02, np.nan, np.nan, -0.01),
        ("sms", "markov", 0.02, 0.01, 0.03, -0.01), ("feed", "first", 0.7, np.nan, np.nan, 0.9),
        ("feed", "last", 0.2, np.nan, np.nan, 0.9), ("feed", "markov", 0.45, 0.41, 0.5, 0.9),
        ("wecom", "first", 0.29, np.nan, np.nan, 0.3), ("wecom", "last", 0.78, np.nan, np.nan, 0.3),
        ("wecom", "markov", np.nan, np.nan, np.nan, 0.3),
    ],
    columns=["channel", "rule", "share", "low", "high", "truth"],
)  # fmt: skip


def ranges(ledger, table=TABLE, **more):
    how = {"n": 500, "names": NAMES, "group_names": RULES} | more
    charts.ranges(ledger, table, title_zh="各规则份额", title_en="Share of orders by attribution rule", **how)


def against(ledger, table=TABLE, **more):
    how = {"n": 500, "names": NAMES, "group_names": RULES, "truth": "truth"} | more
    charts.against(ledger, table, title_zh="份额与增量", title_en="Credit beside the truth", **how)


def marks(figure):
    """Shape -> shares at which it stands."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", None, "")]
    return {line.get_marker(): sorted(line.get_xdata()) for line in lines}


def heads(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_ranges_are_complete_and_tell_what_depends_most(shown, drawn, book, read, complete):
    ranges(book(), source="orders")
    complete("各规则份额", "Share of orders by attribution rule", 500)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Ranges of 3 channels under 3 rules: share of orders. Largest channel: WeCom 29.0% (First touch) to 78.0% "
        "(Last touch). Most dependent on the rule: Douyin feed ads 20.0% (Last touch) to 70.0% (First touch)."
    )
    assert rows == [
        ["Channel", "First touch", "Last touch", "Markov"],
        ["WeCom", "29.0%", "78.0%", ""],
        ["Douyin feed ads", "70.0%", "20.0%", "45.0%"],
        ["Text messages", "2.0%", "2.0%", "2.0%"],
    ]
    ranges(book("en"), TABLE[TABLE["channel"] != "feed"])
    assert read(shown[2][0])[0].endswith("WeCom 29.0% (First touch) to 78.0% (Last touch), also the widest range.")
    assert "企业微信 29.0%（首次触点）至 78.0%（末次触点）" in read(shown[0][0])[0]


def test_every_mark_stands_at_its_share_and_a_blank_has_none(shown, drawn, book):
    ranges(book("en"))
    shapes = dict(zip(RULES, range_charts.MARKS, strict=False))
    assert marks(drawn[0]) == {
        shapes["first"]: [0.02, 0.29, 0.7],
        shapes["last"]: [0.02, 0.2, 0.78],
        shapes["markov"]: [0.02, 0.45],
    }
    assert {"29.0–78.0%", "20.0–70.0%", "2.0%"} <= set(drawn[0].texts_seen)


def test_a_rule_looks_the_same_when_fewer_are_drawn(shown, drawn, book):
    ranges(book("en"), TABLE[TABLE["rule"] == "markov"].dropna(subset=["share"]))
    assert list(marks(drawn[0])) == [range_charts.MARKS[list(RULES).index("markov")]]


def test_marks_at_one_place_do_not_hide_each_other(shown, drawn, book):
    table = pd.DataFrame([("sms", rule, 0.1) for rule in list(RULES)[:5]], columns=["channel", "rule", "share"])
    ranges(book("en"), pd.concat([table, table.assign(channel="feed", share=0.5)]))
    heights = sorted(y for line in drawn[0].axes[0].lines if line.get_marker() in range_charts.MARKS
                     for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True) if x == 0.1)  # fmt: skip
    assert len(heights) == 5
    assert min(np.diff(heights)) >= range_charts.ASIDE * 0.99


def test_the_interval_of_one_rule_is_a_pale_bar_and_the_note_names_it(shown, drawn, book, read):
    ranges(book("en"), interval_of="markov")
    boxes = [(p.get_x(), p.get_x() + p.get_width()) for p in drawn[0].axes[0].patches]
    assert boxes == [pytest.approx((0.41, 0.5)), pytest.approx((0.01, 0.03))]
    assert any("pale bar: 90% interval of Markov" in text.replace("\n", " ") for text in drawn[0].texts_seen)
    assert read(shown[0][0])[1][0][-2:] == ["Markov lower end", "Markov upper end"]
    assert read(shown[0][0])[1][2][-2:] == ["41.0%", "50.0%"]
    with pytest.raises(ValueError, match="none of the rules"):
        ranges(book("en"), interval_of="shapley")


def test_rows_are_by_size_or_as_asked(shown, drawn, book):
    ranges(book("en"))
    ranges(book("en"), order=["sms", "gone"])
    assert heads(drawn[0]) == ["WeCom", "Douyin feed ads", "Text messages"]
    assert heads(drawn[1])[0] == "Text messages"
    assert len(heads(drawn[1])) == 3


def test_the_order_of_rows_of_the_table_changes_nothing(shown, book):
    against(book())
    against(book(), TABLE.sample(frac=1, random_state=1))
    assert shown[:2] == shown[2:]


def test_credit_beside_the_truth_is_complete_and_says_who_is_credited_wrongly(shown, drawn, book, read, complete):
    against(book(), source="orders")
    complete("份额与增量", "Credit beside the truth", 500)
    alt, rows = read(shown[1][0])
    assert alt.endswith(
        "True incremental share below every rule: Text messages -1.0%; above every rule: Douyin feed ads 90.0%; "
        "between the rules: 1."
    )
    assert read(shown[0][0])[0].endswith(
        "真实增量低于全部规则的：短信 -1.0%；高于全部规则的：抖音信息流（千川） 90.0%；落在规则之间的有 1 个。"
    )
    assert [row[-1] for row in rows] == ["True incremental share", "30.0%", "90.0%", "-1.0%"]
    left, right = drawn[0].axes[0].get_xlim()
    assert left < -0.01
    assert right > 0.9
    assert {"90.0%", "30.0%", "-1.0%"} <= set(drawn[1].texts_seen)


def test_a_truth_next_to_zero_is_zero_everywhere(shown, drawn, book, read):
    table = TABLE.replace({"truth": {-0.01: -0.0004}, "share": {0.02: 0.0003}})
    against(book(), table)
    for piece, figure in zip((piece for piece, _ in shown), drawn, strict=True):
        alt, rows = read(piece)
        assert "0.0%" in figure.texts_seen
        assert [row[-1] for row in rows if row[0] in ("短信", "Text messages")] == ["0.0%"]
        said = " ".join([alt, *figure.texts_seen, *(cell for row in rows for cell in row)])
        assert not any(noise in said for noise in ("-0.0", "0.04%", "0.03%"))
    # A tenth of a percent more or less than nothing is no channel credited wrongly.
    assert "below every rule: none" in read(shown[1][0])[0]


def test_an_unknown_truth_is_words_not_zero(shown, drawn, book, read):
    against(book("en"), TABLE.assign(truth=TABLE["truth"].where(TABLE["channel"] != "sms")))
    assert "not known" in drawn[0].texts_seen
    assert read(shown[0][0])[1][3][-1] == ""


@pytest.mark.parametrize("count", [1, 2, 15, 40])
def test_names_and_values_do_not_touch_and_a_phone_shows_all(shown, drawn, book, count):
    draw = np.random.default_rng(2)
    table = pd.DataFrame(
        [(f"k{i:02d}", rule, draw.lognormal(-3, 1)) for i in range(count) for rule in RULES],
        columns=["channel", "rule", "share"],
    ).assign(truth=0.1)
    names = {f"k{i:02d}": (f"天猫搜索推广（原直通车）{i}", f"Channel with a long name {i}") for i in range(count)}
    ranges(book(), table, names=names)
    if count < 40:
        against(book(), table, names=names)
    for figure in drawn:
        assert figure.box_seen.width <= 5.6
        boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
        assert all(high.y0 >= low.y1 - 1 for high, low in pairwise(boxes)), "names touch"
        axes, legend = figure.axes[0].get_window_extent(), figure.axes[0].get_legend().get_window_extent()
        over = [t.get_window_extent() for t in figure.axes[0].texts if t.get_position()[1] > 1]
        assert all(legend.y0 >= head.y1 - 1 for head in over[-2:] if head.y0 > axes.y1), "legend touches the heads"
        assert legend.x1 <= max(t.get_window_extent().x1 for t in figure.findobj(Text) if t.get_text()) + 12


def test_what_cannot_be_drawn_is_refused(book):
    with pytest.raises(ValueError, match="twice"):
        ranges(book(), pd.concat([TABLE, TABLE]))
    with pytest.raises(ValueError, match="two truths"):
        against(book(), TABLE.assign(truth=range(9)))
    with pytest.raises(ValueError, match="13 rules"):
        ranges(book(), pd.DataFrame({"channel": "a", "rule": range(13), "share": 0.1}))
    with pytest.raises(ValueError, match="no column 'truth'"):
        against(book(), TABLE.drop(columns="truth"))


def test_no_share_is_a_sentence_and_all_zero_a_picture(shown, book):
    ranges(book("en"), TABLE.assign(share=np.nan))
    assert "has nothing to show yet" in shown[0][0]
    empty = TABLE.head(0)
    empty.attrs["refused"] = Refused("journeys", 0, 1, "没有路径。", "No journeys.")
    against(book("en"), empty)
    assert "No journeys." in shown[1][0]
    ranges(book("en"), TABLE.assign(share=0.0))
    assert "<img" in shown[2][0]
    ranges(book("en"), TABLE.assign(share=TABLE["share"].where(TABLE["channel"] != "sms", np.inf)))
    assert "inf" not in shown[3][0].split("base64")[0]


def test_hostile_names_are_text(shown, book, hostile, read):
    table = TABLE[TABLE["rule"] == "first"].assign(channel=[*hostile, "c"])
    against(book(), table, names=None, truth_words=("真 $1$", "Truth $1$"), label_words=("渠道", "Channel $1$"))
    assert all("<script>" not in piece for piece, _ in shown)
    head, *rows = read(shown[1][0])[1]
    assert head == ["Channel $1$", "First touch", "Truth $1$"]
    assert {row[0] for row in rows} == {*hostile, "c"}
