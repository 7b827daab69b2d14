"""Heat maps: extremes are told as they are, blanks stay blank, the table behind has the cells."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.reporting import charts

GRID = pd.DataFrame(
    {
        "cohort": ["2024-01"] * 3 + ["2024-02"] * 2,
        "age": [0, 1, 2, 0, 1],
        "customers": [10, 10, 10, 20, 20],
        "retention": [1.0, 0.5, 0.2, 1.0, 0.25],
        "complete": [True, True, True, True, False],
    }
)
NAMES = {"a": ("重要价值", "Champions"), "b": ("一般挽留", "Dormant")}
MOVED = pd.DataFrame({"b": [0.2, 0.0], "a": [0.8, np.nan]}, index=["a", "b"])


def heatmap(ledger, grid=GRID, **more):
    charts.cohort_heatmap(ledger, grid, title_zh="各批留存", title_en="Retention by cohort", **more)


def matrix(ledger, table=MOVED, **more):
    how = {"names": NAMES, "n": 1234} | more
    charts.matrix(ledger, table, title_zh="客户流转", title_en="Who moved where", **how)


def test_a_grid_has_alt_text_and_its_numbers_in_its_language(shown, book):
    heatmap(book())
    (zh, _), (en, _) = shown
    assert 'alt="热力图，2 个同期群' in zh
    assert 'alt="Heat map of 2 cohorts, 2024-01 to 2024-02' in en
    assert "Highest 50.0% (cohort 2024-01, at 1), lowest 20.0% (cohort 2024-01, at 2)" in en
    assert '<td class="number">25.0%</td>' in en


def test_a_period_not_over_is_hatched_and_said(shown, drawn, book):
    heatmap(book("en"))
    assert any("Hatched" in text for text in drawn[0].texts_seen)
    heatmap(book("en"), GRID.assign(complete=True))
    assert not any("Hatched" in text for text in drawn[1].texts_seen)


def test_a_blank_cell_has_no_label(shown, drawn, book):
    heatmap(book("en"))
    labels = [text for text in drawn[0].texts_seen if text in ("50.0", "20.0", "25.0")]
    assert labels == ["50.0", "20.0", "25.0"]
    assert "nan" not in " ".join(drawn[0].texts_seen)


def test_a_grid_without_a_cell_is_a_sentence(shown, book):
    heatmap(book("en"), GRID[GRID["cohort"] == "2024-02"].query("age == 0"))
    assert "has nothing to show yet" in shown[0][0]
    assert "<img" not in shown[0][0]


def test_money_cells_keep_their_ends_as_money(shown, book, read):
    grid = GRID.assign(
        spent=[10.0, 12.5, 15, 20, 30], spent_low=[9, 11, np.nan, 18, 25], spent_high=[11, 14, np.nan, 22, 35]
    )
    heatmap(book("en"), grid, measure="spent", unit="money")
    _, rows = read(shown[0][0])
    assert rows[1] == ["2024-01", "12.50 (11.00–14.00)", "15.00"]


def test_many_cohorts_are_coloured_with_a_colour_bar_seen_first(shown, drawn, book):
    months = pd.period_range("2022-01", periods=36, freq="M").astype(str)
    cells = [(month, age, 10, 0.1, True) for i, month in enumerate(months) for age in range(1, 37 - i)]
    heatmap(book("en"), pd.DataFrame(cells, columns=GRID.columns))
    (figure,) = drawn
    bar = figure.axes[0].child_axes[0].get_window_extent()
    assert bar.x1 < figure.axes[0].get_window_extent().x1 * 0.7, "the colour bar is out of sight on a phone"
    labels = figure.axes[0].get_yticklabels()
    assert len(labels) == 36
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes)), "names of rows touch"


def test_a_matrix_is_complete_and_tells_its_extremes(shown, drawn, book, read, complete):
    matrix(book())
    complete("客户流转", "Who moved where", 1234)
    alt, rows = read(shown[1][0])
    assert "Highest 80.0% (Champions to Champions), lowest 0.0% (Dormant to Dormant)" in alt
    assert rows == [
        ["Before → After", "Champions", "Dormant"],
        ["Champions", "80.0%", "20.0%"],
        ["Dormant", "", "0.0%"],
    ]
    assert "最高 80.0%（重要价值 到 重要价值）" in read(shown[0][0])[0]
    # The pair that nobody was observed in is empty; the one in which nobody was is zero.
    assert [text for text in drawn[1].texts_seen if text in ("80.0", "20.0", "0.0")] == ["80.0", "20.0", "0.0"]


def test_a_matrix_of_customers_says_so_and_a_row_its_size(shown, drawn, book):
    matrix(book("en"), MOVED * 3000, unit="customers", sizes={"a": 3000, "b": 7})
    assert "2,400" in drawn[0].texts_seen
    assert "Champions\n(n=3,000)" in drawn[0].texts_seen
    assert any("n = 1,234" in text and "Unit: customers" in text for text in drawn[0].texts_seen)


def test_nine_segments_fit_a_phone_and_long_names_do_not_overlap(shown, drawn, book):
    names = {i: (f"重要价值客户{i}", f"A segment with name {i}") for i in range(9)}
    matrix(book(), pd.DataFrame(1 / 9, index=list(names), columns=list(names)), names=names)
    assert drawn[0].box_seen.width < 5.6
    assert drawn[1].box_seen.width < 6.2
    heads = [label.get_window_extent() for label in drawn[0].axes[0].get_xticklabels()]
    assert all(a.x1 <= b.x0 for a, b in pairwise(heads))


def test_a_hostile_name_in_a_matrix_is_text(shown, drawn, book, hostile, read):
    matrix(book("zh"), MOVED.set_axis(hostile, axis=0).set_axis([hostile[0], "c"], axis=1), names=None)
    assert "<script>" not in shown[0][0]
    _, rows = read(shown[0][0])
    assert rows[0][1:] == [hostile[0], "c"]
    assert [row[0] for row in rows[1:]] == list(hostile)


def test_an_empty_matrix_is_a_sentence_and_one_cell_is_a_picture(shown, book):
    matrix(book("en"), MOVED * np.nan)
    assert "has nothing to show yet" in shown[0][0]
    matrix(book("en"), MOVED.iloc[:1, :1])
    assert "<img" in shown[1][0]


def test_a_group_twice_is_refused(book):
    with pytest.raises(ValueError, match="twice"):
        matrix(book(), pd.concat([MOVED, MOVED]))
