"""Discounts: every figure by hand on three customers, and verdicts on brands that differ by construction."""

import numpy as np
import pandas as pd
import pytest
from pool_orders import log, stays

from siyu_helpers.analysis.pool import discounts as cut
from siyu_helpers.data.simulate import simulate

NAMES = ("customer_id", "ordered_at", "amount", "list_amount", "refunded", "cost", "platform_fee", "acquired_through")
CHANNELS = {"feed": "public", "wecom": "private"}
ORDERS = log(
    ("a", "2024-01-01", 80.0, 100.0, 0.0, 40.0, 4.0, "feed"),
    ("a", "2024-02-01", 100.0, 100.0, None, 40.0, None, "wecom"),
    ("b", "2024-01-01", 90.0, 100.0, 90.0, 40.0, 0.0, "feed"),
    ("b", "2024-03-01", 45.0, 50.0, 0.0, 20.0, 0.0, None),
    ("c", "2024-01-01", 70.0, None, 0.0, 30.0, 5.0, "feed"),  # no list price
    names=NAMES,
)  # fmt: skip


def test_groups_by_hand():
    members = stays(("a", "2024-01-15", None))
    table = cut.discounts(ORDERS, "2024-12-31", CHANNELS, members).table.set_index(["kind", "group"])
    assert table.loc[("all", "all"), ["orders", "customers", "list_money", "discount_money", "deep"]].tolist() == [
        4, 2, 350.0, 35.0, 0.25,
    ]  # fmt: skip
    assert table["discount_money"].to_dict() == {
        ("all", "all"): 35.0, ("domain", "public"): 30.0, ("domain", "private"): 0.0, ("domain", "unknown"): 5.0,
        ("pool", "in the pool"): 0.0, ("pool", "outside"): 35.0,
    }  # fmt: skip
    assert table["discount"].isna().all()  # two customers have no interval


def test_waterfall_by_hand():
    table = cut.margin_waterfall(ORDERS, "2024-12-31").set_index("step")
    assert table["money"].to_dict() == {
        "list": 350.0, "discount": -35.0, "refunds": -90.0, "goods": -140.0, "fees": -4.0, "contribution": 81.0,
    }  # fmt: skip
    assert table.loc["contribution", "share"] == pytest.approx(81 / 350)
    no_costs = ORDERS.drop(columns=["cost", "platform_fee"])
    assert cut.margin_waterfall(no_costs, "2024-12-31", 0.4)["money"].tolist() == [350.0, -35.0, -90.0, -135.0, 90.0]
    assert cut.margin_waterfall(no_costs, "2024-12-31")["step"].tolist() == ["list", "discount", "refunds"]
    assert cut.margin_waterfall(ORDERS.drop(columns="list_amount"), "2024-12-31").empty


def copies(n=100):
    """The same three customers a hundred times over, so that the figures have intervals."""
    parts = [ORDERS.assign(customer_id=ORDERS["customer_id"] + str(i)) for i in range(n)]
    return pd.concat(parts, ignore_index=True)


def test_figures_by_hand():
    orders = copies()
    members = stays(*((f"a{i}", "2024-01-15", None) for i in range(100)))
    found = cut.discounts(orders, "2024-12-31", CHANNELS, members).figures
    value = {key.removeprefix("discount_"): round(fact.value, 6) for key, fact in found.items()}
    assert value == {
        "known_share": 0.8, "share": 0.1, "deep_share": 0.25, "public": 0.15, "private": 0.0, "gap": 15.0,
        "pool": 0.0, "others": round(35 / 250, 6), "pool_gap": -14.0, "full_price_repeat": 0.5,
        # paid less refunds 225, contribution 81; at list prices 250 of 350 are kept, as 100 are refunded
        "margin": round(81 / 225, 6), "margin_undiscounted": round((81 + 25) / 250, 6),
    }  # fmt: skip
    assert tuple(value) == cut.KEYS


