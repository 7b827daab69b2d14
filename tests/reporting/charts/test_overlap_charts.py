"""Mirrored histograms: each group a share of itself, joiners above, comparators below, tiny chances on a log axis."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.reporting import charts

EDGES = [0.0001, 0.001, 0.01, 0.1, 0.3]
SCORES = pd.DataFrame(
    {
        "score_low": EDGES[:-1],
        "score_high": EDGES[1:],
        "share_treated": [0, 10, 80, 10],
        "share_comparators_weighted": [5.5, 55, 44, 5.5],
        "share_comparators": [90, 8, 1, 1],
    }
)


def overlap(ledger, table=SCORES, **more):
    charts.overlap(
        ledger, table, title_zh="是否重叠", title_en="Do they overlap?", **({"n": 210, "unweighted": None} | more)
    )


def heights(figure):
    return sorted(round(bar.get_height(), 3) for bar in figure.axes[0].patches)


def test_the_picture_is_complete_and_says_how_much_is_common(shown, drawn, book, read, complete):
    overlap(book(), unweighted="share_comparators")
    complete("是否重叠", "Do they overlap?", 210)
    alt, rows = read(shown[1][0])
    # Joiners 0, 10, 80, 10%; comparators 5, 50, 40, 5%: the smaller of both add up to 10 + 40 + 5. Before: 8 + 1 + 1.
    assert alt == (
        "Mirrored histograms of weekly chance of joining (propensity score), 4 bins. Joiners: most at 1%–10%; "
        "Comparators, weighted: most at 0.1%–1%; Comparators, before weighting: most at 0.01%–0.1%. In common 55.0% "
        "(before weighting 10.0%)."
    )
    assert rows[2] == ["0.1%–1%", "10.0%", "50.0%", "8.0%"]
    assert read(shown[0][0])[0].endswith("两者重合 55.0%（加权前 10.0%）。")


def test_joiners_stand_above_and_comparators_below_as_shares_of_themselves(shown, drawn, book):
    overlap(book("en"))
    assert heights(drawn[0]) == [-0.5, -0.4, -0.05, -0.05, 0.0, 0.1, 0.1, 0.8]
    assert len({bar.get_hatch() for bar in drawn[0].axes[0].patches}) == 2
    overlap(book("en"), SCORES.assign(share_comparators_weighted=SCORES["share_comparators_weighted"] * 1000))
    assert heights(drawn[1]) == heights(drawn[0])
    low, high = drawn[0].axes[0].get_ylim()
    assert low == -high


def test_small_chances_are_on_a_logarithmic_axis_and_others_are_not(shown, drawn, book):
    overlap(book("en"))
    assert drawn[0].axes[0].get_xscale() == "log"
    assert {"0.01%", "0.1%", "1%", "10%"} <= set(drawn[0].texts_seen)
    tenths = pd.DataFrame(
        {"score_low": np.arange(0, 1, 0.1), "share_treated": 1.0, "share_comparators_weighted": np.arange(10.0)}
    )
    tenths["score_high"] = tenths["score_low"] + 0.1
    overlap(book("en"), tenths[tenths["score_low"] > 0.3])
    assert drawn[1].axes[0].get_xscale() == "linear"


def test_a_bin_from_zero_is_drawn_on_a_logarithmic_axis_too(shown, drawn, book, read):
    overlap(book("en"), SCORES.assign(score_low=[0.0, *EDGES[1:-1]]))
    assert drawn[0].axes[0].get_xlim()[0] == pytest.approx(0.0001)
    assert read(shown[0][0])[1][1][0] == "0%–0.1%"


def test_a_group_without_anybody_is_a_sentence(shown, drawn, book):
    overlap(book("en"), SCORES.assign(share_treated=0))
    overlap(book("en"), SCORES.head(0))
    assert not drawn
    assert all("nothing to show yet" in piece for piece, _ in shown)


def test_the_order_of_bins_changes_nothing(shown, book):
    overlap(book())
    overlap(book(), SCORES.sample(frac=1, random_state=1))
    assert shown[:2] == shown[2:]
