"""Orders without a key, counted by hand in several engines; a bound that holds where only comparators lose orders."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.effect import linkage
from siyu_helpers.analysis.effect.histories import read_histories
from siyu_helpers.analysis.effect.joining_effects import joining_effects
from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.effect.trials import weekly_trials
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data.simulate import simulate


def stays(customer):
    return pd.DataFrame({"customer_id": [customer], "joined_at": pd.to_datetime(["2024-01-02"])})


@pytest.fixture
def orders():
    rows = [
        (1, "2024-01-01", 100.0, 20.0, "own"),
        (1, "2024-02-01", 20.0, 0.0, "own"),
        (None, "2024-02-02", 50.0, 0.0, "own"),
        (2, "2024-01-03", 10.0, None, "douyin"),
        (None, "2024-03-01", 40.0, 0.0, "douyin"),
        (None, "2024-03-05", 7.0, 0.0, None),
        (3, "2025-01-01", 900.0, 0.0, "own"),
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount", "refunded", "sold_through"])
    ids = table["customer_id"].astype("Int64")
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]), customer_id=ids)


@pytest.mark.parametrize("engine", ["pandas", "polars", "lazy", "duckdb"])
def test_shares_by_hand(orders, engine):
    if engine in ("polars", "lazy"):
        orders = pl.from_pandas(orders)
    if engine == "lazy":
        orders = orders.lazy()
    if engine == "duckdb":
        orders = duckdb.sql("select * from orders")
    table = linkage.linked_share(orders, "2024-12-31").set_index("shop")
    assert list(table.index) == ["all", "own", "douyin", "unknown"]
    assert table["orders"].to_dict() == {"all": 6, "own": 3, "douyin": 2, "unknown": 1}
    assert table["revenue"].to_dict() == {"all": 207.0, "own": 150.0, "douyin": 50.0, "unknown": 7.0}
    assert table["linked_orders"].tolist() == pytest.approx([3 / 6, 2 / 3, 1 / 2, 0])
    assert table["linked_revenue"].tolist() == pytest.approx([110 / 207, 100 / 150, 10 / 50, 0])


def test_days_refunds_and_missing_column(orders):
    since = linkage.linked_share(orders, "2024-12-31", observed_from="2024-02-01")
    assert since.loc[0, "orders"] == 4
    gross = linkage.linked_share(orders, "2024-12-31", refunds="gross")
    assert gross.loc[0, "revenue"] == 227.0
    assert linkage.linked_share(orders.drop(columns="sold_through"), "2024-12-31")["shop"].tolist() == ["all"]
    none = linkage.linked_share(orders, "2020-01-01")
    assert isinstance(linkage.linked_of(none), Refused)


def test_facts_and_shops(orders):
    table = linkage.linked_share(orders, "2024-12-31")
    fact = linkage.linked_of(table)
    assert isinstance(fact, Estimate)
    assert (fact.is_exact, fact.n) == (True, 6)
    assert linkage.linked_of(table, "own", "orders").value == pytest.approx(2 / 3)
    assert isinstance(linkage.linked_of(table, "nowhere"), Refused)
    assert linkage.linked_channels_only(table) == []
    assert linkage.linked_channels_only(table, 0.5) == ["own"]
    with pytest.raises(ValueError, match="of must be one of"):
        linkage.linked_of(table, of="customers")


def test_bound_by_hand(orders):
    told = read_histories(orders, stays(2), "2024-12-31")
    flat = np.array([0.1, -0.1])
    seen = effect_of(3.0, flat, n=2, with_treatment=4.0, without_treatment=1.0, influence_without=flat)
    # From 2 January on: one repeat order of customer 1 outside the pool, three orders without a key.
    found = linkage.linked_bound(seen, orders, told)
    assert (found.value, found.without_treatment) == (pytest.approx(0.0), pytest.approx(4.0))
    assert found.influence == pytest.approx(flat - 3 * flat)
    # Revenue: 20 of customer 1, 97 without a key.
    assert linkage.linked_bound(seen, orders, told, "spend").value == pytest.approx(3 - 97 / 20)
    assert isinstance(linkage.linked_bound(seen, orders, told, "repurchase"), Refused)
    assert isinstance(linkage.linked_bound(effect_of(1.0, flat), orders, told), Refused)
    assert linkage.linked_bound(seen, orders, read_histories(orders, stays(9), "2024-12-31")).gate == "joiners"
    known = orders[orders["customer_id"].notna()]
    assert linkage.linked_bound(seen, known, told).value == 3.0


def test_lost_keys_make_an_effect_of_nothing_and_the_bound_takes_it_back():
    """A pool that does nothing; 40% of the orders of customers outside it lose their key."""
    off = {"effect_on_frequency": 0, "effect_on_basket": 0, "effect_on_dropout": 0, "message_lift": 0}
    tables = simulate("xiaoman", customers=4000, seed=3, selection="observed", **off).tables
    orders, members = tables["orders"], tables["members"]
    joined = orders["customer_id"].map(members.groupby("customer_id")["joined_at"].min())
    first = orders["ordered_at"] == orders.groupby("customer_id")["ordered_at"].transform("min")
    outside = ~(orders["ordered_at"] >= joined) & ~first
    lost = outside & (np.random.default_rng(1).random(len(orders)) < 0.4)
    masked = orders.assign(customer_id=orders["customer_id"].astype("Int64").mask(lost))
    told = read_histories(masked, members, "2025-12-31")
    trials = weekly_trials(masked, members, "2025-12-31", 90)
    seen = joining_effects(trials, ["orders"])["orders"]
    assert seen.low > 0  # an effect where there is none
    bound = linkage.linked_bound(seen, masked, told)
    assert bound.low < 0
    assert bound.value < seen.value / 2
