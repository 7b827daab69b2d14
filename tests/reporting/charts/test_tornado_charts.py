"""Tornado: bars from the base to the results, the widest on top, both ends of an input marked without colour."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from siyu_helpers.analysis.estimates import Refused, Words
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import pool_value
from siyu_helpers.reporting import charts

NAMES = {"uplift": ("订单增幅", "Gain in orders"), "staff": Words("人员费用", "Staff")}
UNITS = {"uplift": "share", "staff": "money a month", "joiners": "customers a month"}
TABLE = pd.DataFrame(
    [
        ("staff", 8000.0, 15000.0, 150.0, -50.0),
        ("uplift", 0.05, 0.4, -300.0, 500.0),
        ("joiners", 100, 200, 120.0, 130.0),
    ],
    columns=["input", "input_low", "input_high", "value_low", "value_high"],
)


def tornado(ledger, table=TABLE, **more):
    how = {"base": 100.0, "n": 900, "names": NAMES, "units": UNITS, "unit": "money"} | more
    charts.tornado(ledger, table, title_zh="什么最要紧", title_en="What matters most", **how)


def bars(figure):
    """The bars from top to bottom: (from, to, lower edge, hatched)."""
    found = [patch for patch in figure.axes[0].patches if type(patch) is Rectangle]
    return [
        (round(bar.get_x(), 6), round(bar.get_x() + bar.get_width(), 6), round(bar.get_y(), 2), bool(bar.get_hatch()))
        for bar in found
    ]


def test_a_tornado_is_complete_and_tells_the_widest_first(shown, drawn, book, read, complete):
    tornado(book())
    complete("什么最要紧", "What matters most", 900)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Tornado of 3 inputs: net value, $100.00 at typical values. Gain in orders at 5.0%: -$300.00, at 40.0%: "
        "$500.00; Staff at $8,000: $150.00, at $15,000: -$50.00; joiners at 100 customers a month: $120.00, at 200 "
        "customers a month: $130.00."
    )
    assert rows == [
        ["Input", "Input at its low end", "Net value (input at its low end)", "Input at its high end",
         "Net value (input at its high end)"],
        ["Gain in orders", "5.0%", "-$300.00", "40.0%", "$500.00"],
        ["Staff", "$8,000", "$150.00", "$15,000", "-$50.00"],
        ["joiners", "100 customers a month", "$120.00", "200 customers a month", "$130.00"],
    ]  # fmt: skip
    assert "都取典型值时为 100.00 美元。订单增幅取 5.0% 时为 -300.00 美元" in read(shown[0][0])[0]


def test_bars_leave_the_base_and_the_low_end_is_hatched(shown, drawn, book):
    tornado(book("en"))
    assert bars(drawn[0]) == [
        (100.0, -300.0, -0.27, True), (100.0, 500.0, -0.27, False),
        (100.0, 150.0, 0.73, True), (100.0, -50.0, 0.73, False),
        # Both ends move the result the same way: one above the other, so that neither hides the other.
        (100.0, 120.0, 1.73, True), (100.0, 130.0, 2.0, False),
    ]  # fmt: skip
    assert {"5.0%", "40.0%", "8,000", "15,000", "100", "200"} <= set(drawn[0].texts_seen)
    left, right = drawn[0].axes[0].get_xlim()
    assert left < -300
    assert right > 500


def test_the_input_values_stand_outside_of_their_bars(shown, drawn, book):
    tornado(book("en"))
    axes = drawn[0].axes[0]
    frame = axes.get_window_extent()
    for text in axes.texts:
        place, box = axes.transData.transform(text.xy)[0], text.get_window_extent()
        assert box.x0 >= place - 1 or box.x1 <= place + 1
        assert frame.x0 - 1 <= box.x0
        assert box.x1 <= frame.x1 + 1


def test_rows_that_are_not_drawn_are_counted_and_listed(shown, drawn, book, read):
    tornado(book("en"), shown=1)
    assert len(bars(drawn[0])) == 2
    foot = " ".join(drawn[0].texts_seen).replace("\n", " ").replace("\\$", "$")
    assert "2 more not drawn, each moves it by $200.00 at most" in foot
    assert len(read(shown[0][0])[1]) == 4


def test_an_input_that_moves_nothing_and_blank_results(shown, drawn, book):
    table = pd.DataFrame(
        {"input": ["a", "b"], "input_low": [1.0, 1.0], "input_high": [2.0, 2.0], "value_low": [100.0, np.nan],
         "value_high": [100.0, 3.0]}
    )  # fmt: skip
    tornado(book("en"), table)
    assert bars(drawn[0]) == [(100.0, 100.0, -0.27, True), (100.0, 100.0, -0.27, False)]


def test_no_uncertain_input_is_a_sentence(shown, drawn, book):
    tornado(book("en"), TABLE.head(0))
    refused = TABLE.head(0)
    refused.attrs["refused"] = Refused("inputs", 0, 1, "都是定值。", "All inputs are certain.")
    tornado(book("en"), refused)
    assert drawn == []
    assert "nothing to show yet" in shown[0][0]
    assert "All inputs are certain." in shown[1][0]


def test_what_cannot_be_drawn_is_refused(book):
    with pytest.raises(ValueError, match="twice"):
        tornado(book("en"), pd.concat([TABLE, TABLE]))
    with pytest.raises(ValueError, match="input_low"):
        tornado(book("en"), TABLE.drop(columns="input_low"))


def test_names_from_data_are_text(shown, drawn, book, hostile):
    tornado(book("en"), TABLE.head(2).assign(input=list(hostile)), names=None, units=None)
    assert "<script>alert" not in shown[0][0]


def test_it_draws_what_the_pool_model_gives(shown, drawn, book, read):
    inputs = PoolInputs(100, 0.5, (0.0, 0.2, 0.4), 200, (0.39, 0.4, 0.41))
    result = pool_value(inputs, months=12, draws=100)
    base = pool_value(PoolInputs(**inputs.typical()), months=12, draws=1).value.value
    names, units = {key: what.label for key, what in FIELDS.items()}, {key: what.unit for key, what in FIELDS.items()}
    tornado(book("en"), result.tornado, base=base, names=names, units=units)
    assert [row[0] for row in read(shown[0][0])[1][1:]] == ["Gain in orders from joining", "Contribution margin"]
    (low, *_), (high, *_) = ((bar[1], bar[0]) for bar in bars(drawn[0])[:2])
    assert low < base < high
