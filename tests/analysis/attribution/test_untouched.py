"""Untouched orders: counted by hand from orders and touches, on several engines, and refused where nothing is known."""

import duckdb
import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.attribution.journeys import journeys
from siyu_helpers.analysis.attribution.untouched import NAMES, untouched_orders
from siyu_helpers.analysis.estimates import Refused, wilson

DAY = pd.Timestamp("2024-01-01")
DOMAINS = {"feed": "public", "wecom": "private", "referral": "private", "sms": "private"}


def touches():
    """Customers 0 to 59 touch feed on day 10; the first 20 of them then wecom."""
    rows = [(who, 10, "feed") for who in range(60)] + [(who, 11, "wecom") for who in range(20)]
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "channel"])
    return frame.assign(visitor_id=frame["customer_id"], touched_at=DAY + pd.to_timedelta(frame.pop("day"), "D"))


def orders():
    """A first order on day 12 of customers 0 to 99, and a second one on day 40 of customers 50 to 99."""
    frame = pd.DataFrame({"customer_id": [*range(100), *range(50, 100)], "day": [12] * 100 + [40] * 50})
    through = ["feed"] * 60 + ["referral"] * 30 + ["feed"] * 6 + [None] * 4 + ["sms"] * 50
    frame = frame.assign(amount=10.0, acquired_through=through)
    return frame.assign(ordered_at=DAY + pd.to_timedelta(frame.pop("day"), "D"))


def test_first_orders_by_hand():
    """Of 100 first orders 40 have no touch: 30 by referral, 6 by feed, 4 not known. The pool closes 20 + 30."""
    made = journeys(touches(), orders(), conversions_of="new_customers")
    assert made.attrs["untouched"] == {"feed": 6, "referral": 30, "unknown": 4}
    assert sum(made.attrs["untouched"].values()) == made.attrs["flow"]["orders_without_touch"]
    found = untouched_orders(made, DOMAINS)
    assert [found[name].value for name in NAMES] == [0.4, 0.75, 0.5]
    assert [found[name].n for name in NAMES] == [100, 40, 100]
    assert (found["private"].low, found["private"].high) == tuple(end[0] for end in wilson([30], [40]))
    assert found["channel"] == "referral"
    assert "新客首单" in found["untouched"].definition_in("zh")


def test_all_orders_by_hand():
    """The 50 second orders have no touch in their window either: each journey ends with the first order."""
    made = journeys(touches(), orders(), 20)
    assert made.attrs["untouched"] == {"feed": 6, "referral": 30, "sms": 50, "unknown": 4}
    found = untouched_orders(made, DOMAINS)
    assert (found["untouched"].value, found["channel"]) == (90 / 150, "sms")
    assert found["closed_of_all"].value == pytest.approx((20 + 80) / 150)


def test_only_orders_of_the_period_count():
    made = journeys(touches(), orders(), 20, ended_from="2024-02-01", observed_until="2024-02-29")
    assert made.attrs["untouched"] == {"sms": 50}
    assert made.attrs["flow"]["orders_without_touch"] == 50
    early = journeys(touches(), orders(), 20, observed_until="2024-01-20")
    assert early.attrs["untouched"] == {"feed": 6, "referral": 30, "unknown": 4}


def test_a_journey_of_a_person_is_not_an_order():
    made = journeys(touches(), orders(), 90, per="person")
    assert sum(made.attrs["untouched"].values()) == made.attrs["flow"]["orders_without_touch"]
    found = untouched_orders(made, DOMAINS)
    assert isinstance(found["closed_of_all"], Refused)
    assert not isinstance(found["untouched"], Refused)


def test_orders_of_direct_traffic_alone_are_neither_untouched_nor_closed_by_the_pool():
    made = journeys(touches(), orders(), conversions_of="new_customers", direct="feed", direct_rule="drop")
    found = untouched_orders(made, DOMAINS)
    assert [found[name].value for name in NAMES] == [0.4, 0.75, 0.5]


@pytest.mark.parametrize("engine", ["polars", "lazy", "duckdb", "categories"])
def test_engines_agree(engine):
    home = orders()
    home["acquired_through"] = home["acquired_through"].astype("category" if engine == "categories" else "str")
    given = {
        "polars": lambda: pl.from_pandas(home),
        "lazy": lambda: pl.from_pandas(home).lazy(),
        "duckdb": lambda: duckdb.from_arrow(pl.from_pandas(home).to_arrow()),
        "categories": lambda: home,
    }[engine]()
    made = journeys(touches(), given, conversions_of="new_customers")
    assert made.attrs["untouched"] == {"feed": 6, "referral": 30, "unknown": 4}


def test_neither_the_order_of_rows_nor_a_channel_called_unknown_matters():
    shuffled = orders().sample(frac=1, random_state=3)
    shuffled["acquired_through"] = shuffled["acquired_through"].replace("feed", "unknown")
    made = journeys(touches(), shuffled, conversions_of="new_customers")
    assert made.attrs["untouched"] == {"referral": 30, "unknown": 10}


def test_what_is_not_known_is_refused():
    plain = journeys(touches(), orders().drop(columns="acquired_through"))
    assert "untouched" not in plain.attrs
    by_hand = pd.DataFrame({"path": [("feed",)], "conversions": [3], "nulls": [0]})
    every = journeys(touches(), orders()[:60])
    assert every.attrs["untouched"] == {}
    for table in (plain, by_hand, every):
        found = untouched_orders(table, DOMAINS)
        assert {type(found[name]) for name in NAMES} == {Refused}
        assert found["channel"] is None
    assert "acquired_through" in untouched_orders(plain, DOMAINS)["private"].reason_en
    few = untouched_orders(journeys(touches(), orders().iloc[[0, 1, 70]]), DOMAINS)
    assert few["closed_of_all"].seen == 3
    blank = journeys(touches(), orders().assign(acquired_through=None))
    found = untouched_orders(blank, DOMAINS)
    assert found["private"].value == 0
    assert found["channel"] is None
    none = journeys(touches(), orders()[:0])
    assert none.attrs["untouched"] == {}


def test_orders_without_any_touch_at_all():
    made = journeys(touches()[:0], orders())
    found = untouched_orders(made, DOMAINS)
    assert found["untouched"].value == 1
    assert found["closed_of_all"].value == 80 / 150
