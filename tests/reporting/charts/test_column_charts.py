"""Columns and layers: blanks are gaps, small numbers do not read as zero, totals are the sums of their layers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.reporting import charts
from siyu_helpers.reporting.charts import colours

TABLE = pd.DataFrame(
    {
        "f": ["0", "1", "2+"],
        "seen": [1411.0, 40, np.nan],
        "fit": [1400.0, 60, 0],
        "l": [1350, 50, 0],
        "h": [1450, 70, 9],
    }
)
SERIES = {"seen": ("实际", "Observed"), "fit": ("模型", "Model")}


def columns(ledger, table=TABLE, **more):
    how = {"x": "f", "series": SERIES, "n": 1451, "x_words": ("次数", "Orders"), "y_words": ("客户数", "Customers")}
    charts.columns(ledger, table, title_zh="按次数", title_en="By number of orders", **(how | more))


def test_columns_are_complete_and_tell_their_extremes(shown, drawn, book, read, complete):
    columns(book(), ends={"fit": ("l", "h")}, model={"fit"})
    complete("按次数", "By number of orders", 1451)
    alt, rows = read(shown[1][0])
    assert "Observed: highest 1,411 customers (0), lowest 40 customers (1)." in alt
    assert "Model: highest 1,400 customers (0), lowest 0 customers (2+)." in alt
    assert rows[0] == ["Orders", "Observed", "Model", "Model lower end", "Model upper end"]
    assert rows[3] == ["2+", "", "0 customers", "0 customers", "9 customers"]
    assert "实际：最高 1,411 位客户（0）" in read(shown[0][0])[0]
    legend = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert legend == ["实际", "模型"]


def test_a_blank_is_no_column_and_has_no_number(shown, drawn, book):
    columns(book("en"))
    assert len(drawn[0].axes[0].patches) == 5
    labels = [text.get_text() for text in drawn[0].axes[0].texts]
    assert labels == ["1,411", "40", "1,400", "60", "0"]


def test_a_small_number_never_reads_as_zero(shown, drawn, book):
    columns(book("en"), TABLE.assign(seen=[1411, 40, 0.2]), series={"seen": SERIES["seen"]})
    assert not drawn[0].axes[0].texts
    columns(book("en"), TABLE.assign(seen=[0.5, 0.25, 0.001]), series={"seen": SERIES["seen"]}, unit="share")
    assert [text.get_text() for text in drawn[1].axes[0].texts] == ["50.0%", "25.0%", "0.1%"]


def test_the_model_is_hatched(shown, drawn, book):
    columns(book("en"), model={"fit"})
    assert [patch.get_hatch() is not None for patch in drawn[0].axes[0].patches] == [False] * 2 + [True] * 3


def test_columns_begin_at_zero(shown, drawn, book):
    columns(book("en"), TABLE.assign(seen=[1000, 1001, 1002], fit=[1000, 1001, 1002]))
    assert drawn[0].axes[0].get_ylim()[0] == 0


def test_a_sum_of_a_column_is_n_and_a_hostile_category_is_text(shown, drawn, book, hostile, read):
    columns(book("zh"), TABLE.assign(f=[*hostile, "x"]), n="fit")
    assert any("n = 1,460" in text for text in drawn[0].texts_seen)
    assert [row[0] for row in read(shown[0][0])[1][1:3]] == list(hostile)
    assert "<script>" not in shown[0][0]


def test_nothing_known_is_a_sentence_and_one_row_a_picture(shown, book):
    columns(book("en"), TABLE.assign(seen=np.nan, fit=np.nan))
    assert "has nothing to show yet" in shown[0][0]
    columns(book("en"), TABLE.head(1))
    assert "<img" in shown[1][0]


BASE = pd.DataFrame(
    {
        "p": ["2023-Q2", "2023-Q1", "2023-Q2", "2023-Q3", "2023-Q3"],
        "c": ["2023", "2022", "2022", "2022", "2023"],
        "v": [50.0, 100.0, 80.0, np.nan, 20.0],
        "done": [True, True, True, False, False],
    }
)


def layers(ledger, table=BASE, **more):
    how = {"x": "p", "y": "v", "group": "c", "n": 42, "x_words": ("季度", "Quarter"), "y_words": ("销售额", "Revenue")}
    charts.layers(ledger, table, title_zh="按首购年分层", title_en="Revenue by year", **(how | more))


def boxes(figure):
    """(left, bottom, top, colour) of each layer."""
    (made,) = [found for found in figure.axes[0].collections if isinstance(found, PolyCollection)]
    corners = [path.vertices for path in made.get_paths()]
    shades = [to_hex(colour) for colour in made.get_facecolor()]
    return [(c[:, 0].mean().round(), c[:, 1].min(), c[:, 1].max(), s) for c, s in zip(corners, shades, strict=True)]


def test_layers_are_complete_and_tell_their_totals(shown, drawn, book, read, complete):
    layers(book(), complete="done", group_words=("首购年", "Year of first order"))
    complete("按首购年分层", "Revenue by year", 42)
    alt, rows = read(shown[1][0])
    assert "Highest total $130.00 (2023-Q2), lowest $20.00 (2023-Q3)" in alt
    assert "the last, 2023-Q3, is $20.00, of which the largest layer, 2023, is $20.00" in alt
    assert rows == [
        ["Quarter", "2022", "2023", "Total"],
        ["2023-Q1", "$100.00", "", "$100.00"],
        ["2023-Q2", "$80.00", "$50.00", "$130.00"],
        ["2023-Q3", "", "$20.00", "$20.00"],
    ]
    assert "合计最高 130.00 美元（2023-Q2）" in read(shown[0][0])[0]
    assert any("Hatched: not over yet" in text for text in drawn[1].texts_seen)


def test_layers_stand_on_each_other_the_oldest_below(shown, drawn, book):
    layers(book("en"))
    old, new = colours.sequence(2)
    got = sorted((int(left), bottom, top, shade) for left, bottom, top, shade in boxes(drawn[0]))
    assert got == [(0, 0, 100, old), (1, 0, 80, old), (1, 80, 130, new), (2, 0, 20, new)]


def test_refunds_go_down_from_zero(shown, drawn, book):
    layers(book("en"), BASE.assign(v=[50.0, -10, 80, np.nan, 20]))
    assert (0, -10, 0) in [(int(left), bottom, top) for left, bottom, top, _ in boxes(drawn[0])]
    assert drawn[0].axes[0].get_ylim()[0] < -10


def test_customers_from_before_the_data_are_the_oldest_layer(shown, drawn, book):
    table = BASE.replace({"c": {"2022": "earlier"}})
    layers(book("en"), table, names={"earlier": ("更早的客户", "Earlier customers")})
    assert [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()] == ["Earlier customers", "2023"]
    assert boxes(drawn[0])[0][1:] == (0, 100, colours.OLD_TO_NEW[0])


def test_an_empty_table_may_say_why(shown, book):
    empty = BASE.head(0)
    empty.attrs["refused"] = Refused("periods", 0, 1, "没有完整的一期。", "No whole period.")
    layers(book("en"), empty)
    assert "No whole period." in shown[0][0]


def test_many_cohorts_are_named_at_their_ends(shown, drawn, book):
    months = pd.period_range("2022-01", periods=12, freq="M").astype(str)
    cells = [(later, first, 1000.0) for i, first in enumerate(months) for later in months[i:]]
    layers(book("en"), pd.DataFrame(cells, columns=["p", "c", "v"]))
    assert drawn[0].axes[0].get_legend() is None
    above = [text.get_text() for text in drawn[0].axes[0].texts]
    assert above == ["2022-01", "2022-12"]


def test_a_period_without_a_layer_stays_on_the_axis(shown, drawn, book):
    layers(book("en"), BASE.assign(v=[np.nan, 100, np.nan, np.nan, 20]))
    assert [label.get_text() for label in drawn[0].axes[0].get_xticklabels()] == ["2023-Q1", "2023-Q2", "2023-Q3"]
    assert len(boxes(drawn[0])) == 2


def test_layers_of_nothing_are_a_sentence_and_a_cell_twice_is_refused(shown, book):
    layers(book("en"), BASE.assign(v=np.nan))
    assert "has nothing to show yet" in shown[0][0]
    layers(book("en"), BASE.head(1))
    assert "<img" in shown[1][0]
    with pytest.raises(ValueError, match="twice"):
        layers(book("en"), pd.concat([BASE, BASE]))


def test_hostile_cohorts_are_text(shown, drawn, book, hostile, read):
    layers(book("zh"), BASE.assign(c=[hostile[0], hostile[1], hostile[1], "x", hostile[0]]))
    assert set(hostile) <= set(read(shown[0][0])[1][0])
    assert "<script>" not in shown[0][0]
