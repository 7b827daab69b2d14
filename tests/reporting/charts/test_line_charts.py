"""Curves: ends and extremes are told as they are, gaps stay gaps, many cohorts become shades from old to new."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from siyu_helpers.reporting import charts
from siyu_helpers.reporting.charts import colours

TWO = pd.DataFrame(
    {
        "g": ["seen"] * 3 + ["model"] * 3,
        "w": [0, 1, 2] * 2,
        "v": [10.0, 25_000, np.nan, 12, 20_000, 31_000],
        "n": 7,
    }
)
NAMES = {"seen": ("实际", "Observed"), "model": ("模型", "Model")}


def curves(ledger, table, **more):
    how = {"x": "w", "y": "v", "n": "n", "x_words": ("周", "Weeks"), "y_words": ("订单数", "Orders")} | more
    charts.curves(ledger, table, title_zh="累计订单", title_en="Orders so far", **how)


def lines(figure):
    """The lines of data: not grid, axis or tick."""
    return [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]


def test_curves_say_their_ends_in_alt_text(shown, book):
    table = pd.DataFrame(
        {"n": 9, "w": [0, 30, 60], "v": [1.0, 0.8, np.nan], "lo": [1, 0.7, np.nan], "hi": [1, 0.9, np.nan]}
    )
    curves(book("en"), table, low="lo", high="hi", steps=True)
    assert "100.0% at 0, 80.0% at 30." in shown[0][0]


def test_names_with_dollar_signs_are_no_formula(shown, drawn, book):
    table = pd.DataFrame({"n": 3, "g": ["$x^2$", "$x^2$", "a_$"], "w": [0, 1, 0], "v": [0.1, 0.2, 0.3]})
    curves(book("en"), table, group="g")
    assert r"\$x^2\$" in drawn[0].texts_seen


def test_groups_are_named_in_both_languages_in_the_order_given(shown, drawn, book, read, complete):
    curves(book(), TWO, group="g", names=NAMES, unit="number", dashed={"model"}, markers=False)
    complete("累计订单", "Orders so far", 7)
    for figure, at in zip(drawn, (0, 1), strict=True):
        legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        assert legend == [both[at] for both in NAMES.values()]
    alt, rows = read(shown[1][0])
    assert "Observed: 10.00 at 0, 25,000.00 at 1. Model: 12.00 at 0, 31,000.00 at 2." in alt
    assert rows[0] == ["Group", "Weeks", "Orders"]
    assert rows[3] == ["Observed", "2", ""]
    assert "实际：横轴 0 处为 10.00" in read(shown[0][0])[0]


def test_the_model_is_dashed_and_a_blank_is_a_gap(shown, drawn, book):
    curves(book("en"), TWO, group="g", names=NAMES, unit="number", dashed={"model"}, markers=False)
    seen, model = lines(drawn[0])
    assert (seen.get_linestyle(), model.get_linestyle()) == ("-", "--")
    assert np.isnan(seen.get_ydata()[2])
    assert seen.get_marker() == "None"


def test_a_point_between_blanks_is_seen_without_markers(shown, drawn, book):
    table = pd.DataFrame({"w": range(5), "v": [np.nan, 0.5, np.nan, 0.1, 0.2], "n": 1})
    curves(book("en"), table, markers=False)
    (line,) = lines(drawn[0])
    assert line.get_markevery() == [1]


def test_money_names_its_currency_and_may_be_negative(shown, drawn, book):
    table = pd.DataFrame({"w": [0, 1, 2], "v": [-40.0, -5, 30], "lo": [-50.0, -9, 20], "hi": [-30.0, 0, 40], "n": 5})
    curves(book(), table, low="lo", high="hi", unit="money per customer")
    assert drawn[0].axes[0].get_ylim()[0] <= -50
    assert any("订单数（美元）" in text for text in drawn[0].texts_seen)
    assert "-$40.00 at 0, $30.00 at 2" in shown[1][0]


def test_money_that_is_never_negative_begins_at_zero(shown, drawn, book):
    curves(book("en"), pd.DataFrame({"w": [0, 1, 2], "v": [90.0, 95, 99], "n": 5}), unit="money")
    assert drawn[0].axes[0].get_ylim()[0] == 0


def test_a_line_says_where_the_calibration_ends(shown, drawn, book):
    for at in (0.2, 1.8):
        curves(book(), TWO, group="g", unit="number", line_at=at, line_words=("校准期结束", "end of the calibration"))
    for figure, said in zip(drawn, ("校准期结束", "end of the calibration") * 2, strict=True):
        (text,) = [text for text in figure.axes[0].texts if text.get_text() == said]
        axes = figure.axes[0].get_window_extent()
        assert text.get_window_extent().x0 >= axes.x0 - 1
        assert text.get_window_extent().x1 <= axes.x1 + 1


@pytest.fixture
def cohorts():
    months = pd.period_range("2022-01", periods=36, freq="M").astype(str)
    rows = [(month, age, 1 / (age + 1 + i % 2)) for i, month in enumerate(months) for age in range(36 - i)]
    return pd.DataFrame(rows, columns=["g", "w", "v"])


def test_many_cohorts_are_shades_with_the_first_and_the_last_named(shown, drawn, book, read, cohorts, complete):
    curves(book(), cohorts, group="g", n=36)
    complete("累计订单", "Orders so far", 36)
    figure = drawn[1]
    assert figure.axes[0].get_legend() is None
    assert {"2022-01", "2024-12"} <= set(figure.texts_seen)
    assert "2023-01" not in figure.texts_seen
    seen = [to_hex(line.get_color()) for line in lines(figure)]
    assert seen == list(colours.sequence(36))[: len(seen)]
    alt, rows = read(shown[1][0])
    assert "36 lines, 2022-01 to 2024-12, from light to dark." in alt
    assert "Highest 100.0% (2022-01, at 0), lowest 2.8% (2022-01, at 35)." in alt
    assert rows[0][:3] == ["Group", "0", "1"]
    assert len(rows) == 37
    assert rows[36][:3] == ["2024-12", "50.0%", ""]


def test_a_few_cohorts_are_drawn_as_shades_when_asked(shown, drawn, book, cohorts):
    curves(book("en"), cohorts[cohorts["g"] < "2022-04"], group="g", n=3, old_to_new=True)
    assert [to_hex(line.get_color()) for line in lines(drawn[0])] == list(colours.sequence(3))


def test_no_number_at_all_is_a_sentence_and_one_row_a_picture(shown, book):
    curves(book("en"), TWO.assign(v=np.nan))
    assert "has nothing to show yet" in shown[0][0]
    curves(book("en"), TWO.head(1))
    assert "<img" in shown[1][0]


def test_a_staircase_lists_the_days_a_reader_asks_about(shown, book, read):
    days = np.arange(100)
    curves(book("en"), pd.DataFrame({"w": days, "v": 1 - days / 200, "n": 5}), steps=True)
    assert [row[0] for row in read(shown[0][0])[1][1:]] == ["0", "7", "14", "30", "60", "90", "99"]


def test_a_missing_column_is_named(book):
    with pytest.raises(ValueError, match="no column 'g'"):
        curves(book(), TWO.drop(columns="g"), group="g")


def test_a_line_may_take_the_colour_of_another(shown, drawn, book):
    table = pd.concat([TWO, TWO[TWO["g"] == "seen"].assign(g="cost", v=5.0)])
    curves(book("en"), table, group="g", unit="number", like={"cost": "seen"}, dashed={"cost"}, markers=False)
    by_label = {line.get_label(): to_hex(line.get_color()) for line in lines(drawn[0])}
    assert by_label["cost"] == by_label["seen"] != by_label["model"]


def test_a_probability_is_drawn_from_none_to_all(shown, drawn, book, read):
    table = pd.DataFrame({"month": [1, 2, 3], "paid": [0.0, 0.02, 0.08], "n": 9})
    curves(book("en"), table, x="month", y="paid", unit="probability")
    axes = drawn[0].axes[0]
    assert axes.get_ylim() == (0, 1.02)
    assert "20%" in [label.get_text() for label in axes.get_yticklabels()]
    assert [row[1] for row in read(shown[0][0])[1][1:]] == ["under 1%", "2%", "8%"]


def test_a_value_below_zero_shows_where_zero_is(shown, drawn, book):
    table = pd.DataFrame(
        {"month": [1, 2], "net": [-500.0, -100.0], "a": [-600.0, -300.0], "b": [-400.0, -50.0], "n": 9}
    )
    curves(book("en"), table, x="month", y="net", low="a", high="b", unit="money")
    bottom, top = drawn[0].axes[0].get_ylim()
    assert bottom < -600
    assert top >= 0


def test_shares_along_the_axis_are_percent_there_in_the_table_and_in_the_alt_text(shown, drawn, book, read):
    table = pd.DataFrame({"w": [0.0, 0.05, 0.5, 1.0], "v": [0.0, 1, 2, 3], "n": 1})
    curves(book("en"), table, unit="number", x_as_share=True)
    alt, rows = read(shown[0][0])
    assert [row[0] for row in rows[1:]] == ["0%", "5%", "50%", "100%"]
    assert "3.00 at 100%" in alt
    labels = {label.get_text() for label in drawn[0].axes[0].get_xticklabels()}
    assert {"0%", "20%", "100%"} <= labels
