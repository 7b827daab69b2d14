"""The public pond: by hand, against all outcomes of a few casts, draws, and the gambler's ruin of the textbook."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.concept.paid_pond import FIGURES, paid_pond, paid_pond_of_brand
from siyu_helpers.data.simulate import simulate


def value(found, key):
    return found.figures[f"paid_pond_{key}"].value


def test_by_hand():
    found = paid_pond(bid=2, conversion=0.1, first_order=10, staying=0.5, later=30, budget=20, casts=50)
    assert value(found, "cast_value") == pytest.approx(0.1 * (10 + 15) - 2)
    # nothing with 0.9, 10 with 0.05, 40 with 0.05
    assert value(found, "deviation") == pytest.approx(math.sqrt(0.05 * 100 + 0.05 * 1600 - 2.5**2))
    assert value(found, "cost_per_buyer") == pytest.approx(20)
    assert value(found, "cost_per_staying") == pytest.approx(40)
    assert value(found, "casts") == 45  # 0.95^45 = 0.0994, 0.95^44 = 0.1047
    assert value(found, "break_even_bid") == pytest.approx(2.5)
    assert value(found, "first_order_bid") == pytest.approx(1)
    assert value(found, "empty") == pytest.approx(0.95**10)
    assert value(found, "loss") == pytest.approx(0.9**10 + 10 * 0.1 * 0.9**9)  # two buyers pay for ten casts


def test_all_outcomes_of_eight_casts():
    bid, first, budget, chance, casts = 3.0, 4.0, 7.0, 0.35, 8
    ruined = lost = 0.0
    for outcome in itertools.product((0, 1), repeat=casts):
        money, dry = budget, False
        for bite in outcome:
            dry = dry or money < bid
            money += 0 if dry else first * bite - bid
        ruined += dry * chance ** sum(outcome) * (1 - chance) ** (casts - sum(outcome))
    for outcome in itertools.product((0, 1), repeat=2):  # the budget alone pays for two
        lost += (first * sum(outcome) < 2 * bid) * chance ** sum(outcome) * (1 - chance) ** (2 - sum(outcome))
    found = paid_pond(bid, chance, first, 0.5, 10, budget, casts)
    assert value(found, "ruin") == pytest.approx(ruined)
    assert value(found, "loss") == pytest.approx(lost)


@pytest.mark.parametrize("budget", [1, 3])
def test_the_gamblers_ruin(budget):
    # Feller (1968), chapter XIV, (2.8): stakes of 1, won with probability p > 1/2, against an infinitely rich adversary
    # a gambler with z is ruined with probability ((1 - p) / p)^z.
    found = paid_pond(bid=1, conversion=0.6, first_order=2, staying=0, later=0, budget=budget, casts=3000)
    assert value(found, "ruin") == pytest.approx((0.4 / 0.6) ** budget, rel=1e-6)


def test_the_table_against_draws():
    found = paid_pond(bid=1.5, conversion=0.05, first_order=20, staying=0.3, later=40)
    row = found.table.set_index("casts").loc[value(found, "casts")]
    rng, many = np.random.default_rng(3), 100_000
    bought = rng.binomial(int(row.name), 0.05, many)
    stayed = rng.binomial(bought, 0.3)
    assert (stayed > 0).mean() == pytest.approx(row["one_stays"], abs=0.005)
    net = bought * 20 + stayed * 40 - row["cost"]
    assert net.mean() == pytest.approx(row["net"], abs=1)
    assert net.std() == pytest.approx(row["net_deviation"], rel=0.02)
    assert (bought * 20 < row["cost"]).mean() == pytest.approx(row["loss"], abs=0.005)


@settings(max_examples=80, deadline=None)
@given(
    bid=st.floats(0, 100), conversion=st.floats(0, 1), first_order=st.floats(-100, 1000), staying=st.floats(0, 1),
    later=st.floats(0, 1000), budget=st.floats(0, 1e4), casts=st.integers(1, 200),
)  # fmt: skip
def test_probabilities_are_probabilities_and_the_break_even_bid_breaks_even(**given_):
    found = paid_pond(**given_)
    assert tuple(found.figures) == FIGURES
    for key in ("stay", "empty", "loss", "ruin"):
        assert 0 <= value(found, key) <= 1
    assert np.isfinite(found.table.to_numpy(dtype=float)).all()
    needed = found.figures["paid_pond_casts"]
    if hasattr(needed, "value") and 1 < needed.value < 1e9:
        left = 1 - value(found, "stay")
        assert left ** (needed.value - 1) > 0.1 * (1 - 1e-6)
        assert left**needed.value <= 0.1 * (1 + 1e-6)
    bid = found.figures["paid_pond_break_even_bid"]
    if hasattr(bid, "value"):
        again = paid_pond(**given_ | {"bid": bid.value, "casts": 1})
        assert value(again, "cast_value") == pytest.approx(0, abs=1e-9 * max(1, bid.value))


def test_odd_ponds():
    none = paid_pond(conversion=0)
    assert none.figures["paid_pond_casts"].gate == "customers who stay"
    assert none.figures["paid_pond_break_even_bid"].gate == "value of a cast"
    assert value(paid_pond(bid=0), "ruin") == 0
    assert value(paid_pond(budget=0), "ruin") == 1
    for wrong in ({"casts": 0}, {"casts": 30_000}, {"enough": 1}, {"conversion": 2}, {"bid": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            paid_pond(**wrong)


def test_a_brands_clicks():
    tables = simulate("xiaoman", customers=500, seed=2).tables
    spend, orders = tables["spend"], tables["orders"]
    told = {"first_order": 20, "staying": 0.3, "later": 60}
    found = paid_pond_of_brand(spend, orders, "2025-12-31", "douyin_feed", **told)
    rows = spend[spend["channel"] == "douyin_feed"]
    firsts = orders.sort_values("ordered_at").drop_duplicates("customer_id")
    bought = (firsts["acquired_through"] == "douyin_feed").sum()
    assert value(found, "cost_per_buyer") == pytest.approx(rows["spend"].sum() / bought)
    assert value(found, "first_order_bid") == pytest.approx(20 * bought / rows["clicks"].sum())
    for refused in (
        paid_pond_of_brand(None, orders, "2025-12-31", "douyin_feed", **told),
        paid_pond_of_brand(spend.drop(columns="clicks"), orders, "2025-12-31", "douyin_feed", **told),
        paid_pond_of_brand(spend, orders.drop(columns="acquired_through"), "2025-12-31", "douyin_feed", **told),
        paid_pond_of_brand(spend, orders, "2025-12-31", "nowhere", **told),
        paid_pond_of_brand(spend.assign(clicks=np.nan), orders, "2025-12-31", "douyin_feed", **told),
        paid_pond_of_brand(spend.iloc[:0], orders, "2025-12-31", "douyin_feed", **told),
    ):
        assert {fact.gate for fact in refused.figures.values()} == {"data"}
        assert refused.table.empty
    one = pd.DataFrame({"customer_id": ["a"], "ordered_at": pd.to_datetime(["2025-01-05"]), "amount": [0.0]})
    found = paid_pond_of_brand(spend, one.assign(acquired_through="direct"), "2025-12-31", "douyin_feed", **told)
    assert set(found.figures) == set(FIGURES)
