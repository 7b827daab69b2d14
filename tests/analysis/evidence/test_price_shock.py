"""The scenario of a cheaper rival, by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_orders import log, stays

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import price_shock as shock

UNTIL = "2024-12-31"
ORDERS = log(
    ("a", "2024-02-01", 100.0, 20.0, 30.0, 10.0), ("b", "2024-02-01", 60.0, 0.0, 40.0, None),
    ("a", "2023-02-01", 900.0, 0.0, 30.0, 0.0),  # more than a year ago
    names=("customer_id", "ordered_at", "amount", "refunded", "cost", "platform_fee"),
)  # fmt: skip
MEMBERS = stays(("a", "2024-01-01", None), ("b", "2024-01-01", "2024-03-01"))


def test_by_hand():
    """a leaves 100 - 20 - 30 - 10 = 40, b 60 - 40 = 20; a alone is in the pool."""
    found = shock.price_shock(ORDERS, MEMBERS, UNTIL, switching=0.2, holding=0.5, price_gap=0.1).figures
    told = {name.removeprefix("shock_"): round(one.value, 6) for name, one in found.items()}
    assert told == {"contribution": 60, "members": round(40 / 60, 6), "lost_without": 12, "lost_with": 8, "held": 4,
                    "matching": 14}  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_relation_never_adds_to_the_loss(switching, holding, gap):
    found = shock.price_shock(ORDERS, MEMBERS, UNTIL, 0.5, switching, holding, gap).figures
    assert 0 <= found["shock_lost_with"].value <= found["shock_lost_without"].value
    assert found["shock_lost_without"].value - found["shock_lost_with"].value == pytest.approx(
        found["shock_held"].value
    )


def test_it_is_a_scenario_and_says_so():
    found = shock.price_shock(ORDERS, None, UNTIL)
    assert found.rule.agrees == "cannot be told"
    assert found.figures["shock_members"].value == 0
    for name in ("shock_lost_without", "shock_held", "shock_matching"):
        assert "假设" in found.figures[name].definition.zh
        assert "assumed" in found.figures[name].definition.en
        assert found.figures[f"{name}_least"].value <= found.figures[name].value <= found.figures[f"{name}_most"].value
    with pytest.raises(ValueError, match="switching"):
        shock.price_shock(ORDERS, None, UNTIL, switching=1.2)


@pytest.mark.parametrize("orders", [log(("a", "2024-05-01", 0.0)), log(), log(("a", "2022-05-01", 50.0))])
@pytest.mark.parametrize("margin", [None, 0.5])
def test_odd_brands(orders, margin):
    assert all(isinstance(one, Refused) for one in shock.price_shock(orders, MEMBERS, UNTIL, margin).figures.values())
