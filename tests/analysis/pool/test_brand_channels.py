"""What the tables show of a brand's channels, by hand: cost, reach, two occasions; odd tables."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.analysis.pool.brand_channels import brand_channels, two_links
from siyu_helpers.analysis.pool.channel_scores import CRITERIA

UNTIL = "2024-06-30"
DEFINITIONS = pd.DataFrame({"channel": ["wecom", "feed"], "name_zh": ["企微", "信息流"], "name_en": ["WeCom", "Feed"]})
DEFINITIONS = DEFINITIONS.assign(**{key: [0.9, 0.1] for key in CRITERIA})
# Four customers: two in the pool all the while, one who joins in the window, one who left in it.
STAYS = pd.DataFrame({
    "customer_id": ["a", "b", "c", "d"],
    "joined_at": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-05-16", "2024-01-01"]),
    "left_at": pd.to_datetime([None, None, None, "2024-05-01"]),
})  # fmt: skip
SENT = pd.DataFrame(
    [
        ("a", "2024-06-01 09:00", "wecom", True, 0.1), ("a", "2024-06-01 18:00", "wecom", True, 0.1),  # one occasion
        ("b", "2024-06-01", "wecom", True, 0.1), ("b", "2024-06-09", "wecom", True, None),
        ("b", "2024-06-10", "wecom", False, 9.9), ("a", "2024-06-11", "sms", True, 0.5),
        ("c", "2024-06-11", "wecom", True, 0.1), ("z", "2024-06-11", "wecom", True, 0.1),  # z is in no pool
        ("a", "2024-03-01", "wecom", True, 0.1), ("a", "2024-07-01", "wecom", True, 0.1),  # outside the window
    ],
    columns=["customer_id", "sent_at", "channel", "delivered", "cost"],
).assign(sent_at=lambda table: pd.to_datetime(table["sent_at"], format="ISO8601"))  # fmt: skip


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_measures_by_hand(engine):
    sent = {
        "pandas": SENT, "polars": pl.from_pandas(SENT).lazy(),
        "duckdb": duckdb.connect().from_arrow(pl.from_pandas(SENT).to_arrow()),
    }[engine]  # fmt: skip
    found = brand_channels(DEFINITIONS, {"wecom": "private", "feed": "semi"}, sent, STAYS, UNTIL).set_index("channel")
    row = found.loc["wecom"]
    assert row["delivered"] == 6
    assert row["cost_per_message"] == pytest.approx(0.5 / 6)
    months = (90 + 90 + 46 + 29) / (365.25 / 12)  # days in the pool from 2 April to 30 June
    assert row["per_customer_month"] == pytest.approx(5 / months)
    assert row["reached_twice"] == 0.5  # of a and b, b
    assert found["agrees"].tolist() == [True, False]
    assert found.loc["feed", ["delivered", "reached_twice"]].isna().all()


def test_two_links_over_all_channels_and_other_counts():
    assert two_links(SENT, STAYS, UNTIL).value == 1.0  # a: a text on another day
    assert two_links(SENT, STAYS, UNTIL, times=3).value == 0.0
    assert two_links(SENT, STAYS, UNTIL, "wecom").n == 2
    assert two_links(SENT.drop(columns="delivered"), STAYS, UNTIL, "wecom", times=3).value == 0.5


def test_domains_names_and_channels_that_are_not_in_the_table():
    found = brand_channels(DEFINITIONS, {"wecom": {"domain": "private", "zh": "小店企微", "en": "Ours"}, "new": "semi"})
    assert found["zh"].tolist() == ["小店企微", "new"]
    assert found["definition"].tolist() == ["private", ""]
    assert found["agrees"].tolist() == [True, None]
    with pytest.raises(ValueError, match="domain"):
        brand_channels(DEFINITIONS, {"wecom": "mine"})


def test_odd_tables():
    assert two_links(None, STAYS, UNTIL).gate == "messages"
    assert two_links(SENT, None, UNTIL).gate == "members"
    assert two_links(SENT, STAYS[:0], UNTIL).gate == "members"
    assert two_links(SENT, STAYS[2:3], UNTIL).gate == "members"  # nobody for all of the window
    assert two_links(SENT[:0], STAYS, UNTIL).value == 0
    assert isinstance(two_links(SENT.drop(columns=["cost", "delivered"]), STAYS, UNTIL), Estimate)
    assert brand_channels(DEFINITIONS, {}, SENT, STAYS, UNTIL).empty
    none = brand_channels(DEFINITIONS, {"wecom": "private"}, SENT.assign(cost=np.nan), STAYS[:0], UNTIL)
    assert np.isnan(none["delivered"][0])
    free = brand_channels(DEFINITIONS, {"wecom": "private"}, SENT.assign(cost=np.nan), STAYS, UNTIL)
    assert np.isnan(free["cost_per_message"][0])
