"""Forests and love plots: marks where the numbers are, comparisons hollow, refusals in words, what is left out said."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import charts

REFUSED = Refused("stores", 0, 2, "没有分批上线的门店。", "No store opened later.")
NAMES = {
    "naive": ("私域客户比其他客户", "Members against others"),
    "aipw": ("双重稳健", "Doubly robust"),
    "did": ("分批上线", "Staggered roll-out"),
    30: ("30 天", "30 days"),
    90: ("90 天", "90 days"),
}


def estimate(value, low, high):
    return Estimate(value, low, high, 0.9, 500, "orders per customer", "d", "x.y")


DESIGNS = pd.DataFrame(
    [
        (90, "aipw", estimate(0.31, 0.2, 0.42), False, 0.3, 900), (30, "did", REFUSED, False, 0.1, 700),
        (30, "aipw", estimate(0.05, -0.02, 0.12), False, 0.1, 800),
        (90, "naive", estimate(1.9, 1.8, 2.0), True, 0.3, 0), (30, "naive", estimate(0.95, 0.9, 1.0), True, 0.1, 0),
    ],
    columns=["horizon", "design", "value", "naive", "truth", "n"],
)  # fmt: skip


def forest(ledger, table=DESIGNS, **more):
    how = {"label": "design", "n": 900, "names": NAMES, "unit": "orders per customer"} | more
    charts.forest(
        ledger, table, title_zh="多带来的订单", title_en="Orders added",
        value_words=("每位加入客户多下的订单（笔）", "Orders added per joiner"), **how,
    )  # fmt: skip


def marks(figure, shape):
    """Places of the marks of a shape, from top to bottom, with their faces."""
    seen = [line for line in figure.axes[0].lines if line.get_marker() == shape]
    return [(line.get_xdata()[0], line.get_markerfacecolor()) for line in sorted(seen, key=lambda x: x.get_ydata()[0])]


def test_a_forest_is_complete_and_tells_what_contains_zero_and_the_truth(shown, drawn, book, read, complete):
    forest(book(), group="horizon", hollow="naive", truth="truth")
    complete("多带来的订单", "Orders added", 900)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Forest plot, 5 rows: Orders added per joiner. Highest 1.9 orders per customer (90 days, Members against "
        "others), lowest 0.05 orders per customer (30 days, Doubly robust). 1 of 4 intervals contain zero. True effect "
        "inside 2 of 4 intervals. Without a number: 30 days, Staggered roll-out."
    )
    assert [row[:3] for row in rows] == [
        ["Group", "Estimate", "Orders added per joiner"],
        ["30 days", "Members against others", "0.95 orders per customer"],
        ["30 days", "Doubly robust", "0.05 orders per customer"],
        ["30 days", "Staggered roll-out", "No store opened later."],
        ["", "True effect", "0.1 orders per customer"],
        ["90 days", "Members against others", "1.9 orders per customer"],
        ["90 days", "Doubly robust", "0.31 orders per customer"],
        ["", "True effect", "0.3 orders per customer"],
    ]
    assert (
        "4 个区间中 1 个含零。真实效果落在 4 个区间中的 2 个之内。没有数字的：30 天，分批上线。" in read(shown[0][0])[0]
    )


def test_marks_stand_at_their_values_and_comparisons_are_hollow(shown, drawn, book):
    forest(book("en"), group="horizon", hollow="naive", truth="truth")
    squares = marks(drawn[0], "s")
    assert [value for value, _ in squares] == [0.95, 0.05, 1.9, 0.31]
    assert [face == "white" for _, face in squares] == [True, False, True, False]
    assert [value for value, _ in marks(drawn[0], "D")] == [0.1, 0.3]
    said = drawn[0].texts_seen
    assert {"0.95 (0.90 to 1.00)", "0.05 (-0.02 to 0.12)", "No store opened later.", "30 days", "90 days"} <= set(said)
    assert any("hollow: a comparison, not an effect" in text.replace("\n", " ") for text in said)
    left, right = drawn[0].axes[0].get_xlim()
    assert left < 0 < right


def test_one_truth_for_all_rows_is_one_diamond_at_the_foot(shown, drawn, book):
    table = DESIGNS[DESIGNS["horizon"] == 90]
    forest(book("en"), table, truth=0.28)
    assert [value for value, _ in marks(drawn[0], "D")] == [0.28]
    heads = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert [head.replace("\n", " ") for head in heads] == ["Members against others", "Doubly robust", "True effect"]
    forest(book("en"), table)
    assert not marks(drawn[1], "D")


def test_an_interval_far_longer_than_the_others_is_cut_with_its_numbers_printed(shown, drawn, book):
    table = pd.DataFrame(
        {
            "label": list("abcd"),
            "value": [1.0, 1.2, 1.1, 0.9],
            "low": [0.5, 0.7, 0.6, -400],
            "high": [1.5, 1.7, 1.6, 401],
        }
    )
    forest(book("en"), table, label="label")
    lines = [line.get_marker() for line in drawn[0].axes[0].lines]
    assert (lines.count("<"), lines.count(">")) == (1, 1)
    assert drawn[0].axes[0].get_xlim()[1] < 10
    assert "0.9 (-400.0 to 401.0)" in drawn[0].texts_seen
    assert any("arrow" in text for text in drawn[0].texts_seen)
    forest(book("en"), table.head(3), label="label")
    assert not any("arrow" in text for text in drawn[1].texts_seen)


def test_blank_and_endless_ends_and_values_do_not_break(shown, drawn, book, read):
    table = pd.DataFrame(
        {
            "label": list("abc"),
            "value": [1.0, np.nan, 0.5],
            "low": [-np.inf, np.nan, np.nan],
            "high": [2.0, np.nan, np.nan],
        }
    )
    forest(book("en"), table, label="label", unit="money")
    assert {"1.00 (-∞ to 2.00)", "0.50", "not given"} <= set(drawn[0].texts_seen)
    assert [row[2] for row in read(shown[0][0])[1]] == ["lower end", "not bounded", "", ""]
    assert "Orders added per joiner (USD)" in drawn[0].texts_seen


def test_percent_keep_their_sign_and_effects_without_intervals_are_dots(shown, drawn, book, read):
    table = pd.DataFrame({"label": ["a", "b"], "value": [0.021, -0.0123]})
    forest(book("en"), table, label="label", unit="share")
    assert {"2.10%", "-1.23%"} <= set(drawn[0].texts_seen)
    assert read(shown[0][0])[1][0] == ["Estimate", "Orders added per joiner"]


def test_a_truth_is_held_against_the_rows_of_its_own_group(shown, drawn, book):
    table = pd.DataFrame({"label": list("xyz"), "part": list("abc"), "value": [1.0, 2, 3], "truth": [0.5, np.nan, 2.5]})
    forest(book("en"), table, label="label", group="part", truth="truth")
    dotted = [line for line in drawn[0].axes[0].lines if line.is_dashed()]
    # Lines of the picture: a, x, truth, b, y, c, z, truth.
    assert [(line.get_xdata()[0], *line.get_ydata()) for line in dotted] == [(0.5, -0.4, 2), (2.5, 4.6, 7)]
    forest(book("en"), table.assign(truth=[0.5, np.nan, np.nan]), label="label", group="part", truth="truth")
    heads = [label.get_text() for label in drawn[1].axes[0].get_yticklabels()]
    assert heads == ["", "x", "True effect", "", "y", "", "z"]


def test_labels_may_be_words_that_name_themselves(shown, drawn, book):
    table = pd.DataFrame({"label": [Words("匹配", "Matching"), Words("加权", "Weighting")], "value": [1.0, 2.0]})
    forest(book(), table, label="label", names=None)
    assert "匹配" in drawn[0].texts_seen
    assert "Weighting" in drawn[1].texts_seen


def test_a_blank_label_is_a_row_that_can_be_named(shown, drawn, book):
    table = pd.DataFrame({"trim": [np.nan, 0.99, np.nan, 0.99], "m": list("aabb"), "value": [1.0, 2, 3, 4]})
    names = {None: ("不剔除", "No trim"), 0.99: ("得分不超过 0.99", "Scores up to 0.99")}
    forest(book("en"), table, label="trim", group="m", names=names)
    heads = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert heads == ["", "No trim", "Scores up to 0.99"] * 2
    assert [value for value, _ in marks(drawn[0], "s")] == [1, 2, 3, 4]


def test_a_forest_without_a_number_is_a_sentence(shown, drawn, book):
    forest(book(), DESIGNS[DESIGNS["design"] == "did"])
    assert not drawn
    assert "No store opened later." in shown[1][0]
    empty = pd.DataFrame(columns=["design", "value", "low", "high"])
    forest(book("en"), empty, n=0)
    assert "nothing to show yet" in shown[2][0]


def test_a_row_twice_or_two_truths_are_refused(book):
    with pytest.raises(ValueError, match="twice"):
        forest(book(), DESIGNS)
    with pytest.raises(ValueError, match="two truths"):
        forest(book(), DESIGNS.assign(truth=range(5)), group="horizon", truth="truth")
    with pytest.raises(ValueError, match="no column"):
        forest(book(), DESIGNS, hollow="gone")


def test_the_order_of_rows_changes_nothing_where_they_are_named(shown, book):
    how = {"group": "horizon", "hollow": "naive", "truth": "truth"}
    forest(book(), **how)
    forest(book(), DESIGNS.sample(frac=1, random_state=2), **how)
    assert shown[:2] == shown[2:]


def test_hostile_and_long_names_are_text(shown, drawn, book, hostile, complete):
    table = pd.DataFrame(
        {"label": [*hostile, "name " * 40], "value": [1.0, 2, 3], "low": [0.0, 1, 2], "high": [2.0, 3, 4]}
    )
    forest(book(), table.assign(part=hostile[0]), label="label", group="part")
    complete("多带来的订单", "Orders added", 900)


COVARIATES = {
    "recency": ("距上次下单的天数", "Days since the last order"),
    "orders": ("加入前的订单数", "Orders before"),
    "spend": ("加入前的消费额", "Spend before"),
    "feed": ("首单渠道：抖音", "First channel: Douyin"),
}
BALANCE = pd.DataFrame(
    {
        "covariate": ["spend", "feed", "recency", "orders"],
        "smd_before": [0.3, -0.04, -1.4, 0.9],
        "smd_after": [0.02, 0.003, -0.06, 0.14],
    }
)


def love(ledger, table=BALANCE, **more):
    how = {"n": 8123, "names": COVARIATES} | more
    charts.love(ledger, table, title_zh="像不像", title_en="Are they alike?", **how)


def circles(figure):
    return [
        (line.get_xdata()[0], line.get_markerfacecolor()) for line in figure.axes[0].lines if line.get_marker() == "o"
    ]


def test_a_love_plot_is_complete_and_sorted_by_the_difference_before(shown, drawn, book, read, complete):
    love(book())
    complete("像不像", "Are they alike?", 8123)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Love plot of 4 covariates: standardised mean difference. Before weighting, 3 beyond ±0.1, the largest -1.40 "
        "(Days since the last order); after weighting, 1, the largest 0.14 (Orders before)."
    )
    assert rows == [
        ["Covariate before joining", "Before weighting", "After weighting"],
        ["Days since the last order", "-1.40", "-0.06"],
        ["Orders before", "0.90", "0.14"],
        ["Spend before", "0.30", "0.02"],
        ["First channel: Douyin", "-0.04", "0.00"],
    ]
    assert "加权前有 3 个超出 ±0.1，最大 -1.40（距上次下单的天数）；加权后有 1 个超出" in read(shown[0][0])[0]


def test_before_is_hollow_after_is_filled_and_the_lines_stand_at_a_tenth(shown, drawn, book):
    love(book("en"))
    seen = circles(drawn[0])
    assert [x for x, face in seen if face == "white"] == [-1.4, 0.9, 0.3, -0.04]
    assert [x for x, face in seen if face != "white"] == [-0.06, 0.14, 0.02, 0.003]
    dashed = [line.get_xdata()[0] for line in drawn[0].axes[0].lines if line.get_linestyle() == "--"]
    assert sorted(dashed) == [-0.1, 0.1]
    assert {"-1.40 → -0.06", "0.90 → 0.14"} <= set(drawn[0].texts_seen)


def test_covariates_that_are_not_drawn_are_counted_and_none_out_of_balance_is_hidden(shown, drawn, book, read):
    many = pd.DataFrame({"covariate": [f"c{i}" for i in range(30)], "smd_before": np.linspace(0.9, 0.01, 30)})
    many["smd_after"] = 0.01
    many.loc[29, "smd_after"] = -0.25
    love(book("en"), many)
    heads = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert heads == [*(f"c{i}" for i in range(17)), "c29"]
    note = "\n".join(drawn[0].texts_seen).replace("\n", " ")
    assert "12 more not drawn, at most 0.38 before and 0.01 after" in note
    assert len(read(shown[0][0])[1]) == 31
    love(book("zh"), many, shown=30)
    assert not any("未画" in text for text in drawn[1].texts_seen)


def test_blank_and_endless_differences(shown, drawn, book, read):
    table = pd.DataFrame(
        {"covariate": ["a", "b", "c"], "smd_before": [np.nan, np.inf, 0.2], "smd_after": [np.nan, 0.3, np.nan]}
    )
    love(book("en"), table)
    assert [row[1:] for row in read(shown[0][0])[1][1:]] == [["∞", "0.30"], ["0.20", ""], ["", ""]]
    assert {"∞ → 0.30", "0.20 → –", "– → –"} <= set(drawn[0].texts_seen)
    assert [line.get_marker() for line in drawn[0].axes[0].lines].count(">") == 1
    love(book("en"), table.head(1))
    assert len(drawn) == 1
    with pytest.raises(ValueError, match="twice"):
        love(book("en"), pd.concat([BALANCE, BALANCE]))


RATIOS = pd.DataFrame(
    {
        "label": ["beauty", "own", "toilet", "loss"],
        "value": [2.0, 1.4, 0.02, -0.1],
        "low": [1.5, 0.7, 0.01, -0.5],
        "high": [2.7, 2.8, 0.05, 0.2],
    }
)


def test_ratios_are_held_against_one_and_the_own_row_is_marked(shown, drawn, book, read):
    forest(book(), RATIOS, label="label", unit="number", reference=1.0, log=True, marked="own")
    axes = drawn[1].axes[0]
    assert axes.get_xscale() == "log"
    assert [value for value, _ in marks(drawn[1], "s")] == [2.0, 0.02]
    assert [value for value, _ in marks(drawn[1], "D")] == [1.4]
    weights = {label.get_text(): label.get_weight() for label in axes.get_yticklabels()}
    assert weights == {"beauty": "normal", "own": "bold", "toilet": "normal", "loss": "normal"}
    assert {"2.0 (1.5 to 2.7)", "0.020 (0.010 to 0.050)", "-0.10 (-0.50 to 0.20)"} <= set(drawn[1].texts_seen)
    alt, rows = read(shown[1][0])
    assert "1 of 4 intervals contain 1." in alt
    assert "4 个区间中 1 个含 1。" in read(shown[0][0])[0]
    assert rows[4][1:] == ["-0.1", "-0.5", "0.2"]
    assert any("axis in ratios" in text.replace("\n", " ") for text in drawn[1].texts_seen)
    # What has no place on an axis of ratios is an arrow inside of its left edge.
    left, right = axes.get_xlim()
    arrows = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "<"]
    assert arrows
    assert all(left <= at < left * (right / left) ** 0.1 for at in arrows)


def test_a_line_elsewhere_on_a_plain_axis(shown, drawn, book, read):
    forest(book("en"), RATIOS, label="label", unit="number", reference=1.0)
    assert drawn[0].axes[0].get_xscale() == "linear"
    assert "1 of 4 intervals contain 1." in read(shown[0][0])[0]
    with pytest.raises(ValueError, match="above 0"):
        forest(book("en"), RATIOS, label="label", log=True)
