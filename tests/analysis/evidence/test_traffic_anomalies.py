"""Strange touches and impossible counts: by hand, and the rule by construction."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pool_orders import log

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import traffic_anomalies as traffic

UNTIL = "2024-12-31"
ORDERS = log(*((i, "2024-06-01", 9.0) for i in range(4)))
DAY = pd.Timestamp("2024-06-01")


def report(impressions=100.0, clicks=50.0, visitors=40.0, days=200, **more):
    table = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=days), "channel": "feed", "spend": 10.0})
    return table.assign(impressions=impressions, clicks=clicks, visitors=visitors, **more)


def touches(*rows):
    table = pd.DataFrame(list(rows), columns=["visitor_id", "touched_at", "channel", "customer_id"])
    return table.assign(touched_at=pd.to_datetime(table["touched_at"], format="mixed"))


TOUCHES = touches(
    ("v1", "2024-06-01 10:00:00", "feed", 1), ("v1", "2024-06-01 10:00:00", "feed", 2),  # the same moment again
    ("v1", "2024-06-01 10:00:01", "feed", 3), ("v1", "2024-06-01 10:00:00", "search", 3),
    ("v2", "2024-06-01 10:00:00", "feed", 4), ("v3", "2025-01-01 10:00:00", "feed", 4), (None, "2024-06-01", "feed", 1),
)  # fmt: skip


@pytest.mark.parametrize("engine", [lambda table: table, pl.from_pandas, lambda table: pl.from_pandas(table).lazy()])
def test_by_hand(engine):
    spend = report(days=2, clicks=[150.0, 50.0], claimed_conversions=[60.0, 20.0])
    found = traffic.traffic_anomalies(engine(TOUCHES), engine(spend), engine(ORDERS), UNTIL)
    feed = found.table.set_index("channel").loc["feed"]
    assert feed["impossible_days"] == 1  # 150 clicks of 100 impressions
    assert feed[["touches", "strange_touches"]].tolist() == [4, 1]
    assert feed["cost_per_visitor"] == 20 / 80
    assert feed["claimed_per_visitor"] == 1
    assert feed["arriving"] == 80 / 200
    assert found.figures["anomalies_touches"].value == 1 / 5
    assert found.figures["anomalies_devices"].value == 1 / 2  # v1 has three customers
    assert found.figures["anomalies_not_arriving"].value == 120 / 200
    assert found.figures["anomalies_days"].value == 1 / 2


def test_more_touches_a_day_than_a_person_makes():
    many = touches(*(("bot", DAY + pd.Timedelta(seconds=i), "feed", None) for i in range(51)), ("v", DAY, "feed", None))
    found = traffic.traffic_anomalies(many, None, ORDERS, UNTIL)
    assert found.figures["anomalies_touches"].value == 51 / 52
    fewer = traffic.traffic_anomalies(many, None, ORDERS, UNTIL, most_a_day=51)
    assert fewer.figures["anomalies_touches"].value == 0


def test_dates_without_a_time_repeat_nothing():
    dated = touches(("v1", "2024-06-01", "feed", 1), ("v1", "2024-06-01", "feed", 1))
    assert traffic.traffic_anomalies(dated, None, ORDERS, UNTIL).figures["anomalies_touches"].value == 0


@pytest.mark.parametrize(("wrong", "agrees"), [(0.0, "disagrees"), (0.1, "agrees"), (0.01, "cannot be told")])
def test_the_rule_by_impossible_days(wrong, agrees):
    spend = report(days=500, visitors=np.where(np.arange(500) < 500 * wrong, 60.0, 40.0))
    assert traffic.traffic_anomalies(None, spend, ORDERS, UNTIL).rule.agrees == agrees


def test_conversions_may_outnumber_the_days_visitors():
    found = traffic.traffic_anomalies(None, report(claimed_conversions=90.0), ORDERS, UNTIL)
    assert found.figures["anomalies_days"].value == 0


def test_platforms_that_claim_more_orders_than_there_were_are_not_called_clean():
    found = traffic.traffic_anomalies(None, report(days=500, claimed_conversions=90.0), ORDERS, UNTIL)
    assert found.figures["anomalies_claimed"].value > 1
    assert (found.rule.agrees, "more orders than there were" in found.rule.reading.en) == ("cannot be told", True)


@pytest.mark.parametrize("spend", [None, report()[["date", "channel", "spend"]], report(days=0),
                                   report(days=3, clicks=np.nan, visitors=np.nan, impressions=np.nan)])  # fmt: skip
def test_without_counts_nothing_is_said(spend):
    for seen in (None, TOUCHES[:0]):
        found = traffic.traffic_anomalies(seen, spend, ORDERS, UNTIL)
        assert isinstance(found.figures["anomalies_days"], Refused)
        assert found.rule.agrees == "cannot be told"
