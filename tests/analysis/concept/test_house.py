"""The house: scores by hand, measures of a brand whose tables can be read at a glance, and brands without tables."""

import math

import pandas as pd
import pytest
from pool_orders import log, stays

from siyu_helpers.analysis.concept.house import COLUMNS, FIGURES, PARTS, house, house_measures, house_of_brand
from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.data.simulate import simulate

UNTIL = "2024-12-31"
ORDERS = log(
    ("a", "2024-03-01", 10.0, "feed", None), ("b", "2024-03-01", 10.0, "feed", None),
    ("c", "2024-06-01", 10.0, "shop", None), ("d", "2024-06-01", 10.0, "feed", "a"),
    ("e", "2024-12-20", 10.0, "feed", None),  # new too late to be asked
    ("f", "2022-01-01", 10.0, "feed", None),  # no buyer of the year
    names=("customer_id", "ordered_at", "amount", "acquired_through", "referrer_id"),
)  # fmt: skip
MEMBERS = stays(
    ("a", "2024-02-01", None), ("b", "2024-03-31 23:00", "2024-05-01"), ("c", "2024-07-02", None),
    ("e", "2024-12-21", None), ("f", "2024-06-01", "2024-08-30 00:00"),
).assign(account_id=[1, 1, 2, 1, 2])  # fmt: skip
ACCOUNTS = pd.DataFrame({"account_id": [1, 2], "opened_at": pd.to_datetime(["2023-01-01"] * 2), "staff": ["x", "x"]})
MESSAGES = pd.DataFrame({"customer_id": ["a", "a"], "channel": ["own", "feed"], "kind": ["promotion", "service"],
                         "sent_at": pd.to_datetime(["2024-05-01"] * 2)})  # fmt: skip
CHANNELS = {"own": "private", "shop": {"domain": "private"}, "feed": "public"}


def test_measures_by_hand():
    found = house_measures(ORDERS, UNTIL, MEMBERS, MESSAGES, ACCOUNTS, CHANNELS)
    told = {part: (fact.value, fact.n) for part, fact in found.items()}
    assert told["location"] == (pytest.approx(3 / 5), 5)  # a, c, e of a to e
    assert told["access"] == (pytest.approx(2 / 4), 4)  # a before, b on the 30th day, c one day too late, d never
    assert told["comfort"] == (pytest.approx(2 / 4), 4)  # a and c stay; b left; f left at the end of the 90th day
    assert told["rooms"] == (pytest.approx(3 / 4), 4)  # writing, selling, friends; the service message was not ours
    assert told["stewards"] == (3.0, 3)
    assert told["plots"] == (pytest.approx(1 / ((2 / 3) ** 2 + (1 / 3) ** 2)), 3)
    assert "in use: writing, selling, bringing friends" in found["rooms"].definition.en


def test_scores_by_hand():
    # one employee: 250 days x 8 hours x 60 = 120,000 minutes a year
    found = house(0.3, 0.2, 0.9, 0.75, 20_000, 4, minutes_per_customer=12)
    scores = found.table.set_index("part")["score"]
    assert scores.tolist() == pytest.approx([0.3, 0.2, 0.9, 0.75, 120_000 / 12 / 20_000, 0.75])
    assert house(stewards=20_000, minutes_per_customer=3).figures["house_score_stewards"].value == 1
    assert house(plots=1).figures["house_score_plots"].value == 0
    measure = Estimate(0.3, 0.2, 0.4, 0.9, 50, "share", "buyers in the pool", "f")
    score = house(location=measure).figures["house_score_location"]
    assert (score.value, score.low, score.high) == (0.3, 0.2, 0.4)
    assert score.function == "siyu_helpers.analysis.concept.house.house"


def test_no_score_without_a_table():
    for found in (house(), house_of_brand(ORDERS[["customer_id", "ordered_at", "amount"]], UNTIL)):
        assert list(found.table.columns) == COLUMNS
        assert found.table["part"].tolist() == list(PARTS)
        assert found.table["score"].isna().all()
        assert (found.table["reason_zh"] != "").all()
        assert not any(isinstance(fact, Estimate) for fact in found.figures.values())
        assert set(found.figures) == set(FIGURES)


def test_each_part_needs_its_own_table():
    def gates(**changed):
        given = {"members": MEMBERS, "messages": MESSAGES, "accounts": ACCOUNTS, "channels": CHANNELS} | changed
        found = house_measures(given.pop("orders", ORDERS), UNTIL, **given)
        return {part: fact.needed for part, fact in found.items() if not isinstance(fact, Estimate)}

    assert gates() == {}
    assert gates(members=MEMBERS.drop(columns="left_at")) == {"comfort": "members.left_at"}
    assert set(gates(members=MEMBERS.drop(columns="account_id"))) == {"plots"}
    assert gates(accounts=None) == {"stewards": "accounts.staff"}
    assert gates(accounts=ACCOUNTS.drop(columns="staff")) == {"stewards": "accounts.staff"}
    assert gates(messages=None, channels=None) == {}  # friends are seen in orders
    few = house_measures(ORDERS, UNTIL, MEMBERS, None, None, CHANNELS)["rooms"]
    assert (few.value, few.n) == (1.0, 2)
    assert set(gates(members=MEMBERS.iloc[:0])) == {"comfort", "stewards", "plots"}
    assert set(gates(orders=ORDERS.iloc[:0])) == {"location", "access"}
    none = house_measures(ORDERS, UNTIL, MEMBERS, MESSAGES.iloc[:0], ACCOUNTS, {"feed": "public"})["rooms"]
    assert none.value == pytest.approx(1 / 4)


def test_wrong_measures():
    for wrong in ({"location": 1.2}, {"stewards": 0}, {"plots": 0.5}, {"minutes_per_customer": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            house(**wrong)


def test_an_invented_brand_and_the_order_of_its_rows():
    made = simulate("xiaoman", customers=400, seed=2)
    tables = {name: made.tables[name] for name in ("members", "messages", "accounts")}
    channels = {"wecom": "private", "mini_program": "private"}
    found = house_of_brand(made.tables["orders"], "2025-12-31", channels=channels, **tables)
    mixed = house_of_brand(
        made.tables["orders"].sample(frac=1, random_state=1), "2025-12-31", channels=channels,
        **{name: table.sample(frac=1, random_state=1) for name, table in tables.items()},
    )  # fmt: skip
    pd.testing.assert_frame_equal(found.table, mixed.table, check_exact=True)
    assert found.figures == mixed.figures
    assert all(isinstance(fact, Estimate) and math.isfinite(fact.value) for fact in found.figures.values())
    assert found.table["score"].between(0, 1).all()
