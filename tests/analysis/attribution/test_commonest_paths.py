"""Commonest paths, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.attribution.commonest_paths import commonest_paths, one_channel_share
from siyu_helpers.analysis.estimates import Refused, wilson

TABLE = pd.DataFrame(
    {
        "path": [("feed", "wecom", "wecom"), ("feed", "wecom"), ("feed",), ("search", "wecom"), ("sms",)],
        "conversions": [2.0, 3.0, 1.0, 5.0, 0.0],
        "nulls": [0.0, 15.0, 79.0, 5.0, 40.0],
    }
)
DOMAINS = {"feed": "public", "search": "public", "wecom": "private", "sms": "private"}


def test_repeats_in_a_row_are_one_step():
    made = commonest_paths(TABLE).set_index("path")
    assert made.loc[[("feed", "wecom")], ["journeys", "conversions"]].to_numpy().tolist() == [[20, 5]]
    assert made["share_of_conversions"].sum() == pytest.approx(1)
    assert made.attrs["shown_conversions"] == 1
    low, high = wilson([5], [20])
    row = made.loc[[("feed", "wecom")]].iloc[0]
    assert (row["conversion_rate_low"], row["conversion_rate_high"]) == pytest.approx((low[0], high[0]))
    kept = commonest_paths(TABLE, collapse=False)
    assert kept["path"].tolist()[1:4] == [("feed", "wecom"), ("feed", "wecom", "wecom"), ("feed",)]


def test_order_of_the_commonest():
    """Of two with 5 orders the one with more journeys comes first; by journeys the single touch leads."""
    assert commonest_paths(TABLE)["path"].tolist()[:2] == [("feed", "wecom"), ("search", "wecom")]
    assert commonest_paths(TABLE, by="journeys")["path"].tolist()[:2] == [("feed",), ("sms",)]
    few = commonest_paths(TABLE, n=2)
    assert len(few) == 2
    assert few.attrs["paths"] == 4
    assert few.attrs["shown_conversions"] == pytest.approx(10 / 11)
    assert few.attrs["shown_journeys"] == pytest.approx(30 / 150)


def test_paths_of_domains():
    made = commonest_paths(TABLE, DOMAINS)
    assert made["path"].tolist() == [("public", "private"), ("public",), ("private",)]
    assert made["conversions"].tolist() == [10, 1, 0]
    assert commonest_paths(TABLE, {"feed": "public"})["path"].tolist()[:2] == [("unknown",), ("public", "unknown")]


def test_rows_may_come_in_any_order_and_split():
    again = pd.concat([TABLE.iloc[::-1].assign(conversions=1.0), TABLE.assign(conversions=TABLE["conversions"] - 1)])
    again = again[again["conversions"] >= 0].assign(nulls=0.0)
    plain = TABLE[TABLE["conversions"] > 0].assign(nulls=0.0)
    again = again[[path != ("sms",) for path in again["path"]]]
    pd.testing.assert_frame_equal(commonest_paths(plain), commonest_paths(again))


def test_without_nulls_there_is_no_rate():
    made = commonest_paths(TABLE.assign(nulls=0.0))
    assert made["conversion_rate"].isna().all()
    assert made["conversion_rate_low"].isna().all()
    assert len(made) == 3  # a path that nobody took is not among them


def test_odd_tables():
    assert commonest_paths(TABLE.iloc[:0]).empty
    nothing = commonest_paths(TABLE.assign(conversions=0.0))
    assert nothing["share_of_conversions"].isna().all()
    assert (nothing["conversion_rate"] == 0).all()
    assert not np.isinf(nothing["conversion_rate_high"]).any()
    with pytest.raises(ValueError, match="n must be"):
        commonest_paths(TABLE, n=0)
    with pytest.raises(ValueError, match="did you mean 'conversions'"):
        commonest_paths(TABLE, by="conversion")


def test_orders_that_touched_one_channel_only():
    """Of 11 orders 1 touched the feed alone, 4 the shop alone; journeys without an order do not count."""
    both = [("feed", "shop"), ("shop", "feed", "shop")]
    table = pd.DataFrame(
        {"path": [("feed",), ("shop", "shop", "shop"), ("shop", "shop"), *both, ("sms",)],
         "conversions": [1, 3, 1, 4, 2, 0], "nulls": [70, 0, 0, 9, 0, 50]}
    )  # fmt: skip
    share = one_channel_share(table, level=0.8)
    assert share.value == pytest.approx(5 / 11)
    assert (share.low, share.high) == pytest.approx(tuple(float(end) for end in wilson(5, 11, 0.8)))
    assert (share.n, share.unit, share.level) == (11, "share", 0.8)
    shuffled = table.sample(frac=1, random_state=1, ignore_index=True)
    assert one_channel_share(shuffled, level=0.8).value == share.value


def test_the_share_of_one_channel_at_its_ends():
    alone = pd.DataFrame({"path": [("feed",), ("wecom", "wecom")], "conversions": [2, 1]})
    assert one_channel_share(alone).value == 1
    assert one_channel_share(alone.assign(path=[("feed", "wecom"), ("wecom", "feed")])).value == 0
    for none in (alone[:0], alone.assign(conversions=0)):
        assert isinstance(one_channel_share(none), Refused)
    assert one_channel_share(alone.assign(conversions=[0.5, 0.25])).value == 1  # fractions, of ready-made tables
