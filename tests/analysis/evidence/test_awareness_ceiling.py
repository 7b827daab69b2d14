"""How far a pool reaches: by hand, and the rule."""

import pandas as pd
import pytest
from pool_orders import log, stays

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import awareness_ceiling as ceiling

UNTIL = "2024-12-31"
NAMES = ("customer_id", "ordered_at", "amount", "referrer_id")


def brand(before, referred, n=200):
    """New customers of June; so many joined before their first order, so many others were referred."""
    rows = [(i, "2024-06-01 12:00", 9.0, 5 if before <= i < before + referred else None) for i in range(n)]
    rows += [(n + i, "2022-01-01", 9.0, None) for i in range(50)]
    joined = [(i, "2024-06-01 09:00", None) for i in range(before)] + [
        (n - 1 - i, "2024-06-01 15:00", None) for i in range(40)
    ]
    return log(*rows, names=NAMES), stays(*joined)


@pytest.mark.parametrize(("before", "referred", "agrees"), [
    (10, 20, "agrees"), (60, 80, "disagrees"), (40, 60, "cannot be told")])  # fmt: skip
def test_by_hand(before, referred, agrees):
    orders, members = brand(before, referred)
    found = ceiling.awareness_ceiling(orders, members, UNTIL, market_customers=10_000)
    assert found.figures["ceiling_pool"].value == before + 40
    assert found.figures["ceiling_buyers"].value == (before + 40) / 200
    assert found.figures["ceiling_new_outside"].value == pytest.approx(1 - (before + referred) / 200)
    assert found.figures["ceiling_market"].value == (before + 40) / 10_000
    assert found.table["customers"].tolist() == [before + 40, 200, 250, 10_000]
    assert found.rule.agrees == agrees


def test_refusals():
    orders, members = brand(10, 20)
    assert all(isinstance(one, Refused) for one in ceiling.awareness_ceiling(orders, None, UNTIL).figures.values())
    nobody = members[:0]
    found = ceiling.awareness_ceiling(orders, nobody, UNTIL).figures
    assert found["ceiling_pool"].value == 0
    assert isinstance(found["ceiling_market"], Refused)
    for orders in (log(("a", "2024-05-01", 0.0)), log()):
        found = ceiling.awareness_ceiling(orders, members, UNTIL)
        assert isinstance(found.figures["ceiling_buyers"], Refused)
        assert found.rule.agrees == "cannot be told"
    for market in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="market_customers"):
            ceiling.awareness_ceiling(orders, members, UNTIL, market)


def test_who_joined_and_left_before_the_first_order_was_in_the_pool():
    orders = log(*((i, "2024-06-01", 9.0) for i in range(100)))
    members = stays(*((i, "2024-03-01", "2024-04-01") for i in range(100)))
    assert ceiling.awareness_ceiling(orders, members, UNTIL).figures["ceiling_new_outside"].value == 0
    assert isinstance(members, pd.DataFrame)
