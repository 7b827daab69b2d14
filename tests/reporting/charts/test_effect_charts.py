"""Effects along an axis: hollow before the event, filled after; the best number of messages is marked and shaded."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.reporting import charts

EVENTS = pd.DataFrame(
    {
        "event_time": [1, -2, 0, -1],
        "value": [0.2, 0.01, 0.3, 0.0],
        "low": [-0.1, -0.02, 0.2, np.nan],
        "high": [0.5, 0.04, 0.4, np.nan],
        "stores": [20, 24, 24, 24],
    }
)


def events(ledger, table=EVENTS, **more):
    how = {"n": "stores", "unit": "orders per customer", "event_words": ("门店上线", "Pool opens")} | more
    charts.event_study(
        ledger, table, title_zh="上线前后", title_en="Before and after",
        x_words=("距上线的月数", "Months since opening"), value_words=("多下的订单（笔）", "Orders added"), **how,
    )  # fmt: skip


def marks(figure, shape):
    places = [(x, y) for line in figure.axes[0].lines if line.get_marker() == shape
              for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]  # fmt: skip
    return sorted(places)


def test_an_event_study_is_complete_and_tells_leads_from_lags(shown, drawn, book, read, complete):
    events(book())
    complete("上线前后", "Before and after", 24)
    alt, rows = read(shown[1][0])
    assert alt == (
        "Effects by months since opening: orders added. Before the event 2 periods, 1 of their intervals contain zero. "
        "0.3 orders per customer in period 0, 0.2 orders per customer in period 1; the intervals of 1 of 2 periods "
        "exclude zero."
    )
    assert rows[1:] == [
        ["-2", "0.01 orders per customer", "-0.02 orders per customer", "0.04 orders per customer"],
        ["-1", "0 orders per customer", "", ""],
        ["0", "0.3 orders per customer", "0.2 orders per customer", "0.4 orders per customer"],
        ["1", "0.2 orders per customer", "-0.1 orders per customer", "0.5 orders per customer"],
    ]
    assert (
        "事件之前 2 期，1 个区间含零。第 0 期 0.3 笔/人，第 1 期 0.2 笔/人；2 期中 1 期的区间不含零。"
        in read(shown[0][0])[0]
    )


def test_leads_are_hollow_lags_filled_and_the_event_stands_between(shown, drawn, book):
    events(book("en"))
    assert marks(drawn[0], "o") == [(-2, 0.01), (-1, 0.0)]
    assert marks(drawn[0], "s") == [(0, 0.3), (1, 0.2)]
    faces = {line.get_marker(): line.get_markerfacecolor() for line in drawn[0].axes[0].lines}
    assert faces["o"] == "white" != faces["s"]
    assert any(list(line.get_xdata()) == [-0.5, -0.5] for line in drawn[0].axes[0].lines)
    assert "Pool opens" in drawn[0].texts_seen
    assert len(marks(drawn[0], "_")) == 6


def test_months_since_joining_have_no_event_line_and_no_legend(shown, drawn, book):
    months = pd.DataFrame(
        {"month": [1, 2, 3], "value": [0.2, 0.15, 0.1], "low": [0.1, 0.05, -0.1], "high": [0.3, 0.25, 0.3]}
    )
    events(book(), months, x="month", n=500)
    assert drawn[0].axes[0].get_legend() is None
    assert "门店上线" not in drawn[0].texts_seen
    assert not marks(drawn[0], "o")
    assert len(marks(drawn[0], "s")) == 3
    low, high = drawn[0].axes[0].get_ylim()
    assert low < 0 < high


def test_far_ends_are_arrows_and_blanks_have_no_mark(shown, drawn, book):
    table = EVENTS.assign(high=[np.inf, 0.04, 0.4, np.nan], low=[-900, -0.02, 0.2, np.nan])
    table.loc[1, "value"] = np.nan
    events(book("en"), table)
    assert (len(marks(drawn[0], "^")), len(marks(drawn[0], "v"))) == (1, 1)
    assert drawn[0].axes[0].get_ylim()[0] > -2
    assert any("arrow" in text for text in drawn[0].texts_seen)
    assert len(marks(drawn[0], "_")) == 2
    with pytest.raises(ValueError, match="twice"):
        events(book(), pd.concat([EVENTS, EVENTS]))
    events(book("en"), EVENTS.assign(value=np.nan))
    assert len(drawn) == 1
    assert "nothing to show yet" in shown[1][0]


def test_only_leads_is_a_picture_too(shown, drawn, book, read):
    events(book("en"), EVENTS[EVENTS["event_time"] < 0])
    assert read(shown[0][0])[0].endswith("Before the event 2 periods, 1 of their intervals contain zero.")


CURVE = pd.DataFrame(
    {"sent": [0.0, 2, 4, 8], "value": [6.0, 9, 8, -4], "low": [5.0, 8, 7, -6], "high": [7.0, 10, 9, -2]}
)


def estimate(value, low, high):
    return Estimate(value, low, high, 0.9, 500, "messages per customer", "d", "x.y")


def frequency(ledger, table=CURVE, **more):
    how = {"x": "sent", "n": 700, "source": "orders"} | more
    charts.frequency(
        ledger, table, title_zh="发多少条最好", title_en="How many are best?",
        value_words=("每月贡献毛利", "Contribution a month"), **how,
    )  # fmt: skip


def test_the_curve_is_complete_and_says_where_it_is_now_and_best(shown, drawn, book, read, complete):
    frequency(book(), present=6.0, best=estimate(2.2, 1.5, 3.1))
    complete("发多少条最好", "How many are best?", 700)
    assert read(shown[1][0])[0] == (
        "Curve of contribution a month by promotional messages a month. Highest $9.00 at 2; $6.00 at 0, -$4.00 at 8. "
        "Now: 6.0; Best: 2.2 (1.5 to 3.1)."
    )
    assert "目前：6.0；最好：2.2（1.5 至 3.1）。" in read(shown[0][0])[0]
    assert read(shown[1][0])[1][1] == ["0", "$6.00", "$5.00", "$7.00"]


def test_marks_stand_on_the_curve_and_the_best_interval_is_hatched(shown, drawn, book):
    frequency(book("en"), present=6.0, best=estimate(3.0, 1.5, np.inf))
    assert marks(drawn[0], "s") == [(6.0, 2.0)]
    assert marks(drawn[0], "D") == [(3.0, 8.5)]
    stretch = next(patch for patch in drawn[0].axes[0].patches if patch.get_hatch())
    assert stretch.get_x() == 1.5
    assert stretch.get_x() + stretch.get_width() == drawn[0].axes[0].get_xlim()[1]
    legend = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert legend == ["Now: 6.0", "Best: 3.0 (1.5 or more)"]
    frequency(book("en"), present=estimate(6.0, 6.0, 6.0), best=Estimate.exact(2.0, 9, "x", "d", "x.y"))
    assert [text.get_text() for text in drawn[1].axes[0].get_legend().get_texts()] == ["Now: 6.0", "Best: 2.0"]
    assert not any(patch.get_hatch() for patch in drawn[1].axes[0].patches)


def test_what_is_refused_or_beyond_the_curve_has_no_mark_on_it(shown, drawn, book):
    frequency(book("en"), present=estimate(12.0, 11.5, 12.5), best=Refused("spread", 1, 2, "不", "no"))
    assert not marks(drawn[0], "s")
    assert not marks(drawn[0], "D")
    assert drawn[0].axes[0].get_xlim()[1] > 12
    assert not any("hatched" in text for text in drawn[0].texts_seen)
    frequency(book("en"))
    assert drawn[1].axes[0].get_legend() is None


def test_a_curve_above_zero_begins_there_and_an_empty_one_is_a_sentence(shown, drawn, book):
    frequency(book("en"), CURVE.head(3))
    assert drawn[0].axes[0].get_ylim()[0] == 0
    frequency(book("en"), CURVE.head(1))
    frequency(book("en"), CURVE.head(0))
    assert len(drawn) == 2
    assert "nothing to show yet" in shown[2][0]
