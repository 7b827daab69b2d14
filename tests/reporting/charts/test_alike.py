"""Pictures that are compared keep one scale, whichever way their axes run."""

import pandas as pd
from matplotlib.figure import Figure

from siyu_helpers.reporting import charts
from siyu_helpers.reporting.charts import alike


def curve(ledger, top):
    charts.curves(
        ledger, pd.DataFrame({"x": [0, 1], "y": [0, top]}), x="x", y="y", n=1, unit="number",
        title_zh="题", title_en="Title", x_words=("横", "X"), y_words=("纵", "Y"),
    )  # fmt: skip


def test_what_is_measured_is_not_shown(shown, drawn, book):
    with alike.measuring() as found:
        curve(book(), 10)
    assert shown == drawn == []
    ((size, ((left, right, bottom, top),)),) = found
    assert size == (5.4, 3.3)
    assert left < 0 < 1 < right
    assert bottom == 0
    assert top >= 10
    curve(book("en"), 10)
    assert len(shown) == 1, "afterwards charts show again"


def test_charts_within_a_frame_take_its_ends_in_order(shown, drawn, book):
    ledger = book("en")
    with alike.measuring() as small:
        curve(ledger, 10)
    with alike.measuring() as large:
        curve(ledger, 400)
    frames = alike.common([small, large])
    with alike.within([*frames, None]):
        curve(ledger, 10)
        curve(ledger, 10)
    assert [figure.axes[0].get_ylim()[1] > 400 for figure in drawn] == [True, False]


def test_both_languages_take_the_same_frame(shown, drawn, book):
    with alike.within([((5.4, 3.3), ((0, 1, 0, 77),))]):
        curve(book("both"), 10)
    assert [figure.axes[0].get_ylim() for figure in drawn] == [(0, 77), (0, 77)]


def test_an_axis_that_counts_downwards_keeps_doing_so():
    assert alike.common([[((5, 3), ((0, 1, 3, -1),))], [((5, 3), ((0, 1, 2, 0),))]]) == [((5, 3), ((0, 1, 3, -1),))]


def test_pictures_laid_out_differently_keep_their_own_ends():
    low, high = ((5, 3), ((0, 1, 0, 1),)), ((5, 4), ((0, 1, 0, 9),))
    assert alike.common([[low], [high]]) == [None]
    assert alike.common([[low], [low, high]]) == []
    figure = Figure(figsize=(5, 3))
    axes = figure.subplots()
    axes.set_ylim(0, 1)
    alike.fit(figure, high)
    assert axes.get_ylim() == (0, 1)


def test_a_chart_of_a_model_has_no_n_and_no_period(shown, drawn, book):
    charts.curves(
        book("zh"), pd.DataFrame({"x": [0, 1], "y": [0, 5]}), x="x", y="y", n=0, unit="number", source="model",
        title_zh="题", title_en="Title", x_words=("横", "X"), y_words=("纵", "Y"),
    )  # fmt: skip
    said = "\n".join(drawn[0].texts_seen)
    assert "来源：按本节所列假设由模型算出，不是观测数据" in said.replace("\n", "").replace("单位：纵", "")
    assert "n =" not in said
    assert "orders.csv" not in said
