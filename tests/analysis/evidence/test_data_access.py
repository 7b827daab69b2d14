"""What the brand knows of its orders, shop by shop: by hand, and the rule."""

import pandas as pd
import polars as pl
import pytest
from pool_orders import log

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import data_access as access

UNTIL = "2024-12-31"
NAMES = ("customer_id", "ordered_at", "amount", "sold_through", "acquired_through", "cost")
ORDERS = log(
    (1, "2024-01-01", 10.0, "own", "wecom", 5.0), (2, "2024-01-02", 30.0, "own", None, None),
    (None, "2024-01-03", 50.0, "douyin", "feed", None), (3, "2024-01-04", 10.0, "douyin", "feed", None),
    (4, "2024-01-05", 100.0, None, None, 1.0), (5, "2025-01-05", 100.0, "own", None, None),
    names=NAMES,
)  # fmt: skip
DEFINITIONS = pd.DataFrame({"channel": ["feed", "search", "wecom"], "data_access": [0.0, 0.5, 0.9]})


@pytest.mark.parametrize("engine", [lambda table: table, lambda table: pl.from_pandas(table).lazy()])
def test_by_hand(engine):
    channels = {"feed": {"domain": "public"}, "search": "public", "wecom": "private", "app": "private"}
    found = access.data_access(engine(ORDERS), UNTIL, channels, DEFINITIONS)
    table = found.table.set_index("shop")
    assert table["orders"].to_dict() == {"all": 5, "unknown": 1, "douyin": 2, "own": 2}
    assert table.at["douyin", "linked_revenue"] == pytest.approx(1 / 6)
    assert table["known_acquired_through"].to_dict() == {"all": 0.6, "unknown": 0, "douyin": 1, "own": 0.5}
    assert table.at["own", "known_cost"] == 0.5
    assert table["known_refunded"].isna().all()
    assert found.figures["data_linked"].value == 0.75
    assert "douyin" in found.figures["data_worst_shop"].definition.en
    assert found.figures["data_score_public"].value == 0.25
    assert found.figures["data_score_private"].value == 0.9
    assert found.rule.agrees == "agrees"


def test_the_rule():
    nearly = pd.concat([log(*((i, "2024-01-01", 10.0, "own") for i in range(9)), names=NAMES[:4]),
                        log((None, "2024-01-01", 10.0, "own"), names=NAMES[:4])])  # fmt: skip
    assert access.data_access(nearly, UNTIL).rule.agrees == "disagrees"
    assert access.data_access(nearly.dropna(), UNTIL).rule.agrees == "cannot be told"  # others may have been left out


@pytest.mark.parametrize("orders", [log(), log(("a", "2024-05-01", 0.0)), log((None, "2024-05-01", 5.0))])
def test_odd_brands(orders):
    found = access.data_access(orders, UNTIL, {"feed": "public"}, DEFINITIONS[["channel"]])
    assert found.rule.agrees == "cannot be told"
    assert isinstance(found.figures["data_worst_shop"], Refused)
    assert isinstance(found.figures["data_score_public"], Refused)