def test_what_is_not_known_is_refused():
    orders = copies()[["customer_id", "ordered_at", "amount", "list_amount"]]
    found = cut.discounts(orders, "2024-12-31").figures
    assert {key for key, fact in found.items() if getattr(fact, "gate", "") == "data"} == {
        f"discount_{key}" for key in ("public", "private", "gap", "pool", "others", "pool_gap")
    }
    assert found["discount_margin"].gate == "contribution"
    assert cut.discounts(orders, "2024-12-31", gross_margin=0.4).figures["discount_margin"].value == pytest.approx(0.4)


def shop(public, private, n=300, seed=4):
    rng = np.random.default_rng(seed)
    off = np.where(np.arange(2 * n) < n, public, private) + rng.uniform(-0.05, 0.05, 2 * n)
    orders = pd.DataFrame({"customer_id": np.arange(2 * n), "list_amount": 100.0, "amount": 100 * (1 - off)})
    orders["acquired_through"] = np.repeat(["feed", "wecom"], n)
    return orders.assign(ordered_at=pd.Timestamp("2024-05-05"))


@pytest.mark.parametrize(
    ("public", "private", "wanted"),
    [(0.20, 0.10, "agrees"), (0.10, 0.20, "disagrees"), (0.10, 0.10, "disagrees"), (0.11, 0.10, "agrees")],
)
def test_the_rule(public, private, wanted):
    assert cut.discounts(shop(public, private), "2024-12-31", CHANNELS).rule.agrees == wanted


def test_a_small_difference_that_matters_not_does_not_agree():
    found = cut.discounts(shop(0.105, 0.10), "2024-12-31", CHANNELS)
    assert found.figures["discount_gap"].low < 1.0 < found.figures["discount_gap"].high or found.rule.agrees != "agrees"
    assert cut.discounts(shop(0.105, 0.10), "2024-12-31", CHANNELS, least_gap=5.0).rule.agrees == "disagrees"


def test_shops_can_say_the_domain():
    orders = shop(0.2, 0.1).rename(columns={"acquired_through": "sold_through"})
    assert cut.discounts(orders, "2024-12-31", CHANNELS).rule.agrees == "cannot be told"
    found = cut.discounts(orders, "2024-12-31", CHANNELS, by="sold_through")
    assert found.rule.agrees == "agrees"
    assert found.table["kind"].tolist() == ["all", "domain", "domain", "shop", "shop"]


def test_odd_brands():
    for orders in (ORDERS.drop(columns="list_amount"), ORDERS.assign(list_amount=0.0), ORDERS.iloc[:0]):
        found = cut.discounts(orders, "2024-12-31", CHANNELS, stays())
        assert found.table.empty
        assert set(found.figures) == {f"discount_{key}" for key in cut.KEYS}
        assert found.rule.agrees == "cannot be told"
    refunded = copies().assign(refunded=lambda table: table["amount"])
    found = cut.discounts(refunded, "2024-12-31", CHANNELS).figures
    assert found["discount_margin"].gate == "sum"
    assert found["discount_share"].value == pytest.approx(0.1)
    with pytest.raises(ValueError, match="deep must be a share"):
        cut.discounts(ORDERS, "2024-12-31", deep=10)


def test_an_invented_brand_and_the_order_of_its_rows():
    made = simulate("xiaoman", customers=600, seed=2).tables
    orders = made["orders"]
    found = cut.discounts(orders, "2025-12-31", {"wecom": "private", "douyin_feed": "public"}, made["members"])
    mixed = orders.sample(frac=1, random_state=1)
    again = cut.discounts(mixed, "2025-12-31", {"wecom": "private", "douyin_feed": "public"}, made["members"])
    pd.testing.assert_frame_equal(found.table, again.table, check_exact=True)
    assert found.figures == again.figures
    overall = 1 - orders["amount"].sum() / orders["list_amount"].sum()
    assert found.figures["discount_share"].value == pytest.approx(overall)
    assert found.figures["discount_pool_gap"].value == pytest.approx(3, abs=1.5)  # its recipe: 3 points more inside
